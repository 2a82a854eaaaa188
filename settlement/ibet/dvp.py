"""Deliveries of an exchange with a settlement agent, states and exits.

=========  =================  ==========================================================
state      event              to
=========  =================  ==========================================================
–          create (seller)    CREATED: the seller's units are committed
CREATED    confirm (buyer)    CONFIRMED
CREATED    cancel (either)    CANCELED
CONFIRMED  finish (agent)     FINISHED: the units are the buyer's
CONFIRMED  finish (anyone)    FINISHED, when the payment is on record
CONFIRMED  abort (agent)      ABORTED, unless the payment is on record
CONFIRMED  cancel (either)    CANCELED, from the expiry on, unless the payment is on record
=========  =================  ==========================================================

Entries (create, confirm) and the change of ownership (finish) are judged by the token's flags and
the buyer's registration at that moment. Exits (cancel, abort) are judged by nothing but the state:
a stopped token gives its units back (I20). Once the payment is on record there is one way only,
forward: the finish of a paid delivery waits until the flags allow it.

What the public contract does not have: the expiry, so a silent agent holds nobody for ever (X6);
the payment on record; parties that must be three (X5); ids for life (X13). Who may put a payment
on record is the caller's to prove: see ``verify``.
"""

from collections.abc import Callable, Sequence
from enum import StrEnum
from typing import Final

from market.message import Message
from settlement.ibet.exchange import Exchange
from settlement.ibet.token import IbetToken, is_amount
from settlement.refusals import Refusal


class DvpState(StrEnum):
    """States of a delivery."""

    CREATED = "created"
    CONFIRMED = "confirmed"
    FINISHED = "finished"
    CANCELED = "canceled"
    ABORTED = "aborted"


OPEN: Final = (DvpState.CREATED, DvpState.CONFIRMED)


class DvpTerms(Message, frozen=True, kw_only=True):
    """What is delivered to whom, who decides, and when a silent agent is passed over."""

    delivery_id: str
    seller: str
    buyer: str
    agent: str
    units: int
    expires_at_ns: int


