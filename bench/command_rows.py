"""Commands and events as fixed rows, for everything that works through them in batches.

A command row has 32 bytes, an event row 48, little-endian, no holes. Enumerated values are counted
from 1 in the order of their catalogue (market/words.py, market/reasons.py); 0 means none. Order ids
are the caller's: dense from 1, never used twice, and kept when an order is amended.

A flow in ticks (workloads.py, flow_files.py) becomes rows with one tick of ``ROW_TICK_SEN``; each
order belongs to one of ``OWNERS`` firms, so that a few trades are self-trades.
"""

from collections.abc import Iterable
from typing import Final

import numpy as np
import numpy.typing as npt
from workloads import CANCEL, IOC, MARKET, NEW, Message

from market.reasons import CancelReason, RejectReason
from market.words import OrderKind, Phase, Side, Validity

COMMAND: Final = np.dtype([
    ("op", "u1"), ("side", "u1"), ("kind", "u1"), ("validity", "u1"), ("instrument", "<i4"),
    ("order_id", "<i8"), ("price_sen", "<i4"), ("quantity_units", "<i4"), ("owner", "<i4"),
    ("self_trade", "u1"), ("pad", "u1", (3,)),
])  # fmt: skip
EVENT: Final = np.dtype([
    ("what", "u1"), ("reason", "u1"), ("flags", "u1"), ("side", "u1"), ("instrument", "<i4"),
    ("command", "<i8"), ("order_id", "<i8"), ("contra_id", "<i8"), ("price_sen", "<i4"),
    ("units", "<i4"), ("leaves_units", "<i4"), ("contra_leaves_units", "<i4"),
])  # fmt: skip

Rows = npt.NDArray[np.void]

OP_NEW, OP_CANCEL, OP_AMEND, OP_PHASE, OP_AUCTION = 1, 2, 3, 4, 5
(ACCEPTED, REJECTED, TRADE, CANCELED, AMENDED, REDUCED, EXPIRED, PHASED, AUCTION, INDICATED) = (
    range(1, 11)
)
IN_CROSS, SELF_TRADE, KEPT = 1, 2, 1

SIDES: Final = {side: number for number, side in enumerate(Side, 1)}
KINDS: Final = {kind: number for number, kind in enumerate(OrderKind, 1)}
VALIDITIES: Final = {validity: number for number, validity in enumerate(Validity, 1)}
PHASES: Final = {phase: number for number, phase in enumerate(Phase, 1)}
REJECTS: Final = {reason: number for number, reason in enumerate(RejectReason, 1)}
CANCELS: Final = {reason: number for number, reason in enumerate(CancelReason, 1)}

ROW_TICK_SEN: Final = 100
OWNERS: Final = 50


def owner_of(order_id: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """The firm an order belongs to, 1 to ``OWNERS``, scattered over the ids."""
    return order_id * 2_654_435_761 % 4_294_967_296 % OWNERS + 1


def rows_of(flow: Iterable[Message], instrument: int = 0) -> Rows:
    """A flow in ticks as command rows of one issue."""
    table = np.array(list(flow), dtype=np.int64).reshape(-1, len(Message._fields))
    op, kind, side, order, price, quantity = table.T
    new = op == NEW
    rows = np.zeros(len(table), COMMAND)
    rows["op"] = np.where(new, OP_NEW, np.where(op == CANCEL, OP_CANCEL, OP_AMEND))
    rows["side"] = side + 1
    rows["kind"] = np.where(new & (kind == MARKET), KINDS[OrderKind.MARKET], KINDS[OrderKind.LIMIT])
    rows["validity"] = np.where(
        new & (kind == IOC), VALIDITIES[Validity.IOC], VALIDITIES[Validity.DAY]
    )
    rows["instrument"] = instrument
    rows["order_id"] = order
    rows["price_sen"] = np.where(op == CANCEL, 0, price * ROW_TICK_SEN)
    rows["quantity_units"] = np.where(op == CANCEL, 0, quantity)
    rows["owner"] = owner_of(order)
    return rows


def phase_rows(phase: Phase, instruments: Iterable[int]) -> Rows:
    """Move issues to a phase, one row an issue."""
    chosen = list(instruments)
    rows = np.zeros(len(chosen), COMMAND)
    rows["op"] = OP_PHASE
    rows["instrument"] = chosen
    rows["quantity_units"] = PHASES[phase]
    return rows


def auction_row(instrument: int) -> Rows:
    """Cross one issue."""
    rows = np.zeros(1, COMMAND)
    rows["op"] = OP_AUCTION
    rows["instrument"] = instrument
    return rows
