"""The Kraken-shaped feed: a client folds it to the venue's own book, and strangers' libraries read it."""

import asyncio
import importlib.util
import zlib
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from house import PATIENCE_S, House, Wire, order, play
from websockets.asyncio.client import connect

from feeds.kraken import DEPTHS
from market.words import Phase
from venue.kraken_door import KRAKEN_PATH, KrakenDoor

pytestmark = pytest.mark.processes

ST01 = "ST01/JPY"
Story = Callable[[House, str], Awaitable[None]]


@asynccontextmanager
async def door(house: House) -> AsyncIterator[str]:
    """The feed beside a house's own doors; its address."""
    made = KrakenDoor(house.core.feeds)
    house.sequencer.listen(made.publish)
    loop = asyncio.get_running_loop()
    server = await loop.create_server(
        lambda: house._kept(KRAKEN_PATH, made.handler, 16 * 1024), "127.0.0.1", 0
    )
    try:
        yield f"ws://127.0.0.1:{server.sockets[0].getsockname()[1]}{KRAKEN_PATH}"
    finally:
        server.close()
        made.halt()


def tell(folder: Path, story: Story) -> None:
    """Run a story in a house with this door."""

    async def run(house: House) -> None:
        async with door(house) as url:
            await story(house, url)

    play(folder, run)


async def reader(url: str) -> Wire:
    """A connection that was greeted."""
    wire = Wire(await connect(url, compression=None))
    hello = await wire.receive()
    assert hello["channel"] == "status"
    assert hello["data"][0]["api_version"] == "v2"
    return wire


def subscribe(channel: str, **params: Any) -> dict[str, Any]:
    """A request as Kraken's clients make it."""
    return {"method": "subscribe", "params": {"channel": channel, **params}, "req_id": 7}


def fold(book: dict[str, dict[float, int]], data: dict[str, Any], depth: int) -> int:
    """Apply a message as Kraken tells clients to, and work the checksum out from what is kept."""
    for side in ("bids", "asks"):
        for level in data[side]:
            book[side].pop(level["price"], None)
            if level["qty"]:
                book[side][level["price"]] = level["qty"]
        kept = sorted(book[side], reverse=side == "bids")[:depth]
        book[side] = {price: book[side][price] for price in kept}
    text = "".join(
        f"{price:.2f}".replace(".", "").lstrip("0") + str(units)
        for side in ("asks", "bids")
        for price, units in list(book[side].items())[:10]
    )
    return zlib.crc32(text.encode())


@pytest.mark.parametrize("depth", DEPTHS[:2])
def test_a_client_keeps_the_book_and_every_checksum_holds(tmp_path: Path, depth: int) -> None:
    """Snapshot, then levels that change, leave and come in from below; nothing else is needed."""

    async def story(house: House, url: str) -> None:
        await house.open(Phase.PRE_OPEN)
        firm = await house.wire("A-1")
        feed = await reader(url)
        await feed.say(subscribe("book", symbol=[ST01], depth=depth))
        answer, snapshot = await feed.receive(), await feed.receive()
        assert answer["success"]
        assert answer["req_id"] == 7
        assert answer["result"] == {
            "channel": "book", "symbol": ST01, "depth": depth, "snapshot": True,
        }  # fmt: skip
        book: dict[str, dict[float, int]] = {"bids": {}, "asks": {}}
        assert fold(book, snapshot["data"][0], depth) == snapshot["data"][0]["checksum"]
        for number in range(60):
            side = "buy" if number % 2 else "sell"
            away = (number * 7 % 30) * 100
            price = str(100_000 - away if side == "buy" else 100_500 + away)
            asked = order(f"n{number}", side=side, price=price, quantity_units=number % 5 + 1)
            said = await firm.ask("order.new", asked)
            assert said["ok"], said
            if number % 3 == 2:
                cancel = {"original_client_order_id": f"n{number - 1}"}
                assert (await firm.ask("order.cancel", cancel))["ok"]
        await feed.say({"method": "ping", "req_id": 99})
        while (message := await feed.receive()).get("method") != "pong":
            assert message["type"] == "update"
            data = message["data"][0]
            assert fold(book, data, depth) == data["checksum"]
        depth_now = house.core.feeds.issues["ST01"].depth
        levels = depth_now.all_levels()
        for side, found in zip(("bids", "asks"), levels, strict=True):
            expected = {price / 100: units for price, units, _ in found[:depth]}
            assert book[side] == expected

    tell(tmp_path, story)


def test_trades_tickers_and_instruments_are_told(tmp_path: Path) -> None:
    """A trade is told once with its price, the ticker after it, and issues with their state."""

    async def story(house: House, url: str) -> None:
        await house.open()
        buyer, seller = await house.wire("A-1"), await house.wire("B-1")
        feed = await reader(url)
        await feed.say(subscribe("instrument"))
        _, issues = await feed.receive(), await feed.receive()
        pairs = {pair["symbol"]: pair for pair in issues["data"]["pairs"]}
        assert pairs[ST01]["status"] == "online"
        for channel in ("trade", "ticker"):
            await feed.say(subscribe(channel, symbol=[ST01]))
            assert (await feed.receive())["success"]
            assert (await feed.receive())["type"] == "snapshot"
        assert (await seller.ask("order.new", order("s", side="sell", quantity_units=3)))["ok"]
        assert (await buyer.ask("order.new", order("b", quantity_units=3)))["ok"]
        told: dict[str, Any] = {}
        while "trade" not in told:
            message = await feed.receive()
            told[message["channel"]] = message
        (trade,) = told["trade"]["data"]
        assert (trade["symbol"], trade["price"], trade["qty"]) == (ST01, 100_000.0, 3)
        assert (await feed.receive())["data"][0]["volume"] == 3
        await house.phase(Phase.CLOSED)
        message = await feed.receive()
        while message["channel"] != "instrument":
            message = await feed.receive()
        assert message["data"]["pairs"][0]["status"] == "maintenance"

    tell(tmp_path, story)


