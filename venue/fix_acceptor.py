"""FIX order entry: sockets to FIX sessions, sessions to the sequencer, executions back to sockets.

The session (participants/fix_session.py) decides, this module carries out, beside the websocket
gateway and on the same core, sessions, risk and journal. Executions leave after the sync that
covers them; the numbers they go out under are noted (venue/fix_store.py) before the bytes leave.
A session is live at one door at a time: a logon that took it over at the other door ends it here.

Questions about the market and subscriptions (venue/fix_market.py) are answered from the feed's folds.

Bounds of one connection: so long to log on, so many bytes a message, so many unsent bytes before
it is closed as too slow; what it missed waits for its sequence. A defect while one is handled ends
that connection alone.
Known limits: connections before logon are bounded in time and in number, the oldest gives way.
Source: START FIX 1.1 (2nd-hand); the drop copy is our own.
"""

import asyncio
import ssl
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Final

from market.commands import (
    CloseSession,
    Command,
    Entry,
    OpenDay,
    OpenSession,
    Request,
    RevokeKey,
)
from market.events import (
    DayOpened,
    Event,
    PhaseChanged,
    SessionClosed,
    SessionOpened,
    SessionRefused,
)
from market.ids import InstrumentId, KeyId, ParticipantId, SessionId
from market.reasons import RejectReason
from market.rules import AmendMode
from market.words import Phase, Validity
from participants.actions import Action, Close, Send, Submit
from participants.fix_codec import Framer, Oversize, decode
from participants.fix_house import FixClient, FixHouse, FixSettings, FixState
from participants.fix_numbers import FixNumbers
from participants.fix_orders import Market
from participants.fix_profiles import HOUSE_44, START_42, Profile
from participants.fix_questions import session_status
from participants.fix_reports import FixReports
from participants.fix_rules import FixRules
from participants.fix_session import FixSession
from venue.fix_market import FixMarket
from venue.fix_store import FixStore
from venue.gateway import Gateway
from venue.seams import real_ns, wall_ns
from venue.sequencer import Published, Sequencer

CONNECTIONS_MAX: Final = 256
"""Connections before logon, over all FIX doors; the oldest gives way when one more comes."""

UNSENT_BYTES_MAX: Final = 16 * 1024 * 1024
"""Bytes a firm has not read; beyond it the connection closes and it resumes by its sequence."""

_UNSENT_BYTES_HIGH: Final = 1024 * 1024
_CLOSE_WAIT_S: Final = 2.0
_STATUS: Final = {
    Phase.PRE_OPEN: 4,
    Phase.PRE_OPEN_NCP: 4,
    Phase.OPENING_AUCTION: 2,
    Phase.CONTINUOUS: 2,
    Phase.BREAK: 1,
    Phase.PRE_CLOSE: 5,
    Phase.PRE_CLOSE_NCP: 5,
    Phase.CLOSING_AUCTION: 2,
    Phase.CLOSED: 3,
}
"""TradSesStatus (340) of a market whose books are all in a state."""


