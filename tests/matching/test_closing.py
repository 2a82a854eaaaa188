"""The closing auction since 2024-11-05: its band, special execution, and what is left."""

from script import ISSUE, NAME, Stage, play

from market.events import AuctionHeld, Trade
from market.instrument import TSE_OTHER, Instrument
from market.quantities import Sen
from market.rulebooks import TSE
from market.words import Phase

CHEAP = Instrument(
    **{name: getattr(ISSUE, name) for name in ISSUE.__struct_fields__}
    | {"ticks": TSE_OTHER, "issue_price_sen": Sen(12_000)}
)
SELLS = ["market x 10", "110 x 10", "115 x 5", "120 x 10", "125 x 15", "130 x 10", "135 x 20",
         "140 x 15", "170 x 20"]  # fmt: skip
BUYS = ["market x 20", "170 x 30", "140 x 20", "135 x 10", "130 x 10", "125 x 5", "120 x 30",
        "115 x 10", "110 x 10"]  # fmt: skip


def matsui(*, special_execution: bool = True) -> Stage:
    """The worked book: each line one firm, last price 120, all entered in the pre-closing."""
    rules = TSE.replace(special_execution=special_execution)
    stage = Stage(rules, Phase.PRE_CLOSE, CHEAP)
    for side, orders in (("sell", SELLS), ("buy", BUYS)):
        for place, text in enumerate(orders):
            price, _, units = text.split()
            at = "market" if price == "market" else f"@ {price}"
            stage.line(f"{side[0].upper()}{place} {side} {units} {at}")
    stage.line("phase ClosingAuction")
    stage.line("cross")
    return stage


def held(stage: Stage) -> AuctionHeld:
    """The result of the last cross."""
    return next(one for one in reversed(stage.events) if isinstance(one, AuctionHeld))


def test_the_worked_book_trades_60_at_130() -> None:
    """Ordinary itayose would be 135, outside 110 to 130: special execution at the bound."""
    stage = matsui()
    result = held(stage)

    assert (result.price_sen, result.executed_units) == (13_000, 60)


def test_special_execution_goes_by_time_alone() -> None:
    """Sells at 130 or better trade all; of the 90 bought the first 60 by time, whatever the price."""
    trades = [one for one in matsui().events if isinstance(one, Trade)]
    bought: dict[str, int] = {}
    sold: dict[str, int] = {}
    for trade in trades:
        bought[trade.buyer] = bought.get(trade.buyer, 0) + trade.quantity_units
        sold[trade.seller] = sold.get(trade.seller, 0) + trade.quantity_units

    assert bought == {"B0": 20, "B1": 30, "B2": 10}
    assert sold == {"S0": 10, "S1": 10, "S2": 5, "S3": 10, "S4": 15, "S5": 10}


def test_time_beats_price_and_market_orders_in_special_execution() -> None:
    """A late market order waits behind an early order at the bound."""
    play(
        """
        phase PreClose
        A buy  4 @ 106000
        B buy  4 @ 110000
        C buy  4 market
        D sell 6 @ 100000
        E sell 9 @ 110000
        phase ClosingAuction
        cross -> 106_000: 1+4 4, 2+4 2
        """,
        TSE,
    )


def test_without_the_rule_there_is_no_trade_and_a_quote_stays() -> None:
    """Switched off, the close is without trade; the band's end is tomorrow's base price."""
    stage = matsui(special_execution=False)

    assert (held(stage).price_sen, held(stage).executed_units) == (None, 0)
    assert (stage.quote().price_sen, stage.quote().renew_at_ns) == (13_000, 0)
    stage.line("phase Closed")
    stage.engine.close_day()
    assert stage.engine._issues[NAME].next_base_sen == 13_000


def test_each_side_needs_a_unit_at_the_bound() -> None:
    """Nobody sells at the bound or below: nothing trades."""
    play(
        """
        phase PreClose
        A buy  4 @ 112000
        E sell 9 @ 110000
        phase ClosingAuction
        cross -> no price, special buy 106_000
        """,
        TSE,
    )


def test_the_band_is_two_widths_at_its_edges() -> None:
    """At two widths an ordinary itayose, a tick beyond it none."""
    story = """
        phase PreClose
        A buy  4 @ {0}
        E sell 4 @ {0}
        phase ClosingAuction
        cross -> {1}
    """
    play(story.format(106_000, "106_000: 1+2 4"), TSE)
    play(story.format(106_010, "no price, special buy 106_000"), TSE)
    play(story.format(94_000, "94_000: 1+2 4"), TSE)
    play(story.format(93_990, "no price, special sell 94_000"), TSE)


def test_a_morning_close_has_the_band_and_nothing_else() -> None:
    """Without a pre-closing the session's close is an ordinary itayose, and nothing stays shown."""
    play(
        """
        A buy  4 @ 112000
        B sell 4 @ 112000
        phase OpeningAuction
        cross                -> no price, special buy 103_000
        phase Continuous
        phase ClosingAuction -> quote ends
        cross                -> no price
        phase PreOpen
        phase OpeningAuction
        cross                -> no price, special buy 106_000
        """,
        TSE,
    )


def test_a_suspended_close_is_skipped() -> None:
    """Nothing trades and no quote is left behind."""
    play(
        """
        phase PreClose
        A buy  4 market
        halt
        phase ClosingAuction
        cross -> skipped
        """,
        TSE,
    )
