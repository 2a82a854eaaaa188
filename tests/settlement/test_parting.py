"""Parts in trials: B2 takes a part through its own table, gross settlement in one step; when, how much, and what fails."""

from datetime import date
from random import Random

import pytest

from market.business_days import at_jst
from settlement.designs.states import Leg, ObligationState
from settlement.lifecycle.partials import Fill, check_fills
from settlement.trials.parting import PARTS, WINDOW_NS
from settlement.trials.records import (
    Case,
    LegFinal,
    LockEnded,
    LogRecord,
    Posted,
    PrincipalLost,
    Said,
    StateChanged,
    Strike,
    TrialTrade,
    Tried,
)
from settlement.trials.trial import run_trial
from venue.comparison.auditor import Auditor
from venue.comparison.faultplans import FAMILIES, Strikes
from venue.comparison.reading import plain

DAY = date(2026, 11, 24)
NOON = at_jst(DAY, 12 * 3_600)
CUT_OFF = at_jst(DAY, 17 * 3_600)
SECOND = 1_000_000_000
MINUTE = 60 * SECOND
SHORT = (
    TrialTrade("1", NOON, DAY, "KH01", "X", "A", 6, 600),
    TrialTrade("2", NOON + SECOND, DAY, "KH01", "A", "B", 10, 1_001),
)
"""At the lower bound A has four of ten units; the other six are X's, and late."""

GONE = Strike("F15", "before_lock", "Z", "seller", 0, 1)
LATE = Strike("F15", "before_lock", "X", "seller", 0, 1)


def run(design: str, *strikes: Strike, trades: tuple[TrialTrade, ...] = SHORT, **more: object) -> list[LogRecord]:  # fmt: skip
    """A trial at the lower bound of liquidity; the auditor finds nothing."""
    case = Case(design, 0, 0, trades, (LATE, *strikes), 1)._replace(**more)
    log = run_trial(case)
    assert Auditor().read(plain(log)) == []
    return log


def parts_of(log: list[LogRecord], name: str) -> list[Fill]:
    """Each part that was settled: what both legs came to between two marks of the log."""
    found, units, yen = [], 0, 0
    for one in log:
        if isinstance(one, LegFinal) and one.deal == name:
            units += one.amount if one.leg is Leg.TOKEN else 0
            yen += one.amount if one.leg is Leg.CASH else 0
        ends = isinstance(one, StateChanged) and one.deal == name
        if ends and (one.reason == "partial" or one.state is ObligationState.SETTLED):
            found.append(Fill(units, yen))
            units = yen = 0
    return [fill for fill in found if fill.units]


@pytest.mark.parametrize("design", ["A", "A+LSM", "B2"])
def test_a_seller_short_of_units_gives_what_it_has_in_the_window(design: str) -> None:
    """Four of ten for 400 of 1,001 yen, within the half hour before the cut-off; the rest ends unsettled."""
    log = run(design)
    moved = [one.at_ns for one in log if isinstance(one, Posted) and one.deal == "2"]
    ends = {one.deal: one.state for one in log if isinstance(one, StateChanged)}

    assert parts_of(log, "2") == [Fill(4, 400)]
    assert all(CUT_OFF - WINDOW_NS <= at_ns < CUT_OFF for at_ns in moved)
    assert ends["2"] is ObligationState.CLOSED_COMP
    said = {(one.owner, one.asset): one.amount for one in log if isinstance(one, Said)}
    assert said["B", "KH01"] == 4


@pytest.mark.parametrize("design", ["A", "B2"])
def test_a_side_that_wants_it_whole_gets_no_part(design: str) -> None:
    """The case says whose; nothing of that obligation moves."""
    log = run(design, whole=frozenset({"2"}))

    assert parts_of(log, "2") == []
    assert not any(isinstance(one, Posted) and one.deal == "2" for one in log)


def test_the_window_is_half_an_hour_of_the_rule_of_the_venue() -> None:
    """The same value decides in both: the second of the day, from and until."""
    assert (PARTS.from_s, PARTS.until_s) == (59_400, 61_200)


@pytest.mark.parametrize("design", ["A", "B2"])
def test_the_rest_settles_when_its_units_come_and_the_parts_sum_exactly(design: str) -> None:
    """X is back after the window: six more units, and 601 yen, what rounding left with them."""
    away = Strike("F11", "after_match", "X", "seller", 0, 5 * 60 * MINUTE)
    more = TrialTrade(
        "3", NOON, DAY, "KH02", "Z", "A", 7, 700
    )  # A has yen for it, and for X's units
    log = run_trial(Case(design, 0, 0, (*SHORT, more), (away, GONE), 1))
    ends = {one.deal: one.state for one in log if isinstance(one, StateChanged)}
    fills = parts_of(log, "2")

    assert Auditor().read(plain(log)) == []
    assert fills == [Fill(4, 400), Fill(6, 601)]
    check_fills(10, 1_001, fills)
    assert {ends["1"], ends["2"]} == {ObligationState.SETTLED}


