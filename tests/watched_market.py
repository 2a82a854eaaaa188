"""A whole market under watch: the real core, and after every command everything that must hold.

Nobody is mocked. Beside the core stand the auditor (balances from events alone) and the desk oracle
(every answer, trade and hold worked out anew); reports and market data are drained as a venue would.
:meth:`WatchedMarket.replay` plays the journal again, from its bytes, into a fresh core.
"""

import json
from typing import Any

import msgspec
from auditor import Auditor
from oracle_book import told
from oracle_desk import Expected, OracleDesk

from market.commands import Command, Entry, OpenVenue, Request
from market.events import (
    AuctionExtended,
    AuctionHeld,
    BasePriceAnnounced,
    ClosingPriceSet,
    CommandRefused,
    Event,
    IndicativePriceChanged,
    NetAssetValueSet,
    OrderAccepted,
    OrderAmended,
    OrderCanceled,
    OrderExpired,
    OrderReduced,
    OrderReleased,
    PhaseChanged,
    QuoteEnded,
    QuoteShown,
    Reconciled,
    ReferencePriceSet,
    RequestRejected,
    RequestRepeated,
    SessionOpened,
    SessionRefused,
    Trade,
    TradingHalted,
    TradingResumed,
)
from market.ids import InstrumentId, ParticipantId
from market.quantities import SequenceNo, TimeNs
from market.words import Phase, Side
from venue.core import Core
from venue.settings import rules_of

OF_A_BOOK = (
    AuctionExtended, AuctionHeld, BasePriceAnnounced, ClosingPriceSet, IndicativePriceChanged, NetAssetValueSet, OrderAccepted, OrderAmended, OrderCanceled, OrderExpired,
    OrderReduced, OrderReleased, PhaseChanged, QuoteEnded, QuoteShown, ReferencePriceSet, Trade, TradingHalted, TradingResumed,
)  # fmt: skip
CHANGES_NOTHING = (CommandRefused, RequestRejected, RequestRepeated, SessionRefused)
_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(Entry).decode


