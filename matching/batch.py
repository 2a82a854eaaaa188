"""The batch door: rows of commands in, rows of events out, for many issues in one call.

:class:`Batch` is an engine whose books lie in one kernel. The kernel runs the plain commands by
itself, without the interpreter lock; each other one (a refusal, a self-trade, a phase, a cross,
a quote) it hands back, and the engine's own rules answer it on the same books. So a batch knows
every rule of the rulebook, and there is no second text of any.

What is plain on an issue follows from its state (:meth:`Batch._allow`): anything the rules would
look at twice is not.

Ids are the caller's, in any order from 1 up, each used once; an amended order keeps its id whatever
happens to its place, and the batch keeps each order's time apart from it. An owner is a number that stands for a participant. With ``indicative`` each change of the
indicative price is told, as START's feed does; without it only :data:`Op.INDICATE` tells it.

Ordering: a command's events stand together, in the engine's order, commands in their own.
Known limits: ids take 4 bytes each for as long as :meth:`forget` was not called. Rows have no
accounts and no flags of size or short sale, so own orders are kept apart by firm only and a size
that would be queried is refused. Where the preset replaces by total or keeps a firm's orders apart,
or where an issue's limits are too far apart for a ladder, all goes at the rules' speed.
"""

from collections.abc import Callable, Sequence
from datetime import date, timedelta
from heapq import heappop
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from market.choices import SelfMatch
from market.commands import AmendOrder, NewOrder
from market.errors import BadInput, check
from market.events import (
    Event,
)
from market.ids import ClientOrderId, InstrumentId, OrderId, ParticipantId, SessionId
from market.instrument import Instrument
from market.quantities import Sen, TimeNs, Units
from market.reasons import CancelReason, RejectReason
from market.rules import AmendMode, Rules
from market.words import OrderKind, Side, Validity
from matching import continuous, cross, kernel
from matching.book import Book
from matching.clearing import NO_CLEARING, Clearing
from matching.engine import Engine
from matching.issue import Issue
from matching.kernel import Kernel, KernelBook
from matching.order import Order
from matching.row_writer import REJECT_CODE, RowWriter, ending_head
from matching.rows import (
    COMMAND,
    EVERY_ISSUE,
    KINDS,
    PHASES,
    SELF_TRADE_MODES,
    SIDES,
    VALIDITIES,
    Op,
    What,
)

_EPOCH: Final = date(1970, 1, 1)
_CONDITIONS: Final = frozenset((Validity.ON_OPEN, Validity.ON_CLOSE, Validity.FUNARI))
_ALL_VALIDITIES: Final = 255
_PLAIN_AMENDS: Final = (
    AmendMode.CANCEL_NEW,
    AmendMode.NATIVE_REPLACE,
    AmendMode.KEEP_ON_DECREASE,
)
_ENDINGS: Final[dict[Callable[[Order], bool], tuple[int, bool]]] = {
    cross.is_any: (_ALL_VALIDITIES, False),
    cross.is_market: (_ALL_VALIDITIES, True),
    cross.is_for_next_auction: (
        1 << VALIDITIES.index(Validity.NEXT_AUCTION) | 1 << VALIDITIES.index(Validity.ON_OPEN),
        False,
    ),
}
"""What the kernel can end by itself: bits of validities, and whether only market orders."""


class _Index(dict[OrderId, Order]):
    """Resting orders by id: those of sorted books as they are, those of the kernel when asked."""

    def __init__(self, kernel: Kernel, books: list[KernelBook]) -> None:
        super().__init__()
        self._kernel = kernel
        self._books = books

    def get(self, order_id: OrderId, default: Any = None) -> Any:
        """The resting order, or ``default``."""
        slot = self._kernel.slot_at(order_id)
        if slot:
            return self._books[self._kernel.issue_at(order_id)].order_at(slot)
        return super().get(order_id, default)

    def __len__(self) -> int:
        return super().__len__() + self._kernel.live


