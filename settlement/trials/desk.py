"""The desk of a trial: virtual time, obligations, deadlines, and the log.

Purpose: what is the same for every design. A design's runner plans steps; the desk runs them in time order, keeps
the accounts (books.py), ages what is late (failing.py), and closes the books at the end.
Ordering: steps of the same instant run in the order in which they were planned.
Invariants (always on): those of books.py; no leg is given twice (I9); settled means both legs (I4); a
final state is final (I8); a name is used once (I10); penalties are zero-sum (I21).
Cost: O(log open) a step. Units: ns, yen, units. Errors: InvariantBroken only.
Known limits: business hours are one table; the payments of a bank have their own. Penalties and compensations are
collected outside the ledgers of the trial.
"""

from functools import partial
from heapq import heappop
from typing import Final

from market.business_days import at_jst
from market.errors import check
from settlement.designs.conduct import MINUTE_NS
from settlement.designs.enact import FIRST_ESCROW
from settlement.designs.states import Leg, ObligationState
from settlement.trials.deal import Deal, net_flows
from settlement.trials.failing import FAIL_DAYS_MAX, Failing
from settlement.trials.funds import endowment
from settlement.trials.hours import CUT_OFF_S, OPEN_S, next_cut_off, settlement_day
from settlement.trials.records import (
    YEN,
    Case,
    LegFinal,
    LogRecord,
    Obliged,
    Said,
    StateChanged,
)

__all__ = ["LATENCY_NS", "MATCH_NS", "Deal", "Desk", "net_flows"]

LATENCY_NS: Final = 2_000_000_000
"""From one step of a design to the next: message, check, confirmation."""

MATCH_NS: Final = MINUTE_NS


