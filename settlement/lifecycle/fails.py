"""Fails (フェイル): ageing, penalties, buy-in, compensation, purge.

Purpose: what a day of failing costs, whom it is charged to, and when a fail is ended. Every yen charged
to one is another's (I21). A fail ages by business days after its contractual date; on the day the
rule names it goes to buy-in: the buyer gets bought-in units and the failer pays the difference, or, when
nothing can be bought, the difference to the market in cash.

Units: yen, units, parts per million a day. Cost: O(days late) to age. Penalties are rounded down.
Source: buy-in and daily penalties as in settlement discipline regimes, purge of matched fails after 60 business days as in T2S;
the days and rates are parameters. Worked example: 10,000,000 yen at 1 bp for 3 days is 3,000 yen.
"""

from datetime import date
from enum import StrEnum
from typing import Final, NamedTuple

from market.business_days import TSE_CALENDAR, Calendar, next_business_day
from market.errors import check

_MILLION: Final = 1_000_000
_SEN_PER_YEN: Final = 100


class FailRule(NamedTuple):
    """Parameters of a market.

    Attributes:
        penalty_ppm_a_day: 100 is one basis point.
        buy_in_days: Business days late on which a buy-in begins; 0 is never.
        purge_days: Business days late after which it is cancelled; 0 is never.
        compensation_days: Business days late on which what was not bought in is paid in cash at the
            market's price; 0 is never.
    """

    penalty_ppm_a_day: int = 100
    buy_in_days: int = 4
    purge_days: int = 60
    compensation_days: int = 0


class Next(StrEnum):
    """What to do with an open obligation today."""

    WAIT = "wait"  # not late
    RECYCLE = "recycle"  # late: try again
    BUY_IN = "buy_in"
    PURGE = "purge"


class Charge(NamedTuple):
    """Yen from one to another, by reason."""

    payer: str
    payee: str
    yen: int
    reason: str


def days_late(contractual_date: date, today: date, calendar: Calendar = TSE_CALENDAR) -> int:
    """Business days after the contractual date up to today; 0 when not late."""
    days, day = 0, contractual_date
    while (day := next_business_day(day, calendar)) <= today:
        days += 1
    return days


def next_step(rule: FailRule, late_days: int, *, bought_in: bool = False) -> Next:
    """What the rule says of an obligation so many business days late."""
    if late_days == 0:
        return Next.WAIT
    if rule.purge_days and late_days > rule.purge_days:
        return Next.PURGE
    if rule.buy_in_days and late_days >= rule.buy_in_days and not bought_in:
        return Next.BUY_IN
    return Next.RECYCLE


def penalty_yen_rounded_down(rule: FailRule, price_yen: int, failing_units: int) -> int:
    """One day's penalty on what fails, at the reference price."""
    return price_yen * failing_units * rule.penalty_ppm_a_day // _MILLION


def penalty_of_sen_rounded_down(rule: FailRule, price_sen: int, failing_units: int) -> int:
    """One day's penalty in whole yen, at a reference price in 1/100 yen."""
    return price_sen * failing_units * rule.penalty_ppm_a_day // (_SEN_PER_YEN * _MILLION)


def penalty(rule: FailRule, failer: str, victim: str, price_yen: int, units: int) -> Charge | None:
    """One day's charge; None when nothing is due. Due while on hold too."""
    yen = penalty_yen_rounded_down(rule, price_yen, units)
    return Charge(failer, victim, yen, "penalty") if yen and failer != victim else None


class Ending(NamedTuple):
    """How a buy-in ended.

    Attributes:
        units: Bought-in units the buyer gets; 0 when it is compensated.
        charges: Who pays whom.
        compensated: Whether it ends in cash (CLOSED_COMP).
    """

    units: int
    charges: tuple[Charge, ...]
    compensated: bool


def buy_in(
    *, seller: str, buyer: str, units: int, open_yen: int, bought_units: int, price_yen: int
) -> Ending:
    """End a fail for lack of units.

    Args:
        seller: Who failed.
        buyer: Who is owed.
        units: Open units.
        open_yen: What the buyer still owes for them.
        bought_units: What could be bought: all or nothing counts.
        price_yen: Price at which they were bought or, when they were not, the market's.

    The buyer pays what was agreed and no more; above that the seller pays the difference. When the
    price fell nobody is charged: the buyer pays less, and a fail earns the seller nothing.
    """
    check(units > 0 and price_yen >= 0, "a buy-in is for something", units=units)
    difference = price_yen * units - open_yen
    bought = bought_units >= units
    reason = "buy_in_difference" if bought else "cash_compensation"
    charges = (Charge(seller, buyer, difference, reason),) if difference > 0 else ()
    return Ending(units if bought else 0, charges, compensated=not bought)


def net_of(charges: list[Charge]) -> dict[str, int]:
    """What each ends up with; sums to zero over everyone, fee accounts included (I21)."""
    net: dict[str, int] = {}
    for charge in charges:
        net[charge.payer] = net.get(charge.payer, 0) - charge.yen
        net[charge.payee] = net.get(charge.payee, 0) + charge.yen
    check(sum(net.values()) == 0, "I21: charges are zero-sum", net=net)
    return net
