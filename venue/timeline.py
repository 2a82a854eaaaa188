"""The day as lines a person reads: what opened, crossed, closed, settled and failed."""

from collections import Counter
from datetime import date

from market.business_days import jst_clock_text
from market.commands import Entry
from market.events import (
    AuctionHeld,
    DayClosed,
    DayOpened,
    DeliveryChanged,
    DeliveryState,
    Event,
    OrderAccepted,
    OrderAmended,
    OrderCanceled,
    OrderExpired,
    PhaseChanged,
    Reconciled,
    RequestRejected,
    SettlementRan,
    Trade,
    TradingHalted,
    TradingResumed,
)
from market.quantities import price_to_text
from market.reasons import FailReason
from market.words import Phase

_FAIL_WORDS = {
    FailReason.SELLER_SHORT_OF_UNITS: "seller short of units",
    FailReason.BUYER_SHORT_OF_CASH: "buyer short of cash",
    FailReason.TRANSFER_RESTRICTED: "transfer restricted",
    FailReason.PAYMENT_REFUSED: "payment refused",
    FailReason.CUTOFF_PASSED: "cut-off passed",
    FailReason.CANCELED: "canceled",
}


class Timeline:
    """Folds steps into lines; give it every step in order.

    Attributes:
        totals: Counts of what happened, by name, over the whole run.
    """

    def __init__(self) -> None:
        self.totals: Counter[str] = Counter()
        self._day: Counter[str] = Counter()
        self._phase: dict[str, Phase] = {}
        self._trade_date: date | None = None
        self._trading_dates: list[date] = []
        self._fails: Counter[FailReason] = Counter()
        self._finished = 0

    def lines(self, entry: Entry, events: list[Event]) -> list[str]:
        """The lines this step adds, oldest first; most steps add none."""
        clock = jst_clock_text(entry.at_ns)
        out: list[str] = []
        for event in events:
            text = self._line(event)
            if text is not None:
                out.append(f"{clock}  {text}")
        return out

    def _line(self, event: Event) -> str | None:  # noqa: C901, PLR0912 - one arm an event
        match event:
            case OrderAccepted():
                self._count("orders")
            case RequestRejected():
                self._count("refused")
            case OrderAmended():
                self._count("amended")
            case OrderCanceled():
                self._count("canceled")
            case OrderExpired():
                self._count("expired")
            case Trade():
                self._count("trades")
                self._count("units", event.quantity_units)
                self._count("yen", event.consideration_yen)
            case DayOpened():
                self._day.clear()
                self._trade_date = event.business_date
                return f"{event.business_date}  day opens, trades settle {event.settlement_date}"
            case PhaseChanged():
                return self._phase_line(event)
            case AuctionHeld():
                return _auction_line(event)
            case TradingHalted():
                return f"{event.instrument_id:<6} suspended: {event.reason}  売買停止"
            case TradingResumed():
                return f"{event.instrument_id:<6} resumed"
            case DeliveryChanged():
                self._delivery(event)
            case SettlementRan():
                return self._settlement_line(event)
            case Reconciled():
                state = "ok" if not event.breaks else "; ".join(event.breaks)
                return (
                    f"reconciled  {event.trades} trades, {event.finished} delivered, "
                    f"{event.open_deliveries} open, {event.failing} failing: {state}  照合"
                )
            case DayClosed():
                return self._day_line(event)
        return None

    def _count(self, name: str, by: int = 1) -> None:
        self.totals[name] += by
        self._day[name] += by

    def _phase_line(self, event: PhaseChanged) -> str | None:
        """One line for the whole venue: when the first issue enters the phase."""
        already = event.phase in self._phase.values()
        self._phase[event.instrument_id] = event.phase
        return None if already else f"all     {event.phase}"

    def _delivery(self, event: DeliveryChanged) -> None:
        if event.state is DeliveryState.FINISHED:
            self._count("delivered")
            self._finished += 1
        elif event.state is DeliveryState.FAILING and event.reason is not None:
            self._count("fails")
            self._fails[event.reason] += 1

    def _settlement_line(self, event: SettlementRan) -> str | None:
        finished, fails = self._finished, dict(self._fails)
        self._finished = 0
        self._fails.clear()
        if not event.moved and not event.failed:
            return None
        text = f"settle  {event.stage_name}: {event.moved} moved"
        if finished:
            text += f", {finished} delivered"
        if fails:
            text += ", " + ", ".join(
                f"{count} failed ({_FAIL_WORDS[reason]})" for reason, count in fails.items()
            )
        return text + "  DvP"

    def _day_line(self, event: DayClosed) -> str:
        day = self._day
        return (
            f"{event.business_date}  day closes: {day['orders']} orders, {day['trades']} trades, "
            f"{day['units']} units, {day['yen']:,} yen, {day['expired']} expired, "
            f"{day['refused']} refused"
        )


def _auction_line(event: AuctionHeld) -> str:
    name = "opening" if event.phase is Phase.OPENING_AUCTION else "closing"
    if event.skipped:
        return f"{event.instrument_id:<6} {name} cross skipped: suspended  売買停止"
    if event.price_sen is None:
        return f"{event.instrument_id:<6} {name} cross  no trade"
    return (
        f"{event.instrument_id:<6} {name} cross  {price_to_text(event.price_sen):>9} yen  "
        f"{event.executed_units:>6} units  {event.trades:>4} trades  板寄せ"
    )
