"""Design B4: the notary of the token ledger is the bridge, in the safe order or the unsafe one.

| from | rule | by | to |
|---|---|---|---|
| ready | reserve | notary | locked_1 |
| locked_1 | pay | buyer | decided |
| locked_1 | void_order | buyer | locked_1 |
| locked_1 | void_late | notary | locked_1 |
| locked_1 | release | notary | failing |
| decided | commit | notary | settled |
| failing | retry | desk | ready |
| failing | compensate | desk | closed_comp |
| failing | cancel | desk | cancelled |

Safe: uniqueness of the inputs is reserved, then the cash ledger pays, then the notary commits. Before the
notary releases a reservation it voids the payment order on the cash ledger, where paying and voiding exclude each other.
Unsafe: the payment is made while the transaction is being validated, before its inputs are known to be unspent; a
double spend is then refused after the cash has gone.

| from | rule (unsafe order only) | by | to |
|---|---|---|---|
| ready | spend_elsewhere | seller | ready |
| ready | pay_in_validation | buyer | decided |
| decided | double_spend | notary | split |

Source: a published ledger-to-ledger prototype that pays inside its notary's verification, while the uniqueness check of the
platform's base flow comes after verification.
"""

from typing import Final

from settlement.designs.rules import Protocol, Rule, World, retry_rule
from settlement.designs.states import Leg, ObligationState

PATIENCE_TICKS: Final = 3
_S = ObligationState


def _order_live(world: World) -> bool:
    return not world.knows("void")


def notary_bridge(*, safe: bool = True) -> Protocol:
    """The table in either order."""
    token, cash = (Leg.TOKEN,), (Leg.CASH,)
    wire = ("cash ledger",)
    if safe:
        rules = [
            Rule("reserve", "notary", _S.READY, _S.LOCKED_1, lock=token),
            Rule("pay", "buyer", _S.LOCKED_1, _S.DECIDED, wire, _order_live, deliver=cash),
            Rule("void_order", "buyer", _S.LOCKED_1, _S.LOCKED_1, wire, _order_live,
                 learn=("void",)),
            Rule("void_late", "notary", _S.LOCKED_1, _S.LOCKED_1, wire,
                 lambda w: _order_live(w) and w.now_ticks >= PATIENCE_TICKS, learn=("void",)),
            Rule("release", "notary", _S.LOCKED_1, _S.FAILING, (), lambda w: w.knows("void"),
                 give_back=token),
            Rule("commit", "notary", _S.DECIDED, _S.SETTLED, deliver=token),
        ]  # fmt: skip
    else:
        rules = [
            Rule("spend_elsewhere", "seller", _S.READY, _S.READY, ("notary",),
                 lambda w: not w.knows("spent"), learn=("spent",)),
            Rule("pay_in_validation", "buyer", _S.READY, _S.DECIDED, wire, deliver=cash),
            Rule("commit", "notary", _S.DECIDED, _S.SETTLED, (), lambda w: not w.knows("spent"),
                 deliver=token),
            Rule("double_spend", "notary", _S.DECIDED, _S.SPLIT, (), lambda w: w.knows("spent"),
                 bearer="buyer", blame="seller"),
        ]  # fmt: skip
    tail = retry_rule() if safe else ()
    actors = ("seller", "buyer", "notary", "cash ledger")
    name = "B4" if safe else "B4 unsafe order"
    return Protocol(name, (*rules, *tail), actors, horizon_ticks=5, may_split=not safe)
