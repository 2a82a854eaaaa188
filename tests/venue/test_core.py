"""The core as one: what it refuses, in which order, and that a refusal moves nothing.

Every story runs on a watched market (tests/watched_market.py), so ledgers, holds, books, answers and
reports are compared with oracles after each command besides what the story looks at.
"""

import json
from datetime import date

import pytest
from random_market import FIRST_DAY, TINY, WIDE, Chance, opened, opening, session_of
from watched_market import WatchedMarket

from market.commands import (
    NO_PRICE,
    AffirmDelivery,
    AmendOrder,
    BuyIn,
    CancelDelivery,
    CancelOnDisconnect,
    CancelOrder,
    ChangePhase,
    CloseDay,
    CloseSession,
    Command,
    ConsentToCancel,
    DepositUnits,
    DepositYen,
    DisconnectMode,
    Entry,
    Halt,
    Kill,
    ListInstrument,
    MassCancel,
    MassCancelScope,
    NewOrder,
    OpenDay,
    OpenSession,
    RegisterKey,
    RegisterParticipant,
    Resume,
    ReverseDelivery,
    RevokeKey,
    RunAuction,
    RunSettlement,
    SetDeliveryParts,
    SetReferencePrice,
    SetTransferControl,
    Unkill,
    WithdrawYen,
)
from market.errors import InvariantBroken
from market.events import (
    CommandRefused,
    Event,
    MassCanceled,
    OrderAccepted,
    OrderCanceled,
    RequestRejected,
    RequestRepeated,
    SessionRefused,
    YenMoved,
)
from market.ids import (
    ClientOrderId,
    DeliveryId,
    InstrumentId,
    KeyId,
    OrderId,
    ParticipantId,
    SessionId,
)
from market.instrument import Instrument
from market.quantities import MAX_PRICE_SEN, Sen, SequenceNo, TimeNs, Units, Yen
from market.reasons import CancelReason, RejectReason
from market.words import OrderKind, Phase, Side, Validity
from venue.core import Core

A, B, C = (ParticipantId(name) for name in ("FIRM-A", "FIRM-B", "FIRM-C"))
NAME = WIDE.instrument_id
R = RejectReason


def trading(rulebook: str = "start", phase: Phase = Phase.PRE_OPEN) -> WatchedMarket:
    """A market on its first day, both issues in one state."""
    chance: Chance = opened(rulebook)
    market = chance.market
    market.do(OpenDay(business_date=FIRST_DAY))
    for issue in (WIDE, TINY):
        market.do(ChangePhase(instrument_id=issue.instrument_id, phase=phase))
    return market


def who(market: WatchedMarket, firm: ParticipantId, place: int = 1) -> dict[str, object]:
    """What a request of a firm's session carries."""
    session = session_of(firm, place)
    generation = market.core.participants.sessions[session].generation
    return {"participant_id": firm, "session_id": session, "generation": generation, "req_id": "q"}


def order(
    market: WatchedMarket, firm: ParticipantId, side: Side, units: int, price: int, **more: object
) -> list[Event]:
    """A limit order of a firm, given to the market."""
    fields: dict[str, object] = {
        **who(market, firm),
        "client_order_id": ClientOrderId(f"N-{len(market.entries)}"),
        "instrument_id": NAME,
        "side": side,
        "kind": OrderKind.LIMIT,
        "price_sen": Sen(price),
        "quantity_units": Units(units),
    }
    return market.do(NewOrder(**(fields | more)))  # type: ignore[arg-type]


def reason(events: list[Event]) -> RejectReason | None:
    """Why the command was refused, or None."""
    first = events[0] if events else None
    refusals = RequestRejected | CommandRefused | SessionRefused
    return first.reason if isinstance(first, refusals) else None


# --- the record


def test_a_journal_opens_its_venue_first() -> None:
    """Nothing can come before the rulebook; such a journal is not one."""
    entry = Entry(sequence=SequenceNo(1), at_ns=TimeNs(0), command=CloseDay())
    with pytest.raises(InvariantBroken, match="opens its venue first"):
        Core().apply(entry)


def test_a_venue_opens_once() -> None:
    """Opening it again is refused and changes no rule."""
    market = trading()
    assert reason(market.do(opening("tse"))) is R.DUPLICATE
    assert market.core.rules.name == "start"


