"""The command as a user meets it: help with examples, exit codes, one clear line for what is wrong."""

import json
import os
import re
import sqlite3
from pathlib import Path
from typing import NamedTuple

import pytest
from typer.testing import CliRunner

from market.reasons import RejectReason
from matching.books import DEFAULT, NAMES
from matching.kernel import IS_COMPILED
from venue.__main__ import cli
from venue.doctor import is_stale
from venue.journal import JOURNAL_FILE

EXAMPLES = Path(__file__).parents[2] / "examples"
COMMANDS = ("demo", "serve", "simulate", "replay", "verify", "errors", "keys", "doctor")


class Told(NamedTuple):
    """What came of one command."""

    code: int
    out: str
    err: str


def kitahama(*words: str | Path) -> Told:
    """Run the command in this process."""
    done = CliRunner().invoke(cli, [str(word) for word in words], env={"COLUMNS": "200"})
    assert done.exception is None or isinstance(done.exception, SystemExit), "no trace of ours"
    return Told(done.exit_code, done.stdout, " ".join(done.stderr.split()))


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the small day."""
    folder = tmp_path_factory.mktemp("cli") / "run"
    done = kitahama("simulate", "--orders", EXAMPLES / "small_day.csv", "--out", folder, "--quiet")
    assert done.code == 0
    return folder


# --- books


def test_every_book_leads_to_the_same_digest(run: Path) -> None:
    """The choice of book is nobody's business but the clock's."""
    told = [kitahama("replay", run, "--book", book, "--json") for book in NAMES]
    digests = {json.loads(one.out)["digest"] for one in told}
    assert [one.code for one in told] == [0] * len(NAMES)
    assert len(digests) == 1


def test_an_unknown_book_is_refused_by_name() -> None:
    """The answer names the books there are."""
    done = kitahama("simulate", "--quiet", "--book", "papyrus")
    assert done.code == 2
    assert "books are sorted, kernel" in done.err


def test_a_kernel_is_stale_in_a_checkout_only(tmp_path: Path) -> None:
    """A wheel's files have whatever times its installer gave them; an edited text is newer."""
    folder = tmp_path / "matching"
    folder.mkdir()
    text, compiled = folder / "kernel.py", folder / "kernel.so"
    for place, second in ((compiled, 100), (text, 200)):
        place.touch()
        os.utime(place, (second, second))
    assert not is_stale(compiled)
    (tmp_path / "setup.py").touch()
    assert is_stale(compiled)
    os.utime(text, (50, 50))
    assert not is_stale(compiled)


def test_the_doctor_says_which_book_serves() -> None:
    """Compiled or not, and which of the two books is the default."""
    done = kitahama("doctor")
    assert done.code == 0
    assert f"books        {DEFAULT} by default" in done.out
    assert ("compiled (" if IS_COMPILED else "interpreted") in done.out


# --- help


@pytest.mark.parametrize("command", COMMANDS)
def test_help_shows_an_example(command: str) -> None:
    """Every command can be tried as printed."""
    for flag in ("--help", "-h"):
        done = kitahama(command, flag)
        assert done.code == 0
        assert re.search(rf"Examples?:\s+kitahama {command}", done.out)


def test_the_bare_command_lists_all_others() -> None:
    """Without words it explains itself; the internal one stays hidden."""
    done = kitahama()
    for command in COMMANDS:
        assert f" {command} " in done.out
    assert " firm " not in done.out


@pytest.mark.parametrize(
    "words",
    [
        ("simulat",),
        ("simulate", "--sed", "7"),
        ("simulate", "--days", "0"),
        ("simulate", "--days", "2001"),
        ("simulate", "--scale", "0"),
        ("simulate", "--seed", "x"),
        ("verify",),
        ("keys",),
    ],
)
def test_a_slip_of_the_pen_ends_with_code_2(words: tuple[str, ...]) -> None:
    """Unknown words, options and values out of range are bad input."""
    assert kitahama(*words).code == 2


# --- simulate


def test_the_small_day_is_printed_and_summed_up() -> None:
    """Lines for people on stdout, the digest last."""
    done = kitahama("simulate", "--orders", EXAMPLES / "small_day.csv")
    assert done.code == 0
    assert "100,300 yen" in done.out
    assert "フェイル" in done.out or "DvP" in done.out
    assert re.search(r"digest +[0-9a-f]{64}", done.out.splitlines()[-1])


