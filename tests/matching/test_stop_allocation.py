"""Stop allocation (ストップ配分): sharing at a daily limit what one side cannot get enough of."""

from script import play
from test_indicative import resting

from market.events import Trade
from market.rulebooks import TSE
from market.rules import StopAllocation
from market.words import Phase, Side
from matching.order import Order
from matching.stop import stop_fills

AT_LIMIT = """
    phase PreClose
    A buy  2 @ 130000
    B buy  9 market
    C buy  4 @ 130000
    D buy  9 @ 129990
    E sell 3 @ 120000
    E sell 4 market
    phase ClosingAuction
    cross -> {}
"""
NO_BAND = TSE.replace(closing_auction_widths=20)


def order(number: int, firm: str, price: int, units: int) -> Order:
    """A resting buy."""
    one = resting(number, Side.BUY, price, units)
    one.participant_id = one.owner = firm  # type: ignore[assignment]
    return one


def test_one_unit_to_each_firm_in_turn_and_the_largest_total_first() -> None:
    """A pure function of the orders: market orders count like limit orders at the limit."""
    orders = [
        order(4, "C", 130, 3),
        order(1, "A", 0, 1),
        order(2, "B", 130, 4),
        order(3, "A", 0, 1),
    ]

    shares = {one.order_id: units for one, units in stop_fills(orders, 5, 1)}

    assert shares == {1: 1, 2: 2, 4: 2}


def test_at_the_close_market_orders_count_as_orders_at_the_limit() -> None:
    """Seven units for A, B and C in turn, B first; who bids a tick less gets nothing."""
    play(AT_LIMIT.format("130_000: 1+6 2, 2+6 2, 2+5 1, 3+5 2"), NO_BAND)


def test_nothing_is_shared_while_the_rule_is_off() -> None:
    """Market orders that nothing can fill leave no price, and nothing moves."""
    rules = NO_BAND.replace(stop_allocation=StopAllocation.OFF, special_execution=False)
    play(AT_LIMIT.format("no price, special buy 130_000"), rules)


def test_only_a_close_that_a_pre_closing_led_to_shares_unless_the_preset_says_everywhere() -> None:
    """A quote at the limit waits through the day; EVERY_ITAYOSE shares as soon as somebody sells."""
    story = """
        base 128000
        A buy 3 market
        B buy 3 market
        C sell 2 @ 128000
        phase OpeningAuction
        cross -> {}
    """
    narrow = TSE.replace(closing_auction_widths=0)
    play(story.format("no price, special buy 131_000"), narrow)
    everywhere = narrow.replace(stop_allocation=StopAllocation.EVERY_ITAYOSE)
    play(story.format("no price, special buy 131_000"), everywhere)
    stage = play(story.partition(" -> ")[0], everywhere)
    while stage.quote().renew_at_ns:
        stage.at_ns = stage.quote().renew_at_ns
        stage.line("renew")
    trades = [one for one in stage.events if isinstance(one, Trade)]
    assert [(one.buyer, one.quantity_units) for one in trades] == [("A", 1), ("B", 1)]
    assert {one.price_sen for one in trades} == {15_800_000}


def test_an_ordinary_price_at_the_limit_is_shared_too() -> None:
    """Limit orders alone at the limit: one side is filled, the other shares by firm, not by time."""
    play(
        """
        phase PreClose
        A buy  6 @ 130000
        B buy  6 @ 130000
        E sell 5 @ 120000
        phase ClosingAuction
        cross -> 130_000: 1+3 3, 2+3 2
        """,
        NO_BAND,
    )


def test_on_the_way_down_sellers_share() -> None:
    """The same at the lower limit, for sellers."""
    play(
        """
        phase PreClose
        A sell 6 market
        B sell 4 @ 70000
        E buy  5 @ 75000
        phase ClosingAuction
        cross -> 70_000: 3+1 3, 3+2 2
        """,
        NO_BAND,
        Phase.PRE_OPEN,
    )
