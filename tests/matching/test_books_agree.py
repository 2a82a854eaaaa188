"""The differential proof: whatever is asked, every book says what the readable one says.

The sorted book is the judge, and the oracle judges it (test_against_oracle.py). How scripts are
made and compared: tests/book_scripts.py and tests/side_by_side.py. ``make stress`` plays on for as
long as asked; a script that it finds goes to tests/found/.
"""

from collections import Counter
from pathlib import Path

import pytest
from book_scripts import (
    BANDS,
    FIRST_DAY,
    FOUND,
    NAMES,
    RULEBOOKS,
    Script,
    from_text,
    issue_of,
    to_text,
)
from books import BOOKS
from side_by_side import parted, race, shortest, told_of

from market.quantities import Units
from market.words import Side
from matching.book import SortedBook
from matching.kernel import IS_COMPILED
from matching.order import Order

OTHERS = {name: book for name, book in BOOKS.items() if book is not BOOKS["sorted"]}
SCRIPTS_EACH = 60 if IS_COMPILED else 2
"""Scripts in one test, about 100,000 commands where the kernel is compiled."""
BAND_SCRIPTS = 70 if IS_COMPILED else 5


def agree(seed: int, book: str, *, length: int = 1_500, bands: tuple[int, ...] = BANDS) -> int:
    """Play one seed; the number of commands, or a failure with a shrunk script."""
    others = {book: OTHERS[book]}
    script, found = race(seed, SortedBook, others, length=length, bands=bands)
    if found is not None:
        short = shortest(script, SortedBook, others)
        again = parted(short, SortedBook, others)
        assert again is not None
        pytest.fail(f"seed {seed}\n{told_of(short, again)}", pytrace=False)
    return len(script.entries)


@pytest.mark.parametrize("part", range(15))
@pytest.mark.parametrize("book", OTHERS)
def test_books_agree_on_every_command(book: str, part: int) -> None:
    """Every event and every state are the judge's, under every rulebook, in every phase."""
    seeds = range(part * SCRIPTS_EACH, (part + 1) * SCRIPTS_EACH)

    assert sum(agree(seed, book) for seed in seeds) >= SCRIPTS_EACH * 1_500


@pytest.mark.parametrize("band", BANDS)
@pytest.mark.parametrize("book", OTHERS)
def test_books_agree_on_bands_about_a_machine_word(book: str, band: int) -> None:
    """Many short days on bands of one width: below, at and above one, two and three words."""
    seeds = range(1_000_000, 1_000_000 + BAND_SCRIPTS)

    assert sum(agree(seed, book, length=250, bands=(band,)) for seed in seeds) >= BAND_SCRIPTS * 250


@pytest.mark.parametrize("path", FOUND, ids=lambda path: path.stem)
def test_a_script_that_failed_once_runs_through(path: Path) -> None:
    """What a script found, in the engine or in a book, stays found: tests/found/ keeps them."""
    script = from_text(path.read_text(encoding="utf-8"))

    assert parted(script, SortedBook, OTHERS) is None


REACHED = {
    "AuctionHeld skipped=True", "AuctionHeld skipped=False", "CommandRefused reason=NOT_TRADABLE",
    "CommandRefused reason=PHASE_CLOSED", "IndicativePriceChanged", "InstrumentListed",
    "OrderAccepted", "OrderAmended kept_priority=True", "OrderAmended kept_priority=False",
    "OrderCanceled reason=fok_unfilled", "OrderCanceled reason=ioc_rest",
    "OrderCanceled reason=market_rest", "OrderCanceled reason=operator",
    "OrderCanceled reason=owner", "OrderCanceled reason=self_trade", "OrderExpired",
    "OrderReduced", "PhaseChanged", "ReferencePriceSet", "RequestRejected reason=BAD_TICK",
    "RequestRejected reason=INVALID_COMBINATION", "RequestRejected reason=NON_CANCEL_PERIOD",
    "RequestRejected reason=NOT_TRADABLE", "RequestRejected reason=OUTSIDE_PRICE_LIMIT",
    "RequestRejected reason=OUT_OF_RANGE", "RequestRejected reason=PHASE_CLOSED",
    "RequestRejected reason=SHARE_OF_ISSUE", "RequestRejected reason=UNKNOWN_ORDER",
    "Trade cross=True", "Trade cross=False", "Trade self_trade=True", "Trade self_trade=False",
    "TradingHalted", "TradingResumed", "QuoteShown", "QuoteEnded", "OrderReleased",
    "CommandRefused reason=OUT_OF_RANGE",
}  # fmt: skip


