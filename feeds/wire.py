"""JSON of the public feed: every message out and every request in, and nothing else of it.

Purpose: the only door of JSON in this room. Prices are decimal strings in yen, quantities are
integers ``quantity_units``, times ``at_ns`` in UTC nanoseconds, orders ``O-317`` and trades
``T-92``. One JSON object per message.

Ordering: ``seq`` is the stream's position (a stream is one channel of one issue) and ``prev_seq``
the position before; a reader has lost nothing while ``prev_seq`` equals the last ``seq`` it holds.
A snapshot carries the ``seq`` it is valid at and replaces everything held before.

Invariants: no schema here has a field for a firm, session, account or client order id, so none
can leak. Requests are read strictly; the first failing check, in the order of
market/reasons.py, names the reason.

Known limits: version ``v1`` only grows; readers must ignore fields they do not know.
"""

import json
from enum import StrEnum
from functools import lru_cache
from typing import Annotated, Any, Final

import msgspec
from msgspec import UNSET, Meta, Struct, UnsetType

from market.quantities import MAX_YEN, Sen, TimeNs, price_to_text
from market.reasons import CATALOGUE, RejectReason
from market.words import OrderKind, Phase, QuoteKind, Side

VERSION: Final = "v1"


class Channel(StrEnum):
    """What can be subscribed to."""

    STATUS = "status"
    INSTRUMENTS = "instruments"
    PHASE = "phase"
    ORDERS = "orders"
    DEPTH = "depth"
    AUCTION = "auction"
    TRADES = "trades"
    HEARTBEAT = "heartbeat"


# --- out: envelopes


class Update(Struct, frozen=True, kw_only=True, gc=False, omit_defaults=True):
    """One step of one stream. ``conflated`` counts the steps it covers when more than one."""

    channel: Channel
    type: str
    instrument_id: str = ""
    seq: int
    prev_seq: int
    at_ns: TimeNs
    conflated: int = 1
    data: Any


class Snapshot(Struct, frozen=True, kw_only=True, gc=False, omit_defaults=True):
    """All of one stream as it stands after step ``seq``."""

    channel: Channel
    type: str
    instrument_id: str = ""
    seq: int
    at_ns: TimeNs
    conflated: int = 1
    data: Any


class Heartbeat(Struct, frozen=True, kw_only=True, gc=False):
    """Positions of all streams, so that a quiet stream proves it lost nothing. Not numbered."""

    channel: Channel
    type: str
    at_ns: TimeNs
    run_id: str
    journal_sequence: int
    journal_chain: str
    heads: dict[str, dict[str, int]]


class Hello(Struct, frozen=True, kw_only=True, gc=False):
    """First message of a connection; another ``run_id`` than before means start over."""

    channel: Channel
    type: str
    version: str
    run_id: str
    preset: str
    channels: list[str]


# --- out: what each channel says


class StatusData(Struct, frozen=True, kw_only=True, gc=False):
    """The venue as a whole."""

    run_id: str
    preset: str
    state: str
    business_date: str | None


class TickTableData(Struct, frozen=True, kw_only=True, gc=False):
    """Ticks: each row holds up to and at its price."""

    table_id: int
    rows: list[tuple[str, str]]


class InstrumentData(Struct, frozen=True, kw_only=True, gc=False):
    """Reference data of one issue; an update replaces all of it."""

    isin: str
    name: str
    product_class: str
    trading_unit_units: int
    issued_units: int
    issue_price: str
    reference_price: str
    lower_limit: str
    upper_limit: str
    tick_table: TickTableData
    market_orders_barred: bool
    under_supervision: bool
    to_be_removed: bool
    transfer_executable: bool
    nav: str | None
    next_reference_price: str | None


class PhaseData(Struct, frozen=True, kw_only=True, gc=False):
    """State of one issue; an update replaces all of it."""

    phase: Phase
    non_cancel: bool
    suspended: bool
    reason: str | None


class OrderAdd(Struct, frozen=True, kw_only=True, gc=False, tag="add", tag_field="action"):
    """An order joined the back of its price; ``price`` is null for a market order."""

    order_number: str
    side: Side
    kind: OrderKind
    price: str | None
    quantity_units: int


class OrderReduce(
    Struct,
    frozen=True,
    kw_only=True,
    gc=False,
    omit_defaults=True,
    tag="reduce",
    tag_field="action",
):
    """An order has fewer units open and keeps its place; at 0 it is gone, no delete follows."""

    order_number: str
    leaves_units: int
    trade_number: str = ""


class OrderDelete(Struct, frozen=True, kw_only=True, gc=False, tag="delete", tag_field="action"):
    """An order left the book."""

    order_number: str


