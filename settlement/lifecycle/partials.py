"""Partial settlement (一部決済): how many units settle now, and what they cost.

Purpose: a seller who has some of the units delivers them, if both sides allow it. Never for lack of
cash. The yen of a fill are rounded down; the last fill takes what is left, so fills sum exactly.

Units: units and whole yen. Cost: O(1). Errors: InvariantBroken for a fill beyond what is open (I9).
Source: partial settlement for lack of securities only, thresholds by quantity or value, and windows, as T2S
participants describe it; the figures are parameters.
"""

from typing import Final, NamedTuple

from market.errors import check

DAY_S: Final = 86_400


class PartialRule(NamedTuple):
    """When a part may settle.

    Attributes:
        unit_lot: Fills are multiples of it.
        threshold_units: A fill has at least so many units, or
        threshold_yen: is worth at least so much; 0 and 0 allow any.
        from_s: Window of the day in which parts are tried, from this second of the day
        until_s: to before this one.
    """

    unit_lot: int = 1
    threshold_units: int = 0
    threshold_yen: int = 0
    from_s: int = 0
    until_s: int = DAY_S


class Fill(NamedTuple):
    """A part that settles."""

    units: int
    yen: int


def fill_yen_rounded_down(open_yen: int, fill_units: int, open_units: int) -> int:
    """Yen of a fill; of the last one everything that is open."""
    check(0 < fill_units <= open_units, "I9: a fill is part of what is open", units=fill_units)
    return open_yen * fill_units // open_units


def plan_fill(
    rule: PartialRule,
    *,
    open_units: int,
    open_yen: int,
    available_units: int,
    second_of_day: int,
    both_allow: bool,
    links_allow: bool = True,
) -> Fill | None:
    """The largest fill that may settle now; None when none may, or when no part is needed.

    ``links_allow`` is whether every linked instruction allows parts too.
    """
    if not both_allow or not links_allow or available_units >= open_units:
        return None
    if not rule.from_s <= second_of_day < rule.until_s:
        return None
    units = available_units // rule.unit_lot * rule.unit_lot
    if units <= 0:
        return None
    yen = fill_yen_rounded_down(open_yen, units, open_units)
    any_size = not rule.threshold_units and not rule.threshold_yen
    by_units = bool(rule.threshold_units) and units >= rule.threshold_units
    by_value = bool(rule.threshold_yen) and yen >= rule.threshold_yen
    return Fill(units, yen) if any_size or by_units or by_value else None


def check_fills(units: int, yen: int, fills: list[Fill]) -> None:
    """I9: fills stay within the obligation, each within a yen of its share. O(fills).

    Raises:
        InvariantBroken: When they do not.
    """
    done_units = sum(fill.units for fill in fills)
    done_yen = sum(fill.yen for fill in fills)
    check(done_units <= units and done_yen <= yen, "I9: fills stay within", units=done_units)
    if done_units == units:
        check(done_yen == yen, "I9: complete fills pay everything", yen=done_yen)
    left_units, left_yen = units, yen
    for fill in fills:
        gap = abs(fill.yen * left_units - left_yen * fill.units)
        check(gap < left_units, "I9: a fill pays its share to within a yen", fill=fill)
        left_units, left_yen = left_units - fill.units, left_yen - fill.yen
