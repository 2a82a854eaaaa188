"""Reports: one answer to each request, numbered news to each owner, the same bytes for ever."""

import json
from datetime import date
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from market.commands import (
    AmendOrder,
    CancelOrder,
    ChangePhase,
    CloseSession,
    Command,
    DisconnectMode,
    Kill,
    MassCancel,
    MassCancelScope,
    NewOrder,
    OpenDay,
    OpenSession,
    RegisterParticipant,
    RunAuction,
    RunSettlement,
    Unkill,
)
from market.errors import InvariantBroken
from market.events import (
    DayOpened,
    DeliveryAction,
    DeliveryChanged,
    DeliveryCreated,
    DeliveryState,
    Event,
    MassCanceled,
    OrderAccepted,
    OrderAmended,
    OrderCanceled,
    OrderExpired,
    OrderReduced,
    ParticipantKilled,
    ParticipantRegistered,
    ParticipantUnkilled,
    PhaseChanged,
    ReferencePriceSet,
    RequestRejected,
    SessionOpened,
    Trade,
    UnitsMoved,
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
    TradeId,
)
from market.quantities import Sen, SequenceNo, TimeNs, Units, Yen
from market.reasons import CATALOGUE, CancelReason, FailReason, RejectReason
from market.words import OrderKind, Phase, Side, Validity
from participants.answers import Answers
from participants.report_streams import DAYS_KEPT
from participants.reports import Reports
from participants.risk import Risk

A, B = ParticipantId("FIRM-A"), ParticipantId("FIRM-B")
A1, A2, B1 = SessionId("A-1"), SessionId("A-2"), SessionId("B-1")
ISSUE = InstrumentId("KH01")
DAY_1, DAY_2, SETTLES = date(2026, 11, 24), date(2026, 11, 25), date(2026, 11, 26)
BUY, SELL = Side.BUY, Side.SELL


class Desk:
    """Answers, risk and reports as the venue's core steps them: one command, its events."""

    def __init__(self) -> None:
        self.answers = Answers()
        self.risk = Risk(sell_holding_check=True)
        self.reports = Reports(self.answers, self.risk)
        self.sequence = 0
        for firm in (A, B):
            cmd = RegisterParticipant(participant_id=firm, name=firm)
            registered = ParticipantRegistered(participant_id=firm, name=firm, limits=cmd.limits)
            moved: list[Event] = [
                registered,
                YenMoved(giver=None, taker=firm, amount_yen=Yen(10**9)),
                UnitsMoved(
                    instrument_id=ISSUE, giver=None, taker=firm, quantity_units=Units(10_000)
                ),
            ]
            self.step(cmd, *moved)
        limits = ReferencePriceSet(
            instrument_id=ISSUE,
            reference_price_sen=Sen(10_000_000),
            lower_limit_sen=Sen(7_000_000),
            upper_limit_sen=Sen(13_000_000),
        )
        self.step(
            OpenDay(business_date=DAY_1),
            DayOpened(business_date=DAY_1, settlement_date=SETTLES),
            limits,
        )
        for firm, session in ((A, A1), (A, A2), (B, B1)):
            self.logon(firm, session)

    def step(self, command: Command, *events: Event) -> list[tuple[str, dict[str, Any]]]:
        """Apply one step; what it reported as (session, message)."""
        self.sequence += 1
        for event in events:
            self.risk.apply(event)
            self.answers.apply(event)
        at_ns = TimeNs(self.sequence * 1_000)
        self.reports.apply(SequenceNo(self.sequence), at_ns, command, events)
        self.reports.check_invariants()
        return [(session, json.loads(payload)) for session, _, payload in self.reports.drain()]

    def logon(self, firm: ParticipantId, session: SessionId) -> None:
        """A session opens."""
        self.step(
            OpenSession(session_id=session, key_id=KeyId("k"), takeover=False),
            SessionOpened(
                session_id=session,
                participant_id=firm,
                key_id=KeyId("k"),
                generation=1,
                next_report_seq=self.reports.next_seq(session),
                disconnect_mode=DisconnectMode.ON,
                grace_ms=0,
                took_over=False,
            ),
        )

    def new(
        self,
        name: str = "C1",
        side: Side = BUY,
        quantity: int = 10,
        price_sen: int = 10_125_000,
        *,
        firm: ParticipantId = A,
        session: SessionId = A1,
    ) -> tuple[OrderId, list[tuple[str, dict[str, Any]]]]:
        """An accepted order; its id and what was reported."""
        cmd = new(name, side, quantity, price_sen, firm=firm, session=session)
        order_id = OrderId(self.sequence + 1)
        accepted = OrderAccepted(
            order_id=order_id,
            participant_id=firm,
            session_id=session,
            client_order_id=cmd.client_order_id,
            instrument_id=ISSUE,
            side=side,
            kind=OrderKind.LIMIT,
            price_sen=cmd.price_sen,
            quantity_units=cmd.quantity_units,
            validity=Validity.DAY,
        )
        self.answers.recall(cmd)
        return order_id, self.step(cmd, accepted)

    def cross(self, buy: OrderId, sell: OrderId, quantity: int = 10) -> list[Any]:
        """Both orders trade in full with each other at 101,200 yen in a cross."""
        return self.step(RunAuction(instrument_id=ISSUE), *crossed(buy, sell, quantity))


