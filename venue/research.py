"""The market for research: orders in as a table, whole days run, everything out as tables.

    from venue.research import load, run_day

    orders = load("examples/research_orders.csv")      # or Parquet, Arrow, pandas, polars, numpy
    day = run_day(orders, preset="start")              # phases, crosses, orders at their times
    print(day.auctions.to_pandas())                    # every cross of every issue
    print(day.trades.to_polars())                      # numbered as the venue numbers them
    print(day.depth("KH01", at="11:29:30").to_pandas())   # levels just before that time
    print(day.places("KH01", at="11:29:30").to_pandas())  # who stands where in the queue
    refused = day.events.to_pandas().query("reason == 'BAD_TICK'")

Columns of an order table: venue/ordertable.py. ``examples/research.py`` is the runnable whole, and
``monte_carlo`` (venue/montecarlo.py) draws many markets. The rules are those the venue runs; what
lies outside matching is left out: sessions, limits of firms, holdings, settlement.

Ordering: at the same instant the schedule goes first, then renewals of quotes, then orders in row
order. Invariants: the same orders under the same rules give the same tables for any number of
workers. Cost: O(orders + events) on ``workers`` threads; ``depth`` and ``places`` run one issue
again up to the moment asked for, O(its orders).
Known limits: orders that wait aside (on_close) stand in no queue yet.
"""

import os
from collections.abc import Sequence
from datetime import date, timedelta
from functools import cached_property
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from market.business_days import at_jst, is_business_day, next_business_day
from market.errors import BadInput
from market.ids import InstrumentId
from market.instrument import Instrument
from market.quantities import SEN_PER_YEN, Sen, Units
from market.rulebooks import preset as preset_named
from market.rules import Rules
from market.words import Side
from matching.kernel import KernelBook
from matching.rows import (
    CANCEL_REASONS,
    FLAG_CROSS,
    FLAG_SELF_TRADE,
    PHASES,
    REJECT_REASONS,
    SIDES,
    Op,
    What,
)
from participants.orderflow import sample_instruments
from venue.batchdays import Commands, one_book, run_commands, with_acts
from venue.ordertable import Orders, load
from venue.schedule import first_business_day
from venue.tables import Table

__all__ = [
    "FIRST_DAY",
    "Orders",
    "Run",
    "Table",
    "issues",
    "load",
    "rules_of",
    "run_day",
    "run_days",
]

FIRST_DAY: Final = date(2026, 11, 24)
"""Where runs begin whose orders tell only the time of day."""

_DAY_NS: Final = 86_400_000_000_000
_JST_NS: Final = 9 * 3_600_000_000_000
_EPOCH: Final = date(1970, 1, 1)
_WHATS: Final = ("", *(what.name.lower() for what in What))
_REFUSALS: Final = tuple("" if one is None else one.value for one in REJECT_REASONS)
_ENDINGS: Final = tuple("" if one is None else one.value for one in CANCEL_REASONS)
_SIDES: Final = tuple("" if one is None else one.value for one in SIDES)
_PHASES: Final = tuple("" if one is None else one.value for one in PHASES)


def issues(
    names: Sequence[str] | int,
    *,
    preset: str | Rules = "start",
    issue_price_yen: int = 100_000,
    issued_units: int = 42_000,
) -> tuple[Instrument, ...]:
    """Alike issues to trade; for others make :class:`market.instrument.Instrument` yourself.

    Args:
        names: Their names, or how many.
        preset: Gives tick and limit tables.
        issue_price_yen: The first day's base price.
        issued_units: The size that the largest order is measured against.
    """
    rules = rules_of(preset)
    named = [f"M{one:05d}" for one in range(1, names + 1)] if isinstance(names, int) else names
    return tuple(
        Instrument(
            instrument_id=InstrumentId(name),
            isin=f"JPX{number:09d}",
            name=name,
            issued_units=Units(issued_units),
            issue_price_sen=Sen(issue_price_yen * SEN_PER_YEN),
            ticks=rules.tick_table.value,
            limits=rules.limit_table.value,
        )
        for number, name in enumerate(named, 1)
    )


