"""Order files: what is written reads back, and what is wrong is named by line and column."""

import gzip
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from market.commands import NO_PRICE, AmendOrder, CancelOrder, NewOrder
from market.errors import BadInput
from market.ids import ClientOrderId, InstrumentId, ParticipantId, SessionId
from market.quantities import MAX_PRICE_SEN, MAX_QUANTITY_UNITS, Sen, Units
from market.words import OrderKind, ShortSale, Side, Validity
from participants.intents import Intent, IntentAction, to_request
from participants.orderflow import generated_day
from venue import orderfile
from venue.orderfile import COLUMNS, ERRORS_SHOWN_MAX, parse_orders, read_orders, write_orders

EXAMPLES = Path(__file__).parents[2] / "examples"
HEADER = ",".join(COLUMNS)


def test_seldom_columns_are_written_only_when_a_line_needs_them(tmp_path: Path) -> None:
    """A short sell and a confirmed size read back equal; other files keep their thirteen columns."""
    text = (
        "time,participant,action,client_order_id,instrument,side,kind,price,quantity,"
        "short_sale,size_confirmed\n"
        "09:00:00,A,new,1,KH01,sell,limit,100,1,short,yes\n"
        "09:00:00,A,new,2,KH01,buy,limit,100,1,,\n"
    )
    short, plain = parse_orders(text.splitlines(keepends=True), "f")
    assert (short.short_sale, short.size_confirmed) == (ShortSale.SHORT, True)
    assert (plain.short_sale, plain.size_confirmed) == (None, False)
    path = tmp_path / "f.csv"
    write_orders(path, [short, plain])
    assert read_orders(path) == [short, plain]
    write_orders(path, [plain])
    assert path.read_text(encoding="utf-8").splitlines()[0] == HEADER
    with pytest.raises(BadInput, match="size_confirmed"):
        parse_orders(text.replace("yes", "maybe").splitlines(keepends=True), "f")


def parsed(*lines: str) -> list[Intent]:
    """Read lines under the full header."""
    return parse_orders([HEADER + "\n", *(line + "\n" for line in lines)], "day.csv")


def complaint(*lines: str) -> str:
    """What is said about lines that are wrong."""
    with pytest.raises(BadInput) as raised:
        parsed(*lines)
    return str(raised.value)


GOOD = "1,08:25:00,FIRM-A,new,A-1,,KH01,buy,limit,100500,10,day,C001"


def test_a_line_becomes_the_intent_it_says() -> None:
    """Every column, exactly."""
    assert parsed("2,08:25:00.250,FIRM-A,new,A-1,,KH01,buy,limit,100500.5,10,next_auction,C1") == [
        Intent(
            day=2,
            at_ms=(8 * 60 + 25) * 60_000 + 250,
            participant_id=ParticipantId("FIRM-A"),
            action=IntentAction.NEW,
            client_order_id=ClientOrderId("A-1"),
            instrument_id=InstrumentId("KH01"),
            side=Side.BUY,
            kind=OrderKind.LIMIT,
            price_sen=Sen(10_050_050),
            quantity_units=Units(10),
            validity=Validity.NEXT_AUCTION,
            account="C1",
        )
    ]


def test_columns_may_come_in_any_order_and_optional_ones_may_be_missing() -> None:
    """Day 1, validity day and no account are the defaults."""
    text = [
        "action,time,participant,quantity,kind,side,instrument,client_order_id\n",
        "new,09:00:00,FIRM-A,3,market,sell,KH02,A-9\n",
    ]
    (intent,) = parse_orders(text, "day.csv")
    assert (intent.day, intent.validity, intent.account) == (1, Validity.DAY, "")
    assert (intent.kind, intent.price_sen) == (OrderKind.MARKET, None)