class FixConnection(asyncio.Protocol):
    """One socket and its FIX session."""

    def __init__(self, acceptor: "FixAcceptor", house: FixHouse) -> None:
        self._acceptor = acceptor
        self._framer = Framer()
        self._transport: asyncio.Transport | None = None
        self._garbled = 0
        self.session = FixSession(house, opened_at_ns=real_ns())
        self.is_drop_copy = house.is_drop_copy

    # --- asyncio.Protocol

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """The client speaks first, and soon."""
        self._transport = transport  # type: ignore[assignment]
        transport.set_write_buffer_limits(high=_UNSENT_BYTES_HIGH)  # type: ignore[attr-defined]
        self._acceptor.add(self)

    def data_received(self, data: bytes) -> None:
        """Cut the stream into messages and let the session read each."""
        actions: list[Action] = []
        try:
            self._read(data, actions)
        except Exception as defect:  # noqa: BLE001 - ours: this connection ends, the others go on
            actions = self.session.end(RejectReason.INTERNAL, wall_ns=wall_ns())
            asyncio.get_running_loop().call_exception_handler(
                {"message": "a message could not be handled", "exception": defect, "protocol": self}
            )
        self._acceptor.act(self, actions)

    def _read(self, data: bytes, actions: list[Action]) -> None:
        now, wall = real_ns(), wall_ns()
        session, framer = self.session, self._framer
        try:
            for raw in framer.feed(data):
                self._count_garbled(actions, now, wall)
                message = decode(raw)
                if message is None:
                    actions += session.garbled(now_ns=now, wall_ns=wall)
                else:
                    self._received(session.receive(message, now_ns=now, wall_ns=wall), actions)
                if session.status is FixState.CLOSED:
                    return
            self._count_garbled(actions, now, wall)
        except Oversize:
            actions += session.oversize(wall_ns=wall)

    def _received(self, wanted: list[Action], actions: list[Action]) -> None:
        """Carry out commands at once, in order; what is to be sent leaves with one write."""
        for action in wanted:
            if isinstance(action, Submit):
                actions += self._acceptor.submit(self, action.command)
            else:
                actions.append(action)

    def _count_garbled(self, actions: list[Action], now: int, wall: int) -> None:
        while self._garbled < self._framer.garbled:
            self._garbled += 1
            actions += self.session.garbled(now_ns=now, wall_ns=wall)

    def connection_lost(self, exc: Exception | None) -> None:
        """Tell the session, which may have a command for the journal."""
        del exc
        self._transport = None
        self._acceptor.act(self, self.session.disconnected())
        self._acceptor.forget(self)

    def pause_writing(self) -> None:
        """The peer does not read: what it asks for has to wait as well."""
        if self._transport is not None and not self._transport.is_closing():
            self._transport.pause_reading()

    def resume_writing(self) -> None:
        """The peer reads again."""
        if self._transport is not None and not self._transport.is_closing():
            self._transport.resume_reading()

    # --- for the acceptor

    @property
    def buffered_bytes(self) -> int:
        """Bytes accepted for sending that the peer has not taken yet."""
        return self._transport.get_write_buffer_size() if self._transport is not None else 0

    def write(self, data: bytes) -> None:
        """Send; silently nothing once the connection is closing."""
        if self._transport is not None and not self._transport.is_closing():
            self._transport.write(data)

    def close(self) -> None:
        """Close once what is buffered is out, or after a while in any case."""
        transport = self._transport
        if transport is not None and not transport.is_closing():
            transport.close()
            asyncio.get_running_loop().call_later(_CLOSE_WAIT_S, self.abort)

    def abort(self) -> None:
        """Cut the connection, whatever is still buffered."""
        if self._transport is not None:
            self._transport.abort()


