"""Risk: no firm promises more than it has, and every promise ends exactly once."""

from datetime import date
from fractions import Fraction
from math import ceil, floor
from typing import Any, NamedTuple

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from market.commands import NO_PRICE, AmendOrder, NewOrder, ParticipantLimits
from market.errors import InvariantBroken
from market.events import (
    DayOpened,
    DeliveryAction,
    DeliveryChanged,
    DeliveryCreated,
    DeliveryState,
    OrderAccepted,
    OrderAmended,
    OrderCanceled,
    OrderExpired,
    OrderReduced,
    ParticipantRegistered,
    ReferencePriceSet,
    Trade,
    UnitsMoved,
    YenMoved,
)
from market.ids import (
    ClientOrderId,
    DeliveryId,
    InstrumentId,
    OrderId,
    ParticipantId,
    SessionId,
    TradeId,
)
from market.quantities import Sen, Units, Yen
from market.reasons import CancelReason, RejectReason
from market.words import OrderKind, Side, Validity
from participants.risk import Risk

A, B = ParticipantId("FIRM-A"), ParticipantId("FIRM-B")
ISSUE, OTHER = InstrumentId("KH01"), InstrumentId("KH02")
UPPER_SEN = 13_000_000
BUY, SELL = Side.BUY, Side.SELL
DAY = DayOpened(business_date=date(2026, 11, 25), settlement_date=date(2026, 11, 27))


def registered(firm: ParticipantId, **limits: Any) -> ParticipantRegistered:
    """A firm admitted, or its limits replaced."""
    return ParticipantRegistered(participant_id=firm, name=firm, limits=ParticipantLimits(**limits))


def limits_set(upper_sen: int, issue: InstrumentId = ISSUE) -> ReferencePriceSet:
    """The day's base price is 100,000 yen; only the upper limit matters here."""
    return ReferencePriceSet(
        instrument_id=issue,
        reference_price_sen=Sen(10_000_000),
        lower_limit_sen=Sen(7_000_000),
        upper_limit_sen=Sen(upper_sen),
    )


def yen(
    giver: ParticipantId | None,
    taker: ParticipantId | None,
    amount: int,
    delivery: int | None = None,
) -> YenMoved:
    """Cash moved; None is the outside world."""
    return YenMoved(
        giver=giver,
        taker=taker,
        amount_yen=Yen(amount),
        delivery_id=None if delivery is None else DeliveryId(delivery),
    )


def units(
    giver: ParticipantId | None,
    taker: ParticipantId | None,
    quantity: int,
    delivery: int | None = None,
) -> UnitsMoved:
    """Units of the issue moved; None is the issuer."""
    return UnitsMoved(
        instrument_id=ISSUE,
        giver=giver,
        taker=taker,
        quantity_units=Units(quantity),
        delivery_id=None if delivery is None else DeliveryId(delivery),
    )


def risk(
    *, cash: int = 10_000_000, holding: int = 100, holding_check: bool = True, **limits: Any
) -> Risk:
    """Firms A and B, both with cash and units; the limits are A's."""
    it = Risk(sell_holding_check=holding_check)
    for event in (registered(A, **limits), registered(B), limits_set(UPPER_SEN)):
        it.apply(event)
    for firm in (A, B):
        if cash:
            it.apply(yen(None, firm, cash))
        if holding:
            it.apply(units(None, firm, holding))
    return it


def new(
    side: Side,
    quantity: int,
    price_sen: int | None = 10_000_000,
    firm: ParticipantId = A,
    issue: InstrumentId = ISSUE,
) -> NewOrder:
    """An order at 100,000 yen; a price of None makes it a market order."""
    return NewOrder(
        participant_id=firm,
        session_id=SessionId("S1"),
        generation=1,
        req_id="1",
        client_order_id=ClientOrderId("C1"),
        instrument_id=issue,
        side=side,
        kind=OrderKind.MARKET if price_sen is None else OrderKind.LIMIT,
        price_sen=NO_PRICE if price_sen is None else Sen(price_sen),
        quantity_units=Units(quantity),
    )


def funari(quantity: int, price_sen: int = 10_000_000) -> NewOrder:
    """A limit buy that becomes a market order for the close."""
    return msgspec.structs.replace(new(BUY, quantity, price_sen), validity=Validity.FUNARI)


