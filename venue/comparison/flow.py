"""The trades that every cell of a comparison settles, drawn once a seed from the simulated market.

Purpose: run the project's own market (venue/runs.py: rulebook, seeded flow or an order file) and
keep what settlement needs: the trades of the first days, and the path of cross prices over the
days in which they settle. Nothing of a design is in here, so
cells differ in the design alone.
Ordering: trades in the order in which the market made them. Units: ns, units, yen, 1/100 yen.
Cost: one simulated day is about a third of a second. Errors: BadInput as of the run.
Known limits: what the firms hold is chosen by the cell (its liquidity), not by the market's settings.
"""

from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Final

from market.commands import Entry, OpenDay
from market.errors import BadInput
from market.events import AuctionHeld, Event, Trade
from venue.runs import simulate_run

PRICE_DAYS: Final = 4
"""Days after the last trading day whose prices are kept: T+2 and two days of fails."""


@dataclass(frozen=True, slots=True)
class FlowTrade:
    """One trade: what was agreed, and when."""

    trade_id: int
    at_ns: int
    day: date
    issue: str
    seller: str
    buyer: str
    units: int
    price_sen: int
    yen: int


@dataclass(frozen=True, slots=True)
class PricePoint:
    """A cross that found a price."""

    at_ns: int
    issue: str
    price_sen: int


@dataclass(frozen=True, slots=True)
class Flow:
    """Trades and prices of one seed.

    Attributes:
        name: "seed 7", or the name of the order file.
        firms: Everyone who traded, sorted.
        issues: Every issue that traded, sorted.
        prices: Crosses with a price, in order of time.
    """

    name: str
    trades: tuple[FlowTrade, ...]
    firms: tuple[str, ...]
    issues: tuple[str, ...]
    prices: tuple[PricePoint, ...]


def draw_flow(
    *, orders: Path | None = None, seed: int = 7, days: int = 1, scale: float = 12.0,
    preset: str = "start",
) -> Flow:  # fmt: skip
    """Simulate and keep the trades of the first ``days`` days.

    Raises:
        BadInput: When the order file cannot be used, or nothing traded.
    """
    trades: list[FlowTrade] = []
    prices: list[PricePoint] = []
    opened: list[date] = []

    def seen(entry: Entry, events: list[Event]) -> None:
        if isinstance(entry.command, OpenDay):
            opened.append(entry.command.business_date)
        for event in events:
            if isinstance(event, AuctionHeld) and event.price_sen is not None:
                prices.append(PricePoint(entry.at_ns, event.instrument_id, event.price_sen))
            elif isinstance(event, Trade) and len(opened) <= days:
                trades.append(_row(event, entry.at_ns, opened[-1]))

    whole = None if orders is not None else days + PRICE_DAYS
    simulate_run(
        orders=orders, settings_path=None, seed=seed, preset=preset, days=whole,
        scale=scale, out=None, seen=seen,
    )  # fmt: skip
    if not trades:
        raise BadInput("nothing traded; there is nothing to settle")
    firms = tuple(sorted({name for one in trades for name in (one.seller, one.buyer)}))
    issues = tuple(sorted({one.issue for one in trades}))
    return Flow(
        orders.name if orders is not None else f"seed {seed}",
        tuple(trades), firms, issues, tuple(prices),
    )  # fmt: skip


def _row(event: Trade, at_ns: int, day: date) -> FlowTrade:
    return FlowTrade(
        trade_id=event.trade_id,
        at_ns=at_ns,
        day=day,
        issue=event.instrument_id,
        seller=event.seller,
        buyer=event.buyer,
        units=event.quantity_units,
        price_sen=event.price_sen,
        yen=event.consideration_yen,
    )
