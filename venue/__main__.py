"""The ``kitahama`` command. Results go to stdout, talk to stderr; refusals end with a code.

Exit codes: 0 done, 1 the answer is no (a digest differs, a journal is damaged), 2 bad input.
"""

import asyncio
import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib.metadata import version
from pathlib import Path
from typing import Annotated, Any, Final

import typer
from rich.console import Console
from rich.markup import escape
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from market.commands import Entry
from market.errors import BadInput, JournalError, KitahamaError
from market.events import Event
from market.rulebooks import PRESETS
from matching.books import DEFAULT, NAMES, books_named
from matching.kernel import IS_COMPILED
from venue.api import catalogue
from venue.core import Core
from venue.doctor import NOT_COMPILED, findings
from venue.journal import read_entries
from venue.recovery import replay as replay_entries
from venue.recovery import verify as verify_folder
from venue.seams import random_bytes
from venue.settings import check_key_names, read_settings
from venue.timeline import Timeline

cli = typer.Typer(
    name="kitahama",
    help="A Japanese security-token market on your machine.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
talk = Console(stderr=True)

_NO: Final = 1
_BAD_INPUT: Final = 2
_SAMPLE_DAYS: Final = 250
_SAMPLE_SCALE: Final = 12.0

SeedOption = Annotated[int, typer.Option(help="Seed of the order flow and the sample keys.")]
PresetOption = Annotated[str, typer.Option(help=f"Rulebook: {', '.join(PRESETS)}.")]
DaysOption = Annotated[int, typer.Option(min=1, max=2_000, help="Trading days in a row.")]
BookOption = Annotated[str, typer.Option(help=f"Books: {', '.join(NAMES)}; same outcome.")]
JsonOption = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]
FolderArgument = Annotated[Path, typer.Argument(help="Folder of a run.", show_default=False)]


@contextmanager
def refusals() -> Iterator[None]:
    """Turn what a user can cause into one clear line and an exit code."""
    try:
        yield
    except BadInput as wrong:
        talk.print(f"[red]bad input[/]: {escape(str(wrong))}", highlight=False, soft_wrap=True)
        raise typer.Exit(_BAD_INPUT) from wrong
    except JournalError as wrong:
        kind = type(wrong).__name__
        talk.print(
            f"[red]{kind}[/]: {escape(str(wrong))}",
            highlight=False,
            soft_wrap=True,
        )
        raise typer.Exit(_NO) from wrong
    except KitahamaError as wrong:
        kind = type(wrong).__name__
        talk.print(f"[red]{kind}[/]: {escape(str(wrong))}", highlight=False, soft_wrap=True)
        raise typer.Exit(_NO) from wrong


@contextmanager
def progress(
    what: str, wanted: bool = True, unit: str = "commands"
) -> Iterator[Callable[[int], None]]:
    """Show work in progress on a terminal; silent elsewhere."""
    columns = (SpinnerColumn(), TextColumn("{task.description}"), TimeElapsedColumn())
    with Progress(
        *columns, console=talk, transient=True, disable=not (wanted and talk.is_terminal)
    ) as bar:
        task = bar.add_task(what)
        yield lambda count: bar.update(task, description=f"{what}: {count:,} {unit}")


@cli.command(epilog="Example:  kitahama demo --seed 7 --days 1")
def demo(
    seed: SeedOption = 7,
    preset: PresetOption = "start",
    days: DaysOption = 1,
    speed: Annotated[float, typer.Option(min=1, help="Market seconds in one real second.")] = 650.0,
    scale: Annotated[float, typer.Option(min=0.01, help="Multiplies the number of orders.")] = 12.0,
    out: Annotated[Path, typer.Option(help="Folder of the run; made anew.")] = Path("run/demo"),
    book: BookOption = DEFAULT,
) -> None:
    """Run a whole day over real websockets: venue and four firms as processes, settled to T+2."""
    from venue.demo import run_demo  # noqa: PLC0415 - servers are not loaded for a replay

    with refusals():
        code = run_demo(
            seed=seed, preset=preset, days=days, speed=speed, scale=scale, out=out, book=book
        )
    raise typer.Exit(code)


