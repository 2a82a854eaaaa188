"""The accounts of a trial: what is free, what is locked, and every posting into the log.

Invariants (always on): nobody gives or locks more than is free (I3); a posting has a giver and a taker
(I1, I2); a lock ends once and its number is never used again (I5).
Cost: O(1) a posting. Units: yen and units. Errors: InvariantBroken only.
"""

from market.errors import check
from settlement.trials.clients import NONE, Clients
from settlement.trials.records import (
    YEN,
    LockEnded,
    LockMade,
    LogRecord,
    Opened,
    Posted,
    RegisterTaken,
)
from settlement.trials.watch import Watch


class Lock:
    """An amount that its owner cannot use."""

    __slots__ = ("amount", "asset", "deal", "owner")

    def __init__(self, owner: str, asset: str, amount: int, deal: str) -> None:
        self.owner, self.asset, self.amount, self.deal = owner, asset, amount, deal


class Books:
    """Accounts and locks of every owner and asset.

    Attributes:
        log: What happened.
        watch: Judges every record.
        clients: Whose units are in the firms' accounts.
        free: What each owner can give, by owner and asset.
        locks: Live locks by number.
        at_ns: Virtual time.
    """

    def __init__(self, at_ns: int) -> None:
        """Empty accounts at a time."""
        self.log: list[LogRecord] = []
        self.watch = Watch()
        self.clients = Clients()
        self.free: dict[tuple[str, str], int] = {}
        self.locks: dict[int, Lock] = {}
        self.at_ns = at_ns
        self._last_lock = 0

    def write(self, record: LogRecord) -> None:
        """One more record, watched."""
        self.watch.see(record)
        self.log.append(record)

    def open_account(self, owner: str, asset: str, amount: int) -> None:
        """What an owner begins with."""
        self.free[owner, asset] = amount
        shares = NONE if asset == YEN else self.clients.open(owner, asset, amount)
        self.write(Opened(at_ns=self.at_ns, owner=owner, asset=asset, amount=amount, shares=shares))

    def credited(self, owner: str, asset: str) -> None:
        """Something came in for an owner; whoever settles overrides this."""

    def has(self, owner: str, asset: str, amount: int) -> bool:
        """Whether an owner can give an amount now."""
        return self.free.get((owner, asset), 0) >= amount

    def held(self) -> dict[tuple[str, str], int]:
        """What each owner has: free and locked. O(accounts + locks)."""
        found = dict(self.free)
        for lock in self.locks.values():
            found[lock.owner, lock.asset] = found.get((lock.owner, lock.asset), 0) + lock.amount
        return found

    def take_register(self, issue: str) -> None:
        """Write down who owns an issue in law now: locked units are still their giver's."""
        rows = sorted(
            (owner, amount) for (owner, asset), amount in self.held().items() if asset == issue
        )
        self.write(RegisterTaken(at_ns=self.at_ns, issue=issue, rows=tuple(rows)))

    def post(self, deal: str, asset: str, giver: str, taker: str, amount: int) -> None:
        """Move an amount; whoever waited for it hears of it. To oneself nothing moves."""
        if amount == 0 or giver == taker:
            return
        check(self.has(giver, asset, amount), "I3: nobody gives what is not free", giver=giver)
        self.free[giver, asset] -= amount
        self.free[taker, asset] = self.free.get((taker, asset), 0) + amount
        out = in_ = NONE
        if asset != YEN:
            out = self.clients.give(giver, asset, amount)
            in_ = self.clients.take(taker, asset, amount)
        self.write(
            Posted(
                at_ns=self.at_ns, deal=deal, asset=asset, giver=giver, taker=taker, amount=amount,
                giver_shares=out, taker_shares=in_,
            )
        )  # fmt: skip
        self.credited(taker, asset)

    def lock_amount(
        self, deal: str, owner: str, asset: str, amount: int, option_until_ns: int = 0
    ) -> int:
        """Lock an amount; the number of the lock is never used again."""
        check(self.has(owner, asset, amount), "I3: nobody locks what is not free", owner=owner)
        self._last_lock += 1
        self.free[owner, asset] = self.free.get((owner, asset), 0) - amount
        self.locks[self._last_lock] = Lock(owner, asset, amount, deal)
        self.write(
            LockMade(
                at_ns=self.at_ns, lock=self._last_lock, deal=deal, owner=owner, asset=asset,
                amount=amount, option_until_ns=option_until_ns,
            )
        )  # fmt: skip
        return self._last_lock

    def end_lock(self, number: int, *, delivered: bool) -> Lock:
        """End a lock, once; the amount is free again and, when delivered, posted next."""
        lock = self.locks.pop(number, None)
        check(lock is not None, "I5: a lock ends once", lock=number)
        if lock is None:  # pragma: no cover  for the type checker
            raise AssertionError
        self.free[lock.owner, lock.asset] += lock.amount
        self.write(LockEnded(at_ns=self.at_ns, lock=number, delivered=delivered))
        if not delivered:
            self.credited(lock.owner, lock.asset)
        return lock
