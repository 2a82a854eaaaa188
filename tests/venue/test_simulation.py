"""Whole days in one process: order of steps and requests, guests, journals, and refused runs."""

from pathlib import Path

import pytest

from market.commands import ChangePhase, Entry, NewOrder, OpenDay
from market.errors import BadInput, JournalError
from market.events import Event, OrderAmended, RequestRejected
from market.words import Phase
from participants.orderflow import generated_day
from venue.journal import JOURNAL_FILE, Journal, read_entries
from venue.orderfile import read_orders, write_orders
from venue.recovery import replay, verify
from venue.runs import simulate_run
from venue.sample import sample_settings
from venue.simulation import Simulation, rehearse

HEADER = "day,time,participant,action,client_order_id,instrument,side,kind,price,quantity\n"


def orders(tmp_path: Path, *lines: str) -> Path:
    """An order file of new orders."""
    path = tmp_path / "orders.csv"
    path.write_text(HEADER + "\n".join(lines) + "\n", encoding="utf-8")
    return path


def simulated(
    path: Path | None = None, *, out: Path | None = None, settings: Path | None = None,
    seed: int = 7, days: int | None = None, scale: float = 1.0,
) -> tuple[list[tuple[Entry, list[Event]]], str]:  # fmt: skip
    """A run as the command asks for it: its steps and its digest."""
    steps: list[tuple[Entry, list[Event]]] = []
    core = simulate_run(
        orders=path, settings_path=settings, seed=seed, preset=None, days=days, scale=scale,
        out=out, seen=lambda entry, events: steps.append((entry, events)),
    )  # fmt: skip
    return steps, core.digest()


def test_at_the_same_instant_the_schedule_goes_first(tmp_path: Path) -> None:
    """An order at 08:20:00 meets the open book, one at 15:30:00 the closed one."""
    path = orders(
        tmp_path,
        "1,08:20:00,FIRM-A,new,A-1,KH01,buy,limit,100000,1",
        "1,15:30:00,FIRM-A,new,A-2,KH01,buy,limit,100000,1",
    )
    steps, _ = simulated(path)
    told = [events[0] for entry, events in steps if isinstance(entry.command, NewOrder)]
    assert [isinstance(one, RequestRejected) for one in told] == [False, True]


def test_orders_outside_the_day_are_answered_all_the_same(tmp_path: Path) -> None:
    """Before the opening and after the close the market says that it is closed."""
    path = orders(
        tmp_path,
        "1,00:00:00,FIRM-A,new,A-1,KH01,buy,limit,100000,1",
        "1,23:59:59.999,FIRM-A,new,A-2,KH01,buy,limit,100000,1",
    )
    steps, _ = simulated(path)
    told = [events[0] for entry, events in steps if isinstance(entry.command, NewOrder)]
    assert [one.reason.value for one in told if isinstance(one, RequestRejected)] == [
        "PHASE_CLOSED",
        "PHASE_CLOSED",
    ]


def test_time_never_goes_back_and_numbers_have_no_gap(tmp_path: Path) -> None:
    """Whatever is merged, the journal is one line of time."""
    steps, _ = simulated(seed=3, days=2)
    times = [entry.at_ns for entry, _ in steps]
    assert times == sorted(times)
    assert [entry.sequence for entry, _ in steps] == list(range(1, len(steps) + 1))


def test_a_firm_only_the_order_file_names_is_admitted_with_something_to_trade(
    tmp_path: Path,
) -> None:
    """A guest can buy and sell at once; nobody has to write settings for a first try."""
    path = orders(
        tmp_path,
        "1,09:00:00,GUEST,new,G-1,KH01,buy,limit,100000,1",
        "1,09:00:01,GUEST,new,G-2,KH01,sell,limit,100100,1",
    )
    steps, _ = simulated(path)
    told = [events[0] for entry, events in steps if isinstance(entry.command, NewOrder)]
    assert not any(isinstance(one, RequestRejected) for one in told)


def test_the_order_file_says_how_many_days(tmp_path: Path) -> None:
    """Orders of day 3 make three trading days, unless days are asked for."""
    path = orders(tmp_path, "3,09:00:00,FIRM-A,new,A-1,KH01,buy,limit,100000,1")
    for asked, wanted in ((None, 3), (1, 1)):
        steps, _ = simulated(path, days=asked)
        trading = [
            entry for entry, _ in steps
            if isinstance(entry.command, ChangePhase) and entry.command.phase is Phase.BREAK
        ]  # fmt: skip
        assert len(trading) == wanted * 8


