"""OUCH messages: bytes written out by hand, there and back, and garbage."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from market.ids import InstrumentId, ParticipantId, SessionId
from market.reasons import CancelReason, RejectReason
from market.words import OrderKind, ShortSale, Side, Validity
from participants import ouch
from participants.ouch_rules import (
    CANCEL_LETTERS,
    REJECT_LETTERS,
    OuchMarket,
    carried_of,
    is_ours,
    name_of,
    to_command,
    token_of,
)
from participants.wire import Identity

WHO = Identity(
    participant_id=ParticipantId("FIRM-A"), session_id=SessionId("FIRM-A-1"), generation=3
)
ENTER = ouch.Enter(
    7, "mine", "S", 300, "ST01", "DAY", 1_002_505, 99_999, "FA", "P", "A", 0, "3", "2"
)

BY_HAND: dict[str, tuple[ouch.Inbound | ouch.Outbound, bytes]] = {
    "enter": (
        ENTER,
        (b"O" b"\x00\x00\x00\x07" b"mine      " b"S" b"\x00\x00\x01\x2c" b"ST01" b"DAY "
        b"\x00\x0f\x4c\x09" b"\x00\x01\x86\x9f" b"FA  " b"P" b"A" b"\x00\x00\x00\x00" b"3" b"2"),
    ),
    "replace": (
        ouch.Replace(7, 8, 200, 1_000_000, 99_999, "P", 0),
        (b"U" b"\x00\x00\x00\x07" b"\x00\x00\x00\x08" b"\x00\x00\x00\xc8" b"\x00\x0f\x42\x40"
        b"\x00\x01\x86\x9f" b"P" b"\x00\x00\x00\x00"),
    ),
    "cancel": (ouch.Cancel(8, 0), (b"X" b"\x00\x00\x00\x08" b"\x00\x00\x00\x00")),
    "system event": (
        ouch.SystemEvent(30_000_000_000_000, "S"),
        (b"S" b"\x00\x00\x1b\x48\xeb\x57\xe0\x00" b"S"),
    ),
    "accepted": (
        ouch.Accepted(
            1, 7, "mine", "S", 300, "ST01", "DAY", 1_002_505, 99_999, "FA", "P", "A", 258, 0, "L",
            "3", "2",
        ),
        (b"A" b"\x00\x00\x00\x00\x00\x00\x00\x01" b"\x00\x00\x00\x07" b"mine      " b"S"
        b"\x00\x00\x01\x2c" b"ST01" b"DAY " b"\x00\x0f\x4c\x09" b"\x00\x01\x86\x9f" b"FA  " b"P"
        b"A" b"\x00\x00\x00\x00\x00\x00\x01\x02" b"\x00\x00\x00\x00" b"L" b"3" b"2"),
    ),
    "replaced": (
        ouch.Replaced(1, 8, "S", 200, "ST01", "DAY", 1_000_000, 99_999, "P", 259, 0, "D", 7),
        (b"U" b"\x00\x00\x00\x00\x00\x00\x00\x01" b"\x00\x00\x00\x08" b"S" b"\x00\x00\x00\xc8"
        b"ST01" b"DAY " b"\x00\x0f\x42\x40" b"\x00\x01\x86\x9f" b"P"
        b"\x00\x00\x00\x00\x00\x00\x01\x03" b"\x00\x00\x00\x00" b"D" b"\x00\x00\x00\x07"),
    ),
    "canceled": (
        ouch.Canceled(1, 8, 200, "U"),
        (b"C" b"\x00\x00\x00\x00\x00\x00\x00\x01" b"\x00\x00\x00\x08" b"\x00\x00\x00\xc8" b"U"),
    ),
    "self-match canceled": (
        ouch.SelfMatchCanceled(1, 8, 5, "Q", 4, 1_000_000, "R"),
        (b"D" b"\x00\x00\x00\x00\x00\x00\x00\x01" b"\x00\x00\x00\x08" b"\x00\x00\x00\x05" b"Q"
        b"\x00\x00\x00\x04" b"\x00\x0f\x42\x40" b"R"),
    ),
    "executed": (
        ouch.Executed(1, 8, 5, 1_000_000, "A", 66),
        (b"E" b"\x00\x00\x00\x00\x00\x00\x00\x01" b"\x00\x00\x00\x08" b"\x00\x00\x00\x05"
        b"\x00\x0f\x42\x40" b"A" b"\x00\x00\x00\x00\x00\x00\x00\x42"),
    ),
    "rejected": (
        ouch.Rejected(1, 2**32 - 1, "Z"),
        (b"J" b"\x00\x00\x00\x00\x00\x00\x00\x01" b"\xff\xff\xff\xff" b"Z"),
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", BY_HAND)
def test_a_message_is_these_bytes(name: str) -> None:
    """Written out by hand, field by field, both ways."""
    message, data = BY_HAND[name]
    read = ouch.decode_in if isinstance(message, ouch.Inbound) else ouch.decode_out
    assert ouch.encode(message) == data
    assert read(data) == message


def test_an_order_has_the_documents_length() -> None:
    """48 bytes (ODX equities OUCH 2.0); all three of the client's differ, so do all of ours."""
    sizes = {name: len(data) for name, (_, data) in BY_HAND.items()}
    assert sizes["enter"] == ouch.IN_BYTES_MAX == 48
    ours = [size for name, size in sizes.items() if name not in {"enter", "replace", "cancel"}]
    assert len(set(ours)) == len(ours)


