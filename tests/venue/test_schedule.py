"""The day as a pure list of steps, and how a run knows which comes next."""

from datetime import date

import pytest

from market.business_days import at_jst, jst_day_and_second
from market.commands import (
    ChangePhase,
    CloseDay,
    Command,
    Entry,
    OpenDay,
    PublishBasePrices,
    RunAuction,
    RunSettlement,
)
from market.ids import InstrumentId
from market.quantities import SequenceNo, TimeNs
from market.rulebooks import PRESETS, START
from market.rules import MARGIN_S, Rules
from market.words import AUCTION_PHASES, Phase
from venue.conductor import remaining_days
from venue.core import Core
from venue.sample import sample_settings
from venue.schedule import PLANNED, day_plan, first_business_day
from venue.settings import VenueSettings, opening_commands

DAY = date(2026, 11, 24)
ISSUES = [InstrumentId("B"), InstrumentId("A")]


def begun(settings: VenueSettings) -> Core:
    """A market after its opening commands."""
    core = Core()
    for command in opening_commands(settings):
        step(core, command)
    return core


def step(core: Core, command: Command, at_ns: int = 0) -> None:
    """Apply one command."""
    number = SequenceNo(core.sequence + 1)
    at = TimeNs(max(core.at_ns, at_ns))
    core.apply(Entry(sequence=number, at_ns=at, command=command))


@pytest.mark.parametrize("rules", PRESETS.values(), ids=PRESETS)
def test_a_day_opens_first_and_closes_last(rules: Rules) -> None:
    """Ten minutes before its first step and after its last; time never goes back."""
    plan = day_plan(rules, DAY, ISSUES)
    times = [at_ns for at_ns, _ in plan]
    assert plan[0][1] == OpenDay(business_date=DAY)
    assert plan[-1][1] == CloseDay()
    assert times == sorted(times)
    assert plan[1][0] - plan[0][0] == plan[-1][0] - plan[-2][0] == MARGIN_S * 10**9
    assert all(jst_day_and_second(at_ns)[0] == DAY for at_ns in times)


@pytest.mark.parametrize("rules", PRESETS.values(), ids=PRESETS)
def test_every_auction_phase_is_followed_by_its_one_cross(rules: Rules) -> None:
    """For each issue, at the same instant, before anything else of that issue."""
    plan = [command for _, command in day_plan(rules, DAY, ISSUES)]
    for name in ISSUES:
        own = [c for c in plan if getattr(c, "instrument_id", None) == name]
        for place, command in enumerate(own):
            wanted = isinstance(command, ChangePhase) and command.phase in AUCTION_PHASES
            follows = place + 1 < len(own) and isinstance(own[place + 1], RunAuction)
            assert wanted == follows
        assert own[-1] == ChangePhase(instrument_id=name, phase=Phase.CLOSED)


def test_issues_move_in_listing_order_and_stages_in_their_own() -> None:
    """What happens at one instant has one order on every machine."""
    plan = [command for _, command in day_plan(START, DAY, ISSUES)]
    first = [c.instrument_id for c in plan if isinstance(c, ChangePhase)][:2]
    assert first == ISSUES
    assert [c.stage for c in plan if isinstance(c, RunSettlement)] == [0, 1, 2, 3]


def test_a_settlement_day_has_stages_and_nothing_else() -> None:
    """After the trading days the market stays closed while deliveries finish."""
    plan = day_plan(START, DAY, ISSUES, trading=False)
    assert [type(command).__name__ for _, command in plan] == (
        ["OpenDay"] + ["RunSettlement"] * 4 + ["CloseDay"]
    )


@pytest.mark.parametrize(
    ("asked", "first"),
    [
        (date(2026, 11, 24), date(2026, 11, 24)),
        (date(2026, 11, 21), date(2026, 11, 24)),  # Saturday before a holiday Monday
        (date(2026, 12, 31), date(2027, 1, 4)),
    ],
)
def test_a_run_begins_on_a_business_day(asked: date, first: date) -> None:
    """The day asked for, or the next one the market is open."""
    assert first_business_day(asked) == first


def test_at_any_point_of_a_day_the_rest_of_the_plan_is_what_was_not_done() -> None:
    """A market broken off after any scheduled step goes on with the step its journal lacks."""
    settings = sample_settings("start", 7, days=1)
    core = begun(settings)
    whole = next(remaining_days(core, settings))
    for done, (at_ns, command) in enumerate(whole[:-1]):
        step(core, command, at_ns)
        assert next(remaining_days(core, settings)) == whole[done + 1 :]


def test_requests_do_not_count_as_steps_and_deposits_of_the_plan_do() -> None:
    """Only what the schedule gives moves the day on."""
    assert {ChangePhase, RunAuction, RunSettlement, CloseDay} < PLANNED
    assert OpenDay not in PLANNED


