"""Around a settlement: matching, holds, parts, fails, corrections, record dates."""

import random
from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from market.business_days import next_business_day
from market.errors import InvariantBroken
from settlement.designs.states import LegState, ObligationState
from settlement.lifecycle.corrections import Corrections, Refusal, Settled
from settlement.lifecycle.fails import (
    FailRule,
    Next,
    buy_in,
    days_late,
    net_of,
    next_step,
    penalty,
    penalty_yen_rounded_down,
)
from settlement.lifecycle.matching import (
    UNMATCHED_DAYS_MAX,
    Answer,
    Instruction,
    MatchingDesk,
    Side,
)
from settlement.lifecycle.partials import (
    Fill,
    PartialRule,
    check_fills,
    fill_yen_rounded_down,
    plan_fill,
)
from settlement.lifecycle.record_dates import (
    InFlight,
    Locked,
    MarketClaims,
    distribute,
    owners_in_law,
    transform_at_redemption,
)

DAY = date(2026, 11, 26)
S = ObligationState
DELIVER = Instruction("d1", Side.DELIVER, "s", "b", "KH01", 10, 1_000, DAY)
RECEIVE = Instruction("r1", Side.RECEIVE, "b", "s", "KH01", 10, 1_000, DAY)


# --- matching


def test_one_side_is_alleged_and_the_other_matches_it() -> None:
    """The first is told to the other side, the second makes the pair, at the seller's amount."""
    desk = MatchingDesk(tolerance_yen=2)

    assert desk.submit(DELIVER, DAY) is Answer.ALLEGED
    assert desk.submit(RECEIVE._replace(yen=1_002), DAY) is Answer.MATCHED
    assert desk.pairs["r1"] is desk.pairs["d1"]
    assert (desk.pairs["d1"].yen, desk.pairs["d1"].state) == (1_000, S.MATCHED)
    assert not desk.alleged


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("units", 11), ("yen", 1_003), ("issue", "KH02"), ("settlement_date", DAY + timedelta(1)),
        ("counterparty", "x"), ("party", "x"), ("side", Side.DELIVER), ("client_ref", "other"),
    ],
)  # fmt: skip
def test_what_differs_in_a_mandatory_field_does_not_match(field: str, value: object) -> None:
    """Each mandatory field alone, yen just above the tolerance, two references that differ."""
    desk = MatchingDesk(tolerance_yen=2)
    desk.submit(DELIVER._replace(client_ref="mine"), DAY)

    assert desk.submit(RECEIVE._replace(**{field: value}), DAY) is Answer.ALLEGED
    assert not desk.pairs
    assert len(desk.alleged) == 2


def test_the_oldest_equal_instruction_is_matched_first() -> None:
    """First in, first matched."""
    desk = MatchingDesk()
    desk.submit(DELIVER, DAY)
    desk.submit(DELIVER._replace(instruction_id="d2"), DAY)
    desk.submit(RECEIVE, DAY)

    assert list(desk.alleged) == ["d2"]


@pytest.mark.parametrize(
    ("bad", "code"),
    [
        (DELIVER._replace(units=0), Answer.BAD_AMOUNT),
        (DELIVER._replace(yen=-1), Answer.BAD_AMOUNT),
        (DELIVER._replace(counterparty="s"), Answer.SELF_DEAL),
    ],
)
def test_a_bad_instruction_has_one_code_and_leaves_no_trace(bad: Instruction, code: Answer) -> None:
    """Nothing is kept, and the id is not burnt by a refusal."""
    desk = MatchingDesk()

    assert desk.submit(bad, DAY) is code
    assert not desk.alleged
    assert desk.submit(DELIVER, DAY) is Answer.ALLEGED


def test_an_id_is_used_once_and_a_repeat_has_the_same_answer() -> None:
    """I10, also after the instruction ended."""
    desk = MatchingDesk()
    desk.submit(DELIVER, DAY)

    assert desk.submit(DELIVER, DAY) is Answer.ALLEGED
    assert desk.submit(DELIVER._replace(units=9), DAY) is Answer.ID_CONFLICT
    assert desk.cancel("d1") is Answer.DONE
    assert desk.submit(DELIVER, DAY) is Answer.ALLEGED
    assert not desk.alleged, "the repeat of a withdrawn instruction does not revive it"
    assert desk.cancel("d1") is Answer.ENDED


