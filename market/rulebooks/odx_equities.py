"""The rulebook of ODX's equities PTS (neighbour), the book START's operator runs beside it.

One continuous session of limit orders, self-matches prevented, replacement by total quantity.

The table is made from the values below (``python -m tests.rule_tables``); a test holds it to them.

| rule | what Kitahama does | source | mark |
|---|---|---|---|
| calendar | tse | ODX equities market guide 2024-11: as TSE | documented |
| closed_days | none | none listed; they count with calendar custom | unknown-default |
| schedule | 08:20 Continuous, 16:00 Closed | ODX equities market guide 2024-11: cash trading 08:20 to 16:00, continuous | documented |
| earlier_schedules | none | not found | unknown-default |
| auction_random_end_s | 0 | there is no auction | inferred |
| auction_extension_s | 0 | there is no auction | inferred |
| auction_extension_percent | 10 | there is no auction | inferred |
| non_cancel_phases | none | ODX equities OUCH 2.0: no such state | documented |
| ncp_new_orders | on | no non-cancel period | inferred |
| break_orders | cancel_only | there is no break | inferred |
| order_kinds | limit | JSDA PTS information sheet: limit orders only | documented |
| validities | day, ioc | ODX equities OUCH 2.0, time in force 99999 (day) and 0 (immediate) | documented |
| amend_mode | replace_total | ODX equities OUCH 2.0, 6.2: total quantity of the chain, an invalid replace cancels, a replace to the filled quantity ends the order; that priority is lost was not found | documented |
| price_rule | five_condition | for a first price after a halt only | inferred |
| book_centre | reference_or_last_cross | there is no auction | inferred |
| market_only_trades | off | there are no market orders | inferred |
| market_residual_after_opening | void | there are no market orders | inferred |
| limit_residual_after_opening | carry | there is no auction | inferred |
| expire_at_closed | on | ODX equities OUCH 2.0: day and immediate orders only | documented |
| self_match | allow | orders do not gather; continuous trading prevents | inferred |
| self_trade_mode | decrement | ODX equities OUCH 2.0, 7.5: cancels to prevent and reports quantity and price prevented; that both orders shrink by it is our reading | inferred |
| self_trade_same_account_only | off | ODX equities OUCH 2.0, 7.5: by firm | inferred |
| max_share_of_issue_percent | 30 | as TSE | unknown-default |
| query_share_of_issue_percent | 0 | not found | unknown-default |
| error_trade_halt_percent | 0 | not found; the operator may | unknown-default |
| error_trade_bust_percent | 0 | not found; the operator may | unknown-default |
| short_sale | off | tokens: sells are of held units | unknown-default |
| max_order_units | 100,000,000 | not found | unknown-default |
| market_orders_barred_first_day | off | there are no market orders | inferred |
| halt_model | keep | not found | unknown-default |
| base_price_rule | last | ODX equities takes TSE's base price; without one its own last price stands in | unknown-default |
| base_price_publish_s | off | not found; told when the day opens | unknown-default |
| close_price_rule | last | not found | unknown-default |
| price_decimals | 1 | ODX equities ITCH 2.2 | documented |
| tick_table | j_market_other | Japannext J-Market, the other PTS | unknown-default |
| limit_table | tse | as TSE | unknown-default |
| cancel_on_disconnect | on | ODX equities OUCH 2.0, 4: always on | documented |
| counterparty_on_fill | off | ODX equities FIX 1.1 (2nd-hand) has no counter-broker | documented |
| sell_holding_check | on | tokens: sells are of held units | unknown-default |
| settlement_days | 2 | JSDA PTS information sheet: third business day, T+2 | documented |
| settlement_mode | gross_atomic | no clearing house is modelled | unknown-default |
| settlement_stages | 09:00, 10:00, 11:00, 15:45 | one time for each stage | unknown-default |
| publishes_indicative_volume | off | there is no auction | inferred |
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
from market.rulebooks.words import DOCUMENTED, INFERRED, UNKNOWN_DEFAULT, clock
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
from market.words import OrderKind, Phase, SelfTradeMode, Validity

_NO_AUCTION: Final = "there is no auction"

ODX_EQUITIES: Final = Rules(
    name="odx-equities",
    calendar=Rule(CalendarRule.TSE, DOCUMENTED, "ODX equities market guide 2024-11: as TSE"),
    closed_days=Rule((), UNKNOWN_DEFAULT, "none listed; they count with calendar custom"),
    schedule=Rule(
        (PhaseAt(Phase.CONTINUOUS, clock(8, 20)), PhaseAt(Phase.CLOSED, clock(16, 0))),
        DOCUMENTED,
        "ODX equities market guide 2024-11: cash trading 08:20 to 16:00, continuous",
    ),
    earlier_schedules=Rule((), UNKNOWN_DEFAULT, "not found"),
    auction_random_end_s=Rule(0, INFERRED, _NO_AUCTION),
    auction_extension_s=Rule(0, INFERRED, _NO_AUCTION),
    auction_extension_percent=Rule(10, INFERRED, _NO_AUCTION),
    non_cancel_phases=Rule((), DOCUMENTED, "ODX equities OUCH 2.0: no such state"),
    ncp_new_orders=Rule(True, INFERRED, "no non-cancel period"),
    break_orders=Rule(BreakOrders.CANCEL_ONLY, INFERRED, "there is no break"),
    order_kinds=Rule(
        (OrderKind.LIMIT,), DOCUMENTED, "JSDA PTS information sheet: limit orders only"
    ),
    validities=Rule(
        (Validity.DAY, Validity.IOC),
        DOCUMENTED,
        "ODX equities OUCH 2.0, time in force 99999 (day) and 0 (immediate)",
    ),
    amend_mode=Rule(
        AmendMode.REPLACE_TOTAL,
        DOCUMENTED,
        "ODX equities OUCH 2.0, 6.2: total quantity of the chain, an invalid replace cancels, a "
        "replace to the filled quantity ends the order; that priority is lost was not found",
    ),
    price_rule=Rule(PriceRule.FIVE_CONDITION, INFERRED, "for a first price after a halt only"),
    book_centre=Rule(BookCentre.REFERENCE_OR_LAST_CROSS, INFERRED, _NO_AUCTION),
    market_only_trades=Rule(False, INFERRED, "there are no market orders"),
    market_residual_after_opening=Rule(MarketResidual.VOID, INFERRED, "there are no market orders"),
    limit_residual_after_opening=Rule(LimitResidual.CARRY, INFERRED, _NO_AUCTION),
    expire_at_closed=Rule(True, DOCUMENTED, "ODX equities OUCH 2.0: day and immediate orders only"),
    self_match=Rule(SelfMatch.ALLOW, INFERRED, "orders do not gather; continuous trading prevents"),
    self_trade_mode=Rule(
        SelfTradeMode.DECREMENT,
        INFERRED,
        "ODX equities OUCH 2.0, 7.5: cancels to prevent and reports quantity and price prevented; "
        "that both orders shrink by it is our reading",
    ),
    self_trade_same_account_only=Rule(False, INFERRED, "ODX equities OUCH 2.0, 7.5: by firm"),
    max_share_of_issue_percent=Rule(30, UNKNOWN_DEFAULT, "as TSE"),
    query_share_of_issue_percent=Rule(0, UNKNOWN_DEFAULT, "not found"),
    error_trade_halt_percent=Rule(0, UNKNOWN_DEFAULT, "not found; the operator may"),
    error_trade_bust_percent=Rule(0, UNKNOWN_DEFAULT, "not found; the operator may"),
    short_sale=Rule(False, UNKNOWN_DEFAULT, "tokens: sells are of held units"),
    max_order_units=Rule(100_000_000, UNKNOWN_DEFAULT, "not found"),
    market_orders_barred_first_day=Rule(False, INFERRED, "there are no market orders"),
    halt_model=Rule(HaltModel.KEEP, UNKNOWN_DEFAULT, "not found"),
    base_price_rule=Rule(
        BasePriceRule.LAST,
        UNKNOWN_DEFAULT,
        "ODX equities takes TSE's base price; without one its own last price stands in",
    ),
    base_price_publish_s=Rule(0, UNKNOWN_DEFAULT, "not found; told when the day opens"),
    close_price_rule=Rule(ClosePriceRule.LAST, UNKNOWN_DEFAULT, "not found"),
    price_decimals=Rule(1, DOCUMENTED, "ODX equities ITCH 2.2"),
    tick_table=Rule(J_MARKET_OTHER, UNKNOWN_DEFAULT, "Japannext J-Market, the other PTS"),
    limit_table=Rule(TSE_LIMITS, UNKNOWN_DEFAULT, "as TSE"),
    cancel_on_disconnect=Rule(True, DOCUMENTED, "ODX equities OUCH 2.0, 4: always on"),
    counterparty_on_fill=Rule(
        False, DOCUMENTED, "ODX equities FIX 1.1 (2nd-hand) has no counter-broker"
    ),
    sell_holding_check=Rule(True, UNKNOWN_DEFAULT, "tokens: sells are of held units"),
    settlement_days=Rule(2, DOCUMENTED, "JSDA PTS information sheet: third business day, T+2"),
    settlement_mode=Rule(
        SettlementMode.GROSS_ATOMIC, UNKNOWN_DEFAULT, "no clearing house is modelled"
    ),
    settlement_stages=Rule(
        (clock(9, 0), clock(10, 0), clock(11, 0), clock(15, 45)),
        UNKNOWN_DEFAULT,
        "one time for each stage",
    ),
    publishes_indicative_volume=Rule(False, INFERRED, _NO_AUCTION),
)
"""ODX equities: one continuous session of limit orders; no auction."""
