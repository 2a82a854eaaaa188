"""One issue on the engine: its book, its day, and what is worked out once so orders need not.

Base price (基準値段): by the preset the last price of the day before (cross or trade, or the special
quote shown after it), else the base price before; or the net asset value; or whatever stands until
somebody sets it. The issue price on the first day (START reference, proposal taken from TSE and ODX).
The centre price of a cross is the base price, or by the preset the last price of today if there is
one, or the net asset value; with special quotes the price a move is measured from (quotes.py).

Invariants: the daily limits are those of the base price; the index of the engine and the book
agree; the last published indicative price is what the book gives.
"""

from collections.abc import Callable, Sequence
from datetime import date
from typing import Any, Final, Protocol

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
from market.ids import OrderId, TradeId
from market.instrument import Instrument
from market.message import Record
from market.quantities import MAX_PRICE_SEN, MAX_QUANTITY_UNITS, Sen, Units
from market.reasons import CancelReason, RejectReason
from market.rules import BookCentre, Rules
from market.words import OrderKind, Phase, Side, Validity
from matching.auction import clear, heavier_side
from matching.book import Book
from matching.broadening import Broadening
from matching.clearing import NO_CLEARING, Clearing, Terms
from matching.conditions import PRE_CLOSING, Aside
from matching.day_prices import DayCrosses, next_base_sen
from matching.first_price import entry_band, quote_band, seeks_first_price, step_sen
from matching.indicative import CallInterest, grid_within
from matching.order import Order
from matching.phases import Permission, permissions
from matching.quotes import Quotes
from matching.selfmatch import OwnOrders

_CONDITIONS: Final = (Validity.ON_OPEN, Validity.ON_CLOSE, Validity.FUNARI)


class TradeNumbers(Record):
    """Counts trades of all issues of one engine; ``last`` is the last one given."""

    last: TradeId = TradeId(0)


