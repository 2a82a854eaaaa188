"""Bytes to messages: nothing a peer sends breaks the reader, and one bad message costs one."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from participants.fix_codec import Framer, Oversize, body, decode, encode

GOOD = encode("FIX.4.2", body((35, "0"), (49, "A"), (56, "B"), (34, 1), (112, "x")))


def messages(*pieces: bytes) -> list[bytes]:
    """What comes out of one framer."""
    framer = Framer()
    return [raw for piece in pieces for raw in framer.feed(piece)]


@given(st.lists(st.integers(1, len(GOOD) * 3 - 1), max_size=8))
def test_where_a_stream_is_cut_says_nothing(cuts: list[int]) -> None:
    """Three messages come out of any pieces."""
    stream = GOOD * 3
    places = [0, *sorted(set(cuts)), len(stream)]
    pieces = [stream[a:b] for a, b in pairwise(places)]

    assert messages(*pieces) == [GOOD] * 3


@given(st.binary(max_size=200))
def test_noise_never_breaks_the_reader_and_what_follows_is_read(noise: bytes) -> None:
    """Whatever came before, the second of two good messages is read."""
    if b"8=" in noise:
        return
    assert messages(noise + b"\x01" + GOOD + GOOD)[-1] == GOOD


@given(st.binary(max_size=300))
def test_decode_never_raises_on_what_the_framer_lets_through(noise: bytes) -> None:
    """Any content, rightly framed, is a message or nothing."""
    for raw in messages(encode("FIX.4.2", noise + b"\x01")):
        decode(raw)


@pytest.mark.parametrize("place", range(len(GOOD)))
def test_one_changed_byte_is_never_read_as_the_message(place: int) -> None:
    """Length and checksum together see every single changed byte."""
    spoiled = GOOD[:place] + bytes([GOOD[place] ^ 1]) + GOOD[place + 1 :]
    try:
        read = [decode(raw) for raw in messages(spoiled)]
    except Oversize:
        return

    assert all(message is None for message in read)


def test_a_repeated_tag_keeps_its_first_value_and_says_so() -> None:
    """The rules refuse it; the codec loses nothing."""
    message = decode(encode("FIX.4.2", body((35, "D"), (11, "a"), (38, 1), (11, "b"))))

    assert message is not None
    assert (message.repeated, message.get(11)) == ("11", "a")


def test_a_message_too_long_ends_the_reading_at_once() -> None:
    """Neither an announced nor a growing message takes memory without end."""
    with pytest.raises(Oversize):
        messages(b"8=FIX.4.2\x019=5000\x0135=0\x01")
    with pytest.raises(Oversize):
        messages(b"8=FIX.4.2\x019=4080\x01" + b"x" * 4200)
