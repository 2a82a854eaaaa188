"""The grid: its cells, resuming, the files, and refusals. Settling is a stand-in here."""

import csv
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from market.errors import BadInput
from venue.comparison import grid as grid_module
from venue.comparison.command import grid_of
from venue.comparison.grid import CELLS_FILE, Cell, Grid, run_grid
from venue.comparison.hypotheses import judge
from venue.comparison.metrics import METRICS
from venue.comparison.report import Setting, write_report
from venue.comparison.summary import band, write_tables

SMALL = Grid(("A", "D-token"), (0, 2), ("none",), ("mid",), (1, 2))


def stand_in(settled: list[str]) -> Any:
    """Figures that follow from the cell's place, and a note of what was settled."""

    def settle(_flow: object, cell: Cell, *, audit: bool) -> dict[str, Any]:
        settled.append(cell.key)
        size = float(len(cell.design) + cell.horizon + cell.seed)
        figures = {metric.name: size for metric in METRICS}
        loss = {
            "family": "F15",
            "cause": "FIRM-A",
            "bearer": "FIRM-B",
            "cases": 1,
            "yen": 9,
            "delay_h": 1.5,
        }
        return {
            "trades": 3,
            "digest": "d",
            "attributed": [loss],
            "findings": ["x"] * audit,
            **figures,
        }

    return settle


