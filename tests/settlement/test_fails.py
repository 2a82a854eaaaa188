"""Fails (フェイル): what a day of failing costs, who pays it, and what ends it."""

import pytest
from settlement_story import CUT_OFF, ST1, A, B, C, Story, refusal

from market.choices import UnpaidCharge
from market.events import (
    BoughtIn,
    BuyInStarted,
    DeliveryChanged,
    Event,
    FailCharged,
    FailChargePaid,
)
from market.ids import ParticipantId
from market.reasons import FailReason, RejectReason
from market.rules import SettlementMode
from market.words import Side
from settlement.lifecycle.fails import FailRule
from settlement.lifecycle.partials import PartialRule
from settlement.lifecycle.rules import WHOLE_AND_FREE, LifeRules

BOTH = list(SettlementMode)
DAY = range(CUT_OFF + 1)
NEVER = FailRule(penalty_ppm_a_day=0, buy_in_days=0, purge_days=0)
TEN_PERCENT = NEVER._replace(penalty_ppm_a_day=100_000)


def rules(fails: FailRule, unpaid: UnpaidCharge = UnpaidCharge.CARRY) -> LifeRules:
    """A market with these rules of fails and no others."""
    return WHOLE_AND_FREE._replace(fails=fails, unpaid_charge=unpaid)


def short(mode: SettlementMode, life: LifeRules, *, a_yen: int = 1_000) -> tuple[Story, int]:
    """A owes B 10 units for 1,000 yen and has none; the base price is 120 yen; C has 20 units."""
    story = Story(mode, life=life)
    if a_yen:
        story.pay_in(A, a_yen)
    story.pay_in(B, 1_000)
    story.allot(C, 20)
    story.base_price(120)
    return story, story.trade(seller=A, buyer=B, units=10)


def day(story: Story) -> list[Event]:
    """A whole day of stages and its end."""
    return [*story.run(*DAY), *story.next_day()]


def charged(events: list[Event]) -> list[tuple[str, str, str, int, int, bool]]:
    """Every charge told: what for, from whom, to whom, yen, days late, paid."""
    return [
        (e.kind.value, e.payer, e.payee, e.amount_yen, e.late_days, e.paid)
        for e in events
        if isinstance(e, FailCharged)
    ]


def ends(events: list[Event]) -> list[FailReason | None]:
    """Why deliveries ended without being delivered."""
    changes = [event for event in events if isinstance(event, DeliveryChanged)]
    return [change.reason for change in changes if change.state.value == "canceled"]


# --- penalties


@pytest.mark.parametrize("mode", BOTH)
def test_each_day_of_failing_costs_the_seller(mode: SettlementMode) -> None:
    """10 units at 120 yen and 10 percent a day: 120 yen, from the settlement date itself on."""
    story, _ = short(mode, rules(TEN_PERCENT))
    told = [charged(day(story)) for _ in range(3)]
    assert told == [[("penalty", A, B, 120, late, True)] for late in range(3)]
    assert story.holdings() == {"A": (640, 0), "B": (1_360, 0), "C": (0, 20)}
    assert story.auditor.verdict() == []


@pytest.mark.parametrize("mode", BOTH)
def test_a_buyer_without_cash_pays_too(mode: SettlementMode) -> None:
    """The side that lacks its leg is charged: 200 yen are not 1,000."""
    story = Story(mode, life=rules(TEN_PERCENT))
    story.allot(A, 10)
    story.pay_in(B, 200)
    story.base_price(120)
    story.trade(seller=A, buyer=B, units=10)
    assert charged(day(story)) == [("penalty", B, A, 120, 0, True)]


@pytest.mark.parametrize(
    ("holders", "payer"),
    [((Side.SELL,), A), ((Side.BUY,), B), ((Side.BUY, Side.SELL), None)],
)
@pytest.mark.parametrize("mode", BOTH)
def test_who_holds_a_delivery_pays_for_it(
    mode: SettlementMode, holders: tuple[Side, ...], payer: str | None
) -> None:
    """A hold is the holder's fail; both together are nobody's."""
    story, delivery = short(mode, rules(TEN_PERCENT))
    for side in holders:
        story.hold(delivery, side)
    assert [one[1] for one in charged(day(story))] == ([] if payer is None else [payer])


@pytest.mark.parametrize("mode", BOTH)
def test_a_stopped_issue_is_nobody_s_fail(mode: SettlementMode) -> None:
    """Transfer control is the issuer's act: the delivery fails and costs neither side."""
    story, _ = short(mode, rules(TEN_PERCENT))
    story.control(executable=False)
    assert charged(day(story)) == []


