"""A demonstration firm as a process: trades its share of the seeded flow over a real websocket.

It knows the time from the feed: every status and phase message carries market time, and between
them it counts real time at the venue's speed. Where the market asks for it, it affirms every delivery
as soon as it hears of the trade. It is also a witness: each request must get exactly
one answer and the numbered reports must have no gap, else it ends with an error.
"""

import asyncio
import contextlib
import json
from collections import Counter
from datetime import date
from pathlib import Path
from typing import Any, Final

import numpy as np
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed

from market.business_days import at_jst
from market.errors import BadInput, KitahamaError, check
from market.ids import ParticipantId
from market.quantities import price_to_text
from market.rulebooks import preset
from participants.intents import Intent, IntentAction
from participants.orderflow import OrderFlow, sample_instruments
from venue.client import Identity, OrderClient
from venue.sample import key_settings, private_key_bytes
from venue.seams import pause, real_ns

_NS_PER_MS: Final = 1_000_000
_READY_NS_MAX: Final = 60_000_000_000
_POLL_S: Final = 0.05


class MarketTime:
    """Market time as the feed tells it, carried forward at the venue's speed."""

    def __init__(self, speed: float) -> None:
        self._speed = speed
        self._market_ns = 0
        self._heard_ns = real_ns()
        self.day: str | None = None
        self.day_is_open = False
        self.ended = False
        self.changed = asyncio.Event()

    def hear(self, message: dict[str, Any]) -> None:
        """Learn from one feed message."""
        at_ns = message.get("at_ns")
        if at_ns is None or at_ns < self._market_ns:  # a snapshot is as old as its last change
            return
        self._market_ns, self._heard_ns = at_ns, real_ns()
        if message.get("channel") == "status" and "data" in message:
            data = message["data"]
            self.day = data.get("business_date")
            self.day_is_open = data.get("state") == "day_open"
            self.changed.set()

    def end(self) -> None:
        """The feed is gone, so no day will open any more."""
        self.day_is_open, self.ended = False, True
        self.changed.set()

    async def until(self, *, day_is_open: bool) -> None:
        """Wait until a day has opened or closed, or the venue has ended."""
        while self.day_is_open is not day_is_open and not self.ended:
            self.changed.clear()
            await self.changed.wait()

    def seconds_until(self, at_ns: int) -> float:
        """Real seconds until market time ``at_ns``."""
        now = self._market_ns + (real_ns() - self._heard_ns) * self._speed
        return max(0.0, (at_ns - now) / self._speed / 1e9)


class Affirmer:
    """Affirms the firm's side of every delivery it hears of (照合), in the order of the trades.

    Attributes:
        task: What sends; to be canceled once the session has ended.
    """

    def __init__(self, client: OrderClient, tally: Counter[str]) -> None:
        self._client = client
        self._tally = tally
        self._heard: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        self.task = asyncio.create_task(self._send())

    def hear(self, report: dict[str, Any]) -> None:
        """A numbered report, each once; a name made of the delivery's makes a repeat harmless."""
        if report.get("type") == "trade":
            self._heard.put_nowait(report["data"])

    async def _send(self) -> None:
        with contextlib.suppress(ConnectionClosed, KitahamaError):
            while True:
                made = await self._heard.get()
                delivery_id, side = made["delivery_id"], made["side"]
                params = {
                    "client_request_id": f"affirm-{delivery_id}-{side}",
                    "delivery_id": delivery_id,
                    "side": side,
                }
                await self._client.send("delivery.affirm", params)
                self._tally["asked"] += 1
                self._tally["delivery.affirm"] += 1


async def trade(participant: str, ready: Path, *, seed: int, scale: float) -> None:
    """Trade every day of the run, then log out and say what happened as one JSON line."""
    doors = json.loads(await asyncio.to_thread(wait_for, ready))
    rules = preset(doors["preset"])
    flow = OrderFlow(
        np.random.Generator(np.random.PCG64(seed)), rules, sample_instruments(rules), scale=scale
    )
    key = key_settings(seed, participant)
    client = OrderClient(
        doors["orders"],
        Identity(participant, key.session_id, key.key_id, private_key_bytes(seed, participant)),
    )
    time = MarketTime(doors["speed"])
    tally: Counter[str] = Counter()
    affirmer = Affirmer(client, tally)
    if doors["affirmation"]:
        client.on_report = affirmer.hear
    async with connect(doors["feed"], compression=None, max_size=2**22) as feed:
        listener = asyncio.create_task(listen(feed, time))
        await client.open()
        try:
            for number in range(1, doors["days"] + 1):
                await time.until(day_is_open=True)
                await _trade_day(client, time, flow.day(number), ParticipantId(participant), tally)
        except ConnectionClosed as closed:
            raise KitahamaError(f"{participant}: the venue is gone: {closed}") from closed
        await client.closed()
        listener.cancel()
        affirmer.task.cancel()
    check(client.answers == tally["asked"], "each request got one answer", asked=tally["asked"])
    check(client.last_report_seq == len(client.reports), "no report is missing")
    tally["reports"] = len(client.reports)
    print(json.dumps({"firm": participant, **tally}), flush=True)  # noqa: T201


def wait_for(path: Path) -> str:
    """The venue says where its doors are once they are open.

    Raises:
        BadInput: When it does not within a minute.
    """
    began = real_ns()
    while not path.exists():
        if real_ns() - began > _READY_NS_MAX:
            raise BadInput(f"no venue opened its doors in {path.parent}")
        pause(_POLL_S)
    return path.read_text(encoding="utf-8")


async def listen(feed: Any, time: MarketTime) -> None:
    """Subscribe to what tells the time, and hear it until the feed ends."""
    await feed.send(
        json.dumps(
            {
                "method": "subscribe",
                "req_id": "1",
                "params": {"channels": [{"name": "status"}, {"name": "phase"}]},
            }
        )
    )
    with contextlib.suppress(ConnectionClosed):
        async for text in feed:
            time.hear(json.loads(text))
    time.end()


async def _trade_day(
    client: OrderClient,
    time: MarketTime,
    intents: list[Intent],
    participant: ParticipantId,
    tally: Counter[str],
) -> None:
    if time.ended:
        return
    day = date.fromisoformat(str(time.day))
    midnight = at_jst(day, 0)
    for intent in intents:
        if intent.participant_id != participant:
            continue
        await asyncio.sleep(time.seconds_until(midnight + intent.at_ms * _NS_PER_MS))
        method, params = request_of(intent)
        tally["asked"] += 1
        tally[method] += 1
        await client.send(method, params)
    await time.until(day_is_open=False)


def request_of(intent: Intent) -> tuple[str, dict[str, Any]]:
    """Method and parameters of an intent, as they go on the wire."""
    if intent.action is IntentAction.CANCEL:
        return "order.cancel", {"original_client_order_id": intent.original_client_order_id}
    params: dict[str, Any] = {"client_order_id": intent.client_order_id}
    if intent.price_sen is not None:
        params["price"] = price_to_text(intent.price_sen)
    if intent.action is IntentAction.AMEND:
        params["original_client_order_id"] = intent.original_client_order_id
        if intent.quantity_units is not None:
            params["leaves_units"] = intent.quantity_units
        return "order.amend", params
    params |= {
        "instrument_id": intent.instrument_id,
        "side": intent.side,
        "kind": intent.kind,
        "quantity_units": intent.quantity_units,
        "validity": intent.validity,
    }
    if intent.account:
        params["account"] = intent.account
    if intent.short_sale is not None:
        params["short_sale"] = intent.short_sale
    if intent.size_confirmed:
        params["size_confirmed"] = True
    return "order.new", params
