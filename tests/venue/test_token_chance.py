"""Days by chance: whatever the operator does to tokens, the market stays whole and replays."""

from collections import Counter

import pytest
from token_chance import TokenChance

from market.events import CommandRefused


@pytest.mark.parametrize("seed", range(12))
def test_days_of_acts_by_chance_keep_every_promise(seed: int) -> None:
    """Invariants, auditor and oracle after each command; the journal replays to the digest."""
    chance = TokenChance(seed)
    chance.play(days=5, busy=7)
    chance.story.replay()


def test_the_days_by_chance_are_not_idle() -> None:
    """Over the seeds every act happens and every refusal of this room is met."""
    told: Counter[str] = Counter()
    for seed in range(24):
        chance = TokenChance(seed)
        chance.play(days=5, busy=7)
        for event in chance.story.events:
            told[type(event).__name__] += 1
            if isinstance(event, CommandRefused):
                told[event.reason.value] += 1
    wanted = (
        "StationSet AccountFrozen ReceivingSet HolderRegistered AccountKeySet TransferForced "
        "UnitsRedeemed DistributionDeclared RecordDateTaken DistributionPaid ClaimChanged "
        "ACT_UNSUPPORTED STATION_CLOSED TRANSFER_RESTRICTED NOT_REGISTERED "
        "INSUFFICIENT_HOLDING DUPLICATE OUT_OF_RANGE INVALID_COMBINATION"
    )
    assert [name for name in wanted.split() if not told[name]] == []
