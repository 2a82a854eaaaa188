"""Execution reports: one numbered stream of bytes for each session, made once in the core.

Purpose: every session learns, in order and without a gap, what became of its requests and orders.
An answer to a journaled request is a numbered report like any other. Core state: the bytes depend
on the journal only, so a resend is identical and a replay regenerates the same stream.
Ordering: within a step, the order of its events. ``seq`` counts from 1 for the run and per
session; ``prev_seq`` names the one before.
Which session: answers go to the session that asked; news of an order goes to the session that
last entered or amended it; a kill, and what happens to a delivery besides its states (type
``delivery``: holds, parts, charges, reversals), to every session of the firm.
Invariants: each request gets exactly one answer; numbers are contiguous; each delivery's news
reaches both sides until it is over.
Known limits: the streams keep the business day (older bytes go at DayOpened, numbers go on); the
answer to a mass cancel counts the orders, the reports before it name them. ``held_yen`` and
``held_units`` in an answer are what the order holds when the step ends.
Source: counterparty on fills as in START FIX 1.1 (2nd-hand), tag 375.
"""

from collections.abc import Callable, Iterable
from typing import Any, Final

import msgspec

from market.commands import (
    AmendOrder,
    CancelOrder,
    Command,
    Kill,
    MassCancel,
    NewOrder,
    RefuseRequest,
    Request,
)
from market.errors import InvariantBroken, check
from market.events import (
    BoughtIn,
    BuyInStarted,
    CancelConsented,
    DayOpened,
    DeliveryAffirmed,
    DeliveryChanged,
    DeliveryCreated,
    DeliveryFilled,
    DeliveryHoldSet,
    DeliveryPartsSet,
    DeliveryState,
    Event,
    FailCharged,
    FailChargePaid,
    MassCanceled,
    OrderAccepted,
    OrderAmended,
    OrderCanceled,
    OrderExpired,
    OrderReduced,
    OrderReleased,
    ParticipantKilled,
    ParticipantUnkilled,
    PhaseChanged,
    RequestRejected,
    RequestRepeated,
    ReversalAsked,
    SessionOpened,
    Trade,
    TradeBusted,
)
from market.ids import (
    ClientOrderId,
    DeliveryId,
    InstrumentId,
    OrderId,
    ParticipantId,
    SessionId,
    TradeId,
    delivery_id_to_text,
    order_id_to_text,
    trade_id_to_text,
)
from market.message import Record
from market.quantities import SequenceNo, TimeNs, price_to_text
from market.reasons import CATALOGUE, CancelReason, RejectReason
from market.words import Phase, Side
from participants.answers import Answers, OrderFacts
from participants.report_schemas import (
    AcceptedResult,
    AmendedResult,
    Answer,
    BustData,
    CanceledResult,
    DeliveryData,
    ErrorBody,
    FirmData,
    MassCanceledResult,
    OrderData,
    Push,
    SettlementData,
    TradeData,
)
from participants.report_streams import ReportStreams
from participants.risk import Risk

_METHODS: Final[dict[type, str]] = {
    NewOrder: "order.new",
    AmendOrder: "order.amend",
    CancelOrder: "order.cancel",
    RefuseRequest: "order.refused",
    MassCancel: "order.mass_cancel",
    Kill: "kill",
}
_ORIGINS: Final = {
    Phase.OPENING_AUCTION: "opening_cross",
    Phase.CLOSING_AUCTION: "closing_cross",
}
_NOT_AN_ORIGINAL: Final = (
    RejectReason.STALE_GENERATION,
    RejectReason.ID_CONFLICT,
    RejectReason.NOT_ENTITLED,
)
"""Refusals that are no outcome of the id they name: the first answer to it stays the original."""

_OVER: Final = (DeliveryState.FINISHED, DeliveryState.CANCELED)


class _Sides(Record):
    """Who hears about one delivery: the trade, and whose each side's order was."""

    trade: Trade
    buy: OrderFacts
    sell: OrderFacts


