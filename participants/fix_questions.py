"""Questions about the market in FIX 4.4: security list, session status, market data. Pure.

Purpose: what a client's x, g and V ask for, and how the answers y, h, W, X and Y are written; which
issues there are and what stands on their books comes from the caller (venue/fix_market.py).
Ordering: a request is judged top down: subscription type, duplicate, depth, update type, aggregated
book, entry types, then the symbols; the first fault is the answer.
Invariants: nothing here is remembered; the same values give the same bytes.
Units: prices in sen, quantities in units; on the wire yen and units.
Source: FIX 4.4, market data and security list; from FIX 5.0 the fields from 969 on and MDEntryType
Q, by which an indicative price has an entry type of its own. MDEntryID (278) is ours: the entry's
type with the price in sen (``0-9900000``), ``0-M`` for market orders, a trade's number.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from market.quantities import Sen, price_to_text
from participants.fix_codec import FixMessage, body
from participants.fix_orders import CONDITIONALLY_MISSING, Unfit
from participants.fix_records import utc_text

KINDS: Final = frozenset("xgV")
"""MsgType of every question."""

BID: Final = "0"
OFFER: Final = "1"
TRADE: Final = "2"
INDICATIVE: Final = "Q"
ENTRY_TYPES: Final = frozenset({BID, OFFER, TRADE, INDICATIVE})
"""MDEntryType (269) that can be asked for."""

NEW: Final = "0"
CHANGE: Final = "1"
DELETE: Final = "2"

UNKNOWN_SYMBOL: Final = "0"
DUPLICATE: Final = "1"
TOO_MUCH: Final = "2"
UNSUPPORTED_DEPTH: Final = "5"
UNSUPPORTED_AGGREGATION: Final = "7"
UNSUPPORTED_ENTRY: Final = "8"

SNAPSHOT: Final = "0"
SUBSCRIBE: Final = "1"
UNSUBSCRIBE: Final = "2"

SESSION_NAME: Final = "DAY"
"""TradingSessionID (336): the market has one session a day."""

SIMULATED: Final = 2
SECURITIES_MAX: Final = 20
"""Issues in one SecurityList; a longer answer comes in fragments (893)."""

_REQUEST_REJECTED: Final = 6
_UNKNOWN_SESSION: Final = 1
_OTHER: Final = 99
_VALID: Final = 0
_UNSUPPORTED: Final = 1
_NOTHING_FOUND: Final = 2
_DEPTH_MAX: Final = 1_000_000

Answer = tuple[str, bytes]
"""MsgType and body."""


@dataclass(frozen=True, slots=True)
class MarketDataAsked:
    """A MarketDataRequest that can be carried out, its symbols not looked up yet.

    Attributes:
        request_id: MDReqID (262).
        depth: Levels a side; 0 for all of them.
        is_subscription: Whether what changes is told as well.
        is_incremental: Whether a change is told by itself (X), not by the whole (W).
        entry_types: What of the market.
        symbols: Each once, in the order asked.
    """

    request_id: str
    depth: int
    is_subscription: bool
    is_incremental: bool
    entry_types: frozenset[str]
    symbols: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class MarketDataRefused:
    """Why not: MDReqRejReason (281), None where FIX has no number for it, and words."""

    request_id: str
    reason: str | None
    text: str

    def answer(self) -> Answer:
        """MarketDataRequestReject (35=Y)."""
        return "Y", body((262, self.request_id), (281, self.reason), (58, self.text))


@dataclass(frozen=True, slots=True)
class MarketDataEnded:
    """The request to end a subscription."""

    request_id: str


def market_data_asked(
    message: FixMessage, *, is_known: bool
) -> MarketDataAsked | MarketDataEnded | MarketDataRefused | Unfit:
    """What a well-formed V asks for.

    Args:
        message: Its groups are as counted (participants/fix_rules.py).
        is_known: Whether a subscription of this MDReqID is running.
    """
    fields = message.fields
    request_id, kind = fields["262"], fields["263"]
    if kind == UNSUBSCRIBE:
        if is_known:
            return MarketDataEnded(request_id)
        return MarketDataRefused(request_id, None, "no subscription has this MDReqID (262)")
    if is_known:
        return MarketDataRefused(request_id, DUPLICATE, "a subscription has this MDReqID (262)")
    depth = int(fields["264"])
    if not 0 <= depth <= _DEPTH_MAX:
        return MarketDataRefused(request_id, UNSUPPORTED_DEPTH, "MarketDepth (264) is 0, 1 or more")
    is_subscription = kind == SUBSCRIBE
    if is_subscription and "265" not in fields:
        return Unfit(CONDITIONALLY_MISSING, "MDUpdateType (265) goes with a subscription")
    if fields.get("266") == "N":
        text = "only price levels are told (266 = Y); single orders are in the ITCH feed"
        return MarketDataRefused(request_id, UNSUPPORTED_AGGREGATION, text)
    entry_types = frozenset(message.values(269))
    if not entry_types <= ENTRY_TYPES:
        return MarketDataRefused(request_id, UNSUPPORTED_ENTRY, "MDEntryType (269) is 0, 1, 2 or Q")
    return MarketDataAsked(
        request_id=request_id,
        depth=depth,
        is_subscription=is_subscription,
        is_incremental=fields.get("265") == "1",
        entry_types=entry_types,
        symbols=tuple(dict.fromkeys(message.values(55))),
    )


# --- market data, out


def snapshot(request_id: str, symbol: str, entries: list[bytes]) -> Answer:
    """MarketDataSnapshotFullRefresh (35=W); with nothing to tell it has no entries."""
    head = body((262, request_id), (55, symbol), (268, len(entries)))
    return "W", b"".join([head, *entries])


def changes(request_id: str, entries: list[bytes]) -> Answer:
    """MarketDataIncrementalRefresh (35=X)."""
    return "X", b"".join([body((262, request_id), (268, len(entries))), *entries])


def level(
    entry_type: str,
    price_sen: Sen | None,
    units: int,
    orders: int,
    *,
    symbol: str = "",
    action: str | None = None,
) -> bytes:
    """A price level, or the market orders of a side where there is no price.

    Args:
        entry_type: BID or OFFER.
        price_sen: None for market orders.
        units: Open in it.
        orders: How many; 0 where that is not known.
        symbol: With ``action``.
        action: NEW, CHANGE or DELETE; None for a snapshot's entry.
    """
    name = f"{entry_type}-{'M' if price_sen is None else int(price_sen)}"
    gone = action == DELETE
    return body(
        (279, action),
        (269, entry_type),
        (278, name),
        (55, symbol if action is not None else None),
        (270, None if price_sen is None else price_to_text(price_sen)),
        (271, None if gone else units),
        (346, orders if orders and not gone else None),
    )


def trade(
    number: str, price: str, units: int, at_ns: int, *, symbol: str = "", action: str | None = None
) -> bytes:
    """A trade with its number, price in yen and market time; DELETE for one that was voided."""
    date, _, time = utc_text(at_ns).partition("-")
    return body(
        (279, action),
        (269, TRADE),
        (278, number),
        (55, symbol if action is not None else None),
        (270, price),
        (271, units),
        (272, date),
        (273, time),
    )


def indicative(
    price_sen: Sen | None, units: int | None, *, symbol: str = "", action: str | None = None
) -> bytes:
    """The price a cross would have now; its quantity where the rulebook publishes it."""
    return body(
        (279, action),
        (269, INDICATIVE),
        (278, INDICATIVE),
        (55, symbol if action is not None else None),
        (270, None if price_sen is None else price_to_text(price_sen)),
        (271, units if action != DELETE else None),
    )


# --- session status


def session_status(status: int) -> bytes:
    """TradingSessionStatus (35=h) that nobody asked for."""
    return body((336, SESSION_NAME), (340, status), (339, SIMULATED))


def session_status_asked(message: FixMessage, status: int) -> Answer:
    """The answer to a g: the state now; every change is told to every session anyhow."""
    fields = message.fields
    request_id, name = fields["335"], fields.get("336", SESSION_NAME)
    if name != SESSION_NAME:
        text = f"there is one session, {SESSION_NAME}"
        refused = (336, name), (340, _REQUEST_REJECTED), (335, request_id)
        return "h", body(*refused, (567, _UNKNOWN_SESSION), (58, text))
    if fields["263"] == UNSUBSCRIBE:
        text = "changes are told to every session and cannot be left out"
        refused = (336, name), (340, _REQUEST_REJECTED), (335, request_id)
        return "h", body(*refused, (567, _OTHER), (58, text))
    return "h", body((336, name), (340, status), (335, request_id), (325, "N"), (339, SIMULATED))


# --- security list


@dataclass(frozen=True, slots=True)
class Security:
    """One issue as a SecurityList tells it; prices in sen."""

    symbol: str
    isin: str
    name: str
    trading_unit_units: int
    tick_sen: Sen
    lower_limit_sen: Sen
    upper_limit_sen: Sen
    reference_price_sen: Sen

    def entry(self) -> bytes:
        """As one entry of the group; a name that FIX cannot spell is left out."""
        is_plain = self.name.isascii() and self.name.isprintable() and self.name != ""
        return body(
            (55, self.symbol),
            (48, self.isin),
            (22, "4"),
            (107, self.name if is_plain else None),
            (15, "JPY"),
            (561, self.trading_unit_units),
            (969, price_to_text(self.tick_sen)),
            (1148, price_to_text(self.lower_limit_sen)),
            (1149, price_to_text(self.upper_limit_sen)),
            (1150, price_to_text(self.reference_price_sen)),
        )


def wanted_securities(message: FixMessage) -> str | int | Unfit:
    """Which issues an x asks for: one symbol, ``""`` for all, or why none (560)."""
    fields = message.fields
    kind = fields["559"]
    if fields.get("263", SNAPSHOT) != SNAPSHOT:
        return _UNSUPPORTED
    if kind == "0":
        if "55" not in fields:
            return Unfit(CONDITIONALLY_MISSING, "Symbol (55) goes with SecurityListRequestType 0")
        return fields["55"]
    if kind == "3":
        if "336" not in fields:
            text = "TradingSessionID (336) goes with SecurityListRequestType 3"
            return Unfit(CONDITIONALLY_MISSING, text)
        return "" if fields["336"] == SESSION_NAME else _NOTHING_FOUND
    return "" if kind == "4" else _UNSUPPORTED


def security_list(request_id: str, securities: Iterable[Security]) -> list[Answer]:
    """SecurityList (35=y), in as many fragments as it needs; 560 = 2 when there is no issue."""
    entries = [security.entry() for security in securities]
    if not entries:
        return [no_securities(request_id, _NOTHING_FOUND)]
    answers: list[Answer] = []
    for start in range(0, len(entries), SECURITIES_MAX):
        part = entries[start : start + SECURITIES_MAX]
        head = body(
            (320, request_id),
            (322, f"{request_id}-{len(answers) + 1}"),
            (560, _VALID),
            (393, len(entries)),
            (893, "Y" if start + SECURITIES_MAX >= len(entries) else "N"),
            (146, len(part)),
        )
        answers.append(("y", b"".join([head, *part])))
    return answers


def no_securities(request_id: str, result: int) -> Answer:
    """SecurityList without one, and why (560)."""
    return "y", body((320, request_id), (322, f"{request_id}-1"), (560, result))
