"""Trials: every design settles, keeps its books, and loses principal only where its design allows."""

import itertools
from datetime import date

import pytest

from market.business_days import at_jst
from market.errors import InvariantBroken
from settlement.designs.conduct import MINUTE_NS
from settlement.designs.states import ObligationState
from settlement.lifecycle.partials import fill_yen_rounded_down
from settlement.trials.desk import MATCH_NS, Desk
from settlement.trials.funds import endowment
from settlement.trials.hours import CUT_OFF_S
from settlement.trials.records import (
    FINAL,
    YEN,
    Case,
    Delayed,
    LockMade,
    LogRecord,
    Obliged,
    PrincipalLost,
    StateChanged,
    Strike,
    TrialTrade,
)
from settlement.trials.trial import DESIGNS, log_digest, run_trial

DAY = date(2026, 11, 24)
NOON = at_jst(DAY, 12 * 3_600)
HOUR = 60 * MINUTE_NS
WHOLE = ("A", "A+LSM", "B2", "B3", "B4", "C2", "C3")
"""Designs in which no plan of faults leaves one leg final and the other not."""


def trade(number: int, seller: str, buyer: str, units: int = 10, yen: int = 1_000) -> TrialTrade:
    """A trade at noon and a second later for each number."""
    at = NOON + number * 1_000_000_000
    return TrialTrade(str(number), at, DAY, "KH01", seller, buyer, units, yen)


def case(design: str, *strikes: Strike, horizon: int = 0, liquidity: int = 100) -> Case:
    """A sells to B, B to C, C to A, and A to C again."""
    trades = (
        trade(1, "A", "B"), trade(2, "B", "C", 10, 1_010),
        trade(3, "C", "A", 4, 404), trade(4, "A", "C", 3, 300),
    )  # fmt: skip
    return Case(design, horizon, liquidity, trades, strikes, 1)


def ends(log: list[LogRecord]) -> dict[str, ObligationState]:
    """The last state of every obligation."""
    return {one.deal: one.state for one in log if isinstance(one, StateChanged)}


def lost(log: list[LogRecord]) -> list[PrincipalLost]:
    """Losses of principal."""
    return [one for one in log if isinstance(one, PrincipalLost)]


@pytest.mark.parametrize("horizon", [0, 1, 2])
@pytest.mark.parametrize("design", DESIGNS)
def test_without_faults_and_with_funds_everything_settles(design: str, horizon: int) -> None:
    """Four of four, whatever the horizon."""
    log = run_trial(case(design, horizon=horizon, liquidity=1_000))

    assert set(ends(log).values()) == {ObligationState.SETTLED}


@pytest.mark.parametrize("design", DESIGNS)
def test_the_same_case_gives_the_same_log(design: str) -> None:
    """I18: one digest, and another for another seed's delays where people are involved."""
    struck = case(design, Strike("F2", "token", "token", "seller", 0, HOUR))

    assert log_digest(run_trial(struck)) == log_digest(run_trial(struck))


@pytest.mark.parametrize("design", DESIGNS)
def test_time_never_goes_back_and_every_obligation_ends_once(design: str) -> None:
    """Records are in order of time; each obligation has one final state, its last."""
    log = run_trial(case(design, Strike("F15", "after_lock", "B", "buyer", 0, HOUR), liquidity=0))

    assert all(a.at_ns <= b.at_ns for a, b in itertools.pairwise(log))
    for name in ("1", "2", "3", "4"):
        states = [o.state for o in log if isinstance(o, StateChanged) and o.deal == name]
        assert [state in FINAL for state in states] == [False] * (len(states) - 1) + [True]


