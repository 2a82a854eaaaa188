"""The examples: the hand-worked day comes out as on paper, a generated day runs clean."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from market.business_days import jst_clock_text
from market.commands import BustTrade, Command, Entry
from market.events import (
    AuctionHeld,
    CommandRefused,
    DeliveryChanged,
    DeliveryState,
    Event,
    OrderExpired,
    ReferencePriceSet,
    RequestRejected,
    Trade,
    TradeBusted,
    UnitsMoved,
    YenMoved,
)
from market.quantities import price_to_text
from participants.intents import Intent
from participants.orderflow import generated_day
from venue.orderfile import read_orders
from venue.runs import simulate_run
from venue.sample import sample_settings
from venue.simulation import Simulation

EXAMPLES = Path(__file__).parents[2] / "examples"
EXPECTED: dict[str, Any] = json.loads((EXAMPLES / "small_day_expected.json").read_text("utf-8"))
ISSUES = ("KH01", "KH02")


def played(intents: list[Intent]) -> tuple[Simulation, list[tuple[Entry, Event]]]:
    """Orders on the sample venue, until everything has settled."""
    seen: list[tuple[Entry, Event]] = []

    def see(entry: Entry, events: list[Event]) -> None:
        seen.extend((entry, event) for event in events)

    def of_day(number: int) -> list[Intent]:
        return [intent for intent in intents if intent.day == number]

    simulation = Simulation(sample_settings("start", 7), seen=see)
    simulation.run(of_day)
    return simulation, seen


def test_the_small_day_comes_out_as_worked_out_by_hand() -> None:
    """Refusals, crosses, trades, expiries, postings and the next base price, all of them."""
    _, seen = played(read_orders(EXAMPLES / "small_day.csv"))
    names = _names(seen)
    told: dict[type, Callable[[Command, str, Any], dict[str, Any]]] = {
        RequestRejected: _refusal,
        AuctionHeld: _cross,
    }
    rows: dict[type, list[dict[str, Any]]] = {kind: [] for kind in told}
    for entry, event in seen:
        if type(event) in told and getattr(event, "instrument_id", "KH01") in ISSUES:
            row = told[type(event)](entry.command, jst_clock_text(entry.at_ns), event)
            rows[type(event)].append(row)
    assert rows[RequestRejected] == EXPECTED["refusals"]
    assert rows[AuctionHeld][:4] == EXPECTED["crosses"]
    assert all(row["price"] is None for row in rows[AuctionHeld][4:])
    assert [_trade(event, names) for _, event in seen if isinstance(event, Trade)] == EXPECTED[
        "trades"
    ]
    expired = [_expiry(event, names) for _, event in seen if isinstance(event, OrderExpired)]
    assert sorted(expired, key=lambda row: row["client_order_id"]) == EXPECTED["expired"]


def test_the_small_day_settles_to_the_sums_on_paper() -> None:
    """Every delivery finishes; cash and units move as added up by hand."""
    _, seen = played(read_orders(EXAMPLES / "small_day.csv"))
    yen: dict[str, int] = {}
    units: dict[str, dict[str, int]] = {issue: {} for issue in ISSUES}
    finished = 0
    base: dict[str, str] = {}
    for _, event in seen:
        if isinstance(event, YenMoved) and event.delivery_id is not None:
            _move(yen, event.giver, event.taker, event.amount_yen)
        elif isinstance(event, UnitsMoved) and event.delivery_id is not None:
            _move(units[event.instrument_id], event.giver, event.taker, event.quantity_units)
        elif isinstance(event, DeliveryChanged):
            finished += event.state is DeliveryState.FINISHED
        elif isinstance(event, ReferencePriceSet) and event.instrument_id in ISSUES:
            base[event.instrument_id] = price_to_text(event.reference_price_sen)
    assert finished == len(EXPECTED["trades"])
    assert {"yen": yen, **units} == EXPECTED["postings_after_settlement"]
    assert base == EXPECTED["next_base_price"]


def test_a_generated_day_trades_in_every_cross_and_keeps_every_invariant() -> None:
    """The flow of the large example at a tenth of its size; each room checks itself."""
    simulation, seen = played(generated_day(seed=20_231_225, orders=2_000))
    crosses = [event for _, event in seen if isinstance(event, AuctionHeld)]
    assert all(event.executed_units > 0 for event in crosses[:16])
    simulation.core.check_invariants()


def _names(seen: list[tuple[Entry, Event]]) -> dict[int, tuple[str, str]]:
    """Firm and client order id of every order id."""
    found: dict[int, tuple[str, str]] = {}
    for _, event in seen:
        if event.__class__.__name__ in {"OrderAccepted", "OrderAmended"}:
            order: Any = event
            found[order.order_id] = (order.participant_id, order.client_order_id)
    return found


def _refusal(command: Command, clock: str, event: RequestRejected) -> dict[str, Any]:
    request: Any = command
    row: dict[str, Any] = {"time": clock, "participant": event.participant_id}
    if event.client_order_id is not None:
        row["client_order_id"] = event.client_order_id
    else:
        row["original_client_order_id"] = request.original_client_order_id
    return row | {"reason": event.reason.value}


def _cross(command: Command, clock: str, event: AuctionHeld) -> dict[str, Any]:
    del command
    return {
        "time": clock,
        "instrument": event.instrument_id,
        "phase": event.phase.value,
        "price": None if event.price_sen is None else price_to_text(event.price_sen),
        "executed_units": event.executed_units,
        "trades": event.trades,
    }


def _trade(event: Trade, names: dict[int, tuple[str, str]]) -> dict[str, Any]:
    return {
        "instrument": event.instrument_id,
        "price": price_to_text(event.price_sen),
        "quantity_units": event.quantity_units,
        "buyer": event.buyer,
        "buy": names[event.buy_order_id][1],
        "seller": event.seller,
        "sell": names[event.sell_order_id][1],
        "amount_yen": event.consideration_yen,
    }


def _expiry(event: OrderExpired, names: dict[int, tuple[str, str]]) -> dict[str, Any]:
    firm, name = names[event.order_id]
    return {
        "participant": firm,
        "client_order_id": name,
        "instrument": event.instrument_id,
        "expired_units": event.expired_units,
    }


def _move(totals: dict[str, int], giver: str | None, taker: str | None, amount: int) -> None:
    if giver is not None:
        totals[giver] = totals.get(giver, 0) - amount
    if taker is not None:
        totals[taker] = totals.get(taker, 0) + amount


def test_the_error_trade_is_voided_and_what_stands_is_delivered() -> None:
    """As the text beside it says: asked about, confirmed, halted, voided; and too late at the end."""
    seen: list[tuple[Command, Event]] = []
    core = simulate_run(
        orders=EXAMPLES / "error_trade.csv", acts=EXAMPLES / "error_trade_acts.csv",
        settings_path=None, seed=7, preset=None, days=None, scale=1.0, out=None,
        seen=lambda entry, events: seen.extend((entry.command, event) for event in events),
    )  # fmt: skip
    events = [event for _, event in seen]
    rejected = [event.reason.value for event in events if isinstance(event, RequestRejected)]
    assert rejected == ["ABNORMAL_SIZE_QUERY"]
    busted = [event.trade_id for event in events if isinstance(event, TradeBusted)]
    assert busted == [1, 2]
    crosses = [
        (event.price_sen, event.executed_units)
        for event in events
        if isinstance(event, AuctionHeld) and event.price_sen is not None
    ]
    assert crosses == [(9_950_000, 3_600), (10_000_000, 10)]
    late = [event for command, event in seen if isinstance(command, BustTrade)][-1]
    assert isinstance(late, CommandRefused)
    assert late.reason.value == "ALREADY_FINAL"
    states = [delivery.state.value for delivery in core.settlement.deliveries.values()]
    assert states == ["canceled", "canceled", "finished", "finished"]
