"""The two sequence numbers of one FIX session, and what was sent under which: they outlive sockets.

Purpose: a business day's MsgSeqNum in both directions. Whatever is sent again comes from here:
records of the journal by their place in the day (participants/fix_reports.py makes them again after
a restart), other application messages by their body, and nothing for session messages, whose place
a gap fill takes.
Ordering: ``note`` lines must be kept (venue/fix_store.py) before the bytes they speak of are
written to a socket; then no number is ever used for two things, whatever dies in between.
Invariants: both numbers only grow until a reset; a record is sent under one number only.
Known limits: what is kept is what one day needs; the day's end and a reset forget it.
"""

from collections import deque
from dataclasses import dataclass
from typing import Final

from market.errors import check
from market.ids import SessionId

_EXECUTIONS: Final = "E"
_MESSAGE: Final = "M"
_OUT: Final = "O"
_IN: Final = "I"
_RESET: Final = "R"
_DOUBT: Final = "P"


@dataclass(frozen=True, slots=True)
class Sent:
    """What stands behind one number.

    Attributes:
        place: Place of the record in the session's day, from 0; -1 for another message.
        msg_type: Of another message.
        body: Of another message.
        sending_time: SendingTime (52) it first had.
    """

    place: int
    msg_type: str
    body: bytes
    sending_time: str


class FixNumbers:
    """One session's numbers, its sent messages, and the notes not yet kept.

    Attributes:
        next_in: The number the client's next message must carry.
        next_out: The number our next message will carry.
        told: Records of the day sent so far; the next to send is at this place.
        doubtful: Places of records that may have been sent before a power cut under a number
            nobody remembers: they are sent again, with PossResend.
    """

    def __init__(self, session_id: SessionId) -> None:
        self.session_id = session_id
        self.next_in = 1
        self.next_out = 1
        self.told = 0
        self.doubtful = range(0)
        self._sent: dict[int, Sent] = {}
        self._kept_in = 1
        self._notes: list[str] = []
        self._in_flight: deque[tuple[int, str]] = deque()

    def submitted(self, number: int, req_id: str) -> None:
        """A message of the client became a command that is not on the disk yet."""
        self._in_flight.append((number, req_id))

    def not_submitted(self) -> None:
        """The last command was not taken after all."""
        self._in_flight.pop()

    def settled(self, req_id: str) -> None:
        """A command of the session is on the disk; one of another door is not in flight here."""
        if self._in_flight and self._in_flight[0][1] == req_id:
            self._in_flight.popleft()

    def sent(self, number: int) -> Sent | None:
        """What is to be sent again under a number; None for a session message. O(1)."""
        return self._sent.get(number)

    def use(self) -> int:
        """Take the next number for a session message."""
        number = self.next_out
        self.next_out = number + 1
        self._notes.append(f"{_OUT} {self.next_out}")
        return number

    def use_unkept(self, count: int) -> int:
        """Take numbers for messages that are true only when said; the first of them.

        Sent again, a gap fill stands in their place, as for session messages.
        """
        first = self.next_out
        self.next_out = first + count
        self._notes.append(f"{_OUT} {self.next_out}")
        return first

    def use_for_message(self, msg_type: str, content: bytes, sending_time: str) -> int:
        """Take the next number for an application message that no record stands behind."""
        number = self.next_out
        self.next_out = number + 1
        self._sent[number] = Sent(-1, msg_type, content, sending_time)
        self._notes.append(f"{_MESSAGE} {number} {sending_time} {msg_type} {content.hex()}")
        return number

    def use_for_records(self, count: int, sending_time: str) -> int:
        """Take numbers for the next ``count`` records of the day; the first of them."""
        first, place = self.next_out, self.told
        for offset in range(count):
            self._sent[first + offset] = Sent(place + offset, "", b"", sending_time)
        self.next_out = first + count
        self.told = place + count
        self._notes.append(f"{_EXECUTIONS} {first} {place} {count} {sending_time}")
        return first

    def reset(self) -> None:
        """Both sides begin at 1 again; records already told are not told twice."""
        self.next_in = self.next_out = self._kept_in = 1
        self._sent = {}
        self._notes.append(f"{_RESET} {self.told}")

    def is_settled(self, number: int) -> bool:
        """Whether every command that came up to a number is on the disk."""
        return not self._in_flight or self._in_flight[0][0] > number

    def doubt(self, next_out: int, records: int) -> None:
        """Notes may be missing: go on beyond every number that can have been used.

        Args:
            next_out: No number from here on was ever used.
            records: How many there are; those not known as told may have been told.
        """
        self.next_out = max(self.next_out, next_out)
        self.doubtful = range(self.told, records)
        self._notes += [f"{_OUT} {self.next_out}", f"{_DOUBT} {self.told} {records}"]

    def notes(self) -> list[str]:
        """What has to be kept now, the client's last number dealt with for good included."""
        durable_in = self.next_in
        if self._in_flight:  # what was in flight at a reset has a number of before
            durable_in = min(durable_in, self._in_flight[0][0])
        if durable_in != self._kept_in:
            self._kept_in = durable_in
            self._notes.append(f"{_IN} {durable_in}")
        notes, self._notes = self._notes, []
        return notes

    def recall(self, note: str) -> None:
        """Take one kept note in again, in order.

        Raises:
            ValueError: When it is no note.
        """
        kind, *words = note.split(" ")
        if kind == _EXECUTIONS:
            first, place, count = map(int, words[:3])
            for offset in range(count):
                self._sent[first + offset] = Sent(place + offset, "", b"", words[3])
            self.next_out, self.told = first + count, place + count
        elif kind == _MESSAGE:
            number = int(words[0])
            self._sent[number] = Sent(-1, words[2], bytes.fromhex(words[3]), words[1])
            self.next_out = number + 1
        elif kind == _OUT:
            self.next_out = int(words[0])
        elif kind == _IN:
            self.next_in = self._kept_in = int(words[0])
        elif kind == _DOUBT:
            self.doubtful = range(int(words[0]), int(words[1]))
        elif kind == _RESET:
            self.next_in = self.next_out = self._kept_in = 1
            self.told = int(words[0])
            self._sent = {}
        else:
            raise ValueError(f"no note is called {kind!r}")

    def check_invariants(self) -> None:
        """Numbers are positive and nothing stands behind a number not used yet. O(1)."""
        check(self.next_in > 0 and self.next_out > 0, "numbers begin at 1", out=self.next_out)
        check(len(self._sent) < self.next_out, "one thing a number", out=self.next_out)
