"""One SoupBinTCP connection: packets in, a place in a stream out, whatever the messages say.

A connection is a place in a session's stream (feeds/soup.py), moved forward as its socket takes what
it is given. What a login leads to and what unsequenced data mean is the door's (``logged_in``,
``said``). Packets that break the protocol end the connection without an answer.

Bounds: packets a second, payload bytes, silence, a stalled reader; each has a name below.
"""

import asyncio
from abc import ABC, abstractmethod
from typing import ClassVar, Final

from feeds import soup
from feeds.soup import Login, Packet, SoupLog
from market.errors import BadInput
from venue.seams import real_ns

PAYLOAD_BYTES_MAX: Final = 1_024
"""A login has 46 bytes; debug text may be longer."""

PACKETS_PER_BEAT_MAX: Final = 1_000
LOGIN_S_MAX: Final = 10.0
SILENCE_S_MAX: Final = 15.0
"""A client beats once a second; after this long without a packet it is gone (Soup, section 2)."""

STALL_S_MAX: Final = 10.0
"""A reader whose socket takes nothing for this long is cut off; it may come back by sequence."""

CLOSE_S_MAX: Final = 2.0
_CHUNK_BYTES: Final = 64 * 1024
_CHUNKS_PER_TURN: Final = 16
_NS_PER_S: Final = 1_000_000_000


class SoupDoor:
    """Everyone at a port: counted, bounded, and looked at once a second."""

    connections_max: ClassVar[int]

    def __init__(self) -> None:
        self._connections: dict[SoupConnection, None] = {}

    def __len__(self) -> int:
        return len(self._connections)

    def join(self, connection: "SoupConnection") -> bool:
        """Count one more, unless there are too many."""
        if len(self._connections) >= self.connections_max:
            return False
        self._connections[connection] = None
        return True

    def leave(self, connection: "SoupConnection") -> None:
        """Count one less."""
        self._connections.pop(connection, None)

    def tick(self) -> None:
        """Once a second: heartbeats, and a look at who is still there."""
        at_ns = real_ns()
        for connection in list(self._connections):
            connection.beat(at_ns)


class SoupConnection(asyncio.Protocol, ABC):
    """One client: a place in a stream, once it has logged in.

    Attributes:
        uncounted: Kinds of packets that a door counts by its own rule.
    """

    uncounted: tuple[bytes, ...] = ()

    def __init__(self, door: SoupDoor) -> None:
        self._joined = door
        self._transport: asyncio.Transport | None = None
        self._received = bytearray()
        self._log: SoupLog | None = None
        self._sent = 0
        self._is_paused = self._is_held = False
        self._is_scheduled = False
        self._is_quiet = True  # nothing written since the last beat
        self._packets = 0
        self._heard_ns = self._moved_ns = real_ns()
        self._login_timer: asyncio.TimerHandle | None = None

    # --- asyncio.Protocol

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Wait for a login, not for long."""
        self._transport = transport  # type: ignore[assignment]
        if not self._joined.join(self):
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
        self._packets += sum(packet.kind not in self.uncounted for packet in packets)
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
        """The socket has room again; the transport is in a step of its own, so go on behind it."""
        self._is_paused = False
        self._pump_later()

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget it."""
        del exc
        if self._login_timer is not None:
            self._login_timer.cancel()
        self._transport = None
        self._joined.leave(self)

    # --- what the door makes of it

    @abstractmethod
    def logged_in(self, asked: Login) -> None:
        """A login arrived: answer with ``accept`` or ``reject``."""

    def said(self, message: bytes) -> None:
        """Unsequenced data arrived."""

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
            self._pump_later()
        elif log.ended:
            self._write(soup.END_OF_SESSION)
            transport.close()

    def beat(self, at_ns: int) -> None:
        """Once a second: heartbeat when nothing else was sent; silent and stalled clients go."""
        self._packets = 0
        if self._log is None:
            return
        stalled = self._is_paused and at_ns - self._moved_ns > STALL_S_MAX * _NS_PER_S
        silent = not self._is_held and at_ns - self._heard_ns > SILENCE_S_MAX * _NS_PER_S
        if stalled or silent:
            self.cut()
            return
        if self._is_quiet and not self._is_paused:
            self._write(soup.HEARTBEAT)
        self._is_quiet = True

    @property
    def is_open(self) -> bool:
        """Whether something can still be said."""
        return self._transport is not None and not self._transport.is_closing()

    def hold(self) -> None:
        """Read nothing for now; silence does not count meanwhile."""
        self._is_held = True
        if self._transport is not None and self.is_open:
            self._transport.pause_reading()

    def go_on(self) -> None:
        """Read again."""
        self._is_held, self._heard_ns = False, real_ns()
        if self._transport is not None and self.is_open:
            self._transport.resume_reading()

    def close(self) -> None:
        """End the connection once what is buffered is out, or after a while in any case."""
        if self._transport is not None and self.is_open:
            self._transport.close()
            asyncio.get_running_loop().call_later(CLOSE_S_MAX, self.cut)

    def cut(self) -> None:
        """End the connection at once."""
        if self._transport is not None:
            self._transport.abort()

    # --- inside

    def _pump_later(self) -> None:
        if not self._is_scheduled:
            self._is_scheduled = True
            asyncio.get_running_loop().call_soon(self.pump)

    def _write(self, data: bytes) -> None:
        if self._transport is not None and not self._transport.is_closing():
            self._is_quiet = False
            self._transport.write(data)

    def _packet(self, packet: Packet) -> None:
        if packet.kind == b"L" and self._log is None:
            self._login(packet.payload)
        elif packet.kind == b"O" and self._transport is not None:
            self._transport.close()
        elif packet.kind == b"U" and self._log is not None:
            self.said(packet.payload)
        elif packet.kind == b"+" or (packet.kind == b"R" and self._log is not None):
            pass  # heard; debug may come at any time
        else:  # an unknown type, a second login, or anything before the first
            self.cut()

    def _login(self, payload: bytes) -> None:
        try:
            asked = soup.read_login(payload)
        except BadInput:
            self.cut()
            return
        self.logged_in(asked)

    def accept(self, log: SoupLog, sequence: int) -> None:
        """Let the client have a stream from a number on; 0 is from now."""
        if self._login_timer is not None:
            self._login_timer.cancel()
        sequence = sequence or log.next_sequence
        self._log, self._sent = log, log.start_of(sequence)
        self._write(soup.accepted(log.session, sequence))
        self.pump()

    def reject(self, reason: bytes) -> None:
        """Say that a login is refused, and close."""
        self._write(soup.rejected(reason))
        if self._transport is not None:
            self._transport.close()
