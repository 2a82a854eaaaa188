"""One day, issues on different token platforms: the market must not notice, the books must agree."""

import io
from pathlib import Path
from typing import Any, get_args

import pytest

from market.commands import Command, Entry
from market.events import (
    CommandRefused,
    DeliveryChanged,
    DeliveryState,
    Event,
    InstrumentListed,
    Reconciled,
    Trade,
)
from market.ids import InstrumentId
from market.instrument import TokenPlatform
from market.reasons import FailReason, RejectReason
from market.token_acts import (
    ClaimChanged,
    ClaimState,
    DistributionPaid,
    OperatingMode,
    RecordDateTaken,
    TokenAct,
    TransferForced,
    UnitsRedeemed,
)
from participants.orderflow import generated_day
from settlement.ibet.register import IbetRegister
from settlement.progmat.register import ProgmatRegister
from settlement.register import Register
from venue.actfile import parse_acts
from venue.core import Core
from venue.journal import Journal, read_entries
from venue.recovery import verify
from venue.sample import sample_settings
from venue.settings import TokensSettings
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


# --- a day on which everything happens to tokens

ACTS = """\
day,time,act,instrument,participant,taker,units,price,record_date,payment_date,state,from,until,reference,reason
1,08:30:00,distribution,KH01,,,,123.45,2026-11-24,2026-11-27,,,,dist-1,
1,08:30:00,distribution,KH02,,,,67.89,2026-11-26,2026-11-27,,,,dist-2,
1,11:00:00,forced_transfer,KH01,FIRM-A,FIRM-B,20,,,,,,,order-1,court
1,11:00:01,succession,KH02,FIRM-B,FIRM-C,10,,,,,,,heir-1,heir
1,11:00:02,allot,KH01,FIRM-C,,5,,,,,,,allot-1,
1,11:00:03,freeze,KH02,FIRM-A,,,,,,,,,,court
3,08:00:00,freeze,KH01,FIRM-A,,,,,,,,,,court
3,08:00:00,forget_holder,KH02,FIRM-C,,,,,,,,,,moved
3,10:30:00,station,,,,,,,,closing,,,,upkeep
4,08:00:00,station,,,,,,,,closed,,,,upkeep
4,08:00:01,station,,,,,,,,opening,,,,upkeep
4,08:00:02,station,,,,,,,,open,,,,upkeep
4,08:00:03,unfreeze,KH01,FIRM-A,,,,,,,,,,over
4,08:00:04,register_holder,KH02,FIRM-C,,,,,,,,,,known
4,08:00:05,renew_key,,FIRM-C,,,,,,,2026-11-01,2026-12-31,,yearly
4,17:00:00,redeem,KH01,FIRM-B,,7,100000.05,,,,,,redeem-1,
4,17:00:01,redeem_issue,KH02,,,,99000,,,,,,end-2,
"""


def told(steps: list[tuple[Entry, list[Event]]], kind: type) -> list[Any]:
    """The events of one kind."""
    return [event for _, events in steps for event in events if isinstance(event, kind)]


def token_day(
    *,
    signed: bool,
    mode: OperatingMode = OperatingMode.NODE_OPENING,
    journal: Journal | None = None,
) -> tuple[Core, list[tuple[Entry, list[Event]]]]:
    """The generated day on both platforms with every act of the table above."""
    plain = sample_settings("start", 7)
    issues = [
        one.model_copy(update={"platform": PLACES.get(one.instrument_id, TokenPlatform.PLAIN)})
        for one in plain.issues
    ]
    tokens = TokensSettings(signed=signed, mode=mode)
    intents = generated_day(seed=11, orders=600)
    acts = parse_acts(io.StringIO(ACTS), "acts")
    steps: list[tuple[Entry, list[Event]]] = []

    def on(day: int) -> list[tuple[int, Command]]:
        return [(at_ms, command) for number, at_ms, command in acts if number == day]

    core = Simulation(
        plain.model_copy(update={"issues": issues, "tokens": tokens}), journal=journal,
        seen=lambda entry, events: steps.append((entry, events)),
    ).run(lambda number: intents if number == 1 else (), on)  # fmt: skip
    core.check_invariants()
    return core, steps


def test_on_one_day_everything_happens_to_tokens_and_the_books_agree() -> None:
    """Station, freeze, unknown holder, law, redemption, distribution and claims beside signed deliveries."""
    core, steps = token_day(signed=True)
    refused = told(steps, CommandRefused)
    assert [event.reason for event in refused] == [RejectReason.ACT_UNSUPPORTED]
    assert len(told(steps, TransferForced)) == 2
    failed = {
        event.reason for event in told(steps, DeliveryChanged)
        if event.state is DeliveryState.FAILING
    }  # fmt: skip
    assert failed == {FailReason.ACCOUNT_FROZEN, FailReason.NOT_REGISTERED}
    assert core.open_deliveries() == 0, "what waited was delivered the day after"
    assert [event.reference for event in told(steps, RecordDateTaken)] == ["dist-1", "dist-2"]
    assert [event.reference for event in told(steps, DistributionPaid)] == ["dist-1", "dist-2"]
    claims = told(steps, ClaimChanged)
    opened = [claim for claim in claims if claim.state is ClaimState.OPEN]
    paid = [claim for claim in claims if claim.state is ClaimState.PAID]
    assert len(opened) == len(paid) > 0
    assert all(not event.breaks for event in told(steps, Reconciled))
    first, second = told(steps, UnitsRedeemed)
    assert (first.quantity_units, second.issued_units) == (7, 2_200)
    assert "redeemed" in core.conservation()[1]
    platform = core.settlement.registers[InstrumentId("KH01")]
    assert isinstance(platform, ProgmatRegister)
    platform.platform.check_audit()
    moved = [
        one for one in platform.platform.transactions.values() if one.info.transfer_type == "sale"
    ]
    assert all(len(one.node_signature) == 64 for one in moved)
    assert len(moved) >= 10


def test_the_day_of_acts_replays_and_does_not_mind_who_runs_the_nodes(tmp_path: Path) -> None:
    """The journal holds every act and leads to one digest, which is that of the other mode too."""
    with Journal(tmp_path) as journal:
        core, _ = token_day(signed=True, journal=journal)
    assert verify(tmp_path).digest == core.digest()
    one_operator, _ = token_day(signed=True, mode=OperatingMode.API_OPENING)
    assert one_operator.digest() == core.digest()
    acts = [one for one in read_entries(tmp_path) if isinstance(one.command, get_args(TokenAct))]
    assert len(acts) == len(ACTS.splitlines()) - 2, (
        "beside the first line, the allotment is a deposit"
    )


def test_unsigned_the_day_of_acts_has_the_same_owners() -> None:
    """Without signatures there are no keys to renew; units and yen are where they were."""
    signed, _ = token_day(signed=True)
    unsigned, steps = token_day(signed=False)
    refused = [event.reason for event in told(steps, CommandRefused)]
    assert refused == [RejectReason.ACT_UNSUPPORTED, RejectReason.ACT_UNSUPPORTED]
    assert unsigned.conservation() == signed.conservation()
    for name, register in unsigned.settlement.registers.items():
        assert register.holders() == signed.settlement.registers[name].holders()
