"""Partial settlement (一部決済): a seller short of units delivers what he has, where the market allows it."""

import pytest
from settlement_story import CUT_OFF, A, B, C, Story, refusal, trade_of

from market.commands import BustTrade
from market.events import DeliveryAction, DeliveryChanged, DeliveryFilled, Event, Reconciled
from market.ids import DeliveryId, TradeId
from market.reasons import FailReason, RejectReason
from market.rules import SettlementMode
from market.words import Side
from settlement.lifecycle.partials import PartialRule
from settlement.lifecycle.rules import WHOLE_AND_FREE

BOTH = list(SettlementMode)
DAY = range(CUT_OFF + 1)


def world(mode: SettlementMode, **rule: int) -> Story:
    """Three firms under a rule of parts."""
    return Story(mode, life=WHOLE_AND_FREE._replace(partial=PartialRule(**rule)))


def filled(events: list[Event]) -> list[tuple[int, int]]:
    """Units and yen of each part told."""
    return [(e.quantity_units, e.amount_yen) for e in events if isinstance(e, DeliveryFilled)]


def failed(events: list[Event]) -> list[FailReason | None]:
    """Why deliveries failed."""
    changes = [event for event in events if isinstance(event, DeliveryChanged)]
    return [change.reason for change in changes if change.action is DeliveryAction.FAIL]


@pytest.mark.parametrize("mode", BOTH)
def test_ten_million_and_one_yen_in_three_parts_sum_exactly(mode: SettlementMode) -> None:
    """40, 35 and 25 of 100 units for 10,000,001 yen: the last part takes what rounding left."""
    story = world(mode)
    story.pay_in(B, 10_000_001)
    delivery = story.trade(seller=A, buyer=B, units=100, price_sen=10_000_001)
    told: list[Event] = []
    for units, left in ((40, 60), (35, 25), (25, 0)):
        story.allot(A, units)
        today = story.run(*DAY)
        assert story.room.deliveries[DeliveryId(delivery)].open_units == left
        assert failed(today) == ([FailReason.SELLER_SHORT_OF_UNITS] if left else [])
        (closed,) = story.next_day()
        assert isinstance(closed, Reconciled)
        assert closed.breaks == ()
        told += today
    assert filled(told) == [(40, 4_000_000), (35, 3_500_000), (25, 2_500_001)]
    assert story.state(delivery) == "finished"
    assert story.holdings() == {"A": (10_000_001, 0), "B": (0, 100), "C": (0, 0)}
    assert story.auditor.verdict() == []


@pytest.mark.parametrize("mode", BOTH)
def test_without_the_rule_a_delivery_is_whole_or_nothing(mode: SettlementMode) -> None:
    """The default: what a short seller has stays his, and the delivery fails."""
    story = Story(mode)
    story.allot(A, 9)
    story.pay_in(B, 1_000)
    delivery = story.trade(seller=A, buyer=B, units=10)
    assert filled(story.run(*DAY)) == []
    assert story.state(delivery) == "failing"
    assert story.holdings() == story.available() == {"A": (0, 9), "B": (1_000, 0), "C": (0, 0)}


@pytest.mark.parametrize("mode", BOTH)
@pytest.mark.parametrize(
    ("rule", "settles"),
    [
        ({"threshold_units": 4}, False),
        ({"threshold_units": 3}, True),
        ({"threshold_units": 2}, True),
        ({"threshold_yen": 301}, False),
        ({"threshold_yen": 300}, True),
        ({"threshold_yen": 299}, True),
        ({"threshold_units": 4, "threshold_yen": 300}, True),
    ],
)
def test_a_part_is_large_enough_by_units_or_by_value(
    mode: SettlementMode, rule: dict[str, int], settles: bool
) -> None:
    """3 of 10 units for 300 of 1,000 yen: below, at and above each threshold."""
    story = world(mode, **rule)
    story.allot(A, 3)
    story.pay_in(B, 1_000)
    story.trade(seller=A, buyer=B, units=10)
    assert filled(story.run(*DAY)) == ([(3, 300)] if settles else [])


