"""Market data over SoupBinTCP: START's ITCH 1.2, one session a business day, any number of readers.

Every reader is served from the same bytes (feeds/soup.py): a connection is a place in the day's
stream, moved forward as its socket takes what it is given. So a reader that is behind costs
nothing but its place, and one that has stopped reading is cut off and comes back by sequence
number. After a restart the day is folded from the journal again, byte for byte.

Login: a username and password when the settings have them (else anybody); an empty session, the
current one or an earlier business day's, which is read to its end; sequence 0 for "from now", else
from that number. ``J`` with ``A`` or ``S`` says no.
Packets that break the protocol end the connection without an answer. Unsequenced data are read and
ignored: ITCH has no requests.

A second door of the same kind serves snapshots (ours, in the manner of the equities' GLIMPSE): after
login the state of the day, then ``G`` with the sequence number to go on from, then end of session.

Bounds: connections, packets a second, payload bytes, silence; each has a name below.
"""

import asyncio
import hashlib
import hmac
from typing import Final

from feeds import soup
from feeds.itch_feed import ItchFeed
from feeds.soup import Packet, SoupLog
from market.commands import Entry
from market.errors import BadInput
from market.events import Event
from venue.core import Core
from venue.seams import real_ns
from venue.sequencer import Published

CONNECTIONS_MAX: Final = 1_000
PAYLOAD_BYTES_MAX: Final = 1_024
"""A login has 46 bytes; debug text may be longer."""

PACKETS_PER_BEAT_MAX: Final = 1_000
LOGIN_S_MAX: Final = 10.0
SILENCE_S_MAX: Final = 15.0
"""A client beats once a second; after this long without a packet it is gone (Soup, section 2)."""

STALL_S_MAX: Final = 10.0
"""A reader whose socket takes nothing for this long is cut off; it may come back by sequence."""

_CHUNK_BYTES: Final = 64 * 1024
_CHUNKS_PER_TURN: Final = 16
_NS_PER_S: Final = 1_000_000_000


class SoupConnection(asyncio.Protocol):
    """One client: a place in a stream, once it has logged in."""

    def __init__(self, door: "ItchDoor", *, snapshot: bool = False) -> None:
        self._door = door
        self._snapshot = snapshot
        self._transport: asyncio.Transport | None = None
        self._received = bytearray()
        self._log: SoupLog | None = None
        self._sent = 0
        self._is_paused = False
        self._is_scheduled = False
        self._is_quiet = True  # nothing written since the last beat
        self._packets = 0
        self._heard_ns = self._moved_ns = real_ns()
        self._login_timer: asyncio.TimerHandle | None = None

    # --- asyncio.Protocol

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Wait for a login, not for long."""
        self._transport = transport  # type: ignore[assignment]
        if not self._door.join(self):
            self.cut()
            return
        transport.set_write_buffer_limits(high=_CHUNK_BYTES)  # type: ignore[attr-defined]
        loop = asyncio.get_running_loop()
        self._login_timer = loop.call_later(LOGIN_S_MAX, self.cut)

    def data_received(self, data: bytes) -> None:
        """Read whole packets; one that breaks the protocol ends the connection."""
        self._received += data
        try:
            packets = soup.split(self._received, PAYLOAD_BYTES_MAX)
        except BadInput:
            self.cut()
            return
        self._heard_ns = real_ns()
        self._packets += len(packets)
        if self._packets > PACKETS_PER_BEAT_MAX:
            self.cut()
            return
        for packet in packets:
            if self._transport is None or self._transport.is_closing():
                return
            self._packet(packet)

    def eof_received(self) -> None:
        """A client that will say no more has logged out."""

    def pause_writing(self) -> None:
        """The socket is full; the place stays where it is."""
        self._is_paused = True
        self._moved_ns = real_ns()

    def resume_writing(self) -> None:
        """The socket has room again."""
        self._is_paused = False
        self.pump()

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget it."""
        del exc
        if self._login_timer is not None:
            self._login_timer.cancel()
        self._transport = None
        self._door.leave(self)

    # --- for the door

    def pump(self) -> None:
        """Send what the stream has and the socket takes; a long way is gone in several turns."""
        self._is_scheduled = False
        log, transport = self._log, self._transport
        if log is None or transport is None or transport.is_closing():
            return
        for _ in range(_CHUNKS_PER_TURN):
            if self._is_paused or self._sent == len(log.stream):
                break
            chunk = bytes(log.stream[self._sent : self._sent + _CHUNK_BYTES])
            self._sent += len(chunk)
            self._write(chunk)
        if self._is_paused:
            return
        if self._sent < len(log.stream):
            if not self._is_scheduled:
                self._is_scheduled = True
                asyncio.get_running_loop().call_soon(self.pump)
        elif log.ended:
            self._write(soup.END_OF_SESSION)
            transport.close()

    def beat(self, at_ns: int) -> None:
        """Once a second: heartbeat when nothing else was sent; silent and stalled clients go."""
        self._packets = 0
        if self._log is None:
            return
        stalled = self._is_paused and at_ns - self._moved_ns > STALL_S_MAX * _NS_PER_S
        if stalled or at_ns - self._heard_ns > SILENCE_S_MAX * _NS_PER_S:
            self.cut()
            return
        if self._is_quiet and not self._is_paused:
            self._write(soup.HEARTBEAT)
        self._is_quiet = True

    def cut(self) -> None:
        """End the connection at once."""
        if self._transport is not None:
            self._transport.abort()

    # --- inside

    def _write(self, data: bytes) -> None:
        if self._transport is not None and not self._transport.is_closing():
            self._is_quiet = False
            self._transport.write(data)

    def _packet(self, packet: Packet) -> None:
        if packet.kind == b"L" and self._log is None:
            self._login(packet.payload)
        elif packet.kind == b"O" and self._transport is not None:
            self._transport.close()
        elif packet.kind == b"+" or (packet.kind in {b"R", b"U"} and self._log is not None):
            pass  # heard; debug may come at any time
        else:  # an unknown type, a second login, or anything before the first
            self.cut()

    def _login(self, payload: bytes) -> None:
        try:
            asked = soup.read_login(payload)
        except BadInput:
            self.cut()
            return
        feed = self._door.feed
        log = feed.log if self._snapshot else feed.session(asked.session)
        if not self._door.admits(asked.username, asked.password):
            self._reject(soup.NOT_AUTHORIZED)
        elif (
            log is None
            or (self._snapshot and asked.session not in {"", log.session})
            or (not self._snapshot and asked.sequence > log.next_sequence)
        ):
            self._reject(soup.SESSION_NOT_AVAILABLE)
        else:
            if self._login_timer is not None:
                self._login_timer.cancel()
            sequence = asked.sequence or log.next_sequence
            if self._snapshot:
                sequence, log = 1, _told(log.session, feed.snapshot())
            self._log, self._sent = log, log.start_of(sequence)
            self._write(soup.accepted(log.session, sequence))
            self.pump()

    def _reject(self, reason: bytes) -> None:
        self._write(soup.rejected(reason))
        if self._transport is not None:
            self._transport.close()


