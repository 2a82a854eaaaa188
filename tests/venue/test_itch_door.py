"""ITCH over real sockets: logins, replay, restarts, strangers, and those who break the protocol."""

import asyncio
import hashlib
import ssl
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest
from house import PATIENCE_S, House, order, play
from nasdaq_protocols import soup as stranger
from test_fix_acceptor import certificate

from feeds import itch, itch_feed, soup
from feeds.soup import Packet
from market.business_days import next_business_day
from market.commands import CloseDay, OpenDay
from market.errors import BadInput
from market.words import Phase
from venue import soup_line
from venue.fix_acceptor import server_tls
from venue.itch_client import read_day
from venue.itch_door import ItchDoor

pytestmark = pytest.mark.processes

NOW_AT_THE_END = 0
LOGIN = ("username", "password")


class Reader:
    """A client that shows every packet."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self.writer = writer

    async def packet(self) -> Packet | None:
        """The next packet; None when the connection is closed."""
        try:
            async with asyncio.timeout(PATIENCE_S):
                head = await self._reader.readexactly(2)
                body = await self._reader.readexactly(int.from_bytes(head))
        except (asyncio.IncompleteReadError, ConnectionError):
            return None
        return Packet(body[:1], body[1:])

    async def rest(self) -> list[Packet]:
        """Every packet until the connection closes."""
        packets = []
        while (packet := await self.packet()) is not None:
            packets.append(packet)
        return packets

    async def messages(self, count: int) -> list[bytes]:
        """The next sequenced messages."""
        found: list[bytes] = []
        while len(found) < count:
            packet = await self.packet()
            assert packet is not None
            if packet.kind == b"S":
                found.append(packet.payload)
        return found


class Door:
    """The house's ITCH door, opened on a port."""

    def __init__(self, house: House, port: int) -> None:
        self.house = house
        self.port = port
        self._readers: list[Reader] = []

    async def close(self) -> None:
        """Close whatever is still open."""
        for reader in self._readers:
            reader.writer.close()
            await asyncio.wait([asyncio.ensure_future(reader.writer.wait_closed())])

    async def connect(self, first: bytes = b"") -> Reader:
        """A connection that has said something."""
        made = Reader(*await asyncio.open_connection("127.0.0.1", self.port))
        self._readers.append(made)
        made.writer.write(first)
        return made

    async def read_from(self, sequence: int) -> Reader:
        """A reader that was let in."""
        reader = await self.connect(soup.login("itch", "secret", "", sequence))
        answer = await reader.packet()
        assert answer is not None
        assert answer.kind == b"A"
        return reader

    def told(self) -> list[bytes]:
        """Every message of the day so far."""
        log = self.house.itch.feed.log
        assert log is not None
        return [log.message(number) for number in range(1, len(log) + 1)]


def at_the_door(
    folder: Path, tell: Callable[[Door], Awaitable[None]], *, snapshot: bool = False
) -> None:
    """Run a story with the door open."""

    async def story(house: House) -> None:
        handler = house.itch.snapshot_handler if snapshot else house.itch.handler
        server = await asyncio.get_running_loop().create_server(handler, "127.0.0.1", 0)
        door = Door(house, server.sockets[0].getsockname()[1])
        try:
            await tell(door)
        finally:
            server.close()
            await door.close()

    play(folder, story)


async def trade(house: House, count: int = 3, session_id: str = "A-1") -> None:
    """Some orders in an open market."""
    wire = await house.wire(session_id)
    for number in range(count):
        assert (await wire.ask("order.new", order(f"n{number}", quantity_units=1)))["ok"]


def test_a_reader_gets_the_day_from_the_number_it_asks_for(tmp_path: Path) -> None:
    """From 1, from n, and from now; then everything that follows, all the same bytes."""

    async def tell(door: Door) -> None:
        await door.house.open()
        before = len(door.told())
        whole, half, late = [await door.read_from(n) for n in (1, 5, NOW_AT_THE_END)]
        await trade(door.house)
        told = door.told()
        assert len(told) > before
        assert await whole.messages(len(told)) == told
        assert await half.messages(len(told) - 4) == told[4:]
        assert await late.messages(len(told) - before) == told[before:]

    at_the_door(tmp_path, tell)


