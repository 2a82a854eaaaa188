"""The feed's front door: numbering, rebuilding, recovery, and what is never told."""

import hashlib
import json
import random
from collections import Counter
from typing import Any

import pytest
from feed_script import BASE_SEN, DAY_ONE, FIRMS, IDENTITIES, Reader, TinyMarket, crc_of

from feeds.issue import ISSUE_CHANNELS
from feeds.market_data import MarketData
from feeds.snapshot import FeedMessage
from feeds.wire import Channel
from market.errors import InvariantBroken
from market.events import (
    AuctionHeld,
    DayClosed,
    DayOpened,
    IndicativePriceChanged,
    OrderReleased,
    ParticipantKilled,
    PhaseChanged,
    QuoteEnded,
    QuoteShown,
    ReferencePriceSet,
    Trade,
    TradingHalted,
    TradingResumed,
    TransferControlSet,
)
from market.ids import InstrumentId, OrderId
from market.quantities import Sen, SequenceNo, TimeNs, Units
from market.words import OrderKind, Phase, QuoteKind, Side, Validity

ST01 = InstrumentId("ST01")
STEPS = 400


def new_feed(**settings: Any) -> MarketData:
    """A feed of the START rulebook."""
    return MarketData("RUN-1", "start", publishes_indicative_volume=False, **settings)


def feed_of(market: TinyMarket, **settings: Any) -> tuple[MarketData, list[FeedMessage]]:
    """A feed that was told everything and drained once."""
    feed = new_feed(**settings)
    for entry in market.entries:
        feed.apply(*entry)
    return feed, feed.drain()


def busy_market(seed: int, steps: int = STEPS) -> TinyMarket:
    """A market after some random steps."""
    market = TinyMarket(seed)
    for _ in range(steps):
        market.step()
    return market


def told(messages: list[FeedMessage], channel: Channel, name: str = "ST01") -> list[dict[str, Any]]:
    """The updates of one stream, as read by a client."""
    return [
        json.loads(message.payload)
        for message in messages
        if (message.channel, message.instrument_id) == (channel, name)
    ]


def data_of(payload: bytes) -> dict[str, Any]:
    """What a message says."""
    data: dict[str, Any] = json.loads(payload)["data"]
    return data


@pytest.mark.parametrize("seed", range(6))
def test_orders_and_depth_rebuild_the_book_at_every_drain(seed: int) -> None:
    """A reader of updates alone holds the market's book at every point, however drains fall."""
    market, feed = TinyMarket(seed), new_feed()
    readers = {name: Reader() for name in market.names}
    draw, applied = random.Random(seed), 0
    for _ in range(STEPS):
        for _ in range(draw.choice((1, 1, 1, 2, 7))):
            market.step()
        for entry in market.entries[applied:]:
            feed.apply(*entry)
        applied = market.sequence
        for message in feed.drain():
            if message.instrument_id:
                readers[message.instrument_id].hear(message.payload)
        feed.check_invariants()
        for name, reader in readers.items():
            assert reader.in_priority() == market.in_priority(name)
            assert (reader.bids, reader.asks) == market.levels(name)
            assert reader.market_units == market.market_units(name)
            assert reader.seq.get("depth") == reader.seq.get("orders")


@pytest.mark.parametrize("seed", range(2))
def test_a_snapshot_joins_the_updates_at_every_point(seed: int) -> None:
    """Whenever a reader joins, its snapshot and what follows end where the first reader's do."""
    market, feed = TinyMarket(seed, names=("ST01",)), new_feed()
    for entry in market.entries:
        feed.apply(*entry)
    feed.drain()
    readers: list[Reader] = []
    for _ in range(120):
        late = Reader()
        for channel in ISSUE_CHANNELS:
            late.hear(feed.snapshot(channel, "ST01"))
        readers.append(late)
        market.step()
        feed.apply(*market.entries[-1])
        for message in feed.drain():
            if message.instrument_id:
                for reader in readers:
                    reader.hear(message.payload)
    views = [reader.view() for reader in readers]
    assert all(view == views[0] for view in views)
    assert views[0]["orders"] == market.in_priority("ST01")