def test_a_matched_pair_is_cancelled_by_both_and_once() -> None:
    """One consent is not enough, the same one twice neither; afterwards it is over."""
    desk = MatchingDesk()
    desk.submit(DELIVER, DAY)
    desk.submit(RECEIVE, DAY)

    assert desk.cancel("d1") is Answer.CONSENT_NEEDED
    assert desk.cancel("d1") is Answer.CONSENT_NEEDED
    assert desk.pairs["d1"].state is S.MATCHED
    assert desk.cancel("r1") is Answer.DONE
    assert desk.pairs["d1"].state is S.CANCELLED
    assert desk.cancel("d1") is Answer.ENDED
    assert desk.set_hold("d1", hold=True) is Answer.ENDED
    assert desk.cancel("x") is Answer.UNKNOWN
    assert desk.set_hold("x", hold=True) is Answer.UNKNOWN


def test_a_hold_of_either_side_holds_and_only_its_own_release_lifts_it() -> None:
    """Held by the seller from the start and by the buyer later: both must release."""
    desk = MatchingDesk()
    desk.submit(DELIVER._replace(hold=True), DAY)
    desk.submit(RECEIVE, DAY)
    pair = desk.pairs["d1"]

    assert pair.state is S.HELD
    desk.set_hold("r1", hold=True)
    desk.set_hold("d1", hold=False)
    assert pair.state is S.HELD
    desk.set_hold("r1", hold=False)
    assert pair.state is S.MATCHED


def test_what_nobody_answers_expires_after_twenty_business_days() -> None:
    """On the last day it still matches; on the next business day it is gone."""
    desk = MatchingDesk()
    desk.submit(DELIVER, DAY)
    last = DAY
    for _ in range(UNMATCHED_DAYS_MAX):
        last = next_business_day(last)

    assert desk.expire(last) == []
    assert desk.expire(next_business_day(last)) == [DELIVER]
    assert desk.submit(RECEIVE, last) is Answer.ALLEGED


# --- parts


def test_the_worked_split_pays_to_the_yen() -> None:
    """10,000,001 yen for 1,000 units in 400, 350 and 250: 4,000,000 + 3,500,000 + 2,500,001."""
    units, yen, fills = 1_000, 10_000_001, []
    for part in (400, 350, 250):
        fills.append(Fill(part, fill_yen_rounded_down(yen, part, units)))
        units, yen = units - part, yen - fills[-1].yen

    assert [fill.yen for fill in fills] == [4_000_000, 3_500_000, 2_500_001]
    check_fills(1_000, 10_000_001, fills)


@given(st.integers(0, 10**12), st.lists(st.integers(1, 10**6), min_size=1, max_size=8))
def test_any_split_sums_exactly(yen: int, parts: list[int]) -> None:
    """I9: complete fills pay everything, each its share to within a yen."""
    units, left_units, left_yen, fills = sum(parts), sum(parts), yen, []
    for part in parts:
        fills.append(Fill(part, fill_yen_rounded_down(left_yen, part, left_units)))
        left_units, left_yen = left_units - part, left_yen - fills[-1].yen

    check_fills(units, yen, fills)


@pytest.mark.parametrize(
    "fills",
    [[Fill(11, 1_000)], [Fill(5, 1_001)], [Fill(10, 999)], [Fill(5, 502), Fill(5, 498)]],
)
def test_wrong_fills_are_found(fills: list[Fill]) -> None:
    """Too many units, too many yen, a yen missing at the end, a share off by two."""
    with pytest.raises(InvariantBroken, match="I9"):
        check_fills(10, 1_000, fills)


@pytest.mark.parametrize(
    ("change", "fill"),
    [
        ({}, Fill(6, 600)),
        ({"both_allow": False}, None),
        ({"links_allow": False}, None),
        ({"second_of_day": 35_999}, None),
        ({"second_of_day": 36_000}, Fill(6, 600)),
        ({"second_of_day": 54_000}, None),
        ({"available_units": 10}, None),
        ({"available_units": 4}, Fill(4, 400)),
        ({"available_units": 3}, None),
        ({"available_units": 0}, None),
    ],
)
def test_a_part_settles_only_where_the_rule_lets_it(
    change: dict[str, int], fill: Fill | None
) -> None:
    """Both sides, links, the window's ends, a lot of two, four units or more, nothing when whole."""
    rule = PartialRule(unit_lot=2, threshold_units=4, from_s=36_000, until_s=54_000)
    asked = {
        "open_units": 10, "open_yen": 1_000, "available_units": 7, "second_of_day": 40_000,
        "both_allow": True,
    } | change  # fmt: skip

    assert plan_fill(rule, **asked) == fill


def test_a_threshold_is_by_units_or_by_value() -> None:
    """Three units are too few, but worth enough."""
    rule = PartialRule(threshold_units=4, threshold_yen=300)
    asked = {"open_units": 10, "open_yen": 1_000, "second_of_day": 0, "both_allow": True}

    assert plan_fill(rule, available_units=3, **asked) == Fill(3, 300)
    assert plan_fill(rule, available_units=2, **asked) is None


