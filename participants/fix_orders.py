"""A client's FIX order messages as commands of its session: D, F, G, q.

Purpose: values and names, no session state. What the market decides (price, tick, phase, credit) is
left to it and comes back as an execution report, the same refusal as at the websocket door.
Ordering: names, then quantity and price, then what does not fit together.
Invariants: identity is the session's, never the message's; nothing here changes anything; what is
refused here never reached the journal.
Known limits: a replace (G) names the order's total quantity, as FIX says; where the market amends
the open quantity, the fills known when the message is read are taken off it, so a fill on its way
at that moment makes the open quantity larger by itself. START's FIX has no field that confirms an
unusual size, so such an order has to be confirmed at another door.
Source: START FIX 1.1 (2nd-hand), FIX 4.4.
"""

import re
from dataclasses import dataclass
from typing import Final

from market.commands import (
    NO_PRICE,
    AmendOrder,
    CancelOrder,
    MassCancel,
    MassCancelScope,
    NewOrder,
)
from market.ids import ClientOrderId, InstrumentId
from market.quantities import MAX_QUANTITY_UNITS, Sen, Units, price_from_text
from market.reasons import RejectReason
from market.words import OrderKind, ShortSale, Side, Validity
from participants.fix_codec import FixMessage
from participants.fix_reports import FixReports
from participants.fix_rules import INCORRECT, Breach
from participants.wire import Identity

OTHER: Final = 0
UNKNOWN_SECURITY: Final = 2
CONDITIONALLY_MISSING: Final = 5

_NAME: Final = re.compile(r"[A-Za-z0-9._-]{1,36}")
_ACCOUNT: Final = re.compile(r"[A-Za-z0-9._-]{1,16}")
_ISSUE: Final = re.compile(r"[A-Za-z0-9._-]{1,12}")

_SIDES: Final = {"1": Side.BUY, "2": Side.SELL, "5": Side.SELL, "6": Side.SELL}
_SHORT: Final = {"5": ShortSale.SHORT, "6": ShortSale.EXEMPT}
_VALIDITIES: Final = {
    "": Validity.DAY,
    "0": Validity.DAY,
    "2": Validity.ON_OPEN,
    "4": Validity.FOK,
    "7": Validity.ON_CLOSE,
}

OrderCommand = NewOrder | AmendOrder | CancelOrder | MassCancel


@dataclass(frozen=True, slots=True)
class Unfit:
    """A message that is well formed and still no request: BusinessRejectReason (380) and words."""

    reason: int
    text: str


@dataclass(frozen=True, slots=True)
class Market:
    """What of the market's set-up a message is read by.

    Attributes:
        immediate: What TimeInForce 3 means here: the next cross, or immediate or cancel.
        by_total: Whether amendments name the total quantity.
        isins: ISIN of each issue.
    """

    immediate: Validity = Validity.NEXT_AUCTION
    by_total: bool = False
    isins: dict[str, str] | None = None


def to_command(
    message: FixMessage, identity: Identity, reports: FixReports, market: Market
) -> OrderCommand | Breach | Unfit:
    """The command a valid D, F, G or q asks for, or why there is none."""
    fields = message.fields
    if _NAME.fullmatch(fields["11"]) is None:
        return Breach(INCORRECT, "11", "ClOrdID is 1 to 36 of A-Z a-z 0-9 . _ -")
    symbol = fields.get("55")
    if symbol is not None and _ISSUE.fullmatch(symbol) is None:
        return Unfit(UNKNOWN_SECURITY, RejectReason.UNKNOWN_INSTRUMENT.value)
    if message.kind == "D":
        return _new(message, identity, market)
    if message.kind == "q":
        return _mass_cancel(message, identity)
    if _NAME.fullmatch(fields["41"]) is None:
        return Breach(INCORRECT, "41", "OrigClOrdID is 1 to 36 of A-Z a-z 0-9 . _ -")
    if message.kind == "G":
        return _replace(message, identity, reports, market)
    return CancelOrder(
        participant_id=identity.participant_id,
        session_id=identity.session_id,
        generation=identity.generation,
        req_id=fields["11"],
        original_client_order_id=ClientOrderId(fields["41"]),
    )


