"""Quotes are renewed at their time: in a simulated day, in a served venue, and after a restart."""

import asyncio
from pathlib import Path

from house import PATIENCE_S, settings

from market.business_days import at_jst, jst_clock_text
from market.commands import (
    ChangePhase,
    Command,
    Entry,
    NewOrder,
    OpenDay,
    OpenSession,
    RenewQuote,
    RunAuction,
)
from market.events import AuctionHeld, DeliveryCreated, Event, QuoteEnded, QuoteShown, Trade
from market.ids import ClientOrderId, InstrumentId, KeyId, ParticipantId, SessionId
from market.quantities import Sen, TimeNs, Units
from market.words import OrderKind, Phase, Side
from venue.journal import Journal, read_entries
from venue.recovery import recover, verify
from venue.renewals import QuoteRenewals
from venue.runs import simulate_run
from venue.schedule import first_business_day
from venue.seams import VirtualClock
from venue.sequencer import Sequencer
from venue.settings import opening_commands
from venue.timeline import Timeline

NAME = InstrumentId("ST01")
HEADER = "day,time,participant,action,client_order_id,instrument,side,kind,price,quantity\n"
START = at_jst(first_business_day(settings().first_day), 9 * 3_600)
MINUTES_3 = 180_000_000_000


def test_a_simulated_day_renews_between_steps_and_orders(tmp_path: Path) -> None:
    """Quotes step at their time; at the same instant the schedule goes first, orders last."""
    path = tmp_path / "orders.csv"
    path.write_text(
        HEADER + "1,08:30:00,FIRM-A,new,A-1,KH01,buy,limit,107000,5\n"
        "1,08:30:01,FIRM-B,new,B-1,KH01,sell,limit,107000,5\n"
        "1,09:06:00,FIRM-B,new,B-2,KH01,sell,limit,105000,1\n"
        "1,12:28:00,FIRM-A,new,A-2,KH02,buy,limit,120000,5\n"
        "1,15:23:00,FIRM-A,new,A-3,KH02,buy,market,,5\n",
        encoding="utf-8",
    )
    steps: list[tuple[Entry, list[Event]]] = []
    core = simulate_run(
        orders=path, settings_path=None, seed=7, preset="tse", days=1, scale=1.0,
        out=tmp_path / "run", seen=lambda entry, events: steps.append((entry, events)),
    )  # fmt: skip

    renewed = [
        (jst_clock_text(entry.at_ns), [type(event).__name__ for event in events])
        for entry, events in steps
        if isinstance(entry.command, RenewQuote)
    ]
    crossed = ["Trade", "DeliveryCreated", "AuctionHeld", "QuoteEnded"]
    assert renewed == [("09:03:00", ["QuoteShown"]), ("09:06:00", crossed)]
    trades = [one for _, events in steps for one in events if isinstance(one, Trade)]
    assert [(one.price_sen, one.quantity_units) for one in trades] == [(10_700_000, 5)]
    shown = [one for _, events in steps for one in events if isinstance(one, QuoteShown)]
    assert [one.price_sen for one in shown[-2:]] == [10_300_000, 10_900_000]
    assert verify(tmp_path / "run").digest == core.digest()
    timeline = Timeline()
    told = [line for entry, events in steps for line in timeline.lines(entry, events)]
    assert "09:00:00  special quote  KH01     103,000 yen  buy   until 09:03:00" in "\n".join(told)
    assert timeline.totals["quotes"] == len(shown)


def order(firm: str, side: Side, yen: int) -> NewOrder:
    """A limit order for five units."""
    return NewOrder(
        participant_id=ParticipantId(f"FIRM-{firm}"),
        session_id=SessionId(f"{firm}-1"),
        generation=1,
        req_id="1",
        client_order_id=ClientOrderId(f"{firm}-{yen}"),
        instrument_id=NAME,
        side=side,
        kind=OrderKind.LIMIT,
        price_sen=Sen(yen * 100),
        quantity_units=Units(5),
    )


def opening() -> list[Command]:
    """Up to a quote after the opening cross, and into continuous trading."""
    day = first_business_day(settings().first_day)
    sessions: list[Command] = [
        OpenSession(
            session_id=SessionId(f"{firm}-1"), key_id=KeyId(f"key-{firm}-1"), takeover=False
        )
        for firm in "AB"
    ]
    return [
        OpenDay(business_date=day),
        *sessions,
        ChangePhase(instrument_id=NAME, phase=Phase.PRE_OPEN),
        order("A", Side.BUY, 107_000),
        order("B", Side.SELL, 107_000),
        ChangePhase(instrument_id=NAME, phase=Phase.OPENING_AUCTION),
        RunAuction(instrument_id=NAME),
        ChangePhase(instrument_id=NAME, phase=Phase.CONTINUOUS),
    ]


async def served(folder: Path, commands: list[Command], until: int) -> list[Event]:
    """A venue's sequencer and renewals; market time jumps to each renewal until so many quotes."""
    events: list[Event] = []
    with Journal(folder) as journal:
        core = recover(journal, opening_commands(settings()), TimeNs(START))
        clock = VirtualClock(core.at_ns)
        sequencer = Sequencer(core, journal, clock)
        sequencer.listen(lambda published: [events.extend(told) for _, told in published.steps])
        writer = asyncio.create_task(sequencer.run())
        renewals = asyncio.create_task(QuoteRenewals(sequencer, clock).run())
        for command in commands:
            await sequencer.perform(command)
        async with asyncio.timeout(PATIENCE_S):
            while sum(isinstance(one, QuoteShown | QuoteEnded) for one in events) < until:
                for _, _, renew_at_ns in core.engine.quotes_shown():
                    clock.jump_to(renew_at_ns)
                await asyncio.sleep(0)
        renewals.cancel()
        sequencer.stop()
        await writer
        core.check_invariants()
    return events


def test_a_served_venue_renews_and_goes_on_after_a_restart(tmp_path: Path) -> None:
    """The quote still shown in the journal is renewed by the next process, at the same price."""
    first = asyncio.run(served(tmp_path, opening(), until=2))
    shown = [one for one in first if isinstance(one, QuoteShown)]
    assert [one.price_sen for one in shown] == [10_300_000, 10_600_000]
    assert shown[1].renew_at_ns - shown[0].renew_at_ns == MINUTES_3

    second = asyncio.run(served(tmp_path, [], until=1))

    assert [type(one) for one in second if not isinstance(one, DeliveryCreated)] == [
        Trade, AuctionHeld, QuoteEnded,
    ]  # fmt: skip
    trade = next(one for one in second if isinstance(one, Trade))
    assert (trade.price_sen, trade.quantity_units) == (10_700_000, 5)
    times = [
        entry.at_ns for entry in read_entries(tmp_path) if isinstance(entry.command, RenewQuote)
    ]
    assert times == [shown[0].renew_at_ns, shown[1].renew_at_ns]