def test_lines_are_sorted_by_day_and_time_and_else_keep_their_order() -> None:
    """A file may be written in any order; ties stay as written."""
    names = ["2,08:00:00", "1,09:00:00", "1,08:00:00", "1,09:00:00"]
    lines = [
        f"{when},FIRM-A,new,N-{place},,KH01,buy,limit,1,1,," for place, when in enumerate(names)
    ]
    assert [i.client_order_id for i in parsed(*lines)] == ["N-2", "N-1", "N-3", "N-0"]


def test_blank_lines_are_skipped() -> None:
    """A file may end with an empty line."""
    assert len(parsed(GOOD, "", "")) == 1


@pytest.mark.parametrize(
    ("line", "column"),
    [
        ("0,08:25:00,FIRM-A,new,A-1,,KH01,buy,limit,100500,10,day,", "day"),
        ("x,08:25:00,FIRM-A,new,A-1,,KH01,buy,limit,100500,10,day,", "day"),
        ("1,8:25:00,FIRM-A,new,A-1,,KH01,buy,limit,100500,10,day,", "time"),
        ("1,24:00:00,FIRM-A,new,A-1,,KH01,buy,limit,100500,10,day,", "time"),
        ("1,08:25:00.5,FIRM-A,new,A-1,,KH01,buy,limit,100500,10,day,", "time"),
        ("1,08:25:00,firm,new,A-1,,KH01,buy,limit,100500,10,day,", "participant"),
        ("1,08:25:00,FIRM-A,buy,A-1,,KH01,buy,limit,100500,10,day,", "action"),
        ("1,08:25:00,FIRM-A,new,A 1,,KH01,buy,limit,100500,10,day,", "client_order_id"),
        ("1,08:25:00,FIRM-A,new,A-1,,kh01,buy,limit,100500,10,day,", "instrument"),
        ("1,08:25:00,FIRM-A,new,A-1,,KH01,bid,limit,100500,10,day,", "side"),
        ("1,08:25:00,FIRM-A,new,A-1,,KH01,buy,stop,100500,10,day,", "kind"),
        ("1,08:25:00,FIRM-A,new,A-1,,KH01,buy,limit,1e5,10,day,", "price"),
        ("1,08:25:00,FIRM-A,new,A-1,,KH01,buy,limit,1.234,10,day,", "price"),
        ("1,08:25:00,FIRM-A,new,A-1,,KH01,buy,limit,0,10,day,", "price"),
        ("1,08:25:00,FIRM-A,new,A-1,,KH01,buy,limit,-5,10,day,", "price"),
        ("1,08:25:00,FIRM-A,new,A-1,,KH01,buy,limit,100500,0,day,", "quantity"),
        ("1,08:25:00,FIRM-A,new,A-1,,KH01,buy,limit,100500,2147483648,day,", "quantity"),
        ("1,08:25:00,FIRM-A,new,A-1,,KH01,buy,limit,100500,1.5,day,", "quantity"),
        ("1,08:25:00,FIRM-A,new,A-1,,KH01,buy,limit,100500,10,gtc,", "validity"),
        ("1,08:25:00,FIRM-A,new,A-1,,KH01,buy,limit,100500,10,day,C 1", "account"),
        ("1,08:25:00,FIRM-A,new,,,KH01,buy,limit,100500,10,day,", "client_order_id"),
        ("1,08:25:00,FIRM-A,new,A-1,,,buy,limit,100500,10,day,", "instrument"),
        ("1,08:25:00,FIRM-A,new,A-1,,KH01,,limit,100500,10,day,", "side"),
        ("1,08:25:00,FIRM-A,new,A-1,,KH01,buy,,100500,10,day,", "kind"),
        ("1,08:25:00,FIRM-A,new,A-1,,KH01,buy,limit,100500,,day,", "quantity"),
        ("1,08:25:00,FIRM-A,new,A-1,A-0,KH01,buy,limit,1,10,day,", "original_client_order_id"),
        ("1,08:25:00,FIRM-A,new,A-1,,KH01,buy,limit,,10,day,", "price"),
        ("1,08:25:00,FIRM-A,new,A-1,,KH01,buy,market,100500,10,day,", "price"),
        ("1,08:25:00,FIRM-A,cancel,,,,,,,,,", "original_client_order_id"),
        ("1,08:25:00,FIRM-A,cancel,A-2,A-1,,,,,,,", "client_order_id"),
        ("1,08:25:00,FIRM-A,cancel,,A-1,KH01,,,,,,", "instrument"),
        ("1,08:25:00,FIRM-A,cancel,,A-1,,,,,5,,", "quantity"),
        ("1,08:25:00,FIRM-A,amend,,A-1,,,,100,,,", "client_order_id"),
        ("1,08:25:00,FIRM-A,amend,A-2,,,,,100,,,", "original_client_order_id"),
        ("1,08:25:00,FIRM-A,amend,A-2,A-1,,,,,,,", "price"),
        ("1,08:25:00,FIRM-A,amend,A-2,A-1,,buy,,100,,,", "side"),
    ],
)
def test_a_wrong_cell_is_named_by_line_and_column(line: str, column: str) -> None:
    """The good line before it does not hide it, and one wrong cell is one complaint."""
    said = complaint(GOOD, line)
    assert said.startswith(f"day.csv, line 3, {column}: ")
    assert "\n" not in said


