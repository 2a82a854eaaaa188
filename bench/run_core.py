"""How many commands a second the whole core applies, alone and with its journal, on one core.

Workloads are in venue_flow.py: ``continuous`` (tse preset, eight issues, four firms with two
sessions each) and ``start_day`` (a whole START day: call phases, crosses, settlement, closing).
Applied means: every room, all reports and all market data made, and fetched (``drain``) after each
group of commands as the sequencer does. Groups of 1, 16 and 256; an idle venue has groups of 1.
The invariant checks every 10,000 commands are part of it.

* ``core``: commands are objects already; no wire, no journal, no socket.
* ``wire``: as ``core``, each request read from JSON text by its session first.
* ``journal``: as ``core``, each entry encoded, chained and written with one sync a group.
* ``restart``: a venue comes back from that journal: read, verify the chain, decode, apply.

``core`` and ``wire`` are counted in processor time (they never wait), the rest in real time.

The answers: trades of ``continuous`` equal the plain reference book's, issue by issue; all ways of
one flow end with the same digest. Left out: sockets, the event loop, subscribers (run_wire.py).
"""

import argparse
import cProfile
import json
import pstats
import statistics
import tempfile
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from pathlib import Path
from time import perf_counter_ns, process_time_ns
from typing import Final, NamedTuple

from logon import logon_text, request_text
from machine import ROUNDS, describe, spread, timed
from venue_flow import SESSIONS, Flow, continuous, start_day
from workloads import TICK_SEN, Answer, trade_crc

from market.commands import Entry, OpenSession, Request
from market.events import Event, SessionOpened, Trade
from market.ids import InstrumentId, OrderId, SessionId
from matching.books import DEFAULT, NAMES
from participants.actions import Submit
from participants.keys import NONCE_BYTES
from participants.session import Session, SessionSettings
from participants.throttle import TakeoverGuard
from venue.core import Core
from venue.gateway import CoreDirectory
from venue.journal import Journal
from venue.recovery import replay

SIZE: Final = 60_000
RESTART_SIZE: Final = 200_000
GROUPS: Final = (1, 16, 64, 256, 512)
BOOK: dict[str, str] = {"name": DEFAULT}
"""The books every core of a run is built on."""
TARGETS: Final = {"core": 60_000, "journal": 40_000}


class Row(NamedTuple):
    """One measured figure: commands a second, one for each round."""

    flow: str
    way: str
    per_second: list[float]

    def text(self) -> str:
        """A line of the table."""
        return f"{self.flow:<11} {self.way:<24} {spread(self.per_second)} commands/s"


def groups_of(work: list[Entry], size: int) -> Iterator[list[Entry]]:
    """The work as the sequencer would take it."""
    for first in range(0, len(work), size):
        yield work[first : first + size]


def opened_core(flow: Flow) -> Core:
    """A core that has applied everything before the clock starts."""
    core = Core(BOOK["name"])
    for entry in flow.before:
        core.apply(entry)
    core.reports.drain()
    core.feeds.drain()
    return core


def apply_groups(core: Core, work: list[Entry], size: int) -> None:
    """The core alone."""
    apply, reports, feeds = core.apply, core.reports, core.feeds
    for group in groups_of(work, size):
        for entry in group:
            apply(entry)
        reports.drain()
        feeds.drain()


def apply_journaled(core: Core, journal: Journal, work: list[Entry], size: int) -> None:
    """The core with its journal: rows first, then the steps, then one sync, as the sequencer."""
    apply, row = core.apply, journal.row
    for group in groups_of(work, size):
        rows = []
        for entry in group:
            rows.append(row(entry))
            apply(entry)
        journal.write(rows)
        core.reports.drain()
        core.feeds.drain()


def measured(
    rounds: int, make: Callable[[], Callable[[], Core]], commands: int, clock: Callable[[], int]
) -> tuple[list[float], str]:
    """Commands a second of each round by ``clock``, and the digest all rounds ended with."""
    figures: list[float] = []
    digests: dict[str, None] = {}
    for _ in range(rounds):
        ran = timed(make(), clock)
        figures.append(commands * 1e9 / ran.ns)
        digests[ran.made.digest()] = None
    (digest,) = digests
    return figures, digest


def core_alone(flow: Flow, size: int) -> Callable[[], Core]:
    """One round of the core alone."""
    core = opened_core(flow)

    def work() -> Core:
        apply_groups(core, flow.work, size)
        return core

    return work


