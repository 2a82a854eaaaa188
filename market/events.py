"""Everything that can happen: events are past tense, and rooms tell each other nothing else.

Events say what changed, not when: the sequence number and time are those of the entry that
caused them.
"""

from datetime import date
from enum import StrEnum

from market.choices import SettlementMoney
from market.commands import DisconnectMode, ParticipantLimits
from market.errors import check
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
from market.quantities import Sen, TimeNs, Units, Yen, consideration_yen_rounded_down
from market.reasons import CancelReason, FailReason, RejectReason
from market.token_acts import TokenEvent
from market.words import OrderKind, Phase, QuoteKind, ShortSale, Side, Validity

# --- the venue and who may use it


class VenueOpened(Message, frozen=True, kw_only=True):
    """A run began under a rulebook."""

    run_id: str
    preset: str


class ParticipantRegistered(Message, frozen=True, kw_only=True):
    """A firm was admitted, or its limits replaced."""

    participant_id: ParticipantId
    name: str
    limits: ParticipantLimits


class KeyRegistered(Message, frozen=True, kw_only=True):
    """A public key may now open a session."""

    key_id: KeyId
    participant_id: ParticipantId
    session_id: SessionId
    public_key_hex: str


class KeyRevoked(Message, frozen=True, kw_only=True):
    """A key may no longer be used."""

    key_id: KeyId


class InstrumentListed(Message, frozen=True, kw_only=True):
    """An issue was admitted to trading."""

    instrument: Instrument


class CommandRefused(Message, frozen=True, kw_only=True):
    """A venue command (not a session's request) was refused and had no effect."""

    reason: RejectReason
    detail: str


# --- the day


class DayOpened(Message, frozen=True, kw_only=True):
    """A business day began; trades of today settle on ``settlement_date``."""

    business_date: date
    settlement_date: date


class ReferencePriceSet(Message, frozen=True, kw_only=True):
    """Base price (基準値段) and the daily limits that follow from it, 1/100 yen.

    Attributes:
        market_orders_barred: Whether market orders are barred today (成行禁止).
    """

    instrument_id: InstrumentId
    reference_price_sen: Sen
    lower_limit_sen: Sen
    upper_limit_sen: Sen
    market_orders_barred: bool = False


class BasePriceAnnounced(Message, frozen=True, kw_only=True):
    """The base price an issue will open ``business_date`` with, and its limits, 1/100 yen."""

    instrument_id: InstrumentId
    business_date: date
    reference_price_sen: Sen
    lower_limit_sen: Sen
    upper_limit_sen: Sen


class NetAssetValueSet(Message, frozen=True, kw_only=True):
    """An issue's net asset value of one unit (NAV), 1/100 yen; 0 when there is none."""

    instrument_id: InstrumentId
    nav_sen: Sen


class ClosingPriceSet(Message, frozen=True, kw_only=True):
    """The closing price (終値) of an issue's day by the preset's rule; None when there is none."""

    instrument_id: InstrumentId
    price_sen: Sen | None


class PhaseChanged(Message, frozen=True, kw_only=True):
    """One issue moved to another state."""

    instrument_id: InstrumentId
    phase: Phase


class TradingHalted(Message, frozen=True, kw_only=True):
    """One issue was suspended."""

    instrument_id: InstrumentId
    reason: str


class TradingResumed(Message, frozen=True, kw_only=True):
    """One issue is no longer suspended."""

    instrument_id: InstrumentId


class AuctionExtended(Message, frozen=True, kw_only=True):
    """An auction was put off because it would move the price far; the call goes on once more.

    Attributes:
        extension_s: How long, seconds.
    """

    instrument_id: InstrumentId
    extension_s: int


class AuctionHeld(Message, frozen=True, kw_only=True):
    """A cross ran (its trades came before), found no price, or was skipped while suspended.

    Attributes:
        price_sen: The single price, or None when nothing crossed.
        executed_units: Units traded; 0 when nothing crossed.
        trades: Number of trades.
        skipped: True when the issue was suspended.
    """

    instrument_id: InstrumentId
    phase: Phase
    price_sen: Sen | None
    executed_units: Units
    trades: int
    skipped: bool = False


