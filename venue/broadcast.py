"""Market data out: one frame built once, written to every subscriber that wants it.

Messages arrive after each turn of the sequencer, so nothing public comes before the disk has it.
What to do with a slow reader is decided by feeds/subscriber.py; this module tells it how far the
socket is behind. The start position rotates with every turn, so no subscriber is always first.
Anybody may connect, so what they may cost is bounded: so many subscribers, so many requests each.
"""

from collections import deque
from collections.abc import Callable
from typing import Final

from feeds.market_data import MarketData
from feeds.snapshot import FeedMessage
from feeds.subscriber import Action, Backlog, Send, Subscriber
from feeds.wire import refusal
from market.quantities import SequenceNo, TimeNs
from market.reasons import CATALOGUE, RejectReason
from participants.throttle import FLOOD, Throttle
from venue.seams import real_ns
from venue.sequencer import Published
from venue.sockets import Connection, text_frame

FEED_PATH: Final = "/ws/v1/feed"
REQUEST_BYTES_MAX: Final = 16 * 1024
SUBSCRIBERS_MAX: Final = 2_000
REQUESTS_PER_SECOND: Final = 10
REQUESTS_BURST: Final = 50
"""Above it a request is refused (THROTTLED), far above it the connection closes."""

_FLOOD_FACTOR: Final = 10
_GOING_AWAY: Final = 1001
_TRY_AGAIN_LATER: Final = 1013


def request_throttle() -> Throttle:
    """What one subscriber of a public feed may ask, from now on."""
    return Throttle(
        rate_per_s=REQUESTS_PER_SECOND,
        burst=REQUESTS_BURST,
        flood_factor=_FLOOD_FACTOR,
        at_ns=real_ns(),
    )


class FeedConnection:
    """One subscriber and its socket."""

    def __init__(
        self,
        connection: Connection,
        subscriber: Subscriber,
        forget: Callable[["FeedConnection"], None],
        *,
        is_one_too_many: bool = False,
    ) -> None:
        self.connection = connection
        self.is_one_too_many = is_one_too_many
        self.subscriber = subscriber
        self._forget = forget
        self._throttle = request_throttle()
        self._written_bytes = 0
        self._unsent_messages = 0
        self._marks: deque[tuple[int, int, int]] = deque()  # (end in bytes, messages, real ns)

    def opened(self) -> None:
        """Greet, or say that there are too many."""
        self._act(self.subscriber.hello())
        if self.is_one_too_many:
            self._refuse(RejectReason.BUSY)

    def received(self, payload: bytes, *, text: bool) -> None:
        """Answer one request, and see whether its sender still reads."""
        wait_ms = self._throttle.take(real_ns())
        if wait_ms == FLOOD:
            self.connection.close(_TRY_AGAIN_LATER, RejectReason.THROTTLED.value)
        elif wait_ms:
            self.write(text_frame(refusal(RejectReason.THROTTLED)), 1)
        elif text:
            self._act(self.subscriber.receive(payload))
        else:
            self._refuse(RejectReason.UNSUPPORTED_TYPE)
        self.keep_pace()

    def _refuse(self, reason: RejectReason) -> None:
        """Say why, and end the connection."""
        self.write(text_frame(refusal(reason)), 1)
        self.connection.close(CATALOGUE[reason].close_code or _TRY_AGAIN_LATER, reason.value)

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
            self._unsent_messages += count

    def keep_pace(self) -> None:
        """Let the slow-reader policy look at what the socket has not sent yet."""
        buffered = self.connection.buffered_bytes
        marks = self._marks
        while marks and marks[0][0] <= self._written_bytes - buffered:
            self._unsent_messages -= marks.popleft()[1]
        backlog = Backlog(
            messages=self._unsent_messages,
            size_bytes=buffered if marks else 0,
            age_ns=real_ns() - marks[0][2] if marks else 0,
        )
        self._act(self.subscriber.keep_pace(backlog))

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

    def __len__(self) -> int:
        return len(self._connections)

    def handler(self, connection: Connection) -> FeedConnection:
        """A subscriber for a new connection."""
        made = FeedConnection(
            connection,
            Subscriber(self._feeds),
            self._forget,
            is_one_too_many=len(self._connections) >= SUBSCRIBERS_MAX,
        )
        self._connections.append(made)
        return made

    def _forget(self, connection: FeedConnection) -> None:
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

    def halt(self, reason: RejectReason | None = None) -> None:
        """Close every connection: the venue failed (a reason), or ends in order."""
        code = CATALOGUE[reason].close_code if reason is not None else None
        for connection in list(self._connections):
            connection.connection.close(code or _GOING_AWAY, reason.value if reason else "")
