"""What faults do to registers, readers, keys and strangers.

| family | act | answer that is safe |
|---|---|---|
| F19 | the register is taken while obligations are under way | (a record: locked units are their giver's) |
| F21 lag | the index stops reading and reads on | caught_up |
| F21 loss | records never reach it | gap, rebuilt |
| F22 | a key is changed, lost or withdrawn between signing and using what it signed | bad_signature; signed |
| F23 | a client's personal data are deleted | deleted |
| F27 | a stranger asks about obligations that exist and one that does not | unknown |
| F28 | ten thousand tiny requests of one sender | limit |

While an act lasts its stretch lasts too (weather.py).
Each promise above is a check: a wrong answer stops the trial. Cost: at most SHOWN obligations an act.
Errors: InvariantBroken.
"""

from functools import partial
from hashlib import sha256
from typing import Final

from market.errors import check
from settlement.keys import KeyRing
from settlement.trials.act_base import SHOWN, ActsOf, Tell
from settlement.trials.clients import names_of
from settlement.trials.door import UNKNOWN, ask
from settlement.trials.parts import Gate, Index
from settlement.trials.runner import Runner
from settlement.trials.strikes import ADMITTED_MAX
from settlement.trials.weather import Act

FLOOD: Final = 10_000
_STRANGER: Final = "stranger"


class ReaderActs(ActsOf):
    """Acts on what is read, signed, kept and asked."""

    def __init__(self, runner: Runner, tell: Tell) -> None:
        super().__init__(runner, tell)
        self.keys = KeyRing(f"trial {self.desk.case.seed}", signing=True)
        self.do = {
            "F19": self._take_register,
            "F21": self._index,
            "F22": self._key,
            "F23": self._delete,
            "F27": self._probe,
            "F28": self._flood,
        }

    def _take_register(self, act: Act) -> None:
        self.desk.take_register(act.strike.target)

    def _index(self, act: Act) -> None:
        index = Index()
        index.follow(self.desk.log, 0)
        self._compare(index)
        self.later(act, partial(self._read_on, act, index, len(self.desk.log)))

    def _read_on(self, act: Act, index: Index, stopped: int) -> None:
        log = self.desk.log
        if act.strike.kind == "loss" and len(log) > stopped:
            check(not index.follow(log, len(log)), "a gap is seen", read=index.read)
            self.tell(act, "", "gap")
            fresh = Index()
            fresh.follow(log, 0)
            self._compare(fresh)
            self.tell(act, "", "rebuilt")
        else:
            index.follow(log, stopped)
            self._compare(index)
            self.tell(act, "", "caught_up")

    def _compare(self, index: Index) -> None:
        """What a reader that has read everything knows is what the accounts hold."""
        held = {place: amount for place, amount in index.held.items() if amount}
        books = {place: amount for place, amount in self.desk.held().items() if amount}
        check(held == books, "I13: an index that has read all agrees with the accounts")

    def _key(self, act: Act) -> None:
        firm, kind = act.strike.target, act.strike.kind
        digest = self._digest(firm)
        if firm in self.keys.revoked:
            self.tell(act, "", "bad_signature")
            return
        before = self.keys.sign(firm, digest)
        check(self.keys.verify(firm, digest, before), "a key signs", firm=firm)
        if kind == "rotated":
            self._new_key(act, firm, digest, before)
            return
        self.keys.revoke(firm)
        check(not self.keys.verify(firm, digest, before), "a key that has ended signs nothing")
        self.tell(act, "", "bad_signature")
        self.later(act, partial(self._new_key, act, firm, digest, before))

    def _new_key(self, act: Act, firm: str, digest: bytes, before: bytes) -> None:
        self.keys.rotate(firm)
        stale = self.keys.verify(firm, digest, before)
        check(not stale, "what an old key signed is not used", firm=firm)
        check(self.keys.verify_record(firm, digest, before), "but can be audited", firm=firm)
        self.tell(act, "", "bad_signature")
        check(self.keys.verify(firm, digest, self.keys.sign(firm, digest)), "a new key signs")
        self.tell(act, "", "signed")

    def _digest(self, firm: str) -> bytes:
        """What the firm signs next: the terms of its first open obligation."""
        for deal in self.desk.deals.values():
            if deal.is_open and firm in {deal.trade.seller, deal.trade.buyer}:
                return sha256(repr(deal.run.terms).encode()).digest()
        return sha256(firm.encode()).digest()

    def _delete(self, act: Act) -> None:
        deal = self.desk.deals.get(act.strike.target)
        if deal is None or not deal.is_open:
            return
        client = names_of(deal.firm(act.strike.side))[0]
        self.desk.clients.delete(client)
        check(client not in self.desk.clients.people, "I15: deleted is gone", client=client)
        self.tell(act, deal.name, "deleted")

    def _probe(self, act: Act) -> None:
        names = [deal.name for deal in self.desk.deals.values() if deal.is_open][:SHOWN]
        for name in (*names, "no such obligation"):
            told = ask(self.desk, _STRANGER, name)
            check(told == UNKNOWN, "I14: a stranger learns nothing", deal=name)
            self.tell(act, name if name in self.desk.deals else "", told)

    def _flood(self, act: Act) -> None:
        let_in = Gate(ADMITTED_MAX).admit(act.cause, FLOOD)
        check(let_in == ADMITTED_MAX, "a sender has no more than its limit", let_in=let_in)
        self.tell(act, "", "limit")
