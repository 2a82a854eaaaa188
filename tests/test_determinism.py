"""The same journal gives the same market in every process, and the same seed the same journal."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from venue.journal import read_entries
from venue.recovery import replay, verify

SEED = "11"
HASH_SEEDS = ("0", "1", "4242")


def kitahama(*words: str, hash_seed: str) -> str:
    """Run the command in a process of its own."""
    done = subprocess.run(
        [sys.executable, "-m", "venue", *words],
        env={**os.environ, "PYTHONHASHSEED": hash_seed},
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    return done.stdout


def simulate(out: Path, hash_seed: str) -> dict[str, object]:
    """Simulate a day of seeded flow into a folder."""
    words = ("simulate", "--seed", SEED, "--scale", "2", "--out", str(out), "--json")
    summary: dict[str, object] = json.loads(kitahama(*words, hash_seed=hash_seed))
    return summary


@pytest.mark.processes
def test_processes_with_different_hash_seeds_agree(tmp_path: Path) -> None:
    """One journal, replayed under three hash seeds and here, leads to one digest."""
    summary = simulate(tmp_path / "run", "random")
    assert summary["trades"]

    digests = {
        json.loads(kitahama("replay", str(tmp_path / "run"), "--json", hash_seed=seed))["digest"]
        for seed in HASH_SEEDS
    }

    assert digests == {summary["digest"]}
    assert verify(tmp_path / "run").digest == summary["digest"]


@pytest.mark.processes
def test_the_same_seed_writes_the_same_journal(tmp_path: Path) -> None:
    """Two simulations of one seed, under different hash seeds, agree in every record and report."""
    summaries = [simulate(tmp_path / seed, seed) for seed in HASH_SEEDS[:2]]
    one, other = (list(read_entries(tmp_path / seed)) for seed in HASH_SEEDS[:2])

    assert summaries[0] == summaries[1]
    assert one == other
    assert told(tmp_path / HASH_SEEDS[0]) == told(tmp_path / HASH_SEEDS[1])


def told(folder: Path) -> list[tuple[object, ...]]:
    """Every report and every market data message a run gives, in order."""
    out: list[tuple[object, ...]] = []
    core = None
    for entry in read_entries(folder):
        if core is None:
            core = replay([entry])
            continue
        core.apply(entry)
        out += core.reports.drain()
        out += [
            (str(message.channel), message.seq, message.payload) for message in core.feeds.drain()
        ]
    return out
