"""End of day (照合): trades against obligations against postings against ledgers and registers.

The record of postings is folded from the events this room told the world, not from the ledgers,
so a ledger entry nobody was told about, or an event without an entry, is a break. A break is a
sentence for people; the counts are for machines.

A delivery that is over is compared once, on the day it ended. Should a posting name it later, the
closed delivery no longer explains it and that is a break (I8).
"""

from collections.abc import Iterator, Mapping

from market.events import DeliveryState, Event, Trade, UnitsMoved, YenMoved
from market.ids import (
    DeliveryId,
    InstrumentId,
    ParticipantId,
    delivery_id_to_text,
    trade_id_to_text,
)
from settlement.cash import Cash
from settlement.delivery import UNITS_HELD_STATES, YEN_HELD_STATES, Delivery
from settlement.ledger import Hold
from settlement.register import Register

_YEN = InstrumentId("")
"""Stands for yen beside the issues; no issue has an empty name."""

_UNITS_POSTED: tuple[DeliveryState, ...] = (DeliveryState.FINISHED,)
_YEN_POSTED: tuple[DeliveryState, ...] = (DeliveryState.FINISHED, DeliveryState.PAID)


class PostingRecord:
    """What the posting events say, and nothing else.

    Attributes:
        balances: Owned by each firm, by (issue or yen, firm).
        put_in: Given by the outside less taken back, by issue or yen.
        of_delivery: (units, yen) posted for each delivery not yet reconciled.
    """

    __slots__ = ("balances", "of_delivery", "put_in")

    def __init__(self) -> None:
        self.balances: dict[tuple[InstrumentId, ParticipantId], int] = {}
        self.put_in: dict[InstrumentId, int] = {_YEN: 0}
        self.of_delivery: dict[DeliveryId, tuple[int, int]] = {}

    def fold(self, event: Event) -> None:
        """Take one event in; those that post nothing change nothing."""
        if isinstance(event, YenMoved):
            self._move(_YEN, event.giver, event.taker, event.amount_yen)
            self._count(event.delivery_id, 0, event.amount_yen)
        elif isinstance(event, UnitsMoved):
            self._move(event.instrument_id, event.giver, event.taker, event.quantity_units)
            self._count(event.delivery_id, event.quantity_units, 0)

    def _move(
        self,
        asset: InstrumentId,
        giver: ParticipantId | None,
        taker: ParticipantId | None,
        amount: int,
    ) -> None:
        if giver is None:
            self.put_in[asset] = self.put_in.get(asset, 0) + amount
        else:
            self.balances[asset, giver] = self.balances.get((asset, giver), 0) - amount
        if taker is None:
            self.put_in[asset] = self.put_in.get(asset, 0) - amount
        else:
            self.balances[asset, taker] = self.balances.get((asset, taker), 0) + amount

    def _count(self, delivery_id: DeliveryId | None, units: int, yen: int) -> None:
        if delivery_id is not None:
            had_units, had_yen = self.of_delivery.get(delivery_id, (0, 0))
            self.of_delivery[delivery_id] = (had_units + units, had_yen + yen)

    @property
    def yen_put_in(self) -> int:
        """Deposits less withdrawals."""
        return self.put_in[_YEN]


def delivery_breaks(
    trades: Mapping[DeliveryId, Trade],
    deliveries: Mapping[DeliveryId, Delivery],
    record: PostingRecord,
) -> Iterator[str]:
    """Trades against obligations against postings. O(unreconciled deliveries)."""
    for delivery_id, trade in trades.items():
        name = delivery_id_to_text(delivery_id)
        delivery = deliveries.get(delivery_id)
        if delivery is None:
            yield f"{name}: trade {trade_id_to_text(trade.trade_id)} has no delivery"
            continue
        terms = delivery.terms
        agreed = (trade.trade_id, trade.instrument_id, trade.seller, trade.buyer)
        owed = (terms.trade_id, terms.instrument_id, terms.seller, terms.buyer)
        amounts = (trade.quantity_units, trade.consideration_yen)
        if agreed != owed or amounts != (terms.quantity_units, terms.amount_yen):
            yield f"{name}: terms differ from trade {trade_id_to_text(trade.trade_id)}"
        yield from _posting_breaks(delivery, record)


