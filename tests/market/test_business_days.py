"""Business days over year ends, substitute holidays and bridge days, and T+n between them."""

from datetime import date, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from market.business_days import (
    SETTLEMENT_DAYS_MAX,
    Calendar,
    at_jst,
    is_business_day,
    jst_clock_text,
    jst_day_and_second,
    next_business_day,
    settlement_date,
)
from market.errors import InvariantBroken

DAYS = st.dates(date(2024, 1, 1), date(2035, 12, 31))
QUICK = settings(max_examples=150, deadline=None, derandomize=True)


@pytest.mark.parametrize(
    ("day", "open_"),
    [
        (date(2026, 12, 30), True),
        (date(2026, 12, 31), False),  # year end
        (date(2027, 1, 1), False),
        (date(2027, 1, 2), False),
        (date(2027, 1, 3), False),
        (date(2027, 1, 4), True),  # first session of the year
        (date(2025, 1, 3), False),  # a Friday, closed by rule and not by law
        (date(2026, 5, 3), False),  # Constitution Day, a Sunday
        (date(2026, 5, 6), False),  # its substitute, after two more holidays
        (date(2026, 5, 7), True),
        (date(2026, 9, 21), False),  # Respect for the Aged Day
        (date(2026, 9, 22), False),  # bridge day between two holidays
        (date(2026, 9, 23), False),  # autumnal equinox
        (date(2026, 9, 24), True),
        (date(2026, 11, 21), False),  # Saturday
        (date(2026, 11, 22), False),  # Sunday
        (date(2026, 11, 23), False),  # Labour Thanksgiving Day
        (date(2026, 11, 24), True),
        (date(2027, 3, 22), False),  # substitute for an equinox on a Sunday
    ],
)
def test_when_the_market_is_open(day: date, open_: bool) -> None:
    """Weekends, holidays, substitutes, bridge days and the turn of the year are closed."""
    assert is_business_day(day) is open_


@pytest.mark.parametrize(
    ("trade_date", "days", "due"),
    [
        (date(2026, 11, 24), 0, date(2026, 11, 24)),
        (date(2026, 11, 24), 1, date(2026, 11, 25)),
        (date(2026, 11, 24), 2, date(2026, 11, 26)),
        (date(2026, 11, 26), 2, date(2026, 11, 30)),  # over a weekend
        (date(2026, 11, 19), 2, date(2026, 11, 24)),  # over a long weekend
        (date(2026, 12, 29), 1, date(2026, 12, 30)),
        (date(2026, 12, 29), 2, date(2027, 1, 4)),
        (date(2026, 12, 30), 2, date(2027, 1, 5)),
        (date(2026, 4, 30), 2, date(2026, 5, 7)),  # over the golden week
        (date(2026, 9, 18), 1, date(2026, 9, 24)),  # over a bridge day
    ],
)
def test_settlement_dates_by_the_calendar(trade_date: date, days: int, due: date) -> None:
    """T+n counts business days only."""
    assert settlement_date(trade_date, days) == due


@QUICK
@given(DAYS, st.integers(1, 10))
def test_there_are_n_business_days_after_the_trade_up_to_its_settlement(day: date, n: int) -> None:
    """Counted one calendar day after the other."""
    due = settlement_date(day, n)
    between = [day + timedelta(days=k) for k in range(1, (due - day).days + 1)]
    assert sum(is_business_day(one) for one in between) == n
    assert is_business_day(due)


@QUICK
@given(DAYS)
def test_the_next_business_day_is_the_first_open_one(day: date) -> None:
    """Every day between is closed, and no closure is longer than ten days."""
    after = next_business_day(day)
    assert is_business_day(after)
    closed = [day + timedelta(days=k) for k in range(1, (after - day).days)]
    assert not any(is_business_day(one) for one in closed)
    assert len(closed) <= 10


@pytest.mark.parametrize("days", [-1, SETTLEMENT_DAYS_MAX + 1])
def test_settlement_is_bounded(days: int) -> None:
    """A rulebook cannot ask for less than the same day or more than sixty."""
    with pytest.raises(InvariantBroken):
        settlement_date(date(2026, 11, 24), days)


@QUICK
@given(DAYS, st.integers(0, 86_399))
def test_an_instant_knows_its_japanese_day_and_second(day: date, second: int) -> None:
    """There and back, all year round: Japan has no daylight saving."""
    at_ns = at_jst(day, second)
    assert jst_day_and_second(at_ns) == (day, second)
    hours, rest = divmod(second, 3_600)
    assert jst_clock_text(at_ns) == f"{hours:02d}:{rest // 60:02d}:{rest % 60:02d}"


def test_a_calendar_of_ones_own_closes_weekends_and_what_it_lists() -> None:
    """A national holiday is open when the list does not name it; T+n goes by the same list."""
    own = Calendar(frozenset((date(2026, 11, 25),)))
    assert is_business_day(date(2026, 11, 23), own)
    assert not is_business_day(date(2026, 11, 25), own)
    assert not is_business_day(date(2026, 11, 21), own)
    assert next_business_day(date(2026, 11, 24), own) == date(2026, 11, 26)
    assert settlement_date(date(2026, 11, 24), 2, own) == date(2026, 11, 27)
    assert next_business_day(date(2026, 12, 30), own) == date(2026, 12, 31)
