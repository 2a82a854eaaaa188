"""Order entry on the wire: strict JSON text frames, one object each, at most 4 KiB.

Purpose: bytes to a typed request (``decode``), request to command (``to_command``), and the
session's own answers to bytes. Answers to journaled requests are made in participants/reports.py.
Envelope in: ``{"method": ..., "req_id": "7", "seq": 42, "params": {...}}``. ``logon`` and ``ping``
carry no ``seq``. ``params`` may be left out where every parameter may.
Ordering: ``decode`` judges the shape and ``to_command`` the values, so a request of good shape and
bad value has been read and uses up its sequence number.
Invariants: unknown fields, repeated keys, null, floats and escapes are refused; ``decode`` never
raises; identity never comes from the message.

How repeated keys are found without a second parse: every string here, key or value, is made of
plain letters (``A-Z a-z 0-9 . _ -``), so in an accepted frame each colon ends one key. Optional
fields left out are UNSET and not written back, so the request written again has as many colons as
keys were understood. More colons came than go: a key came twice. A backslash could hide a letter,
so it is refused. tests/participants/test_wire.py holds this against a parser that looks at every
pair. Patterns cost more than all the rest of a decode, so the names of the busy requests are
checked together, in one pass over their letters (``_NAMES_OF``).

Known limits: prices are decimal strings in yen, exact, at most two decimals; numbers are integers.
Source: the house's public error contract, market/reasons.py; order fields as in START FIX 1.1
(2nd-hand).
"""

from collections.abc import Callable
from operator import attrgetter
from typing import Annotated, Any, Final

import msgspec
from msgspec import UNSET, Meta, Struct, UnsetType

from market.commands import (
    NO_PRICE,
    ActOnDelivery,
    AmendOrder,
    CancelOrder,
    DisconnectMode,
    Kill,
    MassCancel,
    MassCancelScope,
    NewOrder,
)
from market.ids import ClientOrderId, InstrumentId, OrderId, ParticipantId, SessionId
from market.message import Message
from market.quantities import MAX_QUANTITY_UNITS, Units, price_from_text
from market.reasons import CATALOGUE, RejectReason
from market.words import OrderKind, SelfTradeMode, ShortSale, Side, Validity
from participants.delivery_requests import (
    DELIVERY_METHODS,
    DeliveryList,
    DeliveryRequest,
    method_of_act,
    to_act,
)
from participants.diagnosis import Refusal, diagnose
from participants.envelope import (
    SEQ_MAX,
    Envelope,
    Issue,
    Letters,
    Name,
    Numbered,
    OrderText,
    Params,
    Seq,
)

VERSION: Final = 1
"""Version of this protocol; additive changes only inside a version."""

FRAME_BYTES_MAX: Final = 4096
LOGON_BYTES_MAX: Final = 1024

_GRACE_MS_MAX: Final = 600_000

AccountLetters = Annotated[str, Meta(max_length=16)]
IssueLetters = Annotated[str, Meta(min_length=1, max_length=12)]

PriceText = Annotated[str, Meta(pattern=r"^(0|[1-9][0-9]{0,15})(\.[0-9]{1,2})?\Z")]
Hex32 = Annotated[str, Meta(pattern=r"^[0-9a-f]{64}\Z")]
Hex64 = Annotated[str, Meta(pattern=r"^[0-9a-f]{128}\Z")]
SeqOrNone = Annotated[int, Meta(ge=0, le=SEQ_MAX)]
WallNs = Annotated[int, Meta(ge=0, le=2**63 - 1)]
Quantity = Annotated[int, Meta(ge=-(2**63), le=2**63 - 1)]
"""Any 64-bit integer; whether it is a quantity is a question of value, see ``to_command``."""


# --- what may be asked


class NoParams(Params, frozen=True, kw_only=True):
    """The empty object."""


class DisconnectParams(Params, frozen=True, kw_only=True):
    """What a lost connection does to open orders; ``grace_ms`` belongs to mode grace."""

    mode: DisconnectMode
    grace_ms: Annotated[int, Meta(ge=0, le=_GRACE_MS_MAX)] | UnsetType = UNSET


