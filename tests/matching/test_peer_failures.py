"""Cases in which other matching engines went wrong, each named after the rule that was broken.

The shapes are those that broke published engines: the edge cases of the gate in the survey
``flash1-dev/matching-engine-benchmark`` (docs/CONFORMANCE.md, MIT) and the failures seen when the
engines on PyPI were run side by side. Words and numbers are ours. Every story is played on every
book; after every line the invariants hold and the best price, the levels and the queue agree, so
that a price that lingers until the next trade sweeps it away is seen as well.

The rulebook is OSE's, whose continuous session shows no quotes instead of trading. Left out on
purpose: leaves that shrink to a float's dust, since quantities are whole units.
"""

import sys
from collections.abc import Callable
from types import FrameType
from typing import Any

import pytest
from books import BOOKS
from script import ISSUE, NAME, Stage, outcome, request

from market.commands import Command, Entry, NewOrder
from market.events import Trade
from market.ids import OrderId
from market.instrument import TEN_YEN, Instrument, LimitTable
from market.quantities import MAX_PRICE_SEN, Sen, SequenceNo, TimeNs
from market.rulebooks import OSE, START
from market.rules import Rules
from market.words import Phase, Side

pytestmark = pytest.mark.parametrize("book", BOOKS)


def board(stage: Stage) -> str:
    """Both queues by priority, ``id units @ yen``; ``|`` between buys and sells."""
    book = stage.engine.book(NAME)
    sides = [
        ", ".join(
            f"{order.order_id} {order.leaves_units} @ {order.price_sen // 100:_}"
            for order in book.queue(side)
        )
        for side in Side
    ]
    return " | ".join(sides).strip()


def audit(stage: Stage) -> None:
    """What may be asked of a book says the same as its queue, searched the slow way."""
    book = stage.engine.book(NAME)
    for side in Side:
        queue = list(book.queue(side))
        priced = [order for order in queue if order.price_sen]
        prices = sorted({order.price_sen for order in priced}, reverse=side is Side.BUY)
        totals = [
            (
                price,
                sum(order.leaves_units for order in priced if order.price_sen == price),
                sum(1 for order in priced if order.price_sen == price),
            )
            for price in prices
        ]
        assert book.levels(side) == totals
        assert book.best(side) == (prices[0] if prices else None)
        assert book.first(side) is (queue[0] if queue else None)
        assert book.market_units(side) == sum(
            order.leaves_units for order in queue if not order.price_sen
        )
        assert all(order.leaves_units > 0 for order in queue)


def tell(book: str, story: str, rules: Rules = OSE, phase: Phase = Phase.CONTINUOUS) -> str:
    """Play a story on one kind of book, auditing after every line; the board at its end."""
    stage = Stage(rules, phase, new_book=BOOKS[book])
    for line in story.strip().splitlines():
        act, arrow, expected = line.partition("->")
        told = outcome(stage.line(act.strip()))
        audit(stage)
        if arrow:
            assert told == " ".join(expected.split()), line.strip()
    return board(stage)


