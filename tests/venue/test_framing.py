"""RFC 6455 frame by frame: what a peer may do is understood, a breach has its close code.

The cases follow the sections of the RFC (5.2 frames, 5.4 fragments, 5.5 control frames, 7.4 close
codes, 8.1 text); bounds of our own and the opening are in test_sockets.py. Every case comes in one
piece and byte by byte, and while it is there another session is served.
"""

import json
from pathlib import Path

import pytest
from house import House, order, play
from line import LONG_MASK, Line, feed_line, frame_bytes, live_line, opening
from websockets.frames import Opcode

from venue import sockets
from venue.broadcast import FEED_PATH

pytestmark = pytest.mark.processes

TEXT, CONT, CLOSE = Opcode.TEXT, Opcode.CONT, Opcode.CLOSE
PING, PONG = Opcode.PING, Opcode.PONG
CLOSED, PONGED, TOLD = 0x88, 0x8A, 0x81
"""First bytes of the venue's frames."""

ASKED = b'{"req_id":"1","method":"\xe6\xa0\xaa"}'
"""A request that is read to its end and refused for its method, one character of three bytes."""

MIDDLE = ASKED.index(b"\xa0")
REQUEST = frame_bytes(TEXT, ASKED)
WAYS = pytest.mark.parametrize("bytewise", [False, True], ids=["one piece", "byte by byte"])


def code(number: int) -> bytes:
    """A close code as it is sent."""
    return number.to_bytes(2, "big")


async def say(line: Line, said: bytes, *, bytewise: bool) -> None:
    """Send bytes in one write or each in its own, with the venue reading in between."""
    if not bytewise:
        line.writer.write(said)
        return
    for place in range(len(said)):
        line.writer.write(said[place : place + 1])
        try:
            await line.writer.drain()
        except ConnectionError:
            return  # the venue has heard enough


async def until_closed(line: Line) -> tuple[list[tuple[int, bytes]], bytes]:
    """What the venue says until its close frame, and the close frame's payload; nothing follows."""
    heard = []
    while (frame := await line.heard())[0] != CLOSED:
        heard.append(frame)
    assert await line.rest() == b""
    return heard, frame[1]


async def answered(line: Line) -> None:
    """The request of this module was read to its end."""
    first, payload = await line.heard()
    answer = json.loads(payload)
    assert first == TOLD
    assert (answer["req_id"], answer["error"]["code"]) == ("1", "UNKNOWN_TYPE"), answer


async def served(house: House) -> None:
    """Another session has its request answered."""
    other = await house.wire("B-1")
    assert (await other.ask("whoami"))["ok"]
    await other.socket.close()


# --- breaches

BREACHES: dict[str, tuple[bytes, int]] = {
    **{
        f"reserved bits {bits:03b}": (frame_bytes(TEXT, b"{}", reserved=bits), 1002)
        for bits in range(1, 8)
    },
    "a reserved bit in a ping": (frame_bytes(PING, b"x", reserved=4), 1002),
    "a reserved bit in a continuation": (
        frame_bytes(TEXT, b"{", fin=False) + frame_bytes(CONT, b"}", reserved=4), 1002,
    ),
    "a reserved bit in a close": (frame_bytes(CLOSE, code(1000), reserved=1), 1002),
    **{f"opcode {number}": (frame_bytes(number, b"x"), 1002) for number in (3, 4, 5, 6, 7)},
    **{f"opcode {number}": (frame_bytes(number), 1002) for number in (11, 12, 13, 14, 15)},
    "a ping in fragments": (frame_bytes(PING, b"x", fin=False), 1002),
    "a pong in fragments": (frame_bytes(PONG, b"x", fin=False), 1002),
    "a close in fragments": (frame_bytes(CLOSE, code(1000), fin=False), 1002),
    "a pong too large": (frame_bytes(PONG, b"x" * 126), 1002),
    "a close too large": (frame_bytes(CLOSE, code(1000) + b"x" * 124), 1002),
    "a last fragment of nothing": (frame_bytes(CONT, b"}"), 1002),
    "a middle fragment of nothing": (frame_bytes(CONT, b"}", fin=False), 1002),
    "a binary message inside a text": (
        frame_bytes(TEXT, b"{", fin=False) + frame_bytes(Opcode.BINARY, b"}"), 1002,
    ),
    "a new message behind a ping inside a text": (
        frame_bytes(TEXT, b"{", fin=False) + frame_bytes(PING) + frame_bytes(TEXT, b"{}"), 1002,
    ),
    "a length beyond every memory": (frame_bytes(TEXT, length_bytes=8, length=2**62), 1009),
    "a length with the highest bit": (frame_bytes(TEXT, length_bytes=8, length=2**63), 1009),
    **{
        f"close code {number}": (frame_bytes(CLOSE, code(number)), 1002)
        for number in (0, 999, 1004, 1005, 1006, 1015, 1016, 1100, 2000, 2999, 5000, 65_535)
    },
    "a reason that is not UTF-8": (frame_bytes(CLOSE, code(1000) + b"\xff"), 1007),
    "a reason cut inside a character": (frame_bytes(CLOSE, code(1000) + b"\xe6\xa0"), 1007),
}  # fmt: skip