@pytest.mark.parametrize("seed", range(3))
def test_messages_depend_on_the_events_and_not_on_the_drains(seed: int) -> None:
    """Two runs drained differently publish the same bytes, except how depth is grouped."""
    market = busy_market(seed)
    _, at_once = feed_of(market)
    feed, one_by_one = new_feed(), []
    for entry in market.entries:
        feed.apply(*entry)
        one_by_one.extend(feed.drain())
    whole, _ = feed_of(market)

    def without_depth(messages: list[FeedMessage]) -> list[bytes]:
        return [m.payload for m in messages if m.channel is not Channel.DEPTH]

    assert without_depth(at_once) == without_depth(one_by_one)
    assert feed.state() == whole.state()
    by_seq = {m.seq: m for m in one_by_one if (m.channel, m.instrument_id) == ("depth", "ST01")}
    for message in told(at_once, Channel.DEPTH):
        alone = json.loads(by_seq[message["seq"]].payload)
        assert alone["data"]["crc"] == message["data"]["crc"]


def test_every_stream_counts_without_gap_or_repeat() -> None:
    """Numbers go up by one from 1; depth's may cover several, and says how many."""
    _, messages = feed_of(busy_market(9))
    last: dict[tuple[str, str], int] = {}
    for message in messages:
        stream = (message.channel, message.instrument_id)
        assert message.prev_seq == last.get(stream, 0)
        if message.channel is not Channel.DEPTH:
            assert message.seq == message.prev_seq + 1
        last[stream] = message.seq
    assert len(last) == 1 + 2 * len(ISSUE_CHANNELS)


def test_depth_says_how_many_steps_it_covers() -> None:
    """One change is not conflated; three are, as ``conflated: 3``, in one message."""
    market, feed = TinyMarket(names=("ST01",)), new_feed()
    market.accept("ST01", "buy", BASE_SEN, 1)
    for entry in market.entries:
        feed.apply(*entry)
    (first,) = told(feed.drain(), Channel.DEPTH)
    assert "conflated" not in first
    assert (first["prev_seq"], first["seq"]) == (0, 1)
    for _ in range(3):
        market.accept("ST01", "buy", BASE_SEN, 1)
        feed.apply(*market.entries[-1])
    (second,) = told(feed.drain(), Channel.DEPTH)
    assert (second["prev_seq"], second["seq"], second["conflated"]) == (1, 4, 3)
    assert second["data"]["bids"] == [["100000", 4, 4]]


@pytest.mark.parametrize("seed", range(3))
def test_no_message_names_a_firm(seed: int) -> None:
    """Firm, session, account and client order ids are in no byte of the public feed."""
    market = busy_market(seed)
    market.say(ParticipantKilled(participant_id=FIRMS[0]))
    feed, messages = feed_of(market)
    payloads = [message.payload for message in messages]
    payloads += [feed.snapshot(c, name) for c in ISSUE_CHANNELS for name in market.names]
    payloads += [feed.snapshot(Channel.STATUS), feed.hello()]
    payloads.append(feed.heartbeat(TimeNs(1), SequenceNo(1), "00"))
    for payload in payloads:
        for identity in IDENTITIES:
            assert identity not in payload
    assert "LEAK" not in str(feed.state())


@pytest.mark.parametrize("seed", range(3))
def test_public_trades_are_the_trades(seed: int) -> None:
    """As a multiset, what the tape says is what happened: number, price, quantity."""
    market = busy_market(seed)
    _, messages = feed_of(market)
    happened = Counter(
        (f"T-{event.trade_id}", event.price_sen, event.quantity_units)
        for _, _, event in market.entries
        if isinstance(event, Trade)
    )
    public = Counter(
        (trade["trade_number"], int(trade["price"]) * 100, trade["quantity_units"])
        for name in market.names
        for trade in (message["data"] for message in told(messages, Channel.TRADES, name))
        if trade["action"] == "trade"
    )
    assert public == happened
    assert happened


