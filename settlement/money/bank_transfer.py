"""Bank transfer: ordered today, booked by the next morning's file, matched by the payee.

=======  =====================================================================
verb     what happens
=======  =====================================================================
hold     the amount is set aside in the payer's account; no order yet
pay      takes the order, and sets aside if need be; Pending until the payee has matched it
cancel   frees the amount, and calls the order back (組戻し) until its file has gone out
file     books every order of the days before and gives the payee's file
match    the payee compares a file with what it expects: evidence, or a break
=======  =====================================================================

A remittance that differs in amount, payer or reference, and one that nobody expects, is a break:
the money has moved, but no evidence comes until a person mends it (``repair``). So between the
morning file and the match the payer has paid and cannot prove it: unknown, not no.

A bank's books are the money itself: nothing stands behind a deposit but the bank. Hours and cut-off
are the bank's; an order after the cut-off goes with the file of the open day after the next one.
"""

from collections.abc import Sequence
from enum import StrEnum
from typing import NamedTuple

from market.errors import check
from settlement.keys import KeyRing
from settlement.ledger import HoldId
from settlement.money.hours import BANK_DAY, NS_PER_DAY, Hours
from settlement.money.money import Money, PaymentState
from settlement.money.payment import (
    PaymentAnswer,
    PaymentOrder,
    Pending,
    SignedEvidence,
)
from settlement.refusals import Refusal


class FileRow(NamedTuple):
    """One remittance in a payee's morning file, as the bank or a careless payer wrote it."""

    payment_id: str
    reference: str
    payer: str
    payee: str
    amount_yen: int


class Mismatch(StrEnum):
    """Why a remittance matches nothing, in the order of comparing."""

    REFERENCE = "reference"
    PAYER = "payer"
    AMOUNT = "amount"
    TWICE = "twice"


class Break(NamedTuple):
    """A remittance that waits for a person."""

    row: FileRow
    mismatch: Mismatch


