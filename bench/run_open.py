"""What a delivery costs with a thousand other obligations open, and with a million.

    python bench/run_open.py            about half a minute, 2 GB
    python bench/run_open.py --quick    small sizes, for the tests

Two worlds stand in one process, alike but for what is open beside. The same work is done in both,
slice by slice in turn, so that what else the machine does meets both; a slice's figure is its
processor time by delivery, and the ratio is the median of the slices' own ratios, many by few, with
its quartiles. 1 is flat. The garbage collector is on as Python sets it and nothing is frozen; how
often it went through everything is printed.

Workload: 50 firms with ample units and yen, delivery n from firm n to another in a fixed pattern,
10 units for 1,000 yen, no seed. Rows:
  dict                 each delivery's name put into a plain dict, found, and taken out: what the
                       machine asks for a table of that size, whoever keeps it
  A, posts             both legs posted at once; the others hold units on the same ledger
  B2, holds            units held, yen held, yen posted, units posted; the same others
  A, on tokens         as A on the token platform, unsigned, with a tenth of the others, all locked
  B2, on tokens        as B2 there
  A, a day's stages    the room as the venue sees it: the deliveries of a day through all stages of
                       the design, events and record included; the others fall due later
  B2, a day's stages   the same under provisional transfer
A table of a million random names does not fit a processor's near memory, and each use of one waits;
what a row adds beyond that is ours. Answers are asserted: every leg arrived, every delivery of every day finished and every other is
open still, ledgers balance. Left out: journal, signatures, wire; the end of day, which looks at
every open obligation once, on purpose.
"""

import argparse
import gc
import statistics
import sys
from collections.abc import Callable, Iterator
from datetime import date
from itertools import islice
from pathlib import Path
from time import process_time_ns
from typing import Final, NamedTuple, Protocol

sys.path.insert(0, str(Path(__file__).parents[1]))

from bench.machine import describe
from market import business_days
from market.commands import DepositUnits, DepositYen, ParticipantLimits
from market.events import DayOpened, DeliveryState, InstrumentListed, ParticipantRegistered, Trade
from market.ids import InstrumentId, OrderId, ParticipantId, TradeId
from market.instrument import TEN_YEN, TSE_LIMITS, Instrument
from market.quantities import Sen, Units, Yen
from market.rules import SettlementMode
from settlement.ledger import HoldId, Ledger, Leg, post_linked
from settlement.progmat.platform import Platform
from settlement.progmat.register import ProgmatRegister
from settlement.register import ISSUER
from settlement.settlement import Settlement

FIRMS: Final = [f"FIRM-{number:02d}" for number in range(50)]
UNITS, YEN = 10, 1_000
ISSUE: Final = InstrumentId("ST1")


class Scale(NamedTuple):
    """How much of everything."""

    few: int
    many: int
    slices: int
    deliveries: int


FULL: Final = Scale(few=1_000, many=1_000_000, slices=41, deliveries=2_000)
QUICK: Final = Scale(few=10, many=1_000, slices=3, deliveries=50)


class World(Protocol):
    """Something with so many obligations open, on which slices of work are done."""

    def work(self, number: int) -> int:
        """Do slice ``number``; nanoseconds of processor time it took."""

    def check(self) -> None:
        """Everything went where it should."""


