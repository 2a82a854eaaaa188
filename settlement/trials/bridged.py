"""Designs B1 to B4: two ledgers and what joins them.

| design | first | second | decided by | last |
|---|---|---|---|---|
| B1 | seller locks units, expiry T | buyer locks yen, expiry T - m | seller claims the yen, secret public | buyer claims the units before T, else SPLIT |
| B2 | seller puts units in escrow | buyer reserves yen | platform pays and signs evidence | agent, or after a while the buyer with the evidence, finishes |
| B3 | seller locks units | buyer locks yen, both keys stored | oracle lets the yen go and the success key out | buyer claims with the key |
| B4 | notary reserves the units' uniqueness | - | buyer pays outside | notary commits |

States: MATCHED, LOCKED_1, LOCKED_2, DECIDED, SETTLED. A side that lacks its asset waits (QUEUED); what is locked by then
goes back at its expiry (B1) or at the cut-off, the obligation fails and is tried again when the missing asset
comes in. After DECIDED nothing goes back: whoever paid is delivered to.
Rules of B1: the buyer locks only while the expiries are at least the margin apart; a claim counts while
now < T on the ledger's own clock, a refund from T on.
Sources: hash time locks and their margin rule; provisional transfer and verified payment (ibet DVP with a payment
platform); keys released by an oracle (ERC-7573); a notary as the bridge, in its safe order.
"""

from collections.abc import Callable
from functools import partial
from typing import Final

from settlement.trials.desk import LATENCY_NS, Deal, Desk
from settlement.trials.hours import in_hours, next_opening
from settlement.trials.records import YEN, Leg, TrialState
from settlement.trials.weather import MINUTE_NS

LEADER_NS: Final = 180 * MINUTE_NS
MARGIN_NS: Final = 60 * MINUTE_NS
AGENT_NS: Final = 30 * MINUTE_NS
"""After this the buyer may present the payment evidence itself."""

RETRY_NS: Final = MINUTE_NS
UNSAFE: Final = "B4-unsafe"
"""B4 with the payment ordered inside validation, before uniqueness is reserved: it splits."""