def new(
    name: str = "C1",
    side: Side = BUY,
    quantity: int = 10,
    price_sen: int = 10_125_000,
    *,
    firm: ParticipantId = A,
    session: SessionId = A1,
    req_id: str = "7",
) -> NewOrder:
    """A limit order."""
    return NewOrder(
        participant_id=firm,
        session_id=session,
        generation=1,
        req_id=req_id,
        client_order_id=ClientOrderId(name),
        instrument_id=ISSUE,
        side=side,
        kind=OrderKind.LIMIT,
        price_sen=Sen(price_sen),
        quantity_units=Units(quantity),
    )


def crossed(buy: OrderId, sell: OrderId, quantity: int, number: int = 92) -> list[Event]:
    """The events of a trade between A and B that fills both orders."""
    made = Trade(
        trade_id=TradeId(number),
        instrument_id=ISSUE,
        price_sen=Sen(10_120_050),
        quantity_units=Units(quantity),
        buyer=A,
        seller=B,
        buy_order_id=buy,
        sell_order_id=sell,
        buy_leaves_units=Units(0),
        sell_leaves_units=Units(0),
        cross=True,
    )
    owed = DeliveryCreated(
        delivery_id=DeliveryId(number),
        trade_id=TradeId(number),
        instrument_id=ISSUE,
        seller=B,
        buyer=A,
        quantity_units=Units(quantity),
        amount_yen=made.consideration_yen,
        settlement_date=SETTLES,
    )
    return [made, owed]


def rejected(cmd: NewOrder | AmendOrder | CancelOrder, reason: RejectReason) -> RequestRejected:
    """The refusal of a request."""
    return RequestRejected(
        participant_id=cmd.participant_id,
        session_id=cmd.session_id,
        req_id=cmd.req_id,
        client_order_id=getattr(cmd, "client_order_id", None),
        reason=reason,
    )


def canceled(order_id: OrderId, quantity: int, reason: CancelReason) -> OrderCanceled:
    """An order of A left the book."""
    return OrderCanceled(
        order_id=order_id,
        participant_id=A,
        instrument_id=ISSUE,
        canceled_units=Units(quantity),
        reason=reason,
    )


def cancel(order_id: OrderId, session: SessionId = A1) -> CancelOrder:
    """A's request to cancel."""
    return CancelOrder(
        participant_id=A, session_id=session, generation=1, req_id="8", order_id=order_id
    )


# --- answers


