"""Corrections (訂正): a settled obligation is undone only by a new one against it.

Purpose: settled is final (I8). A reversal refers to one settled obligation of the same issue, swaps the
parties, moves the same units and yen back as a delivery versus payment of its own, and needs both
sides' consent or a legal order. A partial reversal is an ordinary new obligation.

Refusals in the order of checking; nothing moves in any. Cost: O(1).
Source: transfer records with a cancel target, as the working group report on the Progmat platform lists them;
their meaning here is our own.
"""

from enum import StrEnum
from typing import NamedTuple

from market.errors import check
from settlement.designs.states import ObligationState


class Refusal(StrEnum):
    """Why there is no reversal, in the order of checking."""

    ID_USED = "id_used"  # I10
    UNKNOWN = "unknown"
    NOT_SETTLED = "not_settled"
    IS_REVERSAL = "is_reversal"  # a reversal is corrected by a new sale
    ALREADY_REVERSED = "already_reversed"
    NOT_NEWEST = "not_newest"  # the units have moved on
    NO_CONSENT = "no_consent"


class Settled(NamedTuple):
    """An obligation as the register remembers it."""

    obligation_id: str
    seller: str
    buyer: str
    issue: str
    units: int
    yen: int
    state: ObligationState = ObligationState.SETTLED
    reverses: str = ""


class Corrections:
    """Obligations by id, and which was reversed by which.

    Attributes:
        reversed_by: The pending or settled reversal of each obligation.
    """

    __slots__ = ("_all", "_newest", "reversed_by")

    def __init__(self) -> None:
        self._all: dict[str, Settled] = {}
        self._newest: dict[tuple[str, str], str] = {}
        self.reversed_by: dict[str, str] = {}

    def record(self, one: Settled) -> None:
        """Note an obligation; ids are single-use."""
        check(one.obligation_id not in self._all, "I10: an id is used once", id=one.obligation_id)
        self._all[one.obligation_id] = one
        if one.state is ObligationState.SETTLED:
            for party in (one.seller, one.buyer):
                self._newest[one.issue, party] = one.obligation_id

    def reverse(
        self, new_id: str, target: str, *, consents: tuple[str, ...], legal_order: bool = False
    ) -> Settled | Refusal:
        """The obligation that would undo ``target``, not yet settled, or why there is none."""
        old = self._all.get(target)
        if new_id in self._all:
            return Refusal.ID_USED
        if old is None:
            return Refusal.UNKNOWN
        if old.state is not ObligationState.SETTLED:
            return Refusal.NOT_SETTLED
        if old.reverses:
            return Refusal.IS_REVERSAL
        if target in self.reversed_by:
            return Refusal.ALREADY_REVERSED
        if self._newest[old.issue, old.buyer] != target:
            return Refusal.NOT_NEWEST
        if not legal_order and not {old.seller, old.buyer} <= set(consents):
            return Refusal.NO_CONSENT
        # Every refusal is above this line; below it nothing can fail.
        self.reversed_by[target] = new_id
        new = Settled(
            new_id, old.buyer, old.seller, old.issue, old.units, old.yen,
            ObligationState.MATCHED, target,
        )  # fmt: skip
        self._all[new_id] = new
        return new

    def settle(self, obligation_id: str) -> None:
        """A reversal has settled, both legs at once; its target reads as REVERSED from now on."""
        one = self._all[obligation_id]
        check(one.state is ObligationState.MATCHED, "I8: it settles once", id=obligation_id)
        self._all[obligation_id] = one._replace(state=ObligationState.SETTLED)
        for party in (one.seller, one.buyer):
            self._newest[one.issue, party] = obligation_id

    def drop(self, obligation_id: str) -> None:
        """A reversal has failed for good; its target may be reversed again, with another id."""
        one = self._all[obligation_id]
        check(one.state is ObligationState.MATCHED, "I8: settled is final", id=obligation_id)
        self._all[obligation_id] = one._replace(state=ObligationState.CANCELLED)
        del self.reversed_by[one.reverses]

    def is_reversed(self, obligation_id: str) -> bool:
        """Whether a settled reversal stands against it."""
        by = self.reversed_by.get(obligation_id)
        return by is not None and self._all[by].state is ObligationState.SETTLED
