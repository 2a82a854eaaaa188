"""Random settlement days against the auditor, who knows only the events.

After every step: the room's own invariants hold, every balance and delivery state is what the
auditor makes of the events, nothing is lost, and a refusal left no trace (checked in the story).
After a stage also: nothing that could have settled was left lying.
"""

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from settlement_story import CUT_OFF, ST1, ST2, A, B, C, Story

from market.choices import SettlementMoney
from market.events import DeliveryState, IssuerDefaulted, Reconciled
from market.ids import DeliveryId, InstrumentId, ParticipantId
from market.rules import SettlementMode
from settlement.delivery import Delivery
from settlement.money.kinds import money_of

FIRMS = st.sampled_from([A, B, C])
ISSUES = st.sampled_from([ST1, ST1, ST2])
SMALL = st.integers(1, 12)
PAYMENT_STAGE = 2


class SettlementDays(RuleBasedStateMachine):
    """Whatever firms and the venue may do, in any order."""

    mode: SettlementMode

    @initialize(settlement_days=st.sampled_from([0, 0, 1, 2]))
    def open(self, settlement_days: int) -> None:
        """A market with something to trade."""
        self.story = Story(self.mode, settlement_days)
        self.story.allot(A, 20)
        self.story.allot(B, 10, None, ST2)
        self.story.pay_in(B, 2_000)
        self.cut_off_done = False

    @rule(firm=FIRMS, hundreds=SMALL)
    def pay_in(self, firm: ParticipantId, hundreds: int) -> None:
        """Cash comes in."""
        self.story.pay_in(firm, hundreds * 100)

    @rule(firm=FIRMS, hundreds=SMALL)
    def pay_out(self, firm: ParticipantId, hundreds: int) -> None:
        """Cash goes out, or is refused."""
        self.story.pay_out(firm, hundreds * 100)

    @rule(firm=FIRMS, units=SMALL, issue=ISSUES)
    def allot(self, firm: ParticipantId, units: int, issue: InstrumentId) -> None:
        """Units are allotted, or refused."""
        self.story.allot(firm, units, None, issue)

    @rule(firm=FIRMS, units=SMALL)
    def allot_again(self, firm: ParticipantId, units: int) -> None:
        """A reference used by anyone before is refused within the firm."""
        self.story.allot(firm, units, "ONCE")

    @rule(buyer=FIRMS, seller=FIRMS, units=SMALL, price=st.integers(0, 150), issue=ISSUES)
    def trade(
        self,
        buyer: ParticipantId,
        seller: ParticipantId,
        units: int,
        price: int,
        issue: InstrumentId,
    ) -> None:
        """Anyone trades with anyone, himself included."""
        self.story.trade(
            buyer=buyer, seller=seller, units=units, price_yen=price, instrument_id=issue
        )

    @rule(executable=st.booleans(), issue=ISSUES)
    def control(self, executable: bool, issue: InstrumentId) -> None:
        """The transfer flag changes."""
        self.story.control(executable=executable, instrument_id=issue)

    @rule(data=st.data())
    def cancel(self, data: st.DataObject) -> None:
        """I20: an open, unpaid delivery can be canceled; others are refused."""
        last = len(self.story.room.deliveries)
        delivery_id = data.draw(st.integers(1, last + 1), label="delivery")
        self.story.cancel(delivery_id)
        if delivery_id <= last:
            assert self.story.state(delivery_id) in ("canceled", "finished")

    @precondition(lambda self: not self.cut_off_done)
    @rule(stage=st.integers(0, CUT_OFF))
    def run_stage(self, stage: int) -> None:
        """One stage, in any order, any number of times before the cut-off."""
        self.story.run(stage)
        self.cut_off_done = stage == CUT_OFF
        for delivery in self._due():
            if self.mode is SettlementMode.GROSS_ATOMIC:
                assert self._is_hindered(delivery) or self._waits_for_tomorrow(delivery, stage)
            elif stage == PAYMENT_STAGE:
                on_hold = delivery.state is DeliveryState.CONFIRMED
                assert not on_hold or not self._executable(delivery)
            if stage == CUT_OFF:
                assert delivery.state is DeliveryState.FAILING

    @rule()
    def next_day(self) -> None:
        """The day is reconciled and the next one opens."""
        (closed,) = self.story.next_day()
        assert isinstance(closed, Reconciled)
        assert closed.breaks == ()
        self.cut_off_done = False

    def _due(self) -> list[Delivery]:
        """Open deliveries whose day has come."""
        return [
            delivery
            for delivery in self.story.room.deliveries.values()
            if delivery.terms.settlement_date <= self.story.day
            and delivery.state not in (DeliveryState.FINISHED, DeliveryState.CANCELED)
        ]

    def _executable(self, delivery: Delivery) -> bool:
        return self.story.room.registers[delivery.terms.instrument_id].executable

    def _is_hindered(self, delivery: Delivery) -> bool:
        """Short by the auditor's books, or stopped."""
        terms, auditor = delivery.terms, self.story.auditor
        if not self._executable(delivery):
            return True
        if terms.buyer == terms.seller:
            return False
        units_short = auditor.units[terms.instrument_id, terms.seller] < terms.quantity_units
        return units_short or auditor.yen[terms.buyer] < terms.amount_yen

    def _waits_for_tomorrow(self, delivery: Delivery, stage: int) -> bool:
        """Failing deliveries are tried again in a first stage only."""
        return delivery.state is DeliveryState.FAILING and stage != 0

    @invariant()
    def the_auditor_agrees(self) -> None:
        """Every balance, register and delivery, recomputed from events alone."""
        room, auditor = self.story.room, self.story.auditor
        room.check_invariants()
        assert auditor.verdict() == []
        for firm in (A, B, C):
            assert room.owned_yen(firm) == auditor.yen[firm]
            assert 0 <= room.available_yen(firm) <= room.owned_yen(firm)
            for issue in (ST1, ST2):
                assert room.owned_units(firm, issue) == auditor.units[issue, firm]
                assert 0 <= room.available_units(firm, issue) <= room.owned_units(firm, issue)
        for issue, register in room.registers.items():
            assert register.unissued_units == auditor.issued[issue] - auditor.allotted[issue]
        states = {key: delivery.state.value for key, delivery in room.deliveries.items()}
        assert states == {DeliveryId(key): state for key, state in auditor.states.items()}


