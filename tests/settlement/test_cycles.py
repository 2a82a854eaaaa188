"""Net cycles on a ledger and by the bank's file: when they start, are funded, complete, and what goes wrong."""

from datetime import date

import pytest

from market.business_days import at_jst
from settlement.designs.enact import FUND
from settlement.designs.states import ObligationState
from settlement.trials.cycles import Cycles
from settlement.trials.records import (
    YEN,
    Case,
    FundPaid,
    LockEnded,
    LockMade,
    LogRecord,
    Posted,
    StateChanged,
    Strike,
    TrialTrade,
)
from settlement.trials.trial import run_trial
from venue.comparison.auditor import Auditor
from venue.comparison.reading import plain

TUESDAY, WEDNESDAY, THURSDAY, FRIDAY = (date(2026, 11, n) for n in (24, 25, 26, 27))
MONDAY = date(2026, 11, 30)
SECOND = 1_000_000_000
HOUR = 3_600 * SECOND
NOON = at_jst(TUESDAY, 12 * 3_600)
READY = NOON + 61 * SECOND
"""When the first obligation of the trades below is ready, and strikes begin to count."""


def at(day: date, hour: int, minute: int = 0, second: int = 0) -> int:
    """An instant in Japan."""
    return at_jst(day, hour * 3_600 + minute * 60 + second)


def trade(number: int, seller: str, buyer: str, units: int = 10, yen: int = 1_000) -> TrialTrade:
    """A trade at noon and a second later for each number."""
    when = NOON + number * SECOND
    return TrialTrade(str(number), when, TUESDAY, "KH01", seller, buyer, units, yen)


CHAIN = (trade(1, "A", "B"), trade(2, "B", "C", 10, 1_010), trade(3, "D", "E", 5, 500))


def by_bank(
    design: str,
    rule: str = "use_fund",
    *strikes: Strike,
    days: int = 1,
    trades: tuple[TrialTrade, ...] = CHAIN,
) -> list[LogRecord]:
    """The chain, or other trades, in a cycle that is paid by the bank's file."""
    return run_trial(Case(design, days, 100, trades, strikes, 1, rule, by_file=True))


def settled(log: list[LogRecord]) -> dict[str, int]:
    """When each obligation settled."""
    return {
        one.deal: one.at_ns
        for one in log
        if isinstance(one, StateChanged) and one.state is ObligationState.SETTLED
    }


@pytest.mark.parametrize(
    ("after", "ledger", "file"),
    [
        (at(TUESDAY, 9), at(TUESDAY, 11, 45), at(TUESDAY, 16)),
        (at(TUESDAY, 11, 45), at(TUESDAY, 16), at(TUESDAY, 16)),
        (at(TUESDAY, 16), at(TUESDAY, 19), at(WEDNESDAY, 16)),
        (at(FRIDAY, 19), at(MONDAY, 11, 45), at(MONDAY, 16)),
    ],
)
def test_the_next_cycle_is_the_first_after_a_time(after: int, ledger: int, file: int) -> None:
    """A cycle that runs now is not the next one; a weekend has none."""
    assert Cycles(by_file=False).next_ns(after) == ledger
    assert Cycles(by_file=True).next_ns(after) == file


def test_a_window_is_ten_minutes_or_a_night() -> None:
    """By file what is ordered on a day is booked in the next business day's morning, or in a later one."""
    ledger, file = Cycles(by_file=False), Cycles(by_file=True)

    assert ledger.closes_ns(at(TUESDAY, 16)) == at(TUESDAY, 16, 10)
    assert file.closes_ns(at(FRIDAY, 16)) == at(MONDAY, 9)
    assert ledger.completes_ns(at(TUESDAY, 16), at(TUESDAY, 22)) == at(WEDNESDAY, 9)
    assert file.completes_ns(at(TUESDAY, 16), at(WEDNESDAY, 9)) == at(WEDNESDAY, 9)
    assert file.completes_ns(at(TUESDAY, 16), at(WEDNESDAY, 9, 0, 1)) == at(THURSDAY, 9)


def test_orders_are_taken_in_office_hours_and_ledgers_at_any() -> None:
    """At 17:00 the last one; before 9:00 none."""
    assert Cycles(by_file=False).may_fund(at(TUESDAY, 3))
    file = Cycles(by_file=True)
    assert [file.may_fund(at(TUESDAY, hour)) for hour in (8, 9, 17, 18)] == [
        False, True, True, False,
    ]  # fmt: skip
    assert file.start_ns(at(TUESDAY, 18)) == at(WEDNESDAY, 9)


