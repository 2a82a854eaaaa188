"""A firm speaks for its deliveries over real sockets: durable before it is answered, and found again."""

import asyncio
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from house import House, Wire, order, play

from market.commands import ActOnDelivery, ConsentToCancel, RunAuction
from market.ids import DeliveryId, InstrumentId, ParticipantId
from market.token_acts import FreezeAccount
from market.words import Phase, Side
from venue.client import OrderClient
from venue.core import Core
from venue.firm import Affirmer
from venue.journal import read_entries

pytestmark = pytest.mark.processes

RULES = {"affirmation": True, "partial_settlement": True}


async def traded(house: House, buyer: Wire | OrderClient, seller: Wire | OrderClient) -> None:
    """D-1: FIRM-B sells ten units of ST01 to FIRM-A in a cross."""
    await house.open(Phase.PRE_OPEN)
    for who, side in ((buyer, "buy"), (seller, "sell")):
        ask = who.ask if isinstance(who, Wire) else who.request
        assert (await ask("order.new", order(f"o-{side}", side=side)))["ok"]
    await house.phase(Phase.OPENING_AUCTION)
    await house.do(RunAuction(instrument_id=InstrumentId("ST01")))


def word(name: str, side: str = "buy", **more: Any) -> dict[str, Any]:
    """Parameters of a word on D-1."""
    return {"client_request_id": name, "delivery_id": "D-1", "side": side} | more


def told(client: OrderClient, kind: str) -> list[dict[str, Any]]:
    """The news of one type that a client holds, in order."""
    reports = [client.reports[seq] for seq in sorted(client.reports)]
    return [report["data"] for report in reports if report.get("type") == kind]


def test_a_word_is_answered_when_it_is_durable_and_not_before(tmp_path: Path) -> None:
    """While the writer is held nothing is answered; the answer's command is then in the journal."""

    async def story(house: House) -> None:
        buyer, seller = await house.wire("A-1"), await house.wire("B-1")
        await traded(house, buyer, seller)
        await house.hold()
        request = buyer.request("delivery.consent", word("c1", reason="slip"))
        buyer.next_seq += 1
        await buyer.say(request)
        await house.quiet(lambda: bool(house.sequencer._inbox))
        assert not house.core.settlement.deliveries[DeliveryId(1)].asked_to_cancel
        house.sequencer.gate.set()
        while (answer := await buyer.receive()).get("req_id") != request["req_id"]:
            pass
        assert answer["ok"]
        assert answer["result"]["state"] == "canceled", "unmatched: one side is enough"

    play(tmp_path, story, rules=RULES)
    said = [one.command for one in read_entries(tmp_path) if isinstance(one.command, ActOnDelivery)]
    assert [one.act for one in said] == [
        ConsentToCancel(delivery_id=DeliveryId(1), side=Side.BUY, reason="slip")
    ]


def test_words_and_news_are_found_again_after_losing_the_line(tmp_path: Path) -> None:
    """What was said while a client was away comes with its reports; a lost answer is asked again."""

    async def story(house: House) -> None:
        buyer, seller = house.client("A-1"), house.client("B-1")
        await buyer.open()
        await seller.open()
        await traded(house, buyer, seller)
        first = await buyer.say_of_delivery("affirm", "D-1", "buy", name="a1")
        assert first["result"]["state"] == "created"
        await buyer.lose()
        assert (await seller.say_of_delivery("hold", "D-1", "sell", name="h1", reason="check"))[
            "ok"
        ]
        freeze = FreezeAccount(
            participant_id=ParticipantId("FIRM-A"),
            instrument_id=InstrumentId("ST01"),
            frozen=True,
            reason="not told",
        )
        await house.do(freeze)
        await buyer.open(takeover=True)
        assert [one["what"] for one in told(buyer, "delivery")] == ["affirmed", "hold"]
        assert told(buyer, "token") == [{"what": "freeze", "instrument_id": "ST01"}]
        assert told(seller, "token") == []
        again = await buyer.say_of_delivery("affirm", "D-1", "buy", name="a1")
        assert (again["duplicate"], again["result"]) == (True, first["result"])
        assert buyer.last_report_seq == len(buyer.reports)
        await buyer.close()
        await seller.close()

    play(tmp_path, story, rules=RULES)


def test_a_restart_keeps_every_word_and_its_bytes(tmp_path: Path) -> None:
    """The recovered market has the same digest, and gives the same reports again."""
    before: dict[str, Any] = {}

    async def first(house: House) -> None:
        buyer, seller = house.client("A-1"), house.client("B-1")
        await buyer.open()
        await seller.open()
        await traded(house, buyer, seller)
        for client, side in ((buyer, "buy"), (seller, "sell")):
            assert (await client.say_of_delivery("affirm", "D-1", side, name="a"))["ok"]
        assert (await buyer.say_of_delivery("decline_parts", "D-1", "buy", name="p"))["ok"]
        assert (await seller.say_of_delivery("consent", "D-1", "sell", name="c"))["ok"]
        before.update(reports=dict(buyer.reports), said=await buyer.request("delivery.list"))
        await buyer.close()
        await seller.close()

    async def second(house: House) -> None:
        delivery = house.core.settlement.deliveries[DeliveryId(1)]
        assert (delivery.awaits, delivery.whole_for) == (frozenset(), frozenset({Side.BUY}))
        assert delivery.asked_to_cancel == frozenset({Side.SELL})
        buyer = house.client("A-1")
        await buyer.open(takeover=True)
        for seq, report in before["reports"].items():
            assert buyer.reports[seq] == report
        assert (await buyer.request("delivery.list"))["result"] == before["said"]["result"]
        assert (await buyer.say_of_delivery("consent", "D-1", "buy", name="c"))["result"] == {
            "delivery_id": "D-1", "client_request_id": "c", "side": "buy", "state": "canceled",
        }  # fmt: skip
        await buyer.close()

    play(tmp_path, first, rules=RULES)
    play(tmp_path, second, rules=RULES)
    replayed = Core()
    for entry in read_entries(tmp_path):
        replayed.apply(entry)
    assert replayed.settlement.deliveries[DeliveryId(1)].is_over