def test_the_same_orders_from_a_file_and_from_memory_make_the_same_market(tmp_path: Path) -> None:
    """Writing a day down and reading it back changes nothing."""
    intents = generated_day(seed=5, orders=200)
    path = tmp_path / "day.csv.gz"
    write_orders(path, intents)
    _, digest = simulated(path)
    core = Simulation(sample_settings("start", 7)).run(lambda day: intents if day == 1 else [])
    assert core.digest() == digest


def test_one_seed_one_digest_and_another_seed_another() -> None:
    """The run is a function of its seed."""
    assert simulated(seed=3)[1] == simulated(seed=3)[1] != simulated(seed=4)[1]


def test_a_written_run_replays_to_its_digest(tmp_path: Path) -> None:
    """What is on the disk is the run, entry for entry."""
    steps, digest = simulated(seed=3, out=tmp_path)
    assert [entry for entry, _ in steps] == list(read_entries(tmp_path))
    assert replay(read_entries(tmp_path)).digest() == digest == verify(tmp_path).digest


def test_a_folder_with_a_run_is_refused_and_left_alone(tmp_path: Path) -> None:
    """Nothing of the first run is overwritten or appended to."""
    _, digest = simulated(seed=3, out=tmp_path)
    with pytest.raises(BadInput, match="holds a run already"):
        simulated(seed=4, out=tmp_path)
    assert verify(tmp_path).digest == digest


def test_settings_the_market_refuses_leave_no_journal_behind(tmp_path: Path) -> None:
    """They are tried on a market that is thrown away, so the folder can be used once they are right."""
    settings = tmp_path / "venue.toml"
    settings.write_text(
        '[[firms]]\nparticipant_id = "FIRM-A"\nname = "A"\nunits = { KH01 = 11 }\n'
        '[[issues]]\ninstrument_id = "KH01"\nisin = "JP0000000001"\nname = "K"\nissued_units = 10\n',
        encoding="utf-8",
    )
    with pytest.raises(BadInput, match="INSUFFICIENT_HOLDING"):
        simulated(settings=settings, out=tmp_path / "run")
    assert not (tmp_path / "run" / JOURNAL_FILE).exists()


def test_a_rehearsal_is_the_opening_and_nothing_more() -> None:
    """The sample venue passes; a unit too much in any firm does not."""
    settings = sample_settings("start", 7)
    rehearse(settings)
    firm = settings.firms[0].model_copy(update={"units": {"KH01": 10**6}})
    with pytest.raises(BadInput, match="DepositUnits"):
        rehearse(settings.model_copy(update={"firms": [firm]}))


def test_a_run_that_breaks_keeps_what_it_did(tmp_path: Path) -> None:
    """The rows so far are on the disk as evidence, up to the command that failed."""

    def burst(entry: Entry, events: list[Event]) -> None:
        if isinstance(entry.command, OpenDay):
            raise JournalError("on purpose", entry.sequence)

    with Journal(tmp_path) as journal, pytest.raises(JournalError):
        Simulation(sample_settings("start", 7), journal=journal, seen=burst).run(lambda _: [])
    assert isinstance(list(read_entries(tmp_path))[-1].command, OpenDay)


@pytest.mark.parametrize(("seed", "told"), [(-1, "not negative")])
def test_a_seed_is_a_whole_number_from_zero(seed: int, told: str) -> None:
    """Otherwise the user hears so, in one line."""
    with pytest.raises(BadInput, match=told):
        simulated(seed=seed)


def test_an_order_file_amends_by_total_where_the_market_does(tmp_path: Path) -> None:
    """On ODX equities the quantity of an amend is the chain's: 10 with 4 filled leaves 6."""
    path = tmp_path / "orders.csv"
    columns = "time,participant,action,client_order_id,original_client_order_id,instrument,side,"
    path.write_text(
        columns + "kind,price,quantity\n"
        "09:00:00,FIRM-A,new,A-1,,KH01,buy,limit,100000,8\n"
        "09:00:01,FIRM-B,new,B-1,,KH01,sell,limit,100000,4\n"
        "09:00:02,FIRM-A,amend,A-2,A-1,,,,,10\n",
        encoding="utf-8",
    )
    settings = sample_settings("odx-equities", 7)
    intents = read_orders(path)
    seen: list[Event] = []
    Simulation(settings, seen=lambda _, events: seen.extend(events)).run(
        lambda day: intents if day == 1 else ()
    )
    (amended,) = [event for event in seen if isinstance(event, OrderAmended)]
    assert amended.leaves_units == 6
