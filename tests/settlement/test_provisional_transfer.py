"""Provisional transfer, verified payment, final transfer: each stage and each way out of it."""

import msgspec
import pytest
from settlement_story import CUT_OFF, A, B, C, Story, refusal

from market.errors import InvariantBroken
from market.events import DeliveryChanged, SettlementRan, UnitsMoved, YenMoved
from market.ids import DeliveryId
from market.quantities import Yen
from market.reasons import FailReason, RejectReason
from market.rules import SettlementMode
from settlement.cash import order_for
from settlement.delivery import Delivery
from settlement.money.payment import SignedEvidence, evidence_digest
from settlement.staged.provisional_transfer import ProvisionalTransfer

HOLD, FUND, PAY = range(3)
STATES = ["created", "provisional", "confirmed", "failing"]


@pytest.fixture
def story() -> Story:
    """T+0, no balances."""
    return Story(SettlementMode.PROVISIONAL_TRANSFER)


@pytest.fixture
def agreed(story: Story) -> int:
    """A owes 4 of its 10 units to B for 400 of B's 1,000 yen."""
    story.allot(A, 10)
    story.pay_in(B, 1_000)
    return story.trade(seller=A, buyer=B, units=4)


def advance_to(story: Story, state: str) -> None:
    """Run the stages that bring a delivery with both legs at hand into ``state``."""
    stages = {"created": (), "provisional": (HOLD,), "confirmed": (HOLD, FUND), "failing": (3,)}
    story.run(*stages[state])


def changes(events: list[object]) -> list[tuple[str, FailReason | None]]:
    """New state and reason of every delivery that moved."""
    return [(e.state.value, e.reason) for e in events if isinstance(e, DeliveryChanged)]


def delivery_of(story: Story, delivery_id: int) -> Delivery:
    """The room's own record."""
    return story.room.deliveries[DeliveryId(delivery_id)]


def test_units_first_then_cash_then_both(story: Story, agreed: int) -> None:
    """Each stage does its own part; ownership changes only in the third."""
    before = story.holdings()

    assert changes([*story.run(HOLD)]) == [("provisional", None)]
    assert story.available() == {"A": (0, 6), "B": (1_000, 0), "C": (0, 0)}
    assert story.holdings() == before

    assert changes([*story.run(FUND)]) == [("confirmed", None)]
    assert story.available() == {"A": (0, 6), "B": (600, 0), "C": (0, 0)}
    assert story.holdings() == before

    events = story.run(PAY)
    assert [type(event) for event in events] == [
        YenMoved,
        DeliveryChanged,
        UnitsMoved,
        DeliveryChanged,
        SettlementRan,
    ]
    assert changes([*events]) == [("paid", None), ("finished", None)]
    assert story.holdings() == story.available() == {"A": (400, 6), "B": (600, 4), "C": (0, 0)}
    assert changes([*story.run(CUT_OFF)]) == []
    assert story.state(agreed) == "finished"


def test_a_firm_without_units_never_gets_provisional(story: Story) -> None:
    """Seller short: nothing is locked, cash is not asked for, and it fails at the cut-off."""
    story.allot(A, 3)
    story.pay_in(B, 400)
    delivery = story.trade(seller=A, buyer=B, units=4)
    before = story.holdings()

    story.run(HOLD, FUND, PAY)
    assert (story.state(delivery), story.available()) == ("created", before)

    assert changes([*story.run(CUT_OFF)]) == [("failing", FailReason.SELLER_SHORT_OF_UNITS)]
    assert story.holdings() == story.available() == before


def test_a_buyer_without_cash_gives_the_units_back(story: Story) -> None:
    """Buyer short: the units stay locked until the cut-off and then return whole."""
    story.allot(A, 4)
    story.pay_in(B, 399)
    delivery = story.trade(seller=A, buyer=B, units=4)
    before = story.holdings()

    story.run(HOLD, FUND, PAY)
    assert story.state(delivery) == "provisional"
    assert (story.holdings(), story.available()["A"]) == (before, (0, 0))

    assert changes([*story.run(CUT_OFF)]) == [("failing", FailReason.BUYER_SHORT_OF_CASH)]
    assert story.holdings() == story.available() == before


def test_short_of_both_fails_for_units(story: Story) -> None:
    """Units are asked for first."""
    story.trade(seller=A, buyer=B, units=4)

    events = story.run(HOLD, FUND, PAY, CUT_OFF)

    assert changes([*events]) == [("failing", FailReason.SELLER_SHORT_OF_UNITS)]


