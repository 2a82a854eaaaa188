"""Acts on tokens in the venue: switches that make deliveries wait, and units that move by law."""

from datetime import date

import pytest
from token_story import (
    CASH_YEN,
    CUT_OFF,
    IBET,
    ISSUED_UNITS,
    PLAIN,
    PROGMAT,
    START_UNITS,
    A,
    B,
    C,
    TokenStory,
    failed_for,
    of,
)

from market.commands import (
    BustTrade,
    CancelDelivery,
    Command,
    DepositUnits,
    Resume,
    SetTransferControl,
)
from market.events import (
    DeliveryState,
    Reconciled,
    TradingHalted,
    TransferControlSet,
    UnitsMoved,
    YenMoved,
)
from market.ids import InstrumentId, ParticipantId, TradeId
from market.quantities import MAX_PRICE_SEN, MAX_YEN, Sen, Units, Yen
from market.reasons import FailReason, RejectReason
from market.token_acts import (
    AccountFrozen,
    ClaimChanged,
    ClaimState,
    DeclareDistribution,
    ForceTransfer,
    FreezeAccount,
    RedeemIssue,
    RedeemUnits,
    RegisterHolder,
    RevokeAccountKey,
    SetReceiving,
    SetStation,
    Station,
    StationSet,
    TransferForced,
    TransferGround,
    UnitsRedeemed,
)
from market.words import Side
from settlement.delivery import Delivery
from settlement.progmat.register import ProgmatRegister
from settlement.staged.provisional_transfer import ProvisionalTransfer

R, F, S = RejectReason, FailReason, DeliveryState
BOOKS = pytest.mark.parametrize("name", [PLAIN, PROGMAT, IBET])
DESIGNS = pytest.mark.parametrize("design", ["provisional_transfer", "gross_atomic"])
NOBODY, NOTHING = ParticipantId("NOBODY"), InstrumentId("NONE")


def station(*states: Station) -> list[Command]:
    """Switches, one after the other."""
    return [SetStation(station=state, reason="test") for state in states]


def freeze(name: InstrumentId, firm: ParticipantId, *, frozen: bool = True) -> FreezeAccount:
    """Freeze or free."""
    return FreezeAccount(participant_id=firm, instrument_id=name, frozen=frozen, reason="court")


def receive(name: InstrumentId, firm: ParticipantId, *, receives: bool) -> SetReceiving:
    """Refuse what comes in, or take it."""
    return SetReceiving(participant_id=firm, instrument_id=name, receives=receives, reason="test")


def registered(name: InstrumentId, firm: ParticipantId, *, known: bool) -> RegisterHolder:
    """Whether the issuer knows the holder."""
    return RegisterHolder(participant_id=firm, instrument_id=name, registered=known, reason="test")


def force(name: InstrumentId, units: int = 30, **more: object) -> ForceTransfer:
    """From A to B by law."""
    fields: dict[str, object] = {
        "instrument_id": name, "giver": A, "taker": B, "quantity_units": Units(units),
        "ground": TransferGround.LEGAL_ORDER, "reference": "order-1", "reason": "court",
    }  # fmt: skip
    return ForceTransfer(**(fields | more))  # type: ignore[arg-type]


def redeem(name: InstrumentId, units: int = 40, **more: object) -> RedeemUnits:
    """Some of A's units at 1,000 yen and 5 sen."""
    fields: dict[str, object] = {
        "instrument_id": name, "participant_id": A, "quantity_units": Units(units),
        "price_sen": Sen(100_005), "reference": "redeem-1",
    }  # fmt: skip
    return RedeemUnits(**(fields | more))  # type: ignore[arg-type]


def allot(name: InstrumentId, reference: str = "more") -> DepositUnits:
    """Ten units more for A."""
    return DepositUnits(
        participant_id=A, instrument_id=name, quantity_units=Units(10), reference=reference
    )


# --- the station


