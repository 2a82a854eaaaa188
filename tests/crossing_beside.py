"""A kernel book's crossing point beside every price tried: what differs first, if anything.

Books of a few hundred changes (adds, cuts, removals, limit and market orders) on grids of one and
of several ticks, with a centre anywhere; the judge (oracle_book.brute_force) tries the whole grid.
A second way goes through rows, as a call that shows its price does: its word is what it last told.
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
from matching.rows import SIDES, Op, What

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


class _Call:
    """One issue of a kernel in a call that shows its price, and the orders that rest there."""

    def __init__(self, kernel: Any, draw: random.Random, rule: PriceRule) -> None:
        self.draw, self.rule = draw, rule
        lower, upper = draw.choice(_BANDS)
        self.grid = STEPS.grid(Sen(lower), Sen(upper))
        self.near = [price for price in self.grid if 980 <= price <= 1_060] or self.grid
        self.centre, self.market_only = draw.randint(900, 1_150), draw.random() < 0.8
        self.kernel = kernel.Kernel(by_id=True)
        book = kernel.KernelBook(self.kernel, {}, NAME)
        book = book.fitted(STEPS, self.grid[0], self.grid[-1])
        flags = kernel.NEW_OK | kernel.AMEND_OK | kernel.GATHERS
        flags |= kernel.KEEPS_ON_DECREASE * (draw.random() < 0.5)
        day_orders = 1 << (1 << 3 | 1) | 1 << (2 << 3 | 1)
        self.kernel.allow(0, self.grid[0], self.grid[-1], 1, 100, day_orders, flags, 0, 1)
        terms = Terms(self.grid[0], self.grid[-1], STEPS, Sen(self.centre), rule, self.market_only)
        assert book.keeps_crossing(terms)
        self.kernel.watch(0, tells=True, price=0, units=0, surplus=0)
        self.live: dict[int, tuple[Side, int, int]] = {}
        self.shown: tuple[int, int, int] = (0, 0, 0)

    def row(self, op: Op, number: int, side: Side, price: int, units: int) -> None:
        """One command; what it tells of the price is what is shown from now on."""
        rows = self.kernel.submit(
            op, SIDES.index(side), 1 if price else 2, 1, 0, number, price, units, 1
        )
        for told in rows:
            if told[0] == What.INDICATIVE:
                self.shown = told[3:]

    def change(self, number: int) -> None:
        """Enter, cancel or amend one order."""
        draw, act = self.draw, self.draw.random()
        if self.live and act < 0.3:
            chosen = draw.choice(list(self.live))
            side, _, _ = self.live.pop(chosen)
            self.row(Op.CANCEL, chosen, side, 0, 0)
            return
        limits = [one for one, (_, price, _) in self.live.items() if price]
        if limits and act < 0.5:
            chosen = draw.choice(limits)
            side, old, left = self.live[chosen]
            price = draw.choice([old, draw.choice(self.near)])
            units = draw.choice([left, draw.randint(1, 4)])
            self.live[chosen] = (side, price, units)
            self.row(Op.AMEND, chosen, side, price, units)
            return
        price = 0 if draw.random() < 0.15 else draw.choice(self.near)
        side, units = draw.choice(list(Side)), draw.randint(1, 4)
        self.live[number] = (side, price, units)
        self.row(Op.NEW, number, side, price, units)

    def expected(self) -> tuple[int, int, int]:
        """The same by trying every price."""
        orders = [(side.value, price or None, units) for side, price, units in self.live.values()]
        price, units, surplus = brute_force(
            orders, self.grid, self.centre, rule=self.rule, market_only=self.market_only  # type: ignore[arg-type]
        )  # fmt: skip
        return price or 0, units, surplus


def first_row_that_differs(
    kernel: Any, seed: int, rule: PriceRule, changes: int = 250
) -> str | None:
    """What the rows of a call show otherwise than the whole grid after a command, or None."""
    call = _Call(kernel, random.Random(seed), rule)
    for number in range(1, changes):
        call.change(number)
        if call.shown != (expected := call.expected()):
            return f"command {number}: {call.shown}, not {expected}"
    return None