# --- fails


def test_the_worked_penalty() -> None:
    """10,000,000 yen at one basis point for three days is 3,000 yen."""
    assert 3 * penalty_yen_rounded_down(FailRule(), 10_000, 1_000) == 3_000


def test_a_fail_ages_by_business_days() -> None:
    """A weekend does not count: Thursday to Monday is two business days."""
    assert [days_late(DAY, DAY + timedelta(n)) for n in range(6)] == [0, 1, 1, 1, 2, 3]


def test_a_fail_is_recycled_bought_in_once_and_purged() -> None:
    """Below, at and above each limit."""
    rule = FailRule()
    steps = {0: Next.WAIT, 1: Next.RECYCLE, 3: Next.RECYCLE, 4: Next.BUY_IN, 60: Next.BUY_IN,
             61: Next.PURGE}  # fmt: skip

    assert {late: next_step(rule, late) for late in steps} == steps
    assert next_step(rule, 5, bought_in=True) is Next.RECYCLE
    assert next_step(rule._replace(buy_in_days=0), 5) is Next.RECYCLE


@pytest.mark.parametrize(
    ("bought", "price", "charged", "compensated"),
    [(10, 110, 100, False), (10, 90, 0, False), (9, 110, 100, True), (0, 100, 0, True)],
)
def test_a_buy_in_costs_the_failer_what_the_market_rose(
    bought: int, price: int, charged: int, *, compensated: bool
) -> None:
    """All units or compensation; a fail never earns the failer anything; zero-sum (I21)."""
    ending = buy_in(seller="s", buyer="b", units=10, open_yen=1_000, bought_units=bought,
                    price_yen=price)  # fmt: skip

    assert ending.compensated is compensated
    assert ending.units == (0 if compensated else 10)
    assert sum(charge.yen for charge in ending.charges) == charged
    assert sum(net_of(list(ending.charges)).values()) == 0


def test_nobody_pays_a_penalty_to_himself() -> None:
    """And nothing is charged where rounding leaves nothing."""
    assert penalty(FailRule(), "s", "s", 10_000, 1_000) is None
    assert penalty(FailRule(), "s", "b", 9_999, 1) is None
    charge = penalty(FailRule(), "s", "b", 10_000, 1)
    assert charge is not None
    assert net_of([charge]) == {"s": -1, "b": 1}


# --- corrections


def corrections() -> Corrections:
    """S sold to B, which sold on to C; and something that is still open."""
    book = Corrections()
    book.record(Settled("1", "s", "b", "KH01", 10, 1_000))
    book.record(Settled("2", "b", "c", "KH01", 10, 1_010))
    book.record(Settled("3", "x", "y", "KH01", 5, 500, S.QUEUED))
    return book


def test_a_reversal_is_a_new_obligation_against_the_old() -> None:
    """Parties swapped, same units and yen, settled by itself; the old one stays settled."""
    book = corrections()
    new = book.reverse("4", "2", consents=("b", "c"))

    assert new == Settled("4", "c", "b", "KH01", 10, 1_010, S.MATCHED, "2")
    assert not book.is_reversed("2")
    book.settle("4")
    assert book.is_reversed("2")
    with pytest.raises(InvariantBroken, match="I8"):
        book.settle("4")


@pytest.mark.parametrize(
    ("new_id", "target", "consents", "code"),
    [
        ("1", "9", (), Refusal.ID_USED),
        ("4", "9", (), Refusal.UNKNOWN),
        ("4", "3", (), Refusal.NOT_SETTLED),
        ("4", "1", ("s", "b"), Refusal.NOT_NEWEST),
        ("4", "2", ("b",), Refusal.NO_CONSENT),
    ],
)
def test_a_refused_reversal_leaves_no_trace(
    new_id: str, target: str, consents: tuple[str, ...], code: Refusal
) -> None:
    """One code each, in checking order; the id is free afterwards."""
    book = corrections()

    assert book.reverse(new_id, target, consents=consents) is code
    assert not book.reversed_by


def test_a_reversal_is_neither_doubled_nor_reversed() -> None:
    """A second one is refused while the first is pending or settled; one that failed may be tried anew."""
    book = corrections()
    book.reverse("4", "2", consents=(), legal_order=True)

    assert book.reverse("5", "2", consents=("b", "c")) is Refusal.ALREADY_REVERSED
    book.drop("4")
    assert isinstance(book.reverse("5", "2", consents=("b", "c")), Settled)
    book.settle("5")
    assert book.reverse("6", "2", consents=("b", "c")) is Refusal.ALREADY_REVERSED
    assert book.reverse("6", "5", consents=("b", "c")) is Refusal.IS_REVERSAL


