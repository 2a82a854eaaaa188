"""The business day as settlement knows it: which day it is, when its trades are due, is it settled?

Purpose: one owner of the date for everything in this room. Ordering: days go forward. The cut-off
(締切) ends the settlement day: what begins after it begins on the next business day.
Cost: O(1), or O(days) of the calendar. Errors: InvariantBroken for a day that goes back or a T+n that is not the rule's.
"""

from datetime import date

from market import business_days
from market.errors import check
from market.events import DayOpened


class SettlementDay:
    """The present day.

    Attributes:
        business_date: None before the first day.
        settlement_date: When trades of today are due (受渡日).
        cut_off_done: Whether the last stage of today has run.
    """

    __slots__ = ("_calendar", "_days", "business_date", "cut_off_done", "settlement_date")

    def __init__(self, settlement_days: int, calendar: business_days.Calendar) -> None:
        self._days = settlement_days
        self._calendar = calendar
        self.business_date: date | None = None
        self.settlement_date = date.min
        self.cut_off_done = False

    def due(self, trade_date: date) -> date:
        """When trades of a day are due: T+n by the market's calendar."""
        return business_days.settlement_date(trade_date, self._days, self._calendar)

    def open(self, event: DayOpened) -> None:
        """A business day begins."""
        day, last = event.business_date, self.business_date
        check(last is None or day > last, "days go forward", day=day, last=last)
        expected = self.due(day)
        check(event.settlement_date == expected, "T+n is one rule", day=day, expected=expected)
        self.business_date, self.settlement_date = day, expected
        self.cut_off_done = False

    def next_run(self) -> date | None:
        """The day on which something agreed now may settle first; None before the first day."""
        today = self.business_date
        if today is None or not self.cut_off_done:
            return today
        return business_days.next_business_day(today, self._calendar)

    def state(self) -> dict[str, object]:
        """Canonical content for the digest."""
        return {
            "business_date": "" if self.business_date is None else str(self.business_date),
            "cut_off_done": int(self.cut_off_done),
        }
