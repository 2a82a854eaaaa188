"""A venue inside a test: real core, real journal, real sockets, and a clock that stands still.

The parts are those of venue/app.py; the test plays the conductor. ``Wire`` is a client that shows
every byte, for saying things the reference client would never say.
"""

import asyncio
import hashlib
import json
import socket
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import Any, Self

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from market.business_days import at_jst
from market.commands import (
    ChangePhase,
    Command,
    Halt,
    OpenDay,
    ParticipantLimits,
    RegisterParticipant,
)
from market.events import Event
from market.ids import InstrumentId, OrderId, ParticipantId, SessionId
from market.quantities import Units, Yen
from market.words import Phase
from participants.keys import Transcript, public_key_hex, sign
from participants.participant import SessionRecord
from participants.session import SessionSettings
from participants.wire import FRAME_BYTES_MAX
from venue.broadcast import FEED_PATH, REQUEST_BYTES_MAX, Broadcaster
from venue.client import Identity, OrderClient
from venue.core import Core
from venue.gateway import ORDERS_PATH, Gateway
from venue.itch_door import ItchDoor
from venue.journal import Journal
from venue.recovery import Heard, recover
from venue.schedule import first_business_day
from venue.seams import VirtualClock, wall_ns
from venue.sequencer import Done, Sequencer
from venue.settings import (
    FirmSettings,
    IssueSettings,
    KeySettings,
    VenueSettings,
    opening_commands,
)
from venue.sockets import Connection

PATIENCE_S = 10.0
"""No wait in these tests is meant to take long; a hang fails instead."""

FIRM_OF = {"A-1": "FIRM-A", "A-2": "FIRM-A", "B-1": "FIRM-B"}
ISSUES = ("ST01", "ST02")
FAST = SessionSettings(rate_per_s=100_000, burst=100_000)


def private_key(session_id: str) -> bytes:
    """The seed of a session's key."""
    return hashlib.sha256(session_id.encode()).digest()


def settings(preset: str = "tse", **changes: Any) -> VenueSettings:
    """Two firms, three sessions, two issues of 10,000 units at 100,000 yen."""
    firms = [
        FirmSettings(
            participant_id=firm,
            name=firm,
            cash_yen=2_000_000_000,
            units=dict.fromkeys(ISSUES, 4_000),
            keys=[
                KeySettings(
                    key_id=f"key-{name}",
                    session_id=name,
                    public_key_hex=public_key_hex(private_key(name)),
                )
                for name, owner in FIRM_OF.items()
                if owner == firm
            ],
        )
        for firm in ("FIRM-A", "FIRM-B")
    ]
    issues = [
        IssueSettings(
            instrument_id=name, isin=f"JP000000{place:04d}", name=name, issued_units=10_000
        )
        for place, name in enumerate(ISSUES, start=1)
    ]
    fields = {"preset": preset, "firms": firms, "issues": issues, "run_id": "house"}
    return VenueSettings.model_validate(fields | changes)


