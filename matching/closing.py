"""The closing auction since 2024-11-05 (大引けの板寄せ): a band, stop allocation, special execution.

| what the cross wants | what happens |
|---|---|
| a price within the last price and so many widths | an ordinary itayose at it |
| that price is a daily limit and one side is left over | stop allocation (stop.py) |
| market orders nothing can fill, the limit within the band | stop allocation |
| a price beyond the band, in a closing that a pre-closing led to | special execution at the band's end |
| none of these | no trade; a quote stands at the band's end and is tomorrow's base price |

Special execution (Matsui Securities' worked book; Monex): everything at the band's end or better, by
time alone, whatever its price or kind; each side needs one unit there. A session's close without a
pre-closing (TSE's morning) has the band but neither of the other two; it and the quote after a close
without trade are inferred (JPX: the base price is the last price or the last special quote).
Known limit: the indicative price of the pre-closing is the ordinary itayose's, beyond the band too.
"""

from market.events import Event
from market.quantities import Sen, TimeNs, Units
from market.rules import StopAllocation
from market.words import QuoteKind, Side
from matching import cross, itayose, stop, uncross
from matching.clearing import NO_CLEARING, Clearing
from matching.issue import Issue
from matching.quotes import Quotes, Reach


def hold(issue: Issue, at_ns: TimeNs, events: list[Event]) -> None:
    """The cross of a closing auction, with its trades, ends, result and "no price"."""
    if issue.suspended:
        cross.hold_auction(issue, events)
        return
    clearing, reach = cross.crossing(issue, events), _reach(issue)
    price = clearing.price_sen
    side: Side | None = None
    if price is not None and reach.holds(price):
        side = _stopped_side(issue, clearing) if _shares_at_limit(issue) else None
        if side is None:
            trades = cross.trade_at(issue, price, clearing.executed_units, events)
        else:
            clearing, trades = stop.share_at_limit(issue, side, events)
    else:
        side = itayose.pressing_side(issue, clearing, reach)
        clearing, trades = _beyond(issue, side, reach, events)
    bound = None if side is None else reach.end(side)[0]
    stuck = note_stuck(issue, traded_now=bool(trades))
    if side is None and not trades and stuck is not None:
        side, bound = stuck, issue.limits_sen[stuck is Side.BUY]  # a queue that nobody answers
    cross.end_after_auction(issue, events)
    cross.tell_held(issue, clearing, trades, events)
    stays = side is not None and not trades and issue.ends_pre_closing
    if stays and side is not None and bound is not None and issue.quotes is not None:
        itayose.show_quote(
            issue,
            events,
            kind=QuoteKind.SPECIAL,
            side=side,
            price_sen=bound,
            origin_sen=issue.anchor_sen,
            at_ns=at_ns,
            renewed=False,
        )
    issue.tell_indicative(NO_CLEARING, events)


def note_stuck(issue: Issue, *, traded_now: bool) -> Side | None:
    """The side with orders left at its limit after a day without trade, or with this cross only.

    Call it when the cross has traded and nothing has expired yet.
    """
    broadening = issue.broadening
    if broadening is None or not issue.ends_pre_closing:
        return None
    for side, limit in zip((Side.SELL, Side.BUY), issue.limits_sen, strict=True):
        left = uncross.at_or_better(issue, side, limit)
        only_now = traded_now and issue.last_sen == limit and broadening.trades_today == 1
        if left and (not broadening.has_traded or only_now):
            broadening.stuck = side
    return broadening.stuck


def _reach(issue: Issue) -> Reach:
    widths = issue.rules.closing_auction_widths.value
    if not widths:
        return Reach(*issue.limits_sen)
    quotes = issue.quotes or Quotes(issue.rules, issue.instrument.ticks)
    return Reach(*quotes.band(issue.anchor_sen, widths, issue.limits_sen))


def _shares_at_limit(issue: Issue) -> bool:
    rule = issue.rules.stop_allocation.value
    return rule is StopAllocation.EVERY_ITAYOSE or (
        rule is StopAllocation.AT_CLOSE and issue.ends_pre_closing
    )


def _stopped_side(issue: Issue, clearing: Clearing) -> Side | None:
    """The side left over at a daily limit, or None."""
    lower, upper = issue.limits_sen
    if clearing.price_sen == upper and clearing.surplus_units > 0:
        return Side.BUY
    return Side.SELL if clearing.price_sen == lower and clearing.surplus_units < 0 else None


def _beyond(
    issue: Issue, side: Side | None, reach: Reach, events: list[Event]
) -> tuple[Clearing, int]:
    """No ordinary cross within the band: the two other ways to trade, or none."""
    if side is None:
        return NO_CLEARING, 0
    bound = reach.end(side)[0]
    if bound == issue.limits_sen[side is Side.BUY] and _shares_at_limit(issue):
        return stop.share_at_limit(issue, side, events)
    if issue.rules.special_execution.value and issue.ends_pre_closing:
        return _special_execution(issue, bound, events)
    return NO_CLEARING, 0


def _special_execution(issue: Issue, price_sen: Sen, events: list[Event]) -> tuple[Clearing, int]:
    buys = uncross.at_or_better(issue, Side.BUY, price_sen)
    sells = uncross.at_or_better(issue, Side.SELL, price_sen)
    bought = sum(order.leaves_units for order in buys)
    sold = sum(order.leaves_units for order in sells)
    units = Units(min(bought, sold))
    if not units:
        return NO_CLEARING, 0
    fills = uncross.fills_by_time(buys, units), uncross.fills_by_time(sells, units)
    trades = uncross.pair(issue, price_sen, *fills, events)
    return Clearing(price_sen, units, bought - sold), trades
