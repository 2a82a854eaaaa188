"""The engine's own commands and events against rows: who says the same, event for event.

:func:`play` drives :class:`matching.engine.Engine` with command rows and gives its events as event
rows. An amended order keeps its id in rows and takes a new one in the engine, so ids are mapped
both ways. Slow and plain on purpose: it is the judge of everything that works on rows.
"""

from collections.abc import Iterator, Sequence
from datetime import date
from typing import Final

import numpy as np
from command_rows import CANCELS, KINDS, PHASES, REJECTS, SIDES, VALIDITIES, Rows

from market.commands import (
    AmendOrder,
    CancelOrder,
    ChangePhase,
    Command,
    Entry,
    ListInstrument,
    NewOrder,
    OpenDay,
    RunAuction,
)
from market.events import (
    AuctionHeld,
    CommandRefused,
    Event,
    IndicativePriceChanged,
    OrderAccepted,
    OrderAmended,
    OrderCanceled,
    OrderExpired,
    OrderReduced,
    PhaseChanged,
    RequestRejected,
    Trade,
)
from market.ids import ClientOrderId, InstrumentId, OrderId, ParticipantId, SessionId
from market.instrument import Instrument, LimitTable, TickTable
from market.quantities import MAX_PRICE_SEN, Sen, SequenceNo, TimeNs, Units
from market.reasons import RejectReason
from market.rules import Rules
from market.words import Side
from matching.engine import Engine
from matching.rows import EVENT, FLAG_CROSS, FLAG_KEPT_PRIORITY, FLAG_SELF_TRADE, Op, What

_SIDE: Final = {number: side for side, number in SIDES.items()}
_KIND: Final = {number: kind for kind, number in KINDS.items()}
_VALIDITY: Final = {number: validity for validity, number in VALIDITIES.items()}
_PHASE: Final = {number: phase for phase, number in PHASES.items()}
_NOBODY: Final = SessionId("S-1")

Row = tuple[int, ...]


def issues(
    count: int, lowest_yen: int = 1, highest_yen: int = 20_000, lot_units: int = 1
) -> list[Instrument]:
    """Issues with one tick of one yen and a band from ``lowest_yen`` to ``highest_yen``."""
    middle, width = (lowest_yen + highest_yen) // 2, (highest_yen - lowest_yen + 1) // 2
    return [
        Instrument(
            instrument_id=InstrumentId(f"K{number:04d}"),
            isin="JP0000000001",
            name="Bench",
            issued_units=Units(1_000_000_000),
            issue_price_sen=Sen(middle * 100),
            ticks=TickTable(table_id=9, up_to_sen=(MAX_PRICE_SEN,), tick_sen=(100,)),
            limits=LimitTable(below_sen=(MAX_PRICE_SEN,), width_sen=(width * 100,)),
            trading_unit_units=Units(lot_units),
        )
        for number in range(count)
    ]


