"""START's parameters: for each, every alternative there is can be chosen and does what it says.

``ALTERNATIVES`` is the walk: one short proof for each (parameter, alternative). The table in the
header of market/rulebooks/start.py lists the same pairs, and a test compares the two.
"""

from collections.abc import Callable
from typing import Any

import pytest
from script import ISSUE, Stage, outcome, play

from market.choices import BasePriceRule, ClosePriceRule, HaltModel, LimitResidual
from market.commands import SetNetAssetValue
from market.errors import BadInput
from market.events import ClosingPriceSet, Event, OrderCanceled, ReferencePriceSet
from market.instrument import LIMIT_TABLES, TICK_TABLES, Instrument
from market.quantities import Sen, Units
from market.rulebooks import START
from market.rules import BookCentre, MarketResidual

NAME = ISSUE.instrument_id
Proof = Callable[[], None]
ALTERNATIVES: dict[tuple[str, str], Proof] = {}


def proves(parameter: str, *alternatives: str) -> Callable[[Proof], Proof]:
    """Register a proof for alternatives of a parameter."""

    def register(proof: Proof) -> Proof:
        for alternative in alternatives:
            assert (parameter, alternative) not in ALTERNATIVES
            ALTERNATIVES[parameter, alternative] = proof
        return proof

    return register


def issue_with(**changes: Any) -> Instrument:
    """The issue of the stories, with some fields changed."""
    return Instrument(**{name: getattr(ISSUE, name) for name in ISSUE.__struct_fields__} | changes)


def told(events: list[Event], kind: type) -> list[Any]:
    """The events of one kind."""
    return [event for event in events if isinstance(event, kind)]


# --- residuals and halts


@proves("limit_residual_after_opening", "carry")
def _limits_wait_for_the_close() -> None:
    play(
        """
        A buy 10 @ 100000
        B sell 4 @ 100000
        phase OpeningAuction
        cross                -> 100_000: 1+2 4
        phase PreClose
        C sell 6 @ 100000    -> rests 6
        phase ClosingAuction
        cross                -> 100_000: 1+3 6
        """
    )


@proves("limit_residual_after_opening", "void")
def _limits_end_with_the_opening() -> None:
    rules = START.replace(limit_residual_after_opening=LimitResidual.VOID)
    play(
        """
        A buy 10 @ 100000
        B sell 4 @ 100000
        phase OpeningAuction
        cross                -> 100_000: 1+2 4, ended 1 6 limit_rest
        phase PreClose
        A buy 10 @ 100000    -> rests 10
        phase ClosingAuction
        cross                -> no price
        """,
        rules,
    )


@proves("market_residual_after_opening", "carry")
def _market_orders_wait_for_the_close() -> None:
    play(
        """
        A buy 10 market
        B sell 4 @ 100000
        phase OpeningAuction
        cross                -> 100_010: 1+2 4
        phase PreClose
        C sell 6 @ 100000    -> rests 6
        phase ClosingAuction
        cross                -> 100_010: 1+3 6
        """
    )


@proves("market_residual_after_opening", "void")
def _market_orders_end_with_the_cross() -> None:
    play(
        """
        A buy 10 market
        B sell 4 @ 100000
        phase OpeningAuction
        cross                -> 100_010: 1+2 4, ended 1 6 market_rest
        """,
        START.replace(market_residual_after_opening=MarketResidual.VOID),
    )


@proves("halt_model", "keep")
def _a_halt_keeps_orders() -> None:
    play(
        """
        A buy 10 @ 100000
        halt                 ->
        phase OpeningAuction
        cross                -> skipped
        resume
        phase PreClose
        A cancel 1           -> ended 1 10 owner
        """
    )


@proves("halt_model", "purge")
def _a_halt_purges_orders() -> None:
    stage = Stage(START.replace(halt_model=HaltModel.PURGE))
    stage.line("A buy 10 @ 100000")
    stage.line("B sell 5 @ 100000")

    halted = stage.line("halt")

    assert [one.order_id for one in told(halted, OrderCanceled)] == [1, 2]
    assert outcome(halted) == "ended 1 10 halt, ended 2 5 halt"
    assert stage.engine.find(1) is None
    stage.line("resume")
    assert outcome(stage.line("A buy 1 @ 100000")) == "rests 1"


