"""The rulebook of ODX START: two call auctions a day, no continuous session.

What START's own documents say is marked documented, what follows from them inferred; everything
else is a default taken from a neighbour, and each can be replaced in a settings file.

The table is made from the values below (``python -m tests.rule_tables``); a test holds it to them.

| rule | what Kitahama does | source | mark |
|---|---|---|---|
| calendar | tse | not found; ODX equities market guide 2024-11: as TSE | unknown-default |
| closed_days | none | none listed; they count with calendar custom | unknown-default |
| schedule | 08:20 PreOpen, 11:29 PreOpenNCP, 11:30 OpeningAuction, 11:30 Break, 12:30 PreClose, 15:29 PreCloseNCP, 15:30 ClosingAuction, 15:30 Closed | states: START ITCH 1.2, 4.10 (documented); clock times not found: ODX equities' 08:20, TSE's session ends, TOCOM's one-minute non-cancel period | unknown-default |
| earlier_schedules | before 2024-11-05: 08:20 PreOpen, 11:29 PreOpenNCP, 11:30 OpeningAuction, 11:30 Break, 12:30 PreClose, 14:59 PreCloseNCP, 15:00 ClosingAuction, 15:00 Closed | TSE's session ended at 15:00 before 2024-11-05; START's times were not found | unknown-default |
| auction_random_end_s | 0 | START ITCH 1.2 shows no random end | inferred |
| auction_extension_s | 0 | START ITCH 1.2, 4.10 has no state for one | inferred |
| auction_extension_percent | 10 | off; our choice when it is on | unknown-default |
| non_cancel_phases | PreOpenNCP, PreCloseNCP | START ITCH 1.2, 4.10 names them; OSE glossary defines them | inferred |
| ncp_new_orders | on | OSE glossary: orders may enter, none may leave | inferred |
| break_orders | cancel_only | not found; cautious default | unknown-default |
| order_kinds | limit, market | START FIX 1.1 (2nd-hand) tag 40 = 1, 2; START ITCH 1.2, 4.6 | documented |
| validities | day, next_auction | START FIX 1.1 (2nd-hand) tag 59 optional; IOC can only mean the next cross here | inferred |
| amend_mode | cancel_new | START FIX 1.1 (2nd-hand) has no replace request | inferred |
| price_rule | five_condition | OSE itayose, five conditions | unknown-default |
| book_centre | reference_or_last_cross | not found; morning: reference price, afternoon: the morning cross if there was one | unknown-default |
| market_only_trades | on | not found; market orders alone trade at the centre | unknown-default |
| market_residual_after_opening | carry | TSE keeps them (OSE voids) | unknown-default |
| limit_residual_after_opening | carry | not found; they wait for the closing auction | unknown-default |
| expire_at_closed | on | ODX equities OUCH 2.0: day and immediate orders only | inferred |
| self_match | prevent_account | not found; clients of one broker may meet in a cross, one client may not meet itself | unknown-default |
| self_trade_mode | allow_report | not found; decides in continuous trading, which START does not have | unknown-default |
| self_trade_same_account_only | off | ODX equities OUCH 2.0, 7.5 compares the firm; here it is flagged | unknown-default |
| max_share_of_issue_percent | 30 | TSE rejects above 30% of listed units | unknown-default |
| query_share_of_issue_percent | 5 | TSE queries 5 to 30% of listed units | unknown-default |
| error_trade_halt_percent | 10 | TSE halts above 10% of listed units | unknown-default |
| error_trade_bust_percent | 20 | TSE may void above 20% of listed units where settlement is very hard | unknown-default |
| short_sale | off | not found; START FIX 1.1 (2nd-hand) lists tag 54 = 5, 6 | unknown-default |
| max_order_units | 1,000,000 | not found; well above the largest issue | unknown-default |
| market_orders_barred_first_day | on | flag: START ITCH 1.2, 4.4; first day: Nagoya new-issue rules | unknown-default |
| halt_model | keep | states T and V: START ITCH 1.2, 4.5 (documented); that orders stay was not found | unknown-default |
| base_price_rule | last | not found; TSE: previous close, else the base before | unknown-default |
| base_price_publish_s | 19:00 | ODX notice 2024-09-06: posted at about 19:00 the business day before (once, documented) | inferred |
| close_price_rule | cross | not found; closing cross, else opening cross | unknown-default |
| price_decimals | 2 | START ITCH 1.2, 3 | documented |
| tick_table | j_market_other | ODX notice 2024-09-06: above 1 yen near 100,000; J-Market table | unknown-default |
| limit_table | tse | limits exist (START ITCH 1.2, 4.4); values: TSE | unknown-default |
| cancel_on_disconnect | on | ODX equities OUCH 2.0, 4: always on | unknown-default |
| counterparty_on_fill | on | START FIX 1.1 (2nd-hand) tag 375 | documented |
| sell_holding_check | on | not found; short sale is rejected | unknown-default |
| settlement_days | 2 | ODX equities and TSE: T+2 | unknown-default |
| settlement_mode | provisional_transfer | DCJPY verification with START trades, March 2026 (news): provisional transfer, verified payment, final transfer | inferred |
| settlement_stages | 09:00, 10:00, 11:00, 15:45 | not found; one time for each stage of the design, the last is the cut-off | unknown-default |
| publishes_indicative_volume | off | START ITCH 1.2, 4.11 has no such field | documented |
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

What can be chosen instead. Rules are values of this rulebook; times, lots and calendar are settings of
a venue or an issue that become rules or instruments. tests/test_start_parameters.py proves each pair.

| parameter | alternatives |
|---|---|
| calendar | tse; custom |
| preopen_start | 08:20; 08:00; 09:00 |
| continuous_trading | off; on |
| opening_auction | 11:30; 09:00 |
| preclose_start | 12:30; 12:05 |
| closing_auction | 15:30; 15:00; 15:00 before 2024-11-05 |
| ncp_seconds | 60; 0-600 |
| auction_random_end_s | 0; any |
| auction_extension_s | 0; any |
| auction_extension_percent | 10; any |
| ncp_new_orders | on; off |
| break_orders | cancel_only; none; all |
| order_kinds | limit, market; limit |
| validities | day, next_auction; fok |
| amend_mode | cancel_new; native_replace; keep_on_decrease; replace_total; unsupported |
| price_rule | five_condition; max_volume; tse_three_condition |
| auction_allocation | price_time; participant_round_robin; pro_rata |
| book_centre | reference_or_last_cross; reference; nav |
| market_only_trades | on; off |
| market_residual_after_opening | carry; void |
| limit_residual_after_opening | carry; void |
| expire_at_closed | on; off; GTC by the broker |
| self_match | prevent_account; prevent_firm; allow |
| max_share_of_issue_percent | 30; off |
| query_share_of_issue_percent | 5; off |
| error_trade_halt_percent | 10; off |
| error_trade_bust_percent | 20; off |
| short_sale | off; on |
| sell_holding_check | on; off |
| market_orders_barred_first_day | on; off |
| trading_unit_units | per issue |
| tick_table | j_market_other; start_before_2024_10_07; five_yen |
| limit_table | tse; fixed percent |
| halt_model | keep; purge |
| base_price_rule | last; nav; manual |
| base_price_publish_s | 19:00; 0 |
| manual_reference_update | on |
| close_price_rule | cross; cross_or_base; last |
| cancel_on_disconnect | on; off |
| counterparty_on_fill | on; off |
| publishes_indicative_volume | off; on |

What this table of parameters does not choose, and why.

| elsewhere | why |
|---|---|
| non_cancel_phases | no alternative: START names the states, orders may not leave in them |
| self_trade_mode | decides in continuous trading, see matching/continuous.py |
| max_order_units | a number, any positive one |
| price_decimals | no alternative: the feed has two |
| settlement_days, settlement_mode, settlement_stages | see settlement/settlement.py |
| partial_settlement, partial_threshold_units, partial_threshold_yen, partial_unit_lot, partial_hours, affirmation, fail_penalty_ppm_a_day, fail_buy_in_days, fail_compensation_days, fail_purge_days, fail_unpaid_charge | a delivery's life, see settlement/lifecycle/rules.py |
| settlement_money, money_hours, money_signing, money_recovery_percent | see settlement/cash.py |
| special_quotes, special_quote_s, quote_width_table, sequential_quotes, sequential_quote_s, sequential_quote_widths | TSE's, see market/rulebooks/tse.py |
| closing_auction_widths, special_execution, stop_allocation, limit_broadening_days, limit_broadening_factor | TSE's, see matching/closing.py |
| first_price_rules, first_price_band_factor, first_price_step_percent, first_price_step_s, first_price_up_percent, first_price_down_percent | TSE's, see matching/first_price.py |
| order entry over FIX, market data over ITCH and SoupBinTCP, snapshot service | wires of their own, not built yet |
| clearing, netting, platform, transfer gate, fails, ex-date, distributions | settlement's, not trading's |
| 5-minute disclosure delay, surveillance flags, liquidity provider | not modelled yet; results are told at once |
| md_depth | no alternative: every order, without names |
"""

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
from market.instrument import J_MARKET_OTHER, TSE_LIMITS
from market.rulebooks.times import retimed
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
    EarlierSchedule,
    MarketResidual,
    PhaseAt,
    PriceRule,
    Rule,
    Rules,
    SettlementMode,
)
from market.words import Phase, SelfTradeMode, Validity

