"""Good till canceled as brokers do it: what expired at the close is entered again the next day.

Purpose: START takes orders for the day or for one cross; an order that lives longer is a service of the
client's broker, who keeps it and enters the open rest every morning under a name of its own. This is
that broker, for simulated firms; the market knows nothing of it.
Ordering: orders are entered again in the order in which they expired.
Invariants: what is carried is a limit order of the day with something left; it is entered at most
``days_max`` times after its first day; a rest that the market refuses waits for the day after.
Known limits: time priority is a new day's, like any broker's; nothing is known of ex-dates.
Source: brokers carry orders up to 15 business days (SBI and JTG, equities); START FIX 1.1 (2nd-hand)
has no such time in force.
"""

from typing import Final

from market.events import (
    Event,
    OrderAccepted,
    OrderAmended,
    OrderCanceled,
    OrderExpired,
    RequestRejected,
    Trade,
)
from market.ids import ClientOrderId, InstrumentId, OrderId, ParticipantId
from market.message import Record
from market.quantities import Sen, Units
from market.words import OrderKind, Side, Validity
from participants.intents import Intent, IntentAction

DAYS_MAX: Final = 15
"""The longest any broker we know of carries an order, business days."""

_MARK: Final = "-G"


class _Carried(Record):
    """One order on the broker's own list; ``name`` is what the client called it."""

    participant_id: ParticipantId
    name: ClientOrderId
    instrument_id: InstrumentId
    side: Side
    price_sen: Sen
    leaves_units: Units
    entered: int


class CarriedOrders:
    """The orders some brokers enter again.

    Args:
        days_max: Business days an order is carried after its first, 0 to 15; 0 carries none.
        at_ms: When they are entered, milliseconds after midnight, Japan time.
    """

    def __init__(self, days_max: int, at_ms: int) -> None:
        self._days_max = days_max
        self._at_ms = at_ms
        self._open: dict[OrderId, _Carried] = {}
        self._entered: dict[tuple[ParticipantId, ClientOrderId], _Carried] = {}
        self._waiting: list[_Carried] = []

    def day(self, number: int) -> list[Intent]:
        """What is entered again on business day ``number``, in order. O(orders carried)."""
        intents = []
        waiting, self._waiting = self._waiting, []
        for order in waiting:
            order.entered += 1
            name = ClientOrderId(f"{order.name}{_MARK}{order.entered}")
            self._entered[order.participant_id, name] = order
            intents.append(
                Intent(
                    day=number,
                    at_ms=self._at_ms,
                    participant_id=order.participant_id,
                    action=IntentAction.NEW,
                    client_order_id=name,
                    instrument_id=order.instrument_id,
                    side=order.side,
                    kind=OrderKind.LIMIT,
                    price_sen=order.price_sen,
                    quantity_units=order.leaves_units,
                    size_confirmed=True,
                )
            )
        return intents

    def hear(self, event: Event) -> None:
        """Learn what became of an order. O(1)."""
        match event:
            case OrderAccepted(kind=OrderKind.LIMIT, validity=Validity.DAY):
                self._accepted(event)
            case OrderAmended():
                order = self._open.pop(event.old_order_id, None)
                if order is not None:
                    order.price_sen, order.leaves_units = event.price_sen, event.leaves_units
                    self._open[event.order_id] = order
            case Trade():
                self._filled(event.buy_order_id, event.buy_leaves_units)
                self._filled(event.sell_order_id, event.sell_leaves_units)
            case OrderCanceled():
                self._open.pop(event.order_id, None)
            case OrderExpired():
                order = self._open.pop(event.order_id, None)
                if order is not None:
                    order.leaves_units = event.expired_units
                    self._wait(order)
            case RequestRejected() if event.client_order_id is not None:
                order = self._entered.pop((event.participant_id, event.client_order_id), None)
                if order is not None:
                    self._wait(order)
            case _:
                pass

    def _accepted(self, event: OrderAccepted) -> None:
        order = self._entered.pop((event.participant_id, event.client_order_id), None)
        if order is None:
            order = _Carried(
                event.participant_id,
                event.client_order_id,
                event.instrument_id,
                event.side,
                event.price_sen,
                event.quantity_units,
                0,
            )
        self._open[event.order_id] = order

    def _filled(self, order_id: OrderId, leaves_units: Units) -> None:
        order = self._open.get(order_id)
        if order is None:
            return
        order.leaves_units = leaves_units
        if not leaves_units:
            del self._open[order_id]

    def _wait(self, order: _Carried) -> None:
        if order.entered < self._days_max:
            self._waiting.append(order)
