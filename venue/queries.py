"""Private questions of a session, answered from core state: open orders, balances, limits.

A firm sees its own and nothing else.
"""

from typing import Any

from msgspec import UNSET

from market.ids import InstrumentId, order_id_to_text
from market.quantities import price_to_text
from market.words import OrderKind
from participants.actions import Query
from participants.wire import BalanceList, LimitsGet, OrderList, encode_result, method_of
from venue.core import Core


def answer(core: Core, query: Query) -> bytes:
    """The answer to one query, ready to send. O(open orders or issues of the firm)."""
    request = query.request
    result: Any
    match request:
        case OrderList():
            result = _orders(core, query, request)
        case BalanceList():
            result = _balances(core, query)
        case LimitsGet():
            result = _limits(core, query)
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
