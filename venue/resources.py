"""What REST answers, as pydantic models; the OpenAPI document is made from them.

Prices are decimal strings in yen, times UTC nanoseconds, days as ``YYYY-MM-DD`` in Japan.
"""

from datetime import date
from enum import StrEnum
from typing import Any

from pydantic import BaseModel, ConfigDict


class Resource(BaseModel):
    """What REST answers; readers must ignore fields they do not know."""

    model_config = ConfigDict(frozen=True)


class Time(Resource):
    """Market time; it may run faster than the wall."""

    at_ns: int
    clock_jst: str


class Status(Resource):
    """Where the run stands."""

    run_id: str
    preset: str
    business_date: date | None
    day_is_open: bool
    sequence: int


class BusinessDay(Resource):
    """One day the market is open, and when its trades settle."""

    business_date: date
    settlement_date: date


class ScheduleStep(Resource):
    """One state of the day and when it begins, Japan time."""

    phase: str
    begins_jst: str


class Calendar(Resource):
    """Business days and the day's schedule with how sure it is."""

    days: list[BusinessDay]
    schedule: list[ScheduleStep]
    schedule_mark: str
    schedule_source: str


class RuleAnswer(Resource):
    """One choice of the rulebook."""

    name: str
    value: Any
    mark: str
    source: str


class InstrumentAnswer(Resource):
    """Reference data of one issue; prices are decimal yen."""

    instrument_id: str
    isin: str
    name: str
    product_class: str
    trading_unit_units: int
    issued_units: int
    reference_price: str
    lower_limit: str
    upper_limit: str
    phase: str
    suspended: bool
    market_orders_barred: bool
    under_supervision: bool
    to_be_removed: bool
    tick_table_id: int


class DeliveryCount(Resource):
    """How many deliveries of one date are in one state, and what they are worth."""

    settlement_date: date
    state: str
    deliveries: int
    amount_yen: int


class CatalogueAnswer(Resource):
    """One code a client may receive."""

    code: str
    group: str
    close_code: int | None
    retryable: bool
    text_en: str
    text_ja: str


class Problem(Resource):
    """What went wrong (application/problem+json)."""

    code: str
    detail: str
    retryable: bool


class ActAnswer(Resource):
    """What an act of the operator came to: its number in the journal, its events."""

    sequence: int
    events: list[dict[str, Any]]


class Channel(StrEnum):
    """Feed channels whose snapshot REST serves."""

    DEPTH = "depth"
    ORDERS = "orders"
    TRADES = "trades"
    AUCTION = "auction"
    PHASE = "phase"
