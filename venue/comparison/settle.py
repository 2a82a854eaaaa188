"""One cell: settle a flow under a design and measure what the event log says."""

from typing import Any

from venue.comparison.flow import Flow


def settle_cell(flow: Flow, cell: Any, money: str) -> dict[str, Any]:
    """Figures, attributed losses and the digest of one cell."""
    raise NotImplementedError
