"""Simulated runs as the command line asks for them: settings and intents put together."""

from collections.abc import Callable, Iterable
from contextlib import ExitStack
from pathlib import Path
from typing import Final

import numpy as np

from market.commands import ListInstrument
from market.errors import BadInput
from matching.books import DEFAULT
from participants.intents import Intent
from participants.orderflow import SAMPLE_FIRMS, OrderFlow
from venue.actfile import read_acts
from venue.core import Core
from venue.journal import JOURNAL_FILE, Journal
from venue.orderfile import read_orders
from venue.sample import key_settings, or_sample, sample_settings
from venue.settings import FirmSettings, VenueSettings, opening_commands, read_settings, rules_of
from venue.simulation import IntentsOf, Seen, Simulation, rehearse

_GUEST_YEN: Final = 10_000_000_000
_GUEST_SHARE_PERCENT: Final = 2
"""What a firm that only the order file names starts with: cash, and a share of every issue."""


def simulate_run(
    *,
    orders: Path | None,
    acts: Path | None = None,
    settings_path: Path | None,
    seed: int,
    preset: str | None,
    days: int | None,
    scale: float,
    out: Path | None,
    seen: Seen | None,
    book: str = DEFAULT,
) -> Core:
    """Simulate whole days and return the market at their end.

    Args:
        orders: Order file; without it seeded flow is drawn.
        acts: Operator's file; without it the operator does nothing.
        settings_path: Settings file; without it the sample venue.
        seed: Seed of the flow and of the sample keys.
        preset: Rulebook of the sample venue, default start; not beside a settings file.
        days: Trading days; default: those of the order file or settings, else 1.
        scale: Multiplies the seeded flow.
        out: Folder for the journal; must not hold one already.
        seen: Called with every entry and its events.
        book: Name of the books (matching/books.py).

    Raises:
        BadInput: When a file cannot be used, with file, line and column.
    """
    if seed < 0:
        raise BadInput(f"a seed is not negative: {seed}")
    if out is not None and (out / JOURNAL_FILE).exists():
        raise BadInput(f"{out} holds a run already; choose another folder")
    intents = read_orders(orders) if orders is not None else []
    done_by_hand = read_acts(acts) if acts is not None else []
    if settings_path is not None:
        if preset is not None:
            raise BadInput("the preset stands in the settings file; leave --preset out")
        settings = read_settings(settings_path)
        is_sample = not settings.firms
        settings = or_sample(settings, seed)
    else:
        settings, is_sample = sample_settings(preset or "start", seed), True
    if is_sample:
        settings = _with_guests(settings, intents, seed)
    wanted = days or max([intent.day for intent in intents], default=settings.days)
    settings = settings.model_copy(update={"days": wanted})
    _check_firms(settings, intents, orders)
    flow = _by_day(intents) if orders is not None else _seeded(settings, seed, scale)
    rehearse(settings)
    with ExitStack() as stack:
        journal = None if out is None else stack.enter_context(_new_journal(out))
        return Simulation(settings, journal=journal, seen=seen, book=book).run(
            flow, lambda number: [(at_ms, act) for day, at_ms, act in done_by_hand if day == number]
        )


def _new_journal(folder: Path) -> Journal:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as barred:
        raise BadInput(f"{folder} cannot be made: {barred}") from barred
    return Journal(folder)


def _by_day(intents: list[Intent]) -> IntentsOf:
    days: dict[int, list[Intent]] = {}
    for intent in intents:
        days.setdefault(intent.day, []).append(intent)
    return lambda number: days.get(number, [])


def _seeded(settings: VenueSettings, seed: int, scale: float) -> Callable[[int], Iterable[Intent]]:
    commands = opening_commands(settings)
    rules = rules_of(commands[0])  # type: ignore[arg-type]  # the first command opens the venue
    issues = [command.instrument for command in commands if isinstance(command, ListInstrument)]
    known = {firm.participant_id for firm in settings.firms}
    firms = [firm for firm in SAMPLE_FIRMS if firm.participant_id in known]
    generator = np.random.Generator(np.random.PCG64(seed))
    return OrderFlow(generator, rules, issues, firms, scale=scale).day


def _with_guests(settings: VenueSettings, intents: list[Intent], seed: int) -> VenueSettings:
    """Admit firms that only the order file names, with cash and a small share of every issue."""
    known = {firm.participant_id for firm in settings.firms}
    guests: list[FirmSettings] = []
    for intent in intents:
        name = intent.participant_id
        if name in known:
            continue
        known.add(name)
        guests.append(
            FirmSettings(
                participant_id=name,
                name=f"{name} (from the order file)",
                cash_yen=_GUEST_YEN,
                units={
                    issue.instrument_id: issue.issued_units * _GUEST_SHARE_PERCENT // 100
                    for issue in settings.issues
                },
                keys=[key_settings(seed, name)],
            )
        )
    return settings.model_copy(update={"firms": [*settings.firms, *guests]})


def _check_firms(settings: VenueSettings, intents: list[Intent], orders: Path | None) -> None:
    able = {firm.participant_id for firm in settings.firms if firm.keys}
    for intent in intents:
        if intent.participant_id not in able:
            raise BadInput(f"{orders}: {intent.participant_id} has no key in the settings")
