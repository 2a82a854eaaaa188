"""What faults do: acts that the ledgers answer, as they would answer anybody.

| family | act | answer that is safe |
|---|---|---|
| F4 duplicate, reply_lost | the last step again, with its id, at once or when the sender gives up waiting | already |
| F4 reordered | a step of another state first | wrong_state |
| F5 | at the instant of a step, every other step of the state it left | wrong_state |
| F6 token, cash, stale_input | the same input spent a second time | locked; when nothing is locked yet the other spend wins for a while |
| F8 wrong_verdict | B3: failure instead of success; others: an abort or release without a recorded no | done, both legs back; guard |
| F8 both_keys | B3: one operator leaks its share of the other key; others: an abort after the payment | done, one share short; wrong_state |
| F8 replay | the id of the last step with another step's content | id_conflict |
| F10 | an amount that is locked is moved by force | locked |
| F13 | a second lock on a leg | wrong_state |
| F17 | a part below the threshold | refused |
| F20 | a restart from the record of every obligation under way, and its last step again | already |
| F26 | an amount beyond what anybody has | lack, mony |

What the default of the money's issuer does (F31) is in issuer.py; what faults of parties and systems do is in system_acts.py, of what is agreed in agreed_acts.py, of registers, keys and strangers in reader_acts.py.
In the designs that allow a loss the same act has another answer: B4 in the unsafe order takes the second spend (done) and
then splits. Ordering: acts of one instant in the order of the plan. Errors: InvariantBroken when a
repeated step is not recognised (I10).
"""

from collections.abc import Callable
from functools import partial
from typing import Final

from market.errors import check
from settlement.designs.conduct import Step
from settlement.designs.enact import Answer
from settlement.designs.rules import Rule
from settlement.designs.states import Leg, LegState, ObligationState
from settlement.lifecycle.partials import PartialRule, plan_fill
from settlement.trials import issuer
from settlement.trials.desk import Deal
from settlement.trials.records import YEN, Delayed, Tried
from settlement.trials.runner import Runner
from settlement.trials.system_acts import SystemActs
from settlement.trials.weather import Act

_S = ObligationState
_MOVING: Final = frozenset({"F8", "F30"})
_WRONG_VERDICTS: Final = (
    (_S.LOCKED_2, "failure"),
    (_S.LOCKED_1, "abort"),
    (_S.LOCKED_1, "release"),
)
"""What an agent, oracle or notary says that is wrong, in the tables that have it."""


