"""Order entry on the wire: what is read, what is refused and why, and that nothing is guessed."""

import json
from typing import Any

import pytest
from door import GOOD_ORDER
from hypothesis import given, settings
from hypothesis import strategies as st

from market.commands import (
    NO_PRICE,
    ActOnDelivery,
    AffirmDelivery,
    AmendOrder,
    CancelOrder,
    ConsentToCancel,
    Kill,
    MassCancel,
    MassCancelScope,
    NewOrder,
    ReverseDelivery,
    SetDeliveryHold,
    SetDeliveryParts,
)
from market.ids import ClientOrderId, DeliveryId, InstrumentId, OrderId, ParticipantId, SessionId
from market.quantities import MAX_PRICE_SEN, MAX_QUANTITY_UNITS, Sen, Units
from market.reasons import CATALOGUE, RejectReason
from market.words import OrderKind, SelfTradeMode, Side, Validity
from participants.delivery_requests import DELIVERY_METHODS, DeliveryRequest
from participants.diagnosis import Refusal
from participants.wire import (
    FRAME_BYTES_MAX,
    METHODS,
    Identity,
    Inbound,
    KillSwitch,
    OrderAmend,
    OrderCancel,
    OrderMassCancel,
    OrderNew,
    decode,
    encode_hello,
    encode_refusal,
    encode_result,
    method_of,
    method_of_command,
    to_command,
)

R = RejectReason
ME = Identity(
    participant_id=ParticipantId("FIRM-A"), session_id=SessionId("FIRM-A-1"), generation=3
)
LOGON = {
    "version": 1,
    "key_id": "K1",
    "session_id": "FIRM-A-1",
    "client_nonce": "ab" * 32,
    "at_ns": 5,
    "last_seen_report_seq": 0,
    "next_seq": 1,
    "signature": "0" * 128,
    "takeover": True,
    "cancel_on_disconnect": {"mode": "grace", "grace_ms": 5000},
}
ON_DELIVERY = {"client_request_id": "d-1", "delivery_id": "D-92", "side": "buy"}
FULLEST: dict[str, dict[str, Any]] = {
    "logon": LOGON,
    "ping": {},
    "order.new": {
        **GOOD_ORDER, "validity": "ioc", "account": "H-1", "stp": "cancel_newest",
        "short_sale": "exempt", "size_confirmed": True,
    },
    "order.amend": {
        "client_order_id": "A-2", "order_id": "O-317", "original_client_order_id": "A-1",
        "price": "101250.5", "leaves_units": 5, "total_units": 9, "size_confirmed": True,
    },
    "order.cancel": {"order_id": "O-317", "original_client_order_id": "A-1"},
    "order.mass_cancel": {"scope": "firm", "instrument_id": "ST0001", "side": "sell"},
    "kill": {},
    "delivery.affirm": ON_DELIVERY,
    "delivery.hold": {**ON_DELIVERY, "reason": "check"},
    "delivery.release": {**ON_DELIVERY, "reason": "checked"},
    "delivery.consent": {**ON_DELIVERY, "reason": "agreed"},
    "delivery.reverse": {**ON_DELIVERY, "reason": "wrong-account"},
    "delivery.decline_parts": ON_DELIVERY,
    "delivery.agree_parts": ON_DELIVERY,
    "report.resend": {"from_seq": 1, "to_seq": 2},
    "order.list": {"instrument_id": "ST0001"},
    "balance.list": {},
    "limits.get": {},
    "delivery.list": {"instrument_id": "ST0001", "after": "D-3"},
    "whoami": {},
    "logout": {"cancel_open": True},
}  # fmt: skip
"""Every method with every parameter it knows."""


def message(method: str, **params: Any) -> dict[str, Any]:
    """One envelope as plain data."""
    whole: dict[str, Any] = {"method": method, "req_id": "7"}
    if method not in {"logon", "ping"}:
        whole["seq"] = 42
    if params:
        whole["params"] = params
    return whole


