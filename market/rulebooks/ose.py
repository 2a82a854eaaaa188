"""The rulebook of Osaka Exchange, index futures (neighbour)."""

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

OSE: Final = Rules(
    name="ose",
    calendar=Rule(CalendarRule.TSE, INFERRED, "as TSE; holiday trading is left out"),
    closed_days=Rule((), UNKNOWN_DEFAULT, "none listed; they count with calendar custom"),
    schedule=Rule(
        (
            PhaseAt(Phase.PRE_OPEN, clock(8, 0)),
            PhaseAt(Phase.PRE_OPEN_NCP, clock(8, 44)),
            PhaseAt(Phase.OPENING_AUCTION, clock(8, 45)),
            PhaseAt(Phase.CONTINUOUS, clock(8, 45)),
            PhaseAt(Phase.PRE_CLOSE, clock(15, 40)),
            PhaseAt(Phase.PRE_CLOSE_NCP, clock(15, 44)),
            PhaseAt(Phase.CLOSING_AUCTION, clock(15, 45)),
            PhaseAt(Phase.CLOSED, clock(15, 45)),
        ),
        INFERRED,
        "OSE index futures day session; one-minute non-cancel period as at TOCOM",
    ),
    auction_random_end_s=Rule(0, UNKNOWN_DEFAULT, "not found"),
    auction_extension_s=Rule(0, UNKNOWN_DEFAULT, "not found"),
    auction_extension_percent=Rule(10, UNKNOWN_DEFAULT, "counts when the extension is on"),
    non_cancel_phases=Rule(
        NON_CANCEL, DOCUMENTED, "JPX service desk, glossary of the non-cancel period"
    ),
    ncp_new_orders=Rule(True, DOCUMENTED, "JPX service desk, glossary"),
    break_orders=Rule(BreakOrders.CANCEL_ONLY, UNKNOWN_DEFAULT, "the day session has no break"),
    order_kinds=Rule(LIMIT_AND_MARKET, DOCUMENTED, "JPX, trading methods of derivatives"),
    validities=Rule(
        (Validity.DAY, Validity.NEXT_AUCTION, Validity.IOC, Validity.FOK),
        INFERRED,
        "JPX derivatives",
    ),
    amend_mode=Rule(AmendMode.KEEP_ON_DECREASE, INFERRED, "as TSE"),
    price_rule=Rule(PriceRule.FIVE_CONDITION, DOCUMENTED, "OSE itayose, five conditions"),
    book_centre=Rule(BookCentre.REFERENCE_OR_LAST_CROSS, DOCUMENTED, "OSE book-centre price"),
    market_only_trades=Rule(True, UNKNOWN_DEFAULT, "not found"),
    market_residual_after_opening=Rule(
        MarketResidual.VOID, DOCUMENTED, "OSE cancels market orders itayose left over"
    ),
    limit_residual_after_opening=Rule(
        LimitResidual.CARRY, INFERRED, "limit orders go into the continuous session"
    ),
    expire_at_closed=Rule(True, INFERRED, "day orders"),
    self_match=Rule(SelfMatch.ALLOW, UNKNOWN_DEFAULT, "not found"),
    self_trade_mode=Rule(SelfTradeMode.ALLOW_REPORT, UNKNOWN_DEFAULT, "not found"),
    self_trade_same_account_only=Rule(True, UNKNOWN_DEFAULT, "not found"),
    max_share_of_issue_percent=Rule(30, UNKNOWN_DEFAULT, "as TSE"),
    query_share_of_issue_percent=Rule(0, UNKNOWN_DEFAULT, "not found"),
    error_trade_halt_percent=Rule(0, UNKNOWN_DEFAULT, "not found; the operator may"),
    error_trade_bust_percent=Rule(0, UNKNOWN_DEFAULT, "not found; the operator may"),
    short_sale=Rule(False, UNKNOWN_DEFAULT, "tokens, not futures"),
    max_order_units=Rule(100_000_000, UNKNOWN_DEFAULT, "not found"),
    market_orders_barred_first_day=Rule(False, UNKNOWN_DEFAULT, "not found"),
    halt_model=Rule(HaltModel.KEEP, UNKNOWN_DEFAULT, "not found"),
    base_price_rule=Rule(BasePriceRule.LAST, UNKNOWN_DEFAULT, "tokens, not futures"),
    base_price_publish_s=Rule(0, UNKNOWN_DEFAULT, "not found; told when the day opens"),
    close_price_rule=Rule(ClosePriceRule.LAST, UNKNOWN_DEFAULT, "tokens, not futures"),
    price_decimals=Rule(2, UNKNOWN_DEFAULT, "as start, so that presets compare on one grid"),
    tick_table=Rule(
        J_MARKET_OTHER, UNKNOWN_DEFAULT, "as start, so that presets compare on one grid"
    ),
    limit_table=Rule(TSE_LIMITS, UNKNOWN_DEFAULT, "as start, so that presets compare"),
    cancel_on_disconnect=Rule(False, UNKNOWN_DEFAULT, "not found"),
    counterparty_on_fill=Rule(False, INFERRED, "a clearing house stands between"),
    sell_holding_check=Rule(True, UNKNOWN_DEFAULT, "tokens, not futures"),
    settlement_days=Rule(2, UNKNOWN_DEFAULT, "tokens, not futures"),
    settlement_mode=Rule(
        SettlementMode.GROSS_ATOMIC, UNKNOWN_DEFAULT, "no clearing house is modelled"
    ),
    settlement_stages=Rule(
        (clock(9, 0), clock(10, 0), clock(11, 0), clock(15, 50)),
        UNKNOWN_DEFAULT,
        "one time for each stage",
    ),
    publishes_indicative_volume=Rule(True, UNKNOWN_DEFAULT, "not found"),
)
"""Osaka Exchange's auction rules applied to tokens: five conditions, market residuals voided."""
