"""The desk of a trial: virtual time, obligations, deadlines, and the log.

Purpose: what is the same for every design. A design's runner plans steps; the desk runs them in time order, keeps
the accounts (books.py), ages what is late, and closes the books at the end.
Ordering: steps of the same instant run in the order in which they were planned.
Invariants (always on): those of books.py; no leg is given twice (I9); settled means both legs (I4); a
final state is final (I8); a name is used once (I10); penalties are zero-sum (I21).
Cost: O(log open) a step. Units: ns, yen, units. Errors: InvariantBroken only.
Known limits: business hours are one table; the payments of a bank have their own. Penalties and compensations are
collected outside the ledgers of the trial.
"""

from collections.abc import Callable, Iterable
from functools import partial
from hashlib import sha256
from heapq import heappop, heappush
from typing import Final

from market.business_days import at_jst
from market.errors import check
from settlement.designs.conduct import MINUTE_NS
from settlement.designs.enact import FIRST_ESCROW, Enactment
from settlement.designs.rules import World
from settlement.designs.states import Leg, ObligationState
from settlement.lifecycle.fails import FailRule, Next, next_step, penalty
from settlement.trials.books import Books
from settlement.trials.funds import endowment
from settlement.trials.hours import CUT_OFF_S, OPEN_S, next_cut_off, next_opening, settlement_day
from settlement.trials.prices import SEN, Prices, cost_of_fail_yen
from settlement.trials.records import (
    FINAL,
    YEN,
    BookBreak,
    BoughtIn,
    Case,
    Could,
    LegFinal,
    LogRecord,
    Obliged,
    PenaltyCharged,
    PrincipalLost,
    Said,
    SecretHashed,
    SecretShown,
    Sent,
    StateChanged,
    TrialTrade,
    Waited,
)
from settlement.trials.weather import Weather

LATENCY_NS: Final = 2_000_000_000
"""From one step of a design to the next: message, check, confirmation."""

MATCH_NS: Final = MINUTE_NS
FAIL_DAYS_MAX: Final = 2
"""Business days after the last date before what is still open is bought in or compensated."""

FAILS: Final = FailRule(penalty_ppm_a_day=100, buy_in_days=FAIL_DAYS_MAX)


class Deal:
    """An obligation on its way.

    Attributes:
        run: Its rules being taken; all that moves it.
        state: Its state as last written to the log.
        entered_ns: Since when it is in that state.
        cut_off_ns: The cut-off of this attempt.
        began_ns: When the attempt's first lock was made.
        decided_ns: When one leg became final before the other.
        option_until_ns: Until when a lock made now leaves the choice to the other side; 0 is never.
        lacked: Whose asset was missing last, with the amount.
        stuck: Its world when it was last looked at and only lacked something.
        late: Who fails it, once that is to be paid for; what others are bought in for changes nothing then.
        blame: Who first kept the second leg from being given, and the family of the fault.
    """

    __slots__ = (
        "began_ns", "blame", "could", "cut_off_ns", "decided_ns", "due_ns", "entered_ns", "lacked", "late",
        "late_days", "left_units", "left_yen", "name", "option_until_ns", "queued", "ready_ns", "run", "state", "stuck", "taken",
        "told",
        "trade", "wakes",
    )  # fmt: skip

    run: Enactment

    def __init__(self, trade: TrialTrade, ready_ns: int, due_ns: int) -> None:
        self.trade = trade
        self.name = trade.trade_id
        self.ready_ns = self.entered_ns = ready_ns
        self.due_ns = self.cut_off_ns = due_ns
        self.state = ObligationState.MATCHED
        self.left_units = trade.units
        self.left_yen = trade.yen
        self.queued = False
        self.late = ""
        self.began_ns = self.decided_ns = self.option_until_ns = 0
        self.lacked: tuple[str, str, int] | None = None
        self.blame: tuple[str, str] | None = None
        self.stuck: World | None = None
        self.could: set[Leg] = set()
        self.told: set[tuple[str, str, int]] = set()
        self.wakes: set[int] = set()
        self.taken = self.late_days = 0

    @property
    def is_open(self) -> bool:
        """Whether something may still happen."""
        return self.state not in FINAL

    def step_id(self, ahead: int = 0) -> str:
        """The id of the last step taken, or of one ahead of it; never used for another."""
        return f"{self.name}/{self.taken + ahead}"

    def firm(self, side: str) -> str:
        """The firm of a side; anyone else by name."""
        trade = self.trade
        return {"seller": trade.seller, "buyer": trade.buyer}.get(side, side)


