"""A venue with a continuous market on chosen FIX ports, for tests with real processes."""

from typing import Any

from tests.crash_witness import campaign_settings
from venue.settings import VenueSettings

NAMED = {"counterparty_on_fill": True}


def fix_settings(ports: dict[str, int], **changes: Any) -> VenueSettings:
    """Four firms and two issues under ODX's equities' hours, a second of ours being five minutes."""
    base = campaign_settings(speed=300.0, days=1, run_id="fix")
    server = {
        "rest_port": 0,
        "orders_port": 0,
        "feed_port": 0,
        "requests_per_second": 100_000,
        "requests_burst": 100_000,
        "heartbeat_s": 0.05,
    }
    fields = (
        base.model_dump()
        | {"preset": "odx-equities", "rules": NAMED, "server": server | ports}
        | changes
    )
    return VenueSettings.model_validate(fields)
