"""Double entry for one asset: hold (拘束), post (確定), void (解放), and linked posts.

Every movement has a giver and a taker, so the asset is conserved by shape. One account, the
source, stands for the world outside the ledger and may be overdrawn: what it gave is what is in
circulation. Everyone else gives only what is available.

A hold names giver, taker and amount at the start and ends exactly once, posted or voided (I5).
Its id is never used again, not even after it ended (I10).

Linked posts are all or none: every leg is checked before the first one moves. What a leg brings
in does not pay for another leg of the same set; a chain is settled link by link instead.

A closed ledger takes no new hold and no direct post. It still posts and voids the holds it has:
an exit is never barred, and who has paid must be delivered to (policy "complete",
DeliveryState.PAID).

Known limits: ended holds are remembered by id for the life of the ledger.
"""

from collections.abc import Sequence
from enum import StrEnum
from typing import NamedTuple, NewType

from market.errors import InvariantBroken, check
from market.message import Message
from settlement.account import Account

HoldId = NewType("HoldId", str)
"""Name of one hold, chosen by who holds; single-use for ever."""


class Hold(Message, frozen=True):
    """A pending movement; a million of them are no work for the garbage collector."""

    giver: str
    taker: str
    amount: int


class HoldEnd(StrEnum):
    """How a hold ended."""

    POSTED = "posted"
    VOIDED = "voided"


