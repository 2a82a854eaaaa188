"""Where an engine and the reference part, each shown again by the smallest story that shows it.

Run inside the engine's environment: ``python findings.py NAME`` prints one JSON line with what was
seen. A story that should hang is killed by the caller's time limit; that is its result. The reference
is price-time priority with trades at the resting order's price (the workload's definition).
"""

import importlib
import json
import logging
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final, Literal, NamedTuple

sys.path.insert(0, str(Path(__file__).parents[1]))

from peer.registry import PEERS, Peer


class Finding(NamedTuple):
    """One disagreement or failure.

    Attributes:
        peer: Whose environment it needs.
        claim: What is said of it.
        story: Shows it; returns whether it happened, and what was seen.
        stops: How the story is expected not to end: it ``hangs``, or ``aborts`` the interpreter.
        version: Requirement and Python, where another version than the table's is meant.
    """

    peer: str
    claim: str
    story: Callable[[], tuple[bool, str]]
    stops: Literal["", "hangs", "aborts"] = ""
    version: tuple[str, str] | None = None

    @property
    def whose(self) -> Peer:
        """What to install for it."""
        peer = PEERS[self.peer]
        if self.version is None:
            return peer
        return peer._replace(needs=self.version[:1], python=self.version[1])


def nanobook_never_returns() -> tuple[bool, str]:
    """Three sells at one price, the first filled, the last canceled; then buy past the middle one."""
    book = importlib.import_module("nanobook").Exchange()
    orders = [book.submit_limit("sell", 100, 10).order_id for _ in range(3)]
    book.submit_limit("buy", 100, 10)
    book.cancel(orders[2])
    done = book.submit_limit("buy", 100, 20)
    return False, f"returned, filled {done.filled_quantity}"


def litebook_trades_at_the_sellers_price() -> tuple[bool, str]:
    """A bid of 100 rests, a sell at 90 comes: the trade belongs at 100."""
    module = importlib.import_module("litebook")
    book = module.OrderBook(tick_size=1.0)
    book.add(book.create_order(module.OrderType.Buy, 100.0, 1.0))
    (fill,) = book.add(book.create_order(module.OrderType.Sell, 90.0, 1.0))
    return fill.price != 100.0, f"traded at {fill.price:g}, the resting bid was 100"


def litebook_cancels_what_was_filled() -> tuple[bool, str]:
    """Canceling an order that traded in full says yes."""
    module = importlib.import_module("litebook")
    book = module.OrderBook(tick_size=1.0)
    bid = book.create_order(module.OrderType.Buy, 100.0, 1.0)
    book.add(bid)
    book.add(book.create_order(module.OrderType.Sell, 100.0, 1.0))
    said = book.cancel(bid.id)
    return bool(said), f"cancel of a filled order returned {said}"


def lightmatchingengine_asserts_on_a_late_cancel() -> tuple[bool, str]:
    """A cancel that comes after the fill is everyday traffic, not a programmer's mistake."""
    module = importlib.import_module("lightmatchingengine.lightmatchingengine")
    book = module.LightMatchingEngine()
    bid, _ = book.add_order("X", 100, 1, module.Side.BUY)
    book.add_order("X", 100, 1, module.Side.SELL)
    try:
        book.cancel_order(bid.order_id, "X")
    except AssertionError:
        return True, "AssertionError"
    return False, "no error"


def pyorderbook_raises_on_a_late_cancel() -> tuple[bool, str]:
    """The same, as a KeyError."""
    logging.disable(logging.CRITICAL)
    module = importlib.import_module("pyorderbook")
    book = module.Book()
    bid = module.bid("X", 100, 1)
    book.match(bid)
    book.match(module.ask("X", 100, 1))
    try:
        book.cancel(bid)
    except KeyError:
        return True, "KeyError"
    return False, "no error"


def edumatcher_amends_into_a_crossed_book() -> tuple[bool, str]:
    """A bid amended to the ask's price should trade; it rests, and the book stays crossed."""
    logging.disable(logging.CRITICAL)
    make = importlib.import_module("edumatcher.engine.order_book").OrderBook
    importlib.import_module("edumatcher.models.trade").set_run_seq(1)
    words = importlib.import_module("edumatcher.models.order")
    book = make("X")

    def enter(side: Any, price: int) -> Any:
        order = words.Order.create(
            "X", side, words.OrderType.LIMIT, 10, "GW", words.TIF.GTC, price,
            smp_action=words.SmpAction.NONE, tick_decimals=0,
        )  # fmt: skip
        return order, book.process(order)[0]

    enter(words.Side.SELL, 100)
    bid, _ = enter(words.Side.BUY, 90)
    book.amend_order(bid.id, 100, None)
    _, trades = enter(words.Side.BUY, 80)
    return not trades, f"bid amended to the ask's 100, then a passive order: {len(trades)} trades"


def bourse_loses_orders_of_one_moment() -> tuple[bool, str]:
    """Five sells of 5 at one price and one time, then a buy of 25: all five should trade."""
    book = importlib.import_module("bourse").core.OrderBook(0, 1, True)
    for _ in range(5):
        book.place_order(False, 5, 1, 100)
    book.place_order(True, 25, 2, 100)
    traded = sum(trade[3] for trade in book.get_trades())
    return traded != 25, f"{traded} of 25 units traded without set_time between the orders"


