"""The station (開閉局): order of states, epochs, what each lets through, and outages."""

import pytest

from market.token_acts import Station
from settlement.refusals import Refusal
from settlement.station import NEXT, OutagePolicy, Process, StationControl

ROUTES: dict[Station, tuple[Station, ...]] = {
    Station.OPEN: (),
    Station.CLOSING: (Station.CLOSING,),
    Station.CLOSED: (Station.CLOSING, Station.CLOSED),
    Station.BATCH: (Station.CLOSING, Station.CLOSED, Station.BATCH),
    Station.OPENING: (Station.CLOSING, Station.CLOSED, Station.OPENING),
    Station.EMERGENCY: (Station.EMERGENCY,),
}


def at(station: Station, policy: OutagePolicy = OutagePolicy.EXTEND) -> StationControl:
    """A station taken there step by step."""
    control = StationControl(policy)
    for number, step in enumerate(ROUTES[station]):
        assert control.switch(step, at_ns=number, actor="ops", reason="test") is None
    return control


@pytest.mark.parametrize("station", Station)
def test_only_the_next_states_are_reached(station: Station) -> None:
    """Every other switch is refused and leaves state, epoch and history."""
    for target in Station:
        control = at(station)
        before = (control.state(), list(control.history))
        answer = control.switch(target, at_ns=9, actor="ops", reason="test")
        if target in NEXT[station]:
            assert answer is None
            assert control.epoch == len(ROUTES[station]) + 1
        else:
            assert answer is Refusal.WRONG_STATE
            assert (control.state(), list(control.history)) == before


LETS: dict[Station, str] = {
    Station.OPEN: "instruct complete return batch",
    Station.CLOSING: "complete return",
    Station.CLOSED: "return",
    Station.BATCH: "return batch",
    Station.OPENING: "return",
    Station.EMERGENCY: "",
}
"""The table of the module's header, written down again."""


@pytest.mark.parametrize("station", Station)
@pytest.mark.parametrize("process", Process)
def test_a_process_passes_where_the_table_says(station: Station, process: Process) -> None:
    """I16: of the present epoch by state; of an older one nothing but a return."""
    control = at(station)
    allowed = process.value in LETS[station].split()

    assert control.refusal(process) is (None if allowed else Refusal.STATION_NOT_OPEN)
    if control.epoch:
        old = control.refusal(process, control.epoch - 1)
        if process is Process.RETURN:
            assert (old is None) is allowed
        else:
            assert old is Refusal.STALE_EPOCH


def test_every_state_leads_back_to_open() -> None:
    """I20: no state of the station is a dead end."""
    for station in Station:
        reached, waiting = {station}, [station]
        while waiting:
            for target in NEXT[waiting.pop()]:
                if target not in reached:
                    reached.add(target)
                    waiting.append(target)
        assert Station.OPEN in reached


@pytest.mark.parametrize(("policy", "extended"), [("extend", 40), ("fault", 0)])
def test_an_outage_puts_expiries_off_or_is_a_fault(policy: str, extended: int) -> None:
    """EXTEND gives every expiry the length of the outage; FAULT gives nothing."""
    control = StationControl(OutagePolicy(policy))
    control.switch(Station.EMERGENCY, at_ns=10, actor="ops", reason="outage")
    control.switch(Station.OPENING, at_ns=50, actor="ops", reason="back")

    assert control.extension_ns == extended
    assert control.history[0] == (10, "emergency", "ops", "outage")
