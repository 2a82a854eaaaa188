"""Enact a protocol's steps on real ledgers, each once.

Purpose: what the search proves about states holds for units and yen, because the same rules move
both. Any ledger of the shape of settlement.ledger.Ledger serves, one for each leg.

A step carries an id. The same id with the same rule has the same answer and no effect; with another
rule it is refused (I10). A giver who lacks the amount is a refusal; in every refusal nothing moved.
Cost: O(1) a step. Errors: InvariantBroken from the ledgers.
"""

from collections.abc import Mapping
from enum import StrEnum
from typing import NamedTuple, Protocol, Self

from market.errors import check
from settlement.designs.rules import Protocol as Design
from settlement.designs.rules import Rule, World, apply
from settlement.designs.states import Leg, LegState, ObligationState
from settlement.ledger import HoldId

FUND = "fund"
"""Owner of the guarantee fund on the cash ledger."""


FIRST_ESCROW = "escrow 1"
"""Where units are kept until it is replaced."""


class LegLedger(Protocol):
    """What a ledger must offer to carry a leg."""

    def can_give(self, owner: str, amount: int) -> bool:
        """Whether a hold or post would succeed."""

    def post(self, giver: str, taker: str, amount: int) -> None:
        """Move at once."""

    def hold(self, hold_id: HoldId, giver: str, taker: str, amount: int) -> None:
        """Set aside."""

    def post_hold(self, hold_id: HoldId) -> object:
        """Deliver what was set aside."""

    def void_hold(self, hold_id: HoldId) -> object:
        """Return what was set aside."""


class Answer(StrEnum):
    """What became of a step, refusals in the order of checking."""

    DONE = "done"
    ALREADY = "already"  # the same step before: the answer stands, nothing moved now
    ID_CONFLICT = "id_conflict"  # the id was used for another step
    NO_RULE = "no_rule"  # the table has no such row
    TERMS = "terms"  # what was agreed is something else
    WRONG_STATE = "wrong_state"
    SOMEONE_OUT = "someone_out"
    STOPPED = "stopped"  # the issue may not move; returns are never refused for it
    GUARD = "guard"  # a condition of the rule does not hold
    LACK = "lack"  # units missing
    MONY = "mony"  # yen missing


class Terms(NamedTuple):
    """What two parties owe each other, where units are kept meanwhile, and under which contract."""

    obligation_id: str
    seller: str
    buyer: str
    units: int
    yen: int
    escrow: str = FIRST_ESCROW
    version: int = 1


class Enactment:
    """One obligation, moved by rules over two ledgers.

    Attributes:
        world: Where it stands; outages and time are set by whoever runs it.
        steps: What was taken, by step id; with ``world`` and the ledgers all that a restart needs.
    """

    __slots__ = ("_ledgers", "_protocol", "_terms", "steps", "world")

    def __init__(
        self,
        protocol: Design,
        terms: Terms,
        token: LegLedger,
        cash: LegLedger,
        world: World,
        *,
        steps: Mapping[str, tuple[ObligationState, str]] | None = None,
    ) -> None:
        self._protocol = protocol
        self._terms = terms
        self._ledgers = {Leg.TOKEN: token, Leg.CASH: cash}
        self.steps: dict[str, tuple[ObligationState, str]] = dict(steps or {})
        self.world = world

    @property
    def lost_yen(self) -> int:
        """Principal that ``world.bearer`` lost, at the agreed price; 0 when nobody did."""
        return self._terms.yen if self.world.state is ObligationState.SPLIT else 0

    def restarted(self) -> Self:
        """The same obligation from its record: its world, its steps and its ledgers."""
        ledgers = self._ledgers
        return type(self)(
            self._protocol, self._terms, ledgers[Leg.TOKEN], ledgers[Leg.CASH], self.world,
            steps=self.steps,
        )  # fmt: skip

    @property
    def terms(self) -> Terms:
        """What was agreed."""
        return self._terms

    def bind(self, terms: Terms) -> None:
        """Agree anew, which is possible only while no leg is given (I24)."""
        given = self.world.is_given(Leg.TOKEN) or self.world.is_given(Leg.CASH)
        check(not given, "I24: terms stand while a leg is given", terms=terms)
        self._terms = terms

    def ledger(self, leg: Leg) -> LegLedger:
        """Where a leg moves."""
        return self._ledgers[leg]

    def take(self, step_id: str, rule: Rule, *, under: Terms | None = None) -> Answer:
        """Take one step, or say why not; ``under`` is what its sender believes was agreed (I24)."""
        content = (rule.origin, rule.name)
        if (known := self.steps.get(step_id)) is not None:
            return Answer.ALREADY if known == content else Answer.ID_CONFLICT
        if rule not in self._protocol.rules:
            return Answer.NO_RULE
        if under is not None and under != self._terms:
            return Answer.TERMS
        refused = self._refusal(rule)
        if refused is not None:
            return refused
        # Every refusal is above this line; below it nothing can fail.
        after = apply(rule, self.world)
        for leg in rule.deliver:
            if self.world.leg(leg) is LegState.LOCKED:
                self._ledgers[leg].post_hold(self._hold_id(leg))
            else:
                self._ledgers[leg].post(*self._move(leg, rule))
        for leg in rule.give_back:
            self._ledgers[leg].void_hold(self._hold_id(leg))
        for leg in rule.lock:
            self._ledgers[leg].hold(self._hold_id(leg), *self._move(leg, rule))
        self.steps[step_id] = content
        self.world = after
        return Answer.DONE

    def _refusal(self, rule: Rule) -> Answer | None:
        if rule.origin is not self.world.state:
            return Answer.WRONG_STATE
        if not self._protocol.can_act(rule, self.world):
            return Answer.SOMEONE_OUT
        if self._protocol.is_barred(rule, self.world):
            return Answer.STOPPED
        if not rule.when(self.world):
            return Answer.GUARD
        for leg in (*rule.lock, *rule.deliver):
            if self.world.leg(leg) is LegState.NONE:
                giver, _, amount = self._move(leg, rule)
                if not self._ledgers[leg].can_give(giver, amount):
                    return Answer.LACK if leg is Leg.TOKEN else Answer.MONY
        return None

    def _hold_id(self, leg: Leg) -> HoldId:
        return HoldId(f"{self._terms.obligation_id}/{self.world.attempt}/{leg}")

    def _move(self, leg: Leg, rule: Rule) -> tuple[str, str, int]:
        terms = self._terms
        if leg is Leg.TOKEN:
            return terms.seller, terms.buyer, terms.units
        payer = FUND if "fund_pays" in rule.learn else terms.buyer
        return payer, terms.seller, terms.yen
