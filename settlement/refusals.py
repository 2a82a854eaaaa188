"""Every way a token ledger or a money platform says no, in the order the checks run.

These answers stay inside the settlement room: no client's door gives them, so they are not part
of market/reasons.py. One code says why, and never says more: what an asker may not see and what
does not exist have the same answer (I14). A refused request has moved nothing.
"""

from enum import StrEnum


class Refusal(StrEnum):
    """Why nothing moved, in the order of checking."""

    ID_CONFLICT = "ID_CONFLICT"  # the id was used with other content (I10)
    NOT_ENTITLED = "NOT_ENTITLED"  # this role may not do this (V2)
    NOT_VISIBLE = "NOT_VISIBLE"  # unknown, or not the asker's to see
    BAD_IDENTIFIER = "BAD_IDENTIFIER"  # not an opaque id: might be personal data (I15)
    BAD_AMOUNT = "BAD_AMOUNT"
    SAME_ACCOUNT = "SAME_ACCOUNT"
    BAD_COMBINATION = "BAD_COMBINATION"  # fields do not fit together
    STALE_EPOCH = "STALE_EPOCH"  # sent before the station was switched
    STATION_NOT_OPEN = "STATION_NOT_OPEN"  # 閉局中
    OUTSIDE_HOURS = "OUTSIDE_HOURS"
    ISSUER_DEFAULTED = "ISSUER_DEFAULTED"
    NOT_ACTIVE = "NOT_ACTIVE"  # the token is stopped, or redeemed
    TRANSFER_RESTRICTED = "TRANSFER_RESTRICTED"  # 移転可否
    APPROVAL_REQUIRED = "APPROVAL_REQUIRED"
    NOT_REGISTERED = "NOT_REGISTERED"  # no personal information, no ownership
    ACCOUNT_FROZEN = "ACCOUNT_FROZEN"
    RECEIVER_REFUSED = "RECEIVER_REFUSED"  # the taker lets nothing in
    ALREADY_FINAL = "ALREADY_FINAL"
    WRONG_STATE = "WRONG_STATE"
    TERMS_MISMATCH = "TERMS_MISMATCH"  # not what was agreed (I24)
    NOT_NEWEST = "NOT_NEWEST"  # the units have moved on: correct, do not cancel
    CASH_LEG_MISSING = "CASH_LEG_MISSING"
    INSUFFICIENT = "INSUFFICIENT"
    KEY_NOT_VALID = "KEY_NOT_VALID"  # before the key's first day, or after its last
    BAD_SIGNATURE = "BAD_SIGNATURE"
    DOUBLE_SPEND = "DOUBLE_SPEND"
