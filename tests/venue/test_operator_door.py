"""The operator's door: who may, what becomes durable, and that refusals move nothing."""

import asyncio
import hashlib
from collections.abc import Awaitable, Callable
from pathlib import Path

import httpx
import pytest
from house import House, order, play

from market.commands import DefaultIssuer, Halt, SetTransferControl
from market.errors import BadInput
from market.ids import InstrumentId
from venue.api import create_api
from venue.journal import read_entries
from venue.operator_door import BODY_BYTES_MAX
from venue.recovery import replay
from venue.settings import make_settings

KEY = "the operator's own key"
DIGEST = hashlib.sha256(KEY.encode()).hexdigest()
ACTS = "/v1/operator/acts"
HALT = {"act": "halt", "instrument": "ST01", "reason": "news"}

Story = Callable[[House, httpx.AsyncClient], Awaitable[None]]


def ask(folder: Path, story: Story, *, ready: bool = True, inbox_max: int = 100_000) -> None:
    """Run a story with a client that shows the operator's key."""

    async def run(house: House) -> None:
        transport = httpx.ASGITransport(app=create_api(house.sequencer, lambda: ready, DIGEST))
        headers = {"Authorization": f"Bearer {KEY}"}
        async with httpx.AsyncClient(
            transport=transport, base_url="http://venue", headers=headers
        ) as client:
            await story(house, client)

    play(folder, run, inbox_max=inbox_max)


def test_an_act_is_in_the_journal_when_it_is_answered(tmp_path: Path) -> None:
    """The answer has the number of the row; replaying the journal finds the issue suspended."""

    async def story(house: House, client: httpx.AsyncClient) -> None:
        await house.open()
        answer = await client.post(ACTS, json=HALT)
        assert answer.status_code == 200
        assert answer.json() == {
            "sequence": house.core.sequence,
            "events": [{"is": "TradingHalted", "instrument_id": "ST01", "reason": "news"}],
        }
        control = {"act": "control", "instrument": "ST02", "executable": "no", "reason": "court"}
        told = (await client.post(ACTS, json=control)).json()
        assert [event["is"] for event in told["events"]] == ["TransferControlSet"]
        failed = {"act": "issuer_default", "reason": "insolvent"}
        told = (await client.post(ACTS, json=failed)).json()
        assert [event["is"] for event in told["events"]] == ["IssuerDefaulted"]

    ask(tmp_path, story)
    entries = list(read_entries(tmp_path))
    assert [entry.command for entry in entries[-3:]] == [
        Halt(instrument_id=InstrumentId("ST01"), reason="news"),
        SetTransferControl(instrument_id=InstrumentId("ST02"), executable=False, reason="court"),
        DefaultIssuer(reason="insolvent"),
    ]
    core = replay(entries)
    assert core.engine.is_suspended(InstrumentId("ST01"))


def test_an_act_on_tokens_goes_through_the_door_and_is_found_again(tmp_path: Path) -> None:
    """Frozen, forced, and refused with the core's word; a restart finds the same books."""
    account = {"instrument": "ST01", "participant": "FIRM-A", "reason": "court"}
    force = account | {
        "act": "forced_transfer",
        "taker": "FIRM-B",
        "units": "7",
        "reference": "o-1",
    }

    async def story(house: House, client: httpx.AsyncClient) -> None:
        await house.open()
        told = (await client.post(ACTS, json=account | {"act": "freeze"})).json()
        assert [event["is"] for event in told["events"]] == ["AccountFrozen"]
        told = (await client.post(ACTS, json=force)).json()
        assert [event["is"] for event in told["events"]] == ["UnitsMoved", "TransferForced"]
        again = await client.post(ACTS, json=force)
        assert (again.status_code, again.json()["code"]) == (409, "DUPLICATE")
        station = {"act": "station", "state": "closing", "reason": "upkeep"}
        none = await client.post(ACTS, json=station)
        assert (none.status_code, none.json()["code"]) == (409, "ACT_UNSUPPORTED")
        digests.append(house.core.digest())

    digests: list[str] = []
    ask(tmp_path, story)
    core = replay(list(read_entries(tmp_path)))
    assert core.digest() == digests[0]
    register = core.settlement.registers[InstrumentId("ST01")]
    assert (register.balance("FIRM-A"), register.frozen) == (3_993, {"FIRM-A"})


def test_nothing_is_answered_before_the_sync(tmp_path: Path) -> None:
    """While the writer is held with the act in hand, the operator waits."""

    async def story(house: House, client: httpx.AsyncClient) -> None:
        await house.open()
        house.sequencer.gate.clear()
        waiting = asyncio.create_task(client.post(ACTS, json=HALT))
        for _ in range(50):
            await asyncio.sleep(0)
        assert not waiting.done()
        assert not house.core.engine.is_suspended(InstrumentId("ST01"))
        house.sequencer.gate.set()
        assert (await waiting).status_code == 200

    ask(tmp_path, story)


def test_who_stops_waiting_does_not_stop_the_venue(tmp_path: Path) -> None:
    """The act whose client is gone is done all the same, and the next one too."""

    async def story(house: House, client: httpx.AsyncClient) -> None:
        await house.open()
        house.sequencer.gate.clear()
        waiting = asyncio.create_task(client.post(ACTS, json=HALT))
        for _ in range(50):
            await asyncio.sleep(0)
        waiting.cancel()
        await asyncio.wait([waiting])
        house.sequencer.gate.set()
        resumed = await client.post(ACTS, json={"act": "resume", "instrument": "ST01"})
        assert [event["is"] for event in resumed.json()["events"]][:1] == ["TradingResumed"]

    ask(tmp_path, story)


