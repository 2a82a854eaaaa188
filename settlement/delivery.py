"""The life of one delivery (決済指図) as a table for each settlement design.

A move that is not in the table is a defect and stops the process. FINISHED and CANCELED have no
way out (I8: settled is final; a reversal would be a new obligation). Every other state can be
left without the counterparty's help: by CANCEL, or from PAID by FINISH (I20). PAID has no CANCEL:
who has paid must be delivered to.

FILL settles a part and leaves the rest open, as new as on the first day: nothing of it is locked.

CREATE is a delivery's birth (the DeliveryCreated event), so no table has it.
"""

from collections.abc import Mapping
from typing import Final

from market.errors import check
from market.events import (
    DeliveryAction,
    DeliveryChanged,
    DeliveryCreated,
    DeliveryFilled,
    DeliveryState,
    Event,
)
from market.message import Record
from market.quantities import Units, Yen
from market.reasons import FailReason
from market.words import Side
from settlement.ledger import HoldId
from settlement.lifecycle.partials import Fill

_S, _A = DeliveryState, DeliveryAction

Life = Mapping[tuple[DeliveryState, DeliveryAction], DeliveryState]
"""State and action to state."""

GROSS_ATOMIC_LIFE: Final[Life] = {
    (_S.CREATED, _A.FINISH): _S.FINISHED,
    (_S.CREATED, _A.FILL): _S.CREATED,
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
    (_S.PAID, _A.FILL): _S.CREATED,
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
_NEW_ATTEMPT: Final = (DeliveryAction.RETRY, DeliveryAction.FILL)


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
        attempt: From 1; every retry, and every part settled, begins a new one with new hold ids.
        hindrance: Why the last try to move it forward did not, else None.
        held_by: The sides that hold it; while there is one, it goes no step forward.
        want_whole: The sides that allow no parts of it.
        awaits: The sides that have yet to affirm it; likewise.
        asked_to_cancel: The sides that consented to its end.
        filled_units: Units delivered in parts; of one that finished, all of them.
        filled_yen: What was paid for them.
        part: The part under way, or None when all that is open is.
    """

    terms: DeliveryCreated
    state: DeliveryState = DeliveryState.CREATED
    attempt: int = 1
    hindrance: FailReason | None = None
    held_by: frozenset[Side] = frozenset()
    want_whole: frozenset[Side] = frozenset()
    awaits: frozenset[Side] = frozenset()
    asked_to_cancel: frozenset[Side] = frozenset()
    filled_units: int = 0
    filled_yen: int = 0
    part: Fill | None = None

    @property
    def hold_id(self) -> HoldId:
        """Name of this attempt's hold, on either ledger."""
        return HoldId(f"D-{self.terms.delivery_id}/{self.attempt}")

    @property
    def open_units(self) -> Units:
        """What is still to be delivered."""
        return Units(self.terms.quantity_units - self.filled_units)

    @property
    def open_yen(self) -> Yen:
        """What is still to be paid."""
        return Yen(self.terms.amount_yen - self.filled_yen)

    @property
    def moving_units(self) -> Units:
        """The units leg under way: the part, or all that is open."""
        return self.open_units if self.part is None else Units(self.part.units)

    @property
    def moving_yen(self) -> Yen:
        """The cash leg under way."""
        return self.open_yen if self.part is None else Yen(self.part.yen)

    @property
    def moves_units(self) -> bool:
        """False when a firm trades with itself."""
        return self.terms.seller != self.terms.buyer

    @property
    def moves_yen(self) -> bool:
        """False when a firm trades with itself, or for less than one yen."""
        return self.terms.seller != self.terms.buyer and self.moving_yen > 0

    @property
    def is_decided(self) -> bool:
        """Whether it can end no other way any more: it is over, or paid."""
        return self.is_over or self.state is DeliveryState.PAID

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
        if action in _NEW_ATTEMPT:
            self.attempt += 1
        if action in _NEEDS_REASON:
            self.part = None
        return DeliveryChanged(
            delivery_id=delivery_id,
            action=action,
            old_state=old_state,
            state=state,
            reason=reason,
        )

    def settle(self, life: Life) -> list[Event]:
        """Both legs under way are posted: finish, or go on with what is open.

        Raises:
            InvariantBroken: I9, when parts come to more than was agreed.
        """
        terms, is_part = self.terms, self.part is not None or self.filled_units > 0
        units, yen = self.moving_units, self.moving_yen
        self.filled_units += units
        self.filled_yen += yen
        if not is_part:
            return [self.move(life, DeliveryAction.FINISH)]
        within = self.filled_units <= terms.quantity_units and self.filled_yen <= terms.amount_yen
        check(within, "I9: parts stay within what was agreed", delivery=terms.delivery_id)
        self.part = None
        told = DeliveryFilled(
            delivery_id=terms.delivery_id,
            quantity_units=units,
            amount_yen=yen,
            open_units=self.open_units,
            open_yen=self.open_yen,
        )
        if self.open_units:
            moved = self.move(life, DeliveryAction.FILL)
            self.hindrance = FailReason.SELLER_SHORT_OF_UNITS
            return [told, moved]
        check(self.open_yen == 0, "I9: complete parts pay everything", delivery=terms.delivery_id)
        return [told, self.move(life, DeliveryAction.FINISH)]

    def state_row(self) -> list[object]:
        """Canonical content for the digest."""
        row: list[object] = [
            self.terms.delivery_id,
            self.state.value,
            self.attempt,
            "" if self.hindrance is None else self.hindrance.value,
            *sorted(side.value for side in self.held_by),
        ]
        if self.filled_units or self.part is not None:
            row.append(["parts", self.filled_units, self.filled_yen, *(self.part or ())])
        for word, sides in (
            ("whole", self.want_whole),
            ("awaits", self.awaits),
            ("asked", self.asked_to_cancel),
        ):
            if sides:
                row.append([word, *sorted(side.value for side in sides)])
        return row