@pytest.mark.parametrize(("sequence", "at_ns"), [(1, 10), (3, 10), (2, 9)])
def test_entries_come_in_order_and_time_never_goes_back(sequence: int, at_ns: int) -> None:
    """A repeated number, a gap or an earlier time is no journal of ours."""
    core = Core()
    core.apply(Entry(sequence=SequenceNo(1), at_ns=TimeNs(10), command=opening("start")))
    with pytest.raises(InvariantBroken):
        core.apply(
            Entry(
                sequence=SequenceNo(sequence), at_ns=TimeNs(at_ns), command=RunSettlement(stage=0)
            )
        )


def test_looking_does_not_change_what_is_seen() -> None:
    """Checking every invariant, and asking for the digest, leaves the digest as it was."""
    market = trading()
    fresh = Core()
    for entry in market.entries:
        fresh.apply(entry)
    before = fresh.digest()
    fresh.check_invariants()
    fresh.conservation()
    assert fresh.digest() == before == market.core.digest()


# --- the day


BY_DAY: list[Command] = [
    ChangePhase(instrument_id=NAME, phase=Phase.PRE_OPEN),
    RunAuction(instrument_id=NAME),
    SetReferencePrice(instrument_id=NAME, reference_price_sen=Sen(1_010)),
    RunSettlement(stage=0),
    CloseDay(),
]


@pytest.mark.parametrize("command", BY_DAY, ids=lambda command: type(command).__name__)
def test_what_belongs_to_a_day_is_refused_between_days(command: Command) -> None:
    """Before the first day and after it closed there is no phase, cross, stage or closing."""
    market = opened("start").market
    assert reason(market.do(command)) is R.PHASE_CLOSED
    market.do(OpenDay(business_date=FIRST_DAY))
    market.do(CloseDay())
    assert reason(market.do(command)) is R.PHASE_CLOSED


@pytest.mark.parametrize(
    ("day", "wanted"),
    [
        (date(2026, 11, 20), R.OUT_OF_RANGE),  # before the last one
        (FIRST_DAY, R.OUT_OF_RANGE),  # the last one
        (date(2026, 11, 28), R.OUT_OF_RANGE),  # a Saturday
        (date(2026, 12, 31), R.OUT_OF_RANGE),  # closed by rule
        (date(2027, 1, 1), R.OUT_OF_RANGE),  # a holiday
        (date(2026, 11, 25), None),
    ],
)
def test_days_go_forward_over_business_days(day: date, wanted: RejectReason | None) -> None:
    """A day that is not after the last one, or no business day, does not open."""
    market = trading()
    assert reason(market.do(OpenDay(business_date=date(2026, 11, 25)))) is R.PHASE_CLOSED
    market.do(CloseDay())
    assert reason(market.do(OpenDay(business_date=day))) is wanted
    assert market.core.day_is_open is (wanted is None)


def test_requests_at_night_are_answered_and_cancels_too() -> None:
    """After the close a session still gets one answer a request: the phase is closed."""
    market = trading()
    market.do(CloseDay())
    assert reason(order(market, A, Side.BUY, 2, 1_000)) is R.PHASE_CLOSED
    answer = market.do(MassCancel(**who(market, A), scope=MassCancelScope.FIRM))  # type: ignore[arg-type]
    assert isinstance(answer[0], MassCanceled)
    assert answer[0].canceled == ()


# --- the counter


def test_a_repeated_withdrawal_is_told_so_however_poor_the_firm_is_now() -> None:
    """Same reference, same content: DUPLICATE, not a judgement of today's buying power."""
    market = trading()
    wish = WithdrawYen(participant_id=A, amount_yen=Yen(2_000), reference="out")
    assert isinstance(market.do(wish)[0], YenMoved)
    assert reason(market.do(wish)) is R.DUPLICATE
    other = WithdrawYen(participant_id=A, amount_yen=Yen(2_001), reference="out")
    assert reason(market.do(other)) is R.ID_CONFLICT
    assert market.core.settlement.owned_yen(A) == 500


