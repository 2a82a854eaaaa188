"""Fault plans: the same for the same seed, none for none, every family drawn."""

from datetime import date

import pytest

from market.errors import BadInput
from venue.comparison.designs import BY_KEY
from venue.comparison.faultplans import FAMILIES, draw_plan
from venue.comparison.flow import FlowTrade

TRADES = tuple(
    FlowTrade(n, n * 1_000, date(2026, 11, 24), "KH01", "FIRM-A", "FIRM-B", 1, 9_900_000, 99_000)
    for n in range(1, 501)
)


def test_every_family_has_an_owner_and_a_design() -> None:
    """F1 to F30 of the list, then F31 of our own; every one acts somewhere, on designs that exist, in one way at least."""
    assert [one.key for one in FAMILIES] == [f"F{n}" for n in range(1, 32)]
    for one in FAMILIES:
        assert one.owner
        assert one.kinds
        assert one.designs
        assert set(one.designs) <= set(BY_KEY)
        assert 0 < one.minutes[0] <= one.minutes[1]


def test_the_same_seed_gives_the_same_plan_and_another_another() -> None:
    """Plans are data."""
    assert draw_plan(TRADES, "high", 3) == draw_plan(TRADES, "high", 3)
    assert draw_plan(TRADES, "high", 3) != draw_plan(TRADES, "high", 4)


def test_more_faults_at_high_than_at_low_and_none_at_none() -> None:
    """Levels are ordered."""
    counts = [len(draw_plan(TRADES, level, 3)) for level in ("none", "low", "high")]

    assert counts[0] == 0
    assert counts[0] < counts[1] < counts[2]


def test_a_family_is_drawn_alone_as_it_is_among_all() -> None:
    """Leaving families out changes nothing for those that stay."""
    alone = draw_plan(TRADES, "high", 3, ("F14",))

    assert alone == tuple(one for one in draw_plan(TRADES, "high", 3) if one.family == "F14")
    assert alone


def test_every_family_comes_up_within_two_hundred_seeds() -> None:
    """No row of the table is decoration."""
    met = {one.family for seed in range(200) for one in draw_plan(TRADES, "high", seed)}

    assert met == {one.key for one in FAMILIES}


@pytest.mark.parametrize(("level", "families"), [("some", ("F1",)), ("low", ("F32",))])
def test_unknown_words_are_refused(level: str, families: tuple[str, ...]) -> None:
    """A level or a family that does not exist is bad input."""
    with pytest.raises(BadInput):
        draw_plan(TRADES, level, 1, families)