class Reports:
    """Report streams of all sessions.

    Args:
        answers: The order directory; must have applied a step's events before this does.
        risk: Says what an order holds; likewise.
        names_counterparty: Whether a fill says who the other firm is; the preset's rule.
    """

    def __init__(self, answers: Answers, risk: Risk, *, names_counterparty: bool = True) -> None:
        self._names_counterparty = names_counterparty
        self._answers = answers
        self._risk = risk
        self._encode = msgspec.json.Encoder().encode
        self._streams = ReportStreams()
        self._sessions_of: dict[ParticipantId, list[SessionId]] = {}
        self._originals: dict[tuple[ParticipantId, ClientOrderId], bytes] = {}
        self._unreported: dict[TradeId, Trade] = {}
        self._deliveries: dict[DeliveryId, _Sides] = {}
        self._reversals: dict[DeliveryId, DeliveryCreated] = {}
        self._origin: dict[InstrumentId, str] = {}
        self._at_ns = TimeNs(0)
        self._request: Request | None = None
        self._method = ""
        self._answered = 0
        self._on: dict[type, Callable[[Any], None]] = {
            OrderAccepted: self._accepted,
            OrderAmended: self._amended,
            OrderCanceled: self._canceled,
            OrderReduced: self._reduced,
            OrderReleased: self._released,
            OrderExpired: self._expired,
            RequestRejected: self._rejected,
            RequestRepeated: self._repeated,
            MassCanceled: self._mass_canceled,
            ParticipantKilled: self._killed,
            ParticipantUnkilled: self._unkilled,
            Trade: self._traded,
            TradeBusted: self._busted,
            DeliveryCreated: self._delivery_created,
            DeliveryChanged: self._delivery_changed,
            DeliveryHoldSet: self._hold_set,
            DeliveryPartsSet: self._parts_set,
            DeliveryFilled: self._filled,
            DeliveryAffirmed: self._affirmed,
            CancelConsented: self._consented,
            ReversalAsked: self._reversal_asked,
            BuyInStarted: self._buy_in_started,
            BoughtIn: self._bought_in,
            FailCharged: self._charged,
            FailChargePaid: self._charged,
            PhaseChanged: self._phase_changed,
            SessionOpened: self._session_opened,
            DayOpened: self._day_opened,
        }

    def apply(
        self, sequence: SequenceNo, at_ns: TimeNs, command: Command, events: Iterable[Event]
    ) -> None:
        """Report one whole step, after the other rooms' modules have applied its events.

        Raises:
            InvariantBroken: When a request got no answer or two, or a trade no delivery.
        """
        self._at_ns = at_ns
        self._method = _METHODS.get(type(command), "")
        self._request = command if isinstance(command, Request) else None
        self._answered = 0
        handlers = self._on
        for event in events:
            handler = handlers.get(type(event))
            if handler is not None:
                handler(event)
        if self._answered != (self._request is not None):
            check(False, "a request gets one answer", sequence=sequence, answers=self._answered)
        if self._unreported:
            check(False, "a trade has its delivery in the same step", sequence=sequence)

    def drain(self) -> list[tuple[SessionId, int, bytes]]:
        """Everything made since the last drain as (session, seq, bytes), in order."""
        return self._streams.drain()

    def next_seq(self, session_id: SessionId) -> int:
        """The number the session's next report will carry."""
        return self._streams.head(session_id) + 1

    def since(
        self, session_id: SessionId, from_seq: int, to_seq: int | None = None
    ) -> list[bytes] | None:
        """A session's reports again, the very bytes, both ends included.

        Returns:
            The reports that exist in the range (none when ``from_seq`` is the next number), or
            None when the range begins before what is kept or beyond the next number.
        """
        return self._streams.since(session_id, from_seq, to_seq)

    # --- answers

    def _accepted(self, event: OrderAccepted) -> None:
        held_yen, held_units = self._held(event.order_id, event.side)
        self._answer(
            event.client_order_id,
            result=AcceptedResult(
                order_id=order_id_to_text(event.order_id),
                client_order_id=event.client_order_id,
                state="accepted",
                held_yen=held_yen,
                held_units=held_units,
            ),
        )

    def _amended(self, event: OrderAmended) -> None:
        held_yen, held_units = self._held(event.order_id, event.side)
        self._answer(
            event.client_order_id,
            result=AmendedResult(
                order_id=order_id_to_text(event.order_id),
                old_order_id=order_id_to_text(event.old_order_id),
                client_order_id=event.client_order_id,
                old_client_order_id=event.old_client_order_id,
                state="amended",
                leaves_units=event.leaves_units,
                kept_priority=event.kept_priority,
                price=price_to_text(event.price_sen) if event.price_sen else None,
                held_yen=held_yen,
                held_units=held_units,
            ),
        )

    def _canceled(self, event: OrderCanceled) -> None:
        """The owner's cancel is answered, and a replacement by total that ends the order.

        Every other cancel is news to the order's session.
        """
        facts = self._answers.facts(event.order_id)
        request = self._request
        if type(request) is CancelOrder and event.reason is CancelReason.OWNER:
            self._answer(
                None,
                result=CanceledResult(
                    order_id=order_id_to_text(event.order_id),
                    client_order_id=facts.client_order_id,
                    state="canceled",
                    canceled_units=event.canceled_units,
                ),
            )
            if facts.session_id == request.session_id:
                return
        if type(request) is AmendOrder and event.reason is CancelReason.AMENDED:
            self._answer(
                request.client_order_id,
                result=CanceledResult(
                    order_id=order_id_to_text(event.order_id),
                    client_order_id=facts.client_order_id,
                    state="canceled",
                    canceled_units=event.canceled_units,
                ),
            )
            if facts.session_id == request.session_id:
                return
        price_sen = event.prevented_price_sen
        data = OrderData(
            order_id=order_id_to_text(event.order_id),
            client_order_id=facts.client_order_id,
            instrument_id=event.instrument_id,
            reason=event.reason.value,
            canceled_units=event.canceled_units,
            prevented_units=event.prevented_units or None,
            prevented_price=price_to_text(price_sen) if price_sen else None,
        )
        self._push(facts.session_id, "canceled", data)

    def _rejected(self, event: RequestRejected) -> None:
        entry = CATALOGUE[event.reason]
        self._answer(
            None if event.reason in _NOT_AN_ORIGINAL else event.client_order_id,
            error=ErrorBody(
                code=event.reason.value,
                text=entry.text_en,
                retryable=entry.retryable,
                client_order_id=event.client_order_id,
            ),
        )

    def _repeated(self, event: RequestRepeated) -> None:
        """The original outcome under a new number, marked."""
        original = self._originals.get((event.participant_id, event.client_order_id))
        if original is None:
            raise InvariantBroken("a repeated request was answered", {"req_id": event.req_id})
        stream = self._streams.of(event.session_id)
        answer: dict[str, object] = msgspec.json.decode(original)
        answer |= {
            "req_id": event.req_id,
            "seq": stream.head + 1,
            "prev_seq": stream.head,
            "at_ns": self._at_ns,
            "duplicate": True,
        }
        self._answered += 1
        self._streams.append(stream, self._encode(answer))

    def _mass_canceled(self, event: MassCanceled) -> None:
        if self._request is None:
            return
        self._answer(
            None,
            result=MassCanceledResult(
                state="killed" if self._method == "kill" else "canceled",
                canceled=len(event.canceled),
                kept=event.kept,
            ),
        )

    # --- news

    def _reduced(self, event: OrderReduced) -> None:
        facts = self._answers.facts(event.order_id)
        price_sen = event.prevented_price_sen
        data = OrderData(
            order_id=order_id_to_text(event.order_id),
            client_order_id=facts.client_order_id,
            instrument_id=event.instrument_id,
            prevented_units=event.prevented_units,
            prevented_price=price_to_text(price_sen) if price_sen else None,
            leaves_units=event.leaves_units,
        )
        self._push(facts.session_id, "reduced", data)

    def _released(self, event: OrderReleased) -> None:
        facts = self._answers.facts(event.order_id)
        data = OrderData(
            order_id=order_id_to_text(event.order_id),
            client_order_id=facts.client_order_id,
            instrument_id=event.instrument_id,
            leaves_units=event.leaves_units,
        )
        self._push(facts.session_id, "released", data)

    def _expired(self, event: OrderExpired) -> None:
        facts = self._answers.facts(event.order_id)
        data = OrderData(
            order_id=order_id_to_text(event.order_id),
            client_order_id=facts.client_order_id,
            instrument_id=event.instrument_id,
            expired_units=event.expired_units,
        )
        self._push(facts.session_id, "expired", data)

    def _killed(self, event: ParticipantKilled) -> None:
        self._tell_firm(event.participant_id, "killed")

    def _unkilled(self, event: ParticipantUnkilled) -> None:
        self._tell_firm(event.participant_id, "unkilled")

    def _traded(self, event: Trade) -> None:
        """Wait for the trade's delivery, which follows in the same step and gives the date."""
        self._unreported[event.trade_id] = event

    def _delivery_created(self, event: DeliveryCreated) -> None:
        """Tell both sides of the trade; what they share is written once."""
        if event.reverses is not None:
            self._reversal_created(event, event.reverses)
            return
        trade = self._unreported.pop(event.trade_id)
        buy = self._answers.facts(trade.buy_order_id)
        sell = self._answers.facts(trade.sell_order_id)
        self._deliveries[event.delivery_id] = _Sides(trade, buy, sell)
        trade_id = trade_id_to_text(trade.trade_id)
        price = price_to_text(trade.price_sen)
        origin = self._origin.get(trade.instrument_id, "cross") if trade.cross else "continuous"
        settlement_date = event.settlement_date.isoformat()
        delivery_id = delivery_id_to_text(event.delivery_id)
        for facts, order_id, leaves, side, counterparty in (
            (buy, trade.buy_order_id, trade.buy_leaves_units, "buy", trade.seller),
            (sell, trade.sell_order_id, trade.sell_leaves_units, "sell", trade.buyer),
        ):
            data = TradeData(
                order_id=order_id_to_text(order_id),
                client_order_id=facts.client_order_id,
                trade_id=trade_id,
                instrument_id=trade.instrument_id,
                side=side,
                price=price,
                quantity_units=trade.quantity_units,
                leaves_units=leaves,
                origin=origin,
                counterparty=counterparty if self._names_counterparty else None,
                amount_yen=event.amount_yen,
                settlement_date=settlement_date,
                delivery_id=delivery_id,
            )
            self._push(facts.session_id, "trade", data)

    def _busted(self, event: TradeBusted) -> None:
        """Tell both sides that their fill is void; news of the delivery follows by itself."""
        sides = self._deliveries[event.delivery_id]
        for facts, order_id, side in (
            (sides.buy, event.buy_order_id, "buy"),
            (sides.sell, event.sell_order_id, "sell"),
        ):
            data = BustData(
                order_id=order_id_to_text(order_id),
                client_order_id=facts.client_order_id,
                trade_id=trade_id_to_text(event.trade_id),
                instrument_id=event.instrument_id,
                side=side,
                price=price_to_text(event.price_sen),
                quantity_units=event.quantity_units,
                amount_yen=sides.trade.consideration_yen,
                delivery_id=delivery_id_to_text(event.delivery_id),
                reason=event.reason,
            )
            self._push(facts.session_id, "trade_busted", data)

    def _delivery_changed(self, event: DeliveryChanged) -> None:
        if event.delivery_id in self._reversals:
            self._reversal_moved(event)
            return
        sides = self._deliveries[event.delivery_id]
        trade = sides.trade
        for facts, order_id, side in (
            (sides.buy, trade.buy_order_id, "buy"),
            (sides.sell, trade.sell_order_id, "sell"),
        ):
            data = SettlementData(
                delivery_id=delivery_id_to_text(event.delivery_id),
                trade_id=trade_id_to_text(trade.trade_id),
                order_id=order_id_to_text(order_id),
                client_order_id=facts.client_order_id,
                instrument_id=trade.instrument_id,
                side=side,
                action=event.action.value,
                state=event.state.value,
                reason=None if event.reason is None else event.reason.value,
            )
            self._push(facts.session_id, "settlement", data)
        if event.state in _OVER:
            del self._deliveries[event.delivery_id]

    # --- news of a delivery, told to every session of both firms

    def _reversal_created(self, event: DeliveryCreated, reverses: DeliveryId) -> None:
        self._reversals[event.delivery_id] = event
        self._tell_sides(
            event.delivery_id,
            "reversal",
            reverses=delivery_id_to_text(reverses),
            quantity_units=event.quantity_units,
            amount_yen=event.amount_yen,
            settlement_date=event.settlement_date.isoformat(),
        )

    def _reversal_moved(self, event: DeliveryChanged) -> None:
        reason = None if event.reason is None else event.reason.value
        self._tell_sides(event.delivery_id, "reversal", state=event.state.value, reason=reason)
        if event.state in _OVER:
            del self._reversals[event.delivery_id]

    def _hold_set(self, event: DeliveryHoldSet) -> None:
        what = "hold" if event.held else "release"
        self._tell_sides(
            event.delivery_id, what, by_side=event.side.value, reason=event.reason or None
        )

    def _parts_set(self, event: DeliveryPartsSet) -> None:
        what = "parts" if event.allowed else "whole"
        self._tell_sides(
            event.delivery_id, what, by_side=event.side.value, reason=event.reason or None
        )

    def _filled(self, event: DeliveryFilled) -> None:
        self._tell_sides(
            event.delivery_id,
            "fill",
            quantity_units=event.quantity_units,
            amount_yen=event.amount_yen,
            open_units=event.open_units,
            open_yen=event.open_yen,
        )

    def _affirmed(self, event: DeliveryAffirmed) -> None:
        what = "matched" if event.matched else "affirmed"
        self._tell_sides(event.delivery_id, what, by_side=event.side.value)

    def _consented(self, event: CancelConsented) -> None:
        by_side = event.side.value
        self._tell_sides(
            event.delivery_id, "cancel_consent", by_side=by_side, reason=event.reason or None
        )

    def _reversal_asked(self, event: ReversalAsked) -> None:
        name = delivery_id_to_text(event.delivery_id)
        for firm, side in ((event.buyer, "buy"), (event.seller, "sell")):
            data = DeliveryData(
                delivery_id=name,
                side=side,
                what="reversal_asked",
                by_side=event.side.value,
                reason=event.reason,
            )
            self._tell_sessions(firm, data)

    def _buy_in_started(self, event: BuyInStarted) -> None:
        self._tell_sides(event.delivery_id, "buy_in_started", open_units=event.open_units)

    def _bought_in(self, event: BoughtIn) -> None:
        units, yen = event.quantity_units, event.amount_yen
        self._tell_sides(event.delivery_id, "bought_in", quantity_units=units, amount_yen=yen)

    def _charged(self, event: FailCharged | FailChargePaid) -> None:
        for firm, side in ((event.payer, "payer"), (event.payee, "payee")):
            data = DeliveryData(
                delivery_id=delivery_id_to_text(event.delivery_id),
                side=side,
                what=event.kind.value,
                amount_yen=event.amount_yen,
                paid=isinstance(event, FailChargePaid) or event.paid,
            )
            self._tell_sessions(firm, data)

    def _tell_sides(self, delivery_id: DeliveryId, what: str, **fields: Any) -> None:
        terms = self._reversals.get(delivery_id) or self._deliveries[delivery_id].trade
        for firm, side in ((terms.buyer, "buy"), (terms.seller, "sell")):
            name = delivery_id_to_text(delivery_id)
            data = DeliveryData(delivery_id=name, side=side, what=what, **fields)
            self._tell_sessions(firm, data)

    def _tell_sessions(self, participant_id: ParticipantId, data: DeliveryData) -> None:
        for session_id in self._sessions_of.get(participant_id, ()):
            self._push(session_id, "delivery", data)

    # --- what reports need to know

    def _phase_changed(self, event: PhaseChanged) -> None:
        origin = _ORIGINS.get(event.phase)
        if origin is not None:
            self._origin[event.instrument_id] = origin

    def _session_opened(self, event: SessionOpened) -> None:
        self._streams.of(event.session_id)
        sessions = self._sessions_of.setdefault(event.participant_id, [])
        if event.session_id not in sessions:
            sessions.append(event.session_id)

    def _day_opened(self, event: DayOpened) -> None:
        del event
        self._originals = {}
        self._streams.forget()

    # --- leaves

    def _held(self, order_id: OrderId, side: Side) -> tuple[int | None, int | None]:
        if side is Side.BUY:
            return self._risk.held_yen(order_id), None
        return None, self._risk.held_units(order_id)

    def _tell_firm(self, participant_id: ParticipantId, what: str) -> None:
        for session_id in self._sessions_of.get(participant_id, ()):
            self._push(session_id, what, FirmData(participant_id=participant_id))

    def _answer(
        self,
        original_of: ClientOrderId | None,
        *,
        result: AcceptedResult | AmendedResult | CanceledResult | MassCanceledResult | None = None,
        error: ErrorBody | None = None,
    ) -> None:
        """Answer the step's request; ``original_of`` names the id this is the outcome of."""
        request = self._request
        if request is None:
            raise InvariantBroken("an answer has a request", {"at_ns": self._at_ns})
        stream = self._streams.of(request.session_id)
        payload = self._encode(
            Answer(
                method=self._method,
                req_id=request.req_id,
                ok=error is None,
                seq=stream.head + 1,
                prev_seq=stream.head,
                at_ns=self._at_ns,
                result=result,
                error=error,
            )
        )
        if original_of is not None:
            self._originals[request.participant_id, original_of] = payload
        self._answered += 1
        self._streams.append(stream, payload)

    def _push(
        self,
        session_id: SessionId,
        what: str,
        data: TradeData | BustData | OrderData | SettlementData | DeliveryData | FirmData,
    ) -> None:
        stream = self._streams.of(session_id)
        payload = self._encode(
            Push(
                channel="reports",
                type=what,
                seq=stream.head + 1,
                prev_seq=stream.head,
                at_ns=self._at_ns,
                data=data,
            )
        )
        self._streams.append(stream, payload)

    # --- evidence

    def check_invariants(self) -> None:
        """Check what must hold between commands. O(sessions)."""
        check(not self._unreported, "every trade was reported", waiting=len(self._unreported))
        self._streams.check_invariants()

    def state(self) -> dict[str, object]:
        """Heads and digests of the streams, and the deliveries still to be reported."""
        return {
            "streams": self._streams.state(),
            "deliveries": sorted((*self._deliveries, *self._reversals)),
        }
