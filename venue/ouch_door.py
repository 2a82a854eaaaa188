"""OUCH order entry over SoupBinTCP: lines to sessions, sessions to the sequencer, streams back.

The desk (participants/ouch_session.py) decides, this module carries out, beside the websocket
gateway and the FIX doors and on the same core, sessions, risk and journal. What a session is told is
a sequenced stream of its own for each business day, made from the journal: after a restart it is
there again, byte for byte, and a client goes on by its sequence. It grows after the sync that
covers it, so nothing unsynced is acknowledged.

Login: the username names a session (``ouch_username`` of its key, else the session's name without
its punctuation where that has at most six characters); a key with a password needs it, and any
other address than loopback a key with one. The session is then live here, and at no other door;
a second login at the same port is refused (``J`` with ``S``). The mirror port leads to the same
session and the same stream. When the last line ends, by logout or by loss, the session ends, and
with it, unless switched off, its open orders. After the day's close a login only reads.

Backpressure: where the sequencer's inbox is full, the line is not read until there is room; nothing
is dropped and no token lost.
Bounds: lines, messages that wait for a login, those of venue/soup_line.py, the session's rate.
Known limits: passwords go over the line as they are (SoupBinTCP has nothing else); no TLS.
Source: ODX equities OUCH 2.0, 2 to 5; see participants/ouch.py.
"""

from collections import deque
from collections.abc import Callable, Mapping
from hashlib import sha256
from typing import Final

from feeds import soup
from feeds.soup import Login, Packet, SoupLog
from market.commands import (
    CloseSession,
    DisconnectMode,
    Entry,
    OpenSession,
    RevokeKey,
)
from market.events import DayOpened, Event, SessionClosed, SessionOpened, SessionRefused
from market.ids import KeyId, SessionId
from market.reasons import RejectReason
from participants.ouch_session import OuchCommand, OuchDesk, OuchSettings
from participants.participant import Key
from participants.wire import Identity
from venue.gateway import Gateway
from venue.ouch_streams import OuchStreams
from venue.seams import real_ns
from venue.sequencer import Published, Sequencer
from venue.soup_line import SoupConnection, SoupDoor

WAITING_MAX: Final = 1_000
"""Messages a client may send behind its login, before that is answered."""

USERNAME_CHARACTERS: Final = 6
SESSION_CHARACTERS_MAX: Final = 25
"""With a point and a token it is a client order id of at most 36 characters."""


class OuchConnection(SoupConnection):
    """One line of a session: the port's, or the mirror's."""

    uncounted = (b"U",)

    def __init__(self, door: "OuchDoor", port: str) -> None:
        super().__init__(door)
        self._door = door
        self.port = port
        self.place: OuchPlace | None = None
        self.asked: Login | None = None
        self._behind: deque[Packet] = deque()

    def logged_in(self, asked: Login) -> None:
        """Find the session, and open it where it is not live here already."""
        self.asked = asked
        self._door.login(self, asked)

    def said(self, message: bytes) -> None:
        """A message of the client."""
        if self.place is not None:
            self._door.said(self, self.place, message)

    def opened(self, log: SoupLog) -> None:
        """The session is live: answer the login, and read what came behind it."""
        asked, self.asked = self.asked, None
        if asked is None:
            return
        self.accept(log, asked.sequence)
        while self._behind and self.is_open:
            self._packet(self._behind.popleft())

    def refused(self, reason: bytes) -> None:
        """The session cannot be had."""
        self.asked = None
        self.reject(reason)

    def _packet(self, packet: Packet) -> None:
        if self.asked is None:
            super()._packet(packet)
        elif packet.kind == b"L" or len(self._behind) >= WAITING_MAX:
            self.cut()
        else:
            self._behind.append(packet)


class OuchPlace:
    """One session at the door: its desk, its lines, and commands the sequencer had no room for."""

    def __init__(self, desk: OuchDesk) -> None:
        self.desk = desk
        self.lines: dict[str, OuchConnection] = {}
        self.is_opening = False
        self.waiting: deque[OuchCommand] = deque()


