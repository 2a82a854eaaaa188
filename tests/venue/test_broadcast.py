"""The feed over real sockets: everybody the same bytes, nobody a gap, and the slow do not matter."""

import asyncio
import json
import zlib
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from house import FIRM_OF, ISSUES, House, Wire, order, play, small_socket, squeeze
from websockets.asyncio.client import connect

from feeds.wire import Channel
from market.business_days import at_jst
from market.commands import Command, OpenSession, RunSettlement
from market.ids import InstrumentId, KeyId, SessionId
from market.quantities import TimeNs
from participants.intents import to_request
from participants.orderflow import OrderFlow
from venue import broadcast as broadcast_module
from venue.schedule import day_plan

pytestmark = pytest.mark.processes

ST01 = ["ST01"]
ASK_FOR_DEPTH = '{"method":"subscribe","params":{"channels":[{"name":"depth",%s}]}}'


async def orders(wire: Wire, count: int, first: int = 0) -> None:
    """Enter small orders, each answered before the next."""
    for number in range(first, first + count):
        assert (await wire.ask("order.new", order(f"n{number}", quantity_units=1)))["ok"]


async def updates(reader: Wire, count: int) -> list[dict[str, Any]]:
    """The next messages."""
    return [await reader.receive() for _ in range(count)]


# --- subscriptions


def test_a_subscriber_gets_a_snapshot_and_then_every_step(tmp_path: Path) -> None:
    """The chain of numbers goes on from the snapshot's without a gap."""

    async def story(house: House) -> None:
        await house.open()
        wire = await house.wire("A-1")
        await orders(wire, 3)
        reader = await house.subscriber({"name": "orders", "instrument_ids": ST01})
        snapshot = await reader.receive()
        assert (snapshot["type"], snapshot["seq"], len(snapshot["data"]["orders"])) == (
            "snapshot", 3, 3,
        )  # fmt: skip
        await orders(wire, 4, first=3)
        steps = await updates(reader, 4)
        assert [(step["prev_seq"], step["seq"]) for step in steps] == [
            (3, 4), (4, 5), (5, 6), (6, 7),
        ]  # fmt: skip

    play(tmp_path, story)


def test_who_unsubscribes_hears_no_more_of_it(tmp_path: Path) -> None:
    """Streams that were not ended go on."""

    async def story(house: House) -> None:
        await house.open()
        wire = await house.wire("A-1")
        reader = await house.subscriber(
            {"name": "orders", "instrument_ids": ST01}, {"name": "depth", "instrument_ids": ST01}
        )
        await updates(reader, 2)
        await reader.say(
            {"method": "unsubscribe", "req_id": "u", "params": {"channels": [{"name": "orders"}]}}
        )
        answer = await reader.receive()
        assert answer["result"] == {"channels": [{"name": "depth", "instrument_id": "ST01"}]}
        await orders(wire, 2)
        assert {step["channel"] for step in await updates(reader, 2)} == {"depth"}

    play(tmp_path, story)


def test_who_comes_back_gets_what_was_missed_byte_for_byte(tmp_path: Path) -> None:
    """With ``from_seq`` the same bytes, not a snapshot; beyond what is known, a snapshot."""

    async def story(house: House) -> None:
        await house.open()
        wire = await house.wire("A-1")
        first = await house.subscriber({"name": "orders", "instrument_ids": ST01})
        await first.receive()
        await orders(wire, 6)
        await updates(first, 6)
        seen = first.raw[-6:]

        back = await house.subscriber({"name": "orders", "instrument_ids": ST01, "from_seq": 3})
        await updates(back, 4)
        assert back.raw[-4:] == seen[2:]
        lost = await house.subscriber({"name": "orders", "instrument_ids": ST01, "from_seq": 900})
        assert (await lost.receive())["type"] == "snapshot"

    play(tmp_path, story)


