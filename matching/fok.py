"""Fill-or-kill orders in a cross (板寄せ), for markets that have no continuous session.

Such an order trades whole at the next cross or not at all. One that the cross at hand would leave
open, in whole or in part, is taken off before the cross, the one entered last first, and the price is
looked for anew, until every one left is filled whole. What is taken off stays off, also when a later
price would have filled it: the answer must not depend on more than one look back.

The indicative price counts these orders like any other. Which order is filled whole is decided by
price and time; where a rulebook allocates otherwise, a remainder ends after the cross instead.

Cost: O(fill-or-kill orders x orders) in the worst case, O(orders) when none is taken off.
Source: START FIX 1.1 (2nd-hand) lists tag 59 = 4; what it means in a cross is our reading.
"""

from market.events import Event
from market.quantities import Units
from market.reasons import CancelReason
from market.words import Side, Validity
from matching.clearing import Clearing
from matching.continuous import canceled
from matching.issue import Issue
from matching.order import Order, by_time


def clearing_without_unfilled(issue: Issue, events: list[Event]) -> Clearing:
    """The price of a cross now, after taking off every fill-or-kill order it would leave open."""
    while True:
        clearing = issue.clearing()
        if clearing.price_sen is None:
            return clearing
        unfilled = [
            order for side in Side for order in _unfilled(issue, side, clearing.executed_units)
        ]
        if not unfilled:
            return clearing
        last = max(unfilled, key=by_time)
        issue.book.remove(last)
        events.append(canceled(last, CancelReason.FOK_UNFILLED))


def _unfilled(issue: Issue, side: Side, executed_units: Units) -> list[Order]:
    """Fill-or-kill orders of one side that a cross of so many units does not fill whole."""
    found: list[Order] = []
    left: int = executed_units
    for order in issue.book.queue(side):
        left -= order.leaves_units
        if left < 0 and order.validity is Validity.FOK:
            found.append(order)
    return found