class RowsOfIssue:
    """Lets the rules cross and end orders of one issue without making an object for each."""

    __slots__ = ("_batch", "_book")

    def __init__(self, batch: "Batch", book: KernelBook) -> None:
        self._batch = batch
        self._book = book

    def cross(self, price_sen: Sen, units: int, events: list[Event]) -> int:
        """Trade ``units`` by priority at one price; rows follow those of ``events``."""
        self._batch.write(events)
        return self._book.cross_rows(price_sen, units)

    def end(
        self, chosen: Callable[[Order], bool], reason: CancelReason | None, events: list[Event]
    ) -> bool:
        """Cancel (or without a reason: expire) the chosen orders; False if only Python can choose."""
        ending = _ENDINGS.get(chosen)
        if ending is None:
            return False
        self._batch.write(events)
        self._book.end_rows(ending_head(reason), *ending)
        return True


class Room(NamedTuple):
    """What a batch makes room for when it is built; more comes by itself, at a pause."""

    orders: int = 0
    last_id: int = 0
    events: int = 0


_NO_ROOM: Final = Room()


class _Plain(NamedTuple):
    """What the kernel may do by itself, as it wants it; equal for issues in one state."""

    combos: int
    flags: int
    cancel_reason: int
    mode: int


class Batch:
    """Many issues under one rulebook, in one kernel.

    Attributes:
        engine: The rules; read it, but change nothing.
        kernel: The books. ``kernel.submit`` and ``kernel.trades_of`` are the doors for one
            command a call; their rows lie there until the next one or :meth:`drop_rows`.
    """

    def __init__(
        self,
        rules: Rules,
        instruments: Sequence[Instrument],
        *,
        indicative: bool = False,
        room: Room = _NO_ROOM,
    ) -> None:
        self.kernel = Kernel(by_id=True)
        self.kernel.reserve(**room._asdict())
        self.kernel.rules = self._answer
        self._books: list[KernelBook] = []
        self._numbers = {one.instrument_id: number for number, one in enumerate(instruments)}
        check(len(self._numbers) == len(instruments), "an issue is listed once")
        self._names = list(self._numbers)
        self._index = _Index(self.kernel, self._books)
        self.engine = Engine(rules, self._new_book, self._index)
        self._writer = RowWriter(self.kernel, self._numbers, indicative=indicative)
        self._day = self._asked = 0
        self._gathers = [False] * len(instruments)
        self._plain: dict[tuple[Any, ...], _Plain] = {}
        self._allowed: list[tuple[Any, ...]] = [()] * len(instruments)
        for instrument in instruments:
            self.engine.list_instrument(instrument)
        self._issues = [self.engine.issue(name) for name in self._numbers]
        for issue, book in zip(self._issues, self._books, strict=True):
            if not indicative:
                issue.permissions = {
                    phase: permission._replace(publishes_indicative=False)
                    for phase, permission in issue.permissions.items()
                }
                issue.permission = issue.permissions[issue.phase]
            issue.rows = RowsOfIssue(self, book) if issue.quotes is None else None
        self.refresh()

    def _new_book(self, index: dict[OrderId, Order]) -> Book:
        book = KernelBook(self.kernel, index, self._names[len(self._books)])
        self._books.append(book)
        return book

    # --- running

    def run(
        self,
        commands: NDArray[Any],
        at_ns: NDArray[np.int64] | None = None,
        *,
        copy: bool = True,
    ) -> NDArray[Any]:
        """Run command rows in order.

        Args:
            commands: COMMAND rows, shape (n,), contiguous.
            at_ns: Market time of each row, never going back; needed where quotes are renewed
                by time, left out elsewhere.
            copy: False to get the rows where they lie; the next run writes over them.

        Returns:
            EVENT rows. Numbers of commands go on from run to run.

        Raises:
            BadInput: When the array is not of COMMAND rows, or times go back.
        """
        self.start(commands)
        if at_ns is not None and (len(at_ns) != len(commands) or np.any(np.diff(at_ns) < 0)):
            raise BadInput("one time for each command row, never going back")
        kernel_, first, count = self.kernel, 0, len(commands)
        while first < count:
            stop = count
            if at_ns is not None:
                self.engine.at_ns = TimeNs(int(at_ns[first]))
                kernel_.at = first  # what a renewal tells stands with the row whose time came
                self._renew_until(self.engine.at_ns)
                if self._writer.renewals:
                    stop = max(first + 1, int(np.searchsorted(at_ns, self._writer.renewals[0][0])))
            said = kernel_.run(first, stop)
            first = kernel_.at
            if said == kernel.ROOM:
                kernel_.more_room(int(commands["order_id"][first]))
            elif said != kernel.DONE:
                if at_ns is not None:
                    self.engine.at_ns = TimeNs(int(at_ns[first]))
                self._answer(said, kernel_.stopped_at())
                first += 1
        kernel_.base += count
        kernel_.at = 0
        rows = kernel_.event_rows(copy)
        kernel_.clear_events()
        return rows

    def act(self, op: Op, number: int = EVERY_ISSUE, value: int = 0, price_sen: int = 0) -> None:
        """An act of the venue outside a run; its rows come with the next run's."""
        self._act(op, number, (op, 0, 0, 0, number, 0, price_sen, value, 0, 0))

    def drop_rows(self) -> None:
        """Forget rows that :meth:`act` wrote."""
        self.kernel.clear_events()

    def start(self, commands: NDArray[Any]) -> None:
        """Give the kernel rows to walk.

        Raises:
            BadInput: When they are not contiguous COMMAND rows, an order id is too large, or
                4,294,967,296 orders took a place since ids were last forgotten.
        """
        if commands.dtype != COMMAND or commands.ndim != 1 or not commands.flags.c_contiguous:
            raise BadInput("commands are one contiguous array of COMMAND rows")
        self.kernel.take(commands)

    def forget(self) -> None:
        """Let ids start from 1 again; no order may rest or wait."""
        check(not any(issue.aside for issue in self._issues), "ids are forgotten when none waits")
        self.kernel.forget_ids()
        for issue in self._issues:
            issue.simultaneous_to = 0  # times begin anew, so none is left from before

    def refresh(self) -> None:
        """Tell the kernel anew what is plain, on every issue."""
        for number in range(len(self._issues)):
            self._allow(number)

    # --- what is not plain

    def _answer(self, said: int, row: tuple[Any, ...]) -> None:
        """Let the rules answer one row."""
        op, number, order_id = row[0], row[4], row[5]
        self._asked = order_id
        if op in _ACTS:
            self._act(op, number, row)
            return
        if not 0 <= number < len(self._issues):
            self._reject(number, order_id, RejectReason.UNKNOWN_INSTRUMENT)
            return
        if op not in (Op.NEW, Op.CANCEL, Op.AMEND):
            self._reject(number, order_id, RejectReason.UNKNOWN_TYPE)
            return
        if op != Op.NEW:
            found = self.engine.find(OrderId(order_id))
            number = number if found is None else self._numbers[found.instrument_id]
        self._before(number)
        self.engine.entered = self.kernel.next_entry()
        if said == kernel.OWN:
            events = self._go_on(number, row)
        else:
            events = (self._new, self._cancel, self._amend)[op - 1](number, row)
        self._after(number, events)

    def _before(self, number: int) -> None:
        """Let the rules see what the kernel traded."""
        last = self.kernel.last_price(number)
        if last:
            self._issues[number].last_sen = Sen(last)
        self.engine.trade_numbers.last = self.kernel.trades  # type: ignore[assignment]
        if self._gathers[number]:
            price, units, surplus = self.kernel.watched(number)
            self._issues[number].published = (
                Clearing(Sen(price), Units(units), surplus) if units else NO_CLEARING
            )

    def _after(self, number: int, events: list[Event]) -> None:
        """Write what the rules said, and let the kernel see what they changed."""
        self.write(events)
        self.kernel.trades = self.engine.trade_numbers.last
        self.kernel.set_last(number, self._issues[number].last_sen)
        self._allow(number)

    def _order(self, number: int, row: tuple[Any, ...]) -> NewOrder | None:
        """The new order a row asks for, or None when its codes are not in the tables."""
        _, side, kind, validity, _, _, price, quantity, owner, mode = row
        if not (
            0 < side < len(SIDES)
            and 0 < kind < len(KINDS)
            and 0 < validity < len(VALIDITIES)
            and 0 <= mode < len(SELF_TRADE_MODES)
        ):
            return None
        return NewOrder(
            participant_id=ParticipantId(str(owner)),
            session_id=SessionId(""),
            generation=0,
            req_id="",
            client_order_id=ClientOrderId(""),
            instrument_id=self._issues[number].instrument.instrument_id,
            side=SIDES[side] or Side.BUY,
            kind=KINDS[kind] or OrderKind.LIMIT,
            price_sen=Sen(price),
            quantity_units=Units(quantity),
            validity=VALIDITIES[validity] or Validity.DAY,
            self_trade_mode=SELF_TRADE_MODES[mode],
        )

    def _new(self, number: int, row: tuple[Any, ...]) -> list[Event]:
        order_id, command = OrderId(row[5]), self._order(number, row)
        if command is None:
            return self._rejected(number, order_id, RejectReason.SCHEMA)
        if order_id <= 0:
            return self._rejected(number, order_id, RejectReason.OUT_OF_RANGE)
        if self.kernel.seen(order_id):
            return self._rejected(number, order_id, RejectReason.DUPLICATE)
        refusal = self.engine.check_new(command) or self.engine.check_self_match(command)
        if refusal is not None:
            return self._rejected(number, order_id, refusal)
        self.kernel.note(order_id)
        return self.engine.new(command, order_id)

    def _go_on(self, number: int, row: tuple[Any, ...]) -> list[Event]:
        """An order the kernel accepted and matched, in front of an order of its own owner."""
        command = self._order(number, row)
        if command is None:
            return self._rejected(number, OrderId(row[5]), RejectReason.SCHEMA)
        order = self.engine.order_of(command, OrderId(row[5]))
        order.leaves_units = Units(self.kernel.left)
        self.kernel.note(order.order_id)
        events: list[Event] = []
        continuous.carry_on(self._issues[number], order, events)
        return events

    def _cancel(self, number: int, row: tuple[Any, ...]) -> list[Event]:
        order_id = OrderId(row[5])
        order = self.engine.find(order_id)
        if order is None or order.owner != str(row[8]):
            return self._rejected(number, order_id, RejectReason.UNKNOWN_ORDER)
        refusal = self.engine.check_cancel(order)
        if refusal is not None:
            return self._rejected(number, order_id, refusal)
        return self.engine.cancel(order, CancelReason.OWNER)

    def _amend(self, number: int, row: tuple[Any, ...]) -> list[Event]:
        order_id, price, quantity = OrderId(row[5]), row[6], row[7]
        order = self.engine.find(order_id)
        if order is None or order.owner != str(row[8]):
            return self._rejected(number, order_id, RejectReason.UNKNOWN_ORDER)
        by_total = self.engine.rules.amend_mode.value is AmendMode.REPLACE_TOTAL
        command = AmendOrder(
            participant_id=order.participant_id,
            session_id=SessionId(""),
            generation=0,
            req_id="",
            client_order_id=ClientOrderId(""),
            order_id=order_id,
            price_sen=Sen(price) if price else None,
            leaves_units=Units(quantity) if quantity and not by_total else None,
            total_units=Units(quantity) if quantity and by_total else None,
        )
        engine = self.engine
        refusal = engine.check_amend(order, command) or engine.check_amend_self_match(
            order, command
        )
        if refusal is not None:
            self._reject(number, order_id, refusal)
            return engine.end_by_refusal(order, refusal)
        return self.engine.amend(order, command, order_id)

    # --- the venue's acts

    def _act(self, op: int, number: int, row: tuple[Any, ...]) -> None:
        """An act of the venue on one issue, or on all."""
        engine = self.engine
        if op == Op.OPEN_DAY:
            self._day = row[7] or self._day + 1
            self.write(engine.open_day(_EPOCH + timedelta(days=self._day)))
            for one in range(len(self._issues)):
                self.kernel.set_last(one, 0)
            self.refresh()
            return
        if op == Op.CLOSE_DAY:
            for one in range(len(self._issues)):
                self._before(one)
            for events in engine.close_issues():
                self.write(events)
            self.refresh()
            return
        if number != EVERY_ISSUE and not 0 <= number < len(self._issues):
            self._reject(number, 0, RejectReason.UNKNOWN_INSTRUMENT)
            return
        for one in range(len(self._issues)) if number == EVERY_ISSUE else (number,):
            self._before(one)
            self._after(one, self._act_on(op, one, row))

    def _act_on(self, op: int, number: int, row: tuple[Any, ...]) -> list[Event]:
        engine, issue = self.engine, self._issues[number]
        name = issue.instrument.instrument_id
        if op == Op.PHASE:
            if not 0 < row[7] < len(PHASES):
                return self._rejected(number, OrderId(0), RejectReason.OUT_OF_RANGE)
            return engine.change_phase(name, PHASES[row[7]], after_extension=row[1] == 1)
        if op == Op.AUCTION:
            return engine.run_auction(name, after_extension=row[1] == 1)
        if op == Op.HALT:
            return engine.halt(name, "")
        if op == Op.RESUME:
            return engine.resume(name)
        if op == Op.REFERENCE:
            return engine.set_reference_price(name, Sen(row[6]))
        clearing = issue.clearing()
        self.kernel.tell(
            What.INDICATIVE, number, price=clearing.price_sen or 0,
            units=clearing.executed_units, leaves=clearing.surplus_units,
        )  # fmt: skip
        return []

    def _renew_until(self, at_ns: TimeNs) -> None:
        """Renew the quotes whose time has come, in the order of their times."""
        while self._writer.renewals and self._writer.renewals[0][0] <= at_ns:
            due, number, quote = heappop(self._writer.renewals)
            shown = self._issues[number].quotes
            if shown is None or shown.shown is None or shown.shown.number != quote:
                continue
            now, self.engine.at_ns = self.engine.at_ns, due
            self._before(number)
            name = self._issues[number].instrument.instrument_id
            self._after(number, self.engine.renew_quote(name, quote))
            self.engine.at_ns = now

    # --- what is plain

    def _allow(self, number: int) -> None:
        """Tell the kernel what it may do by itself on one issue, if that is not what it knows."""
        issue, book = self._issues[number], self._books[number]
        in_kernel = issue.book is book
        if not in_kernel:
            issue.rows = None
        shown = issue.quotes is not None and issue.quotes.shown is not None
        by_rules = shown or issue.seeks_first or not in_kernel
        gathers = (
            not by_rules
            and issue.permission.publishes_indicative
            and issue.interest is None
            and book.keeps_crossing(issue.terms())
        )
        barred = issue.bars_market_orders
        state = (issue.phase, issue.suspended, barred, by_rules, gathers)
        plain = self._plain.get(state)
        if plain is None:
            plain = self._plain[state] = self._work_out(issue, by_rules=by_rules, gathers=gathers)
        self._gathers[number] = bool(plain.flags & kernel.GATHERS)
        if self._gathers[number]:
            price, units, surplus = issue.published
            self.kernel.watch(
                number,
                tells=self._writer.indicative,
                price=price or 0,
                units=units,
                surplus=surplus,
            )
        allowed = (plain, issue.lower_limit_sen, issue.upper_limit_sen)
        if allowed != self._allowed[number]:
            self._allowed[number] = allowed
            self.kernel.allow(
                number, issue.lower_limit_sen, issue.upper_limit_sen, issue.lot_units,
                issue.most_units, *plain,
            )  # fmt: skip

    def _work_out(self, issue: Issue, *, by_rules: bool, gathers: bool) -> _Plain:
        """What is plain in a state; the same for every issue in it."""
        rules, permission = self.engine.rules, issue.permission
        flags = 0
        by_rules = by_rules or (permission.publishes_indicative and not gathers)
        by_rules = by_rules or rules.self_match.value is SelfMatch.PREVENT_FIRM
        by_rules = by_rules or rules.amend_mode.value is AmendMode.REPLACE_TOTAL  # first quantity
        if by_rules:
            flags |= kernel.RULES_ONLY
        else:
            if permission.new_refusal is None and not issue.suspended:
                flags |= kernel.NEW_OK
            if permission.amend_refusal is None and not issue.suspended and _amends(rules):
                flags |= kernel.AMEND_OK
            if gathers:
                flags |= kernel.GATHERS
        if permission.trades_at_once:
            flags |= kernel.AT_ONCE
        if rules.amend_mode.value is AmendMode.KEEP_ON_DECREASE:
            flags |= kernel.KEEPS_ON_DECREASE
        if issue.quotes is not None or issue.broadening is not None:
            flags |= kernel.TRADES_ARE_RULES
        if issue.has_conditions:
            flags |= kernel.OTHERS_WAIT
        combos = 0
        for kind in rules.order_kinds.value:
            if kind is OrderKind.MARKET and (issue.bars_market_orders or issue.quotes is not None):
                continue  # where there are quotes, one that finds nobody shows a price and stays
            for validity in permission.validities:
                if validity not in _CONDITIONS and (
                    permission.trades_at_once or validity is not Validity.FOK
                ):
                    combos |= 1 << (KINDS.index(kind) << 3 | VALIDITIES.index(validity))
        refusal = permission.cancel_refusal
        return _Plain(
            combos,
            flags,
            0 if refusal is None else REJECT_CODE[refusal],
            SELF_TRADE_MODES.index(rules.self_trade_mode.value),
        )

    # --- rows

    def write(self, events: list[Event]) -> None:
        """Write events of the rules as rows, and empty the list."""
        self._writer.write(events, self._asked)

    def _rejected(self, number: int, order_id: OrderId, reason: RejectReason) -> list[Event]:
        self._reject(number, order_id, reason)
        return []

    def _reject(self, number: int, order_id: int, reason: RejectReason) -> None:
        self.kernel.tell(What.REJECTED, number, order_id, reason=REJECT_CODE[reason])

    # --- reading

    def instrument_number(self, instrument_id: InstrumentId) -> int:
        """The number that stands for an issue in rows."""
        return self._numbers[instrument_id]

    def book(self, number: int) -> Book:
        """The book of an issue, for reading."""
        return self._issues[number].book

    def check_invariants(self) -> None:
        """Check every issue. O(orders + prices)."""
        for number, issue in enumerate(self._issues):
            self._before(number)
            issue.check_invariants()


_ACTS: Final = frozenset(
    (Op.PHASE, Op.AUCTION, Op.HALT, Op.RESUME, Op.REFERENCE, Op.OPEN_DAY, Op.CLOSE_DAY, Op.INDICATE)
)


def _amends(rules: Rules) -> bool:
    """Whether the kernel knows what an amendment does here."""
    return rules.amend_mode.value in _PLAIN_AMENDS
