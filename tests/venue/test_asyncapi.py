"""The AsyncAPI document: whole, and held against what really goes over both doors."""

import json
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest
from house import House, Wire, order, play

from feeds.wire import Channel
from market.commands import RunAuction
from market.ids import InstrumentId, ParticipantId
from market.token_acts import FreezeAccount
from market.words import Phase
from participants.delivery_requests import DELIVERY_METHODS
from participants.wire import METHODS
from venue.asyncapi import DOORS, catalogue, document

DOCUMENT = document("0")
ISSUE = InstrumentId("ST01")


def strict(schema: Any) -> Any:
    """The same schema with no field allowed that it does not name."""
    if isinstance(schema, list):
        return [strict(one) for one in schema]
    if not isinstance(schema, dict):
        return schema
    found = {key: strict(value) for key, value in schema.items()}
    if "properties" in found:
        found.setdefault("additionalProperties", False)
    return found


def validator(door: str, who: str, name: str) -> Any:
    """Judges one message of a door."""
    message = DOCUMENT["components"]["messages"][f"{door}.{who}.{name}"]
    return jsonschema_rs.validator_for(
        {**message["payload"], "components": strict(DOCUMENT["components"])}
    )


def name_of(door: str, frame: dict[str, Any]) -> str:
    """Which of the messages a venue sends this is."""
    if frame.get("type") in {"hello", "heartbeat", "snapshot", "update"}:
        return str(frame["type"])
    if door == "feed":
        return "answer"
    if "method" not in frame:
        return "news"
    if "seq" in frame:
        return "answer"
    return "result" if frame["ok"] else "refusal"


def test_every_method_and_channel_is_in_the_document() -> None:
    """Requests are those the doors read, in their order; each message says what it is."""
    sent = [name for door, who, name, _ in catalogue() if (door, who) == ("orders", "client")]
    assert sorted(sent) == sorted(METHODS)
    assert all(told.endswith((".", "?")) for _, _, _, told in catalogue())
    assert len(catalogue()) == len({line[:3] for line in catalogue()})
    assert set(DOCUMENT["channels"]) == set(DOORS)


def test_every_reference_leads_somewhere() -> None:
    """No reference dangles, and no schema is there that nothing refers to."""
    text = json.dumps(DOCUMENT)
    asked = {part.split('"')[0] for part in text.split('"$ref": "#/')[1:]}
    for reference in asked:
        place: Any = DOCUMENT
        for word in reference.split("/"):
            place = place[word]
    unused = [
        name
        for name in DOCUMENT["components"]["schemas"]
        if f"components/schemas/{name}" not in asked
    ]
    assert unused == []


@pytest.mark.processes
def test_what_goes_over_the_doors_is_what_the_document_says(tmp_path: Path) -> None:
    """A little market on real sockets: each frame fits its message, with no field unnamed."""
    seen: dict[tuple[str, str], int] = {}

    def judge(door: str, frame: dict[str, Any]) -> None:
        name = name_of(door, frame)
        validator(door, "send", name).validate(frame)
        seen[door, name] = seen.get((door, name), 0) + 1

    async def story(house: House) -> None:
        await house.open(Phase.PRE_OPEN)
        feed = await house.subscriber(*({"name": channel.value} for channel in Channel))
        buyer, seller = await house.wire("A-1"), await house.wire("B-1")
        for wire, side in ((buyer, "buy"), (seller, "sell")):
            for number in range(3):
                asked = order(f"{side}{number}", side=side)
                judge("orders", await wire.ask("order.new", asked))
            judge(
                "orders", await wire.ask("order.new", order(f"{side}9", side=side, price="1.005"))
            )
            wire.next_seq -= 1  # what cannot be read uses no number
            judge("orders", await wire.ask("balance.list"))
            cancel = {"original_client_order_id": f"{side}2"}
            judge("orders", await wire.ask("order.cancel", cancel))
        await house.phase(Phase.OPENING_AUCTION)
        await house.do(RunAuction(instrument_id=ISSUE))
        for word in DELIVERY_METHODS:
            said = {"client_request_id": word, "delivery_id": "D-1", "side": "buy"}
            told = await buyer.ask(word, said)
            assert told["method"] == word
            judge("orders", told)
        judge("orders", await buyer.ask("delivery.list"))
        frozen = FreezeAccount(
            participant_id=ParticipantId("FIRM-A"), instrument_id=ISSUE, frozen=True, reason="court"
        )
        await house.do(frozen)
        await _drained(buyer, "orders")
        news = [frame for raw in buyer.raw if "data" in (frame := json.loads(raw))]
        for frame in news:
            judge("orders", frame)
        assert {"trade", "delivery", "settlement", "token"} <= {frame["type"] for frame in news}
        await _drained(feed, "feed")

    async def _drained(wire: Wire, door: str) -> None:
        await wire.say({"method": "ping", "req_id": "last"})
        while True:
            frame = await wire.receive()
            judge(door, frame)
            if frame.get("req_id") == "last":
                return

    play(tmp_path, story, rules={"affirmation": True, "partial_settlement": True})

    kinds = {kind for kind in seen if seen[kind]}
    assert {("orders", "answer"), ("orders", "news"), ("orders", "result")} <= kinds
    assert {("feed", "snapshot"), ("feed", "update"), ("feed", "answer")} <= kinds
