"""Every metric of a run, each with the sentence that says how it is computed.

Purpose: one table of figures that mean the same for every design. All come from the facts that the
event log holds (facts.py) and the path of prices; design_books (designs.py) alone adds what a
design does by construction: who keeps which record, and who sees what.
Ordering: METRICS is the order of the report. Units: in the name, last. A figure that does not exist (no
fails, so no age of fails) is None, never 0.
Cost: O(records) a metric, a sort at most. Known limits: rates of ASSUMED are assumptions, printed
in the report; the cost a trade is therefore a range.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from venue.comparison.designs import Books
from venue.comparison.facts import CASH, Deal, Facts, Outcome
from venue.comparison.flow import PricePoint
from venue.comparison.formulas import (
    HOURS_A_DAY,
    NS_PER_HOUR,
    bounds_yen,
    integral_hours,
    mean_move_yen,
    option_yen,
    peak,
    quantile,
    saving,
)

Figures = dict[str, float | None]


@dataclass(frozen=True, slots=True)
class Assumed:
    """Rates that no log holds; every one is an assumption and stands in the report.

    Attributes:
        daily_volatility: Of a token's price, a share.
        cash_rate: Cost of reserved cash a year, a share.
        lending_rate: Fee of locked tokens a year, a share.
        recovery: Share of a lost principal that is recovered.
        message_yen: From and to: one message or signature, processed and kept.
        minute_yen: From and to: one minute of staff.
        break_minutes: Work on a reconciliation break when the log does not say.
        compare_minutes: Work on one comparison that is not automatic.
        fixed_yen: From and to: infrastructure a trade and ledger, amortised.
    """

    daily_volatility: float = 0.003
    cash_rate: float = 0.01
    lending_rate: float = 0.005
    recovery: float = 0.0
    message_yen: tuple[float, float] = (0.1, 2.0)
    minute_yen: tuple[float, float] = (50.0, 120.0)
    break_minutes: float = 20.0
    compare_minutes: float = 0.5
    fixed_yen: tuple[float, float] = (5.0, 50.0)


@dataclass(frozen=True, slots=True)
class Seen:
    """All that a metric may look at."""

    facts: Facts
    prices: Sequence[PricePoint]
    books: Books
    assumed: Assumed
    record_ns: int | None = None


@dataclass(frozen=True, slots=True)
class Metric:
    """One column of the results.

    Attributes:
        name: Column name, unit last.
        label: Words of the report.
        group: Heading in the report.
        how: How the figure is computed, one sentence.
        of: The computation.
        by_design: Whether the design's construction decides it rather than what happened.
    """

    name: str
    label: str
    group: str
    how: str
    of: Callable[[Seen], float | None]
    by_design: bool = False


def measure(seen: Seen) -> Figures:
    """Every metric of one run."""
    return {metric.name: metric.of(seen) for metric in METRICS}


# --- exposure


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
        ends = [*(at for at, _, _ in changes[1:]), _end_of(deal, facts)][: len(changes)]
        for (at, more_token, more_cash), until in zip(changes, ends, strict=True):
            token, cash = token + more_token, cash + more_cash
            gap = token - cash
            if abs(gap) >= 1 and until > at:
                found.append((at, until, abs(gap), deal.seller if gap > 0 else deal.buyer))
    return found


def _end_of(deal: Deal, facts: Facts) -> int:
    """Where an unmatched leg stops counting: at the loss, else at the end of the log."""
    if deal.outcome is Outcome.SPLIT and deal.ended_ns is not None:
        return deal.ended_ns
    return max(facts.end_ns, deal.ended_ns or 0)


def _plain(seen: Seen) -> list[tuple[int, int, float]]:
    return [(start, end, yen) for start, end, yen, _ in exposures(seen.facts)]


def _peak_of_one(seen: Seen) -> float:
    by_firm: dict[str, list[tuple[int, int, float]]] = {}
    for start, end, yen, firm in exposures(seen.facts):
        by_firm.setdefault(firm, []).append((start, end, yen))
    return max((peak(one) for one in by_firm.values()), default=0.0)


def _loss(seen: Seen) -> float:
    split = sum(
        one.yen
        for one in seen.facts.losses
        if seen.facts.deals[one.deal_id].outcome is Outcome.SPLIT
    )
    return split * (1 - seen.assumed.recovery)


def _replacement_peak(seen: Seen) -> float:
    """Largest cost, at any cross, to replace all open trades whose price moved against a party."""
    events: list[tuple[int, int, object]] = []
    for deal in seen.facts.deals.values():
        if deal.seller != deal.buyer:
            events.append((deal.traded_ns, 1, deal))
            events.append((deal.ended_ns or seen.facts.end_ns, 2, deal))
    events += [(point.at_ns, 0, point) for point in seen.prices]
    events.sort(key=lambda one: one[:2])
    open_deals: dict[str, dict[str, Deal]] = {}
    cost: dict[str, float] = {}
    highest = 0.0
    for _, kind, what in events:
        if isinstance(what, PricePoint):
            deals = open_deals.get(what.issue, {})
            cost[what.issue] = sum(
                abs(one.units * what.price_sen / 100 - one.yen) for one in deals.values()
            )
            highest = max(highest, sum(cost.values()))
        elif isinstance(what, Deal):
            deals = open_deals.setdefault(what.issue, {})
            if kind == 1:
                deals[what.deal_id] = what
            else:
                deals.pop(what.deal_id, None)
    return highest


def _replacement_expected(seen: Seen) -> float:
    return sum(
        mean_move_yen(
            deal.yen, seen.assumed.daily_volatility, _open_hours(deal, seen) / HOURS_A_DAY
        )
        for deal in _between(seen.facts)
    )


def _open_hours(deal: Deal, seen: Seen) -> float:
    return ((deal.ended_ns or seen.facts.end_ns) - deal.traded_ns) / NS_PER_HOUR


def _between(facts: Facts) -> list[Deal]:
    """Obligations between two firms."""
    return [deal for deal in facts.deals.values() if deal.seller != deal.buyer]


# --- liquidity


def _flows(seen: Seen) -> list[tuple[str, str, int]]:
    return [(deal.buyer, deal.seller, deal.yen) for deal in seen.facts.deals.values()]


def _lower(seen: Seen) -> float:
    return bounds_yen(_flows(seen))[0]


def _upper(seen: Seen) -> float:
    return bounds_yen(_flows(seen))[1]


def _used(seen: Seen) -> float:
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


def _saving(seen: Seen) -> float | None:
    return saving(_upper(seen), _used(seen), _lower(seen))


def _efficiency(seen: Seen) -> float | None:
    gross = sum(deal.yen for deal in seen.facts.deals.values())
    return 1 - _lower(seen) / gross if gross else None


def _committed(seen: Seen) -> float:
    return float(sum(yen for (_, issue), yen in seen.facts.opening.items() if issue == CASH))


def _turnover(seen: Seen) -> float | None:
    committed = _committed(seen)
    settled = sum(deal.yen for deal in seen.facts.deals.values() if deal.final_ns is not None)
    return settled / committed if committed else None


def _lock_cost(seen: Seen) -> float:
    yearly = HOURS_A_DAY * 365
    cash = integral_hours(_lock_intervals(seen, of_cash=True)) * seen.assumed.cash_rate / yearly
    token = (
        integral_hours(_lock_intervals(seen, of_cash=False)) * seen.assumed.lending_rate / yearly
    )
    return cash + token


def _lock_intervals(
    seen: Seen, *, of_cash: bool, returned: bool | None = None
) -> list[tuple[int, int, float]]:
    """Locks as yen over time; units are valued at their trade's price."""
    found = []
    price = _mean_prices(seen.facts)
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