def test_a_trade_follows_the_two_steps_it_made_in_the_book() -> None:
    """Both orders are reduced under the trade's number first; at 0 no delete follows."""
    market = TinyMarket(names=("ST01",))
    buy = market.accept("ST01", "buy", BASE_SEN, 5)
    sell = market.accept("ST01", "sell", 0, 3)
    market.trade("ST01", buy, sell)
    _, messages = feed_of(market)
    tail = [json.loads(message.payload)["data"] for message in messages[-4:-1]]
    assert tail[0] == {
        "action": "reduce",
        "order_number": f"O-{buy.number}",
        "leaves_units": 2,
        "trade_number": "T-1",
    }
    assert tail[1]["leaves_units"] == 0
    assert tail[2] == {
        "action": "trade",
        "trade_number": "T-1",
        "price": "100000",
        "quantity_units": 3,
        "cross": True,
        "totals": {
            "volume_units": 3,
            "value_yen": 300_000,
            "trade_count": 1,
            "open": "100000",
            "high": "100000",
            "low": "100000",
            "last": "100000",
        },
    }
    assert messages[-1].channel is Channel.DEPTH


def test_day_totals_are_open_high_low_last() -> None:
    """Four trades give the day's range; the value rounds each trade down to whole yen."""
    market = TinyMarket(names=("ST01",))
    for price_sen in (10_000_000, 10_002_050, 9_999_050, 10_001_000):
        pair = [market.accept("ST01", side, price_sen, 1) for side in ("buy", "sell")]
        market.trade("ST01", pair[0], pair[1], price_sen)
    feed, _ = feed_of(market)
    snapshot = data_of(feed.snapshot(Channel.TRADES, "ST01"))
    assert snapshot["totals"] == {
        "volume_units": 4,
        "value_yen": 100_000 + 100_020 + 99_990 + 100_010,
        "trade_count": 4,
        "open": "100000",
        "high": "100020.50",
        "low": "99990.50",
        "last": "100010",
    }
    assert [trade["trade_number"] for trade in snapshot["trades"]] == ["T-1", "T-2", "T-3", "T-4"]


def test_a_snapshot_holds_the_last_fifty_trades() -> None:
    """Fifty-one trades happened: the first is no longer shown, the totals know it."""
    market = TinyMarket(names=("ST01",))
    for _ in range(51):
        pair = [market.accept("ST01", side, BASE_SEN, 1) for side in ("buy", "sell")]
        market.trade("ST01", pair[0], pair[1])
    feed, _ = feed_of(market)
    snapshot = data_of(feed.snapshot(Channel.TRADES, "ST01"))
    assert [trade["trade_number"] for trade in snapshot["trades"]] == [
        f"T-{number}" for number in range(2, 52)
    ]
    assert snapshot["totals"]["volume_units"] == 51


@pytest.mark.parametrize(
    ("publishes", "expected"),
    [
        (False, {"action": "indicative", "price": "100010"}),
        (
            True,
            {
                "action": "indicative",
                "price": "100010",
                "executed_units": 12,
                "surplus_units": -3,
            },
        ),
    ],
    ids=["start has no volume field", "a rulebook that publishes volume"],
)
def test_indicative_volume_is_the_rulebooks_choice(
    publishes: bool, expected: dict[str, Any]
) -> None:
    """START publishes the equilibrium price alone (ITCH 1.2, 4.11); others add quantities."""
    market = TinyMarket(names=("ST01",))
    market.say(
        IndicativePriceChanged(
            instrument_id=ST01,
            price_sen=Sen(10_001_000),
            executed_units=Units(12),
            surplus_units=-3,
        )
    )
    feed = MarketData("RUN-1", "any", publishes_indicative_volume=publishes)
    for entry in market.entries:
        feed.apply(*entry)
    assert told(feed.drain(), Channel.AUCTION)[0]["data"] == expected
    assert data_of(feed.snapshot(Channel.AUCTION, "ST01")) == {
        "indicative": expected,
        "result": None,
    }


def test_no_price_is_said_explicitly_and_after_the_cross() -> None:
    """Where there is no price it says ``null``; a held cross ends the indication."""
    market = TinyMarket(names=("ST01",))
    nothing = IndicativePriceChanged(
        instrument_id=ST01, price_sen=None, executed_units=Units(0), surplus_units=0
    )
    market.say(nothing)
    market.say(
        IndicativePriceChanged(
            instrument_id=ST01, price_sen=Sen(BASE_SEN), executed_units=Units(2), surplus_units=0
        )
    )
    market.say(
        AuctionHeld(
            instrument_id=ST01,
            phase=Phase.OPENING_AUCTION,
            price_sen=Sen(BASE_SEN),
            executed_units=Units(2),
            trades=1,
        )
    )
    feed, messages = feed_of(market)
    said = [message["data"] for message in told(messages, Channel.AUCTION)]
    result = {
        "action": "result",
        "phase": "OpeningAuction",
        "price": "100000",
        "executed_units": 2,
        "trades": 1,
        "skipped": False,
    }
    assert said == [
        {"action": "indicative", "price": None},
        {"action": "indicative", "price": "100000"},
        result,
    ]
    assert data_of(feed.snapshot(Channel.AUCTION, "ST01")) == {
        "indicative": {"action": "indicative", "price": None},
        "result": result,
    }


