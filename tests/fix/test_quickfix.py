"""A stranger's engine (QuickFIX, C++) as initiator, with our dictionaries and validation on.

QuickFIX refuses every message that its dictionary does not allow, keeps its own numbers on disk and
asks for what it missed; a reject it sends, or a message it sees twice, fails the test.
"""

import asyncio
import contextlib
import importlib.util
import json
import socket
import sys
import time
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from market.ids import SessionId
from participants.fix_dictionary import FILES
from participants.fix_records import utc_text
from participants.fix_reports import FixReports
from tests.crash_witness import VenueProcess, until
from tests.fix.settings import fix_settings
from venue.journal import read_entries
from venue.recovery import replay
from venue.seams import wall_ns

pytestmark = [
    pytest.mark.processes,
    pytest.mark.skipif(
        importlib.util.find_spec("quickfix") is None,
        reason="no wheel of QuickFIX for this Python; make interop builds one",
    ),
]
PEER = Path(__file__).with_name("quickfix_peer.py")
PACKAGE = Path(__file__).parents[2] / "participants"
BUY = [
    ["35", "D"],
    ["21", "1"],
    ["38", "1"],
    ["40", "2"],
    ["44", "99000"],
    ["54", "1"],
    ["55", "KH01"],
]
DEADLINE_S = 60.0