class HeldSequencer(Sequencer):
    """A sequencer that can be held with a group in hand; what is asked meanwhile waits."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.gate = asyncio.Event()
        self.gate.set()

    async def _next_group(self) -> list[tuple[Command, Done | None]]:
        group = await super()._next_group()
        await self.gate.wait()
        return group


class House:
    """Core, journal, sequencer, gateway and broadcaster on two loopback ports."""

    def __init__(
        self,
        folder: Path,
        *,
        preset: str = "tse",
        rules: dict[str, Any] | None = None,
        session: SessionSettings = FAST,
        inbox_max: int = 100_000,
        origins: tuple[str, ...] = (),
        heard: Sequence[Heard] = (),
    ) -> None:
        self.settings = settings(preset, rules=rules or {})
        self.journal = Journal(folder)
        first = first_business_day(self.settings.first_day)
        self.date = first
        self.itch = ItchDoor("itch", "secret")
        self.core: Core = recover(
            self.journal,
            opening_commands(self.settings),
            at_jst(first, 0),
            heard=(self.itch.heard, *heard),
        )
        self.clock = VirtualClock(self.core.at_ns)
        self.sequencer = HeldSequencer(
            self.core, self.journal, self.clock, inbox_commands_max=inbox_max
        )
        self.gateway = Gateway(
            self.sequencer, environment=self.settings.environment, settings=session
        )
        self.broadcaster = Broadcaster(self.core.feeds)
        self.sequencer.listen(self.gateway.publish)
        self.sequencer.listen(self.broadcaster.publish)
        self.sequencer.listen(self.itch.publish)
        self.origins = origins
        self.connections: list[Connection] = []
        self.orders_port = self.feed_port = 0
        self.foreign_order_id = ""

    async def __aenter__(self) -> Self:
        loop = asyncio.get_running_loop()
        self._orders = await loop.create_server(self._order_door, "127.0.0.1", 0)
        self._feed = await loop.create_server(self._feed_door, "127.0.0.1", 0)
        self.orders_port = self._orders.sockets[0].getsockname()[1]
        self.feed_port = self._feed.sockets[0].getsockname()[1]
        self._writer = asyncio.create_task(self.sequencer.run())
        return self

    async def __aexit__(self, *_: object) -> None:
        self.sequencer.gate.set()
        self._orders.close()
        self._feed.close()
        self.gateway.halt(None)
        self.broadcaster.halt()
        self.itch.halt()
        self.sequencer.stop()
        await asyncio.wait([self._writer])
        for connection in self.connections:
            connection._cut()
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        self.journal.close()
        self._writer.result()
        self.core.check_invariants()

    def _order_door(self) -> Connection:
        return self._kept(ORDERS_PATH, self.gateway.handler, FRAME_BYTES_MAX)

    def _feed_door(self) -> Connection:
        return self._kept(FEED_PATH, self.broadcaster.handler, REQUEST_BYTES_MAX)

    def _kept(self, path: str, handler: Any, bytes_max: int) -> Connection:
        made = Connection(path, handler, message_bytes_max=bytes_max, allowed_origins=self.origins)
        self.connections.append(made)
        return made

    @property
    def orders_url(self) -> str:
        """Where orders go."""
        return f"ws://127.0.0.1:{self.orders_port}{ORDERS_PATH}"

    @property
    def feed_url(self) -> str:
        """Where market data come from."""
        return f"ws://127.0.0.1:{self.feed_port}{FEED_PATH}"

    # --- the venue's own commands

    async def do(self, *commands: Command) -> list[Event]:
        """Perform commands of the venue, in order; the events of the last."""
        events: list[Event] = []
        for command in commands:
            events = await self.sequencer.perform(command)
        return events

    async def open(self, phase: Phase = Phase.CONTINUOUS) -> None:
        """Open the day, with every issue in one phase."""
        await self.do(OpenDay(business_date=self.date))
        await self.phase(phase)

    async def phase(self, phase: Phase) -> None:
        """Move every issue to a phase."""
        for name in ISSUES:
            await self.do(ChangePhase(instrument_id=InstrumentId(name), phase=phase))

    async def limit(self, firm: str, **limits: int) -> None:
        """Give a firm other limits."""
        chosen = ParticipantLimits(
            max_order_value_yen=Yen(limits.get("value_yen", 100_000_000_000)),
            max_order_units=Units(limits.get("units", 1_000_000)),
            max_open_orders=limits.get("open_orders", 1_000_000),
        )
        await self.do(
            RegisterParticipant(participant_id=ParticipantId(firm), name=firm, limits=chosen)
        )

    async def hold(self) -> None:
        """Hold the sequencer before its next turn; what is asked now waits in the inbox."""
        self.sequencer.gate.clear()
        self.sequencer.submit(Halt(instrument_id=InstrumentId("none"), reason=""))
        await self.quiet(lambda: not self.sequencer._inbox)

    def market(self) -> str:
        """Everything but sessions and answers: what a refusal must leave alone."""
        state = self.core.state()
        kept = {name: state[name] for name in ("engine", "risk", "settlement", "feeds")}
        return json.dumps(kept, default=str, sort_keys=True)

    def session(self, name: str) -> SessionRecord:
        """What the core knows of a session."""
        return self.core.participants.sessions[SessionId(name)]

    def open_orders(self, firm: str = "FIRM-A") -> list[OrderId]:
        """A firm's open orders."""
        return self.core.answers.open_orders(ParticipantId(firm))

    def next_report(self, name: str) -> int:
        """The number a session's next report will carry."""
        return self.core.reports.next_seq(SessionId(name))

    # --- clients

    async def wire(self, session_id: str | None = None, **how: Any) -> "Wire":
        """A raw client, logged on when a session is named."""
        made = Wire(await connect(self.orders_url, compression=None, **how))
        await made.receive()
        if session_id is not None:
            answer = await made.logon(session_id)
            assert answer["ok"], answer
        return made

    def client(self, session_id: str, **how: Any) -> OrderClient:
        """A reference client."""
        who = Identity(
            FIRM_OF[session_id], session_id, f"key-{session_id}", private_key(session_id)
        )
        return OrderClient(self.orders_url, who, **how)

    async def subscriber(self, *channels: dict[str, Any], **how: Any) -> "Wire":
        """A reader of the feed, subscribed."""
        how = {"compression": None, "max_size": 2**24} | how
        made = Wire(await connect(self.feed_url, **how))
        await made.receive()
        if channels:
            await made.say({"method": "subscribe", "params": {"channels": list(channels)}})
            answer = await made.receive()
            assert answer["ok"], answer
        return made

    async def quiet(self, until: Callable[[], bool]) -> None:
        """Let the loop run until something is so."""
        async with asyncio.timeout(PATIENCE_S):
            while not until():  # noqa: ASYNC110 - a test looks from outside, there is no event
                await asyncio.sleep(0.001)