def test_an_error_trade_is_voided_while_the_venue_runs(tmp_path: Path) -> None:
    """A bust through the door voids the trade once; the second is refused and moves nothing."""

    async def story(house: House, client: httpx.AsyncClient) -> None:
        await house.open()
        buyer, seller = await house.wire("A-1"), await house.wire("B-1")
        await buyer.ask("order.new", order())
        await seller.ask("order.new", order("s", side="sell"))
        bust = {"act": "bust", "trade": "T-1", "override": "yes", "reason": "slip"}
        done = await client.post(ACTS, json=bust)
        assert "TradeBusted" in [event["is"] for event in done.json()["events"]]
        before = {name: d.state for name, d in house.core.settlement.deliveries.items()}
        again = await client.post(ACTS, json=bust)
        assert again.status_code == 409
        assert {name: d.state for name, d in house.core.settlement.deliveries.items()} == before

    ask(tmp_path, story)


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        (b"", 400, "MALFORMED"),
        (b"[]", 400, "MALFORMED"),
        (b'{"act": 1}', 400, "MALFORMED"),
        (b"\xff", 400, "MALFORMED"),
        (b"{}", 422, "SCHEMA"),
        (b'{"act": "dance"}', 422, "SCHEMA"),
        (b'{"act": "halt", "instrument": "ST01"}', 422, "SCHEMA"),
        (b'{"act": "resume", "instrument": "ST01", "day": "1"}', 422, "SCHEMA"),
        (b'{"act": "bust", "trade": "1", "reason": "x"}', 422, "SCHEMA"),
        (b" " * (BODY_BYTES_MAX + 1), 413, "FRAME_TOO_LARGE"),
    ],
)
def test_what_cannot_be_read_is_not_journaled(
    tmp_path: Path, body: bytes, status: int, code: str
) -> None:
    """One stable code, and the journal is as long as before."""

    async def story(house: House, client: httpx.AsyncClient) -> None:
        await house.open()
        before = house.core.sequence
        answer = await client.post(ACTS, content=body)
        assert (answer.status_code, answer.json()["code"]) == (status, code)
        assert house.core.sequence == before

    ask(tmp_path, story)


def test_what_the_market_refuses_moves_nothing(tmp_path: Path) -> None:
    """An issue nobody knows: the core's reason, in the journal, and the market as it was."""

    async def story(house: House, client: httpx.AsyncClient) -> None:
        await house.open()
        for act in (
            {"act": "halt", "instrument": "XX", "reason": "x"},
            {"act": "control", "instrument": "XX", "executable": "no", "reason": "x"},
        ):
            answer = await client.post(ACTS, json=act)
            assert (answer.status_code, answer.json()["code"]) == (409, "UNKNOWN_INSTRUMENT")
        assert not any(house.core.engine.is_suspended(i) for i in ("ST01", "ST02"))  # type: ignore[arg-type]

    ask(tmp_path, story)


@pytest.mark.parametrize("shown", ["", "Bearer", "Bearer wrong", f"Basic {KEY}", KEY])
def test_without_the_key_nothing_is_read(tmp_path: Path, shown: str) -> None:
    """401 whatever the body, and nothing journaled."""

    async def story(house: House, client: httpx.AsyncClient) -> None:
        await house.open()
        before = house.core.sequence
        for body in (b'{"act": "halt", "instrument": "ST01", "reason": "x"}', b"{"):
            answer = await client.post(ACTS, content=body, headers={"Authorization": shown})
            assert (answer.status_code, answer.json()["code"]) == (401, "AUTH_FAILED")
        assert house.core.sequence == before

    ask(tmp_path, story)


def test_a_venue_that_is_not_ready_takes_no_acts(tmp_path: Path) -> None:
    """503 with the reason, before anything is queued."""

    async def story(house: House, client: httpx.AsyncClient) -> None:
        answer = await client.post(ACTS, json=HALT)
        assert (answer.status_code, answer.json()["code"]) == (503, "NOT_READY")

    ask(tmp_path, story, ready=False)


def test_the_door_is_shut_unless_a_key_is_set(tmp_path: Path) -> None:
    """Without the setting the route is neither served nor documented; with it, it is documented."""

    async def story(house: House, client: httpx.AsyncClient) -> None:
        shut = httpx.ASGITransport(app=create_api(house.sequencer, lambda: True))
        async with httpx.AsyncClient(transport=shut, base_url="http://venue") as other:
            assert (await other.post(ACTS, json=HALT)).status_code == 404
            assert ACTS not in (await other.get("/openapi.json")).json()["paths"]
        assert ACTS in (await client.get("/openapi.json")).json()["paths"]

    ask(tmp_path, story)


def test_the_key_never_leaves_the_machine() -> None:
    """With a host others reach, the settings are refused; on loopback they stand."""
    server = {"operator_key_sha256": DIGEST}
    kept = make_settings({"server": server}, "s")
    assert kept.server.operator_key_sha256 == DIGEST
    with pytest.raises(BadInput, match="loopback"):
        make_settings({"server": server | {"host": "0.0.0.0"}}, "s")  # noqa: S104 - it is refused
