"""Net batches: what every firm owes or is owed when a day's obligations settle as one.

Purpose: the arithmetic of a net cycle, as pure functions over whole-number arrays. Model 2 (CPSS
1992): tokens gross, cash net. Model 3: both net. Limits before the batch: what a firm may owe net in
yen (its cap) and the units it has; who breaches loses obligations by a published rule until all
hold. Unwind: a firm's obligations are taken out and everyone else is netted again.
Ordering: obligations come in order of arrival. Rounds go through breaching firms in ascending
number, then through breaching firm and issue; exclusions of a round count from the next breach on.
Invariants: the nets of all firms are zero in every issue and in yen (I11); exclusion only takes away.
Cost: O(obligations) to net; exclusion O(obligations log obligations), once.
Units: whole units and whole yen; amounts of one batch must sum below 2^63.
Source: DvP models 2 and 3 of CPSS 1992; net debit cap of JASDEC's DVP; the rules are options.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from market.errors import check

Ints = NDArray[np.int64]
Flags = NDArray[np.bool_]

_INT64_MAX: Final = 2**63 - 1


class Exclusion(StrEnum):
    """Which obligations of a breaching firm leave the batch, until it breaches no more."""

    LATEST = "latest"
    SMALLEST = "smallest"
    PRO_RATA = "pro_rata"  # every one is cut by the same share, rounded to the firm's side


@dataclass(frozen=True, slots=True)
class Obligations:
    """A batch, one place an obligation, in order of arrival.

    Attributes:
        seller: Number of the firm that owes the units.
        buyer: Number of the firm that owes the yen.
        issue: Number of the issue.
        units: Units owed.
        yen: Yen owed.
    """

    seller: Ints
    buyer: Ints
    issue: Ints
    units: Ints
    yen: Ints

    def __len__(self) -> int:
        return len(self.yen)

    @classmethod
    def of(cls, rows: Sequence[tuple[int, int, int, int, int]]) -> "Obligations":
        """From rows of seller, buyer, issue, units, yen; at least one."""
        return cls(*(ints(column) for column in zip(*rows, strict=True)))

    def only(self, kept: Flags | Ints) -> "Obligations":
        """Those at the places that ``kept`` marks or names."""
        return Obligations(
            self.seller[kept], self.buyer[kept], self.issue[kept], self.units[kept], self.yen[kept]
        )


@dataclass(frozen=True, slots=True)
class Nets:
    """What each firm receives, net; negative is what it owes.

    Attributes:
        units: By firm and issue.
        yen: By firm.
        gross_yen: What all obligations together moved.
    """

    units: Ints
    yen: Ints
    gross_yen: int

    @property
    def owed_yen(self) -> int:
        """What all net payers pay together: the least money with which the batch settles."""
        return int(-self.yen[self.yen < 0].sum())

    def efficiency_ppm(self) -> int:
        """Millionths of the gross that need not be paid, rounded down; 0 for an empty batch."""
        if not self.gross_yen:
            return 0
        return 1_000_000 - -(-1_000_000 * self.owed_yen // self.gross_yen)


@dataclass(frozen=True, slots=True)
class Accepted:
    """A batch in which nobody breaches a limit.

    Attributes:
        units: Accepted units of each obligation; all, none, or with PRO_RATA some.
        yen: Accepted yen, in the same proportion, rounded down.
        nets: Of what was accepted.
        rounds: How often the limits were looked at.
    """

    units: Ints
    yen: Ints
    nets: Nets
    rounds: int

    @property
    def included(self) -> Flags:
        """Which obligations are in the batch at all."""
        return (self.units > 0) | (self.yen > 0)


@dataclass(frozen=True, slots=True)
class Unwound:
    """What is left when one firm's obligations were taken out.

    Attributes:
        kept: The obligations that remain.
        nets: Of those.
        more_to_pay_yen: By firm: how much more it owes net than before, 0 when less.
        fewer_units: By firm and issue: how many units fewer it gets (or more it must give).
    """

    kept: Flags
    nets: Nets
    more_to_pay_yen: Ints
    fewer_units: Ints


def ints(values: Sequence[Any]) -> Ints:
    """Whole numbers, or rows of them, as an array."""
    return np.array(values, dtype=np.int64)


def net(batch: Obligations, firms: int, issues: int) -> Nets:
    """Net a batch over ``firms`` numbered from 0 in ``issues`` numbered from 0. O(obligations).

    Raises:
        InvariantBroken: When a net does not sum to zero over the firms (I11).
    """
    if len(batch):
        check(int(batch.yen.max()) <= _INT64_MAX // len(batch), "the yen of a batch fit in 63 bits")
        check(int(batch.units.max()) <= _INT64_MAX // len(batch), "so do its units")
    yen = np.zeros(firms, dtype=np.int64)
    np.add.at(yen, batch.seller, batch.yen)
    np.subtract.at(yen, batch.buyer, batch.yen)
    units = np.zeros(firms * issues, dtype=np.int64)
    np.add.at(units, batch.buyer * issues + batch.issue, batch.units)
    np.subtract.at(units, batch.seller * issues + batch.issue, batch.units)
    table = units.reshape(firms, issues)
    check(int(yen.sum()) == 0, "I11: net yen of all firms is zero")
    check(not table.sum(axis=0).any(), "I11: net units of all firms are zero in every issue")
    return Nets(table, yen, int(batch.yen.sum()))


def accept(
    batch: Obligations,
    caps_yen: Ints,
    units_free: Ints,
    rule: Exclusion = Exclusion.LATEST,
    *,
    gross_units: bool = False,
) -> Accepted:
    """Exclude until every firm owes at most its cap and gives no more units than it has.

    Args:
        batch: What is to be settled.
        caps_yen: By firm, the largest net debit.
        units_free: By firm and issue, the units it can give.
        rule: Which obligations of a breaching firm go first.
        gross_units: Model 2: units are given one by one, so what comes in during the cycle does
            not help; False nets them (model 3).
    """
    return _Limits(batch, caps_yen, units_free, rule, gross_units).settle()


def unwind(batch: Obligations, firm: int, firms: int, issues: int) -> Unwound:
    """Take a defaulter's obligations out, net again, and show what that does to the others."""
    before = net(batch, firms, issues)
    kept = (batch.seller != firm) & (batch.buyer != firm)
    nets = net(batch.only(kept), firms, issues)
    others = np.arange(firms) != firm
    more = np.where(others, np.maximum(0, np.maximum(0, -nets.yen) - np.maximum(0, -before.yen)), 0)
    fewer = np.where(others[:, None], np.maximum(0, before.units - nets.units), 0)
    return Unwound(kept, nets, more, fewer)


