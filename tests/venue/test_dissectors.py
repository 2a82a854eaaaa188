"""tshark reads our loopback traffic: its dissectors know FIX, SoupBinTCP and websockets, not us.

Skipped where tshark is not installed or may not capture (Debian: the package ``tshark``, and root or
the group ``wireshark``).
"""

import asyncio
import functools
import shutil
import subprocess
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
from house import PATIENCE_S, order
from itch_day import at_a_port, generated, messages_of
from test_fix_acceptor import FixHouse, buy, nth, play

from feeds import soup

FIELDS = (
    "tcp.srcport", "_ws.malformed", "_ws.expert.severity", "fix.MsgType", "fix.MsgSeqNum",
    "fix.checksum_good", "fix.ClOrdID", "fix.ExecType", "websocket.opcode", "websocket.mask",
    "websocket.payload.text", "websocket.payload.close.status_code", "soupbintcp.packet_type",
)  # fmt: skip
ERROR = 0x00800000
"""Severity of an expert's note that something is wrong with the packet."""

SEPARATOR = "\x1f"
Seen = list[dict[str, list[str]]]


@functools.cache
def cannot_capture() -> str:
    """Why tshark is of no use here; empty if it is."""
    if shutil.which("tshark") is None:
        return "tshark is not installed; Debian has it as a package"
    asked = ["tshark", "-i", "lo", "-a", "duration:1", "-c", "1", "-w", "/dev/null"]
    tried = subprocess.run(asked, capture_output=True, text=True, timeout=30, check=False)
    return f"tshark may not capture: {tried.stderr[-200:]}" if tried.returncode else ""


@pytest.fixture(autouse=True)
def _a_capture_is_allowed() -> None:
    if reason := cannot_capture():
        pytest.skip(reason)


pytestmark = pytest.mark.processes


@asynccontextmanager
async def watched(port: int, dissector: str, keep: Path | None = None) -> AsyncIterator[Seen]:
    """What tshark reads on one port, packet by packet, while it watches; ``keep`` is a file."""
    words = [part for name in FIELDS for part in ("-e", name)]
    words += [] if keep is None else ["-P", "-w", str(keep)]
    process = await asyncio.create_subprocess_exec(
        "tshark", "-l", "-n", "-i", "lo", "-f", f"tcp port {port}", "-d",
        f"tcp.port=={port},{dissector}", "-T", "fields", "-E", f"separator={SEPARATOR}", *words,
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.DEVNULL, limit=1 << 24,
    )  # fmt: skip
    seen: Seen = []

    async def read() -> None:
        assert process.stdout is not None
        while line := await process.stdout.readline():
            values = line.decode().rstrip("\n").split(SEPARATOR)
            found = zip(FIELDS, values, strict=True)
            seen.append({name: value.split(",") if value else [] for name, value in found})

    reader = asyncio.create_task(read())
    try:
        async with asyncio.timeout(PATIENCE_S):
            while not seen:  # it watches when it sees us knock
                _, writer = await asyncio.open_connection("127.0.0.1", port)
                writer.close()
                await asyncio.sleep(0.05)
        yield seen
    finally:
        process.terminate()
        await process.wait()
        await reader


async def until(seen: Seen, found: Callable[[dict[str, list[str]]], object]) -> None:
    """Wait until a packet is among those seen, then see that none was read as broken."""
    async with asyncio.timeout(PATIENCE_S):
        while not any(map(found, seen)):  # noqa: ASYNC110 - lines of a program, there is no event
            await asyncio.sleep(0.01)
    assert not [one for one in seen if one["_ws.malformed"]]
    assert not [one for one in seen if str(ERROR) in one["_ws.expert.severity"]]


def told(seen: Seen, port: int, field: str, *, by_us: bool) -> list[str]:
    """Values of a field, in order, in the packets from or to a port."""
    return [
        value
        for one in seen
        if (one["tcp.srcport"] == [str(port)]) is by_us
        for value in one[field]
    ]


@pytest.mark.parametrize("door", ["fix42", "fix44"])
def test_tshark_reads_a_fix_session(door: str, tmp_path: Path) -> None:
    """Logon, order, report, logout: types and numbers as sent, every checksum good."""

    async def story(house: FixHouse) -> None:
        port = house.ports[door]
        async with watched(port, "fix") as seen:
            client = await house.fix_client("A-1", door)
            if door == "fix42":
                buy(client, "n1")
            else:
                client.send("D", (11, "n1"), (38, 4), (40, 2), (44, 100000), (54, 1), (55, "ST01"))
            await nth(client, 1)
            await client.close()
            await until(seen, lambda one: "5" in one["fix.MsgType"] and
                        one["tcp.srcport"] == [str(port)])  # fmt: skip
        assert told(seen, port, "fix.MsgType", by_us=False) == ["A", "D", "5"]
        assert told(seen, port, "fix.MsgSeqNum", by_us=False) == ["1", "2", "3"]
        ours = told(seen, port, "fix.MsgType", by_us=True)
        assert (ours[0], ours[-1]) == ("A", "5")
        assert ours.count("8") == 1
        numbers = told(seen, port, "fix.MsgSeqNum", by_us=True)
        assert numbers == [str(number) for number in range(1, len(ours) + 1)]
        assert told(seen, port, "fix.ClOrdID", by_us=True) == ["n1"]
        assert told(seen, port, "fix.ExecType", by_us=True) == ["0"]
        good = [value for one in seen for value in one["fix.checksum_good"]]
        assert good == ["1"] * (len(ours) + 3)

    play(tmp_path, story)


