"""A demonstration firm that trades over START's FIX 4.2 instead of a websocket.

It sends the same seeded flow as its sisters (venue/firm.py) and is a witness as well: each request
must be answered exactly once, no number may be missing and no execution come twice. START's FIX has
no replace, so an amendment is a cancel and, once that is done, a new order with what was left.
"""

import asyncio
import json
from collections import Counter
from datetime import date
from pathlib import Path
from typing import Any, Final

import numpy as np
from msgspec import structs
from websockets.asyncio.client import connect

from market.business_days import at_jst
from market.errors import check
from market.quantities import price_to_text
from market.rulebooks import preset
from market.words import OrderKind, ShortSale, Side, Validity
from participants.fix_codec import FixMessage
from participants.intents import Intent, IntentAction
from participants.orderflow import OrderFlow, sample_instruments
from venue.firm import MarketTime, listen, trade, wait_for
from venue.fix_client import FixClient
from venue.sample import key_settings

_NS_PER_MS: Final = 1_000_000
_IMMEDIATE: Final = (Validity.NEXT_AUCTION, Validity.IOC)
_DAY_S_MAX: Final = 60.0


class Desk:
    """What the firm asked and what became of it."""

    def __init__(self, host: str, port: int, comp_id: str, target: str) -> None:
        self.client = FixClient(host, port, comp_id, target=target, watch=self.hear)
        self.tally: Counter[str] = Counter()
        self.reports = 0
        self._unanswered: dict[str, None] = {}
        self._orders: dict[str, Intent] = {}
        self._left: dict[str, int] = {}
        self._amendments: dict[str, Intent] = {}
        self._executions: dict[str, None] = {}

    def ask(self, intent: Intent) -> None:
        """Send what an intent means."""
        if intent.action is IntentAction.NEW:
            self._new(intent)
        elif intent.original_client_order_id in self._orders:
            name = self._cancel(str(intent.original_client_order_id))
            if intent.action is IntentAction.AMEND:
                self._amendments[name] = intent

    def hear(self, message: FixMessage) -> None:
        """Count an answer or a report."""
        kind, name = message.kind, message.get(11)
        if kind == "h":
            return
        self.reports += 1
        if kind == "j":
            name = message.get(379)
        elif kind == "8":
            exec_id = message.get(17)
            check(exec_id not in self._executions, "an execution comes once", exec_id=exec_id)
            self._executions[exec_id] = None
            self._left[message.get(41) or name] = int(message.get(151))
        answers = kind in "9j" or message.get(150) in "08" or message.get(41) != ""
        if answers:
            check(name in self._unanswered, "a request is answered once", name=name)
            del self._unanswered[name]
            amendment = self._amendments.pop(name, None)
            if amendment is not None and kind == "8":
                self._new(self._amended(amendment, int(message.get(38)) - int(message.get(14))))

    def done(self) -> None:
        """Every request was answered."""
        check(not self._unanswered, "each request got one answer", left=len(self._unanswered))

    def is_answered(self) -> bool:
        """Whether nothing is on its way."""
        return not self._unanswered

    def _amended(self, intent: Intent, left_units: int) -> Intent:
        before = self._orders[str(intent.original_client_order_id)]
        return structs.replace(
            before,
            client_order_id=intent.client_order_id,
            price_sen=before.price_sen if intent.price_sen is None else intent.price_sen,
            quantity_units=left_units if intent.quantity_units is None else intent.quantity_units,
        )

    def _new(self, intent: Intent) -> None:
        name = intent.client_order_id
        self._orders[name] = intent
        is_limit = intent.kind is OrderKind.LIMIT and intent.price_sen is not None
        price = price_to_text(intent.price_sen) if is_limit and intent.price_sen else None
        self._send(
            "D",
            name,
            (21, "1"),
            (38, intent.quantity_units),
            (40, "2" if is_limit else "1"),
            (44, price),
            (54, _side(intent)),
            (55, intent.instrument_id),
            (1, intent.account or None),
            (59, "3" if intent.validity in _IMMEDIATE else None),
        )

    def _cancel(self, original: str) -> str:
        intent = self._orders[original]
        name = f"{original}.{self.tally['asked']}"
        self._send(
            "F",
            name,
            (38, intent.quantity_units),
            (41, original),
            (54, _side(intent)),
            (55, intent.instrument_id),
        )
        return name

    def _send(self, kind: str, name: str, *fields: tuple[int, Any]) -> None:
        self._unanswered[name] = None
        self.tally["asked"] += 1
        self.client.send(kind, (11, name), *fields)


def _side(intent: Intent) -> str:
    if intent.short_sale is not None:
        return "5" if intent.short_sale is ShortSale.SHORT else "6"
    return "1" if intent.side is Side.BUY else "2"


async def trade_by_fix(participant: str, ready: Path, *, seed: int, scale: float) -> None:
    """Trade every day of the run, then log out and say what happened as one JSON line."""
    doors = json.loads(await asyncio.to_thread(wait_for, ready))
    if "fix42" not in doors:  # switched off
        await trade(participant, ready, seed=seed, scale=scale)
        return
    rules = preset(doors["preset"])
    flow = OrderFlow(
        np.random.Generator(np.random.PCG64(seed)), rules, sample_instruments(rules), scale=scale
    )
    host, _, port = doors["fix42"].partition("://")[2].rpartition(":")
    session_id = key_settings(seed, participant).session_id
    desk = Desk(host, int(port), session_id, doors["fix_comp_id"])
    time = MarketTime(doors["speed"])
    async with connect(doors["feed"], compression=None, max_size=2**22) as feed:
        listener = asyncio.create_task(listen(feed, time))
        await desk.client.open((141, "Y"))
        for number in range(1, doors["days"] + 1):
            await time.until(day_is_open=True)
            if time.ended:
                break
            if number > 1:  # the venue logs everyone out as a later day opens
                async with asyncio.timeout(_DAY_S_MAX):
                    await desk.client.ended()
                await desk.client.open((141, "Y"))
            midnight = at_jst(date.fromisoformat(str(time.day)), 0)
            for intent in flow.day(number):
                if intent.participant_id == participant:
                    await asyncio.sleep(time.seconds_until(midnight + intent.at_ms * _NS_PER_MS))
                    desk.ask(intent)
            await desk.client.until(desk.is_answered)
            await time.until(day_is_open=False)
        await desk.client.close()
        listener.cancel()
    desk.done()
    said = {"firm": participant, **desk.tally, "reports": desk.reports, "door": "FIX 4.2"}
    print(json.dumps(said), flush=True)  # noqa: T201
