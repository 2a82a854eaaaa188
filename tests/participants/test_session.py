"""The session: who may speak, in which order and how fast, and what ends a connection."""

import json
from typing import Any

import pytest
from door import (
    GOOD_ORDER,
    MS,
    NONCE,
    SECOND,
    WALL_NS,
    Door,
    logon_frame,
    open_session,
    opened,
)

from market.commands import (
    CloseSession,
    Command,
    DisconnectMode,
    Kill,
    MassCancel,
    NewOrder,
    OpenSession,
)
from market.errors import InvariantBroken
from market.events import SessionRefused
from market.ids import KeyId, SessionId
from market.reasons import CATALOGUE, RejectReason
from participants.actions import Action, Close, Query, Resend, Send, Submit
from participants.session import (
    NEXT_STATES,
    REPEATED_CLOSE_CODE,
    Session,
    SessionSettings,
    SessionState,
)
from participants.throttle import TakeoverGuard
from participants.wire import BalanceList, LimitsGet, OrderList

R = RejectReason
FIRM_A_1 = SessionId("FIRM-A-1")


def lost(*, orderly: bool = False, cancel_open: bool = False, generation: int = 3) -> CloseSession:
    """The command that ends the generation of these tests."""
    return CloseSession(
        session_id=FIRM_A_1, generation=generation, orderly=orderly, cancel_open=cancel_open
    )


# --- the way in


def test_the_hello_carries_what_a_logon_signs_and_the_time() -> None:
    """Version, environment, run, nonce and the server's clock come first."""
    hello = json.loads(Door().session.hello(wall_ns=WALL_NS))

    assert hello["nonce"] == NONCE.hex()
    assert (hello["version"], hello["at_ns"]) == (1, WALL_NS)
    assert (hello["environment"], hello["run_id"]) == ("test", "run-1")


def test_a_nonce_has_32_bytes() -> None:
    """A short nonce is a programmer's mistake."""
    with pytest.raises(InvariantBroken):
        Door(nonce=b"short")


def test_a_good_logon_is_submitted_and_not_yet_live() -> None:
    """The core decides whether a session opens; until then nothing is answered."""
    door = Door().logon()

    assert door.actions == [Submit(command=open_session())]
    assert door.session.status is SessionState.LOGGING_ON
    assert door.session.identity is None


@pytest.mark.parametrize(
    ("wish", "mode", "grace_ms"),
    [
        (None, None, 0),
        ({"mode": "off"}, DisconnectMode.OFF, 0),
        ({"mode": "on"}, DisconnectMode.ON, 0),
        ({"mode": "grace", "grace_ms": 5000}, DisconnectMode.GRACE, 5000),
    ],
)
def test_the_wish_for_a_lost_connection_is_signed_and_submitted(
    wish: dict[str, Any] | None, mode: DisconnectMode | None, grace_ms: int
) -> None:
    """Off, on, grace, or nothing, which leaves it to the market's rule."""
    door = Door().logon(takeover=True, **({"cancel_on_disconnect": wish} if wish else {}))

    assert door.submitted == [
        OpenSession(
            session_id=FIRM_A_1,
            key_id=KeyId("K1"),
            takeover=True,
            disconnect_mode=mode,
            grace_ms=grace_ms,
        )
    ]


def test_logon_ok_says_where_both_numberings_stand() -> None:
    """Generation, next numbers and the rule for a lost connection."""
    door = Door().live(next_seq=42)

    (answer,) = door.sent
    assert (answer["method"], answer["req_id"], answer["ok"]) == ("logon", "7", True)
    assert answer["result"] == {
        "participant_id": "FIRM-A",
        "session_id": "FIRM-A-1",
        "generation": 3,
        "next_seq": 42,
        "next_report_seq": 17,
        "disconnect_mode": "on",
        "grace_ms": 0,
        "took_over": False,
        "idle_ms": 30_000,
        "throttle": {"rate_per_s": 100, "burst": 200, "left": 200},
    }
    assert door.session.status is SessionState.LIVE
    assert door.session.next_seq == 42


