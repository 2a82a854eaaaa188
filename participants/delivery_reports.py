"""What both firms of a delivery hear of it besides its states: holds, parts, words, charges, reversals.

Purpose: one event to the news of the firms it concerns (type ``delivery``), pure. participants/reports.py knows who the
sides are and which sessions are theirs. Nobody else hears, and the counterparty is not named.
Ordering: buyer, then seller; of a charge payer, then payee. Cost: O(1). Errors: none.
"""

from collections.abc import Callable
from typing import Any, Final, NamedTuple

from market.events import (
    BoughtIn,
    BuyInStarted,
    CancelConsented,
    DeliveryAffirmed,
    DeliveryChanged,
    DeliveryCreated,
    DeliveryFilled,
    DeliveryHoldSet,
    DeliveryPartsSet,
    Event,
    FailCharged,
    FailChargePaid,
    ReversalAsked,
)
from market.ids import DeliveryId, ParticipantId, delivery_id_to_text
from participants.report_schemas import DeliveryData

Said = tuple[str, dict[str, Any]]
"""The word for what happened, and its fields."""


class DeliveryNews(NamedTuple):
    """One report, to every session of the firm."""

    firm: ParticipantId
    data: DeliveryData


def to_sides(
    delivery_id: DeliveryId, buyer: ParticipantId, seller: ParticipantId, said: Said
) -> list[DeliveryNews]:
    """The same to either side."""
    what, fields = said
    name = delivery_id_to_text(delivery_id)
    return [
        DeliveryNews(firm, DeliveryData(delivery_id=name, side=side, what=what, **fields))
        for firm, side in ((buyer, "buy"), (seller, "sell"))
    ]


def of_reversal(event: DeliveryCreated | DeliveryChanged) -> Said:
    """A reversal began, or moved; it is no trade of its own, so its sides hear of each move here."""
    if isinstance(event, DeliveryChanged):
        reason = None if event.reason is None else event.reason.value
        return "reversal", {"state": event.state.value, "reason": reason}
    return "reversal", {
        "reverses": None if event.reverses is None else delivery_id_to_text(event.reverses),
        "quantity_units": event.quantity_units,
        "amount_yen": event.amount_yen,
        "settlement_date": event.settlement_date.isoformat(),
    }


def _hold(event: DeliveryHoldSet) -> Said:
    what = "hold" if event.held else "release"
    return what, {"by_side": event.side.value, "reason": event.reason or None}


def _parts(event: DeliveryPartsSet) -> Said:
    what = "parts_agreed" if event.allowed else "parts_declined"
    return what, {"by_side": event.side.value}


def _filled(event: DeliveryFilled) -> Said:
    return "fill", {
        "quantity_units": event.quantity_units,
        "amount_yen": event.amount_yen,
        "open_units": event.open_units,
        "open_yen": event.open_yen,
    }


def _affirmed(event: DeliveryAffirmed) -> Said:
    what = "matched" if event.matched else "affirmed"
    return what, {"by_side": event.side.value}


def _consented(event: CancelConsented) -> Said:
    return "cancel_consent", {"by_side": event.side.value, "reason": event.reason or None}


def _buy_in_started(event: BuyInStarted) -> Said:
    return "buy_in_started", {"open_units": event.open_units}


def _bought_in(event: BoughtIn) -> Said:
    return "bought_in", {"quantity_units": event.quantity_units, "amount_yen": event.amount_yen}


OF_SIDES: Final[dict[type[Event], Callable[[Any], Said]]] = {
    DeliveryHoldSet: _hold,
    DeliveryPartsSet: _parts,
    DeliveryFilled: _filled,
    DeliveryAffirmed: _affirmed,
    CancelConsented: _consented,
    BuyInStarted: _buy_in_started,
    BoughtIn: _bought_in,
}
"""What happens to a delivery, for whoever its sides are."""


def _reversal_asked(event: ReversalAsked) -> list[DeliveryNews]:
    said = "reversal_asked", {"by_side": event.side.value, "reason": event.reason}
    return to_sides(event.delivery_id, event.buyer, event.seller, said)


def _charged(event: FailCharged | FailChargePaid) -> list[DeliveryNews]:
    name = delivery_id_to_text(event.delivery_id)
    paid = isinstance(event, FailChargePaid) or event.paid
    return [
        DeliveryNews(
            firm,
            DeliveryData(
                delivery_id=name,
                side=side,
                what=event.kind.value,
                amount_yen=event.amount_yen,
                paid=paid,
            ),
        )
        for firm, side in ((event.payer, "payer"), (event.payee, "payee"))
    ]


NAMES_ITS_FIRMS: Final[dict[type[Event], Callable[[Any], list[DeliveryNews]]]] = {
    ReversalAsked: _reversal_asked,
    FailCharged: _charged,
    FailChargePaid: _charged,
}
"""What may be told of a delivery that is over: the event says whose it is."""
