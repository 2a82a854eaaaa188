"""One order-entry connection as a state machine without I/O: frames in, actions out.

Purpose: everything that needs no market state is decided here, before the sequencer: syntax,
identity, message order and rate. What it accepts becomes a command in the session's own name.
Nothing here is journaled or replayed; time arrives as data.

States, and what moves a session on::

    CONNECTED   --verified logon-->        LOGGING_ON  (OpenSession submitted)
    LOGGING_ON  --SessionOpened-->         LIVE
    CONNECTED, LOGGING_ON, LIVE            --refusal, timeout, lost, logout-->  CLOSED

Ordering, of a live session's message: rate, shape, sequence number, rate's answer, value.
Sequence numbers: the logon says where they start; each later request carries the next one. A
number is used up when a request of good shape arrives in order, whatever then becomes of it
(throttled, refused for its values, not queued). A frame that cannot be decoded uses up nothing.
Every refusal of a live session carries ``next_seq``, so a client never has to guess. ``logon``
and ``ping`` have no number.

Invariants: before logon one message, and only a logon; nothing is submitted in another's name; a
generation that was opened is closed exactly once from here, unless the core ended it itself; a
closed session answers nothing.
Known limits: the rate is per connection; a client that pipelines past a frame that cannot be
decoded sees SEQ_GAP for what followed, and five of them end the session.
Source: public error contract (market/reasons.py); session rules after FIX and SoupBinTCP habit.
"""

from collections import deque
from enum import StrEnum
from typing import Final

from market.commands import CloseSession, OpenSession
from market.errors import check
from market.events import SessionOpened, SessionRefused
from market.message import Message
from market.reasons import CATALOGUE, RejectReason
from participants.actions import Action, Close, Query, Resend, Send, Submit
from participants.diagnosis import Refusal
from participants.keys import NONCE_BYTES, Directory
from participants.logon import Greeting, judge_logon
from participants.throttle import FLOOD, TakeoverGuard, Throttle
from participants.wire import (
    LOGON_BYTES_MAX,
    Identity,
    Inbound,
    Logon,
    Logout,
    LogoutParams,
    OrderCommand,
    OrderRequest,
    Ping,
    QueryRequest,
    ReportResend,
    WhoAmI,
    decode,
    encode_heartbeat,
    encode_hello,
    encode_refusal,
    encode_result,
    method_of,
    method_of_command,
    to_command,
)

_NS_PER_MS: Final = 1_000_000
_LOGGED_OUT: Final = 1000
_POLICY: Final = 1008
_TRY_AGAIN_LATER: Final = 1013

REPEATED_CLOSE_CODE: Final[dict[RejectReason, int]] = {
    RejectReason.MALFORMED: _POLICY,
    RejectReason.SEQ_GAP: 4004,  # as SEQ_TOO_LOW: the two sides no longer agree on the order
    RejectReason.THROTTLED: _TRY_AGAIN_LATER,
}
"""Codes that keep the connection until they come too often, and the close code that is then due."""


class SessionState(StrEnum):
    """Where a connection stands."""

    CONNECTED = "connected"
    LOGGING_ON = "logging_on"
    LIVE = "live"
    CLOSED = "closed"


NEXT_STATES: Final[dict[SessionState, tuple[SessionState, ...]]] = {
    SessionState.CONNECTED: (SessionState.LOGGING_ON, SessionState.CLOSED),
    SessionState.LOGGING_ON: (SessionState.LIVE, SessionState.CLOSED),
    SessionState.LIVE: (SessionState.CLOSED,),
    SessionState.CLOSED: (),
}
"""The whole table; any other move is a defect."""


class SessionSettings(Message, frozen=True, kw_only=True):
    """Numbers an operator may set; benchmarks set the rate high.

    Attributes:
        handshake_ms: From connection to logon.
        idle_ms: Longest silence of a live client.
        heartbeat_ms: Longest silence of this session's own frames.
        clock_skew_ms: Largest distance between the client's clock and ours at logon.
        rate_per_s: Messages per second, in the long run.
        burst: Messages at once.
        flood_factor: So many times the rate ends the session.
        malformed_max: So many unreadable frames within ``malformed_window_ms`` end it.
        gaps_max: So many sequence gaps in a row end it.
        resend_interval_ms: Shortest time between two resends.
        resend_reports_max: Most reports in one resend.
    """

    handshake_ms: int = 5_000
    idle_ms: int = 30_000
    heartbeat_ms: int = 10_000
    clock_skew_ms: int = 120_000
    rate_per_s: int = 100
    burst: int = 200
    flood_factor: int = 10
    malformed_max: int = 10
    malformed_window_ms: int = 10_000
    gaps_max: int = 5
    resend_interval_ms: int = 1_000
    resend_reports_max: int = 10_000


