"""The rows of a design's table as a trial takes them: each rule with its step, by state.

Purpose: what a look at an obligation asks of every row is worked out once, when the trial begins.
Ordering: that of the conduct. Steps that only a set or the end takes are in no row.
"""

from collections.abc import Callable, Iterable
from typing import Final, NamedTuple

from settlement.designs.conduct import MINUTE_NS, After, Conduct, Hours, Step, When
from settlement.designs.rules import Protocol, Rule
from settlement.designs.states import Leg, ObligationState
from settlement.trials.desk import LATENCY_NS
from settlement.trials.hours import bank_run, in_hours, office_hours

RETRY_NS: Final = MINUTE_NS
HOURS: Final[dict[Hours, Callable[[int], int]]] = {
    Hours.LEDGERS: in_hours,
    Hours.OFFICE: office_hours,
    Hours.BANK: bank_run,
}
"""The first moment of each kind of hours from a time on."""

_DELAYS_NS: Final = {After.NOW: 0, After.MESSAGE: LATENCY_NS, After.RETRY: RETRY_NS}
_LOOKED_AT = frozenset({When.ALWAYS, When.SHORT, When.CREDIT, When.FUNDED})


class Row(NamedTuple):
    """One rule with the step that takes it.

    Attributes:
        when: What it waits for besides its guard.
        hours: The first moment of its hours from a time on.
        delay_ns: How long after its state was entered it is taken; None is drawn by trade.
        asks_nobody: Whether it gives nothing, so that only people out and its guard can keep it.
        gives: Whether it locks or delivers a leg.
        begins: Whether nobody takes it with a party that has defaulted.
        by_file: Whether it pays, which bank money does by file.
        first_lock: Whether it is the first lock of an attempt.
    """

    rule: Rule
    step: Step
    when: When
    hours: Callable[[int], int]
    delay_ns: int | None
    asks_nobody: bool
    gives: bool
    begins: bool
    by_file: bool
    first_lock: bool


class State(NamedTuple):
    """What a trial does in one state.

    Attributes:
        rows: What is asked, in order.
        planned: Those to come back for when their delay is over.
        repairs: Whether books that do not agree are looked at.
        giver: The row that alone gives, one leg, where the others only have guards; a deal that
            lacks that leg stays where it is until the leg or its world is another.
    """

    rows: tuple[Row, ...]
    planned: tuple[Row, ...]
    repairs: bool
    giver: Row | None


def states_of(protocol: Protocol, conduct: Conduct) -> dict[ObligationState, State]:
    """Every state's rows."""
    found: dict[ObligationState, list[tuple[Rule, Step]]] = {one: [] for one in ObligationState}
    for step in conduct.steps:
        for rule in protocol.rules:
            if rule.name == step.rule:
                found[rule.origin].append((rule, step))
    return {state: _state(state, pairs) for state, pairs in found.items()}


def _state(state: ObligationState, pairs: Iterable[tuple[Rule, Step]]) -> State:
    every = [_row(rule, step) for rule, step in pairs]
    rows = tuple(
        row for row in every if row.when in _LOOKED_AT and row.step.origin in {None, state}
    )
    planned = tuple(row for row in every if row.when in {When.ALWAYS, When.FUNDED})
    repairs = any(row.step.after is After.REPAIR for row in every)
    givers = [row for row in rows if not row.asks_nobody]
    alone = len(givers) == 1 and _legs(givers[0]) == 1
    plain = all(row.when is When.ALWAYS and row.step.hours is Hours.LEDGERS for row in rows)
    return State(rows, planned, repairs, givers[0] if alone and plain else None)


def _legs(row: Row) -> int:
    return len(row.step.shows) + len(row.rule.lock) + len(row.rule.deliver)


def _row(rule: Rule, step: Step) -> Row:
    gives = bool(rule.lock or rule.deliver)
    return Row(
        rule,
        step,
        step.when,
        HOURS[step.hours],
        _DELAYS_NS.get(step.after),
        asks_nobody=not (gives or step.shows),
        gives=gives,
        begins=bool(rule.lock) or rule.name == "retry",
        by_file=Leg.CASH in rule.deliver,
        first_lock=bool(rule.lock) and rule.origin is ObligationState.READY,
    )