class RowEngine:
    """The engine behind rows, keeping the rows' order ids."""

    def __init__(self, rules: Rules, instruments: Sequence[Instrument]) -> None:
        self.engine = Engine(rules)
        self._names = [issue.instrument_id for issue in instruments]
        self._numbers = {name: number for number, name in enumerate(self._names)}
        self._engine_id: dict[int, OrderId] = {}
        self._row_id: dict[OrderId, int] = {}
        self._issue: dict[int, int] = {}
        self._sequence = 0
        setup: list[Command] = [ListInstrument(instrument=one) for one in instruments]
        for command in [*setup, OpenDay(business_date=date(2026, 11, 24))]:
            self._apply(command)

    def _apply(self, command: Command) -> list[Event]:
        self._sequence += 1
        return self.engine.apply(
            Entry(sequence=SequenceNo(self._sequence), at_ns=TimeNs(0), command=command)
        )

    def play(self, commands: Rows, first: int = 0) -> Iterator[Row]:
        """The event rows of command rows; ``first`` is the number of the first command."""
        for number, row in enumerate(commands.tolist(), first):
            command = self._command(row)
            events = self._apply(command)
            if row[0] == Op.NEW and isinstance(events[0], OrderAccepted):
                self._name(row[5], events[0].order_id)
                self._issue[row[5]] = row[4]
            for event in events:
                if isinstance(event, OrderAmended):
                    self._name(row[5], event.order_id)
                yield self._event(event, number, row)

    def _name(self, row_id: int, order_id: OrderId) -> None:
        self._engine_id[row_id] = order_id
        self._row_id[order_id] = row_id

    def _command(self, row: Row) -> Command:
        op, side, kind, validity, issue, order_id, price_sen, units, owner = row[:9]
        known = 0 <= issue < len(self._names)
        name = self._names[issue] if known else InstrumentId("NONE")
        firm = ParticipantId(f"F{owner}")
        number = self._engine_id.get(order_id, OrderId(0))
        if op == Op.PHASE:
            return ChangePhase(instrument_id=name, phase=_PHASE[units])
        if op == Op.AUCTION:
            return RunAuction(instrument_id=name)
        if op == Op.CANCEL:
            return CancelOrder(
                participant_id=firm, session_id=_NOBODY, generation=1, req_id="", order_id=number
            )
        if op == Op.AMEND:
            return AmendOrder(
                participant_id=firm,
                session_id=_NOBODY,
                generation=1,
                req_id="",
                client_order_id=ClientOrderId(f"A{order_id}"),
                order_id=number,
                price_sen=Sen(price_sen) or None,
                leaves_units=Units(units) or None,
            )
        return NewOrder(
            participant_id=firm,
            session_id=_NOBODY,
            generation=1,
            req_id="",
            client_order_id=ClientOrderId(f"C{order_id}"),
            instrument_id=name,
            side=_SIDE[side],
            kind=_KIND[kind],
            price_sen=Sen(price_sen),
            quantity_units=Units(units),
            validity=_VALIDITY[validity],
        )

    def _event(self, event: Event, number: int, row: Row) -> Row:
        ids = self._row_id
        match event:
            case OrderAccepted():
                return (
                    What.ACCEPTED, 0, 0, SIDES[event.side], row[4], number, row[5], 0, event.price_sen,
                    event.quantity_units, event.quantity_units, 0,
                )  # fmt: skip
            case CommandRefused():
                return (What.REFUSED, REJECTS[event.reason], 0, 0, row[4], number, 0, 0, 0, 0, 0, 0)
            case RequestRejected():
                unknown = row[0] == Op.NEW or event.reason is RejectReason.UNKNOWN_ORDER
                issue = row[4] if unknown else self._issue[row[5]]
                return (
                    What.REJECTED, REJECTS[event.reason], 0, 0, issue, number, row[5], 0, 0, 0, 0, 0
                )  # fmt: skip
            case Trade():
                buy, sell = ids[event.buy_order_id], ids[event.sell_order_id]
                aggressor = 0 if event.cross else SIDES[Side.BUY if row[5] == buy else Side.SELL]
                flags = FLAG_CROSS * event.cross + FLAG_SELF_TRADE * event.self_trade
                return (
                    What.TRADE, 0, flags, aggressor, self._numbers[event.instrument_id], number, buy,
                    sell, event.price_sen, event.quantity_units, event.buy_leaves_units,
                    event.sell_leaves_units,
                )  # fmt: skip
            case OrderCanceled():
                return self._ended(
                    What.CANCELED, CANCELS[event.reason], event, number, event.canceled_units
                )
            case OrderExpired():
                return self._ended(What.EXPIRED, 0, event, number, event.expired_units)
            case OrderAmended():
                return (
                    What.AMENDED, 0, FLAG_KEPT_PRIORITY * event.kept_priority, SIDES[event.side],
                    self._numbers[event.instrument_id], number, row[5], 0, event.price_sen,
                    event.leaves_units, event.leaves_units, 0,
                )  # fmt: skip
            case OrderReduced():
                return self._ended(What.REDUCED, 0, event, number, event.prevented_units)
            case PhaseChanged():
                return (What.PHASE, 0, 0, 0, row[4], number, 0, 0, 0, PHASES[event.phase], 0, 0)
            case AuctionHeld():
                return (
                    What.AUCTION, 0, 0, 0, row[4], number, 0, 0, event.price_sen or 0,
                    event.executed_units, event.trades, 0,
                )  # fmt: skip
            case IndicativePriceChanged():
                return (
                    What.INDICATIVE, 0, 0, 0, self._numbers[event.instrument_id], number, 0, 0,
                    event.price_sen or 0, event.executed_units, event.surplus_units, 0,
                )  # fmt: skip
        raise AssertionError(f"an event the rows have no shape for: {event}")

    def _ended(
        self,
        what: int,
        reason: int,
        event: OrderCanceled | OrderExpired | OrderReduced,
        number: int,
        units: int,
    ) -> Row:
        left = event.leaves_units if isinstance(event, OrderReduced) else 0
        order, issue = self._row_id[event.order_id], self._numbers[event.instrument_id]
        return (what, reason, 0, 0, issue, number, order, 0, 0, units, left, 0)  # fmt: skip


def played(rules: Rules, instruments: Sequence[Instrument], commands: Rows) -> Rows:
    """All event rows the engine gives for command rows."""
    return np.array(list(RowEngine(rules, instruments).play(commands)), EVENT)
