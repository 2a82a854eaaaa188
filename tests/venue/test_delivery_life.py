"""The whole life of deliveries in one run: a short seller, a buyer without cash, a hold, and what ends them.

One day of trades and the five that follow, under watch: auditor, oracles, conservation and
invariants after each command, and the journal played again half-way and at the end.
"""

import json
from datetime import date
from random import Random
from typing import Any

import pytest
from random_market import FIRMS, LIVELY, WIDE, Chance, session_of
from small_market import ask, cross, market_with, phase
from watched_market import WatchedMarket

from market.business_days import next_business_day
from market.commands import (
    ActOnDelivery,
    AffirmDelivery,
    BuyIn,
    ChangePhase,
    CloseDay,
    Command,
    ConsentToCancel,
    DepositUnits,
    DepositYen,
    OpenDay,
    OpenVenue,
    ReverseDelivery,
    RunSettlement,
    SetDeliveryHold,
    SetDeliveryParts,
)
from market.events import (
    BoughtIn,
    CommandRefused,
    DeliveryCreated,
    DeliveryFilled,
    Event,
    FailCharged,
    FailChargePaid,
    Reconciled,
)
from market.ids import ClientOrderId, DeliveryId
from market.quantities import Sen, Units, Yen
from market.reasons import RejectReason
from market.words import Phase, Side
from venue.timeline import Timeline

A, B, C = FIRMS
NAME = WIDE.instrument_id
ONE, TWO, THREE, FOUR = (DeliveryId(number) for number in range(1, 5))
MODES = ["provisional_transfer", "gross_atomic"]


def of(events: list[Event], kind: type) -> list[Any]:
    """The events of one kind."""
    return [event for event in events if isinstance(event, kind)]


class Run:
    """A watched market with its days."""

    def __init__(self, mode: str, **rules: object) -> None:
        self.market = market_with(
            **{
                "settlement_mode": mode,
                "settlement_days": 0,
                "max_share_of_issue_percent": 0,
                "query_share_of_issue_percent": 0,
            }
            | rules
        )
        self.day = date(2026, 11, 24)

    def do(self, command: Command) -> list[Event]:
        """One command."""
        return self.market.do(command)

    def stages(self) -> list[Event]:
        """All stages of a day."""
        return [event for stage in range(4) for event in self.do(RunSettlement(stage=stage))]

    def night(self) -> list[Event]:
        """The day's end and the next opening."""
        told = self.do(CloseDay())
        (reconciled,) = of(told, Reconciled)
        assert reconciled.breaks == ()
        self.market.core.conservation()
        self.day = next_business_day(self.day)
        self.do(OpenDay(business_date=self.day))
        return told

    def states(self, *names: DeliveryId) -> list[str]:
        """Where deliveries are."""
        return [self.market.core.settlement.deliveries[name].state.value for name in names]

    def owned(self) -> dict[str, tuple[int, int]]:
        """Yen and units of every firm."""
        room = self.market.core.settlement
        return {firm[-1]: (room.owned_yen(firm), room.owned_units(firm, NAME)) for firm in FIRMS}


def traded(mode: str) -> Run:
    """D-1: A to B, 20 units; D-2: C, who is short, to B, 40; D-3: A to C, who has no cash, 20."""
    run = Run(
        mode,
        partial_settlement=True,
        fail_penalty_ppm_a_day=100_000,
        fail_buy_in_days=4,
    )
    market = run.market
    for firm, side, units in (
        (B, Side.BUY, 20),
        (B, Side.BUY, 40),
        (A, Side.SELL, 20),
        (C, Side.SELL, 40),
    ):
        assert ask(market, firm, side, units) == "accepted"
    cross(market)
    phase(market, Phase.PRE_CLOSE)
    for firm, side in ((C, Side.BUY), (A, Side.SELL)):
        assert ask(market, firm, side, 20) == "accepted"
    cross(market, Phase.CLOSING_AUCTION)
    created = of(market.events, DeliveryCreated)
    assert [(one.seller, one.buyer) for one in created] == [(A, B), (C, B), (A, C)]
    return run


