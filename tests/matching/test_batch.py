"""The batch door, row for row against the engine on the sorted book: whole days under every rulebook.

What the kernel runs by itself and what it hands back must together be the engine's events, in the
engine's order. Order ids stay with an order in a batch, so a Teller (tests/rows_told.py) keeps the
engine's apart.
"""

import random
from datetime import date
from heapq import heappop, heappush
from typing import Any

import numpy as np
import pytest
from rows_told import Teller, Told

from market.commands import AmendOrder, CancelOrder, Entry, NewOrder
from market.errors import BadInput
from market.events import Event, OrderAccepted, OrderAmended, QuoteShown
from market.ids import ClientOrderId, InstrumentId, OrderId, ParticipantId, SessionId
from market.instrument import TEN_YEN, TSE_LIMITS, Instrument
from market.quantities import Sen, SequenceNo, TimeNs, Units
from market.rulebooks import ODX_EQUITIES, OSE, START, TSE
from market.rules import AmendMode, Rules
from market.words import AUCTION_PHASES, OrderKind, Phase, SelfTradeMode, Side
from matching.batch import Batch
from matching.engine import Engine
from matching.rows import (
    COMMAND,
    EVENT,
    EVERY_ISSUE,
    KINDS,
    PHASES,
    REJECT_REASONS,
    SELF_TRADE_MODES,
    SIDES,
    VALIDITIES,
    Op,
    What,
)

ISSUES = [
    Instrument(
        instrument_id=InstrumentId(name),
        isin="JP0000000001",
        name=name,
        issued_units=Units(10_000),
        issue_price_sen=Sen(price),
        ticks=TEN_YEN,
        limits=TSE_LIMITS,
    )
    for name, price in (("AA", 1_000_000), ("BB", 10_000_000))
]
TOLD = frozenset(
    (What.ACCEPTED, What.REJECTED, What.TRADE, What.CANCELED, What.AMENDED, What.REDUCED,
     What.EXPIRED, What.AUCTION)
)  # fmt: skip
FIELDS = ("what", "reason", "flags", "side", "order_id", "contra_id", "price_sen", "units",
          "leaves_units", "contra_leaves_units")  # fmt: skip
RULEBOOKS = {
    "start": START,
    "start-keep": START.replace(amend_mode=AmendMode.KEEP_ON_DECREASE),
    "tse": TSE,
    "ose": OSE,
    "odx-equities": ODX_EQUITIES,
}
WHO = {"session_id": SessionId(""), "generation": 0, "req_id": ""}


def row(op: Op, **fields: int) -> tuple[Any, ...]:
    """One command row."""
    names = ("side", "kind", "validity", "instrument", "order_id", "price_sen", "quantity_units",
             "owner", "self_trade")  # fmt: skip
    return (int(op), *(fields.get(name, 0) for name in names), (0, 0, 0))


def rows_array(rows: list[tuple[Any, ...]]) -> Any:
    """Command rows as the door takes them."""
    return np.array(rows, COMMAND)