class LogonParams(Params, frozen=True, kw_only=True):
    """Who speaks, and the signature over the transcript of participants/keys.py.

    Attributes:
        version: Protocol version; must be the hello's.
        client_nonce: 32 bytes of the client's own, 64 lower-case hex digits.
        at_ns: The client's wall clock, UTC nanoseconds.
        last_seen_report_seq: Newest report the client holds; 0 for none.
        next_seq: The number its first request will carry.
        cancel_on_disconnect: Left out, the market's rule holds.
    """

    version: Annotated[int, Meta(ge=0, le=2**31 - 1)]
    key_id: Name
    session_id: Name
    client_nonce: Hex32
    at_ns: WallNs
    last_seen_report_seq: SeqOrNone
    next_seq: Seq
    signature: Hex64
    takeover: bool | UnsetType = UNSET
    cancel_on_disconnect: DisconnectParams | UnsetType = UNSET


class Logon(Envelope, frozen=True, kw_only=True, tag="logon"):
    """The first and only message before a session is live."""

    params: LogonParams


class Ping(Envelope, frozen=True, kw_only=True, tag="ping"):
    """I am here; what time is it?"""

    params: NoParams | UnsetType = UNSET


class OrderNewParams(Params, frozen=True, kw_only=True):
    """A new order; ``price`` with limit orders only, ``validity`` day when left out.

    ``short_sale`` marks a sell of units that are not held; ``size_confirmed`` stands by a size that
    would be answered ABNORMAL_SIZE_QUERY without it.
    """

    client_order_id: Letters
    instrument_id: IssueLetters
    side: Side
    kind: OrderKind
    quantity_units: Quantity
    price: PriceText | UnsetType = UNSET
    validity: Validity | UnsetType = UNSET
    account: AccountLetters | UnsetType = UNSET
    stp: SelfTradeMode | UnsetType = UNSET
    short_sale: ShortSale | UnsetType = UNSET
    size_confirmed: bool | UnsetType = UNSET


class OrderNew(Numbered, frozen=True, kw_only=True, tag="order.new"):
    """New order (新規注文)."""

    params: OrderNewParams


class OrderAmendParams(Params, frozen=True, kw_only=True):
    """Exactly one name of the order, and a new price, a new quantity or both.

    The quantity is the open one, ``leaves_units``; where the market replaces by total it is
    ``total_units``, fills included.
    """

    client_order_id: Letters
    order_id: OrderText | UnsetType = UNSET
    original_client_order_id: Letters | UnsetType = UNSET
    price: PriceText | UnsetType = UNSET
    leaves_units: Quantity | UnsetType = UNSET
    total_units: Quantity | UnsetType = UNSET
    size_confirmed: bool | UnsetType = UNSET


class OrderAmend(Numbered, frozen=True, kw_only=True, tag="order.amend"):
    """Amend (訂正)."""

    params: OrderAmendParams


class OrderCancelParams(Params, frozen=True, kw_only=True):
    """Exactly one name of the order."""

    order_id: OrderText | UnsetType = UNSET
    original_client_order_id: Letters | UnsetType = UNSET


class OrderCancel(Numbered, frozen=True, kw_only=True, tag="order.cancel"):
    """Cancel (取消)."""

    params: OrderCancelParams


class OrderMassCancelParams(Params, frozen=True, kw_only=True):
    """A scope, narrowed to one issue or side where given."""

    scope: MassCancelScope
    instrument_id: Issue | UnsetType = UNSET
    side: Side | UnsetType = UNSET


class OrderMassCancel(Numbered, frozen=True, kw_only=True, tag="order.mass_cancel"):
    """Cancel every open order in a scope."""

    params: OrderMassCancelParams


class KillSwitch(Numbered, frozen=True, kw_only=True, tag="kill"):
    """Cancel everything of the firm and stop its entry."""

    params: NoParams | UnsetType = UNSET


class ReportResendParams(Params, frozen=True, kw_only=True):
    """Reports from one number to another, both included; left out, as many as one may ask."""

    from_seq: Seq
    to_seq: Seq | UnsetType = UNSET


class ReportResend(Numbered, frozen=True, kw_only=True, tag="report.resend"):
    """Send reports again, byte for byte."""

    params: ReportResendParams


class OrderListParams(Params, frozen=True, kw_only=True):
    """The firm's open orders, of one issue where given."""

    instrument_id: Issue | UnsetType = UNSET


class OrderList(Numbered, frozen=True, kw_only=True, tag="order.list"):
    """Query: open orders."""

    params: OrderListParams | UnsetType = UNSET


class BalanceList(Numbered, frozen=True, kw_only=True, tag="balance.list"):
    """Query: cash and units."""

    params: NoParams | UnsetType = UNSET


class LimitsGet(Numbered, frozen=True, kw_only=True, tag="limits.get"):
    """Query: pre-trade limits."""

    params: NoParams | UnsetType = UNSET


