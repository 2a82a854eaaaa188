"""Market data by FIX is the feed's: one truth, over real sockets and for a whole random day."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any

import pytest
from test_fix_acceptor import FixHouse, nth, play

from feeds.issue import Issue
from market.commands import BustTrade
from market.ids import InstrumentId, TradeId
from market.quantities import price_to_text
from participants.fix_codec import FixMessage, body
from venue import fix_market

pytestmark = pytest.mark.processes
BOOK = ((267, 2), (269, 0), (269, 1), (146, 1), (55, "ST01"))


def ask(client: Any, name: str, *, kind: int = 1, depth: int = 0, update: int = 1,
        groups: Iterable[tuple[int, object]] = BOOK) -> None:  # fmt: skip
    """A MarketDataRequest; the client puts a TransactTime in, which V does not have."""
    fields = ((262, name), (263, kind), (264, depth), (265, update), *groups)
    content = body(*fields)
    number = client.next_out
    client._sent[number] = ("V", content)
    client.next_out = number + 1
    client._write(client._frame("V", number, content))


def entries(message: FixMessage) -> list[dict[str, str]]:
    """The entries of a W or X, by hand: each begins with 279 (X) or 269 (W)."""
    first = "279" if message.kind == "X" else "269"
    parts = message.parts or tuple((tag, "=", value) for tag, value in message.fields.items())
    found: list[dict[str, str]] = []
    for tag, _, value in parts:
        if tag == first:
            found.append({})
        if found and tag != "10":
            found[-1][tag] = value
    assert len(found) == int(message.get(268))
    return found


@dataclass
class Reader:
    """Applies W and X as a stranger would who knows FIX 4.4 only."""

    book: dict[str, dict[str, str]] = field(default_factory=dict)

    def read(self, message: FixMessage) -> None:
        """One message; an action that does not fit the book fails."""
        if message.kind == "W":
            self.book = {each["278"]: each for each in entries(message)}
            return
        for each in entries(message):
            name, action = each["278"], each["279"]
            assert (name in self.book) == (action != "0"), each
            if action == "2":
                del self.book[name]
            else:
                self.book[name] = each

    def levels(self, side: str) -> dict[str, tuple[str, str]]:
        """Price to units and orders."""
        return {
            each.get("270", "market"): (each["271"], each.get("346", ""))
            for each in self.book.values()
            if each["269"] == side
        }


def levels_of(issue: Issue, side: str, depth: int) -> dict[str, tuple[str, str]]:
    """The same from the single orders of the feed, added up one by one."""
    wanted = "buy" if side == "0" else "sell"
    found: dict[int, list[int]] = {}
    market = 0
    for order in issue.depth.orders.values():
        if order.side.value != wanted:
            continue
        if order.kind.value == "market":
            market += order.leaves_units
            continue
        level = found.setdefault(order.price_sen, [0, 0])
        level[0] += order.leaves_units
        level[1] += 1
    best = sorted(found, reverse=side == "0")
    best = best[:depth] if depth else best
    told = {price_to_text(price): (str(found[price][0]), str(found[price][1])) for price in best}
    return told | ({"market": (str(market), "")} if market else {})


def test_a_subscriber_has_the_feeds_book_after_every_turn(tmp_path: Path) -> None:
    """A random hour: all levels and the best three, from X alone, are the orders of the feed."""

    async def story(house: FixHouse) -> None:
        reader = await house.fix_client("A-1", "fix44")
        client = await house.fix_client("B-1", "fix44")
        ask(reader, "ALL")
        ask(reader, "TOP", depth=3)
        await nth(reader, 2, "W")
        chance = Random(20261126)
        books = {"ALL": Reader(), "TOP": Reader()}
        heard = 0
        names: list[str] = []
        for step in range(300):
            if names and chance.random() < 0.35:
                victim = names.pop(chance.randrange(len(names)))
                client.send("F", (41, victim), (11, f"c{step}"), (55, "ST01"), (54, 1))
            else:
                name = f"n{step}"
                price = 100_000 + 100 * chance.randrange(-8, 8)
                client.send("D", (11, name), (38, chance.randrange(1, 9)), (40, 2), (44, price),
                            (54, chance.choice((1, 2))), (55, "ST01"), (1, f"ACC{step}"))  # fmt: skip
                names.append(name)
            if step % 5:
                continue
            last = f"sync{step}"
            client.send("F", (41, "nothing"), (11, last), (55, "ST01"), (54, 1))
            await client.until(lambda: any(each.get(11) == last for each in client.messages[-40:]))  # noqa: B023
            ask(reader, f"S{step}", kind=0)
            await nth(reader, 3 + step // 5, "W")
            for message in reader.messages[heard:]:
                if message.get(262) in books:
                    books[message.get(262)].read(message)
            heard = len(reader.messages)
            issue = house.core.feeds.issues["ST01"]
            for side in "01":
                assert books["ALL"].levels(side) == levels_of(issue, side, 0)
                assert books["TOP"].levels(side) == levels_of(issue, side, 3)
        assert sum(message.kind == "X" for message in reader.messages) > 80

    play(tmp_path, story)


def told(reader: Any) -> list[dict[str, str]]:
    """The entries of every X so far."""
    return [each for message in reader.messages if message.kind == "X" for each in entries(message)]


def test_trades_come_once_each_and_a_voided_one_is_deleted(tmp_path: Path) -> None:
    """The tape by number: what traded, what a later reader is given, and what was taken back."""

    async def story(house: FixHouse) -> None:
        reader = await house.fix_client("A-1", "fix44")
        client = await house.fix_client("B-1", "fix44")
        trades = ((267, 1), (269, 2), (146, 1), (55, "ST01"))
        ask(reader, "T", groups=trades)
        await nth(reader, 1, "W")
        for number in range(2):
            for side in (1, 2):
                client.send("D", (11, f"n{number}{side}"), (38, 4), (40, 2), (44, 100000),
                            (54, side), (55, "ST01"), (1, f"ACC{side}"))  # fmt: skip
        await reader.until(lambda: len(told(reader)) == 2)
        await house.do(BustTrade(trade_id=TradeId(1), reason="slip", override=True))
        await reader.until(lambda: len(told(reader)) == 3)
        assert [(each["279"], each["278"], each["271"], each["55"]) for each in told(reader)] == [
            ("0", "T-1", "4", "ST01"), ("0", "T-2", "4", "ST01"), ("2", "T-1", "4", "ST01"),
        ]  # fmt: skip
        ask(reader, "S", kind=0, groups=trades)
        assert [each["278"] for each in entries(await nth(reader, 2, "W"))] == ["T-2"]

    play(tmp_path, story)


def test_the_list_has_every_issue_in_as_many_fragments_as_it_needs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each once, only the last fragment says it is the last."""
    monkeypatch.setattr("participants.fix_questions.SECURITIES_MAX", 1)

    async def story(house: FixHouse) -> None:
        reader = await house.fix_client("A-1", "fix44")
        content = body((320, "L"), (559, 4))
        number = reader.next_out
        reader._sent[number] = ("x", content)
        reader.next_out = number + 1
        reader._write(reader._frame("x", number, content))
        parts = [await nth(reader, n, "y") for n in (1, 2)]
        assert [each.get(55) for each in parts] == ["ST01", "ST02"]
        assert [each.get(893) for each in parts] == ["N", "Y"]
        assert {each.get(393) for each in parts} == {"2"}
        assert parts[0].get(48) == house.core.engine.instrument(InstrumentId("ST01")).isin

    play(tmp_path, story)


