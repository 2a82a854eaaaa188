"""Random markets and books side by side: ``python -m tests.stress --seeds 200`` or ``--seconds 600``.

Each seed is one run of tests/random_market.py with everything checked after every command and the
whole journal replayed, and :data:`SCRIPTS_EACH` scripts of tests/book_scripts.py on every book. A
seed that fails is printed, a market with its last command, a script shrunk to what still fails;
give it back with ``--first SEED --seeds 1``, or the script's lines with ``--script FILE``, and turn
it into a test. ``--only books`` or ``--only markets`` leaves the other half out.
"""

import argparse
import sys
import time
import traceback
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

HERE = Path(__file__).parent
if str(HERE) not in sys.path:
    sys.path.insert(0, str(HERE))

import batch_beside  # noqa: E402
import book_scripts  # noqa: E402  found beside this file once its folder is on the path
import random_market  # noqa: E402
import side_by_side  # noqa: E402
from books import BOOKS  # noqa: E402

JUDGE = "sorted"
OTHERS = {name: book for name, book in BOOKS.items() if name != JUDGE}
DOOR_SCRIPTS_EACH = 10
"""Scripts for each seed through the batch door, with and without indicative prices."""

SCRIPTS_EACH = 40
"""Scripts for each seed, about 70,000 commands."""


class Failed(Exception):
    """A seed failed; the text says how to see it again."""


def main() -> int:
    """Run seeds until the count or the time is used up; 1 when one failed."""
    parser = argparse.ArgumentParser(prog="python -m tests.stress", description=__doc__)
    parser.add_argument("--seeds", type=int, default=20, help="how many seeds")
    parser.add_argument("--first", type=int, default=1, help="the first seed")
    parser.add_argument("--seconds", type=float, default=None, help="go on for so long instead")
    parser.add_argument("--days", type=int, default=4, help="business days of each market")
    parser.add_argument("--only", choices=("books", "markets"), help="leave the other half out")
    parser.add_argument("--script", type=Path, help="play this script on every book, and end")
    asked = parser.parse_args()

    began = time.monotonic()
    told: Counter[str] = Counter()
    refusals: Counter[str] = Counter()
    try:
        if asked.script is not None:
            replay(asked.script)
            return 0
        for seed in seeds(asked.first, asked.seeds, asked.seconds):
            if asked.only != "books":
                market(seed, asked.days, told, refusals)
            if asked.only != "markets":
                books(seed, told)
                door(seed, told)
    except Failed as failed:
        sys.stderr.write(f"{failed}\n")
        return 1
    spent = time.monotonic() - began
    sys.stdout.write(f"{spent:.0f} s, none failed\n")
    if told["runs"]:
        sys.stdout.write(
            f"{told['runs']} runs under {len(random_market.RULEBOOKS)} rulebooks: "
            f"{told['commands']:,} commands, {told['trades']:,} trades, "
            f"{told['delivered']:,} delivered, {told['fails']:,} failing at the end\n"
            + "".join(f"  {count:>7,} {code}\n" for code, count in refusals.most_common())
        )
    if told["scripts"]:
        sys.stdout.write(
            f"{told['scripts']:,} scripts of {told['lines']:,} commands, the same on "
            f"{', '.join((JUDGE, *OTHERS))}\n"
        )
    if told["door scripts"]:
        sys.stdout.write(
            f"{told['door scripts']:,} scripts of {told['door lines']:,} commands through the "
            "batch door, as on the engine\n"
        )
    return 0


def seeds(first: int, count: int, seconds: float | None) -> Iterator[int]:
    """So many seeds, or as many as fit into the time."""
    began = time.monotonic()
    seed = first
    while seed < first + count if seconds is None else time.monotonic() - began < seconds:
        yield seed
        seed += 1


def market(seed: int, days: int, told: Counter[str], refusals: Counter[str]) -> None:
    """One random market, everything checked.

    Raises:
        Failed: With the seed.
    """
    try:
        run = random_market.run_seed(seed, days=days)
    except Exception as error:
        traceback.print_exc()
        again = f"python -m tests.stress --only markets --first {seed} --seeds 1"
        raise Failed(f"\nseed {seed} failed: {again}") from error
    told += Counter(
        runs=1,
        commands=len(run.entries),
        trades=len(run.trades()),
        delivered=sum(state == "finished" for state in run.auditor.states.values()),
        fails=sum(state == "failing" for state in run.auditor.states.values()),
    )
    refusals += Counter(run.refusals)


def books(seed: int, told: Counter[str]) -> None:
    """Scripts of one seed on every book.

    Raises:
        Failed: With the shrunk script.
    """
    for number in range(seed * SCRIPTS_EACH, (seed + 1) * SCRIPTS_EACH if OTHERS else 0):
        script, found = side_by_side.race(number, BOOKS[JUDGE], OTHERS)
        if found is not None:
            short = side_by_side.shortest(script, BOOKS[JUDGE], OTHERS)
            found = side_by_side.parted(short, BOOKS[JUDGE], OTHERS) or found
            again = f"python -m tests.stress --only books --first {seed} --seeds 1"
            text = side_by_side.told_of(short, found)
            raise Failed(f"{text}\nscript {number} of seed {seed} failed: {again}")
        told += Counter(scripts=1, lines=len(script.entries))


def door(seed: int, told: Counter[str]) -> None:
    """Scripts of one seed through the batch door.

    Raises:
        Failed: With the shrunk script.
    """
    for number in range(seed * DOOR_SCRIPTS_EACH, (seed + 1) * DOOR_SCRIPTS_EACH):
        indicative = bool(number & 1)
        script, found, _ = batch_beside.race_door(number, indicative=indicative)
        if found is not None:
            short = batch_beside.shortest_door(script, indicative=indicative)
            found = batch_beside.parted_door(short, indicative=indicative) or found
            again = f"python -m tests.stress --only books --first {seed} --seeds 1"
            text = side_by_side.told_of(short, found)
            raise Failed(f"{text}\nscript {number} of seed {seed} failed at the door: {again}")
        told += Counter({"door scripts": 1, "door lines": len(script.entries)})


def replay(path: Path) -> None:
    """Play one written script on every book.

    Raises:
        Failed: When two books part.
    """
    script = book_scripts.from_text(path.read_text(encoding="utf-8"))
    found = side_by_side.parted(script, BOOKS[JUDGE], OTHERS)
    if found is not None:
        raise Failed(side_by_side.told_of(script, found))
    sys.stdout.write(f"{len(script.entries)} commands, the same on every book\n")


if __name__ == "__main__":
    raise SystemExit(main())
