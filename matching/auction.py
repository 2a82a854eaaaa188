"""Call auction (板寄せ, itayose): the single price, as a pure function of the book's totals.

Five conditions, as OSE publishes them for itayose (START's own text is not public):

* C1 candidates: the tick grid from one tick below the lowest limit price to one tick above the
  highest, within the daily limits, where buys and sells can trade;
* C2 the most executable units; C3 of those, the smallest surplus on either side;
* C4 if sellers are left over at every survivor, the lowest; if buyers are, the highest;
* C5 else the survivor nearest to the centre price, half going up; a price that would leave a
  better-priced limit order unfilled is out.

``PriceRule.MAX_VOLUME`` stops after C2 and takes the survivor nearest to the centre.

Our own choices where the texts are silent: market orders alone trade at the centre, if the preset
says so; a limit price outside the daily limits (the base price was moved by hand) counts as the
limit itself in C1, and an order that no price within the limits can reach takes no part.

Between two neighbouring limit prices nothing changes, so only limit prices, their neighbours one
tick away and the centre's neighbours are looked at. Cost: O(levels), whatever the grid.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from itertools import accumulate
from typing import Final, NamedTuple

from market.instrument import TickTable
from market.quantities import Sen, Units
from market.rules import PriceRule
from matching.book import LevelTotal


class Clearing(NamedTuple):
    """What a cross gives, or would give: no price, or one for everyone.

    Attributes:
        surplus_units: Buy less sell interest at the price.
    """

    price_sen: Sen | None
    executed_units: Units
    surplus_units: int


NO_CLEARING: Final = Clearing(None, Units(0), 0)


class Terms(NamedTuple):
    """What the price depends on besides the orders.

    Attributes:
        centre_sen: Book-centre price; need not be on the grid.
    """

    lower_limit_sen: Sen
    upper_limit_sen: Sen
    ticks: TickTable
    centre_sen: Sen
    price_rule: PriceRule
    market_only_trades: bool


class _Candidate(NamedTuple):
    price_sen: Sen
    buy_units: int
    sell_units: int

    @property
    def executable(self) -> int:
        return min(self.buy_units, self.sell_units)

    @property
    def surplus(self) -> int:
        return self.buy_units - self.sell_units


def clear(
    buys: Sequence[LevelTotal],
    sells: Sequence[LevelTotal],
    market_buy_units: int,
    market_sell_units: int,
    terms: Terms,
) -> Clearing:
    """The price and volume of a cross now.

    Args:
        buys: Limit orders by price, best (highest) first.
        sells: Limit orders by price, best (lowest) first.
        market_buy_units: Units of buy orders without a limit.
        market_sell_units: Units of sell orders without a limit.
        terms: Limits, grid, centre and rule.
    """
    if not buys and not sells:
        return clear_market_only(market_buy_units, market_sell_units, terms)
    candidates = _tradable(buys, sells, market_buy_units, market_sell_units, terms)  # C1
    if not candidates:
        return NO_CLEARING
    most = max(one.executable for one in candidates)  # C2
    survivors = [one for one in candidates if one.executable == most]
    if terms.price_rule is PriceRule.FIVE_CONDITION:
        survivors = _least_surplus(survivors)
    chosen = _nearest(survivors, terms.centre_sen)
    return Clearing(chosen.price_sen, Units(most), chosen.surplus)


def clear_market_only(market_buy_units: int, market_sell_units: int, terms: Terms) -> Clearing:
    """Market orders without any limit order: at the centre, or not at all."""
    executed = min(market_buy_units, market_sell_units)
    if not executed or not terms.market_only_trades:
        return NO_CLEARING
    on_grid = terms.ticks.rounded_half_up(terms.centre_sen)
    price = min(max(on_grid, terms.lower_limit_sen), terms.upper_limit_sen)
    return Clearing(price, Units(executed), market_buy_units - market_sell_units)


def candidate_range(lowest_sen: Sen, highest_sen: Sen, terms: Terms) -> tuple[Sen, Sen]:
    """C1's first and last grid price, given the lowest and highest limit price on the book."""
    lower, upper, ticks = terms.lower_limit_sen, terms.upper_limit_sen, terms.ticks
    first = ticks.next_below(min(max(lowest_sen, lower), upper))
    last = ticks.next_above(min(max(highest_sen, lower), upper))
    return max(first, lower), min(last, upper)


def _tradable(
    buys: Sequence[LevelTotal],
    sells: Sequence[LevelTotal],
    market_buy_units: int,
    market_sell_units: int,
    terms: Terms,
) -> list[_Candidate]:
    """C1, at the prices that matter, lowest first, with the interest at each."""
    # A negative key makes the buys' order, best first, an ascending one that bisect can search.
    buy_keys = [-level.price_sen for level in buys]
    sell_keys = [level.price_sen for level in sells]
    buy_sums = list(accumulate((level.units for level in buys), initial=market_buy_units))
    sell_sums = list(accumulate((level.units for level in sells), initial=market_sell_units))
    ends = [-key for key in (*buy_keys[:1], *buy_keys[-1:])] + sell_keys[:1] + sell_keys[-1:]
    first, last = candidate_range(Sen(min(ends)), Sen(max(ends)), terms)
    candidates = []
    for price in _prices_that_matter(buys, sells, first, last, terms):
        buy_units = buy_sums[bisect_right(buy_keys, -price)]
        sell_units = sell_sums[bisect_right(sell_keys, price)]
        if buy_units and sell_units:
            candidates.append(_Candidate(price, buy_units, sell_units))
    return candidates


def _prices_that_matter(
    buys: Sequence[LevelTotal], sells: Sequence[LevelTotal], first: Sen, last: Sen, terms: Terms
) -> list[Sen]:
    """Limit prices, their neighbours and the centre's, from first to last, ascending."""
    ticks, centre = terms.ticks, terms.centre_sen
    above_centre = ticks.next_above(centre)
    prices = {first: None, last: None, above_centre: None, ticks.next_below(above_centre): None}
    for level in (*buys, *sells):
        price = level.price_sen
        prices[price] = prices[ticks.next_above(price)] = prices[ticks.next_below(price)] = None
    ordered = sorted(prices)
    return ordered[bisect_left(ordered, first) : bisect_right(ordered, last)]


def _least_surplus(survivors: list[_Candidate]) -> list[_Candidate]:
    """C3 and C4, and C5's exclusion; one candidate, or those without any surplus."""
    least = min(abs(one.surplus) for one in survivors)
    survivors = [one for one in survivors if abs(one.surplus) == least]
    if not least:
        return survivors
    # Interest changes in one direction, so buyers are left over below, sellers above. Of the
    # former only the highest price fills every better limit, of the latter only the lowest.
    over_bought = [one for one in survivors if one.surplus > 0]
    over_sold = [one for one in survivors if one.surplus < 0]
    return over_bought[-1:] + over_sold[:1]


def _nearest(survivors: Sequence[_Candidate], centre_sen: Sen) -> _Candidate:
    """The survivor nearest to the centre; of two equally near, the higher."""
    return min(survivors, key=lambda one: (abs(one.price_sen - centre_sen), -one.price_sen))