def test_who_does_not_read_is_left_out_and_gets_the_whole_later(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing of the market while behind, every execution all the same; then one W, up to date."""
    monkeypatch.setattr(fix_market, "BEHIND_BYTES", 0)

    async def story(house: FixHouse) -> None:
        reader = await house.fix_client("A-1", "fix44")
        ask(reader, "B")
        await nth(reader, 1, "W")
        (connection,) = house.made
        unread = {"bytes": 1}
        monkeypatch.setattr(type(connection), "buffered_bytes", property(lambda _: unread["bytes"]))
        for number in range(3):
            reader.send("D", (11, f"n{number}"), (38, 1), (40, 2), (44, 100000), (54, 1),
                        (55, "ST01"))  # fmt: skip
        await nth(reader, 3)
        assert [each.kind for each in reader.messages] == ["h", "W", "8", "8", "8"]
        unread["bytes"] = 0
        house.fix.tick()
        (level,) = entries(await nth(reader, 2, "W"))
        assert (level["271"], level["346"]) == ("3", "3")
        reader.send("D", (11, "n4"), (38, 1), (40, 2), (44, 100000), (54, 1), (55, "ST01"))
        (change,) = entries(await nth(reader, 1, "X"))
        assert (change["279"], change["271"]) == ("1", "4")

    play(tmp_path, story)


def test_a_session_follows_so_many_issues_and_no_more(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One more is refused, 281 = 2; what is ended makes room; a snapshot counts for nothing."""
    monkeypatch.setattr(fix_market, "SUBSCRIPTIONS_MAX", 1)

    async def story(house: FixHouse) -> None:
        reader = await house.fix_client("A-1", "fix44")
        ask(reader, "one")
        ask(reader, "two")
        ask(reader, "now", kind=0)
        ask(reader, "one", kind=2)
        ask(reader, "three")
        await nth(reader, 3, "W")
        told = [(each.kind, each.get(262)) for each in reader.messages if each.kind in "WY"]
        assert told == [("W", "one"), ("Y", "two"), ("W", "now"), ("W", "three")]

    play(tmp_path, story)
