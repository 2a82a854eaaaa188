"""Flows as command rows (matching/rows.py), for everything that works in batches.

A flow in ticks (workloads.py, flow_files.py) becomes rows with one tick of ``ROW_TICK_SEN``; each
order belongs to one of ``OWNERS`` firms, so that a few trades are self-trades.
"""

from collections.abc import Iterable, Sequence
from typing import Final, TypeVar

import numpy as np
import numpy.typing as npt
from workloads import CANCEL, IOC, MARKET, NEW, Message

from market.words import OrderKind, Phase, Validity
from matching import rows as layout
from matching.rows import COMMAND, Op

Rows = npt.NDArray[np.void]

Word = TypeVar("Word")


def _numbers(words: Sequence[Word | None]) -> dict[Word, int]:
    """The number of each word in a list of matching/rows.py."""
    return {word: number for number, word in enumerate(words) if word is not None}


SIDES: Final = _numbers(layout.SIDES)
KINDS: Final = _numbers(layout.KINDS)
VALIDITIES: Final = _numbers(layout.VALIDITIES)
PHASES: Final = _numbers(layout.PHASES)
REJECTS: Final = _numbers(layout.REJECT_REASONS)
CANCELS: Final = _numbers(layout.CANCEL_REASONS)

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
    rows["op"] = np.where(new, Op.NEW, np.where(op == CANCEL, Op.CANCEL, Op.AMEND))
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
    rows["op"] = Op.PHASE
    rows["instrument"] = chosen
    rows["quantity_units"] = PHASES[phase]
    return rows


def auction_row(instrument: int) -> Rows:
    """Cross one issue."""
    rows = np.zeros(1, COMMAND)
    rows["op"] = Op.AUCTION
    rows["instrument"] = instrument
    return rows
