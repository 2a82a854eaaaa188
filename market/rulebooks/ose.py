"""The rulebook of Osaka Exchange, index futures (neighbour).

Itayose by five conditions opens and closes a continuous session; market orders that any itayose
leaves over are voided. Ticks, limits and settlement are those of tokens, so that presets compare.

The table is made from the values below (``python -m tests.rule_tables``); a test holds it to them.

| rule | what Kitahama does | source | mark |
|---|---|---|---|
| calendar | tse | as TSE; holiday trading is left out | inferred |
| closed_days | none | none listed; they count with calendar custom | unknown-default |
| schedule | 08:00 PreOpen, 08:44 PreOpenNCP, 08:45 OpeningAuction, 08:45 Continuous, 15:40 PreClose, 15:44 PreCloseNCP, 15:45 ClosingAuction, 15:45 Closed | OSE index futures day session; one-minute non-cancel period as at TOCOM | inferred |
| earlier_schedules | none | not found | unknown-default |
| auction_random_end_s | 0 | not found | unknown-default |
| auction_extension_s | 0 | not found | unknown-default |
| auction_extension_percent | 10 | counts when the extension is on | unknown-default |
| non_cancel_phases | PreOpenNCP, PreCloseNCP | JPX service desk, glossary of the non-cancel period | documented |
| ncp_new_orders | on | JPX service desk, glossary | documented |
| break_orders | cancel_only | the day session has no break | unknown-default |
| order_kinds | limit, market | JPX, trading methods of derivatives | documented |
| validities | day, next_auction, ioc, fok | JPX derivatives | inferred |
| amend_mode | keep_on_decrease | as TSE | inferred |
| price_rule | five_condition | OSE itayose, five conditions | documented |
| book_centre | reference_or_last_cross | OSE book-centre price | documented |
| market_only_trades | on | not found | unknown-default |
| market_residual_after_opening | void | OSE cancels market orders itayose left over | documented |
| limit_residual_after_opening | carry | limit orders go into the continuous session | inferred |
| expire_at_closed | on | day orders | inferred |
| self_match | allow | not found | unknown-default |
| self_trade_mode | allow_report | not found | unknown-default |
| self_trade_same_account_only | on | not found | unknown-default |
| max_share_of_issue_percent | 30 | as TSE | unknown-default |
| query_share_of_issue_percent | 0 | not found | unknown-default |
| error_trade_halt_percent | 0 | not found; the operator may | unknown-default |
| error_trade_bust_percent | 0 | not found; the operator may | unknown-default |
| short_sale | off | tokens, not futures | unknown-default |
| max_order_units | 100,000,000 | not found | unknown-default |
| market_orders_barred_first_day | off | not found | unknown-default |
| halt_model | keep | not found | unknown-default |
| base_price_rule | last | tokens, not futures | unknown-default |
| base_price_publish_s | off | not found; told when the day opens | unknown-default |
| close_price_rule | last | tokens, not futures | unknown-default |
| price_decimals | 2 | as start, so that presets compare on one grid | unknown-default |
| tick_table | j_market_other | as start, so that presets compare on one grid | unknown-default |
| limit_table | tse | as start, so that presets compare | unknown-default |
| cancel_on_disconnect | off | not found | unknown-default |
| counterparty_on_fill | off | a clearing house stands between | inferred |
| sell_holding_check | on | tokens, not futures | unknown-default |
| settlement_days | 2 | tokens, not futures | unknown-default |
| settlement_mode | gross_atomic | no clearing house is modelled | unknown-default |
| settlement_stages | 09:00, 10:00, 11:00, 15:50 | one time for each stage | unknown-default |
| publishes_indicative_volume | on | not found | unknown-default |
| auction_allocation | price_time | TSE's own; no sign of it in START's feed (ITCH 1.2) | inferred |
| special_quotes | off | TSE's own; no sign of it in START's feed (ITCH 1.2) | inferred |
| special_quote_s | 180 | TSE's own; no sign of it in START's feed (ITCH 1.2) | inferred |
| quote_width_table | tse | TSE's own; no sign of it in START's feed (ITCH 1.2) | inferred |
| sequential_quotes | off | TSE's own; no sign of it in START's feed (ITCH 1.2) | inferred |
| sequential_quote_s | 60 | TSE's own; no sign of it in START's feed (ITCH 1.2) | inferred |
| sequential_quote_widths | 2 | TSE's own; no sign of it in START's feed (ITCH 1.2) | inferred |
| closing_auction_widths | 0 | TSE's own; no sign of it in START's feed (ITCH 1.2) | inferred |
| special_execution | off | TSE's own; no sign of it in START's feed (ITCH 1.2) | inferred |
| stop_allocation | off | TSE's own; no sign of it in START's feed (ITCH 1.2) | inferred |
| limit_broadening_days | 0 | TSE's own; no sign of it in START's feed (ITCH 1.2) | inferred |
| limit_broadening_factor | 4 | TSE's own; no sign of it in START's feed (ITCH 1.2) | inferred |
| first_price_rules | off | TSE's own; no sign of it in START's feed (ITCH 1.2) | inferred |
| first_price_band_factor | 4 | TSE's own; no sign of it in START's feed (ITCH 1.2) | inferred |
| first_price_step_percent | 5 | TSE's own; no sign of it in START's feed (ITCH 1.2) | inferred |
| first_price_step_s | 600 | TSE's own; no sign of it in START's feed (ITCH 1.2) | inferred |
| first_price_up_percent | 230 | TSE's own; no sign of it in START's feed (ITCH 1.2) | inferred |
| first_price_down_percent | 75 | TSE's own; no sign of it in START's feed (ITCH 1.2) | inferred |
| partial_settlement | off | not found for tokens | unknown-default |
| partial_threshold_units | 0 | not found for tokens | unknown-default |
| partial_threshold_yen | 0 | not found for tokens | unknown-default |
| partial_unit_lot | 1 | not found for tokens | unknown-default |
| partial_hours | none | T2S makes parts in windows of its day only; none: in every round of the day | unknown-default |
| affirmation | off | not found for tokens | unknown-default |
| fail_penalty_ppm_a_day | 0 | not found for tokens | unknown-default |
| fail_buy_in_days | 0 | not found for tokens | unknown-default |
| fail_compensation_days | 0 | not found for tokens | unknown-default |
| fail_purge_days | 0 | not found for tokens | unknown-default |
| fail_unpaid_charge | carry | not found for tokens | unknown-default |
| settlement_money | tokenised_deposit | DCJPY verification with START trades, March 2026 (news); elsewhere the same | unknown-default |
| money_hours | none | opening, a bank's cut-off, closing; none: the kind's own (settlement/money/hours.py) | unknown-default |
| money_signing | on | evidence is signed and verified, some 80 microseconds a payment; off for mass runs | unknown-default |
| money_recovery_percent | 0 | what a bank's failure leaves; a parameter, not a forecast; a trust pays at par | unknown-default |
"""

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
    earlier_schedules=Rule((), UNKNOWN_DEFAULT, "not found"),
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
