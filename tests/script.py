"""Stories as text: one line an act, and behind the arrow what must come of it.

    A buy 10 @ 100_500 -> rests 10       a limit order in yen; ids count the lines from 1
    B sell 5 market    -> trades 5 @ 100_500 with 1, done
    A cancel 1         -> ended 1 5 owner
    phase PreOpen
    cross              -> 100_000: 1+3 10, 2+3 2

An order line may end in words: ``ioc``, ``fok``, ``next`` (for the next auction), a self-trade mode,
``open``, ``close`` and ``funari`` (TSE's conditions), ``acc=X``. ``wait 180`` lets seconds pass, ``renew``
renews the last quote shown (``renew 3`` that quote). Amendments: ``A amend 1 @ 100_400 x 5``, or
``total 5`` with everything filled before. ``halt`` and ``resume`` stand alone. Left of the
arrow is played through the real engine; right of it is what its events say, written by
:func:`outcome`; nothing there means the outcome is not looked at. Invariants are checked after
every line.
"""

from collections.abc import Iterable
from datetime import date
from typing import Any

from books import NewBook

from market.commands import (
    NO_PRICE,
    AmendOrder,
    CancelOrder,
    ChangePhase,
    Command,
    Entry,
    Halt,
    NewOrder,
    RenewQuote,
    Resume,
    RunAuction,
    SetReferencePrice,
)
from market.events import (
    AuctionHeld,
    CommandRefused,
    Event,
    OrderAccepted,
    OrderAmended,
    OrderCanceled,
    OrderExpired,
    OrderReduced,
    QuoteEnded,
    QuoteShown,
    RequestRejected,
    Trade,
)
from market.ids import ClientOrderId, InstrumentId, OrderId, ParticipantId, SessionId
from market.instrument import TEN_YEN, TSE_LIMITS, Instrument
from market.quantities import SEN_PER_YEN, Sen, SequenceNo, TimeNs, Units
from market.rulebooks import START
from market.rules import Rules
from market.words import OrderKind, Phase, SelfTradeMode, Side, Validity
from matching.book import SortedBook
from matching.engine import Engine

NAME = InstrumentId("ST01")
DAY = date(2026, 11, 24)
ISSUE = Instrument(
    instrument_id=NAME,
    isin="JP0000000001",
    name="Story",
    issued_units=Units(10_000),
    issue_price_sen=Sen(10_000_000),
    ticks=TEN_YEN,
    limits=TSE_LIMITS,
)
SECOND = 1_000_000_000
WORDS = {
    "ioc": Validity.IOC, "fok": Validity.FOK, "next": Validity.NEXT_AUCTION,
    "open": Validity.ON_OPEN, "close": Validity.ON_CLOSE, "funari": Validity.FUNARI,
}  # fmt: skip


class Stage:
    """An engine with one issue on an open day, driven line by line.

    Attributes:
        events: Everything that happened so far.
    """

    def __init__(
        self,
        rules: Rules = START,
        phase: Phase = Phase.PRE_OPEN,
        issue: Instrument = ISSUE,
        new_book: NewBook = SortedBook,
    ) -> None:
        self.engine = Engine(rules, new_book)
        self.lines = 0
        self.at_ns = 0
        self.events: list[Event] = []
        self.engine.list_instrument(issue)
        self.engine.open_day(DAY)
        self.engine.change_phase(NAME, phase)

    def do(self, command: Command, number: int | None = None) -> list[Event]:
        """Apply one command, as entry ``number``, and check invariants."""
        entry = Entry(sequence=SequenceNo(number or 0), at_ns=TimeNs(self.at_ns), command=command)
        happened = self.engine.apply(entry)
        self.engine.check_invariants()
        self.events += happened
        return happened

    def line(self, text: str) -> list[Event]:
        """Play what stands left of an arrow."""
        words = text.split()
        match words[0]:
            case "phase":
                return self.do(ChangePhase(instrument_id=NAME, phase=Phase(words[1])))
            case "cross":
                return self.do(RunAuction(instrument_id=NAME))
            case "halt":
                return self.do(Halt(instrument_id=NAME, reason="story"))
            case "resume":
                return self.do(Resume(instrument_id=NAME))
            case "wait":
                self.at_ns += int(words[1]) * SECOND
                return []
            case "renew":
                number = int(words[1]) if len(words) > 1 else self.quote().quote_number
                return self.do(RenewQuote(instrument_id=NAME, quote_number=number))
            case "base":
                price = _sen(words[1])
                return self.do(SetReferencePrice(instrument_id=NAME, reference_price_sen=price))
        self.lines += 1
        return self.do(request(text, self.lines), self.lines)

    def quote(self) -> QuoteShown:
        """The last quote shown."""
        return next(one for one in reversed(self.events) if isinstance(one, QuoteShown))


