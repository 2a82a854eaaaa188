"""Net batches: the worked numbers, limits and exclusion, unwinding, all beside slow arithmetic."""

import random

import numpy as np
import pytest

from market.errors import InvariantBroken
from settlement.netting import (
    Exclusion,
    Obligations,
    accept,
    assign_short,
    liquidity_bounds,
    net,
    unwind,
)

A, B, C = range(3)
UNLIMITED = 10**15


def batch(*rows: tuple[int, int, int, int, int]) -> Obligations:
    """Obligations from (seller, buyer, issue, units, yen)."""
    return Obligations(*(np.array(column, dtype=np.int64) for column in zip(*rows, strict=True)))


RING = batch((B, A, 0, 0, 100), (C, B, 0, 0, 90), (A, C, 0, 0, 80), (A, B, 0, 0, 40))
"""A pays B 100, B pays C 90, C pays A 80, B pays A 40."""


def test_the_worked_ring_has_its_bounds_and_efficiency() -> None:
    """Liquidity bounds 130 and 30, netting efficiency 0.903."""
    lower, upper = liquidity_bounds(RING.buyer, RING.seller, RING.yen, 3)
    nets = net(RING, 3, 1)

    assert (int(upper.sum()), int(lower.sum())) == (130, 30)
    assert nets.owed_yen == 30
    assert nets.efficiency_ppm() == 903_225


def test_an_empty_batch_nets_to_nothing() -> None:
    """No obligations: zero nets, zero efficiency, nothing to exclude."""
    none = batch((A, B, 0, 1, 1)).only(np.array([False]))

    assert net(none, 3, 1).efficiency_ppm() == 0
    taken = accept(none, np.zeros(3, dtype=np.int64), np.zeros((3, 1), dtype=np.int64))
    assert not len(taken.units)


def drawn(seed: int, count: int = 40) -> tuple[Obligations, np.ndarray, np.ndarray]:
    """A batch among five firms in three issues, with tight limits."""
    draw = random.Random(seed)
    rows = [
        (
            draw.randrange(5),
            draw.randrange(5),
            draw.randrange(3),
            draw.randrange(1, 20),
            draw.randrange(1, 900),
        )
        for _ in range(count)
    ]
    caps = np.array([draw.randrange(2_000) for _ in range(5)], dtype=np.int64)
    free = np.array([[draw.randrange(60) for _ in range(3)] for _ in range(5)], dtype=np.int64)
    return batch(*rows), caps, free


def slow_nets(of: Obligations) -> tuple[dict[int, int], dict[tuple[int, int], int]]:
    """Net yen by firm and net units by firm and issue, one obligation at a time."""
    yen: dict[int, int] = {}
    units: dict[tuple[int, int], int] = {}
    columns = (of.seller, of.buyer, of.issue, of.units, of.yen)
    for seller, buyer, issue, count, amount in zip(*(c.tolist() for c in columns), strict=True):
        yen[seller] = yen.get(seller, 0) + amount
        yen[buyer] = yen.get(buyer, 0) - amount
        units[buyer, issue] = units.get((buyer, issue), 0) + count
        units[seller, issue] = units.get((seller, issue), 0) - count
    return yen, units


@pytest.mark.parametrize("seed", range(20))
def test_nets_are_the_sums(seed: int) -> None:
    """The arrays say what adding up one by one says."""
    of, _, _ = drawn(seed)
    yen, units = slow_nets(of)

    nets = net(of, 5, 3)

    assert nets.yen.tolist() == [yen.get(firm, 0) for firm in range(5)]
    assert nets.units.tolist() == [[units.get((f, i), 0) for i in range(3)] for f in range(5)]


