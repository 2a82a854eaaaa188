"""Settings files: what they may say, what is refused by name, and what they turn into."""

import json
from datetime import date
from pathlib import Path

import pytest

from market.commands import DepositYen, ListInstrument, OpenVenue, RegisterParticipant
from market.errors import BadInput
from market.instrument import LIMIT_TABLES, TICK_TABLES
from market.quantities import MAX_PRICE_SEN, MAX_QUANTITY_UNITS, MAX_YEN
from market.rules import BreakOrders, Mark
from market.words import Phase
from venue.sample import LATE_FIRM, sample_settings
from venue.settings import (
    VenueSettings,
    deposits_on,
    first_day_of,
    opening_commands,
    read_settings,
    rules_of,
)

VENUE = """
run_id = "today"
preset = "tse"
first_day = 2026-11-25
days = 2

[rules]
settlement_days = 0
ncp_new_orders = false
break_orders = "none"
schedule = [
    { phase = "PreOpen", second_of_day = 30000 },
    { phase = "OpeningAuction", second_of_day = 36000 },
    { phase = "Closed", second_of_day = 36000 },
]

[[issues]]
instrument_id = "KH01"
isin = "JP0000000001"
name = "Kitahama"
issued_units = 1000

[[firms]]
participant_id = "FIRM-A"
name = "A"
cash_yen = 5
units = { KH01 = 3 }

[[firms.keys]]
key_id = "a"
session_id = "A-1"
public_key_hex = "0000000000000000000000000000000000000000000000000000000000000000"

[server]
orders_port = 1111
"""


def read(tmp_path: Path, text: str, name: str = "venue.toml") -> VenueSettings:
    """Settings from a file of this text."""
    path = tmp_path / name
    path.write_text(text, encoding="utf-8")
    return read_settings(path)


def test_a_settings_file_becomes_the_first_commands_of_a_run(tmp_path: Path) -> None:
    """Venue, issue, firm, key, cash, units: in that order."""
    commands = opening_commands(read(tmp_path, VENUE))
    assert [type(command).__name__ for command in commands] == [
        "OpenVenue", "ListInstrument", "RegisterParticipant", "RegisterKey", "DepositYen",
        "DepositUnits",
    ]  # fmt: skip
    listed = commands[1]
    assert isinstance(listed, ListInstrument)
    assert listed.instrument.issue_price_sen == 10_000_000


def test_chosen_rules_replace_those_of_the_preset(tmp_path: Path) -> None:
    """Numbers, flags, words and a whole schedule; the rest stays the preset's."""
    rules = rules_of(opening_commands(read(tmp_path, VENUE))[0])  # type: ignore[arg-type]
    assert rules.name == "tse"
    assert rules.settlement_days.value == 0
    assert rules.settlement_days.mark is Mark.CHOSEN
    assert rules.ncp_new_orders.value is False
    assert rules.break_orders.value is BreakOrders.NONE
    assert [step.phase for step in rules.schedule.value] == [
        Phase.PRE_OPEN, Phase.OPENING_AUCTION, Phase.CLOSED,
    ]  # fmt: skip
    assert rules.tick_table.mark is not Mark.CHOSEN


def test_json_says_the_same_as_toml(tmp_path: Path) -> None:
    """A file named .json is read as JSON, to the same settings."""
    from_toml = read(tmp_path, VENUE)
    text = json.dumps(from_toml.model_dump(mode="json"))
    assert read(tmp_path, text, "venue.json") == from_toml


@pytest.mark.parametrize(
    ("rule", "told"),
    [
        ("settlement_day = 0", "no rule is called 'settlement_day'"),
        ('name = "mine"', "no rule is called 'name'"),
        ('settlement_days = "two"', "rule settlement_days"),
        ("settlement_days = 1.5", "rule settlement_days"),
        ("settlement_days = -1", "settlement_days is 0 to 60"),
        ("ncp_new_orders = 1", "rule ncp_new_orders"),
        ('break_orders = "sometimes"', "rule break_orders"),
        ("schedule = []", "ends Closed"),
        ('schedule = [{ phase = "Lunch", second_of_day = 1 }]', "rule schedule"),
        ('schedule = [{ phase = "Closed" }]', "rule schedule"),
        ("settlement_stages = [40000]", "4 settlement stages"),
        ("first_day = 2026-11-24", "no rule is called"),
    ],
)
def test_a_rule_that_cannot_be_is_refused_by_name(tmp_path: Path, rule: str, told: str) -> None:
    """The user hears which rule, before anything runs."""
    settings = read(tmp_path, f"[rules]\n{rule}\n")
    with pytest.raises(BadInput, match=told):
        opening_commands(settings)


