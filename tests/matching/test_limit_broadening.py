"""Broadened limits (制限値幅の拡大): after days stuck at a limit, that side gets more room."""

from datetime import timedelta

import pytest
from script import DAY, NAME, Stage, outcome

from market.events import ReferencePriceSet
from market.rulebooks import TSE
from market.rules import Rules
from market.words import Phase

# Base price 100,000 yen, limits 30,000 away; from 150,000 yen on 40,000, from 200,000 on 50,000.
STUCK_ABOVE = ("A buy 5 @ {upper}",)


def days(*stories: tuple[str, ...], rules: Rules = TSE) -> list[tuple[int, int, int]]:
    """Play one story a day, its lines in the pre-closing; base and limits of each day, in yen."""
    stage = Stage(rules, Phase.PRE_OPEN)
    told = [limits(stage)]
    for number, story in enumerate(stories, start=1):
        base, lower, upper = told[-1]
        stage.line("phase PreClose")
        for line in story:
            answer = outcome(stage.line(line.format(base=base, lower=lower, upper=upper)))
            assert not answer.isupper(), answer
        stage.line("phase ClosingAuction")
        stage.line("cross")
        stage.line("phase Closed")
        stage.engine.close_day()
        events = stage.engine.open_day(DAY + timedelta(days=number))
        stage.engine.check_invariants()
        assert any(isinstance(event, ReferencePriceSet) for event in events)
        told.append(limits(stage))
        stage.engine.change_phase(NAME, Phase.PRE_OPEN)
    return told


def limits(stage: Stage) -> tuple[int, int, int]:
    """Base price and limits now, in yen."""
    lower, upper = stage.engine.daily_limits_sen(NAME)
    return stage.engine.reference_price_sen(NAME) // 100, lower // 100, upper // 100


def test_two_days_stuck_broaden_that_side_fourfold_from_the_next_day() -> None:
    """The other side stays as it is; one day is not enough."""
    assert days(STUCK_ABOVE, STUCK_ABOVE) == [
        (100_000, 70_000, 130_000),
        (130_000, 100_000, 160_000),
        (160_000, 120_000, 320_000),
    ]


def test_downward_as_upward() -> None:
    """Sellers stuck at the lower limit; limits never fall below one tick."""
    stuck_below = ("A sell 5 @ {lower}",)
    assert days(stuck_below, stuck_below) == [
        (100_000, 70_000, 130_000),
        (70_000, 55_000, 85_000),
        (55_000, 15_000, 65_000),
    ]


def test_a_close_at_the_limit_only_with_a_queue_left_counts() -> None:
    """Stop allocation gave some units: still stuck. Without a queue left it is not."""
    shared = ("A buy 5 @ {upper}", "B sell 2 @ {upper}")
    emptied = ("A buy 2 @ {upper}", "B sell 2 @ {upper}")
    rules = TSE.replace(closing_auction_widths=20)
    assert days(shared, shared, rules=rules)[-1] == (160_000, 120_000, 320_000)
    assert days(shared, emptied, rules=rules)[-1] == (160_000, 120_000, 200_000)


def test_days_count_only_in_a_row() -> None:
    """A day that ends otherwise begins the count again."""
    calm = ("A buy 2 @ {base}", "B sell 2 @ {base}")
    told = days(STUCK_ABOVE, calm, STUCK_ABOVE)
    assert told[-1] == (160_000, 120_000, 200_000)
    stuck_below = ("A sell 5 @ {lower}",)
    assert days(STUCK_ABOVE, stuck_below)[-1] == (100_000, 70_000, 130_000)


def test_it_lasts_until_a_trade_at_another_price() -> None:
    """Days without trade, or at the limit only, keep it; another price ends it the next day."""
    calm = ("A buy 2 @ {base}", "B sell 2 @ {base}")
    nothing: tuple[str, ...] = ()
    told = days(STUCK_ABOVE, STUCK_ABOVE, nothing, calm)
    assert told[2:] == [
        (160_000, 120_000, 320_000),
        (160_000, 120_000, 320_000),
        (160_000, 120_000, 200_000),
    ]


@pytest.mark.parametrize("count", [0, 1, 3])
def test_the_count_and_the_factor_are_values_of_the_preset(count: int) -> None:
    """Zero days: never broadened."""
    rules = TSE.replace(limit_broadening_days=count, limit_broadening_factor=2)
    told = days(*[STUCK_ABOVE] * 3, rules=rules)
    broadened = [upper - base > base - lower for base, lower, upper in told]
    assert broadened == [False, *(0 < count <= day for day in (1, 2, 3))]
