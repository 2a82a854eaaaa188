"""Protocols: no order of events leaves one leg final, or the design says who loses and why."""

import importlib
import pkgutil
import random
import re

import pytest

import settlement.designs
from market.errors import InvariantBroken
from market.events import DeliveryAction
from market.events import DeliveryState as V
from settlement.delivery import GROSS_ATOMIC_LIFE, PROVISIONAL_TRANSFER_LIFE, Life
from settlement.designs.catalogue import SAFE, UNSAFE, WITHIN_MARGIN
from settlement.designs.enact import FUND, Answer, Enactment, Terms
from settlement.designs.hash_time_lock import hash_time_lock
from settlement.designs.rules import Protocol, Rule, World, apply, check_life
from settlement.designs.search import Bounds, check_world, moves, search
from settlement.designs.states import (
    ONE_LEG_ALLOWED,
    REPORTED,
    TERMINAL,
    Leg,
    LegState,
    ObligationState,
)
from settlement.designs.verified_payment import verified_payment
from settlement.ledger import Ledger
from settlement.station import OutagePolicy

S = ObligationState
EVERY = {**SAFE, **WITHIN_MARGIN, **UNSAFE}


@pytest.mark.parametrize("name", EVERY)
def test_a_life_table_has_exits_and_ends(name: str) -> None:
    """I8 and I20 by the table alone."""
    check_life(EVERY[name]())


def test_a_table_with_a_way_out_of_an_end_is_refused() -> None:
    """A settled obligation that could move again is a defect of the table."""
    undo = Rule("undo", "desk", S.SETTLED, S.READY)
    with pytest.raises(InvariantBroken, match="I8"):
        check_life(Protocol("bad", (undo,), ("desk",)))


def test_a_table_with_a_dead_end_is_refused() -> None:
    """A state nobody can leave is a defect of the table."""
    lock = Rule("lock", "desk", S.READY, S.LOCKED_1)
    with pytest.raises(InvariantBroken, match="I20"):
        check_life(Protocol("bad", (lock,), ("desk",)))


def test_every_state_has_a_code() -> None:
    """What a participant is told is defined in every state."""
    assert list(REPORTED) == list(S)


def test_codes_are_used_as_they_are_published() -> None:
    """Given and not yet got is AWMO or AWSH; LACK and MONY are for what was not given (sese.024)."""
    assert REPORTED[S.TOKEN_OUT].endswith("AWMO"), "units delivered, money awaited"
    assert REPORTED[S.CASH_OUT].endswith("AWSH"), "money delivered, units awaited"
    assert {"LACK", "MONY"} <= set(REPORTED[S.QUEUED].replace("/", " ").split())
    for state in ONE_LEG_ALLOWED:
        assert "LACK" not in REPORTED[state]
        assert "MONY" not in REPORTED[state]


def header_row(name: str, rule: Rule) -> str:
    """A rule as a header writes it: for who leads, and who gives first, by what they do."""
    actor, target = rule.actor, str(rule.target)
    if name.startswith("B1") and actor in {"seller", "buyer"}:
        leads = "buyer" if name == "B1 buyer leads" else "seller"
        actor = "leader" if actor == leads else "follower"
    if rule.name == "give_first":
        actor, target = "first giver", "token_out or cash_out"
    return f"| {rule.origin} | {rule.name} | {actor} | {target} |"


def test_headers_state_the_table() -> None:
    """Every rule of every table, variants included, is a row of a header, and no row is of no rule."""
    headers = [
        importlib.import_module(f"settlement.designs.{found.name}").__doc__ or ""
        for found in pkgutil.iter_modules(settlement.designs.__path__)
    ]
    written = {
        line
        for header in headers
        for line in header.splitlines()
        if line.count("|") == 5 and not line.startswith(("| from", "|---"))
    }
    assert written == {header_row(name, rule) for name in EVERY for rule in EVERY[name]().rules}
    for header in headers:
        if "\n| from " in header:
            assert re.search(r"^Sources?: \S", header, re.MULTILINE), "where the design comes from"


# --- the search


@pytest.mark.parametrize("name", SAFE)
def test_no_order_of_events_leaves_one_leg_final(name: str) -> None:
    """Two outages, three ticks of them, one default, any order, every depth: no loss, an exit for each."""
    found = search(SAFE[name](), Bounds())

    assert found.complete
    assert found.losses == ()
    assert found.stuck == ()
    assert S.SPLIT not in found.ends
    assert S.SETTLED in found.ends


