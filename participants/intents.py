"""What a participant means to do, before any session carries it: one line of an order file.

Purpose: the record shared by simulated flow (participants/orderflow.py), order files
(venue/orderfile.py) and in-process simulation. An intent names no session and no order id, so it
does not depend on what the market answers.
Ordering: by day, then time; intents of the same time keep their order.
Invariants: a cancel or amendment names an order by the client order id it got; a market order has
no price.
"""

from enum import StrEnum

from market.commands import NO_PRICE, AmendOrder, CancelOrder, NewOrder
from market.ids import ClientOrderId, InstrumentId, ParticipantId, SessionId
from market.message import Message
from market.quantities import Sen, Units
from market.words import OrderKind, ShortSale, Side, Validity


class IntentAction(StrEnum):
    """What an intent asks for."""

    NEW = "new"
    CANCEL = "cancel"
    AMEND = "amend"


class Intent(Message, frozen=True, kw_only=True, tag=False):
    """One thing a participant means to do at one moment.

    Attributes:
        day: Business day of the run, from 1.
        at_ms: Milliseconds after midnight, Japan time.
        client_order_id: Name of this request; empty for a cancel, which needs none.
        original_client_order_id: The order a cancel or amendment means.
        price_sen: Limit, 1/100 yen; None for a market order, or to keep it in an amendment.
        quantity_units: Order quantity; in an amendment the new open quantity, None to keep it, or
            the new total where the market's amendments name that.
    """

    day: int = 1
    at_ms: int
    participant_id: ParticipantId
    action: IntentAction
    client_order_id: ClientOrderId = ClientOrderId("")
    original_client_order_id: ClientOrderId | None = None
    instrument_id: InstrumentId | None = None
    side: Side | None = None
    kind: OrderKind | None = None
    price_sen: Sen | None = None
    quantity_units: Units | None = None
    validity: Validity = Validity.DAY
    account: str = ""
    short_sale: ShortSale | None = None
    size_confirmed: bool = False


def to_request(
    intent: Intent,
    *,
    session_id: SessionId,
    generation: int,
    req_id: str,
    by_total: bool = False,
) -> NewOrder | AmendOrder | CancelOrder:
    """The request a session would make of an intent.

    Args:
        intent: A complete intent, as order files and simulated flow give them.
        session_id: The session that carries it.
        generation: Its live generation.
        req_id: The client's label for the request.
        by_total: Whether the market's amendments name the total quantity, fills included.
    """
    if intent.action is IntentAction.CANCEL:
        return CancelOrder(
            participant_id=intent.participant_id,
            session_id=session_id,
            generation=generation,
            req_id=req_id,
            original_client_order_id=intent.original_client_order_id,
        )
    if intent.action is IntentAction.AMEND:
        return AmendOrder(
            participant_id=intent.participant_id,
            session_id=session_id,
            generation=generation,
            req_id=req_id,
            client_order_id=intent.client_order_id,
            original_client_order_id=intent.original_client_order_id,
            price_sen=intent.price_sen,
            leaves_units=None if by_total else intent.quantity_units,
            total_units=intent.quantity_units if by_total else None,
            size_confirmed=intent.size_confirmed,
        )
    return NewOrder(
        participant_id=intent.participant_id,
        session_id=session_id,
        generation=generation,
        req_id=req_id,
        client_order_id=intent.client_order_id,
        instrument_id=intent.instrument_id or InstrumentId(""),
        side=intent.side or Side.BUY,
        kind=intent.kind or OrderKind.LIMIT,
        price_sen=NO_PRICE if intent.price_sen is None else intent.price_sen,
        quantity_units=intent.quantity_units or Units(0),
        validity=intent.validity,
        account=intent.account,
        short_sale=intent.short_sale,
        size_confirmed=intent.size_confirmed,
    )