def accept(it: Risk, order_id: int, cmd: NewOrder) -> None:
    """Tell risk that the book took the order."""
    it.apply(
        OrderAccepted(
            order_id=OrderId(order_id),
            participant_id=cmd.participant_id,
            session_id=cmd.session_id,
            client_order_id=cmd.client_order_id,
            instrument_id=cmd.instrument_id,
            side=cmd.side,
            kind=cmd.kind,
            price_sen=cmd.price_sen,
            quantity_units=cmd.quantity_units,
            validity=cmd.validity,
        )
    )


def trade(
    number: int,
    buy: tuple[int, int, ParticipantId],
    sell: tuple[int, int, ParticipantId],
    quantity: int,
    price_sen: int = 10_000_000,
) -> tuple[Trade, DeliveryCreated]:
    """A trade and its delivery; each side is (order id, leaves, firm)."""
    made = Trade(
        trade_id=TradeId(number),
        instrument_id=ISSUE,
        price_sen=Sen(price_sen),
        quantity_units=Units(quantity),
        buyer=buy[2],
        seller=sell[2],
        buy_order_id=OrderId(buy[0]),
        sell_order_id=OrderId(sell[0]),
        buy_leaves_units=Units(buy[1]),
        sell_leaves_units=Units(sell[1]),
        cross=True,
    )
    owed = DeliveryCreated(
        delivery_id=DeliveryId(number),
        trade_id=TradeId(number),
        instrument_id=ISSUE,
        seller=sell[2],
        buyer=buy[2],
        quantity_units=Units(quantity),
        amount_yen=made.consideration_yen,
        settlement_date=date(2026, 11, 26),
    )
    return made, owed


def moved(number: int, state: DeliveryState) -> DeliveryChanged:
    """A delivery reached a state."""
    return DeliveryChanged(
        delivery_id=DeliveryId(number),
        action=DeliveryAction.FINISH,
        old_state=DeliveryState.CREATED,
        state=state,
    )


def canceled(order_id: int, quantity: int, firm: ParticipantId = A) -> OrderCanceled:
    """The rest of an order left the book."""
    return OrderCanceled(
        order_id=OrderId(order_id),
        participant_id=firm,
        instrument_id=ISSUE,
        canceled_units=Units(quantity),
        reason=CancelReason.OWNER,
    )


def amended(old: int, order_id: int, cmd: NewOrder, price_sen: int, leaves: int) -> OrderAmended:
    """An order became another price and quantity."""
    return OrderAmended(
        order_id=OrderId(order_id),
        old_order_id=OrderId(old),
        participant_id=cmd.participant_id,
        session_id=cmd.session_id,
        client_order_id=ClientOrderId("C2"),
        old_client_order_id=cmd.client_order_id,
        instrument_id=cmd.instrument_id,
        side=cmd.side,
        kind=cmd.kind,
        price_sen=Sen(price_sen),
        leaves_units=Units(leaves),
        kept_priority=old == order_id,
    )


def amend(price_sen: int | None = None, leaves: int | None = None) -> AmendOrder:
    """The request for it."""
    return AmendOrder(
        participant_id=A,
        session_id=SessionId("S1"),
        generation=1,
        req_id="2",
        client_order_id=ClientOrderId("C2"),
        original_client_order_id=ClientOrderId("C1"),
        price_sen=None if price_sen is None else Sen(price_sen),
        leaves_units=None if leaves is None else Units(leaves),
    )


_R = RejectReason


@pytest.mark.parametrize(
    ("limits", "quantity", "expected"),
    [
        ({"max_order_units": 10}, 9, None),
        ({"max_order_units": 10}, 10, None),
        ({"max_order_units": 10}, 11, _R.FIRM_QTY_LIMIT),
        ({"max_order_value_yen": 1_000_000}, 9, None),
        ({"max_order_value_yen": 1_000_000}, 10, None),
        ({"max_order_value_yen": 1_000_000}, 11, _R.ORDER_VALUE_LIMIT),
        ({"max_order_value_yen": 999_999}, 10, _R.ORDER_VALUE_LIMIT),
        ({}, 99, None),
        ({}, 100, None),
        ({}, 101, _R.INSUFFICIENT_CASH),
        ({"credit_yen": 100_000}, 101, None),
        ({"credit_yen": 99_999}, 101, _R.INSUFFICIENT_CASH),
    ],
)
def test_buy_is_refused_above_each_limit_and_not_at_it(
    limits: dict[str, Any], quantity: int, expected: RejectReason | None
) -> None:
    """A buy at 100,000 yen passes below and at every limit, and fails one step above it."""
    assert risk(**limits).check_new(new(BUY, quantity)) is expected


