"""The board (板) of one issue: mechanics only, no rule of any market.

Ordering: market orders before every price, then the better price, then who came first. A level
is found by its *rank*, where smaller trades first: the price for sells, its negative for buys.
So both sides are one code, and the best level is always the first.

Invariants (check_invariants): an order is in the index and in exactly one level, or in neither;
a level's units and count are those of its orders; no level is empty; best ranks are the least.

:class:`Book` is the whole interface the rules use, so that another implementation (flat arrays,
compiled) can stand in its place; ``SortedBook`` is the readable one and the judge of the other.

On the paths below an amount is not wrapped in ``Units`` again after arithmetic: at run time that is
a call, as dear as the arithmetic. Hence the few ``type: ignore[assignment]``.
"""

from collections.abc import Iterator, Sequence
from typing import Any, Final, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray
from sortedcontainers import SortedList

from market.commands import NO_PRICE
from market.errors import InvariantBroken, check
from market.ids import OrderId
from market.instrument import TickTable
from market.quantities import Sen, Units
from market.words import Side
from matching.clearing import Clearing, Terms
from matching.order import MARKET_RANK, NO_RANK, Level, Order, order_state

_BUY: Final = Side.BUY
_ANY_RANK: Final = NO_RANK - 1
_NOTHING: Final = Units(0)

Fill = tuple[Order, Units]
"""A resting order that traded, with how much; its ``leaves_units`` is already what is left."""


class LevelTotal(NamedTuple):
    """One price as everyone may see it."""

    price_sen: Sen
    units: int
    orders: int


class Interest(NamedTuple):
    """One side's limit orders by price, best first; two int64 arrays of one length.

    Attributes:
        prices_sen: 1/100 yen.
        units: Open quantity at each.
    """

    prices_sen: NDArray[np.int64]
    units: NDArray[np.int64]


class Book(Protocol):
    """What the rules ask of a book. Orders named here are of this book's issue."""

    def fitted(self, ticks: TickTable, lower_sen: Sen, upper_sen: Sen) -> "Book":
        """This book, or another with its orders, made for prices within these limits.

        Called before the first order and whenever the limits change.
        """

    def add(self, order: Order) -> None:
        """Put an order at the back of its price, or of the market orders."""

    def remove(self, order: Order) -> None:
        """Take a resting order off; its open quantity stays written on it."""

    def reduce(self, order: Order, units: Units) -> None:
        """Lower a resting order's open quantity; it keeps its place. Units below its leaves."""

    def execute(self, order: Order, units: Units) -> None:
        """Trade ``units`` of a resting order; it leaves the book when nothing is left."""

    def match(self, incoming: Order, stop_at_owner: str | None) -> Sequence[Fill]:
        """Trade an order that does not rest against the other side, best first.

        Lowers ``incoming.leaves_units``. Ends when it is filled, when no order within its limit
        is left, or in front of an order of ``stop_at_owner``. O(fills + levels emptied x log).
        """

    def next_match(self, incoming: Order) -> Order | None:
        """The order that ``incoming`` would trade with next, or None."""

    def available(self, incoming: Order, owner: str | None, *, skip_owner: bool) -> int:
        """Units within reach of ``incoming``, counted up to its open quantity.

        With an ``owner``, orders of that owner are skipped, or end the count. O(orders seen).
        """

    def keeps_crossing(self, terms: Terms) -> bool:
        """Whether the book keeps the crossing point from order to order under these terms."""

    def crossing(self, terms: Terms) -> Clearing | None:
        """What a cross gives now, where the book keeps the crossing point; else None.

        The same answer as :func:`matching.auction.clear`, which works from the levels.
        """

    def first(self, side: Side) -> Order | None:
        """The order with the highest priority of all, market orders included."""

    def best(self, side: Side) -> Sen | None:
        """The best limit price, or None."""

    def market_units(self, side: Side) -> int:
        """Open quantity of market orders."""

    def levels(self, side: Side) -> list[LevelTotal]:
        """Prices best first, without market orders. O(levels)."""

    def interest(self, side: Side) -> Interest:
        """Prices and units of :meth:`levels` as arrays, best first. O(levels)."""

    def price_range(self) -> tuple[Sen, Sen] | None:
        """Lowest and highest limit price on either side, or None."""

    def queue(self, side: Side) -> Iterator[Order]:
        """Orders by priority; the book must not change meanwhile."""

    def check_invariants(self) -> None:
        """Check what must hold between commands. O(orders)."""

    def state(self) -> dict[str, Any]:
        """Every order by priority, as plain values. O(orders)."""


