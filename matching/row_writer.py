"""Events of the rules as rows: what a batch writes for whatever the kernel did not do by itself.

The columns are those of ``EVENT`` in rows.py; events that have no row there are left out. Ordering:
rows stand in the order of the events. Cost: O(events).
"""

from collections.abc import Callable
from heapq import heappush
from typing import Any, Final

from market.errors import check
from market.events import (
    AuctionHeld,
    CommandRefused,
    Event,
    IndicativePriceChanged,
    OrderAccepted,
    OrderAmended,
    OrderCanceled,
    OrderExpired,
    OrderReduced,
    PhaseChanged,
    QuoteEnded,
    QuoteShown,
    ReferencePriceSet,
    RequestRejected,
    Trade,
    TradingHalted,
    TradingResumed,
)
from market.ids import InstrumentId
from market.quantities import TimeNs
from market.reasons import CancelReason
from matching.kernel import Kernel
from matching.rows import (
    CANCEL_REASONS,
    EVERY_ISSUE,
    FLAG_CROSS,
    FLAG_KEPT_PRIORITY,
    FLAG_SELF_TRADE,
    FLAG_SKIPPED,
    PHASES,
    QUOTE_KINDS,
    REJECT_REASONS,
    SIDES,
    What,
)

REJECT_CODE: Final = {reason: code for code, reason in enumerate(REJECT_REASONS)}
_CANCEL_CODE: Final = {reason: code for code, reason in enumerate(CANCEL_REASONS)}


def ending_head(reason: CancelReason | None) -> int:
    """What the row of an ended order begins with: canceled for a reason, or expired."""
    return What.EXPIRED if reason is None else What.CANCELED | _CANCEL_CODE[reason] << 8