@pytest.mark.parametrize("state", STATES)
def test_the_cut_off_returns_everything_not_paid(story: Story, agreed: int, state: str) -> None:
    """Without a payment run the day ends as it began; the reason is the cut-off itself."""
    before = story.holdings()
    if state == "failing":
        events = story.run(CUT_OFF)
    else:
        advance_to(story, state)
        events = story.run(CUT_OFF)

    assert changes([*events]) == [("failing", FailReason.CUTOFF_PASSED)]
    assert story.holdings() == story.available() == before
    assert story.state(agreed) == "failing"


@pytest.mark.parametrize("state", STATES)
def test_a_failing_delivery_finishes_on_the_next_day(story: Story, agreed: int, state: str) -> None:
    """With new holds, from the first stage on, whichever state the cut-off met."""
    if state != "failing":
        advance_to(story, state)
    story.run(CUT_OFF)

    story.next_day()
    events = story.run(HOLD, FUND, PAY)

    moved = ["created", "provisional", "confirmed", "paid", "finished"]
    assert [name for name, _ in changes([*events])] == moved
    assert delivery_of(story, agreed).attempt == 2


def test_a_short_buyer_who_pays_in_overnight_finishes(story: Story) -> None:
    """The missing cash arrives before the next day's stages."""
    story.allot(A, 4)
    delivery = story.trade(seller=A, buyer=B, units=4)
    story.run(HOLD, FUND, PAY, CUT_OFF)
    story.next_day()
    story.pay_in(B, 400)

    story.run(HOLD, FUND, PAY)

    assert story.state(delivery) == "finished"


@pytest.mark.parametrize("executable", [True, False])
@pytest.mark.parametrize("state", STATES)
def test_a_cancel_returns_every_lock(
    story: Story, agreed: int, state: str, executable: bool
) -> None:
    """I20: in each state before payment, with transfers on or off, everything comes back."""
    before = story.holdings()
    advance_to(story, state)
    story.control(executable=executable)

    assert changes([*story.cancel(agreed)]) == [("canceled", FailReason.CANCELED)]
    assert story.holdings() == story.available() == before

    story.control(executable=True)
    story.run(HOLD, FUND, PAY, CUT_OFF)
    assert story.state(agreed) == "canceled"


@pytest.mark.parametrize("state", ["created", "provisional", "confirmed"])
def test_transfer_control_stops_every_step_forward(story: Story, agreed: int, state: str) -> None:
    """No lock, no funding, no payment while off; at the cut-off everything returns."""
    before = story.holdings()
    advance_to(story, state)
    story.control(executable=False)

    story.run(HOLD, FUND, PAY)
    assert story.state(agreed) == state

    assert changes([*story.run(CUT_OFF)]) == [("failing", FailReason.TRANSFER_RESTRICTED)]
    assert story.holdings() == story.available() == before


def pay_only(story: Story, delivery_id: int) -> ProvisionalTransfer:
    """Stop after the payment, as if the process had ended between payment and delivery."""
    advance_to(story, "confirmed")
    design = story.room.design
    assert isinstance(design, ProvisionalTransfer)
    story._keep(story.room._book.tell(design.pay(delivery_of(story, delivery_id))))
    story.room.check_invariants()
    assert story.state(delivery_id) == "paid"
    return design


@pytest.mark.parametrize("stage", [PAY, CUT_OFF])
def test_who_has_paid_is_delivered_to_even_with_transfers_off(
    story: Story, agreed: int, stage: int
) -> None:
    """Policy complete: payment is the point of no return."""
    pay_only(story, agreed)
    story.control(executable=False)

    assert changes([*story.run(stage)]) == [("finished", None)]
    assert story.holdings() == {"A": (400, 6), "B": (600, 4), "C": (0, 0)}


def test_a_paid_delivery_cannot_be_canceled(story: Story, agreed: int) -> None:
    """Decided is decided: the cancel is refused and nothing moves."""
    pay_only(story, agreed)

    assert refusal(story.cancel(agreed)) is RejectReason.ALREADY_FINAL
    assert story.state(agreed) == "paid"


