"""What an adapter is: how to drive one engine through its own calls, message by message.

``drive`` is a plain ``for`` loop over decoded messages ``(op, kind, side, order, price, units, aux)``
(flow_files.py says what they mean) that makes the engine's own calls, with the objects, enums and id
maps its interface asks for. One source serves three runs (:func:`variant`):

* verifying: as written; ``seen(maker, taker, price, units)`` is told every trade;
* timed: statements that name ``seen`` or ``names`` are taken out, so the loop makes the calls and
  drops what they return;
* latency: timed, and each turn of the loop is clocked on its own.
"""

import ast
import inspect
import textwrap
from collections.abc import Callable, Iterable
from time import perf_counter_ns
from typing import Any, ClassVar

Message = tuple[int, int, int, int, int, int, int]
Seen = Callable[[int, int, int, int], None]

NEW, CANCEL, REPLACE = 0, 1, 2
LIMIT, MARKET, IOC = 0, 1, 2
FAR = (20_000, 1)
"""A price a buy, or a sell, always reaches: for engines without market orders."""


class Adapter:
    """One engine.

    Attributes:
        flow: ``mixed`` where a replace of the engine means ours, else ``nomod``.
        count: Messages of the flow it is run on; None for all.
        deep_count: Orders of the deep book; None for all.
        scenarios: What it is run on.
        checks: What is compared with the reference: ``trades`` one by one, ``totals`` (trades,
            units and notional), ``units`` (units and notional) or ``book`` (what rests at the end).
        calls: Whether each message is a call of its own, so that latency means something.
        names_room: Set before :meth:`open`: one more than the largest order name to come.
    """

    flow: ClassVar[str] = "nomod"
    count: ClassVar[int | None] = None
    deep_count: ClassVar[int | None] = None
    scenarios: ClassVar[tuple[str, ...]] = ("verify", "flow", "deep", "sweep", "queue")
    checks: ClassVar[str] = "trades"
    calls: ClassVar[bool] = True
    names_room: int = 0

    def load(self, data: bytes, messages: list[Message]) -> Any:
        """What ``drive`` is given; batch doors take the bytes, everyone else the messages."""
        del data
        return messages

    def open(self) -> Any:
        """A new, empty engine."""
        raise NotImplementedError

    def drive(self, book: Any, messages: Iterable[Message], seen: Seen) -> None:
        """Send the messages."""
        raise NotImplementedError

    def finish(self, book: Any, seen: Seen) -> None:
        """Tell the trades that the engine kept to itself."""

    def resting(self, book: Any) -> tuple[int, int]:
        """Orders and units at the end, for ``checks = "book"``."""
        raise NotImplementedError

    def close(self, book: Any) -> None:
        """Give back what the engine holds."""


class _WithoutChecks(ast.NodeTransformer):
    """Takes out every statement that names ``seen`` or ``names``, and blocks left empty by it."""

    def visit_For(self, node: ast.For) -> ast.AST | None:
        return self._block(node, node.iter)

    def visit_If(self, node: ast.If) -> ast.AST | None:
        return self._block(node, node.test)

    def _block(self, node: ast.For | ast.If, head: ast.expr) -> ast.AST | None:
        if _speaks_of_checks(head):
            return None
        self.generic_visit(node)
        return node if node.body else None

    def visit(self, node: ast.AST) -> Any:
        plain = isinstance(node, ast.stmt) and not isinstance(
            node, ast.FunctionDef | ast.For | ast.If
        )
        return None if plain and _speaks_of_checks(node) else super().visit(node)


def _speaks_of_checks(node: ast.AST) -> bool:
    return any(isinstance(one, ast.Name) and one.id in {"seen", "names"} for one in ast.walk(node))


def _clocked(function: ast.FunctionDef) -> None:
    """Clock each turn of the last ``for`` of a function."""
    loop = [one for one in function.body if isinstance(one, ast.For)][-1]
    loop.body = [
        *ast.parse("began_ns = clock_ns()").body,
        *loop.body,
        *ast.parse("took(clock_ns() - began_ns)").body,
    ]


def variant(adapter: Adapter, kind: str, took: list[int] | None = None) -> Callable[..., None]:
    """``drive`` as ``verify``, ``timed`` or ``latency`` (into ``took``)."""
    if kind == "verify":
        return adapter.drive
    method = type(adapter).drive
    tree = ast.parse(textwrap.dedent(inspect.getsource(method)))
    function = tree.body[0]
    assert isinstance(function, ast.FunctionDef)
    _WithoutChecks().visit(function)
    if kind == "latency":
        _clocked(function)
    ast.fix_missing_locations(tree)
    scope = dict(method.__globals__)
    if took is not None:
        scope |= {"clock_ns": perf_counter_ns, "took": took.append}
    exec(compile(tree, f"<{kind} {type(adapter).__name__}>", "exec"), scope)  # noqa: S102  our own source
    made: Callable[..., None] = scope["drive"].__get__(adapter)
    return made
