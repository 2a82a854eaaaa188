"""A house with OUCH ports, and a client that shows every packet of them."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import Any, Self

from house import PATIENCE_S, House

from feeds import soup
from feeds.soup import Packet
from market.ids import KeyId, SessionId
from participants import ouch
from participants.ouch_session import OuchSettings
from venue.ouch_door import OuchDoor
from venue.ouch_streams import OuchStreams

FAST = OuchSettings(rate_per_s=100_000, burst=100_000)
DAY = "20261124"


def enter(token: int, **changes: Any) -> ouch.Enter:
    """A good order: buy 10 ST01 at 100,000 yen for the day."""
    good = ouch.Enter(
        token, f"ref-{token}", "B", 10, "ST01", "DAY", 1_000_000, ouch.DAY, "FA", "P", "A", 0, "1", "1"
    )  # fmt: skip
    return good._replace(**changes)


def replace(existing: int, token: int, **changes: Any) -> ouch.Replace:
    """A good replace: a total of 20 at 100,000 yen."""
    return ouch.Replace(existing, token, 20, 1_000_000, ouch.DAY, "P", 0)._replace(**changes)


class Line:
    """One client."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self.writer = writer
        self.accepted = b""

    async def packet(self) -> Packet | None:
        """The next packet but heartbeats; None when the connection is closed."""
        while True:
            try:
                async with asyncio.timeout(PATIENCE_S):
                    head = await self._reader.readexactly(2)
                    body = await self._reader.readexactly(int.from_bytes(head))
            except (asyncio.IncompleteReadError, ConnectionError):
                return None
            if body[:1] != b"H":
                return Packet(body[:1], body[1:])

    async def rest(self) -> list[Packet]:
        """Every packet until the connection closes."""
        packets = []
        while (packet := await self.packet()) is not None:
            packets.append(packet)
        return packets

    async def raw(self, count: int) -> list[bytes]:
        """The next sequenced messages, as they are."""
        found = []
        while len(found) < count:
            packet = await self.packet()
            assert packet is not None, f"closed after {found}"
            assert packet.kind == b"S"
            found.append(packet.payload)
        return found

    async def hear(self, count: int = 1) -> list[ouch.Outbound]:
        """The next messages."""
        found = []
        for message in await self.raw(count):
            said = ouch.decode_out(message)
            assert said is not None
            found.append(said)
        return found

    def say(self, *messages: ouch.Inbound) -> None:
        """Send messages, each in a packet, with one write."""
        self.writer.write(b"".join(soup.packet(b"U", ouch.encode(one)) for one in messages))

    async def ask(self, *messages: ouch.Inbound, count: int | None = None) -> list[ouch.Outbound]:
        """Send messages; as many answers, or ``count``."""
        self.say(*messages)
        return await self.hear(len(messages) if count is None else count)

    async def nothing(self) -> None:
        """Nothing more was said: what a last refused order is told is the next thing heard."""
        (answer,) = await self.ask(ouch.Cancel(1, 1))
        assert answer == ouch.Rejected(answer.at_ns, 1, "Z")


class OuchHouse(House):
    """A house whose OUCH port and mirror are open; ODX's equities unless another preset is named."""

    def __init__(self, folder: Path, *, ouch_settings: OuchSettings = FAST,
                 usernames: Mapping[KeyId, str] | None = None, passwords: Mapping[KeyId, str] | None = None,
                 needs_password: bool = False, preset: str = "odx-equities", **options: Any) -> None:  # fmt: skip
        self.streams = OuchStreams()
        super().__init__(folder, preset=preset, heard=(self.streams.heard,), **options)
        self.door = OuchDoor(
            self.sequencer, self.gateway, self.streams,
            settings=ouch_settings, usernames=usernames or {}, passwords=passwords or {},
            needs_password=needs_password,
        )  # fmt: skip
        self.sequencer.listen(self.door.publish)
        self.lines: list[Line] = []
        self.port = self.mirror_port = 0

    async def __aenter__(self) -> Self:
        await super().__aenter__()
        loop = asyncio.get_running_loop()
        self._ouch = [
            await loop.create_server(handler, "127.0.0.1", 0)
            for handler in (self.door.handler, self.door.mirror_handler)
        ]
        self.port, self.mirror_port = (each.sockets[0].getsockname()[1] for each in self._ouch)
        return self

    async def __aexit__(self, *why: object) -> None:
        for each in self._ouch:
            each.close()
        self.door.finish()
        self.door.halt()
        for line in self.lines:
            line.writer.close()
        await super().__aexit__(*why)
        self.streams.reports.check_invariants()

    async def connect(self, first: bytes = b"", *, mirror: bool = False) -> Line:
        """A connection that has said something."""
        port = self.mirror_port if mirror else self.port
        line = Line(*await asyncio.open_connection("127.0.0.1", port))
        self.lines.append(line)
        line.writer.write(first)
        return line

    async def line(self, username: str = "A1", sequence: int = 0, *, mirror: bool = False,
                   password: str = "", session: str = "") -> Line:  # fmt: skip
        """A client that was let in; from now unless a number is named."""
        line = await self.connect(soup.login(username, password, session, sequence), mirror=mirror)
        answer = await line.packet()
        assert answer is not None
        assert answer.kind == b"A", answer
        line.accepted = answer.payload
        return line

    def told(self, session_id: str = "A-1") -> list[bytes]:
        """Every message of a session's day so far."""
        log = self.streams.logs[SessionId(session_id)]
        return [log.message(number) for number in range(1, len(log) + 1)]


def talk(
    folder: Path,
    story: Callable[[OuchHouse], Awaitable[None]],
    *,
    opens: bool = True,
    **options: Any,
) -> None:
    """Run one conversation, in an open market unless told otherwise."""

    async def run() -> None:
        async with asyncio.timeout(30), OuchHouse(folder, **options) as house:
            if opens:
                await house.open()
            await story(house)

    asyncio.run(run())
