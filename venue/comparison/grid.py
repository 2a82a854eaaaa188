"""The grid: which cells there are, and running them on this machine or on a cluster.

Purpose: a cell is one settlement of one flow: design, horizon, fault level, liquidity, seed, money. Cells of
one seed share their trades. Finished cells are lines of one file, so a killed run goes on where it
was; a run with other options, or other orders, refuses the file, and one with a line that is no cell of
this version.
Ordering: results are in grid order however cells finish. Invariants: the same options give the same
results for any number of workers, local or not.
Cost: one process a job; a task is all cells of one seed and design, so the flow is drawn rarely.
Errors: BadInput for options that make no grid, for a folder of another grid, and when joblib or
distributed (extra ``compare``) is missing.
Known limits: a task that is killed halfway is run again whole.
"""

import hashlib
import json
import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

from market.errors import BadInput
from venue.comparison.designs import BY_KEY
from venue.comparison.flow import Flow, draw_flow
from venue.comparison.metrics import METRICS
from venue.comparison.money import MONEY_BY_KEY, is_paid_in, unpaid
from venue.comparison.settle import settle_cell
from venue.tables import optional

FORMAT: Final = 2
EXTRA: Final = "compare"
CONNECT_S: Final = 5
CELLS_FILE: Final = "cells.jsonl"
HORIZONS: Final = (0, 1, 2)
FAULTS: Final = ("none", "low", "high")
DEPOSIT: Final = "deposit"
LIQUIDITY: Final = ("lower", "mid", "upper")

Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Cell:
    """One settlement of one flow."""

    design: str
    horizon: int
    faults: str
    liquidity: str
    seed: int
    money: str = DEPOSIT

    @property
    def key(self) -> str:
        """Its name in the file of finished cells."""
        paid = "" if self.money == DEPOSIT else f"/{self.money}"
        return f"{self.design}/T+{self.horizon}/{self.faults}/{self.liquidity}/{self.seed}{paid}"


@dataclass(frozen=True, slots=True)
class Grid:
    """What is compared.

    Attributes:
        seeds: Seeds of the flow and of the faults.
        money: What the cash legs are paid in; a design has no cell in a money it cannot be paid in.
        orders: An order file in place of seeded flow; seeds then draw the faults alone.
        days: Trading days whose trades are settled.
        scale: Multiplies the seeded flow.
        audit: Whether the auditor reads every log as well.
    """

    designs: tuple[str, ...]
    horizons: tuple[int, ...] = HORIZONS
    faults: tuple[str, ...] = FAULTS
    liquidity: tuple[str, ...] = LIQUIDITY
    seeds: tuple[int, ...] = tuple(range(1, 31))
    orders: str | None = None
    days: int = 1
    scale: float = 12.0
    preset: str = "start"
    audit: bool = False
    money: tuple[str, ...] = (DEPOSIT,)

    def check(self) -> None:
        """Refuse a grid that cannot be run.

        Raises:
            BadInput: When a word is unknown or an axis is empty.
        """
        for name, chosen, known in (
            ("design", self.designs, tuple(BY_KEY)),
            ("horizon", self.horizons, HORIZONS),
            ("fault level", self.faults, FAULTS),
            ("liquidity", self.liquidity, LIQUIDITY),
            ("kind of money", self.money, tuple(MONEY_BY_KEY)),
        ):
            if not chosen:
                raise BadInput(f"the grid needs at least one {name}")
            if len(set(chosen)) < len(chosen):
                raise BadInput(f"a {name} is named twice")
            for one in chosen:
                if one not in known:
                    words = ", ".join(str(word) for word in known)
                    raise BadInput(f"{one!r} is no {name}; there are {words}")
        if not self.seeds or min(self.seeds) < 0 or self.days < 1 or not self.scale > 0:
            raise BadInput("the grid needs a seed from 0, a day and a positive scale")
        if not self.cells():
            why = "; ".join(unpaid(self.designs, self.money))
            raise BadInput(f"no design of these is paid in {', '.join(self.money)}: {why}")

    def cells(self) -> list[Cell]:
        """Every cell, in grid order."""
        return [
            Cell(design, horizon, faults, liquidity, seed, money)
            for money in self.money
            for design in self.designs
            for horizon in self.horizons
            for faults in self.faults
            for liquidity in self.liquidity
            for seed in self.seeds
            if is_paid_in(design, money)
        ]


@dataclass(frozen=True, slots=True)
class Task:
    """Cells that one worker runs one after another: one seed, one design."""

    grid: Grid
    cells: tuple[Cell, ...]


def run_grid(
    grid: Grid,
    folder: Path,
    *,
    jobs: int = 1,
    cluster: str | None = None,
    done: Callable[[int, int], None] = lambda _finished, _all: None,
) -> list[Row]:
    """Run what is not finished yet and return the rows of all cells in grid order.

    Args:
        grid: What is compared.
        folder: Where finished cells are kept.
        jobs: Local processes.
        cluster: Address of a Dask scheduler, in place of local processes.
        done: Called with finished and all cells after each task.

    Raises:
        BadInput: When the grid or the folder does not fit.
    """
    grid.check()
    cells = grid.cells()
    kept = _Kept(folder, grid)
    left = [cell for cell in cells if cell.key not in kept.rows]
    done(len(cells) - len(left), len(cells))
    tasks = _tasks(grid, left)
    runner = _locally(tasks, jobs) if cluster is None else _on_cluster(tasks, cluster)
    for rows in runner:
        kept.add(rows)
        done(sum(cell.key in kept.rows for cell in cells), len(cells))
    return [kept.rows[cell.key] for cell in cells]