def test_json_is_one_object_and_nothing_else() -> None:
    """A program can read the summary."""
    done = kitahama("simulate", "--orders", EXAMPLES / "small_day.csv", "--json")
    summary = json.loads(done.out)
    assert (summary["orders"], summary["trades"], summary["refused"]) == (10, 6, 3)
    assert (summary["delivered"], summary["open_deliveries"]) == (6, 0)
    assert len(summary["digest"]) == 64


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("1,08:25:00,FIRM-A,new,A-1,,KH01,buy,limit,1e5,10,day,", "line 2, price"),
        ("1,25:00:00,FIRM-A,new,A-1,,KH01,buy,limit,100,10,day,", "line 2, time"),
        ("1,08:25:00,FIRM-A,new,A-1,,KH01,both,limit,100,10,day,", "line 2, side"),
        ("1,08:25:00,FIRM-A,new,A-1,,KH01,buy,limit,100,0,day,", "line 2, quantity"),
        ("1,08:25:00,FIRM-A", "line 2: 3 cells"),
    ],
)
def test_a_broken_order_file_is_named_with_line_and_column(
    tmp_path: Path, line: str, told: str
) -> None:
    """The user finds the cell; nothing ran."""
    header = (EXAMPLES / "small_day.csv").read_text("utf-8").splitlines()[0]
    path = tmp_path / "broken.csv"
    path.write_text(f"{header}\n{line}\n", encoding="utf-8")
    done = kitahama("simulate", "--orders", path, "--out", tmp_path / "run")
    assert done.code == 2
    assert "broken.csv" in done.err
    assert told in done.err
    assert not (tmp_path / "run").exists()


def test_a_folder_that_holds_a_run_is_refused(run: Path) -> None:
    """The record of a run is never written over."""
    before = kitahama("verify", run, "--json").out
    done = kitahama("simulate", "--seed", "3", "--out", run)
    assert done.code == 2
    assert "holds a run already" in done.err
    assert kitahama("verify", run, "--json").out == before


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("--orders", "absent.csv"), "absent.csv"),
        (("--settings", "absent.toml"), "no such file"),
        (("--preset", "nyse"), "presets are start, tse, ose"),
        (("--seed", "-1"), "not negative"),
        (("--settings", "[/closing]"), "no such file"),
    ],
)
def test_what_cannot_be_used_ends_with_code_2(words: tuple[str, str], told: str) -> None:
    """One line on stderr, nothing on stdout."""
    done = kitahama("simulate", *words)
    assert (done.code, done.out) == (2, "")
    assert done.err.startswith("bad input")
    assert told in done.err


def settings_with(tmp_path: Path, rules: str) -> Path:
    """A venue of the small day's firms and issues under some chosen rules."""
    text = f"preset = 'start'\n[rules]\n{rules}\n"
    for name in ("KH01", "KH02"):
        text += f"[[issues]]\ninstrument_id='{name}'\nisin='JP000000{name}'\nname='K'\n"
        text += "issued_units=1000\n"
    for firm in "ABCD":
        text += f"[[firms]]\nparticipant_id='FIRM-{firm}'\nname='{firm}'\ncash_yen=9000000\n"
        text += "units={ KH01=50, KH02=50 }\n[[firms.keys]]\n"
        text += f"key_id='{firm}'\nsession_id='{firm}-1'\npublic_key_hex='{'0' * 64}'\n"
    path = tmp_path / "venue.toml"
    path.write_text(text, encoding="utf-8")
    return path


def summary(tmp_path: Path, rules: str) -> dict[str, object]:
    """The small day under chosen rules."""
    path = settings_with(tmp_path, rules)
    done = kitahama(
        "simulate", "--orders", EXAMPLES / "small_day.csv", "--settings", path, "--json"
    )
    assert done.code == 0, done.err
    told: dict[str, object] = json.loads(done.out)
    return told


def test_rules_can_be_chosen_in_the_settings_file(tmp_path: Path) -> None:
    """No entry in the non-cancel minute: A-4 is refused too; a shorter day: all but the morning."""
    assert summary(tmp_path, "")["refused"] == 3
    assert summary(tmp_path, "ncp_new_orders = false")["refused"] == 4
    day = "schedule = [{phase='PreOpen', second_of_day=30000}, "
    day += "{phase='OpeningAuction', second_of_day=41400}, {phase='Closed', second_of_day=41400}]"
    short = summary(tmp_path, day)
    assert (short["trades"], short["orders"]) == (2, 7)
    same_day = "settlement_days = 0\nsettlement_stages = [56000, 56060, 56120, 56180]"
    assert summary(tmp_path, same_day)["delivered"] == 6


