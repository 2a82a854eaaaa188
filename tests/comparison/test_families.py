"""Each family of faults does something where it can act, and nothing where guards refuse it."""

from datetime import date

import pytest

from market.business_days import at_jst
from settlement.trials.records import (
    Asked,
    Case,
    Delayed,
    LogRecord,
    Strike,
    Struck,
    TrialTrade,
    Tried,
)
from settlement.trials.strikes import REFUSED
from settlement.trials.trial import run_trial
from venue.comparison.faultmatrix import ACTS_ON, WHY_NOT
from venue.comparison.faultplans import ALL, BY_KEY, FAMILIES, Strikes, draw_plan
from venue.comparison.flow import Flow, draw_flow
from venue.comparison.grid import Cell
from venue.comparison.settle import case_of

ENOUGH = 6
"""Plans that are looked at before a family has shown what it does."""


@pytest.fixture(scope="module")
def flow() -> Flow:
    """A day of about fifty trades."""
    return draw_flow(seed=11, scale=4.0)


def struck_case(flow: Flow, design: str, family: str, seed: int, horizon: int) -> Case:
    """A cell with the strikes of one family only."""
    case = case_of(flow, Cell(design, horizon, "high", "mid", seed))
    return case._replace(strikes=tuple(one for one in case.strikes if one.family == family))


def without_strikes(log: list[LogRecord]) -> list[LogRecord]:
    """What happened, the plan, questions and refused acts left out."""
    return [
        one
        for one in log
        if not isinstance(one, (Asked, Struck))
        and not (isinstance(one, Tried) and one.family in REFUSED)
    ]


@pytest.mark.parametrize("family", [one.key for one in FAMILIES])
def test_a_family_acts_or_is_refused(family: str, flow: Flow) -> None:
    """Refused: the run is the run without it. Otherwise some design settles differently."""
    changed = tried = 0
    for design in BY_KEY[family].designs:
        for seed in range(1, 400):
            if not draw_plan(flow.trades, "high", seed, (family,)):
                continue
            for horizon in (0, 2):
                case = struck_case(flow, design, family, seed, horizon)
                log, calm = run_trial(case), run_trial(case._replace(strikes=()))
                told = [one for one in log if isinstance(one, Struck)]
                assert {one.family for one in told} == {family}
                if family in REFUSED:
                    assert {one.effect for one in told} <= {"act", "refused"}
                    assert without_strikes(log) == calm
                else:
                    changed += without_strikes(log) != calm
            tried += 1
            if tried >= ENOUGH and (changed or family in REFUSED):
                return

    assert family in REFUSED or changed


def test_the_matrix_says_what_every_family_acts_on_and_why_not() -> None:
    """An entry for each family, and a reason for each that leaves a design alone."""
    assert list(ACTS_ON) == list(BY_KEY)
    assert list(WHY_NOT) == [one.key for one in FAMILIES if set(one.designs) != set(ALL)]


DAY = date(2026, 11, 24)
NOON = at_jst(DAY, 12 * 3_600)
TWO = tuple(
    TrialTrade(str(n), NOON + n * 2_000_000_000, DAY, "KH01", seller, buyer, 10, 1_000)
    for n, seller, buyer in ((1, "A", "B"), (2, "C", "D"))
)


RING = tuple(
    TrialTrade(str(n), NOON + n * 2_000_000_000, DAY, "KH01", seller, buyer, 10, 1_000)
    for n, seller, buyer in ((1, "A", "B"), (2, "B", "C"), (3, "C", "A"))
)
"""Nobody has anything: gross settlement waits."""


def shows(design: str, family: str) -> bool:
    """Whether some strike of a family, at some step, leaves an answer, a delay or another course."""
    return any(_shows(Case(design, 0, *one), family) for one in ((100, TWO), (0, RING)))


def _shows(case: Case, family: str) -> bool:
    known = BY_KEY[family]
    calm = run_trial(case)
    for kind in known.kinds:
        target = {Strikes.DEAL: "1", Strikes.FIRM: "B"}.get(known.strikes, kind)
        target = "KH01" if family in {"F9", "F19", "F24"} else target
        target = "deposit" if family == "F31" else target
        for after in (0, 1, 2, 3, 5, 1_800, 14_340, 14_341, 14_400):
            for side in ("buyer", "seller"):
                strike = Strike(family, kind, target, side, after * 10**9, 240 * 60 * 10**9)
                log = run_trial(case._replace(strikes=(strike,)))
                answered = any(isinstance(one, (Tried, Delayed)) for one in log)
                if answered or [one for one in log if not isinstance(one, Struck)] != calm:
                    return True
    return False


@pytest.mark.parametrize("family", list(BY_KEY))
def test_the_matrix_holds(family: str) -> None:
    """Wherever a family is said to act, it does in a trial of that design."""
    assert [one for one in BY_KEY[family].designs if not shows(one, family)] == []


def test_designs_meet_the_same_strikes_except_where_they_cannot_act(flow: Flow) -> None:
    """One seed and level: what B2 meets and C3 does not is B2's own, and the rest is alike."""
    met = {
        design: case_of(flow, Cell(design, 0, "high", "mid", 5)).strikes for design in ("B2", "C3")
    }

    for one in set(met["B2"]) ^ set(met["C3"]):
        designs = BY_KEY[one.family].designs
        assert ("B2" in designs) != ("C3" in designs)
