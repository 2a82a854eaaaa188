"""Rule presets: every choice a rulebook makes, each with its source and how sure we are of it.

A rule that varies by market is a value here, never an ``if`` in mid-loop. Where START's own rule
is not public the value says so (``UNKNOWN_DEFAULT``) and names the neighbour it is taken from;
any value can be replaced with :meth:`Rules.replace`.
"""

from dataclasses import dataclass, fields, replace
from enum import StrEnum
from typing import Any, Final, Generic, TypeVar

from market.business_days import SETTLEMENT_DAYS_MAX
from market.errors import BadInput, InvariantBroken, check
from market.instrument import J_MARKET_OTHER, TSE_LIMITS, TSE_OTHER, LimitTable, TickTable
from market.words import OrderKind, Phase, SelfTradeMode, Validity

T = TypeVar("T")

SETTLEMENT_STAGES: Final = 4
"""Every settlement design has as many; the last is the cut-off."""

MARGIN_S: Final = 600
"""The day opens this long before its first step and closes this long after its last one."""

_DAY_S: Final = 24 * 60 * 60
_WHOLE: Final = 100


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


class AmendMode(StrEnum):
    """What an amendment does to time priority."""

    CANCEL_NEW = "cancel_new"  # cancel and new order, priority lost
    KEEP_ON_DECREASE = "keep_on_decrease"  # quantity down keeps priority, all else loses it


class MarketResidual(StrEnum):
    """What happens to market orders an auction left over."""

    CARRY = "carry"
    VOID = "void"


class PriceRule(StrEnum):
    """How an auction's single price is chosen."""

    FIVE_CONDITION = "five_condition"
    MAX_VOLUME = "max_volume"  # most units, nearest to the reference price; no surplus rules