@pytest.mark.parametrize(
    ("options", "quantity", "expected"),
    [
        ({}, 100, None),
        ({}, 101, _R.INSUFFICIENT_HOLDING),
        ({"holding": 0}, 1, _R.INSUFFICIENT_HOLDING),
        ({"short_units_allowed": True}, 101, None),
        ({"holding_check": False}, 101, None),
    ],
)
def test_sell_needs_the_units_unless_a_rule_or_the_firm_may_be_short(
    options: dict[str, Any], quantity: int, expected: RejectReason | None
) -> None:
    """Only owned, unpromised units are sold, except by preset or by the firm's own permission."""
    assert risk(**options).check_new(new(SELL, quantity)) is expected


@pytest.mark.parametrize(("open_already", "refused"), [(1, False), (2, False), (3, True)])
def test_open_orders_are_counted_across_sides_and_issues(open_already: int, refused: bool) -> None:
    """A firm with its most open orders gets no further one, whatever it is."""
    it = risk(max_open_orders=3)
    for number in range(open_already):
        accept(it, number + 1, new(BUY if number % 2 else SELL, 1))
    answer = it.check_new(new(BUY, 1, issue=OTHER))
    assert answer is (None if not refused else _R.OPEN_ORDER_LIMIT)

    it.apply(canceled(1, 1))
    assert it.check_new(new(BUY, 1)) is None


def test_refusals_come_in_catalogue_order() -> None:
    """An order that breaks every limit is refused for the first; lifting it shows the next."""
    worst = new(BUY, 1_000)
    lifted: dict[str, Any] = {
        "max_order_units": 1,
        "max_order_value_yen": 1,
        "max_open_orders": 0,
    }
    seen: list[RejectReason] = []
    for name, plenty in (
        ("", 0),
        ("max_order_units", 1_000),
        ("max_order_value_yen", 10**9),
        ("max_open_orders", 1),
    ):
        if name:
            lifted[name] = plenty
        answer = risk(**lifted).check_new(worst)
        assert answer is not None
        seen.append(answer)
    catalogue = list(RejectReason)
    assert seen == [
        _R.FIRM_QTY_LIMIT,
        _R.ORDER_VALUE_LIMIT,
        _R.OPEN_ORDER_LIMIT,
        _R.INSUFFICIENT_CASH,
    ]
    assert seen == sorted(seen, key=catalogue.index)


def test_nothing_is_held_by_a_check_whatever_it_answers() -> None:
    """Checks are pure: before acceptance nothing moves, refused or not."""
    it = risk()
    accept(it, 1, new(BUY, 5))
    before = it.state()
    for cmd in (new(BUY, 1), new(BUY, 1_000), new(SELL, 1), new(SELL, 1_000), new(BUY, 1, None)):
        it.check_new(cmd)
    it.check_amend(OrderId(1), amend(leaves=1_000))
    it.check_withdraw(A, Yen(1))
    assert it.state() == before


def test_buy_holds_price_times_quantity_rounded_up() -> None:
    """Three units at 0.35 yen are 1.05 yen, so 2 yen are held."""
    it = risk(cash=10)
    accept(it, 1, new(BUY, 3, 35))
    assert (it.held_yen(OrderId(1)), it.free_yen(A)) == (2, 8)
    assert it.held_units(OrderId(1)) == 0


def test_partial_fill_shrinks_the_hold_to_the_rest() -> None:
    """After a fill the order holds its rest, and the fill is owed at the price it traded at."""
    it = risk()
    accept(it, 1, new(BUY, 10, 10_100_000))
    accept(it, 2, new(SELL, 4, firm=B))
    for event in trade(1, (1, 6, A), (2, 0, B), 4, 10_000_000):
        it.apply(event)
    assert it.held_yen(OrderId(1)) == 606_000
    assert it.free_yen(A) == 10_000_000 - 606_000 - 400_000
    assert it.free_units(B, ISSUE) == 96
    assert it.held_units(OrderId(2)) == 0
    it.check_invariants()


