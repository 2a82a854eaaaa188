"""START's messages: each laid out by hand from the document's table, byte for byte."""

import pytest

from feeds import itch
from market.errors import BadInput
from market.words import Side

BOOK = b"ST01"

BY_HAND: list[tuple[bytes, str, itch.ItchMessage]] = [
    (itch.seconds(30_000), "54 00007530", itch.Seconds(30_000)),
    (
        itch.system_event(7, itch.START_OF_MESSAGES),
        "53 00000007 44415920 4f",
        itch.SystemEvent(7, "DAY", "O"),
    ),
    (
        itch.system_event(7, itch.END_OF_MESSAGES),
        "53 00000007 44415920 43",
        itch.SystemEvent(7, "DAY", "C"),
    ),
    (
        itch.tick_row(1, 2, 500, 10_000_001),
        "4c 00000001 00000002 000001f4 00989681",
        itch.TickRow(1, 2, 500, 10_000_001),
    ),
    (
        itch.directory(
            2, BOOK, "JP0000000001", "ST01", 1, 1, (8_500_000, 11_500_000),
            market_orders_barred=True, attention=False, termination=True,
        ),
        ("52 00000002 53543031 4a5030303030303030303031 535430312020202020202020 44415920"
        " 00000001 00000001 00000002 00af79e0 0081b320 59 4e 59"),
        itch.Directory(
            2, "ST01", "JP0000000001", "ST01", "DAY", 1, 1, 2, 11_500_000, 8_500_000, "Y", "N", "Y"
        ),
    ),
    (
        itch.trading_state(3, BOOK, itch.SUSPENDED),
        "48 00000003 53543031 44415920 56",
        itch.TradingState(3, "ST01", "DAY", "V"),
    ),
    (
        itch.order_added(999_999_999, 317, Side.BUY, 5, BOOK, 10_000_000),
        "41 3b9ac9ff 000000000000013d 42 00000005 53543031 44415920 00989680",
        itch.OrderAdded(999_999_999, 317, "B", 5, "ST01", "DAY", 10_000_000),
    ),
    (
        itch.order_added(0, 318, Side.SELL, 6, BOOK, itch.NO_PRICE_FIELD),
        "41 00000000 000000000000013e 53 00000006 53543031 44415920 7fffffff",
        itch.OrderAdded(0, 318, "S", 6, "ST01", "DAY", 2_147_483_647),
    ),
    (
        itch.order_executed(4, 317, 5, 92, 10_000_000, cross=True),
        "43 00000004 000000000000013d 00000005 000000000000005c 00989680 59",
        itch.OrderExecuted(4, 317, 5, 92, 10_000_000, "Y"),
    ),
    (
        itch.order_deleted(5, 317),
        "44 00000005 000000000000013d",
        itch.OrderDeleted(5, 317),
    ),
    (
        itch.order_replaced(6, 317, 400, 3, 9_999_900),
        "55 00000006 000000000000013d 0000000000000190 00000003 0098961c",
        itch.OrderReplaced(6, 317, 400, 3, 9_999_900),
    ),
    (
        itch.book_state(7, BOOK, "OpeningAuction"),
        "4f 00000007 53543031 4f70656e696e6741756374696f6e202020202020",
        itch.BookState(7, "ST01", "OpeningAuction"),
    ),
    (
        itch.equilibrium_price(8, BOOK, itch.NO_PRICE_FIELD),
        "5a 00000008 53543031 7fffffff",
        itch.EquilibriumPrice(8, "ST01", 2_147_483_647),
    ),
    (
        itch.snapshot_end(124),
        "47 2020202020202020202020202020202020313234",
        itch.SnapshotEnd(124),
    ),
]  # fmt: skip


@pytest.mark.parametrize(("written", "by_hand", "message"), BY_HAND)
def test_every_message_is_laid_out_as_the_document_says(
    written: bytes, by_hand: str, message: itch.ItchMessage
) -> None:
    """Widths, order, big-endian numbers and padding, and it reads back as what it says."""
    assert written.hex() == by_hand.replace(" ", "")
    assert itch.decode(written) == message


@pytest.mark.parametrize("written", [written for written, _, _ in BY_HAND])
def test_a_message_of_another_length_is_refused(written: bytes) -> None:
    """One byte less or more is not the message."""
    for wrong in (written[:-1], written + b" "):
        with pytest.raises(BadInput):
            itch.decode(wrong)


@pytest.mark.parametrize("wrong", [b"", b"?", b"E\0\0\0\0", b"D" + bytes(11), b"O" + b"\xff" * 28])
def test_what_is_no_message_is_refused(wrong: bytes) -> None:
    """No type, a type START does not have, and text outside ASCII."""
    with pytest.raises(BadInput):
        itch.decode(wrong)


def test_a_short_name_fills_its_book_id() -> None:
    """Book ids have four bytes."""
    assert itch.book_field("A1") == b"A1  "


EQUITIES_BY_HAND: list[tuple[bytes, str, itch.ItchMessage]] = [
    (
        itch.order_executed_at_limit(4, 317, 5, 92),
        "45 00000004 000000000000013d 00000005 000000000000005c",
        itch.OrderExecutedAtLimit(4, 317, 5, 92),
    ),
    (
        itch.short_sale_restriction(3, BOOK, itch.UNRESTRICTED),
        "59 00000003 53543031 44415920 30",
        itch.ShortSaleRestriction(3, "ST01", "DAY", "0"),
    ),
    (
        itch.system_event(7, itch.START_OF_MARKET_HOURS),
        "53 00000007 44415920 51",
        itch.SystemEvent(7, "DAY", "Q"),
    ),
    (
        itch.directory(
            2, BOOK, "JP0000000001", "ST01", 100, 1, (8_500_050, 11_500_000),
            market_orders_barred=False, attention=False, termination=False,
            profile=itch.EQUITIES_22,
        ),
        ("52 00000002 53543031 4a5030303030303030303031 535430312020202020202020 44415920"
        " 00000064 00000001 00000001 00118c30 000cf855 4e 4e 4e"),
        itch.Directory(
            2, "ST01", "JP0000000001", "ST01", "DAY", 100, 1, 1, 11_500_000, 8_500_050, "N", "N", "N"
        ),
    ),
    (
        itch.order_added(1, 318, Side.SELL, 6, BOOK, 1_000_005),
        "41 00000001 000000000000013e 53 00000006 53543031 44415920 000f4245",
        itch.OrderAdded(1, 318, "S", 6, "ST01", "DAY", 10_000_050),
    ),
    (
        itch.equilibrium_price(8, BOOK, itch.NO_PRICE_FIELD),
        "5a 00000008 53543031 7fffffff",
        itch.EquilibriumPrice(8, "ST01", 2_147_483_647),
    ),
]  # fmt: skip


@pytest.mark.parametrize(("written", "by_hand", "message"), EQUITIES_BY_HAND)
def test_the_equities_messages_have_one_price_decimal(
    written: bytes, by_hand: str, message: itch.ItchMessage
) -> None:
    """A price field is ten sen and reads back as sen; no price stays no price."""
    assert written.hex() == by_hand.replace(" ", "")
    assert itch.decode(written, itch.EQUITIES_22) == message


def test_start_has_none_of_the_equities_messages() -> None:
    """E and Y are no messages of START's ITCH."""
    for written, _, message in EQUITIES_BY_HAND[:2]:
        assert itch.decode(written, itch.EQUITIES_22) == message
        with pytest.raises(BadInput):
            itch.decode(written)
