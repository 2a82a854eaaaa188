"""One reader: every request answered once, joins without gaps, and what becomes of the slow."""

import json
from typing import Any

import pytest
from feed_script import BASE_SEN, Reader, TinyMarket

from feeds.issue import ISSUE_CHANNELS
from feeds.market_data import MarketData
from feeds.snapshot import FeedMessage
from feeds.subscriber import (
    Action,
    Backlog,
    Close,
    Pace,
    Send,
    Subscriber,
    SubscriberLimits,
    pace_of,
)
from feeds.wire import Channel
from market.quantities import SequenceNo, TimeNs
from market.reasons import CATALOGUE, RejectReason

R = RejectReason


class Venue:
    """A market, its feed and some readers, without sockets: a socket is a list."""

    def __init__(self, seed: int = 0, names: tuple[str, ...] = ("ST01",)) -> None:
        self.market = TinyMarket(seed, names)
        self.feed = MarketData("RUN-1", "start", publishes_indicative_volume=False)
        self.readers: list[tuple[Subscriber, list[bytes]]] = []
        self.applied = 0
        self.publish()

    def connect(self, limits: SubscriberLimits | None = None) -> tuple[Subscriber, list[bytes]]:
        """A new reader and its socket."""
        self.readers.append((Subscriber(self.feed, limits), []))
        return self.readers[-1]

    def publish(self) -> list[FeedMessage]:
        """Tell everyone what happened since."""
        for entry in self.market.entries[self.applied :]:
            self.feed.apply(*entry)
        self.applied = self.market.sequence
        messages = self.feed.drain()
        for message in messages:
            for reader, socket in self.readers:
                if reader.wants(message):
                    socket.append(message.payload)
        for reader, _ in self.readers:
            reader.check_invariants()
        return messages


def subscribe(*channels: dict[str, Any], method: str = "subscribe") -> str:
    """A request line."""
    return json.dumps({"method": method, "params": {"channels": channels}})


def payloads(actions: list[Action]) -> list[bytes]:
    """What is sent."""
    return [action.payload for action in actions if isinstance(action, Send)]


def read(actions: list[Action]) -> list[dict[str, Any]]:
    """What is sent, as a client reads it."""
    return [json.loads(payload) for payload in payloads(actions)]


