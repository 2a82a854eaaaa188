"""Order files: a day (or several) of orders as a CSV, for ``kitahama simulate --orders FILE``.

Purpose: read and write participants' intents as text people can make by hand. ``.gz`` is packed.
Columns, all named in the first line, in any order; the starred ones must be there:

    day                       business day of the run, from 1 (default 1)
    time*                     HH:MM:SS or HH:MM:SS.mmm, Japan time
    participant*              1 to 16 of A-Z 0-9 -
    action*                   new, cancel or amend
    client_order_id           1 to 36 of A-Z a-z 0-9 . _ -; not for a cancel
    original_client_order_id  the order a cancel or amend means
    instrument, side, kind    for new: issue; buy or sell; limit or market
    price                     decimal yen with at most two decimals; limit orders and amends
    quantity                  whole units; in an amend the new open quantity, or the new total where
                              the market replaces by total (odx-equities)
    validity                  day (default), next_auction, ioc, fok, on_open, on_close or funari
    account                   0 to 16 of A-Z a-z 0-9 . _ -
    short_sale                short or exempt, for a sell of units not held
    size_confirmed            yes stands by a size the market would query

Ordering: intents are sorted by day and time; lines of the same time keep their order.
Invariants: what ``write_orders`` writes, ``read_orders`` reads back equal. Shape is checked here;
what the market refuses (an off-tick price, an unknown issue) is a matter of the simulation.
Known limits: the first 20 errors are reported, at most 2,000,000 lines are read.
"""

import csv
import gzip
import io
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import IO, Annotated, Any, Final, cast

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from market.errors import BadInput
from market.ids import ClientOrderId, InstrumentId, ParticipantId
from market.quantities import MAX_QUANTITY_UNITS, Sen, Units, price_from_text, price_to_text
from market.words import OrderKind, ShortSale, Side, Validity
from participants.intents import Intent, IntentAction

ERRORS_SHOWN_MAX: Final = 20
LINES_MAX: Final = 2_000_000
DAYS_MAX: Final = 10_000

COLUMNS: Final = (
    "day",
    "time",
    "participant",
    "action",
    "client_order_id",
    "original_client_order_id",
    "instrument",
    "side",
    "kind",
    "price",
    "quantity",
    "validity",
    "account",
)
SELDOM: Final = ("short_sale", "size_confirmed")
"""Columns that are written only when a line needs them."""


REQUIRED: Final = ("time", "participant", "action")

_TIME: Final = re.compile(r"([01][0-9]|2[0-3]):([0-5][0-9]):([0-5][0-9])(?:\.([0-9]{3}))?")
_MS_PER_S: Final = 1_000

_Name = Annotated[str, Field(pattern=r"^[A-Za-z0-9._-]{1,36}$")]


def clock_ms(text: str) -> int | None:
    """``HH:MM:SS`` or ``HH:MM:SS.mmm`` as milliseconds after midnight; None for anything else."""
    found = _TIME.fullmatch(text)
    if found is None:
        return None
    hours, minutes, seconds, millis = found.groups()
    second_of_day = int(hours) * 3600 + int(minutes) * 60 + int(seconds)
    return second_of_day * _MS_PER_S + int(millis or "0")


