"""A day's schedule with some of its clock times moved, its states and their order kept.

The states of a rulebook are documented where its clock times often are not, so the times are what a
user wants to choose. ``SCHEDULES`` names the alternatives of START's times.
"""

from typing import Final

from market.errors import BadInput
from market.rulebooks.words import NON_CANCEL, clock
from market.rules import PhaseAt
from market.words import AUCTION_PHASES, Phase

NCP_SECONDS_MAX: Final = 600

Schedule = tuple[PhaseAt, ...]

_MOVED_BY: Final = {
    "preopen_start": Phase.PRE_OPEN,
    "opening_auction": Phase.OPENING_AUCTION,
    "preclose_start": Phase.PRE_CLOSE,
    "closing_auction": Phase.CLOSING_AUCTION,
}


def retimed(
    schedule: Schedule,
    *,
    preopen_start: str | None = None,
    opening_auction: str | None = None,
    preclose_start: str | None = None,
    closing_auction: str | None = None,
    ncp_seconds: int | None = None,
) -> Schedule:
    """The schedule with other clock times (``HH:MM``) and another non-cancel period.

    Steps of an auction's own second move with it. A non-cancel period stands before its auction
    by as many seconds as before, or by ``ncp_seconds``; 0 takes it out of the day.

    Raises:
        BadInput: When a state to move does not come exactly once, a time is no time, or the
            non-cancel period is out of bounds.
    """
    if ncp_seconds is not None and not 0 <= ncp_seconds <= NCP_SECONDS_MAX:
        raise BadInput(f"ncp_seconds is 0 to {NCP_SECONDS_MAX}: {ncp_seconds}")
    texts = (preopen_start, opening_auction, preclose_start, closing_auction)
    moved: dict[Phase, int] = {}
    for (name, phase), text in zip(_MOVED_BY.items(), texts, strict=True):
        if text is None:
            continue
        if sum(step.phase is phase for step in schedule) != 1:
            raise BadInput(f"{name}: the day does not have one {phase.value}")
        moved[phase] = _second_of(name, text)
    return tuple(_steps(schedule, moved, ncp_seconds))


def _steps(schedule: Schedule, moved: dict[Phase, int], ncp_seconds: int | None) -> list[PhaseAt]:
    steps: list[PhaseAt] = []
    auction: tuple[int, int] | None = None
    for place, step in enumerate(schedule):
        was = step.second_of_day
        second = moved.get(step.phase, was)
        if step.phase in AUCTION_PHASES:
            auction = (was, second)
        elif auction is not None and was == auction[0]:
            second = auction[1]
        elif step.phase in NON_CANCEL:
            following = schedule[place + 1]
            length = following.second_of_day - was if ncp_seconds is None else ncp_seconds
            if not length:
                continue
            second = moved.get(following.phase, following.second_of_day) - length
        steps.append(PhaseAt(step.phase, second))
    return steps


def _second_of(name: str, text: str) -> int:
    hours, _, minutes = text.partition(":")
    if not (hours.isdecimal() and minutes.isdecimal() and int(hours) < 24 and int(minutes) < 60):  # noqa: PLR2004  a clock
        raise BadInput(f"{name}: {text!r} is no time of day")
    return clock(int(hours), int(minutes))
