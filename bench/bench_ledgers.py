"""The ledger benchmarks keep running and keep their answers: a smoke size of every row."""

from pathlib import Path

import pytest
import run_core_settlement
import run_ledgers
import run_open


@pytest.mark.parametrize("work", run_ledgers.WORK)
@pytest.mark.parametrize("way", run_ledgers.WAYS)
def bench_every_ledger_gives_the_right_answer(way: str, work: str) -> None:
    """``run`` asserts owners, books, chain and signatures."""
    assert run_ledgers.run(way, work, run_ledgers.BATCH) > 0


@pytest.mark.parametrize("row", run_open.ROWS)
def bench_open_obligations_stay_as_they_are(row: str) -> None:
    """``measure`` asserts that every leg arrived and that the others are as they were."""
    found = run_open.measure(run_open.ROWS[row], run_open.QUICK)

    assert min(found.few_us, found.many_us, *found.ratios) > 0


def bench_core_settles_alike_with_its_journal(tmp_path: Path) -> None:
    """``run`` asserts deliveries, owners and invariants; one digest whatever the way."""
    digests: dict[str, set[str]] = {}
    for name, one in run_core_settlement.rows(run_core_settlement.QUICK, tmp_path):
        rate, digest = one()
        assert rate > 0
        digests.setdefault(name.partition("|")[0], set()).add(digest)

    assert all(len(found) == 1 for found in digests.values())
