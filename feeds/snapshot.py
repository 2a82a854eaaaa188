"""One stream: its numbering, the messages of the day kept for recovery, and the last snapshot.

Ordering: steps count from 1 and never restart within a run, over days and process restarts alike
(a replay of the journal numbers them again, identically).
Invariants: message n+1 says ``prev_seq`` n, except on depth, where one message may cover several
steps and ``prev_seq`` is the ``seq`` of the message before; kept messages are the last ones, in
order, exactly as sent (re-request returns identical bytes).
Known limits: at most ``retention_messages_max`` messages are kept, and only those of the day; a
reader that asks for older ones is told so and takes a snapshot. Depth keeps none: its grouping
depends on when it was drained, so its recovery is a snapshot.
"""

from collections import deque
from itertools import islice
from typing import Final

from feeds.wire import Channel, Snapshot, Update, encode
from market.errors import check
from market.message import Message
from market.quantities import TimeNs

RETENTION_MESSAGES_MAX: Final = 100_000
"""Messages kept for each stream; an order message is about 200 bytes."""


class FeedMessage(Message, frozen=True, kw_only=True):
    """One message on its way to everyone who wants it.

    Attributes:
        instrument_id: Empty on the status channel.
        prev_seq: Position before it; ``seq - prev_seq`` steps are covered.
        payload: One JSON object, the same bytes for every reader.
    """

    channel: Channel
    instrument_id: str
    seq: int
    prev_seq: int
    payload: bytes


class Stream:
    """One channel of one issue."""

    __slots__ = ("_cached", "_cached_seq", "at_ns", "channel", "instrument_id", "kept", "seq")

    def __init__(self, channel: Channel, instrument_id: str, retention_messages_max: int) -> None:
        self.channel = channel
        self.instrument_id = instrument_id
        self.seq = 0
        self.at_ns = TimeNs(0)
        self.kept: deque[bytes] = deque(maxlen=retention_messages_max)
        self._cached = b""
        self._cached_seq = -1

    def publish(self, at_ns: TimeNs, data: object, up_to: int | None = None) -> FeedMessage:
        """Number, encode and keep the next step.

        Args:
            at_ns: When it happened.
            data: What it says.
            up_to: Last of several steps the message covers; such a message is not kept.

        Cost: about 2 us for an order.
        """
        channel, instrument_id, prev_seq = self.channel, self.instrument_id, self.seq
        seq = prev_seq + 1 if up_to is None else up_to
        payload = encode(
            Update(
                channel=channel,
                type="update",
                instrument_id=instrument_id,
                seq=seq,
                prev_seq=prev_seq,
                at_ns=at_ns,
                conflated=seq - prev_seq,
                data=data,
            )
        )
        self.seq, self.at_ns = seq, at_ns
        if up_to is None:
            self.kept.append(payload)
        return FeedMessage(
            channel=channel,
            instrument_id=instrument_id,
            seq=seq,
            prev_seq=prev_seq,
            payload=payload,
        )

    def cached_snapshot(self) -> bytes | None:
        """The snapshot of this very position, if it was asked for before."""
        return self._cached if self._cached_seq == self.seq else None

    def snapshot(self, data: object, conflated: int = 1) -> bytes:
        """Encode a snapshot valid at the present position.

        Args:
            data: Everything the stream stands for now.
            conflated: Steps a slow reader was spared, when more than one.
        """
        payload = encode(
            Snapshot(
                channel=self.channel,
                type="snapshot",
                instrument_id=self.instrument_id,
                seq=self.seq,
                at_ns=self.at_ns,
                conflated=conflated,
                data=data,
            )
        )
        if conflated == 1:
            self._cached, self._cached_seq = payload, self.seq
        return payload

    def since(self, from_seq: int) -> list[bytes] | None:
        """Messages from step ``from_seq`` on, as sent; None when they are not all kept.

        A position this stream has not reached (another run's) is answered None too. O(kept).
        """
        first_kept = self.seq - len(self.kept) + 1
        if not first_kept <= from_seq <= self.seq + 1:
            return None
        return list(islice(self.kept, from_seq - first_kept, None))

    def forget(self) -> None:
        """Drop kept messages; numbering goes on."""
        self.kept.clear()

    def check_invariants(self) -> None:
        """Check that what is kept fits the numbering. O(1)."""
        check(len(self.kept) <= self.seq, "no message without a number", channel=self.channel)
