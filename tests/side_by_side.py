"""Books side by side: one random script of commands to an engine on each, everything compared.

Every event of every command is compared, and both states at every :data:`LOOK_EACH` commands; an
exception is a difference too. Events are compared as they are, so a field swapped or one event too
many is seen at once; a link or total that went wrong is seen at the next look, or when it matters.
What differs is shrunk to the lines that are needed.

Cost: 10 to 20 microseconds a command, judge, one book and comparison together.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from book_scripts import BANDS, RULEBOOKS, Script, ScriptWriter, to_text
from books import NewBook

from market.commands import (
    Entry,
)
from market.events import Event
from market.words import (
    Side,
)
from matching.engine import Engine

LOOK_EACH: Final = 61
"""States are compared and invariants checked at every so many commands."""


@dataclass(frozen=True, slots=True)
class Difference:
    """Where two books parted.

    Attributes:
        book: The book that is not as the judge.
        place: Index into the script's entries.
        what: ``events``, ``state`` or ``exception``.
        expected: What the judge said.
        told: What the book said.
    """

    book: str
    place: int
    what: str
    expected: object
    told: object


def race(
    seed: int,
    judge: NewBook,
    books: dict[str, NewBook],
    *,
    length: int = 1_500,
    bands: Sequence[int] = BANDS,
    seen: Counter[str] | None = None,
) -> tuple[Script, Difference | None]:
    """Write the script of a seed and play it at once; the first difference, or None.

    With ``seen``, what happened is counted by name, to tell what the scripts reach.
    """
    writer = ScriptWriter(seed, bands)
    first = Engine(writer.rules, judge)
    played: list[Entry] = []
    found = _compared(writer.entries(first, length), first, books, played, seen)
    return Script(writer.rulebook, tuple(played)), found


def parted(script: Script, judge: NewBook, books: dict[str, NewBook]) -> Difference | None:
    """Play a script on the judge and on each book; the first difference, or None."""
    first = Engine(RULEBOOKS[script.rulebook], judge)
    return _compared(script.entries, first, books, [], None)


def _compared(
    entries: Iterable[Entry],
    first: Engine,
    books: dict[str, NewBook],
    played: list[Entry],
    seen: Counter[str] | None,
) -> Difference | None:
    others = [(name, Engine(first.rules, new_book)) for name, new_book in books.items()]
    found = None
    for entry in entries:
        played.append(entry)
        expected = first.apply(entry)
        if seen is not None:
            seen.update(_names(expected))
        for name, engine in others:
            try:
                told = engine.apply(entry)
            except Exception as error:  # noqa: BLE001  whatever it is, it is a difference
                return Difference(name, len(played) - 1, "exception", expected, repr(error))
            if told != expected:
                return Difference(name, len(played) - 1, "events", expected, told)
        if not len(played) % LOOK_EACH:
            found = _looked(first, others, len(played) - 1)
            if found is not None:
                return found
    return _looked(first, others, len(played) - 1)


def _looked(first: Engine, others: Sequence[tuple[str, Engine]], place: int) -> Difference | None:
    """Compare states; every book's invariants must hold, the judge's too."""
    first.check_invariants()
    state = _seen(first)
    for name, engine in others:
        try:
            now = _seen(engine)
            engine.check_invariants()
        except Exception as error:  # noqa: BLE001  whatever it is, it is a difference
            return Difference(name, place, "exception", state, repr(error))
        if now != state:
            return Difference(name, place, "state", state, now)
    return None


def _seen(engine: Engine) -> list[object]:
    """The state, and all that may be read of the books, as plain values."""
    shown: list[object] = [engine.state()]
    for name in engine.instrument_ids():
        book = engine.book(name)
        shown.append(book.price_range())
        for side in Side:
            front = book.first(side)
            interest = book.interest(side)
            shown += [
                None if front is None else front.order_id,
                book.best(side),
                book.market_units(side),
                book.levels(side),
                interest.prices_sen.tolist(),
                interest.units.tolist(),
            ]
    return shown


def _names(events: list[Event]) -> Iterator[str]:
    """Event names, with the reason or flags that tell one case from another."""
    for event in events:
        name = type(event).__name__
        yield name
        for field in ("reason", "self_trade", "cross", "kept_priority", "skipped"):
            value = getattr(event, field, None)
            if value is not None:
                yield f"{name} {field}={value}"


def shrunk(script: Script, differs: Callable[[Script], bool]) -> Script:
    """A script as short as halving and dropping lines one by one makes it, that still differs."""
    entries = list(script.entries)
    size = max(len(entries) // 2, 1)
    while True:
        place, dropped = 0, False
        while place < len(entries):
            fewer = entries[:place] + entries[place + size :]
            if differs(Script(script.rulebook, tuple(fewer))):
                entries, dropped = fewer, True
            else:
                place += size
        if size == 1 and not dropped:
            return Script(script.rulebook, tuple(entries))
        size = max(size // 2, 1)


def shortest(script: Script, judge: NewBook, books: dict[str, NewBook]) -> Script:
    """A short script that parts the same books; the script must part them."""
    found = parted(script, judge, books)
    if found is None:
        raise ValueError("a script that parts no book cannot be shrunk")
    book = {found.book: books[found.book]}

    def differs(fewer: Script) -> bool:
        try:
            return parted(fewer, judge, book) is not None
        except Exception:  # noqa: BLE001  a cut that stops the judge shows nothing of the book
            return False

    cut = Script(script.rulebook, script.entries[: found.place + 1])
    return shrunk(cut if differs(cut) else script, differs)


def told_of(script: Script, found: Difference) -> str:
    """A difference for people: the script, and what each side said at its end."""
    return (
        f"{to_text(script)}\n{found.book} parts in {found.what} at line {found.place + 1}\n"
        f"expected {found.expected}\ntold     {found.told}\n"
    )
