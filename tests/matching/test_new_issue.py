"""A new issue until its first price (初値): wide entry, no market orders, quotes in steps of 5%."""

from datetime import timedelta

from script import DAY, ISSUE, NAME, Stage, outcome, play

from market.events import ReferencePriceSet
from market.instrument import Instrument
from market.rulebooks import OSE, START, TSE
from market.rules import Rules
from market.words import Phase

NEW = Instrument(
    **{name: getattr(ISSUE, name) for name in ISSUE.__struct_fields__} | {"newly_listed": True}
)


def limits(stage: Stage) -> tuple[int, int]:
    """Lowest and highest price of an order now, in yen."""
    lower, upper = stage.engine.daily_limits_sen(NAME)
    return lower // 100, upper // 100


def test_orders_enter_from_a_quarter_to_four_times_the_base_price() -> None:
    """No daily limits until the first price; at the band's ends, and a tick beyond them."""
    stage = play(
        """
        A buy 1 @ 25000  -> rests 1
        A buy 1 @ 24990  -> OUTSIDE_PRICE_LIMIT
        A buy 1 @ 400000 -> rests 1
        A buy 1 @ 400010 -> OUTSIDE_PRICE_LIMIT
        """,
        TSE,
        issue=NEW,
    )
    assert limits(stage) == (25_000, 400_000)


def test_no_market_orders_before_the_first_price() -> None:
    """Nor funari orders, which would become market orders; refusals move nothing."""
    stage = Stage(TSE, Phase.PRE_OPEN, NEW)
    before = stage.engine.state()
    for line in ("A buy 1 market", "A buy 1 market open", "A buy 1 @ 99000 funari"):
        assert outcome(stage.line(line)) == "MARKET_ORDER_BARRED"
    assert stage.engine.state() == before


def test_quotes_step_five_percent_in_ten_minutes() -> None:
    """From 105,000 on by 5,000 yen, whatever the width table says, until the price is reached."""
    stage = play(
        """
        A buy  5 @ 118000
        B sell 5 @ 118000
        phase OpeningAuction
        cross -> no price, special buy 105_000
        phase Continuous
        wait 599
        renew -> OUT_OF_RANGE
        wait 1
        renew -> special buy 110_000
        wait 600
        renew -> special buy 115_000
        wait 600
        renew -> 118_000: 1+2 5, quote ends
        """,
        TSE,
        issue=NEW,
    )
    assert limits(stage) == (88_000, 148_000), "daily limits are around the first price"
    assert stage.engine.reference_price_sen(NAME) == 11_800_000
    assert isinstance(stage.events[-2], ReferencePriceSet)
    assert outcome(stage.line("C buy 1 market")) == "special buy 121_000, rests 1"


def test_the_quote_stays_at_2_3_times_or_0_75_times() -> None:
    """The first price of a day is within these ends; beyond them the quote waits."""
    for side, other, ends in (("buy", "sell", 230_000), ("sell", "buy", 75_000)):
        price = 300_000 if side == "buy" else 50_000
        stage = Stage(TSE, Phase.PRE_OPEN, NEW)
        stage.line(f"A {side} 5 @ {price}")
        stage.line(f"B {other} 5 @ {price}")
        stage.line("phase OpeningAuction")
        stage.line("cross")
        while stage.quote().renew_at_ns:
            stage.at_ns = stage.quote().renew_at_ns
            stage.line("renew")
        assert stage.quote().price_sen == ends * 100
        assert stage.engine.last_price_sen(NAME) is None


def test_only_itayose_makes_a_first_price() -> None:
    """Orders that meet in Continuous cross too: one price within one step of the base price."""
    stage = play(
        """
        A sell 5 @ 98000 -> rests 5
        B buy  5 @ 99000 -> 99_000: 2+1 5, done
        """,
        TSE,
        Phase.CONTINUOUS,
        NEW,
    )
    assert limits(stage) == (84_000, 114_000)
    play("A sell 5 @ 98000\nB buy 5 @ 103000 -> 100_000: 2+1 5, done", TSE, Phase.CONTINUOUS, NEW)


def test_a_day_without_a_first_price_hands_its_quote_on() -> None:
    """The search goes on the next day from the last quote; nothing was shared at the close."""
    stage = play(
        """
        A buy  5 @ 118000
        B sell 2 @ 118000
        phase PreClose
        phase ClosingAuction
        cross        -> no price, special buy 105_000
        phase Closed -> quote ends, expired 1 5, expired 2 2
        """,
        TSE,
        issue=NEW,
    )
    stage.engine.close_day()
    stage.engine.open_day(DAY + timedelta(days=1))
    assert stage.engine.reference_price_sen(NAME) == 10_500_000
    assert limits(stage) == (26_250, 420_000)


def test_the_normal_width_every_three_minutes_is_the_other_way() -> None:
    """A step of 0% plays the renewal widths at their own pace."""
    rules = TSE.replace(first_price_step_percent=0)
    stage = play(
        """
        A buy  5 @ 118000
        B sell 5 @ 118000
        phase OpeningAuction
        cross -> no price, special buy 103_000
        wait 180
        renew -> special buy 106_000
        """,
        rules,
        issue=NEW,
    )
    assert limits(stage) == (25_000, 400_000)


def test_a_listed_issue_and_other_rulebooks_know_nothing_of_it() -> None:
    """The flag alone changes no limits where the preset has no rules for a first price."""
    cases: list[tuple[Rules, Instrument]] = [
        (START.replace(market_orders_barred_first_day=False), NEW), (OSE, NEW), (TSE, ISSUE), (TSE.replace(special_quotes=False), NEW),
    ]  # fmt: skip
    for rules, issue in cases:
        stage = Stage(rules, Phase.PRE_OPEN, issue)
        assert limits(stage) == (70_000, 130_000)
        assert outcome(stage.line("A buy 1 market")) == "rests 1"
