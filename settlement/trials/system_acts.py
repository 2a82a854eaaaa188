"""What faults of systems, keys, messages of matching and strangers do, and what they are answered.

| family | act | answer that is safe |
|---|---|---|
| F1 | the party has forgotten everything and repeats its last step when it is back | already |
| F2 | a step that needs the ledger while it is out; the last step again when it is back | someone_out; already |
| F7 slow | a member of the notary is silent; steps take a second round | certified |
| F7 down | half of the members are out; afterwards a request whose window is over is shown again | no_quorum; window, certified |
| F7 split_quorum | two spends of one input, half of the members sign each; a new round when it ends | no_quorum; certified, conflict |
| F12 | an instruction with a wrong field, and a step under those terms; the right one at the end | alleged or bad_amount, terms; matched |
| F18 | links in a circle, or to nobody; the link is cut at the end | link_circle, link_missing; released |
| F19 | the register is taken while obligations are under way | (a record: locked units are their giver's) |
| F21 lag | the index stops reading and reads on | caught_up |
| F21 loss | records never reach it | gap, rebuilt |
| F22 | a key is changed, lost or withdrawn between signing and using what it signed | bad_signature; signed |
| F23 | a client's personal data are deleted | deleted |
| F25, F29 | what is under way is asked to go on under the new contract, to the new escrow | terms |
| F27 | a stranger asks about obligations that exist and one that does not | unknown |
| F28 | ten thousand tiny requests of one sender | limit |
| F30 | whoever waits for the decision acts without it | someone_out |

While an act lasts its stretch lasts too (weather.py): a notary without a quorum is out, an unmatched obligation waits.
Each promise above is a check: a wrong answer stops the trial. Cost: at most SHOWN obligations an act.
Errors: InvariantBroken.
"""

from collections.abc import Callable
from functools import partial
from hashlib import sha256
from typing import Final

from market.errors import check
from settlement.designs.enact import Answer, Terms
from settlement.designs.rules import Rule
from settlement.designs.states import ObligationState
from settlement.keys import KeyRing
from settlement.lifecycle import matching
from settlement.trials.clients import names_of
from settlement.trials.desk import Deal
from settlement.trials.door import UNKNOWN, ask
from settlement.trials.parts import Gate, Index, Quorum, Signed, circle
from settlement.trials.runner import Runner
from settlement.trials.strikes import ADMITTED_MAX
from settlement.trials.weather import Act

SHOWN: Final = 4
"""Obligations under way on which a fault of a system is shown."""

MEMBERS: Final = 4
FLOOD: Final = 10_000
_STRANGER: Final = "stranger"
Tell = Callable[[Act, str, str], None]