SHAPES = [
    (family, kind, target, side)
    for family, kinds, targets in (
        ("F1", ("x",), "1234"), ("F4", ("lost",), "12"), ("F6", ("token",), "12"),
        ("F8", ("silent",), "1234"), ("F14", ("insufficient",), "12"), ("F30", ("unknown",), "1234"),
        ("F12", ("amount",), "12"), ("F18", ("cycle",), "1"), ("F10", ("redemption",), "1"),
        ("F15", ("x",), "ABC"), ("F11", ("x",), "AB"), ("F22", ("lost",), "C"),
    )
    for kind in kinds
    for target in targets
    for side in ("seller", "buyer")
] + [
    ("F2", "token", "token", "seller"), ("F2", "cash", "cash", "seller"), ("F2", "both", "both", "seller"),
    ("F3", "skew_ahead", "skew", "seller"), ("F7", "down", "down", "seller"),
    ("F9", "frozen", "KH01", "seller"), ("F16", "mid_flight", "mid_flight", "seller"),
    ("F24", "insolvent", "KH01", "seller"), ("F29", "replaced", "replaced", "seller"),
]  # fmt: skip


@pytest.mark.parametrize("design", WHOLE)
def test_no_fault_leaves_one_leg_final(design: str) -> None:
    """Every shape of fault, at every step of the design, short and for good: nobody loses principal."""
    for family, kind, target, side in SHAPES:
        for step in range(5):
            for hours in (1, 30, 24 * 30):
                strike = Strike(family, kind, target, side, step * 2_000_000_000, hours * HOUR)
                for liquidity in (0, 100):
                    log = run_trial(case(design, strike, liquidity=liquidity))

                    assert lost(log) == [], strike
                    assert ObligationState.SPLIT not in ends(log).values(), strike


def test_a_hash_lock_holds_within_its_margin() -> None:
    """B1: outages up to 55 minutes, of any party or ledger at any step, split nothing."""
    for family, kind, target, side in SHAPES:
        if family in {"F3", "F15"}:
            continue
        for step in range(5):
            strike = Strike(family, kind, target, side, step * 2_000_000_000, 55 * MINUTE_NS)

            assert lost(run_trial(case("B1", strike))) == [], strike


def test_a_hash_lock_splits_beyond_its_margin_and_says_who_lost() -> None:
    """The buyer is out from the reveal until after the units' expiry: it paid and gets nothing."""
    strike = Strike("F1", "before_claim", "1", "buyer", 6_000_000_000, 4 * HOUR)
    (loss,) = lost(run_trial(case("B1", strike)))

    assert (loss.deal, loss.bearer, loss.cause, loss.yen) == ("1", "B", "B", 1_000)


def test_a_clock_ahead_eats_the_margin() -> None:
    """B1 with the token ledger's clock four hours ahead: the units go back before they are claimed."""
    strike = Strike("F3", "skew_ahead", "skew", "seller", 5_000_000_000, 4 * HOUR)

    assert lost(run_trial(case("B1", strike)))


def test_the_unsafe_order_pays_for_units_that_are_gone() -> None:
    """B4 with the payment inside validation: the same double spend that B4 survives splits it."""
    strike = Strike("F6", "token", "1", "seller", 3_000_000_000, HOUR)
    (loss,) = lost(run_trial(case("B4-unsafe", strike)))

    assert (loss.deal, loss.bearer, loss.cause, loss.family) == ("1", "B", "A", "F6")
    assert lost(run_trial(case("B4", strike))) == []


@pytest.mark.parametrize(("design", "bearer"), [("D-token", "A"), ("D-cash", "B")])
def test_today_a_default_between_the_legs_is_a_loss_of_who_gave_first(
    design: str, bearer: str
) -> None:
    """Units first: the seller loses; yen first: the buyer does."""
    other = "B" if bearer == "A" else "A"
    only = Case(design, 2, 100, (trade(1, "A", "B"),),
                (Strike("F15", "after_first_leg", other, "buyer", HOUR + MINUTE_NS, HOUR),))  # fmt: skip
    (loss,) = lost(run_trial(only))

    assert (loss.bearer, loss.cause, loss.family, loss.yen) == (bearer, other, "F15", 1_000)


