"""Kitahama's engine behind the JSONL protocol of ``tracebook-conformance`` (MIT, PyPI).

    python tests/conformance_adapter.py --book sorted

speaks the protocol on stdin and stdout; :func:`adapter_on` is the same in process. The tool drives
its own reference engine beside ours and compares outcome, trades and both whole queues after every
event. The engine runs in Continuous under the OSE preset, whose amendments keep their place when
the quantity goes down and which shows no quotes instead of trading. What the adapter adds, and what is therefore not tested of Kitahama:

- Orders are named by the tool and may be named again once they have ended. Ours are numbered, and
  a firm's own names are the participants room's business. So DUPLICATE_ORDER_ID is the adapter's
  answer, from what the engine says still rests.
- The tool knows no daily limits; ours are drawn so wide that no trace reaches them.
- Prices are rounded to the tick by the tool's reference; we refuse them (BAD_TICK). The adapter
  rounds first. A price that rounds to nothing is refused by the engine.
- Quantities are decimals; ours are whole. One unit here is 2**-20 of the tool's.
- ``reduce`` is an amendment down; a reduction to nothing, which no amendment may be, is a cancel.
- ``replace`` always loses its place. It is an amendment where ours loses it too, and else what a
  firm would send: a cancel and a new order, once the engine would take the new one.
- ``clear`` is the day's end for one issue: Closed, where every order expires, and back.
- Pro-rata allocation is in no rulebook of ours: that configuration is refused.
"""

import argparse
import os
import sys
from collections.abc import Callable
from datetime import date
from decimal import Decimal
from fractions import Fraction
from typing import Final

from books import BOOKS
from tracebook.conformance import (
    BookSnapshot,
    BookState,
    ConformanceConfig,
    ConformanceError,
    EngineMetadata,
    Observation,
    Outcome,
    RestingOrder,
    TradeFill,
    canonical_decimal,
    serve_stdio,
)
from tracebook.core.order import NO_OWNER, OrderSide, OrderType, SelfTradePolicy
from tracebook.events import MarketEvent

from market.commands import NO_PRICE, AmendOrder, CancelOrder, Command, Entry, NewOrder
from market.events import Event, OrderAmended, RequestRejected, Trade
from market.ids import ClientOrderId, InstrumentId, OrderId, ParticipantId, SessionId
from market.instrument import Instrument, LimitTable, TickTable
from market.quantities import MAX_PRICE_SEN, MAX_QUANTITY_UNITS, Sen, SequenceNo, TimeNs, Units
from market.reasons import RejectReason
from market.rulebooks import OSE
from market.words import OrderKind, Phase, SelfTradeMode, Side, Validity
from matching.engine import Engine

UNITS_EACH: Final = 1 << 20
"""Units to one of the tool's; the quantities it makes are halves of halves."""

CENTRE_TICKS: Final = 10_000
"""Base price of an issue whose first order has none."""

WIDTH_TICKS: Final = 600
"""Limits are this far from the first price of a symbol; the tool stays well within."""

CHECK_EACH: Final = 16
"""Invariants are checked at every so many events, and at the end."""

MODES: Final = {
    SelfTradePolicy.NONE: SelfTradeMode.ALLOW_REPORT,
    SelfTradePolicy.CANCEL_RESTING: SelfTradeMode.CANCEL_OLDEST,
    SelfTradePolicy.CANCEL_INCOMING: SelfTradeMode.CANCEL_NEWEST,
}
KINDS: Final = {
    OrderType.LIMIT: (OrderKind.LIMIT, Validity.DAY),
    OrderType.MARKET: (OrderKind.MARKET, Validity.DAY),
    OrderType.IOC: (OrderKind.LIMIT, Validity.IOC),
    OrderType.FOK: (OrderKind.LIMIT, Validity.FOK),
}
SIDES: Final = {OrderSide.BUY: Side.BUY, OrderSide.SELL: Side.SELL}
REASONS: Final = {"replace": "INVALID_REPLACEMENT", "cancel": "INVALID_CANCEL"}
NEVER: Final = OrderId(0)
"""No command has this number, so no order has."""

Known = tuple[OrderId, ParticipantId]