class Rows(Protocol):
    """Where events leave as rows: crosses and ends orders without an object for each."""

    def cross(self, price_sen: Sen, units: int, events: list[Event]) -> int:
        """Trade ``units`` by priority at one price; returns the number of trades."""

    def end(
        self, chosen: Callable[[Order], bool], reason: CancelReason | None, events: list[Event]
    ) -> bool:
        """Cancel (without a reason: expire) the chosen orders, or return False and do nothing."""


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
        has_continuous: Whether its day has a continuous session.
        gathers_fok: Whether fill-or-kill orders wait for a cross here.
        own_orders: The resting orders of each owner, where the preset prevents self-matches.
        extension: Where it stands with its auction's extension, see extension.py.
        nav_sen: Net asset value of one unit, or NO_PRICE.
        next_base_sen: Base price of the next day to open.
        published: The last indicative price told.
        interest: Kept while an indicative price is published and the book keeps none, else None.
        quotes: What special quotes there are, where the preset has them.
        held_sen: Last special quote since the last price of today, or NO_PRICE.
        ends_pre_closing: Whether the present closing auction ends a pre-closing.
        broadening: Days at a limit in a row, where the preset counts them.
        aside: On-close orders that wait for the closing call.
        seeks_first: Whether a new issue has no price yet.
        has_conditions: Whether the preset has on-open, on-close or funari orders.
        rows: Set where events leave as rows (batch.py), else None.
        simultaneous_to: Orders up to this time (see by_time) have no priority among themselves.
    """

    __slots__ = ("_barred", "_grid", "_grid_is_known", "_quote_band", "_takes_day_limits",
                 "_terms", "aside", "book", "broadening",
                 "centre_by_last", "centre_by_nav", "crosses", "ends_pre_closing", "extension",
                 "gathers_fok", "has_conditions", "has_continuous", "has_opened", "held_sen", "instrument",
                 "interest", "last_sen", "lot_units", "lower_limit_sen", "max_order_units",
                 "max_share_units", "most_units", "nav_sen", "next_base_sen", "own_orders",
                 "permission", "permissions", "phase", "published", "query_units",
                 "quick_lower_sen", "quick_tick_sen", "quick_upper_sen", "quotes",
                 "reference_sen", "rows", "rules", "seeks_first", "simultaneous_to", "suspended",
                 "trade_numbers", "upper_limit_sen", "voids_limits")  # fmt: skip

    def __init__(
        self,
        instrument: Instrument,
        rules: Rules,
        book: Book,
        trade_numbers: TradeNumbers,
        *,
        resting: dict[OrderId, Order],
        waiting: dict[OrderId, Order],
    ) -> None:
        self.instrument = instrument
        self.rules = rules
        self.book = book
        self.trade_numbers = trade_numbers
        self.rows: Rows | None = None
        self.permissions = permissions(rules)
        self.phase = Phase.CLOSED
        self.permission: Permission = self.permissions[Phase.CLOSED]
        self.suspended = False
        self.centre_by_last = rules.book_centre.value is BookCentre.REFERENCE_OR_LAST_CROSS
        self.centre_by_nav = rules.book_centre.value is BookCentre.NAV
        self.nav_sen = instrument.nav_sen
        self.has_continuous = rules.has_continuous
        self.voids_limits = rules.limit_residual_after_opening.value is LimitResidual.VOID
        self.has_opened = False
        self._barred = instrument.market_orders_barred
        self.crosses = DayCrosses()
        self.extension = 0
        self.gathers_fok = Validity.FOK in self.permissions[Phase.PRE_OPEN].validities
        self.own_orders = OwnOrders(rules.self_match.value, resting)
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
        self._terms: Terms | None = None
        self.interest: CallInterest | None = None
        self._grid: list[Sen] | None = None
        self.simultaneous_to = 0
        self.aside = Aside(waiting)
        self.has_conditions = any(one in _CONDITIONS for one in rules.validities.value)
        self.broadening = Broadening(rules) if rules.limit_broadening_days.value else None
        self.seeks_first = seeks_first_price(instrument, rules)
        self.held_sen = NO_PRICE
        self.ends_pre_closing = False
        self.quotes = Quotes(rules, instrument.ticks) if rules.special_quotes.value else None
        self._quote_band = (Sen(0), Sen(0))
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
        self._barred = self.instrument.market_orders_barred or by_rule
        self.has_opened = True
        self.last_sen = self.held_sen = NO_PRICE
        self.crosses.new_day()
        self.own_orders.new_day()
        self.extension = 0
        self.set_reference(self.next_base_sen)

    def close_day(self) -> ClosingPriceSet:
        """Count the day, tell the closing price, and work out the next base price."""
        if self.broadening is not None:
            self.broadening.end_day((self.lower_limit_sen, self.upper_limit_sen))
        return self.end_prices()

    def end_prices(self) -> ClosingPriceSet:
        """The closing price and the next base price; again when trades are voided after the close.

        Where special quotes are, the last one since the last price stands for it in the base price.
        """
        rules, last, base = self.rules, self.last_sen, self.reference_sen
        self.next_base_sen = next_base_sen(
            rules.base_price_rule.value,
            self.instrument.ticks,
            last_sen=self.held_sen or last,
            reference_sen=base,
            nav_sen=self.nav_sen,
        )
        closing = self.crosses.closing_sen(rules.close_price_rule.value, last, base)
        return ClosingPriceSet(
            instrument_id=self.instrument.instrument_id, price_sen=closing or None
        )

    def forget_trades(self, left: Sequence[Trade], *, day_is_open: bool) -> None:
        """Work today's prices out anew after trades were voided. O(trades left).

        Args:
            left: Today's trades of this issue that still stand, in order.
            day_is_open: Whether the day is not counted yet (broadening.py).
        """
        self.last_sen = left[-1].price_sen if left else NO_PRICE
        self.crosses.keep_only(left)
        if self.broadening is not None and day_is_open:
            self.broadening.recount(left)

    def set_reference(self, reference_sen: Sen) -> None:
        """Set the base price; the limits follow, resting orders stay.

        O(1) on an empty book where nothing is published, else O(orders + prices within limits).
        """
        ticks = self.instrument.ticks
        lower, upper = self._limits_around(reference_sen)
        self.reference_sen = reference_sen
        self.lower_limit_sen, self.upper_limit_sen = lower, upper
        self._terms = None
        self.book = self.book.fitted(ticks, lower, upper)
        if self.seeks_first and self.quotes is not None:
            self.quotes.first_step_sen = step_sen(self.rules, reference_sen)
            self._quote_band = quote_band(self.instrument, self.rules, reference_sen)
        self._grid_is_known = False
        tick = ticks.tick_at(lower)
        one_tick = tick == ticks.tick_at(upper) and self._takes_day_limits
        self.quick_tick_sen = tick
        self.quick_lower_sen, self.quick_upper_sen = (lower, upper) if one_tick else (1, 0)
        self.rebuild_interest()

    def _limits_around(self, reference_sen: Sen) -> tuple[Sen, Sen]:
        if self.seeks_first:
            return entry_band(self.instrument, self.rules, reference_sen)
        broadening = self.broadening
        if broadening is None:
            return self.instrument.daily_limits(reference_sen)
        return self.instrument.daily_limits(
            reference_sen,
            lower_factor=broadening.factor(Side.SELL),
            upper_factor=broadening.factor(Side.BUY),
        )

    def reference_set(self) -> ReferencePriceSet:
        """The event that tells base price and limits."""
        return ReferencePriceSet(
            instrument_id=self.instrument.instrument_id,
            reference_price_sen=self.reference_sen,
            lower_limit_sen=self.lower_limit_sen,
            upper_limit_sen=self.upper_limit_sen,
            market_orders_barred=self.bars_market_orders,
        )

    def base_price_announced(self, business_date: date) -> BasePriceAnnounced:
        """The event that tells the next day's base price and limits beforehand."""
        lower, upper = self._limits_around(self.next_base_sen)
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
        self.ends_pre_closing = phase is Phase.CLOSING_AUCTION and self.phase in PRE_CLOSING
        self.phase = phase
        self.permission = self.permissions[phase]
        self.rebuild_interest()

    # --- the price of a cross

    @property
    def centre_sen(self) -> Sen:
        """The price that breaks the last tie of a cross."""
        if self.centre_by_nav and self.nav_sen:
            return self.nav_sen
        if self.quotes is not None:
            shown = self.quotes.shown
            return self.anchor_sen if shown is None else shown.origin_sen
        return (self.centre_by_last and self.last_sen) or self.reference_sen

    @property
    def anchor_sen(self) -> Sen:
        """The price from which a move is measured: last special quote, last price or base price."""
        return self.held_sen or self.last_sen or self.reference_sen

    @property
    def limits_sen(self) -> tuple[Sen, Sen]:
        """Where trades and quotes may be at most: daily limits, or a new issue's band."""
        if self.seeks_first:
            return self._quote_band
        return self.lower_limit_sen, self.upper_limit_sen

    def terms(self) -> Terms:
        """What the price of a cross depends on besides the orders; the same object while it holds."""
        terms, centre_sen = self._terms, self.centre_sen
        if terms is None or terms.centre_sen != centre_sen:
            terms = self._terms = Terms(
                self.lower_limit_sen,
                self.upper_limit_sen,
                self.instrument.ticks,
                centre_sen,
                self.rules.price_rule.value,
                self.rules.market_only_trades.value,
            )
        return terms

    def clearing(self) -> Clearing:
        """What a cross gives now: as the book keeps it, else from every level. O(levels)."""
        book, terms = self.book, self.terms()
        kept = book.crossing(terms)
        return kept if kept is not None else self.clearing_by_levels(terms)

    def clearing_by_levels(self, terms: Terms) -> Clearing:
        """The same from every level, whatever the book keeps. O(levels)."""
        book = self.book
        return clear(
            book.interest(Side.BUY),
            book.interest(Side.SELL),
            book.market_units(Side.BUY),
            book.market_units(Side.SELL),
            terms,
        )

    def leaning(self) -> Side | None:
        """The side whose market orders nothing can fill, or None. O(levels)."""
        book = self.book
        return heavier_side(
            book.interest(Side.BUY),
            book.interest(Side.SELL),
            book.market_units(Side.BUY),
            book.market_units(Side.SELL),
            self.terms(),
        )

    def rebuild_interest(self) -> None:
        """Read the whole book if its state publishes and it keeps no crossing point. O(levels)."""
        self.interest = None
        if not self.permission.publishes_indicative or self.book.keeps_crossing(self.terms()):
            return
        if not self._grid_is_known:
            self._grid, self._grid_is_known = grid_within(self.terms()), True
        if self._grid is not None:
            self.interest = CallInterest(self.book, self.terms(), self._grid)

    def note_change(self, order: Order, units: int) -> None:
        """Interest of one order changed by ``units``. O(log prices)."""
        if self.interest is not None:
            self.interest.change(order.side, order.price_sen, units)

    def traded_in_cross(self, price_sen: Sen) -> None:
        """A cross traded at this price."""
        self.last_sen, self.held_sen = price_sen, NO_PRICE
        if self.broadening is not None:
            self.broadening.traded(price_sen)

    def find_first_price(self, price_sen: Sen) -> None:
        """A new issue has its first price; daily limits are around it from now on."""
        self.seeks_first = False
        if self.quotes is not None:
            self.quotes.first_step_sen = Sen(0)
        self.set_reference(price_sen)

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

    @property
    def bars_market_orders(self) -> bool:
        """Whether market orders are barred today, or until a new issue's first price."""
        return self._barred or self.seeks_first

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
        if kind is OrderKind.MARKET and self.bars_market_orders:
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
        if validity is Validity.FUNARI:
            if kind is OrderKind.MARKET:
                return RejectReason.INVALID_COMBINATION
            if self.bars_market_orders:  # it will be one
                return RejectReason.MARKET_ORDER_BARRED
        return None

    # --- what must hold

    def check_invariants(self) -> None:
        """Check what must hold between commands. O(orders)."""
        name = self.instrument.instrument_id
        self.book.check_invariants()
        self.aside.check_invariants()
        if not (self.broadening is not None and self.phase is Phase.CLOSED):  # it counted the day
            limits = self._limits_around(self.reference_sen)
            kept = (self.lower_limit_sen, self.upper_limit_sen)
            check(limits == kept, "limits follow the base price", instrument=name)
        quoted = self.quotes is not None and self.quotes.shown is not None
        if self.permission.trades_at_once and not self.suspended and not quoted:
            bid, ask = self.book.best(Side.BUY), self.book.best(Side.SELL)
            apart = bid is None or ask is None or bid < ask
            check(apart, "a continuous book is not crossed", instrument=name, bid=bid, ask=ask)
            waiting = self.book.market_units(Side.BUY) + self.book.market_units(Side.SELL)
            check(waiting == 0, "no market order rests in Continuous", instrument=name)
        if self.quotes is not None and self.quotes.shown is not None:
            check(not self.suspended, "a suspended issue shows no quote", instrument=name)
            price = self.clearing().price_sen
            within = price is not None and self.quotes.reach(
                self.anchor_sen, self.limits_sen
            ).holds(price)
            ends = self.phase is Phase.CLOSING_AUCTION  # its band is wider than the quote's
            check(ends or not within, "a quote shows only what cannot trade", instrument=name)
        if self.permission.publishes_indicative:
            full = self.clearing_by_levels(self.terms())
            check(full == self.published, "the published price is right", instrument=name)

    def state(self) -> dict[str, Any]:
        """The issue as plain values, for the venue's digest. O(orders)."""
        told: dict[str, Any] = {
            "phase": self.phase.value,
            "suspended": self.suspended,
            "reference_sen": self.reference_sen,
            "last_sen": self.last_sen,
            "next_base_sen": self.next_base_sen,
            "nav_sen": self.nav_sen,
            "crosses": self.crosses.state(),
            "has_opened": int(self.has_opened),
            "barred": int(self._barred),
            "extension": self.extension,
            "published": [self.published.price_sen, *self.published[1:]],
            "book": self.book.state(),
        }
        if self.broadening is not None:
            told["broadening"] = self.broadening.state()
        if self.instrument.newly_listed:
            told["seeks_first"] = self.seeks_first
        if self.aside:
            told["aside"] = self.aside.state()
        if self.quotes is not None:
            told["held_sen"], told["quotes"] = self.held_sen, self.quotes.state()
        if self.simultaneous_to:
            told["simultaneous_to"] = self.simultaneous_to
        return told
