"""A generated day paid in each kind of money: same trades, same owners, later or never final."""

from pathlib import Path

import pytest

from market.commands import DefaultIssuer, RunSettlement
from market.errors import BadInput
from market.events import (
    DeliveryChanged,
    Event,
    IssuerDefaulted,
    Reconciled,
    Trade,
    UnitsMoved,
    YenMoved,
)
from market.reasons import FailReason
from participants.orderflow import generated_day
from venue.actfile import parse_acts
from venue.core import Core
from venue.journal import Journal, read_entries
from venue.recovery import replay, verify
from venue.sample import sample_settings
from venue.settings import VenueSettings, chosen_rules
from venue.simulation import Simulation

KINDS = ("tokenised_deposit", "trust_stablecoin", "bank_transfer")
DEFAULT = "day,time,act,reason\n3,10:30:00,issuer_default,the bank has failed\n"
"""On the day the trades are due, between funding and payment."""


def settings(**rules: object) -> VenueSettings:
    """Five firms and ten issues of START, with some rules chosen."""
    return sample_settings("start", 7).model_copy(update={"rules": rules})


def day(
    acts: str = "", journal: Journal | None = None, **rules: object
) -> tuple[Core, list[tuple[int, Event]]]:
    """A generated day of 1,000 orders, and the settlement days after it, by number of the day."""
    told: list[tuple[int, Event]] = []
    simulation = Simulation(
        settings(**rules),
        journal=journal,
        seen=lambda _, events: told.extend((simulation.core.days_opened, one) for one in events),
    )
    intents = generated_day(seed=11, orders=1_000)
    known = parse_acts(acts.splitlines(keepends=True), "acts") if acts else []
    core = simulation.run(
        lambda number: intents if number == 1 else (),
        lambda number: [(at_ms, act) for on, at_ms, act in known if on == number],
    )
    core.check_invariants()
    assert all(not event.breaks for _, event in told if isinstance(event, Reconciled))
    return core, told


def paid(told: list[tuple[int, Event]]) -> list[int]:
    """On which day each delivery was paid; a firm's with itself is not."""
    return [
        number
        for number, event in told
        if isinstance(event, YenMoved) and event.delivery_id is not None
    ]


def owners(core: Core) -> dict[str, object]:
    """What everybody owns."""
    room = core.settlement
    return {
        "yen": {firm: room.owned_yen(firm) for firm in core.participants.firms},
        "units": {name: book.holders() for name, book in room.registers.items()},
    }


def test_coins_settle_the_day_as_tokens_do() -> None:
    """Every event of the market is the same; unsigned evidence changes none either."""
    told = day()[1]

    assert sum(isinstance(event, Trade) for _, event in told) > 100
    assert day(settlement_money="trust_stablecoin")[1] == told
    assert day(money_signing=False)[1] == told


def test_a_bank_transfer_ends_the_day_a_business_day_later() -> None:
    """Same trades and, in the end, the same owners; what the file books is final a day later."""
    at_once, at_once_told = day()
    by_bank, by_bank_told = day(settlement_money="bank_transfer")

    first, then = paid(at_once_told), paid(by_bank_told)
    assert len(first) == len(then) > 100
    assert owners(by_bank) == owners(at_once)
    assert (min(first), min(then)) == (3, 4)
    assert by_bank.open_deliveries() == at_once.open_deliveries() == 0


@pytest.mark.parametrize("kind", KINDS)
def test_a_default_of_the_issuer_leaves_every_later_delivery_whole(kind: str) -> None:
    """On the due day between funding and payment: nothing is ever paid, and no leg stands alone."""
    core, told = day(DEFAULT, settlement_money=kind, money_recovery_percent=30)

    (event,) = [event for _, event in told if isinstance(event, IssuerDefaulted)]
    percent = 100 if kind == "trust_stablecoin" else 30
    assert (
        0 <= event.owned_yen * percent // 100 - event.recovered_yen < len(core.participants.firms)
    )
    moved = [event for _, event in told if isinstance(event, UnitsMoved | YenMoved)]
    assert not [event for event in moved if event.delivery_id is not None]
    fails = [e for _, e in told if isinstance(e, DeliveryChanged) if e.reason is not None]
    assert FailReason.ISSUER_DEFAULTED in {event.reason for event in fails}
    assert FailReason.PAYMENT_PENDING not in {event.reason for event in fails}


@pytest.mark.parametrize("kind", KINDS)
def test_a_restart_at_any_settlement_stage_leads_to_the_same_market(
    kind: str, tmp_path: Path
) -> None:
    """Orders under way, signatures and a failed issuer come back from the journal (I18)."""
    acts = DEFAULT.replace("3,10:30:00", "4,08:00:00")
    with Journal(tmp_path) as journal:
        core, _ = day(acts, journal, settlement_money=kind)
    entries = list(read_entries(tmp_path))
    places = [
        place
        for place, entry in enumerate(entries, 1)
        if isinstance(entry.command, RunSettlement | DefaultIssuer)
    ]

    assert verify(tmp_path).digest == core.digest()
    assert DefaultIssuer(reason="the bank has failed") in [one.command for one in entries]
    for place in places[8:18:3]:
        again = replay(entries[:place])
        again.check_invariants()
        for entry in entries[place:]:
            again.apply(entry)
        assert again.digest() == core.digest()


def test_keys_come_from_the_run_and_from_nothing_else() -> None:
    """Two runs sign with two keys, one run with one."""
    keys = []
    for run_id in ("one", "two", "one"):
        simulation = Simulation(settings().model_copy(update={"run_id": run_id}))
        simulation.open()
        money = simulation.core.settlement.cash.money
        keys.append(money.keys.public_key(money.issuer))

    assert keys[0] == keys[2] != keys[1]


@pytest.mark.parametrize(
    ("rules", "told"),
    [
        ({"settlement_money": "gold"}, "settlement_money"),
        ({"settlement_money": "bank_transfer", "settlement_mode": "gross_atomic"}, "atomic"),
        ({"money_hours": [36_000, 30_000, 40_000]}, "money_hours"),
        ({"money_hours": [36_000, 40_000]}, "money_hours"),
        ({"money_recovery_percent": 101}, "money_recovery_percent"),
    ],
)
def test_money_that_makes_no_rulebook_is_refused(rules: dict[str, object], told: str) -> None:
    """Before anything is written, with the rule's name or the reason."""
    with pytest.raises(BadInput, match=told):
        chosen_rules(settings(**rules))