def test_tshark_reads_the_order_door(tmp_path: Path) -> None:
    """Frames of ours unmasked, the client's masked, and the close with its code."""

    async def story(house: FixHouse) -> None:
        port = house.orders_port
        async with watched(port, "http") as seen:
            wire = await house.wire("A-1")
            assert (await wire.ask("order.new", order()))["ok"]
            await wire.socket.close(4000)
            await until(seen, lambda one: one["websocket.payload.close.status_code"] and
                        one["tcp.srcport"] == [str(port)])  # fmt: skip
        assert told(seen, port, "websocket.opcode", by_us=False) == ["1", "1", "8"]
        assert set(told(seen, port, "websocket.mask", by_us=False)) == {"1"}
        opcodes = told(seen, port, "websocket.opcode", by_us=True)
        assert opcodes == ["1"] * (len(opcodes) - 1) + ["8"]
        assert set(told(seen, port, "websocket.mask", by_us=True)) == {"0"}
        assert told(seen, port, "websocket.payload.close.status_code", by_us=True) == ["4000"]

    play(tmp_path, story)


def soup_packets(capture: Path, port: int) -> list[dict[str, str]]:
    """Each SoupBinTCP packet of a capture, its fields by name: hexadecimal, or as tshark says it.

    The dissector guesses from a message's size whether it is Nasdaq's OUCH or ITCH; ours are not.
    """
    asked = [
        "tshark", "-n", "-r", str(capture), "-d", f"tcp.port=={port},soupbintcp", "-T", "pdml",
        "-J", "soupbintcp", "--disable-protocol", "ouch", "--disable-protocol", "itch",
    ]  # fmt: skip
    made = subprocess.run(asked, capture_output=True, timeout=60, check=True)
    return [
        {
            field.get("name", "").removeprefix("soupbintcp."): field.get("showname", "")
            if "seq_num" in field.get("name", "")
            else field.get("value", "")
            for field in packet.iter("field")
        }
        for packet in ET.fromstring(made.stdout).iter("proto")  # noqa: S314 - our tshark's
        if packet.get("name") == "soupbintcp"
    ]


@pytest.mark.parametrize("sequence", [1, 2_000])
def test_tshark_reads_a_whole_itch_day(sequence: int, tmp_path: Path) -> None:
    """Every packet of a generated day: its type, length, number and payload are those sent."""
    capture = tmp_path / "day.pcapng"

    async def story() -> tuple[int, list[bytes]]:
        async with at_a_port(generated(tmp_path / "run")) as day:
            await day.tell(0.6 if sequence > 1 else 0.1)
            async with watched(day.port, "soupbintcp", capture) as seen:
                reader, writer = await asyncio.open_connection("127.0.0.1", day.port)
                writer.write(soup.login("", "", "", sequence))
                reading = asyncio.create_task(reader.read(-1))
                await day.tell()
                async with asyncio.timeout(PATIENCE_S):
                    await reading
                writer.close()
                await until(seen, lambda one: "'Z'" in one["soupbintcp.packet_type"])
            return day.port, messages_of(day.log)[sequence - 1 :]

    port, sent = asyncio.run(story())
    assert len(sent) > 4_000
    asked, accepted, *sequenced, end = soup_packets(capture, port)
    assert asked["packet_type"] == b"L".hex()
    assert asked["req_seq_num"] == f"Requested sequence number: {sequence}"
    assert accepted["packet_type"] == b"A".hex()
    assert accepted["next_seq_num"] == f"Next sequence number: {sequence}"
    assert bytes.fromhex(accepted["session"]) == b"  20261124"
    expected = [
        {
            "packet_length": f"{len(message) + 1:04x}",
            "packet_type": b"S".hex(),
            "seq_num": f"Sequence number: {number} (Calculated)",
            "message": message.hex(),
        }
        for number, message in enumerate(sent, start=sequence)
    ]
    assert sequenced == expected
    assert end == {"packet_length": "0001", "packet_type": b"Z".hex()}
