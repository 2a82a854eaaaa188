"""Delivery versus payment (DvP): both legs or neither, and what every design shares.

Checks come in one order: does a side hold it, may the units pass (``Register.hindrance``), does the
seller have the units, does the money take orders, does the buyer have the cash. The first that fails
names the reason. A delivery of a firm to itself, and the cash leg
of a consideration below one yen, have nothing to move and nothing to lack.
"""

from market.events import DeliveryAction, Event, UnitsMoved, YenMoved
from market.reasons import FailReason
from settlement.cash import Cash
from settlement.delivery import UNITS_HELD_STATES, Delivery, Life
from settlement.ledger import Leg, post_linked
from settlement.register import Register
from settlement.verbs import FAIL


def bar(delivery: Delivery, register: Register) -> FailReason | None:
    """Why the delivery may go no step forward, whatever firms have, or None."""
    if delivery.held_by:
        return FailReason.ON_HOLD
    terms = delivery.terms
    locked = delivery.state in UNITS_HELD_STATES
    refused = register.hindrance(
        terms.seller, terms.buyer, hold_id=delivery.hold_id if locked else None
    )
    return None if refused is None else FAIL[refused]


def units_hindrance(delivery: Delivery, register: Register) -> FailReason | None:
    """Why the seller's units cannot be given up now, or None."""
    barred = bar(delivery, register)
    if barred is not None:
        return barred
    terms = delivery.terms
    if delivery.moves_units and not register.can_give(terms.seller, terms.quantity_units):
        return FailReason.SELLER_SHORT_OF_UNITS
    return None


def exchange(delivery: Delivery, register: Register, cash: Cash) -> FailReason | None:
    """Post units and yen in one atomic step.

    Returns:
        None when both legs are posted; otherwise the reason, and nothing moved.
    """
    barred = bar(delivery, register)
    if barred is not None:
        return barred
    terms = delivery.terms
    legs: list[Leg] = []
    if delivery.moves_units:
        legs.append(Leg(register, terms.seller, terms.buyer, terms.quantity_units))
    if delivery.moves_yen:
        if cash.closed is not None:
            return units_hindrance(delivery, register) or cash.closed
        legs.append(Leg(cash.rest, terms.buyer, terms.seller, terms.amount_yen))
    short = post_linked(legs)
    if short is None:
        return None
    units_short = short.ledger is register
    return FailReason.SELLER_SHORT_OF_UNITS if units_short else FailReason.BUYER_SHORT_OF_CASH


def units_events(delivery: Delivery) -> list[Event]:
    """What to tell once the units leg is posted."""
    if not delivery.moves_units:
        return []
    terms = delivery.terms
    return [
        UnitsMoved(
            instrument_id=terms.instrument_id,
            giver=terms.seller,
            taker=terms.buyer,
            quantity_units=terms.quantity_units,
            delivery_id=terms.delivery_id,
        )
    ]


def yen_events(delivery: Delivery) -> list[Event]:
    """What to tell once the cash leg is posted."""
    if not delivery.moves_yen:
        return []
    terms = delivery.terms
    return [
        YenMoved(
            giver=terms.buyer,
            taker=terms.seller,
            amount_yen=terms.amount_yen,
            delivery_id=terms.delivery_id,
        )
    ]


def fail(delivery: Delivery, life: Life) -> Event:
    """Mark a delivery whose date has passed (フェイル); every lock has been returned before.

    The reason is the last hindrance met, or the cut-off itself when no try was made.
    """
    reason = delivery.hindrance or FailReason.CUTOFF_PASSED
    return delivery.move(life, DeliveryAction.FAIL, reason)
