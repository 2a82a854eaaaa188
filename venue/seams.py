"""Time and chance, the two things the rest of the house takes as data.

Everything that reads a clock or draws a random number lives here, so a test can put its own in.
Market time is what orders and auctions see; it may run faster than the wall (scaled) or be moved
by hand (virtual). Real time measures waiting: heartbeats, throttles, group commit.
"""

import os
import time
from pathlib import Path
from typing import Protocol

from market.quantities import TimeNs


class Clock(Protocol):
    """Market time and real time."""

    def market_ns(self) -> TimeNs:
        """Market time, UTC nanoseconds."""
        ...

    def jump_to(self, at_ns: TimeNs) -> None:
        """Move market time forward to ``at_ns``; never back."""
        ...

    def real_seconds_until(self, at_ns: TimeNs) -> float:
        """Real seconds until market time reaches ``at_ns``; 0 when it has."""
        ...


class ScaledClock:
    """Market time that runs ``speed`` times as fast as real time from a chosen start."""

    def __init__(self, start_ns: TimeNs, speed: float) -> None:
        self.speed = speed
        self._market_origin = int(start_ns)
        self._real_origin = time.monotonic_ns()

    def market_ns(self) -> TimeNs:
        """Market time, UTC nanoseconds."""
        real = time.monotonic_ns() - self._real_origin
        return TimeNs(self._market_origin + int(real * self.speed))

    def jump_to(self, at_ns: TimeNs) -> None:
        """Move market time forward to ``at_ns``; never back."""
        now = self.market_ns()
        if at_ns > now:
            self._market_origin += int(at_ns) - now

    def real_seconds_until(self, at_ns: TimeNs) -> float:
        """Real seconds until market time reaches ``at_ns``; 0 when it has."""
        return max(0.0, (at_ns - self.market_ns()) / self.speed / 1e9)


class VirtualClock:
    """Market time that stands still until it is moved: for simulation and tests."""

    def __init__(self, start_ns: int = 0) -> None:
        self.speed = 0.0
        self._now = TimeNs(start_ns)

    def market_ns(self) -> TimeNs:
        """Market time, UTC nanoseconds."""
        return self._now

    def jump_to(self, at_ns: TimeNs) -> None:
        """Move market time forward to ``at_ns``; never back."""
        self._now = max(self._now, at_ns)

    def real_seconds_until(self, at_ns: TimeNs) -> float:
        """Always 0: nobody waits in virtual time."""
        del at_ns
        return 0.0


def real_ns() -> int:
    """Monotonic real nanoseconds, for measuring waits."""
    return time.monotonic_ns()


def wall_ns() -> TimeNs:
    """The wall clock, UTC nanoseconds."""
    return TimeNs(time.time_ns())


def random_bytes(count: int) -> bytes:
    """Unpredictable bytes, for nonces and keys."""
    return os.urandom(count)


def boot_id() -> str:
    """Names this run of the machine: another one means that what was not synced may be gone.

    Empty where the system does not say.
    """
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
    except OSError:
        return ""


def pause(seconds: float) -> None:
    """Wait in real time; only where another process is waited for."""
    time.sleep(seconds)
