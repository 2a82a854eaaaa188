"""The same trades paid in other kinds of money: when yen move, what rests, who is exposed."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from market.business_days import is_business_day, next_business_day
from market.errors import BadInput
from settlement.trials.hours import morning_file
from settlement.trials.records import YEN, Obliged, Posted
from settlement.trials.trial import run_trial
from venue.comparison.command import grid_of
from venue.comparison.designs import BY_KEY
from venue.comparison.facts import CASH, Deal, Facts, Locked
from venue.comparison.flow import Flow, draw_flow
from venue.comparison.formulas import NS_PER_HOUR as H
from venue.comparison.grid import Cell, Grid, run_grid
from venue.comparison.metrics import Assumed, Seen, measure
from venue.comparison.money import MONEY_BY_KEY, is_paid_in, unpaid
from venue.comparison.report import Setting, write_report
from venue.comparison.settle import case_of, settle_cell
from venue.comparison.summary import rows_of

BANKED = ("B2", "B3", "B4", "C2", "C3", "C3-ccp", "D-token", "D-cash")
JST = timedelta(hours=9)


@pytest.fixture(scope="module")
def flow() -> Flow:
    """The trades of a small day."""
    return draw_flow(orders=None, seed=3, days=1, scale=2.0, preset="start")


def clock(at_ns: int) -> datetime:
    """Wall clock in Japan."""
    return datetime.fromtimestamp(at_ns / 10**9, tz=UTC) + JST


@pytest.mark.parametrize("design", ["A", "A+LSM", "B1", "B2", "B3", "B4", "C2", "C3"])
def test_coins_settle_as_tokens_do_and_rest_all_the_time(flow: Flow, design: str) -> None:
    """The log is the same to the byte; coins cost interest while idle and no claim on an issuer."""
    token = settle_cell(flow, Cell(design, 0, "low", "mid", 1))
    coin = settle_cell(flow, Cell(design, 0, "low", "mid", 1, "trust"))

    assert coin["digest"] == token["digest"]
    assert (coin["issuer_loss_yen"], token["issuer_loss_yen"]) == (0, token["committed_yen"])
    assert coin["idle_money_yen_h"] > token["idle_money_yen_h"] == 0
    assert coin["money_cost_yen"] > token["money_cost_yen"] == 0
    assert coin["cost_high_yen"] > token["cost_high_yen"]


@pytest.mark.parametrize("horizon", [0, 1, 2])
@pytest.mark.parametrize("design", BANKED)
def test_by_bank_yen_move_with_a_morning_file_and_nowhen_else(
    flow: Flow, design: str, horizon: int
) -> None:
    """At nine on a business day after the trade's day, for every single payment of the trial."""
    log = run_trial(case_of(flow, Cell(design, horizon, "none", "upper", 1, "bank")))
    traded = {one.deal: clock(one.traded_ns).date() for one in log if isinstance(one, Obliged)}
    paid = [one for one in log if isinstance(one, Posted) and one.asset == YEN]

    assert len(paid) > 3
    first = min(traded.values())  # a net payment is of many trades
    for one in paid:
        at = clock(one.at_ns)
        assert (at.hour, at.minute, at.second) == (9, 0, 0)
        assert is_business_day(at.date())
        assert at.date() > traded.get(one.deal, first)


@pytest.mark.parametrize("design", BANKED)
def test_by_bank_nothing_is_in_time_on_the_day_of_the_trade(flow: Flow, design: str) -> None:
    """T+0 is out of reach of a next-morning payment; T+2 is not, and the auditor finds nothing."""
    now = settle_cell(flow, Cell(design, 0, "none", "upper", 1, "bank"), audit=True)
    later = settle_cell(flow, Cell(design, 2, "none", "upper", 1, "bank"), audit=True)

    assert now["settled_share"] == 0
    assert later["settled_share"] > 0.4
    assert now["findings"] == later["findings"] == []
    assert now["splits"] == later["splits"] == 0
    at_once = settle_cell(flow, Cell(design, 0, "none", "upper", 1))
    assert now["trades"] == at_once["trades"]
    assert now["finality_p50_h"] > min(9, at_once["finality_p50_h"])


@pytest.mark.parametrize("faults", ["low", "high"])
def test_a_bank_transfer_splits_nothing_that_the_design_keeps_whole(
    flow: Flow, faults: str
) -> None:
    """Under faults: late, never one-legged; the auditor agrees with the log."""
    for design in ("B2", "B3", "B4", "C2", "C3", "C3-ccp"):
        for horizon in (0, 1):
            row = settle_cell(flow, Cell(design, horizon, faults, "mid", 5, "bank"), audit=True)
            assert (row["splits"], row["findings"]) == (0, [])


MONDAY = date(2026, 11, 2)


def instants(hours: tuple[int, ...]) -> Iterator[tuple[date, int, int]]:
    """Day, hour and UTC ns of some hours over the next two weeks, holidays and weekends too."""
    for day in range(14):
        for hour in hours:
            moment = datetime(2026, 11, 2, hour, tzinfo=UTC) - JST + timedelta(days=day)
            yield MONDAY + timedelta(days=day), hour, int(moment.timestamp()) * 10**9


