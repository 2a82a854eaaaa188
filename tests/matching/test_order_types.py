"""Orders with a condition: on-open (寄付), on-close (引け), funari (不成), and where each may enter."""

from typing import Any

import pytest
from script import ISSUE, NAME, Stage, outcome, play

from market.events import OrderReleased
from market.instrument import Instrument
from market.rulebooks import OSE, START, TSE
from market.rules import Rules
from market.words import OrderKind, Phase, Side

# state: may on-open, on-close and funari orders enter?
TABLE: dict[Phase, tuple[bool, bool, bool]] = {
    Phase.PRE_OPEN: (True, True, True),
    Phase.CONTINUOUS: (False, True, True),
    Phase.PRE_CLOSE: (False, True, False),
}


@pytest.mark.parametrize("phase", TABLE)
def test_each_condition_enters_in_its_states(phase: Phase) -> None:
    """The table of conditions.py; a refusal moves nothing."""
    for word, taken in zip(("open", "close", "funari"), TABLE[phase], strict=True):
        stage = Stage(TSE, phase)
        before = stage.engine.state()
        told = outcome(stage.line(f"A buy 5 @ 99000 {word}"))
        assert told == ("rests 5" if taken else "INVALID_COMBINATION")
        assert (stage.engine.state() == before) is not taken


@pytest.mark.parametrize("rules", [START, OSE], ids=["start", "ose"])
@pytest.mark.parametrize("word", ["open", "close", "funari"])
def test_other_rulebooks_have_no_conditions(rules: Rules, word: str) -> None:
    """Off unless the preset lists them."""
    stage = Stage(rules, Phase.PRE_OPEN)
    assert outcome(stage.line(f"A buy 5 @ 99000 {word}")) == "INVALID_COMBINATION"


def test_what_an_on_open_order_leaves_over_ends_with_the_opening() -> None:
    """It takes part in the opening itayose only, limit or market."""
    play(
        """
        A buy  5 @ 100000 open
        B buy  2 @ 99000 open
        C sell 3 market open
        phase OpeningAuction
        cross -> 100_000: 1+3 3, expired 1 2, expired 2 2
        """,
        TSE,
    )


def test_an_on_open_order_waits_as_long_as_the_opening_does() -> None:
    """Under a special quote the opening is not over; a session that ends under it ends them."""
    story = """
        A buy  5 @ 107000 open
        B sell 3 @ 107000
        phase OpeningAuction
        cross            -> no price, special buy 103_000
        phase Continuous ->
        {}
    """
    play(story.format("C sell 5 @ 103000 -> 103_000: 1+3 5, quote ends, done"), TSE)
    play(story.format("phase ClosingAuction -> quote ends, expired 1 5"), TSE)


def test_an_on_close_order_waits_unseen_until_the_pre_closing() -> None:
    """It is on no book before 15:25, so nobody meets it; then it joins under its own id."""
    stage = play(
        """
        A buy  5 @ 100000 close -> rests 5
        B sell 5 @ 99000        -> rests 5
        C sell 4 market close   -> rests 4
        """,
        TSE,
        Phase.CONTINUOUS,
    )
    book = stage.engine.book(NAME)
    assert (book.levels(Side.BUY), book.market_units(Side.SELL)) == ([], 0)

    told = stage.line("phase PreClose")

    released = [(one.order_id, one.kind) for one in told if isinstance(one, OrderReleased)]
    assert released == [(1, OrderKind.LIMIT), (3, OrderKind.MARKET)]
    stage.line("phase ClosingAuction")
    assert outcome(stage.line("cross")) == "99_000: 1+3 4, 1+2 1"


def test_an_order_aside_can_be_canceled_and_amended() -> None:
    """It is known by its id like any other; an amendment has no field for the condition."""
    stage = play(
        """
        A buy 5 @ 100000 close -> rests 5
        A amend 1 x 3          -> keeps 1 3
        A amend 1 @ 99000      -> 1 is 3, rests 3
        A cancel 1             -> UNKNOWN_ORDER
        B cancel 3             -> UNKNOWN_ORDER
        A amend 3 @ 99005      -> BAD_TICK
        A cancel 3             -> ended 3 3 owner
        A buy 2 @ 98000 close  -> rests 2
        phase PreClose         ->
        A amend 8 x 1          -> keeps 8 1
        """,
        TSE,
        Phase.CONTINUOUS,
    )
    assert stage.engine.find(8).validity.value == "on_close"  # type: ignore[union-attr, arg-type]


def test_an_order_that_joined_stays_when_the_book_goes_back_to_trading() -> None:
    """Only an operator can do that; the order is on the book by then, amended or not."""
    play(
        """
        A buy  5 @ 99000 close
        phase PreClose
        phase Continuous
        A amend 1 @ 98000 -> 1 is 2, rests 5
        B sell 5 @ 98000  -> trades 5 @ 98_000 with 2, done
        """,
        TSE,
        Phase.CONTINUOUS,
    )


def test_funari_is_a_limit_order_by_day_and_a_market_order_at_the_close() -> None:
    """It trades at its limit until 15:25, then at any price; what is left ends with the close."""
    stage = play(
        """
        A buy  5 @ 99000 funari -> rests 5
        B sell 2 @ 99000        -> trades 2 @ 99_000 with 1, done
        """,
        TSE,
        Phase.CONTINUOUS,
    )
    (told,) = [one for one in stage.line("phase PreClose") if isinstance(one, OrderReleased)]
    assert (told.order_id, told.kind, told.price_sen, told.leaves_units) == (1, "market", 0, 3)
    stage.line("C sell 2 @ 101000")
    stage.line("D buy 1 @ 101000")
    stage.line("E sell 3 @ 101500")
    stage.line("phase ClosingAuction")
    assert outcome(stage.line("cross")) == "101_500: 1+3 2, 1+5 1"


def test_a_morning_close_passes_conditions_by() -> None:
    """Without a pre-closing nothing joins, and nothing ends."""
    play(
        """
        A buy  5 @ 100000 close
        B buy  5 @ 99000 funari
        phase ClosingAuction
        cross          -> no price
        phase Break
        phase PreOpen
        A cancel 1     -> ended 1 5 owner
        B cancel 2     -> ended 2 5 owner
        """,
        TSE,
        Phase.CONTINUOUS,
    )


def test_a_condition_ends_with_the_day_even_where_other_orders_stay() -> None:
    """A suspended close is skipped; on-close orders do not go on to the next day."""
    play(
        """
        A buy  5 @ 100000 close
        B buy  5 @ 99000 funari
        C buy  5 @ 98000
        halt
        phase Closed -> expired 2 5, expired 1 5
        """,
        TSE.replace(expire_at_closed=False),
        Phase.CONTINUOUS,
    )


def test_funari_needs_a_limit_and_an_issue_that_takes_market_orders() -> None:
    """It will be a market order, so it is barred where they are."""
    barred = Instrument(
        **{name: getattr(ISSUE, name) for name in ISSUE.__struct_fields__}
        | {"market_orders_barred": True}
    )
    cases: list[tuple[Any, str, str]] = [
        (ISSUE, "A buy 5 market funari", "INVALID_COMBINATION"),
        (barred, "A buy 5 @ 99000 funari", "MARKET_ORDER_BARRED"),
        (barred, "A buy 5 @ 99000 close", "rests 5"),
    ]
    for issue, line, told in cases:
        assert outcome(Stage(TSE, Phase.CONTINUOUS, issue).line(line)) == told