def run_day(orders: Orders | Any, **options: Any) -> "Run":
    """Run one market day; options as for :func:`run_days`.

    Raises:
        BadInput: As for ``run_days``, and when the orders are of several days.
    """
    run = run_days(orders, **options)
    if len(run.days) > 1:
        raise BadInput(f"the orders are of {len(run.days)} days; run_days runs them")
    return run


def run_days(
    orders: Orders | Any,
    *,
    preset: str | Rules = "start",
    instruments: Sequence[Instrument] | None = None,
    first_day: date = FIRST_DAY,
    workers: int | None = None,
    indicative: bool = False,
) -> "Run":
    """Run market days, one after another; base prices are carried over.

    Args:
        orders: What :func:`load` gives, or anything it takes.
        preset: The rulebook, by name or as changed with :meth:`Rules.replace`.
        instruments: The issues; the eight sample issues KH01 to KH08 unless given.
        first_day: Day 1 of orders that tell only the time of day (or the next business day).
        workers: Threads; as many as the machine has cores unless given. Changes no result.
        indicative: Tell every change of the indicative price too, at the rules' speed.

    Raises:
        BadInput: When the preset is unknown, a row names an issue that is not there, or an order
            is of a day on which the market is closed.
    """
    asked = orders if isinstance(orders, Orders) else load(orders)
    rules = rules_of(preset)
    listed = sample_instruments(rules) if instruments is None else tuple(instruments)
    days, at_ns = _days(asked, first_day)
    rows, order_ids = _by_time(_named(asked, listed), at_ns, asked.order_ids)
    commands = with_acts(rules, days, rows, at_ns)
    cores = workers if workers is not None else os.cpu_count() or 1
    return Run(rules, listed, order_ids, days, commands, workers=cores, indicative=indicative)


def rules_of(preset: str | Rules) -> Rules:
    """A rulebook, by name or as it is.

    Raises:
        BadInput: When no preset has that name.
    """
    return preset if isinstance(preset, Rules) else preset_named(preset)


def _named(orders: Orders, listed: Sequence[Instrument]) -> NDArray[Any]:
    """The rows with numbers of the listed issues."""
    numbers = {str(one.instrument_id): number for number, one in enumerate(listed)}
    for known, name in enumerate(orders.issues):
        if name not in numbers:
            row = int(np.argmax(orders.rows["instrument"] == known)) + 1
            raise BadInput(f"row {row}, instrument_id: no issue is called {name!r}")
    rows = orders.rows.copy()
    if orders.issues:
        rows["instrument"] = np.array([numbers[name] for name in orders.issues])[rows["instrument"]]
    return rows


def _by_time(
    rows: NDArray[Any], at_ns: NDArray[np.int64], order_ids: NDArray[Any]
) -> tuple[NDArray[Any], NDArray[Any]]:
    """The rows with orders numbered as they enter (the rules tell by ids who came first)."""
    entering = np.argsort(at_ns, kind="stable")
    entering = entering[rows["op"][entering] == Op.NEW]
    number = np.zeros(len(order_ids) + 1, dtype=np.int64)
    number[rows["order_id"][entering]] = np.arange(1, len(entering) + 1)
    unknown = np.flatnonzero(number[1:] == 0) + 1
    number[unknown] = np.arange(len(entering) + 1, len(order_ids) + 1)
    rows["order_id"] = number[rows["order_id"]]
    named = np.empty_like(order_ids)
    named[number[1:] - 1] = order_ids
    return rows, named


def _days(orders: Orders, first_day: date) -> tuple[list[date], NDArray[np.int64]]:
    """The market days of a run, and the time of each row in UTC ns."""
    if len(orders) and not orders.day[0]:
        numbers = (orders.at_ns + _JST_NS) // _DAY_NS
        days = [_EPOCH + timedelta(days=int(number)) for number in np.unique(numbers)]
        for day in days:
            if not is_business_day(day):
                row = int(np.argmax(numbers == (day - _EPOCH).days)) + 1
                raise BadInput(f"row {row}, at_ns: the market is closed on {day}")
        return days, orders.at_ns
    days = [first_business_day(first_day)]
    for _ in range(int(orders.day.max(initial=1)) - 1):
        days.append(next_business_day(days[-1]))
    midnights = np.array([at_jst(day, 0) for day in days], dtype=np.int64)
    return days, midnights[orders.day - 1] + orders.at_ns


