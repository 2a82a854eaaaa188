"""The answer already given to each client order id, and who owns which order.

Purpose: idempotence and the order directory. Core state: it changes only inside a journaled step.
Ordering: ``recall`` runs after the generation check and before every other check, so a request
that was refused is remembered too: a failed id never succeeds later. Requests refused at the door
or as STALE_GENERATION never reach it.
Invariants: one (firm, client order id) names one content a day; the open orders here are exactly
those on the books, in order id order; nothing is ever looked up across firms, so a foreign order
and an absent one give the same answer.
Known limits: the memory is a business day (cleared at DayOpened); orders that live longer keep
their place in the directory, but their old names no longer guard against reuse.
Source: START FIX 1.1 gives ClOrdID per day; the duplicate rule is the public error contract's.
"""

from collections.abc import Callable, Mapping
from typing import Any

from market.commands import ActOnDelivery, AmendOrder, NewOrder
from market.errors import InvariantBroken, check
from market.events import (
    DayOpened,
    Event,
    OrderAccepted,
    OrderAmended,
    OrderCanceled,
    OrderExpired,
    OrderReduced,
    RequestRepeated,
    Trade,
)
from market.ids import ClientOrderId, InstrumentId, OrderId, ParticipantId, SessionId
from market.reasons import RejectReason
from market.words import Side

OrderFacts = OrderAccepted | OrderAmended
"""The event that last defined an order says whose it is: firm, session, names, issue and side."""


class _FirmMemory:
    """One firm's day: what it asked, what its orders are called, what is open."""

    __slots__ = ("by_name", "open", "requests")

    def __init__(self) -> None:
        self.requests: dict[ClientOrderId, NewOrder | AmendOrder | ActOnDelivery] = {}
        self.by_name: dict[ClientOrderId, OrderId] = {}
        self.open: dict[OrderId, OrderFacts] = {}


