"""What units are worth while a trial runs, and what a fail that ends in money costs who failed.

| who failed | pays the other | worked example: 10 units for 1,000 yen |
|---|---|---|
| seller | max(0, price × units − agreed yen): lifecycle/fails.py, nothing bought | price 110: 100 yen |
| buyer | max(0, agreed yen − price × units), the same seen from the other side | price 80: 200 yen |

Where nobody sells (buy_in.py), a fail ends in cash. The price is the issue's last one, rounded down to yen;
without one it is what was agreed, and nothing is paid.
Units: 1/100 yen, yen, units. Cost: O(log prices). Errors: none.
"""

from bisect import bisect_right
from collections.abc import Iterable
from typing import Final

from settlement.lifecycle.fails import buy_in

SEN: Final = 100
"""1/100 yen in a yen."""


class Prices:
    """Every price of a trial by issue."""

    def __init__(self, rows: Iterable[tuple[int, str, int]]) -> None:
        """Take time, issue and price in 1/100 yen, in order of time."""
        self._known: dict[str, tuple[list[int], list[int]]] = {}
        for at_ns, issue, price_sen in rows:
            times, prices = self._known.setdefault(issue, ([], []))
            times.append(at_ns)
            prices.append(price_sen)

    def last_sen(self, issue: str, at_ns: int, agreed_sen: int) -> int:
        """The last price; the agreed one before the first."""
        times, prices = self._known.get(issue, ((), ()))
        place = bisect_right(times, at_ns)
        return prices[place - 1] if place else agreed_sen


def cost_of_fail_yen(
    seller: str, buyer: str, *, late: str, units: int, agreed_yen: int, price_sen: int
) -> int:
    """What ``late`` pays the other when a fail of so many units ends in money."""
    price_yen = price_sen // SEN
    if late == buyer:
        return max(0, agreed_yen - price_yen * units)
    ending = buy_in(
        seller=seller, buyer=buyer, units=units, open_yen=agreed_yen, bought_units=0,
        price_yen=price_yen,
    )  # fmt: skip
    return sum(charge.yen for charge in ending.charges)
