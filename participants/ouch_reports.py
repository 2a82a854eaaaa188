"""What OUCH sessions are told: a projection of the journal, message by message, made from its steps.

Purpose: the sequenced stream of each session and business day, beside the other doors' reports and
from the same events. It is no core state; a replay makes it again byte for byte, so a client that
comes back after a crash gets by its sequence exactly what it missed.
Ordering: within a step, the order of its events. A stream begins with S at the day's opening and
ends with S at its close.
Which orders: those entered by OUCH, to the session that entered them, whoever amends or cancels
them later and by whichever door; orders of other doors have no token and are not told.
Invariants: every token that was used up is known (``highest_token``); what is told of an order
never exceeds its quantity.
Known limits: voided trades are not told, there is no message for them; an order that outlives its
day (no rulebook with OUCH has any) is not told on the next one. A trade in a cross has no aggressor
and is told as added liquidity to both.
Source: ODX equities OUCH 2.0, 7; see participants/ouch.py.
"""

from collections.abc import Callable, Iterable
from typing import Any

from market.commands import AmendOrder, CancelOrder, Command, Entry, NewOrder, RefuseRequest
from market.errors import check
from market.events import (
    DayClosed,
    DayOpened,
    Event,
    InstrumentListed,
    KeyRegistered,
    OrderAccepted,
    OrderAmended,
    OrderCanceled,
    OrderExpired,
    OrderReduced,
    RequestRejected,
    RequestRepeated,
    Trade,
)
from market.ids import OrderId, SessionId
from market.reasons import CancelReason
from market.words import ShortSale, Side, Validity
from participants import ouch
from participants.ouch_rules import (
    CANCEL_LETTERS,
    EXPIRED,
    OTHER,
    REJECT_LETTERS,
    SUPERFLUOUS,
    OuchMarket,
    carried_of,
    is_ours,
    token_of,
)

_DAY_NS = 24 * 3600 * 1_000_000_000
_JST_NS = 9 * 3600 * 1_000_000_000


class OuchOrder:
    """One order as its session knows it; changes in place, owned by :class:`OuchReports`."""

    __slots__ = (
        "book", "filled_units", "is_dead", "leaves_units", "session_id", "side", "token",
    )  # fmt: skip

    def __init__(self, session_id: SessionId, token: int, side: str, book: str, units: int) -> None:
        self.session_id = session_id
        self.token = token
        self.side = side
        self.book = book
        self.leaves_units = units
        self.filled_units = 0
        self.is_dead = False


