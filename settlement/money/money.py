"""What every kind of money does, and the one interface to all of them.

=========  =========================  ====================================================
state      verb                       to
=========  =========================  ====================================================
–          hold                       HELD: set aside for the payee, still the payer's
–          pay (no hold)              PAID, with evidence
HELD       pay (key, if conditional)  PAID, with evidence
HELD       cancel                     CANCELED
=========  =========================  ====================================================

An order is one content under one id: the same again has the same answer and moves nothing, other
content is refused, a closed id is never used again (I10). Funding and redemption have ids too.

Kinds differ in what stands behind the money, in what an issuer's default does to it, and in when a
payment is final. After a default an issuer takes no order; what it still returns is the kind's.

Between payments a firm's yen rest somewhere (``rest``): coins and bank money in the money itself,
tokens of a deposit in the deposit, so that tokens exist only while they are held for a payee. The
verbs of a settlement are therefore ``fund_hold``, ``pay``, ``redeem_paid`` and ``give_back``;
the counter for cash from outside is ``pay_in`` and ``pay_out``, which has no hours.

Cost: O(1) a verb; with signing on, the signature (settlement/keys.py). Orders, their states and
evidence are kept for the life of the money.
"""

from abc import ABC, abstractmethod
from enum import StrEnum
from hashlib import sha256

from market.errors import check
from settlement.keys import UNSIGNED, KeyRing
from settlement.ledger import HoldId, Ledger
from settlement.money.hours import Hours
from settlement.money.payment import (
    INSIDE,
    ISSUER_SOURCE,
    OUTSIDE,
    PaymentAnswer,
    PaymentOrder,
    SignedEvidence,
    evidence_digest,
    is_amount,
    is_signed_by,
    value_refusal,
)
from settlement.opaque import is_opaque
from settlement.refusals import Refusal


class PaymentState(StrEnum):
    """States of an order."""

    HELD = "held"
    PAID = "paid"
    CANCELED = "canceled"