def test_the_answer_to_a_new_order_is_the_documented_line() -> None:
    """Field for field, with what is held, as the wire's description shows it."""
    desk = Desk()
    order_id, _ = desk.new()
    (payload,) = desk.reports.since(A1, 1) or []
    assert payload.decode() == (
        '{"method":"order.new","req_id":"7","ok":true,"seq":1,"prev_seq":0,"at_ns":'
        f"{desk.sequence * 1000}"
        ',"result":{"order_id":"O-' + str(order_id) + '","client_order_id":"C1",'
        '"state":"accepted","held_yen":1012500}}'
    )


def test_a_sell_tells_the_units_it_holds() -> None:
    """Cash is held for buys, units for sells."""
    _, [(_, message)] = Desk().new(side=SELL)
    assert message["result"]["held_units"] == 10
    assert "held_yen" not in message["result"]


@pytest.mark.parametrize("reason", list(RejectReason))
def test_a_refusal_carries_the_catalogue_s_words(reason: RejectReason) -> None:
    """Code, text and retryable come from the one catalogue; nothing else is told."""
    cmd = new()
    [(session, message)] = Desk().step(cmd, rejected(cmd, reason))
    assert session == A1
    assert (message["ok"], message["req_id"], message["method"]) == (False, "7", "order.new")
    assert message["error"] == {
        "code": reason.value,
        "text": CATALOGUE[reason].text_en,
        "retryable": CATALOGUE[reason].retryable,
        "client_order_id": "C1",
    }


@pytest.mark.parametrize("refused", [False, True])
def test_a_repeat_gets_the_original_outcome_under_a_new_number(refused: bool) -> None:
    """Same result or error, marked duplicate, to the session that asked again."""
    desk = Desk()
    first = new()
    if refused:
        desk.answers.recall(first)
        [(_, original)] = desk.step(first, rejected(first, RejectReason.BAD_TICK))
    else:
        _, [(_, original)] = desk.new()
    again = new(session=A2, req_id="99")
    event = desk.answers.recall(again)
    assert event is not None
    assert not isinstance(event, RejectReason)
    [(session, message)] = desk.step(again, event)
    assert session == A2
    assert message.pop("duplicate") is True
    assert (message["req_id"], message["seq"], message["prev_seq"]) == ("99", 1, 0)
    assert message["at_ns"] == desk.sequence * 1000
    for same in ("method", "ok", "result", "error"):
        assert message.get(same) == original.get(same)


@pytest.mark.parametrize("reason", [RejectReason.STALE_GENERATION, RejectReason.ID_CONFLICT])
def test_some_refusals_never_become_the_original(reason: RejectReason) -> None:
    """A stale request was not the id's first use, and a conflict does not replace its outcome."""
    desk = Desk()
    _, [(_, original)] = desk.new()
    other = new(quantity=3)
    desk.step(other, rejected(other, reason))
    event = desk.answers.recall(new(req_id="8"))
    assert event is not None
    assert not isinstance(event, RejectReason)
    [(_, message)] = desk.step(new(req_id="8"), event)
    assert message["result"] == original["result"]


def test_an_amendment_answers_with_both_names_and_what_is_held_now() -> None:
    """The new id, name, price and quantity, and whether the place in the queue was kept."""
    desk = Desk()
    order_id, _ = desk.new()
    cmd = AmendOrder(
        participant_id=A,
        session_id=A1,
        generation=1,
        req_id="9",
        client_order_id=ClientOrderId("C2"),
        order_id=order_id,
    )
    new_id = OrderId(desk.sequence + 1)
    done = OrderAmended(
        order_id=new_id,
        old_order_id=order_id,
        participant_id=A,
        session_id=A1,
        client_order_id=ClientOrderId("C2"),
        old_client_order_id=ClientOrderId("C1"),
        instrument_id=ISSUE,
        side=BUY,
        kind=OrderKind.LIMIT,
        price_sen=Sen(10_000_050),
        leaves_units=Units(4),
        kept_priority=False,
    )
    [(_, message)] = desk.step(cmd, done)
    assert message["method"] == "order.amend"
    assert message["result"] == {
        "order_id": f"O-{new_id}",
        "old_order_id": f"O-{order_id}",
        "client_order_id": "C2",
        "old_client_order_id": "C1",
        "state": "amended",
        "leaves_units": 4,
        "kept_priority": False,
        "price": "100000.50",
        "held_yen": 400_002,
    }


