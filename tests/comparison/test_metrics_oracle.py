"""The figures of the report, cell by cell, against a slow second reading of the same event log."""

import pytest
from oracle_metrics import Oracle

from settlement.trials.trial import DESIGNS, run_trial
from venue.comparison.designs import BY_KEY
from venue.comparison.flow import Flow, draw_flow
from venue.comparison.grid import Cell
from venue.comparison.metrics import Assumed, Seen, measure
from venue.comparison.money import is_paid_in
from venue.comparison.reading import plain, read_log
from venue.comparison.settle import case_of

CELLS = (
    (0, "high", "lower", "deposit"),
    (1, "high", "mid", "deposit"),
    (2, "low", "upper", "trust"),
    (1, "none", "lower", "bank"),
)
FIGURES = 51
"""All but those of construction and of their sums."""


@pytest.fixture(scope="module")
def flow() -> Flow:
    """A day of about fifty trades."""
    return draw_flow(seed=12, scale=4.0)


@pytest.mark.parametrize("design", DESIGNS)
def test_every_figure_is_what_its_sentence_says(design: str, flow: Flow) -> None:
    """Each figure that the log decides, in fair and foul weather and in every kind of money."""
    prices = tuple((one.at_ns, one.issue, one.price_sen) for one in flow.prices)
    for horizon, faults, liquidity, money in CELLS:
        if not is_paid_in(design, money):
            continue
        cell = Cell(design, horizon, faults, liquidity, 1, money)
        log = run_trial(case_of(flow, cell)._replace(prices=prices))
        seen = Seen(read_log(log), flow.prices, BY_KEY[design].books, Assumed(), money=money)
        found = measure(seen)
        expected = Oracle(plain(log), prices).figures()
        assert len(expected) == FIGURES
        for name, figure in expected.items():
            expect = None if figure is None else pytest.approx(figure, rel=1e-9, abs=1e-6)
            assert found[name] == expect, (name, cell.key)
