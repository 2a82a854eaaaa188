"""A delivery in each kind of money: what every stage does, hours, and the failure of an issuer."""

import pytest
from settlement_story import CUT_OFF, A, B, C, Story, refusal

from market.choices import SettlementMoney
from market.events import (
    DeliveryChanged,
    Event,
    IssuerDefaulted,
    SettlementRan,
    UnitsMoved,
    YenMoved,
)
from market.ids import DeliveryId
from market.reasons import FailReason, RejectReason
from market.rules import SettlementMode
from market.words import Side
from settlement.money.kinds import money_of

HOLD, FUND, PAY = range(3)
KINDS = list(SettlementMoney)
DEPOSIT, TRUST, BANK = KINDS
AT_ONCE = [DEPOSIT, TRUST]
HOURS = {HOLD: 9, FUND: 10, PAY: 11, CUT_OFF: 16}
"""When a stage of the day runs; the bank's day ends at half past three."""

NINE_TO_HALF_PAST_TEN = (9 * 3600, 37_800, 37_800)


def told(
    kind: SettlementMoney,
    hours: tuple[int, ...] = (),
    mode: SettlementMode = SettlementMode.PROVISIONAL_TRANSFER,
) -> Story:
    """A owes 4 of its 10 units to B for 400 of B's 1,000 yen, due today."""
    money = money_of(kind, seed="test", hours=hours, recovery_percent=50)
    story = Story(mode, money=money)
    story.allot(A, 10)
    story.pay_in(B, 1_000)
    story.trade(seller=A, buyer=B, units=4)
    return story


def stages(story: Story, *which: int) -> list[Event]:
    """Run stages at their times of day."""
    return [event for stage in which for event in story.run_at(HOURS[stage], stage)]


def changes(events: list[Event]) -> list[tuple[str, FailReason | None]]:
    """New state and reason of every delivery that moved."""
    return [(e.state.value, e.reason) for e in events if isinstance(e, DeliveryChanged)]


def waits_for(story: Story) -> FailReason | None:
    """What kept the delivery from going on."""
    return story.room.deliveries[DeliveryId(1)].hindrance


@pytest.mark.parametrize("kind", AT_ONCE)
def test_money_that_pays_at_once_settles_within_the_day(kind: SettlementMoney) -> None:
    """Tokens and coins: the same events in the same stages, and the same owners."""
    story = told(kind)

    assert changes(stages(story, HOLD, FUND)) == [("provisional", None), ("confirmed", None)]
    assert story.available()["B"] == (600, 0)
    events = stages(story, PAY)

    assert [type(event) for event in events] == [
        YenMoved,
        DeliveryChanged,
        UnitsMoved,
        DeliveryChanged,
        SettlementRan,
    ]
    assert story.holdings() == story.available() == {"A": (400, 6), "B": (600, 4), "C": (0, 0)}
    assert story.next_day()[0].breaks == ()  # type: ignore[union-attr]


def test_a_bank_transfer_waits_for_the_morning_file() -> None:
    """Ordered is neither paid nor refused: over the cut-off it stays, and the file finishes it."""
    story = told(BANK)
    before = story.holdings()
    stages(story, HOLD, FUND)

    assert changes(stages(story, PAY)) == []
    assert (story.state(1), waits_for(story)) == ("confirmed", FailReason.PAYMENT_PENDING)
    assert changes(stages(story, CUT_OFF)) == []
    closed = story.next_day()[0]
    assert (closed.breaks, closed.failing) == ((), 0)  # type: ignore[union-attr]
    assert story.holdings() == before, "nothing has moved yet"
    assert story.available() == {"A": (0, 6), "B": (600, 0), "C": (0, 0)}

    events = stages(story, HOLD)

    assert changes(events) == [("paid", None), ("finished", None)]
    assert story.holdings() == story.available() == {"A": (400, 6), "B": (600, 4), "C": (0, 0)}
    assert changes(stages(story, HOLD, FUND, PAY, CUT_OFF)) == [], "once"


def test_an_order_after_the_cut_off_is_paid_a_business_day_later() -> None:
    """Three in the afternoon is the bank's cut-off: the order counts for the next business day."""
    story = told(BANK)
    story.run_at(9, HOLD)
    story.run_at(10, FUND)
    story.run_at(15, PAY)
    stages(story, CUT_OFF)

    story.next_day()
    assert changes(stages(story, HOLD, FUND, PAY, CUT_OFF)) == []
    story.next_day()
    assert changes(stages(story, HOLD)) == [("paid", None), ("finished", None)]


def test_a_pending_payment_is_called_back_by_a_cancel_until_its_file() -> None:
    """The order goes back with the delivery, units and yen return; the file has nothing."""
    story = told(BANK)
    before = story.holdings()
    stages(story, HOLD, FUND, PAY, CUT_OFF)

    assert changes(story.cancel(1)) == [("canceled", FailReason.CANCELED)]

    assert story.holdings() == story.available() == before
    story.next_day()
    assert changes(stages(story, HOLD)) == []
    assert story.holdings() == before


