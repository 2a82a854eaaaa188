"""Net cycles: netting decides who is in, each obligation moves by the net_batch table.

| stage | what happens | rule of the table |
|---|---|---|
| collect | obligations that are ready and whose sellers, issue and ledgers are up | |
| novate | with a house between (house.py) each obligation becomes two with it, once | novate |
| limits | net debits beyond a payer's free yen, and units beyond a giver's, are excluded, latest first, until stable | |
| execute | net givers' units are locked to the clearer | execute |
| fund | net payers' yen are locked, for each payer as soon as it is up, until the window closes | fund |
| complete | when both ledgers are up, everything moves in one step (two-step completion) | complete |
| default | a payer has not funded when the window closes: by rule | use_fund, house_pays, unwind, postpone |
| stopped | an issue or account is stopped when the window closes: its obligations go back, the rest is netted again | unwind, postpone |
| postponed | a ledger is out at the cycle: it runs when both are up again | |

When cycles run and complete, on a ledger or by the bank's file: cycles.py. C2 nets cash only; C3 nets units as well.
Sources: DvP models 2 and 3 (CPSS 1992); JASDEC's DVP with net debit caps and two steps.
"""

from functools import partial
from typing import Final

from market.errors import check
from settlement.designs.conduct import Conduct
from settlement.designs.enact import FUND, Answer
from settlement.designs.rules import Protocol
from settlement.designs.states import Leg, ObligationState
from settlement.netting import Exclusion, Obligations, accept, ints
from settlement.trials.cycles import Cycles
from settlement.trials.desk import LATENCY_NS, Deal, Desk, net_flows
from settlement.trials.funds import contributions
from settlement.trials.house import House
from settlement.trials.legs import Flows
from settlement.trials.records import CLEARER, YEN, FundCharged, FundPaid, FundRepaid
from settlement.trials.runner import Runner
from settlement.trials.strikes import FOREVER_NS

LEDGERS: Final = ("token", "cash", "notary")
_S = ObligationState


class Cycle:
    """One cycle while it runs: its obligations, their net flows, and the locks behind them."""

    def __init__(self, deals: list[Deal], started_ns: int) -> None:
        self.deals = deals
        self.started_ns = started_ns
        self.flows = net_flows(deals)
        self.locks: dict[tuple[str, str], int] = {}


