"""REST answers what its own document says, and says no with a code."""

from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
import schemathesis
from house import House, order, play
from hypothesis import HealthCheck, given, settings
from schemathesis.specs.openapi.checks import positive_data_acceptance

from market.commands import Halt
from market.ids import InstrumentId
from market.reasons import CATALOGUE, RejectReason
from venue.api import create_api

Story = Callable[[House, httpx.AsyncClient], Awaitable[None]]


def ask(folder: Path, story: Story, *, ready: bool = True) -> None:
    """Run a story with a client that talks to the application without a socket."""

    async def run(house: House) -> None:
        api = create_api(house.sequencer, lambda: ready)
        transport = httpx.ASGITransport(app=api)
        async with httpx.AsyncClient(transport=transport, base_url="http://venue") as client:
            await story(house, client)

    play(folder, run)


ROUTES = (
    "/livez",
    "/readyz",
    "/v1/time",
    "/v1/status",
    "/v1/calendar?from=2026-11-20&to=2026-12-01",
    "/v1/rules",
    "/v1/errors",
    "/v1/instruments",
    "/v1/instruments/ST01",
    "/v1/instruments/ST01/depth",
    "/v1/instruments/ST01/orders",
    "/v1/instruments/ST01/trades",
    "/v1/instruments/ST01/auction",
    "/v1/instruments/ST01/phase",
    "/v1/settlement",
    "/openapi.json",
    "/docs",
)


@pytest.mark.processes
def test_every_route_answers_and_none_is_missing_here(tmp_path: Path) -> None:
    """200 for each; the document lists no route this test does not know."""

    async def story(house: House, client: httpx.AsyncClient) -> None:
        await house.open()
        for route in ROUTES:
            assert (await client.get(route)).status_code == 200, route
        documented = (await client.get("/openapi.json")).json()["paths"]
        known = {route.partition("?")[0].replace("/ST01", "/{issue}") for route in ROUTES}
        known = {
            "/v1/instruments/{issue}/{channel}" if route.count("/") == 4 else route
            for route in known
        }
        assert set(documented) == known - {"/openapi.json", "/docs"}

    ask(tmp_path, story)


@pytest.mark.processes
def test_what_is_told_is_the_core(tmp_path: Path) -> None:
    """Status, issue, snapshot and settlement agree with the core and with the feed's bytes."""

    async def story(house: House, client: httpx.AsyncClient) -> None:
        await house.open()
        buyer, seller = await house.wire("A-1"), await house.wire("B-1")
        await buyer.ask("order.new", order())
        await seller.ask("order.new", order("s", side="sell"))
        await buyer.ask("order.new", order("n2", price="99900"))
        await house.do(Halt(instrument_id=InstrumentId("ST02"), reason="news"))

        status = (await client.get("/v1/status")).json()
        assert status == {
            "run_id": "house",
            "preset": "tse",
            "business_date": house.date.isoformat(),
            "day_is_open": True,
            "sequence": house.core.sequence,
        }
        one, two = (await client.get("/v1/instruments")).json()
        assert one == (await client.get("/v1/instruments/ST01")).json()
        assert (one["phase"], one["suspended"], two["suspended"]) == ("Continuous", False, True)
        assert (one["lower_limit"], one["upper_limit"]) == ("70000", "130000")

        depth = await client.get("/v1/instruments/ST01/depth")
        reader = await house.subscriber({"name": "depth", "instrument_ids": ["ST01"]})
        await reader.receive()
        assert depth.content == reader.raw[-1]
        assert depth.headers["content-type"] == "application/json"
        (line,) = (await client.get("/v1/settlement")).json()
        assert (line["deliveries"], line["amount_yen"]) == (1, 1_000_000)

    ask(tmp_path, story)


@pytest.mark.processes
def test_a_read_never_runs_ahead_of_the_disk_under_load(tmp_path: Path) -> None:
    """Hundreds of reads among turns: none names a number the journal did not hold by then."""

    async def story(house: House, client: httpx.AsyncClient) -> None:
        await house.open()
        wire = await house.wire("A-1")
        on_disk = [house.journal.sequence]
        house.sequencer.listen(lambda turn: on_disk.append(turn.steps[-1][0].sequence))
        for number in range(150):
            await wire.say(wire.request("order.new", order(f"n{number}", quantity_units=1)))
            wire.next_seq += 1
            told = (await client.get("/v1/status")).json()["sequence"]
            assert told <= on_disk[-1]

    ask(tmp_path, story)


@pytest.mark.processes
@pytest.mark.parametrize(("ready", "status"), [(True, 200), (False, 503)])
def test_readyz_says_whether_orders_are_taken(ready: bool, status: int, tmp_path: Path) -> None:
    """503 before and after; livez answers all the same."""

    async def story(_: House, client: httpx.AsyncClient) -> None:
        answer = await client.get("/readyz")
        assert (answer.status_code, answer.json()) == (status, {"ready": ready})
        assert (await client.get("/livez")).json() == {"live": True}

    ask(tmp_path, story, ready=ready)


