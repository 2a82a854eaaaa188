"""Public market data: the room's front door. Events in, numbered messages and snapshots out.

Purpose: ``apply`` notes an event, ``drain`` tells it. The core may run ahead of the disk and the
feed may not, so nothing is folded before it is drained: a snapshot, a recovery and a heartbeat
all stand exactly where the last drain stood, and a reader that joins there misses nothing.

Ordering: messages of a drain are in event order, then one depth message for each issue whose book
changed. An order's steps come before the trade that caused them.

Invariants: every message except depth is a pure function of the events, byte for byte, whatever
the grouping of drains; depth's numbers and checksums are too, only its grouping is not. ``state``
carries a SHA-256 over all messages except depth and heartbeat, for replay to compare.

Known limits: somebody must drain; what is applied waits in memory until then. Kept messages are
bounded (feeds/snapshot.py).
"""

import hashlib
from collections.abc import Callable, Sequence
from enum import StrEnum
from typing import Any, Final

from feeds import wire
from feeds.issue import ISSUE_CHANNELS, Issue, optional_price_text
from feeds.snapshot import RETENTION_MESSAGES_MAX, FeedMessage, Stream
from feeds.wire import Channel, price_text
from market import events
from market.errors import InvariantBroken, check
from market.events import Event
from market.ids import InstrumentId, OrderId, order_id_to_text, trade_id_to_text
from market.quantities import Sen, SequenceNo, TimeNs, Units
from market.words import OrderKind, Phase, Validity

NON_CANCEL_PHASES: Final = (Phase.PRE_OPEN_NCP, Phase.PRE_CLOSE_NCP)
"""START's two states named for it (ITCH 1.2, 4.10); a rulebook may say otherwise."""


PRE_CLOSING: Final = (Phase.PRE_CLOSE, Phase.PRE_CLOSE_NCP)
"""States from which on-close orders are on the book (引け)."""


class VenueState(StrEnum):
    """What the status channel says of the venue."""

    WAITING = "waiting"
    DAY_OPEN = "day_open"
    DAY_CLOSED = "day_closed"


