"""The composition root: puts journal, core, sequencer and doors together and lets them run.

Starting: lock and verify the journal, replay it, close the sessions that died with the last
process, open the doors, say where they are (``ready.json``), let the days pass. Ending: after the
last day, on Ctrl-C or SIGTERM, or when the journal fails; the doors close, the queue is finished.
"""

import asyncio
import contextlib
import gc
import json
import signal
import socket
import ssl
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Final

import uvicorn

from market.business_days import at_jst
from market.errors import BadInput
from market.quantities import TimeNs
from matching.books import DEFAULT
from participants.session import SessionSettings
from participants.wire import FRAME_BYTES_MAX
from venue.api import create_api
from venue.broadcast import FEED_PATH, REQUEST_BYTES_MAX, Broadcaster
from venue.conductor import conduct
from venue.core import Core
from venue.fix_acceptor import server_tls
from venue.fix_doors import FixDoors
from venue.gateway import ORDERS_PATH, Gateway
from venue.itch_door import ItchDoor
from venue.journal import Journal
from venue.kraken_door import KrakenDoor
from venue.ouch_doors import OuchDoors
from venue.recovery import recover
from venue.renewals import QuoteRenewals
from venue.seams import Clock, ScaledClock
from venue.sequencer import Published, Sequencer
from venue.settings import VenueSettings, first_day_of, opening_commands
from venue.sockets import Connection
from venue.timeline import Timeline

READY_FILE: Final = "ready.json"

_REST_CLOSE_S_MAX: Final = 2
_HANDSHAKE_S_MAX: Final = 5.0
_MS_PER_S: Final = 1000


