"""Netting and offsetting at a tiny size, so that ``run_settlement_nets.py`` cannot rot."""

from run_settlement_nets import net_cycle, obligations, queue

from settlement.offsetting import after, multilateral


def bench_net_cycle() -> None:
    """Limits hold after exclusion, and something remains."""
    assert 0 < net_cycle(obligations(2_000)) <= 2_000


def bench_offsetting() -> None:
    """Nobody ends below zero."""
    queued, held = queue(500)

    released = multilateral(queued, held).released

    assert min(after(queued, released, held).amounts.values()) >= 0
