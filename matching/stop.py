"""Stop allocation (ストップ配分): sharing at a daily limit what one side cannot get enough of.

At the limit market orders count as limit orders at that price, and no order there has priority: one
trading unit to each firm in turn, the firm with the largest total first (Nagoya Stock Exchange;
Matsui Securities). How a firm shares among its clients is its own affair; here by time. The other
side is filled whole, in its own priority.
"""

from market.events import Event
from market.quantities import Units
from market.rules import AuctionAllocation
from market.words import Side
from matching import uncross
from matching.allocation import Claim, allocate
from matching.clearing import NO_CLEARING, Clearing
from matching.issue import Issue
from matching.order import Order, by_time
from matching.uncross import Fills


def stop_fills(orders: list[Order], available_units: int, trading_unit: int) -> Fills:
    """Units for each order of the pressing side; pure. Orders and answers are by time."""
    waiting = sorted(orders, key=by_time)
    claims = [Claim(order.participant_id, order.leaves_units) for order in waiting]
    rule = AuctionAllocation.PARTICIPANT_ROUND_ROBIN
    shares = allocate(claims, available_units, trading_unit, rule)
    return [(order, share) for order, share in zip(waiting, shares, strict=True) if share]


def share_at_limit(issue: Issue, side: Side, events: list[Event]) -> tuple[Clearing, int]:
    """Trade at the limit ``side`` presses against; no trade if nobody is on the other side.

    Returns:
        The result of the cross and the number of its trades.
    """
    price = issue.limits_sen[side is Side.BUY]
    other = Side.SELL if side is Side.BUY else Side.BUY
    pressing = uncross.at_or_better(issue, side, price)
    giving = uncross.at_or_better(issue, other, price)
    wanted = sum(order.leaves_units for order in pressing)
    offered = sum(order.leaves_units for order in giving)
    units = min(wanted, offered)
    if not units:
        return NO_CLEARING, 0
    shares = stop_fills(pressing, units, issue.lot_units)
    filled: Fills = [(order, order.leaves_units) for order in giving]
    buys, sells = (shares, filled) if side is Side.BUY else (filled, shares)
    trades = uncross.pair(issue, price, buys, sells, events)
    surplus = wanted - offered if side is Side.BUY else offered - wanted
    return Clearing(price, Units(units), surplus), trades
