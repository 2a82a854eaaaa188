"""The tape against a plain list of trades: totals, range and the last fifty, with trades voided."""

import random

import pytest

from feeds.tape import RECENT_TRADES, Tape
from market.events import Trade
from market.ids import InstrumentId, OrderId, ParticipantId, TradeId
from market.quantities import Sen, TimeNs, Units


def trade(number: int, price_sen: int, units: int) -> Trade:
    """One trade; only number, price and quantity matter to the tape."""
    firm = ParticipantId("A")
    return Trade(
        trade_id=TradeId(number),
        instrument_id=InstrumentId("KH01"),
        price_sen=Sen(price_sen),
        quantity_units=Units(units),
        buyer=firm,
        seller=firm,
        buy_order_id=OrderId(1),
        sell_order_id=OrderId(2),
        buy_leaves_units=Units(0),
        sell_leaves_units=Units(0),
        cross=True,
    )


def agrees(tape: Tape, standing: list[Trade]) -> None:
    """Everything the tape says follows from the trades that stand."""
    tape.check_invariants()
    prices = [one.price_sen for one in standing]
    assert tape.trade_count == len(standing)
    assert tape.volume_units == sum(one.quantity_units for one in standing)
    assert tape.value_yen == sum(one.price_sen * one.quantity_units // 100 for one in standing)
    ends = (prices[0], prices[-1], max(prices), min(prices)) if prices else (None,) * 4
    assert (tape.open_sen, tape.last_sen, tape.high_sen, tape.low_sen) == ends
    assert [line[0] for line in tape.recent] == [one.trade_id for one in standing[-RECENT_TRADES:]]


@pytest.mark.parametrize("seed", range(8))
def test_a_voided_trade_leaves_no_trace_in_the_day(seed: int) -> None:
    """Old ones, the last one, the highest, all of them: the tape is that of the rest."""
    draw, tape, standing = random.Random(seed), Tape(), []
    for number in range(1, 140):
        made = trade(number, draw.randint(9_000, 11_000), draw.randint(1, 9))
        tape.add(made, TimeNs(number))
        standing.append(made)
        if draw.random() < 0.3:
            gone = standing.pop(draw.randrange(len(standing)))
            assert tape.bust(gone.trade_id)
            assert not tape.bust(gone.trade_id), "it is gone already"
        agrees(tape, standing)
    while standing:
        assert tape.bust(standing.pop().trade_id)
        agrees(tape, standing)


def test_a_trade_of_another_day_is_none_of_the_tapes() -> None:
    """A new day starts empty; yesterday's trade is not found and nothing changes."""
    tape = Tape()
    tape.add(trade(1, 10_000, 5), TimeNs(1))
    tape.new_day()
    tape.add(trade(2, 10_100, 5), TimeNs(2))
    assert not tape.bust(TradeId(1))
    agrees(tape, [trade(2, 10_100, 5)])
