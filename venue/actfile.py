"""Operator's acts: what the market's operator does on which day, for ``kitahama simulate --acts FILE``.

Purpose: halts, prices set by hand and error trades as text people can make by hand; a CSV. The
operator's door of a served venue (venue/operator_door.py) reads the same acts, one at a time, with
the same cells and without day and time. Columns, all named in the first line, in any order; the
starred ones must be there:

    day            business day of the run, from 1, settlement days included (default 1)
    time*          HH:MM:SS or HH:MM:SS.mmm, Japan time
    act*           halt, resume, base_price, nav, control, report_error, bust, cancel_delivery,
                   hold, release, whole, parts (a side wants it whole, or allows parts of it again), affirm, consent, reverse, buy_in, issuer_default (the settlement
                   money's issuer fails), or an act on tokens with its own columns (venue/tokenacts.py)
    instrument     for halt, resume, base_price, nav and control
    price          decimal yen, for base_price and nav; for buy_in, the last base price if left out
    trade          T-12, for bust; several with blanks between them for report_error
    order          O-7, for report_error instead of trades
    delivery       D-3, for cancel_delivery, hold, release and the acts after them
    side           buy or sell, for hold, release, whole, parts, affirm, consent (to its end) and reverse: who speaks
    firm           for buy_in: whose units are bought; left out, the buyer is paid in cash instead
    override       yes lets the operator void what the rule does not; for reverse, a legal order
    executable     yes or no, for control: may the issue be transferred (移転可否)?
    reason         plain text for halt, control, report_error, bust, cancel_delivery, hold, release, whole, parts,
                   consent, reverse, buy_in and issuer_default

Ordering: by day and time; lines of the same time keep their order. At the same instant the schedule
goes first, then the operator, then the firms.
Known limits: what the market refuses is a matter of the simulation; the first error ends the reading.
"""

import csv
import re
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Final

from market.commands import (
    AffirmDelivery,
    BustTrade,
    BuyIn,
    CancelDelivery,
    Command,
    ConsentToCancel,
    DefaultIssuer,
    Halt,
    ReportErrorTrade,
    Resume,
    ReverseDelivery,
    SetDeliveryHold,
    SetDeliveryParts,
    SetNetAssetValue,
    SetReferencePrice,
    SetTransferControl,
)
from market.errors import BadInput
from market.ids import DeliveryId, InstrumentId, OrderId, ParticipantId, TradeId
from market.quantities import Sen, price_from_text
from market.words import Side
from venue import tokenacts
from venue.orderfile import DAYS_MAX, clock_ms

Act = tuple[int, int, Command]
"""Day of the run, milliseconds after midnight, and what is done."""

COLUMNS: Final = (
    "day", "time", "act", "instrument", "price", "trade", "order", "delivery", "override", "reason",
    "executable", "side", "firm", *tokenacts.COLUMNS,
)  # fmt: skip
_REQUIRED: Final = ("time", "act")
_TEXT_MAX: Final = 200

_NEEDS: Final[dict[str, tuple[str, ...]]] = {
    "halt": ("instrument", "reason"),
    "resume": ("instrument",),
    "base_price": ("instrument", "price"),
    "nav": ("instrument", "price"),
    "control": ("instrument", "executable", "reason"),
    "report_error": ("reason",),
    "bust": ("trade", "reason"),
    "cancel_delivery": ("delivery", "reason"),
    "hold": ("delivery", "side", "reason"),
    "release": ("delivery", "side", "reason"),
    "whole": ("delivery", "side", "reason"),
    "parts": ("delivery", "side", "reason"),
    **tokenacts.NEEDS,
    "affirm": ("delivery", "side"),
    "consent": ("delivery", "side", "reason"),
    "reverse": ("delivery", "side", "reason"),
    "buy_in": ("delivery", "reason"),
    "issuer_default": ("reason",),
}
_MAY: Final[dict[str, tuple[str, ...]]] = {
    "report_error": ("trade", "order"),
    "bust": ("override",),
    "reverse": ("override",),
    "buy_in": ("firm", "price"),
}


def read_acts(path: Path) -> list[Act]:
    """Read an operator's file, sorted by day and time.

    Raises:
        BadInput: When the file cannot be read or a line is wrong; names line and column.
    """
    try:
        with path.open(encoding="utf-8-sig", newline="") as stream:
            return parse_acts(stream, path.name)
    except (OSError, UnicodeDecodeError) as error:
        raise BadInput(f"{path.name}: cannot be read: {error}") from error


def parse_acts(stream: Iterable[str], name: str) -> list[Act]:
    """Read the text of an operator's file; ``name`` is for the error messages.

    Raises:
        BadInput: As for ``read_acts``.
    """
    reader = csv.DictReader(stream, strict=True, restkey="more", restval="")
    acts: list[Act] = []
    try:
        columns = reader.fieldnames or ()
        for column in (*columns, *_REQUIRED):
            if column not in COLUMNS or column not in columns or list(columns).count(column) > 1:
                raise BadInput(f"{name}, line 1: column {column} is unknown, missing or repeated")
        acts += [_act(line, f"{name}, line {reader.line_num}") for line in reader]
    except csv.Error as error:
        raise BadInput(f"{name}, line {reader.line_num}: not CSV: {error}") from error
    return sorted(acts, key=lambda act: act[:2])


