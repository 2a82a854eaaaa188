"""Order flow: seeded, sorted, within the rulebook's hours, and quiet at scale 1."""

import numpy as np
import pytest

from market.errors import BadInput
from market.ids import InstrumentId
from market.rulebooks import OSE, START, TSE
from market.rules import Rules
from market.words import OrderKind, Side
from participants.intents import Intent, IntentAction
from participants.orderflow import (
    SAMPLE_FIRMS,
    OrderFlow,
    entry_windows,
    generated_day,
    sample_instruments,
    thinned,
)

ISSUES = sample_instruments(START)


def flow(seed: int, scale: float = 1.0, rules: Rules = START) -> OrderFlow:
    """Simulated participants of one seed."""
    generator = np.random.Generator(np.random.PCG64(seed))
    return OrderFlow(generator, rules, sample_instruments(rules), scale=scale)


def hms(text: str) -> int:
    """Milliseconds after midnight."""
    hours, minutes = text.split(":")
    return (int(hours) * 60 + int(minutes)) * 60_000


def test_one_seed_gives_one_flow_and_another_gives_another() -> None:
    """Chance comes from the generator alone, day after day."""
    one, two, other = flow(7), flow(7), flow(8)
    days = [(one.day(n), two.day(n), other.day(n)) for n in (1, 2, 3)]
    assert all(first == second for first, second, _ in days)
    assert all(first != third for first, _, third in days)


def test_the_sample_issues_are_what_is_public_of_start() -> None:
    """Eight issues of 100,000 yen, 17,400 to 100,000 units, 42,000 on average."""
    issued = [issue.issued_units for issue in ISSUES]
    assert (len(issued), min(issued), max(issued)) == (8, 17_400, 100_000)
    assert sum(issued) == 8 * 42_000
    assert {issue.issue_price_sen for issue in ISSUES} == {10_000_000}
    assert len({issue.instrument_id for issue in ISSUES}) == 8
    assert {len(issue.instrument_id) for issue in ISSUES} == {4}
    assert {len(issue.isin) for issue in ISSUES} == {12}


def test_the_sample_firms_share_all_orders_and_hold_less_than_everything() -> None:
    """Weights are hundredths, and some units stay unissued."""
    assert sum(firm.weight for firm in SAMPLE_FIRMS) == 100
    assert sum(firm.holding_percent for firm in SAMPLE_FIRMS) < 100


@pytest.mark.parametrize(
    ("rules", "expected"),
    [
        (START, [("8:20", "11:30", "11:29"), ("12:30", "15:30", "15:29")]),
        (
            TSE,
            [
                ("8:00", "9:00", "9:00"),
                ("9:00", "11:30", "11:30"),
                ("12:05", "12:30", "12:30"),
                ("12:30", "15:30", "15:30"),
            ],
        ),
        (OSE, [("8:00", "8:45", "8:44"), ("8:45", "15:45", "15:44")]),
        (
            START.replace(ncp_new_orders=False),
            [("8:20", "11:29", "11:29"), ("12:30", "15:29", "15:29")],
        ),
    ],
)
def test_windows_are_the_hours_in_which_the_rulebook_takes_orders(
    rules: Rules, expected: list[tuple[str, str, str]]
) -> None:
    """From, until, and until when orders may leave again."""
    assert [tuple(window) for window in entry_windows(rules)] == [
        tuple(hms(text) for text in row) for row in expected
    ]


@pytest.mark.parametrize("rules", [START, TSE, OSE])
def test_intents_are_sorted_well_formed_and_within_the_windows(rules: Rules) -> None:
    """New orders in open hours, cancels and amendments only while orders may leave."""
    windows = entry_windows(rules)
    issues = {issue.instrument_id: issue for issue in sample_instruments(rules)}
    day = flow(11, scale=30, rules=rules).day(1)
    assert [intent.at_ms for intent in day] == sorted(intent.at_ms for intent in day)
    names = [intent.client_order_id for intent in day if intent.client_order_id]
    assert len(names) == len(set(names))
    placed: dict[str, Intent] = {}
    for intent in day:
        (window,) = [w for w in windows if w.from_ms <= intent.at_ms < w.until_ms]
        if intent.action is IntentAction.NEW:
            placed[intent.client_order_id] = intent
            issue = issues[intent.instrument_id or InstrumentId("")]
            assert (intent.quantity_units or 0) > 0
            assert (intent.price_sen is None) == (intent.kind is OrderKind.MARKET)
            if intent.price_sen is not None:
                assert issue.ticks.is_on_tick(intent.price_sen)
                low, high = issue.daily_limits(issue.issue_price_sen)
                assert low <= intent.price_sen <= high
        else:
            order = placed[intent.original_client_order_id or ""]
            assert order.at_ms < intent.at_ms < window.cancel_until_ms
            assert order.participant_id == intent.participant_id


