"""Fails of a trial: who is late, what a day of it costs, and how it ends.

| when | what |
|---|---|
| at the deadline, and every business day after it | a penalty from who keeps the obligation open |
| in the morning of the buy-in day | units of a third party, if anybody sells (buy_in.py) |
| at the cut-off of that day, and when the trial ends | units once more, else money (prices.py) |

Penalties are zero-sum (I21); they and compensations are collected outside the ledgers of the trial.
Units: yen, units, business days. Cost: O(1) a day and obligation. Errors: InvariantBroken only.
"""

from collections.abc import Callable
from functools import partial
from typing import Final

from settlement.designs.states import Leg
from settlement.lifecycle.fails import FailRule, Next, next_step, penalty
from settlement.trials.counter import Counter
from settlement.trials.deal import Deal
from settlement.trials.hours import next_cut_off, next_opening
from settlement.trials.prices import SEN, Prices, cost_of_fail_yen
from settlement.trials.records import BoughtIn, Case, PenaltyCharged
from settlement.trials.weather import Weather

FAIL_DAYS_MAX: Final = 2
"""Business days after the last date before what is still open is bought in or compensated."""

FAILS: Final = FailRule(penalty_ppm_a_day=100, buy_in_days=FAIL_DAYS_MAX)


class Failing(Counter):
    """Ages what is late.

    Attributes:
        weather: Who is out, and when.
        end_ns: When the books are closed.
        firms: Everyone who trades.
        sells: Whether units for an obligation are for sale at a price (buy_in.py).
        bought_in: Buys in for an obligation at a price, if units are for sale (buy_in.py).
        on_end: What the design does with an obligation that is over, down to a compensation.
    """

    def __init__(self, case: Case) -> None:
        """Nobody is late yet."""
        super().__init__(case)
        self.weather = Weather(self.at_ns)
        self.end_ns = self.at_ns
        self.firms = {name for trade in case.trades for name in (trade.seller, trade.buyer)}
        self._prices = Prices(case.prices)
        self.sells: Callable[[Deal, int], bool] = lambda _deal, _price_sen: False
        self.bought_in: Callable[[Deal, int], bool] = lambda _deal, _price_sen: False
        self.on_end: Callable[[Deal], None] = lambda _deal: None

    def age(self, deal: Deal) -> None:
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
        self.plan(next_cut_off(self.at_ns), partial(self.age, deal))

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

    def price_fail(self, deal: Deal) -> None:
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
