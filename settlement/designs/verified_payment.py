"""Design B2, the default: provisional transfer, verified payment, final transfer.

| from | rule | by | to |
|---|---|---|---|
| ready | deposit | seller | locked_1 |
| ready | lapse | desk | failing |
| locked_1 | cancel | seller | cancelled |
| locked_1 | cancel | buyer | cancelled |
| locked_1 | cut_off | seller | failing |
| locked_1 | confirm | buyer | locked_2 |
| locked_2 | pay | platform | decided |
| locked_2 | refuse | platform | locked_1 |
| locked_1 | abort | agent | failing |
| locked_2 | escalate | agent | disputed |
| disputed | pay | platform | decided |
| disputed | refuse | platform | locked_1 |
| decided | finish | agent | settled |
| decided | present | buyer | settled |
| failing | retry | desk | ready |
| failing | compensate | desk | closed_comp |
| failing | cancel | desk | cancelled |

The platform's record is the one place where the payment is decided. The agent aborts on a recorded no
and never on silence: unknown is not no. Whoever has the evidence may present it once the agent is late, so a silent agent
delays and no more. A stop of the instrument bars deposits and payments, not the delivery of what is paid.
``abort_on_unknown`` is the variant that takes silence for a no; the search shows what it costs.

| from | rule (abort on unknown only) | by | to |
|---|---|---|---|
| locked_2 | abort_unknown | agent | locked_2 |
| locked_1 | closed | agent | failing |
| decided | nothing_left | buyer | split |

Sources: deliveries created, confirmed, finished or aborted by an agent (ibet's published DVP contract, which has no timer);
provisional and final transfer around a verified payment (press releases on the DCJPY trials).
"""

from typing import Final

from settlement.designs.conduct import MINUTE_NS, RETRY, TWO_LEDGERS, After, Conduct, Step, When
from settlement.designs.rules import Protocol, Rule, World, retry_rule
from settlement.designs.states import Leg, LegState, ObligationState

AGENT_TICKS: Final = 2
"""From here on the buyer may present the evidence."""

CUT_OFF_TICKS: Final = 4
_S = ObligationState


CONDUCT: Final = Conduct(
    steps=(
        Step("deposit", (("seller", "token ledger", "buyer"),)),
        Step("lapse"),
        Step("abort"),
        Step("confirm", (("buyer", "cash ledger", "seller"),), after=After.MESSAGE),
        Step("cut_off"),
        Step("pay", (("platform", "token ledger", "buyer", "seller"),), after=After.MESSAGE),
        Step("finish", (("agent", "token ledger", "register"),), after=After.MESSAGE),
        Step("present", (("buyer", "token ledger", "register"),), after=After.MESSAGE),
        Step("escalate", when=When.END),
        RETRY,
    ),
    needs={**TWO_LEDGERS, "platform": (":decision", ":message"), "agent": (":agent",)},
    cut_off_ticks=CUT_OFF_TICKS,
    agent_ticks=AGENT_TICKS,
    agent_ns=30 * MINUTE_NS,
    own_clock=True,
    partials=True,
)
"""Half an hour after the payment the buyer presents the evidence itself."""


def _fresh(world: World) -> bool:
    return world.cash is LegState.NONE


def _late(world: World) -> bool:
    return world.now_ticks >= CUT_OFF_TICKS and world.cash is not LegState.LOCKED


def verified_payment(*, abort_on_unknown: bool = False) -> Protocol:
    """The table, or its unsafe variant."""
    token, cash = (Leg.TOKEN,), (Leg.CASH,)
    wire, chain = ("cash ledger",), ("token ledger",)
    rules = [
        Rule("lapse", "desk", _S.READY, _S.FAILING, when=lambda w: w.now_ticks >= CUT_OFF_TICKS),
        Rule("deposit", "seller", _S.READY, _S.LOCKED_1, chain, lock=token),
        Rule("cancel", "seller", _S.LOCKED_1, _S.CANCELLED, chain, _fresh, give_back=token),
        Rule("cancel", "buyer", _S.LOCKED_1, _S.CANCELLED, chain, _fresh, give_back=token),
        Rule("cut_off", "seller", _S.LOCKED_1, _S.FAILING, chain, _late, give_back=token),
        Rule("confirm", "buyer", _S.LOCKED_1, _S.LOCKED_2, wire, _fresh, lock=cash),
        Rule("abort", "agent", _S.LOCKED_1, _S.FAILING, chain, lambda w: w.knows("no"),
             give_back=token),
        Rule("escalate", "agent", _S.LOCKED_2, _S.DISPUTED, when=lambda w: w.now_ticks >= CUT_OFF_TICKS),
        Rule("finish", "agent", _S.DECIDED, _S.SETTLED, chain, lambda w: w.token is LegState.LOCKED,
             deliver=token, urgent=True),
        Rule("present", "buyer", _S.DECIDED, _S.SETTLED, chain,
             lambda w: w.now_ticks >= AGENT_TICKS and w.token is LegState.LOCKED, deliver=token),
    ]  # fmt: skip
    for waiting in (_S.LOCKED_2, _S.DISPUTED):
        rules += [
            Rule("pay", "platform", waiting, _S.DECIDED, wire, deliver=cash, learn=("evidence",)),
            Rule("refuse", "platform", waiting, _S.LOCKED_1, wire, give_back=cash, learn=("no",)),
        ]
    if abort_on_unknown:
        rules += [
            Rule("abort_unknown", "agent", _S.LOCKED_2, _S.LOCKED_2, chain,
                 lambda w: w.now_ticks >= AGENT_TICKS and w.token is LegState.LOCKED,
                 give_back=token),
            Rule("nothing_left", "buyer", _S.DECIDED, _S.SPLIT,
                 when=lambda w: w.token is LegState.RETURNED, bearer="buyer", blame="agent"),
            Rule("closed", "agent", _S.LOCKED_1, _S.FAILING,
                 when=lambda w: w.token is LegState.RETURNED and w.cash is LegState.RETURNED),
        ]  # fmt: skip
        rules = [
            rule._replace(when=lambda w: w.token is LegState.LOCKED and w.knows("no"))
            if rule.name == "abort"
            else rule._replace(when=lambda w: w.token is LegState.LOCKED and _late(w))
            if rule.name == "cut_off"
            else rule
            for rule in rules
        ]
    name = "B2 abort on unknown" if abort_on_unknown else "B2"
    actors = ("seller", "buyer", "platform", "agent", "token ledger", "cash ledger")
    return Protocol(
        name, (*rules, *retry_rule()), actors, horizon_ticks=6, may_split=abort_on_unknown
    )
