"""The day as a list of commands: what the venue itself does, and when.

A day is a pure function of the rulebook, the listed issues and the date, so a venue that was
killed in the middle knows, from the number of steps its journal holds, which step comes next.
"""

from collections.abc import Sequence
from datetime import date
from typing import Final

from market.business_days import at_jst, is_business_day, next_business_day
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
from market.words import AUCTION_PHASES

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
) -> list[Step]:
    """Every step of one business day, in order; the first opens it, the last closes it.

    Args:
        rules: The rulebook with its schedule and settlement stage times.
        business_date: The day.
        instruments: Listed issues, in listing order.
        trading: False for a day on which only settlement runs.
        deposits: What the firms pay in when the day has opened.
    """
    steps: list[tuple[int, Command]] = []
    for step in rules.schedule.value if trading else ():
        for instrument_id in instruments:
            steps.append(
                (step.second_of_day, ChangePhase(instrument_id=instrument_id, phase=step.phase))
            )
            if step.phase in AUCTION_PHASES:
                steps.append((step.second_of_day, RunAuction(instrument_id=instrument_id)))
    for stage, second in enumerate(rules.settlement_stages.value):
        steps.append((second, RunSettlement(stage=stage)))
    steps.sort(key=lambda step: step[0])  # stable: same second keeps the order above
    first, last = steps[0][0] - MARGIN_S, steps[-1][0] + MARGIN_S
    plan: list[tuple[int, Command]] = [(first, OpenDay(business_date=business_date))]
    plan += [(first, deposit) for deposit in deposits]
    plan += [*steps, (last, CloseDay())]
    return [(at_jst(business_date, second), command) for second, command in plan]


def first_business_day(day: date) -> date:
    """``day`` itself when the market is open then, else the next day it is."""
    return day if is_business_day(day) else next_business_day(day)