GOOD = '{"name":"trades"}'
BAD_REQUESTS = [
    ("no json", "{", R.MALFORMED),
    ("nothing", "", R.MALFORMED),
    ("no object", '["subscribe"]', R.MALFORMED),
    ("two objects", '{"method":"ping"}{"method":"ping"}', R.MALFORMED),
    ("not a number", '{"method":"ping","params":NaN}', R.MALFORMED),
    ("infinite", '{"method":"ping","params":-Infinity}', R.MALFORMED),
    ("a number of 5,000 digits", '{"method":' + "9" * 5_000 + "}", R.MALFORMED),
    ("10,000 brackets", "[" * 10_000, R.MALFORMED),
    ("a control character", '{"method":"pi\nng"}', R.MALFORMED),
    ("a byte order mark", "\ufeff" + '{"method":"ping"}', R.MALFORMED),
    ("malformed after a duplicate", '{"a":{"b":1,"b":2},', R.MALFORMED),
    ("a key twice", '{"method":"ping","method":"ping"}', R.DUPLICATE_KEY),
    ("a key twice inside", '{"method":"ping","params":{"a":1,"a":1}}', R.DUPLICATE_KEY),
    ("a key twice by escape", '{"method":"ping","m\\u0065thod":"ping"}', R.DUPLICATE_KEY),
    ("unknown method", '{"method":"order.new"}', R.UNKNOWN_TYPE),
    ("no method", '{"params":{}}', R.SCHEMA),
    ("method is a number", '{"method":1}', R.SCHEMA),
    ("unknown field", '{"method":"ping","extra":1}', R.SCHEMA),
    ("no params", '{"method":"subscribe"}', R.SCHEMA),
    ("no channels", '{"method":"subscribe","params":{"channels":[]}}', R.SCHEMA),
    (
        "33 channels",
        '{"method":"subscribe","params":{"channels":[' + ",".join([GOOD] * 33) + "]}}",
        R.SCHEMA,
    ),
    ("unknown channel", subscribe({"name": "gossip"}), R.SCHEMA),
    ("unknown channel field", subscribe({"name": "trades", "depth": 5}), R.SCHEMA),
    ("no issue named", subscribe({"name": "trades", "instrument_ids": []}), R.SCHEMA),
    ("issue with odd letters", subscribe({"name": "trades", "instrument_ids": ["st 1"]}), R.SCHEMA),
    ("issue with a line end", subscribe({"name": "trades", "instrument_ids": ["ST01\n"]}), R.SCHEMA),
    ("from step 0", subscribe({"name": "status", "from_seq": 0}), R.SCHEMA),
    ("from a fraction", subscribe({"name": "status", "from_seq": 1.0}), R.SCHEMA),
    ("from text", subscribe({"name": "status", "from_seq": "1"}), R.SCHEMA),
    ("from true", subscribe({"name": "status", "from_seq": True}), R.SCHEMA),
    ("from 2**53", subscribe({"name": "status", "from_seq": 2**53}), R.SCHEMA),
    ("req_id is a number", '{"method":"ping","req_id":7}', R.SCHEMA),
    ("req_id too long", '{"method":"ping","req_id":"' + "7" * 65 + '"}', R.SCHEMA),
    ("req_id half a character", '{"method":"ping","req_id":"\\ud800"}', R.SCHEMA),
    ("ping with params", '{"method":"ping","params":{"a":1}}', R.SCHEMA),
    (
        "unknown issue",
        subscribe({"name": "trades"}, {"name": "orders", "instrument_ids": ["ST01", "ST99"]}),
        R.UNKNOWN_INSTRUMENT,
    ),
    (
        "status of an issue",
        subscribe({"name": "trades"}, {"name": "status", "instrument_ids": ["ST01"]}),
        R.INVALID_COMBINATION,
    ),
    ("one position for two issues", subscribe({"name": "trades", "from_seq": 1}), R.INVALID_COMBINATION),
    ("position of a heartbeat", subscribe({"name": "heartbeat", "from_seq": 1}), R.INVALID_COMBINATION),
    (
        "unsubscribe from a position",
        subscribe({"name": "status", "from_seq": 1}, method="unsubscribe"),
        R.INVALID_COMBINATION,
    ),
    (
        "unsubscribe an unknown issue",
        subscribe({"name": "trades", "instrument_ids": ["ST99"]}, method="unsubscribe"),
        R.UNKNOWN_INSTRUMENT,
    ),
]  # fmt: skip


@pytest.mark.parametrize(
    ("frame", "reason"), [case[1:] for case in BAD_REQUESTS], ids=[case[0] for case in BAD_REQUESTS]
)
def test_a_bad_request_is_answered_once_and_changes_nothing(
    frame: str, reason: RejectReason
) -> None:
    """One answer with its stable code, the connection stays, no subscription moves."""
    venue = Venue(names=("ST01", "ST02"))
    reader, _ = venue.connect()
    reader.receive(subscribe({"name": "phase"}))
    before = reader.state()
    (answer,) = read(reader.receive(frame))
    assert answer["ok"] is False
    assert answer["error"] == {
        "code": reason.value,
        "text": CATALOGUE[reason].text_en,
        "retryable": CATALOGUE[reason].retryable,
    }
    assert "result" not in answer
    assert reader.state() == before