class IndicativePriceChanged(Message, frozen=True, kw_only=True):
    """What the cross would give now (equilibrium price, 予想約定値); published on change.

    Attributes:
        price_sen: 1/100 yen, or None for "no price".
        executed_units: Units that would trade at it.
        surplus_units: Buy less sell interest at it; positive when buyers are left over.
    """

    instrument_id: InstrumentId
    price_sen: Sen | None
    executed_units: Units
    surplus_units: int


class QuoteShown(Message, frozen=True, kw_only=True):
    """Orders would trade too far away, so a price is shown instead (特別気配, 連続約定気配).

    Attributes:
        quote_number: Counts the quotes of an issue; names this one in ``RenewQuote``.
        side: The side that presses: buyers press the price up.
        renew_at_ns: When it moves on, market time; 0 for a quote that stays where it is.
    """

    instrument_id: InstrumentId
    quote_number: int
    kind: QuoteKind
    side: Side
    price_sen: Sen
    renew_at_ns: TimeNs


class QuoteEnded(Message, frozen=True, kw_only=True):
    """A quote is no longer shown: it traded, its orders left, or another state began."""

    instrument_id: InstrumentId
    quote_number: int


class DayClosed(Message, frozen=True, kw_only=True):
    """The business day ended."""

    business_date: date


# --- sessions


class SessionOpened(Message, frozen=True, kw_only=True):
    """A logon took effect; commands of older generations are refused from here on.

    Attributes:
        next_report_seq: The number the session's next report will carry.
    """

    session_id: SessionId
    participant_id: ParticipantId
    key_id: KeyId
    generation: int
    next_report_seq: int
    disconnect_mode: DisconnectMode
    grace_ms: int
    took_over: bool


class SessionRefused(Message, frozen=True, kw_only=True):
    """A logon had no effect."""

    session_id: SessionId
    reason: RejectReason


class SessionClosed(Message, frozen=True, kw_only=True):
    """A generation ended."""

    session_id: SessionId
    generation: int


# --- orders


class OrderAccepted(Message, frozen=True, kw_only=True):
    """A new order passed every check and, unless it trades at once, rests on the book.

    Attributes:
        short_sale: How a sell of units that are not held was marked.
    """

    order_id: OrderId
    participant_id: ParticipantId
    session_id: SessionId
    client_order_id: ClientOrderId
    instrument_id: InstrumentId
    side: Side
    kind: OrderKind
    price_sen: Sen
    quantity_units: Units
    validity: Validity
    short_sale: ShortSale | None = None


class OrderAmended(Message, frozen=True, kw_only=True):
    """An order changed. With priority lost it has a new order id and joins the back.

    Attributes:
        order_id: The order's id from now on.
        old_order_id: Its id before; equal when priority was kept.
        leaves_units: Open quantity from now on.
    """

    order_id: OrderId
    old_order_id: OrderId
    participant_id: ParticipantId
    session_id: SessionId
    client_order_id: ClientOrderId
    old_client_order_id: ClientOrderId
    instrument_id: InstrumentId
    side: Side
    kind: OrderKind
    price_sen: Sen
    leaves_units: Units
    kept_priority: bool


class OrderCanceled(Message, frozen=True, kw_only=True):
    """The remainder of an order left the book by its owner's act or a stated rule.

    Attributes:
        prevented_units: Units of the trade that self-trade prevention stopped, else 0.
        prevented_price_sen: Its price, else 0.
    """

    order_id: OrderId
    participant_id: ParticipantId
    instrument_id: InstrumentId
    canceled_units: Units
    reason: CancelReason
    prevented_units: Units = Units(0)
    prevented_price_sen: Sen = Sen(0)


class OrderReleased(Message, frozen=True, kw_only=True):
    """A condition was met: an on-close order joined the book, or a funari order lost its limit.

    It joins the back, under the id it has. Kind and price are those from now on.
    """

    order_id: OrderId
    participant_id: ParticipantId
    instrument_id: InstrumentId
    side: Side
    kind: OrderKind
    price_sen: Sen
    leaves_units: Units