# --- the base price, the centre and the close


def _two_days(stage: Stage) -> tuple[int, int | None]:
    """Trade once at 100,200 yen, end the day, open the next: its base price, the closing price."""
    stage.line("A buy 5 @ 100200")
    stage.line("B sell 5 @ 100200")
    stage.line("phase OpeningAuction")
    assert outcome(stage.line("cross")) == "100_200: 1+2 5"
    (closing,) = told(stage.engine.close_day(), ClosingPriceSet)
    (opened,) = told(stage.engine.open_day(stage_day()), ReferencePriceSet)
    return opened.reference_price_sen, closing.price_sen


def stage_day() -> Any:
    """Any next day; the engine does not look at dates."""
    return None


@proves("base_price_rule", "last")
def _the_last_price_is_the_next_base() -> None:
    assert _two_days(Stage())[0] == 10_020_000


@proves("base_price_rule", "nav")
def _the_net_asset_value_is_the_next_base() -> None:
    stage = Stage(START.replace(base_price_rule=BasePriceRule.NAV))
    stage.do(SetNetAssetValue(instrument_id=NAME, nav_sen=Sen(9_900_000)))
    assert _two_days(stage)[0] == 9_900_000
    without = Stage(START.replace(base_price_rule=BasePriceRule.NAV))
    assert _two_days(without)[0] == 10_020_000


@proves("base_price_rule", "manual")
def _the_base_stays_until_it_is_set() -> None:
    stage = Stage(START.replace(base_price_rule=BasePriceRule.MANUAL))
    assert _two_days(stage)[0] == 10_000_000
    stage.line("base 99000")
    assert stage.engine.reference_price_sen(NAME) == 9_900_000


@proves("close_price_rule", "cross")
def _the_opening_cross_stands_in_for_the_close() -> None:
    assert _two_days(Stage())[1] == 10_020_000
    (quiet,) = told(Stage().engine.close_day(), ClosingPriceSet)
    assert quiet.price_sen is None


@proves("close_price_rule", "cross_or_base")
def _a_day_without_a_cross_closes_at_its_base() -> None:
    rules = START.replace(close_price_rule=ClosePriceRule.CROSS_OR_BASE)
    assert _two_days(Stage(rules))[1] == 10_020_000
    (quiet,) = told(Stage(rules).engine.close_day(), ClosingPriceSet)
    assert quiet.price_sen == 10_000_000


@proves("close_price_rule", "last")
def _a_day_without_a_closing_cross_closes_at_its_last_price() -> None:
    rules = START.replace(close_price_rule=ClosePriceRule.LAST)
    assert _two_days(Stage(rules))[1] == 10_020_000


_TIE = """
    A buy 5 @ 100200
    B sell 5 @ 99800
    phase OpeningAuction
"""


def _tie(nav_sen: int = 0, **rules: Any) -> str:
    stage = Stage(START.replace(**rules))
    stage.do(SetNetAssetValue(instrument_id=NAME, nav_sen=Sen(nav_sen)))
    for line in _TIE.strip().splitlines():
        stage.line(line.strip())
    return outcome(stage.line("cross")).partition(":")[0]


@proves("book_centre", "reference_or_last_cross", "reference")
def _the_reference_breaks_ties() -> None:
    assert _tie() == _tie(book_centre=BookCentre.REFERENCE) == "100_000"


@proves("book_centre", "nav")
def _the_net_asset_value_breaks_ties() -> None:
    assert _tie(9_985_000, book_centre=BookCentre.NAV) == "99_850"
    assert _tie(0, book_centre=BookCentre.NAV) == "100_000"
    assert _tie(9_985_000) == "100_000"


@proves("market_only_trades", "on")
def _market_orders_alone_trade_at_the_centre() -> None:
    play("A buy 7 market\nB sell 4 market\nphase OpeningAuction\ncross -> 100_000: 1+2 4")