@pytest.mark.processes
@pytest.mark.parametrize(
    ("method", "route", "status", "code"),
    [
        ("GET", "/v1/instruments/ST99", 404, "UNKNOWN_INSTRUMENT"),
        ("GET", "/v1/instruments/ST99/depth", 404, "UNKNOWN_INSTRUMENT"),
        ("GET", "/v1/instruments/st01", 422, "SCHEMA"),
        ("GET", "/v1/instruments/ST01/gossip", 422, "SCHEMA"),
        ("GET", "/v1/instruments/ST01/heartbeat", 422, "SCHEMA"),
        ("GET", "/v1/calendar", 422, "SCHEMA"),
        ("GET", "/v1/calendar?from=yesterday&to=2026-12-01", 422, "SCHEMA"),
        ("GET", "/v1/calendar?from=2026-12-02&to=2026-12-01", 422, "OUT_OF_RANGE"),
        ("GET", "/v1/calendar?from=2026-01-01&to=2027-02-06", 422, "OUT_OF_RANGE"),
        ("GET", "/v1/calendar?from=1999-12-31&to=2000-01-10", 422, "OUT_OF_RANGE"),
        ("GET", "/v1/calendar?from=2099-12-30&to=2100-01-01", 422, "OUT_OF_RANGE"),
        ("GET", "/v1/calendar?from=9999-12-30&to=9999-12-31", 422, "OUT_OF_RANGE"),
        ("GET", "/v1/nothing", 404, "UNKNOWN_TYPE"),
        ("POST", "/v1/status", 405, "UNKNOWN_TYPE"),
        ("DELETE", "/v1/instruments/ST01", 405, "UNKNOWN_TYPE"),
    ],
)
def test_a_refusal_is_a_problem_with_a_code(
    method: str, route: str, status: int, code: str, tmp_path: Path
) -> None:
    """application/problem+json with code, detail and retryable, whatever went wrong."""

    async def story(_: House, client: httpx.AsyncClient) -> None:
        answer = await client.request(method, route)
        assert answer.status_code == status
        assert answer.headers["content-type"] == "application/problem+json"
        said = answer.json()
        assert set(said) == {"code", "detail", "retryable"}
        assert said["code"] == code
        assert said["detail"].startswith(CATALOGUE[RejectReason(code)].text_en)

    ask(tmp_path, story)


@pytest.mark.processes
@pytest.mark.parametrize(
    ("first", "last", "days"),
    [
        ("2026-11-24", "2026-11-24", ["2026-11-24"]),
        ("2026-11-21", "2026-11-23", []),  # a weekend and a holiday
        ("2026-12-30", "2027-01-04", ["2026-12-30", "2027-01-04"]),
        ("2099-12-30", "2099-12-31", ["2099-12-30"]),
    ],
)
def test_the_calendar_lists_the_days_the_market_is_open(
    first: str, last: str, days: list[str], tmp_path: Path
) -> None:
    """Both ends included; each day with the day its trades settle."""

    async def story(_: House, client: httpx.AsyncClient) -> None:
        said = (await client.get("/v1/calendar", params={"from": first, "to": last})).json()
        assert [day["business_date"] for day in said["days"]] == days
        assert all(day["settlement_date"] > day["business_date"] for day in said["days"])
        longest = await client.get("/v1/calendar?from=2026-01-01&to=2027-02-05")
        assert len(longest.json()["days"]) > 250  # 400 days apart, the most there is

    ask(tmp_path, story)


# --- the document against the application


@contextmanager
def resting_house(folder: Path) -> Iterator[Any]:
    """An application whose core stands still, for tools with loops of their own."""
    house = House(folder)
    yield create_api(house.sequencer, lambda: True)
    house.journal.close()


def test_whatever_the_document_allows_is_answered_as_it_promises(tmp_path: Path) -> None:
    """Generated requests, good and bad: no server error, documented status, type and schema."""
    with resting_house(tmp_path) as api:
        schema = schemathesis.openapi.from_asgi("/openapi.json", api)
        operations: list[Any] = [found.ok() for found in schema.get_all_operations()]  # type: ignore[union-attr]
        assert len(operations) == 11
        for operation in operations:

            @settings(
                max_examples=15,
                deadline=None,
                derandomize=True,
                database=None,
                suppress_health_check=list(HealthCheck),
            )
            @given(case=operation.as_strategy())
            def answers_as_documented(case: Any) -> None:
                # that "from" is before "to" and not long before is beyond a schema's words
                case.call_and_validate(excluded_checks=[positive_data_acceptance])

            answers_as_documented()
