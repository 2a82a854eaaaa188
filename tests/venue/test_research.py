"""Order tables, research runs and simulated markets: the engine's own day, in tables."""

import gzip
import subprocess
import sys
from collections.abc import Callable
from datetime import date, time
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.feather
import pyarrow.parquet
import pytest

from market.business_days import at_jst
from market.commands import AmendOrder, CancelOrder, Command, Entry, ListInstrument, NewOrder
from market.errors import BadInput
from market.events import (
    AuctionHeld,
    Event,
    OrderAmended,
    RequestRejected,
    Trade,
)
from market.ids import ClientOrderId, InstrumentId, OrderId, ParticipantId, SessionId
from market.quantities import Sen, SequenceNo, TimeNs, Units
from market.rulebooks import PRESETS, preset
from market.rules import AmendMode
from market.words import OrderKind, Side, Validity
from matching.engine import Engine
from matching.order import Order
from matching.rows import KINDS, SELF_TRADE_MODES, SIDES, VALIDITIES, Op
from venue import tables
from venue.montecarlo import Flow, monte_carlo
from venue.ordertable import load
from venue.research import FIRST_DAY, Run, issues, run_day, run_days
from venue.schedule import day_plan

EXAMPLES = Path(__file__).parents[2] / "examples"

Rows = dict[str, list[Any]]


def drawn(seed: int, *, wide: bool = False, books: int = 3, rows: int = 300, days: int = 2) -> Rows:
    """A random table: new orders, cancels and amendments, a few of orders nobody knows."""
    chance = np.random.Generator(np.random.PCG64(seed))
    table: Rows = {name: [] for name in (
        "day", "time", "op", "order_id", "instrument_id", "side", "price_sen", "quantity_units",
        "owner", "validity",
    )}  # fmt: skip
    spread = 90 if wide else 8
    for number in range(1, rows + 1):
        day, second = int(chance.integers(1, days + 1)), int(chance.integers(8 * 3600, 16 * 3600))
        op = chance.choice(("new", "new", "new", "cancel", "amend"))
        price = 10_000_000 + 10_000 * int(chance.integers(-spread, spread + 1))
        at_market = op == "new" and chance.random() < 0.15
        cells: dict[str, Any] = {
            "day": day,
            "time": f"{second // 3600:02d}:{second // 60 % 60:02d}:{second % 60:02d}",
            "op": str(op),
            "order_id": f"o{number}" if op == "new" else f"o{int(chance.integers(1, number + 1))}",
            "price_sen": None if at_market or op == "cancel" else price,
        }
        if op == "new":
            cells["instrument_id"] = f"M{int(chance.integers(1, books + 1)):05d}"
            cells["side"] = str(chance.choice(("buy", "sell")))
            cells["owner"] = f"firm {int(chance.integers(1, 4))}"
            cells["validity"] = str(chance.choice(("day", "day", "day", "next_auction", "ioc")))
        if op != "cancel":
            cells["quantity_units"] = int(chance.integers(1, 12))
        for name, column in table.items():
            column.append(cells.get(name))
    return table


Fact = tuple[Any, ...]