class IbetDvp(Exchange):
    """The exchange with its deliveries.

    Attributes:
        terms: By id, for ever.
        states: By id.
        paid: Ids whose payment is on record.
    """

    def __init__(
        self, token: IbetToken, address: str, verify: Callable[[DvpTerms, object], bool]
    ) -> None:
        super().__init__(token, address)
        self.terms: dict[str, DvpTerms] = {}
        self.states: dict[str, DvpState] = {}
        self.paid: set[str] = set()
        self._verify = verify

    # --- entries

    def entry_refusal(self, buyer: str) -> Refusal | None:
        """Why no units may go to this buyer through the exchange now; asked at entries and finish."""
        refused = self.token.ownership_refusal(buyer)
        if refused is not None:
            return refused
        if self.token.tradable_exchange != self.address:
            return Refusal.TRANSFER_RESTRICTED
        return Refusal.APPROVAL_REQUIRED if self.token.approval_required else None

    def create(self, caller: str, terms: DvpTerms) -> Refusal | None:
        """Commit the seller's units; the same terms again change nothing."""
        known = self.terms.get(terms.delivery_id)
        if known is not None:
            return None if known == terms and caller == terms.seller else Refusal.ID_CONFLICT
        if caller != terms.seller:
            return Refusal.NOT_ENTITLED
        if not is_amount(terms.units):
            return Refusal.BAD_AMOUNT
        if len({terms.seller, terms.buyer, terms.agent}) < 3:  # noqa: PLR2004 - three parties
            return Refusal.SAME_ACCOUNT
        refused = self.entry_refusal(terms.buyer)
        if refused is not None:
            return refused
        if self.balances.get(terms.seller, 0) < terms.units:
            return Refusal.INSUFFICIENT
        self.commit(terms.seller, terms.units)
        self.terms[terms.delivery_id] = terms
        self._to(caller, terms.delivery_id, DvpState.CREATED)
        return None

    def confirm(self, caller: str, delivery_id: str, seen: DvpTerms) -> Refusal | None:
        """The buyer agrees to the terms as the ledger has them (I24)."""
        terms = self.terms.get(delivery_id)
        if terms is None or caller != terms.buyer:
            return Refusal.NOT_VISIBLE
        refused = self.entry_refusal(terms.buyer)
        if refused is not None:
            return refused
        if self.states[delivery_id] is not DvpState.CREATED:
            return self._not_open(delivery_id)
        if seen != terms:
            return Refusal.TERMS_MISMATCH
        self._to(caller, delivery_id, DvpState.CONFIRMED)
        return None

    def record_payment(self, delivery_id: str, evidence: object) -> Refusal | None:
        """Put the payment of a confirmed delivery on record, whoever brings the evidence."""
        terms = self.terms.get(delivery_id)
        if terms is None:
            return Refusal.NOT_VISIBLE
        if delivery_id in self.paid:
            return None
        if self.states[delivery_id] is not DvpState.CONFIRMED:
            return self._not_open(delivery_id)
        if not self._verify(terms, evidence):
            return Refusal.BAD_SIGNATURE
        self.paid.add(delivery_id)
        self.token.note("evidence", "paid", delivery_id, terms.units)
        return None

    # --- ends

    def finish(self, caller: str, delivery_id: str) -> Refusal | None:
        """Make the units the buyer's."""
        refused = self._finish_refusal(caller, delivery_id)
        if refused is not None:
            return refused
        terms = self.terms[delivery_id]
        self.release(terms.seller, terms.buyer, terms.units)
        self._to(caller, delivery_id, DvpState.FINISHED)
        return None

    def finish_all(self, caller: str, delivery_ids: Sequence[str]) -> Refusal | None:
        """Finish all or none; an id given twice, or no id at all, is refused (X9)."""
        if not delivery_ids:
            return Refusal.BAD_AMOUNT
        if len(set(delivery_ids)) < len(delivery_ids):
            return Refusal.ALREADY_FINAL
        for delivery_id in delivery_ids:
            refused = self._finish_refusal(caller, delivery_id)
            if refused is not None:
                return refused
        # Every refusal is above this line: deliveries commit disjoint units.
        for delivery_id in delivery_ids:
            self.finish(caller, delivery_id)
        return None

    def cancel(self, caller: str, delivery_id: str, *, at_ns: int) -> Refusal | None:
        """Either side gives up: before the confirmation, or when the agent stayed silent."""
        terms = self.terms.get(delivery_id)
        if terms is None or caller not in {terms.seller, terms.buyer}:
            return Refusal.NOT_VISIBLE
        state = self.states[delivery_id]
        if state not in OPEN:
            return Refusal.ALREADY_FINAL
        if delivery_id in self.paid or (
            state is DvpState.CONFIRMED and at_ns < terms.expires_at_ns
        ):
            return Refusal.WRONG_STATE
        self._give_back(caller, delivery_id, DvpState.CANCELED)
        return None

    def abort(self, caller: str, delivery_id: str) -> Refusal | None:
        """The agent says that the payment did not happen."""
        terms = self.terms.get(delivery_id)
        if terms is None or caller != terms.agent:
            return Refusal.NOT_VISIBLE
        if self.states[delivery_id] is not DvpState.CONFIRMED:
            return self._not_open(delivery_id)
        if delivery_id in self.paid:
            return Refusal.WRONG_STATE
        self._give_back(caller, delivery_id, DvpState.ABORTED)
        return None

    # --- inside

    def _finish_refusal(self, caller: str, delivery_id: str) -> Refusal | None:
        terms = self.terms.get(delivery_id)
        if terms is None or (caller != terms.agent and delivery_id not in self.paid):
            return Refusal.NOT_VISIBLE
        if self.states[delivery_id] is not DvpState.CONFIRMED:
            return self._not_open(delivery_id)
        return self.entry_refusal(terms.buyer)

    def _not_open(self, delivery_id: str) -> Refusal:
        over = self.states[delivery_id] not in OPEN
        return Refusal.ALREADY_FINAL if over else Refusal.WRONG_STATE

    def _give_back(self, caller: str, delivery_id: str, end: DvpState) -> None:
        terms = self.terms[delivery_id]
        self.release(terms.seller, terms.seller, terms.units)
        self._to(caller, delivery_id, end)

    def _to(self, caller: str, delivery_id: str, state: DvpState) -> None:
        self.states[delivery_id] = state
        self.token.note(caller, state.value, delivery_id, self.terms[delivery_id].units)

    # --- proving

    def check_invariants(self) -> None:
        """Commitments are those of open deliveries. O(deliveries)."""
        committed: dict[str, int] = {}
        for delivery_id, terms in self.terms.items():
            if self.states[delivery_id] in OPEN:
                committed[terms.seller] = committed.get(terms.seller, 0) + terms.units
        self.check_book(committed)