@DESIGNS
def test_a_closed_station_makes_deliveries_wait_until_it_opens(design: str) -> None:
    """The token platform's delivery fails with the station's reason; others settle; then it does."""
    story = TokenStory(design)
    waits = story.trade(PROGMAT, A, B)
    settles = story.trade(IBET, A, B)
    for command in station(Station.CLOSING, Station.CLOSED):
        (told,) = story.done(command)
        assert isinstance(told, StationSet)
    events = story.run()
    assert failed_for(events, waits) is F.STATION_CLOSED
    assert settles.state is S.FINISHED
    assert story.units(PROGMAT, B) == START_UNITS
    story.next_day()
    for command in station(Station.OPENING, Station.OPEN):
        story.done(command)
    story.run()
    assert waits.state is S.FINISHED
    assert story.units(PROGMAT, B) == START_UNITS + 10
    story.replay()


def test_while_the_station_closes_what_is_locked_completes() -> None:
    """A provisional transfer of before goes through; a new one waits."""
    story = TokenStory()
    locked = story.trade(PROGMAT, A, B)
    story.run(0)
    late = story.trade(PROGMAT, A, B)
    story.done(*station(Station.CLOSING))
    events = story.run()
    assert locked.state is S.FINISHED
    assert failed_for(events, late) is F.STATION_CLOSED


@pytest.mark.parametrize("stages", [1, 2])
def test_in_an_emergency_locks_stay_and_go_on_after_it(stages: int) -> None:
    """Nothing returns: the cut-off leaves the lock, a cancel and a void are refused, no unit is lost."""
    story = TokenStory()
    delivery = story.trade(PROGMAT, A, B)
    story.run(*range(stages))
    held = delivery.state
    story.done(*station(Station.EMERGENCY))
    story.run()
    assert (delivery.state, delivery.hindrance) == (held, F.STATION_CLOSED)
    cancel = CancelDelivery(delivery_id=delivery.terms.delivery_id, reason="agreed")
    assert story.refused(cancel) is R.STATION_CLOSED
    bust = BustTrade(trade_id=TradeId(1), reason="slip", override=True)
    assert story.refused(bust) is R.STATION_CLOSED
    (reconciled,) = of(story.next_day(), Reconciled)
    assert (reconciled.open_deliveries, reconciled.breaks) == (1, ())
    for command in station(Station.OPENING, Station.OPEN):
        story.done(command)
    story.run()
    assert delivery.state is S.FINISHED
    story.replay()


def test_in_an_emergency_what_is_not_locked_can_be_canceled() -> None:
    """A delivery that holds nothing on the ledger needs nothing of it."""
    story = TokenStory()
    delivery = story.trade(PROGMAT, A, B)
    story.done(*station(Station.EMERGENCY))
    story.done(CancelDelivery(delivery_id=delivery.terms.delivery_id, reason="agreed"))
    assert delivery.state is S.CANCELED


def test_a_station_goes_by_its_table() -> None:
    """No state is skipped; while it is shut nothing is allotted, forced or redeemed there."""
    story = TokenStory()
    assert story.refused(*station(Station.BATCH)) is R.INVALID_COMBINATION
    assert story.refused(*station(Station.OPEN)) is R.INVALID_COMBINATION
    story.done(*station(Station.CLOSING))
    assert story.refused(allot(PROGMAT)) is R.STATION_CLOSED
    assert story.refused(force(PROGMAT)) is R.STATION_CLOSED
    assert story.refused(redeem(PROGMAT)) is R.STATION_CLOSED
    story.done(allot(PLAIN))
    story.done(force(IBET))


def pay_only(story: TokenStory, delivery: Delivery) -> None:
    """Stop between payment and final transfer, as a money that answers later would."""
    story.run(0, 1)
    settlement = story.core.settlement
    design = settlement.design
    assert isinstance(design, ProvisionalTransfer)
    events = settlement._book.tell(design.pay(delivery))
    for event in events:
        story.core.risk.apply(event)
    story.auditor.read(events)
    assert delivery.state is S.PAID


@pytest.mark.parametrize("state", [Station.EMERGENCY, Station.CLOSED])
def test_what_is_paid_waits_for_the_ledger_and_is_delivered(state: Station) -> None:
    """The final transfer cannot be made while the station is shut; nothing takes it back."""
    story = TokenStory()
    delivery = story.trade(PROGMAT, A, B)
    pay_only(story, delivery)
    if state is Station.CLOSED:
        story.done(*station(Station.CLOSING))
    story.done(*station(state))
    story.run(2, CUT_OFF)
    assert (delivery.state, delivery.hindrance) == (S.PAID, F.STATION_CLOSED)
    (reconciled,) = of(story.next_day(), Reconciled)
    assert reconciled.breaks == ()
    for command in station(Station.OPENING, Station.OPEN):
        story.done(command)
    story.run(2)
    assert delivery.state is S.FINISHED


