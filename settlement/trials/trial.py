"""Run one trial: pick the design, settle, return the log.

Purpose: the one door. DESIGNS names every design; the same case gives the same log.
Cost: tens of records an obligation. Errors: KeyError is a programmer's mistake (an unknown design);
InvariantBroken when an invariant does not hold.
"""

import hashlib
from collections.abc import Callable, Mapping
from functools import partial
from types import MappingProxyType
from typing import Final

from settlement.designs import (
    gross,
    hash_time_lock,
    net_batch,
    notary_bridge,
    released_keys,
    two_transfers,
    verified_payment,
)
from settlement.designs.states import Leg
from settlement.trials.acts import Acts
from settlement.trials.batch import Batches
from settlement.trials.buy_in import bought_in, sells
from settlement.trials.desk import Desk
from settlement.trials.parting import Parting
from settlement.trials.queue import Queue
from settlement.trials.records import Case, LogRecord
from settlement.trials.runner import Runner


def _queue(desk: Desk, *, offsetting: bool) -> Runner:
    table = gross.gross(offsetting=offsetting)
    return Queue(desk, table, gross.CONDUCT, offsetting=offsetting)


def _oracle(desk: Desk) -> Runner:
    table = released_keys.released_keys(threshold=desk.case.oracle_threshold, wrong=1)
    return Runner(desk, table, released_keys.CONDUCT)


def _today(desk: Desk, first: Leg) -> Runner:
    return Runner(desk, two_transfers.two_transfers(first), two_transfers.conduct(first))


def _batches(desk: Desk, *, gross_units: bool, default_rule: str = "") -> Runner:
    table = net_batch.net_batch(default_rule=default_rule or desk.case.default_rule)
    return Batches(desk, table, net_batch.CONDUCT, gross_units=gross_units)


DESIGNS: Final[Mapping[str, Callable[[Desk], Runner]]] = MappingProxyType(
    {
        "A": partial(_queue, offsetting=False),
        "A+LSM": partial(_queue, offsetting=True),
        "B1": lambda desk: Runner(desk, hash_time_lock.hash_time_lock(), hash_time_lock.CONDUCT),
        "B2": lambda desk: Parting(
            desk, verified_payment.verified_payment(), verified_payment.CONDUCT
        ),
        "B3": _oracle,
        "B4": lambda desk: Runner(desk, notary_bridge.notary_bridge(), notary_bridge.CONDUCT),
        "B4-unsafe": lambda desk: Runner(
            desk, notary_bridge.notary_bridge(safe=False), notary_bridge.CONDUCT
        ),
        "C2": partial(_batches, gross_units=True),
        "C3": partial(_batches, gross_units=False),
        "C3-ccp": partial(_batches, gross_units=False, default_rule="novate"),
        "D-token": partial(_today, first=Leg.TOKEN),
        "D-cash": partial(_today, first=Leg.CASH),
    }
)
"""Each design: the table that is proved, and the runner that takes its rules."""


def run_trial(case: Case) -> list[LogRecord]:
    """Settle and return the event log."""
    desk = Desk(case)
    runner = DESIGNS[case.design](desk)
    if runner.conduct.yen_at_once and not case.by_file:
        desk.sells, desk.bought_in = partial(sells, desk), partial(bought_in, desk)
    Acts(runner)
    return desk.run()


def log_digest(log: list[LogRecord]) -> str:
    """SHA-256 over the records' contents (I18: the same case gives the same)."""
    digest = hashlib.sha256()
    for record in log:
        digest.update(repr(record).encode())
    return digest.hexdigest()
