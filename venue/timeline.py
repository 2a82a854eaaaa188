"""The day as lines a person reads: what opened, crossed, closed, settled and failed."""

from collections import Counter

from market.business_days import jst_clock_text
from market.commands import Entry
from market.events import (
    AuctionHeld,
    BoughtIn,
    DayClosed,
    DayOpened,
    DeliveryChanged,
    DeliveryCreated,
    DeliveryFilled,
    DeliveryState,
    ErrorTradeReported,
    Event,
    FailCharged,
    IssuerDefaulted,
    OrderAccepted,
    OrderAmended,
    OrderCanceled,
    OrderExpired,
    PhaseChanged,
    QuoteShown,
    Reconciled,
    RequestRejected,
    SettlementRan,
    Trade,
    TradeBusted,
    TradingHalted,
    TradingResumed,
)
from market.ids import delivery_id_to_text, trade_id_to_text
from market.quantities import SEN_PER_YEN
from market.reasons import FailReason
from market.words import Phase, QuoteKind
from venue.tokenlines import token_line

_FAIL_WORDS = {
    FailReason.SELLER_SHORT_OF_UNITS: "seller short of units",
    FailReason.BUYER_SHORT_OF_CASH: "buyer short of cash",
    FailReason.ON_HOLD: "on hold",
    FailReason.TRANSFER_RESTRICTED: "transfer restricted",
    FailReason.MONEY_CLOSED: "money closed",
    FailReason.ISSUER_DEFAULTED: "money's issuer in default",
    FailReason.PAYMENT_PENDING: "payment pending",
    FailReason.PAYMENT_REFUSED: "payment refused",
    FailReason.CUTOFF_PASSED: "cut-off passed",
    FailReason.CANCELED: "canceled",
    FailReason.BUSTED: "trade voided",
    FailReason.STATION_CLOSED: "station closed",
    FailReason.NOT_REGISTERED: "buyer not registered",
    FailReason.ACCOUNT_FROZEN: "account frozen",
    FailReason.RECEIVER_REFUSED: "refused by the receiver",
    FailReason.SIGNATURE_REFUSED: "no valid signature",
    FailReason.REDEEMED: "units redeemed",
    FailReason.NOT_AFFIRMED: "not affirmed",
    FailReason.AGREED: "agreed to end",
    FailReason.BOUGHT_IN: "bought in",
    FailReason.COMPENSATED: "paid in cash",
    FailReason.PURGED: "late too long",
}

_CROSSES = {
    Phase.OPENING_AUCTION: "opening cross",
    Phase.CLOSING_AUCTION: "closing cross",
}


