"""An oracle of the matching room: one issue, one plain list of orders, everything searched anew.

Slow and obvious on purpose, and no code of the matching room is used. It answers each command with
short tuples; :func:`told` writes the engine's events in the same words, so the two can be compared
line by line. Keep it this way.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from market.commands import (
    AmendOrder,
    CancelOrder,
    ChangePhase,
    CloseDay,
    Halt,
    NewOrder,
    OpenDay,
    Resume,
    RunAuction,
    SetNetAssetValue,
    SetReferencePrice,
)
from market.events import (
    AuctionExtended,
    AuctionHeld,
    BasePriceAnnounced,
    ClosingPriceSet,
    CommandRefused,
    Event,
    IndicativePriceChanged,
    NetAssetValueSet,
    OrderAccepted,
    OrderAmended,
    OrderCanceled,
    OrderExpired,
    OrderReduced,
    OrderReleased,
    PhaseChanged,
    QuoteEnded,
    QuoteShown,
    ReferencePriceSet,
    RequestRejected,
    Trade,
    TradingHalted,
    TradingResumed,
)
from market.instrument import Instrument
from market.quantities import Sen
from market.rules import AmendMode, BookCentre, BreakOrders, MarketResidual, PriceRule, Rules
from market.words import Validity

Line = tuple[Any, ...]


def told(events: Iterable[Event]) -> list[Line]:  # noqa: C901, PLR0912, PLR0915  one branch an event
    """Events in the oracle's words."""
    lines: list[Line] = []
    for event in events:
        match event:
            case OrderAccepted():
                lines.append(("accepted", event.order_id))
            case OrderAmended():
                kept = event.kept_priority
                change = (event.old_order_id, event.order_id, event.price_sen, event.leaves_units)
                lines.append(("amended", *change, kept))
            case OrderCanceled():
                reason = event.reason.value
                prevented = (event.prevented_units, event.prevented_price_sen)
                lines.append(("canceled", event.order_id, event.canceled_units, reason, *prevented))
            case OrderReleased():
                now = (event.kind.value, event.price_sen, event.leaves_units)
                lines.append(("released", event.order_id, *now))
            case OrderReduced():
                units = (event.prevented_units, event.leaves_units)
                lines.append(("reduced", event.order_id, *units, event.prevented_price_sen))
            case OrderExpired():
                lines.append(("expired", event.order_id, event.expired_units))
            case Trade():
                pair = (event.buy_order_id, event.sell_order_id)
                left = (event.buy_leaves_units, event.sell_leaves_units)
                flags = (event.cross, event.self_trade)
                trade = (event.trade_id, *pair, event.price_sen, event.quantity_units)
                lines.append(("trade", *trade, *left, *flags))
            case AuctionHeld():
                result = (event.price_sen, event.executed_units, event.trades, event.skipped)
                lines.append(("auction", *result))
            case IndicativePriceChanged():
                values = (event.price_sen, event.executed_units, event.surplus_units)
                lines.append(("indicative", *values))
            case RequestRejected():
                lines.append(("rejected", event.reason.value))
            case CommandRefused():
                lines.append(("refused", event.reason.value))
            case PhaseChanged():
                lines.append(("phase", event.phase.value))
            case ReferencePriceSet():
                limits = (event.lower_limit_sen, event.upper_limit_sen)
                base = (event.reference_price_sen, *limits)
                lines.append(("reference", *base, event.market_orders_barred))
            case AuctionExtended():
                lines.append(("extended", event.extension_s))
            case BasePriceAnnounced():
                limits = (event.lower_limit_sen, event.upper_limit_sen)
                lines.append(("announced", event.reference_price_sen, *limits))
            case NetAssetValueSet():
                lines.append(("nav", event.nav_sen))
            case ClosingPriceSet():
                lines.append(("closing", event.price_sen))
            case QuoteShown():
                shown = (event.quote_number, event.kind.value, event.side.value)
                lines.append(("shown", *shown, event.price_sen, event.renew_at_ns))
            case QuoteEnded():
                lines.append(("unshown", event.quote_number))
            case TradingHalted():
                lines.append(("halted",))
            case TradingResumed():
                lines.append(("resumed",))
            case _:
                lines.append((type(event).__name__,))
    return lines


@dataclass
class Paper:
    """One order on the oracle's list."""

    number: int
    firm: str
    account: str
    side: str
    price: int | None
    left: int
    validity: str
    mode: str
    stamp: int
    gone: int = 0


Fill = tuple[Paper, int]


def one_after_the_other(papers: list[Paper], units: int) -> list[Fill]:
    """First come, first served."""
    fills = []
    for paper in papers:
        if units:
            fills.append((paper, min(paper.left, units)))
            units -= min(paper.left, units)
    return fills