# Each story: its lines, and the board that must be left.
STORIES = {
    "canceling the middle of a queue loses nobody behind it": (
        """
        A buy 10 @ 100000
        B buy 20 @ 100000
        C buy 30 @ 100000
        B cancel 2              -> ended 2 20 owner
        D sell 40 @ 100000 ioc  -> trades 10 @ 100_000 with 1, trades 30 @ 100_000 with 3, done
        """,
        "|",
    ),
    "canceling the head of a queue makes the second the first": (
        """
        A buy 10 @ 100000
        B buy 20 @ 100000
        C buy 30 @ 100000
        A cancel 1              -> ended 1 10 owner
        D sell 21 @ 100000 ioc  -> trades 20 @ 100_000 with 2, trades 1 @ 100_000 with 3, done
        """,
        "3 29 @ 100_000 |",
    ),
    "canceling the tail of a queue lets the next to come join behind the rest": (
        """
        A sell 10 @ 100000
        B sell 20 @ 100000
        B cancel 2              -> ended 2 20 owner
        C sell 30 @ 100000      -> rests 30
        D buy 40 @ 100000       -> trades 10 @ 100_000 with 1, trades 30 @ 100_000 with 4, done
        """,
        "|",
    ),
    "scattered cancels leave the queue in order of arrival": (
        """
        A buy 10 @ 100000
        A buy 11 @ 100000
        A buy 12 @ 100000
        A buy 13 @ 100000
        A buy 14 @ 100000
        A buy 15 @ 100000
        A buy 16 @ 100000
        A buy 17 @ 100000
        A cancel 2
        A cancel 5
        A cancel 7
        B sell 67 @ 100000 ioc -> trades 10 @ 100_000 with 1, trades 12 @ 100_000 with 3, trades 13 @ 100_000 with 4, trades 15 @ 100_000 with 6, trades 17 @ 100_000 with 8, done
        """,
        "|",
    ),
    "a canceled best bid is not the best any more": (
        """
        A buy 10 @ 100100
        B buy 7 @ 100000
        A cancel 1
        C sell 9 @ 100000 ioc -> trades 7 @ 100_000 with 2, ended 4 2 ioc_rest
        """,
        "|",
    ),
    "a canceled best ask is not the best any more": (
        """
        A sell 10 @ 100000
        B sell 7 @ 100100
        A cancel 1
        C buy 9 @ 100100 ioc -> trades 7 @ 100_100 with 2, ended 4 2 ioc_rest
        """,
        "|",
    ),
    "a side emptied by a cancel takes worse prices again": (
        """
        A buy 10 @ 100000
        A cancel 1
        B buy 8 @ 95000        -> rests 8
        C sell 8 @ 95000 ioc   -> trades 8 @ 95_000 with 3, done
        C sell 3 @ 105000
        C cancel 5
        D sell 4 @ 110000      -> rests 4
        E buy 5 @ 120000       -> trades 4 @ 110_000 with 7, rests 1
        """,
        "8 1 @ 120_000 |",
    ),
    "a best level emptied by a trade gives way to the next, however far": (
        """
        A sell 1 @ 70000
        B sell 1 @ 130000
        C buy 1 market         -> trades 1 @ 70_000 with 1, done
        D buy 1 @ 70000        -> rests 1
        E buy 1 market         -> trades 1 @ 130_000 with 2, done
        F sell 1 market        -> trades 1 @ 70_000 with 4, done
        """,
        "|",
    ),
    "a sweep takes the best price first, from both sides": (
        """
        A sell 10 @ 100200
        A sell 10 @ 100100
        A sell 10 @ 100000
        B buy 25 @ 100200 ioc  -> trades 10 @ 100_000 with 3, trades 10 @ 100_100 with 2, trades 5 @ 100_200 with 1, done
        C buy 10 @ 99000
        C buy 10 @ 99200
        C buy 10 @ 99100
        D sell 25 @ 99000 ioc  -> trades 10 @ 99_200 with 6, trades 10 @ 99_100 with 7, trades 5 @ 99_000 with 5, done
        """,
        "5 5 @ 99_000 | 1 5 @ 100_200",
    ),
    "a sweep of exactly three levels leaves nothing and nobody": (
        """
        A sell 10 @ 100000
        A sell 20 @ 100100
        A sell 30 @ 100200
        B buy 60 @ 100200      -> trades 10 @ 100_000 with 1, trades 20 @ 100_100 with 2, trades 30 @ 100_200 with 3, done
        """,
        "|",
    ),
    "what a sweep leaves over becomes the touch and trades": (
        """
        A sell 10 @ 100000
        A sell 10 @ 100100
        A sell 10 @ 100200
        B buy 35 @ 100200      -> trades 10 @ 100_000 with 1, trades 10 @ 100_100 with 2, trades 10 @ 100_200 with 3, rests 5
        C sell 9 @ 100200 ioc  -> trades 5 @ 100_200 with 4, ended 5 4 ioc_rest
        """,
        "|",
    ),
    "a limit order stops at its own price and rests there": (
        """
        A sell 5 @ 100000
        A sell 10 @ 100500
        B buy 12 @ 100200      -> trades 5 @ 100_000 with 1, rests 7
        C sell 7 @ 100200 ioc  -> trades 7 @ 100_200 with 3, done
        """,
        "| 2 10 @ 100_500",
    ),
    "after a sweep its prices are as good as new": (
        """
        A sell 10 @ 100000
        A sell 10 @ 100100
        A sell 10 @ 100200
        B buy 30 @ 100200
        C sell 8 @ 100100      -> rests 8
        D buy 8 @ 100100       -> trades 8 @ 100_100 with 5, done
        C sell 8 @ 100300
        D buy 9 @ 100300       -> trades 8 @ 100_300 with 7, rests 1
        """,
        "8 1 @ 100_300 |",
    ),
    "the better price comes before the earlier order": (
        """
        A sell 10 @ 100500
        A sell 10 @ 100000
        B buy 10 @ 100500 ioc  -> trades 10 @ 100_000 with 2, done
        C buy 10 @ 90000
        C buy 10 @ 95000
        C buy 10 @ 92000
        D sell 30 @ 90000 ioc  -> trades 10 @ 95_000 with 5, trades 10 @ 92_000 with 6, trades 10 @ 90_000 with 4, done
        """,
        "| 1 10 @ 100_500",
    ),
    "a trade is at the resting order's price, whoever arrives": (
        """
        A sell 10 @ 100000
        B buy 10 @ 105000 ioc  -> trades 10 @ 100_000 with 1, done
        C buy 10 @ 120000
        D sell 10 @ 90000      -> trades 10 @ 120_000 with 3, done
        """,
        "|",
    ),
    "prices differ from trade to trade; only a cross has one for all": (
        """
        A sell 1 @ 100000
        A sell 1 @ 110000
        A sell 1 @ 120000
        B buy 3 market         -> trades 1 @ 100_000 with 1, trades 1 @ 110_000 with 2, trades 1 @ 120_000 with 3, done
        """,
        "|",
    ),
    "an amendment that crosses trades at the maker's price, from both sides": (
        """
        A sell 10 @ 100000
        B buy 10 @ 90000
        B amend 2 @ 105000     -> 2 is 3, trades 10 @ 100_000 with 1, done
        C buy 10 @ 120000
        D sell 10 @ 121000
        D amend 5 @ 95000      -> 5 is 6, trades 10 @ 120_000 with 4, done
        """,
        "|",
    ),
    "an amendment to the touch trades instead of resting crossed": (
        """
        A sell 10 @ 100000
        B buy 15 @ 99000
        B amend 2 @ 100000     -> 2 is 3, trades 10 @ 100_000 with 1, rests 5
        C sell 5 @ 100000      -> trades 5 @ 100_000 with 3, done
        """,
        "|",
    ),
    "an order amended away leaves its siblings on the level": (
        """
        A buy 10 @ 100000
        B buy 11 @ 100000
        C buy 12 @ 100000
        B amend 2 @ 99000      -> 2 is 4, rests 11
        D sell 30 @ 100000 ioc -> trades 10 @ 100_000 with 1, trades 12 @ 100_000 with 3, ended 5 8 ioc_rest
        """,
        "4 11 @ 99_000 |",
    ),
    "the first of two amended away leaves the second alone on the level": (
        """
        A buy 10 @ 100000
        B buy 11 @ 100000
        A amend 1 @ 99000      -> 1 is 3, rests 10
        D sell 20 @ 100000 ioc -> trades 11 @ 100_000 with 2, ended 4 9 ioc_rest
        """,
        "3 10 @ 99_000 |",
    ),
    "a partly filled order is canceled by what is left": (
        """
        A sell 10 @ 100000
        B buy 6 @ 100000       -> trades 6 @ 100_000 with 1, done
        A cancel 1             -> ended 1 4 owner
        C buy 1 @ 100000       -> rests 1
        """,
        "4 1 @ 100_000 |",
    ),
    "a partly filled order is amended by its open quantity": (
        """
        A sell 10 @ 100000
        B buy 4 @ 100000       -> trades 4 @ 100_000 with 1, done
        A amend 1 @ 100100     -> 1 is 3, rests 6
        C buy 7 @ 100100 ioc   -> trades 6 @ 100_100 with 3, ended 4 1 ioc_rest
        """,
        "|",
    ),
    "an amendment up counts the order once": (
        """
        A buy 10 @ 100000
        A amend 1 x 25         -> 1 is 2, rests 25
        B sell 30 @ 100000 ioc -> trades 25 @ 100_000 with 2, ended 3 5 ioc_rest
        """,
        "|",
    ),
    "less quantity keeps the place, also after a part was filled": (
        """
        A buy 10 @ 100000
        B buy 10 @ 100000
        C sell 2 @ 100000      -> trades 2 @ 100_000 with 1, done
        A amend 1 x 5          -> keeps 1 5
        C sell 6 @ 100000      -> trades 5 @ 100_000 with 1, trades 1 @ 100_000 with 2, done
        """,
        "2 9 @ 100_000 |",
    ),
    "a front order keeps its place from one incoming order to the next": (
        """
        A buy 10 @ 100000
        B buy 10 @ 100000
        C buy 10 @ 100000
        D buy 10 @ 100000
        E sell 15 @ 100000 ioc -> trades 10 @ 100_000 with 1, trades 5 @ 100_000 with 2, done
        E sell 15 @ 100000 ioc -> trades 5 @ 100_000 with 2, trades 10 @ 100_000 with 3, done
        """,
        "4 10 @ 100_000 |",
    ),
    "a resting order is drained to the last unit and not further": (
        """
        A sell 20 @ 100000
        B buy 8 @ 100000 ioc   -> trades 8 @ 100_000 with 1, done
        B buy 12 @ 100000 ioc  -> trades 12 @ 100_000 with 1, done
        B buy 5 @ 100000 ioc   -> ended 4 5 ioc_rest
        """,
        "|",
    ),
    "an order filled by the first of a queue does not touch the second": (
        """
        A sell 5 @ 100000
        B sell 5 @ 100000
        C buy 5 @ 100000       -> trades 5 @ 100_000 with 1, done
        """,
        "| 2 5 @ 100_000",
    ),
    "two orders of one price make two trades, and the remainder rests": (
        """
        A sell 30 @ 90000
        B sell 40 @ 90000
        C buy 100 @ 90000      -> trades 30 @ 90_000 with 1, trades 40 @ 90_000 with 2, rests 30
        D sell 31 @ 90000 ioc  -> trades 30 @ 90_000 with 3, ended 4 1 ioc_rest
        """,
        "|",
    ),
    "what an IOC order cannot trade never rests": (
        """
        A sell 10 @ 100000
        B buy 15 @ 100000 ioc  -> trades 10 @ 100_000 with 1, ended 2 5 ioc_rest
        C sell 5 @ 100000 ioc  -> ended 3 5 ioc_rest
        """,
        "|",
    ),
    "fill one, cancel the last, and the middle one trades": (
        """
        A sell 10 @ 100000
        A sell 10 @ 100000
        A sell 10 @ 100000
        B buy 10 @ 100000      -> trades 10 @ 100_000 with 1, done
        A cancel 3             -> ended 3 10 owner
        B buy 10 @ 100000      -> trades 10 @ 100_000 with 2, done
        """,
        "|",
    ),
    "five orders of one time and price all trade": (
        """
        A sell 5 @ 100000
        B sell 5 @ 100000
        C sell 5 @ 100000
        D sell 5 @ 100000
        E sell 5 @ 100000
        F buy 25 @ 100000      -> trades 5 @ 100_000 with 1, trades 5 @ 100_000 with 2, trades 5 @ 100_000 with 3, trades 5 @ 100_000 with 4, trades 5 @ 100_000 with 5, done
        """,
        "|",
    ),
    "head and tail cancels on two levels leave price and time in force": (
        """
        A buy 10 @ 100000
        B buy 11 @ 100000
        C buy 12 @ 100100
        D buy 13 @ 100100
        A cancel 1
        D cancel 4
        E sell 23 @ 100000 ioc -> trades 12 @ 100_100 with 3, trades 11 @ 100_000 with 2, done
        """,
        "|",
    ),
    "one owner may trade with himself where nothing forbids it": (
        """
        A sell 5 @ 100000
        A buy 5 @ 100000       -> trades 5 @ 100_000 with 1 own, done
        """,
        "|",
    ),
    "a prevented self-trade leaves the others behind it within reach": (
        """
        A sell 5 @ 100000
        B sell 6 @ 100000
        A sell 7 @ 100000
        A buy 6 @ 100000 cancel_oldest -> ended 1 5 self_trade, trades 6 @ 100_000 with 2, done
        """,
        "| 3 7 @ 100_000",
    ),
    "an ended order's number is unknown, however it ended": (
        """
        A sell 10 @ 100000
        B buy 10 @ 100000
        A cancel 1             -> UNKNOWN_ORDER
        A amend 1 @ 101000     -> UNKNOWN_ORDER
        B cancel 2             -> UNKNOWN_ORDER
        A buy 5 @ 99000
        A cancel 6             -> ended 6 5 owner
        A cancel 6             -> UNKNOWN_ORDER
        A amend 6 x 3          -> UNKNOWN_ORDER
        A buy 5 @ 99000 ioc    -> ended 10 5 ioc_rest
        A cancel 10            -> UNKNOWN_ORDER
        A buy 5 @ 99000 fok    -> ended 12 5 fok_unfilled
        A cancel 12            -> UNKNOWN_ORDER
        A buy 5 @ 99000
        A amend 14 @ 98000     -> 14 is 15, rests 5
        A cancel 14            -> UNKNOWN_ORDER
        A amend 14 x 2         -> UNKNOWN_ORDER
        A cancel 999999999999  -> UNKNOWN_ORDER
        A amend 0 x 1          -> UNKNOWN_ORDER
        """,
        "15 5 @ 98_000 |",
    ),
    "nothing trades against an empty side": (
        """
        A buy 5 market         -> ended 1 5 market_rest
        A sell 5 market        -> ended 2 5 market_rest
        A buy 5 @ 100000 fok   -> ended 3 5 fok_unfilled
        A cancel 1             -> UNKNOWN_ORDER
        """,
        "|",
    ),
}  # fmt: skip


