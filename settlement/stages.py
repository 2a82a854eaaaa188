"""The settlement day, stage by stage to the cut-off, and its end: run, charge, reconcile (照合).

Purpose: what happens at a time of day to everything due. Ordering: before a stage what is owed to
holders is paid; the last stage is the cut-off, after which stages are refused until the next day
opens; at the day's end fails are charged, then owners counted, then everything compared.
Cost: open deliveries that are due for a stage, see the design; accounts and open deliveries for a day's end.
"""

from typing import Final

from market.events import DeliveryAction, DeliveryChanged, Event, SettlementRan
from market.quantities import TimeNs
from market.reasons import RejectReason
from settlement.cash import Cash
from settlement.deliveries import Deliveries
from settlement.fails import Fails
from settlement.register import Registers
from settlement.settlement_day import SettlementDay
from settlement.staged import StagedDesign
from settlement.token_acts import TokenActs
from settlement.verbs import refuse

MIDNIGHT_UTC: Final = TimeNs(0)
"""Nine in the morning in Japan, of any day."""

_FORWARD: Final = (
    DeliveryAction.TRANSFER_PROVISIONALLY,
    DeliveryAction.CONFIRM,
    DeliveryAction.PAY,
    DeliveryAction.FINISH,
    DeliveryAction.FILL,
)


class Stages:
    """Runs the stages of a design on the book of deliveries."""

    __slots__ = ("_book", "_cash", "_day", "_design", "_fails", "_registers", "_tokens")

    def __init__(
        self,
        book: Deliveries,
        cash: Cash,
        registers: Registers,
        *,
        design: StagedDesign,
        fails: Fails,
        tokens: TokenActs,
        day: SettlementDay,
    ) -> None:
        self._book = book
        self._cash = cash
        self._registers = registers
        self._design = design
        self._fails = fails
        self._tokens = tokens
        self._day = day

    def run(self, stage: int, at_ns: TimeNs) -> list[Event]:
        """Run one stage for everything due.

        Args:
            stage: Index into the design's stages.
            at_ns: Market time, for the money's hours.
        """
        today, stages = self._day.business_date, self._design.stages
        if today is None:
            return refuse(RejectReason.PHASE_CLOSED, "no business day is open")
        if not 0 <= stage < len(stages):
            return refuse(RejectReason.OUT_OF_RANGE, f"{self._design.name} has no stage {stage}")
        if self._day.cut_off_done:
            return refuse(RejectReason.CUTOFF_PASSED, f"{today} is settled")
        self._cash.start_stage(at_ns)
        events = self._tokens.pay()
        events += self._book.tell(
            self._design.run(stage, self._book.due(today), self._cash.second_of_day)
        )
        changes = [event for event in events if isinstance(event, DeliveryChanged)]
        self._day.cut_off_done = stage == len(stages) - 1
        self._fails.note(changes)
        ran = SettlementRan(
            business_date=today,
            stage=stage,
            stage_name=stages[stage],
            moved=len({c.delivery_id for c in changes if c.action in _FORWARD}),
            failed=sum(c.action is DeliveryAction.FAIL for c in changes),
        )
        return [*events, ran]

    def close_day(self) -> list[Event]:
        """Charge what fails, count owners, reconcile."""
        today = self._day.business_date
        if today is None:
            return refuse(RejectReason.PHASE_CLOSED, "no business day is open")
        charged = self._fails.end_day(today)
        reconciled = self._book.reconcile(today, self._registers, self._cash)
        return [*charged, *self._tokens.close_day(), reconciled]