def test_the_scripts_reach_every_outcome() -> None:
    """Each event, reason and flag of this room happens, most orders are taken, and many trade."""
    seen: Counter[str] = Counter()
    for seed in range(10 * len(RULEBOOKS)):
        race(seed, SortedBook, {}, seen=seen)

    assert set(seen) >= REACHED
    assert seen["OrderAccepted"] > 2 * seen["RequestRejected"]
    assert seen["Trade"] > seen["OrderAccepted"] // 4


def test_a_band_has_as_many_prices_as_asked() -> None:
    """An issue's limits hold exactly the band, odd or even."""
    for band in BANDS:
        issue = issue_of(NAMES[0], band)
        assert len(issue.ticks.grid(*issue.daily_limits(issue.issue_price_sen))) == band


def test_a_script_is_the_same_for_the_same_seed_and_survives_writing() -> None:
    """A seed names its script, and the text of a script can be played again."""
    first, _ = race(11, SortedBook, {}, length=300)
    again, _ = race(11, SortedBook, {}, length=300)

    assert first == again == from_text(to_text(first))
    assert first != race(12, SortedBook, {}, length=300)[0]
    assert first.entries[2].command.business_date == FIRST_DAY  # type: ignore[union-attr]


class ForgetsPlace(SortedBook):
    """Sends a reduced order to the back of its queue."""

    def reduce(self, order: Order, units: Units) -> None:
        """Lower the open quantity, and lose the place."""
        self.remove(order)
        order.leaves_units = Units(order.leaves_units - units)
        self.add(order)


class MissesTheLast(SortedBook):
    """Does not see an order of one unit when it asks what is within reach."""

    def available(self, incoming: Order, owner: str | None, *, skip_owner: bool) -> int:
        """One unit short."""
        return max(super().available(incoming, owner, skip_owner=skip_owner) - 1, 0)


class Lingers(SortedBook):
    """Counts a removed order's units on."""

    def remove(self, order: Order) -> None:
        """Take the order off, but not off the level's units."""
        level = order.level
        super().remove(order)
        if level is not None:
            level.units += order.leaves_units


class Stumbles(SortedBook):
    """Raises when the second side is emptied by a sweep."""

    def best(self, side: Side):  # noqa: ANN201  as the book's
        """Best price, or a stumble."""
        found = super().best(side)
        if found is None and side is Side.SELL:
            raise IndexError(side)
        return found


@pytest.mark.parametrize("broken", [ForgetsPlace, MissesTheLast, Lingers, Stumbles])
def test_a_book_that_differs_is_found_and_its_script_shrunk(broken: type[SortedBook]) -> None:
    """The comparison has teeth, and what it hands over is short and still fails."""
    books = {"broken": broken}
    for seed in range(2 * len(RULEBOOKS)):
        script, found = race(seed, SortedBook, books)
        if found is not None:
            break
    else:
        pytest.fail("no script found the difference")

    short = shortest(script, SortedBook, books)

    assert parted(short, SortedBook, books) is not None
    assert len(short.entries) <= 12
    for place in range(len(short.entries)):
        fewer = Script(short.rulebook, short.entries[:place] + short.entries[place + 1 :])
        assert is_same_or_stops(fewer, broken), "no line can be spared"


def is_same_or_stops(script: Script, broken: type[SortedBook]) -> bool:
    """Whether the difference is gone, or the script is none any more."""
    try:
        return parted(script, SortedBook, {"broken": broken}) is None
    except Exception:  # noqa: BLE001  a script without its issue stops the judge as well
        return True
