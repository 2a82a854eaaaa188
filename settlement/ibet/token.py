"""One issue on an account-based platform: balances, registered holders, flags, applications.

Balances are by address; an exchange has an address too and keeps its own book of whose units it
has (exchange.py). Ownership changes only where a transfer, a final delivery or an approval says
so, and at each of those places the taker must have registered his personal information, the token
must be active and the units transferable: where they change owner, not where they leave the
exchange (trap X4, X11).

The issuer's powers, forced transfer and redemption, reach what an address has free: never the
units an exchange keeps for others, and never units pushed into an exchange, where they would be
credited to nobody's wish (traps X10, X12); nor does anybody transfer in an exchange's name. What is in an exchange has to come back first.

Source of the shape: the public contracts of ibet for Fin, read as of 2026; their executed traps
are closed here and named X1 to X13 in the tests. Registered personal data itself is not here: that
a holder is registered is all the token knows.
"""

from enum import StrEnum
from typing import NamedTuple

from market.errors import check
from settlement.refusals import Refusal


def is_amount(units: int) -> bool:
    """Whether it is a whole number of units, at least one (F12)."""
    return type(units) is int and units > 0


class ApplicationState(StrEnum):
    """Life of a transfer that needs approval."""

    APPLIED = "applied"
    APPROVED = "approved"
    CANCELED = "canceled"


class Application(NamedTuple):
    """A transfer applied for; the units are set aside until it ends."""

    giver: str
    taker: str
    units: int
    state: ApplicationState


class Note(NamedTuple):
    """One line of the token's record: who did what, in order (I17)."""

    actor: str
    action: str
    subject: str
    units: int


