"""One account of one owner in one asset: four totals and what follows from them.

Posted totals only grow, so a balance can always be explained by its own history and two posts in
opposite directions never hide each other. Pending totals grow with a hold (拘束) and shrink when
that hold is posted or voided, and by nothing else. Amounts are whole yen or units, as the ledger
says. Who may change an account: its ledger, nobody else.
"""


class Account:
    """Cumulative debits (given) and credits (received), posted and pending.

    Attributes:
        debits_pending: Given up by live holds; no longer available, still owned.
        debits_posted: Given for good, since the account was opened.
        credits_pending: On its way here by live holds; not counted as owned.
        credits_posted: Received for good, since the account was opened.
    """

    __slots__ = ("credits_pending", "credits_posted", "debits_pending", "debits_posted")

    def __init__(self) -> None:
        self.debits_pending = 0
        self.debits_posted = 0
        self.credits_pending = 0
        self.credits_posted = 0

    @property
    def balance(self) -> int:
        """What the owner owns, held or not."""
        return self.credits_posted - self.debits_posted

    @property
    def available(self) -> int:
        """What the owner may still give: pending debits count, pending credits do not (I3)."""
        return self.credits_posted - self.debits_posted - self.debits_pending

    def state(self) -> list[int]:
        """The four totals, debits first, pending first."""
        return [self.debits_pending, self.debits_posted, self.credits_pending, self.credits_posted]
