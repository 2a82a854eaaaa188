"""What a day's prices lead to: the closing price (終値) and the next base price (基準値段).

A cross is remembered with its trades, so that one whose trades were all voided (約定取消) counts no
more. Both prices are the preset's rules; START's own were not found (market/rulebooks/start.py).
"""

from collections.abc import Sequence

from market.choices import BasePriceRule, ClosePriceRule
from market.commands import NO_PRICE
from market.events import Trade
from market.ids import TradeId
from market.instrument import TickTable
from market.quantities import Sen
from market.words import Phase


class DayCrosses:
    """The last cross of each auction phase of one issue's day that found a price."""

    __slots__ = ("_crosses",)

    def __init__(self) -> None:
        self._crosses: dict[Phase, tuple[Sen, TradeId, TradeId]] = {}

    def new_day(self) -> None:
        """Forget yesterday's."""
        self._crosses.clear()

    def note(self, phase: Phase, price_sen: Sen, last_trade: TradeId, trades: int) -> None:
        """A cross found a price; its trades are the last made."""
        self._crosses[phase] = (price_sen, TradeId(last_trade - trades + 1), last_trade)

    def keep_only(self, standing: Sequence[Trade]) -> None:
        """Forget crosses of which no trade stands. O(trades standing)."""
        for phase, (_, first, last) in list(self._crosses.items()):
            if not any(first <= trade.trade_id <= last for trade in standing):
                del self._crosses[phase]

    def closing_sen(self, rule: ClosePriceRule, last_sen: Sen, reference_sen: Sen) -> Sen:
        """The closing price by the preset's rule, or NO_PRICE."""
        if rule is ClosePriceRule.LAST:
            return (
                last_sen  # the closing cross's, if it found one; a morning's close counts no more
            )
        or_base = rule is ClosePriceRule.CROSS_OR_BASE
        cross = self._price_sen(Phase.CLOSING_AUCTION) or self._price_sen(Phase.OPENING_AUCTION)
        return cross or (reference_sen if or_base else NO_PRICE)

    def _price_sen(self, phase: Phase) -> Sen:
        cross = self._crosses.get(phase)
        return NO_PRICE if cross is None else cross[0]

    def state(self) -> dict[str, list[int]]:
        """Canonical content for the digest."""
        return {phase.value: list(cross) for phase, cross in sorted(self._crosses.items())}


def next_base_sen(
    rule: BasePriceRule, ticks: TickTable, *, last_sen: Sen, reference_sen: Sen, nav_sen: Sen
) -> Sen:
    """The next day's base price by the preset's rule.

    A net asset value is rounded to the grid, half a tick going up, as base prices are when they meet
    a new grid (ODX notice 2024-09-06); one below half a tick is none.
    """
    if rule is BasePriceRule.MANUAL:
        return reference_sen
    by_nav = ticks.rounded_half_up(nav_sen) if rule is BasePriceRule.NAV else NO_PRICE
    return by_nav or last_sen or reference_sen
