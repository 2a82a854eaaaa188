"""The ledger benchmark keeps running and keeps its answers: a smoke size of every row."""

import pytest
import run_ledgers


@pytest.mark.parametrize("work", run_ledgers.WORK)
@pytest.mark.parametrize("way", run_ledgers.WAYS)
def bench_every_ledger_gives_the_right_answer(way: str, work: str) -> None:
    """``run`` asserts owners, books, chain and signatures."""
    assert run_ledgers.run(way, work, run_ledgers.BATCH) > 0
