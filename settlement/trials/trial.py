"""Run one trial: pick the design, settle, return the log.

Purpose: the one door. DESIGNS names every design; the same case gives the same log.
Cost: tens of records an obligation. Errors: KeyError is a programmer's mistake (an unknown design);
InvariantBroken when an invariant does not hold.
"""

import hashlib
from collections.abc import Callable, Mapping
from functools import partial
from types import MappingProxyType
from typing import Any, Final

from settlement.trials.batch import Batches
from settlement.trials.bridged import Bridged
from settlement.trials.desk import Desk
from settlement.trials.gross import Gross
from settlement.trials.records import Case, Leg, LogRecord
from settlement.trials.today import Today

DESIGNS: Final[Mapping[str, Callable[[Desk], Any]]] = MappingProxyType(
    {
        "A": partial(Gross, offsetting=False),
        "A+LSM": partial(Gross, offsetting=True),
        "B1": partial(Bridged, design="B1"),
        "B2": partial(Bridged, design="B2"),
        "B3": partial(Bridged, design="B3"),
        "B4": partial(Bridged, design="B4"),
        "B4-unsafe": partial(Bridged, design="B4-unsafe"),
        "C2": partial(Batches, gross_units=True),
        "C3": partial(Batches, gross_units=False),
        "D-token": partial(Today, first=Leg.TOKEN),
        "D-cash": partial(Today, first=Leg.CASH),
    }
)


def run_trial(case: Case) -> list[LogRecord]:
    """Settle and return the event log."""
    desk = Desk(case)
    DESIGNS[case.design](desk)
    return desk.run()


def log_digest(log: list[LogRecord]) -> str:
    """SHA-256 over the records' contents (I18: the same case gives the same)."""
    digest = hashlib.sha256()
    for record in log:
        digest.update(repr(record).encode())
    return digest.hexdigest()
