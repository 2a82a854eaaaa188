"""Order entry over real sockets: one answer to everything, and nothing before the disk has it."""

import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from house import House, Wire, order, play, small_socket, squeeze

from market.commands import Entry, Halt, RevokeKey
from market.events import Event
from market.ids import InstrumentId, KeyId
from market.reasons import CATALOGUE, RejectReason
from market.words import Phase
from participants.session import SessionSettings
from venue import gateway as gateway_module
from venue.journal import Row
from venue.sockets import Connection

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
    Case("an unusual size", R.ABNORMAL_SIZE_QUERY, new(quantity_units=501), journaled=True),
    Case("a short sell", R.SHORT_SALE_BARRED, new(side="sell", short_sale="short"), journaled=True),
    Case("too many units", R.ORDER_QTY_LIMIT, new(quantity_units=10**9), journaled=True),
    Case(
        "too many for the firm", R.FIRM_QTY_LIMIT, new(), setup=limited(units=9), journaled=True
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
        "cash not there", R.INSUFFICIENT_CASH, new(quantity_units=3_000, price="130000",
                                                         size_confirmed=True),
        setup=lambda _, wire: spend(wire), journaled=True,
    ),
    Case(
        "units not there", R.INSUFFICIENT_HOLDING, new(client_order_id="n3", side="sell",
        price="130000", quantity_units=2_000, size_confirmed=True), setup=lambda _, wire: sell_most(wire),
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
        wish = order(f"big{number}", quantity_units=3_000, size_confirmed=True, price="130000")
        assert (await wire.ask("order.new", wish))["ok"]


async def sell_most(wire: Wire) -> None:
    """Offer 3,000 of the firm's 4,000 units."""
    wish = order("n2", side="sell", price="130000", quantity_units=3_000, size_confirmed=True)
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
    assert error["text"] == entry.text_en
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


def logon(**changes: Any) -> Callable[[Wire], Any]:
    """A signed logon, changed before or (``after``) behind the signature."""
    return lambda wire: wire.logon_message("A-1", **changes)


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
        generation = house.session("A-1").generation

        await wire.say(door.message(wire))
        answer = await wire.receive()

        assert (answer["ok"], answer["error"]["code"]) == (False, door.code.value)
        assert await wire.closed() == (door.close, door.code.value)
        assert house.market() == market
        assert house.session("A-1").generation == generation
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
            await wire.say(wire.logon_message(session_id, **changes))
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
        await house.quiet(lambda: not house.session("A-1").live)

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
        assert house.open_orders() == []
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
        await house.hold()
        await fresh.say(fresh.logon_message("A-1", takeover=True))
        await house.quiet(lambda: len(house.sequencer._inbox) == 1)
        await old.say(old.request("order.new", order()))
        await house.quiet(lambda: len(house.sequencer._inbox) == 2)
        house.sequencer.gate.set()

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
        for _ in range(3):
            assert (await wire.ask("whoami"))["ok"]
        throttled = await wire.ask("order.new", order())
        assert throttled["error"]["code"] == "THROTTLED"
        assert throttled["error"]["retry_after_ms"] > 0
        assert throttled["error"]["next_seq"] == 5
        assert house.open_orders() == []

        for number in range(40):
            await wire.say({"method": "ping", "req_id": f"p{number}"})
        messages, end = await wire.to_the_end()
        assert end == (1013, "THROTTLED")
        assert {message["error"]["code"] for message in messages} == {"THROTTLED"}
        assert len(messages) in {26, 27}  # 3 x (10 - 1) beyond the burst, one of them above
        await serves_on(house)

    play(tmp_path, story, session=SessionSettings(rate_per_s=1, burst=3, flood_factor=10))


# --- identity of requests, order of answers


def test_the_same_order_again_is_answered_with_its_first_outcome(tmp_path: Path) -> None:
    """Over the wire and after a reconnect: one order, the same id, marked as a repeat."""

    async def story(house: House) -> None:
        await house.open()
        wire = await house.wire()
        await wire.logon("A-1", cancel_on_disconnect={"mode": "off"})
        first = await wire.ask("order.new", order())
        second = await wire.ask("order.new", order())
        wire.socket.transport.abort()
        await house.quiet(lambda: not house.session("A-1").live)
        back = await house.wire("A-1")
        third = await back.ask("order.new", order())
        for again in (second, third):
            assert again["ok"]
            assert again["result"]["order_id"] == first["result"]["order_id"]
            assert again["duplicate"] is True
        assert len(house.open_orders()) == 1

    play(tmp_path, story)


def test_a_resend_of_what_is_not_kept_is_refused(tmp_path: Path) -> None:
    """A number beyond the next one is OUT_OF_RANGE, never an empty yes."""

    async def story(house: House) -> None:
        await house.open()
        wire = await house.wire("A-1")
        await wire.ask("order.new", order("n0"))

        refused = await wire.ask("report.resend", {"from_seq": 9})

        assert refused["error"]["code"] == "OUT_OF_RANGE"
        assert refused["error"]["field"] == "params.from_seq"

    play(tmp_path, story)


def test_a_resend_gives_the_very_bytes(tmp_path: Path) -> None:
    """On the same connection and on a later one, answers and fills alike."""

    async def story(house: House) -> None:
        await house.open()
        wire, other = await house.wire("A-1"), await house.wire("B-1")
        for number in range(5):
            await wire.ask("order.new", order(f"n{number}"))
        await other.ask("order.new", order(side="sell", quantity_units=50))
        while house.next_report("A-1") > 1 + len(numbered(wire)):
            await wire.receive()
        seen = numbered(wire)
        assert [json.loads(raw)["seq"] for raw in seen] == list(range(1, len(seen) + 1))

        wire.raw.clear()
        assert (await wire.ask("report.resend", {"from_seq": 1}))["ok"]
        for _ in seen:
            await wire.receive()
        assert numbered(wire) == seen

        fresh = await house.wire()
        answer = await fresh.logon("A-1", takeover=True)
        assert answer["result"]["next_report_seq"] == len(seen) + 1
        fresh.raw.clear()
        await fresh.ask("report.resend", {"from_seq": 2, "to_seq": 3})
        for _ in range(2):
            await fresh.receive()
        assert numbered(fresh) == seen[1:3]

    play(tmp_path, story)


def numbered(wire: Wire) -> list[bytes]:
    """The numbered reports a wire has seen, as they came."""
    return [raw for raw in wire.raw if "seq" in json.loads(raw)]


def test_requests_sent_at_once_are_answered_in_order(tmp_path: Path) -> None:
    """Two hundred orders without waiting: two hundred answers, in the order they were sent."""

    async def story(house: House) -> None:
        await house.open()
        wire = await house.wire("A-1")
        for number in range(200):
            await wire.say(wire.request("order.new", order(f"n{number}")))
            wire.next_seq += 1
        answers = [await wire.receive() for _ in range(200)]
        assert [answer["req_id"] for answer in answers] == [str(n) for n in range(1, 201)]
        assert [answer["seq"] for answer in answers] == list(range(1, 201))
        assert [answer["prev_seq"] for answer in answers] == list(range(200))

    play(tmp_path, story)


def test_a_mass_cancel_takes_what_it_names_and_counts(tmp_path: Path) -> None:
    """By side, by session, by firm; orders of others stay."""

    async def story(house: House) -> None:
        await house.open()
        one, two = await house.wire("A-1"), await house.wire("A-2")
        other = await house.wire("B-1")
        await one.ask("order.new", order("b1"))
        await one.ask("order.new", order("s1", side="sell", price="120000"))
        await two.ask("order.new", order("b2"))
        await other.ask("order.new", order("b3"))

        for scope, left in (
            ({"scope": "session", "side": "sell"}, 2),
            ({"scope": "session"}, 1),
            ({"scope": "firm", "instrument_id": "ST02"}, 1),
            ({"scope": "firm"}, 0),
        ):
            answer = await one.ask("order.mass_cancel", scope)
            assert answer["ok"]
            assert len(house.open_orders()) == left
        assert len(house.open_orders("FIRM-B")) == 1

    play(tmp_path, story)


def test_the_kill_switch_clears_the_firm_and_bars_it(tmp_path: Path) -> None:
    """Orders of all its sessions go; new ones are refused, questions are answered."""

    async def story(house: House) -> None:
        await house.open()
        one, two = await house.wire("A-1"), await house.wire("A-2")
        await one.ask("order.new", order("n1"))
        await two.ask("order.new", order("n2"))
        assert (await one.ask("kill"))["ok"]
        assert house.open_orders() == []
        assert (await two.ask("order.new", order("n3")))["error"]["code"] == "KILLED"
        assert (await two.ask("limits.get"))["result"]["killed"] is True
        assert (await (await house.wire("B-1")).ask("order.new", order()))["ok"]

    play(tmp_path, story)


def test_queries_show_ones_own_and_nothing_else(tmp_path: Path) -> None:
    """Open orders, balances and limits of the firm; the other firm's orders never appear."""

    async def story(house: House) -> None:
        await house.open()
        one, other = await house.wire("A-1"), await house.wire("B-1")
        await one.ask("order.new", order("n1"))
        await other.ask("order.new", order("x1", instrument_id="ST02"))
        (mine,) = (await one.ask("order.list"))["result"]["orders"]
        assert (mine["client_order_id"], mine["price"]) == ("n1", "100000")
        answer = await one.ask("order.list", {"instrument_id": "ST02"})
        assert answer["result"] == {"orders": []}
        balances = (await one.ask("balance.list"))["result"]
        assert balances["owned_yen"] == 2_000_000_000
        assert balances["free_yen"] == 2_000_000_000 - 1_000_000
        assert (await one.ask("limits.get"))["result"]["killed"] is False

    play(tmp_path, story)


# --- the end of a connection


@pytest.mark.parametrize(("mode", "left"), [("off", 1), ("on", 0), ("grace", 1)])
def test_a_lost_connection_does_what_its_logon_said(mode: str, left: int, tmp_path: Path) -> None:
    """Off keeps the orders, on cancels them at once, grace keeps them for its time."""

    async def story(house: House) -> None:
        await house.open()
        wire = await house.wire()
        wish = {"mode": mode} | ({"grace_ms": 600_000} if mode == "grace" else {})
        await wire.logon("A-1", cancel_on_disconnect=wish)
        await wire.ask("order.new", order())
        wire.socket.transport.abort()
        await house.quiet(lambda: not house.session("A-1").live)
        assert len(house.open_orders()) == left
        for timer in house.gateway._grace.values():
            timer.cancel()

    play(tmp_path, story)


def test_grace_ends_with_a_journaled_cancel(tmp_path: Path) -> None:
    """When nobody came back in time the orders go, by one command."""

    async def story(house: House) -> None:
        await house.open()
        wire = await house.wire()
        await wire.logon("A-1", cancel_on_disconnect={"mode": "grace", "grace_ms": 20})
        await wire.ask("order.new", order())
        sequence = house.core.sequence
        wire.socket.transport.abort()
        await house.quiet(lambda: house.core.sequence == sequence + 2)
        assert house.open_orders() == []

    play(tmp_path, story)


def test_who_comes_back_in_time_keeps_the_orders(tmp_path: Path) -> None:
    """A logon within the grace time stops it."""

    async def story(house: House) -> None:
        await house.open()
        wire = await house.wire()
        await wire.logon("A-1", cancel_on_disconnect={"mode": "grace", "grace_ms": 600_000})
        await wire.ask("order.new", order())
        wire.socket.transport.abort()
        await house.quiet(lambda: bool(house.gateway._grace))
        back = await house.wire()
        await back.logon("A-1", cancel_on_disconnect={"mode": "grace", "grace_ms": 600_000})
        assert house.gateway._grace == {}
        assert len((await back.ask("order.list"))["result"]["orders"]) == 1
        await back.ask("logout")

    play(tmp_path, story)


@pytest.mark.parametrize("mode", ["off", "on", "grace"])
@pytest.mark.parametrize("cancel_open", [False, True])
def test_a_logout_does_what_it_says_whatever_a_loss_would_do(
    mode: str, cancel_open: bool, tmp_path: Path
) -> None:
    """Orders stay unless the logout takes them; no grace time runs after it."""

    async def story(house: House) -> None:
        await house.open()
        wire = await house.wire()
        wish = {"mode": mode} | ({"grace_ms": 1} if mode == "grace" else {})
        await wire.logon("A-1", cancel_on_disconnect=wish)
        await wire.ask("order.new", order())
        answer = await wire.ask("logout", {"cancel_open": cancel_open})
        assert answer["result"] == {"cancel_open": cancel_open}
        assert await wire.closed() == (1000, "")
        await house.quiet(lambda: not house.session("A-1").live)
        assert house.gateway._grace == {}
        assert len(house.open_orders()) == (0 if cancel_open else 1)

    play(tmp_path, story)


def test_a_socket_lost_while_its_logon_is_on_the_way_leaves_no_live_session(
    tmp_path: Path,
) -> None:
    """The generation is opened by the journal and closed right behind."""

    async def story(house: House) -> None:
        await house.hold()
        wire = await house.wire()
        await wire.say(wire.logon_message("A-1"))
        await house.quiet(lambda: len(house.sequencer._inbox) == 1)
        wire.socket.transport.abort()
        await house.quiet(lambda: not house.gateway._connections)
        house.sequencer.gate.set()
        session = house.session("A-1")
        await house.quiet(lambda: session.generation == 1 and not session.live)
        assert (await (await house.wire("A-1")).ask("whoami"))["result"]["generation"] == 2

    play(tmp_path, story)


# --- capacity and the disk


def test_a_full_inbox_answers_busy_and_the_end_of_a_session_still_fits(tmp_path: Path) -> None:
    """BUSY at once, the number used up, no effect; a close is queued all the same."""

    async def story(house: House) -> None:
        await house.open()
        wire = await house.wire("A-1")
        await house.hold()
        for number in range(4):  # two fit behind the turn that waits for the disk
            await wire.say(wire.request("order.new", order(f"n{number}")))
            wire.next_seq += 1
        for req_id in ("3", "4"):
            answer = await wire.receive()
            assert (answer["req_id"], answer["error"]["code"]) == (req_id, "BUSY")
            assert answer["error"]["retryable"] is True
        await wire.say(wire.request("logout", {"cancel_open": False}))
        await house.quiet(lambda: len(house.sequencer._inbox) == 3)
        house.sequencer.gate.set()
        await house.quiet(lambda: not house.session("A-1").live)
        assert len(house.open_orders()) == 2

    play(tmp_path, story, inbox_max=2)


def test_nothing_leaves_before_the_journal_write_returned(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between a command's step and the end of its sync not one frame is sent to anybody."""
    frames: list[bytes] = []
    send = Connection.send_frames

    def counted(connection: Connection, data: bytes) -> None:
        frames.append(data)
        send(connection, data)

    monkeypatch.setattr(Connection, "send_frames", counted)

    async def story(house: House) -> None:
        await house.open()
        feed = await house.subscriber({"name": "orders", "instrument_ids": ["ST01"]})
        await feed.receive()  # the snapshot
        wire = await house.wire("A-1")
        turns: list[tuple[int, int, int]] = []
        write, apply = house.journal.write, house.core.apply

        def applied(entry: Entry) -> list[Event]:
            turns.append((len(frames), -1, -1))
            return apply(entry)

        def written(rows: list[Row]) -> None:
            before, _, _ = turns.pop()
            write(rows)
            turns.append((before, house.core.sequence, len(frames)))

        monkeypatch.setattr(house.core, "apply", applied)
        monkeypatch.setattr(house.journal, "write", written)
        assert (await wire.ask("order.new", order()))["ok"]
        assert (await feed.receive())["data"]["action"] == "add"

        ((before, sequence, after),) = turns
        assert sequence == house.core.sequence
        assert before == after < len(frames)

    play(tmp_path, story)


def test_a_reader_of_reports_that_stops_reading_is_closed_and_loses_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """SLOW_CONSUMER and 4010 for that firm alone; the reports wait for a resend."""
    monkeypatch.setattr(gateway_module, "UNSENT_BYTES_MAX", 32 * 1024)

    async def story(house: House) -> None:
        await house.open()
        other = await house.wire("B-1")
        wire = await house.wire("A-1", sock=small_socket(house.orders_port))
        squeeze(house.connections[-1])
        wire.socket.transport.pause_reading()
        for number in range(400):
            await wire.say(wire.request("order.new", order(f"n{number}")))
            wire.next_seq += 1
        await house.quiet(lambda: house.connections[-1].buffered_bytes > 32 * 1024)
        await other.ask("order.new", order("s", side="sell"))  # one report more, a fill
        await house.quiet(lambda: not house.session("A-1").live)
        assert (await other.ask("order.new", order()))["ok"]
        wire.socket.transport.resume_reading()
        messages, end = await wire.to_the_end()
        assert end == (4010, "SLOW_CONSUMER")
        assert messages[-1]["error"]["code"] == "SLOW_CONSUMER"

        seen = {json.loads(raw)["seq"]: raw for raw in numbered(wire)}
        assert sorted(seen) == list(range(1, len(seen) + 1))
        back = await house.wire("A-1")
        await back.ask("report.resend", {"from_seq": 1})
        for _ in range(house.next_report("A-1") - 1):
            await back.receive()
        again = numbered(back)
        assert again[: len(seen)] == list(seen.values())
        assert len(again) > len(seen)

    play(tmp_path, story)


def test_every_code_of_the_catalogue_is_provoked_or_has_a_reason_not_to_be() -> None:
    """A new code comes with a case here."""
    provoked = {case.code for case in LIVE} | {door.code for door in DOORS}
    by_stories = {
        R.HEARTBEAT_TIMEOUT, R.SESSION_TAKEN_OVER, R.SESSION_LOCKED, R.STALE_GENERATION,
        R.THROTTLED, R.BUSY, R.SLOW_CONSUMER,
    }  # fmt: skip
    in_other_files = {R.INVALID_TEXT, R.INTERNAL, R.STORAGE_FAILED}  # sockets, app
    by_operators = {R.UNKNOWN_TRADE, R.BUST_NOT_ALLOWED, R.UNKNOWN_INSTRUCTION, R.ALREADY_FINAL, R.CUTOFF_PASSED, R.ISSUER_DEFAULTED, R.LEG_MISMATCH,
                    R.TRANSFER_RESTRICTED}  # fmt: skip
    by_operators |= {R.ACT_UNSUPPORTED, R.STATION_CLOSED, R.NOT_REGISTERED, R.ACCOUNT_FROZEN,
                     R.RECEIVER_REFUSED, R.SIGNATURE_REFUSED}  # fmt: skip
    by_operators |= {R.BUY_IN_NOT_DUE, R.ALREADY_REVERSED, R.NOT_SETTLED}
    not_by_these_rules = {R.MARKET_ORDER_BARRED, R.BAD_LOT, R.AMEND_UNSUPPORTED, R.SELF_MATCH,
                          R.VENUE_HALTED, R.NOT_ENTITLED, R.NOT_READY}  # fmt: skip
    in_other_files |= {R.NOT_OWN_SIDE}  # firm_speaks
    attached = {R.DUPLICATE}  # a repeat is answered with its first outcome
    assert provoked | by_stories | in_other_files | by_operators | not_by_these_rules | (
        attached
    ) == set(R)