def test_four_million_three_and_a_half_and_two_and_a_half_and_one() -> None:
    """10,000,001 yen for 1,000 units in parts of 400, 350 and 250, over the windows of three days, in B2."""
    trades = (
        TrialTrade("1", NOON, DAY, "KH01", "X", "A", 350, 3_500_000),
        TrialTrade("2", NOON, DAY, "KH01", "Y", "A", 250, 2_500_000),
        TrialTrade("3", NOON + SECOND, DAY, "KH01", "A", "B", 1_000, 10_000_001),
    )
    back = (
        Strike("F11", "after_match", "X", "seller", 0, 8 * 60 * MINUTE),
        Strike("F11", "after_match", "Y", "seller", 0, 30 * 60 * MINUTE),
    )
    log = run_trial(Case("B2", 0, 0, trades, back, 1))
    fills = parts_of(log, "3")

    assert fills == [Fill(400, 4_000_000), Fill(350, 3_500_000), Fill(250, 2_500_001)]
    check_fills(1_000, 10_000_001, fills)
    assert Auditor().read(plain(log)) == []


def test_a_part_that_is_not_paid_goes_back_and_the_next_attempt_is_for_all() -> None:
    """B lacks the yen at the window: four units are set aside, returned at the cut-off, and no leg is final."""
    short = Strike("F14", "insufficient", "2", "buyer", 0, 30 * 24 * 60 * MINUTE)
    log = run("B2", short)
    ended = [one for one in log if isinstance(one, LockEnded)]

    assert ended
    assert not any(one.delivered for one in ended)
    assert parts_of(log, "2") == []
    assert not any(isinstance(one, LegFinal) and one.deal == "2" for one in log)


@pytest.mark.parametrize(
    ("family", "kind", "told"),
    [
        ("F4", "duplicate", {"already"}), ("F20", "from_snapshot", {"already"}),
        ("F5", "settle_and_cancel", {"wrong_state"}), ("F8", "replay", {"id_conflict"}),
    ],
)  # fmt: skip
def test_a_fault_in_the_middle_of_a_part_is_answered_as_in_a_whole(
    family: str, kind: str, told: set[str]
) -> None:
    """At each second of a part's way the step taken is known and no other is let in: the same four units."""
    start = CUT_OFF - WINDOW_NS - (NOON + MINUTE)
    answered: set[str] = set()
    for second in range(12):
        target = "2" if family != "F20" else kind
        strike = Strike(family, kind, target, "seller", start + second * SECOND, MINUTE)
        log = run("B2", strike)
        answered |= {one.answer for one in log if isinstance(one, Tried) and one.deal == "2"}
        assert parts_of(log, "2") == [Fill(4, 400)]

    assert answered == told


@pytest.mark.parametrize("design", ["A", "B2"])
def test_days_by_chance_part_without_a_split_and_sum_exactly(design: str) -> None:
    """Sixty random days at low liquidity under random faults: every obligation's parts are its legs."""
    parted = 0
    for seed in range(60):
        chance = Random(f"parts {seed}")
        trades = []
        for number in range(12):
            seller, buyer = chance.sample("ABCD", 2)
            units = chance.randint(2, 12)
            trades.append(
                TrialTrade(str(number), NOON + number * SECOND, DAY, "KH01", seller, buyer, units,
                           units * 100 + chance.randint(0, 3))
            )  # fmt: skip
        strikes = []
        for family in chance.sample(FAMILIES, 4):
            target = chance.choice(family.kinds)
            if family.strikes is Strikes.DEAL:
                target = str(chance.randrange(12))
            elif family.strikes is Strikes.FIRM:
                target = chance.choice("ABCD")
            elif family.key in {"F9", "F19", "F24"}:
                target = "KH01"
            elif family.key == "F31":
                target = "deposit"
            after = chance.choice((0, chance.randrange(18_000))) * SECOND
            kind = chance.choice(family.kinds)
            strikes.append(
                Strike(family.key, kind, target, "seller", after, chance.randint(1, 600) * MINUTE)
            )
        whole = frozenset(str(number) for number in range(12) if chance.random() < 0.2)
        case = Case(design, seed % 3, chance.choice((0, 30)), tuple(trades), tuple(strikes), seed)
        log = run_trial(case._replace(whole=whole))

        assert Auditor().read(plain(log)) == []
        assert not any(isinstance(one, PrincipalLost) for one in log)
        for trade in trades:
            fills = parts_of(log, trade.trade_id)
            check_fills(trade.units, trade.yen, fills)
            done = any(isinstance(o, StateChanged) and o.deal == trade.trade_id and o.reason == "partial" for o in log)  # fmt: skip
            assert not (done and trade.trade_id in whole)
            parted += done

    assert parted > 5
