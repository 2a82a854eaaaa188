"""Defects planted into a book's text one by one: laying books side by side must find each.

A test of the tests: the kind of defect that slips through here would slip through in earnest. A
difference in an event, a state or a reading, an exception, a broken invariant and a call that does
not come back all count as found. Not in the tables: changes that no caller could notice.
"""

from collections.abc import Callable
from types import ModuleType

import pytest
from batch_beside import race_door
from book_scripts import FOUND, from_text
from books import NewBook, kernel_book_on
from crossing_beside import KEPT, first_difference, first_row_that_differs
from planting import Endless, at_most, defects_in, planted
from side_by_side import parted, race
from test_kernel_plain import play

from market.rules import PriceRule
from matching import batch
from matching.book import SortedBook

BOOK, KERNEL = "matching/book.py", "matching/kernel.py"
SEEDS = range(60)
"""Seeds a defect may need, about 60,000 commands; most need a hundred."""

CALL_S = 3
"""A script takes a tenth of a second; one that takes this long has no end."""


Judge = Callable[[ModuleType, int, PriceRule], str | None]

SORTED_DEFECTS = defects_in("book.diff")
BOOK_DEFECTS = defects_in("kernel_book.diff")
ROW_DEFECTS = defects_in("kernel_rows.diff")
CALL_DEFECTS = defects_in("kernel_call.diff")
TOLD_DEFECTS = defects_in("kernel_told.diff")
TIME_DEFECTS = defects_in("kernel_times.diff")


def found_by(new_book: NewBook) -> str:
    """What gave a book away, or an empty text when nothing did; kept scripts come first."""
    for path in FOUND:
        script = from_text(path.read_text(encoding="utf-8"))
        try:
            with at_most(CALL_S):
                found = parted(script, SortedBook, {"planted": new_book})
        except Endless:
            return "no end"
        if found is not None:
            return found.what
    for seed in SEEDS:
        try:
            with at_most(CALL_S):
                _, found = race(seed, SortedBook, {"planted": new_book}, length=900)
        except Endless:
            return "no end"
        if found is not None:
            return found.what
    return ""


def given_away(kernel: ModuleType) -> bool:
    """Whether a script of plain commands stumbles over the kernel."""
    for seed in SEEDS:
        try:
            with at_most(CALL_S):
                play(kernel, seed)
        except (Exception, Endless):  # noqa: BLE001  whatever it is, it gives the defect away
            return True
    return False


@pytest.mark.parametrize("defect", SORTED_DEFECTS)
def test_a_defect_in_the_sorted_book_is_found(defect: str) -> None:
    """Each line of the readable book is held by the comparison."""
    broken = planted(BOOK, SORTED_DEFECTS[defect]).SortedBook

    assert found_by(broken)


@pytest.mark.parametrize("defect", BOOK_DEFECTS)
def test_a_defect_on_the_way_of_a_kernels_book_is_found(defect: str) -> None:
    """Each line of the kernel that a book goes through is held by the comparison of books."""
    broken = kernel_book_on(planted(KERNEL, BOOK_DEFECTS[defect]))

    assert found_by(broken)


@pytest.mark.parametrize("defect", ROW_DEFECTS)
def test_a_defect_on_the_way_of_a_plain_command_is_found(defect: str) -> None:
    """Each line of the kernel that a row goes through is held by the comparison of rows."""
    assert given_away(planted(KERNEL, ROW_DEFECTS[defect]))


@pytest.mark.parametrize("defect", CALL_DEFECTS)
def test_a_defect_in_the_crossing_point_is_found(defect: str) -> None:
    """Each line that keeps a call's crossing point is held by trying every price."""
    broken = planted(KERNEL, CALL_DEFECTS[defect])

    assert any(_differs(broken, seed, rule) for seed in range(40) for rule in KEPT)


@pytest.mark.parametrize("defect", TOLD_DEFECTS)
def test_a_defect_in_what_a_call_tells_is_found(defect: str) -> None:
    """Each line that passes an order by which changes nothing is held by trying every price."""
    broken = planted(KERNEL, TOLD_DEFECTS[defect])

    assert any(
        _differs(broken, seed, rule, first_row_that_differs) for seed in range(60) for rule in KEPT
    )


@pytest.mark.parametrize("defect", TIME_DEFECTS)
def test_a_defect_in_what_tells_older_from_younger_is_found(
    defect: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each line that keeps an order's time beside its id is held by days of crosses."""
    assert _door_parts(planted(KERNEL, TIME_DEFECTS[defect]), monkeypatch)


def _door_parts(broken: ModuleType, monkeypatch: pytest.MonkeyPatch) -> bool:
    monkeypatch.setattr(batch, "Kernel", broken.Kernel)
    monkeypatch.setattr(batch, "KernelBook", broken.KernelBook)
    return any(race_door(seed, indicative=False, length=900)[1] for seed in SEEDS)


def _differs(
    broken: ModuleType, seed: int, rule: PriceRule, judge: Judge = first_difference
) -> bool:
    try:
        with at_most(CALL_S):
            return judge(broken, seed, rule) is not None
    except (Endless, Exception):  # noqa: BLE001  whatever a defect does counts as found
        return True


def test_the_kernels_text_runs_uncompiled() -> None:
    """Where nothing compiled it, the same text gives the same events."""
    plain = kernel_book_on(planted(KERNEL))
    for seed in range(60):
        _, found = race(seed, SortedBook, {"uncompiled": plain})
        assert found is None


def test_without_a_defect_nothing_is_found() -> None:
    """The text as it is, run the same way, differs in nothing."""
    for seed in range(20):
        _, found = race(seed, SortedBook, {"as it is": planted(BOOK).SortedBook}, length=900)
        assert found is None


def test_without_a_defect_the_door_parts_from_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """The kernel's text behind the door, run the same way, differs in nothing."""
    monkeypatch.setattr(f"{__name__}.SEEDS", range(12))

    assert not _door_parts(planted(KERNEL), monkeypatch)


def test_a_defect_that_does_not_fit_the_text_is_noticed() -> None:
    """A table that fell behind its source fails instead of passing."""
    with pytest.raises(AssertionError, match="0 times"):
        planted(BOOK, ("no such line\n", ""))
