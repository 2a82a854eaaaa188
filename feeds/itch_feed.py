"""Events in, one day of ITCH out: the same market as feeds/market_data.py in START's own encoding.

A business day is one Soup session, named by its date. It opens with START's sequence (ITCH 1.2,
4.2 to 4.6 and 4.10): start of messages, tick tables, directory, reference prices, the spin of
trading states, then the book states; orders that live on from an earlier day are added again. It
ends with end of messages.

Ordering: as the events come, so the bytes depend on the journal alone, not on how turns fell: a
day read again from the journal is the same day, byte for byte. ``apply`` may only be told what is
durable.

Not told, because START has no message for it: voided trades, special quotes, extensions. An order
whose quantity is cut without losing its place is a ``U`` with the same number twice (ours).

The equities' profile (feeds/itch.py) tells an order once it rests: what it takes on the way is told
as executions of the orders it met, what is left of it afterwards is added (or, of a replacement,
replaced), and one that never rests is not told at all.

Invariants: an order is told once and leaves once; what is open of it is positive.
"""

from datetime import date
from typing import Any, Final

from feeds import itch
from feeds.market_data import PRE_CLOSING
from feeds.soup import SoupLog
from market import events
from market.commands import NO_PRICE
from market.errors import check
from market.ids import OrderId
from market.instrument import Instrument
from market.quantities import TimeNs, Units
from market.words import OrderKind, Phase, Side, Validity

EARLIER_BYTES_MAX: Final = 256 * 1024 * 1024
"""Bytes of earlier days that are kept; beyond it the oldest day goes first."""

_NS_PER_S: Final = 1_000_000_000
_JST_S: Final = 9 * 3600
_DAY_S: Final = 24 * 3600


class ItchBook:
    """What the day's opening and a snapshot say of one issue."""

    __slots__ = (
        "book", "equilibrium_sen", "halted", "instrument", "limits_sen", "market_orders_barred",
        "phase", "reference_sen", "told", "unseen",
    )  # fmt: skip

    def __init__(self, instrument: Instrument, book: bytes) -> None:
        self.instrument = instrument
        self.book = book
        self.phase = Phase.CLOSED
        self.halted = False
        self.reference_sen = 0
        self.limits_sen = (0, 0)
        self.market_orders_barred = instrument.market_orders_barred
        self.equilibrium_sen: int | None = None
        self.told = False
        self.unseen: dict[OrderId, None] = {}  # on-close orders that are not on the book yet


class ItchOrder:
    """One live order: only ``leaves_units`` and the price change."""

    __slots__ = ("book", "leaves_units", "price_sen", "side")

    def __init__(self, book: ItchBook, side: Side, leaves_units: Units, price_sen: int) -> None:
        self.book = book
        self.side = side
        self.leaves_units = leaves_units
        self.price_sen = price_sen


class Incoming:
    """An order that entered in this step, not told yet; ``old`` is what a replacement replaces."""

    __slots__ = ("old", "order", "order_id")

    def __init__(self, order_id: OrderId, order: ItchOrder, old: OrderId | None) -> None:
        self.order_id = order_id
        self.order = order
        self.old = old


