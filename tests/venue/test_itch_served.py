"""ITCH from the served venue: printed, switched off, and the same bytes after kill -9."""

import asyncio
import os
import signal
import sys
from asyncio.subprocess import PIPE, Process
from pathlib import Path

import pytest

from feeds import soup
from feeds.soup import Packet
from venue.settings import ITCH_PORT, SNAPSHOT_PORT, ServerSettings

pytestmark = pytest.mark.processes

PATIENCE_S = 60.0
FREE = {f"KITAHAMA_SERVER__{door}_PORT": "0" for door in ("REST", "ORDERS", "FEED")}
DAY_LONG_ENOUGH = 400


async def serve(folder: Path) -> tuple[Process, int]:
    """A venue with its four firms, as a process of its own, and its ITCH port as printed."""
    words = ("serve", "--out", str(folder), "--speed", "1500", "--firms", "--end")
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "venue", *words, env={**os.environ, **FREE}, stdout=PIPE
    )
    assert process.stdout is not None
    async for line in process.stdout:
        if line.startswith(b"itch "):
            return process, int(line.rpartition(b":")[2])
    raise AssertionError("the venue ended before it said where it serves ITCH")


async def ignore(stream: asyncio.StreamReader | None) -> None:
    """Keep a pipe empty."""
    while stream is not None and await stream.read(65_536):
        pass


class Client:
    """Reads sequenced messages and keeps the connection alive."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.messages: list[bytes] = []
        self.session = ""

    async def read(self, sequence: int, count: int | None) -> bytes:
        """Log in and read on, until so many are known or the connection ends; the last kind."""
        while True:  # before the first day opens there is no session
            reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
            writer.write(soup.login("", "", "", sequence))
            first = await self._packet(reader)
            if first.kind == b"A":
                break
            writer.close()
        self.session = first.payload[:10].decode().strip()
        kind = b""
        while count is None or len(self.messages) < count:
            packet = await self._packet(reader)
            kind = packet.kind
            if kind == b"S":
                self.messages.append(packet.payload)
            elif kind == b"H":
                writer.write(soup.packet(b"R"))
            else:
                break
        writer.close()
        return kind

    async def _packet(self, reader: asyncio.StreamReader) -> Packet:
        async with asyncio.timeout(PATIENCE_S):
            head = await reader.readexactly(2)
            body = await reader.readexactly(int.from_bytes(head))
        return Packet(body[:1], body[1:])


def test_a_killed_venue_tells_the_day_again_byte_for_byte(tmp_path: Path) -> None:
    """Killed in mid-session, started again: what was told is told again, and the day goes on."""

    async def story() -> None:
        process, port = await serve(tmp_path)
        talk = asyncio.create_task(ignore(process.stdout))
        before = Client(port)
        await before.read(1, DAY_LONG_ENOUGH)
        process.send_signal(signal.SIGKILL)
        await process.wait()
        await talk

        process, port = await serve(tmp_path)
        talk = asyncio.create_task(ignore(process.stdout))
        whole, resumed = Client(port), Client(port)
        ends = await asyncio.gather(whole.read(1, None), resumed.read(DAY_LONG_ENOUGH + 1, None))
        process.terminate()
        await process.wait()
        await talk
        assert ends == [b"Z", b"Z"]
        assert whole.session == before.session
        assert whole.messages[:DAY_LONG_ENOUGH] == before.messages
        assert whole.messages[DAY_LONG_ENOUGH:] == resumed.messages
        assert whole.messages[-1][:1] + whole.messages[-1][-1:] == b"SC"

    asyncio.run(story())


def test_each_door_has_its_port_or_is_switched_off() -> None:
    """The usual ports; the system's choice where the others are; none at all with -1."""
    usual = ServerSettings()
    assert usual.soup_ports() == {"itch": ITCH_PORT, "snapshot": SNAPSHOT_PORT}
    assert ServerSettings(orders_port=0).soup_ports() == {"itch": 0, "snapshot": 0}
    assert ServerSettings(itch_port=-1, snapshot_port=9).soup_ports() == {"snapshot": 9}