def _mean_prices(facts: Facts) -> dict[str, float]:
    """Yen a unit of each issue over all obligations; for locks of a whole batch."""
    yen: dict[str, int] = {}
    units: dict[str, int] = {}
    for deal in facts.deals.values():
        yen[deal.issue] = yen.get(deal.issue, 0) + deal.yen
        units[deal.issue] = units.get(deal.issue, 0) + deal.units
    return {issue: total / max(1, units[issue]) for issue, total in yen.items()}


# --- time


def _delay(seen: Seen) -> float | None:
    """Leinonen-Soramaki: time queued, over time that could be queued until the deadline."""
    queued = possible = 0.0
    for deal in seen.facts.deals.values():
        ready = _ready(deal)
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


def _ready(deal: Deal) -> int | None:
    if deal.token_ready_ns is None or deal.cash_ready_ns is None:
        return None
    return max(deal.token_ready_ns, deal.cash_ready_ns)


def _finality(share: float) -> Callable[[Seen], float | None]:
    def of(seen: Seen) -> float | None:
        hours = [
            (deal.final_ns - deal.traded_ns) / NS_PER_HOUR
            for deal in seen.facts.deals.values()
            if deal.final_ns is not None
        ]
        return quantile(hours, share)

    return of


def _mechanism(seen: Seen) -> float | None:
    minutes = [
        (deal.final_ns - ready) / NS_PER_HOUR * 60
        for deal in seen.facts.deals.values()
        if deal.final_ns is not None and (ready := _ready(deal)) is not None
    ]
    return quantile(minutes, 0.5)