@pytest.mark.parametrize("design", ["C2", "C3", "C3-ccp"])
def test_by_file_net_debits_are_set_aside_over_night_and_move_whole_in_the_morning(
    design: str,
) -> None:
    """Locked at 16:00 of the eve, posted at 9:00 with the units, in one instant."""
    rule = "novate" if design == "C3-ccp" else "use_fund"
    apart = (CHAIN[0], CHAIN[2])
    log = by_bank(design, rule, trades=apart if design == "C2" else CHAIN)
    locks = [one for one in log if isinstance(one, LockMade) and one.asset == YEN]

    assert {one.at_ns for one in locks} == {at(TUESDAY, 16, 0, 2)}
    assert set(settled(log).values()) == {at(WEDNESDAY, 9)}
    assert {one.at_ns for one in log if isinstance(one, Posted)} == {at(WEDNESDAY, 9)}
    assert Auditor().read(plain(log)) == []


def test_what_was_traded_after_the_cycle_of_a_day_is_in_the_next() -> None:
    """At T+0 nothing is in time: the cycle of the day is booked on the next."""
    log = by_bank("C3", days=0)

    assert set(settled(log).values()) == {at(WEDNESDAY, 9)}


@pytest.mark.parametrize(
    ("rule", "ends"),
    [
        ("use_fund", {"1": WEDNESDAY, "2": WEDNESDAY, "3": WEDNESDAY}),
        ("unwind", {"3": WEDNESDAY}),
        ("postpone", {}),
    ],
)
def test_a_payer_who_is_gone_before_it_ordered_meets_the_rule_in_the_morning(
    rule: str, ends: dict[str, date]
) -> None:
    """B is gone a second after the cycle began: the fund pays, the rest is netted anew, or nothing settles."""
    gone = Strike("F15", "after_lock", "B", "buyer", at(TUESDAY, 16, 0, 1) - READY, 1)
    log = by_bank("C3", rule, gone)

    assert {name for name, when in settled(log).items() if when == at(WEDNESDAY, 9)} == set(ends)
    assert any(isinstance(one, FundPaid) for one in log) == (rule == "use_fund")
    assert Auditor().read(plain(log)) == []


def test_a_payer_who_comes_back_while_the_bank_takes_orders_is_in_time() -> None:
    """Out from 16:00 to 16:30: ordered then, booked in the morning, the fund is not asked."""
    out = Strike("F11", "after_match", "E", "buyer", at(TUESDAY, 16, 0, 1) - READY, HOUR // 2)
    log = by_bank("C3", "use_fund", out)

    assert set(settled(log).values()) == {at(WEDNESDAY, 9)}
    assert not any(isinstance(one, FundPaid) for one in log)


def test_while_the_ledger_of_the_units_is_out_in_the_morning_the_file_waits_for_the_next() -> None:
    """Neither the units nor the yen move at 9:00, and both do a day later; no lock is lost."""
    start = at(WEDNESDAY, 8, 59) - READY
    out = Strike("F2", "token", "token", "seller", start, HOUR)
    log = by_bank("C3", "use_fund", out)

    assert set(settled(log).values()) == {at(THURSDAY, 9)}
    assert all(one.delivered for one in log if isinstance(one, LockEnded))
    assert Auditor().read(plain(log)) == []


def test_no_cycle_begins_that_could_not_be_booked_before_the_trial_ends() -> None:
    """On the last day nothing is set aside for a morning that does not come."""
    short = Strike("F14", "insufficient", "1", "buyer", 0, 20 * 24 * HOUR)
    log = by_bank("C3", "unwind", short)
    locks = [one for one in log if isinstance(one, LockMade)]

    assert max(one.at_ns for one in locks) < at(FRIDAY, 9)
    assert Auditor().read(plain(log)) == []


def test_the_fund_is_at_the_bank_too_and_fails_with_it() -> None:
    """The settlement bank fails in the night: the file is not booked and everyone's orders come back less."""
    fails = Strike("F31", "recovery_50", "bank", "seller", at(TUESDAY, 20) - READY, 1)
    log = by_bank("C3", "use_fund", fails)

    assert settled(log) == {}
    assert {one.taker for one in log if isinstance(one, Posted)} == {"money issuer"}
    assert FUND in {one.giver for one in log if isinstance(one, Posted)}
    assert Auditor().read(plain(log)) == []
