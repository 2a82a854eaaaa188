"""The words of an obligation's life, for every design: its states, its two legs, what they report.

Purpose: one vocabulary, so that designs can be compared state by state. A leg is the token half or
the cash half; it is locked at most once in an attempt and a lock ends once, delivered or returned.
SPLIT (one leg final, the other for ever not: principal lost) is a state like any other, because
what cannot be said cannot be measured.

Source: the states and their pending and failing codes follow the usage of securities settlement
messages (ISO 20022); the two OUT states are today's practice of two one-way transfers.
"""

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType
from typing import Final


class ObligationState(StrEnum):
    """Where an obligation stands."""

    __hash__ = str.__hash__  # of the word; the enumeration's own costs ten times as much

    CAPTURED = "captured"  # traded, not yet instructed by both
    ALLEGED = "alleged"  # one side instructed, the other told
    MATCHED = "matched"
    HELD = "held"  # matched; a side keeps it from settling
    READY = "ready"
    QUEUED = "queued"  # ready, but units or yen are missing
    LOCKED_1 = "locked_1"
    LOCKED_2 = "locked_2"
    DECIDED = "decided"  # the condition is resolved; legs may not both be delivered yet
    TOKEN_OUT = "token_out"  # noqa: S105  units given, yen not
    CASH_OUT = "cash_out"
    PARTIAL = "partial"
    FAILING = "failing"
    BUY_IN = "buy_in"
    SETTLED = "settled"
    CLOSED_COMP = "closed_comp"  # ended by a compensation in money
    CANCELLED = "cancelled"
    SPLIT = "split"
    DISPUTED = "disputed"


class Leg(StrEnum):
    """Half of an obligation."""

    __hash__ = str.__hash__  # of the word; the enumeration's own costs ten times as much

    TOKEN = "token"  # noqa: S105  a security token, not a secret
    CASH = "cash"


class LegState(StrEnum):
    """Where a leg stands; the last two are the ends of a lock."""

    __hash__ = str.__hash__  # of the word; the enumeration's own costs ten times as much

    NONE = "none"
    LOCKED = "locked"
    DELIVERED = "delivered"
    RETURNED = "returned"


_S = ObligationState

TERMINAL: Final = frozenset({_S.SETTLED, _S.CLOSED_COMP, _S.CANCELLED, _S.SPLIT})
"""No way leads out; SETTLED may later be referred to by a reversal, which is a new obligation."""

ONE_LEG_ALLOWED: Final = frozenset({_S.DECIDED, _S.TOKEN_OUT, _S.CASH_OUT, _S.SPLIT, _S.DISPUTED})
"""States in which exactly one leg may be delivered (I4)."""

REPORTED: Final[Mapping[ObligationState, str]] = MappingProxyType(
    {
        _S.CAPTURED: "",
        _S.ALLEGED: "UNMATCHED",
        _S.MATCHED: "MATCHED",
        _S.HELD: "PENDING/HOLD",
        _S.READY: "PENDING",
        _S.QUEUED: "PENDING/LACK or PENDING/MONY",
        _S.LOCKED_1: "PENDING",
        _S.LOCKED_2: "PENDING",
        _S.DECIDED: "PENDING/DECIDED",
        _S.TOKEN_OUT: "PENDING/AWMO",
        _S.CASH_OUT: "PENDING/AWSH",
        _S.PARTIAL: "PART",
        _S.FAILING: "FAILING",
        _S.BUY_IN: "FAILING/BYIY",
        _S.SETTLED: "SETTLED",
        _S.CLOSED_COMP: "CANCELLED/COMPENSATED",
        _S.CANCELLED: "CANCELLED",
        _S.SPLIT: "FAILING/DISPUTE",
        _S.DISPUTED: "FAILING/DISPUTE",
    }
)
"""What a participant is told, by state; published meanings of the codes (ISO 20022, sese.024): LACK and
MONY, units or money missing in the own account (nothing given yet); AWMO and AWSH, units delivered and
money awaited, money delivered and units awaited; BYIY, a buy-in has begun. HOLD, DECIDED, COMPENSATED and
DISPUTE are our words."""
