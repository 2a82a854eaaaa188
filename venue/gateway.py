"""Order entry: sockets to sessions, sessions to the sequencer, reports back to sockets.

The session (participants/session.py) decides, this module carries out. A connection becomes a
session's live one when its ``OpenSession`` is durable; the one it replaces is told and closed.
Reports leave after the sync that covers them, one write a connection and turn.
"""

import asyncio
from collections.abc import Callable
from typing import Final

from market.commands import (
    CancelOnDisconnect,
    CloseSession,
    Command,
    Entry,
    OpenSession,
    RevokeKey,
)
from market.events import Event, KeyRevoked, SessionClosed, SessionOpened, SessionRefused
from market.ids import KeyId, SessionId
from market.reasons import RejectReason
from participants.actions import Action, Close, Query, Resend, Send, Submit
from participants.diagnosis import Refusal
from participants.keys import NONCE_BYTES, KeyInfo
from participants.session import Session, SessionSettings, SessionState
from participants.throttle import TakeoverGuard
from participants.wire import OrderCommand, encode_refusal, encode_result
from venue.core import Core
from venue.queries import answer
from venue.seams import random_bytes, real_ns, wall_ns
from venue.sequencer import Published, Sequencer
from venue.sockets import Connection, text_frame

ORDERS_PATH: Final = "/ws/v1/orders"
CONNECTIONS_MAX: Final = 256
"""Connections before logon, over all; the oldest gives way when one more comes."""

UNSENT_BYTES_MAX: Final = 4 * 1024 * 1024
"""Reports a firm has not read; beyond it the connection closes and reports wait for a resend."""

_GOING_AWAY: Final = 1001


class CoreDirectory:
    """Keys as the core knows them, asked anew at every logon."""

    def __init__(self, core: Core) -> None:
        self._core = core

    def key(self, key_id: KeyId) -> KeyInfo | None:
        """The key of that id, or None."""
        return self._core.participants.keys.get(key_id)


class OrderConnection:
    """One socket and its session.

    Attributes:
        session_id: Set once the logon is durable.
        first_report_seq: Reports before it are the resend's business.
    """

    def __init__(self, gateway: "Gateway", connection: Connection, session: Session) -> None:
        self._gateway = gateway
        self.connection = connection
        self.session = session
        self.session_id: SessionId | None = None
        self.first_report_seq = 0

    def opened(self) -> None:
        """Greet."""
        self.connection.send(self.session.hello(wall_ns=wall_ns()))

    def received(self, payload: bytes, *, text: bool) -> None:
        """Let the session read one message."""
        self.act(
            self.session.receive(payload, now_ns=real_ns(), wall_ns=wall_ns(), binary=not text)
        )

    def closed(self) -> None:
        """Tell the session, which may have a command for the journal, and the gateway."""
        self.act(self.session.disconnected())
        self._gateway.forget(self)

    def act(self, actions: list[Action]) -> None:
        """Carry out what the session wants, in order."""
        for action in actions:
            match action:
                case Send():
                    self.connection.send(action.frame)
                case Submit():
                    self._submit(action.command)
                case Resend():
                    self._gateway.resend(self, action)
                case Query():
                    self._gateway.query(self, action)
                case Close():
                    reason = action.reason
                    self.connection.close(action.code, reason.value if reason is not None else "")

    def _submit(self, command: OrderCommand | OpenSession | CloseSession) -> None:
        if isinstance(command, CloseSession):
            self._gateway.close_session(command)
        elif not self._gateway.submit(self, command):
            self.act(self.session.not_submitted(command, self._gateway.refusal))


