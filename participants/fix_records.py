"""The records FIX sessions are sent, and how each is written in FIX 4.2 and in FIX 4.4.

Purpose: a record holds what happened once; its text is made when it is sent and made again, the
same, when it is sent again. Fields stand in the profile's order (participants/fix_profiles.py).
Ordering: none; pure functions.
Invariants: the same record and profile give the same bytes.
Cost: about 6 microseconds for an execution.
Known limits: AvgPx (6) is rounded half up to four decimals of a yen; the sums behind it are exact.
START's dictionary has no reference from a voided fill to the fill (tag 19), so 4.2 names the trade
by 880 and says ``busted`` in 58.
Source: START FIX 1.1 (2nd-hand); FIX 4.2 (ExecTransType) and FIX 4.4 (ExecType F, H, I).
"""

from datetime import UTC, datetime
from functools import lru_cache
from typing import Final

from market.ids import (
    DeliveryId,
    OrderId,
    TradeId,
    delivery_id_to_text,
    order_id_to_text,
    trade_id_to_text,
)
from market.message import Message
from market.quantities import SEN_PER_YEN, Sen, price_to_text
from market.reasons import CATALOGUE, CancelReason, RejectReason
from market.words import OrderKind, ShortSale, Side, Validity
from participants.fix_codec import body

NO_ORDER: Final = "NONE"
"""OrderID (37) where there is no order: FIX's own word for it."""

_NS_PER_S: Final = 1_000_000_000
_NS_PER_MS: Final = 1_000_000
_AVERAGE_PARTS: Final = 10_000  # four decimals of a yen

R = RejectReason

_ORDER_REJECT_42: Final[dict[RejectReason, int]] = {
    R.UNKNOWN_INSTRUMENT: 1,
    R.PHASE_CLOSED: 2,
    R.NOT_TRADABLE: 2,
    R.VENUE_HALTED: 2,
    R.ORDER_QTY_LIMIT: 3,
    R.SHARE_OF_ISSUE: 3,
    R.FIRM_QTY_LIMIT: 3,
    R.ORDER_VALUE_LIMIT: 3,
    R.OPEN_ORDER_LIMIT: 3,
    R.INSUFFICIENT_CASH: 3,
    R.INSUFFICIENT_HOLDING: 3,
    R.ABNORMAL_SIZE_QUERY: 3,
    R.ID_CONFLICT: 6,
    R.DUPLICATE: 6,
    R.STALE_GENERATION: 8,
}
"""OrdRejReason (103); what is not here is 0, broker option, and 58 has the code."""

_ORDER_REJECT_44: Final[dict[RejectReason, int]] = _ORDER_REJECT_42 | {
    R.INVALID_COMBINATION: 11,
    R.MARKET_ORDER_BARRED: 11,
    R.SHORT_SALE_BARRED: 11,
    R.BAD_LOT: 13,
    R.BAD_TICK: 99,
    R.OUTSIDE_PRICE_LIMIT: 99,
}
_CANCEL_REJECT: Final[dict[RejectReason, int]] = {
    R.UNKNOWN_ORDER: 1,
    R.ALREADY_TERMINAL: 0,
    R.NON_CANCEL_PERIOD: 0,
    R.ID_CONFLICT: 6,
}
"""CxlRejReason (102); what is not here is 2, broker option."""

_TIME_IN_FORCE: Final[dict[Validity, str]] = {
    Validity.NEXT_AUCTION: "3",
    Validity.IOC: "3",
    Validity.FOK: "4",
    Validity.ON_OPEN: "2",
    Validity.ON_CLOSE: "7",
}
"""TimeInForce (59); absent says day. START's own IOC can only mean the next cross."""

_RESTATED: Final = "D"
_IN_42: Final = {"F": "1", "H": "1"}


