"""Nothing acknowledged is lost: real processes killed without warning, and a disk that fails.

The promises are spelled out in tests/crash_campaign.py, which these tests and ``make crash`` run.
"""

import asyncio
import contextlib
from collections import Counter
from pathlib import Path

import pytest
from crash_campaign import Campaign
from crash_witness import (
    SEED,
    Bell,
    FeedWitness,
    VenueProcess,
    Witness,
    campaign_settings,
    regenerate,
)
from websockets.exceptions import ConnectionClosed

from market.commands import CancelOnDisconnect, CloseSession
from market.ids import SessionId
from venue.client import LogonRefused, Message
from venue.journal import read_entries
from venue.sample import key_settings
from venue.settings import KeySettings, VenueSettings

pytestmark = pytest.mark.processes


@pytest.mark.parametrize("seed", [1])
def test_no_kill_loses_or_repeats_anything(tmp_path: Path, seed: int) -> None:
    """Ten kills in three days: every byte that anybody held stands, nothing happened twice."""
    campaign = Campaign(tmp_path, seed=seed, kills=10, days=3, speed=8_000.0)

    tally = asyncio.run(campaign.run())

    assert sum(tally.kills.values()) == 10
    assert tally.trades > 50
    assert tally.settlements > 0
    assert tally.words > 0
    assert tally.happened + tally.had_not > 0  # some requests really were in flight


def with_second_sessions(settings: VenueSettings) -> VenueSettings:
    """Every firm gets a second session, to look at the first one's orders from outside."""
    firms = []
    for firm in settings.firms:
        first = key_settings(SEED, firm.participant_id)
        second = KeySettings(
            key_id=f"{firm.participant_id}-key-2",
            session_id=f"{firm.participant_id}-2",
            public_key_hex=first.public_key_hex,
        )
        firms.append(firm.model_copy(update={"keys": [first, second]}))
    return settings.model_copy(update={"firms": firms})


def slow_venue(folder: Path, program: str | None = None) -> VenueProcess:
    """A venue that is about to reach pre-open and stays there for many seconds."""
    settings = with_second_sessions(campaign_settings(speed=600.0))
    return VenueProcess(folder, settings, program=program)


def order(name: str, price: str = "99000") -> Message:
    """A small bid that meets nobody."""
    return {
        "client_order_id": name,
        "instrument_id": "KH01",
        "side": "buy",
        "kind": "limit",
        "price": price,
        "quantity_units": 1,
    }


async def pre_open(venue: VenueProcess, bell: Bell) -> FeedWitness:
    """Subscribe and wait until orders may be entered."""
    feed = FeedWitness(bell)
    await feed.enter(venue.doors)
    await bell.until(lambda: feed.phase == "PreOpen", "pre-open")
    return feed


def canceled(witness: Witness) -> Counter[tuple[str, str]]:
    """Which orders a firm was told are gone, and why."""
    return Counter(
        (report["data"]["client_order_id"], report["data"]["reason"])
        for report in witness.reports.values()
        if report.get("type") == "canceled"
    )


async def open_names(witness: Witness) -> list[str]:
    """Client order ids of the firm's open orders."""
    asked = await witness.request("order.list")
    return [line["client_order_id"] for line in asked["result"]["orders"]]


async def gone(witness: Witness) -> None:
    """Wait until the firm has no open order."""
    async with asyncio.timeout(20):
        while await open_names(witness):  # noqa: ASYNC110 - asked over the wire, nobody rings
            await asyncio.sleep(0.02)


def test_a_lost_connection_cancels_once_whatever_dies_in_between(tmp_path: Path) -> None:
    """Modes on and grace take the orders exactly once; off and a timely return keep them."""

    async def story() -> None:
        venue, bell = slow_venue(tmp_path), Bell()
        at_once = Witness("FIRM-A", bell, disconnect="on")
        later = Witness("FIRM-B", bell, disconnect="grace", grace_ms=1_000)
        back = Witness("FIRM-C", bell, disconnect="grace", grace_ms=60_000)
        never = Witness("FIRM-D", bell, disconnect="off")
        firms = [at_once, later, back, never]
        watchers = [Witness("FIRM-A", bell, session=2), Witness("FIRM-B", bell, session=2)]
        try:
            await venue.start()
            for firm in firms:
                await firm.enter(venue.doors)
            await pre_open(venue, bell)
            for firm in firms:
                for name in ("X", "Y"):
                    assert (await firm.request("order.new", order(name)))["ok"]
            venue.kill()
            for firm in firms:
                await firm.lose()

            await venue.start()  # closes what was live; the grace times begin again
            await back.enter(venue.doors)
            venue.kill()
            await back.lose()

            await venue.start()
            await back.enter(venue.doors)
            for watcher in watchers:
                await watcher.enter(venue.doors)
            assert await open_names(watchers[0]) == []
            await gone(watchers[1])
            venue.kill()
            for one in (back, *watchers):
                await one.lose()

            await venue.start()
            for firm in firms:
                await firm.enter(venue.doors)
            once = Counter({("X", "disconnect"): 1, ("Y", "disconnect"): 1})
            assert [canceled(firm) for firm in firms] == [once, once, Counter(), Counter()]
            assert [await open_names(firm) for firm in firms] == [[], [], ["X", "Y"], ["X", "Y"]]
            for firm in firms:
                await firm.lose()
        finally:
            venue.kill()
        graces = [
            entry.command.session_id
            for entry in read_entries(venue.out)
            if isinstance(entry.command, CancelOnDisconnect)
        ]
        assert graces == ["FIRM-B-1"]
        assert regenerate(venue.out).reports["FIRM-B-1"] == [
            later.raw[seq] for seq in sorted(later.raw)
        ]

    asyncio.run(story())