@pytest.mark.parametrize("skew", [-1, 0, 1, 2])
@pytest.mark.parametrize("margin", [1, 2, 3])
@pytest.mark.parametrize("leader", ["seller", "buyer"])
def test_hash_time_locks_are_safe_exactly_within_their_margin(
    leader: str, margin: int, skew: int
) -> None:
    """Outage and skew up to the margin lose nothing; one tick more and the follower can lose."""
    follower = "buyer" if leader == "seller" else "seller"
    protocol = hash_time_lock(margin_ticks=margin, skew_ticks=skew, leader=leader)
    for outage in range(6):
        found = search(protocol, Bounds(outage_ticks=outage, defaults=0))
        assert bool(found.losses) == (outage + skew > margin), outage
        assert all(loss.bearer == follower for loss in found.losses)
        if outage + skew <= margin:
            assert found.stuck == ()


@pytest.mark.parametrize("margin", [1, 2, 3])
@pytest.mark.parametrize("leader", ["seller", "buyer"])
def test_expiries_that_outages_put_off_have_the_same_margin(leader: str, margin: int) -> None:
    """EXTEND: outages up to the margin lose nothing, one tick more and the follower can lose."""
    follower = "buyer" if leader == "seller" else "seller"
    protocol = hash_time_lock(margin_ticks=margin, leader=leader, outages=OutagePolicy.EXTEND)
    for outage in range(6):
        found = search(protocol, Bounds(outage_ticks=outage, defaults=0))
        assert found.complete
        assert bool(found.losses) == (outage > margin), outage
        assert all(loss.bearer == follower for loss in found.losses)
        if outage <= margin:
            assert found.stuck == ()


@pytest.mark.parametrize("policy", list(OutagePolicy))
@pytest.mark.parametrize("leader", ["seller", "buyer"])
def test_whose_outage_costs_principal_is_what_the_outage_policy_decides(
    leader: str, policy: OutagePolicy
) -> None:
    """Only the first ledger's where outages are faults, only the second's where they put off expiries."""
    first, second = "token ledger", "cash ledger"
    if leader == "buyer":
        first, second = second, first
    protocol = hash_time_lock(margin_ticks=2, leader=leader, outages=policy)
    bounds = Bounds(crashes=2, outage_ticks=5, defaults=0)
    costs = {
        ledger
        for ledger in (first, second)
        if search(protocol._replace(actors=(ledger,)), bounds).losses
    }
    assert costs == ({first} if policy is OutagePolicy.FAULT else {second})


def test_a_follower_who_is_offered_too_little_margin_does_not_lock() -> None:
    """I7: one tick short and it never comes to a second lock, nor to a loss; exactly enough and it does."""
    short = search(hash_time_lock(margin_ticks=3, offered_ticks=2), Bounds(defaults=0))
    assert S.SETTLED not in short.ends
    assert (short.losses, short.stuck) == ((), ())
    enough = search(hash_time_lock(margin_ticks=3, offered_ticks=3), Bounds(defaults=0))
    assert S.SETTLED in enough.ends


@pytest.mark.parametrize("skew", [-2, 0, 2])
def test_at_every_instant_either_claim_or_refund_is_open(skew: int) -> None:
    """On each ledger exactly one of them, the boundary instant included: claim before T, refund from T on."""
    protocol = hash_time_lock(skew_ticks=skew)
    first = World(state=S.DECIDED, token=LegState.LOCKED, cash=LegState.DELIVERED)
    second = World(state=S.LOCKED_2, token=LegState.LOCKED, cash=LegState.LOCKED)
    for now in range(protocol.horizon_ticks + 1):
        on_first = {rule.name for rule in protocol.enabled(first._replace(now_ticks=now))}
        on_second = {rule.name for rule in protocol.enabled(second._replace(now_ticks=now))}
        assert len(on_first & {"claim", "refund_first"}) == 1
        assert len(on_second & {"reveal", "refund_second"}) == 1


def test_beyond_the_margin_the_cause_is_who_was_out() -> None:
    """The follower by its own outage, or the ledger it had to claim on; never the others."""
    found = search(hash_time_lock(margin_ticks=2), Bounds(outage_ticks=3, defaults=0))

    assert {(loss.bearer, loss.cause) for loss in found.losses} == {
        ("buyer", "buyer"),
        ("buyer", "token ledger"),
    }


def test_who_goes_for_ever_may_lose_by_hash_time_lock_and_nobody_else() -> None:
    """A default costs principal only to the one who defaulted."""
    for build in WITHIN_MARGIN.values():
        found = search(build(), Bounds(crashes=1, outage_ticks=0, defaults=1))
        assert found.losses
        assert all(loss.bearer == loss.cause for loss in found.losses)