class Ledger:
    """Accounts of one asset.

    Attributes:
        asset: Name of what is counted, for messages.
        source: The owner that stands for the world outside.
        accepts_entries: False while closed to new holds and direct posts.
        accounts: By owner, in order of opening; opened by the first hold or post.
        live_holds: By id, oldest first.
        ended_holds: How every other hold ended.
    """

    __slots__ = ("accepts_entries", "accounts", "asset", "ended_holds", "live_holds", "source")

    def __init__(self, asset: str, source: str) -> None:
        self.asset = asset
        self.source = source
        self.accepts_entries = True
        self.accounts: dict[str, Account] = {source: Account()}
        self.live_holds: dict[HoldId, Hold] = {}
        self.ended_holds: dict[HoldId, HoldEnd] = {}

    # --- reading

    def balance(self, owner: str) -> int:
        """What ``owner`` owns, held or not; 0 for a stranger."""
        account = self.accounts.get(owner)
        return 0 if account is None else account.balance

    def available(self, owner: str) -> int:
        """What ``owner`` may still give; 0 for a stranger."""
        account = self.accounts.get(owner)
        return 0 if account is None else account.available

    def can_give(self, owner: str, amount: int) -> bool:
        """Whether a hold or direct post of ``amount`` from ``owner`` would succeed now."""
        if not self.accepts_entries:
            return False
        if owner == self.source:
            return True
        account = self.accounts.get(owner)
        if account is None:
            return False
        return account.credits_posted - account.debits_posted - account.debits_pending >= amount

    def is_unused(self, hold_id: HoldId) -> bool:
        """Whether no hold ever had this id (I10)."""
        return hold_id not in self.live_holds and hold_id not in self.ended_holds

    @property
    def in_circulation(self) -> int:
        """What the source has given and not taken back."""
        return -self.accounts[self.source].balance

    # --- moving

    def post(self, giver: str, taker: str, amount: int) -> None:
        """Move ``amount`` at once.

        Raises:
            InvariantBroken: When the giver lacks it or the ledger is closed; ask
                :meth:`can_give` first, a refusal is the caller's to word.
        """
        self._check_entry(giver, taker, amount)
        self._move(giver, taker, amount)

    def hold(self, hold_id: HoldId, giver: str, taker: str, amount: int) -> None:
        """Set ``amount`` aside for ``taker``; the giver still owns it but cannot give it again.

        Raises:
            InvariantBroken: As :meth:`post`, or when the id was ever used.
        """
        if hold_id in self.live_holds or hold_id in self.ended_holds:
            raise InvariantBroken("I10: a hold id is used once", {"hold": hold_id})
        self._check_entry(giver, taker, amount)
        # Every check is above this line; below it nothing can fail.
        self._set_aside(hold_id, giver, taker, amount)

    def post_hold(self, hold_id: HoldId) -> Hold:
        """Turn a live hold into a movement; works on a closed ledger too."""
        hold = self._end(hold_id, HoldEnd.POSTED)
        self.accounts[hold.giver].debits_posted += hold.amount
        self.accounts[hold.taker].credits_posted += hold.amount
        return hold

    def void_hold(self, hold_id: HoldId) -> Hold:
        """Return what a live hold set aside; works on a closed ledger too (I20)."""
        return self._end(hold_id, HoldEnd.VOIDED)

    def _move(self, giver: str, taker: str, amount: int) -> None:
        accounts = self.accounts
        (accounts.get(giver) or self._open(giver)).debits_posted += amount
        (accounts.get(taker) or self._open(taker)).credits_posted += amount

    def _set_aside(self, hold_id: HoldId, giver: str, taker: str, amount: int) -> None:
        accounts = self.accounts
        self.live_holds[hold_id] = Hold(giver, taker, amount)
        (accounts.get(giver) or self._open(giver)).debits_pending += amount
        (accounts.get(taker) or self._open(taker)).credits_pending += amount

    def _open(self, owner: str) -> Account:
        return self.accounts.setdefault(owner, Account())

    def _check_entry(self, giver: str, taker: str, amount: int) -> None:
        if amount > 0 and giver != taker and self.can_give(giver, amount):
            return
        check(amount > 0, "an entry moves something", asset=self.asset, amount=amount)
        check(giver != taker, "nobody gives to himself", asset=self.asset, owner=giver)
        check(self.can_give(giver, amount), "I3: nobody gives what he lacks", asset=self.asset,
              giver=giver, amount=amount)  # fmt: skip

    def _end(self, hold_id: HoldId, end: HoldEnd) -> Hold:
        hold = self.live_holds.pop(hold_id, None)
        if hold is None:
            raise InvariantBroken("I5: a hold ends once", {"asset": self.asset, "hold": hold_id})
        self.ended_holds[hold_id] = end
        self.accounts[hold.giver].debits_pending -= hold.amount
        self.accounts[hold.taker].credits_pending -= hold.amount
        return hold

    # --- proving

    def check_invariants(self) -> None:
        """Double entry, no overdraft, pending totals explained by holds. O(accounts + holds)."""
        posted = pending_debits = pending_credits = 0
        for owner, account in self.accounts.items():
            posted += account.balance
            pending_debits += account.debits_pending
            pending_credits += account.credits_pending
            check(
                owner == self.source or account.available >= 0,
                "I3: no account below zero",
                asset=self.asset,
                owner=owner,
            )
        held = sum(hold.amount for hold in self.live_holds.values())
        check(posted == 0, "posted debits equal posted credits", asset=self.asset, by=posted)
        check(
            pending_debits == held == pending_credits,
            "I1, I2: what is locked is what the live holds lock",
            asset=self.asset,
            debits=pending_debits,
            credits=pending_credits,
            held=held,
        )

    def state(self) -> dict[str, object]:
        """Canonical content for the digest, sorted by owner and hold id."""
        return {
            "accepts_entries": int(self.accepts_entries),
            "accounts": {owner: self.accounts[owner].state() for owner in sorted(self.accounts)},
            "live_holds": {key: _listed(self.live_holds[key]) for key in sorted(self.live_holds)},
            "ended_holds": len(self.ended_holds),
        }


def _listed(hold: Hold) -> list[str | int]:
    return [hold.giver, hold.taker, hold.amount]


class Leg(NamedTuple):
    """One movement of a linked set."""

    ledger: Ledger
    giver: str
    taker: str
    amount: int


def first_short_leg(legs: Sequence[Leg]) -> Leg | None:
    """The first leg its giver cannot meet, counting what earlier legs already ask of him.

    Quadratic in the number of legs, which is two for a delivery.
    """
    for position, leg in enumerate(legs):
        asked = leg.amount
        for earlier in legs[:position]:
            if earlier.ledger is leg.ledger and earlier.giver == leg.giver:
                asked += earlier.amount
        if not leg.ledger.can_give(leg.giver, asked):
            return leg
    return None


def post_linked(legs: Sequence[Leg]) -> Leg | None:
    """Post all legs or none.

    Returns:
        None when every leg was posted; otherwise the first short leg, and nothing moved.
    """
    short = first_short_leg(legs)
    if short is not None:
        return short
    # Every refusal is above this line; below it nothing can fail.
    for leg in legs:
        leg.ledger.post(leg.giver, leg.taker, leg.amount)
    return None