class RowWriter:
    """Writes rows of one kernel.

    Attributes:
        indicative: Whether changes of the indicative price are told.
        renewals: Quotes to renew, as a heap of (time, issue, quote number).
    """

    def __init__(
        self, kernel: Kernel, numbers: dict[InstrumentId, int], *, indicative: bool
    ) -> None:
        """A writer.

        Args:
            kernel: Where the rows go.
            numbers: What stands for each issue in them.
            indicative: Whether changes of the indicative price are told.
        """
        self.kernel = kernel
        self.renewals: list[tuple[TimeNs, int, int]] = []
        self._numbers = numbers
        self.indicative = indicative
        self._asked = 0
        self._tellers = self._table()

    def write(self, events: list[Event], asked: int) -> None:
        """Write events, and empty the list.

        Args:
            events: What happened, in order.
            asked: The order that the command named; it is the aggressor of its trades.
        """
        self._asked = asked
        for event in events:
            teller = self._tellers.get(type(event))
            if teller is not None:
                teller(event)
        events.clear()

    def _table(self) -> dict[type, Callable[[Any], None]]:
        """Which method writes which event."""
        return {
            OrderAccepted: self._tell_accepted,
            OrderAmended: self._tell_amended,
            OrderCanceled: self._tell_canceled,
            OrderExpired: self._tell_expired,
            OrderReduced: self._tell_reduced,
            Trade: self._tell_trade,
            AuctionHeld: self._tell_auction,
            IndicativePriceChanged: self._tell_indicative,
            PhaseChanged: self._tell_phase,
            TradingHalted: self._tell_halted,
            TradingResumed: self._tell_resumed,
            ReferencePriceSet: self._tell_reference,
            QuoteShown: self._tell_quote,
            QuoteEnded: self._tell_quote_ended,
            CommandRefused: self._tell_refused,
            RequestRejected: _not_here,
        }

    def _tell_accepted(self, event: OrderAccepted) -> None:
        self.kernel.tell(
            What.ACCEPTED, self._numbers[event.instrument_id], event.order_id,
            price=event.price_sen, units=event.quantity_units, leaves=event.quantity_units,
            side=SIDES.index(event.side),
        )  # fmt: skip

    def _tell_amended(self, event: OrderAmended) -> None:
        self.kernel.tell(
            What.AMENDED, self._numbers[event.instrument_id], event.order_id,
            price=event.price_sen, units=event.leaves_units, leaves=event.leaves_units,
            flags=FLAG_KEPT_PRIORITY * event.kept_priority, side=SIDES.index(event.side),
        )  # fmt: skip

    def _tell_canceled(self, event: OrderCanceled) -> None:
        self.kernel.tell(
            What.CANCELED, self._numbers[event.instrument_id], event.order_id,
            units=event.canceled_units, reason=_CANCEL_CODE[event.reason],
        )  # fmt: skip

    def _tell_expired(self, event: OrderExpired) -> None:
        number = self._numbers[event.instrument_id]
        self.kernel.tell(What.EXPIRED, number, event.order_id, units=event.expired_units)

    def _tell_reduced(self, event: OrderReduced) -> None:
        self.kernel.tell(
            What.REDUCED, self._numbers[event.instrument_id], event.order_id,
            units=event.prevented_units, leaves=event.leaves_units,
        )  # fmt: skip

    def _tell_trade(self, event: Trade) -> None:
        self.kernel.tell(
            What.TRADE, self._numbers[event.instrument_id], event.buy_order_id,
            event.sell_order_id, price=event.price_sen, units=event.quantity_units,
            leaves=event.buy_leaves_units, contra_leaves=event.sell_leaves_units,
            flags=FLAG_CROSS * event.cross | FLAG_SELF_TRADE * event.self_trade,
            side=0 if event.cross else self._aggressor(event),
        )  # fmt: skip

    def _aggressor(self, event: Trade) -> int:
        """The side of the order that the command named."""
        return 1 if event.buy_order_id == self._asked else 2

    def _tell_auction(self, event: AuctionHeld) -> None:
        self.kernel.tell(
            What.AUCTION, self._numbers[event.instrument_id], price=event.price_sen or 0,
            units=event.executed_units, leaves=event.trades, flags=FLAG_SKIPPED * event.skipped,
        )  # fmt: skip

    def _tell_indicative(self, event: IndicativePriceChanged) -> None:
        if self.indicative:
            self.kernel.tell(
                What.INDICATIVE, self._numbers[event.instrument_id], price=event.price_sen or 0,
                units=event.executed_units, leaves=event.surplus_units,
            )  # fmt: skip

    def _tell_phase(self, event: PhaseChanged) -> None:
        number = self._numbers[event.instrument_id]
        self.kernel.tell(What.PHASE, number, units=PHASES.index(event.phase))

    def _tell_halted(self, event: TradingHalted) -> None:
        self.kernel.tell(What.HALTED, self._numbers[event.instrument_id])

    def _tell_resumed(self, event: TradingResumed) -> None:
        self.kernel.tell(What.RESUMED, self._numbers[event.instrument_id])

    def _tell_reference(self, event: ReferencePriceSet) -> None:
        self.kernel.tell(
            What.REFERENCE, self._numbers[event.instrument_id],
            price=event.reference_price_sen, leaves=event.lower_limit_sen,
            contra_leaves=event.upper_limit_sen,
        )  # fmt: skip

    def _tell_quote(self, event: QuoteShown) -> None:
        number = self._numbers[event.instrument_id]
        self.kernel.tell(
            What.QUOTE, number, event.quote_number, price=event.price_sen,
            side=SIDES.index(event.side), flags=QUOTE_KINDS.index(event.kind),
        )  # fmt: skip
        if event.renew_at_ns:
            heappush(self.renewals, (event.renew_at_ns, number, event.quote_number))

    def _tell_quote_ended(self, event: QuoteEnded) -> None:
        number = self._numbers[event.instrument_id]
        self.kernel.tell(What.QUOTE_ENDED, number, event.quote_number)

    def _tell_refused(self, event: CommandRefused) -> None:
        self.kernel.tell(What.REFUSED, EVERY_ISSUE, reason=REJECT_CODE[event.reason])


def _not_here(event: Event) -> None:
    check(False, "the batch door refuses in rows", event=event)