def test_the_file_is_the_first_after_the_order_and_not_before_now() -> None:
    """Against a walk through the calendar, hour by hour."""
    for ordered_on, _, ordered_ns in instants((0, 10, 16)):
        for now_on, hour, now_ns in instants((0, 9, 10, 23)):
            if now_ns < ordered_ns:
                continue
            day = next_business_day(ordered_on)
            while day < now_on or (day == now_on and hour > 9):
                day = next_business_day(day)
            at = clock(morning_file(ordered_ns, now_ns))
            assert (at.date(), at.hour, at.minute) == (day, 9, 0)


def test_the_figures_of_a_money_are_these() -> None:
    """By hand: 1,000 yen for 10 hours, 400 of them held for 2; one payment."""
    one = Deal("1", "A", "B", "X", 10, 400, 0, 10 * H, ended_ns=10 * H, cash_done=[(10 * H, 400)])
    facts = Facts(
        end_ns=20 * H, deals={"1": one}, opening={("B", CASH): 1_000, ("A", "X"): 10},
        locks=[Locked("1", "B", CASH, 400, 8 * H, 10 * H, returned=False)],
    )  # fmt: skip
    told = {
        money: measure(
            Seen(facts, (), BY_KEY["B2"].books, Assumed(issuer_recovery=0.25), money=money)
        )
        for money in MONEY_BY_KEY
    }

    def row(name: str) -> list[float | None]:
        return [told[money][name] for money in ("deposit", "trust", "bank")]

    assert row("in_flight_peak_yen") == [400, 400, 400]
    assert row("idle_money_yen_h") == [0, 10_000 - 800, 0]
    assert row("issuer_loss_yen") == [750, 0, 750]
    assert row("money_cost_yen") == [0, pytest.approx(9_200 * 0.01 / 8_760), 500]


def test_a_design_has_no_cell_in_a_money_it_cannot_be_paid_in() -> None:
    """No transfer is half of one posting or knows a hash; nobody's coins are today's; each gap has its line."""
    grid = Grid(tuple(BY_KEY), (0,), ("none",), ("mid",), (1,), money=tuple(MONEY_BY_KEY))

    by_money = {
        money: [cell.design for cell in grid.cells() if cell.money == money]
        for money in MONEY_BY_KEY
    }

    assert by_money["deposit"] == list(BY_KEY)
    assert by_money["bank"] == [design for design in BY_KEY if design in BANKED]
    assert by_money["trust"] == [design for design in BY_KEY if not design.startswith("D")]
    assert not is_paid_in("A", "bank")
    lines = unpaid(grid.designs, grid.money)
    assert [line.split(":")[0] for line in lines] == [
        f"{design} is not paid in {money}"
        for money in MONEY_BY_KEY
        for design in BY_KEY
        if design not in by_money[money]
    ]
    assert all(len(line.split(": ")[1]) > 20 for line in lines)
    assert len({cell.key for cell in grid.cells()}) == len(grid.cells())


def words(**more: Any) -> Any:
    """The smallest grid of the command line."""
    fixed: dict[str, Any] = {
        "designs": "A,B2,D-token", "horizons": "0", "faults": "none", "liquidity": "mid",
        "seeds": 1, "seed": 1, "orders": None, "days": 1, "scale": 2.0, "preset": "start",
    }  # fmt: skip
    return grid_of(**{**fixed, **more})


def test_the_deposit_alone_is_the_default_and_a_wrong_word_is_refused() -> None:
    """The grid does not grow by itself; its cells keep their names."""
    assert words().money == ("deposit",)
    assert next(cell.key for cell in words().cells()) == "A/T+0/none/mid/1"
    assert words(money="all").money == ("deposit", "trust", "bank")
    with pytest.raises(BadInput, match="kind of money"):
        words(money="gold")
    with pytest.raises(
        BadInput, match=r"no design of these is paid in bank.*B1 is not paid in bank"
    ):
        words(designs="A,B1", money="bank")


def test_the_report_compares_the_kinds_in_a_section_of_their_own(tmp_path: Path) -> None:
    """With one kind there is none; with more, all the rest of the page is of the first."""
    grid = words(money="deposit,trust,bank")
    rows = run_grid(grid, tmp_path / "cells")
    setting = Setting("seeded", 1, audited=False)

    one = write_report(rows_of(rows, money="deposit"), _folder(tmp_path, "one"), setting)
    more = write_report(rows, _folder(tmp_path, "more"), setting)

    assert {(row["design"], row["money"]) for row in rows} == {
        ("A", "deposit"), ("A", "trust"), ("B2", "deposit"), ("B2", "trust"), ("B2", "bank"),
        ("D-token", "deposit"), ("D-token", "bank"),
    }  # fmt: skip
    alone, page = one.read_text(encoding="utf-8"), more.read_text(encoding="utf-8")
    assert "The kind of money" not in alone
    assert "The kind of money" in page
    assert "7 cells" in page
    assert page.count("<tr><th>B2</th>") == 3
    assert "A is not paid in bank: both legs are one posting" in page
    assert "is not paid in" not in alone
    assert (one.parent / "frontier.svg").read_bytes() == (more.parent / "frontier.svg").read_bytes()


def _folder(home: Path, name: str) -> Path:
    (home / name).mkdir()
    return home / name
