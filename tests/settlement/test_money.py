"""Three kinds of money behind one interface: what they share, and what sets them apart."""

from collections.abc import Callable
from hashlib import sha256
from typing import Any

import msgspec
import pytest

from settlement.keys import KeyRing
from settlement.money.bank_transfer import BankTransfer, Break, Mismatch
from settlement.money.hours import BANK_DAY, NS_PER_DAY, NS_PER_MINUTE, Hours
from settlement.money.money import Money, PaymentState
from settlement.money.payment import PaymentOrder, Pending, SignedEvidence, is_signed_by
from settlement.money.tokenised_deposit import TokenisedDeposit
from settlement.money.trust_stablecoin import TrustStablecoin
from settlement.refusals import Refusal

DAY = 20
NOON = DAY * NS_PER_DAY + 720 * NS_PER_MINUTE
KEY = b"key"
CONDITION = sha256(KEY).hexdigest()


def deposit() -> TokenisedDeposit:
    """P has 1,000 yen of tokens and 500 more in its deposit."""
    money = TokenisedDeposit("bank", KeyRing("seed", signing=True), Hours(closed_days=(DAY + 1,)))
    money.pay_in("P", 1_500)
    return money


def coin() -> TrustStablecoin:
    """P has 1,000 yen of coins."""
    return TrustStablecoin("coin", KeyRing("seed", signing=True), Hours(closed_days=(DAY + 1,)))


def transfer() -> BankTransfer:
    """P has 1,000 yen at the bank; the next day is a holiday."""
    hours = msgspec.structs.replace(BANK_DAY, closed_days=(DAY + 1,))
    return BankTransfer("bank", KeyRing("seed", signing=True), hours)


KINDS: dict[str, Callable[[], Money]] = {"deposit": deposit, "coin": coin, "transfer": transfer}
PROGRAMMABLE = ("deposit", "coin")


def funded(kind: str) -> Any:
    """P has 1,000 yen of this money."""
    money = KINDS[kind]()
    assert money.fund("F-1", "P", 1_000, at_ns=NOON) is None
    money.check_invariants()
    return money


def order(**more: Any) -> PaymentOrder:
    """P pays Q 300 yen for the first attempt of O-1."""
    fields: dict[str, Any] = {
        "payment_id": "M-1", "obligation_id": "O-1", "version": 1, "payer": "P", "payee": "Q",
        "amount_yen": 300,
    }  # fmt: skip
    return PaymentOrder(**fields | more)


def no(money: Money, verb: Any, *words: Any, **more: Any) -> Refusal:
    """It was refused and nothing moved."""
    before = (money.state(), dict(money.orders), dict(money.evidence))
    answer = verb(*words, **more)
    assert isinstance(answer, Refusal)
    assert (money.state(), dict(money.orders), dict(money.evidence)) == before
    money.check_invariants()
    return answer


REFUSED: dict[str, tuple[Refusal, dict[str, Any], int]] = {
    "no id": (Refusal.BAD_IDENTIFIER, {"payment_id": ""}, NOON),
    "no obligation": (Refusal.BAD_IDENTIFIER, {"obligation_id": ""}, NOON),
    "no attempt": (Refusal.BAD_IDENTIFIER, {"version": 0}, NOON),
    "nothing": (Refusal.BAD_AMOUNT, {"amount_yen": 0}, NOON),
    "less than nothing": (Refusal.BAD_AMOUNT, {"amount_yen": -1}, NOON),
    "I15: a name as id": (Refusal.BAD_IDENTIFIER, {"payment_id": "\u5c71\u7530"}, NOON),
    "I15: a name as reference": (Refusal.BAD_IDENTIFIER, {"obligation_id": "a b"}, NOON),
    "I15: a name as payee": (Refusal.BAD_IDENTIFIER, {"payee": "a@b.example"}, NOON),
    "I1: the issuer's own side pays": (Refusal.NOT_VISIBLE, {"payer": "issued"}, NOON),
    "I1: the issuer's own side is paid": (Refusal.NOT_VISIBLE, {"payee": "issued"}, NOON),
    "the world outside is paid": (Refusal.NOT_VISIBLE, {"payee": "outside"}, NOON),
    "the reserve pays": (Refusal.NOT_VISIBLE, {"payer": "reserve"}, NOON),
    "the trust pays": (Refusal.NOT_VISIBLE, {"payer": "trust"}, NOON),
    "half a yen": (Refusal.BAD_AMOUNT, {"amount_yen": 1.5}, NOON),
    "a truth value": (Refusal.BAD_AMOUNT, {"amount_yen": True}, NOON),
    "a condition no key fits": (Refusal.BAD_COMBINATION, {"condition": "zz"}, NOON),
    "to oneself": (Refusal.SAME_ACCOUNT, {"payee": "P"}, NOON),
    "a holiday": (Refusal.OUTSIDE_HOURS, {}, NOON + NS_PER_DAY),
    "I3: a yen too many": (Refusal.INSUFFICIENT, {"amount_yen": 1_001}, NOON),
    "I3: a stranger's": (Refusal.INSUFFICIENT, {"payer": "Z"}, NOON),
}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("case", REFUSED)
def test_a_refused_order_has_one_code_and_moves_nothing(kind: str, case: str) -> None:
    """Every kind answers a bad order alike, held or paid at once."""
    expected, more, at_ns = REFUSED[case]
    money = funded(kind)

    assert no(money, money.hold, order(**more), at_ns=at_ns) is expected
    assert no(money, money.pay, order(**more), at_ns=at_ns) is expected