@pytest.mark.parametrize(
    ("frame", "reason", "code"),
    [
        ("x" * 16_385, R.FRAME_TOO_LARGE, 1009),
        (b"\xff\xfe", R.INVALID_TEXT, 1007),
        (b'{"method":"\xed\xa0\x80"}', R.INVALID_TEXT, 1007),
    ],
    ids=["one byte too long", "not utf-8", "a surrogate in utf-8"],
)
def test_what_is_no_text_closes_the_connection(
    frame: str | bytes, reason: RejectReason, code: int
) -> None:
    """It is answered, then closed with the catalogue's code; nothing is heard afterwards."""
    venue = Venue()
    reader, socket = venue.connect()
    reader.receive(subscribe({"name": "orders"}))
    actions = reader.receive(frame)
    assert read(actions)[0]["error"]["code"] == reason.value
    assert actions[1:] == [Close(code=code, reason=reason.value)]
    venue.market.accept("ST01", "buy", BASE_SEN, 1)
    venue.publish()
    assert socket == []
    assert reader.receive('{"method":"ping"}') == []


def test_ten_malformed_requests_in_a_row_close_the_connection() -> None:
    """Nine are answered and forgiven by one that can be read; the tenth in a row closes, 1008."""
    reader, _ = Venue().connect()
    for readable in ('{"method":"unknown"}', '{"method":"ping"}'):
        for _ in range(9):
            assert len(reader.receive("{")) == 1
        reader.receive(readable)
    for _ in range(9):
        assert len(reader.receive("{")) == 1
    actions = reader.receive("{")
    assert [type(action) for action in actions] == [Send, Close]
    assert actions[1] == Close(code=1008, reason="MALFORMED")
    assert reader.receive("{") == []


def test_a_frame_at_the_limit_is_read() -> None:
    """16 KiB is allowed: padding with spaces is still a ping."""
    reader, _ = Venue().connect()
    (answer,) = read(reader.receive('{"method":"ping"}'.ljust(16_384)))
    assert answer == {"method": "ping", "ok": True, "result": {}}


def test_answers_echo_method_and_request_label() -> None:
    """The label comes back in good answers and in refusals; bytes and text are the same."""
    reader, _ = Venue().connect()
    assert payloads(reader.receive(b'{"method":"ping","req_id":"7"}')) == [
        b'{"method":"ping","req_id":"7","ok":true,"result":{}}'
    ]
    (refused,) = read(reader.receive('{"method":"subscribe","req_id":"8"}'))
    assert (refused["method"], refused["req_id"]) == ("subscribe", "8")
    (unknown,) = read(reader.receive('{"method":"dance","req_id":"9"}'))
    assert (unknown["method"], unknown["req_id"]) == ("", "9")


def test_hello_names_the_run_and_the_channels() -> None:
    """First on every connection: version, run id as epoch, and what can be subscribed to."""
    reader, _ = Venue().connect()
    (hello,) = read(reader.hello())
    assert (hello["channel"], hello["type"]) == ("status", "hello")
    assert (hello["version"], hello["run_id"], hello["preset"]) == ("v1", "RUN-1", "start")
    assert hello["channels"] == [channel.value for channel in Channel]


def test_a_subscribe_line_is_short_enough_to_paste() -> None:
    """All issues of a channel with one short line: the answer, then a snapshot of each."""
    venue = Venue(names=("ST01", "ST02"))
    reader, _ = venue.connect()
    answer, *snapshots = read(
        reader.receive('{"method":"subscribe","params":{"channels":[{"name":"trades"}]}}')
    )
    assert answer["ok"] is True
    assert answer["result"]["channels"] == [
        {"name": "trades", "instrument_id": name, "seq": 1, "snapshot": True}
        for name in ("ST01", "ST02")
    ]
    assert [(s["channel"], s["type"], s["instrument_id"], s["seq"]) for s in snapshots] == [
        ("trades", "snapshot", "ST01", 1),
        ("trades", "snapshot", "ST02", 1),
    ]


