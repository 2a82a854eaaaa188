"""What risk counts with: accounts, positions, the hold of one order, the debt of one delivery.

Purpose: the parts of participants/risk.py that change in place; risk owns them all.
Invariants: a hold's amount always fits its price and leaves; see risk.py for the totals.
"""

from market.commands import ParticipantLimits
from market.ids import InstrumentId, ParticipantId
from market.message import Record
from market.quantities import Sen, Units, hold_yen_rounded_up


class Position:
    """Units of one issue: owned, held for open sells, owed to deliveries."""

    __slots__ = ("excused_units", "held_units", "key", "owed_units", "owned_units")

    def __init__(self, participant_id: ParticipantId, instrument_id: InstrumentId) -> None:
        self.key = (participant_id, instrument_id)
        self.owned_units = 0
        self.held_units = 0
        self.owed_units = 0
        self.excused_units = 0

    @property
    def free_units(self) -> int:
        """What may still be sold."""
        return self.owned_units - self.held_units - self.owed_units

    def excuse(self) -> None:
        """Note that it may be as short of units as it is now."""
        self.excused_units = max(self.excused_units, -self.free_units)


class Account:
    """One firm's cash and positions as risk sees them."""

    __slots__ = (
        "excused_yen",
        "held_yen",
        "limits",
        "open_orders",
        "owed_yen",
        "owned_yen",
        "participant_id",
        "positions",
    )

    def __init__(self, participant_id: ParticipantId, limits: ParticipantLimits) -> None:
        self.participant_id = participant_id
        self.limits = limits
        self.owned_yen = 0
        self.held_yen = 0
        self.owed_yen = 0
        self.excused_yen = 0
        self.open_orders = 0
        self.positions: dict[InstrumentId, Position] = {}

    @property
    def free_yen(self) -> int:
        """Cash neither held nor owed; down to minus the credit."""
        return self.owned_yen - self.held_yen - self.owed_yen

    @property
    def buying_power_yen(self) -> int:
        """What new buy orders may hold (買付余力)."""
        return self.owned_yen + self.limits.credit_yen - self.held_yen - self.owed_yen

    def position(self, instrument_id: InstrumentId) -> Position:
        """The position in one issue, opened empty when there was none."""
        position = self.positions.get(instrument_id)
        if position is None:
            position = Position(self.participant_id, instrument_id)
            self.positions[instrument_id] = position
        return position


class Hold(Record):
    """What one open order reserves: yen for a buy, units for a sell.

    ``price_sen`` is the limit; for a market order, the upper limit it is valued at. ``held_yen``
    is 0 for a sell; ``is_short`` marks a sell of units that are not held.
    """

    account: Account
    position: Position
    is_buy: bool
    price_sen: Sen
    leaves_units: Units
    held_yen: int
    is_short: bool = False


class Obligation(Record):
    """The legs of one delivery that are still to be posted."""

    buyer: Account
    position: Position
    yen: int
    units: int


def set_leaves(hold: Hold, leaves_units: Units) -> None:
    """Make a hold fit a new quantity (or price, set before), and its total with it."""
    if hold.is_buy:
        now_yen = hold_yen_rounded_up(hold.price_sen, leaves_units)
        hold.account.held_yen += now_yen - hold.held_yen
        hold.held_yen = now_yen
    else:
        hold.position.held_units += leaves_units - hold.leaves_units
    hold.leaves_units = leaves_units


def excuse(account: Account) -> None:
    """Note how far the venue's own act left a firm short of what it promised before."""
    account.excused_yen = max(account.excused_yen, -account.buying_power_yen)
    for position in account.positions.values():
        position.excuse()
