"""The room as the venue sees it: days, dates, stages, refusals, digest."""

import json
from datetime import date, timedelta

import pytest
from settlement_story import CUT_OFF, MONDAY, ST1, ST2, A, B, Story, issue, refusal, trade_of

from market.business_days import next_business_day
from market.commands import ParticipantLimits, SetTransferControl
from market.errors import InvariantBroken
from market.events import (
    DayClosed,
    DayOpened,
    InstrumentListed,
    ParticipantRegistered,
    Reconciled,
    SettlementRan,
)
from market.ids import DeliveryId, InstrumentId, ParticipantId
from market.reasons import RejectReason
from market.rules import SettlementMode
from settlement.settlement import Settlement

BOTH = pytest.mark.parametrize("mode", SettlementMode)


def with_both_legs(mode: SettlementMode, settlement_days: int) -> Story:
    """A has units, B has yen."""
    story = Story(mode, settlement_days)
    story.allot(A, 10)
    story.pay_in(B, 1_000)
    return story


@BOTH
@pytest.mark.parametrize("settlement_days", [0, 1, 2, 3])
def test_a_delivery_is_made_on_its_date_and_not_before(
    mode: SettlementMode, settlement_days: int
) -> None:
    """T+n counts business days: 3 November 2026 is a holiday and is not counted."""
    story = with_both_legs(mode, settlement_days)
    delivery = story.trade(seller=A, buyer=B, units=4)
    due = story.room.deliveries[DeliveryId(delivery)].terms.settlement_date

    for _ in range(settlement_days):
        assert story.day < due
        story.run(0, 1, 2, CUT_OFF)
        assert story.state(delivery) == "created"
        story.next_day()

    assert story.day == due
    story.run(0, 1, 2, CUT_OFF)
    assert story.state(delivery) == "finished"


def test_the_settlement_date_skips_closed_days() -> None:
    """Monday 2 November 2026, T+2: Tuesday is Culture Day, so Thursday."""
    story = with_both_legs(SettlementMode.GROSS_ATOMIC, 2)
    delivery = story.trade(seller=A, buyer=B, units=4)

    terms = story.room.deliveries[DeliveryId(delivery)].terms

    assert (story.day, terms.settlement_date) == (MONDAY, date(2026, 11, 5))


@BOTH
def test_after_the_cut_off_no_stage_runs(mode: SettlementMode) -> None:
    """The settlement day is over; the next day begins with open stages."""
    story = with_both_legs(mode, 0)
    story.run(CUT_OFF)

    for stage in range(CUT_OFF + 1):
        assert refusal(story.run(stage)) is RejectReason.CUTOFF_PASSED

    story.next_day()
    (ran,) = story.run(0)
    assert isinstance(ran, SettlementRan)


@BOTH
def test_a_trade_after_the_cut_off_is_made_on_the_next_day(mode: SettlementMode) -> None:
    """T+0 and too late for today: it waits, and is not failing."""
    story = with_both_legs(mode, 0)
    story.run(0, 1, 2, CUT_OFF)
    delivery = story.trade(seller=A, buyer=B, units=4)
    story.next_day()

    story.run(0, 1, 2)

    assert story.state(delivery) == "finished"


@BOTH
def test_a_missed_cut_off_leaves_a_state_to_go_on_from(mode: SettlementMode) -> None:
    """A day without its later stages: the next day's stages go on where it stopped."""
    story = with_both_legs(mode, 0)
    delivery = story.trade(seller=A, buyer=B, units=4)
    story.run(0)
    (closed,) = story.next_day()[:1]
    assert isinstance(closed, Reconciled)
    assert closed.breaks == ()

    story.run(0, 1, 2)

    assert story.state(delivery) == "finished"


@BOTH
def test_a_stage_tells_what_it_did(mode: SettlementMode) -> None:
    """Counts of deliveries moved and failed, under the design's own name for the stage."""
    story = with_both_legs(mode, 0)
    story.trade(seller=A, buyer=B, units=4)
    story.trade(seller=B, buyer=A, units=400)
    told = [event for event in story.run(0, 1, 2, CUT_OFF) if isinstance(event, SettlementRan)]

    moved = {"gross_atomic": [1, 0, 0, 0], "provisional_transfer": [1, 1, 1, 0]}
    assert [ran.moved for ran in told] == moved[mode.value]
    assert [ran.failed for ran in told] == [0, 0, 0, 1]
    assert tuple(ran.stage_name for ran in told) == story.room.design.stages
    assert {ran.business_date for ran in told} == {MONDAY}


