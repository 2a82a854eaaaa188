"""One side's word on a delivery: that it waits, that its terms are right, that it may end (取消同意).

Purpose: a hold, which its side alone releases, whether it may settle in parts, affirmation (照合) where the market asks for it, and the
end of a delivery by consent. A trade on an exchange is agreed from the start; a market may still want both sides to affirm what they owe
before anything is set aside. One side may withdraw what is not matched, both must what is.

A consent once given stands. Refused are what was said before, and every word on a delivery that is
paid or over; of a hold and of parts the first is asked first, of the others the second. Whoever calls has found the delivery, and ends it when it may end.
Source: matching and bilateral cancellation as settlement/lifecycle/matching.py has them; that the
market's operator speaks for the side is ours.
"""

from market.commands import AffirmDelivery, ConsentToCancel, SetDeliveryHold, SetDeliveryParts
from market.events import CancelConsented, DeliveryAffirmed, DeliveryHoldSet, DeliveryPartsSet
from market.reasons import RejectReason
from market.words import Side
from settlement.delivery import Delivery


def set_hold(delivery: Delivery, command: SetDeliveryHold) -> DeliveryHoldSet | RejectReason:
    """Hold it for a side, or release it. O(1)."""
    if command.held == (command.side in delivery.held_by):
        return RejectReason.DUPLICATE
    if delivery.is_decided:
        return RejectReason.ALREADY_FINAL
    delivery.held_by ^= {command.side}
    return DeliveryHoldSet(
        delivery_id=command.delivery_id,
        side=command.side,
        held=command.held,
        reason=command.reason,
    )


def set_parts(delivery: Delivery, command: SetDeliveryParts) -> DeliveryPartsSet | RejectReason:
    """Allow parts of it for a side, or no longer; a part under way stands. O(1)."""
    if command.allowed != (command.side in delivery.want_whole):
        return RejectReason.DUPLICATE
    if delivery.is_decided:
        return RejectReason.ALREADY_FINAL
    delivery.want_whole ^= {command.side}
    return DeliveryPartsSet(
        delivery_id=command.delivery_id,
        side=command.side,
        allowed=command.allowed,
        reason=command.reason,
    )


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
