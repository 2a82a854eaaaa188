"""A firm speaks for its own side of a delivery: whole, by the operator's very command, and for nobody else."""

import json
from datetime import date
from random import Random
from typing import Any

import pytest
from random_market import FIRMS, WIDE, session_of
from said_words import Words
from small_market import ask, cross, market_with, phase
from watched_market import WatchedMarket

from market.business_days import next_business_day
from market.commands import (
    ActOnDelivery,
    AffirmDelivery,
    CloseDay,
    ConsentToCancel,
    DeliveryAct,
    DepositUnits,
    Kill,
    OpenDay,
    ReverseDelivery,
    RunSettlement,
    SetDeliveryHold,
    SetDeliveryParts,
)
from market.events import CommandRefused, DeliveryActTaken, RequestRepeated
from market.ids import ClientOrderId, DeliveryId, ParticipantId, SessionId
from market.quantities import Units
from market.reasons import RejectReason
from market.words import Phase, Side
from participants.fix_reports import FixReports
from participants.ouch_reports import OuchReports
from venue.core import Core

A, B, C = FIRMS
R = RejectReason
ONE, TWO = DeliveryId(1), DeliveryId(2)
MODES = ["provisional_transfer", "gross_atomic"]
RULES: dict[str, object] = {
    "settlement_days": 0,
    "max_share_of_issue_percent": 0,
    "query_share_of_issue_percent": 0,
    "affirmation": True,
    "partial_settlement": True,
}


def traded(mode: str = MODES[0], **rules: object) -> WatchedMarket:
    """D-1: A sells 20 units to B."""
    market = market_with(settlement_mode=mode, **(RULES | rules))
    for firm, side in ((B, Side.BUY), (A, Side.SELL)):
        assert ask(market, firm, side, 20) == "accepted"
    cross(market)
    return market


def say(
    market: WatchedMarket,
    firm: ParticipantId,
    act: DeliveryAct,
    name: str | None = None,
    **identity: Any,
) -> dict[str, Any]:
    """A firm's word, and the one answer it gets."""
    fields: dict[str, Any] = {
        "participant_id": firm,
        "session_id": session_of(firm),
        "generation": 1,
        "req_id": "w",
        "client_request_id": ClientOrderId(name or f"W-{len(market.entries)}"),
        "act": act,
    }
    before = len(market.reports)
    market.do(ActOnDelivery(**(fields | identity)))
    (answer,) = [
        report
        for _, _, payload in market.reports[before:]
        for report in [json.loads(payload)]
        if "method" in report
    ]
    return dict(answer)


def code(answer: dict[str, Any]) -> str:
    """Why it was refused, or done."""
    return "done" if answer["ok"] else str(answer["error"]["code"])


def stages(market: WatchedMarket) -> None:
    """A day's settlement."""
    for stage in range(len(market.core.settlement.design.stages)):
        market.do(RunSettlement(stage=stage))


def affirmed(market: WatchedMarket, delivery_id: DeliveryId = ONE) -> WatchedMarket:
    """Both firms have affirmed a delivery."""
    for firm, side in ((A, Side.SELL), (B, Side.BUY)):
        assert code(say(market, firm, AffirmDelivery(delivery_id=delivery_id, side=side))) == "done"
    return market


def state_of(market: WatchedMarket, delivery_id: DeliveryId = ONE) -> str:
    """Where a delivery is."""
    return market.core.settlement.deliveries[delivery_id].state.value


# --- what is said is done, and answered