def test_a_cancel_is_answered_and_the_order_s_other_session_hears_of_it() -> None:
    """The answer is enough for the own session; another session of the firm gets news."""
    desk = Desk()
    one, _ = desk.new("C1")
    two, _ = desk.new("C2", session=A2)
    [(session, message)] = desk.step(cancel(one), canceled(one, 10, CancelReason.OWNER))
    assert (session, message["method"]) == (A1, "order.cancel")
    assert message["result"] == {
        "order_id": f"O-{one}",
        "client_order_id": "C1",
        "state": "canceled",
        "canceled_units": 10,
    }
    reported = desk.step(cancel(two), canceled(two, 10, CancelReason.OWNER))
    assert [session for session, _ in reported] == [A1, A2]
    assert reported[1][1]["type"] == "canceled"


def test_a_mass_cancel_names_each_order_and_then_counts_them() -> None:
    """One report for each order to its session, one answer with the number."""
    desk = Desk()
    one, _ = desk.new("C1")
    two, _ = desk.new("C2", session=A2)
    cmd = MassCancel(
        participant_id=A, session_id=A1, generation=1, req_id="m", scope=MassCancelScope.FIRM
    )
    reported = desk.step(
        cmd,
        canceled(one, 10, CancelReason.MASS),
        canceled(two, 10, CancelReason.MASS),
        MassCanceled(participant_id=A, session_id=A1, req_id="m", canceled=(one, two), kept=1),
    )
    assert [(session, message.get("type")) for session, message in reported] == [
        (A1, "canceled"),
        (A2, "canceled"),
        (A1, None),
    ]
    assert reported[0][1]["data"]["reason"] == "mass"
    assert reported[2][1]["result"] == {"state": "canceled", "canceled": 2, "kept": 1}


def test_a_kill_is_answered_and_told_to_every_session_of_the_firm() -> None:
    """The other firm hears nothing; unkill is told as well."""
    desk = Desk()
    cmd = Kill(participant_id=A, session_id=A1, generation=1, req_id="k")
    reported = desk.step(
        cmd,
        ParticipantKilled(participant_id=A),
        MassCanceled(participant_id=A, session_id=A1, req_id="k", canceled=(), kept=0),
    )
    assert [(session, m.get("type", m.get("method"))) for session, m in reported] == [
        (A1, "killed"),
        (A2, "killed"),
        (A1, "kill"),
    ]
    assert reported[2][1]["result"]["state"] == "killed"
    reported = desk.step(Unkill(participant_id=A), ParticipantUnkilled(participant_id=A))
    assert [(session, m["type"]) for session, m in reported] == [
        (A1, "unkilled"),
        (A2, "unkilled"),
    ]


def test_a_request_without_its_one_answer_stops_the_process() -> None:
    """Neither silence nor two answers."""
    desk = Desk()
    cmd = new()
    with pytest.raises(InvariantBroken, match="a request gets one answer"):
        desk.step(cmd)
    refused = rejected(cmd, RejectReason.BAD_TICK)
    with pytest.raises(InvariantBroken, match="a request gets one answer"):
        desk.step(cmd, refused, refused)


def test_an_answer_without_a_request_stops_the_process() -> None:
    """Only requests are answered."""
    desk = Desk()
    with pytest.raises(InvariantBroken, match="an answer has a request"):
        desk.step(RunAuction(instrument_id=ISSUE), rejected(new(), RejectReason.BAD_TICK))


# --- news


