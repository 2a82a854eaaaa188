"""ODX's ITCH messages as bytes, START's and the equities': one function to write each, one to read.

Source: ODX START ITCH 1.2, section 4 (field order and widths). Everything is big-endian; text is
ASCII, padded on the right with spaces. Prices have two decimals, so a price field is sen (1/100
yen) as it stands; quantities are units. ``T`` carries seconds since midnight (Japan), every other
message the nanoseconds since the last ``T``.

The equities' ITCH is a :class:`Profile` beside START's: prices with one decimal, so a price field
is ten sen; ``E``, an execution at the order's own price, ``Y``, the short-sale price restriction,
and system events for the hours. Source: ODX equities ITCH 2.2 (that these differ); their layouts
are inferred from the neighbour of the family, Japannext equities ITCH 1.7 (2nd-hand).

Differences from the venue's document, all for markets START does not have: cross flag ``N`` for
trades outside an auction, the state name ``Continuous``, and ``G``, the end of a snapshot.

Errors: a value that does not fit its field breaks an invariant (``struct.error`` is a programmer's
mistake: the core's bounds are those of the fields). Reading refuses with ``BadInput``.
"""

import struct
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

from market.errors import BadInput
from market.words import Side

NO_PRICE_FIELD: Final = 0x7FFFFFFF
"""A market order's price, and "no equilibrium price" (ITCH 1.2, 4.7 and 4.11)."""

REFERENCE_ORDER_NUMBER: Final = 0
"""An added order with this number is the reference price (ITCH 1.2, 4.7)."""

GROUP: Final = b"DAY "
"""START has one group (ITCH 1.2, 4.4)."""

START_OF_MESSAGES: Final = b"O"
START_OF_SYSTEM_HOURS: Final = b"S"
START_OF_MARKET_HOURS: Final = b"Q"
END_OF_MARKET_HOURS: Final = b"M"
END_OF_SYSTEM_HOURS: Final = b"E"
END_OF_MESSAGES: Final = b"C"
TRADING: Final = b"T"
SUSPENDED: Final = b"V"
UNRESTRICTED: Final = b"0"
"""No price restriction on short sales; ``1`` would be one, and no rulebook here has any."""

BOOK_ID_BYTES: Final = 4


@dataclass(frozen=True, slots=True)
class Profile:
    """One market's ITCH.

    Attributes:
        price_decimals: Of every price field.
        tells_resting: Only what rests is added, and a trade is told once, of the order that rested
            and at its price (``E``); else both orders are told, each with the price (``C``).
        tells_short_sales: Whether ``Y`` is part of a day's opening.
        tells_hours: Whether system and market hours are told.
    """

    price_decimals: int = 2
    tells_resting: bool = False
    tells_short_sales: bool = False
    tells_hours: bool = False

    @property
    def sen_per_point(self) -> int:
        """How many sen the last decimal of a price field is worth."""
        return (100, 10, 1)[self.price_decimals]


START_12: Final = Profile()
EQUITIES_22: Final = Profile(
    price_decimals=1, tells_resting=True, tells_short_sales=True, tells_hours=True
)
PROFILES: Final = {"odx-equities": EQUITIES_22}
"""By preset; every other market is told in START's."""

_T: Final = struct.Struct(">cI")
_S: Final = struct.Struct(">cI4sc")
_L: Final = struct.Struct(">cIIII")
_R: Final = struct.Struct(">cI4s12s12s4sIIIIIccc")
_H: Final = struct.Struct(">cI4s4sc")
_A: Final = struct.Struct(">cIQcI4s4sI")
_C: Final = struct.Struct(">cIQIQIc")
_E: Final = struct.Struct(">cIQIQ")
_Y: Final = struct.Struct(">cI4s4sc")
_D: Final = struct.Struct(">cIQ")
_U: Final = struct.Struct(">cIQQII")
_O: Final = struct.Struct(">cI4s20s")
_Z: Final = struct.Struct(">cI4sI")
_G: Final = struct.Struct(">c20s")


class Seconds(NamedTuple):
    """``T``: seconds since midnight; the following messages are of this second."""

    seconds: int


class SystemEvent(NamedTuple):
    """``S``: ``O`` starts a day's messages, ``C`` ends them; for equities the hours between."""

    nanoseconds: int
    group: str
    event: str


class TickRow(NamedTuple):
    """``L``: from ``start_price_sen`` up the tick of a table is ``tick_sen``."""

    nanoseconds: int
    table_id: int
    tick_sen: int
    start_price_sen: int


