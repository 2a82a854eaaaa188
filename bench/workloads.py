"""Canonical order flows, seeded, with a plain reference that says what must come out.

Change a flow only together with the numbers in bench/README.md and ``MIXED_ANSWERS``.

The mixed flow (one issue, continuous trading) is the one other engines were measured on: one
book in ticks, mid price starting at 10,000 and moving one tick in 50 messages; about 51% new limits
(12% of them marketable), 39% cancels, 5% replaces (half lower the quantity and keep priority, half
reprice), 2.5% market, 2.5% IOC; passive distances and sizes geometric; cancels take one of the 256
youngest orders (60%) or any. It fills in about 15,000 messages and then stays at some 4,700 orders
on 220 levels a side. All randomness is drawn before the first message from numpy's PCG64, for the
whole million, so a prefix is a prefix of the same flow.

Ticks become prices by ``TICK_SEN``; the issue ``ISSUE`` has that tick and limits far away.
"""

import struct
import zlib
from bisect import insort
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date
from typing import Final, NamedTuple

import numpy as np

from market.commands import (
    NO_PRICE,
    AmendOrder,
    CancelOrder,
    ChangePhase,
    Command,
    Entry,
    ListInstrument,
    NewOrder,
    OpenDay,
)
from market.events import Event, Trade
from market.ids import ClientOrderId, InstrumentId, OrderId, ParticipantId, SessionId
from market.instrument import J_MARKET_OTHER, TSE_LIMITS, Instrument, LimitTable, TickTable
from market.quantities import MAX_PRICE_SEN, Sen, SequenceNo, TimeNs, Units
from market.words import OrderKind, Phase, Side, Validity

SEED: Final = 20_261_122
WHOLE_FLOW: Final = 1_000_000
TICK_SEN: Final = 1_000
START_TICK: Final = 10_000
FIRM: Final = ParticipantId("FIRM")
SESSION: Final = SessionId("FIRM-1")
NAME: Final = InstrumentId("ST01")

NEW, CANCEL, REPLACE = 0, 1, 2
LIMIT, MARKET, IOC = 0, 1, 2


class Message(NamedTuple):
    """One message of a flow, in ticks; side 0 buys, 1 sells."""

    op: int
    kind: int
    side: int
    order: int
    price: int
    quantity: int


class Answer(NamedTuple):
    """What a flow must give: trades, units, and a CRC-32 over (maker, taker, tick, units)."""

    trades: int
    units: int
    crc: int


MIXED_ANSWERS: Final = {
    2_000: Answer(388, 6_160, 3_280_759_966),
    20_000: Answer(3_518, 58_133, 231_227_522),
    100_000: Answer(15_646, 259_965, 3_269_941_204),
    1_000_000: Answer(156_699, 2_599_357, 1_411_775_528),
}

ISSUE: Final = Instrument(
    instrument_id=NAME,
    isin="JP0000000001",
    name="Bench",
    issued_units=Units(1_000_000_000),
    issue_price_sen=Sen(START_TICK * TICK_SEN),
    ticks=TickTable(table_id=9, up_to_sen=(MAX_PRICE_SEN,), tick_sen=(TICK_SEN,)),
    limits=LimitTable(below_sen=(MAX_PRICE_SEN,), width_sen=(5_000 * TICK_SEN,)),
)
"""For the mixed flow: 10,000 ticks within the limits."""

START_ISSUE: Final = Instrument(
    instrument_id=NAME,
    isin="JP0000000001",
    name="Bench",
    issued_units=Units(1_000_000),
    issue_price_sen=Sen(10_000_000),
    ticks=J_MARKET_OTHER,
    limits=TSE_LIMITS,
)
"""A START issue as in the presets: 100,000 yen, tick 10 yen, limits 30,000 yen either way."""


@dataclass(slots=True)
class Resting:
    """An order of the reference."""

    order: int
    side: int
    price: int
    quantity: int


