"""The C limits, compiled on the spot: what matching costs when nothing stands in its way.

``climit_trades.c`` is the least an engine can do (trades only), ``climit_events.c`` does the batch
door's work (checks, whole events, many issues, crosses). Both are built with the machine's own
instruction set into a cache folder, by the content of the source. Without a C compiler or Python's
headers :class:`NoCompiler` says what is missing, and whoever measures goes on without.
"""

import hashlib
import importlib.util
import os
import shutil
import subprocess
import sys
import sysconfig
from collections.abc import Sequence
from pathlib import Path
from types import ModuleType
from typing import Any, Final

import numpy as np
from command_rows import CANCELS, KINDS, PHASES, REJECTS, VALIDITIES, Rows

from market.instrument import Instrument
from market.reasons import CancelReason, RejectReason
from market.rules import AmendMode, MarketResidual, PriceRule, Rules
from market.words import AUCTION_PHASES, Phase, SelfTradeMode
from matching.phases import permissions
from matching.rows import EVENT

HERE: Final = Path(__file__).parent
CACHE: Final = HERE.parent / "build" / "climit"
FLAGS: Final = ("-O3", "-march=native", "-std=gnu11", "-shared", "-fPIC")

# The same order as `Reason` in climit_events.c.
_REASONS: Final = bytes([
    REJECTS[RejectReason.UNKNOWN_INSTRUMENT], REJECTS[RejectReason.UNKNOWN_ORDER],
    REJECTS[RejectReason.PHASE_CLOSED], REJECTS[RejectReason.INVALID_COMBINATION],
    REJECTS[RejectReason.OUT_OF_RANGE], REJECTS[RejectReason.BAD_TICK],
    REJECTS[RejectReason.BAD_LOT], REJECTS[RejectReason.OUTSIDE_PRICE_LIMIT],
    REJECTS[RejectReason.ORDER_QTY_LIMIT], REJECTS[RejectReason.SHARE_OF_ISSUE],
    CANCELS[CancelReason.OWNER], CANCELS[CancelReason.IOC_REST],
    CANCELS[CancelReason.FOK_UNFILLED], CANCELS[CancelReason.MARKET_REST],
])  # fmt: skip
_PHASE_ROWS: Final = 16


class NoCompiler(Exception):
    """There is no way to compile here; the text says why."""


def built(name: str) -> ModuleType:
    """The extension of one C file, compiled unless this very source already was.

    Raises:
        NoCompiler: When there is no compiler, no header, or it does not compile.
    """
    source = HERE / f"{name}.c"
    include = sysconfig.get_paths()["include"]
    compiler = shutil.which(os.environ.get("CC", "cc"))
    if compiler is None:
        raise NoCompiler("no C compiler (cc) on the path")
    if not (Path(include) / "Python.h").exists():
        raise NoCompiler(f"no Python.h in {include}")
    content = b"".join(one.read_bytes() for one in [source, *sorted(HERE.glob("climit_*.h"))])
    stamp = hashlib.sha256(content + " ".join(FLAGS).encode() + sys.version.encode())
    place = CACHE / stamp.hexdigest()[:16] / f"{name}.so"
    if not place.exists():
        place.parent.mkdir(parents=True, exist_ok=True)
        fresh = place.with_suffix(f".{os.getpid()}")
        ran = subprocess.run(
            [compiler, *FLAGS, f"-I{include}", f"-I{HERE}", str(source), "-o", str(fresh)],
            capture_output=True, text=True, check=False,
        )  # fmt: skip
        if ran.returncode:
            raise NoCompiler(f"{compiler} failed: {ran.stderr.strip()[-400:]}")
        fresh.replace(place)
    spec = importlib.util.spec_from_file_location(name, place)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def compiler_version() -> str:
    """The first line the compiler says about itself."""
    ran = subprocess.run(
        [os.environ.get("CC", "cc"), "--version"], capture_output=True, text=True, check=False
    )
    return ran.stdout.splitlines()[0] if ran.stdout else "unknown"


class EventsLimit:
    """A venue of issues in C, for batches of command rows."""

    def __init__(self, rules: Rules, instruments: Sequence[Instrument], last_order_id: int) -> None:
        assert rules.amend_mode.value is AmendMode.KEEP_ON_DECREASE
        assert rules.self_trade_mode.value is SelfTradeMode.ALLOW_REPORT
        assert rules.market_residual_after_opening.value is MarketResidual.CARRY
        assert rules.price_rule.value is PriceRule.FIVE_CONDITION
        assert rules.market_only_trades.value
        assert rules.expire_at_closed.value
        self._module: Any = built("climit_events")
        self._engine = self._module.make(
            _terms(rules, instruments), _phases(rules), _REASONS, last_order_id
        )

    def run(self, commands: Rows) -> int:
        """Apply command rows; returns how many events they made."""
        made: int = self._module.run(self._engine, commands)
        return made

    def events(self) -> Rows:
        """A copy of the last run's events."""
        return np.frombuffer(self._module.events(self._engine), EVENT).copy()

    def resting(self) -> tuple[int, int]:
        """Orders and units on all books."""
        found: tuple[int, int] = self._module.resting(self._engine)
        return found


def _terms(rules: Rules, instruments: Sequence[Instrument]) -> bytes:
    rows = []
    for issue in instruments:
        lower, upper = issue.daily_limits(issue.issue_price_sen)
        tick = issue.ticks.tick_at(lower)
        assert tick == issue.ticks.tick_at(upper), "one tick within the limits"
        share = issue.issued_units * rules.max_share_of_issue_percent.value // 100
        rows.append((
            lower, upper, tick, issue.trading_unit_units, rules.max_order_units.value,
            min(share, 2**31 - 1), issue.issue_price_sen,
        ))  # fmt: skip
    return np.array(rows, "<i4").tobytes()


def _phases(rules: Rules) -> bytes:
    table = np.zeros((_PHASE_ROWS, 8), "u1")
    kinds_known = set(KINDS) == set(rules.order_kinds.value)
    assert kinds_known, "the C ladder takes limit and market orders"
    for phase, may in permissions(rules).items():
        table[PHASES[phase]] = (
            REJECTS[may.new_refusal] if may.new_refusal else 0,
            REJECTS[may.amend_refusal] if may.amend_refusal else 0,
            REJECTS[may.cancel_refusal] if may.cancel_refusal else 0,
            sum(1 << VALIDITIES[validity] for validity in may.validities),
            may.trades_at_once,
            may.publishes_indicative,
            phase in AUCTION_PHASES,
            phase is Phase.CLOSED,
        )
    closed = table[PHASES[Phase.CLOSED]]
    table[0] = closed  # where an issue begins
    return table.tobytes()
