"""Everything that can be asked: commands are imperatives, and the journal holds nothing else.

An :class:`Entry` is a command with its number and time. Replaying the entries in order gives the
same market, byte for byte. Identity (participant, session, generation) is put there by the
session that received the request, never by the client.
"""

from datetime import date
from enum import StrEnum
from typing import Final

from market.ids import (
    ClientOrderId,
    DeliveryId,
    InstrumentId,
    KeyId,
    OrderId,
    ParticipantId,
    SessionId,
    TradeId,
)
from market.instrument import Instrument
from market.message import Message
from market.quantities import Sen, SequenceNo, TimeNs, Units, Yen
from market.reasons import RejectReason
from market.token_acts import OperatingMode, TokenAct
from market.words import OrderKind, Phase, SelfTradeMode, ShortSale, Side, Validity

NO_PRICE: Final = Sen(0)
"""Stands where a market order has no limit; START's wire writes 7FFFFFFF there."""


class DisconnectMode(StrEnum):
    """What a lost connection does to a session's open orders."""

    OFF = "off"
    ON = "on"
    GRACE = "grace"


class MassCancelScope(StrEnum):
    """Which orders a mass cancel takes off."""

    SESSION = "session"
    FIRM = "firm"


# --- the venue and who may use it


class OpenVenue(Message, frozen=True, kw_only=True):
    """The first command of every journal: which rulebook this run plays.

    Attributes:
        run_id: Name of the run, in every hello; a new run id tells clients to start over.
        preset: Name of a preset in market/rulebooks/.
        chosen: Rules replaced by the user, as (name, JSON text of the value).
        tokens_signed: Whether the token platform makes and verifies every signature.
        tokens_mode: Who runs the nodes of the token platform.
    """

    run_id: str
    preset: str
    chosen: tuple[tuple[str, str], ...] = ()
    tokens_signed: bool = False
    tokens_mode: OperatingMode = OperatingMode.NODE_OPENING


class ParticipantLimits(Message, frozen=True, kw_only=True):
    """Pre-trade limits of one firm.

    Attributes:
        credit_yen: Cash it may promise beyond what it holds.
        short_units_allowed: Whether it may sell units it does not hold (a test of fails).
        max_order_value_yen: Largest price times quantity of one order.
        max_order_units: Largest quantity of one order.
        max_open_orders: Most orders open at once.
    """

    credit_yen: Yen = Yen(0)
    short_units_allowed: bool = False
    max_order_value_yen: Yen = Yen(100_000_000_000)
    max_order_units: Units = Units(1_000_000)
    max_open_orders: int = 1_000_000


class RegisterParticipant(Message, frozen=True, kw_only=True):
    """Admit a securities firm (取引参加者), or replace its limits."""

    participant_id: ParticipantId
    name: str
    limits: ParticipantLimits = ParticipantLimits()


class RegisterKey(Message, frozen=True, kw_only=True):
    """Bind an Ed25519 public key (64 hex digits) to one session of one firm."""

    key_id: KeyId
    participant_id: ParticipantId
    session_id: SessionId
    public_key_hex: str


class RevokeKey(Message, frozen=True, kw_only=True):
    """Refuse this key from now on; a live session of it is closed."""

    key_id: KeyId


class ListInstrument(Message, frozen=True, kw_only=True):
    """Admit an issue to trading; its first base price is the issue price."""

    instrument: Instrument


class DepositYen(Message, frozen=True, kw_only=True):
    """Cash paid in by a firm; repeated ``reference`` is refused, so retries are safe."""

    participant_id: ParticipantId
    amount_yen: Yen
    reference: str


class WithdrawYen(Message, frozen=True, kw_only=True):
    """Cash paid out to a firm, from what is available."""

    participant_id: ParticipantId
    amount_yen: Yen
    reference: str


class DepositUnits(Message, frozen=True, kw_only=True):
    """Units of an issue allotted to a firm from the unissued rest."""

    participant_id: ParticipantId
    instrument_id: InstrumentId
    quantity_units: Units
    reference: str


class SetTransferControl(Message, frozen=True, kw_only=True):
    """Set the transfer-executability flag (移転可否) of an issue. Never blocks an exit."""

    instrument_id: InstrumentId
    executable: bool
    reason: str


# --- the day


class OpenDay(Message, frozen=True, kw_only=True):
    """Start a business day; each issue takes its base price and daily limits."""

    business_date: date


class PublishBasePrices(Message, frozen=True, kw_only=True):
    """Tell the base prices of the next business day in the evening before it (基準値段の公表)."""

    business_date: date


class ChangePhase(Message, frozen=True, kw_only=True):
    """Move one issue to the next state of its schedule.

    Attributes:
        after_extension: Carried out only when the issue's auction was extended.
    """

    instrument_id: InstrumentId
    phase: Phase
    after_extension: bool = False