class Venue:
    """A market that runs until its days are over or it is told to stop."""

    def __init__(
        self,
        settings: VenueSettings,
        folder: Path,
        *,
        say: Callable[[str], None] | None = None,
        keep: bool = False,
        opened: Callable[[], None] | None = None,
        make_clock: Callable[[TimeNs, float], Clock] = ScaledClock,
        book: str = DEFAULT,
    ) -> None:
        """A venue before it starts.

        Args:
            settings: Everything it needs; a folder with a journal goes on where that ends.
            folder: Where the journal and ``ready.json`` are.
            say: Called with the timeline's lines as they happen.
            keep: Serve on after the last day.
            opened: Called once the doors are open and ``ready.json`` says where they are.
            make_clock: From a first market time and a speed to the clock of the run.
            book: Name of the books (matching/books.py).
        """
        self._settings = settings
        self._folder = folder
        self._say = say
        self._keep = keep
        self._book = book
        self._opened = opened
        self._make_clock = make_clock
        self._stop = asyncio.Event()
        self._ready = False

    async def run(self) -> None:
        """Run to the end.

        Raises:
            JournalError: When the journal cannot be trusted or is in use; no door was opened.
            BadInput: When the settings are refused, or a port cannot be had.
            ExceptionGroup: When the core or the disk failed; nothing unsynced was published.
        """
        settings = self._settings
        with Journal(self._folder) as journal:
            (self._folder / READY_FILE).unlink(missing_ok=True)  # the last process's doors
            first = first_day_of(settings)
            fix = FixDoors(settings, self._folder)
            server = settings.server
            itch = ItchDoor(server.itch_username, server.itch_password, server.itch_password_sha256)
            ouch = OuchDoors(settings)
            core = recover(
                journal,
                opening_commands(settings),
                at_jst(first, 0),
                self._book,
                [*([] if fix.heard is None else [fix.heard]), itch.heard, *ouch.heard],
            )
            if self._say is not None and core.business_date is not None:
                self._say(f"going on from record {core.sequence:,}; the journal's settings hold")
            clock = self._make_clock(core.at_ns, settings.speed)
            sequencer = Sequencer(
                core,
                journal,
                clock,
                inbox_commands_max=settings.server.inbox_commands_max,
                group_commands_max=settings.server.group_commands_max,
            )
            if self._say is not None:
                sequencer.listen(_teller(self._say))
            await self._serve(core, sequencer, journal, clock, (fix, itch, ouch))

    def stop(self) -> None:
        """End in order."""
        self._stop.set()

    async def _serve(
        self,
        core: Core,
        sequencer: Sequencer,
        journal: Journal,
        clock: Clock,
        binary: tuple[FixDoors, ItchDoor, OuchDoors],
    ) -> None:
        server = self._settings.server
        fix, itch, ouch = binary
        gateway = self._gateway(sequencer)
        broadcaster = Broadcaster(core.feeds)
        for publish in (gateway.publish, broadcaster.publish, itch.publish):
            sequencer.listen(publish)
        loop = asyncio.get_running_loop()
        for name in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(name, self.stop)
        gateway.resume_grace()
        orders, feed = await self._listen_websockets(gateway, broadcaster)
        await fix.open(sequencer, gateway, self._listen)
        await ouch.open(sequencer, gateway, self._listen)
        soup = await self._listen_soup(itch)
        kraken = KrakenDoor(core.feeds)
        await kraken.open(server, sequencer, self._listen)
        rest = _Rest(
            uvicorn.Config(
                create_api(sequencer, lambda: self._ready, server.operator_key_sha256),
                host=server.host,
                port=server.rest_port,
                log_level="warning",
                lifespan="off",
                timeout_graceful_shutdown=_REST_CLOSE_S_MAX,
            )
        )
        async with asyncio.TaskGroup() as tasks:
            writer = tasks.create_task(sequencer.run(), name="sequencer")
            in_order = False
            try:
                api = tasks.create_task(rest.serve(), name="rest")
                await rest.up.wait()
                gc.collect()
                gc.freeze()  # what stands now stays; looking through it again would stall orders
                self._ready = True
                ports = _port(orders), _port(feed), _rest_port(rest)
                others = fix.addresses() | ouch.addresses() | self._soup_addresses(soup)
                others |= kraken.addresses
                self._announce(core, ports, others, [*fix.lines(), *ouch.lines()])
                beat_s = server.heartbeat_s
                heart = tasks.create_task(
                    _beat(
                        (gateway.tick, fix.tick, ouch.tick, itch.tick, kraken.heartbeat),
                        broadcaster,
                        sequencer,
                        journal,
                        beat_s,
                    )
                )
                renewals = tasks.create_task(QuoteRenewals(sequencer, clock).run())
                days = tasks.create_task(self._days(sequencer, clock))
                await self._stop.wait()
                self._ready = False
                for task in (days, renewals, heart):
                    task.cancel()
                gateway.finish()
                fix.finish()
                ouch.finish()
                sequencer.stop()
                await asyncio.wait([writer])  # what was asked is done, on the disk and answered
                in_order = writer.exception() is None
            finally:  # also when a task failed: the group then cancels these waits
                self._ready = False
                reason = None if in_order else sequencer.refusal
                for door in (orders, feed, *soup.values()):
                    door.close()
                for halt in (fix.halt, gateway.halt, broadcaster.halt):
                    halt(reason)
                for end in (kraken.halt, ouch.halt, itch.halt):
                    end()
            rest.should_exit = True
            await asyncio.wait([api])

    def _gateway(self, sequencer: Sequencer) -> Gateway:
        server = self._settings.server
        return Gateway(
            sequencer,
            environment=self._settings.environment,
            settings=SessionSettings(
                rate_per_s=server.requests_per_second,
                burst=server.requests_burst,
                idle_ms=int(server.idle_s * _MS_PER_S),
            ),
        )

    async def _listen_websockets(
        self, gateway: Gateway, broadcaster: Broadcaster
    ) -> tuple[asyncio.Server, asyncio.Server]:
        """Open order entry and the feed."""
        server = self._settings.server
        origins = server.allowed_origins
        orders = await self._listen(
            lambda: Connection(
                ORDERS_PATH,
                gateway.handler,
                message_bytes_max=FRAME_BYTES_MAX,
                allowed_origins=origins,
            ),
            "orders_port",
            server.orders_port,
        )
        feed = await self._listen(
            lambda: Connection(
                FEED_PATH,
                broadcaster.handler,
                message_bytes_max=REQUEST_BYTES_MAX,
                allowed_origins=origins,
            ),
            "feed_port",
            server.feed_port,
        )
        return orders, feed

    async def _listen_soup(self, itch: ItchDoor) -> dict[str, asyncio.Server]:
        """Open the market data of SoupBinTCP, by the names of the settings."""
        handlers = {"itch": itch.handler, "snapshot": itch.snapshot_handler}
        server = self._settings.server
        tls = server_tls(server.itch_certificate_file, server.itch_key_file)
        return {
            name: await self._listen(handlers[name], f"{name}_port", port, tls)
            for name, port in server.soup_ports().items()
        }

    def _soup_addresses(self, soup: Mapping[str, asyncio.Server]) -> dict[str, object]:
        host = self._settings.server.host
        kind = "soup" if self._settings.server.itch_certificate_file is None else "soups"
        return {name: f"{kind}://{host}:{_port(door)}" for name, door in soup.items()}

    async def _listen(
        self,
        make: Callable[[], asyncio.Protocol],
        name: str,
        port: int,
        tls: ssl.SSLContext | None = None,
    ) -> asyncio.Server:
        """Open a door.

        Raises:
            BadInput: When the port cannot be had, naming the setting.
        """
        host = self._settings.server.host
        try:
            return await asyncio.get_running_loop().create_server(
                make,
                host,
                port,
                ssl=tls,
                ssl_handshake_timeout=None if tls is None else _HANDSHAKE_S_MAX,
            )
        except OSError as taken:
            raise BadInput(
                f"server.{name}: {host}:{port} cannot be had ({taken.strerror}); choose another "
                f"in the settings or with KITAHAMA_SERVER__{name.upper()}"
            ) from taken

    async def _days(self, sequencer: Sequencer, clock: Clock) -> None:
        await conduct(sequencer, clock, self._settings)
        if not self._keep:
            self.stop()

    def _announce(
        self,
        core: Core,
        ports: tuple[int, int, int],
        others: Mapping[str, object],
        lines: Iterable[str],
    ) -> None:
        """Write where the doors are; whoever started the venue waits for this file."""
        host = self._settings.server.host
        orders_port, feed_port, rest_port = ports
        doors: dict[str, object] = {
            "run_id": core.run_id,
            "environment": self._settings.environment,
            "preset": core.rules.name,
            "days": self._settings.days,
            "affirmation": core.rules.affirmation.value,
            "speed": self._settings.speed,
            "orders": f"ws://{host}:{orders_port}{ORDERS_PATH}",
            "feed": f"ws://{host}:{feed_port}{FEED_PATH}",
            "rest": f"http://{host}:{rest_port}",
        }
        doors |= others
        path = self._folder / READY_FILE
        unfinished = path.with_suffix(".tmp")
        unfinished.write_text(json.dumps(doors, indent=1) + "\n", encoding="utf-8")
        unfinished.replace(path)
        if self._say is not None:
            self._say(
                f"orders  {doors['orders']}\nfeed    {doors['feed']}\nrest    {doors['rest']}"
            )
            for line in lines:
                self._say(line)
            for name in ("itch", "snapshot", "kraken"):
                if name in doors:
                    self._say(f"{name:<7} {doors[name]}")
        if self._opened is not None:
            self._opened()


