"""What the price of a cross depends on besides the orders, and what a cross gives."""

from typing import Final, NamedTuple

from market.instrument import TickTable
from market.quantities import Sen, Units
from market.rules import PriceRule


class Clearing(NamedTuple):
    """What a cross gives, or would give: no price, or one for everyone.

    Attributes:
        surplus_units: Buy less sell interest at the price.
    """

    price_sen: Sen | None
    executed_units: Units
    surplus_units: int


NO_CLEARING: Final = Clearing(None, Units(0), 0)


class Terms(NamedTuple):
    """What the price depends on besides the orders.

    Attributes:
        centre_sen: Book-centre price; need not be on the grid.
    """

    lower_limit_sen: Sen
    upper_limit_sen: Sen
    ticks: TickTable
    centre_sen: Sen
    price_rule: PriceRule
    market_only_trades: bool