@pytest.mark.parametrize("kind", KINDS)
def test_an_id_has_one_content_and_one_effect(kind: str) -> None:
    """I10: the same order again moves nothing more; other content is refused, open or closed."""
    money = funded(kind)
    assert money.hold(order(), at_ns=NOON) is None
    before = money.state()
    assert money.hold(order(), at_ns=NOON) is None
    assert money.state() == before

    for other in (
        order(amount_yen=1),
        order(payee="R"),
        order(version=2),
        order(obligation_id="X"),
    ):
        assert no(money, money.hold, other, at_ns=NOON) is Refusal.ID_CONFLICT
        assert no(money, money.pay, other, at_ns=NOON) is Refusal.ID_CONFLICT

    assert money.cancel("M-1") is None
    after = money.state()
    assert money.cancel("M-1") is None
    assert money.state() == after
    assert no(money, money.pay, order(), at_ns=NOON) is Refusal.ALREADY_FINAL
    assert no(money, money.cancel, "none") is Refusal.NOT_VISIBLE


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    ("flow_id", "owner", "amount_yen", "expected"),
    [
        ("F-9", "issued", 1, Refusal.NOT_VISIBLE),
        ("F-9", "outside", 1, Refusal.NOT_VISIBLE),
        ("F-9", "reserve", 1, Refusal.NOT_VISIBLE),
        ("F-9", "trust", 1, Refusal.NOT_VISIBLE),
        ("", "P", 1, Refusal.BAD_IDENTIFIER),
        ("F 9", "P", 1, Refusal.BAD_IDENTIFIER),
        ("F-9", "\u5c71\u7530", 1, Refusal.BAD_IDENTIFIER),
        ("F-9", "P", 1.5, Refusal.BAD_AMOUNT),
        ("F-9", "P", True, Refusal.BAD_AMOUNT),
        ("F-9", "P", -1, Refusal.BAD_AMOUNT),
    ],
)
def test_a_refused_flow_has_one_code_and_moves_nothing(
    kind: str, flow_id: str, owner: str, amount_yen: Any, expected: Refusal
) -> None:
    """Nobody funds or redeems in the money's own names, in fractions or in a person's name."""
    money = funded(kind)

    assert no(money, money.fund, flow_id, owner, amount_yen, at_ns=NOON) is expected
    assert no(money, money.redeem, flow_id, owner, amount_yen, at_ns=NOON) is expected
    assert money.fund("F-9", "P", 1, at_ns=NOON) is None  # the id was not used up


@pytest.mark.parametrize("kind", KINDS)
def test_funding_and_redemption_happen_once_for_each_id(kind: str) -> None:
    """I2, I10: repeated flows move nothing; what is held cannot be redeemed."""
    money = funded(kind)
    assert money.fund("F-1", "P", 1_000, at_ns=NOON) is None
    assert money.ledger.balance("P") == 1_000
    assert no(money, money.fund, "F-1", "P", 999, at_ns=NOON) is Refusal.ID_CONFLICT
    assert no(money, money.fund, "F-2", "P", 0, at_ns=NOON) is Refusal.BAD_AMOUNT
    money.hold(order(), at_ns=NOON)

    assert no(money, money.redeem, "F-3", "P", 701, at_ns=NOON) is Refusal.INSUFFICIENT
    assert money.redeem("F-3", "P", 700, at_ns=NOON) is None
    assert money.redeem("F-3", "P", 700, at_ns=NOON) is None
    assert (money.ledger.balance("P"), money.ledger.available("P")) == (300, 0)
    money.check_invariants()


