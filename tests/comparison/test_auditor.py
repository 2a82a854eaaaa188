"""The auditor agrees with every design, and finds each planted defect."""

import ast
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from settlement.trials.trial import DESIGNS, run_trial
from venue.comparison import auditor as auditor_module
from venue.comparison.auditor import Auditor
from venue.comparison.designs import BY_KEY
from venue.comparison.facts import CASH
from venue.comparison.flow import Flow, draw_flow
from venue.comparison.formulas import NS_PER_HOUR
from venue.comparison.grid import Cell
from venue.comparison.metrics import Assumed, Seen, measure
from venue.comparison.reading import plain, read_log
from venue.comparison.settle import case_of

Log = list[dict[str, Any]]


@pytest.fixture(scope="module")
def flow() -> Flow:
    """A day of about fifty trades."""
    return draw_flow(seed=11, scale=4.0)


@pytest.mark.parametrize("faults", ["none", "high"])
@pytest.mark.parametrize("design", DESIGNS)
def test_the_auditor_agrees_with_the_run(design: str, faults: str, flow: Flow) -> None:
    """No finding, and the same exposure, losses and settled obligations as the metrics say."""
    for horizon in (0, 2):
        for seed in (1, 2, 3):
            log = run_trial(case_of(flow, Cell(design, horizon, faults, "mid", seed)))
            judge = Auditor()

            assert judge.read(plain(log)) == []

            facts = read_log(log)
            found = measure(Seen(facts, flow.prices, BY_KEY[design].books, Assumed()))
            hours = judge.exposure_yen_ns / NS_PER_HOUR
            assert found["principal_integral_yen_h"] == pytest.approx(hours, rel=1e-3, abs=1)
            assert found["principal_loss_yen"] == sum(judge.lost_yen.values())
            splits = sum(state == "split" for state in judge.states.values())
            assert found["splits"] == splits


def test_the_auditor_shares_no_code() -> None:
    """It imports the standard library's types and nothing of the project."""
    tree = ast.parse(Path(auditor_module.__file__).read_text(encoding="utf-8"))
    imported = {node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)} | {
        name.name for node in ast.walk(tree) if isinstance(node, ast.Import) for name in node.names
    }

    assert imported == {"collections.abc", "typing"}


def first(log: Log, kind: str, **fields: object) -> int:
    """Place of the first record of a kind."""
    return next(
        n for n, one in enumerate(log)
        if one["is"] == kind and all(one[name] == value for name, value in fields.items())
    )  # fmt: skip


def drop(kind: str, **fields: object) -> Callable[[Log], None]:
    """Leave one record out."""
    return lambda log: log.__delitem__(first(log, kind, **fields))


def twice(kind: str, **fields: object) -> Callable[[Log], None]:
    """Write one record twice."""
    return lambda log: log.insert(n := first(log, kind, **fields), dict(log[n]))


def more(kind: str, field: str) -> Callable[[Log], None]:
    """Say one more than was."""

    def change(log: Log) -> None:
        log[first(log, kind)][field] += 1

    return change


def backwards(log: Log) -> None:
    """A record that is older than the one before it."""
    log[first(log, "LegFinal")]["at_ns"] = 0


PLANTED: dict[str, Callable[[Log], None]] = {
    "a posting is missing": drop("Posted"),
    "a posting stands twice": twice("Posted"),
    "a posting is one too large": more("Posted", "amount"),
    "a leg is missing": drop("LegFinal"),
    "a leg stands twice": twice("LegFinal"),
    "an end is missing": drop("StateChanged", state="settled"),
    "an end stands twice": twice("StateChanged", state="settled"),
    "a lock never ends": drop("LockEnded"),
    "a lock ends twice": twice("LockEnded"),
    "a lock is made twice": twice("LockMade"),
    "a lock is larger than what is there": lambda log: log[first(log, "LockMade")].update(
        amount=10**15
    ),
    "the run says one more": more("Said", "amount"),
    "an account begins with one more": more("Opened", "amount"),
    "an obligation stands twice": twice("Obliged"),
    "time goes back": backwards,
}


@pytest.mark.parametrize("defect", PLANTED)
def test_a_planted_defect_is_found(defect: str, flow: Flow) -> None:
    """Each way in which a log can lie is told."""
    log = plain(run_trial(case_of(flow, Cell("B2", 0, "low", "upper", 1))))
    assert Auditor().read([dict(one) for one in log]) == []

    PLANTED[defect](log)

    assert Auditor().read(log) != []


def test_cash_has_no_issue() -> None:
    """The word for yen in facts is empty, so that no issue can be taken for it."""
    assert CASH == ""
