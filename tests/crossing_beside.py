"""A kernel book's crossing point beside every price tried: what differs first, if anything.

Books of a few hundred changes (adds, cuts, removals, limit and market orders) on grids of one and
of several ticks, with a centre anywhere; the judge (oracle_book.brute_force) tries the whole grid.
"""

import random
from typing import Any, Final

from oracle_book import brute_force
from script import NAME

from market.instrument import TickTable
from market.quantities import MAX_PRICE_SEN, Sen, Units
from market.rules import PriceRule
from market.words import OrderKind, SelfTradeMode, Side, Validity
from matching.clearing import Terms
from matching.order import Order

STEPS: Final = TickTable(table_id=7, up_to_sen=(1_000, 1_100, MAX_PRICE_SEN), tick_sen=(10, 20, 50))
KEPT: Final = (PriceRule.FIVE_CONDITION, PriceRule.TSE_THREE_CONDITION)
"""The price rules under which a kernel book keeps the crossing point."""

_BANDS: Final = ((900, 1_100), (950, 1_250), (980, 1_000), (10, 10_000))


def resting(number: int, side: Side, price: int, units: int) -> Order:
    """An order with nothing but what a book looks at."""
    kind = OrderKind.LIMIT if price else OrderKind.MARKET
    values: tuple[Any, ...] = (number, "A", "A-1", "C", "", NAME, side, kind, price, units, units)
    values += (Validity.DAY, SelfTradeMode.ALLOW_REPORT, "A")
    return Order(*values)


def _again(kernel: Any, limits: tuple[Sen, Sen], live: list[Order]) -> Any:
    """A book of the same orders that was never asked."""
    other = kernel.KernelBook(kernel.Kernel(), {}, NAME).fitted(STEPS, *limits)
    for number, order in enumerate(live):
        other.add(resting(number, order.side, order.price_sen, order.leaves_units))
    return other


def first_difference(kernel: Any, seed: int, rule: PriceRule, changes: int = 250) -> str | None:
    """What a book of this kernel module says otherwise than the whole grid, or None."""
    draw = random.Random(seed)
    lower, upper = draw.choice(_BANDS)
    grid = STEPS.grid(Sen(lower), Sen(upper))
    near = [price for price in grid if 930 <= price <= 1_150] or grid
    book = kernel.KernelBook(kernel.Kernel(), {}, NAME).fitted(STEPS, grid[0], grid[-1])
    market_only = draw.random() < 0.8
    live: list[Order] = []
    for number in range(1, changes):
        act = draw.random()
        if live and act < 0.4:
            book.remove(live.pop(draw.randrange(len(live))))
        elif live and act < 0.5 and live[-1].leaves_units > 1:
            book.reduce(live[-1], Units(1))
        else:
            price = 0 if draw.random() < 0.2 else draw.choice(near)
            live.append(resting(number, draw.choice(list(Side)), price, draw.randint(1, 4)))
            book.add(live[-1])
        if draw.random() < 0.3:
            continue  # so that more than one change lies between two looks
        centre = draw.randint(880, 1_300)
        terms = Terms(grid[0], grid[-1], STEPS, Sen(centre), rule, market_only)
        orders = [(one.side.value, one.price_sen or None, one.leaves_units) for one in live]
        expected = brute_force(orders, grid, centre, rule=rule, market_only=market_only)  # type: ignore[arg-type]
        for asked in (
            (book, _again(kernel, (grid[0], grid[-1]), live)) if number % 9 == 0 else (book,)
        ):
            said = asked.crossing(terms)
            if said != expected:
                return f"change {number}, centre {centre}: {said}, not {expected}"
    return None
