"""The rulebook of ODX START."""

from typing import Final

from market.choices import (
    BasePriceRule,
    CalendarRule,
    ClosePriceRule,
    HaltModel,
    LimitResidual,
    SelfMatch,
)
from market.instrument import J_MARKET_OTHER, TSE_LIMITS
from market.rulebooks.words import (
    DOCUMENTED,
    INFERRED,
    LIMIT_AND_MARKET,
    NON_CANCEL,
    UNKNOWN_DEFAULT,
    clock,
)
from market.rules import (
    AmendMode,
    BookCentre,
    BreakOrders,
    MarketResidual,
    PhaseAt,
    PriceRule,
    Rule,
    Rules,
    SettlementMode,
)
from market.words import Phase, SelfTradeMode, Validity

START: Final = Rules(
    name="start",
    calendar=Rule(
        CalendarRule.TSE, UNKNOWN_DEFAULT, "not found; ODX equities market guide 2024-11: as TSE"
    ),
    closed_days=Rule((), UNKNOWN_DEFAULT, "none listed; they count with calendar custom"),
    schedule=Rule(
        (
            PhaseAt(Phase.PRE_OPEN, clock(8, 20)),
            PhaseAt(Phase.PRE_OPEN_NCP, clock(11, 29)),
            PhaseAt(Phase.OPENING_AUCTION, clock(11, 30)),
            PhaseAt(Phase.BREAK, clock(11, 30)),
            PhaseAt(Phase.PRE_CLOSE, clock(12, 30)),
            PhaseAt(Phase.PRE_CLOSE_NCP, clock(15, 29)),
            PhaseAt(Phase.CLOSING_AUCTION, clock(15, 30)),
            PhaseAt(Phase.CLOSED, clock(15, 30)),
        ),
        UNKNOWN_DEFAULT,
        "states: START ITCH 1.2, 4.10 (documented); clock times not found: ODX equities' 08:20, "
        "TSE's session ends, TOCOM's one-minute non-cancel period",
    ),
    auction_random_end_s=Rule(0, INFERRED, "START ITCH 1.2 shows no random end"),
    auction_extension_s=Rule(0, INFERRED, "START ITCH 1.2, 4.10 has no state for one"),
    auction_extension_percent=Rule(10, UNKNOWN_DEFAULT, "off; our choice when it is on"),
    non_cancel_phases=Rule(
        NON_CANCEL, INFERRED, "START ITCH 1.2, 4.10 names them; OSE glossary defines them"
    ),
    ncp_new_orders=Rule(True, INFERRED, "OSE glossary: orders may enter, none may leave"),
    break_orders=Rule(BreakOrders.CANCEL_ONLY, UNKNOWN_DEFAULT, "not found; cautious default"),
    order_kinds=Rule(
        LIMIT_AND_MARKET, DOCUMENTED, "START FIX 1.1 (2nd-hand) tag 40 = 1, 2; START ITCH 1.2, 4.6"
    ),
    validities=Rule(
        (Validity.DAY, Validity.NEXT_AUCTION),
        INFERRED,
        "START FIX 1.1 (2nd-hand) tag 59 optional; IOC can only mean the next cross here",
    ),
    amend_mode=Rule(
        AmendMode.CANCEL_NEW, INFERRED, "START FIX 1.1 (2nd-hand) has no replace request"
    ),
    price_rule=Rule(PriceRule.FIVE_CONDITION, UNKNOWN_DEFAULT, "OSE itayose, five conditions"),
    book_centre=Rule(
        BookCentre.REFERENCE_OR_LAST_CROSS,
        UNKNOWN_DEFAULT,
        "not found; morning: reference price, afternoon: the morning cross if there was one",
    ),
    market_only_trades=Rule(
        True, UNKNOWN_DEFAULT, "not found; market orders alone trade at the centre"
    ),
    market_residual_after_opening=Rule(
        MarketResidual.CARRY, UNKNOWN_DEFAULT, "TSE keeps them (OSE voids)"
    ),
    limit_residual_after_opening=Rule(
        LimitResidual.CARRY, UNKNOWN_DEFAULT, "not found; they wait for the closing auction"
    ),
    expire_at_closed=Rule(True, INFERRED, "ODX equities OUCH 2.0: day and immediate orders only"),
    self_match=Rule(
        SelfMatch.PREVENT_ACCOUNT,
        UNKNOWN_DEFAULT,
        "not found; clients of one broker may meet in a cross, one client may not meet itself",
    ),
    self_trade_mode=Rule(
        SelfTradeMode.ALLOW_REPORT,
        UNKNOWN_DEFAULT,
        "not found; decides in continuous trading, which START does not have",
    ),
    self_trade_same_account_only=Rule(
        False, UNKNOWN_DEFAULT, "ODX equities OUCH 2.0, 7.5 compares the firm; here it is flagged"
    ),
    max_share_of_issue_percent=Rule(30, UNKNOWN_DEFAULT, "TSE rejects above 30% of listed units"),
    query_share_of_issue_percent=Rule(5, UNKNOWN_DEFAULT, "TSE queries 5 to 30% of listed units"),
    error_trade_halt_percent=Rule(10, UNKNOWN_DEFAULT, "TSE halts above 10% of listed units"),
    error_trade_bust_percent=Rule(
        20,
        UNKNOWN_DEFAULT,
        "TSE may void above 20% of listed units where settlement is very hard",
    ),
    short_sale=Rule(
        False, UNKNOWN_DEFAULT, "not found; START FIX 1.1 (2nd-hand) lists tag 54 = 5, 6"
    ),
    max_order_units=Rule(1_000_000, UNKNOWN_DEFAULT, "not found; well above the largest issue"),
    market_orders_barred_first_day=Rule(
        True, UNKNOWN_DEFAULT, "flag: START ITCH 1.2, 4.4; first day: Nagoya new-issue rules"
    ),
    halt_model=Rule(
        HaltModel.KEEP,
        UNKNOWN_DEFAULT,
        "states T and V: START ITCH 1.2, 4.5 (documented); that orders stay was not found",
    ),
    base_price_rule=Rule(
        BasePriceRule.LAST, UNKNOWN_DEFAULT, "not found; TSE: previous close, else the base before"
    ),
    base_price_publish_s=Rule(
        clock(19),
        INFERRED,
        "ODX notice 2024-09-06: posted at about 19:00 the business day before (once, documented)",
    ),
    close_price_rule=Rule(
        ClosePriceRule.CROSS, UNKNOWN_DEFAULT, "not found; closing cross, else opening cross"
    ),
    price_decimals=Rule(2, DOCUMENTED, "START ITCH 1.2, 3"),
    tick_table=Rule(
        J_MARKET_OTHER,
        UNKNOWN_DEFAULT,
        "ODX notice 2024-09-06: above 1 yen near 100,000; J-Market table",
    ),
    limit_table=Rule(
        TSE_LIMITS, UNKNOWN_DEFAULT, "limits exist (START ITCH 1.2, 4.4); values: TSE"
    ),
    cancel_on_disconnect=Rule(True, UNKNOWN_DEFAULT, "ODX equities OUCH 2.0, 4: always on"),
    counterparty_on_fill=Rule(True, DOCUMENTED, "START FIX 1.1 (2nd-hand) tag 375"),
    sell_holding_check=Rule(True, UNKNOWN_DEFAULT, "not found; short sale is rejected"),
    settlement_days=Rule(2, UNKNOWN_DEFAULT, "ODX equities and TSE: T+2"),
    settlement_mode=Rule(
        SettlementMode.PROVISIONAL_TRANSFER,
        INFERRED,
        "DCJPY verification with START trades, March 2026 (news): provisional transfer, "
        "verified payment, final transfer",
    ),
    settlement_stages=Rule(
        (clock(9, 0), clock(10, 0), clock(11, 0), clock(15, 45)),
        UNKNOWN_DEFAULT,
        "not found; one time for each stage of the design, the last is the cut-off",
    ),
    publishes_indicative_volume=Rule(False, DOCUMENTED, "START ITCH 1.2, 4.11 has no such field"),
)
"""ODX START: two call auctions a day, no continuous session."""
