"""Crossing a book (板寄せ): pair buys and sells at the single price, and end what may not stay.

Both queues are walked in priority (market orders first, then price, then time) and paired; each
pairing is one trade. Self-trade prevention does not act in a cross, only before it (selfmatch.py):
the price is one for all and clients of one firm may meet, so the trade stands and is flagged
``self_trade``.

Where the preset shares out by firm or pro rata, uncross.py pairs instead. Orders that were on the
book when the opening auction or a pre-closing began, or when a suspension ended, then count as
simultaneous; a market without a continuous session takes all of a call's orders as such.

Orders for the next auction that a cross leaves over expire with it. Market orders left over are
voided if the preset says so (OSE), else they stay (TSE). Limit orders the opening left over stay
too, unless the preset voids them.

A halt skips a cross, so a continuous session may begin or resume on a book that would trade. Then
a cross comes first (itayose is also TSE's way to the first price after a halt), and what has no
place in a continuous book leaves it: market orders, orders for an auction that is over, and, if
the book is still crossed because the base price was moved by hand, orders outside the limits.

Markets with special quotes cross in itayose.py, TSE's close is in closing.py; both use what is here.
"""

from collections.abc import Callable
from typing import Final

from market.commands import NO_PRICE
from market.errors import InvariantBroken
from market.events import AuctionHeld, Event, OrderExpired
from market.quantities import Sen, Units
from market.reasons import CancelReason
from market.rules import AuctionAllocation, MarketResidual
from market.words import AUCTION_PHASES, OrderKind, Phase, Side, Validity
from matching import uncross
from matching.clearing import NO_CLEARING, Clearing
from matching.conditions import as_market_order, released
from matching.continuous import cancel_rest
from matching.fok import clearing_without_unfilled
from matching.issue import Issue
from matching.order import Order, by_time

_BUY: Final = Side.BUY
_SELL: Final = Side.SELL


def hold_auction(issue: Issue, events: list[Event]) -> None:
    """The cross of an auction phase, with its trades, ends, result and "no price"."""
    if issue.suspended:
        tell_held(issue, NO_CLEARING, 0, events, skipped=True)
    else:
        clearing, trades = crossing(issue, events), 0
        if clearing.price_sen is not None:
            trades = trade_at(issue, clearing.price_sen, clearing.executed_units, events)
        end_after_auction(issue, events)
        tell_held(issue, clearing, trades, events)
    issue.tell_indicative(NO_CLEARING, events)


def crossing(issue: Issue, events: list[Event]) -> Clearing:
    """The price of the cross at hand; fill-or-kill orders it would leave open are gone then."""
    return clearing_without_unfilled(issue, events) if issue.gathers_fok else issue.clearing()


def end_after_auction(issue: Issue, events: list[Event]) -> None:
    """End what may not outlive an auction that was held."""
    if issue.rules.market_residual_after_opening.value is MarketResidual.VOID:
        _cancel_where(issue, is_market, CancelReason.MARKET_REST, events)
    end_openers(issue, events)
    if issue.gathers_fok:
        _cancel_where(issue, _is_fok, CancelReason.FOK_UNFILLED, events)
    if issue.phase is Phase.OPENING_AUCTION and issue.voids_limits:
        _cancel_where(issue, _is_limit, CancelReason.LIMIT_REST, events)
    if issue.ends_pre_closing and issue.has_conditions:
        expire_where(issue, _is_for_the_close, events)


def end_openers(issue: Issue, events: list[Event]) -> None:
    """Expire orders whose auction is over."""
    expire_where(issue, is_for_next_auction, events)


def end_day(issue: Issue, events: list[Event], *, everything: bool) -> None:
    """Expire what does not outlive the day: all orders by the preset, conditions in any case."""
    if everything:
        expire_where(issue, is_any, events)
    elif issue.has_conditions:
        expire_where(issue, _has_condition, events)
    for order in issue.aside:
        issue.aside.remove(order)
        events.append(expired(order))


def join_closing_call(issue: Issue, events: list[Event]) -> None:
    """The pre-closing begins: on-close orders join the book, funari orders lose their limit.

    In the order in which they came; the caller reads the book again. O(orders).
    """
    if not issue.has_conditions:
        return
    book = issue.book
    funari = _those(issue, lambda order: order.validity is Validity.FUNARI)
    for order in sorted([*issue.aside, *funari], key=by_time):
        if order in issue.aside:
            issue.aside.remove(order)
        elif order.kind is OrderKind.MARKET:
            continue  # turned before
        else:
            book.remove(order)
            as_market_order(order)
        book.add(order)
        if issue.own_orders.watches:
            issue.own_orders.note(order)
        events.append(released(order))


def void_market_orders(issue: Issue, events: list[Event]) -> None:
    """Cancel market orders, which have no place in a continuous book."""
    book = issue.book
    if book.market_units(_BUY) or book.market_units(_SELL):
        _cancel_where(issue, is_market, CancelReason.MARKET_REST, events)


def tell_held(
    issue: Issue, clearing: Clearing, trades: int, events: list[Event], *, skipped: bool = False
) -> None:
    """Tell the result of a cross; a new issue's first price comes with its daily limits."""
    if clearing.price_sen is not None and issue.phase in AUCTION_PHASES:
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
    if issue.seeks_first and clearing.price_sen is not None:
        issue.find_first_price(clearing.price_sen)
        events.append(issue.reference_set())


