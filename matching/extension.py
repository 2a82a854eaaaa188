"""Extending a call auction (板寄せの延長): once, when its price would move far from the centre.

The day's plan holds the steps of an auction twice: at its time, and once more behind the extension,
marked ``after_extension``. Which of the two is carried out is decided here, so the plan stays a pure
function of the rulebook and a restarted venue knows where it stands.

| steps of | not extended | extended |
|---|---|---|
| the auction's time | carried out | put off: nothing happens, the call goes on |
| behind the extension | nothing happens | carried out |

While extended, orders enter and leave as the state before the auction lets them (START: in the
non-cancel period none may leave). An issue that is suspended or finds no price is not extended.
"""

from enum import Enum

from market.events import AuctionExtended, Event
from market.words import AUCTION_PHASES, Phase
from matching.issue import Issue

_PERCENT = 100


class Extension(Enum):
    """Where an issue stands with its auction's extension."""

    NONE = 0
    WAITING = 1  # the steps of the auction's time are put off
    ENDING = 2  # the steps behind the extension are being carried out


def put_off(issue: Issue, phase: Phase | None, *, after_extension: bool) -> list[Event] | None:
    """What a planned step comes to instead of its effect, or None when it takes effect.

    Args:
        issue: The issue whose step it is.
        phase: The state to enter; None for the cross.
        after_extension: Whether it is a step behind the extension.
    """
    if not (issue.extension or after_extension or issue.rules.auction_extension_s.value):
        return None  # the common step: this market has no extensions
    stands = Extension(issue.extension)
    if stands is (Extension.NONE if after_extension else Extension.WAITING):
        return []
    if phase is None:
        return None  # a cross may still be refused, so only states move the extension on
    if after_extension:
        issue.extension = Extension.ENDING.value
        return None
    issue.extension = Extension.NONE.value
    if phase not in AUCTION_PHASES or not _moves_far(issue):
        return None
    issue.extension = Extension.WAITING.value
    return [
        AuctionExtended(
            instrument_id=issue.instrument.instrument_id,
            extension_s=issue.rules.auction_extension_s.value,
        )
    ]


def _moves_far(issue: Issue) -> bool:
    rules = issue.rules
    if not rules.auction_extension_s.value or issue.suspended:
        return False
    price_sen, centre_sen = issue.clearing().price_sen, issue.centre_sen
    if price_sen is None:
        return False
    moved = abs(price_sen - centre_sen) * _PERCENT
    return moved > centre_sen * rules.auction_extension_percent.value