class IbetToken:
    """One issue.

    Attributes:
        token_id: Its name.
        issuer: Address of the owner of the contract.
        balances: Free units by address; exchanges included.
        set_aside: Units of open applications by giver.
        registered: Addresses whose personal information the issuer has.
        exchanges: Addresses of the exchange contracts that may keep units.
        active: False once stopped; entries are refused, exits are not.
        transferable: False bars every change of ownership.
        approval_required: True sends a transfer through application and approval.
        tradable_exchange: The one exchange that takes deposits now.
        applications: Every application by id; an id is used once.
        notes: The record.
    """

    def __init__(self, token_id: str, issuer: str, units: int) -> None:
        check(units > 0, "an issue has units", token=token_id)
        self.token_id = token_id
        self.issuer = issuer
        self.issued_units = units
        self.balances: dict[str, int] = {issuer: units}
        self.set_aside: dict[str, int] = {}
        self.registered: set[str] = {issuer}
        self.exchanges: set[str] = set()
        self.active = True
        self.transferable = True
        self.approval_required = False
        self.tradable_exchange = ""
        self.applications: dict[str, Application] = {}
        self.notes: list[Note] = []

    # --- reading

    def free(self, owner: str) -> int:
        """What an address may give."""
        return self.balances.get(owner, 0)

    def ownership_refusal(self, taker: str) -> Refusal | None:
        """Why units may not become this taker's now; asked wherever ownership changes."""
        if not self.active:
            return Refusal.NOT_ACTIVE
        if not self.transferable:
            return Refusal.TRANSFER_RESTRICTED
        if taker not in self.registered:
            return Refusal.NOT_REGISTERED
        return None

    # --- the issuer

    def register_person(self, owner: str) -> None:
        """The issuer has this holder's personal information."""
        self.registered.add(owner)
        self.note(self.issuer, "register", owner, 0)

    def forget_person(self, owner: str) -> None:
        """The issuer has it no longer: what the holder has stays his, nothing more arrives."""
        self.registered.discard(owner)
        self.note(self.issuer, "forget", owner, 0)

    def set_flags(
        self,
        *,
        active: bool | None = None,
        transferable: bool | None = None,
        approval_required: bool | None = None,
        tradable_exchange: str | None = None,
    ) -> None:
        """Change some flags; what is already in an exchange is judged by them at its next step."""
        if active is not None:
            self.active = active
        if transferable is not None:
            self.transferable = transferable
        if approval_required is not None:
            self.approval_required = approval_required
        if tradable_exchange is not None:
            self.tradable_exchange = tradable_exchange
        flags = f"{self.active} {self.transferable} {self.approval_required}"
        self.note(self.issuer, "flags", f"{flags} {self.tradable_exchange}", 0)

    def force_transfer(self, caller: str, giver: str, taker: str, units: int) -> Refusal | None:
        """Move free units by the issuer's power, outside any exchange."""
        if caller != self.issuer:
            return Refusal.NOT_ENTITLED
        if giver in self.exchanges or taker in self.exchanges:
            return Refusal.BAD_COMBINATION
        refused = self._values(giver, taker, units) or self.ownership_refusal(taker)
        if refused is not None:
            return refused
        return self._move(caller, "force", giver, taker, units)

    def redeem(self, caller: str, owner: str, units: int) -> Refusal | None:
        """End free units by the issuer's power."""
        if caller != self.issuer:
            return Refusal.NOT_ENTITLED
        if owner in self.exchanges:
            return Refusal.BAD_COMBINATION
        if not is_amount(units):
            return Refusal.BAD_AMOUNT
        if self.free(owner) < units:
            return Refusal.INSUFFICIENT
        self.balances[owner] -= units
        self.issued_units -= units
        self.note(caller, "redeem", owner, units)
        return None

    # --- holders

    def transfer(self, caller: str, taker: str, units: int) -> Refusal | None:
        """Give free units to a registered holder."""
        if caller in self.exchanges or taker in self.exchanges:
            return Refusal.BAD_COMBINATION
        refused = self._values(caller, taker, units) or self.ownership_refusal(taker)
        if refused is not None:
            return refused
        if self.approval_required:
            return Refusal.APPROVAL_REQUIRED
        return self._move(caller, "transfer", caller, taker, units)

    def apply_for_transfer(
        self, caller: str, application_id: str, taker: str, units: int
    ) -> Refusal | None:
        """Set units aside for a transfer that the issuer has to approve."""
        known = self.applications.get(application_id)
        if known is not None:
            same = known[:3] == (caller, taker, units)
            return None if same else Refusal.ID_CONFLICT
        if caller in self.exchanges or taker in self.exchanges:
            return Refusal.BAD_COMBINATION
        refused = self._values(caller, taker, units) or self.ownership_refusal(taker)
        if refused is not None:
            return refused
        if self.free(caller) < units:
            return Refusal.INSUFFICIENT
        self.balances[caller] -= units
        self.set_aside[caller] = self.set_aside.get(caller, 0) + units
        self.applications[application_id] = Application(
            caller, taker, units, ApplicationState.APPLIED
        )
        self.note(caller, "apply", application_id, units)
        return None

    def approve_transfer(self, caller: str, application_id: str) -> Refusal | None:
        """The issuer lets an application through; the taker is judged now."""
        if caller != self.issuer:
            return Refusal.NOT_ENTITLED
        application = self.applications.get(application_id)
        if application is None:
            return Refusal.NOT_VISIBLE
        if application.state is not ApplicationState.APPLIED:
            return Refusal.ALREADY_FINAL
        refused = self.ownership_refusal(application.taker)
        if refused is not None:
            return refused
        self._end(caller, application_id, ApplicationState.APPROVED, application.taker)
        return None

    def cancel_transfer(self, caller: str, application_id: str) -> Refusal | None:
        """Giver or issuer ends an application, whatever the flags say."""
        application = self.applications.get(application_id)
        if application is None or caller not in {application.giver, self.issuer}:
            return Refusal.NOT_VISIBLE
        if application.state is not ApplicationState.APPLIED:
            return Refusal.ALREADY_FINAL
        self._end(caller, application_id, ApplicationState.CANCELED, application.giver)
        return None

    # --- exchanges

    def credit(self, address: str, owner: str, units: int, *, back: bool) -> None:
        """Move units between an owner and an exchange, on behalf of that exchange only."""
        check(address in self.exchanges, "only an exchange calls this", address=address)
        giver, taker = (address, owner) if back else (owner, address)
        check(0 < units <= self.free(giver), "I3: an exchange moves what is there", units=units)
        self.balances[giver] -= units
        self.balances[taker] = self.free(taker) + units

    def note(self, actor: str, action: str, subject: str, units: int) -> None:
        """Add a line to the record."""
        self.notes.append(Note(actor, action, subject, units))

    # --- inside

    def _values(self, giver: str, taker: str, units: int) -> Refusal | None:
        if not is_amount(units):
            return Refusal.BAD_AMOUNT
        return Refusal.SAME_ACCOUNT if giver == taker else None

    def _move(self, actor: str, action: str, giver: str, taker: str, units: int) -> Refusal | None:
        if self.free(giver) < units:
            return Refusal.INSUFFICIENT
        self.balances[giver] -= units
        self.balances[taker] = self.free(taker) + units
        self.note(actor, action, f"{giver} {taker}", units)
        return None

    def _end(self, actor: str, application_id: str, end: ApplicationState, owner: str) -> None:
        application = self.applications[application_id]
        self.set_aside[application.giver] -= application.units
        self.balances[owner] = self.free(owner) + application.units
        self.applications[application_id] = application._replace(state=end)
        self.note(actor, end.value, application_id, application.units)

    # --- proving

    def check_invariants(self) -> None:
        """Every unit is somewhere, none twice. O(addresses + applications)."""
        aside: dict[str, int] = {}
        for one in self.applications.values():
            if one.state is ApplicationState.APPLIED:
                aside[one.giver] = aside.get(one.giver, 0) + one.units
        for owner, units in self.set_aside.items():
            check(units == aside.get(owner, 0), "I6: what is set aside is applied for", owner=owner)
        total = sum(self.balances.values()) + sum(self.set_aside.values())
        check(total == self.issued_units, "I1: units are conserved", token=self.token_id)
        check(min(self.balances.values()) >= 0, "I3: no address below zero", token=self.token_id)
