"""OUCH 2.0 order entry as bytes: one table of layouts, one function to write, one to read.

Everything is big-endian; text is padded on the right with spaces; a time is nanoseconds since
midnight, Japan. A price is in points, the market's smallest written price (0.1 yen for equities,
one decimal); quantities are units. Messages travel in SoupBinTCP packets: ours sequenced, the
client's not, so an order carries a token and what comes twice is passed over.

| type | message | fields after the type byte (bytes) | source |
|---|---|---|---|
| O in | enter | token 4, client reference 10, side 1, quantity 4, book 4, group 4, price 4, time in force 4, firm 4, display 1, capacity 1, minimum quantity 4, classification 1, cash-margin 1 | ODX equities OUCH 2.0 |
| U in | replace | existing token 4, replacement token 4, quantity 4, price 4, time in force 4, display 1, minimum quantity 4 | neighbour |
| X in | cancel | token 4, quantity 4 | neighbour |
| S out | system event | time 8, event 1 (S start, E end of day) | neighbour |
| A out | accepted | time 8, then as O up to capacity, order number 8, minimum quantity 4, state 1 (L live, D dead), classification 1, cash-margin 1 | neighbour |
| U out | replaced | time 8, replacement token 4, side 1, quantity 4, book 4, group 4, price 4, time in force 4, display 1, order number 8, minimum quantity 4, state 1, previous token 4 | neighbour |
| C out | cancelled | time 8, token 4, decrement 4, reason 1 | neighbour |
| D out | self-match cancelled | time 8, token 4, decrement 4, reason 1, quantity prevented 4, price 4, liquidity 1 | neighbour |
| E out | executed | time 8, token 4, quantity 4, price 4, liquidity 1 (A added, R removed), match number 8 | neighbour |
| J out | rejected | time 8, token 4, reason 1 | neighbour |

Sources: ODX equities OUCH 2.0 (which messages there are, the layout of O, the states, the rules);
neighbour: Japannext equities OUCH 1.11 (2nd-hand, a third party's header), of the same family and
operator's software; that ODX's layouts are these is inferred. Reason letters are the neighbour's; the
reason Q of D is ours.

Reading never raises: what is no message is None.
"""

import struct
from typing import Final, NamedTuple

GROUP: Final = "DAY"
"""The one group (ITCH 1.2, 4.4 has it for START)."""

IMMEDIATE: Final = 0
DAY: Final = 99_999
DISPLAY: Final = "P"
CAPACITIES: Final = "AP"
CLASSIFICATIONS: Final = "13456"
"""Not high-frequency; or market making, arbitrage, directional, other."""

CASH_MARGINS: Final = "12345"
"""Cash; margin opened or closed, negotiable or standardised."""

SIDES: Final = "BSTE"
"""Buy, sell, short sale, short sale exempt from the price rule."""

LIVE: Final = "L"
DEAD: Final = "D"
ADDED: Final = "A"
REMOVED: Final = "R"
START_OF_DAY: Final = "S"
END_OF_DAY: Final = "E"
TOKEN_MAX: Final = 2**32 - 1


class Enter(NamedTuple):
    """``O``: a new limit order."""

    token: int
    reference: str
    side: str
    quantity_units: int
    book: str
    group: str
    price_points: int
    time_in_force: int
    firm: str
    display: str
    capacity: str
    minimum_units: int
    classification: str
    cash_margin: str


class Replace(NamedTuple):
    """``U`` in: the order's total quantity, fills included, and price from now on."""

    existing_token: int
    replacement_token: int
    quantity_units: int
    price_points: int
    time_in_force: int
    display: str
    minimum_units: int


class Cancel(NamedTuple):
    """``X``: take off what is left; a quantity other than 0 is refused (ours)."""

    token: int
    quantity_units: int


class SystemEvent(NamedTuple):
    """``S``: the day's messages begin or end."""

    at_ns: int
    event: str


class Accepted(NamedTuple):
    """``A``: an order was entered; dead when nothing of it traded or rests."""

    at_ns: int
    token: int
    reference: str
    side: str
    quantity_units: int
    book: str
    group: str
    price_points: int
    time_in_force: int
    firm: str
    display: str
    capacity: str
    order_number: int
    minimum_units: int
    state: str
    classification: str
    cash_margin: str


