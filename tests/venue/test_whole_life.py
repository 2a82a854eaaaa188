"""Weeks by chance in which everything happens to a delivery at once, under rules drawn by seed.

Parts, penalties, buy-in, compensation, consent and reversal meet frozen accounts, a closed station,
redeemed issues, every kind of money and a failed issuer. Which of them is first is left to chance;
invariants, conservation and an auditor that knows only events are asked after every command.
"""

from collections import Counter
from collections.abc import Callable
from random import Random

import pytest
from token_chance import FIRMS, Oracle, TokenChance

from market.commands import (
    AffirmDelivery,
    BuyIn,
    Command,
    ConsentToCancel,
    ReverseDelivery,
    WithdrawYen,
)
from market.events import CommandRefused, Event
from market.ids import DeliveryId
from market.quantities import Sen, Units, Yen
from market.token_acts import ForceTransfer, TransferGround
from market.words import Side


class NoOracle(Oracle):
    """The oracle of acts on tokens counts whole deliveries only, so it is not asked here."""

    def read(self, command: Command, events: list[Event]) -> None:
        """Nothing."""


class LifeChance(TokenChance):
    """Days of acts on tokens with acts on deliveries among them."""

    def __init__(self, seed: int) -> None:
        draw = Random(f"life {seed}")
        super().__init__(
            seed,
            partial_settlement=draw.random() < 0.8,
            partial_threshold_units=draw.choice((0, 0, 3)),
            affirmation=draw.random() < 0.3,
            fail_penalty_ppm_a_day=draw.choice((0, 100, 50_000)),
            fail_buy_in_days=draw.choice((0, 1, 2)),
            fail_compensation_days=draw.choice((0, 2, 3)),
            fail_purge_days=draw.choice((0, 4)),
            fail_unpaid_charge=draw.choice(("carry", "waive")),
        )
        self.oracle = NoOracle()

    def more_acts(self) -> tuple[Callable[[], Command], ...]:
        """Words of the sides, and ends of fails."""
        return (self._word, self._word, self._word, self._reverse, self._buy_in, self._buy_in,
                self._strip, self._strip, self._strip, self._empty)  # fmt: skip

    def _any(self) -> DeliveryId:
        """Most often one that is open, or one of the last two."""
        deliveries, draw = self.story.core.settlement.deliveries, self.draw
        still = [name for name, one in deliveries.items() if not one.is_over]
        if still and draw.random() < 0.6:
            return draw.choice(still)
        count = len(deliveries)
        return DeliveryId(draw.randint(max(1, count - 1), count + 1))

    def _word(self) -> Command:
        draw, delivery, side = self.draw, self._any(), self.draw.choice(tuple(Side))
        return draw.choice((
            AffirmDelivery(delivery_id=delivery, side=side),
            AffirmDelivery(delivery_id=delivery, side=side),
            ConsentToCancel(delivery_id=delivery, side=side, reason="x"),
        ))  # fmt: skip

    def _reverse(self) -> Command:
        over = [name for name, one in self.story.core.settlement.deliveries.items() if one.is_over]
        return ReverseDelivery(
            delivery_id=self.draw.choice((*over[:3], *over[-3:], DeliveryId(1))),
            side=self.draw.choice(tuple(Side)), reason="x", legal_order=self.draw.random() < 0.5,
        )  # fmt: skip

    def _strip(self) -> Command:
        """By law a firm loses nearly all it could still deliver."""
        giver, taker = self.draw.sample(FIRMS, 2)
        name = self._name()
        free = self.story.core.settlement.available_units(giver, name)
        return ForceTransfer(
            instrument_id=name, giver=giver, taker=taker,
            quantity_units=Units(max(1, free - self.draw.choice((0, 2, 9)))),
            ground=TransferGround.LEGAL_ORDER, reference=self._reference(), reason="x",
        )  # fmt: skip

    def _empty(self) -> Command:
        """A firm takes out nearly all its cash that is not held."""
        firm = self._firm()
        yen = self.story.core.settlement.available_yen(firm)
        return WithdrawYen(
            participant_id=firm, amount_yen=Yen(max(1, yen - 20_000)), reference=self._reference()
        )

    def _buy_in(self) -> Command:
        draw = self.draw
        return BuyIn(
            delivery_id=self._any(), supplier=draw.choice((*FIRMS, None)),
            price_sen=draw.choice((None, Sen(0), Sen(100_000), Sen(130_000))), reason="x",
        )  # fmt: skip


@pytest.mark.parametrize("seed", range(12))
def test_weeks_in_which_everything_happens_keep_every_promise(seed: int) -> None:
    """Nothing is created, lost or settled twice, and the journal replays to the digest."""
    chance = LifeChance(seed)
    chance.play(days=6, busy=7)
    chance.story.replay()


def test_the_weeks_are_not_idle() -> None:
    """Over the seeds nearly every end of a delivery is met; test_delivery_life.py meets the rest."""
    told: Counter[str] = Counter()
    for seed in range(40):
        chance = LifeChance(seed)
        chance.play(days=6, busy=7)
        for event in chance.story.events:
            told[type(event).__name__] += 1
            told[str(getattr(event, "reason", ""))] += 1
            if isinstance(event, CommandRefused):
                told[event.reason.value] += 1
    wanted = (
        "DeliveryFilled DeliveryAffirmed CancelConsented ReversalAsked FailCharged "
        "BuyInStarted IssuerDefaulted AccountFrozen StationSet TransferForced ClaimChanged "
        "agreed compensated purged redeemed busted station_closed account_frozen "
        "BUY_IN_NOT_DUE ALREADY_REVERSED NOT_SETTLED"
    )
    assert [name for name in wanted.split() if not told[name]] == []
