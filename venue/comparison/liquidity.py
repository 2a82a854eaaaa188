"""Money and tokens that a design ties up.

Units: yen, yen times hours. Cost: O(records log records).
"""

from venue.comparison.facts import CASH, Facts
from venue.comparison.formulas import HOURS_A_DAY, bounds_yen, integral_hours, saving
from venue.comparison.seen import Seen


def payments(seen: Seen) -> list[tuple[str, str, int]]:
    """Every obligation as a payment, in order of trade."""
    return [(deal.buyer, deal.seller, deal.yen) for deal in seen.facts.deals.values()]


def liquidity_lower(seen: Seen) -> float:
    """Net outflow of all trades, summed over firms."""
    return bounds_yen(payments(seen))[0]


def liquidity_upper(seen: Seen) -> float:
    """Deepest outflow in order of trade, summed over firms."""
    return bounds_yen(payments(seen))[1]


def liquidity_used(seen: Seen) -> float:
    """Peak of each firm's own yen drawn: paid and reserved beyond what it received, summed."""
    firms = {name for deal in seen.facts.deals.values() for name in (deal.seller, deal.buyer)}
    changes: dict[str, list[tuple[int, int, int]]] = {}
    for move in seen.facts.moves:
        if move.issue == CASH and move.giver != move.taker:
            if move.giver in firms:
                changes.setdefault(move.giver, []).append((move.at_ns, 1, -move.amount))
            if move.taker in firms:
                changes.setdefault(move.taker, []).append((move.at_ns, 0, move.amount))
    for lock in seen.facts.locks:
        if lock.issue == CASH and lock.owner in firms:
            changes.setdefault(lock.owner, []).append((lock.from_ns, 1, -lock.amount))
            changes.setdefault(lock.owner, []).append((lock.until_ns, 0, lock.amount))
    used = 0
    for firm in sorted(changes):
        level = lowest = 0
        for _, _, amount in sorted(changes[firm]):
            level += amount
            lowest = min(lowest, level)
        used -= lowest
    return float(used)


def liquidity_saving(seen: Seen) -> float | None:
    """Share of the way between the bounds that was saved."""
    return saving(liquidity_upper(seen), liquidity_used(seen), liquidity_lower(seen))


def netting_efficiency(seen: Seen) -> float | None:
    """What netting could save at most, as a share of the gross."""
    gross = sum(deal.yen for deal in seen.facts.deals.values())
    return 1 - liquidity_lower(seen) / gross if gross else None


def committed_yen(seen: Seen) -> float:
    """Yen at the start, those of a fund or a house too."""
    return float(sum(yen for (_, issue), yen in seen.facts.opening.items() if issue == CASH))


def turnover(seen: Seen) -> float | None:
    """How often the committed yen were used."""
    committed = committed_yen(seen)
    settled = sum(deal.yen for deal in seen.facts.deals.values() if deal.final_ns is not None)
    return settled / committed if committed else None


def lock_cost(seen: Seen) -> float:
    """Yearly rates on what was locked, for as long as it was."""
    yearly = HOURS_A_DAY * 365
    cash = integral_hours(lock_intervals(seen, of_cash=True)) * seen.assumed.cash_rate / yearly
    token = integral_hours(lock_intervals(seen, of_cash=False)) * seen.assumed.lending_rate / yearly
    return cash + token


def lock_intervals(
    seen: Seen, *, of_cash: bool, returned: bool | None = None
) -> list[tuple[int, int, float]]:
    """Locks as yen over time; units are valued at their trade's price."""
    found = []
    price = mean_prices(seen.facts)
    for lock in seen.facts.locks:
        if (lock.issue == CASH) is not of_cash:
            continue
        if returned is not None and lock.returned is not returned:
            continue
        deal = seen.facts.deals.get(lock.deal_id)
        worth = float(lock.amount)
        if not of_cash:
            one = deal.yen / deal.units if deal and deal.units else price.get(lock.issue, 0.0)
            worth = lock.amount * one
        found.append((lock.from_ns, lock.until_ns, worth))
    return found


def mean_prices(facts: Facts) -> dict[str, float]:
    """Yen a unit of each issue over all obligations; for locks of a whole batch."""
    yen: dict[str, int] = {}
    units: dict[str, int] = {}
    for deal in facts.deals.values():
        yen[deal.issue] = yen.get(deal.issue, 0) + deal.yen
        units[deal.issue] = units.get(deal.issue, 0) + deal.units
    return {issue: total / max(1, units[issue]) for issue, total in yen.items()}