class Execution(Message, frozen=True, kw_only=True, tag=False):
    """One ExecutionReport (35=8); amounts as everywhere: sen, units, yen. 0 is "none"."""

    exec_id: str
    at_ns: int
    kind: str
    order_id: int
    client_order_id: str
    original: str
    account: str
    capacity: str
    instrument_id: str
    side: Side
    short_sale: ShortSale | None
    order_kind: OrderKind
    price_sen: int
    validity: Validity
    status: str
    quantity_units: int
    cum_units: int
    leaves_units: int
    value_sen: int
    last_units: int
    last_price_sen: int
    trade_id: int
    contra: str
    delivery_id: int
    settlement_date: str
    amount_yen: int
    cancel_reason: CancelReason | None
    reject_reason: RejectReason | None

    @property
    def msg_type(self) -> str:
        """MsgType (35)."""
        return "8"

    def body_42(self) -> bytes:
        """The body in START's FIX 4.2."""
        kind, trans = self.kind, "0"
        if kind == "F":
            kind = "2" if self.leaves_units == 0 else "1"
        elif kind == "H":
            kind, trans = self.status, "1"
        elif kind == "I":
            kind, trans = self.status, "3"
        return body(
            (37, order_id_to_text(OrderId(self.order_id)) if self.order_id else NO_ORDER),
            (11, self.client_order_id),
            (17, self.exec_id),
            (20, trans),
            (150, kind),
            (39, self.status),
            (55, self.instrument_id),
            (54, side_of(self.side, self.short_sale)),
            (38, self.quantity_units),
            (151, self.leaves_units),
            (14, self.cum_units),
            (6, self.average()),
            (1, self.account or None),
            (31, price_to_text(Sen(self.last_price_sen)) if self.last_units else None),
            (32, self.last_units or None),
            (40, "2" if self.order_kind is OrderKind.LIMIT else "1"),
            (41, self.original or None),
            (44, price_to_text(Sen(self.price_sen)) if self.price_sen else None),
            (47, self.capacity or None),
            (58, self.text()),
            (59, _TIME_IN_FORCE.get(self.validity)),
            (60, utc_text(self.at_ns)),
            (103, self._order_reject(_ORDER_REJECT_42)),
            (378, self._restatement(4)),
            (382, 1 if self.contra else None),
            (375, self.contra or None),
            (880, trade_id_to_text(TradeId(self.trade_id)) if self.trade_id else None),
        )

    def body_44(self) -> bytes:
        """The body in our FIX 4.4."""
        trade = trade_id_to_text(TradeId(self.trade_id)) if self.trade_id else None
        tif = _TIME_IN_FORCE.get(self.validity)
        return body(
            (37, order_id_to_text(OrderId(self.order_id)) if self.order_id else NO_ORDER),
            (17, self.exec_id),
            (150, self.kind),
            (39, self.status),
            (55, self.instrument_id),
            (54, side_of(self.side, self.short_sale)),
            (151, self.leaves_units),
            (14, self.cum_units),
            (6, self.average()),
            (11, self.client_order_id),
            (41, self.original or None),
            (19, trade if self.kind == "H" else None),
            (1, self.account or None),
            (64, self.settlement_date.replace("-", "") or None),
            (38, self.quantity_units),
            (40, "2" if self.order_kind is OrderKind.LIMIT else "1"),
            (44, price_to_text(Sen(self.price_sen)) if self.price_sen else None),
            (59, tif),
            (528, self.capacity or None),
            (32, self.last_units or None),
            (31, price_to_text(Sen(self.last_price_sen)) if self.last_units else None),
            (60, utc_text(self.at_ns)),
            (103, self._order_reject(_ORDER_REJECT_44)),
            (378, self._restatement(8)),
            (381, self.amount_yen or None),
            (382, 1 if self.contra else None),
            (375, self.contra or None),
            (880, trade),
            (5004, delivery_id_to_text(DeliveryId(self.delivery_id)) if self.delivery_id else None),
            (58, self.text()),
        )

    def average(self) -> str:
        """AvgPx (6) of all fills, yen, at most four decimals; 0 before the first."""
        if not self.cum_units:
            return "0"
        parts = self.value_sen * _AVERAGE_PARTS
        average = (2 * parts // SEN_PER_YEN + self.cum_units) // (2 * self.cum_units)
        yen, rest = divmod(average, _AVERAGE_PARTS)
        return f"{yen}.{rest:04d}".rstrip("0") if rest else str(yen)

    def text(self) -> str | None:
        """Text (58): our own code, and words where it is a refusal."""
        if self.reject_reason is not None:
            return reason_text(self.reject_reason)
        if self.kind == "H":
            return "busted"
        return None if self.cancel_reason is None else self.cancel_reason.value

    def _order_reject(self, table: dict[RejectReason, int]) -> int | None:
        return None if self.reject_reason is None else table.get(self.reject_reason, 0)

    def _restatement(self, by_market: int) -> int | None:
        if self.kind == _RESTATED:
            return 5
        return None if self.cancel_reason is None else by_market


class CancelReject(Message, frozen=True, kw_only=True, tag=False):
    """One OrderCancelReject (35=9)."""

    exec_id: str
    at_ns: int
    order_id: int
    client_order_id: str
    original: str
    status: str
    is_replace: bool
    reason: RejectReason

    @property
    def msg_type(self) -> str:
        """MsgType (35)."""
        return "9"

    def body_42(self) -> bytes:
        """The same in both profiles."""
        return body(
            (37, order_id_to_text(OrderId(self.order_id)) if self.order_id else NO_ORDER),
            (11, self.client_order_id),
            (41, self.original or NO_ORDER),
            (39, self.status),
            (434, "2" if self.is_replace else "1"),
            (102, _CANCEL_REJECT.get(self.reason, 2)),
            (58, reason_text(self.reason)),
        )

    body_44 = body_42


class MassCancelReport(Message, frozen=True, kw_only=True, tag=False):
    """One OrderMassCancelReport (35=r), FIX 4.4 only; ``affected`` None says refused."""

    exec_id: str
    at_ns: int
    client_order_id: str
    instrument_id: str
    side: Side | None
    affected: int | None

    @property
    def msg_type(self) -> str:
        """MsgType (35)."""
        return "r"

    def body_44(self) -> bytes:
        """The body in our FIX 4.4."""
        asked = "1" if self.instrument_id else "7"
        refused = self.affected is None
        return body(
            (37, self.exec_id),
            (530, asked),
            (531, "0" if refused else asked),
            (11, self.client_order_id),
            (532, 99 if refused else None),
            (533, self.affected),
            (55, self.instrument_id or None),
            (54, None if self.side is None else side_of(self.side, None)),
            (60, utc_text(self.at_ns)),
        )

    body_42 = body_44


Told = Execution | CancelReject | MassCancelReport


def reason_text(reason: RejectReason) -> str:
    """Our stable code and its words, as Text (58)."""
    return f"{reason.value}: {CATALOGUE[reason].text_en}"


def side_of(side: Side, short_sale: ShortSale | None) -> str:
    """Side (54)."""
    if short_sale is ShortSale.SHORT:
        return "5"
    if short_sale is ShortSale.EXEMPT:
        return "6"
    return "1" if side is Side.BUY else "2"


@lru_cache(maxsize=8)
def _second_text(seconds: int) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y%m%d-%H:%M:%S")


@lru_cache(maxsize=64)
def _second_of(text: str) -> int | None:
    try:
        return int(datetime.strptime(text, "%Y%m%d-%H:%M:%S").replace(tzinfo=UTC).timestamp())
    except ValueError:
        return None


def utc_text(at_ns: int) -> str:
    """UTCTimestamp with milliseconds; the text of a second is made once."""
    seconds, rest = divmod(at_ns, _NS_PER_S)
    return f"{_second_text(seconds)}.{rest // _NS_PER_MS:03d}"


def utc_ns(text: str) -> int | None:
    """Nanoseconds of a UTCTimestamp, or None when it is no time."""
    head, _, milliseconds = text.partition(".")
    seconds = _second_of(head)
    if seconds is None:
        return None
    return seconds * _NS_PER_S + int(milliseconds or 0) * _NS_PER_MS