class OrderReduced(Message, frozen=True, kw_only=True):
    """Self-trade prevention took units off an order without a trade (decrement).

    Attributes:
        prevented_price_sen: The price the trade would have had.
    """

    order_id: OrderId
    participant_id: ParticipantId
    instrument_id: InstrumentId
    prevented_units: Units
    leaves_units: Units
    prevented_price_sen: Sen = Sen(0)


class OrderExpired(Message, frozen=True, kw_only=True):
    """The remainder of an order ended by the venue's rule (失効)."""

    order_id: OrderId
    participant_id: ParticipantId
    instrument_id: InstrumentId
    expired_units: Units


class RequestRejected(Message, frozen=True, kw_only=True):
    """A session's request was refused and had no effect.

    Attributes:
        client_order_id: The request's own name, where it has one.
        reason: The first check that failed.
    """

    participant_id: ParticipantId
    session_id: SessionId
    req_id: str
    client_order_id: ClientOrderId | None
    reason: RejectReason


class RequestRepeated(Message, frozen=True, kw_only=True):
    """Same client order id and same content as before: the original answer stands."""

    participant_id: ParticipantId
    session_id: SessionId
    req_id: str
    client_order_id: ClientOrderId


class MassCanceled(Message, frozen=True, kw_only=True):
    """A mass cancel or kill ended; the cancels came before.

    Attributes:
        kept: Orders in scope that stayed because of a non-cancel period.
    """

    participant_id: ParticipantId
    session_id: SessionId
    req_id: str
    canceled: tuple[OrderId, ...]
    kept: int


class ParticipantKilled(Message, frozen=True, kw_only=True):
    """A firm's order entry was stopped."""

    participant_id: ParticipantId


class ParticipantUnkilled(Message, frozen=True, kw_only=True):
    """A firm may enter orders again."""

    participant_id: ParticipantId


class Trade(Message, frozen=True, kw_only=True):
    """One execution (約定, yakujō) between a buyer and a seller.

    Attributes:
        price_sen: 1/100 yen for one unit. The single price in a call auction
            (板寄せ), the resting order's limit in continuous trading (ザラバ).
        quantity_units: Token units that change hands.
        buy_leaves_units: Open quantity left of the buy order.
        sell_leaves_units: Open quantity left of the sell order.
        cross: True in a call auction.
        self_trade: True when both sides are the same firm (and account, by the preset).
    """

    trade_id: TradeId
    instrument_id: InstrumentId
    price_sen: Sen
    quantity_units: Units
    buyer: ParticipantId
    seller: ParticipantId
    buy_order_id: OrderId
    sell_order_id: OrderId
    buy_leaves_units: Units
    sell_leaves_units: Units
    cross: bool
    self_trade: bool = False

    @property
    def consideration_yen(self) -> Yen:
        """Cash the buyer owes before fees (約定代金), in whole yen, rounded down."""
        return consideration_yen_rounded_down(self.price_sen, self.quantity_units)


class ErrorTradeReported(Message, frozen=True, kw_only=True):
    """Trades were named as made in error (誤発注).

    Attributes:
        trade_ids: The trades named now.
        error_units: Units of all trades of the issue named so far.
    """

    instrument_id: InstrumentId
    trade_ids: tuple[TradeId, ...]
    error_units: Units
    reason: str


class TradeBusted(Message, frozen=True, kw_only=True):
    """A trade was voided before it was settled (約定取消); the end of its delivery follows.

    Orders stay as they are: what was filled is not put back on the book.
    """

    trade_id: TradeId
    delivery_id: DeliveryId
    instrument_id: InstrumentId
    price_sen: Sen
    quantity_units: Units
    buyer: ParticipantId
    seller: ParticipantId
    buy_order_id: OrderId
    sell_order_id: OrderId
    reason: str


# --- cash, units and delivery


class YenMoved(Message, frozen=True, kw_only=True):
    """Cash was posted from one owner to another.

    Attributes:
        giver: A firm, or None when the cash came from outside (a deposit).
        taker: A firm, or None when it went outside (a withdrawal).
        delivery_id: The delivery it paid for, or None.
    """

    giver: ParticipantId | None
    taker: ParticipantId | None
    amount_yen: Yen
    delivery_id: DeliveryId | None = None

    def __post_init__(self) -> None:
        check(self.amount_yen > 0, "a posting moves something", delivery=self.delivery_id)


