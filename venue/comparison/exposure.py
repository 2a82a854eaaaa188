"""What is at risk: principal, replacement, and the right to walk away.

Units: yen, yen times hours. Cost: O(records log records).
"""

from itertools import groupby

from venue.comparison.facts import Deal, Facts, Outcome
from venue.comparison.formulas import (
    HOURS_A_DAY,
    NS_PER_HOUR,
    integral_hours,
    mean_move_yen,
    option_yen,
    peak,
)
from venue.comparison.seen import Seen, between_firms


def exposures(facts: Facts) -> list[tuple[int, int, float, str]]:
    """Stretches in which one leg is irrevocable and the other neither that nor guaranteed.

    Returns:
        From, until, yen at risk and the firm whose principal it is.
    """
    found: list[tuple[int, int, float, str]] = []
    for deal in facts.deals.values():
        if deal.guaranteed or deal.seller == deal.buyer or not deal.units:
            continue
        changes = sorted(
            [(at, units * deal.yen / deal.units, 0.0) for at, units in deal.token_done]
            + [(at, 0.0, float(yen)) for at, yen in deal.cash_done]
        )
        token = cash = 0.0
        ends = [*(at for at, _, _ in changes[1:]), end_of(deal, facts)][: len(changes)]
        for (at, more_token, more_cash), until in zip(changes, ends, strict=True):
            token, cash = token + more_token, cash + more_cash
            gap = token - cash
            if abs(gap) >= 1 and until > at:
                found.append((at, until, abs(gap), deal.seller if gap > 0 else deal.buyer))
    return found


def end_of(deal: Deal, facts: Facts) -> int:
    """Where an unmatched leg stops counting: at the loss, else at the end of the log."""
    if deal.outcome is Outcome.SPLIT and deal.ended_ns is not None:
        return deal.ended_ns
    return max(facts.end_ns, deal.ended_ns or 0)


def at_risk(seen: Seen) -> list[tuple[int, int, float]]:
    """The stretches of every firm, without the firm."""
    return [(start, end, yen) for start, end, yen, _ in exposures(seen.facts)]


def peak_of_one_firm(seen: Seen) -> float:
    """The largest sum at one time of the most exposed firm."""
    by_firm: dict[str, list[tuple[int, int, float]]] = {}
    for start, end, yen, firm in exposures(seen.facts):
        by_firm.setdefault(firm, []).append((start, end, yen))
    return max((peak(one) for one in by_firm.values()), default=0.0)


def principal_lost(seen: Seen) -> float:
    """Yen of obligations that ended SPLIT, less what is recovered."""
    split = sum(
        one.yen
        for one in seen.facts.losses
        if seen.facts.deals[one.deal_id].outcome is Outcome.SPLIT
    )
    return split * (1 - seen.assumed.recovery)


def replacement_peak(seen: Seen) -> float:
    """Largest cost, at any cross, to replace all open trades, each at the last price of its issue.

    O(trades log trades + crosses times open trades).
    """
    deals = [deal for deal in seen.facts.deals.values() if deal.seller != deal.buyer]
    coming = sorted(deals, key=lambda deal: deal.traded_ns, reverse=True)
    open_deals: list[Deal] = []
    last: dict[str, int] = {}
    highest = 0.0
    points = sorted(seen.prices, key=lambda point: point.at_ns)
    for at_ns, crosses in groupby(points, key=lambda point: point.at_ns):
        last |= {point.issue: point.price_sen for point in crosses}
        while coming and coming[-1].traded_ns < at_ns:
            open_deals.append(coming.pop())
        open_deals = [one for one in open_deals if (one.ended_ns or seen.facts.end_ns) >= at_ns]
        cost = sum(
            abs(one.units * last[one.issue] / 100 - one.yen)
            for one in open_deals
            if one.issue in last
        )
        highest = max(highest, cost)
    return highest


def replacement_expected(seen: Seen) -> float:
    """Expected cost to replace what is open, summed over trades between firms."""
    return sum(
        mean_move_yen(deal.yen, seen.assumed.daily_volatility, open_hours(deal, seen) / HOURS_A_DAY)
        for deal in between_firms(seen.facts)
    )


def open_hours(deal: Deal, seen: Seen) -> float:
    """Hours from the trade to the end of its obligation, or of the run."""
    return ((deal.ended_ns or seen.facts.end_ns) - deal.traded_ns) / NS_PER_HOUR


def free_option(seen: Seen) -> float:
    """Worth of the right to let an obligation go, summed over hash locks."""
    total = 0.0
    for lock in seen.facts.locks:
        if lock.option_until_ns:
            deal = seen.facts.deals[lock.deal_id]
            hours = (lock.option_until_ns - lock.from_ns) / NS_PER_HOUR
            total += option_yen(deal.yen, seen.assumed.daily_volatility, hours)
    return total


def griefing(seen: Seen) -> float:
    """Value times hours of locks that a leader's silence wasted."""
    intervals = [
        (lock.from_ns, lock.until_ns, float(seen.facts.deals[lock.deal_id].yen))
        for lock in seen.facts.locks
        if lock.option_until_ns and lock.returned
    ]
    return integral_hours(intervals)
