"""The numbered streams of report bytes, one for each session.

Purpose: number, keep and give again. ``seq`` counts from 1 for the run and per session.
Invariants: numbers are contiguous; what was given once is given again byte for byte.
Known limits: bytes are kept for the last ``DAYS_KEPT`` business days, the present one included, so
a firm that was away over a night, or over a crash at its end, still gets what it missed; numbers
and digests go on. Hashing waits until a digest is asked for, so sending costs none.
"""

from hashlib import sha256
from typing import Final

from market.errors import check
from market.ids import SessionId

DAYS_KEPT: Final = 5
"""A business week: trade date, two days to settlement, and two on which a fail is tried again."""


class Stream:
    """One session's reports; ``messages[0]`` carries ``first_seq``."""

    __slots__ = ("days", "digest", "first_seq", "hashed", "head", "messages", "session_id")

    def __init__(self, session_id: SessionId) -> None:
        self.session_id = session_id
        self.head = 0
        self.first_seq = 1
        self.messages: list[bytes] = []
        self.days: list[int] = [1]  # first number of each day kept
        self.digest = sha256()
        self.hashed = 0

    def digest_hex(self) -> str:
        """SHA-256 over all bytes of the run so far; catches up with what is new."""
        self.digest.update(b"".join(self.messages[self.hashed :]))
        self.hashed = len(self.messages)
        return self.digest.hexdigest()


class ReportStreams:
    """All streams, and the outbox of what was added since the last drain."""

    def __init__(self) -> None:
        self._streams: dict[SessionId, Stream] = {}
        self._outbox: list[tuple[SessionId, int, bytes]] = []

    def of(self, session_id: SessionId) -> Stream:
        """The session's stream, opened empty when there was none."""
        stream = self._streams.get(session_id)
        if stream is None:
            stream = self._streams[session_id] = Stream(session_id)
        return stream

    def head(self, session_id: SessionId) -> int:
        """The last number given; 0 when there was none."""
        stream = self._streams.get(session_id)
        return 0 if stream is None else stream.head

    def append(self, stream: Stream, payload: bytes) -> None:
        """Keep and queue the message that carries the number after the stream's head."""
        stream.head += 1
        stream.messages.append(payload)
        self._outbox.append((stream.session_id, stream.head, payload))

    def drain(self) -> list[tuple[SessionId, int, bytes]]:
        """Everything added since the last drain as (session, seq, bytes), in order."""
        drained, self._outbox = self._outbox, []
        return drained

    def since(
        self, session_id: SessionId, from_seq: int, to_seq: int | None = None
    ) -> list[bytes] | None:
        """A session's messages again, the very bytes, both ends included.

        Returns:
            Those that exist in the range (none when ``from_seq`` is the next number), or None
            when the range begins before what is kept or beyond the next number.
        """
        stream = self._streams.get(session_id)
        if stream is None:
            return [] if from_seq == 1 else None
        if not stream.first_seq <= from_seq <= stream.head + 1:
            return None
        end = None if to_seq is None else max(to_seq - stream.first_seq + 1, 0)
        return stream.messages[from_seq - stream.first_seq : end]

    def forget(self) -> None:
        """A business day opens: drop the bytes of the oldest one. O(reports kept)."""
        for stream in self._streams.values():
            stream.digest_hex()
            stream.days.append(stream.head + 1)
            del stream.days[:-DAYS_KEPT]
            dropped = stream.days[0] - stream.first_seq
            del stream.messages[:dropped]
            stream.hashed -= dropped
            stream.first_seq = stream.days[0]

    def check_invariants(self) -> None:
        """Check what must hold between commands. O(sessions)."""
        for session_id, stream in self._streams.items():
            kept = stream.first_seq + len(stream.messages) - 1
            check(kept == stream.head, "numbers are contiguous", session=session_id)

    def state(self) -> list[list[object]]:
        """Session, head, first number kept, digest of all bytes; sorted by session."""
        return [
            [session_id, stream.head, stream.first_seq, stream.digest_hex()]
            for session_id, stream in sorted(self._streams.items())
        ]
