"""Seeded simulated participants: START-like order flow, the sample issues and sample firms.

Purpose: a day of intents that looks like a quiet call market. For each issue and entry window the
number of buy and of sell orders is Poisson (mean 3 each, times ``scale``), sizes are geometric
(mean 4 units), 15% are market orders, limits lie a few ticks around a net asset value that wanders
near the issue price and is pulled back to it. A client is on one side of the market only. Some orders are canceled or amended while the
rulebook lets orders leave. Many crosses stay empty or without a price; that is the market's way.
Ordering: intents come sorted by time; equal times keep the order in which they were drawn.
Invariants: the same generator state gives the same intents; nothing depends on answers.
Known limits: every number of the flow is our assumption (START publishes no turnover); numpy's
draws are stable for one numpy version, so journals, not seeds, are the record of a run.
Source of the mean size: about 33.6 billion yen in eight tokens on 2026-03-31, unit 100,000 yen.
"""

import math
from collections.abc import Sequence
from itertools import pairwise
from typing import Final, NamedTuple

import numpy as np

from market.commands import ParticipantLimits
from market.errors import BadInput
from market.ids import ClientOrderId, InstrumentId, ParticipantId
from market.instrument import Instrument
from market.quantities import SEN_PER_YEN, Sen, Units, Yen
from market.rulebooks import START
from market.rules import AmendMode, PhaseAt, Rules
from market.words import AUCTION_PHASES, OrderKind, Phase, Side
from participants.intents import Intent, IntentAction

ORDERS_MEAN: Final = 3.0
"""Mean number of buy orders, and of sell orders, per issue and window at scale 1."""

SIZE_MEAN_UNITS: Final = 4.0
MARKET_SHARE: Final = 0.15
CANCEL_SHARE: Final = 0.08
AMEND_SHARE: Final = 0.05
EAGER_SHARE: Final = 0.02
"""Limit orders willing to pay through the net asset value."""

DISTANCE_MEAN_TICKS: Final = 6.0
NAV_STEP_TICKS: Final = 15.0
"""Standard deviation of the net asset value's daily step, in ticks of the issue price."""

NAV_PULL: Final = 0.05
"""Share of its distance from the issue price that the net asset value loses each day."""

SIZE_MAX_UNITS: Final = 500
ACCOUNTS: Final = 200
MS_PER_S: Final = 1_000


class SampleFirm(NamedTuple):
    """A firm of the demonstration, with what it starts with.

    Attributes:
        weight: Its share of the orders, in hundredths.
        holding_percent: Its share of every issue's units at the start.
    """

    participant_id: ParticipantId
    name: str
    weight: int
    opening_yen: Yen
    holding_percent: int
    limits: ParticipantLimits = ParticipantLimits()


SAMPLE_FIRMS: Final = (
    SampleFirm(ParticipantId("FIRM-A"), "Nakanoshima Securities (sample)", 40, Yen(20 * 10**9), 35),
    SampleFirm(ParticipantId("FIRM-B"), "Marunouchi Securities (sample)", 35, Yen(20 * 10**9), 30),
    SampleFirm(ParticipantId("FIRM-C"), "Setouchi Securities (sample)", 15, Yen(5 * 10**9), 15),
    SampleFirm(ParticipantId("FIRM-D"), "Mikawa Securities (sample)", 10, Yen(5 * 10**9), 10),
)
"""Four brokers, two of them large; how many START has is not public."""

_SAMPLE_ISSUES: Final = (
    ("KH01", "Kitahama Residence 1 (sample)", 17_400),
    ("KH02", "Kitahama Office 1 (sample)", 22_000),
    ("KH03", "Kitahama Residence 2 (sample)", 27_600),
    ("KH04", "Kitahama Logistics 1 (sample)", 33_000),
    ("KH05", "Kitahama Hotel 1 (sample)", 38_000),
    ("KH06", "Kitahama Residence 3 (sample)", 43_000),
    ("KH07", "Kitahama Office 2 (sample)", 55_000),
    ("KH08", "Kitahama Office 3 (sample)", 100_000),
)
_ISSUE_PRICE_SEN: Final = Sen(100_000 * SEN_PER_YEN)


def sample_instruments(rules: Rules) -> tuple[Instrument, ...]:
    """Eight issues of 100,000-yen units, 17,400 to 100,000 units each, 42,000 on average.

    Units and count follow what is public of START's eight issues; names and codes are invented,
    and the codes have no valid check digit.
    """
    return tuple(
        Instrument(
            instrument_id=InstrumentId(code),
            isin=f"JPKITAHAMA{code[2:]}",
            name=name,
            issued_units=Units(units),
            issue_price_sen=_ISSUE_PRICE_SEN,
            ticks=rules.tick_table.value,
            limits=rules.limit_table.value,
        )
        for code, name, units in _SAMPLE_ISSUES
    )


