"""Acts on tokens besides trades: asked by the operator, checked in one order, told as events.

| act | what it does | refused, beside an unknown firm or issue |
|---|---|---|
| ForceTransfer | free units move by law | same firm, units, what hinders |
| RedeemUnits | free units end against yen | units, price, what hinders |
| RedeemIssue | deliveries end in cash, all units end against yen | price, what hinders |
| DeclareDistribution | owners of the record date are paid | dates, price, issue redeemed |

What only sets something (station, accounts, keys) is in token_switches.py. Refusals come in the
catalogue's order and move nothing. An act with a reference happens once: again it is DUPLICATE, with other content
ID_CONFLICT (I10). By law and by the issuer's power means: frozen accounts and refusing receivers are
no hindrance; a closed station, an issue that may not move (I16) and an unregistered taker are; units
under a lock have to come back first. Orders of a firm that lost units stay, and may not be delivered.

A redeemed issue ends its open deliveries first, so every lock is back and the seller is redeemed; he
owes the buyer what the units brought, the buyer owes the price, and the difference is a claim
(distributions.py). Its register is closed for good.

Known limits: the operator plays issuer and administrator.
"""

from collections.abc import Callable, Mapping
from datetime import date
from typing import Any

from market import business_days
from market.errors import check
from market.events import (
    DeliveryState,
    Event,
    TransferControlSet,
    UnitsMoved,
    YenMoved,
)
from market.ids import ParticipantId
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
    DeclareDistribution,
    ForceTransfer,
    RedeemIssue,
    RedeemUnits,
    TransferForced,
    UnitsRedeemed,
)
from settlement.cash import Cash
from settlement.deliveries import Deliveries
from settlement.delivery import UNITS_HELD_STATES, Delivery
from settlement.deposits import Deposits
from settlement.distributions import CashClaim, Distributions
from settlement.opaque import is_opaque
from settlement.platforms import Platforms
from settlement.register import ISSUER, Register, Registers, used
from settlement.staged import StagedDesign
from settlement.token_switches import TokenSwitches
from settlement.verbs import REJECT, refuse

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
        "_switches",
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
        design: StagedDesign,
        calendar: business_days.Calendar,
    ) -> None:
        self._book = book
        self._deposits = deposits
        self._cash = cash
        self._registers = registers
        self._platforms = platforms
        self._switches = TokenSwitches(deposits, registers, platforms)
        self._design = design
        self._calendar = calendar
        self.distributions = Distributions(cash, registers, book.by_id)
        self.accepted: dict[str, Referenced] = {}
        self.business_date = self._counted_until = date.min

    @property
    def handlers(self) -> Mapping[type, Callable[[Any], list[Event]]]:
        """Which method answers which command."""
        return {
            **self._switches.handlers,
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

    # --- units by law

    def force_transfer(self, command: ForceTransfer) -> list[Event]:
        """Move free units."""
        register = self._open_act(command, command.giver, command.taker)
        if not isinstance(register, Register):
            return register
        giver, taker, units = command.giver, command.taker, command.quantity_units
        if giver == taker:
            return refuse(_R.INVALID_COMBINATION, "nobody gives to himself")
        refused = self._means(register, giver, taker, units)
        if refused is not None:
            return refuse(refused, command.reference)
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
            return refuse(refused, command.reference)
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
            return refuse(refused, command.reference)
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
        register.end()
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
        told: list[tuple[ParticipantId, Units, Yen]] = []
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
            told.append((owner, units, yen))
            gone, total = gone + units, total + yen
        events.append(
            UnitsRedeemed(
                instrument_id=command.instrument_id, quantity_units=Units(gone),
                amount_yen=Yen(total), issued_units=register.issued_units,
                rest_sen=Sen(gone * command.price_sen - total * SEN_PER_YEN),
                reference=command.reference, holders=tuple(told),
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
            return refuse(_R.INVALID_COMBINATION, "it is paid after its record date")
        open_days = all(business_days.is_business_day(day, self._calendar) for day in days)
        if not open_days or command.record_date <= self._counted_until:
            return refuse(_R.OUT_OF_RANGE, "record and payment are on business days to come")
        refused = self._price_refusal(command.price_sen, register.issued_units)
        if refused is None and register.ended:
            refused = _R.TRANSFER_RESTRICTED
        if refused is not None:
            return refuse(refused, command.reference)
        self.accepted[command.reference] = command
        return [self.distributions.declare(command)]

    # --- the checks, in order

    def _open_act(self, command: Referenced, *firms: ParticipantId) -> Register | list[Event]:
        earlier = self.accepted.get(command.reference)
        if earlier is not None:
            again = earlier == command
            return refuse(_R.DUPLICATE if again else _R.ID_CONFLICT, command.reference)
        for firm in firms:
            if firm not in self._deposits.participants:
                return refuse(_R.NOT_ENTITLED, firm)
        register = self._registers.get(command.instrument_id)
        if register is None:
            return refuse(_R.UNKNOWN_INSTRUMENT, command.instrument_id)
        if not is_opaque(command.reference):
            return refuse(_R.INVALID_COMBINATION, "a reference is an id, nothing personal (I15)")
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
