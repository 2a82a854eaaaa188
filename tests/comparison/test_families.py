"""Each family of faults does something where it can act, and nothing where guards refuse it."""

import pytest

from settlement.trials.records import Asked, Case, LogRecord, Struck, Tried
from settlement.trials.trial import run_trial
from settlement.trials.weather import REFUSED
from venue.comparison.faultplans import BY_KEY, FAMILIES, draw_plan
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
        if not isinstance(one, (Asked, Struck)) and not (isinstance(one, Tried) and one.family in REFUSED)
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


def test_designs_meet_the_same_strikes_except_where_they_cannot_act(flow: Flow) -> None:
    """One seed and level: what B2 meets and C3 does not is B2's own, and the rest is alike."""
    met = {
        design: case_of(flow, Cell(design, 0, "high", "mid", 5)).strikes for design in ("B2", "C3")
    }

    for one in set(met["B2"]) ^ set(met["C3"]):
        designs = BY_KEY[one.family].designs
        assert ("B2" in designs) != ("C3" in designs)