def test_a_hold_comes_too_late_for_a_payment_under_way() -> None:
    """The bank books what was ordered; who has paid is delivered to. Before the order it stops."""
    story = told(BANK)
    stages(story, HOLD, FUND, PAY)
    story.hold(1, Side.SELL)
    stages(story, CUT_OFF)
    story.next_day()
    assert changes(stages(story, HOLD)) == [("paid", None), ("finished", None)]

    early = told(BANK)
    stages(early, HOLD, FUND)
    early.hold(1, Side.SELL)
    assert changes(stages(early, PAY, CUT_OFF)) == [("failing", FailReason.ON_HOLD)]
    assert early.available()["B"] == (1_000, 0)


@pytest.mark.parametrize("kind", KINDS)
def test_outside_the_moneys_hours_deliveries_wait_with_the_reason(kind: SettlementMoney) -> None:
    """Nothing is funded or paid; at the cut-off all returns; the next day in hours it settles."""
    story = told(kind, NINE_TO_HALF_PAST_TEN)
    before = story.holdings()

    stages(story, HOLD)
    story.run_at(12, FUND)
    assert (story.state(1), waits_for(story)) == ("provisional", FailReason.MONEY_CLOSED)
    stages(story, FUND)
    assert story.state(1) == "confirmed"
    stages(story, PAY)
    assert (story.state(1), waits_for(story)) == ("confirmed", FailReason.MONEY_CLOSED)

    assert changes(stages(story, CUT_OFF)) == [("failing", FailReason.MONEY_CLOSED)]
    assert story.holdings() == story.available() == before


@pytest.mark.parametrize("kind", AT_ONCE)
def test_atomic_settlement_keeps_the_moneys_hours(kind: SettlementMoney) -> None:
    """One ledger for both legs: closed money moves neither; who lacks units is told that first."""
    story = told(kind, NINE_TO_HALF_PAST_TEN, SettlementMode.GROSS_ATOMIC)
    short = story.trade(seller=C, buyer=B, units=1)
    before = story.holdings()

    assert changes(story.run_at(12, 0)) == []
    assert waits_for(story) is FailReason.MONEY_CLOSED
    assert story.holdings() == before
    assert changes(story.run_at(10, 1)) == [("finished", None)]
    lacking = story.room.deliveries[DeliveryId(short)].hindrance
    assert lacking is FailReason.SELLER_SHORT_OF_UNITS


@pytest.mark.parametrize("kind", KINDS)
def test_a_short_buyer_fails_in_every_money(kind: SettlementMoney) -> None:
    """399 of 400 yen: the units return whole at the cut-off."""
    story = Story(SettlementMode.PROVISIONAL_TRANSFER, money=money_of(kind))
    story.allot(A, 10)
    story.pay_in(B, 399)
    story.trade(seller=A, buyer=B, units=4)
    before = story.holdings()

    events = stages(story, HOLD, FUND, PAY, CUT_OFF)

    assert changes(events)[-1] == ("failing", FailReason.BUYER_SHORT_OF_CASH)
    assert story.holdings() == story.available() == before


WORTH = {DEPOSIT: 500, TRUST: 1_000, BANK: 500}


@pytest.mark.parametrize("after", [(), (HOLD,), (HOLD, FUND), (HOLD, FUND, PAY)])
@pytest.mark.parametrize("kind", KINDS)
def test_a_default_at_any_stage_leaves_no_leg_alone(
    kind: SettlementMoney, after: tuple[int, ...]
) -> None:
    """What is settled stays; all else returns at the cut-off and is not paid on any later day."""
    story = told(kind)
    stages(story, *after)
    settled = kind in AT_ONCE and PAY in after
    holdings = story.holdings()

    (event,) = story.default_issuer()
    assert isinstance(event, IssuerDefaulted)
    assert (event.money, event.owned_yen, event.recovered_yen) == (kind, 1_000, WORTH[kind])
    events = stages(story, *range(len(after), CUT_OFF + 1))
    story.next_day()
    later = stages(story, HOLD, FUND, PAY, CUT_OFF)

    assert story.state(1) == ("finished" if settled else "failing")
    assert story.holdings() == holdings
    if not settled:
        assert changes(events)[-1] == ("failing", FailReason.ISSUER_DEFAULTED)
        assert changes(later)[-1] == ("failing", FailReason.ISSUER_DEFAULTED)
        assert story.available() == holdings, "every lock has returned"


@pytest.mark.parametrize("kind", KINDS)
def test_after_a_default_only_a_trust_pays_out(kind: SettlementMoney) -> None:
    """No cash comes in; a bank pays nothing out, a trustee does; an issuer fails once."""
    story = told(kind)
    story.default_issuer()

    assert refusal(story.pay_in(B, 1)) is RejectReason.ISSUER_DEFAULTED
    assert refusal(story.default_issuer()) is RejectReason.ALREADY_FINAL
    out = story.pay_out(B, 1_000)
    if kind is TRUST:
        assert story.holdings()["B"] == (0, 0)
    else:
        assert refusal(out) is RejectReason.ISSUER_DEFAULTED
    assert refusal(story.pay_out(B, 1_001)) is RejectReason.INSUFFICIENT_CASH


def test_a_busted_trade_calls_its_pending_payment_back() -> None:
    """Voided before the file: the order goes back and nothing is paid."""
    story = told(BANK)
    stages(story, HOLD, FUND, PAY)

    delivery = story.room.deliveries[DeliveryId(1)]
    assert story.room.cash.is_under_way(delivery)

    story.room.design.cancel(delivery, FailReason.BUSTED)

    assert story.room.available_yen(B) == 1_000
    assert not story.room.cash.is_under_way(delivery)
