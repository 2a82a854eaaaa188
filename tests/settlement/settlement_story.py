"""A small settlement world for tests: three firms, two issues, days that follow each other.

Every call goes to the real room; the events it answers with are kept and given to the auditor,
and a refused command is checked to have left no trace.
"""

from collections.abc import Callable
from datetime import date
from itertools import count
from typing import TypeVar

from auditor import Auditor

from market.business_days import at_jst, next_business_day
from market.commands import (
    AffirmDelivery,
    BuyIn,
    CancelDelivery,
    ConsentToCancel,
    DefaultIssuer,
    DepositUnits,
    DepositYen,
    ParticipantLimits,
    ReverseDelivery,
    SetDeliveryHold,
    SetDeliveryParts,
    SetTransferControl,
    WithdrawYen,
)
from market.events import (
    CommandRefused,
    DayOpened,
    DeliveryCreated,
    Event,
    InstrumentListed,
    ParticipantRegistered,
    ReferencePriceSet,
    Trade,
)
from market.ids import DeliveryId, InstrumentId, OrderId, ParticipantId, TradeId
from market.instrument import TEN_YEN, TSE_LIMITS, Instrument
from market.quantities import Sen, Units, Yen
from market.reasons import RejectReason
from market.rules import SettlementMode
from market.words import Side
from settlement.lifecycle.rules import WHOLE_AND_FREE, LifeRules
from settlement.money.money import Money
from settlement.settlement import Settlement

T = TypeVar("T")

A, B, C = (ParticipantId(name) for name in "ABC")
ST1, ST2 = InstrumentId("ST1"), InstrumentId("ST2")
ISSUED_UNITS = 1_000
MONDAY = date(2026, 11, 2)
CUT_OFF = 3


def issue(instrument_id: InstrumentId, *, executable: bool = True) -> Instrument:
    """An issue of 1,000 units."""
    return Instrument(
        instrument_id=instrument_id,
        isin="JP0000000000",
        name=f"Issue {instrument_id}",
        issued_units=Units(ISSUED_UNITS),
        issue_price_sen=Sen(100_000),
        ticks=TEN_YEN,
        limits=TSE_LIMITS,
        transfer_executable=executable,
    )


