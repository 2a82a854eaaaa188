"""Throttle and takeover guard: exact at the limit, in whole nanoseconds."""

from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from market.errors import InvariantBroken
from market.ids import SessionId
from participants.throttle import FLOOD, TakeoverGuard, Throttle, TokenBucket

SECOND = 1_000_000_000
FIRM_A_1 = SessionId("FIRM-A-1")


def test_a_full_bucket_lets_its_burst_through_and_no_more() -> None:
    """Burst at once, then one for each interval."""
    bucket = TokenBucket(rate_per_s=100, burst=3, at_ns=0)

    assert [bucket.take(0) for _ in range(4)] == [0, 0, 0, 10_000_000]
    assert bucket.take(9_999_999) == 1
    assert bucket.take(10_000_000) == 0
    assert bucket.take(10_000_000) == 10_000_000
    assert bucket.left == 0


def test_a_bucket_never_holds_more_than_its_burst() -> None:
    """A long silence is not a credit."""
    bucket = TokenBucket(rate_per_s=100, burst=2, at_ns=0)

    assert [bucket.take(3600 * SECOND) > 0 for _ in range(3)] == [False, False, True]


def test_time_that_steps_back_gives_nothing_and_takes_nothing() -> None:
    """An older time counts as no time at all."""
    bucket = TokenBucket(rate_per_s=100, burst=1, at_ns=SECOND)

    assert bucket.take(SECOND) == 0
    assert bucket.take(0) == 10_000_000
    assert bucket.state() == {"at_ns": SECOND, "parts": 0}


@given(st.lists(st.integers(0, 30_000_000), max_size=60), st.integers(1, 1000), st.integers(1, 5))
@settings(max_examples=200, deadline=None, derandomize=True)
def test_a_bucket_agrees_with_exact_fractions(steps: list[int], rate: int, burst: int) -> None:
    """The same bucket kept in fractions of a token gives every answer alike."""
    bucket = TokenBucket(rate_per_s=rate, burst=burst, at_ns=0)
    tokens, now = Fraction(burst), 0

    for step in steps:
        now += step
        tokens = min(Fraction(burst), tokens + Fraction(step * rate, SECOND))
        assert (bucket.take(now) == 0) is (tokens >= 1)
        tokens -= 1 if tokens >= 1 else 0
        bucket.check_invariants()


def test_waiting_as_long_as_told_is_enough() -> None:
    """The wait is rounded up, so the next try passes."""
    bucket = TokenBucket(rate_per_s=7, burst=1, at_ns=0)
    bucket.take(0)

    wait_ns = bucket.take(0)

    assert bucket.take(wait_ns - 1) == 1
    assert bucket.take(wait_ns) == 0


def test_above_the_rate_one_waits_and_far_above_it_one_is_cut_off() -> None:
    """Burst 2 passes, nine times as many wait, the next is a flood."""
    throttle = Throttle(rate_per_s=100, burst=2, flood_factor=10, at_ns=0)

    answers = [throttle.take(0) for _ in range(21)]

    assert answers == [0] * 2 + [10] * 18 + [FLOOD]
    assert throttle.view() == {"rate_per_s": 100, "burst": 2, "left": 0}


def test_nine_times_the_rate_is_never_cut_off_and_eleven_times_is() -> None:
    """The second tier is ten times the rate, in the long run."""

    def cut_off(times: int) -> bool:
        throttle = Throttle(rate_per_s=100, burst=2, flood_factor=10, at_ns=0)
        step_ns = SECOND // (100 * times)
        return any(throttle.take(n * step_ns) == FLOOD for n in range(100 * times * 2))

    assert [cut_off(times) for times in (1, 9, 11)] == [False, False, True]


def test_a_throttle_that_could_never_pass_is_a_mistake() -> None:
    """No rate, no burst and no room for waiting are refused at construction."""
    for rate, burst, factor in ((0, 1, 10), (1, 0, 10), (1, 1, 1)):
        with pytest.raises(InvariantBroken):
            Throttle(rate_per_s=rate, burst=burst, flood_factor=factor, at_ns=0)


# --- takeovers


def guard_with(takeovers: int, *, apart_ns: int = SECOND) -> TakeoverGuard:
    """A guard that saw so many takeovers of one session."""
    guard = TakeoverGuard()
    for number in range(takeovers):
        guard.note(FIRM_A_1, now_ns=number * apart_ns)
    guard.check_invariants()
    return guard


@pytest.mark.parametrize(("takeovers", "wait_ms"), [(0, 0), (2, 0), (3, 60_000), (4, 60_000)])
def test_three_takeovers_a_minute_and_not_a_fourth(takeovers: int, wait_ms: int) -> None:
    """The fourth try within a minute locks the session for a minute."""
    guard = guard_with(takeovers)

    assert guard.wait_ms(FIRM_A_1, takeover=True, now_ns=10 * SECOND) == wait_ms


def test_the_minute_slides() -> None:
    """A minute after the first of three, a fourth is free."""
    assert guard_with(3).wait_ms(FIRM_A_1, takeover=True, now_ns=60 * SECOND) == 0
    assert guard_with(3).wait_ms(FIRM_A_1, takeover=True, now_ns=60 * SECOND - 1) == 60_000


def test_a_locked_session_refuses_every_logon_for_a_minute_and_only_its_own() -> None:
    """A plain logon waits too; another session does not; after the minute all is new."""
    guard = guard_with(3)
    guard.wait_ms(FIRM_A_1, takeover=True, now_ns=10 * SECOND)

    assert guard.wait_ms(FIRM_A_1, takeover=False, now_ns=69 * SECOND) == 1_000
    assert guard.wait_ms(SessionId("FIRM-A-2"), takeover=True, now_ns=11 * SECOND) == 0
    assert guard.wait_ms(FIRM_A_1, takeover=False, now_ns=70 * SECOND) == 0
    assert guard.wait_ms(FIRM_A_1, takeover=True, now_ns=70 * SECOND) == 0


def test_plain_logons_lock_nothing() -> None:
    """Only a wish to take over is counted against the limit."""
    guard = guard_with(3)

    assert guard.wait_ms(FIRM_A_1, takeover=False, now_ns=10 * SECOND) == 0
    assert guard.state() == {
        "locked_until_ns": {},
        "taken_at_ns": {"FIRM-A-1": [0, SECOND, 2 * SECOND]},
    }
