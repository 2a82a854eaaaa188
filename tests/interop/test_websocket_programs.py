"""Websocket programs that know nothing of us read the feed: wscat, k6 and artillery.

Each is a stack of its own (Node's ``ws`` for the first and the last, Go for k6) and a program people
have at hand. ``make interop`` brings them; a test whose program is missing is skipped and says so.
"""

import asyncio
import json
import os
import shutil
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from market.words import Phase
from tests.venue.house import House, order, play

pytestmark = pytest.mark.processes

HERE = Path(__file__).parent
PEERS = HERE.parents[1] / "build" / "interop"
BINS = (PEERS / "node_modules" / ".bin", PEERS / "autobahn" / "bin", Path(sys.executable).parent)
READERS, SEEN = 40, 50
DEADLINE_S = 60.0
Story = Callable[[House], Awaitable[None]]


def program(name: str) -> str | None:
    """Where a stranger's program is, if it is anywhere."""
    places = (*map(str, BINS), os.environ.get("PATH", ""))
    return shutil.which(name, path=os.pathsep.join(places))


def needs(name: str, brought_by: str = "make interop") -> Any:
    """Skip, with the reason, where a program is missing."""
    return pytest.mark.skipif(
        program(name) is None, reason=f"{name} is not installed; {brought_by} brings it"
    )


async def run(name: str, *words: str, **environment: str) -> tuple[int, str, str]:
    """Run a program to its end; exit code, output, errors.

    Its input stays open and silent: wscat ends with its input.
    """
    found = program(name)
    assert found is not None
    silence, never = os.pipe()
    process = await asyncio.create_subprocess_exec(
        found, *words, stdin=silence, stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE, env=os.environ | environment,
    )  # fmt: skip
    try:
        async with asyncio.timeout(DEADLINE_S):
            out, errors = await process.communicate()
    finally:
        os.close(silence)
        os.close(never)
        if process.returncode is None:
            process.kill()
            await process.wait()
    return process.returncode or 0, out.decode(), errors.decode()


@asynccontextmanager
async def trading(house: House) -> AsyncIterator[None]:
    """An order every few milliseconds until the readers have seen enough."""
    done = asyncio.Event()
    firm = await house.wire("A-1")

    async def trade() -> None:
        number = 0
        while not done.is_set():
            number += 1
            name, side = f"n{number}", "buy" if number % 2 else "sell"
            price = str(99_900 - number % 9 * 100 if side == "buy" else 100_100 + number % 9 * 100)
            asked = [("order.new", order(name, side=side, price=price))]
            if number > 50:
                asked.append(("order.cancel", {"original_client_order_id": f"n{number - 50}"}))
            for method, params in asked:
                answer = await firm.ask(method, params)
                assert answer["ok"], answer
            await asyncio.sleep(0.005)

    task = asyncio.create_task(trade())
    try:
        yield
    finally:
        done.set()
        await task
        await firm.socket.close()


def tell(folder: Path, story: Story) -> None:
    """Run a story in a house with an open market and one order in it."""

    async def opened(house: House) -> None:
        await house.open(Phase.PRE_OPEN)
        firm = await house.wire("B-1")
        assert (await firm.ask("order.new", order("first")))["ok"]
        await firm.socket.close()
        await story(house)

    play(folder, opened, patience_s=2 * DEADLINE_S)


@needs("wscat")
def test_wscat_subscribes_and_prints_the_book(tmp_path: Path) -> None:
    """One line typed at a prompt is enough to see a book."""
    asked = {
        "method": "subscribe",
        "req_id": "w",
        "params": {"channels": [{"name": "depth", "instrument_ids": ["ST01"]}]},
    }

    async def story(house: House) -> None:
        code, out, errors = await run(
            "wscat", "--no-color", "-c", house.feed_url, "-x", json.dumps(asked), "-w", "1"
        )
        assert code == 0, errors
        told = [json.loads(line[line.index("{") :]) for line in out.splitlines() if "{" in line]
        assert [one.get("ok") for one in told if one.get("req_id") == "w"] == [True]
        (book,) = [one for one in told if one.get("channel") == "depth"]
        assert book["type"] == "snapshot"
        assert book["data"]["bids"] == [["100000", 10, 1]]
        await house.quiet(lambda: not len(house.broadcaster))

    tell(tmp_path, story)


@needs("k6")
def test_k6_readers_have_a_snapshot_and_every_update_in_order(tmp_path: Path) -> None:
    """Forty at once while the book changes; what k6 counts is what was sent."""

    async def story(house: House) -> None:
        summary = tmp_path / "summary.json"
        async with trading(house):
            code, out, errors = await run(
                "k6", "run", "--quiet", "--no-usage-report", "--summary-export", str(summary),
                str(HERE / "subscribers.js"), FEED_URL=house.feed_url, SUBSCRIBERS=str(READERS),
                SEEN=str(SEEN),
            )  # fmt: skip
        assert code == 0, out + errors
        counted = json.loads(summary.read_text())["metrics"]
        assert counted["kitahama_snapshots"]["count"] == READERS
        assert counted["kitahama_updates"]["count"] >= READERS * SEEN
        assert counted["checks"]["fails"] == 0
        assert counted["checks"]["passes"] >= READERS * (3 + SEEN)
        await house.quiet(lambda: not len(house.broadcaster))

    tell(tmp_path, story)


@needs("artillery", "make interop ARTILLERY=artillery")
def test_artillery_readers_come_and_go(tmp_path: Path) -> None:
    """Twenty within two seconds, each with two requests; none fails, none is left behind."""

    async def story(house: House) -> None:
        report = tmp_path / "report.json"
        async with trading(house):
            code, out, errors = await run(
                "artillery", "run", "--quiet", "--target", house.feed_url, "--output", str(report),
                str(HERE / "subscribers.yml"), ARTILLERY_DISABLE_TELEMETRY="true",
            )  # fmt: skip
        assert code == 0, out + errors
        counters = json.loads(report.read_text())["aggregate"]["counters"]
        assert counters["vusers.completed"] == counters["vusers.created"] == 20
        assert counters.get("vusers.failed", 0) == 0
        assert counters["websocket.messages_sent"] == 40
        await house.quiet(lambda: not len(house.broadcaster))

    tell(tmp_path, story)
