"""Model search: two parties, two legs, every order of steps, outages, defaults, stops, ticks.

Purpose: prove for a protocol that no order of events leaves one leg final and the other not, or show the
shortest one that does, with who bears it and who caused it. Every reachable world is looked at,
within stated bounds on outages, defaults and time; nothing is sampled.

Ordering: breadth first, so a reported path is a shortest one. Checked in every world: I4 (legs
end together), I6 (an end leaves no lock), I19 (one key only); in every move: V3 (who gives a leg acts or
signs). Checked on the whole graph: I20 (while both are there something leads to an end, and each party
has an exit in which the other takes no part, not even by a signature, once outages and stops are over).
Not looked at: a message taken twice or late, and a restart between two ledgers (enact.py gives each step an
id and one record), a second attempt's own outages beyond the bounds, more than one default.
Time passes only when nobody who is up has an urgent step: a protocol is judged by what its
parties can do, not by parties that wait for no reason.
Cost: O(worlds x moves). Errors: InvariantBroken with the id in its text.
"""

from collections import deque
from collections.abc import Iterator
from typing import NamedTuple

from market.errors import check
from settlement.designs.rules import Protocol, Rule, World, apply
from settlement.designs.states import (
    ONE_LEG_ALLOWED,
    TERMINAL,
    Leg,
    LegState,
    ObligationState,
)


class Bounds(NamedTuple):
    """How bad it may get; also the depth of the search.

    Attributes:
        crashes: Outages that may begin.
        outage_ticks: Ticks with an outage, together.
        defaults: Parties that may go for ever.
        toggles: Stops of the issue that may begin.
        depth: Longest path looked at; None for all.
    """

    crashes: int = 2
    outage_ticks: int = 3
    defaults: int = 1
    toggles: int = 0
    depth: int | None = None


class Loss(NamedTuple):
    """A way to lose principal: who bears it, whose outage or act caused it, a shortest path."""

    bearer: str
    cause: str
    path: tuple[str, ...]


class Found(NamedTuple):
    """What a search saw.

    Attributes:
        worlds: How many different ones.
        depth: Length of the longest shortest path.
        complete: Whether nothing was left out.
        losses: One for each bearer and cause, shortest path first.
        ends: Terminal states reached.
        stuck: Worlds from which a party had no exit of its own, or nothing led to an end (I20): who, then a path.
    """

    worlds: int
    depth: int
    complete: bool
    losses: tuple[Loss, ...]
    ends: frozenset[ObligationState]
    stuck: tuple[tuple[str, ...], ...]


class Edge(NamedTuple):
    """One move: its name, who takes part in it, and whether it is one of the protocol's own."""

    name: str
    who: tuple[str, ...]
    is_rule: bool


def moves(protocol: Protocol, world: World) -> Iterator[tuple[Edge, World]]:
    """Everything that can happen next: rules, outages, returns, defaults, stops, a tick."""
    if world.state in TERMINAL:
        return
    wait = True
    for rule in protocol.enabled(world):
        check_giver(rule, world)
        yield Edge(rule.name, (rule.actor, *rule.needs), is_rule=True), apply(rule, world)
        wait = wait and not rule.urgent
    for actor in protocol.actors:
        if actor in world.gone:
            continue
        if actor in world.down:
            back = tuple(one for one in world.down if one != actor)
            yield Edge(f"{actor} is back", (), is_rule=False), world._replace(down=back)
        elif world.crashes_left:
            out = tuple(sorted((*world.down, actor)))
            down = world._replace(down=out, crashes_left=world.crashes_left - 1)
            yield Edge(f"{actor} is out", (), is_rule=False), down
    if world.defaults_left:
        for party in protocol.parties:
            if party not in world.gone:
                yield Edge(f"{party} defaults", (), is_rule=False), _default(protocol, world, party)
    if world.stopped:
        yield Edge("the issue is back", (), is_rule=False), world._replace(stopped=False)
    elif world.toggles_left:
        stopped = world._replace(stopped=True, toggles_left=world.toggles_left - 1)
        yield Edge("the issue is stopped", (), is_rule=False), stopped
    if wait and (ticked := _tick(protocol, world)) is not None:
        yield Edge("tick", (), is_rule=False), ticked


def _default(protocol: Protocol, world: World, party: str) -> World:
    after = world._replace(
        gone=tuple(sorted((*world.gone, party))),
        down=tuple(one for one in world.down if one != party),
        defaults_left=world.defaults_left - 1,
    )
    return after._replace(cause=world.cause or _blocker(protocol, after))


def _tick(protocol: Protocol, world: World) -> World | None:
    """Time passes, and outages with it; None at the horizon or when outages must end first."""
    if world.now_ticks >= protocol.horizon_ticks + max(world.put_off):
        return None
    if not world.down:
        blocker = world.cause or _blocker(protocol, world)
        return world._replace(now_ticks=world.now_ticks + 1, cause=blocker)
    if not world.outage_ticks_left:
        return None
    return world._replace(
        now_ticks=world.now_ticks + 1,
        outage_ticks_left=world.outage_ticks_left - 1,
        cause=world.cause or _blocker(protocol, world),
        put_off=_put_off(protocol, world),
    )


def _put_off(protocol: Protocol, world: World) -> tuple[int, int]:
    """Expiries on a ledger that is out come a tick later, where the design's outages put them off."""
    if not protocol.puts_off:
        return world.put_off
    token, cash = world.put_off
    return token + ("token ledger" in world.down), cash + ("cash ledger" in world.down)


def _one_leg(world: World) -> bool:
    return (world.token is LegState.DELIVERED) != (world.cash is LegState.DELIVERED)