@pytest.mark.parametrize("name", {**SAFE, **WITHIN_MARGIN})
def test_a_stop_of_the_issue_at_any_moment_splits_nothing(name: str) -> None:
    """Control off, station closed or account frozen, before, between and after any steps."""
    defaults = 0 if name in WITHIN_MARGIN else 1
    found = search({**SAFE, **WITHIN_MARGIN}[name](), Bounds(1, 2, defaults, toggles=1))

    assert (found.losses, found.stuck) == ((), ())
    assert found.complete


def test_a_stop_that_freezes_what_is_decided_costs_principal_where_locks_end_by_time() -> None:
    """Freezing splits a hash time lock, by the issuer's act; a payment with evidence only waits."""
    bounds = Bounds(0, 0, 0, toggles=1)

    timed = search(hash_time_lock()._replace(freezes=True), bounds)
    assert {(loss.bearer, loss.cause) for loss in timed.losses} == {("buyer", "issuer")}
    verified = search(verified_payment()._replace(freezes=True), bounds)
    assert verified.losses == ()


LOSSES = {
    "B1 without margin": {("buyer", "buyer"), ("buyer", "token ledger")},
    "B2 abort on unknown": {("buyer", "agent")},
    "B3 both keys": {("buyer", "oracle")},
    "B4 unsafe order": {("buyer", "seller")},
    "C one step": {("seller", "buyer")},
    "D token-first": {("seller", "buyer")},
    "D cash-first": {("buyer", "seller")},
    "D random": {("seller", "buyer"), ("buyer", "seller")},
}


@pytest.mark.parametrize("name", UNSAFE)
def test_where_a_design_allows_a_loss_the_search_says_whose(name: str) -> None:
    """SPLIT is reached, with its bearer, its cause and a path that replays to it."""
    protocol = UNSAFE[name]()
    found = search(protocol, Bounds(defaults=0 if name.startswith("B1") else 1))

    assert {(loss.bearer, loss.cause) for loss in found.losses} == LOSSES[name]
    assert protocol.may_split


def test_a_path_of_a_loss_replays() -> None:
    """The path shown leads, move by move, to a loss by the one named."""
    protocol, bounds = verified_payment(abort_on_unknown=True), Bounds()
    loss = search(protocol, bounds).losses[0]
    world = World(
        crashes_left=bounds.crashes,
        outage_ticks_left=bounds.outage_ticks,
        defaults_left=bounds.defaults,
    )
    for name in loss.path:
        world = next(after for edge, after in moves(protocol, world) if edge.name == name)

    assert (world.state, world.bearer) == (S.SPLIT, loss.bearer)


def test_a_stated_depth_is_a_bound_that_is_said() -> None:
    """A search that stopped early does not say it saw everything."""
    found = search(verified_payment(), Bounds(depth=4))

    assert not found.complete
    assert found.depth == 4


def test_the_search_has_teeth() -> None:
    """A planted rule that settles with one leg, and one that leaves a lock, are both caught."""
    half = Rule("half", "ledger", S.READY, S.SETTLED, ("seller",), deliver=(Leg.TOKEN,))
    with pytest.raises(InvariantBroken, match="I4"):
        search(Protocol("half", (half,), ("ledger",)), Bounds())
    left = Rule("left", "ledger", S.READY, S.CANCELLED, ("seller",), lock=(Leg.TOKEN,))
    with pytest.raises(InvariantBroken, match="I6"):
        search(Protocol("left", (left,), ("ledger",)), Bounds())
    with pytest.raises(InvariantBroken, match="I19"):
        check_world(World(facts=("failure_key", "success_key")))


def test_an_exit_that_needs_the_others_signature_is_none() -> None:
    """I20: the desk may return the units only with the buyer's word; the seller cannot get out alone."""
    rules = (
        Rule("lock", "seller", S.READY, S.LOCKED_1, lock=(Leg.TOKEN,)),
        Rule("return", "desk", S.LOCKED_1, S.CANCELLED, ("buyer",), give_back=(Leg.TOKEN,)),
    )
    (stuck,) = search(Protocol("signed", rules, ("seller", "buyer")), Bounds()).stuck
    assert stuck == ("seller", "lock")

    alone = (rules[0], rules[1]._replace(needs=()))
    assert search(Protocol("alone", alone, ("seller", "buyer")), Bounds()).stuck == ()


def test_a_state_that_leads_nowhere_is_found() -> None:
    """B2 with a cut-off that calls a returned attempt decided: nobody has anything locked, and nothing ends it."""
    sound = verified_payment()
    rules = [
        rule._replace(target=S.DECIDED) if rule.name == "cut_off" else rule for rule in sound.rules
    ]
    bounds = Bounds(crashes=0, defaults=0)
    assert search(sound, bounds).stuck == ()
    (stuck,) = search(sound._replace(rules=tuple(rules)), bounds).stuck
    assert stuck == ("both", "deposit", *["tick"] * 4, "cut_off")


