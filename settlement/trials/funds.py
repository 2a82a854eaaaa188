"""What firms begin a trial with, and what they put into the guarantee fund of a net cycle."""

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


def contributions(case: Case) -> dict[str, int]:
    """What each firm puts into the guarantee fund.

    The fund covers the firm whose gross purchases are largest (cover one); each firm puts in its share of all
    gross purchases, rounded up, so that who brings more risk pays more.
    """
    bought: dict[str, int] = {}
    for trade in case.trades:
        if trade.seller != trade.buyer:
            bought[trade.buyer] = bought.get(trade.buyer, 0) + trade.yen
    total, cover = sum(bought.values()), max(bought.values(), default=0)
    return {firm: -(-cover * bought[firm] // total) for firm in sorted(bought)}
