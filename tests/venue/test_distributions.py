"""Distributions in the venue: who is counted, what is paid, and what deliveries in flight owe."""

from datetime import date

import pytest
from test_token_acts import force
from token_story import (
    CASH_YEN,
    DAY,
    IBET,
    PLAIN,
    PROGMAT,
    START_UNITS,
    A,
    B,
    C,
    TokenStory,
    of,
)

from market.commands import BuyIn, CancelDelivery, CloseDay, DepositYen, OpenDay, WithdrawYen
from market.events import DeliveryState, Reconciled, YenMoved
from market.ids import InstrumentId, ParticipantId
from market.quantities import Sen, Yen
from market.reasons import RejectReason
from market.token_acts import (
    ClaimChanged,
    ClaimState,
    DeclareDistribution,
    DistributionDeclared,
    DistributionPaid,
    FreezeAccount,
    RecordDateTaken,
    SetStation,
    Station,
)

R = RejectReason
BOOKS = pytest.mark.parametrize("name", [PLAIN, PROGMAT, IBET])
NEXT, THIRD, HOLIDAY = date(2026, 11, 25), date(2026, 11, 26), date(2026, 11, 28)


def distribution(name: InstrumentId, **more: object) -> DeclareDistribution:
    """12.34 yen a unit to the owners of the first day, paid on the third."""
    fields: dict[str, object] = {
        "instrument_id": name, "price_sen": Sen(1_234), "record_date": DAY, "payment_date": THIRD,
        "reference": "dist-1",
    }  # fmt: skip
    return DeclareDistribution(**(fields | more))  # type: ignore[arg-type]


def paid_to(events: list[object], giver: object = None) -> dict[str, int]:
    """Yen by taker among postings outside deliveries."""
    paid: dict[str, int] = {}
    for event in events:
        if isinstance(event, YenMoved) and event.delivery_id is None and event.giver == giver:
            assert event.taker is not None
            paid[event.taker] = paid.get(event.taker, 0) + event.amount_yen
    return paid


@BOOKS
@pytest.mark.parametrize("design", ["provisional_transfer", "gross_atomic"])
def test_owners_of_the_record_date_are_paid_on_the_payment_date(
    name: InstrumentId, design: str
) -> None:
    """Settled on the record date counts, traded after it does not; 12.34 yen a unit, rounded down."""
    story = TokenStory(design)
    (told,) = story.done(distribution(name))
    assert isinstance(told, DistributionDeclared)
    story.trade(name, A, B, 13)
    story.run()
    (taken,) = of(story.next_day(), RecordDateTaken)
    assert taken.owners == ((A, 87), (B, 113), (C, 100))
    assert taken.claims == 0
    story.trade(name, A, C, 50)
    assert of(story.run(), DistributionPaid) == []
    story.next_day()
    before = {firm: story.yen(firm) for firm in (A, B, C)}
    events = story.run(0)
    # 87 x 12.34 = 1,073.58 and 113 x 12.34 = 1,394.42; 1,234 for C; 1 yen of parts is left
    assert paid_to(list(events)) == {A: 1_073, B: 1_394, C: 1_234}
    assert [story.yen(f) - before[f] for f in (A, B, C)] == [1_073, 1_394, 1_234]
    (paid,) = of(events, DistributionPaid)
    assert (paid.amount_yen, paid.rest_sen) == (3_701, 100)
    assert of(story.run(), DistributionPaid) == [], "it is paid once"
    assert of(story.next_day(), Reconciled)[0].breaks == ()
    story.replay()


@BOOKS
@pytest.mark.parametrize("stages", [1, 2])
def test_units_locked_at_the_record_date_count_for_the_seller(
    name: InstrumentId, stages: int
) -> None:
    """A provisional transfer, funded or not, gives no ownership; the buyer has a claim instead."""
    story = TokenStory()
    story.done(distribution(name))
    delivery = story.trade(name, A, B)
    story.run(*range(stages))
    events = story.next_day()
    (taken,) = of(events, RecordDateTaken)
    assert taken.owners == ((A, 100), (B, 100), (C, 100))
    assert taken.claims == 1
    (claim,) = of(events, ClaimChanged)
    assert (claim.payer, claim.payee, claim.amount_yen, claim.state) == (A, B, 123, ClaimState.OPEN)
    story.run()
    assert delivery.state is DeliveryState.FINISHED
    story.next_day()
    events = story.run(0)
    assert paid_to(list(events), A) == {B: 123}
    assert [event.state for event in of(events, ClaimChanged)] == [ClaimState.PAID]
    assert of(story.run(), ClaimChanged) == []
    story.replay()


def test_a_trade_due_after_the_record_date_makes_no_claim() -> None:
    """At T+2 the trades of the record date are agreed without the right."""
    story = TokenStory(settlement_days=2)
    story.done(distribution(PLAIN))
    story.trade(PLAIN, A, B)
    (taken,) = of(story.next_day(), RecordDateTaken)
    assert taken.claims == 0


def test_a_failing_trade_of_two_days_before_makes_a_claim() -> None:
    """Due on the record date, failing at its cut-off: the buyer is owed what it would have had."""
    story = TokenStory(settlement_days=1)
    story.done(distribution(PLAIN, record_date=NEXT))
    story.trade(PLAIN, A, B)
    story.next_day()
    story.done(FreezeAccount(participant_id=A, instrument_id=PLAIN, frozen=True, reason="x"))
    story.run()
    (claim,) = of(story.next_day(), ClaimChanged)
    assert (claim.payer, claim.payee, claim.amount_yen) == (A, B, 123)


