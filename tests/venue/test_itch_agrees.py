"""Two encodings of one market: the websocket feed and ITCH rebuild the same book all day long."""

import json
from pathlib import Path
from typing import Any

import pytest

from feeds import itch
from feeds.itch_feed import ItchFeed
from feeds.wire import Channel
from market.commands import Entry, OpenDay
from market.events import OrderAmended, Trade
from market.instrument import J_MARKET_OTHER
from venue.core import Core
from venue.journal import read_entries
from venue.runs import simulate_run

Book = dict[str, tuple[str, str, int | None, int]]
"""Order number: issue, side, price in sen or None, open units."""

SCALES = {"start": 6.0, "tse": 2.0, "odx-equities": 20.0, "ose": 6.0}


def entries_of(folder: Path, preset: str, days: int = 1) -> list[Entry]:
    """A generated run's journal, up to the end of its last trading day."""
    simulate_run(
        orders=None,
        acts=None,
        settings_path=None,
        seed=7,
        preset=preset,
        days=days,
        scale=SCALES[preset],
        out=folder,
        seen=None,
    )
    entries = list(read_entries(folder))
    opened = [place for place, entry in enumerate(entries) if isinstance(entry.command, OpenDay)]
    return entries[: opened[days]]


def sen_of(price: str | None) -> int | None:
    """A price in yen as sen."""
    if price is None:
        return None
    yen, _, rest = price.partition(".")
    return int(yen) * 100 + int(rest.ljust(2, "0"))


def hear(book: Book, issue: str, data: dict[str, Any]) -> None:
    """One step of the orders channel."""
    number = data.get("order_number", "")
    match data["action"]:
        case "add":
            price = sen_of(data["price"])
            book[number] = issue, data["side"], price, data["quantity_units"]
        case "reduce":
            was = book.pop(number)
            if data["leaves_units"]:
                book[number] = (*was[:3], data["leaves_units"])
        case "delete":
            del book[number]
        case "replace":
            side = book.pop(data["old_order_number"])[1]
            book[number] = issue, side, sen_of(data["price"]), data["leaves_units"]


def read(book: Book, message: itch.ItchMessage) -> None:
    """One ITCH message; those that change no order change nothing."""
    match message:
        case itch.OrderAdded(order_number=0):
            pass
        case itch.OrderAdded():
            price = None if message.price_sen == itch.NO_PRICE_FIELD else message.price_sen
            side = {"B": "buy", "S": "sell"}[message.side]
            book[f"O-{message.order_number}"] = message.book, side, price, message.quantity_units
        case itch.OrderExecuted() | itch.OrderExecutedAtLimit():
            *was, units = book.pop(f"O-{message.order_number}")
            if units > message.executed_units:
                left = units - message.executed_units
                book[f"O-{message.order_number}"] = (*was, left)  # type: ignore[assignment]
        case itch.OrderDeleted():
            del book[f"O-{message.order_number}"]
        case itch.OrderReplaced():
            issue, side = book.pop(f"O-{message.old_order_number}")[:2]
            price = None if message.price_sen == itch.NO_PRICE_FIELD else message.price_sen
            book[f"O-{message.order_number}"] = issue, side, price, message.quantity_units


ORDER_MESSAGES = itch.OrderAdded | itch.OrderExecuted | itch.OrderDeleted | itch.OrderReplaced


