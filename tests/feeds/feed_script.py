"""A tiny market that only says what happened, and a reader that believes only what it is told.

Neither shares code with the feed: the market keeps a list of orders, the reader plain JSON.
"""

import json
import random
from collections import Counter
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from market.events import (
    AuctionHeld,
    DayClosed,
    DayOpened,
    Event,
    IndicativePriceChanged,
    InstrumentListed,
    OrderAccepted,
    OrderAmended,
    OrderCanceled,
    OrderExpired,
    OrderReduced,
    PhaseChanged,
    QuoteEnded,
    QuoteShown,
    ReferencePriceSet,
    Trade,
    TradingHalted,
    TradingResumed,
    TransferControlSet,
    VenueOpened,
)
from market.ids import ClientOrderId, InstrumentId, OrderId, ParticipantId, SessionId, TradeId
from market.instrument import J_MARKET_OTHER, TSE_LIMITS, Instrument
from market.quantities import Sen, SequenceNo, TimeNs, Units
from market.reasons import CancelReason
from market.words import OrderKind, Phase, QuoteKind, Side, Validity

FIRMS = (ParticipantId("FIRM-LEAK-A"), ParticipantId("FIRM-LEAK-B"))
SESSION = SessionId("SESSION-LEAK")
IDENTITIES = (b"LEAK", b"participant", b"session", b"client", b"account", b"firm", b"buyer")
DAY_ONE, DAY_TWO = date(2026, 11, 20), date(2026, 11, 24)
BASE_SEN = 10_000_000


def instrument(name: str) -> Instrument:
    """An issue with base price 100,000 yen."""
    return Instrument(
        instrument_id=InstrumentId(name),
        isin="JP0000000001",
        name=f"Token {name}",
        issued_units=Units(10_000),
        issue_price_sen=Sen(BASE_SEN),
        ticks=J_MARKET_OTHER,
        limits=TSE_LIMITS,
    )


@dataclass
class LiveOrder:
    """One order of the tiny market."""

    number: int
    side: str
    price_sen: int  # 0 for a market order
    leaves: int