class ItchDoor:
    """The feed and everyone who reads it.

    Attributes:
        feed: What is told; only what is durable reaches it.
    """

    def __init__(self, username: str = "", password: str = "", password_sha256: str = "") -> None:
        """A door with no day yet.

        Args:
            username: A login must carry; empty lets everybody in.
            password: And this.
            password_sha256: Hex of what the password hashes to, instead of ``password``.
        """
        self.feed = ItchFeed()
        self._username = username
        self._password_sha256 = password_sha256 or _hashed(password)
        self._connections: dict[SoupConnection, None] = {}

    def __len__(self) -> int:
        return len(self._connections)

    def handler(self) -> SoupConnection:
        """A connection to the day's stream."""
        return SoupConnection(self)

    def snapshot_handler(self) -> SoupConnection:
        """A connection to the snapshot service."""
        return SoupConnection(self, snapshot=True)

    def admits(self, username: str, password: str) -> bool:
        """Whether these may read; everybody may where no username is set."""
        return not self._username or (
            username == self._username
            and hmac.compare_digest(_hashed(password), self._password_sha256)
        )

    def heard(self, core: Core, entry: Entry, events: list[Event]) -> None:
        """Fold one entry read from the journal."""
        del core
        self.feed.apply(entry.at_ns, events)

    def publish(self, published: Published) -> None:
        """Fold a durable turn, and let everyone have what is new.

        A connection to a session that ended meanwhile is told so.
        """
        for entry, events in published.steps:
            self.feed.apply(entry.at_ns, events)
        self.pump()

    def pump(self) -> None:
        """Let everyone have what they have not been sent."""
        for connection in list(self._connections):
            connection.pump()

    def tick(self) -> None:
        """Once a second: heartbeats, and a look at who is still there."""
        at_ns = real_ns()
        for connection in list(self._connections):
            connection.beat(at_ns)

    def halt(self) -> None:
        """End every connection; what is buffered is lost and can be asked for again."""
        for connection in list(self._connections):
            connection.cut()

    def join(self, connection: SoupConnection) -> bool:
        """Count one more, unless there are too many."""
        if len(self._connections) >= CONNECTIONS_MAX:
            return False
        self._connections[connection] = None
        return True

    def leave(self, connection: SoupConnection) -> None:
        """Count one less."""
        self._connections.pop(connection, None)


def _hashed(password: str) -> str:
    return hashlib.sha256(password.encode()).hexdigest()


def _told(session: str, messages: list[bytes]) -> SoupLog:
    log = SoupLog(session)
    for message in messages:
        log.append(message)
    log.ended = True
    return log