def _teller(say: Callable[[str], None]) -> Callable[[Published], None]:
    timeline = Timeline()

    def tell(published: Published) -> None:
        for entry, events in published.steps:
            for line in timeline.lines(entry, events):
                say(line)

    return tell


async def _beat(
    ticks: tuple[Callable[[], None], ...],
    broadcaster: Broadcaster,
    sequencer: Sequencer,
    journal: Journal,
    every_s: float,
) -> None:
    """Again and again: sessions look at the time, subscribers get the heads."""
    while True:
        await asyncio.sleep(every_s)
        for tick in ticks:
            tick()
        core = sequencer.core
        broadcaster.heartbeat(TimeNs(core.at_ns), core.sequence, journal.chain)


class _Rest(uvicorn.Server):
    """REST beside the sockets; the venue handles signals for all of them.

    Attributes:
        up: Set once it listens.
    """

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.up = asyncio.Event()

    async def serve(self, sockets: list[socket.socket] | None = None) -> None:
        """Serve until told to end; also when it is cancelled nobody listens afterwards."""
        try:
            await super().serve(sockets)
        finally:
            if self.up.is_set():
                for listening in self.servers:
                    listening.close()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Listen, and say so."""
        await super().startup(sockets)
        self.up.set()

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave the signals alone."""
        yield


def _port(server: asyncio.Server) -> int:
    return int(server.sockets[0].getsockname()[1])


def _rest_port(server: uvicorn.Server) -> int:
    return int(server.servers[0].sockets[0].getsockname()[1])
