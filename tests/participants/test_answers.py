"""Answers: one id names one content, and everybody finds only their own orders."""

from datetime import date
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from market.commands import NO_PRICE, AmendOrder, NewOrder
from market.errors import InvariantBroken
from market.events import (
    DayOpened,
    OrderAccepted,
    OrderAmended,
    OrderCanceled,
    OrderExpired,
    OrderReduced,
    RequestRepeated,
    Trade,
)
from market.ids import ClientOrderId, InstrumentId, OrderId, ParticipantId, SessionId, TradeId
from market.quantities import Sen, Units
from market.reasons import CancelReason, RejectReason
from market.words import OrderKind, SelfTradeMode, Side, Validity
from participants.answers import Answers

A, B = ParticipantId("FIRM-A"), ParticipantId("FIRM-B")
S1, S2 = SessionId("A-1"), SessionId("A-2")
ISSUE, OTHER = InstrumentId("KH01"), InstrumentId("KH02")
DAY = DayOpened(business_date=date(2026, 11, 24), settlement_date=date(2026, 11, 26))
_R = RejectReason


def new(name: str = "C1", firm: ParticipantId = A, **other: Any) -> NewOrder:
    """A buy of ten; any field may be replaced."""
    fields: dict[str, Any] = {
        "participant_id": firm,
        "session_id": S1,
        "generation": 1,
        "req_id": "1",
        "client_order_id": ClientOrderId(name),
        "instrument_id": ISSUE,
        "side": Side.BUY,
        "kind": OrderKind.LIMIT,
        "price_sen": Sen(10_000_000),
        "quantity_units": Units(10),
    }
    return NewOrder(**(fields | other))


def amend(name: str = "C2", **other: Any) -> AmendOrder:
    """An amendment of C1; any field may be replaced."""
    fields: dict[str, Any] = {
        "participant_id": A,
        "session_id": S1,
        "generation": 1,
        "req_id": "2",
        "client_order_id": ClientOrderId(name),
        "original_client_order_id": ClientOrderId("C1"),
        "leaves_units": Units(5),
    }
    return AmendOrder(**(fields | other))


def accepted(order_id: int, cmd: NewOrder) -> OrderAccepted:
    """The order was taken."""
    return OrderAccepted(
        order_id=OrderId(order_id),
        participant_id=cmd.participant_id,
        session_id=cmd.session_id,
        client_order_id=cmd.client_order_id,
        instrument_id=cmd.instrument_id,
        side=cmd.side,
        kind=cmd.kind,
        price_sen=cmd.price_sen,
        quantity_units=cmd.quantity_units,
        validity=Validity.DAY,
    )


def amended(old: int, order_id: int, old_name: str, name: str, session: SessionId) -> OrderAmended:
    """Order ``old`` of firm A goes on as ``order_id``."""
    return OrderAmended(
        order_id=OrderId(order_id),
        old_order_id=OrderId(old),
        participant_id=A,
        session_id=session,
        client_order_id=ClientOrderId(name),
        old_client_order_id=ClientOrderId(old_name),
        instrument_id=ISSUE,
        side=Side.BUY,
        kind=OrderKind.LIMIT,
        price_sen=Sen(10_000_000),
        leaves_units=Units(5),
        kept_priority=old == order_id,
    )


def canceled(order_id: int, firm: ParticipantId = A) -> OrderCanceled:
    """The rest of the order is off the book."""
    return OrderCanceled(
        order_id=OrderId(order_id),
        participant_id=firm,
        instrument_id=ISSUE,
        canceled_units=Units(1),
        reason=CancelReason.OWNER,
    )


def traded(buy: tuple[int, int], sell: tuple[int, int]) -> Trade:
    """A trade; each side is (order id, leaves)."""
    return Trade(
        trade_id=TradeId(1),
        instrument_id=ISSUE,
        price_sen=Sen(10_000_000),
        quantity_units=Units(1),
        buyer=A,
        seller=B,
        buy_order_id=OrderId(buy[0]),
        sell_order_id=OrderId(sell[0]),
        buy_leaves_units=Units(buy[1]),
        sell_leaves_units=Units(sell[1]),
        cross=True,
    )


def find(it: Answers, name: str, firm: ParticipantId = A) -> OrderId | RejectReason:
    """What a firm finds under one of its names."""
    return it.resolve(firm, None, ClientOrderId(name))


# --- idempotence


def test_a_new_name_is_remembered_and_the_same_content_is_a_repeat() -> None:
    """The second time the original answer stands, whichever session and label carry it."""
    it = Answers()
    assert it.recall(new()) is None
    again = it.recall(new(session_id=S2, generation=4, req_id="9"))
    assert again == RequestRepeated(
        participant_id=A, session_id=S2, req_id="9", client_order_id=ClientOrderId("C1")
    )


