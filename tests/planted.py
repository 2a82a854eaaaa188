"""Plant a defect into a module's text and run it: what is needed to test the tests.

A defect is a pair of old text and new text; the old text must stand in the source exactly once, so
that a table which no longer fits the source is noticed. A patched module runs from its text, never
compiled, beside the real one, which stays as it is.
"""

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType, ModuleType

ROOT = Path(__file__).parents[1]

Planted = tuple[str, str]
"""Old text, new text."""


def planted(path: str, defect: Planted = ("", "")) -> ModuleType:
    """The module of that file with one text replaced by another; as it is without a defect."""
    source = (ROOT / path).read_text(encoding="utf-8")
    old, new = defect
    if old:
        found = source.count(old)
        assert found == 1, f"stands {found} times in {path}: {old!r}"
        source = source.replace(old, new)
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
