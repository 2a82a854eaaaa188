"""How a design's table is run in a trial: which rules are taken, in what order, how long after, by whom.

Purpose: a table says what may happen; a conduct is the few values that say what people and machines
who mean to settle do with it. It adds no state and no guard: every step is still a rule of the table.
Rules that no conduct names are not taken in a trial (a party who cancels, say) unless a fault takes them.

Names of whom a step needs: ``seller`` and ``buyer`` are a side with its firm, its messages and its
matching; ``:agent`` is a part of the obligation itself; anything else is a system.
Units: ticks of the table; ns.
"""

from collections.abc import Mapping
from enum import Enum, auto
from typing import Final, NamedTuple

from settlement.designs.states import Leg, ObligationState

MINUTE_NS: Final = 60_000_000_000


class When(Enum):
    """What a step waits for besides its rule's own guard."""

    ALWAYS = auto()
    SHORT = auto()  # the step before it in the order found units or yen missing
    CREDIT = auto()  # what was missing has come in
    FUNDED = auto()  # what was missing last, if anything was, is there
    END = auto()  # the trial is over
    SET = auto()  # a set was found in which it settles together with others


class After(Enum):
    """How long after its state was entered a step is taken."""

    NOW = auto()
    MESSAGE = auto()  # from one step to the next: message, check, confirmation
    RETRY = auto()
    PEOPLE = auto()  # half an hour to three hours, drawn by trade
    REPAIR = auto()  # minutes, or hours when the books do not agree


class Hours(Enum):
    """When a step can be taken."""

    LEDGERS = auto()
    OFFICE = auto()
    BANK = auto()


class Step(NamedTuple):
    """One rule as it is taken.

    Attributes:
        rule: Its name, from whichever state.
        tells: Messages it makes, each a sender and those who are told.
        shows: Legs whose givers must have the amount, though the rule does not move it yet.
        origin: Only from this state; None is from any that the table has.
        chooses: Whether a lock it makes leaves the choice to the other side for a time (B1).
    """

    rule: str
    tells: tuple[tuple[str, ...], ...] = ()
    when: When = When.ALWAYS
    after: After = After.NOW
    hours: Hours = Hours.LEDGERS
    shows: tuple[Leg, ...] = ()
    origin: ObligationState | None = None
    chooses: bool = False


class Conduct(NamedTuple):
    """The values of a design's trial.

    Attributes:
        steps: In the order in which they are preferred.
        needs: Actor of the table to the names that must be up for it.
        cut_off_ticks: The tick that an attempt's cut-off is.
        agent_ticks: The tick at which the agent is late,
        agent_ns: so long after the payment.
        tick_ns: Length of a tick when ticks count from the first lock (B1); 0 when they do not.
        first_ticks: Tick at which the second lock expires (B1).
        last_ticks: Tick at which the first lock expires (B1).
        signed: Whether messages are signed.
        yen_at_once: Whether yen move whenever ledgers are open, not with a bank's file.
        own_clock: Whether the token ledger's own clock decides when an attempt is late.
        partials: Whether a part may settle for lack of units.
    """

    steps: tuple[Step, ...]
    needs: Mapping[str, tuple[str, ...]]
    cut_off_ticks: int
    agent_ticks: int = 0
    agent_ns: int = 0
    tick_ns: int = 0
    first_ticks: int = 0
    last_ticks: int = 0
    signed: bool = True
    partials: bool = False
    own_clock: bool = False
    yen_at_once: bool = True


TWO_LEDGERS: Final[Mapping[str, tuple[str, ...]]] = {
    "seller": ("seller",),
    "buyer": ("buyer", "index"),
    "token ledger": ("token", "notary"),
    "cash ledger": ("cash",),
}
"""Whom the parties and the ledgers of the two-ledger designs need.

The buyer, who gives second, reads the other ledger through an index.
"""

RETRY: Final = Step("retry", when=When.FUNDED, after=After.RETRY)
"""A failed attempt is tried anew when what it lacked is there."""