@pytest.mark.parametrize(("amount", "wanted"), [(2_439, None), (2_440, None), (2_441, False)])
def test_cash_that_open_orders_hold_cannot_be_withdrawn(amount: int, wanted: bool | None) -> None:
    """2,500 yen less 60 held for an order of six units: 2,440 may leave, not a yen more."""
    market = trading()
    order(market, A, Side.BUY, 6, 1_000)
    asked = WithdrawYen(participant_id=A, amount_yen=Yen(amount), reference="out")
    refused = R.INSUFFICIENT_CASH if wanted is False else None
    assert reason(market.do(asked)) is refused


def _issue(**changes: object) -> ListInstrument:
    fields = {name: getattr(WIDE, name) for name in WIDE.__struct_fields__}
    return ListInstrument(instrument=Instrument(**(fields | changes)))


NOBODY, NOTHING = ParticipantId("NOBODY"), InstrumentId("NONE")
REFUSED: list[tuple[Command, RejectReason]] = [
    (ListInstrument(instrument=WIDE), R.DUPLICATE),
    (_issue(instrument_id=InstrumentId("small")), R.SCHEMA),
    (_issue(instrument_id=InstrumentId("DEAR"), issue_price_sen=MAX_PRICE_SEN + 1), R.OUT_OF_RANGE),
    (RegisterParticipant(participant_id=ParticipantId("firm-a"), name=""), R.SCHEMA),
    (
        RegisterKey(key_id=KeyId("K"), participant_id=NOBODY, session_id=SessionId("S"),
                    public_key_hex="0" * 64),
        R.NOT_ENTITLED,
    ),
    (RevokeKey(key_id=KeyId("K")), R.NOT_ENTITLED),
    (Unkill(participant_id=NOBODY), R.NOT_ENTITLED),
    (Unkill(participant_id=A), R.DUPLICATE),
    (DepositYen(participant_id=NOBODY, amount_yen=Yen(1), reference="x"), R.NOT_ENTITLED),
    (DepositYen(participant_id=A, amount_yen=Yen(0), reference="x"), R.OUT_OF_RANGE),
    (WithdrawYen(participant_id=NOBODY, amount_yen=Yen(1), reference="x"), R.NOT_ENTITLED),
    (WithdrawYen(participant_id=A, amount_yen=Yen(-1), reference="x"), R.OUT_OF_RANGE),
    (
        DepositUnits(participant_id=A, instrument_id=NOTHING, quantity_units=Units(1),
                     reference="x"),
        R.UNKNOWN_INSTRUMENT,
    ),
    (
        DepositUnits(participant_id=A, instrument_id=NAME, quantity_units=Units(201),
                     reference="x"),
        R.INSUFFICIENT_HOLDING,
    ),
    (SetTransferControl(instrument_id=NOTHING, executable=True, reason=""), R.UNKNOWN_INSTRUMENT),
    (ChangePhase(instrument_id=NOTHING, phase=Phase.CLOSED), R.UNKNOWN_INSTRUMENT),
    (RunAuction(instrument_id=NOTHING), R.UNKNOWN_INSTRUMENT),
    (RunAuction(instrument_id=NAME), R.PHASE_CLOSED),
    (Halt(instrument_id=NOTHING, reason=""), R.UNKNOWN_INSTRUMENT),
    (Resume(instrument_id=NOTHING), R.UNKNOWN_INSTRUMENT),
    (Resume(instrument_id=NAME), R.NOT_TRADABLE),
    (SetReferencePrice(instrument_id=NOTHING, reference_price_sen=Sen(1)), R.UNKNOWN_INSTRUMENT),
    (SetReferencePrice(instrument_id=NAME, reference_price_sen=Sen(0)), R.OUT_OF_RANGE),
    (RunSettlement(stage=4), R.OUT_OF_RANGE),
    (RunSettlement(stage=-1), R.OUT_OF_RANGE),
    (CancelDelivery(delivery_id=DeliveryId(1), reason=""), R.UNKNOWN_INSTRUCTION),
    (AffirmDelivery(delivery_id=DeliveryId(1), side=Side.BUY), R.UNKNOWN_INSTRUCTION),
    (ConsentToCancel(delivery_id=DeliveryId(1), side=Side.BUY), R.UNKNOWN_INSTRUCTION),
    (
        SetDeliveryParts(delivery_id=DeliveryId(1), side=Side.BUY, allowed=False),
        R.UNKNOWN_INSTRUCTION,
    ),
    (ReverseDelivery(delivery_id=DeliveryId(1), side=Side.BUY, reason=""), R.UNKNOWN_INSTRUCTION),
    (BuyIn(delivery_id=DeliveryId(1)), R.UNKNOWN_INSTRUCTION),
    (BuyIn(delivery_id=DeliveryId(1), supplier=ParticipantId("NOBODY")), R.NOT_ENTITLED),
    (OpenSession(session_id=SessionId("S"), key_id=KeyId("K"), takeover=True), R.AUTH_FAILED),
    (
        OpenSession(session_id=session_of(A), key_id=KeyId("FIRM-B-K1"), takeover=True),
        R.AUTH_FAILED,
    ),
    (
        OpenSession(session_id=session_of(A), key_id=KeyId("FIRM-A-K1"), takeover=False),
        R.SESSION_ACTIVE,
    ),
]  # fmt: skip


