"""What happens to tokens besides trades: what may be asked of an issue's books, and what it tells.

Purpose: commands and events of the station, frozen accounts, registered holders, receivers, account
keys, forced transfers, redemptions and distributions. They are members of the unions of commands.py
and events.py; settlement/token_acts.py carries them out and has the table of who knows which.

Units: units, whole yen; a distribution and a redemption are priced in 1/100 yen a unit. An act that
moves units or yen carries a reference, used once in the run (I10).
"""

from datetime import date
from enum import StrEnum

from market.ids import DeliveryId, InstrumentId, ParticipantId
from market.message import Message
from market.quantities import Sen, Units, Yen


class Station(StrEnum):
    """States of a ledger's station (開閉局); settlement/station.py says what each permits."""

    OPEN = "open"
    CLOSING = "closing"
    CLOSED = "closed"
    BATCH = "batch"
    OPENING = "opening"
    EMERGENCY = "emergency"


class TransferGround(StrEnum):
    """Why units move without their owner's will."""

    LEGAL_ORDER = "legal_order"
    SUCCESSION = "succession"  # 相続


class OperatingMode(StrEnum):
    """Who runs the nodes of the token platform."""

    API_OPENING = "4.0"  # one operator plays every node; firms come by API
    NODE_OPENING = "5.0"  # each role runs its own node


# --- commands


class SetStation(Message, frozen=True, kw_only=True):
    """Take the token platform's station to its next state."""

    station: Station
    reason: str


class FreezeAccount(Message, frozen=True, kw_only=True):
    """Freeze a firm's account in an issue, or free it: it gives and takes nothing meanwhile."""

    participant_id: ParticipantId
    instrument_id: InstrumentId
    frozen: bool
    reason: str


class SetReceiving(Message, frozen=True, kw_only=True):
    """A firm refuses what comes in of an issue, or takes it again."""

    participant_id: ParticipantId
    instrument_id: InstrumentId
    receives: bool
    reason: str


class RegisterHolder(Message, frozen=True, kw_only=True):
    """The issuer has a firm's personal information, or no longer: without it no units arrive."""

    participant_id: ParticipantId
    instrument_id: InstrumentId
    registered: bool
    reason: str


class RenewAccountKey(Message, frozen=True, kw_only=True):
    """A firm signs with a new key on the token platform.

    Attributes:
        node: The key of the firm's node; False for that of its account.
        valid_from: First business date of the key.
        valid_until: Its last.
    """

    participant_id: ParticipantId
    valid_from: date
    valid_until: date
    reason: str
    node: bool = False


class RevokeAccountKey(Message, frozen=True, kw_only=True):
    """A firm's key on the token platform ends: its account's, or its node's."""

    participant_id: ParticipantId
    reason: str
    node: bool = False


class ForceTransfer(Message, frozen=True, kw_only=True):
    """Move a holder's free units by law: a legal order, or a succession."""

    instrument_id: InstrumentId
    giver: ParticipantId
    taker: ParticipantId
    quantity_units: Units
    ground: TransferGround
    reference: str
    reason: str


class RedeemUnits(Message, frozen=True, kw_only=True):
    """The issuer pays for a holder's free units and they are no more (償還)."""

    instrument_id: InstrumentId
    participant_id: ParticipantId
    quantity_units: Units
    price_sen: Sen
    reference: str


class RedeemIssue(Message, frozen=True, kw_only=True):
    """The issuer pays for every unit held; open deliveries of the issue end in cash."""

    instrument_id: InstrumentId
    price_sen: Sen
    reference: str


class DeclareDistribution(Message, frozen=True, kw_only=True):
    """Who owns at the close of the record date (権利確定日) is paid on the payment date.

    Attributes:
        price_sen: For one unit, 1/100 yen.
    """

    instrument_id: InstrumentId
    price_sen: Sen
    record_date: date
    payment_date: date
    reference: str


TokenAct = (
    SetStation
    | FreezeAccount
    | SetReceiving
    | RegisterHolder
    | RenewAccountKey
    | RevokeAccountKey
    | ForceTransfer
    | RedeemUnits
    | RedeemIssue
    | DeclareDistribution
)
"""Any of these commands."""