@pytest.mark.parametrize("preset", [name for name in SCALES if name not in itch.PROFILES])
def test_both_feeds_hold_the_same_book_after_every_message(tmp_path: Path, preset: str) -> None:
    """Message by message, a whole generated day, each order with its price and open units."""
    core, feed = Core(), ItchFeed()
    heard: Book = {}
    told: Book = {}
    names: dict[str, str] = {}
    seen, compared = 0, 0
    for entry in entries_of(tmp_path, preset):
        events = core.apply(entry)
        feed.apply(entry.at_ns, events)
        steps = [
            (message.instrument_id, json.loads(message.payload)["data"])
            for message in core.feeds.drain()
            if message.channel is Channel.ORDERS
        ]
        if feed.log is None:
            continue
        messages = [itch.decode(feed.log.message(n)) for n in range(seen + 1, len(feed.log) + 1)]
        seen = len(feed.log)
        names |= {m.book: m.symbol for m in messages if isinstance(m, itch.Directory)}
        for message in messages:
            if not isinstance(message, ORDER_MESSAGES) or (
                isinstance(message, itch.OrderAdded) and message.order_number == 0
            ):
                continue
            read(told, message)
            issue, data = steps.pop(0)
            hear(heard, issue, data)
            if isinstance(message, itch.OrderReplaced) and data["action"] == "delete":
                hear(heard, *steps.pop(0))  # where a rulebook tells an amended order in two steps
            assert {n: (names[o[0]], *o[1:]) for n, o in told.items()} == heard
            compared += 1
        assert not steps
        feed.check_invariants()
    assert compared > 500


def test_the_day_opens_and_ends_as_the_document_says(tmp_path: Path) -> None:
    """Start, tick tables, directory, reference prices, trading spin, book states; end, nothing."""
    feed = ItchFeed()
    core = Core()
    for entry in entries_of(tmp_path, "start"):
        feed.apply(entry.at_ns, core.apply(entry))
    log = feed.log
    assert log is not None
    assert log.ended
    messages = [itch.decode(log.message(n)) for n in range(1, len(log) + 1)]
    kinds = "".join(log.message(n)[:1].decode() for n in range(1, len(log) + 1))
    issues = len(feed.books)
    rows = kinds.index("R") - 2
    opening = "TS" + "L" * rows + "R" * issues + "A" * issues + "H" * issues + "O" * issues
    assert kinds.startswith(opening)
    assert messages[1].event == "O"  # type: ignore[union-attr]
    assert messages[-1].event == "C"  # type: ignore[union-attr]
    assert kinds.count("S") == 2
    spun = [m for m in messages[: len(opening)] if isinstance(m, itch.OrderAdded)]
    assert all(m.order_number == 0 for m in spun)
    seconds = [m.seconds for m in messages if isinstance(m, itch.Seconds)]
    assert seconds == sorted(set(seconds))
    crosses = [m for m in messages if isinstance(m, itch.OrderExecuted)]
    assert {m.cross for m in crosses} == {"Y"}
    matches = [m.match_number for m in crosses]
    assert all(matches.count(number) == 2 for number in set(matches))
    assert not feed.orders  # a day's orders end with it


def test_a_snapshot_is_where_the_day_stands(tmp_path: Path) -> None:
    """Its orders, and those that follow from the number it ends with, make the same book."""
    core, feed = Core(), ItchFeed()
    entries = entries_of(tmp_path, "start")
    snapshot: list[bytes] = []
    for place, entry in enumerate(entries):
        feed.apply(entry.at_ns, core.apply(entry))
        if place == len(entries) // 2:
            snapshot = feed.snapshot()
    assert feed.log is not None
    end = itch.decode(snapshot[-1])
    assert isinstance(end, itch.SnapshotEnd)
    joined: Book = {}
    for message in snapshot[:-1]:
        read(joined, itch.decode(message))
    whole: Book = {}
    for number in range(1, end.next_sequence):
        read(whole, itch.decode(feed.log.message(number)))
    assert joined
    assert joined == whole


def test_a_new_day_is_a_new_session(tmp_path: Path) -> None:
    """Named by its date, numbered from 1, and told again the same from the journal."""
    entries = entries_of(tmp_path, "start", days=2)
    sessions: list[tuple[str, bytes]] = []
    for _ in range(2):
        core, feed = Core(), ItchFeed()
        days = {}
        for entry in entries:
            feed.apply(entry.at_ns, core.apply(entry))
            if feed.log is not None:
                days[feed.log.session] = bytes(feed.log.stream)
        assert len(days) == 2
        sessions += sorted(days.items())
    assert sessions[:2] == sessions[2:]