def begin_continuous(issue: Issue, events: list[Event]) -> None:
    """Make a book fit for continuous trading, crossing it first if it would trade."""
    cross_now(issue, events)
    void_market_orders(issue, events)
    end_openers(issue, events)
    if is_crossed(issue):
        cross_now(issue, events)  # market orders alone may have stood in the way of a price
    if is_crossed(issue):
        clear_outside(issue, events)
    issue.simultaneous_to = 0


def clear_outside(issue: Issue, events: list[Event]) -> None:
    """Cancel limit orders outside the limits: a base price set by hand left them crossed there."""
    lower, upper = issue.lower_limit_sen, issue.upper_limit_sen
    _cancel_where(
        issue,
        lambda order: order.price_sen != NO_PRICE and not lower <= order.price_sen <= upper,
        CancelReason.OPERATOR,
        events,
    )


def cross_now(issue: Issue, events: list[Event]) -> None:
    """Cross a book outside the day's auctions, if there is a price."""
    clearing = issue.clearing()
    if clearing.price_sen is None:
        return
    trades = trade_at(issue, clearing.price_sen, clearing.executed_units, events)
    tell_held(issue, clearing, trades, events)


def trade_at(issue: Issue, price_sen: Sen, executed_units: Units, events: list[Event]) -> int:
    """Trade at a cross's price, by the preset's allocation; returns the number of trades."""
    if not issue.has_continuous:
        mark_simultaneous(issue)
    rule = issue.rules.auction_allocation.value
    if rule is AuctionAllocation.PRICE_TIME:
        return _pair(issue, price_sen, executed_units, events)
    sharing = uncross.Sharing(rule, issue.simultaneous_to)
    buys = uncross.fills_by_level(issue, _BUY, executed_units, sharing)
    sells = uncross.fills_by_level(issue, _SELL, executed_units, sharing)
    return uncross.pair(issue, price_sen, buys, sells, events)


def mark_simultaneous(issue: Issue) -> None:
    """Orders on the book now lose their time priority among themselves, where that matters."""
    if issue.rules.auction_allocation.value is not AuctionAllocation.PRICE_TIME:
        issue.simultaneous_to = uncross.newest_time(issue)


def is_crossed(issue: Issue) -> bool:
    """Whether a limit buy meets a limit sell."""
    bid, ask = issue.book.best(_BUY), issue.book.best(_SELL)
    return bid is not None and ask is not None and bid >= ask


def expire_where(issue: Issue, chosen: Callable[[Order], bool], events: list[Event]) -> None:
    """Expire (失効) the chosen orders, buys before sells, by priority. O(orders)."""
    if issue.rows is not None and issue.rows.end(chosen, None, events):
        return
    book = issue.book
    for order in _those(issue, chosen):
        book.remove(order)
        events.append(expired(order))


def expired(order: Order) -> OrderExpired:
    """The event that an order's open quantity has expired."""
    return OrderExpired(
        order_id=order.order_id,
        participant_id=order.participant_id,
        instrument_id=order.instrument_id,
        expired_units=order.leaves_units,
    )


def _cancel_where(
    issue: Issue, chosen: Callable[[Order], bool], reason: CancelReason, events: list[Event]
) -> None:
    """Cancel the chosen orders; ``leaves_units`` becomes 0, so that nobody ends them again."""
    if issue.rows is not None and issue.rows.end(chosen, reason, events):
        return
    for order in _those(issue, chosen):
        issue.book.remove(order)
        cancel_rest(order, reason, events)


def _those(issue: Issue, chosen: Callable[[Order], bool]) -> list[Order]:
    return [order for side in Side for order in issue.book.queue(side) if chosen(order)]


def _is_fok(order: Order) -> bool:
    return order.validity is Validity.FOK


def _is_limit(order: Order) -> bool:
    return order.kind is OrderKind.LIMIT


def is_any(order: Order) -> bool:
    """Every order."""
    del order
    return True


def is_market(order: Order) -> bool:
    """Orders without a limit."""
    return order.kind is OrderKind.MARKET


def is_for_next_auction(order: Order) -> bool:
    """Orders that end with the cross they were entered for."""
    return order.validity is Validity.NEXT_AUCTION or order.validity is Validity.ON_OPEN


def _is_for_the_close(order: Order) -> bool:
    return order.validity is Validity.ON_CLOSE or order.validity is Validity.FUNARI


def _has_condition(order: Order) -> bool:
    return order.validity is Validity.ON_OPEN or _is_for_the_close(order)


def _pair(issue: Issue, price_sen: Sen, executed_units: Units, events: list[Event]) -> int:
    """Trade ``executed_units`` at one price; returns the number of trades. O(trades)."""
    book, numbers = issue.book, issue.trade_numbers
    if issue.rows is not None:
        made = issue.rows.cross(price_sen, executed_units, events)
        numbers.last += made  # type: ignore[assignment]
        issue.traded_in_cross(price_sen)
        return made
    first, execute = book.first, book.execute
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
        events.append(uncross.cross_trade(issue, trade_id, price_sen, units, buy=buy, sell=sell))
    trades = trade_id - numbers.last
    numbers.last = trade_id
    issue.traded_in_cross(price_sen)
    return trades
