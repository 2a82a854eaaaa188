"""What a queue adds to a design: parts for lack of units, and sets that settle together.

Purpose: design A waits for what is short. In the window before the cut-off a seller who has some of the units
delivers them (parting.py); a part is a fill with its own Enactment of the same table. With
offsetting a search of the queue finds sets whose members pay for each other; each member moves by the
table's own rule, and the set is posted net.
Cost: a search of the queue every ten minutes. Errors: InvariantBroken (I9, I12).
Sources: partial settlement for lack of securities only, as in T2S; offsetting after Bech and Soramaki 2001.
"""

from typing import Final

from market.errors import check
from settlement.designs.conduct import MINUTE_NS, Conduct, Step
from settlement.designs.enact import Answer
from settlement.designs.rules import Protocol, Rule
from settlement.designs.states import ObligationState
from settlement.offsetting import CASH, Holdings, Queued, Resource, multilateral
from settlement.trials.desk import Deal, Desk, net_flows
from settlement.trials.hours import in_hours
from settlement.trials.parting import fill_now, plan_windows
from settlement.trials.records import YEN, OffsetRun, StateChanged
from settlement.trials.runner import Runner

OFFSET_EVERY_NS: Final = 10 * MINUTE_NS
_WAITING: Final = frozenset({ObligationState.READY, ObligationState.QUEUED})


class Queue(Runner):
    """A runner whose obligations may settle in parts, and in sets."""

    def __init__(
        self, desk: Desk, protocol: Protocol, conduct: Conduct, *, offsetting: bool
    ) -> None:
        super().__init__(desk, protocol, conduct)
        for deal in desk.deals.values():
            plan_windows(desk, deal, self._part)
        if offsetting and desk.deals:
            self._offset_rule = self.table[ObligationState.QUEUED, "offset"]
            self._offset_step = next(one for one in conduct.steps if one.rule == "offset")
            first = min(deal.ready_ns for deal in desk.deals.values())
            desk.plan(in_hours(first + OFFSET_EVERY_NS), self._offset)

    def _part(self, deal: Deal) -> None:
        """Settle what the seller has; the rest goes on waiting under the same table."""
        desk = self.desk
        settle = self.table[ObligationState.READY, "settle"]
        if deal.state not in _WAITING or not deal.queued:
            return
        if self.pace.entry_ns(deal) > desk.at_ns:
            return
        if (fill := fill_now(desk, deal)) is None:
            return
        kept, world = deal.run, self.seen_world(deal)
        name = f"{deal.name}/part/{deal.taken + 1}"
        terms = self.terms(deal)._replace(obligation_id=name, units=fill.units, yen=fill.yen)
        self.enact(deal, terms, world._replace(state=ObligationState.READY, facts=()))
        answer = deal.run.take(name, settle)
        if answer is not Answer.DONE:
            deal.run = kept
            return
        deal.taken += 1
        desk.write(
            StateChanged(
                at_ns=desk.at_ns, deal=deal.name, state=deal.state, actor="ledger", reason="partial"
            )
        )
        self.enact(deal, self.terms(deal), world)
        deal.run.steps.update(kept.steps)
        deal.run.steps[deal.step_id()] = (ObligationState.READY, "settle")

    def _offset(self) -> None:
        """Release what can settle together, then look again while anything waits."""
        desk = self.desk
        queue = [deal for deal in desk.deals.values() if self._may_offset(deal)]
        if queue:
            firms = {name: n for n, name in enumerate(sorted({owner for owner, _ in desk.free}))}
            issues = {name: n for n, name in enumerate(sorted({d.trade.issue for d in queue}))}
            rows = [
                Queued(
                    firms[d.trade.seller], firms[d.trade.buyer], issues[d.trade.issue],
                    d.left_units, d.left_yen,
                )
                for d in queue
            ]  # fmt: skip
            held: dict[Resource, int] = {}
            for (owner, asset), amount in desk.free.items():
                number = CASH if asset == YEN else issues.get(asset)
                if number is not None:
                    held[firms[owner], number] = amount
            # A flood stands in the queue too: tiny, without holdings, so never released.
            nobody = len(firms)
            rows += [Queued(nobody, nobody + 1, 0, 1, 1)] * desk.weather.flooding(desk.at_ns)
            found = multilateral(rows, Holdings(held))
            desk.write(OffsetRun(at_ns=desk.at_ns, queued=len(rows), released=len(found.released)))
            self._release([queue[place] for place in found.released])
        desk.plan(in_hours(desk.at_ns + OFFSET_EVERY_NS), self._offset)

    def _may_offset(self, deal: Deal) -> bool:
        """Whether the table lets an obligation settle in a set now."""
        if deal.state is not ObligationState.QUEUED or not deal.queued:
            return False
        rule, world = self._offset_rule, self.seen_world(deal)
        return (
            self.protocol.can_act(rule, world)
            and self.pace.entry_ns(deal) == self.desk.at_ns
            and not self.protocol.is_barred(rule, world)
            and not self.desk.weather.is_short(deal.name, self.desk.at_ns)
        )

    def _release(self, deals: list[Deal]) -> None:
        """Post the whole set at once: what comes in pays for what goes out."""
        move_set(self, deals, self._offset_rule, self._offset_step, "set")


def move_set(runner: Runner, deals: list[Deal], rule: Rule, step: Step, name: str) -> None:
    """Move many obligations by one rule each, and their net amounts in one step.

    Raises:
        InvariantBroken: I3, when somebody lacks its net amount; I11, when legs and postings differ;
            I12, when a member could not take the rule.
    """
    desk = runner.desk
    net = net_flows(deals)
    runner.pool.open()
    for (owner, asset), amount in net.items():
        if amount < 0:
            desk.post(name, asset, owner, name, -amount)
    for (owner, asset), amount in net.items():
        if amount > 0:
            desk.post(name, asset, name, owner, amount)
    for deal in deals:
        deal.run.world = runner.seen_world(deal)
        answer = runner.attempt(deal, rule, step)
        check(answer is Answer.DONE, "I12: a member of a set settles with it", answer=answer)
    runner.pool.close(net)
