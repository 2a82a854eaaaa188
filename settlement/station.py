"""Open and close of a ledger's station (開閉局), with an epoch that orders what is in flight.

=========  =======================================================================
OPEN       everything
CLOSING    no new instruction; what is locked may complete; returns
CLOSED     reads and returns
BATCH      reads, returns, and the operator's batch: register, record date, netting
OPENING    reads and returns
EMERGENCY  reads only
=========  =======================================================================

Every switch begins a new epoch. A request names the epoch it was made in and is refused when that
is over: it was either ordered before the switch or it is refused, and there is nothing between.

In EMERGENCY nothing returns either, so an expiry may pass while nobody can act on it. Policy
EXTEND gives every expiry on this ledger the length of the outage; policy FAULT lets it pass, and
the loss is the operator's. What each costs a hash time lock: designs/hash_time_lock.py.

Source: the report of the Progmat working group (2021) has one status field and no semantics;
these are ours.
"""

from enum import StrEnum
from typing import Final

from market.errors import check
from market.token_acts import Station
from settlement.refusals import Refusal


class Process(StrEnum):
    """What a request wants of the ledger."""

    INSTRUCT = "instruct"  # a new transfer or lock
    COMPLETE = "complete"  # the final transfer of what is locked
    RETURN = "return"  # unlock, cancel, reclaim, refund
    BATCH = "batch"  # the operator's register and record date runs


class OutagePolicy(StrEnum):
    """What an outage does to expiries."""

    EXTEND = "extend"
    FAULT = "fault"


_P = Process
PERMITTED: Final[dict[Station, tuple[Process, ...]]] = {
    Station.OPEN: (_P.INSTRUCT, _P.COMPLETE, _P.RETURN, _P.BATCH),
    Station.CLOSING: (_P.COMPLETE, _P.RETURN),
    Station.CLOSED: (_P.RETURN,),
    Station.BATCH: (_P.RETURN, _P.BATCH),
    Station.OPENING: (_P.RETURN,),
    Station.EMERGENCY: (),
}

_S = Station
NEXT: Final[dict[Station, tuple[Station, ...]]] = {
    _S.OPEN: (_S.CLOSING, _S.EMERGENCY),
    _S.CLOSING: (_S.CLOSED, _S.EMERGENCY),
    _S.CLOSED: (_S.BATCH, _S.OPENING, _S.EMERGENCY),
    _S.BATCH: (_S.OPENING, _S.EMERGENCY),
    _S.OPENING: (_S.OPEN, _S.EMERGENCY),
    _S.EMERGENCY: (_S.CLOSED, _S.OPENING),
}


class StationControl:
    """The station of one ledger.

    Attributes:
        station: The present state.
        epoch: Number of switches so far.
        policy: What an outage does to expiries.
        extension_ns: By how much outages have put off every expiry, nanoseconds.
        history: Every switch: logical time, state, actor, reason.
    """

    __slots__ = (
        "_out_since_ns",
        "_permitted",
        "epoch",
        "extension_ns",
        "history",
        "policy",
        "station",
    )

    def __init__(self, policy: OutagePolicy = OutagePolicy.EXTEND) -> None:
        self.station = Station.OPEN
        self.epoch = 0
        self.policy = policy
        self.extension_ns = 0
        self.history: list[tuple[int, str, str, str]] = []
        self._out_since_ns = 0
        self._permitted = PERMITTED[self.station]

    def switch(self, station: Station, *, at_ns: int, actor: str, reason: str) -> Refusal | None:
        """Go to the next state; any other is refused."""
        if station not in NEXT[self.station]:
            return Refusal.WRONG_STATE
        check(not self.history or at_ns >= self.history[-1][0], "time goes forward", at_ns=at_ns)
        if station is Station.EMERGENCY:
            self._out_since_ns = at_ns
        elif self.station is Station.EMERGENCY and self.policy is OutagePolicy.EXTEND:
            self.extension_ns += at_ns - self._out_since_ns
        self.station = station
        self._permitted = PERMITTED[station]
        self.epoch += 1
        self.history.append((at_ns, station.value, actor, reason))
        return None

    def refusal(self, process: Process, epoch: int | None = None) -> Refusal | None:
        """Why a request may not be carried out now; None for ``epoch`` means the present one."""
        if epoch is not None and epoch != self.epoch and process is not Process.RETURN:
            return Refusal.STALE_EPOCH
        if process not in self._permitted:
            return Refusal.STATION_NOT_OPEN
        return None

    def state(self) -> list[object]:
        """Canonical content for the digest."""
        return [self.station.value, self.epoch, self.extension_ns]