class BookCentre(StrEnum):
    """Which price breaks the last tie of an auction."""

    REFERENCE_OR_LAST_CROSS = "reference_or_last_cross"
    REFERENCE = "reference"


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


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """One market's rulebook as values."""

    name: str
    schedule: Rule[tuple[PhaseAt, ...]]
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
    expire_at_closed: Rule[bool]
    self_trade_mode: Rule[SelfTradeMode]
    self_trade_same_account_only: Rule[bool]
    max_share_of_issue_percent: Rule[int]
    max_order_units: Rule[int]
    tick_table: Rule[TickTable]
    limit_table: Rule[LimitTable]
    cancel_on_disconnect: Rule[bool]
    sell_holding_check: Rule[bool]
    settlement_days: Rule[int]
    settlement_mode: Rule[SettlementMode]
    settlement_stages: Rule[tuple[int, ...]]
    publishes_indicative_volume: Rule[bool]

    def __post_init__(self) -> None:
        schedule, stages = self.schedule.value, self.settlement_stages.value
        times = [step.second_of_day for step in schedule]
        seconds = (*times, *stages)
        ticks, limits = self.tick_table.value, self.limit_table.value
        for holds, fact in (
            (schedule and schedule[-1].phase is Phase.CLOSED, "a day's schedule ends Closed"),
            (times == sorted(times), "a day's schedule goes forward"),
            (len(stages) == SETTLEMENT_STAGES, f"a day has {SETTLEMENT_STAGES} settlement stages"),
            (list(stages) == sorted(stages), "settlement stages go forward"),
            (
                all(MARGIN_S <= second < _DAY_S - MARGIN_S for second in seconds),
                f"steps keep {MARGIN_S} seconds from midnight",
            ),
            (self.order_kinds.value and self.validities.value, "some order can be entered"),
            (
                0 <= self.settlement_days.value <= SETTLEMENT_DAYS_MAX,
                f"settlement_days is 0 to {SETTLEMENT_DAYS_MAX}",
            ),
            (0 < self.max_share_of_issue_percent.value <= _WHOLE, "a share is 1 to 100 percent"),
            (self.max_order_units.value > 0, "max_order_units is positive"),
            (_is_table(ticks.up_to_sen, ticks.tick_sen), "tick_table is a table"),
            (_is_table(limits.below_sen, limits.width_sen), "limit_table is a table"),
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
        chosen: dict[str, Any] = {
            name: Rule(value, Mark.CHOSEN, "chosen by the user") for name, value in values.items()
        }
        try:
            return replace(self, **chosen)
        except InvariantBroken as wrong:
            raise BadInput(f"the chosen rules do not fit: {wrong}") from wrong

    @property
    def has_continuous(self) -> bool:
        """Whether the day has a continuous session (ザラバ)."""
        return any(step.phase is Phase.CONTINUOUS for step in self.schedule.value)


def _is_table(bounds: tuple[int, ...], values: tuple[int, ...]) -> bool:
    """Ascending bounds with one positive value each."""
    ascending = list(bounds) == sorted(set(bounds))
    return ascending and 0 < len(bounds) == len(values) and min(values) > 0


_D, _I, _U = Mark.DOCUMENTED, Mark.INFERRED, Mark.UNKNOWN_DEFAULT


def _hms(hours: int, minutes: int, seconds: int = 0) -> int:
    return hours * 3600 + minutes * 60 + seconds


_NCP = (Phase.PRE_OPEN_NCP, Phase.PRE_CLOSE_NCP)
_LIMIT_AND_MARKET = (OrderKind.LIMIT, OrderKind.MARKET)

START: Final = Rules(
    name="start",
    schedule=Rule(
        (
            PhaseAt(Phase.PRE_OPEN, _hms(8, 20)),
            PhaseAt(Phase.PRE_OPEN_NCP, _hms(11, 29)),
            PhaseAt(Phase.OPENING_AUCTION, _hms(11, 30)),
            PhaseAt(Phase.BREAK, _hms(11, 30)),
            PhaseAt(Phase.PRE_CLOSE, _hms(12, 30)),
            PhaseAt(Phase.PRE_CLOSE_NCP, _hms(15, 29)),
            PhaseAt(Phase.CLOSING_AUCTION, _hms(15, 30)),
            PhaseAt(Phase.CLOSED, _hms(15, 30)),
        ),
        _U,
        "states: START ITCH 1.2, 4.10 (documented); clock times not found: ODX equities' 08:20, "
        "TSE's session ends, TOCOM's one-minute non-cancel period",
    ),
    non_cancel_phases=Rule(_NCP, _I, "START ITCH 1.2, 4.10 names them; OSE glossary defines them"),
    ncp_new_orders=Rule(True, _I, "OSE glossary: orders may enter, none may leave"),
    break_orders=Rule(BreakOrders.CANCEL_ONLY, _U, "not found; cautious default"),
    order_kinds=Rule(
        _LIMIT_AND_MARKET, _D, "START FIX 1.1 (2nd-hand) tag 40 = 1, 2; START ITCH 1.2, 4.6"
    ),
    validities=Rule(
        (Validity.DAY, Validity.NEXT_AUCTION),
        _I,
        "START FIX 1.1 (2nd-hand) tag 59 optional; IOC can only mean the next cross here",
    ),
    amend_mode=Rule(AmendMode.CANCEL_NEW, _I, "START FIX 1.1 (2nd-hand) has no replace request"),
    price_rule=Rule(PriceRule.FIVE_CONDITION, _U, "OSE itayose, five conditions"),
    book_centre=Rule(
        BookCentre.REFERENCE_OR_LAST_CROSS,
        _U,
        "not found; morning: reference price, afternoon: the morning cross if there was one",
    ),
    market_only_trades=Rule(True, _U, "not found; market orders alone trade at the centre"),
    market_residual_after_opening=Rule(MarketResidual.CARRY, _U, "TSE keeps them (OSE voids)"),
    expire_at_closed=Rule(True, _I, "ODX equities OUCH 2.0: day and immediate orders only"),
    self_trade_mode=Rule(
        SelfTradeMode.ALLOW_REPORT,
        _U,
        "not found; clients of one broker may meet in a cross, so allowed and reported",
    ),
    self_trade_same_account_only=Rule(True, _U, "not found; ODX equities compares the firm"),
    max_share_of_issue_percent=Rule(30, _U, "TSE rejects above 30% of listed units"),
    max_order_units=Rule(1_000_000, _U, "not found; well above the largest issue"),
    tick_table=Rule(
        J_MARKET_OTHER, _U, "ODX notice 2024-09-06: above 1 yen near 100,000; J-Market table"
    ),
    limit_table=Rule(TSE_LIMITS, _U, "limits exist (START ITCH 1.2, 4.4); values: TSE"),
    cancel_on_disconnect=Rule(True, _U, "ODX equities OUCH 2.0, 4: always on"),
    sell_holding_check=Rule(True, _U, "not found; short sale is rejected"),
    settlement_days=Rule(2, _U, "ODX equities and TSE: T+2"),
    settlement_mode=Rule(
        SettlementMode.PROVISIONAL_TRANSFER,
        _I,
        "DCJPY verification with START trades, March 2026 (news): provisional transfer, "
        "verified payment, final transfer",
    ),
    settlement_stages=Rule(
        (_hms(9, 0), _hms(10, 0), _hms(11, 0), _hms(15, 45)),
        _U,
        "not found; one time for each stage of the design, the last is the cut-off",
    ),
    publishes_indicative_volume=Rule(False, _D, "START ITCH 1.2, 4.11 has no such field"),
)
"""ODX START: two call auctions a day, no continuous session."""

TSE: Final = Rules(
    name="tse",
    schedule=Rule(
        (
            PhaseAt(Phase.PRE_OPEN, _hms(8, 0)),
            PhaseAt(Phase.OPENING_AUCTION, _hms(9, 0)),
            PhaseAt(Phase.CONTINUOUS, _hms(9, 0)),
            PhaseAt(Phase.CLOSING_AUCTION, _hms(11, 30)),
            PhaseAt(Phase.BREAK, _hms(11, 30)),
            PhaseAt(Phase.PRE_OPEN, _hms(12, 5)),
            PhaseAt(Phase.OPENING_AUCTION, _hms(12, 30)),
            PhaseAt(Phase.CONTINUOUS, _hms(12, 30)),
            PhaseAt(Phase.PRE_CLOSE, _hms(15, 25)),
            PhaseAt(Phase.CLOSING_AUCTION, _hms(15, 30)),
            PhaseAt(Phase.CLOSED, _hms(15, 30)),
        ),
        _D,
        "TSE FLEX Market by Order 1.1, 2.3: times from 2024-11-05; the state names are START's",
    ),
    non_cancel_phases=Rule((), _D, "JPX: pre-closing allows entry, change and cancel"),
    ncp_new_orders=Rule(True, _I, "no non-cancel period"),
    break_orders=Rule(BreakOrders.CANCEL_ONLY, _U, "orders are accepted from 12:05"),
    order_kinds=Rule(_LIMIT_AND_MARKET, _D, "JPX, order types"),
    validities=Rule(
        (Validity.DAY, Validity.NEXT_AUCTION, Validity.IOC, Validity.FOK),
        _I,
        "JPX, order types: IOC documented; FOK offered for comparison",
    ),
    amend_mode=Rule(
        AmendMode.KEEP_ON_DECREASE, _D, "TSE FLEX Market by Order 1.1: quantity down keeps priority"
    ),
    price_rule=Rule(
        PriceRule.FIVE_CONDITION, _U, "stand-in for the three conditions: price of most units"
    ),
    book_centre=Rule(BookCentre.REFERENCE_OR_LAST_CROSS, _I, "JPX: last price or base price"),
    market_only_trades=Rule(True, _U, "market orders alone trade at the centre"),
    market_residual_after_opening=Rule(MarketResidual.CARRY, _D, "TSE keeps them"),
    expire_at_closed=Rule(True, _D, "day orders"),
    self_trade_mode=Rule(SelfTradeMode.ALLOW_REPORT, _U, "surveillance after the fact"),
    self_trade_same_account_only=Rule(True, _U, "compares the account"),
    max_share_of_issue_percent=Rule(30, _D, "JPX: rejects above 30% of listed units"),
    max_order_units=Rule(100_000_000, _U, "not found"),
    tick_table=Rule(TSE_OTHER, _D, "TSE, other issues, from 2023-06-05"),
    limit_table=Rule(TSE_LIMITS, _D, "JPX, daily price limits"),
    cancel_on_disconnect=Rule(False, _U, "not found"),
    sell_holding_check=Rule(True, _U, "short sale is left out"),
    settlement_days=Rule(2, _D, "JPX, settlement types: T+2"),
    settlement_mode=Rule(SettlementMode.GROSS_ATOMIC, _U, "no clearing house is modelled"),
    settlement_stages=Rule(
        (_hms(9, 0), _hms(10, 0), _hms(11, 0), _hms(15, 45)), _U, "one time for each stage"
    ),
    publishes_indicative_volume=Rule(True, _U, "the pre-opening board shows quantities"),
)
"""Tokyo Stock Exchange: opening and closing itayose around continuous sessions.

Special and sequential quotes, stop allocation and special execution are not in this preset yet.
"""

OSE: Final = Rules(
    name="ose",
    schedule=Rule(
        (
            PhaseAt(Phase.PRE_OPEN, _hms(8, 0)),
            PhaseAt(Phase.PRE_OPEN_NCP, _hms(8, 44)),
            PhaseAt(Phase.OPENING_AUCTION, _hms(8, 45)),
            PhaseAt(Phase.CONTINUOUS, _hms(8, 45)),
            PhaseAt(Phase.PRE_CLOSE, _hms(15, 40)),
            PhaseAt(Phase.PRE_CLOSE_NCP, _hms(15, 44)),
            PhaseAt(Phase.CLOSING_AUCTION, _hms(15, 45)),
            PhaseAt(Phase.CLOSED, _hms(15, 45)),
        ),
        _I,
        "OSE index futures day session; one-minute non-cancel period as at TOCOM",
    ),
    non_cancel_phases=Rule(_NCP, _D, "JPX service desk, glossary of the non-cancel period"),
    ncp_new_orders=Rule(True, _D, "JPX service desk, glossary"),
    break_orders=Rule(BreakOrders.CANCEL_ONLY, _U, "the day session has no break"),
    order_kinds=Rule(_LIMIT_AND_MARKET, _D, "JPX, trading methods of derivatives"),
    validities=Rule(
        (Validity.DAY, Validity.NEXT_AUCTION, Validity.IOC, Validity.FOK), _I, "JPX derivatives"
    ),
    amend_mode=Rule(AmendMode.KEEP_ON_DECREASE, _I, "as TSE"),
    price_rule=Rule(PriceRule.FIVE_CONDITION, _D, "OSE itayose, five conditions"),
    book_centre=Rule(BookCentre.REFERENCE_OR_LAST_CROSS, _D, "OSE book-centre price"),
    market_only_trades=Rule(True, _U, "not found"),
    market_residual_after_opening=Rule(
        MarketResidual.VOID, _D, "OSE cancels market orders itayose left over"
    ),
    expire_at_closed=Rule(True, _I, "day orders"),
    self_trade_mode=Rule(SelfTradeMode.ALLOW_REPORT, _U, "not found"),
    self_trade_same_account_only=Rule(True, _U, "not found"),
    max_share_of_issue_percent=Rule(30, _U, "as TSE"),
    max_order_units=Rule(100_000_000, _U, "not found"),
    tick_table=Rule(J_MARKET_OTHER, _U, "as start, so that presets compare on one grid"),
    limit_table=Rule(TSE_LIMITS, _U, "as start, so that presets compare"),
    cancel_on_disconnect=Rule(False, _U, "not found"),
    sell_holding_check=Rule(True, _U, "tokens, not futures"),
    settlement_days=Rule(2, _U, "tokens, not futures"),
    settlement_mode=Rule(SettlementMode.GROSS_ATOMIC, _U, "no clearing house is modelled"),
    settlement_stages=Rule(
        (_hms(9, 0), _hms(10, 0), _hms(11, 0), _hms(15, 50)), _U, "one time for each stage"
    ),
    publishes_indicative_volume=Rule(True, _U, "not found"),
)
"""Osaka Exchange's auction rules applied to tokens: five conditions, market residuals voided."""

PRESETS: Final[dict[str, Rules]] = {rules.name: rules for rules in (START, TSE, OSE)}


def preset(name: str) -> Rules:
    """The rulebook of that name.

    Raises:
        BadInput: When there is none.
    """
    if name not in PRESETS:
        raise BadInput(f"no preset is called {name!r}; presets are {', '.join(PRESETS)}")
    return PRESETS[name]