class Desk(Books):
    """One trial while it runs.

    Attributes:
        deals: Obligations by name, in order of trade.
        escrow: Where units are kept by what is agreed from now on,
        version: and under which contract.
        waiting: Who waits for a resource, by owner and asset.
        firms: Everyone who trades.
        sells: Whether units for an obligation are for sale at a price (buy_in.py).
        bought_in: Buys in for an obligation at a price, if units are for sale (buy_in.py).
        money_failed: Whether the issuer of the money has defaulted (issuer.py): no yen are paid any more.
        on_yen: What happens when yen come back to an owner after that.
        on_credit: What the design does when something came in for which somebody waits.
    """

    def __init__(self, case: Case) -> None:
        super().__init__(min((trade.at_ns for trade in case.trades), default=0))
        self.case = case
        self.deals: dict[str, Deal] = {}
        self.escrow, self.version = FIRST_ESCROW, 1
        self.waiting: dict[tuple[str, str], dict[str, Deal]] = {}
        self._steps: list[tuple[int, int, Callable[[], None]]] = []
        self._planned = 0
        self.weather = Weather(self.at_ns)
        self.end_ns = self.at_ns
        self._prices = Prices(case.prices)
        self.on_credit: Callable[[Deal], None] = lambda _deal: None
        self.on_end: Callable[[Deal], None] = lambda _deal: None
        self.money_failed = False
        self.sells: Callable[[Deal, int], bool] = lambda _deal, _price_sen: False
        self.bought_in: Callable[[Deal, int], bool] = lambda _deal, _price_sen: False
        self.firms = {name for trade in case.trades for name in (trade.seller, trade.buyer)}
        self.on_yen: Callable[[str], None] = lambda _owner: None
        self._take_in()

    def credited(self, owner: str, asset: str) -> None:
        """Let those who wait for it hear, at this time but after this step."""
        if self.money_failed and asset == YEN:
            self.on_yen(owner)
        if (owner, asset) in self.waiting:
            self.plan(self.at_ns, lambda: self._tell_waiters(owner, asset))

    def _tell_waiters(self, owner: str, asset: str) -> None:
        for deal in self.waiting.pop((owner, asset), {}).values():
            if deal.is_open:
                self.on_credit(deal)

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
            self.plan(deal.due_ns, partial(self._age, deal))
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
        while self._steps and self._steps[0][0] <= self.end_ns:
            at_ns, _, act = heappop(self._steps)
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

    # --- steps and time

    def plan(self, at_ns: int, act: Callable[[], None]) -> None:
        """Do something at a time."""
        self._planned += 1
        heappush(self._steps, (max(at_ns, self.at_ns), self._planned, act))

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
            self._price_fail(deal)
        deal.state = state
        deal.entered_ns = self.at_ns
        self.write(
            StateChanged(at_ns=self.at_ns, deal=deal.name, state=state, actor=actor, reason=reason)
        )

    def lose(self, deal: Deal, bearer: str, cause: str, family: str, yen: int) -> None:
        """One leg is final and the other cannot be: somebody's principal is gone."""
        self.write(
            PrincipalLost(
                at_ns=self.at_ns, deal=deal.name, bearer=bearer, cause=cause, family=family, yen=yen
            )
        )

    # --- telling

    def say(self, deal: Deal, sender: str, *to: str, signed: bool = True) -> None:
        """Messages from one to others."""
        for one in to:
            self.write(Sent(at_ns=self.at_ns, deal=deal.name, sender=sender, to=one, signed=signed))

    def can(self, deal: Deal, leg: Leg) -> None:
        """A side could give; told once."""
        if leg not in deal.could:
            deal.could.add(leg)
            self.write(Could(at_ns=self.at_ns, deal=deal.name, leg=leg))

    def broken_book(self, deal: Deal, minutes: int) -> None:
        """Records disagreed."""
        self.write(BookBreak(at_ns=self.at_ns, deal=deal.name, minutes=minutes))

    # --- secrets

    def hash_secret(self, deal: Deal, attempt: int) -> None:
        """A new secret for an attempt: only its hash is told (I23)."""
        digest = sha256(self._secret(deal, attempt).encode()).hexdigest()
        self.write(SecretHashed(at_ns=self.at_ns, deal=deal.name, digest=digest))

    def show_secret(self, deal: Deal, attempt: int) -> None:
        """The secret is used, and so in the open."""
        secret = self._secret(deal, attempt)
        self.write(SecretShown(at_ns=self.at_ns, deal=deal.name, secret=secret))

    def _secret(self, deal: Deal, attempt: int) -> str:
        text = f"{self.case.seed}/{deal.name}/{attempt}"
        return sha256(f"secret {text}".encode()).hexdigest()

    # --- queue, fails

    def wait(self, deal: Deal, owner: str, asset: str, amount: int) -> None:
        """Queue until an owner receives something."""
        deal.lacked = (owner, asset, amount)
        self.enter_queue(deal)
        self.listen(deal, owner, asset)

    def enter_queue(self, deal: Deal) -> None:
        """Enter the queue, if not in it."""
        if not deal.queued:
            deal.queued = True
            self.write(Waited(at_ns=self.at_ns, deal=deal.name, entered=True))

    def listen(self, deal: Deal, owner: str, asset: str) -> None:
        """Hear of what an owner receives."""
        self.waiting.setdefault((owner, asset), {})[deal.name] = deal

    def leave_queue(self, deal: Deal) -> None:
        """Leave the queue, if in it."""
        deal.lacked = None
        if deal.queued:
            deal.queued = False
            self.write(Waited(at_ns=self.at_ns, deal=deal.name, entered=False))

    def _age(self, deal: Deal) -> None:
        """At its deadline and every business day after it whoever is late pays a penalty."""
        if not deal.is_open or self.at_ns >= self.end_ns:
            return
        trade = deal.trade
        late = self.late_side(deal)
        other = trade.seller if late == trade.buyer else trade.buyer
        price_yen = self.price_sen(deal) // SEN
        charge = penalty(FAILS, late, other, price_yen, deal.left_units)
        if charge is not None:
            self.write(
                PenaltyCharged(
                    at_ns=self.at_ns, deal=deal.name, payer=charge.payer, taker=charge.payee,
                    yen=charge.yen,
                )
            )  # fmt: skip
        if next_step(FAILS, deal.late_days) is Next.BUY_IN and not deal.run.world.is_begun:
            self.plan(self.at_ns, partial(self._end_fail, deal, late))
        deal.late_days += 1
        if next_step(FAILS, deal.late_days) is Next.BUY_IN:
            self.plan(next_opening(self.at_ns), partial(self._buy_in, deal))
        self.plan(next_cut_off(self.at_ns), partial(self._age, deal))

    def _end_fail(self, deal: Deal, late: str) -> None:
        """Buy in or compensate; not when somebody else keeps it open now than did when it was due."""
        if deal.is_open and self.late_side(deal) == late and not deal.run.world.is_begun:
            deal.late = late
            self.leave_queue(deal)
            self.on_end(deal)

    def _buy_in(self, deal: Deal) -> None:
        """In the morning of the day of the rule: units, if anybody sells; money waits until the cut-off."""
        if not deal.is_open or deal.run.world.is_begun or deal.trade.seller == deal.trade.buyer:
            return
        late = self.late_side(deal)
        if late == deal.trade.seller and self.sells(deal, self.price_sen(deal)):
            self._end_fail(deal, late)

    def price_sen(self, deal: Deal) -> int:
        """The last price of an obligation's issue; the agreed one when there is none yet."""
        trade = deal.trade
        return self._prices.last_sen(trade.issue, self.at_ns, trade.yen * SEN // trade.units)

    def _price_fail(self, deal: Deal) -> None:
        """A fail ends: in units bought of a third party, or in money as prices.py says; who failed pays."""
        trade = deal.trade
        if not deal.left_units or trade.seller == trade.buyer:
            return
        price_sen, late = self.price_sen(deal), deal.late or self.late_side(deal)
        if late == trade.seller and self.bought_in(deal, price_sen):
            return
        yen = cost_of_fail_yen(
            trade.seller, trade.buyer, late=late, units=deal.left_units, agreed_yen=deal.left_yen,
            price_sen=price_sen,
        )  # fmt: skip
        if yen:
            taker = trade.buyer if late == trade.seller else trade.seller
            self.write(
                BoughtIn(
                    at_ns=self.at_ns, deal=deal.name, payer=late, taker=taker, yen=yen,
                    price_sen=price_sen,
                )
            )  # fmt: skip

    def late_side(self, deal: Deal) -> str:
        """Who keeps an obligation open: the seller while it has not given, locked or got the units, or is out."""
        trade, world = deal.trade, deal.run.world
        token, cash = world.is_given(Leg.TOKEN), world.is_given(Leg.CASH)
        if token == cash:
            names = (trade.seller, f"{deal.name}:seller", f"frozen:{trade.seller}")
            up = self.weather.is_up(names, self.at_ns)
            token = up and self.has(trade.seller, trade.issue, deal.left_units)
        return trade.buyer if token else trade.seller


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
