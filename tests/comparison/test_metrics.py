"""Each metric on a run small enough to do by hand."""

import pytest

from venue.comparison.designs import BY_KEY, DESIGNS, RISKS
from venue.comparison.facts import CASH, Deal, Delay, Facts, Locked, Loss, Moved, Outage, Outcome
from venue.comparison.flow import PricePoint
from venue.comparison.formulas import NS_PER_HOUR, option_yen
from venue.comparison.metrics import METRICS, Assumed, Figures, Seen, exposures, measure

H = NS_PER_HOUR


def deal(name: str, seller: str, buyer: str, yen: int, **changes: object) -> Deal:
    """One obligation of ten units of X, traded at hour 0 and due at hour 10."""
    made = Deal(name, seller, buyer, "X", 10, yen, 0, 10 * H)
    for field, value in changes.items():
        setattr(made, field, value)
    return made


def figures(facts: Facts, design: str = "A", prices: tuple[PricePoint, ...] = ()) -> Figures:
    """All metrics of a run."""
    facts.end_ns = facts.end_ns or 20 * H
    return measure(Seen(facts, prices, BY_KEY[design].books, Assumed()))


def facts_of(*deals: Deal, **changes: object) -> Facts:
    """A run with these obligations."""
    made = Facts(deals={one.deal_id: one for one in deals})
    for field, value in changes.items():
        setattr(made, field, value)
    return made


def settled(name: str, at_h: int, yen: int = 1_000, **changes: object) -> Deal:
    """An obligation of A to B that is final in one moment."""
    at = at_h * H
    return deal(
        name, "A", "B", yen, outcome=Outcome.SETTLED, ended_ns=at,
        token_done=[(at, 10)], cash_done=[(at, yen)], **changes,
    )  # fmt: skip


def test_both_legs_at_once_expose_nobody() -> None:
    """Atomic settlement has no stretch of principal exposure."""
    found = figures(facts_of(settled("1", 2), settled("2", 3)))

    assert found["principal_integral_yen_h"] == 0
    assert found["principal_intervals"] == 0
    assert found["finality_p50_h"] == 2.5
    assert found["fail_rate"] == 0


def test_a_leg_ahead_exposes_its_giver_until_the_other_comes() -> None:
    """Units at hour 2, yen at hour 5: the seller is exposed by 1,000 yen for three hours."""
    one = deal("1", "A", "B", 1_000, outcome=Outcome.SETTLED, ended_ns=5 * H,
               token_done=[(2 * H, 10)], cash_done=[(5 * H, 1_000)])  # fmt: skip
    facts = facts_of(one)

    found = figures(facts)

    assert exposures(facts) == [(2 * H, 5 * H, 1_000.0, "A")]
    assert found["principal_integral_yen_h"] == 3_000
    assert found["principal_peak_yen"] == 1_000
    assert found["register_lag_h"] == 3


def test_a_guaranteed_leg_exposes_nobody() -> None:
    """The same legs with somebody standing behind the yen."""
    one = deal("1", "A", "B", 1_000, outcome=Outcome.SETTLED, ended_ns=5 * H, guaranteed=True,
               token_done=[(2 * H, 10)], cash_done=[(5 * H, 1_000)])  # fmt: skip

    assert figures(facts_of(one))["principal_integral_yen_h"] == 0


def test_a_partial_exposes_by_what_is_ahead() -> None:
    """Four units of ten moved, 400 yen paid with them: nothing is ahead; 300 yen paid: 100 is."""
    even = deal("1", "A", "B", 1_000, token_done=[(H, 4)], cash_done=[(H, 400)])
    short = deal("2", "A", "B", 1_000, token_done=[(H, 4)], cash_done=[(H, 300)], ended_ns=3 * H)

    assert exposures(facts_of(even, end_ns=20 * H)) == []
    assert exposures(facts_of(short, end_ns=20 * H)) == [(H, 20 * H, 100.0, "A")]


