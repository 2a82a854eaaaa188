"""The conductor of the matching room: one venue of issues, rules written once, on any book.

The core asks ``check_*`` first (pure, the first reason in the catalogue's order, or None) and then
acts; acting cannot fail. Acts return everything that happened, in order. Sessions, entitlement,
idempotence and buying power are other rooms'; order ids and times come with the commands.

Ordering: a new order is accepted, then it trades, then its remainder rests or ends, then the
indicative price is told. Trades are numbered from 1 in journal order over all issues.

Invariants (check_invariants): those of each issue and book; the shared index holds exactly the
orders that rest.
"""

from collections.abc import Callable, Iterator, Sequence
from datetime import date
from typing import Any, Final

from market.choices import HaltModel
from market.commands import (
    NO_PRICE,
    AmendOrder,
    CancelOrder,
    ChangePhase,
    CloseDay,
    Entry,
    Halt,
    ListInstrument,
    NewOrder,
    OpenDay,
    PublishBasePrices,
    RenewQuote,
    Request,
    Resume,
    RunAuction,
    SetNetAssetValue,
    SetReferencePrice,
)
from market.errors import check
from market.events import (
    CommandRefused,
    Event,
    InstrumentListed,
    NetAssetValueSet,
    OrderAccepted,
    OrderAmended,
    OrderCanceled,
    PhaseChanged,
    RequestRejected,
    Trade,
    TradingHalted,
    TradingResumed,
)
from market.ids import ClientOrderId, InstrumentId, OrderId
from market.instrument import Instrument
from market.quantities import MAX_PRICE_SEN, Sen, TimeNs, Units
from market.reasons import CancelReason, RejectReason
from market.rules import AmendMode, Rules, StopAllocation
from market.words import AUCTION_PHASES, OrderKind, Phase, Side, Validity
from matching import closing, continuous, cross, extension, itayose
from matching.book import Book, SortedBook
from matching.clearing import NO_CLEARING
from matching.conditions import PRE_CLOSING, waits_aside
from matching.issue import Issue, TradeNumbers
from matching.order import Order, owner_of

_DAY: Final = Validity.DAY
_LIMIT: Final = OrderKind.LIMIT
_OF_THE_STATE: Final = (
    RejectReason.NOT_TRADABLE,
    RejectReason.PHASE_CLOSED,
    RejectReason.NON_CANCEL_PERIOD,
)


