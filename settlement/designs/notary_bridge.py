"""Design B4: the notary of the token ledger is the bridge, in the safe order or the unsafe one.

| from | rule | by | to |
|---|---|---|---|
| ready | reserve | notary | locked_1 |
| ready | lapse | desk | failing |
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
| decided | spend_elsewhere | seller | decided |
| ready | pay_in_validation | buyer | decided |
| decided | double_spend | notary | split |

Source: a published ledger-to-ledger prototype that pays inside its notary's verification, while the uniqueness check of the
platform's base flow comes after verification.
"""

from typing import Final

from settlement.designs.conduct import RETRY, TWO_LEDGERS, After, Conduct, Step, When
from settlement.designs.rules import Protocol, Rule, World, retry_rule
from settlement.designs.states import Leg, ObligationState

PATIENCE_TICKS: Final = 3
_S = ObligationState


_PAID: Final = (("buyer", "token ledger", "buyer", "seller"),)
CONDUCT: Final = Conduct(
    steps=(
        Step("reserve", (("seller", "token ledger", "buyer"),)),
        Step("pay_in_validation", _PAID, after=After.MESSAGE, shows=(Leg.TOKEN,)),
        Step("lapse"),
        Step("release"),
        Step("pay", _PAID, after=After.MESSAGE),
        Step("void_late"),
        Step("commit", (("notary", "token ledger", "register"),), after=After.MESSAGE),
        Step("spend_elsewhere", when=When.SHORT, origin=_S.DECIDED),
        Step("double_spend"),
        RETRY,
    ),
    needs={
        **TWO_LEDGERS,
        "cash ledger": ("cash", ":decision"),
        "notary": ("token", "notary", ":agent"),
    },
    cut_off_ticks=PATIENCE_TICKS,
    own_clock=True,
)
"""Either order: the table has only its own steps. Units that are not there at the commit were spent in another transfer."""


def _order_live(world: World) -> bool:
    return not world.knows("void")


def _over(world: World) -> bool:
    return world.now_ticks >= PATIENCE_TICKS


def notary_bridge(*, safe: bool = True) -> Protocol:
    """The table in either order."""
    token, cash = (Leg.TOKEN,), (Leg.CASH,)
    wire = ("cash ledger",)
    if safe:
        rules = [
            Rule("reserve", "notary", _S.READY, _S.LOCKED_1, ("seller",), lock=token),
            Rule("pay", "buyer", _S.LOCKED_1, _S.DECIDED, wire, _order_live, deliver=cash),
            Rule("void_order", "buyer", _S.LOCKED_1, _S.LOCKED_1, wire, _order_live,
                 learn=("void",)),
            Rule("void_late", "notary", _S.LOCKED_1, _S.LOCKED_1, wire,
                 lambda w: _order_live(w) and _over(w), learn=("void",)),
            Rule("release", "notary", _S.LOCKED_1, _S.FAILING, (), lambda w: w.knows("void"),
                 give_back=token),
            Rule("commit", "notary", _S.DECIDED, _S.SETTLED, deliver=token),
        ]  # fmt: skip
    else:
        rules = [
            *(
                Rule("spend_elsewhere", "seller", when, when, ("notary",),
                     lambda w: not w.knows("spent"), learn=("spent",))
                for when in (_S.READY, _S.DECIDED)
            ),
            Rule("pay_in_validation", "buyer", _S.READY, _S.DECIDED, wire, deliver=cash,
                 learn=("signed",)),
            Rule("commit", "notary", _S.DECIDED, _S.SETTLED, (), lambda w: not w.knows("spent"),
                 deliver=token),
            Rule("double_spend", "notary", _S.DECIDED, _S.SPLIT, (), lambda w: w.knows("spent"),
                 bearer="buyer", blame="seller"),
        ]  # fmt: skip
    rules.append(Rule("lapse", "desk", _S.READY, _S.FAILING, when=_over))
    actors = ("seller", "buyer", "notary", "cash ledger")
    name = "B4" if safe else "B4 unsafe order"
    return Protocol(name, (*rules, *retry_rule()), actors, horizon_ticks=5, may_split=not safe)
