"""The money axis: what a cell's cash legs are paid in, and what that costs besides time.

Purpose: the same trades under the same design in another kind of money. Ordering: MONEY is the order of the
report. What differs, by construction and in words of the report, is in a KindOfMoney; what differs
in time comes from the trial itself: a bank transfer pays by the next business day's file and is ordered on the
eve of the settlement date, except at T+0, where it cannot be in time.

| kind | pays | rests | if its issuer fails |
|---|---|---|---|
| deposit | at once | in the firm's deposit; tokens exist while they are held | claims are worth the recovery |
| trust | at once | as coins, from the first trade to the last | par: the trust's money is not the issuer's |
| bank | by the next morning's file | in the firm's deposit | claims are worth the recovery |

A bank transfer knows no condition and is no leg of one posting, so only designs that pay by themselves and wait for
proof have it (B2, B3, B4 and D), and nets, whose whole list of debits and credits is one file of the bank's
(settlement/trials/cycles.py). Today's practice (D) with "deposit" is the bank's, with three files a day; in coins
it would be no practice of today, and there is no such cell. Why a design has no cell in a kind of money is UNPAID.

Units: yen, yen times hours. Cost: O(records). Known limits: one issuer; what its failure would cost is measured in every
cell, and struck where a plan has F31 (settlement/trials/issuer.py); the fee of a transfer is an assumption; in B4 and D the amount
of an order under way is not set aside, because their tables lock no yen; the bank of a trial takes orders in office
hours and has no cut-off within them.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from venue.comparison.formulas import HOURS_A_DAY, integral_hours, peak
from venue.comparison.liquidity import committed_yen, lock_intervals
from venue.comparison.seen import Seen

_TODAY: Final = ("D-token", "D-cash")


@dataclass(frozen=True, slots=True)
class KindOfMoney:
    """One kind.

    Attributes:
        key: As on the command line and in the results.
        title: A few words.
        by_file: Whether it pays by the next morning's file.
        rests: Whether yen rest in it all the time.
        is_apart: Whether what stands behind it is not the issuer's.
        story: One sentence.
    """

    key: str
    title: str
    by_file: bool
    rests: bool
    is_apart: bool
    story: str


MONEY: Final[tuple[KindOfMoney, ...]] = (
    KindOfMoney(
        "deposit", "Tokenised deposit", by_file=False, rests=False, is_apart=False,
        story="Issued for a payment against a deposit, redeemed where it arrives; a claim on the bank.",
    ),
    KindOfMoney(
        "trust", "Trust stablecoin", by_file=False, rests=True, is_apart=True,
        story="Coins that firms keep from the first trade to the last; redeemed at par by a trustee.",
    ),
    KindOfMoney(
        "bank", "Bank transfer", by_file=True, rests=False, is_apart=False,
        story="Ordered the day before, booked by the morning's file, matched by the payee.",
    ),
)  # fmt: skip
MONEY_BY_KEY: Final = {one.key: one for one in MONEY}


_ONE_POSTING: Final = (
    "both legs are one posting on one ledger, and a balance with a bank is not on it"
)
_NO_PRACTICE: Final = "today's practice pays through banks; in coins it would be another design"
UNPAID: Final[Mapping[tuple[str, str], str]] = MappingProxyType(
    {
        ("A", "bank"): _ONE_POSTING,
        ("A+LSM", "bank"): _ONE_POSTING,
        (
            "B1",
            "bank",
        ): "a bank's account has no hash lock, so the secret that takes the yen is never shown by it",
        (
            "B4-unsafe",
            "bank",
        ): "it pays while a transfer is being validated, and no validation lasts until the morning",
        ("D-token", "trust"): _NO_PRACTICE,
        ("D-cash", "trust"): _NO_PRACTICE,
    }
)
"""Design and kind of money of which there are no cells, and why."""


def is_paid_in(design: str, money: str) -> bool:
    """Whether a design can be paid in a kind of money at all."""
    return (design, money) not in UNPAID


def unpaid(designs: Sequence[str], kinds: Sequence[str]) -> list[str]:
    """One line for each of these designs and kinds of money that have no cells, in order of kinds."""
    return [
        f"{design} is not paid in {kind}: {UNPAID[design, kind]}"
        for kind in kinds
        for design in designs
        if (design, kind) in UNPAID
    ]


def issuer_of(design: str, money: str) -> str:
    """Whose default F31 is, by kind of money; today's practice is paid through the bank in any case."""
    return "bank" if design in _TODAY else money


def issuer_struck(seen: Seen) -> float:
    """What was written down when the issuer failed."""
    return float(sum(one.yen for one in seen.facts.written_down))


def in_flight_peak(seen: Seen) -> float:
    """Yen held or ordered and not paid, the most at one time."""
    return peak(lock_intervals(seen, of_cash=True))


def issuer_loss(seen: Seen) -> float:
    """What firms lose when the issuer fails: all their yen, less the recovery."""
    if MONEY_BY_KEY[seen.money].is_apart:
        return 0.0
    return committed_yen(seen) * (1 - seen.assumed.issuer_recovery)


def idle_yen_h(seen: Seen) -> float:
    """Yen that rest in the money, times hours, from the first trade to the last end."""
    if not MONEY_BY_KEY[seen.money].rests:
        return 0.0
    facts = seen.facts
    last = max((deal.ended_ns or facts.end_ns for deal in facts.deals.values()), default=0)
    held = integral_hours(lock_intervals(seen, of_cash=True))
    whole = integral_hours([(facts.start_ns, last, committed_yen(seen))]) if last else 0.0
    return max(0.0, whole - held)


def money_cost(end: int, seen: Seen) -> float:
    """Interest missed on what rests, and the bank's fee for each payment; 0 low, 1 high rates."""
    interest = idle_yen_h(seen) * seen.assumed.cash_rate / (HOURS_A_DAY * 365)
    if not MONEY_BY_KEY[seen.money].by_file:
        return interest
    paid = sum(bool(deal.cash_done) for deal in seen.facts.deals.values())
    return interest + paid * seen.assumed.transfer_yen[end]
