"""Escrow with an agent, and the issuer's approval where the token asks for it.

=========  ==========================  ===================================================
state      event                       to
=========  ==========================  ===================================================
–          create (sender)             CREATED: the sender's units are committed
CREATED    finish (agent)              FINISHED; APPROVED at once if no approval is needed
CREATED    cancel (sender or agent)    CANCELED
FINISHED   approve (issuer)            APPROVED: the units are the recipient's
FINISHED   decline (issuer)            CANCELED
FINISHED   cancel (sender or agent)    CANCELED, from the expiry on
=========  ==========================  ===================================================

Whether approval is needed is read when the agent finishes and kept with the escrow: a flag
switched later strands nothing (X2). An escrow is approved once and moves its own units (X1). A
finished escrow that nobody approves can be taken back from its expiry on, and every exit works on
a stopped token (X3).
"""

from enum import StrEnum
from typing import Final

from market.message import Message
from settlement.ibet.exchange import Exchange
from settlement.ibet.token import IbetToken, is_amount
from settlement.refusals import Refusal


class EscrowState(StrEnum):
    """States of an escrow."""

    CREATED = "created"
    FINISHED = "finished"
    APPROVED = "approved"
    CANCELED = "canceled"


_OPEN: Final = (EscrowState.CREATED, EscrowState.FINISHED)


class EscrowTerms(Message, frozen=True, kw_only=True):
    """What goes to whom, who decides, and until when approval may take."""

    escrow_id: str
    sender: str
    recipient: str
    agent: str
    units: int
    expires_at_ns: int


class IbetEscrow(Exchange):
    """The escrow contract.

    Attributes:
        terms: By id, for ever.
        states: By id.
    """

    def __init__(self, token: IbetToken, address: str) -> None:
        super().__init__(token, address)
        self.terms: dict[str, EscrowTerms] = {}
        self.states: dict[str, EscrowState] = {}

    def create(self, caller: str, terms: EscrowTerms) -> Refusal | None:
        """Commit the sender's units; the same terms again change nothing."""
        known = self.terms.get(terms.escrow_id)
        if known is not None:
            return None if known == terms and caller == terms.sender else Refusal.ID_CONFLICT
        if caller != terms.sender:
            return Refusal.NOT_ENTITLED
        if not is_amount(terms.units):
            return Refusal.BAD_AMOUNT
        if len({terms.sender, terms.recipient, terms.agent}) < 3:  # noqa: PLR2004 - three parties
            return Refusal.SAME_ACCOUNT
        refused = self.token.ownership_refusal(terms.recipient)
        if refused is not None:
            return refused
        if self.balances.get(terms.sender, 0) < terms.units:
            return Refusal.INSUFFICIENT
        self.commit(terms.sender, terms.units)
        self.terms[terms.escrow_id] = terms
        self._to(caller, terms.escrow_id, EscrowState.CREATED)
        return None

    def finish(self, caller: str, escrow_id: str) -> Refusal | None:
        """The agent says that the other side has done its part."""
        terms = self.terms.get(escrow_id)
        if terms is None or caller != terms.agent:
            return Refusal.NOT_VISIBLE
        if self.states[escrow_id] is not EscrowState.CREATED:
            return Refusal.ALREADY_FINAL
        refused = self.token.ownership_refusal(terms.recipient)
        if refused is not None:
            return refused
        self._to(caller, escrow_id, EscrowState.FINISHED)
        if not self.token.approval_required:
            self._deliver(caller, escrow_id)
        return None

    def approve(self, caller: str, escrow_id: str) -> Refusal | None:
        """The issuer lets the units go; once."""
        refused = self._issuers(caller, escrow_id)
        if refused is not None:
            return refused
        refused = self.token.ownership_refusal(self.terms[escrow_id].recipient)
        if refused is not None:
            return refused
        self._deliver(caller, escrow_id)
        return None

    def decline(self, caller: str, escrow_id: str) -> Refusal | None:
        """The issuer does not let the units go."""
        refused = self._issuers(caller, escrow_id)
        if refused is None:
            self._give_back(caller, escrow_id)
        return refused

    def cancel(self, caller: str, escrow_id: str, *, at_ns: int) -> Refusal | None:
        """Sender or agent takes the units back, before the finish or once approval is overdue."""
        terms = self.terms.get(escrow_id)
        if terms is None or caller not in {terms.sender, terms.agent}:
            return Refusal.NOT_VISIBLE
        state = self.states[escrow_id]
        if state not in _OPEN:
            return Refusal.ALREADY_FINAL
        if state is EscrowState.FINISHED and at_ns < terms.expires_at_ns:
            return Refusal.WRONG_STATE
        self._give_back(caller, escrow_id)
        return None

    # --- inside

    def _issuers(self, caller: str, escrow_id: str) -> Refusal | None:
        if caller != self.token.issuer:
            return Refusal.NOT_ENTITLED
        if escrow_id not in self.terms:
            return Refusal.NOT_VISIBLE
        state = self.states[escrow_id]
        if state is EscrowState.CREATED:
            return Refusal.WRONG_STATE
        return None if state is EscrowState.FINISHED else Refusal.ALREADY_FINAL

    def _deliver(self, caller: str, escrow_id: str) -> None:
        terms = self.terms[escrow_id]
        self.release(terms.sender, terms.recipient, terms.units)
        self._to(caller, escrow_id, EscrowState.APPROVED)

    def _give_back(self, caller: str, escrow_id: str) -> None:
        terms = self.terms[escrow_id]
        self.release(terms.sender, terms.sender, terms.units)
        self._to(caller, escrow_id, EscrowState.CANCELED)

    def _to(self, caller: str, escrow_id: str, state: EscrowState) -> None:
        self.states[escrow_id] = state
        self.token.note(caller, f"escrow {state.value}", escrow_id, self.terms[escrow_id].units)

    # --- proving

    def check_invariants(self) -> None:
        """Commitments are those of open escrows. O(escrows)."""
        committed: dict[str, int] = {}
        for escrow_id, terms in self.terms.items():
            if self.states[escrow_id] in _OPEN:
                committed[terms.sender] = committed.get(terms.sender, 0) + terms.units
        self.check_book(committed)
