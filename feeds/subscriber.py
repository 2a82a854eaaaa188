"""One reader of the feed, without its socket: requests in, actions out, and what to do when slow.

Purpose: the subscription protocol as pure code. The door (venue/broadcast.py) sends what it is
told to send, asks ``wants`` for each new message, and reports how far the socket is behind.

Ordering: one answer for each request, before anything else it causes; then for each stream asked
for, a snapshot (or the missed updates, with ``from_seq``), then updates. A step is never sent
twice and never skipped: the reader joins where the last drain stood, and ``wants`` says no to
anything at or before that.

Slow readers (4010 SLOW_CONSUMER): ``orders``, ``trades`` and all else that cannot be merged is
sent or the connection is closed, at 10,000 messages, 4 MiB or 2 s behind; ``depth`` and
``auction`` are left out while a reader is behind, and one fresh snapshot that counts the steps it
covers (``conflated``) follows once it has drained.

Known limits: how often one may ask is the door's throttle. A reader more than
``recovery_messages_max`` messages behind gets a snapshot instead of the updates it missed.
"""

from enum import Enum
from typing import Final

from feeds import wire
from feeds.issue import ISSUE_CHANNELS
from feeds.market_data import MarketData
from feeds.snapshot import FeedMessage
from feeds.wire import Channel, ChannelRequest, Joined, refusal
from market.errors import check
from market.message import Message
from market.reasons import CATALOGUE, RejectReason

CONFLATED_CHANNELS: Final = (Channel.DEPTH, Channel.AUCTION)
"""Channels whose newest message says all; the others are never left out."""

POLICY_VIOLATION: Final = 1008
"""Websocket close code for a reader that keeps sending what cannot be read."""

_NS_PER_MS: Final = 1_000_000


class SubscriberLimits(Message, frozen=True, kw_only=True):
    """Bounds on one reader; every queue the outside can feed has one.

    Attributes:
        frame_bytes_max: Longest request.
        malformed_in_a_row_max: Unreadable requests before the connection is closed.
        recovery_messages_max: Most missed updates sent at once; half of the closing limit.
        slow_messages_max: Unsent messages at which the connection is closed.
        slow_bytes_max: Unsent bytes at which the connection is closed.
        slow_age_ns_max: Age of the oldest unsent message at which the connection is closed.
        behind_messages_min: Unsent messages from which depth and auction are left out.
        behind_bytes_min: Unsent bytes from which they are.
        behind_age_ns_min: Age of the oldest unsent message from which they are.
    """

    frame_bytes_max: int = 16 * 1024
    malformed_in_a_row_max: int = 10
    recovery_messages_max: int = 5_000
    slow_messages_max: int = 10_000
    slow_bytes_max: int = 4 * 1024 * 1024
    slow_age_ns_max: int = 2_000 * _NS_PER_MS
    behind_messages_min: int = 500
    behind_bytes_min: int = 256 * 1024
    behind_age_ns_min: int = 250 * _NS_PER_MS


class Backlog(Message, frozen=True, kw_only=True):
    """What the socket has not sent yet, as the door sees it."""

    messages: int
    size_bytes: int
    age_ns: int


class Pace(Enum):
    """How a reader keeps up."""

    DRAINED = "drained"
    KEEPING_UP = "keeping_up"
    BEHIND = "behind"
    TOO_SLOW = "too_slow"


class Send(Message, frozen=True, kw_only=True):
    """Send one text message."""

    payload: bytes


class Close(Message, frozen=True, kw_only=True):
    """Close the connection."""

    code: int
    reason: str


Action = Send | Close


def pace_of(backlog: Backlog, limits: SubscriberLimits) -> Pace:
    """Judge a backlog; the limits themselves already count."""
    if (
        backlog.messages >= limits.slow_messages_max
        or backlog.size_bytes >= limits.slow_bytes_max
        or backlog.age_ns >= limits.slow_age_ns_max
    ):
        return Pace.TOO_SLOW
    if (
        backlog.messages >= limits.behind_messages_min
        or backlog.size_bytes >= limits.behind_bytes_min
        or backlog.age_ns >= limits.behind_age_ns_min
    ):
        return Pace.BEHIND
    return Pace.KEEPING_UP if backlog.messages or backlog.size_bytes else Pace.DRAINED


