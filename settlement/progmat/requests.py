"""Requests to the platform: checked in one order, answered once, and nothing moved when refused.

A request has an id of its own. The same id with the same content has the first answer again, a
refusal included; with other content it is refused (I10). A new try needs a new id. Who may not ask
for a thing takes no id from who may.

Who may ask: an issue's administrator for issue, allotment, succession, legal order and redemption,
and for a cancel on a legal ground; the giver's custodian for everything else. A firm without a
node, or an intermediary, asks for its own clients through its custodian by API (``instruct``).
Unknown and foreign have the same answer (I14).

A cancel moves one earlier transfer of this issue back: same quantity, sides swapped, once, only
while the units are still in the token that transfer made, which the cancel spends; with the consent
of both sides or on a legal ground. A sale moves only together with its cash, posted in the same
step, and is canceled only together with the same cash going back. A cancel is not canceled: agree
a new transfer.

Choices where the source has none: law and the issuer's power reach a frozen account and a receiver
who lets nothing in, but not an issue whose flag is off (I16); a custody move is between two
custodians, and the accounts on both sides sign it, which is as near as a ledger of opaque ids comes to
"the same person"; no more collateral is returned than was given between the two; redemption
of the issue returns every live lock first, then redeems what each owner has.
"""

from typing import NamedTuple

from market.errors import check
from settlement.asset_ledger import AssetLedger
from settlement.progmat import request_checks as checks
from settlement.progmat.platform import Platform
from settlement.progmat.records import Transaction, TransferType, reference
from settlement.progmat.register import ProgmatRegister
from settlement.progmat.roles import RIGHTS
from settlement.progmat.transfer_request import (
    Answer,
    CashLeg,
    Receipt,
    TransferRequest,
    cancels,
    ground,
    is_by_power,
    needs_consent,
)
from settlement.refusals import Refusal
from settlement.register import ISSUER

_T = TransferType


class Done(NamedTuple):
    """A transfer that was asked for here: its transaction, and what was paid in the same step."""

    tx_id: str
    paid: CashLeg | None


