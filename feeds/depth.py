"""The public book (板) of one issue, folded order by order: levels, totals and their checksum.

Ordering: priority is market orders first, then the better price, then the smaller order id (an
order id is the sequence number of the command that put the order there, so smaller is earlier).
In call phases the book may be crossed; it is shown as it is.

Invariants: each level is the sum of its live orders; no level is empty; ``prices`` of a side are
its levels' prices, ascending; an order with nothing open is gone.

The checksum ``crc``, in five lines:
  1. apply the message; a level with quantity 0 is deleted;
  2. take the best ten asks, going up, then the best ten bids, going down;
  3. for each write the integer price in sen (1/100 yen: yen times 100), then the integer quantity;
  4. nothing between or around them; market orders and order counts are not written;
  5. CRC-32 as in zlib of that ASCII text, an unsigned 32-bit number; 0 for an empty book.

Known limits: the whole book is kept; ten levels (``CRC_LEVELS``) are what the checksum and the
over/under totals look at.
"""

import zlib
from bisect import bisect_left, insort
from collections.abc import Iterator
from typing import Final

from market.commands import NO_PRICE
from market.errors import InvariantBroken, check
from market.ids import OrderId
from market.message import Record
from market.quantities import Sen, Units
from market.words import OrderKind, Side

CRC_LEVELS: Final = 10

Level = tuple[Sen, int, int]
"""Price in sen, quantity in units, number of orders; quantity 0 stands for a deleted level."""


class PublicOrder(Record):
    """What everyone may know of a live order. Only ``leaves_units`` changes in place."""

    order_id: OrderId
    side: Side
    kind: OrderKind
    price_sen: Sen
    leaves_units: Units


class DepthSide:
    """One side: its levels, its market orders, and which levels changed since last taken."""

    __slots__ = (
        "_best",
        "_descending",
        "changed",
        "levels",
        "limit_units",
        "market_units",
        "prices",
    )

    def __init__(self, *, descending: bool) -> None:
        self._descending = descending
        self._best: tuple[str, int] | None = None
        self.levels: dict[Sen, list[int]] = {}
        self.prices: list[Sen] = []
        self.market_units = 0
        self.limit_units = 0
        self.changed: dict[Sen, None] = {}

    def move(self, price_sen: Sen, units: int, orders: int) -> None:
        """Add (or take, when negative) units and orders at a price; NO_PRICE for market orders.

        O(1), or O(levels) of memory movement when a level appears or goes.
        """
        if price_sen == NO_PRICE:
            self.market_units += units
            return
        self.limit_units += units
        self.changed[price_sen] = None
        self._best = None
        level = self.levels.get(price_sen)
        if level is None:
            self.levels[price_sen] = [units, orders]
            insort(self.prices, price_sen)
            return
        level[0] += units
        level[1] += orders
        if not level[1]:
            check(level[0] == 0, "a level without orders has no units", price_sen=price_sen)
            del self.levels[price_sen]
            del self.prices[bisect_left(self.prices, price_sen)]

    def level(self, price_sen: Sen) -> Level:
        """The level at a price; quantity and count 0 when there is none."""
        units, orders = self.levels.get(price_sen, (0, 0))
        return price_sen, units, orders

    def best(self) -> tuple[str, int]:
        """The best ten levels: their part of the checksum's text, and their units together.

        Remembered until the side changes, because most messages change one side only.
        """
        if self._best is None:
            prices = (
                self.prices[: -CRC_LEVELS - 1 : -1]
                if self._descending
                else self.prices[:CRC_LEVELS]
            )
            quantities = [self.levels[price_sen][0] for price_sen in prices]
            text = "".join([f"{p}{q}" for p, q in zip(prices, quantities, strict=True)])
            self._best = text, sum(quantities)
        return self._best

    def beyond_units(self) -> int:
        """Units at limit prices worse than the best ten levels."""
        return self.limit_units - self.best()[1]