@pytest.mark.parametrize("kind", KINDS)
def test_a_default_stops_orders_and_never_the_return(kind: str) -> None:
    """No new order and no payment after the issuer's default; a hold still goes back (I20)."""
    money = funded(kind)
    money.hold(order(), at_ns=NOON)
    money.defaulted = True

    answer = no(money, money.hold, order(payment_id="M-2"), at_ns=NOON)
    assert answer is Refusal.ISSUER_DEFAULTED
    assert no(money, money.fund, "F-9", "P", 1, at_ns=NOON) is Refusal.ISSUER_DEFAULTED
    assert money.cancel("M-1") is None
    assert money.ledger.available("P") == 1_000


@pytest.mark.parametrize("kind", PROGRAMMABLE)
def test_a_payment_is_final_with_its_evidence(kind: str) -> None:
    """Paid at once or from a hold; paid again gives the first evidence; nothing takes it back."""
    money = funded(kind)
    paid = money.pay(order(), at_ns=NOON)

    assert isinstance(paid, SignedEvidence)
    assert (money.ledger.balance("P"), money.ledger.balance("Q")) == (700, 300)
    assert money.pay(order(), at_ns=NOON + 9) == paid
    assert money.ledger.balance("Q") == 300
    assert no(money, money.cancel, "M-1") is Refusal.ALREADY_FINAL
    assert money.states["M-1"] is PaymentState.PAID
    money.check_invariants()


@pytest.mark.parametrize("kind", PROGRAMMABLE)
@pytest.mark.parametrize(
    "change",
    ["payment_id", "obligation_id", "version", "payer", "payee", "amount_yen", "condition"],
)
def test_evidence_is_bound_to_every_term(kind: str, change: str) -> None:
    """I24: evidence with one field changed is neither signed nor on record."""
    money = funded(kind)
    paid = money.pay(order(), at_ns=NOON)
    assert isinstance(paid, SignedEvidence)
    assert money.is_genuine(paid)
    value = 2 if change in {"version", "amount_yen"} else "other"

    forged = msgspec.structs.replace(
        paid, order=msgspec.structs.replace(paid.order, **{change: value})
    )

    assert not is_signed_by(money.keys, money.issuer, forged)
    assert not money.is_genuine(forged)
    later = msgspec.structs.replace(paid, paid_at_ns=NOON + 1)
    other_money = msgspec.structs.replace(paid, money="bank_transfer")
    assert not money.is_genuine(later)
    assert not is_signed_by(money.keys, money.issuer, other_money)
    assert not is_signed_by(money.keys, "somebody", paid)


@pytest.mark.parametrize("kind", PROGRAMMABLE)
def test_a_conditional_payment_needs_its_key(kind: str) -> None:
    """A wrong key and none move nothing; the right one pays."""
    money = funded(kind)
    conditional = order(condition=CONDITION)
    money.hold(conditional, at_ns=NOON)

    assert no(money, money.pay, conditional, at_ns=NOON) is Refusal.TERMS_MISMATCH
    assert no(money, money.pay, conditional, at_ns=NOON, key=b"x") is Refusal.TERMS_MISMATCH
    assert isinstance(money.pay(conditional, at_ns=NOON, key=KEY), SignedEvidence)


def test_a_banks_default_hits_its_tokens_and_a_trusts_does_not() -> None:
    """Tokens are the bank's debt; coins are redeemed at par by the trustee."""
    tokens, coins = funded("deposit"), funded("coin")
    tokens.recovery_percent = 33
    for money in (tokens, coins):
        money.defaulted = True

    assert no(tokens, tokens.redeem, "F-2", "P", 1, at_ns=NOON) is Refusal.ISSUER_DEFAULTED
    assert tokens.worth_yen("P") == 330
    assert coins.worth_yen("P") == 1_000
    assert coins.redeem("F-2", "P", 1_000, at_ns=NOON) is None
    assert coins.backing_yen() == 0
    coins.check_invariants()


def test_tokens_are_issued_against_a_deposit_yen_for_yen() -> None:
    """I2: no token without a deposit; redeeming gives the deposit back."""
    tokens = funded("deposit")

    assert no(tokens, tokens.fund, "F-2", "P", 501, at_ns=NOON) is Refusal.INSUFFICIENT
    assert tokens.fund("F-2", "P", 500, at_ns=NOON) is None
    assert tokens.redeem("F-3", "P", 1_500, at_ns=NOON) is None
    assert (tokens.backing.balance("P"), tokens.backing_yen()) == (1_500, 0)


HOURS = {
    "before opening": (510 * NS_PER_MINUTE - 1, False),
    "at opening": (510 * NS_PER_MINUTE, True),
    "before closing": (930 * NS_PER_MINUTE - 1, True),
    "at closing": (930 * NS_PER_MINUTE, False),
}


