"""Cash and units coming in and going out, free of payment: deposits, withdrawals, allotments.

Every command carries a reference. Within a firm a reference means one command for ever (I10): the
same command again is refused as DUPLICATE, another one under the same reference as ID_CONFLICT,
and neither has an effect. A command refused for another reason leaves no trace and may be sent
again.

Refusals are checked in the order of RejectReason.
"""

from market.commands import DepositUnits, DepositYen, WithdrawYen
from market.errors import check
from market.events import UnitsMoved, YenMoved
from market.ids import ParticipantId
from market.quantities import MAX_YEN, Yen
from market.reasons import RejectReason
from settlement.cash import Cash
from settlement.register import Registers
from settlement.verbs import REJECT

Deposit = DepositYen | WithdrawYen | DepositUnits
"""Any command with a reference."""


class Deposits:
    """The counter where firms bring and fetch.

    Attributes:
        participants: Firms that may use it, in order of admission.
        accepted: Commands that took effect, by firm and reference.
    """

    __slots__ = ("_cash", "_registers", "accepted", "participants")

    def __init__(self, cash: Cash, registers: Registers) -> None:
        self._cash = cash
        self._registers = registers
        self.participants: dict[ParticipantId, None] = {}
        self.accepted: dict[tuple[ParticipantId, str], Deposit] = {}

    def admit(self, participant_id: ParticipantId) -> None:
        """Let a firm in; admitting it again changes nothing."""
        self.participants[participant_id] = None

    def deposit_yen(self, command: DepositYen) -> YenMoved | RejectReason:
        """Take cash in from outside."""
        firm, amount_yen = command.participant_id, command.amount_yen
        refused = self._refusal(command) or _yen_refusal(amount_yen)
        if refused is None and self._cash.rest.in_circulation + amount_yen > MAX_YEN:
            refused = RejectReason.OUT_OF_RANGE
        if refused is None and self._cash.money.defaulted:
            refused = RejectReason.ISSUER_DEFAULTED
        if refused is not None:
            return refused
        self._cash.deposit(firm, amount_yen)
        self.accepted[firm, command.reference] = command
        return YenMoved(giver=None, taker=firm, amount_yen=amount_yen)

    def check_withdrawal(self, command: WithdrawYen) -> RejectReason | None:
        """The first reason not to pay cash out, or None. Changes nothing."""
        firm, amount_yen = command.participant_id, command.amount_yen
        refused = self._refusal(command) or _yen_refusal(amount_yen)
        if refused is None and not self._cash.rest.can_give(firm, amount_yen):
            refused = RejectReason.INSUFFICIENT_CASH
        if refused is None and not self._cash.money.pays_out:
            refused = RejectReason.ISSUER_DEFAULTED
        return refused

    def withdraw_yen(self, command: WithdrawYen) -> YenMoved | RejectReason:
        """Pay cash out, from what no delivery holds."""
        firm, amount_yen = command.participant_id, command.amount_yen
        refused = self.check_withdrawal(command)
        if refused is not None:
            return refused
        self._cash.withdraw(firm, amount_yen)
        self.accepted[firm, command.reference] = command
        return YenMoved(giver=firm, taker=None, amount_yen=amount_yen)

    def deposit_units(self, command: DepositUnits) -> UnitsMoved | RejectReason:
        """Allot units of the unissued rest."""
        firm, units = command.participant_id, command.quantity_units
        refused = self._refusal(command) or self._allotment_refusal(command)
        if refused is not None:
            return refused
        register = self._registers[command.instrument_id]
        register.post(register.source, firm, units)
        self.accepted[firm, command.reference] = command
        return UnitsMoved(
            instrument_id=command.instrument_id, giver=None, taker=firm, quantity_units=units
        )

    def _refusal(self, command: Deposit) -> RejectReason | None:
        earlier = self.accepted.get((command.participant_id, command.reference))
        if earlier is not None:
            return RejectReason.DUPLICATE if earlier == command else RejectReason.ID_CONFLICT
        known = command.participant_id in self.participants
        return None if known else RejectReason.NOT_ENTITLED

    def _allotment_refusal(self, command: DepositUnits) -> RejectReason | None:
        register = self._registers.get(command.instrument_id)
        if register is None:
            return RejectReason.UNKNOWN_INSTRUMENT
        if command.quantity_units <= 0:
            return RejectReason.OUT_OF_RANGE
        if command.quantity_units > register.unissued_units:
            return RejectReason.INSUFFICIENT_HOLDING
        refused = register.hindrance(register.source, command.participant_id)
        return None if refused is None else REJECT[refused]

    def check_invariants(self) -> None:
        """Only admitted firms own anything. O(accounts)."""
        owners = [("yen", self._cash.owners())]
        owners += [(name, list(one.accounts)) for name, one in self._registers.items()]
        for asset, names in owners:
            for owner in names:
                known = owner in self.participants or owner.islower()
                check(known, "owners are participants", asset=asset, owner=owner)

    def state(self) -> dict[str, object]:
        """Canonical content for the digest."""
        return {
            "participants": sorted(self.participants),
            "references": [list(key) for key in sorted(self.accepted)],
        }


def _yen_refusal(amount_yen: Yen) -> RejectReason | None:
    return None if 0 < amount_yen <= MAX_YEN else RejectReason.OUT_OF_RANGE
