"""Deposits, withdrawals and allotments: once by reference, and every way to be refused."""

import pytest
from settlement_story import ISSUED_UNITS, ST1, ST2, A, B, Story, refusal

from market.events import UnitsMoved, YenMoved
from market.ids import InstrumentId, ParticipantId
from market.quantities import MAX_YEN
from market.reasons import RejectReason
from market.rules import SettlementMode

STRANGER = ParticipantId("Z")
NO_ISSUE = InstrumentId("XX")


@pytest.fixture
def story() -> Story:
    """A firm A with 1,000 yen (reference D) and 100 units (reference U)."""
    story = Story(SettlementMode.GROSS_ATOMIC)
    story.pay_in(A, 1_000, "D")
    story.allot(A, 100, "U")
    return story


def test_a_deposit_comes_from_outside(story: Story) -> None:
    """One posting, whose giver is nobody in the market."""
    assert story.pay_in(B, 50) == [YenMoved(giver=None, taker=B, amount_yen=50)]  # type: ignore[arg-type]
    assert story.room.owned_yen(B) == 50


def test_a_withdrawal_goes_outside(story: Story) -> None:
    """One posting, whose taker is nobody in the market."""
    assert story.pay_out(A, 400) == [YenMoved(giver=A, taker=None, amount_yen=400)]  # type: ignore[arg-type]
    assert story.room.owned_yen(A) == 600


def test_an_allotment_comes_from_the_unissued_rest(story: Story) -> None:
    """One posting from the issuer; the rest is smaller by as much."""
    (moved,) = story.allot(B, 30)

    assert moved == UnitsMoved(instrument_id=ST1, giver=None, taker=B, quantity_units=30)  # type: ignore[arg-type]
    assert story.room.registers[ST1].unissued_units == ISSUED_UNITS - 130


@pytest.mark.parametrize("kind", ["pay_in", "pay_out", "allot"])
def test_the_same_command_again_has_no_effect(story: Story, kind: str) -> None:
    """I10: a retry under the same reference is refused as a duplicate."""
    method = getattr(story, kind)
    method(A, 10, "SAME")
    after_first = story.holdings()

    assert refusal(method(A, 10, "SAME")) is RejectReason.DUPLICATE
    assert story.holdings() == after_first


@pytest.mark.parametrize("kind", ["pay_in", "pay_out", "allot"])
@pytest.mark.parametrize("reference", ["D", "U"])
def test_a_reference_means_one_command(story: Story, kind: str, reference: str) -> None:
    """I10: other content under a used reference is refused, whatever its kind."""
    method = getattr(story, kind)

    assert refusal(method(A, 10, reference)) is RejectReason.ID_CONFLICT


def test_references_belong_to_a_firm(story: Story) -> None:
    """Two firms may happen to use the same reference."""
    story.pay_in(B, 70, "D")

    assert story.room.owned_yen(B) == 70


def test_a_refused_command_may_be_sent_again(story: Story) -> None:
    """What had no effect leaves no trace, so its reference is still free."""
    assert refusal(story.pay_out(B, 50, "W")) is RejectReason.INSUFFICIENT_CASH
    story.pay_in(B, 50)

    story.pay_out(B, 50, "W")

    assert story.room.owned_yen(B) == 0


@pytest.mark.parametrize("yen", [0, -1, MAX_YEN + 1])
def test_an_amount_is_positive_and_bounded(story: Story, yen: int) -> None:
    """Nothing, less than nothing and more than a reader can hold are out of range."""
    assert refusal(story.pay_in(A, yen)) is RejectReason.OUT_OF_RANGE
    assert refusal(story.pay_out(A, yen)) is RejectReason.OUT_OF_RANGE


def test_all_yen_together_are_bounded(story: Story) -> None:
    """The sum of deposits stays within what every reader holds exactly."""
    assert refusal(story.pay_in(B, MAX_YEN - 999)) is RejectReason.OUT_OF_RANGE
    story.pay_in(B, MAX_YEN - 1_000)

    assert story.room.owned_yen(B) == MAX_YEN - 1_000


@pytest.mark.parametrize(("yen", "allowed"), [(999, True), (1_000, True), (1_001, False)])
def test_a_withdrawal_is_limited_by_what_is_available(
    story: Story, yen: int, allowed: bool
) -> None:
    """Up to the last yen, and no further."""
    events = story.pay_out(A, yen)

    if not allowed:
        assert refusal(events) is RejectReason.INSUFFICIENT_CASH
    assert story.room.owned_yen(A) == (1_000 - yen if allowed else 1_000)


@pytest.mark.parametrize(("units", "allowed"), [(899, True), (900, True), (901, False)])
def test_an_allotment_is_limited_by_the_issue(story: Story, units: int, allowed: bool) -> None:
    """I1: up to the last unissued unit, and no further."""
    events = story.allot(B, units)

    if not allowed:
        assert refusal(events) is RejectReason.INSUFFICIENT_HOLDING
    assert story.room.owned_units(B, ST1) == (units if allowed else 0)


def test_refusals_come_in_the_order_of_the_catalogue(story: Story) -> None:
    """Each mended command meets the next reason; the order is RejectReason's own."""
    story.control(executable=False)
    met = [
        refusal(story.allot(A, 100, "U")),
        refusal(story.allot(A, 0, "U", NO_ISSUE)),
        refusal(story.allot(STRANGER, 0, "N", NO_ISSUE)),
        refusal(story.allot(A, 0, "N", NO_ISSUE)),
        refusal(story.allot(A, 0, "N")),
        refusal(story.allot(A, ISSUED_UNITS, "N")),
        refusal(story.allot(A, 1, "N")),
    ]

    assert met == [
        RejectReason.DUPLICATE,
        RejectReason.ID_CONFLICT,
        RejectReason.NOT_ENTITLED,
        RejectReason.UNKNOWN_INSTRUMENT,
        RejectReason.OUT_OF_RANGE,
        RejectReason.INSUFFICIENT_HOLDING,
        RejectReason.TRANSFER_RESTRICTED,
    ]
    catalogue = list(RejectReason)
    assert [catalogue.index(reason) for reason in met] == sorted(map(catalogue.index, met))


def test_transfer_control_stops_one_issue_only(story: Story) -> None:
    """Cash and other issues do not care."""
    story.control(executable=False)

    story.pay_in(A, 1)
    story.allot(A, 1, None, ST2)

    assert story.room.owned_units(A, ST2) == 1
