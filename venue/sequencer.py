"""The single writer: numbers commands, writes them to the journal, applies them, publishes.

One task calls ``core.apply``; everything else only queues. A turn takes what has arrived (at most
``group_commands_max``), writes each line to the turn's rows before its step runs, then puts all
rows on the disk with one sync. Answers, reports and market data leave after that sync returned:
nothing acknowledged is ever lost. A failed sync or a broken invariant ends the process.
"""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import Final

from feeds.snapshot import FeedMessage
from market.commands import Command, Entry
from market.events import Event
from market.ids import SessionId
from market.quantities import SequenceNo, TimeNs
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
    """Owns the core and the journal while the venue runs."""

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
        self._ahead_of_disk = False
        self._waiting: list[Callable[[], None]] = []
        self._listeners: list[Callable[[Published], None]] = []
        self._disk = ThreadPoolExecutor(max_workers=1, thread_name_prefix="journal")

    def listen(self, listener: Callable[[Published], None]) -> None:
        """Call ``listener`` after every turn, in the order listeners were added."""
        self._listeners.append(listener)

    def submit(self, command: Command, done: Done | None = None, *, must: bool = False) -> bool:
        """Queue a command; False, at once, when the inbox is full (answer: BUSY).

        ``must`` is for the few commands that follow from what already happened, like the end of
        a connection; there is at most one of them for each connection.
        """
        if self._stopping or (len(self._inbox) >= self._inbox_max and not must):
            return False
        if not self._inbox:
            self._wake.set()
        self._inbox.append((command, done))
        return True

    def when_durable(self, callback: Callable[[], None]) -> None:
        """Call back, now or after this turn's sync, at a moment when core state is on the disk.

        Whatever reads core state for a client goes through here, so nobody is told of an order
        that a power cut could still undo.
        """
        if self._ahead_of_disk:
            self._waiting.append(callback)
        else:
            callback()

    async def durable(self) -> None:
        """Wait for such a moment; it lasts until the caller awaits something else."""
        while self._ahead_of_disk:
            reached: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            self._waiting.append(partial(_reach, reached))
            await reached

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
        self._stopping = True
        self._wake.set()

    async def run(self) -> None:
        """Apply commands in the order they were queued, until stopped.

        Raises:
            InvariantBroken: The program is wrong; the rows so far are on the disk as evidence.
            apsw.Error: The disk refused; nothing of this turn was published.
        """
        loop = asyncio.get_running_loop()
        try:
            while self._inbox or not self._stopping:
                if not self._inbox:
                    self._wake.clear()
                    await self._wake.wait()
                    continue
                group, self._inbox = (
                    self._inbox[: self._group_max],
                    self._inbox[self._group_max :],
                )
                rows: list[Row] = []
                self._ahead_of_disk = True
                try:
                    steps = self._turn(group, rows)
                finally:
                    if rows:
                        await loop.run_in_executor(self._disk, self._journal.write, rows)
                self._ahead_of_disk = False
                if self._publish(group, steps):
                    await asyncio.sleep(0)  # who waited reads before the next turn runs ahead
        finally:
            self._stopping = True
            self._disk.shutdown()

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
    ) -> bool:
        """Let a durable turn out; returns whether somebody had waited for it."""
        for (_, done), (entry, events) in zip(group, steps, strict=True):
            if done is not None:
                done(entry, events)
        published = Published(steps, self.core.reports.drain(), self.core.feeds.drain())
        for listener in self._listeners:
            listener(published)
        waiting, self._waiting = self._waiting, []
        for callback in waiting:
            callback()
        return bool(waiting)


def _reach(moment: "asyncio.Future[None]") -> None:
    if not moment.done():
        moment.set_result(None)
