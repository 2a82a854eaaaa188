"""Tick and limit tables at, below and above every bound."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from market.errors import InvariantBroken
from market.ids import InstrumentId
from market.instrument import (
    J_MARKET_OTHER,
    START_BEFORE_2024_10_07,
    TEN_YEN,
    TSE_LIMITS,
    TSE_OTHER,
    TSE_TOPIX500,
    Instrument,
    TickTable,
)
from market.quantities import MAX_PRICE_SEN, Sen, Units

TABLES = (J_MARKET_OTHER, START_BEFORE_2024_10_07, TSE_OTHER, TSE_TOPIX500, TEN_YEN)
BOUNDS = [(table, row) for table in TABLES for row in range(len(table.up_to_sen) - 1)]
QUICK = settings(max_examples=200, deadline=None, derandomize=True)


def issue(ticks: TickTable = J_MARKET_OTHER) -> Instrument:
    """An issue on TSE's limits."""
    return Instrument(
        instrument_id=InstrumentId("ST01"), isin="JP0000000001", name="Table",
        issued_units=Units(1_000), issue_price_sen=Sen(10_000_000), ticks=ticks, limits=TSE_LIMITS,
    )  # fmt: skip


@pytest.mark.parametrize(("table", "row"), BOUNDS)
def test_a_tick_holds_up_to_its_bound_and_at_it(table: TickTable, row: int) -> None:
    """Just below and at the bound the row's tick, just above it the next row's."""
    bound = table.up_to_sen[row]
    assert table.tick_at(Sen(bound - 1)) == table.tick_at(Sen(bound)) == table.tick_sen[row]
    assert table.tick_at(Sen(bound + 1)) == table.tick_sen[row + 1]


@pytest.mark.parametrize(("table", "row"), BOUNDS)
def test_the_grid_has_no_hole_at_a_bound(table: TickTable, row: int) -> None:
    """The bound is on the grid; the steps from it are one old tick down and one new tick up."""
    bound = Sen(table.up_to_sen[row])
    assert table.is_on_tick(bound)
    assert table.next_below(bound) == bound - table.tick_sen[row]
    assert table.next_above(bound) == bound + table.tick_sen[row + 1]
    assert table.next_above(table.next_below(bound)) == bound
    assert table.next_below(table.next_above(bound)) == bound


@QUICK
@given(st.sampled_from(TABLES), st.integers(2, MAX_PRICE_SEN - 2_000_000))
def test_neighbours_are_the_nearest_grid_prices(table: TickTable, price: int) -> None:
    """Above and below any price stand grid prices with nothing on the grid between."""
    above, below = table.next_above(Sen(price)), table.next_below(Sen(price))
    assert below < price < above
    assert table.is_on_tick(above)
    assert not below or table.is_on_tick(below)
    between = [below, above] if not table.is_on_tick(Sen(price)) else [below, price, above]
    assert table.grid(Sen(max(below, 1)), above) == [one for one in between if one]


@QUICK
@given(st.sampled_from(TABLES), st.integers(1_000_000, 300_000_000))
def test_rounding_goes_to_the_nearest_half_up(table: TickTable, price: int) -> None:
    """Never more than half a tick away, and up at exactly half."""
    rounded = table.rounded_half_up(Sen(price))
    tick = table.tick_at(Sen(price))
    assert table.is_on_tick(rounded)
    assert -tick // 2 < rounded - price <= tick // 2


@pytest.mark.parametrize("price", [0, -10, -1])
def test_no_price_and_negative_prices_are_off_every_grid(price: int) -> None:
    """Zero stands for no price, so it is never on a tick."""
    assert not any(table.is_on_tick(Sen(price)) for table in TABLES)


@pytest.mark.parametrize("row", range(len(TSE_LIMITS.below_sen) - 1))
def test_a_width_holds_below_its_bound(row: int) -> None:
    """Base prices below the bound take the row's width, the bound itself the next one."""
    bound = TSE_LIMITS.below_sen[row]
    assert TSE_LIMITS.width_at(Sen(bound - 1)) == TSE_LIMITS.width_sen[row]
    assert TSE_LIMITS.width_at(Sen(bound)) == TSE_LIMITS.width_sen[row + 1]


@pytest.mark.parametrize(
    ("base_yen", "lower_yen", "upper_yen"),
    [
        (99, 69, 129),
        (100, 50, 150),
        (99_990, 84_990, 114_990),
        (100_000, 70_000, 130_000),
        (149_990, 119_990, 179_990),
        (150_000, 110_000, 190_000),
    ],
)
def test_daily_limits_by_hand(base_yen: int, lower_yen: int, upper_yen: int) -> None:
    """The published widths, around the prices START issues are near."""
    limits = issue().daily_limits(Sen(base_yen * 100))
    assert limits == (lower_yen * 100, upper_yen * 100)


@QUICK
@given(st.sampled_from(TABLES), st.integers(1, MAX_PRICE_SEN))
def test_daily_limits_are_on_the_grid_around_the_base(table: TickTable, base: int) -> None:
    """Both limits can be ordered at; they lie within the width, and the base between them."""
    instrument = issue(table)
    lower, upper = instrument.daily_limits(Sen(base))
    width = instrument.limits.width_at(Sen(base))
    assert table.is_on_tick(lower)
    assert table.is_on_tick(upper)
    assert lower <= upper
    assert max(base - width, 1) <= lower
    assert upper <= min(base + width, MAX_PRICE_SEN)


@pytest.mark.parametrize("field", ["trading_unit_units", "issued_units", "issue_price_sen"])
def test_an_issue_of_nothing_is_none(field: str) -> None:
    """A trading unit, a size and a price are positive."""
    fields = {name: getattr(issue(), name) for name in issue().__struct_fields__}
    with pytest.raises(InvariantBroken):
        Instrument(**(fields | {field: 0}))