@dataclass
class TinyMarket:
    """Says what happened; ``entries`` are (sequence, time, event)."""

    seed: int = 0
    names: tuple[str, ...] = ("ST01", "ST02")
    entries: list[tuple[SequenceNo, TimeNs, Event]] = field(default_factory=list)
    orders: dict[str, list[LiveOrder]] = field(default_factory=dict)
    trades: int = 0

    def __post_init__(self) -> None:
        self.draw = random.Random(self.seed)
        self.say(VenueOpened(run_id="RUN-1", preset="start"))
        for name in self.names:
            self.list_issue(name)
        self.say(DayOpened(business_date=DAY_ONE, settlement_date=DAY_TWO))

    @property
    def sequence(self) -> int:
        """The last number used."""
        return len(self.entries)

    def say(self, event: Event) -> Event:
        """One event under the next number, one second after the last."""
        number = self.sequence + 1
        at_ns = TimeNs(1_795_000_000_000_000_000 + number * 1_000_000_000)
        self.entries.append((SequenceNo(number), at_ns, event))
        return event

    def list_issue(self, name: str) -> None:
        """Admit an issue."""
        self.orders[name] = []
        self.say(InstrumentListed(instrument=instrument(name)))

    def accept(
        self, name: str, side: str, price_sen: int, units: int, validity: Validity = Validity.DAY
    ) -> LiveOrder:
        """An order joins; price 0 is a market order."""
        order = LiveOrder(self.sequence + 1, side, price_sen, units)
        self.orders[name].append(order)
        self.say(
            OrderAccepted(
                order_id=OrderId(order.number),
                participant_id=FIRMS[order.number % 2],
                session_id=SESSION,
                client_order_id=ClientOrderId(f"CLIENT-LEAK-{order.number}"),
                instrument_id=InstrumentId(name),
                side=Side(side),
                kind=OrderKind.LIMIT if price_sen else OrderKind.MARKET,
                price_sen=Sen(price_sen),
                quantity_units=Units(units),
                validity=validity,
            )
        )
        return order

    def leave(self, name: str, order: LiveOrder, *, expired: bool = False) -> None:
        """An order is canceled or expires."""
        self.orders[name].remove(order)
        if expired:
            self.say(
                OrderExpired(
                    order_id=OrderId(order.number),
                    participant_id=FIRMS[0],
                    instrument_id=InstrumentId(name),
                    expired_units=Units(order.leaves),
                )
            )
            return
        self.say(
            OrderCanceled(
                order_id=OrderId(order.number),
                participant_id=FIRMS[0],
                instrument_id=InstrumentId(name),
                canceled_units=Units(order.leaves),
                reason=CancelReason.OWNER,
            )
        )

    def reduce(self, name: str, order: LiveOrder, units: int) -> None:
        """Self-trade prevention takes units off."""
        order.leaves -= units
        if not order.leaves:
            self.orders[name].remove(order)
        self.say(
            OrderReduced(
                order_id=OrderId(order.number),
                participant_id=FIRMS[0],
                instrument_id=InstrumentId(name),
                prevented_units=Units(units),
                leaves_units=Units(order.leaves),
            )
        )

    def amend(self, name: str, order: LiveOrder, price_sen: int, leaves: int) -> None:
        """Fewer units at the same price keep priority, all else joins the back."""
        kept = price_sen == order.price_sen and leaves <= order.leaves
        old_number = order.number
        order.price_sen, order.leaves = price_sen, leaves
        if not kept:
            order.number = self.sequence + 1
            self.orders[name].remove(order)
            self.orders[name].append(order)
        self.say(
            OrderAmended(
                order_id=OrderId(order.number),
                old_order_id=OrderId(old_number),
                participant_id=FIRMS[0],
                session_id=SESSION,
                client_order_id=ClientOrderId("CLIENT-LEAK-NEW"),
                old_client_order_id=ClientOrderId("CLIENT-LEAK-OLD"),
                instrument_id=InstrumentId(name),
                side=Side(order.side),
                kind=OrderKind.LIMIT if price_sen else OrderKind.MARKET,
                price_sen=Sen(price_sen),
                leaves_units=Units(leaves),
                kept_priority=kept,
            )
        )

    def trade(self, name: str, buy: LiveOrder, sell: LiveOrder, price_sen: int = BASE_SEN) -> Trade:
        """Two orders trade as much as both have open."""
        units = min(buy.leaves, sell.leaves)
        buy.leaves -= units
        sell.leaves -= units
        self.orders[name] = [order for order in self.orders[name] if order.leaves]
        self.trades += 1
        trade = Trade(
            trade_id=TradeId(self.trades),
            instrument_id=InstrumentId(name),
            price_sen=Sen(price_sen),
            quantity_units=Units(units),
            buyer=FIRMS[0],
            seller=FIRMS[1],
            buy_order_id=OrderId(buy.number),
            sell_order_id=OrderId(sell.number),
            buy_leaves_units=Units(buy.leaves),
            sell_leaves_units=Units(sell.leaves),
            cross=True,
        )
        self.say(trade)
        return trade

    def step(self) -> None:
        """Something happens at random."""
        draw, name = self.draw, self.draw.choice(self.names)
        live = self.orders[name]
        buys = [order for order in live if order.side == "buy"]
        sells = [order for order in live if order.side == "sell"]
        roll = draw.random()
        price_sen = BASE_SEN + 1_000 * draw.randint(-15, 15)
        if roll < 0.45 or not live:
            is_market = draw.random() < 0.1
            side = draw.choice(("buy", "sell"))
            self.accept(name, side, 0 if is_market else price_sen, draw.randint(1, 9))
        elif roll < 0.60:
            self.leave(name, draw.choice(live), expired=draw.random() < 0.3)
        elif roll < 0.66:
            order = draw.choice(live)
            self.reduce(name, order, draw.randint(1, order.leaves))
        elif roll < 0.76:
            order = draw.choice(live)
            same = draw.random() < 0.5 or not order.price_sen
            leaves = draw.randint(1, order.leaves + 1)
            self.amend(name, order, order.price_sen if same else price_sen, leaves)
        elif roll < 0.88 and buys and sells:
            self.trade(name, draw.choice(buys), draw.choice(sells), price_sen)
        else:
            self.say(self._news(name, price_sen))

    def _news(self, name: str, price_sen: int) -> Event:
        """Something that is not about one order."""
        issue, draw = InstrumentId(name), self.draw
        news: list[Event] = [
            IndicativePriceChanged(
                instrument_id=issue,
                price_sen=draw.choice((None, Sen(price_sen))),
                executed_units=Units(draw.randint(0, 9)),
                surplus_units=draw.randint(-9, 9),
            ),
            AuctionHeld(
                instrument_id=issue,
                phase=Phase.OPENING_AUCTION,
                price_sen=Sen(price_sen),
                executed_units=Units(3),
                trades=1,
            ),
            QuoteShown(
                instrument_id=issue,
                quote_number=draw.randint(1, 9),
                kind=draw.choice(list(QuoteKind)),
                side=draw.choice(list(Side)),
                price_sen=Sen(price_sen),
                renew_at_ns=TimeNs(draw.choice((0, 180_000_000_000))),
            ),
            QuoteEnded(instrument_id=issue, quote_number=draw.randint(1, 9)),
            PhaseChanged(instrument_id=issue, phase=draw.choice(list(Phase))),
            TradingHalted(instrument_id=issue, reason="disclosure"),
            TradingResumed(instrument_id=issue),
            ReferencePriceSet(
                instrument_id=issue,
                reference_price_sen=Sen(price_sen),
                lower_limit_sen=Sen(price_sen - 3_000_000),
                upper_limit_sen=Sen(price_sen + 3_000_000),
            ),
            TransferControlSet(instrument_id=issue, executable=False, reason="court"),
        ]
        if draw.random() < 0.1:
            news = [
                DayClosed(business_date=DAY_ONE),
                DayOpened(business_date=DAY_TWO, settlement_date=DAY_TWO),
            ]
        return draw.choice(news)

    # --- what a correct feed must show

    def levels(self, name: str) -> tuple[dict[int, list[int]], dict[int, list[int]]]:
        """Bids and asks as price: [quantity, orders], summed the slow way."""
        sides: dict[str, dict[int, list[int]]] = {"buy": {}, "sell": {}}
        for order in self.orders[name]:
            if order.price_sen:
                level = sides[order.side].setdefault(order.price_sen, [0, 0])
                level[0] += order.leaves
                level[1] += 1
        return sides["buy"], sides["sell"]

    def market_units(self, name: str) -> tuple[int, int]:
        """Units of market orders: buys, sells."""
        units = Counter[str]()
        for order in self.orders[name]:
            if not order.price_sen:
                units[order.side] += order.leaves
        return units["buy"], units["sell"]

    def in_priority(self, name: str) -> list[tuple[str, int]]:
        """Live orders as (number, leaves), buys then sells, best first."""
        buys = [o for o in self.orders[name] if o.side == "buy"]
        sells = [o for o in self.orders[name] if o.side == "sell"]
        buys.sort(key=lambda o: -o.price_sen if o.price_sen else -(10**12))  # stable: time next
        sells.sort(key=lambda o: o.price_sen)
        return [(f"O-{o.number}", o.leaves) for o in buys + sells]


