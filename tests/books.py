"""The books the rules may run on, by name; what must hold of one must hold of each.

A test takes ``name`` from :data:`BOOKS` and gives ``BOOKS[name]`` to an engine.
"""

from collections.abc import Callable
from types import ModuleType

from market.ids import InstrumentId, OrderId
from matching import kernel
from matching.book import Book, SortedBook
from matching.order import Order

NewBook = Callable[[dict[OrderId, Order]], Book]
"""What :class:`matching.engine.Engine` makes its books with."""


def kernel_book_on(module: ModuleType) -> NewBook:
    """Books on one kernel an engine, from a module like matching/kernel.py."""
    kernels: list[tuple[dict[OrderId, Order], object]] = []

    def new_book(index: dict[OrderId, Order]) -> Book:
        if not kernels or kernels[0][0] is not index:
            kernels[:] = [(index, module.Kernel())]
        book: Book = module.KernelBook(kernels[0][1], index, InstrumentId(""))
        return book

    return new_book


BOOKS: dict[str, NewBook] = {"sorted": SortedBook, "kernel": kernel_book_on(kernel)}