@pytest.mark.parametrize(
    ("command", "wanted"), REFUSED, ids=lambda part: getattr(part, "name", type(part).__name__)
)
def test_what_makes_no_sense_is_refused_and_moves_nothing(
    command: Command, wanted: RejectReason
) -> None:
    """An unknown firm, issue, key, session or delivery is an answer, never the end of the process."""
    market = trading()
    before = market.core.digest()
    assert reason(market.do(command)) is wanted
    state = market.core.state()
    assert state["sequence"] == len(market.entries)
    market.replay()
    assert before != market.core.digest()  # the sequence number went on


@pytest.mark.parametrize(
    "command",
    [
        CloseSession(session_id=SessionId("nobody"), generation=1, orderly=False),
        CloseSession(session_id=session_of(A), generation=9, orderly=False),
        CancelOnDisconnect(session_id=SessionId("nobody"), generation=0),
        CancelOnDisconnect(session_id=session_of(A), generation=1),
    ],
)
def test_the_end_of_a_session_that_is_not_says_nothing(command: Command) -> None:
    """Late or foreign ends of connections have no effect."""
    assert trading().do(command) == []


# --- requests


def test_an_order_is_refused_for_the_first_reason_in_the_catalogue() -> None:
    """An order wrong in every way, put right one thing at a time, walks down RejectReason."""
    market = trading("tse", Phase.CLOSED)
    taken = ClientOrderId("taken")
    order(market, A, Side.BUY, 2, 1_000, client_order_id=taken)
    market.do(Kill(**who(market, A, 2)))  # type: ignore[arg-type]
    market.do(Halt(instrument_id=NAME, reason="news"))
    fields: dict[str, object] = {
        "generation": 0, "client_order_id": taken, "instrument_id": NOTHING,
        "quantity_units": Units(2**31), "price_sen": Sen(2_005), "validity": Validity.IOC,
    }  # fmt: skip
    found: list[str] = []

    def attempt(**repaired: object) -> None:
        fields.update(repaired)
        if fields["client_order_id"] is not taken:
            fields["client_order_id"] = ClientOrderId(f"try-{len(found)}")
        told = reason(order(market, A, Side.SELL, 0, 0, **fields))
        found.append("accepted" if told is None else told.value)

    attempt()
    attempt(generation=1)
    attempt(client_order_id=ClientOrderId("other"))
    market.do(Unkill(participant_id=A))
    attempt()
    attempt(instrument_id=NAME)
    market.do(Resume(instrument_id=NAME))
    attempt()
    market.do(ChangePhase(instrument_id=NAME, phase=Phase.PRE_OPEN))
    attempt()
    attempt(validity=Validity.DAY)
    attempt(quantity_units=Units(121))
    attempt(price_sen=Sen(2_000))
    attempt(quantity_units=Units(122))
    attempt(price_sen=Sen(1_120))
    attempt(quantity_units=Units(60))
    attempt(size_confirmed=True)
    for _ in range(3):
        attempt(quantity_units=Units(34))
    attempt(quantity_units=Units(32))
    assert found == [
        "STALE_GENERATION", "ID_CONFLICT", "KILLED", "UNKNOWN_INSTRUMENT", "NOT_TRADABLE",
        "PHASE_CLOSED", "INVALID_COMBINATION", "OUT_OF_RANGE", "BAD_TICK", "BAD_LOT",
        "OUTSIDE_PRICE_LIMIT", "SHARE_OF_ISSUE", "ABNORMAL_SIZE_QUERY", "ORDER_VALUE_LIMIT",
        "accepted", "accepted", "INSUFFICIENT_HOLDING", "accepted",
    ]  # fmt: skip
    walked = [name for name in found if name != "accepted"]
    assert walked == [one.value for one in R if one.value in walked]


