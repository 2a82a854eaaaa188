"""Distributions (分配金) and what deliveries in flight owe for them: record date, payment, claims.

A distribution is declared ahead. At the close of its record date (権利確定日) the register counts
owners in law (settlement/lifecycle/record_dates.py), and every delivery that was due by then and is
not delivered makes a claim, once: the seller, who is paid, owes the buyer what he would have had. A
trade that is due later was agreed without the right and makes none. On the payment date, before the
first stage of settlement, the issuer pays every owner, rounded down to whole yen; the rest is named.

Claims are paid from the payment date on, when the payer has the cash; until then they are tried
again before every stage. A claim ends without payment when its delivery is canceled first; not when that
is because it was bought in, compensated or redeemed, since the buyer then has units or a price without the
right he agreed on. A claim of a redemption stands whatever its delivery became, because that is why it was canceled.

Ordering: distributions as declared, owners by name, claims as they arose. Units: units, whole yen,
prices in 1/100 yen. Cost: owners and open deliveries at a record date; open claims at a stage.
Known limits: the reverse claim of record_dates.py cannot arise, as no delivery settles before it is
due; record dates are business days; no tax.
Source: market claims and record dates as in T2S corporate actions; how locks count is ours.
"""

from collections.abc import Iterable, Mapping
from datetime import date

from market.errors import check
from market.events import DeliveryState, Event, YenMoved
from market.ids import DeliveryId, ParticipantId
from market.message import Record
from market.quantities import SEN_PER_YEN, Sen, Units, Yen, consideration_yen_rounded_down
from market.token_acts import (
    ClaimChanged,
    ClaimState,
    DeclareDistribution,
    DistributionDeclared,
    DistributionPaid,
    RecordDateTaken,
)
from settlement.cash import Cash
from settlement.delivery import Delivery
from settlement.designs.states import LegState, ObligationState
from settlement.lifecycle.record_dates import InFlight, MarketClaims
from settlement.register import Registers


class Distribution(Record):
    """One declared distribution.

    Attributes:
        terms: What was declared.
        owners: Who owned at the close of the record date; None before.
        paid: Whether they were paid.
    """

    terms: DeclareDistribution
    owners: dict[str, int] | None = None
    paid: bool = False


class CashClaim(Record):
    """What one side of a delivery owes the other in cash.

    Attributes:
        due: First day it is paid.
        stands: Whether it outlives its delivery.
    """

    reference: str
    delivery_id: DeliveryId
    payer: ParticipantId
    payee: ParticipantId
    yen: Yen
    due: date
    stands: bool = False
    state: ClaimState = ClaimState.OPEN

    def told(self) -> ClaimChanged:
        """Where it stands now."""
        return ClaimChanged(
            delivery_id=self.delivery_id, payer=self.payer, payee=self.payee,
            amount_yen=self.yen, state=self.state, reference=self.reference,
        )  # fmt: skip


