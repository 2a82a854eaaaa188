"""Offsetting a queue of obligations: bilateral and multilateral, tokens and cash together.

Purpose: find obligations that cannot settle one by one but can settle together (gridlock
resolution). An obligation has two legs: the seller owes units of one issue, the buyer owes yen;
either may be 0, and an obligation of 0 units is a plain payment.

Ordering: the queue is given oldest first. Every firm has one outgoing queue of yen and one of each
issue. Multilateral: take everything, and while a firm would end below zero in yen or in an issue,
drop the newest obligation of that outgoing queue. ``Fifo.STRICT`` releases only a beginning of each
outgoing queue: what stands behind a dropped one is dropped too, and the answer is the largest such
set, the same in whatever order the firms are looked at. ``Fifo.BYPASS`` lets later obligations
pass a dropped one, so it releases at least the strict set; its order of work is fixed (the resource
that fell below zero first goes first, at the start in order of first appearance in the queue).
Invariants: after a release no firm is below zero in any resource, given that none was before (I12).
Cost: O(queue), every obligation is dropped at most once; bilateral the same over all pairs.
Known limits: a subset outside the FIFO rules is not searched (choosing one is a knapsack);
``find_any`` tries every subset of a short queue instead, for tests and for teaching.
Source: the queue algorithms of Bech and Soramäki (Bank of Finland DP 9/2001), here with two legs.
"""

from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import combinations
from typing import Final, NamedTuple

from market.errors import check

CASH: Final = -1
"""The resource number of yen; issues are numbered from 0."""

SEARCH_MAX: Final = 16
"""Longest queue :func:`find_any` looks through: 65,535 subsets."""

Resource = tuple[int, int]
"""Firm number, and CASH or the number of an issue."""


class Fifo(StrEnum):
    """Whether a later obligation may pass an earlier one of the same outgoing queue."""

    STRICT = "strict"
    BYPASS = "bypass"


class Jam(StrEnum):
    """What is the matter with a queue."""

    NONE = "none"  # empty, or its members settle one by one
    GRIDLOCK = "gridlock"  # some could settle together, none alone
    DEADLOCK = "deadlock"  # no set that the FIFO rule allows can settle


class Queued(NamedTuple):
    """One obligation in the queue: firms and issue as numbers, amounts from 0."""

    seller: int
    buyer: int
    issue: int
    units: int
    yen: int


class Offset(NamedTuple):
    """Which obligations settle together.

    Attributes:
        released: Places in the queue, ascending.
        dropped: How many obligations the search let go.
    """

    released: tuple[int, ...]
    dropped: int


@dataclass(frozen=True, slots=True)
class Holdings:
    """What every firm may give: resource to amount, 0 when absent."""

    amounts: Mapping[Resource, int]

    def of(self, resource: Resource) -> int:
        """The amount of one firm in yen or in one issue."""
        return self.amounts.get(resource, 0)


def outgoing(one: Queued) -> tuple[tuple[Resource, int], ...]:
    """What the obligation takes, and from whom; an own deal and an empty leg take nothing."""
    if one.seller == one.buyer:
        return ()
    legs = (((one.seller, one.issue), one.units), ((one.buyer, CASH), one.yen))
    return tuple(leg for leg in legs if leg[1])


def incoming(one: Queued) -> tuple[tuple[Resource, int], ...]:
    """What the obligation brings, and to whom."""
    if one.seller == one.buyer:
        return ()
    legs = (((one.buyer, one.issue), one.units), ((one.seller, CASH), one.yen))
    return tuple(leg for leg in legs if leg[1])


def after(queue: Sequence[Queued], places: Iterable[int], holdings: Holdings) -> Holdings:
    """What everyone holds when the obligations at ``places`` have settled. O(holdings + places)."""
    amounts = dict(holdings.amounts)
    for place in places:
        for resource, amount in outgoing(queue[place]):
            amounts[resource] = amounts.get(resource, 0) - amount
        for resource, amount in incoming(queue[place]):
            amounts[resource] = amounts.get(resource, 0) + amount
    return Holdings(amounts)


def one_by_one(queue: Sequence[Queued], holdings: Holdings) -> Offset:
    """Settle gross, oldest first with bypass, again from the start while anything settles.

    Cost: O(queue) a pass; at most one pass for each obligation, few in practice.
    """
    amounts = dict(holdings.amounts)
    waiting = list(range(len(queue)))
    released: list[int] = []
    while True:
        left: list[int] = []
        for place in waiting:
            takes = outgoing(queue[place])
            if any(amounts.get(resource, 0) < amount for resource, amount in takes):
                left.append(place)
                continue
            _move(amounts, queue[place])
            released.append(place)
        if len(left) == len(waiting):
            return Offset(tuple(sorted(released)), len(left))
        waiting = left


