"""How close the batch door comes to C that does the same work: same rows in, same rows out.

    python bench/run_rows.py                  every flow, a few minutes
    python bench/run_rows.py --only mixed,many
    python bench/run_rows.py --quick          small sizes

Every door gets the same command rows (batch_flows.py), 10,000 a call, and writes every event; the
events are counted in each round and, by default, compared field for field once. Doors take turns
round by round, so that a machine that changes its speed changes it for all. The ratio is the C
ladder's time by the door's: 1 is as fast as C. Left out: making the rows, reading the events.
"""

import argparse
import os
import statistics
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from time import perf_counter_ns
from typing import Any, Final

import batch_flows as flows
import climit
import numpy as np
from flow_files import write_files
from machine import describe

from matching import batch as batching
from matching.rows import Op

CHUNK: Final = 10_000
ROUNDS: Final = 7
CACHE: Final = Path(__file__).parents[1] / "build" / "peers" / "data"

Door = Callable[[flows.Batch], Any]


def c_door(batch: flows.Batch) -> Any:
    """The C ladder."""
    return climit.EventsLimit(batch.rules, batch.instruments, batch.last_order_id)


class _BatchDoor:
    """Kitahama's batch door with the ladder's handles."""

    def __init__(self, batch: flows.Batch) -> None:
        room = batching.Room(batch.last_order_id, batch.last_order_id, 20 * CHUNK)  # as the ladder
        self._batch = batching.Batch(batch.rules, batch.instruments, indicative=True, room=room)
        self._batch.act(Op.OPEN_DAY)
        self._batch.drop_rows()
        self._rows: Any = None

    def run(self, rows: Any) -> int:
        """Run rows; the number of events."""
        self._rows = self._batch.run(rows, copy=False)
        return len(self._rows)

    def events(self) -> Any:
        """The events of the last run."""
        return self._rows.copy()


def doors() -> dict[str, Door]:
    """What can be measured here, the denominator first."""
    return {"c": c_door, "kernel": _BatchDoor}


Flows = dict[str, Callable[[], flows.Batch]]


def tiny_flows() -> Flows:
    """Small ones of every kind, for the tests."""
    return {
        "many": lambda: flows.many(1_000, size=20, live=400),
        "auction": lambda: flows.auction(2, 100, 50),
        "auction, not told": lambda: flows.auction(2, 100, 50, quiet=True),
        "resting": lambda: flows.resting(200, 500),
        "issues": lambda: flows.instruments(5, 500, live=200),
    }


def whole_flows(*, quick: bool) -> Flows:
    """Every flow by name, made when asked for."""
    part = 20_000 if quick else None
    some = 20_000 if quick else 200_000
    days = 10 if quick else 200
    made: Flows = {
        name: partial(flows.standard, name, CACHE, part)
        for name in ("mixed", "deep", "sweep", "queue")
    }
    made["many"] = partial(flows.many, some) if quick else flows.many
    made["auction"] = partial(flows.auction, days)
    made["auction, not told"] = partial(flows.auction, days, quiet=True)
    for live in (100, 1_000, 10_000, 100_000, 1_000_000):
        if live <= some * 5:
            made[f"{live:,} resting"] = partial(flows.resting, live, some)
    for size in (1, 10, 100, 1_000):
        made[f"{size:,} issues"] = partial(flows.instruments, size, some)
    return made


def one_round(door: Door, batch: flows.Batch) -> tuple[float, int]:
    """Nanoseconds a command, and the number of events."""
    engine = door(batch)
    if len(batch.before):
        engine.run(batch.before)
    rows, run = batch.rows, engine.run
    events = 0
    began = perf_counter_ns()
    for first in range(0, len(rows), CHUNK):
        events += run(rows[first : first + CHUNK])
    return (perf_counter_ns() - began) / len(rows), events


def all_events(door: Door, batch: flows.Batch) -> Any:
    """Every event of a flow."""
    engine = door(batch)
    parts = []
    for rows in (batch.before, batch.rows):
        for first in range(0, len(rows), CHUNK):
            engine.run(rows[first : first + CHUNK])
            parts.append(engine.events())
    return np.concatenate(parts)


def measure(name: str, batch: flows.Batch, rounds: int, *, compare: bool) -> None:
    """One line a door."""
    chosen = doors()
    if compare:
        want = all_events(c_door, batch)
        for door in list(chosen.values())[1:]:
            np.testing.assert_array_equal(all_events(door, batch), want)
    figures: dict[str, list[float]] = {door: [] for door in chosen}
    counts: set[int] = set()
    for _ in range(rounds):
        for door, make in chosen.items():
            took, events = one_round(make, batch)
            figures[door].append(took)
            counts.add(events)
    assert len(counts) == 1, f"doors disagree about the number of events: {counts}"
    (events,) = counts
    for door, times in figures.items():
        median = statistics.median(times)
        ratios = [base / one for base, one in zip(figures["c"], times, strict=True)]
        print(
            f"| {name} | {len(batch.rows):,} | {events:,} | {door} | {median:.1f} "
            f"({min(times):.1f}–{max(times):.1f}) | {median * len(batch.rows) / events:.1f} "
            f"| {statistics.median(ratios):.2f} ({min(ratios):.2f}–{max(ratios):.2f}) |",
            flush=True,
        )


def main(words: list[str] | None = None) -> int:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0] if __doc__ else "")
    parser.add_argument("--only", help="names of flows, with commas between")
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    parser.add_argument("--no-compare", action="store_true")
    parser.add_argument("--core", type=int, default=max(os.sched_getaffinity(0)))
    asked = parser.parse_args(words)
    try:
        climit.built("climit_events")
    except climit.NoCompiler as reason:
        print(f"skipped: {reason}")
        return 0
    os.sched_setaffinity(0, {asked.core})
    write_files(CACHE)
    print(f"{describe()}\ncompiler {climit.compiler_version()}, {' '.join(climit.FLAGS[:2])}\n")
    print(
        "| flow | commands | events | door | ns/command: median (min–max) | ns/event | C's time / its |"
    )
    print("|---|---:|---:|---|---:|---:|---:|")
    for name, make in whole_flows(quick=asked.quick).items():
        if asked.only is None or name in asked.only.split(","):
            measure(name, make(), asked.rounds, compare=not asked.no_compare)
    return 0


if __name__ == "__main__":
    sys.exit(main())
