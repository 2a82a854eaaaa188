"""The rulebook of Tokyo Stock Exchange (neighbour)."""

from typing import Final

from market.instrument import TSE_LIMITS, TSE_OTHER, TSE_WIDTHS
from market.rulebooks.words import DOCUMENTED, INFERRED, LIMIT_AND_MARKET, UNKNOWN_DEFAULT, clock
from market.rules import (
    AmendMode,
    AuctionAllocation,
    BookCentre,
    BreakOrders,
    MarketResidual,
    PhaseAt,
    PriceRule,
    Rule,
    Rules,
    SettlementMode,
    StopAllocation,
)
from market.words import Phase, SelfTradeMode, Validity

TSE: Final = Rules(
    name="tse",
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
    non_cancel_phases=Rule((), DOCUMENTED, "JPX: pre-closing allows entry, change and cancel"),
    ncp_new_orders=Rule(True, INFERRED, "no non-cancel period"),
    break_orders=Rule(BreakOrders.CANCEL_ONLY, UNKNOWN_DEFAULT, "orders are accepted from 12:05"),
    order_kinds=Rule(LIMIT_AND_MARKET, DOCUMENTED, "JPX, order types"),
    validities=Rule(
        (
            Validity.DAY,
            Validity.NEXT_AUCTION,
            Validity.IOC,
            Validity.FOK,
            Validity.ON_OPEN,
            Validity.ON_CLOSE,
            Validity.FUNARI,
        ),
        DOCUMENTED,
        "JPX, order types; NEXT_AUCTION and FOK, which TSE has not, offered for comparison",
    ),
    amend_mode=Rule(
        AmendMode.KEEP_ON_DECREASE,
        DOCUMENTED,
        "TSE FLEX Market by Order 1.1: quantity down keeps priority",
    ),
    price_rule=Rule(
        PriceRule.TSE_THREE_CONDITION,
        DOCUMENTED,
        "Nagoya Stock Exchange and Rakuten Securities, itayose conditions; nearest price: inferred",
    ),
    book_centre=Rule(BookCentre.REFERENCE_OR_LAST_CROSS, INFERRED, "JPX: last price or base price"),
    market_only_trades=Rule(True, UNKNOWN_DEFAULT, "market orders alone trade at the centre"),
    market_residual_after_opening=Rule(MarketResidual.CARRY, DOCUMENTED, "TSE keeps them"),
    expire_at_closed=Rule(True, DOCUMENTED, "day orders"),
    self_trade_mode=Rule(
        SelfTradeMode.ALLOW_REPORT, UNKNOWN_DEFAULT, "surveillance after the fact"
    ),
    self_trade_same_account_only=Rule(True, UNKNOWN_DEFAULT, "compares the account"),
    max_share_of_issue_percent=Rule(30, DOCUMENTED, "JPX: rejects above 30% of listed units"),
    max_order_units=Rule(100_000_000, UNKNOWN_DEFAULT, "not found"),
    tick_table=Rule(TSE_OTHER, DOCUMENTED, "TSE, other issues, from 2023-06-05"),
    limit_table=Rule(TSE_LIMITS, DOCUMENTED, "JPX, daily price limits"),
    cancel_on_disconnect=Rule(False, UNKNOWN_DEFAULT, "not found"),
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
    auction_allocation=Rule(
        AuctionAllocation.PARTICIPANT_ROUND_ROBIN,
        DOCUMENTED,
        "Nagoya Stock Exchange, simultaneous orders: one trading unit a firm, largest total first",
    ),
    special_quotes=Rule(True, DOCUMENTED, "JPX, special quotes; SBI Securities, mechanics"),
    special_quote_s=Rule(180, DOCUMENTED, "renewed every three minutes"),
    quote_width_table=Rule(TSE_WIDTHS, DOCUMENTED, "JPX, special quotes (mirror): table of widths"),
    sequential_quotes=Rule(True, DOCUMENTED, "Rakuten Securities, sequential quotes"),
    sequential_quote_s=Rule(60, DOCUMENTED, "Rakuten Securities: within 60 s, shown for 60 s"),
    sequential_quote_widths=Rule(2, DOCUMENTED, "Rakuten Securities: twice the renewal width"),
    closing_auction_widths=Rule(2, DOCUMENTED, "Matsui Securities: the last price and 2 widths"),
    special_execution=Rule(True, DOCUMENTED, "Matsui Securities, Monex: closings from 2024-11-05"),
    limit_broadening_days=Rule(2, DOCUMENTED, "JPX, daily price limits: two days in a row"),
    limit_broadening_factor=Rule(4, DOCUMENTED, "JPX, notice of 2025-02-28; Alpaca Japan: x4"),
    first_price_rules=Rule(True, DOCUMENTED, "Nagoya Stock Exchange, new issues; TSE's the same"),
    first_price_band_factor=Rule(4, DOCUMENTED, "Nagoya: entry from a quarter to 4 times"),
    first_price_step_percent=Rule(5, DOCUMENTED, "Nagoya: 5% of the book-centre price a step"),
    first_price_step_s=Rule(600, DOCUMENTED, "Nagoya: a step every ten minutes"),
    first_price_up_percent=Rule(230, DOCUMENTED, "Nagoya: up to 2.3 times"),
    first_price_down_percent=Rule(75, DOCUMENTED, "Nagoya: down to 0.75 times"),
    stop_allocation=Rule(
        StopAllocation.AT_CLOSE, DOCUMENTED, "Nagoya Stock Exchange; Matsui Securities; Jiji Press"
    ),
)
"""Tokyo Stock Exchange: opening and closing itayose around continuous sessions.

Special and sequential quotes, stop allocation and special execution are not in this preset yet.
"""
