"""Special quotes (特別気配): no trade far from the last price before it was shown for a while."""

import pytest
from script import ISSUE, NAME, SECOND, Stage, outcome, play

from market.instrument import TSE_LIMITS, TSE_WIDTHS
from market.quantities import Sen
from market.rulebooks import OSE, START, TSE
from market.rules import Rules
from market.words import Phase

CONTINUOUS = Phase.CONTINUOUS
# Around 100,000 yen the width is 3,000 (from 100,000 up) or 1,500 (below), the limits are 30,000 away.


def test_an_opening_price_within_the_width_trades() -> None:
    """The base price and one width: at the width, and one tick beyond it."""
    orders = "A buy 5 @ {0}\nB sell 5 @ {0}\nphase OpeningAuction\n"
    play(orders.format(103_000) + "cross -> 103_000: 1+2 5", TSE)
    play(orders.format(103_010) + "cross -> no price, special buy 103_000", TSE)
    play(orders.format(97_000) + "cross -> 97_000: 1+2 5", TSE)
    play(orders.format(96_990) + "cross -> no price, special sell 97_000", TSE)


def test_the_quote_steps_by_one_width_until_it_can_trade() -> None:
    """Every three minutes one width on; the cross is at its own price, not at the quote's."""
    stage = play(
        """
        A buy  5 @ 107000
        B sell 5 @ 107000
        phase OpeningAuction
        cross            -> no price, special buy 103_000
        phase Continuous ->
        wait 179
        renew            -> OUT_OF_RANGE
        wait 1
        renew            -> special buy 106_000
        wait 180
        renew            -> 107_000: 1+2 5, quote ends
        renew            -> ALREADY_TERMINAL
        C buy 1 @ 107000 -> rests 1
        """,
        TSE,
    )
    assert stage.quote().renew_at_ns == 2 * 180 * SECOND
    assert stage.engine.last_price_sen(NAME) == 10_700_000
    assert stage.engine.quotes_shown() == []


def test_an_order_that_lets_the_conditions_be_met_crosses_at_once() -> None:
    """While a quote is shown itayose is the method; then continuous trading goes on."""
    stage = play(
        """
        A buy  9 @ 108000
        B sell 5 @ 108000
        phase OpeningAuction
        cross
        phase Continuous
        C buy  1 @ 101000 -> rests 1
        D sell 4 @ 104000 -> rests 4
        """,
        TSE,
    )
    assert outcome(stage.line("E sell 9 @ 102000")) == "102_000: 1+5 9, quote ends, done"
    assert outcome(stage.line("F buy 1 @ 104000")) == "trades 1 @ 104_000 with 4, done"


def test_in_continuous_trading_a_gap_shows_a_quote() -> None:
    """An order trades as far as one width from each price to the next, then waits under a quote."""
    play(
        """
        A sell 2 @ 100000
        A sell 2 @ 102000
        A sell 2 @ 106000
        B buy  5 @ 107000 -> trades 2 @ 100_000 with 1, trades 2 @ 102_000 with 2, special buy 105_000, rests 1
        wait 180
        renew             -> 106_000: 4+3 1, quote ends
        """,
        TSE.replace(sequential_quotes=False),
        CONTINUOUS,
    )