def _act(line: dict[str, str], place: str) -> Act:
    present = {column: cell for column, cell in line.items() if cell}
    command = read_act({c: t for c, t in present.items() if c not in ("day", "time")}, place)
    cell = _reader(present, place)
    day = cell("day", _whole) if "day" in present else 1
    if not 1 <= day <= DAYS_MAX:
        raise BadInput(f"{place}, day: 1 to {DAYS_MAX}")
    at_ms = cell("time", clock_ms) if "time" in present else -1
    if at_ms < 0:
        raise BadInput(f"{place}, time: needed")
    return day, at_ms, command


def read_act(present: dict[str, str], place: str) -> Command:
    """The command of one act from its cells, none of them empty; day and time are no part of it.

    Raises:
        BadInput: When a cell is missing, unknown or cannot be read; names ``place`` and column.
    """
    act = present.get("act", "")
    if act not in _NEEDS:
        raise BadInput(f"{place}, act: one of {', '.join(_NEEDS)}")
    needed, allowed = _NEEDS[act], (*_NEEDS[act], *_MAY.get(act, ()))
    for column in needed:
        if column not in present:
            raise BadInput(f"{place}, {column}: {act} needs it")
    for column in present:
        if column not in ("act", *allowed):
            raise BadInput(f"{place}, {column}: {act} has none")
    if len(present.get("reason", "")) > _TEXT_MAX:
        raise BadInput(f"{place}, reason: at most {_TEXT_MAX} letters")
    return _command(act, present, _reader(present, place))


_Cell = Callable[[str, Callable[[str], int | None]], int]


def _reader(present: dict[str, str], place: str) -> _Cell:
    def cell(column: str, read: Callable[[str], int | None]) -> int:
        value = read(present[column])
        if value is None:
            raise BadInput(f"{place}, {column}: {present[column]!r} cannot be read")
        return value

    return cell


def _command(act: str, present: dict[str, str], cell: _Cell) -> Command:
    instrument_id = InstrumentId(present.get("instrument", ""))
    reason = present.get("reason", "")
    if act in tokenacts.NEEDS:
        return tokenacts.token_command(act, present, cell)
    match act:
        case "halt":
            return Halt(instrument_id=instrument_id, reason=reason)
        case "resume":
            return Resume(instrument_id=instrument_id)
        case "base_price":
            price = Sen(cell("price", price_from_text))
            return SetReferencePrice(instrument_id=instrument_id, reference_price_sen=price)
        case "nav":
            price = Sen(cell("price", price_from_text))
            return SetNetAssetValue(instrument_id=instrument_id, nav_sen=price)
        case "control":
            executable = bool(cell("executable", _yes))
            return SetTransferControl(
                instrument_id=instrument_id, executable=executable, reason=reason
            )
        case "report_error":
            trades = [_named("T", text) for text in present.get("trade", "").split()]
            if None in trades:
                cell("trade", lambda _: None)
            order = OrderId(cell("order", _named_by("O"))) if "order" in present else None
            known = tuple(TradeId(trade) for trade in trades if trade is not None)
            return ReportErrorTrade(trade_ids=known, order_id=order, reason=reason)
        case "bust":
            override = bool(cell("override", _yes)) if "override" in present else False
            trade = TradeId(cell("trade", _named_by("T")))
            return BustTrade(trade_id=trade, reason=reason, override=override)
        case "issuer_default":
            return DefaultIssuer(reason=reason)
    return _of_delivery(act, present, cell)


def _of_delivery(act: str, present: dict[str, str], cell: _Cell) -> Command:
    """The command of an act on one delivery."""
    delivery_id, reason = DeliveryId(cell("delivery", _named_by("D"))), present.get("reason", "")
    if act == "cancel_delivery":
        return CancelDelivery(delivery_id=delivery_id, reason=reason)
    if act == "buy_in":
        price_sen = Sen(cell("price", price_from_text)) if "price" in present else None
        firm = ParticipantId(present["firm"]) if "firm" in present else None
        return BuyIn(delivery_id=delivery_id, supplier=firm, price_sen=price_sen, reason=reason)
    side = Side.SELL if cell("side", {"buy": 0, "sell": 1}.get) else Side.BUY
    if act == "affirm":
        return AffirmDelivery(delivery_id=delivery_id, side=side)
    if act == "consent":
        return ConsentToCancel(delivery_id=delivery_id, side=side, reason=reason)
    if act == "reverse":
        ordered = bool(cell("override", _yes)) if "override" in present else False
        return ReverseDelivery(
            delivery_id=delivery_id, side=side, reason=reason, legal_order=ordered
        )
    if act in {"whole", "parts"}:
        allowed = act == "parts"
        return SetDeliveryParts(delivery_id=delivery_id, side=side, allowed=allowed, reason=reason)
    return SetDeliveryHold(delivery_id=delivery_id, side=side, held=act == "hold", reason=reason)


def _whole(text: str) -> int | None:
    return int(text) if re.fullmatch(r"[0-9]{1,5}", text) else None


def _yes(text: str) -> int | None:
    return {"yes": 1, "no": 0}.get(text)


def _named(letter: str, text: str) -> int | None:
    found = re.fullmatch(rf"{letter}-([1-9][0-9]{{0,15}})", text)
    return int(found.group(1)) if found else None


def _named_by(letter: str) -> Callable[[str], int | None]:
    return lambda text: _named(letter, text)