class Engine:
    """Every issue of one venue under one rulebook.

    Attributes:
        at_ns: Market time of the command under way; whoever gives commands sets it first.
        entered: What :func:`by_time` sorts what comes next by; 0 where ids say it. Whoever gives
            commands whose ids are not in the order of time sets it first.
    """

    def __init__(
        self,
        rules: Rules,
        new_book: Callable[[dict[OrderId, Order]], Book] = SortedBook,
        orders: dict[OrderId, Order] | None = None,
    ) -> None:
        self.rules = rules
        self.at_ns = TimeNs(0)
        self.entered = 0
        self._new_book = new_book
        self._orders: dict[OrderId, Order] = {} if orders is None else orders
        self._waiting: dict[OrderId, Order] = {}
        self._issues: dict[InstrumentId, Issue] = {}
        self.trade_numbers = TradeNumbers()
        self._day_is_open = False
        self._announced_for: date | None = None
        self._closes_by_rule = (
            rules.closing_auction_widths.value > 0
            or rules.stop_allocation.value is not StopAllocation.OFF
            or rules.limit_broadening_days.value > 0
        )
        self._enter: Callable[[Issue, Order, list[Event]], None] = continuous.enter
        if rules.special_quotes.value:
            self._enter = self._enter_within_reach
        self._self_trade_mode = rules.self_trade_mode.value
        self._by_account = rules.self_trade_same_account_only.value
        self._amends = rules.amend_mode.value is not AmendMode.UNSUPPORTED
        self._keeps_on_decrease = rules.amend_mode.value is AmendMode.KEEP_ON_DECREASE
        self._by_total = rules.amend_mode.value is AmendMode.REPLACE_TOTAL
        self._handlers: dict[type, Callable[[Any, OrderId], list[Event]]] = {
            NewOrder: self._apply_new,
            CancelOrder: self._apply_cancel,
            AmendOrder: self._apply_amend,
            ListInstrument: lambda c, _: self.list_instrument(c.instrument),
            OpenDay: lambda c, _: self.open_day(c.business_date),
            PublishBasePrices: lambda c, _: self.announce_base_prices(c.business_date),
            ChangePhase: lambda c, _: self.change_phase(
                c.instrument_id, c.phase, after_extension=c.after_extension
            ),
            RunAuction: lambda c, _: self.run_auction(
                c.instrument_id, after_extension=c.after_extension
            ),
            Halt: lambda c, _: self.halt(c.instrument_id, c.reason),
            Resume: lambda c, _: self.resume(c.instrument_id),
            RenewQuote: lambda c, _: self.renew_quote(c.instrument_id, c.quote_number),
            SetReferencePrice: lambda c, _: self.set_reference_price(
                c.instrument_id, c.reference_price_sen
            ),
            SetNetAssetValue: lambda c, _: self.set_net_asset_value(c.instrument_id, c.nav_sen),
            CloseDay: lambda _c, _n: self.close_day(),
        }

    # --- issues and the day

    def list_instrument(self, instrument: Instrument) -> list[Event]:
        """Admit an issue; it starts closed, with its issue price as base price."""
        instrument_id = instrument.instrument_id
        if instrument_id in self._issues:
            return _refused(RejectReason.DUPLICATE, f"{instrument_id} is listed already")
        book = self._new_book(self._orders)
        issue = Issue(
            instrument,
            self.rules,
            book,
            self.trade_numbers,
            resting=self._orders,
            waiting=self._waiting,
        )
        self._issues[instrument_id] = issue
        listed: list[Event] = [InstrumentListed(instrument=instrument)]
        if self._day_is_open:
            issue.open_day()
            listed.append(issue.reference_set())
        return listed

    def open_day(self, business_date: date) -> list[Event]:
        """Set every issue's base price and limits, in listing order."""
        check(not self._day_is_open, "a day opens after the one before closed", day=business_date)
        self._day_is_open, self._announced_for = True, None
        events: list[Event] = []
        for issue in self._issues.values():
            issue.open_day()
            events.append(issue.reference_set())
        return events

    def announce_base_prices(self, business_date: date) -> list[Event]:
        """Tell every issue's next base price, in listing order, once between two days."""
        if self._announced_for is not None:
            return _refused(RejectReason.DUPLICATE, f"announced for {self._announced_for}")
        self._announced_for = business_date
        return [issue.base_price_announced(business_date) for issue in self._issues.values()]

    @property
    def announced_for(self) -> date | None:
        """The day whose base prices were told beforehand, until it opens."""
        return self._announced_for

    def close_day(self) -> list[Event]:
        """Close every issue that is not closed yet, and carry base prices over."""
        return [event for events in self.close_issues() for event in events]

    def close_issues(self) -> Iterator[list[Event]]:
        """The same, one issue's events at a time, in listing order; to be walked to its end."""
        self._day_is_open = False
        for instrument_id, issue in self._issues.items():
            events: list[Event] = []
            if issue.phase is not Phase.CLOSED:
                issue.extension = 0  # nothing is put off any more
                events += self.change_phase(instrument_id, Phase.CLOSED)
            events.append(issue.close_day())
            yield events

    def change_phase(
        self, instrument_id: InstrumentId, phase: Phase, *, after_extension: bool = False
    ) -> list[Event]:
        """Move one issue to another state, with what follows from it.

        Continuous first crosses what a skipped cross left (cross.py); Closed expires all orders
        if the preset says so; a state that publishes tells the indicative price if it changed.
        """
        issue = self._issues.get(instrument_id)
        if issue is None:
            return _unknown(instrument_id)
        put_off = extension.put_off(issue, phase, after_extension=after_extension)
        if put_off is not None:
            return put_off
        events: list[Event] = [PhaseChanged(instrument_id=instrument_id, phase=phase)]
        if phase is not Phase.CONTINUOUS:
            itayose.leave_continuous(issue, events)
        if phase in PRE_CLOSING:
            cross.join_closing_call(issue, events)
        issue.enter_phase(phase)
        if phase is Phase.OPENING_AUCTION or (phase is Phase.PRE_CLOSE and issue.has_continuous):
            cross.mark_simultaneous(issue)
        if phase is Phase.CONTINUOUS and not issue.suspended:
            self._begin_continuous(issue, events)
        elif phase is Phase.CLOSED:
            cross.end_day(issue, events, everything=self.rules.expire_at_closed.value)
        if issue.permission.publishes_indicative:
            issue.publish_indicative(events)
        elif issue.published != NO_CLEARING and phase not in AUCTION_PHASES:
            issue.tell_indicative(NO_CLEARING, events)
        return events

    def run_auction(
        self, instrument_id: InstrumentId, *, after_extension: bool = False
    ) -> list[Event]:
        """Cross one issue; skipped while suspended, refused outside an auction phase."""
        issue = self._issues.get(instrument_id)
        if issue is None:
            return _unknown(instrument_id)
        put_off = extension.put_off(issue, None, after_extension=after_extension)
        if put_off is not None:
            return put_off
        if issue.phase not in AUCTION_PHASES:
            return _refused(RejectReason.PHASE_CLOSED, f"no cross in {issue.phase.value}")
        events: list[Event] = []
        closes = issue.phase is Phase.CLOSING_AUCTION
        if closes and self._closes_by_rule and not issue.seeks_first:
            closing.hold(issue, self.at_ns, events)
        elif issue.quotes is None or (closes and not issue.seeks_first):
            cross.hold_auction(issue, events)
        else:
            itayose.open_auction(issue, self.at_ns, events)
        return events

    def renew_quote(self, instrument_id: InstrumentId, quote_number: int) -> list[Event]:
        """Move the quote on; refused unless just this one is shown and its time has come."""
        issue = self._issues.get(instrument_id)
        if issue is None:
            return _unknown(instrument_id)
        shown = None if issue.quotes is None else issue.quotes.shown
        if shown is None or shown.number != quote_number:
            return _refused(RejectReason.ALREADY_TERMINAL, f"quote {quote_number} is not shown")
        if not shown.renew_at_ns or self.at_ns < shown.renew_at_ns:
            return _refused(RejectReason.OUT_OF_RANGE, f"quote {quote_number} is not due")
        events: list[Event] = []
        itayose.renew(issue, self.at_ns, events)
        return events

    def halt(self, instrument_id: InstrumentId, reason: str) -> list[Event]:
        """Suspend one issue; orders stay and may be canceled, or by the preset leave at once."""
        issue = self._issues.get(instrument_id)
        if issue is None:
            return _unknown(instrument_id)
        if issue.suspended:
            return _refused(RejectReason.NOT_TRADABLE, f"{instrument_id} is suspended already")
        issue.suspended = True
        events: list[Event] = [TradingHalted(instrument_id=instrument_id, reason=reason)]
        if issue.quotes is not None:
            itayose.end_quote(issue, events)
        if self.rules.halt_model.value is HaltModel.PURGE:
            for side in Side:
                for order in list(issue.book.queue(side)):
                    events += self.cancel(order, CancelReason.HALT)
            for order in issue.aside:
                events += self.cancel(order, CancelReason.HALT)
        return events

    def resume(self, instrument_id: InstrumentId) -> list[Event]:
        """End a suspension; in Continuous a cross comes first if the book would trade."""
        issue = self._issues.get(instrument_id)
        if issue is None:
            return _unknown(instrument_id)
        if not issue.suspended:
            return _refused(RejectReason.NOT_TRADABLE, f"{instrument_id} is not suspended")
        issue.suspended = False
        cross.mark_simultaneous(issue)
        events: list[Event] = [TradingResumed(instrument_id=instrument_id)]
        if issue.permission.trades_at_once:
            self._begin_continuous(issue, events)
        return events

    def set_reference_price(self, instrument_id: InstrumentId, price_sen: Sen) -> list[Event]:
        """Set the base price by hand; limits follow, resting orders stay."""
        issue = self._issues.get(instrument_id)
        if issue is None:
            return _unknown(instrument_id)
        if not 0 < price_sen <= MAX_PRICE_SEN:
            return _refused(RejectReason.OUT_OF_RANGE, f"{price_sen} is no price")
        issue.set_reference(price_sen)
        events: list[Event] = [issue.reference_set()]
        itayose.start_over(issue, self.at_ns, events)
        issue.publish_indicative(events)
        return events

    def set_net_asset_value(self, instrument_id: InstrumentId, nav_sen: Sen) -> list[Event]:
        """Note an issue's net asset value; what follows from it is the preset's rule."""
        issue = self._issues.get(instrument_id)
        if issue is None:
            return _unknown(instrument_id)
        if not 0 <= nav_sen <= MAX_PRICE_SEN:
            return _refused(RejectReason.OUT_OF_RANGE, f"{nav_sen} is no price")
        issue.nav_sen = nav_sen
        events: list[Event] = [NetAssetValueSet(instrument_id=instrument_id, nav_sen=nav_sen)]
        itayose.look(issue, self.at_ns, events)
        issue.publish_indicative(events)
        return events

    def forget_trades(self, instrument_id: InstrumentId, left: Sequence[Trade]) -> list[Event]:
        """Trades of today were voided: last price, centre, closing and next base price follow.

        Args:
            instrument_id: A listed issue.
            left: Its trades of today that still stand, in order.
        """
        issue = self._issues[instrument_id]
        issue.forget_trades(left, day_is_open=self._day_is_open)
        events: list[Event] = []
        if not self._day_is_open:
            events.append(issue.end_prices())
            if self._announced_for is not None:
                events.append(issue.base_price_announced(self._announced_for))
        issue.publish_indicative(events)
        return events

    def quotes_shown(self) -> list[tuple[InstrumentId, int, TimeNs]]:
        """Quotes that will be renewed: issue, number and when. O(issues)."""
        found = []
        for instrument_id, issue in self._issues.items():
            shown = None if issue.quotes is None else issue.quotes.shown
            if shown is not None and shown.renew_at_ns:
                found.append((instrument_id, shown.number, shown.renew_at_ns))
        return found

    def _begin_continuous(self, issue: Issue, events: list[Event]) -> None:
        if issue.quotes is None:
            cross.begin_continuous(issue, events)
        else:
            itayose.begin_continuous(issue, self.at_ns, events)

    def _enter_within_reach(self, issue: Issue, order: Order, events: list[Event]) -> None:
        itayose.enter(issue, order, self.at_ns, events)

    # --- new orders

    def check_new(self, command: NewOrder) -> RejectReason | None:
        """The first reason to refuse a new order, or None. Changes nothing. O(1)."""
        issue = self._issues.get(command.instrument_id)
        if issue is None:
            return RejectReason.UNKNOWN_INSTRUMENT
        if issue.suspended:
            return RejectReason.NOT_TRADABLE
        refusal = issue.permission.new_refusal
        if refusal is not None:
            return refusal
        price_sen, quantity_units = command.price_sen, command.quantity_units
        kind, validity = command.kind, command.validity
        if (
            issue.quick_lower_sen <= price_sen <= issue.quick_upper_sen
            and kind is _LIMIT
            and validity is _DAY
            and not price_sen % issue.quick_tick_sen
            and 0 < quantity_units <= issue.most_units
            and not quantity_units % issue.lot_units
            and command.short_sale is None
        ):
            return None  # the common order; every other one climbs the whole staircase
        short = command.short_sale is not None
        if short and command.side is Side.BUY:
            return RejectReason.INVALID_COMBINATION
        return issue.refuse_combination(kind, price_sen, validity) or issue.refuse_values(
            kind,
            price_sen,
            quantity_units,
            size_confirmed=command.size_confirmed,
            short=short,
        )

    def new(self, command: NewOrder, order_id: OrderId) -> list[Event]:
        """Enter an order that :meth:`check_new` passed."""
        order = self.order_of(command, order_id)
        instrument_id, validity = command.instrument_id, command.validity
        events: list[Event] = [
            OrderAccepted(
                order_id=order_id,
                participant_id=command.participant_id,
                session_id=command.session_id,
                client_order_id=command.client_order_id,
                instrument_id=instrument_id,
                side=command.side,
                kind=command.kind,
                price_sen=command.price_sen,
                quantity_units=command.quantity_units,
                validity=validity,
                short_sale=command.short_sale,
            )
        ]
        issue = self._issues[instrument_id]
        if validity is not _DAY and waits_aside(validity, issue.phase):
            issue.aside.add(order)
        elif issue.permission.trades_at_once:
            self._enter(issue, order, events)
        else:
            _rest(issue, order, events)
        if issue.own_orders.watches:
            issue.own_orders.note(order)
        return events

    def order_of(self, command: NewOrder, order_id: OrderId) -> Order:
        """The order a command asks for, nowhere yet."""
        participant_id, account = command.participant_id, command.account
        quantity_units = command.quantity_units
        order = Order(
            order_id, participant_id, command.session_id, command.client_order_id, account,
            command.instrument_id, command.side, command.kind, command.price_sen, quantity_units,
            quantity_units, command.validity, command.self_trade_mode or self._self_trade_mode,
            owner_of(participant_id, account, by_account=True)
            if account and self._by_account else participant_id,
        )  # fmt: skip
        order.entered = self.entered
        return order

    def check_self_match(self, command: NewOrder) -> RejectReason | None:
        """SELF_MATCH when a new order that passed all other checks could meet its owner's."""
        issue = self._issues[command.instrument_id]
        if not issue.own_orders.watches or issue.permission.trades_at_once:
            return None
        if waits_aside(command.validity, issue.phase):
            return None
        meets = issue.own_orders.would_meet(
            command.participant_id, command.account, command.side, command.kind, command.price_sen
        )
        return RejectReason.SELF_MATCH if meets else None

    # --- amendments and cancels

    def check_amend(self, order: Order, command: AmendOrder) -> RejectReason | None:
        """The first reason to refuse an amendment of a resting order, or None."""
        issue = self._issues[order.instrument_id]
        if issue.suspended:
            return RejectReason.NOT_TRADABLE
        refusal = issue.permission.amend_refusal
        if refusal is not None:
            return refusal
        if not self._amends:
            return RejectReason.AMEND_UNSUPPORTED
        other_units = command.leaves_units if self._by_total else command.total_units
        price_sen, leaves_units = command.price_sen, self.leaves_after(order, command)
        if other_units is not None or (price_sen is None and leaves_units is None):
            return RejectReason.INVALID_COMBINATION
        if self.is_filled_by(order, command):
            return None
        if price_sen is None:
            price_sen = order.price_sen
        elif (price_sen == NO_PRICE) or order.kind is not _LIMIT:
            return RejectReason.INVALID_COMBINATION  # a limit stays a limit, market stays market
        if leaves_units is None:
            leaves_units = order.leaves_units
        return issue.refuse_values(
            order.kind, price_sen, leaves_units, size_confirmed=command.size_confirmed
        )

    def leaves_after(self, order: Order, command: AmendOrder) -> Units | None:
        """The open quantity an amendment asks for, None to keep it; 0 or less when none is left.

        Where the preset replaces by total (ODX equities OUCH 2.0, 6.2), what was filled counts.
        """
        if not self._by_total or command.total_units is None:
            return command.leaves_units
        return Units(command.total_units - (order.quantity_units - order.leaves_units))

    def is_filled_by(self, order: Order, command: AmendOrder) -> bool:
        """Whether a replacement asks for no more than was filled, so that the order is dead."""
        if not self._by_total or not command.total_units or command.total_units < 0:
            return False
        return (self.leaves_after(order, command) or 0) <= 0

    def end_by_refusal(self, order: Order, reason: RejectReason) -> list[Event]:
        """What a refused amendment does to its order: nothing, or where replacing by total a cancel.

        Not when the state of the market refused it: then nothing was wrong with the request.
        """
        if not self._by_total or reason in _OF_THE_STATE:
            return []
        return self.cancel(order, CancelReason.AMEND_INVALID)

    def amend(self, order: Order, command: AmendOrder, order_id: OrderId) -> list[Event]:
        """Change an order that :meth:`check_amend` passed.

        It keeps its id and place only if the preset says so and no more is asked for at the same
        price; else it takes ``order_id``, joins the back and, in Continuous, may trade. The
        amending session owns the order from now on. A replacement by total that asks for no more
        than was filled ends the order instead.
        """
        issue = self._issues[order.instrument_id]
        if self.is_filled_by(order, command):
            return self.cancel(order, CancelReason.AMENDED)
        price_sen = order.price_sen if command.price_sen is None else command.price_sen
        old_leaves = order.leaves_units
        asked_units = self.leaves_after(order, command)
        leaves_units = old_leaves if asked_units is None else asked_units
        keeps = (
            self._keeps_on_decrease and price_sen == order.price_sen and leaves_units <= old_leaves
        )
        old_order_id, old_client_order_id = order.order_id, order.client_order_id
        if not keeps:
            order.entered = self.entered
        waits = bool(self._waiting) and order in issue.aside
        if waits:
            _amend_aside(issue, order, order_id, price_sen, leaves_units, keeps=keeps)
        elif keeps:
            issue.book.reduce(order, Units(old_leaves - leaves_units))
            issue.note_change(order, leaves_units - old_leaves)
        else:
            issue.book.remove(order)
            issue.note_change(order, -old_leaves)
            order.order_id = order_id
            order.price_sen = price_sen
            order.leaves_units = leaves_units
        order.quantity_units = Units(order.quantity_units + leaves_units - old_leaves)
        order.client_order_id = command.client_order_id
        order.session_id = command.session_id
        events: list[Event] = [
            OrderAmended(
                order_id=order.order_id,
                old_order_id=old_order_id,
                participant_id=order.participant_id,
                session_id=command.session_id,
                client_order_id=command.client_order_id,
                old_client_order_id=old_client_order_id,
                instrument_id=order.instrument_id,
                side=order.side,
                kind=order.kind,
                price_sen=price_sen,
                leaves_units=leaves_units,
                kept_priority=keeps,
            )
        ]
        if waits:
            return events
        if keeps:
            issue.publish_indicative(events)
            itayose.look(issue, self.at_ns, events)
        elif issue.permission.trades_at_once:
            self._enter(issue, order, events)
        else:
            _rest(issue, order, events)
        if not keeps and issue.own_orders.watches:
            issue.own_orders.note(order)
        return events

    def check_amend_self_match(self, order: Order, command: AmendOrder) -> RejectReason | None:
        """SELF_MATCH when an order at its new price could meet its owner's."""
        issue = self._issues[order.instrument_id]
        if not issue.own_orders.watches or issue.permission.trades_at_once:
            return None
        if order in issue.aside:
            return None
        price_sen = order.price_sen if command.price_sen is None else command.price_sen
        meets = issue.own_orders.would_meet(
            order.participant_id, order.account, order.side, order.kind, price_sen
        )
        return RejectReason.SELF_MATCH if meets else None

    def check_cancel(self, order: Order) -> RejectReason | None:
        """The reason to refuse a cancel, or None; a suspension is never one."""
        return self._issues[order.instrument_id].permission.cancel_refusal

    def cancel(self, order: Order, reason: CancelReason) -> list[Event]:
        """Take a resting order off. O(1), and O(log prices) where the price is published."""
        issue = self._issues[order.instrument_id]
        waits = bool(self._waiting) and order in issue.aside
        if waits:
            issue.aside.remove(order)
        else:
            issue.book.remove(order)
        leaves_units = order.leaves_units
        events: list[Event] = [
            OrderCanceled(
                order_id=order.order_id,
                participant_id=order.participant_id,
                instrument_id=order.instrument_id,
                canceled_units=leaves_units,
                reason=reason,
            )
        ]
        if waits:
            return events
        if issue.permission.publishes_indicative:
            issue.note_change(order, -leaves_units)
            issue.publish_indicative(events)
        elif issue.quotes is not None:
            itayose.look(issue, self.at_ns, events)
        return events

    # --- the engine alone: tests, research, benchmarks

    def apply(self, entry: Entry) -> list[Event]:
        """Apply one command of this room; orders are named by order id only."""
        self.at_ns = entry.at_ns
        command = entry.command
        return self._handlers[type(command)](command, entry.sequence)  # type: ignore[arg-type]

    def _apply_new(self, command: NewOrder, order_id: OrderId) -> list[Event]:
        refusal = self.check_new(command) or self.check_self_match(command)
        if refusal is not None:
            return _rejected(command, command.client_order_id, refusal)
        return self.new(command, order_id)

    def _apply_amend(self, command: AmendOrder, order_id: OrderId) -> list[Event]:
        order = self.find(command.order_id)  # type: ignore[arg-type]
        if order is None or order.participant_id != command.participant_id:
            return _rejected(command, command.client_order_id, RejectReason.UNKNOWN_ORDER)
        refusal = self.check_amend(order, command) or self.check_amend_self_match(order, command)
        if refusal is not None:
            rejected = _rejected(command, command.client_order_id, refusal)
            return rejected + self.end_by_refusal(order, refusal)
        return self.amend(order, command, order_id)

    def _apply_cancel(self, command: CancelOrder, order_id: OrderId) -> list[Event]:
        del order_id
        order = self.find(command.order_id)  # type: ignore[arg-type]
        if order is None or order.participant_id != command.participant_id:
            return _rejected(command, None, RejectReason.UNKNOWN_ORDER)
        refusal = self.check_cancel(order)
        if refusal is not None:
            return _rejected(command, None, refusal)
        return self.cancel(order, CancelReason.OWNER)

    # --- reading

    def find(self, order_id: OrderId) -> Order | None:
        """A resting or waiting order, or None when there is none of that id (any more). O(1)."""
        return self._orders.get(order_id) or self._waiting.get(order_id)

    def instrument_ids(self) -> list[InstrumentId]:
        """Issues in listing order."""
        return list(self._issues)

    def issue(self, instrument_id: InstrumentId) -> Issue:
        """A listed issue, for the batch door."""
        return self._issues[instrument_id]

    def instrument(self, instrument_id: InstrumentId) -> Instrument:
        """A listed issue."""
        return self._issues[instrument_id].instrument

    def book(self, instrument_id: InstrumentId) -> Book:
        """The book of a listed issue, for reading."""
        return self._issues[instrument_id].book

    def phase(self, instrument_id: InstrumentId) -> Phase:
        """The state of a listed issue."""
        return self._issues[instrument_id].phase

    def is_suspended(self, instrument_id: InstrumentId) -> bool:
        """Whether a listed issue is suspended."""
        return self._issues[instrument_id].suspended

    def reference_price_sen(self, instrument_id: InstrumentId) -> Sen:
        """Base price of a listed issue, 1/100 yen."""
        return self._issues[instrument_id].reference_sen

    def daily_limits_sen(self, instrument_id: InstrumentId) -> tuple[Sen, Sen]:
        """Lowest and highest price of an order today, 1/100 yen."""
        issue = self._issues[instrument_id]
        return issue.lower_limit_sen, issue.upper_limit_sen

    def market_orders_barred(self, instrument_id: InstrumentId) -> bool:
        """Whether market orders of a listed issue are barred today."""
        return self._issues[instrument_id].bars_market_orders

    def last_price_sen(self, instrument_id: InstrumentId) -> Sen | None:
        """Last price of today, 1/100 yen, or None when nothing traded."""
        return self._issues[instrument_id].last_sen or None

    def check_issue(self, instrument_id: InstrumentId) -> None:
        """Check one issue. O(its orders)."""
        self._issues[instrument_id].check_invariants()

    def check_invariants(self) -> None:
        """Check every issue, and the index against the books. O(orders)."""
        resting = waiting = 0
        for issue in self._issues.values():
            issue.check_invariants()
            waiting += sum(1 for _ in issue.aside)
            resting += sum(1 for side in Side for _ in issue.book.queue(side))
        check(resting == len(self._orders), "the index holds exactly the resting orders")
        check(waiting == len(self._waiting), "the index holds exactly the waiting orders")

    def state(self) -> dict[str, Any]:
        """Everything that matters, as plain values in listing order. O(orders)."""
        return {
            "trades": self.trade_numbers.last,
            "day_is_open": self._day_is_open,
            "announced_for": str(self._announced_for or ""),
            "issues": {name: issue.state() for name, issue in self._issues.items()},
        }