def multilateral(queue: Sequence[Queued], holdings: Holdings, fifo: Fifo = Fifo.BYPASS) -> Offset:
    """The obligations that settle together, found by dropping the newest of who falls short.

    Raises:
        InvariantBroken: When a firm would end below zero (I12): holdings were below zero before.
    """
    return _offset(queue, range(len(queue)), dict(holdings.amounts), fifo)


def bilateral(queue: Sequence[Queued], holdings: Holdings, fifo: Fifo = Fifo.BYPASS) -> Offset:
    """Offset each pair of firms on its own, pairs in order of their oldest obligation.

    What one pair has settled is there for the next.
    """
    pairs: dict[tuple[int, int], list[int]] = {}
    for place, one in enumerate(queue):
        pair = (min(one.seller, one.buyer), max(one.seller, one.buyer))
        pairs.setdefault(pair, []).append(place)
    amounts = dict(holdings.amounts)
    released: list[int] = []
    for places in pairs.values():
        found = _offset(queue, places, amounts, fifo)
        for place in found.released:
            _move(amounts, queue[place])
        released.extend(found.released)
    return Offset(tuple(sorted(released)), len(queue) - len(released))


def jam(queue: Sequence[Queued], holdings: Holdings, fifo: Fifo = Fifo.BYPASS) -> Jam:
    """Whether a queue moves by itself, is gridlocked, or is deadlocked under a FIFO rule."""
    if not queue or one_by_one(queue, holdings).released:
        return Jam.NONE
    return Jam.GRIDLOCK if multilateral(queue, holdings, fifo).released else Jam.DEADLOCK


def find_any(queue: Sequence[Queued], holdings: Holdings) -> Offset:
    """The largest set that can settle together with no FIFO rule, oldest first among equals.

    Cost: O(2^queue); for queues up to SEARCH_MAX.

    Raises:
        InvariantBroken: When the queue is longer.
    """
    check(len(queue) <= SEARCH_MAX, "every subset is tried for short queues only")
    for size in range(len(queue), 0, -1):
        for places in combinations(range(len(queue)), size):
            if min(after(queue, places, holdings).amounts.values(), default=0) >= 0:
                return Offset(places, len(queue) - size)
    return Offset((), len(queue))


def _move(amounts: dict[Resource, int], one: Queued) -> None:
    """Settle one obligation."""
    for resource, amount in outgoing(one):
        amounts[resource] = amounts.get(resource, 0) - amount
    for resource, amount in incoming(one):
        amounts[resource] = amounts.get(resource, 0) + amount


def _offset(
    queue: Sequence[Queued], places: Sequence[int], held: Mapping[Resource, int], fifo: Fifo
) -> Offset:
    """Drop from the tails until nobody is below zero; leaves ``held`` as it is."""
    ends: dict[Resource, int] = {}  # what each would end with, resources in order of appearance
    tails: dict[Resource, list[int]] = {}
    for place in places:
        for resource, amount in outgoing(queue[place]):
            ends[resource] = ends.get(resource, held.get(resource, 0)) - amount
            tails.setdefault(resource, []).append(place)
        for resource, amount in incoming(queue[place]):
            ends[resource] = ends.get(resource, held.get(resource, 0)) + amount
    kept = dict.fromkeys(places, True)
    short = deque(resource for resource, amount in ends.items() if amount < 0)
    dropped = 0
    while short:
        resource = short.popleft()
        tail = tails.get(resource, [])
        while ends[resource] < 0:
            check(bool(tail), "I12: who has given nothing is not below zero", resource=resource)
            last = tail.pop()
            if not kept[last]:
                continue
            dropping = [last]
            while dropping:
                place = dropping.pop()
                if not kept[place]:
                    continue
                kept[place] = False
                dropped += 1
                for back, amount in outgoing(queue[place]):
                    ends[back] += amount
                    if fifo is Fifo.STRICT:
                        dropping.extend(_behind(tails[back], place))
                for lost, amount in incoming(queue[place]):
                    if 0 <= ends[lost] < amount:
                        short.append(lost)
                    ends[lost] -= amount
    return Offset(tuple(place for place in places if kept[place]), dropped)


def _behind(tail: list[int], place: int) -> list[int]:
    """Take everything that stands behind ``place`` off an outgoing queue."""
    behind: list[int] = []
    while tail and tail[-1] > place:
        behind.append(tail.pop())
    return behind
