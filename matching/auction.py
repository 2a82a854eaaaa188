"""Call auction (板寄せ, itayose): the single price, as a pure function of the book's totals.

Five conditions, as OSE publishes them for itayose (START's own text is not public):

* C1 candidates: the tick grid from one tick below the lowest limit price to one tick above the
  highest, within the daily limits, where buys and sells can trade;
* C2 the most executable units; C3 of those, the smallest surplus on either side;
* C4 if sellers are left over at every survivor, the lowest; if buyers are, the highest;
* C5 else the survivor nearest to the centre price, half going up; a price that would leave a
  better-priced limit order unfilled is out.

``PriceRule.MAX_VOLUME`` stops after C2 and takes the survivor nearest to the centre.

Three conditions, TSE's (Nagoya and TSE texts): at the price (1) every market order and (2) every
limit order better than the price is filled, and (3) at the price itself one side is filled in
full. Every price within the daily limits is a candidate. Where totals are equal at several prices
the one nearest to the centre is taken (TSE shows that one before the open; taking it for the trade
is inference). While market orders outnumber all that could meet them there is no price;
:func:`heavier_side` says which way the market leans then.

Our own choices where the texts are silent: market orders alone trade at the centre, if the preset
says so; a limit price outside the daily limits (the base price was moved by hand) counts as the
limit itself, and an order that no price within the limits can reach takes no part.

Interest is monotone: going up, buy interest falls and sell interest rises. So buyers are left over
up to some price and sellers above it, and every rule is decided at the two grid prices around that
point, or in the range where both sides are equal. Cost: O(levels) for the running sums, O(log levels)
for the rest, whatever the grid.
"""

from bisect import bisect_left, bisect_right
from itertools import accumulate
from typing import Final, NamedTuple

from market.quantities import MAX_PRICE_SEN, Sen, Units
from market.rules import PriceRule
from market.words import Side
from matching.book import Interest
from matching.clearing import NO_CLEARING, Clearing, Terms

_ANY: Final = MAX_PRICE_SEN + 1
"""Above every price."""


class _Candidate(NamedTuple):
    price_sen: Sen
    executed_units: int
    surplus_units: int


class _Totals(NamedTuple):
    """Running sums of both sides, market orders first.

    Attributes:
        buy_keys: Negative prices of buys, best first, so that bisect can search them.
        buy_sums: Units of market buys and of the best 0, 1, 2, ... buy prices.
        sell_keys: Prices of sells, best first.
        sell_sums: As ``buy_sums``, of sells.
    """

    buy_keys: list[int]
    buy_sums: list[int]
    sell_keys: list[int]
    sell_sums: list[int]

    def at(self, price_sen: int) -> tuple[int, int]:
        """Buy and sell interest at a price."""
        bought = self.buy_sums[bisect_right(self.buy_keys, -price_sen)]
        return bought, self.sell_sums[bisect_right(self.sell_keys, price_sen)]

    def last_not_over_sold(self) -> int:
        """The highest price, on the grid or not, where buys are at least sells; 0 for none."""
        sells, sums = self.sell_keys, self.sell_sums
        over_sold = bisect_left(
            range(len(sells)), True, key=lambda place: sums[place + 1] > self.at(sells[place])[0]
        )
        highest = self.last_with_buys(sums[over_sold])
        return min(highest, sells[over_sold] - 1) if over_sold < len(sells) else highest

    def last_with_buys(self, units: int) -> int:
        """The highest price with at least so much buy interest; 0 for none."""
        place = bisect_left(self.buy_sums, units)
        if not place:
            return _ANY
        return -self.buy_keys[place - 1] if place < len(self.buy_sums) else 0

    def first_with_sells(self, units: int) -> int:
        """The lowest price with at least so much sell interest; there must be one."""
        place = bisect_left(self.sell_sums, units)
        return self.sell_keys[place - 1] if place else 0

    def first_like(self, bought: int, sold: int) -> int:
        """The lowest price with exactly this interest, which some price must have."""
        place = bisect_left(self.buy_sums, bought)
        lowest = 1 - self.buy_keys[place] if place < len(self.buy_keys) else 0
        return max(lowest, self.first_with_sells(sold))


def clear(
    buys: Interest, sells: Interest, market_buy_units: int, market_sell_units: int, terms: Terms
) -> Clearing:
    """The price and volume of a cross now.

    Args:
        buys: Limit orders by price, best (highest) first.
        sells: Limit orders by price, best (lowest) first.
        market_buy_units: Units of buy orders without a limit.
        market_sell_units: Units of sell orders without a limit.
        terms: Limits, grid, centre and rule.
    """
    totals = _Totals(
        (-buys.prices_sen).tolist(),
        list(accumulate(buys.units.tolist(), initial=market_buy_units)),
        sells.prices_sen.tolist(),
        list(accumulate(sells.units.tolist(), initial=market_sell_units)),
    )
    ends = [-key for key in (*totals.buy_keys[:1], *totals.buy_keys[-1:])]
    ends += totals.sell_keys[:1] + totals.sell_keys[-1:]
    if not ends:
        return clear_market_only(market_buy_units, market_sell_units, terms)
    rule = terms.price_rule
    if rule is PriceRule.TSE_THREE_CONDITION:
        first, last = terms.lower_limit_sen, terms.upper_limit_sen
    else:
        first, last = candidate_range(Sen(min(ends)), Sen(max(ends)), terms)
    return _decide(totals, first, last, terms)


