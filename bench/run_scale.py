"""Is the cost of a command flat, how large is an order, how long is a large cross? On the kernel.

    python bench/run_scale.py [--publish]     a few minutes; --quick for small sizes

* A command's cost with 100 to 1,000,000 orders resting on one issue, and on 1 to 1,000 issues equally
  busy (batch_flows.py), by the batch door; the picture scale.svg shows both.
* A cancel out of the middle of a queue of 20,000 at one price, and of one of 100.
* A resting order's memory beside the ladder: growth of the process over 1,000,000 orders that rest at
  prices in use already, event rows not kept.
* One cross of 20,000 and of 500,000 gathered orders (workloads.py, START): price, trades, residuals, rows.

Asserted: every event by count, the volume crossed by trying every price. Left out: making rows.
"""

import argparse
import gc
import os
import statistics
import sys
from concurrent.futures import ProcessPoolExecutor
from html import escape
from math import log10
from multiprocessing import get_context
from pathlib import Path
from time import perf_counter_ns
from typing import Any, Final

import batch_flows as flows
import numpy as np
from bench_auction import most_units
from command_rows import auction_row, phase_rows
from event_rows import issues
from machine import describe
from run_rows import CHUNK, ROUNDS, _BatchDoor, one_round
from workloads import START_ISSUE, auction_flow

from market.commands import NO_PRICE
from market.rulebooks import START
from market.rules import BreakOrders
from market.words import Phase, Side
from matching.batch import Batch, Room
from matching.rows import COMMAND, Op, What

RESTING: Final = (100, 1_000, 10_000, 100_000, 1_000_000)
ISSUES: Final = (1, 10, 100, 1_000)
PICTURE: Final = Path(__file__).with_name("scale.svg")

Curve = dict[int, list[float]]


def curve(sizes: tuple[int, ...], make: Any, rounds: int) -> Curve:
    """Nanoseconds a command of each round, by size."""
    found: Curve = {}
    for size in sizes:
        batch = make(size)
        found[size] = [one_round(_BatchDoor, batch)[0] for _ in range(rounds)]
        times = found[size]
        print(
            f"{size:>9,}  {statistics.median(times):6.1f} ns/command "
            f"({min(times):.1f}–{max(times):.1f})",
            flush=True,
        )
    return found


def new_rows(count: int, price_sen: Any, units: Any = 1, side: Any = 1) -> Any:
    """Rows that enter day orders with ids from 1."""
    rows = np.zeros(count, COMMAND)
    rows["op"], rows["validity"], rows["owner"] = Op.NEW, 1, 1
    rows["side"], rows["price_sen"], rows["quantity_units"] = side, price_sen, units
    rows["kind"] = np.where(rows["price_sen"] == NO_PRICE, 2, 1)
    rows["order_id"] = np.arange(1, count + 1)
    return rows


def opened(room: int) -> Batch:
    """One issue in continuous trading."""
    door = Batch(flows.PLAIN, issues(1), room=Room(room, room, 4 * CHUNK))
    door.act(Op.OPEN_DAY)
    door.run(phase_rows(Phase.CONTINUOUS, [0]))
    return door


def cancel_cost(length: int, rounds: int) -> float:
    """Nanoseconds a cancel, in random order out of one price's queue; the median round."""
    times = []
    for number in range(rounds):
        door = opened(length)
        door.run(new_rows(length, issues(1)[0].issue_price_sen))
        away = np.zeros(length, COMMAND)
        away["op"], away["owner"] = Op.CANCEL, 1
        away["order_id"] = np.random.Generator(np.random.PCG64(number)).permutation(length) + 1
        began = perf_counter_ns()
        gone = door.run(away, copy=False)
        times.append((perf_counter_ns() - began) / length)
        assert len(gone) == length
        assert int(gone["units"].sum()) == length
    return statistics.median(times)


def resident() -> int:
    """Bytes of this process in memory."""
    with Path("/proc/self/statm").open(encoding="ascii") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def alone(count: int) -> float:
    """:func:`bytes_an_order` in a process of its own: this one has memory to use again."""
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        return pool.submit(bytes_an_order, count).result()


def bytes_an_order(count: int) -> float:
    """Growth of the process a resting order; the ladder was touched before."""
    door = opened(1)
    price = issues(1)[0].issue_price_sen
    chunk = min(CHUNK, count)
    rows = new_rows(count, price)
    door.run(rows[:1])
    gc.collect()
    before = resident()
    for first in range(1, count, chunk):
        door.run(rows[first : first + chunk], copy=False)
    return (resident() - before) / (count - 1)


