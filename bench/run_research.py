"""Research runs measured: many simulated START markets, and an order table loaded and run.

Workload: ``monte_carlo`` on 1,000 books, two crosses a day, 5 days, seed 7 (about 60,000 orders),
and the 20,000-order example day turned into a table. Asserted: every number of workers gives the
same arrays, and units bought are units sold by construction of the cross. Left out: importing,
listing the books. Run with ``python bench/run_research.py [books] [days]``.
"""

import os
import platform
import statistics
import sys
import time

import numpy as np

from matching import kernel
from venue.montecarlo import Crosses, monte_carlo
from venue.research import issues, load, run_day

ROUNDS = 3


def markets(books: int, days: int) -> None:
    """Simulated markets on one worker and on all cores."""
    first: Crosses | None = None
    alone = 0.0
    for workers in sorted({1, os.cpu_count() or 1}):
        took = []
        for _ in range(ROUNDS):
            began = time.perf_counter()
            found = monte_carlo(books, days, 7, workers=workers)
            took.append(time.perf_counter() - began)
        first = first or found
        assert np.array_equal(found.price_sen, first.price_sen)
        median = statistics.median(took)
        alone = alone or median
        empty = float((found.volume_units == 0).mean())
        print(
            f"{books:,} books x {days} days, {workers} workers: {median:.2f} s, "
            f"{books * days * 2 / median:,.0f} crosses/s, {found.orders / median:,.0f} orders/s, "
            f"{alone / median:.2f} of one worker; {empty:.0%} of crosses without a trade"
        )


def table(rows: int) -> None:
    """A table of plain columns: load, then one START day on eight books."""
    chance = np.random.Generator(np.random.PCG64(7))
    second = chance.integers(9 * 3600, 11 * 3600, rows).tolist()
    columns = {
        "time": [f"{one // 3600:02d}:{one // 60 % 60:02d}:{one % 60:02d}" for one in second],
        "instrument_id": [f"M{one:05d}" for one in chance.integers(1, 9, rows).tolist()],
        "side": np.where(chance.random(rows) < 0.5, "buy", "sell").tolist(),
        "price": [f"{100_000 + 10 * one}" for one in chance.integers(-50, 51, rows).tolist()],
        "quantity": chance.integers(1, 20, rows).tolist(),
        "order_id": [f"id-{one}" for one in range(rows)],
    }
    began = time.perf_counter()
    orders = load(columns)
    loaded = time.perf_counter()
    day = run_day(orders, instruments=issues(8), workers=1)
    ran = time.perf_counter()
    trades = day.trades
    assert int(trades["quantity_units"].sum()) == int(day.auctions["executed_units"].sum()) > 0
    print(
        f"a table of {rows:,} orders: load {rows / (loaded - began):,.0f} rows/s, "
        f"run {rows / (ran - loaded):,.0f} orders/s, {len(trades):,} trades"
    )


if __name__ == "__main__":
    asked = [int(word) for word in sys.argv[1:]]
    print(
        f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}, "
        f"numpy {np.__version__}, kernel compiled: {kernel.IS_COMPILED}"
    )
    markets(*([*asked, *(1_000, 5)[len(asked) :]][:2]))
    table(500_000)