@pytest.mark.parametrize("mode", BOTH)
def test_no_part_is_made_for_lack_of_cash(mode: SettlementMode) -> None:
    """The seller has 4 of 10 units, the buyer cash for 3: nothing moves and every lock returns."""
    story = world(mode)
    story.allot(A, 4)
    story.pay_in(B, 399)
    delivery = story.trade(seller=A, buyer=B, units=10)
    assert filled(story.run(*DAY)) == []
    assert story.state(delivery) == "failing"
    assert story.holdings() == story.available() == {"A": (0, 4), "B": (399, 0), "C": (0, 0)}


def test_whole_deliveries_go_before_parts() -> None:
    """The older delivery could take a part; the younger takes its whole first, then the rest is one."""
    story = world(SettlementMode.GROSS_ATOMIC)
    story.allot(A, 5)
    story.pay_in(B, 1_000)
    story.pay_in(C, 1_000)
    older = story.trade(seller=A, buyer=B, units=10)
    younger = story.trade(seller=A, buyer=C, units=4)
    assert filled(story.run(0)) == [(1, 100)]
    assert (story.state(older), story.state(younger)) == ("created", "finished")


def test_a_part_passed_on_lets_the_next_one_settle() -> None:
    """A gives B a part, and B passes the very units on to C in the same stage."""
    story = world(SettlementMode.GROSS_ATOMIC)
    story.allot(A, 6)
    story.pay_in(B, 1_000)
    story.pay_in(C, 1_000)
    story.trade(seller=A, buyer=B, units=10)
    onward = story.trade(seller=B, buyer=C, units=6)
    story.run(0)
    assert story.state(onward) == "finished"
    assert story.holdings() == {"A": (600, 0), "B": (1_000, 0), "C": (400, 6)}


@pytest.mark.parametrize("mode", BOTH)
@pytest.mark.parametrize("way", ["cancel", "consent"])
def test_what_is_left_can_be_ended_and_the_part_stays(mode: SettlementMode, way: str) -> None:
    """A settled part is final (I8); the rest ends without movement."""
    story = world(mode)
    story.allot(A, 4)
    story.pay_in(B, 1_000)
    delivery = story.trade(seller=A, buyer=B, units=10)
    story.run(*DAY)
    if way == "cancel":
        story.cancel(delivery)
    else:
        story.consent(delivery, Side.BUY)
        story.consent(delivery, Side.SELL)
    assert story.state(delivery) == "canceled"
    assert story.holdings() == story.available() == {"A": (400, 0), "B": (600, 4), "C": (0, 0)}
    assert story.auditor.verdict() == []


@pytest.mark.parametrize("mode", BOTH)
def test_a_trade_settled_in_part_is_not_voided(mode: SettlementMode) -> None:
    """A void says that a trade was never made; the part says that it was."""
    story = world(mode)
    story.allot(A, 4)
    story.pay_in(B, 1_000)
    delivery = story.trade(seller=A, buyer=B, units=10)
    story.run(*DAY)
    trade_id = story.room.deliveries[DeliveryId(delivery)].terms.trade_id
    before = story.room.state()
    told = story.room.bust_trade(BustTrade(trade_id=TradeId(trade_id), reason="", override=True))
    assert refusal(told) is RejectReason.ALREADY_FINAL
    assert story.room.state() == before