class RunAuction(Message, frozen=True, kw_only=True):
    """Cross one issue (板寄せ): exactly the orders with smaller sequence numbers take part.

    Attributes:
        after_extension: Carried out only when the issue's auction was extended.
    """

    instrument_id: InstrumentId
    after_extension: bool = False


class Halt(Message, frozen=True, kw_only=True):
    """Suspend one issue (売買停止): orders stay, cancels work, crosses are skipped."""

    instrument_id: InstrumentId
    reason: str


class Resume(Message, frozen=True, kw_only=True):
    """End the suspension of one issue."""

    instrument_id: InstrumentId


class SetReferencePrice(Message, frozen=True, kw_only=True):
    """Set the base price (基準値段) by hand; daily limits follow, resting orders stay."""

    instrument_id: InstrumentId
    reference_price_sen: Sen


class RenewQuote(Message, frozen=True, kw_only=True):
    """Move a special quote one width on, or end a sequential one; given when its time has come.

    Attributes:
        quote_number: The quote meant (``QuoteShown``); refused when it is no longer shown.
    """

    instrument_id: InstrumentId
    quote_number: int


class SetNetAssetValue(Message, frozen=True, kw_only=True):
    """Tell an issue's net asset value of one unit (NAV), 1/100 yen; 0 when there is none."""

    instrument_id: InstrumentId
    nav_sen: Sen


class RunSettlement(Message, frozen=True, kw_only=True):
    """Run one stage of the settlement design for everything due.

    Attributes:
        stage: Index into the design's stages; the last is the cut-off of the day.
    """

    stage: int


class ReportErrorTrade(Message, frozen=True, kw_only=True):
    """Name trades that an erroneous order made (誤発注); a large share of the issue halts it.

    Attributes:
        trade_ids: The trades, of one issue; or
        order_id: the order whose trades still to be delivered are meant.
    """

    trade_ids: tuple[TradeId, ...] = ()
    order_id: OrderId | None = None
    reason: str


class BustTrade(Message, frozen=True, kw_only=True):
    """Void a trade (約定取消) before it is settled, as if it had never been made.

    Attributes:
        override: True lets the operator void what the preset's rule does not (special cases).
    """

    trade_id: TradeId
    reason: str
    override: bool = False


class CancelDelivery(Message, frozen=True, kw_only=True):
    """End a delivery without movement; every lock returns. Refused once decided or final."""

    delivery_id: DeliveryId
    reason: str


class SetDeliveryHold(Message, frozen=True, kw_only=True):
    """Hold a delivery for one side, or release that side's hold (保留・保留解除).

    While either side holds, the delivery goes no step forward; it fails at the cut-off like any
    other, may be canceled, and is delivered all the same once it is paid.
    """

    delivery_id: DeliveryId
    side: Side
    held: bool
    reason: str = ""


class SetDeliveryParts(Message, frozen=True, kw_only=True):
    """One side allows a delivery to settle in parts, or wants it whole (一部決済の可否).

    Both sides allow it until one says otherwise, where the market has parts at all. A part that is
    under way already is completed.
    """

    delivery_id: DeliveryId
    side: Side
    allowed: bool
    reason: str = ""


class AffirmDelivery(Message, frozen=True, kw_only=True):
    """One side agrees to a delivery's terms; with both it is matched (market rule ``affirmation``)."""

    delivery_id: DeliveryId
    side: Side


class ConsentToCancel(Message, frozen=True, kw_only=True):
    """One side asks to end a delivery; it ends when both have, or at once while it is unmatched."""

    delivery_id: DeliveryId
    side: Side
    reason: str = ""


class ReverseDelivery(Message, frozen=True, kw_only=True):
    """Ask for the reversal of a finished delivery: a new one the opposite way, never an undo.

    Attributes:
        side: The side of the finished delivery that asks; both must, or
        legal_order: a legal order stands for both.
    """

    delivery_id: DeliveryId
    side: Side
    reason: str
    legal_order: bool = False


class BuyIn(Message, frozen=True, kw_only=True):
    """End a fail for lack of units at the seller's cost (買入れ): bought in, or paid in cash.

    Attributes:
        supplier: Whose units are bought, or None when none could be: cash compensation.
        price_sen: 1/100 yen for one unit, or None for the issue's last base price.
    """

    delivery_id: DeliveryId
    supplier: ParticipantId | None = None
    price_sen: Sen | None = None
    reason: str = ""


class DefaultIssuer(Message, frozen=True, kw_only=True):
    """The issuer of the settlement money has failed: nothing more is funded or paid, for good."""

    reason: str


class CloseDay(Message, frozen=True, kw_only=True):
    """End the business day: reconcile, and carry base prices and deliveries over."""


# --- sessions


class OpenSession(Message, frozen=True, kw_only=True):
    """A verified logon. Raises the session's generation, so older ones go stale.

    Attributes:
        takeover: Whether a live generation may be replaced.
        disconnect_mode: What a lost connection does; None takes the preset's rule.
        grace_ms: Waiting time of mode ``grace``, milliseconds.
    """

    session_id: SessionId
    key_id: KeyId
    takeover: bool
    disconnect_mode: DisconnectMode | None = None
    grace_ms: int = 0