class Requests:
    """The platform's counter.

    Attributes:
        answers: Request and answer by creator and id.
        trades: What was done, by trade id.
        canceled: Trade ids that were moved back.
        collateral: Units given as collateral and not returned, by issue, giver and taker.
    """

    __slots__ = (
        "_ids",
        "_platform",
        "_registers",
        "answers",
        "canceled",
        "collateral",
        "trades",
    )

    def __init__(self, platform: Platform) -> None:
        self._platform = platform
        self._registers: dict[str, ProgmatRegister] = {}
        self._ids: dict[str, str] = {}  # who was entitled to ask, by id
        self.answers: dict[tuple[str, str], tuple[TransferRequest, Answer]] = {}
        self.trades: dict[str, Done] = {}
        self.canceled: set[str] = set()
        self.collateral: dict[tuple[str, str, str], int] = {}

    def serve(self, register: ProgmatRegister) -> None:
        """Take requests for an issue."""
        check(register.platform is self._platform, "a counter serves its own platform")
        self._registers[register.asset] = register

    # --- asking

    def instruct(
        self, firm: str, request: TransferRequest, cash: AssetLedger | None = None
    ) -> Answer:
        """By API: a firm without a node, or an intermediary, for a client, through its custodian."""
        party = self._platform.parties.get(firm)
        if party is None or not RIGHTS[party.role].instructs or party.via != request.creator:
            return Refusal.NOT_ENTITLED
        if self._platform.firms.get(request.giver) != firm:
            return Refusal.NOT_VISIBLE
        return self.submit(request, cash)

    def submit(self, request: TransferRequest, cash: AssetLedger | None = None) -> Answer:
        """Answer a request once and for all.

        Args:
            request: What is asked for.
            cash: The ledger on which the cash of a sale, or of its cancel, moves.
        """
        known = self.answers.get((request.creator, request.request_id))
        if known is not None:
            return known[1] if known[0] == request else Refusal.ID_CONFLICT
        answer: Answer | None = checks.entitlement(self._platform, self._registers, request)
        if answer is None:
            first = self._ids.setdefault(request.request_id, request.creator)
            if first != request.creator:
                return Refusal.ID_CONFLICT
            answer = self._carry_out(request, cash)
        self.answers[request.creator, request.request_id] = (request, answer)
        return answer

    def sign(self, request: TransferRequest, key: str) -> bytes:
        """The signature of a request's terms by a key, as its owner's device would make it."""
        return self._platform.keys.sign(key, self._mandate(request))

    def _carry_out(self, request: TransferRequest, cash: AssetLedger | None) -> Answer:
        platform, register = self._platform, self._registers[request.instrument_id]
        refused = (
            checks.values(platform, request)
            or checks.switches(platform, register, request)
            or self._earlier(request, cash)
            or checks.means(platform, register, request)
            or self._consent(request)
        )
        if refused is not None:
            return refused
        by_power = is_by_power(request)
        target = self.trades.get(request.cancel_target)
        refused = register.move(
            request.transfer_type, request.giver, request.taker, request.quantity_units,
            trade_id=request.request_id,
            authority_key=register.administrator if by_power else request.giver,
            signature=request.signature,
            inputs=request.inputs if target is None else (reference(target.tx_id, 0),),
            cancel_target=request.cancel_target, authority=ground(request),
            administrative=by_power,
        )  # fmt: skip
        if refused is not None:
            return refused
        # The transaction is final from here on; what follows cannot fail.
        tx_id = next(reversed(platform.transactions))
        leg = request.cash
        if cash is not None and leg is not None:
            cash.post(leg.payer, leg.payee, leg.amount_yen)
        self.trades[request.request_id] = Done(tx_id, leg)
        self._note_collateral(request)
        if target is not None:
            self.canceled.add(request.cancel_target)
        return Receipt(tx_id)

    # --- what it refers to

    def _earlier(self, request: TransferRequest, cash: AssetLedger | None) -> Refusal | None:
        """What an earlier transfer allows: a cancel, a return of collateral; and the cash."""
        if cancels(request):
            return self._cancel(request, cash)
        if request.transfer_type is _T.COLLATERAL_RETURN:
            given = self.collateral.get((request.instrument_id, request.taker, request.giver), 0)
            if request.quantity_units > given:
                return Refusal.TERMS_MISMATCH
        return checks.payment(request, cash)

    def _cancel(self, request: TransferRequest, cash: AssetLedger | None) -> Refusal | None:
        done = self.trades.get(request.cancel_target)
        target = None if done is None else self._platform.transactions[done.tx_id]
        if done is None or target is None or target.info.instrument_id != request.instrument_id:
            return Refusal.NOT_VISIBLE
        info = target.info
        if not self._is_party(request.creator, target):
            return Refusal.NOT_VISIBLE
        if request.cancel_target in self.canceled or info.transfer_type is _T.CANCEL:
            return Refusal.ALREADY_FINAL
        swapped = (info.to_investor_id, info.from_investor_id, info.quantity_units)
        if swapped != (request.giver, request.taker, request.quantity_units):
            return Refusal.TERMS_MISMATCH
        if not self._still_there(request.instrument_id, target):
            return Refusal.NOT_NEWEST
        return checks.return_of_cash(request, done.paid, cash)

    def _is_party(self, node: str, target: Transaction) -> bool:
        """Whether a node holds the transaction; to another it is like one that never was (I14)."""
        info, custodians = target.info, self._platform.custodians
        sides = (custodians[info.from_investor_id], custodians[info.to_investor_id])
        return node in (*sides, self._platform.administrators[info.instrument_id])

    def _still_there(self, instrument_id: str, target: Transaction) -> bool:
        """Whether the units are where the transfer put them, and its collateral not returned."""
        info = target.info
        if info.transfer_type is _T.COLLATERAL:
            key = (instrument_id, info.from_investor_id, info.to_investor_id)
            if self.collateral.get(key, 0) < info.quantity_units:
                return False
        return self._registers[instrument_id].newest_movement(target)

    def _note_collateral(self, request: TransferRequest) -> None:
        """Keep what is out between two accounts; the checks have let it pass."""
        kind, units = request.transfer_type, request.quantity_units
        if cancels(request):
            done = self.trades[request.cancel_target]
            kind = self._platform.transactions[done.tx_id].info.transfer_type
            kind = {
                _T.COLLATERAL: _T.COLLATERAL_RETURN, _T.COLLATERAL_RETURN: _T.COLLATERAL,
            }.get(kind, _T.CANCEL)  # fmt: skip
        if kind is _T.COLLATERAL:
            key = (request.instrument_id, request.giver, request.taker)
            self.collateral[key] = self.collateral.get(key, 0) + units
        elif kind is _T.COLLATERAL_RETURN:
            self.collateral[request.instrument_id, request.taker, request.giver] -= units

    def _consent(self, request: TransferRequest) -> Refusal | None:
        if not needs_consent(request):
            return None
        mandate = self._mandate(request)
        genuine = self._platform.keys.verify(request.taker, mandate, request.consent)
        return None if genuine else Refusal.BAD_SIGNATURE

    def _mandate(self, request: TransferRequest) -> bytes:
        return self._registers[request.instrument_id].mandate(
            request.request_id, request.giver, request.taker, request.quantity_units,
            request.transfer_type, ground=ground(request),
        )  # fmt: skip

    # --- the end of an issue

    def redeem_issue(self, instrument_id: str, *, creator: str) -> Refusal | int:
        """Return every lock, redeem every holder, end the issue; the units redeemed.

        Again gives 0: there is nothing left (I10).
        """
        register = self._registers.get(instrument_id)
        if register is None or creator != register.administrator:
            return Refusal.NOT_ENTITLED
        if register.ended:
            return 0
        refused = register.hindrance(ISSUER, ISSUER, by_power=True)
        if refused is not None:
            return refused
        # Every refusal is above this line: station, flag and the administrator's keys were asked.
        for hold_id in list(register.live_holds):
            register.void_hold(hold_id)
        before = register.redeemed_units
        for owner, units in register.holders():
            refused = register.move(
                _T.REDEEM, owner, ISSUER, units, authority_key=register.administrator
            )
            check(refused is None, "a checked redemption is accepted", owner=owner)
        register.end()
        return register.redeemed_units - before
