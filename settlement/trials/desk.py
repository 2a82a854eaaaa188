"""The desk of a trial: virtual time, ledgers with locks, and one way to take a step.

Purpose: everything that designs share. A design plans steps; the desk runs them in time order, waits for
whoever is out, keeps the accounts and writes the log.
Ordering: steps of the same instant run in the order in which they were planned.
Invariants (always on): those of books.py; no leg is given twice (I9); settled means both legs (I4); a
final state is final (I8); a name is used once (I10).
Cost: O(log open) a step. Units: ns, yen, units. Errors: InvariantBroken only.
Known limits: business hours are one table; the payments of a bank have their own.
"""

from collections.abc import Callable, Iterable
from heapq import heappop, heappush
from typing import Final

from market.business_days import at_jst
from market.errors import check
from settlement.trials.books import Books
from settlement.trials.funds import endowment
from settlement.trials.hours import CUT_OFF_S, OPEN_S, in_hours, next_cut_off, settlement_day
from settlement.trials.records import (
    FINAL,
    YEN,
    BookBreak,
    Case,
    Could,
    Delayed,
    Leg,
    LegFinal,
    LogRecord,
    Obliged,
    Opened,
    PenaltyCharged,
    PrincipalLost,
    Said,
    Sent,
    StateChanged,
    TrialState,
    TrialTrade,
    Waited,
)
from settlement.trials.weather import MINUTE_NS, Weather

LATENCY_NS: Final = 2_000_000_000
"""From one step of a design to the next: message, check, confirmation."""

MATCH_NS: Final = MINUTE_NS
FAIL_DAYS_MAX: Final = 2
"""Business days after the last date before what is still open is compensated."""

PENALTY_PPM_A_DAY: Final = 100
"""One basis point of the value a day."""


class Deal:
    """An obligation on its way."""

    __slots__ = (
        "due_ns", "left_units", "left_yen", "locks", "name", "queued", "ready_ns", "state", "trade",
    )  # fmt: skip

    def __init__(self, trade: TrialTrade, ready_ns: int, due_ns: int) -> None:
        self.trade = trade
        self.name = trade.trade_id
        self.ready_ns = ready_ns
        self.due_ns = due_ns
        self.state = TrialState.MATCHED
        self.left_units = trade.units
        self.left_yen = trade.yen
        self.locks: dict[Leg, int] = {}
        self.queued = False

    @property
    def is_open(self) -> bool:
        """Whether something may still happen."""
        return self.state not in FINAL

    def names(self, side: str) -> tuple[str, ...]:
        """Who must be up for a step of one side."""
        firm = self.trade.seller if side == "seller" else self.trade.buyer
        return (firm, f"{self.name}:{side}", f"{self.name}:message", f"{self.name}:match")


