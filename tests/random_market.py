"""Markets by chance: small ones with every kind of request, wrong ones included, day after day.

A :class:`Chance` makes commands for a :class:`WatchedMarket` from a generator of random numbers, so
the same machinery serves seeds (``python -m tests.stress``) and Hypothesis, which hands in its own
generator and shrinks what it finds. Prices lie on a dozen ticks and firms are poor, so that orders
meet, run into limits and fail to settle.
"""

import json
from collections.abc import Callable
from datetime import date
from random import Random

from watched_market import WatchedMarket

from market.business_days import next_business_day
from market.commands import (
    NO_PRICE,
    AmendOrder,
    BustTrade,
    CancelDelivery,
    CancelOnDisconnect,
    CancelOrder,
    ChangePhase,
    CloseSession,
    Command,
    DepositUnits,
    DepositYen,
    DisconnectMode,
    Halt,
    Kill,
    ListInstrument,
    MassCancel,
    MassCancelScope,
    NewOrder,
    OpenDay,
    OpenSession,
    OpenVenue,
    ParticipantLimits,
    PublishBasePrices,
    RegisterKey,
    RegisterParticipant,
    RenewQuote,
    ReportErrorTrade,
    Resume,
    RevokeKey,
    RunAuction,
    RunSettlement,
    SetDeliveryHold,
    SetNetAssetValue,
    SetReferencePrice,
    SetTransferControl,
    Unkill,
    WithdrawYen,
)
from market.ids import (
    ClientOrderId,
    DeliveryId,
    InstrumentId,
    KeyId,
    OrderId,
    ParticipantId,
    SessionId,
    TradeId,
)
from market.instrument import Instrument, LimitTable, TickTable
from market.quantities import MAX_PRICE_SEN, Sen, TimeNs, Units, Yen
from market.rules import AmendMode
from market.words import OrderKind, Phase, SelfTradeMode, ShortSale, Side, Validity
from venue.schedule import Step, day_plan

FIRMS = tuple(ParticipantId(name) for name in ("FIRM-A", "FIRM-B", "FIRM-C"))
FIRST_DAY = date(2026, 11, 24)
STAGES = [32_400, 36_000, 39_600, 57_600]
WIDE = Instrument(
    instrument_id=InstrumentId("WIDE"),
    isin="JP0000000001",
    name="A dozen prices around ten yen",
    issued_units=Units(400),
    issue_price_sen=Sen(1_000),
    ticks=TickTable(table_id=7, up_to_sen=(1_000, MAX_PRICE_SEN), tick_sen=(10, 20)),
    limits=LimitTable(below_sen=(MAX_PRICE_SEN,), width_sen=(125,)),
    trading_unit_units=Units(2),
)
TINY = Instrument(
    instrument_id=InstrumentId("TINY"),
    isin="JP0000000002",
    name="Worth less than a yen",
    issued_units=Units(300),
    issue_price_sen=Sen(60),
    ticks=TickTable(table_id=8, up_to_sen=(MAX_PRICE_SEN,), tick_sen=(5,)),
    limits=LimitTable(below_sen=(MAX_PRICE_SEN,), width_sen=(45,)),
    newly_listed=True,
)
ISSUES = (WIDE, TINY)
LIVELY = (
    Phase.PRE_OPEN, Phase.PRE_OPEN_NCP, Phase.CONTINUOUS, Phase.PRE_CLOSE, Phase.PRE_CLOSE_NCP,
)  # fmt: skip
"""States in which most requests come."""

Rulebook = tuple[str, dict[str, object]]
NARROW = {"is": "QuoteWidthTable", "below_sen": [980, MAX_PRICE_SEN], "width_sen": [20, 30]}
"""Widths at which a special quote is a matter of a few ticks."""

