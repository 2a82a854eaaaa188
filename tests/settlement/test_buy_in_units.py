"""Buy-ins of a trial: whose units, at what price, who pays, and when it is money instead."""

from collections import Counter
from datetime import date
from random import Random

import pytest

from market.business_days import at_jst
from market.errors import InvariantBroken
from settlement.designs.states import ObligationState
from settlement.trials.records import (
    YEN,
    BoughtIn,
    Case,
    LogRecord,
    Obliged,
    Opened,
    Said,
    StateChanged,
    Strike,
    TrialTrade,
    UnitsBought,
)
from settlement.trials.trial import DESIGNS, run_trial
from settlement.trials.watch import Watch
from venue.comparison.auditor import Auditor
from venue.comparison.faultplans import FAMILIES, Strikes
from venue.comparison.metrics import METRICS
from venue.comparison.reading import plain, read_log

DAY = date(2026, 11, 24)
NOON = at_jst(DAY, 12 * 3_600)
SECOND = 1_000_000_000
MINUTE = 60 * SECOND
BUYS = sorted(name for name in DESIGNS if not name.startswith("D") and name != "B4-unsafe")
GONE = Strike("F15", "before_lock", "D", "seller", 0, 1)
"""D, the first seller of the chain, is gone before anything is given."""


def trade(number: int, seller: str, buyer: str, units: int, yen: int) -> TrialTrade:
    """A trade at noon and a second later for each number."""
    when = NOON + number * SECOND
    return TrialTrade(str(number), when, DAY, "KH01", seller, buyer, units, yen)


CHAIN = (trade(1, "D", "A", 10, 1_000), trade(2, "A", "B", 10, 1_010))
SPARE = (trade(3, "E", "F", 12, 1_200), trade(4, "F", "E", 12, 1_200))
"""E ends with twelve units that it owes nobody."""


def run(design: str, price_sen: int, *more: TrialTrade, strikes: tuple[Strike, ...] = (GONE,), funds: int = 100) -> list[LogRecord]:  # fmt: skip
    """The chain and other trades, with one price from noon on."""
    prices = ((NOON, "KH01", price_sen),)
    log = run_trial(Case(design, 0, funds, (*CHAIN, *more), strikes, 1, prices=prices))
    assert Auditor().read(plain(log)) == []
    return log


def bought(log: list[LogRecord]) -> dict[str, tuple[str, int, int, int]]:
    """Supplier, units, the buyer's yen and the failer's, by obligation."""
    return {
        one.deal: (one.supplier, one.units, one.buyer_yen, one.seller_yen)
        for one in log
        if isinstance(one, UnitsBought)
    }


def paid(log: list[LogRecord]) -> dict[str, tuple[str, str, int]]:
    """Payer, taker and yen of compensations by obligation."""
    return {one.deal: (one.payer, one.taker, one.yen) for one in log if isinstance(one, BoughtIn)}


def held(log: list[LogRecord]) -> Counter[tuple[str, str]]:
    """What each account has at the end."""
    return Counter({(one.owner, one.asset): one.amount for one in log if isinstance(one, Said)})


@pytest.mark.parametrize("design", BUYS)
@pytest.mark.parametrize(("price_sen", "shares"), [(11_000, (1_010, 90)), (10_100, (1_010, 0))])
def test_a_third_partys_units_reach_the_buyer_and_the_failer_pays_what_is_above(
    design: str, price_sen: int, shares: tuple[int, int]
) -> None:
    """Ten units agreed at 1,010, at 110 and 101 yen each: E delivers to B, and A, who failed B, pays the rise."""
    log = run(design, price_sen, *SPARE)
    before = Counter({(o.owner, o.asset): o.amount for o in log if isinstance(o, Opened)})
    after = held(log)
    ends = {one.deal: one.state for one in log if isinstance(one, StateChanged)}

    assert bought(log) == {"2": ("E", 10, *shares)}
    assert ends["2"] is ObligationState.CLOSED_COMP
    assert set(paid(log)) == {"1"}
    assert after["B", "KH01"] == before["B", "KH01"] + 10
    assert after["E", "KH01"] == before["E", "KH01"] - 10
    assert after["E", YEN] == before["E", YEN] + sum(shares)
    assert after["B", YEN] == before["B", YEN] - shares[0]
    assert after["A", YEN] == before["A", YEN] - shares[1]


