"""Small tables: named columns of numpy arrays, on their way to Arrow, pandas or polars.

Purpose: what research runs give back. A column holds whole numbers, flags or text; a column of
words (sides, reasons, issues) is kept as codes with their words beside them, and becomes a
dictionary column in Arrow, a categorical in pandas and polars.
Cost: making a table and :attr:`Table.numpy` copy nothing but the rows themselves; words are looked
up only when asked for.
Known limits: Arrow, pandas and polars come with the optional extra ``research``.
"""

from collections.abc import Iterator, Mapping, Sequence
from importlib import import_module
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from market.errors import BadInput, check

EXTRA: Final = "research"


def optional(name: str, extra: str = EXTRA) -> Any:
    """A library of an extra, ``research`` unless said.

    Raises:
        BadInput: When it is not installed; names the extra.
    """
    try:
        return import_module(name)
    except ImportError as error:
        library = name.partition(".")[0]
        raise BadInput(
            f"{library} is not installed; it comes with pip install 'kitahama[{extra}]'"
        ) from error


class Table:
    """Rows of one kind, by columns.

    Attributes:
        words: For each column of codes, the words by code; code 0 is "none".
    """

    __slots__ = ("_columns", "_missing", "words")

    def __init__(
        self,
        columns: Mapping[str, NDArray[Any]],
        words: Mapping[str, Sequence[str]] | None = None,
        missing: Mapping[str, NDArray[np.bool_]] | None = None,
    ) -> None:
        """A table of equally long columns.

        Args:
            columns: The values, in column order.
            words: Words of the columns that hold codes; word 0 stands for "none".
            missing: Where other columns have no value.
        """
        self._columns = dict(columns)
        self.words = {name: tuple(said) for name, said in (words or {}).items()}
        self._missing = dict(missing or {})
        lengths = {len(column) for column in self._columns.values()}
        check(len(lengths) == 1, "a table's columns are equally long", lengths=sorted(lengths))

    def __len__(self) -> int:
        return len(next(iter(self._columns.values())))

    def __repr__(self) -> str:
        return f"<Table of {len(self):,} rows: {', '.join(self._columns)}>"

    def __getitem__(self, name: str) -> NDArray[Any]:
        """One column as it is kept: numbers, flags, text, or codes of :attr:`words`."""
        return self._columns[name]

    @property
    def columns(self) -> tuple[str, ...]:
        """Names of the columns, in order."""
        return tuple(self._columns)

    @property
    def numpy(self) -> NDArray[Any]:
        """The rows as one structured array; words stay codes, missing values 0 or empty."""
        layout = [(name, column.dtype) for name, column in self._columns.items()]
        rows = np.empty(len(self), dtype=layout)
        for name, column in self._columns.items():
            rows[name] = column
        return rows

    def values(self, name: str) -> list[Any]:
        """One column as plain Python values, words spelled out, None where there is none."""
        column = self._columns[name]
        said = self.words.get(name)
        if said is not None:
            return [said[code] if code else None for code in column.tolist()]
        missing = self._missing.get(name)
        if missing is None:
            return list(column.tolist())
        return [
            None if gone else value
            for value, gone in zip(column.tolist(), missing.tolist(), strict=True)
        ]

    def rows(self) -> Iterator[dict[str, Any]]:
        """Each row as a dict of plain Python values."""
        listed = [self.values(name) for name in self._columns]
        for row in zip(*listed, strict=True):
            yield dict(zip(self._columns, row, strict=True))

    def to_arrow(self) -> Any:
        """A ``pyarrow.Table``; words are dictionary columns, missing values null.

        Raises:
            BadInput: When pyarrow is not installed.
        """
        arrow = optional("pyarrow")
        arrays = {}
        for name, column in self._columns.items():
            said = self.words.get(name)
            if said is None:
                arrays[name] = arrow.array(column, mask=self._missing.get(name))
            else:
                codes = arrow.array(column.astype(np.int32), mask=column == 0)
                arrays[name] = arrow.DictionaryArray.from_arrays(codes, arrow.array(said))
        return arrow.table(arrays)

    def to_pandas(self) -> Any:
        """A ``pandas.DataFrame``; whole numbers stay whole also where some are missing.

        Raises:
            BadInput: When pandas or pyarrow is not installed.
        """
        pandas, arrow = optional("pandas"), optional("pyarrow")
        whole = {arrow.int32(): pandas.Int32Dtype(), arrow.int64(): pandas.Int64Dtype()}.get
        table = self.to_arrow()
        return pandas.DataFrame(
            {
                name: column.to_pandas(types_mapper=whole if column.null_count else None)
                for name, column in zip(table.column_names, table.columns, strict=True)
            }
        )

    def to_polars(self) -> Any:
        """A ``polars.DataFrame``.

        Raises:
            BadInput: When polars or pyarrow is not installed.
        """
        return optional("polars").from_arrow(self.to_arrow())
