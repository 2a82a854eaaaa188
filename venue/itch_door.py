"""Market data over SoupBinTCP: ITCH (feeds/itch.py), one session a business day, any number of readers.

Every reader is served from the same bytes (feeds/soup.py): a connection is a place in the day's
stream, moved forward as its socket takes what it is given. So a reader that is behind costs
nothing but its place, and one that has stopped reading is cut off and comes back by sequence
number. After a restart the day is folded from the journal again, byte for byte.

Login: a username and password when the settings have them (else anybody); an empty session, the
current one or an earlier business day's, which is read to its end; sequence 0 for "from now", else
from that number. ``J`` with ``A`` or ``S`` says no.
Packets that break the protocol end the connection without an answer. Unsequenced data are read and
ignored: ITCH has no requests.

A second door of the same kind serves snapshots (ours, in the manner of the equities' GLIMPSE): after
login the state of the day, then ``G`` with the sequence number to go on from, then end of session.

Bounds: connections; those of one connection are in venue/soup_line.py.
"""

import hashlib
import hmac

from feeds import itch, soup
from feeds.itch_feed import ItchFeed
from feeds.soup import Login, SoupLog
from market.commands import Entry, OpenVenue
from market.events import Event
from venue.core import Core
from venue.sequencer import Published
from venue.soup_line import SoupConnection, SoupDoor


class ItchConnection(SoupConnection):
    """One reader of the day, or of a snapshot of it."""

    def __init__(self, door: "ItchDoor", *, snapshot: bool = False) -> None:
        super().__init__(door)
        self._door = door
        self._snapshot = snapshot

    def logged_in(self, asked: Login) -> None:
        """Serve a day from the number asked for, or where it stands."""
        feed = self._door.feed
        log = feed.log if self._snapshot else feed.session(asked.session)
        if not self._door.admits(asked.username, asked.password):
            self.reject(soup.NOT_AUTHORIZED)
        elif (
            log is None
            or (self._snapshot and asked.session not in {"", log.session})
            or (not self._snapshot and asked.sequence > log.next_sequence)
        ):
            self.reject(soup.SESSION_NOT_AVAILABLE)
        elif self._snapshot:
            self.accept(_told(log.session, feed.snapshot()), 1)
        else:
            self.accept(log, asked.sequence)


class ItchDoor(SoupDoor):
    """The feed and everyone who reads it.

    Attributes:
        feed: What is told; only what is durable reaches it.
    """

    connections_max = 1_000

    def __init__(self, username: str = "", password: str = "", password_sha256: str = "") -> None:
        """A door with no day yet.

        Args:
            username: A login must carry; empty lets everybody in.
            password: And this.
            password_sha256: Hex of what the password hashes to, instead of ``password``.
        """
        super().__init__()
        self.feed = ItchFeed()
        self._username = username
        self._password_sha256 = password_sha256 or _hashed(password)

    def handler(self) -> ItchConnection:
        """A connection to the day's stream."""
        return ItchConnection(self)

    def snapshot_handler(self) -> ItchConnection:
        """A connection to the snapshot service."""
        return ItchConnection(self, snapshot=True)

    def admits(self, username: str, password: str) -> bool:
        """Whether these may read; everybody may where no username is set."""
        return not self._username or (
            username == self._username
            and hmac.compare_digest(_hashed(password), self._password_sha256)
        )

    def heard(self, core: Core, entry: Entry, events: list[Event]) -> None:
        """Fold one entry read from the journal."""
        self.feed.apply(entry.at_ns, events)
        if isinstance(entry.command, OpenVenue):
            self._fit(core)

    def _fit(self, core: Core) -> None:
        """A market whose prices the user gave more decimals is told in START's ITCH."""
        if core.rules.price_decimals.value > self.feed.profile.price_decimals:
            self.feed.profile = itch.START_12

    def publish(self, published: Published) -> None:
        """Fold a durable turn, and let everyone have what is new.

        A connection to a session that ended meanwhile is told so.
        """
        for entry, events in published.steps:
            self.feed.apply(entry.at_ns, events)
        self.pump()

    def pump(self) -> None:
        """Let everyone have what they have not been sent."""
        for connection in list(self._connections):
            connection.pump()

    def halt(self) -> None:
        """End every connection; what is buffered is lost and can be asked for again."""
        for connection in list(self._connections):
            connection.cut()


def _hashed(password: str) -> str:
    return hashlib.sha256(password.encode()).hexdigest()


def _told(session: str, messages: list[bytes]) -> SoupLog:
    log = SoupLog(session)
    for message in messages:
        log.append(message)
    log.ended = True
    return log
