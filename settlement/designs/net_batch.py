"""Designs C2 and C3: a net batch cycle, seen from one obligation of it.

| from | rule | by | to |
|---|---|---|---|
| ready | execute | seller | locked_1 |
| ready | lapse | desk | failing |
| locked_1 | fund | buyer | locked_2 |
| locked_2 | complete | clearer | settled |
| locked_1 | unwind | clearer | failing |
| locked_1 | postpone | clearer | failing |
| locked_1 | use_fund | clearer | settled |
| locked_2 | unwind | clearer | failing |
| locked_2 | postpone | clearer | failing |
| failing | retry | desk | ready |
| failing | compensate | desk | closed_comp |
| failing | cancel | desk | cancelled |

Units executed are not complete until the funds are: that second step is what makes model 2 (units gross, cash net) as safe as
model 3 (both net). Missing funds at the end of the window meet one of three rules; of these only the guarantee fund settles; what
it cannot cover is unwound. Who has funded goes back as well when the rest of the cycle does not stand without the one who has not.
With ``novate`` a central house takes the place of each side before anything is executed (a CCP): each owes the house and is
owed by it. The house pays for who does not, out of its lines, and takes the units; it has no one to unwind with, so what
its lines do not cover, and what is stopped, is postponed. Novation stands over a new attempt.

| from | rule (novate only) | by | to |
|---|---|---|---|
| ready | novate | clearer | ready |
| locked_1 | house_pays | clearer | settled |

``two_step=False`` completes the units when they are executed and asks for the cash at the end of the cycle: the deliverer
is exposed in between.

| from | rule (one step only) | by | to |
|---|---|---|---|
| ready | execute | seller | token_out |
| token_out | pay_net | buyer | settled |
| token_out | default | clearer | split |
| token_out | use_fund | clearer | settled |

Seen from one obligation C2 and C3 have the same states; they differ in how much is netted.
Source: DvP models 2 and 3 (CPSS 1992).
"""

from typing import Final

from settlement.designs.conduct import After, Conduct, Step, When
from settlement.designs.rules import Protocol, Rule, World, retry_rule
from settlement.designs.states import Leg, ObligationState

WINDOW_TICKS: Final = 3
_S = ObligationState


CONDUCT: Final = Conduct(
    steps=(
        Step("novate", (("clearer", "seller", "buyer"),), when=When.SET),
        Step("execute", (("clearer", "seller", "buyer"),), when=When.SET),
        Step("fund", when=When.SET),
        Step("complete", (("clearer", "register"),), when=When.SET),
        Step("lapse"),
        Step("use_fund", (("clearer", "register"),), when=When.SET),
        Step("house_pays", (("clearer", "register"),), when=When.SET),
        Step("unwind", when=When.SET),
        Step("postpone", when=When.SET),
        Step("retry", after=After.RETRY),
    ),
    needs={
        "seller": ("seller",),
        "buyer": ("buyer",),
        "clearer": ("token", "cash", "notary"),
    },
    cut_off_ticks=WINDOW_TICKS,
)
"""The clearer's cycle decides when; the window for funds is the table's."""


def _window_over(world: World) -> bool:
    return world.now_ticks >= WINDOW_TICKS


def net_batch(*, default_rule: str = "use_fund", two_step: bool = True) -> Protocol:
    """The table.

    Args:
        default_rule: unwind, postpone, use_fund or novate; anything else is none.
        two_step: Whether units are complete only when funds are.
    """
    token, cash, both = (Leg.TOKEN,), (Leg.CASH,), (Leg.TOKEN, Leg.CASH)
    has_fund, has_house = default_rule == "use_fund", default_rule == "novate"
    if two_step:
        rules = [
            Rule("execute", "seller", _S.READY, _S.LOCKED_1, ("clearer",),
                 lambda w: not has_house or w.knows("novated"), lock=token),
            Rule("fund", "buyer", _S.LOCKED_1, _S.LOCKED_2, ("clearer",),
                 lambda w: not _window_over(w), lock=cash),
            Rule("lapse", "desk", _S.READY, _S.FAILING, when=_window_over),
            Rule("complete", "clearer", _S.LOCKED_2, _S.SETTLED, deliver=both),
        ]  # fmt: skip
        if has_house:
            rules.append(
                Rule(
                    "novate", "clearer", _S.READY, _S.READY,
                    when=lambda w: not w.knows("novated"), learn=("novated",),
                )
            )  # fmt: skip
        if has_fund or has_house:
            rules.append(
                Rule(
                    "use_fund" if has_fund else "house_pays",
                    "clearer",
                    _S.LOCKED_1,
                    _S.SETTLED,
                    (),
                    _window_over,
                    deliver=both,
                    learn=("fund_pays",),
                )
            )
        back = {"use_fund": "unwind", "novate": "postpone"}.get(default_rule, default_rule)
        rules += [
            Rule(back, "clearer", _S.LOCKED_1, _S.FAILING, (), _window_over, give_back=token),
            Rule(back, "clearer", _S.LOCKED_2, _S.FAILING, (), _window_over, give_back=both),
        ]  # fmt: skip
    else:
        rules = [
            Rule("execute", "seller", _S.READY, _S.TOKEN_OUT, ("clearer",), deliver=token),
            Rule("pay_net", "buyer", _S.TOKEN_OUT, _S.SETTLED, ("clearer",), deliver=cash),
            Rule("lapse", "desk", _S.READY, _S.FAILING, when=_window_over),
        ]  # fmt: skip
        if has_fund:
            rules.append(Rule("use_fund", "clearer", _S.TOKEN_OUT, _S.SETTLED, (), _window_over,
                              deliver=cash, learn=("fund_pays",)))  # fmt: skip
        else:
            rules.append(Rule("default", "clearer", _S.TOKEN_OUT, _S.SPLIT, (),
                              lambda w: _window_over(w) and "buyer" in w.gone,
                              bearer="seller", blame="buyer"))  # fmt: skip
    steps = "two steps" if two_step else "one step"
    return Protocol(
        f"C {default_rule}, {steps}", (*rules, *retry_rule()), ("seller", "buyer", "clearer"),
        horizon_ticks=5, may_split=not two_step and not has_fund,
    )  # fmt: skip
