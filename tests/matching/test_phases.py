"""What each state of a book lets through: the whole table, and suspension beside it."""

import pytest
from script import ISSUE, NAME, Stage, outcome, play

from market.rulebooks import START, TSE
from market.rules import BreakOrders, Rules
from market.words import AUCTION_PHASES, Phase

YES, SHUT, NCP = "", "PHASE_CLOSED", "NON_CANCEL_PERIOD"

# state: new, amend, cancel
TABLE: dict[Phase, tuple[str, str, str]] = {
    Phase.PRE_OPEN: (YES, YES, YES),
    Phase.PRE_OPEN_NCP: (YES, NCP, NCP),
    Phase.OPENING_AUCTION: (SHUT, SHUT, SHUT),
    Phase.CONTINUOUS: (YES, YES, YES),
    Phase.BREAK: (SHUT, SHUT, YES),
    Phase.PRE_CLOSE: (YES, YES, YES),
    Phase.PRE_CLOSE_NCP: (YES, NCP, NCP),
    Phase.CLOSING_AUCTION: (SHUT, SHUT, SHUT),
    Phase.CLOSED: (SHUT, SHUT, SHUT),
}
ACTS = ("B buy 1 @ 99000", "A amend 1 x 3", "A cancel 1")
KEEPING = START.replace(expire_at_closed=False)


def answers(stage: Stage, phase: Phase) -> list[str]:
    """The refusal of each act in ``phase``, or nothing, each on a fresh order of firm A."""
    refusals = []
    for act in ACTS:
        fresh = Stage(stage.engine.rules, Phase.PRE_OPEN, ISSUE)
        fresh.line("A buy 5 @ 99000")
        if stage.engine.is_suspended(NAME):
            fresh.line("halt")
        fresh.line(f"phase {phase.value}")
        before = fresh.engine.state()
        told = outcome(fresh.line(act))
        refused = told if told.isupper() else YES
        assert (fresh.engine.state() == before) == bool(refused), "a refusal moves nothing"
        refusals.append(refused)
    return refusals


@pytest.mark.parametrize("phase", Phase)
def test_each_state_takes_what_its_row_says(phase: Phase) -> None:
    """Every state against every act: new, amend, cancel."""
    assert tuple(answers(Stage(KEEPING), phase)) == TABLE[phase]


@pytest.mark.parametrize("phase", Phase)
def test_a_suspension_bars_entry_and_never_a_cancel(phase: Phase) -> None:
    """Suspended, new and amend are NOT_TRADABLE; a cancel is refused only where its state does."""
    stage = Stage(KEEPING)
    stage.line("halt")

    assert answers(stage, phase) == ["NOT_TRADABLE", "NOT_TRADABLE", TABLE[phase][2]]


BREAKS: dict[BreakOrders, tuple[str, str, str]] = {
    BreakOrders.CANCEL_ONLY: (SHUT, SHUT, YES),
    BreakOrders.NONE: (SHUT, SHUT, SHUT),
    BreakOrders.ALL: (YES, YES, YES),
}


@pytest.mark.parametrize("choice", BreakOrders)
def test_the_break_takes_what_the_preset_says(choice: BreakOrders) -> None:
    """The midday break is a rule of the preset."""
    rules = KEEPING.replace(break_orders=choice)

    assert tuple(answers(Stage(rules), Phase.BREAK)) == BREAKS[choice]


def test_a_preset_may_bar_new_orders_in_the_non_cancel_period() -> None:
    """Then nothing enters and nothing leaves before the cross."""
    rules = KEEPING.replace(ncp_new_orders=False)

    assert answers(Stage(rules), Phase.PRE_OPEN_NCP) == [SHUT, NCP, NCP]


def test_without_non_cancel_phases_orders_may_leave_until_the_cross() -> None:
    """TSE has no non-cancel period: the same state lets orders leave."""
    rules = TSE.replace(expire_at_closed=False)

    assert answers(Stage(rules), Phase.PRE_CLOSE_NCP) == [YES, YES, YES]


@pytest.mark.parametrize("phase", [phase for phase in Phase if phase not in AUCTION_PHASES])
def test_a_cross_runs_only_in_an_auction_state(phase: Phase) -> None:
    """Outside an auction state the command is refused and nothing moves."""
    stage = Stage(KEEPING, phase)
    before = stage.engine.state()

    assert outcome(stage.line("cross")) == SHUT
    assert stage.engine.state() == before


def test_a_cross_is_skipped_while_suspended_and_orders_stay() -> None:
    """A halt over the opening: no trade, the orders wait, and meet in the closing cross."""
    play("""
        A buy  5 @ 100000
        B sell 5 @ 100000
        halt
        phase OpeningAuction
        cross -> skipped
        phase Break
        resume
        phase PreClose
        phase ClosingAuction
        cross -> 100_000: 1+2 5
        phase Closed
    """)


def test_a_second_halt_and_a_resumption_of_nothing_are_refused() -> None:
    """Halts do not nest."""
    play("""
        resume -> NOT_TRADABLE
        halt
        halt -> NOT_TRADABLE
        resume
        A buy 5 @ 100000 -> rests 5
    """)


RULEBOOKS: list[Rules] = [START, TSE]


@pytest.mark.parametrize("rules", RULEBOOKS, ids=lambda rules: rules.name)
def test_closed_expires_everything(rules: Rules) -> None:
    """Entering Closed ends every order, buys before sells, by priority (失効)."""
    play(
        """
        A sell 5 @ 100200
        B buy  5 @ 99000
        C buy  5 @ 99100
        phase Closed -> expired 3 5, expired 2 5, expired 1 5
        """,
        rules,
    )