def _amend_aside(
    issue: Issue,
    order: Order,
    order_id: OrderId,
    price_sen: Sen,
    leaves_units: Units,
    *,
    keeps: bool,
) -> None:
    """Change an order that waits aside; with priority lost it waits last, under a new id."""
    order.leaves_units = leaves_units
    if not keeps:
        issue.aside.remove(order)
        order.order_id, order.price_sen = order_id, price_sen
        issue.aside.add(order)


def _rest(issue: Issue, order: Order, events: list[Event]) -> None:
    """Put an order on a book that does not trade now, and tell what a cross would give."""
    issue.book.add(order)
    if issue.permission.publishes_indicative:
        issue.note_change(order, order.leaves_units)
        issue.publish_indicative(events)


def _refused(reason: RejectReason, detail: str) -> list[Event]:
    return [CommandRefused(reason=reason, detail=detail)]


def _unknown(instrument_id: InstrumentId) -> list[Event]:
    return _refused(RejectReason.UNKNOWN_INSTRUMENT, f"no issue is called {instrument_id}")


def _rejected(
    command: Request, client_order_id: ClientOrderId | None, reason: RejectReason
) -> list[Event]:
    return [
        RequestRejected(
            participant_id=command.participant_id,
            session_id=command.session_id,
            req_id=command.req_id,
            client_order_id=client_order_id,
            reason=reason,
        )
    ]