@pytest.mark.parametrize("mode", BOTH)
def test_only_what_is_open_is_charged(mode: SettlementMode) -> None:
    """With 4 of 10 units delivered in a part, the penalty is on 6."""
    story, _ = short(mode, rules(TEN_PERCENT)._replace(partial=PartialRule()))
    story.allot(A, 4)
    assert charged(day(story)) == [("penalty", A, B, 72, 0, True)]


@pytest.mark.parametrize("mode", BOTH)
def test_an_unpaid_penalty_is_carried_and_paid_oldest_first(mode: SettlementMode) -> None:
    """Two days without cash, then 130 yen come in: the older charge is paid, the newer waits."""
    story, _ = short(mode, rules(TEN_PERCENT), a_yen=0)
    assert charged(day(story)) == [("penalty", A, B, 120, 0, False)]
    assert charged(day(story)) == [("penalty", A, B, 120, 1, False)]
    assert story.holdings()["B"] == (1_000, 0), "told, and nothing moved"
    story.pay_in(A, 130)
    told = day(story)
    assert [e.amount_yen for e in told if isinstance(e, FailChargePaid)] == [120]
    assert charged(told) == [("penalty", A, B, 120, 2, False)]
    assert story.holdings()["A"] == (10, 0)
    assert story.auditor.verdict() == []


def test_a_waived_penalty_is_told_and_never_asked_for_again() -> None:
    """The other rule for a failer without cash."""
    story, _ = short(SettlementMode.GROSS_ATOMIC, rules(TEN_PERCENT, UnpaidCharge.WAIVE), a_yen=0)
    assert charged(day(story)) == [("penalty", A, B, 120, 0, False)]
    story.pay_in(A, 1_000)
    told = day(story)
    assert not [e for e in told if isinstance(e, FailChargePaid)]
    assert charged(told) == [("penalty", A, B, 120, 1, True)]


@pytest.mark.parametrize("mode", BOTH)
def test_by_default_failing_costs_nothing_and_never_ends(mode: SettlementMode) -> None:
    """Today's life: it recycles every day, and the room remembers nothing of it."""
    story, delivery = short(mode, WHOLE_AND_FREE)
    for _ in range(8):
        assert charged(day(story)) == []
    assert story.state(delivery) == "failing"
    assert "fails" not in story.room.state()


# --- buy-in


def late(mode: SettlementMode, days: int, *, a_yen: int = 1_000) -> tuple[Story, int]:
    """The short seller, so many days late, under a buy-in after two."""
    story, delivery = short(mode, rules(NEVER._replace(buy_in_days=2)), a_yen=a_yen)
    for _ in range(days):
        day(story)
    story.run(*DAY)
    return story, delivery


@pytest.mark.parametrize("mode", BOTH)
def test_a_buy_in_begins_on_its_day_and_is_told_once(mode: SettlementMode) -> None:
    """One day late nothing, two days late it begins, three days late nothing new."""
    story, _ = short(mode, rules(NEVER._replace(buy_in_days=2)))
    told = [[e for e in day(story) if isinstance(e, BuyInStarted)] for _ in range(4)]
    assert [len(one) for one in told] == [0, 0, 1, 0]


@pytest.mark.parametrize("mode", BOTH)
@pytest.mark.parametrize(
    ("price_yen", "paid"),
    [(130, (1_000, 300)), (100, (1_000, 0)), (90, (900, 0)), (None, (1_000, 200))],
)
def test_bought_in_the_buyer_pays_what_was_agreed_and_the_seller_the_rest(
    mode: SettlementMode, price_yen: int | None, paid: tuple[int, int]
) -> None:
    """10 units from C: dearer, even, cheaper, and at the last base price of 120 yen."""
    story, delivery = late(mode, 2)
    told = story.buy_in(delivery, C, price_yen)
    buyer_yen, seller_yen = paid
    assert [e.amount_yen for e in told if isinstance(e, BoughtIn)] == [buyer_yen]
    assert ends(told) == [FailReason.BOUGHT_IN]
    assert story.holdings() == {
        "A": (1_000 - seller_yen, 0),
        "B": (1_000 - buyer_yen, 10),
        "C": (buyer_yen + seller_yen, 10),
    }
    assert story.available() == story.holdings()
    (closed,) = story.next_day()
    assert closed.breaks == ()  # type: ignore[union-attr]
    assert story.auditor.verdict() == []


