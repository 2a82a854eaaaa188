"""Offsetting a queue: the textbook numbers, the FIFO rules, and every subset tried as the judge."""

import random
from itertools import combinations

import pytest

from market.errors import InvariantBroken
from settlement.offsetting import (
    CASH,
    SEARCH_MAX,
    Fifo,
    Holdings,
    Jam,
    Queued,
    after,
    bilateral,
    find_any,
    jam,
    multilateral,
    one_by_one,
)

A, B, C = range(3)
FOUR = (
    Queued(seller=B, buyer=A, issue=0, units=0, yen=10),
    Queued(seller=C, buyer=A, issue=0, units=0, yen=5),
    Queued(seller=C, buyer=B, issue=0, units=0, yen=8),
    Queued(seller=A, buyer=C, issue=0, units=0, yen=6),
)
"""A to B 10, A to C 5, B to C 8, C to A 6: payments only."""


def money(*yen: int) -> Holdings:
    """What A, B and C have in yen."""
    return Holdings({(firm, CASH): amount for firm, amount in enumerate(yen)})


@pytest.mark.parametrize("fifo", Fifo)
def test_the_textbook_queue_settles_three_of_four(fifo: Fifo) -> None:
    """With A 4, B 0, C 0 only A to C stays, and the firms end with 0, 2 and 2."""
    assert jam(FOUR, money(4, 0, 0)) is Jam.GRIDLOCK

    found = multilateral(FOUR, money(4, 0, 0), fifo)

    assert found.released == (0, 2, 3)
    ends = after(FOUR, found.released, money(4, 0, 0))
    assert [ends.of((firm, CASH)) for firm in (A, B, C)] == [0, 2, 2]


def test_with_two_less_nothing_settles() -> None:
    """With A 2 the same queue is a deadlock, in every subset."""
    assert jam(FOUR, money(2, 0, 0)) is Jam.DEADLOCK
    assert find_any(FOUR, money(2, 0, 0)).released == ()


@pytest.mark.parametrize(
    ("c_pays", "released", "b_ends"), [(1_010, (0, 1), 10), (1_000, (0, 1), 0), (990, (), 0)]
)
def test_a_chain_settles_only_as_a_whole(
    c_pays: int, released: tuple[int, ...], b_ends: int
) -> None:
    """A sells 10 to B for 1,000, B the same 10 to C; B owns nothing and keeps the difference."""
    chain = (Queued(A, B, 0, 10, 1_000), Queued(B, C, 0, 10, c_pays))
    holdings = Holdings({(A, 0): 10, (C, CASH): c_pays})
    assert one_by_one(chain, holdings).released == ()

    found = multilateral(chain, holdings)

    assert found.released == released
    assert after(chain, found.released, holdings).of((B, CASH)) == b_ends


def test_tokens_bind_as_cash_does() -> None:
    """All the money in the world releases no sale of units that nobody has."""
    sale = (Queued(A, B, 0, 10, 100),)

    assert multilateral(sale, Holdings({(A, 0): 9, (B, CASH): 10**12})).released == ()


def test_bilateral_offsets_each_pair_and_no_ring() -> None:
    """Two that owe each other settle; a ring of three does not until all three are looked at."""
    two = (Queued(B, A, 0, 0, 9), Queued(A, B, 0, 0, 9))
    ring = (Queued(B, A, 0, 0, 9), Queued(C, B, 0, 0, 9), Queued(A, C, 0, 0, 9))

    assert bilateral(two, money(0, 0, 0)).released == (0, 1)
    assert bilateral(ring, money(0, 0, 0)).released == ()
    assert multilateral(ring, money(0, 0, 0)).released == (0, 1, 2)


def test_what_a_pair_settled_is_there_for_the_next() -> None:
    """A and B settle first; what B received pays C."""
    queue = (Queued(B, A, 0, 0, 9), Queued(C, B, 0, 0, 9))

    assert bilateral(queue, money(9, 0, 0)).released == (0, 1)


def test_an_own_deal_settles_and_moves_nothing() -> None:
    """A firm's deal with itself needs neither units nor yen."""
    own = (Queued(A, A, 0, 5, 500),)

    assert multilateral(own, Holdings({})).released == (0,)
    assert after(own, (0,), Holdings({})).amounts == {}


