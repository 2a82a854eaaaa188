"""Market data for FIX 4.4 sessions, from the same folds as the websocket feed and ITCH.

Purpose: answers what sessions ask (participants/fix_questions.py) and tells subscribers what a turn
changed. There is no second book: levels, trades and indicative prices are read from feeds/; kept is
only what a subscriber of a depth was last told, once for all of them.
Ordering: a request is answered from where the last turn stood, and its updates begin with the next;
an X has what left, then what came or changed, bids before offers, then trades in their order.
Invariants: whoever applies every X to his W has the book of the feed (tests/venue/test_fix_market.py).
Slow readers: a session's executions are never left out, its market data is. Beyond
``BEHIND_BYTES`` unsent nothing of the market is told it until all is out; then each of its issues
comes whole, as a new W with the last fifty trades. Beyond the acceptor's bound the connection ends.
Cost: for an issue that changed, its levels to the deepest subscription, and one join a subscriber.
Known limits: market data is not numbered by itself and never sent again: a ResendRequest gets a gap
fill in its place, and a subscription ends with its connection. What is on ``on close`` orders' way
to the book is as in the feed: not there yet.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final

import msgspec

from feeds.depth import DepthSide
from feeds.issue import Issue
from feeds.market_data import MarketData
from feeds.wire import Channel
from market.ids import trade_id_to_text
from market.quantities import Sen, price_to_text
from participants import fix_questions as asked
from participants.fix_codec import FixMessage
from participants.fix_orders import Unfit
from participants.fix_questions import BID, INDICATIVE, OFFER, TRADE, Answer
from venue.sequencer import Published

BEHIND_BYTES: Final = 256 * 1024
"""Unsent bytes of a session from which market data is left out."""

SUBSCRIPTIONS_MAX: Final = 1_000
"""Issues a session may follow, counted once for each of its requests."""

Levels = dict[Sen | None, tuple[int, int]]
"""Units and orders by price, best first; market orders under None, their count 0 (not known)."""


@dataclass(slots=True)
class _View:
    """What the subscribers of one depth of one issue were told last, and how many they are."""

    levels: dict[str, Levels]
    readers: int = 0
    news: dict[str, list[bytes]] = field(default_factory=dict)


@dataclass(slots=True)
class _Follower:
    """One session's subscriptions by MDReqID, and whether market data was left out."""

    running: dict[str, asked.MarketDataAsked] = field(default_factory=dict)
    is_behind: bool = False