def test_a_split_counts_until_it_is_lost_and_then_as_loss() -> None:
    """Units gone at hour 2, given up at hour 6: four hours at risk, 1,000 yen lost."""
    one = deal(
        "1", "A", "B", 1_000, outcome=Outcome.SPLIT, ended_ns=6 * H, token_done=[(2 * H, 10)]
    )
    found = figures(facts_of(one, losses=[Loss(6 * H, "1", "A", "B", "F15", 1_000)]))

    assert found["principal_integral_yen_h"] == 4_000
    assert found["principal_loss_yen"] == 1_000
    assert found["splits"] == 1


def test_replacement_cost_follows_the_price_while_open() -> None:
    """Ten units at 100 yen; at 103 one side would lose 30; after the end nothing is open."""
    one = settled("1", 5)
    prices = (PricePoint(2 * H, "X", 103_00), PricePoint(6 * H, "X", 150_00))

    assert figures(facts_of(one), prices=prices)["replacement_peak_yen"] == 30


def test_replacement_cost_forgets_what_is_over_in_every_issue() -> None:
    """X costs 500 to replace until hour 2; when Y costs 300 at hour 3, the peak is still 500."""
    x = settled("1", 2)
    y = deal(
        "2", "A", "B", 1_000, issue="Y", traded_ns=2 * H, outcome=Outcome.SETTLED, ended_ns=4 * H
    )
    prices = (PricePoint(1 * H, "X", 15_000), PricePoint(3 * H, "Y", 13_000))

    assert figures(facts_of(x, y), prices=prices)["replacement_peak_yen"] == 500


def test_crosses_of_one_moment_are_one_look() -> None:
    """X fell to cost 0 and Y rose to cost 300 in the same cross: never 500 and 300 at once."""
    x = settled("1", 9)
    y = settled("2", 9, issue="Y")
    prices = (
        PricePoint(1 * H, "X", 15_000), PricePoint(3 * H, "Y", 13_000), PricePoint(3 * H, "X", 10_000),
    )  # fmt: skip

    assert figures(facts_of(x, y), prices=prices)["replacement_peak_yen"] == 500


def test_liquidity_used_nets_what_came_in_before() -> None:
    """A pays 100, gets 80 and pays 50: 100 at the deepest; B pays 80 from what it received."""
    ring = facts_of(settled("1", 1), moves=[
        Moved(1, CASH, "A", "B", 100), Moved(2, CASH, "B", "A", 80), Moved(3, CASH, "A", "B", 50),
        Moved(4, "X", "A", "B", 9_999),
    ])  # fmt: skip

    assert figures(ring)["liquidity_used_yen"] == 100


def test_reserved_cash_counts_as_used_and_not_twice() -> None:
    """A reserves 100 from hour 1 to 3 and then pays it: 100 at every moment."""
    reserved = facts_of(settled("1", 3),
        locks=[Locked("1", "A", CASH, 100, H, 3 * H, returned=False)],
        moves=[Moved(3 * H, CASH, "A", "B", 100)])  # fmt: skip

    assert figures(reserved)["liquidity_used_yen"] == 100


def test_lock_time_is_valued_at_the_trade_and_split_by_end() -> None:
    """Ten units of 1,000 yen for two hours, returned; 500 yen for four hours, delivered."""
    found = figures(facts_of(settled("1", 5), locks=[
        Locked("1", "A", "X", 10, 0, 2 * H, returned=True),
        Locked("1", "B", CASH, 500, 0, 4 * H, returned=False),
    ]))  # fmt: skip

    assert found["lock_token_yen_h"] == 2_000
    assert found["lock_cash_yen_h"] == 2_000
    assert found["lock_wasted_yen_h"] == 2_000
    assert found["option_yen"] == 0


def test_an_option_is_worth_its_stretch_and_griefs_when_it_was_let_go() -> None:
    """Two hours of choice over 1,000 yen, walked away from."""
    lock = Locked("1", "B", CASH, 1_000, 0, 2 * H, returned=True, option_until_ns=2 * H)
    found = figures(facts_of(settled("1", 5), locks=[lock]))

    assert found["option_yen"] == pytest.approx(option_yen(1_000, 0.003, 2))
    assert found["griefing_yen_h"] == 2_000


