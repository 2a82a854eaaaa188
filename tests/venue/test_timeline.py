"""The day as lines a person reads: one for what matters, none for the rest."""

from datetime import date

from market.business_days import at_jst
from market.commands import CloseDay, Command, Entry, OpenDay
from market.events import (
    AuctionHeld,
    DayClosed,
    DayOpened,
    DeliveryAction,
    DeliveryChanged,
    DeliveryState,
    Event,
    OrderAccepted,
    PhaseChanged,
    Reconciled,
    SettlementRan,
    Trade,
    TradingHalted,
    TradingResumed,
)
from market.ids import (
    ClientOrderId,
    DeliveryId,
    InstrumentId,
    OrderId,
    ParticipantId,
    SessionId,
    TradeId,
)
from market.quantities import Sen, SequenceNo, Units
from market.reasons import FailReason
from market.words import OrderKind, Phase, Side, Validity
from venue.timeline import Timeline

DAY, DUE = date(2026, 11, 24), date(2026, 11, 26)
ISSUES = [InstrumentId(name) for name in ("KH01", "KH02", "KH03")]
ANY: Command = OpenDay(business_date=DAY)


def lines(timeline: Timeline, *events: Event, second: int = 41_400) -> list[str]:
    """What a step at 11:30 adds."""
    entry = Entry(sequence=SequenceNo(1), at_ns=at_jst(DAY, second), command=ANY)
    return timeline.lines(entry, list(events))


def phase(place: int, phase: Phase) -> PhaseChanged:
    """One issue moves."""
    return PhaseChanged(instrument_id=ISSUES[place], phase=phase)


def cross(
    place: int, units: int, phase: Phase = Phase.OPENING_AUCTION, *, skipped: bool = False
) -> AuctionHeld:
    """One issue crosses at 100,300 yen, or finds no price."""
    return AuctionHeld(
        instrument_id=ISSUES[place], phase=phase, price_sen=Sen(10_030_000) if units else None,
        executed_units=Units(units), trades=2 if units else 0, skipped=skipped,
    )  # fmt: skip


def trade(number: int) -> Trade:
    """Ten units at 100,300 yen."""
    firm = ParticipantId("A")
    return Trade(
        trade_id=TradeId(number), instrument_id=ISSUES[0], price_sen=Sen(10_030_000),
        quantity_units=Units(10), buyer=firm, seller=firm, buy_order_id=OrderId(1),
        sell_order_id=OrderId(2), buy_leaves_units=Units(0), sell_leaves_units=Units(0), cross=True,
    )  # fmt: skip


def changed(
    number: int, action: DeliveryAction, state: DeliveryState, why: FailReason | None = None
) -> DeliveryChanged:
    """One delivery moves."""
    return DeliveryChanged(
        delivery_id=DeliveryId(number), action=action, old_state=DeliveryState.CREATED, state=state,
        reason=why,
    )  # fmt: skip


def test_a_phase_is_told_once_for_the_whole_venue() -> None:
    """When the first issue enters it, with the clock in front; again when it comes again."""
    timeline = Timeline()
    told = [lines(timeline, phase(place, Phase.PRE_OPEN)) for place in range(3)]
    assert [len(one) for one in told] == [1, 0, 0]
    assert told[0][0].startswith("11:30:00")
    assert "PreOpen" in told[0][0]
    lines(timeline, phase(0, Phase.BREAK))
    assert len(lines(timeline, phase(0, Phase.PRE_OPEN))) == 1


def test_a_cross_tells_price_units_and_trades_and_which_it_was() -> None:
    """Opening, closing, or the first of a continuous session that begins on a crossed book."""
    timeline = Timeline()
    (told,) = lines(timeline, cross(0, 12))
    assert told.split() == [
        "11:30:00", "opening", "cross", "KH01", "100,300", "yen", "12", "units", "2", "trades",
        "板寄せ",
    ]  # fmt: skip
    assert "closing cross" in lines(timeline, cross(0, 12, Phase.CLOSING_AUCTION))[0]
    continuous = lines(timeline, cross(0, 12, Phase.CONTINUOUS))[0]
    assert "closing" not in continuous
    assert "opening" not in continuous


