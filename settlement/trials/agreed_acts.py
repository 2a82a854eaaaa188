"""What faults do to what is agreed: instructions, links, the contract and the escrow of the terms.

| family | act | answer that is safe |
|---|---|---|
| F12 | an instruction with a wrong field, and a step under those terms; the right one at the end | alleged or bad_amount, terms; matched |
| F18 | links in a circle, or to nobody; the link is cut at the end | link_circle, link_missing; released |
| F25, F29 | what is under way is asked to go on under the new contract, to the new escrow | terms |

While an act lasts its stretch lasts too (weather.py).
Each promise above is a check: a wrong answer stops the trial. Cost: at most SHOWN obligations an act.
Errors: InvariantBroken.
"""

from collections.abc import Callable
from functools import partial
from typing import Final

from market.errors import check
from settlement.designs.enact import Answer, Terms
from settlement.designs.rules import Rule
from settlement.lifecycle import matching
from settlement.trials.act_base import SHOWN, ActsOf, Tell
from settlement.trials.desk import Deal
from settlement.trials.parts import circle
from settlement.trials.runner import Runner
from settlement.trials.weather import Act


class AgreedActs(ActsOf):
    """Acts on instructions and terms."""

    def __init__(self, runner: Runner, tell: Tell) -> None:
        super().__init__(runner, tell)
        self.do = {
            "F12": self._mismatch,
            "F18": self._link,
            "F25": self._replace_contract,
            "F29": self._replace_escrow,
        }

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
        self.later(act, partial(self._match, act, place, right, wrong, deal))

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
        self.later(act, partial(self.tell, act, name, "released"))

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
