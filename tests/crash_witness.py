"""A venue as a process that can be killed, and witnesses that keep every byte it ever sent.

:class:`Witness` and :class:`FeedWitness` are outside clients; :func:`regenerate` says what the
journal says; :func:`compare` holds one against the other. What a firm owns and has open is worked
out from its own reports alone (:func:`view_of`), with no code of the venue.
"""

import asyncio
import contextlib
import json
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed

from venue.app import READY_FILE
from venue.client import Identity, Message, OrderClient
from venue.core import Core
from venue.journal import Journal
from venue.sample import key_settings, private_key_bytes, sample_settings
from venue.settings import VenueSettings

SEED: Final = 7
FIRMS: Final = ("FIRM-A", "FIRM-B", "FIRM-C", "FIRM-D")
ISSUES: Final = 2
CASH_YEN: Final = 1_000_000_000
WAIT_S_MAX: Final = 40.0
"""Nothing here takes seconds; whoever waits this long waits for something that will not come."""

_LOOK_S: Final = 0.01
AS_ASKED: Final = -1


class Unkept(Exception):
    """The venue said something and did not stand by it."""


def hold(kept: bool, promise: str, **evidence: object) -> None:
    """Stop unless a promise was kept."""
    if not kept:
        raise Unkept(f"{promise}: {evidence}")


# --- the venue as a process


def campaign_settings(**changes: object) -> VenueSettings:
    """Two issues and four firms that can pay, on ports the system chooses."""
    base = sample_settings("start", SEED)
    issues = base.issues[:ISSUES]
    names = [issue.instrument_id for issue in issues]
    firms = [
        firm.model_copy(
            update={
                "cash_yen": CASH_YEN,
                "credit_yen": 0,
                "later_deposits": [],
                "units": {name: units for name, units in firm.units.items() if name in names},
            }
        )
        for firm in base.firms
    ]
    server = {
        "rest_port": 0,
        "orders_port": 0,
        "feed_port": 0,
        "requests_per_second": 5_000,
        "requests_burst": 5_000,
        "heartbeat_s": 0.02,
    }
    fields: dict[str, object] = {"issues": issues, "firms": firms, "server": server}
    return sample_settings("start", SEED, **(fields | {"run_id": "crash"} | changes))


class VenueProcess:
    """``python -m venue serve`` on one folder, over as many lives as it takes."""

    def __init__(
        self, folder: Path, settings: VenueSettings, *, program: str | None = None
    ) -> None:
        """Write the settings; nothing runs yet.

        Args:
            folder: Of the run.
            settings: What the venue starts from.
            program: Python text to run in place of ``python -m venue``, to spoil something first.
        """
        self.folder = folder
        self.out = folder / "run"
        self._settings_path = folder / "venue.json"
        self._settings_path.write_text(settings.model_dump_json(), encoding="utf-8")
        self._command = ["-m", "venue"] if program is None else ["-c", program]
        self._process: subprocess.Popen[bytes] | None = None
        self.doors: dict[str, Any] = {}

    async def start(self, *, keep: bool = False) -> None:
        """Start, and wait for the doors; ``keep`` serves on when there is no day left."""
        ready = self.out / READY_FILE
        ready.unlink(missing_ok=True)
        self.launch(keep=keep)
        await until(lambda: ready.exists() or not self.is_running, "the doors open")
        hold(ready.exists(), "the venue starts", said=self.said())
        self.doors = json.loads(ready.read_text(encoding="utf-8"))

    def launch(self, *, keep: bool = False) -> None:
        """Start without waiting."""
        with (self.folder / "venue.stderr").open("ab") as stderr:
            self._process = subprocess.Popen(
                [
                    sys.executable, *self._command, "serve", "--settings", str(self._settings_path),
                    "--out", str(self.out), "--keep" if keep else "--end", "--no-timeline",
                ],
                stdout=subprocess.DEVNULL,
                stderr=stderr,
            )  # fmt: skip

    @property
    def is_running(self) -> bool:
        """Whether the process lives."""
        return self._process is not None and self._process.poll() is None

    def said(self) -> str:
        """What it wrote to stderr, over all lives."""
        return (self.folder / "venue.stderr").read_text(encoding="utf-8")

    def kill(self) -> None:
        """SIGKILL: no handler, no flush, no goodbye."""
        if self._process is not None:
            self._process.send_signal(signal.SIGKILL)
            self._process.wait()

    async def ended(self) -> int:
        """Wait for the end and return the exit code."""
        await until(lambda: not self.is_running, "the venue ends")
        return self._process.returncode if self._process is not None else 0


async def until(fact: Callable[[], bool], what: str) -> None:
    """Wait for something outside this process to become true."""
    deadline = asyncio.get_running_loop().time() + WAIT_S_MAX
    while not fact():
        hold(asyncio.get_running_loop().time() < deadline, "it happens in time", what=what)
        await asyncio.sleep(_LOOK_S)


# --- witnesses


