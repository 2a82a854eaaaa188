"""FIX tag-value on the wire: bytes to whole messages, messages to fields, fields to bytes. Pure.

Purpose: framing, body length and checksum (BodyLength 9, CheckSum 10), nothing about meaning.
Ordering: 8, 9 and 35 stand first and 10 last, as FIX 4.2 and 4.4 demand; a stream that breaks this
is garbled, and reading goes on at the next ``8=FIX`` so that one bad message costs one message.
Invariants: ``decode`` never raises; a garbled message is None and uses up no sequence number; what
``encode`` writes, ``decode`` reads back.
Cost: about 5 microseconds a message each way.
Known limits: ``fields`` has the first value of a tag, ``parts`` all of them, which a repeating group
is read from; a data field (96) may not hold a separator, since its only use here is a password or
a signature in hex.
Source: FIX 4.2 with errata 20010501 and FIX 4.4 with errata 20030618, session chapters.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

MESSAGE_BYTES_MAX: Final = 4096
"""Longest message a client may send, whole; of ours only lists and market data may be longer."""

_SOH: Final = "\x01"
_START: Final = b"8=FIX"
_TRAILER_BYTES: Final = 7
_LENGTH_DIGITS_MAX: Final = 6
_BEGIN_BYTES_MAX: Final = 32


@dataclass(slots=True)
class FixMessage:
    """One message whose length and checksum are right; its values are not judged yet.

    Attributes:
        begin: BeginString (8).
        kind: MsgType (35).
        fields: Value of each tag, both as text; the first of a repeated one.
        repeated: The first tag that came twice, or None.
        parts: Tag, sign and value of every field in the order sent, where some tag came twice.
    """

    begin: str
    kind: str
    fields: dict[str, str]
    repeated: str | None = None
    parts: tuple[tuple[str, str, str], ...] = ()

    def get(self, tag: int | str, other: str = "") -> str:
        """The value of a tag, or ``other`` when it is not there."""
        return self.fields.get(str(tag), other)

    def values(self, tag: int | str) -> list[str]:
        """Every value of a tag in the order sent, as the entries of a group have it. O(fields)."""
        name = str(tag)
        if not self.parts:
            return [self.fields[name]] if name in self.fields else []
        return [value for each, _, value in self.parts if each == name]


class Oversize(Exception):
    """The peer announced or sent a message longer than any it may send."""


class Framer:
    """Cuts a byte stream into whole messages.

    Attributes:
        garbled: Times reading had to start anew at a later ``8=FIX``.
    """

    def __init__(self, bytes_max: int = MESSAGE_BYTES_MAX) -> None:
        self._buffer = b""
        self._max = bytes_max
        self.garbled = 0

    def feed(self, data: bytes) -> Iterator[bytes]:
        """Yield every whole message now there. O(bytes).

        Raises:
            Oversize: When a message is longer than allowed; the stream cannot be read on.
        """
        buffer = self._buffer + data if self._buffer else data
        place = 0
        while place < len(buffer):
            end = _end_of(buffer, place, self._max)
            if end == 0:  # more has to come
                break
            if end > 0:
                self._buffer = b""
                yield buffer[place:end]
                place = end
                continue
            self.garbled += 1
            place = _next_start(buffer, place + 1)
        self._buffer = buffer[place:]
        if len(self._buffer) > self._max:
            raise Oversize


def _end_of(buffer: bytes, start: int, bytes_max: int) -> int:
    """Where the message at ``start`` ends; 0 when that is not there yet, -1 when it is garbled."""
    head = buffer[start : start + len(_START)]
    if not _START.startswith(head):
        return -1
    first = buffer.find(b"\x01", start, start + _BEGIN_BYTES_MAX)
    if first < 0:
        return -1 if len(buffer) - start >= _BEGIN_BYTES_MAX else 0
    if not b"9=".startswith(buffer[first + 1 : first + 3]):
        return -1
    second = buffer.find(b"\x01", first + 1, first + 4 + _LENGTH_DIGITS_MAX)
    if second < 0:
        return -1 if len(buffer) - first > 4 + _LENGTH_DIGITS_MAX else 0
    digits = buffer[first + 3 : second]
    if not digits.isdigit():
        return -1
    end = second + 1 + int(digits) + _TRAILER_BYTES
    if end - start > bytes_max:
        raise Oversize
    if len(buffer) < end:
        return 0
    trailer = buffer[end - _TRAILER_BYTES : end]
    whole = trailer[:3] == b"10=" and trailer[-1:] == b"\x01" and trailer[3:6].isdigit()
    return end if whole and buffer[end - _TRAILER_BYTES - 1] == 1 else -1


def _next_start(buffer: bytes, place: int) -> int:
    """The next place a message may begin: a whole ``8=FIX``, or what may become one."""
    found = buffer.find(_START, place)
    if found >= 0:
        return found
    for left in range(len(_START) - 1, 0, -1):
        if buffer.endswith(_START[:left]) and len(buffer) - left >= place:
            return len(buffer) - left
    return len(buffer)


def decode(raw: bytes) -> FixMessage | None:
    """Read one framed message; None when it is garbled. Never raises."""
    if int(raw[-4:-1]) != sum(raw[:-_TRAILER_BYTES]) & 0xFF:
        return None
    parts = [part.partition("=") for part in raw.decode("latin-1").split(_SOH)]
    parts.pop()
    if len(parts) < 4 or parts[2][0] != "35" or not parts[2][2]:  # noqa: PLR2004 - 8 9 35 10
        return None
    fields = {tag: value for tag, _, value in parts}
    if len(fields) == len(parts):
        return FixMessage(parts[0][2], parts[2][2], fields)
    fields, repeated = _first_of_each(parts)
    return FixMessage(parts[0][2], parts[2][2], fields, repeated, tuple(parts))


def _first_of_each(parts: list[tuple[str, str, str]]) -> tuple[dict[str, str], str | None]:
    fields: dict[str, str] = {}
    repeated = None
    for tag, _, value in parts:
        if tag in fields:
            repeated = repeated or tag
        else:
            fields[tag] = value
    return fields, repeated


def body(*fields: tuple[int, object]) -> bytes:
    """Fields in order as ``tag=value`` with separators; those whose value is None are left out."""
    text = "".join([f"{tag}={value}\x01" for tag, value in fields if value is not None])
    return text.encode("latin-1", "replace")


def encode(begin: str, content: bytes) -> bytes:
    """A whole message around ``content``, which begins with 35 and ends with a separator."""
    head = b"8=%b\x019=%d\x01%b" % (begin.encode(), len(content), content)
    return b"%b10=%03d\x01" % (head, sum(head) & 0xFF)
