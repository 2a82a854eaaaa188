"""One issue on the account-based platform, in the shape of every ledger.

A hold is a deposit into the delivery exchange, a delivery created by the giver and confirmed by
the taker; posting it is the agent's finish and the taker's withdrawal; voiding it is the agent's
abort and the giver's withdrawal. The accounts of ``Register`` follow, and ``check_invariants``
proves that token, exchange and register say the same (I1).

Participants are admitted, and so registered with the issuer, when they first take units: the venue
has identified them. A final transfer of what is paid is never barred by the register's flag (policy
"complete"). The contract's own flags, and a taker the issuer no longer knows, do bar it: what is paid
then waits, as the contract has it, and is finished once they allow it.
"""

from typing import ClassVar, Final

from market.errors import check
from market.instrument import Instrument, TokenPlatform
from market.quantities import Units
from market.token_acts import TransferGround
from settlement.ibet.dvp import DvpTerms, IbetDvp
from settlement.ibet.token import IbetToken
from settlement.ledger import Hold, HoldId
from settlement.lifecycle.record_dates import Locked, owners_in_law
from settlement.refusals import Refusal
from settlement.register import ISSUER, Register, used

AGENT: Final = "agent"
EXCHANGE: Final = "exchange"
NEVER: Final = 2**63 - 1


class IbetRegister(Register):
    """Holders of one issue, in units, as balances and commitments.

    Attributes:
        token: The issue's token.
        exchange: The delivery exchange.
        withdrawn: Owners whose personal information the issuer no longer has.
    """

    kind: ClassVar = TokenPlatform.IBET
    __slots__ = ("exchange", "token", "withdrawn")

    def __init__(self, instrument: Instrument) -> None:
        super().__init__(instrument)
        self.token = IbetToken(self.asset, ISSUER, self.issued_units)
        self.exchange = IbetDvp(self.token, EXCHANGE, _agent_decides)
        self.token.set_flags(tradable_exchange=EXCHANGE)
        self.withdrawn: set[str] = set()

    def can_give(self, owner: str, amount: int) -> bool:
        """As a ledger, while the token lets it out and the issue lasts."""
        return (
            super().can_give(owner, amount)
            and self.token.active
            and self.token.transferable
            and not self.token.approval_required
            and amount <= self.token.free(owner)
        )

    def hindrance(
        self, giver: str, taker: str, *, hold_id: HoldId | None = None, by_power: bool = False
    ) -> Refusal | None:
        """As a register, with the token's flags; the taker must be registered with the issuer.

        The issuer's power passes by the exchange, so the exchange's own conditions do not bind it.
        """
        refused = super().hindrance(giver, taker, hold_id=hold_id, by_power=by_power)
        if refused is not None:
            return refused
        asked = self.token.ownership_refusal if by_power else self.exchange.entry_refusal
        refused = asked(taker)
        if refused is Refusal.NOT_REGISTERED and taker not in self.withdrawn:
            return None  # admitted when he first takes units
        return refused

    def completion_hindrance(self, taker: str) -> Refusal | None:
        """A paid delivery, too, waits for the contract's flags and a taker the issuer knows."""
        return self.exchange.entry_refusal(taker)

    def register_holder(self, owner: str, *, registered: bool) -> None:
        """The issuer has the owner's personal information, or no longer."""
        if registered:
            self.withdrawn.discard(owner)
            self.token.register_person(owner)
        else:
            self.withdrawn.add(owner)
            self.token.forget_person(owner)

    def force(
        self, giver: str, taker: str, units: Units, ground: TransferGround, reference: str
    ) -> None:
        """By the issuer's power; the contract has one way for every ground."""
        del ground, reference
        enough = 0 < units <= self.available(giver) and giver != taker
        check(enough, "I3: nobody gives what he lacks", asset=self.asset, owner=giver)
        self._admit(taker)
        self._must(self.token.force_transfer(ISSUER, giver, taker, units))
        self._move(giver, taker, units)

    def redeem(self, owner: str, units: Units) -> None:
        """As a register, and in the contract."""
        super().redeem(owner, units)
        self._must(self.token.redeem(ISSUER, owner, units))

    def owners_in_law(self, record_date: str) -> dict[str, int]:
        """From the contracts: free units, and those the exchange keeps apart."""
        del record_date
        owners = [owner for owner in self.accounts if owner != ISSUER]
        free = {owner: self.token.free(owner) for owner in owners}
        apart = [Locked(owner, self.exchange.owned(owner)) for owner in owners]
        return owners_in_law(free, apart, self.in_circulation)

    def post(self, giver: str, taker: str, amount: int) -> None:
        """Move at once."""
        self._check_entry(giver, taker, amount)
        self._admit(taker)
        # The register's entry comes first: it asks can_give, which the transfer changes.
        super().post(giver, taker, amount)
        self._must(self.token.transfer(giver, taker, amount))

    def hold(self, hold_id: HoldId, giver: str, taker: str, amount: int) -> None:
        """Deposit, create, confirm."""
        check(self.is_unused(hold_id), "I10: a hold id is used once", hold=hold_id)
        self._check_entry(giver, taker, amount)
        self._admit(taker)
        terms = DvpTerms(
            delivery_id=hold_id, seller=giver, buyer=taker, agent=AGENT, units=amount,
            expires_at_ns=NEVER,
        )  # fmt: skip
        super().hold(hold_id, giver, taker, amount)
        self._must(self.exchange.deposit(giver, amount))
        self._must(self.exchange.create(giver, terms))
        self._must(self.exchange.confirm(taker, hold_id, terms))

    def post_hold(self, hold_id: HoldId) -> Hold:
        """Finish and withdraw; ask :meth:`completion_hindrance` first."""
        self._must(self.exchange.finish(AGENT, hold_id))
        hold = super().post_hold(hold_id)
        self._must(self.exchange.withdraw(hold.taker, hold.amount))
        return hold

    def void_hold(self, hold_id: HoldId) -> Hold:
        """Abort and withdraw."""
        self._must(self.exchange.abort(AGENT, hold_id))
        hold = super().void_hold(hold_id)
        self._must(self.exchange.withdraw(hold.giver, hold.amount))
        return hold

    def _admit(self, owner: str) -> None:
        if owner not in self.token.registered:
            self.token.register_person(owner)

    def _must(self, refused: Refusal | None) -> None:
        check(refused is None, "a checked step is accepted", asset=self.asset, refused=refused)

    # --- proving

    def check_invariants(self) -> None:
        """As a register; and token, exchange and accounts agree. O(accounts + deliveries)."""
        super().check_invariants()
        self.token.check_invariants()
        self.exchange.check_invariants()
        for owner in self.accounts:
            mine = self.unissued_units if owner == ISSUER else self.balance(owner)
            there = self.token.free(owner) + self.exchange.owned(owner)
            check(there == mine, "I1: token and register agree", asset=self.asset, owner=owner)

    def state(self) -> dict[str, object]:
        """Canonical content for the digest."""
        return {
            **super().state(),
            **used({"withdrawn": sorted(self.withdrawn)}),
            "notes": len(self.token.notes),
            "deliveries": len(self.exchange.terms),
        }


def _agent_decides(_terms: DvpTerms, _evidence: object) -> bool:
    """No payment goes on record here: the venue's agent finishes."""
    return False
