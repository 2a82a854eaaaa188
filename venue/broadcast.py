"""Market data out: one frame built once, written to every subscriber that wants it.

Messages arrive after each turn of the sequencer, so nothing public comes before the disk has it.
What to do with a slow reader is decided by feeds/subscriber.py; this module tells it how far the
socket is behind. The start position rotates with every turn, so no subscriber is always first.
"""

from collections import deque
from collections.abc import Callable
from typing import Final

from feeds.market_data import MarketData
from feeds.snapshot import FeedMessage
from feeds.subscriber import Action, Backlog, Send, Subscriber
from market.quantities import SequenceNo, TimeNs
from venue.seams import real_ns
from venue.sequencer import Published
from venue.sockets import Connection, text_frame

FEED_PATH: Final = "/ws/v1/feed"
REQUEST_BYTES_MAX: Final = 16 * 1024

_GOING_AWAY: Final = 1001


class FeedConnection:
    """One subscriber and its socket."""

    def __init__(
        self, connection: Connection, subscriber: Subscriber, forget: Callable[[object], None]
    ) -> None:
        self.connection = connection
        self.subscriber = subscriber
        self._forget = forget
        self._written_bytes = 0
        self._marks: deque[tuple[int, int, int]] = deque()  # (end in bytes, messages, real ns)

    def opened(self) -> None:
        """Greet."""
        self._act(self.subscriber.hello())

    def received(self, payload: bytes, *, text: bool) -> None:
        """Answer one request; a binary one cannot be read."""
        self._act(self.subscriber.receive(payload if text else b"\xff"))

    def closed(self) -> None:
        """Drop the subscriber."""
        self._forget(self)

    def deliver(self, messages: list[tuple[FeedMessage, bytes]]) -> None:
        """Send the wanted ones of a turn's messages with one write."""
        wants = self.subscriber.wants
        frames = [frame for message, frame in messages if wants(message)]
        if frames:
            self.write(b"".join(frames), len(frames))

    def write(self, frames: bytes, count: int) -> None:
        """Write ready frames and note when, for the slow-reader policy."""
        self.connection.send_frames(frames)
        self._written_bytes += len(frames)
        if self.connection.buffered_bytes:
            self._marks.append((self._written_bytes, count, real_ns()))

    def keep_pace(self) -> None:
        """Let the slow-reader policy look at what the socket has not sent yet."""
        buffered = self.connection.buffered_bytes
        marks = self._marks
        while marks and marks[0][0] <= self._written_bytes - buffered:
            marks.popleft()
        age_ns = real_ns() - marks[0][2] if marks else 0
        count = sum(mark[1] for mark in marks)
        self._act(
            self.subscriber.keep_pace(
                Backlog(messages=count, size_bytes=buffered if marks else 0, age_ns=age_ns)
            )
        )

    def _act(self, actions: list[Action]) -> None:
        for action in actions:
            if isinstance(action, Send):
                self.write(text_frame(action.payload), 1)
            else:
                self.connection.close(action.code, action.reason)


class Broadcaster:
    """Every subscriber of the feed."""

    def __init__(self, feeds: MarketData) -> None:
        self._feeds = feeds
        self._connections: list[FeedConnection] = []
        self._turn = 0
        self.slow_closes = 0

    def __len__(self) -> int:
        return len(self._connections)

    def handler(self, connection: Connection) -> FeedConnection:
        """A subscriber for a new connection."""
        made = FeedConnection(connection, Subscriber(self._feeds), self._forget)
        self._connections.append(made)
        return made

    def _forget(self, connection: object) -> None:
        self._connections = [kept for kept in self._connections if kept is not connection]

    def publish(self, published: Published) -> None:
        """Send a turn's messages to everyone who wants them."""
        if not published.messages or not self._connections:
            return
        framed = [(message, text_frame(message.payload)) for message in published.messages]
        self._turn += 1
        start = self._turn % len(self._connections)
        for connection in self._connections[start:] + self._connections[:start]:
            connection.deliver(framed)
            connection.keep_pace()

    def heartbeat(self, at_ns: TimeNs, sequence: SequenceNo, chain: bytes) -> None:
        """Once a second: positions of all streams and of the journal; slow readers looked at."""
        frame = text_frame(self._feeds.heartbeat(at_ns, sequence, chain.hex()))
        for connection in list(self._connections):
            if connection.subscriber.heartbeat:
                connection.write(frame, 1)
            connection.keep_pace()

    def halt(self) -> None:
        """Close every connection: the venue ends."""
        for connection in list(self._connections):
            connection.connection.close(_GOING_AWAY, "")
