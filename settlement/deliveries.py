"""Every delivery there ever was, those still open, and what the world was told of them.

Ordering: by delivery id, which is journal order, so first in is first out. Every event a design
or a deposit makes passes :meth:`Deliveries.tell` before the world hears it; that is what the end
of day is reconciled against.

Known limits: deliveries that are over are kept for reading; they cost nothing in any stage.
"""

from datetime import date

from market.errors import check
from market.events import (
    DeliveryChanged,
    DeliveryCreated,
    DeliveryState,
    Event,
    Reconciled,
    Trade,
)
from market.ids import DeliveryId, TradeId
from market.words import Side
from settlement.cash import Cash
from settlement.delivery import TERMINAL_STATES, Delivery
from settlement.obligations import Obligations
from settlement.reconciliation import (
    PostingRecord,
    balance_breaks,
    delivery_breaks,
    hold_breaks,
    late_posting_breaks,
    reversal_breaks,
)
from settlement.register import Registers


class Deliveries:
    """The book of deliveries.

    Args:
        affirmation: Whether both sides must affirm a delivery before it goes a step.

    Attributes:
        by_id: All of them.
        under_way: Those neither finished nor canceled.
        by_date: The same by settlement date, so that a stage looks only at what is due.
        record: What the posting events said.
        obligations: Which trade made which delivery.
        trades_today: The day's trades, without those voided, in journal order.
    """

    __slots__ = (
        "_awaits",
        "_busted_today",
        "_finished_today",
        "by_date",
        "by_id",
        "obligations",
        "record",
        "trades_today",
        "under_way",
    )

    def __init__(self, *, affirmation: bool = False) -> None:
        self._awaits = frozenset(Side) if affirmation else frozenset()
        self.by_id: dict[DeliveryId, Delivery] = {}
        self.under_way: dict[DeliveryId, Delivery] = {}
        self.by_date: dict[date, dict[DeliveryId, Delivery]] = {}
        self.record = PostingRecord()
        self.obligations = Obligations()
        self.trades_today: dict[TradeId, Trade] = {}
        self._finished_today = self._busted_today = 0

    def start_day(self) -> None:
        """Count today's trades and deliveries from zero."""
        self.trades_today.clear()
        self._finished_today = self._busted_today = 0

    def create(self, trade: Trade, settlement_date: date) -> DeliveryCreated:
        """Open the delivery that ``trade`` calls for."""
        created = self.obligations.from_trade(trade, settlement_date)
        self._open(Delivery(created, awaits=self._awaits))
        self.trades_today[trade.trade_id] = trade
        return created

    def reverse(self, delivery: Delivery, settlement_date: date) -> DeliveryCreated:
        """Open the delivery that takes ``delivery``, which is finished, back."""
        created = self.obligations.from_finished(delivery.terms, settlement_date)
        self._open(Delivery(created))
        return created

    def _open(self, delivery: Delivery) -> None:
        delivery_id, day = delivery.terms.delivery_id, delivery.terms.settlement_date
        self.by_id[delivery_id] = delivery
        self.under_way[delivery_id] = delivery
        self.by_date.setdefault(day, {})[delivery_id] = delivery

    def forget_trade(self, trade_id: TradeId) -> None:
        """A trade was voided: it is none of the day's any more, if it ever was."""
        self.trades_today.pop(trade_id, None)
        self._busted_today += 1

    def due(self, today: date) -> list[Delivery]:
        """Open deliveries whose settlement date has come, by id. O(due + dates), near enough."""
        days = [self.by_date[day] for day in sorted(self.by_date) if day <= today]
        due = [delivery for day in days for delivery in day.values()]
        if len(days) > 1:
            due.sort(key=_id_of)
        return due

    def tell(self, events: list[Event]) -> list[Event]:
        """Record what was done before the world hears of it."""
        for event in events:
            if isinstance(event, DeliveryChanged):
                if event.state in TERMINAL_STATES:
                    # I8: what is over has no way back into a stage.
                    self._close(self.under_way.pop(event.delivery_id))
                    self._finished_today += event.state is DeliveryState.FINISHED
            else:
                self.record.fold(event)
        return events

    def _close(self, delivery: Delivery) -> None:
        day = delivery.terms.settlement_date
        of_the_day = self.by_date[day]
        del of_the_day[delivery.terms.delivery_id]
        if not of_the_day:
            del self.by_date[day]

    def reconcile(self, today: date, registers: Registers, cash: Cash) -> Reconciled:
        """Compare everything (照合), then let go of what is over.

        O(accounts, open deliveries, deliveries that ended since the last time).
        """
        trades, reversals = self.obligations.unreconciled, self.obligations.unreconciled_reversals
        breaks = (
            *delivery_breaks(trades, self.by_id, self.record),
            *reversal_breaks(reversals, self.by_id, self.record),
            *late_posting_breaks(trades, reversals, self.record),
            *balance_breaks(registers, cash, self.record),
            *hold_breaks(self.under_way, registers, cash),
        )
        for delivery_id in [key for key in trades if key not in self.under_way]:
            del trades[delivery_id]
            self.record.of_delivery.pop(delivery_id, None)
        for delivery_id in [key for key in reversals if key not in self.under_way]:
            del reversals[delivery_id]
            self.record.of_delivery.pop(delivery_id, None)
        return Reconciled(
            business_date=today,
            trades=len(self.trades_today),
            finished=self._finished_today,
            open_deliveries=len(self.under_way),
            failing=sum(d.state is DeliveryState.FAILING for d in self.under_way.values()),
            breaks=breaks,
            busted=self._busted_today,
        )

    def check_invariants(self, registers: Registers, cash: Cash) -> None:
        """Holds and postings fit the states of open deliveries. O(open deliveries)."""
        strays = list(hold_breaks(self.under_way, registers, cash))
        check(not strays, "I1, I2, I6: every hold belongs to a delivery under way", found=strays)
        trades, reversals = self.obligations.unreconciled, self.obligations.unreconciled_reversals
        open_trades = {key: trades[key] for key in self.under_way if key not in reversals}
        unequal = list(delivery_breaks(open_trades, self.by_id, self.record))
        unequal += reversal_breaks(reversals, self.by_id, self.record)
        check(not unequal, "I4: no leg is posted before its time", found=unequal)
        for delivery_id, delivery in self.under_way.items():
            check(not delivery.is_over, "an open delivery is not over", delivery=delivery_id)
            of_the_day = self.by_date.get(delivery.terms.settlement_date, {})
            found = of_the_day.get(delivery_id) is delivery
            check(found, "an open delivery stands under its date", delivery=delivery_id)
        dated = sum(len(of_the_day) for of_the_day in self.by_date.values())
        check(dated == len(self.under_way), "only open deliveries stand under a date", dated=dated)

    def state(self) -> dict[str, object]:
        """Canonical content for the digest. O(open and unreconciled deliveries)."""
        return {
            "under_way": [delivery.state_row() for delivery in self.under_way.values()],
            "obligations": self.obligations.state(),
            "today": [len(self.trades_today), self._finished_today, self._busted_today],
        }


def _id_of(delivery: Delivery) -> DeliveryId:
    return delivery.terms.delivery_id
