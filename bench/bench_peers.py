"""The comparison's own machinery, at a tiny size and without a network.

That a figure is an engine's and not the harness's, that an answer is really compared, and that what
is written can be read. Other people's engines are not installed here; peers.py runs them.
"""

import json
import xml.etree.ElementTree as ET
from argparse import Namespace
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import climit
import pytest
import run_rows
from flow_files import FILE_CRCS, FLOWS, records
from peer import plot, tables
from peer.adapter import Adapter, Message, Seen, variant
from peer.environments import Unavailable, python_of
from peer.findings import FINDINGS
from peer.registry import PEERS
from peer.run_one import Run, Tally, has
from workloads import mixed_flow

PREFIX = 2_000


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Short mixed files and what the reference says of them."""
    folder = tmp_path_factory.mktemp("flows")
    known = {}
    for name, amends in (("mixed", True), ("nomod", False)):
        data, answers = records(mixed_flow(PREFIX, amends=amends))
        (folder / f"{name}.bin").write_bytes(data)
        known[name] = {"records": len(data) // 24, "answers": answers}
    (folder / "workload.json").write_text(json.dumps(known))
    return folder


def run_of(adapter: Adapter, files: Path) -> Run:
    """A run as run_one.py makes it, with no time to lose."""
    known = json.loads((files / "workload.json").read_text())
    return Run(adapter, files, known, Namespace(quick=None, budget_s=0.0))


OURS = [name for name, peer in PEERS.items() if not peer.needs and peer.rules.orders]


@pytest.mark.parametrize("name", OURS)
def bench_our_rows_of_the_table_give_the_reference_s_answer(name: str, files: Path) -> None:
    """The C limits and every door of this project make the reference's trades, in order."""
    module, _, kind = PEERS[name].place.partition(":")
    adapters = __import__(f"peer.{module}", fromlist=[kind])
    try:
        adapter = getattr(adapters, kind)()
    except climit.NoCompiler as reason:
        pytest.skip(str(reason))

    run = run_of(adapter, files)

    assert run.verify()["agrees"]
    timed = run.flow()
    assert timed["ns"][1] > 0
    assert timed["count"] == len((files / f"{adapter.flow}.bin").read_bytes()) // 24


class Recorder(Adapter):
    """An engine that notes what it is asked, to see what a variant leaves out."""

    def open(self) -> list[str]:  # noqa: D102
        return []

    def drive(self, book: Any, messages: Iterable[Message], seen: Seen) -> None:  # noqa: D102
        note = book.append
        names = {}
        for op, _kind, _side, order, price, units, _ in messages:
            if op == 0:
                note(f"new {order}")
                names[order] = price
                if units > 1:
                    seen(1, order, names[order], units)
            else:
                note(f"cancel {order}")


def bench_timed_variant_makes_the_calls_and_nothing_else() -> None:
    """What only serves the comparison of trades is not in the timed loop; every call is."""
    messages = [(0, 0, 0, 1, 100, 5, 5), (1, 0, 0, 1, 100, 5, 5)]
    took: list[int] = []
    tally = Tally()
    adapter = Recorder()
    logs = [adapter.open() for _ in range(3)]

    variant(adapter, "verify")(logs[0], messages, tally.seen)
    variant(adapter, "timed")(logs[1], messages, None)
    variant(adapter, "latency", took)(logs[2], messages, None)

    assert logs[0] == logs[1] == logs[2] == ["new 1", "cancel 1"]
    assert (tally.trades, tally.units, tally.notional) == (1, 5, 500)
    assert len(took) == len(messages)


def bench_a_wrong_trade_is_found(files: Path) -> None:
    """An engine whose trades differ by one unit does not agree, and the table says where."""
    run = run_of(Recorder(), files)

    answer = run.verify()

    assert not answer["agrees"]
    assert "crc" in answer["wrong"]


def bench_every_registered_engine_is_complete() -> None:
    """Each finding and each row names an engine that exists, with a pinned version."""
    assert {finding.peer for finding in FINDINGS.values()} <= set(PEERS)
    for name, peer in PEERS.items():
        module, _, kind = peer.place.partition(":")
        source = (Path(run_rows.__file__).parent / "peer" / f"{module}.py").read_text()
        assert f"class {kind}(" in source, name
        assert not peer.needs or "==" in peer.needs[0], name
    assert set(FLOWS) == set(FILE_CRCS)
    assert not has(Recorder(), "batch")


def bench_a_missing_python_is_a_reason_not_an_error() -> None:
    """What cannot be had is said in words."""
    with pytest.raises(Unavailable, match=r"no Python 3\.2 on this machine"):
        python_of("3.2")


def bench_results_become_a_table_and_a_picture() -> None:
    """Fastest first, ratios to the C limit of the same file, a failure in the cell where it was."""
    row = {"python": "3.11", "file": "mixed", "count": 10, "ns": [10.0, 9.0, 12.0]}
    slow = row | {"ns": [250.0, 240.0, 260.0]}
    results: dict[str, dict[str, dict[str, Any]]] = {
        "edumatcher": {"flow": slow, "verify": {"agrees": False, "wrong": {"crc": [1, 2]}},
                       "sweep": {"failed": "no end within 150 s"}},
        "c-trades": {"flow": row, "verify": {"agrees": True, "compared": "trades"}},
    }  # fmt: skip

    lines = tables.figures(results).splitlines()

    assert [line.split(" | ")[0] for line in lines[2:]] == ["| c-trades", "| edumatcher"]
    assert "| 25.0 |" in lines[3]
    assert "no end within 150 s" in lines[3]
    assert "**no**: crc" in lines[3]
    picture = ET.fromstring(plot.svg(results, "a < b"))  # noqa: S314  our own text
    assert picture.tag.endswith("svg")
    assert "edumatcher" in tables.rules(results)


def bench_doors_take_the_same_rows(capsys: pytest.CaptureFixture[str]) -> None:
    """Each batch door's events equal the C ladder's on every kind of flow."""
    try:
        climit.built("climit_events")
    except climit.NoCompiler as reason:
        pytest.skip(str(reason))
    for name, make in run_rows.tiny_flows().items():
        run_rows.measure(name, make(), rounds=1, compare=True)

    said = capsys.readouterr().out.splitlines()
    assert len(said) == len(run_rows.tiny_flows()) * len(run_rows.doors())