class BankTransfer(Money):
    """Transfers between accounts of one bank system.

    Attributes:
        work_days: Day each order counts for, by id.
        booked: Ids whose file has gone out, with the day of that file.
        under_way: Ids ordered and neither booked nor called back, in order of taking.
        breaks: Remittances that wait for a person, by id.
    """

    kind = "bank_transfer"

    def __init__(
        self, bank: str, keys: KeyRing, hours: Hours = BANK_DAY, recovery_percent: int = 0
    ) -> None:
        super().__init__(bank, keys, hours, recovery_percent=recovery_percent)
        self.work_days: dict[str, int] = {}
        self.booked: dict[str, int] = {}
        self.under_way: dict[str, None] = {}
        self._files: dict[int, list[str]] = {}
        self._counter_yen = 0
        self.breaks: dict[str, Break] = {}

    # --- ordering

    def hold(self, order: PaymentOrder, *, at_ns: int) -> Refusal | None:
        """Set the amount aside; a bank knows no condition."""
        return Refusal.BAD_COMBINATION if order.condition else super().hold(order, at_ns=at_ns)

    def pay(self, order: PaymentOrder, *, at_ns: int, key: bytes = b"") -> PaymentAnswer:
        """Order, or ask how it stands; the key of a condition is not looked at."""
        del key
        payment_id = order.payment_id
        refused = self.hold(order, at_ns=at_ns)
        if refused is not None:
            return refused
        if self.states[payment_id] is PaymentState.CANCELED:
            return Refusal.ALREADY_FINAL
        paid = self.evidence.get(payment_id)
        if paid is not None:
            return paid
        if payment_id not in self.work_days:
            refused = self.entry_refusal(at_ns)
            if refused is not None:
                return refused
            self.work_days[payment_id] = self.hours.work_day(at_ns)
            self.under_way[payment_id] = None
        due = self.hours.next_open_day(self.work_days[payment_id])
        return Pending(payment_id=payment_id, work_day=due)

    def cancel(self, payment_id: str) -> Refusal | None:
        """Free what is set aside; call back an order whose file has not gone out."""
        if payment_id in self.booked:
            return Refusal.ALREADY_FINAL
        self.under_way.pop(payment_id, None)
        return super().cancel(payment_id)

    # --- the next morning

    def run_file(self, day: int) -> list[FileRow]:
        """Book every order of the days before, in order of taking, and write the file.

        The same day again books nothing and writes the same file. A failed bank books nothing.
        """
        if day not in self.hours.closed_days and not self.defaulted:
            for payment_id in [one for one in self.under_way if self.work_days[one] < day]:
                self.ledger.post_hold(HoldId(payment_id))
                self.states[payment_id] = PaymentState.PAID
                self.booked[payment_id] = day
                self._files.setdefault(day, []).append(payment_id)
                del self.under_way[payment_id]
        return [self._row(one) for one in self._files.get(day, ())]

    def match(self, rows: Sequence[FileRow], day: int) -> list[SignedEvidence | Break]:
        """Compare a file with the orders, row by row: what the payee's back office does."""
        told: list[SignedEvidence | Break] = []
        for row in rows:
            mismatch = self._mismatch(row)
            if mismatch is None:
                told.append(self._evidence(row.payment_id, day))
            else:
                waiting = Break(row, mismatch)
                if row.payment_id not in self.evidence:
                    self.breaks[row.payment_id] = waiting
                told.append(waiting)
        return told

    def repair(self, payment_id: str, day: int) -> SignedEvidence | Refusal:
        """A person has found out what a remittance was for."""
        if payment_id not in self.breaks or payment_id not in self.booked:
            return self.evidence.get(payment_id, Refusal.NOT_VISIBLE)
        del self.breaks[payment_id]
        return self._evidence(payment_id, day)

    def _row(self, payment_id: str) -> FileRow:
        order = self.orders[payment_id]
        return FileRow(payment_id, order.obligation_id, order.payer, order.payee, order.amount_yen)

    def _mismatch(self, row: FileRow) -> Mismatch | None:
        order = self.orders.get(row.payment_id)
        if order is None or row.payment_id not in self.booked:
            return Mismatch.REFERENCE
        if row.reference != order.obligation_id:
            return Mismatch.REFERENCE
        if (row.payer, row.payee) != (order.payer, order.payee):
            return Mismatch.PAYER
        if row.amount_yen != order.amount_yen:
            return Mismatch.AMOUNT
        return Mismatch.TWICE if row.payment_id in self.evidence else None

    def _evidence(self, payment_id: str, day: int) -> SignedEvidence:
        self.breaks.pop(payment_id, None)
        return self._prove(self.orders[payment_id], day * NS_PER_DAY)

    # --- a bank's books

    def pay_in(self, owner: str, amount_yen: int) -> None:
        """Cash comes to the bank."""
        super().pay_in(owner, amount_yen)
        self._counter_yen += amount_yen

    def pay_out(self, owner: str, amount_yen: int) -> None:
        """Cash leaves the bank."""
        super().pay_out(owner, amount_yen)
        self._counter_yen -= amount_yen

    def _can_back(self, _owner: str, _amount_yen: int) -> bool:
        """Cash is brought to the counter; the bank counts what arrives."""
        return True

    def _back(self, _owner: str, _amount_yen: int) -> None:
        """Nothing stands behind a deposit."""

    def _give_back(self, _owner: str, _amount_yen: int) -> None:
        """The cash leaves the bank."""

    def backing_yen(self) -> int:
        """A deposit is its own backing."""
        return self.ledger.in_circulation

    def _check_backing(self) -> None:
        flows = self._flows.values()
        put_in = sum(yen if way == "fund" else -yen for way, _, yen in flows) + self._counter_yen
        held_yen = self.ledger.in_circulation
        check(put_in == held_yen, "I2: yen are conserved", put_in=put_in, held=held_yen)

    def check_invariants(self) -> None:
        """Books balance; holds are open orders; evidence is of booked orders. O(orders)."""
        self.check_books()
        held = [one for one, state in self.states.items() if state is PaymentState.HELD]
        same = sorted(held) == sorted(self.ledger.live_holds)
        check(same, "I6: each hold is an open order", kind=self.kind)
        for payment_id in self.evidence:
            check(payment_id in self.booked, "I17: evidence is of a booked order", id=payment_id)

    def state(self) -> dict[str, object]:
        """Canonical content for the digest; orders under way with the day they count for."""
        under_way = {one: self.work_days[one] for one in sorted(self.under_way)}
        return {**super().state(), "under_way": under_way, "breaks": sorted(self.breaks)}