def test_market_buy_is_held_at_the_daily_upper_limit() -> None:
    """A market order may trade anywhere up to the limit, so the limit is what it must afford."""
    it = risk(cash=1_299_999)
    assert it.check_new(new(BUY, 10, None)) is _R.INSUFFICIENT_CASH
    it.apply(yen(None, A, 1))
    assert it.check_new(new(BUY, 10, None)) is None
    accept(it, 1, new(BUY, 10, None))
    assert it.held_yen(OrderId(1)) == 1_300_000


def test_funari_buy_is_held_at_the_daily_upper_limit_whatever_its_price() -> None:
    """It will be a market order at the close: its limit does not bind it, nor does a new one."""
    it = risk(cash=1_299_999)
    assert it.check_new(funari(10)) is _R.INSUFFICIENT_CASH
    it.apply(yen(None, A, 1))
    assert it.check_new(funari(10)) is None
    accept(it, 1, funari(10))
    assert it.held_yen(OrderId(1)) == 1_300_000

    assert it.check_amend(OrderId(1), amend(price_sen=12_000_000)) is None
    it.apply(amended(1, 2, funari(10), 12_000_000, 10))
    assert it.held_yen(OrderId(2)) == 1_300_000
    assert it.check_amend(OrderId(2), amend(leaves=11)) is _R.INSUFFICIENT_CASH
    it.apply(limits_set(14_000_000))
    assert it.held_yen(OrderId(2)) == 1_400_000
    it.apply(canceled(2, 10))
    assert it.held_yen(OrderId(2)) == 0
    it.check_invariants()


def test_a_market_buy_under_a_broadened_limit_is_held_at_that_limit() -> None:
    """The limits of the day are what was told, however far away; so are a new issue's bands."""
    it = risk(cash=4_000_000)
    it.apply(limits_set(40_000_000))
    assert it.check_new(new(BUY, 11, None)) is _R.INSUFFICIENT_CASH
    accept(it, 1, new(BUY, 10, None))
    it.apply(limits_set(13_000_000))
    assert it.held_yen(OrderId(1)) == 4_000_000, "orders above the new limit may still rest"
    it.check_invariants()


def test_new_limits_revalue_open_market_orders_and_excuse_the_shortfall() -> None:
    """A base price set by hand moves the hold; the order stays, new ones are refused."""
    it = risk(cash=1_300_000)
    accept(it, 1, new(BUY, 10, None))
    it.apply(limits_set(14_000_000))
    assert it.held_yen(OrderId(1)) == 1_400_000
    assert it.free_yen(A) == -100_000
    it.check_invariants()
    assert it.check_new(new(BUY, 1, 1)) is _R.INSUFFICIENT_CASH

    it.apply(limits_set(15_000_000, OTHER))
    assert it.held_yen(OrderId(1)) == 1_400_000
    it.check_invariants()


def test_lower_limits_do_not_lower_what_a_market_buy_holds_on_that_day() -> None:
    """A sell that came under the earlier, higher limit is still there to be met."""
    it = risk()
    it.apply(limits_set(12_000_000))
    accept(it, 1, new(BUY, 10, None))
    assert it.held_yen(OrderId(1)) == 1_300_000
    it.apply(DAY)
    it.apply(limits_set(12_000_000))
    assert it.held_yen(OrderId(1)) == 1_300_000

    it.apply(canceled(1, 10))
    it.apply(DAY)
    it.apply(limits_set(12_000_000))
    accept(it, 2, new(BUY, 10, None))
    assert it.held_yen(OrderId(2)) == 1_200_000
    it.check_invariants()


