"""Designs C2 and C3: net cycles, tokens gross and cash net, or both net.

| stage | what happens |
|---|---|
| collect | at the cycle, obligations that are ready and whose parties and issue are up |
| limits | net debits beyond a payer's free yen, and units beyond a giver's, are excluded, the latest first, until stable |
| fund | net payers' yen and givers' units are locked to the clearer |
| complete | ten minutes later, or when both ledgers are up again, everything moves in one step (two-step completion) |
| postponed | a ledger is out at the cycle: it runs when both are up again |
| default | who is out at the cycle is left out and the rest is netted again (unwind before funding) |

C2 marks units as executed one by one at the funding and completes them with the yen, so no leg is final alone. What was not
accepted waits for the next cycle; after its cut-off it fails. Cycles: 11:45, 16:00 and 19:00.
Sources: DvP models 2 and 3 (CPSS 1992); JASDEC's DVP with net debit caps and two steps.
"""

from functools import partial
from typing import Final

from market.business_days import at_jst, next_business_day
from settlement.netting import Exclusion, Obligations, accept, ints
from settlement.trials.desk import Deal, Desk, net_flows
from settlement.trials.hours import day_of, in_hours
from settlement.trials.records import CLEARER, YEN, Leg, TrialState
from settlement.trials.weather import MINUTE_NS

CYCLES_S: Final = (42_300, 57_600, 68_400)
FUNDING_NS: Final = 10 * MINUTE_NS
LEDGERS: Final = ("token", "cash", "notary")


class Batches:
    """Net cycles until the end."""

    def __init__(self, desk: Desk, *, gross_units: bool) -> None:
        """Plan readiness, deadlines and the first cycle."""
        self.desk = desk
        self.gross_units = gross_units
        self._ready: dict[str, Deal] = {}
        for deal in desk.deals.values():
            names = (*deal.names("seller"), *deal.names("buyer"), f"issue:{deal.trade.issue}")
            desk.step(deal, deal.ready_ns, names, partial(self._collect, deal))
            desk.fail_at_cut_off(deal, desk.short_side)
        if desk.deals:
            self._plan_cycle(min(deal.ready_ns for deal in desk.deals.values()))

    def _plan_cycle(self, after_ns: int) -> None:
        day = day_of(after_ns)
        times = [at_jst(day, second) for second in CYCLES_S]
        times += [at_jst(next_business_day(day), CYCLES_S[0])]
        self.desk.plan(next(at for at in times if at > after_ns), self._cycle)

    def _collect(self, deal: Deal) -> None:
        desk = self.desk
        if deal.is_open:
            self._ready[deal.name] = deal
            desk.could(deal, Leg.TOKEN)
            desk.could(deal, Leg.CASH)
            desk.say(deal, "venue", "clearer")
            desk.wait(deal, CLEARER, "cycle")

    def _cycle(self) -> None:
        """The next cycle is planned; this one runs, or is postponed until both ledgers are up."""
        desk = self.desk
        self._plan_cycle(desk.at_ns)
        when, _ = desk.weather.clear(LEDGERS, desk.at_ns)
        if when > desk.at_ns:
            desk.plan(in_hours(when), self._settle_ready)
        else:
            self._settle_ready()

    def _settle_ready(self) -> None:
        """Net, exclude, lock; completion follows."""
        desk = self.desk
        deals = [deal for deal in self._ready.values() if deal.is_open and self._is_up(deal)]
        if not deals or not desk.weather.is_up(LEDGERS, desk.at_ns):
            return
        chosen = self._within_limits(deals)
        if not chosen:
            return
        flows = net_flows(chosen)
        locks = [
            desk.lock_amount("cycle", owner, asset, -amount)
            for (owner, asset), amount in flows.items()
            if amount < 0
        ]
        for deal in chosen:
            del self._ready[deal.name]
            if deal.state is not TrialState.FAILING:
                desk.move(deal, TrialState.LOCKED_2, CLEARER, "accepted")
            desk.say(deal, CLEARER, deal.trade.seller, deal.trade.buyer)
        self._plan_completion(chosen, flows, locks)

    def _plan_completion(
        self, chosen: list[Deal], flows: dict[tuple[str, str], int], locks: list[int]
    ) -> None:
        """In one step when both ledgers are up; the first obligation stands for all in the log."""
        act = partial(self._complete, chosen, flows, locks)
        self.desk.step(chosen[0], self.desk.at_ns + FUNDING_NS, LEDGERS, act)

    def _complete(
        self, chosen: list[Deal], flows: dict[tuple[str, str], int], locks: list[int]
    ) -> None:
        desk = self.desk
        for number in locks:
            lock = desk.end_lock(number, delivered=True)
            desk.post("cycle", lock.asset, lock.owner, CLEARER, lock.amount)
        for (owner, asset), amount in flows.items():
            if amount > 0:
                desk.post("cycle", asset, CLEARER, owner, amount)
        for deal in chosen:
            desk.count(deal, Leg.TOKEN, deal.left_units)
            desk.count(deal, Leg.CASH, deal.left_yen)
            desk.say(deal, CLEARER, "register")
            desk.settled(deal, CLEARER)

    def _is_up(self, deal: Deal) -> bool:
        names = (*deal.names("seller"), *deal.names("buyer"), f"issue:{deal.trade.issue}")
        return (
            self.desk.weather.is_up(names, self.desk.at_ns)
            and in_hours(self.desk.at_ns) == self.desk.at_ns
        )

    def _within_limits(self, deals: list[Deal]) -> list[Deal]:
        desk = self.desk
        firms = sorted({name for d in deals for name in (d.trade.seller, d.trade.buyer)})
        issues = sorted({d.trade.issue for d in deals})
        number = {name: n for n, name in enumerate(firms)}
        place = {name: n for n, name in enumerate(issues)}
        rows = [
            (
                number[d.trade.seller],
                number[d.trade.buyer],
                place[d.trade.issue],
                d.left_units,
                d.left_yen,
            )
            for d in deals
        ]
        caps = ints([desk.free.get((firm, YEN), 0) for firm in firms])
        free = ints([[desk.free.get((firm, issue), 0) for issue in issues] for firm in firms])
        taken = accept(
            Obligations.of(rows), caps, free, Exclusion.LATEST, gross_units=self.gross_units
        )
        return [deal for deal, inside in zip(deals, taken.included.tolist(), strict=True) if inside]
