"""Design D: two one-way transfers and people between them, units first or yen first.

| from | event | to |
|---|---|---|
| MATCHED | ready: the first side gives, in office hours | LOCKED_2, its principal is at risk |
| LOCKED_2 | the other side's file run and its people's delay | the second leg is given |
| second leg given | reconciled; a wrong reference is a break that people repair | SETTLED |
| LOCKED_2 | the other side has defaulted by the end | SPLIT |

The bank pays at 10:00, 12:00 and 15:00; the people of each firm need half an hour to three hours, drawn by trade
from the seed; three in a hundred payments do not reconcile at once and take 20 to 240 minutes of work.
Sources: bank remittance and register transfer as separate steps, as described for brokers today; the delays are
assumptions.
"""

from functools import partial
from typing import Final

from market.business_days import at_jst, next_business_day
from settlement.trials.desk import Deal, Desk
from settlement.trials.hours import day_of, in_hours
from settlement.trials.records import YEN, Leg, TrialState
from settlement.trials.weather import MINUTE_NS

BANK_S: Final = (36_000, 43_200, 54_000)
OFFICE_S: Final = (9 * 3_600, 61_200)
PEOPLE_MINUTES: Final = (30, 180)
BREAK_MINUTES: Final = (20, 240)
BREAK_PERCENT: Final = 3


class Today:
    """Two transfers for every obligation."""

    def __init__(self, desk: Desk, first: Leg) -> None:
        """Plan every obligation."""
        self.desk = desk
        self.first = first
        self.second = Leg.CASH if first is Leg.TOKEN else Leg.TOKEN
        desk.on_credit = self._retry
        for deal in desk.deals.values():
            self._plan(deal, first, deal.ready_ns)
            desk.fail_at_cut_off(deal, self._failer)

    def _plan(self, deal: Deal, leg: Leg, at_ns: int) -> None:
        side = "seller" if leg is Leg.TOKEN else "buyer"
        where = ("token", f"issue:{deal.trade.issue}") if leg is Leg.TOKEN else ("cash",)
        at_ns = _office(at_ns) if leg is Leg.TOKEN else _bank(at_ns)
        self.desk.step(deal, at_ns, (*deal.names(side), *where), partial(self._give, deal, leg))

    def _give(self, deal: Deal, leg: Leg) -> None:
        """One leg, in the hours of its own office; it does not look at the other."""
        desk, trade = self.desk, deal.trade
        if not deal.is_open or (deal.left_units if leg is Leg.TOKEN else deal.left_yen) == 0:
            return
        if trade.seller == trade.buyer:
            desk.deliver(deal, Leg.TOKEN)
            desk.deliver(deal, Leg.CASH)
            desk.settled(deal, trade.seller)
            return
        proper = _office(desk.at_ns) if leg is Leg.TOKEN else _bank(desk.at_ns)
        if proper != desk.at_ns:
            self._plan(deal, leg, proper)
            return
        owner, asset, amount = (trade.seller, trade.issue, deal.left_units)
        if leg is Leg.CASH:
            owner, asset, amount = trade.buyer, YEN, deal.left_yen
        if not desk.has(owner, asset, amount):
            if leg is self.first:
                desk.wait(deal, owner, asset)
            else:
                desk.waiting.setdefault((owner, asset), []).append(deal)
            return
        desk.could(deal, leg)
        desk.leave_queue(deal)
        desk.say(deal, owner, "register" if leg is Leg.TOKEN else "bank", signed=False)
        desk.deliver(deal, leg)
        if leg is self.first:
            desk.move(deal, TrialState.LOCKED_2, owner, "first leg given")
            desk.say(deal, owner, "counterparty", "back office", signed=False)
            wait = PEOPLE_MINUTES[0] + self._draw(deal, 1) % (PEOPLE_MINUTES[1] - PEOPLE_MINUTES[0])
            self._plan(deal, self.second, desk.at_ns + wait * MINUTE_NS)
            return
        desk.say(
            deal, "bank" if leg is Leg.CASH else "register", owner, "counterparty", signed=False
        )
        self._reconcile(deal)

    def _reconcile(self, deal: Deal) -> None:
        desk = self.desk
        broken = self._draw(deal, 2) % 100 < BREAK_PERCENT or deal.name in desk.weather.mismatched
        minutes = 5
        if broken:
            minutes = BREAK_MINUTES[0] + self._draw(deal, 3) % (BREAK_MINUTES[1] - BREAK_MINUTES[0])
            desk.broken_book(deal, minutes)
        names = (*deal.names("seller"), *deal.names("buyer"))
        done = _office(desk.at_ns + minutes * MINUTE_NS)
        desk.step(deal, done, names, partial(desk.settled, deal, "back office"))

    def _draw(self, deal: Deal, salt: int) -> int:
        """A number from 0 to 65,535 that follows from seed, trade and salt."""
        text = f"{self.desk.case.seed}/{deal.name}/{salt}"
        value = 2_166_136_261
        for byte in text.encode():
            value = (value ^ byte) * 16_777_619 % 2**32
        return (value ^ (value >> 16)) & 0xFFFF

    def _retry(self, owner: str, asset: str) -> None:
        for deal in self.desk.waiters(owner, asset):
            leg = Leg.CASH if asset == YEN else Leg.TOKEN
            self._plan(deal, leg, self.desk.at_ns)

    def _failer(self, deal: Deal) -> str:
        trade = deal.trade
        first_open = deal.left_units if self.first is Leg.TOKEN else deal.left_yen
        late = self.first if first_open else self.second
        return trade.seller if late is Leg.TOKEN else trade.buyer


def _bank(at_ns: int) -> int:
    """The bank's next file run."""
    day = day_of(at_ns)
    times = [at_jst(day, second) for second in BANK_S]
    times.append(at_jst(next_business_day(day), BANK_S[0]))
    return next(at for at in times if at >= at_ns)


def _office(at_ns: int) -> int:
    """The time itself in office hours, else the next opening."""
    return in_hours(at_ns, *OFFICE_S)