class Pair:
    """A batch and an engine that hear the same commands.

    Attributes:
        told: Rows of the batch so far, of the kinds that the engine's events become.
    """

    def __init__(self, rules: Rules) -> None:
        self.batch = Batch(rules, ISSUES)
        self.engine = Engine(rules)
        self.teller = Teller()
        self.engine_id: dict[int, OrderId] = {}
        self.now = self.numbers = 0
        self.renewals: list[tuple[int, InstrumentId, int]] = []
        for issue in ISSUES:
            self.engine.list_instrument(issue)
        self.both(row(Op.OPEN_DAY, instrument=EVERY_ISSUE), None)

    def both(self, asked: tuple[Any, ...], command: Any) -> list[Told]:
        """One command on both sides; fails when their rows differ."""
        times = np.array([self.now], np.int64)
        found = self.batch.run(rows_array([asked]), times)
        got = [tuple(int(one[name]) for name in FIELDS) for one in found if one["what"] in TOLD]
        want = self.engine_says(asked, command)
        assert got == [tuple(int(value) for value in one) for one in want], (asked, got, want)
        return want

    def engine_says(self, asked: tuple[Any, ...], command: Any) -> list[Told]:
        """The engine's rows, renewals that are due first."""
        said: list[Told] = []
        while self.renewals and self.renewals[0][0] <= self.now:
            due, name, number = heappop(self.renewals)
            if (name, number, due) in self.engine.quotes_shown():
                self.engine.at_ns = TimeNs(due)
                said += self.rows_of(self.engine.renew_quote(name, number), 0)
        self.engine.at_ns = TimeNs(self.now)
        return said + self.rows_of(self.act(asked, command), asked[5])

    def rows_of(self, events: list[Event], asked: int) -> list[Told]:
        """The engine's events as rows, and what they mean for the ids and the renewals."""
        incoming: Side | None = None
        for event in events:
            if isinstance(event, OrderAccepted | OrderAmended):
                incoming = event.side
                self.engine_id[asked] = event.order_id
            elif isinstance(event, QuoteShown) and event.renew_at_ns:
                heappush(
                    self.renewals, (event.renew_at_ns, event.instrument_id, event.quote_number)
                )
        return self.teller.tell(events, asked, incoming)

    def act(self, asked: tuple[Any, ...], command: Any) -> list[Event]:
        """What the row asks, asked of the engine."""
        op, number, value, price = asked[0], asked[4], asked[7], asked[6]
        engine = self.engine
        if op == Op.OPEN_DAY:
            return engine.open_day(date(1970, 1, 2))
        if op == Op.CLOSE_DAY:
            return engine.close_day()
        if command is not None:
            self.numbers += 1
            entry = Entry(
                sequence=SequenceNo(self.numbers), at_ns=TimeNs(self.now), command=command
            )
            return engine.apply(entry)
        events: list[Event] = []
        for issue in ISSUES if number == EVERY_ISSUE else [ISSUES[number]]:
            name = issue.instrument_id
            if op == Op.PHASE:
                events += engine.change_phase(name, PHASES[value] or Phase.CLOSED)
            elif op == Op.AUCTION:
                events += engine.run_auction(name)
            elif op == Op.HALT:
                events += engine.halt(name, "")
            elif op == Op.RESUME:
                events += engine.resume(name)
            elif op == Op.REFERENCE:
                events += engine.set_reference_price(name, Sen(price))
        return events

    def check(self) -> None:
        """Invariants, and every queue in its order."""
        self.batch.check_invariants()
        for number, issue in enumerate(ISSUES):
            for side in Side:
                row_id = self.teller.row_id
                judge = self.engine.book(issue.instrument_id).queue(side)
                want = [(row_id[one.order_id], one.price_sen, one.leaves_units) for one in judge]
                book = self.batch.book(number)
                got = [(one.order_id, one.price_sen, one.leaves_units) for one in book.queue(side)]
                assert got == want


