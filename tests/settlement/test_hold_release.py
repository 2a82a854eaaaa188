"""Hold and release: either side stops a delivery before it is paid, and nobody else's."""

import pytest
from settlement_story import CUT_OFF, A, B, Story

from market.events import CommandRefused, DeliveryChanged, DeliveryHoldSet, Event
from market.reasons import FailReason, RejectReason
from market.rules import SettlementMode
from market.words import Side

BOTH = list(SettlementMode)
DAY = range(CUT_OFF + 1)


def refusal(events: list[Event]) -> RejectReason:
    """Why a command was refused."""
    (told,) = events
    assert isinstance(told, CommandRefused)
    return told.reason


def world(mode: SettlementMode) -> tuple[Story, int]:
    """A owes B 4 units for 400 yen, and both have more."""
    story = Story(mode)
    story.allot(A, 10)
    story.pay_in(B, 1_000)
    return story, story.trade(seller=A, buyer=B, units=4)


@pytest.mark.parametrize("mode", BOTH)
@pytest.mark.parametrize("side", list(Side))
def test_a_held_delivery_fails_and_settles_once_released(mode: SettlementMode, side: Side) -> None:
    """Nothing moves while one side holds; the next day after the release both legs do."""
    story, delivery = world(mode)
    other = story.trade(seller=A, buyer=B, units=1)
    (told,) = story.hold(delivery, side)
    assert isinstance(told, DeliveryHoldSet)
    events = story.run(*DAY)
    failed = [e for e in events if isinstance(e, DeliveryChanged) and e.reason is not None]
    assert [(e.delivery_id, e.reason) for e in failed] == [(delivery, FailReason.ON_HOLD)]
    assert story.state(other) == "finished", "a hold is in nobody else's way"
    assert story.holdings()["A"] == story.available()["A"] == (100, 9)

    story.next_day()
    story.hold(delivery, side, held=False)
    story.run(*DAY)
    assert story.state(delivery) == "finished"
    assert story.holdings() == {"A": (500, 5), "B": (500, 5), "C": (0, 0)}


@pytest.mark.parametrize("mode", BOTH)
def test_one_side_does_not_release_the_others_hold(mode: SettlementMode) -> None:
    """Held by both, it moves only when both have released."""
    story, delivery = world(mode)
    story.hold(delivery, Side.BUY)
    story.hold(delivery, Side.SELL)
    story.hold(delivery, Side.BUY, held=False)
    story.run(0, 1, 2)
    assert story.state(delivery) == "created"
    story.hold(delivery, Side.SELL, held=False)
    assert refusal(story.hold(delivery, Side.SELL, held=False)) is RejectReason.DUPLICATE


@pytest.mark.parametrize("stages", [1, 2])
def test_a_hold_under_way_stops_the_payment_and_returns_the_locks(stages: int) -> None:
    """Units set aside, or cash reserved too: the cut-off returns both whole."""
    story, delivery = world(SettlementMode.PROVISIONAL_TRANSFER)
    before = story.holdings()
    story.run(*range(stages))
    story.hold(delivery, Side.SELL)
    story.run(*range(stages, CUT_OFF + 1))
    assert story.state(delivery) == "failing"
    assert story.holdings() == story.available() == before


@pytest.mark.parametrize("mode", BOTH)
def test_a_held_delivery_can_be_canceled(mode: SettlementMode) -> None:
    """A hold is no lock-in (I20)."""
    story, delivery = world(mode)
    story.hold(delivery, Side.BUY)
    story.cancel(delivery)
    assert story.state(delivery) == "canceled"


@pytest.mark.parametrize("mode", BOTH)
def test_a_hold_is_refused_for_the_first_reason(mode: SettlementMode) -> None:
    """Unknown, said already, and settled; each leaves no trace (Story checks it)."""
    story, delivery = world(mode)
    assert refusal(story.hold(99, Side.BUY)) is RejectReason.UNKNOWN_INSTRUCTION
    assert refusal(story.hold(delivery, Side.BUY, held=False)) is RejectReason.DUPLICATE
    story.hold(delivery, Side.BUY)
    assert refusal(story.hold(delivery, Side.BUY)) is RejectReason.DUPLICATE
    story.hold(delivery, Side.BUY, held=False)
    story.run(*DAY)
    assert refusal(story.hold(delivery, Side.BUY)) is RejectReason.ALREADY_FINAL