# --- record dates


def in_flight(**change: object) -> InFlight:
    """Sold with the right, locked at the close."""
    base = InFlight("1", "s", "b", 10, DAY, S.LOCKED_1, LegState.LOCKED)
    return base._replace(**change)


def test_a_lock_gives_no_ownership() -> None:
    """Units in escrow count for whoever put them there; the register sums to what is issued (I13)."""
    assert owners_in_law({"s": 5, "b": 0}, [Locked("s", 10)], 15) == {"s": 15}
    with pytest.raises(InvariantBroken, match="I13"):
        owners_in_law({"s": 5}, [], 15)


def test_a_distribution_names_what_rounding_leaves() -> None:
    """1,000 yen on three units: 333 each, one yen with the issuer."""
    paid = distribute({"a": 1, "b": 1, "c": 1}, 1_000)

    assert paid.paid_yen == {"a": 333, "b": 333, "c": 333}
    assert paid.undistributed_yen == 1


@pytest.mark.parametrize(
    ("change", "payer"),
    [
        ({}, "s"),
        ({"state": S.FAILING, "token": LegState.RETURNED}, "s"),
        ({"state": S.DECIDED}, "s"),
        ({"state": S.SETTLED, "token": LegState.DELIVERED}, None),
        ({"state": S.SETTLED, "token": LegState.DELIVERED, "ex_right": True}, "b"),
        ({"ex_right": True}, None),
        ({"trade_date": DAY + timedelta(1)}, None),
        ({"state": S.CANCELLED, "token": LegState.RETURNED}, None),
        ({"state": S.ALLEGED, "token": LegState.NONE}, None),
        ({"buyer": "s"}, None),
    ],
)
def test_a_claim_arises_where_right_and_settlement_do_not_meet(
    change: dict[str, object], payer: str | None
) -> None:
    """Cum and undelivered: the seller pays. Ex and delivered: the buyer. Else nobody; and once."""
    claims = MarketClaims(DAY, 3_000, 30)
    claim = claims.claim(in_flight(**change))

    assert (claim and claim.payer) == payer
    if claim is not None:
        assert claim.yen == 1_000
        assert claims.claim(in_flight(**change)) is None


def test_with_claims_everyone_has_what_the_trades_agreed() -> None:
    """Distribution plus claims equals a distribution on what would be owned had everything settled."""
    for seed in range(50):
        chance = random.Random(seed)
        names = ["a", "b", "c", "d"]
        owned = {name: chance.randrange(50, 100) for name in names}
        issued = sum(owned.values())
        truth, flights = dict(owned), []
        for number in range(8):
            seller, buyer = chance.sample(names, 2)
            units = chance.randrange(1, 5)
            delivered = chance.random() < 0.5
            cum = chance.random() < 0.5
            state = S.SETTLED if delivered else S.QUEUED
            leg = LegState.DELIVERED if delivered else LegState.NONE
            flights.append(InFlight(str(number), seller, buyer, units, DAY, state, leg, not cum))
            if delivered:
                owned[seller], owned[buyer] = owned[seller] - units, owned[buyer] + units
            if cum:
                truth[seller], truth[buyer] = truth[seller] - units, truth[buyer] + units
        got = dict(distribute(owned, issued * 7).paid_yen)
        claims = MarketClaims(DAY, issued * 7, issued)
        for flight in flights:
            if (claim := claims.claim(flight)) is not None:
                got[claim.payer] -= claim.yen
                got[claim.payee] += claim.yen

        assert got == {name: units * 7 for name, units in truth.items()}


def test_redemption_turns_an_open_obligation_into_cash() -> None:
    """After its locks came back; a live lock or delivered units are refused."""
    back = in_flight(state=S.FAILING, token=LegState.RETURNED)

    gain = transform_at_redemption(back, 1_000, 105)
    loss = transform_at_redemption(back, 1_000, 95)
    assert gain is not None
    assert loss is not None
    assert (gain.payer, gain.yen) == ("s", 50)
    assert (loss.payer, loss.yen) == ("b", 50)
    assert transform_at_redemption(back, 1_000, 100) is None
    with pytest.raises(InvariantBroken, match="I6"):
        transform_at_redemption(in_flight(), 1_000, 105)
    with pytest.raises(InvariantBroken, match="I8"):
        transform_at_redemption(in_flight(token=LegState.DELIVERED), 1_000, 105)