def reversal_breaks(
    reversals: Mapping[DeliveryId, DeliveryId],
    deliveries: Mapping[DeliveryId, Delivery],
    record: PostingRecord,
) -> Iterator[str]:
    """Reversals against what they take back, and against postings. O(unreconciled reversals)."""
    for delivery_id, target_id in reversals.items():
        old, delivery = deliveries[target_id].terms, deliveries[delivery_id]
        terms = delivery.terms
        agreed = (old.instrument_id, old.buyer, old.seller, old.quantity_units, old.amount_yen)
        owed = (
            terms.instrument_id,
            terms.seller,
            terms.buyer,
            terms.quantity_units,
            terms.amount_yen,
        )
        if terms.reverses != target_id or agreed != owed:
            yield f"{delivery_id_to_text(delivery_id)}: does not reverse its delivery"
        yield from _posting_breaks(delivery, record)


def _posting_breaks(delivery: Delivery, record: PostingRecord) -> Iterator[str]:
    """What is posted against what is due: all of it when finished, else the parts and what is paid."""
    terms = delivery.terms
    units_due, yen_due = delivery.filled_units, delivery.filled_yen
    if delivery.state in _UNITS_POSTED:
        units_due, yen_due = terms.quantity_units, terms.amount_yen
    elif delivery.state in _YEN_POSTED:
        yen_due += delivery.moving_yen
    moved = terms.seller != terms.buyer
    due = (units_due * moved, yen_due * moved)
    posted = record.of_delivery.get(terms.delivery_id, (0, 0))
    if posted != due:
        yield (
            f"{delivery_id_to_text(terms.delivery_id)}: {delivery.state.value}, so {due[0]} units "
            f"and {due[1]} yen are due, but {posted[0]} units and {posted[1]} yen are posted"
        )


def late_posting_breaks(
    trades: Mapping[DeliveryId, Trade],
    reversals: Mapping[DeliveryId, DeliveryId],
    record: PostingRecord,
) -> Iterator[str]:
    """Postings for deliveries that were over and reconciled before. O(deliveries posted today)."""
    for delivery_id in record.of_delivery:
        if delivery_id not in trades and delivery_id not in reversals:
            yield f"{delivery_id_to_text(delivery_id)}: posted to after it was reconciled"


def balance_breaks(
    registers: Mapping[InstrumentId, Register], cash: Cash, record: PostingRecord
) -> Iterator[str]:
    """Ledgers and registers against the record of postings. O(accounts log accounts)."""
    expected: dict[InstrumentId, dict[str, int]] = {_YEN: {}}
    for (asset, firm), amount in record.balances.items():
        expected.setdefault(asset, {})[firm] = amount
    for owner in sorted({*expected[_YEN], *cash.owners()}):
        told = expected[_YEN].get(owner, 0)
        if cash.owned_yen(owner) != told:
            yield f"{owner}: owns {cash.owned_yen(owner)} yen, postings say {told}"
    for instrument_id, register in registers.items():
        told_units = expected.get(instrument_id, {})
        for owner in sorted({**told_units, **register.accounts}):
            held, told = register.balance(owner), told_units.get(owner, 0)
            if owner != register.source and held != told:
                yield f"{instrument_id} {owner}: holds {held} units, postings say {told}"
        total = sum(units for _, units in register.holders()) + register.unissued_units
        if total != register.issued_units:
            yield f"{instrument_id}: {total} units exist, {register.issued_units} were issued"


def hold_breaks(
    open_deliveries: Mapping[DeliveryId, Delivery],
    registers: Mapping[InstrumentId, Register],
    cash: Cash,
) -> Iterator[str]:
    """Live holds against the deliveries they belong to (I1, I2, I6). O(open deliveries)."""
    units_holds = dict.fromkeys(registers, 0)
    yen_holds = 0
    for delivery_id, delivery in open_deliveries.items():
        terms, hold_id = delivery.terms, delivery.hold_id
        register = registers[terms.instrument_id]
        name = delivery_id_to_text(delivery_id)
        if delivery.moves_units and delivery.state in UNITS_HELD_STATES:
            units_holds[terms.instrument_id] += 1
            hold = register.live_holds.get(hold_id)
            if hold != Hold(terms.seller, terms.buyer, delivery.moving_units):
                yield f"{name}: {delivery.state.value} without its hold on units"
        if delivery.moves_yen and delivery.state in YEN_HELD_STATES:
            yen_holds += 1
            hold = cash.money.ledger.live_holds.get(hold_id)
            if hold != Hold(terms.buyer, terms.seller, delivery.moving_yen):
                yield f"{name}: {delivery.state.value} without its hold on cash"
    for instrument_id, register in registers.items():
        live, needed = len(register.live_holds), units_holds[instrument_id]
        if live != needed:
            yield f"{instrument_id}: {live} holds on units, deliveries under way need {needed}"
    live = len(cash.money.ledger.live_holds)
    if live != yen_holds:
        yield f"{live} holds on cash, deliveries under way need {yen_holds}"