class DaysInAnyMoney(SettlementDays):
    """Under design B2 in each kind of money, at any hour, until its issuer fails."""

    mode = SettlementMode.PROVISIONAL_TRANSFER

    @initialize(kind=st.sampled_from(SettlementMoney), settlement_days=st.sampled_from([0, 1]))
    def open(self, kind: SettlementMoney, settlement_days: int) -> None:
        """A market with something to trade, and a bank's day for every money."""
        hours = (9 * 3600, 15 * 3600, 16 * 3600)
        money = money_of(kind, hours=hours, recovery_percent=20)
        self.story = Story(self.mode, settlement_days, money=money)
        self.story.allot(A, 20)
        self.story.allot(B, 10, None, ST2)
        self.story.pay_in(B, 2_000)
        self.cut_off_done = False

    def run_stage(self, stage: int) -> None:
        """Stages come at an hour here."""

    @precondition(lambda self: not self.cut_off_done)
    @rule(stage=st.integers(0, CUT_OFF), hour=st.sampled_from([8, 10, 10, 10, 15, 17]))
    def run_stage_at(self, stage: int, hour: int) -> None:
        """Nothing confirmed is left unpaid in open hours; at the cut-off only orders stay."""
        self.story.run_at(hour, stage)
        self.cut_off_done = stage == CUT_OFF
        cash = self.story.room.cash
        for delivery in self._due():
            ordered = cash.is_under_way(delivery)
            if stage == PAYMENT_STAGE and delivery.state is DeliveryState.CONFIRMED:
                is_closed = cash.money.defaulted or not 9 <= hour < 16
                assert ordered or is_closed or not self._executable(delivery)
            if stage == CUT_OFF:
                stays = ordered and not cash.money.defaulted
                assert delivery.state is (
                    DeliveryState.CONFIRMED if stays else DeliveryState.FAILING
                )

    @precondition(lambda self: len(self.story.room.deliveries) > 3)
    @rule()
    def default(self) -> None:
        """The issuer fails, once; what it was said to leave is the recovery of what firms own."""
        was_failed = self.story.room.cash.money.defaulted
        (event,) = self.story.default_issuer()
        assert isinstance(event, IssuerDefaulted) is not was_failed
        if isinstance(event, IssuerDefaulted):
            assert event.owned_yen == sum(self.story.auditor.yen[firm] for firm in (A, B, C))
            self.failed_at = {firm: self.story.auditor.yen[firm] for firm in (A, B, C)}

    @invariant()
    def nobody_is_paid_in_a_failed_money(self) -> None:
        """After the failure yen move only out of a trust."""
        if self.story.room.cash.money.defaulted:
            now = {firm: self.story.auditor.yen[firm] for firm in (A, B, C)}
            assert all(now[firm] <= self.failed_at[firm] for firm in now)


class GrossAtomicDays(SettlementDays):
    """Under design A."""

    mode = SettlementMode.GROSS_ATOMIC


class ProvisionalTransferDays(SettlementDays):
    """Under design B2."""

    mode = SettlementMode.PROVISIONAL_TRANSFER


DAYS = settings(max_examples=60, stateful_step_count=40, deadline=None, derandomize=True)
TestGrossAtomicDays = GrossAtomicDays.TestCase
TestGrossAtomicDays.settings = DAYS
TestProvisionalTransferDays = ProvisionalTransferDays.TestCase
TestProvisionalTransferDays.settings = DAYS
TestDaysInAnyMoney = DaysInAnyMoney.TestCase
TestDaysInAnyMoney.settings = settings(DAYS, max_examples=150)
