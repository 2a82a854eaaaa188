"""What faults do to a trial: who is out from when until when.

Purpose: turn a plan's strikes into stretches in which somebody cannot act. A step names everyone it
needs; it happens when all of them are up, and the wait is charged to who was out (DECISIONS: each
delay has an owner). Acts are kept for whoever does them.
Ordering: strikes in plan order. Cost: O(strikes of one name) a step.
Source: the thirty families of faults and F31; what each does here: strikes.py, acts.py, system_acts.py.
"""

from bisect import bisect_right
from collections.abc import Iterable
from typing import NamedTuple

from settlement.trials.records import Strike, Struck
from settlement.trials.strikes import (
    ACTS,
    ADMITTED_MAX,
    ALSO_ACTS,
    CAUSES,
    FOR_EVER,
    FOREVER_NS,
    ISSUERS,
    OF_ACCOUNT,
    OF_AGENT,
    OF_DECISION,
    OF_FIRM,
    OF_FUNDS,
    OF_ISSUE,
    OF_MATCH,
    OF_MESSAGE,
    OF_MONEY,
    OF_PARTY,
    OF_STATION,
    SKEW_MAX_NS,
    SLOW_NS,
    SLOWS,
    SYSTEMS_OUT,
)


class Out(NamedTuple):
    """A stretch in which somebody cannot act."""

    from_ns: int
    until_ns: int
    cause: str
    family: str


class Act(NamedTuple):
    """Something a fault does at a time."""

    strike: Strike
    cause: str
    from_ns: int
    until_ns: int


