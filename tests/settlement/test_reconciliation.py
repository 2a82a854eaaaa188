"""End of day: a good day has no breaks, and each planted fault is one."""

from collections.abc import Callable

import pytest
from settlement_story import CUT_OFF, ST1, A, B, C, Story, trade_of

from market.events import DeliveryState, Reconciled, YenMoved
from market.ids import DeliveryId
from market.quantities import Yen
from market.rules import SettlementMode
from settlement.ledger import HoldId
from settlement.money.payment import PaymentOrder


def busy_day(mode: SettlementMode) -> Story:
    """One delivery finished, one under way, one not due to anything yet, one canceled."""
    story = Story(mode)
    story.allot(A, 10)
    story.pay_in(B, 1_000)
    story.trade(seller=A, buyer=B, units=4)
    story.run(0, 1, 2)
    story.trade(seller=A, buyer=B, units=2)
    story.run(0)
    story.cancel(story.trade(seller=A, buyer=C, units=1))
    story.trade(seller=C, buyer=B, units=1)
    return story


def close(story: Story) -> Reconciled:
    """The day's reconciliation."""
    (closed,) = story.room.close_day()
    assert isinstance(closed, Reconciled)
    return closed


@pytest.mark.parametrize("mode", SettlementMode)
def test_a_good_day_has_no_breaks(mode: SettlementMode) -> None:
    """Trades, obligations, postings, register and ledgers agree."""
    story = busy_day(mode)

    closed = close(story)

    assert closed.breaks == ()
    assert (closed.trades, closed.finished) == (4, 2 if mode.value == "gross_atomic" else 1)
    assert closed.open_deliveries == (1 if mode.value == "gross_atomic" else 2)
    assert closed.failing == 0


@pytest.mark.parametrize("mode", SettlementMode)
def test_counts_belong_to_their_day(mode: SettlementMode) -> None:
    """Trades and finished deliveries count from zero each day; failing ones stay in view."""
    story = busy_day(mode)
    story.run(CUT_OFF)
    story.next_day()

    closed = close(story)

    assert (closed.trades, closed.finished, closed.breaks) == (0, 0, ())
    assert closed.failing == closed.open_deliveries > 0


def secret_yen(story: Story) -> None:
    """A ledger entry nobody was told about."""
    story.room.cash.rest.post(A, C, 1)


def secret_units(story: Story) -> None:
    """A register entry nobody was told about."""
    story.room.registers[ST1].post(B, C, 1)


def empty_news(story: Story) -> None:
    """A posting was told that no ledger made."""
    story.room._book.tell([YenMoved(giver=A, taker=B, amount_yen=Yen(1))])


def other_terms(story: Story) -> None:
    """A trade was changed after its delivery was made."""
    trades = story.room._book.obligations.unreconciled
    trades[DeliveryId(1)] = trade_of(trade_id=1, seller=A, buyer=B, units=5)


def lost_delivery(story: Story) -> None:
    """A trade lost its delivery."""
    del story.room._book.by_id[DeliveryId(1)]


def half_done(story: Story) -> None:
    """A delivery claims to be finished without its legs."""
    delivery = story.room._book.by_id[DeliveryId(4)]
    delivery.state = DeliveryState.FINISHED


def late_posting(story: Story) -> None:
    """I8: a posting names a delivery that was over and reconciled."""
    story.next_day()
    story.room.cash.rest.post(A, B, 1)
    news = YenMoved(giver=A, taker=B, amount_yen=Yen(1), delivery_id=DeliveryId(1))
    story.room._book.tell([news])


def orphan_units_hold(story: Story) -> None:
    """Units locked for no delivery."""
    story.room.registers[ST1].hold(HoldId("H"), B, C, 1)


def orphan_yen_hold(story: Story) -> None:
    """Cash locked for no delivery."""
    order = PaymentOrder(
        payment_id="H", obligation_id="O", version=1, payer=A, payee=C, amount_yen=1
    )
    assert story.room.cash.fund(order) is None


def invented_units(story: Story) -> None:
    """The issue changed size."""
    register = story.room.registers[ST1]
    register.accounts[B].credits_posted += 1


FAULTS: dict[str, tuple[Callable[[Story], None], str]] = {
    "secret yen": (secret_yen, "A: owns 399 yen, postings say 400"),
    "secret units": (secret_units, "ST1 C: holds 1 units, postings say 0"),
    "empty news": (empty_news, "A: owns 400 yen, postings say 399"),
    "other terms": (other_terms, "D-1: terms differ from trade T-1"),
    "lost delivery": (lost_delivery, "D-1: trade T-"),
    "half done": (half_done, "D-4: finished, so 1 units and 100 yen are due, but 0 units"),
    "late posting": (late_posting, "D-1: posted to after it was reconciled"),
    "orphan units hold": (orphan_units_hold, "ST1: 2 holds on units, deliveries under way need 1"),
    "orphan yen hold": (orphan_yen_hold, "1 holds on cash, deliveries under way need 0"),
    "invented units": (invented_units, "ST1: 1001 units exist, 1000 were issued"),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_planted_fault_is_a_break(fault: str) -> None:
    """Each kind of disagreement is found, and said in a sentence."""
    plant, sentence = FAULTS[fault]
    story = busy_day(SettlementMode.PROVISIONAL_TRANSFER)
    plant(story)

    breaks = close(story).breaks

    assert any(sentence in found for found in breaks), breaks


def test_a_lost_lock_is_a_break() -> None:
    """I6: a provisional delivery whose units are not locked any more is found."""
    story = busy_day(SettlementMode.PROVISIONAL_TRANSFER)
    story.room.registers[ST1].void_hold(HoldId("D-2/1"))

    assert close(story).breaks == (
        "D-2: provisional without its hold on units",
        "ST1: 0 holds on units, deliveries under way need 1",
    )
