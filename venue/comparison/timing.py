"""When obligations end: finality, queues, fails, outages, the register.

Units: hours, shares. Cost: O(obligations log obligations).
"""

from collections.abc import Callable

from venue.comparison.formulas import NS_PER_HOUR, peak, quantile
from venue.comparison.seen import Seen, between_firms, has_failed, ready_ns


def delay_share(seen: Seen) -> float | None:
    """Leinonen-Soramaki: time queued, over time that could be queued until the deadline."""
    queued = possible = 0.0
    for deal in seen.facts.deals.values():
        ready = ready_ns(deal)
        if ready is None and not deal.waits:
            continue
        since = min([start for start, _ in deal.waits] + ([ready] if ready is not None else []))
        queued += deal.yen * sum(
            max(0, min(end, deal.due_ns) - start)
            for start, end in deal.waits
            if start < deal.due_ns
        )
        possible += deal.yen * max(0, deal.due_ns - since)
    return queued / possible if possible else None


def time_to_finality(share: float) -> Callable[[Seen], float | None]:
    """Hours from trade to finality of settled trades, a quantile."""

    def of(seen: Seen) -> float | None:
        hours = [
            (deal.final_ns - deal.traded_ns) / NS_PER_HOUR
            for deal in seen.facts.deals.values()
            if deal.final_ns is not None
        ]
        return quantile(hours, share)

    return of


def mechanism_delay(seen: Seen) -> float | None:
    """Median minutes from when both sides could give to finality."""
    minutes = [
        (deal.final_ns - ready) / NS_PER_HOUR * 60
        for deal in seen.facts.deals.values()
        if deal.final_ns is not None and (ready := ready_ns(deal)) is not None
    ]
    return quantile(minutes, 0.5)


def late_share(seen: Seen) -> float | None:
    """Share of trades not final by their deadline."""
    deals = list(seen.facts.deals.values())
    late = sum(deal.final_ns is None or deal.final_ns > deal.due_ns for deal in deals)
    return late / len(deals) if deals else None


def queue_wait(seen: Seen) -> float | None:
    """Hours waited, weighted by value."""
    weight = sum(deal.yen for deal in seen.facts.deals.values())
    waited = sum(
        deal.yen * sum(end - start for start, end in deal.waits)
        for deal in seen.facts.deals.values()
    )
    return waited / weight / NS_PER_HOUR if weight else None


def queue_peak(seen: Seen) -> float:
    """Most obligations waiting at one time."""
    return peak((start, end, 1.0) for d in seen.facts.deals.values() for start, end in d.waits)


def settled_on_time(by_value: bool) -> Callable[[Seen], float | None]:
    """Share settled by the deadline, by number or by value."""

    def of(seen: Seen) -> float | None:
        deals = list(seen.facts.deals.values())
        weights = [deal.yen if by_value else 1 for deal in deals]
        done = sum(
            weight
            for deal, weight in zip(deals, weights, strict=True)
            if deal.final_ns is not None and deal.final_ns <= deal.due_ns
        )
        return done / sum(weights) if deals else None

    return of


def fail_rate(seen: Seen) -> float | None:
    """Share of trades that failed."""
    deals = list(seen.facts.deals.values())
    return sum(has_failed(deal) for deal in deals) / len(deals) if deals else None


def ages_of_fails(seen: Seen) -> list[float]:
    """Hours from each failed trade's deadline to its end."""
    return [
        max(0, (deal.ended_ns or seen.facts.end_ns) - deal.due_ns) / NS_PER_HOUR
        for deal in seen.facts.deals.values()
        if has_failed(deal)
    ]


def age_of_fails(seen: Seen) -> float | None:
    """Their median."""
    return quantile(ages_of_fails(seen), 0.5)


def longest_chain(seen: Seen) -> float:
    """Longest chain of fails in one issue: the buyer of one is the seller of a later one."""
    longest: dict[tuple[str, str], int] = {}
    best = 0
    failed = [deal for deal in seen.facts.deals.values() if has_failed(deal)]
    for deal in sorted(failed, key=lambda one: (one.traded_ns, one.deal_id)):
        if deal.seller == deal.buyer:
            continue
        length = longest.get((deal.seller, deal.issue), 0) + 1
        place = (deal.buyer, deal.issue)
        longest[place] = max(longest.get(place, 0), length)
        best = max(best, length)
    return float(best)


def cured_by(how: str) -> Callable[[Seen], float]:
    """How many obligations one remedy helped."""
    return lambda seen: float(sum(how in d.cured_by for d in seen.facts.deals.values()))


def settled_in_outage(seen: Seen) -> float | None:
    """Of the value that met an outage, the share settled by its end."""
    outages = [(one.from_ns, one.until_ns) for one in seen.facts.outages]
    due = settled = 0
    for deal in seen.facts.deals.values():
        ready = ready_ns(deal)
        if ready is None:
            continue
        for start, end in outages:
            if start <= ready < end or (ready < start <= (deal.final_ns or seen.facts.end_ns)):
                due += deal.yen
                settled += deal.yen if deal.final_ns is not None and deal.final_ns <= end else 0
                break
    return settled / due if due else None


def recovery_hours(seen: Seen) -> float | None:
    """Hours from the end of the longest outage until what was in flight then had ended."""
    if not seen.facts.outages:
        return None
    longest = max(seen.facts.outages, key=lambda one: one.until_ns - one.from_ns)
    ends = [
        lock.until_ns
        for lock in seen.facts.locks
        if lock.from_ns < longest.until_ns <= lock.until_ns
    ]
    return max((end - longest.until_ns for end in ends), default=0) / NS_PER_HOUR


def stuck_yen(seen: Seen) -> float:
    """Value of obligations that never ended."""
    ended = {deal.deal_id for deal in seen.facts.deals.values() if deal.ended_ns is not None}
    return sum(deal.yen for deal in seen.facts.deals.values() if deal.deal_id not in ended)


def register_lag(seen: Seen) -> float | None:
    """Median hours until the register shows a settled trade."""
    lags = [
        (deal.final_ns - min(at for at, _ in deal.token_done)) / NS_PER_HOUR
        for deal in seen.facts.deals.values()
        if deal.final_ns is not None and deal.token_done
    ]
    shown = [lag + seen.books.register_lag_h for lag in lags]
    return quantile(shown, 0.5)


def register_error(seen: Seen) -> float | None:
    """Units at the end that the contracts say should have moved and the register has not."""
    due = sum(deal.units for deal in between_firms(seen.facts) if deal.due_ns <= seen.facts.end_ns)
    wrong = 0
    for deal in between_firms(seen.facts):
        moved = sum(units for at, units in deal.token_done if at <= deal.due_ns)
        wrong += abs(deal.units - moved) if deal.due_ns <= seen.facts.end_ns else 0
    return wrong / due if due else None


def fairness_gap(seen: Seen) -> float | None:
    """Fail rate of the smallest third of trades less that of the largest third."""
    deals = sorted(between_firms(seen.facts), key=lambda one: one.yen)
    third = len(deals) // 3
    if not third:
        return None
    small, large = deals[:third], deals[-third:]
    return (sum(map(has_failed, small)) - sum(map(has_failed, large))) / third


def fault_delay(seen: Seen) -> float:
    """Hours that faults cost, by the log's own attribution."""
    return float(sum(one.ns for one in seen.facts.delays) / NS_PER_HOUR)
