"""The yen side: bank deposits, programmable money issued against them, and proof of payment.

Each firm has two accounts. The deposit account (預金) is where cash comes in, goes out and rests.
The programmable-money account holds what was issued against a deposit for one delivery; the
deposit moves to the platform's reserve at the bank, yen for yen (I2). Who is paid in programmable
money has it redeemed into the deposit account in the same step, so programmable money exists only
while a confirmed delivery waits to be paid, and every yen of it is on hold.

Both accounts together are what a firm owns; funding and redeeming change no ownership.

Payment evidence is bound to delivery, version (which attempt), payer, payee and amount, and is
genuine only if the platform's own record says the same. Paying the same delivery and version
again returns the first evidence and moves nothing (I10).

Source of the flow: DCJPY verification with START trades, announced 2026-04-24 (news). That the
payee's money is redeemed at once is our choice.

Known limits: one bank, one platform, whole yen, no interest, no fees.
"""

from typing import Final

from market.errors import check
from market.ids import DeliveryId, ParticipantId
from market.message import Message
from market.quantities import Yen
from settlement.ledger import Hold, HoldId, Ledger

OUTSIDE: Final = "outside"
"""Source of deposits: everyone's bank accounts elsewhere."""

RESERVE: Final = "reserve"
"""The platform's deposit that backs programmable money."""

PLATFORM: Final = "platform"
"""Source of programmable money."""


class PaymentEvidence(Message, frozen=True, kw_only=True):
    """The money platform's word that one delivery was paid.

    Attributes:
        version: Which attempt of the delivery it pays for, from 1.
    """

    delivery_id: DeliveryId
    version: int
    payer: ParticipantId
    payee: ParticipantId
    amount_yen: Yen


class Cash:
    """Yen of every firm.

    Attributes:
        deposits: The bank's ledger, yen.
        money: The platform's ledger of programmable money, yen.
        payments: Evidence given, by delivery and version.
    """

    __slots__ = ("deposits", "money", "payments")

    def __init__(self) -> None:
        self.deposits = Ledger("yen at the bank", OUTSIDE)
        self.money = Ledger("programmable yen", PLATFORM)
        self.payments: dict[tuple[DeliveryId, int], PaymentEvidence] = {}

    # --- reading

    def owned_yen(self, owner: str) -> Yen:
        """Deposit and programmable money of ``owner``, held or not."""
        return Yen(self.deposits.balance(owner) + self.money.balance(owner))

    def available_yen(self, owner: str) -> Yen:
        """What ``owner`` may pay, fund or withdraw now."""
        return Yen(self.deposits.available(owner) + self.money.available(owner))

    def is_genuine(self, evidence: PaymentEvidence) -> bool:
        """Whether the platform's own record of this payment says the same."""
        return self.payments.get((evidence.delivery_id, evidence.version)) == evidence

    # --- in and out

    def deposit(self, owner: ParticipantId, amount_yen: Yen) -> None:
        """Take cash in from outside."""
        self.deposits.post(OUTSIDE, owner, amount_yen)

    def withdraw(self, owner: ParticipantId, amount_yen: Yen) -> None:
        """Pay cash out; the caller has checked that it is available."""
        self.deposits.post(owner, OUTSIDE, amount_yen)

    # --- programmable money

    def fund(
        self, hold_id: HoldId, *, payer: ParticipantId, payee: ParticipantId, amount_yen: Yen
    ) -> None:
        """Issue money against the payer's deposit and hold it for the payee, in one step."""
        check(self.money.is_unused(hold_id), "I10: funded once in each attempt", hold=hold_id)
        self.deposits.post(payer, RESERVE, amount_yen)
        self.money.post(PLATFORM, payer, amount_yen)
        self.money.hold(hold_id, payer, payee, amount_yen)

    def return_funds(self, hold_id: HoldId) -> None:
        """Void the hold and redeem the money into the payer's deposit."""
        hold = self.money.void_hold(hold_id)
        self._redeem(hold.giver, hold.amount)

    def pay(self, hold_id: HoldId | None, evidence: PaymentEvidence) -> PaymentEvidence:
        """Post the held money to the payee, redeem it there, and keep the evidence.

        Args:
            hold_id: The hold to post, or None when no cash has to move (a firm trading with
                itself, or a consideration below one yen).
            evidence: What the payment is for; must be what the hold says.

        Returns:
            The evidence on record; the first one if this was paid before.
        """
        key = (evidence.delivery_id, evidence.version)
        paid_before = self.payments.get(key)
        if paid_before is not None:
            check(paid_before == evidence, "I10: one payment, one content", delivery=key[0])
            return paid_before
        if hold_id is not None:
            promised = Hold(evidence.payer, evidence.payee, evidence.amount_yen)
            held = self.money.live_holds.get(hold_id)
            check(held == promised, "I24: pay what was promised", hold=hold_id)
            hold = self.money.post_hold(hold_id)
            self._redeem(hold.taker, hold.amount)
        self.payments[key] = evidence
        return evidence

    def _redeem(self, owner: str, amount_yen: int) -> None:
        self.money.post(owner, PLATFORM, amount_yen)
        self.deposits.post(RESERVE, owner, amount_yen)

    # --- proving

    def check_invariants(self) -> None:
        """Both ledgers balance and the reserve backs the money. O(accounts + holds)."""
        self.deposits.check_invariants()
        self.money.check_invariants()
        backing, money = self.deposits.balance(RESERVE), self.money.in_circulation
        check(backing == money, "I2: the reserve backs the money", reserve=backing, money=money)
        held = sum(hold.amount for hold in self.money.live_holds.values())
        check(held == money, "programmable money exists only on hold", held=held, money=money)

    def state(self) -> dict[str, object]:
        """Canonical content for the digest."""
        return {
            "deposits": self.deposits.state(),
            "money": self.money.state(),
            "payments": len(self.payments),
        }
