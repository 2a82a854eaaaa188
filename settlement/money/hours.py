"""Business hours and cut-off of a kind of money, as data.

Times are nanoseconds of the money's own clock and day; days are counted in whole days of that
clock. A payment order is taken from ``opens_ns`` until before ``closes_ns`` on open days; an order
at or after ``cut_off_ns`` is taken but worked on as if it had come the next open day.
"""

from typing import Final

from market.message import Message

NS_PER_DAY: Final = 86_400_000_000_000
NS_PER_MINUTE: Final = 60_000_000_000


class Hours(Message, frozen=True, kw_only=True):
    """When orders are taken.

    Attributes:
        opens_ns: Time of day from which orders are taken.
        closes_ns: Time of day at which no more are taken.
        cut_off_ns: Time of day from which an order counts for the next open day.
        closed_days: Numbers of days on which the money rests.
    """

    opens_ns: int = 0
    closes_ns: int = NS_PER_DAY
    cut_off_ns: int = NS_PER_DAY
    closed_days: tuple[int, ...] = ()

    def is_open(self, at_ns: int) -> bool:
        """Whether an order is taken at this time."""
        day, time_ns = divmod(at_ns, NS_PER_DAY)
        return day not in self.closed_days and self.opens_ns <= time_ns < self.closes_ns

    def work_day(self, at_ns: int) -> int:
        """Number of the day an order of this time counts for."""
        day, time_ns = divmod(at_ns, NS_PER_DAY)
        return day if time_ns < self.cut_off_ns else self.next_open_day(day)

    def next_open_day(self, day: int) -> int:
        """The first open day after a day. O(closed days in a row)."""
        day += 1
        while day in self.closed_days:
            day += 1
        return day


ROUND_THE_CLOCK: Final = Hours()
"""Programmable money: no hours of its own. Unknown for the real platforms; a default."""

BANK_DAY: Final = Hours(opens_ns=510 * NS_PER_MINUTE, closes_ns=930 * NS_PER_MINUTE,
                        cut_off_ns=900 * NS_PER_MINUTE)  # fmt: skip
"""08:30 to 15:30, the core hours of domestic bank transfer; the cut-off at 15:00 is a default."""
