"""A core with one issue on each kind of books, and after every command everything that must hold.

The market is continuous, so a trade is two orders. Trades are due on the day they are made unless a
story says otherwise. The auditor reads the events beside the rooms; nothing is mocked.
"""

import json
from datetime import date
from typing import Any

import msgspec
from auditor import Auditor

from market.business_days import next_business_day
from market.commands import (
    ChangePhase,
    CloseDay,
    Command,
    DepositUnits,
    DepositYen,
    Entry,
    ListInstrument,
    NewOrder,
    OpenDay,
    OpenSession,
    OpenVenue,
    RegisterKey,
    RegisterParticipant,
    RunSettlement,
)
from market.events import (
    CommandRefused,
    DeliveryChanged,
    DeliveryCreated,
    DeliveryState,
    Event,
    SettlementRan,
)
from market.ids import ClientOrderId, DeliveryId, InstrumentId, KeyId, ParticipantId, SessionId
from market.instrument import FIVE_YEN, TSE_LIMITS, Instrument, TokenPlatform
from market.quantities import Sen, SequenceNo, TimeNs, Units, Yen
from market.reasons import FailReason, RejectReason
from market.token_acts import OperatingMode
from market.words import OrderKind, Phase, Side
from settlement.delivery import Delivery
from settlement.register import Register
from venue.core import Core

A, B, C = (ParticipantId(f"FIRM-{letter}") for letter in "ABC")
PLAIN, PROGMAT, IBET = (InstrumentId(name) for name in ("PL01", "PG01", "IB01"))
PLATFORMS = {
    PLAIN: TokenPlatform.PLAIN, PROGMAT: TokenPlatform.PROGMAT, IBET: TokenPlatform.IBET,
}  # fmt: skip
DAY = date(2026, 11, 24)
PRICE_SEN = Sen(100_000)
CASH_YEN = 1_000_000
START_UNITS = 100
ISSUED_UNITS = 1_000
CUT_OFF = 3

_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(Entry).decode