def clear_market_only(market_buy_units: int, market_sell_units: int, terms: Terms) -> Clearing:
    """Market orders without any limit order: at the centre, or not at all."""
    executed = min(market_buy_units, market_sell_units)
    surplus = market_buy_units - market_sell_units
    if not executed or not terms.market_only_trades:
        return NO_CLEARING
    if surplus and terms.price_rule is PriceRule.TSE_THREE_CONDITION:
        return NO_CLEARING  # condition 1
    on_grid = terms.ticks.rounded_half_up(terms.centre_sen)
    price = min(max(on_grid, terms.lower_limit_sen), terms.upper_limit_sen)
    return Clearing(price, Units(executed), surplus)


def candidate_range(lowest_sen: Sen, highest_sen: Sen, terms: Terms) -> tuple[Sen, Sen]:
    """C1's first and last grid price, given the lowest and highest limit price on the book."""
    lower, upper, ticks = terms.lower_limit_sen, terms.upper_limit_sen, terms.ticks
    first = ticks.next_below(min(max(lowest_sen, lower), upper))
    last = ticks.next_above(min(max(highest_sen, lower), upper))
    return max(first, lower), min(last, upper)


def heavier_side(
    buys: Interest, sells: Interest, market_buy_units: int, market_sell_units: int, terms: Terms
) -> Side | None:
    """The side whose market orders alone exceed all that could ever meet them, or None. O(levels).

    Where it is not None, TSE's conditions give no price and the quote is at that side's limit.
    """
    sold = market_sell_units + int(sells.units[sells.prices_sen <= terms.upper_limit_sen].sum())
    if market_buy_units > sold:
        return Side.BUY
    bought = market_buy_units + int(buys.units[buys.prices_sen >= terms.lower_limit_sen].sum())
    return Side.SELL if market_sell_units > bought else None


def _decide(totals: _Totals, first: Sen, last: Sen, terms: Terms) -> Clearing:
    """The price from ``first`` to ``last``, both on the grid."""
    ticks, rule = terms.ticks, terms.price_rule
    highest = totals.last_not_over_sold()
    below = ticks.next_below(Sen(min(highest, last) + 1)) if highest >= first else None
    above = first if below is None else ticks.next_above(below) if below < last else None
    around = [_candidate(totals, price) for price in (below, above) if price is not None]
    if rule is PriceRule.TSE_THREE_CONDITION and not _fills_market_orders(totals, around, terms):
        return NO_CLEARING
    most = max(one.executed_units for one in around)
    if not most:
        return NO_CLEARING
    if rule is PriceRule.MAX_VOLUME:
        lowest = ticks.next_above(Sen(totals.first_with_sells(most) - 1))
        highest = totals.last_with_buys(most)
        chosen = nearest(max(first, lowest), ticks.next_below(Sen(min(last, highest) + 1)), terms)
        return Clearing(chosen, Units(most), _candidate(totals, chosen).surplus_units)
    if below is not None and around[0].executed_units == most and not around[0].surplus_units:
        lowest = ticks.next_above(Sen(totals.first_like(*totals.at(below)) - 1))
        return Clearing(nearest(max(first, lowest), below, terms), Units(most), 0)
    by_surplus = rule is PriceRule.FIVE_CONDITION
    best = max(
        around,
        key=lambda one: (
            one.executed_units,
            -abs(one.surplus_units) * by_surplus,
            -abs(one.price_sen - terms.centre_sen),
            one.price_sen,
        ),
    )
    return Clearing(best.price_sen, Units(most), best.surplus_units)


def _fills_market_orders(totals: _Totals, around: list[_Candidate], terms: Terms) -> bool:
    """Condition 1 where totals do not cross within the limits."""
    upper, lower = terms.upper_limit_sen, terms.lower_limit_sen
    only = around[0]
    if len(around) == 1 and only.price_sen == upper and only.surplus_units > 0:
        return totals.buy_sums[0] <= totals.at(upper)[1]
    if len(around) == 1 and only.price_sen == lower and only.surplus_units < 0:
        return totals.sell_sums[0] <= totals.at(lower)[0]
    return True


def _candidate(totals: _Totals, price_sen: Sen) -> _Candidate:
    bought, sold = totals.at(price_sen)
    return _Candidate(price_sen, min(bought, sold), bought - sold)


def nearest(lowest_sen: Sen, highest_sen: Sen, terms: Terms) -> Sen:
    """The grid price from lowest to highest nearest to the centre; of two equally near, the higher."""
    centre, ticks = terms.centre_sen, terms.ticks
    if centre <= lowest_sen:
        return lowest_sen
    if centre >= highest_sen:
        return highest_sen
    lower = ticks.next_below(Sen(centre + 1))
    higher = ticks.next_above(lower)
    return higher if higher - centre <= centre - lower else lower
