"""One issue on the engine: its book, its day, and what is worked out once so orders need not.

Base price (基準値段): by the preset the last price of the day before (cross or trade), else the base
price before; or the net asset value; or whatever stands until somebody sets it. The issue price on
the first day (START reference, proposal taken from TSE and ODX). The centre price of a cross is the
base price, or by the preset the last price of today if there is one, or the net asset value.

Invariants: the daily limits are those of the base price; the index of the engine and the book
agree; the last published indicative price is what the book gives.
"""

from collections.abc import Sequence
from datetime import date
from typing import Any

from market.choices import LimitResidual
from market.commands import NO_PRICE
from market.errors import check
from market.events import (
    BasePriceAnnounced,
    ClosingPriceSet,
    Event,
    IndicativePriceChanged,
    ReferencePriceSet,
    Trade,
)
from market.ids import TradeId
from market.instrument import Instrument
from market.message import Record
from market.quantities import MAX_PRICE_SEN, MAX_QUANTITY_UNITS, Sen, Units
from market.reasons import RejectReason
from market.rules import BookCentre, Rules
from market.words import OrderKind, Phase, Side, Validity
from matching.auction import NO_CLEARING, Clearing, Terms, clear
from matching.book import Book
from matching.day_prices import DayCrosses, next_base_sen
from matching.indicative import CallInterest, grid_within
from matching.order import Order
from matching.phases import Permission, permissions
from matching.selfmatch import OwnOrders


class TradeNumbers(Record):
    """Counts trades of all issues of one engine; ``last`` is the last one given."""

    last: TradeId = TradeId(0)


