"""Tokenised deposit: a bank's own debt, issued yen for yen against a deposit with the same bank.

Issuing moves the owner's deposit into the bank's reserve for the tokens; redeeming moves it back.
Both are claims on the bank, so its default hits them alike: nothing is paid or redeemed any more,
and what is left is the recovery. Holds can still be voided: the claim stays with its owner.

Source of the flow (issue against deposit, pay, verify, redeem): DCJPY verification with security
tokens, announced 2026 (news). The recovery rate is a parameter, not a forecast.
"""

from typing import Final

from settlement.keys import KeyRing
from settlement.money.hours import ROUND_THE_CLOCK, Hours
from settlement.money.money import OUTSIDE, Money

RESERVE: Final = "reserve"


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

    def pay_in(self, owner: str, amount_yen: int) -> None:
        """Cash comes into the owner's deposit from outside."""
        self.backing.post(OUTSIDE, owner, amount_yen)

    def _can_back(self, owner: str, amount_yen: int) -> bool:
        return self.backing.can_give(owner, amount_yen)

    def _back(self, owner: str, amount_yen: int) -> None:
        self.backing.post(owner, RESERVE, amount_yen)

    def _give_back(self, owner: str, amount_yen: int) -> None:
        self.backing.post(RESERVE, owner, amount_yen)

    def backing_yen(self) -> int:
        """The reserve for the tokens."""
        return self.backing.balance(RESERVE)