class Desk(Books):
    """One trial while it runs.

    Attributes:
        deals: Obligations by name, in order of trade.
        waiting: Who waits for a resource, by owner and asset.
        on_credit: What the design does when something came in for which somebody waits.
    """

    def __init__(self, case: Case) -> None:
        super().__init__(min((trade.at_ns for trade in case.trades), default=0))
        self.case = case
        self.deals: dict[str, Deal] = {}
        self.waiting: dict[tuple[str, str], list[Deal]] = {}
        self._steps: list[tuple[int, int, Callable[[], None]]] = []
        self._planned = 0
        self.weather = Weather(self.at_ns)
        self.end_ns = self.at_ns
        self.on_credit: Callable[[str, str], None] = lambda _owner, _asset: None
        self._take_in()

    def credited(self, owner: str, asset: str) -> None:
        """Let those who wait for it hear, at this time but after this step."""
        if (owner, asset) in self.waiting:
            self.plan(self.at_ns, lambda: self.on_credit(owner, asset))

    # --- before and after

    def _take_in(self) -> None:
        """Accounts, obligations, faults."""
        for (owner, asset), amount in endowment(self.case).items():
            self.free[owner, asset] = amount
            self.log.append(Opened(at_ns=self.at_ns, owner=owner, asset=asset, amount=amount))
        last = self.at_ns
        for trade in self.case.trades:
            day = settlement_day(trade.day, self.case.horizon_days)
            ready = trade.at_ns + MATCH_NS
            if self.case.horizon_days:
                ready = at_jst(day, OPEN_S)
            deal = Deal(trade, ready, at_jst(day, CUT_OFF_S))
            check(deal.name not in self.deals, "I10: an obligation has a new name", deal=deal.name)
            self.deals[deal.name] = deal
            last = max(last, at_jst(settlement_day(day, FAIL_DAYS_MAX), CUT_OFF_S))
            self.log.append(
                Obliged(
                    at_ns=self.at_ns, deal=deal.name, seller=trade.seller, buyer=trade.buyer,
                    issue=trade.issue, units=trade.units, yen=trade.yen, traded_ns=trade.at_ns,
                    due_ns=deal.due_ns,
                )
            )  # fmt: skip
        self.end_ns = last
        first = min((deal.ready_ns for deal in self.deals.values()), default=self.at_ns)
        for strike in self.case.strikes:
            struck = self.deals.get(strike.target)
            sides = {}
            if struck is not None:
                sides = {"seller": struck.trade.seller, "buyer": struck.trade.buyer}
            self.weather.add(strike, struck.ready_ns if struck else first, sides)
        self.log.extend(self.weather.struck)

    def run(self) -> list[LogRecord]:
        """Every step up to the end, then the books are closed."""
        while self._steps and self._steps[0][0] <= self.end_ns:
            at_ns, _, act = heappop(self._steps)
            check(at_ns >= self.at_ns, "time does not go back", step_ns=at_ns, at_ns=self.at_ns)
            self.at_ns = at_ns
            act()
        self.at_ns = self.end_ns
        for deal in self.deals.values():
            if deal.is_open:
                self._close(deal)
        for lock in list(self.locks):
            self.end_lock(lock, delivered=False)
        for (owner, asset), amount in self.free.items():
            self.log.append(Said(at_ns=self.at_ns, owner=owner, asset=asset, amount=amount))
        return self.log

    def _close(self, deal: Deal) -> None:
        """What is still open at the end: compensated, lost, or for an arbiter."""
        trade = deal.trade
        got_token = trade.units - deal.left_units
        paid = trade.yen - deal.left_yen
        owed = got_token * trade.yen // trade.units - paid
        self.leave_queue(deal)
        if deal.state is TrialState.DECIDED and deal.locks:
            self.move(deal, TrialState.DISPUTED, "desk", "undelivered at the end")
            return
        self.give_back(deal)
        if abs(owed) > 1 and self._handed_back(deal):
            self.move(deal, TrialState.CLOSED_COMP, "desk", "first leg returned")
            return
        if abs(owed) > 1:
            bearer, cause = (trade.seller, trade.buyer) if owed > 0 else (trade.buyer, trade.seller)
            _, waits = self.weather.clear((cause,), self.at_ns)
            if waits:  # the debtor is gone: a loss; a debtor that is there owes
                self.lose(deal, bearer, cause, waits[0][1], abs(owed))
            else:
                self.move(deal, TrialState.DISPUTED, cause, "second leg owed")
            return
        self.move(deal, TrialState.CLOSED_COMP, "desk", "buy-in or compensation")

    def _handed_back(self, deal: Deal) -> bool:
        """Return the only leg that was given, when its taker is up and still has it."""
        trade = deal.trade
        units, yen = trade.units - deal.left_units, trade.yen - deal.left_yen
        if units and yen:
            return False
        leg, asset, amount = (Leg.TOKEN, trade.issue, units) if units else (Leg.CASH, YEN, yen)
        giver, taker = (
            (trade.seller, trade.buyer) if leg is Leg.TOKEN else (trade.buyer, trade.seller)
        )
        if not self.has(taker, asset, amount) or not self.weather.is_up((taker,), self.at_ns):
            return False
        self.post(deal.name, asset, taker, giver, amount)
        self.count(deal, leg, -amount)
        return True

    def lose(self, deal: Deal, bearer: str, cause: str, family: str, yen: int) -> None:
        """One leg is final and the other cannot be (SPLIT): somebody's principal is gone."""
        self.move(deal, TrialState.SPLIT, cause, "one leg final")
        self.log.append(
            PrincipalLost(
                at_ns=self.at_ns, deal=deal.name, bearer=bearer, cause=cause, family=family, yen=yen
            )
        )

    # --- steps

    def plan(self, at_ns: int, act: Callable[[], None]) -> None:
        """Do something at a time, in business hours."""
        self._planned += 1
        heappush(self._steps, (max(at_ns, self.at_ns), self._planned, act))

    def step(self, deal: Deal, at_ns: int, names: Iterable[str], act: Callable[[], None]) -> int:
        """Do a step of an obligation when everyone it needs is up; returns the planned time."""
        names = tuple(names)
        when, waits = in_hours(at_ns), []
        while True:
            later, more = self.weather.clear(names, when)
            waits += more
            if (opened := in_hours(later)) == when == later:
                break
            when = opened
        for cause, family, ns in waits:
            self.log.append(
                Delayed(
                    at_ns=self.at_ns, deal=deal.name, cause=cause, family=family,
                    ns=min(ns, max(0, self.end_ns - at_ns)),
                )
            )  # fmt: skip
        self.plan(when, act)
        return when

    # --- legs

    def lock(self, deal: Deal, leg: Leg, *, option_until_ns: int = 0) -> None:
        """Lock what is left of a leg."""
        token = leg is Leg.TOKEN
        owner = deal.trade.seller if token else deal.trade.buyer
        asset, amount = (deal.trade.issue, deal.left_units) if token else (YEN, deal.left_yen)
        deal.locks[leg] = self.lock_amount(deal.name, owner, asset, amount, option_until_ns)

    def give_back(self, deal: Deal) -> None:
        """Return every lock of an obligation."""
        for number in deal.locks.values():
            self.end_lock(number, delivered=False)
        deal.locks.clear()

    def deliver(
        self, deal: Deal, leg: Leg, units: int | None = None, yen: int | None = None
    ) -> None:
        """Make a leg, or a part of it, irrevocable: out of its lock if it has one, else posted."""
        if (number := deal.locks.pop(leg, None)) is not None:
            self.end_lock(number, delivered=True)
        trade = deal.trade
        if leg is Leg.TOKEN:
            amount = deal.left_units if units is None else units
            self.post(deal.name, trade.issue, trade.seller, trade.buyer, amount)
        else:
            amount = deal.left_yen if yen is None else yen
            self.post(deal.name, YEN, trade.buyer, trade.seller, amount)
        self.count(deal, leg, amount)

    def count(self, deal: Deal, leg: Leg, amount: int) -> None:
        """Note that an amount of a leg is irrevocable."""
        if leg is Leg.TOKEN:
            deal.left_units -= amount
        else:
            deal.left_yen -= amount
        check(
            deal.left_units >= 0 and deal.left_yen >= 0, "I9: no leg is given twice", deal=deal.name
        )
        self.log.append(LegFinal(at_ns=self.at_ns, deal=deal.name, leg=leg, amount=amount))

    def settled(self, deal: Deal, actor: str) -> None:
        """Both legs are final."""
        check(
            deal.left_units == 0 and deal.left_yen == 0, "I4: both legs are final", deal=deal.name
        )
        self.leave_queue(deal)
        self.move(deal, TrialState.SETTLED, actor, "")

    # --- telling

    def move(self, deal: Deal, state: TrialState, actor: str, reason: str) -> None:
        """Change an obligation's state."""
        check(deal.is_open, "I8: a final state is final", deal=deal.name, state=deal.state)
        deal.state = state
        self.log.append(
            StateChanged(at_ns=self.at_ns, deal=deal.name, state=state, actor=actor, reason=reason)
        )

    def say(self, deal: Deal, sender: str, *to: str, signed: bool = True) -> None:
        """Messages from one to others."""
        for one in to:
            self.log.append(
                Sent(at_ns=self.at_ns, deal=deal.name, sender=sender, to=one, signed=signed)
            )

    def could(self, deal: Deal, leg: Leg) -> None:
        """A side could give."""
        self.log.append(Could(at_ns=self.at_ns, deal=deal.name, leg=leg))

    def broken_book(self, deal: Deal, minutes: int) -> None:
        """Records disagreed."""
        self.log.append(BookBreak(at_ns=self.at_ns, deal=deal.name, minutes=minutes))

    # --- queue, fails

    def wait(self, deal: Deal, owner: str, asset: str) -> None:
        """Queue until an owner receives something."""
        if not deal.queued:
            deal.queued = True
            self.log.append(Waited(at_ns=self.at_ns, deal=deal.name, entered=True))
            if deal.state is not TrialState.FAILING:
                self.move(deal, TrialState.QUEUED, "desk", "lack" if asset != YEN else "mony")
        line = self.waiting.setdefault((owner, asset), [])
        if deal not in line:
            line.append(deal)

    def leave_queue(self, deal: Deal) -> None:
        """Leave the queue, if in it."""
        if deal.queued:
            deal.queued = False
            self.log.append(Waited(at_ns=self.at_ns, deal=deal.name, entered=False))

    def waiters(self, owner: str, asset: str) -> list[Deal]:
        """Take everyone who waits for a resource, oldest first."""
        return [deal for deal in self.waiting.pop((owner, asset), []) if deal.is_open]

    def fail_at_cut_off(self, deal: Deal, failer: Callable[[Deal], str]) -> None:
        """Plan the deadline: whoever is late fails and pays a penalty every business day."""
        trade = deal.trade

        def look() -> None:
            if not deal.is_open or self.at_ns >= self.end_ns:
                return
            if deal.state not in {TrialState.DECIDED, TrialState.FAILING}:
                self.move(deal, TrialState.FAILING, "desk", "late")
            late = failer(deal)
            other = trade.seller if late == trade.buyer else trade.buyer
            charge = trade.yen * PENALTY_PPM_A_DAY // 1_000_000
            self.penalty(deal, late, other, charge)
            self.plan(next_cut_off(self.at_ns), look)

        self.plan(deal.due_ns, look)

    def short_side(self, deal: Deal) -> str:
        """Who keeps an obligation from settling: the seller when units are short, else the buyer."""
        trade = deal.trade
        short = not self.has(trade.seller, trade.issue, deal.left_units)
        return trade.seller if short else trade.buyer

    def penalty(self, deal: Deal, payer: str, taker: str, yen: int) -> None:
        """Charge a penalty; it is collected outside the ledgers of the trial (zero-sum, I21)."""
        if payer != taker and yen:
            self.log.append(
                PenaltyCharged(at_ns=self.at_ns, deal=deal.name, payer=payer, taker=taker, yen=yen)
            )


def net_flows(deals: Iterable[Deal]) -> dict[tuple[str, str], int]:
    """What each owner gives (negative) or gets of each asset when all settle at once."""
    net: dict[tuple[str, str], int] = {}
    for deal in deals:
        trade = deal.trade
        if trade.seller == trade.buyer:
            continue
        for owner, asset, amount in (
            (trade.seller, trade.issue, -deal.left_units),
            (trade.buyer, trade.issue, deal.left_units),
            (trade.buyer, YEN, -deal.left_yen),
            (trade.seller, YEN, deal.left_yen),
        ):
            net[owner, asset] = net.get((owner, asset), 0) + amount
    return net