@pytest.mark.parametrize("design", BUYS)
def test_a_buy_in_lets_the_next_one_in_the_chain_deliver(design: str) -> None:
    """At 90 yen A gets its ten units in the morning for 900 of its 1,000, and delivers them to B itself."""
    log = run(design, 9_000, *SPARE)
    ends = {one.deal: one.state for one in log if isinstance(one, StateChanged)}

    assert bought(log) == {"1": ("E", 10, 900, 0)}
    assert paid(log) == {}
    assert ends["1"] is ObligationState.CLOSED_COMP
    assert ends["2"] is ObligationState.SETTLED


@pytest.mark.parametrize("design", BUYS)
def test_what_nobody_sells_is_paid_for_in_money(design: str) -> None:
    """The same chain without E: both fails end in cash, the units stay where they are."""
    log = run(design, 11_000)

    assert bought(log) == {}
    assert paid(log) == {"1": ("D", "A", 100), "2": ("A", "B", 90)}


def test_all_or_nothing_is_bought() -> None:
    """Nine units to spare buy no ten."""
    spare = (trade(3, "E", "F", 9, 900), trade(4, "F", "E", 9, 900))

    assert bought(run("A", 11_000, *spare)) == {}


def test_units_that_are_owed_to_others_are_not_for_sale() -> None:
    """E has twelve, and owes them to G, whose yen come too late for its cut-off: E sells nothing."""
    owed = trade(5, "E", "G", 12, 1_200)
    late = Strike("F14", "insufficient", "5", "buyer", 0, 30 * 24 * 60 * MINUTE)
    log = run("A", 11_000, owed, strikes=(GONE, late))

    assert bought(log) == {}
    assert paid(log)["2"] == ("A", "B", 90)


def test_who_has_most_to_spare_sells_and_the_first_name_among_equals() -> None:
    """Twelve of E against thirteen of H; twelve against twelve."""
    for units, supplier in ((13, "H"), (12, "E")):
        more = (trade(5, "H", "I", units, 100 * units), trade(6, "I", "H", units, 100 * units))

        assert bought(run("A", 9_000, *SPARE, *more))["1"][0] == supplier


@pytest.mark.parametrize(
    "strike",
    [
        Strike("F11", "after_match", "E", "seller", 0, 30 * 24 * 60 * MINUTE),
        Strike("F11", "after_match", "B", "buyer", 0, 30 * 24 * 60 * MINUTE),
        Strike("F9", "frozen", "KH01", "seller", 2 * 60 * MINUTE, 30 * 24 * 60 * MINUTE),
        Strike("F16", "mid_flight", "mid_flight", "seller", 2 * 60 * MINUTE, 30 * 24 * 60 * MINUTE),
        Strike("F31", "apart", "trust", "seller", 2 * 60 * MINUTE, 1),
    ],
    ids=["supplier frozen", "buyer frozen", "issue", "station", "money"],
)
def test_nothing_is_bought_in_through_a_stop(strike: Strike) -> None:
    """A buy-in moves units and yen as any settlement does, so whatever stops one stops it."""
    log = run("A", 11_000, *SPARE, strikes=(GONE, strike))

    assert "2" not in bought(log)
    assert "2" in paid(log)


def test_who_is_gone_pays_no_difference_and_none_is_needed_when_the_price_fell() -> None:
    """D failed A: above the price D would have to pay, below it A pays the market alone."""
    assert "1" not in bought(run("A", 11_000, *SPARE))
    assert bought(run("A", 9_000, *SPARE))["1"] == ("E", 10, 900, 0)


def test_a_fail_of_the_buyer_buys_nothing() -> None:
    """For lack of yen nobody buys units: the seller has them."""
    short = Strike("F14", "insufficient", "2", "buyer", 0, 30 * 24 * 60 * MINUTE)
    log = run("A", 9_000, *SPARE, strikes=(short,))

    assert bought(log) == {}
    assert paid(log)["2"] == ("B", "A", 110)


