"""Brokers carry orders: entered again until filled, canceled or too old, whatever the market says."""

import pytest

from market.commands import Entry, NewOrder
from market.errors import BadInput
from market.events import Event, OrderAccepted, RequestRejected, Trade
from market.quantities import Sen
from participants.intents import Intent
from venue.orderfile import parse_orders
from venue.sample import sample_settings
from venue.simulation import Simulation

HEADER = "day,time,participant,action,client_order_id,original_client_order_id,instrument,side,kind,price,quantity,validity\n"


def played(
    days: int, good_till_days: int, *lines: str, **changes: object
) -> list[tuple[Entry, Event]]:
    """A run of the sample venue with an order file of such lines."""
    intents = parse_orders((HEADER + "\n".join(lines)).splitlines(keepends=True), "f")
    by_day: dict[int, list[Intent]] = {}
    for intent in intents:
        by_day.setdefault(intent.day, []).append(intent)
    steps: list[tuple[Entry, Event]] = []
    settings = sample_settings("start", 7, days=days, good_till_days=good_till_days, **changes)
    core = Simulation(
        settings, seen=lambda entry, events: steps.extend((entry, one) for one in events)
    ).run(lambda number: by_day.get(number, []))
    core.check_invariants()
    return steps


def names(steps: list[tuple[Entry, Event]]) -> list[tuple[str, int]]:
    """Every order accepted, by name and size."""
    return [
        (one.client_order_id, one.quantity_units)
        for _, one in steps
        if isinstance(one, OrderAccepted)
    ]


BUY = "1,09:00:00,FIRM-A,new,A-1,,KH01,buy,limit,100000,10,day"


def test_the_rest_of_an_order_is_entered_every_morning() -> None:
    """Ten units, four filled on the first day and three on the second: six, then three."""
    steps = played(
        4, 15, BUY,
        "1,09:01:00,FIRM-B,new,B-1,,KH01,sell,limit,100000,4,day",
        "2,09:01:00,FIRM-B,new,B-2,,KH01,sell,limit,100000,3,day",
        "3,09:01:00,FIRM-B,new,B-3,,KH01,sell,limit,100000,3,day",
    )  # fmt: skip
    assert [one for one in names(steps) if one[0].startswith("A")] == [
        ("A-1", 10), ("A-1-G1", 6), ("A-1-G2", 3),
    ]  # fmt: skip
    assert sum(isinstance(one, Trade) for _, one in steps) == 3


def test_an_order_is_carried_so_many_days_and_no_more() -> None:
    """Two days after its first, then it is over; with 0 days it is the market's day order."""
    assert names(played(5, 2, BUY)) == [("A-1", 10), ("A-1-G1", 10), ("A-1-G2", 10)]
    assert names(played(3, 0, BUY)) == [("A-1", 10)]
    with pytest.raises(BadInput, match="good_till_days"):
        sample_settings("start", 7, good_till_days=16)


def test_what_is_canceled_is_not_entered_again_and_what_is_amended_is_as_amended() -> None:
    """The broker follows its client: an end is an end, a new price is the price."""
    steps = played(
        2, 15, BUY,
        "1,09:00:00,FIRM-A,new,A-2,,KH01,buy,limit,99990,5,day",
        "1,10:00:00,FIRM-A,cancel,,A-1,,,,,,",
        "1,10:00:00,FIRM-A,amend,A-3,A-2,,,,99900,3,",
    )  # fmt: skip
    again = [entry.command for entry, _ in steps if isinstance(entry.command, NewOrder)][-1]
    assert isinstance(again, NewOrder)
    assert (again.client_order_id, again.price_sen, again.quantity_units) == (
        "A-2-G1", Sen(9_990_000), 3,
    )  # fmt: skip
    assert [name for name, _ in names(steps)] == ["A-1", "A-2", "A-2-G1"]


def test_orders_for_one_cross_and_market_orders_are_not_carried() -> None:
    """Only a limit order of the day has a rest that can wait."""
    steps = played(
        2, 15,
        "1,09:00:00,FIRM-A,new,A-1,,KH01,buy,limit,100000,10,next_auction",
        "1,09:00:00,FIRM-A,new,A-2,,KH01,buy,market,,10,day",
    )  # fmt: skip
    assert [name for name, _ in names(steps)] == ["A-1", "A-2"]


def test_a_rest_the_market_refuses_waits_for_the_day_after() -> None:
    """A base price that rose puts it below the limit for a day; when it fell, it is entered again."""
    steps = played(
        4, 15, "1,09:00:00,FIRM-A,new,A-1,,KH01,buy,limit,85000,10,day",
        "1,09:00:00,FIRM-B,new,B-1,,KH01,buy,limit,120000,1,day",
        "1,09:00:00,FIRM-C,new,C-1,,KH01,sell,limit,120000,1,day",
        "2,09:00:00,FIRM-B,new,B-2,,KH01,sell,limit,99000,1,day",
        "2,09:00:00,FIRM-C,new,C-2,,KH01,buy,limit,99000,1,day",
    )  # fmt: skip
    refused = [one.client_order_id for _, one in steps if isinstance(one, RequestRejected)]
    assert refused == ["A-1-G1"], "85,000 is below the limit of a base of 120,000"
    assert [name for name, _ in names(steps) if name.startswith("A")] == ["A-1", "A-1-G2", "A-1-G3"]
