"""The public book: levels, priority, totals and the checksum rule."""

import pytest
from feed_script import TinyMarket, crc_of, slow_crc32

from feeds.depth import Depth
from market.errors import InvariantBroken
from market.ids import OrderId
from market.quantities import Sen, Units
from market.words import OrderKind, Side

BUY, SELL = Side.BUY, Side.SELL


def book(*orders: tuple[int, Side, int, int]) -> Depth:
    """A book of (number, side, price in sen or 0 for market, units)."""
    depth = Depth()
    for number, side, price_sen, units in orders:
        kind = OrderKind.LIMIT if price_sen else OrderKind.MARKET
        depth.add(OrderId(number), side, kind, Sen(price_sen), Units(units))
        depth.check_invariants()
    return depth


ELEVEN_ASKS = [(n, SELL, 10_000_000 + n * 1_000, n) for n in range(1, 12)]
ELEVEN_BIDS = [(20 + n, BUY, 9_999_000 - n * 1_000, n) for n in range(1, 12)]

VECTORS = [
    ("an empty book", [], "", 0),
    ("one ask", [(1, SELL, 10_125_000, 10)], "1012500010", 0xFD43A28D),
    ("a price with half a yen", [(1, BUY, 10_125_050, 7)], "101250507", 0xC199E0D2),
    (
        "asks upward, then bids downward",
        [
            (1, SELL, 10_002_000, 3),
            (2, SELL, 10_001_000, 2),
            (3, BUY, 9_998_000, 5),
            (4, BUY, 9_999_000, 4),
        ],
        "10001000210002000399990004" + "99980005",
        0x0AE6BDE8,
    ),
    (
        "orders at one price are one level",
        [(1, SELL, 10_001_000, 2), (2, SELL, 10_001_000, 40)],
        "1000100042",
        0xAE9E6445,
    ),
    (
        "a crossed book is written as it is",
        [(1, SELL, 9_990_000, 2), (2, BUY, 10_010_000, 3)],
        "99900002100100003",
        0x35C2A106,
    ),
    (
        "market orders are not written",
        [(1, SELL, 0, 9), (2, BUY, 10_000_000, 1)],
        "100000001",
        0x0D6EA2C3,
    ),
    (
        "ten levels of a side and no more",
        ELEVEN_ASKS + ELEVEN_BIDS,
        "".join(f"{price}{units}" for _, _, price, units in ELEVEN_ASKS[:10] + ELEVEN_BIDS[:10]),
        0x003381D0,
    ),
]


@pytest.mark.parametrize(
    ("orders", "text", "crc"), [case[1:] for case in VECTORS], ids=[case[0] for case in VECTORS]
)
def test_checksum_follows_its_stated_rule(
    orders: list[tuple[int, Side, int, int]], text: str, crc: int
) -> None:
    """The published vectors hold, by this book and by a CRC-32 written out bit by bit."""
    assert slow_crc32(text.encode()) == crc
    assert book(*orders).crc() == crc


def test_bitwise_crc32_agrees_with_the_standard_check_value() -> None:
    """The oracle itself gives CBF43926 for the customary nine digits."""
    assert slow_crc32(b"123456789") == 0xCBF43926


def test_quantity_beyond_ten_levels_is_told_as_over_and_under() -> None:
    """OVER counts asks above the tenth, UNDER bids below it; the eleventh level holds eleven."""
    depth = book(*ELEVEN_ASKS, *ELEVEN_BIDS)
    assert (depth.asks.beyond_units(), depth.bids.beyond_units()) == (11, 11)
    depth.remove(OrderId(1))
    assert (depth.asks.beyond_units(), depth.bids.beyond_units()) == (0, 11)


def test_priority_is_market_then_price_then_time() -> None:
    """Buys come first; each side starts with its market orders, then its best price."""
    depth = book(
        (1, BUY, 9_999_000, 1),
        (2, BUY, 10_000_000, 1),
        (3, BUY, 0, 1),
        (4, BUY, 10_000_000, 1),
        (5, SELL, 10_002_000, 1),
        (6, SELL, 0, 1),
        (7, SELL, 10_001_000, 1),
    )
    assert [order.order_id for order in depth.in_priority()] == [3, 2, 4, 1, 6, 7, 5]


def test_changed_levels_are_told_once_best_first() -> None:
    """What was taken is not told again; a level that went is told with quantity 0."""
    depth = book((1, BUY, 9_998_000, 5), (2, BUY, 9_999_000, 6), (3, SELL, 10_001_000, 7))
    assert depth.take_changes() == (
        [(9_999_000, 6, 1), (9_998_000, 5, 1)],
        [(10_001_000, 7, 1)],
    )
    depth.set_leaves(OrderId(2), Units(4))
    depth.set_leaves(OrderId(3), Units(0))
    assert depth.take_changes() == ([(9_999_000, 4, 1)], [(10_001_000, 0, 0)])
    assert depth.take_changes() == ([], [])


def test_an_order_joins_once_and_leaves_once() -> None:
    """A number on the book cannot join again, one that is gone cannot change; nothing moves."""
    depth = book((1, BUY, 10_000_000, 5))
    before = depth.state()
    with pytest.raises(InvariantBroken, match="joins once"):
        depth.add(OrderId(1), BUY, OrderKind.LIMIT, Sen(10_000_000), Units(5))
    for change in (
        lambda: depth.remove(OrderId(2)),
        lambda: depth.set_leaves(OrderId(2), Units(1)),
        lambda: depth.set_leaves(OrderId(2), Units(0)),
    ):
        with pytest.raises(InvariantBroken, match="on the book"):
            change()
    assert depth.state() == before
    depth.check_invariants()


def test_invariants_notice_a_level_that_does_not_add_up() -> None:
    """A level changed behind the orders' back stops the venue."""
    depth = book((1, BUY, 10_000_000, 5))
    depth.bids.levels[Sen(10_000_000)][0] = 6
    with pytest.raises(InvariantBroken, match="sum of their orders"):
        depth.check_invariants()


def test_checksum_of_the_tiny_market_uses_the_same_rule() -> None:
    """The oracle's levels and the rule written a second time give the first vector."""
    market = TinyMarket()
    market.accept("ST01", "sell", 10_125_000, 10)
    assert crc_of(*market.levels("ST01")) == slow_crc32(b"1012500010")