def test_bypass_lets_a_small_one_pass_and_strict_does_not() -> None:
    """Behind a sale that lacks units, a payment of the buyer passes only under BYPASS."""
    queue = (Queued(A, B, 0, 5, 50), Queued(C, B, 0, 0, 1))

    assert multilateral(queue, money(0, 60, 0), Fifo.BYPASS).released == (1,)
    assert multilateral(queue, money(0, 60, 0), Fifo.STRICT).released == ()


def drawn(seed: int) -> tuple[tuple[Queued, ...], Holdings]:
    """A short queue among four firms in two issues, with little to settle it."""
    draw = random.Random(seed)
    queue = tuple(
        Queued(draw.randrange(4), draw.randrange(4), draw.randrange(2), draw.randrange(4), yen)
        for yen in (draw.randrange(10) for _ in range(draw.randrange(1, 9)))
    )
    issues = (CASH, 0, 1)
    return queue, Holdings({(f, i): draw.randrange(5) for f in range(4) for i in issues})


def sums(queue: tuple[Queued, ...], places: tuple[int, ...], holdings: Holdings) -> bool:
    """The judge's arithmetic: nobody below zero, added up one resource at a time."""
    for firm in range(4):
        yen = holdings.of((firm, CASH))
        yen += sum(queue[p].yen for p in places if queue[p].seller == firm)
        yen -= sum(queue[p].yen for p in places if queue[p].buyer == firm)
        if yen < 0:
            return False
        for issue in (0, 1):
            deals = [queue[p] for p in places if queue[p].issue == issue]
            units = holdings.of((firm, issue))
            units += sum(d.units for d in deals if d.buyer == firm)
            units -= sum(d.units for d in deals if d.seller == firm)
            if units < 0:
                return False
    return True


def is_a_beginning(queue: tuple[Queued, ...], places: tuple[int, ...]) -> bool:
    """Whether no released obligation stands behind one that stays, in either outgoing queue."""
    for stays in set(range(len(queue))) - set(places):
        one = queue[stays]
        if one.seller == one.buyer:
            return False
        for goes in places:
            other = queue[goes]
            if goes < stays or other.seller == other.buyer:
                continue
            if one.units and other.units and (one.seller, one.issue) == (other.seller, other.issue):
                return False
            if one.yen and other.yen and one.buyer == other.buyer:
                return False
    return True


@pytest.mark.parametrize("block", range(10))
def test_strict_releases_the_largest_beginning(block: int) -> None:
    """Of all subsets that are beginnings of every queue and affordable, the largest is found."""
    for seed in range(block * 40, block * 40 + 40):
        queue, holdings = drawn(seed)
        places = tuple(range(len(queue)))
        best: tuple[int, ...] = ()
        for size in range(len(queue), 0, -1):
            fitting = [
                s
                for s in combinations(places, size)
                if sums(queue, s, holdings) and is_a_beginning(queue, s)
            ]
            if fitting:
                (best,) = fitting  # the largest is one of a kind
                break

        assert multilateral(queue, holdings, Fifo.STRICT).released == best, seed


@pytest.mark.parametrize("block", range(10))
def test_bypass_is_affordable_and_contains_the_strict_set(block: int) -> None:
    """What BYPASS releases leaves nobody below zero, includes STRICT's, and never beats the best."""
    for seed in range(1_000 + block * 40, 1_040 + block * 40):
        queue, holdings = drawn(seed)

        found = multilateral(queue, holdings)

        assert sums(queue, found.released, holdings), seed
        assert set(found.released) >= set(multilateral(queue, holdings, Fifo.STRICT).released)
        assert len(found.released) <= len(find_any(queue, holdings).released)
        assert len(found.released) + found.dropped == len(queue)
        assert sums(queue, bilateral(queue, holdings).released, holdings), seed
        assert sums(queue, one_by_one(queue, holdings).released, holdings), seed


def test_who_starts_below_zero_is_a_broken_world() -> None:
    """A negative holding with nothing to take back names the invariant."""
    with pytest.raises(InvariantBroken, match="I12"):
        multilateral((Queued(A, B, 0, 0, 1),), Holdings({(A, CASH): -5, (B, CASH): 1}))


def test_every_subset_is_tried_for_short_queues_only() -> None:
    """One more than SEARCH_MAX is refused before the search begins."""
    with pytest.raises(InvariantBroken):
        find_any((FOUR[0],) * (SEARCH_MAX + 1), money(0, 0, 0))