def free_port() -> int:
    """A port nobody has at this moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Peer:
    """The initiator's process."""

    def __init__(self, folder: Path, sender: str, port: int, profile: str, **options: Any) -> None:
        self.folder = folder / f"peer-{sender}-{port}"
        self.asked = {
            "folder": str(self.folder),
            "sender": sender,
            "port": port,
            "begin": "FIX.4.2" if profile == "start42" else "FIX.4.4",
            "dictionary": str(PACKAGE / FILES[profile]),
        } | options
        self.events: list[dict[str, Any]] = []
        self._process: asyncio.subprocess.Process | None = None
        self._reader: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Start; QuickFIX connects by itself, and again when it is cut off."""
        self._process = await asyncio.create_subprocess_exec(
            sys.executable, str(PEER), stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.DEVNULL, limit=2**20,
        )  # fmt: skip
        self._reader = asyncio.create_task(self._read())
        self.tell(**self.asked)

    async def _read(self) -> None:
        assert self._process is not None
        assert self._process.stdout is not None
        async for line in self._process.stdout:
            self.events.append(json.loads(line))

    def tell(self, **what: Any) -> None:
        """One command."""
        assert self._process is not None
        assert self._process.stdin is not None
        self._process.stdin.write((json.dumps(what) + "\n").encode())

    def send(self, *pairs: list[str], **tags: str) -> None:
        """One message."""
        extra = [[tag.removeprefix("t"), value] for tag, value in tags.items()]
        self.tell(send=[*pairs, *extra, ["60", utc_text(wall_ns())]])

    def count(self, event: str) -> int:
        """How often something happened."""
        return sum(each["event"] == event for each in self.events)

    @property
    def reports(self) -> list[dict[str, str]]:
        """Application messages, each as its tags."""
        return [dict(each["fields"]) for each in self.events if each["event"] == "app"]

    def executions(self) -> list[dict[str, str]]:
        """Execution reports only."""
        return [each for each in self.reports if each["35"] == "8"]

    async def has(self, fact: Callable[[], bool], what: str) -> None:
        """Wait for something."""
        await until(fact, what)

    async def end(self, *, die: bool = False) -> None:
        """End the process, in order or at once."""
        self.tell(do="die" if die else "stop")
        assert self._process is not None
        assert self._reader is not None
        async with asyncio.timeout(DEADLINE_S):
            await self._process.wait()
            await self._reader

    def rejects(self) -> list[str]:
        """Rejects QuickFIX sent us: it found a message of ours wrong."""
        found = []
        for path in self.folder.glob("log/*messages*"):
            text = path.read_text(encoding="latin-1")
            mine = f"\x0149={self.asked['sender']}\x01"
            found += [line for line in text.splitlines() if "\x0135=3\x01" in line and mine in line]
        return found


@contextlib.asynccontextmanager
async def peer(
    folder: Path, sender: str, port: int, profile: str, **options: Any
) -> AsyncIterator[Peer]:
    """A peer that is logged on, and ends with the block; it must have refused nothing."""
    made = Peer(folder, sender, port, profile, **options)
    await made.start()
    await made.has(lambda: made.count("logon") > 0, f"{sender} logs on")
    try:
        yield made
    finally:
        with contextlib.suppress(ConnectionError):
            await made.end()
    assert made.rejects() == []


def tell_story(
    folder: Path, story: Callable[[VenueProcess, dict[str, int]], Awaitable[None]], **changes: Any
) -> None:
    """Start a continuous market on fixed ports, wait until it trades, and tell the story."""
    ports = {name: free_port() for name in ("fix42_port", "fix44_port", "drop_copy_port")}
    venue = VenueProcess(folder, fix_settings(ports, **changes))

    async def run() -> None:
        async with asyncio.timeout(3 * DEADLINE_S):
            await venue.start(keep=True)
            try:
                await story(venue, ports)
            finally:
                venue.kill()

    asyncio.run(run())


async def open_market(one: Peer) -> None:
    """Wait until the venue says the market trades."""
    await one.has(
        lambda: any(each["35"] == "h" and each["340"] == "2" for each in one.reports), "it opens"
    )


def test_quickfix_trades_by_starts_dictionary(tmp_path: Path) -> None:
    """Logon, orders, a fill on both sides, a cancel, every refusal, and a logout in order."""

    async def story(_: VenueProcess, ports: dict[str, int]) -> None:
        port = ports["fix42_port"]
        async with (
            peer(tmp_path, "FIRM-A-1", port, "start42") as a,
            peer(tmp_path, "FIRM-B-1", port, "start42") as b,
        ):
            await open_market(a)
            a.send(*BUY, t11="a1")
            await a.has(lambda: len(a.executions()) == 1, "accepted")
            b.send(["35", "D"], ["21", "1"], ["38", "1"], ["40", "2"], ["44", "99000"], ["54", "2"],
                   ["55", "KH01"], t11="b1")  # fmt: skip
            await a.has(lambda: len(a.executions()) == 2, "filled")
            await b.has(lambda: len(b.executions()) == 2, "filled")
            a.send(*BUY, t11="a2")
            a.send(["35", "F"], ["41", "a2"], ["38", "1"], ["54", "1"], ["55", "KH01"], t11="c2")
            a.send(["35", "F"], ["41", "zz"], ["38", "1"], ["54", "1"], ["55", "KH01"], t11="c3")
            a.send(["35", "D"], ["21", "1"], ["38", "1"], ["40", "2"], ["44", "99000"], ["54", "5"],
                   ["55", "KH01"], t11="a4")  # fmt: skip
            await a.has(lambda: len(a.reports) >= 7, "all answered")
            a.tell(do="logout")
            await a.has(lambda: a.count("logout") > 0, "logged out")
        fill = a.executions()[1]
        assert (fill["150"], fill["39"], fill["32"], fill["375"]) == ("2", "2", "1", "FIRM-B")
        assert fill["880"] == b.executions()[1]["880"]
        kinds = [each["150"] for each in a.executions()]
        assert kinds == ["0", "2", "0", "4", "8"]
        assert [each["102"] for each in a.reports if each["35"] == "9"] == ["1"]

    tell_story(tmp_path, story)


def test_quickfix_trades_by_our_44_dictionary_and_reads_the_drop_copy(tmp_path: Path) -> None:
    """Replace, status request, mass cancel and a fill; the drop copy has all of it from 1."""

    async def story(_: VenueProcess, ports: dict[str, int]) -> None:
        new = [["35", "D"], ["38", "2"], ["40", "2"], ["44", "99000"], ["54", "1"], ["55", "KH01"]]
        async with peer(tmp_path, "FIRM-A-1", ports["fix44_port"], "house44") as a:
            await open_market(a)
            a.send(*new, t11="a1")
            a.send(["35", "G"], ["41", "a1"], ["38", "5"], ["40", "2"], ["44", "99010"],
                   ["54", "1"], ["55", "KH01"], t11="a2")  # fmt: skip
            a.tell(send=[["35", "H"], ["11", "a2"], ["54", "1"], ["55", "KH01"]])
            await a.has(lambda: len(a.executions()) == 3, "answered")
            a.send(["35", "q"], ["530", "7"], t11="m1")
            await a.has(lambda: any(each["35"] == "r" for each in a.reports), "mass canceled")
            a.send(*new, t11="a3")
            async with peer(tmp_path, "FIRM-B-1", ports["fix44_port"], "house44") as b:
                b.send(["35", "D"], ["38", "2"], ["40", "2"], ["44", "99000"], ["54", "2"],
                       ["55", "KH01"], t11="b1")  # fmt: skip
                await a.has(lambda: len(a.executions()) == 6, "filled")
            logon = {"9406": "Y", "5002": "1"}
            async with peer(
                tmp_path, "FIRM-A-1", ports["drop_copy_port"], "house44", reset="Y", logon=logon,
            ) as copy:  # fmt: skip
                await copy.has(lambda: len(copy.reports) >= 6, "the copy is there")
                copied = copy.reports
        told = [
            each for each in a.reports if each["35"] in {"8", "9", "r"} and each.get("150") != "I"
        ]
        assert [each.get("17") for each in copied] == [each.get("17") for each in told]
        assert [each["5003"] for each in copied if each["35"] == "8"] == [
            str(place) for place, each in enumerate(copied, 1) if each["35"] == "8"
        ]
        assert {each["57"] for each in copied} == {"FIRM-A-1"}
        assert Counter(each["150"] for each in a.executions())["F"] == 1

    tell_story(tmp_path, story)


def test_quickfix_reads_the_list_and_the_market(tmp_path: Path) -> None:
    """A stranger's parser takes y, h, W, X and Y apart, groups and all, with validation on."""

    async def story(_: VenueProcess, ports: dict[str, int]) -> None:
        new = [["35", "D"], ["38", "2"], ["40", "2"], ["44", "99000"], ["55", "KH01"]]
        async with (
            peer(tmp_path, "FIRM-A-1", ports["fix44_port"], "house44") as a,
            peer(tmp_path, "FIRM-B-1", ports["fix44_port"], "house44") as b,
        ):
            await open_market(a)
            a.tell(send=[["35", "x"], ["320", "L"], ["559", "4"]])
            a.tell(send=[["35", "g"], ["335", "S"], ["263", "0"]])
            for name, symbol in (("M", "KH01"), ("N", "NONE")):
                a.tell(
                    send=[["35", "V"], ["262", name], ["263", "1"], ["264", "0"], ["265", "1"]],
                    groups=[["267", "269", ["0", "1", "2", "Q"]], ["146", "55", [symbol]]],
                )
            await a.has(lambda: any(each["35"] == "Y" for each in a.reports), "asked")
            b.send(*new, ["54", "1"], t11="b1")
            await b.has(lambda: len(b.executions()) == 1, "accepted")
            a.send(*new, ["54", "2"], t11="a1")
            await a.has(lambda: len(a.executions()) == 2, "filled")
            await a.has(lambda: sum(each["35"] == "X" for each in a.reports) >= 2, "told")
            raw = [each["fields"] for each in a.events if each["event"] == "app"]
        listed = next(fields for fields in raw if ["35", "y"] in fields)
        assert ["55", "KH01"] in listed
        assert [each["340"] for each in a.reports if each.get("335") == "S"] == ["2"]
        assert [each["281"] for each in a.reports if each["35"] == "Y"] == ["0"]
        (empty,) = [each for each in a.reports if each["35"] == "W"]
        assert (empty["262"], empty["268"]) == ("M", "0")
        changes = [pair for fields in raw if ["35", "X"] in fields for pair in fields]
        actions = [value for tag, value in changes if tag == "279"]
        names = [value for tag, value in changes if tag == "278"]
        assert actions == ["0", "2", "0"]
        assert names == ["0-9900000", "0-9900000", "T-1"]

    tell_story(tmp_path, story)


