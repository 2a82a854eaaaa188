"""REST: reference data, public state, health, and the OpenAPI document. Read only.

Everything private goes over the order-entry websocket; everything here anyone may see, except the
operator's door (venue/operator_door.py), which is there only when a key is set. Market data
answers are the feed's own snapshots, byte for byte, so a socket can continue from their ``seq``.
"""

from collections.abc import Callable
from datetime import date
from typing import Annotated, Any, Final

import msgspec
from fastapi import APIRouter, FastAPI, Path, Query, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

from feeds.wire import Channel as FeedChannel
from market.business_days import is_business_day, jst_clock_text, next_business_day, settlement_date
from market.ids import InstrumentId
from market.quantities import price_to_text
from market.reasons import CATALOGUE, RejectReason
from market.rules import Rule
from venue.core import Core
from venue.operator_door import PROBLEM, operator_routes, problem
from venue.resources import (
    BusinessDay,
    Calendar,
    CatalogueAnswer,
    Channel,
    DeliveryCount,
    InstrumentAnswer,
    Problem,
    RuleAnswer,
    ScheduleStep,
    Status,
    Time,
)
from venue.sequencer import Sequencer

_CALENDAR_DAYS_MAX: Final = 400
_CALENDAR_FIRST: Final = date(2000, 1, 1)
_CALENDAR_LAST: Final = date(2099, 12, 31)
"""Beyond these the holiday rules of the source say nothing."""

_HTTP_BY_REASON: Final = {RejectReason.UNKNOWN_INSTRUMENT: 404, RejectReason.OUT_OF_RANGE: 422}

IssuePath = Annotated[str, Path(pattern=r"^[A-Z0-9]{1,12}$", examples=["ST01"])]


class _ApiError(Exception):
    def __init__(self, reason: RejectReason) -> None:
        self.reason = reason


def catalogue() -> list[CatalogueAnswer]:
    """The error catalogue as data, in checking order."""
    return [
        CatalogueAnswer(
            code=reason.value,
            group=entry.group,
            close_code=entry.close_code,
            retryable=entry.retryable,
            text_en=entry.text_en,
            text_ja=entry.text_ja,
        )
        for reason, entry in CATALOGUE.items()
    ]


def rule_answers(core: Core) -> list[RuleAnswer]:
    """Every rule of the running rulebook with its mark and source."""
    answers = []
    for name in type(core.rules).__slots__:
        rule = getattr(core.rules, name)
        if isinstance(rule, Rule):
            value = msgspec.to_builtins(rule.value)
            answers.append(
                RuleAnswer(name=name, value=value, mark=rule.mark.value, source=rule.source)
            )
    return answers


def create_api(
    sequencer: Sequencer, ready: Callable[[], bool], operator_key_sha256: str = ""
) -> FastAPI:
    """The REST application over a running core; handlers only read, and only what is durable.

    With an operator's key set there is one more route, which submits commands.
    """
    api = FastAPI(
        title="Kitahama",
        version="1",
        summary="A Japanese security-token market on your machine",
        description=__doc__,
    )
    api.add_exception_handler(_ApiError, _refused)
    api.add_exception_handler(RequestValidationError, _unreadable)
    api.add_exception_handler(HTTPException, _no_such_thing)
    api.include_router(_health(ready))
    api.include_router(_venue(sequencer))
    api.include_router(_market(sequencer.core))
    api.include_router(_settlement(sequencer.core))
    if operator_key_sha256:
        api.include_router(operator_routes(sequencer, ready, operator_key_sha256))
    return api


# --- saying no


async def _refused(_: Request, error: Exception) -> JSONResponse:
    reason = error.reason if isinstance(error, _ApiError) else RejectReason.INTERNAL
    return problem(reason, _HTTP_BY_REASON.get(reason, 500))


async def _unreadable(_: Request, error: Exception) -> JSONResponse:
    """A parameter is missing or is not what the document says; the detail names it."""
    wrong = error.errors() if isinstance(error, RequestValidationError) else []
    named = ", ".join(".".join(str(part) for part in one["loc"]) for one in wrong)
    return problem(RejectReason.SCHEMA, 422, f"{CATALOGUE[RejectReason.SCHEMA].text_en}: {named}")


async def _no_such_thing(_: Request, error: Exception) -> JSONResponse:
    """No such path, or not with this method."""
    status = error.status_code if isinstance(error, HTTPException) else 500
    answer = problem(RejectReason.UNKNOWN_TYPE, status)
    answer.headers.update(getattr(error, "headers", None) or {})
    return answer


