"""One side's word: affirmation where the market asks for it, and an end only both agree to."""

import pytest
from settlement_story import CUT_OFF, A, B, Story, refusal

from market.events import CancelConsented, DeliveryAffirmed, DeliveryChanged, Event
from market.reasons import FailReason, RejectReason
from market.rules import SettlementMode
from market.words import Side
from settlement.lifecycle.matching import UNMATCHED_DAYS_MAX
from settlement.lifecycle.rules import WHOLE_AND_FREE

BOTH = list(SettlementMode)
DAY = range(CUT_OFF + 1)


def world(mode: SettlementMode, *, affirmation: bool = False) -> tuple[Story, int]:
    """A owes B 4 units for 400 yen, and both have more."""
    story = Story(mode, life=WHOLE_AND_FREE._replace(affirmation=affirmation))
    story.allot(A, 10)
    story.pay_in(B, 1_000)
    return story, story.trade(seller=A, buyer=B, units=4)


def reasons(events: list[Event]) -> list[FailReason | None]:
    """Why deliveries failed or ended."""
    return [e.reason for e in events if isinstance(e, DeliveryChanged) and e.reason is not None]


# --- affirmation


@pytest.mark.parametrize("mode", BOTH)
def test_a_delivery_waits_until_both_sides_affirmed_it(mode: SettlementMode) -> None:
    """Alleged by the first word, matched by the second; only then anything is set aside."""
    story, delivery = world(mode, affirmation=True)
    assert reasons(story.run(*DAY)) == [FailReason.NOT_AFFIRMED]
    assert story.holdings() == story.available()
    story.next_day()
    (told,) = story.affirm(delivery, Side.SELL)
    assert isinstance(told, DeliveryAffirmed)
    assert not told.matched
    assert reasons(story.run(*DAY)) == [FailReason.NOT_AFFIRMED]
    story.next_day()
    (told,) = story.affirm(delivery, Side.BUY)
    assert isinstance(told, DeliveryAffirmed)
    assert told.matched
    story.run(*DAY)
    assert story.state(delivery) == "finished"


@pytest.mark.parametrize("mode", BOTH)
def test_an_affirmation_is_refused_for_the_first_reason(mode: SettlementMode) -> None:
    """Unknown, settled, said before; without the rule the market knows no such word."""
    story, delivery = world(mode, affirmation=True)
    assert refusal(story.affirm(99, Side.BUY)) is RejectReason.UNKNOWN_INSTRUCTION
    story.affirm(delivery, Side.BUY)
    assert refusal(story.affirm(delivery, Side.BUY)) is RejectReason.DUPLICATE
    story.affirm(delivery, Side.SELL)
    story.run(*DAY)
    assert refusal(story.affirm(delivery, Side.BUY)) is RejectReason.ALREADY_FINAL
    plain, locked_in = world(mode)
    for name in (locked_in, 99):
        assert refusal(plain.affirm(name, Side.BUY)) is RejectReason.ACT_UNSUPPORTED


@pytest.mark.parametrize("mode", BOTH)
def test_what_nobody_affirms_ends_after_its_days(mode: SettlementMode) -> None:
    """20 business days late it still waits, 21 days late it is over."""
    story, delivery = world(mode, affirmation=True)
    for _ in range(UNMATCHED_DAYS_MAX + 1):
        story.run(*DAY)
        assert story.state(delivery) == "failing"
        story.next_day()
    story.run(*DAY)
    assert FailReason.NOT_AFFIRMED in reasons(story.next_day())
    assert story.state(delivery) == "canceled"
    assert story.auditor.verdict() == []


# --- the end by consent


@pytest.mark.parametrize("mode", BOTH)
@pytest.mark.parametrize("first", list(Side))
def test_a_matched_delivery_ends_only_when_both_sides_agree(
    mode: SettlementMode, first: Side
) -> None:
    """The first word changes nothing but the record; the second ends it and returns every lock."""
    story, delivery = world(mode)
    before = story.holdings()
    story.run(0) if mode is SettlementMode.PROVISIONAL_TRANSFER else None
    (told,) = story.consent(delivery, first)
    assert isinstance(told, CancelConsented)
    assert story.state(delivery) != "canceled"
    other = Side.BUY if first is Side.SELL else Side.SELL
    assert reasons(story.consent(delivery, other)) == [FailReason.AGREED]
    assert story.state(delivery) == "canceled"
    assert story.holdings() == story.available() == before


@pytest.mark.parametrize("mode", BOTH)
def test_one_word_alone_stops_nothing(mode: SettlementMode) -> None:
    """A side that would rather not is delivered all the same."""
    story, delivery = world(mode)
    story.consent(delivery, Side.SELL)
    story.run(*DAY)
    assert story.state(delivery) == "finished"
    assert refusal(story.consent(delivery, Side.BUY)) is RejectReason.ALREADY_FINAL


@pytest.mark.parametrize("mode", BOTH)
def test_an_unmatched_delivery_is_withdrawn_by_one_side(mode: SettlementMode) -> None:
    """What the other side never affirmed needs no consent of theirs."""
    story, delivery = world(mode, affirmation=True)
    story.affirm(delivery, Side.SELL)
    assert reasons(story.consent(delivery, Side.SELL)) == [FailReason.AGREED]
    assert story.state(delivery) == "canceled"


@pytest.mark.parametrize("mode", BOTH)
def test_a_consent_is_refused_for_the_first_reason(mode: SettlementMode) -> None:
    """Unknown, then said before; each leaves no trace."""
    story, delivery = world(mode)
    assert refusal(story.consent(99, Side.BUY)) is RejectReason.UNKNOWN_INSTRUCTION
    story.consent(delivery, Side.BUY)
    assert refusal(story.consent(delivery, Side.BUY)) is RejectReason.DUPLICATE