def test_what_was_bought_counts_only_when_it_is_posted() -> None:
    """Until the delivery both sides have promised, and neither has received."""
    it = risk(cash=500_000, holding=5)
    accept(it, 1, new(BUY, 5))
    accept(it, 2, new(SELL, 5, firm=B))
    for event in trade(1, (1, 0, A), (2, 0, B), 5):
        it.apply(event)
    assert it.check_new(new(SELL, 6)) is _R.INSUFFICIENT_HOLDING
    assert it.check_new(new(SELL, 5)) is None
    assert it.check_new(new(BUY, 1)) is _R.INSUFFICIENT_CASH
    assert it.check_new(new(SELL, 1, firm=B)) is _R.INSUFFICIENT_HOLDING
    assert it.check_new(new(BUY, 6, firm=B)) is _R.INSUFFICIENT_CASH

    for done in (yen(A, B, 500_000, 1), units(B, A, 5, 1), moved(1, DeliveryState.FINISHED)):
        it.apply(done)
    assert it.check_new(new(SELL, 10)) is None
    assert it.check_new(new(BUY, 10, firm=B)) is None
    assert it.free_yen(A) == 0
    it.check_invariants()


def test_cash_paid_before_the_units_move_is_not_counted_twice() -> None:
    """Between payment and final transfer the cash is gone, and no longer owed as well."""
    it = risk(cash=1_000_000, holding=5)
    accept(it, 1, new(BUY, 5))
    accept(it, 2, new(SELL, 5, firm=B))
    for event in trade(1, (1, 0, A), (2, 0, B), 5):
        it.apply(event)
    free = it.free_yen(A)
    it.apply(yen(A, B, 500_000, 1))
    it.apply(moved(1, DeliveryState.PAID))
    assert it.free_yen(A) == free == 500_000
    assert it.free_units(B, ISSUE) == 0
    it.check_invariants()


def test_canceled_delivery_frees_both_promises() -> None:
    """When a delivery ends without movement everything reserved for it is free again."""
    it = risk()
    accept(it, 1, new(BUY, 5))
    accept(it, 2, new(SELL, 5, firm=B))
    for event in trade(1, (1, 0, A), (2, 0, B), 5):
        it.apply(event)
    it.apply(moved(1, DeliveryState.FAILING))
    assert it.free_yen(A) == 9_500_000
    it.apply(moved(1, DeliveryState.CANCELED))
    assert (it.free_yen(A), it.free_units(B, ISSUE)) == (10_000_000, 100)
    it.check_invariants()


@pytest.mark.parametrize("posted", [False, True])
def test_trade_with_oneself_ends_without_a_loss(posted: bool) -> None:
    """A firm on both sides owes itself; finishing frees it, with or without postings to itself."""
    it = risk()
    accept(it, 1, new(BUY, 5))
    accept(it, 2, new(SELL, 5))
    for event in trade(1, (1, 0, A), (2, 0, A), 5):
        it.apply(event)
    assert (it.free_yen(A), it.free_units(A, ISSUE)) == (9_500_000, 95)
    if posted:
        it.apply(yen(A, A, 500_000, 1))
        it.apply(units(A, A, 5, 1))
    it.apply(moved(1, DeliveryState.FINISHED))
    assert (it.free_yen(A), it.free_units(A, ISSUE)) == (10_000_000, 100)
    it.check_invariants()


def test_only_free_own_cash_may_be_withdrawn() -> None:
    """Credit is for orders; held and owed cash stays."""
    it = risk(cash=1_000_000, credit_yen=5_000_000)
    accept(it, 1, new(BUY, 4))
    table = [(600_000, None), (600_001, _R.INSUFFICIENT_CASH)]
    for amount, expected in table:
        assert it.check_withdraw(A, Yen(amount)) is expected
    assert it.check_withdraw(ParticipantId("NOBODY"), Yen(1)) is _R.INSUFFICIENT_CASH


@pytest.mark.parametrize(
    ("side", "change", "expected"),
    [
        (BUY, {"price_sen": 20_000_000}, None),
        (BUY, {"price_sen": 20_000_100}, _R.INSUFFICIENT_CASH),
        (BUY, {"leaves": 100}, None),
        (BUY, {"leaves": 101}, _R.INSUFFICIENT_CASH),
        (BUY, {"leaves": 201}, _R.FIRM_QTY_LIMIT),
        (BUY, {"leaves": 200, "price_sen": 20_000_000}, _R.ORDER_VALUE_LIMIT),
        (BUY, {"leaves": 1}, None),
        (SELL, {"leaves": 100}, None),
        (SELL, {"leaves": 101}, _R.INSUFFICIENT_HOLDING),
        (SELL, {"price_sen": 9_000_000}, None),
    ],
)
def test_amendment_needs_only_what_it_adds(
    side: Side, change: dict[str, int], expected: RejectReason | None
) -> None:
    """The order's own hold counts toward what it becomes; the other limits hold as for new ones."""
    it = risk(max_order_units=200, max_order_value_yen=30_000_000)
    accept(it, 1, new(side, 50))
    before = it.state()
    assert it.check_amend(OrderId(1), amend(**change)) is expected
    assert it.state() == before