@pytest.mark.parametrize("seed", range(2))
def test_a_reader_joins_without_gap_or_repeat_at_every_point(seed: int) -> None:
    """Whenever it subscribes, what is on its socket is one unbroken story to the same end."""
    venue = Venue(seed)
    channels = [{"name": channel.value} for channel in ISSUE_CHANNELS]
    for _ in range(80):
        reader, socket = venue.connect()
        _, *first = payloads(reader.receive(subscribe(*channels)))
        socket.extend(first)
        venue.market.step()
        venue.publish()
    views = []
    for _, socket in venue.readers:
        heard = Reader()
        for payload in socket:
            heard.hear(payload)
        views.append(heard.view())
    assert all(view == views[0] for view in views)
    assert views[0]["orders"] == venue.market.in_priority("ST01")


def test_a_reader_that_joins_between_drain_and_send_is_not_told_twice() -> None:
    """Messages already inside its snapshot are not wanted, later ones are."""
    venue = Venue()
    venue.market.accept("ST01", "buy", BASE_SEN, 1)
    for entry in venue.market.entries[venue.applied :]:
        venue.feed.apply(*entry)
    venue.applied = venue.market.sequence
    in_flight = venue.feed.drain()
    reader, socket = venue.connect()
    reader.receive(subscribe({"name": "orders"}, {"name": "depth"}))
    assert not any(reader.wants(message) for message in in_flight)
    venue.market.accept("ST01", "buy", BASE_SEN, 1)
    venue.publish()
    assert [json.loads(payload)["seq"] for payload in socket] == [2, 2]


def test_a_lost_reader_comes_back_with_its_position() -> None:
    """From every position it is sent exactly what it missed, byte for byte, then live updates."""
    venue = Venue()
    _, whole = venue.connect()
    venue.readers[0][0].receive(subscribe({"name": "orders"}))
    for _ in range(12):
        venue.market.accept("ST01", "buy", BASE_SEN, 1)
    venue.publish()
    for from_seq in range(1, 14):
        reader, _ = venue.connect()
        asked = {"name": "orders", "instrument_ids": ["ST01"], "from_seq": from_seq}
        answer, *missed = payloads(reader.receive(subscribe(asked)))
        assert json.loads(answer)["result"]["channels"] == [
            {"name": "orders", "instrument_id": "ST01", "seq": 12, "snapshot": False}
        ]
        assert missed == whole[from_seq - 1 :]


@pytest.mark.parametrize(
    ("from_seq", "snapshot"),
    [(7, True), (8, False), (13, False), (14, True)],
    ids=["more than may be resent", "as much as may be", "nothing missed", "another run's"],
)
def test_a_position_that_cannot_be_served_gets_a_snapshot(from_seq: int, snapshot: bool) -> None:
    """Too far back, or ahead of the stream: the reader is told to start over."""
    venue = Venue()
    for _ in range(12):
        venue.market.accept("ST01", "buy", BASE_SEN, 1)
    venue.publish()
    reader, _ = venue.connect(SubscriberLimits(recovery_messages_max=5))
    asked = {"name": "orders", "instrument_ids": ["ST01"], "from_seq": from_seq}
    answer, *sent = read(reader.receive(subscribe(asked)))
    assert answer["result"]["channels"][0]["snapshot"] is snapshot
    kinds = [message["type"] for message in sent]
    assert kinds == (["snapshot"] if snapshot else ["update"] * (13 - from_seq))


def test_only_what_is_subscribed_is_sent() -> None:
    """Other channels and other issues stay quiet; unsubscribing ends a stream, twice is fine."""
    venue = Venue(names=("ST01", "ST02"))
    reader, socket = venue.connect()
    reader.receive(subscribe({"name": "orders", "instrument_ids": ["ST02"]}))
    for name in venue.market.names:
        venue.market.accept(name, "buy", BASE_SEN, 1)
    venue.publish()
    (only,) = (json.loads(payload) for payload in socket)
    assert (only["channel"], only["instrument_id"]) == ("orders", "ST02")
    for _ in range(2):
        (answer,) = read(reader.receive(subscribe({"name": "orders"}, method="unsubscribe")))
        assert answer["result"] == {"channels": []}
    venue.market.accept("ST02", "buy", BASE_SEN, 1)
    venue.publish()
    assert len(socket) == 1


