"""The indicative price (予想約定値): told on change, and always what the whole book gives."""

import random

import pytest
from crossing_beside import KEPT, STEPS, first_difference, first_row_that_differs, resting
from oracle_book import brute_force
from script import ISSUE, NAME, Stage, play

from market.events import IndicativePriceChanged
from market.instrument import (
    J_MARKET_OTHER,
    START_BEFORE_2024_10_07,
    TEN_YEN,
    TSE_OTHER,
    Instrument,
    TickTable,
)
from market.quantities import Sen, Units
from market.rulebooks import START, TSE
from market.rules import PriceRule
from market.words import Phase, Side
from matching import indicative, kernel
from matching.book import SortedBook
from matching.clearing import NO_CLEARING, Terms
from matching.indicative import CallInterest
from matching.order import Order


@pytest.mark.parametrize("rule", PriceRule)
@pytest.mark.parametrize("seed", range(15))
def test_after_every_change_the_trees_answer_as_the_whole_grid_does(
    seed: int, rule: PriceRule
) -> None:
    """Adds and removals, inside and outside the limits: the answer equals trying every price."""
    draw = random.Random(seed)
    lower, upper = draw.choice([(900, 1_100), (950, 1_250), (980, 1_000), (1_000, 1_000)])
    grid, wide = STEPS.grid(Sen(lower), Sen(upper)), STEPS.grid(Sen(850), Sen(1_350))
    by = Terms(grid[0], grid[-1], STEPS, Sen(1_000), rule, draw.random() < 0.8)
    book = SortedBook({})
    trees = CallInterest(book, by, grid)
    live: list[Order] = []
    for number in range(150):
        if live and draw.random() < 0.5:
            order = live.pop(draw.randrange(len(live)))
            book.remove(order)
            trees.change(order.side, order.price_sen, -order.leaves_units)
        else:
            price = 0 if draw.random() < 0.2 else draw.choice(grid if draw.random() < 0.9 else wide)
            order = resting(number, draw.choice(list(Side)), price, draw.randint(1, 4))
            live.append(order)
            book.add(order)
            trees.change(order.side, order.price_sen, order.leaves_units)
        centre = draw.randint(880, 1_300)
        orders = [(one.side.value, one.price_sen or None, one.leaves_units) for one in live]
        expected = brute_force(
            orders,  # type: ignore[arg-type]
            grid,
            centre,
            rule=rule,
            market_only=by.market_only_trades,
        )
        assert tuple(trees.clearing(Sen(centre))) == expected
        assert CallInterest(book, by, grid).clearing(Sen(centre)) == trees.clearing(Sen(centre))


@pytest.mark.parametrize("rule", KEPT)
@pytest.mark.parametrize("seed", range(60))
def test_after_every_change_a_kernel_book_answers_as_the_whole_grid_does(
    seed: int, rule: PriceRule
) -> None:
    """Adds, cuts and removals within the limits: the crossing point is where every price says it is."""
    assert first_difference(kernel, seed, rule) is None


@pytest.mark.parametrize("rule", KEPT)
@pytest.mark.parametrize("seed", range(60))
def test_the_rows_of_a_call_show_what_the_whole_grid_gives(seed: int, rule: PriceRule) -> None:
    """Orders, cancels and amendments: after each, the price told last is the one every price gives."""
    assert first_row_that_differs(kernel, seed, rule) is None


def test_levels_far_apart_are_found_too() -> None:
    """On a ladder of 20,000 prices the next level may be thousands of prices away, up or down."""
    lower, upper = Sen(1_000), Sen(20_001_000)
    book = kernel.KernelBook(kernel.Kernel(), {}, NAME).fitted(TEN_YEN, lower, upper)
    terms = Terms(lower, upper, TEN_YEN, Sen(5_000_000), PriceRule.FIVE_CONDITION, True)
    book.add(resting(1, Side.BUY, 20_000_000, 5))
    book.add(resting(2, Side.SELL, 2_000, 3))
    book.add(resting(3, Side.SELL, 20_000_000, 9))
    assert book.crossing(terms) == (20_000_000, 5, -7)
    book.add(resting(4, Side.SELL, 2_000, 4))
    assert book.crossing(terms) == (2_000, 5, -2)
    book.add(resting(5, Side.BUY, 3_000, 6))
    assert book.crossing(terms) == (3_000, 7, 4)