def test_the_flow_has_the_shape_it_promises() -> None:
    """Both sides alike, sizes near 4, market orders near 15%, a few cancels and amendments."""
    day = flow(3, scale=100).day(1)
    orders = [intent for intent in day if intent.action is IntentAction.NEW]
    assert 9_000 < len(orders) < 10_200
    buys = sum(intent.side is Side.BUY for intent in orders)
    assert abs(2 * buys - len(orders)) < 400
    sizes = [intent.quantity_units or 0 for intent in orders]
    assert 3.8 < sum(sizes) / len(sizes) < 4.2
    markets = sum(intent.kind is OrderKind.MARKET for intent in orders)
    assert 0.13 < markets / len(orders) < 0.17
    cancels = sum(intent.action is IntentAction.CANCEL for intent in day)
    amends = sum(intent.action is IntentAction.AMEND for intent in day)
    assert 0.04 < cancels / len(orders) < 0.09
    assert 0.02 < amends / len(orders) < 0.06


def test_at_scale_one_a_cross_without_a_trade_is_normal() -> None:
    """Between 35% and 60% of windows bring no buyer and seller together."""
    it = flow(5)
    quiet = total = 0
    for number in range(1, 41):
        orders = [i for i in it.day(number) if i.action is IntentAction.NEW]
        for issue in ISSUES:
            for window in entry_windows(START):
                mine = [
                    i
                    for i in orders
                    if i.instrument_id == issue.instrument_id
                    and window.from_ms <= i.at_ms < window.until_ms
                ]
                bids = [i.price_sen or 10**12 for i in mine if i.side is Side.BUY]
                asks = [i.price_sen or 0 for i in mine if i.side is Side.SELL]
                total += 1
                quiet += not bids or not asks or max(bids) < min(asks)
    assert 0.35 < quiet / total < 0.60


def test_the_net_asset_value_stays_near_the_issue_price() -> None:
    """Over months, limits stay within 6% of the issue price."""
    it = flow(9, scale=0.3)
    for number in range(1, 250):
        for intent in it.day(number):
            if intent.price_sen is not None:
                assert 9_400_000 <= intent.price_sen <= 10_600_000


def test_barred_market_orders_are_not_sent() -> None:
    """An issue with START's daily bar gets limit orders only."""
    barred = [
        type(issue)(
            **{name: getattr(issue, name) for name in issue.__struct_fields__}
            | {"market_orders_barred": True}
        )
        for issue in ISSUES
    ]
    it = OrderFlow(np.random.Generator(np.random.PCG64(1)), START, barred, scale=20)
    assert all(intent.kind is not OrderKind.MARKET for intent in it.day(1))


@pytest.mark.parametrize("scale", [0.0, -1.0, float("nan")])
def test_a_flow_of_nothing_is_refused(scale: float) -> None:
    """Nobody, nothing or no scale is a mistake of the caller's settings."""
    generator = np.random.Generator(np.random.PCG64(1))
    with pytest.raises(BadInput):
        OrderFlow(generator, START, ISSUES, scale=scale)
    with pytest.raises(BadInput):
        OrderFlow(generator, START, ())


def test_a_generated_day_has_exactly_the_orders_asked_for() -> None:
    """The surplus is dropped evenly, and nobody cancels or amends an order that was dropped."""
    day = generated_day(seed=1, orders=2_000)
    placed = {i.client_order_id for i in day if i.action is IntentAction.NEW}
    assert len(placed) == 2_000
    assert all(
        i.original_client_order_id in placed for i in day if i.action is not IntentAction.NEW
    )
    for issue in ISSUES:
        for window in entry_windows(START):
            count = sum(
                i.instrument_id == issue.instrument_id
                and window.from_ms <= i.at_ms < window.until_ms
                for i in day
            )
            assert 80 < count < 180
    assert generated_day(seed=1, orders=2_000) == day


def test_thinning_cannot_add_orders() -> None:
    """Asking for more orders than were drawn is refused; asking for all keeps all."""
    day = flow(2, scale=3).day(1)
    count = sum(i.action is IntentAction.NEW for i in day)
    assert thinned(day, count) == day
    with pytest.raises(BadInput):
        thinned(day, count + 1)
