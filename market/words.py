"""The states of a book in the feed's own names, the same words for matching, rules and feeds."""

from enum import StrEnum


class Phase(StrEnum):
    """START's eight book states (ITCH 1.2, 4.10), and ``Continuous`` for markets that have it."""

    PRE_OPEN = "PreOpen"
    PRE_OPEN_NCP = "PreOpenNCP"
    OPENING_AUCTION = "OpeningAuction"
    CONTINUOUS = "Continuous"
    BREAK = "Break"
    PRE_CLOSE = "PreClose"
    PRE_CLOSE_NCP = "PreCloseNCP"
    CLOSING_AUCTION = "ClosingAuction"
    CLOSED = "Closed"


AUCTION_PHASES = (Phase.OPENING_AUCTION, Phase.CLOSING_AUCTION)
"""States in which the one cross of the state runs; nothing may enter or leave."""

INDICATIVE_PHASES = (Phase.PRE_OPEN, Phase.PRE_OPEN_NCP, Phase.PRE_CLOSE, Phase.PRE_CLOSE_NCP)
"""States that publish an indicative equilibrium price (START ITCH 1.2, 4.11)."""


class Side(StrEnum):
    """Which way an order goes."""

    BUY = "buy"
    SELL = "sell"


class OrderKind(StrEnum):
    """Limit (指値) or market (成行)."""

    LIMIT = "limit"
    MARKET = "market"


class ShortSale(StrEnum):
    """A sell of units not held (空売り), and one exempt from the price rules for such sells."""

    SHORT = "short"
    EXEMPT = "exempt"


class Validity(StrEnum):
    """How long an order lives."""

    DAY = "day"
    NEXT_AUCTION = "next_auction"
    IOC = "ioc"
    FOK = "fok"
    ON_OPEN = "on_open"  # 寄付: for the opening cross only
    ON_CLOSE = "on_close"  # 引け: waits aside until the closing call
    FUNARI = "funari"  # 不成: a limit order that becomes a market order for the closing call


class SelfTradeMode(StrEnum):
    """What happens when an order would trade with its own owner (仮装売買防止)."""

    ALLOW_REPORT = "allow_report"
    CANCEL_NEWEST = "cancel_newest"
    CANCEL_OLDEST = "cancel_oldest"
    CANCEL_BOTH = "cancel_both"
    DECREMENT = "decrement"


class QuoteKind(StrEnum):
    """Why a price is shown instead of traded at."""

    SPECIAL = "special"  # 特別気配
    SEQUENTIAL = "sequential"  # 連続約定気配
