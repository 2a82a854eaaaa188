"""The single price of a call auction: the conformance vectors, and every price tried by hand."""

import random

import numpy as np
import pytest
from oracle_book import Interest, brute_force
from script import play

from market.choices import SelfMatch
from market.instrument import TEN_YEN, TickTable
from market.quantities import MAX_PRICE_SEN, SEN_PER_YEN, Sen
from market.rulebooks import START
from market.rules import PriceRule
from matching.auction import clear, heavier_side
from matching.book import Interest as Levels
from matching.clearing import NO_CLEARING, Clearing, Terms

LOWER, UPPER = Sen(8_500_000), Sen(11_500_000)
MARKET = None

# name: centre in yen, orders as (side, units, yen or MARKET), price in yen or None, units
VECTORS: dict[str, tuple[int, list[tuple[str, int, int | None]], int | None, int]] = {
    "V1, C4: sellers left over, the lowest": (
        100_000,
        [("buy", 10, 100_500), ("buy", 5, 100_200), ("sell", 8, 99_800), ("sell", 4, 100_300),
         ("sell", 6, 100_500)],
        100_300, 10,
    ),
    "V2, C5: the lowest above the centre": (
        100_000,
        [("buy", 10, 100_200), ("buy", 5, 100_100), ("sell", 10, 100_000), ("sell", 5, 100_150)],
        100_110, 10,
    ),
    "V3, C4: sellers left over": (
        100_100, [("buy", 5, 100_200), ("sell", 12, 100_000)], 100_000, 5,
    ),
    "V4, C4: buyers left over": (
        100_100, [("buy", 12, 100_200), ("sell", 5, 100_000)], 100_200, 5,
    ),
    "V5, C5: the centre itself": (
        100_100, [("buy", 5, 100_200), ("sell", 5, 100_000)], 100_100, 5,
    ),
    "V6, C5: the lowest above the centre": (
        99_500, [("buy", 5, 100_200), ("sell", 5, 100_000)], 100_000, 5,
    ),
    "V7, C5: the highest below the centre": (
        101_000, [("buy", 5, 100_200), ("sell", 5, 100_000)], 100_200, 5,
    ),
    "V8, C4: market buys up to the highest sell": (
        100_000,
        [("buy", 10, MARKET), ("sell", 4, 100_000), ("sell", 4, 100_300), ("sell", 4, 100_600)],
        100_600, 10,
    ),
    "V9, C4: one tick above the only limit": (
        100_000, [("buy", 10, MARKET), ("sell", 4, 100_000)], 100_010, 4,
    ),
    "V10: market orders alone at the centre": (
        100_000, [("buy", 7, MARKET), ("sell", 4, MARKET)], 100_000, 4,
    ),
    "V11: no cross, no price": (
        100_000, [("buy", 5, 99_900), ("sell", 5, 100_100)], None, 0,
    ),
    "C5: a centre between two ticks goes to the nearer": (
        100_104, [("buy", 5, 100_200), ("sell", 5, 100_000)], 100_100, 5,
    ),
    "C5: a centre half way between two ticks goes up": (
        100_105, [("buy", 5, 100_200), ("sell", 5, 100_000)], 100_110, 5,
    ),
    "C5: equal surplus on both sides, better limits filled": (
        100_000, [("buy", 4, 100_100), ("sell", 4, 100_100), ("buy", 2, 100_000),
                  ("sell", 2, 100_200), ("buy", 2, 100_100), ("sell", 4, 100_110)],
        100_100, 4,
    ),
    "the lower limit holds": (
        100_000, [("buy", 3, 85_000), ("sell", 9, MARKET)], 85_000, 3,
    ),
    "the upper limit holds": (
        100_000, [("buy", 9, MARKET), ("sell", 3, 115_000)], 115_000, 3,
    ),
    "an empty book": (100_000, [], None, 0),
    "one side only": (100_000, [("buy", 9, MARKET), ("buy", 3, 100_000)], None, 0),
}  # fmt: skip


def terms(
    centre_sen: int, rule: PriceRule = PriceRule.FIVE_CONDITION, *, market_only: bool = True
) -> Terms:
    """The vectors' grid and limits."""
    return Terms(LOWER, UPPER, TEN_YEN, Sen(centre_sen), rule, market_only)


