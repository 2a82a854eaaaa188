"""The arithmetic of the metrics: small pure functions whose worked numbers are tests.

Purpose: what one exposure, option, fail or queue costs. Units: yen, hours, days; rates are shares
of one. Volatility is the standard deviation of a day's price move, as a share of the price.
Ordering: intervals and flows in any order unless said. Errors: none; empty input gives 0.
Sources: Leinonen and Soramaki 1999 (liquidity bounds, settlement delay); the near-the-money value
of an option and the mean absolute move of a normal price, both textbook.
"""

import math
from collections.abc import Iterable, Sequence
from typing import Final

HOURS_A_DAY: Final = 24.0
NS_PER_HOUR: Final = 3_600_000_000_000


def mean_move_yen(value_yen: float, daily_volatility: float, days: float) -> float:
    """Expected absolute move of a position's value over ``days``: v s sqrt(t) sqrt(2/pi)."""
    return value_yen * daily_volatility * math.sqrt(max(0.0, days)) * math.sqrt(2 / math.pi)


def option_yen(value_yen: float, daily_volatility: float, hours: float) -> float:
    """Worth of the right to complete or not, near the money: v s sqrt(t) / sqrt(2 pi)."""
    days = max(0.0, hours) / HOURS_A_DAY
    return value_yen * daily_volatility * math.sqrt(days) / math.sqrt(2 * math.pi)


def penalty_yen(value_yen: float, basis_points_a_day: float, days: float) -> float:
    """Penalty of a fail: value times rate times days."""
    return value_yen * basis_points_a_day / 10_000 * days


def saving(upper: float, used: float, lower: float) -> float | None:
    """Share of the way from the upper to the lower liquidity bound that was saved.

    Returns:
        None when the bounds are the same and there is nothing to save.
    """
    return None if upper <= lower else (upper - used) / (upper - lower)


def steps(intervals: Iterable[tuple[int, int, float]]) -> list[tuple[int, float]]:
    """The sum of amounts over time: each (from, until, amount) counts while from <= t < until."""
    changes: dict[int, float] = {}
    for start, end, amount in intervals:
        if end > start:
            changes[start] = changes.get(start, 0.0) + amount
            changes[end] = changes.get(end, 0.0) - amount
    level, found = 0.0, []
    for at_ns in sorted(changes):
        level += changes[at_ns]
        found.append((at_ns, level))
    return found


def peak(intervals: Iterable[tuple[int, int, float]]) -> float:
    """The largest sum at one time."""
    return max((level for _, level in steps(intervals)), default=0.0)


def integral_hours(intervals: Iterable[tuple[int, int, float]]) -> float:
    """Amount times hours, summed."""
    return sum(amount * max(0, end - start) for start, end, amount in intervals) / NS_PER_HOUR


def bounds_yen(flows: Sequence[tuple[str, str, int]]) -> tuple[int, int]:
    """Lower and upper liquidity bound of payments (payer, payee, yen) in order of arrival."""
    level: dict[str, int] = {}
    lowest: dict[str, int] = {}
    for payer, payee, amount in flows:
        if payer == payee:
            continue
        level[payer] = level.get(payer, 0) - amount
        lowest[payer] = min(lowest.get(payer, 0), level[payer])
        level[payee] = level.get(payee, 0) + amount
    return sum(max(0, -end) for end in level.values()), -sum(lowest.values())


def quantile(values: Sequence[float], share: float) -> float | None:
    """The value that a share of the values does not exceed, between neighbours in proportion."""
    if not values:
        return None
    ranked = sorted(values)
    place = share * (len(ranked) - 1)
    below = math.floor(place)
    above = min(below + 1, len(ranked) - 1)
    return ranked[below] + (ranked[above] - ranked[below]) * (place - below)
