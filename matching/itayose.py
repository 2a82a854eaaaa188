"""Itayose (板寄せ) where trades may go only so far: special and sequential quotes at work.

When: at the open, after a halt, when continuous trading begins, while a quote is shown (JPX). A cross
within the reach of quotes.py trades at its single price; one beyond it shows a quote instead, which
is renewed until it can trade or stands at a daily limit. While a quote is shown every order that
comes, goes or changes is followed by another look, and once the cross is within reach it trades
and continuous trading goes on.

In continuous trading an order trades as far as it reaches; if it would go on, or is a market order
with nobody left to meet, it waits on the book and a quote is shown. IOC orders never wait. FOK
orders count what they can have price by price and end while a quote is shown (TSE has none; ours).

Invariant: while no quote is shown nothing on a continuous book could trade.
"""

from typing import Final

from market.commands import NO_PRICE
from market.errors import InvariantBroken
from market.events import Event, OrderCanceled, QuoteEnded, QuoteShown
from market.quantities import Sen, TimeNs
from market.reasons import CancelReason
from market.rules import StopAllocation
from market.words import OrderKind, QuoteKind, SelfTradeMode, Side, Validity
from matching import cross, stop
from matching.clearing import NO_CLEARING, Clearing
from matching.continuous import cancel_rest, trade, within_reach
from matching.issue import Issue
from matching.order import Order
from matching.quotes import Quotes, Reach

_BUY: Final = Side.BUY
_IOC: Final = Validity.IOC
_FOK: Final = Validity.FOK
_MARKET: Final = OrderKind.MARKET


def enter(issue: Issue, order: Order, at_ns: TimeNs, events: list[Event]) -> None:
    """Take in an order that was just accepted or amended, where the preset has special quotes."""
    quotes = _quotes(issue)
    if quotes.shown is not None or issue.seeks_first:
        _enter_quoted(issue, order, at_ns, events)
        return
    validity = order.validity
    if validity is _FOK and not _fillable(issue, order, at_ns):
        cancel_rest(order, CancelReason.FOK_UNFILLED, events)
        return
    stopped = _trade_within_reach(issue, order, at_ns, events)
    if not order.leaves_units:
        return
    if validity is _IOC or validity is _FOK:
        cancel_rest(order, CancelReason.IOC_REST, events)
        return
    issue.book.add(order)
    if stopped or order.kind is _MARKET:
        anchor = issue.anchor_sen
        began = quotes.window_begins(anchor, at_ns)
        settle(issue, at_ns, events, quotes.reach_at_once(anchor, began, issue.limits_sen))


def look(issue: Issue, at_ns: TimeNs, events: list[Event]) -> None:
    """The book changed: if a quote is shown, see what becomes of it."""
    if issue.quotes is not None and issue.quotes.shown is not None:
        settle(issue, at_ns, events)


def settle(issue: Issue, at_ns: TimeNs, events: list[Event], reach: Reach | None = None) -> None:
    """Cross as long as a cross is within reach, then show, keep or end a quote."""
    quotes = _quotes(issue)
    while True:
        now = reach or quotes.reach(issue.anchor_sen, issue.limits_sen)
        clearing = cross.crossing(issue, events)
        if not _cross_within(issue, clearing, now, events):
            break
        reach = None
    side = pressing_side(issue, clearing, now)
    if side is None:
        end_quote(issue, events)
        if cross.is_crossed(issue):
            cross.clear_outside(issue, events)
        if issue.permission.trades_at_once:
            issue.simultaneous_to = 0
            cross.void_market_orders(issue, events)
        return
    shown = quotes.shown
    if shown is None or shown.side is not side:
        origin = issue.anchor_sen if shown is None else shown.origin_sen
        if shown is not None:
            end_quote(issue, events)
        price, kind = now.end(side)
        show_quote(
            issue, events, kind=kind, side=side, price_sen=price, origin_sen=origin, at_ns=at_ns
        )