class PlainDay:
    """The oracle: one engine on sorted books, the day's plan step by step, one command a time."""

    def __init__(self, name: str, books: int) -> None:
        self.rules = preset(name)
        self.engine = Engine(self.rules)
        self.names = [one.instrument_id for one in issues(books, preset=name)]
        self.sequence = 0
        self.caller: dict[int, str] = {}
        self.number: dict[str, int] = {}
        self.owner: dict[str, str] = {}
        self.facts: list[Fact] = []
        for one in issues(books, preset=name):
            self.engine.apply(Entry(sequence=SequenceNo(0), at_ns=TimeNs(0),
                                    command=ListInstrument(instrument=one)))  # fmt: skip

    def play(self, table: Rows, dates: list[date]) -> list[Fact]:
        """Trades, crosses and refusals of the table, in order."""
        for number, day in enumerate(dates, 1):
            steps: list[tuple[int, int, Any]] = []
            for at_ns, command in day_plan(self.rules, day, self.names):
                if type(command) in self.engine._handlers:
                    steps.append((at_ns, 0, command))
            for row in range(len(table["op"])):
                if table["day"][row] == number:
                    clock = time.fromisoformat(table["time"][row])
                    second = clock.hour * 3600 + clock.minute * 60 + clock.second
                    cells = {name: column[row] for name, column in table.items()}
                    steps.append((at_jst(day, second), 2, cells))
            for at_ns, rank, asked in sorted(steps, key=lambda step: step[:2]):
                self.renew(at_ns, rank)
                self.step(at_ns, asked)
        return self.facts

    def renew(self, at_ns: int, rank: int) -> None:
        """Quotes due before a step; their time comes after the schedule's and before orders'."""
        while True:
            due = [
                (when, self.names.index(name), name, number)
                for name, number, when in self.engine.quotes_shown()
                if (when, 1) < (at_ns, rank)
            ]
            if not due:
                return
            when, _, name, number = min(due)
            self.engine.at_ns = when
            self.note(when, self.engine.renew_quote(name, number), None)

    def step(self, at_ns: int, asked: Any) -> None:
        """One command, the venue's or a row's."""
        self.sequence += 1
        command: Command = self.request(asked) if isinstance(asked, dict) else asked
        if isinstance(asked, dict) and asked["op"] == "new":
            self.number[asked["order_id"]] = self.sequence
            self.caller[self.sequence] = asked["order_id"]
        entry = Entry(sequence=SequenceNo(self.sequence), at_ns=TimeNs(at_ns), command=command)
        name = asked["order_id"] if isinstance(asked, dict) else None
        self.note(at_ns, self.engine.apply(entry), name)

    def request(self, cells: dict[str, Any]) -> Command:
        """A row as the engine's own command."""
        name = cells["order_id"]
        if cells["op"] == "new":
            self.owner[name] = cells["owner"]
        envelope: dict[str, Any] = {
            "participant_id": ParticipantId(self.owner.get(name, "")),
            "session_id": SessionId(""), "generation": 0, "req_id": "",
        }  # fmt: skip
        known = OrderId(self.number.get(name, -1))
        price, quantity = cells["price_sen"], cells["quantity_units"]
        if cells["op"] == "cancel":
            return CancelOrder(**envelope, order_id=known)
        if cells["op"] == "amend":
            by_total = self.rules.amend_mode.value is AmendMode.REPLACE_TOTAL
            size = {"total_units" if by_total else "leaves_units": Units(quantity)}
            return AmendOrder(
                **envelope, **size, client_order_id=ClientOrderId(name), order_id=known,
                price_sen=Sen(price),
            )  # fmt: skip
        return NewOrder(
            **envelope, client_order_id=ClientOrderId(name),
            instrument_id=InstrumentId(cells["instrument_id"]), side=Side(cells["side"]),
            kind=OrderKind.MARKET if price is None else OrderKind.LIMIT,
            price_sen=Sen(price or 0), quantity_units=Units(quantity),
            validity=Validity(cells["validity"]),
        )  # fmt: skip

    def note(self, at_ns: int, events: list[Event], asked: str | None) -> None:
        """Write down what is compared."""
        for event in events:
            if isinstance(event, Trade):
                self.facts.append((
                    "trade", at_ns, event.trade_id, event.instrument_id, event.price_sen,
                    event.quantity_units, self.caller[event.buy_order_id],
                    self.caller[event.sell_order_id],
                ))  # fmt: skip
            elif isinstance(event, AuctionHeld):
                self.facts.append(("auction", at_ns, event.instrument_id,
                                   event.price_sen, event.executed_units))  # fmt: skip
            elif isinstance(event, RequestRejected):
                self.facts.append(("rejected", at_ns, asked, event.reason.value))
            elif isinstance(event, OrderAmended):
                name = self.caller[event.old_order_id]
                self.caller[event.order_id], self.number[name] = name, event.order_id


