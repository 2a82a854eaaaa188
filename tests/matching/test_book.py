"""The board: priority, totals, O(1) leaving from anywhere, and invariants that notice damage."""

import random
from typing import Any

import pytest

from market.errors import InvariantBroken
from market.quantities import Sen, Units
from market.words import OrderKind, SelfTradeMode, Side, Validity
from matching.book import Book, SortedBook
from matching.order import Order, owner_of


def an_order(number: int, side: Side, price: int, units: int, owner: str = "A") -> Order:
    """An order with nothing but what a book looks at; price 0 makes it a market order."""
    kind = OrderKind.LIMIT if price else OrderKind.MARKET
    names = (number, owner, f"{owner}-1", f"C{number}", "", "ST01")
    values: tuple[Any, ...] = (*names, side, kind, price, units, units)
    values += (Validity.DAY, SelfTradeMode.ALLOW_REPORT, owner)
    return Order(*values)


def book_of(*orders: Order) -> SortedBook:
    """A book with these orders resting, added in this order."""
    book = SortedBook({})
    for order in orders:
        book.add(order)
    book.check_invariants()
    return book


def numbers(book: Book, side: Side) -> list[int]:
    """Order ids of a side by priority."""
    return [order.order_id for order in book.queue(side)]


def test_priority_is_market_then_price_then_time() -> None:
    """Market orders come before every price, better prices before worse, earlier before later."""
    book = book_of(
        *(an_order(n, Side.BUY, price, 1) for n, price in enumerate((99, 101, 0, 101, 0, 100)))
    )
    book_of_sells = book_of(
        *(an_order(n, Side.SELL, price, 1) for n, price in enumerate((99, 101, 0, 101, 0, 100)))
    )

    assert numbers(book, Side.BUY) == [2, 4, 1, 3, 5, 0]
    assert numbers(book_of_sells, Side.SELL) == [2, 4, 0, 5, 1, 3]


def test_levels_show_units_and_count_and_leave_market_orders_out() -> None:
    """Totals are by price; market orders are asked for by themselves."""
    book = book_of(
        an_order(1, Side.SELL, 101, 3),
        an_order(2, Side.SELL, 0, 7),
        an_order(3, Side.SELL, 101, 4),
        an_order(4, Side.SELL, 103, 1),
    )

    assert book.levels(Side.SELL) == [(101, 7, 2), (103, 1, 1)]
    assert (book.market_units(Side.SELL), book.market_units(Side.BUY)) == (7, 0)
    assert (book.best(Side.SELL), book.best(Side.BUY)) == (101, None)
    assert book.price_range() == (101, 103)


@pytest.mark.parametrize("leaving", [1, 2, 3], ids=["front", "middle", "back"])
def test_an_order_leaves_from_anywhere_and_the_others_keep_their_places(leaving: int) -> None:
    """After a removal the rest of the queue is as it was."""
    orders = [an_order(n, Side.BUY, 100, n) for n in (1, 2, 3)]
    book = book_of(*orders)

    book.remove(orders[leaving - 1])

    book.check_invariants()
    assert numbers(book, Side.BUY) == [n for n in (1, 2, 3) if n != leaving]
    assert book.levels(Side.BUY) == [(100, 6 - leaving, 2)]
    assert leaving not in book.index


def test_the_last_order_takes_its_level_along() -> None:
    """An empty level is gone, and the next price is the best."""
    best = an_order(1, Side.SELL, 100, 1)
    book = book_of(best, an_order(2, Side.SELL, 105, 1))

    book.remove(best)

    book.check_invariants()
    assert book.best(Side.SELL) == 105
    assert [level.price_sen for level in book.levels(Side.SELL)] == [105]


def test_a_reduced_order_keeps_its_place() -> None:
    """Less quantity costs no priority."""
    first = an_order(1, Side.BUY, 100, 5)
    book = book_of(first, an_order(2, Side.BUY, 100, 5))

    book.reduce(first, Units(3))

    book.check_invariants()
    assert numbers(book, Side.BUY) == [1, 2]
    assert book.levels(Side.BUY) == [(100, 7, 2)]


def test_match_fills_best_first_up_to_the_limit() -> None:
    """Three levels, a limit at the second: both are swept, the third is not touched."""
    book = book_of(*(an_order(n, Side.SELL, price, 4) for n, price in enumerate((100, 101, 102))))
    incoming = an_order(9, Side.BUY, 101, 10)

    fills = book.match(incoming, None)

    book.check_invariants()
    assert [(resting.order_id, units) for resting, units in fills] == [(0, 4), (1, 4)]
    assert incoming.leaves_units == 2
    assert numbers(book, Side.SELL) == [2]


