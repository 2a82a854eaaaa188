"""The single writer: numbers commands, writes them to the journal, applies them, publishes.

One task calls ``core.apply``; everything else only queues. A turn takes what has arrived (at most
``group_commands_max``), writes each line to the turn's rows before its step runs, then puts all
rows on the disk with one sync, without awaiting in between, so nobody else ever sees a market that
is ahead of its disk. Answers, reports and market data leave after that sync returned: nothing
acknowledged is ever lost. A failed sync or a broken invariant ends the process.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from feeds.snapshot import FeedMessage
from market.commands import Command, Entry
from market.errors import InvariantBroken
from market.events import Event
from market.ids import SessionId
from market.quantities import SequenceNo, TimeNs
from market.reasons import RejectReason
from venue.core import Core
from venue.journal import Journal, Row
from venue.seams import Clock

Done = Callable[[Entry, list[Event]], None]
"""Called after the sync that covers the entry."""

_GROUP_MAX: Final = 512
_INBOX_MAX: Final = 100_000


@dataclass(slots=True)
class Published:
    """What one turn lets out, in order.

    Attributes:
        steps: Each entry with its events.
        reports: (session, report number, bytes), to the sessions' connections.
        messages: Market data, to the subscribers.
    """

    steps: list[tuple[Entry, list[Event]]]
    reports: list[tuple[SessionId, int, bytes]]
    messages: list[FeedMessage]


class Sequencer:
    """Owns the core and the journal while the venue runs.

    Attributes:
        refusal: Why :meth:`submit` says no: the inbox is full, the venue ends, or it has failed.
    """

    def __init__(
        self,
        core: Core,
        journal: Journal,
        clock: Clock,
        *,
        inbox_commands_max: int = _INBOX_MAX,
        group_commands_max: int = _GROUP_MAX,
    ) -> None:
        self.core = core
        self.clock = clock
        self._journal = journal
        self._inbox: list[tuple[Command, Done | None]] = []
        self._inbox_max = inbox_commands_max
        self._group_max = group_commands_max
        self._wake = asyncio.Event()
        self._stopping = False
        self.refusal = RejectReason.BUSY
        self._listeners: list[Callable[[Published], None]] = []

    def listen(self, listener: Callable[[Published], None]) -> None:
        """Call ``listener`` after every turn, in the order listeners were added."""
        self._listeners.append(listener)

    def submit(self, command: Command, done: Done | None = None, *, must: bool = False) -> bool:
        """Queue a command; False, at once, when the inbox is full (see ``refusal``).

        ``must`` is for the few commands that follow from what already happened, like the end of
        a connection; there is at most one of them for each connection.
        """
        if self._stopping or (len(self._inbox) >= self._inbox_max and not must):
            return False
        if not self._inbox:
            self._wake.set()
        self._inbox.append((command, done))
        return True

    async def perform(self, command: Command) -> list[Event]:
        """Submit a command of the venue itself and wait until it is durable.

        Raises:
            RuntimeError: When the sequencer stops.
        """
        answer: asyncio.Future[list[Event]] = asyncio.get_running_loop().create_future()
        if not self.submit(command, lambda _, events: answer.set_result(events), must=True):
            raise RuntimeError("the sequencer takes no more commands")
        return await answer

    def stop(self) -> None:
        """Take no more commands; :meth:`run` returns once the queued ones are durable."""
        self._stopping, self.refusal = True, RejectReason.NOT_READY
        self._wake.set()

    async def run(self) -> None:
        """Apply commands in the order they were queued, until stopped.

        A turn does not await between its first step and its sync, so whoever reads core state
        finds only what is durable (DECISIONS.md 0019).

        Raises:
            InvariantBroken: The program is wrong; the rows so far are on the disk as evidence.
            apsw.Error: The disk refused; nothing of this turn was published.
        """
        try:
            while group := await self._next_group():
                rows: list[Row] = []
                try:
                    steps = self._turn(group, rows)
                finally:
                    if rows:
                        self._journal.write(rows)
                self._publish(group, steps)
                await asyncio.sleep(0)  # the doors' turn
        except InvariantBroken:
            self.refusal = RejectReason.INTERNAL
            raise
        except Exception:
            self.refusal = RejectReason.STORAGE_FAILED
            raise
        finally:
            self._stopping = True

    async def _next_group(self) -> list[tuple[Command, Done | None]]:
        """What has arrived, once something has; empty when stopped and nothing is left."""
        while not self._inbox:
            if self._stopping:
                return []
            self._wake.clear()
            await self._wake.wait()
        group, self._inbox = self._inbox[: self._group_max], self._inbox[self._group_max :]
        return group

    def _turn(
        self, group: list[tuple[Command, Done | None]], rows: list[Row]
    ) -> list[tuple[Entry, list[Event]]]:
        core, row = self.core, self._journal.row
        steps: list[tuple[Entry, list[Event]]] = []
        at_ns = TimeNs(max(core.at_ns, self.clock.market_ns()))  # one turn, one time
        for command, _ in group:
            entry = Entry(sequence=SequenceNo(core.sequence + 1), at_ns=at_ns, command=command)
            rows.append(row(entry))  # written first
            steps.append((entry, core.apply(entry)))
        return steps

    def _publish(
        self, group: list[tuple[Command, Done | None]], steps: list[tuple[Entry, list[Event]]]
    ) -> None:
        """Let a durable turn out."""
        for (_, done), (entry, events) in zip(group, steps, strict=True):
            if done is not None:
                done(entry, events)
        published = Published(steps, self.core.reports.drain(), self.core.feeds.drain())
        for listener in self._listeners:
            listener(published)