def test_all_issues_includes_issues_listed_later() -> None:
    """Naming none means all: a new issue is told from its first step."""
    venue = Venue()
    reader, socket = venue.connect()
    reader.receive(subscribe({"name": "instruments"}, {"name": "orders"}))
    venue.market.list_issue("ST09")
    venue.market.accept("ST09", "buy", BASE_SEN, 1)
    venue.publish()
    said = [json.loads(payload) for payload in socket]
    assert [(m["channel"], m["instrument_id"], m["prev_seq"]) for m in said] == [
        ("instruments", "ST09", 0),
        ("orders", "ST09", 0),
    ]


def test_unsubscribing_one_issue_leaves_the_others_of_all() -> None:
    """Under "all issues" the named one ends, the rest goes on."""
    venue = Venue(names=("ST01", "ST02"))
    reader, socket = venue.connect()
    reader.receive(subscribe({"name": "orders"}))
    asked = {"name": "orders", "instrument_ids": ["ST01"]}
    (answer,) = read(reader.receive(subscribe(asked, method="unsubscribe")))
    assert answer["result"]["channels"] == [{"name": "orders", "instrument_id": "ST02"}]
    for name in venue.market.names:
        venue.market.accept(name, "buy", BASE_SEN, 1)
    venue.publish()
    assert [json.loads(payload)["instrument_id"] for payload in socket] == ["ST02"]


def test_a_stream_asked_for_twice_is_sent_once() -> None:
    """One request naming a stream 32 times costs one snapshot."""
    reader, _ = Venue().connect()
    assert len(reader.receive(subscribe(*[{"name": "depth"}] * 32))) == 2


def test_subscribing_again_is_a_fresh_snapshot() -> None:
    """A reader in doubt asks again on the same socket and goes on from there."""
    venue = Venue()
    reader, socket = venue.connect()
    for units in (1, 2):
        venue.market.accept("ST01", "buy", BASE_SEN, units)
        venue.publish()
        _, snapshot = read(reader.receive(subscribe({"name": "orders"})))
        assert (snapshot["type"], snapshot["seq"]) == ("snapshot", units)
    assert [json.loads(payload)["seq"] for payload in socket] == [2]


def test_heartbeat_is_asked_for_like_a_channel() -> None:
    """It has no snapshot; the door sends it once a second to whoever asked."""
    reader, _ = Venue().connect()
    assert not reader.heartbeat
    assert len(reader.receive(subscribe({"name": "heartbeat"}))) == 1
    assert reader.heartbeat
    reader.receive(subscribe({"name": "heartbeat"}, method="unsubscribe"))
    assert not reader.heartbeat


LIMITS = SubscriberLimits()
MIB = 1024 * 1024
PACES = [
    ("drained", (0, 0, 0), Pace.DRAINED),
    ("one message", (1, 200, 1), Pace.KEEPING_UP),
    ("messages below behind", (499, 0, 0), Pace.KEEPING_UP),
    ("messages at behind", (500, 0, 0), Pace.BEHIND),
    ("bytes below behind", (1, 256 * 1024 - 1, 0), Pace.KEEPING_UP),
    ("bytes at behind", (1, 256 * 1024, 0), Pace.BEHIND),
    ("age below behind", (1, 1, 249_999_999), Pace.KEEPING_UP),
    ("age at behind", (1, 1, 250_000_000), Pace.BEHIND),
    ("messages below closing", (9_999, 1, 1), Pace.BEHIND),
    ("messages at closing", (10_000, 1, 1), Pace.TOO_SLOW),
    ("messages above closing", (10_001, 1, 1), Pace.TOO_SLOW),
    ("bytes below closing", (1, 4 * MIB - 1, 1), Pace.BEHIND),
    ("bytes at closing", (1, 4 * MIB, 1), Pace.TOO_SLOW),
    ("bytes above closing", (1, 4 * MIB + 1, 1), Pace.TOO_SLOW),
    ("age below closing", (1, 1, 1_999_999_999), Pace.BEHIND),
    ("age at closing", (1, 1, 2_000_000_000), Pace.TOO_SLOW),
    ("age above closing", (1, 1, 2_000_000_001), Pace.TOO_SLOW),
]