@dataclass(slots=True)
class ReferenceBook:
    """Price-time priority said plainly: a queue a price, and the prices in a sorted list."""

    queues: tuple[dict[int, deque[Resting]], dict[int, deque[Resting]]] = ({}, {})
    prices: tuple[list[int], list[int]] = ([], [])
    live: dict[int, Resting] = field(default_factory=dict)
    trades: int = 0
    units: int = 0
    notional: int = 0
    crc: int = 0

    def __post_init__(self) -> None:
        self.queues, self.prices = ({}, {}), ([], [])

    def best(self, side: int) -> int | None:
        """Best price of a side, in ticks; queues that only hold ended orders go."""
        prices, queues = self.prices[side], self.queues[side]
        while prices:
            price = prices[-1] if side == 0 else prices[0]
            queue = queues[price]
            while queue and not queue[0].quantity:
                queue.popleft()
            if queue:
                return price
            del queues[price]
            prices.remove(price)
        return None

    def new(self, order: int, side: int, price: int, quantity: int, kind: int) -> int:
        """Match, then rest the remainder of a limit order; returns the remainder."""
        other = 1 - side
        while quantity:
            best = self.best(other)
            if best is None:
                break
            if kind != MARKET and (best > price if side == 0 else best < price):
                break
            maker = self.queues[other][best][0]
            units = min(quantity, maker.quantity)
            quantity -= units
            maker.quantity -= units
            self.trades += 1
            self.units += units
            self.notional += best * units
            self.crc = trade_crc(maker.order, order, best, units, self.crc)
            if not maker.quantity:
                del self.live[maker.order]
        if quantity and kind == LIMIT:
            if price not in self.queues[side]:
                self.queues[side][price] = deque()
                insort(self.prices[side], price)
            resting = self.live[order] = Resting(order, side, price, quantity)
            self.queues[side][price].append(resting)
        return quantity

    def cancel(self, order: int) -> None:
        """Take an order off."""
        self.live.pop(order).quantity = 0

    def replace(self, order: int, price: int, quantity: int) -> None:
        """Less at the same price keeps priority; all else is a new order of the same name."""
        resting = self.live[order]
        if price == resting.price and quantity <= resting.quantity:
            resting.quantity = quantity
            return
        self.cancel(order)
        self.new(order, resting.side, price, quantity, LIMIT)

    def play(self, flow: Iterable[Message]) -> Answer:
        """Apply a whole flow."""
        for message in flow:
            if message.op == NEW:
                self.new(message.order, message.side, message.price, message.quantity, message.kind)
            elif message.op == CANCEL:
                self.cancel(message.order)
            else:
                self.replace(message.order, message.price, message.quantity)
        return Answer(self.trades, self.units, self.crc)


def trade_crc(maker: int, taker: int, tick: int, units: int, before: int) -> int:
    """CRC-32 of one trade after the ones before."""
    return zlib.crc32(struct.pack("<IIii", maker, taker, tick, units), before)


class _Draws:
    """Every random number of the mixed flow, in the order the flow was defined with."""

    def __init__(self, seed: int) -> None:
        rng = np.random.Generator(np.random.PCG64(seed))
        size = WHOLE_FLOW
        self.kind, self.first = rng.random(size), rng.random(size)
        self.second, self.third = rng.random(size), rng.random(size)
        self.side = rng.integers(0, 2, size)
        self.distance = rng.geometric(0.02, size) - 1
        self.through = rng.geometric(0.5, size) - 1
        self.passive_units = np.minimum(rng.geometric(0.02, size), 1000)
        self.taking_units = np.minimum(rng.geometric(0.04, size), 1000)
        self.step = np.where(rng.random(size) < 0.02, rng.choice([-1, 1], size), 0)

    def rows(self, count: int) -> Iterable[tuple[float | int, ...]]:
        """The first draws, a row a message, as plain numbers."""
        columns = (
            self.kind, self.first, self.second, self.third, self.side, self.distance,
            self.through, self.passive_units, self.taking_units, self.step,
        )  # fmt: skip
        return zip(*(column[:count].tolist() for column in columns), strict=True)


class _LiveOrders:
    """Live orders for a uniform choice, and the youngest 256."""

    def __init__(self, live: dict[int, Resting]) -> None:
        self.live = live
        self.orders: list[int] = []
        self.position: dict[int, int] = {}
        self.recent: deque[int] = deque(maxlen=256)

    def note(self, order: int) -> None:
        if order in self.live and order not in self.position:
            self.position[order] = len(self.orders)
            self.orders.append(order)
            self.recent.append(order)

    def drop(self, order: int) -> None:
        position = self.position.pop(order)
        last = self.orders.pop()
        if last != order:
            self.orders[position] = last
            self.position[last] = position

    def pick(self, which: float, where: float) -> int | None:
        if which < 0.6 and self.recent:
            order = self.recent[int(where * len(self.recent))]
            if order in self.live:
                return order
        while self.orders:
            order = self.orders[int(where * len(self.orders))]
            if order in self.live:
                return order
            self.drop(order)
        return None


