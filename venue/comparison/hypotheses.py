"""Seven statements about settlement designs, each confirmed or refuted by the results.

Purpose: the hypotheses stand before the run (h2 and h3 narrowed after a trial of it) and are judged by one rule: seed by seed, on the same trades,
does the stated order hold? Confirmed when it does in at least 95% of the seeds that can tell,
refuted when in at most half, otherwise mixed. A statement about construction says so.
Ordering: h1 to h7. Errors: none; without the cells that a statement needs the verdict is "not run".
"""

import itertools
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any, Final

from venue.comparison.svg import short

Row = dict[str, Any]

CONFIRMED_AT: Final = 0.95
REFUTED_AT: Final = 0.5
ON_TIME: Final = 0.01
"""Largest share of late trades with which a design counts as settling on time."""

FAR: Final = 10
"""How many times larger "far above" is."""

TWO_LEDGERS: Final = ("B1", "B2", "B3", "B4")
BATCHES: Final = ("C2", "C3", "C3-ccp")
TODAY: Final = ("D-token", "D-cash")


@dataclass(frozen=True, slots=True)
class Verdict:
    """How one statement fared.

    Attributes:
        held: Share of the seeds in which it held; None when not run.
        seen: The medians that decided, in words.
    """

    key: str
    statement: str
    word: str
    held: float | None
    seeds: int
    seen: str


class _Results:
    """Medians of one seed over the other axes, with restrictions."""

    def __init__(self, rows: Sequence[Row]) -> None:
        self.seeds = sorted({row["seed"] for row in rows})
        self.designs = frozenset(row["design"] for row in rows)
        self._rows: dict[int | None, list[Row]] = {None: list(rows)}
        for row in rows:
            self._rows.setdefault(row["seed"], []).append(row)
        self._known: dict[object, float | None] = {}

    def of(
        self, metric: str, designs: Sequence[str], seed: int | None, **axes: object
    ) -> float | None:
        """Median over the chosen cells; None when there is none."""
        key = (metric, tuple(designs), seed, tuple(sorted(axes.items())))
        if key not in self._known:
            values = self._values(metric, designs, seed, axes)
            self._known[key] = median(values) if values else None
        return self._known[key]

    def highest(self, metric: str, designs: Sequence[str], seed: int | None) -> float | None:
        """The largest of all cells: what "none" is judged by, as a median would overlook a few."""
        return max(self._values(metric, designs, seed, {}), default=None)

    def _values(
        self, metric: str, designs: Sequence[str], seed: int | None, axes: Row
    ) -> list[float]:
        return [
            row[metric]
            for row in self._rows.get(seed, [])
            if row["design"] in designs
            and row[metric] is not None
            and all(row[name] == value for name, value in axes.items())
        ]


Holds = Callable[[_Results, int], bool | None]


def judge(rows: Sequence[Row]) -> list[Verdict]:
    """All seven."""
    results = _Results(rows)
    return [_judged(results, *one) for one in _STATEMENTS]


def _judged(
    results: _Results, key: str, statement: str, holds: Holds, seen: Callable[[_Results], str]
) -> Verdict:
    answers = [answer for seed in results.seeds if (answer := holds(results, seed)) is not None]
    if not answers:
        return Verdict(key, statement, "not run", None, 0, "the grid lacks the cells")
    share = sum(answers) / len(answers)
    word = "confirmed" if share >= CONFIRMED_AT else "refuted" if share <= REFUTED_AT else "mixed"
    return Verdict(key, statement, word, share, len(answers), seen(results))


def _rising(values: Sequence[float | None], *, strictly: bool = True) -> bool | None:
    """Whether each is larger than the one before; None when one does not exist."""
    known = [value for value in values if value is not None]
    if len(known) < len(values):
        return None
    pairs = itertools.pairwise(known)
    return all(a < b if strictly else a <= b for a, b in pairs)


def _order(metric: str, *groups: Sequence[str], **axes: object) -> Holds:
    def holds(results: _Results, seed: int) -> bool | None:
        return _rising([results.of(metric, group, seed, **axes) for group in groups])

    return holds


def _names(results: _Results, group: Sequence[str]) -> str:
    """A letter for all designs of a family; those of them that were run when some were not."""
    letters = {one[0] for one in group}
    if len(group) > 1 and len(letters) == 1 and results.designs.issuperset(group):
        return letters.pop()
    return "/".join(one for one in group if one in results.designs) or "/".join(group)


def _shown(
    metric: str, unit: str, *groups: Sequence[str], **axes: object
) -> Callable[[_Results], str]:
    def seen(results: _Results) -> str:
        parts = []
        for group in groups:
            value = results.of(metric, group, None, **axes)
            parts.append(f"{_names(results, group)} {'–' if value is None else short(value)}")
        return f"{', '.join(parts)} {unit}".strip()

    return seen


_PE: Final = "principal_integral_yen_h"


def _h1(results: _Results, seed: int) -> bool | None:
    """D far above B with faults; A and C none."""
    today = results.of(_PE, TODAY, seed, faults="high")
    bridged = results.of(_PE, TWO_LEDGERS, seed, faults="high")
    atomic = results.highest(_PE, ("A", "A+LSM"), seed)
    batches = results.highest(_PE, BATCHES, seed)
    if today is None or bridged is None or atomic is None or batches is None:
        return None
    return today > FAR * bridged and bridged > 0 and not atomic and not batches