def test_crosses_without_a_price_are_counted_in_one_line() -> None:
    """On a quiet day the reader is not told eight times that nothing happened."""
    timeline = Timeline()
    assert lines(timeline, cross(0, 0)) == lines(timeline, cross(1, 0)) == []
    assert len(lines(timeline, cross(2, 0, skipped=True))) == 1
    told = lines(timeline, phase(0, Phase.BREAK))
    assert "in 2 issues" in told[0]
    assert "Break" in told[1]
    assert len(lines(timeline, phase(0, Phase.PRE_CLOSE))) == 1


def test_a_suspension_and_its_end_are_told() -> None:
    """With the reason."""
    timeline = Timeline()
    halted = lines(timeline, TradingHalted(instrument_id=ISSUES[0], reason="news"))
    assert "KH01" in halted[0]
    assert "news" in halted[0]
    assert "KH01" in lines(timeline, TradingResumed(instrument_id=ISSUES[0]))[0]


def test_a_stage_tells_what_it_moved_finished_and_failed_and_why() -> None:
    """A stage with nothing to do is silent; counts do not spill into the next stage."""
    timeline = Timeline()
    short = FailReason.BUYER_SHORT_OF_CASH
    finish, fail = DeliveryAction.FINISH, DeliveryAction.FAIL
    lines(
        timeline,
        changed(1, finish, DeliveryState.FINISHED),
        changed(2, finish, DeliveryState.FINISHED),
        changed(3, fail, DeliveryState.FAILING, short),
    )

    def ran(moved: int, failed: int) -> SettlementRan:
        return SettlementRan(
            business_date=DAY, stage=3, stage_name="cut_off", moved=moved, failed=failed
        )

    (told,) = lines(timeline, ran(2, 1))
    assert "2 finished" in told
    assert "1 failed (buyer short of cash)" in told
    assert lines(timeline, ran(0, 0)) == []
    (told,) = lines(timeline, ran(1, 0))
    assert "failed" not in told
    assert "finished" not in told
    assert (timeline.totals["delivered"], timeline.totals["fails"]) == (2, 1)


def test_the_end_of_a_day_sums_that_day_and_totals_go_on() -> None:
    """Two days of one trade each: each line says one, the totals say two."""
    timeline = Timeline()
    order = OrderAccepted(
        order_id=OrderId(1), participant_id=ParticipantId("A"), session_id=SessionId("A-1"),
        client_order_id=ClientOrderId("c"), instrument_id=ISSUES[0], side=Side.BUY,
        kind=OrderKind.LIMIT, price_sen=Sen(10_030_000), quantity_units=Units(10),
        validity=Validity.DAY,
    )  # fmt: skip
    for number in (1, 2):
        (opened,) = lines(timeline, DayOpened(business_date=DAY, settlement_date=DUE))
        assert str(DAY) in opened
        assert str(DUE) in opened
        assert lines(timeline, order, trade(number)) == []
        (closed,) = lines(timeline, DayClosed(business_date=DAY))
        assert "1 orders, 1 trades, 1,003,000 yen" in closed
    assert (timeline.totals["trades"], timeline.totals["yen"]) == (2, 2_006_000)


def test_a_break_found_in_reconciliation_is_spelled_out() -> None:
    """A good day says ok; a bad one says what did not agree."""
    timeline = Timeline()

    def reconciled(*breaks: str) -> Reconciled:
        return Reconciled(
            business_date=DAY, trades=3, finished=2, open_deliveries=1, failing=0, breaks=breaks
        )

    assert ": ok" in lines(timeline, reconciled())[0]
    assert "yen differ" in lines(timeline, reconciled("yen differ"))[0]


def test_steps_that_nobody_needs_to_read_add_nothing() -> None:
    """An empty step has no line."""
    entry = Entry(sequence=SequenceNo(1), at_ns=at_jst(DAY, 0), command=CloseDay())
    assert Timeline().lines(entry, []) == []
