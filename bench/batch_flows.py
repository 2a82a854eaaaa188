"""Seeded flows in command rows for everything that works in batches: many issues, crosses, sizes.

* :func:`standard`: a file of flow_files.py as rows, in Continuous.
* :func:`many`: 1,000 issues, activity by Zipf's law, the mixed flow's habits in each, up to 100,000
  live orders in all. :func:`instruments` is the same flow over any number of issues, equally busy.
* :func:`resting`: the mixed flow on top of any number of resting orders.
* :func:`auction`: days of 1,000 call-phase orders, one cross, 500 messages of continuous trading,
  close. In :attr:`Phase.PRE_OPEN` the indicative price is told on change; ``quiet`` gathers in the
  break instead (with ``break_orders`` "all"), where it is not.

Habits of one issue, as in the mixed flow: mid 10,000 ticks, moving one tick in 50 messages; 12% of
limits marketable; passive distances Geometric(0.02) ticks, at most a quarter of the band; 2.5%
market, 2.5% immediate or cancel, 5% amendments, cancels of the youngest or any; new orders more
often when fewer than ``live`` rest. Every flow comes with the issues it is for.
"""

from collections import deque
from collections.abc import Iterator
from pathlib import Path
from typing import Final, NamedTuple

import numpy as np
from command_rows import (
    KINDS,
    ROW_TICK_SEN,
    VALIDITIES,
    Rows,
    auction_row,
    owner_of,
    phase_rows,
    rows_of,
)
from event_rows import issues
from flow_files import RECORD, read_messages
from workloads import (
    CANCEL,
    IOC,
    LIMIT,
    MARKET,
    NEW,
    REPLACE,
    SEED,
    START_TICK,
    Message,
    ReferenceBook,
)

from market.instrument import Instrument
from market.rulebooks import TSE
from market.rules import AuctionAllocation, BreakOrders, PriceRule, Rules, StopAllocation
from market.words import OrderKind, Phase, Validity
from matching.rows import COMMAND, Op

PLAIN: Final = TSE.replace(
    price_rule=PriceRule.FIVE_CONDITION,
    auction_allocation=AuctionAllocation.PRICE_TIME,
    special_quotes=False,
    closing_auction_widths=0,
    limit_broadening_days=0,
    stop_allocation=StopAllocation.OFF,
    validities=(Validity.DAY, Validity.NEXT_AUCTION, Validity.IOC, Validity.FOK),
)
"""TSE's day without its quotes, conditions and closing rules, which the C ladder does not have."""

BAND: Final = (8_000, 12_000)
"""Lowest and highest price of an issue among many, in yen."""

_CHUNK: Final = 65_536


class Batch(NamedTuple):
    """A flow and what it is for.

    Attributes:
        before: Rows that make the venue ready; not timed.
        rows: What is timed.
        last_order_id: The largest order id in either.
    """

    rules: Rules
    instruments: list[Instrument]
    before: Rows
    rows: Rows
    last_order_id: int


class _Draws:
    """Random rows from numpy's PCG64, drawn in chunks, in one order for each seed."""

    def __init__(self, seed: int) -> None:
        self._rng = np.random.Generator(np.random.PCG64(seed))

    def rows(self) -> Iterator[tuple[float, ...]]:
        """Four uniforms, side, distance, ticks through, passive and taking units, step."""
        rng, size = self._rng, _CHUNK
        while True:
            columns = (
                rng.random(size), rng.random(size), rng.random(size), rng.random(size),
                rng.integers(0, 2, size), rng.geometric(0.02, size) - 1,
                rng.geometric(0.5, size) - 1, np.minimum(rng.geometric(0.02, size), 1_000),
                np.minimum(rng.geometric(0.04, size), 1_000),
                np.where(rng.random(size) < 0.02, rng.choice([-1, 1], size), 0),
            )  # fmt: skip
            yield from zip(*(column.tolist() for column in columns), strict=True)