def read(frame: bytes | str) -> Inbound:
    """A frame that must be good."""
    request = decode(frame)
    assert not isinstance(request, Refusal), request
    return request


def refusal(frame: bytes | str, **how: Any) -> Refusal:
    """A frame that must not be."""
    found = decode(frame, **how)
    assert isinstance(found, Refusal), found
    return found


def order(**changes: Any) -> str:
    """A new order, changed; None leaves a field out."""
    params = {**GOOD_ORDER, **changes}
    return json.dumps(message("order.new", **{k: v for k, v in params.items() if v is not None}))


def command_of(text: str) -> Any:
    """What a readable order request becomes."""
    request = read(text)
    assert isinstance(request, OrderNew | OrderAmend | OrderCancel | OrderMassCancel | KillSwitch)
    return to_command(request, ME)


# --- what is read


def test_every_method_is_known_and_can_be_read() -> None:
    """Each method, with everything it may carry, is read under its own name."""
    assert tuple(FULLEST) == METHODS

    for method, params in FULLEST.items():
        request = read(json.dumps(message(method, **params)))
        assert method_of(request) == method
        assert request.req_id == "7"


@pytest.mark.parametrize("method", [m for m in METHODS if m not in {"logon", "order.new",
    "order.amend", "order.cancel", "order.mass_cancel", "report.resend", *DELIVERY_METHODS}])  # fmt: skip
def test_params_may_be_left_out_where_every_parameter_may(method: str) -> None:
    """No params and empty params say the same."""
    assert method_of(read(json.dumps(message(method)))) == method
    assert method_of(read(json.dumps({**message(method), "params": {}}))) == method


def test_text_and_its_bytes_are_read_alike() -> None:
    """A frame decoded by the transport and its undecoded bytes give the same request."""
    text = order()

    assert decode(text) == decode(text.encode())


def test_spaces_between_tokens_and_the_order_of_keys_do_not_matter() -> None:
    """JSON says so, and clients' libraries differ in both."""
    whole = message("order.new", **GOOD_ORDER)
    backwards = {
        "params": dict(reversed(GOOD_ORDER.items())), "seq": 42, "req_id": "7",
        "method": "order.new",
    }  # fmt: skip

    assert read(json.dumps(whole, indent=2)) == read(json.dumps(backwards, separators=(",", ":")))


# --- what is refused at the door