def test_what_is_paid_waits_for_a_buyer_the_issuer_knows() -> None:
    """On the account platform ownership changes when the buyer is registered, paid or not."""
    story = TokenStory()
    delivery = story.trade(IBET, A, B)
    pay_only(story, delivery)
    story.done(registered(IBET, B, known=False))
    story.run(2, CUT_OFF)
    assert (delivery.state, delivery.hindrance) == (S.PAID, F.NOT_REGISTERED)
    end = RedeemIssue(instrument_id=IBET, price_sen=Sen(90_000), reference="end")
    assert story.refused(end) is R.ALREADY_FINAL
    story.done(registered(IBET, B, known=True))
    story.next_day()
    story.run(2)
    assert delivery.state is S.FINISHED


@pytest.mark.parametrize("node", [True, False])
def test_what_is_paid_is_delivered_though_the_seller_s_key_is_gone(node: bool) -> None:
    """The administrator signs in the place of account and node; every signature verifies."""
    story = TokenStory(signed=True)
    delivery = story.trade(PROGMAT, A, B)
    pay_only(story, delivery)
    story.done(RevokeAccountKey(participant_id=A, reason="lost", node=node))
    story.run(2)
    assert delivery.state is S.FINISHED
    register = story.register(PROGMAT)
    assert isinstance(register, ProgmatRegister)
    last = list(register.platform.transactions.values())[-1]
    assert (last.authority_key, last.node_key) == ("administrator", "administrator")
    register.platform.check_audit()


# --- accounts


@DESIGNS
@pytest.mark.parametrize("firm", [A, B])
@pytest.mark.parametrize("name", [PLAIN, PROGMAT])
def test_a_frozen_account_makes_its_deliveries_wait(
    design: str, firm: ParticipantId, name: InstrumentId
) -> None:
    """Seller's or buyer's: it fails with its reason, others settle, and it settles once free."""
    story = TokenStory(design)
    waits = story.trade(name, A, B)
    other = story.trade(name, C, B) if firm == A else story.trade(name, A, C)
    (told,) = story.done(freeze(name, firm))
    assert told == AccountFrozen(
        participant_id=firm, instrument_id=name, frozen=True, reason="court"
    )
    events = story.run()
    assert failed_for(events, waits) is F.ACCOUNT_FROZEN
    assert other.state is S.FINISHED
    story.next_day()
    story.done(freeze(name, firm, frozen=False))
    story.run()
    assert waits.state is S.FINISHED
    story.replay()


@pytest.mark.parametrize("name", [PLAIN, PROGMAT])
def test_a_lock_of_an_account_frozen_later_returns(name: InstrumentId) -> None:
    """Locked and funded, then frozen: no payment, and at the cut-off both come back whole."""
    story = TokenStory()
    delivery = story.trade(name, A, B)
    story.run(0, 1)
    story.done(freeze(name, A))
    events = story.run(2, CUT_OFF)
    assert failed_for(events, delivery) is F.ACCOUNT_FROZEN
    settlement = story.core.settlement
    assert settlement.available_units(A, name) == START_UNITS
    assert settlement.available_yen(B) == CASH_YEN


def test_an_account_is_frozen_in_one_issue() -> None:
    """The firm's other issues settle."""
    story = TokenStory()
    here, there = story.trade(PROGMAT, A, B), story.trade(PLAIN, A, B)
    story.done(freeze(PROGMAT, A))
    story.run()
    assert (here.state, there.state) == (S.FAILING, S.FINISHED)
    assert story.refused(freeze(PROGMAT, A)) is R.DUPLICATE
    assert story.refused(freeze(PLAIN, A, frozen=False)) is R.DUPLICATE
    assert story.refused(allot(PROGMAT)) is R.ACCOUNT_FROZEN


