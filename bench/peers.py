"""Compare this project with the engines one can install, on one workload, in one sitting.

    python bench/peers.py                    everything, about half an hour
    python bench/peers.py --quick            prefixes and few rounds, a few minutes
    python bench/peers.py --only bourse,c-trades,kitahama-batch
    python bench/peers.py --publish          also into bench/README.md and bench/peers.svg
    python bench/peers.py --last --publish   the run before this one, not measured again

Makes the workload files (flow_files.py), one virtual environment an engine, and runs every scenario
in a process of its own, one after the other, pinned to one core. Every answer is compared with the
reference's; a ratio is always to the C limit of the same file in the same run. Under ``--cache``
(default build/peers) stand the files, the environments, results.json, table.md and peers.svg.

Left out on purpose: sockets, journals and everything around an engine; two engines at once.
"""

import argparse
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any, Final

import climit
from flow_files import write_files
from machine import describe
from peer import plot, tables
from peer.environments import Unavailable, environment_of
from peer.findings import FINDINGS
from peer.registry import PEERS

HERE: Final = Path(__file__).parent
SCENARIOS: Final = ("verify", "flow", "latency", "deep", "sweep", "queue", "batch")
SCENARIO_S_MAX: Final = 150
STORY_S_MAX: Final = 8
QUICK: Final = 20_000
BEGIN, END = "<!-- peers: begin -->\n", "<!-- peers: end -->"


def run_scenario(
    python: Path, name: str, scenario: str, asked: argparse.Namespace
) -> dict[str, Any]:
    """One process, one line of JSON; whatever goes wrong is said in the line."""
    command: list[Any] = [
        python, HERE / "peer" / "run_one.py", name, scenario, "--data", asked.cache / "data",
        "--core", str(asked.core), "--budget-s", "0.5" if asked.quick else "8",
        *(["--quick", str(QUICK)] if asked.quick else []),
    ]  # fmt: skip
    return _line_of(command, SCENARIO_S_MAX)


def _line_of(command: list[Any], seconds_max: int) -> dict[str, Any]:
    try:
        ran = subprocess.run(
            command, capture_output=True, text=True, check=False, timeout=seconds_max
        )
    except subprocess.TimeoutExpired:
        return {"failed": f"no end within {seconds_max} s"}
    last = ran.stdout.strip().splitlines()[-1:]
    if ran.returncode or not last or not last[0].startswith("{"):
        said = (ran.stderr.strip().splitlines() or [f"ended with {ran.returncode}"])[-1].strip()
        signal = f"ended by signal {-ran.returncode}: " if ran.returncode < 0 else ""
        return {"failed": f"{signal}{said[:200]}"}
    answer: dict[str, Any] = json.loads(last[0])
    return answer


def run_engine(name: str, asked: argparse.Namespace) -> dict[str, dict[str, Any]]:
    """All scenarios of one engine; empty, with the reason printed, when it cannot be had."""
    try:
        python = environment_of(PEERS[name], asked.cache / "venvs")
    except Unavailable as reason:
        print(f"{name:22} skipped: {reason}", flush=True)
        return {}
    rows: dict[str, dict[str, Any]] = {}
    for scenario in SCENARIOS:
        row = run_scenario(python, name, scenario, asked)
        if "absent" in row:
            print(f"{name:22} skipped: {row['absent']}", flush=True)
            return {}
        if not row.get("skipped"):
            rows[scenario] = row
            print(f"{name:22} {scenario:8} {_brief(row)}", flush=True)
    return rows


def _brief(row: dict[str, Any]) -> str:
    if "agrees" in row:
        return "the reference's answer" if row["agrees"] else f"differs: {row['wrong']}"
    if "quantiles_ns" in row:
        return " / ".join(str(one) for one in row["quantiles_ns"]) + " ns"
    return tables.spread(row) + " ns" if "ns" in row else str(row.get("failed"))


def run_stories(asked: argparse.Namespace, names: list[str]) -> dict[str, dict[str, Any]]:
    """Every finding about the chosen engines, shown again."""
    seen: dict[str, dict[str, Any]] = {}
    for key, finding in FINDINGS.items():
        if finding.peer not in names:
            continue
        try:
            python = environment_of(finding.whose, asked.cache / "venvs")
        except Unavailable:
            continue
        row = _line_of([python, HERE / "peer" / "findings.py", key], STORY_S_MAX)
        if "failed" in row:
            expected = {"hangs": "no end", "aborts": "ended by signal"}.get(finding.stops)
            shown = expected is not None and row["failed"].startswith(expected)
            row = {"happened": shown, "seen": row["failed"]}
        seen[key] = row
        print(f"{key:28} {'shown' if row['happened'] else 'not shown'}: {row['seen']}", flush=True)
    return seen