class Acts:
    """Plans every act of a trial's faults."""

    def __init__(self, runner: Runner) -> None:
        self.runner = runner
        self.desk = runner.desk
        self._after: dict[str, list[Act]] = {}
        self.systems = SystemActs(runner, self._told, self._restart)
        self.systems.do[issuer.FAMILY] = issuer.IssuerDefault(runner, self._told).strike
        self._do: dict[str, Callable[[Act, Deal], None]] = {
            "F4": self._mark,
            "F5": self._mark,
            "F6": self._spend_twice,
            "F8": self._mark,
            "F10": self._force,
            "F13": self._lock_again,
            "F17": self._small_part,
            "F26": self._overflow,
            "F30": self._mark,
        }
        if self.desk.weather.acts:
            runner.after_step = self.after_step
        for act in self.desk.weather.acts:
            self.desk.plan(act.from_ns, partial(self._act, act))

    def _act(self, act: Act) -> None:
        if act.strike.family == "F20":
            for deal in self.desk.deals.values():
                if deal.is_open and deal.taken:
                    self._restart(act, deal)
            return
        if (do := self.systems.do.get(act.strike.family)) is not None:
            do(act)
            return
        struck = self.desk.deals.get(act.strike.target)
        if struck is not None and struck.is_open:
            struck.run.world = self.runner.seen_world(struck)
            self._do[act.strike.family](act, struck)

    def tell(self, act: Act, deal: Deal, answer: str) -> None:
        """Write an answer down."""
        self._told(act, deal.name, answer)

    def _told(self, act: Act, name: str, answer: str) -> None:
        strike = act.strike
        self.desk.write(
            Tried(
                at_ns=self.desk.at_ns, deal=name, family=strike.family, kind=strike.kind,
                cause=act.cause, answer=answer,
            )
        )  # fmt: skip

    # --- acts on a step that is taken

    def _mark(self, act: Act, deal: Deal) -> None:
        """Wait for the step that the act is about; some need not wait."""
        if act.strike.kind == "reordered":
            early = next(
                r for r in self.runner.protocol.rules if r.origin is not deal.run.world.state
            )
            self.tell(act, deal, deal.run.take(deal.step_id(1), early))
        elif not self._is_done(act, deal):
            self._after.setdefault(deal.name, []).append(act)

    def _is_done(self, act: Act, deal: Deal) -> bool:
        """Act now when the moment is right; whether there is nothing left to wait for."""
        if act.strike.family == "F8":
            return self._oracle(act, deal)
        return act.strike.family == "F30" and self.systems.unknown(act, deal)

    def after_step(self, deal: Deal, rule: Rule) -> None:
        """A step was taken: what was waiting for it; what itself takes steps comes last."""
        waiting = self._after.pop(deal.name, [])
        for act in sorted(waiting, key=lambda one: one.strike.family in _MOVING):
            kind = act.strike.kind
            if act.strike.family in _MOVING:
                if deal.is_open and not self._is_done(act, deal):
                    self._after.setdefault(deal.name, []).append(act)
            elif act.strike.family == "F5":
                self._race(act, deal, rule)
            elif kind == "duplicate":
                self._again(act, deal, deal.step_id(), rule)
            else:
                again = partial(self._again, act, deal, deal.step_id(), rule)
                self.desk.plan(self.desk.at_ns + act.until_ns - act.from_ns, again)

    def _again(self, act: Act, deal: Deal, step_id: str, rule: Rule) -> None:
        answer = deal.run.take(step_id, rule)
        check(answer is Answer.ALREADY, "I10: a step is taken once", step=step_id, answer=answer)
        self.tell(act, deal, answer)

    def _race(self, act: Act, deal: Deal, winner: Rule) -> None:
        """The losers of an instant."""
        if winner.origin is winner.target:
            return
        others = [
            r for r in self.runner.protocol.rules if r.origin is winner.origin and r != winner
        ]
        for number, other in enumerate(others):
            answer = deal.run.take(f"{deal.step_id()}/race/{number}", other)
            check(answer is Answer.WRONG_STATE, "I5: an instant has one winner", answer=answer)
            self.tell(act, deal, answer)

    # --- agents and oracles

    def _oracle(self, act: Act, deal: Deal) -> bool:
        """Do what a wrong agent or oracle does; whether its moment had come."""
        kind, state, table = act.strike.kind, deal.run.world.state, self.runner.table
        if kind == "replay":
            if not deal.taken:
                return False
            other = next(r for r in self.runner.protocol.rules if r.name not in {"retry", ""})
            known = deal.run.steps[deal.step_id()]
            if (other.origin, other.name) == known:
                other = self.runner.protocol.rules[-1]
            answer = deal.run.take(deal.step_id(), other)
            check(answer is Answer.ID_CONFLICT, "I10: an id has one content", answer=answer)
            self.tell(act, deal, answer)
            return True
        if kind == "wrong_verdict":
            if state not in {_S.LOCKED_1, _S.LOCKED_2}:
                return state is _S.DECIDED
            for place in _WRONG_VERDICTS:
                rule = table.get(place)
                if rule is not None and (place[0] is state or rule.name != "failure"):
                    self._take(act, deal, rule)
                    return True
            return False
        if state is not _S.DECIDED:
            return False
        for rule in self.runner.protocol.rules:
            if rule.name in {"leak", "abort", "release"}:
                self._take(act, deal, rule)
                break
        return True

    def _take(self, act: Act, deal: Deal, rule: Rule) -> None:
        deal.run.world = self.runner.seen_world(deal)
        blame = deal.blame
        deal.blame = blame or (act.cause, act.strike.family)
        answer = self.runner.attempt(deal, rule, Step(rule.name))
        self.tell(act, deal, answer)
        if answer is Answer.DONE:
            self.runner.advance(deal)
        else:
            deal.blame = blame

    # --- acts on ledgers

    def _spend_twice(self, act: Act, deal: Deal) -> None:
        """Spend what the obligation spends; refused once it is locked."""
        rule = self.runner.table.get((deal.run.world.state, "spend_elsewhere"))
        if rule is not None:
            self._take(act, deal, rule)
            return
        trade = deal.trade
        leg = Leg.CASH if act.strike.kind == "cash" else Leg.TOKEN
        owner, asset, amount = (
            (trade.seller, trade.issue, deal.left_units)
            if leg is Leg.TOKEN
            else (trade.buyer, YEN, deal.left_yen)
        )
        if deal.run.world.leg(leg) is not LegState.NONE or not self.desk.has(owner, asset, amount):
            self.tell(act, deal, "locked")
            return
        until = self.runner.opens(act.until_ns)
        number = self.desk.lock_amount(deal.name, owner, asset, amount)
        self.tell(act, deal, "done")
        self.desk.write(
            Delayed(
                at_ns=self.desk.at_ns, deal=deal.name, cause=owner, family="F6",
                ns=until - self.desk.at_ns,
            )
        )  # fmt: skip
        self.desk.plan(until, lambda: self._give_back(number))

    def _give_back(self, number: int) -> None:
        self.desk.end_lock(number, delivered=False)

    def _force(self, act: Act, deal: Deal) -> None:
        """More than what is free cannot be moved, whoever asks."""
        trade = deal.trade
        free = self.desk.free.get((trade.seller, trade.issue), 0)
        check(not self.desk.has(trade.seller, trade.issue, free + 1), "I3: locked is not free")
        self.tell(act, deal, "locked")

    def _lock_again(self, act: Act, deal: Deal) -> None:
        world = deal.run.world
        for rule in self.runner.protocol.rules:
            if rule.lock and rule.origin is not world.state:
                self.tell(act, deal, deal.run.take(f"{deal.step_id()}/dust", rule))
                return
        self.tell(act, deal, Answer.WRONG_STATE)

    def _small_part(self, act: Act, deal: Deal) -> None:
        fill = plan_fill(
            PartialRule(threshold_units=deal.left_units), open_units=deal.left_units,
            open_yen=deal.left_yen, available_units=deal.left_units - 1, second_of_day=0,
            both_allow=True,
        )  # fmt: skip
        check(fill is None, "I9: no part below the threshold", deal=deal.name)
        self.tell(act, deal, "refused")

    def _overflow(self, act: Act, deal: Deal) -> None:
        can = deal.run.ledger(Leg.CASH).can_give(deal.trade.buyer, 2**63)
        check(
            not can or deal.trade.seller == deal.trade.buyer, "I3: nobody gives what is not there"
        )
        self.tell(act, deal, Answer.MONY)

    def _restart(self, act: Act, deal: Deal) -> None:
        """The process comes back from its record: where it stood, and what it had taken."""
        deal.run = deal.run.restarted()
        state, name = deal.run.steps[deal.step_id()]
        rule = self.runner.table[state, name]
        self._again(act, deal, deal.step_id(), rule)
