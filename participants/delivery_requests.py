"""A firm speaks for its own side of a delivery: the requests ``delivery.*`` of the order-entry wire.

Purpose: their shapes, and the act each asks for (``to_act``): the very command the market's operator
gives when it speaks for a side. ``delivery.list`` is a query, answered in venue/queries.py.

| method | what the firm says | with the other side's word |
|---|---|---|
| delivery.affirm | the terms are right | it is matched (market rule ``affirmation``) |
| delivery.hold, delivery.release | it waits for us; no longer | it waits for either |
| delivery.consent | it may end | it ends; at once while it is unmatched |
| delivery.reverse | a finished one is to be taken back | a new one begins, the other way |
| delivery.decline_parts, delivery.agree_parts | whole only; in parts again | (market rule ``partial_settlement``) |

A consent once given stands: no request takes it back (settlement/consents.py). A reason is a word of
plain letters, told to the other side as it is; nothing personal belongs in it.
Known limits: one delivery a request.
Source: instructions of this kind as T2S participants describe them (settlement/lifecycle/); the form is ours.
"""

from typing import Final

from msgspec import UNSET, UnsetType

from market.commands import (
    AffirmDelivery,
    ConsentToCancel,
    DeliveryAct,
    ReverseDelivery,
    SetDeliveryHold,
    SetDeliveryParts,
)
from market.ids import DeliveryId
from market.words import Side
from participants.envelope import DeliveryText, Issue, Name, Numbered, Params

DELIVERY_METHODS: Final = (
    "delivery.affirm", "delivery.hold", "delivery.release", "delivery.consent", "delivery.reverse",
    "delivery.decline_parts", "delivery.agree_parts",
)  # fmt: skip
"""Every method that says something of a delivery."""


class DeliveryParams(Params, frozen=True, kw_only=True):
    """The request's own name, the delivery, and the firm's side of it.

    Attributes:
        client_request_id: Key of idempotence within the firm and day; one list of names with the
            client order ids.
    """

    client_request_id: Name
    delivery_id: DeliveryText
    side: Side


class DeliveryReasonParams(DeliveryParams, frozen=True, kw_only=True):
    """The same, with a word why; the other side reads it."""

    reason: Name | UnsetType = UNSET


class DeliveryAffirm(Numbered, frozen=True, kw_only=True, tag="delivery.affirm"):
    """Agree to a delivery's terms (照合)."""

    params: DeliveryParams


class DeliveryHold(Numbered, frozen=True, kw_only=True, tag="delivery.hold"):
    """Keep a delivery from going on (保留)."""

    params: DeliveryReasonParams


class DeliveryRelease(Numbered, frozen=True, kw_only=True, tag="delivery.release"):
    """Hold it no longer (保留解除)."""

    params: DeliveryReasonParams


class DeliveryConsent(Numbered, frozen=True, kw_only=True, tag="delivery.consent"):
    """Agree to a delivery's end without movement (取消同意)."""

    params: DeliveryReasonParams


class DeliveryReverse(Numbered, frozen=True, kw_only=True, tag="delivery.reverse"):
    """Agree to take a finished delivery back by a new one (反対取引)."""

    params: DeliveryReasonParams


class DeliveryDeclineParts(Numbered, frozen=True, kw_only=True, tag="delivery.decline_parts"):
    """Take a delivery whole only."""

    params: DeliveryParams


class DeliveryAgreeParts(Numbered, frozen=True, kw_only=True, tag="delivery.agree_parts"):
    """Take it in parts again (一部決済)."""

    params: DeliveryParams


class DeliveryListParams(Params, frozen=True, kw_only=True):
    """The firm's open deliveries, of one issue, and those after one id, where given."""

    instrument_id: Issue | UnsetType = UNSET
    after: DeliveryText | UnsetType = UNSET


class DeliveryList(Numbered, frozen=True, kw_only=True, tag="delivery.list"):
    """Query: open deliveries."""

    params: DeliveryListParams | UnsetType = UNSET


DeliveryRequest = (
    DeliveryAffirm
    | DeliveryHold
    | DeliveryRelease
    | DeliveryConsent
    | DeliveryReverse
    | DeliveryDeclineParts
    | DeliveryAgreeParts
)
"""Requests that become a word on a delivery."""


def to_act(request: DeliveryRequest) -> DeliveryAct:
    """What the request says, as the market's operator would say it for the side."""
    asked = request.params
    delivery_id, side = delivery_id_from_text(asked.delivery_id), asked.side
    reason = asked.reason if isinstance(asked, DeliveryReasonParams) else UNSET
    why = "" if reason is UNSET else reason
    match request:
        case DeliveryAffirm():
            return AffirmDelivery(delivery_id=delivery_id, side=side)
        case DeliveryHold():
            return SetDeliveryHold(delivery_id=delivery_id, side=side, held=True, reason=why)
        case DeliveryRelease():
            return SetDeliveryHold(delivery_id=delivery_id, side=side, held=False, reason=why)
        case DeliveryConsent():
            return ConsentToCancel(delivery_id=delivery_id, side=side, reason=why)
        case DeliveryReverse():
            return ReverseDelivery(delivery_id=delivery_id, side=side, reason=why)
        case DeliveryDeclineParts():
            return SetDeliveryParts(delivery_id=delivery_id, side=side, allowed=False)
        case DeliveryAgreeParts():
            return SetDeliveryParts(delivery_id=delivery_id, side=side, allowed=True)


def method_of_act(act: DeliveryAct) -> str:
    """The method an act is asked for under."""
    match act:
        case AffirmDelivery():
            return "delivery.affirm"
        case SetDeliveryHold():
            return "delivery.hold" if act.held else "delivery.release"
        case ConsentToCancel():
            return "delivery.consent"
        case ReverseDelivery():
            return "delivery.reverse"
        case SetDeliveryParts():
            return "delivery.agree_parts" if act.allowed else "delivery.decline_parts"


def delivery_id_from_text(text: str) -> DeliveryId:
    """An id that the wire's pattern let through."""
    return DeliveryId(int(text[2:]))
