"""Order entry over real sockets: one answer to everything, and nothing before the disk has it."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from house import FAST, PATIENCE_S, House, Wire, order, play, small_socket, squeeze
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed

from market.commands import Halt, RevokeKey
from market.ids import InstrumentId, KeyId
from market.message import Message
from market.reasons import CATALOGUE, RejectReason
from market.words import Phase
from participants.session import SessionSettings
from venue import gateway as gateway_module

pytestmark = pytest.mark.processes

R = RejectReason
Setup = Callable[[House, Wire], Awaitable[None]]
Maker = Callable[[House, Wire], Any]


def fast(**changes: int) -> SessionSettings:
    """Session settings without a throttle, otherwise changed."""
    fields = {"rate_per_s": 100_000, "burst": 100_000} | changes
    return SessionSettings(**fields)


@dataclass(frozen=True)
class Case:
    """One thing a client may say, and what must follow."""

    name: str
    code: RejectReason
    message: Maker
    close: int | None = None
    setup: Setup | None = None
    journaled: bool = False
    preset: str = "tse"
    phase: Phase = Phase.CONTINUOUS
    field: str | None = None


def new(**changes: Any) -> Maker:
    """An order with changed parameters."""
    return lambda _, wire: wire.request("order.new", order(**changes))


def ask(method: str, params: dict[str, Any] | None = None, **envelope: Any) -> Maker:
    """Any request."""
    return lambda _, wire: wire.request(method, params, **envelope)


def text(frame: str | bytes) -> Maker:
    """Any frame."""
    return lambda _, __: frame


async def one_order(_: House, wire: Wire) -> None:
    """A resting order of our own, O-something, called n1."""
    assert (await wire.ask("order.new", order()))["ok"]


async def own_order_gone(_: House, wire: Wire) -> None:
    """An order of ours that was canceled."""
    await wire.ask("order.new", order())
    assert (await wire.ask("order.cancel", {"original_client_order_id": "n1"}))["ok"]


async def foreign_order(house: House, _: Wire) -> None:
    """A resting order of the other firm, called n1."""
    other = await house.wire("B-1")
    answer = await other.ask("order.new", order())
    house.foreign_order_id = answer["result"]["order_id"]


async def suspended(house: House, _: Wire) -> None:
    """ST01 suspended."""
    await house.do(Halt(instrument_id=InstrumentId("ST01"), reason="news"))


async def killed(_: House, wire: Wire) -> None:
    """The firm stopped itself."""
    assert (await wire.ask("kill"))["ok"]


async def non_cancel(house: House, wire: Wire) -> None:
    """An order rests while the non-cancel period begins."""
    await one_order(house, wire)
    await house.phase(Phase.PRE_OPEN_NCP)


async def at_break(house: House, wire: Wire) -> None:
    """An order rests while the market takes its break."""
    await one_order(house, wire)
    await house.phase(Phase.OPENING_AUCTION)
    await house.phase(Phase.CLOSED)


def limited(**limits: int) -> Setup:
    """The firm gets tighter limits."""

    async def setup(house: House, _: Wire) -> None:
        await house.limit("FIRM-A", **limits)

    return setup


async def one_order_allowed(house: House, wire: Wire) -> None:
    """One open order, and no more allowed."""
    await one_order(house, wire)
    await house.limit("FIRM-A", open_orders=1)


CANCEL_N1 = {"original_client_order_id": "n1"}
DEEP = '{"method":' + "[" * 1500 + "]" * 1500 + "}"

LIVE = [
    # syntax: the frame cannot be read, nothing is numbered or journaled
    Case("not JSON", R.MALFORMED, text('{"method":')),
    Case("not an object", R.MALFORMED, text("[1, 2]")),
    Case("an empty message", R.MALFORMED, text("")),
    Case("a NaN", R.MALFORMED, text('{"method":"ping","req_id":"1","params":NaN}')),
    Case("nested without end", R.MALFORMED, text(DEEP)),
    Case("an unknown method", R.UNKNOWN_TYPE, ask("order.teleport"), field="method"),
    Case("a method that is a number", R.SCHEMA, text('{"method":7,"req_id":"1"}')),
    Case("a key twice", R.DUPLICATE_KEY, text('{"method":"ping","req_id":"1","req_id":"2"}')),
    Case(
        "a parameter twice",
        R.DUPLICATE_KEY,
        text('{"method":"logout","req_id":"1","seq":1,'
             '"params":{"cancel_open":true,"cancel_open":false}}'),
    ),
    Case("no label", R.SCHEMA, text('{"method":"kill","seq":1}')),
    Case("no number", R.SCHEMA, text('{"method":"kill","req_id":"1"}')),
    Case("a number as text", R.SCHEMA, ask("kill", seq="1")),
    Case("a number that is true", R.SCHEMA, ask("kill", seq=True)),
    Case("a quantity as text", R.SCHEMA, new(quantity_units="10")),
    Case("a fraction of a unit", R.SCHEMA, new(quantity_units=1.5)),
    Case("a price as number", R.SCHEMA, new(price=100000)),
    Case("a price with three decimals", R.SCHEMA, new(price="100000.001")),
    Case("a negative price", R.SCHEMA, new(price="-1")),
    Case("a price in exponents", R.SCHEMA, new(price="1e5")),
    Case("a side nobody knows", R.SCHEMA, new(side="both")),
    Case("no side", R.SCHEMA, new(side=None)),
    Case("an unknown parameter", R.SCHEMA, new(colour="red")),
    Case("a firm in the body", R.SCHEMA, new(participant_id="FIRM-B")),
    Case("a name of 37 letters", R.SCHEMA, new(client_order_id="n" * 37)),
    Case("a name with an escape", R.SCHEMA, text(
        '{"method":"ping","req_id":"\\u0041"}')),
    Case("a name in kana", R.SCHEMA, new(client_order_id="注文")),
    Case("an order id of another shape", R.SCHEMA, ask("order.cancel", {"order_id": "T-1"})),
    Case("a null", R.SCHEMA, text('{"method":"ping","req_id":"1","params":null}')),
    # transport: the connection ends
    Case("a binary frame", R.UNSUPPORTED_TYPE, text(b"{}"), close=1003),
    Case("a second logon", R.PROTOCOL_ERROR, lambda _, w: w.logon_message("A-1"), close=1002),
    # order of messages
    Case("a number again", R.SEQ_TOO_LOW, ask("kill", seq=1), close=4004, setup=one_order),
    Case("a number skipped", R.SEQ_GAP, ask("kill", seq=9), field="seq"),
    # values the door can judge
    Case("a limit order without price", R.INVALID_COMBINATION, new(price=None)),
    Case("a market order with price", R.INVALID_COMBINATION, new(kind="market")),
    Case("a cancel of nothing", R.INVALID_COMBINATION, ask("order.cancel", {})),
    Case(
        "a cancel by two names",
        R.INVALID_COMBINATION,
        ask("order.cancel", {"order_id": "O-1", "original_client_order_id": "n1"}),
    ),
    Case(
        "an amendment of nothing",
        R.INVALID_COMBINATION,
        ask("order.amend", {"client_order_id": "n2", "original_client_order_id": "n1"}),
    ),
    Case("no units", R.OUT_OF_RANGE, new(quantity_units=0), field="params.quantity_units"),
    Case("fewer than no units", R.OUT_OF_RANGE, new(quantity_units=-10)),
    Case("units beyond any issue", R.OUT_OF_RANGE, new(quantity_units=2**62)),
    Case("a price of nothing", R.OUT_OF_RANGE, new(price="0")),
    Case("a price beyond any", R.OUT_OF_RANGE, new(price="9" * 16)),
    Case(
        "a resend backwards",
        R.INVALID_COMBINATION,
        ask("report.resend", {"from_seq": 9, "to_seq": 8}),
    ),
    Case("a resend of all", R.OUT_OF_RANGE, ask("report.resend", {"from_seq": 1, "to_seq": 10**6})),
    # what the core judges: journaled, answered by a numbered report
    Case("an unknown issue", R.UNKNOWN_INSTRUMENT, new(instrument_id="ST99"), journaled=True),
    Case("a price off the tick", R.BAD_TICK, new(price="100050"), journaled=True),
    Case("a price above the limit", R.OUTSIDE_PRICE_LIMIT, new(price="130100"), journaled=True),
    Case("a price below the limit", R.OUTSIDE_PRICE_LIMIT, new(price="69900"), journaled=True),
    Case("too large a share", R.SHARE_OF_ISSUE, new(quantity_units=3_001), journaled=True),
    Case(
        "too many units", R.ORDER_QTY_LIMIT, new(), setup=limited(units=9), journaled=True
    ),
    Case(
        "too much money", R.ORDER_VALUE_LIMIT, new(), setup=limited(value_yen=999_999),
        journaled=True,
    ),
    Case(
        "one order too many", R.OPEN_ORDER_LIMIT, new(client_order_id="n2"),
        setup=one_order_allowed, journaled=True,
    ),
    Case(
        "cash not there", R.INSUFFICIENT_CASH, new(quantity_units=3_000, price="130000"),
        setup=lambda _, wire: spend(wire), journaled=True,
    ),
    Case(
        "units not there", R.INSUFFICIENT_HOLDING, new(client_order_id="n3", side="sell",
        price="130000", quantity_units=2_000), setup=lambda _, wire: sell_most(wire),
        journaled=True,
    ),
    Case("a fill or kill before the day", R.PHASE_CLOSED, new(validity="fok"), journaled=True,
         phase=Phase.CLOSED),
    Case("an order after hours", R.PHASE_CLOSED, new(), journaled=True, phase=Phase.CLOSED),
    Case("an order in the break", R.PHASE_CLOSED, new(), journaled=True, phase=Phase.BREAK),
    Case(
        "an immediate order in a call phase", R.INVALID_COMBINATION, new(validity="ioc"),
        journaled=True, phase=Phase.PRE_OPEN,
    ),
    Case("a suspended issue", R.NOT_TRADABLE, new(), setup=suspended, journaled=True),
    Case(
        "a cancel in the non-cancel period", R.NON_CANCEL_PERIOD, ask("order.cancel", CANCEL_N1),
        setup=non_cancel, journaled=True, preset="start", phase=Phase.PRE_OPEN,
    ),
    Case("an order of a stopped firm", R.KILLED, new(), setup=killed, journaled=True),
    Case("a cancel of no order", R.UNKNOWN_ORDER, ask("order.cancel", {"order_id": "O-999"}),
         journaled=True),
    Case(
        "a cancel of a foreign order",
        R.UNKNOWN_ORDER,
        lambda house, wire: wire.request("order.cancel", {"order_id": house.foreign_order_id}),
        setup=foreign_order,
        journaled=True,
    ),
    Case(
        "a foreign client order id", R.UNKNOWN_ORDER, ask("order.cancel", CANCEL_N1),
        setup=foreign_order, journaled=True,
    ),
    Case(
        "an amendment of a foreign order",
        R.UNKNOWN_ORDER,
        lambda house, wire: wire.request(
            "order.amend",
            {"client_order_id": "n2", "order_id": house.foreign_order_id, "price": "100000"},
        ),
        setup=foreign_order,
        journaled=True,
    ),
    Case(
        "a cancel too late", R.ALREADY_TERMINAL, ask("order.cancel", CANCEL_N1),
        setup=own_order_gone, journaled=True,
    ),
    Case("a name with other content", R.ID_CONFLICT, new(quantity_units=20), setup=one_order,
         journaled=True),
]  # fmt: skip


async def spend(wire: Wire) -> None:
    """Promise almost all of the firm's 2,000,000,000 yen."""
    for number in range(5):
        wish = order(f"big{number}", quantity_units=3_000, price="130000")
        assert (await wire.ask("order.new", wish))["ok"]