@pytest.mark.parametrize(("name", "rule", "by"), [("B2", "deposit", "buyer"), ("B4", "pay", "seller"),
                                                  ("C fund", "fund", "seller"), ("B1", "lead", "buyer")])  # fmt: skip
def test_nobody_gives_what_is_anothers(name: str, rule: str, by: str) -> None:
    """V3: a table in which the other side locks or pays a leg is refused by the search."""
    sound = {**SAFE, **WITHIN_MARGIN}[name]()
    rules = tuple(one._replace(actor=by) if one.name == rule else one for one in sound.rules)

    with pytest.raises(InvariantBroken, match="V3: who gives a leg takes part"):
        search(sound._replace(rules=rules), Bounds(crashes=0, defaults=0))


def test_a_lock_ends_once() -> None:
    """I5: what was returned is neither returned again nor delivered."""
    world = World(state=S.LOCKED_1, token=LegState.RETURNED)
    for rule in (
        Rule("again", "desk", S.LOCKED_1, S.FAILING, give_back=(Leg.TOKEN,)),
        Rule("late", "desk", S.LOCKED_1, S.FAILING, deliver=(Leg.TOKEN,)),
        Rule("relock", "desk", S.LOCKED_1, S.FAILING, lock=(Leg.TOKEN,)),
    ):
        with pytest.raises(InvariantBroken, match="I5"):
            apply(rule, world)


# --- on real ledgers


def books(units: int = 10, yen: int = 1_000) -> tuple[Ledger, Ledger]:
    """A seller with units, a buyer with yen, and a guarantee fund."""
    token, cash = Ledger("KH01", "issuer"), Ledger("yen", "bank")
    token.post("issuer", "s", units)
    cash.post("bank", "b", yen)
    cash.post("bank", FUND, 1_000)
    return token, cash


TERMS = Terms("1", "s", "b", 10, 1_000)


@pytest.mark.parametrize("name", EVERY)
def test_random_walks_move_units_and_yen_as_the_states_say(name: str) -> None:
    """After every step both ledgers balance and hold what the legs say; repeats move nothing."""
    protocol = EVERY[name]()
    for seed in range(60):
        chance = random.Random(seed)
        token, cash = books()
        start = World(crashes_left=3, outage_ticks_left=5, defaults_left=1, toggles_left=2)
        run = Enactment(protocol, TERMS, token, cash, start)
        for number in range(60):
            choices = list(moves(protocol, run.world))
            if not choices:
                break
            edge, after = chance.choice(choices)
            if not edge.is_rule:
                run.world = after
                continue
            rule = next(r for r in protocol.enabled(run.world) if apply(r, run.world) == after)
            assert run.take(f"{number}", rule) is Answer.DONE
            was = (token.state(), cash.state(), run.world)
            assert run.take(f"{number}", rule) is Answer.ALREADY
            other = rule._replace(name="other")
            assert run.take(f"{number}", other) is Answer.ID_CONFLICT
            assert was == (token.state(), cash.state(), run.world)
            _check_books(run.world, token, cash)
            assert bool(run.lost_yen) == bool(run.world.bearer)


def _check_books(world: World, token: Ledger, cash: Ledger) -> None:
    token.check_invariants()
    cash.check_invariants()
    assert token.balance("b") == (10 if world.token is LegState.DELIVERED else 0)
    assert cash.balance("s") == (1_000 if world.cash is LegState.DELIVERED else 0)
    assert bool(token.live_holds) == (world.token is LegState.LOCKED)
    assert bool(cash.live_holds) == (world.cash is LegState.LOCKED)
    if world.state in TERMINAL:
        one_leg = bool(token.balance("b")) != bool(cash.balance("s"))
        assert one_leg == bool(world.bearer), "a loss, and only a loss, ends with one leg"
        assert not token.live_holds
        assert not cash.live_holds


def _rule(protocol: Protocol, name: str, origin: ObligationState) -> Rule:
    return next(r for r in protocol.rules if (r.name, r.origin) == (name, origin))


