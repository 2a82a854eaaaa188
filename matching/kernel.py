# cython: language_level=3, boundscheck=True, wraparound=False, cdivision=True
# cython: initializedcheck=False, infer_types=False
"""The board over flat arrays (板), for throughput: the second implementation of the book.

One file in Cython's pure-Python mode: compiled it is the fastest book here, uncompiled it runs
line by line in a debugger, slower than the sorted book. Bounds checks stay on; of a run's command
rows the first and the last are checked, which covers those between.

Mechanics, and the plain case of entering, amending and canceling an order. Everything else (every
refusal but the simplest, self-trade modes, phases, auctions, quotes) is handed to the rules in
Python, before anything has moved: ``PYTHON`` says "this command is yours". (``OWN`` comes after the
fills in front of an own order; the rules go on from there.) So no rule is written twice but what
makes a command plain, "match, then rest or end" (matching/continuous.py), and the crossing point of
a call, kept from order to order (matching/auction.py, DECISIONS.md 0035); the tests compare both.

Layout. A *ladder* is one side of one issue: a level for each grid price within the day's limits,
by *rank*: 0 is the market orders, then the better price first, so both sides are one code. A
level is a ring of nodes through the last order, first in first out (時間優先). A bitmap of two
steps finds the next level. A node is 32 bytes, a level 16; ids map to nodes by position in an
array. Nothing is allocated per order; whoever runs out of room says ``ROOM`` and Python grows it.

Invariants (check_invariants): a node is in one ring or in the free list; a level's units and
count are those of its ring; a bit is set exactly for a level with orders; best is the first.

Cost: new, amend, cancel O(1); a fill O(1); the next level O(1) (O(levels / 4096) at worst).
"""

from array import array
from bisect import bisect_left

import cython
import numpy as np
from cython import address  # a row in place: one bounds check, then fields by row[0].field

from market.errors import BadInput, InvariantBroken, check
from market.reasons import CancelReason, RejectReason
from market.rules import PriceRule
from market.words import OrderKind, Side
from matching.book import Interest, LevelTotal, SortedBook
from matching.clearing import NO_CLEARING, Clearing
from matching.order import Order, order_state
from matching.rows import (
    CANCEL_REASONS,
    EVENT,
    REJECT_REASONS,
    SELF_TRADE_MODES,
    VALIDITIES,
    What,
)

PRICES_MAX = 1 << 18
"""A band of more grid prices than this is not given a ladder: the sorted book serves it."""

DONE = 0
PYTHON = 1
ROOM = 2
OWN = 3
"""What a step says: done; the rules' turn, nothing moved; more room first; an own order is next."""

IS_COMPILED = cython.compiled

Node = cython.struct(
    key=cython.ulonglong,  # the order's id; behind the batch door its time above that
    leaves=cython.int,
    rank=cython.int,
    following=cython.uint,
    previous=cython.uint,
    owner=cython.int,
    tag=cython.int,  # ladder << 4 | needs the rules << 3 | validity
)
Level = cython.struct(units=cython.longlong, last=cython.uint, count=cython.int)
Ladder = cython.struct(
    best=cython.int,
    levels=cython.uint,
    bits=cython.uint,
    summary=cython.uint,
    summaries=cython.int,
    orders=cython.int,
    seen=cython.int,  # 1 << validity of every order that rested since such were all ended
    spare=cython.int,  # a power of two in all
)
Band = cython.struct(
    lower=cython.int,
    upper=cython.int,
    origin=cython.int,
    tick=cython.int,
    prices=cython.int,
    row=cython.int,
    rows=cython.int,
    lot=cython.int,
    most=cython.int,
    combos=cython.int,
    flags=cython.int,
    cancel_reason=cython.int,
    last=cython.int,
    mode=cython.int,
    inverse=cython.ulonglong,  # 2 ** 45 / tick, rounded up: a multiple of the tick by it is exact
)
Call = cython.struct(
    bought=cython.longlong,
    sold=cython.longlong,
    units=cython.longlong,  # with surplus and price: the clearing found or told last
    surplus=cython.longlong,
    price=cython.int,
    place=cython.int,
    known=cython.int,
    rule=cython.int,
    centre=cython.int,
    rounds_up=cython.int,
    at_market=cython.int,
    tells=cython.int,
)
TickRow = cython.struct(price=cython.int, tick=cython.int, index=cython.int)
CommandRow = cython.struct(
    op=cython.uchar,
    side=cython.uchar,
    kind=cython.uchar,
    validity=cython.uchar,
    instrument=cython.int,
    order_id=cython.longlong,
    price_sen=cython.int,
    quantity_units=cython.int,
    owner=cython.int,
    self_trade=cython.int,
)
EventRow = cython.struct(
    head=cython.int,  # what | reason << 8 | flags << 16 | side << 24
    instrument=cython.int,
    command=cython.longlong,
    order_id=cython.longlong,
    contra_id=cython.longlong,
    price_sen=cython.int,
    units=cython.int,
    leaves_units=cython.int,
    contra_leaves_units=cython.int,
)

_NODE = np.dtype([("key", "u8"), ("leaves", "i4"), ("rank", "i4"), ("following", "u4"),
                  ("previous", "u4"), ("owner", "i4"), ("tag", "i4")])  # fmt: skip
_LEVEL = np.dtype([("units", "i8"), ("last", "u4"), ("count", "i4")])
_LADDER = np.dtype([("best", "i4"), ("levels", "u4"), ("bits", "u4"), ("summary", "u4"),
                    ("summaries", "i4"), ("orders", "i4"), ("seen", "i4"), ("spare", "i4")])  # fmt: skip
_BAND = np.dtype([(n, "i4") for n in
                  ("lower", "upper", "origin", "tick", "prices", "row", "rows", "lot", "most",
                   "combos", "flags", "cancel_reason", "last", "mode")] + [("inverse", "u8")])  # fmt: skip
_CALL = np.dtype([("bought", "i8"), ("sold", "i8"), ("units", "i8"), ("surplus", "i8"), ("price", "i4"),
                  ("place", "i4"), ("known", "i4"), ("rule", "i4"), ("centre", "i4"),
                  ("rounds_up", "i4"), ("at_market", "i4"), ("tells", "i4")])  # fmt: skip
_TICK_ROW = np.dtype([(n, "i4") for n in ("price", "tick", "index")])
_COMMAND = np.dtype([("op", "u1"), ("side", "u1"), ("kind", "u1"), ("validity", "u1"),
                     ("instrument", "i4"), ("order_id", "i8"), ("price_sen", "i4"),
                     ("quantity_units", "i4"), ("owner", "i4"), ("self_trade", "i4")])  # fmt: skip
_EVENT = np.dtype([("head", "i4"), ("instrument", "i4"), ("command", "i8"), ("order_id", "i8"),
                   ("contra_id", "i8"), ("price_sen", "i4"), ("units", "i4"),
                   ("leaves_units", "i4"), ("contra_leaves_units", "i4")])  # fmt: skip

ID_BITS = 31
ORDER_ID_MAX = 1 << 30
"""Ids index an array of 4 bytes each; a larger one is a slip, not an order."""

ENTRIES_MAX = 1 << 32
"""Orders that took a place since ids were last forgotten: half of what a node has bits for."""

# Flags of a band, kept by the rules.
NEW_OK = 2
AT_ONCE = 4
AMEND_OK = 8
KEEPS_ON_DECREASE = 16
RULES_ONLY = 32
TRADES_ARE_RULES = 64
OTHERS_WAIT = 128
GATHERS = 256

_fok_unfilled = cython.declare(cython.int, CANCEL_REASONS.index(CancelReason.FOK_UNFILLED))
_ioc_rest = cython.declare(cython.int, CANCEL_REASONS.index(CancelReason.IOC_REST))
_market_rest = cython.declare(cython.int, CANCEL_REASONS.index(CancelReason.MARKET_REST))
_by_owner = cython.declare(cython.int, CANCEL_REASONS.index(CancelReason.OWNER))
_indicative = cython.declare(cython.int, int(What.INDICATIVE))
_ROW_UNITS_MAX = cython.declare(cython.longlong, 2**31 - 1)
_unknown_order = cython.declare(cython.int, REJECT_REASONS.index(RejectReason.UNKNOWN_ORDER))


class _Row:
    """A row of an array where nothing is compiled; its fields are attributes."""

    __slots__ = ("at_market", "best", "bits", "bought", "cancel_reason", "centre", "combos",
                 "command", "contra_id", "contra_leaves_units", "count", "flags", "following",
                 "head", "index", "instrument", "inverse", "key", "kind", "known", "last", "leaves",
                 "leaves_units", "levels", "lot", "lower", "mode", "most", "op", "order_id",
                 "orders", "origin", "owner", "place", "previous", "price", "price_sen", "prices",
                 "quantity_units", "rank", "rounds_up", "row", "rows", "rule", "seen", "self_trade", "side",
                 "sold", "spare", "summaries", "summary", "surplus", "tag", "tells", "tick", "units",
                 "upper", "validity")  # fmt: skip

    def __init__(self, names, values=None):
        for position, name in enumerate(names):
            setattr(self, name, values[position] if values else 0)


def _itself(row):
    """What stands for the address of a row where nothing is compiled."""
    return (row,)


if not cython.compiled:
    globals()["address"] = _itself


def _rows(dtype, count):
    """So many rows of zeros: an array, or where nothing is compiled a list of objects."""
    if cython.compiled:
        return np.zeros(count, dtype)
    return [_Row(dtype.names) for _ in range(count)]


def _fill(row, head, instrument, command, order_id, contra_id, price_sen, units, leaves_units,
          contra_leaves_units):  # fmt: skip
    """Write one event row where nothing is compiled."""
    row.head, row.instrument, row.command = head, instrument, command
    row.order_id, row.contra_id, row.price_sen = order_id, contra_id, price_sen
    row.units, row.leaves_units = units, leaves_units
    row.contra_leaves_units = contra_leaves_units


def _array(rows, dtype):
    """Row objects as an array."""
    values = []
    for row in rows:
        values.append(tuple([getattr(row, name) for name in dtype.names]))
    return np.array(values, dtype)


def _more_rows(rows, dtype, count):
    """The same rows with zeros behind them, ``count`` in all."""
    if cython.compiled:
        grown = np.empty(count, dtype)
        grown[: len(rows)] = rows
        grown[len(rows) :] = np.zeros((), dtype)  # written, so no run waits for a first touch
        return grown
    rows.extend([_Row(dtype.names) for _ in range(count - len(rows))])
    return rows


def _more_numbers(code, numbers, count):
    """The same numbers with zeros behind them, ``count`` in all."""
    if cython.compiled:
        wide = np.empty(count, code)
        wide[: len(numbers)] = numbers
        wide[len(numbers) :] = 0
        return wide
    grown = array(code, bytes(numbers.itemsize * count))
    memoryview(grown).cast("B")[: numbers.itemsize * len(numbers)] = memoryview(numbers).cast("B")
    return grown


