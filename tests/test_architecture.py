"""The floor plan, as a test: who imports whom, and which habits stay out of which floor."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
FLOORS = ("market", "matching", "settlement", "participants", "feeds", "venue")

MAY_IMPORT: dict[str, set[str]] = {
    "market": set(),
    "matching": {"market"},
    "settlement": {"market"},
    "participants": {"market"},
    "feeds": {"market"},
    "venue": {"market", "matching", "settlement", "participants", "feeds"},
}
WIRE = {"participants/wire.py", "participants/reports.py", "feeds/wire.py", "feeds/kraken.py"}
WIRE |= {"participants/envelope.py", "participants/delivery_requests.py"}
ONE_DOOR: dict[str, set[str]] = {  # library: the only modules below the roof that may import it
    "sortedcontainers": {"matching/book.py"},
    "numpy": {
        "matching/batch.py",
        "matching/kernel.py",
        "participants/orderflow.py",
        "matching/book.py",
        "matching/auction.py",
        "matching/rows.py",
        "settlement/netting.py",
    },
    "msgspec": {"market/message.py", *WIRE},
    "cython": {"matching/kernel.py"},
    "jpholiday": {"market/business_days.py"},
    "cryptography": {"participants/keys.py"},
    "nacl": {"settlement/keys.py"},
}
CLOCKS_AND_CHANCE = {"time", "random", "secrets", "uuid"}
WORLD = {"asyncio", "os", "pathlib", "socket", "threading", "subprocess", "io", "tempfile"}
WHOLE_NUMBERS_ONLY = {"market", "matching", "settlement"}
STANDARD = {
    "abc", "array", "bisect", "collections", "copy", "csv", "dataclasses", "datetime", "enum",
    "functools", "hashlib", "heapq", "itertools", "json", "math", "operator", "re", "string",
    "struct", "types", "typing", "zlib",
}  # fmt: skip
"""Standard modules that neither read the world nor the clock."""


def package_of(module: str) -> str:
    """First folder of a module's path; ``venue/core.py`` counts as a floor of its own rules."""
    return module.partition("/")[0]


def is_core(module: str) -> bool:
    """Whether the module is part of the deterministic core."""
    return package_of(module) != "venue" or module == "venue/core.py"


def imported(tree: ast.AST) -> Iterator[str]:
    """Top-level names of every import."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (name.name.partition(".")[0] for name in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield (node.module or "").partition(".")[0] if node.level == 0 else "relative"


def wrong_imports(module: str, tree: ast.AST) -> Iterator[str]:
    """Imports that go up, sideways, through the wrong door, or out into the world."""
    package = package_of(module)
    for target in imported(tree):
        if target in FLOORS:
            if target != package and target not in MAY_IMPORT[package]:
                yield f"imports {target}, which is not below it"
        elif target in CLOCKS_AND_CHANCE and module != "venue/seams.py":
            yield f"{target}: clocks and chance come in through venue/seams.py"
        elif target in WORLD and is_core(module):
            yield f"{target} belongs to the shell"
        elif package != "venue" and target not in STANDARD | CLOCKS_AND_CHANCE | WORLD:
            doors = ONE_DOOR.get(target, set())
            yield from () if module in doors else (f"{target} comes in by one door, not this",)


def wrong_habits(module: str, tree: ast.AST) -> Iterator[str]:
    """Habits that would make a replay differ, or a check disappear."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Assert):
            yield "asserts: use check(), which nobody can strip"
        if not is_core(module):
            continue
        if isinstance(node, ast.AsyncFunctionDef | ast.Await | ast.AsyncFor | ast.AsyncWith):
            yield "awaits below the roof"
        if isinstance(node, ast.Attribute) and node.attr in {"now", "today", "utcnow"}:
            yield "reads a clock: time arrives inside the entry"
        if _calls(node, {"open", "print", "input", "hash", "id"}):
            yield "touches the world, or asks for what differs between processes"
        if isinstance(node, ast.For | ast.comprehension) and _is_set(node.iter):
            yield "walks a set: its order is chance"
        if package_of(module) in WHOLE_NUMBERS_ONLY:
            if isinstance(node, ast.Constant) and isinstance(node.value, float):
                yield "leaves whole numbers"
            if isinstance(node, ast.BinOp | ast.AugAssign) and isinstance(node.op, ast.Div):
                yield "divides with a remainder lost: use // and name the rounding"


def _calls(node: ast.AST, names: set[str]) -> bool:
    return isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in names


def _is_set(node: ast.expr) -> bool:
    return isinstance(node, ast.Set | ast.SetComp) or _calls(node, {"set", "frozenset"})


def modules() -> list[str]:
    """Every module of the six packages, as paths from the root."""
    found = [path for floor in FLOORS for path in sorted((ROOT / floor).rglob("*.py"))]
    return [path.relative_to(ROOT).as_posix() for path in found]


@pytest.mark.parametrize("module", modules())
def test_every_module_keeps_to_its_floor(module: str) -> None:
    """Imports go down, libraries come in by one door, and the core keeps its habits."""
    tree = ast.parse((ROOT / module).read_text(encoding="utf-8"))

    breaches = [*wrong_imports(module, tree), *wrong_habits(module, tree)]

    assert breaches == []


BREACHES = {
    "a room imports the roof": ("matching/x.py", "import venue.core"),
    "a room imports its neighbour": ("settlement/x.py", "from matching.engine import Engine"),
    "the ground floor imports a room": ("market/x.py", "import feeds"),
    "a library by the wrong door": ("feeds/depth.py", "import sortedcontainers"),
    "an unknown library": ("matching/x.py", "import pandas"),
    "a clock below the roof": ("matching/x.py", "import time"),
    "a clock beside its seam": ("venue/gateway.py", "from time import monotonic"),
    "chance below the roof": ("participants/x.py", "import random"),
    "the world in the core": ("venue/core.py", "import asyncio"),
    "an await below the roof": ("feeds/x.py", "async def f():\n    await g()"),
    "a date of today": ("market/x.py", "d = date.today()"),
    "a file opened below the roof": ("participants/x.py", "open('x')"),
    "a walk over a set": ("matching/x.py", "for x in {1, 2}:\n    f(x)"),
    "a float": ("settlement/x.py", "fee = 0.1"),
    "a true division": ("market/x.py", "half = total / 2"),
    "an assert": ("venue/gateway.py", "assert x"),
}


@pytest.mark.parametrize("breach", BREACHES)
def test_each_rule_catches_its_breach(breach: str) -> None:
    """One planted line for each rule gives at least one breach, so no rule is decoration."""
    module, source = BREACHES[breach]
    tree = ast.parse(source)

    assert [*wrong_imports(module, tree), *wrong_habits(module, tree)] != []


def test_no_knots_inside_a_package() -> None:
    """Within each package the modules can be put in an order in which imports go one way."""
    for floor in FLOORS:
        names = {
            m.removesuffix(".py").replace("/", "."): m for m in modules() if m.startswith(floor)
        }
        needs = {
            name: {
                target
                for node in ast.walk(ast.parse((ROOT / path).read_text(encoding="utf-8")))
                if isinstance(node, ast.ImportFrom) and node.module
                for target in [node.module]
                if target in names and target != name
            }
            for name, path in names.items()
        }
        while needs:
            free = [name for name, wants in needs.items() if not wants & needs.keys()]
            assert free, f"import knot in {floor}: {sorted(needs)}"
            for name in free:
                del needs[name]
