"""Results by group: medians and 5-95% bands, and the tables that are written to files.

Purpose: what the report, the hypotheses and the files share. A slice is a horizon, fault level and
liquidity; within it a band runs over the seeds. Ordering: as the rows came. Cost: O(rows) a metric.
Errors: BadInput when Parquet is asked for without pyarrow (extra ``compare``).
"""

import csv
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, Final, NamedTuple

from venue.comparison.formulas import quantile
from venue.comparison.metrics import METRICS
from venue.tables import optional

AXES: Final = ("design", "horizon", "faults", "liquidity", "seed", "money")
LOSS_COLUMNS: Final = (*AXES, "family", "cause", "bearer", "cases", "yen", "delay_h")

Row = dict[str, Any]
Slice = tuple[int, str, str]


class Band(NamedTuple):
    """A figure over seeds."""

    low: float
    median: float
    high: float


def band(values: Iterable[float | None]) -> Band | None:
    """Median and 5-95% band of the values that exist; None when none does."""
    found = [value for value in values if value is not None]
    if not found:
        return None
    low, median, high = (quantile(found, share) or 0.0 for share in (0.05, 0.5, 0.95))
    return Band(low, median, high)


def rows_of(rows: Iterable[Row], **axes: object) -> list[Row]:
    """Rows whose axes have these values."""
    return [row for row in rows if all(row[name] == value for name, value in axes.items())]


def slices(rows: Sequence[Row]) -> list[Slice]:
    """Every slice, in order of appearance."""
    return list(dict.fromkeys((row["horizon"], row["faults"], row["liquidity"]) for row in rows))


def table(rows: Sequence[Row]) -> dict[Slice, dict[str, dict[str, Band | None]]]:
    """Bands by slice, metric and design."""
    groups: dict[tuple[Slice, str], list[Row]] = {}
    for row in rows:
        where = (row["horizon"], row["faults"], row["liquidity"])
        groups.setdefault((where, row["design"]), []).append(row)
    found: dict[Slice, dict[str, dict[str, Band | None]]] = {}
    for (where, design), group in groups.items():
        by_metric = found.setdefault(where, {})
        for metric in METRICS:
            values = (row[metric.name] for row in group)
            by_metric.setdefault(metric.name, {})[design] = band(values)
    return found


def write_tables(rows: Sequence[Row], folder: Path) -> list[Path]:
    """Write results.csv and results.parquet (a row a cell) and attribution.csv; their paths."""
    names = [*AXES, "trades", *(metric.name for metric in METRICS), "digest"]
    cells = folder / "results.csv"
    with cells.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, names, extrasaction="ignore")
        writer.writeheader()
        writer.writerows(rows)
    whose = folder / "attribution.csv"
    with whose.open("w", newline="", encoding="utf-8") as file:
        losses = csv.DictWriter(file, LOSS_COLUMNS)
        losses.writeheader()
        losses.writerows(attributed(rows))
    arrow, parquet = optional("pyarrow", "compare"), optional("pyarrow.parquet", "compare")
    packed = folder / "results.parquet"
    columns = {name: [row.get(name) for row in rows] for name in names}
    for metric in METRICS:
        values = columns[metric.name]
        columns[metric.name] = [None if value is None else float(value) for value in values]
    parquet.write_table(arrow.table(columns), packed)
    return [cells, packed, whose]


def attributed(rows: Iterable[Row]) -> list[Row]:
    """Losses and delays one by one: who caused, who bore, how much."""
    return [
        {**{axis: row[axis] for axis in AXES}, **loss} for row in rows for loss in row["attributed"]
    ]