def test_a_claim_ends_with_its_delivery() -> None:
    """Canceled before the payment date: nobody owes anybody anything."""
    story = TokenStory()
    story.done(distribution(PLAIN))
    delivery = story.trade(PLAIN, A, B)
    story.next_day()
    story.done(CancelDelivery(delivery_id=delivery.terms.delivery_id, reason="agreed"))
    story.next_day()
    events = story.run(0)
    assert [event.state for event in of(events, ClaimChanged)] == [ClaimState.CANCELED]
    assert paid_to(list(events), A) == {}


@pytest.mark.parametrize("supplier", [C, None], ids=["bought in", "compensated"])
def test_a_claim_outlives_a_fail_that_ended_in_money(supplier: ParticipantId | None) -> None:
    """B agreed on units with the right and has them, or their price, without it: A still owes it."""
    story = TokenStory(fail_buy_in_days=1)
    story.done(distribution(PLAIN))
    delivery = story.trade(PLAIN, A, B)
    story.done(force(PLAIN, START_UNITS, taker=C))
    story.run()
    story.next_day()
    story.run()
    story.done(
        BuyIn(delivery_id=delivery.terms.delivery_id, supplier=supplier, price_sen=Sen(100_000))
    )
    assert delivery.state is DeliveryState.CANCELED
    story.next_day()
    events = story.run(0)
    assert [event.state for event in of(events, ClaimChanged)] == [ClaimState.PAID]
    assert paid_to(list(events), A) == {B: 123}
    story.replay()


def test_a_distribution_pays_for_the_claim_on_it() -> None:
    """A seller without a yen of its own passes on what it is paid in the same step."""
    story = TokenStory()
    story.done(distribution(PLAIN))
    story.trade(PLAIN, A, B, 100)
    story.next_day()
    story.next_day()
    story.done(WithdrawYen(participant_id=A, amount_yen=Yen(CASH_YEN), reference="all"))
    events = story.run(0)
    assert paid_to(list(events), A) == {B: 1_234}
    assert story.yen(A) == 0


def test_a_claim_waits_for_cash() -> None:
    """A seller that owned nothing and has no yen owes on, and pays before the stage after it can."""
    story = TokenStory()
    story.done(distribution(PLAIN))
    for seller in (A, C):
        story.trade(PLAIN, seller, B, 100)
    story.done(force(PLAIN, 100, taker=C))
    story.next_day()
    story.next_day()
    story.done(WithdrawYen(participant_id=A, amount_yen=Yen(CASH_YEN), reference="all"))
    events = story.run(0)
    assert paid_to(list(events), C) == {B: 1_234}, "who comes behind is not kept waiting"
    assert [event.payer for event in of(events, ClaimChanged)] == [C]
    assert of(story.run(1), ClaimChanged) == []
    story.done(DepositYen(participant_id=A, amount_yen=Yen(1_234), reference="some"))
    events = story.run(2)
    assert [(event.payer, event.state) for event in of(events, ClaimChanged)] == [
        (A, ClaimState.PAID)
    ]
    assert story.yen(A) == 0
    story.replay()


def test_a_record_date_without_a_close_is_counted_before_anything_moves() -> None:
    """A run that skips the day counts at the next opening."""
    story = TokenStory()
    story.done(distribution(PLAIN, record_date=NEXT))
    story.done(CloseDay())
    story.day = THIRD
    events = story.done(OpenDay(business_date=THIRD))
    (taken,) = of(events, RecordDateTaken)
    assert taken.owners == ((A, START_UNITS), (B, START_UNITS), (C, START_UNITS))


@pytest.mark.parametrize(
    "states", [[Station.EMERGENCY], [Station.CLOSING], [Station.CLOSING, Station.CLOSED]]
)
def test_a_record_date_is_counted_whatever_the_station(states: list[Station]) -> None:
    """Counting is reading; the platform writes it down where its station lets it."""
    story = TokenStory()
    story.done(distribution(PROGMAT))
    for state in states:
        story.done(SetStation(station=state, reason="test"))
    (taken,) = of(story.next_day(), RecordDateTaken)
    assert sum(units for _, units in taken.owners) == 3 * START_UNITS


def test_a_distribution_is_refused_for_the_first_reason() -> None:
    """Days to come, business days, in their order; a price; once for a reference."""
    story = TokenStory()
    nothing = InstrumentId("NONE")
    story.next_day()
    later = {"record_date": NEXT, "payment_date": THIRD}
    assert story.refused(distribution(nothing)) is R.UNKNOWN_INSTRUMENT
    assert story.refused(distribution(PLAIN, payment_date=DAY)) is R.INVALID_COMBINATION
    assert story.refused(distribution(PLAIN)) is R.OUT_OF_RANGE, "the record date is over"
    off = {"record_date": NEXT, "payment_date": HOLIDAY}
    assert story.refused(distribution(PLAIN, **off)) is R.OUT_OF_RANGE
    assert story.refused(distribution(PLAIN, price_sen=Sen(0), **later)) is R.OUT_OF_RANGE
    story.done(distribution(PLAIN, **later))
    assert story.refused(distribution(PLAIN, **later)) is R.DUPLICATE
    assert story.refused(distribution(PROGMAT, **later)) is R.ID_CONFLICT
    story.done(CloseDay())
    assert story.refused(distribution(PLAIN, reference="late", **later)) is R.OUT_OF_RANGE