def test_a_trade_tells_each_side_its_own_order_and_the_other_firm() -> None:
    """Price as decimal yen, settlement date and delivery; never the other side's order or name."""
    desk = Desk()
    buy, _ = desk.new("C1")
    sell, _ = desk.new("X1", SELL, firm=B, session=B1)
    desk.step(
        ChangePhase(instrument_id=ISSUE, phase=Phase.CLOSING_AUCTION),
        PhaseChanged(instrument_id=ISSUE, phase=Phase.CLOSING_AUCTION),
    )
    (to_buyer, bought), (to_seller, sold) = desk.cross(buy, sell)
    assert (to_buyer, to_seller) == (A1, B1)
    assert (bought["channel"], bought["type"], bought["seq"], bought["prev_seq"]) == (
        "reports",
        "trade",
        2,
        1,
    )
    assert bought["data"] == {
        "order_id": f"O-{buy}",
        "client_order_id": "C1",
        "trade_id": "T-92",
        "instrument_id": "KH01",
        "side": "buy",
        "price": "101200.50",
        "quantity_units": 10,
        "leaves_units": 0,
        "origin": "closing_cross",
        "counterparty": "FIRM-B",
        "amount_yen": 1_012_005,
        "settlement_date": "2026-11-26",
        "delivery_id": "D-92",
    }
    assert (sold["data"]["side"], sold["data"]["counterparty"]) == ("sell", "FIRM-A")
    assert (sold["data"]["order_id"], sold["data"]["client_order_id"]) == (f"O-{sell}", "X1")


@pytest.mark.parametrize(
    ("phase", "expected"),
    [(None, "cross"), (Phase.OPENING_AUCTION, "opening_cross"), (Phase.BREAK, "cross")],
)
def test_a_trade_says_which_cross_it_came_from(phase: Phase | None, expected: str) -> None:
    """Opening and closing cross have their own word."""
    desk = Desk()
    buy, _ = desk.new("C1")
    sell, _ = desk.new("X1", SELL, firm=B, session=B1)
    if phase is not None:
        desk.step(
            ChangePhase(instrument_id=ISSUE, phase=phase),
            PhaseChanged(instrument_id=ISSUE, phase=phase),
        )
    assert desk.cross(buy, sell)[0][1]["data"]["origin"] == expected


def test_a_trade_waits_for_its_delivery_and_no_longer_than_the_step() -> None:
    """Whether deliveries follow each trade or all trades, the reports are the same."""
    reports = []
    for interleaved in (True, False):
        desk = Desk()
        orders = [desk.new(f"C{n}")[0] for n in range(2)]
        sells = [desk.new(f"X{n}", SELL, firm=B, session=B1)[0] for n in range(2)]
        (t1, d1), (t2, d2) = (
            crossed(orders[0], sells[0], 10, 1),
            crossed(orders[1], sells[1], 10, 2),
        )
        events = (t1, d1, t2, d2) if interleaved else (t1, t2, d1, d2)
        reports.append(desk.step(RunAuction(instrument_id=ISSUE), *events))
    assert reports[0] == reports[1]

    desk = Desk()
    buy, _ = desk.new("C1")
    sell, _ = desk.new("X1", SELL, firm=B, session=B1)
    with pytest.raises(InvariantBroken, match="a trade has its delivery in the same step"):
        desk.step(RunAuction(instrument_id=ISSUE), crossed(buy, sell, 10)[0])


def test_a_trade_with_oneself_gives_both_sides_their_report() -> None:
    """One firm on both sides gets two reports, one for each order."""
    desk = Desk()
    buy, _ = desk.new("C1")
    sell, _ = desk.new("C2", SELL, session=A2)
    (first, bought), (second, sold) = desk.cross(buy, sell)
    assert (first, second) == (A1, A2)
    assert (bought["data"]["side"], sold["data"]["side"]) == ("buy", "sell")


