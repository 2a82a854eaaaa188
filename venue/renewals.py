"""Renews special quotes (特別気配) of a served venue when their time has come.

The market says in ``QuoteShown`` when a quote moves on; this waits for that market time and gives
``RenewQuote``. One timer waits for the earliest quote, whatever their number. A quote that traded or
ended meanwhile is not renewed, and should it end in the very same moment the market refuses the
stale number. After a restart from the journal the quotes still shown are asked of the market.

Determinism: the command is journaled with its time like any other; a replay needs no timer.
"""

import asyncio
from collections.abc import Iterable
from heapq import heappop, heappush

from market.commands import RenewQuote
from market.events import Event, QuoteEnded, QuoteShown
from market.ids import InstrumentId
from market.quantities import TimeNs
from venue.seams import Clock
from venue.sequencer import Published, Sequencer


class DueQuotes:
    """The quotes that will move on, by time; of one time, as they were shown."""

    def __init__(self) -> None:
        self._due: list[tuple[TimeNs, int, InstrumentId, int]] = []
        self._shown: dict[InstrumentId, int] = {}
        self._noted = 0

    @property
    def next_ns(self) -> TimeNs | None:
        """When the earliest is due, or None."""
        return self._due[0][0] if self._due else None

    def take(self) -> RenewQuote | None:
        """The earliest one's renewal; None when that quote is not shown any more."""
        _, _, instrument_id, number = heappop(self._due)
        if self._shown.get(instrument_id) != number:
            return None
        return RenewQuote(instrument_id=instrument_id, quote_number=number)

    def hear(self, events: Iterable[Event]) -> bool:
        """Follow what is shown; whether another quote is due some time."""
        before = self._noted
        for event in events:
            if isinstance(event, QuoteShown):
                self.note(event.instrument_id, event.quote_number, event.renew_at_ns)
            elif isinstance(event, QuoteEnded):
                self._shown.pop(event.instrument_id, None)
        return self._noted != before

    def note(self, instrument_id: InstrumentId, number: int, renew_at_ns: TimeNs) -> None:
        """A quote is shown, to be renewed then; never, when the time is 0."""
        self._shown[instrument_id] = number
        if renew_at_ns:
            self._noted += 1
            heappush(self._due, (renew_at_ns, self._noted, instrument_id, number))


class QuoteRenewals:
    """Gives renewals to a served venue."""

    def __init__(self, sequencer: Sequencer, clock: Clock) -> None:
        self._sequencer = sequencer
        self._clock = clock
        self._due = DueQuotes()
        self._changed = asyncio.Event()
        core = sequencer.core
        if core.sequence and core.business_date is not None:
            for instrument_id, number, renew_at_ns in core.engine.quotes_shown():
                self._due.note(instrument_id, number, renew_at_ns)
        sequencer.listen(self._hear)

    async def run(self) -> None:
        """Give every renewal at its time; ends only when cancelled."""
        while True:
            self._changed.clear()
            while (due := self._due.next_ns) is not None and due <= self._clock.market_ns():
                renewal = self._due.take()
                if renewal is not None:
                    self._sequencer.submit(renewal, must=True)
            await self._wait(due)

    async def _wait(self, due: TimeNs | None) -> None:
        """Until that time, or until another quote comes."""
        if due is None:
            await self._changed.wait()
            return
        seconds = self._clock.real_seconds_until(due)
        try:
            await asyncio.wait_for(self._changed.wait(), timeout=seconds)
        except TimeoutError:
            return

    def _hear(self, published: Published) -> None:
        for _, events in published.steps:
            if self._due.hear(events):
                self._changed.set()