def _late(seen: Seen) -> float | None:
    deals = list(seen.facts.deals.values())
    late = sum(deal.final_ns is None or deal.final_ns > deal.due_ns for deal in deals)
    return late / len(deals) if deals else None


def _wait(seen: Seen) -> float | None:
    weight = sum(deal.yen for deal in seen.facts.deals.values())
    waited = sum(
        deal.yen * sum(end - start for start, end in deal.waits)
        for deal in seen.facts.deals.values()
    )
    return waited / weight / NS_PER_HOUR if weight else None


def _queue_peak(seen: Seen) -> float:
    return peak((start, end, 1.0) for d in seen.facts.deals.values() for start, end in d.waits)


# --- settlement and fails


def _settled(by_value: bool) -> Callable[[Seen], float | None]:
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


def _fails(seen: Seen) -> float | None:
    deals = list(seen.facts.deals.values())
    return sum(_has_failed(deal) for deal in deals) / len(deals) if deals else None


def _has_failed(deal: Deal) -> bool:
    return deal.failed or deal.final_ns is None or deal.final_ns > deal.due_ns


def _ages(seen: Seen) -> list[float]:
    return [
        max(0, (deal.ended_ns or seen.facts.end_ns) - deal.due_ns) / NS_PER_HOUR
        for deal in seen.facts.deals.values()
        if _has_failed(deal)
    ]


def _age(seen: Seen) -> float | None:
    return quantile(_ages(seen), 0.5)


def _chain(seen: Seen) -> float:
    """Longest chain of fails in one issue: the buyer of one is the seller of a later one."""
    longest: dict[tuple[str, str], int] = {}
    best = 0
    failed = [deal for deal in seen.facts.deals.values() if _has_failed(deal)]
    for deal in sorted(failed, key=lambda one: (one.traded_ns, one.deal_id)):
        if deal.seller == deal.buyer:
            continue
        length = longest.get((deal.seller, deal.issue), 0) + 1
        place = (deal.buyer, deal.issue)
        longest[place] = max(longest.get(place, 0), length)
        best = max(best, length)
    return float(best)


def _cured(how: str) -> Callable[[Seen], float]:
    return lambda seen: float(sum(how in d.cured_by for d in seen.facts.deals.values()))


# --- options


def _option(seen: Seen) -> float:
    total = 0.0
    for lock in seen.facts.locks:
        if lock.option_until_ns:
            deal = seen.facts.deals[lock.deal_id]
            hours = (lock.option_until_ns - lock.from_ns) / NS_PER_HOUR
            total += option_yen(deal.yen, seen.assumed.daily_volatility, hours)
    return total


def _griefing(seen: Seen) -> float:
    intervals = [
        (lock.from_ns, lock.until_ns, float(seen.facts.deals[lock.deal_id].yen))
        for lock in seen.facts.locks
        if lock.option_until_ns and lock.returned
    ]
    return integral_hours(intervals)


# --- work


def _comparisons(seen: Seen) -> float:
    return float(seen.books.comparisons * len(seen.facts.deals))


def _minutes(seen: Seen) -> float:
    by_hand = _comparisons(seen) * (1 - seen.books.automatic) * seen.assumed.compare_minutes
    return by_hand + sum(minutes for _, minutes in seen.facts.breaks)


def _messages(outcome: Callable[[Deal], bool]) -> Callable[[Seen], float | None]:
    def of(seen: Seen) -> float | None:
        chosen = [deal for deal in seen.facts.deals.values() if outcome(deal)]
        if not chosen:
            return None
        return sum(seen.facts.messages_of.get(deal.deal_id, 0) for deal in chosen) / len(chosen)

    return of


