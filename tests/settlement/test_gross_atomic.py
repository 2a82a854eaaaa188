"""Gross, atomic: both legs in one step or neither."""

import pytest
from settlement_story import CUT_OFF, ST1, ST2, A, B, C, Story, refusal

from market.events import DeliveryChanged, SettlementRan, UnitsMoved, YenMoved
from market.reasons import FailReason, RejectReason
from market.rules import SettlementMode


@pytest.fixture
def story() -> Story:
    """T+0, no balances."""
    return Story(SettlementMode.GROSS_ATOMIC)


def failures(events: list[object]) -> list[FailReason | None]:
    """Reasons of all failed deliveries, in order."""
    changes = [event for event in events if isinstance(event, DeliveryChanged)]
    return [change.reason for change in changes if change.state.value == "failing"]


def test_both_legs_move_in_one_step(story: Story) -> None:
    """Units one way, yen the other, then the delivery is finished."""
    story.allot(A, 10)
    story.pay_in(B, 1_000)
    delivery = story.trade(seller=A, buyer=B, units=4)

    events = story.run(0)

    assert [type(event) for event in events] == [
        UnitsMoved,
        YenMoved,
        DeliveryChanged,
        SettlementRan,
    ]
    assert story.state(delivery) == "finished"
    assert story.holdings() == {"A": (400, 6), "B": (600, 4), "C": (0, 0)}


SHORTAGES = {
    "units": (3, 400, FailReason.SELLER_SHORT_OF_UNITS),
    "cash": (4, 399, FailReason.BUYER_SHORT_OF_CASH),
    "both": (3, 399, FailReason.SELLER_SHORT_OF_UNITS),
    "everything": (0, 0, FailReason.SELLER_SHORT_OF_UNITS),
}


@pytest.mark.parametrize("shortage", SHORTAGES)
def test_a_shortage_fails_the_delivery_whole(story: Story, shortage: str) -> None:
    """When one leg cannot move, neither does; at the cut-off the delivery is failing."""
    units, yen, reason = SHORTAGES[shortage]
    if units:
        story.allot(A, units)
    if yen:
        story.pay_in(B, yen)
    before = story.holdings()
    delivery = story.trade(seller=A, buyer=B, units=4)

    story.run(0, 1, 2)
    assert (story.state(delivery), story.holdings()) == ("created", before)

    assert failures([*story.run(CUT_OFF)]) == [reason]
    assert (story.state(delivery), story.holdings()) == ("failing", before)
    assert story.available() == before


@pytest.mark.parametrize("shortage", SHORTAGES)
def test_a_failing_delivery_finishes_on_the_next_day(story: Story, shortage: str) -> None:
    """Once the missing leg is there, the first stage of the next business day finishes it."""
    units, yen, _ = SHORTAGES[shortage]
    if units:
        story.allot(A, units)
    if yen:
        story.pay_in(B, yen)
    delivery = story.trade(seller=A, buyer=B, units=4)
    story.run(0, CUT_OFF)
    story.allot(A, 4)
    story.pay_in(B, 400)
    assert story.state(delivery) == "failing"

    story.next_day()
    story.run(0)

    assert story.state(delivery) == "finished"
    assert story.room.deliveries[delivery].attempt == 2  # type: ignore[index]


def test_a_delivery_fails_every_day_until_it_can_be_made(story: Story) -> None:
    """Retried on each business day, with a reason each time."""
    delivery = story.trade(seller=A, buyer=B, units=4)

    for attempt in (1, 2, 3):
        assert failures([*story.run(0, 1, 2, CUT_OFF)]) == [FailReason.SELLER_SHORT_OF_UNITS]
        assert story.room.deliveries[delivery].attempt == attempt  # type: ignore[index]
        story.next_day()


def test_first_in_is_first_out(story: Story) -> None:
    """Units for only one of two equal deliveries go to the older one."""
    story.allot(A, 4)
    story.pay_in(B, 1_000)
    older = story.trade(seller=A, buyer=B, units=4)
    younger = story.trade(seller=A, buyer=B, units=4)

    story.run(0)

    assert (story.state(older), story.state(younger)) == ("finished", "created")


def test_a_short_delivery_is_not_in_the_way(story: Story) -> None:
    """A younger delivery that fits is made although an older one waits."""
    story.allot(A, 4)
    story.pay_in(B, 1_000)
    older = story.trade(seller=A, buyer=B, units=5)
    younger = story.trade(seller=A, buyer=B, units=4)

    story.run(0)

    assert (story.state(older), story.state(younger)) == ("created", "finished")