class WhoAmI(Numbered, frozen=True, kw_only=True, tag="whoami"):
    """Query: identity and message rate."""

    params: NoParams | UnsetType = UNSET


class LogoutParams(Params, frozen=True, kw_only=True):
    """Whether the session's open orders go; they stay when left out."""

    cancel_open: bool | UnsetType = UNSET


class Logout(Numbered, frozen=True, kw_only=True, tag="logout"):
    """A clean end."""

    params: LogoutParams | UnsetType = UNSET


OrderRequest = OrderNew | OrderAmend | OrderCancel | OrderMassCancel | KillSwitch | DeliveryRequest
"""Requests that become commands."""

QueryRequest = OrderList | BalanceList | LimitsGet | DeliveryList
"""Requests answered from core state, without a command."""

SessionRequest = ReportResend | WhoAmI | Logout
"""Requests the session answers itself."""

OrderCommand = NewOrder | AmendOrder | CancelOrder | MassCancel | Kill | ActOnDelivery
"""What order requests become."""

Inbound = Logon | Ping | OrderRequest | QueryRequest | SessionRequest
"""Any message a client may send."""

METHODS: Final = (
    "logon", "ping", "order.new", "order.amend", "order.cancel", "order.mass_cancel", "kill",
    *DELIVERY_METHODS, "report.resend", "order.list", "balance.list", "limits.get",
    "delivery.list", "whoami", "logout",
)  # fmt: skip
"""Every method; anything else is UNKNOWN_TYPE."""

_PLAIN: Final = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-"
_LABEL_ONLY: Final = ("%s", attrgetter("req_id"))
_NAMES_OF: Final[dict[type, tuple[str, Callable[[Inbound], Any]]]] = {
    OrderNew: (
        "%s%s%s%s",
        attrgetter("req_id", "params.client_order_id", "params.instrument_id", "params.account"),
    ),
    OrderAmend: (
        "%s%s%s",
        attrgetter("req_id", "params.client_order_id", "params.original_client_order_id"),
    ),
    OrderCancel: ("%s%s", attrgetter("req_id", "params.original_client_order_id")),
}
"""The fields of type ``Letters`` and its kin, for each busy request."""

_BACKSLASH: Final = ord("\\")
_DECODE: Final = msgspec.json.Decoder(Inbound).decode
_ENCODE: Final = msgspec.json.Encoder().encode


def decode(
    frame: bytes | str, *, binary: bool = False, bytes_max: int = FRAME_BYTES_MAX
) -> Inbound | Refusal:
    """Read one frame; never raises.

    Args:
        frame: A text frame, as text or as its undecoded bytes.
        binary: True for a binary frame, which is refused unread.
        bytes_max: The longest message allowed, bytes of UTF-8.

    Returns:
        The request, or the refusal with its field, method and label where they could be read.
    """
    if binary:
        return Refusal(reason=RejectReason.UNSUPPORTED_TYPE)
    if len(frame) > bytes_max:
        return Refusal(reason=RejectReason.FRAME_TOO_LARGE)
    try:
        raw = frame.encode() if isinstance(frame, str) else frame
        request: Inbound = _DECODE(raw)
        if (
            raw.find(_BACKSLASH) < 0
            and _is_plain(request)
            and raw.count(b":") == _ENCODE(request).count(b":")
        ):
            return request
        cause = None
    except Exception as error:  # noqa: BLE001  the one exception boundary, see diagnosis.py
        cause = error
    return diagnose(frame, cause, METHODS, bytes_max)


def _is_plain(request: Inbound) -> bool:
    """Whether the names without a pattern of their own are made of plain letters.

    A field left out is written as the word UNSET, which is.
    """
    template, names = _NAMES_OF.get(type(request), _LABEL_ONLY)
    return not (template % names(request)).encode().translate(None, _PLAIN)


# --- to commands


class Identity(Message, frozen=True, kw_only=True):
    """Who asks: taken from the verified logon, never from a message."""

    participant_id: ParticipantId
    session_id: SessionId
    generation: int


def to_command(request: OrderRequest, identity: Identity) -> OrderCommand | Refusal:
    """The command a request asks for, in the name of the session that received it.

    Returns:
        The command, or a refusal: OUT_OF_RANGE for a price or quantity no order may carry,
        INVALID_COMBINATION for fields that do not fit together.
    """
    match request:
        case OrderNew():
            return _new_order(request, identity)
        case OrderCancel():
            return _cancel_order(request, identity)
        case OrderAmend():
            return _amend_order(request, identity)
        case OrderMassCancel():
            return _mass_cancel(request, identity)
        case KillSwitch():
            return Kill(
                participant_id=identity.participant_id,
                session_id=identity.session_id,
                generation=identity.generation,
                req_id=request.req_id,
            )
        case _:
            return _act_on_delivery(request, identity)