class OrderLine(BaseModel):
    """One line of the file; an empty cell is an absent field."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    day: Annotated[int, Field(ge=1, le=DAYS_MAX)] = 1
    time: int
    participant: Annotated[str, Field(pattern=r"^[A-Z0-9-]{1,16}$")]
    action: IntentAction
    client_order_id: _Name | None = None
    original_client_order_id: _Name | None = None
    instrument: Annotated[str, Field(pattern=r"^[A-Z0-9]{1,12}$")] | None = None
    side: Side | None = None
    kind: OrderKind | None = None
    price: int | None = None
    quantity: Annotated[int, Field(ge=1, le=MAX_QUANTITY_UNITS)] | None = None
    validity: Validity = Validity.DAY
    account: Annotated[str, Field(pattern=r"^[A-Za-z0-9._-]{0,16}$")] = ""
    short_sale: ShortSale | None = None
    size_confirmed: bool = False

    @field_validator("day", "quantity", mode="before")
    @classmethod
    def _whole_number(cls, text: str) -> int:
        if not re.fullmatch(r"[0-9]{1,10}", text):
            raise ValueError("not a whole number")
        return int(text)

    @field_validator("size_confirmed", mode="before")
    @classmethod
    def _yes_or_no(cls, text: str) -> bool:
        if text not in ("yes", "no"):
            raise ValueError("yes or no")
        return text == "yes"

    @field_validator("time", mode="before")
    @classmethod
    def _clock(cls, text: str) -> int:
        at_ms = clock_ms(text)
        if at_ms is None:
            raise ValueError("not a time HH:MM:SS or HH:MM:SS.mmm")
        return at_ms

    @field_validator("price", mode="before")
    @classmethod
    def _decimal_yen(cls, text: str) -> int:
        price = price_from_text(text)
        if price is None:
            raise ValueError("not a price in yen with at most two decimals")
        return price

    @model_validator(mode="after")
    def _fields_fit(self) -> "OrderLine":
        wrong = _misfit(self)
        if wrong is not None:
            raise ValueError(wrong)
        return self

    def to_intent(self) -> Intent:
        """The line as the record the simulation works with."""
        name = cast("ClientOrderId | None", self.original_client_order_id)
        return Intent(
            day=self.day,
            at_ms=self.time,
            participant_id=ParticipantId(self.participant),
            action=self.action,
            client_order_id=ClientOrderId(self.client_order_id or ""),
            original_client_order_id=name,
            instrument_id=None if self.instrument is None else InstrumentId(self.instrument),
            side=self.side,
            kind=self.kind,
            price_sen=None if self.price is None else Sen(self.price),
            quantity_units=None if self.quantity is None else Units(self.quantity),
            validity=self.validity,
            account=self.account,
            short_sale=self.short_sale,
            size_confirmed=self.size_confirmed,
        )


_NEEDED: Final = {
    IntentAction.NEW: ("client_order_id", "instrument", "side", "kind", "quantity"),
    IntentAction.CANCEL: ("original_client_order_id",),
    IntentAction.AMEND: ("client_order_id", "original_client_order_id"),
}
_BARRED: Final = {
    IntentAction.NEW: ("original_client_order_id",),
    IntentAction.CANCEL: ("client_order_id", "instrument", "side", "kind", "price", "quantity"),
    IntentAction.AMEND: ("instrument", "side", "kind"),
}


def _misfit(line: OrderLine) -> str | None:
    """What does not fit together on a line, as a sentence that begins with the column."""
    for name in _NEEDED[line.action]:
        if getattr(line, name) is None:
            return f"{name}: {line.action} needs it"
    for name in _BARRED[line.action]:
        if getattr(line, name) is not None:
            return f"{name}: {line.action} has none"
    if line.action is IntentAction.AMEND and line.price is None and line.quantity is None:
        return "price: amend changes the price, the quantity or both"
    if line.action is IntentAction.NEW and (line.kind is OrderKind.LIMIT) != (
        line.price is not None
    ):
        return "price: a limit order has one, a market order none"
    return None


def read_orders(path: Path) -> list[Intent]:
    """Read an order file (``.gz`` is unpacked), sorted by day and time.

    Raises:
        BadInput: When the file cannot be read or a line is wrong; names each line and column,
            the first 20 of them.
    """
    try:
        with _opened(path, "rt") as stream:
            return parse_orders(stream, path.name)
    except (OSError, EOFError, UnicodeDecodeError) as error:
        raise BadInput(f"{path.name}: cannot be read: {error}") from error


def parse_orders(stream: Iterable[str], name: str) -> list[Intent]:
    """Read the text of an order file; ``name`` is for the error messages.

    Raises:
        BadInput: As for ``read_orders``.
    """
    reader = csv.reader(_bounded(stream, name), strict=True)
    errors: list[str] = []
    intents: list[Intent] = []
    try:
        header = _header(next(reader, None), name)
        for cells in reader:
            if not cells:
                continue
            found = _line(header, cells, f"{name}, line {reader.line_num}")
            if isinstance(found, Intent):
                intents.append(found)
            else:
                errors += found
            if len(errors) >= ERRORS_SHOWN_MAX:
                break
    except csv.Error as error:
        errors.append(f"{name}, line {reader.line_num}: not CSV: {error}")
    if errors:
        raise BadInput("\n".join(errors[:ERRORS_SHOWN_MAX]))
    intents.sort(key=lambda intent: (intent.day, intent.at_ms))
    return intents


def write_orders(path: Path, intents: Iterable[Intent]) -> None:
    """Write an order file that reads back equal; a name ending in ``.gz`` is packed."""
    with _opened(path, "wt") as stream:
        writer = csv.writer(stream, lineterminator="\n")
        lines = [_cells(intent) for intent in intents]
        width = len(COLUMNS) if all(line[-2:] == ["", ""] for line in lines) else None
        writer.writerow((*COLUMNS, *SELDOM)[:width])
        writer.writerows(line[:width] for line in lines)


def _opened(path: Path, mode: str) -> IO[str]:
    """Open plain or packed text; packed files carry no time stamp, so equal runs are equal."""
    encoding = "utf-8-sig" if mode == "rt" else "utf-8"  # spreadsheets write a byte order mark
    if path.suffix != ".gz":
        return cast("IO[str]", path.open(mode, encoding=encoding, newline=""))
    packed = gzip.GzipFile(path, mode[0] + "b", mtime=0)
    return io.TextIOWrapper(packed, encoding=encoding, newline="")


def _bounded(stream: Iterable[str], name: str) -> Iterator[str]:
    for number, text in enumerate(stream):
        if number > LINES_MAX:
            raise BadInput(f"{name}: more than {LINES_MAX} lines")
        yield text


def _header(cells: list[str] | None, name: str) -> list[str]:
    if cells is None:
        raise BadInput(f"{name}: the file is empty; its first line names the columns")
    unknown = [cell for cell in cells if cell not in (*COLUMNS, *SELDOM)]
    missing = [column for column in REQUIRED if column not in cells]
    twice = [column for column in (*COLUMNS, *SELDOM) if cells.count(column) > 1]
    for what, columns in (("unknown", unknown), ("missing", missing), ("repeated", twice)):
        if columns:
            raise BadInput(f"{name}, line 1: {what} column {', '.join(columns)}")
    return cells


def _line(header: list[str], cells: list[str], place: str) -> Intent | list[str]:
    """One line as an intent, or what is wrong with it."""
    if len(cells) != len(header):
        return [f"{place}: {len(cells)} cells where the first line names {len(header)} columns"]
    present: dict[str, Any] = {
        column: cell for column, cell in zip(header, cells, strict=True) if cell
    }
    try:
        return OrderLine.model_validate(present).to_intent()
    except ValidationError as error:
        return [f"{place}, {_told(details)}" for details in error.errors()]


def _told(details: Any) -> str:
    """One pydantic error as ``column: what``."""
    text = str(details["msg"]).removeprefix("Value error, ")
    column = ".".join(str(part) for part in details["loc"])
    return f"{column}: {text}" if column else text


def _cells(intent: Intent) -> list[str]:
    seconds, millis = divmod(intent.at_ms, _MS_PER_S)
    minutes, second = divmod(seconds, 60)
    hour, minute = divmod(minutes, 60)
    clock = f"{hour:02d}:{minute:02d}:{second:02d}"
    return [
        str(intent.day),
        f"{clock}.{millis:03d}" if millis else clock,
        intent.participant_id,
        intent.action.value,
        intent.client_order_id,
        intent.original_client_order_id or "",
        intent.instrument_id or "",
        "" if intent.side is None else intent.side.value,
        "" if intent.kind is None else intent.kind.value,
        "" if intent.price_sen is None else price_to_text(intent.price_sen),
        "" if intent.quantity_units is None else str(intent.quantity_units),
        "" if intent.action is not IntentAction.NEW else intent.validity.value,
        intent.account,
        intent.short_sale or "",
        "yes" if intent.size_confirmed else "",
    ]