def run_durable(asked: argparse.Namespace) -> dict[str, Any]:
    """The journal, recovery and HTTP gateway of the nearest engine that has them."""
    try:
        python = environment_of(PEERS["matching-engine"], asked.cache / "venvs")
    except Unavailable as reason:
        return {"skipped": str(reason)}
    script = HERE / "peer" / "durable.py"
    work = asked.cache / "durable"
    return _line_of([python, script, asked.cache / "data", work, str(asked.core)], SCENARIO_S_MAX)


def conditions(asked: argparse.Namespace) -> str:
    """What the figures were measured on and how, a few lines."""
    size = f"the first {QUICK:,} messages" if asked.quick else "whole files where the engine allows"
    return (
        f"{describe()}\ncompiler {climit.compiler_version()}\n"
        f"run      pinned to core {asked.core}; {size}; collector on; load "
        f"{os.getloadavg()[0]:.1f} when it began"
    )


def report(
    results: tables.Results, seen: dict[str, dict[str, Any]], durable: dict[str, Any], said: str
) -> str:
    """The whole page."""
    return (
        f"```\n{said}\n```\n\n{tables.figures(results)}\n\n{tables.rules(results)}\n\n"
        f"{tables.findings(seen)}\n" + (f"\n{tables.durable(durable)}\n" if durable else "")
    )


def publish(page: str, picture: str) -> None:
    """Put the page between its marks in bench/README.md, and the picture beside it."""
    readme = HERE / "README.md"
    before, _, rest = readme.read_text().partition(BEGIN)
    _, _, after = rest.partition(END)
    assert rest, "bench/README.md has the marks"
    readme.write_text(f"{before}{BEGIN}{page}{END}{after}")
    (HERE / "peers.svg").write_text(picture)


def measured(asked: argparse.Namespace, names: list[str]) -> dict[str, Any]:
    """Run everything asked for; what results.json holds."""
    write_files(asked.cache / "data")
    said = conditions(asked)
    print(said, flush=True)
    results = {name: rows for name in names if (rows := run_engine(name, asked))}
    seen = run_stories(asked, names)
    durable = run_durable(asked) if "matching-engine" in results and not asked.quick else {}
    return {"conditions": said, "results": results, "findings": seen, "durable": durable}


def main(words: list[str] | None = None) -> int:
    """Run what was asked for; 1 when an engine of ours gave a wrong answer."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0] if __doc__ else "")
    parser.add_argument("--only", help="names, with commas between")
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--publish", action="store_true")
    parser.add_argument("--last", action="store_true")
    parser.add_argument("--core", type=int, default=max(os.sched_getaffinity(0)))
    parser.add_argument("--cache", type=Path, default=HERE.parent / "build" / "peers")
    asked = parser.parse_args(words)
    asked.cache = asked.cache.resolve()
    names = asked.only.split(",") if asked.only else list(PEERS)
    unknown = [name for name in names if name not in PEERS]
    if unknown:
        parser.error(f"no engine is called {unknown[0]}; there are {', '.join(PEERS)}")
    kept = asked.cache / "results.json"
    if asked.last and not kept.exists():
        parser.error(f"there is no run in {kept}")
    content = json.loads(kept.read_text()) if asked.last else measured(asked, names)
    kept.write_text(json.dumps(content, indent=1))
    results = content["results"]
    page = report(results, content["findings"], content.get("durable", {}), content["conditions"])
    (asked.cache / "table.md").write_text(page)
    picture = plot.svg(results, "Engines on one mixed flow") if tables.in_order(results) else ""
    (asked.cache / "peers.svg").write_text(picture)
    if asked.publish:
        publish(page, picture)
    print(f"\n{page}\nwritten to {asked.cache}")
    wrong = [
        name
        for name, rows in results.items()
        if not PEERS[name].needs and not rows.get("verify", {"agrees": True}).get("agrees")
    ]
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
