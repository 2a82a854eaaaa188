"""The price a cross would give now (予想約定値), kept up to date order by order.

:func:`matching.auction.clear` looks at every level; during a call phase the answer is wanted after
every change. A kernel's book keeps the crossing point itself under most price rules
(:meth:`matching.book.Book.crossing`); this is for every other. Units are kept by grid price in two binary indexed trees (Fenwick 1994), one a
side, and the crossing point is found by walking down both at once: O(log prices) a change and a
question, for any number of orders and levels.

Interest is monotone: buy interest falls with the price, sell interest rises, so buyers are left
over up to some price and sellers above it. The most units trade on one of the two sides of that
point, and everything the price rules ask (auction.py) is decided there.

Invariant, held by tests: always the same answer as :func:`matching.auction.clear`.
Positions count the grid prices within the daily limits from 1; 0 is below all of them.
"""

from bisect import bisect_right

from market.commands import NO_PRICE
from market.quantities import Sen, Units
from market.rules import PriceRule
from market.words import Side
from matching.auction import candidate_range, clear_market_only
from matching.book import Book
from matching.clearing import NO_CLEARING, Clearing, Terms

MAX_GRID_PRICES = 200_000
"""More prices than this within the limits are not worth two trees; then every level is read."""


class CallInterest:
    """Units on offer by grid price, for one issue and one day's limits."""

    __slots__ = ("_buys", "_candidates", "_highest_sen", "_lowest_sen", "_market_buys",
                 "_market_sells", "_sells", "_span_is_known", "_top_step", "_total_buys", "book",
                 "grid", "positions", "terms")  # fmt: skip

    def __init__(self, book: Book, terms: Terms, grid: list[Sen]) -> None:
        self.book = book
        self.terms = terms
        self.grid = grid
        self.positions = {price: position for position, price in enumerate(grid, 1)}
        self._buys = [0] * (len(grid) + 1)
        self._sells = [0] * (len(grid) + 1)
        self._total_buys = self._market_buys = self._market_sells = 0
        self._lowest_sen = self._highest_sen = NO_PRICE
        self._span_is_known = False
        self._candidates = (1, len(grid))
        self._top_step = 1 << (len(grid).bit_length() - 1)
        for side in Side:
            self.change(side, NO_PRICE, book.market_units(side))
            for level in book.levels(side):
                self.change(side, level.price_sen, level.units)

    def change(self, side: Side, price_sen: Sen, units: int) -> None:
        """Add ``units`` (negative: take away) of interest; NO_PRICE for market orders.

        The book must have changed already. O(log prices).
        """
        if price_sen == NO_PRICE:
            if side is Side.BUY:
                self._market_buys += units
            else:
                self._market_sells += units
            return
        if not self._lowest_sen < price_sen < self._highest_sen:
            self._span_is_known = False
        size = len(self.grid)
        position = self.positions.get(price_sen)
        if side is Side.BUY:
            if position is None:
                if price_sen < self.grid[0]:
                    return
                position = size  # above the limits: willing at every price
            self._total_buys += units
            # A buy at p counts up to and including p, so it drops out one position later.
            tree, position = self._buys, position + 1
        else:
            if position is None:
                if price_sen > self.grid[-1]:
                    return
                position = 1  # below the limits: willing at every price
            tree = self._sells
        while position <= size:
            tree[position] += units
            position += position & -position

    def clearing(self, centre_sen: Sen) -> Clearing:
        """What the cross would give now, with this centre price."""
        first, last = 1, len(self.grid)
        if self._market_buys or self._market_sells:
            # Only market orders can trade away from every limit price, so only then C1 binds.
            if not self._span_is_known:
                self._find_span()
            if self._highest_sen == NO_PRICE:
                terms = self.terms._replace(centre_sen=centre_sen)
                return clear_market_only(self._market_buys, self._market_sells, terms)
            first, last = self._candidates
        rule = self.terms.price_rule
        if rule is PriceRule.MAX_VOLUME:
            return self._max_volume(first, last, centre_sen)
        if rule is PriceRule.TSE_THREE_CONDITION:
            return self._three_conditions(centre_sen)
        return self._five_conditions(first, last, centre_sen)

    def _find_span(self) -> None:
        """Ask the book for its lowest and highest limit price, and C1's positions."""
        self._span_is_known = True
        span = self.book.price_range()
        self._lowest_sen, self._highest_sen = span or (NO_PRICE, NO_PRICE)
        if span is not None:
            first, last = candidate_range(*span, self.terms)
            self._candidates = self.positions[first], self.positions[last]

    def _five_conditions(self, first: int, last: int, centre_sen: Sen) -> Clearing:
        below = min(self._last_not_over_sold(), last)
        above = max(below + 1, first)
        bought, sold = self._interest(below) if below >= first else (0, 0)
        executed, surplus = min(bought, sold), bought - sold
        if executed and not surplus:
            lowest = max(first, self._first_like(below))
            return self._at(self._nearest(lowest, below, centre_sen), executed, 0)
        if above > last:
            return self._at(below, executed, surplus)
        bought_above, sold_above = self._interest(above)
        executed_above, surplus_above = min(bought_above, sold_above), bought_above - sold_above
        if (executed, -abs(surplus)) > (executed_above, -abs(surplus_above)):
            return self._at(below, executed, surplus)
        level = (executed, surplus) == (executed_above, -surplus_above)
        if level and self._nearest(below, above, centre_sen) == below:
            return self._at(below, executed, surplus)
        return self._at(above, executed_above, surplus_above)

    def _three_conditions(self, centre_sen: Sen) -> Clearing:
        last = len(self.grid)
        below = self._last_not_over_sold()
        bought, sold = self._interest(below) if below else (0, self._market_sells)
        if below == last and self._market_buys > sold:
            return NO_CLEARING  # condition 1: not every market buy is filled
        if bought == sold and below:
            chosen = self._nearest(self._first_like(below), below, centre_sen)
            return self._at(chosen, bought, 0)
        executed, surplus = min(bought, sold), bought - sold
        if below == last:
            return self._at(below, executed, surplus)
        bought_above, sold_above = self._interest(below + 1)
        executed_above, surplus_above = min(bought_above, sold_above), bought_above - sold_above
        if not below:
            executed_above *= self._market_sells <= bought_above  # condition 1 again
            return self._at(1, executed_above, surplus_above)
        level = executed == executed_above
        if executed > executed_above or (
            level and self._nearest(below, below + 1, centre_sen) == below
        ):
            return self._at(below, executed, surplus)
        return self._at(below + 1, executed_above, surplus_above)

    def _max_volume(self, first: int, last: int, centre_sen: Sen) -> Clearing:
        below = min(self._last_not_over_sold(), last)
        most = min(self._interest(below)) if below >= first else 0
        if below < last:
            most = max(most, min(self._interest(max(below + 1, first))))
        if not most:
            return NO_CLEARING
        lowest = 1 + self._descend(self._sells, None, most - self._market_sells - 1)
        highest = self._descend(self._buys, None, self._market_buys + self._total_buys - most)
        chosen = self._nearest(max(first, lowest), min(last, highest), centre_sen)
        bought, sold = self._interest(chosen)
        return self._at(chosen, most, bought - sold)

    def _at(self, position: int, executed: int, surplus: int) -> Clearing:
        if not executed:
            return NO_CLEARING
        return Clearing(self.grid[position - 1], Units(executed), surplus)

    def _interest(self, position: int) -> tuple[int, int]:
        """Buy and sell interest at a position."""
        buys, sells = self._buys, self._sells
        gone = joined = 0
        while position > 0:
            gone += buys[position]
            joined += sells[position]
            position &= position - 1
        return self._market_buys + self._total_buys - gone, self._market_sells + joined

    def _last_not_over_sold(self) -> int:
        """The highest position where buy interest is at least sell interest, or 0."""
        most = self._market_buys + self._total_buys - self._market_sells
        return self._descend(self._buys, self._sells, most)

    def _first_like(self, position: int) -> int:
        """The lowest position with the same interest on both sides as ``position``."""
        bought, sold = self._interest(position)
        change = self._market_buys + self._total_buys - bought + sold - self._market_sells
        return 1 + self._descend(self._buys, self._sells, change - 1)

    def _descend(self, tree: list[int], other: list[int] | None, at_most: int) -> int:
        """The highest position whose sum from the bottom is at most ``at_most``, or 0."""
        size, position, step = len(tree) - 1, 0, self._top_step
        while step:
            following = position + step
            if following <= size:
                units = tree[following]
                if other is not None:
                    units += other[following]
                if units <= at_most:
                    position = following
                    at_most -= units
            step >>= 1
        return position

    def _nearest(self, lowest: int, highest: int, centre_sen: Sen) -> int:
        """The position from lowest to highest nearest to the centre, half going up."""
        grid = self.grid
        position = bisect_right(grid, centre_sen)  # the last one not above the centre
        if position < lowest:
            return lowest
        if position >= highest:
            return highest
        to_lower, to_upper = centre_sen - grid[position - 1], grid[position] - centre_sen
        return position + 1 if to_upper <= to_lower else position


def grid_within(terms: Terms) -> list[Sen] | None:
    """Every price within the limits, or None when they are too many to keep trees for."""
    lower, upper, ticks = terms.lower_limit_sen, terms.upper_limit_sen, terms.ticks
    least_tick = min(ticks.tick_at(lower), ticks.tick_at(upper))
    if (upper - lower) // least_tick >= MAX_GRID_PRICES:
        return None
    return ticks.grid(lower, upper)