def _need(results: _Results, designs: Sequence[str], seed: int | None) -> float | None:
    """Least yen committed with which a design settles on time at T+0 without faults.

    Infinite when no funding of the grid is enough; of several designs the one that needs least.
    """
    needs: list[float] = []
    for design in designs:
        found, seen = math.inf, False
        for level in ("lower", "mid", "upper"):
            where = {"horizon": 0, "faults": "none", "liquidity": level}
            late = results.of("late_share", (design,), seed, **where)
            yen = results.of("committed_yen", (design,), seed, **where)
            if late is None or yen is None:
                continue
            seen = True
            if late <= ON_TIME:
                found = min(found, yen)
        if seen:
            needs.append(found)
    return min(needs, default=None)


def _h2(results: _Results, seed: int) -> bool | None:
    """The leanest net needs no more than offsetting, and offsetting less than gross."""
    net, offset, gross = (_need(results, one, seed) for one in (BATCHES, ("A+LSM",), ("A",)))
    if net is None or offset is None or gross is None:
        return None
    return net <= offset < gross


def _seen_h2(results: _Results) -> str:
    parts = []
    for group in (("A",), ("A+LSM",), BATCHES):
        needs = [
            need for seed in results.seeds if (need := _need(results, group, seed)) is not None
        ]
        middle = median(needs) if needs else math.inf
        words = "more than the upper bound" if math.isinf(middle) else f"{short(middle)} yen"
        parts.append(f"{_names(results, group)} {words}")
    return ", ".join(parts)


def _h6(results: _Results, seed: int) -> bool | None:
    """Fewer fails with offsetting than without, more at T+0 with little funding than at T+2."""
    plain = results.of("fail_rate", ("A",), seed, liquidity="lower")
    offset = results.of("fail_rate", ("A+LSM",), seed, liquidity="lower")
    now = results.of("fail_rate", ("A",), seed, liquidity="lower", horizon=0)
    later = results.of("fail_rate", ("A",), seed, liquidity="lower", horizon=2)
    if plain is None or offset is None or now is None or later is None:
        return None
    return offset < plain and now > later


def _h7(results: _Results, seed: int) -> bool | None:
    """Every tokenised design still has fails somewhere when faults are injected."""
    rates = [
        results.of("fail_rate", (one,), seed, faults="high")
        for one in ("A", "A+LSM", *TWO_LEDGERS, *BATCHES)
    ]
    known = [rate for rate in rates if rate is not None]
    return all(rate > 0 for rate in known) if known else None


def _seen_h1(results: _Results) -> str:
    d_b = _shown(_PE, "", TODAY, TWO_LEDGERS, faults="high")(results)
    rest = []
    for group in (("A", "A+LSM"), BATCHES):
        most = results.highest(_PE, group, None)
        rest.append(f"{_names(results, group)} {'–' if most is None else short(most)}")
    return f"with many faults {d_b}; most of any cell {', '.join(rest)} yen·h"


def _seen_h6(results: _Results) -> str:
    first = _shown("fail_rate", "with least funding", ("A",), ("A+LSM",), liquidity="lower")(
        results
    )
    now = results.of("fail_rate", ("A",), None, liquidity="lower", horizon=0)
    later = results.of("fail_rate", ("A",), None, liquidity="lower", horizon=2)
    spans = (
        f"A at T+0 {now:.3g}, at T+2 {later:.3g}" if now is not None and later is not None else ""
    )
    return f"fail rates: {first}; {spans}"


_CLEAN: Final[dict[str, Any]] = {"horizon": 0, "faults": "none", "liquidity": "upper"}

_STATEMENTS: Final = (
    ("h1", "Principal exposure: today's practice far above two ledgers with faults; one ledger and batches none.",
     _h1, _seen_h1),
    ("h2", "Funds to settle on time (T+0, no faults), what a fund or a house collects among them: gross needs most, offsetting less, the leanest net batch no more than that.",
     _h2, _seen_h2),
    ("h3", "Time to finality (T+0, no faults, funds not short): one ledger, then two, then batches, then today's practice.",
     _order("finality_p50_h", ("A",), TWO_LEDGERS, BATCHES, TODAY, **_CLEAN),
     _shown("finality_p50_h", "hours", ("A",), TWO_LEDGERS, BATCHES, TODAY, **_CLEAN)),
    ("h4", "Lock time: hash locks longest, escrow less, one ledger least.",
     _order("lock_token_yen_h", ("A",), ("B2",), ("B1",)),
     _shown("lock_token_yen_h", "yen·h of tokens", ("B1",), ("B2",), ("A",))),
    ("h5", "Reconciliations: today's practice most, batches, two ledgers, one ledger least (by construction; breaks come from the log).",
     _order("comparisons", ("A",), TWO_LEDGERS, BATCHES, TODAY),
     _shown("comparisons", "comparisons a run", TODAY, BATCHES, TWO_LEDGERS, ("A",))),
    ("h6", "Fails fall with offsetting and rise when T+0 asks for funding at once.", _h6, _seen_h6),
    ("h7", "Tokens do not remove fails: with many faults every tokenised design has some.",
     _h7, _shown("fail_rate", "with many faults", ("A",), ("A+LSM",), TWO_LEDGERS, BATCHES, faults="high")),
)  # fmt: skip
