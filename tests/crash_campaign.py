"""Kill a running venue again and again and hold everything it ever said against its journal.

A real venue process, four firms and a feed subscriber over real websockets. The firms enter, amend
and cancel without rest and keep the bytes of every report; the subscriber keeps the bytes of every
message. SIGKILL comes at seeded moments. After each one:

* the journal, read from a copy, is a history that regenerates every byte anybody holds;
* the restarted venue sends every report again from number 1, byte for byte;
* open orders and balances are those that follow from a firm's own reports;
* a request whose answer was lost has either happened (its answer is among the reports, and sent
  again it is answered ``duplicate``) or has not (sent again it gets its first answer).

More kills than the test suite has time for: ``python -m tests.crash_campaign --kills 100``.
"""

import argparse
import asyncio
import contextlib
import json
import random
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any, Final

from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed

from venue.app import READY_FILE
from venue.client import Identity, Message, OrderClient
from venue.core import Core
from venue.journal import Journal
from venue.recovery import verify
from venue.sample import key_settings, private_key_bytes, sample_settings
from venue.settings import VenueSettings

SEED: Final = 7
FIRMS: Final = ("FIRM-A", "FIRM-B", "FIRM-C", "FIRM-D")
ISSUES: Final = 2
CASH_YEN: Final = 1_000_000_000
WAIT_S_MAX: Final = 40.0
"""Nothing here takes seconds; whoever waits this long waits for something that will not come."""

_JST: Final = timezone(timedelta(hours=9))
_LOOK_S: Final = 0.01
_THINK_S: Final = 0.05
_AS_ASKED: Final = -1


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

    async def start(self) -> None:
        """Start, and wait for the doors."""
        ready = self.out / READY_FILE
        ready.unlink(missing_ok=True)
        with (self.folder / "venue.stderr").open("ab") as stderr:
            self._process = subprocess.Popen(  # noqa: ASYNC220 - returns at once
                [
                    sys.executable, *self._command, "serve", "--settings", str(self._settings_path),
                    "--out", str(self.out), "--end", "--no-timeline",
                ],
                stdout=subprocess.DEVNULL,
                stderr=stderr,
            )  # fmt: skip
        await until(lambda: ready.exists() or not self.is_running, "the doors open")
        hold(self.is_running, "the venue starts", said=self.said())
        self.doors = json.loads(ready.read_text(encoding="utf-8"))

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
        async with asyncio.timeout(WAIT_S_MAX):
            while not fact():
                self._rung.clear()
                try:
                    await self._rung.wait()
                except asyncio.CancelledError:
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

    @property
    def firm(self) -> str:
        """Whose session it is."""
        return self.identity.participant_id

    @property
    def last_report_seq(self) -> int:
        """The highest number without a gap; nothing, when all is to be sent again."""
        return 0 if self._from_the_start else OrderClient.last_report_seq.__get__(self)

    async def enter(self, doors: dict[str, Any], *, takeover: bool = False) -> None:
        """Log on and have every report of the run sent again."""
        self.url = doors["orders"]
        self._from_the_start = True
        try:
            said = await self.open(takeover=takeover)
        finally:
            self._from_the_start = False
        self.opens += 1
        hold(said["generation"] >= self.opens, "generations only grow", said=said)
        held = max(self.raw, default=0)
        newest = said["next_report_seq"] - 1
        hold(held <= newest, "a report that was sent exists", firm=self.firm, held=held, has=newest)
        await self.bell.until(lambda: self.last_report_seq >= newest, "all reports are sent again")

    async def _read(self, socket: Any) -> None:
        await super()._read(_Tap(socket, self._see))  # type: ignore[arg-type]
        self.bell.ring()

    def _see(self, text: str) -> None:
        message = json.loads(text)
        seq = message.get("seq")
        if seq is not None:
            raw = text.encode()
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
        view.open_units[result["order_id"]] = _AS_ASKED
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
        with contextlib.suppress(ConnectionClosed):
            async for text in socket:
                self._hear(text)
                self._bell.ring()
        self.ended.set()
        self._bell.ring()

    def _hear(self, text: str) -> None:
        message = json.loads(text)
        self.messages += 1
        if message.get("type") == "heartbeat":
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


# --- firms that trade without rest


@dataclass
class Asked:
    """One request that was sent; ``answer`` stays None while its outcome is unknown."""

    req_id: str
    method: str
    params: Message
    answer: Message | None = None