def in_turn(papers: list[Paper], units: int, lot: int) -> list[Fill]:
    """One trading unit a firm in turn, the firm that asked for most first; played turn by turn."""
    asked = {one.firm: sum(o.left for o in papers if o.firm == one.firm) for one in papers}
    got = dict.fromkeys(asked, 0)
    while units:
        for firm in sorted(asked, key=lambda firm: -asked[firm]):
            if units and got[firm] < asked[firm]:
                got[firm] += lot
                units -= lot
    fills = []
    for paper in papers:
        share = min(paper.left, got[paper.firm])
        got[paper.firm] -= share
        if share:
            fills.append((paper, share))
    return fills


def by_share(papers: list[Paper], units: int, lot: int) -> list[Fill]:
    """Each its part of the whole, down to trading units; the rest one each by time."""
    whole = sum(paper.left for paper in papers)
    shares = [units * paper.left // whole // lot * lot if whole else 0 for paper in papers]
    for place, paper in enumerate(papers):
        if sum(shares) < units and shares[place] < paper.left:
            shares[place] += lot
    return [(paper, share) for paper, share in zip(papers, shares, strict=True) if share]


class OracleBook:
    """One issue under one rulebook, played the slow way."""

    def __init__(self, rules: Rules, instrument: Instrument) -> None:
        self.rules = rules
        self.instrument = instrument
        self.papers: list[Paper] = []
        self.aside: list[Paper] = []
        self.phase = "Closed"
        self.halted = False
        self.reference: int = instrument.issue_price_sen
        self.next_base: int = instrument.issue_price_sen
        self.nav: int = instrument.nav_sen
        self.days = 0
        self.crosses: dict[str, int] = {}
        self.waiting = self.ending = False
        self.day_trades: list[tuple[int, int]] = []
        self.spans: dict[str, list[int]] = {}
        self.last: int | None = None
        self.after_pre_close = False
        self.trades = self.stamps = self.together = 0
        self.shown: Line = (None, 0, 0)

    # --- commands

    def apply(  # noqa: C901, PLR0912  one branch a command
        self, number: int, command: object
    ) -> list[Line]:
        """Answer one command."""
        match command:
            case NewOrder():
                return self._new(number, command)
            case AmendOrder():
                return self._amend(number, command)
            case CancelOrder():
                return self._cancel(command)
            case ChangePhase():
                phase = command.phase.value
                lines = self._put_off(phase, behind=command.after_extension)
                return self._change_phase(phase) if lines is None else lines
            case RunAuction():
                lines = self._put_off("", behind=command.after_extension)
                return self._auction() if lines is None else lines
            case OpenDay():
                self.last = None
                self.days += 1
                self.crosses = {}
                self.waiting = self.ending = False
                self.day_trades, self.spans = [], {}
                return self._set_reference(self.next_base)
            case SetReferencePrice():
                lines = self._set_reference(command.reference_price_sen)
                return lines + self._indicative()
            case Halt():
                if self.halted:
                    return [("refused", "NOT_TRADABLE")]
                self.halted = True
                lines = [("halted",), *self._unshow()]
                if self.rules.halt_model.value.value == "purge":
                    for paper in [*self.ranked("buy"), *self.ranked("sell"), *self.aside]:
                        lines += self.cancel(paper, "halt")
                return lines
            case SetNetAssetValue():
                self.nav = command.nav_sen
                return [("nav", self.nav), *self._indicative()]
            case Resume():
                if not self.halted:
                    return [("refused", "NOT_TRADABLE")]
                self.halted = False
                self._together()
                begun = self._begin_continuous() if self.phase == "Continuous" else []
                return [("resumed",), *begun]
            case CloseDay():
                lines = [] if self.phase == "Closed" else self._change_phase("Closed")
                self.next_base = self._next_base()
                return [*lines, ("closing", self._closing())]
        raise TypeError(command)

    def bust(self, trade: int, *, at_night: bool) -> list[Line]:
        """Take a trade of today out, as if it had never been made."""
        if trade not in [number for number, _ in self.day_trades]:
            return []
        self.day_trades = [one for one in self.day_trades if one[0] != trade]
        self.last = self.day_trades[-1][1] if self.day_trades else None
        standing = [number for number, _ in self.day_trades]
        for phase, span in list(self.spans.items()):
            if not any(number in standing for number in span):
                del self.spans[phase], self.crosses[phase]
        lines: list[Line] = []
        if at_night:
            self.next_base = self._next_base()
            lines.append(("closing", self._closing()))
        return [*lines, *self._indicative()]

    def announced(self) -> list[Line]:
        """The next day's base price, told beforehand."""
        return [("announced", self.next_base, *self.limits_around(self.next_base))]

    def _put_off(self, phase: str, *, behind: bool) -> list[Line] | None:
        """What a step says when the auction's extension stands against it."""
        if behind:
            if not self.waiting and not self.ending:
                return []
            if phase:
                self.waiting, self.ending = False, True
            return None
        if self.waiting:
            return []
        if not phase:
            return None
        self.ending = False
        seconds = self.rules.auction_extension_s.value
        if not phase.endswith("Auction") or not seconds or self.halted:
            return None
        price, centre = self.clearing()[0], self.centre()
        share = self.rules.auction_extension_percent.value
        if price is None or abs(price - centre) * 100 <= centre * share:
            return None
        self.waiting = True
        return [("extended", seconds)]

    def _next_base(self) -> int:
        rule = self.rules.base_price_rule.value.value
        if rule == "manual":
            return self.reference
        if rule == "nav":
            tick = self.instrument.ticks.tick_at(Sen(self.nav))
            rounded = self.nav - self.nav % tick
            rounded += tick if self.nav % tick * 2 >= tick else 0
            if rounded:
                return rounded
        return self.anchor()

    def _closing(self) -> int | None:
        rule = self.rules.close_price_rule.value.value
        if rule == "last":
            return self.last
        if "ClosingAuction" in self.crosses:
            return self.crosses["ClosingAuction"]
        if "OpeningAuction" in self.crosses:
            return self.crosses["OpeningAuction"]
        return self.reference if rule == "cross_or_base" else None

    def barred(self) -> bool:
        """Whether market orders are barred today."""
        first = self.instrument.newly_listed and self.days == 1
        by_rule = first and self.rules.market_orders_barred_first_day.value
        return self.instrument.market_orders_barred or by_rule or self.seeking()

    @property
    def limits(self) -> tuple[Sen, Sen]:
        """Lowest and highest price of today."""
        return self.limits_around(self.reference)

    def limits_around(self, base: int) -> tuple[Sen, Sen]:
        """Lowest and highest price with this base price."""
        return self.instrument.daily_limits(Sen(base))

    def _set_reference(self, price: int) -> list[Line]:
        self.reference = price
        return [("reference", price, *self.limits, self.barred())]

    def _change_phase(self, phase: str) -> list[Line]:
        self.after_pre_close = phase == "ClosingAuction" and self.phase.startswith("PreClose")
        self.phase = phase
        lines: list[Line] = [("phase", phase)]
        if phase.startswith("PreClose"):
            lines += self._join_closing_call()
        if phase == "OpeningAuction" or (phase == "PreClose" and self.rules.has_continuous):
            self._together()
        if phase == "Continuous" and not self.halted:
            lines += self._begin_continuous()
        if phase == "Closed":
            conditions = ("on_open", "on_close", "funari")
            everything = self.rules.expire_at_closed.value
            ending = [one for one in self.papers if everything or one.validity in conditions]
            lines += self._end(ending, "expired")
            for paper in list(self.aside):
                lines += self._end([paper], "expired")
        if phase.startswith("Pre"):
            lines += self._indicative()
        elif not phase.endswith("Auction") and self.shown[0] is not None:
            lines.append(self._show((None, 0, 0)))
        return lines

    def _new(self, number: int, command: NewOrder) -> list[Line]:
        market = command.kind.value == "market"
        refusal = self.refuse_new(command) or self.refuse_meeting_itself(command)
        if refusal:
            return [("rejected", refusal)]
        paper = Paper(
            number=number,
            firm=command.participant_id,
            account=command.account,
            side=command.side.value,
            price=None if market else command.price_sen,
            left=command.quantity_units,
            validity=command.validity.value,
            mode=(command.self_trade_mode or self.rules.self_trade_mode.value).value,
            stamp=0,
        )
        return [("accepted", number), *self._enter(paper)]

    def _refuse_entry(self, what: str) -> str | None:
        ncp = self.phase in [phase.value for phase in self.rules.non_cancel_phases.value]
        if self.halted and what != "cancel":
            return "NOT_TRADABLE"
        if self.phase in ("OpeningAuction", "ClosingAuction", "Closed"):
            return "PHASE_CLOSED"
        if self.phase == "Break":
            takes = self.rules.break_orders.value
            if takes is BreakOrders.NONE:
                return "PHASE_CLOSED"
            if takes is BreakOrders.CANCEL_ONLY and what != "cancel":
                return "PHASE_CLOSED"
        if ncp and what == "new" and not self.rules.ncp_new_orders.value:
            return "PHASE_CLOSED"
        if ncp and what != "new":
            return "NON_CANCEL_PERIOD"
        return None

    def refuse_new(self, command: NewOrder) -> str | None:
        """Why this room would not take a new order, or None."""
        return self._refuse_entry("new") or self._refuse_new(command)

    def _refuse_new(self, command: NewOrder) -> str | None:
        market = command.kind.value == "market"
        validity = command.validity
        if command.kind not in self.rules.order_kinds.value:
            return "INVALID_COMBINATION"
        if validity not in self.rules.validities.value or market != (command.price_sen == 0):
            return "INVALID_COMBINATION"
        if self.phase == "Continuous" and validity in (Validity.NEXT_AUCTION, Validity.ON_OPEN):
            return "INVALID_COMBINATION"
        if validity is Validity.ON_OPEN and not self.phase.startswith("PreOpen"):
            return "INVALID_COMBINATION"
        if validity is Validity.FUNARI and (market or self.phase.startswith("PreClose")):
            return "INVALID_COMBINATION"
        if self.phase != "Continuous" and validity is Validity.IOC:
            return "INVALID_COMBINATION"
        zaraba = any(step.phase.value == "Continuous" for step in self.rules.schedule.value)
        if self.phase != "Continuous" and validity is Validity.FOK and zaraba:
            return "INVALID_COMBINATION"
        price = None if market else command.price_sen
        if command.short_sale and command.side.value == "buy":
            return "INVALID_COMBINATION"
        if validity is Validity.FUNARI and self.barred():
            return "MARKET_ORDER_BARRED"
        short = command.short_sale is not None
        confirmed = command.size_confirmed
        return self._refuse_values(price, command.quantity_units, confirmed=confirmed, short=short)

    def _refuse_values(
        self, price: int | None, units: int, *, confirmed: bool, short: bool = False
    ) -> str | None:
        if price is None and self.barred():
            return "MARKET_ORDER_BARRED"
        if short and not self.rules.short_sale.value:
            return "SHORT_SALE_BARRED"
        if units < 1 or units > 2**31 - 1:
            return "OUT_OF_RANGE"
        if price is not None and (price < 1 or price > 2**31 - 2):
            return "OUT_OF_RANGE"
        if price is not None and not self.instrument.ticks.is_on_tick(Sen(price)):
            return "BAD_TICK"
        if units % self.instrument.trading_unit_units != 0:
            return "BAD_LOT"
        if price is not None and (price < self.limits[0] or price > self.limits[1]):
            return "OUTSIDE_PRICE_LIMIT"
        if units > self.rules.max_order_units.value:
            return "ORDER_QTY_LIMIT"
        share = self.rules.max_share_of_issue_percent.value
        if share and units * 100 > self.instrument.issued_units * share:
            return "SHARE_OF_ISSUE"
        query = self.rules.query_share_of_issue_percent.value
        if query and units * 100 > self.instrument.issued_units * query and not confirmed:
            return "ABNORMAL_SIZE_QUERY"
        return None

    def refuse_meeting_itself(self, command: NewOrder) -> str | None:
        """Whether a new order could be paired with one of its owner's."""
        if command.validity is Validity.ON_CLOSE and not self.phase.startswith("PreClose"):
            return None  # nobody sees it yet
        price = None if command.kind.value == "market" else command.price_sen
        who = (command.participant_id, command.account)
        return self._refuse_own(who, command.side.value, price)

    def refuse_amending_into_itself(self, paper: Paper, command: AmendOrder) -> str | None:
        """Whether an amended order could be paired with one of its owner's."""
        if paper in self.aside:
            return None
        price = paper.price if command.price_sen is None else command.price_sen
        return self._refuse_own((paper.firm, paper.account), paper.side, price)

    def _refuse_own(self, who: tuple[str, str], side: str, price: int | None) -> str | None:
        rule = self.rules.self_match.value.value
        if rule == "allow" or self.phase == "Continuous":
            return None
        for other in self.papers:
            if other.side == side or other.firm != who[0]:
                continue
            if rule == "prevent_account" and (not who[1] or other.account != who[1]):
                continue
            if price is None or other.price is None:
                return "SELF_MATCH"
            buy, sell = (price, other.price) if side == "buy" else (other.price, price)
            if buy >= sell:
                return "SELF_MATCH"
        return None

    def anchor(self) -> int:
        """The price the next day starts from."""
        return self.last or self.reference

    def _unshow(self) -> list[Line]:
        return []  # there are no quotes here

    def seeking(self) -> bool:
        """Whether a new issue still seeks its first price."""
        return False

    def refuse_cancel(self) -> str | None:
        """Why this room would not let an order leave, or None."""
        return self._refuse_entry("cancel")

    def cancel(self, paper: Paper, why: str) -> list[Line]:
        """Take an order off for a reason."""
        if paper in self.aside:
            return self._end([paper], why)
        return self._end([paper], why) + self._indicative()

    def find(self, number: int | None, firm: str) -> Paper | None:
        """The firm's order of that number, if it rests."""
        return self._find(number, firm)

    def _find(self, number: int | None, firm: str) -> Paper | None:
        for paper in [*self.papers, *self.aside]:
            if paper.number == number and paper.firm == firm:
                return paper
        return None

    def refuse_amend(self, paper: Paper, command: AmendOrder) -> str | None:
        """Why this room would not amend, or None."""
        refusal = self._refuse_entry("amend")
        if refusal:
            return refusal
        mode = self.rules.amend_mode.value.value
        if mode == "unsupported":
            return "AMEND_UNSUPPORTED"
        wrong = command.leaves_units if mode == "replace_total" else command.total_units
        if wrong is not None:
            return "INVALID_COMBINATION"
        asked_price, asked_units = command.price_sen, self.asked_left(paper, command)
        if self.is_dead(paper, command):
            return None
        if asked_price is None and asked_units is None:
            return "INVALID_COMBINATION"
        if asked_price is not None and (asked_price == 0 or paper.price is None):
            return "INVALID_COMBINATION"
        price = paper.price if asked_price is None else asked_price
        units = paper.left if asked_units is None else asked_units
        return self._refuse_values(price, units, confirmed=command.size_confirmed)

    def asked_left(self, paper: Paper, command: AmendOrder) -> int | None:
        """The open quantity an amendment asks for."""
        if self.rules.amend_mode.value.value != "replace_total":
            return command.leaves_units
        return None if command.total_units is None else command.total_units - paper.gone

    def is_dead(self, paper: Paper, command: AmendOrder) -> bool:
        """Whether a replacement asks for no more than is gone already."""
        if self.rules.amend_mode.value.value != "replace_total" or command.total_units is None:
            return False
        return 0 < command.total_units <= paper.gone

    def after_refusal(self, paper: Paper, refusal: str) -> list[Line]:
        """What a refused amendment does to its order."""
        if self.rules.amend_mode.value.value != "replace_total":
            return []
        if refusal in ("NOT_TRADABLE", "PHASE_CLOSED", "NON_CANCEL_PERIOD"):
            return []
        return self.cancel(paper, "amend_invalid")

    def _amend(self, number: int, command: AmendOrder) -> list[Line]:
        paper = self._find(command.order_id, command.participant_id)
        if paper is None:
            return [("rejected", "UNKNOWN_ORDER")]
        refusal = self.refuse_amend(paper, command)
        refusal = refusal or self.refuse_amending_into_itself(paper, command)
        if refusal:
            return [("rejected", refusal), *self.after_refusal(paper, refusal)]
        if self.is_dead(paper, command):
            return self.cancel(paper, "amended")
        price = paper.price if command.price_sen is None else command.price_sen
        asked = self.asked_left(paper, command)
        units = paper.left if asked is None else asked
        keeping = self.rules.amend_mode.value is AmendMode.KEEP_ON_DECREASE
        old = paper.number
        waits = paper in self.aside
        if keeping and price == paper.price and units <= paper.left:
            paper.left = units
            shown = [] if waits else self._indicative()
            return [("amended", old, old, price or 0, units, True), *shown]
        (self.aside if waits else self.papers).remove(paper)
        paper.number, paper.price, paper.left = number, price, units
        if waits:
            self.aside.append(paper)
            return [("amended", old, number, price or 0, units, False)]
        return [("amended", old, number, price or 0, units, False), *self._enter(paper)]

    def _cancel(self, command: CancelOrder) -> list[Line]:
        paper = self._find(command.order_id, command.participant_id)
        if paper is None:
            return [("rejected", "UNKNOWN_ORDER")]
        refusal = self._refuse_entry("cancel")
        if refusal:
            return [("rejected", refusal)]
        return self.cancel(paper, "owner")

    # --- what happens to orders

    def ranked(self, side: str) -> list[Paper]:
        """One side by priority: market, price, time."""
        papers = [paper for paper in self.papers if paper.side == side]
        worst_first = 1 if side == "sell" else -1

        def rank(paper: Paper) -> tuple[int, int, int]:
            if paper.price is None:
                return 0, 0, paper.stamp
            return 1, paper.price * worst_first, paper.stamp

        return sorted(papers, key=rank)

    def same_owner(self, one: Paper, other: Paper) -> bool:
        """Whether a meeting of the two is a self-trade."""
        if self.rules.self_trade_same_account_only.value and one.account != other.account:
            return False
        return one.firm == other.firm

    def _enter(self, paper: Paper) -> list[Line]:
        fresh = paper.stamp == 0  # one that has joined the book stays there
        if paper.validity == "on_close" and fresh and not self.phase.startswith("PreClose"):
            self.aside.append(paper)
            return []
        self.stamps += 1
        paper.stamp = self.stamps
        if self.phase != "Continuous":
            self.papers.append(paper)
            return self._indicative()
        if paper.validity == "fok" and self._reachable(paper) < paper.left:
            return [("canceled", paper.number, paper.left, "fok_unfilled", 0, 0)]
        lines = self._trade_at_once(paper)
        if paper.left and paper.price is not None and paper.validity not in ("ioc", "fok"):
            self.papers.append(paper)
        elif paper.left:
            reason = "ioc_rest" if paper.validity in ("ioc", "fok") else "market_rest"
            lines.append(("canceled", paper.number, paper.left, reason, 0, 0))
        return lines

    def _meets(self, paper: Paper) -> list[Paper]:
        other = "sell" if paper.side == "buy" else "buy"
        met = []
        for resting in self.ranked(other):
            assert resting.price is not None
            if paper.price is not None:
                if paper.side == "buy" and resting.price > paper.price:
                    continue
                if paper.side == "sell" and resting.price < paper.price:
                    continue
            met.append(resting)
        return met

    def _reachable(self, paper: Paper) -> int:
        found = 0
        for resting in self._meets(paper):
            if self.same_owner(paper, resting) and paper.mode != "allow_report":
                if paper.mode == "cancel_oldest":
                    continue
                break
            found += resting.left
        return found

    def _trade_at_once(self, paper: Paper) -> list[Line]:
        lines: list[Line] = []
        while paper.left and self._meets(paper):
            resting = self._meets(paper)[0]
            own = self.same_owner(paper, resting)
            if own and paper.mode != "allow_report":
                lines += self._prevent(paper, resting)
                continue
            price = resting.price
            assert price is not None
            buy, sell = (paper, resting) if paper.side == "buy" else (resting, paper)
            lines.append(self._trade(buy, sell, price, min(buy.left, sell.left), cross=False))
        return lines

    def _prevent(self, paper: Paper, resting: Paper) -> list[Line]:
        lines: list[Line] = []
        assert resting.price is not None
        prevented = (min(paper.left, resting.left), resting.price)
        if paper.mode == "decrement":
            units = min(paper.left, resting.left)
            for one in (resting, paper):
                if one.left > units:
                    one.left -= units
                    one.gone += units
                    lines.append(("reduced", one.number, units, one.left, resting.price))
                else:
                    lines += self._end([one], "self_trade", prevented)
            return lines
        if paper.mode in ("cancel_oldest", "cancel_both"):
            lines += self._end([resting], "self_trade", prevented)
        if paper.mode in ("cancel_newest", "cancel_both"):
            lines += self._end([paper], "self_trade", prevented)
        return lines

    def _trade(self, buy: Paper, sell: Paper, price: int, units: int, *, cross: bool) -> Line:
        self.trades += 1
        self.last = price
        self.day_trades.append((self.trades, price))
        for one in (buy, sell):
            one.left -= units
            one.gone += units
        self.papers = [paper for paper in self.papers if paper.left]
        own = self.same_owner(buy, sell)
        numbers = (self.trades, buy.number, sell.number, price, units, buy.left, sell.left)
        return ("trade", *numbers, cross, own)

    def _end(
        self, papers: list[Paper], why: str, prevented: tuple[int, int] = (0, 0)
    ) -> list[Line]:
        lines: list[Line] = []
        ending = list(papers)
        for side in ("buy", "sell"):
            ranked = [one for one in self.ranked(side) if one in ending]
            for paper in ranked or [one for one in ending if one.side == side]:
                if why == "expired":
                    lines.append(("expired", paper.number, paper.left))
                else:
                    lines.append(("canceled", paper.number, paper.left, why, *prevented))
                paper.left = 0
        self.papers = [paper for paper in self.papers if paper.left]
        self.aside = [paper for paper in self.aside if paper.left]
        return lines

    # --- crosses

    def clearing(self) -> Line:
        """Price, units and surplus of a cross now: every grid price is tried."""
        lower, upper = self.limits
        return brute_force(
            [(one.side, one.price, one.left) for one in self.papers],
            self.instrument.ticks.grid(lower, upper),
            self.centre(),
            rule=self.rules.price_rule.value,
            market_only=self.rules.market_only_trades.value,
        )

    def centre(self) -> int:
        """The price that breaks ties."""
        if self.rules.book_centre.value is BookCentre.NAV and self.nav:
            return self.nav
        if self.rules.book_centre.value is BookCentre.REFERENCE_OR_LAST_CROSS and self.last:
            return self.last
        return self.reference

    def _pair(self, price: int, units: int) -> list[Line]:
        return self._meet(price, self._filled("buy", units), self._filled("sell", units))

    def _meet(self, price: int, buys: list[Fill], sells: list[Fill]) -> list[Line]:
        """Pair two lists of (paper, units), first with first."""
        lines = []
        while buys and sells:
            (buy, wanted), (sell, offered) = buys[0], sells[0]
            traded = min(wanted, offered)
            lines.append(self._trade(buy, sell, price, traded, cross=True))
            buys = [(buy, wanted - traded)] * (wanted > traded) + buys[1:]
            sells = [(sell, offered - traded)] * (offered > traded) + sells[1:]
        assert not buys
        assert not sells
        return lines

    def _filled(self, side: str, units: int) -> list[Fill]:
        """Who is filled, one price after the other."""
        fills: list[Fill] = []
        ranked = self.ranked(side)
        while units and ranked:
            level = [one for one in ranked if one.price == ranked[0].price]
            ranked = [one for one in ranked if one.price != ranked[0].price]
            if sum(one.left for one in level) > units:
                fills += self._shared(level, units)
                units = 0
            else:
                fills += [(one, one.left) for one in level]
                units -= sum(one.left for one in level)
        return fills

    def _shared(self, level: list[Paper], units: int) -> list[Fill]:
        """Who of one price is filled when not all can be."""
        rule = self.rules.auction_allocation.value.value
        if rule == "price_time":
            return one_after_the_other(level, units)
        early = [one for one in level if one.number <= self.together]
        late = [one for one in level if one.number > self.together]
        early.sort(key=lambda one: one.number)
        first = min(units, sum(one.left for one in early))
        lot = self.instrument.trading_unit_units
        shares = in_turn(early, first, lot) if rule != "pro_rata" else by_share(early, first, lot)
        return shares + one_after_the_other(late, units - first)

    def _join_closing_call(self) -> list[Line]:
        lines: list[Line] = []
        turning = [one for one in self.papers if one.validity == "funari" and one.price is not None]
        for paper in sorted([*self.aside, *turning], key=lambda one: one.number):
            self.stamps += 1
            paper.stamp = self.stamps
            if paper in self.aside:
                self.aside.remove(paper)
                self.papers.append(paper)
            else:
                paper.price = None
            kind = "market" if paper.price is None else "limit"
            lines.append(("released", paper.number, kind, paper.price or 0, paper.left))
        return lines

    def _end_openers(self) -> list[Line]:
        openers = [one for one in self.papers if one.validity in ("next_auction", "on_open")]
        return self._end(openers, "expired")

    def _after_auction(self) -> list[Line]:
        lines: list[Line] = []
        if self.rules.market_residual_after_opening.value is MarketResidual.VOID:
            lines += self._end([one for one in self.papers if one.price is None], "market_rest")
        lines += self._end_openers()
        kept_whole = [one for one in self.papers if one.validity == "fok"]
        lines += self._end(kept_whole, "fok_unfilled")
        voids = self.rules.limit_residual_after_opening.value.value == "void"
        if self.phase == "OpeningAuction" and voids:
            limits = [one for one in self.papers if one.price is not None]
            lines += self._end(limits, "limit_rest")
        if self.after_pre_close:
            closing = [one for one in self.papers if one.validity in ("on_close", "funari")]
            lines += self._end(closing, "expired")
        return lines

    def _held(self, price: int | None, units: int, trades: list[Line]) -> Line:
        """The result of a cross; one of an auction is remembered."""
        if price is not None and self.phase.endswith("Auction"):
            self.crosses[self.phase] = price
            self.spans[self.phase] = [line[1] for line in trades]
        return ("auction", price, units, len(trades), False)

    def _together(self) -> None:
        """From here on everything on the book is simultaneous."""
        if self.rules.auction_allocation.value.value != "price_time":
            self.together = max((one.number for one in self.papers), default=0)

    def _auction(self) -> list[Line]:
        if not self.phase.endswith("Auction"):
            return [("refused", "PHASE_CLOSED")]
        if self.halted:
            return [("auction", None, 0, 0, True), self._show((None, 0, 0))]
        lines = self._drop_unfilled()
        price, units, _ = self.clearing()
        if price is not None and not self.rules.has_continuous:
            self._together()
        trades = [] if price is None else self._pair(price, units)
        lines += trades
        lines += self._after_auction()
        lines.append(self._held(price, units, trades))
        return [*lines, self._show((None, 0, 0))]

    def _drop_unfilled(self) -> list[Line]:
        """Take fill-or-kill orders off, the newest first, until the cross fills those that stay."""
        lines: list[Line] = []
        while True:
            price, units, _ = self.clearing()
            if price is None:
                return lines
            open_still = []
            for side in ("buy", "sell"):
                filled = 0
                for paper in self.ranked(side):
                    filled += paper.left
                    if filled > units and paper.validity == "fok":
                        open_still.append(paper)
            if not open_still:
                return lines
            newest = max(open_still, key=lambda paper: paper.number)
            lines += self._end([newest], "fok_unfilled")

    def _begin_continuous(self) -> list[Line]:
        lines = self._cross_now()
        lines += self._end([one for one in self.papers if one.price is None], "market_rest")
        lines += self._end_openers()
        if self.crossed():
            lines += self._cross_now()
        if self.crossed():
            lines += self._end_outside()
        return lines

    def _end_outside(self) -> list[Line]:
        lower, upper = self.limits
        outside = [
            one for one in self.papers if one.price is not None
            and (one.price < lower or one.price > upper)
        ]  # fmt: skip
        return self._end(outside, "operator")

    def _cross_now(self) -> list[Line]:
        price, units, _ = self.clearing()
        if price is None:
            return []
        lines = self._pair(price, units)
        return [*lines, self._held(price, units, lines)]

    def crossed(self) -> bool:
        """Whether a limit buy meets a limit sell."""
        buys = [one.price for one in self.papers if one.side == "buy" and one.price is not None]
        sells = [one.price for one in self.papers if one.side == "sell" and one.price is not None]
        return bool(buys and sells) and max(buys) >= min(sells)

    def _indicative(self) -> list[Line]:
        if not self.phase.startswith("Pre"):
            return []
        now = self.clearing()
        return [] if now == self.shown else [self._show(now)]

    def _show(self, values: Line) -> Line:
        self.shown = values
        return ("indicative", *values)


Interest = tuple[str, int | None, int]
"""Side, limit price or None for a market order, units."""


def brute_force(
    orders: list[Interest],
    grid: list[Sen],
    centre: int,
    *,
    rule: PriceRule = PriceRule.FIVE_CONDITION,
    market_only: bool = True,
) -> Line:
    """The cross by its conditions, read literally, one grid price after the other."""
    lower, upper = grid[0], grid[-1]
    limits = [min(max(price, lower), upper) for _, price, _ in orders if price is not None]
    if not limits and not market_only:
        return None, 0, 0
    if rule is PriceRule.TSE_THREE_CONDITION:
        return _three_conditions(orders, grid, centre)
    if not limits:
        buys = sum(units for side, _, units in orders if side == "buy")
        sells = sum(units for side, _, units in orders if side == "sell")
        nearest = min(grid, key=lambda price: (abs(price - centre), -price))
        executed = min(buys, sells)
        return (nearest, executed, buys - sells) if executed else (None, 0, 0)
    first = max(grid.index(Sen(min(limits))) - 1, 0)  # C1
    last = min(grid.index(Sen(max(limits))) + 1, len(grid) - 1)
    tried = []
    for price in grid[first : last + 1]:
        tally = _tally(orders, price, lower, upper)
        executed = min(tally.buys, tally.sells)
        left_over = (tally.better_buys and tally.market_buys + tally.better_buys > executed) or (
            tally.better_sells and tally.market_sells + tally.better_sells > executed
        )
        if executed:
            tried.append((price, executed, tally.buys - tally.sells, bool(left_over)))
    if not tried:
        return None, 0, 0
    most = max(executed for _, executed, _, _ in tried)  # C2
    tried = [one for one in tried if one[1] == most]
    if rule is PriceRule.FIVE_CONDITION:
        least = min(abs(surplus) for _, _, surplus, _ in tried)  # C3
        tried = [one for one in tried if abs(one[2]) == least]
        if all(surplus < 0 for _, _, surplus, _ in tried):  # C4
            return tried[0][:3]
        if all(surplus > 0 for _, _, surplus, _ in tried):
            return tried[-1][:3]
        tried = [one for one in tried if not one[3]]  # C5
    return min(tried, key=lambda one: (abs(one[0] - centre), -one[0]))[:3]


@dataclass
class Tally:
    """Units of both sides at one price; those at the price or better include all the others."""

    buys: int = 0
    sells: int = 0
    market_buys: int = 0
    market_sells: int = 0
    better_buys: int = 0
    better_sells: int = 0


def _tally(orders: list[Interest], price: int, lower: int, upper: int) -> Tally:
    tally = Tally()
    for side, limit, units in orders:
        if side == "buy":
            tally.market_buys += units if limit is None else 0
            tally.buys += units if limit is None or limit >= price else 0
            tally.better_buys += units if limit is not None and min(limit, upper) > price else 0
        else:
            tally.market_sells += units if limit is None else 0
            tally.sells += units if limit is None or limit <= price else 0
            tally.better_sells += units if limit is not None and max(limit, lower) < price else 0
    return tally


def _three_conditions(orders: list[Interest], grid: list[Sen], centre: int) -> Line:
    """TSE's conditions: every price at which all three hold, the nearest of those."""
    good = []
    for price in grid:
        tally = _tally(orders, price, grid[0], grid[-1])
        executed = min(tally.buys, tally.sells)
        all_market = tally.market_buys <= executed and tally.market_sells <= executed
        all_better = (
            tally.market_buys + tally.better_buys <= executed
            and tally.market_sells + tally.better_sells <= executed
        )
        one_side = executed in (tally.buys, tally.sells)
        if executed and all_market and all_better and one_side:
            good.append((price, executed, tally.buys - tally.sells))
    equal = [one for one in good if one[2] == 0]
    if not good:
        return None, 0, 0
    return min(equal or good, key=lambda one: (abs(one[0] - centre), -one[0]))