def test_a_firm_lists_its_own_open_deliveries(tmp_path: Path) -> None:
    """Each side as its own; filtered by issue, paged by id; nothing of what is over."""

    async def story(house: House) -> None:
        buyer, seller = await house.wire("A-1"), await house.wire("B-1")
        await traded(house, buyer, seller)
        await buyer.ask("delivery.hold", word("h", reason="check"))
        for wire, side in ((buyer, "buy"), (seller, "sell")):
            answer = await wire.ask("delivery.list")
            assert answer["result"] == {
                "deliveries": [{
                    "delivery_id": "D-1", "trade_id": "T-1", "instrument_id": "ST01", "side": side,
                    "state": "created", "waits_for": None, "settlement_date": "2026-11-26",
                    "quantity_units": 10, "amount_yen": 1_000_000, "open_units": 10,
                    "open_yen": 1_000_000, "held_by": ["buy"], "to_affirm": ["buy", "sell"],
                    "consented": [], "parts_declined": [], "reverses": None,
                }],
                "more": False,
            }  # fmt: skip
        for wanted in ({"instrument_id": "ST02"}, {"after": "D-1"}):
            assert (await buyer.ask("delivery.list", wanted))["result"]["deliveries"] == []
        assert (await buyer.ask("delivery.list", {"instrument_id": "ST01"}))["result"]["deliveries"]
        await buyer.ask("delivery.consent", word("c"))
        assert (await buyer.ask("delivery.list"))["result"]["deliveries"] == []

    play(tmp_path, story, rules=RULES)


def test_a_list_longer_than_a_page_is_read_page_by_page(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two a page: every delivery once, in order."""
    monkeypatch.setattr("venue.queries.DELIVERIES_MAX", 2)

    async def story(house: House) -> None:
        await house.open()
        buyer, seller = await house.wire("A-1"), await house.wire("B-1")
        for number in range(5):
            await buyer.ask("order.new", order(f"b{number}", quantity_units=1))
            await seller.ask("order.new", order(f"s{number}", side="sell", quantity_units=1))
        seen: list[str] = []
        more = True
        while more:
            page = {"after": seen[-1]} if seen else {}
            result = (await buyer.ask("delivery.list", page))["result"]
            seen += [one["delivery_id"] for one in result["deliveries"]]
            more = result["more"]
        assert seen == [f"D-{number}" for number in range(1, 6)]

    play(tmp_path, story)


@pytest.mark.parametrize(
    ("method", "params"),
    [
        ("delivery.hold", word("h", reason="Mr X")),
        ("delivery.hold", word("h", side="both")),
        ("delivery.hold", word("h") | {"delivery_id": "T-1"}),
        ("delivery.hold", word("h" * 37)),
        ("delivery.hold", word("h", legal_order=True)),
        ("delivery.affirm", word("a", reason="why")),
        ("delivery.reverse", {"delivery_id": "D-1", "side": "buy"}),
        ("delivery.list", {"after": "1"}),
    ],
)
def test_a_word_of_bad_shape_is_refused_at_the_door(
    tmp_path: Path, method: str, params: dict[str, Any]
) -> None:
    """SCHEMA, nothing journaled, and the session goes on."""

    async def story(house: House) -> None:
        wire = await house.wire("A-1")
        sequence, digest = house.core.sequence, house.core.digest()
        request = wire.request(method, params)
        await wire.say(request)
        answer = await wire.receive()
        assert answer["error"]["code"] == "SCHEMA"
        assert "seq" not in answer
        assert (house.core.sequence, house.core.digest()) == (sequence, digest)
        assert (await wire.ask("whoami"))["ok"]

    play(tmp_path, story, rules=RULES)


def test_the_reference_firm_affirms_what_it_trades(tmp_path: Path) -> None:
    """Each side once, from its trade report; with both the delivery is matched."""

    async def story(house: House) -> None:
        tally: Counter[str] = Counter()
        clients = house.client("A-1"), house.client("B-1")
        affirmers = []
        for client in clients:
            await client.open()
            affirmers.append(Affirmer(client, tally))
            client.on_report = affirmers[-1].hear
        await traded(house, *clients)
        await house.quiet(lambda: tally["delivery.affirm"] == 2)
        await house.quiet(lambda: not house.core.settlement.deliveries[DeliveryId(1)].awaits)
        for client, affirmer in zip(clients, affirmers, strict=True):
            affirmer.task.cancel()
            await client.close()
        await asyncio.gather(*(one.task for one in affirmers), return_exceptions=True)

    play(tmp_path, story, rules=RULES)
