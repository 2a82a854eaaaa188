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
| I11, I12 a set moves what its legs come to, and all its members move; a house is flat | legs.py, queue.py, batch.py; here, at every novation |
| I13 a register says what each owner holds, locked units with their giver, and sums to what was opened | here, at every register |
| I14 nobody hears of an obligation who neither is a party nor settles it | here, at every message and answer |
| I15 no personal data: words are opaque ids of few characters | here, at every new word of a record |
| I16 nothing moves while stopped, returns excepted | the tables' bars, asked at every step (designs/rules.py); here: no payment after the default of the money's issuer |
| I17 every state has an actor, a reason and a time that never goes back | here, at every record |
| I18 the same case gives the same log | tests |
| I19 one key of two | designs/search.py |
| I20 exits | designs/search.py |
| I21 charges are from one to another | here, at every penalty |
| I22 a custodian's clients have together what its account has | here, at every posting of units |
| I23 a secret is in no record before it is shown, and then fits its hash | here, at every secret |
| I24 terms agreed are terms executed | designs/enact.py: terms are fixed when it is made; here: no leg beyond them |
| I25 nothing moves while somebody only asks or validates | here, at every posting, lock and leg; door.py, legs.py |

Reads records and nothing else of the run. Cost: O(1) a record. Errors: InvariantBroken.
"""

import re
from collections.abc import Callable
from hashlib import sha256
from operator import attrgetter
from typing import Any, Final

from market.errors import check
from settlement.designs.states import ONE_LEG_ALLOWED, Leg, ObligationState
from settlement.trials.clients import Shares
from settlement.trials.records import (
    FINAL,
    ISSUER,
    SYSTEMS,
    YEN,
    Asked,
    BookBreak,
    BoughtIn,
    Could,
    Delayed,
    FundCharged,
    FundPaid,
    FundRepaid,
    IssuerDefaulted,
    LegFinal,
    LockEnded,
    LockMade,
    LogRecord,
    LossShared,
    Novated,
    Obliged,
    OffsetRun,
    Opened,
    PenaltyCharged,
    Posted,
    PrincipalLost,
    RegisterTaken,
    Said,
    SecretHashed,
    SecretShown,
    Sent,
    StateChanged,
    Struck,
    Tried,
    UnitsBought,
    Waited,
    WrittenDown,
)

_WORDS: Final[dict[type, tuple[str, ...]]] = {
    Opened: ("owner", "asset"),
    Obliged: ("deal", "seller", "buyer", "issue"),
    StateChanged: ("actor", "reason"),
    Sent: ("sender", "to"),
    Could: (),
    Waited: (),
    LockMade: ("deal", "owner", "asset"),
    LockEnded: (),
    Posted: ("deal", "asset", "giver", "taker"),
    LegFinal: (),
    OffsetRun: (),
    Struck: ("family", "kind", "target", "cause", "effect"),
    Tried: ("deal", "family", "kind", "cause", "answer"),
    Asked: ("asker", "deal", "told"),
    RegisterTaken: ("issue",),
    Delayed: ("cause", "family"),
    PrincipalLost: ("bearer", "cause", "family"),
    BookBreak: (),
    PenaltyCharged: ("payer", "taker"),
    BoughtIn: ("payer", "taker"),
    UnitsBought: ("supplier",),
    Novated: ("house",),
    LossShared: ("defaulter", "line", "payer"),
    FundCharged: ("payer",),
    FundPaid: ("payer",),
    FundRepaid: ("payer",),
    IssuerDefaulted: ("issuer",),
    WrittenDown: ("owner", "held", "cause", "family"),
    SecretHashed: ("digest",),
    SecretShown: (),
    Said: ("owner", "asset"),
}
"""The whitelist: every kind of record with its words that do not stand in an earlier record already; a
kind that is not here cannot be written. A secret joins the words when it is shown."""


def _reader(names: tuple[str, ...]) -> Callable[[Any], tuple[str, ...]]:
    """Reads the words of a record in one call."""
    if not names:
        return lambda _record: ()
    read: Callable[[Any], Any] = attrgetter(*names)
    return read if len(names) > 1 else lambda record: (read(record),)


_OPAQUE: Final = re.compile(r"[A-Za-z][A-Za-z0-9 +/_.:'-]{0,39}|[0-9]{1,6}(/part)?|[0-9a-f]{64}|")
"""Ids and the project's own terms: no @, no long numbers, no names in Japanese."""

_WORDS_OF: Final[dict[type, Callable[[Any], tuple[str, ...]]]] = {
    kind: _reader(names) for kind, names in _WORDS.items()
}

MILLION: Final = 1_000_000
_MOVES: Final = frozenset({Posted, LockMade, LockEnded, LegFinal, StateChanged})


