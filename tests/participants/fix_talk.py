"""FIX conversations as text, played against a session, a core and a projection, without sockets.

A script is lines. ``>`` sends a message (comp ids, sending time, length and checksum are put in
where they are not written), ``<`` says what must come back next with at least these fields, ``x``
that the venue closes now, ``+`` lets seconds pass, ``!`` does something to the world by name. What
comes back and is not in the script fails it, and so does what is in it and does not come.
"""

from dataclasses import dataclass, field
from datetime import date
from typing import Any

from market.business_days import at_jst
from market.commands import ChangePhase, Command, Entry, OpenDay
from market.events import Event, SessionOpened, SessionRefused
from market.ids import InstrumentId, KeyId, ParticipantId, SessionId
from market.quantities import SequenceNo, TimeNs
from market.reasons import RejectReason
from market.words import Phase, Validity
from participants.actions import Close, Send, Submit
from participants.fix_codec import FixMessage, Framer, Oversize, decode
from participants.fix_house import FixClient, FixHouse, FixSettings, FixState
from participants.fix_numbers import FixNumbers
from participants.fix_orders import Market
from participants.fix_profiles import PROFILES
from participants.fix_records import utc_text
from participants.fix_reports import FixReports
from participants.fix_rules import FixRules
from participants.fix_session import FixSession
from venue.core import Core
from venue.fix_market import FixMarket
from venue.sample import sample_settings
from venue.sequencer import Published
from venue.settings import opening_commands

NS = 1_000_000_000
DAY = date(2026, 11, 24)
ISSUE = "KH01"
TAKEN = SessionId("FIRM-A-1")


class World:
    """A market of the sample venue, and the numbers that outlive connections."""

    def __init__(
        self, *, profile: str = "start42", drop_copy: bool = False, **settings: Any
    ) -> None:
        self.core = Core()
        self.reports = FixReports()
        self.numbers: dict[SessionId, FixNumbers] = {}
        self.now_ns = 0
        self.wall_ns = at_jst(date(2026, 11, 26), 36_000)
        self.busy = False
        self.has_news = False
        self.questions: FixMarket | None = None
        for command in opening_commands(sample_settings("start", 7)):
            self.do(command)
        self.questions = FixMarket(self.core.feeds, lambda: 4)
        self.phase(Phase.PRE_OPEN, open_day=True)
        limits = {"rate_per_s": 100_000, "burst": 100_000} | settings
        self.house = FixHouse(
            profile=PROFILES[profile],
            rules=FixRules(PROFILES[profile]),
            settings=FixSettings(**limits),
            reports=self.reports,
            market=Market(
                immediate=Validity.NEXT_AUCTION,
                isins={
                    str(name): self.core.engine.instrument(name).isin
                    for name in self.core.engine.instrument_ids()
                },
            ),
            find=self.find,
            numbers=self.numbers_of,
            is_drop_copy=drop_copy,
            questions=self.questions,
        )

    def do(self, command: Command) -> list[Event]:
        """One step, heard by the projection."""
        entry = Entry(
            sequence=SequenceNo(self.core.sequence + 1),
            at_ns=TimeNs(max(self.core.at_ns, at_jst(DAY, 30_000))),
            command=command,
        )
        events = self.core.apply(entry)
        self.reports.apply(entry, events)
        self.core.reports.drain()
        messages = self.core.feeds.drain()
        if self.questions is not None:
            self.has_news = self.questions.learn(Published([(entry, events)], [], messages))
        return events

    def phase(self, phase: Phase, *, open_day: bool = False) -> None:
        """Move the issue, or open the day first."""
        if open_day:
            self.do(OpenDay(business_date=DAY))
        self.do(ChangePhase(instrument_id=InstrumentId(ISSUE), phase=phase))

    def find(self, comp_id: str) -> FixClient | None:
        """Sample sessions are known by their names; FIRM-B's has the password ``secret``."""
        known = self.core.participants.sessions.get(SessionId(comp_id))
        if known is None:
            return None
        spelled = "2bb80d537b1da3e38bd30361aa855686bde0eacd7162fef6a25fe97bf527a25b"
        password = spelled if comp_id == "FIRM-B-1" else ""
        key = KeyId(f"{known.participant_id}-key")
        return FixClient(ParticipantId(known.participant_id), known.session_id, key, password)

    def numbers_of(self, session_id: SessionId) -> FixNumbers:
        """Made once."""
        return self.numbers.setdefault(session_id, FixNumbers(session_id))