def _cost(end: int) -> Callable[[Seen], float | None]:
    def of(seen: Seen) -> float | None:
        count = len(seen.facts.deals)
        if not count:
            return None
        a = seen.assumed
        total = (seen.facts.messages + seen.facts.signatures) * a.message_yen[end]
        total += _minutes(seen) * a.minute_yen[end]
        total += seen.books.ledgers * a.fixed_yen[end] * count
        total += _lock_cost(seen) + sum(seen.facts.penalties.values()) + _loss(seen) + _option(seen)
        return total / count

    return of


# --- availability, privacy, register, fairness


def _during_outage(seen: Seen) -> float | None:
    outages = [(one.from_ns, one.until_ns) for one in seen.facts.outages]
    due = settled = 0
    for deal in seen.facts.deals.values():
        ready = _ready(deal)
        if ready is None:
            continue
        for start, end in outages:
            if start <= ready < end or (ready < start <= (deal.final_ns or seen.facts.end_ns)):
                due += deal.yen
                settled += deal.yen if deal.final_ns is not None and deal.final_ns <= end else 0
                break
    return settled / due if due else None


def _recovery(seen: Seen) -> float | None:
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


def _stuck(seen: Seen) -> float:
    ended = {deal.deal_id for deal in seen.facts.deals.values() if deal.ended_ns is not None}
    return sum(deal.yen for deal in seen.facts.deals.values() if deal.deal_id not in ended)


def _privacy(seen: Seen) -> float:
    return float(seen.books.strangers_facts * len(seen.facts.deals))


def _register_lag(seen: Seen) -> float | None:
    lags = [
        (deal.final_ns - min(at for at, _ in deal.token_done)) / NS_PER_HOUR
        for deal in seen.facts.deals.values()
        if deal.final_ns is not None and deal.token_done
    ]
    shown = [lag + seen.books.register_lag_h for lag in lags]
    return quantile(shown, 0.5)


def _register_error(seen: Seen) -> float | None:
    """Units at the end that the contracts say should have moved and the register has not."""
    due = sum(deal.units for deal in _between(seen.facts) if deal.due_ns <= seen.facts.end_ns)
    wrong = 0
    for deal in _between(seen.facts):
        moved = sum(units for at, units in deal.token_done if at <= deal.due_ns)
        wrong += abs(deal.units - moved) if deal.due_ns <= seen.facts.end_ns else 0
    return wrong / due if due else None


def _fairness(seen: Seen) -> float | None:
    """Fail rate of the smallest third of trades less that of the largest third."""
    deals = sorted(_between(seen.facts), key=lambda one: one.yen)
    third = len(deals) // 3
    if not third:
        return None
    small, large = deals[:third], deals[-third:]
    return (sum(map(_has_failed, small)) - sum(map(_has_failed, large))) / third


def _of_cause(seen: Seen) -> float:
    return float(sum(one.ns for one in seen.facts.delays) / NS_PER_HOUR)


