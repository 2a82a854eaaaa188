"""Trades of one issue in order (歩み値), and the day's totals.

Ordering: as events arrive; a trade is never merged or changed, and dropped only when voided.
Invariants: low <= open, last <= high; the totals are the sums of the day's trades, the value in
whole yen with each trade rounded down (what the buyer owes before fees).
Known limits: the last fifty trades are shown (``RECENT_TRADES``); a new day starts empty. All of the
day's are remembered, so that a voided one can be taken out of the range.
"""

from collections import deque
from typing import Final

from market.errors import check
from market.events import Trade
from market.ids import TradeId
from market.quantities import Sen, TimeNs, Units, consideration_yen_rounded_down

RECENT_TRADES: Final = 50

TapeLine = tuple[TradeId, Sen, Units, bool, TimeNs]
"""Trade id, price in sen, quantity in units, whether in a cross, time."""


class Tape:
    """One day of trades of one issue."""

    __slots__ = (
        "day",
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
        self.day: dict[TradeId, TapeLine] = {}
        self.new_day()

    def new_day(self) -> None:
        """Start empty."""
        self.recent.clear()
        self.day.clear()
        self._start_totals()

    def _start_totals(self) -> None:
        self.volume_units = 0
        self.value_yen = 0
        self.trade_count = 0
        self.open_sen: Sen | None = None
        self.high_sen: Sen | None = None
        self.low_sen: Sen | None = None
        self.last_sen: Sen | None = None

    def add(self, trade: Trade, at_ns: TimeNs) -> None:
        """Write one trade down. O(1)."""
        trade_id, units = trade.trade_id, trade.quantity_units
        line = (trade_id, trade.price_sen, units, trade.cross, at_ns)
        self.day[trade_id] = line
        self.recent.append(line)
        self._count(trade.price_sen, units)

    def bust(self, trade_id: TradeId) -> bool:
        """Take a voided trade out and work everything out anew. O(trades of the day).

        Returns:
            Whether it was one of this day's.
        """
        if self.day.pop(trade_id, None) is None:
            return False
        self._start_totals()
        self.recent.clear()
        for line in self.day.values():
            self.recent.append(line)
            self._count(line[1], line[2])
        return True

    def _count(self, price_sen: Sen, quantity_units: Units) -> None:
        self.volume_units += quantity_units
        self.value_yen += consideration_yen_rounded_down(price_sen, quantity_units)
        self.trade_count += 1
        if self.open_sen is None or self.high_sen is None or self.low_sen is None:
            self.open_sen = self.high_sen = self.low_sen = price_sen
        self.high_sen = max(self.high_sen, price_sen)
        self.low_sen = min(self.low_sen, price_sen)
        self.last_sen = price_sen

    def check_invariants(self) -> None:
        """Check totals against the trades still held. O(recent trades)."""
        check(self.trade_count == len(self.day), "the day is all its trades")
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
