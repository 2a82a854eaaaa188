"""One day told from opening auction to reconciliation; then whole days as users run them."""

from collections.abc import Callable, Iterable
from datetime import date
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from auditor import Auditor
from random_market import FIRST_DAY, STAGES, opening
from watched_market import WatchedMarket

from market.business_days import next_business_day
from market.commands import (
    ChangePhase,
    CloseDay,
    DepositUnits,
    DepositYen,
    Entry,
    ListInstrument,
    NewOrder,
    OpenDay,
    OpenSession,
    RegisterKey,
    RegisterParticipant,
    RunAuction,
    RunSettlement,
)
from market.events import (
    AuctionHeld,
    ClosingPriceSet,
    DayClosed,
    DayOpened,
    DeliveryChanged,
    DeliveryCreated,
    DeliveryState,
    Event,
    IndicativePriceChanged,
    OrderExpired,
    PhaseChanged,
    Reconciled,
    ReferencePriceSet,
    RequestRejected,
    SettlementRan,
    Trade,
)
from market.ids import ClientOrderId, InstrumentId, KeyId, ParticipantId, SessionId
from market.instrument import TEN_YEN, TSE_LIMITS, Instrument
from market.quantities import Sen, Units, Yen
from market.reasons import RejectReason
from market.words import OrderKind, Phase, Side
from participants.intents import Intent
from participants.orderflow import generated_day
from venue.core import Core
from venue.journal import Journal
from venue.recovery import verify
from venue.runs import simulate_run
from venue.sample import sample_settings
from venue.simulation import Simulation

HOUSE = InstrumentId("HOUSE")
BUYER, SELLER, LATE = (ParticipantId(name) for name in ("BUYER", "SELLER", "LATE"))


class Street:
    """Three firms and one issue at 100,000 yen; words of a day as methods."""

    def __init__(self) -> None:
        self.market = WatchedMarket(opening("start"))
        do = self.market.do
        do(ListInstrument(instrument=Instrument(
            instrument_id=HOUSE, isin="JP0000000001", name="A house", issued_units=Units(1_000),
            issue_price_sen=Sen(10_000_000), ticks=TEN_YEN, limits=TSE_LIMITS,
        )))  # fmt: skip
        for firm in (BUYER, SELLER, LATE):
            key, session = KeyId(f"{firm}-key"), SessionId(f"{firm}-1")
            do(RegisterParticipant(participant_id=firm, name=firm))
            do(RegisterKey(key_id=key, participant_id=firm, session_id=session,
                           public_key_hex="a" * 64))  # fmt: skip
            do(OpenSession(session_id=session, key_id=key, takeover=False))
        for firm in (BUYER, LATE):
            do(DepositYen(participant_id=firm, amount_yen=Yen(2_000_000), reference="start"))
        do(DepositUnits(participant_id=SELLER, instrument_id=HOUSE, quantity_units=Units(50),
                        reference="start"))  # fmt: skip

    def phase(self, phase: Phase) -> list[Event]:
        """The issue moves on."""
        return self.market.do(ChangePhase(instrument_id=HOUSE, phase=phase))

    def order(
        self, firm: ParticipantId, side: str, units: int, yen: int | None = None
    ) -> list[Event]:
        """A limit order in yen, or a market order."""
        number = len(self.market.entries)
        return self.market.do(NewOrder(
            participant_id=firm, session_id=SessionId(f"{firm}-1"), generation=1,
            req_id=str(number), client_order_id=ClientOrderId(f"N-{number}"),
            instrument_id=HOUSE, side=Side(side), quantity_units=Units(units),
            kind=OrderKind.MARKET if yen is None else OrderKind.LIMIT,
            price_sen=Sen((yen or 0) * 100),
        ))  # fmt: skip

    def settle(self) -> list[Event]:
        """All four stages of a day."""
        return [event for stage in range(4) for event in self.market.do(RunSettlement(stage=stage))]

    def owns(self, firm: ParticipantId) -> tuple[int, int]:
        """Yen and units."""
        settlement = self.market.core.settlement
        return settlement.owned_yen(firm), settlement.owned_units(firm, HOUSE)


