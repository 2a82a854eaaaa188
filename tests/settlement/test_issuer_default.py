"""The issuer of the money defaults with obligations under way: who is paid, who loses, who gets units."""

from datetime import date

import pytest

from market.business_days import at_jst
from market.errors import InvariantBroken
from settlement.designs.enact import FUND
from settlement.designs.states import Leg, ObligationState
from settlement.trials.issuer import RECOVERY_PPM, loss_yen_rounded_up
from settlement.trials.records import (
    ISSUER,
    YEN,
    Case,
    Delayed,
    IssuerDefaulted,
    LegFinal,
    LockMade,
    LogRecord,
    Opened,
    Posted,
    PrincipalLost,
    Said,
    StateChanged,
    Strike,
    TrialTrade,
    Tried,
    WrittenDown,
)
from settlement.trials.trial import DESIGNS, run_trial
from settlement.trials.watch import Watch
from venue.comparison.auditor import Auditor
from venue.comparison.reading import plain, read_log

DAY = date(2026, 11, 24)
NOON = at_jst(DAY, 12 * 3_600)
SECOND = 1_000_000_000
ONE = (TrialTrade("1", NOON, DAY, "KH01", "A", "B", 10, 1_001),)
MANY = tuple(
    TrialTrade(str(n), NOON + n * 7 * SECOND, DAY, "KH01", seller, buyer, 10 + n, 1_000 + n)
    for n, (seller, buyer) in enumerate((("A", "B"), ("B", "C"), ("C", "A"), ("D", "B")), start=1)
)
MOMENTS = (0, 1, 2, 3, 4, 5, 6, 9, 30, 600, 3_600, 5_400, 13_500, 14_340, 14_941)
"""Seconds after the first obligation is ready: each step of a gross design, and the cycle of 16:00."""


def struck(
    design: str, second: int, kind: str = "recovery_50", trades: tuple[TrialTrade, ...] = ONE, **more: int
) -> list[LogRecord]:  # fmt: skip
    """A trial in which the issuer of the deposit fails at a second."""
    strike = Strike("F31", kind, "deposit", "seller", second * SECOND, 1)
    return run_trial(Case(design, more.get("days", 0), more.get("funds", 100), trades, (strike,)))


def ends(log: list[LogRecord]) -> dict[str, ObligationState]:
    """Last state of each obligation."""
    return {one.deal: one.state for one in log if isinstance(one, StateChanged)}


def lost(log: list[LogRecord]) -> dict[str, int]:
    """Yen written down by owner."""
    found: dict[str, int] = {}
    for one in log:
        if isinstance(one, WrittenDown):
            found[one.owner] = found.get(one.owner, 0) + one.yen
    return found