GOOD = order()
TRANSPORT_AND_SYNTAX = [
    ("a byte that is not UTF-8", GOOD.encode().replace(b"A-1001", b"A-\xff"), R.INVALID_TEXT, None),
    ("half a surrogate pair", GOOD.replace("A-1001", "A-\ud800"), R.INVALID_TEXT, None),
    ("one byte too many", GOOD + " " * (FRAME_BYTES_MAX + 1 - len(GOOD)), R.FRAME_TOO_LARGE, None),
    ("wide letters", '"' + "市" * 2000 + '"', R.FRAME_TOO_LARGE, None),
    ("nothing", "", R.MALFORMED, None),
    ("half a message", GOOD[:-1], R.MALFORMED, None),
    ("two messages", GOOD + GOOD, R.MALFORMED, None),
    ("an array", "[" + GOOD + "]", R.MALFORMED, None),
    ("a number", "1", R.MALFORMED, None),
    ("null", "null", R.MALFORMED, None),
    ("not a number", GOOD.replace(": 10", ": NaN"), R.MALFORMED, None),
    ("infinity", GOOD.replace(": 10", ": Infinity"), R.MALFORMED, None),
    ("a byte order mark", "\ufeff" + GOOD, R.MALFORMED, None),
    ("a raw control character", GOOD.replace("A-1001", "A-\n"), R.MALFORMED, None),
    ("brackets without end", "[" * FRAME_BYTES_MAX, R.MALFORMED, None),
    ("braces without end", '{"a":' * 800, R.MALFORMED, None),
    ("single quotes", GOOD.replace('"', "'"), R.MALFORMED, None),
    ("an unknown method", '{"method":"order.eat","req_id":"7"}', R.UNKNOWN_TYPE, "method"),
    ("no method", '{"req_id":"7"}', R.SCHEMA, "method"),
    ("a method that is a number", '{"method":5,"req_id":"7"}', R.SCHEMA, "method"),
    ("an empty object", "{}", R.SCHEMA, "method"),
    ("no label", '{"method":"ping"}', R.SCHEMA, "req_id"),
    ("no number", '{"method":"whoami","req_id":"7"}', R.SCHEMA, "seq"),
    ("a number where none belongs", '{"method":"ping","req_id":"7","seq":1}', R.SCHEMA, "seq"),
    ("an escape", GOOD.replace("A-1001", "A\\u002d1001"), R.SCHEMA, None),
    ("an escape in a key", GOOD.replace('"seq"', '"s\\u0065q"'), R.SCHEMA, None),
    ("params that are null", '{"method":"kill","req_id":"7","seq":1,"params":null}',
     R.SCHEMA, "params"),
    ("an unknown field", GOOD[:-1] + ',"firm":"FIRM-B"}', R.SCHEMA, "firm"),
    ("a firm in the body", order(participant_id="FIRM-B"), R.SCHEMA, "params.participant_id"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("name", "frame", "reason", "field"),
    TRANSPORT_AND_SYNTAX,
    ids=[c[0] for c in TRANSPORT_AND_SYNTAX],
)
def test_a_frame_that_is_not_a_request_is_refused_with_its_reason(
    name: str, frame: bytes | str, reason: RejectReason, field: str | None
) -> None:
    """One reason for each way to be wrong, with the field where there is one."""
    found = refusal(frame)

    assert (found.reason, found.field) == (reason, field), name


def test_a_binary_frame_is_refused_unread() -> None:
    """Text frames only, whatever the bytes say."""
    assert refusal(GOOD.encode(), binary=True).reason is R.UNSUPPORTED_TYPE


def test_the_longest_frame_is_read() -> None:
    """4,096 bytes are read, as the limit says."""
    assert method_of(read(GOOD.ljust(FRAME_BYTES_MAX))) == "order.new"


def test_a_refusal_names_method_and_label_where_it_can() -> None:
    """A client matches a refusal to its request by label."""
    found = refusal(order(side="both"))

    assert (found.method, found.req_id) == ("order.new", "7")


def test_a_refusal_echoes_nothing_but_short_plain_names() -> None:
    """A hostile label or method does not come back."""
    hostile = json.dumps({"method": "<script>", "req_id": "x" * 37, "seq": 1})

    found = refusal(hostile)

    assert (found.reason, found.method, found.req_id) == (R.UNKNOWN_TYPE, None, None)


# --- repeated keys


def with_repeated(text: str, key: str) -> str:
    """The same JSON text with the pair of one key written twice."""
    start = text.index(f'"{key}":')
    value = json.JSONDecoder().raw_decode(text[start + len(key) + 3 :].lstrip())[0]
    return text[:start] + f'"{key}":{json.dumps(value)},' + text[start:]


def every_pair() -> list[tuple[str, str]]:
    """(method, key) for every key of every method, at every depth."""
    pairs = []
    for method, params in FULLEST.items():
        names = list(message(method, **params))
        for name, value in params.items():
            names += [name, *(value if isinstance(value, dict) else ())]
        pairs += [(method, name) for name in names]
    return pairs


@pytest.mark.parametrize(("method", "key"), every_pair())
def test_a_repeated_key_is_refused_at_every_depth(method: str, key: str) -> None:
    """Two readers may disagree on which of two values counts, so neither does."""
    text = json.dumps(message(method, **FULLEST[method]), separators=(",", ":"))

    found = refusal(with_repeated(text, key))

    assert (found.reason, found.field) == (R.DUPLICATE_KEY, key)


def test_a_repeated_key_goes_before_an_unknown_method_and_a_bad_field() -> None:
    """Reasons come in the catalogue's order."""
    for text in ('{"method":"x","method":"x","req_id":"7"}', '{"zz":1,"zz":2}'):
        assert refusal(text).reason is R.DUPLICATE_KEY


def test_a_key_repeated_with_an_escape_is_refused() -> None:
    """The same key in two spellings is the same key."""
    text = '{"method":"whoami","req_id":"7","seq":1,"\\u0073eq":2}'

    assert refusal(text).reason is R.DUPLICATE_KEY


def pairs_by_looking(text: str) -> bool:
    """Oracle: whether any object of a JSON text has a key twice, by looking at every pair."""
    found = []

    def look(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        names = [name for name, _ in pairs]
        found.append(len(names) != len(set(names)))
        return dict(pairs)

    json.loads(text, object_pairs_hook=look)
    return any(found)


SPACES = st.sampled_from(["", " ", "\n", "\t "])
KNOWN_KEYS = sorted({key for _, key in every_pair()})


@st.composite
def json_texts(draw: st.DrawFn) -> str:
    """JSON objects near the wire's, written by hand so that keys may repeat."""
    method = draw(st.sampled_from(METHODS))
    params = [
        (key, json.dumps(value, separators=(",", ":")))
        for key, value in FULLEST[method].items()
        if draw(st.integers(0, 3))
    ]
    envelope = [(key, json.dumps(value)) for key, value in message(method).items()]
    for pairs in (params, envelope):
        twice: bool = draw(st.booleans())
        if pairs and twice:
            pairs.append(draw(st.sampled_from(pairs)))
        if not draw(st.integers(0, 5)):
            pairs.append((draw(st.sampled_from(KNOWN_KEYS)), draw(st.sampled_from(["1", '"A"']))))
    if draw(st.integers(0, 5)):
        envelope.append(("params", written(params, draw(SPACES))))
    shuffled: list[tuple[str, str]] = draw(st.permutations(envelope))
    return written(shuffled, draw(SPACES))


def written(pairs: list[tuple[str, str]], space: str) -> str:
    """Pairs of key and JSON text, as one JSON object."""
    inner = f",{space}".join(f'"{key}"{space}:{space}{value}' for key, value in pairs)
    return "{" + space + inner + space + "}"


@given(json_texts())
@settings(max_examples=600, deadline=None, derandomize=True)
def test_counting_colons_finds_exactly_the_repeated_keys(text: str) -> None:
    """The cheap rule and a look at every pair agree on every text near the wire's."""
    found = decode(text)

    if pairs_by_looking(text):
        assert isinstance(found, Refusal)
        assert found.reason is R.DUPLICATE_KEY
    elif isinstance(found, Refusal):
        assert found.reason is R.SCHEMA
        assert found.field is not None  # so it was no false alarm of the count


@given(st.one_of(st.binary(max_size=200), st.text(max_size=200)))
@settings(max_examples=300, deadline=None, derandomize=True)
def test_whatever_arrives_the_door_answers_and_never_raises(frame: bytes | str) -> None:
    """Arbitrary bytes and text become one coded refusal that can be encoded."""
    found = decode(frame)

    assert isinstance(found, Refusal)
    assert json.loads(encode_refusal(found))["error"]["code"] in CATALOGUE


@given(st.data())
@settings(max_examples=300, deadline=None, derandomize=True)
def test_a_good_frame_with_damage_never_raises(data: st.DataObject) -> None:
    """Cut, overwritten and lengthened requests become requests or refusals, nothing else."""
    method = data.draw(st.sampled_from(METHODS))
    frame = bytearray(json.dumps(message(method, **FULLEST[method])).encode())
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(frame) - 1))
        width = data.draw(st.integers(0, 3))
        frame[at : at + width] = data.draw(st.binary(max_size=3))
        frame = frame or bytearray(b" ")

    found = decode(bytes(frame))

    if not isinstance(found, Refusal):
        assert method_of(found) in METHODS
    else:
        encode_refusal(found)


