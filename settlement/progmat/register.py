"""One issue on the platform: the holder register kept as tokens, in the shape of every ledger.

A hold is a LOCK transaction: the units stay their owner's, in a token of their own, and the rest
comes back as change. Posting the hold spends that token to the taker under the signature the
giver's account gave with the lock; voiding it spends it back to the owner and needs no one.

How a step becomes a transaction is token_book.py's.
"""

from typing import ClassVar

from market.errors import check
from market.instrument import Instrument, TokenPlatform
from market.quantities import Units
from market.token_acts import TransferGround
from settlement.ledger import Hold, HoldId
from settlement.progmat.parties import ADMINISTRATOR
from settlement.progmat.platform import Platform
from settlement.progmat.records import (
    Token,
    TransferType,
)
from settlement.progmat.token_book import TokenBook
from settlement.refusals import Refusal
from settlement.register import ISSUER, used
from settlement.station import Process
from settlement.transfer_control import InFlight


class ProgmatRegister(TokenBook):
    """Holders of one issue, in units, as unspent tokens.

    Attributes:
        refusing: Owners whose node refuses what comes in.
        record_dates: Register by record date, as it stood when that was run (I13).
    """

    kind: ClassVar = TokenPlatform.PROGMAT
    __slots__ = ("record_dates", "refusing")

    def __init__(
        self,
        instrument: Instrument,
        platform: Platform,
        *,
        control_id: str = "",
        administrator: str = ADMINISTRATOR,
    ) -> None:
        super().__init__(instrument, platform, control_id=control_id, administrator=administrator)
        self.refusing: set[str] = set()
        self.record_dates: dict[str, list[tuple[str, int]]] = {}

    # --- the shape of every ledger

    @property
    def executable(self) -> bool:
        """The transfer-executability flag of the issue's control id."""
        return self.accepts_entries

    @executable.setter
    def executable(self, value: bool) -> None:
        control = self.platform.controls.joined[self.asset]
        self.platform.set_control(
            control, executable=value, in_flight=InFlight.DRAIN, actor=self.administrator,
            reason="venue",
        )  # fmt: skip

    def hindrance(
        self, giver: str, taker: str, *, hold_id: HoldId | None = None, by_power: bool = False
    ) -> Refusal | None:
        """As a register, with the station, frozen investors, the receiver's word and signatures."""
        platform = self.platform
        process = Process.INSTRUCT if hold_id is None else Process.COMPLETE
        refused = platform.station.refusal(process) or super().hindrance(
            giver, taker, hold_id=hold_id, by_power=by_power
        )
        if refused is not None:
            return refused
        if not by_power:
            if giver in platform.frozen or taker in platform.frozen:
                return Refusal.ACCOUNT_FROZEN
            if taker in self.refusing:
                return Refusal.RECEIVER_REFUSED
        return self._signature_refusal(giver, hold_id, by_power=by_power)

    def _signature_refusal(
        self, giver: str, hold_id: HoldId | None, *, by_power: bool
    ) -> Refusal | None:
        """Whose key would be refused: the giver's, the creating node's, the notary's."""
        platform, keys = self.platform, self.platform.keys
        if not keys.signing:
            return None
        ruling = by_power or giver == ISSUER
        node = self.administrator if ruling else platform.custodians.get(giver, giver)
        authority = self.administrator if by_power else giver
        for owner in (authority, platform.node_key(node), platform.notary.key):
            refused = keys.refusal(owner)
            if refused is not None:
                return refused
        if hold_id in self._mandates and not keys.verify_mandate(giver, *self._mandates[hold_id]):
            return Refusal.BAD_SIGNATURE
        return None

    def completion_hindrance(self, taker: str) -> Refusal | None:
        """A paid delivery, too, waits for the station and the notary."""
        del taker
        return self.refusal(Process.COMPLETE) or self._notary_refusal()

    def return_hindrance(self) -> Refusal | None:
        """In an emergency nothing returns, nor without the notary."""
        return self.platform.station.refusal(Process.RETURN) or self._notary_refusal()

    def _notary_refusal(self) -> Refusal | None:
        return self.platform.keys.refusal(self.platform.notary.key)

    def freeze(self, owner: str, *, frozen: bool, reason: str) -> None:
        """As a register, on the audit chain."""
        super().freeze(owner, frozen=frozen, reason=reason)
        word = "frozen" if frozen else "free"
        self.platform.note(self.administrator, f"account {owner} {word} in {self.asset}", reason)

    def set_receiving(self, owner: str, *, receives: bool, reason: str) -> None:
        """The owner's node lets units in, or refuses them."""
        (self.refusing.discard if receives else self.refusing.add)(owner)
        word = "receives" if receives else "refuses"
        self.platform.note(owner, f"account {owner} {word} {self.asset}", reason)

    def force(
        self, giver: str, taker: str, units: Units, ground: TransferGround, reference: str
    ) -> None:
        """By the administrator's key; the reference stands for the legal ground."""
        self._check_free(giver, units)
        kind = TransferType(ground.value)
        self._must(
            self.move(
                kind, giver, taker, units, authority_key=self.administrator, authority=reference
            )
        )

    def redeem(self, owner: str, units: Units) -> None:
        """By the administrator's key."""
        self._check_free(owner, units)
        key = self.administrator
        self._must(self.move(TransferType.REDEEM, owner, ISSUER, units, authority_key=key))

    def _check_free(self, owner: str, units: int) -> None:
        enough = 0 < units <= self.available(owner)
        check(enough, "I3: nobody gives what he lacks", asset=self.asset, owner=owner)

    def owners_in_law(self, record_date: str) -> dict[str, int]:
        """From the tokens; written down where the station lets the record date be run."""
        told = self.run_record_date(record_date)
        return self._owned() if isinstance(told, Refusal) else dict(told)

    def can_give(self, owner: str, amount: int) -> bool:
        """As a ledger, while the station is open and the account is not frozen."""
        platform = self.platform
        if owner in platform.frozen or platform.station.refusal(Process.INSTRUCT) is not None:
            return False
        if owner == ISSUER and amount > self.unissued_units:
            return False
        return super().can_give(owner, amount)

    def post(self, giver: str, taker: str, amount: int) -> None:
        """Move at once: an allotment when the issuer gives, otherwise a sale."""
        self._check_entry(giver, taker, amount)
        kind = TransferType.ALLOT if giver == ISSUER else TransferType.SALE
        self._must(self.move(kind, giver, taker, amount))

    def hold(self, hold_id: HoldId, giver: str, taker: str, amount: int) -> None:
        """Lock units for the taker (仮移転)."""
        check(self.is_unused(hold_id), "I10: a hold id is used once", hold=hold_id)
        self._check_entry(giver, taker, amount)
        mandate = self.mandate(hold_id, giver, taker, amount, TransferType.LOCK)
        signature = self.platform.keys.sign(giver, mandate)
        self._must(self.lock(hold_id, giver, taker, amount, mandate=mandate, signature=signature))

    def post_hold(self, hold_id: HoldId) -> Hold:
        """Spend the locked token to the taker (本移転).

        The mandate the giver's account signed with the lock authorises it. Where that account or
        its node has no valid key any more, the issue's administrator does: the taker has paid.

        Raises:
            InvariantBroken: When the hold is not live, the station is shut to completion, or the
                flag froze it; ask :meth:`refusal` first.
        """
        check(hold_id in self.live_holds, "I5: a hold ends once", asset=self.asset, hold=hold_id)
        refused = self.refusal(Process.COMPLETE)
        check(refused is None, "I16: no final transfer now", hold=hold_id, refused=refused)
        hold = self.live_holds[hold_id]
        mandate, signature = self._mandates[hold_id]
        authority_key, by_power = hold.giver, False
        if self._signature_refusal(hold.giver, hold_id, by_power=False) is not None:
            authority_key, by_power = self.administrator, True
            signature = self.platform.keys.sign(authority_key, mandate)
        info = self.info(
            hold_id, hold.giver, hold.taker, hold.amount, TransferType.SALE,
            administrative=by_power,
        )  # fmt: skip
        outputs = (Token(hold.taker, hold.amount),)
        refused = self._record(
            (self.coins.locks[hold_id],),
            outputs,
            info,
            mandate,
            authority_key=authority_key,
            authority_signature=signature,
        )
        self._must(refused)
        self._forget(hold_id)
        self._kept(hold.giver, hold.taker, hold.amount)
        return super().post_hold(hold_id)

    def void_hold(self, hold_id: HoldId) -> Hold:
        """Spend the locked token back to its owner; refused only while the ledger is down.

        An exit needs nobody's leave (I20): where the owner's node has no valid key, the issue's
        administrator makes the transaction.
        """
        check(hold_id in self.live_holds, "I5: a hold ends once", asset=self.asset, hold=hold_id)
        refused = self.refusal(Process.RETURN)
        check(refused is None, "I16: the ledger is down", hold=hold_id, refused=refused)
        hold = self.live_holds[hold_id]
        node = self.platform.node_key(self.platform.custodian_of(hold.giver))
        info = self.info(
            hold_id, hold.giver, hold.giver, hold.amount, TransferType.RETURN,
            administrative=self.platform.keys.refusal(node) is not None,
        )  # fmt: skip
        outputs = (Token(hold.giver, hold.amount),)
        self._must(self._record((self.coins.locks[hold_id],), outputs, info))
        self._forget(hold_id)
        return super().void_hold(hold_id)

    def refusal(self, process: Process, epoch: int | None = None) -> Refusal | None:
        """Why the station or the flag bars a process now: the last reading, which decides."""
        refused = self.platform.station.refusal(process, epoch)
        return refused or self.platform.controls.refusal(self.asset, process)

    # --- the register at a record date

    def run_record_date(self, record_date: str) -> list[tuple[str, int]] | Refusal:
        """Write down the owners in law (権利者): locked units count for the deliverer.

        The same date again gives what was written down first (I10).
        """
        known = self.record_dates.get(record_date)
        if known is None:
            refused = self.platform.station.refusal(Process.BATCH)
            if refused is not None:
                return refused
            known = self.record_dates[record_date] = list(self._owned().items())
            self.platform.note(
                self.administrator, f"record date {self.asset} {record_date}", "batch"
            )
        return list(known)

    def _owned(self) -> dict[str, int]:
        return {
            owner: units for owner, units in self.coins.owned_units().items() if owner != ISSUER
        }

    def state(self) -> dict[str, object]:
        """Canonical content for the digest."""
        return {
            **super().state(),
            "redeemed_units": self.redeemed_units,
            **used({"refusing": sorted(self.refusing)}),
            "tokens": len(self.unspent),
            "platform": self.platform.state(),
        }
