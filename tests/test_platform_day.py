"""One day, issues on different token platforms: the market must not notice, the books must agree."""

from pathlib import Path

import pytest

from market.events import Event, InstrumentListed, Reconciled, Trade
from market.ids import InstrumentId
from market.instrument import TokenPlatform
from participants.orderflow import generated_day
from settlement.ibet.register import IbetRegister
from settlement.progmat.register import ProgmatRegister
from settlement.register import Register
from venue.core import Core
from venue.journal import Journal
from venue.recovery import verify
from venue.sample import sample_settings
from venue.simulation import Simulation

PLACES = {"KH01": TokenPlatform.PROGMAT, "KH02": TokenPlatform.IBET}


def day(
    places: dict[str, TokenPlatform], preset: str = "start", journal: Journal | None = None
) -> tuple[Core, list[Event]]:
    """A generated day of 2,000 orders and the settlement days after it."""
    plain = sample_settings(preset, 7)
    issues = [
        one.model_copy(update={"platform": places.get(one.instrument_id, TokenPlatform.PLAIN)})
        for one in plain.issues
    ]
    intents = generated_day(seed=11, orders=2_000)
    told: list[Event] = []
    core = Simulation(
        plain.model_copy(update={"issues": issues}), journal=journal,
        seen=lambda _, events: told.extend(events),
    ).run(lambda number: intents if number == 1 else ())  # fmt: skip
    core.check_invariants()
    return core, told


def listings_apart(events: list[Event]) -> list[Event]:
    """Everything but what says which platform an issue is on."""
    return [event for event in events if not isinstance(event, InstrumentListed)]


@pytest.mark.parametrize("preset", ["start", "tse"])
def test_a_day_over_two_platforms_settles_as_on_plain_books(preset: str) -> None:
    """Same events, same owners; conservation holds over plain, token and account books."""
    mixed, told = day(PLACES, preset)
    plain, told_plain = day({}, preset)

    traded = {event.instrument_id for event in told if isinstance(event, Trade)}
    assert set(PLACES) <= traded
    assert listings_apart(told) == listings_apart(told_plain)
    assert all(not event.breaks for event in told if isinstance(event, Reconciled))
    assert mixed.conservation() == plain.conservation()
    books = mixed.settlement.registers
    assert [type(books[name]) for name in sorted(books)[:3]] == [
        ProgmatRegister, IbetRegister, Register,
    ]  # fmt: skip
    for name, register in books.items():
        assert register.holders() == plain.settlement.registers[name].holders()
    tokens = next(one for one in books.values() if isinstance(one, ProgmatRegister))
    tokens.platform.check_audit()


def test_a_day_over_two_platforms_replays_to_its_digest(tmp_path: Path) -> None:
    """The journal leads to the same tokens, ids and chain; the platform is part of the digest."""
    with Journal(tmp_path) as journal:
        core, _ = day(PLACES, journal=journal)

    assert verify(tmp_path).digest == core.digest()
    assert core.digest() == day(PLACES)[0].digest() != day({})[0].digest()


def test_all_issues_on_the_token_platform_share_its_chain() -> None:
    """Two issues, one notary: the ids of one chain are in order of what happened in both."""
    core, _ = day({"KH01": TokenPlatform.PROGMAT, "KH03": TokenPlatform.PROGMAT})
    one, two = (core.settlement.registers[InstrumentId(name)] for name in ("KH01", "KH03"))
    assert isinstance(one, ProgmatRegister)
    assert isinstance(two, ProgmatRegister)

    assert one.platform is two.platform
    issues = [made.info.instrument_id for made in one.platform.transactions.values()]
    assert set(issues) == {"KH01", "KH03"}
    one.platform.check_audit()
