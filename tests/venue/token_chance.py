"""Days by chance with every act on tokens, and an oracle that reads nothing but commands and events.

The oracle counts owners from postings alone, works out what a distribution and a redemption must
pay, and what a delivery due by a record date and not delivered owes. It is slow and obvious.
"""

from collections.abc import Callable
from datetime import timedelta
from random import Random

from token_story import IBET, PLAIN, PROGMAT, A, B, C, TokenStory

from market.business_days import is_business_day
from market.choices import SettlementMoney
from market.commands import (
    BustTrade,
    CancelDelivery,
    CloseDay,
    Command,
    DefaultIssuer,
    DepositUnits,
    DepositYen,
    OpenDay,
    RunSettlement,
    SetDeliveryHold,
    SetTransferControl,
    WithdrawYen,
)
from market.events import CommandRefused, DeliveryCreated, Event, Trade, UnitsMoved, YenMoved
from market.ids import DeliveryId, InstrumentId, ParticipantId, TradeId
from market.quantities import Sen, Units, Yen
from market.token_acts import (
    ClaimChanged,
    ClaimState,
    DeclareDistribution,
    DistributionPaid,
    ForceTransfer,
    FreezeAccount,
    OperatingMode,
    RecordDateTaken,
    RedeemIssue,
    RedeemUnits,
    RegisterHolder,
    RenewAccountKey,
    RevokeAccountKey,
    SetReceiving,
    SetStation,
    Station,
    TransferGround,
    UnitsRedeemed,
)
from market.words import Side

FIRMS = (A, B, C)
ISSUES = (PLAIN, PROGMAT, IBET)