ISSUE = '[[issues]]\ninstrument_id="KH01"\nisin="JP0000000001"\nname="K"\nissued_units=10\n'
FIRM = '[[firms]]\nparticipant_id="FIRM-A"\nname="A"\n'


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("speed = 0", "speed"),
        ("days = 0", "days"),
        ("day = 1", "day"),
        ("first_day = 2026-13-01", "not TOML"),
        ("run_id = ", "not TOML"),
        ("[server]\nrest_port = 70000", "server.rest_port"),
        ("[server]\nport = 1", "server.port"),
        (FIRM.replace("FIRM-A", "firm a"), "firms.0.participant_id"),
        (FIRM + "cash_yen = -1", "firms.0.cash_yen"),
        (FIRM + f"cash_yen = {MAX_YEN + 1}", "firms.0.cash_yen"),
        (FIRM + f"credit_yen = {MAX_YEN + 1}", "firms.0.credit_yen"),
        (FIRM + FIRM, "listed twice: FIRM-A"),
        (ISSUE + "issue_price_yen = 0", "issues.0.issue_price_yen"),
        (ISSUE + f"issue_price_yen = {MAX_PRICE_SEN // 100 + 1}", "issues.0.issue_price_yen"),
        (ISSUE.replace("10", str(MAX_QUANTITY_UNITS + 1)), "issues.0.issued_units"),
        (ISSUE.replace("KH01", "kh01"), "issues.0.instrument_id"),
    ],
)
def test_a_wrong_setting_is_named_with_its_place(tmp_path: Path, text: str, told: str) -> None:
    """File and field, so that a person finds it."""
    with pytest.raises(BadInput, match=told) as wrong:
        read(tmp_path, text)
    assert "venue.toml" in str(wrong.value)


def test_a_file_that_is_none_is_refused(tmp_path: Path) -> None:
    """Absent, a folder, not text, not JSON: one line each, no trace of ours."""
    with pytest.raises(BadInput, match="no such file"):
        read_settings(tmp_path / "absent.toml")
    with pytest.raises(BadInput, match="cannot be read"):
        read_settings(tmp_path)
    (tmp_path / "bytes.toml").write_bytes(b"\xff\xfe")
    with pytest.raises(BadInput, match="not TOML"):
        read_settings(tmp_path / "bytes.toml")
    with pytest.raises(BadInput, match="not JSON"):
        read(tmp_path, "{", "venue.json")


def test_the_environment_goes_before_the_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """KITAHAMA_SERVER__* overrides the server part, field by field."""
    monkeypatch.setenv("KITAHAMA_SERVER__ORDERS_PORT", "2222")
    monkeypatch.setenv("KITAHAMA_SERVER__REST_PORT", "3333")
    server = read(tmp_path, VENUE).server
    assert (server.orders_port, server.rest_port, server.feed_port) == (2222, 3333, 8082)
    monkeypatch.setenv("KITAHAMA_SERVER__ORDERS_PORT", "a port")
    with pytest.raises(BadInput, match=r"server\.orders_port"):
        sample_settings("start", 7)


def test_the_sample_venue_has_a_firm_that_pays_late() -> None:
    """Little cash, much credit, and the missing cash on a later day."""
    settings = sample_settings("start", 7)
    (late,) = [firm for firm in settings.firms if firm.participant_id == LATE_FIRM]
    day = late.later_deposits[0].day
    assert deposits_on(settings, day - 1) == []
    (deposit,) = deposits_on(settings, day)
    assert isinstance(deposit, DepositYen)
    assert deposit.amount_yen == late.later_deposits[0].amount_yen
    (registered,) = [
        command
        for command in opening_commands(settings)
        if isinstance(command, RegisterParticipant) and command.participant_id == LATE_FIRM
    ]
    assert registered.limits.credit_yen > late.cash_yen


def test_an_unknown_preset_is_refused() -> None:
    """Wherever it is named."""
    with pytest.raises(BadInput, match="no preset"):
        sample_settings("nyse", 7)
    with pytest.raises(BadInput, match="no preset"):
        rules_of(OpenVenue(run_id="r", preset="nyse"))


