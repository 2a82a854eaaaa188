"""The holder register (原簿) of one issue: who holds how many units, and whether they may move.

A register is a ledger whose source is the issuer: what the issuer still has is the unissued
rest. Units set aside for a delivery count for the deliverer until the final transfer (本移転), so
a buyer never appears as a holder on the strength of a provisional one (仮移転).

The transfer-executability flag (移転可否) closes the register to new holds and direct posts. It
never closes an exit: a hold can always be voided, and one whose delivery is already paid can
always be posted. The report that names the flag does not define it; these semantics are ours.
"""

from typing import Final

from market.errors import check
from market.ids import InstrumentId
from market.instrument import Instrument
from market.quantities import Units
from settlement.ledger import Ledger

ISSUER: Final = "issuer"
"""Owner of the unissued rest; no firm can have a name in lower case."""


class Register(Ledger):
    """Holders of one issue, in units.

    Attributes:
        issued_units: The size of the issue; holders and unissued rest add up to it (I1).
    """

    __slots__ = ("issued_units",)

    def __init__(self, instrument: Instrument) -> None:
        super().__init__(instrument.instrument_id, ISSUER)
        self.issued_units = instrument.issued_units
        self.accepts_entries = instrument.transfer_executable

    @property
    def executable(self) -> bool:
        """The transfer-executability flag."""
        return self.accepts_entries

    @executable.setter
    def executable(self, value: bool) -> None:
        self.accepts_entries = value

    @property
    def unissued_units(self) -> Units:
        """What the issuer may still allot."""
        return Units(self.issued_units - self.in_circulation)

    def holders(self) -> list[tuple[str, Units]]:
        """Owners in law with their units, sorted by name. O(accounts log accounts)."""
        return [
            (owner, Units(self.accounts[owner].balance))
            for owner in sorted(self.accounts)
            if owner != ISSUER and self.accounts[owner].balance
        ]

    def check_invariants(self) -> None:
        """As a ledger, and the issue is neither exceeded nor shrunk. O(accounts + holds)."""
        super().check_invariants()
        check(
            0 <= self.in_circulation <= self.issued_units,
            "I1: holders and the unissued rest are the issue",
            asset=self.asset,
            held=self.in_circulation,
            issued=self.issued_units,
        )

    def state(self) -> dict[str, object]:
        """Canonical content for the digest."""
        return {"issued_units": self.issued_units, **super().state()}


Registers = dict[InstrumentId, Register]
"""One register for each issue, in order of listing."""
