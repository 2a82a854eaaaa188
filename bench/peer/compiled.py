"""Adapters for engines in C, C++, Rust, Go and Cython."""

# ruff: noqa: ARG002, D102  Adapter says what each method is and which argument it may ignore

import importlib
from collections.abc import Iterable
from typing import Any, ClassVar

from peer.adapter import FAR, Adapter, Message, Seen


class LimitOrderBook(Adapter):
    """limit-order-book: C++ through Cython; tells no trades, so its final book is compared."""

    checks = "book"

    def __init__(self) -> None:
        self.module = importlib.import_module("limit_order_book")

    def open(self) -> Any:
        return self.module.LimitOrderBook()

    def drive(self, book: Any, messages: Iterable[Message], seen: Seen) -> None:
        buy, sell, cancel = book.limit_buy, book.limit_sell, book.cancel
        market_buy, market_sell = book.market_buy, book.market_sell
        for op, kind, side, order, price, units, aux in messages:
            if op == 0:
                if kind == 1:
                    if side:
                        market_sell(order, units)
                    else:
                        market_buy(order, units)
                else:
                    if side:
                        sell(order, units, price)
                    else:
                        buy(order, units, price)
                    if kind == 2 and aux:
                        cancel(order)
            else:
                cancel(order)

    def resting(self, book: Any) -> tuple[int, int]:
        return book.count(), book.volume()


class Bourse(Adapter):
    """bourse: Rust; trades stay inside until asked for, and time must advance between orders."""

    def __init__(self) -> None:
        self.module = importlib.import_module("bourse")

    def open(self) -> Any:
        self.ids = [0] * self.names_room
        return self.module.core.OrderBook(0, 1, True)

    def drive(self, book: Any, messages: Iterable[Message], seen: Seen) -> None:
        place, cancel, set_time = book.place_order, book.cancel_order, book.set_time
        ids = self.ids
        at = 0
        for op, kind, side, order, price, units, aux in messages:
            at += 1  # noqa: SIM113  the call alone, as a user writes it
            set_time(at)
            if op == 0:
                if kind == 1:
                    ids[order] = place(side == 0, units, 1)
                else:
                    own = ids[order] = place(side == 0, units, 1, price)
                    if kind == 2 and aux:
                        cancel(own)
            else:
                cancel(ids[order])

    def finish(self, book: Any, seen: Seen) -> None:
        back = {own: order for order, own in enumerate(self.ids) if own}
        back[self.ids[1]] = 1
        for _, _, price, units, taker, maker in book.get_trades():
            seen(back[maker], back[taker], price, units)


class LuminaCore(Adapter):
    """lumina-lob's C++ core; every event goes to a log inside."""

    def __init__(self) -> None:
        self.module = importlib.import_module("lumina_lob._core")

    def open(self) -> Any:
        book = self.module.OrderBook()
        return book, self.module.MatchingEngine(book)

    def drive(self, book: Any, messages: Iterable[Message], seen: Seen) -> None:
        module = self.module
        process, cancel = book[1].process, book[0].cancel
        sides = (module.Side.BID, module.Side.ASK)
        kinds = module.OrderType
        limit, market, ioc = kinds.LIMIT, kinds.MARKET, kinds.IOC
        for op, kind, side, order, price, units, _ in messages:
            if op == 0:
                if kind == 0:
                    process(order, sides[side], price, units, limit)
                elif kind == 1:
                    process(order, sides[side], None, units, market)
                else:
                    process(order, sides[side], price, units, ioc)
            else:
                cancel(order)

    def finish(self, book: Any, seen: Seen) -> None:
        fill = self.module.EventType.FILL
        for event in book[0].event_log().events:
            if event.event_type == fill:
                seen(event.counterparty_id, event.order_id, event.price, event.trade_qty)


class Liquibook(Adapter):
    """liquibook: C++ through SWIG, fills through a Python listener."""

    listens: ClassVar[bool] = True

    def __init__(self) -> None:
        self.module = importlib.import_module("liquibook")

    def open(self) -> Any:
        self.orders: list[Any] = [None] * self.names_room
        self.fills: list[Any] = []
        self.names: dict[int, int] = {}
        book = self.module.liquibook_book_OrderBook("X")
        if self.listens:
            self.listener = _listener(self.module, self.fills)
            book.set_order_listener(self.listener)
        return book

    def drive(self, book: Any, messages: Iterable[Message], seen: Seen) -> None:
        make, add, cancel = self.module.SimpleOrder, book.add, book.cancel
        ioc = self.module.oc_immediate_or_cancel
        orders = self.orders
        names = self.names
        for op, kind, side, order, price, units, _ in messages:
            if op == 0:
                if kind == 0:
                    made = orders[order] = make(side == 0, price, units)
                    names[made.order_id_] = order
                    add(made)
                else:
                    made = make(side == 0, 0 if kind == 1 else price, units, 0, ioc)
                    names[made.order_id_] = order
                    add(made, ioc)
            else:
                cancel(orders[order])

    def finish(self, book: Any, seen: Seen) -> None:
        for taker, maker, units, price in self.fills:
            seen(self.names[maker.order_id_], self.names[taker.order_id_], price, units)