def test_the_same_request_again_gets_the_original_outcome() -> None:
    """Repeated by the firm's other session: one order, the first answer, marked as a duplicate."""
    market = trading()
    first = {"client_order_id": ClientOrderId("once")}
    accepted = order(market, A, Side.BUY, 2, 1_000, **first)
    again = order(market, A, Side.BUY, 2, 1_000, **(first | who(market, A, 2)))
    assert isinstance(accepted[0], OrderAccepted)
    assert isinstance(again[0], RequestRepeated)
    session, _, payload = market.reports[-1]
    report = json.loads(payload)
    assert session == session_of(A, 2)
    assert report["duplicate"] is True
    assert report["result"]["order_id"] == f"O-{accepted[0].order_id}"
    changed = order(market, A, Side.BUY, 4, 1_000, **first)
    assert reason(changed) is R.ID_CONFLICT


def test_a_request_under_anothers_name_does_not_touch_that_firms_memory() -> None:
    """A's session claiming to be B is refused, and B's own answer stays what it was."""
    market = trading()
    name = {"client_order_id": ClientOrderId("mine")}
    accepted = order(market, B, Side.BUY, 2, 1_000, **name)
    assert isinstance(accepted[0], OrderAccepted)
    forged = order(market, A, Side.BUY, 2, 1_000, **name, participant_id=B)
    assert reason(forged) is R.NOT_ENTITLED
    order(market, B, Side.BUY, 2, 1_000, **name)
    report = json.loads(market.reports[-1][2])
    assert report["ok"] is True
    assert report["result"]["order_id"] == f"O-{accepted[0].order_id}"


def test_a_foreign_order_and_an_absent_one_give_the_same_answer() -> None:
    """B learns nothing about A's orders from cancels and amendments."""
    market = trading()
    accepted = order(market, A, Side.BUY, 2, 1_000)
    assert isinstance(accepted[0], OrderAccepted)
    for number in (accepted[0].order_id, OrderId(10**6)):
        asked = CancelOrder(**who(market, B), order_id=number)  # type: ignore[arg-type]
        assert reason(market.do(asked)) is R.UNKNOWN_ORDER
        amended = AmendOrder(
            **who(market, B),  # type: ignore[arg-type]
            client_order_id=ClientOrderId(f"a-{number}"), order_id=number, leaves_units=Units(2),
        )  # fmt: skip
        assert reason(market.do(amended)) is R.UNKNOWN_ORDER


def test_a_mass_cancel_keeps_what_may_not_leave() -> None:
    """In the non-cancel period the orders stay and are counted; after it they go."""
    market = trading()
    order(market, A, Side.BUY, 2, 1_000)
    order(market, A, Side.BUY, 2, 60, instrument_id=TINY.instrument_id)
    market.do(ChangePhase(instrument_id=NAME, phase=Phase.PRE_OPEN_NCP))
    cancel = MassCancel(**who(market, A), scope=MassCancelScope.FIRM)  # type: ignore[arg-type]
    (gone, *_, told) = market.do(cancel)
    assert isinstance(gone, OrderCanceled)
    assert gone.instrument_id == TINY.instrument_id
    assert isinstance(told, MassCanceled)
    assert (len(told.canceled), told.kept) == (1, 1)


