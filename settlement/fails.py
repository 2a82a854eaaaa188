"""Fails (フェイル) in the venue: who failed, what a day of it costs, and what ends it.

Purpose: settlement/lifecycle/fails.py says what a rule means; this carries it out on the venue's
ledgers. At the day's end every delivery that is failing costs its failer a penalty on what is still open,
at the issue's last base price, from the settlement date itself on (the day's cut-off was missed).
After the days of the rule a fail for lack of units may be bought in: the operator says whose units
were bought and at what price, the buyer pays what was agreed and no more, the seller the difference. Or
nothing could be bought, and the difference to the market is paid in cash: by the operator's word, or at
the day's end by the rule's compensation day. What fails for longer than the purge days is canceled.

Who failed: the seller for want of units, the buyer for want of cash, the side that held or had not
affirmed it. Nobody for what no side alone did: transfer control, a token ledger or an account that
lets nothing pass, the money's hours or issuer, the cut-off.

A charge the failer has not the cash for is told as unpaid; carried, it is tried at every day's end,
oldest first, or waived: the market's rule. Postings are between firms, so yen are conserved and
charges sum to zero (I21). A charge may take cash promised to trades of later days: what the venue
takes, it takes first.

Order of a day's end: charges carried, then open deliveries by id: penalty, buy-in told once,
compensation, purge. Cost: O(charges carried + failing deliveries times their days late); nothing when
the rules are off.
Known limits: a buy-in is all or nothing and outside the book; one price for a day's penalties.
"""

from collections.abc import Iterable
from datetime import date
from typing import Final, NamedTuple

from market.business_days import Calendar
from market.choices import UnpaidCharge
from market.commands import BuyIn
from market.errors import InvariantBroken, check
from market.events import (
    BoughtIn,
    BuyInStarted,
    ChargeKind,
    DeliveryAction,
    DeliveryChanged,
    DeliveryState,
    Event,
    FailCharged,
    FailChargePaid,
    ReferencePriceSet,
    UnitsMoved,
    YenMoved,
)
from market.ids import DeliveryId, InstrumentId, ParticipantId
from market.quantities import (
    MAX_PRICE_SEN,
    Sen,
    Yen,
    consideration_yen_rounded_down,
    hold_yen_rounded_up,
)
from market.reasons import FailReason, RejectReason
from market.words import Side
from settlement.cash import Cash
from settlement.deliveries import Deliveries
from settlement.delivery import Delivery
from settlement.ledger import Leg, first_short_leg, post_linked
from settlement.lifecycle.fails import Next, days_late, next_step, penalty_of_sen_rounded_down
from settlement.lifecycle.matching import UNMATCHED_DAYS_MAX
from settlement.lifecycle.rules import LifeRules
from settlement.register import Registers
from settlement.staged import StagedDesign
from settlement.verbs import REJECT

_AT_REST: Final = (DeliveryState.CREATED, DeliveryState.FAILING)
"""Nothing of it is locked."""


class Carried(NamedTuple):
    """A charge still to be paid."""

    delivery_id: DeliveryId
    kind: ChargeKind
    payer: ParticipantId
    payee: ParticipantId
    amount_yen: Yen


