"""The whole comparison on a small grid: one process, several, a cluster, the command line."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from market.errors import BadInput
from venue.__main__ import cli
from venue.comparison.brief import four_lines
from venue.comparison.flow import draw_flow
from venue.comparison.grid import Grid, run_grid
from venue.comparison.hypotheses import judge

SMALL = Grid(
    ("A", "A+LSM", "B1", "B2", "C3", "D-token"), (0, 2), ("none", "high"), ("lower", "upper"),
    (1, 2), scale=3.0,
)  # fmt: skip
ORDERS = Path(__file__).parents[2] / "examples" / "small_day.csv"


@pytest.fixture(scope="module")
def rows(tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, Any]]:
    """The small grid in this process."""
    return run_grid(SMALL, tmp_path_factory.mktemp("one"))


def of(rows: list[dict[str, Any]], **axes: object) -> list[dict[str, Any]]:
    """Rows with these axes."""
    return [row for row in rows if all(row[name] == value for name, value in axes.items())]


def test_every_cell_of_a_seed_settles_the_same_trades(rows: list[dict[str, Any]]) -> None:
    """Bounds of the flow are the same in every design, horizon, fault level and liquidity."""
    for seed in SMALL.seeds:
        mine = of(rows, seed=seed)
        assert len({row["trades"] for row in mine}) == 1
        assert len({row["liquidity_upper_yen"] for row in mine}) == 1
        assert len({row["netting_efficiency"] for row in mine}) == 1


def test_whole_designs_lose_nothing_and_today_is_exposed(rows: list[dict[str, Any]]) -> None:
    """One ledger and batches have no stretch of exposure; today's practice always has."""
    for design in ("A", "A+LSM", "C3"):
        assert {row["principal_integral_yen_h"] for row in of(rows, design=design)} == {0}
    assert min(row["principal_integral_yen_h"] for row in of(rows, design="D-token")) > 0
    for design in ("A", "A+LSM", "B2", "C3"):
        assert {row["splits"] for row in of(rows, design=design)} == {0}


def test_every_hypothesis_is_judged(rows: list[dict[str, Any]]) -> None:
    """Each has a verdict; exposure (h1) is confirmed on the small grid already."""
    verdicts = {one.key: one for one in judge(rows)}

    assert sorted(verdicts) == ["h1", "h2", "h3", "h4", "h5", "h6", "h7"]
    assert verdicts["h1"].word == "confirmed"
    assert all(one.seen for one in verdicts.values())


@pytest.mark.processes
def test_two_processes_give_the_same_rows(rows: list[dict[str, Any]], tmp_path: Path) -> None:
    """The number of workers changes nothing, digests included."""
    pytest.importorskip("joblib")

    assert run_grid(SMALL, tmp_path, jobs=2) == rows


@pytest.fixture(scope="module")
def scheduler() -> Iterator[str]:
    """A Dask scheduler and two workers, processes on loopback."""
    distributed = pytest.importorskip("distributed")
    with distributed.LocalCluster(
        n_workers=2,
        threads_per_worker=1,
        processes=True,
        host="127.0.0.1",
        dashboard_address="127.0.0.1:0",
    ) as cluster:
        yield cluster.scheduler_address


@pytest.mark.processes
def test_a_cluster_gives_the_same_rows(
    scheduler: str, rows: list[dict[str, Any]], tmp_path: Path
) -> None:
    """The grid on two Dask workers, byte for byte."""
    assert run_grid(SMALL, tmp_path, cluster=scheduler) == rows


def test_no_scheduler_is_bad_input(tmp_path: Path) -> None:
    """An address at which nobody answers is refused."""
    pytest.importorskip("distributed")

    with pytest.raises(BadInput, match="scheduler"):
        run_grid(SMALL, tmp_path, cluster="tcp://127.0.0.1:9")


def test_the_command_settles_an_order_file(tmp_path: Path) -> None:
    """Six trades under two designs; the paths of what was written are printed, the report first."""
    words = ["compare", "--orders", str(ORDERS), "--designs", "A,D", "--horizons", "2",
             "--faults", "none", "--liquidity", "upper", "--seeds", "1", "--out", str(tmp_path)]  # fmt: skip

    ran = CliRunner().invoke(cli, words)

    assert ran.exit_code == 0, ran.output
    first, *others = ran.stdout.splitlines()
    assert Path(first).name == "report.html"
    assert all(Path(path).stat().st_size for path in (first, *others))


def test_the_command_refuses_a_word_it_does_not_know(tmp_path: Path) -> None:
    """Exit code 2, and nothing is written."""
    out = tmp_path / "out"

    ran = CliRunner().invoke(cli, ["compare", "--designs", "Z", "--out", str(out)])

    assert ran.exit_code == 2
    assert not out.exists()


def test_audited_cells_have_no_findings(tmp_path: Path) -> None:
    """The auditor reads every log of the grid and finds nothing."""
    grid = Grid(("A+LSM", "B1", "C2", "D-cash"), (0,), ("high",), ("lower",), (1, 2), scale=3.0,
                audit=True)  # fmt: skip

    assert [row["findings"] for row in run_grid(grid, tmp_path)] == [[]] * 8


def test_four_lines_tell_the_default_design_from_today() -> None:
    """One metric a line; today's principal at risk is the larger."""
    lines = four_lines(draw_flow(seed=3, scale=2.0))

    assert len(lines) == 4
    assert all("provisional transfer" in line and "today" in line for line in lines)


def test_the_command_says_which_designs_have_no_cells_in_a_kind_of_money(tmp_path: Path) -> None:
    """One line each, beside the results and not among them; what has cells has no line."""
    words = ["compare", "--designs", "A,B2,C3", "--money", "bank", "--horizons", "1", "--faults", "none",
             "--liquidity", "upper", "--seeds", "1", "--scale", "2", "--out", str(tmp_path / "bank")]  # fmt: skip
    ran = CliRunner().invoke(cli, words)

    assert ran.exit_code == 0
    told = [line for line in ran.stderr.splitlines() if "is not paid in" in line]
    assert [line.split(":")[0] for line in told] == ["A is not paid in bank"]
    assert "is not paid" not in ran.stdout
