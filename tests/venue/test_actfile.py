"""Operator's files: what they may say, what is refused by line and column, and what comes of them."""

from pathlib import Path

import pytest

from market.commands import (
    AffirmDelivery,
    BustTrade,
    BuyIn,
    CancelDelivery,
    ConsentToCancel,
    DefaultIssuer,
    Entry,
    Halt,
    ReportErrorTrade,
    Resume,
    ReverseDelivery,
    SetDeliveryHold,
    SetDeliveryParts,
    SetNetAssetValue,
    SetReferencePrice,
    SetTransferControl,
)
from market.errors import BadInput
from market.events import DeliveryState, Event, TradeBusted, TradingHalted
from market.ids import DeliveryId, ParticipantId
from market.quantities import Sen
from market.words import Side
from venue.actfile import parse_acts, read_acts
from venue.journal import read_entries
from venue.recovery import replay, verify
from venue.runs import simulate_run

HEADER = "day,time,act,instrument,price,trade,order,delivery,override,reason\n"
EVERY = (
    HEADER
    + """\
2,10:00:00,resume,KH01,,,,,,
1,09:00:00.250,halt,KH01,,,,,,news
1,09:00:00,base_price,KH01,99000.5,,,,,
1,09:00:00,nav,KH01,101000,,,,,
1,12:00:00,report_error,,,T-1 T-2,,,,one zero too many
1,12:00:00,report_error,,,,O-7,,,slip
1,12:00:01,bust,,,T-1,,,yes,slip
1,12:00:02,cancel_delivery,,,,,D-3,,agreed
"""
)


def lines(text: str) -> list[str]:
    """A text as a file gives it."""
    return text.splitlines(keepends=True)


def test_every_act_is_read_and_sorted() -> None:
    """Day, then time; lines of one time stay as they stood."""
    acts = parse_acts(lines(EVERY), "f")
    assert [(day, at_ms) for day, at_ms, _ in acts] == [
        (1, 32_400_000), (1, 32_400_000), (1, 32_400_250), (1, 43_200_000), (1, 43_200_000),
        (1, 43_201_000), (1, 43_202_000), (2, 36_000_000),
    ]  # fmt: skip
    base, nav, halt, trades, order, bust, delivery, resume = [act for _, _, act in acts]
    assert base == SetReferencePrice(instrument_id="KH01", reference_price_sen=9_900_050)  # type: ignore[arg-type]
    assert nav == SetNetAssetValue(instrument_id="KH01", nav_sen=10_100_000)  # type: ignore[arg-type]
    assert halt == Halt(instrument_id="KH01", reason="news")  # type: ignore[arg-type]
    assert trades == ReportErrorTrade(trade_ids=(1, 2), reason="one zero too many")  # type: ignore[arg-type]
    assert order == ReportErrorTrade(order_id=7, reason="slip")  # type: ignore[arg-type]
    assert bust == BustTrade(trade_id=1, reason="slip", override=True)  # type: ignore[arg-type]
    assert delivery == CancelDelivery(delivery_id=3, reason="agreed")  # type: ignore[arg-type]
    assert resume == Resume(instrument_id="KH01")  # type: ignore[arg-type]


def test_hold_and_release_are_acts_of_one_side() -> None:
    """Whose hold it is must be said, as buy or sell."""
    header = "time,act,delivery,side,reason\n"
    text = header + "09:00:00,hold,D-3,sell,check\n09:00:01,release,D-3,sell,checked\n"
    hold, release = [act for _, _, act in parse_acts(lines(text), "f")]
    for act, held, reason in ((hold, True, "check"), (release, False, "checked")):
        assert act == SetDeliveryHold(
            delivery_id=DeliveryId(3), side=Side.SELL, held=held, reason=reason
        )
    with pytest.raises(BadInput, match="line 2, side"):
        parse_acts(lines(header + "09:00:00,hold,D-3,both,check\n"), "f")


