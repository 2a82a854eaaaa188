"""The batch door beside an engine: scripts of tests/book_scripts.py as rows, everything compared.

A script's commands become rows for :class:`matching.batch.Batch`, the same commands go to an engine
on the sorted book, and the engine's events become rows again (tests/rows_told.py, and here what a
venue's acts tell). Every field of every row is compared; a rejection's issue is not, since the
event names none. Then the rows run once more, in one call, in pieces, and one command a call.

What rows cannot say is put right before the judge plays: no accounts, no confirmed sizes, quotes
renewed when their time has come (the batch does it by itself). A row's ids are the caller's and say
nothing of time, so they are given out of order here.

Cost: about 25 microseconds a command, all four ways together.
"""

import random
from collections.abc import Iterable, Iterator
from datetime import date
from heapq import heappop, heappush
from typing import Any, Final

import numpy as np
from book_scripts import BANDS, FIRMS, RULEBOOKS, Script, ScriptWriter
from msgspec.structs import replace
from rows_told import Teller
from side_by_side import LOOK_EACH, Difference, shrunk

from market.commands import (
    AmendOrder,
    CancelOrder,
    ChangePhase,
    CloseDay,
    Entry,
    Halt,
    ListInstrument,
    NewOrder,
    OpenDay,
    RenewQuote,
    Resume,
    RunAuction,
    SetReferencePrice,
)
from market.events import (
    CommandRefused,
    Event,
    IndicativePriceChanged,
    OrderAccepted,
    OrderAmended,
    PhaseChanged,
    QuoteEnded,
    QuoteShown,
    ReferencePriceSet,
    RequestRejected,
    TradingHalted,
    TradingResumed,
)
from market.ids import InstrumentId, OrderId
from market.quantities import TimeNs
from market.words import Side
from matching.batch import Batch
from matching.engine import Engine
from matching.rows import (
    COMMAND,
    EVERY_ISSUE,
    KINDS,
    PHASES,
    QUOTE_KINDS,
    REJECT_REASONS,
    SELF_TRADE_MODES,
    SIDES,
    VALIDITIES,
    Op,
    What,
)

FIELDS: Final = ("what", "reason", "flags", "side", "order_id", "contra_id", "price_sen", "units",
                 "leaves_units", "contra_leaves_units", "instrument")  # fmt: skip
NOWHERE: Final = -2
"""Stands for the issue of a rejection, which is not compared."""

ORDERS: Final = (Op.NEW, Op.CANCEL, Op.AMEND)
_EPOCH: Final = date(1970, 1, 1)

Row = tuple[Any, ...]


def row_id_of(sequence: int) -> int:
    """The id a row gives the order of an entry: each its own, in no order of time."""
    return sequence * 40_503 % 65_536


def sayable(entry: Entry) -> Entry | None:
    """The entry as rows can say it, or None when the door has no such row."""
    command = entry.command
    if isinstance(command, RenewQuote):
        return None
    if isinstance(command, NewOrder):
        command = replace(command, account="", size_confirmed=False)
        return replace(entry, command=command)
    return entry