class CloseSession(Message, frozen=True, kw_only=True):
    """A connection ended. With mode ``on`` the open orders go in the same step.

    Attributes:
        orderly: True for a logout, which leaves orders unless ``cancel_open``.
    """

    session_id: SessionId
    generation: int
    orderly: bool
    cancel_open: bool = False


class CancelOnDisconnect(Message, frozen=True, kw_only=True):
    """The grace time of a lost session is over; no effect if a newer generation is live."""

    session_id: SessionId
    generation: int


class Request(Message, frozen=True, kw_only=True):
    """What every request of a session carries.

    Attributes:
        participant_id: From the session's key.
        generation: Refused without effect when older than the session's.
        req_id: The client's label for its request, echoed in the answer.
        carried: What a door has to give back and the market does not read (participants/ouch.py).
    """

    participant_id: ParticipantId
    session_id: SessionId
    generation: int
    req_id: str
    carried: str = ""


class NewOrder(Request, frozen=True, kw_only=True):
    """New order (新規注文).

    Attributes:
        client_order_id: Key of idempotence within the firm and day.
        price_sen: 1/100 yen per unit; NO_PRICE for a market order.
        account: The firm's account, for self-trade prevention and statements.
        self_trade_mode: None takes the preset's rule.
        short_sale: Marks a sell of units that are not held; None for every other order.
        size_confirmed: The firm stands by a size the market would otherwise query.
    """

    client_order_id: ClientOrderId
    instrument_id: InstrumentId
    side: Side
    kind: OrderKind
    price_sen: Sen
    quantity_units: Units
    validity: Validity = Validity.DAY
    account: str = ""
    self_trade_mode: SelfTradeMode | None = None
    short_sale: ShortSale | None = None
    size_confirmed: bool = False


class AmendOrder(Request, frozen=True, kw_only=True):
    """Amend (訂正) price or open quantity; what priority remains is the preset's rule.

    Attributes:
        client_order_id: Name of this request; becomes the order's new name.
        order_id: The order to change, or None when named by ``original_client_order_id``.
        price_sen: New limit, or None to keep it.
        leaves_units: New open quantity, or None to keep it.
        total_units: New quantity of the order with everything it was filled before; this and not
            ``leaves_units`` where the preset replaces by total.
        size_confirmed: The firm stands by a size the market would otherwise query.
    """

    client_order_id: ClientOrderId
    original_client_order_id: ClientOrderId | None = None
    order_id: OrderId | None = None
    price_sen: Sen | None = None
    leaves_units: Units | None = None
    total_units: Units | None = None
    size_confirmed: bool = False


class CancelOrder(Request, frozen=True, kw_only=True):
    """Cancel (取消) one order of the own firm, by either name."""

    original_client_order_id: ClientOrderId | None = None
    order_id: OrderId | None = None


class RefuseRequest(Request, frozen=True, kw_only=True):
    """A door read a request and cannot carry it out; journaled where refusals are numbered.

    Attributes:
        reason: Why; changes nothing but the answer.
    """

    reason: RejectReason


class MassCancel(Request, frozen=True, kw_only=True):
    """Cancel all open orders in a scope, optionally of one issue or side."""

    scope: MassCancelScope
    instrument_id: InstrumentId | None = None
    side: Side | None = None


class Kill(Request, frozen=True, kw_only=True):
    """Kill switch: cancel everything of the firm and refuse new orders until unkilled."""


class Unkill(Message, frozen=True, kw_only=True):
    """Let a killed firm enter orders again; the venue's act, not the firm's."""

    participant_id: ParticipantId


Command = (
    OpenVenue
    | RegisterParticipant
    | RegisterKey
    | RevokeKey
    | ListInstrument
    | DepositYen
    | WithdrawYen
    | DepositUnits
    | SetTransferControl
    | TokenAct
    | OpenDay
    | PublishBasePrices
    | ChangePhase
    | RunAuction
    | Halt
    | Resume
    | SetReferencePrice
    | RenewQuote
    | SetNetAssetValue
    | RunSettlement
    | ReportErrorTrade
    | BustTrade
    | CancelDelivery
    | SetDeliveryHold
    | SetDeliveryParts
    | AffirmDelivery
    | ConsentToCancel
    | ReverseDelivery
    | BuyIn
    | DefaultIssuer
    | CloseDay
    | OpenSession
    | CloseSession
    | CancelOnDisconnect
    | NewOrder
    | AmendOrder
    | CancelOrder
    | RefuseRequest
    | MassCancel
    | Kill
    | Unkill
)
"""Any command; the tag field ``is`` names it in the journal."""


class Entry(Message, frozen=True, kw_only=True, tag=False):
    """One line of the journal.

    Attributes:
        sequence: Contiguous from 1.
        at_ns: Market time, UTC nanoseconds, never going back.
    """

    sequence: SequenceNo
    at_ns: TimeNs
    command: Command
