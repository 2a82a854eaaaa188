"""Weeks by chance in which everything happens to a delivery at once, under rules drawn by seed.

Parts, penalties, buy-in, compensation, consent and reversal meet frozen accounts, a closed station,
redeemed issues, every kind of money and a failed issuer. Sides are spoken for by the operator, and by the
firms themselves in their sessions. Which of them is first is left to chance;
invariants, conservation and an auditor that knows only events are asked after every command.
"""

from collections import Counter
from collections.abc import Callable
from random import Random

import pytest
from msgspec.structs import replace
from said_words import Words
from token_chance import FIRMS, Oracle, TokenChance

from market.commands import (
    ActOnDelivery,
    AffirmDelivery,
    BuyIn,
    Command,
    ConsentToCancel,
    DeliveryAct,
    ReverseDelivery,
    SetDeliveryHold,
    SetDeliveryParts,
    WithdrawYen,
)
from market.events import CommandRefused, Event, RequestRejected, RequestRepeated
from market.ids import ClientOrderId, DeliveryId, ParticipantId, SessionId
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
        rules = self.story.core.rules
        self.words = Words(
            affirmation=rules.affirmation.value, parts=rules.partial_settlement.value
        )
        self.read = 0
        self.asked: dict[ClientOrderId, ActOnDelivery] = {}
        self.answers: Counter[str] = Counter()

    def do(self, command: Command) -> list[Event]:
        """One command; a firm's word is answered as the list of what was said works out."""
        story = self.story
        if not isinstance(command, ActOnDelivery):
            return super().do(command)
        for event in story.events[self.read :]:
            self.words.read([event])
        self.read = len(story.events)
        wanted = {self.words.expect(command.participant_id, command.act)}
        if wanted == {"done"} and self.words.ends(command.act):
            wanted |= {"STATION_CLOSED", "TRANSFER_RESTRICTED"}  # the platform's to say
        if command.client_request_id in self.asked:
            wanted = {"repeated"}
        self.asked[command.client_request_id] = command
        before = story.state()
        events = super().do(command)
        first = events[0]
        answer = "repeated" if isinstance(first, RequestRepeated) else "done"
        if isinstance(first, RequestRejected):
            answer = first.reason.value
        assert answer in wanted, (command, wanted)
        assert answer == "done" or story.state() == before, "a refusal moves nothing"
        self.answers[answer] += 1
        return events

    def _open(self) -> None:
        """A new day: names may be used again."""
        super()._open()
        self.asked = {}

    def _something(self) -> None:
        """What happens in these days, and then often a firm's own word."""
        super()._something()
        while self.draw.random() < 0.5:
            self.do(self._own_word())

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

    def _own_word(self) -> Command:
        """A firm speaks by its session: mostly of what is its own, sometimes again, sometimes wrongly."""
        draw = self.draw
        if self.asked and draw.random() < 0.1:
            return replace(draw.choice(list(self.asked.values())), req_id="again")
        delivery = self.story.core.settlement.deliveries.get(self._any())
        side = draw.choice(tuple(Side))
        firm, delivery_id = draw.choice(FIRMS), DeliveryId(10**6)
        if delivery is not None:
            delivery_id = delivery.terms.delivery_id
            if draw.random() < 0.9:
                terms = delivery.terms
                firm = terms.buyer if (side is Side.BUY) is (draw.random() < 0.95) else terms.seller
        return self._of_firm(firm, self._say(delivery_id, side))

    def _say(self, name: DeliveryId, side: Side) -> DeliveryAct:
        on = self.draw.random() < 0.5
        acts: tuple[DeliveryAct, ...] = (
            AffirmDelivery(delivery_id=name, side=side),
            AffirmDelivery(delivery_id=name, side=side),
            ConsentToCancel(delivery_id=name, side=side, reason="own"),
            ReverseDelivery(delivery_id=name, side=side, reason="own"),
            ReverseDelivery(delivery_id=name, side=side, reason="own"),
            SetDeliveryHold(delivery_id=name, side=side, held=on),
            SetDeliveryParts(delivery_id=name, side=side, allowed=on),
        )
        return self.draw.choice(acts)

    def _of_firm(self, firm: ParticipantId, act: DeliveryAct) -> ActOnDelivery:
        return ActOnDelivery(
            participant_id=firm, session_id=SessionId(f"{firm}-1"), generation=1, req_id="w",
            client_request_id=ClientOrderId(self._reference()), act=act,
        )  # fmt: skip

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
    answers: Counter[str] = Counter()
    for seed in range(40):
        chance = LifeChance(seed)
        chance.play(days=6, busy=7)
        answers += chance.answers
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
    own = (
        "done repeated ACT_UNSUPPORTED UNKNOWN_INSTRUCTION NOT_OWN_SIDE DUPLICATE ALREADY_FINAL "
        "NOT_SETTLED ALREADY_REVERSED"
    )
    assert [answer for answer in own.split() if not answers[answer]] == []
