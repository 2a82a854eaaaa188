"""The rulebook of Tokyo Stock Exchange (neighbour)."""

from datetime import date
from typing import Final

from market.choices import (
    BasePriceRule,
    CalendarRule,
    ClosePriceRule,
    HaltModel,
    LimitResidual,
    SelfMatch,
)
from market.instrument import TSE_LIMITS, TSE_OTHER
from market.rulebooks.words import DOCUMENTED, INFERRED, LIMIT_AND_MARKET, UNKNOWN_DEFAULT, clock
from market.rules import (
    AmendMode,
    BookCentre,
    BreakOrders,
    EarlierSchedule,
    MarketResidual,
    PhaseAt,
    PriceRule,
    Rule,
    Rules,
    SettlementMode,
)
from market.words import Phase, SelfTradeMode, Validity

TSE: Final = Rules(
    name="tse",
    calendar=Rule(CalendarRule.TSE, DOCUMENTED, "TSE closing days"),
    closed_days=Rule((), UNKNOWN_DEFAULT, "none listed; they count with calendar custom"),
    schedule=Rule(
        (
            PhaseAt(Phase.PRE_OPEN, clock(8, 0)),
            PhaseAt(Phase.OPENING_AUCTION, clock(9, 0)),
            PhaseAt(Phase.CONTINUOUS, clock(9, 0)),
            PhaseAt(Phase.CLOSING_AUCTION, clock(11, 30)),
            PhaseAt(Phase.BREAK, clock(11, 30)),
            PhaseAt(Phase.PRE_OPEN, clock(12, 5)),
            PhaseAt(Phase.OPENING_AUCTION, clock(12, 30)),
            PhaseAt(Phase.CONTINUOUS, clock(12, 30)),
            PhaseAt(Phase.PRE_CLOSE, clock(15, 25)),
            PhaseAt(Phase.CLOSING_AUCTION, clock(15, 30)),
            PhaseAt(Phase.CLOSED, clock(15, 30)),
        ),
        DOCUMENTED,
        "TSE FLEX Market by Order 1.1, 2.3: times from 2024-11-05; the state names are START's",
    ),
    earlier_schedules=Rule(
        (
            EarlierSchedule(
                date(2024, 11, 5),
                (
                    PhaseAt(Phase.PRE_OPEN, clock(8, 0)),
                    PhaseAt(Phase.OPENING_AUCTION, clock(9, 0)),
                    PhaseAt(Phase.CONTINUOUS, clock(9, 0)),
                    PhaseAt(Phase.CLOSING_AUCTION, clock(11, 30)),
                    PhaseAt(Phase.BREAK, clock(11, 30)),
                    PhaseAt(Phase.PRE_OPEN, clock(12, 5)),
                    PhaseAt(Phase.OPENING_AUCTION, clock(12, 30)),
                    PhaseAt(Phase.CONTINUOUS, clock(12, 30)),
                    PhaseAt(Phase.CLOSING_AUCTION, clock(15, 0)),
                    PhaseAt(Phase.CLOSED, clock(15, 0)),
                ),
            ),
        ),
        DOCUMENTED,
        "TSE before 2024-11-05: the afternoon session ended at 15:00, without pre-closing",
    ),
    auction_random_end_s=Rule(0, DOCUMENTED, "TSE FLEX Market by Order 1.1, 2.3: fixed times"),
    auction_extension_s=Rule(0, DOCUMENTED, "TSE shows special quotes instead"),
    auction_extension_percent=Rule(10, UNKNOWN_DEFAULT, "counts when the extension is on"),
    non_cancel_phases=Rule((), DOCUMENTED, "JPX: pre-closing allows entry, change and cancel"),
    ncp_new_orders=Rule(True, INFERRED, "no non-cancel period"),
    break_orders=Rule(BreakOrders.CANCEL_ONLY, UNKNOWN_DEFAULT, "orders are accepted from 12:05"),
    order_kinds=Rule(LIMIT_AND_MARKET, DOCUMENTED, "JPX, order types"),
    validities=Rule(
        (Validity.DAY, Validity.NEXT_AUCTION, Validity.IOC, Validity.FOK),
        INFERRED,
        "JPX, order types: IOC documented; FOK offered for comparison",
    ),
    amend_mode=Rule(
        AmendMode.KEEP_ON_DECREASE,
        DOCUMENTED,
        "TSE FLEX Market by Order 1.1: quantity down keeps priority",
    ),
    price_rule=Rule(
        PriceRule.FIVE_CONDITION,
        UNKNOWN_DEFAULT,
        "stand-in for the three conditions: price of most units",
    ),
    book_centre=Rule(BookCentre.REFERENCE_OR_LAST_CROSS, INFERRED, "JPX: last price or base price"),
    market_only_trades=Rule(True, UNKNOWN_DEFAULT, "market orders alone trade at the centre"),
    market_residual_after_opening=Rule(MarketResidual.CARRY, DOCUMENTED, "TSE keeps them"),
    limit_residual_after_opening=Rule(LimitResidual.CARRY, DOCUMENTED, "they go into zaraba"),
    expire_at_closed=Rule(True, DOCUMENTED, "day orders"),
    self_match=Rule(SelfMatch.ALLOW, UNKNOWN_DEFAULT, "surveillance after the fact"),
    self_trade_mode=Rule(
        SelfTradeMode.ALLOW_REPORT, UNKNOWN_DEFAULT, "surveillance after the fact"
    ),
    self_trade_same_account_only=Rule(True, UNKNOWN_DEFAULT, "compares the account"),
    max_share_of_issue_percent=Rule(30, DOCUMENTED, "JPX: rejects above 30% of listed units"),
    query_share_of_issue_percent=Rule(5, DOCUMENTED, "JPX: queries 5 to 30% of listed units"),
    error_trade_halt_percent=Rule(10, DOCUMENTED, "JPX: halts above 10% of listed units"),
    error_trade_bust_percent=Rule(
        20, DOCUMENTED, "JPX: may void above 20%, below in special cases"
    ),
    short_sale=Rule(False, UNKNOWN_DEFAULT, "left out; sells are of held units"),
    max_order_units=Rule(100_000_000, UNKNOWN_DEFAULT, "not found"),
    market_orders_barred_first_day=Rule(
        True, INFERRED, "Nagoya new-issue rules, the same design at TSE"
    ),
    halt_model=Rule(
        HaltModel.KEEP, INFERRED, "TSE FLEX Market by Order 1.1 flags halts with orders"
    ),
    base_price_rule=Rule(
        BasePriceRule.LAST, DOCUMENTED, "JPX: previous close, else the base before"
    ),
    base_price_publish_s=Rule(
        clock(17, 37), DOCUMENTED, "TSE FLEX Market by Order 1.1: next-day base prices at 17:37"
    ),
    close_price_rule=Rule(ClosePriceRule.LAST, INFERRED, "JPX: the last price of the day"),
    price_decimals=Rule(1, DOCUMENTED, "TSE tick tables go down to 0.1 yen"),
    tick_table=Rule(TSE_OTHER, DOCUMENTED, "TSE, other issues, from 2023-06-05"),
    limit_table=Rule(TSE_LIMITS, DOCUMENTED, "JPX, daily price limits"),
    cancel_on_disconnect=Rule(False, UNKNOWN_DEFAULT, "not found"),
    counterparty_on_fill=Rule(False, INFERRED, "a clearing house stands between"),
    sell_holding_check=Rule(True, UNKNOWN_DEFAULT, "short sale is left out"),
    settlement_days=Rule(2, DOCUMENTED, "JPX, settlement types: T+2"),
    settlement_mode=Rule(
        SettlementMode.GROSS_ATOMIC, UNKNOWN_DEFAULT, "no clearing house is modelled"
    ),
    settlement_stages=Rule(
        (clock(9, 0), clock(10, 0), clock(11, 0), clock(15, 45)),
        UNKNOWN_DEFAULT,
        "one time for each stage",
    ),
    publishes_indicative_volume=Rule(
        True, UNKNOWN_DEFAULT, "the pre-opening board shows quantities"
    ),
)
"""Tokyo Stock Exchange: opening and closing itayose around continuous sessions.

Special and sequential quotes, stop allocation and special execution are not in this preset yet.
"""
