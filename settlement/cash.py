"""The yen side as deliveries see it: one kind of money, its clock, and its answers as fail reasons.

The money itself is settlement/money/: where firms' yen rest, what is held, what was paid and its
signed evidence. Here a delivery's payment is one order, the attempt's hold id its payment id, and a
refusal of the money is the reason the delivery waits.

=================  ====================  =====================  ==============================
stage of a         tokenised deposit     trust stablecoin       bank transfer
delivery's day
=================  ====================  =====================  ==============================
provisional        –                     –                      the morning's file is read and
                                                                matched: what it books is paid
funding            tokens issued against coins at rest held     amount set aside in the
                   the deposit, held                            payer's account
payment            paid with evidence,   paid with evidence     ordered: pending, neither paid
                   redeemed at the payee                        nor refused
cut-off            what is held returns  what is held returns   what is ordered stays, all
                                                                else returns
=================  ====================  =====================  ==============================

After the issuer's default nothing is funded or paid, and at the cut-off all that is held returns,
orders under way too. Outside the money's hours nothing is funded or paid; a hold returns at any hour.

The money's clock counts the venue's business days, so that every day of it is open: day times 24
hours plus the time of day in Japan. Evidence carries that time.

Cost: O(1) a verb, plus the signature. Errors: InvariantBroken when a verb is called that should
not be. Known limits: one issuer, whole yen, no interest, no fees; buying power counts a failed
issuer's money at par.
"""

from typing import Final

from market.errors import InvariantBroken, check
from market.quantities import Yen
from market.reasons import FailReason
from settlement.delivery import Delivery
from settlement.ledger import Ledger
from settlement.money.bank_transfer import BankTransfer
from settlement.money.hours import NS_PER_DAY, NS_PER_MINUTE
from settlement.money.money import Money, PaymentState
from settlement.money.payment import INSIDE, PaymentOrder, Pending, SignedEvidence
from settlement.refusals import Refusal

_JST_NS: Final = 9 * 60 * NS_PER_MINUTE
_NS_PER_S: Final = 1_000_000_000
_WAITS: Final = {
    Refusal.OUTSIDE_HOURS: FailReason.MONEY_CLOSED,
    Refusal.ISSUER_DEFAULTED: FailReason.ISSUER_DEFAULTED,
    Refusal.INSUFFICIENT: FailReason.BUYER_SHORT_OF_CASH,
}


def order_for(delivery: Delivery) -> PaymentOrder:
    """The payment that releases the units of this attempt."""
    terms = delivery.terms
    return PaymentOrder(
        payment_id=delivery.hold_id,
        obligation_id=f"D-{terms.delivery_id}",
        version=delivery.attempt,
        payer=terms.buyer,
        payee=terms.seller,
        amount_yen=delivery.moving_yen,
    )


