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
from typing import Any

from market import business_days
from market.choices import SettlementMoney
from market.commands import (
    BustTrade,
    BuyIn,
    CancelDelivery,
    DefaultIssuer,
    DepositUnits,
    DepositYen,
    ReportErrorTrade,
    SetTransferControl,
    WithdrawYen,
)
from market.errors import check
from market.events import (
    DayOpened,
    Event,
    InstrumentListed,
    IssuerDefaulted,
    ParticipantRegistered,
    ReferencePriceSet,
    Trade,
    TransferControlSet,
)
from market.ids import (
    DeliveryId,
    InstrumentId,
    TradeId,
    delivery_id_to_text,
    order_id_to_text,
    trade_id_to_text,
)
from market.quantities import TimeNs
from market.reasons import FailReason, RejectReason
from market.rules import SettlementMode
from settlement.balances import Balances
from settlement.cash import Cash
from settlement.deliveries import Deliveries
from settlement.delivery import Delivery, check_life
from settlement.deposits import Deposits
from settlement.error_trades import ErrorTrades
from settlement.fails import Fails
from settlement.lifecycle.rules import WHOLE_AND_FREE, LifeRules
from settlement.money.kinds import money_of
from settlement.money.money import Money
from settlement.platforms import Platforms
from settlement.register import Registers
from settlement.settlement_day import SettlementDay
from settlement.sides import Sides
from settlement.staged import StagedDesign
from settlement.staged.gross_atomic import GrossAtomic
from settlement.staged.provisional_transfer import ProvisionalTransfer
from settlement.stages import MIDNIGHT_UTC, Stages
from settlement.token_acts import TokenActs
from settlement.verbs import refuse


class Settlement(Balances):
    """Who owes what, and delivery.

    Attributes:
        registers: One for each issue, in order of listing.
        cash: The yen of every firm, in the market's kind of money.
        design: How deliveries are finished.
        tokens: What happens to units besides trades.
        sides: What firms, or the operator for them, say of deliveries.
        deliveries: Every delivery there ever was, by id; read only.
        under_way: Those neither finished nor canceled; likewise.
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
        cash, registers = Cash(money_of() if money is None else money), Registers()
        book = Deliveries(affirmation=life.affirmation)
        deposits = Deposits(cash, registers)
        super().__init__(cash, registers, deposits, book.record)
        self._book = book
        self._platforms = platforms or Platforms()
        self.design: StagedDesign = (
            GrossAtomic(cash, registers, life.partial)
            if mode is SettlementMode.GROSS_ATOMIC
            else ProvisionalTransfer(cash, registers, life.partial)
        )
        check_life(self.design.life)
        self._day = SettlementDay(settlement_days, calendar)
        self._errors = ErrorTrades(book, registers, error_trade_bust_percent)
        self.tokens = TokenActs(
            book=book, deposits=deposits, cash=cash, registers=registers,
            platforms=self._platforms, design=self.design, calendar=calendar,
        )  # fmt: skip
        self.sides = Sides(
            book,
            design=self.design,
            day=self._day,
            life=life,
            exit_refusal=self.tokens.exit_refusal,
        )
        self._fails = Fails(
            book,
            cash,
            registers,
            design=self.design,
            life=life,
            calendar=calendar,
        )
        self._stages = Stages(
            book,
            cash,
            registers,
            design=self.design,
            fails=self._fails,
            tokens=self.tokens,
            day=self._day,
        )
        self.deliveries: Mapping[DeliveryId, Delivery] = MappingProxyType(book.by_id)
        self.under_way: Mapping[DeliveryId, Delivery] = MappingProxyType(book.under_way)
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
        return self._day.due(trade_date)

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
        check(self._day.business_date is not None, "trades happen on a day", trade=trade.trade_id)
        check(trade.instrument_id in self.registers, "a traded issue is listed")
        for firm in (trade.buyer, trade.seller):
            check(firm in self._deposits.participants, "a trader is a participant", firm=firm)
        return [self._book.create(trade, self._day.settlement_date)]

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
        self._day.open(event)
        self._platforms.start_day(event.business_date)
        self.cash.start_day()
        self._book.start_day()
        self._errors.start_day()
        return self.tokens.start_day(event.business_date)

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
        """Open or close an issue to transfers; what is paid is still delivered. A redeemed issue stays shut."""
        if command.instrument_id not in self.registers:
            return refuse(RejectReason.UNKNOWN_INSTRUMENT, command.instrument_id)
        if command.executable and self.registers[command.instrument_id].ended:
            return refuse(RejectReason.TRANSFER_RESTRICTED, f"{command.instrument_id} is redeemed")
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

    def check_buy_in(self, command: BuyIn) -> RejectReason | None:
        """The first reason of this room not to end a fail that way, or None. Changes nothing."""
        if command.supplier is not None and command.supplier not in self._deposits.participants:
            return RejectReason.NOT_ENTITLED
        return self._fails.check_buy_in(command, self._day.business_date)

    def buy_in(self, command: BuyIn) -> list[Event]:
        """End a fail for lack of units at the seller's cost; see fails.py for what is refused."""
        refused = self.check_buy_in(command)
        if refused is not None:
            return refuse(refused, delivery_id_to_text(command.delivery_id))
        return self._fails.buy_in(command, self._day.business_date)

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
        return self._stages.run(stage, at_ns)

    def close_day(self) -> list[Event]:
        """Charge what fails, then reconcile (照合). O(accounts, open deliveries, those ended today)."""
        return self._stages.close_day()

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
        self.sides.check_invariants()
        self._book.check_invariants(self.registers, self.cash)
        for line in self.conservation():
            there = line.held_by_firms + line.rest + line.redeemed
            check(line.put_in == there, "I1, I2: conserved", line=line)

    def state(self) -> dict[str, object]:
        """Canonical content for the digest; open deliveries by id. O(accounts + open)."""
        return {
            "design": self.design.name,
            **self._day.state(),
            "cash": self.cash.state(),
            "registers": {key: self.registers[key].state() for key in sorted(self.registers)},
            **self._deposits.state(),
            **self._book.state(),
            "errors": self._errors.state(),
            **self.tokens.state(),
            **self._fails.state(),
            **self.sides.state(),
        }


def _trades_named(command: ReportErrorTrade) -> str:
    if command.order_id is not None:
        return order_id_to_text(command.order_id)
    return " ".join(trade_id_to_text(trade_id) for trade_id in command.trade_ids)
