"""The main job: one command runs a START day over real websockets and shows that it held.

A venue process, four firm processes, a scaled clock; then, from the journal alone, conservation and
the digest, and the addresses to try by hand.
"""

import contextlib
import json
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from rich.console import Console

from market.errors import BadInput
from matching.books import DEFAULT
from participants.orderflow import SAMPLE_FIRMS, SampleFirm
from venue.app import READY_FILE
from venue.comparison.brief import four_lines
from venue.comparison.flow import flow_of_run
from venue.fix_store import is_store_file
from venue.journal import HIGH_WATER_FILE, JOURNAL_FILE
from venue.recovery import verify
from venue.sample import sample_settings
from venue.seams import pause, real_ns

SETTINGS_FILE: Final = "venue.json"

_READY_NS_MAX: Final = 60_000_000_000
_FIRM_S_MAX: Final = 60.0
_FIX_FIRM: Final = "FIRM-B"
_REQUESTS_PER_SECOND: Final = 5_000


def run_demo(
    *,
    seed: int,
    preset: str,
    days: int,
    speed: float,
    scale: float,
    out: Path,
    book: str = DEFAULT,
) -> int:
    """Run it; returns the exit code, 0 when everything agreed.

    Raises:
        BadInput: When ``out`` holds something that is not a run, or the preset is unknown.
    """
    screen = Console(highlight=False)
    settings = sample_settings(
        preset,
        seed,
        run_id=f"demo-{seed}",
        days=days,
        speed=speed,
        wait_for_sessions=len(SAMPLE_FIRMS),
        server={
            "rest_port": 0,
            "orders_port": 0,
            "feed_port": 0,
            "requests_per_second": _REQUESTS_PER_SECOND,  # a day is pressed into seconds
            "requests_burst": _REQUESTS_PER_SECOND,
        },
    )
    _make_anew(out)
    path = out / SETTINGS_FILE
    path.write_text(settings.model_dump_json(indent=1), encoding="utf-8")
    began = real_ns()
    with _process(
        "serve", "--settings", str(path), "--out", str(out), "--end", "--book", book
    ) as venue:
        _wait_ready(out / READY_FILE, venue)
        subscriber = subprocess.Popen(  # noqa: S603 - our own command
            _command("subscriber", "--ready", str(out / READY_FILE)),
            stdout=subprocess.PIPE,
            text=True,
        )
        firms = start_firms(out / READY_FILE, seed=seed, scale=scale)
        for line in venue.stdout or ():
            screen.print(line.rstrip("\n"), soft_wrap=True, markup=False)
        venue_code = venue.wait()
        said = [firm.communicate(timeout=_FIRM_S_MAX)[0] for firm in firms]
    for firm, line in zip(firms, said, strict=True):
        if firm.returncode == 0:
            tally = json.loads(line)
            screen.print(
                f"firm    {tally['firm']}  {tally['asked']} requests, each answered once; "
                f"{tally['reports']} reports, none missing{_by_door(tally)}",
                markup=False,
                soft_wrap=True,
            )
    screen.print(subscriber.communicate(timeout=_FIRM_S_MAX)[0].rstrip("\n"), markup=False)
    broken = venue_code or any(process.returncode for process in (*firms, subscriber))
    verdict = verify(out)
    for sentence in verdict.conservation:
        screen.print(f"check   {sentence}", markup=False, soft_wrap=True)
    screen.print(f"check   {verdict.commands:,} journal records, every hash matches", markup=False)
    screen.print(f"digest  {verdict.digest}", markup=False)
    for sentence in _compared(out):
        screen.print(f"compare {sentence}", markup=False, soft_wrap=True)
    seconds = (real_ns() - began) / 1e9
    screen.print(f"took    {seconds:.0f} s; the run is in {out}\n", markup=False)
    screen.print(_BY_HAND.format(out=out, bin=_programs()), markup=False, soft_wrap=True)
    return 1 if broken else 0


def _by_door(tally: dict[str, Any]) -> str:
    return f" ({tally['door']})" if "door" in tally else ""


def _compared(out: Path) -> list[str]:
    """The day's trades under the default design and under today's practice, four lines."""
    try:
        return four_lines(flow_of_run(out))
    except BadInput:  # a day without trades has nothing to compare
        return []


def start_firms(ready: Path, *, seed: int, scale: float) -> list[subprocess.Popen[str]]:
    """Start the four sample firms as processes; each waits for ``ready`` to name the doors."""
    words = ("--ready", str(ready), "--seed", str(seed), "--scale", str(scale))
    return [
        subprocess.Popen(  # noqa: S603 - our own command
            _command("firm", "--participant", firm.participant_id, *words, *_door(firm)),
            stdout=subprocess.PIPE,
            text=True,
        )
        for firm in SAMPLE_FIRMS
    ]


def _door(firm: SampleFirm) -> tuple[str, ...]:
    """One of the sample firms speaks FIX, as firms do; the others a websocket."""
    return ("--fix",) if firm.participant_id == _FIX_FIRM else ()


_BY_HAND: Final = """\
replay it     {bin}kitahama replay {out}
verify it     {bin}kitahama verify {out}
try it live   {bin}kitahama serve --firms --speed 60     (then, in another terminal)
the feed      {bin}python -m websockets ws://127.0.0.1:8082/ws/v1/feed
              {{"method":"subscribe","params":{{"channels":[{{"name":"trades"}},{{"name":"auction"}}]}}}}
REST          http://127.0.0.1:8080/docs"""


def _programs() -> str:
    """Where this environment's programs are, as one would type it here."""
    folder = Path(sys.executable).parent
    with contextlib.suppress(ValueError):
        folder = folder.relative_to(Path.cwd())
    return "" if shutil.which("kitahama") == str(folder / "kitahama") else f"{folder}/"


def _command(*words: str) -> list[str]:
    return [sys.executable, "-m", "venue", *words]


@contextlib.contextmanager
def _process(*words: str) -> Iterator[subprocess.Popen[str]]:
    """A process of ours that never outlives the demonstration."""
    process = subprocess.Popen(_command(*words), stdout=subprocess.PIPE, text=True)  # noqa: S603
    try:
        yield process
    finally:
        if process.poll() is None:
            process.terminate()
            process.wait()


def _wait_ready(path: Path, venue: subprocess.Popen[str]) -> None:
    """Wait for the venue to say where its doors are."""
    began = real_ns()
    while not path.exists():
        if venue.poll() is not None or real_ns() - began > _READY_NS_MAX:
            raise BadInput("the venue did not start; its own message is above")
        pause(0.02)


def _make_anew(out: Path) -> None:
    """Empty the folder of an earlier run; anything else in it is somebody's, and stays."""
    known = {JOURNAL_FILE, f"{JOURNAL_FILE}-wal", HIGH_WATER_FILE, READY_FILE, SETTINGS_FILE}
    if out.exists():
        strangers = [
            path.name
            for path in out.iterdir()
            if path.name not in known and not is_store_file(path.name)
        ]
        if strangers:
            raise BadInput(f"{out} holds {strangers[0]}, which is not of a run; choose another")
        shutil.rmtree(out)
    out.mkdir(parents=True)
