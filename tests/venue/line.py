"""A bare TCP line to a websocket door, for bytes no library would send."""

import asyncio
import base64
from typing import Any

from house import PATIENCE_S, House
from websockets.frames import Frame, Opcode

from venue.broadcast import FEED_PATH
from venue.gateway import ORDERS_PATH

PLAIN_MASK = b"\0\0\0\0"
LONG_MASK = b"\x37\xfa\x21\x3d"


def opening(path: str) -> str:
    """An opening request but for the empty line that ends it."""
    return (
        f"GET {path} HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        f"Sec-WebSocket-Key: {base64.b64encode(b'k' * 16).decode()}\r\nSec-WebSocket-Version: 13\r\n"
    )


GOOD_REQUEST = opening(ORDERS_PATH)


class Line:
    """A connection seen byte by byte."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    @classmethod
    async def to(cls, house: House, first: bytes = b"", **how: Any) -> "Line":
        """Connect and send the first bytes."""
        if "sock" not in how:
            how = {"host": "127.0.0.1", "port": house.orders_port} | how
        line = cls(*await asyncio.open_connection(**how))
        line.writer.write(first)
        return line

    async def upgraded(self) -> None:
        """Read the answer to the opening and the hello behind it."""
        async with asyncio.timeout(PATIENCE_S):
            head = await self.reader.readuntil(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 101 ")
        assert b'"hello"' in (await self.heard())[1]

    def frame(self, opcode: Opcode, data: bytes, *, fin: bool = True, mask: bool = True) -> None:
        """Send one frame."""
        self.writer.write(Frame(opcode, data, fin=fin).serialize(mask=mask))

    async def heard(self) -> tuple[int, bytes]:
        """First byte and payload of the venue's next frame, which has to be unmasked."""
        async with asyncio.timeout(PATIENCE_S):
            first, size = await self.reader.readexactly(2)
            assert size < 128, "a server does not mask"
            if size == 126:
                size = int.from_bytes(await self.reader.readexactly(2), "big")
            elif size == 127:
                size = int.from_bytes(await self.reader.readexactly(8), "big")
            return first, await self.reader.readexactly(size)

    async def rest(self) -> bytes:
        """Everything until the venue ends the line."""
        async with asyncio.timeout(PATIENCE_S):
            try:
                return await self.reader.read(-1)
            except ConnectionResetError:
                return b""
            finally:
                self.writer.close()

    def hang_up(self) -> None:
        """Cut the line from this side."""
        self.writer.transport.abort()


async def live_line(house: House, **how: Any) -> Line:
    """A bare line to the order door, upgraded."""
    line = await Line.to(house, GOOD_REQUEST.encode() + b"\r\n", **how)
    await line.upgraded()
    return line


async def feed_line(house: House) -> Line:
    """A bare line to the feed, upgraded; its requests are answered at once."""
    line = await Line.to(house, opening(FEED_PATH).encode() + b"\r\n", port=house.feed_port)
    await line.upgraded()
    return line


def frame_bytes(
    opcode: int,
    data: bytes = b"",
    *,
    fin: bool = True,
    reserved: int = 0,
    mask: bytes = PLAIN_MASK,
    length_bytes: int | None = None,
    length: int | None = None,
) -> bytes:
    """Bytes of a client's frame, also of one a library would refuse to make.

    ``length_bytes`` is the size of the length's form (0, 2, 8), ``length`` what it says.
    """
    length = len(data) if length is None else length
    if length_bytes is None:
        length_bytes = 0 if length <= 125 else 2 if length < 2**16 else 8
    head = bytes([(0x80 if fin else 0) | reserved << 4 | opcode])
    said = {0: length, 2: 126, 8: 127}[length_bytes]
    long = length.to_bytes(length_bytes, "big") if length_bytes else b""
    masked = bytes(byte ^ mask[place % 4] for place, byte in enumerate(data))
    return head + bytes([0x80 | said]) + long + mask + masked


def close_frame(said: bytes) -> tuple[int, str]:
    """Code and reason of the close frame that ends what the venue said."""
    assert said[0] == 0x88, said
    return int.from_bytes(said[2:4], "big"), said[4:].decode()