def test_a_clean_logout_keeps_its_orders_through_grace_and_crash(tmp_path: Path) -> None:
    """Grace belongs to lost connections: after a logout no cancel comes, not even by a restart."""

    async def story() -> None:
        venue, bell = slow_venue(tmp_path), Bell()
        firm = Witness("FIRM-A", bell, disconnect="grace", grace_ms=1)
        lost = Witness("FIRM-B", bell, disconnect="grace", grace_ms=1)
        watcher = Witness("FIRM-B", bell, session=2)
        try:
            await venue.start()
            for one in (firm, lost, watcher):
                await one.enter(venue.doors)
            await pre_open(venue, bell)
            for one in (firm, lost):
                await one.request("order.new", order("X"))
            await firm.close()
            await lost.lose()
            await gone(watcher)  # a later grace time has run out by then
            venue.kill()
            await watcher.lose()

            await venue.start()
            await firm.enter(venue.doors)
            assert await open_names(firm) == ["X"]
            assert canceled(firm) == Counter()
            await firm.lose()
        finally:
            venue.kill()

    asyncio.run(story())


def test_generations_go_on_after_a_crash(tmp_path: Path) -> None:
    """A logon after a crash needs no takeover; a takeover closes the older side with 4002."""

    async def story() -> None:
        venue, bell = slow_venue(tmp_path), Bell()
        first, second = Witness("FIRM-A", bell), Witness("FIRM-A", bell)
        try:
            await venue.start()
            await first.enter(venue.doors)
            assert first.logon_ok["generation"] == 1
            venue.kill()
            await first.lose()

            await venue.start()
            await first.enter(venue.doors)
            assert (first.logon_ok["generation"], first.logon_ok["took_over"]) == (2, False)
            with pytest.raises(LogonRefused, match="SESSION_ACTIVE"):
                await second.enter(venue.doors)
            await pre_open(venue, bell)
            assert (await first.request("order.new", order("X")))["ok"]
            await second.enter(venue.doors, takeover=True)
            assert (second.logon_ok["generation"], second.logon_ok["took_over"]) == (3, True)
            await first.closed()
            assert first._socket is not None
            assert first._socket.close_code == 4002
            with pytest.raises(ConnectionClosed):
                await first.request("order.new", order("Y"))
            again = await second.request("order.new", order("X"))
            assert again["duplicate"]
            venue.kill()
            await first.lose()
            await second.lose()

            await venue.start()
            await second.enter(venue.doors)
            assert second.logon_ok["generation"] == 4
            assert await open_names(second) == ["X"]
            venue.kill()  # before the loss, which a living venue would write down
            await second.lose()
        finally:
            venue.kill()
        closed = [
            entry.command.generation
            for entry in read_entries(venue.out)
            if isinstance(entry.command, CloseSession)
            and entry.command.session_id == SessionId("FIRM-A-1")
        ]
        assert closed == [1, 3]  # 2 was ended by the takeover itself

    asyncio.run(story())


_DYING_DISK = """
import apsw
from venue.journal import Journal
write = Journal.write
def dying(self, rows):
    if any(b'"LAST"' in record for _, record, _ in rows):
        raise apsw.IOError("disk I/O error")
    write(self, rows)
Journal.write = dying
from venue.__main__ import main
main()
"""


def test_a_dead_disk_acknowledges_nothing_and_ends_the_process(tmp_path: Path) -> None:
    """A failed write: no answer, no market data, every client closed with 1012, exit code not 0."""

    async def story() -> None:
        venue, bell = slow_venue(tmp_path, _DYING_DISK), Bell()
        firm, other = Witness("FIRM-A", bell), Witness("FIRM-B", bell)
        try:
            await venue.start()
            await firm.enter(venue.doors)
            await other.enter(venue.doors)
            feed = await pre_open(venue, bell)
            assert (await firm.request("order.new", order("FIRST")))["ok"]
            lost = [
                await firm.send("order.new", order(name)) for name in ("LAST", "BEHIND", "AFTER")
            ]
            for answer in lost:  # the connection ends, or the door says why first
                with contextlib.suppress(ConnectionClosed):
                    assert (await answer)["error"]["code"] == "STORAGE_FAILED"
            for one in (firm, other):
                await one.closed()
                assert one._socket is not None
                assert one._socket.close_code == 1012
                assert one._socket.close_reason == "STORAGE_FAILED"
            await feed.ended.wait()
            assert feed.close_code == 1012
            assert await venue.ended() != 0
            told = [raw for place, raw in feed.raw.items() if place[0] == "orders"]
            assert len(told) == 1
            assert len(firm.raw) == 1
            for one in (firm, other):
                await one.lose()

            healthy = slow_venue(tmp_path)
            venue = healthy
            await healthy.start()
            await firm.enter(healthy.doors)
            assert len(firm.raw) == 1
            again = await firm.request("order.new", order("LAST"))
            assert again["ok"]
            assert "duplicate" not in again
            assert await open_names(firm) == ["FIRST", "LAST"]
            await firm.lose()
        finally:
            venue.kill()

    asyncio.run(story())


def test_one_venue_a_folder(tmp_path: Path) -> None:
    """A second process on a live journal is refused, opens no door and harms nothing."""

    async def story() -> None:
        venue, bell = slow_venue(tmp_path), Bell()
        firm = Witness("FIRM-A", bell)
        try:
            await venue.start()
            await firm.enter(venue.doors)
            doors = (venue.out / "ready.json").read_bytes()
            rival = slow_venue(tmp_path)
            rival.launch()
            assert await rival.ended() == 1
            assert "JournalLocked" in rival.said()
            assert (venue.out / "ready.json").read_bytes() == doors
            assert (await firm.request("whoami"))["ok"]
            await firm.lose()
        finally:
            venue.kill()

    asyncio.run(story())