def test_days_end_when_nothing_is_open_or_after_the_settlement_days() -> None:
    """Without trades a run of three days has exactly three; it never waits longer than allowed."""
    settings = sample_settings("start", 7, days=3)
    core = begun(settings)
    dates = []
    for plan in remaining_days(core, settings):
        for at_ns, command in plan:
            step(core, command, at_ns)
        if isinstance(plan[0][1], OpenDay):
            dates.append(core.business_date)
    assert dates == [date(2026, 11, 24), date(2026, 11, 25), date(2026, 11, 26)]
    assert at_jst(DAY, 0) < core.at_ns


AT_RANDOM = START.replace(auction_random_end_s=30)


def _times(rules: Rules, run_id: str, kind: type) -> dict[str, list[int]]:
    """Milliseconds after midnight at which each issue gets commands of a kind."""
    midnight = at_jst(DAY, 0)
    times: dict[str, list[int]] = {}
    for at_ns, command in day_plan(rules, DAY, ISSUES, run_id=run_id):
        if isinstance(command, kind):
            name = getattr(command, "instrument_id", "")
            times.setdefault(name, []).append((at_ns - midnight) // 10**6)
    return times


def test_a_random_end_puts_each_auction_off_within_its_bound() -> None:
    """Every issue's crosses come 0 to 30 seconds late, and what follows at once comes with them."""
    fixed = {
        round(s.second_of_day * 1000) for s in START.schedule.value if s.phase in AUCTION_PHASES
    }
    offsets = []
    for run in range(20):
        for name, crosses in _times(AT_RANDOM, f"run-{run}", RunAuction).items():
            phases = _times(AT_RANDOM, f"run-{run}", ChangePhase)[name]
            assert phases == sorted(phases)
            for due, at_ms in zip(sorted(fixed), crosses, strict=True):
                assert 0 <= at_ms - due <= 30_000
                assert phases.count(at_ms) == 2, "the auction and the step behind it"
                offsets.append(at_ms - due)
    assert len(set(offsets)) > 60, "they differ by run, issue and auction"


def test_a_random_end_is_known_from_the_run_alone() -> None:
    """The same run has the same plan, on every machine; another run another one."""
    plan = day_plan(AT_RANDOM, DAY, ISSUES, run_id="r")
    assert plan == day_plan(AT_RANDOM, DAY, ISSUES, run_id="r")
    assert plan != day_plan(AT_RANDOM, DAY, ISSUES, run_id="q")
    assert _times(AT_RANDOM, "r", RunAuction)["A"] == [41_403_140, 55_809_949]


def test_an_extension_stands_in_the_plan_behind_each_auction() -> None:
    """The steps of an auction come twice; the second time they are marked and later."""
    rules = START.replace(auction_extension_s=120)
    plan = day_plan(rules, DAY, ISSUES[:1])
    first = [(at, c) for at, c in plan if getattr(c, "after_extension", None) is False]
    second = [(at, c) for at, c in plan if getattr(c, "after_extension", None) is True]
    assert len(first) == 10
    assert [type(c).__name__ for _, c in second] == ["ChangePhase", "RunAuction", "ChangePhase"] * 2
    assert {at - 120 * 10**9 for at, _ in second} < {at for at, _ in first}


def test_the_evening_before_a_day_tells_its_base_prices() -> None:
    """At 19:00 on START, before every day but the first; a venue killed behind it tells them once."""
    settings = sample_settings("start", 7, days=2)
    core = begun(settings)
    plans = []
    for plan in remaining_days(core, settings):
        plans.append(plan)
        for at_ns, command in plan:
            step(core, command, at_ns)
            if isinstance(command, PublishBasePrices):
                assert isinstance(next(remaining_days(core, settings))[0][1], OpenDay)
    evening = [(at_jst(DAY, 19 * 3600), PublishBasePrices(business_date=date(2026, 11, 25)))]
    assert [len(plan) == 1 for plan in plans] == [False, True, False]
    assert plans[1] == evening
    core.feeds.drain()
    issue = core.feeds.issues["KH01"]
    assert issue.next_reference_sen is None, "the day is open now"


def test_a_rulebook_may_tell_base_prices_when_the_day_opens() -> None:
    """With 0 seconds there is no evening."""
    settings = sample_settings("start", 7, days=2, rules={"base_price_publish_s": 0})
    core = begun(settings)
    kinds = []
    for plan in remaining_days(core, settings):
        kinds.append(type(plan[0][1]))
        for at_ns, command in plan:
            step(core, command, at_ns)
    assert kinds == [OpenDay, OpenDay]
