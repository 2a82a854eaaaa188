"""The issuer of a trial's money defaults: payments stop for ever, and what is held loses its value.

| who fails | what firms hold | recovery |
|---|---|---|
| issuer of the deposit | claims on the bank that issued the tokens | the strike's: 0, 50 or 90% |
| issuer of the coins | a share of the trust's money, kept apart | par: nothing is lost, nothing is paid either |
| settlement bank | balances with the bank that books the file | the strike's |

At the moment of the default:
1. From here on no yen are paid, locked to be paid, or handed back as a leg (weather.py: ``money`` is stopped; legs.py).
2. A payment that was locked and is not made is refused where the table has a refusal (B2's and B3's no); in the other
   designs the lock returns as after any stop: at its expiry, when the window closes, or when the books do.
3. Every owner of yen loses 1 - recovery of all it owns, free or set aside, rounded up, once; what is set
   aside is its giver's and is written down when it returns. The loss goes to the issuer's estate, so the yen stay accounted for.
Units whose yen were paid before are delivered: a stop never bars the second leg of a payment made.

Ordering: owners in the order in which their accounts were opened. Units: yen, parts per million. Cost: O(accounts + open obligations), once.
Errors: InvariantBroken when a payment is made after it (I16), or when a loss is not taken in whole (I21).
Source: principle 9 of the PFMI (CPMI-IOSCO, 2012: money settlements, credit risk of who issues the money); the recoveries are assumptions.
"""

from collections.abc import Callable
from typing import Final

from market.errors import check
from settlement.designs.conduct import Step
from settlement.designs.enact import Answer
from settlement.designs.rules import Rule
from settlement.designs.states import Leg, LegState
from settlement.trials.desk import Deal
from settlement.trials.records import ISSUER, YEN, IssuerDefaulted, WrittenDown
from settlement.trials.runner import Runner
from settlement.trials.strikes import ISSUERS
from settlement.trials.weather import Act

RECOVERY_PPM: Final = {
    "recovery_0": 0, "recovery_50": 500_000, "recovery_90": 900_000, "apart": 1_000_000,
}  # fmt: skip
"""By the kind of the strike; ``apart`` is money that a trust keeps."""

FAMILY: Final = "F31"
SHOWN: Final = 4
"""Payments under way that are asked for once more, to show that they are refused."""

_REFUSALS: Final = frozenset({"refuse", "failure"})
_MILLION: Final = 1_000_000


def loss_yen_rounded_up(held_yen: int, recovery_ppm: int) -> int:
    """What of a claim is not recovered."""
    return held_yen - held_yen * recovery_ppm // _MILLION


class IssuerDefault:
    """The default of the one issuer of a trial, before it and after.

    Attributes:
        due_yen: What each owner has still to lose, of yen that are set aside.
    """

    def __init__(self, runner: Runner, tell: Callable[[Act, str, str], None]) -> None:
        """Nothing has happened yet."""
        self.runner = runner
        self.desk = runner.desk
        self.tell = tell
        self.due_yen: dict[str, int] = {}
        self._cause = ""

    def strike(self, act: Act) -> None:
        """The default; a second one changes nothing."""
        desk = self.desk
        if desk.money_failed:
            self.tell(act, "", Answer.ALREADY)
            return
        self._cause = ISSUERS[act.strike.target]
        recovery_ppm = RECOVERY_PPM[act.strike.kind]
        held = {owner: yen for (owner, asset), yen in desk.held().items() if asset == YEN and yen}
        desk.write(IssuerDefaulted(at_ns=desk.at_ns, issuer=self._cause, recovery_ppm=recovery_ppm))
        desk.money_failed = True
        desk.on_yen = self._returned
        for owner, yen in held.items():
            self.due_yen[owner] = loss_yen_rounded_up(yen, recovery_ppm)
            self._take(owner, "free")
        self._refuse_payments(act)

    # --- what is under way

    def _refuse_payments(self, act: Act) -> None:
        shown = 0
        for deal in list(self.desk.deals.values()):
            if not deal.is_open or deal.run.world.cash is not LegState.LOCKED:
                continue
            deal.run.world = self.runner.seen_world(deal)
            pay = self._rule(deal, lambda rule: Leg.CASH in rule.deliver)
            if pay is not None and shown < SHOWN:
                shown += 1
                answer = deal.run.take(deal.step_id(1), pay)
                check(answer is not Answer.DONE, "I16: no payment after a default", deal=deal.name)
                self.tell(act, deal.name, answer)
            no = self._rule(deal, lambda rule: rule.name in _REFUSALS)
            if no is not None:
                self._say_no(act, deal, no)

    def _say_no(self, act: Act, deal: Deal, rule: Rule) -> None:
        """A no on record; where whoever says it is out, the lock returns later."""
        answer = self.runner.attempt(deal, rule, Step(rule.name))
        if answer is Answer.DONE:
            self.tell(act, deal.name, "refused")

    def _rule(self, deal: Deal, wanted: Callable[[Rule], bool]) -> Rule | None:
        state = deal.run.world.state
        rules = self.runner.protocol.rules
        return next((one for one in rules if one.origin is state and wanted(one)), None)

    # --- losses

    def _returned(self, owner: str) -> None:
        """Yen came back to an owner: what it still has to lose goes."""
        self._take(owner, "set aside")

    def _take(self, owner: str, held: str) -> None:
        desk = self.desk
        yen = min(self.due_yen.get(owner, 0), desk.free.get((owner, YEN), 0))
        if yen <= 0:
            return
        self.due_yen[owner] -= yen
        desk.write(
            WrittenDown(
                at_ns=desk.at_ns, owner=owner, held=held, cause=self._cause, family=FAMILY, yen=yen
            )
        )
        desk.post("default", YEN, owner, ISSUER, yen)