def mixed_flow(  # noqa: C901, PLR0912, PLR0915  one draw, one branch
    count: int, seed: int = SEED, *, amends: bool = True
) -> list[Message]:
    """The first ``count`` steps of the mixed flow (module header).

    Args:
        count: Steps; each is one message, but a replace without ``amends`` is two.
        seed: Of every draw.
        amends: Whether a replace is one message, or a cancel and a new order with a new name, for
            engines that know no replace.
    """
    book = ReferenceBook()
    live = _LiveOrders(book.live)
    flow: list[Message] = []
    mid, next_order = START_TICK, 1

    def enter(side: int, price: int, quantity: int, kind: int) -> None:
        nonlocal next_order
        order, next_order = next_order, next_order + 1
        flow.append(Message(NEW, kind, side, order, price, quantity))
        book.new(order, side, price, quantity, kind)
        live.note(order)

    def leave(order: int) -> None:
        resting = book.live[order]
        flow.append(Message(CANCEL, 0, resting.side, order, resting.price, resting.quantity))
        book.cancel(order)
        live.drop(order)

    def passive(side: int, distance: int, quantity: int) -> None:
        enter(side, mid - 1 - distance if side == 0 else mid + 1 + distance, quantity, LIMIT)

    for row in _Draws(seed).rows(count):
        kind, first, second, third = row[:4]
        side, distance, through, passive_units, taking_units, step = (int(one) for one in row[4:])
        mid += step
        if abs(mid - START_TICK) > 2_000:
            mid = START_TICK
        bid, ask = book.best(0), book.best(1)
        short = (5_000 - len(book.live)) / 5_000
        new_until = 0.10 + 0.47 + min(0.40, max(-0.05, 0.5 * short))
        busy = len(book.live) > 200
        touch = None if bid is None or ask is None else (ask + through, bid - through)[side]
        if kind < 0.025 and busy:
            enter(side, 0, taking_units, MARKET)
        elif kind < 0.05 and busy and touch is not None:
            enter(side, touch, taking_units, IOC)
        elif kind < 0.10 and busy:
            order = live.pick(first, second)
            if order is None:
                continue
            replaced = _replacement(book.live[order], mid, first, third, distance)
            if not amends:
                leave(order)
                enter(replaced.side, replaced.price, replaced.quantity, LIMIT)
                continue
            flow.append(replaced)
            book.replace(order, replaced.price, replaced.quantity)
            if order not in book.live and order in live.position:
                live.drop(order)
        elif kind < new_until or not live.orders:
            if first < 0.12 and touch is not None:
                enter(side, touch, taking_units, LIMIT)
            else:
                price = mid - 1 - distance if side == 0 else mid + 1 + distance
                if side == 0 and ask is not None:
                    price = min(price, ask - 1)
                elif side == 1 and bid is not None:
                    price = max(price, bid + 1)
                enter(side, price, passive_units, LIMIT)
        elif (order := live.pick(first, second)) is not None:
            leave(order)
        else:
            passive(side, distance, passive_units)
    return flow


def _replacement(resting: Resting, mid: int, share: float, which: float, distance: int) -> Message:
    """Half lower the quantity at the same price, half move the price with the same quantity."""
    side, price, quantity = resting.side, resting.price, resting.quantity
    if which < 0.5 and quantity > 1:
        quantity = max(1, int(quantity * (0.2 + 0.6 * share)))
    else:
        price = mid - 1 - distance if side == 0 else mid + 1 + distance
        if price == resting.price:
            price += -1 if side == 0 else 1
    return Message(REPLACE, 0, side, resting.order, price, quantity)


def deep_flow(count: int, levels: int = 1_000, seed: int = SEED + 1) -> list[Message]:
    """Resting limits at random over ``levels`` prices, half a side, 1 to 100 units."""
    rng = np.random.Generator(np.random.PCG64(seed))
    half = levels // 2
    sides = rng.integers(0, 2, count).tolist()
    offsets = rng.integers(0, half, count).tolist()
    quantities = rng.integers(1, 101, count).tolist()
    return [
        Message(NEW, LIMIT, side, order, START_TICK + (1 + off if side else -1 - off), quantity)
        for order, (side, off, quantity) in enumerate(
            zip(sides, offsets, quantities, strict=True), 1
        )
    ]


def queue_flow(
    count: int = 20_000, cancels: int = 10_000, seed: int = SEED + 2
) -> tuple[list[Message], list[Message]]:
    """One long queue of buys at one price, and cancels of random ones among them."""
    rng = np.random.Generator(np.random.PCG64(seed))
    quantities = rng.integers(1, 101, count).tolist()
    chosen = (rng.permutation(count)[:cancels] + 1).tolist()
    news = [Message(NEW, LIMIT, 0, n, START_TICK, units) for n, units in enumerate(quantities, 1)]
    return news, [Message(CANCEL, 0, 0, n, START_TICK, quantities[n - 1]) for n in chosen]


def auction_flow(count: int, seed: int = SEED + 3) -> list[NewOrder]:
    """Call-phase orders around 100,000 yen: 15% market, limits normal-like within the day."""
    rng = np.random.Generator(np.random.PCG64(seed))
    sides = rng.integers(0, 2, count).tolist()
    market = (rng.random(count) < 0.15).tolist()
    offsets = np.clip(np.rint(rng.normal(0, 300, count)), -2_900, 2_900).astype(int).tolist()
    quantities = rng.geometric(0.25, count).tolist()
    return [
        new_order(
            order,
            Side.SELL if side else Side.BUY,
            NO_PRICE if is_market else Sen(10_000_000 + offset * 1_000),
            quantity,
        )
        for order, (side, is_market, offset, quantity) in enumerate(
            zip(sides, market, offsets, quantities, strict=True), 1
        )
    ]