def released(market: TinyMarket, number: int, side: Side, price_sen: int, units: int) -> None:
    """An order's condition was met."""
    market.say(
        OrderReleased(
            order_id=OrderId(number),
            participant_id=FIRMS[0],
            instrument_id=ST01,
            side=side,
            kind=OrderKind.LIMIT if price_sen else OrderKind.MARKET,
            price_sen=Sen(price_sen),
            leaves_units=Units(units),
        )
    )


def test_an_on_close_order_is_seen_when_it_joins_and_a_funari_order_when_it_turns() -> None:
    """Nobody sees an order that waits aside, amended or canceled; then it is at the back."""
    market = TinyMarket()
    market.say(PhaseChanged(instrument_id=ST01, phase=Phase.CONTINUOUS))
    close, funari = Validity.ON_CLOSE, Validity.FUNARI
    waiting = market.accept("ST01", "buy", BASE_SEN, 5, close)
    gone = market.accept("ST01", "buy", BASE_SEN, 4, close)
    turning = market.accept("ST01", "buy", BASE_SEN, 3, funari)
    resting = market.accept("ST01", "buy", BASE_SEN, 2)
    market.leave("ST01", gone)
    market.say(PhaseChanged(instrument_id=ST01, phase=Phase.PRE_CLOSE))
    released(market, waiting.number, Side.BUY, BASE_SEN, 5)
    released(market, turning.number, Side.BUY, 0, 3)
    late = market.accept("ST01", "buy", BASE_SEN, 1, close)

    feed, messages = feed_of(market)
    reader = Reader()
    for message in messages:
        if message.instrument_id == "ST01":
            reader.hear(message.payload)
    acts = [
        (data["action"], data["order_number"])
        for data in (message["data"] for message in told(messages, Channel.ORDERS))
    ]
    assert acts == [
        ("add", f"O-{turning.number}"),
        ("add", f"O-{resting.number}"),
        ("add", f"O-{waiting.number}"),
        ("replace", f"O-{turning.number}"),
        ("add", f"O-{late.number}"),
    ]
    orders = data_of(feed.snapshot(Channel.ORDERS, "ST01"))["orders"]
    assert [one["order_number"] for one in orders] == [
        f"O-{turning.number}", f"O-{resting.number}", f"O-{waiting.number}", f"O-{late.number}",
    ]  # fmt: skip
    assert {one["order_number"] for one in orders} == set(reader.orders)
    feed.check_invariants()


def test_a_quote_is_told_on_the_auction_channel_until_it_ends() -> None:
    """Kind, pressing side, price and when it moves on; a snapshot carries it while it shows."""
    market = TinyMarket()
    market.say(
        QuoteShown(
            instrument_id=ST01,
            quote_number=3,
            kind=QuoteKind.SPECIAL,
            side=Side.BUY,
            price_sen=Sen(10_300_000),
            renew_at_ns=TimeNs(180),
        )
    )
    shown = {
        "action": "quote", "quote_number": 3, "kind": "special", "side": "buy", "price": "103000",
        "renew_at_ns": 180,
    }  # fmt: skip
    feed, messages = feed_of(market)
    assert [message["data"] for message in told(messages, Channel.AUCTION)] == [shown]
    assert data_of(feed.snapshot(Channel.AUCTION, "ST01"))["quote"] == shown

    market.say(QuoteEnded(instrument_id=ST01, quote_number=3))
    feed, messages = feed_of(market)
    none = dict.fromkeys(("kind", "side", "price", "renew_at_ns"))
    ended = {"action": "quote", "quote_number": 3} | none
    assert [message["data"] for message in told(messages, Channel.AUCTION)] == [shown, ended]
    assert "quote" not in data_of(feed.snapshot(Channel.AUCTION, "ST01"))


