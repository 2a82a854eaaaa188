"""The door of the Kraken-shaped feed: sockets to readers, the sequencer's turns to news.

Purpose: see feeds/kraken.py. Messages leave after the turn's sync, as everywhere. Whoever does not read is cut off once a
megabyte waits for him, and starts anew with a snapshot. Anybody may connect, so subscribers and requests are bounded as
on the venue's own feed (broadcast.py).
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, Final

import msgspec

from feeds.kraken import Reader, heartbeat
from feeds.market_data import MarketData
from feeds.wire import Channel
from market.quantities import TimeNs
from market.reasons import RejectReason
from participants.throttle import FLOOD
from venue.broadcast import REQUEST_BYTES_MAX, SUBSCRIBERS_MAX, request_throttle
from venue.seams import real_ns, wall_ns
from venue.sequencer import Published, Sequencer
from venue.settings import ServerSettings
from venue.sockets import Connection, text_frame

KRAKEN_PATH: Final = "/ws/v2"
BEHIND_BYTES_MAX: Final = 1024 * 1024
_TRY_AGAIN_LATER: Final = 1013
_GOING_AWAY: Final = 1001

Listen = Callable[[Callable[[], asyncio.Protocol], str, int], Awaitable[asyncio.Server]]
"""Opens a port: what to make for a connection, the setting's name, the port."""


class KrakenConnection:
    """One reader and its socket."""

    def __init__(
        self,
        connection: Connection,
        reader: Reader,
        number: int,
        forget: Callable[["KrakenConnection"], None],
    ) -> None:
        self.connection = connection
        self.reader = reader
        self._number = number
        self._forget = forget
        self._throttle = request_throttle()

    def opened(self) -> None:
        """Greet."""
        self.send([self.reader.hello(self._number)])

    def received(self, payload: bytes, *, text: bool) -> None:
        """Answer one request; what comes too fast is left unanswered, a flood ends it."""
        wait_ms = self._throttle.take(real_ns())
        if wait_ms == FLOOD or not text:
            self.connection.close(_TRY_AGAIN_LATER, RejectReason.THROTTLED.value)
        elif not wait_ms:
            self.send(self.reader.receive(payload, TimeNs(wall_ns())))

    def closed(self) -> None:
        """Drop the reader."""
        self._forget(self)

    def send(self, messages: list[bytes]) -> None:
        """One write; a reader too far behind is cut off."""
        if messages:
            self.connection.send_frames(b"".join([text_frame(one) for one in messages]))
        if self.connection.buffered_bytes > BEHIND_BYTES_MAX:
            self.connection.close(_TRY_AGAIN_LATER, RejectReason.SLOW_CONSUMER.value)


class KrakenDoor:
    """Every reader of this feed.

    Attributes:
        addresses: Where it listens, under its name; empty while it is shut.
    """

    def __init__(self, feeds: MarketData) -> None:
        self._feeds = feeds
        self._connections: list[KrakenConnection] = []
        self._count = 0
        self._server: asyncio.Server | None = None
        self.addresses: dict[str, str] = {}

    async def open(self, settings: ServerSettings, sequencer: Sequencer, listen: Listen) -> None:
        """Listen, unless the settings keep the door shut."""
        if settings.kraken_port < 0:
            return
        origins = settings.allowed_origins
        self._server = await listen(
            lambda: Connection(
                KRAKEN_PATH,
                self.handler,
                message_bytes_max=REQUEST_BYTES_MAX,
                allowed_origins=origins,
            ),
            "kraken_port",
            settings.kraken_port,
        )
        port = self._server.sockets[0].getsockname()[1]
        self.addresses["kraken"] = f"ws://{settings.host}:{port}{KRAKEN_PATH}"
        sequencer.listen(self.publish)

    def handler(self, connection: Connection) -> KrakenConnection:
        """A reader for a new connection."""
        self._count += 1
        made = KrakenConnection(connection, Reader(self._feeds), self._count, self._forget)
        self._connections.append(made)
        if len(self._connections) > SUBSCRIBERS_MAX:
            connection.close(_TRY_AGAIN_LATER, RejectReason.BUSY.value)
        return made

    def _forget(self, connection: KrakenConnection) -> None:
        self._connections = [kept for kept in self._connections if kept is not connection]

    def publish(self, published: Published) -> None:
        """Tell a turn's news to everyone who wants them."""
        if not published.messages or not self._connections:
            return
        changed: dict[str, dict[Channel, None]] = {}
        trades: dict[str, list[Any]] = {}
        for message in published.messages:
            changed.setdefault(message.instrument_id, {})[message.channel] = None
            if message.channel is Channel.TRADES:
                told = msgspec.json.decode(message.payload)
                if told["data"]["action"] == "trade":
                    trades.setdefault(message.instrument_id, []).append(
                        (told["at_ns"], told["data"])
                    )
        changed.pop("", None)
        for connection in self._connections:
            connection.send(connection.reader.news(changed, trades))

    def heartbeat(self) -> None:
        """Once a second, to everyone with a subscription."""
        for connection in self._connections:
            if connection.reader.wants_heartbeat:
                connection.send([heartbeat()])

    def halt(self) -> None:
        """The venue ends."""
        if self._server is not None:
            self._server.close()
        for connection in list(self._connections):
            connection.connection.close(_GOING_AWAY, "")
