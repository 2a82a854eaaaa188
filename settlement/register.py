"""The holder register (原簿) of one issue: who holds how many units, and whether they may move.

A register is a ledger whose source is the issuer: what the issuer still has is the unissued
rest. Units set aside for a delivery count for the deliverer until the final transfer (本移転), so
a buyer never appears as a holder on the strength of a provisional one (仮移転).

The transfer-executability flag (移転可否) closes the register to new holds and direct posts. It
never closes an exit: a hold can always be voided, and one whose delivery is already paid can
always be posted. The report that names the flag does not define it; these semantics are ours.

What happens to units besides trades: an account may be frozen, the issuer may move units by law
(``force``) and end them (``redeem``). Power reaches free units only: what is locked has to come
back first. ``hindrance`` says whether units may pass now; ask it before every step that moves them.
"""

from collections.abc import Mapping
from typing import ClassVar, Final

from market.errors import check
from market.ids import InstrumentId
from market.instrument import Instrument, TokenPlatform
from market.quantities import Units
from market.token_acts import TransferGround
from settlement.ledger import HoldId, Ledger
from settlement.refusals import Refusal

ISSUER: Final = "issuer"
"""Owner of the unissued rest; no firm can have a name in lower case."""


class Register(Ledger):
    """Holders of one issue, in units.

    Attributes:
        issued_units: The size of the issue; holders and unissued rest add up to it (I1).
        redeemed_units: Units that are no more, and not among those issued.
        frozen: Owners who give and take nothing of this issue.
        ended: Whether the issue was redeemed: no flag opens its books again.
    """

    kind: ClassVar = TokenPlatform.PLAIN
    __slots__ = ("ended", "frozen", "issued_units", "redeemed_units")

    def __init__(self, instrument: Instrument) -> None:
        super().__init__(instrument.instrument_id, ISSUER)
        self.issued_units = instrument.issued_units
        self.redeemed_units = 0
        self.frozen: set[str] = set()
        self.ended = False
        self.accepts_entries = instrument.transfer_executable

    @property
    def executable(self) -> bool:
        """The transfer-executability flag."""
        return self.accepts_entries

    @executable.setter
    def executable(self, value: bool) -> None:
        self.let_in(entries=value)

    def let_in(self, *, entries: bool) -> None:
        """Take new holds and posts, or take none; an issue that has ended takes none ever."""
        self.accepts_entries = entries and not self.ended

    def end(self) -> None:
        """The issue is redeemed; what the issuer had not allotted is never allotted."""
        check(not self.live_holds, "I6: an issue ends with no lock left", asset=self.asset)
        self.ended = True
        self.accepts_entries = False

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

    # --- besides trades

    def hindrance(
        self, giver: str, taker: str, *, hold_id: HoldId | None = None, by_power: bool = False
    ) -> Refusal | None:
        """Why units may not pass from one owner to another now, whatever they have, or None.

        Args:
            giver: Who gives.
            taker: Who receives.
            hold_id: The lock to complete; None for a new entry.
            by_power: The issuer moves them by law, which reaches frozen accounts too.
        """
        del hold_id
        if not self.accepts_entries:
            return Refusal.TRANSFER_RESTRICTED
        if self.frozen and not by_power and (giver in self.frozen or taker in self.frozen):
            return Refusal.ACCOUNT_FROZEN
        return None

    def completion_hindrance(self, taker: str) -> Refusal | None:
        """Why a lock that is paid for cannot be posted now; asked of the books, not of the firms."""
        del taker
        return None

    def return_hindrance(self) -> Refusal | None:
        """Why a lock cannot be returned now: never, while the books are here to write in."""
        return None

    def freeze(self, owner: str, *, frozen: bool, reason: str) -> None:
        """Stop or free one account in this issue."""
        del reason
        (self.frozen.add if frozen else self.frozen.discard)(owner)

    def force(
        self, giver: str, taker: str, units: Units, ground: TransferGround, reference: str
    ) -> None:
        """Move free units by law; the caller has asked :meth:`hindrance` and what is available."""
        del ground, reference
        self._check_entry(giver, taker, units)
        self._move(giver, taker, units)

    def redeem(self, owner: str, units: Units) -> None:
        """End free units: they leave the issue; the caller has asked as for :meth:`force`."""
        self._check_entry(owner, ISSUER, units)
        self._move(owner, ISSUER, units)
        self.issued_units = Units(self.issued_units - units)
        self.redeemed_units += units

    def owners_in_law(self, record_date: str) -> dict[str, int]:
        """Who owns at the close of a record date; locked units count for the giver (I13)."""
        del record_date
        return {owner: int(units) for owner, units in self.holders()}

    # --- proving

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
        acts = {
            "redeemed_units": self.redeemed_units,
            "frozen": sorted(self.frozen),
            "ended": int(self.ended),
        }
        return {"issued_units": self.issued_units, **used(acts), **super().state()}


def used(acts: Mapping[str, object]) -> dict[str, object]:
    """What happened besides trades, without what did not: an ordinary run's digest has none."""
    return {name: value for name, value in acts.items() if value}


Registers = dict[InstrumentId, Register]
"""One register for each issue, in order of listing."""
