"""The engine's events in the words of rows: what the kernel must write for each command.

Order ids on rows are dense and stay with an order through its amendments; the engine gives an
amended order that loses its place a new one. :class:`Teller` keeps the two apart.
"""

from collections.abc import Iterable

from market.events import (
    AuctionHeld,
    Event,
    OrderAccepted,
    OrderAmended,
    OrderCanceled,
    OrderExpired,
    OrderReduced,
    RequestRejected,
    Trade,
)
from market.words import Side
from matching.rows import (
    CANCEL_REASONS,
    FLAG_CROSS,
    FLAG_KEPT_PRIORITY,
    FLAG_SELF_TRADE,
    FLAG_SKIPPED,
    REJECT_REASONS,
    SIDES,
    What,
)

Told = tuple[int, int, int, int, int, int, int, int, int, int]
"""what, reason, flags, side, order id, contra id, price, units, leaves, contra leaves."""


class Teller:
    """Writes events of one engine as rows.

    Attributes:
        row_id: An engine's order id as the row's.
    """

    def __init__(self) -> None:
        self.row_id: dict[int, int] = {}

    def tell(self, events: Iterable[Event], asked: int, incoming: Side | None) -> list[Told]:
        """The rows of one command; ``asked`` is the id on the command's row."""
        told: list[Told] = []
        for event in events:
            match event:
                case OrderAccepted():
                    self.row_id[event.order_id] = asked
                    side, units = SIDES.index(event.side), event.quantity_units
                    told.append(
                        (What.ACCEPTED, 0, 0, side, asked, 0, event.price_sen, units, units, 0)
                    )
                case OrderAmended():
                    number = self.row_id[event.order_id] = self.row_id[event.old_order_id]
                    kept = FLAG_KEPT_PRIORITY if event.kept_priority else 0
                    side, units = SIDES.index(event.side), event.leaves_units
                    told.append(
                        (What.AMENDED, 0, kept, side, number, 0, event.price_sen, units, units, 0)
                    )
                case RequestRejected():
                    reason = REJECT_REASONS.index(event.reason)
                    told.append((What.REJECTED, reason, 0, 0, asked, 0, 0, 0, 0, 0))
                case Trade():
                    flags = FLAG_CROSS * event.cross | FLAG_SELF_TRADE * event.self_trade
                    side = 0 if event.cross or incoming is None else SIDES.index(incoming)
                    buy, sell = self.row_id[event.buy_order_id], self.row_id[event.sell_order_id]
                    told.append((What.TRADE, 0, flags, side, buy, sell, event.price_sen,
                                 event.quantity_units, event.buy_leaves_units,
                                 event.sell_leaves_units))  # fmt: skip
                case OrderCanceled():
                    reason, number = CANCEL_REASONS.index(event.reason), self.row_id[event.order_id]
                    told.append(
                        (What.CANCELED, reason, 0, 0, number, 0, 0, event.canceled_units, 0, 0)
                    )
                case OrderExpired():
                    number = self.row_id[event.order_id]
                    told.append((What.EXPIRED, 0, 0, 0, number, 0, 0, event.expired_units, 0, 0))
                case OrderReduced():
                    number = self.row_id[event.order_id]
                    told.append((What.REDUCED, 0, 0, 0, number, 0, 0, event.prevented_units,
                                 event.leaves_units, 0))  # fmt: skip
                case AuctionHeld():
                    skipped = FLAG_SKIPPED if event.skipped else 0
                    told.append((What.AUCTION, 0, skipped, 0, 0, 0, event.price_sen or 0,
                                 event.executed_units, event.trades, 0))  # fmt: skip
                case _:
                    pass
        return told
