"""The trades of a comparison: those of the market, drawn once, the same for the same seed."""

from pathlib import Path

import pytest

from market.errors import BadInput
from venue.comparison.flow import Flow, draw_flow, flow_of_run
from venue.runs import simulate_run

ORDERS = Path(__file__).parents[2] / "examples" / "small_day.csv"


@pytest.fixture(scope="module")
def flow() -> Flow:
    """Seed 3 at a small scale."""
    return draw_flow(seed=3, scale=2.0)


def test_the_same_seed_gives_the_same_trades(flow: Flow) -> None:
    """A flow is data; another seed gives another."""
    assert draw_flow(seed=3, scale=2.0) == flow
    assert draw_flow(seed=4, scale=2.0).trades != flow.trades


def test_trades_are_of_the_first_day_and_prices_go_on(flow: Flow) -> None:
    """Fails need prices after the trading day."""
    days = {trade.day for trade in flow.trades}

    assert len(days) == 1
    assert flow.prices[-1].at_ns > flow.trades[-1].at_ns
    assert {trade.issue for trade in flow.trades} == set(flow.issues)
    assert all(trade.yen == trade.price_sen * trade.units // 100 for trade in flow.trades)


def test_an_order_file_gives_its_own_trades() -> None:
    """The small day has six trades worth 1,906,600 yen."""
    flow = draw_flow(orders=ORDERS)

    assert len(flow.trades) == 6
    assert sum(trade.yen for trade in flow.trades) == 1_906_600
    assert flow.name == "small_day.csv"


def test_a_journal_gives_the_trades_of_its_run(tmp_path: Path) -> None:
    """What a run left is read back as the flow it was."""
    simulate_run(orders=ORDERS, settings_path=None, seed=7, preset="start", days=None, scale=1.0,
                 out=tmp_path / "run", seen=None)  # fmt: skip

    assert flow_of_run(tmp_path / "run").trades == draw_flow(orders=ORDERS).trades


def test_a_day_without_trades_is_refused() -> None:
    """There is nothing to settle."""
    with pytest.raises(BadInput, match="nothing traded"):
        draw_flow(seed=3, scale=0.01)
