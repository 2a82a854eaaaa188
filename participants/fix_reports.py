"""What FIX sessions are told: executions, cancel rejects and mass cancel reports, from the events.

Purpose: a projection of the journal, beside the websocket door's numbered reports and made from
the same steps: the same answers to the same sessions, in FIX's terms (order state, cumulated
quantity, average price). It is no core state; a replay makes it again, byte for byte, which is why
a client that comes back after a crash gets by its sequence exactly what it missed.
Ordering: within a step, the order of its events. ``exec_id`` is the journal's sequence number and
a place in the step, so it is unique for the run and the same after every replay.
Which session: answers go to the session that asked; news of an order to the session that last
entered or amended it. A firm's drop copy gets all of them, once, in order.
Invariants: every request has one answer; cumulated and open quantity never exceed the order's;
a day's records are let go when the next one opens.
Order capacity (47 in 4.2, 528 in 4.4) is validated, carried beside the order and sent back with it.
Source: START FIX 1.1 (2nd-hand); FIX 4.2 order state matrices; exec_id per day unique (tag 17).
"""

from collections.abc import Callable, Iterable
from enum import StrEnum
from typing import Any, Final

from market.commands import (
    ActOnDelivery,
    AmendOrder,
    CancelOrder,
    Entry,
    MassCancel,
    NewOrder,
    Request,
)
from market.errors import InvariantBroken, check
from market.events import (
    DayOpened,
    DeliveryCreated,
    Event,
    MassCanceled,
    OrderAccepted,
    OrderAmended,
    OrderCanceled,
    OrderExpired,
    OrderReduced,
    OrderReleased,
    RequestRejected,
    RequestRepeated,
    Trade,
    TradeBusted,
)
from market.ids import (
    ClientOrderId,
    OrderId,
    ParticipantId,
    SessionId,
    TradeId,
)
from market.quantities import TimeNs
from market.reasons import CancelReason, RejectReason
from market.words import ShortSale
from participants.fix_records import CancelReject, Execution, MassCancelReport, Told

_CAPACITIES: Final = ("A", "P")


class ExecType(StrEnum):
    """What an execution says; the letters are FIX 4.4's ExecType."""

    NEW = "0"
    TRADE = "F"
    CANCELED = "4"
    REPLACED = "5"
    REJECTED = "8"
    EXPIRED = "C"
    RESTATED = "D"
    TRADE_CANCEL = "H"
    STATUS = "I"


def capacity_of(request: NewOrder | None) -> str:
    """Order capacity as FIX said it; empty for an order that said none, or of another door."""
    return request.carried if request is not None and request.carried in _CAPACITIES else ""


class OrderView:
    """One order as FIX tells it; changes in place, owned by :class:`FixReports`."""

    __slots__ = (
        "account", "capacity", "client_order_id", "cum_units", "instrument_id", "kind", "leaves_units",
        "order_id", "participant_id", "price_sen", "quantity_units", "session_id",
        "short_sale", "side", "status", "validity", "value_sen",
    )  # fmt: skip

    def __init__(self, event: OrderAccepted, account: str, capacity: str) -> None:
        self.order_id = event.order_id
        self.participant_id = event.participant_id
        self.session_id = event.session_id
        self.client_order_id = event.client_order_id
        self.account = account
        self.capacity = capacity
        self.instrument_id = event.instrument_id
        self.side = event.side
        self.short_sale: ShortSale | None = event.short_sale
        self.kind = event.kind
        self.price_sen = event.price_sen
        self.quantity_units: int = event.quantity_units
        self.validity = event.validity
        self.cum_units = 0
        self.value_sen = 0
        self.leaves_units: int = event.quantity_units
        self.status = "0"


