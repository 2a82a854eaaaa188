"""Rules as values: every choice a rulebook makes, each with its source and how sure we are of it.

A rule that varies by market is a value here, never an ``if`` in mid-loop. Where START's own rule
is not public the value says so (``UNKNOWN_DEFAULT``) and names the neighbour it is taken from;
any value can be replaced with :meth:`Rules.replace`. The presets themselves are in
market/rulebooks/, one module a market.
"""

from dataclasses import dataclass, fields, replace
from datetime import date
from enum import StrEnum
from typing import Any, Final, Generic, TypeVar

from market.business_days import SETTLEMENT_DAYS_MAX, TSE_CALENDAR, Calendar
from market.choices import (
    BasePriceRule,
    CalendarRule,
    ClosePriceRule,
    HaltModel,
    LimitResidual,
    SelfMatch,
    SettlementMoney,
    UnpaidCharge,
)
from market.errors import BadInput, InvariantBroken, check
from market.instrument import TSE_WIDTHS, LimitTable, QuoteWidthTable, TickTable
from market.words import AUCTION_PHASES, OrderKind, Phase, SelfTradeMode, Validity

T = TypeVar("T")

SETTLEMENT_STAGES: Final = 4
"""Every settlement design has as many; the last is the cut-off."""

MARGIN_S: Final = 600
"""The day opens this long before its first step and closes this long after its last one."""

_DAY_S: Final = 24 * 60 * 60
_WHOLE: Final = 100
_MILLION: Final = 1_000_000
_DECIMALS_MAX: Final = 2


class Mark(StrEnum):
    """How sure a value is."""

    DOCUMENTED = "documented"
    INFERRED = "inferred"
    UNKNOWN_DEFAULT = "unknown-default"
    CHOSEN = "chosen"  # replaced by the user of the simulator


@dataclass(frozen=True, slots=True)
class Rule(Generic[T]):
    """One choice: its value, how sure it is, and where it comes from."""

    value: T
    mark: Mark
    source: str


def _off(value: T) -> Rule[T]:
    """A rule of TSE's that a market does not have, as far as is known."""
    return Rule(value, Mark.INFERRED, "TSE's own; no sign of it in START's feed (ITCH 1.2)")


def _whole_and_free(value: T) -> Rule[T]:
    """A rule of a delivery's life; by default deliveries are whole, wait, and cost nothing late."""
    return Rule(value, Mark.UNKNOWN_DEFAULT, "not found for tokens")


class AmendMode(StrEnum):
    """What an amendment does to an order, its time priority and its line in the feed."""

    UNSUPPORTED = "unsupported"  # cancel and enter anew yourself
    CANCEL_NEW = "cancel_new"  # cancel and new order in one step, priority lost; told as the two
    NATIVE_REPLACE = "native_replace"  # the same, told as one replacement
    KEEP_ON_DECREASE = "keep_on_decrease"  # quantity down keeps priority, all else loses it
    REPLACE_TOTAL = "replace_total"  # by total quantity, fills included; a wrong one cancels


class MarketResidual(StrEnum):
    """What happens to market orders an auction left over."""

    CARRY = "carry"
    VOID = "void"


class PriceRule(StrEnum):
    """How an auction's single price is chosen."""

    FIVE_CONDITION = "five_condition"
    MAX_VOLUME = "max_volume"  # most units, nearest to the reference price; no surplus rules
    TSE_THREE_CONDITION = "tse_three_condition"  # all market and better orders, one side in full


class AuctionAllocation(StrEnum):
    """Who is filled at the price of a cross when one side is too large (matching/allocation.py)."""

    PRICE_TIME = "price_time"
    PARTICIPANT_ROUND_ROBIN = "participant_round_robin"  # one trading unit a firm in turn
    PRO_RATA = "pro_rata"  # rounded down to trading units, the rest one each by time


class StopAllocation(StrEnum):
    """Where orders share what there is at a daily limit (ストップ配分)."""

    OFF = "off"
    AT_CLOSE = "at_close"  # in the closing auction that a pre-closing ends
    EVERY_ITAYOSE = "every_itayose"


class BookCentre(StrEnum):
    """Which price breaks the last tie of an auction."""

    REFERENCE_OR_LAST_CROSS = "reference_or_last_cross"
    REFERENCE = "reference"
    NAV = "nav"  # the issue's net asset value; the reference price while none is known


class BreakOrders(StrEnum):
    """What the midday break accepts."""

    CANCEL_ONLY = "cancel_only"
    NONE = "none"
    ALL = "all"


class SettlementMode(StrEnum):
    """Which settlement design carries the trades."""

    GROSS_ATOMIC = "gross_atomic"
    PROVISIONAL_TRANSFER = "provisional_transfer"


