"""Random requests to the platform: whatever is asked, the books agree, and both modes answer alike."""

import random
from typing import Any

import pytest
from settlement_story import ST1, ST2
from test_progmat_requests import World

from market.token_acts import OperatingMode, Station
from settlement.ledger import HoldId
from settlement.progmat import views
from settlement.progmat.platform import ADMINISTRATOR, NOTARY
from settlement.progmat.records import TransferType
from settlement.progmat.requests import Receipt
from settlement.progmat.tables import personal_data
from settlement.refusals import Refusal
from settlement.register import ISSUER
from settlement.transfer_control import InFlight

NAMES = ("a1", "a2", "b1", ISSUER, "zz")
CREATORS = ("CA", "CB", ADMINISTRATOR, NOTARY, "FIRM", "zz")


def chosen(chance: random.Random) -> dict[str, Any]:
    """Half of the time what is right but for one field, else anything."""
    fields: dict[str, Any] = {
        "creator": chance.choice(CREATORS),
        "transfer_type": chance.choice(list(TransferType)),
        "giver": chance.choice(NAMES),
        "taker": chance.choice(NAMES),
        "quantity_units": chance.choice((0, 1, 7, 60, 10**6)),
        "instrument_id": chance.choice((ST1, ST2)),
        "cancel_target": f"R-{chance.randint(1, 60)}",
    }
    if chance.random() < 0.5:
        return fields
    name = chance.choice(["taker", "quantity_units", "cancel_target"])
    return {name: fields[name]}


def run(seed: int, mode: OperatingMode) -> tuple[World, list[object]]:
    """Requests, with switches and holds between them; every refusal leaves no trace."""
    world = World(mode=mode)
    chance = random.Random(seed)
    told: list[object] = []
    for step in range(120):
        turn = chance.randrange(12)
        world.platform.at_ns = step
        if turn == 0:
            world.platform.set_control(
                "TC", executable=chance.random() < 0.7, in_flight=InFlight.DRAIN,
                actor="ops", reason="test",
            )  # fmt: skip
        elif turn == 1:
            target = chance.choice([*Station, *[Station.OPENING, Station.OPEN] * 5])
            told.append(world.platform.switch_station(target, actor="o", reason="t"))
        elif turn == 2 and world.one.can_give("a1", 3):
            world.one.hold(HoldId(f"H-{step}"), "a1", "b1", 3)
        elif turn == 3 and world.one.live_holds:
            hold_id = next(iter(world.one.live_holds))
            if world.platform.station.station is not Station.EMERGENCY:
                world.one.void_hold(hold_id)
        else:
            told.append(world.ask(world.request(**chosen(chance))))
    return world, told


@pytest.mark.parametrize("seed", range(4))
def test_both_modes_answer_a_random_day_alike(seed: int) -> None:
    """Same answers, same registers, same chain; nothing personal; every signature verifies."""
    one, told_one = run(seed, OperatingMode.API_OPENING)
    two, told_two = run(seed, OperatingMode.NODE_OPENING)

    assert told_one == told_two
    assert any(isinstance(answer, Receipt) for answer in told_one)
    assert len({answer for answer in told_one if isinstance(answer, Refusal)}) >= 4
    assert one.picture() == two.picture()
    one.platform.check_audit()
    two.platform.check_audit()
    assert all(personal_data(made) == [] for made in two.platform.transactions.values())


def test_reading_moves_nothing() -> None:
    """I25: no view, no check, and no audit changes a leg."""
    world, _ = run(1, OperatingMode.NODE_OPENING)
    before = (world.picture(), len(world.platform.transactions))

    for asker in CREATORS:
        views.transfers(world.platform, asker)
        views.consumed(world.platform, asker)
        views.register_view(world.platform, asker, ST1)
        views.own_transfers(world.platform, asker, "a1")
    views.backchain_leaks(world.platform)
    world.one.check_invariants()
    world.platform.check_audit()
    world.one.can_give("a1", 1)

    assert (world.picture(), len(world.platform.transactions)) == before
