"""Each rulebook's header says what the rulebook does, rule by rule; START's lists its alternatives."""

from dataclasses import fields

import pytest
from rule_tables import HEAD, MODULES, header, rows, table
from test_start_parameters import ALTERNATIVES

from market.rulebooks import START
from market.rules import Rules

ALTERNATIVES_HEAD = "| parameter | alternatives |"
ELSEWHERE_HEAD = "| elsewhere | why |"


@pytest.mark.parametrize("module", MODULES)
def test_the_header_table_is_that_of_the_values(module: str) -> None:
    """Every rule stands there once, with its value, source and mark."""
    written = table(header(module), HEAD[0])

    assert written == rows(MODULES[module])
    names = [row.split(" | ")[0].removeprefix("| ") for row in written]
    assert names == [field.name for field in fields(Rules) if field.name != "name"]


def listed(head: str) -> list[tuple[str, str]]:
    """A table of two columns in START's header."""
    written = table(header("start"), head)
    return [
        (first.strip(), second.strip())
        for row in written
        for first, second in [row.strip("|").split("|")]
    ]


def test_starts_header_lists_every_alternative_that_is_proved_and_no_other() -> None:
    """A parameter, its alternatives, and one proof for each pair."""
    pairs = [
        (parameter, alternative.strip())
        for parameter, alternatives in listed(ALTERNATIVES_HEAD)
        for alternative in alternatives.split(";")
    ]

    assert len(pairs) == len(set(pairs))
    assert sorted(pairs) == sorted(ALTERNATIVES)


def test_every_rule_of_start_has_its_alternatives_or_a_reason_to_have_none() -> None:
    """No field of the rulebook is forgotten: proved, explained, or a part of one that is."""
    named = {parameter for parameter, _ in listed(ALTERNATIVES_HEAD)}
    named |= {word for words, _ in listed(ELSEWHERE_HEAD) for word in words.split(", ")}
    parts = {
        "closed_days": "calendar",
        "schedule": "opening_auction",
        "earlier_schedules": "closing_auction",
        "self_trade_same_account_only": "self_match",
    }
    for field in fields(START):
        if field.name != "name":
            assert parts.get(field.name, field.name) in named, field.name