class UnitsMoved(Message, frozen=True, kw_only=True):
    """Units were posted from one holder to another; None stands for the issuer's unissued rest."""

    instrument_id: InstrumentId
    giver: ParticipantId | None
    taker: ParticipantId | None
    quantity_units: Units
    delivery_id: DeliveryId | None = None

    def __post_init__(self) -> None:
        check(self.quantity_units > 0, "a posting moves something", delivery=self.delivery_id)


class TransferControlSet(Message, frozen=True, kw_only=True):
    """The transfer-executability flag of an issue changed."""

    instrument_id: InstrumentId
    executable: bool
    reason: str


class DeliveryState(StrEnum):
    """Life of one delivery (決済指図); which of them a design uses is its table."""

    CREATED = "created"
    PROVISIONAL = "provisional"  # units given up on condition (仮移転)
    CONFIRMED = "confirmed"  # cash reserved by the buyer
    PAID = "paid"  # payment verified: delivery must follow
    FINISHED = "finished"
    FAILING = "failing"  # date passed, retried on the next business day (フェイル)
    CANCELED = "canceled"


class DeliveryAction(StrEnum):
    """What moves a delivery from state to state."""

    CREATE = "create"
    TRANSFER_PROVISIONALLY = "transfer_provisionally"
    CONFIRM = "confirm"
    PAY = "pay"
    FINISH = "finish"
    FILL = "fill"  # a part is settled, the rest stays open (一部決済)
    FAIL = "fail"
    RETRY = "retry"
    CANCEL = "cancel"


class DeliveryCreated(Message, frozen=True, kw_only=True):
    """A trade became an obligation: units from seller, cash from buyer, on one date.

    Attributes:
        reverses: The finished delivery it takes back, with the parties the other way, or None.
    """

    delivery_id: DeliveryId
    trade_id: TradeId
    instrument_id: InstrumentId
    seller: ParticipantId
    buyer: ParticipantId
    quantity_units: Units
    amount_yen: Yen
    settlement_date: date
    reverses: DeliveryId | None = None


class DeliveryChanged(Message, frozen=True, kw_only=True):
    """A delivery moved to another state; its postings come before this event.

    Attributes:
        reason: Why it failed or was canceled, else None.
    """

    delivery_id: DeliveryId
    action: DeliveryAction
    old_state: DeliveryState
    state: DeliveryState
    reason: FailReason | None = None


class IssuerDefaulted(Message, frozen=True, kw_only=True):
    """The issuer of the settlement money has failed.

    Attributes:
        money: The kind.
        owned_yen: What all firms own in it, their exposure.
        recovered_yen: What they will get for it, each firm's share rounded down.
    """

    money: SettlementMoney
    issuer: str
    owned_yen: Yen
    recovered_yen: Yen
    reason: str


class DeliveryHoldSet(Message, frozen=True, kw_only=True):
    """One side of a delivery holds it, or does so no longer (保留・保留解除)."""

    delivery_id: DeliveryId
    side: Side
    held: bool
    reason: str = ""


class DeliveryPartsSet(Message, frozen=True, kw_only=True):
    """One side of a delivery wants it whole, or does so no longer (一部決済の可否)."""

    delivery_id: DeliveryId
    side: Side
    allowed: bool
    reason: str = ""


class DeliveryFilled(Message, frozen=True, kw_only=True):
    """A part of a delivery was settled (一部決済), the last one included; its move follows.

    Attributes:
        quantity_units: Units of this part.
        amount_yen: What the buyer paid for them.
        open_units: Units left to deliver; 0 with the last part.
        open_yen: What the buyer still owes for them.
    """

    delivery_id: DeliveryId
    quantity_units: Units
    amount_yen: Yen
    open_units: Units
    open_yen: Yen


class DeliveryAffirmed(Message, frozen=True, kw_only=True):
    """One side agreed to a delivery's terms; ``matched`` when both have (照合済み)."""

    delivery_id: DeliveryId
    side: Side
    matched: bool


class CancelConsented(Message, frozen=True, kw_only=True):
    """One side asked to end a delivery; with the other's word its end follows."""

    delivery_id: DeliveryId
    side: Side
    reason: str = ""


