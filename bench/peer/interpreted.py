"""Adapters for engines in plain Python."""

# ruff: noqa: ARG002, D102  Adapter says what each method is and which argument it may ignore

import importlib
import logging
from collections.abc import Iterable
from typing import Any

from peer.adapter import FAR, Adapter, Message, Seen


class MatchingEngine(Adapter):
    """matching-engine: sequenced command structs in, event structs out."""

    def __init__(self) -> None:
        self.engine = importlib.import_module("matching_engine.engine")
        self.domain = importlib.import_module("matching_engine.domain")
        self.trade = importlib.import_module("matching_engine.events").Trade

    def open(self) -> Any:
        return self.engine.MatchingEngine()

    def drive(self, book: Any, messages: Iterable[Message], seen: Seen) -> None:
        words = self.domain
        new, cancel, sequenced = words.NewOrder, words.CancelOrder, words.SequencedCommand
        sides = (words.Side.BUY, words.Side.SELL)
        limit, market = words.OrderType.LIMIT, words.OrderType.MARKET
        gtc, ioc = words.TimeInForce.GTC, words.TimeInForce.IOC
        off = words.SelfTradePrevention.NONE
        trade = self.trade
        process, number = book.process, book.last_seq
        for op, kind, side, order, price, units, _ in messages:
            number += 1
            if op == 0:
                if kind == 0:
                    asked = new(order, 1, sides[side], price, units, limit, gtc, False, off)
                elif kind == 1:
                    asked = new(order, 1, sides[side], 0, units, market, ioc, False, off)
                else:
                    asked = new(order, 1, sides[side], price, units, limit, ioc, False, off)
                events = process(sequenced(number, number, asked))
                for one in events:
                    if type(one) is trade:
                        seen(one.maker_order_id, one.taker_order_id, one.price, one.qty)
            else:
                process(sequenced(number, number, cancel(order, 1)))


class EduMatcher(Adapter):
    """edumatcher: the order book of its engine, without sockets.

    Its amendment does not trade at a crossing price (findings.py), so a reprice is cancel and new.
    """

    flow = "mixed"
    count = 200_000

    def __init__(self) -> None:
        logging.disable(logging.CRITICAL)
        self.book = importlib.import_module("edumatcher.engine.order_book").OrderBook
        importlib.import_module("edumatcher.models.trade").set_run_seq(1)
        self.words = importlib.import_module("edumatcher.models.order")

    def open(self) -> Any:
        self.ids: list[Any] = [None] * self.names_room
        return self.book("X")

    def drive(self, book: Any, messages: Iterable[Message], seen: Seen) -> None:
        words = self.words
        create, process, cancel = words.Order.create, book.process, book.cancel_order
        amend = book.amend_order
        sides = (words.Side.BUY, words.Side.SELL)
        kinds = (words.OrderType.LIMIT, words.OrderType.MARKET, words.OrderType.IOC)
        gtc, off = words.TIF.GTC, words.SmpAction.NONE
        ids = self.ids
        names = {}
        for op, kind, side, order, price, units, aux in messages:
            if op == 1:
                cancel(ids[order].id)
            elif op == 2 and units < aux:
                own = ids[order]
                amend(own.id, None, own.quantity - (aux - units))
            else:
                if op == 2:
                    cancel(ids[order].id)
                own = create(
                    "X", sides[side], kinds[kind], units, "GW", gtc, None if kind == 1 else price,
                    smp_action=off, tick_decimals=0,
                )  # fmt: skip
                ids[order] = own
                names[own.id] = order
                trades, _ = process(own)
                for one in trades:
                    maker = names[one.buy_order_id if side else one.sell_order_id]
                    seen(maker, order, one.price, one.quantity)


class PyOrderbook(Adapter):
    """pyorderbook: Decimal prices, UUIDs, a blotter for each order."""

    count = 100_000

    def __init__(self) -> None:
        logging.disable(logging.CRITICAL)
        self.module = importlib.import_module("pyorderbook")

    def open(self) -> Any:
        self.orders: list[Any] = [None] * self.names_room
        return self.module.Book()

    def drive(self, book: Any, messages: Iterable[Message], seen: Seen) -> None:
        make = (self.module.bid, self.module.ask)
        far = FAR
        match, cancel, orders = book.match, book.cancel, self.orders
        names = {}
        for op, kind, side, order, price, units, aux in messages:
            if op == 0:
                own = orders[order] = make[side]("X", far[side] if kind == 1 else price, units)
                blotter = match(own)
                names[own.id] = order
                for one in blotter.trades:
                    seen(
                        names[one.standing_order_id], order, int(one.fill_price), one.fill_quantity
                    )
                if kind == 2 and aux:
                    cancel(own)
            else:
                cancel(orders[order])


