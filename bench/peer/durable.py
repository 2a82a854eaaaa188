"""The nearest engine with its own journal: matching-engine, durable, restarted, and over HTTP.

    python durable.py DATA_FOLDER WORK_FOLDER CORE    in its environment, with the gateway extra

Prints one JSON line: microseconds a message with its write-ahead log at several group sizes, bytes
a message in the log, microseconds a message to recover, and orders a second through its own gateway
on the loopback, one connection and many, client and server pinned to the same core. A sync on a
virtual disk with a write-back cache says nothing of real media; read the rows against each other.
"""

import asyncio
import contextlib
import importlib
import json
import os
import shutil
import socket
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

sys.path.insert(0, str(Path(__file__).parents[1]))

from peer.adapter import Message
from peer.run_one import read

GROUPS: Final = ((1, True, 3_000), (64, True, 50_000), (512, True, 200_000), (512, False, 200_000))
ROUNDS: Final = 3
LOADS: Final = ((1, 1_000), (64, 5_000))
"""Connections, and orders over all of them."""


def commands(messages: list[Message]) -> list[Any]:
    """The engine's own commands."""
    words: Any = importlib.import_module("matching_engine.domain")
    sides = (words.Side.BUY, words.Side.SELL)
    limit, market = words.OrderType.LIMIT, words.OrderType.MARKET
    gtc, ioc, off = words.TimeInForce.GTC, words.TimeInForce.IOC, words.SelfTradePrevention.NONE
    made = []
    for op, kind, side, order, price, units, _ in messages:
        if op:
            made.append(words.CancelOrder(order, 1))
        else:
            made.append(
                words.NewOrder(
                    order, 1, sides[side], 0 if kind == 1 else price, units,
                    market if kind == 1 else limit, ioc if kind else gtc, False, off,
                )
            )  # fmt: skip
    return made


def journaled(folder: Path, asked: list[Any], group: int, *, sync: bool) -> float:
    """Microseconds a message: append a group, sync once, apply it."""
    journal_kind: Any = importlib.import_module("matching_engine.journal").Journal
    engine: Any = importlib.import_module("matching_engine.engine").MatchingEngine()
    sequenced: Any = importlib.import_module("matching_engine.domain").SequencedCommand
    shutil.rmtree(folder, ignore_errors=True)
    journal = journal_kind(folder, fsync=sync)
    journal.open(1)
    began = time.perf_counter()
    for first in range(0, len(asked), group):
        some = [
            sequenced(number, number, one)
            for number, one in enumerate(asked[first : first + group], first + 1)
        ]
        for one in some:
            journal.append(one)
        journal.sync()
        for one in some:
            engine.process(one)
    took = (time.perf_counter() - began) / len(asked) * 1e6
    journal.close()
    return took


def recovered(folder: Path, count: int) -> float:
    """Microseconds a message to come back by replaying the log."""
    journal_kind: Any = importlib.import_module("matching_engine.journal").Journal
    began = time.perf_counter()
    journal_kind(folder, fsync=False).recover()
    return (time.perf_counter() - began) / count * 1e6


def journal_figures(data: Path, work: Path) -> dict[str, Any]:
    """All of the journal's rows."""
    figures: dict[str, Any] = {}
    for group, sync, count in GROUPS:
        _, messages = read(data / "nomod.bin", count)
        asked = commands(messages)
        rounds = [journaled(work / "log", asked, group, sync=sync) for _ in range(ROUNDS)]
        figures[f"journal, {group} a sync{'' if sync else ', no sync'}"] = _spread(rounds, "µs")
    size = sum(one.stat().st_size for one in (work / "log" / "wal").iterdir())
    figures["log"] = f"{size / GROUPS[-1][2]:.1f} bytes a message"
    rounds = [recovered(work / "log", GROUPS[-1][2]) for _ in range(ROUNDS)]
    figures["recovery"] = _spread(rounds, "µs")
    return figures


