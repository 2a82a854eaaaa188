"""Error trades: named, halted above a share of the issue, voided before settlement, and not after.

The issue has 400 units; firm C is admitted short and on credit, so it is the one that slips. Every
story runs on a watched market: auditor, oracles and invariants look on after each command.
"""

import json
from datetime import date
from typing import Any

import pytest
from random_market import FIRMS, TINY, WIDE, session_of
from small_market import ask, cross, market_with, phase
from watched_market import WatchedMarket

from market.commands import (
    BustTrade,
    CancelDelivery,
    CloseDay,
    Command,
    OpenDay,
    ReportErrorTrade,
    Resume,
    RunSettlement,
)
from market.events import (
    ClosingPriceSet,
    CommandRefused,
    DeliveryChanged,
    DeliveryState,
    ErrorTradeReported,
    Event,
    Reconciled,
    ReferencePriceSet,
    TradeBusted,
    TradingHalted,
)
from market.ids import DeliveryId, OrderId, TradeId
from market.quantities import Units
from market.reasons import FailReason, RejectReason
from market.words import Phase, Side
from venue.timeline import Timeline

R = RejectReason
A, B, C = FIRMS
NAME = WIDE.instrument_id
T_PLUS_2 = (date(2026, 11, 25), date(2026, 11, 26))


def slipped(units: int = 60, **rules: object) -> WatchedMarket:
    """Firm B buys 20 units at 10.20 yen, then firm C's slip sells ``units`` to firms A and B."""
    market = market_with(
        **{"max_share_of_issue_percent": 0, "amend_mode": "native_replace"} | rules
    )
    ask(market, B, Side.BUY, 20, price_sen=1_020)
    ask(market, A, Side.SELL, 20, price_sen=1_020)
    cross(market)
    phase(market, Phase.PRE_CLOSE)
    for place, size in enumerate(pieces(units, 20)):
        assert ask(market, (A, B)[place % 2], Side.BUY, size, price_sen=960) == "accepted"
    for size in pieces(units, 40):
        answer = ask(market, C, Side.SELL, size, price_sen=960, size_confirmed=True)
        assert answer == "accepted"
    cross(market, Phase.CLOSING_AUCTION)
    return market


def pieces(units: int, largest: int) -> list[int]:
    """A quantity in orders of a size."""
    return [min(largest, units - done) for done in range(0, units, largest)]


def report(*trades: int, order: int | None = None) -> ReportErrorTrade:
    """Trades named as errors."""
    return ReportErrorTrade(
        trade_ids=tuple(TradeId(trade) for trade in trades),
        order_id=None if order is None else OrderId(order),
        reason="one zero too many",
    )


def bust(trade: int, *, override: bool = False) -> BustTrade:
    """A trade to be voided."""
    return BustTrade(trade_id=TradeId(trade), reason="one zero too many", override=override)


def refused(market: WatchedMarket, command: Command) -> RejectReason:
    """Why a command is refused; that nothing moved is seen by the watched market."""
    before = market.core.settlement.state()
    (event,) = market.do(command)
    assert isinstance(event, CommandRefused)
    assert market.core.settlement.state() == before
    return event.reason


def of(events: list[Event], kind: type) -> list[Any]:
    """The events of one kind."""
    return [event for event in events if isinstance(event, kind)]


# --- reports and the halt


@pytest.mark.parametrize(("units", "halts"), [(38, False), (40, False), (42, True)])
def test_above_ten_percent_of_the_issue_halts(units: int, halts: bool) -> None:
    """40 of 400 units are the limit itself; one lot more suspends the issue."""
    market = slipped(units)
    slip = [trade.trade_id for trade in market.trades() if trade.seller == C]

    events = market.do(report(*slip))

    (told,) = of(events, ErrorTradeReported)
    assert (told.instrument_id, told.error_units) == (NAME, units)
    assert bool(of(events, TradingHalted)) is halts
    assert market.core.engine.is_suspended(NAME) is halts