def test_whether_it_may_settle_in_parts_is_an_act_of_one_side() -> None:
    """Whole bars parts for a side, parts allows them again; whose word it is must be said."""
    header = "time,act,delivery,side,reason\n"
    text = header + "09:00:00,whole,D-3,sell,asked\n09:00:01,parts,D-3,sell,asked\n"
    for (_, _, act), allowed in zip(parse_acts(lines(text), "f"), (False, True), strict=True):
        assert act == SetDeliveryParts(
            delivery_id=DeliveryId(3), side=Side.SELL, allowed=allowed, reason="asked"
        )
    with pytest.raises(BadInput, match="line 2, side"):
        parse_acts(lines(header + "09:00:00,whole,D-3,,asked\n"), "f")


def test_what_ends_or_takes_back_a_delivery_is_an_act() -> None:
    """Affirm, consent, reverse and buy in; a firm and a price may be left out of a buy-in."""
    header = "time,act,delivery,side,override,firm,price,reason\n"
    text = (
        "09:00:00,affirm,D-3,buy,,,,\n"
        "09:00:01,consent,D-3,sell,,,,agreed\n"
        "09:00:02,reverse,D-3,buy,yes,,,court\n"
        "09:00:03,reverse,D-3,sell,,,,slip\n"
        "09:00:04,buy_in,D-3,,,FIRM-A,1000.5,late\n"
        "09:00:05,buy_in,D-3,,,,,late\n"
    )
    three = DeliveryId(3)
    assert [act for _, _, act in parse_acts(lines(header + text), "f")] == [
        AffirmDelivery(delivery_id=three, side=Side.BUY),
        ConsentToCancel(delivery_id=three, side=Side.SELL, reason="agreed"),
        ReverseDelivery(delivery_id=three, side=Side.BUY, reason="court", legal_order=True),
        ReverseDelivery(delivery_id=three, side=Side.SELL, reason="slip"),
        BuyIn(
            delivery_id=three,
            supplier=ParticipantId("FIRM-A"),
            price_sen=Sen(100_050),
            reason="late",
        ),
        BuyIn(delivery_id=three, reason="late"),
    ]
    for wrong, told in (
        ("affirm,D-3,,,,,", "side"),
        ("affirm,D-3,buy,,,,why", "reason"),
        ("consent,3,buy,,,,why", "delivery"),
        ("reverse,D-3,buy,,,,", "reason"),
        ("reverse,D-3,buy,often,,,why", "override"),
        ("buy_in,D-3,buy,,,,why", "side"),
        ("buy_in,D-3,,,,free,why", "price"),
    ):
        with pytest.raises(BadInput, match=f"line 2, {told}"):
            parse_acts(lines(f"{header}09:00:00,{wrong}\n"), "f")


def test_the_failure_of_an_issuer_is_an_act_with_a_reason() -> None:
    """No issue is named: the market has one settlement money."""
    acts = parse_acts(lines("time,act,reason\n10:30:00,issuer_default,insolvent\n"), "f")
    assert acts[0][2] == DefaultIssuer(reason="insolvent")
    with pytest.raises(BadInput, match="line 2, reason"):
        parse_acts(lines("time,act,reason\n10:30:00,issuer_default,\n"), "f")


