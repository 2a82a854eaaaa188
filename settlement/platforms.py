"""Which books an issue is kept in: plain accounts, the token platform, the account platform.

An issue names its platform; settlement asks here for its register and then uses the shape they
all share. Issues of the token platform live on one platform: one notary, one station, one chain.
Signing is left out in the venue: its firms are the venue's own sessions, and their requests were
signed at the door.
"""

from datetime import date
from typing import Final

from market.instrument import Instrument, TokenPlatform
from settlement.ibet.register import IbetRegister
from settlement.progmat.platform import Platform
from settlement.progmat.register import ProgmatRegister
from settlement.register import Register

_NS_PER_DAY: Final = 86_400_000_000_000


class Platforms:
    """Where registers come from.

    Attributes:
        tokens: The token platform; empty until an issue names it.
    """

    __slots__ = ("tokens",)

    def __init__(self) -> None:
        self.tokens = Platform()

    def open_register(self, instrument: Instrument) -> Register:
        """The books of a newly listed issue."""
        match instrument.platform:
            case TokenPlatform.PROGMAT:
                return ProgmatRegister(instrument, self.tokens)
            case TokenPlatform.IBET:
                return IbetRegister(instrument)
            case _:
                return Register(instrument)

    def start_day(self, day: date) -> None:
        """What moves from now on is delivered on this day; the clock is the day's beginning."""
        self.tokens.business_date = day.isoformat()
        self.tokens.at_ns = day.toordinal() * _NS_PER_DAY