@BOTH
@pytest.mark.parametrize("stage", [-1, 4])
def test_a_stage_the_design_does_not_have_is_refused(mode: SettlementMode, stage: int) -> None:
    """Four stages, counted from 0."""
    assert refusal(Story(mode).run(stage)) is RejectReason.OUT_OF_RANGE


@BOTH
def test_without_a_day_nothing_runs_and_nothing_closes(mode: SettlementMode) -> None:
    """Before the first day both are refused."""
    room = Settlement(mode, 2)

    assert refusal(room.run(0)) is RejectReason.PHASE_CLOSED
    assert refusal(room.close_day()) is RejectReason.PHASE_CLOSED


@BOTH
def test_an_unknown_delivery_cannot_be_canceled(mode: SettlementMode) -> None:
    """No such instruction."""
    assert refusal(Story(mode).cancel(1)) is RejectReason.UNKNOWN_INSTRUCTION


def test_an_unknown_issue_has_no_transfer_control() -> None:
    """No such instrument."""
    story = Story(SettlementMode.GROSS_ATOMIC)
    command = SetTransferControl(instrument_id=InstrumentId("XX"), executable=True, reason="")

    events = story.room.set_transfer_control(command)

    assert refusal(events) is RejectReason.UNKNOWN_INSTRUMENT


def test_unknown_events_mean_nothing() -> None:
    """Other rooms' news is heard and ignored."""
    story = Story(SettlementMode.GROSS_ATOMIC)
    before = story.room.state()

    assert story.room.apply(DayClosed(business_date=MONDAY)) == []
    assert story.room.state() == before


def test_new_limits_are_no_new_firm() -> None:
    """A firm registered again keeps what it has."""
    story = Story(SettlementMode.GROSS_ATOMIC)
    story.pay_in(A, 5)

    story.hear(ParticipantRegistered(participant_id=A, name="A", limits=ParticipantLimits()))

    assert story.room.owned_yen(A) == 5


STRANGER = ParticipantId("Z")
NEWS_THAT_CANNOT_BE = {
    "a stranger trades": trade_of(trade_id=9, buyer=STRANGER),
    "an unknown issue trades": trade_of(trade_id=9, instrument_id=InstrumentId("XX")),
    "an issue is listed twice": InstrumentListed(instrument=issue(ST1)),
    "the day goes back": DayOpened(
        business_date=MONDAY - timedelta(days=3), settlement_date=MONDAY
    ),
    "the same day opens again": DayOpened(business_date=MONDAY, settlement_date=MONDAY),
    "another T+n": DayOpened(
        business_date=next_business_day(MONDAY), settlement_date=date(2026, 12, 1)
    ),
}


@pytest.mark.parametrize("news", NEWS_THAT_CANNOT_BE)
def test_news_that_cannot_be_stops_the_process(news: str) -> None:
    """The venue has checked these; if they arrive all the same, the program is wrong."""
    story = Story(SettlementMode.GROSS_ATOMIC)
    before = story.room.state()

    with pytest.raises(InvariantBroken):
        story.room.apply(NEWS_THAT_CANNOT_BE[news])  # type: ignore[arg-type]

    assert story.room.state() == before


def test_a_trade_before_the_first_day_stops_the_process() -> None:
    """There is no date to settle it on."""
    room = Settlement(SettlementMode.GROSS_ATOMIC, 2)

    with pytest.raises(InvariantBroken):
        room.apply(trade_of())


@BOTH
def test_every_asset_accounts_for_itself(mode: SettlementMode) -> None:
    """Put in is what firms hold plus the rest, for yen and every issue."""
    story = with_both_legs(mode, 0)
    story.trade(seller=A, buyer=B, units=4)
    story.run(0, 1)

    assert story.room.conservation() == [
        ("yen", 1_000, 1_000, 0, 0),
        (ST1, 1_000, 10, 990, 0),
        (ST2, 1_000, 0, 1_000, 0),
    ]


@BOTH
def test_the_state_is_plain_and_repeatable(mode: SettlementMode) -> None:
    """Two rooms told the same have the same state, and it is JSON."""
    states = []
    for _ in range(2):
        story = with_both_legs(mode, 0)
        story.trade(seller=A, buyer=B, units=4)
        story.trade(seller=B, buyer=A, units=400)
        story.run(0, 1)
        states.append(json.dumps(story.room.state(), sort_keys=False))

    assert states[0] == states[1]
