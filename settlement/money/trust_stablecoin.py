"""Trust-type stablecoin: beneficial interests in money that a trustee keeps apart.

Issuing brings cash into the trust; redeeming takes it out. The trust property is not the issuer's,
so its default stops issue and payment but not redemption: the trustee pays out at par, in the hours
of the bank it keeps the money with.

Source: the Progmat Coin papers (2022 to 2024) for the trust form; that payments stop while the
trustee goes on redeeming is our choice. The bank that keeps the trust's money does not fail here.
"""

from settlement.keys import KeyRing
from settlement.money.hours import ROUND_THE_CLOCK, Hours
from settlement.money.money import Money
from settlement.money.payment import OUTSIDE, TRUST
from settlement.refusals import Refusal


class TrustStablecoin(Money):
    """Coins of one trust.

    Attributes:
        redemption_hours: When the trustee takes cash in and pays it out.
    """

    kind = "trust_stablecoin"

    def __init__(
        self,
        issuer: str,
        keys: KeyRing,
        hours: Hours = ROUND_THE_CLOCK,
        redemption_hours: Hours = ROUND_THE_CLOCK,
    ) -> None:
        super().__init__(issuer, keys, hours)
        self.redemption_hours = redemption_hours

    @property
    def pays_out(self) -> bool:
        """The trustee goes on redeeming."""
        return True

    def _redemption_refusal(self, at_ns: int) -> Refusal | None:
        return None if self.redemption_hours.is_open(at_ns) else Refusal.OUTSIDE_HOURS

    def _can_back(self, _owner: str, _amount_yen: int) -> bool:
        """Cash is brought from outside; the trust counts what arrives."""
        return True

    def _back(self, _owner: str, amount_yen: int) -> None:
        self.backing.post(OUTSIDE, TRUST, amount_yen)

    def _give_back(self, _owner: str, amount_yen: int) -> None:
        self.backing.post(TRUST, OUTSIDE, amount_yen)

    def backing_yen(self) -> int:
        """What the trustee keeps."""
        return self.backing.balance(TRUST)
