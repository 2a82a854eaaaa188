"""How long people take: drawn by trade from the seed of the case, the same in every design.

Half an hour to three hours for a firm's own part of a manual process; three in a hundred payments do not
reconcile at once and take 20 to 240 minutes of work. Source: assumptions.
"""

from typing import Final

from settlement.designs.conduct import MINUTE_NS

PEOPLE_MINUTES: Final = (30, 180)
BREAK_MINUTES: Final = (20, 240)
BREAK_PERCENT: Final = 3
AGREED_MINUTES: Final = 5


def people_ns(seed: int, deal: str) -> int:
    """How long until people act."""
    low, high = PEOPLE_MINUTES
    return (low + _draw(seed, deal, 1) % (high - low)) * MINUTE_NS


def is_broken(seed: int, deal: str, *, forced: bool) -> bool:
    """Whether two records disagree."""
    return forced or _draw(seed, deal, 2) % 100 < BREAK_PERCENT


def repair_minutes(seed: int, deal: str, *, forced: bool) -> int:
    """How long until records agree."""
    if not is_broken(seed, deal, forced=forced):
        return AGREED_MINUTES
    low, high = BREAK_MINUTES
    return low + _draw(seed, deal, 3) % (high - low)


def _draw(seed: int, deal: str, salt: int) -> int:
    """A number from 0 to 65,535 that follows from seed, trade and salt."""
    value = 2_166_136_261
    for byte in f"{seed}/{deal}/{salt}".encode():
        value = (value ^ byte) * 16_777_619 % 2**32
    return (value ^ (value >> 16)) & 0xFFFF
