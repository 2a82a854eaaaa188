"""The auditor agrees with every design, and finds each planted defect."""

import ast
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from settlement.trials.trial import DESIGNS, run_trial
from venue.comparison import auditor as auditor_module
from venue.comparison import statements as statements_module
from venue.comparison.auditor import Auditor
from venue.comparison.designs import BY_KEY
from venue.comparison.facts import CASH
from venue.comparison.flow import Flow, draw_flow
from venue.comparison.formulas import NS_PER_HOUR
from venue.comparison.grid import Cell
from venue.comparison.metrics import Assumed, Seen, measure
from venue.comparison.reading import plain, read_log
from venue.comparison.settle import case_of
from venue.comparison.statements import Statements

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


@pytest.mark.parametrize("module", [auditor_module, statements_module])
def test_the_auditors_share_no_code(module: ModuleType) -> None:
    """They import the standard library's types and nothing of the project."""
    tree = ast.parse(Path(str(module.__file__)).read_text(encoding="utf-8"))
    imported = {node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)} | {
        name.name for node in ast.walk(tree) if isinstance(node, ast.Import) for name in node.names
    }

    assert imported <= {"collections.abc", "typing", "bisect"}


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


def foul_log(design: str, flow: Flow) -> tuple[Log, tuple[tuple[int, str, int], ...]]:
    """A log with many faults, and the prices it was charged by."""
    prices = tuple((one.at_ns, one.issue, one.price_sen) for one in flow.prices)
    case = case_of(flow, Cell(design, 0, "high", "lower", 1))
    return plain(run_trial(case._replace(prices=prices))), prices


@pytest.mark.parametrize("design", DESIGNS)
def test_what_a_run_says_beside_its_ledgers_is_true(design: str, flow: Flow) -> None:
    """No finding in foul weather, with little money, for any design."""
    log, prices = foul_log(design, flow)

    assert Statements(prices).read(log) == []


def change(kind: str, **fields: object) -> Callable[[Log], None]:
    """Say something else in the first record of a kind."""
    return lambda log: log[first(log, kind)].update(fields)


def less_locked(log: Log) -> None:
    """The lock of one delivered leg is one smaller."""
    ended = log[first(log, "LockEnded", delivered=True)]
    log[first(log, "LockMade", lock=ended["lock"])]["amount"] -= 1


def elsewhere(kind: str) -> Callable[[Log], None]:
    """Name an obligation of other firms in a record."""

    def move(log: Log) -> None:
        record = log[first(log, kind)]
        deals = {one["deal"]: one for one in log if one["is"] == "Obliged"}
        firms = {deals[record["deal"]]["seller"], deals[record["deal"]]["buyer"]}
        record["deal"] = next(
            name for name, one in deals.items() if not firms & {one["seller"], one["buyer"]}
        )

    return move


def swapped(kind: str, one: str, other: str) -> Callable[[Log], None]:
    """Swap two names."""

    def swap(log: Log) -> None:
        record = log[first(log, kind)]
        record[one], record[other] = record[other], record[one]

    return swap


STATED: dict[str, tuple[str, Callable[[Log], None]]] = {
    "an obligation is missing": ("B2", drop("Obliged")),
    "a lock is another's": ("B2", change("LockMade", owner="FIRM-Z")),
    "a lock is for another obligation": ("B2", elsewhere("LockMade")),
    "a lock is one too large": ("B1", more("LockMade", "amount")),
    "a lock is one too small": ("B1", less_locked),
    "a delivered lock is called returned": ("B2", change("LockEnded", delivered=False)),
    "a posting is for another obligation": ("B2", elsewhere("Posted")),
    "a loss is one larger": ("D-token", more("PrincipalLost", "yen")),
    "a loss is another's": ("D-token", change("PrincipalLost", bearer="FIRM-Z")),
    "a loss is missing": ("D-token", drop("PrincipalLost")),
    "a loss stands twice": ("D-token", twice("PrincipalLost")),
    "a penalty is one larger": ("A", more("PenaltyCharged", "yen")),
    "a penalty is a stranger's": ("A", change("PenaltyCharged", payer="FIRM-Z")),
    "a penalty stands twice": ("A", twice("PenaltyCharged")),
    "a penalty is missing": ("A", drop("PenaltyCharged")),
    "a penalty comes early": ("A", lambda log: log[first(log, "PenaltyCharged")].update(at_ns=0)),
    "a compensation is one larger": ("A", more("BoughtIn", "yen")),
    "a compensation goes the wrong way": ("A", swapped("BoughtIn", "payer", "taker")),
    "a compensation stands twice": ("A", twice("BoughtIn")),
    "a wait begins twice": ("A", twice("Waited", entered=True)),
    "a wait never began": ("A", drop("Waited", entered=True)),
    "one more is released": ("A+LSM", more("OffsetRun", "released")),
    "a side could give for the first time, again": ("A", twice("Could")),
    "a house owes one more": ("C3-ccp", more("Novated", "yen_out")),
    "a house steps in twice": ("C3-ccp", twice("Novated")),
    "a contribution is one larger": ("C2", more("FundCharged", "yen")),
    "a contribution is missing": ("C2", drop("FundCharged")),
    "an account is told twice": ("A", twice("Said")),
    "an end stands twice": ("A", twice("StateChanged", state="settled")),
    "it was due before it was traded": ("A", change("Obliged", due_ns=1)),
}


@pytest.mark.parametrize("defect", STATED)
def test_a_planted_statement_is_found(defect: str, flow: Flow) -> None:
    """What no balance contradicts is found too, and never by a crash; an obligation left out by both."""
    design, plant = STATED[defect]
    log, prices = foul_log(design, flow)

    plant(log)

    assert Statements(prices).read(log) != []
    if defect == "an obligation is missing":
        assert Auditor().read(log) != []


def test_cash_has_no_issue() -> None:
    """The word for yen in facts is empty, so that no issue can be taken for it."""
    assert CASH == ""
