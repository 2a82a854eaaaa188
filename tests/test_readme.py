"""README's first screen is a run that works, and this is where it is held to it."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
KITAHAMA = [sys.executable, "-m", "venue"]


def block_after(command: str) -> list[str]:
    """The indented lines that follow a ``$`` line of the README."""
    lines = README.splitlines()
    start = lines.index(f"    $ {command}") + 1
    block = []
    for line in lines[start:]:
        if not line.startswith("    ") or line.startswith("    $ "):
            break
        block.append(line[4:])
    return block


def shape(line: str) -> str:
    """A line with its figures (a k or m behind one, too) and spacing taken out."""
    return " ".join(re.sub(r"[0-9a-f]{64}|[0-9][0-9,.]*(?:[kmb]\b|bn\b)?", "#", line).split())


def test_the_small_day_prints_what_the_readme_shows() -> None:
    """The simulated example is deterministic, so the README holds its exact output."""
    done = subprocess.run(
        [*KITAHAMA, "simulate", "--orders", "examples/small_day.csv"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )

    shown = block_after(".venv/bin/kitahama simulate --orders examples/small_day.csv")

    assert shown == done.stdout.splitlines()


@pytest.mark.processes
def test_the_demo_runs_and_says_what_the_readme_shows(tmp_path: Path) -> None:
    """A whole day over real websockets ends well, with every line the first screen shows."""
    done = subprocess.run(
        [*KITAHAMA, "demo", "--speed", "2000", "--out", str(tmp_path / "run")],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=180,
        check=False,
    )

    assert done.returncode == 0, done.stdout + done.stderr
    said = {shape(line) for line in done.stdout.splitlines()}
    shown = [line for line in block_after("make demo") if line.strip("… ")]
    timeline = [shape(line) for line in shown if "failed" not in line and "run is in" not in line]
    assert [line for line in timeline if line not in said] == []
