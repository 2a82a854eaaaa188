"""A connection keeps the websocket protocol, its bounds, and its troubles to itself."""

import asyncio
from pathlib import Path
from typing import Any

import pytest
from house import PATIENCE_S, House, play, small_socket, squeeze
from line import GOOD_REQUEST, Line, close_frame, frame_bytes, live_line
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.frames import Frame, Opcode
from websockets.typing import Origin

from market.ids import ParticipantId
from venue import sockets
from venue.gateway import ORDERS_PATH

pytestmark = pytest.mark.processes

# --- the opening


@pytest.mark.parametrize(
    ("first", "status"),
    [
        (GOOD_REQUEST.replace(ORDERS_PATH, "/ws/v2/orders") + "\r\n", b"404"),
        (GOOD_REQUEST.replace(ORDERS_PATH, "/") + "\r\n", b"404"),
        (f"GET {ORDERS_PATH} HTTP/1.1\r\nHost: x\r\n\r\n", b"426"),
        (GOOD_REQUEST.replace("Version: 13", "Version: 8") + "\r\n", b"400"),
        (GOOD_REQUEST + "Origin: https://elsewhere.example\r\n\r\n", b"403"),
    ],
    ids=["another version", "another path", "no upgrade", "old protocol", "a foreign origin"],
)
def test_an_opening_that_is_not_ours_is_refused_over_http(
    first: str, status: bytes, tmp_path: Path
) -> None:
    """With the plain HTTP status, and the line ends."""

    async def story(house: House) -> None:
        said = await (await Line.to(house, first.encode())).rest()
        assert said.startswith(b"HTTP/1.1 " + status)
        assert house.gateway._connections == {}

    play(tmp_path, story)


@pytest.mark.parametrize(
    "first",
    [b"\x16\x03\x01\x02\x00\x01", b"GET", b"POST / HTTP/1.1\r\n\r\n", b"A" * 20_000],
    ids=["TLS", "half a word", "a POST", "no end of line"],
)
def test_what_is_no_opening_ends_the_line(first: bytes, tmp_path: Path) -> None:
    """Garbage costs its sender the line and nobody else anything."""

    async def story(house: House) -> None:
        line = await Line.to(house, first)
        line.writer.write_eof()
        await line.rest()
        assert house.gateway._connections == {}
        assert (await (await house.wire("A-1")).ask("whoami"))["ok"]

    play(tmp_path, story)


def test_a_path_may_carry_a_query_and_an_allowed_origin_may_come(tmp_path: Path) -> None:
    """Pages on the list are let in; others get 403, programs name no origin."""

    async def story(house: House) -> None:
        allowed = await connect(f"{house.orders_url}?x=1", origin=Origin("https://page.example"))
        assert "hello" in str(await allowed.recv())
        with pytest.raises(InvalidStatus) as refused:
            await connect(house.orders_url, origin=Origin("https://page.example.evil"))
        assert refused.value.response.status_code == 403
        await allowed.close()

    play(tmp_path, story, origins=("https://page.example",))


