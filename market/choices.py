"""What the smaller rules of a market may be chosen to be; market/rules.py puts them into a rulebook."""

from enum import StrEnum


class CalendarRule(StrEnum):
    """Which days the market is closed besides weekends."""

    TSE = "tse"  # national holidays and the turn of the year
    CUSTOM = "custom"  # the rulebook's ``closed_days``, and no others


class LimitResidual(StrEnum):
    """What happens to limit orders the opening auction left over."""

    CARRY = "carry"
    VOID = "void"


class SelfMatch(StrEnum):
    """Whose orders may not stand against each other while orders gather for a cross (仮装売買防止)."""

    ALLOW = "allow"
    PREVENT_ACCOUNT = "prevent_account"  # of one account that the orders name
    PREVENT_FIRM = "prevent_firm"


class HaltModel(StrEnum):
    """What a suspension does to resting orders."""

    KEEP = "keep"
    PURGE = "purge"


class BasePriceRule(StrEnum):
    """Where the next day's base price (基準値段) comes from."""

    LAST = "last"  # last price of the day, else the base price before
    NAV = "nav"  # the net asset value, else as LAST
    MANUAL = "manual"  # stays until somebody sets it


class ClosePriceRule(StrEnum):
    """Which price is told as the day's closing price (終値)."""

    CROSS = "cross"  # closing cross, else opening cross, else none
    LAST = "last"  # closing cross, else last price, else none
    CROSS_OR_BASE = "cross_or_base"  # closing cross, else opening cross, else base price


class UnpaidCharge(StrEnum):
    """What becomes of a charge for failing when the failer has not the cash for it."""

    CARRY = "carry"  # owed, and tried at every day's end, oldest first
    WAIVE = "waive"  # told, and never asked for again


class SettlementMoney(StrEnum):
    """What deliveries are paid in."""

    TOKENISED_DEPOSIT = "tokenised_deposit"  # a bank's tokens, issued against a deposit
    TRUST_STABLECOIN = "trust_stablecoin"  # coins on money that a trustee keeps apart
    BANK_TRANSFER = "bank_transfer"  # booked by the next morning's file
