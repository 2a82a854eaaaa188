"""The journal keeps what it was given, and says which record is wrong when it was not kept."""

import contextlib
import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest

from market.commands import Entry, OpenVenue, RunSettlement
from market.errors import JournalCorrupted, JournalError, JournalGap, JournalLocked
from market.quantities import SequenceNo, TimeNs
from venue.journal import HIGH_WATER_FILE, JOURNAL_FILE, Journal, read_entries


def entries(count: int) -> list[Entry]:
    """A run of small commands numbered from 1."""
    commands = [OpenVenue(run_id="r", preset="start")] + [RunSettlement(stage=0)] * (count - 1)
    return [
        Entry(sequence=SequenceNo(n), at_ns=TimeNs(n * 10), command=command)
        for n, command in enumerate(commands, start=1)
    ]


def write(folder: Path, count: int, group: int = 3) -> list[Entry]:
    """Write ``count`` entries in groups and close the journal."""
    made = entries(count)
    with Journal(folder) as journal:
        assert list(journal.read()) == []
        for start in range(0, count, group):
            journal.write([journal.row(entry) for entry in made[start : start + group]])
    return made


def change(folder: Path, statement: str) -> None:
    """Alter the closed file from outside, as a stranger with write access could."""
    connection = sqlite3.connect(folder / JOURNAL_FILE)
    connection.execute(statement)
    connection.commit()
    connection.close()


def test_what_was_written_is_read_back_in_order(tmp_path: Path) -> None:
    """Entries come back equal, and writing goes on after them."""
    made = write(tmp_path, 10)

    with Journal(tmp_path) as journal:
        assert list(journal.read()) == made
        more = Entry(sequence=SequenceNo(11), at_ns=TimeNs(110), command=RunSettlement(stage=1))
        journal.write([journal.row(more)])

    assert list(read_entries(tmp_path)) == [*made, more]


def test_one_writer_at_a_time(tmp_path: Path) -> None:
    """A second opening of a live journal is refused, for writing and for reading."""
    write(tmp_path, 3)
    with Journal(tmp_path) as journal:
        list(journal.read())

        with pytest.raises(JournalLocked):
            Journal(tmp_path)
        with pytest.raises(JournalLocked):
            list(read_entries(tmp_path))


TAMPERING: dict[str, tuple[str, type[JournalError], int]] = {
    "a record edited": (
        """UPDATE journal SET record = CAST(replace(record, '"at_ns":50', '"at_ns":51') AS BLOB)
           WHERE sequence = 5""",
        JournalCorrupted,
        5,
    ),
    "a chain value edited": (
        "UPDATE journal SET chain = zeroblob(32) WHERE sequence = 4",
        JournalCorrupted,
        4,
    ),
    "a record removed": ("DELETE FROM journal WHERE sequence = 6", JournalGap, 6),
    "the first record removed": ("DELETE FROM journal WHERE sequence = 1", JournalGap, 1),
    "the tail cut": ("DELETE FROM journal WHERE sequence > 8", JournalGap, 9),
    "everything removed": ("DELETE FROM journal", JournalGap, 1),
    "two records swapped": (
        """UPDATE journal SET record = (SELECT record FROM journal AS other
           WHERE other.sequence = CASE journal.sequence WHEN 7 THEN 8 ELSE 7 END)
           WHERE sequence IN (7, 8)""",
        JournalCorrupted,
        7,
    ),
    "a record put in": (
        "INSERT INTO journal SELECT 11, record, chain FROM journal WHERE sequence = 10",
        JournalCorrupted,
        11,
    ),
}


@pytest.mark.parametrize("case", TAMPERING)
def test_a_changed_record_is_found_with_its_number(tmp_path: Path, case: str) -> None:
    """Whatever a stranger does to the file, both openings refuse and name the first bad record."""
    statement, kind, number = TAMPERING[case]
    write(tmp_path, 10)
    change(tmp_path, statement)

    for read in (lambda: list(read_entries(tmp_path)), lambda: list(Journal(tmp_path).read())):
        with pytest.raises(kind) as found:
            read()
        assert found.value.sequence == number


def test_a_tail_written_anew_is_not_the_one_that_was_synced(tmp_path: Path) -> None:
    """Cutting the tail and chaining other records in its place is found at the synced mark."""
    write(tmp_path, 10)
    mark = (tmp_path / HIGH_WATER_FILE).read_bytes()
    change(tmp_path, "DELETE FROM journal WHERE sequence > 8")
    (tmp_path / HIGH_WATER_FILE).unlink()
    with Journal(tmp_path) as journal:
        list(journal.read())
        other = [
            Entry(sequence=SequenceNo(n), at_ns=TimeNs(n * 10), command=RunSettlement(stage=3))
            for n in (9, 10)
        ]
        journal.write([journal.row(entry) for entry in other])
    (tmp_path / HIGH_WATER_FILE).write_bytes(mark)

    with pytest.raises(JournalCorrupted) as found:
        list(read_entries(tmp_path))

    assert found.value.sequence == 10


def _flip(position: int) -> Callable[[bytes], bytes]:
    return lambda data: data[:position] + bytes([data[position] ^ 0x40]) + data[position + 1 :]


@pytest.mark.parametrize("part", range(1, 8))
def test_a_flipped_bit_never_passes_unseen(tmp_path: Path, part: int) -> None:
    """A changed byte anywhere in the file gives an error or the same entries, never others."""
    made = write(tmp_path, 200, group=20)
    path = tmp_path / JOURNAL_FILE
    data = path.read_bytes()
    path.write_bytes(_flip(len(data) * part // 8 + 11)(data))

    read: list[Entry] | None = None
    with contextlib.suppress(JournalError):
        read = list(read_entries(tmp_path))

    assert read in (None, made)


def test_numbers_are_contiguous_when_written(tmp_path: Path) -> None:
    """A row out of order is a defect of ours, and stops at once."""
    with Journal(tmp_path) as journal:
        list(journal.read())
        with pytest.raises(Exception, match="contiguous"):
            journal.row(entries(2)[1])


def test_no_journal_is_said_plainly(tmp_path: Path) -> None:
    """Reading a folder without a journal names the folder."""
    with pytest.raises(JournalGap, match="no journal"):
        list(read_entries(tmp_path))