def test_a_chosen_value_that_is_not_json_is_refused() -> None:
    """A journal written by hand is told what is wrong with it."""
    with pytest.raises(BadInput, match="rule settlement_days"):
        rules_of(OpenVenue(run_id="r", preset="start", chosen=(("settlement_days", "{"),)))


def test_tables_may_be_given_by_name() -> None:
    """A rulebook's and an issue's tick and limit tables; an unknown name is answered with all."""
    issue = {"instrument_id": "KH01", "isin": "JP0000000001", "name": "K", "issued_units": 1000}
    special = issue | {
        "instrument_id": "KH02", "tick_table": "ten_yen", "limit_table": "fixed_5_percent",
        "trading_unit_units": 10, "nav_yen": 101_000, "newly_listed": True,
    }  # fmt: skip
    settings = VenueSettings.model_validate(
        {"rules": {"tick_table": "five_yen", "limit_table": "fixed_10_percent"},
         "issues": [issue, special]}
    )  # fmt: skip
    opening, first, second, *_ = opening_commands(settings)
    assert isinstance(opening, OpenVenue)
    assert rules_of(opening).tick_table.value == TICK_TABLES["five_yen"]
    assert isinstance(first, ListInstrument)
    assert isinstance(second, ListInstrument)
    assert first.instrument.ticks == TICK_TABLES["five_yen"]
    assert first.instrument.limits == LIMIT_TABLES["fixed_10_percent"]
    assert second.instrument.ticks == TICK_TABLES["ten_yen"]
    assert second.instrument.limits.percent == 5
    assert second.instrument.trading_unit_units == 10
    assert second.instrument.nav_sen == 10_100_000
    assert second.instrument.newly_listed is True
    with pytest.raises(BadInput, match="j_market_other"):
        rules_of(OpenVenue(run_id="r", preset="start", chosen=(("tick_table", '"one_yen"'),)))


def test_a_calendar_file_becomes_rules_that_the_journal_holds(tmp_path: Path) -> None:
    """Dates a line, comments for people; the first day is sought in the same calendar."""
    (tmp_path / "closed.txt").write_text("# ours\n2026-11-24  # founding day\n\n2026-11-26\n")
    settings = read(tmp_path, 'calendar_file = "closed.txt"\nfirst_day = 2026-11-23\n')
    opening = opening_commands(settings)[0]
    assert isinstance(opening, OpenVenue)
    rules = rules_of(opening)
    assert rules.closed_days.value == (date(2026, 11, 24), date(2026, 11, 26))
    assert first_day_of(settings) == date(2026, 11, 23)
    late = settings.model_copy(update={"first_day": date(2026, 11, 24)})
    assert first_day_of(late) == date(2026, 11, 25)


@pytest.mark.parametrize("text", ["2026-13-01", "tomorrow"])
def test_a_calendar_file_is_refused_by_line(tmp_path: Path, text: str) -> None:
    """A date that is none, and a file that is not there."""
    (tmp_path / "closed.txt").write_text(f"2026-11-24\n{text}\n")
    with pytest.raises(BadInput, match="line 2"):
        read(tmp_path, 'calendar_file = "closed.txt"')
    with pytest.raises(BadInput, match="calendar_file"):
        read(tmp_path, 'calendar_file = "nowhere.txt"')


def test_times_of_the_day_become_a_schedule_that_the_journal_holds(tmp_path: Path) -> None:
    """Only what is asked for moves; a day that does not go forward is refused."""
    text = '[times]\nopening_auction = "09:00"\nncp_seconds = 300\n'
    opening = opening_commands(read(tmp_path, text))[0]
    assert isinstance(opening, OpenVenue)
    day = {step.phase: step.second_of_day for step in rules_of(opening).schedule.value}
    assert (day[Phase.PRE_OPEN_NCP], day[Phase.BREAK]) == (8 * 3600 + 55 * 60, 9 * 3600)
    with pytest.raises(BadInput, match="goes forward"):
        opening_commands(read(tmp_path, '[times]\nopening_auction = "08:00"\n'))
    with pytest.raises(BadInput, match="ncp_seconds"):
        read(tmp_path, "[times]\nncp_seconds = 601\n")