def _new(message: FixMessage, identity: Identity, market: Market) -> NewOrder | Breach | Unfit:
    fields = message.fields
    account = fields.get("1", "")
    if account and _ACCOUNT.fullmatch(account) is None:
        return Breach(INCORRECT, "1", "Account is 1 to 16 of A-Z a-z 0-9 . _ -")
    quantity = quantity_of(fields["38"])
    if quantity is None:
        return Breach(INCORRECT, "38", "OrderQty is a whole number from 1 to 2147483647")
    kind = OrderKind.LIMIT if fields["40"] == "2" else OrderKind.MARKET
    if kind is OrderKind.LIMIT and "44" not in fields:
        return Unfit(CONDITIONALLY_MISSING, "a limit order has a Price (44)")
    if kind is OrderKind.MARKET and "44" in fields:
        return Unfit(OTHER, "INVALID_COMBINATION: a market order has no Price (44)")
    price = price_of(fields["44"]) if kind is OrderKind.LIMIT else NO_PRICE
    if price is None:
        return Breach(INCORRECT, "44", "Price is 0.01 to 21474836.46 yen")
    misnamed = _misnamed(fields, market)
    if misnamed is not None:
        return misnamed
    side = fields["54"]
    tif = fields.get("59", "")
    return NewOrder(
        participant_id=identity.participant_id,
        session_id=identity.session_id,
        generation=identity.generation,
        req_id=fields["11"],
        client_order_id=ClientOrderId(fields["11"]),
        instrument_id=InstrumentId(fields["55"]),
        side=_SIDES[side],
        kind=kind,
        price_sen=price,
        quantity_units=quantity,
        validity=market.immediate if tif == "3" else _VALIDITIES[tif],
        account=account,
        short_sale=_SHORT.get(side),
        carried=fields.get("47") or fields.get("528") or "",
    )


def _misnamed(fields: dict[str, str], market: Market) -> Unfit | None:
    """SecurityID (48) and IDSource (22) go together and name the issue that Symbol (55) names."""
    isin, source = fields.get("48"), fields.get("22")
    if isin is None and source is None:
        return None
    if isin is None or source is None:
        return Unfit(CONDITIONALLY_MISSING, "SecurityID (48) and IDSource (22) go together")
    known = (market.isins or {}).get(fields["55"])
    if known is not None and known != isin:
        return Unfit(UNKNOWN_SECURITY, "SecurityID (48) is not the ISIN of Symbol (55)")
    return None


def _replace(
    message: FixMessage, identity: Identity, reports: FixReports, market: Market
) -> AmendOrder | Breach | Unfit:
    fields = message.fields
    view = reports.find(identity.participant_id, fields["41"])
    kind = OrderKind.LIMIT if fields["40"] == "2" else OrderKind.MARKET
    if view is not None and view.kind is not kind:
        return Unfit(OTHER, "INVALID_COMBINATION: OrdType (40) does not change")
    price = price_of(fields["44"]) if "44" in fields else None
    if "44" in fields and price is None:
        return Breach(INCORRECT, "44", "Price is 0.01 to 21474836.46 yen")
    total = quantity_of(fields["38"]) if "38" in fields else None
    if "38" in fields and total is None:
        return Breach(INCORRECT, "38", "OrderQty is a whole number from 1 to 2147483647")
    leaves = None
    if total is not None and not market.by_total:
        leaves = Units(total - (0 if view is None else view.cum_units))
        if leaves <= 0:
            return Unfit(OTHER, "OUT_OF_RANGE: so much of the order is filled already")
    return AmendOrder(
        participant_id=identity.participant_id,
        session_id=identity.session_id,
        generation=identity.generation,
        req_id=fields["11"],
        client_order_id=ClientOrderId(fields["11"]),
        original_client_order_id=ClientOrderId(fields["41"]),
        price_sen=price,
        leaves_units=leaves,
        total_units=total if market.by_total else None,
    )


def _mass_cancel(message: FixMessage, identity: Identity) -> MassCancel | Unfit:
    """All orders of the session, or those of one issue; of one side where that is named."""
    fields = message.fields
    symbol = fields.get("55")
    if (symbol is None) is (fields["530"] == "1"):
        return Unfit(CONDITIONALLY_MISSING, "Symbol (55) goes with MassCancelRequestType (530) 1")
    side = fields.get("54")
    return MassCancel(
        participant_id=identity.participant_id,
        session_id=identity.session_id,
        generation=identity.generation,
        req_id=fields["11"],
        scope=MassCancelScope.SESSION,
        instrument_id=None if symbol is None else InstrumentId(symbol),
        side=None if side is None else _SIDES[side],
    )


def quantity_of(text: str) -> Units | None:
    """A whole number of units an order may have; FIX may write ``10`` as ``10.0``."""
    number = int(text.partition(".")[0])
    return Units(number) if 1 <= number <= MAX_QUANTITY_UNITS else None


def price_of(text: str) -> Sen | None:
    """An exact price; FIX may write ``100250`` as ``100250.0000``, and with zeros before it."""
    yen, _, decimals = text.partition(".")
    decimals = decimals.rstrip("0")
    plain = yen.lstrip("0") or "0"
    return price_from_text(f"{plain}.{decimals}" if decimals else plain)
