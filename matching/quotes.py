"""Special and sequential quotes (特別気配, 連続約定気配) of one issue: what is shown, and how far trades may go.

A trade may be one renewal width from the anchor: the last price, or the special quote shown since,
or the base price. Beyond that a quote stands at the width, and steps by a width each time it is
renewed (JPX, special quotes; SBI Securities, mechanics). In continuous trading orders that take the
price past a few widths within a minute of its start stop there first, for a minute (Rakuten
Securities, sequential quotes). Our own: the minute begins with the first order that trades when none
is running; a quote moves at least one tick and never past a daily limit, where it stays.

The state and its arithmetic are here; what follows from them is in itayose.py and closing.py.
"""

from typing import Any, Final, NamedTuple

from market.commands import NO_PRICE
from market.instrument import TickTable
from market.message import Record
from market.quantities import MAX_PRICE_SEN, Sen, TimeNs
from market.rules import Rules
from market.words import QuoteKind, Side

_NS_PER_S: Final = 1_000_000_000
_REMEMBERED_MAX: Final = 10_000


class Quote(Record):
    """One price shown.

    Attributes:
        origin_sen: The anchor when the first of these quotes appeared.
        renew_at_ns: 0 for one that stays.
    """

    number: int
    kind: QuoteKind
    side: Side
    price_sen: Sen
    origin_sen: Sen
    renew_at_ns: TimeNs


class Reach(NamedTuple):
    """From where to where a trade may be, and what is shown beyond; both prices on the grid."""

    low_sen: Sen
    high_sen: Sen
    low_kind: QuoteKind = QuoteKind.SPECIAL
    high_kind: QuoteKind = QuoteKind.SPECIAL

    def end(self, side: Side) -> tuple[Sen, QuoteKind]:
        """The price where a pressing side is stopped, and what is shown there."""
        if side is Side.BUY:
            return self.high_sen, self.high_kind
        return self.low_sen, self.low_kind

    def holds(self, price_sen: Sen) -> bool:
        """Whether a trade may be at this price."""
        return self.low_sen <= price_sen <= self.high_sen


