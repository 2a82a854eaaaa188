"""The record of the run: every command, in order, in one SQLite file. The journal is the truth.

One connection writes, in WAL mode with ``synchronous=FULL`` and an exclusive lock, so a returned
:meth:`Journal.write` means the records are on the disk and nobody else writes. Each record is the
JSON of one :class:`Entry`, with a hash chain over all records before it::

    chain(0) = sha256("kitahama-journal-1")
    chain(n) = sha256(chain(n-1) | length of record n as 8 bytes, big end first | record n)

SQLite repairs a torn write by itself. A record that was altered, removed or put in is found by
the chain, with its number. Records cut from the end are found by the high-water mark: a small
file beside the journal that says how far it had been synced (DECISIONS.md 0015).
"""

import hashlib
import os
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Final, Self

import apsw
import msgspec

from market.commands import Entry
from market.errors import JournalCorrupted, JournalGap, JournalLocked, check
from market.quantities import SequenceNo

JOURNAL_FILE: Final = "journal.sqlite"
HIGH_WATER_FILE: Final = "journal.high"
GENESIS: Final = hashlib.sha256(b"kitahama-journal-1").digest()

_SQLITE_FLOOR: Final = (3, 51, 3)
"""Below it a WAL reset race could corrupt a database that two connections write."""

_SCHEMA: Final = """
CREATE TABLE IF NOT EXISTS journal (
    sequence INTEGER PRIMARY KEY,
    record BLOB NOT NULL,
    chain BLOB NOT NULL
) STRICT
"""

Row = tuple[int, bytes, bytes]
"""A journal row: sequence number, record, chain."""

_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(Entry).decode
_sha256 = hashlib.sha256


def next_chain(chain: bytes, record: bytes) -> bytes:
    """The hash that stands beside ``record`` when ``chain`` stood beside the one before."""
    return _sha256(b"".join((chain, len(record).to_bytes(8, "big"), record))).digest()


class Journal:
    """The one writer of one run's journal; see the module for what a write promises."""

    def __init__(self, folder: Path) -> None:
        """Open or create the journal in ``folder`` and lock it.

        Raises:
            JournalLocked: When another process writes it.
            JournalCorrupted: When SQLite cannot read the file.
        """
        version = tuple(int(part) for part in apsw.sqlite_lib_version().split("."))
        check(version >= _SQLITE_FLOOR, "SQLite is new enough", version=version)
        folder.mkdir(parents=True, exist_ok=True)
        self.folder = folder
        self.sequence = 0
        self.chain = GENESIS
        self._connection = apsw.Connection(str(folder / JOURNAL_FILE))
        try:
            self._connection.pragma("locking_mode", "exclusive")
            self._connection.pragma("journal_mode", "wal")
            self._connection.pragma("synchronous", "full")
            self._connection.execute("BEGIN IMMEDIATE")
            self._connection.execute(_SCHEMA)
            self._connection.execute("COMMIT")
        except apsw.Error as refused:
            self._connection.close()
            if isinstance(refused, apsw.BusyError):
                raise JournalLocked(f"another process writes {folder}", 0) from refused
            if isinstance(refused, apsw.CorruptError | apsw.NotADBError):
                raise JournalCorrupted(
                    f"{folder / JOURNAL_FILE} is damaged: {refused}", 1
                ) from refused
            raise
        self._high_water = os.open(folder / HIGH_WATER_FILE, os.O_RDWR | os.O_CREAT, 0o644)
        _sync_names(folder)

    def read(self) -> Iterator[Entry]:
        """Yield every entry in order while verifying the chain; then the journal can be written.

        Raises:
            JournalCorrupted: At the first record that does not match the chain.
            JournalGap: When a number is missing, or records that were synced are gone.
        """
        for entry, chain in verified(self._connection, self.folder):
            self.sequence, self.chain = entry.sequence, chain
            yield entry

    def row(self, entry: Entry) -> Row:
        """Encode and chain the next entry; it is not on the disk before :meth:`write`."""
        check(entry.sequence == self.sequence + 1, "journal numbers are contiguous", entry=entry)
        record = _encode(entry)
        self.sequence = entry.sequence
        self.chain = next_chain(self.chain, record)
        return (entry.sequence, record, self.chain)

    def write(self, rows: list[Row]) -> None:
        """Put rows on the disk with one sync; when this returns they are durable.

        Raises:
            apsw.Error: When the disk refuses; the process must stop, nothing may be acknowledged.
        """
        connection = self._connection
        connection.execute("BEGIN IMMEDIATE")
        connection.executemany("INSERT INTO journal VALUES (?, ?, ?)", rows)
        connection.execute("COMMIT")
        sequence, _, chain = rows[-1]
        os.pwrite(self._high_water, _high_water_line(sequence, chain), 0)

    def close(self) -> None:
        """Close the file and give up the lock."""
        self._connection.close()
        os.close(self._high_water)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