class Distributions:
    """Declared distributions and the claims of deliveries.

    Attributes:
        declared: By reference, in order.
        claims: Every claim there ever was, in order.
    """

    __slots__ = ("_cash", "_deliveries", "_open", "_registers", "claims", "declared")

    def __init__(
        self, cash: Cash, registers: Registers, deliveries: Mapping[DeliveryId, Delivery]
    ) -> None:
        self._cash = cash
        self._registers = registers
        self._deliveries = deliveries
        self.declared: dict[str, Distribution] = {}
        self.claims: list[CashClaim] = []
        self._open: list[CashClaim] = []

    def declare(self, terms: DeclareDistribution) -> Event:
        """Take a distribution down; the caller has checked its terms."""
        check(terms.reference not in self.declared, "I10: declared once", id=terms.reference)
        self.declared[terms.reference] = Distribution(terms)
        return DistributionDeclared(
            instrument_id=terms.instrument_id, price_sen=terms.price_sen,
            record_date=terms.record_date, payment_date=terms.payment_date,
            reference=terms.reference,
        )  # fmt: skip

    # --- the record date

    def close(self, until: date, under_way: Iterable[Delivery]) -> list[Event]:
        """Count owners for every record date up to a day that has not been counted."""
        open_deliveries = list(under_way)
        events: list[Event] = []
        for one in self.declared.values():
            if one.owners is None and one.terms.record_date <= until:
                events += self._count(one, open_deliveries)
        return events

    def _count(self, one: Distribution, under_way: list[Delivery]) -> list[Event]:
        terms = one.terms
        register = self._registers[terms.instrument_id]
        one.owners = register.owners_in_law(terms.record_date.isoformat())
        counted = sum(one.owners.values())
        check(counted == register.in_circulation, "I13: the register sums to what is issued",
              issue=terms.instrument_id, counted=counted)  # fmt: skip
        rules = MarketClaims(terms.record_date, terms.price_sen, SEN_PER_YEN)
        claims = []
        for delivery in under_way:
            if delivery.terms.instrument_id != terms.instrument_id:
                continue
            claim = rules.claim(_in_flight(delivery, terms.record_date))
            if claim is not None:
                payer, payee = ParticipantId(claim.payer), ParticipantId(claim.payee)
                owed = CashClaim(
                    terms.reference,
                    delivery.terms.delivery_id,
                    payer,
                    payee,
                    Yen(claim.yen),
                    terms.payment_date,
                )
                claims.append(self.owe(owed))
        taken = RecordDateTaken(
            instrument_id=terms.instrument_id, record_date=terms.record_date,
            owners=tuple((ParticipantId(name), Units(n)) for name, n in one.owners.items()),
            claims=len(claims), reference=terms.reference,
        )  # fmt: skip
        return [taken, *claims]

    # --- claims

    def owe(self, claim: CashClaim) -> Event:
        """Note what one side of a delivery owes the other."""
        self.claims.append(claim)
        self._open.append(claim)
        return claim.told()

    # --- paying

    def pay(self, today: date) -> list[Event]:
        """Pay every distribution and claim whose day has come; claims as far as there is cash.

        In the money of an issuer that failed nothing is paid.
        """
        events: list[Event] = []
        if self._cash.money.defaulted:
            return events
        for one in self.declared.values():
            if one.owners is not None and not one.paid and one.terms.payment_date <= today:
                events += self._pay_owners(one, one.owners)
        events += self.pay_claims(today)
        return events

    def _pay_owners(self, one: Distribution, owners: Mapping[str, int]) -> list[Event]:
        terms, events, total = one.terms, list[Event](), 0
        paid: list[tuple[ParticipantId, Yen]] = []
        for name, units in owners.items():
            yen = consideration_yen_rounded_down(terms.price_sen, Units(units))
            if yen:
                self._cash.deposit(ParticipantId(name), yen)
                events.append(YenMoved(giver=None, taker=ParticipantId(name), amount_yen=yen))
                paid.append((ParticipantId(name), yen))
                total += yen
        one.paid = True
        rest = sum(owners.values()) * terms.price_sen - total * SEN_PER_YEN
        events.append(
            DistributionPaid(
                instrument_id=terms.instrument_id, amount_yen=Yen(total), rest_sen=Sen(rest),
                reference=terms.reference, owners=tuple(paid),
            )
        )  # fmt: skip
        return events

    def pay_claims(self, today: date) -> list[Event]:
        """Pay the claims that are due, oldest first; drop those whose delivery ended with nothing."""
        events: list[Event] = []
        for claim in self._open:
            if claim.due > today:
                continue
            delivery = self._deliveries[claim.delivery_id]
            gone = delivery.state is DeliveryState.CANCELED and not delivery.ended_in_money
            if gone and not claim.stands:
                claim.state = ClaimState.CANCELED
                events.append(claim.told())
            elif self._cash.rest.can_give(claim.payer, claim.yen):
                self._cash.rest.post(claim.payer, claim.payee, claim.yen)
                claim.state = ClaimState.PAID
                events.append(YenMoved(giver=claim.payer, taker=claim.payee, amount_yen=claim.yen))
                events.append(claim.told())
        self._open = [claim for claim in self._open if claim.state is ClaimState.OPEN]
        return events

    # --- proving

    def check_invariants(self) -> None:
        """Who was paid was counted; open claims are open, one for a delivery. O(claims)."""
        for reference, one in self.declared.items():
            counted = one.owners is not None or not one.paid
            check(counted, "who is paid was counted", reference=reference)
        still = [claim for claim in self.claims if claim.state is ClaimState.OPEN]
        check(still == self._open, "open claims are open", open=len(self._open))
        names = [(claim.reference, claim.delivery_id) for claim in self.claims]
        check(len(names) == len(dict.fromkeys(names)), "a delivery makes one claim of each")

    def state(self) -> list[object]:
        """Canonical content for the digest: distributions. O(distributions and owners)."""
        return [
            [reference, int(one.paid), None if one.owners is None else list(one.owners.items())]
            for reference, one in self.declared.items()
        ]

    def claim_rows(self) -> list[object]:
        """Canonical content for the digest: claims. O(claims)."""
        return [
            [one.reference, one.delivery_id, one.payer, one.yen, one.state.value]
            for one in self.claims
        ]


def _in_flight(delivery: Delivery, record_date: date) -> InFlight:
    """An open delivery as the rules see it; its units are not delivered, locked or not."""
    terms = delivery.terms
    return InFlight(
        obligation_id=str(terms.delivery_id), seller=terms.seller, buyer=terms.buyer,
        units=delivery.open_units, trade_date=min(terms.settlement_date, record_date),
        state=ObligationState.READY, token=LegState.NONE,
        ex_right=terms.settlement_date > record_date,
    )  # fmt: skip