@dataclass(frozen=True, slots=True)
class PhaseAt:
    """One step of the day: the phase and the second after midnight, Japan time, it begins.

    A cross is run when an auction phase begins; the next step may begin in the same second.
    """

    phase: Phase
    second_of_day: int


@dataclass(frozen=True, slots=True)
class EarlierSchedule:
    """The day as it was before a date.

    Attributes:
        before: The first day it no longer holds.
        schedule: Its steps.
    """

    before: date
    schedule: tuple[PhaseAt, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """One market's rulebook as values."""

    name: str
    calendar: Rule[CalendarRule]
    closed_days: Rule[tuple[date, ...]]
    schedule: Rule[tuple[PhaseAt, ...]]
    earlier_schedules: Rule[tuple[EarlierSchedule, ...]]
    auction_random_end_s: Rule[int]
    auction_extension_s: Rule[int]
    auction_extension_percent: Rule[int]
    non_cancel_phases: Rule[tuple[Phase, ...]]
    ncp_new_orders: Rule[bool]
    break_orders: Rule[BreakOrders]
    order_kinds: Rule[tuple[OrderKind, ...]]
    validities: Rule[tuple[Validity, ...]]
    amend_mode: Rule[AmendMode]
    price_rule: Rule[PriceRule]
    book_centre: Rule[BookCentre]
    market_only_trades: Rule[bool]
    market_residual_after_opening: Rule[MarketResidual]
    limit_residual_after_opening: Rule[LimitResidual]
    expire_at_closed: Rule[bool]
    self_match: Rule[SelfMatch]
    self_trade_mode: Rule[SelfTradeMode]
    self_trade_same_account_only: Rule[bool]
    max_share_of_issue_percent: Rule[int]
    query_share_of_issue_percent: Rule[int]
    error_trade_halt_percent: Rule[int]
    error_trade_bust_percent: Rule[int]
    short_sale: Rule[bool]
    max_order_units: Rule[int]
    market_orders_barred_first_day: Rule[bool]
    halt_model: Rule[HaltModel]
    base_price_rule: Rule[BasePriceRule]
    base_price_publish_s: Rule[int]
    close_price_rule: Rule[ClosePriceRule]
    price_decimals: Rule[int]
    tick_table: Rule[TickTable]
    limit_table: Rule[LimitTable]
    cancel_on_disconnect: Rule[bool]
    counterparty_on_fill: Rule[bool]
    sell_holding_check: Rule[bool]
    settlement_days: Rule[int]
    settlement_mode: Rule[SettlementMode]
    settlement_stages: Rule[tuple[int, ...]]
    publishes_indicative_volume: Rule[bool]

    # What only TSE is known to have; off unless a preset says otherwise. Sequential quotes and the
    # first-price rules act only together with special quotes.
    auction_allocation: Rule[AuctionAllocation] = _off(AuctionAllocation.PRICE_TIME)
    special_quotes: Rule[bool] = _off(False)
    special_quote_s: Rule[int] = _off(180)
    quote_width_table: Rule[QuoteWidthTable] = _off(TSE_WIDTHS)
    sequential_quotes: Rule[bool] = _off(False)
    sequential_quote_s: Rule[int] = _off(60)
    sequential_quote_widths: Rule[int] = _off(2)
    closing_auction_widths: Rule[int] = _off(0)  # 0: the closing cross has no band
    special_execution: Rule[bool] = _off(False)
    stop_allocation: Rule[StopAllocation] = _off(StopAllocation.OFF)
    limit_broadening_days: Rule[int] = _off(0)  # 0: limits are never broadened
    limit_broadening_factor: Rule[int] = _off(4)
    first_price_rules: Rule[bool] = _off(False)
    first_price_band_factor: Rule[int] = _off(4)
    first_price_step_percent: Rule[int] = _off(5)  # 0: the renewal width, every special_quote_s
    first_price_step_s: Rule[int] = _off(600)
    first_price_up_percent: Rule[int] = _off(230)
    first_price_down_percent: Rule[int] = _off(75)

    # The life of a delivery (settlement/lifecycle/); 0 is never, thresholds of 0 allow any part.
    partial_settlement: Rule[bool] = _whole_and_free(False)
    partial_threshold_units: Rule[int] = _whole_and_free(0)
    partial_threshold_yen: Rule[int] = _whole_and_free(0)
    partial_unit_lot: Rule[int] = _whole_and_free(1)
    partial_hours: Rule[tuple[int, ...]] = Rule(
        (),
        Mark.UNKNOWN_DEFAULT,
        "T2S makes parts in windows of its day only; none: in every round of the day",
    )
    affirmation: Rule[bool] = _whole_and_free(False)
    fail_penalty_ppm_a_day: Rule[int] = _whole_and_free(0)
    fail_buy_in_days: Rule[int] = _whole_and_free(0)
    fail_compensation_days: Rule[int] = _whole_and_free(0)
    fail_purge_days: Rule[int] = _whole_and_free(0)
    fail_unpaid_charge: Rule[UnpaidCharge] = _whole_and_free(UnpaidCharge.CARRY)
    settlement_money: Rule[SettlementMoney] = Rule(
        SettlementMoney.TOKENISED_DEPOSIT,
        Mark.UNKNOWN_DEFAULT,
        "DCJPY verification with START trades, March 2026 (news); elsewhere the same",
    )
    money_hours: Rule[tuple[int, ...]] = Rule(
        (),
        Mark.UNKNOWN_DEFAULT,
        "opening, a bank's cut-off, closing; none: the kind's own (settlement/money/hours.py)",
    )
    money_signing: Rule[bool] = Rule(
        True,
        Mark.UNKNOWN_DEFAULT,
        "evidence is signed and verified, some 80 microseconds a payment; off for mass runs",
    )
    money_recovery_percent: Rule[int] = Rule(
        0,
        Mark.UNKNOWN_DEFAULT,
        "what a bank's failure leaves; a parameter, not a forecast; a trust pays at par",
    )

    def __post_init__(self) -> None:
        stages = self.settlement_stages.value
        earlier = self.earlier_schedules.value
        schedules = [self.schedule.value, *(one.schedule for one in earlier)]
        seconds = [*(step.second_of_day for day in schedules for step in day), *stages]
        dates = [one.before for one in earlier]
        ticks, limits = self.tick_table.value, self.limit_table.value
        widths = self.quote_width_table.value
        decimals = self.price_decimals.value
        shares = (
            self.max_share_of_issue_percent.value,
            self.query_share_of_issue_percent.value,
            self.error_trade_halt_percent.value,
            self.error_trade_bust_percent.value,
        )
        of_fails = (
            self.partial_threshold_units.value,
            self.partial_threshold_yen.value,
            self.fail_buy_in_days.value,
            self.fail_compensation_days.value,
            self.fail_purge_days.value,
        )
        for holds, fact in (
            (
                all(day and day[-1].phase is Phase.CLOSED for day in schedules),
                "a day's schedule ends Closed",
            ),
            (all(_goes_forward(day) for day in schedules), "a day's schedule goes forward"),
            (dates == sorted(set(dates)), "earlier schedules stand by their dates"),
            (len(stages) == SETTLEMENT_STAGES, f"a day has {SETTLEMENT_STAGES} settlement stages"),
            (list(stages) == sorted(stages), "settlement stages go forward"),
            (
                all(MARGIN_S <= second < _DAY_S - MARGIN_S for second in seconds),
                f"steps keep {MARGIN_S} seconds from midnight",
            ),
            (
                self.auction_random_end_s.value >= 0 and self.auction_extension_s.value >= 0,
                "an auction is put off, never brought forward",
            ),
            (
                self.auction_random_end_s.value + self.auction_extension_s.value
                <= min(_least_gap_after_auction(day) for day in schedules),
                "an auction put off ends before the next step",
            ),
            (self.auction_extension_percent.value > 0, "an auction is extended by some move"),
            (self.order_kinds.value and self.validities.value, "some order can be entered"),
            (
                0 <= self.settlement_days.value <= SETTLEMENT_DAYS_MAX,
                f"settlement_days is 0 to {SETTLEMENT_DAYS_MAX}",
            ),
            (
                all(0 <= share <= _WHOLE for share in shares),
                "a share is 0 (off) to 100 percent",
            ),
            (self.max_order_units.value > 0, "max_order_units is positive"),
            (_is_table(ticks.up_to_sen, ticks.tick_sen), "tick_table is a table"),
            (0 <= self.base_price_publish_s.value < _DAY_S, "base_price_publish_s is of a day"),
            (0 <= decimals <= _DECIMALS_MAX, f"price_decimals is 0 to {_DECIMALS_MAX}"),
            (
                all(tick % 10 ** (_DECIMALS_MAX - decimals) == 0 for tick in ticks.tick_sen),
                "tick_table needs no more than price_decimals",
            ),
            (
                _is_table(limits.below_sen, limits.width_sen)
                if limits.below_sen or not limits.percent
                else 0 < limits.percent < _WHOLE,
                "limit_table is a table, or a share below the whole",
            ),
            (_is_table(widths.below_sen, widths.width_sen), "quote_width_table is a table"),
            (_is_day_of_money(self.money_hours.value), "money_hours go forward within a day"),
            (self.partial_unit_lot.value > 0, "partial_unit_lot is positive"),
            (_is_window(self.partial_hours.value), "partial_hours are none, or from and until"),
            (
                0 <= self.money_recovery_percent.value <= _WHOLE,
                "money_recovery_percent is 0 to 100",
            ),
            (
                self.settlement_money.value is not SettlementMoney.BANK_TRANSFER
                or self.settlement_mode.value is not SettlementMode.GROSS_ATOMIC,
                "a bank transfer comes the next morning: it is no leg of an atomic settlement",
            ),
            (self.special_quote_s.value > 0, "special_quote_s is positive"),
            (self.sequential_quote_s.value > 0, "sequential_quote_s is positive"),
            (self.sequential_quote_widths.value > 0, "sequential_quote_widths is positive"),
            (self.closing_auction_widths.value >= 0, "closing_auction_widths is not negative"),
            (self.limit_broadening_days.value >= 0, "limit_broadening_days is not negative"),
            (self.limit_broadening_factor.value > 0, "limit_broadening_factor is positive"),
            (self.first_price_step_percent.value >= 0, "first_price_step_percent is not negative"),
            (self.first_price_step_s.value > 0, "first_price_step_s is positive"),
            (
                0 < self.first_price_down_percent.value <= _WHOLE
                and self.first_price_up_percent.value >= _WHOLE,
                "a first price may be the base price",
            ),
            (
                self.first_price_band_factor.value * _WHOLE >= self.first_price_up_percent.value,
                "the entry band of a new issue holds its quotes",
            ),
            (min(of_fails) >= 0, "thresholds and days of a delivery's life are not negative"),
            (
                0 <= self.fail_penalty_ppm_a_day.value <= _MILLION,
                "fail_penalty_ppm_a_day is a share of the value",
            ),
        ):
            check(bool(holds), fact, rules=self.name)

    def replace(self, **values: Any) -> "Rules":
        """The same rulebook with some values chosen by the user, marked as such.

        Raises:
            BadInput: When a name is not a rule, or the values make no rulebook.
        """
        known = {field.name for field in fields(self)} - {"name"}
        for name in values:
            if name not in known:
                raise BadInput(f"no rule is called {name!r}; rules are {', '.join(sorted(known))}")
        if "schedule" in values:  # the day a user writes down is that of every date
            values = {"earlier_schedules": ()} | values
        chosen: dict[str, Any] = {
            name: Rule(value, Mark.CHOSEN, "chosen by the user") for name, value in values.items()
        }
        try:
            return replace(self, **chosen)
        except InvariantBroken as wrong:
            raise BadInput(f"the chosen rules do not fit: {wrong}") from wrong

    def schedule_on(self, day: date) -> tuple[PhaseAt, ...]:
        """The steps of one day: those that hold now, or as they were before a date."""
        for earlier in self.earlier_schedules.value:
            if day < earlier.before:
                return earlier.schedule
        return self.schedule.value

    @property
    def business_days(self) -> Calendar:
        """Which days the market is open."""
        if self.calendar.value is CalendarRule.TSE:
            return TSE_CALENDAR
        return Calendar(frozenset(self.closed_days.value))

    @property
    def has_continuous(self) -> bool:
        """Whether the day has a continuous session (ザラバ)."""
        return any(step.phase is Phase.CONTINUOUS for step in self.schedule.value)


def _is_window(hours: tuple[int, ...]) -> bool:
    """Whether there is none, or one that goes forward within a day."""
    if not hours:
        return True
    return len(hours) == len(("from", "until")) and 0 <= hours[0] < hours[1] <= _DAY_S


def _is_day_of_money(seconds: tuple[int, ...]) -> bool:
    """Nothing, or opening, cut-off and closing in this order, with time between the ends."""
    if not seconds:
        return True
    if len(seconds) != len(("opening", "cut-off", "closing")):
        return False
    opens, cut_off, closes = seconds
    return 0 <= opens < closes <= _DAY_S and opens <= cut_off <= closes


def _goes_forward(schedule: tuple[PhaseAt, ...]) -> bool:
    times = [step.second_of_day for step in schedule]
    return times == sorted(times)


def _least_gap_after_auction(schedule: tuple[PhaseAt, ...]) -> int:
    """Seconds from an auction to the next later step, the least of the day."""
    times = [step.second_of_day for step in schedule]
    gaps = [MARGIN_S]
    for step in schedule:
        if step.phase in AUCTION_PHASES:
            later = [second for second in times if second > step.second_of_day]
            gaps += [min(later) - step.second_of_day] if later else []
    return min(gaps)


def _is_table(bounds: tuple[int, ...], values: tuple[int, ...]) -> bool:
    """Ascending bounds with one positive value each."""
    ascending = list(bounds) == sorted(set(bounds))
    return ascending and 0 < len(bounds) == len(values) and min(values) > 0
