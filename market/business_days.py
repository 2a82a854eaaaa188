"""Business days (営業日) and the way from trade date to settlement date (受渡日).

Closed: Saturday, Sunday, national holidays with their substitute and bridge days (jpholiday),
31 December and 1 to 3 January. Source: TSE and ODX equities closing days (market guide 2024-11);
START's own list was not found, mark unknown-default.

A :class:`Calendar` of one's own closes Saturday, Sunday and the days it lists, and no others.
"""

from dataclasses import dataclass
from datetime import date, datetime, timedelta, timezone
from functools import lru_cache
from typing import Final

import jpholiday

from market.errors import check
from market.quantities import TimeNs

JST: Final = timezone(timedelta(hours=9), "JST")
"""Japan has no daylight saving, so one fixed offset is the whole truth."""

_NS_PER_S: Final = 1_000_000_000
_SATURDAY: Final = 5
_JANUARY, _DECEMBER = 1, 12
_NEW_YEAR_LAST_DAY, _YEAR_END_DAY = 3, 31
SETTLEMENT_DAYS_MAX: Final = 60


@dataclass(frozen=True, slots=True)
class Calendar:
    """Which days the market is open.

    Attributes:
        closed_days: The days closed besides weekends, or None for those of TSE.
    """

    closed_days: frozenset[date] | None = None


TSE_CALENDAR: Final = Calendar()


def is_business_day(day: date, calendar: Calendar = TSE_CALENDAR) -> bool:
    """Whether the market and both ledgers work on ``day``."""
    if calendar.closed_days is None:
        return _is_tse_business_day(day)
    return day.weekday() < _SATURDAY and day not in calendar.closed_days


@lru_cache(maxsize=4096)
def _is_tse_business_day(day: date) -> bool:
    if day.weekday() >= _SATURDAY or jpholiday.is_holiday(day):
        return False
    if day.month == _JANUARY and day.day <= _NEW_YEAR_LAST_DAY:
        return False
    return not (day.month == _DECEMBER and day.day == _YEAR_END_DAY)


def next_business_day(day: date, calendar: Calendar = TSE_CALENDAR) -> date:
    """The first business day after ``day``."""
    day += timedelta(days=1)
    while not is_business_day(day, calendar):
        day += timedelta(days=1)
    return day


def settlement_date(
    trade_date: date, settlement_days: int, calendar: Calendar = TSE_CALENDAR
) -> date:
    """T+n: ``settlement_days`` business days after the trade date; 0 is the trade date itself.

    >>> settlement_date(date(2026, 12, 29), 2).isoformat()
    '2027-01-04'
    """
    check(0 <= settlement_days <= SETTLEMENT_DAYS_MAX, "T+n is bounded", days=settlement_days)
    day = trade_date
    for _ in range(settlement_days):
        day = next_business_day(day, calendar)
    return day


def at_jst(day: date, second_of_day: int) -> TimeNs:
    """The instant ``second_of_day`` seconds after midnight, Japan time, as UTC nanoseconds."""
    midnight = datetime(day.year, day.month, day.day, tzinfo=JST)
    return TimeNs((int(midnight.timestamp()) + second_of_day) * _NS_PER_S)


def jst_day_and_second(at_ns: TimeNs) -> tuple[date, int]:
    """The Japanese calendar day and the second within it of an instant."""
    moment = datetime.fromtimestamp(at_ns // _NS_PER_S, tz=JST)
    return moment.date(), moment.hour * 3600 + moment.minute * 60 + moment.second


def jst_clock_text(at_ns: TimeNs) -> str:
    """The wall clock in Japan as ``HH:MM:SS``, for people."""
    return datetime.fromtimestamp(at_ns // _NS_PER_S, tz=JST).strftime("%H:%M:%S")