def _spread(rounds: list[float], unit: str) -> str:
    return f"{statistics.median(rounds):,.1f} ({min(rounds):,.1f}–{max(rounds):,.1f}) {unit}"


@contextlib.contextmanager
def gateway(work: Path, *, sync: bool) -> Iterator[int]:
    """The package's own server on a free loopback port."""
    with socket.socket() as some:
        some.bind(("127.0.0.1", 0))
        port: int = some.getsockname()[1]
    shutil.rmtree(work / "venue", ignore_errors=True)
    chosen = {
        "ME_DATA_DIR": str(work / "venue"),
        "ME_MARKETS": "X-Y:1:1",
        "ME_FSYNC": str(int(sync)),
    }
    command = [sys.executable, "-m", "matching_engine", "serve", "--host", "127.0.0.1"]
    server = subprocess.Popen(
        [*command, "--port", str(port)], env={**os.environ, **chosen},
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        for _ in range(100):
            with contextlib.suppress(OSError):
                socket.create_connection(("127.0.0.1", port), 0.2).close()
                break
            time.sleep(0.1)
        yield port
    finally:
        server.terminate()
        server.wait()


async def _send_all(port: int, connections: int, bodies: list[bytes]) -> tuple[float, list[float]]:
    """Orders a second, and each answer's time."""
    waiting, took = iter(bodies), []

    async def worker() -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        for body in waiting:
            began = time.perf_counter()
            writer.write(
                b"POST /markets/X-Y/orders HTTP/1.1\r\nHost: l\r\nContent-Type: application/json\r\n"
                b"Content-Length: %d\r\n\r\n%s" % (len(body), body)
            )
            head = (await reader.readuntil(b"\r\n\r\n")).lower()
            await reader.readexactly(int(head.partition(b"content-length:")[2].split()[0]))
            assert head.startswith(b"http/1.1 200"), head
            took.append(time.perf_counter() - began)
        writer.close()

    began = time.perf_counter()
    await asyncio.gather(*(worker() for _ in range(connections)))
    return len(bodies) / (time.perf_counter() - began), sorted(took)


def gateway_figures(data: Path, work: Path) -> dict[str, Any]:
    """Orders a second and latency over HTTP."""
    _, messages = read(data / "nomod.bin", 20_000)
    bodies = [
        json.dumps(
            {"account": 1 + order % 997, "side": ("buy", "sell")[side], "price": str(price),
             "quantity": str(units)}
        ).encode()
        for op, kind, side, order, price, units, _ in messages
        if op == 0 and kind == 0
    ]  # fmt: skip
    figures: dict[str, Any] = {}
    for sync in (True, False):
        with gateway(work, sync=sync) as port:
            for connections, orders in LOADS:
                rates, middles, lates = [], [], []
                for _ in range(ROUNDS):
                    rate, took = asyncio.run(_send_all(port, connections, bodies[:orders]))
                    rates.append(rate)
                    middles.append(took[len(took) // 2] * 1e3)
                    lates.append(took[int(len(took) * 0.99)] * 1e3)
                lines = f"{connections} connection{'s' if connections > 1 else ''}"
                figures[f"HTTP, {lines}{'' if sync else ', no sync'}"] = (
                    f"{statistics.median(rates):,.0f} ({min(rates):,.0f}–{max(rates):,.0f}) orders/s, "
                    f"p50 {statistics.median(middles):.1f} ms, p99 {statistics.median(lates):.1f} ms"
                )
    return figures


def main() -> None:
    """Everything, one line."""
    data, work = Path(sys.argv[1]), Path(sys.argv[2])
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {int(sys.argv[3])})
    work.mkdir(parents=True, exist_ok=True)
    figures = journal_figures(data, work)
    try:
        figures |= gateway_figures(data, work)
    except (OSError, AssertionError) as wrong:
        figures["HTTP"] = f"not measured: {type(wrong).__name__}"
    print(json.dumps(figures))


if __name__ == "__main__":
    main()