# --- bounds of every field

NAME_CASES: list[tuple[Any, bool]] = [
    ("A", True), ("a" * 36, True), ("A.b_c-9", True), ("", False), ("a" * 37, False),
    ("a b", False), ("a:b", False), ("a\n", False), ("é", False), ("A\u0660", False), (7, False),
    (None, False), (True, False), (["A"], False), ({}, False),
]  # fmt: skip
FIELD_CASES: dict[str, list[tuple[Any, bool]]] = {
    "client_order_id": NAME_CASES,
    "instrument_id": [
        ("ST0001", True), ("A" * 12, True), ("A" * 13, False), ("", False), ("ST 1", False),
        ("ST:1", False), ("ST,1", False), ("ST{1}", False), (1, False), (None, False),
    ],
    "side": [("buy", True), ("sell", True), ("BUY", False), ("", False), (1, False)],
    "kind": [("limit", True), ("market", True), ("stop", False)],
    "quantity_units": [
        (1, True), (0, True), (-1, True), (2**63 - 1, True), (2**63, False), (-(2**63) - 1, False),
        (10**300, False), (1.0, False), (1e3, False), ("1", False), (True, False), (None, False),
    ],
    "price": [
        ("101250", True), ("101250.5", True), ("0.01", True), ("0", True), ("9" * 16, True),
        ("9" * 17, False), ("101250.505", False), ("101250.", False), (".5", False),
        ("01", False), ("+1", False), ("-1", False), ("1e5", False), ("1,000", False),
        ("１", False), (" 1", False), ("1\n", False), ("", False), (101250, False),
        (101250.5, False), (None, False),
    ],
    "validity": [("day", True), ("next_auction", True), ("ioc", True), ("fok", True),
                 ("gtc", False), (None, False)],
    "account": [("", True), ("H" * 16, True), ("H" * 17, False), ("a b", False), (1, False)],
    "stp": [(str(mode), True) for mode in SelfTradeMode] + [("none", False), (None, False)],
}  # fmt: skip


