"""A reader of the ITCH door: one day from its first message to its last, with the book it makes.

It believes only the bytes: numbers come from the login and from counting, the book from the
messages. The demonstration's subscriber; also an example of how little a feed handler needs.
"""

import asyncio
from typing import Final

from feeds import itch, soup
from market.errors import BadInput, KitahamaError

_AGAIN_S: Final = 0.05
_BEAT_S: Final = 1.0
_PACKET_S_MAX: Final = 60.0


class ItchReader:
    """What one reader knows.

    Attributes:
        session: The day it reads.
        next_sequence: The number of the next message.
        orders: Open units by order number.
        trades: Match numbers seen.
    """

    def __init__(self) -> None:
        self.session = ""
        self.next_sequence = 1
        self.orders: dict[int, int] = {}
        self.trades: set[int] = set()
        self._profile = itch.START_12

    def read(self, message: bytes) -> None:
        """Take one message in.

        Raises:
            BadInput: When it is none of the protocol's.
            KitahamaError: When it speaks of an order that was never told.
        """
        self.next_sequence += 1
        said = itch.decode(message, self._profile)
        match said:
            case itch.Directory():
                equities = said.price_decimals == itch.EQUITIES_22.price_decimals
                self._profile = itch.EQUITIES_22 if equities else itch.START_12
            case itch.OrderAdded():
                if said.order_number != itch.REFERENCE_ORDER_NUMBER:
                    self.orders[said.order_number] = said.quantity_units
            case itch.OrderExecuted():
                self.trades.add(said.match_number)
                left = self._take(said.order_number) - said.executed_units
                if left:
                    self.orders[said.order_number] = left
            case itch.OrderExecutedAtLimit():
                self.trades.add(said.match_number)
                left = self._take(said.order_number) - said.executed_units
                if left:
                    self.orders[said.order_number] = left
            case itch.OrderDeleted():
                self._take(said.order_number)
            case itch.OrderReplaced():
                self._take(said.old_order_number)
                self.orders[said.order_number] = said.quantity_units
            case _:
                pass

    def _take(self, order_number: int) -> int:
        if order_number not in self.orders:
            raise KitahamaError(f"order {order_number} was never told")
        return self.orders.pop(order_number)


async def read_day(host: str, port: int, *, username: str = "", password: str = "") -> ItchReader:
    """Log in from 1 and read until the day's session ends.

    Raises:
        BadInput: When the login is refused, or the bytes are not the protocol's.
        ConnectionError: When the venue goes away first.
    """
    known = ItchReader()
    while True:
        reader, writer = await asyncio.open_connection(host, port)
        try:
            writer.write(soup.login(username, password, known.session, known.next_sequence))
            first = await _packet(reader)
            if first.kind == b"A":
                known.session = first.payload[:10].decode("ascii").strip()
                beating = asyncio.create_task(_beat(writer))
                try:
                    return await _to_the_end(known, reader)
                finally:
                    beating.cancel()
            if first.payload != soup.SESSION_NOT_AVAILABLE:
                raise BadInput("the login was refused: not authorised")
        finally:
            writer.close()
        await asyncio.sleep(_AGAIN_S)  # no day has opened yet


async def _beat(writer: asyncio.StreamWriter) -> None:
    """Say once a second that somebody is there, whatever the venue is saying."""
    while True:
        await asyncio.sleep(_BEAT_S)
        writer.write(soup.packet(b"R"))


async def _to_the_end(known: ItchReader, reader: asyncio.StreamReader) -> ItchReader:
    while True:
        packet = await _packet(reader)
        if packet.kind == b"S":
            known.read(packet.payload)
        elif packet.kind == b"Z":
            return known


async def _packet(reader: asyncio.StreamReader) -> soup.Packet:
    try:
        async with asyncio.timeout(_PACKET_S_MAX):
            head = await reader.readexactly(2)
            body = await reader.readexactly(int.from_bytes(head))
    except asyncio.IncompleteReadError as gone:
        raise ConnectionError("the venue went away") from gone
    return soup.Packet(body[:1], body[1:])