@proves("market_only_trades", "off")
def _market_orders_alone_do_not_trade() -> None:
    play(
        "A buy 7 market\nB sell 4 market\nphase OpeningAuction\ncross -> no price",
        START.replace(market_only_trades=False),
    )


# --- market orders, tables, lots


@proves("market_orders_barred_first_day", "on")
def _a_new_issue_bars_market_orders_for_a_day() -> None:
    stage = Stage(issue=issue_with(newly_listed=True))
    assert outcome(stage.line("A buy 1 market")) == "MARKET_ORDER_BARRED"
    stage.engine.close_day()
    (opened,) = told(stage.engine.open_day(stage_day()), ReferencePriceSet)
    assert opened.market_orders_barred is False
    stage.line("phase PreOpen")
    assert outcome(stage.line("A buy 1 market")) == "rests 1"


@proves("market_orders_barred_first_day", "off")
def _or_it_does_not() -> None:
    rules = START.replace(market_orders_barred_first_day=False)
    assert outcome(Stage(rules, issue=issue_with(newly_listed=True)).line("A buy 1 market")) == (
        "rests 1"
    )
    barred = Stage(rules, issue=issue_with(market_orders_barred=True))
    assert outcome(barred.line("A buy 1 market")) == "MARKET_ORDER_BARRED"


@proves("trading_unit_units", "per issue")
def _a_lot_belongs_to_its_issue() -> None:
    stage = Stage(issue=issue_with(trading_unit_units=Units(5)))
    assert outcome(stage.line("A buy 4 @ 100000")) == "BAD_LOT"
    assert outcome(stage.line("A buy 5 @ 100000")) == "rests 5"


def _on_the_grid(table: str, *prices_sen: int) -> list[bool]:
    ticks = TICK_TABLES[table]
    START.replace(tick_table=ticks)
    return [ticks.is_on_tick(Sen(price)) for price in prices_sen]


@proves("tick_table", "j_market_other")
def _ten_yen_on_both_sides_of_a_hundred_thousand() -> None:
    assert _on_the_grid("j_market_other", 9_999_000, 10_001_000, 10_000_500) == [True, True, False]
    ticks = [TICK_TABLES["j_market_other"].tick_at(Sen(yen * 100)) for yen in (
        1_000, 3_000, 5_000, 10_000, 30_000, 50_000, 100_000, 300_000, 500_000, 1_000_000,
        3_000_000, 5_000_000, 10_000_000, 21_000_000)]  # fmt: skip
    assert ticks == [10, 10, 50, 100, 100, 500, 1000, 1000, 5000, *[10_000] * 5]


@proves("tick_table", "start_before_2024_10_07")
def _one_yen_up_to_a_hundred_thousand_and_five_above() -> None:
    table = "start_before_2024_10_07"
    assert _on_the_grid(table, 9_999_900, 10_000_000, 10_000_100, 10_000_500) == [
        True, True, False, True,
    ]  # fmt: skip


@proves("tick_table", "five_yen")
def _five_yen_flat() -> None:
    assert _on_the_grid("five_yen", 500, 100, 9_999_500, 10_000_100) == [True, False, True, False]


@proves("limit_table", "tse")
def _the_width_steps_with_the_base() -> None:
    assert issue_with().daily_limits(Sen(9_999_000)) == (8_499_000, 11_499_000)
    assert issue_with().daily_limits(Sen(10_000_000)) == (7_000_000, 13_000_000)


@proves("limit_table", "fixed percent")
def _the_width_is_a_share_of_the_base() -> None:
    ten = issue_with(limits=LIMIT_TABLES["fixed_10_percent"])
    assert ten.daily_limits(Sen(9_999_000)) == (9_000_000, 10_998_000)
    with pytest.raises(BadInput, match="share below the whole"):
        START.replace(limit_table=type(ISSUE.limits)(percent=100))


# --- the walk


@pytest.mark.parametrize(("parameter", "alternative"), ALTERNATIVES)
def test_every_alternative_can_be_chosen_and_holds(parameter: str, alternative: str) -> None:
    """The proof of each alternative, by its name."""
    ALTERNATIVES[parameter, alternative]()
