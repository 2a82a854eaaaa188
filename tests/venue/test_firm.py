"""The sample firms and the reference client stay alive through a quiet market."""

import asyncio
import json
import subprocess
import sys
from pathlib import Path

import pytest

from market.errors import BadInput
from venue.app import READY_FILE, Venue
from venue.firm import MarketTime
from venue.sample import sample_settings
from venue.settings import VenueSettings

QUICK = {"rest_port": 0, "orders_port": 0, "feed_port": 0}


def test_market_time_does_not_go_back_with_an_old_snapshot() -> None:
    """A snapshot is as old as its last change; only later messages move the clock."""
    time = MarketTime(60.0)
    now = 1_795_475_400_000_000_000

    time.hear({"at_ns": now})
    time.hear({"channel": "phase", "at_ns": 0})

    assert time.seconds_until(now) == 0.0


def test_a_port_in_use_is_one_clear_error(tmp_path: Path) -> None:
    """The setting is named, and how to choose another."""

    async def story() -> None:
        taken = await asyncio.start_server(lambda *_: None, "127.0.0.1", 0)
        port = taken.sockets[0].getsockname()[1]
        settings = sample_settings("start", 7, server=QUICK | {"orders_port": port})
        try:
            with pytest.raises(BadInput, match=r"server\.orders_port"):
                await Venue(settings, tmp_path).run()
        finally:
            taken.close()

    asyncio.run(story())


@pytest.mark.processes
def test_firms_that_join_an_open_market_trade_and_outlast_its_quiet_hours(tmp_path: Path) -> None:
    """A break longer than the idle limit ends no session; a late firm still trades the day."""
    settings: VenueSettings = sample_settings(
        "start", 7, speed=1_500.0, settle_days_max=0,
        server=QUICK | {"idle_s": 1.5, "requests_per_second": 5_000, "requests_burst": 5_000},
    )  # fmt: skip
    path, out = tmp_path / "venue.json", tmp_path / "run"
    path.write_text(settings.model_dump_json(), encoding="utf-8")
    run = [sys.executable, "-m", "venue"]
    venue = subprocess.Popen(
        [*run, "serve", "--settings", str(path), "--out", str(out), "--end"],
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert venue.stdout is not None
        while "day opens" not in venue.stdout.readline():
            assert venue.poll() is None
        firm = subprocess.run(
            [*run, "firm", "--participant", "FIRM-A", "--ready", str(out / READY_FILE)],
            capture_output=True,
            text=True,
            timeout=90,
            check=False,
        )
        venue.communicate(timeout=90)
    finally:
        venue.kill()

    assert firm.returncode == 0, firm.stderr
    assert json.loads(firm.stdout)["asked"] > 400