@pytest.mark.parametrize(("waits", "delay"), [([], 0.0), ([(0, 5 * H)], 0.5), ([(0, 99 * H)], 1.0)])
def test_settlement_delay_runs_from_none_to_all(waits: list[tuple[int, int]], delay: float) -> None:
    """Ready at hour 0, due at hour 10; what waits beyond the deadline counts to the deadline."""
    one = settled("1", 5, token_ready_ns=0, cash_ready_ns=0, waits=waits)

    assert figures(facts_of(one))["settlement_delay"] == delay


@pytest.mark.parametrize(("at_h", "fails"), [(9, 0), (10, 0), (11, 1)])
def test_a_trade_fails_when_it_is_final_after_its_deadline(at_h: int, fails: int) -> None:
    """Before, at and after hour 10."""
    found = figures(facts_of(settled("1", at_h)))

    assert found["fail_rate"] == fails
    assert found["settled_share"] == 1 - fails
    assert found["fail_age_p50_h"] == (1.0 if fails else None)


def test_a_chain_of_fails_follows_buyers_who_sell_on() -> None:
    """A to B to C, and D to A apart: the longest chain is two."""
    first, second = deal("1", "A", "B", 10), deal("2", "B", "C", 10, traded_ns=1)
    other = deal("3", "D", "E", 10)

    assert figures(facts_of(first, second, other))["fail_chain"] == 2


def test_what_is_settled_in_an_outage_is_a_share_of_what_was_ready() -> None:
    """Two ready in an outage from hour 1 to 4: one final at 3, the other at 6."""
    early = settled("1", 3, token_ready_ns=2 * H, cash_ready_ns=0)
    late = settled("2", 6, token_ready_ns=2 * H, cash_ready_ns=0)
    found = figures(facts_of(early, late, outages=[Outage("token", H, 4 * H)]))

    assert found["settled_in_outage"] == 0.5
    assert figures(facts_of(early))["settled_in_outage"] is None


def test_work_counts_comparisons_and_breaks() -> None:
    """Today: 48 comparisons a trade, three in eight by hand at half a minute, one break of 30."""
    found = figures(facts_of(settled("1", 5), breaks=[("1", 30.0)]), "D-token")

    assert found["comparisons"] == 48
    assert found["staff_minutes"] == pytest.approx(48 * 0.375 * 0.5 + 30)
    assert found["breaks"] == 1


def test_messages_are_told_apart_by_how_the_trade_ended() -> None:
    """Four for a settled trade, ten for a cancelled one, none failed but that one."""
    gone = deal("2", "A", "B", 10, outcome=Outcome.CANCELLED, ended_ns=H)
    found = figures(facts_of(settled("1", 5), gone, messages=14, messages_of={"1": 4, "2": 10}))

    assert found["messages_a_trade"] == 7
    assert found["messages_a_cancel"] == 10


def test_delays_of_faults_add_up() -> None:
    """Two delays of one hour."""
    delay = Delay("1", "notary", "F7", H)
    assert figures(facts_of(settled("1", 5), delays=[delay, delay]))["fault_delay_h"] == 2


def test_cost_is_a_range() -> None:
    """The high end is not below the low end, and both are above nothing."""
    found = figures(facts_of(settled("1", 5), messages=4))
    low, high = found["cost_low_yen"], found["cost_high_yen"]

    assert low is not None
    assert high is not None
    assert 0 < low < high


def test_an_empty_run_has_no_rates() -> None:
    """No trades: shares and quantiles are None and nothing divides by zero."""
    found = figures(Facts())

    assert found["fail_rate"] is None
    assert found["finality_p50_h"] is None
    assert found["cost_low_yen"] is None


def test_every_metric_says_how_it_is_computed_and_is_named_once() -> None:
    """The report has a sentence for every column."""
    assert len({one.name for one in METRICS}) == len(METRICS)
    assert all(one.how.endswith(".") and one.label and one.group for one in METRICS)


def test_every_design_has_a_word_on_every_risk() -> None:
    """Eight risks a design, and a count of comparisons."""
    assert all(len(card.risks) == len(RISKS) and all(card.risks) for card in DESIGNS)
    assert all(card.books.comparisons > 0 for card in DESIGNS)
