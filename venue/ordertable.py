"""Order tables: orders from files and data frames, as rows for the batch door.

Purpose: :func:`load` reads CSV (``.gz`` too), Parquet, Arrow/Feather, a pandas, polars or Arrow
table, a numpy structured array, or a dict of columns. One row is one order, cancel or amendment:

    time            HH:MM:SS, up to nine decimals, Japan time; or at_ns, UTC ns since the epoch
    day             with time: market day of the run, from 1 (default 1)
    op              new (default), cancel or amend
    order_id        the caller's, a whole number or text; a cancel or amend names the order it
                    means; default for tables of new orders: the row number
    instrument_id   of a new order; an order's cancels and amendments know it
    side            buy or sell
    kind            limit or market; default: limit where there is a price
    price           decimal yen, exactly; or price_sen, 1/100 yen
    quantity_units  of a new order; in an amendment the new open quantity (where
                    the rulebook replaces totals: the new total)
    owner           whose order it is, for self-trade prevention; default: an owner for each order
    validity        day (default), next_auction, ioc, fok, on_open, on_close or funari
    self_trade      mode of this order; default: the rulebook's

``instrument``, ``quantity``, ``participant`` and ``action`` are taken for instrument_id,
quantity_units, owner and op. An empty cell, None, null or NaN is no value. Codes of
matching/rows.py are taken for words.

Ordering: rows keep their order; runs sort them by time, equal times in row order.
Errors: one BadInput that names rows (the first data row is row 1) and columns, the first 20. What
the market would refuse (an off-tick price, a cancel of an order nobody knows) is no error here.
"""

import csv
import gzip
import io
import math
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from market.errors import BadInput
from market.quantities import MAX_PRICE_SEN, MAX_QUANTITY_UNITS, price_from_text
from matching.rows import COMMAND, KINDS, SELF_TRADE_MODES, SIDES, VALIDITIES, Op
from venue.tables import optional

ERRORS_SHOWN_MAX: Final = 20
DAYS_MAX: Final = 10_000
COLUMNS: Final = (
    "time", "at_ns", "day", "op", "order_id", "instrument_id", "side", "kind", "price",
    "price_sen", "quantity_units", "owner", "validity", "self_trade",
)  # fmt: skip
OTHER_NAMES: Final = {
    "instrument": "instrument_id",
    "quantity": "quantity_units",
    "participant": "owner",
    "action": "op",
}
NS_PER_S: Final = 1_000_000_000

_TIME: Final = re.compile(r"([01][0-9]|2[0-3]):([0-5][0-9]):([0-5][0-9])(?:\.([0-9]{1,9}))?")
_NS_DIGITS: Final = 9
_INT64_MAX: Final = 2**63 - 1

Columns = dict[str, list[Any]]
"""Plain Python values by column; None is no value."""


@dataclass(frozen=True, slots=True)
class Orders:
    """Orders as rows, with what their numbers stand for.

    Attributes:
        rows: COMMAND rows; instruments, order ids and owners are numbers of the lists here.
        at_ns: Time of each row: since midnight Japan time, or where ``day`` is 0 since the epoch.
        day: Market day of the run, from 1; 0 where ``at_ns`` tells the day.
        issues: Issue by number, from 0, in the order in which the table names them.
        order_ids: The caller's id by number less 1.
        owners: The caller's owners by number; numbers beyond are owners of one order each.
    """

    rows: NDArray[Any]
    at_ns: NDArray[np.int64]
    day: NDArray[np.int64]
    issues: tuple[str, ...]
    order_ids: NDArray[Any]
    owners: tuple[Any, ...]

    def __len__(self) -> int:
        return len(self.rows)


def load(source: Any) -> Orders:
    """Read an order table.

    Args:
        source: A path (``.csv``, ``.csv.gz``, ``.parquet``, ``.arrow``, ``.feather``) or a table.

    Raises:
        BadInput: When it cannot be read, or a cell is wrong: names row and column.
    """
    return _Reader(_columns_of(source)).orders()


# --- any source as columns


