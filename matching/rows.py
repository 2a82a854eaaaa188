"""Commands and events as rows: the layout of the batch door, one record after another.

A row is little-endian and has no gaps but the named ones, so the same bytes can be made by numpy,
read by C, written to a file or sent. Prices are 1/100 yen in 32 bits (START's own width); a price
of 0 stands for a market order, or for "keep it" in an amendment. Order ids are the caller's,
dense from 1 and used once: they index an array.

Codes are listed in :data:`OPS`, :data:`WHATS`, ... by position; 0 is never a code on purpose,
so a row of zeros is refused rather than taken for something.
"""

from enum import IntEnum
from typing import Final

import numpy as np

from market.reasons import CancelReason, RejectReason
from market.words import OrderKind, Phase, QuoteKind, SelfTradeMode, Side, Validity


class Op(IntEnum):
    """What a command row asks for."""

    NEW = 1
    CANCEL = 2
    AMEND = 3
    PHASE = 4
    AUCTION = 5
    HALT = 6
    RESUME = 7
    REFERENCE = 8
    OPEN_DAY = 9
    CLOSE_DAY = 10
    INDICATE = 11


class What(IntEnum):
    """What an event row tells."""

    ACCEPTED = 1
    REJECTED = 2
    TRADE = 3
    CANCELED = 4
    AMENDED = 5
    REDUCED = 6
    EXPIRED = 7
    PHASE = 8
    AUCTION = 9
    INDICATIVE = 10
    HALTED = 11
    RESUMED = 12
    REFERENCE = 13
    REFUSED = 14
    QUOTE = 15
    QUOTE_ENDED = 16


EVERY_ISSUE: Final = -1
"""In a row for the venue's acts: all issues, in listing order."""

FLAG_CROSS: Final = 1
FLAG_SELF_TRADE: Final = 2
FLAG_KEPT_PRIORITY: Final = 1
FLAG_SKIPPED: Final = 1

COMMAND: Final = np.dtype(
    [
        ("op", "u1"),
        ("side", "u1"),
        ("kind", "u1"),
        ("validity", "u1"),
        ("instrument", "<i4"),
        ("order_id", "<i8"),
        ("price_sen", "<i4"),
        ("quantity_units", "<i4"),
        ("owner", "<i4"),
        ("self_trade", "u1"),
        ("_pad", "u1", (3,)),
    ]
)
"""One command, 32 bytes.

op: :class:`Op`. side, kind, validity, self_trade: position in :data:`SIDES` and so on, from 1;
self_trade 0 takes the preset's mode. instrument: index in listing order. price_sen and
quantity_units: of a new order; what an amendment changes to (0 keeps; the total
quantity where the preset replaces by total); the base price of
``REFERENCE``; ``PHASE`` has the phase's position in :data:`PHASES` as quantity. side of
``PHASE`` and ``AUCTION``: 1 for a step behind an extension (extension.py). owner: number of
the participant (or of its account, where the preset compares accounts).
"""

EVENT: Final = np.dtype(
    [
        ("what", "u1"),
        ("reason", "u1"),
        ("flags", "u1"),
        ("side", "u1"),
        ("instrument", "<i4"),
        ("command", "<i8"),
        ("order_id", "<i8"),
        ("contra_id", "<i8"),
        ("price_sen", "<i4"),
        ("units", "<i4"),
        ("leaves_units", "<i4"),
        ("contra_leaves_units", "<i4"),
    ]
)
"""One event, 48 bytes.

what: :class:`What`. reason: position in :data:`REJECT_REASONS` or :data:`CANCEL_REASONS`.
command: number of the command row that caused it, from 0, over the whole run.
units: quantity accepted, traded, canceled, expired, prevented, or open after an amendment.
A trade names the buy order (order_id, leaves_units) and the sell order (contra_id,
contra_leaves_units); side is the incoming order's, 0 in a cross; flags: cross, self-trade.
An auction has its price (0: none), units, and the number of trades as leaves_units. An indicative
price has units, and the surplus as leaves_units. A phase has the phase's position as units.
A quote has its number as order_id and its kind's position in
:data:`QUOTE_KINDS` as flags. A reference price has the lower and upper limit as leaves_units and contra_leaves_units.
"""

SIDES: Final = (None, Side.BUY, Side.SELL)
KINDS: Final = (None, OrderKind.LIMIT, OrderKind.MARKET)
VALIDITIES: Final = (
    None, Validity.DAY, Validity.NEXT_AUCTION, Validity.IOC, Validity.FOK,
    Validity.ON_OPEN, Validity.ON_CLOSE, Validity.FUNARI,
)  # fmt: skip
SELF_TRADE_MODES: Final = (None, *SelfTradeMode)
PHASES: Final = (None, *Phase)
QUOTE_KINDS: Final = (None, *QuoteKind)
REJECT_REASONS: Final = (None, *RejectReason)
CANCEL_REASONS: Final = (None, *CancelReason)
