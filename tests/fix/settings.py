"""A venue with a continuous market on chosen FIX ports, for tests with real processes."""

from typing import Any

from tests.crash_witness import campaign_settings
from venue.settings import VenueSettings

NAMED = {"counterparty_on_fill": True}


def fix_settings(ports: dict[str, int], *, sessions: int = 1, **changes: Any) -> VenueSettings:
    """Four firms and two issues under ODX's equities' hours, a second of ours being five minutes.

    Args:
        ports: FIX ports; those left out are the system's choice.
        sessions: So many sessions a firm, ``FIRM-A-1`` and on.
        changes: Other settings.
    """
    base = campaign_settings(speed=300.0, days=1, run_id="fix")
    server = {
        "rest_port": 0,
        "orders_port": 0,
        "feed_port": 0,
        "requests_per_second": 100_000,
        "requests_burst": 100_000,
        "heartbeat_s": 0.05,
    }
    firms = [firm.model_dump() for firm in base.firms]
    for firm in firms:
        names = [f"{firm['participant_id']}-{place + 1}" for place in range(sessions)]
        key = firm["keys"][0]
        firm["keys"] = [key | {"key_id": f"{name}-key", "session_id": name} for name in names]
    fields = (
        base.model_dump()
        | {"firms": firms}
        | {"preset": "odx-equities", "rules": NAMED, "server": server | ports}
        | changes
    )
    return VenueSettings.model_validate(fields)