class FixMarket:
    """Every question and every subscription of all FIX sessions."""

    def __init__(self, feeds: MarketData, status: Callable[[], int]) -> None:
        """Nobody follows anything yet.

        Args:
            feeds: Of the running venue; told of a turn before this is.
            status: TradSesStatus (340) now, 0 when the books do not agree.
        """
        self._feeds = feeds
        self._status = status
        self._followers: dict[object, _Follower] = {}
        self._views: dict[str, dict[int, _View]] = {}
        self._indicative: dict[str, tuple[Sen, int | None]] = {}
        self._news: dict[str, dict[str, list[bytes]]] = {}

    # --- requests

    def answer(self, asker: object, message: FixMessage) -> list[Answer] | Unfit:
        """What to say to a well-formed x, g or V, at once.

        Args:
            asker: The session; subscriptions are its own.
            message: Already judged by the profile.
        """
        if message.kind == "x":
            return self._securities(message)
        if message.kind == "g":
            return [asked.session_status_asked(message, self._status())]
        follower = self._followers.get(asker)
        running = {} if follower is None else follower.running
        wanted = asked.market_data_asked(message, is_known=message.fields["262"] in running)
        if isinstance(wanted, Unfit):
            return wanted
        if isinstance(wanted, asked.MarketDataEnded):
            self._release(running.pop(wanted.request_id))
            return []
        refused = wanted if isinstance(wanted, asked.MarketDataRefused) else None
        if isinstance(wanted, asked.MarketDataAsked):
            refused = self._beyond(wanted, running)
            if refused is None:
                return self._begin(asker, wanted)
        return [] if refused is None else [refused.answer()]

    def _securities(self, message: FixMessage) -> list[Answer] | Unfit:
        wanted = asked.wanted_securities(message)
        if isinstance(wanted, Unfit):
            return wanted
        request_id = message.fields["320"]
        if isinstance(wanted, int):
            return [asked.no_securities(request_id, wanted)]
        issues = self._feeds.issues
        named = [issues[wanted]] if wanted in issues else []
        chosen = named if wanted else list(issues.values())
        return asked.security_list(request_id, map(_security, chosen))

    def _beyond(
        self, wanted: asked.MarketDataAsked, running: dict[str, asked.MarketDataAsked]
    ) -> asked.MarketDataRefused | None:
        """A symbol there is not, or more than a session may follow."""
        for symbol in wanted.symbols:
            if symbol not in self._feeds.issues:
                text = f"UNKNOWN_INSTRUMENT: {symbol[:32]}"
                return asked.MarketDataRefused(wanted.request_id, asked.UNKNOWN_SYMBOL, text)
        followed = sum(len(each.symbols) for each in running.values())
        if wanted.is_subscription and followed + len(wanted.symbols) > SUBSCRIPTIONS_MAX:
            text = f"a session follows at most {SUBSCRIPTIONS_MAX} issues"
            return asked.MarketDataRefused(wanted.request_id, asked.TOO_MUCH, text)
        return None

    def _begin(self, asker: object, wanted: asked.MarketDataAsked) -> list[Answer]:
        if wanted.is_subscription:
            self._followers.setdefault(asker, _Follower()).running[wanted.request_id] = wanted
            for symbol in wanted.symbols:
                self._follow(symbol, wanted.depth)
        return [self._whole(wanted, symbol) for symbol in wanted.symbols]

    def _follow(self, symbol: str, depth: int) -> None:
        views = self._views.setdefault(symbol, {})
        if not views:
            self._note_indicative(symbol)
        if depth not in views:
            views[depth] = _View(_levels_of(self._feeds.issues[symbol], depth))
        views[depth].readers += 1

    def _release(self, wanted: asked.MarketDataAsked) -> None:
        """A subscription ends; what nobody follows any more is no longer looked at."""
        for symbol in wanted.symbols:
            views = self._views[symbol]
            views[wanted.depth].readers -= 1
            if not views[wanted.depth].readers:
                del views[wanted.depth]
            if not views:
                del self._views[symbol]
                self._indicative.pop(symbol, None)

    def forget(self, asker: object) -> None:
        """The session is gone, and its subscriptions with it."""
        follower = self._followers.pop(asker, None)
        if follower is not None:
            for wanted in follower.running.values():
                self._release(wanted)

    # --- news

    def learn(self, published: Published) -> bool:
        """Work out what a turn changed; whether anybody follows anything of it."""
        self._news = {}
        if not self._views:
            return False
        told: dict[str, list[Any]] = {}
        for message in published.messages:
            name = message.instrument_id
            if name in self._views:
                trades = told.setdefault(name, [])
                if message.channel is Channel.TRADES:
                    trades.append(msgspec.json.decode(message.payload))
        for name, trades in told.items():
            self._news[name] = {
                TRADE: [entry for each in trades if (entry := _trade_news(name, each))],
                INDICATIVE: self._indicative_news(name),
            }
            for depth, view in self._views[name].items():
                now = _levels_of(self._feeds.issues[name], depth)
                view.news = {
                    side: _level_news(name, side, view.levels[side], now[side])
                    for side in (BID, OFFER)
                }
                view.levels = now
        return bool(told)

    def news(self, asker: object, unsent_bytes: int) -> list[Answer]:
        """What the turn last learned means to a session.

        Args:
            asker: The session.
            unsent_bytes: What its connection still holds; decides whether it is left out.
        """
        follower = self._followers.get(asker)
        if follower is None:
            return []
        if follower.is_behind:
            return self.catch_up(asker, unsent_bytes)
        if unsent_bytes > BEHIND_BYTES:
            follower.is_behind = bool(self._news)
            return []
        answers: list[Answer] = []
        for wanted in follower.running.values():
            for symbol in wanted.symbols:
                if symbol not in self._news:
                    continue
                news = self._news[symbol] | self._views[symbol][wanted.depth].news
                entries = [
                    entry
                    for kind in (BID, OFFER, TRADE, INDICATIVE)
                    if kind in wanted.entry_types
                    for entry in news[kind]
                ]
                if entries and wanted.is_incremental:
                    answers.append(asked.changes(wanted.request_id, entries))
                elif entries:
                    answers.append(self._whole(wanted, symbol))
        return answers

    def catch_up(self, asker: object, unsent_bytes: int) -> list[Answer]:
        """Everything a session follows, whole, once it has read what it was sent before."""
        follower = self._followers.get(asker)
        if follower is None or not follower.is_behind or unsent_bytes:
            return []
        follower.is_behind = False
        return [
            self._whole(wanted, symbol)
            for wanted in follower.running.values()
            for symbol in wanted.symbols
        ]

    def _whole(self, wanted: asked.MarketDataAsked, symbol: str) -> Answer:
        issue = self._feeds.issues[symbol]
        entries: list[bytes] = []
        levels = _levels_of(issue, wanted.depth)
        for side in (BID, OFFER):
            if side in wanted.entry_types:
                entries += [
                    asked.level(side, price_sen, units, orders)
                    for price_sen, (units, orders) in levels[side].items()
                ]
        if TRADE in wanted.entry_types:
            entries += [
                asked.trade(trade_id_to_text(trade_id), price_to_text(price_sen), units, at_ns)
                for trade_id, price_sen, units, _, at_ns in issue.tape.recent
            ]
        shown = _indicative_of(issue)
        if INDICATIVE in wanted.entry_types and shown is not None:
            entries.append(asked.indicative(*shown))
        return asked.snapshot(wanted.request_id, symbol, entries)

    # --- the indicative price

    def _note_indicative(self, name: str) -> tuple[Sen, int | None] | None:
        """Remember what is told from here on."""
        now = _indicative_of(self._feeds.issues[name])
        if now is None:
            self._indicative.pop(name, None)
        else:
            self._indicative[name] = now
        return now

    def _indicative_news(self, name: str) -> list[bytes]:
        before = self._indicative.get(name)
        now = self._note_indicative(name)
        if now == before:
            return []
        if now is None:
            gone = asked.indicative(None, None, symbol=name, action=asked.DELETE)
            return [gone]
        action = asked.NEW if before is None else asked.CHANGE
        return [asked.indicative(*now, symbol=name, action=action)]