class Story:
    """The room under test with everything it ever said."""

    def __init__(
        self,
        mode: SettlementMode,
        settlement_days: int = 0,
        life: LifeRules = WHOLE_AND_FREE,
        money: Money | None = None,
    ) -> None:
        self.room = Settlement(mode, settlement_days, money=money, life=life)
        self.auditor = Auditor()
        self.events: list[Event] = []
        self._counter = count(1)
        for firm in (A, B, C):
            self.hear(
                ParticipantRegistered(participant_id=firm, name=firm, limits=ParticipantLimits())
            )
        for name in (ST1, ST2):
            self.hear(InstrumentListed(instrument=issue(name)))
        self.day = MONDAY
        self._open_day()

    def hear(self, event: Event) -> list[Event]:
        """Give the room an event of another room."""
        return self._keep([event, *self.room.apply(event)])[1:]

    def _keep(self, events: list[Event]) -> list[Event]:
        self.events += events
        self.auditor.read(events)
        return events

    def _open_day(self) -> None:
        due = self.room.settlement_date(self.day)
        self.hear(DayOpened(business_date=self.day, settlement_date=due))

    def next_day(self) -> list[Event]:
        """Close the day and open the next business day."""
        closed = self._keep(self.room.close_day())
        self.day = next_business_day(self.day)
        self._open_day()
        return closed

    def pay_in(self, firm: ParticipantId, yen: int, reference: str | None = None) -> list[Event]:
        """Deposit cash, under a new reference unless one is given."""
        command = DepositYen(
            participant_id=firm, amount_yen=Yen(yen), reference=reference or self._reference()
        )
        return self._command(self.room.deposit_yen, command)

    def pay_out(self, firm: ParticipantId, yen: int, reference: str | None = None) -> list[Event]:
        """Withdraw cash."""
        command = WithdrawYen(
            participant_id=firm, amount_yen=Yen(yen), reference=reference or self._reference()
        )
        return self._command(self.room.withdraw_yen, command)

    def allot(
        self,
        firm: ParticipantId,
        units: int,
        reference: str | None = None,
        instrument_id: InstrumentId = ST1,
    ) -> list[Event]:
        """Deposit units."""
        command = DepositUnits(
            participant_id=firm,
            instrument_id=instrument_id,
            quantity_units=Units(units),
            reference=reference or self._reference(),
        )
        return self._command(self.room.deposit_units, command)

    def control(self, *, executable: bool, instrument_id: InstrumentId = ST1) -> list[Event]:
        """Set the transfer-executability flag."""
        command = SetTransferControl(
            instrument_id=instrument_id, executable=executable, reason="test"
        )
        return self._command(self.room.set_transfer_control, command)

    def cancel(self, delivery_id: int) -> list[Event]:
        """Cancel one delivery."""
        command = CancelDelivery(delivery_id=DeliveryId(delivery_id), reason="test")
        return self._command(self.room.cancel_delivery, command)

    def hold(self, delivery_id: int, side: Side, *, held: bool = True) -> list[Event]:
        """Hold one delivery for a side, or release it."""
        command = SetDeliveryHold(
            delivery_id=DeliveryId(delivery_id), side=side, held=held, reason="test"
        )
        return self._command(self.room.set_delivery_hold, command)

    def parts(self, delivery_id: int, side: Side, *, allowed: bool) -> list[Event]:
        """Allow parts of one delivery for a side, or no longer."""
        command = SetDeliveryParts(
            delivery_id=DeliveryId(delivery_id), side=side, allowed=allowed, reason="test"
        )
        return self._command(self.room.set_delivery_parts, command)

    def affirm(self, delivery_id: int, side: Side) -> list[Event]:
        """Affirm one delivery for a side."""
        command = AffirmDelivery(delivery_id=DeliveryId(delivery_id), side=side)
        return self._command(self.room.affirm_delivery, command)

    def consent(self, delivery_id: int, side: Side) -> list[Event]:
        """Consent to one delivery's end for a side."""
        command = ConsentToCancel(delivery_id=DeliveryId(delivery_id), side=side, reason="test")
        return self._command(self.room.consent_to_cancel, command)

    def reverse(self, delivery_id: int, side: Side, *, legal_order: bool = False) -> list[Event]:
        """Ask for one delivery's reversal for a side."""
        command = ReverseDelivery(
            delivery_id=DeliveryId(delivery_id), side=side, reason="test", legal_order=legal_order
        )
        return self._command(self.room.reverse_delivery, command)

    def buy_in(
        self,
        delivery_id: int,
        supplier: ParticipantId | None = None,
        price_yen: int | None = None,
    ) -> list[Event]:
        """End one fail at the seller's cost."""
        command = BuyIn(
            delivery_id=DeliveryId(delivery_id),
            supplier=supplier,
            price_sen=None if price_yen is None else Sen(price_yen * 100),
            reason="test",
        )
        return self._command(self.room.buy_in, command)

    def base_price(self, price_yen: int, instrument_id: InstrumentId = ST1) -> None:
        """The issue's base price becomes this one."""
        price = Sen(price_yen * 100)
        self.hear(
            ReferencePriceSet(
                instrument_id=instrument_id,
                reference_price_sen=price,
                lower_limit_sen=price,
                upper_limit_sen=price,
            )
        )

    def run(self, *stages: int) -> list[Event]:
        """Run stages one after the other."""
        events: list[Event] = []
        for stage in stages:
            events += self._command(self.room.run, stage)
        return events

    def run_at(self, hour: int, stage: int) -> list[Event]:
        """Run one stage at an hour of the present day, Japan time."""
        at_ns = at_jst(self.day, hour * 3600)
        return self._command(lambda one: self.room.run(one, at_ns), stage)

    def default_issuer(self) -> list[Event]:
        """The issuer of the money fails."""
        return self._command(self.room.default_issuer, DefaultIssuer(reason="test"))

    def _command(self, method: Callable[[T], list[Event]], command: T) -> list[Event]:
        before = self.room.state()
        events = self._keep(method(command))
        if isinstance(events[0], CommandRefused):
            assert len(events) == 1
            assert self.room.state() == before, "a refusal leaves no trace"
        self.room.check_invariants()
        return events

    def trade(
        self,
        *,
        buyer: ParticipantId,
        seller: ParticipantId,
        units: int,
        price_yen: int = 100,
        price_sen: int | None = None,
        instrument_id: InstrumentId = ST1,
    ) -> int:
        """One execution; returns the id of its delivery."""
        created = self.hear(
            trade_of(
                trade_id=next(self._counter),
                buyer=buyer,
                seller=seller,
                units=units,
                price_sen=price_yen * 100 if price_sen is None else price_sen,
                instrument_id=instrument_id,
            )
        )[0]
        assert isinstance(created, DeliveryCreated)
        self.room.check_invariants()
        return created.delivery_id

    def _reference(self) -> str:
        return f"R-{next(self._counter)}"

    def state(self, delivery_id: int) -> str:
        """State of one delivery as text; the auditor must agree."""
        state = self.room.deliveries[DeliveryId(delivery_id)].state.value
        assert state == self.auditor.states[delivery_id]
        return state

    def holdings(self) -> dict[str, tuple[int, int]]:
        """Yen and ST1 units that each firm owns."""
        return {
            firm: (self.room.owned_yen(firm), self.room.owned_units(firm, ST1))
            for firm in (A, B, C)
        }

    def available(self) -> dict[str, tuple[int, int]]:
        """Yen and ST1 units that each firm could still give."""
        return {
            firm: (self.room.available_yen(firm), self.room.available_units(firm, ST1))
            for firm in (A, B, C)
        }


def trade_of(
    *,
    trade_id: int = 1,
    buyer: ParticipantId = B,
    seller: ParticipantId = A,
    units: int = 1,
    price_sen: int = 10_000,
    instrument_id: InstrumentId = ST1,
) -> Trade:
    """A trade whose orders do not matter here."""
    return Trade(
        trade_id=TradeId(trade_id),
        instrument_id=instrument_id,
        price_sen=Sen(price_sen),
        quantity_units=Units(units),
        buyer=buyer,
        seller=seller,
        buy_order_id=OrderId(1),
        sell_order_id=OrderId(2),
        buy_leaves_units=Units(0),
        sell_leaves_units=Units(0),
        cross=True,
        self_trade=buyer == seller,
    )


def refusal(events: list[Event]) -> RejectReason:
    """The reason of a refused command."""
    (event,) = events
    assert isinstance(event, CommandRefused)
    return event.reason
