"""Measures ITCH: write and read each message, feed many Soup clients, catch up with a day.

Workload: fixed values; the fan-out and the catch-up use added orders of 30 bytes (33 with their
packet), the cost of the wire alone. The last two rows have everything: a START day (venue_flow.py,
firms that never run out), each turn of 512 entries written and synced to a journal, applied by the core, folded and
sent; then a restart that reads that journal, until one client is caught up. Left out there: the
sequencer's queue, the other doors. Clients are in the venue's process and only count bytes, so a delivery costs
the sender and the reader here. Answers are asserted: every client gets every byte.

    python bench/run_itch.py [--messages 100000] [--clients 50]
"""

import argparse
import asyncio
import os
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from statistics import median
from time import perf_counter_ns
from typing import Final

sys.path.insert(0, str(Path(__file__).parents[1]))

from venue_flow import start_day

from feeds import itch, soup
from feeds.soup import SoupLog
from market.commands import OpenDay
from market.quantities import TimeNs
from market.words import Side
from venue.core import Core
from venue.itch_door import ItchDoor
from venue.journal import Journal
from venue.recovery import recover
from venue.sequencer import Published

ROUNDS: Final = 5
CALLS: Final = 100_000
BOOK: Final = b"ST01"
TURN: Final = 512

WRITERS: Final[dict[str, Callable[[], bytes]]] = {
    "T": lambda: itch.seconds(30_000),
    "S": lambda: itch.system_event(7, itch.START_OF_MESSAGES),
    "L": lambda: itch.tick_row(1, 2, 500, 10_000_001),
    "R": lambda: itch.directory(
        2, BOOK, "JP0000000001", "ST01", 1, 1, (8_500_000, 11_500_000),
        market_orders_barred=False, attention=False, termination=False,
    ),
    "H": lambda: itch.trading_state(3, BOOK, itch.TRADING),
    "A": lambda: itch.order_added(4, 317, Side.BUY, 5, BOOK, 10_000_000),
    "C": lambda: itch.order_executed(4, 317, 5, 92, 10_000_000, cross=True),
    "D": lambda: itch.order_deleted(5, 317),
    "U": lambda: itch.order_replaced(6, 317, 400, 3, 9_999_900),
    "O": lambda: itch.book_state(7, BOOK, "OpeningAuction"),
    "Z": lambda: itch.equilibrium_price(8, BOOK, 10_000_000),
}  # fmt: skip


def rate(call: Callable[[], object]) -> float:
    """Calls a second, median of the rounds."""
    rates = []
    for _ in range(ROUNDS):
        start = perf_counter_ns()
        for _ in range(CALLS):
            call()
        rates.append(CALLS * 1e9 / (perf_counter_ns() - start))
    return median(rates)


def codec() -> None:
    """Print messages a second, written and read."""
    print(f"messages a second, one call each, median of {ROUNDS} rounds of {CALLS:,}")
    for letter, write in WRITERS.items():
        message = write()
        assert message[:1].decode() == letter
        reads = rate(lambda message=message: itch.decode(message))  # type: ignore[misc]
        print(
            f"  {letter}  {len(message):3} bytes  write {rate(write):12,.0f}  read {reads:12,.0f}"
        )


