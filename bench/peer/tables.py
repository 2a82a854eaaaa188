"""The results as Markdown: figures, rules, disagreements."""

from collections.abc import Mapping
from typing import Any, Final

from peer.findings import FINDINGS
from peer.registry import PEERS

Results = Mapping[str, Mapping[str, Mapping[str, Any]]]
"""By engine, by scenario."""

LIMITS: Final = {"mixed": "c-trades", "nomod": "c-trades-nomod"}
_ABSENT: Final = "—"


def figure(nanoseconds: float) -> str:
    """A time short enough for a table."""
    return f"{nanoseconds:,.0f}" if nanoseconds >= 100 else f"{nanoseconds:.1f}"


def spread(row: Mapping[str, Any] | None) -> str:
    """Median with lowest and highest."""
    if not row or "ns" not in row:
        return _failure(row)
    median, lowest, highest = row["ns"]
    return f"{figure(median)} ({figure(lowest)}–{figure(highest)})"


def _failure(row: Mapping[str, Any] | None) -> str:
    return str(row["failed"])[:40] if row and "failed" in row else _ABSENT


def times_limit(results: Results, name: str) -> float | None:
    """How many times the C limit of the same file and run, or None."""
    row = results.get(name, {}).get("flow", {})
    limit = results.get(LIMITS.get(row.get("file", ""), ""), {}).get("flow", {})
    return row["ns"][0] / limit["ns"][0] if "ns" in row and "ns" in limit else None


def _same(row: Mapping[str, Any] | None) -> str:
    if not row or "agrees" not in row:
        return _failure(row)
    if not row["agrees"]:
        return "**no**: " + ", ".join(row["wrong"])
    how = {"trades": "yes, in order", "totals": "yes (totals)", "units": "yes (units)"}
    return how.get(row["compared"], "yes (final book)")


def in_order(results: Results) -> list[str]:
    """Engines that ran, fastest first."""
    ran = [name for name in results if "ns" in results[name].get("flow", {})]
    return sorted(ran, key=lambda name: float(results[name]["flow"]["ns"][0]))


def figures(results: Results) -> str:
    """One row an engine, fastest first."""
    lines = [
        (
            "| engine | how | Python | file, messages | ns/message: median (min–max) | messages/s "
            "| × C limit | p50 / p99 / p99.9 ns | add, deep book: ns | bytes/order | sweep: ns/fill "
            "| cancel in a 20k queue: ns | batch: ns/add | same trades |"
        ),
        "|---|---|---|---|---:|---:|---:|---:|---:|---:|---:|---:|---:|---|",
    ]
    for name in in_order(results):
        rows = results[name]
        flow, deep = rows["flow"], rows.get("deep")
        ratio = times_limit(results, name)
        clocked = rows.get("latency", {}).get("quantiles_ns")
        lines.append(
            "| "
            + " | ".join([
                name, PEERS[name].how, flow["python"], f"{flow['file']} {flow['count']:,}",
                spread(flow), f"{1e9 / flow['ns'][0]:,.0f}",
                _ABSENT if ratio is None else f"{ratio:,.1f}",
                " / ".join(f"{one:,}" for one in clocked) if clocked else _ABSENT,
                spread(deep), str(deep.get("bytes_per_order", _ABSENT)) if deep else _ABSENT,
                spread(rows.get("sweep")), spread(rows.get("queue")), spread(rows.get("batch")),
                _same(rows.get("verify")),
            ])
            + " |"
        )  # fmt: skip
    return "\n".join(lines)


def rules(results: Results) -> str:
    """What each engine lets one do."""
    lines = [
        "| engine | orders, lives | amendment | self-trade prevention | auction | checks | phases |",
        "|---|---|---|---|---|---|---|",
    ]
    seen: set[str] = set()
    for name in in_order(results):
        peer = PEERS[name]
        known = peer.needs[0] if peer.needs else name
        for family in ("kitahama", "c-trades"):
            known = family if name.startswith(family) else known
        known = known.partition("[")[0]
        if not peer.rules.orders or known in seen:
            continue
        seen.add(known)
        lines.append("| " + " | ".join([known, *(one or _ABSENT for one in peer.rules[1:])]) + " |")
        lines[-1] = lines[-1].replace(f"| {known} |", f"| {known} | {peer.rules.orders} |", 1)
    return "\n".join(lines)


def durable(figures_of: Mapping[str, Any]) -> str:
    """What the nearest engine with a journal of its own does with it."""
    lines = ["| matching-engine, durable | measured |", "|---|---|"]
    return "\n".join([*lines, *(f"| {name} | {said} |" for name, said in figures_of.items())])


def findings(seen: Mapping[str, Mapping[str, Any]]) -> str:
    """What was said of an engine, and what this run saw."""
    lines = ["| engine | claim | seen in this run |", "|---|---|---|"]
    for name, finding in FINDINGS.items():
        if name in seen:
            said = seen[name]
            verdict = "shown" if said["happened"] else "**not shown**"
            lines.append(f"| {finding.peer} | {finding.claim} | {verdict}: {said['seen']} |")
    return "\n".join(lines)
