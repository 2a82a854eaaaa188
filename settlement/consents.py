"""One side's word on a delivery: that its terms are right, and that it may end (取消同意).

Purpose: affirmation (照合) where the market asks for it, and the end of a delivery by consent. A trade
on an exchange is agreed from the start; a market may still want both sides to affirm what they owe
before anything is set aside. One side may withdraw what is not matched, both must what is.

A consent once given stands. Refusals in the order of checking: what was said before, and a delivery
that is paid or over. Whoever calls has found the delivery, and ends it when it may end.
Source: matching and bilateral cancellation as settlement/lifecycle/matching.py has them; that the
market's operator speaks for the side is ours.
"""

from market.commands import AffirmDelivery, ConsentToCancel
from market.events import CancelConsented, DeliveryAffirmed
from market.reasons import RejectReason
from market.words import Side
from settlement.delivery import Delivery


def affirm(delivery: Delivery, command: AffirmDelivery) -> DeliveryAffirmed | RejectReason:
    """Note that a side agrees to the terms. O(1)."""
    if delivery.is_decided:
        return RejectReason.ALREADY_FINAL
    if command.side not in delivery.awaits:
        return RejectReason.DUPLICATE
    delivery.awaits -= {command.side}
    return DeliveryAffirmed(
        delivery_id=command.delivery_id, side=command.side, matched=not delivery.awaits
    )


def ends_with(delivery: Delivery, side: Side) -> bool:
    """Whether this side's consent, if it is taken, ends the delivery."""
    if delivery.is_decided or side in delivery.asked_to_cancel:
        return False
    return bool(delivery.awaits) or delivery.asked_to_cancel | {side} == frozenset(Side)


def consent(delivery: Delivery, command: ConsentToCancel) -> CancelConsented | RejectReason:
    """Note that a side agrees to the end. O(1)."""
    if delivery.is_decided:
        return RejectReason.ALREADY_FINAL
    if command.side in delivery.asked_to_cancel:
        return RejectReason.DUPLICATE
    delivery.asked_to_cancel |= {command.side}
    return CancelConsented(
        delivery_id=command.delivery_id, side=command.side, reason=command.reason
    )