class Bridged:
    """One of the four, for every obligation."""

    def __init__(self, desk: Desk, design: str) -> None:
        """Plan every obligation."""
        self.desk = desk
        self.design = design
        self.expiry: dict[str, int] = {}
        self._asked: dict[str, int] = {}
        desk.on_credit = self._retry
        for deal in desk.deals.values():
            self._begin(deal, deal.ready_ns)
            desk.fail_at_cut_off(deal, self._failer)
            desk.plan(deal.due_ns, partial(self._let_go, deal))

    def _begin(self, deal: Deal, at_ns: int) -> None:
        self.desk.step(deal, at_ns, self._token(deal, "seller"), partial(self._first, deal))

    def _token(self, deal: Deal, side: str) -> tuple[str, ...]:
        return (*deal.names(side), "token", "notary", f"issue:{deal.trade.issue}")

    def _first(self, deal: Deal) -> None:
        """The seller gives up the use of the units."""
        desk, trade = self.desk, deal.trade
        if not deal.is_open or deal.locks or deal.state is TrialState.DECIDED:
            return
        if trade.seller == trade.buyer:
            desk.deliver(deal, Leg.TOKEN)
            desk.deliver(deal, Leg.CASH)
            desk.settled(deal, trade.seller)
            return
        if not desk.has(trade.seller, trade.issue, deal.left_units):
            desk.wait(deal, trade.seller, trade.issue)
            return
        desk.could(deal, Leg.TOKEN)
        if self.design == "B1" and in_hours(desk.at_ns + LEADER_NS) != desk.at_ns + LEADER_NS:
            self._begin(deal, next_opening(desk.at_ns))  # a lock must expire while ledgers work
            return
        desk.leave_queue(deal)
        if self.design != UNSAFE:
            desk.lock(deal, Leg.TOKEN)
        desk.move(deal, TrialState.LOCKED_1, trade.seller, "")
        desk.say(deal, trade.seller, "token ledger", trade.buyer)
        if self.design == "B1":
            expiry = desk.at_ns + LEADER_NS
            self.expiry[deal.name] = expiry
            desk.plan(expiry, partial(self._token_expires, deal, expiry))
        self._ask_buyer(deal)

    def _ask_buyer(self, deal: Deal) -> None:
        names = (*deal.names("buyer"), "cash")
        self.desk.step(deal, self.desk.at_ns + LATENCY_NS, names, partial(self._second, deal))

    def _second(self, deal: Deal) -> None:
        """The buyer gives up the use of the yen, or in B4 pays."""
        desk, trade = self.desk, deal.trade
        if deal.state is not TrialState.LOCKED_1 and not (
            deal.state in {TrialState.QUEUED, TrialState.FAILING} and Leg.TOKEN in deal.locks
        ):
            return
        if self.design == "B1" and self._true_expiry(deal) - desk.at_ns < 2 * MARGIN_NS:
            return  # too late for a second lock that leaves the margin: wait for the first to expire
        if not desk.has(trade.buyer, YEN, deal.left_yen):
            desk.wait(deal, trade.buyer, YEN)
            return
        desk.could(deal, Leg.CASH)
        desk.leave_queue(deal)
        if self.design in {"B4", UNSAFE}:
            desk.move(deal, TrialState.LOCKED_2, trade.buyer, "")
            self._decide(deal)
            return
        chosen_until = self.expiry[deal.name] - MARGIN_NS if self.design == "B1" else 0
        desk.lock(deal, Leg.CASH, option_until_ns=chosen_until)
        desk.move(deal, TrialState.LOCKED_2, trade.buyer, "")
        desk.say(deal, trade.buyer, "cash ledger", trade.seller)
        if self.design == "B1":
            expiry = self.expiry[deal.name] - MARGIN_NS
            desk.plan(expiry, partial(self._cash_expires, deal, expiry))
            names: tuple[str, ...] = (*deal.names("seller"), "cash")
        elif self.design == "B2":
            names = (f"{deal.name}:decision", f"{deal.name}:message", "cash")
        else:
            names = (f"{deal.name}:agent", f"{deal.name}:decision", "cash")
        desk.step(deal, desk.at_ns + LATENCY_NS, names, partial(self._decide, deal))

    def _decide(self, deal: Deal) -> None:
        """The yen go to the seller; from here on the units are the buyer's to take."""
        desk, trade = self.desk, deal.trade
        if deal.state is not TrialState.LOCKED_2:
            return
        if self.design == "B1" and desk.at_ns >= self.expiry[deal.name] - MARGIN_NS:
            return  # the claim is late: the refund of this instant wins
        desk.deliver(deal, Leg.CASH)
        decider = {
            "B1": trade.seller,
            "B2": "payment platform",
            "B3": "oracle",
            "B4": trade.buyer,
            UNSAFE: trade.buyer,
        }
        desk.move(deal, TrialState.DECIDED, decider[self.design], "paid")
        desk.say(deal, decider[self.design], "token ledger", trade.buyer, trade.seller)
        self._finish_after(deal, desk.at_ns + LATENCY_NS)

    def _finish_after(self, deal: Deal, at_ns: int) -> None:
        desk = self.desk
        ledger = ("token", "notary", f"issue:{deal.trade.issue}")
        if self.design == "B2":
            agent = (f"{deal.name}:agent", *ledger)
            if desk.weather.clear(agent, at_ns)[0] > at_ns + AGENT_NS:
                late = at_ns + AGENT_NS
                desk.step(
                    deal, late, self._token(deal, "buyer"), partial(self._last, deal, "buyer")
                )
            desk.step(deal, at_ns, agent, partial(self._last, deal, "agent"))
        elif self.design in {"B4", UNSAFE}:
            desk.step(deal, at_ns, ledger, partial(self._last, deal, "notary"))
        else:
            desk.step(deal, at_ns, self._token(deal, "buyer"), partial(self._last, deal, "buyer"))

    def _last(self, deal: Deal, actor: str) -> None:
        """The units go to the buyer."""
        desk = self.desk
        if deal.state is not TrialState.DECIDED:
            return
        if self.design == "B1" and desk.at_ns >= self._true_expiry(deal):
            return  # _token_expires has the last word
        if self.design == UNSAFE and not self._is_unspent(deal):
            desk.lose(deal, deal.trade.buyer, deal.trade.seller, "F6", deal.trade.yen)
            return
        desk.deliver(deal, Leg.TOKEN)
        desk.say(deal, actor, "token ledger", "register")
        desk.settled(deal, actor)

    def _is_unspent(self, deal: Deal) -> bool:
        """Unsafe order: the notary looks for a double spend only now, after the payment."""
        trade = deal.trade
        _, waits = self.desk.weather.clear((f"{deal.name}:seller",), self.desk.at_ns)
        twice = any(family == "F6" for _, family, _ in waits)
        return not twice and self.desk.has(trade.seller, trade.issue, deal.left_units)

    # --- what goes back

    def _true_expiry(self, deal: Deal) -> int:
        """When the units' lock expires in true time: earlier when the token ledger's clock is ahead."""
        return self.expiry[deal.name] - self.desk.weather.ahead_ns(self.desk.at_ns)

    def _cash_expires(self, deal: Deal, expiry: int) -> None:
        """No claim came: the buyer has its yen back, and the secret is worth nothing."""
        if deal.state is TrialState.LOCKED_2 and self.expiry[deal.name] - MARGIN_NS == expiry:
            self.desk.end_lock(deal.locks.pop(Leg.CASH), delivered=False)
            self.desk.move(deal, TrialState.LOCKED_1, deal.trade.buyer, "refund")

    def _token_expires(self, deal: Deal, expiry: int) -> None:
        """The seller has its units back; when it has the yen as well, the buyer lost."""
        desk = self.desk
        if not deal.is_open or self.expiry.get(deal.name) != expiry or Leg.TOKEN not in deal.locks:
            return
        decided = deal.state is TrialState.DECIDED
        desk.give_back(deal)
        if decided:
            cause, family = self._who_was_late(deal)
            desk.lose(deal, deal.trade.buyer, cause, family, deal.trade.yen)
            return
        desk.leave_queue(deal)
        desk.move(deal, TrialState.FAILING, deal.trade.seller, "expired")
        self._begin(deal, desk.at_ns + RETRY_NS)

    def _who_was_late(self, deal: Deal) -> tuple[str, str]:
        """Whose outage kept the buyer from claiming."""
        names = self._token(deal, "buyer")
        _, waits = self.desk.weather.clear(names, self.desk.at_ns)
        return waits[0][:2] if waits else ("ledger operator", "F3")

    def _let_go(self, deal: Deal) -> None:
        """At the cut-off a single lock goes back (B1's go back at their expiry)."""
        desk = self.desk
        if self.design == "B1" or not deal.is_open or deal.state is TrialState.DECIDED:
            return
        if Leg.TOKEN in deal.locks and Leg.CASH not in deal.locks:
            waited_for_yen = deal.queued
            desk.give_back(deal)
            if not waited_for_yen:
                self._begin(deal, desk.at_ns + RETRY_NS)

    def _retry(self, owner: str, asset: str) -> None:
        """What came in lets those go on who waited for it."""
        desk = self.desk
        for deal in desk.waiters(owner, asset):
            act: Callable[[Deal], None] = self._second if Leg.TOKEN in deal.locks else self._first
            side, ledger = ("buyer", "cash") if Leg.TOKEN in deal.locks else ("seller", "token")
            desk.step(deal, desk.at_ns, (*deal.names(side), ledger), partial(act, deal))

    def _failer(self, deal: Deal) -> str:
        """The seller while the units are not locked or there, else the buyer."""
        trade = deal.trade
        if Leg.TOKEN in deal.locks or self.desk.has(trade.seller, trade.issue, deal.left_units):
            return trade.buyer
        return trade.seller