class Trader:
    """One firm's flow over all lives of the venue."""

    def __init__(self, witness: Witness, chance: random.Random, sent: Callable[[], None]) -> None:
        self.witness = witness
        self.unknown: list[Asked] = []
        self.answered = 0
        self.happened = 0
        self.had_not = 0
        self._chance = chance
        self._sent = sent
        self._names = 0
        self._mine: list[str] = []

    async def trade(self) -> None:
        """Ask and ask until the connection goes."""
        while True:
            flight = [await self._send(self._invent()) for _ in range(self._chance.randint(1, 6))]
            for asked, answer in flight:
                try:
                    asked.answer = await answer
                except ConnectionClosed:
                    break
                self.answered += 1
            self.unknown = [asked for asked, _ in flight if asked.answer is None]
            if self.unknown:
                return
            await asyncio.sleep(_THINK_S)

    async def resolve(self) -> None:
        """Send every request of unknown outcome again, and judge both answers."""
        told = {
            report["req_id"]: report
            for report in self.witness.reports.values()
            if "method" in report
        }
        for asked in self.unknown:
            first = told.get(asked.req_id)
            again = await self.witness.request(asked.method, asked.params)
            self._judge(asked, first, again)
        self.unknown = []

    def _judge(self, asked: Asked, first: Message | None, again: Message) -> None:
        duplicate = again.get("duplicate", False)
        if first is None:
            self.had_not += 1
            hold(not duplicate, "what has no answer has no effect", asked=asked, again=again)
            return
        self.happened += 1
        if asked.method == "order.cancel":
            if first["ok"]:
                hold(not again["ok"], "an order is canceled once", asked=asked, again=again)
        elif _day(first["at_ns"]) == _day(again["at_ns"]):
            hold(duplicate, "the same request again has no second effect", asked=asked, got=again)
            same = first.get("result") == again.get("result") and first.get("error") == again.get(
                "error"
            )
            hold(same, "a duplicate gets the original answer", first=first, again=again)

    async def _send(self, asked: Asked) -> tuple[Asked, "asyncio.Future[Message]"]:
        try:
            answer = await self.witness.send(asked.method, asked.params)
        except ConnectionClosed as lost:
            answer = asyncio.get_running_loop().create_future()
            answer.set_exception(lost)
            answer.exception()
        asked.req_id = str(self.witness._requests)
        self._sent()
        return asked, answer

    def _invent(self) -> Asked:
        chance = self._chance
        kind = chance.random()
        self._names += 1
        name = f"{self.witness.firm}-{self._names}"
        price = f"{chance.randint(995, 1005)}00"
        if self._mine and kind < 0.15:
            params: Message = {"original_client_order_id": chance.choice(self._mine)}
            return Asked("", "order.cancel", params)
        if self._mine and kind < 0.30:
            original = self._mine.pop(chance.randrange(len(self._mine)))
            self._mine.append(name)
            params = {"client_order_id": name, "original_client_order_id": original, "price": price}
            return Asked("", "order.amend", params)
        self._mine = [*self._mine[-20:], name]
        params = {
            "client_order_id": name,
            "instrument_id": f"KH0{chance.randint(1, ISSUES)}",
            "side": chance.choice(("buy", "sell")),
            "kind": "limit",
            "price": price,
            "quantity_units": chance.randint(1, 5),
        }
        return Asked("", "order.new", params)