@pytest.mark.parametrize("rule", STORIES)
def test_where_others_failed(book: str, rule: str) -> None:
    """The story comes out as told, and the board at its end is the one that must be left."""
    story, left = STORIES[rule]

    assert tell(book, story) == left


def test_a_call_phase_book_forgets_its_only_market_order(book: str) -> None:
    """A market order canceled or moved by a cross leaves no level in front of the prices."""
    left = tell(
        book,
        """
        A buy 5 market
        B buy 7 @ 100000
        A cancel 1                -> ended 1 5 owner
        C sell 3 market
        D sell 4 @ 100000
        phase OpeningAuction
        cross                     -> 100_000: 2+4 3, 2+5 4
        """,
        START,
        Phase.PRE_OPEN,
    )

    assert left == "|"


def test_an_amendment_always_loses_its_place_where_the_market_says_so(book: str) -> None:
    """START knows cancel and new only: less quantity at the same price goes to the back, too."""
    left = tell(
        book,
        """
        A buy 10 @ 100000
        B buy 10 @ 100000
        A amend 1 x 5             -> 1 is 3, rests 5
        C sell 12 @ 100000
        phase OpeningAuction
        cross                     -> 100_000: 2+4 10, 3+4 2
        """,
        START,
        Phase.PRE_OPEN,
    )

    assert left == "3 3 @ 100_000 |"


