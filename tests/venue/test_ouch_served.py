"""OUCH from the served venue: printed, switched off, killed, and met by a stranger's client."""

import asyncio
import contextlib
import json
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from house import settings
from typer.testing import CliRunner

from market.commands import AmendOrder, NewOrder
from market.ids import SessionId
from tests.crash_witness import VenueProcess, until
from tests.fix.settings import fix_settings
from venue.__main__ import cli
from venue.core import Core
from venue.journal import read_entries
from venue.ouch_doors import OuchDoors
from venue.ouch_streams import OuchStreams
from venue.settings import OUCH_PORT, ServerSettings

pytestmark = pytest.mark.processes

PEER = Path(__file__).with_name("ouch_peer.py")
GOOD = {
    "ref": "stranger", "side": "B", "quantity": 3, "book": "KH01", "group": "DAY",
    "price": 1_000_000, "tif": 99_999, "firm": "", "display": "P", "capacity": "P", "minimum": 0,
    "class": "1", "margin": "1",
}  # fmt: skip


class Peer:
    """The stranger's process and everything it was told."""

    def __init__(self, port: int, username: str, sequence: int) -> None:
        self._words = [sys.executable, str(PEER), str(port), username, str(sequence)]
        self.told: list[dict[str, Any]] = []

    async def start(self) -> None:
        """Log in."""
        pipe = asyncio.subprocess.PIPE
        self._process = await asyncio.create_subprocess_exec(
            *self._words, stdin=pipe, stdout=pipe, stderr=asyncio.subprocess.DEVNULL
        )
        self._reader = asyncio.create_task(self._read())
        await self.until(1)
        assert self.told.pop(0) == {"type": "login"}

    async def _read(self) -> None:
        assert self._process.stdout is not None
        async for line in self._process.stdout:
            self.told.append(json.loads(line))

    def say(self, letter: str, **values: Any) -> None:
        """Send one message."""
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps([letter, values]).encode() + b"\n")

    async def until(self, count: int) -> None:
        """Wait for so many messages."""
        await until(lambda: len(self.told) >= count, f"{count} messages come to the peer")

    async def end(self) -> None:
        """Its process ends, whatever it was doing."""
        with contextlib.suppress(ProcessLookupError):
            self._process.kill()
        await self._process.wait()
        await self._reader

    @property
    def raw(self) -> list[bytes]:
        """What it was told, as bytes."""
        return [bytes.fromhex(each["raw"]) for each in self.told]

    @property
    def kinds(self) -> str:
        """The types of what it was told."""
        return "".join(each["type"] for each in self.told)


@contextlib.asynccontextmanager
async def peers(port: int, **sequences: int) -> AsyncIterator[list[Peer]]:
    """Strangers by username, each from a number."""
    made = [Peer(port, name, number) for name, number in sequences.items()]
    try:
        for peer in made:
            await peer.start()
        yield made
    finally:
        for peer in made:
            await peer.end()


async def start(venue: VenueProcess) -> int:
    """Start a venue; its OUCH port."""
    await venue.start()
    return int(venue.doors["ouch"].rpartition(":")[2])


async def opened(peer: Peer) -> None:
    """Try until the market takes an order; each refusal uses up a token, the last is taken back."""
    while True:
        count = len(peer.told)
        peer.say("O", token=count + 1, **GOOD | {"price": 950_000})
        await peer.until(count + 1)
        if peer.told[-1]["type"] == "A":
            peer.say("X", token=count + 1, quantity=0)
            await peer.until(count + 2)
            return
        assert peer.told[-1]["reason"] == "R"


