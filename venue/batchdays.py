"""Market days through the batch door: the schedule as rows, books on all cores, one answer.

Purpose: put the venue's acts (day_plan of venue/schedule.py, without settlement) among order rows,
run independent books side by side in threads, and join the events again.
Ordering: as in venue/simulation.py. At the same instant the schedule goes first, then quotes are
renewed whose time has come, then orders. Events stand in the order of the commands that caused
them; a renewal stands before the first command after it, by time and listing order; within a step
of the schedule issue after issue, phase and cross together.
Invariants: books know nothing of each other, so the number of workers changes no event; what
differs by worker (a kernel's command and trade numbers) is replaced when joining.
Cost: O(commands + events); threads share the machine only while the kernel runs by itself, for
the rules' own steps hold the interpreter lock.
"""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import date
from itertools import pairwise
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from market.commands import ChangePhase, CloseDay, Command, OpenDay, RunAuction
from market.ids import InstrumentId
from market.instrument import Instrument
from market.quantities import TimeNs
from market.rules import Rules
from matching.batch import Batch
from matching.rows import COMMAND, EVENT, EVERY_ISSUE, PHASES, Op
from venue.schedule import day_plan

_EPOCH: Final = date(1970, 1, 1)
_ANY: Final = InstrumentId("*")


@dataclass(frozen=True, slots=True)
class Commands:
    """Command rows in the order in which they run.

    Attributes:
        rows: COMMAND rows.
        at_ns: Market time of each, UTC ns, never going back.
        is_act: Which rows are the venue's own.
    """

    rows: NDArray[Any]
    at_ns: NDArray[np.int64]
    is_act: NDArray[np.bool_]

    def until(self, count: int, issue: int) -> "Commands":
        """Of the first ``count`` rows those that one issue sees."""
        names = self.rows["instrument"][:count]
        mine = np.flatnonzero((names == issue) | (names == EVERY_ISSUE))
        rows = self.rows[mine]
        rows["instrument"][rows["instrument"] == issue] = 0
        return Commands(rows, self.at_ns[mine], self.is_act[mine])


@dataclass(frozen=True, slots=True)
class Told:
    """What a run told.

    Attributes:
        events: EVENT rows; ``command`` counts the rows of :class:`Commands`.
        at_ns: Market time of each.
        renewed: Which events a renewal of a quote caused, not their command.
    """

    events: NDArray[Any]
    at_ns: NDArray[np.int64]
    renewed: NDArray[np.bool_]


def act_rows(rules: Rules, days: Sequence[date]) -> tuple[NDArray[Any], NDArray[np.int64]]:
    """The venue's acts on those business days, on all issues at once, with their times."""
    acts: list[tuple[int, int, int]] = []
    for day in days:
        for at_ns, command in day_plan(rules, day, (_ANY,)):
            op, value = _act(command)
            if op:
                acts.append((at_ns, op, value))
    rows = np.zeros(len(acts), dtype=COMMAND)
    rows["instrument"] = EVERY_ISSUE
    rows["op"] = [op for _, op, _ in acts]
    rows["quantity_units"] = [value for _, _, value in acts]
    return rows, np.array([at_ns for at_ns, _, _ in acts], dtype=np.int64)


def _act(command: Command) -> tuple[int, int]:
    """Code and quantity of an act; 0 for what is settlement's."""
    if isinstance(command, OpenDay):
        return Op.OPEN_DAY, (command.business_date - _EPOCH).days
    if isinstance(command, ChangePhase):
        return Op.PHASE, PHASES.index(command.phase)
    if isinstance(command, RunAuction):
        return Op.AUCTION, 0
    return (Op.CLOSE_DAY, 0) if isinstance(command, CloseDay) else (0, 0)


def with_acts(
    rules: Rules, days: Sequence[date], rows: NDArray[Any], at_ns: NDArray[np.int64]
) -> Commands:
    """Order rows among the acts of their days, sorted by time; equal times keep their order."""
    acts, act_ns = act_rows(rules, days)
    times = np.concatenate((act_ns, at_ns))
    order = np.argsort(times, kind="stable")
    return Commands(np.concatenate((acts, rows))[order], times[order], order < len(acts))