class OrderReplace(Struct, frozen=True, kw_only=True, gc=False, tag="replace", tag_field="action"):
    """An order left and joined the back, under a new number or its old one; side as before."""

    old_order_number: str
    order_number: str
    kind: OrderKind
    price: str | None
    leaves_units: int


class OpenOrder(Struct, frozen=True, kw_only=True, gc=False):
    """One live order of a snapshot."""

    order_number: str
    side: Side
    kind: OrderKind
    price: str | None
    leaves_units: int


class OrdersData(Struct, frozen=True, kw_only=True, gc=False):
    """All live orders in priority order: buys, then sells; market orders first, best price next."""

    orders: list[OpenOrder]


class DepthData(Struct, frozen=True, kw_only=True, gc=False):
    """Levels ``[price, quantity_units, order_count]``, best first; quantity 0 deletes a level.

    Attributes:
        over_units: Units offered above the best ten asks (OVER).
        under_units: Units bid for below the best ten bids (UNDER).
        crc: Checksum after this message; the rule is in feeds/depth.py.
    """

    bids: list[tuple[str, int, int]]
    asks: list[tuple[str, int, int]]
    market_buy_units: int
    market_sell_units: int
    over_units: int
    under_units: int
    crc: int


class Indicative(Struct, frozen=True, kw_only=True, gc=False, tag="indicative", tag_field="action"):
    """What the cross would give now; ``price`` null says "no price"."""

    price: str | None
    executed_units: int | UnsetType = UNSET
    surplus_units: int | UnsetType = UNSET


class CrossResult(Struct, frozen=True, kw_only=True, gc=False, tag="result", tag_field="action"):
    """A cross was held; the indicative price is "no price" from here on."""

    phase: Phase
    price: str | None
    executed_units: int
    trades: int
    skipped: bool


class QuoteNews(Struct, frozen=True, kw_only=True, gc=False, tag="quote", tag_field="action"):
    """A price shown instead of traded at (特別気配, 連続約定気配); ``price`` null: none is shown any more.

    Attributes:
        side: The side that presses; null with ``price``.
        renew_at_ns: When it moves on, market time; null for one that stays, and with ``price``.
    """

    quote_number: int
    kind: QuoteKind | None
    side: Side | None
    price: str | None
    renew_at_ns: TimeNs | None


class AuctionData(Struct, frozen=True, kw_only=True, gc=False, omit_defaults=True):
    """The indicative price as it stands, the last cross held, and the quote if one is shown."""

    indicative: Indicative
    result: CrossResult | None
    quote: QuoteNews | None = None


class DayTotals(Struct, frozen=True, kw_only=True, gc=False):
    """Trading of the day so far; prices are null before the first trade."""

    volume_units: int
    value_yen: int
    trade_count: int
    open: str | None
    high: str | None
    low: str | None
    last: str | None


class TradeReport(Struct, frozen=True, kw_only=True, gc=False, tag="trade", tag_field="action"):
    """One trade and the day's totals after it."""

    trade_number: str
    price: str
    quantity_units: int
    cross: bool
    totals: DayTotals


class TradeBust(Struct, frozen=True, kw_only=True, gc=False, tag="bust", tag_field="action"):
    """A trade was voided; the day's totals without it (unchanged for a trade of an earlier day)."""

    trade_number: str
    price: str
    quantity_units: int
    reason: str
    totals: DayTotals


class NewDay(Struct, frozen=True, kw_only=True, gc=False, tag="new_day", tag_field="action"):
    """A business day began: recent trades and totals start empty."""

    business_date: str


class ClosingPrice(Struct, frozen=True, kw_only=True, gc=False, tag="close", tag_field="action"):
    """The day's closing price; null when there is none."""

    price: str | None


class RecentTrade(Struct, frozen=True, kw_only=True, gc=False):
    """One of the last trades in a snapshot."""

    trade_number: str
    price: str
    quantity_units: int
    cross: bool
    at_ns: TimeNs


class TradesData(Struct, frozen=True, kw_only=True, gc=False):
    """The last trades, oldest first, and the day's totals."""

    trades: list[RecentTrade]
    totals: DayTotals


# --- out: answers


class ErrorData(Struct, frozen=True, kw_only=True, gc=False):
    """Why a request was refused; codes are stable."""

    code: RejectReason
    text: str
    retryable: bool


class Answer(Struct, frozen=True, kw_only=True, gc=False, omit_defaults=True):
    """The one answer to one request."""

    method: str
    req_id: str = ""
    ok: bool
    result: Any = None
    error: ErrorData | None = None