class ReversalAsked(Message, frozen=True, kw_only=True):
    """One side asked for a finished delivery's reversal; with the other's word it follows.

    Attributes:
        seller: Who delivered; a side of the finished delivery, as ``buyer`` is.
    """

    delivery_id: DeliveryId
    side: Side
    seller: ParticipantId
    buyer: ParticipantId
    reason: str
    legal_order: bool = False


class ChargeKind(StrEnum):
    """What a failer is charged for."""

    PENALTY = "penalty"
    BUY_IN_DIFFERENCE = "buy_in_difference"
    CASH_COMPENSATION = "cash_compensation"


class FailCharged(Message, frozen=True, kw_only=True):
    """Failing to deliver or pay cost something; when ``paid``, its posting came just before.

    Attributes:
        late_days: Business days after the settlement date.
        paid: False when the payer had not the cash; what then is the market's rule.
    """

    delivery_id: DeliveryId
    kind: ChargeKind
    payer: ParticipantId
    payee: ParticipantId
    amount_yen: Yen
    late_days: int
    paid: bool


class FailChargePaid(Message, frozen=True, kw_only=True):
    """A charge told as unpaid before is paid now; its posting came just before."""

    delivery_id: DeliveryId
    kind: ChargeKind
    payer: ParticipantId
    payee: ParticipantId
    amount_yen: Yen


class BuyInStarted(Message, frozen=True, kw_only=True):
    """A delivery failed for lack of units for so long that it may be bought in (買入れ)."""

    delivery_id: DeliveryId
    open_units: Units
    late_days: int


class BoughtIn(Message, frozen=True, kw_only=True):
    """The buyer was delivered by another firm; postings came before, the delivery's end follows.

    Attributes:
        price_sen: What one unit cost, 1/100 yen.
        amount_yen: What the buyer paid of it: never more than agreed.
    """

    delivery_id: DeliveryId
    supplier: ParticipantId
    price_sen: Sen
    quantity_units: Units
    amount_yen: Yen


class SettlementRan(Message, frozen=True, kw_only=True):
    """One stage of the settlement design ended.

    Attributes:
        stage_name: The design's name for it.
        moved: Deliveries it moved forward.
        failed: Deliveries it marked failing.
    """

    business_date: date
    stage: int
    stage_name: str
    moved: int
    failed: int


class Reconciled(Message, frozen=True, kw_only=True):
    """End of day: trades, obligations, postings and register were compared (照合).

    Attributes:
        trades: Trades of the day, without those voided.
        breaks: What did not agree, as sentences; empty on a good day.
        busted: Trades voided on the day, whenever they were made.
    """

    business_date: date
    trades: int
    finished: int
    open_deliveries: int
    failing: int
    breaks: tuple[str, ...]
    busted: int = 0


Event = (
    VenueOpened
    | ParticipantRegistered
    | KeyRegistered
    | KeyRevoked
    | InstrumentListed
    | CommandRefused
    | DayOpened
    | ReferencePriceSet
    | BasePriceAnnounced
    | NetAssetValueSet
    | ClosingPriceSet
    | PhaseChanged
    | TradingHalted
    | TradingResumed
    | AuctionExtended
    | AuctionHeld
    | IndicativePriceChanged
    | QuoteShown
    | QuoteEnded
    | DayClosed
    | SessionOpened
    | SessionRefused
    | SessionClosed
    | OrderAccepted
    | OrderAmended
    | OrderCanceled
    | OrderReduced
    | OrderReleased
    | OrderExpired
    | RequestRejected
    | RequestRepeated
    | MassCanceled
    | ParticipantKilled
    | ParticipantUnkilled
    | Trade
    | ErrorTradeReported
    | TradeBusted
    | YenMoved
    | UnitsMoved
    | TransferControlSet
    | TokenEvent
    | DeliveryCreated
    | DeliveryChanged
    | DeliveryHoldSet
    | DeliveryPartsSet
    | DeliveryFilled
    | DeliveryAffirmed
    | CancelConsented
    | ReversalAsked
    | FailCharged
    | FailChargePaid
    | BuyInStarted
    | BoughtIn
    | IssuerDefaulted
    | SettlementRan
    | Reconciled
)
"""Any event; the tag field ``is`` names it."""
