"""When net cycles run, until when they can be funded, and when they complete.

| money | cycles | funded | completes |
|---|---|---|---|
| on a ledger | 11:45, 16:00 and 19:00 | within ten minutes | when the window closes |
| by the bank's file | 16:00 | while the bank's office takes orders that day | with the next business day's morning file |

By file the clearer hands the bank one list of all net debits and credits. The bank sets each debit aside when its payer orders it, and
books the list whole in the morning; while a ledger of the units is out the list is handed in for the next morning.
That is what makes a net of bank money safe: nobody's transfer stands alone. What it costs is a night in which the yen are set aside.

Units: ns; seconds after midnight in Japan. Cost: O(1).
Source: clearing by net files of bank transfers with settlement on the next morning, as in domestic bank transfer systems;
the hours are assumptions.
"""

from typing import Final

from market.business_days import at_jst, next_business_day
from settlement.designs.conduct import MINUTE_NS
from settlement.trials.hours import day_of, in_hours, morning_file, office_hours

CYCLES_S: Final = (42_300, 57_600, 68_400)
FILE_CYCLES_S: Final = (57_600,)
WINDOW_NS: Final = 10 * MINUTE_NS


class Cycles:
    """The hours of one trial's cycles.

    Args:
        by_file: Whether yen are paid by the bank's next-morning file.
    """

    def __init__(self, *, by_file: bool) -> None:
        self.by_file = by_file

    def next_ns(self, after_ns: int) -> int:
        """The first cycle after a time."""
        day, seconds = day_of(after_ns), FILE_CYCLES_S if self.by_file else CYCLES_S
        times = [at_jst(day, second) for second in seconds]
        times += [at_jst(next_business_day(day), seconds[0])]
        return next(at for at in times if at > after_ns)

    def start_ns(self, at_ns: int) -> int:
        """When a cycle that is due at a time can start: while the ledgers, or the bank, are open."""
        return office_hours(at_ns) if self.by_file else in_hours(at_ns)

    def may_fund(self, at_ns: int) -> bool:
        """Whether a payer can fund now, as far as hours go."""
        return not self.by_file or office_hours(at_ns) == at_ns

    def closes_ns(self, started_ns: int) -> int:
        """When the window of a cycle that started at a time closes, and the cycle completes."""
        return morning_file(started_ns, started_ns) if self.by_file else started_ns + WINDOW_NS

    def completes_ns(self, started_ns: int, at_ns: int) -> int:
        """From a time on, when a cycle whose window has closed can complete."""
        return morning_file(started_ns, at_ns) if self.by_file else in_hours(at_ns)
