"""Everything public about one issue (銘柄), and how each channel tells it.

Purpose: holds the folds (depth, tape, state, indicative price) and the streams of one issue, and
turns them into wire data. It decides nothing; market_data.py feeds it event by event.

Invariants: depth counts orders steps: the depth at ``seq`` n is the book after orders step n, so
either channel proves the other, and depth's numbers do not depend on when it was drained.
"""

from typing import Final

from feeds import wire
from feeds.depth import Depth, Level, PublicOrder
from feeds.snapshot import FeedMessage, Stream
from feeds.tape import Tape
from feeds.wire import Channel, price_text
from market.errors import check
from market.events import AuctionHeld, IndicativePriceChanged, QuoteShown, Trade
from market.ids import OrderId, order_id_to_text, trade_id_to_text
from market.instrument import Instrument
from market.quantities import Sen, TimeNs
from market.words import OrderKind, Phase

ISSUE_CHANNELS: Final = (
    Channel.INSTRUMENTS,
    Channel.PHASE,
    Channel.ORDERS,
    Channel.DEPTH,
    Channel.AUCTION,
    Channel.TRADES,
)
"""Channels that have one stream for each issue, in the order a reader wants them."""


def optional_price_text(price_sen: Sen | None) -> str | None:
    """A price, or null where there is none."""
    return None if price_sen is None else price_text(price_sen)


def _levels(levels: list[Level]) -> list[tuple[str, int, int]]:
    return [(price_text(price_sen), units, orders) for price_sen, units, orders in levels]