class _Issue:
    """One issue of a flow: its book, its mid, and who may be canceled."""

    def __init__(self, live: int, band: tuple[int, int]) -> None:
        self.book = ReferenceBook()
        self.wanted = live
        self.lowest, self.highest = band
        self.mid = START_TICK
        self.recent: deque[int] = deque(maxlen=256)
        self.orders: list[int] = []

    def pick(self, which: float, where: float) -> int | None:
        """A live order: one of the youngest (60%) or any."""
        live = self.book.live
        if which < 0.6 and self.recent:
            order = self.recent[int(where * len(self.recent))]
            if order in live:
                return order
        orders = self.orders
        while orders:
            position = int(where * len(orders))
            order = orders[position]
            if order in live:
                return order
            orders[position] = orders[-1]
            orders.pop()
        return None

    def passive(self, side: int, distance: int) -> int:
        """A price behind the mid that does not cross."""
        bid, ask = self.book.best(0), self.book.best(1)
        distance = min(distance, (self.highest - self.lowest) // 4)
        if side == 0:
            price = self.mid - 1 - distance
            return price if ask is None else min(price, ask - 1)
        price = self.mid + 1 + distance
        return price if bid is None else max(price, bid + 1)

    def next_message(self, order: int, draw: tuple[float, ...]) -> Message:
        """One message; ``order`` is the name of a new order. Applies it to the book."""
        kind, first, second, third = draw[:4]
        side, distance, through, passive_units, taking_units, step = (int(x) for x in draw[4:])
        self.mid += step
        if abs(self.mid - START_TICK) > (self.highest - self.lowest) // 8:
            self.mid = START_TICK
        book = self.book
        live = len(book.live)
        bid, ask = book.best(0), book.best(1)
        touch = None if bid is None or ask is None else (ask + through, bid - through)[side]
        busy = live * 25 > self.wanted and touch is not None
        short = (self.wanted - live) / self.wanted
        new_until = 0.10 + 0.47 + min(0.40, max(-0.05, 0.5 * short))
        chosen = self.pick(first, second) if kind >= 0.05 else None
        if kind < 0.05 and busy and touch is not None:
            is_market = kind < 0.025
            message = Message(
                NEW, MARKET if is_market else IOC, side, order, 0 if is_market else touch,
                taking_units,
            )  # fmt: skip
        elif kind < 0.10 and chosen is not None:
            resting = book.live[chosen]
            price, units = resting.price, resting.quantity
            if third < 0.5 and units > 1:
                units = max(1, int(units * (0.2 + 0.6 * first)))
            else:
                price = self.passive(resting.side, distance)
            message = Message(REPLACE, 0, resting.side, chosen, price, units)
        elif kind < new_until or chosen is None:
            marketable = first < 0.12 and touch is not None
            price = touch if marketable and touch is not None else self.passive(side, distance)
            units = taking_units if marketable else passive_units
            message = Message(NEW, LIMIT, side, order, price, units)
        else:
            resting = book.live[chosen]
            message = Message(CANCEL, 0, resting.side, chosen, 0, 0)
        self._apply(message)
        return message

    def _apply(self, message: Message) -> None:
        op, kind, side, order, price, units = message
        if op == NEW:
            if self.book.new(order, side, price, units, kind) and kind == LIMIT:
                self.orders.append(order)
                self.recent.append(order)
        elif op == CANCEL:
            self.book.cancel(order)
        else:
            self.book.replace(order, price, units)


def _flow(
    books: list[_Issue], chosen: list[int], draws: Iterator[tuple[float, ...]], next_order: int
) -> Rows:
    """One message for each number in ``chosen``, of the issue with that number."""
    messages: list[Message] = []
    for number in chosen:
        message = books[number].next_message(next_order, next(draws))
        next_order += message.op == NEW
        messages.append(message)
    rows = rows_of(messages)
    rows["instrument"] = chosen
    return rows


def standard(name: str, folder: Path, count: int | None = None) -> Batch:
    """A file of flow_files.py, or its first records; of ``sweep`` and ``queue`` the second half.

    Their first halves, the resting orders, come before.
    """
    data = (folder / f"{name}.bin").read_bytes()
    cut = {"sweep": 100_000, "queue": 20_000}.get(name, 0)
    rows = rows_of(read_messages(data if count is None else data[: RECORD.size * (cut + count)]))
    before = np.concatenate([phase_rows(Phase.CONTINUOUS, [0]), rows[:cut]])
    return Batch(PLAIN, issues(1), before, rows[cut:], int(rows["order_id"].max()))


def many(
    count: int = 1_000_000, size: int = 1_000, live: int = 100_000, seed: int = SEED + 5
) -> Batch:
    """Many issues; the r-th busiest gets 1/r of the busiest one's messages (numbers shuffled)."""
    rng = np.random.Generator(np.random.PCG64(seed))
    weights = 1.0 / np.arange(1, size + 1)
    weights = rng.permutation(weights / weights.sum())
    return _over_issues(count, weights.tolist(), live, seed, rng)


def instruments(size: int, count: int = 200_000, live: int = 20_000, seed: int = SEED + 6) -> Batch:
    """The same over ``size`` issues, equally busy, ``live`` orders in all."""
    rng = np.random.Generator(np.random.PCG64(seed))
    return _over_issues(count, [1 / size] * size, live, seed, rng)


def _over_issues(
    count: int, weights: list[float], live: int, seed: int, rng: np.random.Generator
) -> Batch:
    size = len(weights)
    books = [_Issue(max(10, int(live * weight)), BAND) for weight in weights]
    chosen = rng.choice(size, count, p=weights).tolist()
    rows = _flow(books, chosen, _Draws(seed).rows(), 1)
    listed = issues(size, *BAND)
    before = phase_rows(Phase.CONTINUOUS, range(size))
    return Batch(PLAIN, listed, before, rows, int(rows["order_id"].max()))


def resting(live: int, count: int = 200_000, seed: int = SEED + 7) -> Batch:
    """The mixed flow on a book of ``live`` orders spread over up to 1,000 prices."""
    rng = np.random.Generator(np.random.PCG64(seed))
    sides = rng.integers(0, 2, live)
    offsets = rng.integers(0, max(5, min(500, live // 20)), live)
    prices = START_TICK + np.where(sides == 0, -1 - offsets, 1 + offsets)
    units = rng.integers(1, 101, live)
    table = zip(sides.tolist(), prices.tolist(), units.tolist(), strict=True)
    first = [
        Message(NEW, LIMIT, side, order, price, quantity)
        for order, (side, price, quantity) in enumerate(table, 1)
    ]
    book = _Issue(live, (1, 20_000))
    for message in first:
        book._apply(message)  # noqa: SLF001  the same module
    rows = _flow([book], [0] * count, _Draws(seed).rows(), live + 1)
    before = np.concatenate([phase_rows(Phase.CONTINUOUS, [0]), rows_of(first)])
    return Batch(PLAIN, issues(1), before, rows, max(live, int(rows["order_id"].max())))


def auction(
    days: int = 200, orders: int = 1_000, messages: int = 500, *, quiet: bool = False,
    seed: int = SEED + 8,
) -> Batch:  # fmt: skip
    """Days of one issue: a call phase, a cross, continuous trading, close.

    15% of the call phase's messages are cancels of its own orders, 15% of its orders market
    orders; limits are normal around 10,000 yen (deviation 60). Of the continuous messages 40% are
    cancels of one of the last 200 orders, which may have ended already.
    """
    rng = np.random.Generator(np.random.PCG64(seed))
    gathering = Phase.BREAK if quiet else Phase.PRE_OPEN
    rules = PLAIN.replace(break_orders=BreakOrders.ALL) if quiet else PLAIN
    parts: list[Rows] = []
    last = 0
    for _ in range(days):
        call, last = _orders(rng, orders, last, market=0.15, cancels=0.15, spread=60.0)
        session, last = _orders(rng, messages, last, market=0.05, cancels=0.40, spread=30.0)
        parts += [
            phase_rows(gathering, [0]), call, phase_rows(Phase.OPENING_AUCTION, [0]),
            auction_row(0), phase_rows(Phase.CONTINUOUS, [0]), session,
            phase_rows(Phase.CLOSED, [0]),
        ]  # fmt: skip
    return Batch(rules, issues(1), np.zeros(0, COMMAND), np.concatenate(parts), last)


def _orders(
    rng: np.random.Generator, count: int, last: int, *, market: float, cancels: float, spread: float
) -> tuple[Rows, int]:
    """Orders and cancels without a look at the book; returns the last order id too."""
    leaves = rng.random(count) < cancels
    leaves[0] = False
    entered = last + np.cumsum(~leaves)
    back = rng.integers(0, 200, count)
    target = np.maximum(entered - back, last + 1)
    is_market = rng.random(count) < market
    price = START_TICK + np.clip(np.rint(rng.normal(0.0, spread, count)), -2_000, 2_000)
    rows = np.zeros(count, COMMAND)
    rows["op"] = np.where(leaves, Op.CANCEL, Op.NEW)
    rows["side"] = rng.integers(1, 3, count)
    rows["kind"] = np.where(is_market, KINDS[OrderKind.MARKET], KINDS[OrderKind.LIMIT])
    rows["validity"] = VALIDITIES[Validity.DAY]
    rows["order_id"] = np.where(leaves, target, entered)
    rows["price_sen"] = np.where(leaves | is_market, 0, price * ROW_TICK_SEN)
    rows["quantity_units"] = np.where(leaves, 0, rng.geometric(0.05, count))
    rows["owner"] = owner_of(rows["order_id"])
    return rows, int(entered[-1])