def without(book: Book, numbers: set[str]) -> Book:
    """A book but for some orders."""
    return {number: order for number, order in book.items() if number not in numbers}


def test_the_equities_feed_holds_the_same_book_after_every_message(tmp_path: Path) -> None:
    """The orders that rest agree at every message, the whole book at every step.

    An order on its way is told by the websocket and not by ITCH; a trade is told once, of the order
    that rested, at that order's price, which is the trade's.
    """
    core, feed = Core(), ItchFeed()
    heard: Book = {}
    told: Book = {}
    names: dict[str, str] = {}
    seen, compared, traded = 0, 0, 0
    for entry in entries_of(tmp_path, "odx-equities"):
        events = core.apply(entry)
        feed.apply(entry.at_ns, events)
        messages = core.feeds.drain()
        if feed.log is None:
            continue
        entering = {f"O-{entry.sequence}"}
        for event in events:
            if isinstance(event, OrderAmended):
                entering.add(f"O-{event.old_order_id}")
        heard_states = [without(heard, entering)]
        for message in messages:
            if message.channel is Channel.ORDERS:
                hear(heard, message.instrument_id, json.loads(message.payload)["data"])
                heard_states.append(without(heard, entering))
        trades = {event.trade_id: event for event in events if isinstance(event, Trade)}
        place = 0
        for number in range(seen + 1, len(feed.log) + 1):
            said = itch.decode(feed.log.message(number), feed.profile)
            if isinstance(said, itch.Directory):
                names[said.book] = said.symbol
                assert said.price_decimals == 1
            if isinstance(said, itch.OrderExecutedAtLimit):
                trade = trades.pop(said.match_number)  # type: ignore[call-overload]
                resting = told[f"O-{said.order_number}"]
                assert (resting[2], said.executed_units) == (trade.price_sen, trade.quantity_units)
                traded += 1
            read(told, said)
            now = without({n: (names[o[0]], *o[1:]) for n, o in told.items()}, entering)
            while heard_states[place] != now:  # runs out where the feeds disagree
                place += 1
            compared += isinstance(said, itch.OrderAdded | itch.OrderExecutedAtLimit)
        seen = len(feed.log)
        assert not trades
        assert {n: (names[o[0]], *o[1:]) for n, o in told.items()} == heard
        feed.check_invariants()
    assert compared > 500
    assert traded > 10


def test_an_equities_day_tells_its_hours_and_short_sales(tmp_path: Path) -> None:
    """O, S as the day opens, Q and M around trading, E, C at its end; Y for every issue."""
    core, feed = Core(), ItchFeed()
    snapshot: list[bytes] = []
    for entry in entries_of(tmp_path, "odx-equities"):
        feed.apply(entry.at_ns, core.apply(entry))
        if not snapshot and len(feed.orders) > 20:
            snapshot = feed.snapshot()
    assert feed.log is not None
    said = [itch.decode(feed.log.message(n), feed.profile) for n in range(1, len(feed.log) + 1)]
    assert "".join(m.event for m in said if isinstance(m, itch.SystemEvent)) == "OSQMEC"
    states = [m for m in said if isinstance(m, itch.ShortSaleRestriction)]
    assert [m.state for m in states] == ["0"] * len(feed.books)
    middle = [itch.decode(message, feed.profile) for message in snapshot]
    assert "".join(m.event for m in middle if isinstance(m, itch.SystemEvent)) == "OSQ"
    rows = [m for m in said if isinstance(m, itch.TickRow)]
    assert [m.tick_sen for m in rows[:3]] == list(J_MARKET_OTHER.tick_sen[:3])
    assert [m.start_price_sen for m in rows[1:3]] == [
        bound + 10 for bound in J_MARKET_OTHER.up_to_sen[:2]
    ]
