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
from typing import Final, NamedTuple, Self

from market.errors import check
from settlement.designs.states import TERMINAL, Leg, LegState, ObligationState

GIVEN: Final = frozenset({LegState.LOCKED, LegState.DELIVERED})


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
        put_off: By how many ticks outages of the token ledger and of the cash ledger have put off
            the expiries on it, where they do (settlement.station.OutagePolicy.EXTEND).
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
    put_off: tuple[int, int] = (0, 0)

    def leg(self, leg: Leg) -> LegState:
        """Where a leg stands."""
        return self.token if leg is Leg.TOKEN else self.cash

    def is_given(self, leg: Leg) -> bool:
        """Whether a giver has locked or delivered a leg."""
        return self.leg(leg) in GIVEN

    def knows(self, fact: str) -> bool:
        """Whether a fact is on record."""
        return fact in self.facts

    @property
    def is_begun(self) -> bool:
        """Whether a leg is given."""
        return self.token in GIVEN or self.cash in GIVEN

    @property
    def has_one_leg(self) -> bool:
        """Whether one leg is delivered and the other is not."""
        return (self.token is LegState.DELIVERED) is not (self.cash is LegState.DELIVERED)

    def at(self, now_ticks: int) -> Self:
        """The same at another tick; made often, so without ``_replace``."""
        return tuple.__new__(type(self), (*self[:NOW_TICKS], now_ticks, *self[NOW_TICKS + 1 :]))


NOW_TICKS: Final = World._fields.index("now_ticks")

_BEFORE: Final = {
    LegState.LOCKED: frozenset({LegState.NONE}),
    LegState.DELIVERED: frozenset({LegState.NONE, LegState.LOCKED}),
    LegState.RETURNED: frozenset({LegState.LOCKED}),
}
_SAYS: Final = {
    LegState.LOCKED: "a leg is locked once",
    LegState.DELIVERED: "a lock ends once",
    LegState.RETURNED: "only a live lock is returned",
}

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
        puts_off: Whether an outage of a ledger puts off the expiries on it by its length.
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
    puts_off: bool = False

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
        return bool(rule.lock) or (bool(rule.deliver) and (self.freezes or not world.has_one_leg))

    @staticmethod
    def can_act(rule: Rule, world: World) -> bool:
        """Whether everyone a rule needs is up."""
        out = world.down + world.gone
        return not out or not (rule.actor in out or any(one in out for one in rule.needs))


def apply(rule: Rule, world: World) -> World:
    """The world after a rule; the rule must be enabled."""
    token, cash = world.token, world.cash
    for legs, after in (
        (rule.lock, LegState.LOCKED),
        (rule.deliver, LegState.DELIVERED),
        (rule.give_back, LegState.RETURNED),
    ):
        for leg in legs:
            if leg is Leg.TOKEN:
                token = _leg_after(rule, leg, token, after)
            else:
                cash = _leg_after(rule, leg, cash, after)
    facts = world.facts
    if rule.learn:
        facts = tuple(sorted({*facts, *rule.learn}))
    attempt, attempts_left = world.attempt, world.attempts_left
    if rule.name == "retry":
        token = cash = LegState.NONE
        facts = tuple(fact for fact in facts if fact in LASTING)
        attempt, attempts_left = attempt + 1, attempts_left - 1
    return World(
        rule.target, token, cash, facts, world.now_ticks, attempt, attempts_left,
        world.skew_ticks, world.down, world.gone, world.crashes_left, world.outage_ticks_left,
        world.defaults_left, world.stopped, world.toggles_left,
        rule.bearer or world.bearer,
        rule.blame or world.cause or rule.blame_else,
        world.put_off,
    )  # fmt: skip


def _leg_after(rule: Rule, leg: Leg, before: LegState, after: LegState) -> LegState:
    """A leg's state after a rule; a lock is made once and ends once."""
    if before not in _BEFORE[after]:
        check(False, f"I5: {_SAYS[after]}", rule=rule.name, leg=leg)
    return after


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