def test_a_number_may_come_back_after_a_cancel_and_after_a_fill(book: str) -> None:
    """A book keeps nothing of an order that has left: the same number is a new order."""
    stage = Stage(OSE, Phase.CONTINUOUS, new_book=BOOKS[book])

    def play(text: str, number: int) -> str:
        told = outcome(stage.do(request(text, number), number))
        audit(stage)
        return told

    assert play("A buy 10 @ 100000", 1) == "rests 10"
    assert play("A cancel 1", 0) == "ended 1 10 owner"
    assert play("A sell 3 @ 120000", 1) == "rests 3"
    assert play("B buy 5 @ 120000", 2) == "trades 3 @ 120_000 with 1, rests 2"
    assert play("A buy 4 @ 100000", 1) == "rests 4"
    assert play("C sell 6 @ 100000 ioc", 3) == (
        "trades 2 @ 120_000 with 2, trades 4 @ 100_000 with 1, done"
    )
    assert board(stage) == "|"


SHAPES = {
    "all at one price": lambda place: 100_000,
    "each at a price of its own": lambda place: 70_000 + 10 * place,
}


@pytest.mark.parametrize("shape", SHAPES)
def test_a_sweep_of_five_thousand_fills_each_maker_once_and_in_order(book: str, shape: str) -> None:
    """One order meets 5,000: as many trades, makers ascending, nothing left on either side."""
    stage = Stage(OSE, Phase.CONTINUOUS, new_book=BOOKS[book])
    engine = stage.engine
    for place in range(5_000):
        command = request(f"A sell 1 @ {SHAPES[shape](place)}", place + 1)
        assert isinstance(command, NewOrder)
        engine.new(command, OrderId(place + 1))

    (_, *events) = stage.do(request("B buy 3000 @ 130000", 5_001), 5_001)
    (_, *more) = stage.do(request("B buy 2001 @ 130000", 5_002), 5_002)

    trades = [event for event in (*events, *more) if isinstance(event, Trade)]
    assert [trade.sell_order_id for trade in trades] == list(range(1, 5_001))
    assert {trade.quantity_units for trade in trades} == {1}
    assert [trade.price_sen for trade in trades] == [SHAPES[shape](n) * 100 for n in range(5_000)]
    audit(stage)
    assert board(stage) == "5002 1 @ 130_000 |"


