"""The settlement room as the venue sees it: one object, commands in, events out.

What it owns: registers and cash (the ledgers own the truth about balances), deliveries, and the
record of postings. Trades arrive as events and become deliveries; deposits, withdrawals, flags
and stages arrive as commands.

Ordering: a posting comes before the move of the delivery it belongs to; SettlementRan closes a
stage, Reconciled a day. Deliveries are worked on by id, first in, first out.

Events YenMoved and UnitsMoved tell every change of what a firm owns, and only that. Units held
for a buyer are the seller's until they are posted; cash held for a seller is the buyer's until it
is paid; turning a deposit into tokens changes no ownership.

Invariants by id (from the project's list of settlement invariants): I1 units and I2 yen are
conserved, I3 no overdraft, I4 both legs end equal, I5 and I6 every hold ends once, I8 settled is
final, I10 ids and references are used once, I16 a closed register takes no entry, I17 a failure
carries its reason, I20 exits are always open, I24 what is paid is what was agreed. Each is a check
in this room, named where it stands.

What a market adds to a delivery's life (parts, affirmation, penalties, buy-in) is in LifeRules; by default
deliveries are whole, wait, and cost nothing late. Reversals and an end by consent are always open.

Known limits: gross only; no fees. The cut-off ends the settlement day: stages after it are refused
until the next day opens.
"""

from collections.abc import Callable, Mapping
from datetime import date
from types import MappingProxyType
from typing import Any, Final, NamedTuple, TypeVar

from market import business_days
from market.choices import SettlementMoney
from market.commands import (
    AffirmDelivery,
    BustTrade,
    BuyIn,
    CancelDelivery,
    ConsentToCancel,
    DefaultIssuer,
    DepositUnits,
    DepositYen,
    ReportErrorTrade,
    ReverseDelivery,
    SetDeliveryHold,
    SetDeliveryParts,
    SetTransferControl,
    WithdrawYen,
)
from market.errors import check
from market.events import (
    DayOpened,
    DeliveryAction,
    DeliveryChanged,
    Event,
    InstrumentListed,
    IssuerDefaulted,
    ParticipantRegistered,
    ReferencePriceSet,
    SettlementRan,
    Trade,
    TransferControlSet,
)
from market.ids import (
    DeliveryId,
    InstrumentId,
    ParticipantId,
    TradeId,
    delivery_id_to_text,
    order_id_to_text,
    trade_id_to_text,
)
from market.quantities import TimeNs, Units, Yen
from market.reasons import FailReason, RejectReason
from market.rules import SettlementMode
from settlement import consents
from settlement.cash import Cash
from settlement.deliveries import Deliveries
from settlement.delivery import Delivery, check_life
from settlement.deposits import Deposits
from settlement.designs import Design
from settlement.designs.gross_atomic import GrossAtomic
from settlement.designs.provisional_transfer import ProvisionalTransfer
from settlement.error_trades import ErrorTrades
from settlement.fails import Fails
from settlement.lifecycle.rules import WHOLE_AND_FREE, LifeRules
from settlement.money.kinds import money_of
from settlement.money.money import Money
from settlement.platforms import Platforms
from settlement.register import Registers
from settlement.reversals import Reversals
from settlement.token_acts import TokenActs
from settlement.verbs import refuse

_OneSide = TypeVar("_OneSide", SetDeliveryHold, SetDeliveryParts, AffirmDelivery, ConsentToCancel)

_FORWARD: Final = (
    DeliveryAction.TRANSFER_PROVISIONALLY,
    DeliveryAction.CONFIRM,
    DeliveryAction.PAY,
    DeliveryAction.FINISH,
    DeliveryAction.FILL,
)


MIDNIGHT_UTC: Final = TimeNs(0)
"""Nine in the morning in Japan, of any day."""


class Conservation(NamedTuple):
    """One asset's account of itself: ``put_in == held_by_firms + rest + redeemed``, always.

    Attributes:
        asset: ``yen``, or an issue.
        put_in: Yen paid in less paid out, or units issued.
        held_by_firms: What all firms own together.
        rest: Units not allotted yet; 0 for yen.
        redeemed: Units the issuer has paid for and ended.
    """

    asset: str
    put_in: int
    held_by_firms: int
    rest: int
    redeemed: int = 0


