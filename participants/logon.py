"""Whether a logon may go to the core: version, clock, signature, takeovers, in this order.

Purpose: the pure part of the handshake. The core decides the rest (a live generation, a revoked
key), because only the journal knows it.
Ordering: the catalogue's; the clock is judged before the signature, so a client with a wrong clock
learns the server's time, which the hello has told everyone anyway.
Invariants: a refusal says nothing about which keys exist; a lock is never reached unsigned.
"""

from market.commands import DisconnectMode, OpenSession
from market.ids import KeyId, SessionId
from market.message import Message
from market.reasons import RejectReason
from participants.diagnosis import Refusal
from participants.keys import Directory, Transcript, verify_logon
from participants.throttle import TakeoverGuard
from participants.wire import VERSION, DisconnectParams, Logon, LogonParams

_NS_PER_MS = 1_000_000


class Greeting(Message, frozen=True, kw_only=True):
    """What the hello told the client and a logon must sign: valid here, now and once."""

    environment: str
    run_id: str
    nonce_hex: str


def judge_logon(
    logon: Logon,
    greeting: Greeting,
    directory: Directory,
    takeovers: TakeoverGuard,
    *,
    clock_skew_ms: int,
    now_ns: int,
    wall_ns: int,
) -> OpenSession | Refusal:
    """The command a good logon becomes, or why not. One signature check, about 0.2 ms.

    Args:
        logon: As it arrived.
        greeting: What this connection was told.
        directory: Keys, from core state.
        takeovers: The gateway's count; it changes only when a session becomes locked.
        clock_skew_ms: Largest distance between the two clocks.
        now_ns: Monotonic nanoseconds.
        wall_ns: UTC nanoseconds.
    """
    asked = logon.params
    if asked.version != VERSION:
        return _refusal(logon, RejectReason.UNSUPPORTED_VERSION)
    if abs(asked.at_ns - wall_ns) > clock_skew_ms * _NS_PER_MS:
        return _refusal(logon, RejectReason.CLOCK_SKEW, at_ns=wall_ns)
    key = directory.key(KeyId(asked.key_id))
    transcript = transcript_of(asked, greeting, "" if key is None else key.participant_id)
    if not verify_logon(key, transcript, asked.signature):
        return _refusal(logon, RejectReason.AUTH_FAILED)
    session_id, takeover = SessionId(asked.session_id), asked.takeover is True
    wait_ms = takeovers.wait_ms(session_id, takeover=takeover, now_ns=now_ns)
    if wait_ms:
        return _refusal(logon, RejectReason.SESSION_LOCKED, retry_after_ms=wait_ms)

    mode, grace_ms = _disconnect(asked)
    return OpenSession(
        session_id=session_id,
        key_id=KeyId(asked.key_id),
        takeover=takeover,
        disconnect_mode=mode,
        grace_ms=grace_ms,
    )


def transcript_of(asked: LogonParams, greeting: Greeting, participant_id: str) -> Transcript:
    """What a client signs: its own logon, all but the signature, bound to one greeting."""
    mode, grace_ms = _disconnect(asked)
    return Transcript(
        environment=greeting.environment,
        run_id=greeting.run_id,
        server_nonce_hex=greeting.nonce_hex,
        client_nonce_hex=asked.client_nonce,
        participant_id=participant_id,
        session_id=asked.session_id,
        key_id=asked.key_id,
        at_ns=asked.at_ns,
        last_seen_report_seq=asked.last_seen_report_seq,
        next_seq=asked.next_seq,
        takeover=asked.takeover is True,
        disconnect="" if mode is None else f"{mode}:{grace_ms}",
    )


def _disconnect(asked: LogonParams) -> tuple[DisconnectMode | None, int]:
    """What a lost connection does, as asked; None leaves it to the market's rule."""
    wish = asked.cancel_on_disconnect
    if not isinstance(wish, DisconnectParams):
        return None, 0
    return wish.mode, wish.grace_ms if isinstance(wish.grace_ms, int) else 0


def _refusal(
    logon: Logon,
    reason: RejectReason,
    *,
    retry_after_ms: int | None = None,
    at_ns: int | None = None,
) -> Refusal:
    return Refusal(
        reason=reason,
        method="logon",
        req_id=logon.req_id,
        retry_after_ms=retry_after_ms,
        at_ns=at_ns,
    )