def test_the_control_of_an_issue_is_an_act() -> None:
    """Yes and no are read; any other word is refused by its column."""
    header = "time,act,instrument,executable,reason\n"
    acts = parse_acts(lines(header + "09:00:00,control,KH01,no,court\n"), "f")
    assert acts[0][2] == SetTransferControl(
        instrument_id="KH01",  # type: ignore[arg-type]
        executable=False,
        reason="court",
    )
    with pytest.raises(BadInput, match="line 2, executable"):
        parse_acts(lines(header + "09:00:00,control,KH01,perhaps,court\n"), "f")


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("1,09:00:00,dance,,,,,,,", "line 2, act"),
        ("0,09:00:00,resume,KH01,,,,,,", "line 2, day"),
        ("x,09:00:00,resume,KH01,,,,,,", "line 2, day"),
        ("1,9:00,resume,KH01,,,,,,", "line 2, time"),
        ("1,,resume,KH01,,,,,,", "line 2, time"),
        ("1,09:00:00,resume,,,,,,,", "line 2, instrument"),
        ("1,09:00:00,resume,KH01,5,,,,,", "line 2, price"),
        ("1,09:00:00,nav,KH01,1.234,,,,,", "line 2, price"),
        ("1,09:00:00,bust,,,2,,,,slip", "line 2, trade"),
        ("1,09:00:00,bust,,,T-2,,,perhaps,slip", "line 2, override"),
        ("1,09:00:00,bust,,,T-2,,,,", "line 2, reason"),
        ("1,09:00:00,report_error,,,T-1 2,,,,slip", "line 2, trade"),
        ("1,09:00:00,report_error,,,,7,,,slip", "line 2, order"),
        ("1,09:00:00,control,KH01,,,,,,court", "line 2, executable"),
        ("1,09:00:00,halt,KH01,,,,,," + "x" * 201, "line 2, reason"),
        ("1,09:00:00,resume,KH01,,,,,,,more", "line 2, more"),
    ],
)
def test_a_wrong_line_is_refused_by_line_and_column(line: str, told: str) -> None:
    """The message says where."""
    with pytest.raises(BadInput, match=told):
        parse_acts(lines(HEADER + line + "\n"), "f")


@pytest.mark.parametrize("header", ["time,act,what", "time", "time,act,act", ""])
def test_a_wrong_first_line_is_refused(header: str) -> None:
    """Unknown, missing or repeated columns."""
    with pytest.raises(BadInput, match="line 1"):
        parse_acts(lines(header + "\n"), "f")


def test_a_file_that_is_not_there_is_refused(tmp_path: Path) -> None:
    """By its name."""
    with pytest.raises(BadInput, match=r"acts\.csv"):
        read_acts(tmp_path / "acts.csv")


def test_a_simulated_day_with_an_error_trade_replays_and_verifies(tmp_path: Path) -> None:
    """Reported, halted and voided on the way; the settlement days deliver the rest."""
    orders, acts = tmp_path / "orders.csv", tmp_path / "acts.csv"
    orders.write_text(
        "time,participant,action,client_order_id,instrument,side,kind,price,quantity,size_confirmed\n"
        "09:00:00,FIRM-A,new,A-1,KH01,buy,limit,100000,2000,yes\n"
        "09:00:00,FIRM-C,new,C-1,KH01,buy,limit,100000,10,\n"
        "09:00:01,FIRM-B,new,B-1,KH01,sell,limit,100000,2010,yes\n"
    )
    acts.write_text(
        HEADER
        + "1,11:30:01,report_error,,,T-1,,,,one zero too many\n"
        + "1,11:31:00,bust,,,T-1,,,yes,one zero too many\n"
        + "2,09:00:00,bust,,,T-1,,,yes,again\n"
    )
    seen: list[tuple[Entry, list[Event]]] = []
    core = simulate_run(
        orders=orders, acts=acts, settings_path=None, seed=7, preset=None, days=None, scale=1.0,
        out=tmp_path / "run", seen=lambda entry, events: seen.append((entry, events)),
    )  # fmt: skip
    events = [event for _, step in seen for event in step]
    assert sum(isinstance(event, TradingHalted) for event in events) == 1
    assert sum(isinstance(event, TradeBusted) for event in events) == 1
    states = [delivery.state for delivery in core.settlement.deliveries.values()]
    assert states == [DeliveryState.CANCELED, DeliveryState.FINISHED]
    assert replay(read_entries(tmp_path / "run")).digest() == core.digest()
    verify(tmp_path / "run")
