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

from settlement.designs.conduct import Conduct, Step, When
from settlement.designs.enact import Answer, Enactment, Terms
from settlement.designs.rules import Protocol, Rule, World
from settlement.designs.states import Leg, LegState, ObligationState
from settlement.trials.blame import Wait, charge, lost
from settlement.trials.desk import Deal, Desk
from settlement.trials.hours import in_hours, next_cut_off
from settlement.trials.legs import DealLeg, Pool
from settlement.trials.outlook import Outlook
from settlement.trials.pace import Pace
from settlement.trials.people import is_broken, repair_minutes
from settlement.trials.records import FINAL, YEN
from settlement.trials.rows import HOURS, Row, states_of
from settlement.trials.strikes import FOREVER_NS

_ENDS: Final = ("lapse", "cut_off", "escalate", "default", "compensate")
ATTEMPTS: Final = 1_000_000
"""A trial retries as often as its days allow."""

_S = ObligationState


class Runner:
    """One design, for every obligation of a trial.

    Attributes:
        after_step: What faults do with a step that was just taken.
        seen_world: The world of an obligation as it is now (outlook.py).
        pace: When a step can be taken.
    """

    def __init__(self, desk: Desk, protocol: Protocol, conduct: Conduct) -> None:
        """Begin every obligation and plan its first steps."""
        self.desk = desk
        self.protocol = protocol
        self.conduct = conduct
        self.pool = Pool()
        self.pace = Pace(desk, conduct)
        self._outlook = Outlook(desk, protocol, conduct)
        self.seen_world: Callable[[Deal], World] = self._outlook.seen_world
        self.table: dict[tuple[ObligationState, str], Rule] = {}
        for rule in protocol.rules:
            self.table.setdefault((rule.origin, rule.name), rule)
        self._states = states_of(protocol, conduct)
        self.after_step: Callable[[Deal, Rule], None] = lambda _deal, _rule: None
        desk.on_credit = self.credited
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

    def credited(self, deal: Deal) -> None:
        """Something came in for which an obligation waits: look, unless it changes nothing."""
        if not self._stays_short(deal):
            self.advance(deal, credit=True)

    def _stays_short(self, deal: Deal) -> bool:
        """Whether a look would find what the last one found: the leg is missing, nothing else is asked."""
        desk, lacked = self.desk, deal.lacked
        if deal.stuck is None or lacked is None or not deal.queued or desk.has(*lacked):
            return False
        if deal.run.terms.units != deal.left_units:
            return False  # a part is under way, and may need less
        giver, world = self._states[deal.state].giver, self.seen_world(deal)
        if giver is None or world is not deal.stuck or desk.weather.has_short(deal.name):
            return False
        if self.pace.ready_ns(deal, giver) > desk.at_ns:
            return False
        desk.listen(deal, *lacked[:2])
        return True

    def advance(self, deal: Deal, *, credit: bool = False) -> None:
        """Take the first step that can be taken; wait for what keeps the others."""
        now = self.desk.at_ns
        if not deal.is_open or now < deal.ready_ns:
            return
        world = deal.run.world = self.seen_world(deal)
        calm = not (world.down or world.gone or world.stopped)
        deal.stuck = None
        short = later = False
        for row in self._states[world.state].rows:
            rule = row.rule
            if row.begins and world.gone and not world.is_begun:
                continue  # nobody begins with a party that has defaulted
            if row.when is not When.ALWAYS and not self._is_asked(
                deal, row, credit=credit, short=short
            ):
                continue
            at_ns = self.pace.ready_ns(deal, row)
            if at_ns > now:
                self.wake(deal, at_ns)
                later = True
                continue
            if row.asks_nobody and calm and not rule.when(world):
                continue
            answer = self.attempt(deal, rule, row.step)
            if answer is Answer.DONE:
                return
            short = short or answer is Answer.LACK or answer is Answer.MONY
        if short and calm and not later:
            deal.stuck = world

    def _is_asked(self, deal: Deal, row: Row, *, credit: bool, short: bool) -> bool:
        """Whether what a step waits for, besides its guard, has come."""
        if row.when is When.SHORT:
            return short
        if row.when is When.CREDIT:
            return credit and any(not deal.run.world.knows(fact) for fact in row.rule.learn)
        if deal.lacked is None or self.desk.has(*deal.lacked):
            return True
        self.desk.listen(deal, *deal.lacked[:2])
        return False

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
        deal.option_until_ns = self.pace.expiry_ns(deal) if step.chooses else 0
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
        if rule.lock or rule.deliver or world.state in FINAL:
            desk.leave_queue(deal)
        if "secret" in rule.learn:
            desk.show_secret(deal, world.attempt)
        if world.has_one_leg and not before.has_one_leg:
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
            lost(desk, deal, rule)
            return
        if deal.is_open:
            self._plan_steps(deal)
        self.after_step(deal, rule)

    def _plan_steps(self, deal: Deal) -> None:
        state = self._states[deal.state]
        if state.repairs:
            self._look_at_books(deal)
        for row in state.planned:
            self.wake(deal, deal.entered_ns + self.pace.delay_ns(deal, row))

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

    def _queue(self, deal: Deal, leg: Leg) -> None:
        desk, trade = self.desk, deal.trade
        if leg is Leg.TOKEN:
            desk.wait(deal, trade.seller, trade.issue, deal.left_units)
        else:
            desk.wait(deal, trade.buyer, YEN, deal.left_yen)
            until = desk.weather.short_until(deal.name, desk.at_ns)
            if until > desk.at_ns:
                charge(desk, deal, [(trade.buyer, "F14", until - desk.at_ns)])
                self.wake(deal, until)
            elif desk.money_failed:
                charge(desk, deal, desk.weather.clear(("money",), desk.at_ns)[1])

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
            names = self._outlook.stops(deal)
        else:
            actors = (rule.actor, *rule.needs)
            names = tuple(name for one in actors for name in self._outlook.names(deal, one))
        hours, when = HOURS[step.hours], desk.at_ns
        waits: list[Wait] = []
        while True:
            later, more = desk.weather.clear(names, when)
            waits += more
            if (opened := hours(later) if later < FOREVER_NS else later) == when:
                break
            when = opened
        if waits and deal.blame is None and deal.run.world.has_one_leg:
            deal.blame = waits[0][:2]
        charge(desk, deal, waits)
        self.wake(deal, when)

    @staticmethod
    def opens(at_ns: int) -> int:
        """A time, or the next opening after it."""
        return in_hours(at_ns)

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
