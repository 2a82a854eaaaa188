"""Switches on tokens: what may pass, in whose name, and with whose signature.

| act | what it does | refused, beside an unknown firm or issue |
|---|---|---|
| SetStation | the token platform's next state | no such platform, not the next state |
| FreezeAccount | nothing passes from or to the account | platform, already so |
| SetReceiving | the firm lets nothing in | platform, already so |
| RegisterHolder | without it nothing arrives | platform, already so |
| RenewAccountKey, RevokeAccountKey | whose signatures are accepted, and when | platform, signing is off |

settlement/verbs.py says which platform knows which act. Refusals come in the catalogue's order and
move nothing. Cost: O(1). Errors: none beyond refusals.

Known limits: a station, a frozen account and a key hold from the step that sets them, while the
platform's own clock shows the beginning of the day.
"""

from collections.abc import Callable, Mapping
from typing import Any

from market.errors import check
from market.events import Event
from market.ids import InstrumentId, ParticipantId
from market.instrument import TokenPlatform
from market.reasons import RejectReason
from market.token_acts import (
    AccountFrozen,
    AccountKeySet,
    FreezeAccount,
    HolderRegistered,
    ReceivingSet,
    RegisterHolder,
    RenewAccountKey,
    RevokeAccountKey,
    SetReceiving,
    SetStation,
    StationSet,
)
from settlement.deposits import Deposits
from settlement.ibet.register import IbetRegister
from settlement.platforms import Platforms, node_of
from settlement.progmat.register import ProgmatRegister
from settlement.register import Register, Registers
from settlement.verbs import KNOWN, REJECT, Verb, refuse

_R = RejectReason


class TokenSwitches:
    """The station, the accounts and the keys, as the operator sets them."""

    __slots__ = ("_deposits", "_platforms", "_registers")

    def __init__(self, deposits: Deposits, registers: Registers, platforms: Platforms) -> None:
        self._deposits = deposits
        self._registers = registers
        self._platforms = platforms

    @property
    def handlers(self) -> Mapping[type, Callable[[Any], list[Event]]]:
        """Which method answers which command."""
        return {
            SetStation: self.set_station,
            FreezeAccount: self.freeze_account,
            SetReceiving: self.set_receiving,
            RegisterHolder: self.register_holder,
            RenewAccountKey: self.set_key,
            RevokeAccountKey: self.set_key,
        }

    def set_station(self, command: SetStation) -> list[Event]:
        """Take the station to its next state."""
        platform = self._platforms.tokens
        if not platform.registers:
            return refuse(_R.ACT_UNSUPPORTED, "no issue is kept on the token platform")
        refused = platform.switch_station(command.station, actor="operator", reason=command.reason)
        if refused is not None:
            now = platform.station.station.value
            return refuse(REJECT[refused], f"from {now} there is no way to {command.station}")
        epoch = platform.station.epoch
        return [StationSet(station=command.station, epoch=epoch, reason=command.reason)]

    def freeze_account(self, command: FreezeAccount) -> list[Event]:
        """Freeze or free."""
        firm, name = command.participant_id, command.instrument_id
        register = self._known(firm, name, Verb.FREEZE)
        if not isinstance(register, Register):
            return register
        if command.frozen == (firm in register.frozen):
            return refuse(_R.DUPLICATE, f"{firm} is so in {name} already")
        register.freeze(firm, frozen=command.frozen, reason=command.reason)
        return [
            AccountFrozen(
                participant_id=firm, instrument_id=name, frozen=command.frozen,
                reason=command.reason,
            )
        ]  # fmt: skip

    def set_receiving(self, command: SetReceiving) -> list[Event]:
        """Let units in, or refuse them."""
        firm, name = command.participant_id, command.instrument_id
        register = self._known(firm, name, Verb.RECEIVE)
        if not isinstance(register, ProgmatRegister):
            check(isinstance(register, list), "only one platform knows it", issue=name)
            return register if isinstance(register, list) else []
        if command.receives == (firm not in register.refusing):
            return refuse(_R.DUPLICATE, f"{firm} is so in {name} already")
        register.set_receiving(firm, receives=command.receives, reason=command.reason)
        return [
            ReceivingSet(
                participant_id=firm, instrument_id=name, receives=command.receives,
                reason=command.reason,
            )
        ]  # fmt: skip

    def register_holder(self, command: RegisterHolder) -> list[Event]:
        """Note that the issuer has the holder's personal information, or no longer."""
        firm, name = command.participant_id, command.instrument_id
        register = self._known(firm, name, Verb.REGISTER_HOLDER)
        if not isinstance(register, IbetRegister):
            check(isinstance(register, list), "only one platform knows it", issue=name)
            return register if isinstance(register, list) else []
        if command.registered == (firm not in register.withdrawn):
            return refuse(_R.DUPLICATE, f"{firm} is so in {name} already")
        register.register_holder(firm, registered=command.registered)
        return [
            HolderRegistered(
                participant_id=firm, instrument_id=name, registered=command.registered,
                reason=command.reason,
            )
        ]  # fmt: skip

    def set_key(self, command: RenewAccountKey | RevokeAccountKey) -> list[Event]:
        """Replace or end a key of a firm on the token platform."""
        firm, platform = command.participant_id, self._platforms.tokens
        keys = platform.keys
        if firm not in self._deposits.participants:
            return refuse(_R.NOT_ENTITLED, firm)
        owner = node_of(firm) if command.node else firm
        if not keys.signing or not platform.registers:
            return refuse(_R.ACT_UNSUPPORTED, "nothing is signed in this run")
        if command.node and platform.node_key(owner) != owner:
            return refuse(_R.ACT_UNSUPPORTED, "one operator signs for every node")
        if isinstance(command, RenewAccountKey):
            if command.valid_from > command.valid_until:
                return refuse(_R.INVALID_COMBINATION, "a key's first day is not after its last")
            keys.public_key(owner)
            keys.rotate(owner, command.valid_from.isoformat(), command.valid_until.isoformat())
            public = keys.public_key(owner).hex()
        elif owner in keys.revoked:
            return refuse(_R.DUPLICATE, f"{owner} has no key already")
        else:
            keys.public_key(owner)
            keys.revoke(owner)
            public = ""
        version = keys.versions[owner]
        platform.note("operator", f"key {owner} {version} {public}", command.reason)
        told = AccountKeySet(
            participant_id=firm,
            version=version,
            public_key_hex=public,
            reason=command.reason,
            node=command.node,
        )
        return [told]

    def _known(
        self, firm: ParticipantId, instrument_id: InstrumentId, verb: Verb
    ) -> Register | list[Event]:
        """The register of an issue whose platform knows the act, or the refusal."""
        if firm not in self._deposits.participants:
            return refuse(_R.NOT_ENTITLED, firm)
        register = self._registers.get(instrument_id)
        if register is None:
            return refuse(_R.UNKNOWN_INSTRUMENT, instrument_id)
        kind: TokenPlatform = register.kind
        if verb not in KNOWN[kind]:
            return refuse(_R.ACT_UNSUPPORTED, f"{instrument_id} is kept on {kind.value} books")
        return register
