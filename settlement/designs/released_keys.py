"""Design B3: the payment side releases one of two keys, stored before the payment is ordered.

| from | rule | by | to |
|---|---|---|---|
| ready | lock_units | seller | locked_1 |
| locked_1 | cancel | oracle | cancelled |
| locked_1 | order | buyer | locked_2 |
| locked_2 | success | oracle | decided |
| locked_2 | failure | oracle | locked_1 |
| locked_1 | reclaim | seller | failing |
| decided | claim | buyer | settled |
| failing | retry | desk | ready |
| failing | compensate | desk | closed_comp |
| failing | cancel | desk | cancelled |

No lock ends by time: while the oracle is out both legs stay locked, which is a risk of availability in place of one
of timing. A cancel counts only while no order was accepted. A release repeated is the same release.
``both_keys`` is the broken oracle that lets out the failure key after the success key: a fatal alarm, and the search
shows who pays for it.

Source: ERC-7573 (conditional delivery with keys encrypted for an oracle); central banks' hash-link and trigger trials.
"""

from settlement.designs.rules import Protocol, Rule, World, retry_rule
from settlement.designs.states import Leg, LegState, ObligationState

_S = ObligationState


def _not_ordered(world: World) -> bool:
    return world.cash is LegState.NONE


def released_keys(*, both_keys: bool = False) -> Protocol:
    """The table, or the one of a broken oracle."""
    token, cash = (Leg.TOKEN,), (Leg.CASH,)
    wire, chain = ("cash ledger",), ("token ledger",)
    rules = [
        Rule("lock_units", "seller", _S.READY, _S.LOCKED_1, chain, lock=token),
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
    if both_keys:
        rules += [
            Rule("leak", "oracle", _S.DECIDED, _S.DECIDED, when=lambda w: not w.knows("failure_key"),
                 learn=("failure_key", "both_keys")),
            Rule("reclaim", "seller", _S.DECIDED, _S.SPLIT, chain,
                 lambda w: w.knows("failure_key"), give_back=token, bearer="buyer", blame="oracle"),
        ]  # fmt: skip
    actors = ("seller", "buyer", "oracle", "token ledger", "cash ledger")
    return Protocol(
        "B3 both keys" if both_keys else "B3", (*rules, *retry_rule()), actors,
        horizon_ticks=5, may_split=both_keys,
    )  # fmt: skip
