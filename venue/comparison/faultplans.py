"""Fault plans: the families of faults as data, and plans drawn from a level and a seed.

Purpose: who is struck, when, for how long. A plan is drawn before a run from the trades alone, so
every design of one seed and level meets the same faults; a design on which a family cannot act
(it has no oracle, no lock, no queue) is untouched by it, and the table of the report says so.
Ordering: a plan is sorted by time, then family. Units: ns; rates in struck obligations per thousand
trades, or events per trading day for faults of a whole system.
Invariants: the same trades, level and seed give the same plan (PCG64); level "none" gives none.
Cost: O(families + trades). Source of the families: the fault list of the settlement designs, F1 to F30; F31, the
default of whoever issues the money, is our own (the list has the issuer of the units alone). Their rates are assumptions.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

import numpy as np

from market.errors import BadInput
from settlement.designs.conduct import MINUTE_NS
from venue.comparison.flow import FlowTrade

ALL: Final = (
    "A",
    "A+LSM",
    "B1",
    "B2",
    "B3",
    "B4",
    "B4-unsafe",
    "C2",
    "C3",
    "C3-ccp",
    "D-token",
    "D-cash",
)
ONE_LEDGER: Final = ("A", "A+LSM")
BRIDGED: Final = ("B1", "B2", "B3", "B4", "B4-unsafe")
BATCH: Final = ("C2", "C3", "C3-ccp")
TODAY: Final = ("D-token", "D-cash")
TOKENISED: Final = (*ONE_LEDGER, *BRIDGED, *BATCH)

LEVELS: Final = {"none": 0.0, "low": 1.0, "high": 5.0}
"""Multiplies every rate."""


class Strikes(StrEnum):
    """What a family strikes."""

    DEAL = "deal"  # one obligation, through one of its parties
    FIRM = "firm"  # one firm, and with it all its obligations of the time
    SYSTEM = "system"  # a ledger, agent, bank or station


@dataclass(frozen=True, slots=True)
class Family:
    """One family of faults.

    Attributes:
        key: F1 to F30, and F31, which is our own.
        what: In words.
        owner: Who is answerable.
        designs: Where it can act.
        strikes: What it strikes.
        rate: Struck obligations per thousand trades, or events a day, at level low.
        minutes: Shortest and longest duration.
        kinds: The variants, drawn with equal chance.
    """

    key: str
    what: str
    owner: str
    designs: tuple[str, ...]
    strikes: Strikes
    rate: float
    minutes: tuple[int, int]
    kinds: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class PlannedFault:
    """One fault of a plan.

    Attributes:
        target: Trade id for DEAL (as text), firm for FIRM, part for SYSTEM.
        side: For DEAL: whose fault it is, "seller" or "buyer".
    """

    family: str
    kind: str
    target: str
    side: str
    at_ns: int
    for_ns: int
    seed: int


def _family(  # noqa: PLR0917  a row of the table below
    key: str, what: str, owner: str, designs: tuple[str, ...], strikes: Strikes, rate: float,
    minutes: tuple[int, int], *kinds: str,
) -> Family:  # fmt: skip
    return Family(key, what, owner, designs, strikes, rate, minutes, kinds)


_D, _F, _S = Strikes.DEAL, Strikes.FIRM, Strikes.SYSTEM

FAMILIES: Final[tuple[Family, ...]] = (
    _family("F1", "A party crashes around lock, reveal or claim", "party", ALL, _D, 6, (5, 240),
            "before_lock", "after_lock", "before_reveal", "before_claim"),
    _family("F2", "A ledger is out, shorter or longer than the margin", "ledger operator", ALL, _S, 0.1,
            (10, 240), "token", "cash", "both"),
    _family("F3", "A clock is off, jumps or leaps", "ledger operator", BRIDGED, _S, 0.067, (30, 240),
            "skew_ahead", "skew_behind", "jump"),
    _family("F4", "A message is lost, doubled, late or out of order", "network", ALL, _D, 10, (1, 60),
            "lost", "duplicate", "late", "reordered", "reply_lost"),
    _family("F5", "Two opposite acts at the same instant", "both parties", ALL, _D, 2, (1, 1),
            "claim_and_refund", "settle_and_cancel", "hold_and_release"),
    _family("F6", "The same input is spent twice", "party", TOKENISED, _D, 2, (1, 30),
            "token", "cash", "stale_input"),
    _family("F7", "The notary is slow, down or in conflict", "notary", TOKENISED, _S, 0.067, (5, 120),
            "slow", "down", "split_quorum"),
    _family("F8", "The agent or oracle is silent or wrong", "agent or oracle", ("B2", "B3", "B4", "B4-unsafe"), _D, 3,
            (10, 360), "silent", "wrong_verdict", "both_keys", "replay"),
    _family("F9", "An issue is stopped while obligations are under way", "issuer", ALL, _S, 0.067, (30, 360),
            "inactive", "transfer_off", "frozen"),
    _family("F10", "Locked tokens are moved by force or redeemed", "issuer", TOKENISED, _D, 1, (1, 1),
            "forced_transfer", "redemption"),
    _family("F11", "An account is frozen after match or lock", "custodian", ALL, _F, 0.05, (60, 720),
            "after_match", "after_lock"),
    _family("F12", "Wrong amount, payee, asset or hash", "party", ALL, _D, 3, (5, 60),
            "amount", "payee", "asset", "hash", "zero"),
    _family("F13", "Dust or surplus reaches the escrow", "party", BRIDGED, _D, 1, (1, 1), "dust", "surplus"),
    _family("F14", "Cash is short at funding, or a credit line goes", "buyer", ALL, _D, 8, (30, 1_440),
            "insufficient", "credit_withdrawn"),
    _family("F15", "A participant defaults", "party", ALL, _F, 0.03, (1_440, 1_440),
            "before_lock", "after_lock", "after_first_leg"),
    _family("F16", "The station closes with transfers under way", "platform", TOKENISED, _S, 0.067, (10, 90),
            "mid_flight", "cut_off_early"),
    _family("F17", "A partial below the threshold or no multiple", "party", ALL, _D, 1, (1, 1),
            "below_threshold", "no_multiple"),
    _family("F18", "A link runs in a circle or lacks its partner", "party", TOKENISED, _D, 1, (30, 240),
            "cycle", "missing_partner"),
    _family("F19", "Record date or redemption between trade and finality", "issuer", ALL, _S, 0.033, (1, 1),
            "record_date", "redemption"),
    _family("F20", "A restart with transfers under way", "platform", ALL, _S, 0.1, (2, 30),
            "from_snapshot", "effect_before_record"),
    _family("F21", "An indexer lags or loses", "platform", TOKENISED, _S, 0.1, (10, 180), "lag", "loss"),
    _family("F22", "A key is lost, changed or withdrawn", "party", TOKENISED, _F, 0.05, (60, 480),
            "lost", "rotated", "revoked"),
    _family("F23", "An investor's data are deleted under way", "custodian", ALL, _D, 1, (1, 1), "deleted"),
    _family("F24", "The issuer is insolvent", "issuer", ALL, _S, 0.007, (1_440, 1_440), "insolvent"),
    _family("F25", "A contract is upgraded with deliveries open", "platform", TOKENISED, _S, 0.033, (5, 60), "upgrade"),
    _family("F26", "A number overflows or is rounded", "platform", ALL, _D, 1, (1, 1), "rounding", "overflow"),
    _family("F27", "Somebody probes what is not theirs to see", "stranger", ALL, _S, 0.1, (1, 1), "probe"),
    _family("F28", "A flood of tiny obligations", "party", ALL, _S, 0.033, (10, 60), "flood"),
    _family("F29", "The escrow's address is replaced under way", "platform", BRIDGED, _S, 0.017, (30, 240), "replaced"),
    _family("F30", "The decision outside is unknown, neither yes nor no", "payment platform",
            ("B2", "B3", "B4", "B4-unsafe"), _D, 3, (30, 720), "unknown"),
    _family("F31", "The issuer of the money defaults (a family of our own)", "issuer of the money", ALL, _S, 0.007,
            (1_440, 1_440), "recovery_0", "recovery_50", "recovery_90"),
)  # fmt: skip

BY_KEY: Final = {family.key: family for family in FAMILIES}

_SESSION_NS: Final = 8 * 60 * MINUTE_NS


def draw_plan(
    trades: Sequence[FlowTrade], level: str, seed: int, families: Sequence[str] = tuple(BY_KEY)
) -> tuple[PlannedFault, ...]:
    """The plan of one level and seed.

    Args:
        trades: What is to be settled.
        level: none, low or high.
        seed: Of the plan; that of the cell.
        families: Only these.

    Raises:
        BadInput: When a level or family is unknown.
    """
    if level not in LEVELS:
        raise BadInput(f"{level!r} is no fault level; there are {', '.join(LEVELS)}")
    found: list[PlannedFault] = []
    firms = sorted({name for trade in trades for name in (trade.seller, trade.buyer)})
    first = min((trade.at_ns for trade in trades), default=0)
    for key in families:
        if key not in BY_KEY:
            raise BadInput(f"{key!r} is no fault family; there are F1 to F31")
        family = BY_KEY[key]
        draw = np.random.Generator(np.random.PCG64([seed, int(key[1:])]))
        many = len(trades) / 1_000 if family.strikes is Strikes.DEAL else 1.0
        many *= len(firms) if family.strikes is Strikes.FIRM else 1
        count = int(draw.poisson(family.rate * LEVELS[level] * many))
        found += [_drawn(family, draw, trades, first) for _ in range(count)]
    return tuple(sorted(found, key=lambda one: (one.at_ns, int(one.family[1:]), one.target)))


def _drawn(
    family: Family,
    draw: np.random.Generator,
    trades: Sequence[FlowTrade],
    first_ns: int,
) -> PlannedFault:
    kind = family.kinds[int(draw.integers(len(family.kinds)))]
    low, high = family.minutes
    for_ns = int(draw.integers(low, high + 1)) * MINUTE_NS
    side = ("seller", "buyer")[int(draw.integers(2))]
    trade = trades[int(draw.integers(len(trades)))]
    if family.strikes is Strikes.DEAL:
        target, at_ns = str(trade.trade_id), trade.at_ns
    elif family.strikes is Strikes.FIRM:
        target, at_ns = (trade.seller if side == "seller" else trade.buyer), trade.at_ns
    else:
        target = trade.issue if family.key in {"F9", "F19", "F24"} else kind
        at_ns = first_ns + int(draw.integers(_SESSION_NS))
    seed = int(draw.integers(2**31))
    return PlannedFault(family.key, kind, target, side, at_ns, for_ns, seed)