class Gateway:
    """Every order-entry connection."""

    def __init__(
        self, sequencer: Sequencer, *, environment: str, settings: SessionSettings
    ) -> None:
        self._sequencer = sequencer
        self._core = sequencer.core
        self._environment = environment
        self._settings = settings
        self._directory = CoreDirectory(sequencer.core)
        self._takeovers = TakeoverGuard()
        self._connections: dict[OrderConnection, None] = {}
        self._live: dict[SessionId, OrderConnection] = {}
        self._grace: dict[SessionId, asyncio.TimerHandle] = {}

    def handler(self, connection: Connection) -> OrderConnection:
        """A session for a new connection."""
        session = Session(
            self._directory,
            environment=self._environment,
            run_id=self._core.run_id,
            nonce=random_bytes(NONCE_BYTES),
            opened_at_ns=real_ns(),
            settings=self._settings,
            takeovers=self._takeovers,
        )
        made = OrderConnection(self, connection, session)
        self._connections[made] = None
        self._make_room()
        return made

    def _make_room(self) -> None:
        """Before logon at most so many; the oldest gives way, so slow attackers keep nobody out."""
        if len(self._connections) - len(self._live) <= CONNECTIONS_MAX:
            return
        for old in self._connections:
            if old.session.status is SessionState.CONNECTED:
                old.act(old.session.end(RejectReason.BUSY))
                del self._connections[old]
                return

    def forget(self, connection: OrderConnection) -> None:
        """The socket is gone."""
        self._connections.pop(connection, None)
        session_id = connection.session_id
        if session_id is not None and self._live.get(session_id) is connection:
            del self._live[session_id]

    # --- towards the sequencer

    @property
    def refusal(self) -> RejectReason:
        """Why a command was not taken."""
        return self._sequencer.refusal

    def submit(self, connection: OrderConnection, command: Command) -> bool:
        """Queue a session's command; False when the inbox is full."""
        if isinstance(command, OpenSession):
            return self._sequencer.submit(command, self._opener(connection))
        return self._sequencer.submit(command)

    def close_session(self, command: CloseSession) -> None:
        """Queue the end of a session, also when the inbox is full of orders."""
        self._sequencer.submit(command, self._session_closed, must=True)

    def _opener(self, connection: OrderConnection) -> Callable[[Entry, list[Event]], None]:
        def opened(_: Entry, events: list[Event]) -> None:
            for event in events:
                if isinstance(event, SessionOpened):
                    self._session_opened(connection, event)
                elif isinstance(event, SessionRefused):
                    connection.act(connection.session.refused(event))

        return opened

    def _session_opened(self, connection: OrderConnection, event: SessionOpened) -> None:
        session_id = event.session_id
        timer = self._grace.pop(session_id, None)
        if timer is not None:
            timer.cancel()
        old = self._live.pop(session_id, None)
        if old is not None:
            old.act(old.session.taken_over())
        if connection.connection.is_open:
            connection.session_id = session_id
            connection.first_report_seq = event.next_report_seq
            self._live[session_id] = connection
        # a socket that went while its logon was on its way is closed by the session's own command
        connection.act(connection.session.opened(event))

    def _session_closed(self, _: Entry, events: list[Event]) -> None:
        for event in events:
            if isinstance(event, SessionClosed):
                self.start_grace(event.session_id)

    def start_grace(self, session_id: SessionId) -> None:
        """Wait the session's grace time, then cancel its orders by a journaled command."""
        session = self._core.participants.sessions[session_id]
        if not session.grace_pending:
            return
        command = CancelOnDisconnect(session_id=session_id, generation=session.generation)
        loop = asyncio.get_running_loop()
        self._grace[session_id] = loop.call_later(
            session.grace_ms / 1000, lambda: self._sequencer.submit(command, must=True)
        )

    def resume_grace(self) -> None:
        """After a restart: grace times that were running begin again."""
        for session in self._core.participants.sessions.values():
            self.start_grace(session.session_id)

    # --- towards the clients

    def publish(self, published: Published) -> None:
        """Send a turn's reports, each connection's with one write."""
        for entry, events in published.steps:
            if isinstance(entry.command, RevokeKey):
                self._key_revoked(events)
        frames: dict[OrderConnection, list[bytes]] = {}
        for session_id, seq, payload in published.reports:
            connection = self._live.get(session_id)
            if connection is not None and seq >= connection.first_report_seq:
                frames.setdefault(connection, []).append(text_frame(payload))
        for connection, parts in frames.items():
            self.write(connection, b"".join(parts))

    def write(self, connection: OrderConnection, frames: bytes) -> None:
        """Send frames, or close a connection that has stopped reading."""
        if connection.connection.buffered_bytes > UNSENT_BYTES_MAX:
            connection.act(connection.session.end(RejectReason.SLOW_CONSUMER))
            return
        connection.connection.send_frames(frames)

    def resend(self, connection: OrderConnection, action: Resend) -> None:
        """Answer, and send reports again, the very bytes."""
        if connection.session_id is None:
            return
        kept = self._core.reports.since(connection.session_id, action.from_seq, action.to_seq)
        if kept is None:  # of a day no longer kept, or beyond the next number
            refusal = Refusal(
                reason=RejectReason.OUT_OF_RANGE,
                field="params.from_seq",
                method="report.resend",
                req_id=action.req_id,
            )
            answered = encode_refusal(refusal, next_seq=connection.session.next_seq)
        else:
            asked = {"from_seq": action.from_seq, "to_seq": action.to_seq}
            answered = encode_result(method="report.resend", req_id=action.req_id, result=asked)
        self.write(connection, b"".join(map(text_frame, (answered, *(kept or ())))))

    def query(self, connection: OrderConnection, action: Query) -> None:
        """Answer from core state."""
        connection.connection.send(answer(self._core, action))

    def tick(self) -> None:
        """Let every session look at the time: handshakes, heartbeats, idle clients."""
        now = real_ns()
        for connection in list(self._connections):
            connection.act(connection.session.tick(now))

    def _key_revoked(self, events: list[Event]) -> None:
        for event in events:
            if isinstance(event, SessionClosed):
                self.start_grace(event.session_id)
            if isinstance(event, KeyRevoked):
                for connection in list(self._live.values()):
                    session_id = connection.session_id
                    sessions = self._core.participants.sessions
                    if session_id and sessions[session_id].key_id == event.key_id:
                        connection.act(connection.session.revoked())

    def finish(self) -> None:
        """The venue is about to end in order: take no more requests, answer those that came.

        Every session ends by a journaled command; its socket stays for the answers still due.
        """
        for connection in list(self._connections):
            connection.act(connection.session.disconnected())

    def halt(self, reason: RejectReason | None) -> None:
        """Close every connection: the venue failed (a reason, which is told), or ends in order."""
        for connection in list(self._connections):
            if reason is not None:
                connection.act(connection.session.end(reason))
            else:
                connection.act(connection.session.disconnected())
                connection.connection.close(_GOING_AWAY, "")