class Judge:
    """An engine on the sorted book that answers in rows.

    Attributes:
        row_id: An engine's order id as the row's: the number of the entry that made it new.
    """

    def __init__(self, rulebook: str, *, indicative: bool) -> None:
        self.engine = Engine(RULEBOOKS[rulebook])
        self.indicative = indicative
        self.teller = Teller()
        self.row_id = self.teller.row_id
        self.numbers: dict[InstrumentId, int] = {}
        self._now_named: dict[int, OrderId] = {}
        self._renewals: list[tuple[TimeNs, int, int, InstrumentId]] = []

    def play(self, entry: Entry, asked: int) -> list[Row]:
        """The rows of the quotes that are due, then of the entry."""
        told: list[Row] = []
        while self._renewals and self._renewals[0][0] <= entry.at_ns:
            due, _, quote, name = heappop(self._renewals)
            if (name, quote, due) in self.engine.quotes_shown():
                self.engine.at_ns = due
                told += self._rows(self.engine.renew_quote(name, quote), 0)
        if isinstance(entry.command, ListInstrument):
            self.numbers[entry.command.instrument.instrument_id] = len(self.numbers)
        return told + self._rows(self.engine.apply(entry), asked)

    def asked_id(self, order_id: OrderId, unused: int) -> int:
        """What a row calls this order; an id out of use by amendment is one that never was."""
        row_id = self.row_id.get(order_id, unused)
        return row_id if self._now_named.get(row_id) == order_id else unused

    def _rows(self, events: Iterable[Event], asked: int) -> list[Row]:
        told: list[Row] = []
        incoming: Side | None = None
        for event in events:
            if isinstance(event, OrderAccepted | OrderAmended):
                incoming = event.side
            rows = self._act_rows(event) or self.teller.tell([event], asked, incoming)
            if isinstance(event, OrderAccepted | OrderAmended):
                self._now_named[self.row_id[event.order_id]] = event.order_id
            name = getattr(event, "instrument_id", None)
            number = EVERY_ISSUE if name is None else self.numbers[name]
            if isinstance(event, RequestRejected):
                number = NOWHERE
            told += [(*(int(value) for value in row), number) for row in rows]
        return told

    def _act_rows(self, event: Event) -> list[Row]:
        """What a venue's act tells, which the teller of orders leaves out."""
        match event:
            case PhaseChanged():
                return [(What.PHASE, 0, 0, 0, 0, 0, 0, PHASES.index(event.phase), 0, 0)]
            case TradingHalted():
                return [(What.HALTED, *(0,) * 9)]
            case TradingResumed():
                return [(What.RESUMED, *(0,) * 9)]
            case ReferencePriceSet():
                return [(What.REFERENCE, 0, 0, 0, 0, 0, event.reference_price_sen, 0,
                         event.lower_limit_sen, event.upper_limit_sen)]  # fmt: skip
            case QuoteShown():
                if event.renew_at_ns:
                    number = self.numbers[event.instrument_id]
                    due = (event.renew_at_ns, number, event.quote_number, event.instrument_id)
                    heappush(self._renewals, due)
                return [(What.QUOTE, 0, QUOTE_KINDS.index(event.kind), SIDES.index(event.side),
                         event.quote_number, 0, event.price_sen, 0, 0, 0)]  # fmt: skip
            case QuoteEnded():
                return [(What.QUOTE_ENDED, 0, 0, 0, event.quote_number, *(0,) * 5)]
            case CommandRefused():
                return [(What.REFUSED, REJECT_REASONS.index(event.reason), *(0,) * 8)]
            case IndicativePriceChanged() if self.indicative:
                return [(What.INDICATIVE, 0, 0, 0, 0, 0, event.price_sen or 0,
                         event.executed_units, event.surplus_units, 0)]  # fmt: skip
            case _:
                return []

    def queues(self) -> list[list[Row]]:
        """Every queue by priority: id, price, leaves."""
        return [
            [(self.row_id[one.order_id], one.price_sen, one.leaves_units)
             for one in self.engine.book(name).queue(side)]
            for name in self.numbers for side in Side
        ]  # fmt: skip


def queues_of(batch: Batch, issues: int) -> list[list[Row]]:
    """The same of a batch."""
    return [
        [(one.order_id, one.price_sen, one.leaves_units) for one in batch.book(number).queue(side)]
        for number in range(issues) for side in Side
    ]  # fmt: skip


