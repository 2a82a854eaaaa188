"""What a firm reads: the shapes of answers and reports on the order-entry wire.

Purpose: outbound schemas only, filled by participants/reports.py. Prices are decimal strings in
yen, cash is whole yen, quantities are token units, ``at_ns`` is UTC nanoseconds.
Invariants: additive changes only inside a version; clients must ignore fields they do not know.
"""

from market.message import Message


class _Wire(Message, frozen=True, kw_only=True, tag=False):
    """Base of the outbound schemas; a field left at None is not sent."""


class AcceptedResult(_Wire, frozen=True, kw_only=True):
    """Answer to order.new: the order stands, and what it holds."""

    order_id: str
    client_order_id: str
    state: str
    held_yen: int | None = None
    held_units: int | None = None


class AmendedResult(_Wire, frozen=True, kw_only=True):
    """Answer to order.amend: the order's new id, name, price and quantity."""

    order_id: str
    old_order_id: str
    client_order_id: str
    old_client_order_id: str
    state: str
    leaves_units: int
    kept_priority: bool
    price: str | None = None
    held_yen: int | None = None
    held_units: int | None = None


class CanceledResult(_Wire, frozen=True, kw_only=True):
    """Answer to order.cancel, and to an order.amend that asks for no more than was filled."""

    order_id: str
    client_order_id: str
    state: str
    canceled_units: int


class MassCanceledResult(_Wire, frozen=True, kw_only=True):
    """Answer to order.mass_cancel and kill; ``kept`` orders stayed in a non-cancel period."""

    state: str
    canceled: int
    kept: int


class DeliveryActResult(_Wire, frozen=True, kw_only=True):
    """Answer to the requests delivery.*: the word was taken, and the delivery's state with it."""

    delivery_id: str
    client_request_id: str
    side: str
    state: str


Result = AcceptedResult | AmendedResult | CanceledResult | MassCanceledResult | DeliveryActResult
"""What a good answer holds, by method."""


class ErrorBody(_Wire, frozen=True, kw_only=True):
    """Why a request was refused; text and retryable come from the catalogue."""

    code: str
    text: str
    retryable: bool
    client_order_id: str | None = None
    client_request_id: str | None = None


class Answer(_Wire, frozen=True, kw_only=True):
    """The one terminal answer to a request."""

    method: str
    req_id: str
    ok: bool
    seq: int
    prev_seq: int
    at_ns: int
    result: Result | None = None
    error: ErrorBody | None = None


class TradeData(_Wire, frozen=True, kw_only=True):
    """One fill, as one side sees it; the counterparty only where the market names it."""

    order_id: str
    client_order_id: str
    trade_id: str
    instrument_id: str
    side: str
    price: str
    quantity_units: int
    leaves_units: int
    origin: str
    amount_yen: int
    settlement_date: str
    delivery_id: str
    counterparty: str | None = None


class BustData(_Wire, frozen=True, kw_only=True):
    """A fill was voided, as one side sees it; its delivery ends with it."""

    order_id: str
    client_order_id: str
    trade_id: str
    instrument_id: str
    side: str
    price: str
    quantity_units: int
    amount_yen: int
    delivery_id: str
    reason: str


class OrderData(_Wire, frozen=True, kw_only=True):
    """An order ended, shrank without a trade, or met its condition; one of the quantities is there.

    What self-trade prevention stopped stands beside.
    """

    order_id: str
    client_order_id: str
    instrument_id: str
    reason: str | None = None
    canceled_units: int | None = None
    expired_units: int | None = None
    prevented_units: int | None = None
    prevented_price: str | None = None
    leaves_units: int | None = None


class SettlementData(_Wire, frozen=True, kw_only=True):
    """A delivery of this session's order moved to another state."""

    delivery_id: str
    trade_id: str
    order_id: str
    client_order_id: str
    instrument_id: str
    side: str
    action: str
    state: str
    reason: str | None = None


class DeliveryData(_Wire, frozen=True, kw_only=True):
    """News of a delivery that every session of its firms hears; the counterparty is not named.

    Attributes:
        side: The firm's own side of it, or ``payer`` and ``payee`` of a charge.
        what: hold, release, parts_declined, parts_agreed, fill, affirmed, matched, cancel_consent, reversal_asked, reversal (of a
            reversal, its moves), buy_in_started, bought_in, or the kind of a charge.
        by_side: Who acted, where one side did.
        state: State it moved to, for a reversal.
        paid: Whether a charge is paid.
    """

    delivery_id: str
    side: str
    what: str
    by_side: str | None = None
    state: str | None = None
    reason: str | None = None
    quantity_units: int | None = None
    amount_yen: int | None = None
    open_units: int | None = None
    open_yen: int | None = None
    settlement_date: str | None = None
    reverses: str | None = None
    paid: bool | None = None


class TokenData(_Wire, frozen=True, kw_only=True):
    """News of an act on tokens: every firm's where it is public, else the firm's own part of it.

    Attributes:
        what: The act by its word (``station``, ``freeze``, ``redeem``, ...), or what came of one:
            ``record_date``, ``distribution_paid``, ``claim``.
        role: ``giver`` or ``taker`` of units, ``payer`` or ``payee`` of a claim.
        state: Of the station, of a claim; of ``issuer_default`` the kind of money.
        price: Of one unit, decimal yen.
        reference: The act's opaque id.
    """

    what: str
    instrument_id: str | None = None
    delivery_id: str | None = None
    role: str | None = None
    state: str | None = None
    executable: bool | None = None
    quantity_units: int | None = None
    amount_yen: int | None = None
    price: str | None = None
    record_date: str | None = None
    payment_date: str | None = None
    reference: str | None = None
    key_version: int | None = None
    public_key: str | None = None


class FirmData(_Wire, frozen=True, kw_only=True):
    """The firm's order entry was stopped or allowed again."""

    participant_id: str


Told = TradeData | BustData | OrderData | SettlementData | DeliveryData | TokenData | FirmData
"""What news holds, by type."""


class Push(_Wire, frozen=True, kw_only=True):
    """News that no request of this step asked for."""

    channel: str
    type: str
    seq: int
    prev_seq: int
    at_ns: int
    data: Told
