"""Amounts and their units: whole numbers only, the unit at the end of the name.

Prices are in sen (1/100 yen), because START's feed carries two decimals and neighbour tick
tables go down to 0.1 yen. Cash is in whole yen, quantities in token units. Every rounding has
a name. Nothing here, and nothing that uses it below the wire, ever holds a float.
"""

import re
from typing import Final, NewType

Sen = NewType("Sen", int)
"""A price: 1/100 yen for one unit."""

Yen = NewType("Yen", int)
"""An amount of cash in whole yen."""

Units = NewType("Units", int)
"""A number of token units."""

TimeNs = NewType("TimeNs", int)
"""UTC nanoseconds since the epoch; always data, never read from a clock below venue/."""

SequenceNo = NewType("SequenceNo", int)
"""Position of a command in the journal, contiguous from 1."""

SEN_PER_YEN: Final = 100

MAX_PRICE_SEN: Final = Sen(2_147_483_646)
"""21,474,836.46 yen: the largest price START's 32-bit field can carry (7FFFFFFF is reserved)."""

MAX_QUANTITY_UNITS: Final = Units(2_147_483_647)
"""Largest quantity of one order: a 32-bit field in START's feed."""

MAX_YEN: Final = Yen(2**53 - 1)
"""Largest cash amount: every JSON reader holds it exactly."""

_PRICE_TEXT = re.compile(r"(0|[1-9][0-9]{0,7})(?:\.([0-9]{1,2}))?")


def consideration_yen_rounded_down(price_sen: Sen, quantity_units: Units) -> Yen:
    """Cash one trade moves before fees (約定代金), in whole yen, rounded down."""
    return Yen(price_sen * quantity_units // SEN_PER_YEN)


def hold_yen_rounded_up(price_sen: Sen, quantity_units: Units) -> Yen:
    """Cash held for an open buy order, in whole yen, rounded up.

    Rounded up, so that however an order is split into fills the sum of the fills (each rounded
    down) never exceeds what was held.
    """
    return Yen(-(-price_sen * quantity_units // SEN_PER_YEN))


def price_from_text(text: str) -> Sen | None:
    """Read a decimal price in yen, exactly, as it stands on the wire.

    Returns:
        1/100 yen, or None when the text is not a plain decimal with at most two decimals,
        or lies outside 0.01 to 21,474,836.46 yen.

    >>> price_from_text("101250"), price_from_text("101250.5"), price_from_text("1e5")
    (10125000, 10125050, None)
    """
    found = _PRICE_TEXT.fullmatch(text)
    if found is None:
        return None
    yen, decimals = found.groups()
    price_sen = int(yen) * SEN_PER_YEN + int((decimals or "0").ljust(2, "0"))
    return Sen(price_sen) if 0 < price_sen <= MAX_PRICE_SEN else None


def price_to_text(price_sen: Sen) -> str:
    """Write a price as a decimal string in yen; two decimals, or none when they are zero.

    >>> price_to_text(Sen(10_125_000)), price_to_text(Sen(10_125_050))
    ('101250', '101250.50')
    """
    yen, sen = divmod(price_sen, SEN_PER_YEN)
    return f"{yen}.{sen:02d}" if sen else str(yen)