@cython.final
@cython.cclass
class Kernel:
    """Books of many issues in one set of arrays, and the loop that runs commands over them.

    Attributes:
        at: Index of the command that :meth:`run` stopped at.
        left: Open quantity of an order that met an own order (``OWN``).
        told: Number of event rows written since :meth:`clear_events`.
        trades: Trades made so far.
        live: Orders resting in all books.
    """

    node: Node[::1]
    level: Level[::1]
    ladder: Ladder[::1]
    band: Band[::1]
    call: Call[::1]
    tick_row: TickRow[::1]
    event: EventRow[::1]
    command: CommandRow[::1]
    one: CommandRow[::1]
    slot_of: cython.int[::1]
    entries: cython.ulonglong
    id_mask: cython.ulonglong
    bit: cython.ulonglong[::1]
    free: cython.uint
    at = cython.declare(cython.longlong, visibility="public")
    base = cython.declare(cython.longlong, visibility="public")
    left = cython.declare(cython.int, visibility="public")
    told = cython.declare(cython.longlong, visibility="public")
    trades = cython.declare(cython.longlong, visibility="public")
    live = cython.declare(cython.longlong, visibility="public")
    event_room: cython.longlong
    issues = cython.declare(cython.int, visibility="public")
    by_id = cython.declare(cython.bint, visibility="public")
    _levels_used: cython.longlong
    _bits_used: cython.longlong
    _rows_used: cython.longlong
    _nodes: object
    _level_rows: object
    _ladders: object
    _bands: object
    _calls: object
    _tick_rows: object
    _events: object
    _ids: object
    _bitmap: object
    _regions: list
    orders = cython.declare(list, visibility="public")
    owners: dict
    rules = cython.declare(object, visibility="public")
    _one: object

    def __init__(self, *, by_id=False, nodes=1024, events=4096):
        self._nodes = _rows(_NODE, 1)
        self._level_rows = _rows(_LEVEL, 1)
        self._ladders = _rows(_LADDER, 2)
        self._bands = _rows(_BAND, 1)
        self._calls = _rows(_CALL, 1)
        self._tick_rows = _rows(_TICK_ROW, 1)
        self._events = _rows(_EVENT, events)
        self._ids = array("i", bytes(4 * 1024))
        self._bitmap = array("Q", bytes(8))
        self._one = _rows(_COMMAND, 1)
        self._regions = []
        self.orders = [None]
        self.owners = {}
        self.rules = None
        self.by_id = by_id
        self.id_mask = (1 << ID_BITS) - 1 if by_id else (1 << 63) - 1
        self.free = self.issues = self.left = self.entries = 0
        self.at = self.base = self.told = self.trades = self.live = 0
        self._levels_used = self._bits_used = self._rows_used = 0
        self.node, self.level = self._nodes, self._level_rows
        self.ladder, self.band, self.tick_row = self._ladders, self._bands, self._tick_rows
        self.call = self._calls
        self.event, self.command, self.slot_of = self._events, self._one, self._ids
        self.one = self._one
        self.bit = self._bitmap
        self.event_room = events
        self._more_nodes(nodes)

    # --- room

    def _more_nodes(self, count):
        """Nodes for ``count`` more orders, chained into the free list, the lowest first."""
        old: cython.int = len(self._nodes)
        slot: cython.int
        self._nodes = _more_rows(self._nodes, _NODE, old + count)
        self.node = self._nodes
        self.orders.extend([None] * count)
        for slot in range(old + count - 1, old - 1, -1):
            self.node[slot].following = self.free
            self.free = slot

    def reserve(self, *, orders=0, last_id=0, events=0):
        """Make room before a run, so that it does not stop for it. O(room); all of it is touched.

        Args:
            orders: Orders that rest at once.
            last_id: The highest order id.
            events: Rows of one run.
        """
        if orders >= len(self._nodes):
            self._more_nodes(orders + 1 - len(self._nodes))
        need = events + 8
        if need > len(self._events):
            self._events = _more_rows(self._events, _EVENT, need)
            self.event, self.event_room = self._events, len(self._events)
        if self.by_id and last_id >= len(self._ids):
            self._ids = _more_numbers("i", self._ids, last_id + 1)
            self.slot_of = self._ids

    def more_room(self, order_id=0):
        """Grow whatever the last ``ROOM`` was about.

        Raises:
            BadInput: For an id beyond ``ORDER_ID_MAX``, before anything grows.
        """
        if order_id > ORDER_ID_MAX:
            raise BadInput(f"an order id is at most {ORDER_ID_MAX:,}")
        if self.free == 0:
            self._more_nodes(len(self._nodes))
        if self.told + 8 > len(self._events):
            self.room_for(self.told)
        if self.by_id and order_id >= len(self._ids):
            self._ids = _more_numbers("i", self._ids, max(2 * len(self._ids), order_id + 1024))
            self.slot_of = self._ids

    def room_for(self, events):
        """Make room for so many more event rows, and a few."""
        need = self.told + events + 8
        if need > len(self._events):
            self._events = _more_rows(self._events, _EVENT, need)
            self.event, self.event_room = self._events, len(self._events)

    def clear_events(self):
        """Forget the event rows written so far."""
        self.told = 0

    def event_rows(self, copy=True):
        """The event rows written since they were cleared, as EVENT rows."""
        count = self.told
        if cython.compiled:
            rows = self._events[:count].view(EVENT)
            return rows.copy() if copy else rows
        return _array(self._events[:count], _EVENT).view(EVENT)

    def add_issue(self):
        """A place for one more issue; its ladders come with :meth:`fit`. Returns its number."""
        issue = self.issues
        self.issues += 1
        if self.issues > len(self._bands):
            self._bands = _more_rows(self._bands, _BAND, 2 * self.issues)
            self._ladders = _more_rows(self._ladders, _LADDER, 4 * self.issues)
            self._calls = _more_rows(self._calls, _CALL, 2 * self.issues)
            self.band, self.ladder, self.call = self._bands, self._ladders, self._calls
        self._regions.append((0, 0))
        self.ladder[2 * issue].best = self.ladder[2 * issue + 1].best = 1 << 30
        return issue

    def fit(self, issue: cython.int, rows, prices: cython.int):
        """Give an empty book ladders for these grid prices. O(1) when they fit where they were.

        Args:
            issue: Number of the issue.
            rows: (first price, tick, number of prices before it), ascending, 1/100 yen.
            prices: Number of grid prices.
        """
        half: cython.int
        size, row = self._regions[issue]
        words = ((prices + 2) >> 6) + 2
        summaries = (words >> 6) + 1
        check(self.live == 0 or self.ladder[2 * issue].orders + self.ladder[2 * issue + 1].orders
              == 0, "only an empty book is fitted", issue=issue)  # fmt: skip
        if prices > size:
            size = prices + prices // 4
            row = self._rows_used
            self._rows_used += 32
            most_words = ((size + 2) >> 6) + 2
            most_summaries = (most_words >> 6) + 1
            for half in range(2 * issue, 2 * issue + 2):
                self.ladder[half].levels = self._levels_used
                self.ladder[half].bits = self._bits_used
                self.ladder[half].summary = self._bits_used + most_words
                self._levels_used += size + 2
                self._bits_used += most_words + most_summaries
            self._regions[issue] = (size, row)
            if self._levels_used > len(self._level_rows):
                self._level_rows = _more_rows(self._level_rows, _LEVEL, 2 * self._levels_used)
                self.level = self._level_rows
            if self._bits_used > len(self._bitmap):
                self._bitmap = _more_numbers("Q", self._bitmap, 2 * self._bits_used)
                self.bit = self._bitmap
            if self._rows_used > len(self._tick_rows):
                self._tick_rows = _more_rows(self._tick_rows, _TICK_ROW, 2 * self._rows_used)
                self.tick_row = self._tick_rows
        for half in range(2 * issue, 2 * issue + 2):
            self.ladder[half].best = prices + 2
            self.ladder[half].summaries = summaries
        check(len(rows) <= 32, "a band spans at most 32 rows of the tick table", issue=issue)
        for position, (price, tick, index) in enumerate(rows):
            self.tick_row[row + position].price = price
            self.tick_row[row + position].tick = tick
            self.tick_row[row + position].index = index
        self.band[issue].prices, self.band[issue].row = prices, row
        self.band[issue].rows = len(rows)
        self.band[issue].origin, self.band[issue].tick = rows[0][0], rows[0][1]
        self.band[issue].inverse = -(-(1 << 45) // rows[0][1])
        self.call[issue].known = 0

    # --- ladders: prices and ranks

    @cython.cfunc
    @cython.nogil
    @cython.exceptval(-9)
    def _rank(self, issue: cython.uint, side: cython.int, price: cython.int) -> cython.int:
        """The rank of a price on a side (0 buy, 1 sell); 0 when it is not on the ladder's grid."""
        step: cython.int
        index: cython.int
        distance: cython.int = price - self.band[issue].origin
        tick: cython.int = self.band[issue].tick
        prices: cython.int = self.band[issue].prices
        if distance < 0:
            return 0
        if self.band[issue].rows == 1:
            index = distance // tick
            if index * tick != distance:
                return 0
        else:
            step = self.band[issue].row + self.band[issue].rows - 1
            while self.tick_row[step].price > price:
                step -= 1
            tick = self.tick_row[step].tick
            distance = price - self.tick_row[step].price
            index = distance // tick
            if index * tick != distance:
                return 0
            index += self.tick_row[step].index
            if (
                step + 1 < self.band[issue].row + self.band[issue].rows
                and index >= self.tick_row[step + 1].index
            ):
                return 0  # above the last price of its row, below the next row's first
        if index >= prices:
            return 0
        return index + 1 if side else prices - index

    @cython.cfunc
    @cython.inline
    @cython.nogil
    @cython.exceptval(-9)
    def _price(self, issue: cython.uint, side: cython.int, rank: cython.int) -> cython.int:
        """The price of a rank; 0 for the market orders."""
        step: cython.int
        index: cython.int
        if rank == 0:
            return 0
        index = rank - 1 if side else self.band[issue].prices - rank
        if self.band[issue].rows == 1:
            return self.band[issue].origin + index * self.band[issue].tick
        step = self.band[issue].row + self.band[issue].rows - 1
        while self.tick_row[step].index > index:
            step -= 1
        return self.tick_row[step].price + (index - self.tick_row[step].index) * (
            self.tick_row[step].tick
        )

    @cython.cfunc
    @cython.inline
    @cython.nogil
    @cython.exceptval(-9)
    def _lowest_bit(self, word: cython.ulonglong) -> cython.int:
        """Position of the lowest set bit of a word that has one."""
        if cython.compiled:
            return lowest_of(word)  # noqa: F821  kernel.pxd
        return (word & -word).bit_length() - 1

    @cython.cfunc
    @cython.nogil
    @cython.exceptval(-9)
    def _next_rank(self, half: cython.uint, rank: cython.int) -> cython.int:
        """The first rank from ``rank`` on that has orders, or one past the last price."""
        bits: cython.uint = self.ladder[half].bits
        summary: cython.uint = self.ladder[half].summary
        place: cython.int = rank >> 6
        block: cython.int
        word: cython.ulonglong = self.bit[bits + place] >> (rank & 63)
        if word:
            return rank + self._lowest_bit(word)
        place += 1
        block = place >> 6
        word = self.bit[summary + block] >> (place & 63)
        if word:
            place += self._lowest_bit(word)
            return (place << 6) + self._lowest_bit(self.bit[bits + place])
        block += 1
        while block < self.ladder[half].summaries:
            word = self.bit[summary + block]
            if word:
                place = (block << 6) + self._lowest_bit(word)
                return (place << 6) + self._lowest_bit(self.bit[bits + place])
            block += 1
        return self.band[half >> 1].prices + 2

    @cython.cfunc
    @cython.inline
    @cython.nogil
    @cython.exceptval(-9)
    def _highest_bit(self, word: cython.ulonglong) -> cython.int:
        """Position of the highest set bit of a word that has one."""
        if cython.compiled:
            return highest_of(word)  # noqa: F821  kernel.pxd
        return word.bit_length() - 1

    @cython.cfunc
    @cython.nogil
    @cython.exceptval(-9)
    def _last_rank(self, half: cython.uint, rank: cython.int) -> cython.int:
        """The last rank down from ``rank`` that has orders; 0 when that is the market orders or none."""
        bits: cython.uint = self.ladder[half].bits
        summary: cython.uint = self.ladder[half].summary
        place: cython.int = rank >> 6
        block: cython.int
        one: cython.ulonglong = 1
        word: cython.ulonglong = self.bit[bits + place] & (((one << (rank & 63)) << 1) - 1)
        if word:
            return (place << 6) + self._highest_bit(word)
        block = place >> 6
        word = self.bit[summary + block] & ((one << (place & 63)) - 1)
        while True:
            if word:
                place = (block << 6) + self._highest_bit(word)
                return (place << 6) + self._highest_bit(self.bit[bits + place])
            block -= 1
            if block < 0:
                return 0
            word = self.bit[summary + block]

    @cython.cfunc
    @cython.inline
    @cython.nogil
    @cython.exceptval(-9)
    def _mark(self, half: cython.uint, rank: cython.int) -> cython.int:
        """Note that a level has orders."""
        place: cython.int = rank >> 6
        one: cython.ulonglong = 1
        self.bit[self.ladder[half].bits + place] |= one << (rank & 63)
        self.bit[self.ladder[half].summary + (place >> 6)] |= one << (place & 63)
        self.ladder[half].best = min(self.ladder[half].best, rank)
        return 0

    @cython.cfunc
    @cython.nogil
    @cython.exceptval(-9)
    def _unmark(self, half: cython.uint, rank: cython.int) -> cython.int:
        """Note that a level has no orders any more."""
        place: cython.int = rank >> 6
        at: cython.uint = self.ladder[half].bits + place
        one: cython.ulonglong = 1
        self.bit[at] &= ~(one << (rank & 63))
        if self.bit[at] == 0:
            self.bit[self.ladder[half].summary + (place >> 6)] &= ~(one << (place & 63))
        if rank == self.ladder[half].best:
            self.ladder[half].best = self._next_rank(half, rank)
        return 0

    # --- orders in and out

    @cython.cfunc
    @cython.inline
    @cython.nogil
    @cython.exceptval(-9)
    def _id(self, node: cython.pointer(Node)) -> cython.longlong:
        """The id of a node's order."""
        return node[0].key & self.id_mask

    @cython.cfunc
    @cython.inline
    @cython.nogil
    @cython.exceptval(-9)
    def _leave(self, slot: cython.uint, node: cython.pointer(Node)) -> cython.int:
        """Take a node out of its ring and free it; its number is not forgotten."""
        following: cython.uint = node[0].following
        previous: cython.uint = node[0].previous
        half: cython.uint = node[0].tag >> 4
        ladder: cython.pointer(Ladder) = address(self.ladder[half])
        level: cython.pointer(Level) = address(self.level[ladder[0].levels + node[0].rank])
        level[0].units -= node[0].leaves
        level[0].count -= 1
        ladder[0].orders -= 1
        if following == slot:
            level[0].last = 0
            self._unmark(half, node[0].rank)
        else:
            self.node[previous].following = following
            self.node[following].previous = previous
            if level[0].last == slot:
                level[0].last = previous
        self.live -= 1
        return self._give_back(slot, node)

    @cython.cfunc
    @cython.inline
    @cython.nogil
    @cython.exceptval(-9)
    def _give_back(self, slot: cython.uint, node: cython.pointer(Node)) -> cython.int:
        """A node that left: its place may be used again."""
        if self.by_id:
            self.slot_of[self._id(node)] = -1
        node[0].tag = 0
        node[0].following = self.free
        self.free = slot
        return 0

    @cython.cfunc
    @cython.inline
    @cython.nogil
    @cython.exceptval(-9)
    def _rest(self, half: cython.uint, rank: cython.int, order_id: cython.longlong,
              leaves: cython.int, owner: cython.int, validity: cython.int) -> cython.int:  # fmt: skip
        """Put an order at the back of its level; the caller has made sure of a free node."""
        slot: cython.uint = self.free
        ladder: cython.pointer(Ladder) = address(self.ladder[half])
        level: cython.pointer(Level) = address(self.level[ladder[0].levels + rank])
        node: cython.pointer(Node) = address(self.node[slot])
        last: cython.uint = level[0].last
        first: cython.uint
        self.free = node[0].following
        node[0].key = order_id
        node[0].leaves = leaves
        node[0].rank = rank
        node[0].owner = owner
        node[0].tag = half << 4 | validity
        if last == 0:
            node[0].following = slot
            node[0].previous = slot
            self._mark(half, rank)
        else:
            first = self.node[last].following
            node[0].following = first
            node[0].previous = last
            self.node[last].following = slot
            self.node[first].previous = slot
        level[0].last = slot
        level[0].units += leaves
        level[0].count += 1
        ladder[0].orders += 1
        ladder[0].seen |= 1 << validity
        self.live += 1
        if self.by_id:
            self.slot_of[order_id] = slot
            self.entries += 1
            node[0].key |= self.entries << 31
        return slot

    # --- events

    @cython.cfunc
    @cython.inline
    @cython.nogil
    @cython.exceptval(-9)
    def _tell(self, head: cython.int, issue: cython.int, order_id: cython.longlong,
              contra_id: cython.longlong, price: cython.int, units: cython.int,
              leaves: cython.int, contra_leaves: cython.int) -> cython.int:  # fmt: skip
        """Write one event row."""
        row: cython.ulonglong = self.told
        if cython.compiled:  # one check for the whole row
            told = cython.declare(EventRow)
            told.head = head
            told.instrument = issue
            told.command = self.base + self.at
            told.order_id = order_id
            told.contra_id = contra_id
            told.price_sen = price
            told.units = units
            told.leaves_units = leaves
            told.contra_leaves_units = contra_leaves
            self.event[row] = told
        else:
            _fill(self.event[row], head, issue, self.base + self.at, order_id, contra_id, price,
                  units, leaves, contra_leaves)  # fmt: skip
        self.told = row + 1
        return 0

    # --- trading

    @cython.cfunc
    @cython.nogil
    @cython.exceptval(-9)
    def _match(self, issue: cython.uint, side: cython.int, order_id: cython.longlong,
               limit_rank: cython.int, leaves: cython.int, owner: cython.int,
               stop: cython.bint) -> cython.int:  # fmt: skip
        """Trade against the other side, best first; one event a fill. Returns what is left.

        Ends when filled, when no order within the limit is left, or, with ``stop``, in front of
        an order of ``owner``.
        """
        half: cython.uint = 2 * issue + 1 - side
        head: cython.int = 3 | (side + 1) << 24
        levels: cython.uint = self.ladder[half].levels
        rank: cython.int = self.ladder[half].best
        price: cython.int
        last: cython.uint
        resting: cython.uint
        following: cython.uint
        units: cython.int
        rest: cython.int
        flags: cython.int
        traded: cython.int = 0
        gone: cython.int = 0
        made: cython.longlong = 0
        node: cython.pointer(Node)
        level: cython.pointer(Level)
        while leaves > 0 and rank <= limit_rank:
            price = self._price(issue, 1 - side, rank)
            level = address(self.level[levels + rank])
            last = level[0].last
            resting = self.node[last].following
            while leaves > 0:
                node = address(self.node[resting])
                flags = 0
                if node[0].owner == owner:
                    if stop:
                        limit_rank = -1
                        break
                    flags = 2 << 16
                if self.told + 8 > self.event_room:
                    with cython.gil:
                        self.room_for(self.told)
                units = node[0].leaves
                rest = 0
                if units > leaves:
                    rest = units - leaves
                    units = leaves
                leaves -= units
                level[0].units -= units
                if side == 0:
                    self._tell(head | flags, issue, order_id, self._id(node), price, units,
                               leaves, rest)  # fmt: skip
                else:
                    self._tell(head | flags, issue, self._id(node), order_id, price, units, rest,
                               leaves)  # fmt: skip
                traded = price
                made += 1
                if rest:
                    node[0].leaves = rest
                    break
                following = node[0].following
                level[0].count -= 1
                gone += 1
                self._give_back(resting, node)
                if resting == last:
                    level[0].last = 0
                    break
                resting = following
            if level[0].last == 0:
                self._unmark(half, rank)
            else:
                self.node[last].following = resting
                self.node[resting].previous = last
            rank = self.ladder[half].best
        if made:
            self.band[issue].last = traded
            self.trades += made
            self.ladder[half].orders -= gone
            self.live -= gone
        return leaves

    @cython.cfunc
    @cython.nogil
    @cython.exceptval(-9)
    def _within_reach(self, issue: cython.uint, side: cython.int, limit_rank: cython.int,
                      wanted: cython.longlong) -> cython.longlong:  # fmt: skip
        """Units on the other side within a limit, counted up to ``wanted``."""
        half: cython.uint = 2 * issue + 1 - side
        rank: cython.int = self.ladder[half].best
        found: cython.longlong = 0
        while rank <= limit_rank and found < wanted:
            found += self.level[self.ladder[half].levels + rank].units
            rank = self._next_rank(half, rank + 1)
        return found if found < wanted else wanted

    # --- crossing and ending by priority

    @cython.cfunc
    @cython.inline
    @cython.nogil
    @cython.exceptval(-9)
    def _front(self, half: cython.uint) -> cython.int:
        """The node with the highest priority on a side, or 0."""
        ladder: cython.pointer(Ladder) = address(self.ladder[half])
        if ladder[0].orders == 0:
            return 0
        return self.node[self.level[ladder[0].levels + ladder[0].best].last].following

    @cython.cfunc
    @cython.inline
    @cython.nogil
    @cython.exceptval(-9)
    def _fill_front(self, half: cython.uint, slot: cython.uint, node: cython.pointer(Node),
                    units: cython.int) -> cython.int:  # fmt: skip
        """Take units off the first node of a side; the node that is first then, or 0."""
        level: cython.pointer(Level)
        if node[0].leaves == units:
            self._leave(slot, node)
            slot = self._front(half)
            if cython.compiled and slot:
                self._fetch_following(slot)
            return slot
        level = address(self.level[self.ladder[half].levels + node[0].rank])
        level[0].units -= units
        node[0].leaves -= units
        return slot

    @cython.cfunc
    @cython.inline
    @cython.nogil
    @cython.exceptval(-9)
    def _fetch_following(self, slot: cython.uint) -> cython.int:
        """Ask for the memory of the order two behind this one, and for the number of the next."""
        node: cython.pointer(Node) = address(self.node[self.node[slot].following])
        fetch_early(address(self.node[node[0].following]))  # noqa: F821  kernel.pxd
        fetch_early(address(self.slot_of[self._id(node)]))  # noqa: F821
        return 0

    @cython.cfunc
    @cython.nogil
    @cython.exceptval(-9)
    def _cross(self, issue: cython.int, price: cython.int,
               left: cython.longlong) -> cython.longlong:  # fmt: skip
        """Trade ``left`` units of both queues; the number of trades, or -1 when a side has too few."""
        buys: cython.uint = 2 * issue
        sells: cython.uint = 2 * issue + 1
        buy: cython.uint = self._front(buys)
        sell: cython.uint = self._front(sells)
        units: cython.int
        head: cython.int
        made: cython.longlong = 0
        bought: cython.pointer(Node)
        sold: cython.pointer(Node)
        while left > 0:
            if buy == 0 or sell == 0:
                return -1
            bought = address(self.node[buy])
            sold = address(self.node[sell])
            units = min(bought[0].leaves, sold[0].leaves)
            if units > left:
                units = cython.cast(cython.int, left)
            left -= units
            head = 3 | 1 << 16
            if bought[0].owner == sold[0].owner:
                head = 3 | 3 << 16
            self._tell(head, issue, self._id(bought), self._id(sold), price, units,
                       bought[0].leaves - units, sold[0].leaves - units)  # fmt: skip
            buy = self._fill_front(buys, buy, bought, units)
            sell = self._fill_front(sells, sell, sold, units)
            made += 1
        self.trades += made
        return made

    @cython.cfunc
    @cython.nogil
    @cython.exceptval(-9)
    def _end(self, issue: cython.int, head: cython.int, validities: cython.int,
             market_only: cython.bint) -> cython.int:  # fmt: skip
        """End orders of these validities, buys before sells, by priority; one row each."""
        half: cython.uint
        rank: cython.int
        slot: cython.uint
        following: cython.uint
        left: cython.int
        wanted: cython.int
        node: cython.pointer(Node)
        level: cython.pointer(Level)
        for half in range(2 * issue, 2 * issue + 2):
            rank = self.ladder[half].best
            wanted = validities | validities << 8  # 8 and up: those that need the rules
            if self.ladder[half].seen & wanted == 0 or (market_only and rank != 0):
                continue
            while rank <= self.band[issue].prices:
                level = address(self.level[self.ladder[half].levels + rank])
                left = level[0].count
                slot = self.node[level[0].last].following
                while left > 0:
                    node = address(self.node[slot])
                    following = node[0].following
                    left -= 1
                    if (validities >> (node[0].tag & 7)) & 1:
                        self._tell(head, issue, self._id(node), 0, 0, node[0].leaves, 0, 0)
                        self._leave(slot, node)
                    slot = following
                if market_only:
                    break
                rank = self._next_rank(half, rank + 1)
            if not market_only:
                self.ladder[half].seen &= ~wanted
        return 0

    # --- the crossing point of a call (matching/auction.py, the same rule)

    @cython.cfunc
    @cython.inline
    @cython.nogil
    @cython.exceptval(-9)
    def _shift(self, issue: cython.uint, side: cython.int, rank: cython.int,
               units: cython.longlong) -> cython.int:  # fmt: skip
        """Interest of one rank changed by ``units``; the level has changed already."""
        place: cython.int = self.call[issue].place
        if side == 0:
            if rank == 0 or self.band[issue].prices + 1 - rank >= place:
                self.call[issue].bought += units
        elif rank <= place:
            self.call[issue].sold += units
        return 0

    @cython.cfunc
    @cython.nogil
    @cython.exceptval(-9)
    def _look_up(self, issue: cython.uint) -> cython.int:
        """Put the crossing point where the best bid is, before it is walked to its place."""
        buys: cython.uint = 2 * issue
        sells: cython.uint = 2 * issue + 1
        at: cython.uint = self.ladder[sells].levels
        call: Call = self.call[issue]
        rank: cython.int
        call.bought = self.level[self.ladder[buys].levels].units
        call.sold = self.level[at].units
        call.place = 0
        if self.ladder[buys].orders:
            rank = self._next_rank(buys, 1)
            if rank <= self.band[issue].prices:
                call.place = self.band[issue].prices + 1 - rank
                call.bought += self.level[self.ladder[buys].levels + rank].units
        if call.place and self.ladder[sells].orders:
            rank = self._next_rank(sells, 1)
            while rank <= call.place:
                call.sold += self.level[at + rank].units
                rank = self._next_rank(sells, rank + 1)
        call.known = 1
        self.call[issue] = call
        return 0

    @cython.cfunc
    @cython.nogil
    @cython.exceptval(-9)
    def _settle(self, issue: cython.uint) -> cython.int:
        """Walk to the highest place where buys are at least sells, level by level.

        Places count the grid prices from 1; place 0 is below all of them.
        """
        buys: cython.uint = 2 * issue
        sells: cython.uint = 2 * issue + 1
        above: cython.int = self.band[issue].prices + 1
        bid: cython.int
        ask: cython.int
        following: cython.int
        bought: cython.longlong
        sold: cython.longlong
        call: Call
        if self.call[issue].known == 0:
            self._look_up(issue)
        call = self.call[issue]
        while call.place > 0 and call.bought < call.sold:
            ask = self._last_rank(sells, call.place)
            bid = above - self._next_rank(buys, above - call.place + 1)
            bid = max(bid, 0)
            following = max(ask - 1, bid)
            if ask > 0 and following == ask - 1:
                call.sold -= self.level[self.ladder[sells].levels + ask].units
            if bid > 0 and following == bid:
                call.bought += self.level[self.ladder[buys].levels + above - bid].units
            call.place = following
        while call.place < above - 1 and call.bought >= call.sold:
            ask = self._next_rank(sells, call.place + 1)
            bid = above - self._last_rank(buys, above - max(call.place, 1))  # above when none
            following = min(ask, bid + 1)
            if following >= above:
                call.place = above - 1
                break
            bought = call.bought
            sold = call.sold
            if following == bid + 1:
                bought -= self.level[self.ladder[buys].levels + above - bid].units
            if following == ask:
                sold += self.level[self.ladder[sells].levels + ask].units
            if bought < sold:
                call.place = following - 1
                break
            call.place = following
            call.bought = bought
            call.sold = sold
        self.call[issue] = call
        return 0

    @cython.cfunc
    @cython.inline
    @cython.nogil
    @cython.exceptval(-9)
    def _nearest(self, issue: cython.uint, lowest: cython.int, highest: cython.int) -> cython.int:
        """The place from lowest to highest nearest to the centre, half going up."""
        place: cython.int = self.call[issue].centre
        if place < lowest:
            return lowest
        if place >= highest:
            return highest
        return place + self.call[issue].rounds_up

    @cython.cfunc
    @cython.nogil
    @cython.exceptval(-9)
    def _clear(self, issue: cython.uint) -> cython.int:
        """Find what a cross would give now; 1 when it differs from what was found before."""
        buys: cython.uint = 2 * issue
        sells: cython.uint = 2 * issue + 1
        last: cython.int = self.band[issue].prices
        first: cython.int = 1
        top: cython.int = last
        below: cython.int
        chosen: cython.int
        level: cython.int
        lean: cython.int
        three: cython.bint
        market_bought: cython.longlong = self.level[self.ladder[buys].levels].units
        market_sold: cython.longlong = self.level[self.ladder[sells].levels].units
        units: cython.longlong = 0
        surplus: cython.longlong = 0
        more: cython.longlong = 0
        over: cython.longlong = 0
        bought: cython.longlong
        sold: cython.longlong
        price: cython.int = 0
        call: Call
        self._settle(issue)
        call = self.call[issue]
        three = call.rule == 3
        chosen = 0
        # Where limits of both sides meet at the point itself, neither end of the range is near it.
        if (market_bought or market_sold) and (
            call.bought == market_bought or call.sold == market_sold
        ):
            first = last + 1
            top = 0
            if self.ladder[buys].orders:
                level = self._next_rank(buys, 1)
                if level <= last:
                    top = last + 1 - level
                    first = last + 1 - self._last_rank(buys, last)
            if self.ladder[sells].orders:
                level = self._next_rank(sells, 1)
                if level <= last:
                    first = min(first, level)
                    top = max(top, self._last_rank(sells, last))
            if top == 0:  # market orders alone
                units = min(market_bought, market_sold)
                surplus = market_bought - market_sold
                price = call.at_market
                if price == 0 or units == 0 or (three and surplus != 0):
                    units = surplus = 0
                    price = 0
                return self._found(issue, price, units, surplus)
            first = 1 if three else max(first - 1, 1)
            top = last if three else min(top + 1, last)
        below = min(call.place, top)
        if below >= first:
            units = min(call.bought, call.sold)
            surplus = call.bought - call.sold
        if three and below == last and market_bought > call.sold:
            return self._found(issue, 0, 0, 0)
        if below >= first and units > 0 and surplus == 0:
            level = self._last_rank(sells, below)
            if below > 1:
                lean = self._next_rank(buys, last + 2 - below)
                level = max(level, last + 2 - lean)
            chosen = self._nearest(issue, max(first, level), below)
            return self._found(issue, self._price(issue, 1, chosen), units, 0)
        chosen = below
        if below < top:
            bought = call.bought
            if below > 0:
                bought -= self.level[self.ladder[buys].levels + last + 1 - below].units
            sold = call.sold + self.level[self.ladder[sells].levels + below + 1].units
            more = min(bought, sold)
            over = bought - sold
            level = max(below + 1, first)
            if three and below == 0 and market_sold > bought:
                more = 0
            if below < first:
                chosen = level
            elif three:
                if units < more or (
                    units == more and self._nearest(issue, below, below + 1) != below
                ):
                    chosen = level
            elif units < more or (units == more and abs(surplus) > abs(over)):
                chosen = level
            elif units == more and surplus == -over:
                if self._nearest(issue, below, level) != below:
                    chosen = level
            if chosen == level:
                units = more
                surplus = over
        if units <= 0:
            return self._found(issue, 0, 0, 0)
        return self._found(issue, self._price(issue, 1, chosen), units, surplus)

    @cython.cfunc
    @cython.inline
    @cython.nogil
    @cython.exceptval(-9)
    def _found(self, issue: cython.uint, price: cython.int, units: cython.longlong,
               surplus: cython.longlong) -> cython.int:  # fmt: skip
        """Keep a clearing; 1 when it is another one."""
        if (
            price == self.call[issue].price
            and units == self.call[issue].units
            and surplus == self.call[issue].surplus
        ):
            return 0
        self.call[issue].price = price
        self.call[issue].units = units
        self.call[issue].surplus = surplus
        return 1

    @cython.cfunc
    @cython.inline
    @cython.nogil
    @cython.exceptval(-9)
    def _gathered(self, issue: cython.uint, side: cython.int, rank: cython.int,
                  units: cython.longlong) -> cython.int:  # fmt: skip
        """Interest changed in a call that shows its price: tell the clearing if it is another one."""
        if self._is_beside(issue, side, rank):
            return 0
        self._shift(issue, side, rank, units)
        return self._retold(issue)

    @cython.cfunc
    @cython.inline
    @cython.nogil
    @cython.exceptval(-9)
    def _is_beside(self, issue: cython.uint, side: cython.int, rank: cython.int) -> cython.bint:
        """Whether an order of this rank changes nothing.

        It trades neither at the crossing point nor one place above it, one side is left over there,
        and limits of both sides meet there, so the ends of the range are not near.
        """
        call: cython.pointer(Call) = address(self.call[issue])
        if call[0].known == 0 or call[0].bought == call[0].sold:
            return False
        if side == 0:
            if rank == 0 or self.band[issue].prices + 1 - rank >= call[0].place:
                return False
        elif rank <= call[0].place + 1:
            return False
        return (
            call[0].bought > self.level[self.ladder[2 * issue].levels].units
            and call[0].sold > self.level[self.ladder[2 * issue + 1].levels].units
        )

    @cython.cfunc
    @cython.nogil
    @cython.exceptval(-9)
    def _retold(self, issue: cython.uint) -> cython.int:
        """Tell the clearing if it is another one."""
        if self._clear(issue) and self.call[issue].tells:
            if (
                self.call[issue].units > _ROW_UNITS_MAX
                or abs(self.call[issue].surplus) > _ROW_UNITS_MAX
            ):
                with cython.gil:
                    raise InvariantBroken("a row holds a clearing's units", {"issue": issue})
            self._tell(_indicative, issue, 0, 0, self.call[issue].price,
                       cython.cast(cython.int, self.call[issue].units),
                       cython.cast(cython.int, self.call[issue].surplus), 0)  # fmt: skip
        return 0

    # --- the plain cases of a command

    @cython.cfunc
    @cython.inline
    @cython.nogil
    @cython.exceptval(-9)
    def _ids_end(self) -> cython.longlong:
        """One past the largest id there is room for, as the bounds check of ``slot_of`` has it."""
        if cython.compiled:
            return self.slot_of.shape[0]
        return len(self._ids)

    @cython.cfunc
    @cython.inline
    @cython.nogil
    @cython.exceptval(-9)
    def _new(self, row: cython.pointer(CommandRow)) -> cython.int:
        """Enter an order if it is plain: accepted beyond doubt, and its life written here."""
        issue: cython.uint = row[0].instrument
        side: cython.int = row[0].side
        kind: cython.int = row[0].kind
        validity: cython.int = row[0].validity
        order_id: cython.longlong = row[0].order_id
        price: cython.int = row[0].price_sen
        units: cython.int = row[0].quantity_units
        mode: cython.int = row[0].self_trade & 255
        rank: cython.int
        limit_rank: cython.int
        flags: cython.int
        rests: cython.bint = True
        band: cython.pointer(Band)
        if (
            row[0].instrument < 0
            or row[0].instrument >= self.issues
            or side < 1
            or side > 2
            or order_id <= 0
        ):
            return 1
        if self.free == 0 or order_id >= self._ids_end():
            return 2
        if self.told + 8 > self.event_room:
            return 2
        band = address(self.band[issue])
        flags = band[0].flags
        if flags & 2 == 0 or kind | validity > 7 or self.slot_of[order_id] != 0:
            return 1
        if (band[0].combos >> (kind << 3 | validity)) & 1 == 0:
            return 1
        if units <= 0 or units > band[0].most or (band[0].lot != 1 and units % band[0].lot != 0):
            return 1
        side -= 1
        if kind == 2:
            if price != 0:
                return 1
            rank = 0
            limit_rank = band[0].prices + 1
        else:
            if price < band[0].lower or price > band[0].upper:
                return 1
            if band[0].rows == 1:
                rank = cython.cast(cython.int, cython.cast(
                    cython.ulonglong, price - band[0].origin) * band[0].inverse >> 45)  # fmt: skip
                if (
                    rank * band[0].tick != price - band[0].origin
                    or rank < 0
                    or rank >= band[0].prices
                ):
                    return 1
                rank = rank + 1 if side else band[0].prices - rank
            else:
                rank = self._rank(issue, side, price)
                if rank == 0:
                    return 1
            limit_rank = band[0].prices + 1 - rank
        if mode != 0 and mode != band[0].mode:
            return 1
        if flags & 4:
            if validity == 4 and band[0].mode != 1:
                return 1  # all or nothing around own orders
            rests = validity | kind == 1  # a limit order for the day
            if self.ladder[2 * issue + 1 - side].best <= limit_rank:
                if flags & 64:
                    return 1
                rests = False
        # Every check is above this line; below it nothing can fail.
        self._tell(1 | (side + 1) << 24, issue, order_id, 0, price, units, units, 0)
        if rests:
            self._rest(2 * issue + side, rank, order_id, units, row[0].owner, validity)
            if flags & 256:
                self._gathered(issue, side, rank, units)
            return 0
        return self._enter(issue, side, kind, validity, order_id, rank, limit_rank, units,
                           row[0].owner, band[0].mode)  # fmt: skip

    @cython.cfunc
    @cython.nogil
    @cython.exceptval(-9)
    def _enter(self, issue: cython.uint, side: cython.int, kind: cython.int,
               validity: cython.int, order_id: cython.longlong, rank: cython.int,
               limit_rank: cython.int, leaves: cython.int, owner: cython.int,
               mode: cython.int) -> cython.int:  # fmt: skip
        """Match an accepted order, then rest it or end it (continuous.py, the same rule)."""
        half: cython.uint = 2 * issue + 1 - side
        if self.ladder[half].best <= limit_rank:
            if validity == 4 and self._within_reach(issue, side, limit_rank, leaves) < leaves:
                self.slot_of[order_id] = -1
                self._tell(4 | _fok_unfilled << 8, issue, order_id, 0, 0, leaves, 0, 0)
                return 0
            leaves = self._match(issue, side, order_id, limit_rank, leaves, owner, mode != 1)
            if leaves == 0:
                self.slot_of[order_id] = -1
                return 0
            if mode != 1 and self.ladder[half].best <= limit_rank:
                self.left = leaves
                return 3
        elif validity == 4:
            self.slot_of[order_id] = -1
            self._tell(4 | _fok_unfilled << 8, issue, order_id, 0, 0, leaves, 0, 0)
            return 0
        if validity != 1:
            self.slot_of[order_id] = -1
            self._tell(4 | _ioc_rest << 8, issue, order_id, 0, 0, leaves, 0, 0)
        elif kind == 1:
            self._rest(2 * issue + side, rank, order_id, leaves, owner, validity)
        else:
            self.slot_of[order_id] = -1
            self._tell(4 | _market_rest << 8, issue, order_id, 0, 0, leaves, 0, 0)
        return 0

    @cython.cfunc
    @cython.inline
    @cython.nogil
    @cython.exceptval(-9)
    def _find(self, order_id: cython.longlong, owner: cython.int) -> cython.int:
        """The node of a resting order of this owner, or 0."""
        slot: cython.int
        if order_id <= 0 or order_id >= self._ids_end():
            return 0
        slot = self.slot_of[order_id]
        if slot <= 0 or self.node[slot].owner != owner:
            return 0
        return slot

    @cython.cfunc
    @cython.inline
    @cython.nogil
    @cython.exceptval(-9)
    def _cancel(self, instrument: cython.int, order_id: cython.longlong,
                owner: cython.int) -> cython.int:  # fmt: skip
        """Cancel a resting order of its owner, or refuse."""
        slot: cython.uint
        issue: cython.uint = instrument
        node: cython.pointer(Node)
        band: cython.pointer(Band)
        reason: cython.int
        if self.told + 8 > self.event_room:
            return 2
        if instrument < 0 or instrument >= self.issues:
            return 1
        slot = self._find(order_id, owner)
        if slot == 0:
            if self.band[issue].flags & 160:
                return 1
            self._tell(2 | _unknown_order << 8, issue, order_id, 0, 0, 0, 0, 0)
            return 0
        node = address(self.node[slot])
        issue = node[0].tag >> 5
        band = address(self.band[issue])
        if band[0].flags & 32:
            return 1
        reason = band[0].cancel_reason
        if reason:
            self._tell(2 | reason << 8, issue, order_id, 0, 0, 0, 0, 0)
            return 0
        self._tell(4 | _by_owner << 8, issue, order_id, 0, 0, node[0].leaves, 0, 0)
        if band[0].flags & 256:
            return self._withdraw(issue, slot)
        self._leave(slot, node)
        return 0

    @cython.cfunc
    @cython.nogil
    @cython.exceptval(-9)
    def _withdraw(self, issue: cython.uint, slot: cython.uint) -> cython.int:
        """Take a node out of a call that shows its price."""
        rank: cython.int = self.node[slot].rank
        side: cython.int = self.node[slot].tag >> 4 & 1
        leaves: cython.int = self.node[slot].leaves
        self._leave(slot, address(self.node[slot]))
        return self._gathered(issue, side, rank, -leaves)

    @cython.cfunc
    @cython.nogil
    @cython.exceptval(-9)
    def _amend(self, instrument: cython.int, order_id: cython.longlong, price: cython.int,
               units: cython.int, owner: cython.int) -> cython.int:  # fmt: skip
        """Amend a resting limit order if it is plain (engine.py, the same rule)."""
        slot: cython.uint
        issue: cython.uint = instrument
        rank: cython.int
        half: cython.int
        side: cython.int
        validity: cython.int
        old: cython.int
        flags: cython.int
        if self.told + 8 > self.event_room:
            return 2
        if instrument < 0 or instrument >= self.issues or self.band[issue].flags & 32:
            return 1
        slot = self._find(order_id, owner)
        if slot == 0:
            if self.band[issue].flags & 128:
                return 1
            self._tell(2 | _unknown_order << 8, issue, order_id, 0, 0, 0, 0, 0)
            return 0
        half = self.node[slot].tag >> 4
        validity = self.node[slot].tag & 15
        issue, side = half >> 1, half & 1
        flags = self.band[issue].flags
        if flags & 32:
            return 1
        if (
            flags & 8 == 0
            or validity & 8
            or self.node[slot].rank == 0
            or (price == 0 and units == 0)
        ):
            return 1
        if flags & 4 and (self.band[issue].mode != 1 or validity != 1 or flags & 64):
            return 1
        old = self.node[slot].leaves
        rank = self.node[slot].rank
        if price == 0:
            price = self._price(issue, side, rank)
        else:
            rank = self._rank(issue, side, price)
        if rank == 0 or price < self.band[issue].lower or price > self.band[issue].upper:
            return 1
        if units == 0:
            units = old
        if units < 0 or units > self.band[issue].most or units % self.band[issue].lot != 0:
            return 1
        # Every check is above this line; below it nothing can fail.
        if flags & 16 and rank == self.node[slot].rank and units <= old:
            self.level[self.ladder[half].levels + rank].units -= old - units
            self.node[slot].leaves = units
            self._tell(5 | 1 << 16 | (side + 1) << 24, issue, order_id, 0, price, units, units, 0)
            if flags & 256:
                self._gathered(issue, side, rank, units - old)
            return 0
        self._tell(5 | (side + 1) << 24, issue, order_id, 0, price, units, units, 0)
        if flags & 256:
            self._shift(issue, side, self.node[slot].rank, -old)
        self._leave(slot, address(self.node[slot]))
        if flags & 4 == 0:
            self._rest(half, rank, order_id, units, owner, validity)
            if flags & 256:
                self._shift(issue, side, rank, units)
                self._retold(issue)
            return 0
        return self._enter(issue, side, 1, validity, order_id, rank,
                           self.band[issue].prices + 1 - rank, units, owner, 1)  # fmt: skip

    @cython.cfunc
    @cython.inline
    @cython.nogil
    @cython.exceptval(-9)
    def _step(self, row: cython.pointer(CommandRow)) -> cython.int:
        """One command row."""
        if row[0].op == 1:
            return self._new(row)
        if row[0].op == 2:
            return self._cancel(row[0].instrument, row[0].order_id, row[0].owner)
        if row[0].op == 3:
            return self._amend(row[0].instrument, row[0].order_id, row[0].price_sen,
                               row[0].quantity_units, row[0].owner)  # fmt: skip
        return 1

    @cython.cfunc
    @cython.inline
    @cython.nogil
    @cython.exceptval(-9)
    def _look_ahead(self, row: cython.pointer(CommandRow)) -> cython.int:
        """Ask for the memory of commands that come soon: 12, 6 and 3 rows on. Changes nothing.

        Each step follows what the one before it has brought near: an id to its node, an issue to its
        ladder, a node or a price to its level and neighbours.
        """
        later: cython.ulonglong = row[12].order_id
        near: cython.ulonglong = row[6].order_id
        ids: cython.ulonglong = self.slot_of.shape[0]
        slot: cython.int
        if later < ids:
            fetch_early(address(self.slot_of[later]))  # noqa: F821  kernel.pxd
        if near < ids:
            slot = self.slot_of[near]
            fetch_early(address(self.node[slot & ~(slot >> 31)]))  # noqa: F821  0 for who left
        return 0

    @cython.cfunc
    @cython.inline
    @cython.nogil
    @cython.exceptval(-9)
    def _look_far(self, later: cython.pointer(CommandRow), near: cython.pointer(CommandRow),
                           soon: cython.pointer(CommandRow)) -> cython.int:  # fmt: skip
        """Where many issues or orders lie side by side, ladders, levels and neighbours are far too."""
        issues: cython.uint = self.issues
        issue: cython.uint = later[0].instrument
        half: cython.uint
        rank: cython.int
        slot: cython.int
        band: cython.pointer(Band)
        node: cython.pointer(Node)
        if issue < issues:
            fetch_early(address(self.band[issue]))  # noqa: F821
            fetch_early(address(self.ladder[2 * issue]))  # noqa: F821
        issue = near[0].instrument
        if near[0].op == 1 and issue < issues and (near[0].side == 1 or near[0].side == 2):
            band = address(self.band[issue])
            rank = cython.cast(cython.int, cython.cast(
                cython.ulonglong, near[0].price_sen - band[0].origin) * band[0].inverse >> 45)  # fmt: skip
            if rank >= 0 and rank < band[0].prices:
                half = 2 * issue + near[0].side - 1
                rank = rank + 1 if half & 1 else band[0].prices - rank
                fetch_early(address(self.level[self.ladder[half].levels + rank]))  # noqa: F821
        if soon[0].op != 1 and soon[0].order_id > 0 and soon[0].order_id < self._ids_end():
            slot = self.slot_of[soon[0].order_id]
            if slot > 0:
                node = address(self.node[slot])
                half = node[0].tag >> 4
                fetch_early(address(self.level[self.ladder[half].levels + node[0].rank]))  # noqa: F821
                fetch_early(address(self.node[node[0].following]))  # noqa: F821
                fetch_early(address(self.node[node[0].previous]))  # noqa: F821
        return 0

    @cython.cfunc
    @cython.nogil
    @cython.exceptval(-9)
    def _flow(self, first: cython.longlong, stop: cython.longlong) -> cython.int:
        """Rows from first to stop, until one is not plain; ``at`` says which."""
        said: cython.int
        at: cython.ulonglong = first
        end: cython.ulonglong = stop
        is_far: cython.bint = self.issues > 8 or self.live > 65_536
        row: cython.pointer(CommandRow)
        if at < end:
            row = address(self.command[end - 1])  # checked once: each row before it is one too
            row = address(self.command[at])
        while at < end:
            self.at = at
            if not cython.compiled:
                row = address(self.command[at])
            elif at + 12 < end:
                self._look_ahead(row)
                if is_far:
                    self._look_far(row + 12, row + 6, row + 3)
            said = self._step(row)
            if said != 0:
                return said
            at += 1
            if cython.compiled:
                row = row + 1
        self.at = at
        return 0

    # --- the batch door

    def take(self, commands):
        """Make these COMMAND rows the ones that :meth:`run` walks. They are not copied.

        Raises:
            BadInput: When an order id is beyond ``ORDER_ID_MAX``; no row has run then.
        """
        if cython.compiled:
            self.command = commands.view(_COMMAND)
        else:
            self.command = [_Row(_COMMAND.names, row) for row in commands.view(_COMMAND).tolist()]
        if self._largest_id(len(commands)) > ORDER_ID_MAX:
            raise BadInput(f"an order id is at most {ORDER_ID_MAX:,}")
        self._check_entries()

    @cython.cfunc
    @cython.nogil
    @cython.exceptval(-9)
    def _largest_id(self, count: cython.longlong) -> cython.longlong:
        at: cython.ulonglong
        largest: cython.longlong = 0
        for at in range(count):
            largest = max(largest, self.command[at].order_id)
        return largest

    def run(self, first: cython.longlong, stop: cython.longlong):
        """Run rows from ``first`` until ``stop`` or until one is not plain.

        Returns:
            DONE, or why it stopped at ``at``: PYTHON, ROOM or OWN. Other threads run meanwhile.
        """
        said: cython.int
        with cython.nogil:
            said = self._flow(first, stop)
        return said

    def stopped_at(self):
        """The row that :meth:`run` stopped at, as numbers in the order of COMMAND."""
        row: cython.pointer(CommandRow) = address(self.command[self.at])
        return (row[0].op, row[0].side, row[0].kind, row[0].validity, row[0].instrument,
                row[0].order_id, row[0].price_sen, row[0].quantity_units, row[0].owner,
                row[0].self_trade & 255)  # fmt: skip

    # --- one command a call

    @cython.cfunc
    @cython.inline
    @cython.exceptval(-9)
    def _call(self, op: cython.int, side: cython.int, kind: cython.int, validity: cython.int,
              instrument: cython.int, order_id: cython.longlong, price_sen: cython.int,
              quantity_units: cython.int, owner: cython.int, self_trade: cython.int) -> cython.int:  # fmt: skip
        """One step on fields, with more room where it is short; a code too large for a row is the rules'."""
        row: cython.pointer(CommandRow) = address(self.one[0])
        if (op | side | kind | validity) & ~255:
            return 1
        if self.entries >> 32:
            self._check_entries()
        row[0].op, row[0].side, row[0].kind, row[0].validity = op, side, kind, validity
        row[0].instrument, row[0].order_id, row[0].price_sen = instrument, order_id, price_sen
        row[0].quantity_units, row[0].owner, row[0].self_trade = quantity_units, owner, self_trade
        said: cython.int = self._step(row)
        if said == 2:
            self.more_room(order_id)
            said = self._step(row)
        return said

    def submit(self, op: cython.int, side: cython.int, kind: cython.int, validity: cython.int,
               instrument: cython.int, order_id: cython.longlong, price_sen: cython.int,
               quantity_units: cython.int, owner: cython.int, self_trade: cython.int = 0):  # fmt: skip
        """One order command; every event as a tuple (see :meth:`tuples`), in a list."""
        said: cython.int
        self.told = self.at = 0
        said = self._call(op, side, kind, validity, instrument, order_id, price_sen,
                          quantity_units, owner, self_trade)  # fmt: skip
        if said:
            self._ask(said, op, side, kind, validity, instrument, order_id, price_sen,
                      quantity_units, owner, self_trade)  # fmt: skip
        return self.tuples(0)

    def trades_of(self, op: cython.int, side: cython.int, kind: cython.int, validity: cython.int,
                  instrument: cython.int, order_id: cython.longlong, price_sen: cython.int,
                  quantity_units: cython.int, owner: cython.int, self_trade: cython.int = 0):  # fmt: skip
        """One order command; its trades as (buy id, sell id, price, units), or None."""
        said: cython.int
        at: cython.ulonglong
        row: cython.pointer(EventRow)
        self.told = self.at = 0
        said = self._call(op, side, kind, validity, instrument, order_id, price_sen,
                          quantity_units, owner, self_trade)  # fmt: skip
        if said:
            self._ask(said, op, side, kind, validity, instrument, order_id, price_sen,
                      quantity_units, owner, self_trade)  # fmt: skip
        elif self.told == 1:
            return None
        found: list = []
        for at in range(self.told):
            row = address(self.event[at])
            if row[0].head & 255 == 3:
                found.append((row[0].order_id, row[0].contra_id, row[0].price_sen, row[0].units))
        return found or None

    def _ask(self, said, op, side, kind, validity, instrument, order_id, price_sen,
             quantity_units, owner, self_trade):  # fmt: skip
        """Let the rules answer a command that is not plain."""
        if self.rules is None:
            raise InvariantBroken("a kernel has rules to ask", {"op": op, "order": order_id})
        self.rules(said, (op, side, kind, validity, instrument, order_id, price_sen,
                          quantity_units, owner, self_trade))  # fmt: skip

    def tuples(self, first: cython.longlong):
        """Event rows from ``first`` on as tuples: a code of ``What``, then what it tells.

        accepted, canceled, expired: (what, order id, units, price or reason); trade: (what, buy
        id, sell id, price, units, buy leaves, sell leaves); others: (what, order id, reason,
        price, units, leaves).
        """
        at: cython.ulonglong
        what: cython.int
        row: cython.pointer(EventRow)
        said: list = []
        for at in range(first, self.told):
            row = address(self.event[at])
            what = row[0].head & 255
            if what == 1:
                said.append((what, row[0].order_id, row[0].units, row[0].price_sen))
            elif what == 3:
                said.append((what, row[0].order_id, row[0].contra_id, row[0].price_sen,
                             row[0].units, row[0].leaves_units,
                             row[0].contra_leaves_units))  # fmt: skip
            elif what == 4 or what == 7:
                said.append((what, row[0].order_id, row[0].units, (row[0].head >> 8) & 255))
            else:
                said.append((what, row[0].order_id, (row[0].head >> 8) & 255,
                             row[0].price_sen, row[0].units, row[0].leaves_units))  # fmt: skip
        return said

    # --- for the rules: what one issue lets through, and rows of their events

    def allow(self, issue: cython.int, lower: cython.int, upper: cython.int, lot: cython.int,
              most: cython.int, combos: cython.int, flags: cython.int, cancel_reason: cython.int,
              mode: cython.int):  # fmt: skip
        """Set what is plain on one issue; see matching/batch.py, which works it out."""
        self.band[issue].lower, self.band[issue].upper = lower, upper
        self.band[issue].lot, self.band[issue].most = lot, most
        self.band[issue].combos, self.band[issue].flags = combos, flags
        self.band[issue].cancel_reason, self.band[issue].mode = cancel_reason, mode
        self.call[issue].known = 0

    def watch(self, issue: cython.int, *, tells, price, units, surplus):
        """Let plain commands keep the crossing point of a call, from this clearing on.

        What it depends on besides the orders is set by :meth:`KernelBook.crossing`. With ``tells``
        each change is told in a row.
        """
        self.call[issue].tells = tells
        self.call[issue].price, self.call[issue].units = price, units
        self.call[issue].surplus = surplus

    def watched(self, issue: cython.int):
        """The clearing found last while it was watched: price or 0, units, surplus."""
        return self.call[issue].price, self.call[issue].units, self.call[issue].surplus

    def last_price(self, issue: cython.int):
        """Last price of trades made here since :meth:`set_last`, 1/100 yen."""
        return self.band[issue].last

    def set_last(self, issue: cython.int, price: cython.int):
        """Set the last price, 1/100 yen; 0 for none."""
        self.band[issue].last = price

    def seen(self, order_id: cython.longlong):
        """Whether an order of this id was ever entered."""
        return order_id < self._ids_end() and self.slot_of[order_id] != 0

    def note(self, order_id: cython.longlong):
        """Remember an id whose order does not rest here."""
        if order_id >= self._ids_end():
            self.more_room(order_id)
        if self.slot_of[order_id] == 0:
            self.slot_of[order_id] = -1

    def next_entry(self):
        """The time of an order that comes now, by which orders are told older and younger.

        Raises:
            BadInput: When times have run out.
        """
        self._check_entries()
        self.entries += 1
        return self.entries

    def _check_entries(self):
        if self.entries >= ENTRIES_MAX:
            raise BadInput(f"after {ENTRIES_MAX:,} orders ids must be forgotten once")

    def id_at(self, slot: cython.uint):
        """The id of a node's order."""
        return self._id(address(self.node[slot]))

    def slot_at(self, order_id: cython.longlong):
        """The node of a resting order, or 0."""
        if order_id <= 0 or order_id >= self._ids_end():
            return 0
        return max(self.slot_of[order_id], 0)

    def issue_at(self, order_id: cython.longlong):
        """The issue of a resting order, or -1."""
        slot: cython.uint = self.slot_at(order_id)
        return self.node[slot].tag >> 5 if slot else -1

    def forget_ids(self):
        """Let ids be used again; no order may rest."""
        check(self.live == 0, "ids are forgotten when no order rests")
        self._ids = _more_numbers("i", array("i"), len(self._ids))
        self.slot_of = self._ids
        self.entries = 0
        self.orders = [None] * len(self.orders)  # an object is known by its id and node

    def tell(self, what, issue, order_id=0, contra_id=0, price=0, units=0, leaves=0,
             contra_leaves=0, reason=0, flags=0, side=0):  # fmt: skip
        """Write the row of an event that the rules made."""
        if self.told + 8 > self.event_room:
            self.more_room()
        self._tell(what | reason << 8 | flags << 16 | side << 24, issue, order_id, contra_id,
                   price, units, leaves, contra_leaves)  # fmt: skip

    def owner_number(self, owner):
        """The number that stands for an owner in the nodes."""
        if self.by_id:
            return int(owner)
        number = self.owners.get(owner)
        if number is None:
            number = self.owners[owner] = len(self.owners) + 1
        return number

    def check_invariants(self):
        """Check that each node is on one book or free, and counted. O(nodes)."""
        slot: cython.uint = self.free
        half: cython.int
        free = resting = 0
        for half in range(2 * self.issues):
            resting += self.ladder[half].orders
        while slot != 0 and free < len(self._nodes):
            check(self.node[slot].tag == 0, "a free node is on no side", slot=slot)
            slot, free = self.node[slot].following, free + 1
        check(self.live == resting, "orders are counted", live=self.live, resting=resting)
        whole = free + resting == len(self._nodes) - 1
        check(whole, "a node is on a book or free", free=free, resting=resting)


_VALIDITY_CODE = {validity: code for code, validity in enumerate(VALIDITIES)}
_RULE_CODE = {PriceRule.FIVE_CONDITION: 5, PriceRule.TSE_THREE_CONDITION: 3}
_BUY = Side.BUY
_LIMIT = OrderKind.LIMIT
_MARKET = OrderKind.MARKET


@cython.final
@cython.cclass
class KernelBook:
    """A :class:`matching.book.Book` on one issue of a kernel; see there for the methods.

    The rules hold :class:`Order` objects; each knows its node (``slot``). An order that came
    through the batch door gets its object when the rules first ask for it.

    Attributes:
        index: Every resting order by id, shared by the books of one engine.
        issue: Number of the issue in the kernel.
    """

    kernel = cython.declare(Kernel, visibility="public")
    issue = cython.declare(cython.int, visibility="public")
    index = cython.declare(object, visibility="public")
    instrument_id: object
    ticks: object
    lower: object
    upper: object
    aimed: object

    def __init__(self, kernel, index, instrument_id=""):
        self.kernel = kernel
        self.index = index
        self.instrument_id = instrument_id
        self.issue = kernel.add_issue()
        self.ticks = None
        self.lower = self.upper = 0
        self.aimed = None

    def fitted(self, ticks, lower_sen, upper_sen):
        """This book with ladders for the limits, or a sorted book where they are too far apart.

        Orders outside the limits keep their place. O(1), and O(orders) if orders rest and the
        prices change.
        """
        span = self.price_range()
        lower, upper = lower_sen, upper_sen
        if span is not None:
            lower, upper = min(lower, span[0]), max(upper, span[1])
        self.ticks = ticks
        if (lower, upper) == (self.lower, self.upper):
            return self
        rows, prices = _grid_rows(ticks, lower, upper)
        if prices <= PRICES_MAX:
            self._move(rows, prices, lower, upper)
            return self
        book = SortedBook(self.index)
        for order in self._emptied():
            book.add(order)
        return book

    @cython.cfunc
    def _emptied(self):
        """All orders by priority, buys before sells, none of them on the book any more."""
        orders = [order for side in Side for order in self.queue(side)]
        for order in orders:
            self.remove(order)
        return orders

    @cython.cfunc
    def _move(self, rows, prices, lower, upper):
        """Take ladders for other prices; every order keeps its place. O(orders)."""
        orders = self._emptied() if self.lower else []
        self.kernel.fit(self.issue, rows, prices)
        self.lower, self.upper, self.aimed = lower, upper, None
        for order in orders:
            self.add(order)

    @cython.cfunc
    def _stretch(self, price):
        """Make the ladders reach a price beyond them: an order that waited aside. O(orders)."""
        lower, upper = min(self.lower, price), max(self.upper, price)
        rows, prices = _grid_rows(self.ticks, lower, upper)
        self._move(rows, prices, lower, upper)

    # --- orders in and out

    def add(self, order):
        """Put an order at the back of its price, or of the market orders. O(1)."""
        side: cython.int = 0 if order.side is _BUY else 1
        price: cython.int = order.price_sen
        rank: cython.int = 0
        code: cython.int = _VALIDITY_CODE[order.validity]
        slot: cython.uint
        if price:
            if price < self.lower or price > self.upper:
                self._stretch(price)
            rank = self.kernel._rank(self.issue, side, price)
            if rank == 0:
                raise InvariantBroken("a book has a level for the price", {"price": price})
        if self.kernel.free == 0:
            self.kernel.more_room()
        if self.kernel.by_id:
            self.kernel.note(order.order_id)
            if SELF_TRADE_MODES.index(order.self_trade_mode) != self.kernel.band[self.issue].mode:
                code |= 8
        slot = self.kernel._rest(2 * self.issue + side, rank, order.order_id, order.leaves_units,
                                 self.kernel.owner_number(order.owner), code)  # fmt: skip
        order.slot = slot
        if self.kernel.by_id and order.entered:
            self.kernel.node[slot].key = order.entered << ID_BITS | order.order_id
        self.kernel.orders[slot] = order
        if self.kernel.call[self.issue].known:
            self.kernel._shift(self.issue, side, rank, order.leaves_units)
        if not self.kernel.by_id:
            self.index[order.order_id] = order

    def remove(self, order):
        """Take a resting order off; its open quantity stays written on it. O(1)."""
        slot: cython.uint = self._slot(order)
        self._less(slot, self.kernel.node[slot].leaves)
        self.kernel._leave(slot, address(self.kernel.node[slot]))
        self.kernel.orders[slot] = None
        order.slot = 0
        if not self.kernel.by_id:
            del self.index[order.order_id]

    def reduce(self, order, units):
        """Lower a resting order's open quantity; it keeps its place. O(1)."""
        slot: cython.uint = self._slot(order)
        fewer: cython.int = units
        half: cython.uint = self.kernel.node[slot].tag >> 4
        self._less(slot, fewer)
        self.kernel.node[slot].leaves -= fewer
        self.kernel.level[
            self.kernel.ladder[half].levels + self.kernel.node[slot].rank
        ].units -= fewer
        order.leaves_units -= units

    @cython.cfunc
    def _less(self, slot: cython.uint, units: cython.int) -> cython.int:
        """An order of this book is about to lose units: so does the interest, where it is kept."""
        if self.kernel.call[self.issue].known:
            self.kernel._shift(self.issue, self.kernel.node[slot].tag >> 4 & 1,
                               self.kernel.node[slot].rank, -units)  # fmt: skip
        return 0

    def execute(self, order, units):
        """Trade ``units`` of a resting order; it leaves the book when nothing is left. O(1)."""
        if units == order.leaves_units:
            self.remove(order)
            order.leaves_units = 0
        else:
            self.reduce(order, units)

    @cython.cfunc
    def _slot(self, order) -> cython.int:
        slot: cython.uint = order.slot
        if slot == 0 or self.kernel.id_at(slot) != order.order_id:
            raise InvariantBroken("only a resting order can be changed", {"order": order.order_id})
        return slot

    @cython.cfunc
    def _order(self, slot: cython.uint):
        """The order of a node, made now if it came through the batch door."""
        order = self.kernel.orders[slot]
        order_id: cython.longlong = self.kernel.id_at(slot)
        if order is None or order.order_id != order_id:
            half: cython.uint = self.kernel.node[slot].tag >> 4
            side: cython.int = half & 1
            rank: cython.int = self.kernel.node[slot].rank
            price: cython.int = self.kernel._price(half >> 1, side, rank)
            owner = str(self.kernel.node[slot].owner)
            leaves = self.kernel.node[slot].leaves
            order = Order(
                order_id, owner, "", "", "", self.instrument_id,
                Side.SELL if side else _BUY, _LIMIT if rank else _MARKET, price, leaves, leaves,
                VALIDITIES[self.kernel.node[slot].tag & 7],
                SELF_TRADE_MODES[self.kernel.band[self.issue].mode], owner,
            )  # fmt: skip
            self.kernel.orders[slot] = order
        if self.kernel.by_id:  # a plain amendment may have passed the object by
            order.entered = self.kernel.node[slot].key >> ID_BITS
            order.price_sen = self.kernel._price(
                self.issue, self.kernel.node[slot].tag >> 4 & 1, self.kernel.node[slot].rank
            )
        order.slot = slot
        order.leaves_units = self.kernel.node[slot].leaves
        return order

    def order_at(self, slot):
        """The order of a node of this book."""
        return self._order(slot)

    # --- trading

    @cython.cfunc
    def _limit_rank(self, incoming) -> cython.int:
        """The last rank of the other side that the order's limit reaches."""
        price: cython.int = incoming.price_sen
        side: cython.int = 0 if incoming.side is _BUY else 1
        prices: cython.int = self.kernel.band[self.issue].prices
        rank: cython.int
        if price == 0 or price > self.upper:
            return prices + 1 if price == 0 or side == 0 else 0
        if price < self.lower:
            return prices + 1 if side else 0
        rank = self.kernel._rank(self.issue, side, price)
        if rank == 0:
            raise InvariantBroken("a book has a level for the price", {"price": price})
        return prices + 1 - rank

    def match(self, incoming, stop_at_owner):
        """Trade an order that does not rest against the other side; see :class:`Book`."""
        side: cython.int = 0 if incoming.side is _BUY else 1
        limit_rank: cython.int = self._limit_rank(incoming)
        half: cython.uint = 2 * self.issue + 1 - side
        row: cython.longlong
        told: cython.longlong
        slot: cython.uint
        rest: cython.int
        owner: cython.int = -1
        if self.kernel.ladder[half].best > limit_rank:
            return ()
        if stop_at_owner is not None:
            owner = self.kernel.owner_number(stop_at_owner)
        fills: list = []
        if self.kernel.by_id:
            return self._match_by_object(incoming, stop_at_owner)
        told = self.kernel.told
        self.kernel.call[self.issue].known = 0
        incoming.leaves_units = self.kernel._match(
            self.issue, side, incoming.order_id, limit_rank, incoming.leaves_units, owner,
            stop_at_owner is not None,
        )  # fmt: skip
        for row in range(told, self.kernel.told):
            if side == 0:
                order = self.index[self.kernel.event[row].contra_id]
                rest = self.kernel.event[row].contra_leaves_units
            else:
                order = self.index[self.kernel.event[row].order_id]
                rest = self.kernel.event[row].leaves_units
            order.leaves_units = rest
            if rest == 0:
                slot = order.slot
                self.kernel.orders[slot] = None
                order.slot = 0
                del self.index[order.order_id]
            fills.append((order, self.kernel.event[row].units))
        self.kernel.told = told
        return fills

    def _match_by_object(self, incoming, stop_at_owner):
        """The same, an order at a time: for the rules, where orders have no object yet."""
        fills: list = []
        while incoming.leaves_units:
            resting = self.next_match(incoming)
            if resting is None or (stop_at_owner is not None and resting.owner == stop_at_owner):
                break
            units = min(incoming.leaves_units, resting.leaves_units)
            self.execute(resting, units)
            incoming.leaves_units -= units
            fills.append((resting, units))
        return fills

    def next_match(self, incoming):
        """The order that ``incoming`` would trade with next, or None. O(1)."""
        side: cython.int = 0 if incoming.side is _BUY else 1
        half: cython.uint = 2 * self.issue + 1 - side
        if self.kernel.ladder[half].best > self._limit_rank(incoming):
            return None
        return self._first(half)

    def available(self, incoming, owner, *, skip_owner):
        """Units within reach of ``incoming``, up to its open quantity; see :class:`Book`."""
        side: cython.int = 0 if incoming.side is _BUY else 1
        limit_rank: cython.int = self._limit_rank(incoming)
        half: cython.uint = 2 * self.issue + 1 - side
        wanted: cython.longlong = incoming.leaves_units
        found: cython.longlong = 0
        rank: cython.int
        last: cython.uint
        slot: cython.uint
        number: cython.int
        skips: cython.bint = skip_owner
        if owner is None:
            return self.kernel._within_reach(self.issue, side, limit_rank, wanted)
        number = self.kernel.owner_number(owner)
        rank = self.kernel.ladder[half].best
        while rank <= limit_rank and found < wanted:
            last = self.kernel.level[self.kernel.ladder[half].levels + rank].last
            slot = last
            while True:
                slot = self.kernel.node[slot].following
                if self.kernel.node[slot].owner != number:
                    found += self.kernel.node[slot].leaves
                elif not skips:
                    return min(found, wanted)
                if slot == last:
                    break
            rank = self.kernel._next_rank(half, rank + 1)
        return min(found, wanted)

    # --- crossing and ending in rows, for the batch door

    def cross_rows(self, price: cython.int, units: cython.longlong):
        """Trade ``units`` of both queues at one price, by priority; one row a trade. O(trades).

        Returns:
            The number of trades.
        """
        made: cython.longlong
        self.kernel.room_for(self.kernel.live)
        self.kernel.call[self.issue].known = 0
        with cython.nogil:
            made = self.kernel._cross(self.issue, price, units)
        if made < 0:
            raise InvariantBroken("a cross finds the units it announced", {"units": units})
        return made

    def end_rows(self, head: cython.int, validities: cython.int, market_only: cython.bint):
        """End orders, buys before sells, by priority; one row each. O(orders).

        Args:
            head: What the rows tell (canceled or expired, with its reason).
            validities: Bits of the validities that end.
            market_only: Whether only market orders end.
        """
        self.kernel.room_for(self.kernel.live)
        self.kernel.call[self.issue].known = 0
        with cython.nogil:
            self.kernel._end(self.issue, head, validities, market_only)

    # --- the price of a cross

    def keeps_crossing(self, terms):
        """Whether these terms are the ladders' (see :class:`Book`); they are noted then. O(1)."""
        rule: cython.int
        if terms is self.aimed:
            return True
        rule = _RULE_CODE.get(terms.price_rule, 0)
        if rule == 0 or terms.lower_limit_sen != self.lower or terms.upper_limit_sen != self.upper:
            return False
        self._aim(terms, rule)
        self.aimed = terms
        return True

    def crossing(self, terms):
        """What a cross gives now, or None where only the levels tell (see :class:`Book`).

        O(1) while the crossing point is kept, else O(levels that cross).
        """
        issue: cython.int = self.issue
        if not self.keeps_crossing(terms):
            return None
        told = self.kernel.watched(issue)
        with cython.nogil:
            self.kernel._clear(issue)
        price, units, surplus = self.kernel.watched(issue)
        self.kernel.call[issue].price, self.kernel.call[issue].units = told[0], told[1]
        self.kernel.call[issue].surplus = told[2]
        if self.kernel.by_id and self.kernel.band[issue].flags & 256 == 0:
            self.kernel.call[issue].known = 0  # plain commands pass it by
        return Clearing(price, units, surplus) if units else NO_CLEARING

    @cython.cfunc
    def _aim(self, terms, rule: cython.int):
        """Note what the clearing depends on besides the orders."""
        issue: cython.int = self.issue
        centre: cython.int = terms.centre_sen
        prices: cython.int = self.kernel.band[issue].prices
        step: cython.int = self.kernel.band[issue].row + self.kernel.band[issue].rows - 1
        place: cython.int = 0
        if centre >= self.kernel.band[issue].origin:
            while self.kernel.tick_row[step].price > centre:
                step -= 1
            place = (
                self.kernel.tick_row[step].index
                + (centre - self.kernel.tick_row[step].price) // self.kernel.tick_row[step].tick
                + 1
            )
            if step + 1 < self.kernel.band[issue].row + self.kernel.band[issue].rows:
                place = min(place, self.kernel.tick_row[step + 1].index)
            place = min(place, prices)
        self.kernel.call[issue].rule = rule
        self.kernel.call[issue].centre = place
        self.kernel.call[issue].rounds_up = 0
        if 0 < place < prices:
            self.kernel.call[issue].rounds_up = self.kernel._price(
                issue, 1, place + 1
            ) - centre <= centre - self.kernel._price(issue, 1, place)
        self.kernel.call[issue].at_market = 0
        if terms.market_only_trades:
            on_grid = terms.ticks.rounded_half_up(terms.centre_sen)
            self.kernel.call[issue].at_market = min(max(on_grid, self.lower), self.upper)

    # --- reading

    @cython.cfunc
    def _half(self, side) -> cython.int:
        return 2 * self.issue + (0 if side is _BUY else 1)

    @cython.cfunc
    def _first(self, half: cython.int):
        return self._order(self.kernel._front(half))

    def first(self, side):
        """The order with the highest priority of all, market orders included. O(1)."""
        half: cython.uint = self._half(side)
        return self._first(half) if self.kernel.ladder[half].orders else None

    def best(self, side):
        """The best limit price, or None. O(1)."""
        half: cython.uint = self._half(side)
        rank: cython.int
        if self.kernel.ladder[half].orders == 0:
            return None
        rank = self.kernel._next_rank(half, 1)
        if rank > self.kernel.band[self.issue].prices:
            return None
        return self.kernel._price(self.issue, half & 1, rank)

    def market_units(self, side):
        """Open quantity of market orders. O(1)."""
        half: cython.uint = self._half(side)
        if self.kernel.ladder[half].orders == 0:
            return 0
        return self.kernel.level[self.kernel.ladder[half].levels].units

    @cython.cfunc
    def _ranks(self, half: cython.int) -> list:
        """Ranks with limit orders, best first."""
        ranks: list = []
        rank: cython.int
        if self.kernel.ladder[half].orders == 0:
            return ranks
        rank = self.kernel._next_rank(half, 1)
        while rank <= self.kernel.band[self.issue].prices:
            ranks.append(rank)
            rank = self.kernel._next_rank(half, rank + 1)
        return ranks

    def levels(self, side):
        """Prices best first, without market orders. O(levels)."""
        half: cython.uint = self._half(side)
        base: cython.int = self.kernel.ladder[half].levels
        rank: cython.int
        found: list = []
        for rank in self._ranks(half):
            found.append(
                LevelTotal(
                    self.kernel._price(self.issue, half & 1, rank),
                    self.kernel.level[base + rank].units,
                    self.kernel.level[base + rank].count,
                )
            )
        return found

    def interest(self, side):
        """Prices and units of :meth:`levels` as arrays, best first. O(levels)."""
        half: cython.uint = self._half(side)
        base: cython.int = self.kernel.ladder[half].levels
        rank: cython.int
        count: cython.int = 0
        if self.kernel.ladder[half].orders:
            rank = self.kernel._next_rank(half, 1)
            while rank <= self.kernel.band[self.issue].prices:
                count += 1
                rank = self.kernel._next_rank(half, rank + 1)
        prices = np.empty(count, np.int64)
        units = np.empty(count, np.int64)
        price_view: cython.longlong[::1] = prices
        units_view: cython.longlong[::1] = units
        count = 0
        if len(prices):
            rank = self.kernel._next_rank(half, 1)
            while rank <= self.kernel.band[self.issue].prices:
                price_view[count] = self.kernel._price(self.issue, half & 1, rank)
                units_view[count] = self.kernel.level[base + rank].units
                count += 1
                rank = self.kernel._next_rank(half, rank + 1)
        return Interest(prices, units)

    def price_range(self):
        """Lowest and highest limit price on either side, or None. O(levels)."""
        prices: list = []
        half: cython.int
        for half in range(2 * self.issue, 2 * self.issue + 2):
            ranks = self._ranks(half)
            if ranks:
                prices.append(self.kernel._price(self.issue, half & 1, ranks[0]))
                prices.append(self.kernel._price(self.issue, half & 1, ranks[len(ranks) - 1]))
        return (min(prices), max(prices)) if prices else None

    def queue(self, side):
        """Orders by priority; the book must not change meanwhile."""
        half: cython.uint = self._half(side)
        return iter([self._order(slot) for slot in self._slots(half)])

    @cython.cfunc
    def _slots(self, half: cython.int) -> list:
        """Nodes of a side by priority."""
        found: list = []
        rank: cython.int
        slot: cython.uint
        last: cython.uint
        if self.kernel.ladder[half].orders == 0:
            return found
        rank = self.kernel.ladder[half].best
        while rank <= self.kernel.band[self.issue].prices:
            last = self.kernel.level[self.kernel.ladder[half].levels + rank].last
            slot = last
            while True:
                slot = self.kernel.node[slot].following
                found.append(slot)
                if slot == last:
                    break
            rank = self.kernel._next_rank(half, rank + 1)
        return found

    def places(self, side):
        """(order id, price, open units, units in front of it at its price) by priority."""
        half: cython.uint = self._half(side)
        slot: cython.uint
        found: list = []
        ahead = 0
        rank = -1
        for slot in self._slots(half):
            if self.kernel.node[slot].rank != rank:
                rank, ahead = self.kernel.node[slot].rank, 0
            found.append((self.kernel.id_at(slot),
                          self.kernel._price(self.issue, half & 1, rank),
                          self.kernel.node[slot].leaves, ahead))  # fmt: skip
            ahead += self.kernel.node[slot].leaves
        return found

    def check_invariants(self):
        """Check what must hold between commands. O(orders + prices); the first, all nodes."""
        half: cython.int
        rank: cython.int
        if self.issue == 0:
            self.kernel.check_invariants()
        for side in Side:
            half = self._half(side)
            orders = 0
            best = self.kernel.band[self.issue].prices + 2
            for rank in range(self.kernel.band[self.issue].prices + 1 if self.lower else 0):
                at = self.kernel.ladder[half].levels + rank
                marked = self.kernel._next_rank(half, rank) == rank
                last = self.kernel.level[at].last
                check(marked == (last != 0), "a bit is a level with orders", side=side, rank=rank)
                if last == 0:
                    empty = self.kernel.level[at].units == 0 and self.kernel.level[at].count == 0
                    check(empty, "a level without orders has no totals", side=side, rank=rank)
                    continue
                best = min(best, rank)
                orders += self._check_level(half, rank, at)
            if self.lower:
                check(self.kernel.ladder[half].best == best, "the best rank is the least",
                      side=side)  # fmt: skip
            check(self.kernel.ladder[half].orders == orders, "orders are counted", side=side)

    def _check_level(self, half, rank, at):
        units = count = 0
        last = self.kernel.level[at].last
        slot = last
        while True:
            previous, slot = slot, self.kernel.node[slot].following
            evidence = self.kernel.id_at(slot)
            check(self.kernel.node[slot].previous == previous, "links agree both ways",
                  order=evidence)  # fmt: skip
            check(self.kernel.node[slot].tag >> 4 == half, "an order rests on its side",
                  order=evidence)  # fmt: skip
            check(self.kernel.node[slot].rank == rank, "one level, one price", order=evidence)
            check(self.kernel.node[slot].leaves > 0, "a resting order is open", order=evidence)
            if self.kernel.by_id:
                check(self.kernel.slot_at(evidence) == slot, "the index knows it", order=evidence)
            else:
                order = self.index.get(evidence)
                knows = order is not None and order.slot == slot
                check(knows, "the index knows it", order=evidence)
                check(order.leaves_units == self.kernel.node[slot].leaves, "objects agree",
                      order=evidence)  # fmt: skip
            units, count = units + self.kernel.node[slot].leaves, count + 1
            if slot == last:
                break
        check(self.kernel.level[at].units == units, "units are those of the orders", rank=rank)
        check(self.kernel.level[at].count == count, "the count is that of the orders", rank=rank)
        return count

    def state(self):
        """Every order by priority, as plain values. O(orders)."""
        return {side.value: [order_state(order) for order in self.queue(side)] for side in Side}


def _grid_rows(ticks, lower, upper):
    """The grid from lower to upper as (first price, tick, prices before it), and its size."""
    rows = []
    count = 0
    price = lower if ticks.is_on_tick(lower) else ticks.next_above(lower)
    while price <= upper:
        tick = ticks.tick_at(price)
        row = min(bisect_left(ticks.up_to_sen, price), len(ticks.tick_sen) - 1)
        is_last = row == len(ticks.tick_sen) - 1
        until = upper if is_last else min(upper, ticks.up_to_sen[row])
        rows.append((price, tick, count))
        count += (until - price) // tick + 1
        price = ticks.next_above(until)
    return rows, count