class Cash:
    """Yen of every firm, in one kind of money.

    Attributes:
        money: The kind.
        rest: Where firms' yen rest between payments.
        day: Business days begun, the day of the money's clock.
        at_ns: The money's clock.
        closed: Why the money takes no order now, or None.
    """

    __slots__ = ("_under_way", "at_ns", "closed", "day", "money", "rest")

    def __init__(self, money: Money) -> None:
        self.money = money
        self.rest: Ledger = money.rest
        self._under_way = money.under_way if isinstance(money, BankTransfer) else {}
        self.day = 0
        self.at_ns = 0
        self.closed: FailReason | None = None

    # --- time

    def start_day(self) -> None:
        """A business day begins."""
        self.day += 1

    def start_stage(self, market_ns: int) -> None:
        """A stage runs at this market time (UTC): the money is open or closed for all of it."""
        self.at_ns = self.day * NS_PER_DAY + (market_ns + _JST_NS) % NS_PER_DAY
        self._look()

    @property
    def second_of_day(self) -> int:
        """Seconds after midnight in Japan, by the clock of the stage that runs."""
        return self.at_ns % NS_PER_DAY // _NS_PER_S

    def read_morning_file(self) -> None:
        """A bank books the orders of earlier days; the payees match its file, row by row."""
        if isinstance(self.money, BankTransfer):
            told = self.money.match(self.money.run_file(self.day), self.day)
            clean = not self.money.breaks
            check(clean, "a bank of the venue books what was ordered", rows=len(told))

    def default_issuer(self) -> tuple[Yen, Yen]:
        """The issuer fails, for good.

        Returns:
            What firms own in this money, and what they will get for it. O(accounts).
        """
        self.money.defaulted = True
        self._look()
        owned_yen = [self.owned_yen(owner) for owner in self.owners()]
        percent = self.money.recovery_percent
        return Yen(sum(owned_yen)), Yen(sum(yen * percent // 100 for yen in owned_yen))

    def _look(self) -> None:
        refused = self.money.entry_refusal(self.at_ns)
        self.closed = None if refused is None else _WAITS[refused]

    # --- reading

    def owned_yen(self, owner: str) -> Yen:
        """All money of ``owner``, held or not."""
        money, rest = self.money.ledger, self.rest
        return Yen(rest.balance(owner) + (0 if money is rest else money.balance(owner)))

    def available_yen(self, owner: str) -> Yen:
        """What ``owner`` may pay, fund or withdraw now."""
        money, rest = self.money.ledger, self.rest
        return Yen(rest.available(owner) + (0 if money is rest else money.available(owner)))

    def owners(self) -> list[str]:
        """Everyone who ever had an account, by name. O(accounts log accounts)."""
        return sorted({*self.rest.accounts, *self.money.ledger.accounts} - INSIDE)

    def is_under_way(self, delivery: Delivery) -> bool:
        """Whether its payment was ordered and is neither paid nor refused: unknown is not no."""
        return bool(self._under_way) and delivery.hold_id in self._under_way

    def is_genuine(self, evidence: SignedEvidence) -> bool:
        """Whether the issuer signed it and its own record says the same."""
        return self.money.is_genuine(evidence)

    def evidence_of(self, payment_id: str) -> SignedEvidence | None:
        """What was given for a payment, if it was paid."""
        return self.money.evidence.get(payment_id)

    # --- in and out

    def deposit(self, owner: str, amount_yen: Yen) -> None:
        """Take cash in from outside."""
        self.money.pay_in(owner, amount_yen)

    def withdraw(self, owner: str, amount_yen: Yen) -> None:
        """Pay cash out; the caller has checked that it is available and that the money pays out."""
        self.money.pay_out(owner, amount_yen)

    # --- a delivery's payment

    def fund(self, order: PaymentOrder) -> FailReason | None:
        """Hold the payer's yen for the payee, or say why not, and nothing moved."""
        refused = self.money.fund_hold(order, at_ns=self.at_ns)
        return None if refused is None else _reason(refused, order)

    def pay(self, order: PaymentOrder) -> SignedEvidence | FailReason:
        """Pay what is held, let it rest with the payee, and give the issuer's evidence.

        Again: the first evidence, and nothing moves. PAYMENT_PENDING: ordered, and the answer
        comes with a morning's file.
        """
        state = self.money.states.get(order.payment_id)
        check(state is not None, "only what is funded is paid", payment=order.payment_id)
        answer = self.money.pay(order, at_ns=self.at_ns)
        if isinstance(answer, Pending):
            return FailReason.PAYMENT_PENDING
        if isinstance(answer, Refusal):
            return _reason(answer, order)
        if state is PaymentState.HELD:
            self.money.redeem_paid(order)
        return answer

    def return_funds(self, payment_id: str) -> None:
        """Void what is held, or call back what was ordered; it rests with the payer again."""
        self.money.give_back(payment_id)

    # --- proving

    def check_invariants(self) -> None:
        """The money's books balance and are backed. O(accounts + holds)."""
        self.money.check_books()
        ledger = self.money.ledger
        if ledger is not self.rest and not self.money.defaulted:
            held = sum(hold.amount for hold in ledger.live_holds.values())
            issued = ledger.in_circulation
            check(held == issued, "tokens exist only on hold", held=held, issued=issued)

    def state(self) -> dict[str, object]:
        """Canonical content for the digest."""
        money = self.money
        return {
            "kind": money.kind,
            "backing": money.backing.state(),
            "money": money.ledger.state(),
            "orders": len(money.orders),
            "payments": len(money.evidence),
            "under_way": list(self._under_way),
            "defaulted": int(money.defaulted),
            "day": self.day,
        }


def _reason(refused: Refusal, order: PaymentOrder) -> FailReason:
    reason = _WAITS.get(refused)
    if reason is None:
        what: dict[str, object] = {"refused": refused.value, "payment": order.payment_id}
        raise InvariantBroken("I24, I10: a delivery asks for what was agreed, once", what)
    return reason
