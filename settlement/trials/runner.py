"""The runner of a trial: every obligation is moved by its design's table of rules, and by nothing else.

Purpose: what is proved (designs/search.py) is what is compared. One obligation is one Enactment; the runner sets its
world (who is out, who is gone, what is stopped, which tick it is, how far a clock is ahead), asks
for the steps of the design's conduct in their order, and writes down what came of them. It holds no state
of a design and knows no design's name.

| answer of a step | what the runner does |
|---|---|
| done | says it, enters the state, plans the steps that lead on |
| someone out, stopped | charges the wait to whose fault it is, and comes back when they are up |
| lack, mony | queues for the missing asset; what comes in wakes it |
| guard, wrong state | nothing: another step, or another tick |

Time: the cut-off of an attempt, the agent's patience and the expiries of locks are ticks of the table,
placed in time by the conduct. Every wake-up looks anew, so a wake-up too many changes nothing.
Ordering: by time, then by when it was planned. Cost: O(rows of a state) a wake-up.
Errors: InvariantBroken only.
"""

from collections.abc import Callable
from functools import partial
from typing import Final

from settlement.designs.conduct import MINUTE_NS, After, Conduct, Hours, Step, When
from settlement.designs.enact import Answer, Enactment, Terms
from settlement.designs.rules import Protocol, Rule, World
from settlement.designs.states import Leg, LegState, ObligationState
from settlement.trials.desk import LATENCY_NS, Deal, Desk
from settlement.trials.hours import (
    bank_run,
    in_hours,
    morning_file,
    next_cut_off,
    next_opening,
    office_hours,
)
from settlement.trials.legs import DealLeg, Pool
from settlement.trials.people import is_broken, people_ns, repair_minutes
from settlement.trials.records import YEN, Delayed
from settlement.trials.strikes import FOREVER_NS
from settlement.trials.weather import Out, latest_end

RETRY_NS: Final = MINUTE_NS
_ENDS: Final = ("lapse", "cut_off", "escalate", "default", "compensate")
ATTEMPTS: Final = 1_000_000
"""A trial retries as often as its days allow."""

_HOURS: Final = {Hours.LEDGERS: in_hours, Hours.OFFICE: office_hours, Hours.BANK: bank_run}
_S = ObligationState

Troubles = tuple[tuple[tuple[str, tuple[Out, ...]], ...], tuple[Out, ...]]
"""Actors with their outages, and the stops, of one obligation."""


