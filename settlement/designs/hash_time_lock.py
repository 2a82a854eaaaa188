"""Design B1: one hash, two time locks, two ledgers.

| from | rule | by | to |
|---|---|---|---|
| ready | lead | leader | locked_1 |
| ready | lapse | desk | failing |
| locked_1 | follow | follower | locked_2 |
| locked_2 | reveal | leader | decided |
| locked_2 | refund_second | follower | locked_1 |
| locked_2 | refund_first | leader | locked_2 |
| locked_2 | refund_last | follower | failing |
| locked_1 | refund_first | leader | failing |
| decided | claim | follower | settled |
| decided | refund_first | leader | split |
| decided | find_nothing | follower | split |
| failing | retry | desk | ready |
| failing | compensate | desk | closed_comp |
| failing | cancel | desk | cancelled |

The leader holds the secret, locks first and expires last; the follower locks second and expires first. On both
ledgers a claim counts while now < T and a refund from T on, each on its ledger's own clock.
The follower locks only when the expiries, read on the ledgers, are the margin apart (I7). A new attempt has a new hash and new
expiries: its ticks begin anew, so the search of one attempt speaks for all. The search shows the rule is tight: with a margin of m ticks nobody loses principal while outages after the
reveal and the skew of the first ledger's clock sum to at most m, and with one tick more the
follower does.

An outage of a ledger may also put off the expiries on it by its length (EXTEND of settlement/station.py). Then an outage of
the first ledger alone never costs principal, and one of the second ledger does, beyond the margin: the second lock
lives on while the first runs out, and the leader takes both. The search shows the same bound for both policies; it is
other people's outages that count. Trials run FAULT.

Sources: the margin rule of hash time locks; same expression for claim and refund on both ledgers,
because two clocks and two expressions have left gaps in public escrows.
"""

from typing import Final

from settlement.designs.conduct import MINUTE_NS, RETRY, TWO_LEDGERS, After, Conduct, Step
from settlement.designs.rules import Protocol, Rule, World, retry_rule
from settlement.designs.states import Leg, LegState, ObligationState
from settlement.station import OutagePolicy

FOLLOWER_EXPIRES_TICKS: Final = 3
_S = ObligationState


MARGIN_TICKS: Final = 3
CONDUCT: Final = Conduct(
    steps=(
        Step("lead", (("seller", "token ledger", "buyer"),)),
        Step("lapse"),
        Step("follow", (("buyer", "cash ledger", "seller"),), after=After.MESSAGE, chooses=True),
        Step("reveal", (("seller", "token ledger", "buyer", "seller"),), after=After.MESSAGE),
        Step("claim", (("buyer", "token ledger", "register"),), after=After.MESSAGE),
        Step("refund_second"),
        Step("refund_first"),
        Step("refund_last"),
        Step("find_nothing"),
        RETRY,
    ),
    needs=TWO_LEDGERS,
    cut_off_ticks=FOLLOWER_EXPIRES_TICKS + MARGIN_TICKS,
    tick_ns=30 * MINUTE_NS,
    own_clock=True,
    first_ticks=FOLLOWER_EXPIRES_TICKS,
    last_ticks=FOLLOWER_EXPIRES_TICKS + MARGIN_TICKS,
)
"""The seller leads: its units are locked for three hours, the buyer's yen for one and a half."""