@pytest.mark.parametrize(
    ("rules", "told"),
    [
        ("settlement_day = 0", "no rule is called 'settlement_day'"),
        ("settlement_days = -1", "settlement_days is 0 to 60"),
        ("ncp_new_orders = 'no'", "rule ncp_new_orders"),
        ("schedule = [{phase='PreOpen', second_of_day=30000}]", "ends Closed"),
    ],
)
def test_rules_that_cannot_be_are_refused_by_name(tmp_path: Path, rules: str, told: str) -> None:
    """Before anything runs, with code 2."""
    path = settings_with(tmp_path, rules)
    done = kitahama("simulate", "--settings", path, "--orders", EXAMPLES / "small_day.csv")
    assert done.code == 2
    assert told in done.err


# --- replay and verify


def test_replay_and_verify_find_the_digest_of_the_run(run: Path) -> None:
    """Three ways to the same 64 digits."""
    simulated = json.loads(
        kitahama("simulate", "--orders", EXAMPLES / "small_day.csv", "--json").out
    )
    replayed, verified = kitahama("replay", run, "--json"), kitahama("verify", run, "--json")
    assert (replayed.code, verified.code) == (0, 0)
    assert json.loads(replayed.out) == simulated
    assert json.loads(verified.out)["digest"] == simulated["digest"]
    assert simulated["digest"] in kitahama("verify", run).out
    assert simulated["digest"] in kitahama("replay", run).out


@pytest.mark.parametrize("command", ["replay", "verify"])
@pytest.mark.parametrize(
    ("tampering", "record"),
    [
        (
            "UPDATE journal SET record = CAST(record || ' ' AS BLOB) WHERE sequence = 40",
            40,
        ),
        ("DELETE FROM journal WHERE sequence = 41", 41),
        ("DELETE FROM journal WHERE sequence > 60", 61),
    ],
)
def test_a_tampered_journal_is_refused_with_the_record(
    tmp_path: Path, run: Path, command: str, tampering: str, record: int
) -> None:
    """Changed, taken out or cut off: code 1, and which record it is."""
    for file in run.iterdir():
        (tmp_path / file.name).write_bytes(file.read_bytes())
    connection = sqlite3.connect(tmp_path / JOURNAL_FILE)
    changed = connection.execute(tampering).rowcount
    connection.commit()
    connection.close()
    assert changed > 0
    done = kitahama(command, tmp_path)
    assert (done.code, done.out) == (1, "")
    assert f"record {record}" in done.err


@pytest.mark.parametrize("command", ["replay", "verify"])
def test_a_folder_without_a_run_is_told_so(tmp_path: Path, command: str) -> None:
    """Code 1; nothing is created by looking."""
    done = kitahama(command, tmp_path / "absent")
    assert done.code == 1
    assert "no journal" in done.err
    assert not (tmp_path / "absent").exists()


# --- errors and keys


def test_the_catalogue_is_printed_for_people_and_programs() -> None:
    """Every code, in checking order, in both forms."""
    codes = [one.value for one in RejectReason]
    listed = json.loads(kitahama("errors", "--json").out)
    assert [entry["code"] for entry in listed] == codes
    assert set(listed[0]) == {"code", "group", "close_code", "retryable", "text_en", "text_ja"}
    assert [line.split()[0] for line in kitahama("errors").out.splitlines()] == codes


def test_a_key_is_made_once_and_never_overwritten(tmp_path: Path) -> None:
    """The private half goes to a file only its owner can read; stdout has what settings need."""
    path = tmp_path / "firm.key"
    done = kitahama("keys", "FIRM-X", "--session", "FIRM-X-9", "--out", path)
    assert done.code == 0
    secret = path.read_text("ascii")
    assert path.stat().st_mode & 0o777 == 0o600
    assert re.fullmatch(r"[0-9a-f]{64}\n", secret)
    assert secret.strip() not in done.out + done.err
    assert 'session_id = "FIRM-X-9"' in done.out
    assert re.search(r'public_key_hex = "[0-9a-f]{64}"', done.out)
    again = kitahama("keys", "FIRM-X", "--out", path)
    assert again.code == 2
    assert "never overwritten" in again.err
    assert path.read_text("ascii") == secret
