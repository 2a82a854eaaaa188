"""What a metric may look at: the facts of a run, the prices, the design's books, the assumed rates."""

from collections.abc import Sequence
from dataclasses import dataclass

from venue.comparison.designs import Books
from venue.comparison.facts import Deal, Facts
from venue.comparison.flow import PricePoint


@dataclass(frozen=True, slots=True)
class Assumed:
    """Rates that no log holds; every one is an assumption and stands in the report.

    Attributes:
        daily_volatility: Of a token's price, a share.
        cash_rate: Cost of reserved cash a year, a share.
        lending_rate: Fee of locked tokens a year, a share.
        recovery: Share of a lost principal that is recovered.
        message_yen: From and to: one message or signature, processed and kept.
        minute_yen: From and to: one minute of staff.
        break_minutes: Work on a reconciliation break when the log does not say.
        compare_minutes: Work on one comparison that is not automatic.
        fixed_yen: From and to: infrastructure a trade and ledger, amortised.
        issuer_recovery: Share of a claim on a failed issuer of money that is recovered.
        transfer_yen: From and to: a bank's fee for one transfer between firms.
    """

    daily_volatility: float = 0.003
    cash_rate: float = 0.01
    lending_rate: float = 0.005
    recovery: float = 0.0
    message_yen: tuple[float, float] = (0.1, 2.0)
    minute_yen: tuple[float, float] = (50.0, 120.0)
    break_minutes: float = 20.0
    compare_minutes: float = 0.5
    fixed_yen: tuple[float, float] = (5.0, 50.0)
    issuer_recovery: float = 0.0
    transfer_yen: tuple[float, float] = (62.0, 500.0)


@dataclass(frozen=True, slots=True)
class Seen:
    """All that a metric may look at."""

    facts: Facts
    prices: Sequence[PricePoint]
    books: Books
    assumed: Assumed
    record_ns: int | None = None
    money: str = "deposit"


def between_firms(facts: Facts) -> list[Deal]:
    """Obligations between two firms."""
    return [deal for deal in facts.deals.values() if deal.seller != deal.buyer]


def has_failed(deal: Deal) -> bool:
    """Whether it was not final by its deadline."""
    return deal.failed or deal.final_ns is None or deal.final_ns > deal.due_ns


def ready_ns(deal: Deal) -> int | None:
    """When both sides could give; None when one never could."""
    if deal.token_ready_ns is None or deal.cash_ready_ns is None:
        return None
    return max(deal.token_ready_ns, deal.cash_ready_ns)