def at_the_top() -> Instrument:
    """An issue whose limits reach the largest price there is."""
    values = {name: getattr(ISSUE, name) for name in ISSUE.__struct_fields__}
    return Instrument(
        **{
            **values,
            "issue_price_sen": Sen(2_147_480_000),
            "limits": LimitTable(below_sen=(MAX_PRICE_SEN,), width_sen=(100_000,)),
            "ticks": TEN_YEN,
        }
    )


def test_the_largest_price_and_number_come_through_whole(book: str) -> None:
    """No price wraps at 32 bits and no order number needs to be small."""
    stage = Stage(OSE, Phase.CONTINUOUS, at_the_top(), BOOKS[book])
    far = 2**53 - 2

    stage.do(request("A sell 2000 @ 21474830", far), far)
    told = stage.do(request("B buy 2000 @ 21474830", far + 1), far + 1)

    assert outcome(told) == f"trades 2000 @ 21_474_830 with {far}, done"
    audit(stage)


# --- work, counted in lines of Python run; what compiled code does inside itself is not seen


class Lines:
    """Counts the lines a call runs, and stops one that runs too many."""

    def __init__(self, most: int = 1_000_000) -> None:
        self.most = most
        self.run = 0

    def of(self, call: Callable[[], Any]) -> int:
        """Lines run by one call; AssertionError past the most."""
        self.run = 0
        before = sys.gettrace()
        sys.settrace(self._trace)
        try:
            call()
        finally:
            sys.settrace(before)
        return self.run

    def _trace(self, frame: FrameType, event: str, argument: object) -> Any:
        self.run += event == "line"
        assert self.run < self.most, f"no end in sight at {frame.f_code.co_qualname}"
        return self._trace


