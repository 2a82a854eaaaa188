"""Participants: admission, keys, session generations and the kill switch."""

from typing import Any

import pytest

from market.commands import (
    AmendOrder,
    CancelOrder,
    CloseSession,
    DisconnectMode,
    Kill,
    MassCancel,
    MassCancelScope,
    NewOrder,
    OpenSession,
    ParticipantLimits,
    RegisterKey,
    RegisterParticipant,
    Request,
    RevokeKey,
    Unkill,
)
from market.errors import InvariantBroken
from market.events import (
    CommandRefused,
    Event,
    KeyRegistered,
    KeyRevoked,
    ParticipantKilled,
    ParticipantRegistered,
    ParticipantUnkilled,
    SessionClosed,
    SessionOpened,
    SessionRefused,
)
from market.ids import ClientOrderId, InstrumentId, KeyId, ParticipantId, SessionId
from market.quantities import Sen, Units, Yen
from market.reasons import RejectReason
from market.words import OrderKind, Side
from participants.participant import Participants

A, B = ParticipantId("FIRM-A"), ParticipantId("FIRM-B")
S1, S2 = SessionId("A-1"), SessionId("A-2")
HEX = "ab" * 32
_R = RejectReason


def key(name: str = "k1", firm: str = A, session: str = S1, public_hex: str = HEX) -> RegisterKey:
    """A registration of a key."""
    return RegisterKey(
        key_id=KeyId(name),
        participant_id=ParticipantId(firm),
        session_id=SessionId(session),
        public_key_hex=public_hex,
    )


def admitted() -> Participants:
    """Two firms; A has one key for one session."""
    it = Participants()
    for firm in (A, B):
        it.register(RegisterParticipant(participant_id=firm, name=firm))
    it.register_key(key())
    return it


def logon(it: Participants, name: str = "k1", session: str = S1, **more: Any) -> Event:
    """The one event a logon gives."""
    takeover = more.pop("takeover", False)
    cmd = OpenSession(session_id=SessionId(session), key_id=KeyId(name), takeover=takeover, **more)
    (event,) = it.open_session(cmd, DisconnectMode.ON, 7)
    return event


def carried(firm: ParticipantId = A, session: SessionId = S1, generation: int = 1) -> list[Request]:
    """One request of each kind, as the session would carry it."""
    by: dict[str, Any] = {
        "participant_id": firm,
        "session_id": session,
        "generation": generation,
        "req_id": "1",
    }
    return [
        NewOrder(
            **by,
            client_order_id=ClientOrderId("C1"),
            instrument_id=InstrumentId("KH01"),
            side=Side.BUY,
            kind=OrderKind.LIMIT,
            price_sen=Sen(100),
            quantity_units=Units(1),
        ),
        AmendOrder(**by, client_order_id=ClientOrderId("C2")),
        CancelOrder(**by),
        MassCancel(**by, scope=MassCancelScope.FIRM),
        Kill(**by),
    ]


def reason_of(events: list[Event]) -> RejectReason:
    """Why a command was refused; it must have been the only event."""
    (event,) = events
    assert isinstance(event, CommandRefused)
    return event.reason


@pytest.mark.parametrize(
    ("firm", "accepted"),
    [
        ("A", True),
        ("A" * 16, True),
        ("A" * 17, False),
        ("", False),
        ("firm", False),
        ("A B", False),
    ],
)
def test_participant_ids_are_short_and_plain(firm: str, accepted: bool) -> None:
    """1 to 16 of A-Z 0-9 and dash; anything else is refused and nothing is registered."""
    it = Participants()
    (event,) = it.register(RegisterParticipant(participant_id=ParticipantId(firm), name="x"))
    assert isinstance(event, ParticipantRegistered) == accepted
    assert (firm in it.firms) == accepted


def test_negative_limits_are_refused() -> None:
    """No limit is below zero."""
    it = admitted()
    before = it.state()
    cmd = RegisterParticipant(
        participant_id=A, name="x", limits=ParticipantLimits(credit_yen=Yen(-1))
    )
    assert reason_of(it.register(cmd)) is _R.OUT_OF_RANGE
    assert it.state() == before


