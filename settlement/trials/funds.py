"""What firms begin a trial with: between the two liquidity bounds of their own trades."""

from market.errors import check
from settlement.trials.records import OUTSIDE, YEN, Case


def endowment(case: Case) -> dict[tuple[str, str], int]:
    """What firms begin with: their lower bound plus a share of the way to their upper bound.

    The lower bound is the net outflow of all trades, the upper the deepest cumulative outflow in order of
    trade, each firm and asset for itself (Leinonen and Soramaki 1999), rounded up.
    """
    level: dict[tuple[str, str], int] = {}
    lowest: dict[tuple[str, str], int] = {}
    for trade in case.trades:
        if trade.seller == trade.buyer:
            continue
        for giver, taker, asset, amount in (
            (trade.buyer, trade.seller, YEN, trade.yen),
            (trade.seller, trade.buyer, trade.issue, trade.units),
        ):
            level[giver, asset] = level.get((giver, asset), 0) - amount
            lowest[giver, asset] = min(lowest.get((giver, asset), 0), level[giver, asset])
            level[taker, asset] = level.get((taker, asset), 0) + amount
    found: dict[tuple[str, str], int] = {}
    for place in sorted(level):
        lower, upper = max(0, -level[place]), -lowest.get(place, 0)
        found[place] = lower + -(-(upper - lower) * case.liquidity // 100)
    check(OUTSIDE not in {owner for owner, _ in found}, "no firm is called outside")
    return found
