"""The table in each rulebook's module header, made from the values it stands above.

``python -m tests.rule_tables`` writes the tables anew; a test holds every header to its values.
"""

import ast
from dataclasses import fields
from datetime import date
from enum import Enum
from pathlib import Path
from typing import Any

from market.instrument import (
    LIMIT_TABLES,
    TICK_TABLES,
    TSE_WIDTHS,
    LimitTable,
    QuoteWidthTable,
    TickTable,
)
from market.rulebooks import ODX_EQUITIES, OSE, START, TSE
from market.rules import EarlierSchedule, PhaseAt, Rules

FOLDER = Path(__file__).parents[1] / "market" / "rulebooks"
MODULES = {"start": START, "tse": TSE, "ose": OSE, "odx_equities": ODX_EQUITIES}
HEAD = ("| rule | what Kitahama does | source | mark |", "|---|---|---|---|")
OF_CLOCKS = ("settlement_stages", "base_price_publish_s", "money_hours", "partial_hours")


def told(name: str, value: Any) -> str:
    """A value in a few words."""
    match value:
        case bool():
            return "on" if value else "off"
        case Enum():
            return str(value.value)
        case TickTable():
            return next(name for name, table in TICK_TABLES.items() if table == value)
        case LimitTable():
            return next(name for name, table in LIMIT_TABLES.items() if table == value)
        case QuoteWidthTable() if value == TSE_WIDTHS:
            return "tse"
        case PhaseAt():
            return f"{_clock(value.second_of_day)} {value.phase.value}"
        case EarlierSchedule():
            steps = ", ".join(told(name, step) for step in value.schedule)
            return f"before {value.before}: {steps}"
        case date():
            return value.isoformat()
        case tuple():
            return ", ".join(told(name, one) for one in value) or "none"
        case int() if name in OF_CLOCKS:
            return _clock(value) if value else "off"
        case int():
            return f"{value:,}"
    raise TypeError(value)


def _clock(second: int) -> str:
    hours, rest = divmod(second, 3600)
    minutes, seconds = divmod(rest, 60)
    return f"{hours:02}:{minutes:02}" + (f":{seconds:02}" if seconds else "")


def rows(rules: Rules) -> list[str]:
    """One row for each rule, in the order of the rulebook."""
    made = []
    for field in fields(rules):
        if field.name != "name":
            rule = getattr(rules, field.name)
            words = told(field.name, rule.value)
            made.append(f"| {field.name} | {words} | {rule.source} | {rule.mark.value} |")
    return made


def header(module: str) -> list[str]:
    """The lines of a rulebook module's docstring."""
    text = ast.get_docstring(ast.parse((FOLDER / f"{module}.py").read_text(encoding="utf-8")))
    return (text or "").splitlines()


def table(lines: list[str], head: str) -> list[str]:
    """The rows of the table that begins with ``head``, without its two head lines."""
    start = lines.index(head) + 2
    end = next((n for n in range(start, len(lines)) if not lines[n].startswith("|")), len(lines))
    return lines[start:end]


def write(module: str, rules: Rules) -> None:
    """Put the table of the values into the module's header."""
    path = FOLDER / f"{module}.py"
    lines = path.read_text(encoding="utf-8").splitlines()
    start = lines.index(HEAD[0])
    end = next(n for n in range(start, len(lines)) if not lines[n].startswith("|"))
    lines[start:end] = [*HEAD, *rows(rules)]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")


if __name__ == "__main__":
    for module_name, rulebook in MODULES.items():
        write(module_name, rulebook)
