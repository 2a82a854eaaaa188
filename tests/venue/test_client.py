"""The reference client against a whole venue: a day, a loss, an end in order, a disk that fails."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import apsw
import httpx
import pytest
from house import FIRM_OF, PATIENCE_S, House, Wire, order, play, private_key, settings
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed

from venue.app import READY_FILE, Venue
from venue.client import Identity, LogonRefused, OrderClient
from venue.journal import Journal, Row
from venue.recovery import verify
from venue.seams import VirtualClock

pytestmark = pytest.mark.processes


# --- the client and the door


def test_a_client_gets_every_report_once_and_in_order(tmp_path: Path) -> None:
    """Answers and fills, numbered without a gap, each told to ``on_report`` once."""

    async def story(house: House) -> None:
        await house.open()
        told: list[int] = []
        buyer = house.client("A-1", on_report=lambda report: told.append(report["seq"]))
        seller = house.client("B-1")
        await buyer.open()
        await seller.open()
        for number in range(10):
            assert (await buyer.request("order.new", order(f"b{number}")))["ok"]
        await seller.request("order.new", order("s", side="sell", quantity_units=100))
        await house.quiet(lambda: buyer.last_report_seq == house.next_report("A-1") - 1)
        assert told == list(range(1, len(told) + 1))
        assert buyer.answers == 10
        await buyer.close()
        await seller.close(cancel_open=True)

    play(tmp_path, story)


def test_a_client_that_lost_its_line_learns_all_it_missed(tmp_path: Path) -> None:
    """Fills that came while it was away; a request of unknown outcome is settled by its name."""

    async def story(house: House) -> None:
        await house.open()
        buyer, seller = house.client("A-1"), house.client("B-1")
        await buyer.open()
        await seller.open()
        await buyer.request("order.new", order("b1"))
        unknown = await buyer.send("order.new", order("b2"))
        await buyer.lose()
        with pytest.raises(ConnectionClosed):
            await unknown
        await house.quiet(lambda: not house.session("A-1").live)
        with pytest.raises(Exception, match="not connected"):
            await buyer.request("whoami")
        await seller.request("order.new", order("s", side="sell", quantity_units=20))

        await buyer.open()
        again = await buyer.request("order.new", order("b2"))
        assert again["ok"]
        await house.quiet(lambda: buyer.last_report_seq == house.next_report("A-1") - 1)
        assert buyer.last_report_seq == len(buyer.reports)
        names = {report.get("data", {}).get("client_order_id") for report in buyer.reports.values()}
        assert "b1" in names
        assert len(house.core.settlement.deliveries) in {1, 2}
        await buyer.close()
        await seller.close()

    play(tmp_path, story)


def test_a_second_client_is_refused_unless_it_takes_over(tmp_path: Path) -> None:
    """LogonRefused carries the code; with takeover the first one's connection ends."""

    async def story(house: House) -> None:
        first, second = house.client("A-1"), house.client("A-1")
        await first.open()
        with pytest.raises(LogonRefused) as refused:
            await second.open()
        assert refused.value.code == "SESSION_ACTIVE"
        assert (await second.open(takeover=True))["took_over"] is True
        await first.closed()
        await first.close()
        await second.close()

    play(tmp_path, story)


def test_a_client_closed_in_order_leaves_no_live_session(tmp_path: Path) -> None:
    """Closing twice is no error; the reader task is gone."""

    async def story(house: House) -> None:
        client = house.client("A-1")
        await client.open()
        await client.close()
        await client.close()
        await house.quiet(lambda: not house.session("A-1").live)
        assert asyncio.all_tasks() <= {asyncio.current_task(), house._writer}

    play(tmp_path, story)


# --- a whole venue in this process


async def doors_of(folder: Path, running: "asyncio.Task[None]") -> dict[str, Any]:
    """Where the venue listens, once it does."""
    async with asyncio.timeout(PATIENCE_S):
        while not (folder / READY_FILE).exists():
            assert not running.done(), running.exception()
            await asyncio.sleep(0.002)
    found: dict[str, Any] = json.loads((folder / READY_FILE).read_text(encoding="utf-8"))
    return found


def venue_client(doors: dict[str, Any], session_id: str) -> OrderClient:
    """A client of that venue."""
    who = Identity(FIRM_OF[session_id], session_id, f"key-{session_id}", private_key(session_id))
    return OrderClient(doors["orders"], who)


