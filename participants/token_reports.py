"""Who hears what of acts on tokens: one event to the firms it concerns, each told only its own.

| event | who hears | what |
|---|---|---|
| StationSet, TransferControlSet, DistributionDeclared, IssuerDefaulted | every firm | the act, which is public |
| AccountFrozen, ReceivingSet, HolderRegistered, AccountKeySet | the firm | the act |
| UnitsMoved from the unissued rest | the taker | its units |
| TransferForced | giver and taker | their units and which of the two they are, not who the other is |
| UnitsRedeemed, RecordDateTaken, DistributionPaid | each holder | its own units and yen, never the others' |
| ClaimChanged | payer and payee | the delivery, the yen, and where the claim stands |

Invariants: a firm reads of no other firm's holdings, keys or freezes; no free text of the operator is
passed on, as it may be personal (I15): references are opaque ids. Ordering: firms in the event's order.
Cost: O(firms told). Errors: none.
"""

from collections.abc import Callable
from typing import Any, Final, NamedTuple

from market.events import Event, IssuerDefaulted, TransferControlSet, UnitsMoved
from market.ids import ParticipantId, delivery_id_to_text
from market.quantities import price_to_text
from market.token_acts import (
    AccountFrozen,
    AccountKeySet,
    ClaimChanged,
    DistributionDeclared,
    DistributionPaid,
    HolderRegistered,
    ReceivingSet,
    RecordDateTaken,
    StationSet,
    TransferForced,
    TransferGround,
    UnitsRedeemed,
)
from participants.report_schemas import TokenData


class News(NamedTuple):
    """One report; ``firm`` None is every firm."""

    firm: ParticipantId | None
    data: TokenData


def _station(event: StationSet) -> list[News]:
    return [News(None, TokenData(what="station", state=event.station.value))]


def _control(event: TransferControlSet) -> list[News]:
    data = TokenData(what="control", instrument_id=event.instrument_id, executable=event.executable)
    return [News(None, data)]


def _issuer(event: IssuerDefaulted) -> list[News]:
    return [News(None, TokenData(what="issuer_default", state=event.money.value))]


def _declared(event: DistributionDeclared) -> list[News]:
    data = TokenData(
        what="distribution",
        instrument_id=event.instrument_id,
        reference=event.reference,
        price=price_to_text(event.price_sen),
        record_date=event.record_date.isoformat(),
        payment_date=event.payment_date.isoformat(),
    )
    return [News(None, data)]


def _frozen(event: AccountFrozen) -> list[News]:
    what = "freeze" if event.frozen else "unfreeze"
    return [News(event.participant_id, TokenData(what=what, instrument_id=event.instrument_id))]


def _receiving(event: ReceivingSet) -> list[News]:
    what = "receive" if event.receives else "refuse_receipt"
    return [News(event.participant_id, TokenData(what=what, instrument_id=event.instrument_id))]


def _registered(event: HolderRegistered) -> list[News]:
    what = "register_holder" if event.registered else "forget_holder"
    return [News(event.participant_id, TokenData(what=what, instrument_id=event.instrument_id))]


def _key(event: AccountKeySet) -> list[News]:
    act = "renew" if event.public_key_hex else "revoke"
    data = TokenData(
        what=f"{act}_node_key" if event.node else f"{act}_key",
        key_version=event.version,
        public_key=event.public_key_hex or None,
    )
    return [News(event.participant_id, data)]


def _allotted(event: UnitsMoved) -> list[News]:
    if event.giver is not None or event.taker is None:
        return []
    data = TokenData(
        what="allot", instrument_id=event.instrument_id, quantity_units=event.quantity_units
    )
    return [News(event.taker, data)]


def _forced(event: TransferForced) -> list[News]:
    succession = event.ground is TransferGround.SUCCESSION
    return [
        News(
            firm,
            TokenData(
                what="succession" if succession else "forced_transfer",
                instrument_id=event.instrument_id,
                role=role,
                quantity_units=event.quantity_units,
                reference=event.reference,
            ),
        )
        for firm, role in ((event.giver, "giver"), (event.taker, "taker"))
    ]


def _redeemed(event: UnitsRedeemed) -> list[News]:
    return [
        News(
            firm,
            TokenData(
                what="redeem",
                instrument_id=event.instrument_id,
                quantity_units=units,
                amount_yen=yen,
                reference=event.reference,
            ),
        )
        for firm, units, yen in event.holders
    ]


def _record_date(event: RecordDateTaken) -> list[News]:
    return [
        News(
            firm,
            TokenData(
                what="record_date",
                instrument_id=event.instrument_id,
                quantity_units=units,
                record_date=event.record_date.isoformat(),
                reference=event.reference,
            ),
        )
        for firm, units in event.owners
    ]


def _paid(event: DistributionPaid) -> list[News]:
    return [
        News(
            firm,
            TokenData(
                what="distribution_paid",
                instrument_id=event.instrument_id,
                amount_yen=yen,
                reference=event.reference,
            ),
        )
        for firm, yen in event.owners
    ]


def _claim(event: ClaimChanged) -> list[News]:
    return [
        News(
            firm,
            TokenData(
                what="claim",
                delivery_id=delivery_id_to_text(event.delivery_id),
                role=role,
                state=event.state.value,
                amount_yen=event.amount_yen,
                reference=event.reference,
            ),
        )
        for firm, role in ((event.payer, "payer"), (event.payee, "payee"))
    ]


NEWS_OF: Final[dict[type[Event], Callable[[Any], list[News]]]] = {
    StationSet: _station,
    TransferControlSet: _control,
    IssuerDefaulted: _issuer,
    DistributionDeclared: _declared,
    AccountFrozen: _frozen,
    ReceivingSet: _receiving,
    HolderRegistered: _registered,
    AccountKeySet: _key,
    UnitsMoved: _allotted,
    TransferForced: _forced,
    UnitsRedeemed: _redeemed,
    RecordDateTaken: _record_date,
    DistributionPaid: _paid,
    ClaimChanged: _claim,
}
"""Every act on tokens, and how it is told."""
