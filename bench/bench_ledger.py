"""How fast entries are posted and deliveries settled. One process, no journal, no wire.

Workload: 40 firms with ample units and yen, trades between neighbours in a fixed pattern, all
due on one day; the stages of that day are run, the cut-off included. Creating the deliveries is
measured apart from settling them. Change it only together with the numbers in bench/README.md.
"""

from collections.abc import Callable
from datetime import date

import pytest
from pytest_benchmark.fixture import BenchmarkFixture

from market.commands import DepositUnits, DepositYen, ParticipantLimits
from market.events import DayOpened, DeliveryState, InstrumentListed, ParticipantRegistered, Trade
from market.ids import InstrumentId, OrderId, ParticipantId, TradeId
from market.instrument import TEN_YEN, TSE_LIMITS, Instrument
from market.quantities import Sen, Units, Yen
from market.rules import SettlementMode
from settlement.ledger import HoldId, Ledger
from settlement.settlement import Settlement

FIRMS = [ParticipantId(f"FIRM-{number:02d}") for number in range(40)]
ISSUE = InstrumentId("ST1")
DAY = date(2026, 11, 2)
ROUNDS = 5


def funded_ledger() -> Ledger:
    """Every firm has more than it will give."""
    ledger = Ledger("yen", "outside")
    for firm in FIRMS:
        ledger.post("outside", firm, 1_000_000_000)
    return ledger


def post_many(ledger: Ledger, count: int) -> int:
    """Direct posts between neighbours."""
    firms = len(FIRMS)
    for number in range(count):
        ledger.post(FIRMS[number % firms], FIRMS[(number + 1) % firms], 1 + number % 7)
    return ledger.balance(FIRMS[0])


def hold_and_post_many(ledger: Ledger, count: int) -> int:
    """The same movements in two steps."""
    firms = len(FIRMS)
    for number in range(count):
        hold_id = HoldId(f"D-{number}/1")
        ledger.hold(hold_id, FIRMS[number % firms], FIRMS[(number + 1) % firms], 1 + number % 7)
        ledger.post_hold(hold_id)
    return ledger.balance(FIRMS[0])


@pytest.mark.parametrize("way", [post_many, hold_and_post_many])
def bench_posts(benchmark: BenchmarkFixture, way: Callable[[Ledger, int], int]) -> None:
    """Entries on one ledger; read it as movements a second."""
    count = 10_000 if benchmark.enabled else 100
    given = sum(1 + number % 7 for number in range(0, count, len(FIRMS)))
    taken = sum(1 + number % 7 for number in range(len(FIRMS) - 1, count, len(FIRMS)))

    balance = benchmark.pedantic(way, setup=lambda: ((funded_ledger(), count), {}), rounds=ROUNDS)

    assert balance == 1_000_000_000 - given + taken
    benchmark.extra_info["movements"] = count


def market(mode: SettlementMode) -> Settlement:
    """Firms, one issue, ample balances, one open day, T+0."""
    room = Settlement(mode, 0)
    room.apply(
        InstrumentListed(
            instrument=Instrument(
                instrument_id=ISSUE,
                isin="JP0000000000",
                name="Issue",
                issued_units=Units(40_000_000),
                issue_price_sen=Sen(10_000_000),
                ticks=TEN_YEN,
                limits=TSE_LIMITS,
            )
        )
    )
    for firm in FIRMS:
        room.apply(
            ParticipantRegistered(participant_id=firm, name=firm, limits=ParticipantLimits())
        )
        room.deposit_yen(DepositYen(participant_id=firm, amount_yen=Yen(10**12), reference="yen"))
        room.deposit_units(
            DepositUnits(
                participant_id=firm,
                instrument_id=ISSUE,
                quantity_units=Units(1_000_000),
                reference="units",
            )
        )
    room.apply(DayOpened(business_date=DAY, settlement_date=DAY))
    return room


def trades(count: int) -> list[Trade]:
    """Neighbours trade in turn."""
    firms = len(FIRMS)
    return [
        Trade(
            trade_id=TradeId(number + 1),
            instrument_id=ISSUE,
            price_sen=Sen(10_000_000),
            quantity_units=Units(1 + number % 7),
            seller=FIRMS[number % firms],
            buyer=FIRMS[(number + 1) % firms],
            buy_order_id=OrderId(2 * number),
            sell_order_id=OrderId(2 * number + 1),
            buy_leaves_units=Units(0),
            sell_leaves_units=Units(0),
            cross=True,
        )
        for number in range(count)
    ]


def take_trades(room: Settlement, work: list[Trade]) -> int:
    """Trades become deliveries."""
    for trade in work:
        room.apply(trade)
    return len(room.deliveries)


def settle_day(room: Settlement) -> int:
    """Every stage of the day, and how many deliveries it finished."""
    for stage in range(len(room.design.stages)):
        room.run(stage)
    finished = DeliveryState.FINISHED
    return sum(delivery.state is finished for delivery in room.deliveries.values())


def bench_obligations(benchmark: BenchmarkFixture) -> None:
    """Trades taken in; read it as deliveries created a second."""
    count = 10_000 if benchmark.enabled else 100
    work = trades(count)

    created = benchmark.pedantic(
        take_trades,
        setup=lambda: ((market(SettlementMode.GROSS_ATOMIC), work), {}),
        rounds=ROUNDS,
    )

    assert created == count
    benchmark.extra_info["deliveries"] = count


@pytest.mark.parametrize("mode", SettlementMode)
def bench_settlement_day(benchmark: BenchmarkFixture, mode: SettlementMode) -> None:
    """All stages of a day; read it as deliveries finished a second."""
    count = 10_000 if benchmark.enabled else 100
    work = trades(count)

    def prepared() -> tuple[tuple[Settlement], dict[str, object]]:
        room = market(mode)
        take_trades(room, work)
        return (room,), {}

    finished = benchmark.pedantic(settle_day, setup=prepared, rounds=ROUNDS)

    assert finished == count  # a fast wrong answer is not a result
    benchmark.extra_info["deliveries"] = count
