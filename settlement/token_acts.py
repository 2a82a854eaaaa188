"""Acts on tokens besides trades: asked by the operator, checked in one order, told as events.

| act | what it does | refused, beside an unknown firm or issue |
|---|---|---|
| SetStation | the token platform's next state | no such platform, not the next state |
| FreezeAccount | nothing passes from or to the account | platform, already so |
| SetReceiving | the firm lets nothing in | platform, already so |
| RegisterHolder | without it nothing arrives | platform, already so |
| RenewAccountKey, RevokeAccountKey | whose signatures are accepted, and when | platform, signing is off |
| ForceTransfer | free units move by law | same firm, units, what hinders |
| RedeemUnits | free units end against yen | units, price, what hinders |
| RedeemIssue | deliveries end in cash, all units end against yen | price, what hinders |
| DeclareDistribution | owners of the record date are paid | dates, price |

settlement/verbs.py says which platform knows which act. Refusals come in the catalogue's order and
move nothing. An act with a reference happens once: again it is DUPLICATE, with other content
ID_CONFLICT (I10). By law and by the issuer's power means: frozen accounts and refusing receivers are
no hindrance; a closed station, an issue that may not move (I16) and an unregistered taker are; units
under a lock have to come back first. Orders of a firm that lost units stay, and may not be delivered.

A redeemed issue ends its open deliveries first, so every lock is back and the seller is redeemed; he
owes the buyer what the units brought, the buyer owes the price, and the difference is a claim
(distributions.py). Its register is closed for good.

Known limits: a station, a frozen account and a key hold from the step that sets them, while the
platform's own clock shows the beginning of the day; the operator plays issuer and administrator.
"""

from collections.abc import Callable, Mapping
from datetime import date
from typing import Any

from market import business_days
from market.errors import check
from market.events import (
    CommandRefused,
    DeliveryState,
    Event,
    TransferControlSet,
    UnitsMoved,
    YenMoved,
)
from market.ids import InstrumentId, ParticipantId
from market.instrument import TokenPlatform
from market.quantities import (
    MAX_PRICE_SEN,
    MAX_YEN,
    SEN_PER_YEN,
    Sen,
    Units,
    Yen,
    consideration_yen_rounded_down,
)
from market.reasons import FailReason, RejectReason
from market.token_acts import (
    AccountFrozen,
    AccountKeySet,
    DeclareDistribution,
    ForceTransfer,
    FreezeAccount,
    HolderRegistered,
    ReceivingSet,
    RedeemIssue,
    RedeemUnits,
    RegisterHolder,
    RenewAccountKey,
    RevokeAccountKey,
    SetReceiving,
    SetStation,
    StationSet,
    TransferForced,
    UnitsRedeemed,
)
from settlement.cash import Cash
from settlement.deliveries import Deliveries
from settlement.delivery import UNITS_HELD_STATES, Delivery
from settlement.deposits import Deposits
from settlement.designs import Design
from settlement.distributions import CashClaim, Distributions
from settlement.ibet.register import IbetRegister
from settlement.platforms import Platforms, node_of
from settlement.progmat.register import ProgmatRegister
from settlement.progmat.tables import is_opaque
from settlement.register import ISSUER, Register, Registers, used
from settlement.verbs import KNOWN, REJECT, Verb

_R = RejectReason
Priced = RedeemUnits | RedeemIssue | DeclareDistribution
Referenced = ForceTransfer | Priced
"""Acts that move units or yen."""