def test_each_refusal_has_one_code_and_moves_nothing() -> None:
    """No such row, wrong state, units missing, somebody out, a stop, a guard, yen missing."""
    b2 = verified_payment()
    deposit, confirm = _rule(b2, "deposit", S.READY), _rule(b2, "confirm", S.LOCKED_1)
    abort, finish = _rule(b2, "abort", S.LOCKED_1), _rule(b2, "finish", S.DECIDED)
    token, cash = books(units=9, yen=999)
    run = Enactment(b2, TERMS, token, cash, World())
    before = (token.state(), cash.state(), run.world)

    steal = Rule("steal", "buyer", S.READY, S.SETTLED, deliver=(Leg.TOKEN,))
    assert run.take("0", steal) is Answer.NO_RULE
    assert run.take("1", finish) is Answer.WRONG_STATE
    assert run.take("2", deposit) is Answer.LACK
    assert (token.state(), cash.state(), run.world) == before
    run.world = run.world._replace(down=("token ledger",))
    assert run.take("3", deposit) is Answer.SOMEONE_OUT
    run.world = run.world._replace(down=(), stopped=True)
    assert run.take("3", deposit) is Answer.STOPPED
    run.world = run.world._replace(stopped=False)
    token.post("issuer", "s", 1)
    assert run.take("4", deposit) is Answer.DONE
    before = (token.state(), cash.state(), run.world)
    assert run.take("5", abort) is Answer.GUARD
    assert run.take("6", confirm) is Answer.MONY
    assert (token.state(), cash.state(), run.world) == before


def test_a_restart_repeats_nothing() -> None:
    """A reply was lost, the process restarted from its record: the same step has the same answer."""
    protocol = SAFE["A"]()
    token, cash = books()
    run = Enactment(protocol, TERMS, token, cash, World())
    settle = _rule(protocol, "settle", S.READY)
    assert run.take("1", settle) is Answer.DONE
    again = Enactment(protocol, TERMS, token, cash, run.world, steps=run.steps)

    assert again.take("1", settle) is Answer.ALREADY
    assert again.take("2", settle) is Answer.WRONG_STATE
    assert (token.balance("b"), cash.balance("s")) == (10, 1_000)


@pytest.mark.parametrize("side", ["seller", "buyer"])
def test_before_the_buyer_confirms_either_side_may_cancel(side: str) -> None:
    """B2: the seller's units are back, whoever asked; the other side need not be up."""
    b2 = verified_payment()
    token, cash = books()
    run = Enactment(b2, TERMS, token, cash, World())
    before = (token.balance("s"), token.balance("b"), cash.balance("b"))
    assert run.take("1", _rule(b2, "deposit", S.READY)) is Answer.DONE
    other = {"seller": "buyer", "buyer": "seller"}[side]
    run.world = run.world._replace(gone=(other,))
    cancel = next(r for r in b2.rules if (r.name, r.actor) == ("cancel", side))

    assert run.take("2", cancel) is Answer.DONE
    assert run.world.state is S.CANCELLED
    assert (token.balance("s"), token.balance("b"), cash.balance("b")) == before
    assert token.can_give("s", TERMS.units)


# --- the venue's own tables

VENUE = {
    V.CREATED: S.READY, V.PROVISIONAL: S.LOCKED_1, V.CONFIRMED: S.LOCKED_2, V.PAID: S.DECIDED,
    V.FINISHED: S.SETTLED, V.FAILING: S.FAILING, V.CANCELED: S.CANCELLED,
}  # fmt: skip


@pytest.mark.parametrize(
    ("life", "protocol"),
    [(GROSS_ATOMIC_LIFE, SAFE["A"]()), (PROVISIONAL_TRANSFER_LIFE, SAFE["B2"]())],
)
def test_the_venue_moves_only_where_the_proven_protocol_can(life: Life, protocol: Protocol) -> None:
    """Each move of a delivery is a path of the protocol that needs no other settlement on its way.

    A part is settled as a whole is; that what is left of the delivery begins anew is no move of it.
    """
    for (origin, action), after_it in life.items():
        target = V.FINISHED if action is DeliveryAction.FILL else after_it
        reached, todo = {VENUE[origin]}, [VENUE[origin]]
        while todo:
            for (state, _), after in protocol.life.items():
                if state is todo[-1] and after not in reached and state is not VENUE[target]:
                    reached.add(after)
                    todo.insert(0, after)
            todo.pop()
        assert VENUE[target] in reached, (origin, target)


def test_who_has_paid_can_only_be_delivered_to_in_both_tables() -> None:
    """The venue's PAID and the protocol's DECIDED have one way out: settled."""
    venue = {
        V.FINISHED if action is DeliveryAction.FILL else after
        for (state, action), after in PROVISIONAL_TRANSFER_LIFE.items()
        if state is V.PAID
    }
    proven = {after for (state, _), after in SAFE["B2"]().life.items() if state is S.DECIDED}

    assert {VENUE[state] for state in venue} == proven == {S.SETTLED}