class Run:
    """Market days that were run, as tables.

    Attributes:
        rules: The rulebook.
        instruments: The issues, in listing order.
        order_ids: The caller's order ids, by number on the rows less 1.
        days: The market days.
        commands: Every command as it ran, the venue's acts included.
        told: Every event as rows (matching/rows.py).
    """

    def __init__(
        self, rules: Rules, instruments: tuple[Instrument, ...], order_ids: NDArray[Any],
        days: list[date], commands: Commands, *, workers: int, indicative: bool,
    ) -> None:  # fmt: skip
        self.rules = rules
        self.instruments = instruments
        self.order_ids = order_ids
        self.days = days
        self.commands = commands
        self.told = run_commands(
            rules, instruments, commands, workers=workers, indicative=indicative
        )
        self._names = ("", *(str(one.instrument_id) for one in instruments))

    @cached_property
    def events(self) -> Table:
        """Everything the market told; ``reason`` says why an order was refused or canceled."""
        rows = self.told.events
        refused = rows["what"] == What.REJECTED
        reason = rows["reason"].astype(np.int32)
        reason[~refused & (reason > 0)] += len(_REFUSALS) - 1
        is_trade = rows["what"] == What.TRADE
        return self._table(
            np.ones(len(rows), dtype=bool),
            {
                "what": rows["what"],
                "reason": reason,
                "side": rows["side"],
                "flags": rows["flags"],
                "order_id": self._ids(rows["order_id"]),
                "contra_id": self._ids(rows["contra_id"]),
                "price_sen": rows["price_sen"],
                "units": rows["units"],
                "leaves_units": rows["leaves_units"],
                "contra_leaves_units": rows["contra_leaves_units"],
            },
            {"what": _WHATS, "reason": (*_REFUSALS, *_ENDINGS[1:]), "side": _SIDES},
            {"order_id": ~_is_order(rows), "contra_id": ~is_trade},
        )

    @cached_property
    def trades(self) -> Table:
        """Every trade, numbered from 1 as the venue numbers them; a cross has no aggressor."""
        chosen = self.told.events["what"] == What.TRADE
        rows = self.told.events[chosen]
        return self._table(
            chosen,
            {
                "trade_number": np.arange(1, len(rows) + 1),
                "price_sen": rows["price_sen"],
                "quantity_units": rows["units"],
                "buy_order_id": self._ids(rows["order_id"]),
                "sell_order_id": self._ids(rows["contra_id"]),
                "buy_leaves_units": rows["leaves_units"],
                "sell_leaves_units": rows["contra_leaves_units"],
                "aggressor_side": rows["side"],
                "cross": (rows["flags"] & FLAG_CROSS) > 0,
                "self_trade": (rows["flags"] & FLAG_SELF_TRADE) > 0,
            },
            {"aggressor_side": _SIDES},
        )

    @cached_property
    def auctions(self) -> Table:
        """Every cross held; without a price where nothing traded."""
        chosen = self.told.events["what"] == What.AUCTION
        rows = self.told.events[chosen]
        phases = np.flatnonzero(self.commands.rows["op"] == Op.PHASE)
        before = rows["command"] - self.told.renewed[chosen]  # the command a renewal comes after
        last = phases[np.searchsorted(phases, before, side="right") - 1]
        return self._table(
            chosen,
            {
                "phase": self.commands.rows["quantity_units"][last],
                "price_sen": rows["price_sen"],
                "executed_units": rows["units"],
                "trades": rows["leaves_units"],
                "skipped": rows["flags"] > 0,
            },
            {"phase": _PHASES},
            {"price_sen": rows["price_sen"] == 0},
        )

    def depth(self, instrument_id: str, *, at: int | str | None = None, day: int = 1) -> Table:
        """Levels of one book, best first; market orders lead, without a price.

        Args:
            instrument_id: The issue.
            at: The moment: a time of day ``HH:MM:SS``, just before everything of that time; or a
                command number, just after it; or None: at the end, when START has expired all.
            day: Which day of the run ``at`` is a time of.

        Raises:
            BadInput: When there is no such issue, or no such moment.
        """
        book = self._book(instrument_id, at, day)
        found: list[tuple[int, int, int, int]] = []
        for code, side in ((1, Side.BUY), (2, Side.SELL)):
            at_market = [one for one in book.queue(side) if not one.price_sen]
            if at_market:
                units = sum(one.leaves_units for one in at_market)
                found.append((code, 0, units, len(at_market)))
            found += [(code, *level) for level in book.levels(side)]
        columns = _columns(("side", "price_sen", "units", "orders"), found)
        return Table(columns, {"side": _SIDES}, {"price_sen": columns["price_sen"] == 0})

    def places(self, instrument_id: str, *, at: int | str | None = None, day: int = 1) -> Table:
        """Queue positions in one book, by priority; arguments as for :meth:`depth`.

        ``ahead_units`` stand in front of an order at its own price.
        """
        book = self._book(instrument_id, at, day)
        found: list[tuple[int, int, int, int, int]] = []
        for code, side in ((1, Side.BUY), (2, Side.SELL)):
            if isinstance(book, KernelBook):
                found += [(code, *place) for place in book.places(side)]
                continue
            price, ahead = -1, 0
            for order in book.queue(side):
                price, ahead = order.price_sen, ahead if order.price_sen == price else 0
                found.append((code, order.order_id, price, order.leaves_units, ahead))
                ahead += order.leaves_units
        columns = _columns(("side", "order_id", "price_sen", "leaves_units", "ahead_units"), found)
        columns["order_id"] = self._ids(columns["order_id"])
        return Table(columns, {"side": _SIDES}, {"price_sen": columns["price_sen"] == 0})

    def _book(self, instrument_id: str, at: int | str | None, day: int) -> Any:
        """The book of an issue at a moment, made by running its own commands again."""
        if instrument_id not in self._names[1:]:
            raise BadInput(f"no issue is called {instrument_id!r}")
        number = self._names.index(instrument_id) - 1
        count = len(self.commands.rows)
        before = (int(self.commands.at_ns[-1]), True)
        if isinstance(at, str):
            if not 1 <= day <= len(self.days):
                raise BadInput(f"day {day}: the run has {len(self.days)}")
            clock = load({"time": [at], "instrument_id": ["-"], "side": [1], "quantity": [1]}).at_ns
            moment = at_jst(self.days[day - 1], 0) + int(clock[0])
            count = int(np.searchsorted(self.commands.at_ns, moment))
            before = (moment, False)
        elif at is not None:
            if not 0 <= at < count:
                raise BadInput(f"command {at}: the run has 0 to {count - 1}")
            count, before = at + 1, (int(self.commands.at_ns[at]), not self.commands.is_act[at])
        part = self.commands.until(count, number)
        return one_book(self.rules, self.instruments[number], part, before).book(0)

    def _ids(self, numbers: NDArray[Any]) -> NDArray[Any]:
        """The caller's order ids; of nothing where there is no order."""
        if not len(self.order_ids):
            return np.zeros(len(numbers), dtype=np.int64)
        last = len(self.order_ids) - 1
        found: NDArray[Any] = self.order_ids[np.clip(numbers - 1, 0, last)]
        return found

    def _table(
        self,
        chosen: NDArray[np.bool_],
        columns: dict[str, NDArray[Any]],
        words: dict[str, Sequence[str]],
        missing: dict[str, NDArray[np.bool_]] | None = None,
    ) -> Table:
        rows = self.told.events[chosen]
        first = {
            "command": rows["command"],
            "at_ns": self.told.at_ns[chosen],
            "instrument_id": rows["instrument"] + 1,
        }
        return Table(first | columns, {"instrument_id": self._names, **words}, missing)


def _is_order(rows: NDArray[Any]) -> NDArray[np.bool_]:
    """Which events are of an order; a quote's number is none."""
    quotes = (rows["what"] == What.QUOTE) | (rows["what"] == What.QUOTE_ENDED)
    found: NDArray[np.bool_] = (rows["order_id"] > 0) & ~quotes
    return found


def _columns(names: Sequence[str], rows: Sequence[tuple[int, ...]]) -> dict[str, NDArray[Any]]:
    values = np.array(rows, dtype=np.int64).reshape(len(rows), len(names))
    return {name: values[:, place].copy() for place, name in enumerate(names)}
