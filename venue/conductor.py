"""Lets the days pass: gives the scheduled commands at their market times.

After the trading days come days on which only settlement runs, until every delivery has ended or
``settle_days_max`` is reached. The clock jumps over the nights, and on settlement days from step to
step, so nobody waits where nothing can happen. A restarted venue goes on with the step its journal lacks.
"""

import asyncio
from collections.abc import Iterator
from datetime import date
from itertools import groupby

from market.business_days import at_jst, next_business_day
from market.commands import ChangePhase, OpenDay, PublishBasePrices
from venue.core import Core
from venue.schedule import Step, day_plan, first_business_day
from venue.seams import Clock
from venue.sequencer import Sequencer
from venue.settings import VenueSettings, deposits_on


def remaining_days(core: Core, settings: VenueSettings) -> Iterator[list[Step]]:
    """The plans still to be carried out, one a day; ask for the next once one has run.

    Where the rulebook tells base prices in the evening before, that evening is a plan of its own.

    Args:
        core: Read between days, never changed.
        settings: First day, number of trading days, and most settlement days after them.
    """
    days = settings.days
    while True:
        done, last = core.days_opened, core.business_date
        if core.day_is_open and last is not None:
            yield _plan(core, settings, last, done)[1 + core.steps_today :]
            continue
        finished = done >= days and core.open_deliveries() == 0
        if finished or done >= days + settings.settle_days_max:
            return
        calendar = core.rules.business_days
        if last is None:
            day = first_business_day(settings.first_day, calendar)
        else:
            day = next_business_day(last, calendar)
        publish_s = core.rules.base_price_publish_s.value
        if publish_s and last is not None and core.engine.announced_for is None:
            yield [(at_jst(last, publish_s), PublishBasePrices(business_date=day))]
        yield _plan(core, settings, day, done + 1)


def _plan(core: Core, settings: VenueSettings, day: date, number: int) -> list[Step]:
    return day_plan(
        core.rules,
        day,
        core.engine.instrument_ids(),
        trading=number <= settings.days,
        deposits=deposits_on(settings, number),
        run_id=core.run_id,
    )


async def conduct(sequencer: Sequencer, clock: Clock, settings: VenueSettings) -> None:
    """Give every scheduled command at its time, until the last day is over."""
    if sequencer.core.business_date is None:
        await _sessions(sequencer, settings.wait_for_sessions)
    for plan in remaining_days(sequencer.core, settings):
        if isinstance(
            plan[0][1], OpenDay | PublishBasePrices
        ):  # a day broken off by a crash goes on in its own time
            clock.jump_to(plan[0][0])
        trading = any(isinstance(command, ChangePhase) for _, command in plan)
        for at_ns, steps in groupby(plan, key=lambda step: step[0]):
            if not trading:  # nobody enters orders, so nobody needs the time in between
                clock.jump_to(at_ns)
            await asyncio.sleep(clock.real_seconds_until(at_ns))
            await asyncio.gather(*(sequencer.perform(command) for _, command in steps))


async def _sessions(sequencer: Sequencer, wanted: int) -> None:
    """Wait until so many sessions are live; the first day opens for them."""
    changed = asyncio.Event()
    sequencer.listen(lambda _: changed.set())
    sessions = sequencer.core.participants.sessions
    while sum(session.live for session in sessions.values()) < wanted:
        changed.clear()
        await changed.wait()
