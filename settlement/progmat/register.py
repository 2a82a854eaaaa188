"""One issue on the platform: the holder register kept as tokens, in the shape of every ledger.

The tokens are the ledger; the accounts of ``Register`` follow them posting by posting and are the
register (原簿) in account form. ``check_invariants`` proves that both say the same (I1), that the
custodians' books do (I22), and that every live lock is one token (I5, I6).

A hold is a LOCK transaction: the units stay their owner's, in a token of their own, and the rest
comes back as change. Posting the hold spends that token to the taker under the signature the
giver's account gave with the lock; voiding it spends it back to the owner and needs no one.

Tokens are spent first in, first out, from a queue for each owner. A transaction makes at most two
tokens, so the tokens spent over any run are at most those made: constant cost on average. A token
that was named and spent out of turn stays in its queue until its turn comes, and is passed over.
"""

from collections import deque
from typing import ClassVar

from market.errors import check
from market.instrument import Instrument, TokenPlatform
from market.quantities import Units
from market.token_acts import TransferGround
from settlement.ledger import Hold, HoldId
from settlement.progmat.platform import ADMINISTRATOR, Platform
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
from settlement.register import ISSUER, Register, used
from settlement.station import Process
from settlement.transfer_control import InFlight


class ProgmatRegister(Register):
    """Holders of one issue, in units, as unspent tokens.

    Attributes:
        administrator: The asset node of the issue.
        unspent: Every token there is, by reference.
        refusing: Owners whose node refuses what comes in.
        record_dates: Register by record date, as it stood when that was run (I13).
    """

    kind: ClassVar = TokenPlatform.PROGMAT
    __slots__ = (
        "_locks",
        "_mandates",
        "_queues",
        "_serial",
        "administrator",
        "platform",
        "record_dates",
        "refusing",
        "unspent",
    )

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
        self.unspent: dict[str, Token] = {}
        self.refusing: set[str] = set()
        self.record_dates: dict[str, list[tuple[str, int]]] = {}
        self._queues: dict[str, deque[str]] = {}
        self._locks: dict[HoldId, str] = {}
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

    # --- the shape of every ledger

    @property
    def executable(self) -> bool:
        """The transfer-executability flag of the issue's control id."""
        return self.accepts_entries

    @executable.setter
    def executable(self, value: bool) -> None:
        control = self.platform.controls.joined[self.asset]
        self.platform.set_control(
            control, executable=value, in_flight=InFlight.DRAIN, actor=self.administrator,
            reason="venue",
        )  # fmt: skip

    def hindrance(
        self, giver: str, taker: str, *, hold_id: HoldId | None = None, by_power: bool = False
    ) -> Refusal | None:
        """As a register, with the station, frozen investors, the receiver's word and signatures."""
        platform = self.platform
        process = Process.INSTRUCT if hold_id is None else Process.COMPLETE
        refused = platform.station.refusal(process) or super().hindrance(
            giver, taker, hold_id=hold_id, by_power=by_power
        )
        if refused is not None:
            return refused
        if not by_power:
            if giver in platform.frozen or taker in platform.frozen:
                return Refusal.ACCOUNT_FROZEN
            if taker in self.refusing:
                return Refusal.RECEIVER_REFUSED
        return self._signature_refusal(giver, hold_id, by_power=by_power)

    def _signature_refusal(
        self, giver: str, hold_id: HoldId | None, *, by_power: bool
    ) -> Refusal | None:
        """Whose key would be refused: the giver's, the creating node's, the notary's."""
        platform, keys = self.platform, self.platform.keys
        if not keys.signing:
            return None
        ruling = by_power or giver == ISSUER
        node = self.administrator if ruling else platform.custodians.get(giver, giver)
        authority = self.administrator if by_power else giver
        for owner in (authority, platform.node_key(node), platform.notary.key):
            refused = keys.refusal(owner)
            if refused is not None:
                return refused
        if hold_id in self._mandates and not keys.verify_mandate(giver, *self._mandates[hold_id]):
            return Refusal.BAD_SIGNATURE
        return None

    def completion_hindrance(self, taker: str) -> Refusal | None:
        """A paid delivery, too, waits for the station."""
        del taker
        return self.refusal(Process.COMPLETE)

    def return_hindrance(self) -> Refusal | None:
        """In an emergency nothing returns."""
        return self.platform.station.refusal(Process.RETURN)

    def freeze(self, owner: str, *, frozen: bool, reason: str) -> None:
        """As a register, on the audit chain."""
        super().freeze(owner, frozen=frozen, reason=reason)
        word = "frozen" if frozen else "free"
        self.platform.note(self.administrator, f"account {owner} {word} in {self.asset}", reason)

    def set_receiving(self, owner: str, *, receives: bool, reason: str) -> None:
        """The owner's node lets units in, or refuses them."""
        (self.refusing.discard if receives else self.refusing.add)(owner)
        word = "receives" if receives else "refuses"
        self.platform.note(owner, f"account {owner} {word} {self.asset}", reason)

    def force(
        self, giver: str, taker: str, units: Units, ground: TransferGround, reference: str
    ) -> None:
        """By the administrator's key; the reference stands for the legal ground."""
        self._check_free(giver, units)
        kind = TransferType(ground.value)
        self._must(
            self.move(
                kind, giver, taker, units, authority_key=self.administrator, authority=reference
            )
        )

    def redeem(self, owner: str, units: Units) -> None:
        """By the administrator's key."""
        self._check_free(owner, units)
        key = self.administrator
        self._must(self.move(TransferType.REDEEM, owner, ISSUER, units, authority_key=key))

    def _check_free(self, owner: str, units: int) -> None:
        enough = 0 < units <= self.available(owner)
        check(enough, "I3: nobody gives what he lacks", asset=self.asset, owner=owner)

    def owners_in_law(self, record_date: str) -> dict[str, int]:
        """From the tokens; written down where the station lets the record date be run."""
        told = self.run_record_date(record_date)
        return self._owned() if isinstance(told, Refusal) else dict(told)

    def can_give(self, owner: str, amount: int) -> bool:
        """As a ledger, while the station is open and the account is not frozen."""
        platform = self.platform
        if owner in platform.frozen or platform.station.refusal(Process.INSTRUCT) is not None:
            return False
        if owner == ISSUER and amount > self.unissued_units:
            return False
        return super().can_give(owner, amount)

    def post(self, giver: str, taker: str, amount: int) -> None:
        """Move at once: an allotment when the issuer gives, otherwise a sale."""
        self._check_entry(giver, taker, amount)
        kind = TransferType.ALLOT if giver == ISSUER else TransferType.SALE
        self._must(self.move(kind, giver, taker, amount))

    def hold(self, hold_id: HoldId, giver: str, taker: str, amount: int) -> None:
        """Lock units for the taker (仮移転)."""
        check(self.is_unused(hold_id), "I10: a hold id is used once", hold=hold_id)
        self._check_entry(giver, taker, amount)
        mandate = self.mandate(hold_id, giver, taker, amount, TransferType.LOCK)
        signature = self.platform.keys.sign(giver, mandate)
        self._must(self.lock(hold_id, giver, taker, amount, mandate=mandate, signature=signature))

    def post_hold(self, hold_id: HoldId) -> Hold:
        """Spend the locked token to the taker (本移転).

        The mandate the giver's account signed with the lock authorises it. Where that account or
        its node has no valid key any more, the issue's administrator does: the taker has paid.

        Raises:
            InvariantBroken: When the hold is not live, the station is shut to completion, or the
                flag froze it; ask :meth:`refusal` first.
        """
        check(hold_id in self.live_holds, "I5: a hold ends once", asset=self.asset, hold=hold_id)
        refused = self.refusal(Process.COMPLETE)
        check(refused is None, "I16: no final transfer now", hold=hold_id, refused=refused)
        hold = self.live_holds[hold_id]
        mandate, signature = self._mandates[hold_id]
        authority_key, by_power = hold.giver, False
        if self._signature_refusal(hold.giver, hold_id, by_power=False) is not None:
            authority_key, by_power = self.administrator, True
            signature = self.platform.keys.sign(authority_key, mandate)
        info = self.info(
            hold_id, hold.giver, hold.taker, hold.amount, TransferType.SALE,
            administrative=by_power,
        )  # fmt: skip
        outputs = (Token(hold.taker, hold.amount),)
        refused = self._record(
            (self._locks[hold_id],),
            outputs,
            info,
            mandate,
            authority_key=authority_key,
            authority_signature=signature,
        )
        self._must(refused)
        self._forget(hold_id)
        self._kept(hold.giver, hold.taker, hold.amount)
        return super().post_hold(hold_id)

    def void_hold(self, hold_id: HoldId) -> Hold:
        """Spend the locked token back to its owner; refused only while the ledger is down.

        An exit needs nobody's leave (I20): where the owner's node has no valid key, the issue's
        administrator makes the transaction.
        """
        check(hold_id in self.live_holds, "I5: a hold ends once", asset=self.asset, hold=hold_id)
        refused = self.refusal(Process.RETURN)
        check(refused is None, "I16: the ledger is down", hold=hold_id, refused=refused)
        hold = self.live_holds[hold_id]
        node = self.platform.node_key(self.platform.custodian_of(hold.giver))
        info = self.info(
            hold_id, hold.giver, hold.giver, hold.amount, TransferType.RETURN,
            administrative=self.platform.keys.refusal(node) is not None,
        )  # fmt: skip
        outputs = (Token(hold.giver, hold.amount),)
        self._must(self._record((self._locks[hold_id],), outputs, info))
        self._forget(hold_id)
        return super().void_hold(hold_id)

    def refusal(self, process: Process, epoch: int | None = None) -> Refusal | None:
        """Why the station or the flag bars a process now: the last reading, which decides."""
        refused = self.platform.station.refusal(process, epoch)
        return refused or self.platform.controls.refusal(self.asset, process)

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
        chosen, change = self._choose(giver, units, inputs)
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
        chosen, change = self._choose(giver, units, ())
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

    # --- the register at a record date

    def run_record_date(self, record_date: str) -> list[tuple[str, int]] | Refusal:
        """Write down the owners in law (権利者): locked units count for the deliverer.

        The same date again gives what was written down first (I10).
        """
        known = self.record_dates.get(record_date)
        if known is None:
            refused = self.platform.station.refusal(Process.BATCH)
            if refused is not None:
                return refused
            known = self.record_dates[record_date] = list(self._owned().items())
            self.platform.note(
                self.administrator, f"record date {self.asset} {record_date}", "batch"
            )
        return list(known)

    def _owned(self) -> dict[str, int]:
        held: dict[str, int] = {}
        for token in self.unspent.values():
            if token.owner != ISSUER:
                held[token.owner] = held.get(token.owner, 0) + token.quantity_units
        return dict(sorted(held.items()))

    # --- inside

    def _next_id(self) -> str:
        self._serial += 1
        return f"{self.asset}-{self._serial}"

    def _choose(
        self, giver: str, units: int, inputs: tuple[str, ...]
    ) -> tuple[tuple[str, ...], int]:
        """Tokens to spend, oldest first or as named, and the change."""
        if inputs:
            total = sum(
                output.quantity_units
                for tx_id, _, position in (one.partition(":") for one in inputs)
                for output in [self.platform.transactions[tx_id].outputs[int(position)]]
            )
            return inputs, total - units
        queue, unspent = self._queues[giver], self.unspent
        while queue and queue[0] not in unspent:
            queue.popleft()
        chosen: list[str] = []
        total = 0
        for name in queue:
            token = unspent.get(name)
            if token is not None:
                chosen.append(name)
                total += token.quantity_units
                if total >= units:
                    break
        check(total >= units, "I3: nobody gives what he lacks", owner=giver, units=units)
        return tuple(chosen), total - units

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
        unspent, queues, tx_id = self.unspent, self._queues, told.tx_id
        for name in inputs:
            del unspent[name]
        for position, token in enumerate(outputs):
            name = reference(tx_id, position)
            unspent[name] = token
            if token.hold_id:
                self._locks[HoldId(token.hold_id)] = name
            elif token.owner in queues:
                queues[token.owner].append(name)
            else:
                queues[token.owner] = deque((name,))
        return None

    def _kept(self, giver: str, taker: str, units: int) -> None:
        self.platform.keep(giver, self.asset, -units)
        self.platform.keep(taker, self.asset, units)

    def _forget(self, hold_id: HoldId) -> None:
        self._locks.pop(hold_id, None)
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
        owned: dict[str, int] = {}
        locked: dict[str, int] = {}
        for token in self.unspent.values():
            owned[token.owner] = owned.get(token.owner, 0) + token.quantity_units
            if token.hold_id:
                locked[token.hold_id] = token.quantity_units
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

    def state(self) -> dict[str, object]:
        """Canonical content for the digest."""
        return {
            **super().state(),
            "redeemed_units": self.redeemed_units,
            **used({"refusing": sorted(self.refusing)}),
            "tokens": len(self.unspent),
            "platform": self.platform.state(),
        }
