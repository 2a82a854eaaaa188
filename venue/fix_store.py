"""The FIX sequence numbers of a business day on the disk: one small file, appended to.

What is told to a client is in the journal; only which number it went out under is here. Notes
(participants/fix_numbers.py) are appended before the bytes they speak of go to a socket, with one
write a turn, so after ``kill -9`` no number is used for two things and a client resumes by its
sequence. A file is a day's: as the next day opens another one begins, and numbers are 1 again.

Known limits: the notes are not synced, as the journal is; a power cut may lose the last of them.
Then some numbers may be given twice, which a client hears as a number too low: it logs on with
ResetSeqNumFlag, and executions carry the same ExecID as before, so it can tell them apart.
A torn last line is dropped.
"""

import os
from pathlib import Path
from typing import Final, Self

from market.ids import SessionId
from participants.fix_numbers import FixNumbers

_PREFIX: Final = "fix-"
_SUFFIX: Final = ".notes"


def is_store_file(name: str) -> bool:
    """Whether a file of a run's folder is one of these."""
    return name.startswith(_PREFIX) and name.endswith(_SUFFIX)


class FixStore:
    """The numbers of all sessions of a day."""

    def __init__(self, folder: Path, day: int) -> None:
        """Open or begin the file of a day, and drop those of other days.

        Args:
            folder: The run's folder.
            day: Counts the days of the numbers (``FixReports.fix_day``).
        """
        self._folder = folder
        self._sessions: dict[SessionId, FixNumbers] = {}
        self._handle = -1
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
        if lines:
            os.write(self._handle, "".join(lines).encode("ascii"))

    def next_day(self, day: int) -> None:
        """Another business day: everyone begins at 1."""
        os.close(self._handle)
        self._sessions = {}
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
        self._recall(path)
        self._handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)

    def _recall(self, path: Path) -> None:
        if not path.exists():
            return
        text = path.read_bytes().decode("ascii")
        whole = text.rfind("\n") + 1
        if whole != len(text):
            os.truncate(path, whole)
        for line in text[:whole].splitlines():
            session_id, _, note = line.partition(" ")
            self.numbers(SessionId(session_id)).recall(note)