def test_a_market_order_with_nobody_to_meet_presses_to_the_limit() -> None:
    """The quote steps to the daily limit and stays there; the first seller trades at once."""
    stage = play("A buy 5 market -> special buy 103_000, rests 5", TSE, CONTINUOUS)
    shown = []
    while stage.quote().renew_at_ns:
        stage.at_ns = stage.quote().renew_at_ns
        stage.line("renew")
        shown.append(stage.quote().price_sen // 100)
    assert shown == [*range(106_000, 130_001, 3_000)]
    assert outcome(stage.line("renew")) == "OUT_OF_RANGE", "at the limit it stays"
    assert outcome(stage.line("B sell 3 @ 120000")) == "rests 3"
    assert outcome(stage.line("C sell 2 market")) == "120_000: 1+3 2, 1+2 3, quote ends, done"


def test_the_quote_ends_when_its_orders_leave() -> None:
    """A cancel, or an amendment that no longer presses, ends the quote without a trade."""
    story = """
        A sell 2 @ 106000
        B buy  2 @ 106000 -> special buy 103_000, rests 2
        {}
        C buy  1 @ 100000 -> rests 1
    """
    play(story.format("B cancel 2 -> ended 2 2 owner, quote ends"), TSE, CONTINUOUS)
    play(story.format("B amend 2 @ 99000 -> 2 is 3, quote ends, rests 2"), TSE, CONTINUOUS)


def test_the_quote_turns_when_the_other_side_presses_more() -> None:
    """A special sell quote follows a special buy quote when the cross is now too low."""
    play(
        """
        A sell 2 @ 106000
        B buy  2 @ 106000 -> special buy 103_000, rests 2
        C sell 9 @ 90000  -> quote ends, special sell 97_000, rests 9
        """,
        TSE,
        CONTINUOUS,
    )


def test_ioc_never_waits_and_fok_needs_all_at_once() -> None:
    """IOC ends where its reach ends; under a quote it trades if the cross does, FOK never."""
    play(
        """
        A sell 2 @ 102000
        A sell 2 @ 106000
        B buy  4 @ 106000 fok -> ended 3 4 fok_unfilled
        B buy  4 @ 106000 ioc -> trades 2 @ 102_000 with 1, ended 4 2 ioc_rest
        C buy  1 @ 106000     -> special buy 105_000, rests 1
        D sell 1 @ 104000 fok -> ended 6 1 fok_unfilled
        D buy  1 @ 106000 ioc -> ended 7 1 ioc_rest
        E sell 1 @ 104000 ioc -> 104_000: 5+8 1, quote ends, done
        """,
        TSE,
        CONTINUOUS,
    )


def test_a_halt_ends_the_quote_and_a_resumption_looks_again() -> None:
    """While suspended nothing is shown; afterwards the move is measured from the quote."""
    play(
        """
        A sell 2 @ 112000
        B buy  2 @ 112000 -> special buy 103_000, rests 2
        halt              -> quote ends
        renew             -> ALREADY_TERMINAL
        resume            -> special buy 106_000
        """,
        TSE,
        CONTINUOUS,
    )


def test_the_last_special_quote_is_the_next_base_price() -> None:
    """A day that ends under a quote hands its price on (JPX, base price)."""
    stage = play(
        """
        A buy  5 market   -> special buy 103_000, rests 5
        phase PreClose    -> quote ends
        phase ClosingAuction
        cross             -> no price, special buy 109_000
        phase Closed      -> quote ends, expired 1 5
        """,
        TSE,
        CONTINUOUS,
    )
    stage.engine.close_day()
    assert stage.engine._issues[NAME].next_base_sen == 10_900_000


def test_moving_the_base_price_looks_at_the_quote_again() -> None:
    """Limits set by hand under a quote: what can no longer press ends it."""
    play(
        """
        A sell 2 @ 128000
        B buy  2 @ 128000 -> special buy 103_000, rests 2
        base 80000        -> quote ends, ended 2 2 operator, ended 1 2 operator
        """,
        TSE,
        CONTINUOUS,
    )


@pytest.mark.parametrize("rules", [START, OSE], ids=["start", "ose"])
def test_other_rulebooks_have_no_quotes(rules: Rules) -> None:
    """Off unless the preset says otherwise; a renewal is refused and moves nothing."""
    stage = Stage(rules, Phase.PRE_OPEN, ISSUE)
    stage.line("A buy 5 @ 110000")
    before = stage.engine.state()
    assert outcome(stage.line("renew 1")) == "ALREADY_TERMINAL"
    assert stage.engine.state() == before


@pytest.mark.parametrize("price_yen", [50, 199, 200, 999, 1_000, 99_999, 100_000, 2_999_999])
def test_the_width_is_a_tenth_of_the_daily_limit_from_200_yen_up(price_yen: int) -> None:
    """The two tables agree as the source says; below 200 yen one width holds."""
    price = Sen(price_yen * 100)
    tenth = TSE_LIMITS.width_at(price) // 10
    assert TSE_WIDTHS.width_at(price) == (500 if price_yen < 200 else tenth)