@pytest.mark.parametrize("rule", Exclusion)
@pytest.mark.parametrize("gross", [False, True])
@pytest.mark.parametrize("seed", range(15))
def test_what_is_accepted_breaches_nothing(rule: Exclusion, gross: bool, seed: int) -> None:
    """After exclusion every net debit is within its cap and every giver has what it gives."""
    of, caps, free = drawn(seed)

    taken = accept(of, caps, free, rule, gross_units=gross)

    inside = Obligations(of.seller, of.buyer, of.issue, taken.units, taken.yen)
    yen, units = slow_nets(inside)
    assert all(-yen.get(firm, 0) <= caps[firm] for firm in range(5))
    assert all(-units.get((f, i), 0) <= free[f, i] for f in range(5) for i in range(3))
    if gross:
        moved = of.seller != of.buyer
        given = np.zeros((5, 3), dtype=np.int64)
        np.add.at(given, (of.seller[moved], of.issue[moved]), taken.units[moved])
        assert (given <= free).all()
    assert (taken.units <= of.units).all()
    if rule is not Exclusion.PRO_RATA:
        assert set(np.unique(taken.units == of.units).tolist()) <= {True, False}
        assert ((taken.units == 0) | (taken.units == of.units)).all()
    else:
        assert (taken.yen == of.yen * taken.units // of.units).all()


def test_nothing_is_excluded_when_limits_suffice() -> None:
    """One look, everything in."""
    of, _, _ = drawn(3)
    plenty = np.full((5, 3), UNLIMITED), np.full(5, UNLIMITED)

    taken = accept(of, plenty[1], plenty[0])

    assert taken.rounds == 1
    assert taken.included.all()


THREE = batch((B, A, 0, 1, 50), (B, A, 0, 1, 10), (C, A, 0, 1, 30))
FREE = np.full((3, 1), 100, dtype=np.int64)


@pytest.mark.parametrize(
    ("rule", "cap", "yen"),
    [
        (Exclusion.LATEST, 90, [50, 10, 30]),
        (Exclusion.LATEST, 89, [50, 10, 0]),
        (Exclusion.LATEST, 59, [50, 0, 0]),
        (Exclusion.SMALLEST, 89, [50, 0, 30]),
        (Exclusion.SMALLEST, 60, [50, 0, 0]),
        (Exclusion.SMALLEST, 49, [0, 0, 0]),
    ],
)
def test_each_rule_takes_its_own_first(rule: Exclusion, cap: int, yen: list[int]) -> None:
    """A owes 90: below, at and above what each exclusion leaves."""
    taken = accept(THREE, np.array([cap, 0, 0]), FREE, rule)

    assert taken.yen.tolist() == yen


def test_pro_rata_cuts_everyone_by_the_same_share() -> None:
    """A may pay 500 of 1,000: half the units of each obligation, half its yen."""
    of = batch((B, A, 0, 100, 600), (C, A, 0, 50, 400))

    taken = accept(of, np.array([500, 0, 0]), np.full((3, 1), 100), Exclusion.PRO_RATA)

    assert taken.units.tolist() == [50, 25]
    assert taken.yen.tolist() == [300, 200]


def test_an_exclusion_that_hurts_the_next_is_followed() -> None:
    """A's cut leaves B without the money for C: the loop goes on until all hold."""
    of = batch((B, A, 0, 1, 100), (C, B, 0, 1, 100))

    taken = accept(of, np.array([50, 0, 0]), FREE)

    assert taken.yen.tolist() == [0, 0]
    assert taken.rounds == 3


def test_model_two_does_not_pass_units_on_within_the_cycle() -> None:
    """A to B to C: netted, B needs nothing; gross, B must have the units before."""
    of = batch((A, B, 0, 10, 100), (B, C, 0, 10, 100))
    free = np.array([[10], [0], [0]], dtype=np.int64)
    caps = np.full(3, UNLIMITED)

    assert accept(of, caps, free).units.tolist() == [10, 10]
    assert accept(of, caps, free, gross_units=True).units.tolist() == [10, 0]


def test_unwinding_moves_the_burden_to_others() -> None:
    """B would have paid from what A owed it; without A, B owes the whole."""
    of = batch((B, A, 0, 0, 100), (C, B, 0, 0, 90))

    gone = unwind(of, A, 3, 1)

    assert gone.kept.tolist() == [False, True]
    assert gone.more_to_pay_yen.tolist() == [0, 90, 0]


@pytest.mark.parametrize(
    ("short", "shorted"),
    [(0, [0, 0, 0]), (4, [0, 0, 4]), (5, [0, 0, 5]), (7, [0, 2, 5]), (15, [5, 5, 5])],
)
def test_short_receipts_fall_on_the_last_in_priority(short: int, shorted: list[int]) -> None:
    """Missing units are taken from the largest priority number first."""
    owed = np.array([5, 5, 5])

    assert assign_short(owed, short, np.array([1, 2, 3])).tolist() == shorted


def test_nobody_is_short_of_more_than_is_owed() -> None:
    """One unit more than the receipts is refused."""
    with pytest.raises(InvariantBroken):
        assign_short(np.array([5]), 6, np.array([1]))


@pytest.mark.parametrize("seed", range(10))
def test_liquidity_bounds_are_the_walk_through_time(seed: int) -> None:
    """Upper: the deepest point of each party's running balance; lower: its end, if below zero."""
    of, _, _ = drawn(seed)
    lowest, running = [0] * 5, [0] * 5
    for payer, payee, amount in zip(
        of.buyer.tolist(), of.seller.tolist(), of.yen.tolist(), strict=True
    ):
        if payer == payee:
            continue
        running[payer] -= amount
        lowest[payer] = min(lowest[payer], running[payer])
        running[payee] += amount

    lower, upper = liquidity_bounds(of.buyer, of.seller, of.yen, 5)

    assert upper.tolist() == [-deep for deep in lowest]
    assert lower.tolist() == [max(0, -end) for end in running]


def test_yen_that_do_not_fit_stop_the_batch() -> None:
    """Two amounts whose sum passes 63 bits are refused, never wrapped."""
    huge = 2**62 + 1

    with pytest.raises(InvariantBroken, match="63 bits"):
        net(batch((A, B, 0, 1, huge), (A, B, 0, 1, huge)), 2, 1)