class Answers:
    """Idempotence per firm, client order id and day; directory of the day's orders."""

    def __init__(self) -> None:
        self._firms: dict[ParticipantId, _FirmMemory] = {}
        self._orders: dict[OrderId, OrderFacts] = {}
        self._first_id: dict[OrderId, OrderId] = {}
        self._last_id: dict[OrderId, OrderId] = {}
        self._on: dict[type, Callable[[Any], None]] = {
            OrderAccepted: self._accepted,
            OrderAmended: self._amended,
            Trade: self._traded,
            OrderCanceled: self._ended,
            OrderExpired: self._ended,
            OrderReduced: self._reduced,
            DayOpened: self._day_opened,
        }

    def recall(self, cmd: NewOrder | AmendOrder) -> RequestRepeated | RejectReason | None:
        """Look a request up by its name, and remember it when the name is new.

        Returns:
            None for a new name; RequestRepeated for the same content again (from whichever
            session of the firm); ID_CONFLICT for other content under a used name.
        """
        memory = self._firms.get(cmd.participant_id) or self._memory(cmd.participant_id)
        first = memory.requests.setdefault(cmd.client_order_id, cmd)
        return None if first is cmd else _again(first, cmd, cmd.client_order_id)

    def recall_act(self, cmd: ActOnDelivery) -> RequestRepeated | RejectReason | None:
        """The same for a firm's word on a delivery; its names and those of orders are one list."""
        memory = self._memory(cmd.participant_id)
        first = memory.requests.setdefault(cmd.client_request_id, cmd)
        return None if first is cmd else _again(first, cmd, cmd.client_request_id)

    def resolve(
        self,
        participant_id: ParticipantId,
        order_id: OrderId | None,
        client_order_id: ClientOrderId | None,
    ) -> OrderId | RejectReason:
        """Find a firm's own order by either name, following amendments to its present id.

        Returns:
            The id on the book; UNKNOWN_ORDER when the firm has no such order, or the two names
            disagree; ALREADY_TERMINAL when nothing of it is open.
        """
        memory = self._memory(participant_id)
        found: OrderId | None = None
        if order_id is not None:
            found = self._present_id(order_id)
            facts = self._orders.get(found)
            if facts is None or facts.participant_id != participant_id:
                return RejectReason.UNKNOWN_ORDER
        if client_order_id is not None:
            named = memory.by_name.get(client_order_id)
            named = None if named is None else self._present_id(named)
            if named is None or found not in (None, named):
                return RejectReason.UNKNOWN_ORDER
            found = named
        if found is None:
            return RejectReason.UNKNOWN_ORDER
        return found if found in memory.open else RejectReason.ALREADY_TERMINAL

    def facts(self, order_id: OrderId) -> OrderFacts:
        """Whose order it is, for an order of today (or still open), by any of its ids."""
        facts = self._orders.get(order_id) or self._orders.get(self._present_id(order_id))
        if facts is None:
            raise InvariantBroken("an order in an event is in the directory", {"order": order_id})
        return facts

    def open_orders(
        self,
        participant_id: ParticipantId,
        *,
        session_id: SessionId | None = None,
        instrument_id: InstrumentId | None = None,
        side: Side | None = None,
    ) -> list[OrderId]:
        """The firm's open orders in order id order, optionally narrowed. O(its open orders)."""
        return [
            facts.order_id
            for facts in self._memory(participant_id).open.values()
            if (session_id is None or facts.session_id == session_id)
            and (instrument_id is None or facts.instrument_id == instrument_id)
            and (side is None or facts.side is side)
        ]

    @property
    def hears(self) -> Mapping[type, Callable[[Any], None]]:
        """Which events mean something here, and what hears each."""
        return self._on

    def apply(self, event: Event) -> None:
        """Learn from one event; events that say nothing about orders cost a lookup."""
        handler = self._on.get(type(event))
        if handler is not None:
            handler(event)

    # --- one handler for each event

    def _accepted(self, event: OrderAccepted) -> None:
        order_id = event.order_id
        memory = self._firms.get(event.participant_id) or self._memory(event.participant_id)
        memory.by_name[event.client_order_id] = order_id
        memory.open[order_id] = event
        self._orders[order_id] = event

    def _amended(self, event: OrderAmended) -> None:
        """Every earlier id and name keeps leading to the order: first id, then latest id."""
        old_id, order_id = event.old_order_id, event.order_id
        memory = self._memory(event.participant_id)
        check(old_id in memory.open, "an amended order is open", order=old_id)
        if order_id != old_id:
            first_id = self._first_id.get(old_id, old_id)
            self._first_id[order_id] = first_id
            self._last_id[first_id] = order_id
            del memory.open[old_id], self._orders[old_id]
        memory.by_name[event.client_order_id] = order_id
        memory.open[order_id] = event
        self._orders[order_id] = event

    def _traded(self, event: Trade) -> None:
        if event.buy_leaves_units == 0:
            self._end(event.buy_order_id)
        if event.sell_leaves_units == 0:
            self._end(event.sell_order_id)

    def _ended(self, event: OrderCanceled | OrderExpired) -> None:
        self._end(event.order_id)

    def _reduced(self, event: OrderReduced) -> None:
        if event.leaves_units == 0:
            self._end(event.order_id)

    def _end(self, order_id: OrderId) -> None:
        ended = self._firms[self.facts(order_id).participant_id].open.pop(order_id, None)
        if ended is None:
            check(False, "an order ends once", order=order_id)

    def _day_opened(self, event: DayOpened) -> None:
        """Forget yesterday's requests and ended orders; what is still open stays known."""
        del event
        names = {firm: memory.by_name for firm, memory in self._firms.items()}
        still_open = {
            number: facts
            for number, facts in self._orders.items()
            if number in self._firms[facts.participant_id].open
        }
        for firm, memory in self._firms.items():
            memory.requests = {}
            memory.by_name = {
                name: number
                for name, number in names[firm].items()
                if self._present_id(number) in still_open
            }
        self._first_id = {
            number: first
            for number, first in self._first_id.items()
            if self._present_id(number) in still_open
        }
        self._last_id = {first: last for first, last in self._last_id.items() if last in still_open}
        self._orders = still_open

    def _present_id(self, order_id: OrderId) -> OrderId:
        """The id an order has now, from any id it ever had. O(1)."""
        first_id = self._first_id.get(order_id, order_id)
        return self._last_id.get(first_id, first_id)

    def _memory(self, participant_id: ParticipantId) -> _FirmMemory:
        memory = self._firms.get(participant_id)
        if memory is None:
            memory = self._firms[participant_id] = _FirmMemory()
        return memory

    # --- evidence

    def check_invariants(self) -> None:
        """Check what must hold between commands. O(open orders + amendments of the day)."""
        for participant_id, memory in self._firms.items():
            numbers = list(memory.open)
            check(numbers == sorted(numbers), "open orders stand in id order", firm=participant_id)
            for number, facts in memory.open.items():
                check(facts.order_id == number, "an open order stands under its id", order=number)
                check(facts.participant_id == participant_id, "an order has one firm", order=number)
                check(self._orders.get(number) is facts, "the directory has it", order=number)
        for first, last in self._last_id.items():
            check(first not in self._first_id, "a first id is nobody's later id", order=first)
            check(self._first_id.get(last) == first, "ids lead both ways", order=last)

    def state(self) -> dict[str, object]:
        """Everything here as plain values: firms sorted, orders by id, requests by name."""
        return {
            "requests": [
                [participant_id, name, *_content(request)]
                for participant_id, memory in sorted(self._firms.items())
                for name, request in sorted(memory.requests.items())
            ],
            "names": [
                [participant_id, name, number]
                for participant_id, memory in sorted(self._firms.items())
                for name, number in sorted(memory.by_name.items())
            ],
            "orders": [
                [
                    number,
                    facts.participant_id,
                    facts.session_id,
                    facts.client_order_id,
                    int(number in self._firms[facts.participant_id].open),
                ]
                for number, facts in sorted(self._orders.items())
            ],
            "amended": [[number, first] for number, first in sorted(self._first_id.items())],
        }


def _again(
    first: NewOrder | AmendOrder | ActOnDelivery,
    cmd: NewOrder | AmendOrder | ActOnDelivery,
    name: ClientOrderId,
) -> RequestRepeated | RejectReason:
    if _content(first) != _content(cmd):
        return RejectReason.ID_CONFLICT
    return RequestRepeated(
        participant_id=cmd.participant_id,
        session_id=cmd.session_id,
        req_id=cmd.req_id,
        client_order_id=name,
    )


def _content(request: NewOrder | AmendOrder | ActOnDelivery) -> list[str]:
    """What makes two requests the same: all business fields, not who carried them when."""
    if isinstance(request, ActOnDelivery):
        act = request.act
        words = (getattr(act, name) for name in act.__struct_fields__)
        fields: tuple[object, ...] = ("delivery", type(act).__name__, *words)
    elif isinstance(request, NewOrder):
        fields = (
            "new",
            request.instrument_id,
            request.side,
            request.kind,
            request.price_sen,
            request.quantity_units,
            request.validity,
            request.account,
            request.self_trade_mode,
            request.short_sale,
            request.size_confirmed,
        )
    else:
        fields = (
            "amend",
            request.original_client_order_id,
            request.order_id,
            request.price_sen,
            request.leaves_units,
            request.total_units,
            request.size_confirmed,
        )
    return [str(field) for field in fields]
