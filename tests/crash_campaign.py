"""Kill a running venue again and again and hold everything it ever said against its journal.

A real venue process, four firms and a feed subscriber over real websockets. The firms enter, amend
and cancel without rest, speak for their deliveries, and keep the bytes of every report; the subscriber keeps the bytes of every
message. SIGKILL comes at seeded moments. After each one:

* the journal, read from a copy, is a history that regenerates every byte anybody holds;
* the restarted venue sends every report again from number 1, byte for byte;
* open orders and balances are those that follow from a firm's own reports;
* a consent to a delivery's end that was acknowledged is in the journal;
* a request whose answer was lost has either happened (its answer is among the reports, and sent
  again it is answered ``duplicate``) or has not (sent again it gets its first answer).

More kills than the test suite has time for: ``python -m tests.crash_campaign --kills 100``.
"""

import argparse
import asyncio
import random
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Final

from websockets.exceptions import ConnectionClosed

sys.path.insert(0, str(Path(__file__).parent))

from crash_witness import (
    AS_ASKED,
    FIRMS,
    ISSUES,
    Bell,
    FeedWitness,
    Truth,
    VenueProcess,
    Witness,
    campaign_settings,
    compare,
    hold,
    regenerate,
    view_of,
)

from market.ids import DeliveryId
from market.words import Side
from venue.client import LogonRefused, Message
from venue.recovery import verify

_JST: Final = timezone(timedelta(hours=9))
_THINK_S: Final = 0.05
_SAY_ABOVE: Final = 0.85
_WORDS: Final = (
    "delivery.consent", "delivery.consent", "delivery.consent", "delivery.reverse",
    "delivery.release",
)  # fmt: skip
"""What firms say of deliveries; nothing that would keep one open beyond the days that are kept."""


# --- firms that trade without rest


@dataclass
class Asked:
    """One request that was sent; ``answer`` stays None while its outcome is unknown."""

    req_id: str
    method: str
    params: Message
    answer: Message | None = None


class Trader:
    """One firm's flow over all lives of the venue."""

    def __init__(self, witness: Witness, chance: random.Random, sent: Callable[[], None]) -> None:
        self.witness = witness
        self.unknown: list[Asked] = []
        self.answered = 0
        self.words = 0
        self.happened = 0
        self.had_not = 0
        self._chance = chance
        self._sent = sent
        self._names = 0
        self._mine: list[str] = []

    async def trade(self) -> None:
        """Ask and ask until the connection goes."""
        while True:
            flight = [await self._send(self._invent()) for _ in range(self._chance.randint(1, 6))]
            for asked, answer in flight:
                try:
                    asked.answer = await answer
                except ConnectionClosed:
                    break
                self.answered += 1
                self.words += asked.method.startswith("delivery.") and asked.answer["ok"]
            self.unknown = [asked for asked, _ in flight if asked.answer is None]
            if self.unknown:
                return
            await asyncio.sleep(_THINK_S)

    async def resolve(self) -> None:
        """Send every request of unknown outcome again, and judge both answers."""
        told = {
            report["req_id"]: report
            for report in self.witness.reports.values()
            if "method" in report
        }
        for asked in self.unknown:
            first = told.get(asked.req_id)
            again = await self.witness.request(asked.method, asked.params)
            self._judge(asked, first, again)
        self.unknown = []

    def _judge(self, asked: Asked, first: Message | None, again: Message) -> None:
        duplicate = again.get("duplicate", False)
        if first is None:
            self.had_not += 1
            hold(not duplicate, "what has no answer has no effect", asked=asked, again=again)
            return
        self.happened += 1
        if asked.method == "order.cancel":
            if first["ok"]:
                hold(not again["ok"], "an order is canceled once", asked=asked, again=again)
        elif _day(first["at_ns"]) == _day(again["at_ns"]):
            hold(duplicate, "the same request again has no second effect", asked=asked, got=again)
            same = first.get("result") == again.get("result") and first.get("error") == again.get(
                "error"
            )
            hold(same, "a duplicate gets the original answer", first=first, again=again)

    async def _send(self, asked: Asked) -> tuple[Asked, "asyncio.Future[Message]"]:
        try:
            answer = await self.witness.send(asked.method, asked.params)
        except ConnectionClosed as lost:
            answer = asyncio.get_running_loop().create_future()
            answer.set_exception(lost)
            answer.exception()
        asked.req_id = str(self.witness._requests)
        self._sent()
        return asked, answer

    def _invent(self) -> Asked:
        chance = self._chance
        kind = chance.random()
        self._names += 1
        name = f"{self.witness.firm}-{self._names}"
        price = f"{chance.randint(995, 1005)}00"
        if self._mine and kind < 0.15:
            params: Message = {"original_client_order_id": chance.choice(self._mine)}
            return Asked("", "order.cancel", params)
        if self._mine and kind < 0.30:
            original = self._mine.pop(chance.randrange(len(self._mine)))
            self._mine.append(name)
            params = {"client_order_id": name, "original_client_order_id": original, "price": price}
            return Asked("", "order.amend", params)
        if kind > _SAY_ABOVE and (said := self._say(name)) is not None:
            return said
        self._mine = [*self._mine[-20:], name]
        params = {
            "client_order_id": name,
            "instrument_id": f"KH0{chance.randint(1, ISSUES)}",
            "side": chance.choice(("buy", "sell")),
            "kind": "limit",
            "price": price,
            "quantity_units": chance.randint(1, 5),
        }
        return Asked("", "order.new", params)

    def _say(self, name: str) -> Asked | None:
        """A word on one of the last deliveries the firm has heard of."""
        trades = [
            one["data"] for one in self.witness.reports.values() if one.get("type") == "trade"
        ]
        if not trades:
            return None
        one = self._chance.choice(trades[-20:])
        method = self._chance.choice(_WORDS)
        params: Message = {
            "client_request_id": name,
            "delivery_id": one["delivery_id"],
            "side": one["side"],
        }
        return Asked("", method, params)


