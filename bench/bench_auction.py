"""How long a call auction takes: the price alone, and the whole cross with its trades.

Workload: START call-phase orders around 100,000 yen from workloads.py, 15% market, limits normal
with 3,000 yen spread on a 10 yen grid, sizes geometric with mean 4, on about 600 levels a side; one
issue, one firm, no journal. Entering the orders is not timed. Targets: 100 ms for 20,000 orders, 3 s
for 500,000. The price is compared with a search over every grid price, the trades with its volume.
"""

import pytest
from pytest_benchmark.fixture import BenchmarkFixture
from workloads import NAME, START_ISSUE, auction_flow, entries, opening

from market.commands import NO_PRICE, NewOrder, RunAuction
from market.events import AuctionHeld, Event, Trade
from market.rulebooks import START
from market.rules import BreakOrders, Rules
from market.words import Phase, Side
from matching.engine import Engine

SIZES = {20_000: 300, 500_000: 1_000}
"""Orders when measured, and orders when only proven to work."""

CROSS = RunAuction(instrument_id=NAME)


def gathered(rules: Rules, orders: list[NewOrder]) -> Engine:
    """An engine at its opening auction with these orders on the book."""
    engine = Engine(rules)
    # Entered in a state without indicative prices, which are bench_book's matter.
    for entry in entries(opening(START_ISSUE, Phase.BREAK)):
        engine.apply(entry)
    for entry in entries(orders):
        engine.apply(entry)
    engine.change_phase(NAME, Phase.OPENING_AUCTION)
    return engine


def most_units(orders: list[NewOrder]) -> int:
    """The largest volume any price within the limits allows, the slow way."""
    lower, upper = START_ISSUE.daily_limits(START_ISSUE.issue_price_sen)
    bought: dict[int, int] = {}
    sold: dict[int, int] = {}
    buys = sells = 0
    for order in orders:
        market, units = order.price_sen == NO_PRICE, order.quantity_units
        if order.side is Side.BUY:
            buys += units
            if not market:
                bought[order.price_sen] = bought.get(order.price_sen, 0) + units
        elif market:
            sells += units
        else:
            sold[order.price_sen] = sold.get(order.price_sen, 0) + units
    best = 0
    for price in START_ISSUE.ticks.grid(lower, upper):
        sells += sold.get(price, 0)
        best = max(best, min(buys, sells))
        buys -= bought.get(price, 0)
    return best


@pytest.mark.parametrize("size", SIZES)
def bench_uncross(benchmark: BenchmarkFixture, size: int) -> None:
    """The cross as the venue runs it: price, pairing, trades, residuals, result."""
    orders = auction_flow(SIZES[size] if benchmark.disabled else size)
    rules = START.replace(break_orders=BreakOrders.ALL)

    def cross(engine: Engine) -> list[Event]:
        return engine.run_auction(NAME)

    events = benchmark.pedantic(
        cross, setup=lambda: ((gathered(rules, orders),), {}), rounds=5 if size < 100_000 else 3
    )

    held = next(event for event in events if isinstance(event, AuctionHeld))
    trades = [event for event in events if isinstance(event, Trade)]
    benchmark.extra_info["trades"] = len(trades)
    assert held.executed_units == most_units(orders)
    assert sum(trade.quantity_units for trade in trades) == held.executed_units
    assert {trade.price_sen for trade in trades} == {held.price_sen}


@pytest.mark.parametrize("size", SIZES)
def bench_price(benchmark: BenchmarkFixture, size: int) -> None:
    """The single price from the book's levels, without trading."""
    orders = auction_flow(SIZES[size] if benchmark.disabled else size)
    engine = gathered(START.replace(break_orders=BreakOrders.ALL), orders)
    issue = engine._issues[NAME]  # noqa: SLF001  the price has no door of its own

    clearing = benchmark(issue.clearing)

    assert clearing.executed_units == most_units(orders)
