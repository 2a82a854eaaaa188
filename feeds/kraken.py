"""A read-only feed in the shape of Kraken's websocket version 2, so that its many clients can read our book.

Purpose: a convenience for people with such a client, not this venue's feed: that one is feeds/wire.py. Channels status,
instrument, book, trade, ticker and ping. A client changes a URL, and its symbols: issue ST01 is ``ST01/JPY``.
Ordering: a subscription is answered, then its snapshot follows, then updates in the order of the market. A book is kept as
deep as was asked for: 10, 25, 100, 500 or 1000 levels; a level that leaves is sent with quantity 0, one that comes in
from below with its quantity.
Units: prices are decimal numbers of yen with two places, quantities whole units. The checksum is Kraken's: CRC-32 over the
best ten asks, then bids, as digits without the point; with two places that is our own rule (depth.py).
Known limits: market orders are not in it, nor auctions, phases and halts (``status`` of the instrument tells whether it is
open). A cross has no aggressor; its trades are told as buys. Nothing is numbered and nothing can be asked for again.
Source: Kraken's public API documentation of version 2; which fields its clients read, seen in ccxt and python-kraken-sdk.
"""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import msgspec

from feeds.depth import DepthSide
from feeds.issue import Issue
from feeds.market_data import MarketData
from feeds.wire import Channel
from market.quantities import SEN_PER_YEN, Sen, TimeNs
from market.words import Phase

DEPTHS: Final = (10, 25, 100, 500, 1_000)
CHANNELS: Final = ("book", "instrument", "ticker", "trade")
SYMBOLS_PER_REQUEST_MAX: Final = 1_000

_QUOTE: Final = "/JPY"
_OPEN: Final = frozenset({Phase.PRE_OPEN, Phase.PRE_CLOSE, Phase.CONTINUOUS})
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_ENCODE: Final = msgspec.json.Encoder().encode

Levels = dict[Sen, int]
"""Units by price, best first."""