# --- events


class StationSet(Message, frozen=True, kw_only=True):
    """The token platform's station went to another state.

    Attributes:
        epoch: Number of switches so far.
    """

    station: Station
    epoch: int
    reason: str


class AccountFrozen(Message, frozen=True, kw_only=True):
    """A firm's account in an issue was frozen or freed."""

    participant_id: ParticipantId
    instrument_id: InstrumentId
    frozen: bool
    reason: str


class ReceivingSet(Message, frozen=True, kw_only=True):
    """A firm refuses what comes in of an issue, or does so no longer."""

    participant_id: ParticipantId
    instrument_id: InstrumentId
    receives: bool
    reason: str


class HolderRegistered(Message, frozen=True, kw_only=True):
    """The issuer has a firm's personal information, or no longer."""

    participant_id: ParticipantId
    instrument_id: InstrumentId
    registered: bool
    reason: str


class AccountKeySet(Message, frozen=True, kw_only=True):
    """A firm's key on the token platform was renewed or revoked.

    Attributes:
        node: Whether it is the key of the firm's node.
        version: Number of the firm's key, from 1.
        public_key_hex: The key; empty when it was revoked.
    """

    participant_id: ParticipantId
    version: int
    public_key_hex: str
    reason: str
    node: bool = False


class TransferForced(Message, frozen=True, kw_only=True):
    """Units moved by law; the posting comes before this event."""

    instrument_id: InstrumentId
    giver: ParticipantId
    taker: ParticipantId
    quantity_units: Units
    ground: TransferGround
    reference: str
    reason: str


class UnitsRedeemed(Message, frozen=True, kw_only=True):
    """Units are no more; the postings of units and yen come before this event.

    Attributes:
        holders: Whose they were: firm, units, and the yen it got, by name.
        issued_units: What is left of the issue.
        rest_sen: What rounding down to whole yen left with the issuer, 1/100 yen.
    """

    instrument_id: InstrumentId
    quantity_units: Units
    amount_yen: Yen
    issued_units: Units
    rest_sen: Sen
    reference: str
    holders: tuple[tuple[ParticipantId, Units, Yen], ...] = ()


class DistributionDeclared(Message, frozen=True, kw_only=True):
    """A distribution has a record date and a payment date."""

    instrument_id: InstrumentId
    price_sen: Sen
    record_date: date
    payment_date: date
    reference: str


class RecordDateTaken(Message, frozen=True, kw_only=True):
    """Owners in law at the close of a record date; units locked for a buyer are the seller's.

    Attributes:
        owners: Firms with their units, by name.
        claims: Number of deliveries whose buyer has a claim on the seller.
    """

    instrument_id: InstrumentId
    record_date: date
    owners: tuple[tuple[ParticipantId, Units], ...]
    claims: int
    reference: str


class DistributionPaid(Message, frozen=True, kw_only=True):
    """Every owner of the record date was paid; the postings come before this event.

    Attributes:
        owners: Who was paid how much, by name; nobody of whom it came to less than a yen.
        rest_sen: What rounding down to whole yen left with the issuer, 1/100 yen.
    """

    instrument_id: InstrumentId
    amount_yen: Yen
    rest_sen: Sen
    reference: str
    owners: tuple[tuple[ParticipantId, Yen], ...] = ()


class ClaimState(StrEnum):
    """Life of a claim."""

    OPEN = "open"
    PAID = "paid"
    CANCELED = "canceled"


class ClaimChanged(Message, frozen=True, kw_only=True):
    """One side of a delivery owes the other cash, has paid it, or owes it no longer.

    Attributes:
        reference: Of the distribution or redemption it comes from.
    """

    delivery_id: DeliveryId
    payer: ParticipantId
    payee: ParticipantId
    amount_yen: Yen
    state: ClaimState
    reference: str


TokenEvent = (
    StationSet
    | AccountFrozen
    | ReceivingSet
    | HolderRegistered
    | AccountKeySet
    | TransferForced
    | UnitsRedeemed
    | DistributionDeclared
    | RecordDateTaken
    | DistributionPaid
    | ClaimChanged
)
"""Any of these events."""
