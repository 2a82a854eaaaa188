"""From every point a crash can leave behind: the same market, the same bytes, or a plain refusal.

A small busy day of some two hundred commands is played once without interruption. Then it is cut
at every command, and its write-ahead log at every frame and at bytes in between.
"""

import asyncio
import random
from collections.abc import Iterator
from dataclasses import dataclass
from heapq import merge
from pathlib import Path
from typing import Any

import apsw
import pytest

from market.commands import (
    CancelOnDisconnect,
    CancelOrder,
    CloseSession,
    Command,
    DisconnectMode,
    Entry,
    Halt,
    Kill,
    MassCancel,
    MassCancelScope,
    NewOrder,
    OpenDay,
    OpenSession,
    Resume,
    Unkill,
)
from market.errors import JournalCorrupted, JournalError, JournalGap
from market.events import Event, OrderAccepted, OrderCanceled, RequestRejected, Trade
from market.ids import ClientOrderId, InstrumentId, KeyId, ParticipantId, SessionId
from market.quantities import Sen, SequenceNo, TimeNs, Units
from market.reasons import RejectReason
from market.words import OrderKind, Side
from venue.conductor import remaining_days
from venue.core import Core
from venue.journal import HIGH_WATER_FILE, JOURNAL_FILE, Journal, read_entries
from venue.recovery import recover, replay, verify
from venue.sample import sample_settings
from venue.seams import VirtualClock
from venue.sequencer import Sequencer
from venue.settings import VenueSettings, opening_commands

FIRMS = ("FIRM-A", "FIRM-B", "FIRM-C")
REQUESTS = 140
GROUP = 5
NOT_NEW: list[Command] = []
"""A journal that has records needs no opening commands."""

Bytes = list[tuple[SessionId, int, bytes]]


def small_settings() -> VenueSettings:
    """Two issues, three firms, one trading day and its settlement days."""
    base = sample_settings("start", 7)
    issues = base.issues[:2]
    names = [issue.instrument_id for issue in issues]
    firms = [
        firm.model_copy(
            update={"units": {name: units for name, units in firm.units.items() if name in names}}
        )
        for firm in base.firms[: len(FIRMS)]
    ]
    return base.model_copy(update={"issues": issues, "firms": firms})


