"""The shape every asset ledger offers to a settlement design, whatever keeps the books beneath.

``ledger.Ledger`` is the plain one. A token platform or a kind of money that wants to settle trades
offers the same verbs, with the same promises: ask ``can_give`` first, a refusal is the caller's
to word; a verb that should not have been called breaks a check and moves nothing; a hold ends
exactly once, and its exit is open on a closed ledger.
"""

from typing import Protocol

from settlement.ledger import Hold, HoldId


class AssetLedger(Protocol):
    """One asset: who owns how much, and what is set aside."""

    def balance(self, owner: str) -> int:
        """What ``owner`` owns, held or not."""

    def available(self, owner: str) -> int:
        """What ``owner`` may still give."""

    def can_give(self, owner: str, amount: int) -> bool:
        """Whether a hold or direct post would succeed now."""

    def is_unused(self, hold_id: HoldId) -> bool:
        """Whether no hold ever had this id."""

    def post(self, giver: str, taker: str, amount: int) -> None:
        """Move at once."""

    def hold(self, hold_id: HoldId, giver: str, taker: str, amount: int) -> None:
        """Set aside for the taker."""

    def post_hold(self, hold_id: HoldId) -> Hold:
        """Turn a live hold into a movement."""

    def void_hold(self, hold_id: HoldId) -> Hold:
        """Return what a live hold set aside."""

    def check_invariants(self) -> None:
        """Prove the books."""

    def state(self) -> dict[str, object]:
        """Canonical content for the digest."""
