"""START's parameters: for each, every alternative there is can be chosen and does what it says.

``ALTERNATIVES`` is the walk: one short proof for each (parameter, alternative). The table in the
header of market/rulebooks/start.py lists the same pairs, and a test compares the two.
"""

import json
from collections.abc import Callable
from datetime import date
from typing import Any

import pytest
from random_market import FIRMS, WIDE, session_of
from script import ISSUE, Stage, outcome, play
from small_market import ask, cross, market_with, phase
from watched_market import WatchedMarket

from market.business_days import at_jst, is_business_day
from market.choices import (
    BasePriceRule,
    CalendarRule,
    ClosePriceRule,
    HaltModel,
    LimitResidual,
    SelfMatch,
)
from market.commands import (
    AmendOrder,
    BustTrade,
    ChangePhase,
    CloseDay,
    CloseSession,
    Command,
    PublishBasePrices,
    ReportErrorTrade,
    RunAuction,
    SetNetAssetValue,
)
from market.errors import BadInput
from market.events import (
    AuctionExtended,
    BasePriceAnnounced,
    ClosingPriceSet,
    CommandRefused,
    Event,
    OrderCanceled,
    ReferencePriceSet,
    TradeBusted,
)
from market.ids import ClientOrderId, ParticipantId, TradeId
from market.instrument import LIMIT_TABLES, TICK_TABLES, Instrument
from market.quantities import Sen, Units
from market.reasons import CATALOGUE, RejectReason
from market.rulebooks import START
from market.rulebooks.times import retimed
from market.rulebooks.words import clock
from market.rules import (
    AmendMode,
    AuctionAllocation,
    BookCentre,
    BreakOrders,
    MarketResidual,
    PhaseAt,
    PriceRule,
)
from market.words import OrderKind, Phase, ShortSale, Side, Validity
from participants.carried import CarriedOrders
from venue.schedule import day_plan

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
    for nav_sen, base_sen in ((9_900_499, 9_900_000), (9_900_500, 9_901_000), (499, 10_020_000)):
        stage = Stage(START.replace(base_price_rule=BasePriceRule.NAV))
        stage.do(SetNetAssetValue(instrument_id=NAME, nav_sen=Sen(nav_sen)))
        assert _two_days(stage)[0] == base_sen
    without = Stage(START.replace(base_price_rule=BasePriceRule.NAV))
    assert _two_days(without)[0] == 10_020_000


@proves("base_price_rule", "manual")
def _the_base_stays_until_it_is_set() -> None:
    stage = Stage(START.replace(base_price_rule=BasePriceRule.MANUAL))
    assert _two_days(stage)[0] == 10_000_000
    stage.line("base 99000")
    assert stage.engine.reference_price_sen(NAME) == 9_900_000


@proves("base_price_publish_s", "19:00", "0")
def _base_prices_are_told_the_evening_before() -> None:
    assert START.base_price_publish_s.value == clock(19)
    market = market_with()
    market.do(CloseDay())
    told_now = market.do(PublishBasePrices(business_date=date(2026, 11, 25)))
    assert [one.reference_price_sen for one in told(told_now, BasePriceAnnounced)] == [1_000, 60]
    shown = json.loads(market.messages[-1])
    assert (shown["channel"], shown["data"]["next_reference_price"]) == ("instruments", "0.60")
    (again,) = market.do(PublishBasePrices(business_date=date(2026, 11, 25)))
    assert isinstance(again, CommandRefused)
    assert START.replace(base_price_publish_s=0).base_price_publish_s.value == 0


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


# --- the desk: sizes, short sells, holdings, counterparties


@proves("query_share_of_issue_percent", "5")
def _an_unusual_size_is_asked_about() -> None:
    market = market_with()
    assert ask(market, "FIRM-A", Side.BUY, 20) == "accepted"
    assert ask(market, "FIRM-A", Side.BUY, 22) == "ABNORMAL_SIZE_QUERY"
    assert ask(market, "FIRM-A", Side.BUY, 22, size_confirmed=True) == "accepted"
    assert CATALOGUE[RejectReason.ABNORMAL_SIZE_QUERY].retryable


@proves("query_share_of_issue_percent", "off")
def _or_not() -> None:
    market = market_with(query_share_of_issue_percent=0)
    assert ask(market, "FIRM-A", Side.BUY, 22) == "accepted"