@DESIGNS
def test_a_receiver_may_refuse_what_comes_in(design: str) -> None:
    """Its purchases wait, its sales settle, allotments are refused; what the law sends arrives."""
    story = TokenStory(design)
    story.done(receive(PROGMAT, B, receives=False))
    buys, sells = story.trade(PROGMAT, A, B), story.trade(PROGMAT, B, C)
    events = story.run()
    assert failed_for(events, buys) is F.RECEIVER_REFUSED
    assert sells.state is S.FINISHED
    told = DepositUnits(
        participant_id=B, instrument_id=PROGMAT, quantity_units=Units(1), reference="x"
    )
    assert story.refused(told) is R.RECEIVER_REFUSED
    assert story.refused(receive(PROGMAT, B, receives=False)) is R.DUPLICATE
    story.done(force(PROGMAT))
    story.next_day()
    story.done(receive(PROGMAT, B, receives=True))
    story.run()
    assert buys.state is S.FINISHED
    story.replay()


@DESIGNS
def test_without_personal_information_no_units_arrive(design: str) -> None:
    """On the account platform the buyer must be known to the issuer when ownership changes."""
    story = TokenStory(design)
    story.done(registered(IBET, B, known=False))
    buys, sells = story.trade(IBET, A, B), story.trade(IBET, B, C)
    events = story.run()
    assert failed_for(events, buys) is F.NOT_REGISTERED
    assert sells.state is S.FINISHED
    assert story.refused(force(IBET)) is R.NOT_REGISTERED
    assert story.refused(registered(IBET, B, known=False)) is R.DUPLICATE
    story.next_day()
    story.done(registered(IBET, B, known=True))
    story.run()
    assert buys.state is S.FINISHED
    story.replay()


def test_a_buyer_forgotten_after_the_lock_is_not_delivered_to() -> None:
    """The registration is asked again before the payment, which is the point of no return."""
    story = TokenStory()
    delivery = story.trade(IBET, A, B)
    story.run(0, 1)
    story.done(registered(IBET, B, known=False))
    events = story.run(2, CUT_OFF)
    assert failed_for(events, delivery) is F.NOT_REGISTERED
    assert (story.yen(B), story.units(IBET, A)) == (CASH_YEN, START_UNITS)


UNSUPPORTED = [
    (freeze(IBET, A), "freeze"),
    (receive(PLAIN, A, receives=False), "receive"),
    (receive(IBET, A, receives=False), "receive"),
    (registered(PLAIN, A, known=False), "holder"),
    (registered(PROGMAT, A, known=False), "holder"),
    (RevokeAccountKey(participant_id=A, reason="lost"), "keys, unsigned"),
]


@pytest.mark.parametrize(("command", "what"), UNSUPPORTED)
def test_what_a_platform_does_not_know_is_refused(command: Command, what: str) -> None:
    """One code, nothing moved."""
    assert TokenStory().refused(command) is R.ACT_UNSUPPORTED, what


def test_without_the_token_platform_there_is_no_station() -> None:
    """Plain books are always open."""
    story = TokenStory(issues=(PLAIN, IBET))
    assert story.refused(*station(Station.CLOSING)) is R.ACT_UNSUPPORTED


@pytest.mark.parametrize("make", [freeze, lambda n, f: receive(n, f, receives=False)])
def test_a_switch_names_a_firm_and_an_issue(make: object) -> None:
    """The firm is asked first."""
    assert callable(make)
    story = TokenStory()
    assert story.refused(make(NOTHING, NOBODY)) is R.NOT_ENTITLED
    assert story.refused(make(NOTHING, A)) is R.UNKNOWN_INSTRUMENT


# --- units by law


@BOOKS
@pytest.mark.parametrize("ground", TransferGround)
def test_units_move_by_law(name: InstrumentId, ground: TransferGround) -> None:
    """Free units, without payment, told as a posting and an act; once for a reference."""
    story = TokenStory()
    moved, told = story.done(force(name, ground=ground))
    assert moved == UnitsMoved(
        instrument_id=name, giver=A, taker=B, quantity_units=Units(30)
    )  # fmt: skip
    assert isinstance(told, TransferForced)
    assert (told.ground, told.reference) == (ground, "order-1")
    assert (story.units(name, A), story.units(name, B)) == (70, 130)
    assert story.refused(force(name, ground=ground)) is R.DUPLICATE
    assert story.refused(force(name, 31)) is R.ID_CONFLICT
    story.replay()


