"""What an OUCH message asks of the market: commands, or the letter it is refused with.

Purpose: values and names, no session state. What the market decides (tick, limits, credit, phase)
is left to it and comes back as a refusal with a reason of its own, the same at every door.
Ordering: an O's fields are judged in the order they stand; the first that is wrong names the letter.
Invariants: identity is the session's, never the message's; every message becomes one command, so
whatever is answered under a number of the session's stream is in the journal; pure, never raises.
Known limits: minimum quantities and partial cancels (X with a quantity) are refused: the rulebook
has neither. Short sales are the market's to judge. Capacity, classification, cash-margin, firm and
client reference are carried and validated, no more; the firm may be any printable text.
Source: ODX equities OUCH 2.0, 6 and 7.7 (what is refused); letters: see participants/ouch.py.
"""

from dataclasses import dataclass, field
from typing import Final

from market.commands import AmendOrder, CancelOrder, NewOrder, RefuseRequest
from market.ids import ClientOrderId, InstrumentId, SessionId
from market.quantities import MAX_PRICE_SEN, MAX_QUANTITY_UNITS, Sen, Units
from market.reasons import CancelReason, RejectReason
from market.words import OrderKind, ShortSale, Side, Validity
from participants.ouch import (
    CAPACITIES,
    CASH_MARGINS,
    CLASSIFICATIONS,
    DAY,
    DISPLAY,
    GROUP,
    IMMEDIATE,
    SIDES,
    Cancel,
    Enter,
    Inbound,
    Replace,
)
from participants.wire import Identity

BAD_BOOK: Final = "S"
BAD_PRICE: Final = "X"
BAD_QUANTITY: Final = "Z"
BAD_MINIMUM: Final = "N"
BAD_TYPE: Final = "Y"
BAD_DISPLAY: Final = "D"
BAD_MARGIN: Final = "G"
BAD_FIRM: Final = "L"
FLOW: Final = "F"
OTHER: Final = "O"
NOT_NOW: Final = "R"

R = RejectReason
REJECT_LETTERS: Final[dict[RejectReason, str]] = {
    R.NOT_TRADABLE: "H",
    R.VENUE_HALTED: "H",
    R.UNKNOWN_INSTRUMENT: BAD_BOOK,
    R.BAD_TICK: BAD_PRICE,
    R.OUTSIDE_PRICE_LIMIT: BAD_PRICE,
    R.OUT_OF_RANGE: BAD_PRICE,
    R.BAD_LOT: BAD_QUANTITY,
    R.ORDER_QTY_LIMIT: BAD_QUANTITY,
    R.SHARE_OF_ISSUE: BAD_QUANTITY,
    R.ABNORMAL_SIZE_QUERY: BAD_QUANTITY,
    R.FIRM_QTY_LIMIT: BAD_QUANTITY,
    R.INVALID_COMBINATION: BAD_TYPE,
    R.MARKET_ORDER_BARRED: BAD_TYPE,
    R.AMEND_UNSUPPORTED: BAD_TYPE,
    R.ORDER_VALUE_LIMIT: "V",
    R.INSUFFICIENT_CASH: "V",
    R.SHORT_SALE_BARRED: "i",
    R.INSUFFICIENT_HOLDING: "i",
    R.PHASE_CLOSED: NOT_NOW,
    R.NON_CANCEL_PERIOD: NOT_NOW,
    R.NOT_READY: NOT_NOW,
    R.THROTTLED: FLOW,
    R.BUSY: FLOW,
    R.OPEN_ORDER_LIMIT: FLOW,
    R.KILLED: "c",
    R.NOT_ENTITLED: "c",
}
"""The letter of J for a reason; every other reason is O. A sell of more than is held is i (ours)."""

SUPERFLUOUS: Final = (RejectReason.UNKNOWN_ORDER, RejectReason.ALREADY_TERMINAL)
"""A cancel or replace of what is over, or never was, is passed over in silence."""

CANCEL_LETTERS: Final[dict[CancelReason, str]] = {
    CancelReason.OWNER: "U",
    CancelReason.MASS: "U",
    CancelReason.AMENDED: "U",
    CancelReason.DISCONNECT: "L",
    CancelReason.KILL: "S",
    CancelReason.HALT: "S",
    CancelReason.OPERATOR: "S",
    CancelReason.IOC_REST: "I",
    CancelReason.FOK_UNFILLED: "I",
    CancelReason.MARKET_REST: "I",
    CancelReason.LIMIT_REST: "I",
    CancelReason.AMEND_INVALID: OTHER,
    CancelReason.SELF_TRADE: "Q",
}
EXPIRED: Final = "M"

_SHORT: Final = {"T": ShortSale.SHORT, "E": ShortSale.EXEMPT}
_CARRIED_BYTES: Final = 17


@dataclass(slots=True)
class OuchMarket:
    """What of the market's set-up a message is read by.

    Attributes:
        sen_per_point: 10 where prices have one decimal.
        books: Issue of each book id; the ids are those of the ITCH feed.
        names: Book id of each issue.
    """

    sen_per_point: int = 10
    books: dict[str, InstrumentId] = field(default_factory=dict)
    names: dict[InstrumentId, str] = field(default_factory=dict)

    def add(self, instrument_id: InstrumentId) -> None:
        """An issue was listed; a name of more than four characters gives way to its number."""
        if instrument_id not in self.names:
            short = str(instrument_id)
            if len(short) > 4:  # noqa: PLR2004 - the field's width
                short = f"{len(self.names) + 1:04d}"
            self.names[instrument_id] = short
            self.books[short] = instrument_id


@dataclass(frozen=True, slots=True)
class Carried:
    """What an order carries for its client."""

    reference: str
    firm: str
    capacity: str
    classification: str
    cash_margin: str