def renew(issue: Issue, at_ns: TimeNs, events: list[Event]) -> None:
    """Move the quote shown one width on: trade there, or show it."""
    quotes = _quotes(issue)
    shown = quotes.shown
    if shown is None:
        return
    price = quotes.next_price(shown, issue.limits_sen)
    low, high = quotes.reach(issue.anchor_sen, issue.limits_sen)[:2]
    reach = Reach(low, price) if shown.side is _BUY else Reach(price, high)
    if not _cross_within(issue, cross.crossing(issue, events), reach, events):
        show_quote(
            issue,
            events,
            kind=QuoteKind.SPECIAL,
            side=shown.side,
            price_sen=price,
            origin_sen=shown.origin_sen,
            at_ns=at_ns,
        )
    else:
        settle(issue, at_ns, events)


def open_auction(issue: Issue, at_ns: TimeNs, events: list[Event]) -> None:
    """The cross of an opening auction; what it cannot trade waits under a quote."""
    if issue.suspended:
        cross.hold_auction(issue, events)
        return
    begun = issue.trade_numbers.last
    settle(issue, at_ns, events)
    if issue.trade_numbers.last == begun:
        if _quotes(issue).shown is None:
            cross.end_after_auction(issue, events)
        cross.tell_held(issue, NO_CLEARING, 0, events)
    issue.tell_indicative(NO_CLEARING, events)


def begin_continuous(issue: Issue, at_ns: TimeNs, events: list[Event]) -> None:
    """Continuous trading begins or goes on; a quote from the opening stays."""
    quotes = _quotes(issue)
    if quotes.shown is not None:
        return
    settle(issue, at_ns, events)
    if quotes.shown is None:
        cross.end_openers(issue, events)


def leave_continuous(issue: Issue, events: list[Event]) -> None:
    """Another state begins: no quote is shown any more, and what waited for the open ends."""
    quotes = issue.quotes
    if quotes is None:
        return
    quotes.forget_window()
    if quotes.shown is not None:
        end_quote(issue, events)
        cross.end_openers(issue, events)


def start_over(issue: Issue, at_ns: TimeNs, events: list[Event]) -> None:
    """The limits moved under a quote: look again from where it stands."""
    if issue.quotes is not None and issue.quotes.shown is not None:
        end_quote(issue, events)
        settle(issue, at_ns, events)


def end_quote(issue: Issue, events: list[Event]) -> None:
    """Show no quote any more; nothing happens if none is shown."""
    quotes = _quotes(issue)
    if quotes.shown is not None:
        number = quotes.shown.number
        quotes.shown = None
        name = issue.instrument.instrument_id
        events.append(QuoteEnded(instrument_id=name, quote_number=number))


def show_quote(
    issue: Issue,
    events: list[Event],
    *,
    kind: QuoteKind,
    side: Side,
    price_sen: Sen,
    origin_sen: Sen,
    at_ns: TimeNs,
    renewed: bool = True,
) -> None:
    """Show a price; a special quote is also where the next move is measured from."""
    quotes = _quotes(issue)
    if not renewed or price_sen == issue.limits_sen[side is _BUY]:
        kind, renew_at = QuoteKind.SPECIAL, TimeNs(0)
    else:
        renew_at = TimeNs(at_ns + quotes.lasts_ns(kind))
    shown = quotes.show(kind, side, price_sen, origin_sen, renew_at)
    if shown.kind is QuoteKind.SPECIAL:
        issue.held_sen = price_sen
    events.append(
        QuoteShown(
            instrument_id=issue.instrument.instrument_id,
            quote_number=shown.number,
            kind=shown.kind,
            side=side,
            price_sen=price_sen,
            renew_at_ns=shown.renew_at_ns,
        )
    )


def pressing_side(issue: Issue, clearing: Clearing, reach: Reach) -> Side | None:
    """The side that wants a price beyond ``reach``, given a cross that is not within it."""
    price = clearing.price_sen
    if price is None:
        return issue.leaning()
    return _BUY if price > reach.high_sen else Side.SELL


# --- leaves