async def sell_most(wire: Wire) -> None:
    """Offer 3,000 of the firm's 4,000 units."""
    wish = order("n2", side="sell", price="130000", quantity_units=3_000)
    assert (await wire.ask("order.new", wish))["ok"]


async def serves_on(house: House) -> None:
    """Somebody else gets good answers, and the whole house is consistent."""
    other = await house.wire("A-2")
    assert (await other.ask("whoami"))["result"]["session_id"] == "A-2"
    assert (await other.ask("order.list"))["ok"]
    await other.ask("logout")
    await other.closed()
    house.core.check_invariants()


async def refused(house: House, wire: Wire, case: Case) -> None:
    """One answer with the code, the policy kept, nothing moved."""
    market, digest, sequence = house.market(), house.core.digest(), house.core.sequence

    await wire.say(case.message(house, wire))
    answer = await wire.receive()

    error = answer["error"]
    entry = CATALOGUE[case.code]
    assert answer["ok"] is False
    assert error["code"] == case.code.value
    assert (error["text"], error["text_ja"]) == (entry.text_en, entry.text_ja)
    assert error["retryable"] is entry.retryable
    if case.field is not None:
        assert error["field"] == case.field
    if case.close is None:
        assert ("seq" in answer) is case.journaled
        assert (await wire.ask("ping", req_id="again"))["ok"]  # the very next message
        assert house.core.sequence == sequence + case.journaled
    else:
        assert await wire.closed() == (case.close, case.code.value)
        await house.quiet(lambda: house.core.sequence == sequence + 1)  # the session's end
    assert house.market() == market
    if not case.journaled and case.close is None:
        assert house.core.digest() == digest