def start_flow(count: int, seed: int = SEED + 4) -> list[Command]:
    """A call phase as it runs: 60% new orders, 25% cancels, 15% amendments of live orders.

    Orders are named by the entry number they get from :func:`entries` with ``first=1``.
    """
    rng = np.random.Generator(np.random.PCG64(seed))
    news = auction_flow(count, seed)
    kinds, picks = rng.random(count).tolist(), rng.random(count).tolist()
    live: list[int] = []
    flow: list[Command] = []
    for number, (new, kind, pick) in enumerate(zip(news, kinds, picks, strict=True), 1):
        chosen = int(pick * len(live))
        if kind < 0.60 or not live:
            flow.append(new)
            live.append(number)
        elif kind < 0.85:
            flow.append(cancel_order(live.pop(chosen)))
        else:
            flow.append(amend_order(number, live[chosen], None, new.quantity_units))
            live[chosen] = number
    return flow


# --- as commands


def new_order(
    number: int, side: Side, price_sen: Sen, quantity: int, validity: Validity = Validity.DAY
) -> NewOrder:
    """A new order of the one firm; without a price a market order."""
    return NewOrder(
        participant_id=FIRM,
        session_id=SESSION,
        generation=1,
        req_id="",
        client_order_id=ClientOrderId(f"C{number}"),
        instrument_id=NAME,
        side=side,
        kind=OrderKind.MARKET if price_sen == NO_PRICE else OrderKind.LIMIT,
        price_sen=price_sen,
        quantity_units=Units(quantity),
        validity=validity,
    )


def cancel_order(order_id: int) -> CancelOrder:
    """A cancel by order id."""
    return CancelOrder(
        participant_id=FIRM, session_id=SESSION, generation=1, req_id="", order_id=OrderId(order_id)
    )


def amend_order(number: int, order_id: int, price_sen: Sen | None, leaves_units: int) -> AmendOrder:
    """An amendment by order id."""
    return AmendOrder(
        participant_id=FIRM,
        session_id=SESSION,
        generation=1,
        req_id="",
        client_order_id=ClientOrderId(f"C{number}"),
        order_id=OrderId(order_id),
        price_sen=price_sen,
        leaves_units=Units(leaves_units),
    )


def commands(flow: Iterable[Message]) -> tuple[list[Command], dict[int, int]]:
    """A flow as commands of entries numbered from 1, and which message's order has which id.

    A replace that loses priority gets a new order id, as the ``tse`` preset does it.
    """
    result: list[Command] = []
    order_ids: dict[int, int] = {}
    orders: dict[int, int] = {}
    open_of: dict[int, tuple[int, int]] = {}
    for number, message in enumerate(flow, 1):
        order, price_sen = message.order, Sen(message.price * TICK_SEN)
        if message.op == NEW:
            side = Side.SELL if message.side else Side.BUY
            validity = Validity.IOC if message.kind == IOC else Validity.DAY
            result.append(new_order(number, side, price_sen, message.quantity, validity))
            order_ids[order] = number
        elif message.op == CANCEL:
            result.append(cancel_order(order_ids[order]))
        else:
            result.append(amend_order(number, order_ids[order], price_sen, message.quantity))
            if message.price != open_of[order][0] or message.quantity > open_of[order][1]:
                order_ids[order] = number
        orders[order_ids[order]] = order
        open_of[order] = (message.price, message.quantity)
    return result, orders


def entries(flow: Iterable[Command], first: int = 1) -> list[Entry]:
    """Commands numbered from ``first``, all at time 0."""
    return [
        Entry(sequence=SequenceNo(number), at_ns=TimeNs(0), command=command)
        for number, command in enumerate(flow, first)
    ]


def opening(issue: Instrument, phase: Phase) -> list[Command]:
    """List an issue, open a day and move it to ``phase``."""
    return [
        ListInstrument(instrument=issue),
        OpenDay(business_date=date(2026, 11, 24)),
        ChangePhase(instrument_id=issue.instrument_id, phase=phase),
    ]


def answer_of(events: Iterable[Event], orders: dict[int, int]) -> Answer:
    """Trades, units and CRC of events; the younger order of a trade is the taker."""
    trades = units = crc = 0
    for event in events:
        if isinstance(event, Trade):
            trades += 1
            units += event.quantity_units
            maker, taker = sorted((event.buy_order_id, event.sell_order_id))
            tick = event.price_sen // TICK_SEN
            crc = trade_crc(orders[maker], orders[taker], tick, event.quantity_units, crc)
    return Answer(trades, units, crc)