@pytest.mark.parametrize("mode", MODES)
def test_both_firms_words_settle_end_and_reverse_a_delivery(mode: str) -> None:
    """Affirmed, held, released and settled; then reversed by both, and the reversal ended by both."""
    market = affirmed(traded(mode))
    hold = say(market, B, SetDeliveryHold(delivery_id=ONE, side=Side.BUY, held=True, reason="x"))
    assert (hold["method"], hold["result"]["state"]) == ("delivery.hold", "created")
    stages(market)
    assert state_of(market) == "failing"
    market.do(CloseDay())
    market.do(OpenDay(business_date=_next(market)))
    say(market, B, SetDeliveryHold(delivery_id=ONE, side=Side.BUY, held=False))
    stages(market)
    assert state_of(market) == "finished"

    one = say(market, A, ReverseDelivery(delivery_id=ONE, side=Side.SELL, reason="slip"))
    assert one["result"] == {
        "delivery_id": "D-1",
        "client_request_id": one["result"]["client_request_id"],
        "side": "sell",
        "state": "finished",
    }
    assert len(market.core.settlement.deliveries) == 1
    say(market, B, ReverseDelivery(delivery_id=ONE, side=Side.BUY, reason="slip"))
    assert len(market.core.settlement.deliveries) == 2, "A buys back"

    consent = say(market, A, ConsentToCancel(delivery_id=TWO, side=Side.BUY))
    assert consent["result"]["state"] == "created"
    consent = say(market, B, ConsentToCancel(delivery_id=TWO, side=Side.SELL))
    assert consent["result"]["state"] == "canceled"
    assert market.auditor.verdict() == []
    market.replay()


def _next(market: WatchedMarket) -> date:
    assert market.core.business_date is not None
    return next_business_day(market.core.business_date)


ACTS: list[tuple[ParticipantId, DeliveryAct]] = [
    (A, AffirmDelivery(delivery_id=ONE, side=Side.SELL)),
    (B, SetDeliveryParts(delivery_id=ONE, side=Side.BUY, allowed=False)),
    (B, AffirmDelivery(delivery_id=ONE, side=Side.BUY)),
    (A, SetDeliveryHold(delivery_id=ONE, side=Side.SELL, held=True, reason="check")),
    (B, ConsentToCancel(delivery_id=ONE, side=Side.BUY, reason="dear")),
    (A, SetDeliveryHold(delivery_id=ONE, side=Side.SELL, held=False)),
    (B, SetDeliveryParts(delivery_id=ONE, side=Side.BUY, allowed=True)),
    (A, ConsentToCancel(delivery_id=ONE, side=Side.SELL)),
    (A, ConsentToCancel(delivery_id=ONE, side=Side.SELL)),
    (A, ReverseDelivery(delivery_id=ONE, side=Side.SELL, reason="")),
]


@pytest.mark.parametrize("mode", MODES)
def test_the_operator_and_the_firm_do_the_same_thing(mode: str) -> None:
    """Word for word the same events, refusals and books, but for who is answered."""
    by_firm, by_operator = traded(mode), traded(mode)
    for firm, act in ACTS:
        before = len(by_firm.events)
        answer = say(by_firm, firm, act)
        told = by_operator.do(act)
        if isinstance(told[0], CommandRefused):
            assert code(answer) == told[0].reason.value
        else:
            assert isinstance(by_firm.events[before], DeliveryActTaken)
            assert by_firm.events[before + 1 :] == told
        assert by_firm.core.settlement.state() == by_operator.core.settlement.state()


@pytest.mark.parametrize("mode", MODES)
def test_a_side_that_declines_parts_waits_for_the_whole(mode: str) -> None:
    """C has 10 of 40 units: none come while the buyer declines, ten once it agrees again."""
    market = market_with(settlement_mode=mode, **(RULES | {"affirmation": False}))
    for firm, side in ((B, Side.BUY), (C, Side.SELL)):
        assert ask(market, firm, side, 40) == "accepted"
    cross(market)
    market.do(
        DepositUnits(
            participant_id=C,
            instrument_id=WIDE.instrument_id,
            quantity_units=Units(10),
            reference="c",
        )
    )
    decline = SetDeliveryParts(delivery_id=ONE, side=Side.BUY, allowed=False)
    assert say(market, B, decline)["method"] == "delivery.decline_parts"
    stages(market)
    delivery = market.core.settlement.deliveries[ONE]
    assert (delivery.state.value, delivery.open_units) == ("failing", 40)
    market.do(CloseDay())
    market.do(OpenDay(business_date=_next(market)))
    say(market, B, SetDeliveryParts(delivery_id=ONE, side=Side.BUY, allowed=True))
    stages(market)
    assert delivery.open_units == 30
    market.replay()


