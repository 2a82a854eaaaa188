"""Which FIX doors a venue opens, by its settings and its command line."""

import json

import pytest
from house import settings
from typer.testing import CliRunner

from participants.fix_dictionary import dictionary
from participants.fix_profiles import HOUSE_44, START_42
from venue.__main__ import cli
from venue.fix_doors import FixDoors
from venue.settings import DROP_COPY_PORT, FIX42_PORT, FIX44_PORT, ServerSettings

USUAL = {"fix42": FIX42_PORT, "fix44": FIX44_PORT, "drop_copy": DROP_COPY_PORT}


@pytest.mark.parametrize(
    ("chosen", "ports"),
    [
        ({}, USUAL),
        ({"orders_port": 0}, dict.fromkeys(USUAL, 0)),
        ({"fix42_port": 7000}, USUAL | {"fix42": 7000}),
        ({"orders_port": 0, "fix42_port": 7000}, dict.fromkeys(USUAL, 0) | {"fix42": 7000}),
        ({"fix44_port": -1, "drop_copy_port": -1}, {"fix42": FIX42_PORT}),
        ({"fix42_port": -1, "fix44_port": -1, "drop_copy_port": -1}, {}),
    ],
)
def test_each_door_has_its_port_or_is_off(chosen: dict[str, int], ports: dict[str, int]) -> None:
    """-1 is off; left out it is the usual port, or the system's choice where all are."""
    assert ServerSettings(**chosen).fix_ports() == ports


def test_doors_that_are_off_cost_nothing(tmp_path: object) -> None:
    """No projection hears the journal and nothing is announced."""
    server = {"fix42_port": -1, "fix44_port": -1, "drop_copy_port": -1}
    doors = FixDoors(settings("start", server=server), tmp_path)  # type: ignore[arg-type]

    assert doors.heard is None
    assert (doors.addresses(), doors.lines()) == ({}, [])
    doors.tick()
    doors.finish()
    doors.halt(None)


@pytest.mark.parametrize(
    ("host", "is_loopback"),
    [
        ("127.0.0.1", True),
        ("127.9.9.9", True),
        ("::1", True),
        ("localhost", True),
        ("0.0.0.0", False),  # noqa: S104 - a setting, not a socket
        ("192.168.1.5", False),
        ("venue.example", False),
    ],
)
def test_only_a_loopback_address_trusts_a_comp_id(host: str, is_loopback: bool) -> None:
    """Anywhere else a key needs a FIX password."""
    assert ServerSettings(host=host).is_loopback is is_loopback


def test_the_command_prints_each_dictionary() -> None:
    """One at a time, the websockets' AsyncAPI when none is asked for; both are bad input."""
    run = CliRunner().invoke
    assert run(cli, ["schema", "--fix42"]).stdout == dictionary(START_42)
    assert run(cli, ["schema", "--fix44"]).stdout == dictionary(HOUSE_44)
    assert json.loads(run(cli, ["schema"]).stdout)["asyncapi"] == "3.0.0"
    assert run(cli, ["schema", "--fix42", "--fix44"]).exit_code == 2
