"""What faults of parties, ledgers, the notary and the decision outside do, and what they are answered.

| family | act | answer that is safe |
|---|---|---|
| F1 | the party has forgotten everything and repeats its last step when it is back | already |
| F2 | a step that needs the ledger while it is out; the last step again when it is back | someone_out; already |
| F7 slow | a member of the notary is silent; steps take a second round | certified |
| F7 down | half of the members are out; afterwards a request whose window is over is shown again | no_quorum; window, certified |
| F7 split_quorum | two spends of one input, half of the members sign each; a new round when it ends | no_quorum; certified, conflict |
| F30 | whoever waits for the decision acts without it | someone_out |

What is agreed is in agreed_acts.py; registers, readers, keys and strangers are in reader_acts.py.
While an act lasts its stretch lasts too (weather.py): a notary without a quorum is out, an unmatched obligation waits.
Each promise above is a check: a wrong answer stops the trial. Cost: at most SHOWN obligations an act.
Errors: InvariantBroken.
"""

from collections.abc import Callable
from functools import partial
from typing import Final

from market.errors import check
from settlement.designs.enact import Answer
from settlement.designs.rules import Rule
from settlement.designs.states import ObligationState
from settlement.trials.act_base import SHOWN, ActsOf, Tell
from settlement.trials.agreed_acts import AgreedActs
from settlement.trials.desk import Deal
from settlement.trials.parts import Quorum, Signed
from settlement.trials.reader_acts import ReaderActs
from settlement.trials.runner import Runner
from settlement.trials.weather import Act

MEMBERS: Final = 4


class SystemActs(ActsOf):
    """Acts that need more than accounts; ``do`` has those of the other modules too.

    Args:
        runner: The trial.
        tell: Writes an answer down: act, obligation (empty for a whole system), answer.
        repeat: Repeats the last step of an obligation after a restart.
    """

    def __init__(self, runner: Runner, tell: Tell, repeat: Callable[[Act, Deal], None]) -> None:
        super().__init__(runner, tell)
        self.repeat = repeat
        self.do = {
            "F1": self._forget,
            "F2": self._ledger_out,
            "F7": self._notary,
            **AgreedActs(runner, tell).do,
            **ReaderActs(runner, tell).do,
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
            self.later(act, partial(self._again, act, deal))

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
                self.later(act, partial(self._notary_back, act, quorum, deal.name, state, spend))

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