def test_amendment_down_passes_even_when_limits_were_lowered_below_the_order() -> None:
    """A firm whose credit was cut may still make its order smaller."""
    it = risk(cash=0, credit_yen=1_000_000)
    accept(it, 1, new(BUY, 10))
    it.apply(registered(A, credit_yen=0))
    it.check_invariants()
    assert it.check_amend(OrderId(1), amend(leaves=9)) is None
    assert it.check_amend(OrderId(1), amend(leaves=11)) is _R.INSUFFICIENT_CASH
    assert it.check_new(new(BUY, 1, 1)) is _R.INSUFFICIENT_CASH


def test_hold_follows_an_amended_order_to_its_new_id() -> None:
    """With priority lost the order has a new id; the hold moves there and fits it."""
    it = risk()
    order = new(BUY, 10)
    accept(it, 1, order)
    it.apply(amended(1, 2, order, 10_050_000, 8))
    assert it.held_yen(OrderId(1)) == 0
    assert it.held_yen(OrderId(2)) == 804_000
    it.apply(amended(2, 2, order, 10_050_000, 5))
    assert it.held_yen(OrderId(2)) == 502_500
    it.apply(canceled(2, 5))
    assert it.free_yen(A) == 10_000_000
    it.check_invariants()


def test_market_order_keeps_its_valuation_when_only_its_quantity_changes() -> None:
    """A market order has no price of its own, before and after an amendment."""
    it = risk()
    order = new(BUY, 10, None)
    accept(it, 1, order)
    it.apply(amended(1, 2, order, 0, 20))
    assert it.held_yen(OrderId(2)) == 2_600_000
    it.apply(limits_set(14_000_000))
    assert it.held_yen(OrderId(2)) == 2_800_000
    it.check_invariants()


def test_every_way_off_the_book_releases_the_hold() -> None:
    """Cancel, expiry and prevention to nothing free all; prevention in part frees its part."""
    expired = OrderExpired(
        order_id=OrderId(1), participant_id=A, instrument_id=ISSUE, expired_units=Units(10)
    )
    gone = OrderReduced(
        order_id=OrderId(1),
        participant_id=A,
        instrument_id=ISSUE,
        prevented_units=Units(10),
        leaves_units=Units(0),
    )
    for end in (canceled(1, 10), expired, gone):
        for side in (BUY, SELL):
            it = risk()
            accept(it, 1, new(side, 10))
            it.apply(end)
            assert (it.free_yen(A), it.free_units(A, ISSUE)) == (10_000_000, 100)
            it.check_invariants()

    it = risk()
    accept(it, 1, new(SELL, 10))
    it.apply(
        OrderReduced(
            order_id=OrderId(1),
            participant_id=A,
            instrument_id=ISSUE,
            prevented_units=Units(4),
            leaves_units=Units(6),
        )
    )
    assert (it.held_units(OrderId(1)), it.free_units(A, ISSUE)) == (6, 94)


def test_events_that_cannot_be_stop_the_process() -> None:
    """A fill that does not add up, or an order nobody holds, is a broken invariant."""
    it = risk()
    accept(it, 1, new(BUY, 10))
    accept(it, 2, new(SELL, 10, firm=B))
    with pytest.raises(InvariantBroken, match="a fill leaves the rest"):
        it.apply(trade(1, (1, 7, A), (2, 6, B), 4)[0])
    with pytest.raises(InvariantBroken, match="an open order is held"):
        it.apply(canceled(9, 1))
    with pytest.raises(InvariantBroken, match="an issue in trading has limits"):
        it.check_new(new(BUY, 1, None, issue=OTHER))