@pytest.mark.parametrize(
    "other",
    [
        {"instrument_id": OTHER},
        {"side": Side.SELL},
        {"kind": OrderKind.MARKET, "price_sen": NO_PRICE},
        {"price_sen": Sen(10_001_000)},
        {"quantity_units": Units(11)},
        {"validity": Validity.NEXT_AUCTION},
        {"account": "C001"},
        {"self_trade_mode": SelfTradeMode.CANCEL_NEWEST},
    ],
)
def test_other_content_under_a_used_name_is_a_conflict(other: dict[str, Any]) -> None:
    """Every business field counts, and the first content keeps the name."""
    it = Answers()
    it.recall(new())
    assert it.recall(new(**other)) is _R.ID_CONFLICT
    assert isinstance(it.recall(new()), RequestRepeated)


@pytest.mark.parametrize(
    "other",
    [
        {"original_client_order_id": None, "order_id": OrderId(1)},
        {"price_sen": Sen(10_001_000)},
        {"leaves_units": Units(4)},
        {"leaves_units": None},
    ],
)
def test_amendments_are_remembered_like_new_orders(other: dict[str, Any]) -> None:
    """Same name and content is a repeat, any other field a conflict."""
    it = Answers()
    assert it.recall(amend()) is None
    assert isinstance(it.recall(amend(req_id="x")), RequestRepeated)
    assert it.recall(amend(**other)) is _R.ID_CONFLICT


def test_a_name_is_used_once_for_new_or_amend() -> None:
    """Both kinds of request share one name space."""
    it = Answers()
    it.recall(new("C1"))
    assert it.recall(amend("C1")) is _R.ID_CONFLICT


def test_firms_do_not_share_names() -> None:
    """The same name from another firm is new."""
    it = Answers()
    it.recall(new())
    assert it.recall(new(firm=B)) is None


def test_a_refused_request_keeps_its_name() -> None:
    """Nothing was accepted, and still the name cannot succeed later with other content."""
    it = Answers()
    it.recall(new())
    assert isinstance(it.recall(new()), RequestRepeated)
    assert it.recall(new(quantity_units=Units(1))) is _R.ID_CONFLICT
    assert find(it, "C1") is _R.UNKNOWN_ORDER


def test_names_are_free_again_on_the_next_day() -> None:
    """The memory is a business day."""
    it = Answers()
    it.recall(new())
    it.apply(accepted(1, new()))
    it.apply(canceled(1))
    it.apply(DAY)
    assert it.recall(new(quantity_units=Units(3))) is None
    assert find(it, "C1") is _R.UNKNOWN_ORDER
    assert it.resolve(A, OrderId(1), None) is _R.UNKNOWN_ORDER


def test_an_order_that_outlives_the_day_stays_findable() -> None:
    """A rulebook without expiry at the close keeps orders, and their owners find them."""
    it = Answers()
    it.apply(accepted(1, new()))
    it.apply(accepted(2, new("C2")))
    it.apply(canceled(2))
    it.apply(DAY)
    assert find(it, "C1") == 1
    assert it.open_orders(A) == [1]
    it.check_invariants()


# --- the directory


def test_an_order_is_found_by_either_name() -> None:
    """Order id, client order id, or both if they agree."""
    it = Answers()
    it.apply(accepted(1, new("C1")))
    it.apply(accepted(2, new("C2")))
    name = ClientOrderId
    assert it.resolve(A, OrderId(1), None) == 1
    assert it.resolve(A, None, name("C2")) == 2
    assert it.resolve(A, OrderId(2), name("C2")) == 2
    assert it.resolve(A, OrderId(1), name("C2")) is _R.UNKNOWN_ORDER
    assert it.resolve(A, OrderId(9), name("C2")) is _R.UNKNOWN_ORDER
    assert it.resolve(A, None, None) is _R.UNKNOWN_ORDER


def test_a_foreign_order_and_an_absent_one_give_the_same_answer() -> None:
    """Nobody learns from an answer that an id exists; ended or not makes no difference."""
    it = Answers()
    it.apply(accepted(1, new("C1")))
    it.apply(accepted(2, new("C2")))
    it.apply(canceled(2))
    answers = [it.resolve(B, OrderId(number), None) for number in (1, 2, 3)]
    answers += [find(it, name, B) for name in ("C1", "C2", "C3")]
    assert answers == [_R.UNKNOWN_ORDER] * 6