@WAYS
@pytest.mark.parametrize("name", BREACHES)
def test_a_breach_ends_its_connection_with_the_code_of_the_rfc(
    name: str, bytewise: bool, tmp_path: Path
) -> None:
    """At both doors; a request that came whole before it is still answered at the feed."""
    breach, expected = BREACHES[name]

    async def story(house: House) -> None:
        orders, feed = await live_line(house), await feed_line(house)
        await say(orders, breach, bytewise=bytewise)
        await say(feed, REQUEST + breach, bytewise=bytewise)
        await served(house)
        await answered(feed)
        for line in (orders, feed):
            heard, said = await until_closed(line)
            assert int.from_bytes(said[:2], "big") == expected
            assert {first for first, _ in heard} <= {PONGED}
        await house.quiet(lambda: not house.gateway._connections and not len(house.broadcaster))

    play(tmp_path, story)


def test_the_code_reaches_a_peer_that_is_still_sending(tmp_path: Path) -> None:
    """Megabytes on their way behind a breach do not reset the line before its close is read."""
    size = 2 * 1024 * 1024

    async def story(house: House) -> None:
        for line in (await live_line(house), await feed_line(house)):
            line.writer.write(frame_bytes(TEXT, length=size) + b"x" * size)
            first, said = await line.heard()
            assert (first, said[:2]) == (CLOSED, code(1009))
            await line.writer.drain()
            assert await line.reader.read(-1) == b"", "a reset would have been an error"
            line.hang_up()
        await served(house)

    play(tmp_path, story)