class Fails:
    """Fails of one run.

    Attributes:
        failers: The side that failed each delivery last, or None for nobody; open ones only.
        carried: Charges told and not paid, oldest first.
        base_price_sen: The last base price of each issue.
    """

    def __init__(
        self,
        book: Deliveries,
        cash: Cash,
        registers: Registers,
        *,
        design: StagedDesign,
        life: LifeRules,
        calendar: Calendar,
    ) -> None:
        self._book = book
        self._cash = cash
        self._registers = registers
        self._design = design
        self._life = life
        self._rule = life.fails
        self._calendar = calendar
        self._is_on = life.affirmation or any(life.fails)
        self._told: dict[DeliveryId, None] = {}  # buy-ins begun
        self.failers: dict[DeliveryId, Side | None] = {}
        self.carried: list[Carried] = []
        self.base_price_sen: dict[InstrumentId, Sen] = {}

    # --- what is heard

    def hear_price(self, event: ReferencePriceSet) -> list[Event]:
        """Remember an issue's base price."""
        if self._is_on:
            self.base_price_sen[event.instrument_id] = event.reference_price_sen
        return []

    def note(self, changes: Iterable[DeliveryChanged]) -> None:
        """Remember who failed what in a stage. O(changes)."""
        if not self._is_on:
            return
        for change in changes:
            if change.action is DeliveryAction.FAIL:
                delivery = self._book.by_id[change.delivery_id]
                self.failers[change.delivery_id] = _failer(delivery, change.reason)

    # --- the day's end

    def end_day(self, today: date) -> list[Event]:
        """Charge, buy in, compensate and purge; see the module for the order."""
        if not self._is_on:
            return []
        events = self._pay_carried()
        for delivery in list(self._book.under_way.values()):
            if delivery.state is DeliveryState.FAILING:
                events += self._age(delivery, today)
        for delivery_id in [key for key in self.failers if key not in self._book.under_way]:
            del self.failers[delivery_id]
            self._told.pop(delivery_id, None)
        return events

    def _age(self, delivery: Delivery, today: date) -> list[Event]:
        terms, rule = delivery.terms, self._rule
        late = days_late(terms.settlement_date, today, self._calendar)
        events = self._penalty(delivery, late)
        if delivery.awaits and late > UNMATCHED_DAYS_MAX:
            return events + self._end(delivery, FailReason.NOT_AFFIRMED)
        step = next_step(rule, late)
        if step is Next.PURGE:
            return events + self._end(delivery, FailReason.PURGED)
        short = self._is_short(delivery)
        if step is Next.BUY_IN and short and terms.delivery_id not in self._told:
            self._told[terms.delivery_id] = None
            events.append(
                BuyInStarted(
                    delivery_id=terms.delivery_id,
                    open_units=delivery.open_units,
                    late_days=late,
                )
            )
        price_sen = self.base_price_sen.get(terms.instrument_id)
        days = rule.compensation_days
        if days and late >= days and short and price_sen is not None:
            return events + self._compensate(delivery, price_sen, late)
        return events

    def _penalty(self, delivery: Delivery, late: int) -> list[Event]:
        """One day's charge on what is open, from the failer to the other side."""
        terms = delivery.terms
        failer = self.failers.get(terms.delivery_id)
        price_sen = self.base_price_sen.get(terms.instrument_id)
        if failer is None or price_sen is None or terms.seller == terms.buyer:
            return []
        yen = penalty_of_sen_rounded_down(self._rule, price_sen, delivery.open_units)
        parties = (terms.seller, terms.buyer)
        if failer is Side.BUY:
            parties = (terms.buyer, terms.seller)
        return self._charge(delivery, ChargeKind.PENALTY, parties, yen, late)

    def _charge(
        self,
        delivery: Delivery,
        kind: ChargeKind,
        parties: tuple[ParticipantId, ParticipantId],
        yen: int,
        late: int,
    ) -> list[Event]:
        """From the first of the parties to the other, now or later as the rule has it."""
        if not yen:
            return []
        (payer, payee), amount_yen, delivery_id = parties, Yen(yen), delivery.terms.delivery_id
        posted = self._pay(payer, payee, amount_yen)
        if not posted and self._life.unpaid_charge is UnpaidCharge.CARRY:
            self.carried.append(Carried(delivery_id, kind, payer, payee, amount_yen))
        told = FailCharged(
            delivery_id=delivery_id,
            kind=kind,
            payer=payer,
            payee=payee,
            amount_yen=amount_yen,
            late_days=late,
            paid=bool(posted),
        )
        return [*posted, told]

    def _pay(self, payer: ParticipantId, payee: ParticipantId, amount_yen: Yen) -> list[Event]:
        """Post a charge if the payer has the cash; nothing otherwise."""
        cash = self._cash
        if cash.money.defaulted or not cash.rest.can_give(payer, amount_yen):
            return []
        cash.rest.post(payer, payee, amount_yen)
        return self._book.tell([YenMoved(giver=payer, taker=payee, amount_yen=amount_yen)])

    def _pay_carried(self) -> list[Event]:
        events: list[Event] = []
        left: list[Carried] = []
        for one in self.carried:
            posted = self._pay(one.payer, one.payee, one.amount_yen)
            if posted:
                events += [*posted, FailChargePaid(**one._asdict())]
            else:
                left.append(one)
        self.carried = left
        return events

    def _compensate(self, delivery: Delivery, price_sen: Sen, late: int) -> list[Event]:
        """End it in cash: the difference to the market, rounded up, when the buyer would lose it."""
        terms = delivery.terms
        yen = hold_yen_rounded_up(price_sen, delivery.open_units) - delivery.open_yen
        kind = ChargeKind.CASH_COMPENSATION
        charged = self._charge(delivery, kind, (terms.seller, terms.buyer), max(yen, 0), late)
        return charged + self._end(delivery, FailReason.COMPENSATED)

    def _end(self, delivery: Delivery, reason: FailReason) -> list[Event]:
        return self._book.tell(self._design.cancel(delivery, reason))

    # --- buy-in

    def check_buy_in(self, command: BuyIn, today: date | None) -> RejectReason | None:
        """The first reason not to, or None. Changes nothing. O(days late)."""
        delivery = self._book.by_id.get(command.delivery_id)
        if delivery is None:
            return RejectReason.UNKNOWN_INSTRUCTION
        terms, supplier = delivery.terms, command.supplier
        if supplier is not None and supplier in (terms.seller, terms.buyer):
            return RejectReason.INVALID_COMBINATION
        price_sen = self._price(command, terms.instrument_id)
        if price_sen is None or not 0 < price_sen <= MAX_PRICE_SEN:
            return RejectReason.OUT_OF_RANGE
        if delivery.is_decided:
            return RejectReason.ALREADY_FINAL
        if not self._is_due(delivery, today):
            return RejectReason.BUY_IN_NOT_DUE
        if supplier is None:
            return None
        register = self._registers[terms.instrument_id]
        if self._cash.money.defaulted:
            return RejectReason.ISSUER_DEFAULTED
        barred = register.hindrance(supplier, terms.buyer)
        if barred is not None:
            return REJECT[barred]
        short = first_short_leg(self._legs(delivery, supplier, price_sen))
        if short is None:
            return None
        units_short = short.ledger is register
        return RejectReason.INSUFFICIENT_HOLDING if units_short else RejectReason.INSUFFICIENT_CASH

    def buy_in(self, command: BuyIn, today: date | None) -> list[Event]:
        """Buy in or compensate; :meth:`check_buy_in` has said that it may be."""
        delivery = self._book.by_id[command.delivery_id]
        terms, supplier = delivery.terms, command.supplier
        price_sen = self._price(command, terms.instrument_id)
        if today is None or price_sen is None:
            raise InvariantBroken("a buy-in was checked", {"delivery": terms.delivery_id})
        late = days_late(terms.settlement_date, today, self._calendar)
        if supplier is None:
            return self._compensate(delivery, price_sen, late)
        units = delivery.open_units
        legs = self._legs(delivery, supplier, price_sen)
        check(post_linked(legs) is None, "a buy-in was checked", delivery=terms.delivery_id)
        paid_yen = sum(leg.amount for leg in legs[1:] if leg.giver == terms.buyer)
        events: list[Event] = [
            UnitsMoved(
                instrument_id=terms.instrument_id,
                giver=supplier,
                taker=terms.buyer,
                quantity_units=units,
            )
        ]
        for leg in legs[1:]:
            giver, yen = ParticipantId(leg.giver), Yen(leg.amount)
            events.append(YenMoved(giver=giver, taker=supplier, amount_yen=yen))
            if giver == terms.seller:
                events.append(
                    FailCharged(
                        delivery_id=terms.delivery_id,
                        kind=ChargeKind.BUY_IN_DIFFERENCE,
                        payer=giver,
                        payee=supplier,
                        amount_yen=yen,
                        late_days=late,
                        paid=True,
                    )
                )
        events.append(
            BoughtIn(
                delivery_id=terms.delivery_id,
                supplier=supplier,
                price_sen=price_sen,
                quantity_units=units,
                amount_yen=Yen(paid_yen),
            )
        )
        return self._book.tell([*events, *self._design.cancel(delivery, FailReason.BOUGHT_IN)])

    def _legs(self, delivery: Delivery, supplier: ParticipantId, price_sen: Sen) -> list[Leg]:
        """Units to the buyer; yen from the buyer, no more than agreed, and the rest from the seller."""
        terms, rest = delivery.terms, self._cash.rest
        cost_yen = consideration_yen_rounded_down(price_sen, delivery.open_units)
        own_yen = min(cost_yen, delivery.open_yen)
        register = self._registers[terms.instrument_id]
        legs = [Leg(register, supplier, terms.buyer, delivery.open_units)]
        shares = ((terms.buyer, own_yen), (terms.seller, cost_yen - own_yen))
        return legs + [Leg(rest, firm, supplier, yen) for firm, yen in shares if yen]

    def _price(self, command: BuyIn, instrument_id: InstrumentId) -> Sen | None:
        if command.price_sen is not None:
            return command.price_sen
        return self.base_price_sen.get(instrument_id)

    def _is_due(self, delivery: Delivery, today: date | None) -> bool:
        """Late enough, for lack of units, and with nothing of it locked just now."""
        days, terms = self._rule.buy_in_days, delivery.terms
        if not days or today is None or delivery.state not in _AT_REST:
            return False
        return (
            self._is_short(delivery)
            and days_late(terms.settlement_date, today, self._calendar) >= days
        )

    def _is_short(self, delivery: Delivery) -> bool:
        """Whether another firm is owed units that the seller has not got."""
        terms = delivery.terms
        return self.failers.get(terms.delivery_id) is Side.SELL and terms.seller != terms.buyer

    # --- proving

    def check_invariants(self) -> None:
        """What is carried is owed by one firm to another (I21). O(charges carried)."""
        for one in self.carried:
            owed = one.amount_yen > 0 and one.payer != one.payee
            check(owed, "I21: a charge is one firm's to another", delivery=one.delivery_id)
        check(self._is_on or not self.failers, "rules that are off remember nothing")

    def state(self) -> dict[str, object]:
        """Canonical content for the digest; nothing while the rules are off."""
        if not self._is_on:
            return {}
        return {
            "fails": {
                "failers": [[key, side or ""] for key, side in sorted(self.failers.items())],
                "buy_ins": sorted(self._told),
                "carried": [list(one) for one in self.carried],
                "base_prices": [list(pair) for pair in sorted(self.base_price_sen.items())],
            }
        }


def _failer(delivery: Delivery, reason: FailReason | None) -> Side | None:
    """The side a fail is to be charged to."""
    if reason is FailReason.SELLER_SHORT_OF_UNITS:
        return Side.SELL
    if reason in (FailReason.BUYER_SHORT_OF_CASH, FailReason.PAYMENT_REFUSED):
        return Side.BUY
    by_side = {FailReason.ON_HOLD: delivery.held_by, FailReason.NOT_AFFIRMED: delivery.awaits}
    sides = by_side.get(reason, frozenset()) if reason is not None else frozenset()
    return next(iter(sides)) if len(sides) == 1 else None
