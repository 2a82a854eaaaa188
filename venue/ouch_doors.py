"""The OUCH port of a running venue and its mirror: whether they are open, and one handle for both.

Open with the ``odx-equities`` preset unless switched off, with any other when a port is named. Shut,
nothing here costs anything.
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final

from market.commands import Entry
from market.events import Event
from participants.ouch_session import OuchSettings
from venue.core import Core
from venue.gateway import Gateway
from venue.ouch_door import OuchDoor
from venue.ouch_streams import OuchStreams
from venue.sequencer import Sequencer
from venue.settings import VenueSettings, ouch_passwords, ouch_usernames

NAMES: Final = {"ouch": "OUCH 2.0, ODX equities", "ouch_mirror": "the same streams"}
"""Each port and what to call it."""

Listen = Callable[..., Awaitable[asyncio.Server]]


class OuchDoors:
    """Both ports; every method does nothing when they are shut."""

    def __init__(self, settings: VenueSettings) -> None:
        self._settings = settings
        self._ports = settings.ouch_ports()
        self._servers: dict[str, asyncio.Server] = {}
        self._streams = OuchStreams() if self._ports else None
        self._door: OuchDoor | None = None

    @property
    def heard(self) -> list[Callable[[Core, Entry, list[Event]], None]]:
        """What a recovery tells every entry to, so that a day's streams are there again."""
        return [] if self._streams is None else [self._streams.heard]

    async def open(self, sequencer: Sequencer, gateway: Gateway, listen: Listen) -> None:
        """Listen to every turn, and open each port.

        Args:
            sequencer: Takes the commands; its core is recovered.
            gateway: The websocket door.
            listen: Opens a port: protocol factory, name of the setting, port.
        """
        if self._streams is None:
            return
        server = self._settings.server
        door = self._door = OuchDoor(
            sequencer,
            gateway,
            self._streams,
            settings=OuchSettings(
                rate_per_s=server.requests_per_second,
                burst=server.requests_burst,
                cancels_on_disconnect=server.ouch_cancel_on_disconnect,
            ),
            usernames=ouch_usernames(self._settings),
            passwords=ouch_passwords(self._settings),
            needs_password=not server.is_loopback,
        )
        sequencer.listen(door.publish)
        handlers = {"ouch": door.handler, "ouch_mirror": door.mirror_handler}
        for name, port in self._ports.items():
            self._servers[name] = await listen(handlers[name], f"{name}_port", port)

    def addresses(self) -> dict[str, str]:
        """Where each open port is, for ``ready.json``."""
        host = self._settings.server.host
        return {
            name: f"soup://{host}:{opened.sockets[0].getsockname()[1]}"
            for name, opened in self._servers.items()
        }

    def lines(self) -> list[str]:
        """What is said when the ports open."""
        found = self.addresses()
        return [f"ouch    {found[name]}  {said}" for name, said in NAMES.items() if name in found]

    def tick(self) -> None:
        """Let lines look at the time."""
        if self._door is not None:
            self._door.tick()

    def finish(self) -> None:
        """The venue ends in order: no more messages, the answers still due go out."""
        if self._door is not None:
            self._door.finish()

    def halt(self) -> None:
        """Close ports and lines."""
        for opened in self._servers.values():
            opened.close()
        if self._door is not None:
            self._door.halt()
