"""Business hours and days of a trial, in Japan time.

Purpose: one table of hours for every design; the bank (10:00, 12:00, 15:00) and the offices of today's
practice have their own. Units: ns; seconds after midnight end in ``_s``.
"""

from datetime import date
from functools import lru_cache
from typing import Final

from market.business_days import at_jst, is_business_day, next_business_day

OPEN_S: Final = 9 * 3_600
CUT_OFF_S: Final = 17 * 3_600
CLOSE_S: Final = 21 * 3_600
BANK_S: Final = (36_000, 43_200, 54_000)
OFFICE_S: Final = (9 * 3_600, 61_200)
"""The ledgers work on after the cut-off: what is late may still settle on the day."""

_DAY_NS: Final = 86_400_000_000_000
_JST_NS: Final = 9 * 3_600_000_000_000
_EPOCH: Final = date(1970, 1, 1).toordinal()


def settlement_day(day: date, business_days: int) -> date:
    """The business day ``business_days`` after a business day."""
    for _ in range(business_days):
        day = next_business_day(day)
    return day


def day_of(at_ns: int) -> date:
    """The date in Japan."""
    return date.fromordinal(_EPOCH + (at_ns + _JST_NS) // _DAY_NS)


def second_of_day(at_ns: int) -> int:
    """Seconds after midnight in Japan."""
    return (at_ns + _JST_NS) % _DAY_NS // 1_000_000_000


def in_hours(at_ns: int, open_s: int = OPEN_S, close_s: int = CLOSE_S) -> int:
    """The time itself when business is open then (the close included), else the next opening."""
    start, end, then = _opening((at_ns + _JST_NS) // _DAY_NS, open_s, close_s)
    if at_ns < start:
        return start
    return at_ns if at_ns <= end else then


@lru_cache(maxsize=256)
def _opening(day_number: int, open_s: int, close_s: int) -> tuple[int, int, int]:
    """Opening and close of a day, and the opening of the next business day."""
    day = date.fromordinal(_EPOCH + day_number)
    return at_jst(day, open_s), at_jst(day, close_s), at_jst(next_business_day(day), open_s)


def next_opening(at_ns: int) -> int:
    """The opening of the next business day."""
    return at_jst(next_business_day(day_of(at_ns)), OPEN_S)


def bank_run(at_ns: int) -> int:
    """The bank's next file run."""
    day = day_of(at_ns)
    times = [at_jst(day, second) for second in BANK_S]
    times.append(at_jst(next_business_day(day), BANK_S[0]))
    return next(at for at in times if at >= at_ns)


def morning_file(ordered_ns: int, at_ns: int) -> int:
    """The bank's first morning file from a time on, of those after the day of the order."""
    first = at_jst(next_business_day(day_of(ordered_ns)), OPEN_S)
    if at_ns <= first:
        return first
    day = day_of(at_ns)
    today = at_jst(day, OPEN_S)
    return (
        today if is_business_day(day) and at_ns <= today else at_jst(next_business_day(day), OPEN_S)
    )


def office_hours(at_ns: int) -> int:
    """The time itself in office hours, else the next opening."""
    return in_hours(at_ns, *OFFICE_S)


def next_cut_off(at_ns: int) -> int:
    """The cut-off of the next business day."""
    return at_jst(next_business_day(day_of(at_ns)), CUT_OFF_S)