def test_orders_that_end_without_a_trade_are_told_to_their_session() -> None:
    """Expiry, prevention and every cancel that was not asked for."""
    desk = Desk()
    one, _ = desk.new("C1")
    two, _ = desk.new("C2")
    (_, gone) = desk.step(
        CloseSession(session_id=A1, generation=1, orderly=False),
        canceled(one, 10, CancelReason.DISCONNECT),
    )[0]
    assert (gone["type"], gone["data"]["reason"]) == ("canceled", "disconnect")
    (_, less) = desk.step(
        RunAuction(instrument_id=ISSUE),
        OrderReduced(
            order_id=two,
            participant_id=A,
            instrument_id=ISSUE,
            prevented_units=Units(4),
            leaves_units=Units(6),
            prevented_price_sen=Sen(10_000_050),
        ),
    )[0]
    assert less["data"] == {
        "order_id": f"O-{two}",
        "client_order_id": "C2",
        "instrument_id": "KH01",
        "prevented_units": 4,
        "prevented_price": "100000.50",
        "leaves_units": 6,
    }
    (_, late) = desk.step(
        ChangePhase(instrument_id=ISSUE, phase=Phase.CLOSED),
        OrderExpired(order_id=two, participant_id=A, instrument_id=ISSUE, expired_units=Units(6)),
    )[0]
    assert (late["type"], late["data"]["expired_units"]) == ("expired", 6)


def test_a_delivery_is_told_to_both_sides_until_it_is_over_days_later() -> None:
    """The order directory forgets at the day's end; the delivery's owners are still found."""
    desk = Desk()
    buy, _ = desk.new("C1")
    sell, _ = desk.new("X1", SELL, firm=B, session=B1)
    desk.cross(buy, sell)
    desk.step(OpenDay(business_date=DAY_2), DayOpened(business_date=DAY_2, settlement_date=SETTLES))
    failing = DeliveryChanged(
        delivery_id=DeliveryId(92),
        action=DeliveryAction.FAIL,
        old_state=DeliveryState.CREATED,
        state=DeliveryState.FAILING,
        reason=FailReason.BUYER_SHORT_OF_CASH,
    )
    reported = desk.step(RunSettlement(stage=3), failing)
    assert [(session, m["type"], m["data"]["order_id"]) for session, m in reported] == [
        (A1, "settlement", f"O-{buy}"),
        (B1, "settlement", f"O-{sell}"),
    ]
    assert reported[0][1]["data"]["reason"] == "buyer_short_of_cash"
    finished = DeliveryChanged(
        delivery_id=DeliveryId(92),
        action=DeliveryAction.FINISH,
        old_state=DeliveryState.FAILING,
        state=DeliveryState.FINISHED,
    )
    assert len(desk.step(RunSettlement(stage=0), finished)) == 2
    assert desk.reports.state()["deliveries"] == []


# --- the stream


def test_a_resend_is_byte_identical_and_bounded_by_what_is_kept() -> None:
    """The very bytes again for any range of the day; None before it and beyond the next number."""
    desk = Desk()
    sent = [desk.reports.drain()]
    for number in range(5):
        cmd = new(f"C{number}")
        desk.sequence += 1
        desk.reports.apply(
            SequenceNo(desk.sequence),
            TimeNs(desk.sequence),
            cmd,
            [rejected(cmd, RejectReason.BAD_TICK)],
        )
        sent.append(desk.reports.drain())
    live = [payload for drained in sent for _, _, payload in drained]
    reports = desk.reports
    assert reports.since(A1, 1) == live
    assert reports.since(A1, 2, 4) == live[1:4]
    assert reports.since(A1, 5, 99) == live[4:]
    assert reports.since(A1, 6) == []
    assert reports.since(A1, 3, 2) == []
    assert reports.since(A1, 7) is None
    assert reports.since(A1, 0) is None
    assert reports.since(SessionId("NEW"), 1) == []
    assert reports.since(SessionId("NEW"), 2) is None