def test_who_does_not_end_the_line_behind_a_breach_is_cut_off(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The peer has its time to read the code, and no more."""
    monkeypatch.setattr(sockets, "_CLOSE_WAIT_S", 0.05)

    async def story(house: House) -> None:
        line = await live_line(house)
        line.writer.write(frame_bytes(3))
        assert (await line.heard())[1][:2] == code(1002)
        await house.quiet(lambda: house.connections[0]._transport is None)
        line.hang_up()

    play(tmp_path, story)


@WAYS
@pytest.mark.parametrize(
    "parts",
    [
        [b'{"method":"\xc0\xaf"}'],
        [b'{"method":"\xed\xa0\x80"}'],
        [b'{"method":"\xf4\x90\x80\x80"}'],
        [b'{"method":"\x80"}'],
        [b'{"method":"\xe6\xa0'],
        [b'{"method":"\xe6', b'\xa0"}'],
        [b'{"method":"\xe6\xa0', b"", b"\xc3"],
    ],
    ids=[
        "an overlong slash", "a surrogate", "beyond Unicode", "a lone continuation", "cut short",
        "cut short over fragments", "broken over fragments",
    ],
)  # fmt: skip
def test_text_that_is_not_utf8_is_said_to_be_and_ends_the_connection(
    parts: list[bytes], bytewise: bool, tmp_path: Path
) -> None:
    """INVALID_TEXT and 1007, when the message is whole."""

    async def story(house: House) -> None:
        for line in (await live_line(house), await feed_line(house)):
            for place, part in enumerate(parts):
                frame = frame_bytes(
                    CONT if place else TEXT, part, fin=place == len(parts) - 1, mask=LONG_MASK
                )
                await say(line, frame, bytewise=bytewise)
            first, told = await line.heard()
            assert first == TOLD
            assert json.loads(told)["error"]["code"] == "INVALID_TEXT"
            first, said = await line.heard()
            assert (first, said[:2]) == (CLOSED, code(1007))
            line.writer.write(frame_bytes(CLOSE, said[:2]))
            assert await line.rest() == b""
        await served(house)

    play(tmp_path, story)


# --- what is allowed


ALLOWED: dict[str, bytes] = {
    "one frame": REQUEST,
    "another mask": frame_bytes(TEXT, ASKED, mask=LONG_MASK),
    "a length of two bytes where none is needed": frame_bytes(TEXT, ASKED, length_bytes=2),
    "a length of eight bytes where none is needed": frame_bytes(TEXT, ASKED, length_bytes=8),
    "fragments cut inside a character": (
        frame_bytes(TEXT, ASKED[:MIDDLE], fin=False, mask=LONG_MASK)
        + frame_bytes(CONT, ASKED[MIDDLE:], mask=LONG_MASK)
    ),
    "empty fragments": (
        frame_bytes(TEXT, fin=False)
        + frame_bytes(CONT, ASKED, fin=False)
        + frame_bytes(CONT, fin=False)
        + frame_bytes(CONT)
    ),
    "pongs nobody asked for": (
        frame_bytes(PONG)
        + frame_bytes(TEXT, ASKED[:9], fin=False)
        + frame_bytes(PONG, b"x" * 125)
        + frame_bytes(CONT, ASKED[9:])
    ),
}


@WAYS
@pytest.mark.parametrize("name", ALLOWED)
def test_a_message_is_understood_however_it_is_framed(
    name: str, bytewise: bool, tmp_path: Path
) -> None:
    """Twice on one line, so nothing of the first is left in the way of the second.

    The RFC wants a sender to use the shortest length; it leaves the receiver free, and we take any.
    """

    async def story(house: House) -> None:
        line = await feed_line(house)
        for _ in range(2):
            await say(line, ALLOWED[name], bytewise=bytewise)
            await answered(line)
        await served(house)
        line.hang_up()

    play(tmp_path, story)


@WAYS
@pytest.mark.parametrize("data", [b"", b"x", b"\xff\x00" * 62 + b"\xff"], ids=["0", "1", "125"])
def test_a_ping_is_answered_with_its_own_bytes(data: bytes, bytewise: bool, tmp_path: Path) -> None:
    """At once, also while a message is half said."""

    async def story(house: House) -> None:
        line = await feed_line(house)
        line.writer.write(frame_bytes(TEXT, ASKED[:5], fin=False))
        await say(line, frame_bytes(PING, data, mask=LONG_MASK), bytewise=bytewise)
        assert await line.heard() == (PONGED, data)
        line.writer.write(frame_bytes(CONT, ASKED[5:]))
        await answered(line)
        line.hang_up()

    play(tmp_path, story)


def test_a_thousand_pings_have_a_thousand_pongs_in_order(tmp_path: Path) -> None:
    """In one write; a request behind them is answered after them or before, and others are served."""

    async def story(house: House) -> None:
        line = await live_line(house)
        line.writer.write(b"".join(frame_bytes(PING, b"%d" % number) for number in range(1_000)))
        await served(house)
        for number in range(1_000):
            assert await line.heard() == (PONGED, b"%d" % number)
        line.writer.write(frame_bytes(CLOSE))
        assert await until_closed(line) == ([], b"")

    play(tmp_path, story)


def test_half_a_frame_and_then_silence_holds_up_nobody(tmp_path: Path) -> None:
    """A line for every byte it may be cut at: others are served, and the rest is still understood."""

    async def story(house: House) -> None:
        lines = [await feed_line(house) for _ in range(1, len(REQUEST))]
        for cut, line in enumerate(lines, start=1):
            line.writer.write(REQUEST[:cut])
        await served(house)
        for cut, line in enumerate(lines, start=1):
            line.writer.write(REQUEST[cut:])
            await answered(line)
            line.hang_up()

    play(tmp_path, story)


# --- the end


@WAYS
@pytest.mark.parametrize(
    "payload",
    [
        b"",
        *(code(one) for one in (*range(1000, 1004), *range(1007, 1015), 3000, 3999, 4000, 4999)),
        code(1000) + "理由".encode(),
        code(1000) + b"x" * 123,
    ],
    ids=lambda said: f"{int.from_bytes(said[:2], 'big')} {len(said)}",
)
def test_a_good_close_comes_back_as_it_was(payload: bytes, bytewise: bool, tmp_path: Path) -> None:
    """A request before it is answered, nothing behind it is: no pong, no second close."""
    behind = frame_bytes(PING, b"x") + REQUEST + frame_bytes(CLOSE, code(1001))

    async def story(house: House) -> None:
        line = await feed_line(house)
        await say(line, REQUEST + frame_bytes(CLOSE, payload) + behind, bytewise=bytewise)
        await answered(line)
        assert await until_closed(line) == ([], payload)
        await served(house)

    play(tmp_path, story)


@WAYS
def test_a_close_may_come_inside_a_message(bytewise: bool, tmp_path: Path) -> None:
    """As any control frame; the half message is forgotten, and it is a good close."""

    async def story(house: House) -> None:
        line = await feed_line(house)
        said = frame_bytes(TEXT, ASKED, fin=False) + frame_bytes(CLOSE, code(1000))
        await say(line, said + frame_bytes(CONT), bytewise=bytewise)
        assert await until_closed(line) == ([], code(1000))

    play(tmp_path, story)


@WAYS
def test_a_pong_does_not_wait_for_the_message_around_its_ping(
    bytewise: bool, tmp_path: Path
) -> None:
    """Pong, answer, close: in this order however the bytes arrive."""

    async def story(house: House) -> None:
        line = await feed_line(house)
        said = frame_bytes(TEXT, ASKED[:9], fin=False) + frame_bytes(PING, b"?")
        said += frame_bytes(CONT, ASKED[9:]) + frame_bytes(CLOSE)
        await say(line, said, bytewise=bytewise)
        assert await line.heard() == (PONGED, b"?")
        await answered(line)
        assert await until_closed(line) == ([], b"")

    play(tmp_path, story)


@WAYS
@pytest.mark.parametrize(
    "end", [frame_bytes(CLOSE, code(1000)), frame_bytes(3)], ids=["close", "breach"]
)
def test_an_order_before_the_end_is_taken_however_the_bytes_arrive(
    end: bytes, bytewise: bool, tmp_path: Path
) -> None:
    """Whether the network put order and close into one packet must not decide about a trade."""

    async def story(house: House) -> None:
        await house.open()
        wire = await house.wire()
        await wire.logon("A-1", cancel_on_disconnect={"mode": "off"})
        asked = json.dumps(wire.request("order.new", order())).encode()
        said = frame_bytes(TEXT, asked) + end
        pieces = [said[place : place + 1] for place in range(len(said))] if bytewise else [said]
        for piece in pieces:
            wire.socket.transport.write(piece)
            await house.quiet(lambda: True)
        await wire.to_the_end()
        await house.quiet(lambda: not house.session("A-1").live)
        assert len(house.open_orders()) == 1

    play(tmp_path, story)


def test_a_request_may_come_in_one_packet_with_the_opening(tmp_path: Path) -> None:
    """The line is open as soon as the venue says so, whatever was sent before."""

    async def story(house: House) -> None:
        first = opening(FEED_PATH).encode() + b"\r\n" + REQUEST
        line = await Line.to(house, first, port=house.feed_port)
        await line.upgraded()
        await answered(line)
        line.hang_up()

    play(tmp_path, story)


@pytest.mark.parametrize(
    "behind", [frame_bytes(3), frame_bytes(CLOSE, code(1000))], ids=["breach", "close"]
)
def test_an_opening_that_ends_itself_leaves_nothing(behind: bytes, tmp_path: Path) -> None:
    """Opening and end in one packet: the line is closed, and nobody else notices."""

    async def story(house: House) -> None:
        first = opening(FEED_PATH).encode() + b"\r\n" + behind
        line = await Line.to(house, first, port=house.feed_port)
        assert await line.rest() == b""
        await house.quiet(lambda: not len(house.broadcaster))
        await served(house)

    play(tmp_path, story)