def told(run: Run) -> list[Fact]:
    """The same facts of a run, from its tables."""
    numbers = {row["trade_number"] - 1: row for row in run.trades.rows()}
    found: list[Fact] = []
    trades = 0
    for row in run.events.rows():
        at_ns, name = row["at_ns"], row["instrument_id"]
        if row["what"] == "trade":
            trade = numbers[trades]
            trades += 1
            found.append(("trade", at_ns, trade["trade_number"], name, trade["price_sen"],
                          trade["quantity_units"], trade["buy_order_id"],
                          trade["sell_order_id"]))  # fmt: skip
        elif row["what"] == "auction":
            found.append(("auction", at_ns, name, row["price_sen"] or None, row["units"]))
        elif row["what"] == "rejected":
            found.append(("rejected", at_ns, row["order_id"], row["reason"]))
    return found


@pytest.mark.parametrize("name", PRESETS)
@pytest.mark.parametrize("seed", range(4))
def test_a_run_is_the_engines_own_days(name: str, seed: int) -> None:
    """Trades, crosses and refusals of two days are those of an engine driven step by step."""
    table = drawn(seed, wide=name == "tse")
    run = run_days(table, preset=name, instruments=issues(3, preset=name), workers=2)

    expected = PlainDay(name, 3).play(table, run.days)

    assert told(run) == expected
    assert {"trade", "rejected"} <= {fact[0] for fact in expected}
    assert any(fact[0] == "auction" for fact in expected) == (name != "odx-equities")


@pytest.mark.parametrize("seed", [105, 106, 107])
def test_who_came_first_is_told_by_time_not_by_the_row(seed: int) -> None:
    """TSE looks at who came first (simultaneous orders, shares at a limit); rows come unsorted."""
    table = drawn(seed, wide=seed % 2 == 0, rows=500)
    run = run_days(table, preset="tse", instruments=issues(3, preset="tse"))
    assert told(run) == PlainDay("tse", 3).play(table, run.days)


@pytest.mark.parametrize("name", PRESETS)
@pytest.mark.parametrize("indicative", [False, True])
def test_the_number_of_workers_changes_nothing(name: str, indicative: bool) -> None:
    """One, two, three and more workers than books tell the same events at the same times."""
    table = load(drawn(11, wide=True, books=5, rows=600))
    listed = issues(5, preset=name)
    runs = [
        run_days(table, preset=name, instruments=listed, workers=workers, indicative=indicative)
        for workers in (1, 2, 3, 9)
    ]
    first = runs[0].told
    assert len(first.events) > 600
    for run in runs[1:]:
        assert run.told.events.tobytes() == first.events.tobytes()
        assert np.array_equal(run.told.at_ns, first.at_ns)
        assert np.array_equal(run.told.renewed, first.renewed)


def test_quotes_are_renewed_between_orders_at_their_own_time() -> None:
    """TSE: a bid far above the base shows a quote that moves every three minutes without a command."""
    table = {"time": ["09:10:00", "09:10:01"], "instrument_id": ["M00001"] * 2,
             "side": ["sell", "buy"], "price": ["109000", "109000"], "quantity": [1, 1]}  # fmt: skip
    run = run_day(table, preset="tse", instruments=issues(1, preset="tse"))
    quotes = [row for row in run.events.rows() if row["what"] == "quote"]
    assert [row["at_ns"] - quotes[0]["at_ns"] for row in quotes] == [
        180 * 10**9 * place for place in range(len(quotes))
    ]
    assert [trade["price_sen"] for trade in run.trades.rows()] == [10_900_000]
    assert bool(run.told.renewed.any())


def test_a_market_order_that_finds_nobody_shows_a_quote() -> None:
    """TSE: with nothing to buy it stays and presses the price up; START's book does not trade."""
    table = {"time": ["09:10:00", "09:10:01"], "instrument_id": ["M00001"] * 2, "side": ["buy"] * 2,
             "price": ["99000", None], "quantity": [1, 5]}  # fmt: skip
    run = run_day(table, preset="tse", instruments=issues(1, preset="tse"))
    told = [(row["what"], row["reason"]) for row in run.events.rows() if row["order_id"] == 2]
    assert told[0] == ("accepted", None)
    assert "quote" in [row["what"] for row in run.events.rows()]
    assert [row["leaves_units"] for row in run.places("M00001", at="09:10:02").rows()] == [5, 1]


