"""An oracle of the whole market but settlement: what each command must come to, worked out anew.

Beside one slow book an issue (oracle_book.py) it keeps plain lists of sessions, requests and orders,
and adds up what every firm has promised from those lists at every question. It shares no code with
the rooms it judges; what a firm owns and owes it takes from the auditor, who knows it from events.
Slow and obvious on purpose.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import msgspec
from auditor import Auditor
from oracle_book import Line, Paper
from oracle_quotes import QuotedOracle

from market.business_days import is_business_day, next_business_day
from market.commands import (
    ActOnDelivery,
    AmendOrder,
    BustTrade,
    CancelOnDisconnect,
    CancelOrder,
    ChangePhase,
    CloseDay,
    CloseSession,
    DepositUnits,
    DepositYen,
    Halt,
    Kill,
    MassCancel,
    NewOrder,
    OpenDay,
    OpenSession,
    ParticipantLimits,
    PublishBasePrices,
    RenewQuote,
    ReportErrorTrade,
    Request,
    Resume,
    RevokeKey,
    RunAuction,
    RunSettlement,
    SetNetAssetValue,
    SetReferencePrice,
    WithdrawYen,
)
from market.events import (
    DayOpened,
    Event,
    InstrumentListed,
    KeyRegistered,
    ParticipantRegistered,
    ParticipantUnkilled,
    ReferencePriceSet,
    Trade,
    TransferControlSet,
)
from market.rules import Rules


@dataclass
class Firm:
    """What was admitted."""

    limits: ParticipantLimits
    killed: bool = False


@dataclass
class Door:
    """One session: who may use it, and how often it was opened."""

    firm: str
    generation: int = 0
    live: bool = False
    mode: str = "off"
    key: str = ""
    grace: bool = False


@dataclass
class Known:
    """One order of the day or still open, under every id and name it ever had."""

    firm: str
    session: str
    issue: str
    numbers: list[int]
    names: list[str]
    market: bool
    short: bool


@dataclass
class Expected:
    """What a command must come to.

    Attributes:
        answer: "done", "repeated" or the code of a refusal; None when nobody is asking.
        lines: What each issue must say.
    """

    answer: str | None = None
    lines: dict[str, list[Line]] = field(default_factory=dict)
    generation: int | None = None


class OracleDesk:
    """The venue on paper."""

    def __init__(self, rules: Rules, auditor: Auditor) -> None:
        self.rules = rules
        self.auditor = auditor
        self.books: dict[str, QuotedOracle] = {}
        self.firms: dict[str, Firm] = {}
        self.sessions: dict[str, Door] = {}
        self.keys: dict[str, str] = {}
        self.revoked: list[str] = []
        self.asked: list[tuple[str, str, list[Any]]] = []
        self.orders: list[Known] = []
        self.taken: list[DepositYen | WithdrawYen | DepositUnits] = []
        self.shut: list[str] = []
        self.upper: dict[str, int] = {}
        self.date: Any = None
        self.is_open = False
        self.told_for: Any = None
        self.errors: dict[str, dict[int, int]] = {}
        self.last_trade = 0

    # --- what is asked, before it happens

    def expect(self, number: int, command: object, now: int) -> Expected:  # noqa: C901, PLR0912  one arm a command
        """Work out a command, and take it as done."""
        for book in self.books.values():
            book.now = now
            book.trades = self.last_trade
        match command:
            case NewOrder():
                return self._new(number, command)
            case AmendOrder():
                return self._amend(number, command)
            case CancelOrder():
                return self._cancel(command)
            case MassCancel() | Kill():
                return self._mass(command)
            case ActOnDelivery():
                return self._word(command)
            case OpenSession():
                return self._open_session(command)
            case CloseSession():
                return self._close_session(command)
            case CancelOnDisconnect():
                return self._grace_over(command)
            case RevokeKey():
                return self._revoke(command)
            case OpenDay():
                return self._open_day(command)
            case PublishBasePrices():
                return self._publish(command)
            case CloseDay():
                return self._close_day(command)
            case DepositYen() | WithdrawYen() | DepositUnits():
                return Expected(self._refuse_counter(command) or "done")
            case ReportErrorTrade():
                return self._report_error(number, command)
            case BustTrade():
                return self._bust(command)
            case RunSettlement():
                return Expected(None if self.is_open else "PHASE_CLOSED")
            case (
                ChangePhase()
                | RunAuction()
                | SetReferencePrice()
                | RenewQuote()
                | SetNetAssetValue()
                | Halt()
                | Resume()
            ):
                return self._issue(number, command)
        return Expected()

    def _open_day(self, command: OpenDay) -> Expected:
        if self.is_open:
            return Expected("PHASE_CLOSED")
        day = command.business_date
        if not is_business_day(day) or (self.date is not None and day <= self.date):
            return Expected("OUT_OF_RANGE")
        self.date, self.is_open, self.told_for = day, True, None
        self.asked = []
        self.orders = [known for known in self.orders if self.resting(known)]
        for issue in list(self.errors):
            if all(self._final(trade) for trade in self.errors[issue]):
                del self.errors[issue]
        lines = {name: book.apply(0, command) for name, book in self.books.items()}
        return Expected("done", lines)

    def _publish(self, command: PublishBasePrices) -> Expected:
        if self.is_open:
            return Expected("PHASE_CLOSED")
        if self.date is None or command.business_date != next_business_day(self.date):
            return Expected("OUT_OF_RANGE")
        if self.told_for is not None:
            return Expected("DUPLICATE")
        self.told_for = command.business_date
        return Expected("done", {name: book.announced() for name, book in self.books.items()})

    def _close_day(self, command: CloseDay) -> Expected:
        if not self.is_open:
            return Expected("PHASE_CLOSED")
        self.is_open = False
        return Expected("done", {name: book.apply(0, command) for name, book in self.books.items()})

    def _final(self, trade: int) -> str | None:
        """Why a trade can be neither reported nor voided."""
        for delivery, terms in self.auditor.terms.items():
            if terms.trade_id == trade:
                over = self.auditor.states[delivery] in ("finished", "canceled", "paid")
                over |= self.auditor.units_posted[delivery] > 0
                return "ALREADY_FINAL" if over else None
        return "UNKNOWN_TRADE"

    def _above(self, issue: str, percent: int) -> bool:
        units = sum(self.errors.get(issue, {}).values())
        return percent > 0 and units * 100 > self.auditor.issued[issue] * percent

    def _report_error(self, number: int, command: ReportErrorTrade) -> Expected:
        named = list(command.trade_ids)
        if (command.order_id is None) == (not named) or len(set(named)) != len(named):
            return Expected("INVALID_COMBINATION")
        if command.order_id is not None:
            named = [
                trade.trade_id
                for trade in self.auditor.trades.values()
                if command.order_id in (trade.buy_order_id, trade.sell_order_id)
                and self._final(trade.trade_id) is None
            ]
            if not named:
                return Expected("UNKNOWN_TRADE")
        for reason in ("UNKNOWN_TRADE", "ALREADY_FINAL"):
            if reason in [self._final(trade) for trade in named]:
                return Expected(reason)
        issues = {self.auditor.trades[trade].instrument_id for trade in named}
        if len(issues) > 1:
            return Expected("INVALID_COMBINATION")
        (issue,) = issues
        known = self.errors.setdefault(issue, {})
        known |= {trade: self.auditor.trades[trade].quantity_units for trade in named}
        book = self.books[issue]
        lines: list[Line] = []
        if self._above(issue, self.rules.error_trade_halt_percent.value) and not book.halted:
            lines = book.apply(number, Halt(instrument_id=issue, reason=""))
        return Expected("done", {issue: lines})

    def _bust(self, command: BustTrade) -> Expected:
        refusal = self._final(command.trade_id)
        if refusal:
            return Expected(refusal)
        issue = self.auditor.trades[command.trade_id].instrument_id
        named = command.trade_id in self.errors.get(issue, {})
        by_rule = named and self._above(issue, self.rules.error_trade_bust_percent.value)
        if not by_rule and not command.override:
            return Expected("BUST_NOT_ALLOWED")
        book = self.books[issue]
        is_of_today = command.trade_id in [number for number, _ in book.day_trades]
        lines = book.bust(command.trade_id, at_night=not self.is_open)
        if is_of_today and self.told_for is not None:
            lines = [lines[0], *book.announced(), *lines[1:]]
        return Expected("done", {issue: lines})

    def _issue(self, number: int, command: Any) -> Expected:
        book = self.books.get(command.instrument_id)
        if book is None:
            return Expected("UNKNOWN_INSTRUMENT")
        by_day = isinstance(command, ChangePhase | RunAuction | SetReferencePrice | RenewQuote)
        if by_day and not self.is_open:
            return Expected("PHASE_CLOSED")
        if isinstance(command, SetReferencePrice) and command.reference_price_sen < 1:
            return Expected("OUT_OF_RANGE")
        if isinstance(command, SetNetAssetValue) and command.nav_sen < 0:
            return Expected("OUT_OF_RANGE")
        lines = book.apply(number, command)
        if lines and lines[0][0] == "refused":
            return Expected(lines[0][1])
        return Expected("done" if lines else "nothing", {command.instrument_id: lines})

    def _refuse_counter(self, command: DepositYen | WithdrawYen | DepositUnits) -> str | None:
        firm = command.participant_id
        for earlier in self.taken:
            if (earlier.participant_id, earlier.reference) == (firm, command.reference):
                return "DUPLICATE" if earlier == command else "ID_CONFLICT"
        if firm not in self.firms:
            return "NOT_ENTITLED"
        if isinstance(command, DepositUnits):
            issue = command.instrument_id
            if issue not in self.books:
                return "UNKNOWN_INSTRUMENT"
            if command.quantity_units < 1:
                return "OUT_OF_RANGE"
            rest = self.auditor.issued[issue] - self.auditor.allotted[issue]
            if command.quantity_units > rest:
                return "INSUFFICIENT_HOLDING"
            if issue in self.shut:
                return "TRANSFER_RESTRICTED"
        elif command.amount_yen < 1:
            return "OUT_OF_RANGE"
        if isinstance(command, WithdrawYen):
            free = self.auditor.yen[firm] - self.held_yen(firm) - self.owed_yen(firm)
            if command.amount_yen > free:
                return "INSUFFICIENT_CASH"
        self.taken.append(command)
        return None

    # --- sessions

    def _open_session(self, command: OpenSession) -> Expected:
        session = self.sessions.get(command.session_id)
        if session is None or self.keys.get(command.key_id) != command.session_id:
            return Expected("AUTH_FAILED")
        if command.key_id in self.revoked:
            return Expected("AUTH_FAILED")
        if session.live and not command.takeover:
            return Expected("SESSION_ACTIVE")
        session.generation += 1
        session.live, session.grace, session.key = True, False, command.key_id
        default = "on" if self.rules.cancel_on_disconnect.value else "off"
        session.mode = command.disconnect_mode.value if command.disconnect_mode else default
        return Expected("done", generation=session.generation)

    def _close_session(self, command: CloseSession) -> Expected:
        session = self.sessions.get(command.session_id)
        if session is None or not session.live or session.generation != command.generation:
            return Expected("nothing")
        session.live = False
        if command.orderly:
            why = "owner" if command.cancel_open else ""
        else:
            why = "disconnect" if session.mode == "on" else ""
            session.grace = session.mode == "grace"
        theirs = [known for known in self.orders if known.session == command.session_id]
        return Expected("done", self._take_off(theirs, why)[0] if why else {})

    def _grace_over(self, command: CancelOnDisconnect) -> Expected:
        session = self.sessions.get(command.session_id)
        if session is None or not session.grace or session.generation != command.generation:
            return Expected("nothing")
        session.grace = False
        theirs = [known for known in self.orders if known.session == command.session_id]
        lines, _ = self._take_off(theirs, "disconnect")
        return Expected("done" if lines else "nothing", lines)

    def _revoke(self, command: RevokeKey) -> Expected:
        if command.key_id not in self.keys:
            return Expected("NOT_ENTITLED")
        if command.key_id in self.revoked:
            return Expected("DUPLICATE")
        self.revoked.append(command.key_id)
        name = self.keys[command.key_id]
        session = self.sessions[name]
        if not session.live or session.key != command.key_id:
            return Expected("done")
        session.live = False
        session.grace = session.mode == "grace"
        theirs = [known for known in self.orders if known.session == name]
        return Expected(
            "done", self._take_off(theirs, "disconnect")[0] if session.mode == "on" else {}
        )

    def _refuse_session(self, command: Request) -> str | None:
        session = self.sessions.get(command.session_id)
        if session is None or not session.live or session.generation != command.generation:
            return "STALE_GENERATION"
        return None if session.firm == command.participant_id else "NOT_ENTITLED"

    def _word(self, command: ActOnDelivery) -> Expected:
        """Session, legal order and name; what it says of the delivery is not this desk's."""
        refused = self._refuse_session(command)
        if refused is None and getattr(command.act, "legal_order", False):
            refused = "NOT_ENTITLED"
        return Expected(refused or self._recall(command))

    def _recall(self, command: NewOrder | AmendOrder | ActOnDelivery) -> str | None:
        carried = ("participant_id", "session_id", "generation", "req_id")
        names = [name for name in command.__struct_fields__ if name not in carried]
        content = [type(command).__name__, *[getattr(command, name) for name in names]]
        if isinstance(command, ActOnDelivery):
            own = command.client_request_id
        else:
            own = command.client_order_id
        for firm, name, earlier in self.asked:
            if (firm, name) == (command.participant_id, own):
                return "repeated" if earlier == content else "ID_CONFLICT"
        self.asked.append((command.participant_id, own, content))
        return None

    # --- orders

    def resting(self, known: Known) -> Paper | None:
        """The order on its book, or None when it ended."""
        return self.books[known.issue].find(known.numbers[-1], known.firm)

    def _find(self, command: AmendOrder | CancelOrder) -> Known | str:
        found: list[Known] = []
        if command.order_id is not None:
            found += [k for k in self.orders if command.order_id in k.numbers]
            if not found or found[0].firm != command.participant_id:
                return "UNKNOWN_ORDER"
        if command.original_client_order_id is not None:
            named = [
                k
                for k in self.orders
                if k.firm == command.participant_id and command.original_client_order_id in k.names
            ]
            if not named or (found and found[0] is not named[0]):
                return "UNKNOWN_ORDER"
            found = named
        if not found:
            return "UNKNOWN_ORDER"
        return found[0] if self.resting(found[0]) else "ALREADY_TERMINAL"

    def _name(self, known: Known, name: str) -> None:
        """A name leads to one order: the last that got it."""
        for other in self.orders:
            if other.firm == known.firm and name in other.names:
                other.names.remove(name)
        known.names.append(name)

    def _new(self, number: int, command: NewOrder) -> Expected:
        refusal = self._refuse_session(command) or self._recall(command)
        if refusal:
            return Expected(refusal)
        if self.firms[command.participant_id].killed:
            return Expected("KILLED")
        book = self.books.get(command.instrument_id)
        if book is None:
            return Expected("UNKNOWN_INSTRUMENT")
        market = command.kind.value == "market"
        refusal = book.refuse_new(command) or self._risk(
            command.participant_id,
            command.instrument_id,
            command.side.value,
            self.upper.get(command.instrument_id, 0)
            if market or command.validity.value == "funari"
            else command.price_sen,
            command.quantity_units,
            short=command.short_sale is not None,
        )
        refusal = refusal or book.refuse_meeting_itself(command)
        if refusal:
            return Expected(refusal)
        lines = book.apply(number, command)
        known = Known(
            command.participant_id,
            command.session_id,
            command.instrument_id,
            [number],
            [],
            market,
            command.short_sale is not None,
        )
        self.orders.append(known)
        self._name(known, command.client_order_id)
        return Expected("done", {command.instrument_id: lines})

    def _amend(self, number: int, command: AmendOrder) -> Expected:
        refusal = self._refuse_session(command) or self._recall(command)
        if refusal:
            return Expected(refusal)
        if self.firms[command.participant_id].killed:
            return Expected("KILLED")
        known = self._find(command)
        if isinstance(known, str):
            return Expected(known)
        paper = self.resting(known)
        assert paper is not None
        book = self.books[known.issue]
        refusal = book.refuse_amend(paper, command) or self._risk(
            known.firm,
            known.issue,
            paper.side,
            self._price(known, paper)
            if command.price_sen is None or paper.validity == "funari"
            else command.price_sen,
            self._left_by(book, paper, command),
            instead_of=known,
        )
        refusal = refusal or book.refuse_amending_into_itself(paper, command)
        if refusal:
            lines = book.after_refusal(paper, refusal)
            return Expected(refusal, {known.issue: lines})
        plain = msgspec.structs.replace(
            command, order_id=paper.number, original_client_order_id=None
        )
        dead = book.is_dead(paper, command)
        lines = book.apply(number, plain)
        if dead:
            return Expected("done", {known.issue: lines})
        if not lines[0][-1]:
            known.numbers.append(number)
        known.session = command.session_id
        self._name(known, command.client_order_id)
        return Expected("done", {known.issue: lines})

    def _left_by(self, book: QuotedOracle, paper: Paper, command: AmendOrder) -> int:
        asked = book.asked_left(paper, command)
        return paper.left if asked is None else asked

    def _cancel(self, command: CancelOrder) -> Expected:
        refusal = self._refuse_session(command)
        if refusal:
            return Expected(refusal)
        known = self._find(command)
        if isinstance(known, str):
            return Expected(known)
        refusal = self.books[known.issue].refuse_cancel()
        if refusal:
            return Expected(refusal)
        return Expected("done", self._take_off([known], "owner")[0])

    def _mass(self, command: MassCancel | Kill) -> Expected:
        refusal = self._refuse_session(command)
        if refusal:
            return Expected(refusal)
        theirs = [known for known in self.orders if known.firm == command.participant_id]
        if isinstance(command, Kill):
            self.firms[command.participant_id].killed = True
            return Expected("done", self._take_off(theirs, "kill")[0])
        chosen = []
        for known in theirs:
            paper = self.resting(known)
            if command.scope.value == "session" and known.session != command.session_id:
                continue
            if command.instrument_id not in (None, known.issue):
                continue
            if paper and command.side is not None and paper.side != command.side.value:
                continue
            chosen.append(known)
        return Expected("done", self._take_off(chosen, "mass")[0])

    def _take_off(self, chosen: list[Known], why: str) -> tuple[dict[str, list[Line]], int]:
        lines: dict[str, list[Line]] = {}
        kept = 0
        for known in sorted(chosen, key=lambda one: one.numbers[-1]):
            paper = self.resting(known)
            book = self.books[known.issue]
            if paper is None:
                continue
            if book.refuse_cancel():
                kept += 1
            else:
                lines.setdefault(known.issue, []).extend(book.cancel(paper, why))
        return lines, kept

    # --- promises

    def _price(self, known: Known, paper: Paper) -> int:
        at_upper = paper.price is None or paper.validity == "funari"
        return self.upper[known.issue] if at_upper else paper.price or 0

    def held_yen(self, firm: str, without: Known | None = None) -> int:
        """What the firm's open buy orders reserve, each rounded up to whole yen."""
        total = 0
        for known in self.orders:
            paper = self.resting(known)
            if known.firm == firm and known is not without and paper and paper.side == "buy":
                total += (self._price(known, paper) * paper.left + 99) // 100
        return total

    def held_units(self, firm: str, issue: str, without: Known | None = None) -> int:
        """What the firm's open sell orders of one issue reserve."""
        total = 0
        for known in self.orders:
            paper = self.resting(known)
            if (known.firm, known.issue) == (firm, issue) and known is not without and paper:
                total += paper.left if paper.side == "sell" else 0
        return total

    def owed_yen(self, firm: str) -> int:
        """What the firm still has to pay for what it bought."""
        total = 0
        for delivery, terms in self.auditor.terms.items():
            if terms.buyer == firm and self.auditor.states[delivery] not in (
                "finished",
                "canceled",
            ):
                total += terms.amount_yen - self.auditor.yen_posted[delivery]
        return total

    def owed_units(self, firm: str, issue: str) -> int:
        """What the firm still has to deliver of what it sold."""
        total = 0
        for delivery, terms in self.auditor.terms.items():
            if self.auditor.states[delivery] in ("finished", "canceled"):
                continue
            if (terms.seller, terms.instrument_id) == (firm, issue):
                total += terms.quantity_units - self.auditor.units_posted[delivery]
        return total

    def open_orders(self, firm: str) -> list[int]:
        """Numbers of the firm's orders on the books."""
        return sorted(k.numbers[-1] for k in self.orders if k.firm == firm and self.resting(k))

    def _risk(
        self,
        firm: str,
        issue: str,
        side: str,
        price: int,
        units: int,
        *,
        instead_of: Known | None = None,
        short: bool = False,
    ) -> str | None:
        if instead_of is not None and units <= 0:
            return None
        limits = self.firms[firm].limits
        if units > limits.max_order_units:
            return "FIRM_QTY_LIMIT"
        if price * units > limits.max_order_value_yen * 100:
            return "ORDER_VALUE_LIMIT"
        if instead_of is None and len(self.open_orders(firm)) >= limits.max_open_orders:
            return "OPEN_ORDER_LIMIT"
        old = self.resting(instead_of) if instead_of else None
        if side == "buy":
            wanted = (price * units + 99) // 100
            now = (
                0
                if old is None or instead_of is None
                else (self._price(instead_of, old) * old.left + 99) // 100
            )
            free = self.auditor.yen[firm] + limits.credit_yen - self.owed_yen(firm)
            short = wanted > free - self.held_yen(firm, instead_of)
            return "INSUFFICIENT_CASH" if short and wanted > now else None
        if short or (instead_of and instead_of.short):
            return None
        if limits.short_units_allowed or not self.rules.sell_holding_check.value:
            return None
        free = self.auditor.units[issue, firm] - self.owed_units(firm, issue)
        short = units > free - self.held_units(firm, issue, instead_of)
        return "INSUFFICIENT_HOLDING" if short and (old is None or units > old.left) else None

    # --- what happened

    def learn(self, events: Iterable[Event]) -> None:
        """Take in what this oracle does not work out itself: admissions, and trade numbers."""
        for event in events:
            match event:
                case ParticipantRegistered():
                    firm = self.firms.setdefault(event.participant_id, Firm(event.limits))
                    firm.limits = event.limits
                case ParticipantUnkilled():
                    self.firms[event.participant_id].killed = False
                case KeyRegistered():
                    self.keys[event.key_id] = event.session_id
                    self.sessions.setdefault(event.session_id, Door(event.participant_id))
                case InstrumentListed():
                    name = event.instrument.instrument_id
                    self.books[name] = QuotedOracle(self.rules, event.instrument)
                case DayOpened():
                    if not any(self.resting(known) for known in self.orders):
                        self.upper.clear()
                case ReferencePriceSet():
                    before = self.upper.get(event.instrument_id, 0)
                    self.upper[event.instrument_id] = max(before, event.upper_limit_sen)
                case TransferControlSet():
                    self.shut = [name for name in self.shut if name != event.instrument_id]
                    self.shut += [] if event.executable else [event.instrument_id]
                case Trade():
                    self.last_trade = event.trade_id
                case _:
                    pass
