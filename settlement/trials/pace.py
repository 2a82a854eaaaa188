"""When a step of an obligation can be taken: after its delay, in its hours, and slower in bad weather.

Purpose: one place for every wait that is not for somebody or something. Units: ns. Cost: O(1).
Source: hours.py; the delays of people and repairs are drawn by trade (people.py).
"""

from settlement.designs.conduct import MINUTE_NS, After, Conduct
from settlement.trials.blame import charge
from settlement.trials.desk import Deal, Desk
from settlement.trials.hours import in_hours, morning_file, next_opening, office_hours
from settlement.trials.people import people_ns, repair_minutes
from settlement.trials.rows import Row


class Pace:
    """The times of one trial's steps."""

    def __init__(self, desk: Desk, conduct: Conduct) -> None:
        """By the conduct of a design."""
        self._desk = desk
        self._conduct = conduct
        self._by_file = desk.case.by_file

    def ready_ns(self, deal: Deal, row: Row) -> int:
        """The first moment, from now on, at which a step can be taken; a slow one is charged."""
        at_ns = self._open_ns(deal, row)
        weather = self._desk.weather
        if row.gives and weather.slow:
            at_ns = self._slowed(deal, at_ns)
        if row.gives and weather.closed:
            at_ns = max(at_ns, self.entry_ns(deal))
        return at_ns

    def _open_ns(self, deal: Deal, row: Row) -> int:
        now = self._desk.at_ns
        asked_ns = deal.entered_ns + self.delay_ns(deal, row)
        at_ns = max(now, asked_ns)
        if self._by_file and row.by_file:
            return morning_file(office_hours(asked_ns), at_ns)
        at_ns = row.hours(at_ns)
        if row.first_lock and self._conduct.tick_ns and at_ns == now:
            expiry = now + self._conduct.last_ticks * self._conduct.tick_ns
            if in_hours(expiry) != expiry or expiry > self._desk.end_ns:
                return next_opening(now)  # a lock must expire while ledgers work
        return at_ns

    def _slowed(self, deal: Deal, at_ns: int) -> int:
        """A step that was begun while a ledger or its notary was slow takes longer."""
        began = max(deal.entered_ns, deal.ready_ns)
        longer, cause, family = self._desk.weather.slow_ns(began)
        if longer and at_ns < began + longer:
            charge(self._desk, deal, [(cause, family, began + longer - at_ns)])
            return began + longer
        return at_ns

    def entry_ns(self, deal: Deal) -> int:
        """From when a settlement may begin, while a contract or an escrow's address is replaced."""
        desk = self._desk
        if not desk.weather.closed or deal.run.world.is_begun:
            return desk.at_ns
        opens, waits = desk.weather.clear(("entry",), desk.at_ns)
        charge(desk, deal, waits)
        return opens

    def delay_ns(self, deal: Deal, row: Row) -> int:
        """How long after its state was entered a step is taken."""
        if row.delay_ns is not None:
            return row.delay_ns
        seed = self._desk.case.seed
        if row.step.after is After.PEOPLE:
            return people_ns(seed, deal.name)
        forced = deal.name in self._desk.weather.mismatched
        return repair_minutes(seed, deal.name, forced=forced) * MINUTE_NS

    def expiry_ns(self, deal: Deal) -> int:
        """When a second lock made now expires (B1)."""
        return deal.began_ns + self._conduct.first_ticks * self._conduct.tick_ns
