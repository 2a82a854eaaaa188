"""The counter for words of either side of a delivery: hold, affirm, parts, consent, reversal.

Purpose: commands in, events out. A firm's request and the operator's act bring the same command here;
whether a firm may say it is asked before (``check_speaker``). What a word needs and changes is in consents.py
and reversals.py; this finds the delivery, says no in the order of RejectReason, and ends what both
sides agreed to end.
Cost: O(1). A refusal moves nothing.
"""

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from market.commands import (
    AffirmDelivery,
    ConsentToCancel,
    DeliveryAct,
    ReverseDelivery,
    SetDeliveryHold,
    SetDeliveryParts,
)
from market.events import Event
from market.ids import ParticipantId, delivery_id_to_text
from market.reasons import FailReason, RejectReason
from settlement import consents
from settlement.deliveries import Deliveries
from settlement.delivery import Delivery
from settlement.lifecycle.rules import LifeRules
from settlement.reversals import Reversals
from settlement.settlement_day import SettlementDay
from settlement.staged import StagedDesign
from settlement.verbs import refuse

_OneSide = TypeVar("_OneSide", SetDeliveryHold, AffirmDelivery, ConsentToCancel, SetDeliveryParts)


class Sides:
    """What sides say of deliveries.

    Args:
        book: Every delivery.
        design: How one is ended.
        day: Which day a reversal is due on.
        life: Which words the market's rules have.
        exit_refusal: Why a delivery's lock cannot come back now, or None.
    """

    __slots__ = ("_book", "_day", "_design", "_exit_refusal", "_life", "_reversals")

    def __init__(
        self,
        book: Deliveries,
        *,
        design: StagedDesign,
        day: SettlementDay,
        life: LifeRules,
        exit_refusal: Callable[[Delivery], RejectReason | None],
    ) -> None:
        self._book = book
        self._design = design
        self._day = day
        self._life = life
        self._exit_refusal = exit_refusal
        self._reversals = Reversals(book)

    @property
    def handlers(self) -> Mapping[type, Callable[[Any], list[Event]]]:
        """Which method answers which command."""
        return {
            SetDeliveryHold: self.set_hold,
            AffirmDelivery: self.affirm,
            SetDeliveryParts: self.set_parts,
            ConsentToCancel: self.consent_to_cancel,
            ReverseDelivery: self.reverse,
        }

    def check_speaker(self, firm: ParticipantId, act: DeliveryAct) -> RejectReason | None:
        """Why a firm may not say that of a delivery, or None; see consents.py. Changes nothing."""
        return consents.rule_refusal(act, self._life) or consents.speaker_refusal(
            self._book.by_id.get(act.delivery_id), firm, act.side
        )

    def set_hold(self, command: SetDeliveryHold) -> list[Event]:
        """Hold a delivery for one side or release it; see consents.py for what is refused."""
        return self._of_delivery(command, consents.set_hold)

    def affirm(self, command: AffirmDelivery) -> list[Event]:
        """One side agrees to a delivery's terms; see consents.py for what is refused."""
        return self._of_delivery(command, consents.affirm)

    def set_parts(self, command: SetDeliveryParts) -> list[Event]:
        """One side takes a delivery whole only, or in parts again; see consents.py."""
        return self._of_delivery(command, consents.set_parts)

    def consent_to_cancel(self, command: ConsentToCancel) -> list[Event]:
        """One side agrees to a delivery's end; with both, or while it is unmatched, it ends."""
        delivery = self._book.by_id.get(command.delivery_id)
        ends = delivery is not None and consents.ends_with(delivery, command.side)
        barred = self._exit_refusal(delivery) if delivery is not None and ends else None
        if barred is not None:
            return refuse(barred, delivery_id_to_text(command.delivery_id))
        events = self._of_delivery(command, consents.consent)
        if delivery is not None and ends:
            events += self._book.tell(self._design.cancel(delivery, FailReason.AGREED))
        return events

    def reverse(self, command: ReverseDelivery) -> list[Event]:
        """Ask for a finished delivery's reversal; with both sides' word a new one begins."""
        day = self._day.next_run()
        if day is None:
            return refuse(RejectReason.PHASE_CLOSED, "no business day is open")
        told = self._reversals.ask(command, day)
        if isinstance(told, RejectReason):
            return refuse(told, delivery_id_to_text(command.delivery_id))
        return told

    def _of_delivery(
        self, command: _OneSide, act: Callable[[Delivery, _OneSide], Event | RejectReason]
    ) -> list[Event]:
        name = delivery_id_to_text(command.delivery_id)
        off = consents.rule_refusal(command, self._life)
        if off is not None:
            return refuse(off, "the market's rules have no such word")
        delivery = self._book.by_id.get(command.delivery_id)
        if delivery is None:
            return refuse(RejectReason.UNKNOWN_INSTRUCTION, name)
        told = act(delivery, command)
        if isinstance(told, RejectReason):
            return refuse(told, f"{name} is {delivery.state.value}, {command.side} side")
        return [told]

    def check_invariants(self) -> None:
        """Reversals fit what they take back. O(reversals)."""
        self._reversals.check_invariants()

    def state(self) -> dict[str, object]:
        """Canonical content for the digest; nothing while nobody ever asked for a reversal."""
        return self._reversals.state()
