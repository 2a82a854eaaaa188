"""Market data by FIX is the feed's: one truth, over real sockets and for a whole random day."""

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any

import pytest
from test_fix_acceptor import FixHouse, nth, play

from feeds.issue import Issue
from market.commands import BustTrade, NewOrder
from market.ids import trade_id_to_text
from market.quantities import price_to_text
from participants.fix_codec import FixMessage, body, decode, encode
from venue import fix_market
from venue.fix_market import FixMarket

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
                price = 100_000 + 10 * chance.randrange(-8, 8)
                client.send("D", (11, name), (38, chance.randrange(1, 9)), (40, 2), (44, price),
                            (54, chance.choice((1, 2))), (55, "ST01"), (1, f"ACC{step}"))  # fmt: skip
                names.append(name)
            if step % 10:
                continue
            await client.until(lambda: client.messages[-1].kind in "89" and house.is_quiet(client))
            await asyncio.sleep(0)
            ask(reader, f"S{step}", kind=0)
            await nth(reader, 3 + step // 10, "W")
            for message in reader.messages[heard:]:
                if message.get(262) in books:
                    books[message.get(262)].read(message)
            heard = len(reader.messages)
            issue = house.core.feeds.issues["ST01"]
            for side in "01":
                assert books["ALL"].levels(side) == levels_of(issue, side, 0)
                assert books["TOP"].levels(side) == levels_of(issue, side, 3)
        assert sum(message.kind == "X" for message in reader.messages) > 100

    play(tmp_path, story)