def test_all_subscribers_get_the_same_bytes_in_the_same_order(tmp_path: Path) -> None:
    """Three readers of everything, whoever is served first in a turn."""

    async def story(house: House) -> None:
        await house.open()
        every = [{"name": name} for name in ("orders", "depth", "trades", "phase", "status")]
        readers = [await house.subscriber(*every) for _ in range(3)]
        for reader in readers:
            await updates(reader, 4 * len(ISSUES) + 1)
            reader.raw.clear()
        one, other = await house.wire("A-1"), await house.wire("B-1")
        await orders(one, 5)
        await other.ask("order.new", order("s", side="sell", quantity_units=3))
        last = house.core.feeds.head(Channel.DEPTH, "ST01")
        for reader in readers:
            while json.loads(reader.raw[-1] if reader.raw else b"{}").get("seq") != last:
                await reader.receive()
        assert readers[0].raw == readers[1].raw == readers[2].raw

    play(tmp_path, story)


def test_a_heartbeat_names_the_head_of_every_stream_and_of_the_journal(tmp_path: Path) -> None:
    """Only for those who asked; the chain in it is the journal's."""

    async def story(house: House) -> None:
        await house.open()
        await orders(await house.wire("A-1"), 2)
        reader = await house.subscriber({"name": "heartbeat"})
        deaf = await house.subscriber()
        house.broadcaster.heartbeat(
            TimeNs(house.core.at_ns), house.core.sequence, house.journal.chain
        )
        beat = await reader.receive()
        assert beat["heads"]["orders"] == {"ST01": 2, "ST02": 0}
        assert beat["journal_sequence"] == house.core.sequence
        assert beat["journal_chain"] == house.journal.chain.hex()
        await deaf.say({"method": "ping"})
        assert (await deaf.receive())["method"] == "ping"

    play(tmp_path, story)


# --- refusals and bounds


@pytest.mark.parametrize(
    ("request_text", "code"),
    [
        ("{", "MALFORMED"),
        ("[]", "MALFORMED"),
        ('{"method":"ping","method":"ping"}', "DUPLICATE_KEY"),
        ('{"method":"shout"}', "UNKNOWN_TYPE"),
        ('{"method":"subscribe"}', "SCHEMA"),
        ('{"method":"subscribe","params":{"channels":[{"name":"gossip"}]}}', "SCHEMA"),
        ('{"method":"subscribe","params":{"channels":[]}}', "SCHEMA"),
        (
            ASK_FOR_DEPTH % '"instrument_ids":["ST99"]',
            "UNKNOWN_INSTRUMENT",
        ),
        (
            ASK_FOR_DEPTH % '"from_seq":1',
            "INVALID_COMBINATION",
        ),
    ],
)
def test_a_bad_request_is_refused_once_and_the_connection_stays(
    request_text: str, code: str, tmp_path: Path
) -> None:
    """The code of the catalogue; the next request is answered; nothing was subscribed."""

    async def story(house: House) -> None:
        reader = await house.subscriber()
        await reader.say(request_text)
        answer = await reader.receive()
        assert (answer["ok"], answer["error"]["code"]) == (False, code)
        await reader.say({"method": "ping", "req_id": "p"})
        assert (await reader.receive())["req_id"] == "p"
        (subscriber,) = [one.subscriber for one in house.broadcaster._connections]
        assert subscriber.state()["sent"] == []

    play(tmp_path, story)


@pytest.mark.parametrize(
    ("frame", "as_text", "code", "close"),
    [
        (b"{}", False, "UNSUPPORTED_TYPE", 1003),
        (b"\xff", True, "INVALID_TEXT", 1007),
        (b"x" * (16 * 1024 + 1), True, None, 1009),
    ],
    ids=["binary", "not UTF-8", "too large"],
)
def test_a_frame_that_breaks_the_contract_closes(
    frame: bytes, as_text: bool, code: str | None, close: int, tmp_path: Path
) -> None:
    """One answer where one can be given, the close code, and others are served on."""

    async def story(house: House) -> None:
        reader, other = await house.subscriber(), await house.subscriber()
        await reader.socket.send(frame, text=as_text)
        if code is not None:
            assert (await reader.receive())["error"]["code"] == code
        assert (await reader.closed())[0] == close
        await house.quiet(lambda: len(house.broadcaster) == 1)
        await other.say({"method": "ping"})
        assert (await other.receive())["ok"]

    play(tmp_path, story)


