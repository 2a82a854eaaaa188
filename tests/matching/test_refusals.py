"""Refusals of the matching room, in the catalogue's order, each leaving everything as it was."""

from typing import Any

import pytest
from script import ISSUE, NAME, Stage, request

from market.commands import NO_PRICE, AmendOrder, NewOrder
from market.ids import InstrumentId, OrderId
from market.instrument import Instrument
from market.quantities import MAX_PRICE_SEN, MAX_QUANTITY_UNITS
from market.reasons import RejectReason
from market.rulebooks import START, TSE
from market.rules import Rules
from market.words import OrderKind, Phase, ShortSale, Side, Validity

R = RejectReason
GOOD = "A buy 10 @ 100000"
LOTS_OF_FIVE = Instrument(
    **{name: getattr(ISSUE, name) for name in ISSUE.__struct_fields__} | {"trading_unit_units": 5}
)


def new(**changes: Any) -> NewOrder:
    """A good order with some fields changed."""
    good = request(GOOD, 1)
    assert isinstance(good, NewOrder)
    return NewOrder(**{name: getattr(good, name) for name in good.__struct_fields__} | changes)


def small(rules: Rules) -> Rules:
    """A rulebook with a small quantity limit, so that it and the share can be told apart."""
    return rules.replace(max_order_units=2_000)


MARKET = {"kind": OrderKind.MARKET, "price_sen": NO_PRICE}

# Each step breaks one more check from the bottom up; the reason must be the topmost broken one.
STAIRCASE: list[tuple[RejectReason, dict[str, Any]]] = [
    (R.ABNORMAL_SIZE_QUERY, {"quantity_units": 505}),
    (R.SHARE_OF_ISSUE, {"quantity_units": 3_005}),
    (R.ORDER_QTY_LIMIT, {"quantity_units": 3_005}),
    (R.OUTSIDE_PRICE_LIMIT, {"price_sen": 13_001_000}),
    (R.BAD_LOT, {"quantity_units": 3_001}),
    (R.BAD_TICK, {"price_sen": 13_001_500}),
    (R.OUT_OF_RANGE, {"price_sen": MAX_PRICE_SEN + 1}),
    (R.SHORT_SALE_BARRED, {"side": Side.SELL, "short_sale": ShortSale.SHORT}),
    (R.INVALID_COMBINATION, {"validity": Validity.IOC}),
    (R.PHASE_CLOSED, {}),
    (R.NOT_TRADABLE, {}),
    (R.UNKNOWN_INSTRUMENT, {"instrument_id": InstrumentId("NONE")}),
]


@pytest.mark.parametrize("height", range(len(STAIRCASE)))
def test_the_first_check_that_fails_names_the_reason(height: int) -> None:
    """With several things wrong the answer is the one the catalogue lists first."""
    by_share = STAIRCASE[height][0] in (R.SHARE_OF_ISSUE, R.ABNORMAL_SIZE_QUERY)
    rules = START if by_share else small(START)
    stage = Stage(rules, Phase.PRE_OPEN, LOTS_OF_FIVE)
    wrong: dict[str, Any] = {}
    for reason, changes in STAIRCASE[: height + 1]:
        wrong |= changes
        if reason is R.PHASE_CLOSED:
            stage.line("phase Break")
        if reason is R.NOT_TRADABLE:
            stage.line("halt")
    before = stage.engine.state()

    assert stage.engine.check_new(new(**wrong)) is STAIRCASE[height][0]
    stage.do(new(**wrong), 1)
    assert stage.engine.state() == before


def test_the_staircase_follows_the_catalogue() -> None:
    """The order tested above is the order of RejectReason itself."""
    order = list(RejectReason)
    climbed = [order.index(reason) for reason, _ in STAIRCASE]

    assert climbed == sorted(climbed, reverse=True)