class Quotes:
    """The quote of one issue, if one is shown, and the window of sequential trading.

    Attributes:
        shown: What is shown, or None.
        number: Of the last quote shown.
        first_step_sen: How far quotes step while a new issue seeks its first price; else 0.
        window_sen: Where the price stood when the running window began.
        window_until_ns: When that window ends.
    """

    __slots__ = ("_factor", "_reach_limits", "_reaches", "_rules", "_sequential", "_ticks",
                 "first_step_sen", "number", "shown", "window_sen", "window_until_ns")  # fmt: skip

    def __init__(self, rules: Rules, ticks: TickTable) -> None:
        self._rules = rules
        self._ticks = ticks
        self._sequential = rules.sequential_quotes.value
        self._factor = rules.sequential_quote_widths.value
        self.shown: Quote | None = None
        self.number = 0
        self.first_step_sen = Sen(0)
        self._reaches: dict[tuple[Sen, Sen], Reach] = {}
        self._reach_limits = (Sen(0), Sen(0))
        self.window_sen = NO_PRICE
        self.window_until_ns = TimeNs(0)

    def reach(self, anchor_sen: Sen, limits_sen: tuple[Sen, Sen]) -> Reach:
        """Where the next cross may be: within the quote if one is shown, else within a width."""
        shown = self.shown
        if shown is None:
            return Reach(*self.band(anchor_sen, 1, limits_sen))
        low, high = self.band(shown.origin_sen, 1, limits_sen)
        if shown.side is Side.BUY:
            return Reach(low, shown.price_sen)
        return Reach(shown.price_sen, high)

    def window_begins(self, anchor_sen: Sen, at_ns: TimeNs) -> Sen:
        """Where the price stood when the running window began; here, if none runs."""
        return self.window_sen if at_ns < self.window_until_ns else anchor_sen

    def reach_at_once(self, anchor_sen: Sen, began_sen: Sen, limits_sen: tuple[Sen, Sen]) -> Reach:
        """Where the next trade of continuous trading may be; no quote is shown.

        Remembered by price while the limits stand: a day uses few prices, many times.
        """
        if limits_sen != self._reach_limits:
            self._reaches.clear()
            self._reach_limits = limits_sen
        found = self._reaches.get((anchor_sen, began_sen))
        if found is None:
            if len(self._reaches) >= _REMEMBERED_MAX:
                self._reaches.clear()
            found = self._reach_from(anchor_sen, began_sen, limits_sen)
            self._reaches[anchor_sen, began_sen] = found
        return found

    def _reach_from(self, anchor_sen: Sen, began_sen: Sen, limits_sen: tuple[Sen, Sen]) -> Reach:
        low, high = self.band(anchor_sen, 1, limits_sen)
        if not self._sequential:
            return Reach(low, high)
        lowest, highest = self.band(began_sen, self._factor, limits_sen)
        low_kind = high_kind = QuoteKind.SPECIAL
        if lowest > low:
            low, low_kind = lowest, QuoteKind.SEQUENTIAL
        if highest < high:
            high, high_kind = highest, QuoteKind.SEQUENTIAL
        return Reach(low, high, low_kind, high_kind)

    def traded(self, anchor_sen: Sen, at_ns: TimeNs) -> None:
        """Orders traded in continuous trading from ``anchor_sen``; begins a window if none runs."""
        if self._sequential and at_ns >= self.window_until_ns:
            self.window_sen = anchor_sen
            self.window_until_ns = TimeNs(at_ns + self._rules.sequential_quote_s.value * _NS_PER_S)

    def forget_window(self) -> None:
        """A cross begins anew."""
        self.window_until_ns = TimeNs(0)

    def band(self, anchor_sen: Sen, factor: int, limits_sen: tuple[Sen, Sen]) -> tuple[Sen, Sen]:
        """``factor`` widths around a price, on the grid, within the limits."""
        lower, upper = limits_sen
        anchor = Sen(min(max(anchor_sen, lower), upper))
        return (
            max(self._step(anchor, Side.SELL, factor), lower),
            min(self._step(anchor, Side.BUY, factor), upper),
        )

    def next_price(self, shown: Quote, limits_sen: tuple[Sen, Sen]) -> Sen:
        """Where a quote stands after its renewal."""
        lower, upper = limits_sen
        ticks, price = self._ticks, shown.price_sen
        if shown.side is Side.BUY:
            return min(max(self._step(price, Side.BUY, 1), ticks.next_above(price)), upper)
        return max(min(self._step(price, Side.SELL, 1), ticks.next_below(price)), lower)

    def lasts_ns(self, kind: QuoteKind) -> int:
        """How long a quote of this kind stands before it is renewed."""
        rules = self._rules
        if self.first_step_sen:
            return rules.first_price_step_s.value * _NS_PER_S
        sequential = kind is QuoteKind.SEQUENTIAL
        seconds = rules.sequential_quote_s if sequential else rules.special_quote_s
        return seconds.value * _NS_PER_S

    def show(
        self, kind: QuoteKind, side: Side, price_sen: Sen, origin_sen: Sen, renew_at_ns: TimeNs
    ) -> Quote:
        """Show a price from now on."""
        self.number += 1
        self.shown = Quote(self.number, kind, side, price_sen, origin_sen, renew_at_ns)
        return self.shown

    def _step(self, price_sen: Sen, side: Side, factor: int) -> Sen:
        """``factor`` widths away on the grid, at least as far as the grid's next price is."""
        ticks = self._ticks
        width = factor * (
            self.first_step_sen or self._rules.quote_width_table.value.width_at(price_sen)
        )
        if side is Side.BUY:
            far = ticks.next_below(Sen(min(price_sen + width, MAX_PRICE_SEN) + 1))
            return max(far, ticks.next_above(Sen(price_sen - 1)))
        far = ticks.next_above(Sen(max(price_sen - width, 1) - 1))
        return min(far, ticks.next_below(Sen(price_sen + 1)))

    def state(self) -> list[Any]:
        """As plain values."""
        shown = self.shown
        told: list[Any] = [self.number, self.window_sen, self.window_until_ns]
        if shown is not None:
            told += [shown.kind.value, shown.side.value, shown.price_sen, shown.origin_sen]
            told.append(shown.renew_at_ns)
        return told