def cleared(orders: list[Interest], by: Terms) -> Clearing:
    """The production price of a list of orders."""
    totals: dict[str, dict[Sen, int]] = {"buy": {}, "sell": {}}
    market = {"buy": 0, "sell": 0}
    for side, price, units in orders:
        if price is None:
            market[side] += units
        else:
            totals[side][Sen(price)] = totals[side].get(Sen(price), 0) + units
    buys = levels(sorted(totals["buy"].items(), reverse=True))
    sells = levels(sorted(totals["sell"].items()))
    leaning = heavier_side(buys, sells, market["buy"], market["sell"], by)
    result = clear(buys, sells, market["buy"], market["sell"], by)
    if by.price_rule is PriceRule.TSE_THREE_CONDITION and leaning is not None:
        assert result == NO_CLEARING, "market orders left over leave no price"
    return result


def levels(totals: list[tuple[Sen, int]]) -> Levels:
    """Prices and units as a book gives them."""
    prices, units = [price for price, _ in totals], [units for _, units in totals]
    return Levels(np.array(prices, np.int64), np.array(units, np.int64))


@pytest.mark.parametrize("vector", VECTORS)
def test_each_vector_gives_its_price_and_volume(vector: str) -> None:
    """The conformance vectors hold, in the production code and in the oracle alike."""
    centre, orders, price, units = VECTORS[vector]
    in_sen = [
        (side, None if yen is None else yen * SEN_PER_YEN, lots) for side, lots, yen in orders
    ]
    expected = (None if price is None else price * SEN_PER_YEN, units)

    result = cleared(in_sen, terms(centre * SEN_PER_YEN))

    assert result[:2] == expected
    assert brute_force(in_sen, TEN_YEN.grid(LOWER, UPPER), centre * SEN_PER_YEN) == tuple(result)


def test_market_orders_alone_do_not_trade_where_the_preset_says_no() -> None:
    """Without any limit there is no price, unless the preset lets the centre stand in."""
    by = terms(10_000_000, market_only=False)

    assert cleared([("buy", None, 7), ("sell", None, 4)], by).price_sen is None


def test_most_units_takes_the_survivor_nearest_to_the_centre() -> None:
    """Without the surplus rules the centre decides among prices of equal volume, half going up."""
    orders: list[Interest] = [("buy", 10_020_000, 5), ("sell", 10_000_000, 12)]

    for centre, price in ((10_010_500, 10_011_000), (9_000_000, 10_000_000)):
        result = cleared(orders, terms(centre, PriceRule.MAX_VOLUME))
        assert result == (price, 5, -7)


# name: centre in yen, orders, price in yen or None, units, surplus
THREE_CONDITIONS: dict[str, tuple[int, list[tuple[str, int, int | None]], int | None, int, int]] = {
    "V1: buyers above and sellers below are filled": (
        100_000,
        [("buy", 10, 100_500), ("buy", 5, 100_200), ("sell", 8, 99_800), ("sell", 4, 100_300),
         ("sell", 6, 100_500)],
        100_300, 10, -2,
    ),
    "V8: market buys fit below the highest sell": (
        100_000,
        [("buy", 10, MARKET), ("sell", 4, 100_000), ("sell", 4, 100_300), ("sell", 4, 100_600)],
        100_600, 10, -2,
    ),
    "V9: a market buy that no sell fills leaves no price": (
        100_000, [("buy", 10, MARKET), ("sell", 4, 100_000)], None, 0, 0,
    ),
    "the other way round": (
        100_000, [("sell", 10, MARKET), ("buy", 4, 100_000)], None, 0, 0,
    ),
    "V10: market orders alone, not the same on both sides": (
        100_000, [("buy", 7, MARKET), ("sell", 4, MARKET)], None, 0, 0,
    ),
    "market orders alone, the same on both sides": (
        100_000, [("buy", 7, MARKET), ("sell", 7, MARKET)], 100_000, 7, 0,
    ),
    "equal totals at many prices: nearest the centre": (
        100_130, [("buy", 5, 100_200), ("sell", 5, 100_000)], 100_130, 5, 0,
    ),
    "equal totals reach to the limit; the centre is far above the orders": (
        110_000, [("buy", 5, MARKET), ("sell", 5, 100_000)], 110_000, 5, 0,
    ),
    "V11: no cross": (
        100_000, [("buy", 5, 99_900), ("sell", 5, 100_100)], None, 0, 0,
    ),
    "the special execution book, without its band": (
        120, [("sell", 10, MARKET), ("sell", 10, 110), ("sell", 5, 115), ("sell", 10, 120),
              ("sell", 15, 125), ("sell", 10, 130), ("sell", 20, 135), ("sell", 15, 140),
              ("sell", 20, 170), ("buy", 20, MARKET), ("buy", 30, 170), ("buy", 20, 140),
              ("buy", 10, 135), ("buy", 10, 130), ("buy", 5, 125), ("buy", 30, 120),
              ("buy", 10, 115), ("buy", 10, 110)],
        135, 80, 0,
    ),
}  # fmt: skip