class Day:
    """Random requests, a step of the schedule now and then."""

    def __init__(self, pair: Pair, seed: int) -> None:
        self.pair = pair
        self.random = random.Random(seed)
        self.last = 0

    def play(self, rules: Rules, requests: int) -> None:
        """One day by the schedule."""
        for step in rules.schedule.value:
            phase = PHASES.index(step.phase)
            self.pair.now = max(self.pair.now, step.second_of_day * 10**9)
            self.pair.both(row(Op.PHASE, instrument=EVERY_ISSUE, quantity_units=phase), None)
            if step.phase in AUCTION_PHASES:
                self.pair.both(row(Op.AUCTION, instrument=EVERY_ISSUE), None)
            for _ in range(requests):
                self.pair.now += self.random.randrange(2_000_000_000)
                self.request()
            self.pair.check()
        self.pair.both(row(Op.CLOSE_DAY, instrument=EVERY_ISSUE), None)
        self.pair.check()

    def request(self) -> None:
        """One request or act."""
        draw = self.random.random()
        if draw < 0.62 or not self.last:
            self.new()
        elif draw < 0.80:
            self.cancel()
        elif draw < 0.97:
            self.amend()
        else:
            op = self.random.choice((Op.HALT, Op.RESUME, Op.RESUME, Op.REFERENCE))
            number = self.random.randrange(2)
            base = ISSUES[number].issue_price_sen + self.random.randint(-20, 20) * 1_000
            self.pair.both(row(op, instrument=number, price_sen=base), None)

    def price(self, number: int) -> int:
        """A price near the base, now and then off the grid or far away."""
        base, draw = ISSUES[number].issue_price_sen, self.random.random()
        if draw < 0.02:
            return base + self.random.randint(-900, 900)
        width = 40 if draw < 0.95 else 800
        return max(1_000, base + self.random.randint(-width, width) * 1_000)

    def new(self) -> None:
        """A new order of any kind."""
        self.last += 1
        pick, number = self.random, self.random.randrange(2)
        kind = 1 if pick.random() < 0.85 else 2
        validity = 1 if pick.random() < 0.7 else pick.randrange(1, len(VALIDITIES))
        price = self.price(number) if kind == 1 else 0
        units, owner = pick.randint(1, 30), pick.randint(1, 4)
        mode = 0 if pick.random() < 0.8 else pick.randrange(len(SELF_TRADE_MODES))
        side = pick.randint(1, 2)
        asked = row(Op.NEW, side=side, kind=kind, validity=validity, instrument=number,
                    order_id=self.last, price_sen=price, quantity_units=units, owner=owner,
                    self_trade=mode)  # fmt: skip
        self.pair.both(
            asked,
            NewOrder(
                **WHO,
                participant_id=ParticipantId(str(owner)),
                client_order_id=ClientOrderId(""),
                instrument_id=ISSUES[number].instrument_id,
                side=SIDES[side] or Side.BUY,
                kind=KINDS[kind] or OrderKind.LIMIT,
                price_sen=Sen(price),
                quantity_units=Units(units),
                validity=VALIDITIES[validity],
                self_trade_mode=SELF_TRADE_MODES[mode],
            ),
        )

    def known(self) -> tuple[int, int, OrderId]:
        """An id, most often one that rests, with its owner and the engine's name for it."""
        asked = self.random.randint(max(1, self.last - 60), self.last)
        engine_id = self.pair.engine_id.get(asked, OrderId(0))
        order = self.pair.engine.find(engine_id)
        owner = int(order.participant_id) if order is not None else 1
        return asked, owner if self.random.random() < 0.95 else 9, engine_id

    def cancel(self) -> None:
        """A cancel, now and then of somebody else's order."""
        asked, owner, engine_id = self.known()
        self.pair.both(
            row(Op.CANCEL, order_id=asked, owner=owner),
            CancelOrder(**WHO, participant_id=ParticipantId(str(owner)), order_id=engine_id),
        )

    def amend(self) -> None:
        """An amendment of price, quantity, both or nothing."""
        asked, owner, engine_id = self.known()
        order = self.pair.engine.find(engine_id)
        number = 0 if order is None else [one.instrument_id for one in ISSUES].index(
            order.instrument_id)  # fmt: skip
        price = self.price(number) if self.random.random() < 0.6 else 0
        units = self.random.randint(1, 30) if self.random.random() < 0.7 else 0
        by_total = self.pair.engine.rules.amend_mode.value is AmendMode.REPLACE_TOTAL
        self.pair.both(
            row(Op.AMEND, order_id=asked, price_sen=price, quantity_units=units, owner=owner),
            AmendOrder(
                **WHO,
                participant_id=ParticipantId(str(owner)),
                client_order_id=ClientOrderId(""),
                order_id=engine_id,
                price_sen=Sen(price) if price else None,
                leaves_units=Units(units) if units and not by_total else None,
                total_units=Units(units) if units and by_total else None,
            ),
        )


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("name", RULEBOOKS)
def test_a_batch_says_what_the_engine_says(name: str, seed: int) -> None:
    """Every row of a random day is the engine's, and the queues are the engine's after each step."""
    rules = RULEBOOKS[name]
    Day(Pair(rules), seed).play(rules, 220)


@pytest.mark.parametrize("size", [1, 7, 1_000])
def test_calls_may_be_of_any_size(size: int) -> None:
    """One call or many: the same rows; numbers of commands go on."""
    pick = random.Random(5)
    rows = [
        row(Op.OPEN_DAY, instrument=EVERY_ISSUE),
        row(Op.PHASE, instrument=EVERY_ISSUE, quantity_units=PHASES.index(Phase.CONTINUOUS)),
    ]
    for number in range(1, 1_500):
        price = 1_000_000 + pick.randint(-20, 20) * 1_000
        rows.append(
            row(Op.NEW, side=pick.randint(1, 2), kind=1, validity=1, order_id=number,
                price_sen=price, quantity_units=pick.randint(1, 9), owner=pick.randint(1, 3))
        )  # fmt: skip
    commands = rows_array(rows)
    whole = Batch(OSE, ISSUES).run(commands)

    batch = Batch(OSE, ISSUES)
    parts = [batch.run(commands[first : first + size]) for first in range(0, len(rows), size)]

    assert np.concatenate(parts).tobytes() == whole.tobytes()
    assert (whole["what"] == What.TRADE).sum() > 500


def test_one_command_a_call_tells_the_same_as_tuples() -> None:
    """The door for one command gives the batch's events, refusals by the rules included."""
    batch = Batch(OSE, ISSUES)
    batch.act(Op.OPEN_DAY)
    batch.act(Op.PHASE, value=PHASES.index(Phase.CONTINUOUS))
    batch.drop_rows()
    kernel = batch.kernel

    accepted = kernel.submit(Op.NEW, 2, 1, 1, 0, 1, 1_000_000, 5, 1)
    traded = kernel.submit(Op.NEW, 1, 1, 1, 0, 2, 1_000_000, 3, 2)
    refused = kernel.submit(Op.NEW, 1, 1, 1, 0, 3, 1_000_001, 3, 2)
    canceled = kernel.submit(Op.CANCEL, 0, 0, 0, 0, 1, 0, 0, 1)

    bad_tick = [reason.name if reason else "" for reason in REJECT_REASONS].index("BAD_TICK")
    assert accepted == [(What.ACCEPTED, 1, 5, 1_000_000)]
    assert traded == [
        (What.ACCEPTED, 2, 3, 1_000_000),
        (What.TRADE, 2, 1, 1_000_000, 3, 0, 2),
    ]
    assert refused == [(What.REJECTED, 3, bad_tick, 0, 0, 0)]
    assert canceled[0][:3] == (What.CANCELED, 1, 2)
    assert kernel.trades_of(Op.NEW, 2, 1, 1, 0, 4, 1_000_000, 5, 1) is None
    assert kernel.trades_of(Op.NEW, 1, 1, 3, 0, 5, 1_000_000, 9, 2) == [(5, 4, 1_000_000, 5)]