@pytest.fixture
def settled(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Keys of the cells that were settled."""
    keys: list[str] = []
    monkeypatch.setattr(grid_module, "settle_cell", stand_in(keys))
    monkeypatch.setattr(grid_module, "_flow", lambda *_: None)
    return keys


def test_results_come_in_grid_order_and_every_cell_once(settled: list[str], tmp_path: Path) -> None:
    """Two designs, two horizons, two seeds: eight cells."""
    rows = run_grid(SMALL, tmp_path)

    assert [row["key"] for row in rows] == [cell.key for cell in SMALL.cells()]
    assert sorted(settled) == sorted(row["key"] for row in rows)


def test_a_killed_run_goes_on_from_its_finished_cells(settled: list[str], tmp_path: Path) -> None:
    """With half the lines and a torn one, only what is missing is settled; the rows are the same."""
    whole = run_grid(SMALL, tmp_path)
    path = tmp_path / CELLS_FILE
    lines = path.read_text().splitlines(keepends=True)
    path.write_text("".join(lines[:4]) + lines[4][:40])
    finished = {json.loads(line)["key"] for line in lines[1:4]}
    settled.clear()

    again = run_grid(SMALL, tmp_path)

    assert again == whole
    assert set(settled) == {row["key"] for row in whole} - finished
    assert len(settled) == len(set(settled)) == 5


def test_a_finished_run_settles_nothing_again(settled: list[str], tmp_path: Path) -> None:
    """The second call only reads."""
    run_grid(SMALL, tmp_path)
    settled.clear()

    run_grid(SMALL, tmp_path)

    assert settled == []


def test_a_wider_grid_keeps_what_is_there(settled: list[str], tmp_path: Path) -> None:
    """Another seed settles its own cells only."""
    run_grid(SMALL, tmp_path)
    settled.clear()

    run_grid(Grid(("A", "D-token"), (0, 2), ("none",), ("mid",), (1, 2, 3)), tmp_path)

    assert all(key.endswith("/3") for key in settled)
    assert len(settled) == 4


def test_a_folder_of_another_comparison_is_refused(settled: list[str], tmp_path: Path) -> None:
    """Other trades may not mix with these; nothing is settled."""
    run_grid(SMALL, tmp_path)
    before = (tmp_path / CELLS_FILE).read_bytes()
    settled.clear()

    with pytest.raises(BadInput, match="another comparison"):
        run_grid(Grid(("A",), scale=2.0), tmp_path)

    assert settled == []
    assert (tmp_path / CELLS_FILE).read_bytes() == before


def test_a_refused_run_leaves_its_folder_free(tmp_path: Path) -> None:
    """Nothing of a run was finished whose preset there is not: the corrected one may have its folder."""
    with pytest.raises(BadInput, match="no preset"):
        run_grid(replace(SMALL, preset="none"), tmp_path)

    assert len(run_grid(SMALL, tmp_path)) == len(SMALL.cells())


@pytest.mark.parametrize("kept", [0, 1, 20])
def test_a_run_killed_before_its_first_line_stood_goes_on(
    kept: int, settled: list[str], tmp_path: Path
) -> None:
    """An empty or torn head is no other comparison; the rows are those of an unbroken run."""
    whole = run_grid(SMALL, tmp_path)
    path = tmp_path / CELLS_FILE
    path.write_bytes(path.read_bytes()[:kept])
    settled.clear()

    assert run_grid(SMALL, tmp_path) == whole
    assert len(settled) == len(whole)


@pytest.mark.parametrize(
    "line", [b"no json", b"\xff\xfe", b"[1]", b"{}", b'{"key": "A/T+0/none/mid/1"}']
)
def test_a_line_that_is_no_cell_is_bad_input(
    line: bytes, settled: list[str], tmp_path: Path
) -> None:
    """Garbage, and a cell that lacks a figure of this version, are told by their line."""
    run_grid(SMALL, tmp_path)
    path = tmp_path / CELLS_FILE
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(lines[0] + line + b"\n" + b"".join(lines[2:]))
    before = path.read_bytes()
    settled.clear()

    with pytest.raises(BadInput, match=r"cells\.jsonl, line 2 is no cell of this version"):
        run_grid(SMALL, tmp_path)

    assert settled == []
    assert path.read_bytes() == before


def test_an_order_file_that_changed_is_another_comparison(
    settled: list[str], tmp_path: Path
) -> None:
    """The same orders under another name are the same; other orders under the same name are not."""
    orders, moved, out = tmp_path / "day.csv", tmp_path / "moved.csv", tmp_path / "out"
    orders.write_text("one")
    moved.write_text("one")
    run_grid(replace(SMALL, orders=str(orders)), out)
    settled.clear()
    run_grid(replace(SMALL, orders=str(moved)), out)
    assert settled == []

    orders.write_text("two")
    with pytest.raises(BadInput, match="another comparison"):
        run_grid(replace(SMALL, orders=str(orders)), out)
    assert settled == []


@pytest.mark.parametrize("inside", [False, True])
def test_a_folder_that_cannot_be_is_bad_input(
    inside: bool, settled: list[str], tmp_path: Path
) -> None:
    """A file where the folder, or one above it, should be."""
    path = tmp_path / "taken"
    path.write_text("a file")

    with pytest.raises(BadInput, match="cannot hold a comparison"):
        run_grid(SMALL, path / "x" if inside else path)
    assert settled == []


@pytest.mark.parametrize("address", ["nonsense", "", "127.0.0.1:8786"])
def test_an_address_that_is_none_is_bad_input(
    address: str, settled: list[str], tmp_path: Path
) -> None:
    """Without a protocol nothing is asked of the network."""
    with pytest.raises(BadInput, match="is no address of a scheduler"):
        run_grid(SMALL, tmp_path, cluster=address)
    assert settled == []


BAD = {
    "a design": {"designs": "A,Z"},
    "no design": {"designs": ","},
    "a design twice": {"designs": "A,A"},
    "a horizon": {"horizons": "7"},
    "a horizon that is no number": {"horizons": "T+1"},
    "a level": {"faults": "some"},
    "a liquidity": {"liquidity": "much"},
    "no seed": {"seeds": 0},
    "no scale": {"scale": 0.0},
    "no day": {"days": 0},
}


@pytest.mark.parametrize("word", BAD)
def test_a_wrong_word_is_bad_input(word: str) -> None:
    """Each axis refuses what it does not know."""
    asked: dict[str, Any] = {
        "designs": "all", "horizons": "0", "faults": "none", "liquidity": "mid", "seeds": 1,
        "seed": 1, "orders": None, "days": 1, "scale": 1.0, "preset": "start",
    } | BAD[word]  # fmt: skip

    with pytest.raises(BadInput):
        grid_of(**asked)


def test_a_family_name_means_all_of_it() -> None:
    """D is both conventions of today's practice; A is A alone."""
    grid = grid_of(designs="A,D", horizons="0,1,2", faults="none", liquidity="mid", seeds=2, seed=5,
                   orders=None, days=1, scale=1.0, preset="start")  # fmt: skip

    assert grid.designs == ("A", "D-token", "D-cash")
    assert grid.seeds == (5, 6)


@pytest.mark.usefixtures("settled")
def test_tables_hold_a_row_a_cell(tmp_path: Path) -> None:
    """CSV and Parquet say the same, and attribution names who caused and who bore."""
    parquet = pytest.importorskip("pyarrow.parquet")
    rows = run_grid(SMALL, tmp_path)

    cells, packed, whose = write_tables(rows, tmp_path)

    with cells.open() as file:
        read = list(csv.DictReader(file))
    columns = parquet.read_table(packed).to_pydict()
    assert len(read) == len(rows) == len(columns["design"])
    for metric in METRICS:
        assert [float(row[metric.name]) for row in read] == columns[metric.name]
    with whose.open() as file:
        assert {row["bearer"] for row in csv.DictReader(file)} == {"FIRM-B"}


@pytest.mark.usefixtures("settled")
def test_the_report_stands_alone_and_is_the_same_again(tmp_path: Path) -> None:
    """Nothing is fetched, every metric and design is in it, and the same rows give the same bytes."""
    rows = run_grid(SMALL, tmp_path)

    path = write_report(rows, tmp_path, Setting("seeds 1 to 2", 2, audited=False))
    first = path.read_bytes()
    write_report(rows, tmp_path, Setting("seeds 1 to 2", 2, audited=False))

    text = first.decode()
    assert path.read_bytes() == first
    assert "src=" not in text
    assert "href=" not in text
    assert "url(" not in text
    assert all(metric.name in text for metric in METRICS)
    assert all(design in text for design in SMALL.designs)
    assert (tmp_path / "frontier.svg").read_text().startswith("<svg")


@pytest.mark.parametrize(
    ("values", "expected"),
    [([], None), ([None], None), ([3.0], (3, 3, 3)), ([0.0, None, 10.0], (0.5, 5, 9.5))],
)
def test_a_band_is_taken_over_what_exists(values: list[float | None], expected: object) -> None:
    """None is left out, never 0."""
    found = band(values)

    assert found == (pytest.approx(expected) if expected else None)


def row(design: str, seed: int, **figures: float) -> dict[str, Any]:
    """A result row with all metrics at 1 unless said."""
    axes = {"design": design, "horizon": 0, "faults": "none", "liquidity": "upper", "seed": seed}
    return axes | {metric.name: 1.0 for metric in METRICS} | figures


def test_a_hypothesis_is_judged_seed_by_seed() -> None:
    """h3 holds in one seed of two, so it is refuted; in all, it is confirmed; without D, not run."""
    hours = {"A": 1.0, "B2": 2.0, "C3": 3.0, "D-token": 4.0}
    good = [row(one, 1, finality_p50_h=h) for one, h in hours.items()]
    bad = [row(one, 2, finality_p50_h=9 - h) for one, h in hours.items()]

    def verdict(rows: list[dict[str, Any]]) -> tuple[str, float | None]:
        (h3,) = [one for one in judge(rows) if one.key == "h3"]
        return h3.word, h3.held

    assert verdict(good) == ("confirmed", 1.0)
    assert verdict(good + bad) == ("refuted", 0.5)
    assert verdict([one for one in good if one["design"] != "D-token"]) == ("not run", None)


def test_none_at_risk_means_in_no_cell() -> None:
    """h1: one batch of three cells with a yen-hour of exposure is not none, though the median is."""
    name = "principal_integral_yen_h"
    faulty = {"faults": "high"}
    rows = [row("A", 1, **{name: 0.0}), row("B2", 1, **{name: 5.0}) | faulty,
            row("D-token", 1, **{name: 500.0}) | faulty]  # fmt: skip
    quiet = [row("C2", 1, **{name: 0.0}), row("C3", 1, **{name: 0.0})]

    def verdict(rows: list[dict[str, Any]]) -> tuple[str, str]:
        h1 = judge(rows)[0]
        return h1.word, h1.seen

    good = [*rows, *quiet, row("C3-ccp", 1, **{name: 0.0})]
    bad = [*rows, *quiet, row("C3-ccp", 1, **{name: 1.0})]
    assert verdict(good) == (
        "confirmed",
        "with many faults D-token 500, B2 5; most of any cell A 0, C 0 yen·h",
    )
    assert verdict(bad) == (
        "refuted",
        "with many faults D-token 500, B2 5; most of any cell A 0, C 1 yen·h",
    )
