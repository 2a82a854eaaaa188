"""Run one engine on one scenario and print one JSON line; started by peers.py, one process each.

``flow`` times the workload file; ``deep`` 100,000 adds, and what they add to the resident set;
``sweep`` nanoseconds a fill; ``queue`` nanoseconds a cancel; ``latency`` clocks every message of a
prefix on its own, the clock's own cost included; ``verify`` compares with the reference;
``batch`` adds the deep book through the engine's entry for many orders (batches.py).
Rounds: up to seven, fewer when they take long; the median is told with lowest and highest.
The garbage collector stays on, as a user would have it.
"""

import argparse
import gc
import importlib
import json
import os
import statistics
import struct
import sys
import zlib
from pathlib import Path
from time import perf_counter, perf_counter_ns
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1]))

from peer import batches
from peer.adapter import Adapter, Message, variant
from peer.registry import PEERS

RECORD = struct.Struct("<BBBBIiiiI")
ROUNDS_MOST, ROUNDS_LEAST = 7, 3
CLOCKED = 200_000


def read(path: Path, count: int | None) -> tuple[bytes, list[Message]]:
    """A file's first records, as bytes and as messages."""
    data = path.read_bytes()
    if count is not None:
        data = data[: count * RECORD.size]
    messages = [
        (op, kind, side, order, price, units, aux)
        for op, kind, side, _, order, price, units, aux, _ in RECORD.iter_unpack(data)
    ]
    return data, messages


def resident() -> int:
    """Bytes of memory of this process that are in use now."""
    gc.collect()
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


class Tally:
    """What the trades add up to."""

    def __init__(self) -> None:
        self.trades = self.units = self.notional = self.crc = 0

    def seen(self, maker: int, taker: int, price: int, units: int) -> None:
        """Count one trade."""
        self.trades += 1
        self.units += units
        self.notional += price * units
        self.crc = zlib.crc32(struct.pack("<IIii", maker, taker, price, units), self.crc)


