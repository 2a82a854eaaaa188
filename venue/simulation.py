"""Whole days in one process: virtual time, no sockets, the same core and the same journal.

Intents (from the seeded flow or an order file) become requests of one session per firm and meet
the scheduled steps in time order; at the same instant the schedule goes first, then quotes are
renewed whose time has come, then the operator acts, then intents. What they meet is the very core
the served venue runs, so a simulated journal replays and verifies like any other.
"""

from collections.abc import Callable, Iterable, Iterator
from heapq import merge
from typing import Final

from market.business_days import at_jst
from market.commands import Command, Entry, OpenDay, OpenSession
from market.events import Event
from market.ids import KeyId, ParticipantId, SessionId
from market.quantities import SequenceNo, TimeNs
from market.rules import AmendMode
from matching.books import DEFAULT
from participants.carried import CarriedOrders
from participants.intents import Intent, to_request
from participants.orderflow import entry_windows
from venue.conductor import remaining_days
from venue.core import Core
from venue.journal import Journal, Row
from venue.renewals import DueQuotes
from venue.schedule import Step
from venue.settings import (
    VenueSettings,
    check_opening,
    chosen_rules,
    first_day_of,
    opening_commands,
)

IntentsOf = Callable[[int], Iterable[Intent]]
"""The intents of trading day n, from 1, sorted by time."""

ActsOf = Callable[[int], Iterable[tuple[int, Command]]]
"""What the operator does on business day n of the run, from 1: milliseconds after midnight, act."""

Seen = Callable[[Entry, list[Event]], None]

_GROUP: Final = 512
_NS_PER_MS: Final = 1_000_000
_STEP, _RENEWAL, _ACT, _INTENT = range(4)
"""What goes first at the same instant."""


def rehearse(settings: VenueSettings) -> None:
    """Try a run's opening on a market that is thrown away, before anything is written.

    Raises:
        BadInput: When the market refuses the settings.
    """
    Simulation(settings).open()


class Simulation:
    """Runs a venue's days without waiting for anyone.

    Attributes:
        core: The market; read it when the run is over.
    """

    def __init__(
        self,
        settings: VenueSettings,
        *,
        journal: Journal | None = None,
        seen: Seen | None = None,
        book: str = DEFAULT,
    ) -> None:
        """A run before its first command.

        Args:
            settings: The venue; every firm with a key gets one session.
            journal: An empty journal to write, or None to keep no record.
            seen: Called with every entry and its events.
            book: Name of the books (matching/books.py).
        """
        self.core = Core(book)
        self._settings = settings
        self._journal = journal
        self._seen = seen
        self._rows: list[Row] = []
        self._sessions = {
            ParticipantId(firm.participant_id): SessionId(firm.keys[0].session_id)
            for firm in settings.firms
            if firm.keys
        }
        self._requests = 0
        self._quotes = DueQuotes()
        self._carried: CarriedOrders | None = None

    def open(self) -> None:
        """Apply the opening commands: venue, issues, firms, keys, what the firms start with.

        Raises:
            BadInput: When the market refuses one.
        """
        if self._settings.good_till_days:
            rules = chosen_rules(self._settings)
            first_ms = entry_windows(rules)[0].from_ms
            self._carried = CarriedOrders(self._settings.good_till_days, first_ms)
        start = at_jst(first_day_of(self._settings), 0)
        for command in opening_commands(self._settings):
            check_opening(command, self._apply(start, command))
        for firm in self._settings.firms:
            for key in firm.keys[:1]:
                opening = OpenSession(
                    session_id=SessionId(key.session_id), key_id=KeyId(key.key_id), takeover=False
                )
                self._apply(start, opening)

    def run(self, intents_of: IntentsOf, acts_of: ActsOf = lambda _: ()) -> Core:
        """Play every day to its end and return the core.

        What was applied is in the journal also when something goes wrong on the way.
        """
        try:
            self.open()
            for plan in remaining_days(self.core, self._settings):
                self._play(plan, intents_of, acts_of)
        finally:
            self._flush()
        return self.core

    def _play(self, plan: list[Step], intents_of: IntentsOf, acts_of: ActsOf) -> None:
        """One business day: its steps and, on a trading day, its intents in time order."""
        if not isinstance(plan[0][1], OpenDay):  # the evening before
            for step in plan:
                self._apply(*step)
            return
        number = self.core.days_opened + 1
        opened, *rest = plan
        self._apply(*opened)
        asked: Iterable[Intent] = ()
        if number <= self._settings.days:
            again = () if self._carried is None else self._carried.day(number)
            asked = merge(again, intents_of(number), key=lambda intent: intent.at_ms)
        midnight = at_jst(self.core.business_date or self._settings.first_day, 0)
        acts = (
            (TimeNs(midnight + at_ms * _NS_PER_MS), _ACT, act) for at_ms, act in acts_of(number)
        )
        schedule = ((at_ns, _STEP, command) for at_ns, command in rest)
        intents = ((at_ns, _INTENT, command) for at_ns, command in self._steps(asked))
        for at_ns, rank, command in merge(schedule, acts, intents, key=lambda step: step[:2]):
            self._renew_quotes(at_ns, rank)
            self._apply(at_ns, command)

    def _renew_quotes(self, at_ns: TimeNs, rank: int) -> None:
        """Renew, each at its time, the quotes that are due before a step of this time and rank."""
        while (due := self._quotes.next_ns) is not None and (due, _RENEWAL) < (at_ns, rank):
            renewal = self._quotes.take()
            if renewal is not None:
                self._apply(due, renewal)

    def _steps(self, intents: Iterable[Intent]) -> Iterator[Step]:
        day = self.core.business_date
        if day is None:
            return
        by_total = self.core.rules.amend_mode.value is AmendMode.REPLACE_TOTAL
        for intent in intents:
            self._requests += 1
            request = to_request(
                intent,
                session_id=self._sessions[intent.participant_id],
                generation=1,
                req_id=str(self._requests),
                by_total=by_total,
            )
            yield TimeNs(at_jst(day, 0) + intent.at_ms * _NS_PER_MS), request

    def _apply(self, at_ns: TimeNs, command: Command) -> list[Event]:
        core = self.core
        entry = Entry(
            sequence=SequenceNo(core.sequence + 1),
            at_ns=TimeNs(max(core.at_ns, at_ns)),
            command=command,
        )
        if self._journal is not None:
            self._rows.append(self._journal.row(entry))
            if len(self._rows) >= _GROUP:
                self._flush()
        events = core.apply(entry)
        if self._carried is not None:
            for event in events:
                self._carried.hear(event)
        core.reports.drain()
        core.feeds.drain()
        self._quotes.hear(events)
        if self._seen is not None:
            self._seen(entry, events)
        return events

    def _flush(self) -> None:
        if self._journal is not None and self._rows:
            self._journal.write(self._rows)
            self._rows = []
