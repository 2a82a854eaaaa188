"""Sequential quotes (連続約定気配): orders that run through the book stop at twice the width."""

from script import NAME, Stage, outcome, play

from market.rulebooks import TSE
from market.words import Phase, QuoteKind

LADDER = "\n".join(f"A sell 1 @ {yen}" for yen in range(100_000, 112_001, 1_000))
"""Thirteen sells, one unit each, from 100,000 yen; orders 1 to 13."""


def ladder() -> Stage:
    """A continuous book with the ladder, last price 100,000 (the base price)."""
    return play(LADDER, TSE, Phase.CONTINUOUS)


def test_one_order_stops_at_twice_the_width_for_a_minute() -> None:
    """From 100,000 yen no further than 106,000 at one go; then a special quote, one width on."""
    stage = ladder()
    stage.line("B buy 20 @ 115000")
    assert stage.engine.last_price_sen(NAME) == 10_600_000
    shown = stage.quote()
    assert (shown.kind, shown.price_sen) == (QuoteKind.SEQUENTIAL, 10_600_000)
    assert shown.renew_at_ns == 60_000_000_000

    stage.at_ns = shown.renew_at_ns
    stage.line("renew")
    again = stage.quote()

    assert (again.kind, again.price_sen) == (QuoteKind.SPECIAL, 10_900_000)
    assert again.renew_at_ns - stage.at_ns == 180_000_000_000


def test_orders_within_a_minute_count_together() -> None:
    """The window begins with the first order that trades; after it the next one starts afresh."""
    stage = ladder()
    stage.line("B buy 4 @ 103000")
    stage.at_ns += 59_000_000_000
    stage.line("C buy 4 @ 107000")
    assert stage.engine.last_price_sen(NAME) == 10_600_000
    assert stage.quote().kind is QuoteKind.SEQUENTIAL

    late = ladder()
    late.line("B buy 4 @ 103000")
    late.at_ns += 60_000_000_000
    late.line("C buy 4 @ 107000")
    assert late.engine.last_price_sen(NAME) == 10_700_000
    assert late.engine.quotes_shown() == []


def test_a_seller_who_comes_in_time_meets_the_waiting_buyer() -> None:
    """While it shows itayose is the method: one cross for all of them."""
    stage = ladder()
    stage.line("B buy 9 @ 106500")
    stage.line("C buy 5 @ 108000")
    assert stage.quote().kind is QuoteKind.SEQUENTIAL

    assert outcome(stage.line("D sell 9 @ 105000")) == (
        "105_000: 15+16 5, 14+16 2, quote ends, rests 2"
    )


def test_selling_stops_below_as_buying_does_above() -> None:
    """The same on the other side: below 100,000 yen the width is 1,500."""
    story = "\n".join(f"A buy 1 @ {yen}" for yen in range(99_000, 90_000, -1_000))
    stage = play(story, TSE, Phase.CONTINUOUS)
    stage.line("B sell 9 @ 90000")
    shown = stage.quote()
    # one width from each price to the next, and from the base price two widths of 3,000
    assert (shown.kind, shown.price_sen) == (QuoteKind.SEQUENTIAL, 9_400_000)
    assert stage.engine.last_price_sen(NAME) == 9_400_000


def test_off_by_its_own_rule() -> None:
    """Without the rule an order runs on, price by price, as far as its limit."""
    rules = TSE.replace(sequential_quotes=False)
    stage = play(LADDER, rules, Phase.CONTINUOUS)
    stage.line("B buy 20 @ 115000")
    assert stage.engine.last_price_sen(NAME) == 11_200_000
    assert stage.engine.quotes_shown() == []
