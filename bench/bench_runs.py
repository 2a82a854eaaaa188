"""The scripts of ``make bench`` at a tiny size, so that they cannot rot.

``run_core.py``, ``run_wire.py`` and ``run_fix.py`` measure the whole venue and ``run_settlement.py`` the ledgers, and
print; these prove that their flows, answers and proofs still hold. Read no speed from them.
"""

import asyncio
from pathlib import Path

import pytest
import run_core
import run_fix
import run_ouch
import run_scale
import run_settlement
import run_wire
from load_client import WARM_UP_SHARE
from machine import probe
from venue_flow import continuous, start_day


def bench_core_ways_agree(tmp_path: Path) -> None:
    """Alone, with wire and with journal, in any groups: the reference's trades and one digest."""
    flow, answers = continuous(800)
    assert run_core.trades_by_issue(run_core.opened_core(flow), flow.work) == answers

    rows = run_core.run_flow("continuous", flow, rounds=1, folder=tmp_path)

    assert len(rows) == 2 * len(run_core.GROUPS) + 1


def bench_start_day_ways_agree(tmp_path: Path) -> None:
    """A whole small START day: the same."""
    flow = start_day(300)
    assert run_core.counted(run_core.opened_core(flow), flow.work)["Trade"] > 0

    run_core.run_flow("start_day", flow, rounds=1, folder=tmp_path)


def bench_restart(tmp_path: Path) -> None:
    """What comes back from the journal is what was there."""
    commands, times = run_core.run_restart(800, rounds=1, folder=tmp_path)

    assert commands > 800
    assert len(times) == 1


def bench_probe() -> None:
    """The probe measures something."""
    found = probe()

    assert found.loop_ns > 0
    assert found.encode_ns > 0


@pytest.mark.parametrize("row", run_settlement.ROWS)
def bench_settlement_rows_deliver(row: str) -> None:
    """Every leg arrives and both ledgers balance, with others open; rate() asserts it."""
    assert min(run_settlement.rate(run_settlement.ROWS[row], 200, 100)) > 0


@pytest.mark.processes
def bench_wire_pipelined_with_subscribers() -> None:
    """Every request is answered once, and every subscriber hears the same."""
    found = run_wire.run("continuous", requests=160, mode="pipelined", window=4, subscribers=3)

    assert sum(found["answers"].values()) == 160
    assert found["feed"]["fewest"] == found["feed"]["most"] > 0
    assert found["feed"]["lost"] == 0


@pytest.mark.processes
def bench_wire_open_loop() -> None:
    """Latency is counted for all but the warm-up."""
    found = run_wire.run("call", requests=160, mode="open_loop", rate=500)

    assert found["latency_us"]["max"] >= found["latency_us"]["p50"] > 0
    assert 0 < WARM_UP_SHARE < 1


def bench_sizes_and_crosses(capsys: pytest.CaptureFixture[str]) -> None:
    """Costs by size, memory and crosses: every event is there, and the picture can be drawn."""
    assert run_scale.main(["--quick"]) == 0

    said = capsys.readouterr().out
    assert "bytes beside the ladder" in said
    assert "a cross of 2,000 orders" in said
    drawn = run_scale.picture(
        [("orders", {1: [1.0], 10: [2.0]}), ("issues", {1: [3.0], 9: [4.0]})], "t"
    )
    assert drawn.count("<circle") == 4


@pytest.mark.processes
def bench_fix() -> None:
    """Every order by FIX is answered once and in its session's order, paced and flat out."""
    found = asyncio.run(run_fix.measure(80, rounds=1))

    assert found.rates[0] > 0
    assert found.latency.get_total_count() == 80


@pytest.mark.processes
def bench_ouch() -> None:
    """Every order by OUCH is accepted once and in its session's order, paced and flat out."""
    latency, rate = asyncio.run(run_ouch.measure(80))

    assert rate > 0
    assert latency.get_total_count() == 80
