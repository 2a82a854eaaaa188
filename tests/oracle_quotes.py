"""The oracle with TSE's quotes and closing auction: the same plain list, everything searched anew.

Prices are tried one after the other on the whole grid; trades within reach are made one by one. No
code of the matching room is used. Slow and obvious on purpose.
"""

from oracle_book import Line, OracleBook, Paper, in_turn, one_after_the_other

from market.commands import CloseDay, OpenDay, RenewQuote, SetNetAssetValue, SetReferencePrice
from market.instrument import Instrument
from market.quantities import Sen
from market.rules import Rules

SECOND = 1_000_000_000


class QuotedOracle(OracleBook):
    """One issue under one rulebook, special quotes included.

    Attributes:
        now: Market time of the command; whoever gives commands sets it first.
        quote: What is shown, or nothing.
        held: Last special quote since the last price of today.
    """

    def __init__(self, rules: Rules, instrument: Instrument) -> None:
        super().__init__(rules, instrument)
        self.now = 0
        self.quoting = rules.special_quotes.value
        self.quote: dict[str, object] = {}
        self.quotes_shown = 0
        self.held: int | None = None
        self.window: tuple[int, int] = (0, 0)
        self.prices: list[int] = []
        self.trades_of_issue = 0
        self.stuck: str | None = None
        self.day_by_day: list[tuple[str | None, tuple[int, int], list[int]]] = []

    # --- commands

    def apply(self, number: int, command: object) -> list[Line]:
        """Answer one command."""
        match command:
            case RenewQuote():
                return self._renew(command.quote_number)
            case OpenDay():
                self.held = None
            case SetReferencePrice():
                lines = self._set_reference(command.reference_price_sen)
                if self.quote:
                    lines += self._unshow() + self._settle()
                return lines + self._indicative()
            case CloseDay():
                lines = super().apply(number, command)
                self.day_by_day.append((self.stuck, self.limits, self.prices))
                self.stuck, self.prices = None, []
                return lines
            case SetNetAssetValue():
                self.nav = command.nav_sen
                return [("nav", self.nav), *self._look(), *self._indicative()]
        return super().apply(number, command)

    def bust(self, trade: int, *, at_night: bool) -> list[Line]:
        """Take a trade of today out, also from what the day is counted by."""
        lines = super().bust(trade, at_night=at_night)
        if not at_night:
            self.prices = [price for _, price in self.day_trades]
        return lines

    def cancel(self, paper: Paper, why: str) -> list[Line]:
        """Take an order off for a reason."""
        waits = paper in self.aside
        return super().cancel(paper, why) + ([] if waits else self._look())

    def _amend(self, number: int, command: object) -> list[Line]:
        waiting = [one.number for one in self.aside]
        lines = super()._amend(number, command)  # type: ignore[arg-type]
        if lines[0][1] in waiting:
            return lines
        kept = lines[0][0] == "amended" and lines[0][-1]
        return lines + (self._look() if kept else [])

    def _look(self) -> list[Line]:
        return self._settle() if self.quote else []

    def _change_phase(self, phase: str) -> list[Line]:
        if not self.quoting or phase == "Continuous":
            return super()._change_phase(phase)
        self.window = (0, 0)
        lines: list[Line] = []
        if self.quote:
            lines = self._unshow() + self._end_openers()
        told = super()._change_phase(phase)
        return [told[0], *lines, *told[1:]]

    # --- limits

    def limits_around(self, base: int) -> tuple[Sen, Sen]:
        """Lowest and highest price with this base price, a stuck side's further away."""
        if self.seeking():
            factor = self.rules.first_price_band_factor.value
            return self._inward(base / factor, base * factor)
        far = self.rules.limit_broadening_factor.value
        factors = {side: far if self._broadened(side) else 1 for side in ("sell", "buy")}
        return self.instrument.daily_limits(
            Sen(base), lower_factor=factors["sell"], upper_factor=factors["buy"]
        )

    def seeking(self) -> bool:
        """A new issue that never traded, where the rulebook has rules for that."""
        new = self.instrument.newly_listed and self.rules.first_price_rules.value and self.quoting
        return new and self.trades_of_issue == 0

    def _inward(self, lowest: float, highest: float) -> tuple[Sen, Sen]:
        """The grid prices in a range, first and last."""
        around = self.instrument.ticks.grid(Sen(1), Sen(int(highest) + 1))
        within = [price for price in around if lowest <= price <= highest]
        return within[0], within[-1]

    @property
    def edges(self) -> tuple[Sen, Sen]:
        """Where quotes and trades may be at most."""
        if not self.seeking():
            return self.limits
        up = self.rules.first_price_up_percent.value
        down = self.rules.first_price_down_percent.value
        low, high = self._inward(self.reference * down / 100, self.reference * up / 100)
        near = max(price for price in self.instrument.ticks.grid(*self.limits)
                   if price <= self.reference)  # fmt: skip
        return min(low, near), max(high, near)

    def _broadened(self, side: str) -> bool:
        """All days gone through again, from the first."""
        needed = self.rules.limit_broadening_days.value
        row, broadened = 0, False
        for stuck, limits, prices in self.day_by_day if needed else []:
            row = row + 1 if stuck == side else 0
            if row >= needed:
                broadened = True
            elif any(price != limits[1 if side == "buy" else 0] for price in prices):
                broadened = False
        return broadened

    def _trade(self, buy: Paper, sell: Paper, price: int, units: int, *, cross: bool) -> Line:
        self.held = None
        self.prices.append(price)
        self.trades_of_issue += 1
        return super()._trade(buy, sell, price, units, cross=cross)

    def _note_stuck(self, traded_now: int) -> str | None:
        if not self.rules.limit_broadening_days.value or not self.after_pre_close:
            return None
        for side, limit in zip(("sell", "buy"), self.limits, strict=True):
            only_now = len(self.prices) == traded_now and set(self.prices) <= {limit}
            if self._accepting(side, limit) and only_now:
                self.stuck = side
        return self.stuck

    # --- where a trade may be

    def anchor(self) -> int:
        """The price a move is measured from."""
        return self.held or self.last or self.reference

    def centre(self) -> int:
        """The price that breaks ties."""
        by_nav = self.rules.book_centre.value.value == "nav" and self.nav
        if not self.quoting or by_nav:
            return super().centre()
        return int(str(self.quote["origin"])) if self.quote else self.anchor()

    def width(self, price: int) -> int:
        """The renewal width at a price, or the step of a new issue."""
        percent = self.rules.first_price_step_percent.value
        if self.seeking() and self.reference * percent >= 100:
            return self.reference * percent // 100
        table = self.rules.quote_width_table.value
        for below, width in zip(table.below_sen, table.width_sen, strict=True):
            if price < below:
                return width
        return table.width_sen[-1]

    def band(self, around: int, factor: int) -> tuple[int, int]:
        """So many widths around a price."""
        grid = self.instrument.ticks.grid(*self.edges)
        middle = min(max(around, grid[0]), grid[-1])
        far = factor * self.width(middle)
        near = [price for price in grid if middle - far <= price <= middle + far]
        lowest = max(price for price in grid if price <= middle)
        highest = min(price for price in grid if price >= middle)
        return min([*near, lowest]), max([*near, highest])

    def reach(self) -> tuple[int, int]:
        """Where the next cross may be."""
        if not self.quote:
            return self.band(self.anchor(), 1)
        low, high = self.band(int(str(self.quote["origin"])), 1)
        price = int(str(self.quote["price"]))
        return (low, price) if self.quote["side"] == "buy" else (price, high)

    def reach_at_once(self) -> tuple[int, int, str, str]:
        """Where the next trade of continuous trading may be, and what is shown at either end."""
        low, high = self.band(self.anchor(), 1)
        kinds = ["special", "special"]
        if self.rules.sequential_quotes.value:
            began = self.window[0] if self.now < self.window[1] else self.anchor()
            lowest, highest = self.band(began, self.rules.sequential_quote_widths.value)
            if lowest > low:
                low, kinds[0] = lowest, "sequential"
            if highest < high:
                high, kinds[1] = highest, "sequential"
        return low, high, kinds[0], kinds[1]

    # --- quotes

    def _show_quote(self, side: str, price: int, origin: int, kind: str, *, stays: bool) -> Line:
        at_limit = price == self.edges[1 if side == "buy" else 0]
        seconds = self.rules.special_quote_s.value
        if self.seeking() and self.reference * self.rules.first_price_step_percent.value >= 100:
            seconds = self.rules.first_price_step_s.value
        if kind == "sequential":
            seconds = self.rules.sequential_quote_s.value
        until = 0 if stays or at_limit else self.now + seconds * SECOND
        kind = "special" if stays or at_limit else kind
        self.quotes_shown += 1
        self.quote = {
            "number": self.quotes_shown, "kind": kind, "side": side, "price": price,
            "origin": origin, "until": until,
        }  # fmt: skip
        if kind == "special":
            self.held = price
        return ("shown", self.quotes_shown, kind, side, price, until)

    def _unshow(self) -> list[Line]:
        if not self.quote:
            return []
        number = self.quote["number"]
        self.quote = {}
        return [("unshown", number)]

    def leaning(self) -> str | None:
        """The side whose market orders no possible order of the other side could fill."""
        lower, upper = self.limits
        buys = [one for one in self.papers if one.side == "buy"]
        sells = [one for one in self.papers if one.side == "sell"]
        market_buys = sum(one.left for one in buys if one.price is None)
        market_sells = sum(one.left for one in sells if one.price is None)
        if market_buys > sum(one.left for one in sells if one.price is None or one.price <= upper):
            return "buy"
        if market_sells > sum(one.left for one in buys if one.price is None or one.price >= lower):
            return "sell"
        return None

    def _cross_if_within(self, low: int, high: int) -> list[Line]:
        sought = self.seeking()
        price, units, _ = self.clearing()
        if price is not None and low <= price <= high:
            trades = self._trade_at(price, units)
        elif price is None and self.rules.stop_allocation.value.value == "every_itayose":
            side = self.leaning()
            if side is None or sought or not low <= self.limits[1 if side == "buy" else 0] <= high:
                return []
            price, units, trades = self._share_at_limit(side)
            if not trades:
                return []
        else:
            return []
        self.window = (0, 0)
        lines = trades + self._after_auction()
        lines.append(self._held(price, units, trades))
        if sought and price is not None:
            lines += self._set_reference(price)
        return lines + self._unshow()

    def _trade_at(self, price: int, units: int) -> list[Line]:
        if not self.rules.has_continuous:
            self._together()
        return self._pair(price, units)

    def _settle(self, at_once: tuple[int, int, str, str] | None = None) -> list[Line]:
        lines: list[Line] = []
        while True:
            low, high, low_kind, high_kind = at_once or (*self.reach(), "special", "special")
            at_once = None
            lines += self._drop_unfilled()
            crossed = self._cross_if_within(low, high)
            if not crossed:
                break
            lines += crossed
        price = self.clearing()[0]
        side = self.leaning() if price is None else "buy" if price > high else "sell"
        if side is None:
            lines += self._unshow()
            if self.crossed():
                lines += self._end_outside()
            if self.phase == "Continuous":
                self.together = 0
                lines += self._end([one for one in self.papers if one.price is None], "market_rest")
        elif not self.quote or self.quote["side"] != side:
            origin = int(str(self.quote["origin"])) if self.quote else self.anchor()
            lines += self._unshow()
            kind = high_kind if side == "buy" else low_kind
            bound = high if side == "buy" else low
            lines.append(self._show_quote(side, bound, origin, kind, stays=False))
        return lines

    def _renew(self, number: int) -> list[Line]:
        if not self.quote or self.quote["number"] != number:
            return [("refused", "ALREADY_TERMINAL")]
        until = int(str(self.quote["until"]))
        if not until or self.now < until:
            return [("refused", "OUT_OF_RANGE")]
        side, price = str(self.quote["side"]), int(str(self.quote["price"]))
        grid = self.instrument.ticks.grid(*self.edges)
        width = self.width(price)
        low, high = self.reach()
        if side == "buy":
            beyond = [one for one in grid if one > price]
            high = max([one for one in beyond if one <= price + width] or beyond[:1])
            price = high
        else:
            beyond = [one for one in grid if one < price]
            low = min([one for one in beyond if one >= price - width] or beyond[-1:])
            price = low
        dropped = self._drop_unfilled()
        crossed = self._cross_if_within(low, high)
        if crossed:
            return dropped + crossed + self._settle()
        origin = int(str(self.quote["origin"]))
        return [*dropped, self._show_quote(side, price, origin, "special", stays=False)]

    # --- continuous trading

    def _enter(self, paper: Paper) -> list[Line]:
        waits = paper.validity == "on_close" and paper.stamp == 0
        if not self.quoting or self.phase != "Continuous" or waits:
            return super()._enter(paper)
        self.stamps += 1
        paper.stamp = self.stamps
        if self.quote or self.seeking():
            return self._enter_quoted(paper)
        if paper.validity == "fok" and not self._fillable(paper):
            return [("canceled", paper.number, paper.left, "fok_unfilled", 0, 0)]
        lines: list[Line] = []
        while paper.left and self._meets(paper):
            resting = self._meets(paper)[0]
            low, high, _, _ = self.reach_at_once()
            assert resting.price is not None
            if not low <= resting.price <= high:
                break
            if self.same_owner(paper, resting) and paper.mode != "allow_report":
                lines += self._prevent(paper, resting)
                continue
            before = self.anchor()
            buy, sell = (paper, resting) if paper.side == "buy" else (resting, paper)
            units = min(buy.left, sell.left)
            lines.append(self._trade(buy, sell, resting.price, units, cross=False))
            if self.rules.sequential_quotes.value and self.now >= self.window[1]:
                self.window = (before, self.now + self.rules.sequential_quote_s.value * SECOND)
        if not paper.left:
            return lines
        if paper.validity in ("ioc", "fok"):
            return [*lines, ("canceled", paper.number, paper.left, "ioc_rest", 0, 0)]
        stopped = paper.price is None or bool(self._meets(paper))
        self.papers.append(paper)
        return lines + (self._settle(self.reach_at_once()) if stopped else [])

    def _enter_quoted(self, paper: Paper) -> list[Line]:
        if paper.validity == "fok":
            return [("canceled", paper.number, paper.left, "fok_unfilled", 0, 0)]
        self.papers.append(paper)
        if paper.validity != "ioc":
            return self._settle()
        lines = self._cross_if_within(*self.reach())
        crossed = bool(lines)
        if paper.left:
            lines += self._end([paper], "ioc_rest")
        return lines + (self._settle() if crossed else [])

    def _fillable(self, paper: Paper) -> bool:
        """Price by price, each within reach of the one before; one price only if mode prevents."""
        before, found = (self.held, self.last, self.window), 0
        began = self.window[0] if self.now < self.window[1] else self.anchor()
        self.window = (began, self.now + 1)
        met = self._meets(paper)
        for price in sorted({one.price or 0 for one in met}, reverse=paper.side == "sell"):
            low, high, _, _ = self.reach_at_once()
            if not low <= price <= high:
                break
            self.held, self.last = None, price
            found = price
            if paper.mode != "allow_report":
                break
        self.held, self.last, self.window = before
        if not found:
            return False
        limit, paper.price = paper.price, found
        enough = self._reachable(paper) >= paper.left
        paper.price = limit
        return enough

    def _begin_continuous(self) -> list[Line]:
        if not self.quoting:
            lines = super()._begin_continuous()
            self.together = 0
            return lines
        if self.quote:
            return []
        lines = self._settle()
        return lines + ([] if self.quote else self._end_openers())

    # --- auctions

    def _auction(self) -> list[Line]:
        rules = self.rules
        closes = self.phase == "ClosingAuction"
        by_rule = (
            rules.closing_auction_widths.value
            or rules.stop_allocation.value.value != "off"
            or rules.limit_broadening_days.value
        )
        plain = closes and not by_rule and not self.seeking()
        if self.halted or plain or not self.phase.endswith("Auction"):
            return super()._auction()
        if closes and not self.seeking():
            return self._close()
        if not self.quoting:
            return super()._auction()
        before = self.trades
        lines = self._settle()
        if self.trades == before:
            lines += [] if self.quote else self._after_auction()
            lines.append(("auction", None, 0, 0, False))
        return [*lines, self._show((None, 0, 0))]

    def _close(self) -> list[Line]:
        low, high = self.limits
        if self.rules.closing_auction_widths.value:
            low, high = map(Sen, self.band(self.anchor(), self.rules.closing_auction_widths.value))
        sharing = self.rules.stop_allocation.value.value
        shares = sharing == "every_itayose" or (sharing == "at_close" and self.after_pre_close)
        dropped = self._drop_unfilled()
        price, units, surplus = self.clearing()
        side: str | None = None
        if price is not None and low <= price <= high:
            if price == self.limits[1] and surplus > 0 and shares:
                side = "buy"
            if price == self.limits[0] and surplus < 0 and shares:
                side = "sell"
            if side:
                price, units, trades = self._share_at_limit(side)
            else:
                trades = self._trade_at(price, units)
        else:
            side = self.leaning() if price is None else "buy" if price > high else "sell"
            price, units, trades = None, 0, []
            bound = high if side == "buy" else low
            if side and shares and bound == self.limits[1 if side == "buy" else 0]:
                price, units, trades = self._share_at_limit(side)
            elif side and self.rules.special_execution.value and self.after_pre_close:
                price, units, trades = self._special_execution(bound)
        bound = high if side == "buy" else low
        stuck = self._note_stuck(len(trades))
        if not side and not trades and stuck:
            side, bound = stuck, self.limits[1 if stuck == "buy" else 0]
        lines = dropped + trades + self._after_auction()
        lines.append(self._held(price, units, trades))
        if side and not trades and self.after_pre_close and self.quoting:
            lines.append(self._show_quote(side, bound, self.anchor(), "special", stays=True))
        return [*lines, self._show((None, 0, 0))]

    def _accepting(self, side: str, price: int) -> list[Paper]:
        """Everybody on a side who takes this price, in priority."""
        return [
            one
            for one in self.ranked(side)
            if one.price is None or (one.price >= price if side == "buy" else one.price <= price)
        ]

    def _share_at_limit(self, side: str) -> tuple[int | None, int, list[Line]]:
        limit = self.limits[1 if side == "buy" else 0]
        asking = sorted(self._accepting(side, limit), key=lambda one: one.number)
        giving = self._accepting("sell" if side == "buy" else "buy", limit)
        units = min(sum(one.left for one in asking), sum(one.left for one in giving))
        if not units:
            return None, 0, []
        shares = in_turn(asking, units, self.instrument.trading_unit_units)
        whole = [(one, one.left) for one in giving]
        buys, sells = (shares, whole) if side == "buy" else (whole, shares)
        return limit, units, self._meet(limit, buys, sells)

    def _special_execution(self, price: int) -> tuple[int | None, int, list[Line]]:
        buys = sorted(self._accepting("buy", price), key=lambda one: one.number)
        sells = sorted(self._accepting("sell", price), key=lambda one: one.number)
        units = min(sum(one.left for one in buys), sum(one.left for one in sells))
        if not units:
            return None, 0, []
        first = one_after_the_other(buys, units), one_after_the_other(sells, units)
        return price, units, self._meet(price, *first)