def test_every_word_that_is_taken_is_in_the_digest() -> None:
    """What settlement says of itself changes with each, or a replay could differ unseen."""
    market = traded()
    before: list[object] = []
    for firm, act in ACTS[:7]:
        before.append(market.core.settlement.state())
        assert code(say(market, firm, act)) == "done"
        assert market.core.settlement.state() != before[-1], act


# --- who hears


def test_every_session_of_both_sides_hears_and_nobody_else() -> None:
    """The asker's answer comes first; then its own sessions and the other side's have the news."""
    market = traded()
    before = len(market.reports)
    say(market, A, ConsentToCancel(delivery_id=ONE, side=Side.SELL, reason="slip"))
    made = [(session, json.loads(payload)) for session, _, payload in market.reports[before:]]
    assert [(session, report.get("type", "answer")) for session, report in made] == [
        ("FIRM-A-1", "answer"),
        *((f"{firm}-{n}", "delivery") for firm in (B, A) for n in (1, 2)),
        ("FIRM-B-1", "settlement"),
        ("FIRM-A-1", "settlement"),
    ]
    for _, report in made[1:5]:
        assert report["data"]["what"] == "cancel_consent"
        assert (report["data"]["by_side"], report["data"]["reason"]) == ("sell", "slip")
        assert set(report["data"]) == {"delivery_id", "side", "what", "by_side", "reason"}


# --- what is refused, in the catalogue's order, and moves nothing (WatchedMarket looks)


def hold(delivery_id: DeliveryId = ONE, side: Side = Side.SELL) -> SetDeliveryHold:
    """A's hold of D-1, or of another side or delivery."""
    return SetDeliveryHold(delivery_id=delivery_id, side=side, held=True)


def test_each_refusal_has_its_code_and_moves_nothing() -> None:
    """From the session down to the delivery's state."""
    market = traded()
    own, other = hold(), hold(side=Side.BUY)
    assert code(say(market, A, own, generation=2)) == R.STALE_GENERATION
    assert code(say(market, A, own, session_id=session_of(B))) == R.NOT_ENTITLED
    by_law = ReverseDelivery(delivery_id=ONE, side=Side.SELL, reason="", legal_order=True)
    assert code(say(market, A, by_law)) == R.NOT_ENTITLED, "a legal order is not a firm's"
    assert code(say(market, A, hold(DeliveryId(99)))) == R.UNKNOWN_INSTRUCTION
    assert code(say(market, C, own)) == R.UNKNOWN_INSTRUCTION
    assert code(say(market, A, other)) == R.NOT_OWN_SIDE
    assert code(say(market, A, ReverseDelivery(delivery_id=ONE, side=Side.SELL, reason=""))) == (
        R.NOT_SETTLED
    )
    agree = SetDeliveryParts(delivery_id=ONE, side=Side.SELL, allowed=True)
    assert code(say(market, A, agree)) == R.DUPLICATE
    affirmed(market)
    assert code(say(market, A, AffirmDelivery(delivery_id=ONE, side=Side.SELL))) == R.DUPLICATE
    stages(market)
    for act in (
        hold(),
        AffirmDelivery(delivery_id=ONE, side=Side.SELL),
        ConsentToCancel(delivery_id=ONE, side=Side.SELL),
        SetDeliveryParts(delivery_id=ONE, side=Side.SELL, allowed=False),
    ):
        assert code(say(market, A, act)) == R.ALREADY_FINAL
    for firm, side in ((A, Side.SELL), (B, Side.BUY)):
        say(market, firm, ReverseDelivery(delivery_id=ONE, side=side, reason=""))
    again = ReverseDelivery(delivery_id=ONE, side=Side.SELL, reason="")
    assert code(say(market, A, again)) == R.ALREADY_REVERSED
    market.replay()