QUEUES = (20, 20_000)


def entry_of(command: Command, number: int) -> Entry:
    """A command as the engine takes it."""
    return Entry(sequence=SequenceNo(number), at_ns=TimeNs(0), command=command)


def queue_of(book: str, length: int) -> Stage:
    """A stage with so many buys at one price, one unit each, numbered from 1."""
    stage = Stage(OSE, Phase.CONTINUOUS, new_book=BOOKS[book])
    for number in range(1, length + 1):
        command = request("A buy 3 @ 100000", number)
        assert isinstance(command, NewOrder)
        stage.engine.new(command, OrderId(number))
    return stage


ACTS = {
    "cancel the first": lambda n: "A cancel 1",
    "cancel one in the middle": lambda n: f"A cancel {n // 2}",
    "cancel the last": lambda n: f"A cancel {n}",
    "amend one in the middle down": lambda n: f"A amend {n // 2} x 1",
    "amend one in the middle to the back": lambda n: f"A amend {n // 2} x 9",
    "amend one in the middle away": lambda n: f"A amend {n // 2} @ 99000",
    "join the back": lambda n: "A buy 1 @ 100000",
    "trade with the first": lambda n: "B sell 1 @ 100000",
    "fill the first": lambda n: "B sell 3 @ 100000",
    "be refused an unknown number": lambda n: "A cancel 999999",
}