def assign_short(receipts: Ints, short_units: int, priority: Ints) -> Ints:
    """Who does not get units that were not delivered: the last in priority first.

    Args:
        receipts: Units each receiver is owed.
        short_units: Units that are missing; at most the sum of receipts.
        priority: A number for each receiver; the largest is shorted first, the later of equals.

    Returns:
        Units each receiver does not get.
    """
    check(0 <= short_units <= int(receipts.sum()), "nobody is short of more than is owed")
    order = np.lexsort((np.arange(len(receipts)), priority))[::-1]
    owed = receipts[order]
    ahead = np.cumsum(owed) - owed
    shorted = np.zeros_like(receipts)
    shorted[order] = np.clip(short_units - ahead, 0, owed)
    return shorted


def liquidity_bounds(payer: Ints, payee: Ints, amount: Ints, parties: int) -> tuple[Ints, Ints]:
    """What each party needs when all settles at once, and when each settles at once as it comes.

    Returns:
        Lower bound (net outflow) and upper bound (the deepest cumulative outflow in order of
        arrival) by party. Source: Leinonen and Soramäki 1999.
    """
    count = len(amount)
    party = np.empty(2 * count, dtype=np.int64)
    party[0::2], party[1::2] = payer, payee
    flow = np.empty(2 * count, dtype=np.int64)
    flow[0::2], flow[1::2] = -amount, amount
    own = payer == payee
    flow[0::2][own] = flow[1::2][own] = 0
    order = np.argsort(party, kind="stable")
    running = np.cumsum(flow[order])
    ends = np.searchsorted(party[order], np.arange(parties), side="right")
    lower = np.zeros(parties, dtype=np.int64)
    upper = np.zeros(parties, dtype=np.int64)
    start = before = 0
    for one, end in enumerate(ends.tolist()):
        if end > start:
            upper[one] = max(0, before - int(running[start:end].min()))
            lower[one] = max(0, before - int(running[end - 1]))
            before = int(running[end - 1])
        start = end
    return lower, upper