class Counter(asyncio.Protocol):
    """A client that logs in from 1 and counts bytes."""

    def __init__(self, wanted: int) -> None:
        self.missing = wanted
        self.done = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Log in."""
        self._transport = transport
        transport.write(soup.login("", ""))  # type: ignore[attr-defined]

    def data_received(self, data: bytes) -> None:
        """Count."""
        self.missing -= len(data)
        if self.missing <= 0 and not self.done.done():
            self.done.set_result(self.missing)
            self._transport.close()


async def fan_out(messages: int, clients: int, *, before: bool) -> None:
    """One stream to many; ``before`` has the whole day there when they log in."""
    door = ItchDoor()
    log = door.feed.log = SoupLog("20261124")
    written = [
        itch.order_added(4, n, Side.BUY, 5, BOOK, 10_000_000) for n in range(1, messages + 1)
    ]
    if before:
        for message in written:
            log.append(message)
    loop = asyncio.get_running_loop()
    server = await loop.create_server(door.handler, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    wanted = len(soup.accepted("20261124", 1)) + sum(len(m) + 3 for m in written)
    start = perf_counter_ns()
    made = [
        (await loop.create_connection(lambda: Counter(wanted), "127.0.0.1", port))[1]
        for _ in range(clients)
    ]
    if not before:
        for first in range(0, messages, 500):
            for message in written[first : first + 500]:
                log.append(message)
            door.pump()
            await asyncio.sleep(0)
    assert await asyncio.gather(*[client.done for client in made]) == [0] * clients
    took_s = (perf_counter_ns() - start) / 1e9
    server.close()
    name = "logon with 1 to caught up" if before else "live, turns of 500"
    print(
        f"{name}: {messages:,} messages to {clients} clients in {took_s:.2f} s, "
        f"{messages * clients / took_s:,.0f} deliveries/s, "
        f"{wanted * clients / took_s / 1e6:,.0f} MB/s"
    )


async def received(
    door: ItchDoor, wanted: int, clients: int
) -> tuple[list[Counter], asyncio.Server]:
    """Clients that are logged in from 1 and wait for so many bytes."""
    loop = asyncio.get_running_loop()
    server = await loop.create_server(door.handler, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    made = [
        (await loop.create_connection(lambda: Counter(wanted), "127.0.0.1", port))[1]
        for _ in range(clients)
    ]
    return made, server


async def whole(orders: int, clients: int) -> None:
    """A START day with everything: journal on disk, core, fold, ITCH; then a restart."""
    with tempfile.TemporaryDirectory(dir=os.environ.get("BENCH_DIR")) as name:
        served = Path(name) / "served"
        day = start_day(orders)
        entries = [*day.before, *day.work]
        opened = [n for n, entry in enumerate(entries) if isinstance(entry.command, OpenDay)]
        core, told = Core(), ItchDoor()
        for entry in entries:
            told.feed.apply(entry.at_ns, core.apply(entry))
            core.reports.drain()
            core.feeds.drain()
        log = told.feed.log
        assert log is not None
        wanted = len(soup.accepted(log.session, 1)) + len(log.stream) + len(soup.END_OF_SESSION)
        core, door = Core(), ItchDoor()
        with Journal(served) as journal:
            assert not list(journal.read())
            steps, readers, server = opened[0], [], None
            start = 0
            while steps < len(entries) or server is None:
                group = (
                    entries[: opened[0] + 1] if server is None else entries[steps : steps + TURN]
                )
                journal.write([journal.row(entry) for entry in group])
                turn = []
                for entry in group:
                    turn.append((entry, core.apply(entry)))
                    core.reports.drain()
                    core.feeds.drain()
                steps = opened[0] + 1 if server is None else steps + len(group)
                door.publish(Published(turn, [], []))
                if server is None:
                    readers, server = await received(door, wanted, clients)
                    start = perf_counter_ns()
                await asyncio.sleep(0)
            left = await asyncio.gather(*[one.done for one in readers])
        took_s = (perf_counter_ns() - start) / 1e9
        assert left == [0] * clients
        assert door.feed.log is not None
        assert door.feed.log.stream == log.stream
        server.close()
        print(
            f"whole, turns of {TURN} synced: {len(entries):,} entries, {len(log):,} messages to "
            f"{clients} clients in {took_s:.2f} s, {len(log) / took_s:,.0f} messages/s, "
            f"{len(log) * clients / took_s:,.0f} deliveries/s"
        )
        start = perf_counter_ns()
        door = ItchDoor()
        with Journal(served) as journal:
            recover(journal, [], TimeNs(0), heard=[door.heard])
        rebuilt_s = (perf_counter_ns() - start) / 1e9
        (reader,), server = await received(door, wanted, 1)
        assert await reader.done == 0
        took_s = (perf_counter_ns() - start) / 1e9
        server.close()
        print(
            f"restart to caught up with 1: {len(log):,} messages in {took_s:.2f} s, of it the "
            f"journal, core and fold {rebuilt_s:.2f} s; {len(log) / took_s:,.0f} messages/s"
        )


def main() -> None:
    """Print the machine and every figure."""
    from machine import describe  # noqa: PLC0415

    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("--messages", type=int, default=100_000)
    asked.add_argument("--clients", type=int, default=50)
    asked.add_argument("--orders", type=int, default=20_000, help="new orders of the whole day")
    chosen = asked.parse_args()
    print(describe())
    codec()
    asyncio.run(fan_out(chosen.messages, chosen.clients, before=False))
    asyncio.run(fan_out(chosen.messages, 1, before=True))
    asyncio.run(whole(chosen.orders, chosen.clients))


if __name__ == "__main__":
    main()
