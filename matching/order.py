"""A resting order and the price level it waits in: the only objects here that change in place.

A level is a list linked through its orders, first in first out (時間優先), so joining at the back,
leaving from anywhere and trading at the front are all O(1), whatever the length of the queue.
Only a book changes the links and the level; only a book and the engine change the rest.

Known limit: a linked pair refers to each other and the garbage collector does not look, so the
memory of orders still open when a whole engine is thrown away comes back only with the process.
"""

from typing import Final

from market.ids import ClientOrderId, InstrumentId, OrderId, ParticipantId, SessionId
from market.message import Record
from market.quantities import Sen, Units
from market.words import OrderKind, SelfTradeMode, Side, Validity

MARKET_RANK: Final = -(1 << 40)
"""Rank of the queue of market orders: before every price."""

NO_RANK: Final = 1 << 40
"""Rank of the best level of an empty side: after every price."""


class Order(Record):
    """One order, while it is matched and while it rests.

    Made with positional arguments, which cost half as much as named ones here; the two places
    that make one are :meth:`matching.engine.Engine.new` and the tests.

    Attributes:
        price_sen: Limit, 1/100 yen; NO_PRICE for a market order.
        leaves_units: Open quantity.
        quantity_units: Quantity ever asked for, with amendments.
        self_trade_mode: The mode that decides when this order arrives, never None.
        owner: Equal for two orders exactly when their meeting is a self-trade.
        level: Where it rests, or None.
        previous: The order in front of it in its level.
        following: The order behind it.
        slot: Its node in a kernel's book, or 0.
        entered: When it took its place, where its id does not say; 0 where it does.
    """

    order_id: OrderId
    participant_id: ParticipantId
    session_id: SessionId
    client_order_id: ClientOrderId
    account: str
    instrument_id: InstrumentId
    side: Side
    kind: OrderKind
    price_sen: Sen
    leaves_units: Units
    quantity_units: Units
    validity: Validity
    self_trade_mode: SelfTradeMode
    owner: str
    level: "Level | None" = None
    previous: "Order | None" = None
    following: "Order | None" = None
    slot: int = 0
    entered: int = 0


class Level(Record):
    """All orders of one side at one price, or all its market orders.

    Attributes:
        rank: Smaller trades first: the price for sells, its negative for buys, MARKET_RANK.
        price_sen: 1/100 yen; NO_PRICE for market orders.
        units: Sum of the open quantities.
        count: Number of orders.
    """

    rank: int
    price_sen: Sen
    units: int
    count: int
    first: Order
    last: Order


def by_time(order: Order) -> int:
    """What orders are sorted by when only time counts (時間優先); any unit, none twice.

    An id is younger than every id before it, and a change that costs an order its place gives it a
    new one. Where ids are the caller's (:mod:`matching.batch`), ``entered`` counts instead.
    """
    return order.entered or order.order_id


def owner_of(participant_id: ParticipantId, account: str, *, by_account: bool) -> str:
    """Whose order it is, for self-trade rules: the firm, or the firm's account.

    A firm's name has no slash (market/ids.py), so the two parts cannot be confused.
    """
    return f"{participant_id}/{account}" if by_account and account else participant_id


def order_state(order: Order) -> list[str | int]:
    """The order as plain values in a fixed order, for the venue's digest."""
    return [
        order.order_id,
        order.participant_id,
        order.session_id,
        order.client_order_id,
        order.account,
        order.side.value,
        order.kind.value,
        order.price_sen,
        order.leaves_units,
        order.quantity_units,
        order.validity.value,
        order.self_trade_mode.value,
    ]