RULEBOOKS: dict[str, Rulebook] = {
    "start": ("start", {}),
    "start gross": ("start", {"settlement_mode": "gross_atomic", "ncp_new_orders": False,
                              "amend_mode": "unsupported",
                              "self_match": "prevent_firm"}),
    "start on the day": ("start", {"settlement_days": 0, "settlement_stages": [57_000, 57_060,
                                   57_120, 57_180], "cancel_on_disconnect": False}),
    "tse": ("tse", {}),
    "tse provisional": ("tse", {"settlement_mode": "provisional_transfer", "settlement_days": 1,
                                "expire_at_closed": False, "self_trade_mode": "cancel_newest"}),
    "odx-equities": ("odx-equities", {}),
    "tse narrow": ("tse", {"quote_width_table": NARROW}),
    "tse narrow, by time": ("tse", {"quote_width_table": NARROW, "auction_allocation": "price_time",
                                    "sequential_quote_widths": 1,
                                    "stop_allocation": "every_itayose"}),
    "ose": ("ose", {"self_trade_same_account_only": False, "self_trade_mode": "decrement"}),
    "ose provisional": ("ose", {"settlement_mode": "provisional_transfer", "settlement_days": 0,
                                "settlement_stages": [57_000, 57_060, 57_120, 57_180]}),
    "start void": ("start", {"limit_residual_after_opening": "void", "halt_model": "purge",
                             "market_residual_after_opening": "void", "book_centre": "nav",
                             "base_price_rule": "nav", "close_price_rule": "cross_or_base"}),
    "start extended": ("start", {"auction_extension_s": 120, "auction_extension_percent": 2,
                                 "auction_random_end_s": 30, "validities": ["day", "fok"],
                                 "short_sale": True,
                                 "counterparty_on_fill": False}),
    "tse, break open": ("tse", {"break_orders": "all", "sell_holding_check": False,
                                "price_rule": "max_volume", "market_only_trades": False}),
    "tse narrow, mixed": ("tse", {"quote_width_table": NARROW, "self_match": "prevent_firm",
                                  "halt_model": "purge", "book_centre": "nav",
                                  "amend_mode": "replace_total", "limit_broadening_days": 1}),
    "start in coins": ("start", {"settlement_money": "trust_stablecoin", "settlement_days": 0,
                                 "money_hours": [36_000, 50_000, 57_090], "money_signing": False,
                                 "settlement_stages": [57_000, 57_060, 57_120, 57_180]}),
    "start by bank": ("start", {"settlement_money": "bank_transfer", "settlement_days": 1}),
}  # fmt: skip


def opening(rulebook: str) -> OpenVenue:
    """The first command of a run under one of the rulebooks above."""
    preset, chosen = RULEBOOKS[rulebook]
    pairs = tuple((name, json.dumps(value)) for name, value in chosen.items())
    return OpenVenue(run_id="chance", preset=preset, chosen=pairs)


def session_of(firm: ParticipantId, place: int = 1) -> SessionId:
    """A firm has two sessions."""
    return SessionId(f"{firm}-{place}")