class Depth:
    """All live orders of one issue and the levels they make."""

    __slots__ = ("asks", "bids", "orders")

    def __init__(self) -> None:
        self.orders: dict[OrderId, PublicOrder] = {}
        self.bids = DepthSide(descending=True)
        self.asks = DepthSide(descending=False)

    def add(
        self, order_id: OrderId, side: Side, kind: OrderKind, price_sen: Sen, leaves_units: Units
    ) -> None:
        """An order joins the back of its price. ``price_sen`` counts for limit orders only."""
        if order_id in self.orders:
            check(False, "an order joins once", order_id=order_id)
        if kind is OrderKind.MARKET:
            price_sen = NO_PRICE
        self.orders[order_id] = PublicOrder(order_id, side, kind, price_sen, leaves_units)
        (self.bids if side is Side.BUY else self.asks).move(price_sen, leaves_units, 1)

    def set_leaves(self, order_id: OrderId, leaves_units: Units) -> None:
        """An order keeps its place with this much open; with 0 it is gone."""
        order = self._order(order_id)
        if not leaves_units:
            self.remove(order_id)
            return
        side = self.bids if order.side is Side.BUY else self.asks
        side.move(order.price_sen, leaves_units - order.leaves_units, 0)
        order.leaves_units = leaves_units

    def remove(self, order_id: OrderId) -> PublicOrder:
        """An order leaves with whatever it had open."""
        order = self._order(order_id)
        del self.orders[order_id]
        side = self.bids if order.side is Side.BUY else self.asks
        side.move(order.price_sen, -order.leaves_units, -1)
        return order

    def _order(self, order_id: OrderId) -> PublicOrder:
        order = self.orders.get(order_id)
        if order is None:
            raise InvariantBroken("an order that changes is on the book", {"order_id": order_id})
        return order

    def take_changes(self) -> tuple[list[Level], list[Level]]:
        """Levels that changed since last asked, best first: bids, then asks. O(changes)."""
        bids = [self.bids.level(price) for price in sorted(self.bids.changed, reverse=True)]
        asks = [self.asks.level(price) for price in sorted(self.asks.changed)]
        self.bids.changed.clear()
        self.asks.changed.clear()
        return bids, asks

    def all_levels(self) -> tuple[list[Level], list[Level]]:
        """Every level, best first: bids, then asks. O(levels)."""
        bids = [self.bids.level(price) for price in reversed(self.bids.prices)]
        asks = [self.asks.level(price) for price in self.asks.prices]
        return bids, asks

    def crc(self) -> int:
        """Checksum of the best ten levels of each side; the rule is in the module's header."""
        return zlib.crc32(f"{self.asks.best()[0]}{self.bids.best()[0]}".encode())

    def in_priority(self) -> Iterator[PublicOrder]:
        """All live orders, buys then sells, best first. O(orders log orders).

        At one price in the order they joined; sorting keeps it, since ``orders`` is in that order.
        """
        buys = [order for order in self.orders.values() if order.side is Side.BUY]
        sells = [order for order in self.orders.values() if order.side is Side.SELL]
        buys.sort(key=lambda o: (o.kind is not OrderKind.MARKET, -o.price_sen))
        sells.sort(key=lambda o: (o.kind is not OrderKind.MARKET, o.price_sen))
        yield from buys
        yield from sells

    def check_invariants(self) -> None:
        """Check that levels are what their orders add up to. O(orders + levels)."""
        for which, side in ((Side.BUY, self.bids), (Side.SELL, self.asks)):
            market_units = 0
            levels: dict[Sen, list[int]] = {}
            for order in self.orders.values():
                check(order.leaves_units > 0, "a live order is open", order_id=order.order_id)
                if order.side is not which:
                    continue
                if order.kind is OrderKind.MARKET:
                    market_units += order.leaves_units
                    continue
                level = levels.setdefault(order.price_sen, [0, 0])
                level[0] += order.leaves_units
                level[1] += 1
            check(side.levels == levels, "levels are the sum of their orders", side=which)
            check(side.prices == sorted(levels), "prices are the levels', ascending", side=which)
            check(side.market_units == market_units, "market orders add up", side=which)
            total = sum(units for units, _ in levels.values())
            check(side.limit_units == total, "limit orders add up", side=which)

    def state(self) -> dict[str, object]:
        """Orders and checksum as plain values, oldest order first."""
        return {
            "orders": [
                [o.order_id, str(o.side), str(o.kind), o.price_sen, o.leaves_units]
                for _, o in sorted(self.orders.items())
            ],
            "crc": self.crc(),
        }
