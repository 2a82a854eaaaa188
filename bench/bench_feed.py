"""How much the public feed costs per event: fold and encode, no socket, no journal, no matching.

Workload: seeded; one issue; 50% new limit orders within 20 ticks of 100,000 yen, 35% cancels of a
random live order, 15% trades between a live buy and a live sell (each trade is two orders messages
and one trades message). Drained every 32 events, as a venue that syncs in groups would.
Left out: sending. ``bench_apply`` is what the core's step pays; ``bench_drain`` is the rest.
"""

import random

from pytest_benchmark.fixture import BenchmarkFixture

from feeds.market_data import MarketData
from feeds.subscriber import Subscriber
from market.events import Event, InstrumentListed, OrderAccepted, OrderCanceled, Trade
from market.ids import ClientOrderId, InstrumentId, OrderId, ParticipantId, SessionId, TradeId
from market.instrument import J_MARKET_OTHER, TSE_LIMITS, Instrument
from market.quantities import Sen, SequenceNo, TimeNs, Units
from market.reasons import CancelReason
from market.words import OrderKind, Side, Validity

EVENTS = 20_000
EVENTS_PER_DRAIN = 32
ST01 = InstrumentId("ST01")
FIRM = ParticipantId("FIRM-A")
LISTED = InstrumentListed(
    instrument=Instrument(
        instrument_id=ST01,
        isin="JP0000000001",
        name="Bench",
        issued_units=Units(100_000),
        issue_price_sen=Sen(10_000_000),
        ticks=J_MARKET_OTHER,
        limits=TSE_LIMITS,
    )
)


def _accepted(number: int, draw: random.Random) -> OrderAccepted:
    return OrderAccepted(
        order_id=OrderId(number),
        participant_id=FIRM,
        session_id=SessionId("A1"),
        client_order_id=ClientOrderId(f"C-{number}"),
        instrument_id=ST01,
        side=draw.choice((Side.BUY, Side.SELL)),
        kind=OrderKind.LIMIT,
        price_sen=Sen(10_000_000 + 1_000 * draw.randint(-20, 20)),
        quantity_units=Units(draw.randint(1, 20)),
        validity=Validity.DAY,
    )


def public_flow(count: int, seed: int) -> list[Event]:
    """``count`` order and trade events of one issue, consistent as a book would send them."""
    draw = random.Random(seed)
    open_units: dict[Side, dict[OrderId, int]] = {Side.BUY: {}, Side.SELL: {}}
    flow: list[Event] = []
    for number in range(1, count + 1):
        roll = draw.random()
        buys, sells = open_units[Side.BUY], open_units[Side.SELL]
        if roll < 0.5 or not buys or not sells:
            order = _accepted(number, draw)
            open_units[order.side][order.order_id] = order.quantity_units
            flow.append(order)
        elif roll < 0.85:
            live = open_units[draw.choice((Side.BUY, Side.SELL))]
            order_id = draw.choice(list(live))
            flow.append(
                OrderCanceled(
                    order_id=order_id,
                    participant_id=FIRM,
                    instrument_id=ST01,
                    canceled_units=Units(live.pop(order_id)),
                    reason=CancelReason.OWNER,
                )
            )
        else:
            buy_id, sell_id = draw.choice(list(buys)), draw.choice(list(sells))
            units = min(buys[buy_id], sells[sell_id])
            for live, order_id in ((buys, buy_id), (sells, sell_id)):
                live[order_id] -= units
            flow.append(
                Trade(
                    trade_id=TradeId(number),
                    instrument_id=ST01,
                    price_sen=Sen(10_000_000),
                    quantity_units=Units(units),
                    buyer=FIRM,
                    seller=FIRM,
                    buy_order_id=buy_id,
                    sell_order_id=sell_id,
                    buy_leaves_units=Units(buys[buy_id]),
                    sell_leaves_units=Units(sells[sell_id]),
                    cross=False,
                )
            )
            for live, order_id in ((buys, buy_id), (sells, sell_id)):
                if not live[order_id]:
                    del live[order_id]
    return flow


def _fresh() -> MarketData:
    market_data = MarketData("bench", "tse", publishes_indicative_volume=True)
    market_data.apply(SequenceNo(0), TimeNs(0), LISTED)
    market_data.drain()
    return market_data


def _apply_all(market_data: MarketData, flow: list[Event]) -> MarketData:
    for number, event in enumerate(flow, start=1):
        market_data.apply(SequenceNo(number), TimeNs(number), event)
    return market_data


def _apply_and_drain(market_data: MarketData, flow: list[Event]) -> MarketData:
    for number, event in enumerate(flow, start=1):
        market_data.apply(SequenceNo(number), TimeNs(number), event)
        if not number % EVENTS_PER_DRAIN:
            market_data.drain()
    market_data.drain()
    return market_data


def bench_apply(benchmark: BenchmarkFixture) -> None:
    """What one event costs inside the core's step: noting it."""
    flow = public_flow(EVENTS, seed=20_231_225)
    done = benchmark.pedantic(
        _apply_all, setup=lambda: ((_fresh(), flow), {}), rounds=5, warmup_rounds=1
    )
    assert len(done._waiting) == EVENTS  # noqa: SLF001 - the bench asks what the step left
    benchmark.extra_info["events"] = EVENTS


def bench_drain(benchmark: BenchmarkFixture) -> None:
    """What one event costs in all: noting, folding, encoding, keeping, and its share of depth."""
    flow = public_flow(EVENTS, seed=20_231_225)
    expected = _apply_and_drain(_fresh(), flow).state()
    done = benchmark.pedantic(
        _apply_and_drain, setup=lambda: ((_fresh(), flow), {}), rounds=5, warmup_rounds=1
    )
    done.check_invariants()
    assert done.state() == expected  # a fast wrong answer is not a result
    benchmark.extra_info["events"] = EVENTS


def bench_wants(benchmark: BenchmarkFixture) -> None:
    """What one message costs for each reader before its bytes are sent."""
    market_data = _fresh()
    reader = Subscriber(market_data)
    reader.receive('{"method":"subscribe","params":{"channels":[{"name":"orders"}]}}')
    _apply_all(market_data, public_flow(EVENTS, seed=20_231_225))
    messages = market_data.drain()

    def ask_all(reader: Subscriber) -> int:
        return sum(reader.wants(message) for message in messages)

    def subscribed() -> tuple[tuple[Subscriber], dict[str, object]]:
        fresh = Subscriber(market_data)
        fresh._all_issues.update(reader._all_issues)  # noqa: SLF001 - joined before the flow
        return (fresh,), {}

    wanted = benchmark.pedantic(ask_all, setup=subscribed, rounds=5)
    assert wanted == sum(message.channel == "orders" for message in messages)
    benchmark.extra_info["messages"] = len(messages)