BEFORE_LOGON: list[tuple[str, bytes | str, RejectReason, int]] = [
    ("an order", json.dumps({"method": "order.new", "req_id": "7", "seq": 1,
                             "params": GOOD_ORDER}), R.NOT_LOGGED_ON, 1008),
    ("a ping", '{"method":"ping","req_id":"7"}', R.NOT_LOGGED_ON, 1008),
    ("noise", "hello?", R.MALFORMED, 1008),
    ("an unknown method", '{"method":"hi","req_id":"7"}', R.UNKNOWN_TYPE, 1008),
    ("a repeated key", '{"method":"logon","method":"logon"}', R.DUPLICATE_KEY, 1008),
    ("a logon out of shape", logon_frame(left_out=("key_id",)), R.SCHEMA, 1008),
    ("more than 1 KiB", logon_frame().ljust(1025), R.FRAME_TOO_LARGE, 1009),
    ("a binary frame", logon_frame().encode(), R.UNSUPPORTED_TYPE, 1003),
    ("half a surrogate pair", '"\ud800"', R.INVALID_TEXT, 1007),
    ("another version", logon_frame(version=2), R.UNSUPPORTED_VERSION, 1008),
]  # fmt: skip


@pytest.mark.parametrize(
    ("name", "frame", "reason", "close_code"), BEFORE_LOGON, ids=[case[0] for case in BEFORE_LOGON]
)
def test_before_logon_one_wrong_message_ends_the_connection(
    name: str, frame: bytes | str, reason: RejectReason, close_code: int
) -> None:
    """Whoever is not known gets one try, one reason, and no command in the journal."""
    door = Door().frame(frame)

    door.refused(reason, close_code)
    assert door.submitted == [], name


def test_a_logon_of_exactly_1_kib_is_read() -> None:
    """The limit itself is inside."""
    assert Door().frame(logon_frame().ljust(1024)).submitted == [open_session()]


def test_text_frames_may_be_handed_over_undecoded() -> None:
    """A gateway that keeps bytes says that they were text."""
    door = Door().frame(logon_frame().encode(), binary=False)

    assert door.submitted == [open_session()]
    Door().frame(b'"\xff"', binary=False).refused(R.INVALID_TEXT, 1007)


@pytest.mark.parametrize(
    ("off_ns", "good"),
    [(0, True), (120 * SECOND, True), (-120 * SECOND, True), (120 * SECOND + 1, False),
     (-120 * SECOND - 1, False)],
)  # fmt: skip
def test_a_clock_two_minutes_off_is_refused_with_the_servers_time(off_ns: int, good: bool) -> None:
    """At the limit it passes; beyond it the answer says what time it is."""
    door = Door().logon(at_ns=WALL_NS + off_ns)

    if good:
        assert door.submitted == [open_session()]
    else:
        door.refused(R.CLOCK_SKEW, 4005)
        assert door.error["at_ns"] == WALL_NS


NOT_ME: list[tuple[str, dict[str, Any]]] = [
    ("unknown key", {"key_id": "K9"}),
    ("revoked key", {"key_id": "K2"}),
    ("another session", {"session_id": "FIRM-A-2"}),
    ("another secret", {"seed": b"\5" * 32}),
    ("another environment", {"signed": {"environment": "production"}}),
    ("another run", {"signed": {"run_id": "run-0"}}),
    ("another connection", {"signed": {"server_nonce_hex": "00" * 32}}),
    ("another firm", {"signed": {"participant_id": "FIRM-B"}}),
    ("another client nonce", {"signed": {"client_nonce_hex": "00" * 32}}),
    ("a takeover not signed", {"takeover": True, "signed": {"takeover": False}}),
    ("a number not signed", {"next_seq": 5, "signed": {"next_seq": 1}}),
    ("a wish not signed", {"cancel_on_disconnect": {"mode": "off"}, "signed": {"disconnect": ""}}),
]


@pytest.mark.parametrize(("name", "changes"), NOT_ME, ids=[case[0] for case in NOT_ME])
def test_whatever_is_wrong_with_a_logon_the_answer_is_the_same(
    name: str, changes: dict[str, Any]
) -> None:
    """Unknown, revoked, foreign, replayed or forged: one answer, byte for byte."""
    door = Door().logon(**changes)

    door.refused(R.AUTH_FAILED, 1008)
    assert door.actions == Door().logon(seed=b"\6" * 32).actions, name


def test_a_logon_heard_on_one_connection_is_useless_on_another() -> None:
    """The nonce binds the signature to one connection."""
    heard = logon_frame()

    assert Door().frame(heard).submitted == [open_session()]
    Door(nonce=b"\3" * 32).frame(heard).refused(R.AUTH_FAILED, 1008)
    Door(environment="production").frame(heard).refused(R.AUTH_FAILED, 1008)
    Door(run_id="run-2").frame(heard).refused(R.AUTH_FAILED, 1008)


