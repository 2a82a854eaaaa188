"""Adapters for this project and its C limits, in the same harness as everyone else.

Four doors of ours, all with every check of the rulebook. ``kitahama-sorted`` and ``kitahama-kernel``
are the engine on either book: a command and an entry are made for each message, and every event is an
object. ``kitahama-call`` hands numbers to the kernel, one call a message, and gets every event as a
tuple; ``kitahama-trades`` the same, and gets the trades only. ``kitahama-batch`` takes and gives rows.
The rulebook is ``PLAIN`` (batch_flows.py): TSE's without the rules nobody else here has.
"""

# ruff: noqa: ARG002, D102  Adapter says what each method is and which argument it may ignore

from collections.abc import Iterable
from datetime import date
from typing import Any, ClassVar

import climit
import numpy as np
from batch_flows import PLAIN
from command_rows import Rows, phase_rows, rows_of
from event_rows import issues
from workloads import Message as FlowMessage

from market.commands import AmendOrder, CancelOrder, ChangePhase, Entry, NewOrder
from market.events import Trade
from market.quantities import SEN_PER_YEN
from market.rules import Rules
from market.words import OrderKind, Phase, Side, Validity
from matching.batch import Batch, Room
from matching.books import books_named
from matching.engine import Engine
from matching.kernel import IS_COMPILED
from matching.rows import Op, What
from peer.adapter import Adapter, Message, Seen

CHUNK = 10_000
"""Commands a batch call: events of one call fit the second-level cache."""


class HarnessLoop(Adapter):
    """No engine: what decoding and choosing the call costs everyone."""

    flow = "mixed"
    scenarios = ("flow", "deep")

    def open(self) -> Any:
        return None

    def drive(self, book: Any, messages: Iterable[Message], seen: Seen) -> None:
        del book
        last = 0
        for op, kind, side, order, price, units, aux in messages:
            if op == 0:
                if kind == 0:
                    last = order
                elif kind == 1:
                    last = side
                else:
                    last = units
            elif op == 1:
                last = price
            else:
                last = aux
        self.last = last


class TradesLimit(Adapter):
    """The minimal C ladder, the whole file in one call."""

    flow = "mixed"
    calls = False

    def __init__(self) -> None:
        self.module = climit.built("climit_trades")

    def load(self, data: bytes, messages: list[Message]) -> Any:
        del messages
        return data

    def open(self) -> Any:
        self.module.reset(self.names_room)
        return self.module

    def drive(self, book: Any, messages: Any, seen: Seen) -> None:
        book.batch(messages)

    def finish(self, book: Any, seen: Seen) -> None:
        for trade in np.frombuffer(book.trades(), "<i4").reshape(-1, 4).tolist():
            seen(*trade)


class TradesLimitNomod(TradesLimit):
    """The same on the file without replaces: the denominator for engines that have none."""

    flow = "nomod"


class TradesLimitCall(TradesLimit):
    """The minimal C ladder, one call a message, trades as a list of tuples or None."""

    calls = True

    def load(self, data: bytes, messages: list[Message]) -> Any:
        del data
        return messages

    def drive(self, book: Any, messages: Iterable[Message], seen: Seen) -> None:
        call = book.call
        for op, kind, side, order, price, units, _ in messages:
            trades = call(op, kind, side, order, price, units)
            if trades is not None:
                for trade in trades:
                    seen(*trade)

    def finish(self, book: Any, seen: Seen) -> None:
        """Each call gave its trades already."""


class EmptyCall(TradesLimitCall):
    """A C function that takes the message and does nothing."""

    scenarios = ("flow", "deep")

    def drive(self, book: Any, messages: Iterable[Message], seen: Seen) -> None:
        call = book.empty
        for op, kind, side, order, price, units, _ in messages:
            call(op, kind, side, order, price, units)


class _Rows(Adapter):
    """Whatever takes command rows in batches and gives event rows."""

    flow = "mixed"
    calls = False

    def load(self, data: bytes, messages: list[Message]) -> Rows:
        del data
        return rows_of(FlowMessage(*message[:6]) for message in messages)

    def _tell(self, events: Rows, seen: Seen) -> None:
        trades = events[events["what"] == What.TRADE]
        bought = trades["side"] == 1
        taker = np.where(bought, trades["order_id"], trades["contra_id"])
        maker = np.where(bought, trades["contra_id"], trades["order_id"])
        price = trades["price_sen"] // SEN_PER_YEN
        for row in zip(maker.tolist(), taker.tolist(), price.tolist(), trades["units"].tolist(),
                       strict=True):  # fmt: skip
            seen(*row)


class EventsLimit(_Rows):
    """The C ladder that checks and writes every event, 10,000 commands a call."""

    def open(self) -> Any:
        engine = climit.EventsLimit(PLAIN, issues(1), self.names_room)
        engine.run(phase_rows(Phase.CONTINUOUS, [0]))
        return engine

    def drive(self, book: Any, messages: Rows, seen: Seen) -> None:
        run = book.run
        for first in range(0, len(messages), CHUNK):
            run(messages[first : first + CHUNK])
            self._tell(book.events(), seen)


