"""What ``kitahama compare`` does: read the options, run the grid, write tables and the report.

Purpose: words of the command line become a grid; BadInput says which word is wrong. Output folder:
cells.jsonl (finished cells), results.csv, results.parquet, attribution.csv, report.html, *.svg.
"""

from collections.abc import Callable
from pathlib import Path

from market.errors import BadInput
from venue.comparison.designs import BY_KEY
from venue.comparison.grid import DEPOSIT, FAULTS, HORIZONS, LIQUIDITY, Grid, run_grid
from venue.comparison.money import MONEY_BY_KEY
from venue.comparison.report import Setting, write_report
from venue.comparison.summary import write_tables


def grid_of(
    *, designs: str, horizons: str, faults: str, liquidity: str, seeds: int, seed: int,
    orders: Path | None, days: int, scale: float, preset: str, audit: bool = False, money: str = DEPOSIT,
) -> Grid:  # fmt: skip
    """The grid that the words of the command line ask for.

    Raises:
        BadInput: When a word is unknown, or a number is out of range.
    """
    if seeds < 1 or seed < 0:
        raise BadInput("a comparison needs at least one seed, from 0")
    whole = [word.strip() for word in horizons.split(",") if word.strip()]
    if horizons != "all" and not all(word.isdigit() for word in whole):
        raise BadInput(f"horizons are days, such as 0,1,2, not {horizons!r}")
    grid = Grid(
        designs=_words(designs, tuple(BY_KEY)),
        horizons=HORIZONS if horizons == "all" else tuple(map(int, whole)),
        faults=_words(faults, FAULTS),
        liquidity=_words(liquidity, LIQUIDITY),
        seeds=tuple(range(seed, seed + seeds)),
        orders=None if orders is None else str(orders.resolve()),
        days=days,
        scale=scale,
        preset=preset,
        audit=audit,
        money=_words(money, tuple(MONEY_BY_KEY)),
    )
    grid.check()
    return grid


def compare(
    grid: Grid,
    out: Path,
    *,
    jobs: int,
    cluster: str | None,
    done: Callable[[int, int], None],
) -> list[Path]:
    """Run the grid, write everything, and return what was written; the report comes first.

    Raises:
        BadInput: When the folder holds another comparison, or a library is missing.
    """
    rows = run_grid(grid, out, jobs=jobs, cluster=cluster, done=done)
    days = "one simulated day" if grid.days == 1 else f"{grid.days} simulated days"
    flow = Path(grid.orders).name if grid.orders else f"{days} of the {grid.preset} market"
    report = write_report(rows, out, Setting(flow, len(grid.seeds), grid.audit, grid.designs))
    return [report, *write_tables(rows, out)]


def _words(text: str, known: tuple[str, ...]) -> tuple[str, ...]:
    """Words between commas; "all" is every one, and the first part of a name its whole family."""
    if text == "all":
        return known
    found: list[str] = []
    for word in (part.strip() for part in text.split(",") if part.strip()):
        family = [one for one in known if one == word] or [
            one for one in known if one.startswith(f"{word}-")
        ]
        found += family or [word]
    return tuple(found)