def run_venue(
    folder: Path,
    story: Callable[[Venue, dict[str, Any]], Awaitable[None]],
    **changes: Any,
) -> None:
    """Start a venue on free ports, tell the story, and wait for the venue to end."""
    ports = {"rest_port": 0, "orders_port": 0, "feed_port": 0, "heartbeat_s": 0.02}
    chosen = settings("start", server=ports, speed=1.0, **changes)

    async def run() -> None:
        venue = Venue(chosen, folder, make_clock=lambda start, _: StandingClock(start))
        (folder / READY_FILE).unlink(missing_ok=True)  # of a run before
        running = asyncio.create_task(venue.run())
        try:
            await story(venue, await doors_of(folder, running))
        finally:
            venue.stop()
            async with asyncio.timeout(PATIENCE_S):
                await running

    asyncio.run(run())


class StandingClock(VirtualClock):
    """Jumps where the conductor says, and then makes it wait: the day opens, no more happens."""

    def real_seconds_until(self, at_ns: Any) -> float:
        """Nothing to wait for the present moment, for ever for any other."""
        return 0.0 if at_ns <= self.market_ns() else 1_000_000.0


def test_a_venue_that_is_told_to_stop_finishes_what_was_asked(tmp_path: Path) -> None:
    """Requests that came are journaled and answered; then 1001 for everybody; the run verifies."""
    answers: list[Any] = []

    async def story(venue: Venue, doors: dict[str, Any]) -> None:
        client = venue_client(doors, "A-1")
        await client.open()
        feed = Wire(await connect(doors["feed"], compression=None))
        await feed.receive()
        await feed.say({"method": "subscribe", "params": {"channels": [{"name": "heartbeat"}]}})
        await feed.receive()
        assert (await feed.receive())["type"] == "heartbeat"
        async with httpx.AsyncClient() as rest:
            assert (await rest.get(doors["rest"] + "/readyz")).json() == {"ready": True}
        futures = [await client.send("order.new", order(f"n{n}")) for n in range(50)]
        await asyncio.wait([futures[0]])  # the rest are on their way
        venue.stop()
        answers.extend(await asyncio.gather(*futures))
        await client.closed()
        assert client._socket is not None
        assert client._socket.close_code == 1001
        assert (await feed.to_the_end())[1][0] == 1001
        await client.lose()

    run_venue(tmp_path, story)
    assert len(answers) == 50
    assert {answer["error"]["code"] for answer in answers} == {"PHASE_CLOSED"}
    assert verify(tmp_path).commands > 50


class FailingJournal(Journal):
    """A journal whose disk fails when told to."""

    failing = False

    def write(self, rows: list[Row]) -> None:
        """Write, or fail as a full disk does."""
        if FailingJournal.failing:
            raise apsw.FullError("the disk is full")
        super().write(rows)


def test_a_disk_that_fails_ends_the_venue_and_everybody_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """STORAGE_FAILED and 1012, no answer to what was not written, and the error comes out."""
    monkeypatch.setattr("venue.app.Journal", FailingJournal)
    monkeypatch.setattr(FailingJournal, "failing", False)
    said: list[Any] = []

    async def story(_: Venue, doors: dict[str, Any]) -> None:
        wire = Wire(await connect(doors["orders"], compression=None))
        await wire.receive()
        feed = Wire(await connect(doors["feed"], compression=None))
        await feed.receive()
        await wire.logon("A-1")
        FailingJournal.failing = True
        await wire.say(wire.request("order.new", order()))
        said.append(await wire.receive())
        said.append(await wire.closed())
        said.append(await feed.closed())

    with pytest.raises(ExceptionGroup) as failed:
        run_venue(tmp_path, story)
    assert failed.value.subgroup(apsw.FullError) is not None
    assert said[0]["error"]["code"] == "STORAGE_FAILED"
    assert said[1] == (1012, "STORAGE_FAILED")
    assert said[2][0] == 1012
    verify(tmp_path)


def test_a_venue_started_again_goes_on_with_its_journal(tmp_path: Path) -> None:
    """Sessions that were live are closed; report numbers and generations go on."""

    async def first(_: Venue, doors: dict[str, Any]) -> None:
        client = venue_client(doors, "A-1")
        await client.open()
        await client.request("order.new", order())
        await client.lose()

    async def second(_: Venue, doors: dict[str, Any]) -> None:
        client = venue_client(doors, "A-1")
        logged_on = await client.open()
        assert logged_on["generation"] == 2
        assert logged_on["next_report_seq"] == 2
        assert client.last_report_seq == 1  # asked for again by the client itself
        await client.close()

    run_venue(tmp_path, first)
    run_venue(tmp_path, second)
