"""Error trades (誤発注): which trades were named as made in error, and which may be voided.

A report names trades that are still to be delivered; the share of the issue that all trades of the
issue named so far make up decides whether the issue is halted (the core's act) and whether the
preset lets them be voided (約定取消). A trade of which a part is settled cannot be. A voided trade is as if it had never been made: its delivery
ends without movement, every lock returns, and the day's figures are worked out without it.

Refusals, in the catalogue's order: fields that do not fit together, a trade nobody knows, a trade
whose delivery is paid or over, and a void the rule does not cover and nobody overrides.

Known limits: what an order was filled is not put back on the book; an amended order counts as the
orders it was, by their ids; base prices of days gone by stay.
Source: JPX, erroneous orders: halt above 10% of listed units, void possible above 20%, below that in
special cases only. START's own rule was not found.
"""

from collections.abc import Callable, Mapping
from typing import Final

from market.commands import BustTrade, ReportErrorTrade
from market.errors import check
from market.events import DeliveryState, ErrorTradeReported, Trade, TradeBusted
from market.ids import InstrumentId, TradeId
from market.quantities import Units
from market.reasons import RejectReason
from settlement.deliveries import Deliveries
from settlement.delivery import Delivery
from settlement.register import Register

_PERCENT: Final = 100


class ErrorTrades:
    """Reports and voids of one run.

    Args:
        bust_percent: A trade may be voided when the named units are above this share of the issue;
            0 lets only the operator's override do it.
    """

    __slots__ = ("_book", "_bust_percent", "_registers", "busted", "named")

    def __init__(
        self, book: Deliveries, registers: Mapping[InstrumentId, Register], bust_percent: int
    ) -> None:
        self._book = book
        self._registers = registers
        self._bust_percent = bust_percent
        self.named: dict[InstrumentId, dict[TradeId, Units]] = {}
        self.busted: dict[TradeId, None] = {}

    def start_day(self) -> None:
        """Forget the issues whose named trades are all settled or voided. O(named trades)."""
        for instrument_id in list(self.named):
            if all(self._refuse(trade_id) for trade_id in self.named[instrument_id]):
                del self.named[instrument_id]

    def error_units(self, instrument_id: InstrumentId) -> Units:
        """Units of all trades of an issue that were named. O(them)."""
        return Units(sum(self.named.get(instrument_id, {}).values()))

    def is_above(self, instrument_id: InstrumentId, percent: int) -> bool:
        """Whether the named units are above a share of the issue; never above 0 percent, off."""
        issued = self._registers[instrument_id].issued_units
        return bool(percent) and self.error_units(instrument_id) * _PERCENT > issued * percent

    def report(self, command: ReportErrorTrade) -> ErrorTradeReported | RejectReason:
        """Name trades. O(open deliveries) by order, O(named) by trade."""
        trade_ids, order_id = command.trade_ids, command.order_id
        one_way = bool(trade_ids) is (order_id is None)
        if not one_way or len(dict.fromkeys(trade_ids)) != len(trade_ids):
            return RejectReason.INVALID_COMBINATION
        if order_id is not None:
            trade_ids = tuple(
                trade.trade_id
                for trade in self._book.obligations.unreconciled.values()
                if order_id in (trade.buy_order_id, trade.sell_order_id)
                and self._refuse(trade.trade_id) is None
            )
            if not trade_ids:
                return RejectReason.UNKNOWN_TRADE
        refusals = [reason for one in trade_ids if (reason := self._refuse(one)) is not None]
        if refusals:
            return min(refusals, key=_IN_ORDER.index)
        trades = [self._trade(trade_id) for trade_id in trade_ids]
        instrument_id = trades[0].instrument_id
        if any(trade.instrument_id != instrument_id for trade in trades):
            return RejectReason.INVALID_COMBINATION
        named = self.named.setdefault(instrument_id, {})
        named |= {trade.trade_id: trade.quantity_units for trade in trades}
        return ErrorTradeReported(
            instrument_id=instrument_id,
            trade_ids=trade_ids,
            error_units=self.error_units(instrument_id),
            reason=command.reason,
        )

    def bust(self, command: BustTrade) -> TradeBusted | RejectReason:
        """Void a trade; its delivery must be canceled with it. O(named trades)."""
        trade_id = command.trade_id
        refusal = self._refuse(trade_id)
        if refusal is not None:
            return refusal
        trade = self._trade(trade_id)
        named = trade_id in self.named.get(trade.instrument_id, {})
        by_rule = named and self.is_above(trade.instrument_id, self._bust_percent)
        if not by_rule and not command.override:
            return RejectReason.BUST_NOT_ALLOWED
        self.busted[trade_id] = None
        return TradeBusted(
            trade_id=trade_id,
            delivery_id=self._book.obligations.delivery_of_trade[trade_id],
            instrument_id=trade.instrument_id,
            price_sen=trade.price_sen,
            quantity_units=trade.quantity_units,
            buyer=trade.buyer,
            seller=trade.seller,
            buy_order_id=trade.buy_order_id,
            sell_order_id=trade.sell_order_id,
            reason=command.reason,
        )

    def lock_refusal(
        self, trade_id: TradeId, barred: Callable[[Delivery], RejectReason | None]
    ) -> RejectReason | None:
        """Why a trade that may be voided cannot give back its lock now, or None."""
        if self._refuse(trade_id) is not None:
            return None
        return barred(self._book.by_id[self._book.obligations.delivery_of_trade[trade_id]])

    def _refuse(self, trade_id: TradeId) -> RejectReason | None:
        """Why a trade can be neither named nor voided, or None."""
        delivery_id = self._book.obligations.delivery_of_trade.get(trade_id)
        if delivery_id is None:
            return RejectReason.UNKNOWN_TRADE
        delivery = self._book.by_id[delivery_id]
        if delivery.is_decided or delivery.filled_units:
            return RejectReason.ALREADY_FINAL
        return None

    def _trade(self, trade_id: TradeId) -> Trade:
        obligations = self._book.obligations
        return obligations.unreconciled[obligations.delivery_of_trade[trade_id]]

    def check_invariants(self) -> None:
        """A voided trade is never delivered. O(voided trades)."""
        for trade_id in self.busted:
            delivery = self._book.by_id[self._book.obligations.delivery_of_trade[trade_id]]
            canceled = delivery.state is DeliveryState.CANCELED
            check(canceled, "a voided trade's delivery is canceled", trade=trade_id)

    def state(self) -> dict[str, object]:
        """Canonical content for the digest."""
        return {
            "named": {
                instrument_id: [[trade_id, units] for trade_id, units in sorted(named.items())]
                for instrument_id, named in sorted(self.named.items())
            },
            "busted": list(self.busted),
        }


_IN_ORDER: Final = (RejectReason.UNKNOWN_TRADE, RejectReason.ALREADY_FINAL)
