"""Flows for a whole venue: four firms with two sessions each, eight issues, as journal entries.

* ``continuous``: eight mixed flows (workloads.py, one seed an issue) dealt in turn, under the
  ``tse`` preset in Continuous. Every order goes round the eight sessions by its number, so firms
  trade with each other; own orders may trade (``allow_report``), so that the trades are exactly
  those of the plain reference book, issue by issue.
* ``start_day``: one START day of the seeded flow of participants/orderflow.py at a large scale,
  with its auctions, settlement stages and closing, as ``kitahama simulate`` runs it. All firms
  have cash and units enough.

Orders are named by client order id, so the same requests can be sent over a socket.
"""

from collections.abc import Iterable
from datetime import date
from heapq import merge
from itertools import chain, count
from typing import Any, Final, NamedTuple

import numpy as np
from msgspec.structs import replace
from workloads import (
    CANCEL,
    IOC,
    ISSUE,
    MARKET,
    NEW,
    SEED,
    TICK_SEN,
    Answer,
    Message,
    ReferenceBook,
    auction_flow,
    mixed_flow,
)

from market.business_days import at_jst
from market.commands import (
    NO_PRICE,
    AmendOrder,
    CancelOrder,
    ChangePhase,
    Command,
    DepositUnits,
    DepositYen,
    Entry,
    ListInstrument,
    NewOrder,
    OpenDay,
    OpenSession,
    OpenVenue,
    ParticipantLimits,
    RegisterKey,
    RegisterParticipant,
    Request,
)
from market.ids import ClientOrderId, InstrumentId, KeyId, ParticipantId, SessionId
from market.quantities import Sen, SequenceNo, TimeNs, Units, Yen, price_to_text
from market.rulebooks import START
from market.words import OrderKind, Phase, SelfTradeMode, Side, Validity
from participants.intents import to_request
from participants.keys import public_key_hex
from participants.orderflow import ORDERS_MEAN, OrderFlow, entry_windows, sample_instruments
from venue.schedule import Step, day_plan

FIRMS: Final = tuple(ParticipantId(f"FIRM-{letter}") for letter in "ABCD")
SESSIONS_A_FIRM: Final = 2
SESSIONS: Final = tuple(
    SessionId(f"{firm}-{number}") for number in range(1, SESSIONS_A_FIRM + 1) for firm in FIRMS
)
"""Dealt in this order, so that neighbours are different firms."""

ISSUES: Final = tuple(InstrumentId(f"MX{number:02d}") for number in range(1, 9))
DAY: Final = date(2026, 11, 24)
SECRET: Final = b"\x5a" * 32
"""Private seed of every session's key; worth nothing."""

_CASH_YEN: Final = Yen(10**14)
_UNITS: Final = Units(100_000_000)
_ISSUED: Final = Units(1_000_000_000)
_NS_PER_MS: Final = 1_000_000


class Flow(NamedTuple):
    """A run in two parts: what comes before the clock starts, and what is measured."""

    before: list[Entry]
    work: list[Entry]


def firm_of(session_id: SessionId) -> ParticipantId:
    """Whose session it is."""
    return ParticipantId(session_id.rpartition("-")[0])


def key_of(session_id: SessionId) -> KeyId:
    """The session's key."""
    return KeyId(f"{session_id}-key")


def numbered(steps: Iterable[Step], first: int = 1) -> list[Entry]:
    """Steps as entries."""
    return [
        Entry(sequence=SequenceNo(number), at_ns=at_ns, command=command)
        for number, (at_ns, command) in enumerate(steps, first)
    ]


def firms_commands(issues: Iterable[InstrumentId]) -> list[Command]:
    """Firms, keys and everything they own."""
    public = public_key_hex(SECRET)
    limits = ParticipantLimits(credit_yen=Yen(0))
    found: list[Command] = []
    for firm in FIRMS:
        found += [
            RegisterParticipant(participant_id=firm, name=firm, limits=limits),
            DepositYen(participant_id=firm, amount_yen=_CASH_YEN, reference="cash"),
        ]
        found += [
            DepositUnits(
                participant_id=firm, instrument_id=issue, quantity_units=_UNITS, reference=issue
            )
            for issue in issues
        ]
    found += [
        RegisterKey(
            key_id=key_of(session),
            participant_id=firm_of(session),
            session_id=session,
            public_key_hex=public,
        )
        for session in SESSIONS
    ]
    return found


def session_commands() -> list[Command]:
    """Every session logs on."""
    return [OpenSession(session_id=s, key_id=key_of(s), takeover=False) for s in SESSIONS]


# --- continuous


def _common(session: SessionId, req_id: int) -> dict[str, Any]:
    return {
        "participant_id": firm_of(session),
        "session_id": session,
        "generation": 1,
        "req_id": str(req_id),
    }


class _Namer:
    """Turns one issue's mixed flow into requests that name orders as a client would."""

    def __init__(self, issue: InstrumentId) -> None:
        self._issue = issue
        self._names = count(1)
        self._name_of: dict[int, ClientOrderId] = {}

    def _next_name(self) -> ClientOrderId:
        return ClientOrderId(f"{self._issue}-{next(self._names)}")

    def request(self, message: Message, req_id: int) -> Request:
        """One message of the flow."""
        order = message.order
        common = _common(SESSIONS[order % len(SESSIONS)], req_id)
        if message.op == CANCEL:
            return CancelOrder(**common, original_client_order_id=self._name_of[order])
        name = self._next_name()
        price_sen = Sen(message.price * TICK_SEN)
        if message.op != NEW:
            old, self._name_of[order] = self._name_of[order], name
            return AmendOrder(
                **common,
                client_order_id=name,
                original_client_order_id=old,
                price_sen=price_sen,
                leaves_units=Units(message.quantity),
            )
        self._name_of[order] = name
        is_market = message.kind == MARKET
        return NewOrder(
            **common,
            client_order_id=name,
            instrument_id=self._issue,
            side=Side.SELL if message.side else Side.BUY,
            kind=OrderKind.MARKET if is_market else OrderKind.LIMIT,
            price_sen=NO_PRICE if is_market else price_sen,
            quantity_units=Units(message.quantity),
            validity=Validity.IOC if message.kind == IOC else Validity.DAY,
            self_trade_mode=SelfTradeMode.ALLOW_REPORT,
        )