def read_entries(folder: Path) -> Iterator[Entry]:
    """Read a finished run's entries, verifying the chain, without changing anything.

    Raises:
        JournalLocked: While a venue is writing it.
        JournalCorrupted: At the first record that does not match the chain.
        JournalGap: When a number is missing, or records that were synced are gone.
    """
    path = folder / JOURNAL_FILE
    if not path.exists():
        raise JournalGap(f"there is no journal in {folder}", 0)
    connection = apsw.Connection(str(path), flags=apsw.SQLITE_OPEN_READWRITE)
    try:
        connection.pragma("query_only", value=True)
        for entry, _ in verified(connection, folder):
            yield entry
    except apsw.BusyError as busy:
        raise JournalLocked(f"another process writes {folder}", 0) from busy
    finally:
        connection.close()


def verified(connection: apsw.Connection, folder: Path) -> Iterator[tuple[Entry, bytes]]:
    """Yield (entry, chain) in order; the first record that is wrong stops it with its number."""
    sequence, chain = 0, GENESIS
    mark = _read_high_water(folder)
    try:
        for number, record, stored in connection.execute(
            "SELECT sequence, record, chain FROM journal ORDER BY sequence"
        ):
            expected = sequence + 1
            if number != expected:
                raise JournalGap(f"record {expected} is missing (found {number})", expected)
            chain = next_chain(chain, record)
            if chain != stored:
                raise JournalCorrupted(f"record {number} does not match its chain", number)
            if mark is not None and mark[0] == number and mark[1] != chain.hex():
                raise JournalCorrupted(f"record {number} is not the one that was synced", number)
            sequence = number
            yield _entry(number, record), chain
    except apsw.BusyError:
        raise
    except apsw.Error as broken:
        raise JournalCorrupted(
            f"record {sequence + 1} cannot be read: {broken}", sequence + 1
        ) from broken
    if mark is not None and mark[0] > sequence:
        raise JournalGap(
            f"record {sequence + 1} is missing: {mark[0]} records had been synced", sequence + 1
        )


def _entry(number: int, record: bytes) -> Entry:
    try:
        entry = _decode(record)
    except msgspec.MsgspecError as broken:
        raise JournalCorrupted(f"record {number} cannot be decoded: {broken}", number) from broken
    if entry.sequence != SequenceNo(number):
        raise JournalCorrupted(f"record {number} calls itself {entry.sequence}", number)
    return entry


def _sync_names(folder: Path) -> None:
    """Put the names of the files, and of the folder itself, on the disk; a file alone is not."""
    for directory in (folder, folder.resolve().parent):
        handle = os.open(directory, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def _high_water_line(sequence: int, chain: bytes) -> bytes:
    """Fixed width, so that a later, shorter mark never leaves a tail."""
    return b"%020d %s\n" % (sequence, chain.hex().encode())


def _read_high_water(folder: Path) -> tuple[int, str] | None:
    path = folder / HIGH_WATER_FILE
    if not path.exists():
        return None
    sequence, _, chain = path.read_text().strip().partition(" ")
    return (int(sequence), chain) if sequence.isdigit() and chain else None