@pytest.mark.parametrize(
    "act",
    [
        AffirmDelivery(delivery_id=ONE, side=Side.SELL),
        SetDeliveryParts(delivery_id=ONE, side=Side.SELL, allowed=False),
    ],
)
def test_a_word_the_market_does_not_know_is_refused_first(act: DeliveryAct) -> None:
    """Whether the delivery is one's own, another's or nobody's."""
    market = traded(affirmation=False, partial_settlement=False)
    for firm in (A, C):
        assert code(say(market, firm, act)) == R.ACT_UNSUPPORTED


def test_a_foreign_delivery_and_an_absent_one_are_answered_alike() -> None:
    """But for numbers and times the two answers are the same (I14)."""
    market = traded()
    answers = [
        say(market, C, hold(DeliveryId(number)), name) for number, name in ((1, "a"), (9, "b"))
    ]
    for answer in answers:
        for field in ("seq", "prev_seq", "at_ns"):
            answer.pop(field)
        answer["error"].pop("client_request_id")
    assert answers[0] == answers[1]


def test_a_stopped_firm_still_speaks_for_its_deliveries() -> None:
    """The kill switch is about orders; what is owed is still to be dealt with."""
    market = traded()
    market.do(Kill(participant_id=A, session_id=session_of(A), generation=1, req_id="k"))
    assert code(say(market, A, AffirmDelivery(delivery_id=ONE, side=Side.SELL))) == "done"


def test_a_firm_that_trades_with_itself_speaks_for_each_side() -> None:
    """Both sides are its own, one word at a time."""
    market = market_with(**RULES, self_trade_mode="allow_report")
    for side in (Side.SELL, Side.BUY):
        assert ask(market, A, side, 20) == "accepted"
    cross(market)
    for side in Side:
        assert code(say(market, A, AffirmDelivery(delivery_id=ONE, side=side))) == "done"
    stages(market)
    assert state_of(market) == "finished"


# --- once


def test_a_word_sent_again_is_answered_as_before_and_done_once() -> None:
    """From any session of the firm, whatever has become of the delivery since; marked."""
    market = traded()
    word = ConsentToCancel(delivery_id=ONE, side=Side.SELL, reason="slip")
    first = say(market, A, word, "w1")
    assert state_of(market) == "canceled", "unmatched: one side's word is enough"
    again = say(market, A, word, "w1", session_id=SessionId("FIRM-A-2"), req_id="other")
    assert again["duplicate"] is True
    assert again["req_id"] == "other"
    assert again["result"] == first["result"]
    assert isinstance(market.events[-1], RequestRepeated)
    market.replay()


def test_a_refused_word_stays_refused_under_its_name() -> None:
    """A failed id never succeeds later: the first answer is the answer."""
    market = traded()
    word = ReverseDelivery(delivery_id=ONE, side=Side.SELL, reason="")
    assert code(say(market, A, word, "w1")) == R.NOT_SETTLED
    affirmed(market)
    stages(market)
    again = say(market, A, word, "w1")
    assert (code(again), again["duplicate"]) == (R.NOT_SETTLED, True)
    assert again["error"]["client_request_id"] == "w1"
    assert code(say(market, A, word, "w2")) == "done"


