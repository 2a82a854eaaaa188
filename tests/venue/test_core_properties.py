"""Random markets under every rulebook: what must hold after each command of the whole core.

The market, its watch and its oracle are in tests/watched_market.py, tests/oracle_desk.py and
tests/random_market.py; ``python -m tests.stress`` runs the same for as long as asked.
"""

from functools import lru_cache
from random import Random

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule
from random_market import RULEBOOKS, Chance, opened, run_seed
from watched_market import WatchedMarket

CHANCE = st.randoms(use_true_random=False)


class AnyMarket(RuleBasedStateMachine):
    """Scheduled steps and requests in any order Hypothesis likes, two steps a rule at most."""

    chance: Chance

    @initialize(rulebook=st.sampled_from(sorted(RULEBOOKS)), steps=st.integers(1, 12))
    def opens(self, rulebook: str, steps: int) -> None:
        """A market somewhere in its first day."""
        self.chance = opened(rulebook)
        for _ in range(steps):
            self.chance.next_step()

    @rule(draw=CHANCE)
    def someone_acts(self, draw: Random) -> None:
        """A request, a logon, a deposit, an operator's act or plain nonsense."""
        self.chance.random_act(draw)

    @rule(draw=CHANCE)
    def someone_enters_an_order(self, draw: Random) -> None:
        """The commonest request."""
        self.chance.market.do(self.chance.new_order(draw))

    @rule()
    def time_passes(self) -> None:
        """The next scheduled step, over the night if need be."""
        self.chance.next_step()

    def teardown(self) -> None:
        """The journal, replayed from its bytes, tells the same."""
        if hasattr(self, "chance"):
            self.chance.market.replay()


AnyMarket.TestCase.settings = settings(
    max_examples=60,
    stateful_step_count=40,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)


class TestAnyMarket(AnyMarket.TestCase):  # type: ignore[misc, valid-type]
    """Ledgers, holds, books, answers and reports agree with oracles after every command."""


@lru_cache
def played(seed: int) -> WatchedMarket:
    """Four days by this seed, watched and replayed."""
    return run_seed(seed)


@pytest.mark.parametrize("seed", range(len(RULEBOOKS)), ids=list(RULEBOOKS))
def test_days_of_chance_keep_every_promise(seed: int) -> None:
    """Four business days under each rulebook: every check after every command, then a replay."""
    market = played(seed)
    assert market.trades(), "a run without trades proves little"
    assert len(market.refusals) > 10


def test_over_all_rulebooks_deliveries_finish_fail_and_are_canceled() -> None:
    """The random days reach every end a delivery can have, in both settlement designs."""
    ends: set[tuple[str, str]] = set()
    for seed in range(len(RULEBOOKS)):
        market = played(seed)
        design = market.core.settlement.design.name
        ends |= {(design, state) for state in market.auditor.states.values()}
    for design in ("gross_atomic", "provisional_transfer"):
        assert {(design, state) for state in ("finished", "failing", "canceled")} <= ends