def test_limits_that_are_not_the_ladders_are_left_to_the_levels() -> None:
    """A base price set by hand may leave orders outside the limits: then nothing is kept."""
    book = kernel.KernelBook(kernel.Kernel(), {}, NAME).fitted(TEN_YEN, Sen(90_000), Sen(110_000))
    terms = Terms(Sen(90_000), Sen(111_000), TEN_YEN, Sen(100_000), PriceRule.FIVE_CONDITION, True)

    assert book.crossing(terms) is None
    assert book.crossing(terms._replace(upper_limit_sen=Sen(110_000))) == NO_CLEARING


def told(stage: Stage) -> list[tuple[int | None, int, int]]:
    """Indicative prices told so far, in yen."""
    return [
        (event.price_sen and event.price_sen // 100, event.executed_units, event.surplus_units)
        for event in stage.events
        if isinstance(event, IndicativePriceChanged)
    ]


def test_it_is_told_on_change_only_and_no_price_after_the_cross() -> None:
    """Orders that move nothing tell nothing; the cross ends with "no price"."""
    stage = play("""
        A buy  5 @ 100100
        B sell 5 @ 100000
        C buy  5 @  99000
        D buy  1 @ 100100
        D cancel 4
        B amend 2 x 3
        phase PreOpenNCP
        E sell 9 @ 101000
        phase OpeningAuction
        cross
    """)

    assert told(stage) == [
        (100_000, 5, 0),
        (100_100, 5, 1),
        (100_000, 5, 0),
        (100_100, 3, 2),
        (None, 0, 0),
    ]


def test_orders_left_over_show_again_when_the_afternoon_gathers() -> None:
    """A skipped cross leaves its orders; PreClose tells at once what they would give."""
    stage = play("""
        A buy  5 @ 100000
        B sell 5 @ 100000
        halt
        phase OpeningAuction
        cross -> skipped
        phase Break
        resume
        phase PreClose
    """)

    assert told(stage) == [(100_000, 5, 0), (None, 0, 0), (100_000, 5, 0)]


def test_a_base_price_set_by_hand_moves_the_price_at_once() -> None:
    """The centre and the limits follow a base price set by hand, and so does the price."""
    stage = play("""
        A buy  5 market
        B sell 5 market
        base 90000
    """)

    assert told(stage) == [(100_000, 5, 0), (90_000, 5, 0)]


def test_a_grid_too_long_for_trees_is_answered_from_the_levels(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Beyond the bound no trees are kept, and the same prices are told."""
    story = """
        A buy  5 @ 100100
        B sell 5 @ 100000
        D buy  1 @ 100100
        A cancel 1
    """
    with_trees = told(play(story))
    monkeypatch.setattr(indicative, "MAX_GRID_PRICES", 10)
    stage = play(story)

    assert stage.engine._issues[NAME].interest is None
    assert told(stage) == with_trees != []


@pytest.mark.parametrize("ticks", [J_MARKET_OTHER, START_BEFORE_2024_10_07, TSE_OTHER, TEN_YEN])
@pytest.mark.parametrize("yen", [1_000, 100_000, 1_000_000])
def test_the_usual_tables_are_short_enough_for_trees(ticks: TickTable, yen: int) -> None:
    """Every tick table of the presets, at small and large prices, is answered from trees."""
    values = {name: getattr(ISSUE, name) for name in ISSUE.__struct_fields__}
    issue = Instrument(**values | {"ticks": ticks, "issue_price_sen": Sen(yen * 100)})

    assert Stage(START, Phase.PRE_OPEN, issue).engine._issues[NAME].interest is not None


def test_leaving_the_call_without_a_cross_takes_the_price_back() -> None:
    """No state shows a price that nothing will happen at."""
    stage = Stage(START, Phase.PRE_OPEN, ISSUE)
    stage.line("A buy 5 @ 100000")
    stage.line("B sell 5 @ 100000")
    stage.line("phase Break")

    assert told(stage)[-1] == (None, 0, 0)
    assert stage.engine.last_price_sen(NAME) is None
    assert stage.engine.book(NAME).levels(Side.BUY) == [(10_000_000, Units(5), 1)]


def test_openers_that_end_with_their_session_are_gone_from_the_next_price() -> None:
    """A session ends under a quote: what waited for the open expires before the price is told.

    Found by random markets: the price was read from the book before the orders had left it.
    """
    stage = play(
        """
        A buy  5 @ 107000 open
        B sell 5 @ 107000
        C buy  2 @ 107000
        phase OpeningAuction
        cross          -> no price, special buy 103_000
        phase Continuous
        phase PreClose -> quote ends, expired 1 5
        """,
        TSE,
    )

    assert told(stage)[-1] == (107_000, 2, -3)