@pytest.mark.parametrize("field", ["held_yen", "owed_yen", "open_orders"])
def test_a_tampered_total_is_found(field: str) -> None:
    """The invariants recompute every total from its parts."""
    it = risk()
    accept(it, 1, new(BUY, 10))
    setattr(it.accounts[A], field, getattr(it.accounts[A], field) + 1)
    with pytest.raises(InvariantBroken, match="cash holds equal their parts"):
        it.check_invariants()


@pytest.mark.parametrize("field", ["held_units", "owed_units"])
def test_a_tampered_position_is_found(field: str) -> None:
    """The same for units."""
    it = risk()
    accept(it, 1, new(SELL, 10))
    setattr(it.accounts[A].positions[ISSUE], field, 3)
    with pytest.raises(InvariantBroken, match="unit holds equal their parts"):
        it.check_invariants()


@pytest.mark.parametrize(
    ("take", "fact"),
    [
        (yen(A, None, 9_000_000), "credit is not overdrawn"),
        (units(A, None, 95), "nobody promises units they lack"),
    ],
)
def test_a_balance_taken_from_under_a_promise_is_found(
    take: YenMoved | UnitsMoved, fact: str
) -> None:
    """Nothing may leave that an open order relies on."""
    it = risk()
    accept(it, 1, new(BUY, 20))
    accept(it, 2, new(SELL, 20))
    it.apply(take)
    with pytest.raises(InvariantBroken, match=fact):
        it.check_invariants()


class Ledger:
    """The oracle: plain lists of what was promised and what moved, added up each time."""

    def __init__(self) -> None:
        self.cash: list[tuple[str, int]] = []
        self.units: list[tuple[str, int]] = []
        self.orders: dict[int, tuple[str, Side, int, int]] = {}
        self.owing: dict[int, tuple[str, str, int, int]] = {}

    def free_yen(self, firm: str) -> int:
        """Cash put in and received, less every open buy and every unpaid delivery."""
        total = sum(amount for owner, amount in self.cash if owner == firm)
        for owner, side, price_sen, leaves in self.orders.values():
            if owner == firm and side is BUY:
                total -= ceil(Fraction(price_sen * leaves, 100))
        return total - sum(y for buyer, _, y, _ in self.owing.values() if buyer == firm)

    def free_units(self, firm: str) -> int:
        """Units put in and received, less every open sell and every undelivered one."""
        total = sum(amount for owner, amount in self.units if owner == firm)
        for owner, side, _, leaves in self.orders.values():
            if owner == firm and side is SELL:
                total -= leaves
        return total - sum(u for _, seller, _, u in self.owing.values() if seller == firm)


class Step(NamedTuple):
    """One random step: what to do, and three numbers it may use."""

    what: str
    pick: int
    size: int
    price_sen: int


STEPS = st.lists(
    st.builds(
        Step,
        st.sampled_from(
            ["new", "new", "new", "cancel", "amend", "trade", "trade", "settle", "put"]
        ),
        st.integers(0, 10_000),
        st.integers(1, 12),
        st.integers(1, 399),
    ),
    max_size=60,
)


