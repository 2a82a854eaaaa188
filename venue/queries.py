"""Private questions of a session, answered from core state: open orders, balances, limits, deliveries.

A firm sees its own and nothing else.
"""

from typing import Any, Final

from msgspec import UNSET

from market.ids import (
    DeliveryId,
    InstrumentId,
    ParticipantId,
    delivery_id_to_text,
    order_id_to_text,
    trade_id_to_text,
)
from market.quantities import price_to_text
from market.words import OrderKind, Side
from participants.actions import Query
from participants.delivery_requests import (
    DeliveryList,
    DeliveryListParams,
    delivery_id_from_text,
)
from participants.wire import BalanceList, LimitsGet, OrderList, encode_result, method_of
from settlement.delivery import Delivery
from venue.core import Core

DELIVERIES_MAX: Final = 500
"""Deliveries in one answer; the next page is asked for with ``after``."""


def answer(core: Core, query: Query) -> bytes:
    """The answer to one query, ready to send.

    Cost: O(open orders or issues of the firm), or O(open deliveries of the market).
    """
    request = query.request
    result: Any
    match request:
        case OrderList():
            result = _orders(core, query, request)
        case BalanceList():
            result = _balances(core, query)
        case LimitsGet():
            result = _limits(core, query)
        case DeliveryList():
            result = _deliveries(core, query, request)
    return encode_result(method=method_of(request), req_id=request.req_id, result=result)


def _orders(core: Core, query: Query, request: OrderList) -> dict[str, Any]:
    wanted = UNSET if request.params is UNSET else request.params.instrument_id
    issue = None if wanted is UNSET else InstrumentId(wanted)
    orders = []
    for order_id in core.answers.open_orders(query.identity.participant_id, instrument_id=issue):
        order = core.engine.find(order_id)
        if order is None:
            continue
        orders.append(
            {
                "order_id": order_id_to_text(order_id),
                "client_order_id": core.answers.facts(order_id).client_order_id,
                "instrument_id": order.instrument_id,
                "side": order.side.value,
                "kind": order.kind.value,
                "price": price_to_text(order.price_sen) if order.kind is OrderKind.LIMIT else None,
                "leaves_units": order.leaves_units,
                "validity": order.validity.value,
            }
        )
    return {"orders": orders}


def _balances(core: Core, query: Query) -> dict[str, Any]:
    firm = query.identity.participant_id
    issues = [
        {
            "instrument_id": instrument_id,
            "owned_units": core.settlement.owned_units(firm, instrument_id),
            "available_units": core.settlement.available_units(firm, instrument_id),
            "free_units": core.risk.free_units(firm, instrument_id),
        }
        for instrument_id in core.engine.instrument_ids()
    ]
    return {
        "owned_yen": core.settlement.owned_yen(firm),
        "available_yen": core.settlement.available_yen(firm),
        "free_yen": core.risk.free_yen(firm),
        "units": issues,
    }


def _limits(core: Core, query: Query) -> dict[str, Any]:
    firm = core.participants.firms[query.identity.participant_id]
    limits = firm.limits
    return {
        "credit_yen": limits.credit_yen,
        "short_units_allowed": limits.short_units_allowed,
        "max_order_value_yen": limits.max_order_value_yen,
        "max_order_units": limits.max_order_units,
        "max_open_orders": limits.max_open_orders,
        "killed": firm.killed,
    }


def _deliveries(core: Core, query: Query, request: DeliveryList) -> dict[str, Any]:
    """The firm's sides of open deliveries, by id; of one with itself both sides."""
    firm = query.identity.participant_id
    asked = DeliveryListParams() if request.params is UNSET else request.params
    after = DeliveryId(0) if asked.after is UNSET else delivery_id_from_text(asked.after)
    rows: list[dict[str, Any]] = []
    for delivery_id, delivery in core.settlement.under_way.items():
        wanted = asked.instrument_id in (UNSET, delivery.terms.instrument_id)
        sides = _sides(delivery, firm) if wanted and delivery_id > after else []
        if len(rows) + len(sides) > DELIVERIES_MAX:
            return {"deliveries": rows, "more": True}
        rows += [_delivery_row(delivery, side) for side in sides]
    return {"deliveries": rows, "more": False}


def _sides(delivery: Delivery, firm: ParticipantId) -> list[Side]:
    of_side = ((Side.BUY, delivery.terms.buyer), (Side.SELL, delivery.terms.seller))
    return [side for side, owner in of_side if owner == firm]


def _delivery_row(delivery: Delivery, side: Side) -> dict[str, Any]:
    terms, why = delivery.terms, delivery.hindrance
    return {
        "delivery_id": delivery_id_to_text(terms.delivery_id),
        "trade_id": trade_id_to_text(terms.trade_id),
        "instrument_id": terms.instrument_id,
        "side": side.value,
        "state": delivery.state.value,
        "waits_for": None if why is None else why.value,
        "settlement_date": terms.settlement_date.isoformat(),
        "quantity_units": terms.quantity_units,
        "amount_yen": terms.amount_yen,
        "open_units": delivery.open_units,
        "open_yen": delivery.open_yen,
        "held_by": _words(delivery.held_by),
        "to_affirm": _words(delivery.awaits),
        "consented": _words(delivery.asked_to_cancel),
        "parts_declined": _words(delivery.whole_for),
        "reverses": None if terms.reverses is None else delivery_id_to_text(terms.reverses),
    }


def _words(sides: frozenset[Side]) -> list[str]:
    return [side.value for side in Side if side in sides]