class Wire:
    """One websocket and what came over it."""

    def __init__(self, socket: ClientConnection) -> None:
        self.socket = socket
        self.hello: dict[str, Any] = {}
        self.raw: list[bytes] = []
        self.next_seq = 1
        self.requests = 0

    async def receive(self) -> dict[str, Any]:
        """The next message."""
        async with asyncio.timeout(PATIENCE_S):
            text = await self.socket.recv(decode=False)
        assert isinstance(text, bytes)
        self.raw.append(text)
        message: dict[str, Any] = json.loads(text)
        if not self.hello:
            self.hello = message
        return message

    async def to_the_end(self) -> tuple[list[dict[str, Any]], tuple[int, str]]:
        """Every message until the venue closes; then close code and reason."""
        messages = []
        try:
            while True:
                messages.append(await self.receive())
        except ConnectionClosed as closed:
            end = closed
        if end.rcvd is None:
            raise AssertionError("closed without a word")
        return messages, (end.rcvd.code, end.rcvd.reason)

    async def closed(self) -> tuple[int, str]:
        """Wait for the end; close code and reason, and nothing else may come."""
        extra, end = await self.to_the_end()
        assert extra == [], "one answer too many"
        return end

    async def say(self, message: Any) -> None:
        """Send anything: bytes and text as they are, all else as JSON."""
        if isinstance(message, bytes | str | list):
            await self.socket.send(message)
        else:
            await self.socket.send(json.dumps(message))

    def request(
        self, method: str, params: dict[str, Any] | None = None, **envelope: Any
    ) -> dict[str, Any]:
        """A good request with the next numbers, changed by ``envelope``."""
        self.requests += 1
        made: dict[str, Any] = {"method": method, "req_id": str(self.requests)}
        if method != "ping":
            made["seq"] = self.next_seq
        if params is not None:
            made["params"] = params
        return made | envelope

    async def ask(
        self, method: str, params: dict[str, Any] | None = None, **envelope: Any
    ) -> dict[str, Any]:
        """Send a good request and wait for its answer; pushed reports on the way are kept."""
        request = self.request(method, params, **envelope)
        if method != "ping":
            self.next_seq += 1
        await self.say(request)
        while True:
            answer = await self.receive()
            if answer.get("req_id") == request["req_id"]:
                return answer

    async def logon(self, name: str, /, **changes: Any) -> dict[str, Any]:
        """Send a signed logon; changes apply before signing, ``after`` after it."""
        await self.say(self.logon_message(name, **changes))
        return await self.receive()

    def logon_message(
        self, name: str, /, *, after: dict[str, Any] | None = None, **changes: Any
    ) -> dict[str, Any]:
        """A signed logon."""
        params: dict[str, Any] = {
            "version": 1,
            "key_id": f"key-{name}",
            "session_id": name,
            "client_nonce": "ab" * 32,
            "at_ns": int(wall_ns()),
            "last_seen_report_seq": 0,
            "next_seq": 1,
            "takeover": False,
        } | changes
        wish = params.get("cancel_on_disconnect")
        transcript = Transcript(
            environment=self.hello["environment"],
            run_id=self.hello["run_id"],
            server_nonce_hex=self.hello["nonce"],
            client_nonce_hex=params["client_nonce"],
            participant_id=FIRM_OF[name],
            session_id=params["session_id"],
            key_id=params["key_id"],
            at_ns=params["at_ns"],
            last_seen_report_seq=params["last_seen_report_seq"],
            next_seq=params["next_seq"],
            takeover=params["takeover"],
            disconnect=f"{wish['mode']}:{wish.get('grace_ms', 0)}" if wish else "",
        )
        params["signature"] = sign(private_key(name), transcript.to_bytes())
        return {"method": "logon", "req_id": "logon", "params": params | (after or {})}


def order(name: str = "n1", **changes: Any) -> dict[str, Any]:
    """Parameters of a good order: buy 10 ST01 at 100,000 yen; None leaves a field out."""
    made = {
        "client_order_id": name,
        "instrument_id": "ST01",
        "side": "buy",
        "kind": "limit",
        "price": "100000",
        "quantity_units": 10,
    } | changes
    return {field: value for field, value in made.items() if value is not None}


def small_socket(port: int) -> socket.socket:
    """A connected socket that takes few bytes before its owner reads."""
    made = socket.socket()
    made.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    made.connect(("127.0.0.1", port))
    made.setblocking(False)
    return made


def squeeze(connection: Connection) -> None:
    """Let the venue's side of a connection keep few bytes in the kernel."""
    assert connection._transport is not None
    connection._transport.get_extra_info("socket").setsockopt(
        socket.SOL_SOCKET, socket.SO_SNDBUF, 4096
    )


def play(
    folder: Path,
    story: Callable[[House], Awaitable[None]],
    *,
    patience_s: float = 30,
    **options: Any,
) -> None:
    """Run one story in a house of its own."""

    async def run() -> None:
        async with asyncio.timeout(patience_s), House(folder, **options) as house:
            await story(house)

    asyncio.run(run())
