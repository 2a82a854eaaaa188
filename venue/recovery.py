"""From what is on the disk to a running market, and back to a digest that can be compared."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from market.commands import CloseSession, Command, Entry
from market.errors import KitahamaError
from market.events import Event
from market.quantities import SequenceNo, TimeNs
from matching.books import DEFAULT
from venue.core import Core
from venue.journal import Journal, read_entries
from venue.settings import check_opening

_FORGET_EVERY: Final = 256
"""Entries of a replay between two drains; each drain tells the depth of every changed book."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a replay found.

    Attributes:
        commands: Entries replayed.
        digest: SHA-256 of the state they lead to.
        conservation: One sentence for each conserved asset.
    """

    commands: int
    digest: str
    conservation: list[str]


Heard = Callable[[Core, Entry, list[Event]], None]
"""Who wants to know what a journal said: the core after the entry, the entry, its events."""


def recover(
    journal: Journal,
    opening: list[Command],
    at_ns: TimeNs,
    book: str = DEFAULT,
    heard: Sequence[Heard] = (),
) -> Core:
    """Bring a market back from its journal, or begin a new one with its opening commands.

    Sessions that were live when the process died are closed by journaled commands, so what a
    lost connection does to their orders happens exactly once.

    Args:
        journal: Open and not read yet.
        opening: What a new run begins with.
        at_ns: Market time of what is written now.
        book: Name of the books.
        heard: Each is told every entry, old and new, with its events.

    Raises:
        JournalError: When the record cannot be trusted; the venue must not start.
        BadInput: When a new run's settings are refused by the market.
    """
    core = Core(book)
    for entry in journal.read():
        told = core.apply(entry)
        for hear in heard:
            hear(core, entry, told)
        if not core.sequence % _FORGET_EVERY:
            _forget_outbound(core)
    _forget_outbound(core)
    begun: list[Command] = [
        CloseSession(session_id=session.session_id, generation=session.generation, orderly=False)
        for session in (core.participants.sessions.values() if core.sequence else ())
        if session.live
    ]
    is_new = core.sequence == 0
    rows = []
    for command in opening if is_new else begun:
        entry = Entry(
            sequence=SequenceNo(core.sequence + 1),
            at_ns=TimeNs(max(core.at_ns, at_ns)),
            command=command,
        )
        rows.append(journal.row(entry))
        events = core.apply(entry)
        if is_new:
            check_opening(command, events)
        for hear in heard:
            hear(core, entry, events)
        _forget_outbound(core)
    if rows:
        journal.write(rows)
    return core


def replay(
    entries: Iterable[Entry],
    seen: Callable[[Entry, list[Event]], None] | None = None,
    book: str = DEFAULT,
) -> Core:
    """Apply entries to a fresh core.

    Raises:
        KitahamaError: When there is nothing to replay.
    """
    core = Core(book)
    for entry in entries:
        events = core.apply(entry)
        if not core.sequence % _FORGET_EVERY:
            _forget_outbound(core)
        if seen is not None:
            seen(entry, events)
    _forget_outbound(core)
    if core.sequence == 0:
        raise KitahamaError("the journal is empty")
    return core


def _forget_outbound(core: Core) -> None:
    """Let go of reports and market data that went out long ago."""
    if core.sequence:
        core.reports.drain()
        core.feeds.drain()


def verify(folder: Path, book: str = DEFAULT) -> Verdict:
    """Check a run's chain, replay it, and check every invariant at its end.

    Raises:
        JournalError: When the record cannot be trusted.
        InvariantBroken: When the state it leads to is inconsistent.
    """
    core = replay(read_entries(folder), book=book)
    core.check_invariants()
    return Verdict(core.sequence, core.digest(), core.conservation())
