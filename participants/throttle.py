"""How often a session may ask, and how often it may change hands: counters in integer time.

Purpose: bound what one client can cost the others.
Ordering: every message of a live session takes a token before it is read; refusals count too.
Invariants: a bucket holds between nothing and its burst; time never runs backwards here.
Known limits: the rate is per session, not per firm; takeovers in flight at the same moment are
counted when they take effect.
Source: market-access practice of hard message limits; the 2018 lesson of two processes that took
one session from each other without end.
"""

from collections import deque
from typing import Final

from market.errors import check
from market.ids import SessionId

_NS_PER_MS: Final = 1_000_000
_NS_PER_S: Final = 1_000_000_000

TAKEOVERS_MAX: Final = 3
TAKEOVER_WINDOW_NS: Final = 60 * _NS_PER_S
LOCK_NS: Final = 60 * _NS_PER_S


class TokenBucket:
    """Tokens that come back at a steady rate, up to a burst.

    One token is counted as 10^9 parts, so that a rate per second fills whole parts each
    nanosecond and nothing is ever rounded.
    """

    __slots__ = ("_filled_at_ns", "_full_parts", "_parts", "burst", "rate_per_s")

    def __init__(self, *, rate_per_s: int, burst: int, at_ns: int) -> None:
        check(rate_per_s > 0 and burst > 0, "a bucket lets something through", rate=rate_per_s)
        self.rate_per_s = rate_per_s
        self.burst = burst
        self._full_parts = burst * _NS_PER_S
        self._parts = self._full_parts
        self._filled_at_ns = at_ns

    def take(self, now_ns: int) -> int:
        """Take one token; nanoseconds to wait when there is none, else 0. O(1)."""
        parts = self._parts
        if now_ns > self._filled_at_ns:
            parts += (now_ns - self._filled_at_ns) * self.rate_per_s
            parts = min(parts, self._full_parts)
            self._filled_at_ns = now_ns
        if parts >= _NS_PER_S:
            self._parts = parts - _NS_PER_S
            return 0
        self._parts = parts
        return -((parts - _NS_PER_S) // self.rate_per_s)  # rounded up

    @property
    def left(self) -> int:
        """Whole tokens at the last take."""
        return self._parts // _NS_PER_S

    def check_invariants(self) -> None:
        """A bucket is never overfull nor in debt. O(1)."""
        check(0 <= self._parts <= self._full_parts, "a bucket is bounded", parts=self._parts)

    def state(self) -> dict[str, int]:
        """Plain values."""
        return {"at_ns": self._filled_at_ns, "parts": self._parts}


FLOOD: Final = -1


class Throttle:
    """Two tiers: above the rate one waits, above ``flood_factor`` times the rate one is cut off.

    The second bucket counts only what the first refused, at ``flood_factor - 1`` times its rate
    and burst, so it costs nothing while all is well.
    """

    __slots__ = ("_excess", "_tokens")

    def __init__(self, *, rate_per_s: int, burst: int, flood_factor: int, at_ns: int) -> None:
        check(flood_factor > 1, "a flood is more than the rate", factor=flood_factor)
        over = flood_factor - 1
        self._tokens = TokenBucket(rate_per_s=rate_per_s, burst=burst, at_ns=at_ns)
        self._excess = TokenBucket(rate_per_s=rate_per_s * over, burst=burst * over, at_ns=at_ns)

    def take(self, now_ns: int) -> int:
        """Count one message: 0 when it may pass, ``FLOOD``, or milliseconds to wait. O(1)."""
        wait_ns = self._tokens.take(now_ns)
        if not wait_ns:
            return 0
        if self._excess.take(now_ns):
            return FLOOD
        return -(-wait_ns // _NS_PER_MS)  # rounded up

    def view(self) -> dict[str, int]:
        """Rate, burst and what is left of it, for the client."""
        tokens = self._tokens
        return {"rate_per_s": tokens.rate_per_s, "burst": tokens.burst, "left": tokens.left}

    def check_invariants(self) -> None:
        """Both buckets are bounded. O(1)."""
        self._tokens.check_invariants()
        self._excess.check_invariants()

    def state(self) -> dict[str, object]:
        """Plain values."""
        return {"tokens": self._tokens.state(), "excess": self._excess.state()}


class TakeoverGuard:
    """At most three takeovers of a session in a minute; the next try locks it for a minute.

    One object for all connections of a gateway. A lock refuses every logon of the session and
    leaves the live connection alone. Memory: at most three times for each session that was ever
    taken over.
    """

    __slots__ = ("_locked_until_ns", "_taken_at_ns")

    def __init__(self) -> None:
        self._taken_at_ns: dict[SessionId, deque[int]] = {}
        self._locked_until_ns: dict[SessionId, int] = {}

    def wait_ms(self, session_id: SessionId, *, takeover: bool, now_ns: int) -> int:
        """Milliseconds until a verified logon may try again; 0 when it may go ahead. O(1)."""
        until_ns = self._locked_until_ns.get(session_id, 0)
        if until_ns <= now_ns:
            taken = self._taken_at_ns.get(session_id)
            if not takeover or taken is None or len(taken) < TAKEOVERS_MAX:
                return 0
            if now_ns - taken[0] >= TAKEOVER_WINDOW_NS:
                return 0
            taken.clear()
            until_ns = self._locked_until_ns[session_id] = now_ns + LOCK_NS
        return -(-(until_ns - now_ns) // _NS_PER_MS)  # rounded up

    def note(self, session_id: SessionId, *, now_ns: int) -> None:
        """A takeover took effect. O(1)."""
        if session_id not in self._taken_at_ns:
            self._taken_at_ns[session_id] = deque(maxlen=TAKEOVERS_MAX)
        self._taken_at_ns[session_id].append(now_ns)

    def check_invariants(self) -> None:
        """No session remembers more than the limit. O(sessions taken over)."""
        for session_id, taken in self._taken_at_ns.items():
            check(len(taken) <= TAKEOVERS_MAX, "takeovers are bounded", session=session_id)

    def state(self) -> dict[str, object]:
        """Plain values, by session id."""
        return {
            "locked_until_ns": dict(sorted(self._locked_until_ns.items())),
            "taken_at_ns": {
                name: list(self._taken_at_ns[name]) for name in sorted(self._taken_at_ns)
            },
        }