class Issue:
    """Folds and streams of one issue.

    Attributes:
        unseen: Orders that wait for the closing call and are on no book yet.
    """

    def __init__(
        self,
        instrument: Instrument,
        *,
        retention_messages_max: int,
        publishes_indicative_volume: bool,
        non_cancel_phases: tuple[Phase, ...],
    ) -> None:
        self.publishes_indicative_volume = publishes_indicative_volume
        self.non_cancel_phases = non_cancel_phases
        self.list_as(instrument)
        self.phase = Phase.CLOSED
        self.halt_reason: str | None = None
        self.indicative: IndicativePriceChanged | None = None
        self.cross: AuctionHeld | None = None
        self.quote: QuoteShown | None = None
        self.depth = Depth()
        self.unseen: dict[OrderId, None] = {}
        self.depth_at_ns = TimeNs(0)
        self.tape = Tape()
        self.streams = {
            channel: Stream(channel, instrument.instrument_id, retention_messages_max)
            for channel in ISSUE_CHANNELS
        }
        self.orders_stream = self.streams[Channel.ORDERS]
        self.depth_stream = self.streams[Channel.DEPTH]
        self.trades_stream = self.streams[Channel.TRADES]

    def list_as(self, instrument: Instrument) -> None:
        """Take reference data as listed; base price and limits are those of the issue price."""
        self.instrument = instrument
        self.reference_price_sen = instrument.issue_price_sen
        self.limits_sen = instrument.daily_limits(instrument.issue_price_sen)
        self.transfer_executable = instrument.transfer_executable
        self.market_orders_barred = instrument.market_orders_barred
        self.nav_sen = instrument.nav_sen
        self.next_reference_sen: Sen | None = None

    def new_day(self) -> None:
        """Forget yesterday's messages and tape; whatever is still on the book stays."""
        for stream in self.streams.values():
            stream.forget()
        self.tape.new_day()

    # --- what each channel says in an update

    def instrument_data(self) -> wire.InstrumentData:
        """Reference data as it stands."""
        listed = self.instrument
        lower_sen, upper_sen = self.limits_sen
        rows = zip(listed.ticks.up_to_sen, listed.ticks.tick_sen, strict=True)
        return wire.InstrumentData(
            isin=listed.isin,
            name=listed.name,
            product_class=str(listed.product_class),
            trading_unit_units=listed.trading_unit_units,
            issued_units=listed.issued_units,
            issue_price=price_text(listed.issue_price_sen),
            reference_price=price_text(self.reference_price_sen),
            lower_limit=price_text(lower_sen),
            upper_limit=price_text(upper_sen),
            tick_table=wire.TickTableData(
                table_id=listed.ticks.table_id,
                rows=[(price_text(Sen(up_to)), price_text(Sen(tick))) for up_to, tick in rows],
            ),
            market_orders_barred=self.market_orders_barred,
            under_supervision=listed.under_supervision,
            to_be_removed=listed.to_be_removed,
            transfer_executable=self.transfer_executable,
            nav=price_text(self.nav_sen) if self.nav_sen else None,
            next_reference_price=optional_price_text(self.next_reference_sen),
        )

    def phase_data(self) -> wire.PhaseData:
        """State of the book in START's names, and suspension beside it."""
        return wire.PhaseData(
            phase=self.phase,
            non_cancel=self.phase in self.non_cancel_phases,
            suspended=self.halt_reason is not None,
            reason=self.halt_reason,
        )

    def indicative_data(self) -> wire.Indicative:
        """The indicative price; quantities only where the rulebook publishes them."""
        now = self.indicative
        price = None if now is None else optional_price_text(now.price_sen)
        if not self.publishes_indicative_volume:
            return wire.Indicative(price=price)
        return wire.Indicative(
            price=price,
            executed_units=0 if now is None else now.executed_units,
            surplus_units=0 if now is None else now.surplus_units,
        )

    def cross_data(self) -> wire.CrossResult | None:
        """The last cross, or None."""
        held = self.cross
        if held is None:
            return None
        return wire.CrossResult(
            phase=held.phase,
            price=optional_price_text(held.price_sen),
            executed_units=held.executed_units,
            trades=held.trades,
            skipped=held.skipped,
        )

    def quote_data(self) -> wire.QuoteNews | None:
        """The quote shown, or None."""
        shown = self.quote
        if shown is None:
            return None
        return wire.QuoteNews(
            quote_number=shown.quote_number,
            kind=shown.kind,
            side=shown.side,
            price=price_text(shown.price_sen),
            renew_at_ns=shown.renew_at_ns or None,
        )

    def trade_data(self, trade: Trade) -> wire.TradeReport:
        """One trade, after the tape took it; who traded is not said."""
        return wire.TradeReport(
            trade_number=trade_id_to_text(trade.trade_id),
            price=price_text(trade.price_sen),
            quantity_units=trade.quantity_units,
            cross=trade.cross,
            totals=self.totals_data(),
        )

    def totals_data(self) -> wire.DayTotals:
        """Totals of the day."""
        tape = self.tape
        return wire.DayTotals(
            volume_units=tape.volume_units,
            value_yen=tape.value_yen,
            trade_count=tape.trade_count,
            open=optional_price_text(tape.open_sen),
            high=optional_price_text(tape.high_sen),
            low=optional_price_text(tape.low_sen),
            last=optional_price_text(tape.last_sen),
        )

    def depth_message(self) -> FeedMessage | None:
        """One message for all book changes since the last, or None. O(changes)."""
        if self.depth_stream.seq == self.orders_stream.seq:
            return None
        bids, asks = self.depth.take_changes()
        data = self._depth_data(bids, asks)
        return self.depth_stream.publish(self.depth_at_ns, data, up_to=self.orders_stream.seq)

    def _depth_data(self, bids: list[Level], asks: list[Level]) -> wire.DepthData:
        return wire.DepthData(
            bids=_levels(bids),
            asks=_levels(asks),
            market_buy_units=self.depth.bids.market_units,
            market_sell_units=self.depth.asks.market_units,
            over_units=self.depth.asks.beyond_units(),
            under_units=self.depth.bids.beyond_units(),
            crc=self.depth.crc(),
        )

    # --- what each channel says in a snapshot

    def snapshot(self, channel: Channel, conflated: int = 1) -> bytes:
        """All of one channel as it stands; made once for each position."""
        stream = self.streams[channel]
        cached = stream.cached_snapshot() if conflated == 1 else None
        return cached or stream.snapshot(self._snapshot_data(channel), conflated)

    def _snapshot_data(self, channel: Channel) -> object:
        if channel is Channel.INSTRUMENTS:
            return self.instrument_data()
        if channel is Channel.PHASE:
            return self.phase_data()
        if channel is Channel.ORDERS:
            return wire.OrdersData(orders=[_open_order(o) for o in self.depth.in_priority()])
        if channel is Channel.DEPTH:
            return self._depth_data(*self.depth.all_levels())
        if channel is Channel.AUCTION:
            return wire.AuctionData(
                indicative=self.indicative_data(), result=self.cross_data(), quote=self.quote_data()
            )
        return self._trades_data()

    def _trades_data(self) -> wire.TradesData:
        return wire.TradesData(
            trades=[
                wire.RecentTrade(
                    trade_number=trade_id_to_text(trade_id),
                    price=price_text(price_sen),
                    quantity_units=quantity_units,
                    cross=cross,
                    at_ns=at_ns,
                )
                for trade_id, price_sen, quantity_units, cross, at_ns in self.tape.recent
            ],
            totals=self.totals_data(),
        )

    def check_invariants(self) -> None:
        """Check folds and streams. O(orders + levels + recent trades)."""
        self.depth.check_invariants()
        self.tape.check_invariants()
        for stream in self.streams.values():
            stream.check_invariants()
        check(
            self.depth_stream.seq == self.orders_stream.seq,
            "depth has told every orders step",
            issue=self.instrument.instrument_id,
        )

    def state(self) -> dict[str, object]:
        """Positions and folds as plain values."""
        return {
            "heads": {str(channel): stream.seq for channel, stream in self.streams.items()},
            "phase": str(self.phase),
            "halt_reason": self.halt_reason,
            "depth": self.depth.state(),
            "tape": self.tape.state(),
        }


def _open_order(order: PublicOrder) -> wire.OpenOrder:
    is_market = order.kind is OrderKind.MARKET
    return wire.OpenOrder(
        order_number=order_id_to_text(order.order_id),
        side=order.side,
        kind=order.kind,
        price=None if is_market else price_text(order.price_sen),
        leaves_units=order.leaves_units,
    )