def test_registering_again_replaces_limits_and_keeps_a_kill() -> None:
    """New limits are no way around the kill switch."""
    it = admitted()
    it.kill(A)
    limits = ParticipantLimits(max_open_orders=3)
    it.register(RegisterParticipant(participant_id=A, name="new name", limits=limits))
    assert (it.firms[A].limits, it.firms[A].name, it.firms[A].killed) == (limits, "new name", True)


@pytest.mark.parametrize(
    ("cmd", "expected"),
    [
        (key("k2", firm="NOBODY"), _R.NOT_ENTITLED),
        (key("k 2"), _R.SCHEMA),
        (key("k2", session="a/b"), _R.SCHEMA),
        (key("k2", public_hex="ab" * 31), _R.SCHEMA),
        (key("k2", public_hex="AB" * 32), _R.SCHEMA),
        (key("k2", public_hex="zz" * 32), _R.SCHEMA),
        (key("k2", firm=B), _R.ID_CONFLICT),
        (key(), _R.DUPLICATE),
        (key(public_hex="cd" * 32), _R.ID_CONFLICT),
        (key(session="A-2"), _R.ID_CONFLICT),
    ],
)
def test_a_key_that_does_not_fit_is_refused_and_nothing_moves(
    cmd: RegisterKey, expected: RejectReason
) -> None:
    """Unknown firm, bad text, a session of another firm, or a used key id."""
    it = admitted()
    before = it.state()
    assert reason_of(it.register_key(cmd)) is expected
    assert it.state() == before


def test_one_session_may_have_several_keys() -> None:
    """Keys can be rolled over without a gap."""
    it = admitted()
    assert isinstance(it.register_key(key("k2", public_hex="cd" * 32))[0], KeyRegistered)
    logon(it)
    assert isinstance(logon(it, "k2", takeover=True), SessionOpened)


def test_a_revoked_key_opens_nothing_and_its_live_session_closes() -> None:
    """Revoking ends the generation the key opened; the id is never used again."""
    it = admitted()
    logon(it)
    assert it.revoke_key(RevokeKey(key_id=KeyId("k1"))) == [
        KeyRevoked(key_id=KeyId("k1")),
        SessionClosed(session_id=S1, generation=1),
    ]
    refused = logon(it)
    assert isinstance(refused, SessionRefused)
    assert refused.reason is _R.AUTH_FAILED
    assert reason_of(it.revoke_key(RevokeKey(key_id=KeyId("k1")))) is _R.DUPLICATE
    assert reason_of(it.revoke_key(RevokeKey(key_id=KeyId("k9")))) is _R.NOT_ENTITLED
    assert reason_of(it.register_key(key())) is _R.ID_CONFLICT
    it.check_invariants()


def test_revoking_another_key_leaves_the_session_alone() -> None:
    """Only the generation opened with the revoked key is closed."""
    it = admitted()
    it.register_key(key("k2", public_hex="cd" * 32))
    logon(it)
    assert it.revoke_key(RevokeKey(key_id=KeyId("k2"))) == [KeyRevoked(key_id=KeyId("k2"))]
    assert it.sessions[S1].live


@pytest.mark.parametrize(("name", "session"), [("k9", S1), ("k1", S2), ("k1", "NONE")])
def test_a_logon_with_the_wrong_key_says_only_auth_failed(name: str, session: str) -> None:
    """Unknown key, unknown session and foreign key give the same answer."""
    it = admitted()
    it.register_key(key("k2", session=S2, public_hex="cd" * 32))
    refused = logon(it, name, session)
    assert isinstance(refused, SessionRefused)
    assert refused.reason is _R.AUTH_FAILED


