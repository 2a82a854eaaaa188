"""The books there are, by name, and which one serves where nobody chose.

``sorted`` is the readable one and the judge; ``kernel`` is flat arrays, compiled where the package
was built with a C compiler. Uncompiled, the kernel is slower than the sorted book, so the sorted
one serves then. Whatever the book, the market is the same to the last event and digest.
"""

from collections.abc import Callable
from typing import Final

from market.errors import BadInput
from market.ids import OrderId
from matching.book import Book, SortedBook
from matching.kernel import IS_COMPILED, Kernel, KernelBook
from matching.order import Order

NewBook = Callable[[dict[OrderId, Order]], Book]
"""Makes the book of one issue; the argument is its engine's index of resting orders."""

NAMES: Final = ("sorted", "kernel")
DEFAULT: Final = "kernel" if IS_COMPILED else "sorted"


def books_named(name: str) -> NewBook:
    """What makes the books of one engine.

    Raises:
        BadInput: When there is no book of that name.
    """
    if name == "sorted":
        return SortedBook
    if name != "kernel":
        raise BadInput(f"no book is called {name!r}; books are {', '.join(NAMES)}")
    kernel = Kernel()
    return lambda index: KernelBook(kernel, index)