class Window(NamedTuple):
    """A stretch of the day in which new orders enter, milliseconds after midnight, Japan time.

    Attributes:
        until_ms: End, exclusive.
        cancel_until_ms: Orders may leave until here, exclusive.
    """

    from_ms: int
    until_ms: int
    cancel_until_ms: int


def entry_windows(rules: Rules) -> list[Window]:
    """The stretches of a rulebook's day that take new orders, in order.

    Consecutive states join into one window; an auction or a break ends it.
    """
    steps = rules.schedule.value
    windows: list[Window] = []
    run: list[tuple[PhaseAt, int]] = []
    for step, following in pairwise(steps):
        if step.second_of_day == following.second_of_day:
            _close_window(windows, run, rules)
        elif _takes_orders(step.phase, rules):
            run.append((step, following.second_of_day))
        else:
            _close_window(windows, run, rules)
    _close_window(windows, run, rules)
    return windows


def _takes_orders(phase: Phase, rules: Rules) -> bool:
    if phase in AUCTION_PHASES or phase in (Phase.BREAK, Phase.CLOSED):
        return False
    return rules.ncp_new_orders.value or phase not in rules.non_cancel_phases.value


def _close_window(windows: list[Window], run: list[tuple[PhaseAt, int]], rules: Rules) -> None:
    if not run:
        return
    barred = rules.non_cancel_phases.value
    free = [end for step, end in run if step.phase not in barred]
    start, end = run[0][0].second_of_day, run[-1][1]
    cancel_until = free[-1] if free else start
    windows.append(Window(start * MS_PER_S, end * MS_PER_S, cancel_until * MS_PER_S))
    run.clear()


class OrderFlow:
    """Draws one business day of intents after another.

    Args:
        generator: The only source of chance; pass ``numpy.random.Generator(PCG64(seed))``.
        rules: Gives the windows, the tick table through the issues, and whether orders amend.
        instruments: Issues to trade.
        firms: Who trades, with weights.
        scale: Multiplies the number of orders; 1 is START as we imagine it.

    Raises:
        BadInput: When there is nobody or nothing to trade, or the scale is not positive.
    """

    def __init__(
        self,
        generator: np.random.Generator,
        rules: Rules,
        instruments: Sequence[Instrument],
        firms: Sequence[SampleFirm] = SAMPLE_FIRMS,
        *,
        scale: float = 1.0,
    ) -> None:
        if not instruments or not firms or not scale > 0:
            raise BadInput("order flow needs issues, firms and a positive scale")
        self._generator = generator
        self._windows = entry_windows(rules)
        self._amends = rules.amend_mode.value is not AmendMode.UNSUPPORTED
        self._draws_market = OrderKind.MARKET in rules.order_kinds.value
        self._instruments = tuple(instruments)
        self._firms = tuple(firms)
        weights = np.array([firm.weight for firm in firms], dtype=np.float64)
        self._weights = weights / weights.sum()
        self._scale = scale
        self._nav_ticks = [0.0] * len(self._instruments)
        self._named = 0

    def day(self, number: int) -> list[Intent]:
        """All intents of business day ``number`` (from 1), sorted by time. O(orders log orders)."""
        drawn: list[Intent] = []
        for place, instrument in enumerate(self._instruments):
            step = float(self._generator.normal(0.0, NAV_STEP_TICKS))
            self._nav_ticks[place] += step - NAV_PULL * self._nav_ticks[place]
            nav_sen = _nav_sen(instrument, self._nav_ticks[place])
            for window in self._windows:
                drawn += self._window(number, instrument, nav_sen, window)
        drawn.sort(key=lambda intent: intent.at_ms)
        return drawn

    def _window(
        self, day: int, instrument: Instrument, nav_sen: Sen, window: Window
    ) -> list[Intent]:
        """One issue's orders of one window, drawn column by column."""
        draw = self._generator
        buys = int(draw.poisson(ORDERS_MEAN * self._scale))
        sells = int(draw.poisson(ORDERS_MEAN * self._scale))
        count = buys + sells
        at_ms = draw.integers(window.from_ms, window.until_ms, count)
        sizes = np.minimum(draw.geometric(1.0 / SIZE_MEAN_UNITS, count), SIZE_MAX_UNITS)
        kinds = draw.random(count)
        eager = draw.random(count)
        distances = draw.geometric(1.0 / DISTANCE_MEAN_TICKS, count)
        firms = draw.choice(len(self._firms), count, p=self._weights)
        accounts = draw.integers(1, ACCOUNTS, count)
        second_acts = draw.random(count)

        lot = instrument.trading_unit_units
        drawn: list[Intent] = []
        for row in range(count):
            side = Side.BUY if row < buys else Side.SELL
            may_be_market = self._draws_market and not instrument.market_orders_barred
            is_market = bool(kinds[row] < MARKET_SHARE) and may_be_market
            away = int(distances[row])
            if eager[row] < EAGER_SHARE:
                away = -away
            order = Intent(
                day=day,
                at_ms=int(at_ms[row]),
                participant_id=self._firms[int(firms[row])].participant_id,
                action=IntentAction.NEW,
                client_order_id=self._next_name(),
                instrument_id=instrument.instrument_id,
                side=side,
                kind=OrderKind.MARKET if is_market else OrderKind.LIMIT,
                price_sen=None if is_market else _limit_sen(instrument, nav_sen, side, away),
                quantity_units=Units(int(sizes[row]) * lot),
                account=f"{'B' if side is Side.BUY else 'S'}{int(accounts[row]):03d}",
            )
            drawn.append(order)
            follow_up = self._second_act(order, instrument, window, float(second_acts[row]))
            if follow_up is not None:
                drawn.append(follow_up)
        return drawn

    def _second_act(
        self, order: Intent, instrument: Instrument, window: Window, chance: float
    ) -> Intent | None:
        """A cancel or an amendment of a limit order, at a time when orders may leave."""
        wanted = chance < CANCEL_SHARE + AMEND_SHARE
        if not wanted or order.price_sen is None or order.at_ms + 1 >= window.cancel_until_ms:
            return None
        at_ms = int(self._generator.integers(order.at_ms + 1, window.cancel_until_ms))
        if chance < CANCEL_SHARE:
            return Intent(
                day=order.day,
                at_ms=at_ms,
                participant_id=order.participant_id,
                action=IntentAction.CANCEL,
                original_client_order_id=order.client_order_id,
            )
        if not self._amends:
            return None
        ticks = instrument.ticks
        nearer = ticks.next_above if order.side is Side.BUY else ticks.next_below
        return Intent(
            day=order.day,
            at_ms=at_ms,
            participant_id=order.participant_id,
            action=IntentAction.AMEND,
            client_order_id=self._next_name(),
            original_client_order_id=order.client_order_id,
            price_sen=nearer(order.price_sen),
        )

    def _next_name(self) -> ClientOrderId:
        self._named += 1
        return ClientOrderId(f"S-{self._named}")


