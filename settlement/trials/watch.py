"""The watch: invariants of a trial, checked at every record as it is written.

| invariant | where it is checked |
|---|---|
| I1, I2 supply of units and of yen is what was opened | here, at every posting and at the end |
| I3 nobody is below zero, locks counted | here, at every posting and lock; books.py |
| I4 legs end together; one leg ahead only where the state allows it; SPLIT has a loss | here, at every state; desk.py |
| I5 a lock ends once, its number is never used again | here, at every lock; books.py, legs.py |
| I6 every lock ends | here, at the end |
| I7 the second lock leaves the margin | the table of B1, as its guard |
| I8 an end is an end: no state, leg or lock follows it | here; desk.py |
| I9 no leg beyond what is owed | here, at every leg; lifecycle/partials.py |
| I10 an id has one content; a step is taken once | designs/enact.py; acts.py |
| I11, I12 a set moves what its legs come to, and all its members move | legs.py, queue.py, batch.py |
| I16 nothing moves while stopped, returns excepted | the tables' bars, asked at every step (designs/rules.py) |
| I17 every state has an actor, a reason and a time that never goes back | here, at every record |
| I18 the same case gives the same log | tests |
| I19 one key of two | designs/search.py |
| I20 exits | designs/search.py |
| I21 charges are from one to another | here, at every penalty |
| I24 terms agreed are terms executed | designs/enact.py: terms are fixed when it is made; here: no leg beyond them |

Not in a trial: I13 and I22 (registers of record dates and custodians), I14, I15 and I23 (who sees what, personal data,
secrets), I25 (validation paths); the token ledgers and their tests hold those.
Reads records and nothing else of the run. Cost: O(1) a record. Errors: InvariantBroken.
"""

from collections.abc import Callable
from typing import Any

from market.errors import check
from settlement.designs.states import ONE_LEG_ALLOWED, Leg, ObligationState
from settlement.trials.records import (
    FINAL,
    LegFinal,
    LockEnded,
    LockMade,
    LogRecord,
    Obliged,
    Opened,
    PenaltyCharged,
    Posted,
    PrincipalLost,
    StateChanged,
)


class Watch:
    """Balances, locks and legs as the records say."""

    def __init__(self) -> None:
        self._at_ns = 0
        self._free: dict[tuple[str, str], int] = {}
        self._supply: dict[str, int] = {}
        self._locks: dict[int, LockMade] = {}
        self._last_lock = 0
        self._owed: dict[str, Obliged] = {}
        self._done: dict[str, dict[Leg, int]] = {}
        self._states: dict[str, ObligationState] = {}
        self._split: dict[str, None] = {}
        self._see: dict[type, Callable[[Any], None]] = {
            Opened: self._opened,
            Obliged: self._obliged,
            Posted: self._posted,
            LockMade: self._locked,
            LockEnded: self._unlocked,
            LegFinal: self._leg,
            StateChanged: self._state,
            PenaltyCharged: self._penalty,
            PrincipalLost: self._lost,
        }

    def see(self, record: LogRecord) -> None:
        """One record; it is judged before it stands."""
        check(record.at_ns >= self._at_ns, "I17: time does not go back", record=record)
        self._at_ns = record.at_ns
        if (see := self._see.get(type(record))) is not None:
            see(record)

    def close(self) -> None:
        """The end of the trial."""
        check(not self._locks, "I6: every lock ends")
        check(not self._split, "I4: a split has a loss")
        held: dict[str, int] = {}
        for (_, asset), amount in self._free.items():
            held[asset] = held.get(asset, 0) + amount
        for asset, supply in self._supply.items():
            check(held[asset] == supply, "I1: what is held is what was opened", asset=asset)
        for name in self._owed:
            check(self._states.get(name) in FINAL, "I6: every obligation ends", deal=name)

    def _opened(self, one: Opened) -> None:
        check((one.owner, one.asset) not in self._free, "I10: an account opens once")
        self._free[one.owner, one.asset] = one.amount
        self._supply[one.asset] = self._supply.get(one.asset, 0) + one.amount

    def _obliged(self, one: Obliged) -> None:
        check(one.deal not in self._owed, "I10: an obligation has a new name", deal=one.deal)
        self._owed[one.deal] = one
        self._done[one.deal] = {Leg.TOKEN: 0, Leg.CASH: 0}

    def _take(self, owner: str, asset: str, amount: int) -> None:
        left = self._free.get((owner, asset), 0) - amount
        check(amount > 0 and left >= 0, "I3: nobody is below zero", owner=owner, left=left)
        self._free[owner, asset] = left

    def _posted(self, one: Posted) -> None:
        self._take(one.giver, one.asset, one.amount)
        taker = one.taker, one.asset
        self._free[taker] = self._free.get(taker, 0) + one.amount

    def _locked(self, one: LockMade) -> None:
        check(one.lock > self._last_lock, "I5: the number of a lock is new", lock=one.lock)
        state = self._states.get(one.deal)
        check(state not in FINAL, "I8: nothing is locked after an end", deal=one.deal)
        self._last_lock = one.lock
        self._take(one.owner, one.asset, one.amount)
        self._locks[one.lock] = one

    def _unlocked(self, one: LockEnded) -> None:
        made = self._locks.pop(one.lock, None)
        check(made is not None, "I5: a lock ends once", lock=one.lock)
        if made is not None:
            self._free[made.owner, made.asset] += made.amount

    def _leg(self, one: LegFinal) -> None:
        state = self._states.get(one.deal)
        check(state not in FINAL, "I8: no leg moves after an end", deal=one.deal)
        owed, done = self._owed[one.deal], self._done[one.deal]
        done[one.leg] += one.amount
        whole = owed.units if one.leg is Leg.TOKEN else owed.yen
        check(0 <= done[one.leg] <= whole, "I9: no leg beyond what is owed", deal=one.deal)

    def _state(self, one: StateChanged) -> None:
        check(self._states.get(one.deal) not in FINAL, "I8: an end is an end", deal=one.deal)
        check(bool(one.actor and one.reason), "I17: a state has an actor and a reason", record=one)
        owed, done = self._owed[one.deal], self._done[one.deal]
        units, yen = done[Leg.TOKEN], done[Leg.CASH]
        ahead = abs(units * owed.yen - yen * owed.units) > owed.units
        if one.state is ObligationState.SETTLED:
            whole = units == owed.units and yen == owed.yen
            check(whole, "I4: settled means both legs", deal=one.deal)
        check(not ahead or one.state in ONE_LEG_ALLOWED, "I4: legs end together", record=one)
        if one.state is ObligationState.SPLIT:
            check(ahead, "I4: a split has one leg", record=one)
            self._split[one.deal] = None
        self._states[one.deal] = one.state

    def _lost(self, one: PrincipalLost) -> None:
        check(one.deal in self._split, "I4: only a split loses principal", record=one)
        check(bool(one.bearer and one.cause), "a loss has a bearer and a cause", record=one)
        del self._split[one.deal]

    @staticmethod
    def _penalty(one: PenaltyCharged) -> None:
        between = one.yen > 0 and one.payer != one.taker
        check(between, "I21: a charge is from one to another", record=one)