def test_a_second_message_before_logon_ok_ends_the_connection() -> None:
    """One message means one; the generation, once opened, is closed again."""
    door = Door().logon().order(1)

    door.refused(R.NOT_LOGGED_ON, 1008)
    assert door.submitted == []
    assert door.did(door.session.opened(opened())).actions == [Submit(command=lost())]


@pytest.mark.parametrize(
    ("reason", "close_code"), [(R.SESSION_ACTIVE, 4001), (R.AUTH_FAILED, 1008)]
)
def test_the_core_may_refuse_a_logon(reason: RejectReason, close_code: int) -> None:
    """A session live elsewhere, or a key revoked meanwhile."""
    door = Door().logon()
    door.did(door.session.refused(SessionRefused(session_id=FIRM_A_1, reason=reason)))

    door.refused(reason, close_code)
    assert door.submitted == []


def test_a_logon_that_could_not_be_queued_ends_the_connection() -> None:
    """The client comes back later and signs anew."""
    door = Door().logon()
    door.did(door.session.not_submitted(open_session(), R.BUSY))

    door.refused(R.BUSY, 1013)
    assert door.error["retryable"] is True


def test_silence_before_logon_ends_after_five_seconds() -> None:
    """A connection that says nothing holds nothing."""
    door = Door()

    assert door.did(door.session.tick(5 * SECOND - 1)).actions == []
    door.did(door.session.tick(5 * SECOND)).refused(R.HEARTBEAT_TIMEOUT, 4006)
    assert door.submitted == []


def test_waiting_for_the_core_is_not_the_clients_silence() -> None:
    """No timeout runs between logon and logon_ok."""
    door = Door().logon()

    assert door.did(door.session.tick(60 * SECOND)).actions == []


# --- takeovers


def test_a_fourth_takeover_in_a_minute_locks_the_session() -> None:
    """Two programs cannot take one session from each other without end."""
    guard = TakeoverGuard()
    for generation in (2, 3, 4):
        door = Door(guard=guard).live(generation=generation, took_over=True, takeover=True)
        assert door.session.status is SessionState.LIVE

    door = Door(guard=guard).logon(takeover=True)

    door.refused(R.SESSION_LOCKED, 4003)
    assert door.error["retry_after_ms"] == 60_000
    Door(guard=guard).logon().refused(R.SESSION_LOCKED, 4003)


def test_a_stranger_cannot_lock_a_session() -> None:
    """Takeovers count when they take effect, and a lock is not told to the unsigned."""
    guard = TakeoverGuard()
    for _ in range(5):
        Door(guard=guard).logon(takeover=True, seed=b"\5" * 32).refused(R.AUTH_FAILED, 1008)
    for _ in range(5):
        Door(guard=guard).live(takeover=True, took_over=False)

    assert Door(guard=guard).logon(takeover=True).submitted == [open_session(takeover=True)]


def test_a_session_taken_over_is_told_and_closed_without_a_command() -> None:
    """The newer generation is in the journal already."""
    door = Door().live()
    door.did(door.session.taken_over())

    door.refused(R.SESSION_TAKEN_OVER, 4002)
    assert door.submitted == []
    assert door.session.disconnected() == []


def test_a_revoked_key_closes_its_live_session() -> None:
    """The core has ended the generation; the connection follows."""
    door = Door().live()
    door.did(door.session.revoked())

    door.refused(R.AUTH_FAILED, 1008)
    assert door.submitted == []


# --- requests


def test_an_order_is_submitted_in_the_sessions_own_name() -> None:
    """Identity and generation come from the logon."""
    door = Door().live().order(1)

    (command,) = door.submitted
    assert isinstance(command, NewOrder)
    assert (command.participant_id, command.session_id) == ("FIRM-A", "FIRM-A-1")
    assert (command.generation, command.req_id) == (3, "7")