def test_one_day_from_the_opening_auction_to_reconciliation() -> None:  # noqa: PLR0915 - a story
    """A START day by hand, and two business days later everything is where it belongs."""
    street = Street()
    market = street.market

    # Tuesday morning. The base price is the issue price; orders gather, nothing trades.
    opened = market.do(OpenDay(business_date=FIRST_DAY))
    assert isinstance(opened[0], DayOpened)
    assert opened[0].settlement_date == date(2026, 11, 26)
    street.phase(Phase.PRE_OPEN)
    street.order(BUYER, "buy", 10, 100_500)
    told = street.order(SELLER, "sell", 6, 99_500)
    indicative = told[-1]
    assert isinstance(indicative, IndicativePriceChanged)
    assert (indicative.price_sen, indicative.executed_units) == (10_050_000, 6)
    assert market.trades() == []

    # 11:29. Orders may still enter, none may leave. 11:30: one price for all.
    street.phase(Phase.PRE_OPEN_NCP)
    street.order(SELLER, "sell", 4, 100_200)
    street.phase(Phase.OPENING_AUCTION)
    crossed = market.do(RunAuction(instrument_id=HOUSE))
    trades = [event for event in crossed if isinstance(event, Trade)]
    assert [(one.price_sen, one.quantity_units) for one in trades] == [
        (10_020_000, 6),
        (10_020_000, 4),
    ]
    street.phase(Phase.BREAK)
    (refused,) = street.order(BUYER, "buy", 1, 100_000)
    assert isinstance(refused, RequestRejected)
    assert refused.reason is RejectReason.PHASE_CLOSED

    # The afternoon. Cash promised to the morning's trade cannot be promised again.
    street.phase(Phase.PRE_CLOSE)
    (refused,) = street.order(BUYER, "buy", 10, 100_500)
    assert isinstance(refused, RequestRejected)
    assert refused.reason is RejectReason.INSUFFICIENT_CASH
    street.order(LATE, "buy", 5, 100_300)
    street.order(SELLER, "sell", 3)
    street.phase(Phase.PRE_CLOSE_NCP)
    street.phase(Phase.CLOSING_AUCTION)
    crossed = market.do(RunAuction(instrument_id=HOUSE))
    (last,) = [event for event in crossed if isinstance(event, Trade)]
    assert (last.buyer, last.quantity_units, last.price_sen) == (LATE, 3, 10_030_000)

    # 15:30. What is left expires; nothing has been delivered yet.
    closed = street.phase(Phase.CLOSED)
    (expired,) = [event for event in closed if isinstance(event, OrderExpired)]
    assert (expired.participant_id, expired.expired_units) == (LATE, 2)
    assert street.settle()[-1].moved == 0  # type: ignore[union-attr]
    *closing, reconciled, day_closed = market.do(CloseDay())
    assert [type(event) for event in closing] == [ClosingPriceSet] * len(market.issues())
    assert isinstance(reconciled, Reconciled)
    assert (reconciled.trades, reconciled.open_deliveries, reconciled.breaks) == (3, 3, ())
    assert isinstance(day_closed, DayClosed)
    assert street.owns(BUYER) == (2_000_000, 0)

    # Wednesday. The next base price is the last price; nothing is due.
    opened = market.do(OpenDay(business_date=date(2026, 11, 25)))
    assert isinstance(opened[1], ReferencePriceSet)
    assert opened[1].reference_price_sen == 10_030_000
    street.settle()
    market.do(CloseDay())

    # Thursday, T+2: provisional transfer, funding, payment and final transfer.
    market.do(OpenDay(business_date=date(2026, 11, 26)))
    settled = street.settle()
    ran = [event for event in settled if isinstance(event, SettlementRan)]
    assert [(one.stage_name, one.moved, one.failed) for one in ran] == [
        ("provisional_transfer", 3, 0),
        ("funding", 3, 0),
        ("payment_and_final_transfer", 3, 0),
        ("cut_off", 0, 0),
    ]
    *_, reconciled, _ = market.do(CloseDay())
    assert isinstance(reconciled, Reconciled)
    assert (reconciled.finished, reconciled.open_deliveries, reconciled.breaks) == (3, 0, ())
    assert street.owns(BUYER) == (2_000_000 - 1_002_000, 10)
    assert street.owns(LATE) == (2_000_000 - 300_900, 3)
    assert street.owns(SELLER) == (1_302_900, 37)
    market.replay()


# --- whole days, as the command runs them


Seen = list[tuple[Entry, Event]]


def run(
    intents_of: Callable[[int], Iterable[Intent]],
    preset: str = "start",
    journal: Journal | None = None,
    **changes: object,
) -> tuple[Core, Seen, Auditor]:
    """The sample venue, its events, and an auditor who heard them all."""
    seen: Seen = []
    auditor = Auditor()

    def see(entry: Entry, events: list[Event]) -> None:
        seen.extend((entry, event) for event in events)
        auditor.read(events)

    settings = sample_settings(preset, 7, **changes)
    core = Simulation(settings, journal=journal, seen=see).run(intents_of)
    core.check_invariants()
    assert auditor.verdict() == []
    return core, seen, auditor


def of(kind: type, seen: Seen) -> list[Any]:
    """All events of one kind."""
    return [event for _, event in seen if type(event) is kind]


def test_a_generated_day_of_twenty_thousand_orders_runs_and_verifies(tmp_path: Path) -> None:
    """It trades in every cross, every delivery finishes, and its journal leads to the same digest."""
    intents = generated_day(seed=20_231_225, orders=20_000)
    with Journal(tmp_path) as journal:
        core, seen, auditor = run(lambda day: intents if day == 1 else (), journal=journal)
    assert all(cross.executed_units > 0 for cross in of(AuctionHeld, seen)[:16])
    assert len(of(Trade, seen)) == len(auditor.states) > 3_000
    assert set(auditor.states.values()) == {"finished"}
    assert all(not one.breaks for one in of(Reconciled, seen))
    verdict = verify(tmp_path)
    assert (verdict.commands, verdict.digest) == (core.sequence, core.digest())