def test_what_comes_in_pays_for_what_waits(story: Story) -> None:
    """A chain against the order of ids settles in one stage: units pass from A over B to C."""
    story.allot(A, 4)
    story.pay_in(B, 400)
    story.pay_in(C, 400)
    second = story.trade(seller=B, buyer=C, units=4)
    first = story.trade(seller=A, buyer=B, units=4)

    story.run(0)

    assert (story.state(first), story.state(second)) == ("finished", "finished")
    assert story.holdings() == {"A": (400, 0), "B": (400, 0), "C": (0, 4)}


def test_a_circle_that_only_settles_together_waits(story: Story) -> None:
    """Known limit: no search for sets; two swaps of each other's units stay apart."""
    story.trade(seller=A, buyer=B, units=4)
    story.trade(seller=B, buyer=A, units=4)

    events = story.run(0)

    assert [type(event) for event in events] == [SettlementRan]


def test_a_firm_trading_with_itself_finishes_without_movement(story: Story) -> None:
    """Same firm on both sides: the delivery ends, balances stay, nothing is posted."""
    delivery = story.trade(seller=A, buyer=A, units=4)

    events = story.run(0)

    assert [type(event) for event in events] == [DeliveryChanged, SettlementRan]
    assert story.state(delivery) == "finished"


def test_less_than_one_yen_moves_units_only(story: Story) -> None:
    """A consideration of nothing has no cash leg."""
    story.allot(A, 4)
    delivery = story.trade(seller=A, buyer=B, units=4, price_yen=0)

    events = story.run(0)

    assert [type(event) for event in events] == [UnitsMoved, DeliveryChanged, SettlementRan]
    assert story.state(delivery) == "finished"


def test_transfer_control_stops_settlement(story: Story) -> None:
    """Both legs are there, the issue may not move: nothing moves, and it fails for that."""
    story.allot(A, 4)
    story.pay_in(B, 400)
    delivery = story.trade(seller=A, buyer=B, units=4)
    story.control(executable=False)
    before = story.holdings()

    events = story.run(0, 1, 2, CUT_OFF)

    assert failures([*events]) == [FailReason.TRANSFER_RESTRICTED]
    assert (story.state(delivery), story.holdings()) == ("failing", before)


def test_transfer_control_of_one_issue_leaves_others_alone(story: Story) -> None:
    """The flag belongs to one issue."""
    story.allot(A, 4)
    story.pay_in(B, 400)
    delivery = story.trade(seller=A, buyer=B, units=4, instrument_id=ST1)
    story.control(executable=False, instrument_id=ST2)

    story.run(0)

    assert story.state(delivery) == "finished"


@pytest.mark.parametrize("state", ["created", "failing"])
@pytest.mark.parametrize("executable", [True, False])
def test_an_open_delivery_can_always_be_canceled(
    story: Story, state: str, executable: bool
) -> None:
    """I20: an exit exists in each open state, whatever the transfer flag says."""
    delivery = story.trade(seller=A, buyer=B, units=4)
    if state == "failing":
        story.run(CUT_OFF)
    story.control(executable=executable)

    (told,) = story.cancel(delivery)

    assert isinstance(told, DeliveryChanged)
    assert (told.old_state.value, told.reason) == (state, FailReason.CANCELED)
    assert story.state(delivery) == "canceled"


def test_what_is_over_cannot_be_canceled(story: Story) -> None:
    """I8: finished and canceled deliveries refuse, and nothing changes."""
    finished = story.trade(seller=A, buyer=A, units=1)
    story.run(0)
    canceled = story.trade(seller=A, buyer=B, units=1)
    story.cancel(canceled)

    assert refusal(story.cancel(finished)) is RejectReason.ALREADY_FINAL
    assert refusal(story.cancel(canceled)) is RejectReason.ALREADY_FINAL


def test_a_canceled_delivery_is_never_made(story: Story) -> None:
    """It is not due on any later day."""
    delivery = story.trade(seller=A, buyer=B, units=4)
    story.cancel(delivery)
    story.allot(A, 4)
    story.pay_in(B, 400)
    before = story.holdings()

    story.run(0, CUT_OFF)
    story.next_day()
    story.run(0, CUT_OFF)

    assert (story.state(delivery), story.holdings()) == ("canceled", before)