@pytest.mark.parametrize("name", [PLAIN, PROGMAT])
def test_the_law_reaches_a_frozen_account(name: InstrumentId) -> None:
    """Giver and taker frozen: sales wait, the order does not."""
    story = TokenStory()
    story.done(freeze(name, A))
    story.done(freeze(name, B))
    story.done(force(name))
    assert story.units(name, A) == 70


@BOOKS
def test_a_forced_transfer_is_refused_for_the_first_reason(name: InstrumentId) -> None:
    """In the catalogue's order, each with all later reasons present as well."""
    story = TokenStory()
    story.trade(name, A, B)
    story.run(0)
    closed = SetTransferControl(instrument_id=name, executable=False, reason="pledge")
    story.done(closed)
    bad = {"giver": NOBODY, "taker": NOBODY, "instrument_id": NOTHING, "quantity_units": 0}
    assert story.refused(force(name, **bad)) is R.NOT_ENTITLED
    assert story.refused(force(NOTHING, 0, taker=A)) is R.UNKNOWN_INSTRUMENT
    assert story.refused(force(name, 0, taker=A)) is R.INVALID_COMBINATION
    assert story.refused(force(name, 0, reference="03-1234-5678")) is R.INVALID_COMBINATION
    assert story.refused(force(name, 0)) is R.OUT_OF_RANGE
    assert story.refused(force(name, 91)) is R.INSUFFICIENT_HOLDING, "10 of 100 are locked"
    assert story.refused(force(name, 90)) is R.TRANSFER_RESTRICTED
    story.done(SetTransferControl(instrument_id=name, executable=True, reason="over"))
    story.done(force(name, 90))
    story.run()
    assert story.units(name, A) == 0


@BOOKS
def test_what_is_promised_may_leave_by_law_and_then_fails(name: InstrumentId) -> None:
    """An open order and a delivery are no hindrance; the delivery lacks units, later sells are refused."""
    story = TokenStory()
    delivery = story.trade(name, A, B, 60)
    story.order(name, A, Side.SELL, 40, 101_000)
    story.done(force(name, 70, taker=C))
    assert story.core.risk.free_units(A, name) == -70
    (event,) = story.order(name, A, Side.SELL, 1, 101_000)
    assert getattr(event, "reason", None) is R.INSUFFICIENT_HOLDING
    assert failed_for(story.run(), delivery) is F.SELLER_SHORT_OF_UNITS


@BOOKS
def test_units_are_redeemed_against_yen(name: InstrumentId) -> None:
    """40 units at 1,000.05 yen bring 40,002 yen; they leave the issue, and conservation says so."""
    story = TokenStory()
    units, yen, told = story.done(redeem(name))
    assert units == UnitsMoved(
        instrument_id=name, giver=A, taker=None, quantity_units=Units(40)
    )  # fmt: skip
    assert yen == YenMoved(giver=None, taker=A, amount_yen=40_002)  # type: ignore[arg-type]
    assert told == UnitsRedeemed(
        instrument_id=name, quantity_units=Units(40), amount_yen=40_002,  # type: ignore[arg-type]
        issued_units=Units(ISSUED_UNITS - 40), rest_sen=Sen(0), reference="redeem-1",
            holders=((A, Units(40), Yen(40_002)),),
    )  # fmt: skip
    register = story.register(name)
    assert (register.issued_units, register.redeemed_units) == (960, 40)
    assert register.unissued_units == 700
    assert "40 redeemed" in story.core.conservation()[1]
    (told,) = of(story.done(redeem(name, 7, reference="redeem-2")), UnitsRedeemed)
    assert (told.amount_yen, told.rest_sen) == (7_000, 35), "the rest of a yen is named"
    (reconciled,) = of(story.next_day(), Reconciled)
    assert reconciled.breaks == ()
    story.replay()