def _columns_of(source: Any) -> Columns:
    if isinstance(source, str | Path):
        return _columns_of_file(Path(source))
    if isinstance(source, np.ndarray):
        if source.dtype.names is None or source.ndim != 1:
            raise BadInput("a numpy order table is a one-dimensional structured array")
        return {name: _plain(source[name].tolist()) for name in source.dtype.names}
    if isinstance(source, Mapping):
        return {name: _plain(_listed(column)) for name, column in source.items()}
    library = type(source).__module__.partition(".")[0]
    if library == "pandas":
        return {
            name: source[name].astype(object).where(source[name].notna(), None).tolist()
            for name in source.columns
        }
    if library in ("polars", "pyarrow"):
        table = source.to_dict(as_series=False) if library == "polars" else source.to_pydict()
        return {name: _plain(column) for name, column in table.items()}
    raise BadInput(f"an order table is a path or a table, not {type(source).__name__}")


def _columns_of_file(path: Path) -> Columns:
    try:
        if path.suffix == ".parquet":
            return _columns_of(optional("pyarrow.parquet").read_table(path))
        if path.suffix in (".arrow", ".feather"):
            return _columns_of(optional("pyarrow.feather").read_table(path))
        if path.suffixes[-1:] == [".csv"] or path.suffixes[-2:] == [".csv", ".gz"]:
            return _columns_of_csv(path)
    except (OSError, EOFError, ValueError, csv.Error) as error:  # pyarrow's errors are ValueErrors
        raise BadInput(f"{path.name}: cannot be read: {error}") from error
    raise BadInput(f"{path.name}: an order table is .csv, .csv.gz, .parquet, .arrow or .feather")


def _columns_of_csv(path: Path) -> Columns:
    raw = path.read_bytes()
    text = (gzip.decompress(raw) if path.suffix == ".gz" else raw).decode("utf-8-sig")
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    header = next(reader, None)
    if header is None:
        raise BadInput(f"{path.name}: the file is empty; its first line names the columns")
    if len(set(header)) != len(header):
        raise BadInput(f"{path.name}: line 1 names a column twice")
    lines = [cells for cells in reader if cells]
    for row, cells in enumerate(lines, 1):
        if len(cells) != len(header):
            raise BadInput(
                f"{path.name}: row {row}: {len(cells)} cells where line 1 names {len(header)}"
            )
    return {name: [cells[place] or None for cells in lines] for place, name in enumerate(header)}


def _listed(column: Any) -> list[Any]:
    return list(column.tolist() if isinstance(column, np.ndarray) else column)


def _plain(values: Sequence[Any]) -> list[Any]:
    """None for every way to say "no value", text for bytes."""
    return [None if _is_blank(value) else _text(value) for value in values]


def _is_blank(value: Any) -> bool:
    if isinstance(value, float):
        return math.isnan(value)
    return value is None or (isinstance(value, str | bytes) and not value)


def _text(value: Any) -> Any:
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else value


# --- cells


def _whole(value: Any) -> int:
    if isinstance(value, str) and re.fullmatch(r"-?[0-9]{1,19}", value):
        return int(value)
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, Decimal) and value == value.to_integral_value():
        return int(value)
    if isinstance(value, int | np.integer) and not isinstance(value, bool):
        return int(value)
    raise ValueError("not a whole number")


def _between(lowest: int, highest: int) -> Callable[[Any], int]:
    def parse(value: Any) -> int:
        number = _whole(value)
        if not lowest <= number <= highest:
            raise ValueError(f"not between {lowest} and {highest}")
        return number

    return parse


def _yen(value: Any) -> int:
    """Decimal yen to sen, exactly; a float stands for the shortest decimal that gives it."""
    text = format(value.normalize(), "f") if isinstance(value, Decimal) else repr(value)
    price_sen = price_from_text(value if isinstance(value, str) else text)
    if price_sen is None:
        raise ValueError("not a price in yen with at most two decimals")
    return price_sen


def _clock_ns(value: Any) -> int:
    """HH:MM:SS with decimals, or a ``datetime.time``, as nanoseconds after midnight."""
    found = _TIME.fullmatch(str(value))
    if found is None:
        raise ValueError("not a time HH:MM:SS with at most nine decimals")
    hours, minutes, seconds, decimals = found.groups()
    second = int(hours) * 3600 + int(minutes) * 60 + int(seconds)
    return second * NS_PER_S + int((decimals or "").ljust(_NS_DIGITS, "0"))


