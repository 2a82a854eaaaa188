"""How a venue's day settles: a design as stages at clock times, for all deliveries that are due.

Purpose: what a market's timetable knows of settlement. The two here move deliveries by life tables that a test
holds to the proven tables of settlement/designs/ (gross_atomic to gross, provisional_transfer to
verified_payment): the venue moves only where the proven table can.

A design decides what each stage of the day does to the deliveries that are due. The last stage is
the cut-off: afterwards no due delivery is in flight, but one whose payment was ordered and not answered. Stages before it may run several times.
Designs share no state; a run uses one.
"""

from collections.abc import Sequence
from typing import Protocol

from market.events import Event
from market.reasons import FailReason
from settlement.delivery import Delivery, Life


class StagedDesign(Protocol):
    """One way to settle."""

    @property
    def name(self) -> str:
        """Its name, as in SettlementMode."""

    @property
    def stages(self) -> tuple[str, ...]:
        """Names of the stages in order; the last is the cut-off."""

    @property
    def life(self) -> Life:
        """The table every delivery of this design moves by."""

    def run(self, stage: int, due: Sequence[Delivery], second_of_day: int) -> list[Event]:
        """Run one stage.

        Args:
            stage: Index into ``stages``.
            due: Open deliveries whose date has come, by delivery id (first in, first out).
            second_of_day: In Japan, when the stage runs: parts are made in the window of the market's rule.

        Returns:
            Postings, each followed by the move it belongs to.
        """

    def cancel(self, delivery: Delivery, reason: FailReason = FailReason.CANCELED) -> list[Event]:
        """End a delivery that is neither paid nor over; every lock returns."""
