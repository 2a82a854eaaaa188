"""Partial settlement (一部決済): a seller short of units delivers what he has, where the market allows it."""

from dataclasses import replace

import pytest
from settlement_story import CUT_OFF, A, B, C, Story, refusal, trade_of

from market.commands import BustTrade
from market.errors import InvariantBroken
from market.events import (
    DeliveryAction,
    DeliveryChanged,
    DeliveryFilled,
    DeliveryPartsSet,
    Event,
    Reconciled,
)
from market.ids import DeliveryId, TradeId
from market.reasons import FailReason, RejectReason
from market.rulebooks import START
from market.rules import Mark, Rule, SettlementMode
from market.words import Side
from settlement.lifecycle.partials import PartialRule
from settlement.lifecycle.rules import WHOLE_AND_FREE, life_rules_of

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


# --- the window, the lot, and a side that wants it whole


@pytest.mark.parametrize("mode", BOTH)
@pytest.mark.parametrize(("hour", "settles"), [(10, False), (11, True), (13, True), (14, False)])
def test_a_part_begins_in_the_window_and_at_no_other_hour(
    mode: SettlementMode, hour: int, settles: bool
) -> None:
    """From 11:00 to before 14:00: a round that starts outside moves nothing, and waits for the cut-off."""
    story = world(mode, from_s=11 * 3_600, until_s=14 * 3_600)
    story.allot(A, 3)
    story.pay_in(B, 1_000)
    story.trade(seller=A, buyer=B, units=10)
    told: list[Event] = []
    for stage in range(CUT_OFF):
        told += story.run_at(hour, stage)
    assert filled(told) == ([(3, 300)] if settles else [])
    told += story.run_at(17, CUT_OFF)
    assert failed(told) == [FailReason.SELLER_SHORT_OF_UNITS]


def test_a_part_that_began_in_the_window_is_paid_and_delivered_after_it() -> None:
    """The window is for what begins: units set aside at 13:00 are paid at 15:00."""
    story = world(SettlementMode.PROVISIONAL_TRANSFER, from_s=11 * 3_600, until_s=14 * 3_600)
    story.allot(A, 3)
    story.pay_in(B, 1_000)
    story.trade(seller=A, buyer=B, units=10)
    told = [*story.run_at(13, 0), *story.run_at(14, 1), *story.run_at(15, 2)]
    assert filled(told) == [(3, 300)]


@pytest.mark.parametrize("mode", BOTH)
def test_a_whole_delivery_needs_no_window(mode: SettlementMode) -> None:
    """What is there in full settles at any hour."""
    story = world(mode, from_s=11 * 3_600, until_s=14 * 3_600)
    story.allot(A, 10)
    story.pay_in(B, 1_000)
    delivery = story.trade(seller=A, buyer=B, units=10)
    for stage in range(CUT_OFF):
        story.run_at(15, stage)
    assert story.state(delivery) == "finished"


@pytest.mark.parametrize("mode", BOTH)
@pytest.mark.parametrize(
    ("has", "part"), [(3, []), (4, [(4, 400)]), (7, [(4, 400)]), (9, [(8, 800)])]
)
def test_a_part_is_a_multiple_of_the_lot(
    mode: SettlementMode, has: int, part: list[tuple[int, int]]
) -> None:
    """Lots of four out of ten units: what is above the last whole lot stays with the seller."""
    story = world(mode, unit_lot=4)
    story.allot(A, has)
    story.pay_in(B, 1_000)
    story.trade(seller=A, buyer=B, units=10)
    assert filled(story.run(*DAY)) == part


@pytest.mark.parametrize("mode", BOTH)
@pytest.mark.parametrize("side", list(Side))
def test_either_side_may_want_it_whole_and_change_its_mind(
    mode: SettlementMode, side: Side
) -> None:
    """One word is enough to bar parts, of that delivery alone; taken back, the part is made."""
    story = world(mode)
    story.allot(A, 4)
    story.pay_in(B, 1_000)
    story.pay_in(C, 1_000)
    whole = story.trade(seller=A, buyer=B, units=10)
    other = story.trade(seller=A, buyer=C, units=10)
    (told,) = story.parts(whole, side, allowed=False)
    assert isinstance(told, DeliveryPartsSet)
    assert (told.side, told.allowed) == (side, False)
    assert filled(story.run(*DAY)) == [(4, 400)]
    assert story.room.deliveries[DeliveryId(whole)].open_units == 10
    assert story.room.deliveries[DeliveryId(other)].open_units == 6
    story.next_day()
    story.parts(whole, side, allowed=True)
    story.allot(A, 4)
    assert filled(story.run(*DAY)) == [(4, 400)]
    assert story.room.deliveries[DeliveryId(whole)].open_units == 6
    assert story.auditor.verdict() == []


def test_both_sides_must_take_their_word_back() -> None:
    """A seller's no is not ended by the buyer's yes."""
    story = world(SettlementMode.PROVISIONAL_TRANSFER)
    story.allot(A, 4)
    story.pay_in(B, 1_000)
    delivery = story.trade(seller=A, buyer=B, units=10)
    for side in Side:
        story.parts(delivery, side, allowed=False)
    story.parts(delivery, Side.BUY, allowed=True)
    assert filled(story.run(*DAY)) == []


def test_the_rules_of_a_market_become_the_rule_of_its_parts() -> None:
    """Each value of the rulebook stands where the lifecycle reads it; no hours are the whole day."""
    on = Rule(value=True, mark=Mark.INFERRED, source="test")

    def rule_of(lot: int, hours: tuple[int, ...]) -> PartialRule | None:
        rules = replace(
            START, partial_settlement=on, partial_threshold_units=replace(on, value=3),
            partial_threshold_yen=replace(on, value=500), partial_unit_lot=replace(on, value=lot),
            partial_hours=replace(on, value=hours),
        )  # fmt: skip
        return life_rules_of(rules).partial

    assert rule_of(2, (36_000, 50_400)) == PartialRule(2, 3, 500, 36_000, 50_400)
    assert rule_of(1, ()) == PartialRule(1, 3, 500, 0, 86_400)
    for lot, hours in ((0, ()), (1, (1,)), (1, (5, 5)), (1, (0, 86_401)), (1, (1, 2, 3))):
        with pytest.raises(InvariantBroken, match="partial_"):
            rule_of(lot, hours)


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