@pytest.mark.parametrize("phase", list(Phase))
def test_phase_carries_starts_names_and_the_non_cancel_flag(phase: Phase) -> None:
    """The flag is on in the two states named NCP and in no other."""
    market = TinyMarket(names=("ST01",))
    market.say(PhaseChanged(instrument_id=ST01, phase=phase))
    feed, messages = feed_of(market)
    expected = {
        "phase": phase.value,
        "non_cancel": phase.value.endswith("NCP"),
        "suspended": False,
        "reason": None,
    }
    assert told(messages, Channel.PHASE)[0]["data"] == expected
    assert data_of(feed.snapshot(Channel.PHASE, "ST01")) == expected


def test_a_rulebook_may_have_no_non_cancel_period() -> None:
    """The flag follows the phases the venue names, not the state's spelling."""
    market = TinyMarket(names=("ST01",))
    market.say(PhaseChanged(instrument_id=ST01, phase=Phase.PRE_OPEN_NCP))
    feed, _ = feed_of(market, non_cancel_phases=())
    assert not data_of(feed.snapshot(Channel.PHASE, "ST01"))["non_cancel"]


def test_suspension_stands_beside_the_phase() -> None:
    """A halt keeps the state and gives its reason; a resume takes both away."""
    market = TinyMarket(names=("ST01",))
    market.say(PhaseChanged(instrument_id=ST01, phase=Phase.PRE_CLOSE))
    market.say(TradingHalted(instrument_id=ST01, reason="disclosure"))
    market.say(TradingResumed(instrument_id=ST01))
    _, messages = feed_of(market)
    assert [
        (data["phase"], data["suspended"], data["reason"])
        for data in (message["data"] for message in told(messages, Channel.PHASE))
    ] == [
        ("PreClose", False, None),
        ("PreClose", True, "disclosure"),
        ("PreClose", False, None),
    ]


def test_instruments_tell_reference_data_and_follow_changes() -> None:
    """Base price, limits and transfer control change in place; an update says everything."""
    market = TinyMarket(names=("ST01",))
    market.say(
        ReferencePriceSet(
            instrument_id=ST01,
            reference_price_sen=Sen(10_125_050),
            lower_limit_sen=Sen(7_125_050),
            upper_limit_sen=Sen(13_125_050),
        )
    )
    market.say(TransferControlSet(instrument_id=ST01, executable=False, reason="court"))
    feed, messages = feed_of(market)
    first, second, third = (message["data"] for message in told(messages, Channel.INSTRUMENTS))
    assert first["reference_price"] == "100000"
    assert (first["lower_limit"], first["upper_limit"]) == ("70000", "130000")
    assert first["tick_table"]["rows"][0] == ["3000", "0.10"]
    assert first["trading_unit_units"] == 1
    assert (second["reference_price"], second["lower_limit"]) == ("101250.50", "71250.50")
    assert (second["transfer_executable"], third["transfer_executable"]) == (True, False)
    assert data_of(feed.snapshot(Channel.INSTRUMENTS, "ST01")) == third
    assert first.keys() == third.keys()


def test_status_follows_the_venue_through_its_day() -> None:
    """Run, rulebook, business date and state are told on every change."""
    market = TinyMarket(names=())
    market.say(DayClosed(business_date=DAY_ONE))
    feed, messages = feed_of(market)
    said = [message["data"] for message in told(messages, Channel.STATUS, "")]
    assert [(data["state"], data["business_date"]) for data in said] == [
        ("waiting", None),
        ("day_open", "2026-11-20"),
        ("day_closed", "2026-11-20"),
    ]
    assert (said[0]["run_id"], said[0]["preset"]) == ("RUN-1", "start")
    assert data_of(feed.snapshot(Channel.STATUS)) == said[-1]


