"""The life of one delivery (決済指図) as a table for each settlement design.

A move that is not in the table is a defect and stops the process. FINISHED and CANCELED have no
way out (I8: settled is final; a reversal would be a new obligation). Every other state can be
left without the counterparty's help: by CANCEL, or from PAID by FINISH (I20). PAID has no CANCEL:
who has paid must be delivered to.

CREATE is a delivery's birth (the DeliveryCreated event), so no table has it.
"""

from collections.abc import Mapping
from typing import Final

from market.errors import check
from market.events import DeliveryAction, DeliveryChanged, DeliveryCreated, DeliveryState
from market.message import Record
from market.reasons import FailReason
from market.words import Side
from settlement.ledger import HoldId

_S, _A = DeliveryState, DeliveryAction

Life = Mapping[tuple[DeliveryState, DeliveryAction], DeliveryState]
"""State and action to state."""

GROSS_ATOMIC_LIFE: Final[Life] = {
    (_S.CREATED, _A.FINISH): _S.FINISHED,
    (_S.CREATED, _A.FAIL): _S.FAILING,
    (_S.CREATED, _A.CANCEL): _S.CANCELED,
    (_S.FAILING, _A.RETRY): _S.CREATED,
    (_S.FAILING, _A.CANCEL): _S.CANCELED,
}
"""Both legs in one step: nothing is ever half done, so there is nothing in between."""

PROVISIONAL_TRANSFER_LIFE: Final[Life] = {
    (_S.CREATED, _A.TRANSFER_PROVISIONALLY): _S.PROVISIONAL,
    (_S.CREATED, _A.FAIL): _S.FAILING,
    (_S.CREATED, _A.CANCEL): _S.CANCELED,
    (_S.PROVISIONAL, _A.CONFIRM): _S.CONFIRMED,
    (_S.PROVISIONAL, _A.FAIL): _S.FAILING,
    (_S.PROVISIONAL, _A.CANCEL): _S.CANCELED,
    (_S.CONFIRMED, _A.PAY): _S.PAID,
    (_S.CONFIRMED, _A.FAIL): _S.FAILING,
    (_S.CONFIRMED, _A.CANCEL): _S.CANCELED,
    (_S.PAID, _A.FINISH): _S.FINISHED,
    (_S.FAILING, _A.RETRY): _S.CREATED,
    (_S.FAILING, _A.CANCEL): _S.CANCELED,
}
"""Units set aside, cash set aside, cash paid, units delivered."""

TERMINAL_STATES: Final = (DeliveryState.FINISHED, DeliveryState.CANCELED)
"""No way leads out of these."""

UNITS_HELD_STATES: Final = (_S.PROVISIONAL, _S.CONFIRMED, _S.PAID)
"""The seller's units wait on hold."""

YEN_HELD_STATES: Final = (_S.CONFIRMED,)
"""The buyer's programmable money waits on hold; when it is paid the hold is over."""


_NEEDS_REASON: Final = (DeliveryAction.FAIL, DeliveryAction.CANCEL)


def check_life(life: Life) -> None:
    """Check that a table keeps what every design promises. O(table).

    Raises:
        InvariantBroken: When a final state can be left, or an open one cannot be ended.
    """
    for state, action in life:
        check(state not in TERMINAL_STATES, "I8: settled is final", state=state, action=action)
    for state in (DeliveryState.CREATED, *life.values()):
        if state not in TERMINAL_STATES:
            paid = state is DeliveryState.PAID
            exit_action = DeliveryAction.FINISH if paid else DeliveryAction.CANCEL
            check((state, exit_action) in life, "I20: exits are always open", state=state)
            check(not paid or (state, DeliveryAction.CANCEL) not in life, "paid is decided")


class Delivery(Record):
    """One obligation on its way.

    Attributes:
        terms: What was agreed; never changes.
        state: Where it is.
        attempt: From 1; every retry is a new attempt with new hold ids.
        hindrance: Why the last try to move it forward did not, else None.
        held_by: The sides that hold it; while there is one, it goes no step forward.
    """

    terms: DeliveryCreated
    state: DeliveryState = DeliveryState.CREATED
    attempt: int = 1
    hindrance: FailReason | None = None
    held_by: frozenset[Side] = frozenset()

    @property
    def hold_id(self) -> HoldId:
        """Name of this attempt's hold, on either ledger."""
        return HoldId(f"D-{self.terms.delivery_id}/{self.attempt}")

    @property
    def moves_units(self) -> bool:
        """False when a firm trades with itself."""
        return self.terms.seller != self.terms.buyer

    @property
    def moves_yen(self) -> bool:
        """False when a firm trades with itself, or for less than one yen."""
        return self.terms.seller != self.terms.buyer and self.terms.amount_yen > 0

    @property
    def is_over(self) -> bool:
        """Whether it is finished or canceled."""
        return self.state in TERMINAL_STATES

    def move(
        self, life: Life, action: DeliveryAction, reason: FailReason | None = None
    ) -> DeliveryChanged:
        """Take one step of ``life``; its postings have been made before.

        Raises:
            InvariantBroken: When the table has no such step, or a failure has no reason (I17).
        """
        old_state = self.state
        delivery_id = self.terms.delivery_id
        check(
            (old_state, action) in life,
            "a delivery moves by its table",
            delivery=delivery_id,
            state=old_state,
            action=action,
        )
        state = life[old_state, action]
        check(
            (reason is not None) == (action in _NEEDS_REASON),
            "I17: a failure, and only that, has a reason",
            delivery=delivery_id,
        )
        self.state = state
        self.hindrance = None
        if action is DeliveryAction.RETRY:
            self.attempt += 1
        return DeliveryChanged(
            delivery_id=delivery_id,
            action=action,
            old_state=old_state,
            state=state,
            reason=reason,
        )

    def state_row(self) -> list[object]:
        """Canonical content for the digest."""
        return [
            self.terms.delivery_id,
            self.state.value,
            self.attempt,
            "" if self.hindrance is None else self.hindrance.value,
            *sorted(side.value for side in self.held_by),
        ]