class Run:
    """One adapter on one set of files."""

    def __init__(self, adapter: Adapter, folder: Path, known: dict[str, Any], asked: Any) -> None:
        self.adapter = adapter
        self.folder = folder
        self.known = known
        self.quick: int | None = asked.quick
        self.budget_s: float = asked.budget_s

    def _prepared(self, name: str, count: int | None) -> tuple[Any, Any, int]:
        """What to drive, in two parts for sweep and queue, and how many messages in all."""
        data, messages = read(self.folder / f"{name}.bin", count)
        self.adapter.names_room = max(message[3] for message in messages) + 1
        cut = {"sweep": 100_000, "queue": 20_000}.get(name, 0)
        load = self.adapter.load
        head = load(data[: cut * RECORD.size], messages[:cut]) if cut else None
        return head, load(data[cut * RECORD.size :], messages[cut:]), len(messages) - cut

    def _count(self, most: int | None) -> int | None:
        wanted = [one for one in (most, self.quick) if one is not None]
        return min(wanted) if wanted else None

    def timed(self, name: str, count: int | None, per: int | None = None) -> dict[str, Any]:
        """Rounds of one file; nanoseconds are for each of ``per`` things, or each message."""
        head, work, messages = self._prepared(name, count)
        drive = variant(self.adapter, "timed")
        figures: list[float] = []
        bytes_per_order = 0
        began = perf_counter()
        while len(figures) < ROUNDS_MOST:
            spent = perf_counter() - began
            least = 1 if spent > 4 * self.budget_s else ROUNDS_LEAST
            if spent > self.budget_s and len(figures) >= least:
                break
            before = resident()
            book = self.adapter.open()
            if head is not None:
                drive(book, head, None)
            start = perf_counter_ns()
            drive(book, work, None)
            figures.append((perf_counter_ns() - start) / (per or messages))
            if not bytes_per_order:
                bytes_per_order = round((resident() - before) / messages)
            self.adapter.close(book)
            del book
        return {
            "count": messages,
            "ns": [statistics.median(figures), min(figures), max(figures)],
            "rounds": len(figures),
            "bytes_per_order": bytes_per_order,
        }

    def flow(self) -> dict[str, Any]:
        """The workload file."""
        name = self.adapter.flow
        return {"file": name} | self.timed(name, self._count(self.adapter.count))

    def deep(self) -> dict[str, Any]:
        """Adds to a growing book."""
        return self.timed("deep", self._count(self.adapter.deep_count))

    def sweep(self) -> dict[str, Any]:
        """Large orders through many resting ones."""
        return self.timed("sweep", None, per=self.known["sweep"]["answers"]["all"]["trades"])

    def queue(self) -> dict[str, Any]:
        """Cancels from a long queue."""
        return self.timed("queue", None)

    def latency(self) -> dict[str, Any]:
        """Quantiles of single messages."""
        name = self.adapter.flow
        count = self._count(min(CLOCKED, self.adapter.count or CLOCKED))
        _, work, messages = self._prepared(name, count)
        took: list[int] = []
        drive = variant(self.adapter, "latency", took)
        book = self.adapter.open()
        gc.collect()
        drive(book, work, None)
        self.adapter.close(book)
        took.sort()
        quantiles = [took[min(len(took) - 1, int(len(took) * q))] for q in (0.5, 0.99, 0.999)]
        return {"file": name, "count": messages, "quantiles_ns": quantiles, "worst_ns": took[-1]}

    def verify(self) -> dict[str, Any]:
        """The reference's answer, as far as the engine tells its own."""
        name = self.adapter.flow
        count = self._count(self.adapter.count)
        _, work, messages = self._prepared(name, count)
        tally = Tally()
        book = self.adapter.open()
        variant(self.adapter, "verify")(book, work, tally.seen)
        self.adapter.finish(book, tally.seen)
        answers = self.known[name]["answers"]
        want = answers["all" if messages == self.known[name]["records"] else str(messages)]
        got: dict[str, int] = {"units": tally.units, "notional": tally.notional}
        if self.adapter.checks == "book":
            got = dict(zip(("live", "live_units"), self.adapter.resting(book), strict=True))
        elif self.adapter.checks != "units":
            got["trades"] = tally.trades
            if self.adapter.checks == "trades":
                got["crc"] = tally.crc
        self.adapter.close(book)
        wrong = {key: [value, want[key]] for key, value in got.items() if value != want[key]}
        return {
            "file": name,
            "count": messages,
            "compared": self.adapter.checks,
            "agrees": not wrong,
            "wrong": wrong,
        }

    def batch(self) -> dict[str, Any]:
        """Adds through the entry for many orders at once."""
        _, messages = read(self.folder / "deep.bin", self._count(self.adapter.deep_count))
        figures = [batches.add_all(type(self.adapter).__name__, messages) for _ in range(3)]
        return {
            "count": len(messages),
            "ns": [statistics.median(figures), min(figures), max(figures)],
        }


def has(adapter: Adapter, scenario: str) -> bool:
    """Whether an engine is run on a scenario."""
    if scenario == "latency":
        return adapter.calls
    if scenario == "batch":
        return type(adapter).__name__ in batches.BY_ADAPTER
    return scenario in adapter.scenarios


def main() -> None:
    """One engine, one scenario, one line."""
    parser = argparse.ArgumentParser()
    parser.add_argument("peer")
    parser.add_argument("scenario")
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--quick", type=int)
    parser.add_argument("--budget-s", type=float, default=5.0)
    parser.add_argument("--core", type=int)
    asked = parser.parse_args()
    line = {"peer": asked.peer, "scenario": asked.scenario, "python": sys.version.split()[0]}
    module, _, name = PEERS[asked.peer].place.partition(":")
    try:
        adapter: Adapter = getattr(importlib.import_module(f"peer.{module}"), name)()
    except (ImportError, AttributeError) as missing:
        print(json.dumps(line | {"absent": f"{type(missing).__name__}: {missing}"}))
        return
    if not has(adapter, asked.scenario):
        print(json.dumps(line | {"skipped": True}))
        return
    if asked.core is not None and hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {asked.core})
    known = json.loads((asked.data / "workload.json").read_text())
    run = Run(adapter, asked.data, known, asked)
    print(json.dumps(line | getattr(run, asked.scenario)()))


if __name__ == "__main__":
    main()
