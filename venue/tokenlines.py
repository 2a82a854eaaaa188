"""Acts on tokens as lines a person reads: a part of venue/timeline.py."""

from market.events import Event
from market.quantities import price_to_text
from market.token_acts import (
    AccountFrozen,
    AccountKeySet,
    DistributionDeclared,
    DistributionPaid,
    HolderRegistered,
    ReceivingSet,
    RecordDateTaken,
    StationSet,
    TransferForced,
    UnitsRedeemed,
)


def token_line(event: Event) -> tuple[str, str, str] | None:
    """Title, what happened and the title in Japanese, or None for what is no act on tokens."""
    match event:
        case StationSet():
            return "station", f"{event.station.value}  {event.reason}", "開閉局"
        case AccountFrozen():
            title = "frozen" if event.frozen else "free again"
            return title, f"{event.participant_id} in {event.instrument_id}", "口座凍結"
        case ReceivingSet():
            word = "receives" if event.receives else "refuses"
            return "receiver", f"{event.participant_id} {word} {event.instrument_id}", "受取"
        case HolderRegistered():
            word = "registered" if event.registered else "not registered"
            said = f"{event.participant_id} {word} in {event.instrument_id}"
            return "holder", said, "個人情報登録"
        case AccountKeySet():
            word = "renewed" if event.public_key_hex else "revoked"
            return (
                "node key" if event.node else "account key",
                f"{event.participant_id} {word}",
                "鍵",
            )
        case TransferForced():
            said = (
                f"{event.instrument_id}  {event.quantity_units:,} units, {event.giver} to "
                f"{event.taker}, {event.ground.value.replace('_', ' ')}"
            )
            return "transfer by law", said, "強制移転"
        case UnitsRedeemed():
            said = (
                f"{event.instrument_id}  {event.quantity_units:,} units for "
                f"{event.amount_yen:,} yen, {event.issued_units:,} left"
            )
            return "redeemed", said, "償還"
        case DistributionDeclared():
            said = (
                f"{event.instrument_id}  {price_to_text(event.price_sen)} yen a unit, record date "
                f"{event.record_date}, paid {event.payment_date}"
            )
            return "distribution", said, "分配金"
        case RecordDateTaken():
            said = f"{event.instrument_id}  {len(event.owners)} owners, {event.claims} claims"
            return "record date", said, "権利確定日"
        case DistributionPaid():
            return "distributed", f"{event.instrument_id}  {event.amount_yen:,} yen", "分配金支払"
    return None
