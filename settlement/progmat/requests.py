"""Requests to the platform: checked in one order, answered once, and nothing moved when refused.

A request has an id of its own. The same id with the same content has the first answer again, a
refusal included; with other content it is refused (I10). A new try needs a new id.

Who may ask: an issue's administrator for issue, allotment, succession, legal order and redemption;
the giver's custodian for everything else. A firm without a node, or an intermediary, asks through
its custodian by API (``instruct``). Unknown and foreign have the same answer (I14).

A cancel moves one earlier transfer of this issue back: same quantity, sides swapped, once, only
while the units are still where that transfer put them, with the consent of both sides or on a
legal ground. A sale is canceled only together with the return of its cash, posted in the same step.

Choices where the source has none: a legal order and a succession reach a frozen account, but not
an issue whose flag is off (I16); redemption returns every live lock first, then redeems what each
owner has.
"""

from typing import Final

from market.errors import check
from market.message import Message
from settlement.asset_ledger import AssetLedger
from settlement.progmat.platform import Platform
from settlement.progmat.records import TransferType
from settlement.progmat.register import ProgmatRegister
from settlement.progmat.roles import ADMINISTRATIVE, RIGHTS
from settlement.progmat.tables import is_opaque
from settlement.refusals import Refusal
from settlement.register import ISSUER
from settlement.station import Process

_T = TransferType
NOT_ASKED_FOR: Final = frozenset({_T.ISSUE, _T.LOCK, _T.RETURN})
"""Types that are steps of the ledger, never requests."""

REACHES_FROZEN: Final = frozenset({_T.SUCCESSION, _T.LEGAL_ORDER})


class CashReturn(Message, frozen=True, kw_only=True):
    """The cash that goes back when a sale is canceled."""

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
        consent: For a cancel: the mandate signed by the account that gave first.
        authority: Legal ground of an override.
        cash_return: For the cancel of a sale: the cash that goes back with it.
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
    cash_return: CashReturn | None = None


class Receipt(Message, frozen=True):
    """What was asked for has happened, in this transaction."""

    tx_id: str


Answer = Receipt | Refusal