class _HalfBook:
    """One side: levels by rank, and the ranks in order.

    Attributes:
        best_rank: The least rank, or NO_RANK; kept, because every incoming order asks for it.
    """

    __slots__ = ("best_rank", "levels", "ranks")

    def __init__(self) -> None:
        self.levels: dict[int, Level] = {}
        self.ranks: SortedList[int] = SortedList()
        self.best_rank = NO_RANK

    def open_level(self, rank: int, order: Order) -> Level:
        """A new level with its first order. O(log levels)."""
        units = order.leaves_units
        level = self.levels[rank] = Level(rank, order.price_sen, units, 1, order, order)
        self.ranks.add(rank)
        self.best_rank = min(self.best_rank, rank)
        return level

    def drop_level(self, rank: int) -> None:
        """Forget an empty level. O(log levels)."""
        del self.levels[rank]
        ranks = self.ranks
        ranks.remove(rank)
        if rank == self.best_rank:
            self.best_rank = ranks[0] if ranks else NO_RANK

    def in_order(self) -> Iterator[Level]:
        """Levels best first, the market orders' level in front."""
        levels = self.levels
        return (levels[rank] for rank in self.ranks)


class SortedBook:
    """A :class:`Book` on sortedcontainers.

    Attributes:
        index: Every resting order by id. Books of one engine share it: ids are unique.
    """

    __slots__ = ("_buys", "_sells", "index")

    def __init__(self, index: dict[OrderId, Order]) -> None:
        self.index = index
        self._buys = _HalfBook()
        self._sells = _HalfBook()

    def fitted(self, ticks: TickTable, lower_sen: Sen, upper_sen: Sen) -> "SortedBook":
        """This book: it takes any price."""
        del ticks, lower_sen, upper_sen
        return self

    # --- orders in and out

    def add(self, order: Order) -> None:
        """Put an order at the back of its price, or of the market orders. O(1) on a known price."""
        if order.side is _BUY:
            half, rank = self._buys, -order.price_sen or MARKET_RANK
        else:
            half, rank = self._sells, order.price_sen or MARKET_RANK
        level = half.levels.get(rank)
        if level is None:
            order.level = half.open_level(rank, order)
        else:
            last = level.last
            last.following = level.last = order
            order.previous = last
            order.level = level
            level.units += order.leaves_units
            level.count += 1
        self.index[order.order_id] = order

    def remove(self, order: Order) -> None:
        """Take a resting order off; its open quantity stays written on it. O(1)."""
        level = order.level
        if level is None:
            raise _not_resting(order)
        previous, following = order.previous, order.following
        if previous is not None:
            previous.following = following
            order.previous = None
        elif following is not None:
            level.first = following
        else:
            half = self._buys if order.side is _BUY else self._sells
            half.drop_level(level.rank)
        if following is not None:
            following.previous = previous
            order.following = None
        elif previous is not None:
            level.last = previous
        level.units -= order.leaves_units
        level.count -= 1
        order.level = None
        del self.index[order.order_id]

    def reduce(self, order: Order, units: Units) -> None:
        """Lower a resting order's open quantity; it keeps its place. O(1)."""
        level = order.level
        if level is None:
            raise _not_resting(order)
        order.leaves_units -= units  # type: ignore[assignment]
        level.units -= units

    def execute(self, order: Order, units: Units) -> None:
        """Trade ``units`` of a resting order; it leaves the book when nothing is left. O(1)."""
        if units == order.leaves_units:
            self.remove(order)
            order.leaves_units = _NOTHING
        else:
            self.reduce(order, units)

    # --- trading

    def match(self, incoming: Order, stop_at_owner: str | None) -> Sequence[Fill]:
        """Trade an order that does not rest against the other side; see :class:`Book`."""
        price = incoming.price_sen
        if incoming.side is _BUY:
            half, limit_rank = self._sells, price or _ANY_RANK
        else:
            half, limit_rank = self._buys, -price or _ANY_RANK
        if half.best_rank > limit_rank:
            return ()
        fills: list[Fill] = []
        leaves = incoming.leaves_units
        while leaves and half.best_rank <= limit_rank:
            level = half.levels[half.best_rank]
            resting: Order | None = level.first
            while resting is not None and leaves:
                if stop_at_owner is not None and resting.owner == stop_at_owner:
                    incoming.leaves_units = leaves
                    return fills
                units = resting.leaves_units
                if units > leaves:
                    resting.leaves_units -= leaves  # type: ignore[assignment]
                    level.units -= leaves
                    fills.append((resting, leaves))
                    leaves = _NOTHING
                    break
                leaves -= units  # type: ignore[assignment]
                following = resting.following
                self.remove(resting)
                resting.leaves_units = _NOTHING
                fills.append((resting, units))
                resting = following
        incoming.leaves_units = leaves
        return fills

    def next_match(self, incoming: Order) -> Order | None:
        """The order that ``incoming`` would trade with next, or None. O(1)."""
        half, limit_rank = self._opposite(incoming)
        return half.levels[half.best_rank].first if half.best_rank <= limit_rank else None

    def available(self, incoming: Order, owner: str | None, *, skip_owner: bool) -> int:
        """Units within reach of ``incoming``, up to its open quantity; see :class:`Book`."""
        half, limit_rank = self._opposite(incoming)
        wanted, found = incoming.leaves_units, 0
        for level in half.in_order():
            if level.rank > limit_rank or found >= wanted:
                break
            if owner is None:
                found += level.units
                continue
            order: Order | None = level.first
            while order is not None:
                if order.owner != owner:
                    found += order.leaves_units
                elif not skip_owner:
                    return min(found, wanted)
                order = order.following
        return min(found, wanted)

    def _opposite(self, incoming: Order) -> tuple[_HalfBook, int]:
        """The other side, and the last rank the order's limit reaches."""
        price = incoming.price_sen
        if incoming.side is _BUY:
            return self._sells, price or _ANY_RANK
        return self._buys, -price or _ANY_RANK

    # --- reading

    def first(self, side: Side) -> Order | None:
        """The order with the highest priority of all, market orders included. O(1)."""
        half = self._buys if side is _BUY else self._sells
        return half.levels[half.best_rank].first if half.best_rank != NO_RANK else None

    def best(self, side: Side) -> Sen | None:
        """The best limit price, or None. O(1)."""
        half = self._buys if side is _BUY else self._sells
        rank = half.best_rank
        if rank == MARKET_RANK:
            rank = half.ranks[1] if len(half.ranks) > 1 else NO_RANK
        return None if rank == NO_RANK else Sen(abs(rank))

    def market_units(self, side: Side) -> int:
        """Open quantity of market orders. O(1)."""
        level = (self._buys if side is _BUY else self._sells).levels.get(MARKET_RANK)
        return 0 if level is None else level.units

    def levels(self, side: Side) -> list[LevelTotal]:
        """Prices best first, without market orders. O(levels)."""
        half = self._buys if side is _BUY else self._sells
        return [
            LevelTotal(level.price_sen, level.units, level.count)
            for level in half.in_order()
            if level.price_sen != NO_PRICE
        ]

    def keeps_crossing(self, terms: Terms) -> bool:
        """Not kept here."""
        del terms
        return False

    def crossing(self, terms: Terms) -> Clearing | None:
        """Not kept here."""
        del terms
        return None

    def interest(self, side: Side) -> Interest:
        """Prices and units of :meth:`levels` as arrays, best first. O(levels)."""
        half = self._buys if side is _BUY else self._sells
        levels, ranks = half.levels, list(half.ranks)
        if half.best_rank == MARKET_RANK:
            del ranks[0]
        units = np.array([levels[rank].units for rank in ranks], np.int64)
        return Interest(np.abs(np.array(ranks, np.int64)), units)

    def price_range(self) -> tuple[Sen, Sen] | None:
        """Lowest and highest limit price on either side, or None. O(1)."""
        prices = []
        for side, half in ((Side.BUY, self._buys), (Side.SELL, self._sells)):
            best = self.best(side)
            if best is not None:
                prices += [best, Sen(abs(half.ranks[-1]))]
        return (min(prices), max(prices)) if prices else None

    def queue(self, side: Side) -> Iterator[Order]:
        """Orders by priority; the book must not change meanwhile."""
        for level in (self._buys if side is _BUY else self._sells).in_order():
            order: Order | None = level.first
            while order is not None:
                yield order
                order = order.following

    def check_invariants(self) -> None:
        """Check what must hold between commands. O(orders)."""
        for side, half in ((Side.BUY, self._buys), (Side.SELL, self._sells)):
            check(list(half.ranks) == sorted(half.levels), "each level has its rank", side=side)
            best = half.ranks[0] if half.ranks else NO_RANK
            check(half.best_rank == best, "the best rank is the least", side=side)
            for level in half.in_order():
                self._check_level(side, level)

    def _check_level(self, side: Side, level: Level) -> None:
        units = count = 0
        previous: Order | None = None
        order: Order | None = level.first
        while order is not None:
            evidence = order.order_id
            check(self.index.get(order.order_id) is order, "the index knows it", order=evidence)
            check(order.level is level, "an order knows its level", order=evidence)
            check(order.previous is previous, "links agree both ways", order=evidence)
            check(order.side is side, "an order rests on its side", order=evidence)
            check(order.price_sen == level.price_sen, "one level, one price", order=evidence)
            check(order.leaves_units > 0, "a resting order is open", order=evidence)
            units, count = units + order.leaves_units, count + 1
            previous, order = order, order.following
        check(level.last is previous, "the last order is the last", price=level.price_sen)
        check(level.units == units, "units are those of the orders", price=level.price_sen)
        check(level.count == count, "the count is that of the orders", price=level.price_sen)

    def state(self) -> dict[str, Any]:
        """Every order by priority, as plain values. O(orders)."""
        return {side.value: [order_state(order) for order in self.queue(side)] for side in Side}


def _not_resting(order: Order) -> InvariantBroken:
    return InvariantBroken("only a resting order can be changed", {"order": order.order_id})
