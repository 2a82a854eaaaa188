"""A buy-in of a trial: units bought from a third party for a buyer whose seller has failed; money where nobody sells.

| who | gives | gets |
|---|---|---|
| supplier | the units that are open | their price at the day's market |
| buyer | the price, but no more than what it agreed to pay | the units |
| failing seller | the price above what was agreed | nothing; below it the buyer pays less, and a fail earns nothing |

Who can sell is whoever has the units free beyond what it still owes others, all of them; the one with most to spare does, the first name among equals.
Everyone who gives must be up, not frozen, and have what it gives, and the issue, the station and both ledgers must be open: the three
postings are one step. Else the fail ends in money, as prices.py says, collected outside of the ledgers.
Nothing is bought where yen move in a bank's file alone (today's practice, bank transfer: the last file of the day is before the cut-off), nor after the default of the
money's issuer.
The obligation itself ends as compensated: its own legs never move, its seller delivered nothing (I8, I9).

Units: 1/100 yen, yen, units. Cost: O(accounts + open obligations) a buy-in. Errors: InvariantBroken (I3).
Source: buy-ins of settlement discipline regimes: the failing party bears the difference, cash compensation where nothing is for sale; all or nothing is our rule.
Time: units are looked for in the morning of the day of the rule, so that who gets them can deliver on; at that day's cut-off once more, then money.
Known limits: nothing is bought in parts, nor of who stands between (house, fund).
"""

from typing import NamedTuple

from settlement.lifecycle.fails import buy_in
from settlement.trials.desk import Deal, Desk
from settlement.trials.prices import SEN
from settlement.trials.records import YEN, UnitsBought

_SYSTEMS = ("token", "cash", "notary", "station")


class Purchase(NamedTuple):
    """What is bought of whom, and who pays how much of it."""

    supplier: str
    units: int
    buyer_yen: int
    seller_yen: int
    price_sen: int


def find_purchase(desk: Desk, deal: Deal, price_sen: int) -> Purchase | None:
    """What can be bought in for an obligation now; None when it ends in money."""
    trade, units = deal.trade, deal.left_units
    if desk.money_failed:
        return None
    ending = buy_in(
        seller=trade.seller, buyer=trade.buyer, units=units, open_yen=deal.left_yen,
        bought_units=units, price_yen=price_sen // SEN,
    )  # fmt: skip
    seller_yen = sum(charge.yen for charge in ending.charges)
    buyer_yen = price_sen // SEN * units - seller_yen
    if not desk.has(trade.buyer, YEN, buyer_yen) or not desk.has(trade.seller, YEN, seller_yen):
        return None
    payers = (trade.buyer, trade.seller) if seller_yen else (trade.buyer,)
    issue = f"issue:{trade.issue}"
    if not desk.weather.is_up((*_SYSTEMS, issue, *_of(payers)), desk.at_ns):
        return None
    supplier = _supplier(desk, deal)
    return Purchase(supplier, units, buyer_yen, seller_yen, price_sen) if supplier else None


def sells(desk: Desk, deal: Deal, price_sen: int) -> bool:
    """Whether an obligation could be bought in now."""
    return find_purchase(desk, deal, price_sen) is not None


def bought_in(desk: Desk, deal: Deal, price_sen: int) -> bool:
    """Buy in for an obligation if somebody sells; whether it was."""
    purchase = find_purchase(desk, deal, price_sen)
    if purchase is None:
        return False
    trade, (supplier, units, buyer_yen, seller_yen, price_sen) = deal.trade, purchase
    desk.write(
        UnitsBought(
            at_ns=desk.at_ns, deal=deal.name, supplier=supplier, units=units, buyer_yen=buyer_yen,
            seller_yen=seller_yen, price_sen=price_sen,
        )
    )  # fmt: skip
    desk.post(deal.name, trade.issue, supplier, trade.buyer, units)
    desk.post(deal.name, YEN, trade.buyer, supplier, buyer_yen)
    desk.post(deal.name, YEN, trade.seller, supplier, seller_yen)
    return True


def _supplier(desk: Desk, deal: Deal) -> str:
    """Who has most to spare of the issue, and enough; empty when nobody has."""
    trade = deal.trade
    spare = {
        owner: amount
        for (owner, asset), amount in desk.free.items()
        if asset == trade.issue and owner in desk.firms and amount >= deal.left_units
    }
    for party in (trade.seller, trade.buyer):
        spare.pop(party, None)
    if not spare:
        return ""
    for other in desk.deals.values():
        owes = other.trade
        if other.is_open and owes.issue == trade.issue and owes.seller in spare:
            spare[owes.seller] -= other.left_units * (owes.seller != owes.buyer)
    enough = [
        owner
        for owner, amount in spare.items()
        if amount >= deal.left_units and desk.weather.is_up(_of((owner,)), desk.at_ns)
    ]
    return min(enough, key=lambda owner: (-spare[owner], owner), default="")


def _of(firms: tuple[str, ...]) -> tuple[str, ...]:
    """Firms and their accounts."""
    return (*firms, *(f"frozen:{firm}" for firm in firms))
