"""A settlement protocol is a table of rules; a rule says who may do what to both legs, and when.

Purpose: the same table is read by people (the header of its module), walked by the model search in
every order, and enacted on real ledgers. Nothing here knows which design it runs.

Ordering: rules in table order. Time: ticks of the true clock; a guard of the token ledger adds
``skew_ticks``, how far that ledger's clock is ahead (negative: behind).
A step that crosses from one ledger to the other takes what it knows from that ledger's record, so
a lost, late or repeated message is a step taken later, never, or tried again.
Errors: InvariantBroken when a rule would end a lock twice or touch an ended leg (I5).
"""

from collections.abc import Callable, Iterator, Mapping
from typing import Final, NamedTuple

from market.errors import check
from settlement.designs.states import TERMINAL, Leg, LegState, ObligationState


class World(NamedTuple):
    """All that can differ between two moments of one obligation.

    Attributes:
        facts: What has become known, sorted: a secret, a verdict, evidence.
        now_ticks: True time.
        down: Who or what is out now, sorted; may come back.
        gone: Who has defaulted, sorted; never comes back.
        crashes_left: How many more outages may begin.
        outage_ticks_left: How much longer outages may last, all together.
        defaults_left: How many more parties may default.
        attempts_left: How many more times a failed attempt may be tried anew, with new locks.
        skew_ticks: How far the token ledger's clock is ahead of true time now.
        stopped: The issue may not move: transfer control off, station not open, account frozen.
        toggles_left: How many more stops may begin.
        bearer: Who lost principal; empty while nobody has.
        cause: Whose outage was the first to keep a decided leg from being delivered, or whose act it was.
    """

    state: ObligationState = ObligationState.READY
    token: LegState = LegState.NONE
    cash: LegState = LegState.NONE
    facts: tuple[str, ...] = ()
    now_ticks: int = 0
    attempt: int = 1
    attempts_left: int = 1
    skew_ticks: int = 0
    down: tuple[str, ...] = ()
    gone: tuple[str, ...] = ()
    crashes_left: int = 0
    outage_ticks_left: int = 0
    defaults_left: int = 0
    stopped: bool = False
    toggles_left: int = 0
    bearer: str = ""
    cause: str = ""

    def leg(self, leg: Leg) -> LegState:
        """Where a leg stands."""
        return self.token if leg is Leg.TOKEN else self.cash

    def is_given(self, leg: Leg) -> bool:
        """Whether a giver has locked or delivered a leg."""
        return self.leg(leg) in {LegState.LOCKED, LegState.DELIVERED}

    def knows(self, fact: str) -> bool:
        """Whether a fact is on record."""
        return fact in self.facts


LASTING: Final = frozenset({"novated"})
"""Facts that outlive an attempt."""

Guard = Callable[[World], bool]


def always(_world: World) -> bool:
    """No condition."""
    return True


class Rule(NamedTuple):
    """One row of a protocol's table.

    Attributes:
        name: What happens, unique with its origin state.
        actor: Who does it.
        origin: State it starts from.
        target: State it leads to.
        needs: Who must be up and not gone, besides the actor.
        when: Its other conditions.
        lock: Legs it locks.
        deliver: Legs it delivers, out of their lock or directly.
        give_back: Legs it returns.
        learn: Facts it puts on record.
        urgent: Whether an actor who is up does it before time passes.
        bearer: Who loses principal by it.
        blame: The cause, when the rule alone says it.
        blame_else: The cause when no outage was one.
    """

    name: str
    actor: str
    origin: ObligationState
    target: ObligationState
    needs: tuple[str, ...] = ()
    when: Guard = always
    lock: tuple[Leg, ...] = ()
    deliver: tuple[Leg, ...] = ()
    give_back: tuple[Leg, ...] = ()
    learn: tuple[str, ...] = ()
    urgent: bool = False
    bearer: str = ""
    blame: str = ""
    blame_else: str = ""