@pytest.mark.parametrize("first", [b"", b"GET /ws/v1/orders HTTP/1.1\r\nHost: "])
def test_who_does_not_finish_the_opening_is_cut_off(
    first: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A silent or dripping line has a few seconds, like everybody."""
    monkeypatch.setattr(sockets, "_OPENING_S_MAX", 0.05)

    async def story(house: House) -> None:
        line = await Line.to(house, first)
        assert await line.rest() == b""
        assert house.connections[0]._transport is None

    play(tmp_path, story)


def test_an_opening_in_time_may_then_take_its_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The bound is on the opening, not on the life of the connection."""
    monkeypatch.setattr(sockets, "_OPENING_S_MAX", 0.05)

    async def story(house: House) -> None:
        wire = await house.wire("A-1")
        await asyncio.sleep(0.1)
        assert (await wire.ask("ping"))["ok"]

    play(tmp_path, story)


# --- frames


@pytest.mark.parametrize("size", [0, 1, 125, 126, 127, 65_535, 65_536, 200_000])
def test_a_frame_made_by_hand_is_the_librarys(size: int) -> None:
    """Byte for byte, around every change of the length's form."""
    payload = b"x" * size
    assert sockets.text_frame(payload) == Frame(Opcode.TEXT, payload).serialize(mask=False)


def test_a_message_may_come_in_fragments(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Up to eight, with a ping in between; one message is understood."""
    monkeypatch.setattr(sockets, "_CLOSE_WAIT_S", 0.05)

    async def story(house: House) -> None:
        line = await live_line(house)
        line.frame(Opcode.TEXT, b'{"met', fin=False)
        line.frame(Opcode.PING, b"now?")
        for part in (b'hod"', b":", b'"ping",', b'"req_', b'id":"1"'):
            line.frame(Opcode.CONT, part, fin=False)
        line.frame(Opcode.CONT, b"}")
        said = await line.rest()
        assert b"\x8a\x04now?" in said  # the pong
        assert b"NOT_LOGGED_ON" in said

    play(tmp_path, story)


@pytest.mark.parametrize(
    ("frames", "code"),
    [
        ([(Opcode.TEXT, b"x", False)] + [(Opcode.CONT, b"", False)] * 8, 1009),
        ([(Opcode.TEXT, b"x" * 4097, True)], 1009),
        ([(Opcode.TEXT, b"x" * 4000, False), (Opcode.CONT, b"x" * 97, True)], 1009),
        ([(Opcode.CONT, b"x", True)], 1002),
        ([(Opcode.TEXT, b"x", False), (Opcode.TEXT, b"x", True)], 1002),
        ([(Opcode.PING, b"x" * 126, True)], 1002),
        ([(Opcode.CLOSE, b"\x03", True)], 1002),
    ],
    ids=[
        "nine fragments", "a frame too large", "fragments too large together",
        "a fragment of nothing", "a message inside another", "a ping too large", "half a code",
    ],
)  # fmt: skip
def test_broken_frames_end_the_connection_with_their_code(
    frames: list[tuple[Opcode, bytes, bool]], code: int, tmp_path: Path
) -> None:
    """The close frame is the one answer; the session hears of nothing but the end."""

    async def story(house: House) -> None:
        digest = house.core.digest()
        line = await live_line(house)
        for opcode, data, fin in frames:
            try:
                line.writer.write(frame_bytes(opcode, data, fin=fin))
            except ConnectionResetError:
                break
        assert close_frame(await line.rest())[0] == code
        await house.quiet(lambda: not house.gateway._connections)
        assert house.core.digest() == digest
        assert (await (await house.wire("A-1")).ask("whoami"))["ok"]

    play(tmp_path, story)


def test_a_frame_without_mask_is_a_breach(tmp_path: Path) -> None:
    """Clients mask; who does not is closed with 1002."""

    async def story(house: House) -> None:
        line = await live_line(house)
        line.frame(Opcode.TEXT, b"{}", mask=False)
        assert close_frame(await line.rest())[0] == 1002

    play(tmp_path, story)


def test_text_that_is_not_utf8_is_invalid(tmp_path: Path) -> None:
    """Before logon and live: INVALID_TEXT and 1007."""

    async def story(house: House) -> None:
        for session_id in (None, "A-1"):
            wire = await house.wire(session_id)
            await wire.socket.send(b'{"method":"\xff"}', text=True)
            assert (await wire.receive())["error"]["code"] == "INVALID_TEXT"
            assert await wire.closed() == (1007, "INVALID_TEXT")

    play(tmp_path, story)


def test_one_frame_too_large_of_a_live_session_closes_it_in_the_journal(tmp_path: Path) -> None:
    """4,096 bytes are read, one more is 1009; the generation ends as with any loss."""

    async def story(house: House) -> None:
        wire = await house.wire("A-1")
        await wire.say("x" * 4096)
        assert (await wire.receive())["error"]["code"] == "MALFORMED"
        await wire.say("x" * 4097)
        assert (await wire.closed())[0] == 1009
        await house.quiet(lambda: not house.session("A-1").live)

    play(tmp_path, story)


# --- the end


def test_a_close_is_answered_and_the_handler_told_once(tmp_path: Path) -> None:
    """The peer's code comes back, the session is closed, nothing is left behind."""

    async def story(house: House) -> None:
        wire = await house.wire("A-1")
        await wire.socket.close(4999, "enough")
        assert wire.socket.close_code == 4999
        await house.quiet(lambda: not house.session("A-1").live)
        assert house.gateway._connections == {}
        assert house.gateway._live == {}
        assert house.connections[0]._transport is None

    play(tmp_path, story)


def test_a_peer_that_does_not_answer_a_close_is_cut_off(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After the waiting time the line ends, whether the peer reads or not."""
    monkeypatch.setattr(sockets, "_CLOSE_WAIT_S", 0.05)

    async def story(house: House) -> None:
        line = await live_line(house)
        line.frame(Opcode.TEXT, b"hello?")
        said = await line.rest()
        assert b"MALFORMED" in said
        await house.quiet(lambda: house.connections[0]._transport is None)

    play(tmp_path, story)


def test_a_line_cut_in_the_middle_of_a_frame_ends_quietly(tmp_path: Path) -> None:
    """Half a frame, then nothing: the session ends, the venue serves on."""

    async def story(house: House) -> None:
        line = await live_line(house)
        line.writer.write(b"\x81\xfe\x0f")
        line.writer.transport.abort()
        await house.quiet(lambda: not house.gateway._connections)
        assert (await (await house.wire("A-1")).ask("whoami"))["ok"]

    play(tmp_path, story)


def test_who_does_not_read_is_not_read_either(tmp_path: Path) -> None:
    """A flood of pings from a peer that ignores the pongs fills a bounded buffer only."""

    async def story(house: House) -> None:
        line = await live_line(house, sock=small_socket(house.orders_port))
        connection = house.connections[0]
        squeeze(connection)
        line.writer.transport.pause_reading()  # type: ignore[attr-defined]
        flood = Frame(Opcode.PING, b"p" * 125).serialize(mask=True) * 500
        for _ in range(100):
            line.writer.write(flood)
        await house.quiet(lambda: not connection._transport.is_reading())  # type: ignore[union-attr]
        await asyncio.sleep(0.05)
        assert connection.buffered_bytes < 2 * sockets._UNSENT_BYTES_HIGH
        assert (await (await house.wire("A-1")).ask("whoami"))["ok"]

        line.writer.transport.resume_reading()  # type: ignore[attr-defined]
        async with asyncio.timeout(PATIENCE_S):
            got = 0
            while got < 100 * 500 * 127:
                got += len(await line.reader.read(2**16))
        line.writer.transport.abort()

    play(tmp_path, story)


def test_a_defect_of_ours_ends_one_connection_and_is_reported(tmp_path: Path) -> None:
    """1011 for the one whose message could not be handled; the loop is told, others go on."""

    async def story(house: House) -> None:
        told: list[dict[str, Any]] = []
        asyncio.get_running_loop().set_exception_handler(lambda _, what: told.append(what))
        other = await house.wire("B-1")
        wire = await house.wire("A-1")
        (mine,) = [one for one in house.gateway._connections if one.session_id == "A-1"]
        mine.session._act = None  # type: ignore[assignment]
        await wire.say(wire.request("whoami"))
        assert await wire.closed() == (1011, "INTERNAL")
        assert isinstance(told[0]["exception"], TypeError)
        assert (await other.ask("whoami"))["ok"]
        await house.quiet(lambda: not house.session("A-1").live)

    play(tmp_path, story)


def test_messages_behind_a_close_are_ignored(tmp_path: Path) -> None:
    """What a client pipelined behind its last word has no answer and no effect."""

    async def story(house: House) -> None:
        wire = await house.wire("A-1")
        frames = b"".join(
            Frame(Opcode.TEXT, text).serialize(mask=True)
            for text in (
                b'{"method":"logout","req_id":"1","seq":1}',
                b'{"method":"kill","req_id":"2","seq":2}',
            )
        )
        wire.socket.transport.write(frames)
        assert (await wire.receive())["method"] == "logout"
        assert await wire.closed() == (1000, "")
        assert not house.core.participants.firms[ParticipantId("FIRM-A")].killed

    play(tmp_path, story)


def test_a_server_stopping_in_the_middle_of_a_message_says_so(tmp_path: Path) -> None:
    """1001 for everybody when the venue ends in order."""

    async def story(house: House) -> None:
        wire, fresh = await house.wire("A-1"), await house.wire()
        feed = await house.subscriber({"name": "status"})
        await feed.receive()
        house.gateway.finish()
        house.gateway.halt(None)
        house.broadcaster.halt()
        for one in (wire, fresh, feed):
            with pytest.raises(ConnectionClosed) as end:
                await one.receive()
            assert end.value.rcvd is not None
            assert end.value.rcvd.code == 1001

    play(tmp_path, story)