def liquibook_loses_priority_on_a_decrease() -> tuple[bool, str]:
    """Two bids at one price, the first made smaller: a sell should still meet it first."""
    module = importlib.import_module("liquibook")
    from peer.compiled import _listener  # noqa: PLC0415  only here

    fills: list[Any] = []
    book = module.liquibook_book_OrderBook("X")
    listener = _listener(module, fills)
    book.set_order_listener(listener)
    first, second = module.SimpleOrder(True, 100, 10), module.SimpleOrder(True, 100, 10)
    book.add(first)
    book.add(second)
    book.replace(first, -5, 100)
    book.add(module.SimpleOrder(False, 100, 5))
    met_first = fills[0][1].order_id_ == first.order_id_
    return not met_first, f"the {'reduced' if met_first else 'other'} order traded first"


def obook_trades_nothing_for_one_user() -> tuple[bool, str]:
    """Self-trade prevention is always on: one user's orders never meet."""
    book = importlib.import_module("obook").Book(max_orders=1_000)
    book.submit(1, 0, 100, 10)
    book.submit(1, 1, 100, 10)
    trades = [event for event in book.events() if event.kind == 3]
    return not trades, f"{len(trades)} trades between two orders of one user"


def pams_prints_one_price_a_pass() -> tuple[bool, str]:
    """Asks at 100 and 101, then a buy for both: trades belong at 100 and at 101."""
    from peer.interpreted import Pams  # noqa: PLC0415  only here

    adapter = Pams()
    adapter.names_room = 4
    prices: list[int] = []
    messages = [(0, 0, 1, 1, 100, 1, 1), (0, 0, 1, 2, 101, 1, 1), (0, 0, 0, 3, 101, 2, 0)]
    adapter.drive(adapter.open(), messages, lambda _m, _t, price, _u: prices.append(price))
    return sorted(prices) != [100, 101], f"traded at {prices}, the resting asks were 100 and 101"


def limit_order_book_says_nothing() -> tuple[bool, str]:
    """Neither a trade nor a late cancel gives the caller anything back."""
    book = importlib.import_module("limit_order_book").LimitOrderBook()
    book.limit_buy(1, 10, 100)
    said = [book.limit_sell(2, 10, 100), book.cancel(1)]
    silent = said == [None, None]
    return silent, f"a trade returned {said[0]}, the cancel of a filled order {said[1]}"


def limit_order_book_2_aborts_on_a_late_cancel() -> tuple[bool, str]:
    """The version an older Python gets ends the process when a filled order is canceled."""
    book = importlib.import_module("limit_order_book").LimitOrderBook()
    book.limit_buy(1, 10, 100)
    book.limit_sell(2, 10, 100)
    book.cancel(1)
    return False, "returned"


FINDINGS: Final = {
    "nanobook-hang": Finding("nanobook", "a call never returns", nanobook_never_returns, stops="hangs"),
    "litebook-price": Finding(
        "litebook", "trades at the seller's price, whoever rested",
        litebook_trades_at_the_sellers_price,
    ),
    "litebook-cancel": Finding(
        "litebook", "cancels a filled order", litebook_cancels_what_was_filled
    ),
    "lightmatchingengine-cancel": Finding(
        "lightmatchingengine", "a late cancel fails an assertion",
        lightmatchingengine_asserts_on_a_late_cancel,
    ),
    "pyorderbook-cancel": Finding(
        "pyorderbook", "a late cancel raises KeyError", pyorderbook_raises_on_a_late_cancel
    ),
    "edumatcher-amend": Finding(
        "edumatcher", "an amendment leaves the book crossed", edumatcher_amends_into_a_crossed_book
    ),
    "bourse-time": Finding(
        "bourse", "loses orders entered in one moment", bourse_loses_orders_of_one_moment
    ),
    "liquibook-replace": Finding(
        "liquibook", "a decrease loses priority", liquibook_loses_priority_on_a_decrease
    ),
    "obook-user": Finding(
        "obook", "one user's orders never trade, and that cannot be switched off",
        obook_trades_nothing_for_one_user,
    ),
    "pams-price": Finding(
        "pams", "all trades of one pass print at one price", pams_prints_one_price_a_pass
    ),
    "limit-order-book-silent": Finding(
        "limit-order-book", "tells neither trades nor refusals", limit_order_book_says_nothing
    ),
    "limit-order-book-2-abort": Finding(
        "limit-order-book", "2.0.0, for Python below 3.13: a late cancel aborts the interpreter",
        limit_order_book_2_aborts_on_a_late_cancel, stops="aborts",
        version=("limit-order-book==2.0.0", "3.11"),
    ),
}  # fmt: skip


def main() -> None:
    """One finding, one line."""
    name = sys.argv[1]
    finding = FINDINGS[name]
    assert finding.peer in PEERS
    happened, seen = finding.story()
    print(json.dumps({"finding": name, "peer": finding.peer, "happened": happened, "seen": seen}))


if __name__ == "__main__":
    main()