class _Limits:
    """One search for a batch within limits; the arrays of what is accepted change in place."""

    def __init__(
        self, batch: Obligations, caps: Ints, free: Ints, rule: Exclusion, gross: bool
    ) -> None:
        self.batch, self.caps, self.free, self.rule, self.gross = batch, caps, free, rule, gross
        self.firms, self.issues = free.shape
        self.units, self.yen = batch.units.copy(), batch.yen.copy()
        self.own = batch.seller == batch.buyer
        self.buys = self._groups(batch.buyer, batch.yen)
        self.sells = self._groups(batch.seller * self.issues + batch.issue, batch.units)

    def settle(self) -> Accepted:
        """Look and exclude until nothing breaches."""
        rounds = 0
        while True:
            rounds += 1
            nets = self._nets()
            over = np.flatnonzero(-nets.yen > self.caps)
            for firm in over.tolist():
                self._cut(self.buys[firm], self.yen, int(-nets.yen[firm] - self.caps[firm]))
            if len(over):
                continue
            needed = self._gross_given() if self.gross else -nets.units
            lacks = np.argwhere(needed > self.free).tolist()
            for firm, issue in lacks:
                excess = int(needed[firm, issue] - self.free[firm, issue])
                self._cut(self.sells[firm * self.issues + issue], self.units, excess)
            if not lacks:
                return Accepted(self.units, self.yen, nets, rounds)

    def _nets(self) -> Nets:
        now = replace(self.batch, units=self.units, yen=self.yen)
        return net(now, self.firms, self.issues)

    def _gross_given(self) -> Ints:
        given = np.zeros(self.firms * self.issues, dtype=np.int64)
        batch = self.batch
        place = batch.seller * self.issues + batch.issue
        np.add.at(given, place, np.where(self.own, 0, self.units))
        return given.reshape(self.firms, self.issues)

    def _groups(self, key: Ints, amount: Ints) -> list[Ints]:
        """Places of each key's obligations, those that go first in front; own deals in none."""
        places = np.flatnonzero(~self.own)
        first = -places if self.rule is not Exclusion.SMALLEST else amount[places]
        order = places[np.lexsort((-places, first, key[places]))]
        count = self.firms * (self.issues if key is not self.batch.buyer else 1)
        ends = np.searchsorted(key[order], np.arange(count), side="right").tolist()
        return [order[start:end] for start, end in zip([0, *ends[:-1]], ends, strict=True)]

    def _cut(self, group: Ints, amounts: Ints, excess: int) -> None:
        """Take ``excess`` or a little more out of what the group still gives."""
        given = amounts[group]
        total = int(given.sum())
        check(total >= excess, "who breaches has something to take back", excess=excess)
        if self.rule is Exclusion.PRO_RATA:
            units = _share(self.units[group], total - excess, total)
            self.yen[group] = _rescale(self.batch.yen[group], units, self.batch.units[group])
            self.units[group] = units
            return
        until = int(np.searchsorted(np.cumsum(given), excess)) + 1
        gone = group[:until]
        self.units[gone] = 0
        self.yen[gone] = 0


def _share(amounts: Ints, part: int, whole: int) -> Ints:
    """Each amount times part over whole, rounded down; exact beyond 63 bits too."""
    if int(amounts.max(initial=0)) * part <= _INT64_MAX:
        return amounts * part // whole
    return np.array([one * part // whole for one in amounts.tolist()], dtype=np.int64)


def _rescale(yen: Ints, units: Ints, of_units: Ints) -> Ints:
    """Yen of the accepted units of each obligation, rounded down."""
    if int(yen.max(initial=0)) * int(units.max(initial=0)) <= _INT64_MAX:
        return yen * units // np.maximum(1, of_units)
    rows = zip(yen.tolist(), units.tolist(), of_units.tolist(), strict=True)
    return np.array([one * part // max(1, of) for one, part, of in rows], dtype=np.int64)