def _blocker(protocol: Protocol, world: World) -> str:
    """Who keeps the second leg from being delivered by being out; empty when nobody does."""
    if not _one_leg(world):
        return ""
    out = world.down + world.gone
    for rule in protocol.rules:
        if rule.origin is world.state and rule.deliver and rule.when(world):
            for one in (rule.actor, *rule.needs):
                if one in out:
                    return one
            if protocol.is_barred(rule, world):
                return "issuer"
    return ""


def check_world(world: World) -> None:
    """The invariants of one moment. O(1).

    Raises:
        InvariantBroken: Named by its id.
    """
    token, cash = world.token is LegState.DELIVERED, world.cash is LegState.DELIVERED
    if token != cash:
        check(world.state in ONE_LEG_ALLOWED, "I4: legs end together", world=world)
    if world.state is ObligationState.SETTLED:
        check(token and cash, "I4: settled means both legs", world=world)
    if world.state in {ObligationState.CANCELLED, ObligationState.CLOSED_COMP}:
        check(not token and not cash, "I8: what moved is not cancelled", world=world)
    if world.state in TERMINAL:
        locked = LegState.LOCKED in {world.token, world.cash}
        check(not locked, "I6: an end leaves no lock", world=world)
        lost = world.state is ObligationState.SPLIT
        check(lost == bool(world.bearer), "a loss has a bearer, and only a loss", world=world)
    keys = world.knows("success_key") and world.knows("failure_key")
    check(not keys or world.knows("both_keys"), "I19: one key only", world=world)


def check_giver(rule: Rule, world: World) -> None:
    """Nobody gives what is another's: who locks a leg, or gives one that is not locked, takes part. O(1).

    A fund that pays gives its own; who signed a transfer that is being validated has taken part.

    Raises:
        InvariantBroken: V3, when the giver neither acts nor signs.
    """
    for leg in (*rule.lock, *rule.deliver):
        giver = "seller" if leg is Leg.TOKEN else "buyer"
        is_own = leg is Leg.CASH and "fund_pays" in rule.learn
        if world.leg(leg) is LegState.NONE and not is_own:
            signed = leg is Leg.TOKEN and world.knows("signed")
            taken = signed or giver in (rule.actor, *rule.needs)
            check(taken, "V3: who gives a leg takes part", rule=rule.name, giver=giver)


def search(protocol: Protocol, bounds: Bounds) -> Found:
    """Look at every world that can be reached within ``bounds``."""
    start = World(
        crashes_left=bounds.crashes,
        outage_ticks_left=bounds.outage_ticks,
        defaults_left=bounds.defaults,
        toggles_left=bounds.toggles,
    )
    came: dict[World, tuple[World, str] | None] = {start: None}
    depth_of = {start: 0}
    backward: dict[World, list[tuple[Edge, World]]] = {}
    losses: dict[tuple[str, str], Loss] = {}
    ends: set[ObligationState] = set()
    todo, deepest, complete = deque([start]), 0, True
    while todo:
        world = todo.popleft()
        check_world(world)
        depth = depth_of[world]
        deepest = max(deepest, depth)
        if world.state in TERMINAL:
            ends.add(world.state)
            key = (world.bearer, world.cause)
            if world.state is ObligationState.SPLIT and key not in losses:
                losses[key] = Loss(world.bearer, world.cause, _path(came, world))
            continue
        if bounds.depth is not None and depth >= bounds.depth:
            complete = False
            continue
        for edge, after in moves(protocol, world):
            backward.setdefault(after, []).append((edge, world))
            if after not in came:
                came[after] = (world, edge.name)
                depth_of[after] = depth + 1
                todo.append(after)
    stuck = _stuck(came, backward) if complete else ()
    found = tuple(losses.values())
    return Found(len(came), deepest, complete, found, frozenset(ends), stuck)


def _path(came: dict[World, tuple[World, str] | None], world: World) -> tuple[str, ...]:
    steps: list[str] = []
    while (before := came[world]) is not None:
        world, name = before
        steps.append(name)
    return tuple(reversed(steps))


def _stuck(
    came: dict[World, tuple[World, str] | None],
    backward: dict[World, list[tuple[Edge, World]]],
) -> tuple[tuple[str, ...], ...]:
    """Shortest ways to where nothing leads to an end, or a party cannot get out without the other (I20)."""
    found: list[tuple[str, ...]] = []
    ending = {world for world in came if world.state in TERMINAL}
    todo = deque(world for world in came if world in ending)
    while todo:
        for _, before in backward.get(todo.popleft(), ()):
            if before not in ending:
                ending.add(before)
                todo.append(before)
    for world in came:
        if world not in ending and not world.gone:
            found.append(("both", *_path(came, world)))
            break
    for party, other in (("seller", "buyer"), ("buyer", "seller")):
        good = {world for world in came if _is_out(party, world)}
        todo = deque(world for world in came if world in good)
        while todo:
            for edge, before in backward.get(todo.popleft(), ()):
                mine = edge.is_rule and other not in edge.who
                passive = edge.name == "tick" or edge.name.endswith(" is back")
                if (mine or passive) and before not in good:
                    good.add(before)
                    todo.append(before)
        for world in came:
            if world not in good and party not in world.gone:
                found.append((party, *_path(came, world)))
                break
    return tuple(found)


def _is_out(party: str, world: World) -> bool:
    """Whether a party has nothing locked and nothing owed to it, or has what it was owed."""
    own, owed = (world.token, world.cash) if party == "seller" else (world.cash, world.token)
    if world.state in TERMINAL or owed is LegState.DELIVERED:
        return True
    return own in {LegState.NONE, LegState.RETURNED}