class OuchDoor(SoupDoor):
    """Every OUCH line of the port and its mirror.

    Attributes:
        streams: What is told; only what is durable reaches it.
    """

    connections_max = 256

    def __init__(
        self,
        sequencer: Sequencer,
        gateway: Gateway,
        streams: OuchStreams,
        *,
        settings: OuchSettings,
        usernames: Mapping[KeyId, str],
        passwords: Mapping[KeyId, str],
        needs_password: bool,
    ) -> None:
        """The door of a running venue.

        Args:
            sequencer: Takes the commands.
            gateway: The websocket door; it waits grace times for all.
            streams: Have heard every entry of the journal so far.
            settings: Of every session.
            usernames: Of keys that have one of their own.
            passwords: SHA-256 in hex of the password of a key, for those that have one.
            needs_password: Whether a key without a password may not log in.
        """
        super().__init__()
        self.streams = streams
        self._sequencer = sequencer
        self._core = sequencer.core
        self._gateway = gateway
        self._settings = settings
        self._usernames = usernames
        self._passwords = passwords
        self._needs_password = needs_password
        self._places: dict[SessionId, OuchPlace] = {}
        self._full: dict[OuchPlace, None] = {}
        self._is_finishing = False

    def handler(self) -> OuchConnection:
        """A line of the port."""
        return OuchConnection(self, "ouch")

    def mirror_handler(self) -> OuchConnection:
        """A line of the mirror port."""
        return OuchConnection(self, "ouch_mirror")

    # --- logins

    def login(self, line: OuchConnection, asked: Login) -> None:
        """Let a client in, or say why not."""
        key = self._key(asked)
        if key is None:
            line.refused(soup.NOT_AUTHORIZED)
            return
        session_id = key.session_id
        log = self.streams.logs.get(session_id)
        if (
            log is None
            or asked.session not in {"", log.session}
            or asked.sequence > log.next_sequence
            or self._is_finishing
        ):
            line.refused(soup.SESSION_NOT_AVAILABLE)
            return
        if log.ended:  # the day is over: its stream, and nothing else
            line.opened(log)
            return
        place = self._place(session_id)
        if line.port in place.lines:
            line.refused(soup.SESSION_NOT_AVAILABLE)
            return
        place.lines[line.port] = line
        line.place = place
        if place.desk.identity is not None:
            line.opened(log)
        elif not place.is_opening:
            self._open(place, key)

    def _key(self, asked: Login) -> Key | None:
        """The newest good key of the session that a username names, when the password is right.

        A username that names more than one session names none.
        """
        named = [
            key
            for key in self._core.participants.keys.values()
            if not key.revoked and self.username_of(key) == asked.username
        ]
        if not asked.username or len({key.session_id for key in named}) != 1:
            return None
        found = named[-1]
        wanted = self._passwords.get(found.key_id, "")
        if not wanted:
            return None if self._needs_password else found
        said = sha256(asked.password.encode()).hexdigest()
        return found if said == wanted else None

    def username_of(self, key: Key) -> str:
        """What a client of a key logs in as; empty for none.

        A session whose name is too long for its orders to be named at other doors has none.
        """
        if len(key.session_id) > SESSION_CHARACTERS_MAX:
            return ""
        own = self._usernames.get(key.key_id, "")
        if own:
            return own
        plain = "".join(letter for letter in key.session_id if letter.isalnum())
        return plain if len(plain) <= USERNAME_CHARACTERS else ""

    def _place(self, session_id: SessionId) -> OuchPlace:
        place = self._places.get(session_id)
        if place is None:
            desk = OuchDesk(session_id, self.streams.reports, self._settings, at_ns=real_ns())
            place = self._places[session_id] = OuchPlace(desk)
        return place

    def _open(self, place: OuchPlace, key: Key) -> None:
        mode = DisconnectMode.ON if self._settings.cancels_on_disconnect else DisconnectMode.OFF
        command = OpenSession(
            session_id=key.session_id, key_id=key.key_id, takeover=False, disconnect_mode=mode
        )
        place.is_opening = True
        if not self._sequencer.submit(command, self._opener(place)):
            self._refuse(place, soup.SESSION_NOT_AVAILABLE)

    def _opener(self, place: OuchPlace) -> Callable[[Entry, list[Event]], None]:
        def opened(_: Entry, events: list[Event]) -> None:
            place.is_opening = False
            for event in events:
                if isinstance(event, SessionOpened):
                    place.desk.identity = Identity(
                        participant_id=event.participant_id,
                        session_id=event.session_id,
                        generation=event.generation,
                    )
                    if not place.lines:
                        self._close_session(place)
                    for line in list(place.lines.values()):
                        line.opened(self.streams.logs[event.session_id])
                elif isinstance(event, SessionRefused):
                    is_known = event.reason is RejectReason.SESSION_ACTIVE
                    reason = soup.SESSION_NOT_AVAILABLE if is_known else soup.NOT_AUTHORIZED
                    self._refuse(place, reason)

        return opened

    def _refuse(self, place: OuchPlace, reason: bytes) -> None:
        place.is_opening = False
        lines, place.lines = place.lines, {}
        for line in lines.values():
            line.place = None
            line.refused(reason)

    # --- messages

    def said(self, line: OuchConnection, place: OuchPlace, message: bytes) -> None:
        """Let the desk judge a message, and submit what it asks for."""
        asked = place.desk.receive(message, now_ns=real_ns())
        if isinstance(asked, RejectReason):
            line.cut()
        elif asked is not None and (place.waiting or not self._sequencer.submit(asked)):
            place.waiting.append(asked)
            self._full[place] = None
            for each in place.lines.values():
                each.hold()

    def _drain(self) -> None:
        """The sequencer has room again: what waited goes first, then the lines are read on."""
        for place in list(self._full):
            while place.waiting and self._sequencer.submit(place.waiting[0]):
                place.waiting.popleft()
            if not place.waiting:
                del self._full[place]
                for line in place.lines.values():
                    line.go_on()

    # --- towards the clients

    def publish(self, published: Published) -> None:
        """Learn from a durable turn and let each session have what is its own."""
        told: dict[SessionId, None] = {}
        is_new_day = False
        for entry, events in published.steps:
            told |= dict.fromkeys(self.streams.apply(self._core, entry, events))
            command = entry.command
            if isinstance(command, OpenSession | RevokeKey):
                self._ended_elsewhere(events)
            is_new_day = is_new_day or any(isinstance(event, DayOpened) for event in events)
        if is_new_day:
            for place in self._places.values():
                place.desk.day_opened()
        for session_id in told:
            place_of = self._places.get(session_id)
            if place_of is not None:
                for line in list(place_of.lines.values()):
                    line.pump()
        if self._full:
            self._drain()

    def _ended_elsewhere(self, events: list[Event]) -> None:
        """A session that was taken over at another door, or whose key was revoked, ends here."""
        for event in events:
            if isinstance(event, SessionOpened):
                newest = event.generation
            elif isinstance(event, SessionClosed):
                newest = event.generation + 1
            else:
                continue
            place = self._places.get(event.session_id)
            identity = None if place is None else place.desk.identity
            if place is not None and identity is not None and identity.generation < newest:
                self._forget_session(place)
                for line in list(place.lines.values()):
                    line.pump()
                    line.close()

    # --- endings

    def leave(self, connection: SoupConnection) -> None:
        """Count one less; with its last line a session ends."""
        super().leave(connection)
        if not isinstance(connection, OuchConnection) or connection.place is None:
            return
        place = connection.place
        if place.lines.get(connection.port) is connection:
            del place.lines[connection.port]
            if not place.lines:
                self._close_session(place)

    def _close_session(self, place: OuchPlace) -> None:
        identity = place.desk.identity
        if identity is None:
            return
        self._forget_session(place)
        self._gateway.close_session(
            CloseSession(
                session_id=identity.session_id, generation=identity.generation, orderly=False
            )
        )

    def _forget_session(self, place: OuchPlace) -> None:
        """Nothing more is submitted in its name."""
        place.desk.identity = None
        place.desk.not_submitted(list(place.waiting))
        place.waiting.clear()
        self._full.pop(place, None)

    def finish(self) -> None:
        """The venue is about to end in order: every session ends by a journaled command."""
        self._is_finishing = True
        for place in self._places.values():
            self._close_session(place)

    def halt(self) -> None:
        """Close every connection; what is buffered still goes out where the client reads."""
        for connection in list(self._connections):
            connection.close()