def test_every_request_uses_the_next_number() -> None:
    """Orders, queries and the session's own answers share one count."""
    door = Door().live()
    steps: list[tuple[str, dict[str, Any]]] = [
        ("order.new", GOOD_ORDER),
        ("order.cancel", {"order_id": "O-317"}),
        ("order.amend", {"client_order_id": "A-2", "order_id": "O-317", "price": "1"}),
        ("order.mass_cancel", {"scope": "session"}),
        ("kill", {}),
        ("order.list", {}),
        ("balance.list", {}),
        ("limits.get", {}),
        ("whoami", {}),
        ("report.resend", {"from_seq": 1}),
    ]
    for number, (method, params) in enumerate(steps, start=1):
        door.ask(method, number, **params)
        assert door.close_code is None
        assert door.session.next_seq == number + 1


def test_mass_cancel_and_kill_are_commands() -> None:
    """Taking risk off goes through the journal like putting it on."""
    door = Door().live()

    assert isinstance(door.ask("order.mass_cancel", 1, scope="firm").submitted[0], MassCancel)
    assert isinstance(door.ask("kill", 2).submitted[0], Kill)


def test_a_query_is_handed_on_with_the_identity() -> None:
    """The gateway answers from core state, for this firm."""
    door = Door().live()

    for number, (method, kind) in enumerate(
        [("order.list", OrderList), ("balance.list", BalanceList), ("limits.get", LimitsGet)],
        start=1,
    ):
        (action,) = door.ask(method, number).actions
        assert isinstance(action, Query)
        assert isinstance(action.request, kind)
        assert action.identity == door.session.identity


def test_ping_has_no_number_and_tells_the_time() -> None:
    """A keep-alive moves no count."""
    door = Door().live().ask("ping")

    assert door.sent == [
        {"method": "ping", "req_id": "7", "ok": True, "result": {"at_ns": WALL_NS}}
    ]
    assert door.session.next_seq == 1


def test_whoami_names_identity_and_rate() -> None:
    """What the venue thinks of this connection."""
    (answer,) = Door().live().ask("whoami", 1).sent

    assert answer["result"] == {
        "participant_id": "FIRM-A",
        "session_id": "FIRM-A-1",
        "generation": 3,
        "key_id": "K1",
        "environment": "test",
        "run_id": "run-1",
        "throttle": {"rate_per_s": 100, "burst": 200, "left": 199},
    }


@pytest.mark.parametrize("cancel_open", [True, False])
def test_logout_ends_the_generation_then_the_connection(cancel_open: bool) -> None:
    """Command, answer, close, in this order; orders stay unless asked otherwise."""
    door = Door().live().ask("logout", 1, cancel_open=cancel_open)

    first, second, third = door.actions
    assert first == Submit(command=lost(orderly=True, cancel_open=cancel_open))
    assert isinstance(second, Send)
    assert third == Close(code=1000, reason=None)
    assert door.session.disconnected() == []


def test_a_second_logon_on_a_live_connection_ends_it() -> None:
    """A connection is one session for life."""
    door = Door().live().logon()

    door.refused(R.PROTOCOL_ERROR, 1002)
    assert door.submitted == [lost()]


# --- refusals of a live session

LIVE_REFUSALS: list[tuple[str, bytes | str, RejectReason, int | None]] = [
    ("noise", "hello?", R.MALFORMED, None),
    ("a repeated key", '{"method":"kill","seq":1,"seq":1,"req_id":"7"}', R.DUPLICATE_KEY, None),
    ("an unknown method", '{"method":"hi","seq":1,"req_id":"7"}', R.UNKNOWN_TYPE, None),
    ("an unknown field", '{"method":"kill","seq":1,"req_id":"7","now":1}', R.SCHEMA, None),
    ("a binary frame", b"{}", R.UNSUPPORTED_TYPE, 1003),
    ("half a surrogate pair", '"\ud800"', R.INVALID_TEXT, 1007),
    ("more than 4 KiB", " " * 4097, R.FRAME_TOO_LARGE, 1009),
]


@pytest.mark.parametrize(
    ("name", "frame", "reason", "close_code"), LIVE_REFUSALS, ids=[c[0] for c in LIVE_REFUSALS]
)
def test_a_frame_that_cannot_be_decoded_uses_up_no_number(
    name: str, frame: bytes | str, reason: RejectReason, close_code: int | None
) -> None:
    """It is refused by the catalogue's policy, and the next request carries the same number."""
    door = Door().live().frame(frame)

    door.refused(reason, close_code)
    assert door.error["next_seq"] == 1
    assert door.submitted == ([] if close_code is None else [lost()]), name
    if close_code is None:
        assert isinstance(door.order(1).submitted[0], NewOrder)


