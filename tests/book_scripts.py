"""Scripts for books: random commands under any rulebook, written while a judge plays them.

A script is a rulebook and a list of entries. A seed makes one while the judge plays it, so that
most requests name orders that are open; from then on it plays the same on every book and may be cut
down line by line: numbers stay what they were.

What is drawn: two issues with different bands, sized around the 64 bits of a machine word; prices
crowded on a few ticks or spread to the band's ends; every order kind, validity, self-trade mode,
account; cancels and amendments of live, ended and foreign orders; the preset's day or phases in
any order, crosses in and out of place, quotes and their renewals, halts, base prices moved by hand
so that orders lie outside the limits, new issues, and days in a row. Wrong values are left to tests/matching/test_refusals.py, but for a
few that must not disturb what comes after.
"""

import itertools
import random
from collections.abc import Iterator, Sequence
from datetime import date, timedelta
from pathlib import Path
from typing import Final, NamedTuple

from msgspec import json

from market.commands import (
    NO_PRICE,
    AmendOrder,
    CancelOrder,
    ChangePhase,
    CloseDay,
    Command,
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
from market.ids import ClientOrderId, InstrumentId, OrderId, ParticipantId, SessionId
from market.instrument import Instrument, LimitTable, QuoteWidthTable, TickTable
from market.quantities import MAX_PRICE_SEN, Sen, SequenceNo, TimeNs, Units
from market.rulebooks import OSE, PRESETS, START, TSE
from market.rules import (
    AmendMode,
    AuctionAllocation,
    BreakOrders,
    MarketResidual,
    Rules,
    StopAllocation,
)
from market.words import (
    AUCTION_PHASES,
    OrderKind,
    Phase,
    SelfTradeMode,
    Side,
    Validity,
)
from matching.engine import Engine

FOUND: Final = sorted((Path(__file__).parent / "found").glob("*.script"))
"""Scripts that failed once, shrunk."""

NARROW: Final = QuoteWidthTable(below_sen=(99_800, 100_200, MAX_PRICE_SEN), width_sen=(40, 60, 100))
"""Widths at which a quote is a matter of a few ticks."""

QUOTED: Final = TSE.replace(quote_width_table=NARROW)
RULEBOOKS: Final[dict[str, Rules]] = {
    **PRESETS,
    "start, keep place": START.replace(
        amend_mode=AmendMode.KEEP_ON_DECREASE,
        self_trade_same_account_only=False,
        auction_allocation=AuctionAllocation.PARTICIPANT_ROUND_ROBIN,
    ),
    "tse, narrow": QUOTED.replace(limit_broadening_days=1, limit_broadening_factor=2),
    "tse, by firm": QUOTED.replace(
        self_trade_same_account_only=False,
        self_trade_mode=SelfTradeMode.CANCEL_NEWEST,
        sequential_quote_widths=1,
    ),
    "tse, open end": QUOTED.replace(
        break_orders=BreakOrders.ALL,
        expire_at_closed=False,
        amend_mode=AmendMode.CANCEL_NEW,
        market_residual_after_opening=MarketResidual.VOID,
        stop_allocation=StopAllocation.EVERY_ITAYOSE,
        auction_allocation=AuctionAllocation.PRICE_TIME,
    ),
    "tse, no quotes": TSE.replace(special_quotes=False, self_trade_same_account_only=False),
    "ose, decrement": OSE.replace(
        self_trade_same_account_only=False, self_trade_mode=SelfTradeMode.DECREMENT
    ),
    "ose, pro rata": OSE.replace(auction_allocation=AuctionAllocation.PRO_RATA),
}
BANDS: Final = (3, 40, 63, 64, 65, 127, 128, 129, 191, 500)
"""Prices within the limits: about the boundaries of one, two and three words of 64 bits."""

WIDE: Final = (4_090, 4_096, 4_100, 8_200)
"""The same for a word of words: 64 times 64 prices. Drawn seldom, since they cost more."""

FIRMS: Final = tuple(ParticipantId(name) for name in ("A", "B", "C"))
FIRST_DAY: Final = date(2026, 11, 24)
TICK: Final = 10
SECOND: Final = 1_000_000_000
NAMES: Final = (InstrumentId("ONE"), InstrumentId("TWO"))
BUSY: Final = {
    Phase.CONTINUOUS: 240,
    Phase.PRE_OPEN: 90,
    Phase.PRE_CLOSE: 90,
    Phase.PRE_OPEN_NCP: 15,
    Phase.PRE_CLOSE_NCP: 15,
}
"""Most requests in a state; few in the others."""


class Script(NamedTuple):
    """What is played.

    Attributes:
        rulebook: A name in :data:`RULEBOOKS`.
        entries: Numbered commands; gaps are welcome.
    """

    rulebook: str
    entries: tuple[Entry, ...]


def issue_of(
    name: InstrumentId, band: int, *, two_ticks: bool = False, new: bool = False
) -> Instrument:
    """An issue with ``band`` prices within its limits; with two ticks the upper half is coarser."""
    half, odd = divmod(band - 1, 2)
    base = 100_000 + odd * TICK // 2
    coarse = (base // TICK * TICK, MAX_PRICE_SEN)
    ticks = (coarse, (TICK, 2 * TICK)) if two_ticks else ((MAX_PRICE_SEN,), (TICK,))
    return Instrument(
        instrument_id=name,
        isin="JP0000000001",
        name=f"Band of {band}",
        issued_units=Units(400),
        newly_listed=new,
        issue_price_sen=Sen(base),
        ticks=TickTable(table_id=7, up_to_sen=ticks[0], tick_sen=ticks[1]),
        limits=LimitTable(
            below_sen=(MAX_PRICE_SEN,), width_sen=(half * TICK + odd * TICK // 2 or TICK,)
        ),
    )


def _crowd(draw: random.Random, grid: Sequence[Sen]) -> list[Sen]:
    """The prices a script plays with: a few neighbours, the ends of words, or the whole band."""
    last = len(grid) - 1
    style = draw.randrange(3)
    if style == 0:
        start = draw.randrange(len(grid))
        return list(grid[start : start + draw.choice((2, 4, 9))])
    if style == 1:
        ends = (
            0,
            1,
            2,
            62,
            63,
            64,
            65,
            126,
            127,
            128,
            129,
            190,
            last // 2,
            last - 64,
            last - 1,
            last,
        )
        return [grid[place] for place in ends if 0 <= place <= last]
    return list(grid)


def _new_orders(draw: random.Random, issues: Sequence[Instrument], rules: Rules) -> list[NewOrder]:
    """A pool to draw from: commands are frozen, so one may be given many times."""
    chance, pool = draw.random, []
    sides, modes, validities = tuple(Side), tuple(SelfTradeMode), rules.validities.value
    buys = draw.choice((0.3, 0.5, 0.5, 0.7))
    patient = draw.choice((0.0, 0.5, 0.9))  # who wait on their own side, so that a book gets deep
    crowds = [
        _crowd(draw, issue.ticks.grid(*issue.daily_limits(issue.issue_price_sen)))
        for issue in issues
    ]
    for _ in range(200):
        which = draw.randrange(len(issues))
        side = sides[chance() >= buys]
        market = chance() < 0.12 and OrderKind.MARKET in rules.order_kinds.value
        price = NO_PRICE if market else draw.choice(crowds[which])
        validity = Validity.DAY if chance() < 0.6 else draw.choice(validities)
        if validity is Validity.DAY and price and chance() < patient:
            middle = len(crowds[which]) // 2
            own = crowds[which][: middle + 1] if side is Side.BUY else crowds[which][middle:]
            price = draw.choice(own)
        units = draw.randint(1, 9)
        if chance() < (0.1 if validity is Validity.DAY else 0.5):
            units = draw.randint(10, 60)
        if chance() < 0.01:
            price, units = draw.choice(((7, 1), (price, 0), (price, 500), (-10, 3), (200_000, 2)))
        firm = draw.choice(FIRMS)
        pool.append(
            NewOrder(
                participant_id=firm,
                session_id=SessionId(f"{firm}-1"),
                generation=1,
                req_id="",
                client_order_id=ClientOrderId("c"),
                instrument_id=issues[which].instrument_id,
                side=side,
                kind=OrderKind.MARKET if market else OrderKind.LIMIT,
                price_sen=Sen(price),
                quantity_units=Units(units),
                validity=validity,
                account=draw.choice(("", "", "X", "Y")),
                self_trade_mode=None if chance() < 0.5 else draw.choice(modes),
                size_confirmed=chance() < 0.95,
            )
        )
    return pool


class ScriptWriter:
    """Writes one script while the judge plays it, so that most requests name live orders."""

    def __init__(self, seed: int, bands: Sequence[int]) -> None:
        self.draw = draw = random.Random(seed)
        self.rulebook = tuple(RULEBOOKS)[seed % len(RULEBOOKS)]
        self.rules = rules = RULEBOOKS[self.rulebook]
        new = not draw.randrange(24)
        if len(bands) > 1 and not draw.randrange(16):
            bands = WIDE
        self.issues = [
            issue_of(name, draw.choice(bands), two_ticks=draw.random() < 0.2, new=new)
            for name in NAMES
        ]
        pool = _new_orders(draw, self.issues, rules)
        at_once = (Validity.IOC, Validity.FOK)
        self.in_calls = [one for one in pool if one.validity not in at_once] + pool[:4]
        self.at_once = [one for one in pool if one.validity is not Validity.NEXT_AUCTION] + pool[:4]
        self.pool = self.in_calls
        self.number = 0
        self.at_ns = 0
        self.known: list[tuple[OrderId, NewOrder]] = []
        self.due: list[tuple[int, Command]] = []
        self.disturbed = draw.choice((0.0, 0.01, 0.03))

    def _entry(self, command: Command) -> Entry:
        self.number += 1
        self.at_ns += 1_000 if self.number % 41 else 70 * SECOND
        number, at_ns = SequenceNo(self.number), TimeNs(self.at_ns)
        return Entry(sequence=number, at_ns=at_ns, command=command)

    def entries(self, judge: Engine, length: int) -> Iterator[Entry]:
        """Days in a row until the length is reached; the judge must play each before the next."""
        for issue in self.issues:
            yield self._entry(ListInstrument(instrument=issue))
        for day in itertools.count():
            yield self._entry(OpenDay(business_date=FIRST_DAY + timedelta(days=day)))
            for phase in self._phases():
                yield from self._phase(phase)
                busy = BUSY.get(phase, 3)
                self.pool = self.at_once if phase is Phase.CONTINUOUS else self.in_calls
                for _ in range(self.draw.randint(0, busy)):
                    yield self._entry(self._act(judge))
            yield self._entry(CloseDay())
            if self.number >= length:
                return

    def _phases(self) -> list[Phase]:
        """The preset's day, or, one day in four, states in any order."""
        if self.draw.random() < 0.25:
            return self.draw.choices(tuple(Phase), k=6)
        return [step.phase for step in self.rules.schedule.value]

    def _phase(self, phase: Phase) -> Iterator[Entry]:
        for issue in self.issues:
            yield self._entry(ChangePhase(instrument_id=issue.instrument_id, phase=phase))
            if phase in AUCTION_PHASES:
                yield self._entry(RunAuction(instrument_id=issue.instrument_id))

    def _act(self, judge: Engine) -> Command:
        draw = self.draw
        if self.due and self.due[0][0] <= self.number:
            return self.due.pop(0)[1]
        if self.rules.special_quotes.value and draw.random() < 0.1:
            quotes = judge.quotes_shown()
            if quotes:
                return self._renewal(*draw.choice(quotes))
        kind = draw.random()
        if kind >= 1.0 - self.disturbed:
            return self._disturbance()
        named = None if kind < 0.64 else self._target(judge)
        if named is None:
            command = draw.choice(self.pool)
            self.known.append((OrderId(self.number + 1), command))
            return command
        return _cancel(*named) if kind < 0.80 else self._amend(*named)

    def _target(self, judge: Engine) -> tuple[OrderId, NewOrder] | None:
        """An order the judge holds; now and then one that has ended; None when hard to find."""
        known, randrange = self.known, self.draw.randrange
        for _ in range(12):
            if not known:
                return None
            place = randrange(len(known))
            order_id, command = known[place]
            if judge.find(order_id) is not None or not randrange(30):
                return order_id, command
            known[place] = known[-1]
            known.pop()
        return None

    def _amend(self, order_id: OrderId, named: NewOrder) -> AmendOrder:
        draw = self.draw
        firm = named.participant_id
        price = draw.choice(self.pool).price_sen or None
        self.known.append((OrderId(self.number + 1), named))
        by_total = self.rules.amend_mode.value is AmendMode.REPLACE_TOTAL
        units = Units(draw.randint(1, 8)) if draw.random() < 0.8 else None
        return AmendOrder(
            participant_id=firm if draw.random() < 0.97 else draw.choice(FIRMS),
            session_id=SessionId(firm),
            generation=1,
            req_id="",
            client_order_id=ClientOrderId("d"),
            order_id=order_id,
            price_sen=price if named.price_sen and draw.random() < 0.6 else None,
            leaves_units=None if by_total else units,
            total_units=units if by_total else None,
        )

    def _renewal(self, name: InstrumentId, number: int, due_ns: TimeNs) -> RenewQuote:
        """A quote moves on, mostly when its time has come."""
        if self.draw.random() < 0.9:
            self.at_ns = max(self.at_ns, due_ns)
        return RenewQuote(instrument_id=name, quote_number=number)

    def _disturbance(self) -> Command:
        """Something the operator does; what would stop the market is put right soon after."""
        draw = self.draw
        issue = draw.choice(self.issues)
        name = issue.instrument_id
        kind = draw.random()
        soon = self.number + draw.randint(1, 20)
        if kind < 0.40:
            self.due.append((soon, Resume(instrument_id=name)))
            return Halt(instrument_id=name, reason="news")
        if kind < 0.80:
            base, width = issue.issue_price_sen, issue.limits.width_sen[0]
            self.due.append((soon, SetReferencePrice(instrument_id=name, reference_price_sen=base)))
            moved = Sen(base + draw.choice((-3, -1, 1, 2)) * width // 2)
            return SetReferencePrice(instrument_id=name, reference_price_sen=moved)
        if kind < 0.90:
            return ChangePhase(instrument_id=name, phase=draw.choice(tuple(Phase)))
        return draw.choice((RunAuction(instrument_id=name), Resume(instrument_id=name)))


def _cancel(order_id: OrderId, named: NewOrder) -> CancelOrder:
    firm = named.participant_id
    return CancelOrder(
        participant_id=firm, session_id=SessionId(firm), generation=1, req_id="", order_id=order_id
    )


def to_text(script: Script) -> str:
    """A script as lines: the rulebook, then one entry a line as in a journal."""
    lines = [script.rulebook, *(json.encode(entry).decode() for entry in script.entries)]
    return "\n".join(lines) + "\n"


def from_text(text: str) -> Script:
    """Read what :func:`to_text` wrote."""
    rulebook, *lines = text.splitlines()
    return Script(rulebook, tuple(json.decode(line, type=Entry) for line in lines if line))