LIMITS: dict[str, tuple[dict[str, Any], RejectReason | None]] = {
    "price: below the lower limit": ({"price_sen": 6_999_000}, R.OUTSIDE_PRICE_LIMIT),
    "price: at the lower limit": ({"price_sen": 7_000_000}, None),
    "price: at the upper limit": ({"price_sen": 13_000_000}, None),
    "price: above the upper limit": ({"price_sen": 13_001_000}, R.OUTSIDE_PRICE_LIMIT),
    "price: one sen off the tick": ({"price_sen": 10_000_001}, R.BAD_TICK),
    "price: negative": ({"price_sen": -1_000}, R.OUT_OF_RANGE),
    "quantity: negative": ({"quantity_units": -5}, R.OUT_OF_RANGE),
    "quantity: none": ({"quantity_units": 0}, R.OUT_OF_RANGE),
    "quantity: one below a lot": ({"quantity_units": 4}, R.BAD_LOT),
    "quantity: a lot": ({"quantity_units": 5}, None),
    "quantity: too large for the wire": (
        {"quantity_units": MAX_QUANTITY_UNITS + 1}, R.OUT_OF_RANGE,
    ),
    "share: 5% of the issue": ({"quantity_units": 500}, None),
    "share: above 5% of the issue": ({"quantity_units": 505}, R.ABNORMAL_SIZE_QUERY),
    "share: above 5%, confirmed": ({"quantity_units": 505, "size_confirmed": True}, None),
    "share: 30% of the issue": ({"quantity_units": 3_000}, R.ABNORMAL_SIZE_QUERY),
    "share: 30%, confirmed": ({"quantity_units": 3_000, "size_confirmed": True}, None),
    "share: above 30%, confirmed": (
        {"quantity_units": 3_005, "size_confirmed": True}, R.SHARE_OF_ISSUE,
    ),
    "a short buy": ({"short_sale": ShortSale.SHORT}, R.INVALID_COMBINATION),
    "an exempt short sell": (
        {"side": Side.SELL, "short_sale": ShortSale.EXEMPT}, R.SHORT_SALE_BARRED,
    ),
    "share: above 30% of the issue": ({"quantity_units": 3_005}, R.SHARE_OF_ISSUE),
    "a limit order without a price": ({"price_sen": NO_PRICE}, R.INVALID_COMBINATION),
    "a market order with a price": ({"kind": OrderKind.MARKET}, R.INVALID_COMBINATION),
    "a market order": (MARKET, None),
    "for the next auction": ({"validity": Validity.NEXT_AUCTION}, None),
    "IOC before a cross": ({"validity": Validity.IOC}, R.INVALID_COMBINATION),
    "FOK before a cross": ({"validity": Validity.FOK}, R.INVALID_COMBINATION),
}  # fmt: skip


@pytest.mark.parametrize("case", LIMITS)
def test_below_at_and_above_each_limit(case: str) -> None:
    """The limit itself is allowed, one step beyond is not."""
    changes, expected = LIMITS[case]
    stage = Stage(START, Phase.PRE_OPEN, LOTS_OF_FIVE)
    command = new(**changes)

    assert stage.engine.check_new(command) is expected
    assert stage.engine.check_new(command) is expected, "asking changes nothing"


def test_the_share_of_the_issue_is_exact_to_the_unit() -> None:
    """30% of 10,000 units may be asked for, one unit more may not."""
    engine = Stage().engine

    assert engine.check_new(new(quantity_units=3_000, size_confirmed=True)) is None
    assert engine.check_new(new(quantity_units=3_001)) is R.SHARE_OF_ISSUE


def test_a_quantity_limit_is_checked_before_the_share() -> None:
    """Two limits on the quantity, two reasons."""
    engine = Stage(small(START), Phase.PRE_OPEN, LOTS_OF_FIVE).engine

    assert engine.check_new(new(quantity_units=2_000, size_confirmed=True)) is None
    assert engine.check_new(new(quantity_units=2_005)) is R.ORDER_QTY_LIMIT


def test_a_preset_without_a_kind_or_validity_refuses_it() -> None:
    """What the rulebook does not list is an invalid combination."""
    limits_only = Stage(START.replace(order_kinds=(OrderKind.LIMIT,))).engine
    market_only = Stage(START.replace(order_kinds=(OrderKind.MARKET,))).engine
    day_only = Stage(TSE.replace(validities=(Validity.DAY,)), Phase.CONTINUOUS).engine

    assert limits_only.check_new(new(**MARKET)) is R.INVALID_COMBINATION
    assert market_only.check_new(new()) is R.INVALID_COMBINATION
    assert day_only.check_new(new(validity=Validity.IOC)) is R.INVALID_COMBINATION