def core_journaled(flow: Flow, size: int, folder: Path) -> Callable[[], Core]:
    """One round with a fresh journal."""
    core = opened_core(flow)
    journal = Journal(Path(tempfile.mkdtemp(dir=folder)))
    journal.write([journal.row(entry) for entry in flow.before])

    def work() -> Core:
        apply_journaled(core, journal, flow.work, size)
        journal.close()
        return core

    return work


# --- with sessions


def live_sessions(flow: Flow) -> tuple[Core, dict[SessionId, Session]]:
    """A core and its sessions, logged on by real messages; the same steps as ``opened_core``."""
    core = Core(BOOK["name"])
    sessions: dict[SessionId, Session] = {}
    takeovers = TakeoverGuard()
    settings = SessionSettings(rate_per_s=1_000_000, burst=1_000_000)
    for entry in flow.before:
        command = entry.command
        if not isinstance(command, OpenSession):
            core.apply(entry)
            continue
        session = Session(
            CoreDirectory(core),
            environment="bench",
            run_id="bench",
            nonce=bytes(NONCE_BYTES),
            opened_at_ns=0,
            settings=settings,
            takeovers=takeovers,
        )
        hello = json.loads(session.hello(wall_ns=0))
        frame = logon_text(hello, command.session_id)
        (asked,) = session.receive(frame, now_ns=0, wall_ns=0, binary=False)
        assert isinstance(asked, Submit)
        (opened,) = core.apply(entry)
        assert isinstance(opened, SessionOpened)
        session.opened(opened)
        sessions[command.session_id] = session
    core.reports.drain()
    core.feeds.drain()
    return core, sessions


def with_wire(flow: Flow, size: int) -> Callable[[], Core]:
    """One round in which every request is read from its text; the day's own steps are objects."""
    core, sessions = live_sessions(flow)
    frames: list[tuple[Session | None, bytes]] = []
    numbers = dict.fromkeys(SESSIONS, 0)
    for entry in flow.work:
        command = entry.command
        if isinstance(command, Request):
            numbers[command.session_id] += 1
            text = request_text(command, numbers[command.session_id])
            frames.append((sessions[command.session_id], text))
        else:
            frames.append((None, b""))

    def work() -> Core:
        for first in range(0, len(frames), size):
            for (session, text), entry in zip(
                frames[first : first + size], flow.work[first : first + size], strict=True
            ):
                if session is not None:
                    (action,) = session.receive(text, now_ns=first, wall_ns=0, binary=False)
                    entry = Entry(  # noqa: PLW2901  the same entry, made of what was read
                        sequence=entry.sequence, at_ns=entry.at_ns, command=action.command
                    )
                core.apply(entry)
            core.reports.drain()
            core.feeds.drain()
        return core

    return work


# --- answers


def trades_by_issue(core: Core, work: Iterable[Entry]) -> dict[InstrumentId, Answer]:
    """Trades, units and CRC of each issue, in the numbering of its own flow."""
    number_of: dict[OrderId, int] = {}
    counts: dict[InstrumentId, int] = {}
    answers: dict[InstrumentId, Answer] = {}
    for entry in work:
        for event in core.apply(entry):
            kind = type(event).__name__
            if kind == "OrderAccepted":
                issue = event.instrument_id  # type: ignore[union-attr]
                counts[issue] = counts.get(issue, 0) + 1
                number_of[event.order_id] = counts[issue]  # type: ignore[union-attr]
            elif kind == "OrderAmended":
                number_of[event.order_id] = number_of[event.old_order_id]  # type: ignore[union-attr]
            elif isinstance(event, Trade):
                before = answers.get(event.instrument_id, Answer(0, 0, 0))
                maker, taker = sorted((event.buy_order_id, event.sell_order_id))
                crc = trade_crc(
                    number_of[maker],
                    number_of[taker],
                    event.price_sen // TICK_SEN,
                    event.quantity_units,
                    before.crc,
                )
                answers[event.instrument_id] = Answer(
                    before.trades + 1, before.units + event.quantity_units, crc
                )
    return answers


def counted(core: Core, work: Iterable[Entry]) -> dict[str, int]:
    """How many events of each kind, most frequent first."""
    tally: dict[str, int] = {}

    def tell(events: list[Event]) -> None:
        for event in events:
            name = type(event).__name__
            tally[name] = tally.get(name, 0) + 1

    for entry in work:
        tell(core.apply(entry))
    return dict(sorted(tally.items(), key=lambda item: -item[1]))


# --- the runs


