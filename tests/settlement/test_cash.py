"""Yen: deposits, programmable money against a reserve, and evidence of payment."""

import pytest
from settlement_story import A, B

from market.errors import InvariantBroken
from market.ids import DeliveryId
from market.quantities import Yen
from settlement.cash import RESERVE, Cash, PaymentEvidence
from settlement.ledger import HoldId

LOCK = HoldId("D-1/1")


def evidence(**changes: object) -> PaymentEvidence:
    """Evidence that B paid A 300 yen for the first attempt of delivery 1."""
    fields: dict[str, object] = {
        "delivery_id": 1,
        "version": 1,
        "payer": B,
        "payee": A,
        "amount_yen": 300,
    }
    return PaymentEvidence(**{**fields, **changes})  # type: ignore[arg-type]


def funded() -> Cash:
    """B has 1,000 yen, 300 of them turned into money held for A."""
    cash = Cash()
    cash.deposit(B, Yen(1_000))
    cash.fund(LOCK, payer=B, payee=A, amount_yen=Yen(300))
    return cash


def test_funding_changes_what_is_available_but_not_what_is_owned() -> None:
    """Turning a deposit into programmable money is no change of ownership."""
    cash = funded()

    assert (cash.owned_yen(B), cash.available_yen(B)) == (1_000, 700)
    assert cash.owned_yen(A) == 0
    cash.check_invariants()


def test_the_reserve_backs_the_money_yen_for_yen() -> None:
    """I2: as much money circulates as deposits were given for it."""
    cash = funded()

    assert cash.deposits.balance(RESERVE) == cash.money.in_circulation == 300


def test_returned_funds_are_deposits_again() -> None:
    """A returned hold leaves no programmable money behind."""
    cash = funded()

    cash.return_funds(LOCK)

    assert (cash.deposits.available(B), cash.money.in_circulation) == (1_000, 0)
    cash.check_invariants()


def test_a_payment_is_redeemed_where_it_arrives() -> None:
    """The payee ends with a deposit, and no programmable money is left."""
    cash = funded()

    cash.pay(LOCK, evidence())

    assert (cash.deposits.available(A), cash.deposits.available(B)) == (300, 700)
    assert cash.money.in_circulation == 0
    cash.check_invariants()


def test_funding_beyond_the_deposit_moves_nothing() -> None:
    """The deposit is the limit: 701 of 700 yen cannot be funded."""
    cash = funded()
    before = cash.state()

    with pytest.raises(InvariantBroken, match="I3"):
        cash.fund(HoldId("D-2/1"), payer=B, payee=A, amount_yen=Yen(701))

    assert cash.state() == before


def test_an_attempt_is_funded_once() -> None:
    """I10: the same hold id cannot lock cash twice, not even after it was returned."""
    cash = funded()
    cash.return_funds(LOCK)
    before = cash.state()

    with pytest.raises(InvariantBroken, match="I10"):
        cash.fund(LOCK, payer=B, payee=A, amount_yen=Yen(300))

    assert cash.state() == before


def test_paying_again_gives_the_first_evidence_and_moves_nothing() -> None:
    """I10: same delivery and version, same answer, no effect."""
    cash = funded()
    first = cash.pay(LOCK, evidence())
    before = cash.state()

    assert cash.pay(LOCK, evidence()) is first
    assert cash.state() == before


OTHER_CONTENT = {"payer": A, "payee": B, "amount_yen": 299}


@pytest.mark.parametrize("field", OTHER_CONTENT)
def test_a_payment_that_is_not_what_was_promised_is_refused(field: str) -> None:
    """I24: payer, payee and amount are those of the hold, or nothing is paid."""
    cash = funded()
    before = cash.state()

    with pytest.raises(InvariantBroken, match="I24"):
        cash.pay(LOCK, evidence(**{field: OTHER_CONTENT[field]}))

    assert cash.state() == before


@pytest.mark.parametrize("field", OTHER_CONTENT)
def test_one_payment_has_one_content(field: str) -> None:
    """I10: the same delivery and version with other content is refused loudly."""
    cash = funded()
    cash.pay(LOCK, evidence())

    with pytest.raises(InvariantBroken, match="I10"):
        cash.pay(LOCK, evidence(**{field: OTHER_CONTENT[field]}))


def test_only_recorded_evidence_is_genuine() -> None:
    """The platform's record decides, not the message."""
    cash = funded()
    assert not cash.is_genuine(evidence())

    cash.pay(LOCK, evidence())

    assert cash.is_genuine(evidence())
    changes = {"delivery_id": DeliveryId(2), "version": 2, **OTHER_CONTENT}
    for field, value in changes.items():
        assert not cash.is_genuine(evidence(**{field: value})), field


def test_money_without_backing_is_noticed() -> None:
    """The room's own check finds money nobody gave a deposit for."""
    cash = funded()
    cash.money.post(cash.money.source, A, 1)

    with pytest.raises(InvariantBroken, match="I2"):
        cash.check_invariants()
