"""Tokenised deposit: a bank's own debt, issued yen for yen against a deposit with the same bank.

Issuing moves the owner's deposit into the bank's reserve for the tokens; redeeming moves it back.
Both are claims on the bank, so its default hits them alike: nothing is paid or redeemed any more,
and what is left is the recovery. Holds can still be voided: the claim stays with its owner, who
then has tokens at rest that nobody redeems.

A settlement issues tokens for one payment and holds them in the same step; the payee's are redeemed
as they arrive. That is our choice: nobody needs tokens while no payment waits.

Source of the flow (issue against deposit, pay, verify, redeem): DCJPY verification with security
tokens, announced 2026 (news). The recovery rate is a parameter, not a forecast.
"""

from settlement.keys import KeyRing
from settlement.money.hours import ROUND_THE_CLOCK, Hours
from settlement.money.money import Money
from settlement.money.payment import (
    ISSUER_SOURCE,
    OUTSIDE,
    RESERVE,
    PaymentOrder,
    value_refusal,
)
from settlement.refusals import Refusal


class TokenisedDeposit(Money):
    """Tokens of one bank."""

    kind = "tokenised_deposit"

    def __init__(
        self,
        bank: str,
        keys: KeyRing,
        hours: Hours = ROUND_THE_CLOCK,
        recovery_percent: int = 0,
    ) -> None:
        super().__init__(bank, keys, hours, recovery_percent=recovery_percent)
        self.rest = self.backing

    def pay_in(self, owner: str, amount_yen: int) -> None:
        """Cash comes into the owner's deposit from outside."""
        self.backing.post(OUTSIDE, owner, amount_yen)

    def pay_out(self, owner: str, amount_yen: int) -> None:
        """Cash leaves the owner's deposit."""
        self.backing.post(owner, OUTSIDE, amount_yen)

    def fund_hold(self, order: PaymentOrder, *, at_ns: int) -> Refusal | None:
        """Issue tokens against the payer's deposit and hold them for the payee, in one step."""
        if order.payment_id in self.orders:
            return self.hold(order, at_ns=at_ns)
        refused = value_refusal(order) or self.entry_refusal(at_ns)
        if refused is not None:
            return refused
        if not self._can_back(order.payer, order.amount_yen):
            return Refusal.INSUFFICIENT
        self._back(order.payer, order.amount_yen)
        self.ledger.post(ISSUER_SOURCE, order.payer, order.amount_yen)
        self._set_aside(order)
        return None

    def redeem_paid(self, order: PaymentOrder) -> None:
        """The payee's tokens become its deposit."""
        self._rest_again(order.payee, order.amount_yen)

    def give_back(self, payment_id: str) -> None:
        """Void the hold; the tokens become the payer's deposit, unless the bank has failed."""
        super().give_back(payment_id)
        if not self.defaulted:
            order = self.orders[payment_id]
            self._rest_again(order.payer, order.amount_yen)

    def _rest_again(self, owner: str, amount_yen: int) -> None:
        self.ledger.post(owner, ISSUER_SOURCE, amount_yen)
        self._give_back(owner, amount_yen)

    def _can_back(self, owner: str, amount_yen: int) -> bool:
        return self.backing.can_give(owner, amount_yen)

    def _back(self, owner: str, amount_yen: int) -> None:
        self.backing.post(owner, RESERVE, amount_yen)

    def _give_back(self, owner: str, amount_yen: int) -> None:
        self.backing.post(RESERVE, owner, amount_yen)

    def backing_yen(self) -> int:
        """The reserve for the tokens."""
        return self.backing.balance(RESERVE)