@pytest.mark.parametrize(
    ("changes", "reason", "field"),
    [
        ({"price": "0"}, R.OUT_OF_RANGE, "params.price"),
        ({"quantity_units": 0}, R.OUT_OF_RANGE, "params.quantity_units"),
        ({"kind": "market"}, R.INVALID_COMBINATION, "params.price"),
    ],
)
def test_a_request_of_bad_value_uses_up_its_number(
    changes: dict[str, Any], reason: RejectReason, field: str
) -> None:
    """It was read and it was in order; a client that sends ahead is not thrown out of step."""
    door = Door().live().order(1, **changes)

    door.refused(reason)
    assert door.error["field"] == field
    assert isinstance(door.order(2).submitted[0], NewOrder)


def test_ten_unreadable_frames_in_ten_seconds_end_the_session() -> None:
    """Nine are answered, the tenth closes."""
    door = Door().live()
    for number in range(9):
        door.now_ns = number * SECOND
        door.frame("?").refused(R.MALFORMED)

    door.now_ns = 10 * SECOND
    door.frame("?").refused(R.MALFORMED, 1008)

    assert door.submitted == [lost()]


def test_unreadable_frames_far_apart_are_only_answered() -> None:
    """The tenth after ten seconds and a moment keeps the connection."""
    door = Door().live()
    for number in range(20):
        door.now_ns = number * 10 * SECOND // 9 + number
        door.frame("?").refused(R.MALFORMED)


# --- message order


def test_a_number_used_before_ends_the_session() -> None:
    """Nothing is done twice, and the two sides no longer agree."""
    door = Door().live().order(1).order(1)

    door.refused(R.SEQ_TOO_LOW, 4004)
    assert door.error["next_seq"] == 2
    assert door.submitted == [lost()]


def test_a_skipped_number_is_refused_with_the_one_expected() -> None:
    """Nothing is executed, the connection stays, the right number is still good."""
    door = Door().live().order(3)

    door.refused(R.SEQ_GAP)
    assert (door.error["next_seq"], door.error["retryable"]) == (1, True)
    assert isinstance(door.order(1).submitted[0], NewOrder)


def test_five_gaps_in_a_row_end_the_session() -> None:
    """Four are answered, the fifth closes; one good request starts the count again."""
    door = Door().live()
    for _ in range(4):
        door.order(9).refused(R.SEQ_GAP)
    door.order(1)
    for _ in range(4):
        door.order(9).refused(R.SEQ_GAP)

    door.order(9).refused(R.SEQ_GAP, 4004)

    assert door.submitted == [lost()]


# --- rate


def small(**changes: Any) -> SessionSettings:
    """A session of one message a second and three at once."""
    return SessionSettings(rate_per_s=1, burst=3, **changes)


def test_above_the_rate_a_request_waits_and_uses_up_its_number() -> None:
    """THROTTLED says how long; the request that follows in order is not a gap."""
    door = Door(small()).live().order(1).order(2).order(3).order(4)

    door.refused(R.THROTTLED)
    assert door.error["retry_after_ms"] == 1_000
    assert door.error["next_seq"] == 5
    door.now_ns = SECOND
    assert isinstance(door.order(5).submitted[0], NewOrder)


def test_refusals_count_against_the_rate() -> None:
    """A client cannot spend our time for nothing."""
    door = Door(small()).live()
    door.order(9).frame('{"method":"hi"}').ask("ping")

    door.order(1).refused(R.THROTTLED)


def test_ten_times_the_rate_ends_the_session() -> None:
    """Three pass, twenty-seven wait, the next closes."""
    door = Door(small()).live()
    for number in range(1, 31):
        door.order(number)
        assert door.close_code is None

    door.order(31).refused(R.THROTTLED, 1013)

    assert door.submitted == [lost()]


# --- reports again


def test_a_resend_is_left_to_the_gateway_with_its_range() -> None:
    """Who asks for what is all a session knows; left open, it ends at the most one may ask."""
    door = Door().live().ask("report.resend", 1, from_seq=5, to_seq=9)

    (first,) = door.actions
    assert isinstance(first, Resend)
    assert (first.from_seq, first.to_seq) == (5, 9)
    door.now_ns = SECOND
    door.ask("report.resend", 2, from_seq=5)
    (second,) = door.actions
    assert isinstance(second, Resend)
    assert (second.from_seq, second.to_seq) == (5, 10_004)


