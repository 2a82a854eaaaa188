"""Looks at an obligation that a trial leaves out would have found nothing new."""

import pytest

from settlement.trials.runner import Runner
from settlement.trials.trial import DESIGNS, run_trial
from venue.comparison.flow import draw_flow
from venue.comparison.grid import Cell
from venue.comparison.settle import case_of


@pytest.mark.parametrize("design", DESIGNS)
def test_skipped_looks_change_no_record(design: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Looking at every obligation whenever something comes in for it gives the same log."""
    flow = draw_flow(seed=7, scale=12.0)
    cases = [case_of(flow, Cell(design, 0, faults, "lower", 7)) for faults in ("none", "high")]
    some = [run_trial(case) for case in cases]
    monkeypatch.setattr(Runner, "credited", lambda self, deal: self.advance(deal, credit=True))
    assert [run_trial(case) for case in cases] == some