def thinned(intents: Sequence[Intent], orders: int) -> list[Intent]:
    """The same day with exactly ``orders`` new orders: the surplus is dropped evenly over the day.

    Cancels and amendments of dropped orders go with them; amendments do not count.

    Raises:
        BadInput: When there are fewer to begin with.
    """
    names = [i.client_order_id for i in intents if i.action is IntentAction.NEW]
    surplus = len(names) - orders
    if surplus < 0:
        raise BadInput(f"{len(names)} orders were drawn, {orders} are wanted")
    dropped = {names[place * len(names) // surplus] for place in range(surplus)}
    return [
        i
        for i in intents
        if i.client_order_id not in dropped and i.original_client_order_id not in dropped
    ]


def generated_day(*, seed: int, orders: int) -> list[Intent]:
    """One START day of the sample issues and firms with exactly ``orders`` new orders.

    Cancels and amendments come on top. The example order file is made with this.
    """
    instruments = sample_instruments(START)
    orders_at_scale_1 = 2 * ORDERS_MEAN * len(instruments) * len(entry_windows(START))
    # A few standard deviations above the mean, so that thinning has something to drop.
    scale = (orders + 4 * math.isqrt(orders) + 10) / orders_at_scale_1
    generator = np.random.Generator(np.random.PCG64(seed))
    return thinned(OrderFlow(generator, START, instruments, scale=scale).day(1), orders)


def _nav_sen(instrument: Instrument, ticks_away: float) -> Sen:
    """Net asset value on the grid, kept within 5% of the issue price."""
    issue = instrument.issue_price_sen
    band = issue // 20
    tick = instrument.ticks.tick_at(issue)
    moved = min(max(round(ticks_away) * tick, -band), band)
    return instrument.ticks.rounded_half_up(Sen(issue + moved))


def _limit_sen(instrument: Instrument, nav_sen: Sen, side: Side, away_ticks: int) -> Sen:
    """A limit ``away_ticks`` on the patient side of the net asset value, on the grid."""
    tick = instrument.ticks.tick_at(nav_sen)
    signed = -away_ticks if side is Side.BUY else away_ticks
    return instrument.ticks.rounded_half_up(Sen(max(nav_sen + signed * tick, tick)))