class Runner:
    """One design, for every obligation of a trial.

    Attributes:
        after_step: What faults do with a step that was just taken.
    """

    def __init__(self, desk: Desk, protocol: Protocol, conduct: Conduct) -> None:
        """Begin every obligation and plan its first steps."""
        self.desk = desk
        self.protocol = protocol
        self.conduct = conduct
        self.pool = Pool()
        self.table: dict[tuple[ObligationState, str], Rule] = {}
        for rule in protocol.rules:
            self.table.setdefault((rule.origin, rule.name), rule)
        self._rows: dict[ObligationState, list[tuple[Rule, Step]]] = {state: [] for state in _S}
        for step in conduct.steps:
            for rule in protocol.rules:
                if rule.name == step.rule:
                    self._rows[rule.origin].append((rule, step))
        self.after_step: Callable[[Deal, Rule], None] = lambda _deal, _rule: None
        self._needs: dict[tuple[str, str], tuple[str, ...]] = {}
        self._outages: dict[str, Troubles] = {}
        desk.on_credit = partial(self.advance, credit=True)
        desk.on_end = self.end
        for deal in desk.deals.values():
            self.begin(deal)

    def begin(self, deal: Deal) -> None:
        """An obligation, ready at its time."""
        self.enact(deal, self.terms(deal), World(attempts_left=ATTEMPTS))
        self.wake(deal, deal.ready_ns)
        self.wake(deal, deal.cut_off_ns)
        self._wake_at_cut_off(deal)

    def terms(self, deal: Deal) -> Terms:
        """What is agreed of an obligation when it is agreed now."""
        desk, trade = self.desk, deal.trade
        return Terms(
            deal.name, trade.seller, trade.buyer, deal.left_units, deal.left_yen,
            desk.escrow, desk.version,
        )  # fmt: skip

    def _wake_at_cut_off(self, deal: Deal) -> None:
        """The cut-off on the clock that decides it, where that is not true time."""
        if self.conduct.own_clock:
            for out in self.desk.weather.skew:
                for at_ns in (out.from_ns, out.until_ns, deal.cut_off_ns - int(out.family)):
                    if at_ns > self.desk.at_ns:
                        self.wake(deal, at_ns)

    def enact(self, deal: Deal, terms: Terms, world: World) -> None:
        """Let the table move an obligation from a world on."""
        token = DealLeg(self.desk, deal, Leg.TOKEN, self.pool)
        cash = DealLeg(self.desk, deal, Leg.CASH, self.pool)
        deal.run = Enactment(self.protocol, terms, token, cash, world)

    # --- one look

    def wake(self, deal: Deal, at_ns: int) -> None:
        """Look at an obligation at a time, once however often it is asked for."""
        if at_ns not in deal.wakes and at_ns <= self.desk.end_ns:
            deal.wakes.add(at_ns)
            self.desk.plan(at_ns, partial(self._woken, deal, at_ns))

    def _woken(self, deal: Deal, at_ns: int) -> None:
        deal.wakes.discard(at_ns)
        self.advance(deal)

    def advance(self, deal: Deal, *, credit: bool = False) -> None:
        """Take the first step that can be taken; wait for what keeps the others."""
        now = self.desk.at_ns
        if not deal.is_open or now < deal.ready_ns:
            return
        world = deal.run.world = self.seen_world(deal)
        short = False
        for rule, step in self._rows[world.state]:
            if not self._is_asked(deal, rule, step, credit=credit, short=short):
                continue
            at_ns = max(
                self._slowed(deal, rule, self._when(deal, rule, step)), self.entry_ns(deal, rule)
            )
            if at_ns > now:
                self.wake(deal, at_ns)
                continue
            answer = self.attempt(deal, rule, step)
            if answer is Answer.DONE:
                return
            short = short or answer in {Answer.LACK, Answer.MONY}

    def _is_asked(self, deal: Deal, rule: Rule, step: Step, *, credit: bool, short: bool) -> bool:
        when, world = step.when, deal.run.world
        if step.origin is not None and step.origin is not world.state:
            return False
        if world.gone and (rule.lock or rule.name == "retry") and not is_begun(world):
            return False  # nobody begins with a party that has defaulted
        if when is When.ALWAYS:
            return True
        if when is When.SHORT:
            return short
        if when is When.CREDIT:
            return credit and any(not world.knows(fact) for fact in rule.learn)
        if when is When.FUNDED:
            if deal.lacked is None or self.desk.has(*deal.lacked):
                return True
            self.desk.listen(deal, *deal.lacked[:2])
        return False

    def _when(self, deal: Deal, rule: Rule, step: Step) -> int:
        """When a step can be taken: after its delay, in its hours."""
        now = self.desk.at_ns
        at_ns = max(now, deal.entered_ns + self._delay_ns(deal, step))
        if self.desk.case.by_file and Leg.CASH in rule.deliver:
            ordered_ns = office_hours(deal.entered_ns + self._delay_ns(deal, step))
            return morning_file(ordered_ns, at_ns)
        at_ns = _HOURS[step.hours](at_ns)
        if self.conduct.tick_ns and rule.lock and rule.origin is _S.READY and at_ns == now:
            expiry = now + self.conduct.last_ticks * self.conduct.tick_ns
            if in_hours(expiry) != expiry or expiry > self.desk.end_ns:
                return next_opening(now)  # a lock must expire while ledgers work
        return at_ns

    def _slowed(self, deal: Deal, rule: Rule, at_ns: int) -> int:
        """A step that was begun while a ledger or its notary was slow takes longer."""
        weather = self.desk.weather
        if not weather.slow or not (rule.lock or rule.deliver):
            return at_ns
        began = max(deal.entered_ns, deal.ready_ns)
        longer, cause, family = weather.slow_ns(began)
        if longer and at_ns < began + longer:
            self._charge(deal, [(cause, family, began + longer - at_ns)])
            return began + longer
        return at_ns

    def entry_ns(self, deal: Deal, rule: Rule) -> int:
        """From when a settlement may begin, while a contract or an escrow's address is replaced."""
        desk, begins = self.desk, bool(rule.lock or rule.deliver)
        if not desk.weather.closed or not begins or is_begun(deal.run.world):
            return desk.at_ns
        opens, waits = desk.weather.clear(("entry",), desk.at_ns)
        self._charge(deal, waits)
        return opens

    def _delay_ns(self, deal: Deal, step: Step) -> int:
        seed = self.desk.case.seed
        if step.after is After.NOW:
            return 0
        if step.after is After.MESSAGE:
            return LATENCY_NS
        if step.after is After.RETRY:
            return RETRY_NS
        if step.after is After.PEOPLE:
            return people_ns(seed, deal.name)
        forced = deal.name in self.desk.weather.mismatched
        return repair_minutes(seed, deal.name, forced=forced) * MINUTE_NS

    def attempt(self, deal: Deal, rule: Rule, step: Step) -> Answer:
        """Ask the table for one step, and do what its answer asks for."""
        before = deal.run.world
        for leg in (*step.shows, *rule.lock, *rule.deliver):
            if before.leg(leg) is LegState.NONE and self._has(deal, leg):
                self.desk.can(deal, leg)
        for leg in step.shows:
            if not self._has(deal, leg):
                self._queue(deal, leg)
                return Answer.LACK if leg is Leg.TOKEN else Answer.MONY
        deal.option_until_ns = self._expiry_ns(deal) if step.chooses else 0
        answer = deal.run.take(deal.step_id(1), rule)
        if answer is Answer.DONE:
            deal.taken += 1
            self._done(deal, rule, step, before)
        elif answer is Answer.LACK:
            self._queue(deal, Leg.TOKEN)
        elif answer is Answer.MONY:
            self._queue(deal, Leg.CASH)
        elif answer in {Answer.SOMEONE_OUT, Answer.STOPPED}:
            self._blocked(deal, rule, answer, step)
        return answer

    # --- what an answer asks for

    def _done(self, deal: Deal, rule: Rule, step: Step, before: World) -> None:
        desk, world = self.desk, deal.run.world
        for sender, *to in step.tells:
            desk.say(
                deal, deal.firm(sender), *(deal.firm(one) for one in to), signed=self.conduct.signed
            )
        if rule.lock or rule.deliver:
            desk.leave_queue(deal)
        if "secret" in rule.learn:
            desk.show_secret(deal, world.attempt)
        one_leg = _one_leg(world)
        if one_leg and not _one_leg(before):
            deal.decided_ns = desk.at_ns
            if self.conduct.agent_ns:
                self.wake(deal, desk.at_ns + self.conduct.agent_ns)
        if rule.origin is _S.READY and rule.lock and self.conduct.tick_ns:
            self._begin_ticks(deal)
        if rule.name == "retry":
            deal.cut_off_ns = next_cut_off(desk.at_ns)
            if desk.case.by_file:  # what is ordered on a day comes with the next day's file
                deal.cut_off_ns = next_cut_off(deal.cut_off_ns)
            self.wake(deal, deal.cut_off_ns)
            self._wake_at_cut_off(deal)
            if desk.weather.closed:
                deal.run.bind(self.terms(deal))
        if deal.state is not world.state:
            desk.move(deal, world.state, deal.firm(rule.actor), rule.name)
        if world.state is _S.SPLIT:
            self._lost(deal, rule)
            return
        if deal.is_open:
            self._plan_steps(deal)
        self.after_step(deal, rule)

    def _plan_steps(self, deal: Deal) -> None:
        for _, step in self._rows[deal.state]:
            if step.when in {When.ALWAYS, When.FUNDED}:
                self.wake(deal, deal.entered_ns + self._delay_ns(deal, step))
            if step.after is After.REPAIR:
                self._look_at_books(deal)

    def _look_at_books(self, deal: Deal) -> None:
        seed, forced = self.desk.case.seed, deal.name in self.desk.weather.mismatched
        if is_broken(seed, deal.name, forced=forced):
            self.desk.broken_book(deal, repair_minutes(seed, deal.name, forced=forced))

    def _begin_ticks(self, deal: Deal) -> None:
        """The first lock: its expiries are moments to look at, on whichever clock they come first."""
        now, tick = self.desk.at_ns, self.conduct.tick_ns
        deal.began_ns = now
        self.desk.hash_secret(deal, deal.run.world.attempt)
        first, last = now + self.conduct.first_ticks * tick, now + self.conduct.last_ticks * tick
        self.wake(deal, first)
        self.wake(deal, last)
        for out in self.desk.weather.skew:
            for at_ns in (out.from_ns, out.until_ns, last - int(out.family)):
                if now < at_ns < last:
                    self.wake(deal, at_ns)

    def _expiry_ns(self, deal: Deal) -> int:
        return deal.began_ns + self.conduct.first_ticks * self.conduct.tick_ns

    def _queue(self, deal: Deal, leg: Leg) -> None:
        trade = deal.trade
        if leg is Leg.TOKEN:
            self.desk.wait(deal, trade.seller, trade.issue, deal.left_units)
        else:
            self.desk.wait(deal, trade.buyer, YEN, deal.left_yen)
            until = self.desk.weather.short_until(deal.name, self.desk.at_ns)
            if until > self.desk.at_ns:
                self._charge(deal, [(trade.buyer, "F14", until - self.desk.at_ns)])
                self.wake(deal, until)
            elif self.desk.money_failed:
                self._charge(deal, self.desk.weather.clear(("money",), self.desk.at_ns)[1])

    def _has(self, deal: Deal, leg: Leg) -> bool:
        trade = deal.trade
        giver, amount = (
            (trade.seller, deal.left_units) if leg is Leg.TOKEN else (trade.buyer, deal.left_yen)
        )
        return deal.run.ledger(leg).can_give(giver, amount)

    def _blocked(self, deal: Deal, rule: Rule, answer: Answer, step: Step) -> None:
        """Somebody is out: whose fault it is, and when to come back."""
        desk = self.desk
        if answer is Answer.STOPPED:
            names = self._stops(deal)
        else:
            actors = (rule.actor, *rule.needs)
            names = tuple(name for one in actors for name in self._names(deal, one))
        hours, when = _HOURS[step.hours], desk.at_ns
        waits: list[tuple[str, str, int]] = []
        while True:
            later, more = desk.weather.clear(names, when)
            waits += more
            if (opened := hours(later) if later < FOREVER_NS else later) == when:
                break
            when = opened
        if waits and deal.blame is None and _one_leg(deal.run.world):
            deal.blame = waits[0][:2]
        self._charge(deal, waits)
        self.wake(deal, when)

    def _charge(self, deal: Deal, waits: list[tuple[str, str, int]]) -> None:
        desk = self.desk
        for cause, family, ns in waits:
            key = (cause, family, desk.at_ns + ns)
            if key not in deal.told:
                deal.told.add(key)
                desk.write(
                    Delayed(
                        at_ns=desk.at_ns, deal=deal.name, cause=cause, family=family,
                        ns=min(ns, max(0, desk.end_ns - desk.at_ns)),
                    )
                )  # fmt: skip

    def _lost(self, deal: Deal, rule: Rule) -> None:
        """A loss: who bears it, whose fault it is, and the family of the fault, else the rule's name."""
        world, trade = deal.run.world, deal.trade
        cause, family = deal.blame or ("", "")
        if not cause:
            cause = deal.firm(world.cause)
            _, waits = self.desk.weather.clear(
                (cause, f"{deal.name}:{world.cause}"), self.desk.at_ns
            )
            family = waits[0][1] if waits else rule.name
            if world.skew_ticks > 0:
                cause, family = "ledger operator", "F3"
        self.desk.lose(deal, deal.firm(world.bearer), cause, family, trade.yen)

    @staticmethod
    def opens(at_ns: int) -> int:
        """A time, or the next opening after it."""
        return in_hours(at_ns)

    # --- the world as it is now

    def seen_world(self, deal: Deal) -> World:
        """Where an obligation stands, with what is true outside of it now."""
        now, weather = self.desk.at_ns, self.desk.weather
        world = deal.run.world
        ticks, skew = self._ticks(deal, world, now), 0
        troubled, stops = self._troubles(deal)
        if weather.is_calm(now) or not (troubled or stops or weather.skew):
            if not (world.down or world.gone or world.stopped or world.skew_ticks):
                return world if world.now_ticks == ticks else world._replace(now_ticks=ticks)
            return world._replace(now_ticks=ticks, skew_ticks=0, down=(), gone=(), stopped=False)
        if weather.skew and self.conduct.tick_ns and deal.began_ns:
            ahead = (now + weather.ahead_ns(now) - deal.began_ns) // self.conduct.tick_ns
            skew = ahead - ticks
        down: list[str] = []
        gone: list[str] = []
        for actor, outages in troubled:
            until = latest_end(outages, now)
            if until > now:
                is_gone = until >= FOREVER_NS and actor in self.protocol.parties
                (gone if is_gone else down).append(actor)
        return world._replace(
            now_ticks=ticks,
            skew_ticks=skew,
            down=tuple(sorted(down)),
            gone=tuple(sorted(gone)),
            stopped=latest_end(stops, now) > now,
        )

    def _troubles(self, deal: Deal) -> Troubles:
        """Actors who are out at some time, with when; and when the issue or an account is stopped."""
        if (known := self._outages.get(deal.name)) is None:
            weather, actors = self.desk.weather, self.protocol.actors
            pairs = ((actor, weather.outages(self._names(deal, actor))) for actor in actors)
            troubled = tuple((actor, outages) for actor, outages in pairs if outages)
            known = self._outages[deal.name] = (troubled, weather.outages(self._stops(deal)))
        return known

    def _ticks(self, deal: Deal, world: World, now: int) -> int:
        conduct = self.conduct
        if conduct.tick_ns and world.state is not _S.READY:
            return (now - deal.began_ns) // conduct.tick_ns
        if conduct.own_clock and self.desk.weather.skew:
            now += self.desk.weather.ahead_ns(now)
        if now >= deal.cut_off_ns:
            return conduct.cut_off_ticks
        if conduct.agent_ns and deal.decided_ns and now >= deal.decided_ns + conduct.agent_ns:
            return conduct.agent_ticks
        return 0

    def _names(self, deal: Deal, actor: str) -> tuple[str, ...]:
        """Everyone whom an actor of the table needs, by name."""
        key = (deal.name, actor)
        if (known := self._needs.get(key)) is None:
            found: list[str] = []
            for need in self.conduct.needs.get(actor, ()):
                if need in {"seller", "buyer"}:
                    found += (deal.firm(need), f"{deal.name}:{need}")
                    found += (f"{deal.name}:message", f"{deal.name}:match")
                elif need.startswith(":"):
                    found.append(deal.name + need)
                else:
                    found.append(need)
            known = self._needs[key] = tuple(found)
        return known

    @staticmethod
    def _stops(deal: Deal) -> tuple[str, ...]:
        trade = deal.trade
        return (
            "station", "money", f"issue:{trade.issue}", f"frozen:{trade.seller}", f"frozen:{trade.buyer}",
        )  # fmt: skip

    # --- the end

    def end(self, deal: Deal) -> None:
        """The trial is over: what its table still allows, down to a compensation.

        For a party that is gone an administrator takes back what it has locked.
        """
        again = True
        while again and deal.is_open:
            world = self.seen_world(deal)
            again = False
            for rule in self.protocol.rules:
                goes_back = rule.give_back and rule.target is not _S.CANCELLED
                if rule.origin is world.state and (goes_back or rule.name in _ENDS):
                    estate = bool(rule.give_back) and not rule.bearer
                    deal.run.world = world._replace(gone=()) if estate else world
                    again = self.attempt(deal, rule, Step(rule.name)) is Answer.DONE
                    if again:
                        break


def is_begun(world: World) -> bool:
    """Whether a leg is given."""
    return world.is_given(Leg.TOKEN) or world.is_given(Leg.CASH)


def _one_leg(world: World) -> bool:
    return (world.token is LegState.DELIVERED) != (world.cash is LegState.DELIVERED)
