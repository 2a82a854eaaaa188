"""What a figure was measured on, and a probe that lets figures travel between machines.

The probe times a fixed loop of plain Python and a fixed msgspec encode. Both bound what the venue
does, so a figure divided by the probe's ratio of two machines is a fair first guess for the other.
"""

import gc
import os
import platform
import statistics
import sys
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from time import perf_counter_ns, process_time_ns
from typing import Final, Generic, NamedTuple, TypeVar

import apsw
import msgspec

ROUNDS: Final = 5
_LOOP: Final = 200_000
_ENCODES: Final = 50_000


Made = TypeVar("Made")


class Timed(NamedTuple, Generic[Made]):
    """What was made, and how long it took."""

    ns: int
    made: Made


class Probe(msgspec.Struct, frozen=True):
    """What the probe found, nanoseconds for one turn of each."""

    loop_ns: float
    encode_ns: float


class _Sample(msgspec.Struct, frozen=True, gc=False):
    """A small report, the same on every machine."""

    method: str
    seq: int
    at_ns: int
    ok: bool


def _loop() -> int:
    """Arithmetic, a dict and a call: the three things the core is made of."""
    kept: dict[int, int] = {}
    total = 0
    for turn in range(_LOOP):
        kept[turn & 1023] = turn
        total += kept.get((turn * 7) & 1023, 1) + abs(turn - 5)
    return total


def _encodes() -> int:
    encode = msgspec.json.Encoder().encode
    size = 0
    for turn in range(_ENCODES):
        size += len(encode(_Sample("order.new", turn, 1_764_000_000_000_000_000, True)))
    return size


def timed(work: Callable[[], Made], clock: Callable[[], int] = perf_counter_ns) -> Timed[Made]:
    """One run, with the garbage collected before and the collector left on.

    Args:
        work: What to run.
        clock: Nanoseconds; ``process_time_ns`` for work that never waits, so that what else
            runs on the machine disturbs less.
    """
    gc.collect()
    began = clock()
    made = work()
    return Timed(clock() - began, made)


def probe() -> Probe:
    """Medians of a few rounds."""
    loops = [timed(_loop, process_time_ns).ns for _ in range(ROUNDS)]
    encodes = [timed(_encodes, process_time_ns).ns for _ in range(ROUNDS)]
    return Probe(
        loop_ns=statistics.median(loops) / _LOOP,
        encode_ns=statistics.median(encodes) / _ENCODES,
    )


def _processor() -> str:
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        for line in cpuinfo.read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or "unknown"


def describe() -> str:
    """Machine, interpreter, libraries and probe, a few lines."""
    found = probe()
    libraries = ", ".join(
        f"{name} {version(name)}" for name in ("msgspec", "websockets", "uvloop", "apsw", "numpy")
    )
    return (
        f"machine  {platform.machine()}, {_processor()}, {os.cpu_count()} cores, "
        f"{platform.system()} {platform.release()}, load {os.getloadavg()[0]:.1f}\n"
        f"python   {platform.python_implementation()} {sys.version.split()[0]}; {libraries}, "
        f"SQLite {apsw.sqlite_lib_version()}\n"
        f"probe    plain loop {found.loop_ns:.0f} ns a turn, "
        f"msgspec make and encode {found.encode_ns:.0f} ns"
    )


def spread(figures: list[float]) -> str:
    """Median with the lowest and highest of the rounds."""
    return f"{statistics.median(figures):>9,.0f}  ({min(figures):,.0f}-{max(figures):,.0f})"
