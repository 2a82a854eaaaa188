"""Design D, today's practice: two one-way transfers and nothing between them.

| from | rule | by | to |
|---|---|---|---|
| ready | give_first | first giver | token_out or cash_out |
| token_out | give_second | buyer | decided |
| cash_out | give_second | seller | decided |
| decided | reconcile | desk | settled |
| token_out | default | desk | split |
| cash_out | default | desk | split |
| ready | cut_off | desk | failing |
| failing | retry | desk | ready |
| failing | compensate | desk | closed_comp |
| failing | cancel | desk | cancelled |

Both legs are final when the second is given; the desk calls it settled when its books agree.
Whoever gives first has the whole value at risk until the other gives; who that is, is a convention, or chance.
Source: remittance by bank and transfer in the register as separate acts, as brokers describe them; principal risk as in CPSS 1992.
"""

from typing import Final

from settlement.designs.conduct import RETRY, After, Conduct, Hours, Step
from settlement.designs.rules import Protocol, Rule, World, retry_rule
from settlement.designs.states import Leg, ObligationState

CUT_OFF_TICKS: Final = 3
_S = ObligationState


def conduct(first: Leg) -> Conduct:
    """Office hours for units, the bank's file runs for yen, and people between the two."""
    hours = {Leg.TOKEN: Hours.OFFICE, Leg.CASH: Hours.BANK}
    place = {Leg.TOKEN: "register", Leg.CASH: "bank"}
    giver = {Leg.TOKEN: "seller", Leg.CASH: "buyer"}
    second = Leg.CASH if first is Leg.TOKEN else Leg.TOKEN
    told = ((giver[first], place[first], "counterparty", "back office"),)
    then = ((giver[second], place[second]), (place[second], giver[second], "counterparty"))
    return Conduct(
        steps=(
            Step("give_first", told, hours=hours[first]),
            Step("cut_off"),
            Step("give_second", then, after=After.PEOPLE, hours=hours[second]),
            Step("default"),
            Step("reconcile", after=After.REPAIR, hours=Hours.OFFICE),
            RETRY,
        ),
        needs={
            "seller": ("seller",),
            "buyer": ("buyer",),
            "token ledger": ("token",),
            "cash ledger": ("cash",),
        },
        cut_off_ticks=CUT_OFF_TICKS,
        signed=False,
        yen_at_once=False,
    )


def _late(world: World) -> bool:
    return world.now_ticks >= CUT_OFF_TICKS


def _rows(first: Leg) -> tuple[Rule, ...]:
    second = Leg.CASH if first is Leg.TOKEN else Leg.TOKEN
    giver, other = ("seller", "buyer") if first is Leg.TOKEN else ("buyer", "seller")
    out = _S.TOKEN_OUT if first is Leg.TOKEN else _S.CASH_OUT
    return (
        Rule("give_first", giver, _S.READY, out, (f"{first} ledger",), deliver=(first,)),
        Rule("give_second", other, out, _S.DECIDED, (f"{second} ledger",), deliver=(second,)),
        Rule("default", "desk", out, _S.SPLIT, (), lambda w: other in w.gone,
             bearer=giver, blame=other),
    )  # fmt: skip


def two_transfers(first: Leg | None) -> Protocol:
    """The table; None lets either side go first (random)."""
    rows = _rows(first) if first else (*_rows(Leg.TOKEN), *_rows(Leg.CASH))
    rules = (
        *rows,
        Rule("reconcile", "desk", _S.DECIDED, _S.SETTLED),
        Rule("cut_off", "desk", _S.READY, _S.FAILING, (), _late),
        *retry_rule(),
    )
    actors = ("seller", "buyer", "token ledger", "cash ledger")
    name = f"D {first}-first" if first else "D random"
    return Protocol(name, rules, actors, horizon_ticks=5, may_split=True)
