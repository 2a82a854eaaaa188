"""Record dates (権利確定日): who owns in law, who is paid, and who owes whom for trades in flight.

Purpose: at the close of a record date the register counts owners in law: units that are free,
reserved or locked count for the one who gives them, delivered units for the one who received them; a
lock gives no ownership (I13). Obligations agreed with the right and not delivered by then make a
market claim, once: the seller, who is paid, owes it to the buyer. Obligations agreed without the
right but delivered in time make the reverse claim.

Units: units, whole yen; a distribution is rounded down for each holder and the rest is named, never
lost. Ordering: holders by name. Cost: O(holders) and O(obligations).
Source: market claims and ex/cum flags as in T2S corporate actions; the treatment of locked units is
our own.
"""

from collections.abc import Iterable, Mapping
from datetime import date
from typing import NamedTuple

from market.errors import check
from settlement.designs.states import TERMINAL, LegState, ObligationState


class InFlight(NamedTuple):
    """An obligation at the close of a record date.

    Attributes:
        ex_right: Agreed without the right to the distribution.
        token: Where its token leg stands then.
    """

    obligation_id: str
    seller: str
    buyer: str
    units: int
    trade_date: date
    state: ObligationState
    token: LegState
    ex_right: bool = False


class Locked(NamedTuple):
    """Units a ledger keeps apart from its owners' accounts, and whose they are until delivered."""

    owner: str
    units: int


class Distribution(NamedTuple):
    """What a distribution pays.

    Attributes:
        paid_yen: By holder.
        undistributed_yen: What rounding left with the issuer.
    """

    paid_yen: dict[str, int]
    undistributed_yen: int


class Claim(NamedTuple):
    """Yen one side owes the other because settlement and right did not meet."""

    obligation_id: str
    payer: str
    payee: str
    yen: int


def owners_in_law(
    balances: Mapping[str, int], locked_apart: Iterable[Locked], issued_units: int
) -> dict[str, int]:
    """Units by owner, sorted.

    Args:
        balances: What each owner's account says, live holds on the account included.
        locked_apart: Units moved into an escrow account, which is not among ``balances``.
        issued_units: Issued less redeemed.

    Raises:
        InvariantBroken: I13, when the register does not sum to what is issued.
    """
    units = dict(balances)
    for lock in locked_apart:
        units[lock.owner] = units.get(lock.owner, 0) + lock.units
    check(all(amount >= 0 for amount in units.values()), "I3: nobody owns less than nothing")
    total = sum(units.values())
    check(total == issued_units, "I13: the register sums to what is issued", register=total)
    return {name: units[name] for name in sorted(units) if units[name]}


def distribute(owners: Mapping[str, int], total_yen: int) -> Distribution:
    """Pay ``total_yen`` by units, rounded down for each."""
    issued = sum(owners.values())
    check(issued > 0 and total_yen >= 0, "there is something to pay and someone to pay it to")
    paid = {name: total_yen * units // issued for name, units in owners.items()}
    return Distribution(paid, total_yen - sum(paid.values()))


class MarketClaims:
    """Claims of one distribution; an obligation makes at most one."""

    __slots__ = ("_claimed", "_yen_a_unit_num", "_yen_a_unit_over", "record_date")

    def __init__(self, record_date: date, total_yen: int, issued_units: int) -> None:
        check(issued_units > 0, "an issue has units")
        self.record_date = record_date
        self._yen_a_unit_num = total_yen
        self._yen_a_unit_over = issued_units
        self._claimed: dict[str, None] = {}

    def claim(self, one: InFlight) -> Claim | None:
        """What an obligation makes at the close of the record date; None when nothing is owed."""
        if one.obligation_id in self._claimed or one.seller == one.buyer:
            return None
        delivered = one.token is LegState.DELIVERED
        over = one.state in TERMINAL and one.state is not ObligationState.SETTLED
        unmatched = one.state in {ObligationState.CAPTURED, ObligationState.ALLEGED}
        if over or unmatched:
            return None
        with_right = not one.ex_right and one.trade_date <= self.record_date and not delivered
        without = one.ex_right and delivered
        if not with_right and not without:
            return None
        yen = one.units * self._yen_a_unit_num // self._yen_a_unit_over
        if yen == 0:
            return None
        self._claimed[one.obligation_id] = None
        payer, payee = (one.seller, one.buyer) if with_right else (one.buyer, one.seller)
        return Claim(one.obligation_id, payer, payee, yen)


class CashObligation(NamedTuple):
    """What is left of an obligation whose units were redeemed while it was open."""

    obligation_id: str
    payer: str
    payee: str
    yen: int


def transform_at_redemption(
    one: InFlight, open_yen: int, redemption_yen_a_unit: int
) -> CashObligation | None:
    """Turn an open obligation into cash when its issue is redeemed.

    Its locks are returned first, so the seller is the one who is redeemed; it owes the buyer what the
    units brought, and the buyer owes the price: what remains is the difference, from whoever is
    behind. None when they are even.

    Raises:
        InvariantBroken: I6, while a lock is live; I8, when the units are delivered.
    """
    check(one.token is not LegState.LOCKED, "I6: locks are returned before redemption")
    check(one.token is not LegState.DELIVERED, "I8: delivered units are the buyer's to redeem")
    difference = redemption_yen_a_unit * one.units - open_yen
    if difference == 0:
        return None
    payer, payee = (one.seller, one.buyer) if difference > 0 else (one.buyer, one.seller)
    return CashObligation(one.obligation_id, payer, payee, abs(difference))
