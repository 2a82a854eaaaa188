"""Trades of one issue in order (歩み値), and the day's totals.

Ordering: as events arrive; a trade is never merged, dropped or changed.
Invariants: low <= open, last <= high; the totals are the sums of the day's trades, the value in
whole yen with each trade rounded down (what the buyer owes before fees).
Known limits: the last fifty trades are kept (``RECENT_TRADES``); a new day starts empty.
"""

from collections import deque
from typing import Final

from market.errors import check
from market.events import Trade
from market.ids import TradeId
from market.quantities import Sen, TimeNs, Units

RECENT_TRADES: Final = 50

TapeLine = tuple[TradeId, Sen, Units, bool, TimeNs]
"""Trade id, price in sen, quantity in units, whether in a cross, time."""


class Tape:
    """One day of trades of one issue."""

    __slots__ = (
        "high_sen",
        "last_sen",
        "low_sen",
        "open_sen",
        "recent",
        "trade_count",
        "value_yen",
        "volume_units",
    )

    def __init__(self) -> None:
        self.recent: deque[TapeLine] = deque(maxlen=RECENT_TRADES)
        self.new_day()

    def new_day(self) -> None:
        """Start empty."""
        self.recent.clear()
        self.volume_units = 0
        self.value_yen = 0
        self.trade_count = 0
        self.open_sen: Sen | None = None
        self.high_sen: Sen | None = None
        self.low_sen: Sen | None = None
        self.last_sen: Sen | None = None

    def add(self, trade: Trade, at_ns: TimeNs) -> None:
        """Write one trade down. O(1)."""
        price_sen = trade.price_sen
        self.volume_units += trade.quantity_units
        self.value_yen += trade.consideration_yen
        self.trade_count += 1
        if self.open_sen is None or self.high_sen is None or self.low_sen is None:
            self.open_sen = self.high_sen = self.low_sen = price_sen
        self.high_sen = max(self.high_sen, price_sen)
        self.low_sen = min(self.low_sen, price_sen)
        self.last_sen = price_sen
        self.recent.append((trade.trade_id, price_sen, trade.quantity_units, trade.cross, at_ns))

    def check_invariants(self) -> None:
        """Check totals against the trades still held. O(recent trades)."""
        held = sum(line[2] for line in self.recent)
        check(self.volume_units >= held, "the day holds its last trades", held=held)
        if self.trade_count <= RECENT_TRADES:
            check(self.volume_units == held, "volume is the sum of trades", held=held)
            check(self.trade_count == len(self.recent), "every trade is written down")
        if self.last_sen is None or self.low_sen is None or self.high_sen is None:
            check(self.trade_count == 0, "a day with trades has prices")
            return
        check(self.low_sen <= self.last_sen <= self.high_sen, "the last price is in range")

    def state(self) -> dict[str, object]:
        """Totals as plain values."""
        return {
            "volume_units": self.volume_units,
            "value_yen": self.value_yen,
            "trade_count": self.trade_count,
            "open_sen": self.open_sen,
            "high_sen": self.high_sen,
            "low_sen": self.low_sen,
            "last_sen": self.last_sen,
        }
