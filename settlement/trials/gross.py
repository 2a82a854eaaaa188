"""Design A and its queue: gross, atomic, one ledger; with or without offsetting.

| from | event | to |
|---|---|---|
| MATCHED | ready, both sides and the ledger up, units and yen free | SETTLED: both legs in one posting |
| MATCHED | a side lacks units or yen | QUEUED |
| QUEUED | what it lacks comes in | SETTLED |
| QUEUED | an offset set contains it (with offsetting) | SETTLED, the whole set at once |
| QUEUED | half an hour before the cut-off, units short | part of both legs, rest stays QUEUED |
| QUEUED | cut-off | FAILING, a penalty a day, still retried |
| FAILING | end of the trial | CLOSED_COMP |

Sources: DvP model 1 (CPSS 1992); partial settlement for lack of securities only, as in T2S; offsetting after Bech and
Soramaki 2001.
"""

from functools import partial
from typing import Final

from settlement.offsetting import CASH, Holdings, Queued, Resource, multilateral
from settlement.trials.desk import Deal, Desk, net_flows
from settlement.trials.hours import in_hours
from settlement.trials.records import YEN, Leg, OffsetRun, StateChanged, TrialState
from settlement.trials.weather import MINUTE_NS

OFFSET_EVERY_NS: Final = 10 * MINUTE_NS
PARTIAL_BEFORE_NS: Final = 30 * MINUTE_NS
ONE_LEDGER: Final = ("token", "cash", "notary")


def fill_yen_rounded_down(left_yen: int, fill_units: int, left_units: int) -> int:
    """Yen of a partial fill; the last fill takes what is left, so fills sum exactly."""
    return left_yen * fill_units // left_units


class Gross:
    """Settles each obligation alone, or in offset sets."""

    def __init__(self, desk: Desk, *, offsetting: bool) -> None:
        """Plan every obligation."""
        self.desk = desk
        desk.on_credit = self._retry
        for deal in desk.deals.values():
            desk.step(deal, deal.ready_ns, self.needs(deal), partial(self._try, deal))
            desk.plan(deal.due_ns - PARTIAL_BEFORE_NS, partial(self._partial, deal))
            desk.fail_at_cut_off(deal, desk.short_side)
        if offsetting and desk.deals:
            first = min(deal.ready_ns for deal in desk.deals.values())
            desk.plan(in_hours(first + OFFSET_EVERY_NS), self._offset)

    @staticmethod
    def needs(deal: Deal) -> tuple[str, ...]:
        """Everyone who must be up."""
        names = (*deal.names("seller"), *deal.names("buyer"), *ONE_LEDGER)
        return (*names, f"issue:{deal.trade.issue}")

    def _try(self, deal: Deal) -> None:
        """Settle, or wait for what is missing."""
        desk, trade = self.desk, deal.trade
        if not deal.is_open:
            return
        if trade.seller == trade.buyer:
            self._settle(deal)
            return
        has_units = desk.has(trade.seller, trade.issue, deal.left_units)
        has_yen = desk.has(trade.buyer, YEN, deal.left_yen)
        if has_units:
            desk.could(deal, Leg.TOKEN)
        if has_yen:
            desk.could(deal, Leg.CASH)
        if has_units and has_yen:
            self._settle(deal)
        elif not has_units:
            desk.wait(deal, trade.seller, trade.issue)
        else:
            desk.wait(deal, trade.buyer, YEN)

    def _settle(self, deal: Deal, reason: str = "") -> None:
        desk, trade = self.desk, deal.trade
        desk.say(deal, "venue", "ledger")
        desk.say(deal, "ledger", trade.seller, trade.buyer, "register")
        desk.deliver(deal, Leg.TOKEN)
        desk.deliver(deal, Leg.CASH)
        desk.leave_queue(deal)
        desk.move(deal, TrialState.SETTLED, "ledger", reason)

    def _retry(self, owner: str, asset: str) -> None:
        """What came in may let some of those who wait go."""
        for deal in self.desk.waiters(owner, asset):
            names = self.needs(deal)
            if (
                self.desk.weather.is_up(names, self.desk.at_ns)
                and in_hours(self.desk.at_ns) == self.desk.at_ns
            ):
                self._try(deal)
            else:
                self.desk.step(deal, self.desk.at_ns, names, partial(self._try, deal))

    def _partial(self, deal: Deal) -> None:
        """Settle what the seller has, the yen in proportion, rounded down; the last fill takes the rest."""
        desk, trade = self.desk, deal.trade
        have = desk.free.get((trade.seller, trade.issue), 0)
        if not deal.queued or not 0 < have < deal.left_units:
            return
        yen = fill_yen_rounded_down(deal.left_yen, have, deal.left_units)
        if not desk.has(trade.buyer, YEN, yen) or not desk.weather.is_up(
            self.needs(deal), desk.at_ns
        ):
            return
        desk.deliver(deal, Leg.TOKEN, units=have)
        desk.deliver(deal, Leg.CASH, yen=yen)
        state = deal.state
        desk.log.append(
            StateChanged(
                at_ns=desk.at_ns, deal=deal.name, state=state, actor="ledger", reason="partial"
            )
        )

    def _offset(self) -> None:
        """Release what can settle together, then look again while anything waits."""
        desk = self.desk
        queue = [
            deal
            for deal in desk.deals.values()
            if deal.queued and deal.is_open and desk.weather.is_up(self.needs(deal), desk.at_ns)
        ]
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
            found = multilateral(rows, Holdings(held))
            desk.log.append(
                OffsetRun(at_ns=desk.at_ns, queued=len(queue), released=len(found.released))
            )
            self._release([queue[place] for place in found.released])
        desk.plan(in_hours(desk.at_ns + OFFSET_EVERY_NS), self._offset)

    def _release(self, deals: list[Deal]) -> None:
        """Post the whole set at once: what comes in pays for what goes out."""
        desk = self.desk
        net = net_flows(deals)
        for (owner, asset), amount in net.items():
            if amount < 0:
                desk.post("set", asset, owner, "set", -amount)
        for (owner, asset), amount in net.items():
            if amount > 0:
                desk.post("set", asset, "set", owner, amount)
        for deal in deals:
            desk.say(deal, "ledger", deal.trade.seller, deal.trade.buyer, "register")
            desk.count(deal, Leg.TOKEN, deal.left_units)
            desk.count(deal, Leg.CASH, deal.left_yen)
            desk.leave_queue(deal)
            desk.move(deal, TrialState.SETTLED, "ledger", "offset")
