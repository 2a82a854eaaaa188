"""Provisional transfer and verified payment: two ledgers, joined by evidence.

| from | action | to |
|---|---|---|
| created | transfer_provisionally | provisional |
| created | fail | failing |
| created | cancel | canceled |
| provisional | confirm | confirmed |
| provisional | fail | failing |
| provisional | cancel | canceled |
| confirmed | pay | paid |
| confirmed | fail | failing |
| confirmed | cancel | canceled |
| paid | finish | finished |
| paid | fill | created |
| failing | retry | created |
| failing | cancel | canceled |

1. provisional transfer (仮移転): the seller's units are held for the buyer, and the settlement
   data is shared; what a morning's file has booked is paid and delivered;
2. funding: the buyer's yen are held for the seller (settlement/cash.py: in which money, and how);
3. payment and final transfer (本移転): the money pays and its issuer signs the evidence; once the
   signature is verified and the evidence is of delivery, version, payer, payee and amount, the
   units are posted;
4. cut-off: what has not been paid returns whole, units and cash, and is failing (フェイル); the
   next business day's first stage tries again with new holds. While a token ledger is down
   (EMERGENCY) nothing returns: what is locked there stays so, and goes on when it is up again.

Where parts are allowed, a seller short of units holds the part he has; it is funded, paid and posted
like a whole, and the rest begins anew: it is failing at the cut-off, for lack of units, unless the
stages are run again before. One part a round: it begins when units are moved provisionally, in the window of the
market's rule, while both sides allow parts; what is under way is stopped by neither.
A payment that is ordered and not answered yet (a bank transfer) is neither paid nor refused: its
delivery stays CONFIRMED over the cut-off, with PAYMENT_PENDING as what keeps it, until the file of
a morning books it, somebody cancels it (the order is called back), or the bank fails. A hold, or
the transfer flag, comes too late for it.

Payment is the point of no return. Before it the transfer flag, or either side's hold, stops every step forward; after it
the delivery is completed whatever the flag says, because a paid buyer must get his units. The
alternative, to repay, would let an issuer undo a final payment.

Between stages each delivery is CREATED, PROVISIONAL, CONFIRMED or PAID with exactly the holds
that state means, so a stop at any point leaves a state to go on from. Stages work by delivery id;
each sees its deliveries once, so units and cash received in the third stage serve other
deliveries only in later stages, of the same day if they are run again.

Source: DCJPY verification with START trades, announced 2026-04-24 (news); what happens at the
cut-off and after payment is our choice.
"""

from collections.abc import Sequence

from market.errors import check
from market.events import DeliveryAction, DeliveryState, Event
from market.reasons import FailReason
from market.rules import SettlementMode
from settlement.cash import Cash, order_for
from settlement.delivery import (
    PROVISIONAL_TRANSFER_LIFE,
    UNITS_HELD_STATES,
    YEN_HELD_STATES,
    Delivery,
)
from settlement.dvp import (
    bar,
    fail,
    plan_part,
    units_events,
    units_hindrance,
    yen_events,
)
from settlement.lifecycle.partials import PartialRule
from settlement.money.payment import SignedEvidence
from settlement.register import Registers
from settlement.verbs import FAIL