class SystemActs:
    """Acts that need more than accounts.

    Args:
        runner: The trial.
        tell: Writes an answer down: act, obligation (empty for a whole system), answer.
        repeat: Repeats the last step of an obligation after a restart.
    """

    def __init__(self, runner: Runner, tell: Tell, repeat: Callable[[Act, Deal], None]) -> None:
        self.runner = runner
        self.desk = runner.desk
        self.tell = tell
        self.repeat = repeat
        self.keys = KeyRing(f"trial {self.desk.case.seed}", signing=True)
        self.do: dict[str, Callable[[Act], None]] = {
            "F1": self._forget,
            "F2": self._ledger_out,
            "F7": self._notary,
            "F12": self._mismatch,
            "F18": self._link,
            "F19": self._take_register,
            "F21": self._index,
            "F22": self._key,
            "F23": self._delete,
            "F25": self._replace_contract,
            "F27": self._probe,
            "F28": self._flood,
            "F29": self._replace_escrow,
        }

    def _under_way(self) -> list[Deal]:
        """The first obligations of which a leg is given and that are not over."""
        found: list[Deal] = []
        for deal in self.desk.deals.values():
            if deal.is_open and deal.taken and deal.run.world.is_begun:
                found.append(deal)
                if len(found) == SHOWN:
                    break
        return found

    def _later(self, act: Act, do: Callable[[], None]) -> None:
        self.desk.plan(act.until_ns, do)

    def _forget(self, act: Act) -> None:
        deal = self.desk.deals.get(act.strike.target)
        if deal is not None and deal.is_open and deal.taken:
            self.repeat(act, deal)

    # --- ledgers and the notary

    def _ledger_out(self, act: Act) -> None:
        for deal in self._under_way():
            deal.run.world = world = self.runner.seen_world(deal)
            for rule in self.runner.protocol.rules:
                waits = rule.origin is world.state and not self.runner.protocol.can_act(rule, world)
                if waits and (rule.deliver or rule.lock):
                    self._refused(act, deal, rule, Answer.SOMEONE_OUT)
                    break
            self._later(act, partial(self._again, act, deal))

    def _again(self, act: Act, deal: Deal) -> None:
        if deal.is_open:
            self.repeat(act, deal)

    def _refused(self, act: Act, deal: Deal, rule: Rule, safe: Answer) -> None:
        answer = deal.run.take(deal.step_id(1), rule)
        check(answer is safe, "I16: nothing moves that is refused", deal=deal.name, answer=answer)
        self.tell(act, deal.name, answer)

    def _notary(self, act: Act) -> None:
        quorum, kind = Quorum(MEMBERS), act.strike.kind
        for deal in self._under_way():
            state, spend = f"{deal.name}/{deal.run.world.attempt}", f"{deal.name} as agreed"
            ask_for = partial(quorum.sign, at_ns=act.from_ns, until_ns=act.until_ns)
            up = range(MEMBERS - 1 if kind == "slow" else MEMBERS // 2)
            for member in up:
                ask_for(member, state, spend)
            if kind == "split_quorum":
                for member in range(MEMBERS // 2, MEMBERS):
                    ask_for(member, state, f"{deal.name} to another")
            told = quorum.certified(state)
            check(bool(told) == (kind == "slow"), "I5: a majority certifies", state=state)
            self.tell(act, deal.name, "certified" if told else "no_quorum")
            if not told:
                self._later(act, partial(self._notary_back, act, quorum, deal.name, state, spend))

    def _notary_back(self, act: Act, quorum: Quorum, name: str, state: str, spend: str) -> None:
        now, window = self.desk.at_ns, self.desk.at_ns + 1
        quorum.next_round(state)
        if act.strike.kind == "down":
            late = quorum.sign(0, state, spend, at_ns=now, until_ns=act.until_ns)
            check(late is Signed.WINDOW, "no member signs after the window", state=state)
            self.tell(act, name, late)
        for member in range(MEMBERS):
            quorum.sign(member, state, spend, at_ns=now, until_ns=window)
        check(quorum.certified(state) == spend, "a new round certifies", state=state)
        self.tell(act, name, "certified")
        if act.strike.kind == "split_quorum":
            rival = f"{name} to another"
            again = quorum.sign(0, state, rival, at_ns=now, until_ns=window)
            check(again is Signed.CONFLICT, "I5: an input is spent once", state=state)
            self.tell(act, name, again)

    # --- what is agreed

    def _mismatch(self, act: Act) -> None:
        deal = self.desk.deals.get(act.strike.target)
        if deal is None or not deal.is_open or deal.run.world.is_begun:
            return
        place, trade = matching.MatchingDesk(), deal.trade
        deliver = matching.Instruction(
            "d", matching.Side.DELIVER, trade.seller, trade.buyer, trade.issue, trade.units,
            trade.yen, trade.day, deal.name,
        )  # fmt: skip
        receive = deliver._replace(
            instruction_id="r", side=matching.Side.RECEIVE, party=trade.buyer,
            counterparty=trade.seller,
        )  # fmt: skip
        right, other = (deliver, receive) if act.strike.side == "seller" else (receive, deliver)
        wrong = _WRONG[act.strike.kind](right)
        place.submit(other, trade.day)
        told = place.submit(wrong, trade.day)
        self.tell(act, deal.name, told)
        if trade.seller == trade.buyer:
            return  # nobody matches with oneself, whatever the field
        check(not place.pairs, "I24: what differs does not match", deal=deal.name)
        believed = _BELIEVED[act.strike.kind](deal.run.terms)
        rule = next(one for one in self.runner.protocol.rules if one.lock or one.deliver)
        self._differs(act, deal, rule, believed)
        self._later(act, partial(self._match, act, place, right, wrong, deal))

    def _match(
        self, act: Act, place: matching.MatchingDesk, right: matching.Instruction,
        wrong: matching.Instruction, deal: Deal,
    ) -> None:  # fmt: skip
        place.cancel(wrong.instruction_id)
        told = place.submit(right._replace(instruction_id="again"), deal.trade.day)
        check(told is matching.Answer.MATCHED, "what is equal matches", deal=deal.name, told=told)
        self.tell(act, deal.name, told)

    def _differs(self, act: Act, deal: Deal, rule: Rule, believed: Terms) -> None:
        answer = deal.run.take(deal.step_id(1), rule, under=believed)
        check(answer is Answer.TERMS, "I24: terms agreed are terms executed", deal=deal.name)
        self.tell(act, deal.name, answer)

    def _link(self, act: Act) -> None:
        name = act.strike.target
        deal = self.desk.deals.get(name)
        if deal is None or not deal.is_open:
            return
        others = [one.name for one in self.desk.deals.values() if one.is_open and one is not deal]
        if act.strike.kind == "missing_partner" or not others:
            check(not circle({name: ""}, name), "a link to nobody is no circle")
            self.tell(act, name, "link_missing")
        else:
            links = {name: others[0], others[0]: others[-1], others[-1]: name}
            found = circle(links, name)
            check(len(found) in {2, 3}, "a circle of links is found", found=found)
            self.tell(act, name, "link_circle")
            del links[others[-1]]
            check(not circle(links, name), "a circle that is cut is none", links=links)
        self._later(act, partial(self.tell, act, name, "released"))

    def _replace_contract(self, act: Act) -> None:
        self.desk.version += 1
        self._agree_anew(act)

    def _replace_escrow(self, act: Act) -> None:
        self.desk.escrow = f"escrow {int(self.desk.escrow.split()[1]) + 1}"
        self._agree_anew(act)

    def _agree_anew(self, act: Act) -> None:
        """What is under way goes on as agreed and refuses anything else; the rest is agreed anew."""
        shown = 0
        for deal in self.desk.deals.values():
            if not deal.is_open:
                continue
            new = self.runner.terms(deal)
            if not deal.run.world.is_begun:
                deal.run.bind(new)
            elif shown < SHOWN:
                shown += 1
                rule = next(one for one in self.runner.protocol.rules if one.deliver)
                self._differs(act, deal, rule, new)

    # --- registers, readers, strangers

    def _take_register(self, act: Act) -> None:
        self.desk.take_register(act.strike.target)

    def _index(self, act: Act) -> None:
        index = Index()
        index.follow(self.desk.log, 0)
        self._compare(index)
        self._later(act, partial(self._read_on, act, index, len(self.desk.log)))

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
        self._later(act, partial(self._new_key, act, firm, digest, before))

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

    # --- a decision that does not come

    def unknown(self, act: Act, deal: Deal) -> bool:
        """Act on a decision that nobody knows; whether the moment for it had come or is over."""
        if self.desk.at_ns >= act.until_ns:
            return True
        world, waits = self.runner.seen_world(deal), False
        kept, deal.run.world = deal.run.world, world
        for rule in self.runner.protocol.rules:
            decides = rule.origin is world.state and rule.name in _DECIDES
            if decides and not self.runner.protocol.can_act(rule, world):
                self._refused(act, deal, rule, Answer.SOMEONE_OUT)
                waits = True
        deal.run.world = kept
        return waits or world.state is ObligationState.DECIDED


_DECIDES: Final = frozenset({"pay", "pay_in_validation", "refuse", "success", "failure"})
_I = matching.Instruction
_WRONG: Final[dict[str, Callable[[_I], _I]]] = {
    "amount": lambda one: one._replace(yen=one.yen + 1),
    "payee": lambda one: one._replace(counterparty="somebody else"),
    "asset": lambda one: one._replace(issue="another issue"),
    "hash": lambda one: one._replace(client_ref="another reference"),
    "zero": lambda one: one._replace(units=0),
}
_BELIEVED: Final[dict[str, Callable[[Terms], Terms]]] = {
    "amount": lambda terms: terms._replace(yen=terms.yen + 1),
    "payee": lambda terms: terms._replace(seller="somebody else"),
    "asset": lambda terms: terms._replace(units=terms.units + 1),
    "hash": lambda terms: terms._replace(version=terms.version + 1),
    "zero": lambda terms: terms._replace(units=0),
}