class KitahamaBatch(_Rows):
    """The batch door, 10,000 commands a call."""

    def open(self) -> Any:
        return _opened(self.names_room)

    def drive(self, book: Any, messages: Rows, seen: Seen) -> None:
        run = book.run
        for first in range(0, len(messages), CHUNK):
            rows = run(messages[first : first + CHUNK], copy=False)
            self._tell(rows, seen)


def _opened(names_room: int, rules: Rules = PLAIN) -> Batch:
    """A batch door in continuous trading, with room for the orders to come."""
    room = Room(names_room, names_room, 20 * CHUNK)  # as the ladder has
    door = Batch(rules, issues(1), room=room)
    door.act(Op.OPEN_DAY)
    door.run(phase_rows(Phase.CONTINUOUS, [0]))
    return door


Arguments = tuple[int, int, int, int, int, int, int, int, int]
"""What the kernel's door takes: op, side, kind, life, issue, order id, price, units, owner."""


class KitahamaCall(Adapter):
    """The kernel's door for one command a call; every event as a tuple.

    Messages become the door's numbers when they are read, as they become rows for the batch doors.
    """

    flow = "mixed"
    door: ClassVar[str] = "submit"

    def load(self, data: bytes, messages: list[Message]) -> list[Arguments]:
        return [_arguments(message) for message in messages]

    def open(self) -> Any:
        self.batch = _opened(self.names_room)
        return getattr(self.batch.kernel, self.door)

    def drive(self, book: Any, messages: Iterable[Arguments], seen: Seen) -> None:
        for asked in messages:
            for event in book(*asked):
                if event[0] == 3:
                    order = asked[5]
                    maker = event[1] if event[2] == order else event[2]
                    seen(maker, order, event[3] // 100, event[4])


def _arguments(message: Message) -> Arguments:
    op, kind, side, order, price, units, _ = message
    if op == 0:
        at, life = (0, 1) if kind == 1 else (price * 100, 3 if kind == 2 else 1)
        return 1, side + 1, 2 if kind == 1 else 1, life, 0, order, at, units, 1
    return (2, 0, 0, 0, 0, order, 0, 0, 1) if op == 1 else (
        3, 0, 0, 0, 0, order, price * 100, units, 1
    )  # fmt: skip


class KitahamaTrades(KitahamaCall):
    """The kernel's door for one command a call; trades only, or None."""

    door = "trades_of"

    def drive(self, book: Any, messages: Iterable[Arguments], seen: Seen) -> None:
        for asked in messages:
            trades = book(*asked)
            if trades is not None:
                order = asked[5]
                for buy, sell, at, traded in trades:
                    seen(buy if sell == order else sell, order, at // 100, traded)


class KitahamaSorted(Adapter):
    """This project's engine on the sorted book, one entry a message."""

    flow = "mixed"
    book_name: ClassVar[str] = "sorted"

    def open(self) -> Any:
        engine = Engine(PLAIN, books_named(self.book_name))
        (issue,) = issues(1)
        engine.list_instrument(issue)
        engine.open_day(date(2026, 11, 24))
        name = issue.instrument_id
        engine.apply(
            Entry(
                sequence=1, at_ns=0, command=ChangePhase(instrument_id=name, phase=Phase.CONTINUOUS)
            )
        )
        self.name = name
        self.ids = [0] * self.names_room
        return engine

    def drive(self, book: Any, messages: Iterable[Message], seen: Seen) -> None:
        apply, ids, name = book.apply, self.ids, self.name
        sides, limit, market = (Side.BUY, Side.SELL), OrderKind.LIMIT, OrderKind.MARKET
        day, ioc = Validity.DAY, Validity.IOC
        number = 1
        names = {}
        for op, kind, side, order, price, units, _ in messages:
            number += 1
            if op == 0:
                ids[order] = number
                asked = NewOrder(
                    participant_id="FIRM", session_id="FIRM-1", generation=1, req_id="",
                    client_order_id="C", instrument_id=name, side=sides[side],
                    kind=market if kind == 1 else limit, price_sen=price * 100,
                    quantity_units=units, validity=ioc if kind == 2 else day,
                )  # fmt: skip
            elif op == 1:
                asked = CancelOrder(
                    participant_id="FIRM", session_id="FIRM-1", generation=1, req_id="",
                    order_id=ids[order],
                )  # fmt: skip
            else:
                asked = AmendOrder(
                    participant_id="FIRM", session_id="FIRM-1", generation=1, req_id="",
                    client_order_id="C", order_id=ids[order], price_sen=price * 100,
                    leaves_units=units,
                )  # fmt: skip
            events = apply(Entry(sequence=number, at_ns=0, command=asked))
            if op == 2 and events[0].order_id == number:
                ids[order] = number
            names[number] = order
            for event in events:
                if type(event) is Trade:
                    pair = sorted((event.buy_order_id, event.sell_order_id))
                    seen(names[pair[0]], order, event.price_sen // 100, event.quantity_units)


class KitahamaKernel(KitahamaSorted):
    """The same engine on the kernel's book."""

    book_name = "kernel"

    def __init__(self) -> None:
        if not IS_COMPILED:
            raise ImportError("the kernel is not compiled here")