@BOOKS
def test_a_redemption_is_refused_for_the_first_reason(name: InstrumentId) -> None:
    """Values, then what is there, then what hinders."""
    story = TokenStory()
    story.done(SetTransferControl(instrument_id=name, executable=False, reason="pledge"))
    assert story.refused(redeem(name, participant_id=NOBODY)) is R.NOT_ENTITLED
    assert story.refused(redeem(name, price_sen=Sen(0))) is R.OUT_OF_RANGE
    assert story.refused(redeem(name, price_sen=Sen(MAX_PRICE_SEN + 1))) is R.OUT_OF_RANGE
    assert story.refused(redeem(name, 0)) is R.OUT_OF_RANGE
    assert story.refused(redeem(name, -1)) is R.OUT_OF_RANGE
    assert story.refused(redeem(name, MAX_YEN)) is R.OUT_OF_RANGE
    assert story.refused(redeem(name, 101)) is R.INSUFFICIENT_HOLDING
    assert story.refused(redeem(name)) is R.TRANSFER_RESTRICTED


@BOOKS
@pytest.mark.parametrize("stages", [0, 1, 2])
def test_a_redeemed_issue_ends_its_deliveries_in_cash(name: InstrumentId, stages: int) -> None:
    """Bought at 1,000, redeemed at 1,100: whatever was locked, the buyer has 100 yen a unit from it."""
    story = TokenStory()
    delivery = story.trade(name, A, B)
    story.run(*range(stages)) if stages else None
    redeemed = RedeemIssue(instrument_id=name, price_sen=Sen(110_000), reference="end")
    events = story.done(redeemed)
    assert delivery.state is S.CANCELED
    assert [event.state for event in of(events, ClaimChanged)] == [ClaimState.OPEN, ClaimState.PAID]
    assert [story.units(name, firm) for firm in (A, B, C)] == [0, 0, 0]
    each = CASH_YEN + START_UNITS * 1_100
    assert [story.yen(firm) for firm in (A, B, C)] == [each - 1_000, each + 1_000, each]
    assert of(events, TransferControlSet)[0].executable is False
    assert of(events, TradingHalted)[0].instrument_id == name
    register = story.register(name)
    assert (register.issued_units, register.redeemed_units) == (700, 300)
    assert not register.live_holds
    assert story.refused(redeemed) is R.DUPLICATE
    assert story.refused(allot(name)) is R.TRANSFER_RESTRICTED
    opened = SetTransferControl(instrument_id=name, executable=True, reason="by mistake")
    assert story.refused(opened) is R.TRANSFER_RESTRICTED
    assert story.refused(allot(name)) is R.TRANSFER_RESTRICTED, "a flag brings no issue back"
    late = DeclareDistribution(
        instrument_id=name, price_sen=Sen(100), record_date=date(2026, 11, 25),
        payment_date=date(2026, 11, 26), reference="late",
    )  # fmt: skip
    assert story.refused(late) is R.TRANSFER_RESTRICTED, "nobody is left to be paid"
    story.replay()


def test_a_buyer_above_the_redemption_price_owes_the_difference() -> None:
    """Bought at 1,000, redeemed at 900: the buyer owes 100 yen a unit, for it would own what it paid."""
    story = TokenStory()
    story.trade(PLAIN, A, B)
    story.done(RedeemIssue(instrument_id=PLAIN, price_sen=Sen(90_000), reference="end"))
    each = CASH_YEN + START_UNITS * 900
    assert [story.yen(firm) for firm in (A, B)] == [each + 1_000, each - 1_000]


def test_redeeming_waits_for_an_open_station_and_leaves_other_issues() -> None:
    """Refused while the ledger is closed; an issue on other books is traded on."""
    story = TokenStory()
    other = story.trade(PLAIN, A, B)
    story.done(*station(Station.CLOSING))
    end = RedeemIssue(instrument_id=PROGMAT, price_sen=Sen(90_000), reference="end")
    assert story.refused(end) is R.STATION_CLOSED
    for command in station(Station.CLOSED, Station.OPENING, Station.OPEN):
        story.done(command)
    story.done(end)
    story.run()
    assert other.state is S.FINISHED
    assert not isinstance(story.done(Resume(instrument_id=PROGMAT))[0], TradingHalted)