def test_ids_used_again_name_the_new_orders() -> None:
    """After forgetting, an id is the order that was entered under it since, on either side."""
    batch = Batch(START, ISSUES)

    def entered(side: int, owner: int, mode: int) -> tuple[Any, ...]:
        return row(Op.NEW, side=side, kind=1, validity=1, order_id=1, price_sen=1_000_000,
                   quantity_units=5, owner=owner, self_trade=mode)  # fmt: skip

    gather = [
        row(Op.OPEN_DAY, instrument=EVERY_ISSUE),
        row(Op.PHASE, instrument=EVERY_ISSUE, quantity_units=PHASES.index(Phase.PRE_OPEN)),
    ]
    own_mode = SELF_TRADE_MODES.index(SelfTradeMode.CANCEL_NEWEST)
    batch.run(rows_array([*gather, entered(1, 7, own_mode), row(Op.CLOSE_DAY)]))
    batch.forget()

    batch.run(rows_array([*gather, entered(2, 3, 0)]))

    assert list(batch.book(0).queue(Side.BUY)) == []
    standing = [(one.order_id, one.side, one.owner) for one in batch.book(0).queue(Side.SELL)]
    assert standing == [(1, Side.SELL, "3")]
    batch.check_invariants()


BAD = {
    "a row of zeros": (row(Op.NEW)[:0] + (0,) * 10 + ((0, 0, 0),), "UNKNOWN_TYPE"),
    "an issue there is not": (
        row(Op.NEW, side=1, kind=1, validity=1, instrument=7, order_id=1, price_sen=1_000_000,
            quantity_units=1, owner=1), "UNKNOWN_INSTRUMENT"),
    "no side": (
        row(Op.NEW, kind=1, validity=1, order_id=1, price_sen=1_000_000, quantity_units=1,
            owner=1), "SCHEMA"),
    "an id of zero": (
        row(Op.NEW, side=1, kind=1, validity=1, price_sen=1_000_000, quantity_units=1, owner=1),
        "OUT_OF_RANGE"),
    "an id used before": (
        row(Op.NEW, side=1, kind=1, validity=1, order_id=50, price_sen=1_000_000,
            quantity_units=1, owner=1), "DUPLICATE"),
    "an order nobody entered": (row(Op.CANCEL, order_id=77, owner=1), "UNKNOWN_ORDER"),
}  # fmt: skip


@pytest.mark.parametrize("case", BAD)
def test_a_bad_row_is_refused_and_nothing_moves(case: str) -> None:
    """One row, one reason, and the book as it was."""
    asked, reason = BAD[case]
    batch = Batch(OSE, ISSUES)
    batch.act(Op.OPEN_DAY)
    batch.act(Op.PHASE, value=PHASES.index(Phase.CONTINUOUS))
    batch.drop_rows()
    batch.run(rows_array([row(Op.NEW, side=2, kind=1, validity=1, order_id=50,
                              price_sen=1_000_000, quantity_units=4, owner=1)]))  # fmt: skip

    told = batch.run(rows_array([asked]))

    assert [int(what) for what in told["what"]] == [What.REJECTED]
    found = REJECT_REASONS[int(told["reason"][0])]
    assert found is not None
    assert found.name == reason
    assert batch.kernel.live == 1
    batch.check_invariants()


@pytest.mark.parametrize(
    "commands",
    [
        np.zeros(3, EVENT),
        rows_array([row(Op.CANCEL, order_id=1)] * 4)[::2],
        rows_array([row(Op.CANCEL, order_id=1)] * 4).reshape(2, 2),
        rows_array([row(Op.NEW, side=1, kind=1, validity=1, order_id=1 << 40)]),
    ],
    ids=["other rows", "gaps between", "two dimensions", "an id beyond all"],
)
def test_an_array_that_is_no_row_of_commands_is_refused(commands: Any) -> None:
    """Refused before anything runs."""
    with pytest.raises(BadInput):
        Batch(OSE, ISSUES).run(commands)