@cli.command(
    epilog="Examples:  kitahama serve --firms --speed 60   ·   kitahama serve --settings venue.toml"
)
def serve(
    settings: Annotated[
        Path | None, typer.Option(help="Settings file; without it the sample venue runs.")
    ] = None,
    out: Annotated[Path, typer.Option(help="Folder of the run; an old run goes on.")] = Path(
        "run/serve"
    ),
    speed: Annotated[
        float | None, typer.Option(min=0.1, help="Market seconds in one real second.")
    ] = None,
    seed: SeedOption = 7,
    keep: Annotated[
        bool, typer.Option("--keep/--end", help="Serve on after the last day, or end.")
    ] = True,
    timeline: Annotated[bool, typer.Option(help="Print what happens as it happens.")] = True,
    firms: Annotated[
        bool, typer.Option(help="Let the four sample firms trade, each a process of its own.")
    ] = False,
    book: BookOption = DEFAULT,
) -> None:
    """Run the venue: order entry, market data and REST, until the last day or Ctrl-C."""
    from venue.app import READY_FILE, Venue  # noqa: PLC0415
    from venue.demo import start_firms  # noqa: PLC0415
    from venue.sample import or_sample, sample_settings  # noqa: PLC0415

    with refusals():
        books_named(book)
        if firms and settings:
            raise BadInput("the sample firms trade at the sample venue only; leave --settings out")
        if settings:
            chosen = or_sample(read_settings(settings), seed)
        else:
            chosen = sample_settings("start", seed, days=_SAMPLE_DAYS)
        if speed is not None:
            chosen = chosen.model_copy(update={"speed": speed})
        traders: list[subprocess.Popen[str]] = []

        def opened() -> None:
            _notice(book)
            if firms:
                traders.extend(start_firms(out / READY_FILE, seed=seed, scale=_SAMPLE_SCALE))

        try:
            say = _say if timeline else None
            _run(Venue(chosen, out, say=say, keep=keep, opened=opened, book=book).run())
        finally:
            for trader in traders:
                trader.terminate()


def _notice(book: str) -> None:
    """Say once when the compiled book is missing."""
    if book == DEFAULT and not IS_COMPILED:
        talk.print(NOT_COMPILED, highlight=False, soft_wrap=True)


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def _run(main: Any) -> None:
    try:
        import uvloop  # noqa: PLC0415
    except ImportError:
        asyncio.run(main)
    else:
        uvloop.run(main)


@cli.command(hidden=True)
def firm(
    participant: Annotated[str, typer.Option()],
    ready: Annotated[Path, typer.Option()],
    seed: SeedOption = 7,
    scale: Annotated[float, typer.Option()] = 12.0,
    fix: Annotated[bool, typer.Option("--fix")] = False,
) -> None:
    """One demonstration firm: connects, logs on, trades its share of the seeded flow."""
    from venue.firm import trade  # noqa: PLC0415
    from venue.fix_firm import trade_by_fix  # noqa: PLC0415

    with refusals():
        way = trade_by_fix if fix else trade
        _run(way(participant, ready, seed=seed, scale=scale))


@cli.command(hidden=True)
def subscriber(ready: Annotated[Path, typer.Option()]) -> None:
    """The demonstration's ITCH subscriber: reads the first day and says what it holds."""
    from venue.itch_client import read_day  # noqa: PLC0415

    with refusals():
        host, _, port = (
            json.loads(ready.read_text())["itch"].removeprefix("soup://").rpartition(":")
        )
        day = asyncio.run(read_day(host, int(port)))
        typer.echo(
            f"itch    {day.session}  {day.next_sequence - 1:,} messages in order, "
            f"{len(day.trades):,} trades, {len(day.orders)} orders left"
        )


@cli.command(epilog="Example:  kitahama simulate --orders examples/small_day.csv --out run/small")
def simulate(
    orders: Annotated[
        Path | None, typer.Option(help="Order file (CSV, may be .gz); else seeded flow.")
    ] = None,
    acts: Annotated[Path | None, typer.Option(help="Operator's file (CSV).")] = None,
    settings: Annotated[Path | None, typer.Option(help="Settings file.")] = None,
    seed: SeedOption = 7,
    preset: Annotated[
        str | None, typer.Option(help=f"Rulebook: {', '.join(PRESETS)}; start when left out.")
    ] = None,
    days: Annotated[int | None, typer.Option(min=1, max=2_000, help="Trading days.")] = None,
    scale: Annotated[float, typer.Option(min=0.01, help="Multiplies the number of orders.")] = 12.0,
    out: Annotated[
        Path | None, typer.Option(help="Write the journal here; without it nothing is kept.")
    ] = None,
    quiet: Annotated[bool, typer.Option(help="Only the summary.")] = False,
    book: BookOption = DEFAULT,
    as_json: JsonOption = False,
) -> None:
    """Play whole days in this process, from an order file or from seeded flow."""
    from venue.runs import simulate_run  # noqa: PLC0415

    timeline = Timeline()
    with refusals(), progress("simulating", wanted=quiet or as_json) as advance:

        def seen(entry: Entry, events: list[Event]) -> None:
            lines = timeline.lines(entry, events)
            if not (quiet or as_json):
                for line in lines:
                    _say(line)
            if entry.sequence % 1_000 == 0:
                advance(entry.sequence)

        core = simulate_run(
            orders=orders,
            acts=acts,
            settings_path=settings,
            seed=seed,
            preset=preset,
            days=days,
            scale=scale,
            out=out,
            seen=seen,
            book=book,
        )
        core.check_invariants()
        _report(core, timeline, as_json=as_json)
    _notice(book)