class EngineAdapter:
    """One run of the tool against one engine; each symbol becomes an issue when first used."""

    def __init__(self, config: ConformanceConfig, book: str) -> None:
        if config.matching_algorithm != "fifo":
            raise ConformanceError(f"no rulebook here allocates by {config.matching_algorithm}")
        self.metadata = EngineMetadata(f"kitahama-{book}", "0.1.0", "Python")
        self._tick = Decimal(canonical_decimal(config.tick_size))
        self._places = config.quantity_decimal_places
        rules = OSE.replace(
            self_trade_mode=MODES[config.self_trade_policy], max_order_units=MAX_QUANTITY_UNITS
        )
        self._engine = Engine(rules, BOOKS[book])
        self._engine.open_day(date(2026, 11, 24))
        self._issues: dict[str, InstrumentId] = {}
        self._known: dict[tuple[str, int], Known] = {}
        self._names: dict[OrderId, int] = {}
        self._commands = 0

    # --- what the tool asks

    def apply(self, event: MarketEvent, index: int) -> Observation:
        """One event of the trace, and everything that came of it."""
        before = self._engine.state()
        happened = self._act(event)
        refusals = [one.reason for one in happened if isinstance(one, RequestRejected)]
        outcome = Outcome("applied")
        if refusals:
            assert self._engine.state() == before, "a refusal moves nothing"
            outcome = Outcome("rejected", self._reason(event, refusals[0]), refusals[0].value)
        trades = tuple(
            TradeFill(
                symbol=event.symbol,
                buy_order_id=self._names[trade.buy_order_id],
                sell_order_id=self._names[trade.sell_order_id],
                price=self._price(trade.price_sen),
                quantity=self._quantity(trade.quantity_units),
            )
            for trade in happened
            if isinstance(trade, Trade)
        )
        if not index % CHECK_EACH:
            self._engine.check_invariants()
        state = self.snapshot()
        return Observation(index, outcome, trades, state.digest(), state.order_count)

    def snapshot(self) -> BookState:
        """Every resting order by priority, in the tool's numbers."""
        return BookState(
            tuple(
                BookSnapshot(symbol, self._queue(name, Side.BUY), self._queue(name, Side.SELL))
                for symbol, name in sorted(self._issues.items())
            )
        )

    def close(self) -> None:
        """Nothing has to be given back; what was left must be sound."""
        self._engine.check_invariants()

    # --- what the engine is asked

    def _act(self, event: MarketEvent) -> list[Event]:
        if event.op == "clear":
            name = self._issue(event)
            closed = self._engine.change_phase(name, Phase.CLOSED)
            return closed + self._engine.change_phase(name, Phase.CONTINUOUS)
        assert event.order_id is not None
        key = (event.symbol, event.order_id)
        order_id, firm = self._known.get(key, (NEVER, ParticipantId("NOBODY")))
        resting = self._engine.find(order_id)
        if event.op == "new":
            name = self._issue(event)
            if resting is not None:
                return [_rejected(firm, RejectReason.DUPLICATE)]
            return self._enter(key, self._new(event, name))
        if event.op == "cancel":
            return self._do(_cancel(order_id, firm))
        leaves = Units(0) if resting is None else resting.leaves_units
        if event.op == "reduce":
            left = leaves - self._units(event.quantity or 0)
            if resting is not None and left == 0:
                return self._do(_cancel(order_id, firm))
            return self._amend(key, _amendment(order_id, firm, None, Units(left)))
        price = None if event.price is None else self._sen(event.price)
        asked = leaves if event.quantity is None else self._units(event.quantity)
        if resting is None or not (price in (None, resting.price_sen) and 0 < asked <= leaves):
            return self._amend(key, _amendment(order_id, firm, price, asked))
        again = _order(
            firm,
            resting.instrument_id,
            resting.side,
            kind=resting.kind,
            price=resting.price_sen,
            units=asked,
        )
        refusal = self._engine.check_new(again)
        if refusal is not None:
            return [_rejected(firm, refusal)]
        return self._do(_cancel(order_id, firm)) + self._enter(key, again)

    def _new(self, event: MarketEvent, name: InstrumentId) -> NewOrder:
        kind, validity = KINDS[event.order_type]
        assert event.side is not None
        nobody = event.owner == NO_OWNER  # an order of nobody's is never a self-trade
        firm = ParticipantId(f"ANON-{self._commands}" if nobody else f"FIRM-{event.owner}")
        return _order(
            firm,
            name,
            SIDES[event.side],
            kind=kind,
            price=NO_PRICE if kind is OrderKind.MARKET else self._sen(event.price or 0),
            units=self._units(event.quantity or 0),
            validity=validity,
        )

    def _enter(self, key: tuple[str, int], command: NewOrder) -> list[Event]:
        happened = self._do(command)
        if not isinstance(happened[0], RequestRejected):
            self._remember(key, OrderId(self._commands), command.participant_id)
        return happened

    def _amend(self, key: tuple[str, int], command: AmendOrder) -> list[Event]:
        happened = self._do(command)
        if isinstance(happened[0], OrderAmended):
            self._remember(key, happened[0].order_id, command.participant_id)
        return happened

    def _remember(self, key: tuple[str, int], order_id: OrderId, firm: ParticipantId) -> None:
        self._known[key] = order_id, firm
        self._names[order_id] = key[1]

    def _do(self, command: Command) -> list[Event]:
        self._commands += 1
        number = SequenceNo(self._commands)
        return self._engine.apply(Entry(sequence=number, at_ns=TimeNs(0), command=command))

    def _issue(self, event: MarketEvent) -> InstrumentId:
        """The issue of the event's symbol, listed about its first price, in Continuous."""
        if event.symbol not in self._issues:
            name = self._issues[event.symbol] = InstrumentId(f"S{len(self._issues) + 1}")
            centre = self._sen(event.price) if event.price else CENTRE_TICKS
            self._engine.list_instrument(_instrument(name, Sen(max(centre, 1))))
            self._engine.change_phase(name, Phase.CONTINUOUS)
        return self._issues[event.symbol]

    # --- numbers and words

    def _reason(self, event: MarketEvent, reason: RejectReason) -> str:
        if reason is RejectReason.UNKNOWN_ORDER:
            return "ORDER_NOT_ACTIVE"
        if reason is RejectReason.DUPLICATE:
            return "DUPLICATE_ORDER_ID"
        return REASONS.get(event.op, "INVALID_ORDER")

    def _sen(self, price: float) -> Sen:
        """The nearest tick; a tick of the tool's is one sen here."""
        return Sen(round(Decimal(repr(price)) / self._tick))

    def _price(self, price_sen: Sen) -> str:
        return canonical_decimal(self._tick * price_sen)

    def _units(self, quantity: float) -> Units:
        """Whole units, exactly, but for the digits the tool itself rounds away.

        Raises:
            ConformanceError: When the quantity is finer than one unit.
        """
        exact = Fraction(quantity) * UNITS_EACH
        units = round(exact)
        if abs(exact - units) > Fraction(UNITS_EACH, 10**self._places):
            raise ConformanceError(f"{quantity} is finer than 1/{UNITS_EACH}")
        return Units(units)

    def _quantity(self, units: int) -> str:
        return canonical_decimal(Decimal(units) / UNITS_EACH, self._places)

    def _queue(self, name: InstrumentId, side: Side) -> tuple[RestingOrder, ...]:
        return tuple(
            RestingOrder(
                order_id=self._names[order.order_id],
                price=self._price(order.price_sen),
                remaining_quantity=self._quantity(order.leaves_units),
                owner=_owner(order.participant_id),
            )
            for order in self._engine.book(name).queue(side)
        )


