"""Continuous trading (ザラバ): match one incoming order by price, then time, then rest or end it.

A trade is at the resting order's price. A market order's remainder is canceled, it never rests
here; where the preset has special quotes, itayose.py takes orders in and calls :func:`trade`. IOC trades what it can now; FOK trades all of it or nothing, and then nothing has moved.

Self-trade prevention (仮装売買防止): the incoming order's mode decides when the next order to
trade with is its owner's. Modes as other venues offer them: cancel newest, oldest or both,
decrement both by the smaller, or let it trade and report it. FOK counts what the mode leaves to
trade with: own orders are passed over by cancel_oldest and end the count in the other modes.
What is prevented is reported with its quantity and price (ODX equities OUCH 2.0, 7.5).
"""

from collections.abc import Sequence
from typing import Final, NamedTuple

from market.errors import check
from market.events import Event, OrderCanceled, OrderReduced, Trade
from market.quantities import Sen, Units
from market.reasons import CancelReason
from market.words import OrderKind, SelfTradeMode, Side, Validity
from matching.book import Fill
from matching.issue import Issue
from matching.order import Order

_BUY: Final = Side.BUY
_LIMIT: Final = OrderKind.LIMIT
_IOC: Final = Validity.IOC
_FOK: Final = Validity.FOK
_ALLOW: Final = SelfTradeMode.ALLOW_REPORT
_NEWEST: Final = SelfTradeMode.CANCEL_NEWEST
_OLDEST: Final = SelfTradeMode.CANCEL_OLDEST
_BOTH: Final = SelfTradeMode.CANCEL_BOTH
_DECREMENT: Final = SelfTradeMode.DECREMENT


class Prevented(NamedTuple):
    """The trade that self-trade prevention stopped: units, and the resting order's price."""

    units: Units
    price_sen: Sen


_NOTHING: Final = Prevented(Units(0), Sen(0))


def enter(issue: Issue, order: Order, events: list[Event]) -> None:
    """Match an order that was just accepted or amended, then rest it or end it."""
    validity = order.validity
    if validity is _FOK and within_reach(issue, order) < order.leaves_units:
        cancel_rest(order, CancelReason.FOK_UNFILLED, events)
        return
    carry_on(issue, order, events)


def carry_on(issue: Issue, order: Order, events: list[Event]) -> None:
    """Match what is left of an order, then rest it or end it."""
    validity = order.validity
    trade(issue, order, events)
    if not order.leaves_units:
        return
    if validity is _IOC or validity is _FOK:
        cancel_rest(order, CancelReason.IOC_REST, events)
    elif order.kind is _LIMIT:
        issue.book.add(order)
    else:
        cancel_rest(order, CancelReason.MARKET_REST, events)


def trade(issue: Issue, order: Order, events: list[Event]) -> None:
    """Match an order with what its limit reaches; what is left of it is not placed yet."""
    if order.self_trade_mode is _ALLOW:
        wanted = order.leaves_units
        fills = issue.book.match(order, None)
        if fills:
            report(issue, order, wanted, fills, events)
    else:
        _match_preventing(issue, order, events)


def report(
    issue: Issue, order: Order, wanted_units: Units, fills: Sequence[Fill], events: list[Event]
) -> None:
    """One trade for each fill of the incoming ``order``, which had ``wanted_units`` open."""
    numbers = issue.trade_numbers
    trade_id, leaves = numbers.last, wanted_units
    instrument_id, owner = order.instrument_id, order.owner
    buys = order.side is _BUY
    price = order.price_sen
    for resting, units in fills:
        trade_id += 1  # type: ignore[assignment]
        leaves -= units  # type: ignore[assignment]
        price = resting.price_sen
        buyer, seller = (order, resting) if buys else (resting, order)
        resting_leaves = resting.leaves_units
        events.append(
            Trade(
                trade_id=trade_id,
                instrument_id=instrument_id,
                price_sen=price,
                quantity_units=units,
                buyer=buyer.participant_id,
                seller=seller.participant_id,
                buy_order_id=buyer.order_id,
                sell_order_id=seller.order_id,
                buy_leaves_units=leaves if buys else resting_leaves,
                sell_leaves_units=resting_leaves if buys else leaves,
                cross=False,
                self_trade=resting.owner == owner,
            )
        )
    numbers.last = trade_id
    issue.last_sen = price
    if issue.broadening is not None:
        issue.broadening.traded(fills[0][0].price_sen)
        issue.broadening.traded(price)


def cancel_rest(
    order: Order, reason: CancelReason, events: list[Event], prevented: Prevented = _NOTHING
) -> None:
    """End an order that does not rest; ``leaves_units`` becomes 0."""
    events.append(canceled(order, reason, prevented))
    order.leaves_units = Units(0)


def canceled(order: Order, reason: CancelReason, prevented: Prevented = _NOTHING) -> OrderCanceled:
    """The event that an order's open quantity is canceled."""
    return OrderCanceled(
        order_id=order.order_id,
        participant_id=order.participant_id,
        instrument_id=order.instrument_id,
        canceled_units=order.leaves_units,
        reason=reason,
        prevented_units=prevented.units,
        prevented_price_sen=prevented.price_sen,
    )


def within_reach(issue: Issue, order: Order) -> int:
    """Units an order could trade now, up to its open quantity, by its self-trade mode."""
    mode = order.self_trade_mode
    owner = None if mode is _ALLOW else order.owner
    return issue.book.available(order, owner, skip_owner=mode is _OLDEST)


def _match_preventing(issue: Issue, order: Order, events: list[Event]) -> None:
    """Match up to each own order in turn, and act on it by the incoming order's mode."""
    book, mode = issue.book, order.self_trade_mode
    while order.leaves_units:
        wanted = order.leaves_units
        fills = book.match(order, order.owner)
        if fills:
            report(issue, order, wanted, fills, events)
        if not order.leaves_units:
            return
        own = book.next_match(order)
        if own is None:
            return
        check(own.owner == order.owner, "matching stops only at an own order", order=own.order_id)
        prevented = Prevented(min(order.leaves_units, own.leaves_units), own.price_sen)
        if mode is _DECREMENT:
            _decrement(issue, order, own, prevented, events)
            continue
        if mode is _OLDEST or mode is _BOTH:
            book.remove(own)
            events.append(canceled(own, CancelReason.SELF_TRADE, prevented))
        if mode is _NEWEST or mode is _BOTH:
            cancel_rest(order, CancelReason.SELF_TRADE, events, prevented)


def _decrement(
    issue: Issue, order: Order, own: Order, prevented: Prevented, events: list[Event]
) -> None:
    """Take the smaller open quantity off both; the one left with nothing is canceled."""
    units = prevented.units
    if own.leaves_units > units:
        issue.book.reduce(own, units)
        events.append(_reduced(own, prevented))
    else:
        issue.book.remove(own)
        events.append(canceled(own, CancelReason.SELF_TRADE, prevented))
    if order.leaves_units > units:
        order.leaves_units = Units(order.leaves_units - units)
        events.append(_reduced(order, prevented))
    else:
        cancel_rest(order, CancelReason.SELF_TRADE, events, prevented)


def _reduced(order: Order, prevented: Prevented) -> OrderReduced:
    return OrderReduced(
        order_id=order.order_id,
        participant_id=order.participant_id,
        instrument_id=order.instrument_id,
        prevented_units=prevented.units,
        leaves_units=order.leaves_units,
        prevented_price_sen=prevented.price_sen,
    )