class LightMatchingEngine(Adapter):
    """lightmatchingengine: a list a price; a market order has price 0."""

    count = 100_000

    def __init__(self) -> None:
        self.module = importlib.import_module("lightmatchingengine.lightmatchingengine")

    def open(self) -> Any:
        self.ids = [0] * self.names_room
        return self.module.LightMatchingEngine()

    def drive(self, book: Any, messages: Iterable[Message], seen: Seen) -> None:
        add, cancel = book.add_order, book.cancel_order
        sides = (self.module.Side.BUY, self.module.Side.SELL)
        ids = self.ids
        names = {}
        for op, kind, side, order, price, units, aux in messages:
            if op == 0:
                made, trades = add("X", 0 if kind == 1 else price, units, sides[side])
                own = ids[order] = made.order_id
                names[own] = order
                for one in trades:
                    if one.order_id != own:
                        seen(names[one.order_id], order, one.trade_price, one.trade_qty)
                if kind == 2 and aux:
                    cancel(own, "X")
            else:
                cancel(ids[order], "X")


class Fastlob(Adapter):
    """fastlob: Decimal; tells quantities by price, not trades."""

    count = 100_000
    checks = "units"

    def __init__(self) -> None:
        logging.disable(logging.CRITICAL)
        self.module = importlib.import_module("fastlob")

    def open(self) -> Any:
        self.ids: list[Any] = [None] * self.names_room
        return self.module.Orderbook("X", start=True)

    def drive(self, book: Any, messages: Iterable[Message], seen: Seen) -> None:
        make, gtc = self.module.OrderParams, self.module.OrderType.GTC
        sides = (self.module.OrderSide.BID, self.module.OrderSide.ASK)
        far = FAR
        ids, cancel = self.ids, book.cancel
        for op, kind, side, order, price, units, aux in messages:
            if op == 0:
                limit = far[side] if kind == 1 else price
                done = book(make(side=sides[side], price=limit, quantity=units, otype=gtc))
                own = ids[order] = done.orderid()
                if done._execprices is not None:  # noqa: SLF001  the library has no other question
                    for at, traded in done.execprices().items():
                        seen(0, 0, int(at), int(traded))
                if kind == 2 and aux:
                    cancel(own)
            else:
                cancel(ids[order])

    def close(self, book: Any) -> None:
        book.stop()


class OrderMatching(Adapter):
    """order-matching: data frames of orders; O(orders on the book) an order."""

    count = 2_000
    deep_count = 2_000
    scenarios = ("verify", "flow", "deep")

    def __init__(self) -> None:
        importlib.import_module("loguru").logger.remove()
        datetime = importlib.import_module("datetime")
        self.began = datetime.datetime(2026, 1, 1, tzinfo=None)
        self.moment = datetime.timedelta(microseconds=1)
        self.engine = importlib.import_module("order_matching.matching_engine").MatchingEngine
        self.order = importlib.import_module("order_matching.order")
        self.side = importlib.import_module("order_matching.enums").Side
        self.orders = importlib.import_module("order_matching.orders").Orders

    def open(self) -> Any:
        return self.engine(seed=1)

    def drive(self, book: Any, messages: Iterable[Message], seen: Seen) -> None:
        limit, market, several = self.order.LimitOrder, self.order.MarketOrder, self.orders
        sides = (self.side.BUY, self.side.SELL)
        at, moment = self.began, self.moment
        for op, kind, side, order, price, units, aux in messages:
            at += moment
            if op == 0:
                if kind == 1:
                    own = market(
                        side=sides[side], size=float(units), timestamp=at, order_id=str(order),
                        trader_id="x",
                    )  # fmt: skip
                else:
                    own = limit(
                        side=sides[side], price=float(price), size=float(units), timestamp=at,
                        order_id=str(order), trader_id="x",
                    )  # fmt: skip
                book.place(several([own]))
                done = book.match(timestamp=at)
                for one in done.trades:
                    maker, taker = int(one.book_order_id), int(one.incoming_order_id)
                    seen(maker, taker, int(one.price), int(one.size))
                if kind == 2 and aux:
                    book.cancel_order(str(order))
            else:
                book.cancel_order(str(order))


