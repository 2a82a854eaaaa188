"""SoupBinTCP packets: a stream of numbered messages that a client can ask for again.

Source: the SoupBinTCP layer of START's ITCH 1.2 (packet types, widths, rejection codes). A packet is two
bytes of length (big-endian, of what follows), one byte of type, and the payload. Usernames and
passwords are padded on the right, sessions and numbers on the left; a reader takes either. From
the server: ``+`` debug, ``A`` and ``J`` login accepted and rejected, ``S`` sequenced data, ``H``
heartbeat, ``Z`` end of session; from the client: ``+``, ``L`` login, ``U`` unsequenced data, ``R``
heartbeat, ``O`` logout.

``SoupLog`` is one session: every sequenced packet one after the other, ready to be sent. A packet's
number is its place, so a client is served from any number by sending bytes from there on.
"""

import struct
from array import array
from typing import Final, NamedTuple

from market.errors import BadInput, check

NOT_AUTHORIZED: Final = b"A"
SESSION_NOT_AVAILABLE: Final = b"S"

_HEAD: Final = struct.Struct(">Hc")
_LOGIN: Final = struct.Struct(">6s10s10s20s")
_SESSION_BYTES: Final = 10
_NUMBER_BYTES: Final = 20
_LENGTH_BYTES: Final = 2


class Packet(NamedTuple):
    """One packet: its type byte and what follows it."""

    kind: bytes
    payload: bytes


class Login(NamedTuple):
    """What a client asks for; sequence 0 is "from now", an empty session "the current one"."""

    username: str
    password: str
    session: str
    sequence: int


def packet(kind: bytes, payload: bytes = b"") -> bytes:
    """One packet as bytes."""
    return _HEAD.pack(len(payload) + 1, kind) + payload


HEARTBEAT: Final = packet(b"H")
END_OF_SESSION: Final = packet(b"Z")


def accepted(session: str, next_sequence: int) -> bytes:
    """Login accepted; the next sequenced packet carries ``next_sequence``."""
    name = session.encode("ascii").rjust(_SESSION_BYTES)
    return packet(b"A", name + str(next_sequence).encode("ascii").rjust(_NUMBER_BYTES))


def rejected(reason: bytes) -> bytes:
    """Login rejected."""
    return packet(b"J", reason)


def login(username: str, password: str, session: str = "", sequence: int = 1) -> bytes:
    """A login request, for clients."""
    return packet(
        b"L",
        username.encode("ascii").ljust(6)
        + password.encode("ascii").ljust(10)
        + session.encode("ascii").rjust(_SESSION_BYTES)
        + str(sequence).encode("ascii").rjust(_NUMBER_BYTES),
    )


def read_login(payload: bytes) -> Login:
    """Read a login request's fields; an empty number counts as 0.

    Raises:
        BadInput: When the length is wrong, or a field is not ASCII or not a number.
    """
    if len(payload) != _LOGIN.size:
        raise BadInput(f"a login has {_LOGIN.size} bytes, not {len(payload)}")
    fields = []
    for field in _LOGIN.unpack(payload):
        if not field.isascii():
            raise BadInput("a login is ASCII")
        fields.append(field.decode("ascii").strip(" \0"))
    username, password, session, number = fields
    if number and not number.isdigit():
        raise BadInput("a requested sequence number is digits")
    return Login(username, password, session, int(number or 0))


def split(received: bytearray, payload_bytes_max: int) -> list[Packet]:
    """Take all whole packets off the front of what was received. O(bytes).

    Raises:
        BadInput: When a length is 0 or above the bound; what came before it was taken and is lost.
    """
    packets: list[Packet] = []
    start, end = 0, len(received)
    while end - start >= _LENGTH_BYTES:
        length = received[start] << 8 | received[start + 1]
        if not 1 <= length <= payload_bytes_max + 1:
            raise BadInput(f"a packet of {length} bytes")
        after = start + _LENGTH_BYTES + length
        if after > end:
            break
        first = start + _LENGTH_BYTES
        packets.append(
            Packet(bytes(received[first : first + 1]), bytes(received[first + 1 : after]))
        )
        start = after
    del received[:start]
    return packets


class SoupLog:
    """One session's sequenced packets.

    Attributes:
        session: Its name, at most ten characters.
        stream: All packets, one after the other; only ever longer.
        ended: Whether no more will come.
    """

    __slots__ = ("_starts", "ended", "session", "stream")

    def __init__(self, session: str) -> None:
        check(0 < len(session) <= _SESSION_BYTES, "a session has a name", session=session)
        self.session = session
        self.stream = bytearray()
        self.ended = False
        self._starts = array("Q")

    def __len__(self) -> int:
        return len(self._starts)

    @property
    def next_sequence(self) -> int:
        """The number the next packet will carry; the first is 1."""
        return len(self._starts) + 1

    def append(self, message: bytes) -> None:
        """Number one message. O(bytes)."""
        check(not self.ended, "an ended session gets no more messages", session=self.session)
        self._starts.append(len(self.stream))
        self.stream += _HEAD.pack(len(message) + 1, b"S") + message

    def start_of(self, sequence: int) -> int:
        """Where in the stream the packet of a number begins; its end for the next number. O(1)."""
        check(1 <= sequence <= self.next_sequence, "a number of this session", sequence=sequence)
        return self._starts[sequence - 1] if sequence <= len(self) else len(self.stream)

    def message(self, sequence: int) -> bytes:
        """One message, without its packet. O(bytes)."""
        start, end = self.start_of(sequence), self.start_of(sequence + 1)
        return bytes(self.stream[start + _HEAD.size : end])