def run_task(task: Task) -> list[Row]:
    """What a worker does: draw the flow (kept for its next task) and settle every cell."""
    grid = task.grid
    rows: list[Row] = []
    for cell in task.cells:
        flow = _flow(grid.orders, cell.seed, grid.days, grid.scale, grid.preset)
        rows.append({"key": cell.key, **asdict(cell), **settle_cell(flow, cell, audit=grid.audit)})
    return rows


@lru_cache(maxsize=4)
def _flow(orders: str | None, seed: int, days: int, scale: float, preset: str) -> Flow:
    path = None if orders is None else Path(orders)
    return draw_flow(orders=path, seed=seed, days=days, scale=scale, preset=preset)


def _tasks(grid: Grid, cells: Iterable[Cell]) -> list[Task]:
    groups: dict[tuple[int, str], list[Cell]] = {}
    for cell in sorted(cells, key=lambda one: grid.seeds.index(one.seed)):
        groups.setdefault((cell.seed, cell.design), []).append(cell)
    return [Task(grid, tuple(group)) for group in groups.values()]


def _locally(tasks: Sequence[Task], jobs: int) -> Iterator[list[Row]]:
    if jobs <= 1 or len(tasks) <= 1:
        yield from map(run_task, tasks)
        return
    joblib = optional("joblib", EXTRA)
    parallel = joblib.Parallel(n_jobs=jobs, return_as="generator_unordered", batch_size=1)
    yield from parallel(joblib.delayed(run_task)(task) for task in tasks)


def _on_cluster(tasks: Sequence[Task], address: str) -> Iterator[list[Row]]:
    distributed = optional("distributed", EXTRA)
    if "://" not in address:
        raise BadInput(f"{address!r} is no address of a scheduler, such as tcp://127.0.0.1:8786")
    try:
        client = distributed.Client(address, timeout=CONNECT_S, set_as_default=False)
    except (OSError, ValueError) as barred:
        raise BadInput(f"no Dask scheduler answers at {address}: {barred}") from barred
    with client, client.as_current():
        futures = client.map(run_task, list(tasks), pure=False)
        for _, rows in distributed.as_completed(futures, with_results=True):
            yield rows


class _Kept:
    """The file of finished cells: a head line with the options, then a line a cell."""

    def __init__(self, folder: Path, grid: Grid) -> None:
        self._path = folder / CELLS_FILE
        self.rows: dict[str, Row] = {}
        head = json.dumps(_head(grid))
        try:
            folder.mkdir(parents=True, exist_ok=True)
            raw = self._path.read_bytes() if self._path.exists() else b""
        except OSError as barred:
            raise BadInput(f"{folder} cannot hold a comparison: {barred}") from barred
        whole = raw[: raw.rfind(b"\n") + 1]
        if not whole and head.encode().startswith(
            raw
        ):  # new, or killed before the first line stood
            self._path.write_text(head + "\n", encoding="utf-8")
            return
        first, *lines = whole.splitlines() or [b""]
        if first != head.encode() and not lines and _is_head(first):  # no cell of it was finished
            self._path.write_text(head + "\n", encoding="utf-8")
            return
        if first != head.encode():
            raise BadInput(f"{folder} holds another comparison; choose another folder")
        for number, line in enumerate(lines, 2):
            row = _row(line)
            if row is None:
                raise BadInput(
                    f"{self._path}, line {number} is no cell of this version; choose another folder"
                )
            self.rows[row["key"]] = row
        if len(whole) < len(raw):  # a line that was being written when the run was killed
            os.truncate(self._path, len(whole))

    def add(self, rows: Iterable[Row]) -> None:
        """Keep finished cells, on disk before they count."""
        with self._path.open("a", encoding="utf-8") as file:
            for row in rows:
                file.write(json.dumps(row) + "\n")
                self.rows[row["key"]] = row
            file.flush()
            os.fsync(file.fileno())


_COLUMNS: Final = frozenset(
    {"key", "trades", "digest", "attributed", "findings", *(metric.name for metric in METRICS)}
)


def _row(line: bytes) -> Row | None:
    """A line as a finished cell; None when it is none, or lacks a figure of this version."""
    try:
        row = json.loads(line)
    except ValueError:
        return None
    return row if isinstance(row, dict) and row.keys() >= _COLUMNS else None


def _is_head(line: bytes) -> bool:
    """Whether a line begins a file of finished cells, of whatever options."""
    try:
        head = json.loads(line)
    except ValueError:
        return False
    return isinstance(head, dict) and head.keys() >= {"format", "preset"}


def _head(grid: Grid) -> Row:
    """What cells of one file have in common; axes may grow between runs.

    Of an order file the content counts, not the name: it may be edited, or moved.
    """
    return {
        "format": FORMAT,
        "orders": None if grid.orders is None else _content(Path(grid.orders)),
        "days": grid.days,
        "scale": grid.scale,
        "preset": grid.preset,
        "audit": grid.audit,
    }


def _content(path: Path) -> str:
    try:
        return hashlib.sha256(path.read_bytes()).hexdigest()
    except OSError as barred:
        raise BadInput(f"{path.name}: cannot be read: {barred}") from barred