def _listener(module: Any, fills: list[Any]) -> Any:
    """A listener that keeps fills; the library asks for every method to be there."""

    def on_fill(_: Any, order: Any, matched: Any, units: int, price: int) -> None:
        fills.append((order, matched, units, price))

    def ignore(*_: Any) -> None:
        pass

    silent = ("accept", "reject", "cancel", "cancel_reject", "replace", "replace_reject")
    methods = {f"on_{name}": ignore for name in silent} | {"on_fill": on_fill}
    return type("Listener", (module.OrderListener,), methods)()


class LiquibookQuiet(Liquibook):
    """The same without a listener: Python is told no trade."""

    scenarios = ("flow", "deep", "sweep", "queue")
    listens = False


class Litebook(Adapter):
    """litebook: Rust; floats, and ids as strings."""

    def __init__(self) -> None:
        self.module = importlib.import_module("litebook")

    def open(self) -> Any:
        self.ids: list[Any] = [None] * self.names_room
        return self.module.OrderBook(tick_size=1.0)

    def drive(self, book: Any, messages: Iterable[Message], seen: Seen) -> None:
        create, add, cancel = book.create_order, book.add, book.cancel
        sides = (self.module.OrderType.Buy, self.module.OrderType.Sell)
        far = (float(FAR[0]), float(FAR[1]))
        ids = self.ids
        names = {}
        for op, kind, side, order, price, units, aux in messages:
            if op == 0:
                made = create(sides[side], far[side] if kind == 1 else float(price), float(units))
                fills = add(made)
                own = ids[order] = made.id
                names[own] = order
                for fill in fills:
                    maker = names[fill.buy_id if side else fill.sell_id]
                    seen(maker, order, int(fill.price), int(fill.quantity))
                if kind == 2 and aux:
                    cancel(own)
            else:
                cancel(ids[order])


class Pylobo(Adapter):
    """pylobo (module lobo): Rust, fills asked for with each order."""

    def __init__(self) -> None:
        uuid = importlib.import_module("uuid")
        self.module = importlib.import_module("lobo")
        self.kinds = importlib.import_module("lobo.orders")
        self.trader = uuid.UUID(int=1)

    def open(self) -> Any:
        self.ids: list[Any] = [None] * self.names_room
        return self.module.Book("X")

    def drive(self, book: Any, messages: Iterable[Message], seen: Seen) -> None:
        limit, market, trader = self.kinds.LimitOrder, self.kinds.MarketOrder, self.trader
        sides = (self.kinds.Side.Buy, self.kinds.Side.Sell)
        reports = self.module.Reports(include_fills=True)
        fill, cancel, ids = book.fill, book.cancel, self.ids
        names = {}
        for op, kind, side, order, price, units, aux in messages:
            if op == 0:
                if kind == 1:
                    done = fill(market(units, trader, sides[side]), reports)
                else:
                    done = fill(limit(price, units, trader, sides[side]), reports)
                    own = ids[order] = done.remaining_order_id
                    names[own] = order
                    if kind == 2 and aux:
                        cancel(own)
                for one in (done.report.fills or ()) if done.report else ():
                    seen(names[one.maker_order_id], order, one.price, one.fill_quantity)
            else:
                cancel(ids[order])


class OrderlyChaos(Adapter):
    """orderly-chaos: C++ through ctypes; trades through a callback into a list."""

    flow = "mixed"
    listens: ClassVar[bool] = True

    def __init__(self) -> None:
        self.module = importlib.import_module("orderly_chaos")

    def open(self) -> Any:
        self.trades: list[Any] = []
        if self.listens:
            return self.module.LimitOrderBook(on_trade=self.trades.append)
        return self.module.LimitOrderBook()

    def drive(self, book: Any, messages: Iterable[Message], seen: Seen) -> None:
        limit, market, cancel, reduce = book.limit, book.market, book.cancel, book.reduce
        sides = (self.module.Side.BUY, self.module.Side.SELL)
        for op, kind, side, order, price, units, aux in messages:
            if op == 0:
                if kind == 0:
                    limit(sides[side], order, units, price)
                elif kind == 1:
                    market(sides[side], order, units)
                elif limit(sides[side], order, units, price) < units:
                    cancel(order)
            elif op == 1:
                cancel(order)
            elif units < aux:
                reduce(order, aux - units)
            else:
                cancel(order)
                limit(sides[side], order, units, price)

    def finish(self, book: Any, seen: Seen) -> None:
        for trade in self.trades:
            seen(trade.maker_id, trade.taker_id, trade.price, trade.quantity)

    def close(self, book: Any) -> None:
        book.close()
        self.trades = []


