"""Defects planted into a book's text one by one: laying books side by side must find each.

A test of the tests: the kind of defect that slips through here would slip through in earnest. A
difference in an event, a state or a reading, an exception, a broken invariant and a call that does
not come back all count as found. Not in the tables: changes that no caller could notice.
"""

import pytest
from books import NewBook
from planted import Endless, Planted, at_most, planted
from side_by_side import race

from matching.book import SortedBook

BOOK = "matching/book.py"
SEEDS = range(60)
"""Seeds a defect may need, about 60,000 commands; most need a hundred."""

CALL_S = 4
"""A script takes a tenth of a second; one that takes this long has no end."""


SORTED_DEFECTS: dict[str, Planted] = {
    "an emptied level stays": ("        del self.levels[rank]\n", ""),
    "an emptied price stays in order": ("        ranks.remove(rank)\n", ""),
    "the best is not looked for again": (
        "            self.best_rank = ranks[0] if ranks else NO_RANK\n",
        "            self.best_rank = self.best_rank if ranks else NO_RANK\n",
    ),
    "the best is the next but one": (
        "self.best_rank = ranks[0] if ranks",
        "self.best_rank = ranks[-1] if ranks",
    ),
    "a better price does not become the best": (
        "self.best_rank = min(self.best_rank, rank)",
        "self.best_rank = max(self.best_rank if self.best_rank != NO_RANK else rank, rank)",
    ),
    "buys and sells are ranked alike": (
        "half, rank = self._buys, -order.price_sen or MARKET_RANK",
        "half, rank = self._buys, order.price_sen or MARKET_RANK",
    ),
    "who joins does not know who is in front": ("            order.previous = last\n", ""),
    "who joins adds no units": ("            level.units += order.leaves_units\n", ""),
    "who joins is not counted": ("            level.count += 1\n", ""),
    "the one in front still points at who left": (
        "            previous.following = following\n",
        "",
    ),
    "the one behind still points at who left": (
        "            following.previous = previous\n",
        "            following.previous = order\n",
    ),
    "the second does not become the first": (
        "            level.first = following\n",
        "            pass\n",
    ),
    "the last that left is still the last": (
        "            level.last = previous\n",
        "            pass\n",
    ),
    "who leaves takes no units along": ("        level.units -= order.leaves_units\n", ""),
    "who leaves is counted on": ("        level.count -= 1\n", ""),
    "an order's name stays in the index": ("        del self.index[order.order_id]\n", ""),
    "a reduction does not lower the level": (
        "        order.leaves_units -= units  # type: ignore[assignment]\n        level.units -= units\n",
        "        order.leaves_units -= units  # type: ignore[assignment]\n",
    ),
    "a part fill does not lower the level": ("                    level.units -= leaves\n", ""),
    "the limit itself is out of reach": (
        "while leaves and half.best_rank <= limit_rank:",
        "while leaves and half.best_rank < limit_rank:",
    ),
    "own orders do not stop a match": (
        "if stop_at_owner is not None and resting.owner == stop_at_owner:",
        "if stop_at_owner is not None and resting.owner == stop_at_owner + '?':",
    ),
    "what is left of the incoming order is forgotten": (
        "        incoming.leaves_units = leaves\n        return fills\n",
        "        return fills\n",
    ),
    "all or nothing looks past the limit": (
        "            if level.rank > limit_rank or found >= wanted:",
        "            if found >= wanted:",
    ),
    "within reach: own orders are passed over and end the count": (
        "                elif not skip_owner:\n",
        "                elif skip_owner:\n",
    ),
    "within reach: own orders are counted": (
        "                if order.owner != owner:\n",
        "                if order.owner != owner + '?':\n",
    ),
    "market orders are a price": ("            if level.price_sen != NO_PRICE\n", ""),
    "the best price is the market orders'": (
        "        if rank == MARKET_RANK:\n",
        "        if rank == NO_RANK - 1:\n",
    ),
}


def found_by(new_book: NewBook) -> str:
    """What gave a book away, or an empty text when nothing did."""
    for seed in SEEDS:
        try:
            with at_most(CALL_S):
                _, found = race(seed, SortedBook, {"planted": new_book}, length=900)
        except Endless:
            return "no end"
        if found is not None:
            return found.what
    return ""


@pytest.mark.parametrize("defect", SORTED_DEFECTS)
def test_a_defect_in_the_sorted_book_is_found(defect: str) -> None:
    """Each line of the readable book is held by the comparison."""
    broken = planted(BOOK, SORTED_DEFECTS[defect]).SortedBook

    assert found_by(broken)


def test_without_a_defect_nothing_is_found() -> None:
    """The text as it is, run the same way, differs in nothing."""
    for seed in range(20):
        _, found = race(seed, SortedBook, {"as it is": planted(BOOK).SortedBook}, length=900)
        assert found is None


def test_a_defect_that_does_not_fit_the_text_is_noticed() -> None:
    """A table that fell behind its source fails instead of passing."""
    with pytest.raises(AssertionError, match="0 times"):
        planted(BOOK, ("no such text", ""))