def parties(number: int) -> tuple[str, str]:
    """Seller and buyer of a delivery."""
    return FIRMS[number % 50], FIRMS[(number + 1 + number // 50 % 49) % 50]


def issue(units: int = 10**12) -> Instrument:
    """The issue everything is in."""
    return Instrument(
        instrument_id=ISSUE, isin="JP0000000000", name="Issue", issued_units=Units(units),
        issue_price_sen=Sen(10_000), ticks=TEN_YEN, limits=TSE_LIMITS,
    )  # fmt: skip


class Names:
    """The floor: a dict of so many names."""

    def __init__(self, others: int, deliveries: int) -> None:
        self.held = {f"open-{number}": number for number in range(others)}
        self.others, self.deliveries = others, deliveries

    def work(self, number: int) -> int:
        """Put in, find, take out."""
        held = self.held
        names = [
            f"d-{one}" for one in range(number * self.deliveries, (number + 1) * self.deliveries)
        ]
        began = process_time_ns()
        for one in names:
            assert one not in held
            held[one] = 1
            assert held[one]
            del held[one]
        return process_time_ns() - began

    def check(self) -> None:
        """Only the others are left."""
        assert len(self.held) == self.others


class Books:
    """Two ledgers, the units' plain or on tokens, and others that hold units."""

    def __init__(self, others: int, deliveries: int, *, tokens: bool, held: bool) -> None:
        self.token: Ledger = (
            ProgmatRegister(issue(), Platform()) if tokens else Ledger(ISSUE, ISSUER)
        )
        self.cash = Ledger("yen", "bank")
        self.others, self.deliveries, self.held = others, deliveries, held
        self.slices = 0
        for firm in FIRMS:
            self.token.post(ISSUER, firm, 10**9)
            self.cash.post("bank", firm, 10**12)
        for number in range(others):
            seller, buyer = parties(number)
            self.token.hold(HoldId(f"open-{number}"), seller, buyer, 1)
        self.before = {firm: self.token.balance(firm) for firm in FIRMS}

    def work(self, number: int) -> int:
        """A slice of deliveries."""
        first = number * self.deliveries
        due = [(HoldId(f"d-{one}"), *parties(one)) for one in range(first, first + self.deliveries)]
        token, cash = self.token, self.cash
        self.slices += 1
        began = process_time_ns()
        if self.held:
            for name, seller, buyer in due:
                token.hold(name, seller, buyer, UNITS)
                cash.hold(name, buyer, seller, YEN)
                cash.post_hold(name)
                token.post_hold(name)
        else:
            for _, seller, buyer in due:
                legs = (Leg(token, seller, buyer, UNITS), Leg(cash, buyer, seller, YEN))
                assert post_linked(legs) is None
        return process_time_ns() - began

    def check(self) -> None:
        """Every unit and every yen arrived, the others hold what they held."""
        moved = dict.fromkeys(FIRMS, 0)
        for number in range(self.slices * self.deliveries):
            seller, buyer = parties(number)
            moved[seller] -= 1
            moved[buyer] += 1
        for firm in FIRMS:
            assert self.token.balance(firm) == self.before[firm] + UNITS * moved[firm]
            assert self.cash.balance(firm) == 10**12 - YEN * moved[firm]
        assert len(self.token.live_holds) == self.others
        self.token.check_invariants()
        self.cash.check_invariants()


class Room:
    """The settlement room over many days: T+n with as many days as slices.

    On each of the first n days a slice is traded, on the next day the others; then day by day a
    slice falls due, and the others never do.
    """

    def __init__(self, others: int, deliveries: int, mode: SettlementMode, slices: int) -> None:
        self.room = Settlement(mode, slices)
        self.others, self.deliveries, self.slices = others, deliveries, slices
        self.room.apply(InstrumentListed(instrument=issue()))
        for firm in map(ParticipantId, FIRMS):
            told = ParticipantRegistered(participant_id=firm, name=firm, limits=ParticipantLimits())
            self.room.apply(told)
            self.room.deposit_yen(
                DepositYen(participant_id=firm, amount_yen=Yen(10**14), reference=firm)
            )
            self.room.deposit_units(
                DepositUnits(
                    participant_id=firm,
                    instrument_id=ISSUE,
                    quantity_units=Units(10**9),
                    reference=f"u-{firm}",
                )
            )
        self.days = _business_days()
        numbers = iter(range(1, 10**9))
        for _ in range(slices):
            self._next_day()
            self._trade(islice(numbers, deliveries))
        self._next_day()
        self._trade(islice(numbers, others))

    def _next_day(self) -> None:
        day = next(self.days)
        self.room.apply(
            DayOpened(business_date=day, settlement_date=self.room.settlement_date(day))
        )

    def _trade(self, numbers: Iterator[int]) -> None:
        for number in numbers:
            seller, buyer = parties(number)
            told = Trade(
                trade_id=TradeId(number), instrument_id=ISSUE, price_sen=Sen(10_000),
                quantity_units=Units(UNITS), seller=ParticipantId(seller),
                buyer=ParticipantId(buyer), buy_order_id=OrderId(2 * number),
                sell_order_id=OrderId(2 * number + 1), buy_leaves_units=Units(0),
                sell_leaves_units=Units(0), cross=True,
            )  # fmt: skip
            self.room.apply(told)

    def work(self, number: int) -> int:
        """All stages of the next day."""
        if number:
            self._next_day()
        began = process_time_ns()
        for stage in range(len(self.room.design.stages)):
            self.room.run(stage)
        return process_time_ns() - began

    def check(self) -> None:
        """The slices are finished, the others as they were."""
        deliveries = self.room.deliveries.values()
        finished = sum(one.state is DeliveryState.FINISHED for one in deliveries)
        created = sum(one.state is DeliveryState.CREATED for one in deliveries)
        assert (finished, created) == (self.slices * self.deliveries, self.others)
        self.room.check_invariants()


def _business_days() -> Iterator[date]:
    day = date(2026, 1, 5)
    while True:
        yield day
        day = business_days.next_business_day(day)


Make = Callable[[int, Scale], World]
GROSS, PROVISIONAL = SettlementMode.GROSS_ATOMIC, SettlementMode.PROVISIONAL_TRANSFER
ROWS: Final[dict[str, Make]] = {
    "dict": lambda others, scale: Names(others, scale.deliveries),
    "A, posts": lambda others, scale: Books(others, scale.deliveries, tokens=False, held=False),
    "B2, holds": lambda others, scale: Books(others, scale.deliveries, tokens=False, held=True),
    "A, on tokens": lambda others, scale: Books(
        others // 10, scale.deliveries, tokens=True, held=False
    ),
    "B2, on tokens": lambda others, scale: Books(
        others // 10, scale.deliveries, tokens=True, held=True
    ),
    "A, a day's stages": lambda others, scale: Room(others, scale.deliveries, GROSS, scale.slices),
    "B2, a day's stages": lambda others, scale: Room(
        others, scale.deliveries, PROVISIONAL, scale.slices
    ),
}


class Found(NamedTuple):
    """Microseconds a delivery with few and with many, and the quartiles of the slices' ratios."""

    few_us: float
    many_us: float
    ratios: tuple[float, float, float]
    passes: int


def measure(make: Make, scale: Scale) -> Found:
    """Both worlds, slice by slice in turn; the first slice of each warms up and is not counted."""
    worlds = [make(scale.few, scale), make(scale.many, scale)]
    gc.collect()
    passes = gc.get_stats()[2]["collections"]
    took: list[list[int]] = [[], []]
    for number in range(scale.slices):
        for place in (0, 1) if number % 2 else (1, 0):
            took[place].append(worlds[place].work(number))
    passes = gc.get_stats()[2]["collections"] - passes
    for world in worlds:
        world.check()
    few, many = took[0][1:], took[1][1:]
    low, middle, high = statistics.quantiles(
        (dear / cheap for cheap, dear in zip(few, many, strict=True)), n=4, method="inclusive"
    )
    each = 1_000 * scale.deliveries
    return Found(
        statistics.median(few) / each, statistics.median(many) / each, (low, middle, high), passes
    )


def main(arguments: list[str]) -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--row", choices=ROWS, action="append", help="only this one")
    chosen = parser.parse_args(arguments)
    scale = QUICK if chosen.quick else FULL
    print(describe())
    print(
        f"\nmicroseconds a delivery with {scale.few:,} and with {scale.many:,} others open (a tenth "
        f"on tokens),\nmedians of {scale.slices - 1} slices of {scale.deliveries:,}; many by few, "
        "median (quartiles); whole collections"
    )
    for name in chosen.row or ROWS:
        found = measure(ROWS[name], scale)
        low, middle, high = found.ratios
        print(
            f"{name:<20} {found.few_us:>7.2f} {found.many_us:>7.2f}   {middle:.2f} "
            f"({low:.2f}-{high:.2f})   {found.passes}",
            flush=True,
        )


if __name__ == "__main__":
    main(sys.argv[1:])