class Protocol(NamedTuple):
    """One design.

    Attributes:
        name: Short name of the design and variant.
        rules: Its table.
        actors: Everyone and everything that may be out.
        parties: Who may default.
        horizon_ticks: Last tick that is looked at.
        may_split: Whether the design itself allows the loss of principal.
        freezes: Whether a stop bars the second leg too once the first is final. Never freezing is
            the house's policy (complete): who has paid must be delivered to.
    """

    name: str
    rules: tuple[Rule, ...]
    actors: tuple[str, ...]
    parties: tuple[str, ...] = ("seller", "buyer")
    horizon_ticks: int = 8
    may_split: bool = False
    freezes: bool = False

    @property
    def life(self) -> Mapping[tuple[ObligationState, str], ObligationState]:
        """State and rule name to state."""
        return {(rule.origin, rule.name): rule.target for rule in self.rules}

    def enabled(self, world: World) -> Iterator[Rule]:
        """Rules that may be applied now."""
        for rule in self.rules:
            if (
                rule.origin is world.state
                and self.can_act(rule, world)
                and not self.is_barred(rule, world)
                and rule.when(world)
            ):
                yield rule

    def is_barred(self, rule: Rule, world: World) -> bool:
        """Whether a stop bars a rule: locks and deliveries, never returns (I16, I20)."""
        if not world.stopped:
            return False
        one_leg = (world.token is LegState.DELIVERED) != (world.cash is LegState.DELIVERED)
        return bool(rule.lock) or (bool(rule.deliver) and (self.freezes or not one_leg))

    @staticmethod
    def can_act(rule: Rule, world: World) -> bool:
        """Whether everyone a rule needs is up."""
        out = world.down + world.gone
        return not out or not (rule.actor in out or any(one in out for one in rule.needs))


def apply(rule: Rule, world: World) -> World:
    """The world after a rule; the rule must be enabled."""
    legs = {Leg.TOKEN: world.token, Leg.CASH: world.cash}
    for leg in rule.lock:
        check(legs[leg] is LegState.NONE, "I5: a leg is locked once", rule=rule.name, leg=leg)
        legs[leg] = LegState.LOCKED
    for leg in rule.deliver:
        free = legs[leg] in {LegState.NONE, LegState.LOCKED}
        check(free, "I5: a lock ends once", rule=rule.name, leg=leg)
        legs[leg] = LegState.DELIVERED
    for leg in rule.give_back:
        locked = legs[leg] is LegState.LOCKED
        check(locked, "I5: only a live lock is returned", rule=rule.name, leg=leg)
        legs[leg] = LegState.RETURNED
    facts = world.facts
    if rule.learn:
        facts = tuple(sorted({*facts, *rule.learn}))
    attempt, attempts_left = world.attempt, world.attempts_left
    if rule.name == "retry":
        legs = dict.fromkeys(legs, LegState.NONE)
        facts = tuple(fact for fact in facts if fact in LASTING)
        attempt, attempts_left = attempt + 1, attempts_left - 1
    return world._replace(
        state=rule.target,
        token=legs[Leg.TOKEN],
        cash=legs[Leg.CASH],
        facts=facts,
        attempt=attempt,
        attempts_left=attempts_left,
        bearer=rule.bearer or world.bearer,
        cause=rule.blame or world.cause or rule.blame_else,
    )


def retry_rule(actor: str = "desk") -> tuple[Rule, ...]:
    """What every design does with a failed attempt: once more, or close it in money."""
    failing = ObligationState.FAILING
    return (
        Rule(
            "retry", actor, failing, ObligationState.READY,
            when=lambda world: world.attempts_left > 0,
        ),
        Rule("compensate", actor, failing, ObligationState.CLOSED_COMP),
        Rule("cancel", actor, failing, ObligationState.CANCELLED, learn=("both_consent",)),
    )  # fmt: skip


def check_life(protocol: Protocol) -> None:
    """A table has no way out of an end, a way out of everything else, and one answer for each row.

    Raises:
        InvariantBroken: I8, I20 or a row given twice with different targets.
    """
    targets: dict[tuple[ObligationState, str, str], ObligationState] = {}
    origins = {rule.origin for rule in protocol.rules}
    for rule in protocol.rules:
        check(rule.origin not in TERMINAL, "I8: an end has no way out", rule=rule.name)
        key = (rule.origin, rule.name, rule.actor)
        check(targets.setdefault(key, rule.target) is rule.target, "one answer for a row", row=key)
        ends = rule.target in TERMINAL or rule.target in origins
        check(ends, "I20: every state has an exit", state=rule.target, protocol=protocol.name)
