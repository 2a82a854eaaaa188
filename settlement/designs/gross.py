"""Design A: gross, atomic, one ledger (DvP model 1), with or without a search of the queue.

| from | rule | by | to |
|---|---|---|---|
| ready | settle | ledger | settled |
| ready | lack | ledger | queued |
| queued | arrive | desk | queued |
| queued | settle | ledger | settled |
| queued | offset | ledger | settled |
| ready | cut_off | ledger | failing |
| queued | cut_off | ledger | failing |
| failing | retry | desk | ready |
| failing | compensate | desk | closed_comp |
| failing | cancel | desk | cancelled |

Both legs are delivered by one rule, so no order of events comes between them: principal risk is nil by shape.
What is left is the cost of replacement and of liquidity, which a table of states cannot show.
Source: DvP model 1 (CPSS, Delivery versus payment in securities settlement systems, 1992).
"""

from typing import Final

from settlement.designs.conduct import After, Conduct, Step, When
from settlement.designs.rules import Protocol, Rule, World, retry_rule
from settlement.designs.states import Leg, ObligationState

CUT_OFF_TICKS: Final = 4
_S = ObligationState
_BOTH: Final = (Leg.TOKEN, Leg.CASH)
_SIDES: Final = ("seller", "buyer")
"""Both have signed by then."""


_TOLD: Final = (("venue", "ledger"), ("ledger", "seller", "buyer", "register"))
CONDUCT: Final = Conduct(
    steps=(
        Step("settle", _TOLD),
        Step("lack", when=When.SHORT),
        Step("arrive", when=When.CREDIT),
        Step("cut_off"),
        Step("retry", after=After.RETRY),
        Step("offset", (("ledger", "seller", "buyer", "register"),), when=When.SET),
    ),
    needs={"seller": ("seller",), "buyer": ("buyer",), "ledger": ("token", "cash", "notary")},
    cut_off_ticks=CUT_OFF_TICKS,
    partials=True,
)
"""One step; what is short waits, and is tried anew when something comes in."""


def _late(world: World) -> bool:
    return world.now_ticks >= CUT_OFF_TICKS


def _here(world: World) -> bool:
    return world.knows("arrived")


def gross(*, offsetting: bool = False) -> Protocol:
    """The table; ``offsetting`` adds the release in a set."""
    rules = [
        Rule("settle", "ledger", _S.READY, _S.SETTLED, _SIDES, deliver=_BOTH),
        Rule("lack", "ledger", _S.READY, _S.QUEUED),
        Rule("arrive", "desk", _S.QUEUED, _S.QUEUED, learn=("arrived",)),
        Rule("settle", "ledger", _S.QUEUED, _S.SETTLED, _SIDES, when=_here, deliver=_BOTH),
        Rule("cut_off", "ledger", _S.READY, _S.FAILING, when=_late),
        Rule("cut_off", "ledger", _S.QUEUED, _S.FAILING, when=_late),
    ]
    if offsetting:
        rules.append(Rule("offset", "ledger", _S.QUEUED, _S.SETTLED, _SIDES, deliver=_BOTH))
    name = "A+LSM" if offsetting else "A"
    return Protocol(name, (*rules, *retry_rule()), ("seller", "buyer", "ledger"))
