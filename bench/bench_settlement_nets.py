"""Netting, offsetting and the designs at a tiny size, so that their scripts cannot rot."""

from run_comparison import measure
from run_settlement_nets import net_cycle, obligations, queue

from settlement.offsetting import after, multilateral
from settlement.trials.trial import DESIGNS
from venue.comparison.flow import draw_flow


def bench_net_cycle() -> None:
    """Limits hold after exclusion, and something remains."""
    assert 0 < net_cycle(obligations(2_000)) <= 2_000


def bench_offsetting() -> None:
    """Nobody ends below zero."""
    queued, held = queue(500)

    released = multilateral(queued, held).released

    assert min(after(queued, released, held).amounts.values()) >= 0


def bench_comparison() -> None:
    """Every design settles a small day at some speed, and the auditor agrees."""
    flow = draw_flow(seed=3, scale=2.0)

    for design in DESIGNS:
        settle, whole = measure(flow, design, 1)
        assert min(*settle, *whole) > 0