class Money(ABC):
    """One kind of money of one issuer.

    Attributes:
        kind: Name of the kind, part of all evidence.
        issuer: Whose key signs evidence.
        hours: When orders are taken.
        backing: What stands behind the money, yen: a bank's book, or a trust's.
        ledger: The money itself, yen.
        rest: The ledger on which firms' yen rest between payments.
        recovery_percent: What a claim is worth after the issuer's default.
        defaulted: Whether the issuer has failed.
        orders: By id.
        states: By id; an order that was refused has none.
        evidence: By id.
    """

    kind = "money"

    def __init__(
        self, issuer: str, keys: KeyRing, hours: Hours, *, recovery_percent: int = 100
    ) -> None:
        self.issuer = issuer
        self.recovery_percent = recovery_percent
        self.keys = keys
        self.hours = hours
        self.backing = Ledger(f"{self.kind}: backing", OUTSIDE)
        self.ledger = Ledger(self.kind, ISSUER_SOURCE)
        self.rest = self.ledger
        self.defaulted = False
        self.orders: dict[str, PaymentOrder] = {}
        self.states: dict[str, PaymentState] = {}
        self.evidence: dict[str, SignedEvidence] = {}
        self._flows: dict[str, tuple[str, str, int]] = {}

    # --- in and out

    def fund(self, flow_id: str, owner: str, amount_yen: int, *, at_ns: int) -> Refusal | None:
        """Issue money against what the owner brings; once for each id."""
        refused = self._flow_refusal(flow_id, ("fund", owner, amount_yen))
        if refused is not None or flow_id in self._flows:
            return refused
        refused = self.entry_refusal(at_ns)
        if refused is not None:
            return refused
        if not self._can_back(owner, amount_yen):
            return Refusal.INSUFFICIENT
        self._flows[flow_id] = ("fund", owner, amount_yen)
        self._back(owner, amount_yen)
        self.ledger.post(ISSUER_SOURCE, owner, amount_yen)
        return None

    def redeem(self, flow_id: str, owner: str, amount_yen: int, *, at_ns: int) -> Refusal | None:
        """Give back what stands behind the owner's money; once for each id."""
        refused = self._flow_refusal(flow_id, ("redeem", owner, amount_yen))
        if refused is not None or flow_id in self._flows:
            return refused
        refused = self._redemption_refusal(at_ns)
        if refused is not None:
            return refused
        if not self.ledger.can_give(owner, amount_yen):
            return Refusal.INSUFFICIENT
        self._flows[flow_id] = ("redeem", owner, amount_yen)
        self.ledger.post(owner, ISSUER_SOURCE, amount_yen)
        self._give_back(owner, amount_yen)
        return None

    # --- the counter

    def pay_in(self, owner: str, amount_yen: int) -> None:
        """Cash comes in from outside, to rest."""
        self._back(owner, amount_yen)
        self.ledger.post(ISSUER_SOURCE, owner, amount_yen)

    def pay_out(self, owner: str, amount_yen: int) -> None:
        """Resting cash goes out; the caller has asked ``pays_out`` and what is available."""
        self.ledger.post(owner, ISSUER_SOURCE, amount_yen)
        self._give_back(owner, amount_yen)

    @property
    def pays_out(self) -> bool:
        """Whether the counter pays out: not after the issuer's default, unless a trust does."""
        return not self.defaulted

    # --- paying

    def fund_hold(self, order: PaymentOrder, *, at_ns: int) -> Refusal | None:
        """Set the amount aside for the payee, out of what rests."""
        return self.hold(order, at_ns=at_ns)

    def redeem_paid(self, order: PaymentOrder) -> None:
        """What a payee was paid comes to rest; for most kinds it does already."""
        del order

    def give_back(self, payment_id: str) -> None:
        """Cancel and let the payer's yen come to rest."""
        check(self.cancel(payment_id) is None, "I20: what is not paid returns", id=payment_id)

    def hold(self, order: PaymentOrder, *, at_ns: int) -> Refusal | None:
        """Set the amount aside for the payee."""
        known = self.orders.get(order.payment_id)
        if known is not None:
            return None if known == order else Refusal.ID_CONFLICT
        refused = value_refusal(order) or self.entry_refusal(at_ns)
        if refused is not None:
            return refused
        if not self.ledger.can_give(order.payer, order.amount_yen):
            return Refusal.INSUFFICIENT
        self._set_aside(order)
        return None

    def _set_aside(self, order: PaymentOrder) -> None:
        self.ledger.hold(HoldId(order.payment_id), order.payer, order.payee, order.amount_yen)
        self.orders[order.payment_id] = order
        self.states[order.payment_id] = PaymentState.HELD

    def pay(self, order: PaymentOrder, *, at_ns: int, key: bytes = b"") -> PaymentAnswer:
        """Pay what is held, or hold and pay in one step; with the key if there is a condition."""
        known = self.orders.get(order.payment_id)
        if known is not None and known != order:
            return Refusal.ID_CONFLICT
        state = self.states.get(order.payment_id)
        if state is PaymentState.PAID:
            return self.evidence[order.payment_id]
        if state is PaymentState.CANCELED:
            return Refusal.ALREADY_FINAL
        refused = (None if known else value_refusal(order)) or self.entry_refusal(at_ns)
        if refused is not None:
            return refused
        if order.condition and sha256(key).hexdigest() != order.condition:
            return Refusal.TERMS_MISMATCH
        if state is None:
            refused = self.hold(order, at_ns=at_ns)
            if refused is not None:
                return refused
        return self._settle(order, at_ns)

    def cancel(self, payment_id: str) -> Refusal | None:
        """Return what is held; always open, at any hour and after a default (I20)."""
        state = self.states.get(payment_id)
        if state is None:
            return Refusal.NOT_VISIBLE
        if state is PaymentState.PAID:
            return Refusal.ALREADY_FINAL
        if state is PaymentState.HELD:
            self.ledger.void_hold(HoldId(payment_id))
            self.states[payment_id] = PaymentState.CANCELED
        return None

    def is_genuine(self, evidence: SignedEvidence) -> bool:
        """Whether the issuer signed this evidence and its own record says the same."""
        recorded = self.evidence.get(evidence.order.payment_id) == evidence
        return recorded and is_signed_by(self.keys, self.issuer, evidence)

    def _settle(self, order: PaymentOrder, at_ns: int) -> SignedEvidence:
        self.ledger.post_hold(HoldId(order.payment_id))
        self.states[order.payment_id] = PaymentState.PAID
        return self._prove(order, at_ns)

    def _prove(self, order: PaymentOrder, at_ns: int) -> SignedEvidence:
        """Evidence of a payment, signed by the issuer and put on record."""
        signature = UNSIGNED
        if self.keys.signing:
            signature = self.keys.sign(self.issuer, evidence_digest(order, self.kind, at_ns))
        paid = SignedEvidence(order=order, money=self.kind, paid_at_ns=at_ns, signature=signature)
        self.evidence[order.payment_id] = paid
        return paid

    # --- what a kind decides

    def entry_refusal(self, at_ns: int) -> Refusal | None:
        """Why no order is taken at this time, or None."""
        if not self.hours.is_open(at_ns):
            return Refusal.OUTSIDE_HOURS
        return Refusal.ISSUER_DEFAULTED if self.defaulted else None

    def _redemption_refusal(self, at_ns: int) -> Refusal | None:
        return self.entry_refusal(at_ns)

    @abstractmethod
    def _can_back(self, owner: str, amount_yen: int) -> bool:
        """Whether so much of the owner's backing is there to issue against."""

    @abstractmethod
    def _back(self, owner: str, amount_yen: int) -> None:
        """Move the owner's backing behind the money."""

    @abstractmethod
    def _give_back(self, owner: str, amount_yen: int) -> None:
        """Move backing to the owner, whose money is gone."""

    @abstractmethod
    def backing_yen(self) -> int:
        """What stands behind the money."""

    def worth_yen(self, owner: str) -> int:
        """Par; after the issuer's default the recovery, rounded down."""
        par = self.ledger.balance(owner)
        return par * self.recovery_percent // 100 if self.defaulted else par

    # --- proving

    def _flow_refusal(self, flow_id: str, flow: tuple[str, str, int]) -> Refusal | None:
        known = self._flows.get(flow_id)
        if known is not None:
            return None if known == flow else Refusal.ID_CONFLICT
        _, owner, amount_yen = flow
        if owner in INSIDE:
            return Refusal.NOT_VISIBLE
        if not is_opaque(flow_id) or not is_opaque(owner):
            return Refusal.BAD_IDENTIFIER
        return None if is_amount(amount_yen) else Refusal.BAD_AMOUNT

    def check_books(self) -> None:
        """Both books balance, the money is backed, holds are open orders. O(accounts + holds)."""
        self.backing.check_invariants()
        self.ledger.check_invariants()
        self._check_backing()
        for hold_id, hold in self.ledger.live_holds.items():
            order = self.orders.get(hold_id)
            known = order is not None and self.states[hold_id] is PaymentState.HELD
            check(known, "I6: each hold is an open order", kind=self.kind, hold=hold_id)
            same = order is None or (order.payer, order.payee, order.amount_yen) == (
                hold.giver, hold.taker, hold.amount,
            )  # fmt: skip
            check(same, "I24: a hold is what its order says", kind=self.kind, hold=hold_id)

    def _check_backing(self) -> None:
        issued, backed = self.ledger.in_circulation, self.backing_yen()
        check(issued == backed, "I2: the money is backed", kind=self.kind, issued=issued,
              backed=backed)  # fmt: skip

    def check_invariants(self) -> None:
        """As ``check_books``, and every order ever taken is as it stands. O(accounts + orders)."""
        self.check_books()
        held = [one for one, state in self.states.items() if state is PaymentState.HELD]
        same = sorted(held) == sorted(self.ledger.live_holds)
        check(same, "I6: each hold is an open order", kind=self.kind)
        paid = [one for one, state in self.states.items() if state is PaymentState.PAID]
        same = sorted(paid) == sorted(self.evidence)
        check(same, "I17: what is paid has its evidence", kind=self.kind)

    def state(self) -> dict[str, object]:
        """Canonical content for the digest."""
        return {
            "backing": self.backing.state(),
            "ledger": self.ledger.state(),
            "states": {one: self.states[one].value for one in sorted(self.states)},
            "flows": len(self._flows),
            "defaulted": int(self.defaulted),
        }