class OuchReports:
    """Every session's messages of the day, as they come.

    Attributes:
        market: What messages are read and written by.
        sessions: Every session of the venue, in the order their first keys were registered.
        day: The business day, as a session name; empty before the first.
        is_ended: Whether the day has closed.
        told: Messages not taken yet, with the session of each.
    """

    def __init__(self) -> None:
        self.market = OuchMarket()
        self.sessions: dict[SessionId, None] = {}
        self.day = ""
        self.is_ended = True
        self.told: list[tuple[SessionId, bytes]] = []
        self._highest: dict[SessionId, int] = {}
        self._orders: dict[OrderId, OuchOrder] = {}
        self._at_ns = 0
        self._sequence = 0
        self._command: Command | None = None
        self._events: list[Event] = []
        self._letter = OTHER
        self._on: dict[type, Callable[[Any], None]] = {
            OrderAccepted: self._accepted,
            OrderAmended: self._amended,
            OrderCanceled: self._canceled,
            OrderReduced: self._reduced,
            OrderExpired: self._expired,
            Trade: self._traded,
            RequestRejected: self._rejected,
            RequestRepeated: self._repeated,
            InstrumentListed: lambda event: self.market.add(event.instrument.instrument_id),
            KeyRegistered: self._key_registered,
            DayOpened: self._day_opened,
            DayClosed: self._day_closed,
        }

    def highest_token(self, session_id: SessionId) -> int:
        """The highest token the session used up today; 0 when none."""
        return self._highest.get(session_id, 0)

    def take(self) -> list[tuple[SessionId, bytes]]:
        """What is told since the last call, in order."""
        told, self.told = self.told, []
        return told

    def apply(self, entry: Entry, events: Iterable[Event]) -> None:
        """Learn from one durable step. O(events)."""
        command = entry.command
        self._command, self._events = command, list(events)
        self._at_ns = (entry.at_ns + _JST_NS) % _DAY_NS
        self._sequence = entry.sequence
        self._letter = OTHER
        if isinstance(command, NewOrder | AmendOrder) and is_ours(command):
            self._use(command.session_id, token_of(command.client_order_id))
        elif isinstance(command, RefuseRequest) and command.carried.startswith("O"):
            self._use(command.session_id, token_of(command.req_id))
        handler_of = self._on.get
        for event in self._events:
            handler = handler_of(type(event))
            if handler is not None:
                handler(event)

    def check_invariants(self) -> None:
        """Open quantities are positive, and every order is of a known session. O(orders)."""
        for order_id, order in self._orders.items():
            check(order.leaves_units > 0, "a told order is open", order=order_id)
            check(order.session_id in self.sessions, "an order has a session", order=order_id)

    # --- the day

    def _key_registered(self, event: KeyRegistered) -> None:
        if event.session_id not in self.sessions:
            self.sessions[event.session_id] = None
            if not self.is_ended:
                self._say(event.session_id, ouch.SystemEvent(self._at_ns, ouch.START_OF_DAY))

    def _day_opened(self, event: DayOpened) -> None:
        self.day = event.business_date.strftime("%Y%m%d")
        self.is_ended = False
        self._highest, self._orders = {}, {}
        for session_id in self.sessions:
            self._say(session_id, ouch.SystemEvent(self._at_ns, ouch.START_OF_DAY))

    def _day_closed(self, event: DayClosed) -> None:
        del event
        self.is_ended = True
        for session_id in self.sessions:
            self._say(session_id, ouch.SystemEvent(self._at_ns, ouch.END_OF_DAY))

    # --- answers

    def _accepted(self, event: OrderAccepted) -> None:
        command = self._command
        carried = carried_of(command.carried) if isinstance(command, NewOrder) else None
        if carried is None:
            return
        token = token_of(event.client_order_id)
        side = "B" if event.side is Side.BUY else "S"
        if event.short_sale is not None:
            side = "T" if event.short_sale is ShortSale.SHORT else "E"
        book = self.market.names[event.instrument_id]
        order = OuchOrder(event.session_id, token, side, book, event.quantity_units)
        is_immediate = event.validity is not Validity.DAY
        order.is_dead = is_immediate and self._came_to_nothing(event.order_id)
        self._orders[event.order_id] = order
        told = ouch.Accepted(
            self._at_ns,
            token,
            carried.reference,
            side,
            event.quantity_units,
            book,
            ouch.GROUP,
            event.price_sen // self.market.sen_per_point,
            ouch.IMMEDIATE if is_immediate else ouch.DAY,
            carried.firm,
            ouch.DISPLAY,
            carried.capacity,
            event.order_id,
            0,
            ouch.DEAD if order.is_dead else ouch.LIVE,
            carried.classification,
            carried.cash_margin,
        )
        self._say(event.session_id, told)

    def _came_to_nothing(self, order_id: OrderId) -> bool:
        """Whether all of an order left in the step that entered it, without a trade."""
        left = False
        for event in self._events:
            if isinstance(event, Trade | OrderReduced):
                return False
            if isinstance(event, OrderCanceled) and event.order_id == order_id:
                left = event.reason is not CancelReason.SELF_TRADE
        return left

    def _amended(self, event: OrderAmended) -> None:
        order = self._orders.pop(event.old_order_id, None)
        if order is None:
            return
        self._orders[event.order_id] = order
        order.leaves_units = event.leaves_units
        self._replaced(order, event.order_id, event.price_sen, ouch.LIVE)

    def _replaced(self, order: OuchOrder, order_id: OrderId, price_sen: int, state: str) -> None:
        """Under the token the replacement gave it; amended at another door it keeps its own."""
        command, previous = self._command, order.token
        if isinstance(command, AmendOrder) and command.carried:
            order.token = token_of(command.client_order_id)
        total_units = order.filled_units + order.leaves_units
        told = ouch.Replaced(
            self._at_ns,
            order.token,
            order.side,
            total_units,
            order.book,
            ouch.GROUP,
            price_sen // self.market.sen_per_point,
            ouch.DAY,
            ouch.DISPLAY,
            order_id,
            0,
            state,
            previous,
        )
        self._say(order.session_id, told)

    def _rejected(self, event: RequestRejected) -> None:
        """A J, unless it was superfluous, or the order it spoke of is canceled for it."""
        command, reason = self._command, event.reason
        letter = REJECT_LETTERS.get(reason, OTHER)
        if isinstance(command, RefuseRequest):
            if reason is command.reason:
                letter = command.carried[1:]
            self._reject(event.session_id, token_of(command.req_id), letter)
        elif isinstance(command, NewOrder) and is_ours(command):
            self._reject(event.session_id, token_of(command.client_order_id), letter)
        elif isinstance(command, AmendOrder | CancelOrder) and command.carried:
            self._letter = command.carried[1:] or letter
            ends = any(
                isinstance(told, OrderCanceled) and told.reason is CancelReason.AMEND_INVALID
                for told in self._events
            )
            if not ends and reason not in SUPERFLUOUS:
                self._reject(event.session_id, token_of(command.req_id), letter)

    def _repeated(self, event: RequestRepeated) -> None:
        """The name of the token was used with the same content at another door."""
        if getattr(self._command, "carried", ""):
            self._reject(event.session_id, token_of(event.client_order_id), OTHER)

    def _reject(self, session_id: SessionId, token: int, letter: str) -> None:
        self._say(session_id, ouch.Rejected(self._at_ns, token, letter))

    # --- news

    def _canceled(self, event: OrderCanceled) -> None:
        order = self._orders.pop(event.order_id, None)
        if order is None or order.is_dead:
            return
        command = self._command
        if event.reason is CancelReason.SELF_TRADE:
            units, prevented = event.canceled_units, event.prevented_units
            self._prevented(order, event.order_id, units, prevented, event.prevented_price_sen)
        elif (
            event.reason is CancelReason.AMENDED
            and isinstance(command, AmendOrder)
            and command.carried
        ):
            order.leaves_units = 0
            price_sen = command.price_sen or 0
            self._replaced(order, event.order_id, price_sen, ouch.DEAD)
        else:
            letter = CANCEL_LETTERS[event.reason]
            if event.reason is CancelReason.AMEND_INVALID:
                letter = self._letter
            self._leave(order, event.canceled_units, letter)

    def _expired(self, event: OrderExpired) -> None:
        order = self._orders.pop(event.order_id, None)
        if order is not None:
            self._leave(order, event.expired_units, EXPIRED)

    def _leave(self, order: OuchOrder, units: int, letter: str) -> None:
        self._say(order.session_id, ouch.Canceled(self._at_ns, order.token, units, letter))

    def _reduced(self, event: OrderReduced) -> None:
        order = self._orders.get(event.order_id)
        if order is None:
            return
        order.leaves_units = event.leaves_units
        if not event.leaves_units:
            del self._orders[event.order_id]
        units = event.prevented_units
        self._prevented(order, event.order_id, units, units, event.prevented_price_sen)

    def _prevented(
        self, order: OuchOrder, order_id: OrderId, units: int, prevented_units: int, price_sen: int
    ) -> None:
        told = ouch.SelfMatchCanceled(
            self._at_ns,
            order.token,
            units,
            CANCEL_LETTERS[CancelReason.SELF_TRADE],
            prevented_units,
            price_sen // self.market.sen_per_point,
            self._liquidity(order_id),
        )
        self._say(order.session_id, told)

    def _traded(self, event: Trade) -> None:
        for order_id, leaves_units in (
            (event.buy_order_id, event.buy_leaves_units),
            (event.sell_order_id, event.sell_leaves_units),
        ):
            order = self._orders.get(order_id)
            if order is None:
                continue
            order.leaves_units = leaves_units
            order.filled_units += event.quantity_units
            if not leaves_units:
                del self._orders[order_id]
            told = ouch.Executed(
                self._at_ns,
                order.token,
                event.quantity_units,
                event.price_sen // self.market.sen_per_point,
                ouch.ADDED if event.cross else self._liquidity(order_id),
                event.trade_id,
            )
            self._say(order.session_id, told)

    def _liquidity(self, order_id: OrderId) -> str:
        """The order that this very step entered took what the other one had added."""
        return ouch.REMOVED if order_id == self._sequence else ouch.ADDED

    # --- leaves

    def _use(self, session_id: SessionId, token: int) -> None:
        self._highest[session_id] = max(self._highest.get(session_id, 0), token)

    def _say(self, session_id: SessionId, message: ouch.Outbound) -> None:
        self.told.append((session_id, ouch.encode(message)))


def sen_per_point(price_decimals: int) -> int:
    """How many sen the last decimal of a market's prices is worth."""
    return (100, 10, 1)[price_decimals]