def _act_on_delivery(request: DeliveryRequest, identity: Identity) -> ActOnDelivery:
    return ActOnDelivery(
        participant_id=identity.participant_id,
        session_id=identity.session_id,
        generation=identity.generation,
        req_id=request.req_id,
        client_request_id=ClientOrderId(request.params.client_request_id),
        act=to_act(request),
    )


def _new_order(request: OrderNew, identity: Identity) -> NewOrder | Refusal:
    asked = request.params
    price = asked.price
    if (price is UNSET) is not (asked.kind is OrderKind.MARKET):
        return _refusal(request, RejectReason.INVALID_COMBINATION, "params.price")
    price_sen = NO_PRICE if price is UNSET else price_from_text(price)
    if price_sen is None:
        return _refusal(request, RejectReason.OUT_OF_RANGE, "params.price")
    if not 1 <= asked.quantity_units <= MAX_QUANTITY_UNITS:
        return _refusal(request, RejectReason.OUT_OF_RANGE, "params.quantity_units")

    return NewOrder(
        participant_id=identity.participant_id,
        session_id=identity.session_id,
        generation=identity.generation,
        req_id=request.req_id,
        client_order_id=ClientOrderId(asked.client_order_id),
        instrument_id=InstrumentId(asked.instrument_id),
        side=asked.side,
        kind=asked.kind,
        price_sen=price_sen,
        quantity_units=Units(asked.quantity_units),
        validity=Validity.DAY if asked.validity is UNSET else asked.validity,
        account="" if asked.account is UNSET else asked.account,
        self_trade_mode=None if asked.stp is UNSET else asked.stp,
        short_sale=None if asked.short_sale is UNSET else asked.short_sale,
        size_confirmed=asked.size_confirmed is True,
    )


def _amend_order(request: OrderAmend, identity: Identity) -> AmendOrder | Refusal:
    asked = request.params
    if (asked.order_id is UNSET) is (asked.original_client_order_id is UNSET):
        return _refusal(request, RejectReason.INVALID_COMBINATION, "params.order_id")
    if asked.price is UNSET and asked.leaves_units is UNSET and asked.total_units is UNSET:
        return _refusal(request, RejectReason.INVALID_COMBINATION, "params.price")
    price_sen = None if asked.price is UNSET else price_from_text(asked.price)
    if price_sen is None and asked.price is not UNSET:
        return _refusal(request, RejectReason.OUT_OF_RANGE, "params.price")
    leaves = asked.leaves_units
    if leaves is not UNSET and not 1 <= leaves <= MAX_QUANTITY_UNITS:
        return _refusal(request, RejectReason.OUT_OF_RANGE, "params.leaves_units")
    total = asked.total_units
    if total is not UNSET and not 1 <= total <= MAX_QUANTITY_UNITS:
        return _refusal(request, RejectReason.OUT_OF_RANGE, "params.total_units")

    return AmendOrder(
        participant_id=identity.participant_id,
        session_id=identity.session_id,
        generation=identity.generation,
        req_id=request.req_id,
        client_order_id=ClientOrderId(asked.client_order_id),
        original_client_order_id=_client_order_id(asked.original_client_order_id),
        order_id=_order_id(asked.order_id),
        price_sen=price_sen,
        leaves_units=None if leaves is UNSET else Units(leaves),
        total_units=None if total is UNSET else Units(total),
        size_confirmed=asked.size_confirmed is True,
    )


def _cancel_order(request: OrderCancel, identity: Identity) -> CancelOrder | Refusal:
    asked = request.params
    if (asked.order_id is UNSET) is (asked.original_client_order_id is UNSET):
        return _refusal(request, RejectReason.INVALID_COMBINATION, "params.order_id")

    return CancelOrder(
        participant_id=identity.participant_id,
        session_id=identity.session_id,
        generation=identity.generation,
        req_id=request.req_id,
        original_client_order_id=_client_order_id(asked.original_client_order_id),
        order_id=_order_id(asked.order_id),
    )


