"""Random markets for as long as asked: ``python -m tests.stress --seeds 200`` or ``--seconds 600``.

Each seed is one run of tests/random_market.py with everything checked after every command and the
whole journal replayed. A seed that fails is printed with its last command; give it back with
``--first SEED --seeds 1`` and turn it into a test.
"""

import argparse
import sys
import time
import traceback
from collections import Counter
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

from random_market import RULEBOOKS, run_seed


def main() -> int:
    """Run seeds until the count or the time is used up; 1 when one failed."""
    parser = argparse.ArgumentParser(prog="python -m tests.stress", description=__doc__)
    parser.add_argument("--seeds", type=int, default=20, help="how many seeds")
    parser.add_argument("--first", type=int, default=1, help="the first seed")
    parser.add_argument("--seconds", type=float, default=None, help="stop after so long")
    parser.add_argument("--days", type=int, default=4, help="business days in each run")
    asked = parser.parse_args()

    began = time.monotonic()
    told: Counter[str] = Counter()
    refusals: Counter[str] = Counter()
    for seed in range(asked.first, asked.first + asked.seeds):
        if asked.seconds is not None and time.monotonic() - began > asked.seconds:
            break
        try:
            market = run_seed(seed, days=asked.days)
        except Exception:  # noqa: BLE001 - whatever it is, the seed is the message
            traceback.print_exc()
            sys.stderr.write(
                f"\nseed {seed} failed: python -m tests.stress --first {seed} --seeds 1\n"
            )
            return 1
        told += Counter(
            runs=1,
            commands=len(market.entries),
            trades=len(market.trades()),
            delivered=sum(state == "finished" for state in market.auditor.states.values()),
            fails=sum(state == "failing" for state in market.auditor.states.values()),
        )
        refusals += Counter(market.refusals)
    spent = time.monotonic() - began
    sys.stdout.write(
        f"{told['runs']} runs under {len(RULEBOOKS)} rulebooks in {spent:.0f} s, none failed: "
        f"{told['commands']:,} commands, {told['trades']:,} trades, {told['delivered']:,} delivered, "
        f"{told['fails']:,} failing at the end\n"
        + "".join(f"  {count:>7,} {code}\n" for code, count in refusals.most_common())
    )
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