@pytest.mark.parametrize(
    ("to_seq", "reason"),
    [(4, R.INVALID_COMBINATION), (5, None), (10_004, None), (10_005, R.OUT_OF_RANGE)],
)
def test_a_resend_has_at_most_ten_thousand_reports(
    to_seq: int, reason: RejectReason | None
) -> None:
    """Below, at and above the limit; a range that ends before it begins is none."""
    door = Door().live().ask("report.resend", 1, from_seq=5, to_seq=to_seq)

    if reason is None:
        (action,) = door.actions
        assert isinstance(action, Resend)
        assert action.to_seq == to_seq
    else:
        door.refused(reason)
        assert door.error["field"] == "params.to_seq"


def test_one_resend_a_second() -> None:
    """The second within a second waits for what is left of it."""
    door = Door().live().ask("report.resend", 1, from_seq=1)

    door.now_ns = SECOND - MS
    door.ask("report.resend", 2, from_seq=1).refused(R.THROTTLED)
    assert door.error["retry_after_ms"] == 1
    door.now_ns = SECOND
    (again,) = door.ask("report.resend", 3, from_seq=1).actions
    assert isinstance(again, Resend)


# --- the way out


def test_a_lost_connection_ends_its_generation_once() -> None:
    """One command, whatever is called afterwards."""
    door = Door().live()

    assert door.did(door.session.disconnected()).actions == [Submit(command=lost())]
    assert door.session.disconnected() == []
    assert door.session.tick(3600 * SECOND) == []
    assert door.order(1).actions == []


def test_a_connection_lost_while_logging_on_is_closed_when_the_core_answers() -> None:
    """A generation without a connection does not stay live."""
    door = Door().logon()

    assert door.session.disconnected() == []
    assert door.did(door.session.opened(opened())).actions == [Submit(command=lost())]


def test_a_refused_logon_of_a_lost_connection_needs_nothing() -> None:
    """Nothing was opened, so nothing is closed."""
    door = Door().logon()
    door.session.disconnected()

    assert door.session.refused(SessionRefused(session_id=FIRM_A_1, reason=R.AUTH_FAILED)) == []


def test_thirty_seconds_of_silence_end_a_live_session() -> None:
    """Heard from a moment ago it stays; at the limit it goes, with its generation."""
    door = Door().live()
    door.now_ns = 10 * SECOND
    door.ask("ping")

    door.did(door.session.tick(40 * SECOND - 1))
    assert door.close_code is None
    door.did(door.session.tick(40 * SECOND)).refused(R.HEARTBEAT_TIMEOUT, 4006)
    assert door.submitted == [lost()]


def test_the_server_shows_that_it_lives() -> None:
    """A heartbeat every ten seconds, with the number it expects."""
    door = Door().live(next_seq=5)

    assert door.did(door.session.tick(10 * SECOND - 1)).actions == []
    assert door.did(door.session.tick(10 * SECOND)).sent == [
        {"channel": "session", "type": "heartbeat", "next_seq": 5}
    ]
    assert door.did(door.session.tick(11 * SECOND)).actions == []


@pytest.mark.parametrize(
    ("reason", "close_code"),
    [(R.BUSY, None), (R.NOT_READY, None), (R.STORAGE_FAILED, 1012)],
)
def test_a_request_that_could_not_be_queued_is_answered(
    reason: RejectReason, close_code: int | None
) -> None:
    """Busy is said at once, with the request's own label; a failed journal closes."""
    door = Door().live().order(1)
    (command,) = door.submitted
    assert isinstance(command, NewOrder)
    door.did(door.session.not_submitted(command, reason))

    door.refused(reason, close_code)
    (answer,) = door.sent
    assert (answer["method"], answer["req_id"]) == ("order.new", "7")
    assert answer["error"]["next_seq"] == 2


@pytest.mark.parametrize(
    ("reason", "close_code"),
    [(R.SLOW_CONSUMER, 4010), (R.INTERNAL, 1011), (R.STORAGE_FAILED, 1012)],
)
def test_the_gateway_may_end_a_connection(reason: RejectReason, close_code: int) -> None:
    """For its own reasons, with the catalogue's code and the generation closed."""
    door = Door().live()
    door.did(door.session.end(reason)).refused(reason, close_code)

    assert door.submitted == [lost()]
    assert door.session.end(reason) == []


# --- the table