def test_who_was_out_fails_although_it_has_the_units() -> None:
    """D is gone with its units: the penalties of the first obligation are D's, not the buyer's."""
    log = run("A", 11_000)

    assert paid(log)["1"][0] == "D"


@pytest.mark.parametrize("design", ["D-token", "D-cash"])
def test_where_yen_move_in_files_a_fail_ends_in_money(design: str) -> None:
    """At the cut-off the bank's last file is gone."""
    assert bought(run(design, 11_000, *SPARE)) == {}
    by_file = run_trial(Case("B2", 1, 100, (*CHAIN, *SPARE), (GONE,), 1, by_file=True))
    assert bought(by_file) == {}


@pytest.mark.parametrize("design", BUYS)
def test_weeks_by_chance_conserve_everything(design: str) -> None:
    """Forty random days a design under random faults: the auditor and the watch agree with every buy-in."""
    seen = 0
    for seed in range(40):
        chance = Random(f"{design} {seed}")
        trades = []
        for number in range(14):
            seller, buyer = chance.sample("ABCDE", 2)
            units = chance.randint(1, 12)
            trades.append(trade(number, seller, buyer, units, units * chance.randint(95, 105)))
        strikes = [Strike("F15", "before_lock", chance.choice("ABC"), "seller", chance.randrange(4) * SECOND, 1)]  # fmt: skip
        for family in chance.sample(FAMILIES[:30], 3):
            target = chance.choice(family.kinds)
            if family.strikes is Strikes.DEAL:
                target = str(chance.randrange(14))
            elif family.strikes is Strikes.FIRM:
                target = chance.choice("ABCDE")
            elif family.key in {"F9", "F19", "F24"}:
                target = "KH01"
            strikes.append(Strike(family.key, chance.choice(family.kinds), target, "seller", chance.randrange(9_000) * SECOND, 90 * MINUTE))  # fmt: skip
        prices = tuple((NOON + n * 60 * MINUTE, "KH01", chance.randint(9_000, 11_000)) for n in range(4))  # fmt: skip
        funds = chance.choice((50, 100))
        log = run_trial(Case(design, 0, funds, tuple(trades), tuple(strikes), seed, prices=prices))
        assert Auditor().read(plain(log)) == []
        seen += len(bought(log))

    assert seen


def test_a_planted_buy_in_that_lies_is_found() -> None:
    """By the watch as it is written, and by the auditor from the log: supplier, units, and each share."""
    log = run("A", 11_000, *SPARE)
    lies = (
        ("supplier", "A", "I24"), ("units", 9, "I9"), ("buyer_yen", 1_011, "I24"),
        ("buyer_yen", 1_009, "I21"),
    )  # fmt: skip
    for name, value, broken in lies:
        said = plain(log)
        place = next(n for n, one in enumerate(said) if one["is"] == "UnitsBought")
        said[place][name] = value
        assert Auditor().read(said) != []
        record = log[place]
        assert isinstance(record, UnitsBought)
        changed = UnitsBought(**{**{f: getattr(record, f) for f in record.__struct_fields__}, name: value})  # fmt: skip
        watch = Watch()
        for one in log[:place]:
            watch.see(one)
        with pytest.raises(InvariantBroken, match=broken):
            watch.see(changed)


def test_the_figures_tell_units_from_money() -> None:
    """Two fails, one of them bought in units; the failer's 90 yen and the compensation's 100 are its cost."""
    log = run("A", 11_000, *SPARE)
    facts = read_log(log)
    metric = {one.name: one for one in METRICS}

    assert sum("buy_in" in deal.cured_by for deal in facts.deals.values()) == 2
    assert sum("bought" in deal.cured_by for deal in facts.deals.values()) == 1
    assert facts.bought_in == {"A": 90, "D": 100}
    assert "bought_in_units" in metric
    assert sum(isinstance(one, Obliged) for one in log) == 4
