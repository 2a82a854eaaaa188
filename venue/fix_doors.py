"""The FIX doors of a running venue: which are open, on which ports, and one handle for all of them.

Every door can be switched off; with all of them off nothing here costs anything.
"""

import asyncio
from collections.abc import Awaitable, Callable
from functools import partial
from pathlib import Path
from typing import Final

from market.commands import Entry
from market.events import Event
from market.reasons import RejectReason
from participants.fix_house import FixSettings
from participants.fix_reports import FixReports
from venue.core import Core
from venue.fix_acceptor import FixAcceptor, server_tls
from venue.gateway import Gateway
from venue.seams import boot_id
from venue.sequencer import Sequencer
from venue.settings import VenueSettings, fix_passwords

NAMES: Final = {"fix42": "FIX 4.2, START", "fix44": "FIX 4.4", "drop_copy": "FIX 4.4, drop copy"}
"""Each door and what to call it."""

Listen = Callable[..., Awaitable[asyncio.Server]]


class FixDoors:
    """All FIX doors; every method does nothing when all are off."""

    def __init__(self, settings: VenueSettings, folder: Path) -> None:
        """Doors not opened yet.

        Args:
            settings: Of the venue.
            folder: The run's, where the numbers of a day are kept.
        """
        self._settings = settings
        self._folder = folder
        self._servers: dict[str, asyncio.Server] = {}
        self._acceptor: FixAcceptor | None = None
        self._reports = FixReports() if settings.server.fix_ports() else None

    @property
    def heard(self) -> Callable[[Core, Entry, list[Event]], None] | None:
        """What a recovery tells every entry to, so that a day's records are there again."""
        return None if self._reports is None else hearer(self._reports)

    async def open(self, sequencer: Sequencer, gateway: Gateway, listen: Listen) -> None:
        """Listen to every turn, and open each door.

        Args:
            sequencer: Takes the commands; its core is recovered.
            gateway: The websocket door.
            listen: Opens a port: protocol factory, name of the setting, port, TLS.
        """
        if self._reports is None:
            return
        server = self._settings.server
        acceptor = FixAcceptor(
            sequencer,
            gateway,
            self._reports,
            self._folder,
            settings=FixSettings(
                comp_id=server.fix_comp_id,
                rate_per_s=server.requests_per_second,
                burst=server.requests_burst,
            ),
            passwords=fix_passwords(self._settings),
            needs_password=not server.is_loopback,
            boot=boot_id(),
        )
        self._acceptor = acceptor
        sequencer.listen(acceptor.publish)
        tls = server_tls(server.fix_certificate_file, server.fix_key_file)
        for door, port in server.fix_ports().items():
            make = partial(acceptor.connection, door)
            self._servers[door] = await listen(make, f"{door}_port", port, tls)

    def addresses(self) -> dict[str, str]:
        """Where each open door is, and our comp id, for ``ready.json``."""
        if not self._servers:
            return {}
        server = self._settings.server
        kind = "tcp" if server.fix_certificate_file is None else "tls"
        found = {
            door: f"{kind}://{server.host}:{opened.sockets[0].getsockname()[1]}"
            for door, opened in self._servers.items()
        }
        return found | {"fix_comp_id": server.fix_comp_id}

    def lines(self) -> list[str]:
        """What is said when the doors open."""
        found = self.addresses()
        return [f"fix     {found[door]}  {name}" for door, name in NAMES.items() if door in found]

    def tick(self) -> None:
        """Let sessions look at the time."""
        if self._acceptor is not None:
            self._acceptor.tick()

    def finish(self) -> None:
        """The venue ends in order: no more requests, the answers still due go out."""
        if self._acceptor is not None:
            self._acceptor.finish()

    def halt(self, reason: RejectReason | None) -> None:
        """Close doors and connections."""
        for opened in self._servers.values():
            opened.close()
        if self._acceptor is not None:
            self._acceptor.halt(reason)
            self._acceptor.close()


def hearer(reports: FixReports) -> Callable[[Core, Entry, list[Event]], None]:
    """Tells a projection every entry of a recovery."""

    def hear(core: Core, entry: Entry, events: list[Event]) -> None:
        reports.names_counterparty = core.rules.counterparty_on_fill.value
        reports.apply(entry, events)

    return hear
