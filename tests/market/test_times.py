"""Clock times of a day moved, and what cannot be moved."""

from typing import Any

import pytest

from market.errors import BadInput
from market.rulebooks import OSE, PRESETS, START, TSE
from market.rulebooks.times import NCP_SECONDS_MAX, retimed
from market.rulebooks.words import clock
from market.words import Phase


def told(**changes: Any) -> list[tuple[str, int]]:
    """START's day with some times moved, as (state, second)."""
    moved = START.replace(schedule=retimed(START.schedule.value, **changes)).schedule.value
    return [(step.phase.value, step.second_of_day) for step in moved]


def test_nothing_asked_changes_nothing() -> None:
    """Every preset's day is its own."""
    for rules in PRESETS.values():
        assert retimed(rules.schedule.value) == rules.schedule.value


def test_an_auction_takes_its_non_cancel_period_and_its_break_along() -> None:
    """Moved to 09:00, the opening keeps a minute before it and the break right behind it."""
    assert told(opening_auction="09:00")[:4] == [
        ("PreOpen", clock(8, 20)),
        ("PreOpenNCP", clock(8, 59)),
        ("OpeningAuction", clock(9, 0)),
        ("Break", clock(9, 0)),
    ]
    assert told(closing_auction="15:00")[-3:] == [
        ("PreCloseNCP", clock(14, 59)),
        ("ClosingAuction", clock(15, 0)),
        ("Closed", clock(15, 0)),
    ]


@pytest.mark.parametrize("seconds", [1, 60, NCP_SECONDS_MAX])
def test_the_non_cancel_period_has_the_length_asked_for(seconds: int) -> None:
    """Before both auctions, by as many seconds."""
    day = dict(told(ncp_seconds=seconds))
    assert day["OpeningAuction"] - day["PreOpenNCP"] == seconds
    assert day["ClosingAuction"] - day["PreCloseNCP"] == seconds


def test_without_a_non_cancel_period_the_state_does_not_come() -> None:
    """Zero seconds are no state."""
    day = [phase for phase, _ in told(ncp_seconds=0)]
    assert day == ["PreOpen", "OpeningAuction", "Break", "PreClose", "ClosingAuction", "Closed"]
    assert [step.phase for step in retimed(OSE.schedule.value, ncp_seconds=0)].count(
        Phase.PRE_OPEN_NCP
    ) == 0


@pytest.mark.parametrize(
    ("changes", "word"),
    [
        ({"ncp_seconds": -1}, "ncp_seconds"),
        ({"ncp_seconds": NCP_SECONDS_MAX + 1}, "ncp_seconds"),
        ({"preopen_start": "24:00"}, "preopen_start"),
        ({"preopen_start": "8"}, "preopen_start"),
        ({"preopen_start": "12:00"}, "goes forward"),
        ({"preclose_start": "11:00"}, "goes forward"),
        ({"opening_auction": "08:20"}, "goes forward"),
    ],
)
def test_times_that_make_no_day_are_refused(changes: dict[str, Any], word: str) -> None:
    """By the helper, or by the rulebook they are put into."""
    with pytest.raises(BadInput, match=word):
        told(**changes)


def test_a_state_that_comes_twice_has_no_one_time() -> None:
    """TSE's day has two openings; its schedule is given whole instead."""
    with pytest.raises(BadInput, match="one OpeningAuction"):
        retimed(TSE.schedule.value, opening_auction="09:30")