def test_a_hold_stops_the_part_under_way_and_returns_it() -> None:
    """The part is set aside and reserved; a hold keeps it from being paid, the cut-off gives it back."""
    story = world(SettlementMode.PROVISIONAL_TRANSFER)
    story.allot(A, 4)
    story.pay_in(B, 1_000)
    delivery = story.trade(seller=A, buyer=B, units=10)
    story.run(0, 1)
    assert story.available()["A"] == (0, 0)
    assert story.available()["B"] == (600, 0)
    story.hold(delivery, Side.BUY)
    story.run(2, 3)
    assert story.state(delivery) == "failing"
    assert story.holdings() == story.available() == {"A": (0, 4), "B": (1_000, 0), "C": (0, 0)}
    story.next_day()
    story.hold(delivery, Side.BUY, held=False)
    story.allot(A, 6)
    assert filled(story.run(*DAY)) == []
    assert story.state(delivery) == "finished"


def test_the_rounds_of_a_day_settle_a_part_each() -> None:
    """Stages run again before the cut-off take the units that came in since; holds have new names."""
    story = world(SettlementMode.PROVISIONAL_TRANSFER)
    story.pay_in(B, 1_000)
    delivery = story.trade(seller=A, buyer=B, units=10)
    told: list[Event] = []
    for units in (3, 3, 4):
        story.allot(A, units)
        told += story.run(0, 1, 2)
    assert filled(told) == [(3, 300), (3, 300), (4, 400)]
    assert story.state(delivery) == "finished"
    assert story.room.deliveries[DeliveryId(delivery)].attempt == 3


def test_a_part_for_less_than_a_yen_moves_units_only() -> None:
    """9 units for 1 yen in two parts: 0 yen and 1 yen."""
    story = world(SettlementMode.PROVISIONAL_TRANSFER)
    story.allot(A, 4)
    story.pay_in(B, 10)
    story.hear(trade_of(trade_id=900, units=9, price_sen=12))
    assert filled(story.run(*DAY)) == [(4, 0)]
    story.next_day()
    story.allot(A, 5)
    assert filled(story.run(*DAY)) == [(5, 1)]
    assert story.holdings() == {"A": (1, 0), "B": (9, 9), "C": (0, 0)}
    assert story.auditor.verdict() == []


@pytest.mark.parametrize("side", list(Side))
def test_a_part_under_way_goes_on_when_a_side_declines_parts(side: Side) -> None:
    """4 of 10 units are locked when a side declines: they are delivered, the 3 of the next day are not."""
    story = world(SettlementMode.PROVISIONAL_TRANSFER)
    story.allot(A, 4)
    story.pay_in(B, 1_000)
    delivery = story.trade(seller=A, buyer=B, units=10)
    story.run(0)
    story.parts(delivery, side, allowed=False)
    assert filled(story.run(*DAY[1:])) == [(4, 400)]
    story.next_day()
    story.allot(A, 3)
    assert filled(story.run(*DAY)) == []
    story.next_day()
    story.parts(delivery, side, allowed=True)
    assert filled(story.run(*DAY)) == [(3, 300)]


@pytest.mark.parametrize("mode", BOTH)
def test_a_word_on_parts_is_refused_for_the_first_reason(mode: SettlementMode) -> None:
    """No such rule, no such delivery, said before, over."""
    plain = Story(mode)
    assert refusal(plain.parts(99, Side.BUY, allowed=False)) is RejectReason.ACT_UNSUPPORTED
    story = world(mode)
    assert refusal(story.parts(99, Side.BUY, allowed=False)) is RejectReason.UNKNOWN_INSTRUCTION
    story.allot(A, 10)
    story.pay_in(B, 1_000)
    delivery = story.trade(seller=A, buyer=B, units=10)
    assert refusal(story.parts(delivery, Side.BUY, allowed=True)) is RejectReason.DUPLICATE
    story.parts(delivery, Side.BUY, allowed=False)
    assert refusal(story.parts(delivery, Side.BUY, allowed=False)) is RejectReason.DUPLICATE
    story.run(*DAY)
    assert story.state(delivery) == "finished", "whole, as it asked"
    assert refusal(story.parts(delivery, Side.SELL, allowed=False)) is RejectReason.ALREADY_FINAL
