"""What may be asked of the platform's counter: one transfer, with what authorises and pays for it.

Which fields go with which type of transfer:

| type | authority | cancel_target | cash | consent | inputs |
|---|---|---|---|---|---|
| sale | | | the price, taker to giver | | may |
| allot, free of payment, collateral and its return | | | | | may |
| custody move | | | | of the taker's account | may |
| succession, legal order | the ground | | | | may |
| redemption | may | | | | may |
| cancel | the ground, or none | the transfer | that of a sale, back | or the ground | |

Anything else is BAD_COMBINATION, so no request carries a field that nobody reads onto the ledger.

Units: units, whole yen. Source: transfer types and the cancel target are fields of the report of the
Progmat working group (2021) without a meaning; what each asks for is ours.
"""

from typing import Final

from market.message import Message
from settlement.progmat.records import TransferType
from settlement.refusals import Refusal

_T = TransferType
NOT_ASKED_FOR: Final = frozenset({_T.ISSUE, _T.LOCK, _T.RETURN})
"""Types that are steps of the ledger, never requests."""

OVERRIDE_REQUESTS: Final = frozenset({_T.SUCCESSION, _T.LEGAL_ORDER, _T.REDEEM})
"""Types that the administrator's key authorises in the giver's place."""

_ON_A_GROUND: Final = frozenset({_T.SUCCESSION, _T.LEGAL_ORDER})
_MAY_NAME_A_GROUND: Final = OVERRIDE_REQUESTS | {_T.CANCEL}


class CashLeg(Message, frozen=True, kw_only=True):
    """The cash of a sale; or of its cancel, going back."""

    payer: str
    payee: str
    amount_yen: int


class TransferRequest(Message, frozen=True, kw_only=True):
    """One transfer asked for.

    Attributes:
        request_id: Chosen by who asks; also the trade id on the ledger.
        creator: Node that creates the transaction.
        epoch: The station's epoch when the request was made.
        signature: Of the mandate, by the giver's account; by the administrator for an override.
        inputs: Tokens to spend; none leaves the choice to the ledger.
        cancel_target: For a cancel: trade id of the transfer that is moved back.
        consent: The mandate signed by the taker's account: for a cancel, by who gave first.
        authority: Legal ground of an override.
        cash: The cash that moves in the same step.
    """

    request_id: str
    creator: str
    epoch: int
    instrument_id: str
    transfer_type: TransferType
    giver: str
    taker: str
    quantity_units: int
    signature: bytes = b""
    inputs: tuple[str, ...] = ()
    cancel_target: str = ""
    consent: bytes = b""
    authority: str = ""
    cash: CashLeg | None = None


class Receipt(Message, frozen=True):
    """What was asked for has happened, in this transaction."""

    tx_id: str


Answer = Receipt | Refusal


def cancels(request: TransferRequest) -> bool:
    """Whether it moves an earlier transfer back."""
    return request.transfer_type is _T.CANCEL


def is_by_power(request: TransferRequest) -> bool:
    """Whether law or the issuer's power moves the units, not their owner's will."""
    return request.transfer_type in OVERRIDE_REQUESTS or (
        cancels(request) and request.authority != ""
    )


def needs_consent(request: TransferRequest) -> bool:
    """Whether the taker's account has to sign as well."""
    return request.transfer_type is _T.CUSTODY_MOVE or (
        cancels(request) and not is_by_power(request)
    )


def fields_fit(request: TransferRequest) -> bool:
    """Whether it has what its type needs and nothing its type does not know; see the table.

    Whether a cancel needs cash depends on its target, and is asked there.
    """
    kind = request.transfer_type
    if kind in _ON_A_GROUND and request.authority == "":
        return False
    if kind not in _MAY_NAME_A_GROUND and request.authority != "":
        return False
    if cancels(request):
        return request.inputs == ()
    if request.cancel_target != "" or (request.consent != b"" and not needs_consent(request)):
        return False
    return (request.cash is not None) == (kind is _T.SALE)


def ground(request: TransferRequest) -> str:
    """What the mandate names beside the terms: the legal ground, the cash, or both."""
    leg = request.cash
    if leg is None:
        return request.authority
    cash = f"cash/{leg.payer}/{leg.payee}/{leg.amount_yen}"
    return f"{request.authority}/{cash}" if request.authority else cash