def test_a_missing_required_cell_is_named() -> None:
    """Time, participant and action have no default."""
    said = complaint("1,,,,,,,,,,,,")
    assert [row.split(": ")[0].split(", ")[2] for row in said.splitlines()] == [
        "time",
        "participant",
        "action",
    ]


def test_all_errors_are_told_at_once_up_to_a_bound() -> None:
    """The first twenty, in order of lines."""
    bad = GOOD.replace("100500", "free")
    rows = complaint(*[bad] * 30).splitlines()
    assert len(rows) == ERRORS_SHOWN_MAX == 20
    assert rows[0].startswith("day.csv, line 2, price: ")
    assert rows[-1].startswith("day.csv, line 21, price: ")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "the file is empty"),
        ("time,participant\n", "missing column action"),
        ("time,participant,action,colour\n", "unknown column colour"),
        ("time,time,participant,action\n", "repeated column time"),
        (HEADER + "\n1,2,3\n", "line 2: 3 cells"),
        (HEADER + '\n1,"x\n', "not CSV"),
    ],
)
def test_a_file_of_the_wrong_shape_is_refused(text: str, said: str) -> None:
    """Empty files, headers that do not fit, ragged lines, broken quotes."""
    with pytest.raises(BadInput, match=said):
        parse_orders(text.splitlines(keepends=True), "day.csv")


def test_a_file_without_end_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """The number of lines is bounded."""
    monkeypatch.setattr(orderfile, "LINES_MAX", 3)
    assert len(parsed(GOOD, GOOD, GOOD)) == 3
    assert "more than 3 lines" in complaint(GOOD, GOOD, GOOD, GOOD)


def test_files_that_cannot_be_read_are_bad_input(tmp_path: Path) -> None:
    """Absent, not UTF-8, or not really packed."""
    latin = tmp_path / "latin.csv"
    latin.write_bytes(b"time,participant,action\n\xff\n")
    fake = tmp_path / "fake.csv.gz"
    fake.write_bytes(b"time,participant,action\n")
    cut = tmp_path / "cut.csv.gz"
    cut.write_bytes(gzip.compress(HEADER.encode())[:-4])
    for path in (tmp_path / "none.csv", latin, fake, cut):
        with pytest.raises(BadInput, match="cannot be read"):
            read_orders(path)


def test_packed_files_are_equal_for_equal_orders(tmp_path: Path) -> None:
    """No time stamp is stored, so generated examples do not change by themselves."""
    intents = parsed(GOOD)
    for folder in ("a", "b"):
        (tmp_path / folder).mkdir()
        write_orders(tmp_path / folder / "day.csv.gz", intents)
    first, second = ((tmp_path / folder / "day.csv.gz").read_bytes() for folder in ("a", "b"))
    assert first == second
    assert read_orders(tmp_path / "a" / "day.csv.gz") == intents