@pytest.mark.parametrize("case", LIVE, ids=lambda case: case.name)
def test_a_live_session_is_refused(case: Case, tmp_path: Path) -> None:
    """Each bad request gets its one code, keeps or loses its connection, and moves nothing."""

    async def story(house: House) -> None:
        await house.open(case.phase)
        wire = await house.wire("A-1")
        if case.setup is not None:
            await case.setup(house, wire)
        await refused(house, wire, case)
        await serves_on(house)

    play(tmp_path, story, preset=case.preset)


def test_a_foreign_order_and_an_absent_one_are_answered_alike(tmp_path: Path) -> None:
    """But for numbers and times the two answers are the same bytes."""

    async def story(house: House) -> None:
        await house.open()
        wire = await house.wire("A-1")
        await foreign_order(house, wire)
        answers = []
        for order_id in (house.foreign_order_id, "O-99999"):
            await wire.ask("order.cancel", {"order_id": order_id}, req_id="same")
            answer = json.loads(wire.raw[-1])
            answers.append({k: v for k, v in answer.items() if k not in {"seq", "prev_seq"}})
        for answer in answers:
            answer.pop("at_ns", None)
        assert answers[0] == answers[1]

    play(tmp_path, story)


# --- logon


@dataclass(frozen=True)
class Door:
    """One first message, and how the connection ends."""

    name: str
    code: RejectReason
    close: int
    message: Callable[[Wire], Any]
    setup: Setup | None = None


