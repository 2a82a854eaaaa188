"""Delivery versus payment (DvP): both legs or neither, and what every design shares.

Checks come in one order: does a side hold it or have yet to affirm it, may the units pass
(``Register.hindrance``), does the seller have the units, does the money take orders, does the buyer
have the cash. The first that fails names the reason. A delivery of a firm to itself, and the cash leg
of a consideration below one yen, have nothing to move and nothing to lack.
"""

from market.events import DeliveryAction, Event, UnitsMoved, YenMoved
from market.reasons import FailReason
from settlement.cash import Cash
from settlement.delivery import UNITS_HELD_STATES, Delivery, Life
from settlement.ledger import Leg, post_linked
from settlement.lifecycle.partials import PartialRule, plan_fill
from settlement.register import Register
from settlement.verbs import FAIL


def bar(delivery: Delivery, register: Register) -> FailReason | None:
    """Why the delivery may go no step forward, whatever firms have, or None."""
    if delivery.held_by:
        return FailReason.ON_HOLD
    if delivery.awaits:
        return FailReason.NOT_AFFIRMED
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
    if delivery.moves_units and not register.can_give(terms.seller, delivery.moving_units):
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
        legs.append(Leg(register, terms.seller, terms.buyer, delivery.moving_units))
    if delivery.moves_yen:
        if cash.closed is not None:
            return units_hindrance(delivery, register) or cash.closed
        legs.append(Leg(cash.rest, terms.buyer, terms.seller, delivery.moving_yen))
    short = post_linked(legs)
    if short is None:
        return None
    units_short = short.ledger is register
    return FailReason.SELLER_SHORT_OF_UNITS if units_short else FailReason.BUYER_SHORT_OF_CASH


def plan_part(
    delivery: Delivery, register: Register, rule: PartialRule | None, second: int
) -> bool:
    """Set the part a seller short of units can deliver now, if the market's rule and both sides allow one.

    The seller's units alone decide; whether the buyer can pay for the part is seen after (a part is
    never made for lack of cash). ``second`` is the second of the day: parts are made in the rule's window,
    and while both sides allow them.
    """
    if rule is None:
        return False
    delivery.part = plan_fill(
        rule,
        open_units=delivery.open_units,
        open_yen=delivery.open_yen,
        available_units=register.available(delivery.terms.seller),
        second_of_day=second,
        both_allow=not delivery.whole_for,
    )
    return delivery.part is not None


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
            quantity_units=delivery.moving_units,
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
            amount_yen=delivery.moving_yen,
            delivery_id=terms.delivery_id,
        )
    ]


def fail(delivery: Delivery, life: Life) -> Event:
    """Mark a delivery whose date has passed (フェイル); every lock has been returned before.

    The reason is the last hindrance met, or the cut-off itself when no try was made.
    """
    reason = delivery.hindrance or FailReason.CUTOFF_PASSED
    return delivery.move(life, DeliveryAction.FAIL, reason)