@pytest.mark.parametrize("mode", MODES)
def test_a_week_of_fails_ends_with_everything_accounted_for(mode: str) -> None:
    """A part, a hold, penalties paid and carried, a buy-in after four days, and a reversal."""
    run = traded(mode)
    run.do(SetDeliveryHold(delivery_id=ONE, side=Side.BUY, held=True))
    run.do(
        DepositUnits(participant_id=C, instrument_id=NAME, quantity_units=Units(10), reference="c")
    )

    # The first day: C delivers the 10 units it has; B holds D-1, C lacks 200 yen for D-3.
    told = run.stages()
    assert [(e.quantity_units, e.amount_yen) for e in of(told, DeliveryFilled)] == [(10, 100)]
    assert run.states(ONE, TWO, THREE) == ["failing"] * 3
    assert run.market.core.risk.accounts[B].owed_yen == 500, "200 of D-1 and 300 left of D-2"
    charges = of(run.night(), FailCharged)
    assert [(e.delivery_id, e.payer, e.payee, e.amount_yen, e.paid) for e in charges] == [
        (ONE, B, A, 20, True), (TWO, C, B, 30, True), (THREE, C, A, 20, True),
    ]  # fmt: skip

    # The second: B releases, D-1 is delivered; C's last 50 yen go into penalties, then it has none.
    run.do(SetDeliveryHold(delivery_id=ONE, side=Side.BUY, held=False))
    run.stages()
    assert run.states(ONE, TWO, THREE) == ["finished", "failing", "failing"]
    assert [e.paid for e in of(run.night(), FailCharged)] == [True, True]
    run.market.replay()
    for _ in range(2):
        run.stages()
        assert [e.paid for e in of(run.night(), FailCharged)] == [False, False]

    # The fifth, four days late: 30 units are bought from A at 11 yen; B pays 300, C the other 30.
    run.stages()
    buy_in = BuyIn(delivery_id=TWO, supplier=A, price_sen=Sen(1_100), reason="four days late")
    (refused,) = run.do(buy_in)
    assert isinstance(refused, CommandRefused)
    assert refused.reason is RejectReason.INSUFFICIENT_CASH
    run.do(DepositYen(participant_id=C, amount_yen=Yen(1_000), reference="late"))
    told = run.do(buy_in)
    assert [(e.quantity_units, e.amount_yen) for e in of(told, BoughtIn)] == [(30, 300)]
    assert run.states(TWO) == ["canceled"]

    # D-1 is reversed by consent; that night C pays what it owed before, oldest first.
    run.do(ReverseDelivery(delivery_id=ONE, side=Side.BUY, reason="wrong account"))
    told = run.do(ReverseDelivery(delivery_id=ONE, side=Side.SELL, reason="wrong account"))
    assert [(e.delivery_id, e.reverses) for e in of(told, DeliveryCreated)] == [(FOUR, ONE)]
    told = run.night()
    assert [e.amount_yen for e in of(told, FailChargePaid)] == [30, 20, 30, 20]
    assert [e.amount_yen for e in of(told, FailCharged)] == [20]

    run.stages()
    assert run.states(ONE, THREE, FOUR) == ["finished"] * 3
    run.night()
    # C put in 1,000 yen and 10 units, and had 100 yen of its part: less 200 for D-3, 30 for the
    # buy-in, and penalties of 4 x 30 and 5 x 20.
    assert run.owned() == {
        "A": (2_500 + 20 + 5 * 20 + 200 + 330, 100 - 20 - 30),
        "B": (2_500 - 20 - 100 + 4 * 30 - 300, 100 + 10 + 30),
        "C": (1_000 + 100 - 200 - 30 - 4 * 30 - 5 * 20, 20),
    }
    assert run.market.core.open_deliveries() == 0
    assert run.market.auditor.verdict() == []
    run.market.replay()


@pytest.mark.parametrize("mode", MODES)
def test_what_is_owed_goes_down_part_by_part(mode: str) -> None:
    """38 units at 9.90 yen cost 376; 15, 12 and 11 of them 148, 118 and the 110 that are left."""
    run = Run(mode, partial_settlement=True)
    for side, firm in ((Side.BUY, A), (Side.SELL, C)):
        assert ask(run.market, firm, side, 38, price_sen=Sen(990)) == "accepted"
    cross(run.market)
    accounts = run.market.core.risk.accounts
    for units, owed_units, owed_yen in ((15, 23, 228), (12, 11, 110), (11, 0, 0)):
        run.do(
            DepositUnits(
                participant_id=C,
                instrument_id=NAME,
                quantity_units=Units(units),
                reference=f"c{units}",
            )
        )
        run.stages()
        assert accounts[A].owed_yen == owed_yen
        position = accounts[C].positions[NAME]
        assert (position.owed_units, position.owned_units) == (owed_units, 0)
        run.night()
    assert run.owned()["A"] == (2_500 - 376, 138)
    run.market.replay()