def logon(session_id: str = "A-1", **changes: Any) -> Callable[[Wire], Any]:
    """A signed logon, changed before or (``after``) behind the signature."""
    return lambda wire: wire.logon_message(session_id, **changes)


async def revoked(house: House, _: Wire) -> None:
    """The key of A-1 revoked."""
    await house.do(RevokeKey(key_id=KeyId("key-A-1")))


async def live_elsewhere(house: House, _: Wire) -> None:
    """A-1 is live on another connection."""
    await house.wire("A-1")


HOUR_NS = 3_600_000_000_000
DOORS = [
    Door("a request first", R.NOT_LOGGED_ON, 1008, lambda w: w.request("order.new", order())),
    Door("a ping first", R.NOT_LOGGED_ON, 1008, lambda w: w.request("ping")),
    Door("not JSON", R.MALFORMED, 1008, lambda _: "hello?"),
    Door("a binary frame", R.UNSUPPORTED_TYPE, 1003, lambda _: b"hello"),
    Door("more than a logon", R.FRAME_TOO_LARGE, 1009, lambda _: "x" * 1025),
    Door("a key twice", R.DUPLICATE_KEY, 1008, lambda _: '{"method":"logon","method":"logon"}'),
    Door("an unknown method", R.UNKNOWN_TYPE, 1008, lambda w: w.request("open.sesame")),
    Door("a field short", R.SCHEMA, 1008, lambda _: '{"method":"logon","req_id":"1"}'),
    Door("another version", R.UNSUPPORTED_VERSION, 1008, logon(version=2)),
    Door("a clock behind", R.CLOCK_SKEW, 4005, logon(at_ns=HOUR_NS)),
    Door("an unknown key", R.AUTH_FAILED, 1008, logon(key_id="key-nobody")),
    Door("a bad signature", R.AUTH_FAILED, 1008, logon(after={"signature": "0" * 128})),
    Door("another's session", R.AUTH_FAILED, 1008, logon(session_id="B-1")),
    Door("content changed", R.AUTH_FAILED, 1008, logon(after={"takeover": True})),
    Door("a revoked key", R.AUTH_FAILED, 1008, logon(), setup=revoked),
    Door("a live session", R.SESSION_ACTIVE, 4001, logon(), setup=live_elsewhere),
]


