"""The counter of a trial: virtual time, what obligations tell, their secrets, and who waits for what.

Purpose: what has to do with steps in time and with words, and nothing with money: each becomes a record of the log.
Ordering: steps of the same instant run in the order in which they were planned. Cost: O(log open) a step.
Units: ns. Errors: InvariantBroken only.
"""

from collections.abc import Callable
from hashlib import sha256
from heapq import heappush

from settlement.designs.states import Leg
from settlement.trials.books import Books
from settlement.trials.deal import Deal
from settlement.trials.records import (
    YEN,
    BookBreak,
    Case,
    Could,
    PrincipalLost,
    SecretHashed,
    SecretShown,
    Sent,
    Waited,
)


class Counter(Books):
    """Accounts, with steps in time and a log of what is said.

    Attributes:
        case: What is settled, and how.
        waiting: Who waits for a resource, by owner and asset.
        money_failed: Whether the issuer of the money has defaulted (issuer.py): no yen are paid any more.
        on_yen: What happens when yen come back to an owner after that.
        on_credit: What the design does when something came in for which somebody waits.
    """

    def __init__(self, case: Case) -> None:
        """Begin with the first trade."""
        super().__init__(min((trade.at_ns for trade in case.trades), default=0))
        self.case = case
        self.waiting: dict[tuple[str, str], dict[str, Deal]] = {}
        self.steps: list[tuple[int, int, Callable[[], None]]] = []
        self._planned = 0
        self.money_failed = False
        self.on_yen: Callable[[str], None] = lambda _owner: None
        self.on_credit: Callable[[Deal], None] = lambda _deal: None

    def plan(self, at_ns: int, act: Callable[[], None]) -> None:
        """Do something at a time."""
        self._planned += 1
        heappush(self.steps, (max(at_ns, self.at_ns), self._planned, act))

    # --- telling

    def say(self, deal: Deal, sender: str, *to: str, signed: bool = True) -> None:
        """Messages from one to others."""
        for one in to:
            self.write(Sent(at_ns=self.at_ns, deal=deal.name, sender=sender, to=one, signed=signed))

    def can(self, deal: Deal, leg: Leg) -> None:
        """A side could give; told once."""
        if leg not in deal.could:
            deal.could.add(leg)
            self.write(Could(at_ns=self.at_ns, deal=deal.name, leg=leg))

    def broken_book(self, deal: Deal, minutes: int) -> None:
        """Records disagreed."""
        self.write(BookBreak(at_ns=self.at_ns, deal=deal.name, minutes=minutes))

    # --- secrets

    def hash_secret(self, deal: Deal, attempt: int) -> None:
        """A new secret for an attempt: only its hash is told (I23)."""
        digest = sha256(self._secret(deal, attempt).encode()).hexdigest()
        self.write(SecretHashed(at_ns=self.at_ns, deal=deal.name, digest=digest))

    def show_secret(self, deal: Deal, attempt: int) -> None:
        """The secret is used, and so in the open."""
        secret = self._secret(deal, attempt)
        self.write(SecretShown(at_ns=self.at_ns, deal=deal.name, secret=secret))

    def _secret(self, deal: Deal, attempt: int) -> str:
        text = f"{self.case.seed}/{deal.name}/{attempt}"
        return sha256(f"secret {text}".encode()).hexdigest()

    def lose(self, deal: Deal, bearer: str, cause: str, family: str, yen: int) -> None:
        """One leg is final and the other cannot be: somebody's principal is gone."""
        self.write(
            PrincipalLost(
                at_ns=self.at_ns, deal=deal.name, bearer=bearer, cause=cause, family=family, yen=yen
            )
        )

    # --- waiting

    def wait(self, deal: Deal, owner: str, asset: str, amount: int) -> None:
        """Queue until an owner receives something."""
        deal.lacked = (owner, asset, amount)
        self.enter_queue(deal)
        self.listen(deal, owner, asset)

    def enter_queue(self, deal: Deal) -> None:
        """Enter the queue, if not in it."""
        if not deal.queued:
            deal.queued = True
            self.write(Waited(at_ns=self.at_ns, deal=deal.name, entered=True))

    def listen(self, deal: Deal, owner: str, asset: str) -> None:
        """Hear of what an owner receives."""
        self.waiting.setdefault((owner, asset), {})[deal.name] = deal

    def leave_queue(self, deal: Deal) -> None:
        """Leave the queue, if in it."""
        deal.lacked = None
        if deal.queued:
            deal.queued = False
            self.write(Waited(at_ns=self.at_ns, deal=deal.name, entered=False))

    def credited(self, owner: str, asset: str) -> None:
        """Let those who wait for it hear, at this time but after this step."""
        if self.money_failed and asset == YEN:
            self.on_yen(owner)
        if (owner, asset) in self.waiting:
            self.plan(self.at_ns, lambda: self._tell_waiters(owner, asset))

    def _tell_waiters(self, owner: str, asset: str) -> None:
        for deal in self.waiting.pop((owner, asset), {}).values():
            if deal.is_open:
                self.on_credit(deal)