@proves("max_share_of_issue_percent", "30", "off")
def _a_share_of_the_issue_is_too_much() -> None:
    for percent, answer in ((30, "SHARE_OF_ISSUE"), (0, "FIRM_QTY_LIMIT")):
        market = market_with(max_share_of_issue_percent=percent)
        assert ask(market, "FIRM-A", Side.BUY, 122, size_confirmed=True) == answer


def _named(units: int, **rules: object) -> WatchedMarket:
    """Trades of so many of 400 units, named as errors."""
    market = market_with(query_share_of_issue_percent=0, **rules)
    for _ in range(units // 14):
        ask(market, "FIRM-A", Side.BUY, 14)
        ask(market, "FIRM-C", Side.SELL, 14)
    cross(market)
    trades = tuple(trade.trade_id for trade in market.trades())
    market.do(ReportErrorTrade(trade_ids=trades, reason="slip"))
    return market


@proves("error_trade_halt_percent", "10", "off")
def _a_large_error_halts() -> None:
    for units, rules, halted in ((28, {}, False), (42, {}, True), (42, OFF, False)):
        market = _named(units, **rules)
        assert market.core.engine.is_suspended(WIDE.instrument_id) is halted


@proves("error_trade_bust_percent", "20", "off")
def _a_larger_one_may_be_voided() -> None:
    for units, rules, voided in ((70, {}, False), (84, {}, True), (84, OFF, False)):
        events = _named(units, **rules).do(BustTrade(trade_id=TradeId(1), reason="slip"))
        assert isinstance(events[0], TradeBusted) is voided


OFF: dict[str, object] = {"error_trade_halt_percent": 0, "error_trade_bust_percent": 0}


@proves("short_sale", "off")
def _a_short_sell_is_refused() -> None:
    market = market_with()
    answer = ask(market, "FIRM-A", Side.SELL, 2, short_sale=ShortSale.SHORT)
    assert answer == "SHORT_SALE_BARRED"


@proves("short_sale", "on")
def _a_short_sell_needs_no_holding() -> None:
    market = market_with(short_sale=True)
    for _ in range(6):
        assert ask(market, "FIRM-A", Side.SELL, 20, short_sale=ShortSale.SHORT) == "accepted"
    assert ask(market, "FIRM-A", Side.SELL, 2, short_sale=ShortSale.EXEMPT) == "accepted"
    assert ask(market, "FIRM-A", Side.SELL, 2) == "INSUFFICIENT_HOLDING"
    assert market.core.risk.free_units(ParticipantId("FIRM-A"), WIDE.instrument_id) == -22
    assert ask(market, "FIRM-B", Side.BUY, 20) == "accepted"
    phase(market, Phase.OPENING_AUCTION)
    market.do(RunAuction(instrument_id=WIDE.instrument_id))
    assert len(market.trades()) == 1


@proves("sell_holding_check", "on", "off")
def _a_sell_is_of_what_is_held() -> None:
    for checked, answer in ((True, "INSUFFICIENT_HOLDING"), (False, "accepted")):
        market = market_with(sell_holding_check=checked)
        for _ in range(5):
            assert ask(market, "FIRM-A", Side.SELL, 20) == "accepted"
        assert ask(market, "FIRM-A", Side.SELL, 2) == answer


@proves("counterparty_on_fill", "on", "off")
def _a_fill_names_the_other_side() -> None:
    for names in (True, False):
        market = market_with(counterparty_on_fill=names)
        ask(market, "FIRM-A", Side.BUY, 2)
        ask(market, "FIRM-B", Side.SELL, 2)
        phase(market, Phase.OPENING_AUCTION)
        market.do(RunAuction(instrument_id=WIDE.instrument_id))
        fills = [json.loads(payload)["data"] for _, _, payload in market.reports[-2:]]
        assert [fill.get("counterparty") for fill in fills] == (
            ["FIRM-B", "FIRM-A"] if names else [None, None]
        )


@proves("self_match", "prevent_account")
def _one_account_may_not_stand_against_itself() -> None:
    play(
        """
        A buy 10 @ 100000 acc=X  -> rests 10
        A sell 5 @ 100010 acc=X  -> rests 5
        A sell 5 @ 100000 acc=X  -> SELF_MATCH
        A sell 5 market acc=X    -> SELF_MATCH
        A sell 5 @ 100000 acc=Y  -> rests 5
        A sell 5 @ 100000        -> rests 5
        A amend 2 @ 100000       -> SELF_MATCH
        A amend 5 @ 100000 x 3   -> 5 is 8, rests 3
        A cancel 1               -> ended 1 10 owner
        A sell 5 @ 100000 acc=X  -> rests 5
        A buy 4 @ 100000 acc=Z   -> rests 4
        phase OpeningAuction
        cross                    -> 100_000: 11+6 4 own
        """
    )


@proves("self_match", "prevent_firm")
def _one_firm_may_not_stand_against_itself() -> None:
    play(
        """
        A buy 10 @ 100000 acc=X  -> rests 10
        A sell 5 @ 100000 acc=Y  -> SELF_MATCH
        A sell 5 @ 100000        -> SELF_MATCH
        B sell 5 @ 100000        -> rests 5
        """,
        START.replace(self_match=SelfMatch.PREVENT_FIRM),
    )


@proves("self_match", "allow")
def _anybody_may_meet() -> None:
    play(
        """
        A buy 10 @ 100000 acc=X  -> rests 10
        A sell 5 @ 100000 acc=X  -> rests 5
        phase OpeningAuction
        cross                    -> 100_000: 1+2 5 own
        """,
        START.replace(self_match=SelfMatch.ALLOW),
    )


@proves("cancel_on_disconnect", "on", "off")
def _a_lost_connection_takes_orders_along() -> None:
    for by_rule in (True, False):
        market = market_with(cancel_on_disconnect=by_rule)
        ask(market, "FIRM-A", Side.BUY, 2)
        lost = CloseSession(session_id=session_of(FIRMS[0]), generation=1, orderly=False)
        assert len(told(market.do(lost), OrderCanceled)) == by_rule


# --- kinds of orders and their amendment


@proves("order_kinds", "limit, market")
def _market_orders_may_enter() -> None:
    play("A buy 1 market -> rests 1")


@proves("order_kinds", "limit")
def _limit_orders_only() -> None:
    rules = START.replace(order_kinds=(OrderKind.LIMIT,))
    play("A buy 1 market -> INVALID_COMBINATION\nA buy 1 @ 100000 -> rests 1", rules)


@proves("validities", "day, next_auction")
def _orders_live_for_the_day_or_one_cross() -> None:
    play(
        """
        A buy 10 @ 100000        -> rests 10
        B buy 10 @ 99000 next    -> rests 10
        C buy 10 @ 100000 fok    -> INVALID_COMBINATION
        C buy 10 @ 100000 ioc    -> INVALID_COMBINATION
        phase OpeningAuction
        cross                    -> no price, expired 2 10
        """
    )


@proves("validities", "fok")
def _whole_at_the_next_cross_or_not_at_all() -> None:
    rules = START.replace(validities=(Validity.DAY, Validity.NEXT_AUCTION, Validity.FOK))
    play(
        """
        A buy 10 @ 100000 fok    -> rests 10
        B sell 6 @ 100000        -> rests 6
        C sell 4 @ 100000        -> rests 4
        phase OpeningAuction
        cross                    -> 100_000: 1+2 6, 1+3 4
        phase PreClose
        A buy 10 @ 100000 fok    -> rests 10
        B buy 3 @ 99900          -> rests 3
        C sell 6 @ 99900         -> rests 6
        phase ClosingAuction
        cross                    -> 99_900: 5+6 3, ended 4 10 fok_unfilled
        """,
        rules,
    )
    play(
        """
        A buy 10 @ 100000 fok    -> rests 10
        phase OpeningAuction
        cross                    -> no price, ended 1 10 fok_unfilled
        """,
        rules,
    )


@proves("amend_mode", "cancel_new", "native_replace")
def _an_amended_order_goes_to_the_back() -> None:
    for mode, shown in (
        (AmendMode.CANCEL_NEW, ["delete", "add"]),
        (AmendMode.NATIVE_REPLACE, ["replace"]),
    ):
        market = market_with(amend_mode=mode.value)
        ask(market, "FIRM-A", Side.BUY, 4)
        ask(market, "FIRM-B", Side.BUY, 4)
        before = len(market.messages)
        market.do(
            AmendOrder(
                participant_id=FIRMS[0],
                session_id=session_of(FIRMS[0]),
                generation=1,
                req_id="q",
                client_order_id=ClientOrderId("less"),
                original_client_order_id=market.core.answers.facts(
                    market.core.answers.open_orders(FIRMS[0])[0]
                ).client_order_id,
                leaves_units=Units(2),
            )
        )
        queue = list(market.core.engine.book(WIDE.instrument_id).queue(Side.BUY))
        assert [one.participant_id for one in queue] == ["FIRM-B", "FIRM-A"]
        steps = [json.loads(message) for message in market.messages[before:]]
        assert [one["data"]["action"] for one in steps if one["channel"] == "orders"] == shown


@proves("amend_mode", "keep_on_decrease")
def _a_smaller_order_keeps_its_place() -> None:
    play(
        """
        A buy 10 @ 100000     -> rests 10
        B buy 10 @ 100000     -> rests 10
        A amend 1 x 4         -> keeps 1 4
        A amend 1 x 5         -> 1 is 4, rests 5
        """,
        START.replace(amend_mode=AmendMode.KEEP_ON_DECREASE),
    )


@proves("amend_mode", "replace_total")
def _a_replacement_names_the_whole_chain() -> None:
    play(
        """
        A buy 10 @ 100000     -> rests 10
        B sell 4 @ 100000     -> rests 4
        phase OpeningAuction
        cross                 -> 100_000: 1+2 4
        phase PreClose
        A amend 1 total 8     -> 1 is 3, rests 4
        A amend 3 total 3     -> ended 3 4 amended
        A buy 5 @ 100000      -> rests 5
        A amend 5 @ 100005 total 6 -> BAD_TICK, ended 5 5 amend_invalid
        A buy 5 @ 100000      -> rests 5
        A amend 7 x 3         -> INVALID_COMBINATION, ended 7 5 amend_invalid
        """,
        START.replace(amend_mode=AmendMode.REPLACE_TOTAL),
    )


@proves("amend_mode", "unsupported")
def _nothing_is_amended() -> None:
    play(
        "A buy 10 @ 100000 -> rests 10\nA amend 1 x 4 -> AMEND_UNSUPPORTED\nA cancel 1 -> ended 1 10 owner",
        START.replace(amend_mode=AmendMode.UNSUPPORTED),
    )


@proves("expire_at_closed", "on", "off")
def _orders_are_of_the_day() -> None:
    for expires, said in ((True, "expired 1 10"), (False, "")):
        stage = Stage(START.replace(expire_at_closed=expires))
        stage.line("A buy 10 @ 100000")
        assert outcome(stage.line("phase Closed")) == said


@proves("expire_at_closed", "GTC by the broker")
def _a_broker_enters_the_rest_again() -> None:
    broker = CarriedOrders(1, at_ms=30_000_000)
    stage = Stage()
    for line in ("A buy 10 @ 100000", "phase Closed"):
        for event in stage.line(line):
            broker.hear(event)
    (again,) = broker.day(2)
    assert (again.client_order_id, again.quantity_units, again.at_ms) == ("C1-G1", 10, 30_000_000)


@proves("price_rule", "five_condition")
def _surplus_decides() -> None:
    play("A buy 12 @ 100200\nB sell 5 @ 100000\nphase OpeningAuction\ncross -> 100_200: 1+2 5")


@proves("price_rule", "max_volume")
def _or_the_centre_alone() -> None:
    play(
        "A buy 12 @ 100200\nB sell 5 @ 100000\nphase OpeningAuction\ncross -> 100_000: 1+2 5",
        START.replace(price_rule=PriceRule.MAX_VOLUME),
    )


@proves("price_rule", "tse_three_condition")
def _or_one_side_in_full_nearest_the_base() -> None:
    play(
        "A buy 12 @ 100200\nB sell 5 @ 100100\nphase OpeningAuction\ncross -> 100_200: 1+2 5",
        START.replace(price_rule=PriceRule.TSE_THREE_CONDITION),
    )


_SHARED = """
    A buy 6 @ 100000
    A buy 3 @ 100000
    B buy 3 @ 100000
    C sell 6 @ 100000
    phase OpeningAuction
    cross -> 100_000: {}
"""


@proves("auction_allocation", "price_time")
def _first_come_first_served() -> None:
    play(_SHARED.format("1+4 6"))


@proves("auction_allocation", "participant_round_robin")
def _one_unit_a_firm_in_turn() -> None:
    play(
        _SHARED.format("1+4 3, 3+4 3"),
        START.replace(auction_allocation=AuctionAllocation.PARTICIPANT_ROUND_ROBIN),
    )


@proves("auction_allocation", "pro_rata")
def _each_its_share() -> None:
    play(
        _SHARED.format("1+4 4, 2+4 1, 3+4 1"),
        START.replace(auction_allocation=AuctionAllocation.PRO_RATA),
    )


@proves("publishes_indicative_volume", "off", "on")
def _the_indicative_quantity_is_told() -> None:
    for publishes in (False, True):
        market = market_with(publishes_indicative_volume=publishes)
        ask(market, "FIRM-A", Side.BUY, 2)
        ask(market, "FIRM-B", Side.SELL, 2)
        last = [m for m in map(json.loads, market.messages) if m["channel"] == "auction"][-1]
        assert (last["data"].get("executed_units") == 2) is publishes


@proves("manual_reference_update", "on")
def _the_base_price_is_set_by_hand() -> None:
    stage = Stage()
    stage.line("base 90000")
    assert stage.engine.daily_limits_sen(NAME) == (7_500_000, 10_500_000)


# --- the calendar and the clock


@proves("calendar", "tse")
def _closed_as_tse_is() -> None:
    assert not is_business_day(date(2026, 11, 23), START.business_days)


@proves("calendar", "custom")
def _closed_as_listed() -> None:
    rules = START.replace(calendar=CalendarRule.CUSTOM, closed_days=(date(2026, 11, 24),))
    assert is_business_day(date(2026, 11, 23), rules.business_days)
    assert not is_business_day(date(2026, 11, 24), rules.business_days)


def _at(phase: Phase, **times: Any) -> int:
    rules = START.replace(schedule=retimed(START.schedule.value, **times))
    (second,) = [step.second_of_day for step in rules.schedule.value if step.phase is phase]
    return second


@proves("preopen_start", "08:20", "08:00", "09:00")
def _orders_are_taken_from() -> None:
    assert _at(Phase.PRE_OPEN) == clock(8, 20)
    assert _at(Phase.PRE_OPEN, preopen_start="08:00") == clock(8)
    assert _at(Phase.PRE_OPEN, preopen_start="09:00") == clock(9)


@proves("continuous_trading", "off", "on")
def _a_free_schedule_may_have_a_continuous_session() -> None:
    assert not START.has_continuous
    day = START.schedule.value
    zaraba = PhaseAt(Phase.CONTINUOUS, clock(12, 30))
    rules = START.replace(schedule=(*day[:3], zaraba, *day[5:]))
    assert rules.has_continuous
    stage = Stage(rules)
    stage.line("A buy 10 @ 100000")
    stage.line("phase Continuous")
    assert outcome(stage.line("B sell 4 @ 100000")) == "trades 4 @ 100_000 with 1, done"


@proves("opening_auction", "11:30", "09:00")
def _the_first_cross_is_at() -> None:
    assert _at(Phase.OPENING_AUCTION) == clock(11, 30)
    assert _at(Phase.OPENING_AUCTION, opening_auction="09:00") == clock(9)


@proves("preclose_start", "12:30", "12:05")
def _orders_are_taken_again_from() -> None:
    assert _at(Phase.PRE_CLOSE) == clock(12, 30)
    assert _at(Phase.PRE_CLOSE, preclose_start="12:05") == clock(12, 5)


@proves("closing_auction", "15:30", "15:00")
def _the_last_cross_is_at() -> None:
    assert _at(Phase.CLOSING_AUCTION) == clock(15, 30)
    assert _at(Phase.CLOSING_AUCTION, closing_auction="15:00") == clock(15)


@proves("closing_auction", "15:00 before 2024-11-05")
def _the_last_cross_was_earlier_once() -> None:
    for day, close in ((date(2024, 11, 1), clock(15)), (date(2024, 11, 5), clock(15, 30))):
        plan = day_plan(START, day, [NAME])
        crosses = [at_ns for at_ns, one in plan if isinstance(one, RunAuction)]
        assert crosses[-1] == at_jst(day, close)
    always = START.replace(schedule=START.schedule.value)
    assert always.schedule_on(date(2024, 11, 1)) == START.schedule.value


@proves("ncp_seconds", "60", "0-600")
def _none_may_leave_for() -> None:
    assert _at(Phase.CLOSING_AUCTION) - _at(Phase.PRE_CLOSE_NCP) == 60
    assert _at(Phase.PRE_CLOSE_NCP, ncp_seconds=600) == clock(15, 20)
    with pytest.raises(ValueError, match="not enough values"):
        _at(Phase.PRE_CLOSE_NCP, ncp_seconds=0)


@proves("ncp_new_orders", "on")
def _orders_enter_in_the_last_minute() -> None:
    play("phase PreOpenNCP\nA buy 1 @ 100000 -> rests 1\nA cancel 1 -> NON_CANCEL_PERIOD")


@proves("ncp_new_orders", "off")
def _or_do_not() -> None:
    rules = START.replace(ncp_new_orders=False)
    play("phase PreOpenNCP\nA buy 1 @ 100000 -> PHASE_CLOSED", rules)


@proves("break_orders", "cancel_only", "none", "all")
def _the_break_takes() -> None:
    for takes, new, cancel in (
        (BreakOrders.CANCEL_ONLY, "PHASE_CLOSED", "ended 1 2 owner"),
        (BreakOrders.NONE, "PHASE_CLOSED", "PHASE_CLOSED"),
        (BreakOrders.ALL, "rests 1", "ended 1 2 owner"),
    ):
        stage = Stage(START.replace(break_orders=takes))
        stage.line("A buy 2 @ 100000")
        stage.line("phase Break")
        assert outcome(stage.line("A buy 1 @ 100000")) == new
        assert outcome(stage.line("A cancel 1")) == cancel


@proves("auction_random_end_s", "0")
def _crosses_are_punctual() -> None:
    plan = day_plan(START, date(2026, 11, 24), [NAME], run_id="r")
    assert all(at_ns % (60 * 10**9) == 0 for at_ns, one in plan if isinstance(one, RunAuction))


@proves("auction_random_end_s", "any")
def _crosses_come_late_by_chance() -> None:
    plan = day_plan(START.replace(auction_random_end_s=30), date(2026, 11, 24), [NAME], run_id="r")
    late = [at_ns % (60 * 10**9) for at_ns, one in plan if isinstance(one, RunAuction)]
    assert all(0 < one <= 30 * 10**9 for one in late)
    with pytest.raises(BadInput, match="before the next step"):
        START.replace(auction_random_end_s=601)


_FAR = "A buy 5 @ 120000\nB sell 5 @ 112000\nphase PreOpenNCP\n"


@proves("auction_extension_s", "0")
def _a_far_price_is_the_price() -> None:
    play(_FAR + "phase OpeningAuction\ncross -> 112_000: 1+2 5")


@proves("auction_extension_s", "any")
def _a_far_price_is_waited_for() -> None:
    stage = Stage(START.replace(auction_extension_s=120))
    for line in _FAR.split("\n")[:3]:
        stage.line(line)

    (extended,) = stage.line("phase OpeningAuction")
    assert isinstance(extended, AuctionExtended)
    assert stage.line("cross") == stage.line("phase Break") == []
    assert stage.engine.phase(NAME) is Phase.PRE_OPEN_NCP
    assert outcome(stage.line("C sell 5 @ 101000")) == "rests 5"
    for entered in (Phase.OPENING_AUCTION, None, Phase.BREAK):
        again: Command = (
            RunAuction(instrument_id=NAME, after_extension=True)
            if entered is None
            else ChangePhase(instrument_id=NAME, phase=entered, after_extension=True)
        )
        happened = stage.do(again)
        if entered is None:
            assert outcome(happened) == "101_000: 1+3 5"
    assert stage.engine.phase(NAME) is Phase.BREAK
    stage.line("phase PreClose")
    assert stage.do(ChangePhase(instrument_id=NAME, phase=Phase.CLOSED, after_extension=True)) == []
    assert stage.engine.phase(NAME) is Phase.PRE_CLOSE


@proves("auction_extension_percent", "10", "any")
def _far_is_more_than_the_share() -> None:
    for percent, extended in ((11, True), (12, False)):
        rules = START.replace(auction_extension_s=60, auction_extension_percent=percent)
        stage = Stage(rules)
        for line in _FAR.split("\n")[:3]:
            stage.line(line)
        happened = stage.line("phase OpeningAuction")
        assert isinstance(happened[0], AuctionExtended) is extended


# --- the walk


@pytest.mark.parametrize(("parameter", "alternative"), ALTERNATIVES)
def test_every_alternative_can_be_chosen_and_holds(parameter: str, alternative: str) -> None:
    """The proof of each alternative, by its name."""
    ALTERNATIVES[parameter, alternative]()