@cli.command(epilog="Example:  kitahama replay run/demo")
def replay(folder: FolderArgument, as_json: JsonOption = False, book: BookOption = DEFAULT) -> None:
    """Apply a run's journal to a fresh market and print what it leads to."""
    timeline = Timeline()
    with refusals(), progress("replaying") as advance:

        def seen(entry: Entry, events: list[Event]) -> None:
            timeline.lines(entry, events)
            if entry.sequence % 1_000 == 0:
                advance(entry.sequence)

        core = replay_entries(read_entries(folder), seen, book)
        _report(core, timeline, as_json=as_json)


@cli.command(epilog="Example:  kitahama verify run/demo")
def verify(folder: FolderArgument, as_json: JsonOption = False, book: BookOption = DEFAULT) -> None:
    """Check a run's hash chain, replay it, and check every invariant."""
    with refusals(), progress("verifying"):
        verdict = verify_folder(folder, book)
    if as_json:
        typer.echo(
            json.dumps(
                {
                    "commands": verdict.commands,
                    "digest": verdict.digest,
                    "conservation": verdict.conservation,
                }
            )
        )
        return
    _say(f"check        {verdict.commands:,} journal records, every hash matches")
    for line in verdict.conservation:
        _say(f"check        {line}")
    _say(f"digest       {verdict.digest}")


@cli.command(
    epilog="Example:  kitahama compare --designs A,B2,D --horizons 0 --seeds 5 --out run/compare"
)
def compare(
    orders: Annotated[
        Path | None, typer.Option(help="Order file (CSV, may be .gz); else seeded flow.")
    ] = None,
    seed: Annotated[int, typer.Option(min=0, help="First seed.")] = 1,
    designs: Annotated[str, typer.Option(help="Designs, with commas; D is both of D-*.")] = "all",
    horizons: Annotated[str, typer.Option(help="Days from trade to settlement.")] = "0,1,2",
    faults: Annotated[str, typer.Option(help="Fault levels.")] = "none,low,high",
    liquidity: Annotated[str, typer.Option(help="Funding of the firms.")] = "lower,mid,upper",
    money: Annotated[str, typer.Option(help="Paid in: deposit, trust, bank.")] = "deposit",
    seeds: Annotated[int, typer.Option(min=1, help="How many seeds from the first.")] = 30,
    days: Annotated[int, typer.Option(min=1, max=250, help="Trading days to settle.")] = 1,
    scale: Annotated[float, typer.Option(min=0.01, help="Multiplies the number of orders.")] = 12.0,
    preset: PresetOption = "start",
    jobs: Annotated[int, typer.Option("--jobs", "-j", min=1, help="Local processes.")] = 1,
    cluster: Annotated[
        str | None, typer.Option(help="Dask scheduler to run on, such as tcp://127.0.0.1:8786.")
    ] = None,
    audit: Annotated[
        bool, typer.Option("--audit", help="Let the auditor read every event log too.")
    ] = False,
    out: Annotated[Path, typer.Option(help="Folder; a killed run goes on.")] = Path("run/compare"),
) -> None:
    """Settle the same trades under every design and write tables and a report."""
    from venue.comparison.command import compare as run_comparison  # noqa: PLC0415
    from venue.comparison.command import grid_of  # noqa: PLC0415
    from venue.comparison.money import unpaid  # noqa: PLC0415

    with refusals(), progress("comparing", unit="cells") as advance:
        grid = grid_of(
            designs=designs,
            horizons=horizons,
            faults=faults,
            liquidity=liquidity,
            seeds=seeds,
            seed=seed,
            orders=orders,
            days=days,
            scale=scale,
            preset=preset,
            audit=audit,
            money=money,
        )
        for line in unpaid(grid.designs, grid.money):
            typer.echo(line, err=True)
        written = run_comparison(
            grid, out, jobs=jobs, cluster=cluster, done=lambda finished, _: advance(finished)
        )
    for path in written:
        typer.echo(str(path))