class OrderlyChaosQuiet(OrderlyChaos):
    """The same without a callback: Python is told how much filled, not the trades."""

    scenarios = ("flow", "deep", "sweep", "queue")
    listens = False


class Obook(Adapter):
    """obook: Go through ctypes; events drained after each order that traded.

    Self-trade prevention cannot be switched off from Python, so each order has a user of its own.
    """

    flow = "mixed"
    count = 200_000

    def __init__(self) -> None:
        self.module = importlib.import_module("obook")

    def open(self) -> Any:
        self.ids, self.total = [0] * self.names_room, [0] * self.names_room
        return self.module.Book(max_orders=200_000)

    def drive(self, book: Any, messages: Iterable[Message], seen: Seen) -> None:
        submit, cancel, reduce = book.submit, book.cancel, book.reduce
        replace, drain = book.replace, book.events
        ids, total, fresh = self.ids, self.total, self.module.Status.NEW
        names = {}
        for op, kind, side, order, price, units, aux in messages:
            if op == 1:
                cancel(ids[order], order)
            elif op == 2 and units < aux:
                total[order] -= aux - units
                reduce(ids[order], total[order], order)
            else:
                if op == 2:
                    done = replace(ids[order], order, side, price, units)
                elif kind == 0:
                    done = submit(order, side, price, units)
                elif kind == 1:
                    done = submit(order, side, 0, units, 1, 1)
                else:
                    done = submit(order, side, price, units, 0, 1)
                ids[order] = done.order_id
                total[order] = units
                names[done.order_id] = order
                if done.status is not fresh:
                    events = drain()
                    for one in events:
                        if one.kind == 3:
                            seen(names[one.maker_id], names[one.taker_id], one.price, one.qty)

    def close(self, book: Any) -> None:
        book.close()


class Nanobook(Adapter):
    """nanobook: Rust, trades in each result; never returns from message 2,072 (findings.py)."""

    count = 2_000

    def __init__(self) -> None:
        self.module = importlib.import_module("nanobook")

    def open(self) -> Any:
        self.ids = [0] * self.names_room
        return self.module.Exchange()

    def drive(self, book: Any, messages: Iterable[Message], seen: Seen) -> None:
        limit, market, cancel = book.submit_limit, book.submit_market, book.cancel
        sides = ("buy", "sell")
        ids = self.ids
        names = {}
        for op, kind, side, order, price, units, _ in messages:
            if op == 0:
                if kind == 0:
                    done = limit(sides[side], price, units)
                elif kind == 1:
                    done = market(sides[side], units)
                else:
                    done = limit(sides[side], price, units, "ioc")
                ids[order] = done.order_id
                names[done.order_id] = order
                trades = done.trades if done.filled_quantity else ()
                for trade in trades:
                    seen(names[trade.passive_order_id], order, trade.price, trade.quantity)
            else:
                cancel(ids[order])


class CythonOrderbook(Adapter):
    """cython-orderbook: Cython over Python objects; a log of trades inside."""

    def __init__(self) -> None:
        self.module = importlib.import_module("cython_orderbook")

    def open(self) -> Any:
        self.ids: list[Any] = [None] * self.names_room
        self.names: dict[str, int] = {}
        return self.module.OrderBook()

    def drive(self, book: Any, messages: Iterable[Message], seen: Seen) -> None:
        make, cancel = self.module.Order, book.cancel_order
        limit, market = book.add_limit_order, book.add_market_order
        sides = (self.module.OrderSide.BID, self.module.OrderSide.ASK)
        ids = self.ids
        names = self.names
        for op, kind, side, order, price, units, aux in messages:
            if op == 0:
                if kind == 1:
                    made = make(side=sides[side], original_quantity=units)
                    ids[order] = made.order_id
                    market(made)
                else:
                    made = make(side=sides[side], price=price, original_quantity=units)
                    own = ids[order] = made.order_id
                    limit(made)
                    if kind == 2 and aux:
                        cancel(own)
                names[str(made.order_id)] = order
            else:
                cancel(ids[order])

    def finish(self, book: Any, seen: Seen) -> None:
        for trade in book.trade_log:
            maker, taker = self.names[str(trade.filler_id)], self.names[str(trade.aggressor_id)]
            seen(maker, taker, int(trade.price), int(trade.quantity_filled))
