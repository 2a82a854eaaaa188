"""The ledger of one leg of one obligation, over the accounts of a trial.

Purpose: what an Enactment asks of a ledger, answered by books.py and written to the log. A leg inside a set
(an offset set or a net cycle) is noted instead of moved: the set moves once, net, and the pool checks that
what was noted leg by leg is what was moved (I11, I12).
To oneself nothing moves and nothing is locked. Cost: O(1). Errors: InvariantBroken.
"""

from market.errors import check
from settlement.designs.states import Leg
from settlement.ledger import HoldId
from settlement.trials.desk import Deal, Desk
from settlement.trials.records import YEN

Flows = dict[tuple[str, str], int]


class Pool:
    """What the legs of a set come to while the set is being settled."""

    def __init__(self) -> None:
        self.noted: Flows | None = None

    def open(self) -> None:
        """From here on legs are noted."""
        self.noted = {}

    def note(self, asset: str, giver: str, taker: str, amount: int) -> None:
        """One leg."""
        if self.noted is not None and giver != taker:
            self.noted[giver, asset] = self.noted.get((giver, asset), 0) - amount
            self.noted[taker, asset] = self.noted.get((taker, asset), 0) + amount

    def close(self, moved: Flows) -> None:
        """The set is over: it moved what its legs say."""
        noted = {place: amount for place, amount in (self.noted or {}).items() if amount}
        same = noted == {place: amount for place, amount in moved.items() if amount}
        check(same, "I11: a set moves what its legs come to")
        self.noted = None


class DealLeg:
    """One leg: a ledger for an Enactment."""

    __slots__ = ("_deal", "_desk", "_leg", "_lock", "_noted", "_pool")

    def __init__(self, desk: Desk, deal: Deal, leg: Leg, pool: Pool) -> None:
        self._desk = desk
        self._deal = deal
        self._leg = leg
        self._pool = pool
        self._lock: int | None = None
        self._noted: tuple[str, str, int] | None = None

    @property
    def asset(self) -> str:
        """What the leg gives."""
        return self._deal.trade.issue if self._leg is Leg.TOKEN else YEN

    def can_give(self, owner: str, amount: int) -> bool:
        """Whether a hold or post would succeed: in a set always, because the set was found to."""
        trade = self._deal.trade
        if trade.seller == trade.buyer:
            return True
        if self._leg is Leg.CASH and self._desk.money_failed:
            return False
        short = self._leg is Leg.CASH and owner == trade.buyer
        if short and self._desk.weather.is_short(self._deal.name, self._desk.at_ns):
            return False
        if self._pool.noted is not None:
            return True
        watch = self._desk.watch
        watch.reading = True
        can = self._desk.has(owner, self.asset, amount)
        watch.reading = False
        return can

    def post(self, giver: str, taker: str, amount: int) -> None:
        """Move at once."""
        if self._pool.noted is None:
            self._desk.post(self._deal.name, self.asset, giver, taker, amount)
        else:
            self._pool.note(self.asset, giver, taker, amount)
        self._desk.count(self._deal, self._leg, amount)

    def hold(self, hold_id: HoldId, giver: str, taker: str, amount: int) -> None:
        """Lock for the other side; the hold's id is the attempt's and is checked by the Enactment."""
        check(self._noted is None, "I5: a leg has one lock", hold_id=hold_id)
        self._noted = giver, taker, amount
        if self._pool.noted is None and giver != taker:
            self._lock = self._desk.lock_amount(
                self._deal.name, giver, self.asset, amount, self._deal.option_until_ns
            )

    def post_hold(self, hold_id: HoldId) -> None:
        """Deliver what is locked."""
        giver, taker, amount = self._end(hold_id, delivered=True)
        self.post(giver, taker, amount)

    def void_hold(self, hold_id: HoldId) -> None:
        """Return what is locked."""
        self._end(hold_id, delivered=False)

    def _end(self, hold_id: HoldId, *, delivered: bool) -> tuple[str, str, int]:
        noted, self._noted = self._noted, None
        check(noted is not None, "I5: only a live lock ends", hold_id=hold_id)
        if noted is None:  # pragma: no cover  for the type checker
            raise AssertionError
        if self._lock is not None:
            self._desk.end_lock(self._lock, delivered=delivered)
            self._lock = None
        return noted