def row_of(entry: Entry, judge: Judge) -> Row:
    """An entry as a command row."""
    op = side = kind = validity = number = order_id = price = units = owner = mode = 0
    name = getattr(entry.command, "instrument_id", None)
    number = 0 if name is None else judge.numbers[name]
    match entry.command:
        case NewOrder() as new:
            op, order_id = Op.NEW, row_id_of(entry.sequence)
            price, units = new.price_sen, new.quantity_units
            side, kind = SIDES.index(new.side), KINDS.index(new.kind)
            validity = VALIDITIES.index(new.validity)
            mode = SELF_TRADE_MODES.index(new.self_trade_mode)
            owner = FIRMS.index(new.participant_id) + 1
        case CancelOrder() as cancel:
            op, order_id = Op.CANCEL, judge.asked_id(cancel.order_id, row_id_of(entry.sequence))
            owner = FIRMS.index(cancel.participant_id) + 1
        case AmendOrder() as amend:
            op, order_id = Op.AMEND, judge.asked_id(amend.order_id, row_id_of(entry.sequence))
            price, units = amend.price_sen or 0, amend.leaves_units or amend.total_units or 0
            owner = FIRMS.index(amend.participant_id) + 1
        case ChangePhase() as change:
            op, units = Op.PHASE, PHASES.index(change.phase)
        case SetReferencePrice() as reference:
            op, price = Op.REFERENCE, reference.reference_price_sen
        case OpenDay() as day:
            op, number = Op.OPEN_DAY, EVERY_ISSUE
            units = (day.business_date - _EPOCH).days
        case CloseDay():
            op, number = Op.CLOSE_DAY, EVERY_ISSUE
        case RunAuction() | Halt() | Resume() as act:
            op = {RunAuction: Op.AUCTION, Halt: Op.HALT, Resume: Op.RESUME}[type(act)]
        case other:
            raise TypeError(other)
    return (int(op), side, kind, validity, number, int(order_id), int(price), int(units), owner,
            mode, (0, 0, 0))  # fmt: skip


class Beside:
    """One script, played by the judge and by a batch that hears one row a call.

    Attributes:
        rows: Command rows so far.
        times: Their market times.
        told: The batch's rows of each.
    """

    def __init__(self, rulebook: str, *, indicative: bool) -> None:
        self.rulebook, self.indicative = rulebook, indicative
        self.by_time = RULEBOOKS[rulebook].special_quotes.value
        self.judge = Judge(rulebook, indicative=indicative)
        self.issues: list[Any] = []
        self.batch: Batch | None = None
        self.rows: list[Row] = []
        self.times: list[int] = []
        self.told: list[Any] = []

    def new_batch(self) -> Batch:
        """A batch of the script's issues."""
        return Batch(RULEBOOKS[self.rulebook], self.issues, indicative=self.indicative)

    def play(self, entry: Entry) -> tuple[object, object] | None:
        """One entry on both; what was expected and told when they part."""
        if isinstance(entry.command, ListInstrument):
            if self.batch is None:
                self.issues.append(entry.command.instrument)
                self.judge.play(entry, 0)
            return None
        self.batch = self.batch or self.new_batch()
        row = row_of(entry, self.judge)
        self.rows.append(row)
        self.times.append(entry.at_ns)
        times = np.array([entry.at_ns], np.int64)
        want = self.judge.play(entry, row[5])
        found = self.batch.run(np.array([row], COMMAND), times)
        self.told.append(found)
        if any(found["command"] != len(self.rows) - 1):
            return len(self.rows) - 1, found["command"].tolist()
        got = [
            tuple(NOWHERE if name == "instrument" and one["what"] == What.REJECTED
                  else int(one[name]) for name in FIELDS)
            for one in found
        ]  # fmt: skip
        return None if got == want else (want, got)

    def look(self) -> tuple[object, object] | None:
        """The state of both; the batch's invariants must hold."""
        if self.batch is None:
            return None
        self.batch.check_invariants()
        want, got = self.judge.queues(), queues_of(self.batch, len(self.issues))
        return None if got == want else (want, got)

    def again(self) -> tuple[str, object, object] | None:
        """All rows once more, in one call, in pieces and one a call; which way tells otherwise."""
        if self.batch is None:
            return None
        commands, times = np.array(self.rows, COMMAND), np.array(self.times, np.int64)
        want = np.concatenate(self.told)
        state = queues_of(self.batch, len(self.issues))
        draw, count = random.Random(len(commands)), len(commands)
        for way in ("one call", "pieces"):
            batch, parts, first = self.new_batch(), [], 0
            while first < count:
                last = count if way == "one call" else first + draw.choice((1, 2, 9, 70, 400))
                parts.append(batch.run(commands[first:last], times[first:last]))
                first = last
            got = np.concatenate(parts)
            batch.check_invariants()
            if got.tobytes() != want.tobytes():
                return way, _first_other(want, got), None
            if queues_of(batch, len(self.issues)) != state:
                return way, state, queues_of(batch, len(self.issues))
        # without a time nothing is renewed, so one a call is for rulebooks without quotes
        return self._one_a_call(state) if not self.by_time else None

    def _one_a_call(self, state: list[list[Row]]) -> tuple[str, object, object] | None:
        batch = self.new_batch()
        for row, told in zip(self.rows, self.told, strict=True):
            if row[0] in ORDERS:
                got = batch.kernel.submit(*row[:10])
            else:
                batch.drop_rows()
                batch.act(Op(row[0]), row[4], row[7], row[6])
                got = batch.kernel.tuples(0)
                batch.drop_rows()
            want = [as_tuple(one) for one in told]
            if got != want:
                return "one a call", want, got
        batch.check_invariants()
        found = queues_of(batch, len(self.issues))
        return None if found == state else ("one a call", state, found)