def test_reports_of_one_issue_add_up() -> None:
    """20 units and 20 more are 40; the next trade named takes it over the limit, once."""
    market = slipped(60)
    assert [len(market.do(report(trade))) for trade in (2, 3)] == [1, 1]
    assert len(market.do(report(3))) == 1, "named again, it counts once"
    assert len(market.do(report(4))) == 2
    assert len(market.do(report(2))) == 1, "suspended already"
    market.do(Resume(instrument_id=NAME))


def test_an_order_names_all_its_trades() -> None:
    """The slip's order stands for the trades it made; other orders of the cross are not in it."""
    market = slipped(60)
    slip = market.trades()[1].sell_order_id
    (told,) = market.do(report(order=slip))
    assert isinstance(told, ErrorTradeReported)
    assert told.trade_ids == (2, 3)


def test_the_halt_can_be_switched_off() -> None:
    """0 percent never suspends."""
    market = slipped(60, error_trade_halt_percent=0)
    assert len(market.do(report(2, 3, 4))) == 1


def test_a_report_is_refused_for_the_first_reason() -> None:
    """Fields first, then unknown trades, then those that are settled or canceled."""
    market = slipped(60)
    assert refused(market, report()) is R.INVALID_COMBINATION
    assert refused(market, report(2, order=1)) is R.INVALID_COMBINATION
    assert refused(market, report(2, 2)) is R.INVALID_COMBINATION
    assert refused(market, report(99)) is R.UNKNOWN_TRADE
    assert refused(market, report(order=10**6)) is R.UNKNOWN_TRADE
    market.do(CancelDelivery(delivery_id=DeliveryId(2), reason="agreed"))
    assert refused(market, report(99, 2)) is R.UNKNOWN_TRADE
    assert refused(market, report(2, 3)) is R.ALREADY_FINAL


def test_a_report_is_of_one_issue() -> None:
    """Two issues are two errors."""
    market = market_with()
    for name, price in ((WIDE.instrument_id, 1_000), (TINY.instrument_id, 60)):
        phase(market, Phase.PRE_OPEN, of_issue=name)
        ask(market, A, Side.BUY, 2, instrument_id=name, price_sen=price)
        ask(market, B, Side.SELL, 2, instrument_id=name, price_sen=price)
        cross(market, of_issue=name)
    assert len(market.trades()) == 2
    assert refused(market, report(1, 2)) is R.INVALID_COMBINATION


# --- voids


@pytest.mark.parametrize(("units", "allowed"), [(80, False), (82, True)])
def test_above_twenty_percent_of_the_issue_may_be_voided(units: int, allowed: bool) -> None:
    """80 of 400 units are the limit itself; and only trades that were named are voided."""
    market = slipped(units)
    slip = [trade.trade_id for trade in market.trades() if trade.seller == C]
    market.do(report(*slip))
    assert refused(market, bust(1)) is R.BUST_NOT_ALLOWED
    if not allowed:
        assert refused(market, bust(slip[0])) is R.BUST_NOT_ALLOWED
        return
    for trade in slip:
        told = market.do(bust(trade))
        assert isinstance(told[0], TradeBusted)
        assert refused(market, bust(trade)) is R.ALREADY_FINAL
    market.replay()


def test_the_operator_may_void_what_the_rule_does_not() -> None:
    """A special case needs no report and no share; an unknown trade stays unknown."""
    market = slipped(20)
    assert refused(market, bust(2)) is R.BUST_NOT_ALLOWED
    assert refused(market, bust(99, override=True)) is R.UNKNOWN_TRADE
    (told, canceled, *_) = market.do(bust(2, override=True))
    assert isinstance(told, TradeBusted)
    assert isinstance(canceled, DeliveryChanged)
    assert (canceled.state, canceled.reason) == (DeliveryState.CANCELED, FailReason.BUSTED)


def test_a_rule_of_no_percent_leaves_it_to_the_operator() -> None:
    """0 percent: however large the error, only the override voids."""
    market = slipped(120, error_trade_bust_percent=0)
    market.do(report(2, 3, 4, 5, 6, 7))
    assert refused(market, bust(2)) is R.BUST_NOT_ALLOWED
    market.do(bust(2, override=True))


