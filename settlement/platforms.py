"""Which books an issue is kept in: plain accounts, the token platform, the account platform.

An issue names its platform; settlement asks here for its register and then uses the shape they
all share. Issues of the token platform live on one platform: one notary, one station, one chain.
Signing is off unless the run asks for it: the venue's firms are its own sessions, whose requests
were signed at the door, and each transfer would cost three signatures more. With it on, every account
and node signs with a key derived from the run's id, so a replay makes the same signatures.
"""

from datetime import date
from typing import Final

from market.instrument import Instrument, TokenPlatform
from market.token_acts import OperatingMode
from settlement.ibet.register import IbetRegister
from settlement.progmat.platform import Platform
from settlement.progmat.register import ProgmatRegister
from settlement.progmat.roles import Role
from settlement.register import Register

_NODE: Final = "/node"
_NS_PER_DAY: Final = 86_400_000_000_000


def node_of(participant_id: str) -> str:
    """The node that keeps a firm's account; no firm can have such a name."""
    return participant_id + _NODE


class Platforms:
    """Where registers come from.

    Attributes:
        tokens: The token platform; empty until an issue names it.
    """

    __slots__ = ("tokens",)

    def __init__(
        self,
        run_id: str = "kitahama",
        *,
        signed: bool = False,
        mode: OperatingMode = OperatingMode.NODE_OPENING,
    ) -> None:
        self.tokens = Platform(mode, seed=run_id, signing=signed)

    def open_register(self, instrument: Instrument) -> Register:
        """The books of a newly listed issue."""
        match instrument.platform:
            case TokenPlatform.PROGMAT:
                return ProgmatRegister(instrument, self.tokens)
            case TokenPlatform.IBET:
                return IbetRegister(instrument)
            case _:
                return Register(instrument)

    def admit(self, participant_id: str) -> None:
        """Give a firm a node of its own; node and account sign with different keys."""
        node = node_of(participant_id)
        if node not in self.tokens.parties:
            self.tokens.enroll(node, Role.DIRECT_FIRM)
            self.tokens.admit(participant_id, node)

    def start_day(self, day: date) -> None:
        """What moves from now on is delivered on this day; the clock is the day's beginning."""
        self.tokens.business_date = day.isoformat()
        self.tokens.keys.business_date = day.isoformat()
        self.tokens.at_ns = day.toordinal() * _NS_PER_DAY
