"""OUCH over real sockets: the same market as at the other doors, told once and in order."""

from pathlib import Path

import pytest
from ouch_house import OuchHouse, enter, replace, talk

from participants import ouch

pytestmark = pytest.mark.processes


def test_an_order_is_accepted_with_what_it_carries(tmp_path: Path) -> None:
    """Everything it said comes back, with the number it has in the feeds, and it rests."""

    async def story(house: OuchHouse) -> None:
        line = await house.line()
        (told,) = await line.ask(enter(1))
        assert isinstance(told, ouch.Accepted)
        (number,) = house.open_orders()
        assert told == ouch.Accepted(
            told.at_ns, 1, "ref-1", "B", 10, "ST01", "DAY", 1_000_000, ouch.DAY, "FA", "P", "A",
            number, 0, ouch.LIVE, "1", "1",
        )  # fmt: skip

    talk(tmp_path, story)


def test_both_sides_of_a_trade_are_told_with_one_match_number(tmp_path: Path) -> None:
    """The resting order added liquidity, the other one removed it."""

    async def story(house: OuchHouse) -> None:
        buyer, seller = await house.line("A1"), await house.line("B1")
        await buyer.ask(enter(1))
        accepted, sold = await seller.ask(enter(1, side="S", quantity_units=4), count=2)
        (bought,) = await buyer.hear()
        assert isinstance(accepted, ouch.Accepted)
        assert isinstance(sold, ouch.Executed)
        assert isinstance(bought, ouch.Executed)
        assert (sold.quantity_units, sold.price_points, sold.liquidity) == (4, 1_000_000, "R")
        assert bought == sold._replace(liquidity="A")

    talk(tmp_path, story)


def test_a_replace_names_the_whole_chain(tmp_path: Path) -> None:
    """A total of 20 with 4 filled leaves 16; a total of what is filled ends the order."""

    async def story(house: OuchHouse) -> None:
        buyer, seller = await house.line("A1"), await house.line("B1")
        await buyer.ask(enter(1))
        await seller.ask(enter(1, side="S", quantity_units=4), count=2)
        (_, told) = await buyer.ask(replace(1, 2), count=2)
        assert isinstance(told, ouch.Replaced)
        assert (told.quantity_units, told.state, told.previous_token) == (20, ouch.LIVE, 1)
        (number,) = house.open_orders()
        assert told.order_number == number
        (dead,) = await buyer.ask(replace(2, 3, quantity_units=4))
        assert isinstance(dead, ouch.Replaced)
        assert (dead.quantity_units, dead.state, dead.previous_token) == (4, ouch.DEAD, 2)
        assert house.open_orders() == []
        await buyer.nothing()

    talk(tmp_path, story)
