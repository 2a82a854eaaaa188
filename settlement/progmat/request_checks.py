"""The checks of a request to the platform, in the order of refusals.Refusal; none changes anything.

entitlement, identifiers, amount, accounts, combination, station, flag, accounts' state, what a cancel
or a return of collateral refers to, cash, means, consent. The giver's signature, the nodes' keys and the
double spend are judged behind them, in the step that records.

A token is named exactly as the ledger names it: another spelling of the same position is no token.
Cost: O(inputs).
"""

from collections.abc import Mapping

from settlement.asset_ledger import AssetLedger
from settlement.opaque import is_opaque
from settlement.progmat.platform import Platform
from settlement.progmat.records import TransferType, reference
from settlement.progmat.register import ProgmatRegister
from settlement.progmat.roles import ADMINISTRATIVE, RIGHTS
from settlement.progmat.transfer_request import (
    NOT_ASKED_FOR,
    CashLeg,
    TransferRequest,
    cancels,
    fields_fit,
    is_by_power,
)
from settlement.refusals import Refusal
from settlement.register import ISSUER
from settlement.station import Process

_T = TransferType


def entitlement(
    platform: Platform, registers: Mapping[str, ProgmatRegister], request: TransferRequest
) -> Refusal | None:
    """Whether this node may ask for this; unknown and foreign have one answer."""
    party = platform.parties.get(request.creator)
    if party is None or not RIGHTS[party.role].creates or request.transfer_type in NOT_ASKED_FOR:
        return Refusal.NOT_ENTITLED
    register = registers.get(request.instrument_id)
    if register is None:
        return Refusal.NOT_VISIBLE
    if request.transfer_type in ADMINISTRATIVE or is_by_power(request):
        visible = request.creator == register.administrator
    else:
        visible = platform.custodians.get(request.giver) == request.creator
    known = request.taker in platform.custodians and request.giver in platform.custodians
    return None if visible and known else Refusal.NOT_VISIBLE


def values(platform: Platform, request: TransferRequest) -> Refusal | None:
    """Identifiers, amount, accounts, and whether the fields fit together."""
    names = (
        request.request_id, request.giver, request.taker, request.authority, request.cancel_target,
    )  # fmt: skip
    if not request.request_id or not all(name == "" or is_opaque(name) for name in names):
        return Refusal.BAD_IDENTIFIER
    amounts = [request.quantity_units] + ([] if request.cash is None else [request.cash.amount_yen])
    if any(type(amount) is not int or amount <= 0 for amount in amounts):
        return Refusal.BAD_AMOUNT
    if request.giver == request.taker:
        return Refusal.SAME_ACCOUNT
    if (request.transfer_type is _T.REDEEM) != (request.taker == ISSUER):
        return Refusal.BAD_COMBINATION
    if (request.transfer_type is _T.ALLOT) != (request.giver == ISSUER):
        return Refusal.BAD_COMBINATION
    if request.transfer_type is _T.CUSTODY_MOVE:
        custodians = platform.custodians
        if custodians[request.giver] == custodians[request.taker]:
            return Refusal.BAD_COMBINATION
    return None if fields_fit(request) else Refusal.BAD_COMBINATION


def switches(
    platform: Platform, register: ProgmatRegister, request: TransferRequest
) -> Refusal | None:
    """Station, issue, flag, accounts, and the receiver's word."""
    refused = platform.station.refusal(Process.INSTRUCT, request.epoch)
    if refused is not None:
        return refused
    if register.ended:
        return Refusal.NOT_ACTIVE
    barred = platform.controls.refusal(request.instrument_id, Process.INSTRUCT)
    if barred is not None or is_by_power(request):
        return barred
    for owner in (request.giver, request.taker):
        if owner in platform.frozen or owner in register.frozen:
            return Refusal.ACCOUNT_FROZEN
    return Refusal.RECEIVER_REFUSED if request.taker in register.refusing else None


def payment(request: TransferRequest, cash: AssetLedger | None) -> Refusal | None:
    """Whether the cash of a sale, or of its cancel, goes against the units and is there."""
    leg = request.cash
    if leg is None:
        return None
    if cash is None:
        return Refusal.CASH_LEG_MISSING
    if (leg.payer, leg.payee) != (request.taker, request.giver):
        return Refusal.TERMS_MISMATCH
    return None if cash.can_give(leg.payer, leg.amount_yen) else Refusal.INSUFFICIENT


def return_of_cash(
    request: TransferRequest, paid: CashLeg | None, cash: AssetLedger | None
) -> Refusal | None:
    """Whether the cancel of a transfer brings back just what was paid for it (I4)."""
    back = request.cash
    if paid is None:
        return None if back is None else Refusal.TERMS_MISMATCH
    if cash is None or back is None:
        return Refusal.CASH_LEG_MISSING
    same = CashLeg(payer=paid.payee, payee=paid.payer, amount_yen=paid.amount_yen) == back
    return payment(request, cash) if same else Refusal.TERMS_MISMATCH


def means(
    platform: Platform, register: ProgmatRegister, request: TransferRequest
) -> Refusal | None:
    """Whether the giver has the units free; a cancel spends the very token and was asked about it."""
    if cancels(request):
        return None
    if request.inputs:
        return _named_inputs(platform, register, request)
    if request.giver == ISSUER:
        short = request.quantity_units > register.unissued_units
    else:
        short = register.available(request.giver) < request.quantity_units
    return Refusal.INSUFFICIENT if short else None


def _named_inputs(
    platform: Platform, register: ProgmatRegister, request: TransferRequest
) -> Refusal | None:
    """Named tokens must once have been the giver's, free, and enough; spent is the notary's."""
    total = 0
    if len(set(request.inputs)) != len(request.inputs):
        return Refusal.DOUBLE_SPEND
    for name in request.inputs:
        made = platform.transactions.get(name.partition(":")[0])
        outputs = () if made is None else made.outputs
        named = [
            token
            for place, token in enumerate(outputs)
            if made and reference(made.tx_id, place) == name
        ]
        if made is None or not named or made.info.instrument_id != register.asset:
            return Refusal.NOT_VISIBLE
        token = named[0]
        if token.owner != request.giver:
            return Refusal.NOT_VISIBLE
        if token.hold_id:
            return Refusal.INSUFFICIENT
        total += token.quantity_units
    return Refusal.INSUFFICIENT if total < request.quantity_units else None
