"""FIX order entry of a whole venue: order to execution report, and orders a second, durable.

A venue process with its journal on the disk (every turn synced), a continuous market that is open,
and clients of this process that build every order and take in every report themselves.

* paced: one session, one order at a time, each sent when the one before was answered.
* flat out: eight sessions, so many orders each, all sent at once; the clock stops at the last
  report. Every order is asserted to be answered once, in its session's order.

Left out: fills (orders rest), TLS, and a client on another machine: it shares both cores. Not left
out: the depth of the book is rebuilt and told, and the websocket door's reports are made as well.

    python bench/run_fix.py [--orders 20000] [--smoke]
"""

import argparse
import asyncio
import os
import platform
import statistics
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from hdrh.histogram import HdrHistogram

from matching.kernel import IS_COMPILED
from participants.fix_codec import Framer, body, encode
from participants.fix_records import utc_text
from tests.crash_witness import VenueProcess
from tests.fix.settings import fix_settings
from venue.fix_client import FixClient

SESSIONS = 8
PACED_MAX = 2_000
FIRMS = ("FIRM-A", "FIRM-B", "FIRM-C", "FIRM-D")


class Flood:
    """One session on a bare protocol: orders made before the clock starts, reports counted."""

    def __init__(self, port: int, comp_id: str, orders: int) -> None:
        self.port, self.comp_id, self.orders = port, comp_id, orders
        self.answered: list[str] = []
        self.done = asyncio.Event()
        self.writer: asyncio.StreamWriter | None = None

    async def open(self) -> None:
        """Log on."""
        self.reader, self.writer = await asyncio.open_connection("127.0.0.1", self.port)
        self.writer.write(self.frame("A", 1, body((98, 0), (108, 300), (141, "Y"))))
        data = await self.reader.read(1 << 16)
        assert b"\x0135=A\x01" in data, (self.comp_id, data)

    def frame(self, kind: str, number: int, content: bytes) -> bytes:
        """A whole message."""
        head = (
            f"35={kind}\x0149={self.comp_id}\x0156=KITAHAMA\x0134={number}\x01"
            f"52={utc_text(time.time_ns())}\x01"
        )
        return encode("FIX.4.2", head.encode() + content)

    def order(self, number: int) -> bytes:
        """A buy that rests, at one of ten prices."""
        price = 95_000 + 10 * (number % 10)
        return self.frame(
            "D",
            number + 2,
            body(
                (11, f"{self.comp_id}-{number}"), (21, 1), (38, 1), (40, 2), (44, price), (54, 1),
                (55, "KH01" if number % 2 else "KH02"), (60, "20261126-00:00:00"),
            ),
        )  # fmt: skip

    async def run(self, frames: bytes) -> None:
        """Send all, and read until all are answered."""
        assert self.writer is not None
        self.writer.write(frames)
        framer = Framer(1 << 24)
        while len(self.answered) < self.orders:
            data = await self.reader.read(1 << 18)
            assert data, "the venue closed"
            for raw in framer.feed(data):
                if b"\x0135=8\x01" in raw:
                    place = raw.find(b"\x0111=") + 4
                    self.answered.append(raw[place : raw.find(b"\x01", place)].decode())


async def paced(port: int, orders: int) -> HdrHistogram:
    """One order at a time; nanoseconds from write to report."""
    histogram = HdrHistogram(1, 60_000_000_000, 3)
    client = FixClient("127.0.0.1", port, "FIRM-A-1")
    await client.open((141, "Y"))
    for number in range(orders):
        began = time.perf_counter_ns()
        seen = len(client.messages)
        client.send("D", (11, f"p{number}"), (21, 1), (38, 1), (40, 2), (44, 95000), (54, 1),
                    (55, "KH01"))  # fmt: skip
        await client.until(lambda seen=seen: len(client.messages) > seen)
        histogram.record_value(time.perf_counter_ns() - began)
    await client.close()
    assert sum(each.kind == "8" for each in client.messages) == orders
    return histogram


async def flat_out(port: int, orders: int) -> float:
    """Orders a second over all sessions."""
    each = orders // SESSIONS
    names = [f"{firm}-{place}" for place in (1, 2) for firm in FIRMS]
    floods = [Flood(port, name, each) for name in names[:SESSIONS]]
    for flood in floods:
        await flood.open()
    frames = [b"".join(flood.order(number) for number in range(each)) for flood in floods]
    began = time.perf_counter()
    await asyncio.gather(*(f.run(b) for f, b in zip(floods, frames, strict=True)))
    took = time.perf_counter() - began
    for flood in floods:
        assert flood.answered == [f"{flood.comp_id}-{number}" for number in range(each)]
        assert flood.writer is not None
        flood.writer.close()
    return each * SESSIONS / took


@dataclass(frozen=True)
class Found:
    """What was measured; latency of the last round, rates of all."""

    latency: HdrHistogram
    rates: list[float]


async def measure(orders: int, rounds: int) -> Found:
    """A venue made anew for each round."""
    rates = []
    for _ in range(rounds):
        with tempfile.TemporaryDirectory(dir=os.environ.get("BENCH_DIR")) as folder:
            venue = VenueProcess(Path(folder), fix_settings({}, sessions=2))
            await venue.start(keep=True)
            port = int(venue.doors["fix42"].rpartition(":")[2])
            await opened(port)
            latency = await paced(port, min(PACED_MAX, orders))
            rates.append(await flat_out(port, orders))
            venue.kill()
    return Found(latency, rates)


async def opened(port: int) -> None:
    """Wait until the venue says that the market trades."""
    client = FixClient("127.0.0.1", port, "FIRM-D-2")
    await client.open((141, "Y"))
    await client.until(
        lambda: any(each.kind == "h" and each.get(340) == "2" for each in client.messages)
    )
    await client.close()


async def main(orders: int, rounds: int) -> None:
    """Measure and print."""
    found = await measure(orders, rounds)
    rates = found.rates
    micro = {q: found.latency.get_value_at_percentile(q) / 1000 for q in (50, 99, 99.9)}
    print(
        f"FIX 4.2, {platform.processor() or platform.machine()}, {os.cpu_count()} cores, "
        f"Python {platform.python_version()}, books {'compiled' if IS_COMPILED else 'interpreted'}"
    )
    print(
        f"paced      order to report  p50 {micro[50]:,.0f} µs  p99 {micro[99]:,.0f} µs  "
        f"p99.9 {micro[99.9]:,.0f} µs  ({min(PACED_MAX, orders):,} orders, 1 session, each synced)"
    )
    print(
        f"flat out   {statistics.median(rates):,.0f} orders/s ({min(rates):,.0f}–{max(rates):,.0f})  "
        f"({orders:,} orders, {SESSIONS} sessions, {rounds} rounds, durable)"
    )


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--orders", type=int, default=20_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--smoke", action="store_true")
    asked = parser.parse_args()
    asyncio.run(main(800 if asked.smoke else asked.orders, 1 if asked.smoke else asked.rounds))
