"""The transactions of one issue: tokens spent and made, and the accounts that follow them.

The tokens are the ledger; the accounts of ``Register`` follow them posting by posting and are the
register (原簿) in account form. ``check_invariants`` proves that both say the same (I1), that the
custodians' books do (I22), and that every live lock is one token (I5, I6).

A step either makes its transaction and moves the accounts, or is refused and has moved nothing: every
refusal comes from ``Platform.accept``, before it records anything. Cost: O(1) a step on average
(coins.py); proving is O(accounts + tokens).
"""

from market.errors import check
from market.instrument import Instrument
from market.quantities import Units
from settlement.ledger import HoldId
from settlement.progmat.coins import Coins
from settlement.progmat.parties import ADMINISTRATOR
from settlement.progmat.platform import Platform
from settlement.progmat.records import (
    Token,
    Transaction,
    TransferInfo,
    TransferType,
    mandate_of,
    reference,
)
from settlement.progmat.roles import ADMINISTRATIVE
from settlement.refusals import Refusal
from settlement.register import ISSUER, Register


class TokenBook(Register):
    """Units of one issue as unspent tokens.

    Attributes:
        administrator: The asset node of the issue.
        platform: What all issues share.
        coins: The tokens.
    """

    __slots__ = ("_mandates", "_serial", "administrator", "coins", "platform")

    def __init__(
        self,
        instrument: Instrument,
        platform: Platform,
        *,
        control_id: str = "",
        administrator: str = ADMINISTRATOR,
    ) -> None:
        super().__init__(instrument)
        self.platform = platform
        self.administrator = administrator
        self.coins = Coins()
        self._mandates: dict[HoldId, tuple[bytes, bytes]] = {}
        self._serial = 0
        platform.registers[self.asset] = self
        platform.administrators[self.asset] = administrator
        platform.controls.join(
            self.asset, control_id or self.asset, executable=instrument.transfer_executable
        )
        self.accepts_entries = platform.controls.executable(self.asset)
        info = self.info("", "", ISSUER, self.issued_units, TransferType.ISSUE)
        self._must(self._record((), (Token(ISSUER, self.issued_units),), info))

    @property
    def unspent(self) -> dict[str, Token]:
        """Every token there is, by reference."""
        return self.coins.unspent

    # --- steps that may be refused; nothing has moved when they are

    def move(
        self,
        kind: TransferType,
        giver: str,
        taker: str,
        units: int,
        *,
        trade_id: str = "",
        authority_key: str | None = None,
        signature: bytes | None = None,
        inputs: tuple[str, ...] = (),
        cancel_target: str = "",
        authority: str = "",
        administrative: bool = False,
    ) -> Refusal | None:
        """One transfer; signed here unless a signature is given. Units must be available."""
        choose = self.coins.choose
        chosen, change = self._named(inputs, units) if inputs else choose(giver, units)
        trade = trade_id or self._next_id()
        mandate = self.mandate(trade, giver, taker, units, kind, ground=authority)
        key = giver if authority_key is None else authority_key
        signed = self.platform.keys.sign(key, mandate) if signature is None else signature
        outputs = [] if kind is TransferType.REDEEM else [Token(taker, units)]
        if change:
            outputs.append(Token(giver, change))
        info = self.info(
            trade, giver, taker, units, kind, cancel_target=cancel_target, authority=authority,
            administrative=administrative,
        )  # fmt: skip
        self.platform.custodian_of(taker)
        refused = self._record(
            chosen, tuple(outputs), info, mandate, authority_key=key, authority_signature=signed
        )
        if refused is not None:
            return refused
        self._move(giver, taker, units)
        if kind is TransferType.REDEEM:
            self.issued_units = Units(self.issued_units - units)
            self.redeemed_units += units
            self.platform.keep(giver, self.asset, -units)
        else:
            self._kept(giver, taker, units)
        return None

    def lock(
        self,
        hold_id: HoldId,
        giver: str,
        taker: str,
        units: int,
        *,
        mandate: bytes,
        signature: bytes,
    ) -> Refusal | None:
        """The transaction and the entry of one hold; :meth:`hold` has checked it."""
        chosen, change = self.coins.choose(giver, units)
        locked = Token(giver, units, hold_id)
        outputs = (locked, Token(giver, change)) if change else (locked,)
        self.platform.custodian_of(taker)
        info = self.info(hold_id, giver, taker, units, TransferType.LOCK)
        refused = self._record(
            chosen,
            outputs,
            info,
            mandate,
            authority_key=giver,
            authority_signature=signature,
        )
        if refused is not None:
            return refused
        self._mandates[hold_id] = (mandate, signature)
        self._set_aside(hold_id, giver, taker, units)
        return None

    def mandate(
        self,
        trade_id: str,
        giver: str,
        taker: str,
        units: int,
        kind: TransferType,
        *,
        ground: str = "",
    ) -> bytes:
        """What the giver's account signs; the same for a lock and for the transfer it promises."""
        return mandate_of(
            trade_id=trade_id, instrument_id=self.asset, giver=giver, taker=taker,
            quantity_units=units, why=f"{kind}:{ground}",
        )  # fmt: skip

    def info(
        self,
        trade_id: str,
        giver: str,
        taker: str,
        units: int,
        kind: TransferType,
        *,
        cancel_target: str = "",
        authority: str = "",
        administrative: bool = False,
    ) -> TransferInfo:
        """Transfer information of now."""
        administrative = administrative or kind in ADMINISTRATIVE or giver == ISSUER
        creator = self.administrator if administrative else self.platform.custodian_of(giver)
        return TransferInfo(
            trade_id=trade_id, instrument_id=self.asset, creator_id=creator,
            from_investor_id=giver, to_investor_id=taker, quantity_units=units,
            delivery_date=self.platform.business_date, transfer_type=kind,
            cancel_target_trade_id=cancel_target, registered_at=self.platform.at_ns,
            registered_by=creator, authority=authority,
        )  # fmt: skip

    # --- inside

    def _next_id(self) -> str:
        self._serial += 1
        return f"{self.asset}-{self._serial}"

    def _named(self, inputs: tuple[str, ...], units: int) -> tuple[tuple[str, ...], int]:
        """Tokens to spend as they were named, and the change."""
        total = sum(
            output.quantity_units
            for tx_id, _, position in (one.partition(":") for one in inputs)
            for output in [self.platform.transactions[tx_id].outputs[int(position)]]
        )
        return inputs, total - units

    def _record(
        self,
        inputs: tuple[str, ...],
        outputs: tuple[Token, ...],
        info: TransferInfo,
        mandate: bytes = b"",
        *,
        authority_key: str = "",
        authority_signature: bytes = b"",
    ) -> Refusal | None:
        told = self.platform.accept(
            inputs, outputs, info, mandate=mandate, authority_key=authority_key,
            authority_signature=authority_signature,
        )  # fmt: skip
        if isinstance(told, Refusal):
            return told
        self.coins.replace(inputs, outputs, told.tx_id)
        return None

    def _kept(self, giver: str, taker: str, units: int) -> None:
        self.platform.keep(giver, self.asset, -units)
        self.platform.keep(taker, self.asset, units)

    def _forget(self, hold_id: HoldId) -> None:
        self.coins.locks.pop(hold_id, None)
        del self._mandates[hold_id]

    def _must(self, refused: Refusal | None) -> None:
        check(refused is None, "a checked step is accepted", asset=self.asset, refused=refused)

    # --- proving

    def newest_movement(self, transaction: Transaction) -> bool:
        """Whether the units a transfer brought are still where it put them."""
        return reference(transaction.tx_id, 0) in self.unspent

    def check_invariants(self) -> None:
        """As a register; and tokens, locks and custodians agree. O(accounts + tokens)."""
        super().check_invariants()
        owned, locked = self.coins.owned_units(), self.coins.locked_units()
        for owner in self.accounts:
            mine = self.unissued_units if owner == ISSUER else self.balance(owner)
            same = owned.pop(owner, 0) == mine
            check(same, "I1: tokens and accounts agree", asset=self.asset, owner=owner)
        check(not owned, "I1: every token has an account", asset=self.asset, owners=list(owned))
        held = {hold_id: hold.amount for hold_id, hold in self.live_holds.items()}
        check(locked == held, "I1, I6: each live lock is one token", asset=self.asset)
        clients: dict[str, int] = {}
        for owner in self.accounts:
            if owner != ISSUER:
                custodian = self.platform.custodian_of(owner)
                clients[custodian] = clients.get(custodian, 0) + self.balance(owner)
        for custodian, units in clients.items():
            kept = self.platform.omnibus.get((custodian, self.asset), 0)
            check(kept == units, "I22: a custodian keeps what its clients own",
                      custodian=custodian, kept=kept, owned=units)  # fmt: skip