def _cross_within(issue: Issue, clearing: Clearing, reach: Reach, events: list[Event]) -> bool:
    """Trade if the price is within reach, and end what does not outlive a cross."""
    price = clearing.price_sen
    if price is not None and reach.holds(price):
        trades = cross.trade_at(issue, price, clearing.executed_units, events)
    elif price is None and issue.rules.stop_allocation.value is StopAllocation.EVERY_ITAYOSE:
        side = issue.leaning()
        if side is None or issue.seeks_first or not reach.holds(issue.limits_sen[side is _BUY]):
            return False
        clearing, trades = stop.share_at_limit(issue, side, events)
        if not trades:
            return False
    else:
        return False
    _quotes(issue).forget_window()
    cross.end_after_auction(issue, events)
    cross.tell_held(issue, clearing, trades, events)
    end_quote(issue, events)
    return True


def _enter_quoted(issue: Issue, order: Order, at_ns: TimeNs, events: list[Event]) -> None:
    """Itayose is the method under a quote and before a first price: join, then look at the book."""
    if order.validity is _FOK:
        cancel_rest(order, CancelReason.FOK_UNFILLED, events)
        return
    issue.book.add(order)
    if order.validity is not _IOC:
        settle(issue, at_ns, events)
        return
    reach = _quotes(issue).reach(issue.anchor_sen, issue.limits_sen)
    entered = len(events)
    crossed = _cross_within(issue, cross.crossing(issue, events), reach, events)
    if order.leaves_units and not _was_voided(order, events[entered:]):
        issue.book.remove(order)
        cancel_rest(order, CancelReason.IOC_REST, events)
    if crossed:
        settle(issue, at_ns, events)


def _was_voided(order: Order, events: list[Event]) -> bool:
    """Whether a preset that voids what a cross left of market orders has ended this one already."""
    return any(
        isinstance(event, OrderCanceled) and event.order_id == order.order_id for event in events
    )


def _trade_within_reach(issue: Issue, order: Order, at_ns: TimeNs, events: list[Event]) -> bool:
    """Trade price by price, while the next one is within reach of the one before. O(fills).

    Returns:
        Whether somebody is left whom the order would meet, were it not for the reach.
    """
    following = issue.book.next_match(order)
    if following is None:
        return False
    quotes, limit, numbers = _quotes(issue), order.price_sen, issue.trade_numbers
    while following is not None:
        anchor, price, begun = issue.anchor_sen, following.price_sen, numbers.last
        began = quotes.window_begins(anchor, at_ns)
        if not quotes.reach_at_once(anchor, began, issue.limits_sen).holds(price):
            return True
        order.price_sen = price
        trade(issue, order, events)
        order.price_sen = limit
        if numbers.last != begun:
            issue.held_sen = NO_PRICE
            quotes.traded(anchor, at_ns)
        if not order.leaves_units:
            return False
        following = issue.book.next_match(order)
    return False


def _fillable(issue: Issue, order: Order, at_ns: TimeNs) -> bool:
    """Whether a FOK order meets enough, price by price; self-trade prevention sees the first only."""
    quotes, limit = _quotes(issue), order.price_sen
    anchor = issue.anchor_sen
    began = quotes.window_begins(anchor, at_ns)
    furthest = NO_PRICE
    sign = 1 if order.side is _BUY else -1
    for level in issue.book.levels(Side.SELL if order.side is _BUY else _BUY):
        price = level.price_sen
        beyond = limit != NO_PRICE and price * sign > limit * sign
        if beyond or not quotes.reach_at_once(anchor, began, issue.limits_sen).holds(price):
            break
        furthest = anchor = price
        if order.self_trade_mode is not SelfTradeMode.ALLOW_REPORT:
            break
    if furthest == NO_PRICE:
        return False
    order.price_sen = furthest
    units = within_reach(issue, order)
    order.price_sen = limit
    return units >= order.leaves_units


def _quotes(issue: Issue) -> Quotes:
    quotes = issue.quotes
    if quotes is None:
        raise InvariantBroken("the preset has special quotes", {"issue": issue.instrument})
    return quotes