def _day(at_ns: int) -> str:
    return datetime.fromtimestamp(at_ns // 10**9, tz=UTC).astimezone(_JST).date().isoformat()


# --- the campaign


@dataclass
class Tally:
    """What a campaign saw; a kill that hit nothing interesting proves little."""

    kills: dict[str, int] = field(default_factory=dict)
    answered: int = 0
    reports: int = 0
    messages: int = 0
    heads: int = 0
    happened: int = 0
    had_not: int = 0
    trades: int = 0
    settlements: int = 0
    commands: int = 0
    digest: str = ""


class Campaign:
    """Lives and deaths of one venue; see the module."""

    def __init__(self, folder: Path, *, seed: int, kills: int, days: int, speed: float) -> None:
        self.settings = campaign_settings(days=days, speed=speed, wait_for_sessions=len(FIRMS))
        self.venue = VenueProcess(folder, self.settings)
        self.tally = Tally()
        self._chance = random.Random(seed)
        self._kills = kills
        self._days = days
        self._bell = Bell()
        self._sent = 0
        self.witnesses = [Witness(firm, self._bell) for firm in FIRMS]
        self.feed = FeedWitness(self._bell)
        self.traders = [
            Trader(witness, random.Random(f"{seed} {witness.firm}"), self._note_sent)
            for witness in self.witnesses
        ]

    def _note_sent(self) -> None:
        self._sent += 1
        self._bell.ring()

    async def run(self) -> Tally:
        """Run to the last day's end; returns what was seen when every promise was kept."""
        try:
            while sum(self.tally.kills.values()) < self._kills:
                if await self._live(self._moment()):
                    break
            else:
                await self._live(None)
            await self._judge_the_end()
        finally:
            self.venue.kill()
        return self.tally

    async def _live(self, moment: "tuple[str, Callable[[], bool]] | None") -> bool:
        """One life; True when it lasted to the end of the last day."""
        await self.venue.start()
        await self.feed.enter(self.venue.doors)
        await asyncio.gather(*(witness.enter(self.venue.doors) for witness in self.witnesses))
        for trader in self.traders:
            await trader.resolve()
        for witness in self.witnesses:
            await self._look_inside(witness)
        tasks = [asyncio.create_task(trader.trade()) for trader in self.traders]
        name, fact = moment or ("", lambda: False)
        await self._bell.until(lambda: self.feed.ended.is_set() or fact(), f"kill at {name}")
        lasted = self.feed.ended.is_set()
        if not lasted:
            self.venue.kill()
            self.tally.kills[name] = self.tally.kills.get(name, 0) + 1
        await asyncio.gather(*tasks)
        for witness in self.witnesses:
            await witness.lose()
        await self.feed.ended.wait()
        if not lasted:
            compare(regenerate(self.venue.out), self.witnesses, self.feed)
        return lasted

    def _moment(self) -> tuple[str, Callable[[], bool]]:
        """Draw when to kill: after so many requests, answers or reports, a phase, a settlement."""
        chance = self._chance
        kind = chance.choice(("sent", "answers", "reports", "phase", "settlement"))
        start = self._progress()
        more = chance.randint(1, 120) if kind in ("sent", "answers", "reports") else 1

        def due() -> bool:
            now = self._progress()
            # on a day without what we wait for, well before it is over
            return now[kind] >= start[kind] + more or now["sent"] >= start["sent"] + 400

        return kind, due

    def _progress(self) -> dict[str, int]:
        return {
            "sent": self._sent,
            "answers": sum(trader.answered for trader in self.traders),
            "reports": sum(len(witness.raw) for witness in self.witnesses),
            "phase": self.feed.phases,
            "settlement": sum(witness.settlements for witness in self.witnesses),
        }

    async def _look_inside(self, witness: Witness) -> None:
        """Open orders, cash and units are what the firm's own reports say."""
        asked = await witness.request("order.list")
        orders = {order["order_id"]: order["leaves_units"] for order in asked["result"]["orders"]}
        view = view_of(witness, self.settings, witness.seen_before[asked["req_id"]])
        known = {
            order: orders.get(order) if units == _AS_ASKED else units
            for order, units in view.open_units.items()
        }
        hold(orders == known, "open orders are kept", firm=witness.firm, has=orders, knew=known)
        asked = await witness.request("balance.list")
        balances = asked["result"]
        view = view_of(witness, self.settings, witness.seen_before[asked["req_id"]])
        units = {line["instrument_id"]: line["owned_units"] for line in balances["units"]}
        hold(balances["owned_yen"] == view.owned_yen, "cash is kept", firm=witness.firm)
        hold(units == view.owned_units, "units are kept", firm=witness.firm, has=units)

    async def _judge_the_end(self) -> None:
        """The last process ended in order; nothing that it journaled is missing anywhere."""
        hold(await self.venue.ended() == 0, "the venue ends in order", said=self.venue.said())
        truth = regenerate(self.venue.out)
        compare(truth, self.witnesses, self.feed)
        for witness, trader in zip(self.witnesses, self.traders, strict=True):
            in_flight = {asked.req_id for asked in trader.unknown}
            for payload in truth.reports[witness.identity.session_id][len(witness.raw) :]:
                late = json.loads(payload).get("req_id") in in_flight
                hold(late, "only answers to the very last requests may be missing", got=payload)
        verdict = verify(self.venue.out)
        hold(verdict.digest == truth.core.digest(), "verify agrees with a replay")
        sides: dict[str, list[Message]] = {}
        for witness in self.witnesses:
            for (trade_id, _), data in view_of(
                witness, self.settings, len(witness.raw)
            ).trades.items():
                sides.setdefault(trade_id, []).append(data)
        for trade_id, both in sides.items():
            agreed = {(data["price"], data["quantity_units"]) for data in both}
            hold(len(both) == 2 and len(agreed) == 1, "both sides know a trade", trade=trade_id)
        tally = self.tally
        tally.trades = len(sides)
        tally.answered = sum(trader.answered for trader in self.traders)
        tally.happened = sum(trader.happened for trader in self.traders)
        tally.had_not = sum(trader.had_not for trader in self.traders)
        tally.reports = sum(len(witness.raw) for witness in self.witnesses)
        tally.messages, tally.heads = len(self.feed.raw), len(self.feed.heads)
        tally.settlements = sum(witness.settlements for witness in self.witnesses)
        tally.commands, tally.digest = verdict.commands, verdict.digest


def main() -> None:
    """Run campaigns until so many kills were survived; each line repeats with its seed."""
    words = argparse.ArgumentParser(description=main.__doc__)
    words.add_argument("--kills", type=int, default=100)
    words.add_argument("--seed", type=int, default=1)
    words.add_argument("--days", type=int, default=4)
    words.add_argument("--speed", type=float, default=4_000.0)
    words.add_argument("--kills-each", type=int, default=25)
    asked = words.parse_args()
    seed, left = asked.seed, asked.kills
    while left > 0:
        with tempfile.TemporaryDirectory(prefix="crash-") as folder:
            campaign = Campaign(
                Path(folder),
                seed=seed,
                kills=min(left, asked.kills_each),
                days=asked.days,
                speed=asked.speed,
            )
            tally = asyncio.run(campaign.run())
        sys.stdout.write(f"seed {seed}: {tally}\n")
        sys.stdout.flush()
        left -= max(sum(tally.kills.values()), 1)
        seed += 1


if __name__ == "__main__":
    main()