def adapter_on(book: str) -> Callable[[ConformanceConfig], EngineAdapter]:
    """What the tool calls for each run, on one kind of book."""
    return lambda config: EngineAdapter(config, book)


def _owner(firm: ParticipantId) -> int:
    kind, _, number = firm.partition("-")
    return NO_OWNER if kind == "ANON" else int(number)


def _who(firm: ParticipantId) -> dict[str, object]:
    session = SessionId(f"{firm}-1")
    return {"participant_id": firm, "session_id": session, "generation": 1, "req_id": ""}


def _order(
    firm: ParticipantId,
    name: InstrumentId,
    side: Side,
    *,
    kind: OrderKind,
    price: Sen,
    units: Units,
    validity: Validity = Validity.DAY,
) -> NewOrder:
    return NewOrder(
        **_who(firm),
        client_order_id=ClientOrderId("C"),
        instrument_id=name,
        side=side,
        kind=kind,
        price_sen=price,
        quantity_units=units,
        validity=validity,
    )


def _amendment(
    order_id: OrderId, firm: ParticipantId, price: Sen | None, units: Units
) -> AmendOrder:
    return AmendOrder(
        **_who(firm),
        client_order_id=ClientOrderId("C"),
        order_id=order_id,
        price_sen=price,
        leaves_units=units,
    )


def _cancel(order_id: OrderId, firm: ParticipantId) -> CancelOrder:
    return CancelOrder(**_who(firm), order_id=order_id)


def _rejected(firm: ParticipantId, reason: RejectReason) -> RequestRejected:
    return RequestRejected(
        participant_id=firm,
        session_id=SessionId(f"{firm}-1"),
        req_id="",
        client_order_id=None,
        reason=reason,
    )


def _instrument(name: InstrumentId, centre: Sen) -> Instrument:
    """Ticks of one sen, limits about the centre, no share of it too large."""
    return Instrument(
        instrument_id=name,
        isin="JP0000000001",
        name="Conformance",
        issued_units=Units(MAX_QUANTITY_UNITS * 4),
        issue_price_sen=centre,
        ticks=TickTable(table_id=9, up_to_sen=(MAX_PRICE_SEN,), tick_sen=(1,)),
        limits=LimitTable(below_sen=(MAX_PRICE_SEN,), width_sen=(WIDTH_TICKS,)),
    )


def main() -> int:
    """Serve one run on stdin and stdout."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--book", choices=BOOKS, default="sorted", help="which book to run on")
    return serve_stdio(adapter_on(parser.parse_args().book))


if __name__ == "__main__":
    code = main()
    sys.stdout.flush()
    os._exit(code)  # the judge waits half a second for an end, then calls it a difference
