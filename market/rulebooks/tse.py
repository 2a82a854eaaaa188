"""The rulebook of Tokyo Stock Exchange (neighbour), on one page.

Marks: D documented, I inferred, U unknown-default (market/rules.py). Broker and Nagoya texts stand for
TSE's where TSE's own was not seen. Each line is a value below and can be replaced on its own.

| subject | in words | source | mark |
|---|---|---|---|
| itayose (板寄せ) | all market orders, all better limit orders, one side at the price in full | Nagoya; Rakuten | D |
| several prices | equal totals first, of those the one nearest the last special quote, last or base price | JPX, pre-opening quotes | D shown, I traded |
| market orders too many | no price; the market leans to that side's daily limit | JPX, pre-opening quotes | D |
| simultaneous orders | firms in turn, one trading unit each, largest total first; those on the book at the open, at 15:25, after a halt; later ones by time | Nagoya; Matsui | D |
| within a firm, equal firms | the earlier order first | our own | U |
| special quote (特別気配) | no trade beyond one width; shown there, one width on every 3 minutes, up to the daily limit | JPX; SBI | D |
| measured from | last special quote since the last trade, else last price, else base price | JPX, base price | I |
| while a quote shows | itayose at every order, cancel and amendment; then continuous trading | JPX; Nagoya | D |
| market order, nobody to meet | waits under a quote, in continuous trading too | JPX, priority | I |
| sequential quote (連続約定気配) | a run past 2 widths within 60 s stops there for 60 s, then a special quote one width on; the 60 s begin with the run's first trade | Rakuten | D, window I |
| closing auction | from 15:25 entry, change and cancel; itayose within 2 widths | Matsui; Monex | D |
| special execution | beyond them, at the band's end, by time alone | Matsui, worked book | D |
| stop allocation (ストップ配分) | at a daily limit: market orders as orders at the limit, firms in turn | Nagoya; Matsui; Jiji | D |
| morning close | an ordinary itayose within 2 widths; on-close orders are for the afternoon | not found | I |
| next base price | last price, or the special quote after it | JPX, daily price limits | D |
| limit broadening | after 2 days stuck, that side x4 until a day with a trade at another price | JPX; Alpaca | D |
| on-open, on-close, funari, IOC | matching/conditions.py; on-close waits unseen until 15:25 | JPX; Matsui | D |
| amendment | fewer units keep the place; the condition cannot be changed | FLEX MBO 1.1; Matsui | D |
| new issue | no limits but a quarter to 4 times; no market orders; 5% in 10 minutes, 0.75 to 2.3 times | Nagoya | D |
| after the first price | daily limits around it for the rest of the day | not found | I |
| ticks, limits, widths | TSE's tables; TOPIX 500 ticks beside them (market/instrument.py) | brokers; JPX; mirror | D, limits from 3,000,000 yen I |

Left out: short sale rules, off-auction trading, half-day sessions.

The values, rule by rule (``python -m tests.rule_tables``); a test holds the table to them.

| rule | what Kitahama does | source | mark |
|---|---|---|---|
| calendar | tse | TSE closing days | documented |
| closed_days | none | none listed; they count with calendar custom | unknown-default |
| schedule | 08:00 PreOpen, 09:00 OpeningAuction, 09:00 Continuous, 11:30 ClosingAuction, 11:30 Break, 12:05 PreOpen, 12:30 OpeningAuction, 12:30 Continuous, 15:25 PreClose, 15:30 ClosingAuction, 15:30 Closed | TSE FLEX Market by Order 1.1, 2.3: times from 2024-11-05; the state names are START's | documented |
| earlier_schedules | before 2024-11-05: 08:00 PreOpen, 09:00 OpeningAuction, 09:00 Continuous, 11:30 ClosingAuction, 11:30 Break, 12:05 PreOpen, 12:30 OpeningAuction, 12:30 Continuous, 15:00 ClosingAuction, 15:00 Closed | TSE before 2024-11-05: the afternoon session ended at 15:00, without pre-closing | documented |
| auction_random_end_s | 0 | TSE FLEX Market by Order 1.1, 2.3: fixed times | documented |
| auction_extension_s | 0 | TSE shows special quotes instead | documented |
| auction_extension_percent | 10 | counts when the extension is on | unknown-default |
| non_cancel_phases | none | JPX: pre-closing allows entry, change and cancel | documented |
| ncp_new_orders | on | no non-cancel period | inferred |
| break_orders | cancel_only | orders are accepted from 12:05 | unknown-default |
| order_kinds | limit, market | JPX, order types | documented |
| validities | day, next_auction, ioc, fok, on_open, on_close, funari | JPX, order types; NEXT_AUCTION and FOK, which TSE has not, offered for comparison | documented |
| amend_mode | keep_on_decrease | TSE FLEX Market by Order 1.1: quantity down keeps priority | documented |
| price_rule | tse_three_condition | Nagoya Stock Exchange and Rakuten Securities, itayose conditions; nearest price: inferred | documented |
| book_centre | reference_or_last_cross | JPX: last price or base price | inferred |
| market_only_trades | on | market orders alone, as many on both sides, trade at the centre | unknown-default |
| market_residual_after_opening | carry | TSE keeps them | documented |
| limit_residual_after_opening | carry | they go into zaraba | documented |
| expire_at_closed | on | day orders | documented |
| self_match | allow | surveillance after the fact | unknown-default |
| self_trade_mode | allow_report | surveillance after the fact | unknown-default |
| self_trade_same_account_only | on | compares the account | unknown-default |
| max_share_of_issue_percent | 30 | JPX: rejects above 30% of listed units | documented |
| query_share_of_issue_percent | 5 | JPX: queries 5 to 30% of listed units | documented |
| error_trade_halt_percent | 10 | JPX: halts above 10% of listed units | documented |
| error_trade_bust_percent | 20 | JPX: may void above 20%, below in special cases | documented |
| short_sale | off | left out; sells are of held units | unknown-default |
| max_order_units | 100,000,000 | not found | unknown-default |
| market_orders_barred_first_day | off | Nagoya: until the first price only, see first_price_rules | documented |
| halt_model | keep | TSE FLEX Market by Order 1.1 flags halts with orders | inferred |
| base_price_rule | last | JPX: previous close, else the base before | documented |
| base_price_publish_s | 17:37 | TSE FLEX Market by Order 1.1: next-day base prices at 17:37 | documented |
| close_price_rule | last | JPX: the last price of the day | inferred |
| price_decimals | 1 | TSE tick tables go down to 0.1 yen | documented |
| tick_table | tse_other | TSE, other issues, from 2023-06-05 | documented |
| limit_table | tse | JPX, daily price limits | documented |
| cancel_on_disconnect | off | not found | unknown-default |
| counterparty_on_fill | off | a clearing house stands between | inferred |
| sell_holding_check | on | short sale is left out | unknown-default |
| settlement_days | 2 | JPX, settlement types: T+2 | documented |
| settlement_mode | gross_atomic | no clearing house is modelled | unknown-default |
| settlement_stages | 09:00, 10:00, 11:00, 15:45 | one time for each stage | unknown-default |
| publishes_indicative_volume | on | the pre-opening board shows quantities | unknown-default |
| auction_allocation | participant_round_robin | Nagoya Stock Exchange, simultaneous orders: one trading unit a firm, largest total first | documented |
| special_quotes | on | JPX, special quotes; SBI Securities, mechanics | documented |
| special_quote_s | 180 | renewed every three minutes | documented |
| quote_width_table | tse | JPX, special quotes (mirror): table of widths | documented |
| sequential_quotes | on | Rakuten Securities, sequential quotes | documented |
| sequential_quote_s | 60 | Rakuten Securities: within 60 s, shown for 60 s | documented |
| sequential_quote_widths | 2 | Rakuten Securities: twice the renewal width | documented |
| closing_auction_widths | 2 | Matsui Securities: the last price and 2 widths | documented |
| special_execution | on | Matsui Securities, Monex: closings from 2024-11-05 | documented |
| stop_allocation | at_close | Nagoya Stock Exchange; Matsui Securities; Jiji Press | documented |
| limit_broadening_days | 2 | JPX, daily price limits: two days in a row | documented |
| limit_broadening_factor | 4 | JPX, notice of 2025-02-28; Alpaca Japan: x4 | documented |
| first_price_rules | on | Nagoya Stock Exchange, new issues; TSE's the same | documented |
| first_price_band_factor | 4 | Nagoya: entry from a quarter to 4 times | documented |
| first_price_step_percent | 5 | Nagoya: 5% of the book-centre price a step | documented |
| first_price_step_s | 600 | Nagoya: a step every ten minutes | documented |
| first_price_up_percent | 230 | Nagoya: up to 2.3 times | documented |
| first_price_down_percent | 75 | Nagoya: down to 0.75 times | documented |
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
from market.instrument import TSE_LIMITS, TSE_OTHER, TSE_WIDTHS
from market.rulebooks.words import DOCUMENTED, INFERRED, LIMIT_AND_MARKET, UNKNOWN_DEFAULT, clock
from market.rules import (
    AmendMode,
    AuctionAllocation,
    BookCentre,
    BreakOrders,
    EarlierSchedule,
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
    market_only_trades=Rule(
        True, UNKNOWN_DEFAULT, "market orders alone, as many on both sides, trade at the centre"
    ),
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
        False, DOCUMENTED, "Nagoya: until the first price only, see first_price_rules"
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
"""Tokyo Stock Exchange: opening and closing itayose around continuous sessions."""