class MarketData:
    """Everything everyone may see, of one run."""

    def __init__(
        self,
        run_id: str,
        preset_name: str,
        publishes_indicative_volume: bool,
        retention_messages_max: int = RETENTION_MESSAGES_MAX,
        non_cancel_phases: tuple[Phase, ...] = NON_CANCEL_PHASES,
        *,
        amends_in_two: bool = False,
    ) -> None:
        """A feed before its first event.

        Args:
            run_id: Epoch of all numbering.
            preset_name: Rulebook, for the status channel.
            publishes_indicative_volume: Whether auction messages carry quantities.
            retention_messages_max: Messages kept for each stream.
            non_cancel_phases: Phases shown with the non-cancel flag.
            amends_in_two: Whether an amended order is told as a delete and an add, not a replace.
        """
        self._amends_in_two = amends_in_two
        check(retention_messages_max > 0, "a stream keeps something")
        self.run_id = run_id
        self.preset_name = preset_name
        self.publishes_indicative_volume = publishes_indicative_volume
        self.retention_messages_max = retention_messages_max
        self.non_cancel_phases = non_cancel_phases
        self.venue_state = VenueState.WAITING
        self.business_date: str | None = None
        self.issues: dict[str, Issue] = {}
        self.status_stream = Stream(Channel.STATUS, "", retention_messages_max)
        self._waiting: list[tuple[SequenceNo, TimeNs, Sequence[Event]]] = []
        self._outbox: list[FeedMessage] = []
        self._changed_books: dict[str, Issue] = {}
        self._published = hashlib.sha256()
        self._published_messages = 0
        self._fold: dict[type, Callable[[TimeNs, Any], None]] = {
            events.OrderAccepted: self._order_accepted,
            events.OrderAmended: self._order_amended,
            events.OrderCanceled: self._order_left,
            events.OrderExpired: self._order_left,
            events.OrderReduced: self._order_reduced,
            events.OrderReleased: self._order_released,
            events.Trade: self._trade,
            events.TradeBusted: self._trade_busted,
            events.IndicativePriceChanged: self._indicative_price_changed,
            events.AuctionHeld: self._auction_held,
            events.QuoteShown: self._quote_shown,
            events.QuoteEnded: self._quote_ended,
            events.PhaseChanged: self._phase_changed,
            events.TradingHalted: self._trading_halted,
            events.TradingResumed: self._trading_resumed,
            events.InstrumentListed: self._instrument_listed,
            events.ReferencePriceSet: self._reference_price_set,
            events.BasePriceAnnounced: self._base_price_announced,
            events.NetAssetValueSet: self._net_asset_value_set,
            events.ClosingPriceSet: self._closing_price_set,
            events.TransferControlSet: self._transfer_control_set,
            events.VenueOpened: self._venue_opened,
            events.DayOpened: self._day_opened,
            events.DayClosed: self._day_closed,
        }

    # --- in and out

    def apply(self, sequence: SequenceNo, at_ns: TimeNs, event: Event) -> None:
        """Note one event; private ones are ignored."""
        self._waiting.append((sequence, at_ns, (event,)))

    def apply_step(self, sequence: SequenceNo, at_ns: TimeNs, step: Sequence[Event]) -> None:
        """Note all events of a step, which must not change any more. Hot path: O(1)."""
        self._waiting.append((sequence, at_ns, step))

    def drain(self, up_to: SequenceNo | None = None) -> list[FeedMessage]:
        """Tell what was applied, up to a synced sequence number; all of it by default.

        Cost: a few us for each event, and one depth message for each changed book.
        """
        self._settle(up_to)
        outbox, self._outbox = self._outbox, []
        return outbox

    def snapshot(self, channel: Channel, instrument_id: str = "", conflated: int = 1) -> bytes:
        """All of one stream as of the last drain; ``instrument_id`` is empty for status.

        O(what it holds) once for each position, then O(1).
        """
        if channel is Channel.STATUS:
            cached = self.status_stream.cached_snapshot() if conflated == 1 else None
            return cached or self.status_stream.snapshot(self._status_data(), conflated)
        check(self.has(channel, instrument_id), "a snapshot is of a stream", channel=channel)
        return self.issues[instrument_id].snapshot(channel, conflated)

    def since(self, channel: Channel, instrument_id: str, from_seq: int) -> list[bytes] | None:
        """Messages from step ``from_seq`` on, identical bytes; None when too old or unknown."""
        return self.stream(channel, instrument_id).since(from_seq)

    def head(self, channel: Channel, instrument_id: str = "") -> int:
        """Position of a stream."""
        return self.stream(channel, instrument_id).seq

    def has(self, channel: Channel, instrument_id: str = "") -> bool:
        """Whether there is such a stream; heartbeat is not one."""
        if channel is Channel.STATUS:
            return instrument_id == ""
        return channel in ISSUE_CHANNELS and instrument_id in self.issues

    def stream(self, channel: Channel, instrument_id: str = "") -> Stream:
        """The stream itself; it must exist."""
        check(self.has(channel, instrument_id), "a stream is known", channel=channel)
        if channel is Channel.STATUS:
            return self.status_stream
        return self.issues[instrument_id].streams[channel]

    def heartbeat(
        self, at_ns: TimeNs, journal_sequence: SequenceNo, journal_chain_hex: str
    ) -> bytes:
        """Positions of all streams and of the journal, once a second. O(streams)."""
        heads = {
            str(channel): {name: issue.streams[channel].seq for name, issue in self.issues.items()}
            for channel in ISSUE_CHANNELS
        }
        heads[str(Channel.STATUS)] = {"": self.status_stream.seq}
        return wire.encode(
            wire.Heartbeat(
                channel=Channel.HEARTBEAT,
                type="heartbeat",
                at_ns=at_ns,
                run_id=self.run_id,
                journal_sequence=journal_sequence,
                journal_chain=journal_chain_hex,
                heads=heads,
            )
        )

    def hello(self) -> bytes:
        """The first message of a connection."""
        return wire.encode(
            wire.Hello(
                channel=Channel.STATUS,
                type="hello",
                version=wire.VERSION,
                run_id=self.run_id,
                preset=self.preset_name,
                channels=[str(channel) for channel in Channel],
            )
        )

    def _settle(self, up_to: SequenceNo | None) -> None:
        """Fold what waits, put its messages in the outbox, and the depth of changed books last."""
        count = len(self._waiting)
        if up_to is not None:
            while count and self._waiting[count - 1][0] > up_to:
                count -= 1
        if not count:
            return
        ready = self._waiting[:count]
        del self._waiting[:count]
        first_new = len(self._outbox)
        fold_of = self._fold.get
        for _, at_ns, step in ready:
            for event in step:
                fold = fold_of(type(event))
                if fold is not None:
                    fold(at_ns, event)
        told = self._outbox[first_new:]
        self._published.update(b"".join([message.payload for message in told]))
        self._published_messages += len(told)
        for issue in self._changed_books.values():
            message = issue.depth_message()
            if message is not None:
                self._outbox.append(message)
        self._changed_books.clear()

    def check_invariants(self) -> None:
        """Check every issue, drained or not. O(orders + levels + issues)."""
        for issue in self.issues.values():
            issue.check_invariants()
        check(not self._changed_books, "no book change is left untold")

    def state(self) -> dict[str, object]:
        """Positions, folds and the hash of everything published, as plain values.

        What still waits is folded first (its messages stay for the next drain), so the answer
        depends on the events alone. O(orders).
        """
        self._settle(None)
        return {
            "run_id": self.run_id,
            "venue_state": str(self.venue_state),
            "business_date": self.business_date,
            "status_head": self.status_stream.seq,
            "issues": {name: issue.state() for name, issue in sorted(self.issues.items())},
            "published_messages": self._published_messages,
            "published_sha256": self._published.hexdigest(),
        }

    # --- one fold for each public event

    def _issue(self, instrument_id: InstrumentId) -> Issue:
        issue = self.issues.get(instrument_id)
        if issue is None:
            raise InvariantBroken("an issue is listed first", {"id": instrument_id})
        return issue

    def _tell(self, issue: Issue, channel: Channel, at_ns: TimeNs, data: object) -> None:
        self._outbox.append(issue.streams[channel].publish(at_ns, data))

    def _tell_book(self, issue: Issue, at_ns: TimeNs, data: object) -> None:
        """One orders step; the same step of depth follows at the end of the drain."""
        self._outbox.append(issue.orders_stream.publish(at_ns, data))
        issue.depth_at_ns = at_ns
        self._changed_books[issue.instrument.instrument_id] = issue

    def _order_accepted(self, at_ns: TimeNs, event: events.OrderAccepted) -> None:
        issue = self._issue(event.instrument_id)
        if event.validity is Validity.ON_CLOSE and issue.phase not in PRE_CLOSING:
            issue.unseen[event.order_id] = None
            return
        kind, price_sen = event.kind, event.price_sen
        issue.depth.add(event.order_id, event.side, kind, price_sen, event.quantity_units)
        self._tell_book(
            issue,
            at_ns,
            wire.OrderAdd(
                order_number=order_id_to_text(event.order_id),
                side=event.side,
                kind=kind,
                price=_limit_text(kind, price_sen),
                quantity_units=event.quantity_units,
            ),
        )

    def _order_amended(self, at_ns: TimeNs, event: events.OrderAmended) -> None:
        issue = self._issue(event.instrument_id)
        if event.old_order_id in issue.unseen:
            del issue.unseen[event.old_order_id]
            issue.unseen[event.order_id] = None
            return
        if event.order_id == event.old_order_id:
            self._reduce(issue, at_ns, event.order_id, event.leaves_units)
            return
        kind, price_sen, leaves_units = event.kind, event.price_sen, event.leaves_units
        side = issue.depth.remove(event.old_order_id).side
        issue.depth.add(event.order_id, side, kind, price_sen, leaves_units)
        if self._amends_in_two:
            old_number = order_id_to_text(event.old_order_id)
            self._tell_book(issue, at_ns, wire.OrderDelete(order_number=old_number))
            added = wire.OrderAdd(
                order_number=order_id_to_text(event.order_id),
                side=side,
                kind=kind,
                price=_limit_text(kind, price_sen),
                quantity_units=leaves_units,
            )
            self._tell_book(issue, at_ns, added)
            return
        self._tell_book(
            issue,
            at_ns,
            wire.OrderReplace(
                old_order_number=order_id_to_text(event.old_order_id),
                order_number=order_id_to_text(event.order_id),
                kind=kind,
                price=_limit_text(kind, price_sen),
                leaves_units=leaves_units,
            ),
        )

    def _order_left(self, at_ns: TimeNs, event: events.OrderCanceled | events.OrderExpired) -> None:
        issue = self._issue(event.instrument_id)
        if event.order_id in issue.unseen:
            del issue.unseen[event.order_id]
            return
        issue.depth.remove(event.order_id)
        number = order_id_to_text(event.order_id)
        self._tell_book(issue, at_ns, wire.OrderDelete(order_number=number))

    def _order_released(self, at_ns: TimeNs, event: events.OrderReleased) -> None:
        """An order that nobody saw joins the book, or one that was seen loses its limit."""
        issue = self._issue(event.instrument_id)
        number = order_id_to_text(event.order_id)
        kind, price_sen, units = event.kind, event.price_sen, event.leaves_units
        price = _limit_text(kind, price_sen)
        data: object
        if event.order_id in issue.unseen:
            del issue.unseen[event.order_id]
            data = wire.OrderAdd(
                order_number=number, side=event.side, kind=kind, price=price, quantity_units=units
            )
        else:
            issue.depth.remove(event.order_id)
            data = wire.OrderReplace(
                old_order_number=number,
                order_number=number,
                kind=kind,
                price=price,
                leaves_units=units,
            )
        issue.depth.add(event.order_id, event.side, kind, price_sen, units)
        self._tell_book(issue, at_ns, data)

    def _order_reduced(self, at_ns: TimeNs, event: events.OrderReduced) -> None:
        issue = self._issue(event.instrument_id)
        self._reduce(issue, at_ns, event.order_id, event.leaves_units)

    def _trade(self, at_ns: TimeNs, event: events.Trade) -> None:
        issue = self._issue(event.instrument_id)
        number = trade_id_to_text(event.trade_id)
        self._reduce(issue, at_ns, event.buy_order_id, event.buy_leaves_units, number)
        self._reduce(issue, at_ns, event.sell_order_id, event.sell_leaves_units, number)
        issue.tape.add(event, at_ns)
        self._outbox.append(issue.trades_stream.publish(at_ns, issue.trade_data(event)))

    def _trade_busted(self, at_ns: TimeNs, event: events.TradeBusted) -> None:
        issue = self._issue(event.instrument_id)
        issue.tape.bust(event.trade_id)
        data = wire.TradeBust(
            trade_number=trade_id_to_text(event.trade_id),
            price=price_text(event.price_sen),
            quantity_units=event.quantity_units,
            reason=event.reason,
            totals=issue.totals_data(),
        )
        self._tell(issue, Channel.TRADES, at_ns, data)

    def _reduce(
        self,
        issue: Issue,
        at_ns: TimeNs,
        order_id: OrderId,
        leaves_units: Units,
        trade_number: str = "",
    ) -> None:
        issue.depth.set_leaves(order_id, leaves_units)
        self._tell_book(
            issue,
            at_ns,
            wire.OrderReduce(
                order_number=order_id_to_text(order_id),
                leaves_units=leaves_units,
                trade_number=trade_number,
            ),
        )

    def _indicative_price_changed(
        self, at_ns: TimeNs, event: events.IndicativePriceChanged
    ) -> None:
        issue = self._issue(event.instrument_id)
        issue.indicative = event
        self._tell(issue, Channel.AUCTION, at_ns, issue.indicative_data())

    def _auction_held(self, at_ns: TimeNs, event: events.AuctionHeld) -> None:
        issue = self._issue(event.instrument_id)
        issue.cross = event
        issue.indicative = None  # "no price" after the cross (START ITCH 1.2, 4.11)
        self._tell(issue, Channel.AUCTION, at_ns, issue.cross_data())

    def _quote_shown(self, at_ns: TimeNs, event: events.QuoteShown) -> None:
        issue = self._issue(event.instrument_id)
        issue.quote = event
        self._tell(issue, Channel.AUCTION, at_ns, issue.quote_data())

    def _quote_ended(self, at_ns: TimeNs, event: events.QuoteEnded) -> None:
        issue = self._issue(event.instrument_id)
        issue.quote = None
        none = wire.QuoteNews(
            quote_number=event.quote_number, kind=None, side=None, price=None, renew_at_ns=None
        )
        self._tell(issue, Channel.AUCTION, at_ns, none)

    def _phase_changed(self, at_ns: TimeNs, event: events.PhaseChanged) -> None:
        issue = self._issue(event.instrument_id)
        issue.phase = event.phase
        self._tell(issue, Channel.PHASE, at_ns, issue.phase_data())

    def _trading_halted(self, at_ns: TimeNs, event: events.TradingHalted) -> None:
        issue = self._issue(event.instrument_id)
        issue.halt_reason = event.reason
        self._tell(issue, Channel.PHASE, at_ns, issue.phase_data())

    def _trading_resumed(self, at_ns: TimeNs, event: events.TradingResumed) -> None:
        issue = self._issue(event.instrument_id)
        issue.halt_reason = None
        self._tell(issue, Channel.PHASE, at_ns, issue.phase_data())

    def _instrument_listed(self, at_ns: TimeNs, event: events.InstrumentListed) -> None:
        instrument_id = event.instrument.instrument_id
        if instrument_id in self.issues:
            self.issues[instrument_id].list_as(event.instrument)
        else:
            self.issues[instrument_id] = Issue(
                event.instrument,
                retention_messages_max=self.retention_messages_max,
                publishes_indicative_volume=self.publishes_indicative_volume,
                non_cancel_phases=self.non_cancel_phases,
            )
        issue = self.issues[instrument_id]
        self._tell(issue, Channel.INSTRUMENTS, at_ns, issue.instrument_data())

    def _reference_price_set(self, at_ns: TimeNs, event: events.ReferencePriceSet) -> None:
        issue = self._issue(event.instrument_id)
        issue.reference_price_sen = event.reference_price_sen
        issue.limits_sen = event.lower_limit_sen, event.upper_limit_sen
        issue.market_orders_barred = event.market_orders_barred
        issue.next_reference_sen = None
        self._tell(issue, Channel.INSTRUMENTS, at_ns, issue.instrument_data())

    def _base_price_announced(self, at_ns: TimeNs, event: events.BasePriceAnnounced) -> None:
        issue = self._issue(event.instrument_id)
        issue.next_reference_sen = event.reference_price_sen
        self._tell(issue, Channel.INSTRUMENTS, at_ns, issue.instrument_data())

    def _net_asset_value_set(self, at_ns: TimeNs, event: events.NetAssetValueSet) -> None:
        issue = self._issue(event.instrument_id)
        issue.nav_sen = event.nav_sen
        self._tell(issue, Channel.INSTRUMENTS, at_ns, issue.instrument_data())

    def _closing_price_set(self, at_ns: TimeNs, event: events.ClosingPriceSet) -> None:
        issue = self._issue(event.instrument_id)
        price = optional_price_text(event.price_sen)
        self._tell(issue, Channel.TRADES, at_ns, wire.ClosingPrice(price=price))

    def _transfer_control_set(self, at_ns: TimeNs, event: events.TransferControlSet) -> None:
        issue = self._issue(event.instrument_id)
        issue.transfer_executable = event.executable
        self._tell(issue, Channel.INSTRUMENTS, at_ns, issue.instrument_data())

    # --- the venue

    def _status_data(self) -> wire.StatusData:
        return wire.StatusData(
            run_id=self.run_id,
            preset=self.preset_name,
            state=str(self.venue_state),
            business_date=self.business_date,
        )

    def _tell_status(self, at_ns: TimeNs) -> None:
        self._outbox.append(self.status_stream.publish(at_ns, self._status_data()))

    def _venue_opened(self, at_ns: TimeNs, event: events.VenueOpened) -> None:
        self.run_id, self.preset_name = event.run_id, event.preset
        self._tell_status(at_ns)

    def _day_opened(self, at_ns: TimeNs, event: events.DayOpened) -> None:
        self.venue_state = VenueState.DAY_OPEN
        self.business_date = event.business_date.isoformat()
        self.status_stream.forget()
        self._tell_status(at_ns)
        for issue in self.issues.values():
            issue.new_day()
            day = wire.NewDay(business_date=self.business_date)
            self._tell(issue, Channel.TRADES, at_ns, day)

    def _day_closed(self, at_ns: TimeNs, _event: events.DayClosed) -> None:
        self.venue_state = VenueState.DAY_CLOSED
        self._tell_status(at_ns)


def _limit_text(kind: OrderKind, price_sen: Sen) -> str | None:
    """The limit as text; null for a market order."""
    return None if kind is OrderKind.MARKET else price_text(price_sen)
