"""Net a million obligations and offset a queue of a hundred thousand: how long each takes.

    python bench/run_settlement_nets.py [--quick]

Workload, seed 7: obligations among 50 firms in 8 issues, both parties uniform and different,
1 to 20 units at 95,000 to 105,000 yen. The net cycle nets them under model 3, looks at caps (the
80th percentile of net debits) and at units, excludes the latest until all hold, and checks that
every issue and the yen sum to zero. The queue starts with a tenth of the units and yen that
settling it in order of arrival would need, so that it jams; offsetting is multilateral with
bypass, and the answer is checked: nobody below zero, and strict releases no more.
Left out: reading the obligations, postings after the decision, funding, messages.
"""

import argparse
import sys
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1]))

from bench.machine import ROUNDS, describe, spread, timed
from settlement.netting import Exclusion, Obligations, accept, liquidity_bounds, net
from settlement.offsetting import CASH, Fifo, Holdings, Queued, after, bilateral, multilateral

FIRMS, ISSUES, SEED = 50, 8, 7
NET_MAX_S, OFFSET_MAX_S = 5, 10


def obligations(count: int) -> Obligations:
    """The workload's obligations."""
    draw = np.random.Generator(np.random.PCG64(SEED))
    seller = draw.integers(0, FIRMS, count)
    buyer = (seller + draw.integers(1, FIRMS, count)) % FIRMS
    units = draw.integers(1, 21, count)
    yen = units * draw.integers(95_000, 105_001, count)
    return Obligations(seller, buyer, draw.integers(0, ISSUES, count), units, yen)


def net_cycle(batch: Obligations) -> int:
    """Net, exclude until caps and units hold, and return how many obligations remain."""
    nets = net(batch, FIRMS, ISSUES)
    caps = np.full(FIRMS, int(np.quantile(np.maximum(0, -nets.yen), 0.8)))
    free = np.maximum(0, -nets.units) * 9 // 10
    taken = accept(batch, caps, free, Exclusion.LATEST)
    assert (-taken.nets.yen <= caps).all()
    assert (-taken.nets.units <= free).all()
    return int(taken.included.sum())


def queue(count: int) -> tuple[list[Queued], Holdings]:
    """The jammed queue and what the firms hold."""
    of = obligations(count)
    _, yen = liquidity_bounds(of.buyer, of.seller, of.yen, FIRMS)
    held = {(firm, CASH): int(need) // 10 for firm, need in enumerate(yen)}
    for issue in range(ISSUES):
        one = of.only(of.issue == issue)
        _, need = liquidity_bounds(one.seller, one.buyer, one.units, FIRMS)
        held |= {(firm, issue): int(units) // 10 for firm, units in enumerate(need)}
    columns = (of.seller, of.buyer, of.issue, of.units, of.yen)
    rows = zip(*(column.tolist() for column in columns), strict=True)
    return [Queued(*row) for row in rows], Holdings(held)


def main() -> None:
    """Measure and print."""
    options = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    options.add_argument("--quick", action="store_true", help="a hundredth of the size")
    scale = 100 if options.parse_args().quick else 1
    print(describe())

    batch = obligations(1_000_000 // scale)
    nets = [timed(lambda: net(batch, FIRMS, ISSUES)) for _ in range(ROUNDS)]
    cycles = [timed(lambda: net_cycle(batch)) for _ in range(ROUNDS)]
    kept = {one.made for one in cycles}
    assert len(kept) == 1
    print(f"\nnet cycle of {len(batch):,} obligations, {FIRMS} firms, {ISSUES} issues, ms")
    print(f"  netting alone             {spread([one.ns / 1e6 for one in nets])}")
    print(f"  with limits and exclusion {spread([one.ns / 1e6 for one in cycles])}")
    print(f"  obligations accepted      {kept.pop():,}; target {NET_MAX_S} s")

    queued, held = queue(100_000 // scale)
    print(f"\noffsetting a queue of {len(queued):,}, ms")
    works = {
        "multilateral, bypass": lambda: multilateral(queued, held),
        "multilateral, strict": lambda: multilateral(queued, held, Fifo.STRICT),
        "bilateral": lambda: bilateral(queued, held),
    }
    released = {}
    for name, work in works.items():
        runs = [timed(work) for _ in range(ROUNDS)]
        assert len({one.made for one in runs}) == 1
        released[name] = runs[0].made.released
        assert min(after(queued, released[name], held).amounts.values()) >= 0
        figures = spread([one.ns / 1e6 for one in runs])
        print(f"  {name:<25} {figures}, {len(released[name]):,} released")
    assert len(released["multilateral, strict"]) <= len(released["multilateral, bypass"])
    print(f"  target {OFFSET_MAX_S} s")


if __name__ == "__main__":
    main()