class Directory(NamedTuple):
    """``R``: one issue and its day; flags are ``Y`` or ``N``."""

    nanoseconds: int
    book: str
    isin: str
    symbol: str
    group: str
    lot_units: int
    tick_table_id: int
    price_decimals: int
    upper_limit_sen: int
    lower_limit_sen: int
    market_orders_barred: str
    attention: str
    termination: str


class TradingState(NamedTuple):
    """``H``: ``T`` trading, ``V`` suspended."""

    nanoseconds: int
    book: str
    group: str
    state: str


class OrderAdded(NamedTuple):
    """``A``: a new order, or with number 0 the reference price; side ``B`` or ``S``."""

    nanoseconds: int
    order_number: int
    side: str
    quantity_units: int
    book: str
    group: str
    price_sen: int


class OrderExecuted(NamedTuple):
    """``C``: part of an order traded; both orders of a trade carry its match number."""

    nanoseconds: int
    order_number: int
    executed_units: int
    match_number: int
    price_sen: int
    cross: str


class OrderExecutedAtLimit(NamedTuple):
    """``E``, equities: part of a resting order traded, at its own price; told once a trade."""

    nanoseconds: int
    order_number: int
    executed_units: int
    match_number: int


class ShortSaleRestriction(NamedTuple):
    """``Y``, equities: whether short sales of an issue are restricted in price (``0`` no, ``1``)."""

    nanoseconds: int
    book: str
    group: str
    state: str


class OrderDeleted(NamedTuple):
    """``D``: an order left by cancel or expiry, with all it had open."""

    nanoseconds: int
    order_number: int


class OrderReplaced(NamedTuple):
    """``U``: an order has a new number, quantity and price."""

    nanoseconds: int
    old_order_number: int
    order_number: int
    quantity_units: int
    price_sen: int


class BookState(NamedTuple):
    """``O``: one book moved to a state, by its name."""

    nanoseconds: int
    book: str
    state: str


class EquilibriumPrice(NamedTuple):
    """``Z``: what a cross would give now; 7FFFFFFF for none."""

    nanoseconds: int
    book: str
    price_sen: int


class SnapshotEnd(NamedTuple):
    """``G``: a snapshot is complete; go on with this sequence number (ours, after GLIMPSE)."""

    next_sequence: int


ItchMessage = (
    Seconds
    | SystemEvent
    | TickRow
    | Directory
    | TradingState
    | OrderAdded
    | OrderExecuted
    | OrderExecutedAtLimit
    | ShortSaleRestriction
    | OrderDeleted
    | OrderReplaced
    | BookState
    | EquilibriumPrice
    | SnapshotEnd
)


def book_field(name: str) -> bytes:
    """A book id as its four bytes."""
    return name.encode("ascii").ljust(BOOK_ID_BYTES)


def seconds(seconds_of_day: int) -> bytes:
    """``T``."""
    return _T.pack(b"T", seconds_of_day)


def system_event(at_ns: int, event: bytes) -> bytes:
    """``S``; ``at_ns`` here and below: nanoseconds within the second."""
    return _S.pack(b"S", at_ns, GROUP, event)


def tick_row(at_ns: int, table_id: int, tick_sen: int, start_price_sen: int) -> bytes:
    """``L``."""
    return _L.pack(b"L", at_ns, table_id, tick_sen, start_price_sen)


def directory(  # noqa: PLR0917 - the message has these fields
    at_ns: int,
    book: bytes,
    isin: str,
    symbol: str,
    lot_units: int,
    tick_table_id: int,
    limits_sen: tuple[int, int],
    *,
    market_orders_barred: bool,
    attention: bool,
    termination: bool,
    profile: Profile = START_12,
) -> bytes:
    """``R``; ``limits_sen`` is lower, upper."""
    lower_sen, upper_sen = limits_sen
    sen_per_point = profile.sen_per_point
    return _R.pack(
        b"R",
        at_ns,
        book,
        isin.encode("ascii").ljust(12),
        symbol.encode("ascii").ljust(12),
        GROUP,
        lot_units,
        tick_table_id,
        profile.price_decimals,
        upper_sen // sen_per_point,
        lower_sen // sen_per_point,
        _flag(market_orders_barred),
        _flag(attention),
        _flag(termination),
    )


def trading_state(at_ns: int, book: bytes, state: bytes) -> bytes:
    """``H``."""
    return _H.pack(b"H", at_ns, book, GROUP, state)