def mixed_requests(messages: int) -> tuple[list[Request], dict[InstrumentId, Answer]]:
    """Eight mixed flows dealt in turn, and what the reference book says of each."""
    share = messages // len(ISSUES)
    flows = [mixed_flow(share, SEED + 100 + place) for place in range(len(ISSUES))]
    namers = [_Namer(issue) for issue in ISSUES]
    dealt = chain.from_iterable(zip(*flows, strict=True))
    requests = [
        namers[place % len(ISSUES)].request(message, place + 1)
        for place, message in enumerate(dealt)
    ]
    answers = {issue: ReferenceBook().play(flow) for issue, flow in zip(ISSUES, flows, strict=True)}
    return requests, answers


def call_requests(orders: int, seed: int = SEED) -> list[Request]:
    """New orders of a START call phase, eight issues and eight sessions in turn."""
    flows = [auction_flow(orders // len(ISSUES), seed + place) for place in range(len(ISSUES))]
    found: list[Request] = []
    for place, order in enumerate(chain.from_iterable(zip(*flows, strict=True))):
        issue, session = ISSUES[place % len(ISSUES)], SESSIONS[place // 3 % len(SESSIONS)]
        name = ClientOrderId(f"{issue}-{place}")
        named = {"instrument_id": issue, "client_order_id": name}
        found.append(replace(order, **_common(session, place + 1), **named))
    return found


def continuous_opening() -> list[Command]:
    """A venue with eight issues and four firms, before its first session."""
    listed = [ListInstrument(instrument=replace(ISSUE, instrument_id=name)) for name in ISSUES]
    return [OpenVenue(run_id="bench", preset="tse"), *listed, *firms_commands(ISSUES)]


def in_continuous() -> list[Command]:
    """Open the day and trade."""
    return [
        OpenDay(business_date=DAY),
        *(ChangePhase(instrument_id=issue, phase=Phase.CONTINUOUS) for issue in ISSUES),
    ]


def continuous(messages: int) -> tuple[Flow, dict[InstrumentId, Answer]]:
    """The continuous flow, a microsecond of market time apart."""
    opened = at_jst(DAY, 9 * 3600)
    before = numbered(
        (opened, command)
        for command in (*continuous_opening(), *session_commands(), *in_continuous())
    )
    requests, answers = mixed_requests(messages)
    steps = ((TimeNs(opened + 1_000 * place), one) for place, one in enumerate(requests))
    return Flow(before, numbered(steps, len(before) + 1)), answers


# --- a START day


def start_day(orders: int, seed: int = SEED) -> Flow:
    """A whole day of about ``orders`` new orders, and its amendments and cancels."""
    instruments = sample_instruments(START)
    names = [one.instrument_id for one in instruments]
    windows = len(entry_windows(START))
    scale = orders / (2 * ORDERS_MEAN * len(instruments) * windows)
    generator = np.random.Generator(np.random.PCG64(seed))
    intents = OrderFlow(generator, START, instruments, scale=scale).day(1)
    opening: list[Command] = [OpenVenue(run_id="bench", preset="start")]
    opening += [
        ListInstrument(instrument=replace(instrument, issued_units=_ISSUED))
        for instrument in instruments
    ]
    before = numbered(
        (at_jst(DAY, 0), command)
        for command in (*opening, *firms_commands(names), *session_commands())
    )
    session_of = {firm: SessionId(f"{firm}-1") for firm in FIRMS}
    asked = (
        (
            TimeNs(at_jst(DAY, 0) + intent.at_ms * _NS_PER_MS),
            to_request(
                intent,
                session_id=session_of[intent.participant_id],
                generation=1,
                req_id=str(number),
            ),
        )
        for number, intent in enumerate(intents, 1)
    )
    steps = merge(day_plan(START, DAY, names), asked, key=lambda step: step[0])
    return Flow(before, numbered(steps, len(before) + 1))


# --- as text


def request_fields(request: Request) -> tuple[str, dict[str, Any]]:
    """Method and parameters of a request as they stand on the wire."""
    params: dict[str, Any] = {}
    if isinstance(request, CancelOrder):
        return "order.cancel", {"original_client_order_id": request.original_client_order_id}
    if isinstance(request, AmendOrder):
        params["client_order_id"] = request.client_order_id
        params["original_client_order_id"] = request.original_client_order_id
        if request.price_sen is not None:
            params["price"] = price_to_text(request.price_sen)
        if request.leaves_units is not None:
            params["leaves_units"] = request.leaves_units
        return "order.amend", params
    assert isinstance(request, NewOrder)
    params = {
        "client_order_id": request.client_order_id,
        "instrument_id": request.instrument_id,
        "side": request.side,
        "kind": request.kind,
        "quantity_units": request.quantity_units,
        "validity": request.validity,
    }
    if request.account:
        params["account"] = request.account
    if request.kind is OrderKind.LIMIT:
        params["price"] = price_to_text(request.price_sen)
    if request.self_trade_mode is not None:
        params["stp"] = request.self_trade_mode
    return "order.new", params