def _day(at_ns: int) -> str:
    return datetime.fromtimestamp(at_ns // 10**9, tz=UTC).astimezone(_JST).date().isoformat()


# --- the campaign


@dataclass
class Tally:
    """What a campaign saw; a kill that hit nothing interesting proves little."""

    kills: dict[str, int] = field(default_factory=dict)
    answered: int = 0
    words: int = 0
    reports: int = 0
    messages: int = 0
    heads: int = 0
    happened: int = 0
    had_not: int = 0
    trades: int = 0
    settlements: int = 0
    commands: int = 0
    digest: str = ""


class Campaign:
    """Lives and deaths of one venue; see the module."""

    def __init__(self, folder: Path, *, seed: int, kills: int, days: int, speed: float) -> None:
        self.settings = campaign_settings(days=days, speed=speed, wait_for_sessions=len(FIRMS))
        self.venue = VenueProcess(folder, self.settings)
        self.tally = Tally()
        self._chance = random.Random(seed)
        self._kills = kills
        self._days = days
        self._bell = Bell()
        self._sent = 0
        self.witnesses = [Witness(firm, self._bell) for firm in FIRMS]
        self.feed = FeedWitness(self._bell)
        self.traders = [
            Trader(witness, random.Random(f"{seed} {witness.firm}"), self._note_sent)
            for witness in self.witnesses
        ]

    def _note_sent(self) -> None:
        self._sent += 1
        self._bell.ring()

    async def run(self) -> Tally:
        """Run to the last day's end; returns what was seen when every promise was kept."""
        try:
            while sum(self.tally.kills.values()) < self._kills:
                if await self._live(self._moment()):
                    break
            else:
                await self._live(None)
            await self._judge_the_end()
        finally:
            self.venue.kill()
        return self.tally

    async def _live(self, moment: "tuple[str, Callable[[], bool]] | None") -> bool:
        """One life; True when it lasted to the end of the last day."""
        await self.venue.start()
        try:
            await self._enter()
        except (OSError, ConnectionClosed, LogonRefused):
            hold(await self.venue.ended() == 0, "it only leaves at its end", said=self.venue.said())
            await self._leave()
            return True
        tasks = [asyncio.create_task(trader.trade()) for trader in self.traders]
        name, fact = moment or ("", lambda: False)
        await self._bell.until(lambda: self.feed.ended.is_set() or fact(), f"kill at {name}")
        if name == "deaf":
            await self._go_deaf()
        lasted = self.feed.ended.is_set()
        if not lasted:
            self.venue.kill()
            for witness in self.witnesses:
                witness.cut()
            self.tally.kills[name] = self.tally.kills.get(name, 0) + 1
        await asyncio.gather(*tasks)
        await self._leave()
        if not lasted:
            compare(regenerate(self.venue.out), self.witnesses, self.feed)
        return lasted

    async def _enter(self) -> None:
        """Everybody comes back and looks whether all is as it was."""
        await self.feed.enter(self.venue.doors)
        await asyncio.gather(*(witness.enter(self.venue.doors) for witness in self.witnesses))
        for trader in self.traders:
            await trader.resolve()
        for witness in self.witnesses:
            await self._look_inside(witness)

    async def _leave(self) -> None:
        for witness in self.witnesses:
            await witness.lose()
        await self.feed.left()

    async def _go_deaf(self) -> None:
        """No firm reads any more; wait until the journal holds requests they get no answer to."""
        for witness in self.witnesses:
            witness.go_deaf()
        over = self.feed.ended.is_set
        await self._bell.until(
            lambda: self._sent > sum(trader.answered for trader in self.traders) or over(),
            "somebody waits for an answer",
        )
        beats = self.feed.beats
        await self._bell.until(lambda: self.feed.beats >= beats + 2 or over(), "the venue goes on")

    def _moment(self) -> tuple[str, Callable[[], bool]]:
        """Draw when to kill: after so many requests, answers or reports, a phase, a settlement.

        ``deaf`` loses the answers first, so that requests have happened that nobody knows of.
        """
        chance = self._chance
        kind = chance.choice(("deaf", "sent", "answers", "reports", "phase", "settlement"))
        start = self._progress()
        more = chance.randint(1, 120) if kind in ("deaf", "sent", "answers", "reports") else 1

        def due() -> bool:
            now = self._progress()
            # on a day without what we wait for, well before it is over
            return now[kind] >= start[kind] + more or now["sent"] >= start["sent"] + 400

        return kind, due

    def _progress(self) -> dict[str, int]:
        return {
            "deaf": self._sent,
            "sent": self._sent,
            "answers": sum(trader.answered for trader in self.traders),
            "reports": sum(len(witness.raw) for witness in self.witnesses),
            "phase": self.feed.phases,
            "settlement": sum(witness.settlements for witness in self.witnesses),
        }

    async def _look_inside(self, witness: Witness) -> None:
        """Open orders, cash and units are what the firm's own reports say."""
        asked = await witness.request("order.list")
        orders = {order["order_id"]: order["leaves_units"] for order in asked["result"]["orders"]}
        view = view_of(witness, self.settings, witness.seen_before[asked["req_id"]])
        known = {
            order: orders.get(order) if units == AS_ASKED else units
            for order, units in view.open_units.items()
        }
        hold(orders == known, "open orders are kept", firm=witness.firm, has=orders, knew=known)
        asked = await witness.request("balance.list")
        balances = asked["result"]
        view = view_of(witness, self.settings, witness.seen_before[asked["req_id"]])
        units = {line["instrument_id"]: line["owned_units"] for line in balances["units"]}
        hold(balances["owned_yen"] == view.owned_yen, "cash is kept", firm=witness.firm)
        hold(units == view.owned_units, "units are kept", firm=witness.firm, has=units)

    async def _judge_the_end(self) -> None:
        """The days are over; everybody fetches what is missing, and then has everything."""
        hold(await self.venue.ended() == 0, "the venue ends in order", said=self.venue.said())
        await self.venue.start(keep=True)
        await self._enter()
        self.venue.kill()
        await self._leave()
        truth = regenerate(self.venue.out)
        compare(truth, self.witnesses, self.feed)
        for witness in self.witnesses:
            told = truth.reports[witness.identity.session_id]
            hold(len(witness.raw) == len(told), "no report is missing", firm=witness.firm)
        verdict = verify(self.venue.out)
        hold(verdict.digest == truth.core.digest(), "verify agrees with a replay")
        sides: dict[str, list[Message]] = {}
        for witness in self.witnesses:
            for (trade_id, _), data in view_of(
                witness, self.settings, len(witness.raw)
            ).trades.items():
                sides.setdefault(trade_id, []).append(data)
        for trade_id, both in sides.items():
            agreed = {(data["price"], data["quantity_units"]) for data in both}
            hold(len(both) == 2 and len(agreed) == 1, "both sides know a trade", trade=trade_id)
        self._judge_consents(truth)
        tally = self.tally
        tally.trades = len(sides)
        tally.words = sum(trader.words for trader in self.traders)
        tally.answered = sum(trader.answered for trader in self.traders)
        tally.happened = sum(trader.happened for trader in self.traders)
        tally.had_not = sum(trader.had_not for trader in self.traders)
        tally.reports = sum(len(witness.raw) for witness in self.witnesses)
        tally.messages, tally.heads = len(self.feed.raw), len(self.feed.heads)
        tally.settlements = sum(witness.settlements for witness in self.witnesses)
        tally.commands, tally.digest = verdict.commands, verdict.digest

    def _judge_consents(self, truth: Truth) -> None:
        """A consent that was acknowledged before any kill still stands."""
        for witness in self.witnesses:
            for report in witness.reports.values():
                if report.get("method") != "delivery.consent" or not report["ok"]:
                    continue
                said = report["result"]
                delivery_id = DeliveryId(int(said["delivery_id"].removeprefix("D-")))
                delivery = truth.core.settlement.deliveries[delivery_id]
                stands = Side(said["side"]) in delivery.asked_to_cancel
                hold(stands, "an acknowledged consent stands", said=said)


def main() -> None:
    """Run campaigns until so many kills were survived; each line repeats with its seed."""
    words = argparse.ArgumentParser(description=main.__doc__)
    words.add_argument("--kills", type=int, default=100)
    words.add_argument("--seed", type=int, default=1)
    words.add_argument("--days", type=int, default=3)
    words.add_argument("--speed", type=float, default=4_000.0)
    words.add_argument("--kills-each", type=int, default=25)
    asked = words.parse_args()
    seed, left = asked.seed, asked.kills
    while left > 0:
        with tempfile.TemporaryDirectory(prefix="crash-") as folder:
            campaign = Campaign(
                Path(folder),
                seed=seed,
                kills=min(left, asked.kills_each),
                days=asked.days,
                speed=asked.speed,
            )
            tally = asyncio.run(campaign.run())
        sys.stdout.write(f"seed {seed}: {tally}\n")
        sys.stdout.flush()
        left -= max(sum(tally.kills.values()), 1)
        seed += 1


if __name__ == "__main__":
    main()