def in_state(state: SessionState) -> Door:
    """A connection that stands there."""
    door = Door()
    if state is not SessionState.CONNECTED:
        door.logon()
    if state in {SessionState.LIVE, SessionState.CLOSED}:
        door.did(door.session.opened(opened()))
    if state is SessionState.CLOSED:
        door.did(door.session.disconnected())
    assert door.session.status is state
    return door


S = SessionState
WALK: dict[SessionState, dict[str, SessionState | None]] = {
    S.CONNECTED: {
        "logon": S.LOGGING_ON, "order": S.CLOSED, "logout": S.CLOSED, "opened": None,
        "refused": None, "disconnected": S.CLOSED, "silence": S.CLOSED, "taken_over": S.CLOSED,
        "revoked": S.CLOSED,
    },
    S.LOGGING_ON: {
        "logon": S.CLOSED, "order": S.CLOSED, "logout": S.CLOSED, "opened": S.LIVE,
        "refused": S.CLOSED, "disconnected": S.CLOSED, "silence": S.LOGGING_ON,
        "taken_over": S.CLOSED, "revoked": S.CLOSED,
    },
    S.LIVE: {
        "logon": S.CLOSED, "order": S.LIVE, "logout": S.CLOSED, "opened": None, "refused": None,
        "disconnected": S.CLOSED, "silence": S.CLOSED, "taken_over": S.CLOSED,
        "revoked": S.CLOSED,
    },
    S.CLOSED: {
        "logon": S.CLOSED, "order": S.CLOSED, "logout": S.CLOSED, "opened": None,
        "refused": S.CLOSED, "disconnected": S.CLOSED, "silence": S.CLOSED,
        "taken_over": S.CLOSED, "revoked": S.CLOSED,
    },
}  # fmt: skip
"""Where each thing leads from each state; None is a broken gateway: nobody asked the core that."""

STEPS = [(state, stimulus, to) for state, row in WALK.items() for stimulus, to in row.items()]


def stimulate(door: Door, stimulus: str) -> Door:
    """Let one thing happen."""
    session: Session = door.session
    refused = SessionRefused(session_id=FIRM_A_1, reason=R.SESSION_ACTIVE)
    match stimulus:
        case "logon":
            return door.logon()
        case "order":
            return door.order(1)
        case "logout":
            return door.ask("logout", 1)
        case "opened":
            return door.did(session.opened(opened()))
        case "refused":
            return door.did(session.refused(refused))
        case "silence":
            return door.did(session.tick(3600 * SECOND))
        case _:
            actions: list[Action] = getattr(session, stimulus)()
            return door.did(actions)


@pytest.mark.parametrize(("state", "stimulus", "expected"), STEPS)
def test_the_state_table_is_walked(
    state: SessionState, stimulus: str, expected: SessionState | None
) -> None:
    """Every stimulus in every state leads where the table says, and a close comes last."""
    door = in_state(state)
    if expected is None:
        with pytest.raises(InvariantBroken):
            stimulate(door, stimulus)
        assert door.session.status is state
        return

    stimulate(door, stimulus)

    assert door.session.status is expected
    assert expected is state or expected in NEXT_STATES[state]
    closes = [number for number, action in enumerate(door.actions) if isinstance(action, Close)]
    assert closes in ([], [len(door.actions) - 1])


def test_a_live_generation_is_closed_exactly_once_on_every_way_out() -> None:
    """Whatever ends a live session, its CloseSession is submitted once, or the core knew."""
    for stimulus in ("logon", "logout", "disconnected", "silence", "taken_over", "revoked"):
        door = stimulate(in_state(S.LIVE), stimulus)
        commands: list[Command] = list(door.submitted)
        for later in ("disconnected", "silence", "taken_over", "order"):
            commands += stimulate(door, later).submitted
        expected = 0 if stimulus in {"taken_over", "revoked"} else 1
        assert [type(command) for command in commands] == [CloseSession] * expected, stimulus


def test_codes_that_close_when_repeated_keep_the_connection_once() -> None:
    """The second tier is only for codes the catalogue keeps open."""
    for reason in REPEATED_CLOSE_CODE:
        assert CATALOGUE[reason].close_code is None


def test_the_state_is_plain() -> None:
    """Dicts, ints and strings only."""
    state = Door().live().order(1).session.state()

    assert json.loads(json.dumps(state)) == state
    assert (state["status"], state["session_id"], state["generation"]) == ("live", "FIRM-A-1", 3)
    assert state["next_seq"] == 2