@pytest.mark.parametrize(
    ("asked", "error"),
    [
        ("[]", "Malformed request"),
        ("{", "Malformed request"),
        ('{"method":"sing"}', "Method not found"),
        ('{"method":"subscribe"}', "Method not found"),
        ('{"method":"subscribe","params":{"channel":"level3"}}', "channel not supported"),
        ('{"method":"subscribe","params":{"channel":"book"}}', "Symbol(s) missing"),
        ('{"method":"subscribe","params":{"channel":"book","symbol":["ST01/JPY"],"depth":11}}', "Depth"),
        ('{"method":"subscribe","params":{"channel":"book","symbol":["XX/JPY"]}}', "pair not supported"),
        ('{"method":"subscribe","params":{"channel":"book","symbol":["ST01"]}}', "pair not supported"),
    ],
)  # fmt: skip
def test_what_cannot_be_had_is_refused_and_the_connection_stays(
    tmp_path: Path, asked: str, error: str
) -> None:
    """One clear answer, no subscription, and the next request is served."""

    async def story(house: House, url: str) -> None:
        await house.open()
        feed = await reader(url)
        await feed.socket.send(asked)
        refused = await feed.receive()
        assert not refused["success"]
        assert error in refused["error"]
        await feed.say(subscribe("book", symbol=[ST01]))
        assert (await feed.receive())["success"]

    tell(tmp_path, story)


def test_who_unsubscribes_hears_no_more(tmp_path: Path) -> None:
    """After the answer only what is still wanted comes."""

    async def story(house: House, url: str) -> None:
        await house.open(Phase.PRE_OPEN)
        firm, feed = await house.wire("A-1"), await reader(url)
        await feed.say(subscribe("book", symbol=[ST01], snapshot=False))
        assert (await feed.receive())["result"]["snapshot"] is False
        await feed.say({"method": "unsubscribe", "params": {"channel": "book", "symbol": [ST01]}})
        assert (await feed.receive())["success"]
        assert (await firm.ask("order.new", order("n1")))["ok"]
        await feed.say({"method": "ping"})
        assert (await feed.receive())["method"] == "pong"

    tell(tmp_path, story)


# --- strangers


def _installed(name: str) -> Any:
    """Skip, with the reason, where a stranger's library is not installed."""
    missing = importlib.util.find_spec(name) is None
    return pytest.mark.skipif(missing, reason=f"{name} is not installed; make interop brings it")


async def _keeps_trading(house: House, done: asyncio.Event) -> None:
    """Orders until somebody has seen enough."""
    firm, number = await house.wire("A-1"), 0
    while not done.is_set():
        number += 1
        side = "buy" if number % 2 else "sell"
        price = str(99_900 - number % 9 * 100 if side == "buy" else 100_100 + number % 9 * 100)
        await firm.ask("order.new", order(f"n{number}", side=side, price=price))
        await asyncio.sleep(0)


@_installed("ccxt")
@pytest.mark.filterwarnings("ignore")
def test_ccxt_reads_the_book_when_its_address_is_changed(tmp_path: Path) -> None:
    """The widest used client of such feeds keeps our book by its own code."""
    ccxt = importlib.import_module("ccxt.pro")

    async def story(house: House, url: str) -> None:
        await house.open(Phase.PRE_OPEN)
        exchange = ccxt.kraken()
        exchange.urls["api"]["ws"]["publicV2"] = url
        exchange.set_markets([exchange.safe_market_structure({
            "id": "ST01JPY", "wsId": ST01, "symbol": ST01, "base": "ST01", "quote": "JPY",
            "spot": True, "type": "spot", "active": True, "info": {"wsname": ST01},
            "precision": {"price": 0.01, "amount": 1.0},
        })])  # fmt: skip
        done = asyncio.Event()
        busy = asyncio.create_task(_keeps_trading(house, done))
        try:
            async with asyncio.timeout(PATIENCE_S):
                for _ in range(20):
                    book = await exchange.watch_order_book(ST01, 10)
        finally:
            done.set()
            await exchange.close()
        await busy
        assert [price for price, _ in book["bids"]] == sorted(
            (price for price, _ in book["bids"]), reverse=True
        )
        assert book["bids"][0][0] <= 99_900
        assert book["asks"][0][0] >= 100_100

    tell(tmp_path, story)


@_installed("kraken")
@pytest.mark.filterwarnings("ignore")
def test_python_kraken_sdk_reads_book_and_trades(tmp_path: Path) -> None:
    """A second client that was written for another venue."""
    spot = importlib.import_module("kraken.spot")

    async def story(house: House, url: str) -> None:
        await house.open(Phase.PRE_OPEN)
        seen: list[dict[str, Any]] = []
        done = asyncio.Event()

        async def hear(message: dict[str, Any]) -> None:
            seen.append(message)
            if sum(one.get("channel") == "book" for one in seen) >= 20:
                done.set()

        client = spot.SpotWSClient(callback=hear, ws_url=url.removesuffix("/v2"))
        await client.start()
        await client.subscribe(params={"channel": "book", "symbol": [ST01], "depth": 10})
        busy = asyncio.create_task(_keeps_trading(house, done))
        try:
            async with asyncio.timeout(PATIENCE_S):
                await done.wait()
        finally:
            done.set()
            await client.close()
        await busy
        kinds = [one["type"] for one in seen if one.get("channel") == "book"]
        assert kinds[0] == "snapshot"
        assert set(kinds[1:]) == {"update"}

    tell(tmp_path, story)