def is_ours(command: NewOrder | AmendOrder) -> bool:
    """Whether an order or replace came in by OUCH; another door may carry something of its own."""
    if isinstance(command, NewOrder):
        return carried_of(command.carried) is not None
    return command.carried.startswith("U")


def carried_of(text: str) -> Carried | None:
    """What an order of another door does not have."""
    if len(text) != _CARRIED_BYTES:
        return None
    return Carried(text[:10].rstrip(), text[10:14].rstrip(), text[14], text[15], text[16])


def name_of(session_id: SessionId, token: int) -> ClientOrderId:
    """The order's name at every other door."""
    return ClientOrderId(f"{session_id}.{token}")


def token_of(name: str) -> int:
    """The token in a name that :func:`name_of` made."""
    return int(name.rpartition(".")[2])


def to_command(
    message: Inbound, identity: Identity, market: OuchMarket
) -> NewOrder | AmendOrder | CancelOrder | RefuseRequest:
    """The one command a message asks for."""
    if isinstance(message, Enter):
        letter = _wrong_enter(message, market)
        if letter:
            return refusal(identity, message, letter)
        return _new(message, identity, market)
    if isinstance(message, Replace):
        return _amend(message, identity, market)
    if message.quantity_units:
        return refusal(identity, message, BAD_QUANTITY)
    return CancelOrder(
        participant_id=identity.participant_id,
        session_id=identity.session_id,
        generation=identity.generation,
        req_id=name_of(identity.session_id, message.token),
        original_client_order_id=name_of(identity.session_id, message.token),
        carried="X",
    )


def refusal(identity: Identity, message: Inbound, letter: str) -> RefuseRequest:
    """A J to be numbered; which request it refuses and its letter travel with it."""
    token = message.replacement_token if isinstance(message, Replace) else message.token
    kind = "X" if isinstance(message, Cancel) else "O"
    return RefuseRequest(
        participant_id=identity.participant_id,
        session_id=identity.session_id,
        generation=identity.generation,
        req_id=name_of(identity.session_id, token),
        reason=RejectReason.THROTTLED if letter == FLOW else RejectReason.SCHEMA,
        carried=f"{kind}{letter}",
    )


def _wrong_enter(message: Enter, market: OuchMarket) -> str:
    """The letter of the first field that is wrong, or nothing."""
    firm, reference = message.firm, message.reference
    steps = (
        (_is_text(reference), OTHER),
        (message.side in SIDES and message.side != "", BAD_TYPE),
        (0 < message.quantity_units <= MAX_QUANTITY_UNITS, BAD_QUANTITY),
        (message.book in market.books and message.group == GROUP, BAD_BOOK),
        (0 < message.price_points * market.sen_per_point <= MAX_PRICE_SEN, BAD_PRICE),
        (message.time_in_force in {IMMEDIATE, DAY}, BAD_TYPE),
        (_is_text(firm), BAD_FIRM),
        (message.display == DISPLAY, BAD_DISPLAY),
        (message.capacity in CAPACITIES and message.capacity != "", BAD_TYPE),
        (message.minimum_units == 0, BAD_MINIMUM),
        (message.classification in CLASSIFICATIONS and message.classification != "", BAD_TYPE),
        (message.cash_margin in CASH_MARGINS and message.cash_margin != "", BAD_MARGIN),
    )
    for is_right, letter in steps:
        if not is_right:
            return letter
    return ""


def _new(message: Enter, identity: Identity, market: OuchMarket) -> NewOrder:
    name = name_of(identity.session_id, message.token)
    return NewOrder(
        participant_id=identity.participant_id,
        session_id=identity.session_id,
        generation=identity.generation,
        req_id=name,
        client_order_id=name,
        instrument_id=market.books[message.book],
        side=Side.BUY if message.side == "B" else Side.SELL,
        kind=OrderKind.LIMIT,
        price_sen=Sen(message.price_points * market.sen_per_point),
        quantity_units=Units(message.quantity_units),
        validity=Validity.DAY if message.time_in_force == DAY else Validity.IOC,
        short_sale=_SHORT.get(message.side),
        carried=(
            f"{message.reference:<10}{message.firm:<4}"
            f"{message.capacity}{message.classification}{message.cash_margin}"
        ),
    )


def _amend(message: Replace, identity: Identity, market: OuchMarket) -> AmendOrder:
    """An invalid replace cancels the order (6.2): one the market is made to refuse.

    Naming both the open and the total quantity fits no rulebook, and is refused in the market's
    order, after what only its state decides.
    """
    letter = ""
    price_sen = message.price_points * market.sen_per_point
    quantity_units = message.quantity_units
    if not 0 < quantity_units <= MAX_QUANTITY_UNITS:
        letter = BAD_QUANTITY
    elif not 0 < price_sen <= MAX_PRICE_SEN:
        letter = BAD_PRICE
    elif message.time_in_force != DAY:
        letter = BAD_TYPE
    elif message.display != DISPLAY:
        letter = BAD_DISPLAY
    elif message.minimum_units:
        letter = BAD_MINIMUM
    return AmendOrder(
        participant_id=identity.participant_id,
        session_id=identity.session_id,
        generation=identity.generation,
        req_id=name_of(identity.session_id, message.replacement_token),
        client_order_id=name_of(identity.session_id, message.replacement_token),
        original_client_order_id=name_of(identity.session_id, message.existing_token),
        price_sen=Sen(1) if letter else Sen(price_sen),
        leaves_units=Units(1) if letter else None,
        total_units=Units(1) if letter else Units(quantity_units),
        carried=f"U{letter}",
    )


def _is_text(text: str) -> bool:
    return text.isascii() and (not text or text.isprintable())