def test_a_new_day_empties_the_tape_and_keeps_numbers_and_book() -> None:
    """Totals start over, yesterday's messages may go, ``seq`` goes on, open orders stay."""
    market = TinyMarket(names=("ST01",))
    buy = market.accept("ST01", "buy", BASE_SEN, 5)
    sell = market.accept("ST01", "sell", BASE_SEN, 3)
    market.trade("ST01", buy, sell)
    feed, _ = feed_of(market)
    head = feed.head(Channel.TRADES, "ST01")
    day = market.entries[2][2]
    assert isinstance(day, DayOpened)
    market.say(day)
    feed.apply(*market.entries[-1])
    messages = feed.drain()
    assert told(messages, Channel.TRADES)[0]["seq"] == head + 1
    assert told(messages, Channel.TRADES)[0]["data"]["action"] == "new_day"
    snapshot = data_of(feed.snapshot(Channel.TRADES, "ST01"))
    assert (snapshot["trades"], snapshot["totals"]["volume_units"]) == ([], 0)
    assert snapshot["totals"]["last"] is None
    assert feed.since(Channel.ORDERS, "ST01", 1) is None
    assert len(data_of(feed.snapshot(Channel.ORDERS, "ST01"))["orders"]) == 1


def test_recovery_returns_identical_bytes_from_every_position() -> None:
    """Asked again, each kept message is the one that was sent, from any position."""
    market = TinyMarket(3, names=("ST01",))
    while market.sequence < 150:
        market.step()
        if isinstance(market.entries[-1][2], DayOpened):
            market.entries.pop()  # one day only, so that everything is kept
    feed, messages = feed_of(market)
    for channel in (Channel.ORDERS, Channel.TRADES, Channel.PHASE, Channel.AUCTION):
        sent = [message.payload for message in messages if message.channel is channel]
        assert sent
        for from_seq in range(2, len(sent) + 2):
            assert feed.since(channel, "ST01", from_seq) == sent[from_seq - 1 :]


def test_recovery_refuses_what_is_not_kept() -> None:
    """Below the oldest kept and beyond the next step there is no answer but a snapshot."""
    market = TinyMarket(names=("ST01",))
    for _ in range(10):
        market.accept("ST01", "buy", BASE_SEN, 1)
    feed, messages = feed_of(market, retention_messages_max=4)
    sent = [message.payload for message in messages if message.channel is Channel.ORDERS]
    assert feed.since(Channel.ORDERS, "ST01", 6) is None
    assert feed.since(Channel.ORDERS, "ST01", 7) == sent[-4:]
    assert feed.since(Channel.ORDERS, "ST01", 10) == sent[-1:]
    assert feed.since(Channel.ORDERS, "ST01", 11) == []
    assert feed.since(Channel.ORDERS, "ST01", 12) is None
    assert feed.since(Channel.DEPTH, "ST01", 10) is None
    feed.check_invariants()


def test_nothing_is_told_beyond_the_synced_number() -> None:
    """What the disk does not hold yet shows in no message, snapshot, recovery or heartbeat."""
    market, feed = TinyMarket(names=("ST01",)), new_feed()
    for price_sen in (BASE_SEN, BASE_SEN + 1_000, BASE_SEN + 2_000):
        market.accept("ST01", "sell", price_sen, 1)
    for entry in market.entries:
        feed.apply(*entry)
    synced = SequenceNo(market.sequence - 1)
    assert len(told(feed.drain(synced), Channel.ORDERS)) == 2
    assert len(data_of(feed.snapshot(Channel.ORDERS, "ST01"))["orders"]) == 2
    assert feed.since(Channel.ORDERS, "ST01", 3) == []
    beat = json.loads(feed.heartbeat(TimeNs(5), synced, "ab"))
    assert beat["heads"]["orders"]["ST01"] == 2
    assert [m["seq"] for m in told(feed.drain(), Channel.ORDERS)] == [3]
    assert feed.drain() == []


def test_state_depends_on_events_alone_and_loses_no_message() -> None:
    """Asking for the state before a drain changes neither the state nor what is drained."""
    market = busy_market(5, steps=60)
    asked, plain = new_feed(), new_feed()
    for entry in market.entries:
        asked.apply(*entry)
        plain.apply(*entry)
    state = asked.state()
    assert [m.payload for m in asked.drain()] == [m.payload for m in plain.drain()]
    assert state == asked.state() == plain.state()


def test_state_carries_a_hash_of_everything_published() -> None:
    """It is SHA-256 over all messages but depth, in order, so replay can compare bytes."""
    feed, messages = feed_of(busy_market(6, steps=80))
    plain = [m.payload for m in messages if m.channel is not Channel.DEPTH]
    assert feed.state()["published_sha256"] == hashlib.sha256(b"".join(plain)).hexdigest()
    assert feed.state()["published_messages"] == len(plain)


