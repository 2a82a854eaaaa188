"""An exchange contract's own book: whose units it keeps, and which are committed.

Deposit brings free units in, withdraw takes uncommitted ones out. What the token says the exchange
has is what the book says its owners have, always (trap X12). A deposit needs the exchange to be the
tradable one and the token active; a withdrawal is an exit and needs nothing.
"""

from market.errors import check
from settlement.ibet.token import IbetToken, is_amount
from settlement.refusals import Refusal


class Exchange:
    """Units of one token inside one exchange.

    Attributes:
        token: The token.
        address: The exchange's address.
        balances: Uncommitted units by owner.
        commitments: Committed units by owner.
    """

    def __init__(self, token: IbetToken, address: str) -> None:
        self.token = token
        self.address = address
        token.exchanges.add(address)
        self.balances: dict[str, int] = {}
        self.commitments: dict[str, int] = {}

    def owned(self, owner: str) -> int:
        """What the exchange keeps for an owner, committed or not."""
        return self.balances.get(owner, 0) + self.commitments.get(owner, 0)

    def deposit(self, owner: str, units: int) -> Refusal | None:
        """Bring units in; they stay their owner's."""
        if owner in self.token.exchanges:
            return Refusal.BAD_COMBINATION
        if not is_amount(units):
            return Refusal.BAD_AMOUNT
        if not self.token.active:
            return Refusal.NOT_ACTIVE
        if not self.token.transferable or self.token.tradable_exchange != self.address:
            return Refusal.TRANSFER_RESTRICTED
        if self.token.free(owner) < units:
            return Refusal.INSUFFICIENT
        self.token.credit(self.address, owner, units, back=False)
        self.balances[owner] = self.balances.get(owner, 0) + units
        self.token.note(owner, "deposit", self.address, units)
        return None

    def withdraw(self, owner: str, units: int) -> Refusal | None:
        """Take uncommitted units out; works on a stopped token and a replaced exchange."""
        if not is_amount(units):
            return Refusal.BAD_AMOUNT
        if self.balances.get(owner, 0) < units:
            return Refusal.INSUFFICIENT
        self.balances[owner] -= units
        self.token.credit(self.address, owner, units, back=True)
        self.token.note(owner, "withdraw", self.address, units)
        return None

    def commit(self, owner: str, units: int) -> None:
        """Commit uncommitted units; the caller has checked that they are there."""
        check(0 < units <= self.balances.get(owner, 0), "I3: commit what is there", owner=owner)
        self.balances[owner] -= units
        self.commitments[owner] = self.commitments.get(owner, 0) + units

    def release(self, owner: str, taker: str, units: int) -> None:
        """End a commitment in favour of ``taker``, who may be the owner."""
        check(0 < units <= self.commitments.get(owner, 0), "I5: a commitment ends once",
              owner=owner)  # fmt: skip
        self.commitments[owner] -= units
        self.balances[taker] = self.balances.get(taker, 0) + units

    def check_book(self, committed: dict[str, int]) -> None:
        """The token, the book and the live deliveries agree. O(owners)."""
        kept = sum(self.balances.values()) + sum(self.commitments.values())
        check(kept == self.token.free(self.address), "I1: an exchange has what its owners have",
              kept=kept, address=self.address)  # fmt: skip
        live = {owner: units for owner, units in self.commitments.items() if units}
        check(live == committed, "I6: each commitment has its delivery", address=self.address)