class Subscriber:
    """One connection's subscriptions and how far each stream has been sent."""

    def __init__(self, market_data: MarketData, limits: SubscriberLimits | None = None) -> None:
        self.market_data = market_data
        self.limits = limits or SubscriberLimits()
        self.closed = False
        self.behind = False
        self.heartbeat = False
        self._sent_seq: dict[tuple[Channel, str], int] = {}
        self._all_issues: dict[Channel, None] = {}
        self._spared: dict[tuple[Channel, str], None] = {}
        self._malformed_in_a_row = 0

    # --- requests

    def hello(self) -> list[Action]:
        """What a new connection is sent first."""
        return [Send(payload=self.market_data.hello())]

    def receive(self, frame: str | bytes) -> list[Action]:
        """Answer one request; exactly one answer, then what it causes.

        Cost: about 30 us, and the snapshots asked for.
        """
        if self.closed:
            return []
        if len(frame) > self.limits.frame_bytes_max:
            return self._refuse_and_close(RejectReason.FRAME_TOO_LARGE)
        try:
            text = frame if isinstance(frame, str) else frame.decode("utf-8")
        except UnicodeDecodeError:
            return self._refuse_and_close(RejectReason.INVALID_TEXT)
        request = wire.read_request(text)
        if isinstance(request, wire.Refused):
            return self._refuse(request)
        self._malformed_in_a_row = 0
        if isinstance(request, wire.Subscribe):
            return self._subscribe(request)
        if isinstance(request, wire.Unsubscribe):
            return self._unsubscribe(request)
        return [_answer(request, {})]

    def _refuse(self, refused: wire.Refused) -> list[Action]:
        actions: list[Action] = [
            Send(payload=refusal(refused.reason, refused.method, refused.req_id))
        ]
        if refused.reason is not RejectReason.MALFORMED:
            self._malformed_in_a_row = 0
            return actions
        self._malformed_in_a_row += 1
        if self._malformed_in_a_row >= self.limits.malformed_in_a_row_max:
            actions.append(self._close(POLICY_VIOLATION, RejectReason.MALFORMED))
        return actions

    def _refuse_and_close(self, reason: RejectReason) -> list[Action]:
        code = CATALOGUE[reason].close_code
        check(code is not None, "this reason closes", reason=reason)
        return [Send(payload=refusal(reason)), self._close(code or POLICY_VIOLATION, reason)]

    def _close(self, code: int, reason: RejectReason) -> Close:
        self.closed = True
        return Close(code=code, reason=str(reason))

    def _subscribe(self, request: wire.Subscribe) -> list[Action]:
        reason = self._refusal_of(request.params.channels)
        if reason is not None:
            return [Send(payload=refusal(reason, request.method, request.req_id))]

        # Every check is above this line; below it nothing can fail.
        from_seqs: dict[tuple[Channel, str], int | None] = {}
        for asked in request.params.channels:
            if asked.name is Channel.HEARTBEAT:
                self.heartbeat = True
                continue
            if asked.instrument_ids is None and asked.name is not Channel.STATUS:
                self._all_issues[asked.name] = None
            for stream in self._streams_of(asked):
                from_seqs[stream] = asked.from_seq
        joined: list[Joined] = []
        sends: list[Action] = []
        for stream, from_seq in from_seqs.items():
            joined.append(self._join(stream, from_seq, sends))
        return [_answer(request, {"channels": joined}), *sends]

    def _refusal_of(self, channels: list[ChannelRequest]) -> RejectReason | None:
        """Why these channels cannot be asked for, or None. O(issues named)."""
        for asked in channels:
            for instrument_id in asked.instrument_ids or ():
                if instrument_id not in self.market_data.issues:
                    return RejectReason.UNKNOWN_INSTRUMENT
        for asked in channels:
            named = asked.instrument_ids
            if asked.name not in ISSUE_CHANNELS and named is not None:
                return RejectReason.INVALID_COMBINATION
            if asked.from_seq is None:
                continue
            # A position belongs to one stream, so exactly one must be named.
            if asked.name is Channel.HEARTBEAT or len(self._streams_of(asked)) != 1:
                return RejectReason.INVALID_COMBINATION
        return None

    def _streams_of(self, asked: ChannelRequest) -> list[tuple[Channel, str]]:
        if asked.name is Channel.HEARTBEAT:
            return []
        if asked.name is Channel.STATUS:
            return [(asked.name, "")]
        named = self.market_data.issues if asked.instrument_ids is None else asked.instrument_ids
        return [(asked.name, instrument_id) for instrument_id in named]

    def _join(
        self, stream: tuple[Channel, str], from_seq: int | None, sends: list[Action]
    ) -> Joined:
        """Bring one stream up to the present: missed updates if they are kept, else a snapshot."""
        channel, instrument_id = stream
        seq = self.market_data.head(channel, instrument_id)
        missed: list[bytes] | None = None
        if from_seq is not None and seq - from_seq < self.limits.recovery_messages_max:
            missed = self.market_data.since(channel, instrument_id, from_seq)
        if missed is None:
            sends.append(Send(payload=self.market_data.snapshot(channel, instrument_id)))
        else:
            sends.extend(Send(payload=payload) for payload in missed)
        self._sent_seq[stream] = seq
        self._spared.pop(stream, None)
        return Joined(name=channel, instrument_id=instrument_id, seq=seq, snapshot=missed is None)

    def _unsubscribe(self, request: wire.Unsubscribe) -> list[Action]:
        """End streams; ending one not subscribed to is no error, so a retry is safe.

        Naming issues under an "all issues" subscription leaves the issues it has now.
        """
        reason = self._refusal_of(request.params.channels)
        if reason is None and any(c.from_seq is not None for c in request.params.channels):
            reason = RejectReason.INVALID_COMBINATION
        if reason is not None:
            return [Send(payload=refusal(reason, request.method, request.req_id))]
        for asked in request.params.channels:
            if asked.name is Channel.HEARTBEAT:
                self.heartbeat = False
            self._all_issues.pop(asked.name, None)
            for stream in self._streams_of(asked):
                self._sent_seq.pop(stream, None)
                self._spared.pop(stream, None)
        return [_answer(request, {"channels": self._active()})]

    def _active(self) -> list[dict[str, str]]:
        return [{"name": str(name), "instrument_id": issue} for name, issue in self._sent_seq]

    # --- what is sent

    def wants(self, message: FeedMessage) -> bool:
        """Whether to send this message now; ask once for each message, in order.

        A yes counts as sent. Cost: about 0.4 us.
        """
        if self.closed:
            return False
        channel = message.channel
        stream = (channel, message.instrument_id)
        sent_seq = self._sent_seq.get(stream)
        if sent_seq is None:
            if channel not in self._all_issues:
                return False
            sent_seq = 0  # an issue listed after "all issues" was asked for: from its first step
        if message.seq <= sent_seq:
            return False
        if self.behind and channel in CONFLATED_CHANNELS:
            self._sent_seq.setdefault(stream, 0)
            self._spared[stream] = None
            return False
        self._sent_seq[stream] = message.seq
        return True

    def conflate(self) -> None:
        """The socket is behind: leave out depth and auction until it has drained."""
        self.behind = True

    def catch_up(self) -> list[Action]:
        """The socket has drained: one snapshot for each stream with something left out."""
        self.behind = False
        actions: list[Action] = []
        for stream in self._spared:
            channel, instrument_id = stream
            seq = self.market_data.head(channel, instrument_id)
            steps = seq - self._sent_seq[stream]
            payload = self.market_data.snapshot(channel, instrument_id, steps)
            actions.append(Send(payload=payload))
            self._sent_seq[stream] = seq
        self._spared.clear()
        return actions

    def keep_pace(self, backlog: Backlog) -> list[Action]:
        """Apply the slow-reader policy to what the socket has not sent yet."""
        if self.closed:
            return []
        pace = pace_of(backlog, self.limits)
        if pace is Pace.TOO_SLOW:
            reason = RejectReason.SLOW_CONSUMER
            code = CATALOGUE[reason].close_code
            return [self._close(code or POLICY_VIOLATION, reason)]
        if pace is Pace.BEHIND:
            self.conflate()
        elif pace is Pace.DRAINED and self.behind:
            return self.catch_up()
        return []

    def check_invariants(self) -> None:
        """Check that nothing was sent beyond what exists. O(streams)."""
        for (channel, instrument_id), seq in self._sent_seq.items():
            head = self.market_data.head(channel, instrument_id)
            check(seq <= head, "only what exists was sent", channel=channel, seq=seq, head=head)
        for stream in self._spared:
            check(stream in self._sent_seq, "only subscribed streams are spared", stream=stream)

    def state(self) -> dict[str, object]:
        """Subscriptions as plain values."""
        return {
            "sent": [[str(name), issue, seq] for (name, issue), seq in self._sent_seq.items()],
            "all_issues": [str(name) for name in self._all_issues],
            "heartbeat": self.heartbeat,
            "behind": self.behind,
            "closed": self.closed,
        }


def _answer(request: wire.Request, result: dict[str, object]) -> Send:
    return Send(
        payload=wire.encode(
            wire.Answer(method=request.method, req_id=request.req_id or "", ok=True, result=result)
        )
    )