@pytest.mark.parametrize(
    ("backlog", "pace"), [case[1:] for case in PACES], ids=[case[0] for case in PACES]
)
def test_pace_is_judged_by_messages_bytes_and_age(
    backlog: tuple[int, int, int], pace: Pace
) -> None:
    """Each limit alone decides, and a limit reached counts."""
    messages, size_bytes, age_ns = backlog
    found = Backlog(messages=messages, size_bytes=size_bytes, age_ns=age_ns)
    assert pace_of(found, LIMITS) is pace


BEHIND = Backlog(messages=600, size_bytes=1, age_ns=1)
SOME = Backlog(messages=3, size_bytes=1, age_ns=1)
DRAINED = Backlog(messages=0, size_bytes=0, age_ns=0)
TOO_SLOW = Backlog(messages=10_000, size_bytes=1, age_ns=1)


def test_a_reader_behind_loses_no_order_and_no_trade() -> None:
    """Depth is left out while behind and comes back as one snapshot that counts what it covers."""
    venue = Venue()
    reader, socket = venue.connect()
    _, *first = payloads(reader.receive(subscribe(*[{"name": c.value} for c in ISSUE_CHANNELS])))
    socket.extend(first)
    quick, _ = venue.connect()
    quick.receive(subscribe({"name": "depth"}))
    buy = venue.market.accept("ST01", "buy", BASE_SEN, 9)
    venue.publish()
    assert reader.keep_pace(BEHIND) == []
    for _ in range(4):
        sell = venue.market.accept("ST01", "sell", BASE_SEN, 1)
        venue.market.trade("ST01", buy, sell)
        venue.publish()
    assert reader.keep_pace(SOME) == []  # still unsent: not yet
    assert len(venue.readers[1][1]) == 5
    socket.extend(payloads(reader.keep_pace(DRAINED)))
    assert reader.keep_pace(DRAINED) == []
    said = [json.loads(payload) for payload in socket]
    depth = [(m["type"], m["seq"], m.get("conflated", 1)) for m in said if m["channel"] == "depth"]
    assert depth == [("snapshot", 0, 1), ("update", 1, 1), ("snapshot", 13, 12)]
    assert [m["seq"] for m in said if m["channel"] == "orders"] == [0, *range(1, 14)]
    assert len([m for m in said if m["channel"] == "trades"]) == 5
    venue.market.accept("ST01", "sell", BASE_SEN, 1)
    venue.publish()
    heard = Reader()
    for payload in socket:
        heard.hear(payload)
    assert (heard.bids, heard.asks) == venue.market.levels("ST01")


def test_a_snapshot_taken_while_behind_needs_no_second_one() -> None:
    """Whoever asks again while behind has the present; nothing is owed once drained."""
    venue = Venue()
    reader, socket = venue.connect()
    reader.receive(subscribe({"name": "depth"}))
    reader.keep_pace(BEHIND)
    venue.market.accept("ST01", "buy", BASE_SEN, 1)
    venue.publish()
    assert len(reader.receive(subscribe({"name": "depth"}))) == 2
    assert reader.keep_pace(DRAINED) == []
    assert socket == []