def test_numbers_go_on_over_the_day_and_older_bytes_are_gone() -> None:
    """The stream keeps a few days; its numbers and digest belong to the run."""
    desk = Desk()
    desk.new("C1")
    before = desk.reports.state()["streams"]
    kept = desk.reports.since(A1, 1)
    for _ in range(DAYS_KEPT - 1):
        desk.step(
            OpenDay(business_date=DAY_2), DayOpened(business_date=DAY_2, settlement_date=SETTLES)
        )
        assert desk.reports.since(A1, 1) == kept
    desk.step(OpenDay(business_date=DAY_2), DayOpened(business_date=DAY_2, settlement_date=SETTLES))
    assert desk.reports.since(A1, 1) is None
    assert desk.reports.since(A1, 2) == []
    assert desk.reports.next_seq(A1) == 2
    after = desk.reports.state()["streams"]
    assert isinstance(before, list)
    assert isinstance(after, list)
    assert [stream[3] for stream in after] == [stream[3] for stream in before]
    _, [(_, message)] = desk.new("C2")
    assert (message["seq"], message["prev_seq"]) == (2, 1)


STEPS = st.lists(
    st.tuples(
        st.sampled_from(["new", "refuse", "repeat", "cancel", "cross", "kill", "day"]),
        st.integers(0, 1_000),
    ),
    max_size=30,
)


def run(steps: list[tuple[str, int]]) -> tuple[list[tuple[str, int, bytes]], Desk]:
    """Play a story; everything drained, in order."""
    desk = Desk()
    drained: list[tuple[str, int, bytes]] = []
    reports = desk.reports
    drain = reports.drain

    def kept() -> list[tuple[SessionId, int, bytes]]:
        out = drain()
        drained.extend(out)
        return out

    reports.drain = kept  # type: ignore[method-assign]
    buys: list[OrderId] = []
    sells: list[OrderId] = []
    for number, (what, pick) in enumerate(steps):
        if what == "new" and pick % 2:
            buys.append(desk.new(f"C{number}", session=(A1, A2)[pick // 2 % 2])[0])
        elif what == "new":
            sells.append(desk.new(f"X{number}", SELL, firm=B, session=B1)[0])
        elif what == "refuse":
            cmd = new(f"R{number}", session=(A1, A2)[pick % 2])
            desk.answers.recall(cmd)
            desk.step(cmd, rejected(cmd, RejectReason.BAD_TICK))
        elif what == "repeat":
            cmd = new("SAME", quantity=pick % 2 + 1)
            answer = desk.answers.recall(cmd)
            if answer is None or isinstance(answer, RejectReason):
                desk.step(cmd, rejected(cmd, answer or RejectReason.BAD_LOT))
            else:
                desk.step(cmd, answer)
        elif what == "cancel" and buys:
            order = buys.pop(pick % len(buys))
            desk.step(cancel(order), canceled(order, 10, CancelReason.OWNER))
        elif what == "cross" and buys and sells:
            desk.step(
                RunAuction(instrument_id=ISSUE), *crossed(buys.pop(), sells.pop(), 10, number + 1)
            )
        elif what == "kill":
            desk.step(Unkill(participant_id=A), ParticipantUnkilled(participant_id=A))
        elif what == "day":
            desk.step(
                OpenDay(business_date=DAY_2),
                DayOpened(business_date=DAY_2, settlement_date=SETTLES),
            )
    return drained, desk


@settings(max_examples=60, deadline=None, derandomize=True)
@given(STEPS)
def test_streams_chain_resend_and_replay_byte_for_byte(steps: list[tuple[str, int]]) -> None:
    """Per session numbers chain from 1; resends and a second run give the very same bytes."""
    drained, desk = run(steps)
    heads: dict[str, int] = {}
    for session, seq, payload in drained:
        message = json.loads(payload)
        assert message["seq"] == seq == heads.get(session, 0) + 1
        assert message["prev_seq"] == seq - 1
        heads[session] = seq
    for session, head in heads.items():
        sent = [payload for owner, _, payload in drained if owner == session]
        for start in range(1, head + 1):
            again = desk.reports.since(SessionId(session), start)
            assert again is None or again == sent[start - 1 :]
    replayed, other = run(steps)
    assert replayed == drained
    assert other.reports.state() == desk.reports.state()
