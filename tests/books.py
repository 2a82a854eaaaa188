"""The books the rules may run on, by name; what must hold of one must hold of each.

A test takes ``name`` from :data:`BOOKS` and gives ``BOOKS[name]`` to an engine.
"""

from collections.abc import Callable

from market.ids import OrderId
from matching.book import Book, SortedBook
from matching.order import Order

NewBook = Callable[[dict[OrderId, Order]], Book]
"""What :class:`matching.engine.Engine` makes its books with."""

BOOKS: dict[str, NewBook] = {"sorted": SortedBook}
