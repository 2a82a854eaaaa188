"""The day as a list of commands: what the venue itself does, and when.

A day is a pure function of the rulebook, the listed issues and the date, so a venue that was
killed in the middle knows, from the number of steps its journal holds, which step comes next.
"""

import hashlib
from collections.abc import Iterator, Sequence
from datetime import date
from typing import Final

from market.business_days import (
    TSE_CALENDAR,
    Calendar,
    at_jst,
    is_business_day,
    next_business_day,
)
from market.commands import (
    ChangePhase,
    CloseDay,
    Command,
    DepositYen,
    OpenDay,
    RunAuction,
    RunSettlement,
)
from market.ids import InstrumentId
from market.quantities import TimeNs
from market.rules import MARGIN_S, Rules
from market.words import AUCTION_PHASES, Phase

_MS_PER_S: Final = 1_000
_NS_PER_MS: Final = 1_000_000

Step = tuple[TimeNs, Command]
"""When, in market time, and what."""

PLANNED: Final = frozenset((ChangePhase, RunAuction, RunSettlement, CloseDay, DepositYen))
"""Commands that only the schedule gives; counting them tells how far a day has come."""


def day_plan(
    rules: Rules,
    business_date: date,
    instruments: Sequence[InstrumentId],
    *,
    trading: bool = True,
    deposits: Sequence[Command] = (),
    run_id: str = "",
) -> list[Step]:
    """Every step of one business day, in order; the first opens it, the last closes it.

    Args:
        rules: The rulebook with its schedule and settlement stage times.
        business_date: The day.
        instruments: Listed issues, in listing order.
        trading: False for a day on which only settlement runs.
        deposits: What the firms pay in when the day has opened.
        run_id: Name of the run; random ends are drawn from it, the date, the issue and the step.
    """
    steps: list[tuple[int, Command]] = []
    if trading:
        steps += _trading_steps(rules, instruments, business_date, run_id)
    for stage, second in enumerate(rules.settlement_stages.value):
        steps.append((second * _MS_PER_S, RunSettlement(stage=stage)))
    steps.sort(key=lambda step: step[0])  # stable: same time keeps the order above
    margin = MARGIN_S * _MS_PER_S
    first, last = steps[0][0] - margin, steps[-1][0] + margin
    plan: list[tuple[int, Command]] = [(first, OpenDay(business_date=business_date))]
    plan += [(first, deposit) for deposit in deposits]
    plan += [*steps, (last, CloseDay())]
    midnight = at_jst(business_date, 0)
    return [(TimeNs(midnight + at_ms * _NS_PER_MS), command) for at_ms, command in plan]


def _trading_steps(
    rules: Rules, instruments: Sequence[InstrumentId], day: date, run_id: str
) -> Iterator[tuple[int, Command]]:
    """The phases and crosses of every issue, in milliseconds after midnight.

    An auction, and the steps of the same second behind it, come later by its random end; with an
    extension they stand a second time behind it (matching/extension.py).
    """
    schedule, extension = rules.schedule_on(day), rules.auction_extension_s.value
    auction: tuple[int, int] | None = None
    for place, step in enumerate(schedule):
        second = step.second_of_day
        if step.phase in AUCTION_PHASES:
            auction = (place, second)
        elif auction is not None and auction[1] != second:
            auction = None
        for instrument_id in instruments:
            at_ms = second * _MS_PER_S
            if auction is not None:
                at_ms += _random_end_ms(rules, f"{run_id} {day} {instrument_id} {auction[0]}")
            for command in _of_one_step(instrument_id, step.phase, after_extension=False):
                yield at_ms, command
            if auction is not None and extension:
                at_ms += extension * _MS_PER_S
                for command in _of_one_step(instrument_id, step.phase, after_extension=True):
                    yield at_ms, command


def _of_one_step(
    instrument_id: InstrumentId, phase: Phase, *, after_extension: bool
) -> list[Command]:
    entered = ChangePhase(instrument_id=instrument_id, phase=phase, after_extension=after_extension)
    if phase not in AUCTION_PHASES:
        return [entered]
    return [entered, RunAuction(instrument_id=instrument_id, after_extension=after_extension)]


def _random_end_ms(rules: Rules, name: str) -> int:
    """How much later an auction comes, from its name; nobody knows before the run has one."""
    longest = rules.auction_random_end_s.value * _MS_PER_S
    drawn = int.from_bytes(hashlib.sha256(name.encode()).digest()[:8], "big")
    return drawn % (longest + 1)


def first_business_day(day: date, calendar: Calendar = TSE_CALENDAR) -> date:
    """``day`` itself when the market is open then, else the next day it is."""
    return day if is_business_day(day, calendar) else next_business_day(day, calendar)