class Reader:
    """What one connection subscribed to, and what of it was told.

    Attributes:
        wants_heartbeat: From the first subscription on.
    """

    __slots__ = ("_books", "_feeds", "_others", "wants_heartbeat")

    def __init__(self, feeds: MarketData) -> None:
        self._feeds = feeds
        self._books: dict[str, tuple[int, Levels, Levels]] = {}
        self._others: dict[str, dict[str, None]] = {channel: {} for channel in CHANNELS}
        self.wants_heartbeat = False

    def hello(self, connection_id: int) -> bytes:
        """The first message of a connection."""
        told = {
            "api_version": "v2",
            "connection_id": connection_id,
            "system": "online",
            "version": "2.0",
        }
        return _message("status", "update", [told])

    def receive(self, text: bytes, at_ns: TimeNs) -> list[bytes]:
        """Answer one request; snapshots follow a subscription's answer."""
        try:
            asked = msgspec.json.decode(text)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            return [_refusal("", None, "Malformed request", at_ns)]
        if not isinstance(asked, dict):
            return [_refusal("", None, "Malformed request", at_ns)]
        method, req_id = asked.get("method"), asked.get("req_id")
        if not isinstance(req_id, int | None) or isinstance(req_id, bool):
            req_id = None
        if method == "ping":
            return [_answer({"method": "pong"}, req_id, at_ns)]
        params = asked.get("params")
        if method not in {"subscribe", "unsubscribe"} or not isinstance(params, dict):
            return [_refusal(str(method)[:32], req_id, "Method not found", at_ns)]
        return self._change(method, params, req_id, at_ns)

    def _change(
        self, method: str, params: dict[str, Any], req_id: int | None, at_ns: TimeNs
    ) -> list[bytes]:
        """Subscribe or unsubscribe, one answer a symbol as Kraken does."""
        channel = params.get("channel")
        if channel not in CHANNELS:
            return [_refusal(method, req_id, "Currency pair or channel not supported", at_ns)]
        depth = params.get("depth", DEPTHS[0])
        if channel == "book" and (depth not in DEPTHS or isinstance(depth, bool)):
            return [_refusal(method, req_id, f"Depth must be one of {list(DEPTHS)}", at_ns)]
        symbols = [""] if channel == "instrument" else params.get("symbol")
        if not isinstance(symbols, list) or not 0 < len(symbols) <= SYMBOLS_PER_REQUEST_MAX:
            return [_refusal(method, req_id, "Symbol(s) missing", at_ns)]
        told: list[bytes] = []
        for symbol in symbols:
            issue = self._feeds.issues.get(str(symbol).removesuffix(_QUOTE))
            if channel != "instrument" and (issue is None or not str(symbol).endswith(_QUOTE)):
                text = f"Currency pair not supported {str(symbol)[:32]}"
                told.append(_refusal(method, req_id, text, at_ns, symbol=str(symbol)[:32]))
                continue
            name = (
                "" if issue is None or channel == "instrument" else issue.instrument.instrument_id
            )
            snapshot = params.get("snapshot") is not False and method == "subscribe"
            result: dict[str, Any] = {"channel": channel}
            if name:
                result["symbol"] = symbol
            if channel == "book":
                result["depth"] = depth
            if method == "subscribe":
                result["snapshot"] = snapshot
            told.append(
                _answer({"method": method, "result": result, "success": True}, req_id, at_ns)
            )
            told += self._follow(method, channel, name, depth, snapshot=snapshot)
        return told

    def _follow(
        self, method: str, channel: str, name: str, depth: int, *, snapshot: bool
    ) -> list[bytes]:
        if method == "unsubscribe":
            self._books.pop(name, None) if channel == "book" else self._others[channel].pop(
                name, None
            )
            return []
        self.wants_heartbeat = True
        if channel == "book":
            bids, asks = self._top(name, depth)
            self._books[name] = depth, bids, asks
            return [self._book(name, "snapshot", bids, asks)] if snapshot else []
        self._others[channel][name] = None
        if not snapshot:
            return []
        if channel == "instrument":
            return [self._instruments("snapshot", self._feeds.issues)]
        return [self._ticker(name, "snapshot") if channel == "ticker" else self._recent(name)]

    # --- news

    def news(
        self, changed: dict[str, dict[Channel, None]], trades: dict[str, list[Any]]
    ) -> list[bytes]:
        """What a turn of the market means here.

        Args:
            changed: Which channels of which issue had messages.
            trades: The turn's trade reports (feeds/wire.py) with their times, by issue.
        """
        told: list[bytes] = []
        for name, channels in changed.items():
            if Channel.DEPTH in channels and name in self._books:
                told += self._book_update(name)
            if name in self._others["trade"] and trades.get(name):
                data = [_trade(name, report, at_ns) for at_ns, report in trades[name]]
                told.append(_message("trade", "update", data))
            if name in self._others["ticker"] and (
                Channel.DEPTH in channels or Channel.TRADES in channels
            ):
                told.append(self._ticker(name, "update"))
            if "" in self._others["instrument"] and (
                Channel.INSTRUMENTS in channels or Channel.PHASE in channels
            ):
                told.append(self._instruments("update", [name]))
        return told

    def _book_update(self, name: str) -> list[bytes]:
        depth, old_bids, old_asks = self._books[name]
        bids, asks = self._top(name, depth)
        less_bids, less_asks = _changes(old_bids, bids), _changes(old_asks, asks)
        self._books[name] = depth, bids, asks
        if not less_bids and not less_asks:
            return []
        return [self._book(name, "update", less_bids, less_asks)]

    def _top(self, name: str, depth: int) -> tuple[Levels, Levels]:
        book = self._feeds.issues[name].depth
        return _best(book.bids, depth, descending=True), _best(book.asks, depth, descending=False)

    def _book(self, name: str, kind: str, bids: Levels, asks: Levels) -> bytes:
        issue = self._feeds.issues[name]
        data = {
            "symbol": f"{name}{_QUOTE}",
            "bids": _levels(bids),
            "asks": _levels(asks),
            "checksum": issue.depth.crc(),
            "timestamp": _time(issue.depth_at_ns),
        }
        return _message("book", kind, [data])

    def _recent(self, name: str) -> bytes:
        data = [
            _fields(name, trade_id, price_sen, units, at_ns)
            for trade_id, price_sen, units, _, at_ns in self._feeds.issues[name].tape.recent
        ]
        return _message("trade", "snapshot", data)

    def _ticker(self, name: str, kind: str) -> bytes:
        issue = self._feeds.issues[name]
        tape, book, base = issue.tape, issue.depth, issue.reference_price_sen
        last = tape.last_sen or base
        bid = book.bids.prices[-1] if book.bids.prices else Sen(0)
        ask = book.asks.prices[0] if book.asks.prices else Sen(0)
        average = tape.value_yen * SEN_PER_YEN // tape.volume_units if tape.volume_units else base
        data = {
            "symbol": f"{name}{_QUOTE}",
            "bid": _number(bid),
            "bid_qty": book.bids.level(bid)[1],
            "ask": _number(ask),
            "ask_qty": book.asks.level(ask)[1],
            "last": _number(last),
            "volume": tape.volume_units,
            "vwap": _number(Sen(average)),
            "low": _number(tape.low_sen or last),
            "high": _number(tape.high_sen or last),
            "change": _number(Sen(last - base)),
            "change_pct": _number(Sen((last - base) * 10_000 // base)),
        }
        return _message("ticker", kind, [data])

    def _instruments(self, kind: str, names: Iterable[str]) -> bytes:
        issues = [self._feeds.issues[name] for name in names]
        assets = [_asset(issue.instrument.instrument_id, 0) for issue in issues]
        pairs = [_pair(issue) for issue in issues]
        return _message("instrument", kind, {"assets": [*assets, _asset("JPY", 2)], "pairs": pairs})


def heartbeat() -> bytes:
    """Nothing happened, and the venue is here."""
    return b'{"channel":"heartbeat"}'


def _best(side: DepthSide, depth: int, *, descending: bool) -> Levels:
    prices = side.prices[: -depth - 1 : -1] if descending else side.prices[:depth]
    return {price: side.levels[price][0] for price in prices}


def _changes(old: Levels, new: Levels) -> Levels:
    """Levels that left (0 units), then those that came or changed."""
    gone = {price: 0 for price in old if price not in new}
    return gone | {price: units for price, units in new.items() if old.get(price) != units}


def _levels(levels: Levels) -> list[dict[str, Any]]:
    return [{"price": _number(price), "qty": units} for price, units in levels.items()]


def _trade(name: str, report: dict[str, Any], at_ns: TimeNs) -> dict[str, Any]:
    whole, _, part = str(report["price"]).partition(".")
    price_sen = Sen(int(whole) * SEN_PER_YEN + int(part.ljust(2, "0") or 0))
    trade_id = int(str(report["trade_number"]).rpartition("-")[2])
    return _fields(name, trade_id, price_sen, report["quantity_units"], at_ns)


def _fields(name: str, trade_id: int, price_sen: Sen, units: int, at_ns: TimeNs) -> dict[str, Any]:
    return {
        "symbol": f"{name}{_QUOTE}",
        "side": "buy",
        "price": _number(price_sen),
        "qty": units,
        "ord_type": "limit",
        "trade_id": trade_id,
        "timestamp": _time(at_ns),
    }


def _asset(name: str, places: int) -> dict[str, Any]:
    return {
        "id": name, "status": "enabled", "precision": places, "precision_display": places,
        "borrowable": False, "collateral_value": 0, "margin_rate": 0,
    }  # fmt: skip


def _pair(issue: Issue) -> dict[str, Any]:
    listed = issue.instrument
    tick = listed.ticks.tick_at(issue.reference_price_sen)
    is_open = issue.phase in _OPEN and issue.halt_reason is None
    return {
        "symbol": f"{listed.instrument_id}{_QUOTE}",
        "base": listed.instrument_id,
        "quote": "JPY",
        "status": "online" if is_open else "maintenance",
        "qty_precision": 0,
        "qty_increment": listed.trading_unit_units,
        "qty_min": listed.trading_unit_units,
        "price_precision": 2,
        "price_increment": _number(tick),
        "tick_size": _number(tick),
        "cost_precision": 0,
        "cost_min": "0",
        "marginable": False,
        "has_index": False,
    }


def _number(price_sen: Sen) -> msgspec.Raw:
    """A JSON number with two places: exact, where a float would be near."""
    sign, magnitude = ("-", -price_sen) if price_sen < 0 else ("", price_sen)
    return msgspec.Raw(f"{sign}{magnitude // SEN_PER_YEN}.{magnitude % SEN_PER_YEN:02}".encode())


def _time(at_ns: TimeNs) -> str:
    at = _EPOCH + timedelta(microseconds=at_ns // 1_000)
    return f"{at:%Y-%m-%dT%H:%M:%S.%f}Z"


def _message(channel: str, kind: str, data: Any) -> bytes:
    return _ENCODE({"channel": channel, "type": kind, "data": data})


def _answer(told: dict[str, Any], req_id: int | None, at_ns: TimeNs) -> bytes:
    times = {"time_in": _time(at_ns), "time_out": _time(at_ns)}
    return _ENCODE(told | times | ({} if req_id is None else {"req_id": req_id}))


def _refusal(
    method: str, req_id: int | None, text: str, at_ns: TimeNs, *, symbol: str | None = None
) -> bytes:
    told: dict[str, Any] = {"method": method, "success": False, "error": text}
    return _answer(told if symbol is None else told | {"symbol": symbol}, req_id, at_ns)
