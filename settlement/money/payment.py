"""A payment order, the evidence that it was paid, and what an order may be answered with.

Evidence is signed by the money's issuer over every field, so it can be checked on another ledger:
obligation, version (which attempt), payer, payee, amount, money and time. Evidence for one
obligation says nothing about another, nor about another attempt of the same one (I24).

Unknown is not no: an order under way is answered Pending, and neither paid nor refused.
"""

import re
from hashlib import sha256
from typing import Final

from market.message import Message, canonical
from settlement.keys import KeyRing
from settlement.opaque import is_opaque
from settlement.refusals import Refusal

OUTSIDE: Final = "outside"
ISSUER_SOURCE: Final = "issued"
RESERVE: Final = "reserve"
TRUST: Final = "trust"
INSIDE: Final = frozenset({OUTSIDE, ISSUER_SOURCE, RESERVE, TRUST})
"""Accounts of the money itself: nobody orders in their name, nobody is paid there."""

_DIGEST: Final = re.compile(r"[0-9a-f]{64}")


class PaymentOrder(Message, frozen=True, kw_only=True):
    """Pay so much for this attempt of this obligation.

    Attributes:
        payment_id: Chosen by who orders; one id, one content, for ever.
        version: Which attempt of the obligation, from 1.
        condition: SHA-256 of the key that releases the payment, hexadecimal; empty for none.
    """

    payment_id: str
    obligation_id: str
    version: int
    payer: str
    payee: str
    amount_yen: int
    condition: str = ""


class SignedEvidence(Message, frozen=True, kw_only=True):
    """The issuer's word that an order was paid."""

    order: PaymentOrder
    money: str
    paid_at_ns: int
    signature: bytes


class Pending(Message, frozen=True, kw_only=True):
    """The order is under way; ask again on or after this day of the money's clock."""

    payment_id: str
    work_day: int


PaymentAnswer = SignedEvidence | Pending | Refusal


def evidence_digest(order: PaymentOrder, money: str, paid_at_ns: int) -> bytes:
    """What the issuer signs."""
    content = [
        order.payment_id, order.obligation_id, order.version, order.payer, order.payee,
        order.amount_yen, order.condition, money, paid_at_ns,
    ]  # fmt: skip
    return sha256(canonical(content)).digest()


def is_signed_by(keys: KeyRing, issuer: str, evidence: SignedEvidence) -> bool:
    """Whether the issuer's present key signed this evidence: all that another ledger can check."""
    if not keys.signing:
        return True
    digest = evidence_digest(evidence.order, evidence.money, evidence.paid_at_ns)
    return keys.verify(issuer, digest, evidence.signature)


def value_refusal(order: PaymentOrder) -> Refusal | None:
    """What is wrong with the order itself; evidence is kept, so every word of it is an id (I15)."""
    if order.payer in INSIDE or order.payee in INSIDE:
        return Refusal.NOT_VISIBLE
    words = (order.payment_id, order.obligation_id, order.payer, order.payee)
    if order.version < 1 or not all(is_opaque(word) for word in words):
        return Refusal.BAD_IDENTIFIER
    if not is_amount(order.amount_yen):
        return Refusal.BAD_AMOUNT
    if order.payer == order.payee:
        return Refusal.SAME_ACCOUNT
    if order.condition and _DIGEST.fullmatch(order.condition) is None:
        return Refusal.BAD_COMBINATION  # no key could ever release it
    return None


def is_amount(amount_yen: object) -> bool:
    """Whether it is a number of whole yen above zero; a truth value is none."""
    return type(amount_yen) is int and amount_yen > 0
