"""From the event log of a trial to the facts that metrics are computed from.

Purpose: one pass over the log and nothing but the log. Ordering: that of the log. Cost: O(records).
Errors: KeyError when a record names an obligation that the log does not have: a broken log.
"""

from collections.abc import Callable, Iterable
from typing import Any, Final

from settlement.designs.states import Leg, ObligationState
from settlement.trials.records import (
    ISSUER,
    YEN,
    BookBreak,
    BoughtIn,
    Could,
    Delayed,
    FundCharged,
    LegFinal,
    LockEnded,
    LockMade,
    LogRecord,
    LossShared,
    Obliged,
    OffsetRun,
    Opened,
    PenaltyCharged,
    Posted,
    PrincipalLost,
    Sent,
    StateChanged,
    Struck,
    UnitsBought,
    Waited,
    WrittenDown,
)
from venue.comparison.facts import (
    CASH,
    Deal,
    Delay,
    Facts,
    Locked,
    Loss,
    Moved,
    Outage,
    Outcome,
    WriteDown,
)

_ENDS: Final = {
    ObligationState.SETTLED: Outcome.SETTLED,
    ObligationState.CANCELLED: Outcome.CANCELLED,
    ObligationState.CLOSED_COMP: Outcome.COMPENSATED,
    ObligationState.SPLIT: Outcome.SPLIT,
    ObligationState.DISPUTED: Outcome.DISPUTED,
}


def read_log(log: Iterable[LogRecord]) -> Facts:
    """The facts of a run."""
    reader = _Reader()
    reader.read(log)
    return reader.done()


def plain(log: Iterable[LogRecord]) -> list[dict[str, Any]]:
    """Records as dictionaries of numbers and words, kind under "is": what the auditor reads."""
    return [
        {"is": type(record).__name__}
        | {name: _word(getattr(record, name)) for name in record.__struct_fields__}
        for record in log
    ]


def _word(value: Any) -> Any:
    return str(value) if isinstance(value, str) else value