class Bell:
    """Rings whenever a witness hears something; whoever waits looks again."""

    def __init__(self) -> None:
        self._rung = asyncio.Event()

    def ring(self) -> None:
        """Something was heard."""
        self._rung.set()

    async def until(self, fact: Callable[[], bool], what: str) -> None:
        """Wait for a fact that follows from what is heard."""
        try:
            async with asyncio.timeout(WAIT_S_MAX):
                while not fact():
                    self._rung.clear()
                    await self._rung.wait()
        except TimeoutError:
            raise Unkept(f"not in time: {what}") from None


class _Tap:
    """A socket that lets somebody see every message on its way in."""

    def __init__(self, socket: Any, see: Callable[[str], None]) -> None:
        self._socket = socket
        self._see = see

    async def __aiter__(self) -> AsyncIterator[str]:
        async for text in self._socket:
            self._see(text)
            yield text


class Witness(OrderClient):
    """The reference client that also keeps every report's bytes.

    Attributes:
        raw: Bytes of each numbered message, by its number.
        opens: Logons so far; each raises the session's generation.
        seen_before: How many reports had come when the answer of that label came.
        settlements: Reports of deliveries that moved.
    """

    def __init__(self, participant_id: str, bell: Bell, *, session: int = 1, **how: Any) -> None:
        key = key_settings(SEED, participant_id)
        super().__init__(
            "",
            Identity(
                participant_id,
                key.session_id if session == 1 else f"{participant_id}-{session}",
                key.key_id if session == 1 else f"{participant_id}-key-{session}",
                private_key_bytes(SEED, participant_id),
            ),
            **how,
        )
        self.bell = bell
        self.raw: dict[int, bytes] = {}
        self.opens = 0
        self.seen_before: dict[str, int] = {}
        self.settlements = 0
        self._from_the_start = False
        self._again: set[int] = set()
        self._again_to = 0

    @property
    def firm(self) -> str:
        """Whose session it is."""
        return self.identity.participant_id

    @property
    def last_report_seq(self) -> int:
        """The highest number without a gap; while all is sent again, of those that came again."""
        if not self._from_the_start:
            return int(OrderClient.last_report_seq.__get__(self))
        while self._again_to + 1 in self._again:
            self._again_to += 1
        return self._again_to

    async def enter(self, doors: dict[str, Any], *, takeover: bool = False) -> None:
        """Log on and have every report of the run sent again."""
        self.url = doors["orders"]
        held = max(self.raw, default=0)  # before: news may come while we log on
        self._from_the_start, self._again, self._again_to = True, set(), 0
        try:
            said = await self.open(takeover=takeover)
        finally:
            self._from_the_start = False
        self.opens += 1
        hold(said["generation"] >= self.opens, "generations only grow", said=said)
        newest = said["next_report_seq"] - 1
        hold(held <= newest, "a report that was sent exists", firm=self.firm, held=held, has=newest)

    def go_deaf(self) -> None:
        """Read no more, so that answers are lost on the way."""
        if self._socket is not None:
            self._socket.transport.pause_reading()

    def cut(self) -> None:
        """Drop the connection with whatever was not read."""
        if self._socket is not None:
            self._socket.transport.abort()

    async def _read(self, socket: Any) -> None:
        await super()._read(_Tap(socket, self._see))  # type: ignore[arg-type]
        self.bell.ring()

    def _see(self, text: str) -> None:
        message = json.loads(text)
        seq = message.get("seq")
        if seq is not None:
            raw = text.encode()
            if self._from_the_start:
                self._again.add(seq)
            self.settlements += seq not in self.raw and message.get("type") == "settlement"
            before = self.raw.setdefault(seq, raw)
            hold(before == raw, "a report is the same for ever", firm=self.firm, seq=seq)
        elif message.get("req_id"):
            self.seen_before[message["req_id"]] = len(self.raw)
        asyncio.get_running_loop().call_soon(self.bell.ring)


@dataclass
class View:
    """What follows from a firm's reports alone: its open orders, cash and units."""

    open_units: dict[str, int] = field(default_factory=dict)
    owned_yen: int = CASH_YEN
    owned_units: dict[str, int] = field(default_factory=dict)
    trades: dict[tuple[str, str], Message] = field(default_factory=dict)


def view_of(witness: Witness, settings: VenueSettings, up_to: int) -> View:
    """Read a firm's reports from the first to number ``up_to``."""
    (firm,) = (firm for firm in settings.firms if firm.participant_id == witness.firm)
    view = View(owned_units=dict(firm.units))
    paid: dict[tuple[str, str], Message] = {}
    for seq in range(1, up_to + 1):
        report = witness.reports[seq]
        data = report.get("data") or {}
        if "method" in report:
            _read_answer(view, report)
        elif report["type"] == "trade":
            side = (data["trade_id"], data["side"])
            hold(side not in view.trades, "a trade is reported once a side", trade=data)
            view.trades[side] = data
            view.open_units[data["order_id"]] = data["leaves_units"]
            paid[data["delivery_id"], data["side"]] = data
        elif report["type"] in ("canceled", "expired"):
            view.open_units[data["order_id"]] = 0
        elif report["type"] == "reduced":
            view.open_units[data["order_id"]] = data["leaves_units"]
        elif report["type"] == "settlement" and data["state"] in ("paid", "finished"):
            trade = paid[data["delivery_id"], data["side"]]
            sign = 1 if data["side"] == "buy" else -1
            if data["state"] == "paid":
                view.owned_yen -= sign * trade["amount_yen"]
            else:
                view.owned_units[data["instrument_id"]] += sign * trade["quantity_units"]
    view.open_units = {order: units for order, units in view.open_units.items() if units}
    return view


