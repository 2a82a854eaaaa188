"""Trading at one price by a stated allocation: who of each side is filled, and who meets whom.

Purpose: the crosses in which first come is not first served. A side's orders are filled level by
level; the level that cannot be filled whole is shared out (allocation.py) among the orders that
count as simultaneous (同時呼値: they were on the book when the itayose began), and what is left goes
to the later ones in time order. Then buyers and sellers are paired in that order.

Special execution has no levels: everything at the price or better by time alone.

Invariant: both sides' fills add up to the executed units.
"""

from collections.abc import Iterable
from itertools import groupby
from typing import NamedTuple

from market.commands import NO_PRICE
from market.errors import check
from market.events import Event, Trade
from market.ids import TradeId
from market.quantities import Sen, Units
from market.rules import AuctionAllocation
from market.words import Side
from matching.allocation import Claim, allocate, in_time_order
from matching.issue import Issue
from matching.order import Order, by_time

Fills = list[tuple[Order, int]]
"""Orders with the units each is to trade, in the order they are paired."""


class Sharing(NamedTuple):
    """How a level that cannot be filled whole is shared.

    Attributes:
        simultaneous_to: Orders up to this time (see by_time) have no priority among themselves.
    """

    rule: AuctionAllocation
    simultaneous_to: int


def newest_time(issue: Issue) -> int:
    """When the youngest order on the book took its place, or 0. O(orders)."""
    return max((by_time(order) for side in Side for order in issue.book.queue(side)), default=0)


def fills_by_level(issue: Issue, side: Side, units: int, sharing: Sharing) -> Fills:
    """The first ``units`` of one side, level by level. O(orders up to there)."""
    return share_levels(issue, groupby(issue.book.queue(side), _price), units, sharing)


def share_levels(
    issue: Issue,
    levels: Iterable[tuple[int, Iterable[Order]]],
    units: int,
    sharing: Sharing,
) -> Fills:
    """The first ``units`` of levels given best first."""
    fills: Fills = []
    for _, orders in levels:
        level = list(orders)
        whole = sum(order.leaves_units for order in level)
        if whole > units:
            return fills + _shared(issue, level, units, sharing)
        fills += [(order, order.leaves_units) for order in level]
        units -= whole
        if not units:
            break
    return fills


def at_or_better(issue: Issue, side: Side, price_sen: Sen) -> list[Order]:
    """Orders of one side that accept the price, market orders included, by priority."""
    sign = 1 if side is Side.SELL else -1
    return [
        order
        for order in issue.book.queue(side)
        if order.price_sen == NO_PRICE or order.price_sen * sign <= price_sen * sign
    ]


def fills_by_time(orders: list[Order], units: int) -> Fills:
    """The earliest ``units`` of some orders, whatever their price."""
    waiting = sorted(orders, key=by_time)
    shares = in_time_order([order.leaves_units for order in waiting], units)
    return [(order, share) for order, share in zip(waiting, shares, strict=True) if share]


def pair(issue: Issue, price_sen: Sen, buys: Fills, sells: Fills, events: list[Event]) -> int:
    """Trade these fills at one price; returns the number of trades. O(trades)."""
    wanted = sum(units for _, units in buys)
    offered = sum(units for _, units in sells)
    check(wanted == offered, "both sides trade the same units", buys=wanted, sells=offered)
    execute, numbers = issue.book.execute, issue.trade_numbers
    first_id = numbers.last
    sellers = iter(sells)
    sell, sell_units = next(sellers, (None, 0))
    for buy, buy_units in buys:
        left = buy_units
        while left and sell is not None:
            units = Units(min(left, sell_units))
            execute(buy, units)
            execute(sell, units)
            numbers.last += 1  # type: ignore[assignment]
            events.append(cross_trade(issue, numbers.last, price_sen, units, buy=buy, sell=sell))
            left -= units
            sell_units -= units
            if not sell_units:
                sell, sell_units = next(sellers, (None, 0))
    issue.traded_in_cross(price_sen)
    return numbers.last - first_id


def cross_trade(
    issue: Issue, trade_id: TradeId, price_sen: Sen, units: Units, *, buy: Order, sell: Order
) -> Trade:
    """The event of one pairing; both orders' open quantities are already what is left."""
    return Trade(
        trade_id=trade_id,
        instrument_id=issue.instrument.instrument_id,
        price_sen=price_sen,
        quantity_units=units,
        buyer=buy.participant_id,
        seller=sell.participant_id,
        buy_order_id=buy.order_id,
        sell_order_id=sell.order_id,
        buy_leaves_units=buy.leaves_units,
        sell_leaves_units=sell.leaves_units,
        cross=True,
        self_trade=buy.owner == sell.owner,
    )


def _shared(issue: Issue, level: list[Order], units: int, sharing: Sharing) -> Fills:
    early = [order for order in level if by_time(order) <= sharing.simultaneous_to]
    late = [order for order in level if by_time(order) > sharing.simultaneous_to]
    early.sort(key=by_time)
    claims = [Claim(order.participant_id, order.leaves_units) for order in early]
    lot = issue.lot_units
    first = min(units, sum(claim.units for claim in claims))
    shares = allocate(claims, first, lot, sharing.rule)
    shares += in_time_order([order.leaves_units for order in late], units - first)
    return [(order, share) for order, share in zip((*early, *late), shares, strict=True) if share]


def _price(order: Order) -> int:
    return order.price_sen