class Joined(Struct, frozen=True, kw_only=True, gc=False):
    """Where a subscription joins a stream: after step ``seq``, by snapshot or by missed updates."""

    name: Channel
    instrument_id: str
    seq: int
    snapshot: bool


encode: Final = msgspec.json.Encoder().encode
"""Compact JSON of any message above. Cost: about 1 us for an order."""


@lru_cache(maxsize=65_536)
def price_text(price_sen: Sen) -> str:
    """``price_to_text``, remembered: a book uses few prices, many times."""
    return price_to_text(price_sen)


def refusal(reason: RejectReason, method: str = "", req_id: str | None = None) -> bytes:
    """The answer that refuses a request."""
    entry = CATALOGUE[reason]
    error = ErrorData(code=reason, text=entry.text_en, retryable=entry.retryable)
    return encode(Answer(method=method, req_id=req_id or "", ok=False, error=error))


# --- in

CHANNELS_PER_REQUEST_MAX: Final = 32
INSTRUMENTS_PER_CHANNEL_MAX: Final = 1_000

_InstrumentText = Annotated[str, Meta(pattern=r"^[A-Z0-9]{1,12}\Z")]
_ReqId = Annotated[str, Meta(pattern=r"^[ -~]{1,64}\Z")]
_Seq = Annotated[int, Meta(ge=1, le=MAX_YEN)]


class ChannelRequest(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One channel; no ``instrument_ids`` means all issues, later ones included.

    Attributes:
        from_seq: First step wanted, for a reader that holds everything before it.
    """

    name: Channel
    instrument_ids: (
        Annotated[list[_InstrumentText], Meta(min_length=1, max_length=INSTRUMENTS_PER_CHANNEL_MAX)]
        | None
    ) = None
    from_seq: _Seq | None = None


_Channels = Annotated[list[ChannelRequest], Meta(min_length=1, max_length=CHANNELS_PER_REQUEST_MAX)]


class ChannelsParams(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Parameters of subscribe and unsubscribe."""

    channels: _Channels


class NoParams(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Nothing to say."""


class Subscribe(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Ask for streams."""

    method: str
    params: ChannelsParams
    req_id: _ReqId | None = None


class Unsubscribe(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """End streams."""

    method: str
    params: ChannelsParams
    req_id: _ReqId | None = None


class Ping(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Ask for any answer."""

    method: str
    params: NoParams | None = None
    req_id: _ReqId | None = None


Request = Subscribe | Unsubscribe | Ping


class Refused(Struct, frozen=True, kw_only=True):
    """A request that cannot be read, with what could be saved for the answer."""

    reason: RejectReason
    method: str = ""
    req_id: str | None = None


_SHAPES: Final[dict[str, type[Subscribe] | type[Unsubscribe] | type[Ping]]] = {
    "subscribe": Subscribe,
    "unsubscribe": Unsubscribe,
    "ping": Ping,
}


def _no_constant(text: str) -> Any:
    """NaN and Infinity are not JSON, whatever the standard library thinks."""
    raise ValueError(text)


def read_request(text: str) -> Request | Refused:
    """Read one request strictly.

    Requests are rare, so the standard library's reader is used: it can report duplicate keys,
    which the fast reader silently merges. Cost: about 20 us.
    """
    twice: list[str] = []

    def pairs_to_dict(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        found = dict(pairs)
        if len(found) != len(pairs):
            twice.extend(key for key, _ in pairs)
        return found

    decoder = json.JSONDecoder(object_pairs_hook=pairs_to_dict, parse_constant=_no_constant)
    try:
        read = decoder.decode(text)
    except (ValueError, RecursionError):  # not JSON, a number of thousands of digits, or too deep
        return Refused(reason=RejectReason.MALFORMED)
    if not isinstance(read, dict):
        return Refused(reason=RejectReason.MALFORMED)
    req_id = _safe_req_id(read.get("req_id"))
    if twice:
        return Refused(reason=RejectReason.DUPLICATE_KEY, req_id=req_id)
    method = read.get("method")
    if not isinstance(method, str):
        return Refused(reason=RejectReason.SCHEMA, req_id=req_id)
    if method not in _SHAPES:
        return Refused(reason=RejectReason.UNKNOWN_TYPE, req_id=req_id)
    try:
        return msgspec.convert(read, _SHAPES[method])
    except msgspec.ValidationError:
        return Refused(reason=RejectReason.SCHEMA, method=method, req_id=req_id)


def _safe_req_id(found: object) -> str | None:
    """The label to echo, if it is one that may be echoed."""
    try:
        return msgspec.convert(found, _ReqId)
    except msgspec.ValidationError:
        return None