def test_a_day_after_a_restart_is_the_same_day(tmp_path: Path) -> None:
    """Told again from the journal, byte for byte, and it goes on with the next number."""
    first: list[bytes] = []

    async def before(door: Door) -> None:
        await door.house.open()
        await trade(door.house)
        first.extend(door.told())

    async def after(door: Door) -> None:
        reader = await door.read_from(1)
        assert await reader.messages(len(first)) == first
        back = await door.read_from(len(first) + 1)
        await door.house.phase(Phase.CLOSED)
        told = door.told()
        assert len(told) > len(first)
        assert await back.messages(len(told) - len(first)) == told[len(first) :]

    at_the_door(tmp_path, before)
    at_the_door(tmp_path, after)


@pytest.mark.parametrize(
    ("login", "reason"),
    [
        (soup.login("itch", "wrong"), soup.NOT_AUTHORIZED),
        (soup.login("", "secret"), soup.NOT_AUTHORIZED),
        (soup.login("itch", "secret", "19990101"), soup.SESSION_NOT_AVAILABLE),
        (soup.login("itch", "secret", "", 1_000_000), soup.SESSION_NOT_AVAILABLE),
    ],
)
def test_a_login_that_is_refused_is_told_why(tmp_path: Path, login: bytes, reason: bytes) -> None:
    """Not authorised, or no such session or number; then the connection ends."""

    async def tell(door: Door) -> None:
        await door.house.open()
        reader = await door.connect(login)
        assert await reader.rest() == [Packet(b"J", reason)]
        assert not len(door.house.itch)

    at_the_door(tmp_path, tell)


def test_before_the_first_day_there_is_no_session(tmp_path: Path) -> None:
    """It cannot be had, which is a reason of its own."""

    async def tell(door: Door) -> None:
        reader = await door.connect(soup.login("itch", "secret"))
        assert await reader.rest() == [Packet(b"J", soup.SESSION_NOT_AVAILABLE)]

    at_the_door(tmp_path, tell)


@pytest.mark.parametrize(
    "broken",
    [
        b"GET / HTTP/1.1\r\n\r\n",
        b"\x00\x00",
        b"\xff\xffL",
        soup.packet(b"L", b"short"),
        soup.packet(b"L", b" " * 45 + b"x"),
        soup.packet(b"R"),
        soup.packet(b"U", b"order"),
        soup.packet(b"S", b"mine"),
        soup.login("itch", "secret") * 2,
        soup.login("itch", "secret") + soup.packet(b"?"),
        soup.login("itch", "secret") + soup.packet(b"+") * (soup_line.PACKETS_PER_BEAT_MAX + 1),
    ],
)  # fmt: skip
def test_who_breaks_the_protocol_is_cut_off_and_nobody_else(tmp_path: Path, broken: bytes) -> None:
    """Malformed, oversize, out of turn or a flood: that connection ends, the others go on."""

    async def tell(door: Door) -> None:
        await door.house.open()
        good = await door.read_from(1)
        bad = await door.connect(broken)
        await bad.rest()
        await trade(door.house)
        told = door.told()
        assert await good.messages(len(told)) == told
        assert len(door.house.itch) == 1

    at_the_door(tmp_path, tell)


def test_a_half_open_client_is_gone_when_it_was_silent_too_long(tmp_path: Path) -> None:
    """Heartbeats answer silence; no packet for long enough is the end, also without a login."""

    async def tell(door: Door) -> None:
        await door.house.open()
        reader = await door.read_from(NOW_AT_THE_END)
        (connection,) = door.house.itch._connections
        heard_ns = connection._heard_ns
        connection.beat(heard_ns)
        connection.beat(heard_ns)
        connection.beat(heard_ns + int(soup_line.SILENCE_S_MAX + 1) * 1_000_000_000)
        packets = await reader.rest()
        assert {packet.kind for packet in packets} <= {b"H"}
        assert not len(door.house.itch)

    at_the_door(tmp_path, tell)


