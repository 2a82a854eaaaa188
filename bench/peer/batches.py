"""Engines with an entry for many orders at once that is more than a loop of the caller's.

Adds only, the deep book in batches of 1,000: nobody's batch takes cancels and amendments in order.
bourse shuffles the orders of a batch by design; the others loop inside.
"""

import gc
import importlib
from collections.abc import Callable, Iterator, Sequence
from time import perf_counter_ns
from typing import Any, Final

from peer.adapter import Message

BATCH: Final = 1_000


def _chunks(messages: Sequence[Message]) -> Iterator[Sequence[Message]]:
    return (messages[first : first + BATCH] for first in range(0, len(messages), BATCH))


def _bourse(messages: Sequence[Message]) -> Callable[[], None]:
    numpy: Any = importlib.import_module("numpy")
    core: Any = importlib.import_module("bourse").core
    table = numpy.array(messages)
    buys, prices = table[:, 2] == 0, table[:, 4].astype(numpy.uint32)
    units, trader = table[:, 5].astype(numpy.uint32), numpy.ones(len(table), numpy.uint32)
    venue = core.StepEnvNumpy(101, 0, 1, 100_000)

    def add() -> None:
        for first in range(0, len(table), BATCH):
            some = slice(first, first + BATCH)
            venue.submit_limit_orders((buys[some], units[some], trader[some], prices[some]))
            venue.step()

    return add


def _fastlob(messages: Sequence[Message]) -> Callable[[], None]:
    module: Any = importlib.import_module("fastlob")
    book = module.Orderbook("X", start=True)
    make, gtc = module.OrderParams, module.OrderType.GTC
    sides = (module.OrderSide.BID, module.OrderSide.ASK)

    def add() -> None:
        for chunk in _chunks(messages):
            book([make(side=sides[m[2]], price=m[4], quantity=m[5], otype=gtc) for m in chunk])
        book.stop()

    return add


def _pyorderbook(messages: Sequence[Message]) -> Callable[[], None]:
    module: Any = importlib.import_module("pyorderbook")
    make, book = (module.bid, module.ask), module.Book()

    def add() -> None:
        for chunk in _chunks(messages):
            book.match([make[m[2]]("X", m[4], m[5]) for m in chunk])

    return add


BY_ADAPTER: Final = {"Bourse": _bourse, "Fastlob": _fastlob, "PyOrderbook": _pyorderbook}


def add_all(adapter: str, messages: Sequence[Message]) -> float:
    """Nanoseconds an order, a fresh engine."""
    add = BY_ADAPTER[adapter](messages)
    gc.collect()
    began = perf_counter_ns()
    add()
    return (perf_counter_ns() - began) / len(messages)
