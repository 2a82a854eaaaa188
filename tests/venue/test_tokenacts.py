"""The operator's words for acts on tokens: each becomes its command, each wrong cell is named."""

from datetime import date

import pytest

from market.commands import Command, DepositUnits
from market.errors import BadInput
from market.ids import InstrumentId, ParticipantId
from market.quantities import Sen, Units
from market.token_acts import (
    DeclareDistribution,
    ForceTransfer,
    FreezeAccount,
    RedeemIssue,
    RedeemUnits,
    RegisterHolder,
    RenewAccountKey,
    RevokeAccountKey,
    SetReceiving,
    SetStation,
    Station,
    TransferGround,
)
from venue.actfile import read_act
from venue.tokenacts import NEEDS

KH01, A, B = InstrumentId("KH01"), ParticipantId("FIRM-A"), ParticipantId("FIRM-B")
FIRST, LAST = date(2026, 11, 24), date(2026, 11, 26)
CELLS = {
    "state": "closing", "instrument": "KH01", "participant": "FIRM-A", "taker": "FIRM-B",
    "units": "10", "price": "12.34", "record_date": "2026-11-24", "payment_date": "2026-11-26",
    "from": "2026-11-24", "until": "2026-11-26", "reference": "ref-1", "reason": "why",
}  # fmt: skip


def of_a_firm(kind: type, **switch: bool) -> Command:
    """A switch of A in KH01."""
    made: Command = kind(participant_id=A, instrument_id=KH01, reason="why", **switch)
    return made


def by_law(ground: TransferGround) -> ForceTransfer:
    """Ten units from A to B."""
    return ForceTransfer(
        instrument_id=KH01, giver=A, taker=B, quantity_units=Units(10), ground=ground,
        reference="ref-1", reason="why",
    )  # fmt: skip


COMMANDS: dict[str, Command] = {
    "station": SetStation(station=Station.CLOSING, reason="why"),
    "freeze": of_a_firm(FreezeAccount, frozen=True),
    "unfreeze": of_a_firm(FreezeAccount, frozen=False),
    "receive": of_a_firm(SetReceiving, receives=True),
    "refuse_receipt": of_a_firm(SetReceiving, receives=False),
    "register_holder": of_a_firm(RegisterHolder, registered=True),
    "forget_holder": of_a_firm(RegisterHolder, registered=False),
    "renew_key": RenewAccountKey(
        participant_id=A, valid_from=FIRST, valid_until=LAST, reason="why"
    ),
    "revoke_key": RevokeAccountKey(participant_id=A, reason="why"),
    "renew_node_key": RenewAccountKey(
        participant_id=A, valid_from=FIRST, valid_until=LAST, reason="why", node=True
    ),
    "revoke_node_key": RevokeAccountKey(participant_id=A, reason="why", node=True),
    "allot": DepositUnits(
        participant_id=A, instrument_id=KH01, quantity_units=Units(10), reference="ref-1"
    ),
    "forced_transfer": by_law(TransferGround.LEGAL_ORDER),
    "succession": by_law(TransferGround.SUCCESSION),
    "redeem": RedeemUnits(
        instrument_id=KH01, participant_id=A, quantity_units=Units(10), price_sen=Sen(1_234),
        reference="ref-1",
    ),
    "redeem_issue": RedeemIssue(instrument_id=KH01, price_sen=Sen(1_234), reference="ref-1"),
    "distribution": DeclareDistribution(
        instrument_id=KH01, price_sen=Sen(1_234), record_date=FIRST, payment_date=LAST,
        reference="ref-1",
    ),
}  # fmt: skip


def cells(act: str, **other: str) -> dict[str, str]:
    """What an act needs, with some cells replaced."""
    return {"act": act} | {name: CELLS[name] for name in NEEDS[act]} | other


@pytest.mark.parametrize("act", NEEDS)
def test_an_act_is_its_command(act: str) -> None:
    """One row of the table, one command."""
    assert read_act(cells(act), "here") == COMMANDS[act]


@pytest.mark.parametrize(("act", "column"), [(act, c) for act, need in NEEDS.items() for c in need])
def test_every_cell_of_an_act_is_needed(act: str, column: str) -> None:
    """A missing one is named; one the act has no use for is named too."""
    missing = cells(act)
    del missing[column]
    with pytest.raises(BadInput, match=rf"here, {column}: {act} needs it"):
        read_act(missing, "here")
    with pytest.raises(BadInput, match=rf"here, executable: {act} has none"):
        read_act(cells(act, executable="yes"), "here")


@pytest.mark.parametrize(
    ("act", "column", "text"),
    [
        ("station", "state", "ajar"),
        ("renew_key", "from", "24.11.2026"),
        ("renew_key", "until", "20261126"),
        ("distribution", "record_date", "2026-02-30"),
        ("distribution", "payment_date", "tomorrow"),
        ("distribution", "price", "-1"),
        ("redeem", "price", "0"),
        ("redeem", "units", "0"),
        ("redeem", "units", "-3"),
        ("redeem", "units", "2147483648"),
        ("redeem", "units", "９"),
        ("forced_transfer", "units", "1.5"),
        ("allot", "units", "ten"),
    ],
)
def test_a_cell_that_cannot_be_read_is_named(act: str, column: str, text: str) -> None:
    """By place and column; nothing becomes a command."""
    with pytest.raises(BadInput, match=f"here, {column}"):
        read_act(cells(act, **{column: text}), "here")