def test_a_reader_that_stops_reading_is_cut_off_and_comes_back(tmp_path: Path) -> None:
    """Its place is all it costs; by sequence it misses nothing."""

    async def tell(door: Door) -> None:
        await door.house.open()
        await door.read_from(1)
        (connection,) = door.house.itch._connections
        connection.pause_writing()
        behind = connection._sent
        await trade(door.house)
        assert connection._sent == behind
        stalled_ns = connection._moved_ns + int(soup_line.STALL_S_MAX + 1) * 1_000_000_000
        connection._heard_ns = stalled_ns
        connection.beat(stalled_ns)
        back = await door.read_from(1)
        assert await back.messages(len(door.told())) == door.told()

    at_the_door(tmp_path, tell)


def test_a_line_goes_on_behind_the_step_in_which_its_socket_has_room_again(tmp_path: Path) -> None:
    """The transport is in the middle of its own work then: closed there, it would end twice."""

    async def tell(door: Door) -> None:
        await door.house.open()
        reader = await door.read_from(NOW_AT_THE_END)
        (connection,) = door.house.itch._connections
        assert connection._log is not None
        connection.pause_writing()
        connection._log.ended = True
        connection.resume_writing()
        assert connection.is_open
        assert [packet.kind for packet in await reader.rest()] == [b"Z"]

    at_the_door(tmp_path, tell)


def test_a_client_may_log_out(tmp_path: Path) -> None:
    """What it was told before stays told; nothing follows."""

    async def tell(door: Door) -> None:
        await door.house.open()
        reader = await door.read_from(1)
        reader.writer.write(soup.packet(b"O"))
        packets = await reader.rest()
        assert [packet.payload for packet in packets] == door.told()

    at_the_door(tmp_path, tell)


def test_a_snapshot_ends_where_the_stream_goes_on(tmp_path: Path) -> None:
    """The state of the day, the number to continue from, the end of the session."""

    async def tell(door: Door) -> None:
        await door.house.open()
        await trade(door.house)
        reader = await door.connect(soup.login("itch", "secret"))
        accepted, *messages, end = await reader.rest()
        assert (accepted.kind, end.kind) == (b"A", b"Z")
        last = itch.decode(messages[-1].payload)
        assert last == itch.SnapshotEnd(len(door.told()) + 1)
        assert sum(message.payload[:1] == b"A" for message in messages) == 2 + 3

    at_the_door(tmp_path, tell, snapshot=True)


def test_the_venue_operators_own_client_receives_the_day(tmp_path: Path) -> None:
    """A client written by others logs in, reads every message in order, and comes back by number."""

    async def tell(door: Door) -> None:
        await door.house.open()
        await trade(door.house)
        for sequence in (1, 7):
            session = await stranger.connect_async(
                ("127.0.0.1", door.port), "itch", "secret", "", sequence
            )
            heard: list[bytes] = []
            while len(heard) < len(door.told()) - sequence + 1:
                async with asyncio.timeout(PATIENCE_S):
                    message = await session.receive_msg()
                if isinstance(message, stranger.SequencedData):
                    heard.append(bytes(message.data))
            assert heard == door.told()[sequence - 1 :]
            await session.close()

    at_the_door(tmp_path, tell)


def test_our_reader_holds_the_day_to_its_end(tmp_path: Path) -> None:
    """It waits for the day to open, counts every message and holds the orders that are left."""

    async def tell(door: Door) -> None:
        reading = asyncio.create_task(
            read_day("127.0.0.1", door.port, **dict(zip(LOGIN, ("itch", "secret"), strict=True)))
        )
        await door.house.open()
        await trade(door.house)
        await door.house.phase(Phase.CLOSED)
        feed = door.house.itch.feed
        await door.house.do(CloseDay())
        async with asyncio.timeout(PATIENCE_S):
            day = await reading
        assert feed.log is not None
        assert (day.session, day.next_sequence) == (feed.log.session, feed.log.next_sequence)
        assert set(day.orders) == set(feed.orders)

    at_the_door(tmp_path, tell)


def test_our_reader_says_why_it_may_not_read(tmp_path: Path) -> None:
    """A wrong password is not tried again."""

    async def tell(door: Door) -> None:
        with pytest.raises(BadInput):
            await read_day(
                "127.0.0.1", door.port, **dict(zip(LOGIN, ("itch", "wrong"), strict=True))
            )

    at_the_door(tmp_path, tell)