class _Reader:
    """Facts while they are being read."""

    def __init__(self) -> None:
        self.facts = Facts()
        self._locks: dict[int, LockMade] = {}
        self._waits: dict[str, int] = {}
        self._do: dict[type, Callable[[Any], None]] = {
            Opened: self._opened,
            Obliged: self._obliged,
            StateChanged: self._state,
            Sent: self._sent,
            Could: self._could,
            Waited: self._waited,
            LockMade: self._lock_made,
            LockEnded: self._lock_ended,
            Posted: self._posted,
            LegFinal: self._leg_final,
            OffsetRun: self._offset,
            Struck: self._struck,
            Delayed: self._delayed,
            PrincipalLost: self._lost,
            BookBreak: self._break,
            PenaltyCharged: self._penalty,
            BoughtIn: self._bought_in,
            UnitsBought: self._units_bought,
            LossShared: self._house_loss,
            FundCharged: self._collected,
            WrittenDown: self._written_down,
        }

    def read(self, log: Iterable[LogRecord]) -> None:
        """Every record, in the order of time."""
        do_of, end_ns = self._do, self.facts.end_ns
        for record in log:
            if (do := do_of.get(type(record))) is not None:
                do(record)
            end_ns = record.at_ns
        self.facts.end_ns = end_ns

    def done(self) -> Facts:
        """Everything, with what was still waiting closed at the end."""
        facts = self.facts
        for name, since in self._waits.items():
            facts.deals[name].waits.append((since, facts.end_ns))
        facts.start_ns = min((deal.traded_ns for deal in facts.deals.values()), default=0)
        return facts

    def _opened(self, one: Opened) -> None:
        self.facts.opening[one.owner, _issue(one.asset)] = one.amount

    def _obliged(self, one: Obliged) -> None:
        self.facts.deals[one.deal] = Deal(
            one.deal,
            one.seller,
            one.buyer,
            one.issue,
            one.units,
            one.yen,
            one.traded_ns,
            one.due_ns,
        )

    def _state(self, one: StateChanged) -> None:
        deal = self.facts.deals[one.deal]
        if one.state is ObligationState.FAILING and one.at_ns >= deal.due_ns:
            deal.failed = True
        if one.reason == "partial":
            deal.cured_by += "partial "
        if one.state in _ENDS:
            deal.outcome = _ENDS[one.state]
            deal.ended_ns = one.at_ns
            self._leave(one.deal, one.at_ns)  # who is over waits no more, said or not
            if one.reason == "offset":
                deal.cured_by += "offset "
            if one.state is ObligationState.CLOSED_COMP:
                deal.cured_by += "buy_in "
                deal.failed = True

    def _sent(self, one: Sent) -> None:
        facts = self.facts
        facts.messages += 1
        facts.messages_of[one.deal] = facts.messages_of.get(one.deal, 0) + 1
        facts.signatures += one.signed

    def _could(self, one: Could) -> None:
        deal = self.facts.deals[one.deal]
        if one.leg is Leg.TOKEN:
            deal.token_ready_ns = deal.token_ready_ns or one.at_ns
        else:
            deal.cash_ready_ns = deal.cash_ready_ns or one.at_ns

    def _waited(self, one: Waited) -> None:
        if one.entered:
            self._waits[one.deal] = one.at_ns
        else:
            self._leave(one.deal, one.at_ns)

    def _leave(self, name: str, at_ns: int) -> None:
        since = self._waits.pop(name, None)
        if since is not None:
            self.facts.deals[name].waits.append((since, at_ns))

    def _lock_made(self, one: LockMade) -> None:
        self._locks[one.lock] = one

    def _lock_ended(self, one: LockEnded) -> None:
        made = self._locks.pop(one.lock)
        self.facts.locks.append(
            Locked(
                made.deal, made.owner, _issue(made.asset), made.amount, made.at_ns, one.at_ns,
                returned=not one.delivered, option_until_ns=made.option_until_ns,
            )
        )  # fmt: skip

    def _written_down(self, one: WrittenDown) -> None:
        self.facts.written_down.append(
            WriteDown(one.owner, one.held, one.cause, one.family, one.yen)
        )

    def _posted(self, one: Posted) -> None:
        if one.taker == ISSUER:
            return  # a loss of what was held, and no payment
        self.facts.moves.append(
            Moved(one.at_ns, _issue(one.asset), one.giver, one.taker, one.amount)
        )

    def _leg_final(self, one: LegFinal) -> None:
        deal = self.facts.deals[one.deal]
        done = deal.token_done if one.leg is Leg.TOKEN else deal.cash_done
        done.append((one.at_ns, one.amount))

    def _offset(self, one: OffsetRun) -> None:
        facts = self.facts
        facts.offset_rounds += 1
        facts.offset_released += one.released
        if one.released:
            facts.gridlocks += 1
        else:
            facts.deadlocks += 1

    def _struck(self, one: Struck) -> None:
        self.facts.faults += 1
        if one.effect == "down" and one.cause in {"platform", "ledger operator", "notary"}:
            self.facts.outages.append(Outage(one.cause, one.from_ns, one.until_ns))

    def _delayed(self, one: Delayed) -> None:
        self.facts.delays.append(Delay(one.deal, one.cause, one.family, one.ns))

    def _lost(self, one: PrincipalLost) -> None:
        self.facts.losses.append(
            Loss(one.at_ns, one.deal, one.bearer, one.cause, one.family, one.yen)
        )

    def _break(self, one: BookBreak) -> None:
        self.facts.breaks.append((one.deal, float(one.minutes)))

    def _penalty(self, one: PenaltyCharged) -> None:
        penalties = self.facts.penalties
        penalties[one.payer] = penalties.get(one.payer, 0) + one.yen

    def _bought_in(self, one: BoughtIn) -> None:
        paid = self.facts.bought_in
        paid[one.payer] = paid.get(one.payer, 0) + one.yen

    def _units_bought(self, one: UnitsBought) -> None:
        deal, paid = self.facts.deals[one.deal], self.facts.bought_in
        deal.cured_by += "bought "
        if one.seller_yen:
            paid[deal.seller] = paid.get(deal.seller, 0) + one.seller_yen

    def _house_loss(self, one: LossShared) -> None:
        self.facts.house_loss += one.yen

    def _collected(self, one: FundCharged) -> None:
        self.facts.collected += one.yen


def _issue(asset: str) -> str:
    return CASH if asset == YEN else asset