class _Watched(Batch):
    """A batch that knows when its quotes were renewed, and lets the schedule go first."""

    def __init__(
        self, rules: Rules, instruments: Sequence[Instrument], *, indicative: bool
    ) -> None:
        super().__init__(rules, instruments, indicative=indicative)
        self.acts_follow = False
        self.renewals: list[tuple[int, int, int]] = []
        self._has_quotes = rules.special_quotes.value

    def _renew_until(self, at_ns: TimeNs) -> None:
        last = at_ns - self.acts_follow
        waiting = self._writer.renewals
        while waiting and waiting[0][0] <= last:
            due, first = waiting[0][0], self.kernel.told
            super()._renew_until(due)
            self.renewals.append((first, self.kernel.told, due))

    def renew_until(self, at_ns: TimeNs) -> None:
        """Renew what is due by then, though no command comes."""
        self.engine.at_ns = max(self.engine.at_ns, at_ns)
        self._renew_until(at_ns)

    def play(self, commands: Commands) -> tuple[NDArray[Any], NDArray[np.int64]]:
        """Run commands; the events, and the due time of those that are renewals' (else -1)."""
        count = len(commands.rows)
        edges = [0, count]
        if self._has_quotes:
            turns = np.flatnonzero(np.diff(commands.is_act)) + 1
            edges = [0, *turns.tolist(), count]
        parts, dues = [np.zeros(0, dtype=EVENT)], [np.zeros(0, dtype=np.int64)]
        for first, stop in pairwise(edges):
            self.acts_follow = bool(stop > first and commands.is_act[first])
            self.renewals.clear()
            part = self.run(commands.rows[first:stop], commands.at_ns[first:stop])
            due = np.full(len(part), -1, dtype=np.int64)
            for start, end, when in self.renewals:
                due[start:end] = when
            parts.append(part)
            dues.append(due)
        return np.concatenate(parts), np.concatenate(dues)


def one_book(
    rules: Rules, instrument: Instrument, commands: Commands, before: tuple[int, bool]
) -> Batch:
    """One issue's book after some of its own commands (:meth:`Commands.until`).

    ``before`` is the moment: quotes due before that time are renewed, those of that very time only
    if the flag is set.
    """
    batch = _Watched(rules, [instrument], indicative=False)
    batch.play(commands)
    at_ns, batch.acts_follow = before[0], not before[1]
    batch.renew_until(TimeNs(at_ns))
    return batch


def run_commands(
    rules: Rules,
    instruments: Sequence[Instrument],
    commands: Commands,
    *,
    workers: int = 1,
    indicative: bool = False,
) -> Told:
    """Run commands on as many workers as asked for; the answer does not depend on how many.

    Args:
        rules: The rulebook of all issues.
        instruments: Issues by the numbers on the rows; worker w takes numbers w, w + workers, ...
        commands: What to run, the venue's acts included.
        workers: Batches, each in a thread of its own.
        indicative: Tell every change of the indicative price, at the rules' speed.
    """
    workers = max(1, min(workers, len(instruments)))
    names = commands.rows["instrument"]

    def work(worker: int) -> tuple[NDArray[Any], NDArray[np.int64]]:
        mine = np.flatnonzero((names % workers == worker) | (names == EVERY_ISSUE))
        rows = commands.rows[mine]
        named = rows["instrument"] != EVERY_ISSUE
        rows["instrument"][named] //= workers
        batch = _Watched(rules, instruments[worker::workers], indicative=indicative)
        events, due = batch.play(Commands(rows, commands.at_ns[mine], commands.is_act[mine]))
        events["command"] = mine[events["command"]]
        told = events["instrument"] >= 0
        events["instrument"][told] = events["instrument"][told] * workers + worker
        return events, due

    if workers == 1:
        found = [work(0)]
    else:
        with ThreadPoolExecutor(workers) as pool:
            found = list(pool.map(work, range(workers)))
    events = np.concatenate([part for part, _ in found])
    due = np.concatenate([part for _, part in found])
    return _joined(commands, events, due, len(instruments))


def _joined(commands: Commands, events: NDArray[Any], due: NDArray[np.int64], issues: int) -> Told:
    """Events of all workers in the one order that does not depend on the workers."""
    renewed = due >= 0
    if renewed.any():
        follows = commands.at_ns * 2 + ~commands.is_act
        events["command"][renewed] = np.searchsorted(follows, due[renewed] * 2 + 1)
    steps = np.arange(len(commands.rows))
    steps[commands.rows["op"] == Op.AUCTION] -= 1  # a cross belongs to the phase just before it
    key = (steps[events["command"]] * 2 + ~renewed) * (issues + 1) + events["instrument"] + 1
    if renewed.any():
        key = _ranked(key // (issues + 1), due, events["instrument"])
    order = np.argsort(key, kind="stable")
    events, due, renewed = events[order], due[order], renewed[order]
    at_ns = commands.at_ns[events["command"]] if len(events) else np.zeros(0, dtype=np.int64)
    return Told(events, np.where(renewed, due, at_ns), renewed)


def _ranked(*keys: NDArray[Any]) -> NDArray[np.int64]:
    """One number for each row that sorts like several, the first one leading."""
    order = np.lexsort(keys[::-1])
    changes = np.zeros(len(order), dtype=np.int64)
    for key in keys:
        ordered = key[order]
        changes[1:] |= ordered[1:] != ordered[:-1]
    ranks = np.empty(len(order), dtype=np.int64)
    ranks[order] = np.cumsum(changes)
    return ranks
