"""What firms have, read from the ledgers that own the truth, and that nothing was made or lost.

Purpose: questions only; nothing here changes anything. Units and whole yen.
Cost: O(1) a question; conservation O(accounts).
"""

from typing import NamedTuple

from market.ids import InstrumentId, ParticipantId
from market.quantities import Units, Yen
from settlement.cash import Cash
from settlement.deposits import Deposits
from settlement.reconciliation import PostingRecord
from settlement.register import Registers


class Conservation(NamedTuple):
    """One asset's account of itself: ``put_in == held_by_firms + rest + redeemed``, always.

    Attributes:
        asset: ``yen``, or an issue.
        put_in: Yen paid in less paid out, or units issued.
        held_by_firms: What all firms own together.
        rest: Units not allotted yet; 0 for yen.
        redeemed: Units the issuer has paid for and ended.
    """

    asset: str
    put_in: int
    held_by_firms: int
    rest: int
    redeemed: int = 0


class Balances:
    """The ledgers of one run, to be read.

    Attributes:
        registers: One for each issue, in order of listing.
        cash: The yen of every firm, in the market's kind of money.
    """

    def __init__(
        self, cash: Cash, registers: Registers, deposits: Deposits, record: PostingRecord
    ) -> None:
        self.cash = cash
        self.registers = registers
        self._deposits = deposits
        self._record = record

    def owned_yen(self, participant_id: ParticipantId) -> Yen:
        """What the firm owns in the settlement money, held or not."""
        return self.cash.owned_yen(participant_id)

    def owned_units(self, participant_id: ParticipantId, instrument_id: InstrumentId) -> Units:
        """What the register says the firm holds, units set aside for buyers included."""
        return Units(self.registers[instrument_id].balance(participant_id))

    def available_yen(self, participant_id: ParticipantId) -> Yen:
        """What the firm owns less what is held for deliveries under way."""
        return self.cash.available_yen(participant_id)

    def available_units(self, participant_id: ParticipantId, instrument_id: InstrumentId) -> Units:
        """What the firm holds less what is set aside for deliveries under way."""
        return Units(self.registers[instrument_id].available(participant_id))

    def conservation(self) -> list[Conservation]:
        """Yen first, then every issue: what was put in against what is there. O(accounts)."""
        held_yen = sum(self.cash.owned_yen(firm) for firm in self._deposits.participants)
        lines = [Conservation("yen", self._record.yen_put_in, held_yen, 0)]
        for instrument_id, register in self.registers.items():
            held = sum(units for _, units in register.holders())
            rest, gone = register.unissued_units, register.redeemed_units
            put_in = register.issued_units + gone
            lines.append(Conservation(instrument_id, put_in, held, rest, gone))
        return lines
