"""Many simulated markets: seeded START-like flow in whole arrays, and what their crosses gave.

Purpose: the flow of participants/orderflow.py (same assumptions, same constants) drawn for any
number of books at once, as rows, and run through the batch door without keeping the events.
For each book and entry window the numbers of buy and of sell orders are Poisson (mean 3 each),
sizes are geometric (mean 4 units), 15% are market orders, limits lie a geometric number of ticks
on the patient side of a net asset value that wanders near the issue price; 2% pay through it.
Ordering: a day's orders are sorted by time, equal times as drawn. Each day has its own generator,
PCG64 seeded with (seed, day), so the days drawn do not depend on how many are asked for.
Invariants: the same books, seed and rules give the same arrays for any number of workers.
Cost: O(orders) a day and worker; each worker draws a whole day and keeps its books' share.
Known limits: call markets only; no cancels or amendments; numpy's draws are stable for one numpy
version. Every number of the flow is an assumption (START publishes no turnover).
"""

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date
from functools import partial
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from market.business_days import at_jst, next_business_day
from market.errors import BadInput, check
from market.instrument import Instrument
from market.rules import Rules
from matching.batch import Batch
from matching.rows import COMMAND, Op, What
from participants.orderflow import (
    DISTANCE_MEAN_TICKS,
    EAGER_SHARE,
    MARKET_SHARE,
    NAV_PULL,
    NAV_STEP_TICKS,
    ORDERS_MEAN,
    SIZE_MAX_UNITS,
    SIZE_MEAN_UNITS,
    entry_windows,
)
from venue.batchdays import act_rows, with_acts
from venue.research import FIRST_DAY, issues, rules_of
from venue.tables import optional

OWNERS: Final = 800
"""Accounts that trade: four firms with two hundred each, as in the sample flow."""

_BAND_SHARE: Final = 20
_NS_PER_MS: Final = 1_000_000


Part = tuple[int, int]
"""Which worker, from 0, of how many."""


@dataclass(frozen=True, slots=True)
class Crosses:
    """What the crosses gave: arrays of shape (days, crosses a day, books).

    Attributes:
        price_sen: The price of each cross, 1/100 yen; 0 where nothing traded.
        volume_units: Units traded.
        trades: Number of trades.
        orders: Number of orders drawn, in all.
    """

    price_sen: NDArray[np.int32]
    volume_units: NDArray[np.int32]
    trades: NDArray[np.int32]
    orders: int


class Flow:
    """Draws one day of orders for many books after another.

    Raises:
        BadInput: When there are no books, or the scale is not positive.
    """

    def __init__(
        self, rules: Rules, instruments: Sequence[Instrument], seed: int, *, scale: float = 1.0
    ) -> None:
        if not instruments or not scale > 0 or seed < 0:
            raise BadInput("a flow needs books, a seed from 0 and a positive scale")
        self._windows = entry_windows(rules)
        self._seed = seed
        self._scale = scale
        self._issue_sen = np.array([one.issue_price_sen for one in instruments], dtype=np.int64)
        self._tick_sen = np.array(
            [one.ticks.tick_at(one.issue_price_sen) for one in instruments], dtype=np.int64
        )
        self._lots = np.array([one.trading_unit_units for one in instruments], dtype=np.int64)
        self._barred = np.array([one.market_orders_barred for one in instruments])
        self._nav_ticks = np.zeros(len(instruments))
        self._day = 0

    def next_day(self) -> tuple[NDArray[Any], NDArray[np.int64]]:
        """The next day's COMMAND rows, and ns after midnight; ids from 1 every day."""
        self._day += 1
        draw = np.random.Generator(np.random.PCG64([self._seed, self._day]))
        books = len(self._issue_sen)
        step = draw.normal(0.0, NAV_STEP_TICKS, books)
        self._nav_ticks += step - NAV_PULL * self._nav_ticks
        counts = draw.poisson(ORDERS_MEAN * self._scale, (len(self._windows), 2, books))
        cells = np.repeat(np.arange(counts.size), counts.ravel())
        window, side, book = np.unravel_index(cells, counts.shape)
        count = len(cells)
        starts = np.array([one.from_ms for one in self._windows])[window]
        ends = np.array([one.until_ms for one in self._windows])[window]
        at_ms = draw.integers(starts, ends)
        sizes = np.minimum(draw.geometric(1.0 / SIZE_MEAN_UNITS, count), SIZE_MAX_UNITS)
        at_market = (draw.random(count) < MARKET_SHARE) & ~self._barred[book]
        eager = draw.random(count) < EAGER_SHARE
        away = draw.geometric(1.0 / DISTANCE_MEAN_TICKS, count) * np.where(eager, -1, 1)
        owner = draw.integers(0, OWNERS, count)

        tick = self._tick_sen[book]
        limit = self._nav_sen()[book] + np.where(side == 0, -away, away) * tick
        order = np.argsort(at_ms, kind="stable")
        rows = np.zeros(count, dtype=COMMAND)
        rows["op"] = Op.NEW
        rows["side"] = (side + 1)[order]
        rows["kind"] = (1 + at_market)[order]
        rows["validity"] = 1
        rows["instrument"] = book[order]
        rows["order_id"] = np.arange(1, count + 1)
        rows["price_sen"] = np.where(at_market, 0, np.maximum(limit, tick))[order]
        rows["quantity_units"] = (sizes * self._lots[book])[order]
        rows["owner"] = owner[order]
        return rows, at_ms[order] * _NS_PER_MS

    def _nav_sen(self) -> NDArray[np.int64]:
        """Net asset values on the issue price's grid, kept within 5% of the issue price."""
        band = self._issue_sen // _BAND_SHARE // self._tick_sen
        ticks = np.rint(self._nav_ticks).astype(np.int64)
        return self._issue_sen + np.clip(ticks, -band, band) * self._tick_sen