def run_flow(name: str, flow: Flow, rounds: int, folder: Path) -> list[Row]:
    """Every way of one flow; all end with the same digest."""
    size = len(flow.work)
    rows: list[Row] = []
    digests: dict[str, None] = {}

    def row(
        way: str,
        make: Callable[[], Callable[[], Core]],
        clock: Callable[[], int] = process_time_ns,
    ) -> None:
        figures, digest = measured(rounds, make, size, clock)
        digests[digest] = None
        rows.append(Row(name, way, figures))
        print(rows[-1].text(), flush=True)

    for group in GROUPS:
        row(f"core, groups of {group}", partial(core_alone, flow, group))
    row("wire, groups of 16", partial(with_wire, flow, 16))
    for group in GROUPS:
        row(
            f"journal, groups of {group}",
            partial(core_journaled, flow, group, folder),
            perf_counter_ns,
        )
    assert len(digests) == 1, "every way leads to the same market"
    return rows


def run_restart(size: int, rounds: int, folder: Path) -> tuple[int, list[float]]:
    """Seconds to come back from a journal of ``size`` commands or a few more."""
    flow, _ = continuous(size)
    home = Path(tempfile.mkdtemp(dir=folder))
    with Journal(home) as journal:
        rows = [journal.row(entry) for entry in (*flow.before, *flow.work)]
        for first in range(0, len(rows), 512):
            journal.write(rows[first : first + 512])
    core = opened_core(flow)
    apply_groups(core, flow.work, 256)
    expected = core.digest()
    del core
    times: list[float] = []
    for _ in range(rounds):
        with Journal(home) as journal:
            ran = timed(partial(replay, journal.read()))
        times.append(ran.ns / 1e9)
        assert ran.made.digest() == expected
    return len(rows), times


ROOMS: Final = ("venue", "participants", "matching", "settlement", "feeds", "market")


def profile(size: int) -> str:
    """Own time by room and of the dearest functions, the core alone in groups of 256.

    cProfile adds to every Python call and to no compiled one: read it as shares of Python.
    """
    flow, _ = continuous(size)
    core = opened_core(flow)
    taken = cProfile.Profile()
    taken.enable()
    apply_groups(core, flow.work, 256)
    taken.disable()
    stats = pstats.Stats(taken).stats  # type: ignore[attr-defined]
    root = str(Path(__file__).parents[1])
    own: dict[str, float] = {}
    lines: list[tuple[float, str]] = []
    for (path, line, name), (_, calls, seconds, _, _) in stats.items():
        short = path.removeprefix(f"{root}/")
        room = next((one for one in ROOMS if short.startswith(f"{one}/")), "built in")
        own[room] = own.get(room, 0.0) + seconds
        lines.append((seconds, f"{short}:{line} {name}, {calls:,} calls"))
    whole = sum(own.values())
    said = [f"{seconds / whole:6.1%}  {room}" for room, seconds in sorted(own.items(), key=_share)]
    lines.sort(reverse=True)
    return "\n".join([*said, "", *(f"{took / whole:6.1%}  {text}" for took, text in lines[:20])])


def _share(item: tuple[str, float]) -> float:
    return -item[1]


def main() -> None:
    """Measure and print."""
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("--size", type=int, default=SIZE)
    asked.add_argument("--restart-size", type=int, default=RESTART_SIZE)
    asked.add_argument("--rounds", type=int, default=ROUNDS)
    asked.add_argument("--book", choices=NAMES, default=DEFAULT)
    asked.add_argument("--profile", action="store_true", help="where the time goes, continuous")
    asked.add_argument("--only", choices=("continuous", "start_day", "restart"))
    chosen = asked.parse_args()
    BOOK["name"] = chosen.book
    print(describe())
    print(f"book     {chosen.book}")
    if chosen.profile:
        print(profile(chosen.size))
        return
    print(f"rounds   {chosen.rounds}; median (lowest-highest)\n")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        if chosen.only in (None, "continuous"):
            flow, answers = continuous(chosen.size)
            assert trades_by_issue(opened_core(flow), flow.work) == answers
            print(f"continuous: {len(flow.work):,} commands", counted(opened_core(flow), flow.work))
            run_flow("continuous", flow, chosen.rounds, folder)
        if chosen.only in (None, "start_day"):
            flow = start_day(chosen.size * 17 // 20)
            print(f"start_day: {len(flow.work):,} commands", counted(opened_core(flow), flow.work))
            run_flow("start_day", flow, chosen.rounds, folder)
        if chosen.only in (None, "restart"):
            commands, times = run_restart(chosen.restart_size, min(3, chosen.rounds), folder)
            middle = statistics.median(times)
            print(
                f"restart of {commands:,} commands: {middle:.1f} s, "
                f"{commands / middle:,.0f} commands/s"
            )


if __name__ == "__main__":
    main()