@pytest.mark.parametrize("mode", MODES)
def test_affirmation_and_consent_reach_a_venue(mode: str) -> None:
    """One delivery is affirmed and settles; the other is withdrawn by the side that never affirmed."""
    run = Run(mode, affirmation=True)
    for _ in range(2):
        for side, firm in ((Side.BUY, B), (Side.SELL, A)):
            assert ask(run.market, firm, side, 20) == "accepted"
    cross(run.market)
    for side in Side:
        run.do(AffirmDelivery(delivery_id=ONE, side=side))
    run.stages()
    assert run.states(ONE, TWO) == ["finished", "failing"]
    run.do(ConsentToCancel(delivery_id=TWO, side=Side.BUY))
    assert run.states(TWO) == ["canceled"]
    assert run.market.core.risk.accounts[B].owed_yen == 0
    run.night()
    run.market.replay()


def test_a_supplier_gives_only_what_it_has_not_promised() -> None:
    """A has 80 units and orders to sell 60 of them: 30 more are promised elsewhere."""
    run = traded("gross_atomic")
    for _ in range(4):
        run.stages()
        run.night()
    run.stages()
    run.do(DepositYen(participant_id=C, amount_yen=Yen(1_000), reference="late"))
    phase(run.market, Phase.PRE_OPEN)
    for _ in range(2):
        assert ask(run.market, A, Side.SELL, 30) == "accepted"
    (refused,) = run.do(BuyIn(delivery_id=TWO, supplier=A, price_sen=Sen(1_000)))
    assert isinstance(refused, CommandRefused)
    assert refused.reason is RejectReason.INSUFFICIENT_HOLDING


def test_random_days_under_every_rule_of_life_keep_every_promise() -> None:
    """Orders, deposits and the operator's acts as they come; every kind of end comes up in 12 seeds."""
    seen: set[str] = set()
    for seed in range(12):
        market = _random_week(seed)
        seen |= {type(event).__name__ for event in market.events}
        market.core.conservation()
        market.replay()
    assert {
        "DeliveryFilled", "FailCharged", "BuyInStarted", "BoughtIn", "ReversalAsked",
         "CancelConsented", "DeliveryAffirmed", "DeliveryHoldSet", "DeliveryPartsSet",
        "DeliveryActTaken",
    } <= seen  # fmt: skip


def _random_week(seed: int) -> WatchedMarket:
    """Seven days under rules the seed draws."""
    draw = Random(seed)
    chosen = {
        "settlement_mode": MODES[seed % 2],
        "settlement_days": seed % 3,
        "affirmation": seed % 4 == 3,
        "partial_settlement": True,
        "partial_threshold_units": draw.choice((0, 4)),
        "partial_unit_lot": draw.choice((1, 1, 5)),
        "fail_penalty_ppm_a_day": draw.choice((0, 500, 200_000)),
        "fail_buy_in_days": 1,
        "fail_compensation_days": draw.choice((0, 2)),
        "fail_purge_days": draw.choice((0, 3)),
        "fail_unpaid_charge": draw.choice(("carry", "waive")),
    }
    pairs = tuple((name, json.dumps(value)) for name, value in chosen.items())
    chance = Chance(WatchedMarket(OpenVenue(run_id="life", preset="start", chosen=pairs)))
    chance.open()
    while chance.days_opened < 7 or chance.plan:
        step = chance.next_step()
        lively = isinstance(step, ChangePhase) and step.phase in LIVELY
        for _ in range(draw.randint(0, 10 if lively else 2)):
            chance.random_act(draw)
        for _ in range(draw.randint(0, 2)):
            chance.market.do(_life_act(chance, draw))
    return chance.market


def _life_act(chance: Chance, draw: Random) -> Command:
    """One act on a delivery, mostly one there is."""
    deliveries = list(chance.market.auditor.states)[-12:]
    delivery_id = DeliveryId(draw.choice((*deliveries, 10**6)))
    late = [
        name
        for name, state in chance.market.auditor.states.items()
        if state in ("failing", "created")
    ]
    side = draw.choice(tuple(Side))
    acts: tuple[Command, ...] = (
        SetDeliveryHold(delivery_id=delivery_id, side=side, held=draw.random() < 0.3),
        SetDeliveryParts(delivery_id=delivery_id, side=side, allowed=draw.random() < 0.7),
        AffirmDelivery(delivery_id=delivery_id, side=side),
        AffirmDelivery(delivery_id=DeliveryId(draw.choice((*late, 1))), side=side),
        ConsentToCancel(delivery_id=delivery_id, side=side),
        ReverseDelivery(
            delivery_id=delivery_id, side=side, reason="", legal_order=draw.random() < 0.2
        ),
        BuyIn(
            delivery_id=DeliveryId(draw.choice((*late, 1))),
            supplier=draw.choice((None, *FIRMS)),
            price_sen=draw.choice((None, None, Sen(900), Sen(1_200))),
        ),
    )
    act = draw.choice(acts)
    return act if isinstance(act, BuyIn) or draw.random() < 0.5 else _by_firm(chance, draw, act)