@dataclass
class Talk:
    """One connection to a world and what it said."""

    world: World
    comp_id: str = "FIRM-A-1"
    heard: list[FixMessage] = field(default_factory=list)
    is_closed: bool = False

    def __post_init__(self) -> None:
        """Connect."""
        self.session = FixSession(self.world.house, opened_at_ns=self.world.now_ns)
        self.framer = Framer()
        self.back = Framer(2**24)
        self.garbled = 0

    def say(self, text: str) -> None:
        """Send one message, its frame put in where it is not written."""
        self.raw(wire(self.world, self.comp_id, text))

    def raw(self, data: bytes) -> None:
        """Send bytes."""
        world, session = self.world, self.session
        try:
            for raw in self.framer.feed(data):
                self._passed_over()
                message = decode(raw)
                if message is None:
                    self.act(session.garbled(now_ns=world.now_ns, wall_ns=world.wall_ns))
                else:
                    self.act(session.receive(message, now_ns=world.now_ns, wall_ns=world.wall_ns))
            self._passed_over()
        except Oversize:
            self.act(session.oversize(wall_ns=world.wall_ns))

    def _passed_over(self) -> None:
        while self.garbled < self.framer.garbled:
            self.garbled += 1
            self.act(self.session.garbled(now_ns=self.world.now_ns, wall_ns=self.world.wall_ns))

    def act(self, actions: list[Any]) -> None:
        """Carry out what the session wants, the market at once."""
        for action in actions:
            if isinstance(action, Send):
                for raw in self.back.feed(action.frame):
                    message = decode(raw)
                    assert message is not None, raw
                    self.heard.append(message)
            elif isinstance(action, Close):
                self.is_closed = True
            elif isinstance(action, Submit):
                self._submit(action.command)
        self.flush()

    def flush(self) -> None:
        """What the market has for the session."""
        actions = self.session.flush(wall_ns=self.world.wall_ns)
        if actions:
            self.act(actions)
        if self.world.has_news and self.world.questions is not None:
            self.world.has_news = False
            told = self.world.questions.news(self.session, 0)
            self.act(self.session.tell_passing(told, wall_ns=self.world.wall_ns))

    def _submit(self, command: Any) -> None:
        world = self.world
        if world.busy and hasattr(command, "req_id"):
            self.act(self.session.not_submitted(command, RejectReason.BUSY))
            return
        for event in world.do(command):
            if isinstance(event, SessionOpened):
                self.act(self.session.opened(event, now_ns=world.now_ns, wall_ns=world.wall_ns))
            elif isinstance(event, SessionRefused):
                self.act(self.session.refused(event, wall_ns=world.wall_ns))
        numbers = self.session.numbers
        if numbers is not None and hasattr(command, "req_id"):
            numbers.settled(command.req_id)

    def pass_time(self, seconds: float) -> None:
        """Let a clock tick come after so long."""
        step = int(seconds * NS)
        self.world.now_ns += step
        self.world.wall_ns = TimeNs(self.world.wall_ns + step)
        self.act(self.session.tick(now_ns=self.world.now_ns, wall_ns=self.world.wall_ns))

    def lose(self) -> None:
        """The socket goes."""
        self.act(self.session.disconnected())
        if self.world.questions is not None:
            self.world.questions.forget(self.session)
        self.is_closed = True


def wire(world: World, comp_id: str, text: str) -> bytes:
    """The bytes of a script's message; ``9=`` or ``10=`` written in it are taken as they are."""
    pairs = [pair.split("=", 1) for pair in text.split("|")]
    given = {tag for tag, *_ in pairs}
    begin = world.house.profile.begin
    head = [pair for pair in pairs if pair[0] == "35"]
    put_in = [["49", comp_id], ["56", "KITAHAMA"], ["52", utc_text(world.wall_ns)]]
    rest = [pair for pair in pairs if pair[0] not in {"8", "9", "10", "35"}]
    body_pairs = head + [pair for pair in put_in if pair[0] not in given] + rest
    content = "".join("=".join(pair) + "\x01" for pair in body_pairs if pair[1:] != ["-"])
    frame = dict(pair for pair in pairs if pair[0] in {"8", "9", "10"})
    head_text = f"8={frame.get('8', begin)}\x019={frame.get('9', len(content))}\x01{content}"
    total = sum(head_text.encode("latin-1")) & 0xFF
    return f"{head_text}10={frame.get('10', f'{total:03d}')}\x01".encode("latin-1")


def play(script: str, world: World | None = None, comp_id: str = "FIRM-A-1") -> Talk:
    """Play a script from a new connection; what was not expected, or did not come, fails."""
    world = world or World()
    talk = Talk(world, comp_id)
    place = 0
    for number, line in enumerate(script.strip().splitlines(), 1):
        sign, _, text = line.strip().partition(" ")
        if not sign or sign == "#":
            continue
        if sign == "<":
            assert place < len(talk.heard), f"line {number}: nothing came for {text}"
            _agree(talk.heard[place], text, number)
            place += 1
            continue
        assert place == len(talk.heard), f"before line {number}: {_told(talk.heard[place])}"
        if sign == ">":
            talk.say(text.replace("NOW", utc_text(world.wall_ns)))
        elif sign == "+":
            talk.pass_time(float(text))
        elif sign == "x":
            assert talk.is_closed, f"line {number}: still open"
        elif sign == "!":
            _happen(world, talk, text)
        elif sign == "~":
            talk.raw(text.replace("|", "\x01").encode("latin-1"))
        else:
            raise AssertionError(f"line {number}: {line}")
    assert place == len(talk.heard), f"at the end: {_told(talk.heard[place])}"
    assert talk.is_closed == (talk.session.status is FixState.CLOSED)
    return talk


def _agree(message: FixMessage, text: str, number: int) -> None:
    for pair in text.split("|"):
        tag, _, value = pair.partition("=")
        got = message.kind if tag == "35" else message.fields.get(tag)
        wanted = None if value == "-" else value
        assert got == wanted, f"line {number}: {tag} is {got!r} in {_told(message)}"


def _told(message: FixMessage) -> str:
    return "|".join(f"{tag}={value}" for tag, value in message.fields.items())


def _happen(world: World, talk: Talk, what: str) -> None:
    if what == "reconnect":
        if not talk.is_closed:
            talk.lose()
        talk.is_closed = False
        talk.__post_init__()
    elif what == "day over":
        talk.act(talk.session.end_of_day(now_ns=world.now_ns, wall_ns=world.wall_ns))
    elif what == "busy":
        world.busy = True
    elif what == "ready":
        world.busy = False
    elif what.startswith("phase "):
        world.phase(Phase(what.removeprefix("phase ")))
        talk.flush()
    elif what == "cross":
        from market.commands import RunAuction  # noqa: PLC0415

        world.do(RunAuction(instrument_id=InstrumentId(ISSUE)))
        talk.flush()
    else:
        raise AssertionError(what)
