"""OUCH order entry of a whole venue: order to accepted, and orders a second, durable.

A venue process with its journal on the disk (every turn synced), ODX's equities rulebook with an
open market, and clients of this process that build every order and take in every answer themselves.

* paced: one session, one order at a time, each sent when the one before was answered.
* flat out: eight sessions, so many orders each, all sent at once; the clock stops at the last
  answer. Every order is asserted to be accepted once, in its session's order of tokens.

Left out: fills (orders rest), and a client on another machine: it shares both cores. Not left out:
the depth of the book is rebuilt and told, and every other door's reports are made as well. No seed:
the orders are a formula.

    python bench/run_ouch.py [--orders 20000] [--rounds 3] [--smoke]
"""

import argparse
import asyncio
import os
import platform
import statistics
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from hdrh.histogram import HdrHistogram

from feeds import soup
from matching.kernel import IS_COMPILED
from participants import ouch
from tests.crash_witness import VenueProcess
from tests.fix.settings import fix_settings

SESSIONS = 8
PACED_MAX = 2_000
USERNAMES = [f"FIRM{firm}{place}" for place in (1, 2) for firm in "ABCD"]
_PACKET_MAX = 1_024


def order(token: int) -> bytes:
    """A buy that rests, at one of ten prices, in its packet."""
    book = "KH01" if token % 2 else "KH02"
    price = 950_000 + 100 * (token % 10)
    message = ouch.Enter(
        token, "bench", "B", 1, book, "DAY", price, ouch.DAY, "", "P", "A", 0, "1", "1"
    )
    return soup.packet(b"U", ouch.encode(message))


class Line:
    """One session."""

    def __init__(self, username: str) -> None:
        self.username = username
        self._received = bytearray()

    async def close(self) -> None:
        """Hang up."""
        self.writer.close()
        await asyncio.wait([asyncio.ensure_future(self.writer.wait_closed())])

    async def open(self, port: int) -> bool:
        """Log in, from now; False when no day is open yet."""
        self._received.clear()
        self.reader, self.writer = await asyncio.open_connection("127.0.0.1", port)
        self.writer.write(soup.login(self.username, "", "", 0))
        while not (packets := soup.split(self._received, _PACKET_MAX)):
            self._received += await self.reader.read(1 << 16)
        if packets[0].kind != b"A":
            await self.close()
        return packets[0].kind == b"A"

    async def answers(self) -> list[ouch.Outbound]:
        """What comes next."""
        while True:
            data = await self.reader.read(1 << 18)
            assert data, "the venue closed"
            self._received += data
            packets = soup.split(self._received, _PACKET_MAX)
            told = [ouch.decode_out(each.payload) for each in packets if each.kind == b"S"]
            if told:
                return [each for each in told if each is not None]

    async def run(self, frames: bytes, first: int, count: int) -> None:
        """Send all, and read until all are accepted."""
        self.writer.write(frames)
        tokens: list[int] = []
        while len(tokens) < count:
            tokens += [
                each.token for each in await self.answers() if isinstance(each, ouch.Accepted)
            ]
        assert tokens == list(range(first, first + count))


async def opened(line: Line) -> int:
    """Ask until the market takes an order; the next token."""
    token = 0
    while True:
        token += 1
        line.writer.write(order(token))
        if isinstance((await line.answers())[0], ouch.Accepted):
            return token + 1
        await asyncio.sleep(0.01)


async def paced(line: Line, first: int, count: int) -> HdrHistogram:
    """One order at a time; nanoseconds from write to accepted."""
    histogram = HdrHistogram(1, 60_000_000_000, 3)
    for token in range(first, first + count):
        frame = order(token)
        began = time.perf_counter_ns()
        line.writer.write(frame)
        (told,) = await line.answers()
        histogram.record_value(time.perf_counter_ns() - began)
        assert isinstance(told, ouch.Accepted)
        assert told.token == token
    return histogram


async def flat_out(lines: list[Line], first: int, orders: int) -> float:
    """Orders a second over all sessions."""
    each = orders // len(lines)
    frames = b"".join(order(token) for token in range(first, first + each))
    began = time.perf_counter()
    await asyncio.gather(*(line.run(frames, first, each) for line in lines))
    return each * len(lines) / (time.perf_counter() - began)


async def measure(orders: int) -> tuple[HdrHistogram, float]:
    """One round on a venue made anew."""
    with tempfile.TemporaryDirectory(dir=os.environ.get("BENCH_DIR")) as folder:
        venue = VenueProcess(Path(folder), fix_settings({}, sessions=2))
        try:
            await venue.start(keep=True)
            port = int(venue.doors["ouch"].rpartition(":")[2])
            lines = [Line(username) for username in USERNAMES[:SESSIONS]]
            for line in lines:
                while not await line.open(port):  # noqa: ASYNC110 - another process, there is no event
                    await asyncio.sleep(0.02)
            count = min(PACED_MAX, orders)
            first = await opened(lines[0])
            latency = await paced(lines[0], first, count)
            rate = await flat_out(lines, first + count, orders)
            for line in lines:
                await line.close()
            return latency, rate
        finally:
            venue.kill()


async def main(orders: int, rounds: int) -> None:
    """Measure and print."""
    found = [await measure(orders) for _ in range(rounds)]
    latency, rates = found[-1][0], [rate for _, rate in found]
    micro = {q: latency.get_value_at_percentile(q) / 1000 for q in (50, 99, 99.9)}
    print(
        f"OUCH 2.0, {platform.processor() or platform.machine()}, {os.cpu_count()} cores, "
        f"Python {platform.python_version()}, books {'compiled' if IS_COMPILED else 'interpreted'}"
    )
    print(
        f"paced      order to accepted  p50 {micro[50]:,.0f} µs  p99 {micro[99]:,.0f} µs  "
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
