"""The operator's words for acts on tokens: a part of venue/actfile.py, one table.

    act                 cells
    station             state, reason: open, closing, closed, batch, opening, emergency
    freeze, unfreeze    instrument, participant, reason
    receive, refuse_receipt        the same: what comes in for the firm
    register_holder, forget_holder the same: does the issuer have its personal information?
    renew_key, renew_node_key      participant, from, until, reason: first and last business date
    revoke_key, revoke_node_key    participant, reason
    allot               instrument, participant, units, reference
    forced_transfer, succession    instrument, participant (gives), taker, units, reference, reason
    redeem              instrument, participant, units, price (yen a unit), reference
    redeem_issue        instrument, price (yen a unit), reference
    distribution        instrument, price (yen a unit), record_date, payment_date, reference

Dates are YYYY-MM-DD. A reference is used once in the run. What a platform does not know, and what
else is refused, is the core's to say: settlement/token_acts.py.
"""

from collections.abc import Callable
from datetime import date
from typing import Final

from market.commands import Command, DepositUnits
from market.ids import InstrumentId, ParticipantId
from market.quantities import MAX_QUANTITY_UNITS, Sen, Units, price_from_text
from market.token_acts import (
    DeclareDistribution,
    ForceTransfer,
    FreezeAccount,
    RedeemIssue,
    RedeemUnits,
    RegisterHolder,
    RenewAccountKey,
    RevokeAccountKey,
    SetReceiving,
    SetStation,
    Station,
    TransferGround,
)

Cell = Callable[[str, Callable[[str], int | None]], int]
"""Reads a column as a number, or complains about it by name."""

COLUMNS: Final = (
    "state", "participant", "taker", "units", "reference", "from", "until", "record_date",
    "payment_date",
)  # fmt: skip

_OF_A_FIRM: Final = ("instrument", "participant", "reason")
_BY_LAW: Final = ("instrument", "participant", "taker", "units", "reference", "reason")

NEEDS: Final[dict[str, tuple[str, ...]]] = {
    "station": ("state", "reason"),
    "freeze": _OF_A_FIRM,
    "unfreeze": _OF_A_FIRM,
    "receive": _OF_A_FIRM,
    "refuse_receipt": _OF_A_FIRM,
    "register_holder": _OF_A_FIRM,
    "forget_holder": _OF_A_FIRM,
    "renew_key": ("participant", "from", "until", "reason"),
    "renew_node_key": ("participant", "from", "until", "reason"),
    "revoke_key": ("participant", "reason"),
    "revoke_node_key": ("participant", "reason"),
    "allot": ("instrument", "participant", "units", "reference"),
    "forced_transfer": _BY_LAW,
    "succession": _BY_LAW,
    "redeem": ("instrument", "participant", "units", "price", "reference"),
    "redeem_issue": ("instrument", "price", "reference"),
    "distribution": ("instrument", "price", "record_date", "payment_date", "reference"),
}


def token_command(act: str, present: dict[str, str], cell: Cell) -> Command:
    """The command of one act of :data:`NEEDS`, whose cells are all there."""
    issue = InstrumentId(present.get("instrument", ""))
    firm = ParticipantId(present.get("participant", ""))
    reason, reference = present.get("reason", ""), present.get("reference", "")
    node = "node" in act
    match act:
        case "station":
            return SetStation(station=_STATIONS[cell("state", _station)], reason=reason)
        case "freeze" | "unfreeze":
            frozen = act == "freeze"
            return FreezeAccount(
                participant_id=firm, instrument_id=issue, frozen=frozen, reason=reason
            )
        case "receive" | "refuse_receipt":
            receives = act == "receive"
            return SetReceiving(
                participant_id=firm, instrument_id=issue, receives=receives, reason=reason
            )
        case "register_holder" | "forget_holder":
            registered = act == "register_holder"
            return RegisterHolder(
                participant_id=firm, instrument_id=issue, registered=registered, reason=reason
            )
        case "renew_key" | "renew_node_key":
            first, last = _day(cell, "from"), _day(cell, "until")
            return RenewAccountKey(
                participant_id=firm, valid_from=first, valid_until=last, reason=reason, node=node
            )
        case "revoke_key" | "revoke_node_key":
            return RevokeAccountKey(participant_id=firm, reason=reason, node=node)
        case "redeem_issue":
            price = Sen(cell("price", price_from_text))
            return RedeemIssue(instrument_id=issue, price_sen=price, reference=reference)
        case "distribution":
            return DeclareDistribution(
                instrument_id=issue,
                price_sen=Sen(cell("price", price_from_text)),
                record_date=_day(cell, "record_date"),
                payment_date=_day(cell, "payment_date"),
                reference=reference,
            )
    units = Units(cell("units", _units))
    match act:
        case "allot":
            return DepositUnits(
                participant_id=firm, instrument_id=issue, quantity_units=units, reference=reference
            )
        case "redeem":
            return RedeemUnits(
                instrument_id=issue,
                participant_id=firm,
                quantity_units=units,
                price_sen=Sen(cell("price", price_from_text)),
                reference=reference,
            )
    succession = act == "succession"
    return ForceTransfer(
        instrument_id=issue,
        giver=firm,
        taker=ParticipantId(present["taker"]),
        quantity_units=units,
        ground=TransferGround.SUCCESSION if succession else TransferGround.LEGAL_ORDER,
        reference=reference,
        reason=reason,
    )


_STATIONS: Final = tuple(Station)


def _station(text: str) -> int | None:
    known = [station.value for station in _STATIONS]
    return known.index(text) if text in known else None


def _day(cell: Cell, column: str) -> date:
    return date.fromordinal(cell(column, _ordinal))


def _ordinal(text: str) -> int | None:
    try:
        day = date.fromisoformat(text)
    except ValueError:
        return None
    return day.toordinal() if day.isoformat() == text else None


def _units(text: str) -> int | None:
    plain = text.isascii() and text.isdecimal() and len(text) <= 10  # noqa: PLR2004 - 32 bits
    return int(text) if plain and 0 < int(text) <= MAX_QUANTITY_UNITS else None