def test_in_continuous_an_order_cannot_wait_for_an_auction() -> None:
    """IOC and FOK exist only in Continuous, orders for the next auction only outside it."""
    engine = Stage(TSE, Phase.CONTINUOUS).engine

    assert engine.check_new(new(validity=Validity.NEXT_AUCTION)) is R.INVALID_COMBINATION
    assert engine.check_new(new(validity=Validity.IOC)) is None
    assert engine.check_new(new(validity=Validity.FOK)) is None


def test_the_flag_of_the_day_bars_market_orders() -> None:
    """START's per-issue flag (成行禁止) refuses market orders and nothing else."""
    values = {name: getattr(ISSUE, name) for name in ISSUE.__struct_fields__}
    barred = Instrument(**values | {"market_orders_barred": True})
    engine = Stage(START, Phase.PRE_OPEN, barred).engine

    assert engine.check_new(new(**MARKET)) is R.MARKET_ORDER_BARRED
    assert engine.check_new(new()) is None


AMENDS: dict[str, tuple[dict[str, Any], RejectReason | None]] = {
    "nothing asked for": ({}, R.INVALID_COMBINATION),
    "no price on a limit order": ({"price_sen": NO_PRICE}, R.INVALID_COMBINATION),
    "off the tick": ({"price_sen": 10_000_001}, R.BAD_TICK),
    "outside the limits": ({"price_sen": 13_001_000}, R.OUTSIDE_PRICE_LIMIT),
    "nothing left": ({"leaves_units": 0}, R.OUT_OF_RANGE),
    "not a lot": ({"leaves_units": 7}, R.BAD_LOT),
    "above the share": ({"leaves_units": 3_005}, R.SHARE_OF_ISSUE),
    "a new price": ({"price_sen": 10_001_000}, None),
    "a new quantity": ({"leaves_units": 15}, None),
}


@pytest.mark.parametrize("case", AMENDS)
def test_an_amendment_is_checked_like_a_new_order(case: str) -> None:
    """The values after the amendment must be an order's; refused, the order is as it was."""
    changes, expected = AMENDS[case]
    stage = Stage(START, Phase.PRE_OPEN, LOTS_OF_FIVE)
    stage.line(GOOD)
    before = stage.engine.state()
    command = AmendOrder(
        participant_id=new().participant_id,
        session_id=new().session_id,
        generation=1,
        req_id="",
        client_order_id=new().client_order_id,
        order_id=OrderId(1),
        **changes,
    )
    order = stage.engine.find(OrderId(1))
    assert order is not None

    assert stage.engine.check_amend(order, command) is expected
    stage.do(command, 2)
    assert (stage.engine.state() == before) == (expected is not None)


def test_a_market_order_takes_no_price() -> None:
    """An amendment changes numbers, not what an order is."""
    stage = Stage()
    stage.line("A buy 10 market")
    before = stage.engine.state()

    stage.line("A amend 1 @ 100000")

    assert stage.engine.state() == before


def test_orders_of_others_and_ended_orders_are_unknown() -> None:
    """Nobody touches another firm's order, and an ended order is gone."""
    stage = Stage()
    stage.line(GOOD)
    before = stage.engine.state()
    for act in ("B cancel 1", "B amend 1 x 3", "A cancel 77", "A amend 77 x 3"):
        (told,) = stage.line(act)
        assert getattr(told, "reason", None) is R.UNKNOWN_ORDER
    assert stage.engine.state() == before


def test_venue_commands_on_an_unknown_issue_are_refused() -> None:
    """No issue, no effect."""
    engine = Stage().engine
    before = engine.state()
    nobody = InstrumentId("NONE")
    refusals = [
        engine.change_phase(nobody, Phase.BREAK),
        engine.run_auction(nobody),
        engine.halt(nobody, "x"),
        engine.resume(nobody),
        engine.set_reference_price(nobody, ISSUE.issue_price_sen),
    ]

    assert [getattr(told[0], "reason", None) for told in refusals] == [R.UNKNOWN_INSTRUMENT] * 5
    told = engine.list_instrument(ISSUE)
    assert getattr(told[0], "reason", None) is R.DUPLICATE
    told = engine.set_reference_price(NAME, NO_PRICE)
    assert getattr(told[0], "reason", None) is R.OUT_OF_RANGE
    assert engine.state() == before