def _may_refuse(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """The document's word on refusals."""
    content = {PROBLEM: {"schema": Problem.model_json_schema()}}
    return {status: {"description": _REFUSALS[status], "content": content} for status in statuses}


_REFUSALS: Final = {404: "no such issue", 422: "a parameter is wrong"}


# --- the routes, by topic


def _health(ready: Callable[[], bool]) -> APIRouter:
    routes = APIRouter(tags=["health"])

    @routes.get("/livez")
    async def livez() -> dict[str, bool]:
        """Whether the process answers at all."""
        return {"live": True}

    @routes.get("/readyz", responses={503: {"description": "not yet, or no longer"}})
    async def readyz(response: Response) -> dict[str, bool]:
        """Whether orders are taken."""
        if not ready():
            response.status_code = 503
        return {"ready": ready()}

    return routes


def _venue(sequencer: Sequencer) -> APIRouter:
    core, clock = sequencer.core, sequencer.clock
    routes = APIRouter(prefix="/v1", tags=["venue"])

    @routes.get("/time")
    async def time() -> Time:
        """Market time."""
        at_ns = clock.market_ns()
        return Time(at_ns=at_ns, clock_jst=jst_clock_text(at_ns))

    @routes.get("/status")
    async def status() -> Status:
        """Where the run stands."""
        return Status(
            run_id=core.run_id,
            preset=core.rules.name,
            business_date=core.business_date,
            day_is_open=core.day_is_open,
            sequence=core.sequence,
        )

    @routes.get("/calendar", responses=_may_refuse(422))
    async def calendar(
        first: Annotated[date, Query(alias="from")], last: Annotated[date, Query(alias="to")]
    ) -> Calendar:
        """Business days from one date to another (at most 400 days) and the day's schedule."""
        return _calendar(core, first, last)

    @routes.get("/rules")
    async def rules() -> list[RuleAnswer]:
        """Every rule of the running rulebook with its mark and source."""
        return rule_answers(core)

    @routes.get("/errors")
    async def errors() -> list[CatalogueAnswer]:
        """The error catalogue, in checking order."""
        return catalogue()

    return routes


def _market(core: Core) -> APIRouter:
    routes = APIRouter(prefix="/v1/instruments", tags=["market"])

    @routes.get("")
    async def instruments() -> list[InstrumentAnswer]:
        """Every listed issue."""
        return [_instrument(core, i) for i in core.engine.instrument_ids()]

    @routes.get("/{issue}", responses=_may_refuse(404, 422))
    async def instrument(issue: IssuePath) -> InstrumentAnswer:
        """One listed issue."""
        return _instrument(core, _known(core, issue))

    @routes.get(
        "/{issue}/{channel}",
        response_class=Response,
        responses={200: {"content": {"application/json": {}}}, **_may_refuse(404, 422)},
    )
    async def snapshot(issue: IssuePath, channel: Channel) -> Response:
        """A feed channel's snapshot of one issue, with the ``seq`` to continue from."""
        body = core.feeds.snapshot(FeedChannel(channel.value), _known(core, issue))
        return Response(body, media_type="application/json")

    return routes


def _settlement(core: Core) -> APIRouter:
    routes = APIRouter(prefix="/v1", tags=["settlement"])

    @routes.get("/settlement")
    async def settlement() -> list[DeliveryCount]:
        """Deliveries by date and state; no firm's name appears."""
        return _delivery_counts(core)

    return routes


# --- what they answer


def _calendar(core: Core, first: date, last: date) -> Calendar:
    if not _CALENDAR_FIRST <= first <= last <= _CALENDAR_LAST:
        raise _ApiError(RejectReason.OUT_OF_RANGE)
    if (last - first).days > _CALENDAR_DAYS_MAX:
        raise _ApiError(RejectReason.OUT_OF_RANGE)
    settlement_days, calendar = core.rules.settlement_days.value, core.rules.business_days
    days = []
    day = first if is_business_day(first, calendar) else next_business_day(first, calendar)
    while day <= last:
        settles = settlement_date(day, settlement_days, calendar)
        days.append(BusinessDay(business_date=day, settlement_date=settles))
        day = next_business_day(day, calendar)
    schedule = core.rules.schedule
    return Calendar(
        days=days,
        schedule=[
            ScheduleStep(phase=step.phase.value, begins_jst=_clock(step.second_of_day))
            for step in core.rules.schedule_on(first)
        ],
        schedule_mark=schedule.mark.value,
        schedule_source=schedule.source,
    )


def _known(core: Core, issue: str) -> InstrumentId:
    instrument_id = InstrumentId(issue)
    if instrument_id not in core.engine.instrument_ids():
        raise _ApiError(RejectReason.UNKNOWN_INSTRUMENT)
    return instrument_id


def _delivery_counts(core: Core) -> list[DeliveryCount]:
    sums: dict[tuple[date, str], tuple[int, int]] = {}
    for delivery in core.settlement.deliveries.values():
        terms = delivery.terms
        key = (terms.settlement_date, delivery.state.value)
        count, amount = sums.get(key, (0, 0))
        sums[key] = (count + 1, amount + terms.amount_yen)
    return [
        DeliveryCount(settlement_date=day, state=state, deliveries=count, amount_yen=amount)
        for (day, state), (count, amount) in sorted(sums.items())
    ]


def _instrument(core: Core, instrument_id: InstrumentId) -> InstrumentAnswer:
    engine = core.engine
    instrument = engine.instrument(instrument_id)
    lower, upper = engine.daily_limits_sen(instrument_id)
    return InstrumentAnswer(
        instrument_id=instrument_id,
        isin=instrument.isin,
        name=instrument.name,
        product_class=instrument.product_class.value,
        trading_unit_units=instrument.trading_unit_units,
        issued_units=instrument.issued_units,
        reference_price=price_to_text(engine.reference_price_sen(instrument_id)),
        lower_limit=price_to_text(lower),
        upper_limit=price_to_text(upper),
        phase=engine.phase(instrument_id).value,
        suspended=engine.is_suspended(instrument_id),
        market_orders_barred=engine.market_orders_barred(instrument_id),
        under_supervision=instrument.under_supervision,
        to_be_removed=instrument.to_be_removed,
        tick_table_id=instrument.ticks.table_id,
    )


def _clock(second_of_day: int) -> str:
    minutes, seconds = divmod(second_of_day, 60)
    return f"{minutes // 60:02d}:{minutes % 60:02d}:{seconds:02d}"