def _mass_cancel(request: OrderMassCancel, identity: Identity) -> MassCancel:
    asked = request.params
    issue = asked.instrument_id
    return MassCancel(
        participant_id=identity.participant_id,
        session_id=identity.session_id,
        generation=identity.generation,
        req_id=request.req_id,
        scope=asked.scope,
        instrument_id=None if issue is UNSET else InstrumentId(issue),
        side=None if asked.side is UNSET else asked.side,
    )


def _client_order_id(text: str | UnsetType) -> ClientOrderId | None:
    return None if text is UNSET else ClientOrderId(text)


def _order_id(text: str | UnsetType) -> OrderId | None:
    return None if text is UNSET else OrderId(int(text[2:]))


def _refusal(request: Inbound, reason: RejectReason, field: str) -> Refusal:
    return Refusal(reason=reason, field=field, method=method_of(request), req_id=request.req_id)


def method_of(request: Inbound) -> str:
    """The method a request was sent under."""
    tag = request.__struct_config__.tag
    return tag if isinstance(tag, str) else ""


_METHOD_OF_COMMAND: Final[dict[type[OrderCommand], str]] = {
    NewOrder: "order.new",
    AmendOrder: "order.amend",
    CancelOrder: "order.cancel",
    MassCancel: "order.mass_cancel",
    Kill: "kill",
}


def method_of_command(command: OrderCommand) -> str:
    """The method a command was asked for under."""
    if isinstance(command, ActOnDelivery):
        return method_of_act(command.act)
    return _METHOD_OF_COMMAND[type(command)]


# --- the session's own answers


class _Out(Struct, frozen=True, kw_only=True, gc=False):
    """One message to the client; UNSET fields are left out."""


class _Error(_Out, frozen=True, kw_only=True):
    """Why; code and texts are the catalogue's (``kitahama errors``)."""

    code: RejectReason
    text: str
    text_ja: str
    retryable: bool
    field: str | UnsetType = UNSET
    retry_after_ms: int | UnsetType = UNSET
    next_seq: int | UnsetType = UNSET
    at_ns: int | UnsetType = UNSET


class _Refused(_Out, frozen=True, kw_only=True):
    """A request refused at the door; it is not journaled and takes no number."""

    method: str | None
    req_id: str | None
    ok: bool
    error: _Error


class _Answered(_Out, frozen=True, kw_only=True):
    """The answer to a request that is not journaled: ping, logon, queries, logout."""

    method: str
    req_id: str
    ok: bool
    result: Any


class _Hello(_Out, frozen=True, kw_only=True):
    """The first message of a connection, with the nonce that the logon signs."""

    channel: str
    type: str
    version: int
    environment: str
    run_id: str
    nonce: str
    at_ns: int


class _Heartbeat(_Out, frozen=True, kw_only=True):
    """The venue is here, and which number it expects next."""

    channel: str
    type: str
    next_seq: int


def encode_hello(*, environment: str, run_id: str, nonce_hex: str, at_ns: int) -> bytes:
    """The first message of every connection; ``at_ns`` is the server's wall clock."""
    return _ENCODE(
        _Hello(
            channel="session",
            type="hello",
            version=VERSION,
            environment=environment,
            run_id=run_id,
            nonce=nonce_hex,
            at_ns=at_ns,
        )
    )


def encode_heartbeat(*, next_seq: int) -> bytes:
    """The server is here and expects ``next_seq``."""
    return _ENCODE(_Heartbeat(channel="session", type="heartbeat", next_seq=next_seq))


def encode_result(*, method: str, req_id: str, result: Any) -> bytes:
    """A good answer to a request that is not journaled; ``result`` is plain data."""
    return _ENCODE(_Answered(method=method, req_id=req_id, ok=True, result=result))


def encode_refusal(refusal: Refusal, *, next_seq: int | None = None) -> bytes:
    """The answer to a request refused at the door; code, text and retryable from the catalogue.

    Args:
        refusal: What was refused, and why.
        next_seq: The sequence number the session expects next, when it is live.
    """
    entry = CATALOGUE[refusal.reason]
    error = _Error(
        code=refusal.reason,
        text=entry.text_en,
        text_ja=entry.text_ja,
        retryable=entry.retryable,
        field=UNSET if refusal.field is None else refusal.field,
        retry_after_ms=UNSET if refusal.retry_after_ms is None else refusal.retry_after_ms,
        next_seq=UNSET if next_seq is None else next_seq,
        at_ns=UNSET if refusal.at_ns is None else refusal.at_ns,
    )
    return _ENCODE(_Refused(method=refusal.method, req_id=refusal.req_id, ok=False, error=error))