def order_added(  # noqa: PLR0917 - the message has these fields
    at_ns: int, order_number: int, side: Side, quantity_units: int, book: bytes, price_sen: int
) -> bytes:
    """``A``."""
    letter = b"B" if side is Side.BUY else b"S"
    return _A.pack(b"A", at_ns, order_number, letter, quantity_units, book, GROUP, price_sen)


def order_executed(
    at_ns: int,
    order_number: int,
    executed_units: int,
    match_number: int,
    price_sen: int,
    *,
    cross: bool,
) -> bytes:
    """``C``."""
    letter = b"Y" if cross else b"N"
    return _C.pack(b"C", at_ns, order_number, executed_units, match_number, price_sen, letter)


def order_executed_at_limit(
    at_ns: int, order_number: int, executed_units: int, match_number: int
) -> bytes:
    """``E``."""
    return _E.pack(b"E", at_ns, order_number, executed_units, match_number)


def short_sale_restriction(at_ns: int, book: bytes, state: bytes) -> bytes:
    """``Y``."""
    return _Y.pack(b"Y", at_ns, book, GROUP, state)


def order_deleted(at_ns: int, order_number: int) -> bytes:
    """``D``."""
    return _D.pack(b"D", at_ns, order_number)


def order_replaced(
    at_ns: int, old_order_number: int, order_number: int, quantity_units: int, price_sen: int
) -> bytes:
    """``U``."""
    return _U.pack(b"U", at_ns, old_order_number, order_number, quantity_units, price_sen)


def book_state(at_ns: int, book: bytes, name: str) -> bytes:
    """``O``."""
    return _O.pack(b"O", at_ns, book, name.encode("ascii").ljust(20))


def equilibrium_price(at_ns: int, book: bytes, price_sen: int) -> bytes:
    """``Z``."""
    return _Z.pack(b"Z", at_ns, book, price_sen)


def snapshot_end(next_sequence: int) -> bytes:
    """``G``."""
    return _G.pack(b"G", str(next_sequence).encode("ascii").rjust(20))


def _flag(value: bool) -> bytes:
    return b"Y" if value else b"N"


_SHAPES: Final[dict[int, tuple[struct.Struct, Callable[..., ItchMessage]]]] = {
    ord("T"): (_T, Seconds),
    ord("S"): (_S, SystemEvent),
    ord("L"): (_L, TickRow),
    ord("R"): (_R, Directory),
    ord("H"): (_H, TradingState),
    ord("A"): (_A, OrderAdded),
    ord("C"): (_C, OrderExecuted),
    ord("D"): (_D, OrderDeleted),
    ord("U"): (_U, OrderReplaced),
    ord("O"): (_O, BookState),
    ord("Z"): (_Z, EquilibriumPrice),
}
_EQUITIES_SHAPES: Final[dict[int, tuple[struct.Struct, Callable[..., ItchMessage]]]] = {
    **_SHAPES,
    ord("E"): (_E, OrderExecutedAtLimit),
    ord("Y"): (_Y, ShortSaleRestriction),
}


def decode(message: bytes, profile: Profile = START_12) -> ItchMessage:
    """Read one message; its prices in sen whatever the profile's decimals.

    Raises:
        BadInput: When there is no such type, or the length or a text field is not its type's.
    """
    kind = message[0] if message else 0
    if kind == ord("G") and len(message) == _G.size and message[1:].strip().isdigit():
        return SnapshotEnd(int(message[1:]))
    shapes = _EQUITIES_SHAPES if profile.tells_resting else _SHAPES
    if kind not in shapes:
        raise BadInput(f"no ITCH message begins with byte {kind}")
    shape, make = shapes[kind]
    if len(message) != shape.size:
        raise BadInput(f"ITCH {chr(kind)} has {shape.size} bytes, not {len(message)}")
    try:
        made = make(
            *[
                field if isinstance(field, int) else str(field, "ascii").rstrip(" ")
                for field in shape.unpack(message)[1:]
            ]
        )
        return made if profile.sen_per_point == 1 else _in_sen(made, profile.sen_per_point)
    except UnicodeDecodeError as wrong:
        raise BadInput(f"ITCH {chr(kind)} carries text outside ASCII") from wrong


def _in_sen(message: ItchMessage, sen_per_point: int) -> ItchMessage:
    """The same message with its price fields in sen; "no price" stays."""
    values: dict[str, Any] = message._asdict()
    prices = {
        name: value * sen_per_point
        for name, value in values.items()
        if name.endswith("_sen") and value != NO_PRICE_FIELD
    }
    return message._replace(**prices) if prices else message
