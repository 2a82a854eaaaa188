"""Presets are complete and sourced; what a user chooses is marked, and refused when it cannot be."""

from dataclasses import fields
from datetime import date
from typing import Any

import pytest

from market.errors import BadInput
from market.instrument import LimitTable, QuoteWidthTable, TickTable
from market.rulebooks import PRESETS, START, preset
from market.rules import (
    MARGIN_S,
    AuctionAllocation,
    EarlierSchedule,
    Mark,
    PhaseAt,
    Rule,
    Rules,
    StopAllocation,
)
from market.words import AUCTION_PHASES, Phase

EVERY_RULE = [
    pytest.param(rules, field.name, id=f"{rules.name}-{field.name}")
    for rules in PRESETS.values()
    for field in fields(Rules)
    if field.name != "name"
]


@pytest.mark.parametrize(("rules", "name"), EVERY_RULE)
def test_every_rule_says_where_it_comes_from_and_how_sure_it_is(rules: Rules, name: str) -> None:
    """No preset has a value without a source and a mark; nothing in it was chosen by a user."""
    rule = getattr(rules, name)
    assert isinstance(rule, Rule)
    assert rule.mark in (Mark.DOCUMENTED, Mark.INFERRED, Mark.UNKNOWN_DEFAULT)
    assert len(rule.source.strip()) > 3


@pytest.mark.parametrize("rules", PRESETS.values(), ids=PRESETS)
def test_every_day_opens_crosses_and_ends_closed(rules: Rules) -> None:
    """Orders gather before each cross; Closed comes once, at the end."""
    phases = [step.phase for step in rules.schedule.value]
    assert phases[-1] is Phase.CLOSED
    assert phases.count(Phase.CLOSED) == 1
    if rules.name == "odx-equities":
        assert phases[:-1] == [Phase.CONTINUOUS], "one session, no auction"
        return
    assert phases[0] is Phase.PRE_OPEN
    assert {Phase.OPENING_AUCTION, Phase.CLOSING_AUCTION} <= set(phases)
    assert rules.has_continuous is (rules.name != "start")
    if rules.name == "start":
        assert sum(phase in AUCTION_PHASES for phase in phases) == 2


def test_what_only_tse_has_is_off_elsewhere() -> None:
    """START and OSE have none of TSE's quotes, allocations, closings and limits of its own."""
    names = [
        "special_quotes", "sequential_quotes", "special_execution", "first_price_rules",
        "closing_auction_widths", "limit_broadening_days",
    ]  # fmt: skip
    for rules in (START, PRESETS["ose"]):
        assert not any(getattr(rules, name).value for name in names)
        assert rules.stop_allocation.value is StopAllocation.OFF
        assert rules.auction_allocation.value is AuctionAllocation.PRICE_TIME
    assert all(getattr(PRESETS["tse"], name).value for name in names)


def test_presets_are_found_by_name() -> None:
    """Four rulebooks; an unknown name is answered with the known ones."""
    names = ["start", "tse", "ose", "odx-equities"]
    assert [preset(name).name for name in names] == names
    with pytest.raises(BadInput, match="start, tse, ose, odx-equities"):
        preset("osaka")


def test_a_chosen_value_is_marked_and_the_preset_stays() -> None:
    """Replacing makes another rulebook, which says that the user chose."""
    chosen = START.replace(settlement_days=0)
    assert (chosen.settlement_days.value, chosen.settlement_days.mark) == (0, Mark.CHOSEN)
    assert START.settlement_days.value == 2
    assert chosen.tick_table == START.tick_table


@pytest.mark.parametrize("name", ["name", "settlement_day", "", "__class__"])
def test_an_unknown_rule_is_refused_by_name(name: str) -> None:
    """A slip of the pen does not go unnoticed."""
    with pytest.raises(BadInput, match="no rule is called"):
        START.replace(**{name: 1})


def _steps(*steps: tuple[Phase, int]) -> tuple[PhaseAt, ...]:
    return tuple(PhaseAt(phase, second) for phase, second in steps)


