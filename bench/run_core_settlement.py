"""How fast the venue's core posts and settles, with its journal and without, on each kind of books.

    python bench/run_core_settlement.py            about a minute
    python bench/run_core_settlement.py --quick    small sizes, for the tests

Workload: four firms, one issue, the tse preset with T+0 and the design chosen; firms trade in turn
with their neighbours, ten units at one price. Rows:
  postings             cash deposits, each a command of its own: one posting, one event
  A, B2                every delivery of a day through all stages of the design (gross atomic;
                       provisional transfer: units held, yen held, yen paid, units delivered); each
                       stage is one command, and its deliveries are what follows from it
  B2, unsigned         the same without signatures: the issuer's evidence is on record and no more
  B2, in coins         the same in a trust's coins, signed: no tokens are issued and redeemed
Books: ``plain`` accounts, ``ibet`` accounts with commitments, ``progmat`` tokens (unsigned, as the
venue runs them by default). Money: tokens of a deposit, every piece of evidence signed and verified (one
signature made and one verified a delivery), as the venue runs it; design A pays on one ledger and
has no evidence. Ways: ``core`` has no journal, ``core, signed`` makes and verifies the signatures of
account, node and notary under each token transaction; ``journal`` encodes, chains and writes each entry
with one sync for a group (of 1, 64 or 512 for postings, one stage for deliveries). A command is
applied when every room, all reports and all market data are made and fetched.

Rounds of all ways take turns. ``core`` is counted in processor time, ``journal`` in real time,
because it waits for the disk. Answers are asserted: every delivery finished, what each firm owns,
the core's invariants, and one digest whatever the way. Left out: orders and matching, which come
before the clock starts; the wire; the bank transfer, whose payments are final on another day.
"""

import argparse
import statistics
import sys
import tempfile
from collections.abc import Callable, Iterable
from pathlib import Path
from time import perf_counter_ns, process_time_ns
from typing import Final, NamedTuple

sys.path.insert(0, str(Path(__file__).parents[1]))
sys.path.insert(0, str(Path(__file__).parent))

from machine import describe, spread, timed
from msgspec.structs import replace
from venue_flow import DAY, FIRMS, SESSIONS, firms_commands, numbered, session_commands
from workloads import ISSUE

from market.business_days import at_jst
from market.commands import (
    ChangePhase,
    Command,
    DepositYen,
    Entry,
    ListInstrument,
    NewOrder,
    OpenDay,
    OpenVenue,
    RunSettlement,
)
from market.events import DeliveryState
from market.ids import ClientOrderId, InstrumentId
from market.instrument import TokenPlatform
from market.quantities import Units, Yen
from market.rules import SettlementMode
from market.words import OrderKind, Phase, SelfTradeMode, Side, Validity
from venue.core import Core
from venue.journal import Journal

NAME: Final = InstrumentId("ST1")
UNITS: Final = Units(10)
PAYS: Final[dict[str, tuple[tuple[str, str], ...]]] = {
    "unsigned": (("money_signing", "false"),),
    "in coins": (("settlement_money", '"trust_stablecoin"'),),
}
GROUPS: Final = (1, 64, 512)
DESIGNS: Final = {
    "A": SettlementMode.GROSS_ATOMIC,
    "B2": SettlementMode.PROVISIONAL_TRANSFER,
}


class Sizes(NamedTuple):
    """How much of everything."""

    postings: int
    alone: int
    deliveries: int
    rounds: int


FULL: Final = Sizes(postings=20_000, alone=2_000, deliveries=10_000, rounds=5)
QUICK: Final = Sizes(postings=200, alone=20, deliveries=100, rounds=1)


def opening(
    mode: SettlementMode, books: TokenPlatform, pays: str = "", *, signed: bool = False
) -> list[Command]:
    """A venue on its first day, trading."""
    chosen = (
        ("settlement_days", "0"),
        ("settlement_mode", f'"{mode.value}"'),
        *PAYS.get(pays, ()),
    )
    listed = replace(ISSUE, instrument_id=NAME, platform=books)
    return [
        OpenVenue(run_id="bench", preset="tse", chosen=chosen, tokens_signed=signed),
        ListInstrument(instrument=listed),
        *firms_commands([NAME]),
        *session_commands(),
        OpenDay(business_date=DAY),
        ChangePhase(instrument_id=NAME, phase=Phase.CONTINUOUS),
    ]


def order(number: int, side: Side, firm: int) -> NewOrder:
    """One side of trade ``number``."""
    return NewOrder(
        participant_id=FIRMS[firm], session_id=SESSIONS[firm], generation=1, req_id=f"{side}{number}",
        client_order_id=ClientOrderId(f"{side}-{number}"), instrument_id=NAME, side=side,
        kind=OrderKind.LIMIT, price_sen=ISSUE.issue_price_sen, quantity_units=UNITS,
        validity=Validity.DAY, self_trade_mode=SelfTradeMode.ALLOW_REPORT,
    )  # fmt: skip


def trading(trades: int) -> list[Command]:
    """Firms sell to their neighbours in turn."""
    found: list[Command] = []
    for number in range(trades):
        seller = number % len(FIRMS)
        found.append(order(number, Side.SELL, seller))
        found.append(order(number, Side.BUY, (seller + 1) % len(FIRMS)))
    return found


def deposits(count: int) -> list[Command]:
    """Cash for each firm in turn."""
    return [
        DepositYen(
            participant_id=FIRMS[number % len(FIRMS)],
            amount_yen=Yen(1_000 + number),
            reference=f"D-{number}",
        )
        for number in range(count)
    ]


class Work(NamedTuple):
    """What comes before the clock, what is timed, how many it counts for."""

    before: list[Command]
    timed: list[Command]
    count: int
    mode: SettlementMode


