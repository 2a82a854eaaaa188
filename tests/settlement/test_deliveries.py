"""The book of deliveries: a stage is given what is due, by id, and looks at nothing else."""

import random
from collections.abc import Iterator
from datetime import date, timedelta

import pytest
from settlement_story import ST1, issue

from market.errors import InvariantBroken
from market.events import DeliveryAction, Trade
from market.ids import DeliveryId, OrderId, ParticipantId, TradeId
from market.quantities import Sen, Units
from market.reasons import FailReason
from settlement.cash import Cash
from settlement.deliveries import Deliveries
from settlement.delivery import GROSS_ATOMIC_LIFE, Delivery
from settlement.money.kinds import money_of
from settlement.register import Register

DAY = date(2026, 11, 2)


def trade(number: int) -> Trade:
    """One trade of two firms."""
    return Trade(
        trade_id=TradeId(number), instrument_id=ST1, price_sen=Sen(10_000),
        quantity_units=Units(1), seller=ParticipantId("S"), buyer=ParticipantId("B"),
        buy_order_id=OrderId(2 * number), sell_order_id=OrderId(2 * number + 1),
        buy_leaves_units=Units(0), sell_leaves_units=Units(0), cross=True,
    )  # fmt: skip


def end(book: Deliveries, delivery: Delivery) -> None:
    """Cancel it, as a design would."""
    book.tell([delivery.move(GROSS_ATOMIC_LIFE, DeliveryAction.CANCEL, FailReason.CANCELED)])


@pytest.mark.parametrize("seed", range(6))
def test_due_is_what_a_look_at_everything_finds(seed: int) -> None:
    """Opened and ended in any order, on any dates: the same deliveries, in order of id."""
    chance = random.Random(seed)
    book = Deliveries()
    for number in range(1, 300):
        book.create(trade(number), DAY + timedelta(days=chance.randrange(5)))
        while chance.random() < 0.5 and book.under_way:
            end(book, chance.choice(list(book.under_way.values())))
        book.check_invariants({ST1: Register(issue(ST1))}, Cash(money_of()))
        for offset in range(-1, 6):
            today = DAY + timedelta(days=offset)
            assert book.due(today) == [
                one
                for _, one in sorted(book.by_id.items())
                if not one.is_over and one.terms.settlement_date <= today
            ]


def test_a_stage_looks_at_nothing_that_is_not_due(monkeypatch: pytest.MonkeyPatch) -> None:
    """A thousand others open: as many looks as there are due, and one for each date."""
    book = Deliveries()
    for number in range(1, 1_001):
        book.create(trade(number), DAY + timedelta(days=1 + number % 7))
    for number in range(1_001, 1_011):
        book.create(trade(number), DAY)
    looks = 0

    class Counted(dict[object, object]):
        """Counts what is looked at."""

        def __iter__(self) -> Iterator[object]:
            nonlocal looks
            for one in super().__iter__():
                looks += 1
                yield one

        def values(self) -> Iterator[object]:  # type: ignore[override]
            nonlocal looks
            for one in super().values():
                looks += 1
                yield one

    counted = Counted({day: Counted(ones) for day, ones in book.by_date.items()})
    monkeypatch.setattr(book, "by_date", counted)
    monkeypatch.setattr(book, "under_way", Counted(book.under_way))

    assert len(book.due(DAY)) == 10
    assert looks <= 10 + 8


def test_a_delivery_out_of_its_date_is_found() -> None:
    """The check names what stands under no date, and what stands there too long."""
    book = Deliveries()
    book.create(trade(1), DAY)
    book.create(trade(2), DAY)
    strays = {DeliveryId(9): book.by_id[DeliveryId(1)]}

    book.by_date[DAY + timedelta(days=1)] = strays
    with pytest.raises(InvariantBroken, match="only open deliveries"):
        book.check_invariants({ST1: Register(issue(ST1))}, Cash(money_of()))
    del book.by_date[DAY + timedelta(days=1)]
    del book.by_date[DAY][DeliveryId(2)]
    with pytest.raises(InvariantBroken, match="stands under its date"):
        book.check_invariants({ST1: Register(issue(ST1))}, Cash(money_of()))
