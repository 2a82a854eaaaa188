"""A watched market of one's own rules, on its first day, with the few words a story needs."""

import json

from random_market import FIRST_DAY, WIDE, Chance, session_of
from watched_market import WatchedMarket

from market.commands import ChangePhase, Command, NewOrder, OpenDay, OpenVenue, RunAuction
from market.events import Event, RequestRejected
from market.ids import ClientOrderId, InstrumentId, ParticipantId
from market.quantities import Sen, Units
from market.words import OrderKind, Phase, Side


def market_with(**rules: object) -> WatchedMarket:
    """A watched market under START with some rules chosen, gathering orders on its first day."""
    pairs = tuple((name, json.dumps(value)) for name, value in rules.items())
    chance = Chance(WatchedMarket(OpenVenue(run_id="p", preset="start", chosen=pairs)))
    chance.open()
    phase(chance.market, Phase.PRE_OPEN, OpenDay(business_date=FIRST_DAY))
    return chance.market


def phase(
    market: WatchedMarket,
    phase: Phase,
    *first: Command,
    of_issue: InstrumentId = WIDE.instrument_id,
) -> None:
    """Move an issue to a state, after some commands."""
    for command in first:
        market.do(command)
    market.do(ChangePhase(instrument_id=of_issue, phase=phase))


def ask(market: WatchedMarket, firm: str, side: Side, units: int, **more: object) -> str:
    """A limit order at 10 yen: accepted, or why not."""
    fields: dict[str, object] = {
        "participant_id": ParticipantId(firm),
        "session_id": session_of(ParticipantId(firm)),
        "generation": 1,
        "req_id": "q",
        "client_order_id": ClientOrderId(f"P-{len(market.entries)}"),
        "instrument_id": WIDE.instrument_id,
        "side": side,
        "kind": OrderKind.LIMIT,
        "price_sen": Sen(1_000),
        "quantity_units": Units(units),
    }
    event = market.do(NewOrder(**(fields | more)))[0]  # type: ignore[arg-type]
    return event.reason.value if isinstance(event, RequestRejected) else "accepted"


def cross(
    market: WatchedMarket,
    phase_of: Phase = Phase.OPENING_AUCTION,
    *,
    of_issue: InstrumentId = WIDE.instrument_id,
) -> list[Event]:
    """Cross an issue."""
    phase(market, phase_of, of_issue=of_issue)
    return market.do(RunAuction(instrument_id=of_issue))
