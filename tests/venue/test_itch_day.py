"""The venue operators' own client, ``nasdaq-protocols``, reads whole days, and days that broke off.

What it was told is compared with the journal, folded anew by a feed that has no socket.
"""

import asyncio
import os
import signal
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import Iterable
from pathlib import Path

import pytest
from house import PATIENCE_S
from itch_day import at_a_port, generated, messages_of
from nasdaq_protocols import soup as stranger
from nasdaq_protocols.common import EndOfQueue

from feeds.itch_feed import ItchFeed
from market.commands import Entry
from venue.core import Core
from venue.journal import read_entries

pytestmark = pytest.mark.processes

DAY_PATIENCE_S = 60.0

FREE = {f"KITAHAMA_SERVER__{door}_PORT": "0" for door in ("REST", "ORDERS", "FEED")}


def sessions_of(entries: Iterable[Entry]) -> dict[str, list[bytes]]:
    """Every session a journal makes, by name."""
    core, feed = Core(), ItchFeed()
    found = {}
    for entry in entries:
        feed.apply(entry.at_ns, core.apply(entry))
        if feed.log is not None:
            found[feed.log.session] = feed.log
    return {name: messages_of(log) for name, log in found.items()}


class Stranger:
    """The client, and what it heard over all its connections.

    It is asked for a number of messages and leaves then. At the end of the session the client (1.3.0)
    breaks off a wait for the next message, though the last ones have come and stand in its queue; and its
    own close may wait for ever for a reader that has ended. So what is queued is taken without waiting.

    Attributes:
        session: The session it was let into last.
        messages: Sequenced messages in the order they came.
    """

    def __init__(self, port: int) -> None:
        self._port = port
        self.session = ""
        self.messages: list[bytes] = []

    async def read(self, count: int, sequence: int = 0) -> None:
        """Log in and read until so many messages are known.

        Args:
            count: To be known at the end.
            sequence: To start at; 0 is the one after what is known.
        """
        line = await stranger.connect_async(
            ("127.0.0.1", self._port), "", "", "", sequence or len(self.messages) + 1
        )
        self.session = line.session_id.session.strip()
        while len(self.messages) < count:
            try:
                message = await line.receive_msg()
            except EndOfQueue:  # the wait was broken off; what had come is still there
                message = line.receive_msg_nowait()
            if isinstance(message, stranger.SequencedData):
                self.messages.append(bytes(message.data))
        await line.close()


def test_it_receives_a_whole_generated_day_and_comes_back_by_number(tmp_path: Path) -> None:
    """Thousands of messages, live, broken off three times, to the end: the journal's, each once."""
    entries = generated(tmp_path)
    ((name, expected),) = sessions_of(entries).items()
    assert len(expected) > 6_000

    async def story() -> None:
        async with at_a_port(entries) as day:
            await day.tell(0.6)
            broken, whole, late = (Stranger(day.port) for _ in range(3))
            for count in (1_000, 1_001, 2_500):
                await broken.read(count)
                assert broken.messages == expected[:count]
            known = len(expected)
            reading = [asyncio.create_task(one.read(known)) for one in (whole, broken)]
            await day.tell()
            await asyncio.gather(*reading)
            await late.read(known - 4_999, sequence=5_000)
            assert whole.session == name
            assert whole.messages == broken.messages == expected
            assert late.messages == expected[4_999:]
            assert messages_of(day.log) == expected
            assert day.log.ended

    async def within() -> None:
        async with asyncio.timeout(DAY_PATIENCE_S):
            await story()

    asyncio.run(within())


async def serve(folder: Path) -> tuple[Process, int]:
    """A venue with its four firms, as a process of its own, and its ITCH port as printed."""
    words = ("serve", "--out", str(folder), "--speed", "1500", "--firms", "--end")
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "venue", *words, env={**os.environ, **FREE}, stdout=PIPE
    )
    assert process.stdout is not None
    async with asyncio.timeout(DAY_PATIENCE_S):
        async for line in process.stdout:
            if line.startswith(b"itch "):
                return process, int(line.rpartition(b":")[2])
    raise AssertionError("the venue ended before it said where it serves ITCH")


async def ignore(process: Process) -> None:
    """Keep a process's pipe empty until it ends."""
    assert process.stdout is not None
    while await process.stdout.read(65_536):
        pass
    await process.wait()


async def opened(port: int) -> Stranger:
    """A client that has read the first message of a day, which may have to open first."""
    client = Stranger(port)
    async with asyncio.timeout(PATIENCE_S):
        while not client.messages:
            try:
                await client.read(1)
            except ConnectionRefusedError:  # no day has opened: there is no session
                await asyncio.sleep(0.05)
    return client


def test_it_receives_a_day_over_kill_9_and_a_restart(tmp_path: Path) -> None:
    """Killed in mid-session: resumed by number it has the journal's day; from 1 it is the same."""

    async def story() -> None:
        process, port = await serve(tmp_path)
        talk = asyncio.create_task(ignore(process))
        client = await opened(port)
        await client.read(600)
        process.send_signal(signal.SIGKILL)
        await talk
        before, name = list(client.messages), client.session

        process, port = await serve(tmp_path)
        talk = asyncio.create_task(ignore(process))
        resumed, whole = Stranger(port), Stranger(port)
        resumed.messages = list(before)
        await asyncio.gather(resumed.read(1_200), whole.read(1_200))
        process.terminate()
        await talk
        expected = sessions_of(read_entries(tmp_path))[name]
        assert resumed.session == whole.session == name
        assert before == expected[:600]
        assert resumed.messages == whole.messages == expected[:1_200]

    async def within() -> None:
        async with asyncio.timeout(DAY_PATIENCE_S):
            await story()

    asyncio.run(within())