NAMES = st.text("ABCxyz019._-", min_size=1, max_size=36).map(ClientOrderId)
COMMON = {
    "day": st.integers(1, 10_000),
    "at_ms": st.integers(0, 86_399_999),
    "participant_id": st.text("ABC-09", min_size=1, max_size=16).map(ParticipantId),
}
PRICES = st.integers(1, MAX_PRICE_SEN).map(Sen)
QUANTITIES = st.integers(1, MAX_QUANTITY_UNITS).map(Units)
NEW = {
    **COMMON,
    "action": st.just(IntentAction.NEW),
    "client_order_id": NAMES,
    "instrument_id": st.text("AZ09", min_size=1, max_size=12).map(InstrumentId),
    "side": st.sampled_from(Side),
    "quantity_units": QUANTITIES,
    "validity": st.sampled_from(Validity),
}
INTENTS = st.one_of(
    st.builds(Intent, **NEW, kind=st.just(OrderKind.LIMIT), price_sen=PRICES),
    st.builds(Intent, **NEW, kind=st.just(OrderKind.MARKET), account=st.text("AZ09.", max_size=16)),
    st.builds(
        Intent,
        **COMMON,
        action=st.just(IntentAction.CANCEL),
        original_client_order_id=NAMES,
    ),
    st.builds(
        Intent,
        **COMMON,
        action=st.just(IntentAction.AMEND),
        client_order_id=NAMES,
        original_client_order_id=NAMES,
        price_sen=PRICES,
        quantity_units=st.none() | QUANTITIES,
    ),
)


@settings(max_examples=60, deadline=None, derandomize=True)
@given(st.lists(INTENTS, max_size=8))
def test_what_is_written_reads_back_equal(
    tmp_path_factory: pytest.TempPathFactory, intents: list[Intent]
) -> None:
    """Any intents, sorted, survive the file exactly."""
    path = tmp_path_factory.mktemp("orders") / "day.csv"
    intents.sort(key=lambda intent: (intent.day, intent.at_ms))
    write_orders(path, intents)
    assert read_orders(path) == intents


def test_an_intent_becomes_the_request_a_session_carries() -> None:
    """Identity comes from the session, everything else from the line."""
    lines = (
        "1,08:00:00,FIRM-A,new,A-1,,KH01,sell,market,,10,day,C1",
        "1,08:00:01,FIRM-A,amend,A-2,A-1,,,,100,5,,",
        "1,08:00:02,FIRM-A,cancel,,A-2,,,,,,,",
    )
    new, amend, cancel = (
        to_request(intent, session_id=SessionId("A-1"), generation=3, req_id=str(number))
        for number, intent in enumerate(parsed(*lines))
    )
    assert isinstance(new, NewOrder)
    assert (new.price_sen, new.quantity_units, new.account) == (NO_PRICE, 10, "C1")
    assert isinstance(amend, AmendOrder)
    assert (amend.price_sen, amend.leaves_units) == (10_000, 5)
    assert (amend.client_order_id, amend.original_client_order_id) == ("A-2", "A-1")
    assert isinstance(cancel, CancelOrder)
    assert (cancel.original_client_order_id, cancel.order_id) == ("A-2", None)
    assert {(r.participant_id, r.session_id, r.generation) for r in (new, amend, cancel)} == {
        ("FIRM-A", "A-1", 3)
    }


def test_the_examples_can_be_read() -> None:
    """The small day has fifteen lines, the generated day 20,000 new orders."""
    assert len(read_orders(EXAMPLES / "small_day.csv")) == 15
    generated = read_orders(EXAMPLES / "generated_day_20000.csv.gz")
    assert sum(intent.action is IntentAction.NEW for intent in generated) == 20_000


def test_generated_flow_fits_the_file(tmp_path: Path) -> None:
    """Everything simulated participants do can be written down and read back."""
    intents = generated_day(seed=4, orders=500)
    write_orders(tmp_path / "day.csv", intents)
    assert read_orders(tmp_path / "day.csv") == intents
