"""Names of things. Ids come from the journal's sequence numbers or counters, never from chance.

On the wire an order is ``O-317``, a trade ``T-92``, a delivery ``D-92``; inside they are ints.
"""

from typing import NewType

ParticipantId = NewType("ParticipantId", str)
"""A securities firm (取引参加者), 1 to 16 of ``A-Z 0-9 -``."""

SessionId = NewType("SessionId", str)
"""One order-entry session of a firm; a firm may have several."""

KeyId = NewType("KeyId", str)
"""One public key, registered for one session."""

InstrumentId = NewType("InstrumentId", str)
"""One token issue (銘柄), 1 to 12 of ``A-Z 0-9``; START's book id has four characters."""

ClientOrderId = NewType("ClientOrderId", str)
"""The firm's own name for a request; unique per firm and day, and the key of idempotence."""

OrderId = NewType("OrderId", int)
"""The sequence number of the command that put the order on the book."""

TradeId = NewType("TradeId", int)
"""Counts trades in journal order, from 1."""

DeliveryId = NewType("DeliveryId", int)
"""Counts delivery obligations in journal order, from 1; one per trade."""


def order_id_to_text(order_id: OrderId) -> str:
    """Write an order id as it stands on the wire."""
    return f"O-{order_id}"


def trade_id_to_text(trade_id: TradeId) -> str:
    """Write a trade id as it stands on the wire."""
    return f"T-{trade_id}"


def delivery_id_to_text(delivery_id: DeliveryId) -> str:
    """Write a delivery id as it stands on the wire."""
    return f"D-{delivery_id}"