def test_an_earlier_day_is_served_by_its_session_to_its_end(tmp_path: Path) -> None:
    """By name and number, the bytes it was told in then, also after a restart; unknown: ``S``."""
    days: list[tuple[str, list[bytes]]] = []

    async def earlier(door: Door) -> None:
        for name, told in days[:-1]:
            for sequence in (1, 5, len(told) + 1, NOW_AT_THE_END):
                reader = await door.connect(soup.login("itch", "secret", name, sequence))
                accepted, *packets, end = await reader.rest()
                assert accepted.payload[:10].decode().strip() == name
                first = sequence or len(told) + 1
                assert int(accepted.payload[10:]) == first
                assert [packet.payload for packet in packets] == told[first - 1 :]
                assert end == Packet(b"Z", b"")
            beyond = await door.connect(soup.login("itch", "secret", name, len(told) + 2))
            assert await beyond.rest() == [Packet(b"J", soup.SESSION_NOT_AVAILABLE)]

    async def before(door: Door) -> None:
        house = door.house
        for place in range(2):
            if place:
                house.date = next_business_day(house.date)
            await house.do(OpenDay(business_date=house.date))
            await house.phase(Phase.CONTINUOUS)
            await trade(house, 3 + place, f"A-{place + 1}")
            await house.phase(Phase.CLOSED)
            await house.do(CloseDay())
            log = house.itch.feed.log
            assert log is not None
            days.append((log.session, door.told()))
        assert days[0][0] != days[1][0]
        await earlier(door)

    at_the_door(tmp_path, before)
    at_the_door(tmp_path, earlier)


def test_kept_days_are_bounded_in_bytes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Beyond the bound the oldest day goes, and asking for it is refused."""

    async def tell(door: Door) -> None:
        house = door.house
        sessions = []
        for _ in range(4):
            await house.do(OpenDay(business_date=house.date), CloseDay())
            log = house.itch.feed.log
            assert log is not None
            sessions.append(log.session)
            bound = 2 * len(log.stream) + 1
            monkeypatch.setattr(itch_feed, "EARLIER_BYTES_MAX", bound)
            house.date = next_business_day(house.date)
        kept = house.itch.feed.earlier
        assert sum(len(log.stream) for log in kept.values()) <= bound
        assert list(kept) == sessions[1:3]
        gone = await door.connect(soup.login("itch", "secret", sessions[0]))
        assert await gone.rest() == [Packet(b"J", soup.SESSION_NOT_AVAILABLE)]

    at_the_door(tmp_path, tell)


def test_a_password_may_be_known_by_its_hash_alone() -> None:
    """The hash goes before a password; neither itself nor another password lets in."""
    kept = hashlib.sha256(b"secret").hexdigest()
    door = ItchDoor("itch", "other", kept)
    assert door.admits("itch", "secret")
    assert not door.admits("itch", "other")
    assert not door.admits("itch", kept)
    assert not door.admits("else", "secret")
    assert not ItchDoor("itch", "").admits("itch", "secret")


def test_tls_in_front_of_the_feed(tmp_path: Path) -> None:
    """The client verifies the venue and reads the day; one without TLS gets nowhere."""
    cert, key = certificate(tmp_path)

    async def tell(door: Door) -> None:
        await door.house.open()
        server = await asyncio.get_running_loop().create_server(
            door.house.itch.handler, "127.0.0.1", 0, ssl=server_tls(cert, key)
        )
        port = server.sockets[0].getsockname()[1]
        trusting = ssl.create_default_context(cafile=cert)
        reader = Reader(*await asyncio.open_connection("127.0.0.1", port, ssl=trusting))
        reader.writer.write(soup.login("itch", "secret"))
        assert await reader.messages(len(door.told())) == door.told()
        plain = Reader(*await asyncio.open_connection("127.0.0.1", port))
        plain.writer.write(soup.login("itch", "secret"))
        assert await plain.packet() is None
        reader.writer.close()
        plain.writer.close()
        server.close()

    at_the_door(tmp_path / "run", tell)
