"""The life of a delivery: every state, every action, for every design."""

import re
from datetime import date
from types import ModuleType

import pytest
from settlement_story import ST1, A, B

from market.errors import InvariantBroken
from market.events import DeliveryAction, DeliveryCreated, DeliveryState
from market.ids import DeliveryId, ParticipantId, TradeId
from market.quantities import Units, Yen
from market.reasons import FailReason
from settlement.delivery import (
    GROSS_ATOMIC_LIFE,
    PROVISIONAL_TRANSFER_LIFE,
    Delivery,
    Life,
    check_life,
)
from settlement.staged import gross_atomic, provisional_transfer

LIVES = {"gross_atomic": GROSS_ATOMIC_LIFE, "provisional_transfer": PROVISIONAL_TRANSFER_LIFE}

ALLOWED = {
    "gross_atomic": """
        created  finish -> finished
        created  fill   -> created
        created  fail   -> failing
        created  cancel -> canceled
        failing  retry  -> created
        failing  cancel -> canceled
    """,
    "provisional_transfer": """
        created      transfer_provisionally -> provisional
        created      fail                   -> failing
        created      cancel                 -> canceled
        provisional  confirm                -> confirmed
        provisional  fail                   -> failing
        provisional  cancel                 -> canceled
        confirmed    pay                    -> paid
        confirmed    fail                   -> failing
        confirmed    cancel                 -> canceled
        paid         finish                 -> finished
        paid         fill                   -> created
        failing      retry                  -> created
        failing      cancel                 -> canceled
    """,
}


@pytest.mark.parametrize("module", [gross_atomic, provisional_transfer])
def test_a_designs_header_shows_its_table(module: ModuleType) -> None:
    """The page a reader opens first says what the code does, move by move."""
    life = LIVES[module.__name__.rpartition(".")[2]]
    shown = re.findall(r"^\| (\w+) \| (\w+) \| (\w+) \|$", module.__doc__ or "", re.MULTILINE)

    assert shown[0] == ("from", "action", "to")
    assert shown[1:] == [(a.value, by.value, to.value) for (a, by), to in life.items()]


def allowed(design: str) -> dict[tuple[str, str], str]:
    """The text above as a table."""
    rows = [line.split() for line in ALLOWED[design].split("\n") if line.strip()]
    return {(state, action): result for state, action, _, result in rows}


def delivery(seller: ParticipantId = A, buyer: ParticipantId = B, yen: int = 300) -> Delivery:
    """Three units for 300 yen."""
    return Delivery(
        DeliveryCreated(
            delivery_id=DeliveryId(7),
            trade_id=TradeId(7),
            instrument_id=ST1,
            seller=seller,
            buyer=buyer,
            quantity_units=Units(3),
            amount_yen=Yen(yen),
            settlement_date=date(2026, 11, 2),
        )
    )


@pytest.mark.parametrize("design", LIVES)
@pytest.mark.parametrize("state", DeliveryState)
@pytest.mark.parametrize("action", DeliveryAction)
def test_a_delivery_moves_by_its_table(
    design: str, state: DeliveryState, action: DeliveryAction
) -> None:
    """What the table allows happens; everything else stops the process and changes nothing."""
    expected = allowed(design).get((state.value, action.value))
    subject = delivery()
    subject.state = state
    fails = action in (DeliveryAction.FAIL, DeliveryAction.CANCEL)
    reason = FailReason.CANCELED if fails else None

    if expected is None:
        with pytest.raises(InvariantBroken, match="table"):
            subject.move(LIVES[design], action, reason)
        assert subject.state is state
    else:
        told = subject.move(LIVES[design], action, reason)
        assert (told.old_state, told.action, told.state) == (state, action, subject.state)
        assert told.state.value == expected


@pytest.mark.parametrize("action", [DeliveryAction.FAIL, DeliveryAction.CANCEL])
def test_a_failure_has_a_reason(action: DeliveryAction) -> None:
    """I17: nobody fails or cancels a delivery without saying why."""
    subject = delivery()

    with pytest.raises(InvariantBroken, match="I17"):
        subject.move(GROSS_ATOMIC_LIFE, action)

    assert subject.state is DeliveryState.CREATED


def test_success_has_no_reason() -> None:
    """I17: a reason belongs to failures only."""
    with pytest.raises(InvariantBroken, match="I17"):
        delivery().move(GROSS_ATOMIC_LIFE, DeliveryAction.FINISH, FailReason.CANCELED)


def test_every_retry_is_a_new_attempt_with_a_new_hold() -> None:
    """I10: a hold id of one attempt is never used by the next."""
    subject = delivery()
    first = subject.hold_id
    subject.move(GROSS_ATOMIC_LIFE, DeliveryAction.FAIL, FailReason.CUTOFF_PASSED)
    assert subject.hold_id == first

    subject.move(GROSS_ATOMIC_LIFE, DeliveryAction.RETRY)

    assert (subject.attempt, first, subject.hold_id) == (2, "D-7/1", "D-7/2")


@pytest.mark.parametrize("design", LIVES)
def test_final_states_are_final_and_open_states_have_an_exit(design: str) -> None:
    """I8 and I20 hold for the tables as they are."""
    check_life(LIVES[design])


def test_a_delivery_to_oneself_has_nothing_to_move() -> None:
    """Same firm on both sides: neither leg moves."""
    subject = delivery(seller=A, buyer=A)

    assert not subject.moves_units
    assert not subject.moves_yen


def test_less_than_one_yen_is_no_cash_leg() -> None:
    """A consideration rounded down to nothing moves units only."""
    subject = delivery(yen=0)

    assert subject.moves_units
    assert not subject.moves_yen


S, X = DeliveryState, DeliveryAction
BROKEN_LIVES: dict[str, Life] = {
    "I8: settled": {**GROSS_ATOMIC_LIFE, (S.FINISHED, X.RETRY): S.CREATED},
    "I20: exits": {
        key: state for key, state in GROSS_ATOMIC_LIFE.items() if key != (S.FAILING, X.CANCEL)
    },
    "paid is decided": {**PROVISIONAL_TRANSFER_LIFE, (S.PAID, X.CANCEL): S.CANCELED},
}


@pytest.mark.parametrize("fact", BROKEN_LIVES)
def test_a_table_that_breaks_a_promise_is_refused(fact: str) -> None:
    """Each promise about lives catches a table planted against it."""
    with pytest.raises(InvariantBroken, match=fact):
        check_life(BROKEN_LIVES[fact])


def test_a_move_leaves_the_hindrance_behind() -> None:
    """What stopped an earlier try is not blamed for a later one."""
    subject = delivery()
    subject.hindrance = FailReason.SELLER_SHORT_OF_UNITS

    subject.move(GROSS_ATOMIC_LIFE, DeliveryAction.FAIL, FailReason.SELLER_SHORT_OF_UNITS)

    assert subject.hindrance is None