@cli.command(epilog="Example:  kitahama doctor")
def doctor() -> None:
    """Say what this installation runs on, and what is missing."""
    for line in findings():
        _say(line)


@cli.command(epilog="Example:  kitahama errors --json | jq '.[].code'")
def errors(as_json: JsonOption = False) -> None:
    """Print the catalogue of codes a client may receive, in checking order."""
    entries = catalogue()
    if as_json:
        typer.echo(json.dumps([entry.model_dump() for entry in entries], ensure_ascii=False))
        return
    for entry in entries:
        policy = f"close {entry.close_code}" if entry.close_code else "keep"
        again = "retry" if entry.retryable else ""
        _say(
            f"{entry.code:<22} {entry.group:<13} {policy:<11} {again:<6} "
            f"{entry.text_en}  {entry.text_ja}"
        )


@cli.command(epilog="Example:  kitahama schema > kitahama.asyncapi.json")
def schema(
    fix42: Annotated[bool, typer.Option("--fix42", help="START's FIX 4.2 profile.")] = False,
    fix44: Annotated[bool, typer.Option("--fix44", help="The FIX 4.4 and drop copy one.")] = False,
) -> None:
    """Print the websocket doors as AsyncAPI (JSON), or a FIX door's dictionary for QuickFIX (XML)."""
    from participants.fix_dictionary import dictionary  # noqa: PLC0415
    from participants.fix_profiles import HOUSE_44, START_42  # noqa: PLC0415
    from venue.asyncapi import document  # noqa: PLC0415

    with refusals():
        if fix42 and fix44:
            raise BadInput("choose one: --fix42 or --fix44")
        if fix42 or fix44:
            sys.stdout.write(dictionary(START_42 if fix42 else HOUSE_44))
        else:
            told = document(version("kitahama"))
            sys.stdout.write(json.dumps(told, indent=1, ensure_ascii=False) + "\n")


@cli.command(epilog="Example:  kitahama keys FIRM-X --session FIRM-X-1 --out firm-x.key")
def keys(
    participant: Annotated[str, typer.Argument(help="The firm.", show_default=False)],
    session: Annotated[str | None, typer.Option(help="Session; default: the firm and -1.")] = None,
    out: Annotated[
        Path | None, typer.Option(help="Where the private key goes; never overwritten.")
    ] = None,
) -> None:
    """Make an Ed25519 session key; prints what belongs into the venue's settings file."""
    from participants.keys import public_key_hex  # noqa: PLC0415

    seed = random_bytes(32)
    public = public_key_hex(seed)
    path = out or Path(f"{participant.lower()}.key")
    session_id = session or f"{participant}-1"
    key_id = f"{participant}-{public[:8]}"
    with refusals():
        check_key_names(participant, key_id, session_id, public)
        try:
            path.touch(mode=0o600, exist_ok=False)
            path.write_text(seed.hex() + "\n", encoding="ascii")
        except FileExistsError as exists:
            raise BadInput(f"{path} exists; a key is never overwritten") from exists
        except OSError as broken:
            raise BadInput(f"{path}: {broken.strerror}") from broken
    talk.print(f"private key written to {path}; add to the firm's settings:", highlight=False)
    _say(
        f'[[firms.keys]]\nkey_id = "{key_id}"\nsession_id = "{session_id}"\n'
        f'public_key_hex = "{public}"'
    )


def _report(core: Core, timeline: Timeline, *, as_json: bool) -> None:
    totals = timeline.totals
    summary = {
        "commands": core.sequence,
        "orders": totals["orders"],
        "refused": totals["refused"],
        "trades": totals["trades"],
        "units": totals["units"],
        "yen": totals["yen"],
        "delivered": totals["delivered"],
        "fails": totals["fails"],
        "open_deliveries": core.open_deliveries(),
        "conservation": core.conservation(),
        "digest": core.digest(),
    }
    if as_json:
        typer.echo(json.dumps(summary))
        return
    _say(
        f"total        {summary['commands']:,} commands, {summary['orders']:,} orders, "
        f"{summary['refused']:,} refused, {summary['trades']:,} trades, "
        f"{summary['delivered']:,} delivered, {summary['open_deliveries']:,} open"
    )
    for line in core.conservation():
        _say(f"check        {line}")
    _say(f"digest       {summary['digest']}")


def main() -> None:
    """Entry point of the ``kitahama`` command and of ``python -m venue``."""
    cli()


if __name__ == "__main__":
    main()