class Oracle:
    """What must follow from acts, worked out from what was asked and told.

    Attributes:
        counted: Owners by reference of the distribution.
        wrong: What did not add up.
    """

    def __init__(self) -> None:
        self.owned: dict[tuple[str, str], int] = {}
        self.open: dict[int, DeliveryCreated] = {}
        self.declared: dict[str, DeclareDistribution] = {}
        self.counted: dict[str, dict[str, int]] = {}
        self.owing: dict[tuple[str, int], ClaimChanged] = {}
        self.wrong: list[str] = []

    def read(self, command: Command, events: list[Event]) -> None:
        """One step."""
        if events and isinstance(events[0], CommandRefused):
            return
        if isinstance(command, DeclareDistribution):
            self.declared[command.reference] = command
        unexplained: dict[str, int] = {}
        for event in events:
            if isinstance(event, DeliveryCreated):
                self.open[event.delivery_id] = event
            elif isinstance(event, UnitsMoved):
                self._units(event)
            elif isinstance(event, YenMoved) and event.delivery_id is None and event.taker:
                unexplained[event.taker] = unexplained.get(event.taker, 0) + event.amount_yen
            elif isinstance(event, RecordDateTaken):
                self._record_date(event, events)
            elif isinstance(event, DistributionPaid):
                self._paid(event, unexplained)
            elif isinstance(event, ClaimChanged):
                self._claim(event)
            elif isinstance(event, UnitsRedeemed) and isinstance(
                command, RedeemUnits | RedeemIssue
            ):
                self._redeemed(command, event, events)

    def _units(self, event: UnitsMoved) -> None:
        for firm, units in (
            (event.giver, -event.quantity_units),
            (event.taker, event.quantity_units),
        ):
            if firm is not None:
                key = (event.instrument_id, firm)
                self.owned[key] = self.owned.get(key, 0) + units
        if event.delivery_id is not None:
            del self.open[event.delivery_id]

    def _record_date(self, taken: RecordDateTaken, events: list[Event]) -> None:
        owners = {
            firm: units for (issue, firm), units in sorted(self.owned.items())
            if issue == taken.instrument_id and units
        }  # fmt: skip
        if dict(taken.owners) != owners:
            self.wrong.append(f"{taken.reference}: owners {taken.owners}, postings say {owners}")
        self.counted[taken.reference] = owners
        price = self.declared[taken.reference].price_sen
        claims = [
            event for event in events
            if isinstance(event, ClaimChanged) and event.reference == taken.reference
        ]  # fmt: skip
        for claim in claims:
            terms = self.open[claim.delivery_id]
            due = terms.settlement_date <= taken.record_date
            owed = (terms.seller, terms.buyer, terms.quantity_units * price // 100)
            if not due or (claim.payer, claim.payee, claim.amount_yen) != owed:
                self.wrong.append(f"{taken.reference}: {claim} is not owed")
        if len(claims) != taken.claims:
            self.wrong.append(f"{taken.reference}: {taken.claims} claims, {len(claims)} told")

    def _paid(self, paid: DistributionPaid, unexplained: dict[str, int]) -> None:
        price = self.declared[paid.reference].price_sen
        owed = {firm: units * price // 100 for firm, units in self.counted[paid.reference].items()}
        total = sum(self.counted[paid.reference].values()) * price
        if paid.amount_yen != sum(owed.values()) or paid.amount_yen * 100 + paid.rest_sen != total:
            self.wrong.append(f"{paid.reference}: paid {paid}, owed {owed}")
        for firm, yen in owed.items():
            unexplained[firm] = unexplained.get(firm, 0) - yen
            if unexplained[firm] < 0:
                self.wrong.append(f"{paid.reference}: {firm} was paid less than {yen}")

    def _claim(self, claim: ClaimChanged) -> None:
        key = (claim.reference, claim.delivery_id)
        if (key in self.owing) == (claim.state is ClaimState.OPEN):
            self.wrong.append(f"{claim} comes out of turn")
        if claim.state is ClaimState.OPEN:
            self.owing[key] = claim

    def _redeemed(
        self, command: RedeemUnits | RedeemIssue, event: UnitsRedeemed, events: list[Event]
    ) -> None:
        gone = [one for one in events if isinstance(one, UnitsMoved) and one.taker is None]
        owed = sum(one.quantity_units * command.price_sen // 100 for one in gone)
        if (event.quantity_units, event.amount_yen) != (sum(g.quantity_units for g in gone), owed):
            self.wrong.append(f"{event} is not what left: {gone}")
        if isinstance(command, RedeemIssue):
            left = [key for key, n in self.owned.items() if key[0] == command.instrument_id and n]
            if left:
                self.wrong.append(f"{command.instrument_id} has holders after it ended: {left}")
            for delivery_id in [
                key for key, terms in self.open.items()
                if terms.instrument_id == command.instrument_id
            ]:  # fmt: skip
                del self.open[delivery_id]


class TokenChance:
    """Draws commands for one story and gives them to it."""

    def __init__(self, seed: int, **life: object) -> None:
        self.draw = Random(seed)
        draw = self.draw
        money = draw.choice(tuple(SettlementMoney))
        atomic = money is not SettlementMoney.BANK_TRANSFER and draw.random() < 0.5
        self.story = TokenStory(
            "gross_atomic" if atomic else "provisional_transfer",
            settlement_days=draw.choice((0, 0, 1, 2)),
            money=money.value,
            signed=draw.random() < 0.5,
            mode=draw.choice(tuple(OperatingMode)),
            **life,
        )
        self.oracle = Oracle()
        for event in self.story.events:
            if isinstance(event, UnitsMoved):
                self.oracle.read(self.story.entries[0].command, [event])
        self.named = 0
        self.again: list[Command] = []

    def do(self, command: Command) -> list[Event]:
        """One command, to the market and to the oracle."""
        events = self.story.do(command)
        self.oracle.read(command, events)
        assert self.oracle.wrong == []
        return events

    def play(self, days: int, busy: int) -> None:
        """Whole days, with acts between the stages of settlement."""
        for _ in range(days):
            for stage in range(4):
                for _ in range(self.draw.randint(0, busy)):
                    self._something()
                self.do(RunSettlement(stage=stage))
            for _ in range(self.draw.randint(0, 2)):
                self._something()
            self.do(CloseDay())
            if self.draw.random() < 0.3:
                self._something()
            self._open()

    def _open(self) -> None:
        story, entries = self.story, len(self.story.entries)
        story.day += timedelta(days=1)
        while not is_business_day(story.day) or self.draw.random() < 0.1:
            story.day += timedelta(days=1)
        before = len(story.events)
        story._open()
        opened = story.entries[entries].command
        assert isinstance(opened, OpenDay)
        self.oracle.read(opened, story.events[before:])
        assert self.oracle.wrong == []

    def _something(self) -> None:
        draw = self.draw
        if draw.random() < 0.45:
            self._trade()
            return
        if self.again and draw.random() < 0.05:
            self.do(draw.choice(self.again))
            return
        acts: tuple[Callable[[], Command], ...] = (
            self._station, self._station, self._station, self._switch, self._switch, self._law,
            self._law, self._redeem, self._distribution, self._distribution, self._key,
            self._delivery, self._default, self._counter, self._allot, self._allot, self._control,
            *self.more_acts(),
        )  # fmt: skip
        command = draw.choice(acts)()
        if isinstance(command, ForceTransfer | RedeemUnits | DeclareDistribution):
            self.again.append(command)
        self.do(command)

    def more_acts(self) -> tuple[Callable[[], Command], ...]:
        """Acts of a kind of days beside these."""
        return ()

    def _trade(self) -> None:
        story, draw = self.story, self.draw
        name, price = draw.choice(ISSUES), Sen(100_000 + 500 * draw.randint(-3, 3))
        units = draw.choice((1, 5, 20, 60))
        firms = [draw.choice(FIRMS), draw.choice(FIRMS)]
        for firm, side in zip(firms, (Side.SELL, Side.BUY), strict=True):
            before = len(story.events)
            story.order(name, firm, side, units, price)
            self.oracle.read(story.entries[-1].command, story.events[before:])

    def _name(self) -> InstrumentId:
        return self.draw.choice(ISSUES)

    def _firm(self) -> ParticipantId:
        return self.draw.choice(FIRMS)

    def _reference(self) -> str:
        self.named += 1
        return f"ref-{self.named}"

    def _station(self) -> Command:
        now = self.story.core.settlement._platforms.tokens.station.station
        usual = {
            Station.OPEN: Station.CLOSING, Station.CLOSING: Station.CLOSED,
            Station.CLOSED: Station.OPENING, Station.BATCH: Station.OPENING,
            Station.OPENING: Station.OPEN, Station.EMERGENCY: Station.OPENING,
        }[now]  # fmt: skip
        state = usual if self.draw.random() < 0.8 else self.draw.choice(tuple(Station))
        return SetStation(station=state, reason="by chance")

    def _switch(self) -> Command:
        draw, name, firm = self.draw, self._name(), self._firm()
        token, account = (draw.choice((of, of, name)) for of in (PROGMAT, IBET))
        on = draw.random() < 0.5
        return draw.choice((
            FreezeAccount(participant_id=firm, instrument_id=name, frozen=on, reason="x"),
            SetReceiving(participant_id=firm, instrument_id=token, receives=on, reason="x"),
            RegisterHolder(participant_id=firm, instrument_id=account, registered=on, reason="x"),
        ))  # fmt: skip

    def _law(self) -> Command:
        return ForceTransfer(
            instrument_id=self._name(), giver=self._firm(), taker=self._firm(),
            quantity_units=Units(self.draw.choice((0, 1, 10, 50, 500))),
            ground=self.draw.choice(tuple(TransferGround)), reference=self._reference(), reason="x",
        )  # fmt: skip

    def _redeem(self) -> Command:
        draw, name, price = (
            self.draw,
            self._name(),
            Sen(self.draw.choice((1, 333, 99_999, 110_000))),
        )
        if draw.random() < 0.1:
            return RedeemIssue(instrument_id=name, price_sen=price, reference=self._reference())
        return RedeemUnits(
            instrument_id=name, participant_id=self._firm(), price_sen=price,
            quantity_units=Units(draw.choice((-1, 1, 7, 40, 500))), reference=self._reference(),
        )  # fmt: skip

    def _distribution(self) -> Command:
        record = self.story.day + timedelta(days=self.draw.randint(-1, 3))
        return DeclareDistribution(
            instrument_id=self._name(), price_sen=Sen(self.draw.choice((1, 77, 1_234, 50_000))),
            record_date=record, payment_date=record + timedelta(days=self.draw.randint(0, 4)),
            reference=self._reference(),
        )  # fmt: skip

    def _key(self) -> Command:
        firm, day, node = self._firm(), self.story.day, self.draw.random() < 0.3
        if self.draw.random() < 0.3:
            return RevokeAccountKey(participant_id=firm, reason="x", node=node)
        first = day + timedelta(days=self.draw.randint(-2, 1))
        last = first + timedelta(days=self.draw.randint(0, 9))
        return RenewAccountKey(
            participant_id=firm, valid_from=first, valid_until=last, reason="x", node=node
        )

    def _delivery(self) -> Command:
        draw, count = self.draw, len(self.story.core.settlement.deliveries)
        delivery = DeliveryId(draw.randint(1, count + 1))
        trades = sum(isinstance(event, Trade) for event in self.story.events)
        side, held = draw.choice(tuple(Side)), draw.random() < 0.4
        return draw.choice((
            CancelDelivery(delivery_id=delivery, reason="x"),
            BustTrade(trade_id=TradeId(max(1, trades)), reason="x", override=True),
            CancelDelivery(delivery_id=delivery, reason="x"),
            SetDeliveryHold(delivery_id=delivery, side=side, held=held, reason="x"),
        ))  # fmt: skip

    def _counter(self) -> Command:
        firm, reference = self._firm(), self._reference()
        amount = Yen(self.draw.choice((1_000, 100_000, 500_000)))
        return self.draw.choice((
            DepositYen(participant_id=firm, amount_yen=amount, reference=reference),
            WithdrawYen(participant_id=firm, amount_yen=amount, reference=reference),
        ))  # fmt: skip

    def _default(self) -> Command:
        if self.draw.random() < 0.9:
            return self._counter()
        return DefaultIssuer(reason="x")

    def _allot(self) -> Command:
        return DepositUnits(
            participant_id=self._firm(), instrument_id=self._name(), quantity_units=Units(5),
            reference=self._reference(),
        )  # fmt: skip

    def _control(self) -> Command:
        open_again = self.draw.random() < 0.7
        return SetTransferControl(instrument_id=self._name(), executable=open_again, reason="x")
