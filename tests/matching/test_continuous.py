"""Continuous trading (ザラバ): price and time, orders that must meet at once, self-trades."""

import pytest
from script import Stage, play

from market.rulebooks import OSE, TSE
from market.words import Phase, SelfTradeMode

CONTINUOUS = Phase.CONTINUOUS
BY_FIRM = TSE.replace(self_trade_same_account_only=False)


def test_a_trade_is_at_the_resting_orders_price() -> None:
    """The one who waits names the price; the better price first, then the earlier order."""
    play(
        """
        A sell 5 @ 100200 -> rests 5
        B sell 5 @ 100100 -> rests 5
        C sell 5 @ 100100 -> rests 5
        D buy 12 @ 100300 -> trades 5 @ 100_100 with 2, trades 5 @ 100_100 with 3, trades 2 @ 100_200 with 1, done
        """,
        TSE,
        CONTINUOUS,
    )


def test_a_limit_orders_remainder_rests_and_a_market_orders_ends() -> None:
    """What a limit order cannot trade waits; a market order never waits here."""
    play(
        """
        A sell 5 @ 100000 -> rests 5
        B buy  8 @ 100000 -> trades 5 @ 100_000 with 1, rests 3
        C sell 5 market   -> trades 3 @ 100_000 with 2, ended 3 2 market_rest
        D buy  4 market   -> ended 4 4 market_rest
        """,
        OSE,
        CONTINUOUS,
    )


def test_ioc_trades_what_it_can_and_fok_all_or_nothing() -> None:
    """An unfilled FOK leaves the book exactly as it was."""
    stage = play(
        """
        A sell 5 @ 100000
        B sell 5 @ 100100
        C buy  9 @ 100000 fok -> ended 3 9 fok_unfilled
        C buy 11 @ 100100 fok -> ended 4 11 fok_unfilled
        C buy  7 @ 100000 ioc -> trades 5 @ 100_000 with 1, ended 5 2 ioc_rest
        C buy  5 @ 100100 fok -> trades 5 @ 100_100 with 2, done
        C buy  5 market ioc   -> ended 7 5 ioc_rest
        """,
        TSE,
        CONTINUOUS,
    )
    assert stage.engine.state()["issues"]["ST01"]["book"] == {"buy": [], "sell": []}


# What a buy of 10 does at B's 4, then the own order of 3 (or 20), then C's 9.
SELF_TRADES = {
    "cancel_newest": ("trades 4 @ 100_000 with 1, ended 4 6 self_trade", 3),
    "cancel_oldest": (
        "trades 4 @ 100_000 with 1, ended 2 3 self_trade, trades 6 @ 100_000 with 3, done", 3,
    ),
    "cancel_both": (
        "trades 4 @ 100_000 with 1, ended 2 3 self_trade, ended 4 6 self_trade", 3,
    ),
    "decrement": (
        (
            "trades 4 @ 100_000 with 1, ended 2 3 self_trade, reduced 4 to 3, "
            "trades 3 @ 100_000 with 3, done"
        ),
        3,
    ),
    "decrement, the resting order larger": (
        "trades 4 @ 100_000 with 1, reduced 2 to 14, ended 4 6 self_trade", 20,
    ),
    "allow_report": (
        "trades 4 @ 100_000 with 1, trades 3 @ 100_000 with 2 own, trades 3 @ 100_000 with 3, done",
        3,
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", SELF_TRADES)
def test_the_incoming_orders_mode_decides_about_a_self_trade(case: str) -> None:
    """Each mode of self-trade prevention (仮装売買防止), at the own order in the middle."""
    expected, own_units = SELF_TRADES[case]
    play(
        f"""
        B sell 4 @ 100000
        A sell {own_units} @ 100000 allow_report
        C sell 9 @ 100000
        A buy 10 @ 100000 {case.partition(",")[0]} -> {expected}
        """,
        TSE,
        CONTINUOUS,
    )


FOK_REACH = {"cancel_newest": 4, "cancel_both": 4, "decrement": 4, "cancel_oldest": 13,
             "allow_report": 16}  # fmt: skip


@pytest.mark.parametrize("mode", SelfTradeMode)
def test_fok_counts_only_what_its_mode_lets_it_trade(mode: SelfTradeMode) -> None:
    """With one unit more than is within reach a FOK ends and nothing has moved."""
    reach = FOK_REACH[mode.value]
    stage = Stage(TSE, CONTINUOUS)
    for line in ("B sell 4 @ 100000", "A sell 3 @ 100000", "C sell 9 @ 100000"):
        stage.line(line)
    before = stage.engine.state()

    stage.line(f"A buy {reach + 1} @ 100000 fok {mode.value}")
    assert stage.engine.state() == before
    (_, *trades) = stage.line(f"A buy {reach} @ 100000 fok {mode.value}")
    traded = sum(getattr(event, "quantity_units", 0) for event in trades)
    assert traded == reach


def test_whether_accounts_of_one_firm_are_one_owner_is_the_presets_choice() -> None:
    """By account two clients of a firm may trade; by firm they are prevented."""
    story = """
        A sell 5 @ 100000 acc=X
        A buy  5 @ 100000 acc=Y cancel_newest -> {}
    """
    play(story.format("trades 5 @ 100_000 with 1, done"), TSE, CONTINUOUS)
    play(story.format("ended 2 5 self_trade"), BY_FIRM, CONTINUOUS)


def test_an_amendment_down_keeps_its_place_and_anything_else_goes_to_the_back() -> None:
    """TSE: less at the same price keeps priority and id; more, or another price, loses both."""
    play(
        """
        A buy 5 @ 100000
        B buy 5 @ 100000
        C buy 5 @ 100000
        A amend 1 x 3          -> keeps 1 3
        B amend 2 x 6          -> 2 is 5, rests 6
        C amend 3 @ 100000 x 5 -> keeps 3 5
        D sell 9 @ 100000      -> trades 3 @ 100_000 with 1, trades 5 @ 100_000 with 3, trades 1 @ 100_000 with 5, done
        """,
        TSE,
        CONTINUOUS,
    )


def test_an_amendment_may_trade() -> None:
    """A limit moved across the other side trades at once, as a new order would."""
    play(
        """
        A buy  5 @ 99000
        B sell 3 @ 100000
        A amend 1 @ 100000 -> 1 is 3, trades 3 @ 100_000 with 2, rests 2
        B cancel 2         -> UNKNOWN_ORDER
        A cancel 3         -> ended 3 2 owner
        """,
        TSE,
        CONTINUOUS,
    )
