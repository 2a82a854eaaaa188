"""An obligation of a trial on its way, and what many of them come to.

Purpose: what the desk and the runner both know of one obligation; its rules being taken (designs/enact.py) are all that moves it.
Units: ns, yen, units. Cost: O(1); net_flows O(obligations). Errors: none.
"""

from collections.abc import Iterable

from settlement.designs.enact import Enactment
from settlement.designs.rules import World
from settlement.designs.states import Leg, ObligationState
from settlement.trials.records import FINAL, YEN, TrialTrade


class Deal:
    """An obligation on its way.

    Attributes:
        run: Its rules being taken; all that moves it.
        state: Its state as last written to the log.
        entered_ns: Since when it is in that state.
        cut_off_ns: The cut-off of this attempt.
        began_ns: When the attempt's first lock was made.
        decided_ns: When one leg became final before the other.
        option_until_ns: Until when a lock made now leaves the choice to the other side; 0 is never.
        lacked: Whose asset was missing last, with the amount.
        stuck: Its world when it was last looked at and only lacked something.
        late: Who fails it, once that is to be paid for; what others are bought in for changes nothing then.
        blame: Who first kept the second leg from being given, and the family of the fault.
    """

    __slots__ = (
        "began_ns", "blame", "could", "cut_off_ns", "decided_ns", "due_ns", "entered_ns", "lacked", "late",
        "late_days", "left_units", "left_yen", "name", "option_until_ns", "queued", "ready_ns", "run", "state",
        "stuck", "taken", "told", "trade", "wakes",
    )  # fmt: skip

    run: Enactment

    def __init__(self, trade: TrialTrade, ready_ns: int, due_ns: int) -> None:
        self.trade = trade
        self.name = trade.trade_id
        self.ready_ns = self.entered_ns = ready_ns
        self.due_ns = self.cut_off_ns = due_ns
        self.state = ObligationState.MATCHED
        self.left_units = trade.units
        self.left_yen = trade.yen
        self.queued = False
        self.late = ""
        self.began_ns = self.decided_ns = self.option_until_ns = 0
        self.lacked: tuple[str, str, int] | None = None
        self.blame: tuple[str, str] | None = None
        self.stuck: World | None = None
        self.could: set[Leg] = set()
        self.told: set[tuple[str, str, int]] = set()
        self.wakes: set[int] = set()
        self.taken = self.late_days = 0

    @property
    def is_open(self) -> bool:
        """Whether something may still happen."""
        return self.state not in FINAL

    def step_id(self, ahead: int = 0) -> str:
        """The id of the last step taken, or of one ahead of it; never used for another."""
        return f"{self.name}/{self.taken + ahead}"

    def firm(self, side: str) -> str:
        """The firm of a side; anyone else by name."""
        trade = self.trade
        return {"seller": trade.seller, "buyer": trade.buyer}.get(side, side)


def net_flows(deals: Iterable[Deal]) -> dict[tuple[str, str], int]:
    """What each owner gives (negative) or gets of each asset when all settle at once."""
    net: dict[tuple[str, str], int] = {}
    for deal in deals:
        trade = deal.trade
        if trade.seller == trade.buyer:
            continue
        for owner, asset, amount in (
            (trade.seller, trade.issue, -deal.left_units),
            (trade.buyer, trade.issue, deal.left_units),
            (trade.buyer, YEN, -deal.left_yen),
            (trade.seller, YEN, deal.left_yen),
        ):
            net[owner, asset] = net.get((owner, asset), 0) + amount
    return net