class Chance:
    """Draws commands for one market and gives them to it."""

    def __init__(self, market: WatchedMarket) -> None:
        self.market = market
        self.named = 0
        self.references: list[DepositYen | WithdrawYen | DepositUnits] = []
        self.requests: list[NewOrder | AmendOrder] = []
        self.plan: list[Step] = []
        self.day = FIRST_DAY
        self.days_opened = 0

    # --- the run

    def open(self) -> None:
        """Issues, firms, keys, sessions; one firm on credit and allowed to sell short."""
        do = self.market.do
        for issue in ISSUES:
            do(ListInstrument(instrument=issue))
        for place, firm in enumerate(FIRMS):
            poor = place == len(FIRMS) - 1
            limits = ParticipantLimits(
                credit_yen=Yen(900 if poor else 0),
                short_units_allowed=poor,
                max_order_value_yen=Yen(400),
                max_order_units=Units(60),
                max_open_orders=25,
            )
            do(RegisterParticipant(participant_id=firm, name=firm, limits=limits))
            for number in (1, 2):
                key = KeyId(f"{firm}-K{number}")
                session = session_of(firm, number)
                do(RegisterKey(key_id=key, participant_id=firm, session_id=session,
                               public_key_hex="0" * 63 + str(number)))  # fmt: skip
                do(OpenSession(session_id=session, key_id=key, takeover=False))
            if not poor:
                do(DepositYen(participant_id=firm, amount_yen=Yen(2_500), reference="first"))
                for issue in ISSUES:
                    name = issue.instrument_id
                    do(DepositUnits(participant_id=firm, instrument_id=name,
                                    quantity_units=Units(100), reference=f"first-{name}"))  # fmt: skip

    def next_step(self) -> Command:
        """Give the market the next scheduled command, the next day's when a day is over."""
        if not self.plan:
            rules = self.market.rules
            if self.days_opened and self.days_opened % 2:
                self.market.do(PublishBasePrices(business_date=self.day))
            self.plan = day_plan(rules, self.day, self.market.issues())
            self.day = next_business_day(self.day)
        at_ns, command = self.plan.pop(0)
        if isinstance(command, OpenDay):
            self.days_opened += 1
        self.market.do(command, at_ns)
        return command

    def random_act(self, draw: Random) -> None:
        """One act, mostly a sensible request."""
        acts: list[tuple[int, Callable[[Random], Command]]] = [
            (100, self.new_order),
            (16, self.amend),
            (16, self.cancel),
            (6, self.again),
            (2, self.mass_cancel),
            (1, self.kill),
            (6, self.door),
            (12, self.counter),
            (8, self.operator),
            (30 if self._quotes() else 1, self.renewal),
            (20, self.mend),
            (5, self.nonsense),
        ]
        place = draw.randint(1, sum(weight for weight, _ in acts))
        for weight, act in acts:
            place -= weight
            if place <= 0:
                self.market.do(act(draw))
                return

    def play(self, draw: Random, days: int, busy: int) -> None:
        """Whole days, with up to ``busy`` acts between two scheduled steps."""
        while self.days_opened < days or self.plan:
            step = self.next_step()
            lively = isinstance(step, ChangePhase) and step.phase in LIVELY
            for _ in range(draw.randint(0, busy if lively else 2)):
                self.random_act(draw)

    # --- requests

    def _who(self, draw: Random) -> dict[str, object]:
        """A session with its live generation; now and then a stale, a foreign or an unknown one."""
        firm = draw.choice(FIRMS)
        session = session_of(firm, draw.choice((1, 1, 2)))
        door = self.market.desk.sessions.get(session)
        generation = door.generation if door is not None else 0
        odd = draw.randint(1, 60)
        if odd == 1:
            generation -= 1
        elif odd == 2:
            firm = draw.choice(FIRMS)
        elif odd == 3:
            session = SessionId("nobody")
        self.named += 1
        return {
            "participant_id": firm,
            "session_id": session,
            "generation": generation,
            "req_id": str(self.named),
        }

    def _name(self) -> ClientOrderId:
        return ClientOrderId(f"C-{self.named}")

    def _issue(self, draw: Random) -> Instrument:
        return draw.choice((WIDE, WIDE, TINY))

    def _price(self, draw: Random, issue: Instrument) -> Sen:
        if draw.randint(1, 30) == 1:
            return Sen(draw.choice([-10, 0, 3, 870, 1_140, 1_010, MAX_PRICE_SEN + 1]))
        return draw.choice(issue.ticks.grid(*issue.daily_limits(issue.issue_price_sen)))

    def _units(self, draw: Random, issue: Instrument) -> Units:
        if draw.randint(1, 40) == 1:
            return Units(draw.choice([-2, 0, 3, 62, 150, 2**31]))
        return Units(issue.trading_unit_units * draw.randint(1, 7))

    def new_order(self, draw: Random) -> Command:
        """A new order."""
        issue = self._issue(draw)
        market = draw.randint(1, 7) == 1
        order = NewOrder(
            **self._who(draw),  # type: ignore[arg-type]
            client_order_id=self._name(),
            instrument_id=issue.instrument_id,
            side=draw.choice(tuple(Side)),
            kind=OrderKind.MARKET if market else OrderKind.LIMIT,
            price_sen=NO_PRICE if market else self._price(draw, issue),
            quantity_units=self._units(draw, issue),
            validity=draw.choice((*[Validity.DAY] * 8, *Validity)),
            account=draw.choice(("", "X", "Y")),
            self_trade_mode=draw.choice((None, None, *SelfTradeMode)),
            short_sale=draw.choice((*[None] * 12, *ShortSale)),
            size_confirmed=draw.choice((True, True, False)),
        )
        self.requests.append(order)
        return order

    def _target(self, draw: Random, who: dict[str, object]) -> dict[str, object]:
        """An order by id, by name, by both; of the own firm mostly, open mostly."""
        known = self.market.desk.orders[-30:]
        own = [one for one in known if one.firm == who["participant_id"]]
        chosen = draw.choice(known) if draw.randint(1, 12) == 1 and known else None
        if chosen is None and own:
            chosen = draw.choice(own)
        if chosen is None or draw.randint(1, 30) == 1:
            nothing: dict[str, object] = {}
            absent: dict[str, object] = {"order_id": OrderId(draw.choice((1, 10**9)))}
            return draw.choice((nothing, absent))
        by_id: dict[str, object] = {"order_id": OrderId(draw.choice(chosen.numbers))}
        if not chosen.names:
            return by_id
        by_name: dict[str, object] = {
            "original_client_order_id": ClientOrderId(draw.choice(chosen.names))
        }
        return draw.choice((by_id, by_name, by_id | by_name))

    def amend(self, draw: Random) -> Command:
        """An amendment of price, quantity, both or neither."""
        who = self._who(draw)
        issue = self._issue(draw)
        total = self.market.rules.amend_mode.value is AmendMode.REPLACE_TOTAL
        by_total, by_leaves = (2, 12) if total else (40, 2)
        amendment = AmendOrder(
            **who,  # type: ignore[arg-type]
            **self._target(draw, who),  # type: ignore[arg-type]
            client_order_id=self._name(),
            price_sen=draw.choice((None, self._price(draw, issue))),
            leaves_units=self._units(draw, issue) if draw.randint(1, by_leaves) == 1 else None,
            total_units=self._units(draw, issue) if draw.randint(1, by_total) == 1 else None,
            size_confirmed=draw.choice((True, True, False)),
        )
        self.requests.append(amendment)
        return amendment

    def cancel(self, draw: Random) -> Command:
        """A cancel."""
        who = self._who(draw)
        return CancelOrder(**who, **self._target(draw, who))  # type: ignore[arg-type]

    def again(self, draw: Random) -> Command:
        """An earlier request once more, as it was or changed under the same name."""
        if not self.requests:
            return self.new_order(draw)
        earlier = draw.choice(self.requests[-40:])
        who = self._who(draw)
        who["participant_id"] = earlier.participant_id
        who["session_id"] = session_of(earlier.participant_id, draw.choice((1, 2)))
        door = self.market.desk.sessions[str(who["session_id"])]
        who["generation"] = door.generation
        fields = {name: getattr(earlier, name) for name in earlier.__struct_fields__} | who
        if draw.randint(1, 3) == 1:
            changed = "quantity_units" if isinstance(earlier, NewOrder) else "leaves_units"
            fields[changed] = Units(6)
        return type(earlier)(**fields)

    def mass_cancel(self, draw: Random) -> Command:
        """Everything of a session or firm, perhaps of one issue or side."""
        return MassCancel(
            **self._who(draw),  # type: ignore[arg-type]
            scope=draw.choice(tuple(MassCancelScope)),
            instrument_id=draw.choice((None, WIDE.instrument_id, InstrumentId("NONE"))),
            side=draw.choice((None, *Side)),
        )

    def kill(self, draw: Random) -> Command:
        """The kill switch."""
        return Kill(**self._who(draw))  # type: ignore[arg-type]

    def mend(self, draw: Random) -> Command:
        """Put right something that stops the market; a new order when nothing does."""
        desk, core = self.market.desk, self.market.core
        broken: list[Command] = [
            Unkill(participant_id=ParticipantId(name))
            for name, firm in desk.firms.items()
            if firm.killed
        ]
        broken += [
            OpenSession(session_id=SessionId(name), key_id=KeyId(door.key), takeover=False)
            for name, door in desk.sessions.items()
            if not door.live and not door.grace and door.key not in desk.revoked
        ]
        for issue in ISSUES:
            if core.engine.is_suspended(issue.instrument_id):
                broken.append(Resume(instrument_id=issue.instrument_id))
            if not core.settlement.registers[issue.instrument_id].executable:
                broken.append(SetTransferControl(instrument_id=issue.instrument_id,
                                                 executable=True, reason="over"))  # fmt: skip
        return draw.choice(broken) if broken else self.new_order(draw)

    # --- sessions

    def door(self, draw: Random) -> Command:
        """A logon, a logout, a lost connection, a grace time that is over."""
        graced = [name for name, door in self.market.desk.sessions.items() if door.grace]
        if graced and draw.randint(1, 3) > 1:
            name = draw.choice(graced)
            door = self.market.desk.sessions[name]
            late = draw.randint(1, 5) == 1
            return CancelOnDisconnect(session_id=SessionId(name), generation=door.generation - late)
        firm = draw.choice(FIRMS)
        number = draw.choice((1, 2))
        session = session_of(firm, number)
        door = self.market.desk.sessions[session]
        generation = door.generation - (draw.randint(1, 8) == 1)
        kind = draw.randint(1, 10)
        if kind <= 6 or not door.live:
            key = KeyId(f"{firm}-K{draw.choice((number, number, number, 3 - number))}")
            if draw.randint(1, 20) == 1:
                session = SessionId("nobody")
            mode = draw.choice((None, *DisconnectMode))
            return OpenSession(session_id=session, key_id=key, takeover=draw.randint(0, 3) > 0,
                               disconnect_mode=mode, grace_ms=100)  # fmt: skip
        if kind <= 9:
            return CloseSession(session_id=session, generation=generation,
                                orderly=draw.choice((True, False)),
                                cancel_open=draw.choice((True, False)))  # fmt: skip
        return CancelOnDisconnect(session_id=session, generation=generation)

    # --- the counter and the operator

    def counter(self, draw: Random) -> Command:
        """Cash and units in and out, now and then under a reference used before."""
        if self.references and draw.randint(1, 6) == 1:
            earlier = draw.choice(self.references)
            if draw.randint(1, 2) == 1:
                return earlier
            return DepositYen(participant_id=earlier.participant_id, amount_yen=Yen(7),
                              reference=earlier.reference)  # fmt: skip
        self.named += 1
        firm, reference = draw.choice(FIRMS), f"R-{self.named}"
        amount = Yen(draw.choice((-1, 0, 1, 50, 200, 600)))
        made: DepositYen | WithdrawYen | DepositUnits
        kind = draw.randint(1, 4)
        if kind <= 2:
            made = DepositYen(participant_id=firm, amount_yen=amount, reference=reference)
        elif kind == 3:
            made = WithdrawYen(participant_id=firm, amount_yen=amount, reference=reference)
        else:
            units = Units(draw.choice((-4, 0, 2, 10, 10_000)))
            made = DepositUnits(participant_id=firm, instrument_id=self._issue(draw).instrument_id,
                                quantity_units=units, reference=reference)  # fmt: skip
        self.references.append(made)
        return made

    def operator(self, draw: Random) -> Command:
        """Halts, base prices, transfer flags, deliveries ended, stages and crosses out of turn."""
        issue = self._issue(draw)
        name = issue.instrument_id
        deliveries = list(self.market.auditor.states)[-12:]
        delivery = DeliveryId(draw.choice((*deliveries, 10**6)))
        base = Sen(issue.issue_price_sen + draw.choice((-20, -10, 0, 15, 40)))
        limits = ParticipantLimits(
            credit_yen=Yen(draw.choice((300, 900, 1_500))),
            short_units_allowed=draw.choice((True, False)),
            max_order_value_yen=Yen(draw.choice((100, 400, 400))),
            max_order_units=Units(60),
            max_open_orders=draw.choice((3, 25)),
        )
        firm = draw.choice(FIRMS)
        acts: tuple[Command, ...] = (
            Halt(instrument_id=name, reason="news"),
            Resume(instrument_id=name),
            SetReferencePrice(instrument_id=name, reference_price_sen=base),
            SetNetAssetValue(instrument_id=name, nav_sen=draw.choice((Sen(0), base))),
            SetTransferControl(instrument_id=name, executable=False, reason="pledge"),
            CancelDelivery(delivery_id=delivery, reason="agreed"),
            self._error_report(draw),
            BustTrade(trade_id=self._trade(draw), reason="slip", override=draw.random() < 0.5),
            BustTrade(trade_id=self._trade(draw), reason="slip", override=draw.random() < 0.5),
            RunSettlement(stage=draw.choice((0, 1, 2))),
            RunAuction(instrument_id=name),
            RegisterParticipant(participant_id=firm, name=firm, limits=limits),
            ChangePhase(instrument_id=name, phase=draw.choice(tuple(Phase))),
            Unkill(participant_id=firm),
            RevokeKey(key_id=KeyId(f"{firm}-K2")),
        )
        return draw.choice(acts)

    def _quotes(self) -> list[tuple[InstrumentId, int, TimeNs]]:
        """What will be renewed."""
        return self.market.core.engine.quotes_shown()

    def renewal(self, draw: Random) -> Command:
        """A quote's renewal, mostly one that is due; market time moves on to it."""
        quotes = self._quotes()
        if not quotes or draw.randint(1, 8) == 1:
            number = draw.choice((0, 1, quotes[0][1] - 1 if quotes else 2))
            return RenewQuote(instrument_id=self._issue(draw).instrument_id, quote_number=number)
        name, number, at_ns = draw.choice(quotes)
        if draw.randint(1, 8) > 1:
            self.market.pass_time(at_ns)
        return RenewQuote(instrument_id=name, quote_number=number)

    def _trade(self, draw: Random) -> TradeId:
        """A trade named as an error, a late one, or one there never was."""
        named = [trade for trades in self.market.desk.errors.values() for trade in trades]
        late = list(self.market.auditor.trades)[-8:]
        return TradeId(draw.choice((*named, *late, 10**6)))

    def _error_report(self, draw: Random) -> Command:
        """Some late trades, or those of an order."""
        late = list(self.market.auditor.trades.values())[-8:]
        if not late or draw.randint(1, 12) == 1:
            return ReportErrorTrade(reason="nothing")
        if draw.randint(1, 3) == 1:
            return ReportErrorTrade(order_id=draw.choice(late).buy_order_id, reason="slip")
        issue = draw.choice(late).instrument_id
        names = [one.trade_id for one in late if one.instrument_id == issue]
        if draw.randint(1, 10) == 1:
            names = [one.trade_id for one in late]
        return ReportErrorTrade(trade_ids=tuple(names), reason="slip")

    def nonsense(self, draw: Random) -> Command:
        """What nobody should send: each must be refused, none may stop the market."""
        nobody, nothing = ParticipantId("NOBODY"), InstrumentId("NONE")
        firm = draw.choice(FIRMS)
        acts: tuple[Command, ...] = (
            opening("tse"),
            ListInstrument(instrument=WIDE),
            ListInstrument(instrument=Instrument(
                instrument_id=InstrumentId("no name"), isin="", name="", issued_units=Units(1),
                issue_price_sen=Sen(100), ticks=WIDE.ticks, limits=WIDE.limits)),
            RegisterParticipant(participant_id=ParticipantId("lower case"), name=""),
            RegisterKey(key_id=KeyId("K"), participant_id=nobody, session_id=SessionId("S"),
                        public_key_hex="0" * 64),
            RegisterKey(key_id=KeyId(f"{firm}-K1"), participant_id=firm, session_id=SessionId("S"),
                        public_key_hex="0" * 64),
            RevokeKey(key_id=KeyId("nobody's")),
            DepositYen(participant_id=nobody, amount_yen=Yen(1), reference="x"),
            WithdrawYen(participant_id=nobody, amount_yen=Yen(1), reference="x"),
            DepositUnits(participant_id=nobody, instrument_id=WIDE.instrument_id,
                         quantity_units=Units(1), reference="x"),
            DepositUnits(participant_id=firm, instrument_id=nothing, quantity_units=Units(1),
                         reference="x"),
            SetTransferControl(instrument_id=nothing, executable=False, reason=""),
            OpenDay(business_date=FIRST_DAY),
            OpenDay(business_date=date(2027, 1, 2)),
            PublishBasePrices(business_date=date(2027, 1, 2)),
            ChangePhase(instrument_id=nothing, phase=Phase.PRE_OPEN),
            RunAuction(instrument_id=nothing),
            Halt(instrument_id=nothing, reason=""),
            Resume(instrument_id=nothing),
            SetReferencePrice(instrument_id=nothing, reference_price_sen=Sen(100)),
            SetReferencePrice(instrument_id=WIDE.instrument_id, reference_price_sen=Sen(0)),
            SetNetAssetValue(instrument_id=nothing, nav_sen=Sen(1)),
            SetNetAssetValue(instrument_id=WIDE.instrument_id, nav_sen=Sen(-1)),
            RunSettlement(stage=-1),
            RunSettlement(stage=99),
            CancelDelivery(delivery_id=DeliveryId(0), reason=""),
            SetDeliveryHold(delivery_id=DeliveryId(0), side=Side.BUY, held=True),
            BustTrade(trade_id=TradeId(0), reason="", override=True),
            ReportErrorTrade(trade_ids=(TradeId(0),), reason=""),
            ReportErrorTrade(trade_ids=(TradeId(1), TradeId(1)), reason=""),
            ReportErrorTrade(order_id=OrderId(10**9), reason=""),
            OpenSession(session_id=SessionId("nobody"), key_id=KeyId("nobody's"), takeover=True),
            CloseSession(session_id=SessionId("nobody"), generation=1, orderly=False),
            CancelOnDisconnect(session_id=SessionId("nobody"), generation=0),
            Unkill(participant_id=nobody),
        )  # fmt: skip
        return draw.choice(acts)


def opened(rulebook: str) -> Chance:
    """A market under one rulebook, with its issues, firms and sessions."""
    chance = Chance(WatchedMarket(opening(rulebook)))
    chance.open()
    return chance


def run_seed(seed: int, *, days: int = 4, busy: int = 24) -> WatchedMarket:
    """A whole run by one seed: the seed picks the rulebook too; then everything is replayed."""
    draw = Random(seed)
    rulebook = list(RULEBOOKS)[seed % len(RULEBOOKS)]
    chance = opened(rulebook)
    chance.play(draw, days, busy)
    chance.market.replay()
    return chance.market