@pytest.mark.parametrize("vector", THREE_CONDITIONS)
def test_three_conditions_give_each_vector_its_price(vector: str) -> None:
    """TSE's rule: every market and better order filled and one side at the price, or no price."""
    centre, orders, price, units, surplus = THREE_CONDITIONS[vector]
    in_sen = [
        (side, None if yen is None else yen * SEN_PER_YEN, lots) for side, lots, yen in orders
    ]
    ticks = ONE_YEN if centre < 1_000 else TEN_YEN
    lower, upper = (Sen(7_000), Sen(17_000)) if centre < 1_000 else (LOWER, UPPER)
    rule = PriceRule.TSE_THREE_CONDITION
    by = Terms(lower, upper, ticks, Sen(centre * SEN_PER_YEN), rule, market_only_trades=True)

    result = cleared(in_sen, by)

    assert result == (None if price is None else price * SEN_PER_YEN, units, surplus)
    grid = ticks.grid(lower, upper)
    assert brute_force(in_sen, grid, centre * SEN_PER_YEN, rule=rule) == tuple(result)


ONE_YEN = TickTable(table_id=8, up_to_sen=(MAX_PRICE_SEN,), tick_sen=(100,))
STEPS = TickTable(table_id=7, up_to_sen=(1_000, 1_100, MAX_PRICE_SEN), tick_sen=(10, 20, 50))


@pytest.mark.parametrize("seed", range(40))
def test_no_other_grid_price_would_have_been_chosen(seed: int) -> None:
    """On thousands of small books the price is the one that trying every grid price gives."""
    draw = random.Random(seed)
    for _ in range(100):
        lower, upper = draw.choice([(900, 1_100), (950, 1_250), (980, 1_000), (1_000, 1_000)])
        grid = STEPS.grid(Sen(lower), Sen(upper))
        wide = STEPS.grid(Sen(850), Sen(1_350))
        orders: list[Interest] = [
            (
                draw.choice(["buy", "sell"]),
                None if draw.random() < 0.2 else draw.choice(grid if draw.random() < 0.9 else wide),
                draw.randint(1, 4),
            )
            for _ in range(draw.randint(0, 12))
        ]
        centre, market_only = draw.randint(880, 1_300), draw.random() < 0.8
        for rule in PriceRule:
            by = Terms(grid[0], grid[-1], STEPS, Sen(centre), rule, market_only)
            best = brute_force(orders, grid, centre, rule=rule, market_only=market_only)
            assert tuple(cleared(orders, by)) == best, (orders, by)


def test_everyone_in_the_auction_trades_at_one_price() -> None:
    """A call auction (板寄せ) gives one price to all, however high they bid."""
    play("""
        A buy  10 @ 100500
        B buy   5 @ 100000
        C sell 12 @  99900
        phase OpeningAuction
        cross -> 100_000: 1+3 10, 2+3 2
    """)


def test_market_orders_come_first_then_price_then_time() -> None:
    """Within a cross both queues are walked market, price, time, and paired."""
    play("""
        A buy  2 @ 100000
        B buy  2 @ 100000
        C buy  2 @ 100100
        D buy  3 market
        E sell 5 @ 100000
        F sell 3 market
        phase OpeningAuction
        cross -> 100_000: 4+6 3, 3+5 2, 1+5 2, 2+5 1
    """)


def test_a_firm_that_meets_itself_in_a_cross_trades_and_is_flagged() -> None:
    """Prevention acts before a cross, if at all; a meeting in it is reported on the trade."""
    play(
        """
        A buy  5 @ 100000 acc=X cancel_newest
        A buy  5 @ 100000 acc=Y
        A sell 9 @ 100000 acc=X cancel_newest
        phase OpeningAuction
        cross -> 100_000: 1+3 5 own, 2+3 4
    """,
        START.replace(self_match=SelfMatch.ALLOW, self_trade_same_account_only=True),
    )
