"""Prices as text, exactly; roundings that never let fills exceed what was held."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from market.ids import (
    DeliveryId,
    OrderId,
    TradeId,
    delivery_id_to_text,
    order_id_to_text,
    trade_id_to_text,
)
from market.quantities import (
    MAX_PRICE_SEN,
    Sen,
    Units,
    consideration_yen_rounded_down,
    hold_yen_rounded_up,
    price_from_text,
    price_to_text,
)

QUICK = settings(max_examples=300, deadline=None, derandomize=True)
PRICES = st.integers(1, MAX_PRICE_SEN)


@QUICK
@given(PRICES)
def test_a_price_survives_its_text(price: int) -> None:
    """Every price there is reads back as itself."""
    assert price_from_text(price_to_text(Sen(price))) == price


@QUICK
@given(st.text(alphabet="0123456789.,-+eE _", max_size=14))
def test_a_text_is_a_price_only_when_it_is_a_plain_decimal(text: str) -> None:
    """What is read is what was written: no sign, exponent, comma or third decimal is guessed at."""
    price = price_from_text(text)
    if price is None:
        return
    yen, _, decimals = text.partition(".")
    assert yen.isdigit()
    assert len(decimals) <= 2
    assert price == int(yen) * 100 + int(decimals.ljust(2, "0") or "0")


@pytest.mark.parametrize(
    ("text", "price"),
    [
        ("0.01", 1),
        ("0.1", 10),
        ("0.10", 10),
        ("1", 100),
        ("101250.50", 10_125_050),
        ("21474836.46", MAX_PRICE_SEN),
        ("21474836.47", None),
        ("0", None),
        ("0.00", None),
        ("0.001", None),
        ("01", None),
        ("1.", None),
        (".5", None),
        ("-1", None),
        ("1e5", None),
        ("1,000", None),
        (" 1", None),
        ("1\n", None),
        ("１", None),
        ("", None),
    ],
)
def test_price_texts_at_the_edges(text: str, price: int | None) -> None:
    """The smallest, the largest and what only looks like a price."""
    assert price_from_text(text) == price


@pytest.mark.parametrize(
    ("price", "units", "down", "up"),
    [(100, 1, 1, 1), (99, 1, 0, 1), (101, 1, 1, 2), (50, 2, 1, 1), (33, 3, 0, 1), (150, 3, 4, 5)],
)
def test_roundings_do_what_their_names_say(price: int, units: int, down: int, up: int) -> None:
    """Consideration goes down, a hold goes up, whole yen stay."""
    assert consideration_yen_rounded_down(Sen(price), Units(units)) == down
    assert hold_yen_rounded_up(Sen(price), Units(units)) == up


@QUICK
@given(
    PRICES, st.lists(st.tuples(st.integers(1, 10_000), st.integers(0, 50)), min_size=1, max_size=8)
)
def test_fills_at_the_limit_or_better_never_exceed_the_hold(
    limit: int, fills: list[tuple[int, int]]
) -> None:
    """However an order is split, what its fills cost was held for it."""
    held = hold_yen_rounded_up(Sen(limit), Units(sum(units for units, _ in fills)))
    paid = sum(
        consideration_yen_rounded_down(Sen(max(limit - better, 1)), Units(units))
        for units, better in fills
    )
    assert paid <= held


def test_ids_carry_their_kind() -> None:
    """An order, a trade and a delivery of the same number cannot be taken for each other."""
    texts = [order_id_to_text(OrderId(7)), trade_id_to_text(TradeId(7)),
             delivery_id_to_text(DeliveryId(7))]  # fmt: skip
    assert texts == ["O-7", "T-7", "D-7"]
