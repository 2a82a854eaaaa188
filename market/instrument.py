"""One token issue (銘柄): trading unit, tick table, daily price limits, flags.

Tick and limit tables are data with their source beside them. Tables are read upward: a row
``(bound, value)`` holds for prices up to its bound.
"""

from bisect import bisect_left, bisect_right
from enum import StrEnum
from typing import Final

from market.errors import check
from market.ids import InstrumentId
from market.message import Message
from market.quantities import MAX_PRICE_SEN, SEN_PER_YEN, Sen, Units

_TOP: Final = MAX_PRICE_SEN // SEN_PER_YEN


class TickTable(Message, frozen=True, kw_only=True):
    """Ticks (呼値の単位) by price.

    Attributes:
        table_id: Number of the table in START's feed.
        up_to_sen: Upper bounds, ascending, inclusive, 1/100 yen.
        tick_sen: The tick that holds up to each bound, 1/100 yen.
    """

    table_id: int
    up_to_sen: tuple[int, ...]
    tick_sen: tuple[int, ...]

    def tick_at(self, price_sen: Sen) -> Sen:
        """The tick that holds at ``price_sen``; the last row's beyond the table."""
        row = min(bisect_left(self.up_to_sen, price_sen), len(self.tick_sen) - 1)
        return Sen(self.tick_sen[row])

    def is_on_tick(self, price_sen: Sen) -> bool:
        """Whether an order may carry this price."""
        return price_sen > 0 and price_sen % self.tick_at(price_sen) == 0

    def next_above(self, price_sen: Sen) -> Sen:
        """The nearest grid price above ``price_sen`` (which need not be on the grid)."""
        tick = self.tick_at(Sen(price_sen + 1))
        return Sen((price_sen // tick + 1) * tick)

    def next_below(self, price_sen: Sen) -> Sen:
        """The nearest grid price below ``price_sen``; 0 when there is none."""
        tick = self.tick_at(Sen(price_sen - 1)) if price_sen > 1 else self.tick_at(price_sen)
        return Sen((price_sen - 1) // tick * tick)

    def rounded_half_up(self, price_sen: Sen) -> Sen:
        """The nearest grid price, half a tick going up (ODX notice 2024-09-06)."""
        tick = self.tick_at(price_sen)
        return Sen((price_sen + tick // 2) // tick * tick)

    def grid(self, lowest_sen: Sen, highest_sen: Sen) -> list[Sen]:
        """Every price on the grid from lowest to highest, both included. O(prices)."""
        prices: list[Sen] = []
        last_row = len(self.tick_sen) - 1
        for row, tick in enumerate(self.tick_sen):
            above = self.up_to_sen[row - 1] if row else 0
            until = highest_sen if row == last_row else min(self.up_to_sen[row], highest_sen)
            first = max(above + 1, lowest_sen)
            first += -first % tick  # rounded up to this row's tick
            prices.extend(map(Sen, range(first, until + 1, tick)))
        return prices


class LimitTable(Message, frozen=True, kw_only=True):
    """Daily price limits (制限値幅) by base price.

    Attributes:
        below_sen: Upper bounds of the base price, ascending, exclusive, 1/100 yen.
        width_sen: Distance from the base price to either limit, 1/100 yen.
        percent: Instead of rows, this share of the base price, rounded down; 0 when there are rows.
    """

    below_sen: tuple[int, ...] = ()
    width_sen: tuple[int, ...] = ()
    percent: int = 0

    def width_at(self, base_price_sen: Sen) -> Sen:
        """Distance to either limit; the last row's beyond the table."""
        if self.percent:
            return Sen(base_price_sen * self.percent // 100)
        row = min(bisect_right(self.below_sen, base_price_sen), len(self.width_sen) - 1)
        return Sen(self.width_sen[row])


class QuoteWidthTable(Message, frozen=True, kw_only=True):
    """Renewal widths of special quotes (特別気配の更新値幅) by price.

    Attributes:
        below_sen: Upper bounds of the price, ascending, exclusive, 1/100 yen.
        width_sen: How far the next trade, or the next quote, may be from it, 1/100 yen.
    """

    below_sen: tuple[int, ...]
    width_sen: tuple[int, ...]

    def width_at(self, price_sen: Sen) -> Sen:
        """The width that holds at a price; the last row's beyond the table."""
        row = min(bisect_right(self.below_sen, price_sen), len(self.width_sen) - 1)
        return Sen(self.width_sen[row])


def _ticks(table_id: int, *rows: tuple[int, str]) -> TickTable:
    """Rows as (up to yen, tick in yen as text)."""
    ticks = []
    for _, text in rows:
        yen, _, tenth = text.partition(".")
        ticks.append(int(yen) * SEN_PER_YEN + int((tenth or "0").ljust(2, "0")))
    return TickTable(
        table_id=table_id,
        up_to_sen=tuple(bound * SEN_PER_YEN for bound, _ in rows),
        tick_sen=tuple(ticks),
    )


J_MARKET_OTHER: Final = _ticks(
    1, (3_000, "0.1"), (5_000, "0.5"), (30_000, "1"), (50_000, "5"), (300_000, "10"),
    (500_000, "50"), (_TOP, "100"),
)  # fmt: skip
"""Japannext J-Market, ordinary issues; Matsui's public table. Default for START, whose own
table after 2024-10-07 was not seen."""

START_BEFORE_2024_10_07: Final = _ticks(2, (100_000, "1"), (_TOP, "5"))
"""ODX notice 2024-09-06: 1 yen up to and at 100,000 yen, 5 above; documented near 100,000."""

TSE_OTHER: Final = _ticks(
    3, (3_000, "1"), (5_000, "5"), (30_000, "10"), (50_000, "50"), (300_000, "100"),
    (500_000, "500"), (3_000_000, "1000"), (5_000_000, "5000"), (_TOP, "10000"),
)  # fmt: skip
"""TSE, issues outside TOPIX 500, from 2023-06-05."""

TSE_TOPIX500: Final = _ticks(
    4, (1_000, "0.1"), (3_000, "0.5"), (10_000, "1"), (30_000, "5"), (100_000, "10"),
    (300_000, "50"), (1_000_000, "100"), (3_000_000, "500"), (10_000_000, "1000"), (_TOP, "5000"),
)  # fmt: skip
"""TSE, TOPIX 500 constituents, from 2023-06-05."""

TEN_YEN: Final = _ticks(5, (_TOP, "10"))
"""One tick of 10 yen everywhere: the grid of the conformance vectors."""

FIVE_YEN: Final = _ticks(6, (_TOP, "5"))
"""One tick of 5 yen everywhere."""

TICK_TABLES: Final = {
    "j_market_other": J_MARKET_OTHER,
    "start_before_2024_10_07": START_BEFORE_2024_10_07,
    "five_yen": FIVE_YEN,
    "ten_yen": TEN_YEN,
    "tse_other": TSE_OTHER,
    "tse_topix500": TSE_TOPIX500,
}
"""Tables a settings file may name."""


def _limits(*rows: tuple[int, int]) -> LimitTable:
    """Rows as (base price below yen, width in yen)."""
    return LimitTable(
        below_sen=tuple(bound * SEN_PER_YEN for bound, _ in rows),
        width_sen=tuple(width * SEN_PER_YEN for _, width in rows),
    )


TSE_LIMITS: Final = _limits(
    (100, 30), (200, 50), (500, 80), (700, 100), (1_000, 150), (1_500, 300), (2_000, 400),
    (3_000, 500), (5_000, 700), (7_000, 1_000), (10_000, 1_500), (15_000, 3_000), (20_000, 4_000),
    (30_000, 5_000), (50_000, 7_000), (70_000, 10_000), (100_000, 15_000), (150_000, 30_000),
    (200_000, 40_000), (300_000, 50_000), (500_000, 70_000), (700_000, 100_000),
    (1_000_000, 150_000), (1_500_000, 300_000), (2_000_000, 400_000), (3_000_000, 500_000),
    (5_000_000, 700_000), (7_000_000, 1_000_000), (10_000_000, 1_500_000),
    (15_000_000, 3_000_000), (20_000_000, 4_000_000), (_TOP + 1, 5_000_000),
)  # fmt: skip
"""JPX daily price limits; rows from 3,000,000 yen up are inferred from the renewal widths."""

LIMIT_TABLES: Final = {
    "tse": TSE_LIMITS,
    **{f"fixed_{share}_percent": LimitTable(percent=share) for share in (5, 10, 15, 20, 30)},
}
"""Tables a settings file may name; any other share is ``{ percent = 12 }``."""


_WIDTHS: Final = (
    (200, 5), (500, 8), (700, 10), (1_000, 15), (1_500, 30), (2_000, 40), (3_000, 50), (5_000, 70),
    (7_000, 100), (10_000, 150), (15_000, 300), (20_000, 400), (30_000, 500), (50_000, 700),
    (70_000, 1_000), (100_000, 1_500), (150_000, 3_000), (200_000, 4_000), (300_000, 5_000),
    (500_000, 7_000), (700_000, 10_000), (1_000_000, 15_000), (1_500_000, 30_000),
    (2_000_000, 40_000), (3_000_000, 50_000), (5_000_000, 70_000), (7_000_000, 100_000),
    (10_000_000, 150_000), (15_000_000, 300_000), (20_000_000, 400_000), (_TOP + 1, 500_000),
)  # fmt: skip

TSE_WIDTHS: Final = QuoteWidthTable(
    below_sen=tuple(bound * SEN_PER_YEN for bound, _ in _WIDTHS),
    width_sen=tuple(width * SEN_PER_YEN for _, width in _WIDTHS),
)
"""JPX, special quotes: renewal widths (a mirror of the table; a tenth of the daily limit from 200
yen up, except that the limit's first rows are wider)."""


class ProductClass(StrEnum):
    """Tables on START are per product class (ODX notice 2024-09-06)."""

    REAL_ESTATE_TRUST = "real_estate_trust"  # 不動産受益証券
    BOND = "bond"
    SHARE = "share"


class TokenPlatform(StrEnum):
    """Whose books an issue is kept in; see settlement/platforms.py."""

    PLAIN = "plain"  # accounts, and nothing that imitates a platform
    PROGMAT = "progmat"  # tokens with inputs and outputs, a notary, nodes by role
    IBET = "ibet"  # balances with commitments, deliveries with an agent


class Instrument(Message, frozen=True, kw_only=True):
    """One token issue as listed; what changes by the day lives in the matching room.

    Attributes:
        instrument_id: Name on every wire; four characters fit START's book id.
        isin: Twelve characters.
        name: For people.
        trading_unit_units: Round lot (売買単位); START: 1.
        issued_units: Units issued; the share-of-issue check is measured against it.
        issue_price_sen: Price at issue, the first day's base price, 1/100 yen.
        ticks: The tick table of this issue.
        limits: The daily limit table of this issue.
        market_orders_barred: START's per-issue daily flag against market orders (成行禁止).
        under_supervision: Watch flag of the daily directory (監理).
        to_be_removed: Delisting flag of the daily directory (整理).
        transfer_executable: Transfer-executability control (移転可否) at listing.
        newly_listed: It has not traded anywhere yet: its first day of the run is its first ever. A
            preset may bar market orders that day, or have rules for the first price.
        nav_sen: Net asset value of one unit (NAV), 1/100 yen; 0 when none is known.
        platform: Whose books it is kept in.
    """

    instrument_id: InstrumentId
    isin: str
    name: str
    issued_units: Units
    issue_price_sen: Sen
    ticks: TickTable
    limits: LimitTable
    trading_unit_units: Units = Units(1)
    product_class: ProductClass = ProductClass.REAL_ESTATE_TRUST
    market_orders_barred: bool = False
    under_supervision: bool = False
    to_be_removed: bool = False
    transfer_executable: bool = True
    newly_listed: bool = False
    nav_sen: Sen = Sen(0)
    platform: TokenPlatform = TokenPlatform.PLAIN

    def __post_init__(self) -> None:
        check(self.trading_unit_units > 0, "a trading unit is positive", id=self.instrument_id)
        check(self.issued_units > 0, "an issue has units", id=self.instrument_id)
        check(self.issue_price_sen > 0, "an issue price is positive", id=self.instrument_id)
        check(
            0 <= self.nav_sen <= MAX_PRICE_SEN,
            "a net asset value is a price or none",
            id=self.instrument_id,
        )

    def daily_limits(
        self, base_price_sen: Sen, *, lower_factor: int = 1, upper_factor: int = 1
    ) -> tuple[Sen, Sen]:
        """Lowest and highest price an order may carry today, both on the grid, 1/100 yen.

        The limits are the base price less and plus so many widths, drawn inward to the grid, and
        never below one tick.
        """
        width = self.limits.width_at(base_price_sen)
        return self.drawn_inward(
            Sen(base_price_sen - lower_factor * width), Sen(base_price_sen + upper_factor * width)
        )

    def drawn_inward(self, lowest_sen: Sen, highest_sen: Sen) -> tuple[Sen, Sen]:
        """A range of prices whose ends lie on the grid, never below one tick."""
        lowest = Sen(max(lowest_sen, 1))
        highest = Sen(min(highest_sen, MAX_PRICE_SEN))
        if not self.ticks.is_on_tick(lowest):
            lowest = self.ticks.next_above(lowest)
        if not self.ticks.is_on_tick(highest):
            highest = self.ticks.next_below(highest)
        return lowest, highest