def fields_of(kind: type) -> st.SearchStrategy[Any]:
    """Any values that fit a message's fields."""
    layout = ouch._LAYOUTS[kind][1]
    parts: list[st.SearchStrategy[Any]] = []
    for width, letter in zip(ouch._WIDTHS[kind], [c for c in layout if c.isalpha()], strict=True):
        if letter == "s":
            text = st.text(st.characters(max_codepoint=255), max_size=width)
            parts.append(text.map(lambda value: value.rstrip(" ")))
        else:
            parts.append(st.integers(0, 256**width - 1))
    return st.tuples(*parts).map(lambda values: kind(*values))


@given(st.sampled_from(list(ouch._LAYOUTS)).flatmap(fields_of))
def test_what_is_written_is_read_again(message: ouch.Inbound | ouch.Outbound) -> None:
    """For every message and every value that fits."""
    read = ouch.decode_in if isinstance(message, ouch.Inbound) else ouch.decode_out
    assert read(ouch.encode(message)) == message


@given(st.binary(max_size=80) | st.tuples(st.sampled_from(b"OUXSACDEJ"), st.binary(max_size=80)))
def test_garbage_is_no_message_and_never_raises(data: bytes | tuple[int, bytes]) -> None:
    """It is read as None, or as the message its type and length make it."""
    raw = data if isinstance(data, bytes) else bytes([data[0]]) + data[1]
    for read in (ouch.decode_in, ouch.decode_out):
        message = read(raw)
        if message is not None:
            assert len(ouch.encode(message)) == len(raw)


@given(st.sampled_from(list(ouch._IN.values())).flatmap(fields_of))
def test_every_message_becomes_one_command(message: ouch.Inbound) -> None:
    """Whatever its fields say; in the session's name and no other."""
    market = OuchMarket()
    market.add(InstrumentId("ST01"))
    command = to_command(message, WHO, market)
    assert (command.participant_id, command.session_id, command.generation) == (
        WHO.participant_id, WHO.session_id, WHO.generation,
    )  # fmt: skip
    assert command.carried


def test_an_order_asks_for_this_command() -> None:
    """Price in sen, name of session and token, the rest carried."""
    market = OuchMarket()
    market.add(InstrumentId("ST01"))
    command = to_command(ENTER, WHO, market)
    assert command == type(command)(
        participant_id=WHO.participant_id,
        session_id=WHO.session_id,
        generation=3,
        req_id="FIRM-A-1.7",
        client_order_id="FIRM-A-1.7",
        instrument_id=InstrumentId("ST01"),
        side=Side.SELL,
        kind=OrderKind.LIMIT,
        price_sen=10_025_050,
        quantity_units=300,
        validity=Validity.DAY,
        carried="mine      FA  A32",
    )
    carried = carried_of(command.carried)
    assert carried is not None
    assert (carried.reference, carried.firm, carried.capacity) == ("mine", "FA", "A")
    assert is_ours(command)
    other = type(command)(
        **{name: getattr(command, name) for name in command.__struct_fields__} | {"carried": "A"}
    )
    assert not is_ours(other)
    short = to_command(ENTER._replace(side="E", time_in_force=0), WHO, market)
    assert short == type(command)(
        **{name: getattr(command, name) for name in command.__struct_fields__}
        | {"short_sale": ShortSale.EXEMPT, "validity": Validity.IOC}
    )


def test_long_names_give_way_to_numbers() -> None:
    """A book id has four characters: an issue's name, or its place in the list."""
    market = OuchMarket()
    for name in ("KH01", "LONGNAME", "X", "KH01"):
        market.add(InstrumentId(name))
    assert market.books == {"KH01": "KH01", "0002": "LONGNAME", "X": "X"}


@given(st.integers(0, ouch.TOKEN_MAX))
def test_a_name_holds_its_token(token: int) -> None:
    """Also where the session's name has points, and it fits every other door."""
    name = name_of(SessionId("desk.7.A-B_C"), token)
    assert token_of(name) == token
    assert len(name) <= 36


def test_every_reason_has_a_letter() -> None:
    """One of the venue's list; what has none of its own is O."""
    known = set("HSXZNYDViRFGLcO")
    assert {REJECT_LETTERS.get(reason, "O") for reason in RejectReason} <= known
    assert set(CANCEL_LETTERS) == set(CancelReason)