class TokenActs:
    """The operator's counter for tokens.

    Attributes:
        distributions: Record dates, payments and claims.
        accepted: Acts that took effect, by reference.
    """

    __slots__ = (
        "_book",
        "_calendar",
        "_cash",
        "_counted_until",
        "_deposits",
        "_design",
        "_platforms",
        "_registers",
        "accepted",
        "business_date",
        "distributions",
    )

    def __init__(
        self,
        *,
        book: Deliveries,
        deposits: Deposits,
        cash: Cash,
        registers: Registers,
        platforms: Platforms,
        design: Design,
        calendar: business_days.Calendar,
    ) -> None:
        self._book = book
        self._deposits = deposits
        self._cash = cash
        self._registers = registers
        self._platforms = platforms
        self._design = design
        self._calendar = calendar
        self.distributions = Distributions(cash, registers, book.by_id)
        self.accepted: dict[str, Referenced] = {}
        self.business_date = self._counted_until = date.min

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
            ForceTransfer: self.force_transfer,
            RedeemUnits: self.redeem_units,
            RedeemIssue: self.redeem_issue,
            DeclareDistribution: self.declare_distribution,
        }

    # --- the day

    def start_day(self, day: date) -> list[Event]:
        """Count for record dates that passed without a close, before anything moves."""
        events = self.distributions.close(_before(day), self._book.under_way.values())
        self.business_date = day
        self._counted_until = _before(day)
        return events

    def close_day(self) -> list[Event]:
        """Count owners at the close of a record date. O(owners + open deliveries) when it is one."""
        self._counted_until = self.business_date
        return self.distributions.close(self.business_date, self._book.under_way.values())

    def pay(self) -> list[Event]:
        """Pay what is due, before a stage of settlement."""
        return self._book.tell(self.distributions.pay(self.business_date))

    def exit_refusal(self, delivery: Delivery) -> RejectReason | None:
        """Why a delivery cannot end now: its lock cannot come back. Changes nothing."""
        if not delivery.moves_units or delivery.state not in UNITS_HELD_STATES:
            return None
        refused = self._registers[delivery.terms.instrument_id].return_hindrance()
        return None if refused is None else REJECT[refused]

    # --- switches

    def set_station(self, command: SetStation) -> list[Event]:
        """Take the station to its next state."""
        platform = self._platforms.tokens
        if not platform.registers:
            return _refuse(_R.ACT_UNSUPPORTED, "no issue is kept on the token platform")
        refused = platform.switch_station(command.station, actor="operator", reason=command.reason)
        if refused is not None:
            now = platform.station.station.value
            return _refuse(REJECT[refused], f"from {now} there is no way to {command.station}")
        epoch = platform.station.epoch
        return [StationSet(station=command.station, epoch=epoch, reason=command.reason)]

    def freeze_account(self, command: FreezeAccount) -> list[Event]:
        """Freeze or free."""
        firm, name = command.participant_id, command.instrument_id
        register = self._known(firm, name, Verb.FREEZE)
        if not isinstance(register, Register):
            return register
        if command.frozen == (firm in register.frozen):
            return _refuse(_R.DUPLICATE, f"{firm} is so in {name} already")
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
            return _refuse(_R.DUPLICATE, f"{firm} is so in {name} already")
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
            return _refuse(_R.DUPLICATE, f"{firm} is so in {name} already")
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
            return _refuse(_R.NOT_ENTITLED, firm)
        owner = node_of(firm) if command.node else firm
        if not keys.signing or not platform.registers:
            return _refuse(_R.ACT_UNSUPPORTED, "nothing is signed in this run")
        if command.node and platform.node_key(owner) != owner:
            return _refuse(_R.ACT_UNSUPPORTED, "one operator signs for every node")
        if isinstance(command, RenewAccountKey):
            if command.valid_from > command.valid_until:
                return _refuse(_R.INVALID_COMBINATION, "a key's first day is not after its last")
            keys.public_key(owner)
            keys.rotate(owner, command.valid_from.isoformat(), command.valid_until.isoformat())
            public = keys.public_key(owner).hex()
        elif owner in keys.revoked:
            return _refuse(_R.DUPLICATE, f"{owner} has no key already")
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
            return _refuse(_R.NOT_ENTITLED, firm)
        register = self._registers.get(instrument_id)
        if register is None:
            return _refuse(_R.UNKNOWN_INSTRUMENT, instrument_id)
        kind: TokenPlatform = register.kind
        if verb not in KNOWN[kind]:
            return _refuse(_R.ACT_UNSUPPORTED, f"{instrument_id} is kept on {kind.value} books")
        return register

    # --- units by law

    def force_transfer(self, command: ForceTransfer) -> list[Event]:
        """Move free units."""
        register = self._open_act(command, command.giver, command.taker)
        if not isinstance(register, Register):
            return register
        giver, taker, units = command.giver, command.taker, command.quantity_units
        if giver == taker:
            return _refuse(_R.INVALID_COMBINATION, "nobody gives to himself")
        refused = self._means(register, giver, taker, units)
        if refused is not None:
            return _refuse(refused, command.reference)
        # Every check is above this line; below it nothing can fail.
        register.force(giver, taker, units, command.ground, command.reference)
        self.accepted[command.reference] = command
        name = command.instrument_id
        told = TransferForced(
            instrument_id=name, giver=giver, taker=taker, quantity_units=units,
            ground=command.ground, reference=command.reference, reason=command.reason,
        )  # fmt: skip
        moved = UnitsMoved(instrument_id=name, giver=giver, taker=taker, quantity_units=units)
        return self._book.tell([moved, told])

    def redeem_units(self, command: RedeemUnits) -> list[Event]:
        """End some of a holder's free units against yen."""
        register = self._open_act(command, command.participant_id)
        if not isinstance(register, Register):
            return register
        owner, units = command.participant_id, command.quantity_units
        refused = self._price_refusal(command.price_sen, units) or self._means(
            register, owner, ISSUER, units
        )
        if refused is not None:
            return _refuse(refused, command.reference)
        # Every check is above this line; below it nothing can fail.
        self.accepted[command.reference] = command
        return self._redeem(command, register, [(owner, units)])

    def redeem_issue(self, command: RedeemIssue) -> list[Event]:
        """End the issue: deliveries in cash, then every unit held against yen."""
        register = self._open_act(command)
        if not isinstance(register, Register):
            return register
        name = command.instrument_id
        open_deliveries = [
            one for one in self._book.under_way.values() if one.terms.instrument_id == name
        ]
        refused = self._price_refusal(command.price_sen, register.issued_units)
        if refused is None and any(one.state is DeliveryState.PAID for one in open_deliveries):
            refused = _R.ALREADY_FINAL
        if refused is None:
            refused = self._hindrance(register, ISSUER, ISSUER)
        if refused is not None:
            return _refuse(refused, command.reference)
        # Every check is above this line; below it nothing can fail.
        self.accepted[command.reference] = command
        events: list[Event] = []
        for delivery in open_deliveries:
            events += self._book.tell(self._design.cancel(delivery, FailReason.REDEEMED))
        events += self._redeem(command, register, register.holders())
        for delivery in open_deliveries:
            events += self._settle_in_cash(command, delivery)
        events += self._book.tell(self.distributions.pay_claims(self.business_date))
        register.executable = False
        closed = TransferControlSet(instrument_id=name, executable=False, reason="redeemed")
        return [*events, closed]

    def _settle_in_cash(self, command: RedeemIssue, delivery: Delivery) -> list[Event]:
        """What is left of a delivery whose units are no more: see lifecycle/record_dates.py."""
        terms = delivery.terms
        brought = consideration_yen_rounded_down(command.price_sen, delivery.open_units)
        difference = brought - delivery.open_yen
        if difference == 0 or terms.seller == terms.buyer:
            return []
        payer, payee = terms.seller, terms.buyer
        if difference < 0:
            payer, payee = payee, payer
        claim = CashClaim(
            command.reference,
            terms.delivery_id,
            payer,
            payee,
            Yen(abs(difference)),
            self.business_date,
            stands=True,
        )
        return [self.distributions.owe(claim)]

    def _redeem(
        self,
        command: RedeemUnits | RedeemIssue,
        register: Register,
        holders: list[tuple[ParticipantId, Units]] | list[tuple[str, Units]],
    ) -> list[Event]:
        events: list[Event] = []
        gone = total = 0
        for name, units in holders:
            owner = ParticipantId(name)
            register.redeem(owner, units)
            events.append(
                UnitsMoved(
                    instrument_id=command.instrument_id, giver=owner, taker=None,
                    quantity_units=units,
                )
            )  # fmt: skip
            yen = consideration_yen_rounded_down(command.price_sen, units)
            if yen:
                self._cash.deposit(owner, yen)
                events.append(YenMoved(giver=None, taker=owner, amount_yen=yen))
            gone, total = gone + units, total + yen
        events.append(
            UnitsRedeemed(
                instrument_id=command.instrument_id, quantity_units=Units(gone),
                amount_yen=Yen(total), issued_units=register.issued_units,
                rest_sen=Sen(gone * command.price_sen - total * SEN_PER_YEN),
                reference=command.reference,
            )
        )  # fmt: skip
        return self._book.tell(events)

    # --- distributions

    def declare_distribution(self, command: DeclareDistribution) -> list[Event]:
        """Take a distribution down."""
        register = self._open_act(command)
        if not isinstance(register, Register):
            return register
        days = (command.record_date, command.payment_date)
        if command.payment_date <= command.record_date:
            return _refuse(_R.INVALID_COMBINATION, "it is paid after its record date")
        open_days = all(business_days.is_business_day(day, self._calendar) for day in days)
        if not open_days or command.record_date <= self._counted_until:
            return _refuse(_R.OUT_OF_RANGE, "record and payment are on business days to come")
        refused = self._price_refusal(command.price_sen, register.issued_units)
        if refused is not None:
            return _refuse(refused, command.reference)
        self.accepted[command.reference] = command
        return [self.distributions.declare(command)]

    # --- the checks, in order

    def _open_act(self, command: Referenced, *firms: ParticipantId) -> Register | list[Event]:
        earlier = self.accepted.get(command.reference)
        if earlier is not None:
            again = earlier == command
            return _refuse(_R.DUPLICATE if again else _R.ID_CONFLICT, command.reference)
        for firm in firms:
            if firm not in self._deposits.participants:
                return _refuse(_R.NOT_ENTITLED, firm)
        register = self._registers.get(command.instrument_id)
        if register is None:
            return _refuse(_R.UNKNOWN_INSTRUMENT, command.instrument_id)
        if not is_opaque(command.reference):
            return _refuse(_R.INVALID_COMBINATION, "a reference is an id, nothing personal (I15)")
        return register

    def _price_refusal(self, price_sen: Sen, units: Units) -> RejectReason | None:
        if not 0 < price_sen <= MAX_PRICE_SEN:
            return _R.OUT_OF_RANGE
        paid_yen = consideration_yen_rounded_down(price_sen, Units(max(units, 0)))
        too_much = self._cash.rest.in_circulation + paid_yen > MAX_YEN
        if too_much:
            return _R.OUT_OF_RANGE
        return _R.ISSUER_DEFAULTED if self._cash.money.defaulted else None

    def _means(
        self, register: Register, giver: str, taker: str, units: Units
    ) -> RejectReason | None:
        if units <= 0:
            return _R.OUT_OF_RANGE
        if register.available(giver) < units:
            return _R.INSUFFICIENT_HOLDING
        return self._hindrance(register, giver, taker)

    def _hindrance(self, register: Register, giver: str, taker: str) -> RejectReason | None:
        refused = register.hindrance(giver, taker, by_power=True)
        return None if refused is None else REJECT[refused]

    # --- proving

    def check_invariants(self) -> None:
        """Distributions fit; nobody unknown is frozen. O(claims + frozen accounts)."""
        self.distributions.check_invariants()
        for name, register in self._registers.items():
            known = all(firm in self._deposits.participants for firm in register.frozen)
            check(known, "only participants are frozen", issue=name)

    def state(self) -> dict[str, object]:
        """Canonical content for the digest."""
        keys = self._platforms.tokens.keys
        acts = {
            "references": sorted(self.accepted),
            "distributions": self.distributions.state(),
            "claims": self.distributions.claim_rows(),
            "keys": [[firm, *keys.periods[firm]] for firm in sorted(keys.periods)],
            "revoked": sorted(keys.revoked),
        }
        happened = used(acts)
        return {"tokens": happened} if happened else {}


def _before(day: date) -> date:
    return date.fromordinal(day.toordinal() - 1)


def _refuse(reason: RejectReason, detail: str) -> list[Event]:
    return [CommandRefused(reason=reason, detail=detail)]