class Session:
    """One connection, from hello to close; owned by the gateway task that owns its socket."""

    def __init__(
        self,
        directory: Directory,
        *,
        environment: str,
        run_id: str,
        nonce: bytes,
        opened_at_ns: int,
        settings: SessionSettings,
        takeovers: TakeoverGuard,
    ) -> None:
        """Begin a connection.

        Args:
            directory: Looks keys up in core state.
            environment: Name of this installation, signed by the client.
            run_id: Name of this run, signed by the client.
            nonce: 32 random bytes, never used for another connection.
            opened_at_ns: Monotonic nanoseconds, as every ``now_ns`` here.
            settings: Limits of this session.
            takeovers: One for all connections of a gateway.
        """
        check(len(nonce) == NONCE_BYTES, "a nonce has 32 bytes", length=len(nonce))
        self._directory = directory
        self._greeting = Greeting(environment=environment, run_id=run_id, nonce_hex=nonce.hex())
        self._settings = settings
        self._takeovers = takeovers
        self._state = SessionState.CONNECTED
        self._opened_at_ns = self._heard_at_ns = self._sent_at_ns = opened_at_ns
        self._logon: Logon | None = None
        self._identity: Identity | None = None
        self._next_seq = 0
        self._gaps = 0
        self._malformed_at_ns: deque[int] = deque(maxlen=settings.malformed_max)
        self._resent_at_ns: int | None = None
        self._throttle = Throttle(
            rate_per_s=settings.rate_per_s,
            burst=settings.burst,
            flood_factor=settings.flood_factor,
            at_ns=opened_at_ns,
        )

    # --- what the gateway may ask

    @property
    def status(self) -> SessionState:
        """Where the connection stands."""
        return self._state

    @property
    def identity(self) -> Identity | None:
        """Who it is, from SessionOpened on; also after the close."""
        return self._identity

    @property
    def next_seq(self) -> int:
        """The number the next request must carry; 0 before logon."""
        return self._next_seq

    def hello(self, *, wall_ns: int) -> bytes:
        """The first frame of the connection, with the nonce to sign and the server's clock."""
        return encode_hello(
            environment=self._greeting.environment,
            run_id=self._greeting.run_id,
            nonce_hex=self._greeting.nonce_hex,
            at_ns=wall_ns,
        )

    # --- frames

    def receive(
        self, frame: bytes | str, *, now_ns: int, wall_ns: int, binary: bool | None = None
    ) -> list[Action]:
        """Take one frame.

        Args:
            frame: As text, or as bytes.
            now_ns: Monotonic nanoseconds.
            wall_ns: UTC nanoseconds; used for the logon's clock check and in answers only.
            binary: Whether it was a binary frame. None: bytes are binary and text is text; say
                False when text frames are handed over as undecoded bytes.
        """
        if self._state is SessionState.CLOSED:
            return []
        self._heard_at_ns = now_ns
        if binary is None:
            binary = isinstance(frame, bytes)
        if self._state is not SessionState.LIVE:
            return self._receive_before_live(frame, binary, now_ns, wall_ns)

        wait_ms = self._throttle.take(now_ns)
        if wait_ms == FLOOD:
            return self._close(Refusal(reason=RejectReason.THROTTLED), repeated=True)
        request = decode(frame, binary=binary)
        if isinstance(request, Refusal):
            return self._unreadable(request, now_ns)
        if isinstance(request, Logon):
            return self._close(_refusal(request, RejectReason.PROTOCOL_ERROR))
        if not isinstance(request, Ping):
            if request.seq != self._next_seq:
                return self._out_of_sequence(request, request.seq)
            self._next_seq += 1
            self._gaps = 0
        if wait_ms:
            return self._refuse(_refusal(request, RejectReason.THROTTLED, wait_ms=wait_ms))
        return self._act(request, now_ns, wall_ns)

    def _act(self, request: Inbound, now_ns: int, wall_ns: int) -> list[Action]:
        """Carry out a request that is in order and within the rate."""
        identity = self._live_identity()
        if isinstance(request, OrderRequest):
            command = to_command(request, identity)
            if isinstance(command, Refusal):
                return self._refuse(command)
            return [Submit(command=command)]
        if isinstance(request, QueryRequest):
            return [Query(request=request, identity=identity)]
        if isinstance(request, ReportResend):
            return self._resend(request, now_ns)
        if isinstance(request, Logout):
            return self._logout(request)
        if isinstance(request, WhoAmI):
            return [self._answer(request, self._who_am_i(identity))]
        return [self._answer(request, {"at_ns": wall_ns})]

    # --- logon

    def _receive_before_live(
        self, frame: bytes | str, binary: bool, now_ns: int, wall_ns: int
    ) -> list[Action]:
        """One message of at most 1 KiB, and only a logon; anything else ends the connection."""
        if self._state is SessionState.LOGGING_ON:
            return self._close(Refusal(reason=RejectReason.NOT_LOGGED_ON))
        logon = decode(frame, binary=binary, bytes_max=LOGON_BYTES_MAX)
        if isinstance(logon, Refusal):
            return self._close(logon)
        if not isinstance(logon, Logon):
            return self._close(_refusal(logon, RejectReason.NOT_LOGGED_ON))
        command = judge_logon(
            logon,
            self._greeting,
            self._directory,
            self._takeovers,
            clock_skew_ms=self._settings.clock_skew_ms,
            now_ns=now_ns,
            wall_ns=wall_ns,
        )
        if isinstance(command, Refusal):
            return self._close(command)

        self._move(SessionState.LOGGING_ON)
        self._logon = logon
        return [Submit(command=command)]

    def opened(self, event: SessionOpened) -> list[Action]:
        """The core opened the session this connection asked for.

        Call it even when the connection is gone by now: the generation must then be closed.
        """
        logon = self._logon
        check(logon is not None, "only a session that logged on is opened", key=event.key_id)
        check(self._identity is None, "a logon is answered once", key=event.key_id)
        if logon is None:  # for the type checker; check() has spoken
            return []
        check(logon.params.key_id == event.key_id, "the core opened this logon", key=event.key_id)

        if event.took_over:
            self._takeovers.note(event.session_id, now_ns=self._heard_at_ns)
        self._identity = Identity(
            participant_id=event.participant_id,
            session_id=event.session_id,
            generation=event.generation,
        )
        if self._state is SessionState.CLOSED:
            return [self._close_session(self._identity, orderly=False)]

        self._move(SessionState.LIVE)
        self._next_seq = logon.params.next_seq
        result = {
            "participant_id": event.participant_id,
            "session_id": event.session_id,
            "generation": event.generation,
            "next_seq": self._next_seq,
            "next_report_seq": event.next_report_seq,
            "disconnect_mode": event.disconnect_mode,
            "grace_ms": event.grace_ms,
            "took_over": event.took_over,
            "idle_ms": self._settings.idle_ms,
            "throttle": self._throttle.view(),
        }
        return [self._answer(logon, result)]

    def refused(self, event: SessionRefused) -> list[Action]:
        """The core refused the logon."""
        if self._state is SessionState.CLOSED:
            return []
        check(self._state is SessionState.LOGGING_ON, "a logon was refused", state=self._state)
        return self._close(self._of_logon(event.reason))

    # --- what ends a session from outside

    def taken_over(self) -> list[Action]:
        """A newer generation of this session is live; the core has ended this one."""
        return self._ended_by_core(RejectReason.SESSION_TAKEN_OVER)

    def revoked(self) -> list[Action]:
        """The key was revoked; the core has ended this generation."""
        return self._ended_by_core(RejectReason.AUTH_FAILED)

    def disconnected(self) -> list[Action]:
        """The socket is gone, from either side. May be called after any close, and twice."""
        if self._state is SessionState.CLOSED:
            return []
        was_live = self._state is SessionState.LIVE
        self._move(SessionState.CLOSED)
        return [self._close_session(self._live_identity(), orderly=False)] if was_live else []

    def end(self, reason: RejectReason) -> list[Action]:
        """The gateway cannot go on with this connection, as for SLOW_CONSUMER or INTERNAL."""
        if self._state is SessionState.CLOSED:
            return []
        return self._close(Refusal(reason=reason))

    def not_submitted(
        self, command: OrderCommand | OpenSession, reason: RejectReason
    ) -> list[Action]:
        """The sequencer took no command: BUSY, NOT_READY or STORAGE_FAILED.

        A request is answered and its sequence number stays used; a logon ends the connection.
        """
        if self._state is SessionState.CLOSED:
            return []
        if isinstance(command, OpenSession):
            return self._close(self._of_logon(reason))
        refusal = Refusal(reason=reason, method=method_of_command(command), req_id=command.req_id)
        if CATALOGUE[reason].close_code is not None:
            return self._close(refusal)
        return self._refuse(refusal)

    def tick(self, now_ns: int) -> list[Action]:
        """Let time pass; call it about once a second. O(1)."""
        settings = self._settings
        if self._state is SessionState.CONNECTED:
            if now_ns - self._opened_at_ns >= settings.handshake_ms * _NS_PER_MS:
                return self._close(Refusal(reason=RejectReason.HEARTBEAT_TIMEOUT))
            return []
        if self._state is not SessionState.LIVE:
            return []
        if now_ns - self._heard_at_ns >= settings.idle_ms * _NS_PER_MS:
            return self._close(Refusal(reason=RejectReason.HEARTBEAT_TIMEOUT))
        if now_ns - self._sent_at_ns >= settings.heartbeat_ms * _NS_PER_MS:
            self._sent_at_ns = now_ns
            return [Send(frame=encode_heartbeat(next_seq=self._next_seq))]
        return []

    # --- answers

    def _resend(self, request: ReportResend, now_ns: int) -> list[Action]:
        asked, settings = request.params, self._settings
        newest = asked.from_seq + settings.resend_reports_max - 1
        to_seq = asked.to_seq if isinstance(asked.to_seq, int) else newest
        if to_seq < asked.from_seq:
            return self._refuse(
                _refusal(request, RejectReason.INVALID_COMBINATION, "params.to_seq")
            )
        if to_seq > newest:
            return self._refuse(_refusal(request, RejectReason.OUT_OF_RANGE, "params.to_seq"))
        if self._resent_at_ns is not None:
            wait_ns = self._resent_at_ns + settings.resend_interval_ms * _NS_PER_MS - now_ns
            if wait_ns > 0:
                wait_ms = -(-wait_ns // _NS_PER_MS)  # rounded up
                return self._refuse(_refusal(request, RejectReason.THROTTLED, wait_ms=wait_ms))

        self._resent_at_ns = now_ns
        return [Resend(from_seq=asked.from_seq, to_seq=to_seq, req_id=request.req_id)]

    def _logout(self, request: Logout) -> list[Action]:
        params = request.params
        cancel_open = isinstance(params, LogoutParams) and params.cancel_open is True
        identity = self._live_identity()
        self._move(SessionState.CLOSED)
        return [
            self._close_session(identity, orderly=True, cancel_open=cancel_open),
            self._answer(request, {"cancel_open": cancel_open}),
            Close(code=_LOGGED_OUT, reason=None),
        ]

    def _who_am_i(self, identity: Identity) -> dict[str, object]:
        return {
            "participant_id": identity.participant_id,
            "session_id": identity.session_id,
            "generation": identity.generation,
            "key_id": self._logon.params.key_id if self._logon else "",
            "environment": self._greeting.environment,
            "run_id": self._greeting.run_id,
            "throttle": self._throttle.view(),
        }

    def _answer(self, request: Inbound, result: object) -> Send:
        frame = encode_result(method=method_of(request), req_id=request.req_id, result=result)
        return Send(frame=frame)

    # --- refusals

    def _unreadable(self, refusal: Refusal, now_ns: int) -> list[Action]:
        """Answer a frame that could not be decoded; it used up no number."""
        if CATALOGUE[refusal.reason].close_code is not None:
            return self._close(refusal)
        if refusal.reason is RejectReason.MALFORMED:
            times = self._malformed_at_ns
            times.append(now_ns)
            window_ns = self._settings.malformed_window_ms * _NS_PER_MS
            if len(times) == times.maxlen and now_ns - times[0] <= window_ns:
                return self._close(refusal, repeated=True)
        return self._refuse(refusal)

    def _out_of_sequence(self, request: Inbound, seq: int) -> list[Action]:
        if seq < self._next_seq:
            return self._close(_refusal(request, RejectReason.SEQ_TOO_LOW, "seq"))
        self._gaps += 1
        refusal = _refusal(request, RejectReason.SEQ_GAP, "seq")
        if self._gaps >= self._settings.gaps_max:
            return self._close(refusal, repeated=True)
        return self._refuse(refusal)

    def _refuse(self, refusal: Refusal) -> list[Action]:
        """Say no and stay."""
        return [Send(frame=encode_refusal(refusal, next_seq=self._next_seq))]

    def _close(self, refusal: Refusal, *, repeated: bool = False) -> list[Action]:
        """Say no and end the connection; a live generation ends with it.

        The code is the catalogue's, or that of a reason that came too often. Before logon there
        is only one message, so a reason without a code of its own ends the connection as well.
        """
        was_live = self._state is SessionState.LIVE
        code = CATALOGUE[refusal.reason].close_code
        if repeated:
            code = REPEATED_CLOSE_CODE[refusal.reason]
        frame = encode_refusal(refusal, next_seq=self._next_seq if was_live else None)
        actions: list[Action] = [Send(frame=frame)]
        if was_live:
            actions.append(self._close_session(self._live_identity(), orderly=False))
        self._move(SessionState.CLOSED)
        fallback = _TRY_AGAIN_LATER if CATALOGUE[refusal.reason].group == "capacity" else _POLICY
        actions.append(Close(code=fallback if code is None else code, reason=refusal.reason))
        return actions

    def _ended_by_core(self, reason: RejectReason) -> list[Action]:
        """Close without a command: the journal already holds what ended this generation."""
        if self._state is SessionState.CLOSED:
            return []
        self._move(SessionState.CLOSED)
        code = CATALOGUE[reason].close_code
        refusal = Refusal(reason=reason)
        return [
            Send(frame=encode_refusal(refusal)),
            Close(code=_POLICY if code is None else code, reason=reason),
        ]

    # --- small things

    def _of_logon(self, reason: RejectReason) -> Refusal:
        req_id = None if self._logon is None else self._logon.req_id
        return Refusal(reason=reason, method="logon", req_id=req_id)

    def _close_session(
        self, identity: Identity, *, orderly: bool, cancel_open: bool = False
    ) -> Submit:
        return Submit(
            command=CloseSession(
                session_id=identity.session_id,
                generation=identity.generation,
                orderly=orderly,
                cancel_open=cancel_open,
            )
        )

    def _live_identity(self) -> Identity:
        check(self._identity is not None, "a live session has an identity", state=self._state)
        return self._identity  # type: ignore[return-value]  # check() has spoken

    def _move(self, to: SessionState) -> None:
        check(to in NEXT_STATES[self._state], "a session moves by its table", to=to)
        self._state = to

    def check_invariants(self) -> None:
        """A live session has an identity and a number; counters are bounded. O(1)."""
        if self._state is SessionState.LIVE:
            check(self._identity is not None, "a live session has an identity", state=self._state)
            check(self._next_seq > 0, "a live session has a number", next_seq=self._next_seq)
        check(self._gaps <= self._settings.gaps_max, "gaps are bounded", gaps=self._gaps)
        self._throttle.check_invariants()

    def state(self) -> dict[str, object]:
        """Plain values; a session is not core state, so they are in no digest."""
        identity = self._identity
        return {
            "status": str(self._state),
            "session_id": "" if identity is None else identity.session_id,
            "generation": 0 if identity is None else identity.generation,
            "next_seq": self._next_seq,
            "gaps": self._gaps,
            "throttle": self._throttle.state(),
        }


def _refusal(
    request: Inbound, reason: RejectReason, field: str | None = None, *, wait_ms: int | None = None
) -> Refusal:
    return Refusal(
        reason=reason,
        field=field,
        method=method_of(request),
        req_id=request.req_id,
        retry_after_ms=wait_ms,
    )