def test_a_second_logon_is_refused_unless_it_takes_over() -> None:
    """At most one generation is live; takeover raises it by one."""
    it = admitted()
    first = logon(it)
    assert isinstance(first, SessionOpened)
    assert (first.generation, first.next_report_seq, first.took_over) == (1, 7, False)
    again = logon(it)
    assert isinstance(again, SessionRefused)
    assert again.reason is _R.SESSION_ACTIVE
    taken = logon(it, takeover=True)
    assert isinstance(taken, SessionOpened)
    assert (taken.generation, taken.took_over) == (2, True)
    it.check_invariants()


def test_the_logon_chooses_what_a_lost_connection_does_and_else_the_preset() -> None:
    """None in the logon takes the preset's rule."""
    it = admitted()
    first = logon(it)
    assert isinstance(first, SessionOpened)
    assert first.disconnect_mode is DisconnectMode.ON
    second = logon(it, takeover=True, disconnect_mode=DisconnectMode.GRACE, grace_ms=500)
    assert isinstance(second, SessionOpened)
    assert (second.disconnect_mode, second.grace_ms) == (DisconnectMode.GRACE, 500)
    assert it.sessions[S1].grace_ms == 500


def test_only_the_live_generation_can_be_closed_and_only_once() -> None:
    """A late close of an older generation has no effect."""
    it = admitted()
    logon(it)
    logon(it, takeover=True)
    assert it.close_session(CloseSession(session_id=S1, generation=1, orderly=False)) == []
    closed = it.close_session(CloseSession(session_id=S1, generation=2, orderly=True))
    assert closed == [SessionClosed(session_id=S1, generation=2)]
    assert it.close_session(CloseSession(session_id=S1, generation=2, orderly=True)) == []
    assert it.close_session(CloseSession(session_id=S2, generation=1, orderly=True)) == []


def test_requests_of_other_generations_have_no_effect() -> None:
    """Older, newer, closed and unknown sessions are all STALE_GENERATION, for every request."""
    it = admitted()
    logon(it)
    logon(it, takeover=True)
    for generation, expected in ((1, _R.STALE_GENERATION), (2, None), (3, _R.STALE_GENERATION)):
        for request in carried(generation=generation):
            assert it.check(request) is expected
    for request in carried(session=S2):
        assert it.check(request) is _R.STALE_GENERATION
    it.close_session(CloseSession(session_id=S1, generation=2, orderly=True))
    for request in carried(generation=2):
        assert it.check(request) is _R.STALE_GENERATION


def test_a_session_speaks_for_its_own_firm_only() -> None:
    """Identity comes from the session; another firm in the command is refused."""
    it = admitted()
    logon(it)
    for request in carried(firm=B):
        assert it.check(request) is _R.NOT_ENTITLED


def test_a_killed_firm_may_only_take_orders_off() -> None:
    """The kill switch stops new orders and amendments; cancels always pass."""
    it = admitted()
    logon(it)
    assert it.kill(A) == [ParticipantKilled(participant_id=A)]
    assert it.kill(A) == []
    answers = [it.check(request) for request in carried()]
    assert answers == [_R.KILLED, _R.KILLED, None, None, None]
    assert it.unkill(Unkill(participant_id=A)) == [ParticipantUnkilled(participant_id=A)]
    assert [it.check(request) for request in carried()] == [None] * 5
    assert reason_of(it.unkill(Unkill(participant_id=A))) is _R.DUPLICATE
    assert reason_of(it.unkill(Unkill(participant_id=ParticipantId("X")))) is _R.NOT_ENTITLED


def test_a_live_session_with_a_revoked_key_is_found() -> None:
    """The invariants see a key that was switched off behind the session's back."""
    it = admitted()
    logon(it)
    it.keys[KeyId("k1")].revoked = True
    with pytest.raises(InvariantBroken, match="a live session's key is valid"):
        it.check_invariants()


def test_state_is_plain_and_does_not_depend_on_the_order_of_admission() -> None:
    """Two firms admitted in either order give the same state."""
    states = []
    for firms in ((A, B), (B, A)):
        it = Participants()
        for firm in firms:
            it.register(RegisterParticipant(participant_id=firm, name=firm))
        states.append(it.state())
    assert states[0] == states[1]