class Requests:
    """The platform's counter.

    Attributes:
        answers: Request and answer by id.
        trades: Transaction by trade id of a transfer asked for here.
        canceled: Trade ids that were moved back.
        redeemed: Issues that are no more.
    """

    __slots__ = ("_platform", "_registers", "answers", "canceled", "redeemed", "trades")

    def __init__(self, platform: Platform) -> None:
        self._platform = platform
        self._registers: dict[str, ProgmatRegister] = {}
        self.answers: dict[str, tuple[TransferRequest, Answer]] = {}
        self.trades: dict[str, str] = {}
        self.canceled: set[str] = set()
        self.redeemed: set[str] = set()

    def serve(self, register: ProgmatRegister) -> None:
        """Take requests for an issue."""
        check(register.platform is self._platform, "a counter serves its own platform")
        self._registers[register.asset] = register

    # --- asking

    def instruct(self, firm: str, request: TransferRequest) -> Answer:
        """By API: a firm without a node, or an intermediary, through its custodian."""
        party = self._platform.parties.get(firm)
        if party is None or party.via == "" or party.via != request.creator:
            return Refusal.NOT_ENTITLED
        return self.submit(request)

    def submit(self, request: TransferRequest, cash: AssetLedger | None = None) -> Answer:
        """Answer a request once and for all.

        Args:
            request: What is asked for.
            cash: The ledger on which the cash of a canceled sale goes back.
        """
        known = self.answers.get(request.request_id)
        if known is not None:
            return known[1] if known[0] == request else Refusal.ID_CONFLICT
        answer = self._carry_out(request, cash)
        self.answers[request.request_id] = (request, answer)
        return answer

    def sign(self, request: TransferRequest, key: str) -> bytes:
        """The signature of a request's terms by a key, as its owner's device would make it."""
        return self._platform.keys.sign(key, self._mandate(request))

    def _carry_out(self, request: TransferRequest, cash: AssetLedger | None) -> Answer:
        refused = (
            self._entitlement(request)
            or self._values(request)
            or self._switches(request)
            or (self._cancel(request, cash) if self._cancels(request) else None)
            or self._means(request)
            or (self._consent(request) if self._cancels(request) else None)
        )
        if refused is not None:
            return refused
        register = self._registers[request.instrument_id]
        override = request.transfer_type in REACHES_FROZEN | {_T.REDEEM}
        key = register.administrator if override else request.giver
        refused = register.move(
            request.transfer_type, request.giver, request.taker, request.quantity_units,
            trade_id=request.request_id, authority_key=key, signature=request.signature,
            inputs=request.inputs, cancel_target=request.cancel_target,
            authority=_ground(request),
        )  # fmt: skip
        if refused is not None:
            return refused
        # The transaction is final from here on; what follows cannot fail.
        tx_id = next(reversed(self._platform.transactions))
        self.trades[request.request_id] = tx_id
        if self._cancels(request):
            self.canceled.add(request.cancel_target)
            back = request.cash_return
            if cash is not None and back is not None:
                cash.post(back.payer, back.payee, back.amount_yen)
        return Receipt(tx_id)

    # --- the checks, in order

    def _entitlement(self, request: TransferRequest) -> Refusal | None:
        party = self._platform.parties.get(request.creator)
        if party is None or not RIGHTS[party.role].creates:
            return Refusal.NOT_ENTITLED
        if request.transfer_type in NOT_ASKED_FOR:
            return Refusal.NOT_ENTITLED
        register = self._registers.get(request.instrument_id)
        if register is None:
            return Refusal.NOT_VISIBLE
        if request.transfer_type in ADMINISTRATIVE:
            visible = request.creator == register.administrator
        else:
            visible = self._platform.custodians.get(request.giver) == request.creator
        known = request.taker in self._platform.custodians
        return None if visible and known else Refusal.NOT_VISIBLE

    def _values(self, request: TransferRequest) -> Refusal | None:
        names = (request.request_id, request.giver, request.taker, request.authority)
        if not all(is_opaque(name) or name == "" for name in names) or not request.request_id:
            return Refusal.BAD_IDENTIFIER
        if request.quantity_units <= 0:
            return Refusal.BAD_AMOUNT
        if request.giver == request.taker:
            return Refusal.SAME_ACCOUNT
        if (request.transfer_type is _T.REDEEM) != (request.taker == ISSUER):
            return Refusal.BAD_COMBINATION
        if (request.transfer_type is _T.ALLOT) != (request.giver == ISSUER):
            return Refusal.BAD_COMBINATION
        return None

    def _switches(self, request: TransferRequest) -> Refusal | None:
        refused = self._platform.station.refusal(Process.INSTRUCT, request.epoch)
        if refused is not None:
            return refused
        if request.instrument_id in self.redeemed:
            return Refusal.NOT_ACTIVE
        barred = self._platform.controls.refusal(request.instrument_id, Process.INSTRUCT)
        if barred is not None:
            return barred
        frozen = self._platform.frozen
        stopped = request.giver in frozen or request.taker in frozen
        if stopped and request.transfer_type not in REACHES_FROZEN:
            return Refusal.ACCOUNT_FROZEN
        return None

    def _cancel(self, request: TransferRequest, cash: AssetLedger | None) -> Refusal | None:
        tx_id = self.trades.get(request.cancel_target)
        target = None if tx_id is None else self._platform.transactions[tx_id]
        if target is None or target.info.instrument_id != request.instrument_id:
            return Refusal.NOT_VISIBLE
        if request.cancel_target in self.canceled:
            return Refusal.ALREADY_FINAL
        info = target.info
        swapped = (info.to_investor_id, info.from_investor_id, info.quantity_units)
        if swapped != (request.giver, request.taker, request.quantity_units):
            return Refusal.TERMS_MISMATCH
        if not self._registers[request.instrument_id].newest_movement(target):
            return Refusal.NOT_NEWEST
        back = request.cash_return
        if info.transfer_type is not _T.SALE:
            return None if back is None else Refusal.TERMS_MISMATCH
        if cash is None or back is None:
            return Refusal.CASH_LEG_MISSING
        if (back.payer, back.payee) != (request.taker, request.giver) or back.amount_yen <= 0:
            return Refusal.TERMS_MISMATCH
        return None if cash.can_give(back.payer, back.amount_yen) else Refusal.INSUFFICIENT

    def _consent(self, request: TransferRequest) -> Refusal | None:
        mandate = self._mandate(request)
        genuine = self._platform.keys.verify(request.taker, mandate, request.consent)
        return None if genuine else Refusal.BAD_SIGNATURE

    def _means(self, request: TransferRequest) -> Refusal | None:
        register = self._registers[request.instrument_id]
        if request.inputs:
            return self._named_inputs(request, register)
        if request.giver == ISSUER:
            short = request.quantity_units > register.unissued_units
        else:
            short = register.available(request.giver) < request.quantity_units
        return Refusal.INSUFFICIENT if short else None

    def _named_inputs(self, request: TransferRequest, register: ProgmatRegister) -> Refusal | None:
        """Named tokens must once have been the giver's, free, and enough; spent is the notary's."""
        total = 0
        if len(set(request.inputs)) != len(request.inputs):
            return Refusal.DOUBLE_SPEND
        for name in request.inputs:
            tx_id, _, position = name.partition(":")
            made = self._platform.transactions.get(tx_id)
            if made is None or not position.isdecimal() or int(position) >= len(made.outputs):
                return Refusal.NOT_VISIBLE
            token = made.outputs[int(position)]
            if made.info.instrument_id != register.asset or token.owner != request.giver:
                return Refusal.NOT_VISIBLE
            if token.hold_id:
                return Refusal.INSUFFICIENT
            total += token.quantity_units
        return Refusal.INSUFFICIENT if total < request.quantity_units else None

    def _cancels(self, request: TransferRequest) -> bool:
        return request.transfer_type is _T.CANCEL

    def _mandate(self, request: TransferRequest) -> bytes:
        return self._registers[request.instrument_id].mandate(
            request.request_id, request.giver, request.taker, request.quantity_units,
            request.transfer_type, ground=_ground(request),
        )  # fmt: skip

    # --- the end of an issue

    def redeem_issue(self, instrument_id: str, *, creator: str) -> Refusal | int:
        """Return every lock, redeem every holder, end the issue; the units redeemed.

        Again gives 0: there is nothing left (I10).
        """
        register = self._registers.get(instrument_id)
        if register is None or creator != register.administrator:
            return Refusal.NOT_ENTITLED
        refused = register.refusal(Process.INSTRUCT)
        if refused is not None:
            return refused
        for hold_id in list(register.live_holds):
            register.void_hold(hold_id)
        before = register.redeemed_units
        for owner, units in register.holders():
            refused = register.move(
                _T.REDEEM, owner, ISSUER, units, authority_key=register.administrator
            )
            check(refused is None, "a checked redemption is accepted", owner=owner)
        self.redeemed.add(instrument_id)
        return register.redeemed_units - before


def _ground(request: TransferRequest) -> str:
    """What the mandate names beside the terms: legal ground, or the cash that goes back."""
    back = request.cash_return
    if back is None:
        return request.authority
    return f"cash/{back.payer}/{back.payee}/{back.amount_yen}"
