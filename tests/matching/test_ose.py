"""OSE's auction rules: five conditions, and no market order outlives an itayose."""

import pytest
from script import play

from market.rulebooks import OSE
from market.rules import MarketResidual, PriceRule
from market.words import Phase


def test_the_price_comes_by_five_conditions() -> None:
    """Most units, least surplus, the surplus side's end, else the centre."""
    assert OSE.price_rule.value is PriceRule.FIVE_CONDITION
    play(
        """
        A buy 10 @ 100500
        A buy 5 @ 100200
        B sell 8 @ 99800
        B sell 4 @ 100300
        B sell 6 @ 100500
        phase OpeningAuction
        cross -> 100_300: 1+3 8, 1+4 2
        """,
        OSE,
    )


@pytest.mark.parametrize("auction", [Phase.OPENING_AUCTION, Phase.CLOSING_AUCTION])
def test_every_itayose_voids_the_market_orders_it_leaves_over(auction: Phase) -> None:
    """Opening and closing alike; limit orders stay, and a market order may enter again."""
    assert OSE.market_residual_after_opening.value is MarketResidual.VOID
    play(
        f"""
        A buy 10 market
        C buy 3 @ 99000
        B sell 4 @ 100000
        phase {auction.value}
        cross     -> 100_010: 1+3 4, ended 1 6 market_rest
        phase PreClose
        C cancel 2 -> ended 2 3 owner
        A buy 2 market -> rests 2
        """,
        OSE,
    )


def test_an_itayose_without_a_price_voids_them_too() -> None:
    """Nobody sells, so nothing trades, and the market order is gone all the same."""
    play("A buy 10 market\nphase OpeningAuction\ncross -> no price, ended 1 10 market_rest", OSE)


def test_what_a_skipped_itayose_left_is_voided_when_trading_begins() -> None:
    """A halt skips the cross; the first price after it is an itayose as well."""
    play(
        """
        A buy 10 market
        B sell 4 @ 100000
        halt
        phase OpeningAuction
        cross            -> skipped
        phase Continuous
        resume           -> 100_010: 1+2 4, ended 1 6 market_rest
        """,
        OSE,
    )