class Batches(Runner):
    """Net cycles until the end."""

    def __init__(
        self, desk: Desk, protocol: Protocol, conduct: Conduct, *, gross_units: bool
    ) -> None:
        """Plan readiness and the first cycle; charge the fund."""
        super().__init__(desk, protocol, conduct)
        self.gross_units = gross_units
        self.hours = Cycles(by_file=desk.case.by_file)
        self._step = {step.rule: step for step in conduct.steps}
        for deal in desk.deals.values():
            desk.plan(deal.ready_ns, partial(self._collect, deal))
        if desk.deals:
            self._plan_cycle(min(deal.ready_ns for deal in desk.deals.values()))
        self.rule = "novate" if (_S.READY, "novate") in self.table else desk.case.default_rule
        self.pays = {"use_fund": "use_fund", "novate": "house_pays"}.get(self.rule, "")
        self.house = House(desk) if self.rule == "novate" else None
        if self.rule == "use_fund":
            self._charge_fund()

    def _charge_fund(self) -> None:
        desk, shares = self.desk, contributions(self.desk.case)
        if shares:
            desk.open_account(FUND, YEN, sum(shares.values()))
        for firm, yen in shares.items():
            desk.write(FundCharged(at_ns=desk.at_ns, payer=firm, yen=yen))

    def _plan_cycle(self, after_ns: int) -> None:
        self.desk.plan(self.hours.next_ns(after_ns), self._cycle)

    def _collect(self, deal: Deal) -> None:
        desk = self.desk
        desk.can(deal, Leg.TOKEN)
        desk.can(deal, Leg.CASH)
        desk.say(deal, "venue", CLEARER)
        desk.enter_queue(deal)

    # --- the cycle

    def _cycle(self) -> None:
        """The next cycle is planned; this one runs, or is postponed until both ledgers are up."""
        desk = self.desk
        self._plan_cycle(desk.at_ns)
        when, _ = desk.weather.clear(LEDGERS, desk.at_ns)
        desk.plan(self.hours.start_ns(when), self._settle_ready)

    def _settle_ready(self) -> None:
        """Net, exclude, execute; funding follows. None is begun that could not complete before the trial ends."""
        desk = self.desk
        if (closes_ns := self.hours.closes_ns(desk.at_ns)) > desk.end_ns:
            return
        deals = []
        for deal in desk.deals.values():
            if deal.is_open and deal.state in {_S.MATCHED, _S.READY} and self._may_execute(deal):
                deals.append(deal)
                desk.enter_queue(deal)
        chosen = self._within_limits(deals) if deals else []
        if not chosen:
            return
        cycle = Cycle(chosen, desk.at_ns)
        self.pool.open()
        for deal in chosen:
            deal.cut_off_ns = closes_ns
            self._take(deal, "execute")
        self.pool.close({})
        self._lock_net(cycle, [place for place in cycle.flows if place[1] != YEN])
        desk.plan(desk.at_ns + LATENCY_NS, partial(self._fund, cycle))
        desk.plan(closes_ns, partial(self._close_window, cycle))

    def _may_execute(self, deal: Deal) -> bool:
        """Ready, its seller and its buyer up, its issue free to move, its buyer not known to be short."""
        desk = self.desk
        if desk.at_ns < deal.ready_ns:
            return False
        if self.house is not None and not deal.run.world.knows("novated"):
            if (
                deal.run.world.state is not _S.READY
                or self._take(deal, "novate") is not Answer.DONE
            ):
                return False
            self.house.novate(deal)
        deal.run.world = world = self.seen_world(deal)
        rules = [self.table[_S.READY, "execute"], self.table[_S.LOCKED_1, "fund"]]
        for rule in rules:
            if not self.protocol.can_act(rule, world):
                self._blocked(deal, rule, Answer.SOMEONE_OUT, self._step[rule.name])
                return False
            if self.protocol.is_barred(rule, world):
                self._blocked(deal, rule, Answer.STOPPED, self._step[rule.name])
                return False
        if self.pace.entry_ns(deal) > desk.at_ns:
            return False
        return rules[0].when(world) and not desk.weather.is_short(deal.name, desk.at_ns)

    def _take(self, deal: Deal, name: str) -> Answer:
        deal.run.world = world = self.seen_world(deal)
        return self.attempt(deal, self.table[world.state, name], self._step[name])

    def _lock_net(self, cycle: Cycle, places: list[tuple[str, str]]) -> None:
        for place in places:
            if cycle.flows[place] < 0:
                cycle.locks[place] = self.desk.lock_amount("cycle", *place, -cycle.flows[place])

    def _fund(self, cycle: Cycle) -> None:
        """Every payer who is up and has its net debit funds; the others when they are up again."""
        desk = self.desk
        if not self.hours.may_fund(desk.at_ns):
            return
        by_payer: dict[str, list[Deal]] = {}
        for deal in cycle.deals:
            if deal.run.world.state is _S.LOCKED_1:
                by_payer.setdefault(deal.trade.buyer, []).append(deal)
        again: list[int] = []
        for payer, deals in by_payer.items():
            debit = max(0, -cycle.flows.get((payer, YEN), 0))
            if (payer, YEN) not in cycle.locks and not desk.has(payer, YEN, debit):
                continue
            self.pool.open()
            answers = [self._take(deal, "fund") for deal in deals]
            self.pool.close({})
            if Answer.DONE in answers and (payer, YEN) not in cycle.locks:
                self._lock_net(cycle, [(payer, YEN)] if debit else [])
            again += [min(deal.wakes, default=FOREVER_NS) for deal in deals]
        for at_ns in sorted({at for at in again if at < cycle.deals[0].cut_off_ns}):
            desk.plan(at_ns, partial(self._fund, cycle))

    # --- the end of the window

    def _close_window(self, cycle: Cycle) -> None:
        """Complete, when both ledgers are up; who has not funded meets the default rule."""
        desk = self.desk
        when, _ = desk.weather.clear(LEDGERS, desk.at_ns)
        if (when := self.hours.completes_ns(cycle.started_ns, when)) > desk.at_ns:
            for deal in cycle.deals:
                deal.run.world = self.seen_world(deal)
                self._blocked(
                    deal, self.table[_S.LOCKED_2, "complete"], Answer.SOMEONE_OUT,
                    self._step["complete"],
                )  # fmt: skip
            desk.plan(when, partial(self._close_window, cycle))
            return
        missing = [deal for deal in cycle.deals if deal.run.world.state is _S.LOCKED_1]
        stopped = [deal for deal in cycle.deals if self._is_stopped(deal)]
        out = {deal.name for deal in (*missing, *stopped)}
        rule = self.rule
        if self.pays and out and (stopped or not self._fund_covers(cycle, missing)):
            rule = "unwind" if self.house is None else "postpone"
        if not out or (rule == self.rule and self.pays):
            self._complete(cycle, missing)
            return
        self._return_locks(cycle)
        stays: list[Deal] = []
        if rule == "unwind":
            stays = self._within_limits([deal for deal in cycle.deals if deal.name not in out])
        kept = {deal.name for deal in stays}
        self.pool.open()
        for deal in cycle.deals:
            if deal.name not in kept:
                self._take(deal, rule)
        self.pool.close({})
        if stays:
            self._complete(Cycle(stays, cycle.started_ns), [])

    def _is_stopped(self, deal: Deal) -> bool:
        """Whether a stop of the issue or an account bars an obligation's completion now."""
        complete = self.table[_S.LOCKED_2, "complete"]
        return self.protocol.is_barred(complete, self.seen_world(deal))

    def _return_locks(self, cycle: Cycle) -> None:
        for number in cycle.locks.values():
            self.desk.end_lock(number, delivered=False)
        cycle.locks.clear()

    def _set_off(self, cycle: Cycle, missing: list[Deal]) -> dict[str, int]:
        """What the cycle owes each of those for whom the fund pays, up to what the fund pays."""
        paid: dict[str, int] = {}
        for deal in missing:
            if deal.trade.seller != deal.trade.buyer:
                paid[deal.trade.buyer] = paid.get(deal.trade.buyer, 0) + deal.left_yen
        return {
            buyer: min(yen, max(0, cycle.flows.get((buyer, YEN), 0) + yen))
            for buyer, yen in paid.items()
        }

    def _fund_covers(self, cycle: Cycle, missing: list[Deal]) -> bool:
        need = sum(d.left_yen for d in missing if d.trade.seller != d.trade.buyer)
        return self.desk.has(FUND, YEN, need - sum(self._set_off(cycle, missing).values()))

    def _complete(self, cycle: Cycle, missing: list[Deal]) -> None:
        """Everything moves net in one step; the fund stands in for who is missing and takes the units."""
        desk, set_off = self.desk, self._set_off(cycle, missing)
        flows = dict(cycle.flows)
        taken: list[int] = []
        for deal in missing:
            trade = deal.trade
            units = 0
            if trade.seller != trade.buyer:
                units = min(deal.left_units, max(0, flows[trade.buyer, trade.issue]))
                _add(flows, YEN, trade.buyer, deal.left_yen, FUND)
                _add(flows, trade.issue, FUND, units, trade.buyer)
            taken.append(units)
        for buyer, yen in set_off.items():
            _add(flows, YEN, FUND, yen, buyer)
        for number in cycle.locks.values():
            desk.end_lock(number, delivered=True)
        cycle.locks.clear()
        for (owner, asset), amount in flows.items():
            if amount < 0:
                desk.post("cycle", asset, owner, CLEARER, -amount)
        for (owner, asset), amount in flows.items():
            if amount > 0:
                desk.post("cycle", asset, CLEARER, owner, amount)
        self.pool.open()
        for deal, units in zip(missing, taken, strict=True):
            self._stand_in(deal, units)
        for buyer, yen in set_off.items():
            self.pool.note(YEN, buyer, FUND, yen)
            if yen:
                desk.write(FundRepaid(at_ns=desk.at_ns, payer=buyer, yen=yen))
        for deal in cycle.deals:
            if deal.run.world.state is _S.LOCKED_2:
                answer = self._take(deal, "complete")
                check(answer is Answer.DONE, "I11: what is funded completes", answer=answer)
        self.pool.close(flows)

    def _stand_in(self, deal: Deal, units: int) -> None:
        """The fund pays for one obligation and takes the units that the cycle owes its buyer."""
        desk, trade = self.desk, deal.trade
        yen = deal.left_yen
        answer = self._take(deal, self.pays)
        check(answer is Answer.DONE, "I11: what the fund covers completes", answer=answer)
        if trade.seller != trade.buyer:
            self.pool.note(trade.issue, trade.buyer, FUND, units)
            desk.write(
                FundPaid(at_ns=desk.at_ns, deal=deal.name, payer=trade.buyer, yen=yen, units=units)
            )
            if self.house is not None:
                self.house.close_out(deal, yen, units)

    def _within_limits(self, deals: list[Deal]) -> list[Deal]:
        desk = self.desk
        firms = sorted({name for d in deals for name in (d.trade.seller, d.trade.buyer)})
        issues = sorted({d.trade.issue for d in deals})
        number = {name: n for n, name in enumerate(firms)}
        place = {name: n for n, name in enumerate(issues)}
        rows = [
            (
                number[d.trade.seller], number[d.trade.buyer], place[d.trade.issue],
                d.left_units, d.left_yen,
            )
            for d in deals
        ]  # fmt: skip
        if not rows:
            return []
        caps = ints([desk.free.get((firm, YEN), 0) for firm in firms])
        free = ints([[desk.free.get((firm, issue), 0) for issue in issues] for firm in firms])
        taken = accept(
            Obligations.of(rows), caps, free, Exclusion.LATEST, gross_units=self.gross_units
        )
        return [deal for deal, inside in zip(deals, taken.included.tolist(), strict=True) if inside]


def _add(flows: Flows, asset: str, taker: str, amount: int, giver: str) -> None:
    flows[taker, asset] = flows.get((taker, asset), 0) + amount
    flows[giver, asset] = flows.get((giver, asset), 0) - amount
