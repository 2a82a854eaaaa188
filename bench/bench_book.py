"""How fast the matching room is: one issue, no wire, no session, no risk, no journal.

* ``bench_mixed_flow``: the mixed flow of workloads.py in Continuous under the ``tse`` preset, which
  keeps priority on a lowered quantity; commands are made beforehand and applied one by one, each
  with its checks and events. Read it as commands a second.
* ``bench_start_flow``: a call phase of START, where every change may move the indicative price.
* ``bench_cancel_in_a_long_queue``: 10,000 cancels of random orders in one queue of 20,000.

With benchmarks disabled the sizes are small and the answers are still asserted.
"""

from collections.abc import Callable

import pytest
from pytest_benchmark.fixture import BenchmarkFixture
from workloads import (
    ISSUE,
    MIXED_ANSWERS,
    START_ISSUE,
    ReferenceBook,
    answer_of,
    commands,
    entries,
    mixed_flow,
    opening,
    queue_flow,
    start_flow,
)

from market.commands import Command, Entry
from market.events import Event, IndicativePriceChanged
from market.instrument import Instrument
from market.rulebooks import START, TSE
from market.rules import Rules
from market.words import Phase, Side
from matching.engine import Engine

ROUNDS = 5


def ready(rules: Rules, issue: Instrument, phase: Phase, before: list[Command]) -> Engine:
    """An engine in ``phase`` with some commands behind it."""
    engine = Engine(rules)
    for entry in entries([*opening(issue, phase)]):
        engine.apply(entry)
    for entry in entries(before):
        engine.apply(entry)
    return engine


def apply_all(apply: Callable[[Entry], list[Event]], work: list[Entry]) -> None:
    """What is timed: every command through the engine, events dropped."""
    for entry in work:
        apply(entry)


def measure(
    benchmark: BenchmarkFixture, make: Callable[[], Engine], work: list[Entry]
) -> list[Event]:
    """Time the work on fresh engines; return the events of one more run, checked."""
    benchmark.extra_info["commands"] = len(work)
    benchmark.pedantic(
        apply_all, setup=lambda: ((make().apply, work), {}), rounds=ROUNDS if work else 1
    )
    engine = make()
    events = [event for entry in work for event in engine.apply(entry)]
    engine.check_invariants()
    return events


@pytest.fixture
def full_size(benchmark: BenchmarkFixture) -> bool:
    """Whether this run measures; otherwise it only proves that the bench works."""
    return not benchmark.disabled


def bench_mixed_flow(benchmark: BenchmarkFixture, *, full_size: bool) -> None:
    """A busy continuous market; the trades equal the plain reference's, one by one."""
    count = 100_000 if full_size else 2_000
    flow = mixed_flow(count)
    work, orders = commands(flow)

    events = measure(benchmark, lambda: ready(TSE, ISSUE, Phase.CONTINUOUS, []), entries(work))

    answer = answer_of(events, orders)
    assert answer == MIXED_ANSWERS[count]
    assert answer == ReferenceBook().play(flow)


def bench_start_flow(benchmark: BenchmarkFixture, *, full_size: bool) -> None:
    """START's call phase: entry, amendment and cancel, the indicative price told on change."""
    work = entries(start_flow(20_000 if full_size else 500))

    events = measure(benchmark, lambda: ready(START, START_ISSUE, Phase.PRE_OPEN, []), work)

    told = [event for event in events if isinstance(event, IndicativePriceChanged)]
    benchmark.extra_info["indicative_prices_told"] = len(told)
    assert told


def bench_cancel_in_a_long_queue(benchmark: BenchmarkFixture, *, full_size: bool) -> None:
    """A cancel costs the same wherever in a long queue the order stands."""
    news, cancels = queue_flow(*((20_000, 10_000) if full_size else (400, 200)))
    both, _ = commands([*news, *cancels])
    before, work = both[: len(news)], entries(both[len(news) :], first=len(news) + 1)

    measure(benchmark, lambda: ready(TSE, ISSUE, Phase.CONTINUOUS, before), work)

    engine = ready(TSE, ISSUE, Phase.CONTINUOUS, before)
    apply_all(engine.apply, work)
    (level,) = engine.book(ISSUE.instrument_id).levels(Side.BUY)
    gone = {message.order for message in cancels}
    left = [message.quantity for message in news if message.order not in gone]
    assert (level.units, level.orders) == (sum(left), len(left))
