"""Reversals (反対取引): a finished delivery is taken back only by a new one, the opposite way."""

import pytest
from settlement_story import CUT_OFF, A, B, C, Story, refusal

from market.business_days import next_business_day
from market.events import DeliveryCreated, Reconciled, ReversalAsked
from market.reasons import RejectReason
from market.rules import SettlementMode
from market.words import Side
from settlement.lifecycle.fails import FailRule
from settlement.lifecycle.partials import PartialRule
from settlement.lifecycle.rules import WHOLE_AND_FREE, LifeRules

BOTH = list(SettlementMode)
DAY = range(CUT_OFF + 1)


def settled(mode: SettlementMode, life: LifeRules = WHOLE_AND_FREE) -> tuple[Story, int]:
    """A has delivered 4 units to B for 400 yen."""
    story = Story(mode, life=life)
    story.allot(A, 10)
    story.pay_in(B, 1_000)
    delivery = story.trade(seller=A, buyer=B, units=4)
    story.run(*DAY)
    return story, delivery


@pytest.mark.parametrize("mode", BOTH)
def test_a_reversal_is_a_delivery_of_its_own_the_opposite_way(mode: SettlementMode) -> None:
    """Both sides ask; the next day units and yen go back, and the first delivery stays finished."""
    story, delivery = settled(mode)
    (told,) = story.reverse(delivery, Side.BUY)
    assert isinstance(told, ReversalAsked)
    told, created = story.reverse(delivery, Side.SELL)
    assert isinstance(created, DeliveryCreated)
    assert (created.seller, created.buyer, created.reverses) == (B, A, delivery)
    assert created.settlement_date == next_business_day(story.day), "the cut-off was over"
    story.next_day()
    story.run(*DAY)
    assert (story.state(delivery), story.state(created.delivery_id)) == ("finished", "finished")
    assert story.holdings() == {"A": (0, 10), "B": (1_000, 0), "C": (0, 0)}
    (closed,) = story.next_day()
    assert isinstance(closed, Reconciled)
    assert (closed.breaks, closed.finished, closed.trades) == ((), 1, 0)
    assert story.auditor.verdict() == []


@pytest.mark.parametrize("mode", BOTH)
def test_a_legal_order_stands_for_both_sides(mode: SettlementMode) -> None:
    """One command is enough, and before the cut-off it is due the same day."""
    story, delivery = settled(mode)
    story.next_day()
    _, created = story.reverse(delivery, Side.SELL, legal_order=True)
    assert isinstance(created, DeliveryCreated)
    assert created.settlement_date == story.day
    story.run(*DAY)
    assert story.state(created.delivery_id) == "finished"


@pytest.mark.parametrize("mode", BOTH)
def test_a_reversal_is_refused_for_the_first_reason(mode: SettlementMode) -> None:
    """Unknown, asked before, not settled, reversed or a reversal; each leaves no trace."""
    story, delivery = settled(mode)
    open_one = story.trade(seller=A, buyer=B, units=1)
    ask = story.reverse
    assert refusal(ask(99, Side.BUY)) is RejectReason.UNKNOWN_INSTRUCTION
    assert refusal(ask(open_one, Side.BUY)) is RejectReason.NOT_SETTLED
    assert refusal(ask(open_one, Side.BUY, legal_order=True)) is RejectReason.NOT_SETTLED
    ask(delivery, Side.BUY)
    assert refusal(ask(delivery, Side.BUY)) is RejectReason.DUPLICATE
    _, created = ask(delivery, Side.SELL)
    assert isinstance(created, DeliveryCreated)
    assert refusal(ask(delivery, Side.SELL)) is RejectReason.ALREADY_REVERSED
    story.next_day()
    story.run(*DAY)
    assert refusal(ask(created.delivery_id, Side.BUY)) is RejectReason.ALREADY_REVERSED
    assert refusal(ask(delivery, Side.BUY)) is RejectReason.ALREADY_REVERSED, "settled or not"


@pytest.mark.parametrize("mode", BOTH)
def test_a_reversal_that_ended_without_movement_may_be_asked_again(mode: SettlementMode) -> None:
    """B has sold the units on; the reversal fails, is canceled, and another one gets a new id."""
    story, delivery = settled(mode)
    _, first = story.reverse(delivery, Side.BUY, legal_order=True)
    assert isinstance(first, DeliveryCreated)
    story.cancel(first.delivery_id)
    _, second = story.reverse(delivery, Side.BUY, legal_order=True)
    assert isinstance(second, DeliveryCreated)
    assert second.delivery_id == first.delivery_id + 1
    (closed,) = story.next_day()
    assert isinstance(closed, Reconciled)
    assert closed.breaks == ()
    story.run(*DAY)
    assert story.state(second.delivery_id) == "finished"
    assert story.auditor.verdict() == []


@pytest.mark.parametrize("supplier", [C, None], ids=["bought in", "compensated"])
@pytest.mark.parametrize("mode", BOTH)
def test_a_reversal_that_ended_in_money_stands(mode: SettlementMode, supplier: object) -> None:
    """B has sold on what he must give back; A has it from C, or its price: no second reversal."""
    fails = FailRule(penalty_ppm_a_day=0, buy_in_days=1, purge_days=0)
    story, delivery = settled(mode, WHOLE_AND_FREE._replace(fails=fails))
    story.allot(C, 4)
    story.pay_in(B, 1_000)
    story.pay_in(C, 400)
    story.trade(seller=B, buyer=C, units=4)
    story.next_day()
    story.run(*DAY)
    _, created = story.reverse(delivery, Side.SELL, legal_order=True)
    assert isinstance(created, DeliveryCreated)
    for _ in range(3):
        story.next_day()
        story.run(*DAY)
    story.buy_in(created.delivery_id, C if supplier else None, 120)
    assert story.state(created.delivery_id) == "canceled"
    before = story.holdings()

    for legal in (False, True):
        again = refusal(story.reverse(delivery, Side.SELL, legal_order=legal))
        assert again is RejectReason.ALREADY_REVERSED
    assert story.holdings() == before
    assert story.auditor.verdict() == []


@pytest.mark.parametrize("mode", BOTH)
def test_a_reversal_that_came_in_part_stands(mode: SettlementMode) -> None:
    """B gives back the unit he has left and the rest is canceled: a second would take 5 of 4."""
    life = WHOLE_AND_FREE._replace(partial=PartialRule())
    story, delivery = settled(mode, life)
    story.pay_in(C, 300)
    story.trade(seller=B, buyer=C, units=3)
    story.next_day()
    story.run(*DAY)
    story.next_day()
    _, created = story.reverse(delivery, Side.SELL, legal_order=True)
    assert isinstance(created, DeliveryCreated)
    story.run(*DAY)
    assert story.holdings()["B"] == (1_000, 0)
    story.cancel(created.delivery_id)

    again = refusal(story.reverse(delivery, Side.SELL, legal_order=True))
    assert again is RejectReason.ALREADY_REVERSED
    assert story.auditor.verdict() == []
