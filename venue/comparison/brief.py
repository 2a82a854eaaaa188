"""Four lines: a run's trades under the venue's default design and under today's practice.

Purpose: what the demonstration prints after its day. Both columns settle the same trades on the same date, with
funds as gross settlement in order needs, without faults; so what differs is the design.
Cost: two trials. Errors: BadInput when nothing traded.
"""

from typing import Final

from venue.comparison.flow import Flow
from venue.comparison.grid import Cell
from venue.comparison.settle import settle_cell
from venue.comparison.svg import short

HORIZON: Final = 2
NEW: Final = "B2"
TODAY: Final = "D-token"

_LINES: Final = (
    ("principal at risk", "principal_integral_yen_h", "yen·h"),
    ("largest at once", "principal_peak_yen", "yen"),
    ("trade to finality", "finality_p50_h", "h"),
    ("people's work", "staff_minutes", "minutes"),
)


def four_lines(flow: Flow) -> list[str]:
    """The comparison, one metric a line."""
    new, today = (
        settle_cell(flow, Cell(design, HORIZON, "none", "upper", 1)) for design in (NEW, TODAY)
    )
    return [
        f"{words:<18} provisional transfer {f'{short(new[name])} {unit}':<14} "
        f"today's bank transfer {short(today[name])} {unit}"
        for words, name, unit in _LINES
    ]