@pytest.mark.parametrize("name", HOURS)
def test_a_bank_takes_orders_in_its_hours(name: str) -> None:
    """From the opening until before the closing, to the nanosecond."""
    time_ns, taken = HOURS[name]
    money = funded("transfer")

    answer = money.hold(order(), at_ns=DAY * NS_PER_DAY + time_ns)

    assert (answer is None) is taken
    assert taken or answer is Refusal.OUTSIDE_HOURS


@pytest.mark.parametrize(("before_cut_off_ns", "due"), [(1, DAY + 2), (0, DAY + 3)])
def test_an_order_at_the_cut_off_goes_a_day_later(before_cut_off_ns: int, due: int) -> None:
    """A tick before: the next open day's file; at the cut-off: the one after. Holidays are none."""
    money = funded("transfer")
    at_ns = DAY * NS_PER_DAY + 900 * NS_PER_MINUTE - before_cut_off_ns

    answer = money.pay(order(), at_ns=at_ns)

    assert answer == Pending(payment_id="M-1", work_day=due)
    files = {day: money.run_file(day) for day in range(DAY, DAY + 5)}
    assert [day for day, rows in files.items() if rows] == [due]


def ordered() -> BankTransfer:
    """A transfer that is booked by the file of DAY + 2."""
    money: BankTransfer = funded("transfer")
    assert isinstance(money.pay(order(), at_ns=NOON), Pending)
    return money


def test_a_transfer_is_paid_when_the_payee_has_matched_the_morning_file() -> None:
    """Unknown is not no: pending until the match, then evidence, the same whenever asked."""
    money = ordered()
    assert money.ledger.balance("Q") == 0
    rows = money.run_file(DAY + 2)
    assert money.run_file(DAY + 2) == rows, "the same file again books nothing"
    assert money.ledger.balance("Q") == 300
    assert isinstance(money.pay(order(), at_ns=NOON), Pending)
    assert money.cancel("M-1") is Refusal.ALREADY_FINAL

    (paid,) = money.match(rows, DAY + 2)

    assert isinstance(paid, SignedEvidence)
    assert money.is_genuine(paid)
    assert money.pay(order(), at_ns=NOON) == paid
    assert money.match(rows, DAY + 2) == [Break(rows[0], Mismatch.TWICE)]
    assert money.breaks == {}
    money.check_invariants()


def test_an_order_is_called_back_until_its_file() -> None:
    """Before the file the amount returns whole, and the file does not have it."""
    money = ordered()

    assert money.cancel("M-1") is None

    assert money.run_file(DAY + 2) == []
    assert money.ledger.available("P") == 1_000


MISMATCHES: dict[str, tuple[dict[str, Any], Mismatch]] = {
    "a reference of another": ({"reference": "O-2"}, Mismatch.REFERENCE),
    "an id nobody ordered": ({"payment_id": "M-9"}, Mismatch.REFERENCE),
    "another payer": ({"payer": "R"}, Mismatch.PAYER),
    "another payee": ({"payee": "R"}, Mismatch.PAYER),
    "a fee taken off": ({"amount_yen": 299}, Mismatch.AMOUNT),
}


@pytest.mark.parametrize("case", MISMATCHES)
def test_a_remittance_that_differs_is_a_break_until_a_person_mends_it(case: str) -> None:
    """The money has moved; no evidence comes from a row that does not match."""
    change, mismatch = MISMATCHES[case]
    money = ordered()
    (row,) = money.run_file(DAY + 2)

    (told,) = money.match([row._replace(**change)], DAY + 2)

    assert told == Break(row._replace(**change), mismatch)
    assert isinstance(money.pay(order(), at_ns=NOON), Pending)
    mended = money.repair("M-1", DAY + 3)
    if "payment_id" in change:
        assert mended is Refusal.NOT_VISIBLE
    else:
        assert isinstance(mended, SignedEvidence)
        assert money.repair("M-1", DAY + 4) == mended
    money.check_invariants()


def test_a_bank_knows_no_condition_and_a_failed_one_books_nothing() -> None:
    """A conditional transfer is refused; after a default the file is empty, the order returns."""
    money = ordered()
    conditional = order(payment_id="M-2", condition=CONDITION)
    assert no(money, money.hold, conditional, at_ns=NOON) is Refusal.BAD_COMBINATION
    money.defaulted = True

    assert money.run_file(DAY + 2) == []
    assert money.cancel("M-1") is None
    assert money.worth_yen("P") == 0