def test_five_days_carry_base_prices_and_open_deliveries_over(tmp_path: Path) -> None:
    """Each morning starts from the last price; what is not due yet, or failed, waits its turn."""
    seen: Seen = []
    core = simulate_run(
        orders=None, settings_path=None, seed=11, preset="start", days=5, scale=12.0, out=tmp_path,
        seen=lambda entry, events: seen.extend((entry, event) for event in events),
    )  # fmt: skip
    base: dict[str, int] = {}
    last: dict[str, int] = {}
    for _, event in seen:
        if isinstance(event, ReferencePriceSet):
            carried = last.pop(event.instrument_id, base.get(event.instrument_id))
            assert carried in (None, event.reference_price_sen)
            base[event.instrument_id] = event.reference_price_sen
        elif isinstance(event, Trade):
            last[event.instrument_id] = event.price_sen
    days = [event.business_date for event in of(DayOpened, seen)]
    assert days[:5] == [date(2026, 11, day) for day in (24, 25, 26, 27, 30)]
    assert all(after == next_business_day(day) for day, after in pairwise(days))
    reconciled = of(Reconciled, seen)
    assert reconciled[1].open_deliveries == reconciled[0].trades + reconciled[1].trades
    assert core.open_deliveries() == 0
    assert any(one.failing for one in reconciled), "a firm that pays late is part of the sample"
    assert verify(tmp_path).digest == core.digest()


@pytest.mark.parametrize(
    ("preset", "crosses"),
    [
        ("tse", [("09:00", "OpeningAuction"), ("11:30", "ClosingAuction"),
                 ("12:30", "OpeningAuction"), ("15:30", "ClosingAuction")]),
        ("ose", [("08:45", "OpeningAuction"), ("15:45", "ClosingAuction")]),
    ],
)  # fmt: skip
def test_days_with_continuous_trading_cross_at_their_ends(
    preset: str, crosses: list[tuple[str, str]]
) -> None:
    """Opening itayose, continuous sessions, closing itayose: trades of both kinds, all delivered."""
    seen: Seen = []
    core = simulate_run(
        orders=None, settings_path=None, seed=5, preset=preset, days=1, scale=12.0, out=None,
        seen=lambda entry, events: seen.extend((entry, event) for event in events),
    )  # fmt: skip
    held = {
        (f"{second // 3600:02d}:{second % 3600 // 60:02d}", event.phase.value)
        for entry, event in seen
        if isinstance(event, AuctionHeld)
        for second in [(entry.at_ns // 10**9 + 9 * 3600) % 86_400]
    }
    assert held == set(crosses)
    phase = ""
    kinds: dict[bool, set[str]] = {True: set(), False: set()}
    for _, event in seen:
        if isinstance(event, PhaseChanged):
            phase = event.phase.value
        elif isinstance(event, Trade):
            kinds[event.cross].add(phase)
    assert kinds[False] == {"Continuous"}
    assert kinds[True] <= {"OpeningAuction", "ClosingAuction"}
    assert "OpeningAuction" in kinds[True]
    assert core.open_deliveries() == 0


SMALL = generated_day(seed=3, orders=600)


def small_day(day: int) -> list[Intent]:
    """One trading day of 600 orders."""
    return SMALL if day == 1 else []


def test_trades_of_a_t0_rulebook_settle_on_the_day_itself() -> None:
    """With stages after the close, everything is delivered before the day ends."""
    rules = {"settlement_days": 0, "settlement_stages": [56_000, 56_060, 56_120, 56_180]}
    core, seen, auditor = run(small_day, rules=rules)
    assert {one.settlement_date for one in of(DeliveryCreated, seen)} == {FIRST_DAY}
    first = of(Reconciled, seen)[0]
    finished = [one for one in auditor.states.values() if one == "finished"]
    assert first.finished > 0.8 * len(finished)
    assert core.open_deliveries() == 0


def test_t0_with_stages_before_the_close_delivers_on_the_next_day() -> None:
    """A cut-off that comes before the trades fails them openly; the next day finishes them."""
    rules = {"settlement_days": 0, "settlement_stages": STAGES}
    core, seen, _ = run(small_day, rules=rules)
    failed = [one for one in of(DeliveryChanged, seen) if one.state is DeliveryState.FAILING]
    assert failed
    assert core.open_deliveries() == 0


def test_both_designs_end_in_the_same_balances() -> None:
    """Gross in one step, or provisional transfer and verified payment: the same firms own the same."""
    owned = []
    for mode in ("gross_atomic", "provisional_transfer"):
        core, _, auditor = run(small_day, rules={"settlement_mode": mode})
        assert core.settlement.design.name == mode
        assert core.open_deliveries() == 0
        owned.append((dict(auditor.yen), dict(auditor.units)))
    assert owned[0] == owned[1]