def test_a_voided_trade_gives_back_what_it_promised() -> None:
    """Cash and units are free again on both sides, and nothing was posted."""
    market = slipped(20)
    risk = market.core.risk
    (trade,) = [one for one in market.trades() if one.seller == C]
    account = risk.accounts[trade.buyer]
    free, owed = risk.free_yen(trade.buyer), account.owed_yen
    short = risk.free_units(C, NAME)
    market.do(bust(2, override=True))
    assert account.owed_yen == owed - trade.consideration_yen
    assert risk.free_yen(trade.buyer) == free + trade.consideration_yen
    assert risk.free_units(C, NAME) == short + 20
    market.core.conservation()


def test_the_day_is_told_again_without_the_voided_trades() -> None:
    """Range, volume, last, closing and next base price are those of the trades that stand."""
    market = slipped(20)
    tape = market.core.feeds.issues[NAME].tape
    assert (tape.low_sen, tape.high_sen, tape.last_sen, tape.trade_count) == (960, 1_020, 960, 2)
    market.do(bust(2, override=True))
    message = json.loads(market.messages[-1])
    assert message["channel"] == "trades"
    assert message["data"]["action"] == "bust"
    assert message["data"]["trade_number"] == "T-2"
    assert message["data"]["totals"]["low"] == message["data"]["totals"]["last"] == "10.20"
    assert (tape.low_sen, tape.last_sen, tape.volume_units) == (1_020, 1_020, 20)
    assert tape.value_yen == 204
    assert market.core.engine.last_price_sen(NAME) == 1_020
    closed = market.do(CloseDay())
    closing = {event.instrument_id: event.price_sen for event in of(closed, ClosingPriceSet)}
    assert closing[NAME] == 1_020, "the closing cross never was; the opening cross stands in"
    (reconciled,) = of(closed, Reconciled)
    assert (reconciled.trades, reconciled.busted, reconciled.breaks) == (1, 1, ())
    opened = of(market.do(OpenDay(business_date=T_PLUS_2[0])), ReferencePriceSet)
    assert opened[0].reference_price_sen == 1_020


def test_a_trade_voided_at_night_moves_the_next_base_price() -> None:
    """After the close the closing price is told again, and the next day opens at what stands."""
    market = slipped(20)
    market.do(CloseDay())
    (closing,) = of(market.do(bust(2, override=True)), ClosingPriceSet)
    assert closing.price_sen == 1_020
    opened = of(market.do(OpenDay(business_date=T_PLUS_2[0])), ReferencePriceSet)
    assert opened[0].reference_price_sen == 1_020
    (reconciled,) = of(market.do(CloseDay()), Reconciled)
    assert reconciled.breaks == ()


def test_a_trade_of_an_earlier_day_leaves_todays_prices_alone() -> None:
    """It is voided until it is settled; the next day's tape and base price stay."""
    market = slipped(20)
    market.do(CloseDay())
    market.do(OpenDay(business_date=T_PLUS_2[0]))
    events = market.do(bust(2, override=True))
    assert [type(event) for event in events] == [TradeBusted, DeliveryChanged]
    assert market.core.engine.reference_price_sen(NAME) == 960
    (reconciled,) = of(market.do(CloseDay()), Reconciled)
    assert (reconciled.trades, reconciled.busted, reconciled.breaks) == (0, 1, ())


def test_both_firms_hear_of_it() -> None:
    """Each side's session gets the void and then the end of the delivery, with its own order."""
    market = slipped(20)
    before = len(market.reports)
    market.do(bust(2, override=True))
    told = [(session, json.loads(payload)) for session, _, payload in market.reports[before:]]
    kinds = [(session, message["type"]) for session, message in told]
    (trade,) = [one for one in market.trades() if one.seller == C]
    buyer, seller = session_of(trade.buyer), session_of(C)
    assert kinds == [
        (buyer, "trade_busted"), (seller, "trade_busted"),
        (buyer, "settlement"), (seller, "settlement"),
    ]  # fmt: skip
    bought, sold = told[0][1]["data"], told[1][1]["data"]
    assert (bought["side"], sold["side"]) == ("buy", "sell")
    assert (bought["trade_id"], bought["price"], bought["quantity_units"]) == ("T-2", "9.60", 20)
    assert bought["order_id"] == f"O-{trade.buy_order_id}"
    assert (told[2][1]["data"]["state"], told[2][1]["data"]["reason"]) == ("canceled", "busted")