def test_one_name_is_one_request_of_the_firm_and_day() -> None:
    """Other content, another kind of word and an order's name are ID_CONFLICT; another firm's is its own."""
    market = traded()
    order = market.core.answers.state()["names"]
    assert isinstance(order, list)
    (name_of_order,) = [name for firm, name, _ in order if firm == A]
    assert code(say(market, A, hold(), "w1")) == "done"
    release = SetDeliveryHold(delivery_id=ONE, side=Side.SELL, held=False)
    for act, name in (
        (release, "w1"),
        (SetDeliveryHold(delivery_id=ONE, side=Side.SELL, held=True, reason="x"), "w1"),
        (AffirmDelivery(delivery_id=ONE, side=Side.SELL), "w1"),
        (release, name_of_order),
    ):
        assert code(say(market, A, act, name)) == R.ID_CONFLICT
    assert ask(market, A, Side.SELL, 1, client_order_id=ClientOrderId("w1")) == R.ID_CONFLICT
    assert code(say(market, B, hold(side=Side.BUY), "w1")) == "done"
    market.do(CloseDay())
    market.do(OpenDay(business_date=_next(market)))
    assert code(say(market, A, release, "w1")) == "done", "names are of a day"


# --- the other doors


def test_fix_and_ouch_take_no_notice_of_words_on_deliveries() -> None:
    """Taken, refused or repeated, a word adds no record to either projection."""
    market = traded()
    say(market, A, hold(), "w1")
    say(market, A, hold(), "w1", req_id="again")
    say(market, A, hold(), "w2")
    say(market, B, hold(), "w3")
    core, fix, ouch = Core(), FixReports(), OuchReports()
    words = 0
    for entry in market.entries:
        before = {session: len(fix.of_session(session)) for session in map(session_of, FIRMS)}
        ouch.take()
        events = core.apply(entry)
        fix.apply(entry, events)
        ouch.apply(entry, events)
        if isinstance(entry.command, ActOnDelivery):
            words += 1
            assert before == {session: len(fix.of_session(session)) for session in before}
            assert ouch.take() == []
    assert words == 4


# --- by chance


@pytest.mark.parametrize("seed", range(8))
def test_every_answer_is_the_one_a_slow_list_works_out(seed: int) -> None:
    """Words of three firms on few deliveries between orders and stages, five days, every code met or open."""
    draw = Random(f"words {seed}")
    parts, affirmation = draw.random() < 0.7, draw.random() < 0.5
    rules = {"partial_settlement": parts, "affirmation": affirmation}
    market = market_with(settlement_mode=MODES[seed % 2], **(RULES | rules))
    words, read = Words(affirmation=affirmation, parts=parts), 0
    for _ in range(5):
        phase(market, Phase.PRE_OPEN)
        for _ in range(6):
            ask(market, draw.choice(FIRMS), draw.choice(tuple(Side)), draw.choice((1, 5, 9)))
        cross(market)
        for stage in range(4):
            for _ in range(draw.randint(0, 12)):
                words.read(market.events[read:])
                read = len(market.events)
                firm, act = draw.choice(FIRMS), _any_act(draw, len(words.terms))
                expected = words.expect(firm, act)
                assert code(say(market, firm, act)) == expected, act
            market.do(RunSettlement(stage=stage))
        market.do(CloseDay())
        market.do(OpenDay(business_date=_next(market)))
    market.replay()


def _any_act(draw: Random, deliveries: int) -> DeliveryAct:
    delivery = DeliveryId(max(1, draw.randint(deliveries - 4, deliveries + 1)))
    side, on = draw.choice(tuple(Side)), draw.random() < 0.5
    acts: tuple[DeliveryAct, ...] = (
        AffirmDelivery(delivery_id=delivery, side=side),
        AffirmDelivery(delivery_id=delivery, side=side),
        AffirmDelivery(delivery_id=delivery, side=side),
        SetDeliveryHold(delivery_id=delivery, side=side, held=on),
        SetDeliveryParts(delivery_id=delivery, side=side, allowed=on),
        ConsentToCancel(delivery_id=delivery, side=side),
        ReverseDelivery(delivery_id=delivery, side=side, reason=""),
    )
    return draw.choice(acts)