@pytest.mark.parametrize("door", DOORS, ids=lambda door: door.name)
def test_a_first_message_that_is_no_good_logon_ends_the_connection(
    door: Door, tmp_path: Path
) -> None:
    """One answer with its code, the close code, no session opened, and others are served."""

    async def story(house: House) -> None:
        await house.open()
        wire = await house.wire()
        if door.setup is not None:
            await door.setup(house, wire)
        market, digest = house.market(), house.core.digest()
        generation = house.core.participants.sessions["A-1"].generation

        await wire.say(door.message(wire))
        answer = await wire.receive()

        assert (answer["ok"], answer["error"]["code"]) == (False, door.code.value)
        assert await wire.closed() == (door.close, door.code.value)
        assert house.market() == market
        assert house.core.participants.sessions["A-1"].generation == generation
        if door.code is not R.SESSION_ACTIVE:  # which only the journal can know
            assert house.core.digest() == digest
        await serves_on(house)

    play(tmp_path, story)


def test_an_unknown_key_a_revoked_one_and_a_bad_signature_look_alike(tmp_path: Path) -> None:
    """The three answers are the same bytes, so nobody learns which keys exist."""

    async def story(house: House) -> None:
        await house.do(RevokeKey(key_id=KeyId("key-A-2")))
        said = []
        for session_id, changes in (
            ("A-1", {"key_id": "key-nobody"}),
            ("A-2", {}),
            ("A-1", {"after": {"signature": "0" * 128}}),
        ):
            wire = await house.wire()
            await wire.say(wire.logon_message(session_id, **changes))  # type: ignore[arg-type]
            await wire.receive()
            said.append(wire.raw[-1])
            await wire.closed()
        assert said[0] == said[1] == said[2]

    play(tmp_path, story)


def test_a_logon_is_worthless_on_another_connection(tmp_path: Path) -> None:
    """The nonce of the hello is signed, so a recorded logon does not work twice."""

    async def story(house: House) -> None:
        first, second = await house.wire(), await house.wire()
        recorded = first.logon_message("A-1")
        await second.say(recorded)
        assert (await second.receive())["error"]["code"] == "AUTH_FAILED"

    play(tmp_path, story)


def test_who_says_nothing_is_cut_off(tmp_path: Path) -> None:
    """After the handshake time without a logon: HEARTBEAT_TIMEOUT and 4006."""

    async def story(house: House) -> None:
        wire = await house.wire()
        house.gateway.tick()
        assert (await wire.receive())["error"]["code"] == "HEARTBEAT_TIMEOUT"
        assert await wire.closed() == (4006, "HEARTBEAT_TIMEOUT")

    play(tmp_path, story, session=fast(handshake_ms=0))


def test_a_silent_live_client_is_cut_off_and_its_session_closed(tmp_path: Path) -> None:
    """After the idle time: HEARTBEAT_TIMEOUT, 4006, and the generation ends in the journal."""

    async def story(house: House) -> None:
        wire = await house.wire("A-1")
        house.gateway.tick()
        assert (await wire.receive())["error"]["code"] == "HEARTBEAT_TIMEOUT"
        assert await wire.closed() == (4006, "HEARTBEAT_TIMEOUT")
        await house.quiet(lambda: not house.core.participants.sessions["A-1"].live)

    play(tmp_path, story, session=fast(idle_ms=0))


def test_a_quiet_session_hears_a_heartbeat(tmp_path: Path) -> None:
    """It names the number expected next, so a client can check without asking."""

    async def story(house: House) -> None:
        wire = await house.wire("A-1")
        await wire.ask("whoami")
        house.gateway.tick()
        beat = await wire.receive()
        assert (beat["type"], beat["next_seq"]) == ("heartbeat", 2)

    play(tmp_path, story, session=fast(heartbeat_ms=0))


def test_a_key_that_is_revoked_ends_its_live_session(tmp_path: Path) -> None:
    """AUTH_FAILED, 1008, and orders that were to go with the connection are gone."""

    async def story(house: House) -> None:
        await house.open()
        wire = await house.wire()
        await wire.logon("A-1", cancel_on_disconnect={"mode": "on"})
        await wire.ask("order.new", order())
        await revoked(house, wire)
        while (message := await wire.receive()).get("error") is None:
            pass
        assert message["error"]["code"] == "AUTH_FAILED"
        assert await wire.closed() == (1008, "AUTH_FAILED")
        assert house.core.answers.open_orders("FIRM-A") == []
        await serves_on(house)

    play(tmp_path, story)


# --- takeover


def test_a_takeover_replaces_the_old_connection(tmp_path: Path) -> None:
    """The old side is told and closed with 4002, the new one goes on with the next report."""

    async def story(house: House) -> None:
        await house.open()
        old = await house.wire("A-1")
        await old.ask("order.new", order())
        fresh = await house.wire()
        answer = await fresh.logon("A-1", takeover=True)
        assert (answer["result"]["took_over"], answer["result"]["generation"]) == (True, 2)
        assert (await old.receive())["error"]["code"] == "SESSION_TAKEN_OVER"
        assert await old.closed() == (4002, "SESSION_TAKEN_OVER")
        assert (await fresh.ask("order.cancel", CANCEL_N1))["ok"]

    play(tmp_path, story)