class ItchFeed:
    """The day that runs, or the last one, and the days before it.

    Attributes:
        profile: How it is told; START's unless the preset has its own.
        log: Its session; None before the first day.
        earlier: Sessions of days before it by name, oldest first, within ``EARLIER_BYTES_MAX``.
        orders: Live orders, oldest first.
    """

    def __init__(self) -> None:
        self.profile = itch.START_12
        self.log: SoupLog | None = None
        self.earlier: dict[str, SoupLog] = {}
        self._earlier_bytes = 0
        self.books: dict[str, ItchBook] = {}
        self.orders: dict[OrderId, ItchOrder] = {}
        self._starting: date | None = None
        self._incoming: Incoming | None = None
        self._in_market = self._after_market = False
        self._at_ns = 0
        self._second = -1
        self._fold: dict[type, Any] = {
            events.VenueOpened: self._venue_opened,
            events.InstrumentListed: self._listed,
            events.DayOpened: self._day_opened,
            events.DayClosed: self._day_closed,
            events.ReferencePriceSet: self._reference_set,
            events.PhaseChanged: self._phase_changed,
            events.TradingHalted: self._halted,
            events.TradingResumed: self._resumed,
            events.IndicativePriceChanged: self._indicative,
            events.AuctionHeld: self._auction_held,
            events.OrderAccepted: self._accepted,
            events.OrderAmended: self._amended,
            events.OrderReleased: self._released,
            events.OrderReduced: self._reduced,
            events.OrderCanceled: self._left,
            events.OrderExpired: self._left,
            events.Trade: self._trade,
        }

    def apply(self, at_ns: TimeNs, step: list[events.Event]) -> None:
        """Fold one entry's events. O(events); at a day's opening O(issues + live orders)."""
        self._at_ns = at_ns
        fold_of = self._fold.get
        for event in step:
            fold = fold_of(type(event))
            if fold is not None:
                fold(event)
        if self._incoming is not None:
            self._rest(self._incoming)
        if self._starting is not None:
            self._start_day(self._starting)

    def session(self, name: str) -> SoupLog | None:
        """A day's session: the current one if no name is given, None if there is none. O(1)."""
        if self.log is not None and name in {"", self.log.session}:
            return self.log
        return self.earlier.get(name)

    def snapshot(self) -> list[bytes]:
        """The day's opening as it would be said now, live orders, and where to go on.

        Ours, in the manner of the equities' GLIMPSE service; START has none. O(orders + issues).
        """
        out = [itch.seconds(self._second)] if self._second >= 0 else []
        out += self._opening(self._at_ns % _NS_PER_S)
        for book in self.books.values():
            if book.equilibrium_sen is not None:
                at_ns = self._at_ns % _NS_PER_S
                price = self._price(book.equilibrium_sen)
                out.append(itch.equilibrium_price(at_ns, book.book, price))
        out.append(itch.snapshot_end(self.log.next_sequence if self.log is not None else 1))
        return out

    def check_invariants(self) -> None:
        """Check that what is live is open. O(orders)."""
        for order_id, order in self.orders.items():
            check(order.leaves_units > 0, "a live order is open", order_id=order_id)
            check(order_id not in order.book.unseen, "an order is told or not", order_id=order_id)

    # --- out

    @property
    def _is_telling(self) -> bool:
        return self.log is not None and not self.log.ended and self._starting is None

    def _ns(self) -> int:
        """Nanoseconds of the second, after telling the second when it is a new one."""
        second, ns = divmod(self._at_ns, _NS_PER_S)
        second = (second + _JST_S) % _DAY_S
        if second != self._second and self.log is not None:
            self._second = second
            self.log.append(itch.seconds(second))
        return ns

    def _tell(self, message: bytes) -> None:
        if self.log is not None:
            self.log.append(message)

    def _price(self, price_sen: int) -> int:
        """A price as the profile's fields have it."""
        if price_sen == itch.NO_PRICE_FIELD:
            return price_sen
        return price_sen // self.profile.sen_per_point

    # --- the day

    def _venue_opened(self, event: events.VenueOpened) -> None:
        self.profile = itch.PROFILES.get(event.preset, itch.START_12)

    def _day_opened(self, event: events.DayOpened) -> None:
        if self.log is not None:
            self.log.ended = True
        self._starting = event.business_date

    def _start_day(self, day: date) -> None:
        self._starting = None
        self._in_market = self._after_market = False
        if self.log is not None:
            self._keep(self.log)
        self.log = SoupLog(day.strftime("%Y%m%d"))
        self._second = -1
        for message in self._opening(self._ns()):
            self._tell(message)

    def _keep(self, log: SoupLog) -> None:
        """Keep a day that is over; the oldest ones go when there are too many bytes."""
        self.earlier[log.session] = log
        self._earlier_bytes += len(log.stream)
        while self._earlier_bytes > EARLIER_BYTES_MAX:
            oldest = next(iter(self.earlier))
            self._earlier_bytes -= len(self.earlier.pop(oldest).stream)

    def _opening(self, ns: int) -> list[bytes]:
        books = list(self.books.values())
        out = [itch.system_event(ns, itch.START_OF_MESSAGES)]
        tables = {book.instrument.ticks.table_id: book.instrument.ticks for book in books}
        for table_id, table in sorted(tables.items()):
            point = self.profile.sen_per_point
            starts = (0, *[bound + point for bound in table.up_to_sen[:-1]])
            out += [
                itch.tick_row(ns, table_id, tick_sen // point, start // point)
                for tick_sen, start in zip(table.tick_sen, starts, strict=True)
            ]
        out += [self._directory(ns, book) for book in books]
        out += [self._reference(ns, book) for book in books]
        out += [self._trading(ns, book) for book in books]
        if self.profile.tells_short_sales:
            free = itch.UNRESTRICTED
            out += [itch.short_sale_restriction(ns, book.book, free) for book in books]
        out += [itch.book_state(ns, book.book, book.phase.value) for book in books]
        out += [itch.system_event(ns, event) for event in self._hours_so_far()]
        for book in books:
            book.told = True
        for order_id, order in self.orders.items():
            out.append(self._added(ns, order_id, order))
        return out

    def _hours_so_far(self) -> list[bytes]:
        if not self.profile.tells_hours:
            return []
        said = [itch.START_OF_SYSTEM_HOURS]
        if self._in_market or self._after_market:
            said.append(itch.START_OF_MARKET_HOURS)
        if self._after_market:
            said.append(itch.END_OF_MARKET_HOURS)
        return said

    def _day_closed(self, _event: events.DayClosed) -> None:
        if self._is_telling and self.log is not None:
            if self.profile.tells_hours:
                self._tell(itch.system_event(self._ns(), itch.END_OF_SYSTEM_HOURS))
            self._tell(itch.system_event(self._ns(), itch.END_OF_MESSAGES))
            self.log.ended = True

    def _listed(self, event: events.InstrumentListed) -> None:
        name = event.instrument.instrument_id
        if name in self.books:
            self.books[name].instrument = event.instrument
            return
        short = name if len(name) <= itch.BOOK_ID_BYTES else f"{len(self.books) + 1:04d}"
        self.books[name] = ItchBook(event.instrument, itch.book_field(short))

    def _reference_set(self, event: events.ReferencePriceSet) -> None:
        book = self.books[event.instrument_id]
        book.reference_sen = event.reference_price_sen
        book.limits_sen = event.lower_limit_sen, event.upper_limit_sen
        book.market_orders_barred = event.market_orders_barred
        if self._is_telling:
            ns = self._ns()
            self._tell(self._directory(ns, book))
            self._tell(self._reference(ns, book))
            if not book.told:  # listed during the day
                book.told = True
                self._tell(self._trading(ns, book))
                if self.profile.tells_short_sales:
                    self._tell(itch.short_sale_restriction(ns, book.book, itch.UNRESTRICTED))
                self._tell(itch.book_state(ns, book.book, book.phase.value))

    def _directory(self, ns: int, book: ItchBook) -> bytes:
        issue = book.instrument
        return itch.directory(
            ns,
            book.book,
            issue.isin,
            issue.instrument_id,
            issue.trading_unit_units,
            issue.ticks.table_id,
            book.limits_sen,
            market_orders_barred=book.market_orders_barred,
            attention=issue.under_supervision,
            termination=issue.to_be_removed,
            profile=self.profile,
        )

    def _reference(self, ns: int, book: ItchBook) -> bytes:
        number = itch.REFERENCE_ORDER_NUMBER
        price = self._price(book.reference_sen)
        return itch.order_added(ns, number, Side.BUY, 0, book.book, price)

    def _trading(self, ns: int, book: ItchBook) -> bytes:
        return itch.trading_state(ns, book.book, itch.SUSPENDED if book.halted else itch.TRADING)

    def _phase_changed(self, event: events.PhaseChanged) -> None:
        book = self.books[event.instrument_id]
        book.phase = event.phase
        if self._is_telling:
            begins = event.phase is Phase.CONTINUOUS and not self._in_market
            if begins:
                self._in_market, self._after_market = True, False
                self._tell_hours(itch.START_OF_MARKET_HOURS)
            self._tell(itch.book_state(self._ns(), book.book, event.phase.value))
            trades = any(each.phase is Phase.CONTINUOUS for each in self.books.values())
            if self._in_market and not trades:
                self._in_market, self._after_market = False, True
                self._tell_hours(itch.END_OF_MARKET_HOURS)

    def _tell_hours(self, event: bytes) -> None:
        if self.profile.tells_hours:
            self._tell(itch.system_event(self._ns(), event))

    def _halted(self, event: events.TradingHalted) -> None:
        self._set_halted(self.books[event.instrument_id], halted=True)

    def _resumed(self, event: events.TradingResumed) -> None:
        self._set_halted(self.books[event.instrument_id], halted=False)

    def _set_halted(self, book: ItchBook, *, halted: bool) -> None:
        book.halted = halted
        if self._is_telling:
            self._tell(self._trading(self._ns(), book))

    def _indicative(self, event: events.IndicativePriceChanged) -> None:
        self._set_equilibrium(self.books[event.instrument_id], event.price_sen)

    def _auction_held(self, event: events.AuctionHeld) -> None:
        """After the cross there is no price (ITCH 1.2, 4.11)."""
        self._set_equilibrium(self.books[event.instrument_id], None)

    def _set_equilibrium(self, book: ItchBook, price_sen: int | None) -> None:
        book.equilibrium_sen = price_sen
        if self._incoming is not None:
            self._rest(self._incoming)
        if self._is_telling:
            field = itch.NO_PRICE_FIELD if price_sen is None else self._price(price_sen)
            self._tell(itch.equilibrium_price(self._ns(), book.book, field))

    # --- orders

    def _added(self, ns: int, order_id: OrderId, order: ItchOrder) -> bytes:
        book, units, price = order.book.book, order.leaves_units, self._price(order.price_sen)
        return itch.order_added(ns, order_id, order.side, units, book, price)

    def _add(self, order_id: OrderId, order: ItchOrder) -> None:
        check(order_id not in self.orders, "an order joins once", order_id=order_id)
        self.orders[order_id] = order
        if self._is_telling:
            self._tell(self._added(self._ns(), order_id, order))

    def _accepted(self, event: events.OrderAccepted) -> None:
        book = self.books[event.instrument_id]
        if event.validity is Validity.ON_CLOSE and book.phase not in PRE_CLOSING:
            book.unseen[event.order_id] = None
            return
        price_sen = _price_field(event.kind, event.price_sen)
        order = ItchOrder(book, event.side, event.quantity_units, price_sen)
        if self.profile.tells_resting:
            self._incoming = Incoming(event.order_id, order, None)
        else:
            self._add(event.order_id, order)

    def _rest(self, incoming: Incoming) -> None:
        """The step's order met what it could: tell what is left of it."""
        self._incoming = None
        order_id, order, old = incoming.order_id, incoming.order, incoming.old
        if old is None:
            if order.leaves_units:
                self._add(order_id, order)
            return
        self.orders[old] = order
        if order.leaves_units:
            self._replace(old, order_id, order.leaves_units, order.price_sen)
        else:
            self._delete(old)

    def _entering(self, order_id: OrderId) -> ItchOrder | None:
        """The order of this step that is not told yet, when that is the one."""
        incoming = self._incoming
        return incoming.order if incoming is not None and incoming.order_id == order_id else None

    def _amended(self, event: events.OrderAmended) -> None:
        book = self.books[event.instrument_id]
        if event.old_order_id in book.unseen:
            del book.unseen[event.old_order_id]
            book.unseen[event.order_id] = None
            return
        price_sen = _price_field(event.kind, event.price_sen)
        if self.profile.tells_resting and not event.kept_priority:
            del self.orders[event.old_order_id]
            order = ItchOrder(book, event.side, event.leaves_units, price_sen)
            self._incoming = Incoming(event.order_id, order, event.old_order_id)
            return
        self._replace(event.old_order_id, event.order_id, event.leaves_units, price_sen)

    def _released(self, event: events.OrderReleased) -> None:
        book = self.books[event.instrument_id]
        price_sen = _price_field(event.kind, event.price_sen)
        if event.order_id in book.unseen:
            del book.unseen[event.order_id]
            order = ItchOrder(book, event.side, event.leaves_units, price_sen)
            self._add(event.order_id, order)
            return
        self._replace(event.order_id, event.order_id, event.leaves_units, price_sen)

    def _reduced(self, event: events.OrderReduced) -> None:
        entering = self._entering(event.order_id)
        if entering is not None:
            entering.leaves_units = event.leaves_units
            return
        if not event.leaves_units:
            self._delete(event.order_id)
            return
        price_sen = self.orders[event.order_id].price_sen
        self._replace(event.order_id, event.order_id, event.leaves_units, price_sen)

    def _replace(self, old: OrderId, new: OrderId, leaves_units: Units, price_sen: int) -> None:
        was = self.orders[old]
        if old == new:
            was.leaves_units, was.price_sen = leaves_units, price_sen
        else:
            del self.orders[old]
            self.orders[new] = ItchOrder(was.book, was.side, leaves_units, price_sen)
        if self._is_telling:
            price = self._price(price_sen)
            self._tell(itch.order_replaced(self._ns(), old, new, leaves_units, price))

    def _left(self, event: events.OrderCanceled | events.OrderExpired) -> None:
        unseen = self.books[event.instrument_id].unseen
        if event.order_id in unseen:
            del unseen[event.order_id]
            return
        entering = self._entering(event.order_id)
        if entering is not None:
            entering.leaves_units = Units(0)
            return
        self._delete(event.order_id)

    def _delete(self, order_id: OrderId) -> None:
        del self.orders[order_id]
        if self._is_telling:
            self._tell(itch.order_deleted(self._ns(), order_id))

    def _trade(self, event: events.Trade) -> None:
        """Both orders are told, the buy first, with one match number; resting ones, by profile."""
        if event.cross and self._incoming is not None:
            self._rest(self._incoming)
        self._execute(event, event.buy_order_id, event.buy_leaves_units)
        self._execute(event, event.sell_order_id, event.sell_leaves_units)

    def _execute(self, event: events.Trade, order_id: OrderId, leaves_units: Units) -> None:
        entering = self._entering(order_id)
        if entering is not None:
            entering.leaves_units = leaves_units
            return
        if leaves_units:
            self.orders[order_id].leaves_units = leaves_units
        else:
            del self.orders[order_id]
        if not self._is_telling:
            return
        units, match, ns = event.quantity_units, event.trade_id, self._ns()
        if self.profile.tells_resting and not event.cross:
            self._tell(itch.order_executed_at_limit(ns, order_id, units, match))
            return
        price = self._price(event.price_sen)
        self._tell(itch.order_executed(ns, order_id, units, match, price, cross=event.cross))


def _price_field(kind: OrderKind, price_sen: int) -> int:
    return itch.NO_PRICE_FIELD if kind is OrderKind.MARKET or price_sen == NO_PRICE else price_sen
