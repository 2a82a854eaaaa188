"""The holder register: who counts, how much there is, and the transfer flag."""

import pytest
from settlement_story import ISSUED_UNITS, ST1, ST2, issue

from market.errors import InvariantBroken
from settlement.ibet.register import IbetRegister
from settlement.ledger import HoldId
from settlement.progmat.platform import Platform
from settlement.progmat.register import ProgmatRegister
from settlement.refusals import Refusal
from settlement.register import ISSUER, Register

LOCK = HoldId("D-1/1")


def test_a_new_register_holds_the_whole_issue_back() -> None:
    """Before the first allotment the issue is its unissued rest."""
    register = Register(issue(ST1))

    assert register.unissued_units == ISSUED_UNITS
    assert register.holders() == []


def test_holders_and_the_unissued_rest_are_the_issue() -> None:
    """I1: an allotment moves units from the rest to a holder."""
    register = Register(issue(ST1))

    register.post(ISSUER, "B", 30)
    register.post(ISSUER, "A", 20)

    assert register.holders() == [("A", 20), ("B", 30)]
    assert register.unissued_units == ISSUED_UNITS - 50
    register.check_invariants()


def test_locked_units_count_for_the_deliverer() -> None:
    """Until the final transfer the register names the seller, not the buyer."""
    register = Register(issue(ST1))
    register.post(ISSUER, "A", 20)

    register.hold(LOCK, "A", "B", 20)
    assert register.holders() == [("A", 20)]

    register.post_hold(LOCK)
    assert register.holders() == [("B", 20)]


def test_more_than_the_issue_is_noticed() -> None:
    """The register's own check finds units that were never issued."""
    register = Register(issue(ST1))
    register.post(ISSUER, "A", ISSUED_UNITS)
    register.check_invariants()
    register.post(ISSUER, "A", 1)

    with pytest.raises(InvariantBroken, match="I1"):
        register.check_invariants()


def test_the_flag_is_taken_from_the_listing() -> None:
    """An issue listed without transferability starts closed."""
    register = Register(issue(ST1, executable=False))

    assert not register.executable
    assert not register.can_give(ISSUER, 1)
    register.executable = True
    assert register.can_give(ISSUER, 1)


def test_the_flag_bars_entries_and_no_exit() -> None:
    """Not executable: no new lock, no transfer; a lock can still be returned."""
    register = Register(issue(ST1))
    register.post(ISSUER, "A", 20)
    register.hold(LOCK, "A", "B", 20)

    register.executable = False

    assert not register.can_give("A", 1)
    register.void_hold(LOCK)
    assert register.available("A") == 20


@pytest.mark.parametrize("kind", ["plain", "progmat", "ibet"])
def test_an_issue_that_ended_stays_ended(kind: str) -> None:
    """No flag opens its books again, a group's flag does for the others; with a lock it cannot end."""
    platform = Platform()
    first, other = (
        {
            "plain": Register,
            "ibet": IbetRegister,
            "progmat": lambda listed: ProgmatRegister(listed, platform, control_id="TC"),
        }[kind](issue(name))
        for name in (ST1, ST2)
    )
    first.post(ISSUER, "A", 20)
    first.hold(LOCK, "A", "B", 20)
    with pytest.raises(InvariantBroken, match="I6"):
        first.end()
    first.void_hold(LOCK)
    first.end()

    first.executable = True

    assert not first.executable
    assert not first.can_give(ISSUER, 1)
    assert not first.can_give("A", 1)
    assert first.hindrance("A", "B") is Refusal.TRANSFER_RESTRICTED
    assert other.can_give(ISSUER, 1)
    assert first.state() != other.state()
