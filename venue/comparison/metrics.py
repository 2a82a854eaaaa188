"""Every metric of a run, each with the sentence that says how it is computed.

Purpose: one table of figures that mean the same for every design. All come from the facts that the
event log holds (facts.py) and the path of prices; design_books (designs.py) alone adds what a
design does by construction: who keeps which record, and who sees what.
Ordering: METRICS is the order of the report. Units: in the name, last. A figure that does not exist (no
fails, so no age of fails) is None, never 0.
Cost: O(records) a metric, a sort at most. Known limits: rates of ASSUMED are assumptions, printed
in the report; the cost a trade is therefore a range.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from venue.comparison.exposure import (
    at_risk,
    exposures,
    free_option,
    griefing,
    peak_of_one_firm,
    principal_lost,
    replacement_expected,
    replacement_peak,
)
from venue.comparison.facts import Outcome
from venue.comparison.formulas import integral_hours, peak
from venue.comparison.liquidity import (
    committed_yen,
    liquidity_lower,
    liquidity_saving,
    liquidity_upper,
    liquidity_used,
    lock_cost,
    lock_intervals,
    netting_efficiency,
    turnover,
)
from venue.comparison.money import (
    idle_yen_h,
    in_flight_peak,
    issuer_loss,
    issuer_struck,
    money_cost,
)
from venue.comparison.seen import Assumed, Seen, has_failed
from venue.comparison.timing import (
    age_of_fails,
    ages_of_fails,
    cured_by,
    delay_share,
    fail_rate,
    fairness_gap,
    fault_delay,
    late_share,
    longest_chain,
    mechanism_delay,
    queue_peak,
    queue_wait,
    recovery_hours,
    register_error,
    register_lag,
    settled_in_outage,
    settled_on_time,
    stuck_yen,
    time_to_finality,
)
from venue.comparison.work import (
    comparisons,
    cost_a_trade,
    messages_each,
    staff_minutes,
    strangers_facts,
)

__all__ = ["METRICS", "Assumed", "Figures", "Metric", "Seen", "exposures", "measure"]

Figures = dict[str, float | None]


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


METRICS: Final[tuple[Metric, ...]] = (
    Metric("principal_peak_yen", "Principal exposure, peak", "Principal risk",
           "Largest sum, at one time, of the value of obligations with one leg irrevocable and the other neither irrevocable nor guaranteed.",
           lambda seen: peak(at_risk(seen))),
    Metric("principal_peak_of_one_firm_yen", "… of one firm, peak", "Principal risk",
           "The same for the most exposed firm alone.", peak_of_one_firm),
    Metric("principal_integral_yen_h", "Principal exposure, integral", "Principal risk",
           "Value times hours of those stretches, summed.", lambda seen: integral_hours(at_risk(seen))),
    Metric("principal_intervals", "Stretches of principal exposure", "Principal risk",
           "Number of those stretches.", lambda seen: float(len(exposures(seen.facts)))),
    Metric("principal_loss_yen", "Principal lost", "Principal risk",
           "Value of the legs that stayed one-sided (SPLIT), less recovery.", principal_lost),
    Metric("splits", "Obligations that ended SPLIT", "Principal risk",
           "Number of obligations of which one leg is final and the other cannot be.",
           lambda seen: float(sum(d.outcome is Outcome.SPLIT for d in seen.facts.deals.values()))),
    Metric("house_loss_yen", "Loss of the house", "Principal risk",
           "2% of what a house paid for units that it took from defaulters, over all lines of its waterfall; its members' and its own money, nobody's principal. Part of the cost a trade.",
           lambda s: float(s.facts.house_loss)),
    Metric("replacement_peak_yen", "Replacement cost, peak", "Replacement cost",
           "Largest sum, at any cross, of |units × price − agreed yen| over open trades between firms, each at the last price of its issue: what one side of each would lose if the other vanished.",
           replacement_peak),
    Metric("replacement_expected_yen", "Replacement cost, expected", "Replacement cost",
           "Sum over trades of v·σ·√τ·√(2/π), τ the time from trade to end.", replacement_expected),
    Metric("liquidity_lower_yen", "Liquidity, lower bound", "Liquidity",
           "Sum over firms of net outflow if all settled at once.", liquidity_lower),
    Metric("liquidity_upper_yen", "Liquidity, upper bound", "Liquidity",
           "Sum over firms of the deepest cumulative net outflow if each settled as it came.", liquidity_upper),
    Metric("liquidity_used_yen", "Liquidity used", "Liquidity",
           "Sum over firms of the largest amount of own yen paid or reserved beyond what came in.", liquidity_used),
    Metric("collected_yen", "Fund and margin collected", "Liquidity",
           "Yen that a guarantee fund, or a house's margin, fund and own capital, take before the run.", lambda s: float(s.facts.collected)),
    Metric("committed_yen", "Yen committed", "Liquidity",
           "All yen at the start: of the firms, by the cell's liquidity, and what a fund or a house had collected before.", committed_yen),
    Metric("liquidity_saving", "Liquidity saved", "Liquidity",
           "(upper − used) / (upper − lower): 1 as little as possible, 0 as much as gross settlement in order.", liquidity_saving),
    Metric("netting_efficiency", "Netting efficiency", "Liquidity",
           "1 − lower bound / gross value: what netting could save at most.", netting_efficiency),
    Metric("turnover_ratio", "Turnover of committed cash", "Liquidity",
           "Value settled over yen committed.", turnover),
    Metric("funding_cost_yen", "Cost of reserved cash and locked tokens", "Liquidity",
           "Reserved yen × time × cash rate plus locked value × time × lending rate.", lock_cost),
    Metric("in_flight_peak_yen", "Yen on their way, peak", "Money",
           "Largest sum of yen held for a payee, or ordered and not paid, at one time.", in_flight_peak),
    Metric("idle_money_yen_h", "Yen resting in the money", "Money",
           "Yen kept as coins and not held, times hours from the first trade to the last end; 0 where they rest in a deposit.", idle_yen_h),
    Metric("issuer_loss_yen", "Loss if the money's issuer fails", "Money",
           "All yen with which the firms began, less the recovery; 0 where a trust keeps them apart.", issuer_loss),
    Metric("issuer_struck_yen", "Lost when it failed", "Money",
           "All yen held when a fault plan lets the issuer fail (F31), free or set aside, less the strike's recovery; whoever holds them loses them, so it is no principal of a trade and not in the cost.", issuer_struck),
    Metric("money_cost_yen", "Cost of the money", "Money",
           "Interest missed on what rests in the money, and the bank's fee for each transfer, at the high rates; in the cost a trade.",
           lambda seen: money_cost(1, seen)),
    Metric("lock_cash_yen_h", "Cash locked", "Lock time",
           "Yen times hours in RESERVED or LOCKED.", lambda s: integral_hours(lock_intervals(s, of_cash=True))),
    Metric("lock_token_yen_h", "Tokens locked", "Lock time",
           "Units in RESERVED or LOCKED, at their trade's price (in a batch the issue's mean price), times hours.",
           lambda s: integral_hours(lock_intervals(s, of_cash=False))),
    Metric("lock_wasted_yen_h", "Locked for nothing", "Lock time",
           "Both of the above, of locks that ended RETURNED.",
           lambda s: integral_hours(lock_intervals(s, of_cash=True, returned=True))
           + integral_hours(lock_intervals(s, of_cash=False, returned=True))),
    Metric("settlement_delay", "Settlement delay", "Time",
           "Value × time queued over value × time that could be queued until the deadline; 0 none, 1 all.", delay_share),
    Metric("finality_p50_h", "Time to finality, median", "Time",
           "Hours from trade to both legs irrevocable, over settled trades.", time_to_finality(0.5)),
    Metric("finality_p95_h", "… 95%", "Time", "As above.", time_to_finality(0.95)),
    Metric("finality_p99_h", "… 99%", "Time", "As above.", time_to_finality(0.99)),
    Metric("mechanism_p50_min", "Delay of the mechanism", "Time",
           "Median minutes from the moment both sides could give to finality.", mechanism_delay),
    Metric("late_share", "Beyond the cut-off", "Time",
           "Share of trades not final by the deadline of their date.", late_share),
    Metric("queue_peak", "Longest queue", "Queue", "Largest number of obligations waiting at one time.", queue_peak),
    Metric("queue_wait_h", "Wait in the queue", "Queue", "Hours waited, weighted by value over all trades.", queue_wait),
    Metric("gridlocks", "Gridlocks", "Queue", "Moments at which the queue could move only as a set.", lambda s: float(s.facts.gridlocks)),
    Metric("deadlocks", "Deadlocks", "Queue", "Moments at which no set could move.", lambda s: float(s.facts.deadlocks)),
    Metric("offset_released", "Released by offsetting", "Queue", "Obligations that offsetting settled.", lambda s: float(s.facts.offset_released)),
    Metric("offset_rounds", "Offsetting rounds", "Queue", "How often offsetting was run.", lambda s: float(s.facts.offset_rounds)),
    Metric("settled_share", "Settled on time, by number", "Fails",
           "Trades final by their deadline over all.", settled_on_time(by_value=False)),
    Metric("settled_value_share", "Settled on time, by value", "Fails",
           "The same, weighted by value.", settled_on_time(by_value=True)),
    Metric("fail_rate", "Fail rate", "Fails", "Trades that were not final by their deadline, whatever became of them, over all.", fail_rate),
    Metric("fail_age_p50_h", "Age of fails, median", "Fails", "Hours from the deadline to the end of the obligation or of the run.", age_of_fails),
    Metric("fail_age_max_h", "Age of fails, longest", "Fails", "As above.", lambda s: max(ages_of_fails(s), default=None)),
    Metric("fail_chain", "Longest chain of fails", "Fails", "Fails in one issue of which each buyer is the next one's seller.", longest_chain),
    Metric("cured_by_partial", "Helped by a partial", "Fails", "Obligations that settled in parts.", cured_by("partial")),
    Metric("cured_by_offset", "Helped by offsetting", "Fails", "Obligations that settled in an offset set.", cured_by("offset")),
    Metric("cured_by_buy_in", "Ended by buy-in", "Fails", "Obligations that ended by buy-in or cash compensation.", cured_by("buy_in")),
    Metric("bought_in_units", "… with units bought", "Fails", "Of these, those whose buyer got units that a third party had free, at the issue's last price; the others ended in money.", cured_by("bought")),
    Metric("penalties_yen", "Penalties", "Fails", "Last price × open units × 1 basis point, at the deadline and every business day after it, from who keeps the obligation open.", lambda s: float(sum(s.facts.penalties.values()))),
    Metric("buy_in_yen", "Buy-ins and compensations", "Fails",
           "Over fails that were bought in or ended in money, from who failed: max(0, price × units − agreed yen) when units were missing, max(0, agreed yen − price × units) when yen were; price: the issue's last cross. Part of the cost a trade.",
           lambda s: float(sum(s.facts.bought_in.values()))),
    Metric("option_yen", "Free option", "Options",
           "v·σ·√τ/√(2π), τ from the second lock to its expiry: the stretch in which one side alone may choose whether both legs complete.", free_option),
    Metric("griefing_yen_h", "Griefing", "Options", "Value times hours locked by a follower whose leader walked away.", griefing),
    Metric("comparisons", "Reconciliations by design", "Work",
           "Facts × pairs of records kept apart that must be compared, once a trade.", comparisons, by_design=True),
    Metric("comparisons_automatic", "… of them automatic", "Work", "Share of comparisons done on a ledger or file without a person.", lambda s: s.books.automatic, by_design=True),
    Metric("breaks", "Reconciliation breaks", "Work", "Comparisons that failed and were repaired by hand.", lambda s: float(len(s.facts.breaks))),
    Metric("staff_minutes", "Staff minutes", "Work", "Comparisons by hand and breaks, times minutes each.", staff_minutes),
    Metric("messages_a_trade", "Messages a trade", "Work", "Messages sent over all trades.", messages_each(lambda _: True)),
    Metric("messages_a_fail", "… of a failed one", "Work", "Over trades that failed.", messages_each(has_failed)),
    Metric("messages_a_cancel", "… of a cancelled one", "Work", "Over trades that were cancelled.", messages_each(lambda d: d.outcome is Outcome.CANCELLED)),
    Metric("signatures_a_trade", "Signatures a trade", "Work", "Signatures made over all trades.",
           lambda s: s.facts.signatures / len(s.facts.deals) if s.facts.deals else None),
    Metric("cost_low_yen", "Cost a trade, low", "Cost", "Messages, staff, ledgers, funding, money, penalties, loss and option, at the low rates.", cost_a_trade(0)),
    Metric("cost_high_yen", "Cost a trade, high", "Cost", "The same at the high rates.", cost_a_trade(1)),
    Metric("settled_in_outage", "Settled during outages", "Availability", "Of the value ready before or in an outage and not settled before it, the share settled by its end.", settled_in_outage),
    Metric("recovery_h", "Recovery", "Availability", "Hours from the end of the longest outage until the last lock that was live then had ended.", recovery_hours),
    Metric("stuck_yen", "Stuck at the end", "Availability", "Value of obligations that had not ended when the run did.", stuck_yen),
    Metric("strangers_facts", "Facts seen by strangers", "Privacy", "Facts of a trade that reach nodes of neither party, by design, over all trades.", strangers_facts, by_design=True),
    Metric("register_lag_h", "Lag of the register", "Register", "Median hours between units moving and the obligation's finality, plus the register's own cycle.", register_lag),
    Metric("register_error", "Error of the register", "Register", "Units due by the end of the run that had not moved by their deadline, over units due.", register_error),
    Metric("fairness_gap", "Fairness", "Fairness", "Fail rate of the smallest third of trades less that of the largest third.", fairness_gap),
    Metric("fault_delay_h", "Delay attributed to faults", "Faults", "Hours of delay that the log attributes to a fault.", fault_delay),
    Metric("faults_applied", "Faults applied", "Faults", "Number of faults that were applied.", lambda s: float(s.facts.faults)),
)  # fmt: skip
