"""A generated day at the ITCH door: the journal of a simulated run, told live turn by turn."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from feeds.soup import SoupLog
from market.commands import Entry, OpenDay
from venue.core import Core
from venue.itch_door import ItchDoor
from venue.journal import read_entries
from venue.runs import simulate_run
from venue.sequencer import Published

SEED = 20261126
SCALE = 20.0
TURN_ENTRIES = 64
"""Entries of one durable turn; the bytes do not depend on it."""


def generated(folder: Path, days: int = 1) -> list[Entry]:
    """A simulated START run of seed ``SEED``: its journal up to the end of its last trading day."""
    simulate_run(
        orders=None,
        acts=None,
        settings_path=None,
        seed=SEED,
        preset="start",
        days=days,
        scale=SCALE,
        out=folder,
        seen=None,
    )
    entries = list(read_entries(folder))
    opened = [place for place, entry in enumerate(entries) if isinstance(entry.command, OpenDay)]
    return entries[: opened[days]]


def messages_of(log: SoupLog) -> list[bytes]:
    """Every message of a session, without its packet."""
    return [log.message(number) for number in range(1, len(log) + 1)]


class GeneratedDay:
    """A door on a port, and the entries it has yet to be told.

    Attributes:
        door: The door.
        port: Where it is.
    """

    def __init__(self, door: ItchDoor, port: int, entries: list[Entry]) -> None:
        self.door = door
        self.port = port
        self._core = Core()
        self._entries = entries
        self._place = 0

    async def tell(self, up_to: float = 1.0) -> None:
        """Publish entries in turns, up to a share of the day; readers read in between."""
        end = round(len(self._entries) * up_to)
        while self._place < end:
            entries = self._entries[self._place : min(self._place + TURN_ENTRIES, end)]
            self._place += len(entries)
            self.door.publish(Published([(one, self._core.apply(one)) for one in entries], [], []))
            await asyncio.sleep(0)

    @property
    def log(self) -> SoupLog:
        """The day's session."""
        log = self.door.feed.log
        assert log is not None
        return log


@asynccontextmanager
async def at_a_port(entries: list[Entry]) -> AsyncIterator[GeneratedDay]:
    """A door that everybody may read, opened on a port of its own."""
    door = ItchDoor()
    server = await asyncio.get_running_loop().create_server(door.handler, "127.0.0.1", 0)
    try:
        yield GeneratedDay(door, server.sockets[0].getsockname()[1], entries)
    finally:
        server.close()
        door.halt()
