"""The worked numbers of the metrics, and the edges of their formulas."""

import pytest

from venue.comparison.formulas import (
    NS_PER_HOUR,
    bounds_yen,
    integral_hours,
    mean_move_yen,
    option_yen,
    peak,
    penalty_yen,
    quantile,
    saving,
    steps,
)

RING = [("A", "B", 100), ("B", "C", 90), ("C", "A", 80), ("B", "A", 40)]
"""A pays B 100, B pays C 90, C pays A 80, B pays A 40."""


def test_the_ring_needs_130_in_turn_and_30_at_once() -> None:
    """Liquidity bounds of the worked example, and its netting efficiency of 0.903."""
    lower, upper = bounds_yen(RING)

    assert (lower, upper) == (30, 130)
    assert round(1 - lower / 310, 3) == 0.903


@pytest.mark.parametrize(("used", "saved"), [(130, 0.0), (80, 0.5), (30, 1.0)])
def test_saving_runs_from_the_upper_to_the_lower_bound(used: int, saved: float) -> None:
    """Nothing saved at the upper bound, everything at the lower."""
    assert saving(130, used, 30) == saved


def test_equal_bounds_leave_nothing_to_save() -> None:
    """A flow in which both bounds agree has no saving, not a saving of 0."""
    assert saving(30, 30, 30) is None


@pytest.mark.parametrize(("hours", "yen"), [(2, 34_549), (24, 119_683)])
def test_free_option_values(hours: int, yen: int) -> None:
    """100 million yen at 0.3% a day: 2 hours 34,549 yen, 24 hours 119,683 yen."""
    assert round(option_yen(100_000_000, 0.003, hours)) == yen


@pytest.mark.parametrize(("days", "yen"), [(2, 338_514), (1 / 24, 48_860)])
def test_expected_replacement_cost(days: float, yen: int) -> None:
    """100 million yen at 0.3% a day: T+2 338,514 yen, one hour 48,860 yen."""
    assert round(mean_move_yen(100_000_000, 0.003, days)) == yen


def test_penalty_of_three_days() -> None:
    """10 million yen at one basis point for three days is 3,000 yen."""
    assert penalty_yen(10_000_000, 1, 3) == 3_000


def test_a_sum_over_time_counts_from_start_to_end_without_it() -> None:
    """Two stretches that touch do not add up; two that overlap do."""
    assert peak([(0, 5, 2.0), (5, 9, 3.0)]) == 3.0
    assert peak([(0, 6, 2.0), (5, 9, 3.0)]) == 5.0
    assert steps([(4, 4, 9.0)]) == []
    assert integral_hours([(0, 2 * NS_PER_HOUR, 50.0), (9, 3, 7.0)]) == 100.0


@pytest.mark.parametrize(("share", "value"), [(0, 1), (0.5, 2.5), (0.95, 3.85), (1, 4)])
def test_quantiles_lie_between_neighbours(share: float, value: float) -> None:
    """Of 1, 2, 3, 4."""
    assert quantile([4, 1, 3, 2], share) == pytest.approx(value)


def test_nothing_has_no_quantile() -> None:
    """None, not 0."""
    assert quantile([], 0.5) is None