def test_match_stops_in_front_of_the_named_owner() -> None:
    """Orders behind an own order are out of reach until the engine has dealt with it."""
    own = an_order(2, Side.SELL, 100, 4, owner="ME")
    book = book_of(an_order(1, Side.SELL, 100, 4), own, an_order(3, Side.SELL, 100, 4))
    incoming = an_order(9, Side.BUY, 0, 10, owner="ME")

    fills = book.match(incoming, "ME")

    assert [(resting.order_id, units) for resting, units in fills] == [(1, 4)]
    assert (incoming.leaves_units, book.next_match(incoming)) == (6, own)
    book.check_invariants()


AVAILABLE = {
    "everyone's": (None, False, 12),
    "up to the first own order": ("ME", False, 4),
    "passing own orders over": ("ME", True, 8),
}


@pytest.mark.parametrize("case", AVAILABLE)
def test_available_counts_what_the_owner_rule_leaves(case: str) -> None:
    """Units in reach, with own orders counted, ending the count, or passed over."""
    owner, skip, expected = AVAILABLE[case]
    book = book_of(
        an_order(1, Side.SELL, 100, 4),
        an_order(2, Side.SELL, 100, 4, owner="ME"),
        an_order(3, Side.SELL, 101, 4),
        an_order(4, Side.SELL, 102, 9),
    )

    incoming = an_order(9, Side.BUY, 101, 20, owner="ME")

    assert book.available(incoming, owner, skip_owner=skip) == expected
    incoming.leaves_units = Units(3)
    assert book.available(incoming, owner, skip_owner=skip) == 3


def test_nothing_changes_an_order_that_does_not_rest() -> None:
    """Removing or reducing an order twice is a defect of the caller and stops the venue."""
    order = an_order(1, Side.BUY, 100, 5)
    book = book_of(order)
    book.remove(order)

    with pytest.raises(InvariantBroken, match="resting"):
        book.remove(order)
    with pytest.raises(InvariantBroken, match="resting"):
        book.reduce(order, Units(1))


@pytest.mark.parametrize("seed", range(20))
def test_a_book_under_random_use_keeps_its_invariants(seed: int) -> None:
    """Adds, removals, reductions, executions and sweeps leave links, totals and index right."""
    draw = random.Random(seed)
    book = SortedBook({})
    for number in range(300):
        resting = list(book.index.values())
        what = draw.random()
        if what < 0.55 or not resting:
            price = draw.choice([0, *range(95, 106)])
            book.add(an_order(number, draw.choice(list(Side)), price, draw.randint(1, 9)))
        elif what < 0.70:
            book.remove(draw.choice(resting))
        elif what < 0.80:
            order = draw.choice(resting)
            book.reduce(order, Units(draw.randint(0, order.leaves_units - 1)))
        elif what < 0.90:
            order = draw.choice(resting)
            book.execute(order, Units(draw.randint(1, order.leaves_units)))
        else:
            incoming = an_order(number, draw.choice(list(Side)), draw.randint(95, 105), 30)
            before = sum(order.leaves_units for order in resting)
            traded = sum(units for _, units in book.match(incoming, None))
            assert traded + incoming.leaves_units == 30
            assert before - traded == sum(one.leaves_units for one in book.index.values())
        book.check_invariants()


def test_damage_is_noticed() -> None:
    """A total, a link or the index changed behind the book's back fails its check."""
    for damage in ("units", "count", "index", "rank"):
        order = an_order(1, Side.BUY, 100, 5)
        book = book_of(order, an_order(2, Side.BUY, 100, 5))
        level = order.level
        assert level is not None
        if damage == "units":
            level.units += 1
        elif damage == "count":
            level.count += 1
        elif damage == "index":
            del book.index[order.order_id]
        else:
            book._buys.best_rank = 7
        with pytest.raises(InvariantBroken):
            book.check_invariants()


def test_an_owner_is_the_firm_or_its_account() -> None:
    """Whether two accounts of a firm are one owner is the preset's choice."""
    firm, other = "FIRM", "OTHER"

    assert owner_of(firm, "X", by_account=True) != owner_of(firm, "Y", by_account=True)  # type: ignore[arg-type]
    assert owner_of(firm, "X", by_account=False) == owner_of(firm, "Y", by_account=False)  # type: ignore[arg-type]
    assert owner_of(firm, "", by_account=True) != owner_of(other, "", by_account=True)  # type: ignore[arg-type]
    assert book_of().price_range() is None
    assert book_of().state() == {"buy": [], "sell": []}
    assert book_of(an_order(1, Side.BUY, 0, 1)).best(Side.BUY) is None
    assert book_of(an_order(1, Side.BUY, 0, 1), an_order(2, Side.BUY, 9, 1)).best(Side.BUY) == Sen(
        9
    )