def test_an_amendment_that_keeps_priority_is_a_reduce() -> None:
    """Same number, fewer units, same place; one that loses it is a replace under a new number."""
    market = TinyMarket(names=("ST01",))
    order = market.accept("ST01", "buy", BASE_SEN, 5)
    first = order.number
    market.amend("ST01", order, BASE_SEN, 3)
    market.amend("ST01", order, BASE_SEN + 1_000, 3)
    _, messages = feed_of(market)
    assert [message["data"] for message in told(messages, Channel.ORDERS)[1:]] == [
        {"action": "reduce", "order_number": f"O-{first}", "leaves_units": 3},
        {
            "action": "replace",
            "old_order_number": f"O-{first}",
            "order_number": f"O-{order.number}",
            "kind": "limit",
            "price": "100010",
            "leaves_units": 3,
        },
    ]


def test_heartbeat_carries_every_head() -> None:
    """Each stream's position and the journal's are in it, so silence proves no loss."""
    market = busy_market(1)
    feed, messages = feed_of(market)
    beat = json.loads(feed.heartbeat(TimeNs(7), SequenceNo(99), "c0ffee"))
    assert (beat["channel"], beat["type"], beat["at_ns"]) == ("heartbeat", "heartbeat", 7)
    assert (beat["journal_sequence"], beat["journal_chain"]) == (99, "c0ffee")
    last: dict[tuple[str, str], int] = {}
    for message in messages:
        last[(str(message.channel), message.instrument_id)] = message.seq
    assert {
        (c, name): seq for c, heads in beat["heads"].items() for name, seq in heads.items()
    } == last


def test_a_snapshot_is_encoded_once_for_each_position() -> None:
    """Asked twice it is the same object; after a step, or marked conflated, it is another."""
    market = TinyMarket(names=("ST01",))
    market.accept("ST01", "buy", BASE_SEN, 1)
    feed, _ = feed_of(market)
    first = feed.snapshot(Channel.DEPTH, "ST01")
    assert feed.snapshot(Channel.DEPTH, "ST01") is first
    assert json.loads(feed.snapshot(Channel.DEPTH, "ST01", 7))["conflated"] == 7
    assert feed.snapshot(Channel.DEPTH, "ST01") is first
    market.accept("ST01", "buy", BASE_SEN, 1)
    feed.apply(*market.entries[-1])
    feed.drain()
    assert feed.snapshot(Channel.DEPTH, "ST01") != first


def test_depth_shows_a_crossed_book_as_it_is() -> None:
    """In call phases bids may stand above asks; nothing is hidden or netted."""
    market = TinyMarket(names=("ST01",))
    market.accept("ST01", "buy", 10_010_000, 3)
    market.accept("ST01", "sell", 9_990_000, 2)
    market.accept("ST01", "sell", 0, 4)
    feed, _ = feed_of(market)
    assert data_of(feed.snapshot(Channel.DEPTH, "ST01")) == {
        "bids": [["100100", 3, 1]],
        "asks": [["99900", 2, 1]],
        "market_buy_units": 0,
        "market_sell_units": 4,
        "over_units": 0,
        "under_units": 0,
        "crc": crc_of(*market.levels("ST01")),
    }


def test_an_event_of_an_unlisted_issue_breaks_an_invariant() -> None:
    """The feed does not invent issues; the venue stops instead."""
    feed = new_feed()
    feed.apply(SequenceNo(1), TimeNs(1), PhaseChanged(instrument_id=ST01, phase=Phase.CLOSED))
    with pytest.raises(InvariantBroken, match="listed first"):
        feed.drain()


@pytest.mark.parametrize(
    ("channel", "name"),
    [(Channel.ORDERS, "ST99"), (Channel.HEARTBEAT, ""), (Channel.STATUS, "ST01")],
)
def test_there_is_no_snapshot_of_what_is_no_stream(channel: Channel, name: str) -> None:
    """Asking the facade for a stream that does not exist is a programmer's mistake."""
    feed, _ = feed_of(TinyMarket())
    assert not feed.has(channel, name)
    with pytest.raises(InvariantBroken):
        feed.stream(channel, name)