class Weather:
    """All stretches of a trial.

    Attributes:
        skew: How far the token ledger's clock is ahead or behind, by stretch.
        slow: Stretches in which each step takes longer.
        closed: Whether the beginning of new settlements is closed at some time.
        mismatched: Obligations whose terms were wrong at first (a break where people reconcile).
        struck: The log of what was applied.
        acts: What faults do, in the order of the plan.
    """

    def __init__(self, open_ns: int) -> None:
        """No faults yet; ``open_ns`` is when the log begins and the plan is written into it."""
        self._open_ns = open_ns
        self._out: dict[str, list[Out]] = {}
        self.skew: list[Out] = []
        self.slow: list[Out] = []
        self.closed = False
        self._bad: tuple[list[int], list[int]] | None = None
        self.mismatched: set[str] = set()
        self.struck: list[Struck] = []
        self.acts: list[Act] = []

    def add(self, strike: Strike, ready_ns: int, parties: dict[str, str]) -> None:
        """Apply one strike.

        Args:
            strike: The fault.
            ready_ns: Readiness of the obligation it strikes, or of the first one.
            parties: For an obligation, the firm of each side.
        """
        family, start = strike.family, ready_ns + strike.after_ns
        until = FOREVER_NS if family in FOR_EVER else start + strike.for_ns
        cause, names = self._whose(strike, parties)
        if family in ACTS and (not ACTS[family] or strike.kind in ACTS[family]):
            self.acts.append(Act(strike, cause, start, until))
            self._note(strike, cause, "act", start, until)
            return
        if family in ALSO_ACTS:
            at_ns = until if family in {"F1", "F20"} else start
            self.acts.append(Act(strike, cause, at_ns, until))
        if family == "F3":
            self._skewed(strike, cause, start, until)
        if (family, strike.kind) in SLOWS:
            self.slow.append(Out(start, until, cause, family))
        self.closed = self.closed or "entry" in names
        if family == "F12":
            self.mismatched.add(strike.target)
        for name in names:
            self._out.setdefault(name, []).append(Out(start, until, cause, family))
        effect = "down" if names else "skew" if family == "F3" else "slow" if self.slow else "act"
        self._note(strike, cause, effect, start, until)

    def _skewed(self, strike: Strike, cause: str, start: int, until: int) -> None:
        """A clock ahead or behind by the length of the stretch; a jump is ahead first, then behind."""
        half, off = (start + until) // 2, min(strike.for_ns, SKEW_MAX_NS)
        spans = {
            "skew_ahead": ((start, until, off),),
            "skew_behind": ((start, until, -off),),
            "jump": ((start, half, off), (half, until, -off)),
        }
        for from_ns, until_ns, ahead in spans[strike.kind]:
            self.skew.append(Out(from_ns, until_ns, cause, str(ahead)))

    def clear(self, names: Iterable[str], at_ns: int) -> tuple[int, list[tuple[str, str, int]]]:
        """The first time from ``at_ns`` on at which everyone is up.

        Returns:
            That time, and each wait: whose fault, family, ns.
        """
        waits: list[tuple[str, str, int]] = []
        wanted = self.outages(names)
        again = bool(wanted)
        while again:
            again = False
            for out in wanted:
                if out.from_ns <= at_ns < out.until_ns:
                    waits.append((out.cause, out.family, out.until_ns - at_ns))
                    at_ns, again = out.until_ns, True
        return at_ns, waits

    def is_calm(self, at_ns: int) -> bool:
        """Whether nobody and nothing is out now. O(log strikes)."""
        if self._bad is None:
            self._bad = _merged([*self.skew, *(one for outs in self._out.values() for one in outs)])
        starts, ends = self._bad
        place = bisect_right(starts, at_ns)
        return place == 0 or ends[place - 1] <= at_ns

    def outages(self, names: Iterable[str]) -> tuple[Out, ...]:
        """Every time that somebody of these is out; fixed once all strikes are in."""
        return tuple(out for name in names for out in self._out.get(name, ()))

    def short_until(self, deal: str, at_ns: int) -> int:
        """Until when an obligation's buyer lacks the yen for it; ``at_ns`` when it does not."""
        return latest_end(self._out.get(f"{deal}:funds", ()), at_ns)

    def has_short(self, deal: str) -> bool:
        """Whether an obligation's buyer lacks the yen for it at some time."""
        return f"{deal}:funds" in self._out

    def is_short(self, deal: str, at_ns: int) -> bool:
        """Whether an obligation's buyer lacks the yen for it now."""
        return self.has_short(deal) and self.short_until(deal, at_ns) > at_ns

    def is_up(self, names: Iterable[str], at_ns: int) -> bool:
        """Whether everyone can act now."""
        return self.clear(names, at_ns)[0] == at_ns

    def ahead_ns(self, at_ns: int) -> int:
        """How far the token ledger's clock is ahead of true time; below zero it is behind."""
        for one in self.skew:
            if one.from_ns <= at_ns < one.until_ns:
                return int(one.family)
        return 0

    def flooding(self, at_ns: int) -> int:
        """How many obligations of a flood wait in front of a queue now."""
        floods = (one for one in self.slow if one.family == "F28")
        return sum(ADMITTED_MAX for one in floods if one.from_ns <= at_ns < one.until_ns)

    def slow_ns(self, at_ns: int) -> tuple[int, str, str]:
        """How much longer a step takes that is begun now, whose fault it is, and its family."""
        for one in self.slow:
            if one.from_ns <= at_ns < one.until_ns:
                return SLOW_NS[one.family], one.cause, one.family
        return 0, "", ""

    def _whose(self, strike: Strike, parties: dict[str, str]) -> tuple[str, tuple[str, ...]]:
        """Who is answerable, and whom it puts out."""
        family, target = strike.family, strike.target
        firm = parties.get(strike.side, target)
        if family in OF_PARTY:
            return ("custodian" if family == "F23" else firm), (f"{target}:{strike.side}",)
        if family in OF_FUNDS:
            return parties.get("buyer", firm), (f"{target}:funds",)
        if family in OF_ACCOUNT:
            return "custodian", (f"frozen:{target}",)
        if family in OF_STATION:
            return "platform", ("station",)
        if family in OF_MESSAGE:
            return "network", (f"{target}:message",)
        if family in OF_MATCH:
            return firm, (f"{target}:match",)
        if family in OF_AGENT:
            return "agent", (f"{target}:agent",)
        if family in OF_DECISION:
            return "payment platform", (f"{target}:decision",)
        if family in OF_FIRM:
            return target, () if strike.kind == "rotated" else (target,)
        if family in OF_ISSUE:
            return "issuer", (f"issue:{target}",)
        if family in OF_MONEY:
            return ISSUERS[target], ("money",)
        if family == "F3":
            return "ledger operator", ()
        names = SYSTEMS_OUT.get(family, {"": ("token",)})
        cause = CAUSES.get(family, "platform")
        return cause, names.get(strike.kind, names.get("", ()))

    def _note(self, strike: Strike, cause: str, effect: str, start: int, until: int) -> None:
        self.struck.append(
            Struck(
                at_ns=self._open_ns,
                family=strike.family,
                kind=strike.kind,
                target=strike.target,
                cause=cause,
                effect=effect,
                from_ns=start,
                until_ns=until,
            )
        )


def latest_end(outages: Iterable[Out], at_ns: int) -> int:
    """The end of the last of these that is under way; ``at_ns`` when none is."""
    latest = at_ns
    for out in outages:
        if out.from_ns <= at_ns < out.until_ns:
            latest = max(latest, out.until_ns)
    return latest


def _merged(outs: list[Out]) -> tuple[list[int], list[int]]:
    """Starts and ends of the times when anything is out, apart from each other and sorted."""
    starts: list[int] = []
    ends: list[int] = []
    for out in sorted(outs):
        if ends and out.from_ns <= ends[-1]:
            ends[-1] = max(ends[-1], out.until_ns)
        else:
            starts.append(out.from_ns)
            ends.append(out.until_ns)
    return starts, ends