def test_a_stranger_trades_and_is_told_each_execution_once(tmp_path: Path) -> None:
    """Nasdaq's client at both sides, the venue killed in mid-session, then resumed by sequence."""

    async def story(venue: VenueProcess) -> None:
        port = await start(venue)
        async with peers(port, FIRMA1=1, FIRMB1=1) as (buyer, seller):
            await buyer.until(1)
            await opened(buyer)
            base = len(buyer.told)
            for n in range(20):
                buyer.say("O", token=1_000 + n, **GOOD)
            await buyer.until(base + 20)
            for n in range(10):
                seller.say("O", token=1 + n, **GOOD | {"side": "S", "quantity": 4})
            await seller.until(1 + 10 + 20)
            await buyer.until(base + 20 + 20)
            first = {"FIRMA1": list(buyer.raw), "FIRMB1": list(seller.raw)}
            whole = {"FIRMA1": list(buyer.told), "FIRMB1": list(seller.told)}
            venue.kill()
        port = await start(venue)
        resumed = {name: len(raw) + 1 for name, raw in first.items()}
        async with peers(port, **resumed) as (buyer, seller):
            await buyer.until(7)  # what was open went with the venue
            assert set(buyer.kinds) == {"C"}
            assert {told["reason"] for told in buyer.told} == {"L"}
            buyer.say("O", token=1_019, **GOOD)  # used before: passed over
            buyer.say("O", token=2_000, **GOOD)
            buyer.say("U", existing=2_000, token=2_001, quantity=5, price=1_001_000, tif=99_999,
                      display="P", minimum=0)  # fmt: skip
            await buyer.until(9)
            seller.say("O", token=11, **GOOD | {"side": "S", "quantity": 9, "tif": 0})
            await seller.until(3)
            await buyer.until(10)
            whole["FIRMA1"] += buyer.told
            whole["FIRMB1"] += seller.told
            assert (buyer.kinds[7:], seller.kinds) == ("AUE", "AEC")
        venue.kill()
        port = await start(venue)
        async with peers(port, FIRMA1=1, FIRMB1=1) as again:
            for peer, name in zip(again, whole, strict=True):
                await peer.until(len(whole[name]))
                assert peer.told[: len(whole[name])] == whole[name]
                assert peer.raw[: len(first[name])] == first[name]
                assert all(told["left"] == 0 for told in peer.told)
        venue.kill()
        check_against_the_journal(venue, whole)

    venue = VenueProcess(tmp_path, fix_settings({}))
    try:
        asyncio.run(story(venue))
    finally:
        venue.kill()


def check_against_the_journal(venue: VenueProcess, whole: dict[str, list[dict[str, Any]]]) -> None:
    """Every execution once on each side, in the quantities of the trades; every order answered."""
    streams, core = OuchStreams(), Core()
    entries = list(read_entries(venue.out))
    for entry in entries:
        streams.heard(core, entry, core.apply(entry))
    matches = {
        name: [told["match"] for told in each if told["type"] == "E"]
        for name, each in whole.items()
    }
    for each in matches.values():
        assert len(each) == len(set(each))
    assert matches["FIRMB1"]
    assert set(matches["FIRMB1"]) == set(matches["FIRMA1"])
    for name, session in (("FIRMA1", "FIRM-A-1"), ("FIRMB1", "FIRM-B-1")):
        log = streams.logs[SessionId(session)]
        stream = [log.message(number + 1).hex() for number in range(len(log))]
        raw = [told["raw"] for told in whole[name]]
        assert stream[: len(raw)] == raw
        asked = [
            entry.command
            for entry in entries
            if isinstance(entry.command, NewOrder | AmendOrder)
            and entry.command.session_id == session
        ]
        answers = [told for told in whole[name] if told["type"] in "AUJ"]
        assert len(answers) == len(asked)


def test_the_port_is_open_with_its_own_market_and_shut_with_others() -> None:
    """Left out it is the usual one, or the system's choice; -1 shuts it, and the mirror with it."""
    for preset, server, ports in (
        ("odx-equities", {}, {"ouch": OUCH_PORT}),
        ("odx-equities", {"orders_port": 0}, {"ouch": 0}),
        ("odx-equities", {"ouch_port": -1, "ouch_mirror_port": 7001}, {}),
        ("odx-equities", {"ouch_mirror_port": 7001}, {"ouch": OUCH_PORT, "ouch_mirror": 7001}),
        ("start", {}, {}),
        ("start", {"ouch_port": 7000}, {"ouch": 7000}),
    ):
        found = settings(preset, server=ServerSettings(**server))  # type: ignore[arg-type]
        assert found.ouch_ports() == ports


def test_a_port_that_is_shut_costs_nothing() -> None:
    """No projection hears the journal and nothing is announced."""
    doors = OuchDoors(settings("start"))
    assert doors.heard == []
    assert (doors.addresses(), doors.lines()) == ({}, [])
    doors.tick()
    doors.finish()
    doors.halt()


def test_the_venue_says_where_ouch_is(tmp_path: Path) -> None:
    """On a line of its own, when it is open; firms and issues are the sample venue's."""
    doors = {"rest_port": 0, "orders_port": 0, "feed_port": 0}
    for preset, server, said in (
        ("odx-equities", doors | {"ouch_mirror_port": 0}, 2),
        ("odx-equities", doors | {"ouch_port": -1}, 0),
        ("start", doors, 0),
    ):
        asked = {"preset": preset, "speed": 100_000, "server": server}
        file = tmp_path / "venue.json"
        file.write_text(json.dumps(asked))
        out = tmp_path / f"{preset}-{said}"
        words = ["serve", "--settings", str(file), "--out", str(out), "--end"]
        ran = CliRunner().invoke(cli, words)
        assert ran.exit_code == 0, ran.output
        lines = [line for line in ran.stdout.splitlines() if line.startswith("ouch ")]
        assert len(lines) == said
        assert all("soup://127.0.0.1:" in line for line in lines)