_DAY: Final = (
    PhaseAt(Phase.PRE_OPEN, clock(8, 20)),
    PhaseAt(Phase.PRE_OPEN_NCP, clock(11, 29)),
    PhaseAt(Phase.OPENING_AUCTION, clock(11, 30)),
    PhaseAt(Phase.BREAK, clock(11, 30)),
    PhaseAt(Phase.PRE_CLOSE, clock(12, 30)),
    PhaseAt(Phase.PRE_CLOSE_NCP, clock(15, 29)),
    PhaseAt(Phase.CLOSING_AUCTION, clock(15, 30)),
    PhaseAt(Phase.CLOSED, clock(15, 30)),
)

START: Final = Rules(
    name="start",
    calendar=Rule(
        CalendarRule.TSE, UNKNOWN_DEFAULT, "not found; ODX equities market guide 2024-11: as TSE"
    ),
    closed_days=Rule((), UNKNOWN_DEFAULT, "none listed; they count with calendar custom"),
    schedule=Rule(
        _DAY,
        UNKNOWN_DEFAULT,
        "states: START ITCH 1.2, 4.10 (documented); clock times not found: ODX equities' 08:20, "
        "TSE's session ends, TOCOM's one-minute non-cancel period",
    ),
    earlier_schedules=Rule(
        (EarlierSchedule(date(2024, 11, 5), retimed(_DAY, closing_auction="15:00")),),
        UNKNOWN_DEFAULT,
        "TSE's session ended at 15:00 before 2024-11-05; START's times were not found",
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