def _read_answer(view: View, report: Message) -> None:
    if not report["ok"] or report.get("duplicate"):
        return
    result = report["result"]
    if result["state"] == "accepted":
        view.open_units[result["order_id"]] = AS_ASKED
    elif result["state"] == "amended":
        view.open_units[result["old_order_id"]] = 0
        view.open_units[result["order_id"]] = result["leaves_units"]
    elif result["state"] == "canceled" and "order_id" in result:
        view.open_units[result["order_id"]] = 0


class FeedWitness:
    """A subscriber that keeps the bytes of every numbered message and every heartbeat's head."""

    CHANNELS: Final = ("status", "instruments", "phase", "orders", "auction", "trades")

    def __init__(self, bell: Bell) -> None:
        self.raw: dict[tuple[str, str, int], bytes] = {}
        self.heads: dict[int, str] = {}
        self.phase = ""
        self.day = ""
        self.messages = 0
        self.phases = 0
        self.beats = 0
        self.close_code: int | None = None
        self.ended = asyncio.Event()
        self._bell = bell
        self._task: asyncio.Task[None] | None = None

    async def enter(self, doors: dict[str, Any]) -> None:
        """Subscribe to everything."""
        socket = await connect(doors["feed"], compression=None, max_size=2**23)
        channels = [{"name": name} for name in (*self.CHANNELS, "heartbeat")]
        await socket.send(
            json.dumps({"method": "subscribe", "req_id": "1", "params": {"channels": channels}})
        )
        self.ended.clear()
        self._task = asyncio.create_task(self._listen(socket))

    async def _listen(self, socket: Any) -> None:
        try:
            with contextlib.suppress(ConnectionClosed):
                async for text in socket:
                    self._hear(text)
                    self._bell.ring()
        finally:
            self.close_code = socket.close_code
            self.ended.set()
            self._bell.ring()

    async def left(self) -> None:
        """Wait for the end of the connection, and say what was wrong with what came over it."""
        if self._task is not None:
            await self._task

    def _hear(self, text: str) -> None:
        message = json.loads(text)
        self.messages += 1
        if message.get("type") == "heartbeat":
            self.beats += 1
            self.heads[message["journal_sequence"]] = message["journal_chain"]
        channel, data = message.get("channel"), message.get("data") or {}
        if channel == "phase" and "prev_seq" in message:
            self.phase = data["phase"]
            self.phases += 1
        if channel == "status":
            self.day = data.get("business_date") or ""
        if "prev_seq" in message:
            place = (channel, message.get("instrument_id", ""), message["seq"])
            raw = text.encode()
            before = self.raw.setdefault(place, raw)
            hold(before == raw, "market data is the same for ever", place=place)


# --- what the journal says


@dataclass
class Truth:
    """Everything regenerated from a journal."""

    core: Core
    reports: dict[str, list[bytes]]
    messages: dict[tuple[str, str, int], bytes]
    chains: dict[int, str]


def regenerate(out: Path) -> Truth:
    """Replay a copy of a run's journal; the run itself stays as the crash left it."""
    with tempfile.TemporaryDirectory() as scratch:
        copy = Path(scratch) / "copy"
        shutil.copytree(out, copy)
        core = Core()
        reports: dict[str, list[bytes]] = {}
        messages: dict[tuple[str, str, int], bytes] = {}
        chains: dict[int, str] = {}
        with Journal(copy) as journal:
            for entry in journal.read():
                core.apply(entry)
                chains[journal.sequence] = journal.chain.hex()
                for session_id, seq, payload in core.reports.drain():
                    stream = reports.setdefault(session_id, [])
                    hold(seq == len(stream) + 1, "reports are contiguous", session=session_id)
                    stream.append(payload)
                for message in core.feeds.drain():
                    place = (str(message.channel), message.instrument_id, message.seq)
                    messages[place] = message.payload
    core.check_invariants()
    core.conservation()
    return Truth(core, reports, messages, chains)


def compare(truth: Truth, witnesses: list[Witness], feed: FeedWitness) -> None:
    """Hold every byte that anybody has against the journal."""
    for witness in witnesses:
        told = truth.reports.get(witness.identity.session_id, [])
        for seq, raw in witness.raw.items():
            hold(seq <= len(told), "what was sent is in the journal", firm=witness.firm, seq=seq)
            hold(told[seq - 1] == raw, "reports regenerate", firm=witness.firm, seq=seq)
    for place, raw in feed.raw.items():
        hold(place in truth.messages, "nothing public precedes the disk", place=place)
        hold(truth.messages[place] == raw, "market data regenerates", place=place)
    for sequence, chain in feed.heads.items():
        hold(truth.chains.get(sequence) == chain, "heartbeats name durable heads", at=sequence)