class Issue:
    """One issue, its book and its state of the day.

    Attributes:
        permission: What the present state lets through.
        lot_units: Trading unit.
        quick_lower_sen: With ``quick_upper_sen`` and ``quick_tick_sen`` the band in which one
            modulo decides about a day limit order's price; empty when several ticks hold within the limits.
        most_units: The largest quantity no check refuses.
        query_units: Above this a size must be confirmed.
        last_sen: Last price of today, or NO_PRICE.
        crosses: Today's crosses that found a price.
        gathers_fok: Whether fill-or-kill orders wait for a cross here.
        own_orders: The resting orders of each owner, where the preset prevents self-matches.
        extension: Where it stands with its auction's extension, see extension.py.
        nav_sen: Net asset value of one unit, or NO_PRICE.
        barred: Whether market orders are barred today.
        next_base_sen: Base price of the next day to open.
        published: The last indicative price told.
        interest: Kept while an indicative price is published, else None.
    """

    __slots__ = ("_takes_day_limits", "barred", "book", "centre_by_last", "centre_by_nav",
                 "crosses", "extension", "gathers_fok", "grid", "has_opened", "instrument", "interest",
                 "last_sen", "lot_units", "lower_limit_sen", "max_order_units", "max_share_units",
                 "most_units", "nav_sen", "next_base_sen", "own_orders", "permission", "permissions", "phase",
                 "published", "query_units", "quick_lower_sen", "quick_tick_sen", "quick_upper_sen", "reference_sen", "rules",
                 "suspended", "trade_numbers", "upper_limit_sen", "voids_limits")  # fmt: skip

    def __init__(
        self, instrument: Instrument, rules: Rules, book: Book, trade_numbers: TradeNumbers
    ) -> None:
        self.instrument = instrument
        self.rules = rules
        self.book = book
        self.trade_numbers = trade_numbers
        self.permissions = permissions(rules)
        self.phase = Phase.CLOSED
        self.permission: Permission = self.permissions[Phase.CLOSED]
        self.suspended = False
        self.centre_by_last = rules.book_centre.value is BookCentre.REFERENCE_OR_LAST_CROSS
        self.centre_by_nav = rules.book_centre.value is BookCentre.NAV
        self.nav_sen = instrument.nav_sen
        self.voids_limits = rules.limit_residual_after_opening.value is LimitResidual.VOID
        self.has_opened = False
        self.barred = instrument.market_orders_barred
        self.crosses = DayCrosses()
        self.extension = 0
        self.gathers_fok = Validity.FOK in self.permissions[Phase.PRE_OPEN].validities
        self.own_orders = OwnOrders(rules.self_match.value)
        self.max_order_units = rules.max_order_units.value
        self.max_share_units = self._share_units(rules.max_share_of_issue_percent.value)
        self.query_units = self._share_units(rules.query_share_of_issue_percent.value)
        self.lot_units = instrument.trading_unit_units
        self.most_units = min(
            MAX_QUANTITY_UNITS, self.max_order_units, self.max_share_units, self.query_units
        )
        self.last_sen = NO_PRICE
        self.next_base_sen = instrument.issue_price_sen
        self.published = NO_CLEARING
        self.interest: CallInterest | None = None
        self._takes_day_limits = (
            OrderKind.LIMIT in rules.order_kinds.value and Validity.DAY in rules.validities.value
        )
        self.set_reference(instrument.issue_price_sen)

    def _share_units(self, percent: int) -> Units:
        """A whole quantity above this is above the share; with 0 percent none is."""
        issued_units = self.instrument.issued_units
        return Units(issued_units * percent // 100) if percent else MAX_QUANTITY_UNITS

    # --- the day

    def open_day(self) -> None:
        """Take the base price carried over; nothing has traded yet."""
        first_ever = self.instrument.newly_listed and not self.has_opened
        by_rule = first_ever and self.rules.market_orders_barred_first_day.value
        self.barred = self.instrument.market_orders_barred or by_rule
        self.has_opened = True
        self.last_sen = NO_PRICE
        self.crosses.new_day()
        self.own_orders.new_day()
        self.extension = 0
        self.set_reference(self.next_base_sen)

    def close_day(self) -> ClosingPriceSet:
        """Tell the closing price, and work out the next base price."""
        rules, last, base = self.rules, self.last_sen, self.reference_sen
        self.next_base_sen = next_base_sen(
            rules.base_price_rule.value,
            self.instrument.ticks,
            last_sen=last,
            reference_sen=base,
            nav_sen=self.nav_sen,
        )
        closing = self.crosses.closing_sen(rules.close_price_rule.value, last, base)
        return ClosingPriceSet(
            instrument_id=self.instrument.instrument_id, price_sen=closing or None
        )

    def forget_trades(self, left: Sequence[Trade]) -> None:
        """Work today's prices out anew after trades were voided. O(trades left).

        Args:
            left: Today's trades of this issue that still stand, in order.
        """
        self.last_sen = left[-1].price_sen if left else NO_PRICE
        self.crosses.keep_only(left)

    def set_reference(self, reference_sen: Sen) -> None:
        """Set the base price; the limits follow, resting orders stay. O(prices within limits)."""
        ticks = self.instrument.ticks
        lower, upper = self.instrument.daily_limits(reference_sen)
        self.reference_sen = reference_sen
        self.lower_limit_sen, self.upper_limit_sen = lower, upper
        self.grid = grid_within(self.terms())
        tick = ticks.tick_at(lower)
        one_tick = tick == ticks.tick_at(upper) and self._takes_day_limits
        self.quick_tick_sen = tick
        self.quick_lower_sen, self.quick_upper_sen = (lower, upper) if one_tick else (1, 0)
        self.rebuild_interest()

    def reference_set(self) -> ReferencePriceSet:
        """The event that tells base price and limits."""
        return ReferencePriceSet(
            instrument_id=self.instrument.instrument_id,
            reference_price_sen=self.reference_sen,
            lower_limit_sen=self.lower_limit_sen,
            upper_limit_sen=self.upper_limit_sen,
            market_orders_barred=self.barred,
        )

    def base_price_announced(self, business_date: date) -> BasePriceAnnounced:
        """The event that tells the next day's base price and limits beforehand."""
        lower, upper = self.instrument.daily_limits(self.next_base_sen)
        return BasePriceAnnounced(
            instrument_id=self.instrument.instrument_id,
            business_date=business_date,
            reference_price_sen=self.next_base_sen,
            lower_limit_sen=lower,
            upper_limit_sen=upper,
        )

    def enter_phase(self, phase: Phase) -> None:
        """Take over what the new state lets through."""
        check(phase in self.permissions, "a state is in the table", phase=phase)
        self.phase = phase
        self.permission = self.permissions[phase]
        self.rebuild_interest()

    # --- the price of a cross

    @property
    def centre_sen(self) -> Sen:
        """The price that breaks the last tie of a cross."""
        chosen = self.last_sen if self.centre_by_last else NO_PRICE
        if self.centre_by_nav:
            chosen = self.nav_sen
        return chosen or self.reference_sen

    def terms(self) -> Terms:
        """What the price of a cross depends on besides the orders."""
        return Terms(
            self.lower_limit_sen,
            self.upper_limit_sen,
            self.instrument.ticks,
            self.centre_sen,
            self.rules.price_rule.value,
            self.rules.market_only_trades.value,
        )

    def clearing(self) -> Clearing:
        """What a cross gives now, from every level. O(levels)."""
        book = self.book
        return clear(
            book.levels(Side.BUY),
            book.levels(Side.SELL),
            book.market_units(Side.BUY),
            book.market_units(Side.SELL),
            self.terms(),
        )

    def rebuild_interest(self) -> None:
        """Read the whole book if its state publishes, else forget. O(levels)."""
        self.interest = None
        if self.permission.publishes_indicative and self.grid is not None:
            self.interest = CallInterest(self.book, self.terms(), self.grid)

    def note_change(self, order: Order, units: int) -> None:
        """Interest of one order changed by ``units``. O(log prices)."""
        if self.interest is not None:
            self.interest.change(order.side, order.price_sen, units)

    def publish_indicative(self, events: list[Event]) -> None:
        """Tell the price a cross would give now, if the state publishes it and it changed."""
        if not self.permission.publishes_indicative:
            return
        interest = self.interest
        now = self.clearing() if interest is None else interest.clearing(self.centre_sen)
        if now != self.published:
            self.tell_indicative(now, events)

    def tell_indicative(self, clearing: Clearing, events: list[Event]) -> None:
        """Tell an indicative price, changed or not."""
        self.published = clearing
        events.append(
            IndicativePriceChanged(
                instrument_id=self.instrument.instrument_id,
                price_sen=clearing.price_sen,
                executed_units=clearing.executed_units,
                surplus_units=clearing.surplus_units,
            )
        )

    # --- values of an order

    def refuse_values(
        self,
        kind: OrderKind,
        price_sen: Sen,
        quantity_units: Units,
        *,
        size_confirmed: bool,
        short: bool = False,
    ) -> RejectReason | None:
        """The first value an order may not have, in the catalogue's order; None when all may."""
        if kind is OrderKind.MARKET and self.barred:
            return RejectReason.MARKET_ORDER_BARRED
        if short and not self.rules.short_sale.value:
            return RejectReason.SHORT_SALE_BARRED
        if not 0 <= price_sen <= MAX_PRICE_SEN or not 0 < quantity_units <= MAX_QUANTITY_UNITS:
            return RejectReason.OUT_OF_RANGE
        if price_sen and not self.instrument.ticks.is_on_tick(price_sen):
            return RejectReason.BAD_TICK
        if quantity_units % self.lot_units:
            return RejectReason.BAD_LOT
        if price_sen and not self.lower_limit_sen <= price_sen <= self.upper_limit_sen:
            return RejectReason.OUTSIDE_PRICE_LIMIT
        if quantity_units > self.max_order_units:
            return RejectReason.ORDER_QTY_LIMIT
        if quantity_units > self.max_share_units:
            return RejectReason.SHARE_OF_ISSUE
        if quantity_units > self.query_units and not size_confirmed:
            return RejectReason.ABNORMAL_SIZE_QUERY
        return None

    def refuse_combination(
        self, kind: OrderKind, price_sen: Sen, validity: Validity
    ) -> RejectReason | None:
        """Refuse what the preset or the state does not have, or a price where none belongs."""
        if (
            kind not in self.rules.order_kinds.value
            or validity not in self.permission.validities
            or (kind is OrderKind.LIMIT) == (price_sen == NO_PRICE)
        ):
            return RejectReason.INVALID_COMBINATION
        return None

    # --- what must hold

    def check_invariants(self) -> None:
        """Check what must hold between commands. O(orders)."""
        name = self.instrument.instrument_id
        self.book.check_invariants()
        limits = self.instrument.daily_limits(self.reference_sen)
        kept = (self.lower_limit_sen, self.upper_limit_sen)
        check(limits == kept, "limits follow the base price", instrument=name)
        if self.permission.trades_at_once and not self.suspended:
            bid, ask = self.book.best(Side.BUY), self.book.best(Side.SELL)
            apart = bid is None or ask is None or bid < ask
            check(apart, "a continuous book is not crossed", instrument=name, bid=bid, ask=ask)
            waiting = self.book.market_units(Side.BUY) + self.book.market_units(Side.SELL)
            check(waiting == 0, "no market order rests in Continuous", instrument=name)
        if self.permission.publishes_indicative:
            full = self.clearing()
            check(full == self.published, "the published price is right", instrument=name)

    def state(self) -> dict[str, Any]:
        """The issue as plain values, for the venue's digest. O(orders)."""
        return {
            "phase": self.phase.value,
            "suspended": self.suspended,
            "reference_sen": self.reference_sen,
            "last_sen": self.last_sen,
            "next_base_sen": self.next_base_sen,
            "nav_sen": self.nav_sen,
            "crosses": self.crosses.state(),
            "has_opened": int(self.has_opened),
            "barred": int(self.barred),
            "extension": self.extension,
            "published": [self.published.price_sen, *self.published[1:]],
            "book": self.book.state(),
        }