def test_the_kill_switch_takes_everything_off_and_bars_the_door() -> None:
    """Orders of both sessions go, new ones and amendments are refused, cancels are not."""
    market = trading()
    order(market, A, Side.BUY, 2, 1_000)
    order(market, A, Side.BUY, 2, 990, **who(market, A, 2))
    market.do(Kill(**who(market, A)))  # type: ignore[arg-type]
    assert market.core.answers.open_orders(A) == []
    assert reason(order(market, A, Side.BUY, 2, 1_000)) is R.KILLED
    again = market.do(Kill(**who(market, A)))  # type: ignore[arg-type]
    assert isinstance(again[-1], MassCanceled)
    assert reason(order(market, B, Side.BUY, 2, 1_000)) is None
    market.do(Unkill(participant_id=A))
    assert reason(order(market, A, Side.BUY, 2, 1_000)) is None


# --- sessions


@pytest.mark.parametrize(
    ("mode", "at_once", "after_grace"),
    [(DisconnectMode.ON, 0, 0), (DisconnectMode.OFF, 1, 1), (DisconnectMode.GRACE, 1, 0)],
)
@pytest.mark.parametrize("by_revocation", [False, True])
def test_a_lost_connection_does_what_its_mode_says(
    mode: DisconnectMode, at_once: int, after_grace: int, by_revocation: bool
) -> None:
    """On: orders go with the connection; grace: later; off: never. A revoked key is a loss too."""
    market = trading()
    session, key = session_of(A), KeyId("FIRM-A-K1")
    market.do(OpenSession(session_id=session, key_id=key, takeover=True, disconnect_mode=mode))
    order(market, A, Side.BUY, 2, 1_000)
    order(market, A, Side.BUY, 2, 990, **who(market, A, 2))
    lost: Command = CloseSession(session_id=session, generation=2, orderly=False)
    market.do(RevokeKey(key_id=key) if by_revocation else lost)
    assert len(market.core.answers.open_orders(A, session_id=session)) == at_once
    market.do(CancelOnDisconnect(session_id=session, generation=2))
    assert len(market.core.answers.open_orders(A, session_id=session)) == after_grace
    assert len(market.core.answers.open_orders(A)) == 1 + after_grace


def test_a_new_logon_ends_the_grace_of_the_old_one() -> None:
    """Who comes back in time keeps the orders; the old generation's end has no effect."""
    market = trading()
    session, key = session_of(A), KeyId("FIRM-A-K1")
    grace = DisconnectMode.GRACE
    market.do(OpenSession(session_id=session, key_id=key, takeover=True, disconnect_mode=grace))
    order(market, A, Side.BUY, 2, 1_000)
    market.do(CloseSession(session_id=session, generation=2, orderly=False))
    market.do(OpenSession(session_id=session, key_id=key, takeover=False, disconnect_mode=grace))
    assert market.do(CancelOnDisconnect(session_id=session, generation=2)) == []
    assert market.do(CloseSession(session_id=session, generation=2, orderly=False)) == []
    assert len(market.core.answers.open_orders(A)) == 1


def test_a_takeover_makes_the_older_generation_stale() -> None:
    """What the replaced connection still sends has no effect and is answered so."""
    market = trading()
    old = who(market, A)
    market.do(OpenSession(session_id=session_of(A), key_id=KeyId("FIRM-A-K1"), takeover=True))
    assert reason(order(market, A, Side.BUY, 2, 1_000, **old)) is R.STALE_GENERATION
    assert reason(order(market, A, Side.BUY, 2, 1_000)) is None


@pytest.mark.parametrize("cancel_open", [True, False])
def test_a_logout_cancels_only_when_asked(cancel_open: bool) -> None:
    """An orderly end leaves orders on the book unless the firm says otherwise."""
    market = trading()
    order(market, A, Side.BUY, 2, 1_000)
    events = market.do(
        CloseSession(session_id=session_of(A), generation=1, orderly=True, cancel_open=cancel_open)
    )
    canceled = [event.reason for event in events if isinstance(event, OrderCanceled)]
    assert canceled == ([CancelReason.OWNER] if cancel_open else [])


def test_a_market_order_needs_no_price_and_holds_the_upper_limit() -> None:
    """The buyer of four units at the market reserves 4 times 11.20 yen, rounded up."""
    market = trading()
    order(market, A, Side.BUY, 4, NO_PRICE, kind=OrderKind.MARKET)
    assert market.core.risk.free_yen(A) == 2_500 - 45