class Pams(Adapter):
    """pams: its market and one execution pass an order, as its own runner does."""

    count = 2_000
    deep_count = 5_000
    scenarios = ("verify", "flow", "deep")
    checks = "totals"

    def __init__(self) -> None:
        self.random = importlib.import_module("random").Random
        importlib.import_module("pams")
        self.market = importlib.import_module("pams.market").Market
        self.order = importlib.import_module("pams.order")
        self.simulator = importlib.import_module("pams.simulator").Simulator

    def open(self) -> Any:
        simulator = self.simulator(self.random(2))
        market = self.market(
            market_id=0, prng=self.random(1), simulator=simulator, name="X", logger=None
        )
        market.setup({"tickSize": 1, "marketPrice": 10_000, "outstandingShares": 1_000})
        market._update_time(next_fundamental_price=10_000.0)  # noqa: SLF001  as its runner does
        market._is_running = True  # noqa: SLF001
        self.orders: list[Any] = [None] * self.names_room
        return market

    def drive(self, book: Any, messages: Iterable[Message], seen: Seen) -> None:
        make, leave = self.order.Order, self.order.Cancel
        limit, market = self.order.LIMIT_ORDER, self.order.MARKET_ORDER
        add, cancel, execute = book._add_order, book._cancel_order, book._execution  # noqa: SLF001
        orders = self.orders
        for op, kind, side, order, price, units, aux in messages:
            if op == 0:
                if kind == 1:
                    own = make(0, 0, side == 0, market, units)
                else:
                    own = make(0, 0, side == 0, limit, units, price=float(price))
                orders[order] = own
                add(own)
                done = execute()
                for one in done:
                    seen(0, 0, int(one.price), one.volume)
                if kind == 2 and aux:
                    cancel(leave(own))
            else:
                cancel(leave(orders[order]))


class Akhil4n(Adapter):
    """akhil4n-orderbook: sorted dict of ordered dicts; a log of trades inside."""

    def __init__(self) -> None:
        self.module = importlib.import_module("orderbook")

    def open(self) -> Any:
        self.ids: list[Any] = [None] * self.names_room
        self.names: dict[Any, int] = {}
        return self.module.OrderBook()

    def drive(self, book: Any, messages: Iterable[Message], seen: Seen) -> None:
        make, make_market, cancel = self.module.Order, self.module.MarketOrder, book.cancel_order
        limit, market = book.add_limit_order, book.add_market_order
        sides = (self.module.OrderSide.BID, self.module.OrderSide.ASK)
        ids = self.ids
        names = self.names
        for op, kind, side, order, price, units, aux in messages:
            if op == 0:
                if kind == 1:
                    own = make_market(sides[side], units)
                    names[own.order_id] = order
                    market(own)
                else:
                    own = make(sides[side], price, units)
                    ids[order] = own.order_id
                    names[own.order_id] = order
                    limit(own)
                    if kind == 2 and aux:
                        cancel(own.order_id)
            else:
                cancel(ids[order])

    def finish(self, book: Any, seen: Seen) -> None:
        for one in book.trade_log:
            maker, taker = self.names[one.filler_id], self.names[one.aggressor_id]
            seen(maker, taker, int(one.price), one.quantity_filled)


class Manticore(Adapter):
    """manticore-orderbook: string ids, an event manager, a trade history."""

    count = 20_000
    checks = "totals"

    def __init__(self) -> None:
        logging.disable(logging.CRITICAL)
        self.module = importlib.import_module("manticore_orderbook")

    def open(self) -> Any:
        return self.module.OrderBook("X", max_trade_history=10_000_000, log_level=50)

    def drive(self, book: Any, messages: Iterable[Message], seen: Seen) -> None:
        add, cancel = book.add_order, book.cancel_order
        sides = ("buy", "sell")
        for op, kind, side, order, price, units, _ in messages:
            if op == 0:
                if kind == 0:
                    add(sides[side], float(price), float(units), str(order))
                elif kind == 1:
                    add(sides[side], None, float(units), str(order), order_type="MARKET")
                else:
                    add(sides[side], float(price), float(units), str(order), "IOC")
            else:
                cancel(str(order))

    def finish(self, book: Any, seen: Seen) -> None:
        for one in book.get_trade_history(limit=10_000_000):
            seen(0, 0, int(one["price"]), int(one["quantity"]))


