"""Reversal (反対取引): a finished delivery is taken back only by a new one, the opposite way.

Purpose: settled is final (I8). Both sides ask, or a legal order stands for them; then an obligation
begins with the parties swapped and the same units and yen, due on the day it was agreed (the next
business day after the cut-off), and is delivered against payment like any other: it may be held, come in
parts, fail, be canceled. Once it has ended without movement its target may be reversed again; not when a
part of it was delivered, nor when it was bought in, compensated or redeemed, because then what is taken back
was had in other units or in yen. A part is reversed by a sale of its own, a reversal by nothing.

Refusals in the order of RejectReason: no such delivery, asked before by the same side, not settled,
reversed already or itself a reversal. Cost: O(1); nothing is kept of deliveries nobody reverses.
Known limits: units on an account are alike, so nobody asks whether those very units have moved on
(settlement/lifecycle/corrections.py asks it of a register that knows each).
Source: transfer records with a cancel target on the Progmat platform; their meaning here is ours.
"""

from datetime import date

from market.commands import ReverseDelivery
from market.errors import check
from market.events import DeliveryState, Event, ReversalAsked
from market.ids import DeliveryId
from market.reasons import RejectReason
from market.words import Side
from settlement.deliveries import Deliveries
from settlement.delivery import Delivery

_BOTH = frozenset(Side)


class Reversals:
    """Who asked for which reversal, and which delivery takes back which.

    Attributes:
        asked: Sides that asked, by the delivery meant, until it is reversed.
        reversed_by: The newest reversal of each delivery that ever had one.
    """

    __slots__ = ("_book", "asked", "reversed_by")

    def __init__(self, book: Deliveries) -> None:
        self._book = book
        self.asked: dict[DeliveryId, frozenset[Side]] = {}
        self.reversed_by: dict[DeliveryId, DeliveryId] = {}

    def ask(self, command: ReverseDelivery, settlement_date: date) -> list[Event] | RejectReason:
        """One side's word, and with both the new obligation; or why not. O(1)."""
        target = command.delivery_id
        refused = self._refusal(command)
        if refused is not None:
            return refused
        # Every refusal is above this line; below it nothing can fail.
        asked = self.asked.get(target, frozenset()) | {command.side}
        terms = self._book.by_id[target].terms
        told = ReversalAsked(
            delivery_id=target,
            side=command.side,
            seller=terms.seller,
            buyer=terms.buyer,
            reason=command.reason,
            legal_order=command.legal_order,
        )
        if asked != _BOTH and not command.legal_order:
            self.asked[target] = asked
            return [told]
        self.asked.pop(target, None)
        created = self._book.reverse(self._book.by_id[target], settlement_date)
        self.reversed_by[target] = created.delivery_id
        return [told, created]

    def _refusal(self, command: ReverseDelivery) -> RejectReason | None:
        target = command.delivery_id
        delivery = self._book.by_id.get(target)
        if delivery is None:
            return RejectReason.UNKNOWN_INSTRUCTION
        if command.side in self.asked.get(target, frozenset()) and not command.legal_order:
            return RejectReason.DUPLICATE
        if delivery.state is not DeliveryState.FINISHED:
            return RejectReason.NOT_SETTLED
        newest = self.reversed_by.get(target)
        stands = newest is not None and _stands(self._book.by_id[newest])
        if stands or delivery.terms.reverses is not None:
            return RejectReason.ALREADY_REVERSED
        return None

    def check_invariants(self) -> None:
        """Only what is finished is reversed, and nothing twice at once. O(reversals)."""
        for target, newest in self.reversed_by.items():
            old, new = self._book.by_id[target], self._book.by_id[newest]
            finished = old.state is DeliveryState.FINISHED
            check(finished, "I8: a reversed delivery stays finished", delivery=target)
            check(new.terms.reverses == target, "a reversal names its target", delivery=newest)

    def state(self) -> dict[str, object]:
        """Canonical content for the digest; nothing while nobody ever asked."""
        if not self.asked and not self.reversed_by:
            return {}
        return {
            "reversals": {
                "asked": [[key, *sorted(self.asked[key])] for key in sorted(self.asked)],
                "reversed_by": [list(pair) for pair in sorted(self.reversed_by.items())],
            }
        }


def _stands(reversal: Delivery) -> bool:
    """Whether it has taken its target back, in part or in money, or still may."""
    canceled = reversal.state is DeliveryState.CANCELED
    return not canceled or reversal.ended_in_money or reversal.filled_units > 0