@pytest.mark.parametrize(
    ("field", "value", "good"),
    [(field, value, good) for field, cases in FIELD_CASES.items() for value, good in cases],
)
def test_every_field_of_an_order_has_its_bounds(field: str, value: Any, good: bool) -> None:
    """Values at the limit are of good shape, values beyond it are SCHEMA and named."""
    found = decode(json.dumps(message("order.new", **{**GOOD_ORDER, field: value})))

    if good:
        assert isinstance(found, OrderNew)
    else:
        assert isinstance(found, Refusal)
        assert (found.reason, found.field) == (R.SCHEMA, f"params.{field}")


def every_text() -> list[tuple[str, str]]:
    """(method, parameter) for every parameter that is a text, and each method's label."""
    texts = [(method, "req_id") for method in METHODS]
    for method, params in FULLEST.items():
        texts += [(method, name) for name, value in params.items() if isinstance(value, str)]
    return texts


@pytest.mark.parametrize(("method", "field"), every_text())
def test_no_text_anywhere_holds_more_than_plain_letters(method: str, field: str) -> None:
    """What the count of colons rests on: no field lets punctuation, space or 市 through."""
    for odd in ("a:b", ":", "a b", "a,b", "{", "}", "é", "市", "a/b", "\x7f", "\x00", '"', "\\"):
        whole = message(method, **FULLEST[method])
        target = whole if field == "req_id" else whole["params"]
        target[field] = odd
        for text in (json.dumps(whole, ensure_ascii=False), json.dumps(whole)):
            found = refusal(text)
            where = field if field == "req_id" else f"params.{field}"
            assert (found.reason, found.field) == (R.SCHEMA, where), odd


@pytest.mark.parametrize("field", ["client_order_id", "instrument_id", "side", "kind",
                                   "quantity_units"])  # fmt: skip
def test_a_missing_field_is_named(field: str) -> None:
    """What an order cannot do without is said by name."""
    found = refusal(order(**{field: None}))

    assert (found.reason, found.field) == (R.SCHEMA, f"params.{field}")