def hash_time_lock(
    *,
    margin_ticks: int = MARGIN_TICKS,
    offered_ticks: int | None = None,
    skew_ticks: int = 0,
    leader: str = "seller",
    checks: bool = True,
    outages: OutagePolicy = OutagePolicy.FAULT,
) -> Protocol:
    """The table.

    Args:
        margin_ticks: What the follower demands between the expiries.
        offered_ticks: What the leader offers; None is what is demanded.
        skew_ticks: How far the first ledger's clock is ahead of the second's.
        leader: Who holds the secret; the other leads into the other asset.
        checks: False is a follower who does not look (unsafe).
        outages: Whether a ledger's outage puts off the expiries on it.
    """
    follower = "buyer" if leader == "seller" else "seller"
    first, second = Leg.TOKEN, Leg.CASH
    if leader == "buyer":
        first, second = second, first
    first_ledger, second_ledger = f"{first} ledger", f"{second} ledger"
    offered = margin_ticks if offered_ticks is None else offered_ticks
    leader_expires = FOLLOWER_EXPIRES_TICKS + offered

    def put_off(leg: Leg, world: World) -> int:
        return world.put_off[0 if leg is Leg.TOKEN else 1]

    def first_live(world: World) -> bool:
        now = world.now_ticks + skew_ticks + world.skew_ticks
        return now < leader_expires + put_off(first, world)

    def first_over(world: World) -> bool:
        return not first_live(world)

    def may_follow(world: World) -> bool:
        apart = offered + put_off(first, world) - put_off(second, world)
        enough = apart >= margin_ticks or not checks  # I7, as read on the ledgers
        fresh = world.leg(second) is LegState.NONE and second_live(world)
        return enough and fresh and first_live(world)

    def second_live(world: World) -> bool:
        return world.now_ticks < FOLLOWER_EXPIRES_TICKS + put_off(second, world)

    def second_over(world: World) -> bool:
        return not second_live(world)

    def has_first(world: World) -> bool:
        return world.leg(first) is LegState.LOCKED

    def first_refundable(world: World) -> bool:
        return has_first(world) and first_over(world)

    rules = (
        Rule("lead", leader, _S.READY, _S.LOCKED_1, (first_ledger,), first_live, lock=(first,)),
        Rule("lapse", "desk", _S.READY, _S.FAILING, (), first_over),
        Rule(
            "follow", follower, _S.LOCKED_1, _S.LOCKED_2, (second_ledger, first_ledger), may_follow,
            lock=(second,),
        ),
        Rule(
            "reveal", leader, _S.LOCKED_2, _S.DECIDED, (second_ledger,), second_live,
            deliver=(second,), learn=("secret",),
        ),
        Rule(
            "refund_second", follower, _S.LOCKED_2, _S.LOCKED_1, (second_ledger,),
            lambda world: second_over(world) and has_first(world), give_back=(second,),
        ),
        Rule(
            "refund_first", leader, _S.LOCKED_2, _S.LOCKED_2, (first_ledger,), first_refundable,
            give_back=(first,),
        ),
        Rule(
            "refund_last", follower, _S.LOCKED_2, _S.FAILING, (second_ledger,),
            lambda world: second_over(world) and not has_first(world), give_back=(second,),
        ),
        Rule(
            "refund_first", leader, _S.LOCKED_1, _S.FAILING, (first_ledger,), first_refundable,
            give_back=(first,),
        ),
        Rule(
            "claim", follower, _S.DECIDED, _S.SETTLED, (first_ledger,),
            lambda world: has_first(world) and first_live(world), deliver=(first,), urgent=True,
        ),
        Rule(
            "refund_first", leader, _S.DECIDED, _S.SPLIT, (first_ledger,), first_refundable,
            give_back=(first,), bearer=follower, blame_else="clocks" if skew_ticks > 0 else leader,
        ),
        Rule(
            "find_nothing", follower, _S.DECIDED, _S.SPLIT, (first_ledger,),
            lambda world: not has_first(world), bearer=follower,
            blame_else="clocks" if skew_ticks > 0 else leader,
        ),
        *retry_rule(),
    )  # fmt: skip

    name = "B1" if checks else "B1 without margin"
    actors = ("seller", "buyer", "token ledger", "cash ledger")
    horizon = leader_expires + abs(skew_ticks) + 1
    return Protocol(
        f"{name}, {leader} leads", rules, actors, horizon_ticks=horizon, may_split=True,
        puts_off=outages is OutagePolicy.EXTEND,
    )  # fmt: skip
