"""Broadened daily limits (制限値幅の拡大): a side that was stuck at its limit for days gets more room.

A day counts for a side when orders of that side are left at its limit and nothing traded all day, or
only in the closing auction and at that limit. After so many such days in a row (TSE: two) that
side's limit is so many times as far away (TSE: four), from the next day until a day with a trade at
another price (JPX, daily price limits and notice of 2025-02-28). Our own: a day whose close was
skipped breaks the row; a trade voided after the close was part of the day it is counted with.
"""

from collections.abc import Iterable
from typing import Any

from market.events import Trade
from market.quantities import Sen
from market.rules import Rules
from market.words import Side


class Broadening:
    """The days in a row of one issue, and what they led to.

    Attributes:
        stuck: The side found stuck at today's close, or None.
        trades_today: How often something traded today; a cross counts once.
    """

    __slots__ = ("_broadened", "_days", "_factor", "_high", "_low", "_rows", "stuck",
                 "trades_today")  # fmt: skip

    def __init__(self, rules: Rules) -> None:
        self._days = rules.limit_broadening_days.value
        self._factor = rules.limit_broadening_factor.value
        self._rows = dict.fromkeys(Side, 0)
        self._broadened = dict.fromkeys(Side, False)
        self._low: Sen | None = None
        self._high: Sen | None = None
        self.stuck: Side | None = None
        self.trades_today = 0

    def factor(self, side: Side) -> int:
        """How many times as far away as usual the limit of a side is."""
        return self._factor if self._broadened[side] else 1

    def traded(self, price_sen: Sen) -> None:
        """Something traded at this price today."""
        self.trades_today += 1
        self._low = price_sen if self._low is None else min(self._low, price_sen)
        self._high = price_sen if self._high is None else max(self._high, price_sen)

    def recount(self, standing: Iterable[Trade]) -> None:
        """Trades of today were voided: only these stand. O(trades standing)."""
        self._low = self._high = None
        self.trades_today = 0
        for trade in standing:
            self.traded(trade.price_sen)

    @property
    def has_traded(self) -> bool:
        """Whether anything traded today."""
        return self.trades_today > 0

    def end_day(self, limits_sen: tuple[Sen, Sen]) -> None:
        """Count the day and forget it."""
        for side, limit in zip((Side.SELL, Side.BUY), limits_sen, strict=True):
            self._rows[side] = self._rows[side] + 1 if self.stuck is side else 0
            if self._rows[side] >= self._days:
                self._broadened[side] = True
            elif self.has_traded and (self._low, self._high) != (limit, limit):
                self._broadened[side] = False
        self._low = self._high = self.stuck = None
        self.trades_today = 0

    def state(self) -> list[Any]:
        """As plain values."""
        told: list[Any] = [self._low, self._high, None if self.stuck is None else self.stuck.value]
        return told + [[self._rows[side], self._broadened[side]] for side in Side]
