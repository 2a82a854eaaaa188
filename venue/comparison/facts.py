"""What a run of settlement showed, in the few kinds of fact that the metrics are computed from.

Purpose: one reading of the event log (venue/comparison/reading.py makes it) on which every metric
of venue/comparison/metrics.py works, so that a metric never depends on a design. Times are ns, amounts whole
yen and units, until a metric divides them.
Ordering: every list is in the order of the log.
"""

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

CASH: Final = ""
"""The issue of a cash leg."""


class Outcome(StrEnum):
    """How an obligation stood at the end of the log."""

    SETTLED = "settled"
    COMPENSATED = "compensated"
    CANCELLED = "cancelled"
    SPLIT = "split"
    DISPUTED = "disputed"
    OPEN = "open"


@dataclass(slots=True)
class Deal:
    """One obligation and its two legs.

    Attributes:
        due_ns: Contractual deadline: its cut-off on the settlement date.
        token_ready_ns: When its units could first be given; None when never.
        cash_ready_ns: When its yen could first be given.
        token_done: Moments at which units became irrevocable, with how many.
        cash_done: Moments at which yen became irrevocable, with how many.
        guaranteed: Whether someone stands behind the other leg of a one-legged moment.
        waits: Stretches in a queue.
        failed: Whether it was open after its deadline.
        cured_by: What ended a wait or a fail: partial, offset, buy_in, bought (units in a buy-in); empty when time did.
    """

    deal_id: str
    seller: str
    buyer: str
    issue: str
    units: int
    yen: int
    traded_ns: int
    due_ns: int
    outcome: Outcome = Outcome.OPEN
    ended_ns: int | None = None
    token_ready_ns: int | None = None
    cash_ready_ns: int | None = None
    token_done: list[tuple[int, int]] = field(default_factory=list)
    cash_done: list[tuple[int, int]] = field(default_factory=list)
    guaranteed: bool = False
    waits: list[tuple[int, int]] = field(default_factory=list)
    failed: bool = False
    cured_by: str = ""

    @property
    def final_ns(self) -> int | None:
        """When both legs were irrevocable in whole; None before."""
        if self.outcome is not Outcome.SETTLED or self.ended_ns is None:
            return None
        return self.ended_ns


@dataclass(slots=True)
class Locked:
    """A stretch in which an owner could not use what it owned."""

    deal_id: str
    owner: str
    issue: str
    amount: int
    from_ns: int
    until_ns: int
    returned: bool
    option_until_ns: int = 0
    """Until when the counterparty alone can choose to complete (hash lock); 0 when never."""


@dataclass(slots=True)
class Moved:
    """One movement on a ledger."""

    at_ns: int
    issue: str
    giver: str
    taker: str
    amount: int


@dataclass(slots=True)
class Loss:
    """Yen that somebody lost, and whose fault it was."""

    at_ns: int
    deal_id: str
    bearer: str
    cause: str
    family: str
    yen: int


@dataclass(slots=True)
class WriteDown:
    """Yen that their owner lost because their issuer failed; held: free, or set aside for a payment."""

    owner: str
    held: str
    cause: str
    family: str
    yen: int


@dataclass(slots=True)
class Delay:
    """Time that a fault cost an obligation."""

    deal_id: str
    cause: str
    family: str
    ns: int


@dataclass(slots=True)
class Outage:
    """A stretch in which a ledger, agent or bank did not answer."""

    who: str
    from_ns: int
    until_ns: int


@dataclass(slots=True)
class Facts:
    """A whole run.

    Attributes:
        start_ns: First trade; the run's time zero.
        end_ns: Last record.
        messages: Messages sent, in all; ``messages_of`` by obligation.
        signatures: Signatures made.
        breaks: Reconciliation breaks, with the minutes of work each took.
        penalties: Yen by who paid.
        bought_in: Yen of buy-ins and compensations by who paid.
        house_loss: Yen that a house lost by defaults, over all lines.
        collected: Yen that a fund or a house collected before the run.
        opening: Yen and units before the run, by owner and issue (CASH for yen).
        gridlocks: Moments when a queue could move only as a set.
        deadlocks: Moments when no set could move.
        offset_rounds: How often offsetting was run.
        offset_released: Obligations it released.
        books: Records kept independently of each other that showed a fact of an obligation.
        seen: Facts of obligations that reached somebody who is no party to them.
    """

    start_ns: int = 0
    end_ns: int = 0
    deals: dict[str, Deal] = field(default_factory=dict)
    locks: list[Locked] = field(default_factory=list)
    moves: list[Moved] = field(default_factory=list)
    losses: list[Loss] = field(default_factory=list)
    written_down: list[WriteDown] = field(default_factory=list)
    delays: list[Delay] = field(default_factory=list)
    outages: list[Outage] = field(default_factory=list)
    messages: int = 0
    messages_of: dict[str, int] = field(default_factory=dict)
    signatures: int = 0
    breaks: list[tuple[str, float]] = field(default_factory=list)
    penalties: dict[str, int] = field(default_factory=dict)
    bought_in: dict[str, int] = field(default_factory=dict)
    house_loss: int = 0
    collected: int = 0
    opening: dict[tuple[str, str], int] = field(default_factory=dict)
    gridlocks: int = 0
    deadlocks: int = 0
    offset_rounds: int = 0
    offset_released: int = 0
    faults: int = 0