METRICS: Final[tuple[Metric, ...]] = (
    Metric("principal_peak_yen", "Principal exposure, peak", "Principal risk",
           "Largest sum, at one time, of the value of obligations with one leg irrevocable and the other neither irrevocable nor guaranteed.",
           lambda seen: peak(_plain(seen))),
    Metric("principal_peak_of_one_firm_yen", "… of one firm, peak", "Principal risk",
           "The same for the most exposed firm alone.", _peak_of_one),
    Metric("principal_integral_yen_h", "Principal exposure, integral", "Principal risk",
           "Value times hours of those stretches, summed.", lambda seen: integral_hours(_plain(seen))),
    Metric("principal_intervals", "Stretches of principal exposure", "Principal risk",
           "Number of those stretches.", lambda seen: float(len(exposures(seen.facts)))),
    Metric("principal_loss_yen", "Principal lost", "Principal risk",
           "Value of the legs that stayed one-sided (SPLIT), less recovery.", _loss),
    Metric("splits", "Obligations that ended SPLIT", "Principal risk",
           "Number of obligations of which one leg is final and the other cannot be.",
           lambda seen: float(sum(d.outcome is Outcome.SPLIT for d in seen.facts.deals.values()))),
    Metric("replacement_peak_yen", "Replacement cost, peak", "Replacement cost",
           "Largest sum, at any cross, of |units × price − agreed yen| over open trades between firms: what one side of each would lose if the other vanished.",
           _replacement_peak),
    Metric("replacement_expected_yen", "Replacement cost, expected", "Replacement cost",
           "Sum over trades of v·σ·√τ·√(2/π), τ the time from trade to end.", _replacement_expected),
    Metric("liquidity_lower_yen", "Liquidity, lower bound", "Liquidity",
           "Sum over firms of net outflow if all settled at once.", _lower),
    Metric("liquidity_upper_yen", "Liquidity, upper bound", "Liquidity",
           "Sum over firms of the deepest cumulative net outflow if each settled as it came.", _upper),
    Metric("liquidity_used_yen", "Liquidity used", "Liquidity",
           "Sum over firms of the largest amount of own yen paid or reserved beyond what came in.", _used),
    Metric("committed_yen", "Yen committed", "Liquidity",
           "Yen with which all firms together began, by the cell's liquidity.", _committed),
    Metric("liquidity_saving", "Liquidity saved", "Liquidity",
           "(upper − used) / (upper − lower): 1 as little as possible, 0 as much as gross settlement in order.", _saving),
    Metric("netting_efficiency", "Netting efficiency", "Liquidity",
           "1 − lower bound / gross value: what netting could save at most.", _efficiency),
    Metric("turnover_ratio", "Turnover of committed cash", "Liquidity",
           "Value settled over yen with which the firms began.", _turnover),
    Metric("funding_cost_yen", "Cost of reserved cash and locked tokens", "Liquidity",
           "Reserved yen × time × cash rate plus locked value × time × lending rate.", _lock_cost),
    Metric("lock_cash_yen_h", "Cash locked", "Lock time",
           "Yen times hours in RESERVED or LOCKED.", lambda s: integral_hours(_lock_intervals(s, of_cash=True))),
    Metric("lock_token_yen_h", "Tokens locked", "Lock time",
           "Units in RESERVED or LOCKED, at their trade's price (in a batch the issue's mean price), times hours.",
           lambda s: integral_hours(_lock_intervals(s, of_cash=False))),
    Metric("lock_wasted_yen_h", "Locked for nothing", "Lock time",
           "Both of the above, of locks that ended RETURNED.",
           lambda s: integral_hours(_lock_intervals(s, of_cash=True, returned=True))
           + integral_hours(_lock_intervals(s, of_cash=False, returned=True))),
    Metric("settlement_delay", "Settlement delay", "Time",
           "Value × time queued over value × time that could be queued until the deadline; 0 none, 1 all.", _delay),
    Metric("finality_p50_h", "Time to finality, median", "Time",
           "Hours from trade to both legs irrevocable, over settled trades.", _finality(0.5)),
    Metric("finality_p95_h", "… 95%", "Time", "As above.", _finality(0.95)),
    Metric("finality_p99_h", "… 99%", "Time", "As above.", _finality(0.99)),
    Metric("mechanism_p50_min", "Delay of the mechanism", "Time",
           "Median minutes from the moment both sides could give to finality.", _mechanism),
    Metric("late_share", "Beyond the cut-off", "Time",
           "Share of trades not final by the deadline of their date.", _late),
    Metric("queue_peak", "Longest queue", "Queue", "Largest number of obligations waiting at one time.", _queue_peak),
    Metric("queue_wait_h", "Wait in the queue", "Queue", "Hours waited, weighted by value over all trades.", _wait),
    Metric("gridlocks", "Gridlocks", "Queue", "Moments at which the queue could move only as a set.", lambda s: float(s.facts.gridlocks)),
    Metric("deadlocks", "Deadlocks", "Queue", "Moments at which no set could move.", lambda s: float(s.facts.deadlocks)),
    Metric("offset_released", "Released by offsetting", "Queue", "Obligations that offsetting settled.", lambda s: float(s.facts.offset_released)),
    Metric("offset_rounds", "Offsetting rounds", "Queue", "How often offsetting was run.", lambda s: float(s.facts.offset_rounds)),
    Metric("settled_share", "Settled on time, by number", "Fails",
           "Trades final by their deadline over all.", _settled(by_value=False)),
    Metric("settled_value_share", "Settled on time, by value", "Fails",
           "The same, weighted by value.", _settled(by_value=True)),
    Metric("fail_rate", "Fail rate", "Fails", "Trades still open after their deadline over all due.", _fails),
    Metric("fail_age_p50_h", "Age of fails, median", "Fails", "Hours from the deadline to the end of the obligation or of the run.", _age),
    Metric("fail_age_max_h", "Age of fails, longest", "Fails", "As above.", lambda s: max(_ages(s), default=None)),
    Metric("fail_chain", "Longest chain of fails", "Fails", "Fails in one issue of which each buyer is the next one's seller.", _chain),
    Metric("cured_by_partial", "Helped by a partial", "Fails", "Obligations that settled in parts.", _cured("partial")),
    Metric("cured_by_offset", "Helped by offsetting", "Fails", "Obligations that settled in an offset set.", _cured("offset")),
    Metric("cured_by_buy_in", "Ended by buy-in", "Fails", "Obligations that ended by buy-in or cash compensation.", _cured("buy_in")),
    Metric("penalties_yen", "Penalties", "Fails", "Penalties charged: value × rate × days of each fail.", lambda s: float(sum(s.facts.penalties.values()))),
    Metric("option_yen", "Free option", "Options",
           "v·σ·√τ/√(2π), τ from the second lock to its expiry: the stretch in which one side alone may choose whether both legs complete.", _option),
    Metric("griefing_yen_h", "Griefing", "Options", "Value times hours locked by a follower whose leader walked away.", _griefing),
    Metric("comparisons", "Reconciliations by design", "Work",
           "Facts × pairs of records kept apart that must be compared, once a trade.", _comparisons, by_design=True),
    Metric("comparisons_automatic", "… of them automatic", "Work", "Share of comparisons done on a ledger or file without a person.", lambda s: s.books.automatic, by_design=True),
    Metric("breaks", "Reconciliation breaks", "Work", "Comparisons that failed and were repaired by hand.", lambda s: float(len(s.facts.breaks))),
    Metric("staff_minutes", "Staff minutes", "Work", "Comparisons by hand and breaks, times minutes each.", _minutes),
    Metric("messages_a_trade", "Messages a trade", "Work", "Messages sent over all trades.", _messages(lambda _: True)),
    Metric("messages_a_fail", "… of a failed one", "Work", "Over trades that failed.", _messages(_has_failed)),
    Metric("messages_a_cancel", "… of a cancelled one", "Work", "Over trades that were cancelled.", _messages(lambda d: d.outcome is Outcome.CANCELLED)),
    Metric("signatures_a_trade", "Signatures a trade", "Work", "Signatures made over all trades.",
           lambda s: s.facts.signatures / len(s.facts.deals) if s.facts.deals else None),
    Metric("cost_low_yen", "Cost a trade, low", "Cost", "Messages, staff, ledgers, funding, penalties, loss and option, at the low rates.", _cost(0)),
    Metric("cost_high_yen", "Cost a trade, high", "Cost", "The same at the high rates.", _cost(1)),
    Metric("settled_in_outage", "Settled during outages", "Availability", "Of the value ready before or in an outage and not settled before it, the share settled by its end.", _during_outage),
    Metric("recovery_h", "Recovery", "Availability", "Hours from the end of the longest outage until the last lock that was live then had ended.", _recovery),
    Metric("stuck_yen", "Stuck at the end", "Availability", "Value of obligations that had not ended when the run did.", _stuck),
    Metric("strangers_facts", "Facts seen by strangers", "Privacy", "Facts of a trade that reach nodes of neither party, by design, over all trades.", _privacy, by_design=True),
    Metric("register_lag_h", "Lag of the register", "Register", "Median hours between units moving and the obligation's finality, plus the register's own cycle.", _register_lag),
    Metric("register_error", "Error of the register", "Register", "Units due by the end of the run that had not moved by their deadline, over units due.", _register_error),
    Metric("fairness_gap", "Fairness", "Fairness", "Fail rate of the smallest third of trades less that of the largest third.", _fairness),
    Metric("fault_delay_h", "Delay attributed to faults", "Faults", "Hours of delay that the log attributes to a fault.", _of_cause),
    Metric("faults_applied", "Faults applied", "Faults", "Number of faults that were applied.", lambda s: float(s.facts.faults)),
)  # fmt: skip