class Replaced(NamedTuple):
    """``U`` out: an order goes on under another token; dead when nothing of it is left."""

    at_ns: int
    replacement_token: int
    side: str
    quantity_units: int
    book: str
    group: str
    price_points: int
    time_in_force: int
    display: str
    order_number: int
    minimum_units: int
    state: str
    previous_token: int


class Canceled(NamedTuple):
    """``C``: units left an order without a trade."""

    at_ns: int
    token: int
    decrement_units: int
    reason: str


class SelfMatchCanceled(NamedTuple):
    """``D``: units left an order because it would have traded with its own firm."""

    at_ns: int
    token: int
    decrement_units: int
    reason: str
    prevented_units: int
    price_points: int
    liquidity: str


class Executed(NamedTuple):
    """``E``: part of an order traded; both orders of a trade carry its match number."""

    at_ns: int
    token: int
    quantity_units: int
    price_points: int
    liquidity: str
    match_number: int


class Rejected(NamedTuple):
    """``J``: a request had no effect; its token is used up."""

    at_ns: int
    token: int
    reason: str


Inbound = Enter | Replace | Cancel
Outbound = SystemEvent | Accepted | Replaced | Canceled | SelfMatchCanceled | Executed | Rejected

_LAYOUTS: Final[dict[type, tuple[bytes, str]]] = {
    Enter: (b"O", "I10s1sI4s4sII4s1s1sI1s1s"),
    Replace: (b"U", "IIIII1sI"),
    Cancel: (b"X", "II"),
    SystemEvent: (b"S", "Q1s"),
    Accepted: (b"A", "QI10s1sI4s4sII4s1s1sQI1s1s1s"),
    Replaced: (b"U", "QI1sI4s4sII1sQI1sI"),
    Canceled: (b"C", "QII1s"),
    SelfMatchCanceled: (b"D", "QII1sII1s"),
    Executed: (b"E", "QIII1sQ"),
    Rejected: (b"J", "QI1s"),
}
_WRITERS: Final = {kind: struct.Struct(">1s" + fields) for kind, (_, fields) in _LAYOUTS.items()}
_IN: Final[dict[tuple[int, int], type]] = {
    (_LAYOUTS[kind][0][0], _WRITERS[kind].size): kind for kind in (Enter, Replace, Cancel)
}
_OUT: Final[dict[tuple[int, int], type]] = {
    (_LAYOUTS[kind][0][0], _WRITERS[kind].size): kind
    for kind in _LAYOUTS
    if kind not in {Enter, Replace, Cancel}
}
IN_BYTES_MAX: Final = max(size for _, size in _IN)


def encode(message: Inbound | Outbound) -> bytes:
    """One message as bytes.

    A value that does not fit its field is a programmer's mistake (``struct.error``).
    """
    kind = type(message)
    values = [
        value.encode("latin-1").ljust(_width(kind, place)) if isinstance(value, str) else value
        for place, value in enumerate(message)
    ]
    return _WRITERS[kind].pack(_LAYOUTS[kind][0], *values)


def decode_in(message: bytes) -> Inbound | None:
    """A client's message, None when it is none: an unknown type, or not its type's length."""
    return _read(message, _IN)  # type: ignore[return-value]


def decode_out(message: bytes) -> Outbound | None:
    """A message of ours, for clients."""
    return _read(message, _OUT)  # type: ignore[return-value]


def _read(message: bytes, kinds: dict[tuple[int, int], type]) -> Inbound | Outbound | None:
    kind = kinds.get((message[0], len(message))) if message else None
    if kind is None:
        return None
    made: Inbound | Outbound = kind(
        *[
            field if isinstance(field, int) else str(field, "latin-1").rstrip(" ")
            for field in _WRITERS[kind].unpack(message)[1:]
        ]
    )
    return made


def _widths(fields: str) -> tuple[int, ...]:
    """Bytes of each field of a layout."""
    found: list[int] = []
    digits = ""
    for letter in fields:
        if letter.isdigit():
            digits += letter
        else:
            found.append(int(digits) if letter == "s" else struct.calcsize(">" + letter))
            digits = ""
    return tuple(found)


_WIDTHS: Final = {kind: _widths(fields) for kind, (_, fields) in _LAYOUTS.items()}


def _width(kind: type, place: int) -> int:
    return _WIDTHS[kind][place]
