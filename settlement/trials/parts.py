"""What faults act on besides accounts and obligations: a notary's members, an index, a gate, links.

| part | what it promises |
|---|---|
| Quorum | of two spends of one input at most one is certified, whoever is silent or in conflict |
| Index | a reader of the log knows how far it has read; a gap is seen and never read over |
| Gate | no sender has more open requests than its limit |
| links | obligations that wait for each other in a circle are found |

Units: ns, units, yen. Cost: O(members) a certificate, O(records) to read on. Errors: none; answers.
Sources: notaries that see hashes only and refuse a second spend, clusters that need a majority, time windows (Corda's
published concepts); the rest is the house's own.
"""

from collections.abc import Mapping, Sequence
from enum import StrEnum

from settlement.trials.records import LogRecord, Opened, Posted

Place = tuple[str, str]


class Signed(StrEnum):
    """What a member of a notary answers."""

    SIGNED = "signed"
    CONFLICT = "conflict"
    WINDOW = "window"


class Quorum:
    """A notary of several members, each of which signs one spend of an input a round.

    More than half must agree, so two certificates of one input would need a member that signed twice.
    """

    def __init__(self, members: int) -> None:
        self.members = members
        self.needed = members // 2 + 1
        self._signed: dict[tuple[str, int], dict[int, str]] = {}
        self._round: dict[str, int] = {}
        self._certified: dict[str, str] = {}

    def sign(self, member: int, state: str, spend: str, *, at_ns: int, until_ns: int) -> Signed:
        """Ask one member to sign that a spend uses an input; ``until_ns`` ends the request's window."""
        if at_ns >= until_ns:
            return Signed.WINDOW
        if self._certified.get(state, spend) != spend:
            return Signed.CONFLICT
        votes = self._signed.setdefault((state, self._round.get(state, 0)), {})
        if votes.setdefault(member, spend) != spend:
            return Signed.CONFLICT
        if sum(one == spend for one in votes.values()) >= self.needed:
            self._certified[state] = spend
        return Signed.SIGNED

    def certified(self, state: str) -> str:
        """The spend of an input that enough members signed; empty when none is."""
        return self._certified.get(state, "")

    def next_round(self, state: str) -> None:
        """Members that signed against each other are asked anew; a certificate stands for ever."""
        self._round[state] = self._round.get(state, 0) + 1


class Index:
    """Balances as a reader of the log knows them.

    Attributes:
        read: How many records it has read.
        held: What each owner has, locked or not.
    """

    def __init__(self) -> None:
        self.read = 0
        self.held: dict[Place, int] = {}

    def follow(self, log: Sequence[LogRecord], start: int) -> bool:
        """Read on from a record; False, and nothing read, when records before it are missing."""
        if start > self.read:
            return False
        for record in log[self.read :]:
            if isinstance(record, Opened):
                self.held[record.owner, record.asset] = record.amount
            elif isinstance(record, Posted):
                giver, taker = (record.giver, record.asset), (record.taker, record.asset)
                self.held[giver] = self.held.get(giver, 0) - record.amount
                self.held[taker] = self.held.get(taker, 0) + record.amount
        self.read = len(log)
        return True


class Gate:
    """Open requests by sender, up to a limit each."""

    def __init__(self, most: int) -> None:
        self.most = most
        self.open: dict[str, int] = {}

    def admit(self, sender: str, requests: int) -> int:
        """How many of the requests are let in; the others are refused."""
        room = self.most - self.open.get(sender, 0)
        let_in = max(0, min(room, requests))
        self.open[sender] = self.open.get(sender, 0) + let_in
        return let_in


def circle(links: Mapping[str, str], start: str) -> tuple[str, ...]:
    """The obligations that wait for each other in a circle with ``start``; empty when none do."""
    way, name = [start], start
    while (name := links.get(name, "")) and name not in way:
        way.append(name)
    return tuple(way) if name == start else ()
