"""The FIX sequence numbers of a business day on the disk: one small file, appended to.

What is told to a client is in the journal; only which number it went out under is here. Notes
(participants/fix_numbers.py) are appended before the bytes they speak of go to a socket, with one
write a turn, so after ``kill -9`` no number is used for two things and a client resumes by its
sequence. A file is a day's: as the next day opens another one begins, and numbers are 1 again.

The notes are not synced, as the journal is: that would cost each turn a second sync. Instead a
session's numbers are reserved ahead, ``RESERVED`` at a time, with a sync. When the machine itself
went down since (its boot id is another one), the last notes may be gone: then a session goes on
beyond what was reserved, its client fills the gap, and executions that are not known as told are
told again with PossResend (97) and the ExecID they had.
Known limits: where the system has no boot id a power cut is not noticed. A torn last line is
dropped.
"""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Final, Self

from market.ids import SessionId
from participants.fix_numbers import FixNumbers

RESERVED: Final = 1_000
"""Numbers a session may use before the next sync."""

_PREFIX: Final = "fix-"
_HIGH: Final = "H"
_BOOT: Final = "#boot"  # no session is called so
_SUFFIX: Final = ".notes"


def is_store_file(name: str) -> bool:
    """Whether a file of a run's folder is one of these."""
    return name.startswith(_PREFIX) and name.endswith(_SUFFIX)


class FixStore:
    """The numbers of all sessions of a day."""

    def __init__(self, folder: Path, day: int, boot: str = "") -> None:
        """Open or begin the file of a day, and drop those of other days.

        Args:
            folder: The run's folder.
            day: Counts the days of the numbers (``FixReports.fix_day``).
            boot: Names this run of the machine.
        """
        self._folder = folder
        self._boot = boot
        self._reserved: dict[SessionId, int] = {}
        self._sessions: dict[SessionId, FixNumbers] = {}
        self._handle = -1
        self._is_doubtful = False
        self._begin(day)

    def numbers(self, session_id: SessionId) -> FixNumbers:
        """A session's numbers, from 1 when it has none yet."""
        numbers = self._sessions.get(session_id)
        if numbers is None:
            numbers = self._sessions[session_id] = FixNumbers(session_id)
        return numbers

    def keep(self, sessions: list[FixNumbers]) -> None:
        """Append what these have to note; call it before their bytes are written. One write."""
        lines = [
            f"{numbers.session_id} {note}\n" for numbers in sessions for note in numbers.notes()
        ]
        short = [
            numbers
            for numbers in sessions
            if numbers.next_out > self._reserved.get(numbers.session_id, 0)
        ]
        for numbers in short:
            high = self._reserved[numbers.session_id] = numbers.next_out + RESERVED
            lines.append(f"{numbers.session_id} {_HIGH} {high}\n")
        if lines:
            os.write(self._handle, "".join(lines).encode("ascii"))
        if short:
            os.fsync(self._handle)

    def doubt(self, records: Callable[[SessionId], int]) -> None:
        """After a power cut, go on beyond every number that can have been used; else nothing.

        Args:
            records: How many records of the day a session has.
        """
        if not self._is_doubtful:
            return
        for session_id, numbers in self._sessions.items():
            numbers.doubt(self._reserved.get(session_id, 1), records(session_id))
        self.keep(list(self._sessions.values()))
        self._is_doubtful = False

    def next_day(self, day: int) -> None:
        """Another business day: everyone begins at 1."""
        os.close(self._handle)
        self._sessions, self._reserved = {}, {}
        self._begin(day)

    def close(self) -> None:
        """Close the file."""
        if self._handle >= 0:
            os.close(self._handle)
            self._handle = -1

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _begin(self, day: int) -> None:
        path = self._folder / f"{_PREFIX}{day}{_SUFFIX}"
        for other in self._folder.iterdir():
            if is_store_file(other.name) and other != path:
                other.unlink()
        boot = self._recall(path)
        self._is_doubtful = boot not in {None, self._boot}
        self._handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
        if boot != self._boot:
            os.write(self._handle, f"{_BOOT} {self._boot}\n".encode("ascii"))
            os.fsync(self._handle)
            _sync_names(self._folder)

    def _recall(self, path: Path) -> str | None:
        """Take the file's notes in; the boot id of who wrote them last, None when there is none."""
        if not path.exists():
            return None
        text = path.read_bytes().decode("ascii")
        whole = text.rfind("\n") + 1
        if whole != len(text):
            os.truncate(path, whole)
        boot = None
        for line in text[:whole].splitlines():
            name, _, note = line.partition(" ")
            session_id = SessionId(name)
            if name == _BOOT:
                boot = note
            elif note.startswith(_HIGH):
                self._reserved[session_id] = int(note.removeprefix(_HIGH))
                self.numbers(session_id)
            else:
                self.numbers(session_id).recall(note)
        return boot


def _sync_names(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