def signed(story: Story, delivery: Delivery) -> SignedEvidence:
    """Evidence in the issuer's own hand of a payment that was never made."""
    order, money = order_for(delivery), story.room.cash.money
    signature = money.keys.sign(money.issuer, evidence_digest(order, money.kind, 0))
    return SignedEvidence(order=order, money=money.kind, paid_at_ns=0, signature=signature)


OTHER_EVIDENCE = {
    "payment_id": "D-99/1",
    "obligation_id": "D-99",
    "version": 2,
    "payer": C,
    "payee": C,
    "amount_yen": Yen(399),
}


@pytest.mark.parametrize("field", OTHER_EVIDENCE)
def test_evidence_for_something_else_releases_nothing(
    story: Story, agreed: int, field: str
) -> None:
    """I24: delivery, version, payer, payee and amount are all verified."""
    design = pay_only(story, agreed)
    delivery = delivery_of(story, agreed)
    before = story.room.state()
    right = story.room.cash.evidence_of(delivery.hold_id)
    assert right is not None
    order = msgspec.structs.replace(right.order, **{field: OTHER_EVIDENCE[field]})
    wrong = msgspec.structs.replace(right, order=order)

    with pytest.raises(InvariantBroken, match="I24"):
        design.finish(delivery, wrong)

    assert story.room.state() == before


def test_evidence_the_platform_does_not_know_releases_nothing(story: Story, agreed: int) -> None:
    """Right words without a payment on record are not evidence."""
    advance_to(story, "confirmed")
    design = story.room.design
    assert isinstance(design, ProvisionalTransfer)
    delivery = delivery_of(story, agreed)
    told = signed(story, delivery)
    before = story.room.state()

    with pytest.raises(InvariantBroken, match="record"):
        design.finish(delivery, told)

    assert story.room.state() == before


def test_locked_units_cannot_be_promised_twice(story: Story) -> None:
    """Two deliveries of the same units: the older one gets them, the other fails."""
    story.allot(A, 4)
    story.pay_in(B, 400)
    story.pay_in(C, 400)
    older = story.trade(seller=A, buyer=B, units=4)
    younger = story.trade(seller=A, buyer=C, units=4)

    story.run(HOLD, FUND, PAY, CUT_OFF)

    assert (story.state(older), story.state(younger)) == ("finished", "failing")


def test_funded_cash_cannot_be_withdrawn(story: Story, agreed: int) -> None:
    """Cash held for a delivery is not available for anything else."""
    advance_to(story, "confirmed")

    assert refusal(story.pay_out(B, 601)) is RejectReason.INSUFFICIENT_CASH
    story.pay_out(B, 600)
    story.run(PAY)

    assert story.state(agreed) == "finished"


def test_stages_run_again_serve_a_chain_on_the_same_day(story: Story) -> None:
    """Units received in one round are delivered on in the next."""
    story.allot(A, 4)
    story.pay_in(B, 400)
    story.pay_in(C, 400)
    first = story.trade(seller=A, buyer=B, units=4)
    second = story.trade(seller=B, buyer=C, units=4)

    story.run(HOLD, FUND, PAY)
    assert (story.state(first), story.state(second)) == ("finished", "created")

    story.run(HOLD, FUND, PAY)
    assert story.state(second) == "finished"


def test_a_stage_only_moves_what_is_ready_for_it(story: Story, agreed: int) -> None:
    """Out of order nothing happens: no funding without units, no payment without funding."""
    before = story.room.state()

    events = story.run(PAY, FUND)

    assert changes([*events]) == []
    assert story.room.state() == before
    assert story.state(agreed) == "created"


@pytest.mark.parametrize("price_yen", [100, 0])
def test_a_firm_trading_with_itself_finishes_without_movement(story: Story, price_yen: int) -> None:
    """The delivery goes through its states with nothing held and nothing posted."""
    delivery = story.trade(seller=A, buyer=A, units=4, price_yen=price_yen)

    events = story.run(HOLD, FUND, PAY)

    assert {type(event) for event in events} == {DeliveryChanged, SettlementRan}
    assert story.state(delivery) == "finished"


def test_less_than_one_yen_moves_units_only(story: Story) -> None:
    """A consideration of nothing has no cash leg but still its evidence."""
    story.allot(A, 4)
    delivery = story.trade(seller=A, buyer=B, units=4, price_yen=0)

    story.run(HOLD, FUND, PAY)

    assert story.state(delivery) == "finished"
    assert story.holdings()["B"] == (0, 4)
