"""The C limits do the work they are compared for: the reference's trades, the engine's events.

Collected with the tests at a small size; skipped with a reason where nothing can be compiled.
"""

import zlib

import climit
import numpy as np
import pytest
from batch_flows import PLAIN, Batch, auction, many, resting
from command_rows import KINDS, PHASES, Rows, phase_rows, rows_of
from event_rows import issues, played
from flow_files import census, records
from workloads import MIXED_ANSWERS, mixed_flow

from market.words import OrderKind, Phase
from matching.rows import COMMAND, Op

PREFIX = 2_000
PREFIX_CRCS = {True: 146_836_722, False: 2_004_181_249}


def skip_without_compiler(name: str) -> None:
    """Skip with the reason when the C file cannot be built here."""
    try:
        climit.built(name)
    except climit.NoCompiler as wrong:
        pytest.skip(str(wrong))


@pytest.mark.parametrize("amends", [True, False], ids=["mixed", "nomod"])
def bench_workload_files_are_the_known_ones(*, amends: bool) -> None:
    """The first 2,000 steps are, byte for byte, those every engine was measured on."""
    data, answers = records(mixed_flow(PREFIX, amends=amends))

    assert zlib.crc32(data) == PREFIX_CRCS[amends]
    assert census(data)["replaces"] == (103 if amends else 0)
    if amends:
        answer = answers["all"]
        assert (answer["trades"], answer["units"], answer["crc"]) == MIXED_ANSWERS[PREFIX]


@pytest.mark.parametrize("door", ["batch", "call"])
def bench_trades_limit_gives_the_reference_trades(door: str) -> None:
    """The minimal ladder makes the reference's trades in its order, and its final book."""
    skip_without_compiler("climit_trades")
    ladder = climit.built("climit_trades")
    flow = mixed_flow(PREFIX)
    data, answers = records(flow)
    ladder.reset(PREFIX)

    if door == "batch":
        ladder.batch(data)
        made = ladder.trades()
    else:
        lists = [ladder.call(*message) for message in flow]
        trades = [trade for some in lists if some is not None for trade in some]
        made = np.array(trades, "<i4").tobytes()

    assert zlib.crc32(made) == answers["all"]["crc"]
    assert ladder.resting() == (answers["all"]["live"], answers["all"]["live_units"])


def bench_trades_limit_refuses_what_it_cannot_hold() -> None:
    """A price outside the ladder or an id above the bound is refused, and nothing rests."""
    skip_without_compiler("climit_trades")
    ladder = climit.built("climit_trades")
    ladder.reset(10)
    for message in ((0, 0, 0, 11, 100, 1), (0, 0, 0, 1, 0, 1), (0, 0, 0, 1, 32_768, 1)):
        with pytest.raises(ValueError, match="outside the ladder"):
            ladder.call(*message)
    assert ladder.resting() == (0, 0)


def judged(batch: Batch) -> tuple[Rows, Rows]:
    """Events of the C limit and of the engine, for the same rows."""
    skip_without_compiler("climit_events")
    rows = np.concatenate([batch.before, batch.rows])
    limit = climit.EventsLimit(batch.rules, batch.instruments, batch.last_order_id)
    limit.run(rows)
    return limit.events(), played(batch.rules, batch.instruments, rows)


@pytest.mark.parametrize(
    "batch",
    [
        Batch(
            PLAIN, issues(1), phase_rows(Phase.CONTINUOUS, [0]), rows_of(mixed_flow(PREFIX)), PREFIX
        ),
        many(2_000, size=20, live=400),
        resting(500, 500),
        auction(3, 100, 50),
        auction(3, 100, 50, quiet=True),
    ],
    ids=["mixed", "many", "resting", "auction", "auction-quiet"],
)
def bench_events_limit_writes_the_engine_s_events(batch: Batch) -> None:
    """Each flow gives the engine's events, field for field."""
    got, want = judged(batch)

    assert len(want) > len(batch.rows)
    np.testing.assert_array_equal(got, want)


@pytest.mark.parametrize("seed", range(12))
def bench_events_limit_agrees_on_small_wild_markets(seed: int) -> None:
    """Narrow bands, every phase, stale and foreign orders, bad values: the same refusals too."""
    band = [(9_980, 10_020), (9_980, 10_042), (9_900, 10_100), (9_998, 10_003)][seed % 4]
    rows = wild_market(seed, *band)
    start = Phase.PRE_OPEN if seed % 2 else Phase.CONTINUOUS
    lot_units = 5 if seed % 3 == 2 else 1

    got, want = judged(
        Batch(PLAIN, issues(2, *band, lot_units), phase_rows(start, range(2)), rows, len(rows) + 1)
    )

    np.testing.assert_array_equal(got, want)


def wild_market(seed: int, lowest: int, highest: int, count: int = 300) -> Rows:
    """Random commands of all kinds on two issues, good and bad ones mixed."""
    rng = np.random.default_rng(seed)
    phases = [phase for phase in Phase for _ in range(2 if phase is Phase.CONTINUOUS else 1)]
    rows = np.zeros(count, COMMAND)
    rows["op"] = rng.choice(
        [Op.NEW, Op.CANCEL, Op.AMEND, Op.PHASE, Op.AUCTION], count, p=[0.55, 0.15, 0.15, 0.09, 0.06]
    )
    rows["instrument"] = np.where(rng.random(count) < 0.02, 7, rng.integers(0, 2, count))
    rows["owner"] = rng.integers(1, 4, count)
    new, amend = rows["op"] == Op.NEW, rows["op"] == Op.AMEND
    entered = np.cumsum(new)
    named = np.clip(entered - rng.integers(-1, 11, count), 1, None)
    rows["order_id"] = np.where(new, entered, np.where(rows["op"] <= Op.AMEND, named, 0))
    owners = dict(zip(rows["order_id"][new].tolist(), rows["owner"][new].tolist(), strict=True))
    right = ~new & (rng.random(count) < 0.85)
    for place in np.flatnonzero(right).tolist():
        rows["owner"][place] = owners.get(int(rows["order_id"][place]), 1)
    market = rng.random(count) < 0.2
    rows["side"] = np.where(new, rng.integers(1, 3, count), 0)
    rows["kind"] = np.where(market, KINDS[OrderKind.MARKET], KINDS[OrderKind.LIMIT]) * new
    rows["validity"] = rng.choice([1, 1, 1, 2, 3, 4], count) * new
    price_sen = rng.integers(lowest - 2, highest + 3, count) * 100
    price_sen += np.where(rng.random(count) < 0.05, 50, 0)
    keeps = amend & (rng.random(count) < 0.4)
    rows["price_sen"] = np.where((new & ~market) | (amend & ~keeps), price_sen, 0)
    odd = new & (rng.random(count) < 0.02)
    rows["price_sen"][odd] = rng.choice([0, 100, -5], int(odd.sum()))
    units = rng.integers(0, 30, count) * ~(amend & (rng.random(count) < 0.3))
    units[new & (rng.random(count) < 0.03)] = rng.choice([2**31 - 1, 200_000_000])
    moved = np.array([PHASES[phase] for phase in rng.choice(np.array(phases), count)])
    rows["quantity_units"] = np.where(
        rows["op"] == Op.PHASE, moved, np.where(new | amend, units, 0)
    )
    return rows
