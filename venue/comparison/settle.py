"""One cell: settle a flow under a design and measure what the event log says.

Purpose: join the flow, the fault plan and the funding of a cell to a case, run it, and turn the log into a row:
figures, attributed losses and delays, digest. Cost: tens of microseconds a record.
"""

import gc
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Final, Protocol

from settlement.trials.desk import LATENCY_NS
from settlement.trials.records import Case, LogRecord, Strike, TrialTrade
from settlement.trials.trial import log_digest, run_trial
from venue.comparison.auditor import Auditor
from venue.comparison.designs import BY_KEY
from venue.comparison.facts import Deal, Facts
from venue.comparison.faultplans import BY_KEY as FAMILY
from venue.comparison.faultplans import Strikes, draw_plan
from venue.comparison.flow import Flow, FlowTrade
from venue.comparison.formulas import NS_PER_HOUR
from venue.comparison.metrics import Assumed, Seen, measure
from venue.comparison.money import MONEY_BY_KEY, issuer_of
from venue.comparison.reading import plain, read_log
from venue.comparison.statements import Statements

LIQUIDITY: Final = {"lower": 0, "mid": 50, "upper": 100}
"""Hundredths of the way from the lower to the upper liquidity bound."""


class CellLike(Protocol):
    """What of a cell decides its settlement."""

    @property
    def design(self) -> str: ...  # noqa: D102
    @property
    def horizon(self) -> int: ...  # noqa: D102
    @property
    def faults(self) -> str: ...  # noqa: D102
    @property
    def liquidity(self) -> str: ...  # noqa: D102
    @property
    def seed(self) -> int: ...  # noqa: D102
    @property
    def money(self) -> str: ...  # noqa: D102


def case_of(flow: Flow, cell: CellLike) -> Case:
    """The case of a cell: its trades, and the strikes that can act on its design."""
    first = min(trade.at_ns for trade in flow.trades)
    strikes = []
    for fault in draw_plan(flow.trades, cell.faults, cell.seed):
        family = FAMILY[fault.family]
        if cell.design not in family.designs:
            continue
        later = family.kinds.index(fault.kind) * LATENCY_NS  # each kind meets a later step
        after = fault.at_ns - first
        if family.strikes is Strikes.DEAL:
            after = later
        elif family.strikes is Strikes.FIRM:
            after = later if cell.horizon else after + later
        strike = Strike(fault.family, fault.kind, fault.target, fault.side, after, fault.for_ns)
        if fault.family == "F31":  # who issues the money, and what it is worth then, is the cell's
            kind = "apart" if MONEY_BY_KEY[cell.money].is_apart else fault.kind
            strike = strike._replace(kind=kind, target=issuer_of(cell.design, cell.money))
        strikes.append(strike)
    trades = tuple(_trade(one) for one in flow.trades)
    liquidity = LIQUIDITY[cell.liquidity]
    return Case(
        cell.design, cell.horizon, liquidity, trades, tuple(strikes), cell.seed,
        by_file=MONEY_BY_KEY[cell.money].by_file,
    )  # fmt: skip


def settle_cell(flow: Flow, cell: CellLike, *, audit: bool = False) -> dict[str, Any]:
    """Figures, attributed losses and delays, and the digest of one cell.

    Args:
        flow: The trades and prices.
        cell: How they are settled.
        audit: Let both auditors read the log as well; ``findings`` is what they found, in words.
    """
    with _collector_paused():
        return _settle(flow, cell, audit=audit)


@contextmanager
def _collector_paused() -> Iterator[None]:
    """A cell keeps nearly all it makes until it ends, so looking for what can go is a tenth of its time."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


def _settle(flow: Flow, cell: CellLike, *, audit: bool) -> dict[str, Any]:
    prices = tuple((one.at_ns, one.issue, one.price_sen) for one in flow.prices)
    log = run_trial(case_of(flow, cell)._replace(prices=prices))
    facts = read_log(log)
    seen = Seen(facts, flow.prices, BY_KEY[cell.design].books, Assumed(), money=cell.money)
    return {
        "trades": len(flow.trades),
        "digest": log_digest(log),
        "attributed": _attributed(facts),
        "findings": _audited(log, prices) if audit else [],
        **measure(seen),
    }


def _audited(log: Sequence[LogRecord], prices: Sequence[tuple[int, str, int]]) -> list[str]:
    records = plain(log)
    return [*Auditor().read(records), *Statements(prices).read(records)]


def _attributed(facts: Facts) -> list[dict[str, Any]]:
    """Losses and delays summed by family and by who caused and who bore them, in roles."""
    sums: dict[tuple[str, str, str], list[float]] = {}
    for loss in facts.losses:
        deal = facts.deals[loss.deal_id]
        place = (loss.family, _role(loss.cause, deal), _role(loss.bearer, deal))
        sums.setdefault(place, [0, 0, 0.0])[1] += loss.yen
        sums[place][0] += 1
    for lost in facts.written_down:
        place = (lost.family, lost.cause, f"who held them, {lost.held}")
        sums.setdefault(place, [0, 0, 0.0])[1] += lost.yen
        sums[place][0] += 1
    for delay in facts.delays:
        deal = facts.deals[delay.deal_id]
        cause = _role(delay.cause, deal)
        bearer = {"seller": "buyer", "buyer": "seller"}.get(cause, "both sides")
        place = (delay.family, cause, bearer)
        sums.setdefault(place, [0, 0, 0.0])[2] += delay.ns / NS_PER_HOUR
        sums[place][0] += 1
    return [
        {"family": family, "cause": cause, "bearer": bearer, "cases": cases, "yen": yen,
         "delay_h": round(hours, 6)}
        for (family, cause, bearer), (cases, yen, hours) in sums.items()
    ]  # fmt: skip


def _role(name: str, deal: Deal) -> str:
    """A firm as its side of the obligation; anyone else by name."""
    return {deal.seller: "seller", deal.buyer: "buyer"}.get(name, name)


def _trade(one: FlowTrade) -> TrialTrade:
    return TrialTrade(
        str(one.trade_id), one.at_ns, one.day, one.issue, one.seller, one.buyer, one.units, one.yen
    )