@pytest.mark.parametrize(
    ("seq", "good"),
    [(1, True), (2**53 - 1, True), (0, False), (-1, False), (2**53, False), (1.0, False),
     ("1", False), (None, False), (True, False), (10**100, False)],
)  # fmt: skip
def test_sequence_numbers_are_whole_and_bounded(seq: Any, good: bool) -> None:
    """1 to 2^53 - 1, the whole numbers every JSON reader holds."""
    found = decode(json.dumps({"method": "whoami", "req_id": "7", "seq": seq}))

    assert isinstance(found, Refusal) is not good


@pytest.mark.parametrize(
    ("field", "value"),
    [("client_nonce", "AB" * 32), ("client_nonce", "ab" * 31), ("signature", "0" * 127),
     ("signature", "g" * 128), ("at_ns", -1), ("at_ns", 2**63), ("next_seq", 0),
     ("last_seen_report_seq", -1), ("takeover", 1), ("takeover", None), ("version", "1"),
     ("key_id", ""), ("session_id", "a b"), ("cancel_on_disconnect", None),
     ("cancel_on_disconnect", {"mode": "later"}), ("cancel_on_disconnect", {}),
     ("cancel_on_disconnect", {"mode": "grace", "grace_ms": 600_001})],
)  # fmt: skip
def test_every_field_of_a_logon_has_its_bounds(field: str, value: Any) -> None:
    """A logon out of shape is refused by field, before any signature is looked at."""
    found = refusal(json.dumps(message("logon", **{**LOGON, field: value})))

    assert found.reason is R.SCHEMA
    assert (found.field or "").startswith(f"params.{field}")


# --- to commands


def test_a_limit_order_becomes_a_command_in_the_sessions_name() -> None:
    """Identity from the session, price exact in sen, defaults filled in."""
    assert command_of(order(price="101250.5")) == NewOrder(
        participant_id=ParticipantId("FIRM-A"),
        session_id=SessionId("FIRM-A-1"),
        generation=3,
        req_id="7",
        client_order_id=ClientOrderId("A-1001"),
        instrument_id=InstrumentId("ST0001"),
        side=Side.BUY,
        kind=OrderKind.LIMIT,
        price_sen=Sen(10_125_050),
        quantity_units=Units(10),
        validity=Validity.DAY,
        account="",
        self_trade_mode=None,
    )


def test_a_market_order_carries_no_price() -> None:
    """Market orders have NO_PRICE inside and no price field on the wire."""
    command = command_of(order(kind="market", price=None, side="sell", validity="next_auction"))

    assert isinstance(command, NewOrder)
    assert (command.kind, command.price_sen) == (OrderKind.MARKET, NO_PRICE)
    assert (command.side, command.validity) == (Side.SELL, Validity.NEXT_AUCTION)


def test_account_and_self_trade_mode_are_carried() -> None:
    """What was asked for is what the core sees."""
    command = command_of(order(account="H-1", stp="decrement"))

    assert isinstance(command, NewOrder)
    assert (command.account, command.self_trade_mode) == ("H-1", SelfTradeMode.DECREMENT)


def test_amend_cancel_mass_cancel_and_kill_become_commands() -> None:
    """Each request names its order once, and becomes one command."""
    who: dict[str, Any] = {
        "participant_id": ParticipantId("FIRM-A"),
        "session_id": SessionId("FIRM-A-1"),
        "generation": 3,
        "req_id": "7",
    }

    def ask(method: str, **params: Any) -> Any:
        return command_of(json.dumps(message(method, **params)))

    amended = ask("order.amend", client_order_id="A-2", order_id="O-317", price="99.9")
    assert amended == AmendOrder(
        **who, client_order_id=ClientOrderId("A-2"), order_id=OrderId(317), price_sen=Sen(9_990)
    )
    reduced = ask(
        "order.amend", client_order_id="A-2", original_client_order_id="A-1", leaves_units=5
    )
    assert reduced == AmendOrder(
        **who,
        client_order_id=ClientOrderId("A-2"),
        original_client_order_id=ClientOrderId("A-1"),
        leaves_units=Units(5),
    )
    assert ask("order.cancel", order_id="O-317") == CancelOrder(**who, order_id=OrderId(317))
    assert ask("order.cancel", original_client_order_id="A-1") == CancelOrder(
        **who, original_client_order_id=ClientOrderId("A-1")
    )
    assert ask("order.mass_cancel", scope="firm", instrument_id="ST0001", side="buy") == MassCancel(
        **who, scope=MassCancelScope.FIRM, instrument_id=InstrumentId("ST0001"), side=Side.BUY
    )
    assert ask("order.mass_cancel", scope="session") == MassCancel(
        **who, scope=MassCancelScope.SESSION
    )
    assert ask("kill") == Kill(**who)