def sen(text: str) -> int:
    """A decimal price in yen as sen."""
    yen, _, decimals = text.partition(".")
    return int(yen) * 100 + int(decimals.ljust(2, "0") or "0")


def slow_crc32(data: bytes) -> int:
    """CRC-32 bit by bit (polynomial EDB88320, as in zlib), sharing nothing with it."""
    crc = 0xFFFFFFFF
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = (crc >> 1) ^ (0xEDB88320 if crc & 1 else 0)
    return crc ^ 0xFFFFFFFF


def crc_of(bids: dict[int, list[int]], asks: dict[int, list[int]]) -> int:
    """The stated rule: ten asks upward, ten bids downward, price then quantity."""
    text = ""
    for price in sorted(asks)[:10]:
        text += str(price) + str(asks[price][0])
    for price in sorted(bids, reverse=True)[:10]:
        text += str(price) + str(bids[price][0])
    return slow_crc32(text.encode())


class Reader:
    """A client of one issue: believes messages, checks every chain and every checksum."""

    def __init__(self) -> None:
        self.seq: dict[str, int] = {}
        self.orders: dict[str, dict[str, Any]] = {}
        self.bids: dict[int, list[int]] = {}
        self.asks: dict[int, list[int]] = {}
        self.market_units = (0, 0)
        self.trades: list[dict[str, Any]] = []
        self.totals: dict[str, Any] | None = None
        self.latest: dict[str, Any] = {}
        self.indicative: dict[str, Any] | None = None
        self.quote: dict[str, Any] | None = None
        self.result: dict[str, Any] | None = None

    def hear(self, payload: bytes) -> None:
        """Take one message."""
        message = json.loads(payload)
        channel, data = message["channel"], message["data"]
        if message["type"] == "update":
            assert message["prev_seq"] == self.seq.get(channel, 0), "a gap"
            covered = message["seq"] - message["prev_seq"]
            assert message.get("conflated", 1) == covered >= 1
        self.seq[channel] = message["seq"]
        hear = getattr(self, f"_{channel}_{message['type']}", None)
        if hear is None:
            self.latest[channel] = data
        else:
            hear(data)

    def _orders_snapshot(self, data: dict[str, Any]) -> None:
        self.orders = {order["order_number"]: order for order in data["orders"]}

    def _orders_update(self, data: dict[str, Any]) -> None:
        number = data["order_number"]
        if data["action"] == "add":
            assert number not in self.orders
            self.orders[number] = data | {"leaves_units": data["quantity_units"]}
        elif data["action"] == "delete":
            del self.orders[number]
        elif data["action"] == "replace":
            old = self.orders.pop(data["old_order_number"])
            self.orders[number] = data | {"side": old["side"]}
        elif data["leaves_units"]:
            self.orders[number]["leaves_units"] = data["leaves_units"]
        else:
            del self.orders[number]

    def in_priority(self) -> list[tuple[str, int]]:
        """Live orders as (number, leaves), buys then sells, best first."""
        rows = []
        for number, order in self.orders.items():
            price = sen(order["price"]) if order["price"] is not None else None
            is_buy = order["side"] == "buy"
            rank = -(10**12) if price is None else -price if is_buy else price
            rows.append((not is_buy, rank, int(number[2:]), number, order["leaves_units"]))
        return [(number, leaves) for *_, number, leaves in sorted(rows)]

    def _depth_snapshot(self, data: dict[str, Any]) -> None:
        self.bids, self.asks = {}, {}
        self._depth_update(data)

    def _depth_update(self, data: dict[str, Any]) -> None:
        for held, changes in ((self.bids, data["bids"]), (self.asks, data["asks"])):
            for price, quantity, orders in changes:
                if quantity:
                    held[sen(price)] = [quantity, orders]
                else:
                    assert orders == 0
                    held.pop(sen(price), None)
        self.market_units = data["market_buy_units"], data["market_sell_units"]
        assert data["crc"] == crc_of(self.bids, self.asks)
        over = sum(self.asks[price][0] for price in sorted(self.asks)[10:])
        under = sum(self.bids[price][0] for price in sorted(self.bids, reverse=True)[10:])
        assert (data["over_units"], data["under_units"]) == (over, under)

    def _trades_snapshot(self, data: dict[str, Any]) -> None:
        self.trades, self.totals = data["trades"], data["totals"]

    def _trades_update(self, data: dict[str, Any]) -> None:
        if data["action"] == "new_day":
            self.trades, self.totals = [], None
            return
        self.trades.append(data)
        self.totals = data["totals"]

    def _auction_snapshot(self, data: dict[str, Any]) -> None:
        self.indicative, self.result = data["indicative"], data["result"]
        self.quote = data.get("quote")

    def _auction_update(self, data: dict[str, Any]) -> None:
        if data["action"] == "indicative":
            self.indicative = data
        elif data["action"] == "quote":
            self.quote = data if data["price"] is not None else None
        else:
            self.indicative, self.result = None, data

    def view(self) -> dict[str, Any]:
        """Everything this reader believes, in a form two readers can compare."""
        return {
            "seq": self.seq,
            "orders": self.in_priority(),
            "bids": self.bids,
            "asks": self.asks,
            "market_units": self.market_units,
            "trades": [trade["trade_number"] for trade in self.trades][-50:],
            "volume": (self.totals or {"volume_units": 0})["volume_units"],
            "price": (self.indicative or {"price": None})["price"],
            "quote": self.quote and {k: v for k, v in self.quote.items() if k != "action"},
            "result": self.result,
            "latest": self.latest,
        }