class Settlement:
    """Who owes what, and delivery.

    Attributes:
        registers: One for each issue, in order of listing.
        cash: The yen of every firm, in the market's kind of money.
        design: How deliveries are finished.
        tokens: What happens to units besides trades.
        deliveries: Every delivery there ever was, by id; read only.
    """

    def __init__(
        self,
        mode: SettlementMode,
        settlement_days: int,
        calendar: business_days.Calendar = business_days.TSE_CALENDAR,
        error_trade_bust_percent: int = 0,
        *,
        money: Money | None = None,
        life: LifeRules = WHOLE_AND_FREE,
        platforms: Platforms | None = None,
    ) -> None:
        self.registers: Registers = {}
        self._platforms = platforms or Platforms()
        self.cash = Cash(money_of() if money is None else money)
        self.design: Design = (
            GrossAtomic(self.cash, self.registers, life.partial)
            if mode is SettlementMode.GROSS_ATOMIC
            else ProvisionalTransfer(self.cash, self.registers, life.partial)
        )
        check_life(self.design.life)
        self._settlement_days = settlement_days
        self._calendar = calendar
        self._deposits = Deposits(self.cash, self.registers)
        self._book = Deliveries(affirmation=life.affirmation)
        self._errors = ErrorTrades(self._book, self.registers, error_trade_bust_percent)
        self.tokens = TokenActs(
            book=self._book, deposits=self._deposits, cash=self.cash, registers=self.registers,
            platforms=self._platforms, design=self.design, calendar=calendar,
        )  # fmt: skip
        self._fails = Fails(
            self._book,
            self.cash,
            self.registers,
            design=self.design,
            life=life,
            calendar=calendar,
        )
        self._reversals = Reversals(self._book)
        self.deliveries: Mapping[DeliveryId, Delivery] = MappingProxyType(self._book.by_id)
        self._business_date: date | None = None
        self._settlement_date = date.min
        self._cut_off_done = False
        self._handlers: dict[type, Callable[[Any], list[Event]]] = {
            Trade: self._on_trade,
            ParticipantRegistered: self._on_participant,
            InstrumentListed: self._on_instrument,
            DayOpened: self._on_day,
            TransferControlSet: self._on_transfer_control,
            ReferencePriceSet: self._fails.hear_price,
        }

    def settlement_date(self, trade_date: date) -> date:
        """When trades of ``trade_date`` are due (受渡日)."""
        return business_days.settlement_date(trade_date, self._settlement_days, self._calendar)

    # --- events of other rooms

    @property
    def hears(self) -> Mapping[type, Callable[[Any], list[Event]]]:
        """Which events mean something here, and what hears each and says what follows."""
        return self._handlers

    def apply(self, event: Event) -> list[Event]:
        """Hear an event; all but six kinds mean nothing here. O(1)."""
        handler = self._handlers.get(type(event))
        return [] if handler is None else handler(event)

    def _on_trade(self, trade: Trade) -> list[Event]:
        check(self._business_date is not None, "trades happen on a day", trade=trade.trade_id)
        check(trade.instrument_id in self.registers, "a traded issue is listed")
        for firm in (trade.buyer, trade.seller):
            check(firm in self._deposits.participants, "a trader is a participant", firm=firm)
        return [self._book.create(trade, self._settlement_date)]

    def _on_participant(self, event: ParticipantRegistered) -> list[Event]:
        self._deposits.admit(event.participant_id)
        self._platforms.admit(event.participant_id)
        return []

    def _on_instrument(self, event: InstrumentListed) -> list[Event]:
        instrument = event.instrument
        listed = instrument.instrument_id in self.registers
        check(not listed, "an issue is listed once", instrument=instrument.instrument_id)
        self.registers[instrument.instrument_id] = self._platforms.open_register(instrument)
        return []

    def _on_day(self, event: DayOpened) -> list[Event]:
        day, last = event.business_date, self._business_date
        check(last is None or day > last, "days go forward", day=day, last=last)
        expected = self.settlement_date(day)
        check(event.settlement_date == expected, "T+n is one rule", day=day, expected=expected)
        self._business_date = day
        self._platforms.start_day(day)
        self.cash.start_day()
        self._settlement_date = expected
        self._cut_off_done = False
        self._book.start_day()
        self._errors.start_day()
        return self.tokens.start_day(day)

    def _on_transfer_control(self, event: TransferControlSet) -> list[Event]:
        self.registers[event.instrument_id].executable = event.executable
        return []

    # --- commands

    def deposit_yen(self, command: DepositYen) -> list[Event]:
        """Take a firm's cash in."""
        return self._answer(self._deposits.deposit_yen(command), command.reference)

    def check_withdrawal(self, command: WithdrawYen) -> RejectReason | None:
        """The first reason of this room not to pay cash out, or None. Changes nothing."""
        return self._deposits.check_withdrawal(command)

    def withdraw_yen(self, command: WithdrawYen) -> list[Event]:
        """Pay a firm's cash out, from what no delivery holds."""
        return self._answer(self._deposits.withdraw_yen(command), command.reference)

    def deposit_units(self, command: DepositUnits) -> list[Event]:
        """Allot units of the unissued rest to a firm."""
        return self._answer(self._deposits.deposit_units(command), command.reference)

    def _answer(self, answer: Event | RejectReason, reference: str) -> list[Event]:
        if isinstance(answer, RejectReason):
            return refuse(answer, reference)
        return self._book.tell([answer])

    def set_transfer_control(self, command: SetTransferControl) -> list[Event]:
        """Open or close an issue to transfers; what is paid is still delivered."""
        if command.instrument_id not in self.registers:
            return refuse(RejectReason.UNKNOWN_INSTRUMENT, command.instrument_id)
        told = TransferControlSet(
            instrument_id=command.instrument_id,
            executable=command.executable,
            reason=command.reason,
        )
        self._on_transfer_control(told)
        return [told]

    def cancel_delivery(self, command: CancelDelivery) -> list[Event]:
        """End a delivery without movement; refused once it is paid or over."""
        name = delivery_id_to_text(command.delivery_id)
        delivery = self.deliveries.get(command.delivery_id)
        if delivery is None:
            return refuse(RejectReason.UNKNOWN_INSTRUCTION, name)
        if delivery.is_decided:
            return refuse(RejectReason.ALREADY_FINAL, f"{name} is {delivery.state.value}")
        barred = self.tokens.exit_refusal(delivery)
        if barred is not None:
            return refuse(barred, name)
        return self._book.tell(self.design.cancel(delivery))

    def set_delivery_hold(self, command: SetDeliveryHold) -> list[Event]:
        """Hold a delivery for one side or release it; see consents.py for what is refused."""
        return self._of_delivery(command, consents.set_hold)

    def set_delivery_parts(self, command: SetDeliveryParts) -> list[Event]:
        """Allow parts of a delivery for one side or not; see consents.py for what is refused."""
        return self._of_delivery(command, consents.set_parts)

    def affirm_delivery(self, command: AffirmDelivery) -> list[Event]:
        """One side agrees to a delivery's terms; see consents.py for what is refused."""
        return self._of_delivery(command, consents.affirm)

    def consent_to_cancel(self, command: ConsentToCancel) -> list[Event]:
        """One side agrees to a delivery's end; with both, or while it is unmatched, it ends."""
        delivery = self.deliveries.get(command.delivery_id)
        ends = delivery is not None and consents.ends_with(delivery, command.side)
        barred = self.tokens.exit_refusal(delivery) if delivery is not None and ends else None
        if barred is not None:
            return refuse(barred, delivery_id_to_text(command.delivery_id))
        events = self._of_delivery(command, consents.consent)
        if delivery is not None and ends:
            events += self._book.tell(self.design.cancel(delivery, FailReason.AGREED))
        return events

    def reverse_delivery(self, command: ReverseDelivery) -> list[Event]:
        """Ask for a finished delivery's reversal; with both sides' word a new one begins."""
        today = self._business_date
        if today is None:
            return refuse(RejectReason.PHASE_CLOSED, "no business day is open")
        day = (
            business_days.next_business_day(today, self._calendar) if self._cut_off_done else today
        )
        told = self._reversals.ask(command, day)
        if isinstance(told, RejectReason):
            return refuse(told, delivery_id_to_text(command.delivery_id))
        return told

    def check_buy_in(self, command: BuyIn) -> RejectReason | None:
        """The first reason of this room not to end a fail that way, or None. Changes nothing."""
        if command.supplier is not None and command.supplier not in self._deposits.participants:
            return RejectReason.NOT_ENTITLED
        return self._fails.check_buy_in(command, self._business_date)

    def buy_in(self, command: BuyIn) -> list[Event]:
        """End a fail for lack of units at the seller's cost; see fails.py for what is refused."""
        refused = self.check_buy_in(command)
        if refused is not None:
            return refuse(refused, delivery_id_to_text(command.delivery_id))
        return self._fails.buy_in(command, self._business_date)

    def _of_delivery(
        self, command: _OneSide, act: Callable[[Delivery, _OneSide], Event | RejectReason]
    ) -> list[Event]:
        name = delivery_id_to_text(command.delivery_id)
        delivery = self.deliveries.get(command.delivery_id)
        if delivery is None:
            return refuse(RejectReason.UNKNOWN_INSTRUCTION, name)
        told = act(delivery, command)
        if isinstance(told, RejectReason):
            return refuse(told, f"{name} is {delivery.state.value}, {command.side} side")
        return [told]

    def default_issuer(self, command: DefaultIssuer) -> list[Event]:
        """The money's issuer fails; refused when it has failed already. O(accounts)."""
        money = self.cash.money
        if money.defaulted:
            return refuse(RejectReason.ALREADY_FINAL, f"the {money.issuer} has failed")
        owned_yen, recovered_yen = self.cash.default_issuer()
        return [
            IssuerDefaulted(
                money=SettlementMoney(money.kind),
                issuer=money.issuer,
                owned_yen=owned_yen,
                recovered_yen=recovered_yen,
                reason=command.reason,
            )
        ]

    # --- error trades

    def report_error_trade(self, command: ReportErrorTrade) -> list[Event]:
        """Name trades made in error; see error_trades.py for what is refused."""
        told = self._errors.report(command)
        if isinstance(told, RejectReason):
            return refuse(told, _trades_named(command))
        return [told]

    def is_error_above(self, instrument_id: InstrumentId, percent: int) -> bool:
        """Whether trades named as errors make up more than a share of the issue."""
        return self._errors.is_above(instrument_id, percent)

    def bust_trade(self, command: BustTrade) -> list[Event]:
        """Void a trade: told, then its delivery ends without movement and every lock returns."""
        barred = self._errors.lock_refusal(command.trade_id, self.tokens.exit_refusal)
        told = barred or self._errors.bust(command)
        if isinstance(told, RejectReason):
            return refuse(told, trade_id_to_text(command.trade_id))
        self._book.forget_trade(told.trade_id)
        delivery = self.deliveries[told.delivery_id]
        return [told, *self._book.tell(self.design.cancel(delivery, FailReason.BUSTED))]

    def is_of_today(self, trade_id: TradeId) -> bool:
        """Whether a trade was made on the present day and stands."""
        return trade_id in self._book.trades_today

    def trades_today(self, instrument_id: InstrumentId) -> list[Trade]:
        """The day's trades of an issue, without those voided. O(trades of the day)."""
        trades = self._book.trades_today.values()
        return [trade for trade in trades if trade.instrument_id == instrument_id]

    # --- the day

    def run(self, stage: int, at_ns: TimeNs = MIDNIGHT_UTC) -> list[Event]:
        """Run one stage for everything due. Cost: open deliveries, see the design.

        Args:
            stage: Index into the design's stages.
            at_ns: Market time, for the money's hours.
        """
        today = self._business_date
        if today is None:
            return refuse(RejectReason.PHASE_CLOSED, "no business day is open")
        if not 0 <= stage < len(self.design.stages):
            return refuse(RejectReason.OUT_OF_RANGE, f"{self.design.name} has no stage {stage}")
        if self._cut_off_done:
            return refuse(RejectReason.CUTOFF_PASSED, f"{today} is settled")
        self.cash.start_stage(at_ns)
        events = self.tokens.pay()
        events += self._book.tell(
            self.design.run(stage, self._book.due(today), self.cash.second_of_day)
        )
        changes = [event for event in events if isinstance(event, DeliveryChanged)]
        self._cut_off_done = stage == len(self.design.stages) - 1
        self._fails.note(changes)
        ran = SettlementRan(
            business_date=today,
            stage=stage,
            stage_name=self.design.stages[stage],
            moved=len({c.delivery_id for c in changes if c.action in _FORWARD}),
            failed=sum(c.action is DeliveryAction.FAIL for c in changes),
        )
        return [*events, ran]

    def close_day(self) -> list[Event]:
        """Charge what fails, then reconcile (照合). O(accounts, open deliveries, those ended today)."""
        if self._business_date is None:
            return refuse(RejectReason.PHASE_CLOSED, "no business day is open")
        charged = self._fails.end_day(self._business_date)
        reconciled = self._book.reconcile(self._business_date, self.registers, self.cash)
        return [*charged, *self.tokens.close_day(), reconciled]

    # --- reading

    def owned_yen(self, participant_id: ParticipantId) -> Yen:
        """What the firm owns in the settlement money, held or not."""
        return self.cash.owned_yen(participant_id)

    def owned_units(self, participant_id: ParticipantId, instrument_id: InstrumentId) -> Units:
        """What the register says the firm holds, units set aside for buyers included."""
        return Units(self.registers[instrument_id].balance(participant_id))

    def available_yen(self, participant_id: ParticipantId) -> Yen:
        """What the firm owns less what is held for deliveries under way."""
        return self.cash.available_yen(participant_id)

    def available_units(self, participant_id: ParticipantId, instrument_id: InstrumentId) -> Units:
        """What the firm holds less what is set aside for deliveries under way."""
        return Units(self.registers[instrument_id].available(participant_id))

    def conservation(self) -> list[Conservation]:
        """Yen first, then every issue: what was put in against what is there. O(accounts)."""
        held_yen = sum(self.cash.owned_yen(firm) for firm in self._deposits.participants)
        lines = [Conservation("yen", self._book.record.yen_put_in, held_yen, 0)]
        for instrument_id, register in self.registers.items():
            held = sum(units for _, units in register.holders())
            rest, gone = register.unissued_units, register.redeemed_units
            put_in = register.issued_units + gone
            lines.append(Conservation(instrument_id, put_in, held, rest, gone))
        return lines

    # --- proving

    def check_invariants(self) -> None:
        """Check every ledger and every open delivery. O(accounts + open deliveries)."""
        self.cash.check_invariants()
        for register in self.registers.values():
            register.check_invariants()
        self._deposits.check_invariants()
        self._errors.check_invariants()
        self.tokens.check_invariants()
        self._fails.check_invariants()
        self._reversals.check_invariants()
        self._book.check_invariants(self.registers, self.cash)
        for line in self.conservation():
            there = line.held_by_firms + line.rest + line.redeemed
            check(line.put_in == there, "I1, I2: conserved", line=line)

    def state(self) -> dict[str, object]:
        """Canonical content for the digest; open deliveries by id. O(accounts + open)."""
        return {
            "design": self.design.name,
            "business_date": "" if self._business_date is None else str(self._business_date),
            "cut_off_done": int(self._cut_off_done),
            "cash": self.cash.state(),
            "registers": {key: self.registers[key].state() for key in sorted(self.registers)},
            **self._deposits.state(),
            **self._book.state(),
            "errors": self._errors.state(),
            **self.tokens.state(),
            **self._fails.state(),
            **self._reversals.state(),
        }


def _trades_named(command: ReportErrorTrade) -> str:
    if command.order_id is not None:
        return order_id_to_text(command.order_id)
    return " ".join(trade_id_to_text(trade_id) for trade_id in command.trade_ids)
