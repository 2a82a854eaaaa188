"""What this installation runs on: which books serve, and why."""

import platform
import shutil
import sysconfig
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path
from typing import Final

from matching.books import DEFAULT
from matching.kernel import IS_COMPILED

NOT_COMPILED: Final = (
    "note: the kernel is not compiled here, so the sorted book serves: the same market, slower; "
    "`kitahama doctor` says what is missing"
)

_PACKAGES: Final = ("numpy", "msgspec", "cython", "sortedcontainers", "websockets", "apsw")


def findings() -> Iterator[str]:
    """One line for each thing looked at."""
    yield f"python       {platform.python_version()} on {platform.machine()}"
    yield f"books        {DEFAULT} by default"
    yield f"kernel       {_kernel()}"
    compiler = shutil.which("cc") or shutil.which("gcc")
    header = Path(sysconfig.get_paths()["include"]) / "Python.h"
    yield f"compiler     {compiler or 'none found: install gcc, then install the package again'}"
    yield f"headers      {header if header.exists() else 'none found: install python3-dev'}"
    for name in _PACKAGES:
        try:
            yield f"{name:<12} {version(name)}"
        except PackageNotFoundError:
            yield f"{name:<12} missing"


def is_stale(compiled: Path) -> bool:
    """Whether, in a checkout, the kernel's text has changed since it was compiled.

    An installed wheel has both files in one piece, with whatever times the installer gave them.
    """
    source = compiled.with_name("kernel.py")
    in_checkout = (compiled.parents[1] / "setup.py").exists()
    return in_checkout and source.stat().st_mtime > compiled.stat().st_mtime


def _kernel() -> str:
    """How the kernel runs, and whether from the present text."""
    found = find_spec("matching.kernel")
    where = Path(found.origin) if found is not None and found.origin else None
    if not IS_COMPILED or where is None:
        return "interpreted; the sorted book is faster then"
    if is_stale(where):
        return f"compiled, but older than its text: install the package again ({where.name})"
    return f"compiled ({where.name})"