def test_quickfix_that_dies_gets_what_it_missed_by_its_sequence(tmp_path: Path) -> None:
    """The initiator is cut down; its order is canceled, and told once it is back, once."""

    async def story(_: VenueProcess, ports: dict[str, int]) -> None:
        port = ports["fix42_port"]
        first = Peer(tmp_path, "FIRM-A-1", port, "start42")
        await first.start()
        await open_market(first)
        first.send(*BUY, t11="a1")
        await first.has(lambda: len(first.executions()) == 1, "accepted")
        await first.end(die=True)
        async with peer(tmp_path, "FIRM-A-1", port, "start42") as again:
            await again.has(lambda: len(again.executions()) == 1, "canceled")
        told = again.executions()[0]
        assert (told["150"], told["11"], told["58"]) == ("4", "a1", "disconnect")

    tell_story(tmp_path, story)


def test_every_execution_once_over_kill_9_of_the_venue(tmp_path: Path) -> None:
    """The venue dies twice amid orders; by its sequence the client gets what the journal says."""

    async def story(venue: VenueProcess, ports: dict[str, int]) -> None:
        async with peer(tmp_path, "FIRM-A-1", ports["fix42_port"], "start42") as a:
            await open_market(a)
            for life in range(2):
                a.tell(many=600, like=[*BUY, ["11", f"L{life}-{{n}}"], ["60", utc_text(wall_ns())]])
                await a.has(lambda: len(a.executions()) > 150 * (life + 1), "under way")  # noqa: B023
                venue.kill()
                logons = a.count("logon")
                await venue.start(keep=True)
                await a.has(lambda: a.count("logon") > logons, "logged on again")  # noqa: B023
            a.send(
                ["35", "F"], ["41", "nothing"], ["38", "1"], ["54", "1"], ["55", "KH01"], t11="end"
            )
            await a.has(lambda: any(each["35"] == "9" for each in a.reports), "all told")
        venue.kill()
        got = [each["17"] for each in a.executions()]
        reports = FixReports()
        replay(read_entries(venue.out), reports.apply)
        executions = [
            each.exec_id
            for each in reports.of_session(SessionId("FIRM-A-1"))
            if each.msg_type == "8"
        ]
        assert got == executions
        assert len(set(got)) == len(got) > 300

    tell_story(tmp_path, story)


def test_quickfix_sends_ten_thousand_orders(tmp_path: Path) -> None:
    """Each is answered once, in the order sent."""

    async def story(_: VenueProcess, ports: dict[str, int]) -> None:
        async with peer(tmp_path, "FIRM-A-1", ports["fix42_port"], "start42") as a:
            await open_market(a)
            began = time.monotonic()
            a.tell(many=10_000, like=[*BUY, ["11", "n{n}"], ["60", utc_text(wall_ns())]])
            await a.has(lambda: len(a.executions()) >= 10_000, "all answered")
            assert time.monotonic() > began
        assert [each["11"] for each in a.executions()] == [f"n{number}" for number in range(10_000)]
        assert {each["150"] for each in a.executions()} == {"0"}

    tell_story(tmp_path, story)