class Flow:
    """Seeded requests and session changes, as a gateway would give them."""

    def __init__(self, core: Core) -> None:
        self._core = core
        self._chance = random.Random(20261124)
        self._asked = 0

    def commands(self, opens_ns: int, closes_ns: int) -> Iterator[tuple[TimeNs, Command]]:
        """Requests spread over a day."""
        for number in range(REQUESTS):
            at_ns = TimeNs(opens_ns + (closes_ns - opens_ns) * number // REQUESTS)
            yield at_ns, self._command()

    def open(self, firm: str) -> OpenSession:
        """A logon with a mode of its own each time."""
        mode = self._chance.choice(list(DisconnectMode))
        return OpenSession(
            session_id=SessionId(f"{firm}-1"),
            key_id=KeyId(f"{firm}-key"),
            takeover=self._chance.random() < 0.5,
            disconnect_mode=mode,
            grace_ms=50 if mode is DisconnectMode.GRACE else 0,
        )

    def _command(self) -> Command:
        chance = self._chance
        firm = chance.choice(FIRMS)
        session = self._core.participants.sessions[SessionId(f"{firm}-1")]
        kind = chance.random()
        if not session.live:
            if session.grace_pending and kind < 0.5:
                return CancelOnDisconnect(
                    session_id=session.session_id, generation=session.generation
                )
            return self.open(firm)
        if kind < 0.04:
            return CloseSession(
                session_id=session.session_id, generation=session.generation, orderly=kind < 0.01
            )
        if kind < 0.06:
            return self.open(firm)
        if kind < 0.08:
            return Unkill(participant_id=ParticipantId(firm))
        if kind < 0.10:
            issue = InstrumentId("KH02")
            return chance.choice(
                (Halt(instrument_id=issue, reason="story"), Resume(instrument_id=issue))
            )
        return self._request(firm, session.generation, kind)

    def _request(self, firm: str, generation: int, kind: float) -> Command:
        chance = self._chance
        self._asked += 1
        name = ClientOrderId(f"{firm}-{chance.randint(1, 60)}")  # meets itself: duplicates
        whose: dict[str, Any] = {
            "participant_id": ParticipantId(firm),
            "session_id": SessionId(f"{firm}-1"),
            "generation": generation,
            "req_id": str(self._asked),
        }
        if kind < 0.12:
            return Kill(**whose)
        if kind < 0.15:
            return MassCancel(**whose, scope=MassCancelScope.SESSION)
        if kind < 0.30:
            return CancelOrder(**whose, original_client_order_id=name)
        return NewOrder(
            **whose,
            client_order_id=name,
            instrument_id=InstrumentId(chance.choice(("KH01", "KH02"))),
            side=chance.choice((Side.BUY, Side.SELL)),
            kind=OrderKind.LIMIT,
            price_sen=Sen(chance.randint(995, 1005) * 10_000),
            quantity_units=Units(chance.randint(1, 5)),
        )


@dataclass
class Day:
    """An uninterrupted run: what went in, and after each command what came out."""

    entries: list[Entry]
    events: list[list[Event]]
    digests: list[str]
    reports: list[Bytes]
    public: list[list[bytes]]


@pytest.fixture(scope="module")
def day() -> Day:
    """Play the day once."""
    core = Core()
    run = Day([], [], [], [], [])
    settings = small_settings()

    def apply(at_ns: int, command: Command) -> None:
        entry = Entry(
            sequence=SequenceNo(core.sequence + 1),
            at_ns=TimeNs(max(at_ns, core.at_ns)),
            command=command,
        )
        run.entries.append(entry)
        run.events.append(core.apply(entry))
        run.reports.append(core.reports.drain())
        run.public.append([message.payload for message in core.feeds.drain()])
        run.digests.append(core.digest())

    for command in opening_commands(settings):
        apply(0, command)
    flow = Flow(core)
    for firm in FIRMS:
        apply(0, flow.open(firm))
    for plan in remaining_days(core, settings):
        first, *rest = plan
        apply(*first)
        busy = core.days_opened == 1 and isinstance(first[1], OpenDay)
        asked = flow.commands(first[0], plan[-1][0]) if busy else iter(())
        for at_ns, command in merge(rest, asked, key=lambda step: step[0]):
            apply(at_ns, command)
    return run


def step(core: Core, entry: Entry) -> tuple[Bytes, list[bytes], str]:
    """Apply one entry and take what it lets out."""
    core.apply(entry)
    told = core.reports.drain()
    public = [message.payload for message in core.feeds.drain()]
    return told, public, core.digest()


def write(folder: Path, entries: list[Entry]) -> None:
    """A closed journal of these entries."""
    with Journal(folder) as journal:
        list(journal.read())
        rows = [journal.row(entry) for entry in entries]
        if rows:
            journal.write(rows)


def test_the_day_is_worth_cutting(day: Day) -> None:
    """It holds some two hundred commands, and trades, refusals, repeats and lost sessions."""
    kinds = [type(event) for events in day.events for event in events]
    assert 180 <= len(day.entries) <= 260
    for kind, least in ((OrderAccepted, 30), (Trade, 4), (OrderCanceled, 5), (RequestRejected, 5)):
        assert kinds.count(kind) >= least, kind
    assert len({entry.command.__class__ for entry in day.entries}) >= 18


def test_every_prefix_and_its_rest_are_the_whole(day: Day, tmp_path: Path) -> None:
    """For each k: what k records lead to is what it was, and the rest gives the same bytes (J4, J10)."""
    write(tmp_path, day.entries)
    stored = list(read_entries(tmp_path))
    assert stored == day.entries

    for cut in range(1, len(stored) + 1):
        core = replay(stored[:cut])
        assert core.digest() == day.digests[cut - 1], cut
        if cut % 10 and cut < len(stored) - 3:
            continue  # the digest holds all state; the bytes are looked at from every tenth cut
        for place in range(cut, len(stored)):
            told, public, digest = step(core, stored[place])
            assert told == day.reports[place], (cut, place)
            assert public == day.public[place], (cut, place)
            assert digest == day.digests[place], (cut, place)


def test_recovery_ends_lost_sessions_once_and_keeps_the_rest(day: Day, tmp_path: Path) -> None:
    """At each cut: live sessions are closed by journaled commands, a second recovery adds nothing."""
    told: dict[SessionId, list[bytes]] = {}
    replayed = Core()
    for cut, entry in enumerate(day.entries, start=1):
        replayed.apply(entry)
        for session_id, _, payload in replayed.reports.drain():
            told.setdefault(session_id, []).append(payload)
        live = [one for one in replayed.participants.sessions.values() if one.live]
        folder = tmp_path / str(cut)
        write(folder, day.entries[:cut])

        with Journal(folder) as journal:
            core = recover(journal, NOT_NEW, TimeNs(0))
        added = [entry.command for entry in list(read_entries(folder))[cut:]]
        assert added == [
            CloseSession(session_id=one.session_id, generation=one.generation, orderly=False)
            for one in live
        ], cut
        assert not any(one.live for one in core.participants.sessions.values())
        core.check_invariants()
        core.conservation()
        first = core.reports._streams._streams
        for session_id, before in told.items():
            kept = core.reports.since(session_id, first[session_id].first_seq) or []
            assert kept[: len(before)] == before, cut
        if cut % 8 == 0:
            with Journal(folder) as journal:
                again = recover(journal, NOT_NEW, TimeNs(0))
            assert again.digest() == core.digest() == verify(folder).digest, cut


def test_the_market_goes_on_after_a_recovery_without_the_lost(day: Day, tmp_path: Path) -> None:
    """Whatever a dead generation still had under way is refused as stale and changes nothing."""
    for cut in range(20, len(day.entries), 9):
        folder = tmp_path / str(cut)
        write(folder, day.entries[:cut])
        with Journal(folder) as journal:
            core = recover(journal, NOT_NEW, TimeNs(0))
        for old in day.entries[cut:]:
            command = old.command
            if not hasattr(command, "req_id"):
                continue
            orders = core.engine.state()
            entry = Entry(sequence=SequenceNo(core.sequence + 1), at_ns=core.at_ns, command=command)
            (refused,) = core.apply(entry)
            assert isinstance(refused, RequestRejected)
            assert refused.reason is RejectReason.STALE_GENERATION
            assert core.engine.state() == orders


# --- power cuts: what the write-ahead log may look like


@dataclass
class Disk:
    """Bytes of the files as they stood after each synced write; the log was never folded back."""

    database: bytes
    log: bytes
    synced: list[tuple[int, int, bytes]]
    """Length of the log, last number in it, and the high-water file, after each write."""
    folded: bytes
    """The database after the log was folded into it."""


@pytest.fixture(scope="module")
def disk(day: Day, tmp_path_factory: pytest.TempPathFactory) -> Disk:
    """Write the day in groups and keep the files' bytes."""
    folder = tmp_path_factory.mktemp("disk")
    database, log, mark = (
        folder / name for name in (JOURNAL_FILE, f"{JOURNAL_FILE}-wal", HIGH_WATER_FILE)
    )
    synced = []
    with Journal(folder) as journal:
        list(journal.read())
        for start in range(0, len(day.entries), GROUP):
            journal.write([journal.row(entry) for entry in day.entries[start : start + GROUP]])
            synced.append((log.stat().st_size, journal.sequence, mark.read_bytes()))
        before, whole = database.read_bytes(), log.read_bytes()
        assert len(whole) == synced[-1][0]
    return Disk(before, whole, synced, database.read_bytes())


def frames(log: bytes) -> list[int]:
    """Where each frame of a write-ahead log ends; see the file format: 32 bytes, then 24 + page."""
    page_bytes = int.from_bytes(log[8:12], "big")
    return list(range(32, len(log) + 1, 24 + page_bytes))


def image(folder: Path, database: bytes, log: bytes, mark: bytes) -> Path:
    """A folder as a crash left it."""
    folder.mkdir(exist_ok=True)
    (folder / JOURNAL_FILE).write_bytes(database)
    (folder / f"{JOURNAL_FILE}-wal").write_bytes(log)
    (folder / f"{JOURNAL_FILE}-shm").unlink(missing_ok=True)
    (folder / HIGH_WATER_FILE).write_bytes(mark)
    return folder


def survivors(folder: Path) -> list[Entry] | JournalError:
    """What the venue would start from, or why it refuses."""
    try:
        with Journal(folder) as journal:
            return list(journal.read())
    except JournalError as refused:
        return refused


def cuts(log: bytes) -> list[int]:
    """Every frame's end, and two bytes inside every frame."""
    ends = frames(log)
    inside = [end + offset for end in ends[:-1] for offset in (1, 11, 24, 25, 537)]
    return sorted({0, 1, 31, *ends, *inside})


@pytest.mark.parametrize("tail", ["nothing", "zeros", "noise", "older"])
def test_a_torn_log_is_a_prefix_with_everything_acknowledged(
    day: Day, disk: Disk, tmp_path: Path, tail: str
) -> None:
    """Cut the log anywhere: with its own mark the rest is a prefix that holds all that was synced."""
    chance = random.Random(4)
    whole = len(disk.log)
    points = cuts(disk.log) if tail == "nothing" else chance.sample(cuts(disk.log), 60)
    for cut in points:
        fill = {
            "nothing": b"",
            "zeros": bytes(whole - cut),
            "noise": chance.randbytes(whole - cut),
            "older": disk.log[: whole - cut],
        }[tail]
        acknowledged, mark = 0, b""
        for length, sequence, line in disk.synced:
            if length <= cut:
                acknowledged, mark = sequence, line
        left = survivors(image(tmp_path / "i", disk.database, disk.log[:cut] + fill, mark))
        assert isinstance(left, list), (cut, left)
        assert acknowledged <= len(left) < acknowledged + 2 * GROUP, cut
        assert left == day.entries[: len(left)], cut


def test_a_log_shorter_than_its_mark_is_refused(day: Day, disk: Disk, tmp_path: Path) -> None:
    """A disk that forgot synced writes is found, and the first missing record is named."""
    for cut in frames(disk.log):
        for length, sequence, mark in disk.synced[::7]:
            left = survivors(image(tmp_path / "i", disk.database, disk.log[:cut], mark))
            if length <= cut:
                assert isinstance(left, list), (cut, sequence)
                assert left == day.entries[: len(left)]
                assert len(left) >= sequence
            else:
                assert isinstance(left, JournalGap), (cut, sequence)
                assert left.sequence <= sequence


def test_rot_in_the_log_is_refused_or_harmless(day: Day, disk: Disk, tmp_path: Path) -> None:
    """A flipped bit anywhere in the log never gives another history under the mark of the day."""
    chance = random.Random(5)
    mark = disk.synced[-1][2]
    for _ in range(150):
        place = chance.randrange(len(disk.log))
        rotten = bytearray(disk.log)
        rotten[place] ^= 1 << chance.randrange(8)
        left = survivors(image(tmp_path / "i", disk.database, bytes(rotten), mark))
        if isinstance(left, JournalError):
            assert 1 <= left.sequence <= len(day.entries)
        else:
            assert left == day.entries, place


def test_a_cut_while_the_log_is_folded_back_loses_nothing(
    day: Day, disk: Disk, tmp_path: Path
) -> None:
    """Some pages written, some torn at 512 bytes: the log is still whole, so is the history."""
    chance = random.Random(6)
    length, mark = len(disk.folded), disk.synced[-1][2]
    old = disk.database.ljust(length, b"\0")
    for _ in range(40):
        mixed = b"".join(
            chance.choice((old, disk.folded))[start : start + 512]
            for start in range(0, length, 512)
        )
        left = survivors(image(tmp_path / "i", mixed, disk.log, mark))
        assert left == day.entries


def test_the_mark_itself_may_be_lost_or_late(day: Day, disk: Disk, tmp_path: Path) -> None:
    """An older mark, an empty one or none: the log alone gives the whole history."""
    folder = image(tmp_path / "i", disk.database, disk.log, b"")
    for mark in [b"", *(line for _, _, line in disk.synced[::5])]:
        image(folder, disk.database, disk.log, mark)
        assert survivors(folder) == day.entries
    image(folder, disk.database, disk.log, b"")
    (folder / HIGH_WATER_FILE).unlink()
    assert survivors(folder) == day.entries


def test_a_crash_in_the_middle_of_a_recovery_is_recovered(day: Day, tmp_path: Path) -> None:
    """The closing commands are one write: all there or none, and the next start does the same."""
    core, cut = Core(), 0
    for place, entry in enumerate(day.entries):
        core.apply(entry)
        if sum(one.live for one in core.participants.sessions.values()) == len(FIRMS):
            cut = place
    write(tmp_path, day.entries[: cut + 1])

    class PowerCut(Journal):
        def write(self, rows: object) -> None:
            raise apsw.IOError("power cut")

    with PowerCut(tmp_path) as dying, pytest.raises(apsw.IOError):
        recover(dying, NOT_NEW, TimeNs(0))
    assert list(read_entries(tmp_path)) == day.entries[: cut + 1]

    with Journal(tmp_path) as journal:
        core = recover(journal, NOT_NEW, TimeNs(0))
    assert not any(one.live for one in core.participants.sessions.values())


def test_an_empty_database_is_not_a_new_run(day: Day, disk: Disk, tmp_path: Path) -> None:
    """When the files are gone but the mark is there, the venue must not begin anew."""
    folder = image(tmp_path / "i", b"", b"", disk.synced[-1][2])

    with Journal(folder) as journal, pytest.raises(JournalGap) as found:
        recover(journal, opening_commands(small_settings()), TimeNs(0))
    assert found.value.sequence == 1
    folder = image(tmp_path / "i", b"", b"", disk.synced[-1][2])
    with pytest.raises((JournalGap, JournalCorrupted)):
        list(read_entries(folder))


def test_whoever_looks_at_the_market_finds_only_what_is_on_the_disk(tmp_path: Path) -> None:
    """Between turns everything in the core is in the journal, however busy the venue is."""

    async def story() -> list[tuple[int, int]]:
        core, clock = Core(), VirtualClock()
        with Journal(tmp_path) as journal:
            list(journal.read())
            sequencer = Sequencer(core, journal, clock, group_commands_max=1)
            synced: list[int] = [0]
            sequencer.listen(lambda turn: synced.append(turn.steps[-1][0].sequence))
            seen: list[tuple[int, int]] = []

            async def look() -> None:
                while core.sequence < len(commands):
                    seen.append((core.sequence, synced[-1]))
                    await asyncio.sleep(0)

            commands = opening_commands(small_settings())
            for command in commands:
                sequencer.submit(command)
            writer = asyncio.create_task(sequencer.run())
            await look()
            sequencer.stop()
            await writer
        return seen

    seen = asyncio.run(story())
    assert len(seen) > 3
    assert [core for core, _ in seen] == [disk for _, disk in seen]