def test_requests_have_a_rate(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Snapshots cost more to make than to ask for: THROTTLED first, then 1013."""
    monkeypatch.setattr(broadcast_module, "REQUESTS_PER_SECOND", 1)
    monkeypatch.setattr(broadcast_module, "REQUESTS_BURST", 2)

    async def story(house: House) -> None:
        reader = await house.subscriber()
        for _ in range(30):
            await reader.say({"method": "ping"})
        answers, end = await reader.to_the_end()
        assert end == (1013, "THROTTLED")
        assert [answer["ok"] for answer in answers[:3]] == [True, True, False]
        assert {answer["error"]["code"] for answer in answers[2:]} == {"THROTTLED"}

    play(tmp_path, story)


def test_subscribers_are_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One too many is told BUSY and closed; those inside stay; a place that frees is given."""
    monkeypatch.setattr(broadcast_module, "SUBSCRIBERS_MAX", 2)

    async def story(house: House) -> None:
        inside = [await house.subscriber() for _ in range(2)]
        turned_away = await house.subscriber()
        assert (await turned_away.receive())["error"]["code"] == "BUSY"
        assert await turned_away.closed() == (1013, "BUSY")
        await inside[0].socket.close()
        await house.quiet(lambda: len(house.broadcaster) == 1)
        welcome = await house.subscriber({"name": "status"})
        assert (await welcome.receive())["type"] == "snapshot"

    play(tmp_path, story)


# --- slow readers


async def stuck(house: House, *channels: dict[str, Any]) -> Wire:
    """A subscriber that has its snapshots and then stops reading."""
    reader = Wire(
        await connect(
            house.feed_url, compression=None, sock=small_socket(house.feed_port), max_queue=None
        )
    )
    await reader.receive()
    squeeze(house.connections[-1])
    await reader.say({"method": "subscribe", "params": {"channels": list(channels)}})
    await updates(reader, 1 + len(channels))
    reader.socket.transport.pause_reading()
    return reader


def limits(house: House, **changes: int) -> None:
    """Give every subscriber there is other limits."""
    for connection in house.broadcaster._connections:
        fields = {name: getattr(connection.subscriber.limits, name)
                  for name in connection.subscriber.limits.__struct_fields__}  # fmt: skip
        connection.subscriber.limits = type(connection.subscriber.limits)(**(fields | changes))


def test_a_slow_reader_of_orders_is_closed_and_the_others_miss_nothing(tmp_path: Path) -> None:
    """SLOW_CONSUMER, 4010; it comes back with ``from_seq`` and has everything."""

    async def story(house: House) -> None:
        await house.open()
        wire = await house.wire("A-1")
        channel = {"name": "orders", "instrument_ids": ST01}
        good = await house.subscriber(channel)
        await good.receive()
        slow = await stuck(house, channel)
        limits(house, slow_bytes_max=16 * 1024)
        slow_connection = house.broadcaster._connections[-1]
        await orders(wire, 200)
        assert slow_connection.subscriber.closed
        steps = await updates(good, 200)
        assert [step["seq"] for step in steps] == list(range(1, 201))

        slow.socket.transport.resume_reading()
        messages, end = await slow.to_the_end()
        assert end == (4010, "SLOW_CONSUMER")
        seen = messages[-1]["seq"] if messages else 0
        back = await house.subscriber({**channel, "from_seq": seen + 1})
        rest = await updates(back, 200 - seen)
        assert [step["seq"] for step in rest] == list(range(seen + 1, 201))

    play(tmp_path, story)


def test_a_slow_reader_of_depth_is_spared_and_caught_up(tmp_path: Path) -> None:
    """While behind it gets nothing; once drained one snapshot that counts what it covers."""

    async def story(house: House) -> None:
        await house.open()
        wire = await house.wire("A-1")
        slow = await stuck(house, {"name": "depth", "instrument_ids": ST01})
        limits(house, behind_bytes_min=8 * 1024, slow_age_ns_max=10**12)
        await orders(wire, 200)
        (connection,) = house.broadcaster._connections
        assert connection.subscriber.behind
        slow.socket.transport.resume_reading()
        await house.quiet(lambda: connection.connection.buffered_bytes == 0)
        connection.keep_pace()
        seq = 0
        while True:
            message = await slow.receive()
            if message["type"] == "snapshot":
                break
            assert message["prev_seq"] == seq
            seq = message["seq"]
        assert message["seq"] == 200
        assert message["conflated"] == 200 - seq
        assert message["data"]["bids"][0][1] == 200

    play(tmp_path, story)


# --- a day, seen from outside


class BookCopy:
    """A depth book kept from the feed alone; slow and obvious, with its own checksum."""

    def __init__(self) -> None:
        self.bids: dict[int, int] = {}
        self.asks: dict[int, int] = {}
        self.seq = -1
        self.messages = 0

    def hear(self, message: dict[str, Any]) -> None:
        """Apply one message and compare the checksum."""
        if message["type"] == "snapshot":
            self.bids, self.asks = {}, {}
        else:
            assert message["prev_seq"] == self.seq, "a gap"
        self.seq = message["seq"]
        data = message["data"]
        for levels, side in ((data["bids"], self.bids), (data["asks"], self.asks)):
            for price, units, count in levels:
                side[int(Decimal(price) * 100)] = units
                assert (units == 0) == (count == 0)
        self.bids = {price: units for price, units in self.bids.items() if units}
        self.asks = {price: units for price, units in self.asks.items() if units}
        assert data["crc"] == self.checksum()
        self.messages += 1

    def checksum(self) -> int:
        """CRC-32 over the best ten asks going up and the best ten bids going down."""
        best = [(price, self.asks[price]) for price in sorted(self.asks)[:10]]
        best += [(price, self.bids[price]) for price in sorted(self.bids, reverse=True)[:10]]
        return zlib.crc32("".join(f"{price}{units}" for price, units in best).encode())


def day_of_flow(house: House, seed: int) -> list[tuple[int, Command]]:
    """A START day's steps and a seeded order flow, in time order, for this house's firms."""
    rules = house.core.rules
    issues = [house.core.engine.instrument(InstrumentId(name)) for name in ISSUES]
    flow = OrderFlow(np.random.Generator(np.random.PCG64(seed)), rules, issues, scale=40.0)
    session_of = {firm: name for name, firm in reversed(FIRM_OF.items())}
    steps: list[tuple[int, Command]] = list(
        day_plan(rules, house.date, [InstrumentId(name) for name in ISSUES])
    )
    for number, intent in enumerate(flow.day(1)):
        if intent.participant_id in session_of:
            request = to_request(
                intent,
                session_id=SessionId(session_of[intent.participant_id]),
                generation=1,
                req_id=str(number),
            )
            steps.append((at_jst(house.date, 0) + intent.at_ms * 1_000_000, request))
    return sorted(steps, key=lambda step: step[0])


def test_a_reader_keeps_the_book_through_a_day_and_every_checksum_agrees(tmp_path: Path) -> None:
    """Call phases, two crosses, cancels and the close: no gap, no difference, an empty book."""

    async def story(house: House) -> None:
        for name in ("A-1", "B-1"):
            await house.do(
                OpenSession(session_id=SessionId(name), key_id=KeyId(f"key-{name}"), takeover=False)
            )
        reader = await house.subscriber(
            {"name": "depth"}, {"name": "trades"}, {"name": "auction"}, max_queue=None
        )
        books = {name: BookCopy() for name in ISSUES}
        tape: list[dict[str, Any]] = []

        async def listen() -> None:
            while True:
                message = await reader.receive()
                if message["channel"] == "depth":
                    books[message["instrument_id"]].hear(message)
                elif message["channel"] == "trades" and message["type"] == "update":
                    tape.append(message["data"])

        listening = asyncio.create_task(listen())
        for number, (at_ns, command) in enumerate(day_of_flow(house, seed=3)):
            house.clock.jump_to(TimeNs(at_ns))
            if number % 5:
                house.sequencer.submit(command)
            else:
                await house.do(command)
        await house.do(RunSettlement(stage=0))  # behind all of it
        heads = {name: house.core.feeds.head(Channel.DEPTH, name) for name in ISSUES}
        await house.quiet(
            lambda: {name: book.seq for name, book in books.items()} == heads or listening.done()
        )
        assert not listening.done(), listening.exception()
        listening.cancel()
        assert all(book.bids == book.asks == {} for book in books.values())
        assert all(book.seq > 100 and book.messages > 50 for book in books.values())
        traded = sum(1 for data in tape if data["action"] == "trade")
        assert traded > 10
        assert traded == len(house.core.settlement.deliveries)

    play(tmp_path, story, preset="start")
