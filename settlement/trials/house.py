"""The house between (a central counterparty): novation, margin, and who bears the loss of a default.

| line, in the order in which a loss goes through it | whose |
|---|---|
| margin | the defaulter's: MARGIN_PPM of its gross purchases, rounded up |
| own contribution | the defaulter's share of the guarantee fund |
| capital | the house's: CAPITAL_PPM of the fund, rounded up |
| others' contributions | every other member's, in proportion, rounded down; the rest falls on the first |
| uncovered | the house's, and so the end of it |

The same lines are the cash with which the house pays in a cycle for who does not; what they cannot pay is
postponed. It takes the units and sells them for CLOSE_OUT_PPM less than it paid: that is the loss. Nothing is
replenished during a trial. Collected before it and shared outside its ledgers, as penalties are.
Units: yen, parts per million. Cost: O(members) a default. Errors: InvariantBroken (I11, I21).
Sources: novation and waterfalls as clearing houses publish them; the rates are assumptions.
"""

from typing import Final

from market.errors import check
from settlement.designs.enact import FUND
from settlement.trials.desk import Deal, Desk
from settlement.trials.funds import contributions
from settlement.trials.records import CLEARER, YEN, FundCharged, LossShared, Novated

MARGIN_PPM: Final = 50_000
CAPITAL_PPM: Final = 100_000
CLOSE_OUT_PPM: Final = 20_000
_MILLION: Final = 1_000_000


class House:
    """What stands between the members of a cycle.

    Attributes:
        margin: Left of each member's margin.
        fund: Left of each member's contribution.
        capital: Left of the house's own.
    """

    def __init__(self, desk: Desk) -> None:
        """Collect every line."""
        self.desk = desk
        self.fund = contributions(desk.case)
        bought = dict.fromkeys(self.fund, 0)
        for trade in desk.case.trades:
            if trade.seller != trade.buyer:
                bought[trade.buyer] += trade.yen
        self.margin = {firm: _up(yen, MARGIN_PPM) for firm, yen in bought.items()}
        self.capital = _up(sum(self.fund.values()), CAPITAL_PPM)
        total = sum(self.fund.values()) + sum(self.margin.values()) + self.capital
        if total:
            desk.open_account(FUND, YEN, total)
        for lines in (self.margin, self.fund, {CLEARER: self.capital}):
            for payer, yen in lines.items():
                if yen:
                    desk.write(FundCharged(at_ns=desk.at_ns, payer=payer, yen=yen))

    def novate(self, deal: Deal) -> None:
        """Each side owes the house, and is owed by it, what they owed each other."""
        self.desk.write(
            Novated(
                at_ns=self.desk.at_ns, deal=deal.name, house=CLEARER,
                units_in=deal.left_units, units_out=deal.left_units,
                yen_in=deal.left_yen, yen_out=deal.left_yen,
            )
        )  # fmt: skip

    def close_out(self, deal: Deal, yen: int, units: int) -> None:
        """Sell what the house took for a defaulter; the loss goes through the lines."""
        taken_yen = yen * units // deal.trade.units if units else 0
        loss = left = taken_yen * CLOSE_OUT_PPM // _MILLION
        defaulter = deal.trade.buyer
        shared = 0
        for line, payer, most in self._lines(defaulter, left):
            part = min(left, most)
            if part <= 0:
                continue
            left -= part
            shared += part
            self._draw(line, payer, part)
            self.desk.write(
                LossShared(
                    at_ns=self.desk.at_ns, deal=deal.name, defaulter=defaulter, line=line,
                    payer=payer, yen=part,
                )
            )  # fmt: skip
        check(shared == loss, "I21: a loss is shared in whole", loss=loss, shared=shared)

    def _lines(self, defaulter: str, loss: int) -> list[tuple[str, str, int]]:
        """Line, payer and the most it bears, in order."""
        lines = [
            ("margin", defaulter, self.margin.get(defaulter, 0)),
            ("own contribution", defaulter, self.fund.get(defaulter, 0)),
            ("capital", CLEARER, self.capital),
        ]
        rest = max(0, loss - sum(most for _, _, most in lines))
        others = {firm: yen for firm, yen in self.fund.items() if firm != defaulter and yen}
        total = sum(others.values())
        parts = {firm: min(rest, total) * yen // total for firm, yen in others.items()}
        lines += [("others' contributions", firm, part) for firm, part in parts.items()]
        over = min(rest, total) - sum(parts.values())
        for firm, yen in others.items():
            more = min(over, yen - parts[firm])
            over -= more
            lines.append(("others' contributions", firm, more))
        return [*lines, ("uncovered", CLEARER, loss)]

    def _draw(self, line: str, payer: str, yen: int) -> None:
        if line == "margin":
            self.margin[payer] -= yen
        elif line == "capital":
            self.capital -= yen
        elif line != "uncovered":
            self.fund[payer] -= yen


def _up(yen: int, ppm: int) -> int:
    return -(-yen * ppm // _MILLION)
