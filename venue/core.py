"""The market as a function of its journal: one step a command, in a fixed order, no I/O, no await.

```
 command ─▶ 1 participants   is the session live, was this answered before, may the firm?
            2 matching       is the market open for this, are the values right?
            3 participants   hold cash or units, or refuse
            ── nothing below this line can fail ──
            4 matching       rest, cross in an auction, or trade at once ─▶ events
            5 each event ─▶  risk (release or convert holds), answers, settlement (obligations,
                             both legs, register), feeds (depth, tape)
            6 reports        the step's events as numbered reports of each session
```

Events that a room gives back in stage 5 (a delivery created by a trade) are put right behind the
event that caused them and go through the same stage. Refusals change nothing but the answer.
"""

import hashlib
import re
from collections.abc import Callable
from datetime import date
from functools import partial
from typing import Any, Final

import msgspec

from feeds.market_data import MarketData
from market.business_days import is_business_day, next_business_day
from market.commands import (
    AffirmDelivery,
    AmendOrder,
    BustTrade,
    BuyIn,
    CancelDelivery,
    CancelOnDisconnect,
    CancelOrder,
    ChangePhase,
    CloseDay,
    CloseSession,
    Command,
    ConsentToCancel,
    DefaultIssuer,
    DepositUnits,
    DepositYen,
    DisconnectMode,
    Entry,
    Halt,
    Kill,
    ListInstrument,
    MassCancel,
    MassCancelScope,
    NewOrder,
    OpenDay,
    OpenSession,
    OpenVenue,
    PublishBasePrices,
    RefuseRequest,
    RegisterKey,
    RegisterParticipant,
    RenewQuote,
    ReportErrorTrade,
    Request,
    Resume,
    ReverseDelivery,
    RevokeKey,
    RunAuction,
    RunSettlement,
    SetDeliveryHold,
    SetDeliveryParts,
    SetNetAssetValue,
    SetReferencePrice,
    SetTransferControl,
    Unkill,
    WithdrawYen,
)
from market.errors import InvariantBroken, check
from market.events import (
    CommandRefused,
    DayClosed,
    DayOpened,
    ErrorTradeReported,
    Event,
    MassCanceled,
    RequestRejected,
    SessionClosed,
    TradeBusted,
    VenueOpened,
)
from market.ids import ClientOrderId, InstrumentId, OrderId, SessionId
from market.quantities import MAX_PRICE_SEN, SequenceNo, TimeNs
from market.reasons import CancelReason, RejectReason
from market.rules import AmendMode, Rules
from market.token_acts import RedeemIssue
from matching.books import DEFAULT, books_named
from matching.engine import Engine
from participants.answers import Answers
from participants.participant import Participants
from participants.reports import Reports
from participants.risk import Risk
from settlement.lifecycle.rules import life_rules_of
from settlement.money.kinds import money_of
from settlement.platforms import Platforms
from settlement.settlement import Settlement
from venue.schedule import PLANNED
from venue.settings import rules_of

CHECK_EVERY: Final = 5_000
"""Commands between two checks of one part of the market, the parts in turn.

All parts at once are checked when a day closes. In between one part at a time is enough to find a
defect on its day, and no command waits for a whole round (bench/README.md has what a round costs).
"""

_INSTRUMENT_ID: Final = re.compile(r"[A-Z0-9]{1,12}")


def _misplaced(command: Command) -> list[Event]:
    raise InvariantBroken("a journal opens its venue first", {"command": command})


def _refused(reason: RejectReason, detail: str) -> list[Event]:
    return [CommandRefused(reason=reason, detail=detail)]