def uncross(size: int, rounds: int) -> tuple[list[float], int]:
    """Milliseconds of the cross of so many gathered orders, and its trades."""
    orders = auction_flow(size)
    rows = new_rows(
        size,
        np.array([one.price_sen for one in orders]),
        np.array([one.quantity_units for one in orders]),
        np.array([1 if one.side is Side.BUY else 2 for one in orders]),
    )
    times, trades = [], 0
    for _ in range(rounds):
        door = Batch(
            START.replace(break_orders=BreakOrders.ALL),
            [START_ISSUE],
            room=Room(size, size, 4 * size),
        )
        door.act(Op.OPEN_DAY)
        door.run(phase_rows(Phase.BREAK, [0]))
        door.run(rows, copy=False)
        door.run(phase_rows(Phase.OPENING_AUCTION, [0]))
        cross = auction_row(0)
        began = perf_counter_ns()
        told = door.run(cross, copy=False)
        times.append((perf_counter_ns() - began) / 1e6)
        traded = told[told["what"] == What.TRADE]
        trades = len(traded)
        assert int(traded["units"].sum()) == most_units(orders)
    return times, trades


def picture(panels: list[tuple[str, Curve]], title: str) -> str:
    """Two panels: nanoseconds a command against a size, logarithmic; dots are medians."""
    width, height, left, top = 420, 260, 56, 64
    most = max(max(times) for _, found in panels for times in found.values())
    high = 20 * (int(most / 20) + 1)
    parts = [
        (
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {2 * width + 24} {height + 96}" '
            'font-family="system-ui, sans-serif" font-size="12" role="img">'
        ),
        f"<title>{escape(title)}</title>",
        '<rect width="100%" height="100%" fill="#ffffff"/>',
        f'<text x="12" y="22" font-size="15" fill="#111827">{escape(title)}</text>',
        (
            '<text x="12" y="40" fill="#4b5563">nanoseconds a command; dots: medians, bars: all rounds; '
            "dashed: twice the first</text>"
        ),
    ]
    for number, (label, found) in enumerate(panels):
        shift = left + number * width
        sizes = list(found)
        low, far = log10(sizes[0]), log10(sizes[-1])

        def x(size: int, shift: int = shift, low: float = low, far: float = far) -> float:
            return shift + (width - 90) * (log10(size) - low) / (far - low)

        def y(ns: float) -> float:
            return top + height - height * ns / high

        parts += [
            f'<line x1="{shift}" y1="{y(ns):.1f}" x2="{shift + width - 90}" y2="{y(ns):.1f}" '
            f'stroke="#e5e7eb"/><text x="{shift - 8}" y="{y(ns) + 4:.1f}" text-anchor="end" '
            f'fill="#4b5563">{ns}</text>'
            for ns in range(0, high + 1, 20)
        ]
        medians = {size: statistics.median(times) for size, times in found.items()}
        twice = 2 * medians[sizes[0]]
        parts.append(
            f'<line x1="{shift}" y1="{y(twice):.1f}" x2="{shift + width - 90}" y2="{y(twice):.1f}" '
            'stroke="#6b7280" stroke-dasharray="5 4"/>'
        )
        line = " ".join(f"{x(size):.1f},{y(ns):.1f}" for size, ns in medians.items())
        parts.append(f'<polyline points="{line}" fill="none" stroke="#b4472f" stroke-width="2"/>')
        for size, times in found.items():
            parts.append(
                f'<line x1="{x(size):.1f}" y1="{y(min(times)):.1f}" x2="{x(size):.1f}" '
                f'y2="{y(max(times)):.1f}" stroke="#b4472f"/>'
                f'<circle cx="{x(size):.1f}" cy="{y(medians[size]):.1f}" r="3.5" fill="#b4472f"/>'
                f'<text x="{x(size):.1f}" y="{top + height + 18}" text-anchor="middle" '
                f'fill="#4b5563">{size:,}</text>'
            )
        parts.append(
            f'<text x="{shift + (width - 90) / 2}" y="{top + height + 36}" text-anchor="middle" '
            f'fill="#111827">{escape(label)}</text>'
        )
    return "\n".join([*parts, "</svg>", ""])


def main(words: list[str] | None = None) -> int:
    """Print every figure; with ``--publish`` draw the picture of this folder anew."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0] if __doc__ else "")
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--publish", action="store_true")
    asked = parser.parse_args(words)
    rounds, some = (1, 2_000) if asked.quick else (ROUNDS, 200_000)
    resting = RESTING[:2] if asked.quick else RESTING
    several = ISSUES[:2] if asked.quick else ISSUES
    print(describe())
    print("\norders resting on one issue")
    by_orders = curve(resting, lambda live: flows.resting(live, some), rounds)
    print("\nissues, equally busy")
    by_issues = curve(several, lambda size: flows.instruments(size, some), rounds)
    for length in (100, 2_000 if asked.quick else 20_000):
        print(f"\na cancel in a queue of {length:,}: {cancel_cost(length, rounds):.1f} ns")
    count = 20_000 if asked.quick else 1_000_000
    print(
        f"\na resting order: {bytes_an_order(count):.1f} bytes beside the ladder ({count:,} orders)"
    )
    for size in (2_000,) if asked.quick else (20_000, 500_000):
        times, trades = uncross(size, rounds)
        print(
            f"a cross of {size:,} orders, {trades:,} trades: {statistics.median(times):.2f} ms "
            f"({min(times):.2f}–{max(times):.2f})"
        )
    if asked.publish:
        panels = [("orders resting on one issue", by_orders), ("issues", by_issues)]
        PICTURE.write_text(picture(panels, "The cost of a command by size, batch door"), "utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