def test_all_names_of_an_amended_order_lead_to_its_present_id() -> None:
    """Amendments are followed from any id or name the order ever had."""
    it = Answers()
    it.apply(accepted(1, new("C1")))
    it.apply(amended(1, 4, "C1", "C2", S1))
    it.apply(amended(4, 4, "C2", "C3", S2))
    assert [find(it, name) for name in ("C1", "C2", "C3")] == [4, 4, 4]
    assert [it.resolve(A, OrderId(number), None) for number in (1, 4)] == [4, 4]
    facts = it.facts(OrderId(1))
    assert (facts.order_id, facts.client_order_id, facts.session_id) == (4, "C3", S2)
    it.apply(canceled(4))
    assert find(it, "C1") is _R.ALREADY_TERMINAL
    it.check_invariants()


@pytest.mark.parametrize(
    "end",
    [
        canceled(1),
        OrderExpired(
            order_id=OrderId(1), participant_id=A, instrument_id=ISSUE, expired_units=Units(1)
        ),
        OrderReduced(
            order_id=OrderId(1),
            participant_id=A,
            instrument_id=ISSUE,
            prevented_units=Units(1),
            leaves_units=Units(0),
        ),
        traded((1, 0), (2, 1)),
    ],
)
def test_an_ended_order_is_terminal(
    end: OrderCanceled | OrderExpired | OrderReduced | Trade,
) -> None:
    """However it ended, it is found, not open, and cannot end again."""
    it = Answers()
    it.apply(accepted(1, new("C1")))
    it.apply(accepted(2, new("C1", B, side=Side.SELL)))
    it.apply(end)
    assert find(it, "C1") is _R.ALREADY_TERMINAL
    assert (it.open_orders(A), it.open_orders(B)) == ([], [2])
    it.check_invariants()
    with pytest.raises(InvariantBroken, match="an order ends once"):
        it.apply(canceled(1))


def test_a_partial_fill_or_reduction_leaves_the_order_open() -> None:
    """Only leaves of zero end an order."""
    it = Answers()
    it.apply(accepted(1, new("C1")))
    it.apply(accepted(2, new("C1", B, side=Side.SELL)))
    it.apply(traded((1, 9), (2, 0)))
    it.apply(
        OrderReduced(
            order_id=OrderId(1),
            participant_id=A,
            instrument_id=ISSUE,
            prevented_units=Units(1),
            leaves_units=Units(8),
        )
    )
    assert it.open_orders(A) == [1]


def test_open_orders_narrow_by_session_issue_and_side() -> None:
    """What a mass cancel takes off, always in order id order."""
    it = Answers()
    it.apply(accepted(1, new("C1")))
    it.apply(accepted(2, new("C2", session_id=S2)))
    it.apply(accepted(3, new("C3", instrument_id=OTHER)))
    it.apply(accepted(4, new("C4", side=Side.SELL)))
    it.apply(accepted(5, new("C1", B)))
    it.apply(amended(1, 6, "C1", "C5", S1))
    assert it.open_orders(A) == [2, 3, 4, 6]
    assert it.open_orders(A, session_id=S1) == [3, 4, 6]
    assert it.open_orders(A, instrument_id=OTHER) == [3]
    assert it.open_orders(A, session_id=S1, side=Side.SELL) == [4]
    assert it.open_orders(B) == [5]
    assert it.open_orders(ParticipantId("NOBODY")) == []


def test_an_event_about_an_unknown_order_stops_the_process() -> None:
    """The directory and the book must agree."""
    with pytest.raises(InvariantBroken, match="is in the directory"):
        Answers().apply(canceled(1))


@settings(max_examples=100, deadline=None, derandomize=True)
@given(
    st.lists(
        st.tuples(st.integers(0, 3), st.integers(0, 4), st.integers(1, 2), st.booleans()),
        max_size=40,
    )
)
def test_recall_is_what_a_list_of_requests_says(
    asked: list[tuple[int, int, int, bool]],
) -> None:
    """First of its name is new, equal content repeats, other content conflicts; days begin anew."""
    it = Answers()
    seen: list[tuple[ParticipantId, str, int]] = []
    for firm_number, name_number, quantity, new_day in asked:
        if new_day and quantity == 2 and name_number == 0:
            it.apply(DAY)
            seen.clear()
        firm, name = (A, B)[firm_number % 2], f"C{name_number}"
        answer = it.recall(new(name, firm, quantity_units=Units(quantity)))
        earlier = [size for owner, known, size in seen if (owner, known) == (firm, name)]
        if not earlier:
            assert answer is None
            seen.append((firm, name, quantity))
        elif earlier[0] == quantity:
            assert isinstance(answer, RequestRepeated)
        else:
            assert answer is _R.ID_CONFLICT