TOP_PRICE = f"{MAX_PRICE_SEN // 100}.{MAX_PRICE_SEN % 100:02d}"
VALUES: list[tuple[str, dict[str, Any], RejectReason | None, str | None]] = [
    ("order.new", {**GOOD_ORDER, "price": "0.01"}, None, None),
    ("order.new", {**GOOD_ORDER, "price": TOP_PRICE}, None, None),
    ("order.new", {**GOOD_ORDER, "price": "0"}, R.OUT_OF_RANGE, "params.price"),
    ("order.new", {**GOOD_ORDER, "price": "0.00"}, R.OUT_OF_RANGE, "params.price"),
    ("order.new", {**GOOD_ORDER, "price": "21474836.47"}, R.OUT_OF_RANGE, "params.price"),
    ("order.new", {**GOOD_ORDER, "price": "9" * 16}, R.OUT_OF_RANGE, "params.price"),
    ("order.new", {**GOOD_ORDER, "quantity_units": 1}, None, None),
    ("order.new", {**GOOD_ORDER, "quantity_units": MAX_QUANTITY_UNITS}, None, None),
    ("order.new", {**GOOD_ORDER, "quantity_units": 0}, R.OUT_OF_RANGE, "params.quantity_units"),
    ("order.new", {**GOOD_ORDER, "quantity_units": -1}, R.OUT_OF_RANGE, "params.quantity_units"),
    ("order.new", {**GOOD_ORDER, "quantity_units": MAX_QUANTITY_UNITS + 1},
     R.OUT_OF_RANGE, "params.quantity_units"),
    ("order.new", {**GOOD_ORDER, "kind": "market"}, R.INVALID_COMBINATION, "params.price"),
    ("order.new", {k: v for k, v in GOOD_ORDER.items() if k != "price"},
     R.INVALID_COMBINATION, "params.price"),
    ("order.amend", {"client_order_id": "A", "price": "1"},
     R.INVALID_COMBINATION, "params.order_id"),
    ("order.amend", FULLEST["order.amend"], R.INVALID_COMBINATION, "params.order_id"),
    ("order.amend", {"client_order_id": "A", "order_id": "O-1"},
     R.INVALID_COMBINATION, "params.price"),
    ("order.amend", {"client_order_id": "A", "order_id": "O-1", "price": "0"},
     R.OUT_OF_RANGE, "params.price"),
    ("order.amend", {"client_order_id": "A", "order_id": "O-1", "leaves_units": 0},
     R.OUT_OF_RANGE, "params.leaves_units"),
    ("order.cancel", FULLEST["order.cancel"], R.INVALID_COMBINATION, "params.order_id"),
]  # fmt: skip


@pytest.mark.parametrize(("method", "params", "reason", "field"), VALUES)
def test_a_value_no_order_may_carry_is_refused_by_name(
    method: str, params: dict[str, Any], reason: RejectReason | None, field: str | None
) -> None:
    """Of good shape but bad value: below, at and above each limit."""
    found = command_of(json.dumps(message(method, **params)))

    if reason is None:
        assert isinstance(found, NewOrder)
    else:
        assert found == Refusal(reason=reason, field=field, method=method, req_id="7")


def test_an_order_named_by_nothing_is_refused() -> None:
    """Cancel needs one name of the order."""
    text = '{"method":"order.cancel","req_id":"7","seq":1,"params":{}}'

    assert command_of(text).reason is R.INVALID_COMBINATION


