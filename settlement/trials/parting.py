"""Parts in a trial: in the window before the cut-off a seller short of units gives what it has.

Purpose: the rule is settlement/lifecycle/partials.py, as in the venue; here is when a trial asks it, and what a part is in a
design of several steps (B2). A part is an attempt of the same table under the terms of the part; when it is
settled, the rest begins anew under its own terms. A part that fails is given back, and the next attempt is for all that is open.

| window opens | part | then |
|---|---|---|
| obligation waits for units, or is failing for them; nothing of it is given | its terms are bound, the table takes its steps | settled: the rest is READY; failed: all that is open is |
| anything else | none | the window of the next business day |

Ordering: obligations in the order of trades, each window. Units: units, yen. Cost: O(1) a window. Errors: InvariantBroken (I9, I24).
Source: parts for lack of units only, in windows of the day, unless a side wants it whole, as T2S has them; half an hour is an assumption.
Known limits: one part a window; nobody wants anything whole unless the case says so.
"""

from collections.abc import Callable
from typing import Final

from settlement.designs.conduct import MINUTE_NS, RETRY, Conduct, Step
from settlement.designs.enact import Answer, Terms
from settlement.designs.rules import Protocol, Rule, World
from settlement.designs.states import LegState, ObligationState
from settlement.lifecycle.partials import Fill, PartialRule, plan_fill
from settlement.trials.desk import Deal, Desk
from settlement.trials.hours import CUT_OFF_S, next_cut_off, second_of_day
from settlement.trials.records import StateChanged
from settlement.trials.runner import Runner

WINDOW_S: Final = 30 * 60
WINDOW_NS: Final = 30 * MINUTE_NS
PARTS: Final = PartialRule(from_s=CUT_OFF_S - WINDOW_S, until_s=CUT_OFF_S)
_S = ObligationState


def plan_windows(desk: Desk, deal: Deal, part: Callable[[Deal], None]) -> None:
    """Ask for a part in the window of every business day from the settlement date on."""

    def window() -> None:
        if deal.is_open:
            part(deal)
            desk.plan(next_cut_off(desk.at_ns) - WINDOW_NS, window)

    desk.plan(deal.due_ns - WINDOW_NS, window)


def fill_now(desk: Desk, deal: Deal) -> Fill | None:
    """The part that may settle now, by the rule."""
    trade = deal.trade
    return plan_fill(
        PARTS,
        open_units=deal.left_units,
        open_yen=deal.left_yen,
        available_units=desk.free.get((trade.seller, trade.issue), 0),
        second_of_day=second_of_day(desk.at_ns),
        both_allow=deal.name not in desk.case.whole,
    )


class Parting(Runner):
    """A runner whose obligations may settle in parts of several steps."""

    def __init__(self, desk: Desk, protocol: Protocol, conduct: Conduct) -> None:
        """Plan every window."""
        self._parts: dict[str, Fill] = {}
        super().__init__(desk, protocol, conduct)
        for deal in desk.deals.values():
            plan_windows(desk, deal, self._part)

    def terms(self, deal: Deal) -> Terms:
        """What is agreed now: of the part, while one is under way."""
        whole, fill = super().terms(deal), self._parts.get(deal.name)
        if fill is None:
            return whole
        name = f"{deal.name}/part/{deal.left_units}"  # less is open with every part
        return whole._replace(obligation_id=name, units=fill.units, yen=fill.yen)

    def _part(self, deal: Deal) -> None:
        """Begin a part, if the obligation waits for units."""
        deal.run.world = world = self.seen_world(deal)
        if world.state not in {_S.READY, _S.FAILING} or not deal.queued or world.gone:
            return
        if (fill := fill_now(self.desk, deal)) is None:
            return
        retry = self.table[_S.FAILING, "retry"]  # not all that is open is there, but a part
        if world.state is _S.FAILING and self.attempt(deal, retry, RETRY) is not Answer.DONE:
            return
        self._parts[deal.name] = fill
        deal.run.bind(self.terms(deal))
        self.advance(deal)

    def _done(self, deal: Deal, rule: Rule, step: Step, before: World) -> None:
        """As any step; the last one of a part leads back to READY."""
        world, desk = deal.run.world, self.desk
        ends_part = world.state is _S.SETTLED and deal.left_units > 0
        if ends_part or rule.name == "retry":
            had = self._parts.pop(deal.name, None)
            if ends_part or had is not None:
                self._go_on(deal)
        super()._done(deal, rule, step, before)
        if ends_part:
            desk.write(
                StateChanged(
                    at_ns=desk.at_ns, deal=deal.name, state=deal.state,
                    actor=deal.firm(rule.actor), reason="partial",
                )
            )  # fmt: skip

    def _go_on(self, deal: Deal) -> None:
        """All that is open begins anew, with new names for its locks; the steps taken stay known."""
        kept, world = deal.run.steps, deal.run.world
        world = world._replace(
            state=_S.READY, token=LegState.NONE, cash=LegState.NONE, facts=(),
            attempt=world.attempt + 1,
        )  # fmt: skip
        self.enact(deal, self.terms(deal), world)
        deal.run.steps.update(kept)
        self.wake(deal, self.desk.at_ns)
