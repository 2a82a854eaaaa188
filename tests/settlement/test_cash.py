"""Yen in each kind of money: what rests, what is held for a delivery, what a payment proves."""

from typing import Any

import msgspec
import pytest
from settlement_story import MONDAY, A, B

from market.business_days import at_jst
from market.choices import SettlementMoney
from market.errors import InvariantBroken
from market.quantities import Yen
from market.reasons import FailReason
from settlement.cash import Cash
from settlement.money.kinds import money_of
from settlement.money.payment import ISSUER_SOURCE, PaymentOrder, SignedEvidence
from settlement.money.tokenised_deposit import RESERVE

KINDS = list(SettlementMoney)
AT_ONCE = [SettlementMoney.TOKENISED_DEPOSIT, SettlementMoney.TRUST_STABLECOIN]


def order(**changes: Any) -> PaymentOrder:
    """B pays A 300 yen for the first attempt of delivery 1."""
    fields: dict[str, Any] = {
        "payment_id": "D-1/1", "obligation_id": "D-1", "version": 1, "payer": B, "payee": A,
        "amount_yen": 300,
    }  # fmt: skip
    return PaymentOrder(**{**fields, **changes})


def funded(kind: SettlementMoney = SettlementMoney.TOKENISED_DEPOSIT) -> Cash:
    """At ten in the morning B has 1,000 yen, 300 of them held for A."""
    cash = Cash(money_of(kind, seed="test", recovery_percent=40))
    cash.deposit(B, Yen(1_000))
    cash.start_day()
    cash.start_stage(at_jst(MONDAY, 10 * 3600))
    assert cash.fund(order()) is None
    return cash


@pytest.mark.parametrize("kind", KINDS)
def test_funding_changes_what_is_available_but_not_what_is_owned(kind: SettlementMoney) -> None:
    """What is held for a payee is the payer's until it is paid, in every kind of money."""
    cash = funded(kind)

    assert (cash.owned_yen(B), cash.available_yen(B)) == (1_000, 700)
    assert cash.owned_yen(A) == 0
    cash.check_invariants()


def test_the_reserve_backs_the_money_yen_for_yen() -> None:
    """I2: as many tokens circulate as deposits were given for them."""
    cash = funded()

    assert cash.rest.balance(RESERVE) == cash.money.ledger.in_circulation == 300


@pytest.mark.parametrize("kind", KINDS)
def test_returned_funds_rest_again(kind: SettlementMoney) -> None:
    """A returned hold leaves nothing behind."""
    cash = funded(kind)

    cash.return_funds("D-1/1")

    assert cash.rest.available(B) == cash.owned_yen(B) == 1_000
    assert not cash.money.ledger.live_holds
    cash.check_invariants()


@pytest.mark.parametrize("kind", AT_ONCE)
def test_a_payment_rests_where_it_arrives(kind: SettlementMoney) -> None:
    """The payee can give it again at once; tokens of a deposit are redeemed."""
    cash = funded(kind)

    assert isinstance(cash.pay(order()), SignedEvidence)

    assert (cash.rest.available(A), cash.rest.available(B)) == (300, 700)
    cash.check_invariants()


@pytest.mark.parametrize("kind", KINDS)
def test_funding_beyond_what_rests_moves_nothing(kind: SettlementMoney) -> None:
    """701 of 700 yen cannot be funded: the buyer is short, and nothing is noted."""
    cash = funded(kind)
    before = cash.state()

    assert cash.fund(order(payment_id="D-2/1", amount_yen=701)) is FailReason.BUYER_SHORT_OF_CASH

    assert cash.state() == before


@pytest.mark.parametrize("kind", KINDS)
def test_an_attempt_is_paid_from_its_own_funds_or_not_at_all(kind: SettlementMoney) -> None:
    """I10: an attempt that was returned cannot be paid; one never funded neither."""
    cash = funded(kind)
    cash.return_funds("D-1/1")
    before = cash.state()

    for wrong in (order(), order(payment_id="D-9/1")):
        with pytest.raises(InvariantBroken):
            cash.pay(wrong)

    assert cash.state() == before