def monte_carlo(
    books: int | Sequence[Instrument],
    days: int,
    seed: int,
    *,
    workers: int | None = None,
    preset: str | Rules = "start",
    scale: float = 1.0,
) -> Crosses:
    """Run ``days`` simulated days on ``books`` independent books; base prices are carried over.

    Args:
        books: How many issues of 100,000 yen, or the issues themselves.
        days: Market days, from 1.
        seed: From 0; with the numpy version it decides everything.
        workers: Processes, by joblib of the extra ``research`` when more than one; as many as the
            machine has cores unless given. Changes no result.
        preset: A rulebook without a continuous session or special quotes.
        scale: Multiplies the number of orders.

    Raises:
        BadInput: When the rulebook is not a call market's, or a number is out of range.
    """
    rules = rules_of(preset)
    if rules.has_continuous or rules.special_quotes.value:
        raise BadInput(f"{rules.name} trades between crosses; monte_carlo draws for call markets")
    listed = issues(books, preset=rules) if isinstance(books, int) else tuple(books)
    if days < 1 or not listed:
        raise BadInput("monte_carlo needs a book and a day")
    count = max(1, min(workers if workers is not None else os.cpu_count() or 1, len(listed)))
    dates = [FIRST_DAY]
    while len(dates) < days:
        dates.append(next_business_day(dates[-1]))

    draws = partial(Flow, rules, listed, seed, scale=scale)
    tasks = [(rules, listed, draws, dates, (worker, count)) for worker in range(count)]
    if count == 1:
        parts = [_share(*tasks[0])]
    else:
        joblib = optional("joblib")
        parts = joblib.Parallel(count)(joblib.delayed(_share)(*task) for task in tasks)
    shape = (3, days, parts[0][0].shape[2], len(listed))
    found = np.zeros(shape, dtype=np.int32)
    for worker, (part, _) in enumerate(parts):
        found[..., worker::count] = part
    return Crosses(found[0], found[1], found[2], sum(orders for _, orders in parts))


def _share(
    rules: Rules,
    listed: Sequence[Instrument],
    draws: Callable[[], Flow],
    dates: Sequence[date],
    part: Part,
) -> tuple[NDArray[np.int32], int]:
    """One worker's books over all days: price, volume and trades; and its number of orders."""
    worker, workers = part
    flow = draws()
    mine = listed[worker::workers]
    batch = Batch(rules, mine)
    crosses = int(np.count_nonzero(act_rows(rules, dates[:1])[0]["op"] == Op.AUCTION))
    found = np.zeros((3, len(dates), crosses, len(mine)), dtype=np.int32)
    orders = 0
    for place, day in enumerate(dates):
        rows, clock_ns = flow.next_day()
        kept = rows["instrument"] % workers == worker
        rows, clock_ns = rows[kept], clock_ns[kept]
        rows["instrument"] //= workers
        rows["order_id"] = np.arange(1, len(rows) + 1)
        orders += len(rows)
        commands = with_acts(rules, [day], rows, clock_ns + at_jst(day, 0))
        events = batch.run(commands.rows)
        batch.forget()
        held = events[events["what"] == What.AUCTION]
        check(len(held) == crosses * len(mine), "every cross of the day was held", day=day)
        order = np.lexsort((held["instrument"], held["command"]))
        for kind, name in enumerate(("price_sen", "units", "leaves_units")):
            found[kind, place] = held[name][order].reshape(crosses, len(mine))
    return found, orders
