"""The workload every engine is measured on, as files that any language can read.

24-byte little-endian records: ``op, kind, side, 0`` (u8 each), ``order`` u32, ``price``,
``quantity``, ``aux`` i32, 0 u32; prices in ticks, orders numbered from 1 by first use.

* op 0 new, 1 cancel, 2 replace; kind 0 limit, 1 market, 2 immediate or cancel; side 0 buys, 1 sells.
* price: 0 for a market order; a cancel carries the order's price, a replace the new one.
* quantity: of a replace the new *open* quantity, of a cancel the open one.
* aux: what a new order leaves over after matching; a replace's open quantity before; else quantity.

``mixed`` is the mixed flow of workloads.py; ``nomod`` the same with each replace as a cancel and a
new order (its own book, so every cancel names a live order); ``deep`` 100,000 resting limits on
1,000 prices; ``sweep`` deep and then 40 immediate orders through 20 prices each; ``queue`` 20,000
buys at one price and 10,000 cancels among them. Each file has a known CRC-32, and with it the answer
of a plain reference: trades, units, notional, CRC-32 over (maker, taker, price, units), final book.
"""

import json
import struct
import zlib
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any, Final

from workloads import (
    CANCEL,
    IOC,
    LIMIT,
    NEW,
    WHOLE_FLOW,
    Message,
    ReferenceBook,
    deep_flow,
    mixed_flow,
    queue_flow,
)

RECORD: Final = struct.Struct("<BBBBIiiiI")
PREFIXES: Final = (2_000, 20_000, 100_000, 200_000)
SWEEPS: Final = 40
SWEPT_PRICES: Final = 20

FILE_CRCS: Final = {
    "mixed": 318_321_185,
    "nomod": 16_009_097,
    "deep": 305_988_589,
    "sweep": 2_118_689_468,
    "queue": 3_252_034_271,
}
TRADE_CRCS: Final = {"mixed": 1_411_775_528, "nomod": 3_686_385_560, "sweep": 3_218_733_506}


class Referee(ReferenceBook):
    """The reference book, also telling what each message left over."""

    def take(self, message: Message) -> int:
        """Apply one message; returns its ``aux``."""
        op, kind, side, order, price, quantity = message
        if op == NEW:
            return self.new(order, side, price, quantity, kind)
        before = self.live[order].quantity
        if op == CANCEL:
            self.cancel(order)
        else:
            self.replace(order, price, quantity)
        return before

    def answer(self) -> dict[str, int]:
        """What any right engine gives for the messages so far."""
        prices: tuple[set[int], set[int]] = (set(), set())
        for resting in self.live.values():
            prices[resting.side].add(resting.price)
        return {
            "trades": self.trades,
            "units": self.units,
            "notional": self.notional,
            "crc": self.crc,
            "live": len(self.live),
            "live_units": sum(resting.quantity for resting in self.live.values()),
            "bid_levels": len(prices[0]),
            "ask_levels": len(prices[1]),
        }


def sweep_flow() -> Iterator[Message]:
    """``deep``, then immediate orders, alternating sides, each through some whole prices."""
    book = Referee()
    for message in deep_flow(100_000):
        book.take(message)
        yield message
    for number in range(SWEEPS):
        side = number % 2
        best = book.best(1 - side)
        assert best is not None
        ahead = 1 if side == 0 else -1
        far = best + ahead * (SWEPT_PRICES - 1)
        units = sum(
            resting.quantity
            for resting in book.live.values()
            if resting.side != side and ahead * resting.price <= ahead * far
        )
        message = Message(NEW, IOC, side, 100_001 + number, far + 5 * ahead, units)
        book.take(message)
        yield message


def queue_whole() -> list[Message]:
    """Both halves of the queue flow."""
    news, cancels = queue_flow()
    return [*news, *cancels]


FLOWS: Final[dict[str, Callable[[], Iterable[Message]]]] = {
    "mixed": lambda: mixed_flow(WHOLE_FLOW),
    "nomod": lambda: mixed_flow(WHOLE_FLOW, amends=False),
    "deep": lambda: deep_flow(100_000),
    "sweep": sweep_flow,
    "queue": queue_whole,
}


def records(flow: Iterable[Message]) -> tuple[bytes, dict[str, dict[str, int]]]:
    """A flow as records, with the answers after each prefix and after all of it ("all")."""
    book = Referee()
    parts: list[bytes] = []
    answers: dict[str, dict[str, int]] = {}
    pack = RECORD.pack
    for number, message in enumerate(flow, 1):
        aux = book.take(message)
        op, kind, side, order, price, quantity = message
        parts.append(pack(op, kind, side, 0, order, price, quantity, aux, 0))
        if number in PREFIXES:
            answers[str(number)] = book.answer()
    answers["all"] = book.answer()
    return b"".join(parts), answers


def census(data: bytes) -> dict[str, int]:
    """How many messages of each kind a file holds."""
    names = {
        (0, 0): "limits",
        (0, 1): "market",
        (0, 2): "ioc",
        (1, 0): "cancels",
        (2, 0): "replaces",
    }
    found = dict.fromkeys(names.values(), 0) | {"marketable_limits": 0}
    for op, kind, _, _, _, _, quantity, aux, _ in RECORD.iter_unpack(data):
        found[names[op, kind]] += 1
        found["marketable_limits"] += op == NEW and kind == LIMIT and aux < quantity
    return found


def write_files(folder: Path) -> dict[str, Any]:
    """Make the files and ``workload.json`` unless they are there; returns the latter's content.

    Raises:
        AssertionError: When a file or an answer is not the known one.
    """
    described = folder / "workload.json"
    if described.exists():
        known: dict[str, Any] = json.loads(described.read_text())
        if all((folder / f"{name}.bin").exists() for name in FLOWS):
            return known
    folder.mkdir(parents=True, exist_ok=True)
    content: dict[str, Any] = {}
    for name, flow in FLOWS.items():
        data, answers = records(flow())
        assert zlib.crc32(data) == FILE_CRCS[name], f"{name} is another file than it was"
        assert answers["all"]["crc"] == TRADE_CRCS.get(name, 0), f"{name} trades differently"
        (folder / f"{name}.bin").write_bytes(data)
        content[name] = {
            "records": len(data) // RECORD.size,
            "crc": FILE_CRCS[name],
            "kinds": census(data),
            "answers": answers,
        }
    described.write_text(json.dumps(content, indent=1))
    return content


def read_messages(data: bytes) -> Iterator[Message]:
    """The records as messages, without ``aux``."""
    for op, kind, side, _, order, price, quantity, _, _ in RECORD.iter_unpack(data):
        yield Message(op, kind, side, order, price, quantity)
