"""Transfer-executability control (移転可否): one flag for all issues that join to one control id.

A flag that is off refuses new instructions, locks and settlement of every issue joined to it. It
never refuses a return. Whether what is locked already may still complete is the policy given with
the change: DRAIN lets it, FREEZE does not; a frozen lock can be returned. The flag is read again
in the step that posts, and that reading decides.

Source: the report of the Progmat working group (2021) has an id and a flag, joined by the issue's
record, many issues to one id; reason, actor, time and policy are our additions.
"""

from enum import StrEnum
from typing import NamedTuple

from market.errors import check
from settlement.refusals import Refusal
from settlement.station import Process


class InFlight(StrEnum):
    """What happens to locks that are live when the flag goes off."""

    DRAIN = "drain"
    FREEZE = "freeze"


class ControlChange(NamedTuple):
    """One change of one flag: who, why, from when (logical nanoseconds)."""

    control_id: str
    executable: bool
    in_flight: InFlight
    at_ns: int
    actor: str
    reason: str


class TransferControls:
    """Flags by control id, and which issue joins to which.

    Attributes:
        flags: The last change by control id.
        joined: Control id by issue.
        history: Every change, oldest first.
    """

    __slots__ = ("flags", "history", "joined")

    def __init__(self) -> None:
        self.flags: dict[str, ControlChange] = {}
        self.joined: dict[str, str] = {}
        self.history: list[ControlChange] = []

    def join(self, instrument_id: str, control_id: str, *, executable: bool) -> None:
        """Name the control of an issue; a new control starts as the issue says."""
        check(instrument_id not in self.joined, "an issue joins one control", issue=instrument_id)
        self.joined[instrument_id] = control_id
        if control_id not in self.flags:
            self.set(ControlChange(control_id, executable, InFlight.DRAIN, 0, "listing", "listing"))

    def set(self, change: ControlChange) -> list[str]:
        """Change a flag; the issues it stops or frees, in order of joining."""
        self.flags[change.control_id] = change
        self.history.append(change)
        return [issue for issue, control in self.joined.items() if control == change.control_id]

    def executable(self, instrument_id: str) -> bool:
        """The flag as it is for one issue."""
        return self.flags[self.joined[instrument_id]].executable

    def refusal(self, instrument_id: str, process: Process) -> Refusal | None:
        """Why the flag bars this process now, or None."""
        flag = self.flags[self.joined[instrument_id]]
        if flag.executable or process in {Process.RETURN, Process.BATCH}:
            return None
        if process is Process.COMPLETE and flag.in_flight is InFlight.DRAIN:
            return None
        return Refusal.TRANSFER_RESTRICTED

    def state(self) -> dict[str, object]:
        """Canonical content for the digest."""
        return {
            key: [int(self.flags[key].executable), self.flags[key].in_flight.value]
            for key in sorted(self.flags)
        }
