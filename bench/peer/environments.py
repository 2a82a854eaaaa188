"""One virtual environment for each set of requirements, on the Python it needs, made once.

Nothing is installed anywhere else. What cannot be had here is a reason in words, not an error: a
Python that is not on this machine, a requirement that does not install.
"""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Final

from peer.registry import Peer

_INSTALL_S_MAX: Final = 600


class Unavailable(Exception):
    """This engine cannot be run here; the text says why."""


def python_of(version: str) -> Path:
    """An interpreter of that version, from here, the path, or pyenv's folder.

    Raises:
        Unavailable: When there is none.
    """
    found = shutil.which(f"python{version}")
    root = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv"))
    candidates = [
        Path(sys.executable),
        *([Path(found)] if found else []),
        *sorted((root / "versions").glob(f"{version}*/bin/python"), reverse=True),
    ]
    for candidate in candidates:
        asked = subprocess.run(
            [candidate, "-c", "import sys; print('%d.%d' % sys.version_info[:2])"],
            capture_output=True, text=True, check=False,
        )  # fmt: skip
        if asked.returncode == 0 and asked.stdout.strip() == version:
            return candidate
    raise Unavailable(f"no Python {version} on this machine")


def environment_of(peer: Peer, cache: Path) -> Path:
    """The interpreter to run a peer with, its requirements installed.

    Raises:
        Unavailable: When there is no such Python, or the requirements do not install.
    """
    if not peer.needs:
        return Path(sys.executable)
    name = re.sub(r"[^a-z0-9.]+", "-", peer.needs[0])
    folder = cache / f"{name}-{peer.python}"
    python, ready = folder / "bin" / "python", folder / "ready"
    if ready.exists():
        return python
    base = python_of(peer.python)
    shutil.rmtree(folder, ignore_errors=True)
    for command in (
        [base, "-m", "venv", folder],
        [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", *peer.needs],
    ):
        try:
            ran = subprocess.run(
                command, capture_output=True, text=True, check=False, timeout=_INSTALL_S_MAX
            )
        except subprocess.TimeoutExpired:
            raise Unavailable(f"not installed within {_INSTALL_S_MAX} s") from None
        if ran.returncode:
            said = [line for line in ran.stderr.splitlines() if line.startswith("ERROR")]
            raise Unavailable(
                f"does not install: {(said or ran.stderr.splitlines() or ['?'])[-1][:200]}"
            )
    ready.touch()
    return python