class Timeline:
    """Folds steps into lines; give it every step in order.

    Attributes:
        totals: Counts of what happened, by name, over the whole run.
    """

    def __init__(self) -> None:
        self.totals: Counter[str] = Counter()
        self._day: Counter[str] = Counter()
        self._phase: Phase | None = None
        self._without_trade = 0
        self._fails: Counter[FailReason] = Counter()
        self._finished = 0

    def lines(self, entry: Entry, events: list[Event]) -> list[str]:
        """The lines this step adds, oldest first; most steps add none."""
        said = [text for event in events if (text := self._line(event)) is not None]
        clock = jst_clock_text(entry.at_ns)
        return [f"{clock}  {line}" for text in said for line in text.splitlines()]

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
                return _told("day opens", f"{event.business_date}, settles {event.settlement_date}")
            case PhaseChanged():
                return self._phase_line(event)
            case AuctionHeld():
                return self._auction_line(event)
            case QuoteShown():
                self._count("quotes")
                return _quote_line(event)
            case ErrorTradeReported():
                said = f"{event.instrument_id}  {event.error_units:,} units in all, {event.reason}"
                return _told("error trade", said, "誤発注")
            case TradeBusted():
                self._count("busted")
                price = f"{event.price_sen // SEN_PER_YEN:,}"
                said = f"{event.instrument_id}  {trade_id_to_text(event.trade_id)}, {event.quantity_units:,} units at {price} yen"
                return _told("trade voided", said, "約定取消")
            case TradingHalted():
                return _told("suspended", f"{event.instrument_id}  {event.reason}", "売買停止")
            case TradingResumed():
                return _told("resumed", event.instrument_id)
            case IssuerDefaulted():
                said = (
                    f"{event.issuer}: {event.owned_yen:,} yen owned, {event.recovered_yen:,} left"
                )
                return _told("issuer fails", f"{said}  {event.reason}", "発行者破綻")
            case DeliveryChanged():
                self._delivery(event)
            case DeliveryFilled():
                self._count("parts")
            case FailCharged() | BoughtIn() | DeliveryCreated():
                return _fail_line(event)
            case SettlementRan():
                return self._settlement_line(event)
            case Reconciled():
                return _reconciled_line(event)
            case DayClosed():
                return self._day_line(event)
            case _:
                by_the_operator = token_line(event)
                return None if by_the_operator is None else _told(*by_the_operator)
        return None

    def _count(self, name: str, by: int = 1) -> None:
        self.totals[name] += by
        self._day[name] += by

    def _phase_line(self, event: PhaseChanged) -> str | None:
        """One line for the whole venue, when the first issue enters the phase."""
        if event.phase is self._phase:
            return None
        self._phase = event.phase
        line = _told("phase", event.phase)
        if self._without_trade:
            line = _told("no trade", f"in {self._without_trade} issues") + "\n" + line
            self._without_trade = 0
        return line

    def _auction_line(self, event: AuctionHeld) -> str | None:
        name = _CROSSES.get(event.phase, "cross")  # in Continuous: after a halt or under a quote
        if event.skipped:
            return _told(name, f"{event.instrument_id}  skipped: suspended", "売買停止")
        if event.price_sen is None:
            self._without_trade += 1
            return None
        price = f"{event.price_sen // SEN_PER_YEN:,}"  # whole yen for the eye, rounded down
        return _told(
            name,
            f"{event.instrument_id:<5} {price:>10} yen {event.executed_units:>6,} units "
            f"{event.trades:>5,} trades",
            "板寄せ",
        )

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
        parts = [f"{event.stage_name.replace('_', ' ')}: {event.moved}"]
        if finished:
            parts.append(f"{finished} finished")
        parts += [f"{count} failed ({_FAIL_WORDS[reason]})" for reason, count in fails.items()]
        return _told("deliver", ", ".join(parts), "フェイル" if fails else "DvP")

    def _day_line(self, event: DayClosed) -> str | None:
        day = self._day
        if not day["orders"]:
            return _told("day closes", f"{event.business_date}")
        voided = f" ({day['busted']:,} voided)" if day["busted"] else ""
        return _told(
            "day closes",
            f"{event.business_date}, {day['orders']:,} orders, {day['trades']:,} trades{voided}, "
            f"{day['yen']:,} yen, {day['expired']:,} expired",
        )


def _told(what: str, rest: str, term: str = "") -> str:
    return f"{what:<13}  {rest:<52}{term}".rstrip()


def _quote_line(event: QuoteShown) -> str:
    special = event.kind is QuoteKind.SPECIAL
    price = f"{event.price_sen // SEN_PER_YEN:,}"
    until = f"until {jst_clock_text(event.renew_at_ns)}" if event.renew_at_ns else "stays"
    return _told(
        "special quote" if special else "run stopped",
        f"{event.instrument_id:<5} {price:>10} yen  {event.side:<4}  {until}",
        "特別気配" if special else "連続約定気配",
    )


def _fail_line(event: FailCharged | BoughtIn | DeliveryCreated) -> str | None:
    """What a fail cost, how it ended, or that a settled delivery is taken back."""
    name = delivery_id_to_text(event.delivery_id)
    match event:
        case FailCharged():
            owed = "" if event.paid else ", unpaid"
            kind = event.kind.replace("_", " ")
            said = f"{name}  {kind}: {event.payer} to {event.payee} {event.amount_yen:,} yen{owed}"
            return _told("fail", said, "フェイル")
        case BoughtIn():
            price = f"{event.price_sen // SEN_PER_YEN:,}"
            said = f"{name}  {event.quantity_units:,} units from {event.supplier} at {price} yen"
            return _told("bought in", said, "買入れ")
        case DeliveryCreated(reverses=reverses) if reverses is not None:
            return _told("reversal", f"{name} against {delivery_id_to_text(reverses)}", "反対取引")
    return None


def _reconciled_line(event: Reconciled) -> str:
    state = "ok" if not event.breaks else "; ".join(event.breaks)
    counts = f"{event.trades} trades, {event.finished} delivered, {event.open_deliveries} open"
    if event.failing:
        counts += f", {event.failing} failing"
    return _told("reconciled", f"{counts}: {state}", "照合")