def _word(words: Sequence[Any]) -> Callable[[Any], int]:
    codes = {str(word.value): code for code, word in enumerate(words) if word is not None}

    def parse(value: Any) -> int:
        code = codes.get(value) if isinstance(value, str) else _whole(value)
        if code is None or not 0 < code < len(words):
            raise ValueError(f"not one of {', '.join(codes)}")
        return code

    return parse


def _op(value: Any) -> int:
    code = {"new": 1, "cancel": 2, "amend": 3}.get(value) if isinstance(value, str) else value
    if code not in (Op.NEW, Op.CANCEL, Op.AMEND):
        raise ValueError("not one of new, cancel, amend")
    return int(code)


class _Parsed(dict[Any, int]):
    """Parses each distinct value once; remembers what could not be parsed."""

    def __init__(self, parse: Callable[[Any], int], blank: int) -> None:
        super().__init__({None: blank})
        self._parse = parse
        self._blank = blank
        self.wrong: dict[Any, str] = {}

    def __missing__(self, value: Any) -> int:
        try:
            self[value] = self._parse(value)
        except ValueError as error:
            self[value] = self._blank
            self.wrong[value] = str(error)
        return self[value]


class _Reader:
    """One table on its way to rows; collects what is wrong with it."""

    def __init__(self, columns: Columns) -> None:
        named = {OTHER_NAMES.get(name, name): column for name, column in columns.items()}
        unknown = [name for name in named if name not in COLUMNS]
        if unknown:
            raise BadInput(
                f"unknown column {', '.join(map(str, unknown))}; columns are {', '.join(COLUMNS)}"
            )
        for either in (("time", "at_ns"), ("price", "price_sen")):
            if all(name in named for name in either):
                raise BadInput(f"one of the columns {' and '.join(either)}, not both")
        if "time" not in named and "at_ns" not in named:
            raise BadInput("a column time or at_ns tells when")
        if len(named) != len(columns):
            raise BadInput("a column is named twice")
        self._columns = named
        self._count = len(next(iter(named.values())))
        if any(len(column) != self._count for column in named.values()):
            raise BadInput("the columns of an order table are equally long")
        self._wrong: list[tuple[int, str, str]] = []

    def orders(self) -> Orders:
        """The table as rows.

        Raises:
            BadInput: When a cell is wrong.
        """
        rows = np.zeros(self._count, dtype=COMMAND)
        rows["op"] = self._read("op", _op, Op.NEW)
        new, amend = rows["op"] == Op.NEW, rows["op"] == Op.AMEND
        rows["side"] = self._read("side", _word(SIDES))
        rows["validity"] = self._read("validity", _word(VALIDITIES), 1)
        rows["self_trade"] = self._read("self_trade", _word(SELF_TRADE_MODES))
        rows["quantity_units"] = self._read("quantity_units", _between(1, MAX_QUANTITY_UNITS))
        rows["price_sen"] = price = self._price()
        kind = self._read("kind", _word(KINDS))
        rows["kind"] = np.where(kind == 0, np.where(price > 0, 1, 2), kind)
        ids, order_ids = self._order_ids(rows, new)
        at_ns, day = self._times()
        issues = self._instruments(rows, ids, new)
        owners = self._owners(rows, ids, new)

        is_limit = rows["kind"] == 1
        self._must(new & (rows["side"] == 0), "side", "a new order has one")
        self._must(new & (rows["quantity_units"] == 0), "quantity_units", "a new order has one")
        self._must(
            new & (is_limit != (price > 0)), "price", "a limit order has one, a market order none"
        )
        empty = amend & (price == 0) & (rows["quantity_units"] == 0)
        self._must(empty, "price", "an amendment changes the price, the quantity or both")
        cancel = rows["op"] == Op.CANCEL
        for name in ("price_sen", "quantity_units", "side", "kind"):
            rows[name][cancel] = 0
        self._raise()
        return Orders(rows, at_ns, day, issues, order_ids, owners)

    def _read(self, name: str, parse: Callable[[Any], int], blank: int = 0) -> NDArray[np.int64]:
        column = self._columns.get(name)
        if column is None:
            return np.full(self._count, blank, dtype=np.int64)
        parsed = _Parsed(parse, blank)
        read = np.fromiter((parsed[value] for value in column), np.int64, self._count)
        if parsed.wrong:
            for row, value in enumerate(column):
                if value in parsed.wrong:
                    self._wrong.append((row, name, f"{value!r} is {parsed.wrong[value]}"))
        return read

    def _price(self) -> NDArray[np.int64]:
        if "price_sen" in self._columns:
            return self._read("price_sen", _between(0, MAX_PRICE_SEN))
        return self._read("price", _yen)

    def _times(self) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        if "at_ns" in self._columns:
            if "day" in self._columns:
                raise BadInput("the column day goes with time; at_ns tells the day itself")
            at_ns = self._read("at_ns", _between(0, _INT64_MAX // 4), -1)
            self._must(at_ns < 0, "at_ns", "every row has one")
            return at_ns, np.zeros(self._count, dtype=np.int64)
        clock = self._read("time", _clock_ns, -1)
        self._must(clock < 0, "time", "every row has one")
        return clock, self._read("day", _between(1, DAYS_MAX), 1)

    def _numbered(self, column: Iterable[Any]) -> tuple[NDArray[np.int64], list[Any]]:
        """Numbers from 0 by first appearance, -1 for no value, and what they stand for."""
        known: dict[Any, int] = {}
        numbers = np.fromiter(
            (-1 if value is None else known.setdefault(value, len(known)) for value in column),
            np.int64,
            self._count,
        )
        return numbers, list(known)

    def _order_ids(
        self, rows: NDArray[Any], new: NDArray[np.bool_]
    ) -> tuple[NDArray[np.int64], NDArray[Any]]:
        column = self._columns.get("order_id")
        if column is None:
            self._must(~new, "order_id", "a cancel or amendment names its order")
            column = list(range(1, self._count + 1))
        numbers, known = self._numbered(column)
        self._must(numbers < 0, "order_id", "every row has one")
        named = numbers[new]
        used = np.zeros(self._count, dtype=bool)
        used[np.flatnonzero(new)[np.unique(named, return_index=True)[1]]] = True
        self._must(new & ~used & (numbers >= 0), "order_id", "an earlier new order has it")
        rows["order_id"] = numbers + 1
        whole = all(isinstance(one, int) and abs(one) <= _INT64_MAX for one in known)
        return numbers, np.array(
            known if whole else list(map(str, known)), np.int64 if whole else np.str_
        )

    def _instruments(
        self, rows: NDArray[Any], ids: NDArray[np.int64], new: NDArray[np.bool_]
    ) -> tuple[str, ...]:
        column = self._columns.get("instrument_id")
        names = [None] * self._count if column is None else column
        named, known = self._numbered(None if one is None else str(one) for one in names)
        self._must(new & (named < 0), "instrument_id", "a new order has one")
        own = self._of_order(named, ids, new)
        self._must(
            (named >= 0) & (own >= 0) & (named != own), "instrument_id", "its order is of another"
        )
        found = np.where(own >= 0, own, named)
        rows["instrument"] = np.maximum(found, 0)  # an order nobody knows is refused anywhere
        return tuple(known)

    def _owners(
        self, rows: NDArray[Any], ids: NDArray[np.int64], new: NDArray[np.bool_]
    ) -> tuple[Any, ...]:
        column = self._columns.get("owner")
        named, known = self._numbered([None] * self._count if column is None else column)
        named = np.where(new & (named < 0), len(known) + ids, named)
        rows["owner"] = np.where(named < 0, self._of_order(named, ids, new), named)
        return tuple(known)

    def _of_order(
        self, numbers: NDArray[np.int64], ids: NDArray[np.int64], new: NDArray[np.bool_]
    ) -> NDArray[np.int64]:
        """For every row the number on the new order it means, -1 where there is none."""
        by_id = np.full(self._count + 1, -1, dtype=np.int64)
        by_id[ids[new]] = numbers[new]
        return by_id[ids]

    def _must(self, wrong: NDArray[np.bool_], column: str, what: str) -> None:
        told = {(row, name) for row, name, _ in self._wrong}
        for row in np.flatnonzero(wrong).tolist():
            if (row, column) not in told:
                self._wrong.append((row, column, what))

    def _raise(self) -> None:
        found = sorted(self._wrong)[:ERRORS_SHOWN_MAX]
        if found:
            raise BadInput("\n".join(f"row {row + 1}, {name}: {what}" for row, name, what in found))
