"""Short words the rulebooks are written with."""

from typing import Final

from market.rules import Mark
from market.words import OrderKind, Phase

DOCUMENTED: Final = Mark.DOCUMENTED
INFERRED: Final = Mark.INFERRED
UNKNOWN_DEFAULT: Final = Mark.UNKNOWN_DEFAULT

NON_CANCEL: Final = (Phase.PRE_OPEN_NCP, Phase.PRE_CLOSE_NCP)
LIMIT_AND_MARKET: Final = (OrderKind.LIMIT, OrderKind.MARKET)


def clock(hours: int, minutes: int = 0, seconds: int = 0) -> int:
    """Second of the day, Japan time."""
    return hours * 3600 + minutes * 60 + seconds