@pytest.mark.parametrize("mode", BOTH)
@pytest.mark.parametrize(("price_yen", "yen"), [(130, 300), (100, 0), (90, 0), (None, 200)])
def test_when_nothing_can_be_bought_the_difference_is_paid(
    mode: SettlementMode, price_yen: int | None, yen: int
) -> None:
    """Cash compensation is never the buyer's to pay."""
    story, delivery = late(mode, 2)
    told = story.buy_in(delivery, None, price_yen)
    wanted = [("cash_compensation", A, B, yen, 2, True)] if yen else []
    assert charged(told) == wanted
    assert ends(told) == [FailReason.COMPENSATED]
    assert story.holdings() == {"A": (1_000 - yen, 0), "B": (1_000 + yen, 0), "C": (0, 20)}


@pytest.mark.parametrize("mode", BOTH)
def test_a_buy_in_is_refused_for_the_first_reason(mode: SettlementMode) -> None:
    """Each refusal leaves no trace (Story checks it)."""
    story, delivery = late(mode, 1, a_yen=100)
    for stranger in (ParticipantId("NOBODY"), ParticipantId(story.room.registers[ST1].source)):
        assert refusal(story.buy_in(delivery, stranger)) is RejectReason.NOT_ENTITLED
    assert refusal(story.buy_in(99, C)) is RejectReason.UNKNOWN_INSTRUCTION
    assert refusal(story.buy_in(delivery, B)) is RejectReason.INVALID_COMBINATION
    assert refusal(story.buy_in(delivery, C, 0)) is RejectReason.OUT_OF_RANGE
    assert refusal(story.buy_in(delivery, C)) is RejectReason.BUY_IN_NOT_DUE, "one day late"
    story.next_day()
    story.run(*DAY)
    story.control(executable=False)
    assert refusal(story.buy_in(delivery, C)) is RejectReason.TRANSFER_RESTRICTED
    story.control(executable=True)
    assert refusal(story.buy_in(delivery, C)) is RejectReason.INSUFFICIENT_CASH, "A lacks 200"
    story.pay_in(A, 100)
    story.buy_in(delivery, C)
    assert refusal(story.buy_in(delivery, C)) is RejectReason.ALREADY_FINAL


@pytest.mark.parametrize("mode", BOTH)
def test_a_buyer_s_own_fail_is_not_bought_in(mode: SettlementMode) -> None:
    """A buy-in is for want of units."""
    story = Story(mode, life=rules(NEVER._replace(buy_in_days=1)))
    story.allot(A, 10)
    story.allot(C, 10)
    story.base_price(120)
    delivery = story.trade(seller=A, buyer=B, units=10)
    day(story)
    story.run(*DAY)
    assert refusal(story.buy_in(delivery, C)) is RejectReason.BUY_IN_NOT_DUE


def test_a_supplier_without_the_units_is_refused() -> None:
    """All or nothing: 9 units are not 10."""
    story, delivery = late(SettlementMode.GROSS_ATOMIC, 2)
    story.trade(seller=C, buyer=B, units=11, price_yen=1)
    story.pay_in(B, 11)
    story.next_day()
    story.run(*DAY)
    assert refusal(story.buy_in(delivery, C)) is RejectReason.INSUFFICIENT_HOLDING


# --- the end of a fail


@pytest.mark.parametrize("mode", BOTH)
def test_the_compensation_day_ends_a_fail_in_cash(mode: SettlementMode) -> None:
    """Three days late, at the last base price: 1,200 for 1,000 yen."""
    story, delivery = short(mode, rules(NEVER._replace(compensation_days=3)))
    for _ in range(3):
        day(story)
        assert story.state(delivery) == "failing"
    told = day(story)
    assert charged(told) == [("cash_compensation", A, B, 200, 3, True)]
    assert ends(told) == [FailReason.COMPENSATED]


@pytest.mark.parametrize("mode", BOTH)
def test_what_fails_for_longer_than_the_rule_is_purged(mode: SettlementMode) -> None:
    """Three days late it still waits, four days late it is over; nothing moved."""
    story, delivery = short(mode, rules(NEVER._replace(purge_days=3)))
    before = story.holdings()
    for _ in range(4):
        assert ends(day(story)) == []
    assert ends(day(story)) == [FailReason.PURGED]
    assert story.state(delivery) == "canceled"
    assert story.holdings() == story.available() == before