class ProvisionalTransfer:
    """Design B2, the flow of the DCJPY verification."""

    name = SettlementMode.PROVISIONAL_TRANSFER.value
    stages = ("provisional_transfer", "funding", "payment_and_final_transfer", "cut_off")
    life = PROVISIONAL_TRANSFER_LIFE

    def __init__(
        self, cash: Cash, registers: Registers, partial_rule: PartialRule | None = None
    ) -> None:
        self._cash = cash
        self._registers = registers
        self._partial_rule = partial_rule
        self._second = 0
        self._steps = (
            self.transfer_provisionally,
            self.confirm,
            self.pay_and_finish,
            self.cut_off,
        )

    def run(self, stage: int, due: Sequence[Delivery], second_of_day: int) -> list[Event]:
        """Take every due delivery one stage further, if it is ready for this stage."""
        self._second = second_of_day
        if stage == 0:
            self._cash.read_morning_file()
        step = self._steps[stage]
        events: list[Event] = []
        for delivery in due:
            events += step(delivery)
        return events

    def transfer_provisionally(self, delivery: Delivery) -> list[Event]:
        """Hold the seller's units for the buyer; a failing delivery is retried first."""
        if delivery.state is DeliveryState.CONFIRMED:
            return self._finish_booked(delivery)
        events: list[Event] = []
        if delivery.state is DeliveryState.FAILING:
            events.append(delivery.move(self.life, DeliveryAction.RETRY))
        if delivery.state is not DeliveryState.CREATED:
            return events
        terms = delivery.terms
        register = self._registers[terms.instrument_id]
        delivery.hindrance = units_hindrance(delivery, register)
        short = delivery.hindrance is FailReason.SELLER_SHORT_OF_UNITS
        if short and plan_part(delivery, register, self._partial_rule, self._second):
            delivery.hindrance = None
        if delivery.hindrance is None:
            if delivery.moves_units:
                register.hold(delivery.hold_id, terms.seller, terms.buyer, delivery.moving_units)
            events.append(delivery.move(self.life, DeliveryAction.TRANSFER_PROVISIONALLY))
        return events

    def _finish_booked(self, delivery: Delivery) -> list[Event]:
        """Deliver what the morning's file has paid, if it has."""
        if self._cash.evidence_of(delivery.hold_id) is None:
            return []
        return [*self._tell_paid(delivery), *self.pay_and_finish(delivery)]

    def confirm(self, delivery: Delivery) -> list[Event]:
        """Hold the buyer's yen for the seller."""
        if delivery.state is not DeliveryState.PROVISIONAL:
            return []
        delivery.hindrance = bar(delivery, self._registers[delivery.terms.instrument_id])
        if delivery.hindrance is None and delivery.moves_yen:
            delivery.hindrance = self._cash.fund(order_for(delivery))
        if delivery.hindrance is not None:
            return []
        return [delivery.move(self.life, DeliveryAction.CONFIRM)]

    def pay_and_finish(self, delivery: Delivery) -> list[Event]:
        """Pay what is confirmed; deliver what is paid."""
        events: list[Event] = []
        if delivery.state is DeliveryState.CONFIRMED:
            events += self.pay(delivery)
        if delivery.state is DeliveryState.PAID and not self._waits(delivery):
            events += self.finish(delivery, self._cash.evidence_of(delivery.hold_id))
        return events

    def _waits(self, delivery: Delivery) -> bool:
        """Whether the token ledger cannot post what is paid now; it is posted once it can."""
        register = self._registers[delivery.terms.instrument_id]
        refused = register.completion_hindrance(delivery.terms.buyer)
        if refused is None or not delivery.moves_units:
            return False
        delivery.hindrance = FAIL[refused]
        return True

    def pay(self, delivery: Delivery) -> list[Event]:
        """Order the payment, unless it is held or may not move: the last check before no return."""
        hindrance = bar(delivery, self._registers[delivery.terms.instrument_id])
        if self._cash.is_under_way(delivery):
            hindrance = FailReason.PAYMENT_PENDING
        elif hindrance is None and delivery.moves_yen:
            answer = self._cash.pay(order_for(delivery))
            hindrance = answer if isinstance(answer, FailReason) else None
        if hindrance is not None:
            delivery.hindrance = hindrance
            return []
        return self._tell_paid(delivery)

    def _tell_paid(self, delivery: Delivery) -> list[Event]:
        return [*yen_events(delivery), delivery.move(self.life, DeliveryAction.PAY)]

    def finish(self, delivery: Delivery, evidence: SignedEvidence | None) -> list[Event]:
        """Post the units against evidence of payment, whatever the transfer flag says now.

        Raises:
            InvariantBroken: When the evidence is for something else, or not the issuer's, or is
                missing although yen are owed.
        """
        delivery_id = delivery.terms.delivery_id
        if delivery.moves_yen:
            check(
                evidence is not None and evidence.order == order_for(delivery),
                "I24: evidence is bound to this delivery, version, payer, payee and amount",
                delivery=delivery_id,
            )
            check(
                evidence is not None and self._cash.is_genuine(evidence),
                "evidence is signed by the money's issuer and on its record",
                delivery=delivery_id,
            )
        # I4: the cash leg is posted; from here the units leg cannot fail.
        if delivery.moves_units:
            self._registers[delivery.terms.instrument_id].post_hold(delivery.hold_id)
        return [*units_events(delivery), *delivery.settle(self.life)]

    def cut_off(self, delivery: Delivery) -> list[Event]:
        """Complete what is paid; return the rest whole and mark it failing.

        What is under way stays, unless its issuer has failed: then it will never be paid.
        """
        events = self.pay_and_finish(delivery) if delivery.state is DeliveryState.PAID else []
        if delivery.is_decided or delivery.state is DeliveryState.FAILING:
            return events
        if self._cash.is_under_way(delivery):
            if not self._cash.money.defaulted:
                return events
            delivery.hindrance = FailReason.ISSUER_DEFAULTED
        refused = self._registers[delivery.terms.instrument_id].return_hindrance()
        if refused is not None and delivery.state in UNITS_HELD_STATES:
            delivery.hindrance = FAIL[refused]
            return events  # the ledger is down: the locks stay, and the delivery goes on from them
        self._return_locks(delivery)
        return [*events, fail(delivery, self.life)]

    def cancel(self, delivery: Delivery, reason: FailReason = FailReason.CANCELED) -> list[Event]:
        """End it and return every lock, whatever the transfer flag says (I20)."""
        self._return_locks(delivery)
        return [delivery.move(self.life, DeliveryAction.CANCEL, reason)]

    def _return_locks(self, delivery: Delivery) -> None:
        if delivery.moves_units and delivery.state in UNITS_HELD_STATES:
            self._registers[delivery.terms.instrument_id].void_hold(delivery.hold_id)
        if delivery.moves_yen and delivery.state in YEN_HELD_STATES:
            self._cash.return_funds(delivery.hold_id)