# --- settlement


def _due(market: WatchedMarket) -> None:
    """Go to the settlement date."""
    market.do(CloseDay())
    market.do(OpenDay(business_date=T_PLUS_2[0]))
    market.do(CloseDay())
    market.do(OpenDay(business_date=T_PLUS_2[1]))


@pytest.mark.parametrize("stages", [0, 1, 2])
def test_until_it_is_paid_a_void_releases_every_lock(stages: int) -> None:
    """Created, provisionally transferred, funded: units and cash come back whole."""
    market = slipped(20)
    _due(market)
    for stage in range(stages):
        market.do(RunSettlement(stage=stage))
    settlement = market.core.settlement
    assert settlement.deliveries[DeliveryId(1)].state is (
        DeliveryState.CREATED, DeliveryState.PROVISIONAL, DeliveryState.CONFIRMED,
    )[stages]  # fmt: skip
    market.do(bust(1, override=True))
    assert settlement.available_units(A, NAME) == settlement.owned_units(A, NAME) == 100
    assert settlement.available_yen(B) == settlement.owned_yen(B) == 2_500
    for stage in range(4):
        market.do(RunSettlement(stage=stage))
    assert settlement.owned_units(A, NAME) == 100
    (reconciled,) = of(market.do(CloseDay()), Reconciled)
    assert reconciled.breaks == ()
    market.core.conservation()
    market.replay()


@pytest.mark.parametrize("mode", ["provisional_transfer", "gross_atomic"])
def test_what_is_delivered_stays(mode: str) -> None:
    """After the final transfer a void is refused, override or not, also once it is reconciled."""
    market = slipped(20, settlement_mode=mode)
    _due(market)
    for stage in range(3):
        market.do(RunSettlement(stage=stage))
    assert market.core.settlement.deliveries[DeliveryId(1)].state is DeliveryState.FINISHED
    assert refused(market, bust(1, override=True)) is R.ALREADY_FINAL
    assert refused(market, report(1)) is R.ALREADY_FINAL
    market.do(RunSettlement(stage=3))
    market.do(CloseDay())
    assert refused(market, bust(1, override=True)) is R.ALREADY_FINAL
    assert market.core.settlement.owned_units(B, NAME) == Units(120)


def test_a_failing_delivery_of_a_slip_can_still_be_voided() -> None:
    """The seller has no units, the delivery fails at the cut-off, and the void ends it."""
    market = slipped(20)
    _due(market)
    for stage in range(4):
        market.do(RunSettlement(stage=stage))
    assert market.core.settlement.deliveries[DeliveryId(2)].state is DeliveryState.FAILING
    (_, canceled) = market.do(bust(2, override=True))
    assert isinstance(canceled, DeliveryChanged)
    assert canceled.old_state is DeliveryState.FAILING
    (reconciled,) = of(market.do(CloseDay()), Reconciled)
    assert (reconciled.open_deliveries, reconciled.failing, reconciled.breaks) == (0, 0, ())


# --- what people read


def test_the_timeline_tells_of_both() -> None:
    """One line for the report, the suspension and the void each."""
    market = slipped(82)
    timeline = Timeline()
    lines: list[str] = []
    for command in (report(2, 3, 4, 5, 6), bust(2)):
        before = len(market.events)
        market.do(command)
        lines += timeline.lines(market.entries[-1], market.events[before:])
    assert [line.split()[1] for line in lines] == ["error", "suspended", "trade"]
    assert "82 units in all" in lines[0]
    assert "T-2, 20 units at 9 yen" in lines[2]
    assert timeline.totals["busted"] == 1
