"""Renews special quotes (特別気配) of a served venue when their time has come.

The market says in ``QuoteShown`` when a quote moves on; this waits for that market time and gives
``RenewQuote``. One timer waits for the earliest quote, whatever their number. A quote that traded or
ended meanwhile is not renewed, and should it end in the very same moment the market refuses the
stale number. After a restart from the journal the quotes still shown are asked of the market.

Determinism: the command is journaled with its time like any other; a replay needs no timer.
"""

import asyncio
from heapq import heappop, heappush

from market.commands import RenewQuote
from market.events import QuoteEnded, QuoteShown
from market.ids import InstrumentId
from market.quantities import TimeNs
from venue.seams import Clock
from venue.sequencer import Published, Sequencer


class QuoteRenewals:
    """The quotes that will move on, by time."""

    def __init__(self, sequencer: Sequencer, clock: Clock) -> None:
        self._sequencer = sequencer
        self._clock = clock
        self._due: list[tuple[TimeNs, InstrumentId, int]] = []
        self._shown: dict[InstrumentId, int] = {}
        self._changed = asyncio.Event()
        core = sequencer.core
        if core.sequence and core.business_date is not None:
            for instrument_id, number, renew_at_ns in core.engine.quotes_shown():
                self._note(instrument_id, number, renew_at_ns)
        sequencer.listen(self._hear)

    async def run(self) -> None:
        """Give every renewal at its time; ends only when cancelled."""
        while True:
            self._changed.clear()
            while self._due and self._due[0][0] <= self._clock.market_ns():
                _, instrument_id, number = heappop(self._due)
                if self._shown.get(instrument_id) == number:
                    renewal = RenewQuote(instrument_id=instrument_id, quote_number=number)
                    self._sequencer.submit(renewal, must=True)
            await self._wait()

    async def _wait(self) -> None:
        """Until the earliest quote is due, or another one comes."""
        if not self._due:
            await self._changed.wait()
            return
        seconds = self._clock.real_seconds_until(self._due[0][0])
        try:
            await asyncio.wait_for(self._changed.wait(), timeout=seconds)
        except TimeoutError:
            return

    def _hear(self, published: Published) -> None:
        for _, events in published.steps:
            for event in events:
                if isinstance(event, QuoteShown):
                    self._note(event.instrument_id, event.quote_number, event.renew_at_ns)
                elif isinstance(event, QuoteEnded):
                    self._shown.pop(event.instrument_id, None)

    def _note(self, instrument_id: InstrumentId, number: int, renew_at_ns: TimeNs) -> None:
        self._shown[instrument_id] = number
        if renew_at_ns:
            heappush(self._due, (renew_at_ns, instrument_id, number))
            self._changed.set()
