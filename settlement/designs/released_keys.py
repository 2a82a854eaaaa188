"""Design B3: the payment side releases one of two keys, stored before the payment is ordered.

| from | rule | by | to |
|---|---|---|---|
| ready | lock_units | seller | locked_1 |
| ready | lapse | desk | failing |
| locked_1 | cancel | oracle | cancelled |
| locked_1 | cut_off | oracle | failing |
| locked_1 | order | buyer | locked_2 |
| locked_2 | success | oracle | decided |
| locked_2 | failure | oracle | locked_1 |
| locked_1 | reclaim | seller | failing |
| decided | claim | buyer | settled |
| failing | retry | desk | ready |
| failing | compensate | desk | closed_comp |
| failing | cancel | desk | cancelled |

No lock ends by time alone: at the cut-off the oracle lets the failure key out when no order was accepted, and while it is out both legs stay locked, which is a risk of availability in place of one
of timing. A cancel counts only while no order was accepted. A release repeated is the same release.
An oracle is several operators, and a key is as many of their shares as its threshold says. A wrong operator leaks its share
of the failure key after the success key. One fewer than the threshold does nothing; as many is a fatal alarm, and the search
shows who pays for it.

| from | rule (wrong operators only) | by | to |
|---|---|---|---|
| decided | leak | oracle | decided |
| decided | reclaim | seller | split |

Source: ERC-7573 (conditional delivery with keys encrypted for an oracle); central banks' hash-link and trigger trials.
"""

from functools import partial
from typing import Final

from settlement.designs.conduct import RETRY, TWO_LEDGERS, After, Conduct, Step
from settlement.designs.rules import Protocol, Rule, World, retry_rule
from settlement.designs.states import Leg, LegState, ObligationState

CUT_OFF_TICKS: Final = 4
_S = ObligationState


CONDUCT: Final = Conduct(
    steps=(
        Step("lock_units", (("seller", "token ledger", "buyer"),)),
        Step("lapse"),
        Step("order", (("buyer", "cash ledger", "seller"),), after=After.MESSAGE),
        Step("reclaim"),
        Step("cut_off"),
        Step("success", (("oracle", "token ledger", "buyer", "seller"),), after=After.MESSAGE),
        Step("claim", (("buyer", "token ledger", "register"),), after=After.MESSAGE),
        RETRY,
    ),
    needs={**TWO_LEDGERS, "oracle": (":agent", ":decision")},
    cut_off_ticks=CUT_OFF_TICKS,
    own_clock=True,
)
"""The oracle answers as soon as the payment is ordered."""


def _not_ordered(world: World) -> bool:
    return world.cash is LegState.NONE


def _over(world: World) -> bool:
    return world.now_ticks >= CUT_OFF_TICKS


def _has_leaked(operators: int, world: World) -> bool:
    """Whether just so many operators have leaked their share."""
    return sum(fact.startswith("share_") for fact in world.facts) == operators


def released_keys(*, threshold: int = 2, wrong: int = 0) -> Protocol:
    """The table, or the one of an oracle with wrong operators.

    Args:
        threshold: Shares that make a key: how many operators must agree.
        wrong: Operators that let a share of the failure key out after the success key.
    """
    token, cash = (Leg.TOKEN,), (Leg.CASH,)
    wire, chain = ("cash ledger",), ("token ledger",)
    rules = [
        Rule("lock_units", "seller", _S.READY, _S.LOCKED_1, chain, lock=token),
        Rule("lapse", "desk", _S.READY, _S.FAILING, when=_over),
        Rule("cut_off", "oracle", _S.LOCKED_1, _S.FAILING, chain,
             lambda w: _over(w) and _not_ordered(w), give_back=token, learn=("failure_key",)),
        Rule("cancel", "oracle", _S.LOCKED_1, _S.CANCELLED, chain, _not_ordered, give_back=token,
             learn=("failure_key",)),
        Rule("order", "buyer", _S.LOCKED_1, _S.LOCKED_2, wire, _not_ordered, lock=cash),
        Rule("success", "oracle", _S.LOCKED_2, _S.DECIDED, wire, deliver=cash,
             learn=("success_key",)),
        Rule("failure", "oracle", _S.LOCKED_2, _S.LOCKED_1, wire, give_back=cash,
             learn=("failure_key",)),
        Rule("reclaim", "seller", _S.LOCKED_1, _S.FAILING, chain,
             lambda w: w.knows("failure_key"), give_back=token),
        Rule("claim", "buyer", _S.DECIDED, _S.SETTLED, chain, deliver=token),
    ]  # fmt: skip
    for number in range(1, wrong + 1):
        whole = ("failure_key", "both_keys") if number == threshold else ()
        rules.append(
            Rule("leak", "oracle", _S.DECIDED, _S.DECIDED, when=partial(_has_leaked, number - 1),
                 learn=(f"share_{number}", *whole))
        )  # fmt: skip
    if wrong:
        rules.append(
            Rule("reclaim", "seller", _S.DECIDED, _S.SPLIT, chain,
                 lambda w: w.knows("failure_key"), give_back=token, bearer="buyer", blame="oracle")
        )  # fmt: skip
    actors = ("seller", "buyer", "oracle", "token ledger", "cash ledger")
    splits = wrong >= threshold
    name = "B3 both keys" if splits else "B3"
    return Protocol(name, (*rules, *retry_rule()), actors, horizon_ticks=5, may_split=splits)
