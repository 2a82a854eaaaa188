"""SoupBinTCP packets: lengths, logins, and a session that can be read again from any number."""

import random

import pytest

from feeds import soup
from feeds.soup import Login, Packet, SoupLog
from market.errors import BadInput, InvariantBroken


def test_packets_are_laid_out_as_the_document_says() -> None:
    """Two bytes of length, one of type, the payload; numbers and sessions padded on the left."""
    assert soup.HEARTBEAT == b"\x00\x01H"
    assert soup.END_OF_SESSION == b"\x00\x01Z"
    assert soup.rejected(soup.NOT_AUTHORIZED) == b"\x00\x02JA"
    assert soup.accepted("20261126", 7) == b"\x00\x1fA  20261126" + b" " * 19 + b"7"
    assert soup.login("firm", "secret", "", 1) == (
        b"\x00\x2fLfirm  secret              " + b" " * 19 + b"1"
    )


def test_a_login_is_read_whichever_side_its_fields_are_padded_on() -> None:
    """Clients differ; what they mean does not."""
    left = b"  firm" + b"    secret" + b"  20261126" + b"5".rjust(20)
    right = b"firm  " + b"secret    " + b"20261126  " + b"5".ljust(20)
    assert soup.read_login(left) == soup.read_login(right) == Login("firm", "secret", "20261126", 5)
    assert soup.read_login(b" " * 46).sequence == 0


@pytest.mark.parametrize(
    "payload", [b"", b" " * 45, b" " * 47, b" " * 45 + b"x", b" " * 44 + b"-1", b"\xe9" + b" " * 45]
)
def test_a_login_that_is_none_is_refused(payload: bytes) -> None:
    """Wrong length, a number that is none, text outside ASCII."""
    with pytest.raises(BadInput):
        soup.read_login(payload)


@pytest.mark.parametrize("seed", range(20))
def test_packets_come_out_whole_however_they_arrive(seed: int) -> None:
    """Cut anywhere, the same packets in the same order, and nothing left over."""
    draw = random.Random(seed)
    sent = [
        Packet(draw.choice((b"R", b"U", b"+")), draw.randbytes(draw.randrange(9))) for _ in "x" * 40
    ]
    wire = b"".join(soup.packet(kind, payload) for kind, payload in sent)
    received, read = bytearray(), []
    while wire:
        cut = draw.randint(1, 12)
        received += wire[:cut]
        wire = wire[cut:]
        read += soup.split(received, 64)
    assert read == sent
    assert not received


@pytest.mark.parametrize("head", [b"\x00\x00", b"\x00\x42", b"\xff\xff"])
def test_a_length_outside_the_bound_is_refused(head: bytes) -> None:
    """Empty packets and oversize ones, before their payload has come."""
    with pytest.raises(BadInput):
        soup.split(bytearray(head), 64)


def test_a_session_is_read_again_from_any_number() -> None:
    """The stream from a number on is that number's packet and all after it."""
    log = SoupLog("20261126")
    messages = [bytes([65 + place]) * (place + 1) for place in range(20)]
    for message in messages:
        log.append(message)
    assert (len(log), log.next_sequence) == (20, 21)
    for sequence in range(1, 22):
        rest = soup.split(bytearray(log.stream[log.start_of(sequence) :]), 64)
        assert rest == [Packet(b"S", message) for message in messages[sequence - 1 :]]
    assert [log.message(sequence) for sequence in range(1, 21)] == messages


def test_an_ended_session_stays_as_it_is() -> None:
    """Nothing follows its end, and there is no number outside it."""
    log = SoupLog("20261126")
    log.append(b"S")
    log.ended = True
    with pytest.raises(InvariantBroken):
        log.append(b"S")
    for outside in (0, 3):
        with pytest.raises(InvariantBroken):
            log.start_of(outside)
    assert len(log) == 1
