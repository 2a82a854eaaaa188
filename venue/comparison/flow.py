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
from venue.journal import read_entries
from venue.recovery import replay
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


class Collector:
    """Listens to a market (``seen`` of a simulation or a replay) and keeps trades and prices."""

    def __init__(self, days: int) -> None:
        """Keep the trades of the first ``days`` days, and every price."""
        self._days = days
        self._opened: list[date] = []
        self._trades: list[FlowTrade] = []
        self._prices: list[PricePoint] = []

    def seen(self, entry: Entry, events: list[Event]) -> None:
        """One entry of the market and what followed."""
        if isinstance(entry.command, OpenDay):
            self._opened.append(entry.command.business_date)
        for event in events:
            if isinstance(event, AuctionHeld) and event.price_sen is not None:
                point = PricePoint(entry.at_ns, event.instrument_id, event.price_sen)
                self._prices.append(point)
            elif isinstance(event, Trade) and len(self._opened) <= self._days:
                self._trades.append(_row(event, entry.at_ns, self._opened[-1]))

    def flow(self, name: str) -> Flow:
        """What was kept.

        Raises:
            BadInput: When nothing traded.
        """
        if not self._trades:
            raise BadInput("nothing traded; there is nothing to settle")
        firms = {name for one in self._trades for name in (one.seller, one.buyer)}
        issues = {one.issue for one in self._trades}
        return Flow(
            name,
            tuple(self._trades),
            tuple(sorted(firms)),
            tuple(sorted(issues)),
            tuple(self._prices),
        )


def draw_flow(
    *, orders: Path | None = None, seed: int = 7, days: int = 1, scale: float = 12.0,
    preset: str = "start",
) -> Flow:  # fmt: skip
    """Simulate and keep the trades of the first ``days`` days.

    Raises:
        BadInput: When the order file cannot be used, or nothing traded.
    """
    kept = Collector(days)
    simulate_run(
        orders=orders, settings_path=None, seed=seed, preset=preset,
        days=None if orders is not None else days + PRICE_DAYS,
        scale=scale, out=None, seen=kept.seen,
    )  # fmt: skip
    return kept.flow(orders.name if orders is not None else f"seed {seed}")


def flow_of_run(folder: Path, days: int = 1) -> Flow:
    """The flow of a run that left a journal.

    Raises:
        BadInput: When nothing traded. JournalError: when the journal cannot be trusted.
    """
    kept = Collector(days)
    replay(read_entries(folder), kept.seen)
    return kept.flow(folder.name)


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
