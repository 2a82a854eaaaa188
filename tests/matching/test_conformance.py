"""An outside judge of the engine: the FIFO profiles and traps of ``tracebook-conformance``.

What the adapter adds, and what is therefore not covered, stands in tests/conformance_adapter.py;
``make conformance`` runs the same at length, each run in a process of its own.
"""

from pathlib import Path

import pytest
from books import BOOKS
from conformance import POLICIES, PROFILES, preventing, process_on
from conformance_adapter import adapter_on
from tracebook.conformance import (
    ConformanceConfig,
    ConformanceError,
    copy_bundled_conformance_suite,
    run_campaign,
    run_conformance,
    run_qualification,
)
from tracebook.core.order import SelfTradePolicy
from tracebook.events import MarketEvent

from market.quantities import Units
from matching.book import SortedBook
from matching.order import Order

TRAPS = (
    "fifo-lifecycle", "order-instructions", "stp-cancel-resting", "stp-cancel-resting-deep",
    "stp-cancel-incoming", "multi-symbol", "tick-grid", "deep-cancellation",
)  # fmt: skip
"""The tool's fixed traces, but for pro-rata allocation, which is in no rulebook of ours."""


@pytest.mark.parametrize("profile", PROFILES)
@pytest.mark.parametrize("book", BOOKS)
def test_the_engine_qualifies_under_every_fifo_profile(book: str, profile: str) -> None:
    """Outcome, trades and both queues are the judge's after every event, and all was tried."""
    result = run_qualification(
        adapter_on(book), profile, seed=20_261_124, traces=8, events_per_trace=180
    )

    wrong = [
        (case["name"], case["report"]["divergence"])
        for case in result.suite_report["cases"]
        if not case["report"]["conformant"]
    ]
    assert wrong == []
    assert result.campaign.conformant, result.campaign.failure_bundle_dict()
    assert result.campaign.semantic_coverage.uncovered_capabilities == ()
    assert result.qualified


@pytest.mark.parametrize("policy", POLICIES, ids=lambda policy: policy.name)
@pytest.mark.parametrize("book", BOOKS)
def test_self_trade_prevention_is_the_judges(book: str, policy: SelfTradePolicy) -> None:
    """Canceling the resting or the incoming order does what the tool's reference does."""
    campaign = run_campaign(
        adapter_on(book), preventing(policy), seed=7, traces=12, events_per_trace=150
    )

    assert campaign.conformant, campaign.failure_bundle_dict()


@pytest.mark.processes
@pytest.mark.parametrize("book", BOOKS)
def test_the_adapter_program_passes_every_trap(book: str, tmp_path: Path) -> None:
    """Over stdin and stdout, as any engine would be judged: all traps but pro-rata."""
    suite = copy_bundled_conformance_suite(tmp_path / "suite")
    told = {
        case.name: run_conformance(case.load_events(), process_on(book), config=case.config)
        for case in suite.cases
        if case.name in TRAPS
    }

    assert {case.name for case in suite.cases} == {*TRAPS, "pro-rata-allocation"}
    assert {name: report.divergence for name, report in told.items()} == dict.fromkeys(TRAPS)
    assert all(report.compared_events == report.event_count > 0 for report in told.values())


@pytest.mark.parametrize("book", BOOKS)
def test_pro_rata_allocation_is_refused(book: str) -> None:
    """No rulebook here allocates in proportion, and the adapter does not pretend."""
    with pytest.raises(ConformanceError, match="pro_rata"):
        adapter_on(book)(ConformanceConfig(matching_algorithm="pro_rata"))


@pytest.mark.parametrize("book", BOOKS)
def test_a_quantity_finer_than_a_unit_stops_the_run(book: str) -> None:
    """The adapter does not round a quantity into another one behind the judge's back."""
    adapter = adapter_on(book)(ConformanceConfig())
    event = MarketEvent(op="new", symbol="X", order_id=1, side="BUY", price=100, quantity=0.1)

    with pytest.raises(ConformanceError, match="finer"):
        adapter.apply(event, 1)


class ForgetsPlace(SortedBook):
    """A book that sends a reduced order to the back of its queue."""

    def reduce(self, order: Order, units: Units) -> None:
        """Lower the open quantity, and lose the place."""
        self.remove(order)
        order.leaves_units = Units(order.leaves_units - units)
        self.add(order)


class StopsEarly(SortedBook):
    """A book whose second order of a level is out of reach once the first is filled."""

    def available(self, incoming: Order, owner: str | None, *, skip_owner: bool) -> int:
        """The first order within reach only."""
        first = self.next_match(incoming)
        return min(first.leaves_units, incoming.leaves_units) if first is not None else 0


@pytest.mark.parametrize("broken", [ForgetsPlace, StopsEarly])
def test_the_judge_finds_a_broken_book(
    broken: type[SortedBook], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A planted defect is found and shrunk to a handful of events: the judge is not blind."""
    monkeypatch.setitem(BOOKS, "broken", broken)

    campaign = run_campaign(
        adapter_on("broken"), "fifo-full-v1", seed=3, traces=30, events_per_trace=150
    )

    assert campaign.failure is not None
    assert len(campaign.failure.minimization.events) <= 6