def postings(count: int) -> Work:
    """Deposits alone."""
    mode = SettlementMode.GROSS_ATOMIC
    return Work(opening(mode, TokenPlatform.PLAIN), deposits(count), count, mode)


def settling(
    mode: SettlementMode, books: TokenPlatform, count: int, pays: str = "", *, signed: bool = False
) -> Work:
    """A day's trades, then all stages."""
    stages: list[Command] = [RunSettlement(stage=stage) for stage in range(4)]
    return Work([*opening(mode, books, pays, signed=signed), *trading(count)], stages, count, mode)


def entries(commands: Iterable[Command], first: int) -> list[Entry]:
    """As the sequencer would number them."""
    return numbered(((at_jst(DAY, 9 * 3600), one) for one in commands), first)


def run(work: Work, group: int | None, folder: Path) -> tuple[float, str]:
    """One round on a fresh core: how many a second, and the digest it ended with."""
    core = Core()
    before = entries(work.before, 1)
    for first in range(0, len(before), 512):
        for entry in before[first : first + 512]:
            core.apply(entry)
        core.reports.drain()
        core.feeds.drain()
    owned = {firm: core.settlement.owned_yen(firm) for firm in FIRMS}
    rest = entries(work.timed, len(before) + 1)
    if group is None:
        took = timed(lambda: alone(core, rest), process_time_ns).ns
    else:
        with Journal(Path(tempfile.mkdtemp(dir=folder))) as journal:
            journal.write([journal.row(entry) for entry in before])
            took = timed(lambda: journaled(core, journal, rest, group), perf_counter_ns).ns
    check(core, work, owned)
    return work.count * 1e9 / took, core.digest()


def alone(core: Core, rest: list[Entry]) -> None:
    """No journal."""
    for entry in rest:
        core.apply(entry)
        core.reports.drain()
        core.feeds.drain()


def journaled(core: Core, journal: Journal, rest: list[Entry], group: int) -> None:
    """Rows first, then the steps, then one sync, as the sequencer."""
    for first in range(0, len(rest), group):
        rows = []
        for entry in rest[first : first + group]:
            rows.append(journal.row(entry))
            core.apply(entry)
        journal.write(rows)
        core.reports.drain()
        core.feeds.drain()


def check(core: Core, work: Work, owned: dict[str, Yen]) -> None:
    """Everything arrived."""
    core.check_invariants()
    settled = core.settlement.deliveries.values()
    if not settled:
        for place, firm in enumerate(FIRMS):
            paid = sum(1_000 + number for number in range(place, work.count, len(FIRMS)))
            assert core.settlement.owned_yen(firm) == owned[firm] + paid
        return
    assert len(settled) == work.count
    assert all(one.state is DeliveryState.FINISHED for one in settled)
    assert work.count % len(FIRMS) or owned == {f: core.settlement.owned_yen(f) for f in FIRMS}


def rows(sizes: Sizes, folder: Path) -> list[tuple[str, Callable[[], tuple[float, str]]]]:
    """Every row of the table; those of one name end with one digest."""
    found: list[tuple[str, Callable[[], tuple[float, str]]]] = []
    for group in (None, *GROUPS):
        count = sizes.alone if group == 1 else sizes.postings
        name = f"postings of {count:,}|" + (
            "core" if group is None else f"journal, groups of {group}"
        )
        found.append((name, lambda count=count, group=group: run(postings(count), group, folder)))
    for design, mode in DESIGNS.items():
        for books in TokenPlatform:
            for group in (None, 1):
                name = f"{design}, {books.value}|" + ("core" if group is None else "journal")
                found.append(
                    (
                        name,
                        lambda mode=mode, books=books, group=group: run(
                            settling(mode, books, sizes.deliveries), group, folder
                        ),
                    )
                )
        tokens = TokenPlatform.PROGMAT
        found.append(
            (
                f"{design}, {tokens.value}|core, signed",
                lambda mode=mode, tokens=tokens: run(
                    settling(mode, tokens, sizes.deliveries, signed=True), None, folder
                ),
            )
        )
    plain, b2 = TokenPlatform.PLAIN, SettlementMode.PROVISIONAL_TRANSFER
    for pays in PAYS:
        for group in (None, 1):
            name = f"B2, {pays}|" + ("core" if group is None else "journal")
            found.append(
                (
                    name,
                    lambda pays=pays, group=group: run(
                        settling(b2, plain, sizes.deliveries, pays), group, folder
                    ),
                )
            )
    return found


def main(arguments: list[str]) -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--quick", action="store_true")
    sizes = QUICK if parser.parse_args(arguments).quick else FULL
    print(describe())
    print(f"rounds   {sizes.rounds}, in turn; median (lowest-highest) a second\n")
    with tempfile.TemporaryDirectory() as home:
        table = rows(sizes, Path(home))
        figures: dict[str, list[float]] = {name: [] for name, _ in table}
        digests: dict[str, set[str]] = {}
        for _ in range(sizes.rounds):
            for name, one in table:
                rate, digest = one()
                figures[name].append(rate)
                digests.setdefault(name.partition("|")[0], set()).add(digest)
    assert all(len(found) == 1 for found in digests.values()), "every way leads to one market"
    for name, rates in figures.items():
        what, _, way = name.partition("|")
        print(f"{what:<20} {way:<24} {spread(rates)}")
    for what in digests:
        with_it = [statistics.median(r) for n, r in figures.items() if n.startswith(f"{what}|j")]
        without = [statistics.median(r) for n, r in figures.items() if n == f"{what}|core"]
        if with_it and without:
            print(f"{what:<20} with the journal by without  {max(with_it) / without[0]:.2f}")


if __name__ == "__main__":
    main(sys.argv[1:])
