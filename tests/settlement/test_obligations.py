"""Every trade becomes one delivery, gross."""

from datetime import date

import pytest
from settlement_story import ST1, A, B, trade_of

from market.errors import InvariantBroken
from settlement.obligations import Obligations

DUE = date(2026, 11, 4)


def test_a_trade_becomes_one_delivery_with_its_terms() -> None:
    """The seller owes the units, the buyer the consideration, on the settlement date."""
    created = Obligations().from_trade(trade_of(trade_id=5, units=3, price_sen=10_000), DUE)

    assert (created.delivery_id, created.trade_id, created.instrument_id) == (1, 5, ST1)
    assert (created.seller, created.buyer) == (A, B)
    assert (created.quantity_units, created.amount_yen) == (3, 300)
    assert created.settlement_date == DUE


@pytest.mark.parametrize(("price_sen", "yen"), [(99, 0), (100, 1), (199, 1), (10_050, 100)])
def test_the_consideration_is_whole_yen_rounded_down(price_sen: int, yen: int) -> None:
    """Sen below a yen are nobody's."""
    created = Obligations().from_trade(trade_of(units=1, price_sen=price_sen), DUE)

    assert created.amount_yen == yen


def test_nothing_is_netted() -> None:
    """Two opposite trades are two deliveries, numbered in order."""
    book = Obligations()

    ids = [
        book.from_trade(trade_of(trade_id=1, buyer=A, seller=B), DUE).delivery_id,
        book.from_trade(trade_of(trade_id=2, buyer=B, seller=A), DUE).delivery_id,
    ]

    assert ids == [1, 2]


def test_a_trade_is_delivered_once() -> None:
    """I10: the same trade again is a defect, and makes no second delivery."""
    book = Obligations()
    book.from_trade(trade_of(trade_id=1), DUE)
    before = book.state()

    with pytest.raises(InvariantBroken, match="I10"):
        book.from_trade(trade_of(trade_id=1), DUE)

    assert book.state() == before