def as_tuple(row: Any) -> tuple[int, ...]:
    """An event row as ``Kernel.tuples`` has it."""
    fields = ("what", "order_id", "reason", "price_sen", "units", "leaves_units")
    if row["what"] == What.TRADE:
        fields = ("what", "order_id", "contra_id", "price_sen", "units", "leaves_units",
                  "contra_leaves_units")  # type: ignore[assignment]  # fmt: skip
    elif row["what"] == What.ACCEPTED:
        fields = ("what", "order_id", "units", "price_sen")  # type: ignore[assignment]
    elif row["what"] in (What.CANCELED, What.EXPIRED):
        fields = ("what", "order_id", "units", "reason")  # type: ignore[assignment]
    return tuple(int(row[name]) for name in fields)


def _first_other(want: Any, got: Any) -> object:
    for one, other in zip(want, got, strict=False):
        if one != other:
            return one, other
    return len(want), len(got)


def race_door(
    seed: int, *, indicative: bool, length: int = 1_500, bands: tuple[int, ...] = BANDS
) -> tuple[Script, Difference | None, list[Any]]:
    """Write a seed's script and play it at once: the script, a difference or None, event rows."""
    writer = ScriptWriter(seed, bands)
    beside = Beside(writer.rulebook, indicative=indicative)
    played: list[Entry] = []
    found = _compared(writer.entries(beside.judge.engine, length), beside, played)
    return Script(writer.rulebook, tuple(played)), found, beside.told


def parted_door(script: Script, *, indicative: bool) -> Difference | None:
    """Play a script; where the door parts from the judge, or None."""
    return _compared(script.entries, Beside(script.rulebook, indicative=indicative), [])


def shortest_door(script: Script, *, indicative: bool) -> Script:
    """A short script at which the door still parts."""

    def differs(fewer: Script) -> bool:
        try:
            return parted_door(fewer, indicative=indicative) is not None
        except Exception:  # noqa: BLE001  a cut that stops the judge shows nothing of the door
            return False

    found = parted_door(script, indicative=indicative)
    if found is None:
        raise ValueError("a script that does not part the door cannot be shrunk")
    listed = tuple(one for one in script.entries if isinstance(one.command, ListInstrument))
    rest = tuple(one for one in script.entries[: found.place + 1] if one not in listed)
    short = shrunk(Script(script.rulebook, rest), lambda fewer: differs(
        Script(fewer.rulebook, listed + fewer.entries)))  # fmt: skip
    return Script(script.rulebook, listed + short.entries)


def _compared(entries: Iterable[Entry], beside: Beside, played: list[Entry]) -> Difference | None:
    for entry in _sayable(entries):
        played.append(entry)
        try:
            parting = beside.play(entry)
        except Exception as error:  # noqa: BLE001  whatever it is, it is a difference
            return Difference("batch", len(played) - 1, "exception", None, repr(error))
        what = "events"
        if parting is None and not len(played) % LOOK_EACH:
            parting, what = beside.look(), "state"
        if parting is not None:
            return Difference("batch", len(played) - 1, what, *parting)
    parting = beside.look()
    if parting is not None:
        return Difference("batch", len(played) - 1, "state", *parting)
    otherwise = beside.again()
    return None if otherwise is None else Difference("batch", len(played) - 1, *otherwise)


def _sayable(entries: Iterable[Entry]) -> Iterator[Entry]:
    for entry in entries:
        said = sayable(entry)
        if said is not None:
            yield said
