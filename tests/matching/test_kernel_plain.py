"""The plain case of a command, as the kernel runs it: row for row what the rules say.

The kernel decides about plain new orders, cancels and amendments by itself and hands everything
else to the rules before anything moved. Here it has no rules: a command it hands over must be one
the engine refuses, and what it writes must be the engine's events. Self-trades are allowed, so that
no order of an owner needs the rules; the other modes go through tests/side_by_side.py.
"""

import random
from typing import Any

import pytest
from book_scripts import BANDS, FIRST_DAY, NAMES, issue_of
from rows_told import Teller, Told

from market.commands import NO_PRICE, AmendOrder, CancelOrder, Entry, NewOrder
from market.errors import InvariantBroken
from market.events import OrderAccepted, OrderAmended
from market.ids import ClientOrderId, OrderId, ParticipantId, SessionId
from market.instrument import Instrument
from market.quantities import Sen, SequenceNo, TimeNs, Units
from market.rulebooks import OSE
from market.rules import AmendMode, PriceRule
from market.words import OrderKind, Phase, Side, Validity
from matching import kernel as real
from matching.clearing import Terms
from matching.engine import Engine
from matching.order import Order
from matching.rows import KINDS, SIDES, VALIDITIES, Op, What

OWNERS = 4
ALLOW = 1
ROOM, OWN = 2, 3
NEW_OK, AT_ONCE, AMEND_OK, KEEPS, GATHERS = 2, 4, 8, 16, 256
RULES = OSE.replace(max_share_of_issue_percent=100)


class Plain:
    """A kernel without rules, and the engine whose word is taken."""

    def __init__(
        self, kernel: Any, issues: list[Instrument], phase: Phase, amend: AmendMode
    ) -> None:
        self.engine = Engine(RULES.replace(amend_mode=amend))
        self.kernel = kernel.Kernel(by_id=True, nodes=4, events=16)
        self.books = []
        self.teller = Teller()
        self.numbers, self.ids = 0, 1_000  # just below the room for numbers that is made first
        self.engine.open_day(FIRST_DAY)
        at_once = phase is Phase.CONTINUOUS
        flags = NEW_OK | AMEND_OK
        flags |= (AT_ONCE if at_once else 0) | (KEEPS if amend is AmendMode.KEEP_ON_DECREASE else 0)
        lives = (
            (Validity.DAY, Validity.IOC, Validity.FOK)
            if at_once
            else (Validity.DAY, Validity.NEXT_AUCTION)
        )
        combos = sum(1 << (kind << 3 | VALIDITIES.index(one)) for kind in (1, 2) for one in lives)
        for issue in issues:
            self.engine.list_instrument(issue)
            self.engine.change_phase(issue.instrument_id, phase)
            lower, upper = self.engine.daily_limits_sen(issue.instrument_id)
            book = kernel.KernelBook(self.kernel, {}, issue.instrument_id)
            book.fitted(issue.ticks, lower, upper)
            self.books.append(book)
            self.kernel.allow(
                book.issue, lower=lower, upper=upper, lot=issue.trading_unit_units,
                most=issue.issued_units, combos=combos, flags=flags, cancel_reason=0, mode=ALLOW,
            )  # fmt: skip

    def engine_says(self, command: NewOrder | AmendOrder | CancelOrder, asked: int) -> list[Told]:
        """The engine's events as rows."""
        self.numbers += 1
        entry = Entry(sequence=SequenceNo(self.numbers), at_ns=TimeNs(0), command=command)
        events = self.engine.apply(entry)
        incoming = next(
            (one.side for one in events if isinstance(one, OrderAccepted | OrderAmended)), None
        )
        return self.teller.tell(events, asked, incoming)

    def kernel_says(self, *row: int) -> list[Told] | None:
        """The kernel's rows, or None when it hands the command to the rules."""
        self.asked = False
        self.kernel.submit(*row)
        if self.asked:
            return None
        fields = ("what", "reason", "flags", "side", "order_id", "contra_id", "price_sen", "units",
                  "leaves_units", "contra_leaves_units")  # fmt: skip
        return [tuple(int(told[name]) for name in fields) for told in self.kernel.event_rows()]

    def rules(self, said: int, row: tuple[int, ...]) -> None:
        """What a kernel asks when it cannot go on: room is given, anything else is written down."""
        if said == ROOM:
            self.kernel.more_room(row[5])
            self.kernel.submit(*row)
        else:
            self.asked = True

    def both(self, command: NewOrder | AmendOrder | CancelOrder, *row: int) -> bool:
        """One command on both; whether it was plain."""
        expected = self.engine_says(command, row[5])
        told = self.kernel_says(*row)
        if told is None:
            assert [one[0] for one in expected] == [What.REJECTED], (command, expected)
        else:
            assert told == expected, command
        return told is not None

    def check_books(self) -> None:
        """Invariants, and both queues of every book."""
        for place, book in enumerate(self.books):
            book.check_invariants()
            judge = self.engine.book(NAMES[place])
            for side in Side:
                row_id = self.teller.row_id
                queue = [(row_id[one.order_id], *_seen(one)) for one in judge.queue(side)]
                got = [(one.order_id, *_seen(one)) for one in book.queue(side)]
                assert got == queue, (got, queue)
                assert book.levels(side) == judge.levels(side)