def _security(issue: Issue) -> asked.Security:
    listed = issue.instrument
    lower_sen, upper_sen = issue.limits_sen
    return asked.Security(
        symbol=listed.instrument_id,
        isin=listed.isin,
        name=listed.name,
        trading_unit_units=listed.trading_unit_units,
        tick_sen=listed.ticks.tick_at(issue.reference_price_sen),
        lower_limit_sen=lower_sen,
        upper_limit_sen=upper_sen,
        reference_price_sen=issue.reference_price_sen,
    )


def _indicative_of(issue: Issue) -> tuple[Sen, int | None] | None:
    """Price, and quantity where the rulebook publishes it; None where there is no price."""
    now = issue.indicative
    if now is None or now.price_sen is None:
        return None
    return now.price_sen, now.executed_units if issue.publishes_indicative_volume else None


def _levels_of(issue: Issue, depth: int) -> dict[str, Levels]:
    book = issue.depth
    return {
        BID: _best(book.bids, depth, descending=True),
        OFFER: _best(book.asks, depth, descending=False),
    }


def _best(side: DepthSide, depth: int, *, descending: bool) -> Levels:
    """Market orders, which are never counted as a level, then the best levels; all with 0."""
    prices = side.prices[::-1] if descending else side.prices
    if depth:
        prices = side.prices[: -depth - 1 : -1] if descending else side.prices[:depth]
    market: Levels = {None: (side.market_units, 0)} if side.market_units else {}
    return market | {price: (side.levels[price][0], side.levels[price][1]) for price in prices}


def _level_news(name: str, side: str, old: Levels, new: Levels) -> list[bytes]:
    """Levels that left, then those that came or changed."""
    if old == new:
        return []
    gone = [
        asked.level(side, price_sen, 0, 0, symbol=name, action=asked.DELETE)
        for price_sen in old
        if price_sen not in new
    ]
    return gone + [
        asked.level(
            side,
            price_sen,
            units,
            orders,
            symbol=name,
            action=asked.CHANGE if price_sen in old else asked.NEW,
        )
        for price_sen, (units, orders) in new.items()
        if old.get(price_sen) != (units, orders)
    ]


def _trade_news(name: str, told: dict[str, Any]) -> bytes | None:
    """A trade, or one that was voided; a new day's beginning is nothing to tell."""
    data = told["data"]
    if data["action"] not in {"trade", "bust"}:
        return None
    return asked.trade(
        data["trade_number"],
        data["price"],
        data["quantity_units"],
        told["at_ns"],
        symbol=name,
        action=asked.NEW if data["action"] == "trade" else asked.DELETE,
    )
