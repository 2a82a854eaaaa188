"""What each state of a book lets through, as a table made from the preset.

| state | new | amend | cancel |
|---|---|---|---|
| PreOpen, PreClose | yes | yes | yes |
| non-cancel phases (START: PreOpenNCP, PreCloseNCP) | by ``ncp_new_orders`` | no | no |
| OpeningAuction, ClosingAuction | no | no | no |
| Continuous | yes | yes | yes |
| Break | by ``break_orders`` | by ``break_orders`` | by ``break_orders`` |
| Closed | no | no | no |

START's states: ITCH 1.2, 4.10; what a non-cancel period bars: OSE glossary. Suspension
(売買停止) stands beside the state: it bars new orders and amendments, never cancels.
IOC and FOK need an order to meet at once, so they exist in Continuous only, but that in a market
without a continuous session FOK is for the next cross, whole or not at all (fok.py); an order for the
next auction may be entered only while orders gather for one. Conditions have states of their own
(conditions.py): on-open only before the open, funari not in the closing call.
"""

from collections.abc import Container
from typing import Final, NamedTuple

from market.reasons import RejectReason
from market.rules import BreakOrders, Rules
from market.words import AUCTION_PHASES, INDICATIVE_PHASES, Phase, Validity


class Permission(NamedTuple):
    """What one state lets through; None means yes.

    Attributes:
        validities: Which orders' lives may begin in it.
        trades_at_once: Whether an incoming order is matched when it arrives.
        publishes_indicative: Whether the price of a cross now is published on change.
    """

    new_refusal: RejectReason | None
    amend_refusal: RejectReason | None
    cancel_refusal: RejectReason | None
    validities: tuple[Validity, ...]
    trades_at_once: bool = False
    publishes_indicative: bool = False


_IMMEDIATE: Final = (Validity.IOC, Validity.FOK)
_BEGINS: Final[dict[Validity, Container[Phase]]] = {
    Validity.ON_OPEN: (Phase.PRE_OPEN, Phase.PRE_OPEN_NCP),
    Validity.FUNARI: (Phase.PRE_OPEN, Phase.PRE_OPEN_NCP, Phase.CONTINUOUS, Phase.BREAK),
}
"""States in which an order's life may begin; every other validity: all that gather."""
_SHUT: Final = RejectReason.PHASE_CLOSED


def permissions(rules: Rules) -> dict[Phase, Permission]:
    """The table of one preset, every state in it."""
    return {phase: _permission(rules, phase) for phase in Phase}


def _permission(rules: Rules, phase: Phase) -> Permission:
    allowed = rules.validities.value
    immediate = _IMMEDIATE if rules.has_continuous else (Validity.IOC,)
    gathering = tuple(validity for validity in allowed if validity not in immediate)
    gathering = tuple(validity for validity in gathering if phase in _BEGINS.get(validity, Phase))
    if phase is Phase.CONTINUOUS:
        barred = (Validity.NEXT_AUCTION, Validity.ON_OPEN)
        at_once = tuple(validity for validity in allowed if validity not in barred)
        return Permission(None, None, None, at_once, trades_at_once=True)
    if phase in AUCTION_PHASES or phase is Phase.CLOSED:
        return Permission(_SHUT, _SHUT, _SHUT, gathering)
    if phase is Phase.BREAK:
        takes = rules.break_orders.value
        entry = None if takes is BreakOrders.ALL else _SHUT
        leaving = _SHUT if takes is BreakOrders.NONE else None
        return Permission(entry, entry, leaving, gathering)
    new = leave = None
    if phase in rules.non_cancel_phases.value:
        new = None if rules.ncp_new_orders.value else _SHUT
        leave = RejectReason.NON_CANCEL_PERIOD
    indicative = phase in INDICATIVE_PHASES
    return Permission(new, leave, leave, gathering, publishes_indicative=indicative)