class WatchedMarket:
    """One run, from its first command.

    Attributes:
        core: The market.
        entries: The journal so far.
        reports: Every report, as (session, number, bytes).
        messages: Every market data message, as bytes.
        refusals: How often each code was answered.
    """

    def __init__(self, opening: OpenVenue, *, start_ns: int = 1_795_000_000_000_000_000) -> None:
        self.core = Core()
        self.auditor = Auditor()
        self.rules = rules_of(opening)
        self.desk = OracleDesk(self.rules, self.auditor)
        self.entries: list[Entry] = []
        self.reports: list[tuple[str, int, bytes]] = []
        self.messages: list[bytes] = []
        self.events: list[Event] = []
        self.refusals: dict[str, int] = {}
        self.heads: dict[str, int] = {}
        self.owner: dict[str, str] = {}
        self._at_ns = start_ns
        self._rooms: list[Any] = []
        self.do(opening)

    def do(self, command: Command, at_ns: int | None = None) -> list[Event]:
        """Apply one command and check everything."""
        self._at_ns = max(self._at_ns + 1_000_000, at_ns or 0)
        number = SequenceNo(len(self.entries) + 1)
        entry = Entry(sequence=number, at_ns=TimeNs(self._at_ns), command=command)
        expected = self.desk.expect(number, command, self._at_ns)
        self.entries.append(entry)
        events = self.core.apply(entry)
        self.events += events
        self.auditor.read(events)
        self.desk.learn(events)
        made = [(str(session), seq, payload) for session, seq, payload in self.core.reports.drain()]
        self.reports += made
        self.messages += [message.payload for message in self.core.feeds.drain()]
        for event in events:
            if isinstance(event, RequestRejected | CommandRefused | SessionRefused):
                code = event.reason.value
                self.refusals[code] = self.refusals.get(code, 0) + 1
        self._check_answer(command, events, expected)
        self._check_reports(command, events, made)
        self._check_rooms(events)
        self._check_balances()
        return events

    def pass_time(self, at_ns: int) -> None:
        """The next command is not before this time."""
        self._at_ns = max(self._at_ns, at_ns)

    # --- what must hold after every command

    def _check_answer(self, command: Command, events: list[Event], expected: Expected) -> None:
        """Every issue says what the slow list says, and the asker is told what it worked out."""
        for name in self.desk.books:
            of_issue = [
                event
                for event in events
                if isinstance(event, OF_A_BOOK) and event.instrument_id == name
            ]
            wanted = expected.lines.get(name, [])
            assert told(of_issue) == wanted, (name, command)
        if expected.answer is None:
            return
        first = events[0] if events else None
        if isinstance(first, CHANGES_NOTHING):
            answer = "repeated" if isinstance(first, RequestRepeated) else first.reason.value
            if not any(expected.lines.values()):
                assert len(events) == 1, "a refusal is the whole answer"
        else:
            answer = "done" if events else "nothing"
        assert answer == expected.answer, command
        if isinstance(first, SessionOpened):
            assert first.generation == expected.generation
            assert first.next_report_seq == self.heads.get(first.session_id, 0) + 1

    def _check_reports(
        self, command: Command, events: list[Event], made: list[tuple[str, int, bytes]]
    ) -> None:
        """Numbers go on without a gap; who asked gets one answer; nobody hears of others' orders."""
        for event in events:
            if isinstance(event, OrderAccepted | OrderAmended):
                self.owner[f"O-{event.order_id}"] = event.participant_id
        answers = []
        for session, seq, payload in made:
            last = self.heads.get(session, 0)
            report = json.loads(payload)
            assert (seq, report["seq"], report["prev_seq"]) == (last + 1, last + 1, last)
            self.heads[session] = seq
            if "method" in report:
                answers.append((session, report))
                continue
            order = report["data"].get("order_id")
            if order is not None:
                assert self.owner[order] == self.desk.sessions[session].firm, "private to its firm"
        if not isinstance(command, Request):
            assert not answers
            return
        ((session, report),) = answers
        assert (session, report["req_id"]) == (command.session_id, command.req_id)
        rejected = isinstance(events[0], RequestRejected)
        if not isinstance(events[0], RequestRepeated):
            assert report["ok"] is not rejected
        if isinstance(events[0], RequestRejected):
            assert report["error"]["code"] == events[0].reason.value

    def _check_rooms(self, events: list[Event]) -> None:
        """Each room keeps its promises, a refusal moved nothing, no continuous book is crossed."""
        core = self.core
        core.check_invariants()
        rooms = [core.engine.state(), core.risk.state(), core.settlement.state(),
                 core.participants.state()]  # fmt: skip
        if all(isinstance(event, CHANGES_NOTHING) for event in events) and events:
            assert rooms == self._rooms, "a refusal leaves no trace"
        self._rooms = rooms
        for name in core.engine.instrument_ids():
            self._check_depth(name)
            at_once = core.engine.phase(name) is Phase.CONTINUOUS
            if at_once and not core.engine.is_suspended(name) and not self.desk.books[name].quote:
                book = core.engine.book(name)
                bids, asks = book.levels(Side.BUY), book.levels(Side.SELL)
                assert not bids or not asks or bids[0].price_sen < asks[0].price_sen
        for event in events:
            if isinstance(event, Reconciled):
                assert not event.breaks

    def _check_depth(self, name: InstrumentId) -> None:
        """What everyone sees is the book, and orders that wait aside are not on it."""
        book, depth = self.core.engine.book(name), self.core.feeds.issues[name].depth
        for side, seen in ((Side.BUY, depth.bids), (Side.SELL, depth.asks)):
            levels = {one.price_sen: [one.units, one.orders] for one in book.levels(side)}
            assert levels == seen.levels
            assert book.market_units(side) == seen.market_units
        queue = [order.order_id for side in Side for order in book.queue(side)]
        assert queue == [order.order_id for order in depth.in_priority()]

    def _check_balances(self) -> None:
        """Ledger, register and risk agree with sums made from events alone."""
        assert self.auditor.verdict() == []
        core, desk = self.core, self.desk
        for firm, account in core.risk.accounts.items():
            assert core.settlement.owned_yen(firm) == self.auditor.yen[firm]
            assert account.held_yen == desk.held_yen(firm)
            assert account.owed_yen == desk.owed_yen(firm)
            assert list(core.answers.open_orders(firm)) == desk.open_orders(firm)
            for name in core.engine.instrument_ids():
                position = account.positions.get(name)
                held, owed = (position.held_units, position.owed_units) if position else (0, 0)
                assert core.settlement.owned_units(firm, name) == self.auditor.units[name, firm]
                assert (held, owed) == (desk.held_units(firm, name), desk.owed_units(firm, name))

    # --- what must hold of a whole run

    def replay(self) -> None:
        """The same bytes in give the same bytes out, and the same digest, watched or not."""
        fresh = Core()
        reports: list[tuple[str, int, bytes]] = []
        messages: list[bytes] = []
        for entry in self.entries:
            fresh.apply(_decode(_encode(entry)))
            made = fresh.reports.drain()
            reports += [(str(session), seq, payload) for session, seq, payload in made]
            messages += [message.payload for message in fresh.feeds.drain()]
        assert reports == self.reports
        assert messages == self.messages
        assert fresh.digest() == self.core.digest()

    # --- reading

    def trades(self) -> list[Trade]:
        """All trades so far."""
        return [event for event in self.events if isinstance(event, Trade)]

    def firms(self) -> list[ParticipantId]:
        """Everybody admitted."""
        return [ParticipantId(name) for name in self.desk.firms]

    def issues(self) -> list[InstrumentId]:
        """Everything listed."""
        return [InstrumentId(name) for name in self.desk.books]