LAST = 86_399 - MARGIN_S
WRONG: list[tuple[str, Any, str]] = [
    ("schedule", (), "ends Closed"),
    ("schedule", _steps((Phase.PRE_OPEN, 30_000)), "ends Closed"),
    ("schedule", _steps((Phase.PRE_OPEN, 40_000), (Phase.CLOSED, 30_000)), "goes forward"),
    ("schedule", _steps((Phase.PRE_OPEN, MARGIN_S - 1), (Phase.CLOSED, 30_000)), "midnight"),
    ("schedule", _steps((Phase.CLOSED, LAST + 1)), "midnight"),
    ("earlier_schedules", (EarlierSchedule(date(2024, 1, 4), ()),), "ends Closed"),
    (
        "earlier_schedules",
        (
            EarlierSchedule(date(2024, 1, 5), START.schedule.value),
            EarlierSchedule(date(2024, 1, 4), START.schedule.value),
        ),
        "by their dates",
    ),
    ("settlement_stages", (32_400, 36_000, 39_600), "4 settlement stages"),
    ("settlement_stages", (32_400, 36_000, 39_600, 39_000), "forward"),
    ("settlement_days", -1, "settlement_days"),
    ("settlement_days", 61, "settlement_days"),
    ("order_kinds", (), "some order"),
    ("validities", (), "some order"),
    ("max_share_of_issue_percent", -1, "percent"),
    ("query_share_of_issue_percent", 101, "percent"),
    ("price_decimals", 3, "price_decimals"),
    ("price_decimals", 0, "no more than price_decimals"),
    ("auction_random_end_s", -1, "never brought forward"),
    ("auction_extension_s", 601, "before the next step"),
    ("auction_extension_percent", 0, "some move"),
    ("limit_table", LimitTable(percent=100), "limit_table"),
    ("limit_table", LimitTable(percent=-1), "limit_table"),
    ("max_share_of_issue_percent", 101, "percent"),
    ("max_order_units", 0, "max_order_units"),
    ("tick_table", TickTable(table_id=1, up_to_sen=(10,), tick_sen=()), "tick_table"),
    ("tick_table", TickTable(table_id=1, up_to_sen=(10,), tick_sen=(0,)), "tick_table"),
    ("tick_table", TickTable(table_id=1, up_to_sen=(10, 10), tick_sen=(1, 2)), "tick_table"),
    ("limit_table", LimitTable(below_sen=(), width_sen=()), "limit_table"),
    ("quote_width_table", QuoteWidthTable(below_sen=(1,), width_sen=(0,)), "quote_width_table"),
    ("special_quote_s", 0, "special_quote_s"),
    ("sequential_quote_s", 0, "sequential_quote_s"),
    ("sequential_quote_widths", 0, "sequential_quote_widths"),
    ("closing_auction_widths", -1, "closing_auction_widths"),
    ("limit_broadening_days", -1, "limit_broadening_days"),
    ("limit_broadening_factor", 0, "limit_broadening_factor"),
    ("first_price_step_percent", -1, "first_price_step_percent"),
    ("first_price_step_s", 0, "first_price_step_s"),
    ("first_price_down_percent", 101, "first price may be the base"),
    ("first_price_up_percent", 99, "first price may be the base"),
    ("first_price_band_factor", 2, "entry band"),
]


@pytest.mark.parametrize(("name", "value", "told"), WRONG)
def test_a_value_that_makes_no_rulebook_is_refused(name: str, value: object, told: str) -> None:
    """The user hears which rule does not fit; nothing breaks later in the day."""
    with pytest.raises(BadInput, match=told):
        START.replace(**{name: value})


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("settlement_days", 0),
        ("settlement_days", 60),
        ("max_share_of_issue_percent", 100),
        ("max_share_of_issue_percent", 0),
        ("auction_random_end_s", 600),
        ("limit_table", LimitTable(percent=99)),
        ("schedule", _steps((Phase.PRE_OPEN, MARGIN_S), (Phase.CLOSED, LAST))),
        ("settlement_stages", (MARGIN_S, MARGIN_S, LAST, LAST)),
    ],
)
def test_values_at_the_limits_make_a_rulebook(name: str, value: object) -> None:
    """The bounds themselves are allowed."""
    assert getattr(START.replace(**{name: value}), name).value == value