@pytest.mark.parametrize("kind", RECOVERY_PPM)
@pytest.mark.parametrize("design", DESIGNS)
def test_at_any_moment_every_owner_loses_its_share_and_nobody_is_paid_after(
    design: str, kind: str
) -> None:
    """Against a recount of the log up to the default; the auditor finds nothing, the sums stay."""
    for second in MOMENTS:
        for days in (0, 1):
            log = struck(design, second, kind, MANY, days=days, funds=50)
            (place,) = (n for n, one in enumerate(log) if isinstance(one, IssuerDefaulted))
            held: dict[str, int] = {}
            for one in log[:place]:
                if isinstance(one, Opened) and one.asset == YEN:
                    held[one.owner] = one.amount
                if isinstance(one, Posted) and one.asset == YEN:
                    held[one.giver] -= one.amount
                    held[one.taker] = held.get(one.taker, 0) + one.amount
            due = {name: yen - yen * RECOVERY_PPM[kind] // 1_000_000 for name, yen in held.items()}

            assert lost(log) == {name: yen for name, yen in due.items() if yen}
            after = [one for one in log[place:] if isinstance(one, Posted) and one.asset == YEN]
            assert {one.taker for one in after} <= {ISSUER}
            said = {
                one.owner: one.amount for one in log if isinstance(one, Said) and one.asset == YEN
            }
            assert said.get(ISSUER, 0) == sum(due.values())
            assert sum(said.values()) == sum(held.values())
            assert Auditor().read(plain(log)) == []


@pytest.mark.parametrize("design", DESIGNS)
def test_the_loss_is_the_issuers_and_no_trade_is_split_by_it(design: str) -> None:
    """Who has been paid holds worse money, who has not keeps or gets back the units: nobody lost a leg."""
    for second in MOMENTS:
        log = struck(design, second, "recovery_0", MANY)
        losses = [one for one in log if isinstance(one, WrittenDown)]

        assert not any(isinstance(one, PrincipalLost) for one in log)
        assert {(one.cause, one.family) for one in losses} == {("issuer of the deposit", "F31")}
        assert {one.held for one in losses} <= {"free", "set aside"}
        assert set(ends(log).values()) <= {
            ObligationState.SETTLED, ObligationState.CLOSED_COMP, ObligationState.DISPUTED,
        }  # fmt: skip


@pytest.mark.parametrize(
    ("design", "second", "answers"),
    [
        ("B1", 3, ["stopped"]),
        ("B2", 3, ["stopped", "refused"]),
        ("B3", 3, ["stopped", "refused"]),
        ("C3", 14_345, ["stopped"]),
    ],
)
def test_a_payment_under_way_is_refused_and_the_givers_yen_return(
    design: str, second: int, answers: list[str]
) -> None:
    """Locked and not paid: B (1,001 yen) loses 501 of them when they are back, and no leg is final."""
    log = struck(design, second)
    told = [one.answer for one in log if isinstance(one, Tried) and one.family == "F31"]

    assert any(isinstance(one, LockMade) and one.asset == YEN for one in log)
    assert told == answers
    assert lost(log)["B"] == loss_yen_rounded_up(1_001, 500_000) == 501
    assert {one.held for one in log if isinstance(one, WrittenDown) and one.owner == "B"} == {
        "set aside"
    }
    assert not any(isinstance(one, LegFinal) for one in log)
    assert ends(log) == {"1": ObligationState.CLOSED_COMP}


@pytest.mark.parametrize(("design", "second"), [("B1", 5), ("B2", 5), ("B3", 5), ("B4", 3)])
def test_units_that_were_paid_for_are_delivered_and_the_payee_bears_the_loss(
    design: str, second: int
) -> None:
    """Between the legs: the stop bars payments, not the delivery of what is paid."""
    log = struck(design, second)
    done = [(one.leg, one.amount) for one in log if isinstance(one, LegFinal)]

    assert done == [(Leg.CASH, 1_001), (Leg.TOKEN, 10)]
    assert ends(log) == {"1": ObligationState.SETTLED}
    assert lost(log) == {"A": 501}


def test_units_given_first_come_back_when_their_payment_cannot_be_made() -> None:
    """Today's practice, units first: B hands back what it cannot pay for; the delay is the issuer's."""
    log = struck("D-token", 600)
    delays = [one for one in log if isinstance(one, Delayed) and one.family == "F31"]

    assert ends(log) == {"1": ObligationState.CLOSED_COMP}
    assert [(one.leg, one.amount) for one in log if isinstance(one, LegFinal)] == [
        (Leg.TOKEN, 10), (Leg.TOKEN, -10),
    ]  # fmt: skip
    assert {one.cause for one in delays} == {"issuer of the deposit"}


def test_yen_given_first_do_not_come_back_and_the_units_follow() -> None:
    """Today's practice, yen first: A was paid in money that failed, and still owes the units."""
    log = struck("D-cash", 4 * 3_600)

    assert ends(log) == {"1": ObligationState.SETTLED}
    assert lost(log) == {"A": 501}


def test_a_guarantee_fund_loses_its_share_too_and_saves_nobody() -> None:
    """A cycle under way: neither the buyers' yen nor the fund's move."""
    log = struck("C3", 14_345, "recovery_0", MANY)
    funded = next(one.amount for one in log if isinstance(one, Opened) and one.owner == FUND)

    assert lost(log)[FUND] == funded
    assert set(ends(log).values()) == {ObligationState.CLOSED_COMP}


def test_money_kept_by_a_trust_loses_nothing_and_pays_nothing() -> None:
    """Par is not liquidity: what was not settled before ends in a compensation."""
    log = struck("B2", 3, "apart")

    assert lost(log) == {}
    assert ends(log) == {"1": ObligationState.CLOSED_COMP}


def test_a_second_default_changes_nothing() -> None:
    """It is answered, and the log is otherwise the first one's."""
    strikes = tuple(
        Strike("F31", kind, "deposit", "seller", after * SECOND, 1)
        for kind, after in (("recovery_50", 3), ("recovery_0", 600))
    )
    log = run_trial(Case("B2", 0, 100, ONE, strikes))

    assert [one.answer for one in log if isinstance(one, Tried)][-1] == "already"
    assert lost(log) == {"B": 501}
    assert sum(isinstance(one, IssuerDefaulted) for one in log) == 1


def test_a_planted_payment_after_the_default_is_found() -> None:
    """By the watch while it happens and by the auditor from the log alone; a share too small as well."""
    watch = Watch()
    watch.see(Opened(at_ns=0, owner="A", asset=YEN, amount=10))
    watch.see(IssuerDefaulted(at_ns=0, issuer="settlement bank", recovery_ppm=0))
    payment = Posted(at_ns=0, deal="1", asset=YEN, giver="A", taker="B", amount=1)
    with pytest.raises(InvariantBroken, match="I16"):
        watch.see(payment)
    with pytest.raises(InvariantBroken, match="I10"):
        watch.see(IssuerDefaulted(at_ns=0, issuer="settlement bank", recovery_ppm=0))

    log = plain(struck("B2", 600))
    assert Auditor().read(log) == []
    less = [dict(one) for one in log]
    next(one for one in less if one["is"] == "WrittenDown")["yen"] -= 1
    assert any("lost" in one for one in Auditor().read(less))
    late = [dict(one) for one in log]
    place = next(n for n, one in enumerate(late) if one["is"] == "IssuerDefaulted")
    late.insert(0, late.pop(place))
    assert any("after the money's issuer has failed" in one for one in Auditor().read(late))


def test_a_loss_is_no_liquidity_that_was_used() -> None:
    """The facts hold it apart from what was paid."""
    facts = read_log(struck("B2", 600))

    assert [(one.owner, one.held, one.yen) for one in facts.written_down] == [("A", "free", 501)]
    assert ISSUER not in {move.taker for move in facts.moves}
