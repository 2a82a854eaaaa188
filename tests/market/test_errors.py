"""Checks carry their evidence; exceptions say enough."""

import pytest

from market.errors import BadInput, InvariantBroken, JournalCorrupted, KitahamaError, check


def test_a_check_that_holds_says_nothing() -> None:
    """The ordinary case."""
    check(True, "the sun is up", hour=12)


def test_a_broken_check_names_fact_and_evidence() -> None:
    """Who reads the log knows what was supposed to hold, and the values that contradict it."""
    with pytest.raises(InvariantBroken, match=r"yen is conserved \(held=3, put_in=2\)") as broken:
        check(False, "yen is conserved", held=3, put_in=2)
    assert broken.value.fact == "yen is conserved"
    assert broken.value.evidence == {"held": 3, "put_in": 2}


def test_every_exception_of_ours_has_one_root() -> None:
    """A caller can catch what this project raises on purpose, and nothing else."""
    assert issubclass(BadInput, KitahamaError)
    assert issubclass(InvariantBroken, KitahamaError)
    assert JournalCorrupted("record 7 is wrong", 7).sequence == 7