def _seen(order: Order) -> tuple[object, ...]:
    """What an order shows in both worlds."""
    return order.side, order.kind, order.price_sen, order.leaves_units, order.validity, order.owner


class Hand:
    """Draws commands for both, in the engine's words and in the row's."""

    def __init__(self, seed: int, plain: Plain, issues: list[Instrument], phase: Phase) -> None:
        self.draw = random.Random(seed)
        self.plain, self.issues = plain, issues
        self.lives = (
            (Validity.DAY, Validity.DAY, Validity.IOC, Validity.FOK)
            if phase is Phase.CONTINUOUS
            else (Validity.DAY, Validity.NEXT_AUCTION)
        )
        self.grids = [one.ticks.grid(*one.daily_limits(one.issue_price_sen)) for one in issues]
        self.known: list[tuple[int, int, int, bool]] = []
        self.entered: list[tuple[int, ...]] = []

    def act(self) -> bool:
        """One command; whether it was plain."""
        draw = self.draw
        kind = draw.random()
        if kind < 0.6 or not self.known:
            return self._new()
        if kind < 0.62 and self.entered:
            row = draw.choice(self.entered[-30:])
            assert self.plain.kernel_says(*row) is None, "a number is used once"
            return True
        asked, place, owner, market = draw.choice(self.known[-40:])
        if draw.random() < 0.05:
            owner = owner % OWNERS + 1
        who = {"participant_id": ParticipantId(str(owner)), "session_id": SessionId("s"),
               "generation": 1, "req_id": ""}  # fmt: skip
        engine_id = self._engine_id(asked)
        if kind < 0.8 or market:  # a market order's amendment is the rules'
            cancel = CancelOrder(**who, order_id=engine_id)  # type: ignore[arg-type]
            return self.plain.both(cancel, Op.CANCEL, 0, 0, 0, place, asked, 0, 0, owner)
        price = self._price(place) if draw.random() < 0.6 else 0
        units = draw.randint(1, 9) if draw.random() < 0.8 else 0
        amend = AmendOrder(
            **who,  # type: ignore[arg-type]
            client_order_id=ClientOrderId("d"),
            order_id=engine_id,
            price_sen=Sen(price) if price else None,
            leaves_units=Units(units) if units else None,
        )
        return self.plain.both(amend, Op.AMEND, 0, 0, 0, place, asked, price, units, owner)

    def _engine_id(self, asked: int) -> OrderId:
        """The engine's latest id of a row's order."""
        found = [number for number, row in self.plain.teller.row_id.items() if row == asked]
        return OrderId(found[-1]) if found else OrderId(10**9 + asked)

    def _price(self, place: int) -> int:
        draw, grid = self.draw, self.grids[place]
        if draw.random() < 0.03:
            return draw.choice((7, grid[0] - 10, grid[-1] + 10, 2**31 - 2))
        return draw.choice(grid if draw.random() < 0.3 else grid[len(grid) // 2 :][:6])

    def _new(self) -> bool:
        draw = self.draw
        place = draw.randrange(len(self.issues))
        self.plain.ids += 1
        asked = self.plain.ids
        market = draw.random() < 0.1
        owner, side = draw.randint(1, OWNERS), draw.choice(tuple(Side))
        price = NO_PRICE if market else self._price(place)
        units = draw.randint(1, 9) if draw.random() < 0.9 else draw.choice((0, -3, 40, 500, 1_000))
        validity = draw.choice(self.lives) if draw.random() < 0.95 else draw.choice(tuple(Validity))
        self.known.append((asked, place, owner, market))
        order = NewOrder(
            participant_id=ParticipantId(str(owner)),
            session_id=SessionId("s"),
            generation=1,
            req_id="",
            client_order_id=ClientOrderId("c"),
            instrument_id=NAMES[place],
            side=side,
            kind=OrderKind.MARKET if market else OrderKind.LIMIT,
            price_sen=Sen(price),
            quantity_units=Units(units),
            validity=validity,
        )
        row = (SIDES.index(side), KINDS.index(order.kind), VALIDITIES.index(validity))
        whole = (Op.NEW, *row, place, asked, price, units, owner)
        was_plain = self.plain.both(order, *whole)
        self.entered += [whole] if was_plain else []
        return was_plain


def play(kernel: Any, seed: int, commands: int = 400) -> int:
    """One script on a kernel; the number of plain commands.

    Raises:
        AssertionError: When a row is not the engine's.
    """
    draw = random.Random(seed)
    phase = (Phase.CONTINUOUS, Phase.CONTINUOUS, Phase.PRE_OPEN)[seed % 3]
    amend = (AmendMode.CANCEL_NEW, AmendMode.KEEP_ON_DECREASE)[seed // 3 % 2]
    issues = [issue_of(name, draw.choice(BANDS), two_ticks=draw.random() < 0.3) for name in NAMES]
    plain = Plain(kernel, issues, phase, amend)
    plain.kernel.rules = plain.rules
    hand = Hand(seed, plain, issues, phase)
    count = 0
    for number in range(commands):
        count += hand.act()
        if number % 37 == 0:
            plain.check_books()
    plain.check_books()
    return count


@pytest.mark.parametrize("part", range(6))
def test_a_plain_command_is_answered_as_by_the_rules(part: int) -> None:
    """Row for row the engine's events; what is handed over is what the engine refuses."""
    plain = sum(play(real, seed) for seed in range(part * 20, part * 20 + 20))

    assert plain > 20 * 400 * 8 // 10


def test_a_match_that_meets_an_own_order_stops_in_front_of_it() -> None:
    """The rules take over with what is left, and know the price of the last trade before it."""
    issue = issue_of(NAMES[0], 63)
    lower, upper = issue.daily_limits(issue.issue_price_sen)
    kernel = real.Kernel(by_id=True)
    book = real.KernelBook(kernel, {}, issue.instrument_id)
    book.fitted(issue.ticks, lower, upper)
    kernel.allow(
        book.issue, lower=lower, upper=upper, lot=1, most=400, combos=1 << (1 << 3 | 1),
        flags=NEW_OK | AT_ONCE, cancel_reason=0, mode=2,
    )  # fmt: skip
    asked: list[int] = []
    kernel.rules = lambda said, row: asked.append(said)
    price = issue.issue_price_sen

    kernel.submit(Op.NEW, 2, 1, 1, book.issue, 1, price, 4, 7)
    kernel.submit(Op.NEW, 2, 1, 1, book.issue, 2, price, 3, 9)
    told = kernel.submit(Op.NEW, 1, 1, 1, book.issue, 3, price, 10, 9)

    assert told == [(What.ACCEPTED, 3, 10, price), (What.TRADE, 3, 1, price, 4, 6, 0)]
    assert (asked, kernel.left, kernel.last_price(book.issue)) == ([OWN], 6, price)


@pytest.mark.parametrize("door", ["submit", "trades_of"])
def test_one_command_a_call_makes_its_own_room(door: str) -> None:
    """However many orders come, a plain one is never handed over for want of room."""
    issue = issue_of(NAMES[0], 63)
    lower, upper = issue.daily_limits(issue.issue_price_sen)
    kernel = real.Kernel(by_id=True, nodes=2, events=16)
    book = real.KernelBook(kernel, {}, issue.instrument_id)
    book.fitted(issue.ticks, lower, upper)
    kernel.allow(
        book.issue, lower=lower, upper=upper, lot=1, most=400, combos=1 << (1 << 3 | 1),
        flags=NEW_OK | AT_ONCE, cancel_reason=0, mode=ALLOW,
    )  # fmt: skip
    asked: list[int] = []
    kernel.rules = lambda said, row: asked.append(said)

    for number in range(1, 3_001):
        getattr(kernel, door)(Op.NEW, 1, 1, 1, book.issue, number, issue.issue_price_sen, 1, 7)

    assert (asked, kernel.live) == ([], 3_000)
    kernel.check_invariants()


def test_a_clearing_too_large_for_a_row_stops_instead_of_wrapping() -> None:
    """Units of many orders add up beyond what a row holds: never a wrong number in an event."""
    issue = issue_of(NAMES[0], 63)
    lower, upper = issue.daily_limits(issue.issue_price_sen)
    kernel, most = real.Kernel(by_id=True), 2**31 - 1
    book = real.KernelBook(kernel, {}, issue.instrument_id)
    book.fitted(issue.ticks, lower, upper)
    price = issue.issue_price_sen
    book.crossing(Terms(lower, upper, issue.ticks, price, PriceRule.FIVE_CONDITION, True))
    kernel.allow(
        book.issue, lower=lower, upper=upper, lot=1, most=most, combos=1 << (1 << 3 | 1),
        flags=NEW_OK | GATHERS, cancel_reason=0, mode=ALLOW,
    )  # fmt: skip
    kernel.watch(book.issue, tells=True, price=0, units=0, surplus=0)
    kernel.submit(Op.NEW, 1, 1, 1, book.issue, 1, price, most, 7)
    told = kernel.submit(Op.NEW, 2, 1, 1, book.issue, 2, price, most, 8)
    assert told[-1] == (What.INDICATIVE, 0, 0, price, most, 0)
    kernel.submit(Op.NEW, 1, 1, 1, book.issue, 3, price, 1, 7)

    with pytest.raises(InvariantBroken, match="a row holds"):
        kernel.submit(Op.NEW, 2, 1, 1, book.issue, 4, price, 1, 8)
