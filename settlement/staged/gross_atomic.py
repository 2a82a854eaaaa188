"""Gross, atomic, one ledger for both sides: units and yen change hands in one step (DvP model 1).

| from | action | to |
|---|---|---|
| created | finish | finished |
| created | fill | created |
| created | fail | failing |
| created | cancel | canceled |
| failing | retry | created |
| failing | cancel | canceled |

Every stage, the cut-off too, settles whatever can be settled: deliveries are tried by id, and the
round is repeated while any of them finished, because its units or cash may be what another one
waited for. A delivery that lacks something is passed over, never in the way of those behind it. Where
parts are allowed, they are tried by id once nothing whole settles any more, and then the whole ones
again, until neither does. At the cut-off what is left is failing (フェイル); the next business day's first
stage tries again.

Cost of a stage: deliveries times rounds. One round is the rule; a chain of n deliveries that each
pay for the one before, the worst case, takes n.

Known limits: no search for sets that could only settle together (gridlock).
Source: DvP model 1 (CPSS, Delivery versus payment in securities settlement systems, 1992). That rounds
repeat, and that parts come last, is our choice.
"""

from collections.abc import Sequence

from market.events import DeliveryAction, DeliveryState, Event
from market.reasons import FailReason
from market.rules import SettlementMode
from settlement.cash import Cash
from settlement.delivery import GROSS_ATOMIC_LIFE, Delivery
from settlement.dvp import exchange, fail, plan_part, units_events, yen_events
from settlement.lifecycle.partials import PartialRule
from settlement.register import Registers


class GrossAtomic:
    """Design A."""

    name = SettlementMode.GROSS_ATOMIC.value
    stages = ("first_batch", "second_batch", "third_batch", "cut_off")
    life = GROSS_ATOMIC_LIFE

    def __init__(
        self, cash: Cash, registers: Registers, partial_rule: PartialRule | None = None
    ) -> None:
        self._cash = cash
        self._registers = registers
        self._partial_rule = partial_rule
        self._second = 0

    def run(self, stage: int, due: Sequence[Delivery], second_of_day: int) -> list[Event]:
        """Settle what can be settled; at the cut-off, fail the rest."""
        self._second = second_of_day
        events: list[Event] = []
        if stage == 0:
            events += [
                delivery.move(self.life, DeliveryAction.RETRY)
                for delivery in due
                if delivery.state is DeliveryState.FAILING
            ]
        waiting = [delivery for delivery in due if delivery.state is DeliveryState.CREATED]
        while waiting:
            left = [delivery for delivery in waiting if not self._settle(delivery, events)]
            stuck = len(left) == len(waiting)
            waiting = left
            if stuck and not self._settle_parts(left, events):
                break
        if stage == len(self.stages) - 1:
            events += [fail(delivery, self.life) for delivery in waiting]
        return events

    def _settle(self, delivery: Delivery, events: list[Event]) -> bool:
        register = self._registers[delivery.terms.instrument_id]
        delivery.hindrance = exchange(delivery, register, self._cash)
        if delivery.hindrance is not None:
            return False
        events += units_events(delivery)
        events += yen_events(delivery)
        events += delivery.settle(self.life)
        return True

    def _settle_parts(self, waiting: Sequence[Delivery], events: list[Event]) -> bool:
        """Settle a part of whatever has units for one; whether any did. O(waiting)."""
        told = len(events)
        for delivery in waiting:
            register = self._registers[delivery.terms.instrument_id]
            short = delivery.hindrance is FailReason.SELLER_SHORT_OF_UNITS
            tried = short and plan_part(delivery, register, self._partial_rule, self._second)
            if tried and not self._settle(delivery, events):
                delivery.part = None
        return len(events) > told

    def cancel(self, delivery: Delivery, reason: FailReason = FailReason.CANCELED) -> list[Event]:
        """End it; nothing is ever locked here."""
        return [delivery.move(self.life, DeliveryAction.CANCEL, reason)]
