"""Crossing a book (板寄せ): pair buys and sells at the single price, and end what may not stay.

Both queues are walked in priority (market orders first, then price, then time) and paired; each
pairing is one trade. Self-trade prevention does not act in a cross, only before it (selfmatch.py):
the price is one for all and clients of one firm may meet, so the trade stands and is flagged
``self_trade``.

Orders for the next auction that a cross leaves over expire with it. Market orders left over are
voided if the preset says so (OSE), else they stay (TSE). Limit orders the opening left over stay
too, unless the preset voids them.

A halt skips a cross, so a continuous session may begin or resume on a book that would trade. Then
a cross comes first (itayose is also TSE's way to the first price after a halt), and what has no
place in a continuous book leaves it: market orders, orders for an auction that is over, and, if
the book is still crossed because the base price was moved by hand, orders outside the limits.
"""

from collections.abc import Callable
from typing import Final

from market.errors import InvariantBroken
from market.events import AuctionHeld, Event, OrderExpired, Trade
from market.quantities import Sen, Units
from market.reasons import CancelReason
from market.rules import MarketResidual
from market.words import OrderKind, Phase, Side, Validity
from matching.auction import NO_CLEARING, Clearing
from matching.continuous import canceled
from matching.fok import clearing_without_unfilled
from matching.issue import Issue
from matching.order import Order

_BUY: Final = Side.BUY
_SELL: Final = Side.SELL


def hold_auction(issue: Issue, events: list[Event]) -> None:
    """The cross of an auction phase, with its trades, ends, result and "no price"."""
    skipped = issue.suspended
    clearing = NO_CLEARING if skipped else _clearing(issue, events)
    trades = 0
    if clearing.price_sen is not None:
        trades = _pair(issue, clearing.price_sen, clearing.executed_units, events)
    if not skipped:
        if issue.rules.market_residual_after_opening.value is MarketResidual.VOID:
            _cancel_where(issue, _is_market, CancelReason.MARKET_REST, events)
        expire_where(issue, _is_for_next_auction, events)
        if issue.gathers_fok:
            _cancel_where(issue, _is_fok, CancelReason.FOK_UNFILLED, events)
        if issue.phase is Phase.OPENING_AUCTION and issue.voids_limits:
            _cancel_where(issue, _is_limit, CancelReason.LIMIT_REST, events)
    if clearing.price_sen is not None:
        last = issue.trade_numbers.last
        issue.crosses.note(issue.phase, clearing.price_sen, last, trades)
    events.append(
        AuctionHeld(
            instrument_id=issue.instrument.instrument_id,
            phase=issue.phase,
            price_sen=clearing.price_sen,
            executed_units=clearing.executed_units,
            trades=trades,
            skipped=skipped,
        )
    )
    issue.tell_indicative(NO_CLEARING, events)


def begin_continuous(issue: Issue, events: list[Event]) -> None:
    """Make a book fit for continuous trading, crossing it first if it would trade."""
    clearing = issue.clearing()
    if clearing.price_sen is not None:
        trades = _pair(issue, clearing.price_sen, clearing.executed_units, events)
        events.append(
            AuctionHeld(
                instrument_id=issue.instrument.instrument_id,
                phase=issue.phase,
                price_sen=clearing.price_sen,
                executed_units=clearing.executed_units,
                trades=trades,
            )
        )
    _cancel_where(issue, _is_market, CancelReason.MARKET_REST, events)
    expire_where(issue, _is_for_next_auction, events)
    bid, ask = issue.book.best(Side.BUY), issue.book.best(Side.SELL)
    if bid is not None and ask is not None and bid >= ask:
        lower, upper = issue.lower_limit_sen, issue.upper_limit_sen
        _cancel_where(
            issue,
            lambda order: not lower <= order.price_sen <= upper,
            CancelReason.OPERATOR,
            events,
        )


def expire_where(issue: Issue, chosen: Callable[[Order], bool], events: list[Event]) -> None:
    """Expire (失効) the chosen orders, buys before sells, by priority. O(orders)."""
    book = issue.book
    for order in _those(issue, chosen):
        book.remove(order)
        events.append(
            OrderExpired(
                order_id=order.order_id,
                participant_id=order.participant_id,
                instrument_id=order.instrument_id,
                expired_units=order.leaves_units,
            )
        )


def _cancel_where(
    issue: Issue, chosen: Callable[[Order], bool], reason: CancelReason, events: list[Event]
) -> None:
    for order in _those(issue, chosen):
        issue.book.remove(order)
        events.append(canceled(order, reason))


def _those(issue: Issue, chosen: Callable[[Order], bool]) -> list[Order]:
    return [order for side in Side for order in issue.book.queue(side) if chosen(order)]


def _clearing(issue: Issue, events: list[Event]) -> Clearing:
    """The price of the cross; fill-or-kill orders it would leave open are gone then."""
    return clearing_without_unfilled(issue, events) if issue.gathers_fok else issue.clearing()


def _is_fok(order: Order) -> bool:
    return order.validity is Validity.FOK


def _is_limit(order: Order) -> bool:
    return order.kind is OrderKind.LIMIT


def _is_market(order: Order) -> bool:
    return order.kind is OrderKind.MARKET


def _is_for_next_auction(order: Order) -> bool:
    return order.validity is Validity.NEXT_AUCTION


def _pair(issue: Issue, price_sen: Sen, executed_units: Units, events: list[Event]) -> int:
    """Trade ``executed_units`` at one price; returns the number of trades. O(trades)."""
    book, numbers = issue.book, issue.trade_numbers
    first, execute = book.first, book.execute
    instrument_id = issue.instrument.instrument_id
    trade_id = numbers.last
    remaining = executed_units
    while remaining:
        buy, sell = first(_BUY), first(_SELL)
        if buy is None or sell is None:
            raise InvariantBroken("a cross finds the units it announced", {"left": remaining})
        units = min(buy.leaves_units, sell.leaves_units, remaining)
        remaining -= units  # type: ignore[assignment]
        execute(buy, units)
        execute(sell, units)
        trade_id += 1  # type: ignore[assignment]
        events.append(
            Trade(
                trade_id=trade_id,
                instrument_id=instrument_id,
                price_sen=price_sen,
                quantity_units=units,
                buyer=buy.participant_id,
                seller=sell.participant_id,
                buy_order_id=buy.order_id,
                sell_order_id=sell.order_id,
                buy_leaves_units=buy.leaves_units,
                sell_leaves_units=sell.leaves_units,
                cross=True,
                self_trade=buy.owner == sell.owner,
            )
        )
    trades = trade_id - numbers.last
    numbers.last = trade_id
    issue.last_sen = price_sen
    return trades
