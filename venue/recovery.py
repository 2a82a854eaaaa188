"""From what is on the disk to a running market, and back to a digest that can be compared."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from market.commands import CloseSession, Command, Entry
from market.errors import KitahamaError
from market.events import Event
from market.quantities import SequenceNo, TimeNs
from venue.core import Core
from venue.journal import Journal, read_entries
from venue.settings import check_opening


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


def recover(journal: Journal, opening: list[Command], at_ns: TimeNs) -> Core:
    """Bring a market back from its journal, or begin a new one with its opening commands.

    Sessions that were live when the process died are closed by journaled commands, so what a
    lost connection does to their orders happens exactly once.

    Raises:
        JournalError: When the record cannot be trusted; the venue must not start.
        BadInput: When a new run's settings are refused by the market.
    """
    core = Core()
    for entry in journal.read():
        core.apply(entry)
        core.reports.drain()
        core.feeds.drain()
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
        core.reports.drain()
        core.feeds.drain()
    if rows:
        journal.write(rows)
    return core


def replay(
    entries: Iterable[Entry], seen: Callable[[Entry, list[Event]], None] | None = None
) -> Core:
    """Apply entries to a fresh core.

    Raises:
        KitahamaError: When there is nothing to replay.
    """
    core = Core()
    for entry in entries:
        events = core.apply(entry)
        core.reports.drain()
        core.feeds.drain()
        if seen is not None:
            seen(entry, events)
    if core.sequence == 0:
        raise KitahamaError("the journal is empty")
    return core


def verify(folder: Path) -> Verdict:
    """Check a run's chain, replay it, and check every invariant at its end.

    Raises:
        JournalError: When the record cannot be trusted.
        InvariantBroken: When the state it leads to is inconsistent.
    """
    core = replay(read_entries(folder))
    core.check_invariants()
    return Verdict(core.sequence, core.digest(), core.conservation())