class FixReports:
    """Every session's records of the day, every firm's, and the orders they are about."""

    def __init__(self, *, names_counterparty: bool = True) -> None:
        """A projection before the first entry.

        Args:
            names_counterparty: Whether a fill says who the other firm is; the preset's rule.
        """
        self.names_counterparty = names_counterparty
        self.days_opened = 0
        self._of_session: dict[SessionId, list[Told]] = {}
        self._of_firm: dict[ParticipantId, list[tuple[SessionId, Told]]] = {}
        self._seen: dict[SessionId, dict[str, None]] = {}
        self._orders: dict[OrderId, OrderView] = {}
        self._named: dict[tuple[ParticipantId, ClientOrderId], OrderView] = {}
        self._refused: dict[tuple[ParticipantId, ClientOrderId], RejectReason] = {}
        self._trades: dict[TradeId, Trade] = {}
        self._sequence = 0
        self._at_ns = TimeNs(0)
        self._place = 0
        self._request: Request | None = None
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
            Trade: self._traded,
            DeliveryCreated: self._delivery_created,
            TradeBusted: self._busted,
            DayOpened: self._day_opened,
        }

    @property
    def fix_day(self) -> int:
        """Counts the days of the sequence numbers: a new one begins as each later day opens."""
        return max(self.days_opened, 1)

    # --- what a door may ask

    def of_session(self, session_id: SessionId) -> list[Told]:
        """The session's records of the day; grows at its end, only to be read."""
        records = self._of_session.get(session_id)
        if records is None:
            records = self._of_session[session_id] = []
        return records

    def of_firm(self, participant_id: ParticipantId) -> list[tuple[SessionId, Told]]:
        """All records of the firm's sessions of the day, with the session of each."""
        records = self._of_firm.get(participant_id)
        if records is None:
            records = self._of_firm[participant_id] = []
        return records

    def has_seen(self, session_id: SessionId, name: str) -> bool:
        """Whether a request of that name (ClOrdID) of the session is in the journal of the day."""
        return name in self._seen.get(session_id, ())

    def find(self, participant_id: ParticipantId, name: str) -> OrderView | None:
        """A firm's order by any name it had today, whichever session or door entered it."""
        return self._named.get((participant_id, ClientOrderId(name)))

    def status_of(self, participant_id: ParticipantId, name: str) -> Execution | None:
        """The order's state now, as an answer to a status request; it is no numbered record."""
        view = self.find(participant_id, name)
        if view is None:
            return None
        return self._execution(view, ExecType.STATUS, exec_id="0")

    # --- one step

    def apply(self, entry: Entry, events: Iterable[Event]) -> None:
        """Learn from one durable step. O(events)."""
        command = entry.command
        self._sequence, self._at_ns, self._place = entry.sequence, entry.at_ns, 0
        self._request = None
        if isinstance(command, Request):
            self._request = command
            seen = self._seen.get(command.session_id)
            if seen is None:
                seen = self._seen[command.session_id] = {}
            seen[command.req_id] = None
        handlers = self._on
        for event in events:
            handler = handlers.get(type(event))
            if handler is not None:
                handler(event)

    # --- answers

    def _accepted(self, event: OrderAccepted) -> None:
        request = self._request
        entered = request if isinstance(request, NewOrder) else None
        view = OrderView(event, entered.account if entered else "", capacity_of(entered))
        self._orders[event.order_id] = view
        self._named[event.participant_id, event.client_order_id] = view
        self._tell(view.session_id, view.participant_id, self._execution(view, ExecType.NEW))

    def _amended(self, event: OrderAmended) -> None:
        """The order goes on under its new names; the session that amended it hears of it now."""
        view = self._orders[event.old_order_id]
        view.order_id, view.session_id = event.order_id, event.session_id
        view.client_order_id = event.client_order_id
        view.kind, view.price_sen = event.kind, event.price_sen
        view.leaves_units = event.leaves_units
        view.quantity_units = view.cum_units + event.leaves_units
        self._orders[event.order_id] = view
        self._named[event.participant_id, event.client_order_id] = view
        told = self._execution(view, ExecType.REPLACED, original=event.old_client_order_id)
        self._tell(view.session_id, view.participant_id, told)

    def _canceled(self, event: OrderCanceled) -> None:
        view = self._orders[event.order_id]
        view.leaves_units = 0
        view.status = "4"
        request = self._request
        answers = (isinstance(request, CancelOrder) and event.reason is CancelReason.OWNER) or (
            isinstance(request, AmendOrder) and event.reason is CancelReason.AMENDED
        )
        if answers and request is not None:
            named = request.req_id
            if isinstance(request, AmendOrder):
                named = request.client_order_id
            told = self._execution(
                view, ExecType.CANCELED, named=named, original=view.client_order_id
            )
            self._tell(request.session_id, view.participant_id, told)
            if view.session_id == request.session_id:
                return
        told = self._execution(view, ExecType.CANCELED, cancel_reason=event.reason)
        self._tell(view.session_id, view.participant_id, told)

    def _rejected(self, event: RequestRejected) -> None:
        request = self._request
        if isinstance(request, NewOrder):
            if event.reason is not RejectReason.ID_CONFLICT:
                self._refused[event.participant_id, request.client_order_id] = event.reason
            self._tell(event.session_id, event.participant_id, self._refusal(request, event.reason))
        elif isinstance(request, AmendOrder | CancelOrder):
            if isinstance(request, AmendOrder) and event.reason is not RejectReason.ID_CONFLICT:
                self._refused[event.participant_id, request.client_order_id] = event.reason
            told = self._cancel_refusal(request, event.reason)
            self._tell(event.session_id, event.participant_id, told)
        elif isinstance(request, MassCancel):
            self._tell_mass(request, event.participant_id, affected=None)

    def _repeated(self, event: RequestRepeated) -> None:
        """The same request again: where its order stands now, or the refusal it got."""
        request = self._request
        if isinstance(request, ActOnDelivery):  # said by websocket, answered there
            return
        key = (event.participant_id, event.client_order_id)
        refused = self._refused.get(key)
        view = self._named.get(key)
        told: Told
        if view is not None:
            told = self._execution(view, ExecType.STATUS)
        elif isinstance(request, NewOrder) and refused is not None:
            told = self._refusal(request, refused)
        elif isinstance(request, AmendOrder) and refused is not None:
            told = self._cancel_refusal(request, refused)
        else:
            raise InvariantBroken("a repeated request was answered", {"req_id": event.req_id})
        self._tell(event.session_id, event.participant_id, told)

    def _mass_canceled(self, event: MassCanceled) -> None:
        if isinstance(self._request, MassCancel):
            self._tell_mass(self._request, event.participant_id, affected=len(event.canceled))

    # --- news

    def _reduced(self, event: OrderReduced) -> None:
        view = self._orders[event.order_id]
        view.leaves_units = event.leaves_units
        view.quantity_units = view.cum_units + event.leaves_units
        if event.leaves_units == 0:
            view.status = "4"
        told = self._execution(view, ExecType.RESTATED, cancel_reason=CancelReason.SELF_TRADE)
        self._tell(view.session_id, view.participant_id, told)

    def _released(self, event: OrderReleased) -> None:
        view = self._orders[event.order_id]
        view.kind, view.price_sen = event.kind, event.price_sen

    def _expired(self, event: OrderExpired) -> None:
        view = self._orders[event.order_id]
        view.leaves_units = 0
        view.status = "C"
        self._tell(view.session_id, view.participant_id, self._execution(view, ExecType.EXPIRED))

    def _traded(self, event: Trade) -> None:
        """Wait for the delivery, which follows in the same step and names day and amount."""
        self._trades[event.trade_id] = event

    def _delivery_created(self, event: DeliveryCreated) -> None:
        if event.reverses is not None:  # no fill: a new obligation against a settled one
            return
        trade = self._trades[event.trade_id]
        for order_id, leaves_units, contra in (
            (trade.buy_order_id, trade.buy_leaves_units, trade.seller),
            (trade.sell_order_id, trade.sell_leaves_units, trade.buyer),
        ):
            view = self._orders[order_id]
            view.cum_units += trade.quantity_units
            view.value_sen += trade.quantity_units * trade.price_sen
            view.leaves_units = leaves_units
            view.status = "1" if leaves_units else "2"
            told = self._execution(
                view,
                ExecType.TRADE,
                trade=trade,
                contra=contra if self.names_counterparty else "",
                delivery=event,
            )
            self._tell(view.session_id, view.participant_id, told)

    def _busted(self, event: TradeBusted) -> None:
        """A fill is void: cumulated quantity goes back, the order does not open again."""
        for order_id in (event.buy_order_id, event.sell_order_id):
            view = self._orders.get(order_id)
            if view is None:  # of an earlier day; the order is over and its sequence gone
                continue
            view.cum_units -= event.quantity_units
            view.value_sen -= event.quantity_units * event.price_sen
            told = self._execution(view, ExecType.TRADE_CANCEL, bust=event)
            self._tell(view.session_id, view.participant_id, told)

    def _day_opened(self, event: DayOpened) -> None:
        """Let the day before go; orders that stay open keep their names."""
        del event
        self.days_opened += 1
        self._of_session, self._of_firm, self._seen = {}, {}, {}
        self._refused, self._trades = {}, {}
        self._named = {key: view for key, view in self._named.items() if view.leaves_units}
        self._orders = {key: view for key, view in self._orders.items() if view.leaves_units}

    # --- leaves

    def _meant(self, request: AmendOrder | CancelOrder) -> OrderView | None:
        if request.order_id is not None:
            view = self._orders.get(request.order_id)
            return view if view and view.participant_id == request.participant_id else None
        return self._named.get(
            (request.participant_id, request.original_client_order_id or ClientOrderId(""))
        )

    def _exec_id(self) -> str:
        self._place += 1
        return f"{self._sequence}-{self._place}"

    def _execution(
        self,
        view: OrderView,
        kind: ExecType,
        *,
        named: str | None = None,
        original: str = "",
        cancel_reason: CancelReason | None = None,
        trade: Trade | None = None,
        contra: str = "",
        delivery: DeliveryCreated | None = None,
        bust: TradeBusted | None = None,
        exec_id: str | None = None,
    ) -> Execution:
        last = trade or bust
        return Execution(
            exec_id=self._exec_id() if exec_id is None else exec_id,
            at_ns=self._at_ns,
            kind=kind.value,
            order_id=view.order_id,
            client_order_id=view.client_order_id if named is None else named,
            original=original,
            account=view.account,
            capacity=view.capacity,
            instrument_id=view.instrument_id,
            side=view.side,
            short_sale=view.short_sale,
            order_kind=view.kind,
            price_sen=view.price_sen,
            validity=view.validity,
            status=view.status,
            quantity_units=view.quantity_units,
            cum_units=view.cum_units,
            leaves_units=view.leaves_units,
            value_sen=view.value_sen,
            last_units=0 if last is None else last.quantity_units,
            last_price_sen=0 if last is None else last.price_sen,
            trade_id=0 if last is None else last.trade_id,
            contra=contra,
            delivery_id=0 if delivery is None else delivery.delivery_id,
            settlement_date="" if delivery is None else delivery.settlement_date.isoformat(),
            amount_yen=0 if delivery is None else delivery.amount_yen,
            cancel_reason=cancel_reason,
            reject_reason=None,
        )

    def _refusal(self, request: NewOrder, reason: RejectReason) -> Execution:
        return Execution(
            exec_id=self._exec_id(),
            at_ns=self._at_ns,
            kind=ExecType.REJECTED.value,
            order_id=0,
            client_order_id=request.client_order_id,
            original="",
            account=request.account,
            capacity=capacity_of(request),
            instrument_id=request.instrument_id,
            side=request.side,
            short_sale=request.short_sale,
            order_kind=request.kind,
            price_sen=request.price_sen,
            validity=request.validity,
            status="8",
            quantity_units=request.quantity_units,
            cum_units=0,
            leaves_units=0,
            value_sen=0,
            last_units=0,
            last_price_sen=0,
            trade_id=0,
            contra="",
            delivery_id=0,
            settlement_date="",
            amount_yen=0,
            cancel_reason=None,
            reject_reason=reason,
        )

    def _cancel_refusal(
        self, request: AmendOrder | CancelOrder, reason: RejectReason
    ) -> CancelReject:
        view = self._meant(request)
        is_replace = isinstance(request, AmendOrder)
        return CancelReject(
            exec_id=self._exec_id(),
            at_ns=self._at_ns,
            order_id=0 if view is None else view.order_id,
            client_order_id=request.client_order_id
            if isinstance(request, AmendOrder)
            else request.req_id,
            original=request.original_client_order_id or "",
            status="8" if view is None else view.status,
            is_replace=is_replace,
            reason=reason,
        )

    def _tell_mass(
        self, request: MassCancel, participant_id: ParticipantId, *, affected: int | None
    ) -> None:
        told = MassCancelReport(
            exec_id=self._exec_id(),
            at_ns=self._at_ns,
            client_order_id=request.req_id,
            instrument_id=request.instrument_id or "",
            side=request.side,
            affected=affected,
        )
        self._tell(request.session_id, participant_id, told)

    def _tell(self, session_id: SessionId, participant_id: ParticipantId, record: Told) -> None:
        self.of_session(session_id).append(record)
        self.of_firm(participant_id).append((session_id, record))

    def check_invariants(self) -> None:
        """Quantities of every order agree. O(orders of the day)."""
        for view in self._orders.values():
            whole = view.cum_units + view.leaves_units
            check(whole <= view.quantity_units, "an order is not overfilled", order=view.order_id)
            check(view.cum_units >= 0, "fills are not negative", order=view.order_id)