def test_a_message_inside_the_catching_up_snapshot_is_not_sent_after_it() -> None:
    """A reader that drains between two sends of one batch is not told a step twice."""
    venue = Venue(names=("ST01", "ST02"))
    reader, _ = venue.connect()
    reader.receive(subscribe({"name": "depth"}))
    reader.keep_pace(BEHIND)
    for name in venue.market.names:
        venue.market.accept(name, "buy", BASE_SEN, 1)
    venue.readers.clear()
    batch = [message for message in venue.publish() if message.channel is Channel.DEPTH]
    assert not reader.wants(batch[0])
    (snapshot,) = read(reader.keep_pace(DRAINED))
    assert (snapshot["instrument_id"], snapshot["seq"]) == ("ST01", 1)
    assert not reader.wants(batch[0])
    assert reader.wants(batch[1])


@pytest.mark.parametrize("seed", range(3))
def test_a_reader_now_behind_now_drained_ends_with_the_market(seed: int) -> None:
    """Whatever the pace, what was heard is the book, with every checksum right."""
    venue = Venue(seed)
    reader, socket = venue.connect()
    _, *first = payloads(reader.receive(subscribe(*[{"name": c.value} for c in ISSUE_CHANNELS])))
    socket.extend(first)
    for _ in range(150):
        venue.market.step()
        venue.publish()
        backlog = venue.market.draw.choice((BEHIND, SOME, DRAINED))
        socket.extend(payloads(reader.keep_pace(backlog)))
    socket.extend(payloads(reader.keep_pace(DRAINED)))
    heard = Reader()
    for payload in socket:
        heard.hear(payload)
    assert heard.in_priority() == venue.market.in_priority("ST01")
    assert (heard.bids, heard.asks) == venue.market.levels("ST01")
    assert heard.seq["depth"] == heard.seq["orders"]


def test_a_reader_too_slow_is_closed_once() -> None:
    """4010 SLOW_CONSUMER; it is sent nothing more, and the close is not repeated."""
    venue = Venue()
    reader, socket = venue.connect()
    reader.receive(subscribe({"name": "trades"}, {"name": "depth"}))
    assert reader.keep_pace(TOO_SLOW) == [Close(code=4010, reason="SLOW_CONSUMER")]
    assert reader.keep_pace(TOO_SLOW) == []
    venue.market.accept("ST01", "buy", BASE_SEN, 1)
    venue.publish()
    assert socket == []


def test_one_slow_reader_changes_nothing_for_another() -> None:
    """What a second reader is sent does not depend on the first being behind."""
    alone, beside = Venue(4), Venue(4)
    _, quiet = alone.connect()
    alone.readers[0][0].receive(subscribe({"name": "orders"}, {"name": "depth"}))
    slow, _ = beside.connect()
    slow.receive(subscribe({"name": "depth"}))
    slow.keep_pace(BEHIND)
    _, crowded = beside.connect()
    beside.readers[1][0].receive(subscribe({"name": "orders"}, {"name": "depth"}))
    for _ in range(60):
        for venue in (alone, beside):
            venue.market.step()
            venue.publish()
    assert quiet == crowded
    assert quiet


def test_subscribing_reveals_nothing_that_is_not_synced() -> None:
    """A snapshot stands at the last drain, even when the core has run ahead of the disk."""
    venue = Venue()
    venue.market.accept("ST01", "buy", BASE_SEN, 1)
    venue.feed.apply(*venue.market.entries[-1])
    venue.applied = venue.market.sequence
    reader, socket = venue.connect()
    _, snapshot = read(reader.receive(subscribe({"name": "orders"})))
    assert (snapshot["seq"], snapshot["data"]["orders"]) == (0, [])
    venue.publish()
    assert [json.loads(payload)["seq"] for payload in socket] == [1]
    beat = json.loads(venue.feed.heartbeat(TimeNs(1), SequenceNo(1), ""))
    assert beat["heads"]["orders"] == {"ST01": 1}
