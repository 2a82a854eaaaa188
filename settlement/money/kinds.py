"""The kinds of money by name, with what a market chooses about them."""

from collections.abc import Callable
from typing import Final

from market.choices import SettlementMoney
from settlement.keys import KeyRing
from settlement.money.bank_transfer import BankTransfer
from settlement.money.hours import BANK_DAY, NS_PER_MINUTE, ROUND_THE_CLOCK, Hours
from settlement.money.money import Money
from settlement.money.tokenised_deposit import TokenisedDeposit
from settlement.money.trust_stablecoin import TrustStablecoin

_NS_PER_S: Final = NS_PER_MINUTE // 60


def money_of(
    kind: SettlementMoney = SettlementMoney.TOKENISED_DEPOSIT,
    *,
    seed: str = "",
    signing: bool = True,
    hours: tuple[int, ...] = (),
    recovery_percent: int = 0,
) -> Money:
    """A new money, empty.

    Args:
        kind: Which.
        seed: What the issuer's key is made of.
        signing: Whether evidence is signed and signatures are verified.
        hours: Seconds of the day: opening, cut-off, closing; empty for the kind's own.
        recovery_percent: What a claim is worth after the issuer's default; a trust pays at par.
    """
    keys = KeyRing(f"money/{seed}", signing=signing)
    makers: dict[SettlementMoney, Callable[[], Money]] = {
        SettlementMoney.TOKENISED_DEPOSIT: lambda: TokenisedDeposit(
            "bank", keys, _hours(hours, ROUND_THE_CLOCK), recovery_percent
        ),
        SettlementMoney.TRUST_STABLECOIN: lambda: TrustStablecoin(
            "trust", keys, _hours(hours, ROUND_THE_CLOCK)
        ),
        SettlementMoney.BANK_TRANSFER: lambda: BankTransfer(
            "bank", keys, _hours(hours, BANK_DAY), recovery_percent
        ),
    }
    return makers[kind]()


def _hours(seconds: tuple[int, ...], own: Hours) -> Hours:
    if not seconds:
        return own
    opens_ns, cut_off_ns, closes_ns = (second * _NS_PER_S for second in seconds)
    return Hours(opens_ns=opens_ns, cut_off_ns=cut_off_ns, closes_ns=closes_ns)