class Desk(Failing):
    """One trial while it runs.

    Attributes:
        deals: Obligations by name, in order of trade.
        escrow: Where units are kept by what is agreed from now on,
        version: and under which contract.
    """

    def __init__(self, case: Case) -> None:
        super().__init__(case)
        self.deals: dict[str, Deal] = {}
        self.escrow, self.version = FIRST_ESCROW, 1
        self._take_in()

    # --- before and after

    def _take_in(self) -> None:
        """Accounts, obligations, faults."""
        for (owner, asset), amount in endowment(self.case).items():
            self.open_account(owner, asset, amount)
        last = self.at_ns
        for trade in self.case.trades:
            day = settlement_day(trade.day, self.case.horizon_days)
            ready = trade.at_ns + MATCH_NS
            if self.case.horizon_days:
                ready = at_jst(day, OPEN_S)
            if self.case.by_file and self.case.horizon_days:  # paid by the file of the day
                eve = settlement_day(trade.day, self.case.horizon_days - 1)
                ready = max(trade.at_ns + MATCH_NS, at_jst(eve, OPEN_S))
            deal = Deal(trade, ready, at_jst(day, CUT_OFF_S))
            if self.case.by_file and not self.case.horizon_days:
                deal.cut_off_ns = next_cut_off(deal.due_ns)  # late, but with the next file
            check(deal.name not in self.deals, "I10: an obligation has a new name", deal=deal.name)
            self.deals[deal.name] = deal
            last = max(last, at_jst(settlement_day(day, FAIL_DAYS_MAX), CUT_OFF_S))
            self.write(
                Obliged(
                    at_ns=self.at_ns, deal=deal.name, seller=trade.seller, buyer=trade.buyer,
                    issue=trade.issue, units=trade.units, yen=trade.yen, traded_ns=trade.at_ns,
                    due_ns=deal.due_ns,
                )
            )  # fmt: skip
            self.plan(deal.due_ns, partial(self.age, deal))
        self.end_ns = last
        first = min((deal.ready_ns for deal in self.deals.values()), default=self.at_ns)
        for strike in self.case.strikes:
            struck = self.deals.get(strike.target)
            sides = {}
            if struck is not None:
                sides = {"seller": struck.trade.seller, "buyer": struck.trade.buyer}
            self.weather.add(strike, struck.ready_ns if struck else first, sides)
        for told in self.weather.struck:
            self.write(told)

    def run(self) -> list[LogRecord]:
        """Every step up to the end, then the books are closed."""
        while self.steps and self.steps[0][0] <= self.end_ns:
            at_ns, _, act = heappop(self.steps)
            check(at_ns >= self.at_ns, "time does not go back", step_ns=at_ns, at_ns=self.at_ns)
            self.at_ns = at_ns
            act()
        self.at_ns = self.end_ns
        left = [deal for deal in self.deals.values() if deal.is_open]
        for deal in left:
            deal.late = self.late_side(deal)
        for deal in left:
            self._close(deal)
        for lock in list(self.locks):
            self.end_lock(lock, delivered=False)
        for issue in sorted({trade.issue for trade in self.case.trades}):
            self.take_register(issue)
        for (owner, asset), amount in self.free.items():
            self.write(Said(at_ns=self.at_ns, owner=owner, asset=asset, amount=amount))
        self.watch.close()
        return self.log

    def _close(self, deal: Deal) -> None:
        """What is still open at the end: compensated by its table, lost, or for an arbiter."""
        self.leave_queue(deal)
        self.on_end(deal)
        if not deal.is_open:
            return
        trade = deal.trade
        got_token = trade.units - deal.left_units
        paid = trade.yen - deal.left_yen
        owed = got_token * trade.yen // trade.units - paid
        if abs(owed) > 1 and self._handed_back(deal):
            self.move(deal, ObligationState.CLOSED_COMP, "desk", "first leg returned")
            return
        debtor = "desk" if abs(owed) <= 1 else trade.buyer if owed > 0 else trade.seller
        self.move(deal, ObligationState.DISPUTED, debtor, "open when the trial ends")

    def _handed_back(self, deal: Deal) -> bool:
        """Reverse the only leg that was given, when nothing is locked and its taker is up and has it."""
        trade = deal.trade
        units, yen = trade.units - deal.left_units, trade.yen - deal.left_yen
        if (units and yen) or deal.state is ObligationState.DECIDED:
            return False
        leg, asset, amount = (Leg.TOKEN, trade.issue, units) if units else (Leg.CASH, YEN, yen)
        giver, taker = (
            (trade.seller, trade.buyer) if leg is Leg.TOKEN else (trade.buyer, trade.seller)
        )
        if asset == YEN and self.money_failed:
            return False
        if not self.has(taker, asset, amount) or not self.weather.is_up((taker,), self.at_ns):
            return False
        self.post(deal.name, asset, taker, giver, amount)
        self.count(deal, leg, -amount)
        return True

    # --- legs and states

    def count(self, deal: Deal, leg: Leg, amount: int) -> None:
        """Note that an amount of a leg is irrevocable."""
        if leg is Leg.TOKEN:
            deal.left_units -= amount
        else:
            deal.left_yen -= amount
        check(
            deal.left_units >= 0 and deal.left_yen >= 0, "I9: no leg is given twice", deal=deal.name
        )
        self.write(LegFinal(at_ns=self.at_ns, deal=deal.name, leg=leg, amount=amount))

    def move(self, deal: Deal, state: ObligationState, actor: str, reason: str) -> None:
        """Change an obligation's state."""
        check(deal.is_open, "I8: a final state is final", deal=deal.name, state=deal.state)
        if state is ObligationState.SETTLED:
            whole = deal.left_units == 0 and deal.left_yen == 0
            check(whole, "I4: both legs are final", deal=deal.name)
        if state is ObligationState.CLOSED_COMP:
            self.price_fail(deal)
        deal.state = state
        deal.entered_ns = self.at_ns
        self.write(
            StateChanged(at_ns=self.at_ns, deal=deal.name, state=state, actor=actor, reason=reason)
        )