class TokenStory:
    """One run.

    Attributes:
        core: The market.
        entries: The journal so far.
        events: All it told.
        day: The present business day.
    """

    def __init__(
        self,
        design: str = "provisional_transfer",
        *,
        settlement_days: int = 0,
        money: str = "tokenised_deposit",
        signed: bool = False,
        mode: OperatingMode = OperatingMode.NODE_OPENING,
        issues: tuple[InstrumentId, ...] = (PLAIN, PROGMAT, IBET),
        **life: object,
    ) -> None:
        self.core = Core()
        self.auditor = Auditor()
        self.entries: list[Entry] = []
        self.events: list[Event] = []
        self.day = DAY
        rules = {"settlement_mode": design, "settlement_days": settlement_days,
                 "max_share_of_issue_percent": 0, "settlement_money": money, **life}  # fmt: skip
        chosen = tuple((name, json.dumps(value)) for name, value in rules.items())
        self.do(OpenVenue(run_id="acts", preset="tse", chosen=chosen, tokens_signed=signed,
                          tokens_mode=mode))  # fmt: skip
        for name in issues:
            self.do(ListInstrument(instrument=Instrument(
                instrument_id=name, isin="JP0000000001", name=name, ticks=FIVE_YEN,
                issued_units=Units(ISSUED_UNITS), issue_price_sen=PRICE_SEN, limits=TSE_LIMITS,
                platform=PLATFORMS[name],
            )))  # fmt: skip
        for place, firm in enumerate((A, B, C)):
            key, session = KeyId(f"K-{firm}"), SessionId(f"{firm}-1")
            self.do(RegisterParticipant(participant_id=firm, name=firm))
            self.do(RegisterKey(key_id=key, participant_id=firm, session_id=session,
                                public_key_hex="0" * 63 + str(place)))  # fmt: skip
            self.do(OpenSession(session_id=session, key_id=key, takeover=False))
            self.do(DepositYen(participant_id=firm, amount_yen=Yen(CASH_YEN), reference="first"))
            for name in issues:
                self.do(DepositUnits(participant_id=firm, instrument_id=name,
                                     quantity_units=Units(START_UNITS), reference=name))  # fmt: skip
        self.issues = issues
        self._open()

    def do(self, command: Command) -> list[Event]:
        """Apply one command and check everything."""
        number = len(self.entries) + 1
        entry = Entry(sequence=SequenceNo(number), at_ns=TimeNs(number), command=command)
        self.entries.append(entry)
        events = self.core.apply(entry)
        self.events += events
        self.auditor.read(events)
        assert self.auditor.verdict() == []
        if self.core.business_date is not None:
            self.core.check_invariants()
            self.core.conservation()
        return events

    def done(self, command: Command) -> list[Event]:
        """A command that must not be refused."""
        events = self.do(command)
        assert not isinstance(events[0], CommandRefused), events[0]
        return events

    def refused(self, command: Command) -> RejectReason:
        """Why a command is refused; nothing has moved."""
        before = self.state()
        (event,) = self.do(command)
        assert isinstance(event, CommandRefused), event
        assert self.state() == before
        return event.reason

    def state(self) -> str:
        """Settlement and risk, as text."""
        state = self.core.state()
        return json.dumps([state["settlement"], state["risk"]], sort_keys=True, default=str)

    # --- the market

    def _open(self) -> None:
        self.done(OpenDay(business_date=self.day))
        for name in self.issues:
            self.done(ChangePhase(instrument_id=name, phase=Phase.CONTINUOUS))

    def trade(
        self, name: InstrumentId, seller: ParticipantId, buyer: ParticipantId, units: int = 10,
        price_sen: int = PRICE_SEN,
    ) -> Delivery:  # fmt: skip
        """Two orders that meet; the delivery they make."""
        events = [
            *self.order(name, seller, Side.SELL, units, price_sen),
            *self.order(name, buyer, Side.BUY, units, price_sen),
        ]
        (made,) = [event for event in events if isinstance(event, DeliveryCreated)]
        return self.delivery(made.delivery_id)

    def order(
        self, name: InstrumentId, firm: ParticipantId, side: Side, units: int,
        price_sen: int = PRICE_SEN,
    ) -> list[Event]:  # fmt: skip
        """One limit order."""
        return self.do(NewOrder(
            participant_id=firm, session_id=SessionId(f"{firm}-1"), generation=1, req_id="q",
            client_order_id=ClientOrderId(f"P-{len(self.entries)}"), instrument_id=name, side=side,
            kind=OrderKind.LIMIT, price_sen=Sen(price_sen), quantity_units=Units(units),
            size_confirmed=True,
        ))  # fmt: skip

    def delivery(self, delivery_id: DeliveryId) -> Delivery:
        """What became of a delivery."""
        return self.core.settlement.deliveries[delivery_id]

    def run(self, *stages: int) -> list[Event]:
        """Run stages of settlement; all of them when none is named."""
        events: list[Event] = []
        for stage in stages or range(CUT_OFF + 1):
            events += self.done(RunSettlement(stage=stage))
        assert isinstance(events[-1], SettlementRan)
        return events

    def next_day(self) -> list[Event]:
        """Close the day and open the next business day; what the close told."""
        closed = self.done(CloseDay())
        self.day = next_business_day(self.day)
        self._open()
        return closed

    # --- reading

    def register(self, name: InstrumentId) -> Register:
        """The books of an issue."""
        return self.core.settlement.registers[name]

    def units(self, name: InstrumentId, firm: ParticipantId) -> int:
        """What a firm owns."""
        return self.core.settlement.owned_units(firm, name)

    def yen(self, firm: ParticipantId) -> int:
        """What a firm owns."""
        return self.core.settlement.owned_yen(firm)

    def replay(self) -> None:
        """The journal, from its bytes, leads a fresh core to the same digest."""
        core = Core()
        for entry in self.entries:
            core.apply(_decode(_encode(entry)))
        assert core.digest() == self.core.digest()


def of(events: list[Event], kind: type) -> list[Any]:
    """The events of one kind."""
    return [event for event in events if isinstance(event, kind)]


def failed_for(events: list[Event], delivery: Delivery) -> FailReason | None:
    """Why a delivery failed in these events."""
    (failed,) = [
        event for event in of(events, DeliveryChanged)
        if event.delivery_id == delivery.terms.delivery_id and event.state is DeliveryState.FAILING
    ]  # fmt: skip
    reason = failed.reason
    assert reason is None or isinstance(reason, FailReason)
    return reason