class Walk:
    """Plays steps against risk and the oracle side by side; impossible steps do nothing."""

    def __init__(self) -> None:
        self.risk = risk(cash=200, holding=50, credit_yen=20)
        self.ledger = Ledger()
        self.number = 0
        for firm in (A, B):
            self.ledger.cash.append((firm, 200))
            self.ledger.units.append((firm, 50))

    def play(self, step: Step) -> None:
        """One step; its number names the order or delivery it may create."""
        self.number += 1
        acts = {
            "put": self.put,
            "new": self.new,
            "cancel": self.cancel,
            "amend": self.amend,
            "trade": self.trade,
            "settle": self.settle,
        }
        acts[step.what](step)

    def put(self, step: Step) -> None:
        """Cash is paid in."""
        firm = (A, B)[step.pick % 2]
        self.risk.apply(yen(None, firm, step.size))
        self.ledger.cash.append((firm, step.size))

    def new(self, step: Step) -> None:
        """An order arrives and is accepted exactly when the oracle can afford it."""
        firm, side = (A, B)[step.pick % 2], (BUY, SELL)[step.pick // 2 % 2]
        order = new(side, step.size, step.price_sen, firm)
        need_yen = ceil(Fraction(step.price_sen * step.size, 100))
        credit_yen = 20 if firm == A else 0
        if side is BUY:
            enough = need_yen <= self.ledger.free_yen(firm) + credit_yen
        else:
            enough = step.size <= self.ledger.free_units(firm)
        assert (self.risk.check_new(order) is None) == enough
        if enough:
            accept(self.risk, self.number, order)
            self.ledger.orders[self.number] = (firm, side, step.price_sen, step.size)

    def chosen(self, step: Step) -> int | None:
        """Some open order."""
        numbers = sorted(self.ledger.orders)
        return numbers[step.pick % len(numbers)] if numbers else None

    def cancel(self, step: Step) -> None:
        """Some order leaves."""
        order = self.chosen(step)
        if order is not None:
            owner, _, _, leaves = self.ledger.orders.pop(order)
            self.risk.apply(canceled(order, leaves, ParticipantId(owner)))

    def amend(self, step: Step) -> None:
        """Some order becomes another, if risk lets it."""
        order = self.chosen(step)
        if order is None:
            return
        if self.risk.check_amend(OrderId(order), amend(step.price_sen, step.size)) is None:
            owner, side, _, _ = self.ledger.orders.pop(order)
            old = new(side, step.size, step.price_sen, ParticipantId(owner))
            self.risk.apply(amended(order, self.number, old, step.price_sen, step.size))
            self.ledger.orders[self.number] = (owner, side, step.price_sen, step.size)

    def trade(self, step: Step) -> None:
        """Some buy meets some sell at a price both accept."""
        orders = self.ledger.orders
        buys = [n for n in sorted(orders) if orders[n][1] is BUY]
        sells = [n for n in sorted(orders) if orders[n][1] is SELL]
        if not buys or not sells:
            return
        buy, sell = buys[step.pick % len(buys)], sells[step.pick % len(sells)]
        buyer, _, limit, buy_leaves = orders[buy]
        seller, _, ask, sell_leaves = orders[sell]
        if ask > limit:
            return
        quantity = min(step.size, buy_leaves, sell_leaves)
        price = (ask + limit) // 2
        sides = (
            (buy, buy_leaves - quantity, ParticipantId(buyer)),
            (sell, sell_leaves - quantity, ParticipantId(seller)),
        )
        for event in trade(self.number, *sides, quantity, price):
            self.risk.apply(event)
        for order, leaves, _ in sides:
            owner, side, own_price, _ = orders.pop(order)
            if leaves:
                orders[order] = (owner, side, own_price, leaves)
        amount = floor(Fraction(price * quantity, 100))
        self.ledger.owing[self.number] = (buyer, seller, amount, quantity)

    def settle(self, step: Step) -> None:
        """A delivery is canceled, or both its legs are posted."""
        if not self.ledger.owing:
            return
        number = sorted(self.ledger.owing)[step.pick % len(self.ledger.owing)]
        buyer, seller, amount, quantity = self.ledger.owing.pop(number)
        if step.pick % 3 == 0:
            self.risk.apply(moved(number, DeliveryState.CANCELED))
            return
        if amount:
            self.risk.apply(yen(ParticipantId(buyer), ParticipantId(seller), amount, number))
        self.risk.apply(units(ParticipantId(seller), ParticipantId(buyer), quantity, number))
        self.risk.apply(moved(number, DeliveryState.FINISHED))
        self.ledger.cash += [(buyer, -amount), (seller, amount)]
        self.ledger.units += [(seller, -quantity), (buyer, quantity)]


@settings(max_examples=150, deadline=None, derandomize=True)
@given(STEPS)
def test_free_is_what_a_plain_ledger_says_after_every_event(steps: list[Step]) -> None:
    """Holds equal the open orders and free is never wrong, over random lives of orders.

    Prices below 4 yen make every rounding matter.
    """
    walk = Walk()
    for step in steps:
        walk.play(step)
        walk.risk.check_invariants()
        for firm in (A, B):
            assert walk.risk.free_yen(firm) == walk.ledger.free_yen(firm)
            assert walk.risk.free_units(firm, ISSUE) == walk.ledger.free_units(firm)