def _by_firm(chance: Chance, draw: Random, act: Any) -> ActOnDelivery:
    """The same from a session, mostly of the firm whose side it is; its generation may be old."""
    core = chance.market.core
    delivery = core.settlement.deliveries.get(act.delivery_id)
    firm = draw.choice(FIRMS)
    if delivery is not None and draw.random() < 0.9:
        firm = delivery.terms.buyer if act.side is Side.BUY else delivery.terms.seller
    session_id = session_of(firm)
    return ActOnDelivery(
        participant_id=firm,
        session_id=session_id,
        generation=core.participants.sessions[session_id].generation,
        req_id="w",
        client_request_id=ClientOrderId(f"w-{len(chance.market.entries)}"),
        act=act,
    )


def test_the_timeline_tells_what_a_fail_costs_and_how_it_ends() -> None:
    """A line for each charge, the buy-in and the reversal."""
    run, timeline = traded("gross_atomic"), Timeline()
    run.do(
        DepositUnits(participant_id=C, instrument_id=NAME, quantity_units=Units(10), reference="c")
    )
    for _ in range(4):
        run.stages()
        run.night()
    run.stages()
    run.do(DepositYen(participant_id=C, amount_yen=Yen(1_000), reference="late"))
    run.do(BuyIn(delivery_id=TWO, supplier=A, price_sen=Sen(1_100)))
    run.do(ReverseDelivery(delivery_id=ONE, side=Side.BUY, reason="court", legal_order=True))
    lines = _lines(run.market, timeline)
    assert any("penalty: FIRM-C to FIRM-A 20 yen, unpaid" in line for line in lines)
    assert any("buy in difference: FIRM-C to FIRM-A 30 yen" in line for line in lines)
    assert any("D-2  30 units from FIRM-A at 11 yen" in line for line in lines)
    assert any("D-4 against D-1" in line for line in lines)
    assert timeline.totals["parts"] == 1


def _lines(market: WatchedMarket, timeline: Timeline) -> list[str]:
    """The whole run as people read it; the events are those of all steps."""
    return timeline.lines(market.entries[-1], market.events)


@pytest.mark.parametrize("mode", MODES)
def test_both_firms_hear_of_it_and_nobody_else(mode: str) -> None:
    """Hold, part, charge and reversal reach every session of buyer and seller, and no third firm's."""
    run = Run(mode, partial_settlement=True, fail_penalty_ppm_a_day=100_000)
    for side, firm in ((Side.BUY, B), (Side.SELL, A)):
        assert ask(run.market, firm, side, 20) == "accepted"
    cross(run.market)
    run.do(SetDeliveryHold(delivery_id=ONE, side=Side.BUY, held=True, reason="check"))
    run.stages()
    run.night()
    run.do(SetDeliveryHold(delivery_id=ONE, side=Side.BUY, held=False))
    for allowed in (False, True):
        run.do(SetDeliveryParts(delivery_id=ONE, side=Side.SELL, allowed=allowed))
    run.stages()
    run.do(ReverseDelivery(delivery_id=ONE, side=Side.SELL, reason="court", legal_order=True))
    heard = [
        (session, report["data"]["side"], report["data"]["what"], report["data"].get("amount_yen"))
        for session, _, payload in run.market.reports
        for report in [json.loads(payload)]
        if report.get("type") == "delivery"
    ]
    sessions = {A: ("FIRM-A-1", "FIRM-A-2"), B: ("FIRM-B-1", "FIRM-B-2")}
    assert heard == [
        (session, words[firm], what, yen)
        for what, yen, firms, words in (
            ("hold", None, (B, A), {B: "buy", A: "sell"}),
            ("penalty", 20, (B, A), {B: "payer", A: "payee"}),
            ("release", None, (B, A), {B: "buy", A: "sell"}),
            ("parts_declined", None, (B, A), {B: "buy", A: "sell"}),
            ("parts_agreed", None, (B, A), {B: "buy", A: "sell"}),
            ("reversal_asked", None, (B, A), {B: "buy", A: "sell"}),
            ("reversal", 200, (A, B), {A: "buy", B: "sell"}),
        )
        for firm in firms
        for session in sessions[firm]
    ]
