"""Plant a defect into a module's text and run it: what is needed to test the tests.

The tables are in tests/planted/, one defect after another as it would stand in a diff:

    @ what goes wrong
     a line that stays
    -a line that goes
    +a line that comes

The old lines must stand in the source exactly once, so that a table which no longer fits its
source is noticed. A patched module runs from its text, never compiled, beside the real one.
"""

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType, ModuleType

ROOT = Path(__file__).parents[1]

Planted = tuple[str, str]
"""Old lines, new lines."""


def defects_in(table: str) -> dict[str, Planted]:
    """The defects of a table in tests/planted/ by name."""
    defects: dict[str, Planted] = {}
    name = ""
    for line in (ROOT / "tests" / "planted" / table).read_text(encoding="utf-8").splitlines():
        if line.startswith("@"):
            name = line[1:].strip()
            assert name not in defects, f"two defects are called {name!r}"
            defects[name] = ("", "")
        elif not line.startswith("#"):
            old, new = defects[name]
            text = f"{line[1:]}\n"
            defects[name] = (old + text * (line[:1] != "+"), new + text * (line[:1] != "-"))
    return defects


def planted(path: str, defect: Planted | None = None) -> ModuleType:
    """The module of that file with some lines replaced; as it is without a defect."""
    source = (ROOT / path).read_text(encoding="utf-8")
    if defect is not None:
        old, new = defect
        found = f"\n{source}".count(f"\n{old}")
        assert found == 1, f"stands {found} times in {path}:\n{old}"
        source = f"\n{source}".replace(f"\n{old}", f"\n{new}")[1:]
    module = ModuleType(f"planted_{Path(path).stem}")
    module.__file__ = str(ROOT / path)
    exec(compile(source, module.__file__, "exec"), module.__dict__)  # noqa: S102  our own text
    return module


class Endless(BaseException):
    """A call did not come back in time; no handler of exceptions should take it for one."""


@contextmanager
def at_most(seconds: float) -> Iterator[None]:
    """Stop a loop that has no end: a planted defect may make one. Main thread only."""

    def stop(number: int, frame: FrameType | None) -> None:
        raise Endless

    before = signal.signal(signal.SIGALRM, stop)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