def request(text: str, number: int) -> Command:
    """A request line as a command."""
    firm, verb, first, *rest = text.split()
    who: dict[str, Any] = {
        "participant_id": ParticipantId(firm),
        "session_id": SessionId(f"{firm}-1"),
    }
    if verb == "cancel":
        return CancelOrder(**who, generation=1, req_id="", order_id=OrderId(int(first)))
    if verb == "amend":
        pairs = dict(zip(rest[::2], rest[1::2], strict=True))
        return AmendOrder(
            **who,
            generation=1,
            req_id="",
            client_order_id=ClientOrderId(f"C{number}"),
            order_id=OrderId(int(first)),
            price_sen=_sen(pairs["@"]) if "@" in pairs else None,
            leaves_units=Units(int(pairs["x"])) if "x" in pairs else None,
            total_units=Units(int(pairs["total"])) if "total" in pairs else None,
        )
    market = rest[0] == "market"
    words = rest[1:] if market else rest[2:]
    validity = [WORDS[word] for word in words if word in WORDS]
    modes = [SelfTradeMode(word) for word in words if word in list(SelfTradeMode)]
    accounts = [word.removeprefix("acc=") for word in words if word.startswith("acc=")]
    return NewOrder(
        **who,
        generation=1,
        req_id="",
        client_order_id=ClientOrderId(f"C{number}"),
        instrument_id=NAME,
        side=Side(verb),
        kind=OrderKind.MARKET if market else OrderKind.LIMIT,
        price_sen=NO_PRICE if market else _sen(rest[1]),
        quantity_units=Units(int(first)),
        validity=validity[0] if validity else Validity.DAY,
        account=accounts[0] if accounts else "",
        self_trade_mode=modes[0] if modes else None,
    )


def outcome(events: Iterable[Event]) -> str:  # noqa: C901, PLR0912, PLR0915  one branch an event
    """What happened, in the words of a story."""
    said: list[str] = []
    pairs: list[str] = []
    entered: tuple[int, int] | None = None
    for event in events:
        match event:
            case OrderAccepted():
                entered = (event.order_id, event.quantity_units)
            case OrderAmended():
                if event.kept_priority:
                    said.append(f"keeps {event.order_id} {event.leaves_units}")
                else:
                    said.append(f"{event.old_order_id} is {event.order_id}")
                    entered = (event.order_id, event.leaves_units)
            case Trade(cross=True):
                mark = " own" if event.self_trade else ""
                pair = f"{event.buy_order_id}+{event.sell_order_id}"
                pairs.append(f"{pair} {event.quantity_units}{mark}")
                if entered is not None and entered[0] == event.buy_order_id:
                    entered = (event.buy_order_id, event.buy_leaves_units)
                if entered is not None and entered[0] == event.sell_order_id:
                    entered = (event.sell_order_id, event.sell_leaves_units)
            case Trade():
                order, left = event.buy_order_id, event.buy_leaves_units
                other = event.sell_order_id
                if entered is not None and entered[0] == other:
                    order, left, other = other, event.sell_leaves_units, order
                mark = " own" if event.self_trade else ""
                price = _yen(event.price_sen)
                said.append(f"trades {event.quantity_units} @ {price} with {other}{mark}")
                entered = (order, left)
            case OrderCanceled():
                said.append(f"ended {event.order_id} {event.canceled_units} {event.reason.value}")
                if entered is not None and entered[0] == event.order_id:
                    entered = None
            case OrderReduced():
                said.append(f"reduced {event.order_id} to {event.leaves_units}")
                if entered is not None and entered[0] == event.order_id:
                    entered = (event.order_id, event.leaves_units)
            case OrderExpired():
                said.append(f"expired {event.order_id} {event.expired_units}")
            case AuctionHeld():
                said.insert(0, _cross(event, pairs))
            case QuoteShown():
                kind, side = event.kind.value, event.side.value
                said.append(f"{kind} {side} {_yen(event.price_sen)}")
            case QuoteEnded():
                said.append("quote ends")
            case RequestRejected() | CommandRefused():
                said.append(event.reason.value)
            case _:
                pass
    if entered is not None:
        said.append(f"rests {entered[1]}" if entered[1] else "done")
    return ", ".join(said)


def play(
    story: str, rules: Rules = START, phase: Phase = Phase.PRE_OPEN, issue: Instrument = ISSUE
) -> Stage:
    """Play a story through a fresh engine, comparing each line that says what comes of it."""
    stage = Stage(rules, phase, issue)
    for line in story.strip().splitlines():
        act, arrow, expected = line.partition("->")
        told = outcome(stage.line(act.strip()))
        if arrow:
            assert told == " ".join(expected.split()), line.strip()
    return stage


def _cross(event: AuctionHeld, pairs: list[str]) -> str:
    if event.skipped:
        return "skipped"
    if event.price_sen is None:
        return "no price"
    return f"{_yen(event.price_sen)}: " + ", ".join(pairs)


def _sen(text: str) -> Sen:
    return Sen(int(text) * SEN_PER_YEN)


def _yen(price_sen: Sen) -> str:
    return f"{price_sen // SEN_PER_YEN:_}"
