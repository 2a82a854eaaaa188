"""Who gets the units that are too few for everyone: pure functions over the claims of one price.

* price and time: first come, first served;
* participant round robin: claims are added up by firm, firms are ranked by size, and each gets one
  trading unit in turn until nothing is left (Nagoya Stock Exchange, simultaneous orders; TSE does so
  in stop allocation, ストップ配分). House rules where the texts are silent: of firms with equal totals
  the one with the earlier order comes first, and within a firm the earlier order is served first;
* pro rata: each claim's share of the whole, rounded down to trading units; the units that rounding
  left over go one each to the claims in time order.

Claims are in time order, units are multiples of the trading unit. Cost: O(claims log claims),
whatever the units.
"""

from collections.abc import Sequence
from typing import NamedTuple

from market.errors import check
from market.rules import AuctionAllocation


class Claim(NamedTuple):
    """One order's wish."""

    participant_id: str
    units: int


def allocate(
    claims: Sequence[Claim], available_units: int, trading_unit: int, rule: AuctionAllocation
) -> list[int]:
    """Units for each claim; together ``available_units``, or all that was claimed if that is less."""
    wishes = [claim.units // trading_unit for claim in claims]
    available = min(available_units // trading_unit, sum(wishes))
    whole = all(claim.units % trading_unit == 0 for claim in claims)
    check(whole and available_units % trading_unit == 0, "claims are whole trading units")
    if rule is AuctionAllocation.PARTICIPANT_ROUND_ROBIN:
        lots = _round_robin(claims, wishes, available)
    elif rule is AuctionAllocation.PRO_RATA:
        lots = _pro_rata_rounded_down(wishes, available)
    else:
        lots = in_time_order(wishes, available)
    return [share * trading_unit for share in lots]


def in_time_order(wishes: Sequence[int], available: int) -> list[int]:
    """First come, first served."""
    shares = []
    for wish in wishes:
        share = min(wish, available)
        available -= share
        shares.append(share)
    return shares


def _round_robin(claims: Sequence[Claim], wishes: Sequence[int], available: int) -> list[int]:
    """One trading unit a firm and turn; the full turns are counted, not played."""
    totals: dict[str, int] = {}
    for claim, wish in zip(claims, wishes, strict=True):
        totals[claim.participant_id] = totals.get(claim.participant_id, 0) + wish
    turns, still_asking, left = 0, len(totals), available
    for total in sorted(totals.values()):
        if (total - turns) * still_asking > left:
            break
        left -= (total - turns) * still_asking
        turns, still_asking = total, still_asking - 1
    if still_asking:
        turns, left = turns + left // still_asking, left % still_asking
    granted = {firm: min(total, turns) for firm, total in totals.items()}
    ranking = sorted(totals, key=lambda firm: -totals[firm])  # stable: equal ones by time
    for firm in [one for one in ranking if totals[one] > turns][:left]:
        granted[firm] += 1
    shares = []
    for claim, wish in zip(claims, wishes, strict=True):
        share = min(wish, granted[claim.participant_id])
        granted[claim.participant_id] -= share
        shares.append(share)
    return shares


def _pro_rata_rounded_down(wishes: Sequence[int], available: int) -> list[int]:
    whole = sum(wishes)
    shares = [available * wish // whole for wish in wishes] if whole else list(wishes)
    left = available - sum(shares)
    for place, wish in enumerate(wishes):
        if left and shares[place] < wish:
            shares[place] += 1
            left -= 1
    return shares