class FixAcceptor:
    """Every FIX connection of every FIX door."""

    def __init__(
        self,
        sequencer: Sequencer,
        gateway: Gateway,
        reports: FixReports,
        folder: Path,
        *,
        settings: FixSettings,
        passwords: dict[KeyId, str],
        needs_password: bool,
        boot: str = "",
    ) -> None:
        """The FIX side of a running venue.

        Args:
            sequencer: Takes the commands.
            gateway: The other door; it waits grace times for both.
            reports: Has heard every entry of the journal so far.
            folder: Where the day's numbers are kept.
            settings: Of every session.
            passwords: SHA-256 in hex of the password of a key, for those that have one.
            needs_password: Whether a key without a password may not log on by FIX.
            boot: Names this run of the machine.
        """
        self._sequencer = sequencer
        self._core = sequencer.core
        self._gateway = gateway
        self._reports = reports
        self._settings = settings
        self._passwords = passwords
        self._needs_password = needs_password
        self._store = FixStore(folder, reports.fix_day, boot)
        self._store.doubt(lambda session_id: len(reports.of_session(session_id)))
        self._connections: dict[FixConnection, None] = {}
        self._live: dict[SessionId, FixConnection] = {}
        engine = self._core.engine
        self._phases: dict[InstrumentId, Phase] = {
            name: engine.issue(name).phase
            for name in engine.instrument_ids()
            if self._core.business_date is not None
        }
        states = {_STATUS[phase] for phase in self._phases.values()}
        self._status = states.pop() if len(states) == 1 else 0
        rules = self._core.rules
        immediate = Validity.IOC in rules.validities.value
        self._market = Market(
            immediate=Validity.IOC if immediate else Validity.NEXT_AUCTION,
            by_total=rules.amend_mode.value is AmendMode.REPLACE_TOTAL,
            isins={str(name): engine.instrument(name).isin for name in engine.instrument_ids()},
        )
        self._questions = FixMarket(self._core.feeds, lambda: self._status)
        self._houses = {
            "fix42": self._house(START_42),
            "fix44": self._house(HOUSE_44),
            "drop_copy": self._house(HOUSE_44, is_drop_copy=True),
        }

    def _house(self, profile: Profile, *, is_drop_copy: bool = False) -> FixHouse:
        return FixHouse(
            profile=profile,
            rules=FixRules(profile),
            settings=self._settings,
            reports=self._reports,
            market=self._market,
            find=self._find,
            numbers=self._store.numbers,
            is_drop_copy=is_drop_copy,
            copies=self._copies,
            questions=self._questions,
        )

    def connection(self, door: str) -> FixConnection:
        """A connection of a door: ``fix42``, ``fix44`` or ``drop_copy``."""
        return FixConnection(self, self._houses[door])

    def _find(self, comp_id: str) -> FixClient | None:
        """A SenderCompID is a session's name; the newest key of it that is good is the one."""
        found = None
        for key in self._core.participants.keys.values():
            if key.session_id == comp_id and not key.revoked:
                found = key
        if found is None:
            return None
        password = self._passwords.get(found.key_id, "")
        if self._needs_password and not password:
            return None
        return FixClient(found.participant_id, found.session_id, found.key_id, password)

    def _copies(self, firm: ParticipantId) -> int:
        """Drop copies of a firm that are logged on. O(connections), once a logon."""
        return sum(
            one.is_drop_copy
            and one.session.status is FixState.LIVE
            and one.session.client is not None
            and one.session.client.participant_id == firm
            for one in self._connections
        )

    def add(self, connection: FixConnection) -> None:
        """A socket is there; before logon at most so many."""
        self._connections[connection] = None
        if len(self._connections) - len(self._live) <= CONNECTIONS_MAX:
            return
        for old in list(self._connections):
            if old.session.status is FixState.CONNECTED:
                self.act(old, old.session.end(RejectReason.BUSY, wall_ns=wall_ns()))
                return

    def forget(self, connection: FixConnection) -> None:
        """The socket is gone."""
        self._connections.pop(connection, None)
        self._questions.forget(connection.session)
        client = connection.session.client
        if client is not None and self._live.get(client.session_id) is connection:
            del self._live[client.session_id]

    # --- what sessions want

    def act(self, connection: FixConnection, actions: list[Action]) -> None:
        """Carry out what a session wants, in order; notes are kept before bytes leave."""
        if not actions:
            return
        frames: list[bytes] = []
        closes = False
        for action in actions:
            if isinstance(action, Send):
                frames.append(action.frame)
            elif isinstance(action, Submit):
                frames += [
                    more.frame
                    for more in self.submit(connection, action.command)
                    if isinstance(more, Send)
                ]
            elif isinstance(action, Close):
                closes = True
        numbers = connection.session.numbers
        if numbers is not None and not connection.is_drop_copy:
            self._store.keep([numbers])
        if frames and not closes and connection.buffered_bytes > UNSENT_BYTES_MAX:
            connection.abort()  # it asks and does not read; by its sequence nothing is lost
        elif frames:
            connection.write(b"".join(frames))
        if closes:
            connection.close()

    def submit(self, connection: FixConnection, command: Command) -> list[Action]:
        """Queue a session's command; what to say when it was not taken."""
        sequencer = self._sequencer
        if isinstance(command, CloseSession):
            self._gateway.close_session(command)
            return []
        taken = (
            sequencer.submit(command, self._opener(connection))
            if isinstance(command, OpenSession)
            else sequencer.submit(command)
        )
        if taken:
            return []
        return connection.session.not_submitted(command, sequencer.refusal)  # type: ignore[arg-type]

    def _opener(self, connection: FixConnection) -> Callable[[Entry, list[Event]], None]:
        def opened(_: Entry, events: list[Event]) -> None:
            now, wall = real_ns(), wall_ns()
            for event in events:
                if isinstance(event, SessionOpened):
                    if connection.session.status is FixState.LOGGING_ON:
                        self._live[event.session_id] = connection
                    actions = connection.session.opened(event, now_ns=now, wall_ns=wall)
                    if connection.session.status is FixState.LIVE and self._status:
                        actions += connection.session.tell("h", self._status_body(), wall_ns=wall)
                    self.act(connection, actions)
                elif isinstance(event, SessionRefused):
                    self.act(connection, connection.session.refused(event, wall_ns=wall))

        return opened

    # --- towards the clients

    def publish(self, published: Published) -> None:
        """Learn from a durable turn and send each session what is its own, with one write."""
        for entry, events in published.steps:
            command = entry.command
            if isinstance(command, OpenDay) and _opens_later_day(events, self._reports):
                self._send(self._connections)
                self._end_day(entry, events)
                continue
            self._reports.apply(entry, events)
            if isinstance(command, Request):
                self._store.numbers(command.session_id).settled(command.req_id)
            else:
                self._of_sessions(command, events)
                self._phases_of(events)
        self._send(self._connections)
        if self._questions.learn(published):
            self._tell_market()

    def _tell_market(self) -> None:
        """What a turn changed to those who follow it, after everyone's own executions."""
        wall = wall_ns()
        for connection in list(self._connections):
            told = self._questions.news(connection.session, connection.buffered_bytes)
            if told:
                self.act(connection, connection.session.tell_passing(told, wall_ns=wall))

    def _send(self, connections: Iterable[FixConnection]) -> None:
        """Flush sessions: all notes with one write, then each session's bytes."""
        wall = wall_ns()
        frames: list[tuple[FixConnection, list[Action]]] = []
        noted: list[FixNumbers] = []
        for connection in list(connections):
            session = connection.session
            actions = session.flush(wall_ns=wall)
            if session.numbers is not None and not connection.is_drop_copy:
                noted.append(session.numbers)
            if actions:
                frames.append((connection, actions))
        self._store.keep(noted)
        for connection, actions in frames:
            if connection.buffered_bytes > UNSENT_BYTES_MAX:
                self.act(
                    connection, connection.session.end(RejectReason.SLOW_CONSUMER, wall_ns=wall)
                )
            else:
                self.act(connection, actions)

    def _end_day(self, entry: Entry, events: list[Event]) -> None:
        """A later business day opens: everyone logs on again, from 1."""
        now, wall = real_ns(), wall_ns()
        for connection in list(self._connections):
            self.act(connection, connection.session.end_of_day(now_ns=now, wall_ns=wall))
        self._reports.apply(entry, events)
        self._store.next_day(self._reports.fix_day)

    def _of_sessions(self, command: Command, events: list[Event]) -> None:
        """A session that was taken over at another door, or whose key was revoked, ends here."""
        if isinstance(command, OpenSession):
            for event in events:
                if isinstance(event, SessionOpened):
                    self._end_old(
                        event.session_id, event.generation, RejectReason.SESSION_TAKEN_OVER
                    )
        elif isinstance(command, RevokeKey):
            for event in events:
                if isinstance(event, SessionClosed):
                    self._end_old(event.session_id, event.generation + 1, RejectReason.AUTH_FAILED)

    def _end_old(self, session_id: SessionId, generation: int, reason: RejectReason) -> None:
        connection = self._live.get(session_id)
        identity = None if connection is None else connection.session.identity
        if connection is not None and identity is not None and identity.generation < generation:
            del self._live[session_id]
            self.act(connection, connection.session.ended_by_core(reason, wall_ns=wall_ns()))

    def _phases_of(self, events: list[Event]) -> None:
        """Tell the market's state once every book is in one that means it."""
        changed = False
        for event in events:
            if isinstance(event, PhaseChanged):
                self._phases[event.instrument_id] = event.phase
                changed = True
        if not changed or len(self._phases) < len(self._core.engine.instrument_ids()):
            return
        states = {_STATUS[phase] for phase in self._phases.values()}
        if len(states) == 1 and self._status not in states:
            (self._status,) = states
            wall = wall_ns()
            for connection in list(self._live.values()):
                self.act(connection, connection.session.flush(wall_ns=wall))
                told = connection.session.tell("h", self._status_body(), wall_ns=wall)
                self.act(connection, told)

    def _status_body(self) -> bytes:
        return session_status(self._status)

    def tick(self) -> None:
        """Let every session look at the time: logons, heartbeats, silent clients."""
        now, wall = real_ns(), wall_ns()
        for connection in list(self._connections):
            self.act(connection, connection.session.tick(now_ns=now, wall_ns=wall))
            told = self._questions.catch_up(connection.session, connection.buffered_bytes)
            if told:
                self.act(connection, connection.session.tell_passing(told, wall_ns=wall))

    # --- endings

    def finish(self) -> None:
        """The venue is about to end in order: every session ends by a journaled command."""
        for connection in list(self._connections):
            self.act(connection, connection.session.finish())

    def halt(self, reason: RejectReason | None) -> None:
        """Close every connection, and the file of the numbers."""
        why = RejectReason.NOT_READY if reason is None else reason
        for connection in list(self._connections):
            self.act(connection, connection.session.end(why, wall_ns=wall_ns()))
            connection.close()

    def close(self) -> None:
        """Close the file of the numbers, once no connection is left to write."""
        self._store.close()


def _opens_later_day(events: list[Event], reports: FixReports) -> bool:
    return reports.days_opened > 0 and any(isinstance(event, DayOpened) for event in events)


def server_tls(certificate: Path | None, key: Path | None) -> ssl.SSLContext | None:
    """TLS for the FIX doors, or None when no certificate is given."""
    if certificate is None:
        return None
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.load_cert_chain(certificate, key)
    return context
