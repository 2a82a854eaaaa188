"""Work and its cost: comparisons, breaks, messages, and yen a trade as a range.

Units: numbers, minutes, yen. Cost: O(records).
"""

from collections.abc import Callable

from venue.comparison.exposure import free_option, principal_lost
from venue.comparison.facts import Deal
from venue.comparison.liquidity import lock_cost
from venue.comparison.money import money_cost
from venue.comparison.seen import Seen


def comparisons(seen: Seen) -> float:
    """Facts times pairs times trades."""
    return float(seen.books.comparisons * len(seen.facts.deals))


def staff_minutes(seen: Seen) -> float:
    """Comparisons by hand, and breaks."""
    by_hand = comparisons(seen) * (1 - seen.books.automatic) * seen.assumed.compare_minutes
    return by_hand + sum(minutes for _, minutes in seen.facts.breaks)


def messages_each(outcome: Callable[[Deal], bool]) -> Callable[[Seen], float | None]:
    """Messages over the trades that are chosen."""

    def of(seen: Seen) -> float | None:
        chosen = [deal for deal in seen.facts.deals.values() if outcome(deal)]
        if not chosen:
            return None
        return sum(seen.facts.messages_of.get(deal.deal_id, 0) for deal in chosen) / len(chosen)

    return of


def cost_a_trade(end: int) -> Callable[[Seen], float | None]:
    """One end of the range: 0 the low rates, 1 the high ones."""

    def of(seen: Seen) -> float | None:
        count = len(seen.facts.deals)
        if not count:
            return None
        a = seen.assumed
        total = (seen.facts.messages + seen.facts.signatures) * a.message_yen[end]
        total += staff_minutes(seen) * a.minute_yen[end]
        total += seen.books.ledgers * a.fixed_yen[end] * count
        total += (
            lock_cost(seen)
            + sum(seen.facts.penalties.values())
            + sum(seen.facts.bought_in.values())
            + seen.facts.house_loss
            + principal_lost(seen)
            + free_option(seen)
        )
        return (total + money_cost(end, seen)) / count

    return of


def strangers_facts(seen: Seen) -> float:
    """Facts that reach nodes of neither party."""
    return float(seen.books.strangers_facts * len(seen.facts.deals))
