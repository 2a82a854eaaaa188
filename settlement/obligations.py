"""Trades (約定) become delivery obligations: gross, one delivery for each trade.

The seller owes the units, the buyer owes the consideration (約定代金, whole yen, rounded down),
both on the trade's settlement date (受渡日). Nothing is netted: START has no clearing house we
know of, and the new schemes aim at trade-by-trade gross settlement (Project Trinity, 2025-08).

A trade of a firm with itself becomes a delivery like any other, so that every trade can be
followed to its end; when it is delivered, nothing moves.

A trade id makes one delivery, ever (I10); a reversal of it carries the trade's id beside its own. Delivery ids count from 1 in journal order.
"""

from datetime import date

from market.errors import check
from market.events import DeliveryCreated, Trade
from market.ids import DeliveryId, TradeId


class Obligations:
    """The record of what every trade turned into.

    Attributes:
        last_delivery_id: The newest; 0 before the first trade.
        delivery_of_trade: One delivery for each trade, in journal order.
        unreconciled: Trades whose delivery has not ended and been reconciled.
        unreconciled_reversals: Reversals likewise, each with the delivery it takes back.
    """

    __slots__ = (
        "delivery_of_trade",
        "last_delivery_id",
        "unreconciled",
        "unreconciled_reversals",
    )

    def __init__(self) -> None:
        self.last_delivery_id = DeliveryId(0)
        self.delivery_of_trade: dict[TradeId, DeliveryId] = {}
        self.unreconciled: dict[DeliveryId, Trade] = {}
        self.unreconciled_reversals: dict[DeliveryId, DeliveryId] = {}

    def from_trade(self, trade: Trade, settlement_date: date) -> DeliveryCreated:
        """Number and record the obligation that follows from ``trade``."""
        known = trade.trade_id in self.delivery_of_trade
        check(not known, "I10: a trade is delivered once", trade=trade.trade_id)
        check(trade.quantity_units > 0, "a trade moves something", trade=trade.trade_id)
        delivery_id = self._next_id()
        self.delivery_of_trade[trade.trade_id] = delivery_id
        self.unreconciled[delivery_id] = trade
        return DeliveryCreated(
            delivery_id=delivery_id,
            trade_id=trade.trade_id,
            instrument_id=trade.instrument_id,
            seller=trade.seller,
            buyer=trade.buyer,
            quantity_units=trade.quantity_units,
            amount_yen=trade.consideration_yen,
            settlement_date=settlement_date,
        )

    def from_finished(self, old: DeliveryCreated, settlement_date: date) -> DeliveryCreated:
        """Number and record the obligation that takes back a finished one (I8: never an undo)."""
        delivery_id = self._next_id()
        self.unreconciled_reversals[delivery_id] = old.delivery_id
        return DeliveryCreated(
            delivery_id=delivery_id,
            trade_id=old.trade_id,
            instrument_id=old.instrument_id,
            seller=old.buyer,
            buyer=old.seller,
            quantity_units=old.quantity_units,
            amount_yen=old.amount_yen,
            settlement_date=settlement_date,
            reverses=old.delivery_id,
        )

    def _next_id(self) -> DeliveryId:
        self.last_delivery_id = DeliveryId(self.last_delivery_id + 1)
        return self.last_delivery_id

    def state(self) -> dict[str, object]:
        """Canonical content for the digest."""
        state: dict[str, object] = {
            "last_delivery_id": self.last_delivery_id,
            "trades": len(self.delivery_of_trade),
            "unreconciled": list(self.unreconciled),
        }
        if self.unreconciled_reversals:
            state["reversals"] = [list(pair) for pair in self.unreconciled_reversals.items()]
        return state