def test_offsetting_settles_a_ring_that_gross_cannot() -> None:
    """A to B to C to A, nobody has anything: gross compensates all, offsetting settles all."""
    ring = (trade(1, "A", "B"), trade(2, "B", "C"), trade(3, "C", "A"))

    assert set(ends(run_trial(Case("A", 0, 0, ring))).values()) == {ObligationState.CLOSED_COMP}
    assert set(ends(run_trial(Case("A+LSM", 0, 0, ring))).values()) == {ObligationState.SETTLED}
    assert set(ends(run_trial(Case("C3", 0, 0, ring))).values()) == {ObligationState.SETTLED}


def test_partial_fills_sum_exactly() -> None:
    """10,000,001 yen for 1,000 units in 400, 350 and 250: 4,000,000, 3,500,000 and 2,500,001."""
    left_yen, left_units, fills = 10_000_001, 1_000, []
    for units in (400, 350, 250):
        fills.append(fill_yen_rounded_down(left_yen, units, left_units))
        left_yen, left_units = left_yen - fills[-1], left_units - units

    assert fills == [4_000_000, 3_500_000, 2_500_001]


def test_firms_begin_with_their_bounds() -> None:
    """A pays B 100, B pays C 90, C pays A 80, B pays A 40: 30 at the lower, 130 at the upper bound."""
    ring = tuple(
        trade(n, seller, buyer, 1, yen)
        for n, (buyer, seller, yen) in enumerate(
            [("A", "B", 100), ("B", "C", 90), ("C", "A", 80), ("B", "A", 40)]
        )
    )

    def money(liquidity: int) -> int:
        found = endowment(Case("A", 0, liquidity, ring))
        return sum(amount for (_, asset), amount in found.items() if asset == YEN)

    assert (money(0), money(50), money(100)) == (30, 80, 130)


def test_a_delay_is_charged_to_who_was_out() -> None:
    """The buyer's two hours are the buyer's, the notary's the notary's."""
    strike = Strike("F1", "x", "1", "buyer", 0, 2 * HOUR)
    (own,) = [o for o in run_trial(case("A", strike)) if isinstance(o, Delayed)]
    down = run_trial(case("A", Strike("F7", "down", "down", "seller", 0, HOUR)))

    assert (own.cause, own.family, own.ns) == ("B", "F1", 2 * HOUR)
    assert {o.cause for o in down if isinstance(o, Delayed)} == {"notary"}


@pytest.mark.parametrize("horizon", [0, 1, 2])
def test_the_deadline_is_the_cut_off_of_the_settlement_date(horizon: int) -> None:
    """17:00 on T+0, T+1, T+2; the 24th is a Tuesday and the days after it are business days."""
    due = {o.due_ns for o in run_trial(case("A", horizon=horizon)) if isinstance(o, Obliged)}

    assert due == {at_jst(date(2026, 11, 24 + horizon), CUT_OFF_S)}


def test_an_own_deal_settles_and_locks_nothing() -> None:
    """A firm's trade with itself is settled at readiness in every design but a batch's cycle."""
    for design in DESIGNS:
        log = run_trial(Case(design, 0, 100, (trade(1, "A", "A"),)))

        assert ends(log) == {"1": ObligationState.SETTLED}
        assert not any(isinstance(one, LockMade) for one in log)


def test_an_obligation_has_a_new_name() -> None:
    """I10: a trade id twice stops the trial before anything moves."""
    with pytest.raises(InvariantBroken, match="I10"):
        Desk(Case("A", 0, 100, (trade(1, "A", "B"), trade(1, "A", "B"))))


def test_gross_is_final_a_minute_after_the_trade() -> None:
    """Matching is all that atomic settlement waits for."""
    log = run_trial(Case("A", 0, 100, (trade(1, "A", "B"),)))
    (end,) = [o.at_ns for o in log if isinstance(o, StateChanged)]

    assert end == trade(1, "A", "B").at_ns + MATCH_NS
