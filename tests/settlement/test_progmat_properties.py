"""Random requests to the platform: whatever is asked, the books agree, and both modes answer alike."""

import random
from typing import Any

import pytest
from settlement_story import ST1, ST2
from test_progmat_requests import World

from market.token_acts import OperatingMode, Station
from settlement.ledger import HoldId
from settlement.progmat import views
from settlement.progmat.parties import ADMINISTRATOR, NOTARY
from settlement.progmat.records import TransferType
from settlement.progmat.tables import personal_data
from settlement.progmat.transfer_request import CashLeg, Receipt
from settlement.refusals import Refusal
from settlement.register import ISSUER
from settlement.transfer_control import InFlight

ACTS = (
    TransferType.SALE,
    TransferType.COLLATERAL,
    TransferType.COLLATERAL_RETURN,
    TransferType.CUSTODY_MOVE,
    TransferType.LEGAL_ORDER,
    TransferType.SUCCESSION,
)
NAMES = ("a1", "a2", "b1", ISSUER, "zz")
CREATORS = ("CA", "CB", ADMINISTRATOR, NOTARY, "FIRM", "zz")


def chosen(chance: random.Random) -> dict[str, Any]:
    """A third of the time a good gift but for one field, a third a good act, else anything."""
    giver, taker = chance.choice(NAMES), chance.choice(NAMES)
    kind, units = chance.choice(list(TransferType)), chance.choice((0, 1, 7, 60, 10**6))
    turn = chance.randrange(3)
    if turn == 0:
        return chance.choice(({"taker": taker}, {"quantity_units": units}))
    if turn == 1:
        kind = chance.choice(ACTS)
        giver, taker = chance.choice((("a1", "b1"), ("b1", "a1")))
        units = chance.choice((1, 7))
    ruled = kind in {TransferType.LEGAL_ORDER, TransferType.SUCCESSION}
    fields: dict[str, Any] = {
        "creator": chance.choice(CREATORS),
        "transfer_type": kind,
        "giver": giver,
        "taker": taker,
        "quantity_units": units,
        "authority": "C-1" if ruled else "",
    }
    if turn == 1:
        fields["creator"] = ADMINISTRATOR if ruled else {"a1": "CA", "b1": "CB"}[giver]
    else:
        fields["instrument_id"] = chance.choice((ST1, ST2))
    if kind is TransferType.SALE:
        fields["cash"] = CashLeg(payer=taker, payee=giver, amount_yen=chance.choice((1, 90)))
    return fields


def undone(chance: random.Random, world: World) -> dict[str, Any]:
    """A cancel of some earlier transfer, right in most fields."""
    name = chance.choice(["none", *world.counter.trades])
    done = world.counter.trades.get(name)
    if done is None:
        return {"transfer_type": TransferType.CANCEL, "cancel_target": name}
    info = world.platform.transactions[done.tx_id].info
    giver, taker = info.to_investor_id, info.from_investor_id
    paid = done.paid
    back = paid and CashLeg(payer=paid.payee, payee=paid.payer, amount_yen=paid.amount_yen)
    ground = chance.choice(("", "C-2"))
    return {
        "transfer_type": TransferType.CANCEL,
        "cancel_target": name,
        "creator": ADMINISTRATOR if ground else world.platform.custodians[giver],
        "giver": giver,
        "taker": taker,
        "quantity_units": info.quantity_units,
        "authority": ground,
        "cash": chance.choice((back, back, None)),
    }


def run(seed: int, mode: OperatingMode) -> tuple[World, list[object]]:
    """Requests, with switches and holds between them; every refusal leaves no trace."""
    world = World(mode=mode)
    chance = random.Random(seed)
    told: list[object] = []
    for step in range(160):
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
            fields = undone(chance, world) if turn == 4 else chosen(chance)
            told.append(world.ask(world.request(**fields), world.cash))
            assert all(units >= 0 for units in world.counter.collateral.values())
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
