"""Orders with a condition: on-open (寄付), on-close (引け), funari (不成).

| condition | enters in | until then | takes part in | ends |
|---|---|---|---|---|
| on-open | PreOpen | on the book | the opening itayose | with it, unfilled |
| on-close | any state that gathers or trades | waits aside, seen by nobody | the closing call, from PreClose | with it |
| funari | PreOpen, Continuous (limit orders) | a limit order | the closing call, as a market order | with it |

JPX, order types; Matsui Securities: on-close and funari orders join the book when the pre-closing
begins (15:25) and count as simultaneous. An amendment has no field for the condition, so it cannot be
changed. A close without a pre-closing (TSE's morning) passes them by: inferred. An order that still
waits when the day closes ends then, whatever the preset says of other orders.

An order aside is in the engine's index of waiting orders, so it can be canceled and amended.
"""

from collections.abc import Iterator
from typing import Final

from market.commands import NO_PRICE
from market.errors import check
from market.events import Event, OrderReleased
from market.ids import OrderId
from market.words import OrderKind, Phase, Validity
from matching.order import Order, order_state

PRE_CLOSING: Final = (Phase.PRE_CLOSE, Phase.PRE_CLOSE_NCP)


class Aside:
    """On-close orders of one issue that wait for its closing call, in the order they came.

    Attributes:
        index: Waiting orders of all issues by id, shared.
    """

    __slots__ = ("_orders", "index")

    def __init__(self, index: dict[OrderId, Order]) -> None:
        self.index = index
        self._orders: dict[OrderId, Order] = {}

    def __iter__(self) -> Iterator[Order]:
        return iter(list(self._orders.values()))

    def __contains__(self, order: Order) -> bool:
        return self._orders.get(order.order_id) is order

    def __bool__(self) -> bool:
        return bool(self._orders)

    def add(self, order: Order) -> None:
        """Let an order wait. O(1)."""
        self._orders[order.order_id] = self.index[order.order_id] = order

    def remove(self, order: Order) -> None:
        """Take an order out, to the book or to its end. O(1)."""
        del self._orders[order.order_id], self.index[order.order_id]

    def check_invariants(self) -> None:
        """Check what must hold between commands. O(orders)."""
        for order_id, order in self._orders.items():
            check(self.index.get(order_id) is order, "the index knows it", order=order_id)
            check(order.order_id == order_id, "an order waits under its id", order=order_id)
            check(order.leaves_units > 0, "a waiting order is open", order=order_id)
            check(order.validity is Validity.ON_CLOSE, "only on-close waits", order=order_id)

    def state(self) -> list[list[str | int]]:
        """Every order as plain values."""
        return [order_state(order) for order in self._orders.values()]


def waits_aside(validity: Validity, phase: Phase) -> bool:
    """Whether an order that enters now is not for the book yet."""
    return validity is Validity.ON_CLOSE and phase not in PRE_CLOSING


def as_market_order(order: Order) -> None:
    """A funari order's limit goes."""
    order.kind = OrderKind.MARKET
    order.price_sen = NO_PRICE


def released(order: Order) -> Event:
    """The event that an order's condition was met."""
    return OrderReleased(
        order_id=order.order_id,
        participant_id=order.participant_id,
        instrument_id=order.instrument_id,
        side=order.side,
        kind=order.kind,
        price_sen=order.price_sen,
        leaves_units=order.leaves_units,
    )