class Core:
    """The rooms in order; :meth:`apply` is the only way anything changes.

    Attributes:
        sequence: Number of the last command applied.
        at_ns: Its market time.
        steps_today: Scheduled commands applied since the day opened.
    """

    def __init__(self, book: str = DEFAULT) -> None:
        """A market before its first command.

        Args:
            book: Name of the books the rules run on (matching/books.py); the outcome is the same.
        """
        self._new_book = books_named(book)
        self.sequence = SequenceNo(0)
        self.at_ns = TimeNs(0)
        self.run_id = ""
        self.business_date: date | None = None
        self.day_is_open = False
        self.steps_today = 0
        self.days_opened = 0
        self.rules: Rules
        self.engine: Engine
        self.participants: Participants
        self.answers: Answers
        self.risk: Risk
        self.reports: Reports
        self.settlement: Settlement
        self.feeds: MarketData
        self._handlers: dict[type, Callable[[Any], list[Event]]] = {OpenVenue: self._open_venue}
        self._hearers: dict[type, tuple[Callable[[Any], None], ...]] = {}

    def apply(self, entry: Entry) -> list[Event]:
        """Apply the next entry and return everything that happened, in order.

        Raises:
            InvariantBroken: When the entry is out of order, time goes back, or a room finds
                itself inconsistent; the process must stop.
        """
        sequence, command = entry.sequence, entry.command
        if sequence != self.sequence + 1 or entry.at_ns < self.at_ns:
            check(sequence == self.sequence + 1, "entries come in order", entry=sequence)
            check(False, "market time never goes back", entry=sequence)
        self.sequence, self.at_ns = sequence, entry.at_ns
        handler = self._handlers.get(type(command), _misplaced)
        if self.business_date is not None:
            self.engine.at_ns = entry.at_ns
        events = handler(command)
        self._fold(command, events)
        if type(command) in PLANNED:
            self.steps_today += 1
            if isinstance(command, CloseDay):
                self.check_invariants()
        if not sequence % CHECK_EVERY:
            self._check_next_part()
        return events

    def _fold(self, command: Command, events: list[Event]) -> None:
        """Stages 5 and 6; events that rooms add are inserted behind their cause."""
        hearers, causers = self._hearers, self.settlement.hears
        for position, event in enumerate(events, 1):  # the list may grow behind ``event``
            kind = type(event)
            for hear in hearers.get(kind, ()):
                hear(event)
            cause = causers.get(kind)
            if cause is not None:
                events[position:position] = cause(event)
        self.reports.apply(self.sequence, self.at_ns, command, events)
        self.feeds.apply_step(self.sequence, self.at_ns, events)

    # --- the venue and the day

    def _open_venue(self, command: OpenVenue) -> list[Event]:
        self.run_id = command.run_id
        self.rules = rules_of(command)
        self.engine = Engine(self.rules, self._new_book)
        self.participants = Participants()
        self.answers = Answers()
        self.risk = Risk(sell_holding_check=self.rules.sell_holding_check.value)
        self.reports = Reports(
            self.answers,
            self.risk,
            names_counterparty=self.rules.counterparty_on_fill.value,
        )
        self.settlement = Settlement(
            self.rules.settlement_mode.value,
            self.rules.settlement_days.value,
            self.rules.business_days,
            self.rules.error_trade_bust_percent.value,
            money=money_of(
                self.rules.settlement_money.value,
                seed=self.run_id,
                signing=self.rules.money_signing.value,
                hours=self.rules.money_hours.value,
                recovery_percent=self.rules.money_recovery_percent.value,
            ),
            life=life_rules_of(self.rules),
            platforms=Platforms(
                command.run_id, signed=command.tokens_signed, mode=command.tokens_mode
            ),
        )
        self.feeds = MarketData(
            self.run_id,
            self.rules.name,
            self.rules.publishes_indicative_volume.value,
            non_cancel_phases=self.rules.non_cancel_phases.value,
            amends_in_two=self.rules.amend_mode.value is AmendMode.CANCEL_NEW,
        )
        self._handlers = self._table()
        first, then = self.risk.hears, self.answers.hears
        self._hearers = {
            kind: tuple(hears[kind] for hears in (first, then) if kind in hears)
            for kind in (*first, *then)
        }
        return [VenueOpened(run_id=self.run_id, preset=self.rules.name)]

    def _table(self) -> dict[type, Callable[[Any], list[Event]]]:
        """Which method answers which command."""
        engine, settlement = self.engine, self.settlement
        return {
            OpenVenue: lambda _: _refused(RejectReason.DUPLICATE, "the venue is open already"),
            RegisterParticipant: self.participants.register,
            RegisterKey: self.participants.register_key,
            RevokeKey: self._revoke_key,
            ListInstrument: self._list_instrument,
            DepositYen: settlement.deposit_yen,
            WithdrawYen: self._withdraw_yen,
            DepositUnits: settlement.deposit_units,
            SetTransferControl: settlement.set_transfer_control,
            **settlement.tokens.handlers,
            RedeemIssue: self._redeem_issue,
            OpenDay: self._open_day,
            PublishBasePrices: self._publish_base_prices,
            ChangePhase: lambda c: (
                self._refuse_at_night(c.instrument_id)
                or engine.change_phase(c.instrument_id, c.phase, after_extension=c.after_extension)
            ),
            RunAuction: lambda c: (
                self._refuse_at_night(c.instrument_id)
                or engine.run_auction(c.instrument_id, after_extension=c.after_extension)
            ),
            Halt: lambda c: engine.halt(c.instrument_id, c.reason),
            Resume: lambda c: engine.resume(c.instrument_id),
            RenewQuote: lambda c: (
                self._refuse_at_night(c.instrument_id)
                or engine.renew_quote(c.instrument_id, c.quote_number)
            ),
            SetReferencePrice: lambda c: (
                self._refuse_at_night(c.instrument_id)
                or engine.set_reference_price(c.instrument_id, c.reference_price_sen)
            ),
            SetNetAssetValue: lambda c: engine.set_net_asset_value(c.instrument_id, c.nav_sen),
            RunSettlement: lambda c: self._refuse_at_night() or settlement.run(c.stage, self.at_ns),
            ReportErrorTrade: self._report_error_trade,
            BustTrade: self._bust_trade,
            CancelDelivery: settlement.cancel_delivery,
            SetDeliveryHold: settlement.set_delivery_hold,
            SetDeliveryParts: settlement.set_delivery_parts,
            AffirmDelivery: settlement.affirm_delivery,
            ConsentToCancel: settlement.consent_to_cancel,
            ReverseDelivery: settlement.reverse_delivery,
            BuyIn: self._buy_in,
            DefaultIssuer: settlement.default_issuer,
            CloseDay: self._close_day,
            OpenSession: self._open_session,
            CloseSession: self._close_session,
            CancelOnDisconnect: self._cancel_on_disconnect,
            NewOrder: self._new_order,
            AmendOrder: self._amend_order,
            CancelOrder: self._cancel_order,
            RefuseRequest: self._refuse_request,
            MassCancel: self._mass_cancel,
            Kill: self._kill,
            Unkill: self.participants.unkill,
        }

    def _refuse_at_night(self, instrument_id: InstrumentId | None = None) -> list[Event]:
        """What belongs to a business day is refused between days; an unknown issue is not ours."""
        known = instrument_id is None or instrument_id in self.settlement.registers
        if self.day_is_open or not known:
            return []
        return _refused(RejectReason.PHASE_CLOSED, "no business day is open")

    def _list_instrument(self, command: ListInstrument) -> list[Event]:
        instrument = command.instrument
        if _INSTRUMENT_ID.fullmatch(instrument.instrument_id) is None:
            return _refused(RejectReason.SCHEMA, "an instrument id is 1 to 12 of A-Z 0-9")
        if instrument.issue_price_sen > MAX_PRICE_SEN:
            return _refused(RejectReason.OUT_OF_RANGE, "an issue price fits 32 bits")
        return self.engine.list_instrument(instrument)

    def _withdraw_yen(self, command: WithdrawYen) -> list[Event]:
        if self.settlement.check_withdrawal(command) is None:
            refusal = self.risk.check_withdraw(command.participant_id, command.amount_yen)
            if refusal is not None:
                return _refused(refusal, "buying power is promised elsewhere")
        return self.settlement.withdraw_yen(command)

    def _report_error_trade(self, command: ReportErrorTrade) -> list[Event]:
        """Name trades made in error; above the preset's share of the issue, suspend it."""
        events = self.settlement.report_error_trade(command)
        told = events[0]
        if isinstance(told, ErrorTradeReported):
            name = told.instrument_id
            far = self.settlement.is_error_above(name, self.rules.error_trade_halt_percent.value)
            if far and not self.engine.is_suspended(name):
                events += self.engine.halt(name, command.reason)
        return events

    def _bust_trade(self, command: BustTrade) -> list[Event]:
        """Void a trade; today's prices are worked out again without it."""
        trade_id = command.trade_id
        is_of_today = self.settlement.is_of_today(trade_id)
        events = self.settlement.bust_trade(command)
        told = events[0]
        if isinstance(told, TradeBusted) and is_of_today:
            left = self.settlement.trades_today(told.instrument_id)
            events += self.engine.forget_trades(told.instrument_id, left)
        return events

    def _redeem_issue(self, command: RedeemIssue) -> list[Event]:
        """End an issue; what is no more is not traded."""
        events = self.settlement.tokens.redeem_issue(command)
        name = command.instrument_id
        refused = isinstance(events[0], CommandRefused)
        if not refused and not self.engine.is_suspended(name):
            events += self.engine.halt(name, "redeemed")
        return events

    def _buy_in(self, command: BuyIn) -> list[Event]:
        """End a fail; a supplier gives only units it has not promised elsewhere."""
        refusal = self.settlement.check_buy_in(command)
        if refusal is None and command.supplier is not None:
            delivery = self.settlement.deliveries[command.delivery_id]
            free = self.risk.free_units(command.supplier, delivery.terms.instrument_id)
            if free < delivery.open_units:
                return _refused(RejectReason.INSUFFICIENT_HOLDING, "units are promised elsewhere")
        return self.settlement.buy_in(command)

    def _publish_base_prices(self, command: PublishBasePrices) -> list[Event]:
        day, last = command.business_date, self.business_date
        if self.day_is_open:
            return _refused(RejectReason.PHASE_CLOSED, f"{last} is open")
        if last is None or day != next_business_day(last, self.rules.business_days):
            return _refused(RejectReason.OUT_OF_RANGE, f"{day} is not the day after {last}")
        return self.engine.announce_base_prices(day)

    def _open_day(self, command: OpenDay) -> list[Event]:
        day, last = command.business_date, self.business_date
        if self.day_is_open:
            return _refused(RejectReason.PHASE_CLOSED, f"{last} is open already")
        if last is not None and day <= last:
            return _refused(RejectReason.OUT_OF_RANGE, f"{day} is not after {last}")
        if not is_business_day(day, self.rules.business_days):
            return _refused(RejectReason.OUT_OF_RANGE, f"{day} is no business day")
        # Every check is above this line; below it nothing can fail.
        self.business_date, self.day_is_open, self.steps_today = day, True, 0
        self.days_opened += 1
        opened = DayOpened(business_date=day, settlement_date=self.settlement.settlement_date(day))
        return [opened, *self.engine.open_day(day)]

    def _close_day(self, command: CloseDay) -> list[Event]:
        del command
        business_date = self.business_date
        if not self.day_is_open or business_date is None:
            return _refused(RejectReason.PHASE_CLOSED, "no business day is open")
        # Every check is above this line; below it nothing can fail.
        self.day_is_open = False
        events = self.engine.close_day()
        events += self.settlement.close_day()
        events.append(DayClosed(business_date=business_date))
        return events

    # --- sessions

    def _open_session(self, command: OpenSession) -> list[Event]:
        by_rule = DisconnectMode.ON if self.rules.cancel_on_disconnect.value else DisconnectMode.OFF
        next_report = self.reports.next_seq(command.session_id)
        return self.participants.open_session(command, by_rule, next_report)

    def _revoke_key(self, command: RevokeKey) -> list[Event]:
        """A revoked key's live session ends as if its connection had been lost."""
        events = self.participants.revoke_key(command)
        for event in list(events):
            if isinstance(event, SessionClosed):
                mode = self.participants.sessions[event.session_id].disconnect_mode
                if mode is DisconnectMode.ON:
                    self._cancel_session_orders(event.session_id, CancelReason.DISCONNECT, events)
        return events

    def _close_session(self, command: CloseSession) -> list[Event]:
        events = self.participants.close_session(command)
        if not any(isinstance(event, SessionClosed) for event in events):
            return events
        mode = self.participants.sessions[command.session_id].disconnect_mode
        if command.cancel_open if command.orderly else mode is DisconnectMode.ON:
            reason = CancelReason.OWNER if command.orderly else CancelReason.DISCONNECT
            self._cancel_session_orders(command.session_id, reason, events)
        return events

    def _cancel_on_disconnect(self, command: CancelOnDisconnect) -> list[Event]:
        events: list[Event] = []
        if self.participants.end_grace(command):
            self._cancel_session_orders(command.session_id, CancelReason.DISCONNECT, events)
        return events

    def _cancel_session_orders(
        self, session_id: SessionId, reason: CancelReason, events: list[Event]
    ) -> int:
        participant_id = self.participants.sessions[session_id].participant_id
        order_ids = self.answers.open_orders(participant_id, session_id=session_id)
        return self._cancel_all(order_ids, reason, events)

    def _cancel_all(
        self, order_ids: list[OrderId], reason: CancelReason, events: list[Event]
    ) -> int:
        """Cancel what may leave; returns how many had to stay (non-cancel period)."""
        kept = 0
        for order_id in order_ids:
            order = self.engine.find(order_id)
            if order is None:
                continue
            if self.engine.check_cancel(order) is None:
                events += self.engine.cancel(order, reason)
            else:
                kept += 1
        return kept

    # --- requests

    def _rejected(
        self, command: Request, reason: RejectReason, client_order_id: ClientOrderId | None = None
    ) -> list[Event]:
        return [
            RequestRejected(
                participant_id=command.participant_id,
                session_id=command.session_id,
                req_id=command.req_id,
                client_order_id=client_order_id,
                reason=reason,
            )
        ]

    def _new_order(self, command: NewOrder) -> list[Event]:
        client_order_id = command.client_order_id
        refusal = self.participants.check_session(command)
        if refusal is None:
            seen = self.answers.recall(command)
            if seen is not None:
                if isinstance(seen, RejectReason):
                    return self._rejected(command, seen, client_order_id)
                return [seen]
            refusal = (
                self.participants.check_entitled(command)
                or self.engine.check_new(command)
                or self.risk.check_new(command)
                or self.engine.check_self_match(command)
            )
        if refusal is not None:
            return self._rejected(command, refusal, client_order_id)
        # Every check is above this line; below it nothing can fail.
        return self.engine.new(command, OrderId(self.sequence))

    def _amend_order(self, command: AmendOrder) -> list[Event]:
        client_order_id = command.client_order_id
        refusal = self.participants.check_session(command)
        if refusal is not None:
            return self._rejected(command, refusal, client_order_id)
        seen = self.answers.recall(command)
        if seen is not None:
            if isinstance(seen, RejectReason):
                return self._rejected(command, seen, client_order_id)
            return [seen]
        refusal = self.participants.check_entitled(command)
        if refusal is not None:
            return self._rejected(command, refusal, client_order_id)
        found = self.answers.resolve(
            command.participant_id, command.order_id, command.original_client_order_id
        )
        if isinstance(found, RejectReason):
            return self._rejected(command, found, client_order_id)
        order = self.engine.find(found)
        if order is None:
            return self._rejected(command, RejectReason.ALREADY_TERMINAL, client_order_id)
        refusal = (
            self.engine.check_amend(order, command)
            or self.risk.check_amend(found, command, self.engine.leaves_after(order, command))
            or self.engine.check_amend_self_match(order, command)
        )
        if refusal is not None:
            rejected = self._rejected(command, refusal, client_order_id)
            return rejected + self.engine.end_by_refusal(order, refusal)
        # Every check is above this line; below it nothing can fail.
        return self.engine.amend(order, command, OrderId(self.sequence))

    def _cancel_order(self, command: CancelOrder) -> list[Event]:
        refusal = self.participants.check_session(command)
        if refusal is not None:
            return self._rejected(command, refusal)
        found = self.answers.resolve(
            command.participant_id, command.order_id, command.original_client_order_id
        )
        if isinstance(found, RejectReason):
            return self._rejected(command, found)
        order = self.engine.find(found)
        if order is None:
            return self._rejected(command, RejectReason.ALREADY_TERMINAL)
        refusal = self.engine.check_cancel(order)
        if refusal is not None:
            return self._rejected(command, refusal)
        # Every check is above this line; below it nothing can fail.
        return self.engine.cancel(order, CancelReason.OWNER)

    def _refuse_request(self, command: RefuseRequest) -> list[Event]:
        """The door's refusal, unless the session is not live any more."""
        refusal = self.participants.check_session(command) or command.reason
        return self._rejected(command, refusal)

    def _mass_cancel(self, command: MassCancel) -> list[Event]:
        refusal = self.participants.check_session(command)
        if refusal is not None:
            return self._rejected(command, refusal)
        order_ids = self.answers.open_orders(
            command.participant_id,
            session_id=command.session_id if command.scope is MassCancelScope.SESSION else None,
            instrument_id=command.instrument_id,
            side=command.side,
        )
        return self._end_mass_cancel(command, order_ids, CancelReason.MASS, [])

    def _end_mass_cancel(
        self, command: Request, order_ids: list[OrderId], why: CancelReason, events: list[Event]
    ) -> list[Event]:
        kept = self._cancel_all(order_ids, why, events)
        events.append(
            MassCanceled(
                participant_id=command.participant_id,
                session_id=command.session_id,
                req_id=command.req_id,
                canceled=tuple(
                    order_id for order_id in order_ids if self.engine.find(order_id) is None
                ),
                kept=kept,
            )
        )
        return events

    def _kill(self, command: Kill) -> list[Event]:
        refusal = self.participants.check_session(command)
        if refusal is not None:
            return self._rejected(command, refusal)
        events = self.participants.kill(command.participant_id)
        order_ids = self.answers.open_orders(command.participant_id)
        return self._end_mass_cancel(command, order_ids, CancelReason.KILL, events)

    # --- what must hold across rooms

    def check_invariants(self) -> None:
        """Check every room and room against room. O(orders + accounts + open deliveries)."""
        self.engine.check_invariants()
        self.participants.check_invariants()
        self.answers.check_invariants()
        self.risk.check_invariants()
        self.settlement.check_invariants()
        self.feeds.check_invariants()
        self._check_rooms_agree()

    def _check_next_part(self) -> None:
        """Check one room, or one issue of a large room; which one follows from the number."""
        parts: list[Callable[[], None]] = [
            self.answers.check_invariants,
            self.risk.check_invariants,
            self.settlement.check_invariants,
            self.participants.check_invariants,
            self._check_rooms_agree,
        ]
        for instrument_id in self.engine.instrument_ids():
            parts.append(partial(self.engine.check_issue, instrument_id))
            parts.append(self.feeds.issues[instrument_id].check_invariants)
        parts[self.sequence // CHECK_EVERY % len(parts)]()

    def _check_rooms_agree(self) -> None:
        for participant_id, account in self.risk.accounts.items():
            check(
                self.settlement.owned_yen(participant_id) == account.owned_yen,
                "the ledger and risk agree on cash",
                participant=participant_id,
            )
            for instrument_id in self.engine.instrument_ids():
                position = account.positions.get(instrument_id)  # only looked at, never opened
                check(
                    self.settlement.owned_units(participant_id, instrument_id)
                    == (0 if position is None else position.owned_units),
                    "the register and risk agree on units",
                    participant=participant_id,
                    instrument=instrument_id,
                )

    def open_deliveries(self) -> int:
        """Deliveries neither finished nor canceled. O(deliveries)."""
        return sum(not delivery.is_over for delivery in self.settlement.deliveries.values())

    def conservation(self) -> list[str]:
        """Sentences that say what was put in is what is there: yen, then the units of all issues.

        Raises:
            InvariantBroken: When an asset is not conserved.
        """
        yen, *issues = self.settlement.conservation()
        for line in (yen, *issues):
            there = line.held_by_firms + line.rest + line.redeemed
            check(line.put_in == there, "assets are conserved", line=line)
        sentences = [
            f"yen conserved    {yen.put_in:,} paid in = {yen.held_by_firms:,} held by the firms"
        ]
        if issues:
            put_in = sum(line.put_in for line in issues)
            held = sum(line.held_by_firms for line in issues)
            gone = sum(line.redeemed for line in issues)
            sentences.append(
                f"units conserved  {put_in:,} in {len(issues)} issues = {held:,} held by the firms "
                f"+ {put_in - held - gone:,} not allotted"
                + (f" + {gone:,} redeemed" if gone else "")
            )
        return sentences

    def state(self) -> dict[str, Any]:
        """Everything that matters, as plain values in a fixed order. O(state)."""
        return {
            "sequence": self.sequence,
            "at_ns": self.at_ns,
            "run_id": self.run_id,
            "business_date": str(self.business_date),
            "day_is_open": self.day_is_open,
            "steps_today": self.steps_today,
            "engine": self.engine.state(),
            "participants": self.participants.state(),
            "answers": self.answers.state(),
            "risk": self.risk.state(),
            "settlement": self.settlement.state(),
            "reports": self.reports.state(),
            "feeds": self.feeds.state(),
        }

    def digest(self) -> str:
        """SHA-256 over :meth:`state`: equal for equal journals, on every machine."""
        text = msgspec.json.encode(self.state(), order="deterministic")
        return hashlib.sha256(text).hexdigest()
