"""How many trades a second each settlement design settles and measures, on one core.

    python bench/run_comparison.py [--quick]

Workload, seed 7: the simulated START day's trades (about 200 at scale 12, about 1,500 at scale 100),
T+0, faults low, liquidity mid. ``settle`` is the trial with its event log and invariants; ``cell`` is what one cell of a
comparison costs: plan, trial, reading the log, every metric, the digest. Processor time, medians.
The answer: an auditor that shares no code reads each log and finds nothing.
Left out: drawing the flow, writing files, the report.
"""

import argparse
import sys
from pathlib import Path
from time import process_time_ns

sys.path.insert(0, str(Path(__file__).parents[1]))

from bench.machine import ROUNDS, describe, spread, timed
from settlement.trials.trial import DESIGNS, run_trial
from venue.comparison.auditor import Auditor
from venue.comparison.flow import Flow, draw_flow
from venue.comparison.grid import Cell
from venue.comparison.reading import plain
from venue.comparison.settle import case_of, settle_cell

SEED = 7
TARGET = 2_000


def measure(flow: Flow, design: str, rounds: int) -> tuple[list[float], list[float]]:
    """Trades a second of the trial alone and of the whole cell."""
    cell = Cell(design, 0, "low", "mid", SEED)
    case = case_of(flow, cell)
    assert Auditor().read(plain(run_trial(case))) == []
    settle = [timed(lambda: run_trial(case), process_time_ns).ns for _ in range(rounds)]
    whole = [timed(lambda: settle_cell(flow, cell), process_time_ns).ns for _ in range(rounds)]
    count = len(flow.trades) * 1e9
    return [count / ns for ns in settle], [count / ns for ns in whole]


def main() -> None:
    """Measure and print."""
    options = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    options.add_argument("--quick", action="store_true", help="the small day, one round")
    quick = options.parse_args().quick
    print(describe())
    for scale in (12.0,) if quick else (12.0, 100.0):
        flow = draw_flow(seed=SEED, scale=scale)
        print(f"\n{len(flow.trades):,} trades; settled trades a second, target {TARGET:,} a cell")
        for design in DESIGNS:
            settle, whole = measure(flow, design, 1 if quick else ROUNDS)
            print(f"  {design:<10} settle {spread(settle)}   cell {spread(whole)}")


if __name__ == "__main__":
    main()