def test_a_request_of_the_old_generation_has_no_effect(tmp_path: Path) -> None:
    """What was queued behind the takeover is refused as STALE_GENERATION by the core."""

    async def story(house: House) -> None:
        await house.open()
        old, fresh = await house.wire("A-1"), await house.wire()
        market = house.market()
        house.journal.gate.clear()
        house.sequencer.submit(Halt(instrument_id=InstrumentId("none"), reason=""))
        await fresh.say(fresh.logon_message("A-1", takeover=True))
        await house.quiet(lambda: len(house.sequencer._inbox) == 1)
        await old.say(old.request("order.new", order()))
        await house.quiet(lambda: len(house.sequencer._inbox) == 2)
        house.journal.gate.set()

        assert (await fresh.receive())["result"]["took_over"] is True
        stale = await fresh.receive()
        assert stale["error"]["code"] == "STALE_GENERATION"
        assert (await old.receive())["error"]["code"] == "SESSION_TAKEN_OVER"
        assert await old.closed() == (4002, "SESSION_TAKEN_OVER")
        assert house.market() == market

    play(tmp_path, story)


def test_a_session_that_is_taken_to_and_fro_is_locked(tmp_path: Path) -> None:
    """Three takeovers a minute; the fourth locks the session and the live side stays."""

    async def story(house: House) -> None:
        live = await house.wire("A-1")
        for _ in range(3):
            live = await house.wire()
            assert (await live.logon("A-1", takeover=True))["ok"]
        for takeover in (True, False):
            wire = await house.wire()
            answer = await wire.logon("A-1", takeover=takeover)
            assert answer["error"]["code"] == "SESSION_LOCKED"
            assert 0 < answer["error"]["retry_after_ms"] <= 60_000
            assert await wire.closed() == (4003, "SESSION_LOCKED")
        assert (await live.ask("whoami"))["result"]["generation"] == 4

    play(tmp_path, story)


def test_connections_before_logon_are_bounded_and_the_oldest_gives_way(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """BUSY and 1013 for the oldest that has said nothing; live sessions are not counted."""
    monkeypatch.setattr(gateway_module, "CONNECTIONS_MAX", 3)

    async def story(house: House) -> None:
        live = await house.wire("A-1")
        waiting = [await house.wire() for _ in range(4)]
        assert (await waiting[0].receive())["error"]["code"] == "BUSY"
        assert await waiting[0].closed() == (1013, "BUSY")
        assert (await waiting[1].logon("A-2"))["ok"]
        assert (await live.ask("whoami"))["ok"]

    play(tmp_path, story)


# --- rate


def test_above_the_rate_one_waits_and_above_the_flood_one_is_cut_off(tmp_path: Path) -> None:
    """First tier: THROTTLED with a time to wait, the number used up. Second tier: 1013."""

    async def story(house: House) -> None:
        await house.open()
        wire = await house.wire("A-1")
        for _ in range(2):
            assert (await wire.ask("whoami"))["ok"]
        throttled = await wire.ask("order.new", order())
        assert throttled["error"]["code"] == "THROTTLED"
        assert throttled["error"]["retry_after_ms"] > 0
        assert throttled["error"]["next_seq"] == 4
        assert house.core.answers.open_orders("FIRM-A") == []

        for number in range(40):
            await wire.say({"method": "ping", "req_id": f"p{number}"})
        codes = []
        try:
            while True:
                codes.append((await wire.receive())["error"]["code"])
        except ConnectionClosed as end:
            assert end.rcvd is not None
            assert (end.rcvd.code, end.rcvd.reason) == (1013, "THROTTLED")
        assert set(codes) == {"THROTTLED"}
        assert len(codes) == 18  # 2 x (10 - 1) more than the burst, the last one as it closes
        await serves_on(house)

    slow = SessionSettings(rate_per_s=1, burst=2, flood_factor=10)
    play(tmp_path, story_with(story, slow), session=slow)


def story_with(
    story: Callable[[House], Awaitable[None]], _: SessionSettings
) -> Callable[[House], Awaitable[None]]:
    """The story itself; the name says that its figures are those settings'."""
    return story