@pytest.mark.parametrize("text", ["O-0", "O-01", "317", "O-", "o-317", "O-" + "9" * 17, "T-317"])
def test_an_order_id_is_the_venues_own_spelling(text: str) -> None:
    """Order ids are read only as they are written."""
    found = refusal(json.dumps(message("order.cancel", order_id=text)))

    assert (found.reason, found.field) == (R.SCHEMA, "params.order_id")


# --- the session's own answers


@pytest.mark.parametrize("reason", list(RejectReason))
def test_every_refusal_says_what_the_catalogue_says(reason: RejectReason) -> None:
    """Code, texts and retryable come from one place; what is unknown is left out."""
    answer = json.loads(encode_refusal(Refusal(reason=reason, method="kill", req_id="7")))

    entry = CATALOGUE[reason]
    assert answer == {
        "method": "kill",
        "req_id": "7",
        "ok": False,
        "error": {
            "code": reason.value,
            "text": entry.text_en,
            "text_ja": entry.text_ja,
            "retryable": entry.retryable,
        },
    }


def test_a_refusal_carries_what_helps() -> None:
    """Field, waiting time, expected number and server time where they are known."""
    refused = Refusal(reason=R.THROTTLED, field="seq", retry_after_ms=9, at_ns=5)

    error = json.loads(encode_refusal(refused, next_seq=4))["error"]

    assert (error["field"], error["retry_after_ms"]) == ("seq", 9)
    assert (error["next_seq"], error["at_ns"]) == (4, 5)


def test_hello_and_results_are_plain_json() -> None:
    """The first frame names version, environment, run, nonce and time."""
    hello = json.loads(encode_hello(environment="test", run_id="r", nonce_hex="ab", at_ns=5))
    result = json.loads(encode_result(method="ping", req_id="7", result={"at_ns": 5}))

    assert hello == {
        "channel": "session", "type": "hello", "version": 1, "environment": "test",
        "run_id": "r", "nonce": "ab", "at_ns": 5,
    }  # fmt: skip
    assert result == {"method": "ping", "req_id": "7", "ok": True, "result": {"at_ns": 5}}


# --- words on deliveries


def test_each_word_on_a_delivery_becomes_its_act_in_the_sessions_name() -> None:
    """Method to act and back; who speaks is the session's firm, and a legal order is never a firm's."""
    one = DeliveryId(92)
    side = Side.BUY
    acts = {
        "delivery.affirm": AffirmDelivery(delivery_id=one, side=side),
        "delivery.hold": SetDeliveryHold(delivery_id=one, side=side, held=True, reason="check"),
        "delivery.release": SetDeliveryHold(
            delivery_id=one, side=side, held=False, reason="checked"
        ),
        "delivery.consent": ConsentToCancel(delivery_id=one, side=side, reason="agreed"),
        "delivery.reverse": ReverseDelivery(delivery_id=one, side=side, reason="wrong-account"),
        "delivery.decline_parts": SetDeliveryParts(delivery_id=one, side=side, allowed=False),
        "delivery.agree_parts": SetDeliveryParts(delivery_id=one, side=side, allowed=True),
    }
    assert tuple(acts) == DELIVERY_METHODS
    for method, act in acts.items():
        request = read(json.dumps(message(method, **FULLEST[method])))
        assert isinstance(request, DeliveryRequest)
        command = to_command(request, ME)
        assert command == ActOnDelivery(
            participant_id=ME.participant_id,
            session_id=ME.session_id,
            generation=ME.generation,
            req_id="7",
            client_request_id=ClientOrderId("d-1"),
            act=act,
        )
        assert method_of_command(command) == method


@pytest.mark.parametrize("text", ["D-0", "D-01", "D-", "T-1", "1", "D-1 ", "D-" + "9" * 17])
def test_a_delivery_has_one_spelling(text: str) -> None:
    """SCHEMA, naming the field."""
    found = refusal(json.dumps(message("delivery.affirm", **{**ON_DELIVERY, "delivery_id": text})))
    assert (found.reason, found.field) == (R.SCHEMA, "params.delivery_id")