@pytest.mark.parametrize("act", ACTS)
def test_the_length_of_a_queue_costs_nothing(book: str, act: str) -> None:
    """With 20,000 orders in a queue an act runs as many lines as with 20."""
    counted = []
    for length in QUEUES:
        engine = queue_of(book, length).engine
        command = request(ACTS[act](length), length + 1)
        entry = entry_of(command, length + 1)
        counted.append(Lines().of(lambda engine=engine, entry=entry: engine.apply(entry)))

    assert counted[0] == counted[1] > 0


def test_a_book_of_many_prices_costs_no_more_than_a_few(book: str) -> None:
    """With 5,000 prices beside it, a cancel at one price runs the lines it runs with five."""
    counted = []
    for prices in (5, 5_000):
        engine = Stage(OSE, Phase.CONTINUOUS, new_book=BOOKS[book]).engine
        for number in range(1, prices + 1):
            for place in (0, 1):
                command = request(f"A buy 3 @ {70_000 + 10 * number}", 2 * number - place)
                assert isinstance(command, NewOrder)
                engine.new(command, OrderId(2 * number - place))
        entry = entry_of(request("A cancel 4", 0), 1_000_000)
        counted.append(Lines().of(lambda engine=engine, entry=entry: engine.apply(entry)))

    assert counted[0] == counted[1] > 0


def test_fill_one_cancel_the_last_and_the_next_order_ends(book: str) -> None:
    """The sequence that sent another engine round for ever returns after few lines."""
    stage = Stage(OSE, Phase.CONTINUOUS, new_book=BOOKS[book])
    for _ in range(3):
        stage.line("A sell 10 @ 100000")
    stage.line("B buy 10 @ 100000")
    stage.line("A cancel 3")

    entry = entry_of(request("B buy 10 @ 100000", 6), 6)
    run = Lines(most=2_000).of(lambda: stage.engine.apply(entry))

    assert 0 < run < 2_000
    assert board(stage) == "|"