@pytest.mark.parametrize("kind", AT_ONCE)
def test_paying_again_gives_the_first_evidence_and_moves_nothing(kind: SettlementMoney) -> None:
    """I10: same attempt, same answer, no effect."""
    cash = funded(kind)
    first = cash.pay(order())
    before = cash.state()

    assert cash.pay(order()) is first
    assert cash.state() == before


OTHER_CONTENT = {"payer": A, "payee": B, "amount_yen": 299, "version": 2, "obligation_id": "D-2"}


@pytest.mark.parametrize("paid", [False, True])
@pytest.mark.parametrize("field", OTHER_CONTENT)
def test_a_payment_that_is_not_what_was_promised_is_refused(field: str, *, paid: bool) -> None:
    """I24, I10: every term is that of the hold and of the first payment, or nothing is paid."""
    cash = funded()
    if paid:
        cash.pay(order())
    before = cash.state()

    with pytest.raises(InvariantBroken, match="I24"):
        cash.pay(order(**{field: OTHER_CONTENT[field]}))

    assert cash.state() == before


@pytest.mark.parametrize("kind", AT_ONCE)
def test_only_signed_and_recorded_evidence_is_genuine(kind: SettlementMoney) -> None:
    """The issuer's hand and its record decide, not the message; another run's key is no key."""
    cash = funded(kind)
    paid = cash.pay(order())
    assert isinstance(paid, SignedEvidence)
    assert cash.is_genuine(paid)
    assert cash.evidence_of("D-1/1") is paid

    for field, value in OTHER_CONTENT.items():
        other = msgspec.structs.replace(paid.order, **{field: value})
        assert not cash.is_genuine(msgspec.structs.replace(paid, order=other)), field
    stranger = Cash(money_of(kind, seed="another run"))
    cash.money.evidence["D-1/1"] = forged = msgspec.structs.replace(
        paid, signature=stranger.money.keys.sign(stranger.money.issuer, b"x")
    )
    assert not cash.is_genuine(forged), "recorded, but not signed"


def test_money_without_backing_is_noticed() -> None:
    """The room's own check finds tokens nobody gave a deposit for."""
    cash = funded()
    cash.money.ledger.post(ISSUER_SOURCE, A, 1)

    with pytest.raises(InvariantBroken, match="I2"):
        cash.check_invariants()


@pytest.mark.parametrize("kind", KINDS)
def test_yen_from_nowhere_are_noticed(kind: SettlementMoney) -> None:
    """A hold nobody ordered is found in every kind."""
    cash = funded(kind)
    cash.money.ledger.live_holds.clear()

    with pytest.raises(InvariantBroken):
        cash.check_invariants()


def test_the_clock_of_the_money_counts_business_days() -> None:
    """Friday's successor is Monday; the time of day is Japan's, in any month and at any hour."""
    cash = Cash(money_of())
    for day, second, expected in ((1, 0, 0), (2, 86_399, 86_399), (3, 32_400, 32_400)):
        cash.start_day()
        cash.start_stage(at_jst(MONDAY, second))
        assert cash.at_ns == (day * 86_400 + expected) * 10**9


@pytest.mark.parametrize(
    ("kind", "left"),
    [(SettlementMoney.TRUST_STABLECOIN, 1_000), (SettlementMoney.BANK_TRANSFER, 400)],
)
def test_a_default_tells_what_firms_own_and_what_is_left(kind: SettlementMoney, left: int) -> None:
    """Claims on a bank are worth the recovery; the trust's money is not the issuer's."""
    assert funded(kind).default_issuer() == (1_000, left)


def test_what_returns_after_a_banks_default_stays_tokens() -> None:
    """Nothing is redeemed any more, and nothing is lost track of."""
    cash = funded()

    assert cash.default_issuer() == (1_000, 400)
    cash.return_funds("D-1/1")

    assert (cash.rest.balance(B), cash.money.ledger.balance(B)) == (700, 300)
    assert cash.owned_yen(B) == cash.available_yen(B) == 1_000
    assert cash.owners() == [A, B]
    cash.check_invariants()