# --- the loaders

SMALL: Rows = {
    "time": ["09:00:00", "09:00:00.5", "13:00:00", "13:00:01"],
    "op": ["new", "new", "cancel", "amend"],
    "order_id": ["a", "b", "a", "b"],
    "instrument_id": ["KH01", "KH02", None, None],
    "side": ["buy", "sell", None, None],
    "price": ["100250.5", "99990", None, "100000"],
    "quantity_units": [10, 4, None, None],
    "owner": ["X", "Y", None, None],
}


def as_csv(path: Path) -> Path:
    """The small table as text."""
    lines = [",".join(SMALL)]
    lines += [
        ",".join("" if cell is None else str(cell) for cell in row)
        for row in zip(*SMALL.values(), strict=True)
    ]
    (path / "t.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path / "t.csv"


def as_gz(path: Path) -> Path:
    """The small table as packed text."""
    (path / "t.csv.gz").write_bytes(gzip.compress(as_csv(path).read_bytes()))
    return path / "t.csv.gz"


def as_parquet(path: Path) -> Path:
    """The small table as Parquet."""
    pa.parquet.write_table(pa.table(SMALL), path / "t.parquet")
    return path / "t.parquet"


def as_feather(path: Path) -> Path:
    """The small table as Feather."""
    pa.feather.write_feather(pa.table(SMALL), str(path / "t.feather"))
    return path / "t.feather"


def as_floats(_: Path) -> Any:
    """A frame whose numbers became floats, as pandas makes them of columns with gaps."""
    frame = pd.DataFrame(SMALL)
    frame["price"] = [100250.5, 99990.0, float("nan"), 100000.0]
    return frame


def as_decimals(_: Path) -> Any:
    """An Arrow table with decimal prices and times of day."""
    prices = [None if one is None else Decimal(one) for one in SMALL["price"]]
    times = [time.fromisoformat(one + "00" if "." in one else one) for one in SMALL["time"]]
    return pa.table(SMALL | {"price": prices, "time": times})


def as_records(_: Path) -> Any:
    """A numpy structured array, with bytes for text and sen for prices."""
    rows = np.zeros(4, dtype=[
        ("time", "S14"), ("op", "S6"), ("order_id", "S4"), ("instrument_id", "S4"), ("side", "i4"),
        ("price_sen", "i8"), ("quantity_units", "f8"), ("owner", "U1"),
    ])  # fmt: skip
    for name in rows.dtype.names or ():
        source = SMALL.get(name, [10_025_050, 9_999_000, 0, 10_000_000])
        blank: Any = {"quantity_units": np.nan, "side": 1}.get(name, "")
        codes = {"buy": 1, "sell": 2} if name == "side" else {}
        rows[name] = [blank if one is None else codes.get(one, one) for one in source]
    return rows


SOURCES: dict[str, Callable[[Path], Any]] = {
    "csv": as_csv,
    "csv.gz": as_gz,
    "parquet": as_parquet,
    "feather": as_feather,
    "arrow": lambda _: pa.table(SMALL),
    "pandas": lambda _: pd.DataFrame(SMALL),
    "pandas floats": as_floats,
    "polars": lambda _: pl.DataFrame(SMALL),
    "decimals": as_decimals,
    "numpy": as_records,
}


@pytest.mark.parametrize("source", SOURCES)
def test_every_source_gives_the_same_rows(source: str, tmp_path: Path) -> None:
    """Whatever carries a table, rows, times, ids and names are those of plain columns."""
    expected, found = load(SMALL), load(SOURCES[source](tmp_path))
    if source == "numpy":
        found.rows["side"][found.rows["op"] == Op.AMEND] = 0  # an array of codes has no blanks
    assert found.rows.tobytes() == expected.rows.tobytes()
    assert found.at_ns.tolist() == expected.at_ns.tolist()
    assert (found.issues, found.owners) == (expected.issues, expected.owners)
    assert found.order_ids.tolist() == expected.order_ids.tolist() == ["a", "b"]
    assert expected.rows["price_sen"].tolist() == [10_025_050, 9_999_000, 0, 10_000_000]
    assert expected.rows["instrument"].tolist() == [0, 1, 0, 1]
    assert expected.rows["owner"].tolist() == [0, 1, 0, 1]


def test_codes_on_rows_stand_for_the_words() -> None:
    """Sides, kinds, validities and modes may be codes of the batch door's rows."""
    table: Rows = {
        "time": ["09:00:00"] * 2, "instrument_id": ["KH01"] * 2, "quantity": [1, 1],
        "side": ["sell", SIDES.index(Side.SELL)], "kind": ["market", KINDS.index(OrderKind.MARKET)],
        "validity": ["next_auction", VALIDITIES.index(Validity.NEXT_AUCTION)],
        "self_trade": ["cancel_both", [str(one) for one in SELF_TRADE_MODES].index("cancel_both")],
    }  # fmt: skip
    rows = load(table).rows
    first, second = (rows[place][["side", "kind", "validity", "self_trade"]] for place in (0, 1))
    assert first.tolist() == second.tolist() == (2, 2, 2, rows["self_trade"][0])


def test_the_instant_in_ns_and_the_time_of_day_agree() -> None:
    """at_ns and time with a day give the same run."""
    table = drawn(5)
    orders = load(table)
    by_time = run_days(orders, instruments=issues(3))
    stamped = {name: column for name, column in table.items() if name not in ("day", "time")}
    midnights = np.array([at_jst(day, 0) for day in by_time.days])
    stamped["at_ns"] = (midnights[orders.day - 1] + orders.at_ns).tolist()
    by_ns = run_days(stamped, instruments=issues(3))
    assert by_ns.days == by_time.days
    assert by_ns.told.events.tobytes() == by_time.told.events.tobytes()


WRONG: dict[str, tuple[dict[str, Any], str]] = {
    "an unknown column": ({"colour": ["red"] * 4}, "unknown column colour"),
    "a price with three decimals": ({"price": ["1.005", "1", None, "1"]}, "row 1, price: '1.005'"),
    "a float between two sen": ({"price": [0.1 + 0.005, 1.0, None, 1.0]}, "row 1, price: 0.10"),
    "a price too large": ({"price": ["99999999", "1", None, "1"]}, "row 1, price:"),
    "no price for a limit": (
        {"kind": ["limit"] * 4, "price": [None, "1", None, "1"]}, "row 1, price: a limit"),
    "a price for a market order": ({"kind": ["market"] * 4}, "row 1, price: a limit order has one"),
    "a time without seconds": (
        {"time": ["09:00:00", "09:00", "09:00:00", "09:00:00"]}, "row 2, time: '09:00' is not"),
    "a side of its own": ({"side": ["buy", "long", None, None]}, "row 2, side: 'long' is not one"),
    "an order without a side": ({"side": ["buy", None, None, None]}, "row 2, side: a new order"),
    "no quantity": ({"quantity_units": [1, 0, None, None]}, "row 2, quantity_units: 0 is not"),
    "half a unit": ({"quantity_units": [1, 1.5, None, None]}, "row 2, quantity_units: 1.5 is not"),
    "an id used twice": ({"order_id": ["a", "a", "a", "a"]}, "row 2, order_id: an earlier new"),
    "an order moved to another issue": (
        {"instrument_id": ["KH01", "KH02", "KH02", None]}, "row 3, instrument_id: its order"),
    "an amendment of nothing": ({"price": ["1", "1", None, None]}, "row 4, price: an amendment"),
    "two prices": ({"price_sen": [1, 1, None, 1]}, "price and price_sen, not both"),
    "an issue that is not listed": (
        {"instrument_id": ["KH01", "XX", None, None]}, "row 2, instrument_id: no issue"),
    "uneven columns": ({"owner": ["X"]}, "equally long"),
}  # fmt: skip


@pytest.mark.parametrize("case", WRONG)
def test_a_wrong_cell_is_named_by_row_and_column(case: str) -> None:
    """What cannot be used is one BadInput that says where and why."""
    changes, said = WRONG[case]
    with pytest.raises(BadInput) as refused:
        run_day(SMALL | changes)
    assert said in str(refused.value)


def test_several_wrong_cells_are_told_at_once_in_row_order() -> None:
    """One error names the first twenty, sorted by row."""
    table = {"time": ["x"] * 30, "instrument_id": ["KH01"] * 30, "side": ["buy"] * 29 + ["long"],
             "quantity": [1] * 30}  # fmt: skip
    with pytest.raises(BadInput) as refused:
        load(table)
    lines = str(refused.value).splitlines()
    assert len(lines) == 20
    assert lines[0].startswith("row 1, time")
    assert lines[-1].startswith("row 20, time")


FILES = {
    "unknown ending": ("t.xls", b"", "an order table is"),
    "nothing in it": ("t.csv", b"", "the file is empty"),
    "a short line": ("t.csv", b"time,side\n09:00:00,buy\n09:00:00\n", "row 2: 1 cells"),
    "no Parquet": ("t.parquet", b"no", "cannot be read"),
    "no gzip": ("t.csv.gz", b"no", "cannot be read"),
    "no UTF-8": ("t.csv", b"time\n\xff\n", "cannot be read"),
}


@pytest.mark.parametrize("case", FILES)
def test_a_file_that_cannot_be_read_is_bad_input(case: str, tmp_path: Path) -> None:
    """The message names the file and what is wrong with it."""
    name, content, said = FILES[case]
    (tmp_path / name).write_bytes(content)
    with pytest.raises(BadInput, match=f"{name}.*{said}"):
        load(tmp_path / name)


def test_a_file_that_is_not_there_is_bad_input(tmp_path: Path) -> None:
    """So says the message, for text and for Parquet."""
    for name in ("no.csv", "no.csv.gz", "no.parquet", "no.feather"):
        with pytest.raises(BadInput, match=f"{name}: cannot be read"):
            load(tmp_path / name)


def test_a_missing_library_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without pyarrow a table says what to install; numpy and plain rows need nothing."""
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    day = run_day(EXAMPLES / "research_orders.csv")
    assert len(day.trades.numpy) == 6
    with pytest.raises(BadInput, match=r"pyarrow is not installed.*kitahama\[research\]"):
        day.trades.to_arrow()
    assert tables.optional("json")


# --- what comes out


def test_the_small_day_is_the_one_worked_out_by_hand() -> None:
    """Crosses at 100,300 and 100,400 yen and six trades, as examples/README.md works out."""
    day = run_day(EXAMPLES / "research_orders.csv")
    crosses = [
        (row["phase"], row["price_sen"], row["executed_units"])
        for row in day.auctions.rows() if row["price_sen"]
    ]  # fmt: skip
    assert crosses == [("OpeningAuction", 10_030_000, 10), ("ClosingAuction", 10_040_000, 9)]
    assert [
        (row["buy_order_id"], row["sell_order_id"], row["quantity_units"])
        for row in day.trades.rows()
    ] == [("A-1", "B-1", 8), ("A-1", "C-1", 2), ("B-4", "C-1", 2), ("B-4", "A-5", 2),
          ("D-1", "A-5", 1), ("D-1", "A-4", 4)]  # fmt: skip
    refused = [row for row in day.events.rows() if row["what"] == "rejected"]
    assert [(row["order_id"], row["reason"]) for row in refused] == [
        ("A-2", "BAD_TICK"), ("C-1", "NON_CANCEL_PERIOD"),
    ]  # fmt: skip


def test_arrow_pandas_and_polars_carry_the_same_rows() -> None:
    """Whole numbers stay whole, words are words, what is missing is missing."""
    run = run_days(drawn(3), preset="tse", instruments=issues(3, preset="tse"))
    for table in (run.trades, run.auctions, run.events, run.places("M00001", at="14:00:00")):
        plain = list(table.rows())
        assert table.to_arrow().to_pylist() == plain
        assert table.to_polars().to_dicts() == plain
        frame = table.to_pandas()
        assert list(frame.columns) == list(table.columns)
        for name in table.columns:
            column = frame[name].astype(object)
            assert column.where(frame[name].notna(), None).tolist() == table.values(name)
            assert frame[name].dtype != np.float64
        assert table.numpy.dtype.names == table.columns
        assert len(plain) == len(table) > 0


def test_depth_and_places_are_the_book_of_the_moment() -> None:
    """Just before a time, and just after a command; the units of both views agree."""
    day = run_day(EXAMPLES / "research_orders.csv")
    levels = [tuple(row.values()) for row in day.depth("KH01", at="11:29:30").rows()]
    assert levels == [
        ("buy", 10_050_000, 10, 1), ("buy", 10_020_000, 5, 1), ("sell", 9_980_000, 8, 1),
        ("sell", 10_030_000, 4, 1), ("sell", 10_050_000, 6, 1),
    ]  # fmt: skip
    assert len(day.depth("KH01")) == 0, "START has expired everything"
    first = int(np.flatnonzero(~day.commands.is_act)[0])
    assert [row["order_id"] for row in day.places("KH01", at=first).rows()] == ["A-1"]
    assert len(day.places("KH01", at=first - 1)) == 0
    assert len(day.places("KH02", at=first)) == 0


@pytest.mark.parametrize(
    "name", [*(one for one in PRESETS if one != "odx-equities"), "odx-equities"]
)
def test_places_are_the_engines_own_queue(name: str) -> None:
    """Order, open units and units in front, also of orders at market, as one engine has them."""
    table = drawn(21, rows=400, days=1)
    table["time"] = [f"09:{row // 60:02d}:{row % 60:02d}" for row in range(400)]
    run = run_day(table, preset=name, instruments=issues(3, preset=name))
    oracle = PlainDay(name, 3)
    oracle.rules = run.rules
    kept = [row for row in range(400) if table["time"][row] < "09:05:00"]
    part = {cell: [column[row] for row in kept] for cell, column in table.items()}
    plan = day_plan(run.rules, run.days[0], oracle.names)
    moment = at_jst(run.days[0], 9 * 3600 + 300)
    stopped = [step for step in plan if step[0] < moment]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(f"{__name__}.day_plan", lambda *_: stopped)
        oracle.play(part, run.days)
    for book in oracle.names:
        expected: list[Fact] = []
        for side in Side:
            queue: list[Order] = list(oracle.engine.book(book).queue(side))
            for place, order in enumerate(queue):
                ahead = sum(o.leaves_units for o in queue[:place] if o.price_sen == order.price_sen)
                expected.append((side.value, oracle.caller[order.order_id],
                                 order.price_sen or None, order.leaves_units, ahead))  # fmt: skip
        found = [tuple(row.values()) for row in run.places(book, at="09:05:00").rows()]
        assert found == expected
        depth = run.depth(book, at="09:05:00")
        assert sum(depth["units"].tolist()) == sum(row[3] for row in expected)


def test_a_moment_that_is_not_there_is_bad_input() -> None:
    """No such issue, command, day or time."""
    day = run_day(EXAMPLES / "research_orders.csv")
    for options, said in (
        ({"instrument_id": "XX"}, "no issue is called"),
        ({"instrument_id": "KH01", "at": 10_000}, "command 10000"),
        ({"instrument_id": "KH01", "at": "25:00:00"}, "not a time"),
        ({"instrument_id": "KH01", "at": "09:00:00", "day": 2}, "day 2"),
    ):
        with pytest.raises(BadInput, match=said):
            day.depth(**options)  # type: ignore[arg-type]


def test_a_table_without_rows_is_a_day_without_orders() -> None:
    """Every cross is held and nothing trades."""
    empty: Rows = {"time": [], "side": []}
    day = run_day(empty)
    assert len(day.auctions) == 16
    assert (len(day.trades), len(day.trades.to_arrow()), len(day.depth("KH01"))) == (0, 0, 0)


def test_days_are_refused_where_one_is_asked_for_or_the_market_is_closed() -> None:
    """run_day takes one day; a Sunday is none."""
    two = {"time": ["09:00:00"], "day": [2], "instrument_id": ["KH01"], "side": ["buy"],
           "quantity": [1]}  # fmt: skip
    with pytest.raises(BadInput, match="of 2 days"):
        run_day(two)
    sunday: Rows = {"at_ns": [at_jst(date(2026, 11, 22), 9 * 3600)], "instrument_id": ["KH01"],
                    "side": ["buy"], "quantity": [1]}  # fmt: skip
    with pytest.raises(BadInput, match="row 1, at_ns: the market is closed on 2026-11-22"):
        run_day(sunday)


# --- many markets


def test_simulated_markets_do_not_depend_on_workers_or_on_how_many_days() -> None:
    """One seed is one market: any number of workers, and fewer days are the first of more."""
    one = monte_carlo(30, 4, 7, workers=1)
    for workers in (2, 7):
        other = monte_carlo(30, 4, 7, workers=workers)
        for name in ("price_sen", "volume_units", "trades"):
            assert np.array_equal(getattr(one, name), getattr(other, name))
        assert one.orders == other.orders
    assert np.array_equal(monte_carlo(30, 2, 7).price_sen, one.price_sen[:2])
    assert not np.array_equal(monte_carlo(30, 4, 8).price_sen, one.price_sen)
    assert one.price_sen.shape == (4, 2, 30)
    assert np.array_equal(one.price_sen == 0, one.volume_units == 0)


def test_simulated_markets_are_what_the_engine_makes_of_their_flow() -> None:
    """The crosses of a day are those of a run of the very rows that were drawn."""
    listed = issues(12)
    rows, clock_ns = Flow(preset("start"), listed, 5).next_day()
    drawn_rows = {name: rows[name] for name in rows.dtype.names if name != "_pad"}
    table = {
        "at_ns": clock_ns + at_jst(FIRST_DAY, 0),
        "order_id": drawn_rows["order_id"],
        "instrument_id": [str(listed[one].instrument_id) for one in rows["instrument"]],
        "side": rows["side"],
        "price_sen": rows["price_sen"],
        "quantity_units": rows["quantity_units"],
        "owner": rows["owner"],
    }
    day, many = run_day(table, instruments=listed), monte_carlo(12, 1, 5)
    assert day.auctions["price_sen"].reshape(2, 12).tolist() == many.price_sen[0].tolist()
    assert day.auctions["executed_units"].tolist() == many.volume_units[0].ravel().tolist()
    assert int(many.volume_units.sum()) > 0


def test_the_flow_has_the_means_it_promises() -> None:
    """Three buys and three sells a book and window, sizes of four units, 15% at market."""
    rows, clock_ns = Flow(preset("start"), issues(4_000), 1).next_day()
    assert abs(len(rows) / 4_000 / 2 - 6) < 0.1
    assert abs(np.mean(rows["side"] == 1) - 0.5) < 0.01
    assert abs(np.mean(rows["quantity_units"]) - 4) < 0.1
    assert abs(np.mean(rows["kind"] == 2) - 0.15) < 0.01
    assert np.all(np.diff(clock_ns) >= 0)
    assert np.all((rows["price_sen"] == 0) == (rows["kind"] == 2))
    assert np.all(rows["price_sen"] % 1_000 == 0)


def test_markets_with_a_continuous_session_are_refused() -> None:
    """Crosses alone do not tell such a day; nor is a market without books or days one."""
    for options, said in (
        ({"books": 3, "days": 1, "seed": 1, "preset": "tse"}, "between crosses"),
        ({"books": 0, "days": 1, "seed": 1}, "a book and a day"),
        ({"books": 3, "days": 0, "seed": 1}, "a book and a day"),
        ({"books": 3, "days": 1, "seed": -1}, "a seed from 0"),
    ):
        with pytest.raises(BadInput, match=said):
            monte_carlo(**options)  # type: ignore[arg-type]


def test_the_example_runs() -> None:
    """examples/research.py prints the day and needs no argument."""
    done = subprocess.run(
        [sys.executable, EXAMPLES / "research.py"], capture_output=True, text=True, check=True
    )
    assert "trade 6: D-1 buys 4 of A-4" in done.stdout