class Watch:
    """Balances, locks and legs as the records say."""

    def __init__(self) -> None:
        self.reading = False
        self._at_ns = 0
        self._free: dict[tuple[str, str], int] = {}
        self._supply: dict[str, int] = {}
        self._locks: dict[int, LockMade] = {}
        self._last_lock = 0
        self._owed: dict[str, Obliged] = {}
        self._done: dict[str, dict[Leg, int]] = {}
        self._states: dict[str, ObligationState] = {}
        self._split: dict[str, None] = {}
        self._money_failed = False
        self._words: set[str] = set()
        self._omnibus: set[tuple[str, str]] = set()
        self._clients: dict[str, int] = {}
        self._novations: set[str] = set()
        self._hashes: dict[str, str] = {}
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
            BoughtIn: self._penalty,
            UnitsBought: self._bought,
            Novated: self._novated,
            Sent: self._sent,
            Asked: self._asked,
            RegisterTaken: self._register,
            SecretHashed: self._hashed,
            SecretShown: self._shown,
            IssuerDefaulted: self._defaulted,
        }

    def see(self, record: LogRecord) -> None:
        """One record; it is judged before it stands."""
        at_ns, kind = record.at_ns, type(record)
        if at_ns < self._at_ns:
            check(False, "I17: time does not go back", record=record)
        self._at_ns = at_ns
        if self.reading and kind in _MOVES:
            check(False, "I25: nothing moves while somebody only asks", record=record)
        words = _WORDS_OF[kind](record)
        if not self._words.issuperset(words):
            for word in words:
                self._word(word)
        if (see := self._see.get(kind)) is not None:
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

    def _word(self, word: str) -> None:
        """A word that perhaps no record had before."""
        check(_OPAQUE.fullmatch(word) is not None, "I15: words are opaque ids", word=word)
        self._words.add(word)

    def _bought(self, one: UnitsBought) -> None:
        owed, done = self._owed[one.deal], self._done[one.deal]
        units, yen = owed.units - done[Leg.TOKEN], owed.yen - done[Leg.CASH]
        check(one.units == units > 0, "I9: what is open is bought in", record=one)
        third = one.supplier not in {owed.seller, owed.buyer}
        check(third and 0 <= one.buyer_yen <= yen, "I24: a buyer pays what it agreed", record=one)
        above = one.buyer_yen == yen or one.seller_yen == 0
        check(above and one.seller_yen >= 0, "I21: a failer pays what is above", record=one)

    def _novated(self, one: Novated) -> None:
        flat = (one.units_in, one.yen_in) == (one.units_out, one.yen_out)
        check(flat, "I11: a house is flat", record=one)
        check(one.deal not in self._novations, "I10: a deal is novated once", deal=one.deal)
        self._novations.add(one.deal)
        owed = self._owed[one.deal]
        check((one.units_in, one.yen_in) == (owed.units, owed.yen), "I24: novation keeps terms")

    def _sent(self, one: Sent) -> None:
        deal = self._owed[one.deal]
        for name in (one.sender, one.to):
            told = name in SYSTEMS or name in {deal.seller, deal.buyer}
            check(told, "I14: who is no party hears nothing", record=one)

    def _asked(self, one: Asked) -> None:
        deal = self._owed.get(one.deal)
        party = deal is not None and one.asker in {deal.seller, deal.buyer}
        allowed = party or one.asker in SYSTEMS or one.told == "unknown"
        check(allowed, "I14: a stranger is told nothing", record=one)

    def _register(self, one: RegisterTaken) -> None:
        held: dict[str, int] = {}
        for (owner, asset), amount in self._free.items():
            if asset == one.issue:
                held[owner] = held.get(owner, 0) + amount
        for lock in self._locks.values():
            if lock.asset == one.issue:
                held[lock.owner] += lock.amount
        check(dict(one.rows) == held, "I13: a register says who owns what", issue=one.issue)
        total = sum(amount for _, amount in one.rows)
        check(total == self._supply.get(one.issue, 0), "I13: a register sums up", issue=one.issue)

    def _hashed(self, one: SecretHashed) -> None:
        self._hashes[one.deal] = one.digest

    def _shown(self, one: SecretShown) -> None:
        check(one.secret not in self._words, "I23: a secret is not known before it is shown")
        fits = sha256(one.secret.encode()).hexdigest() == self._hashes.get(one.deal)
        check(fits, "I23: a secret fits its hash", deal=one.deal)
        self._words.add(one.secret)

    def _shares(self, owner: str, asset: str, shares: Shares, amount: int, sign: int) -> None:
        """What moves in an account moves at its clients, all of it and nobody else's."""
        place = owner, asset
        if place not in self._omnibus:
            check(not shares, "I22: an account without clients has none", owner=owner)
            return
        total = 0
        for client, part in shares:
            own = client.rpartition("/")[0] == owner
            key = f"{client} {asset}"
            left = self._clients.get(key, 0) + sign * part
            check(own and part >= 0 and left >= 0, "I22: a client gives its own", client=client)
            self._clients[key] = left
            total += part
        check(total == amount, "I22: clients have what their account has", owner=owner)

    def _opened(self, one: Opened) -> None:
        if one.asset != YEN:
            self._omnibus.add((one.owner, one.asset))
            self._shares(one.owner, one.asset, one.shares, one.amount, 1)
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

    def _defaulted(self, one: IssuerDefaulted) -> None:
        once = not self._money_failed and 0 <= one.recovery_ppm <= MILLION
        check(once, "I10: an issuer defaults once, for a share", record=one)
        self._money_failed = True

    def _posted(self, one: Posted) -> None:
        pays = one.asset == YEN and one.taker != ISSUER
        check(not (self._money_failed and pays), "I16: no payment after a default", record=one)
        self._take(one.giver, one.asset, one.amount)
        if one.asset != YEN:
            self._shares(one.giver, one.asset, one.giver_shares, one.amount, -1)
            self._shares(one.taker, one.asset, one.taker_shares, one.amount, 1)
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
    def _penalty(one: PenaltyCharged | BoughtIn) -> None:
        between = one.yen > 0 and one.payer != one.taker
        check(between, "I21: a charge is from one to another", record=one)