class Tracebook(Adapter):
    """tracebook-conformance: the engine its conformance tool compares with."""

    count = 100_000

    def __init__(self) -> None:
        self.book = importlib.import_module("tracebook.core.orderbook").OrderBook
        self.side = importlib.import_module("tracebook.core.order").OrderSide

    def open(self) -> Any:
        self.ids = [0] * self.names_room
        return self.book("X", tick_size=1.0)

    def drive(self, book: Any, messages: Iterable[Message], seen: Seen) -> None:
        limit, market = book.submit_limit_order, book.submit_market_order
        ioc, cancel = book.submit_ioc_order, book.cancel_order
        sides = (self.side.BUY, self.side.SELL)
        ids = self.ids
        names = {}
        for op, kind, side, order, price, units, _ in messages:
            if op == 0:
                if kind == 0:
                    done = limit(sides[side], price, units)
                elif kind == 1:
                    done = market(sides[side], units)
                else:
                    done = ioc(sides[side], price, units)
                own = ids[order] = done.order.order_id
                names[own] = order
                for one in done.trades:
                    maker = names[one.buy_order_id if side else one.sell_order_id]
                    seen(maker, order, int(one.price), int(one.quantity))
            else:
                cancel(ids[order])


class ConvexpiArena(Adapter):
    """convexpi-arena: the order book of its game server."""

    count = 100_000

    def __init__(self) -> None:
        self.words = importlib.import_module("convexpi.arena.engine")

    def open(self) -> Any:
        self.ids = [0] * self.names_room
        return self.words.OrderBook()

    def drive(self, book: Any, messages: Iterable[Message], seen: Seen) -> None:
        make, submit, cancel = self.words.Order, book.submit, book.cancel
        sides = (self.words.Side.BUY, self.words.Side.SELL)
        market, ids = self.words.OrderType.MARKET, self.ids
        names = {}
        for op, kind, side, order, price, units, aux in messages:
            if op == 0:
                if kind == 1:
                    own = make("x", sides[side], units, None, market)
                else:
                    own = make("x", sides[side], units, price)
                number = ids[order] = own.order_id
                names[number] = order
                trades = submit(own, 0)
                for one in trades:
                    seen(names[one.maker_order_id], order, one.price, one.qty)
                if kind == 2 and aux:
                    cancel(number, "x")
            else:
                cancel(ids[order], "x")


class CleoLob(Adapter):
    """cleolob: the engine of its research tools; its long-queue cancels do not end in time."""

    flow = "mixed"
    count = 100_000
    scenarios = ("verify", "flow", "deep", "sweep")

    def __init__(self) -> None:
        self.words = importlib.import_module("lob.engine")

    def open(self) -> Any:
        return self.words.OrderBook(1.0)

    def drive(self, book: Any, messages: Iterable[Message], seen: Seen) -> None:
        words = self.words
        make, process, cancel, modify = words.Order, book.process, book.cancel, book.modify
        sides = (words.Side.BUY, words.Side.SELL)
        limit, market = words.OrderType.LIMIT, words.OrderType.MARKET
        ioc, orders, at = words.TimeInForce.IOC, book.orders, book.time
        for op, kind, side, order, price, units, aux in messages:
            at += 1e-6
            if op == 0:
                if kind == 0:
                    process(make(order, sides[side], units, limit, "x", at, price), at)
                elif kind == 1:
                    process(make(order, sides[side], units, market, "x", at), at)
                else:
                    own = make(order, sides[side], units, limit, "x", at, price, time_in_force=ioc)
                    process(own, at)
            elif op == 1:
                cancel(order, at)
            else:
                modify(order, orders[order].qty - (aux - units), price, at)

    def finish(self, book: Any, seen: Seen) -> None:
        for one in book.trades:
            seen(one.maker_order_id, one.taker_order_id, int(one.price), int(one.qty))


class LuminaPython(Adapter):
    """lumina-lob's Python engine, which the package shows at its top level."""

    count = 20_000

    def __init__(self) -> None:
        self.core = importlib.import_module("lumina_lob.core")
        self.words = importlib.import_module("lumina_lob.core.order")

    def open(self) -> Any:
        book = self.core.OrderBook()
        return book, self.core.MatchingEngine(book)

    def drive(self, book: Any, messages: Iterable[Message], seen: Seen) -> None:
        make, process, cancel = self.words.Order, book[1].process, book[0].cancel
        sides = (self.words.Side.BID, self.words.Side.ASK)
        types = self.words.OrderType
        kinds = (types.LIMIT, types.MARKET, types.IOC)
        for op, kind, side, order, price, units, _ in messages:
            if op == 0:
                process(make(order, sides[side], None if kind == 1 else price, units, kinds[kind]))
            else:
                cancel(order)

    def finish(self, book: Any, seen: Seen) -> None:
        for event in book[0].event_log.events:
            if event.event_type.name == "FILL":
                seen(event.counterparty_id, event.order_id, int(event.price), event.trade_qty)
