"""What all issues of the platform share: parties, keys, notary, station, flags, audit chain.

A transaction is accepted in one step: the mandate's signature, the creating node's signature, then
the notary consumes its inputs and signs. Every refusal comes before the notary has consumed
anything, so a refused transaction leaves no trace. Three signatures stand under a transfer: of the
giver's account, of the creating node, of the notary (V3); an override has the administrator's key
in the account's place, and an unlock, by which nothing leaves its owner, has none.

Under API_OPENING one operator's key stands for every node; under NODE_OPENING each node has its
own. Signatures are not part of a transaction's id, so both modes make the same ledger.

Inside ``begin_batch`` and ``end_batch`` the node and notary keys sign once for all transactions of
the batch (seals.py), the account's key under each as ever. The notary consumes inputs at once; a
transaction of the batch is final when the batch ends. A revoked key is refused before the batch
takes the transaction; a key revoked later still seals what was taken before.

Every change has a line in the audit chain (I17).

Time and business date are set by whoever runs the ledger.
"""

from collections import defaultdict

from market.errors import check
from market.token_acts import OperatingMode, Station
from settlement.keys import UNSIGNED, KeyRing
from settlement.progmat.audit import AuditChain
from settlement.progmat.notary import Notary
from settlement.progmat.parties import NOTARY, Parties
from settlement.progmat.proof import check_transactions
from settlement.progmat.records import (
    OVERRIDES,
    Token,
    Transaction,
    TransferInfo,
    content_hash,
    input_hash,
)
from settlement.progmat.roles import RIGHTS
from settlement.progmat.seals import Seal, root
from settlement.refusals import Refusal
from settlement.register import ISSUER, Register
from settlement.station import StationControl
from settlement.transfer_control import ControlChange, InFlight, TransferControls


class Platform(Parties):
    """One platform.

    Attributes:
        at_ns: Logical time of what happens now.
        business_date: Delivery date of what moves now, ISO 8601; empty when none was set.
        frozen: Investor accounts that give and take nothing.
        registers: By issue.
        administrators: Asset node by issue.
        transactions: Every transaction, by id, in order.
        vaults: Ids of the transactions that each node was party to, in order.
        omnibus: Units by custodian and issue: what its node says it keeps for all clients (I22).
        audit: The audit chain (audit.py).
        seals: Signatures under batches, oldest first.
    """

    def __init__(
        self,
        mode: OperatingMode = OperatingMode.NODE_OPENING,
        *,
        seed: str = "kitahama",
        signing: bool = False,
    ) -> None:
        super().__init__(mode)
        self.keys = KeyRing(seed, signing=signing)
        self.station = StationControl()
        self.controls = TransferControls()
        self.at_ns = 0
        self.business_date = ""
        self.frozen: set[str] = set()
        self.registers: dict[str, Register] = {}
        self.administrators: dict[str, str] = {}
        self.transactions: dict[str, Transaction] = {}
        self.vaults: dict[str, list[str]] = defaultdict(list)
        self.omnibus: dict[tuple[str, str], int] = {}
        self.audit = AuditChain()
        self.seals: list[Seal] = []
        self._batch: dict[str, list[str]] | None = None
        self.notary = Notary(self.node_key(NOTARY))

    # --- switches

    def set_control(
        self, control_id: str, *, executable: bool, in_flight: InFlight, actor: str, reason: str
    ) -> None:
        """Change one flag for every issue joined to it."""
        word = self.audit.word_for(reason)
        change = ControlChange(control_id, executable, in_flight, self.at_ns, actor, word)
        for instrument_id in self.controls.set(change):
            self.registers[instrument_id].let_in(entries=executable)
        self.note(actor, f"control {control_id} {int(executable)} {in_flight.value}", reason)

    def switch_station(self, station: Station, *, actor: str, reason: str) -> Refusal | None:
        """Take the station to its next state."""
        word = self.audit.word_for(reason)
        refused = self.station.switch(station, at_ns=self.at_ns, actor=actor, reason=word)
        if refused is None:
            self.note(actor, f"station {station.value}", reason)
        return refused

    def freeze(self, investor_id: str, *, frozen: bool, actor: str, reason: str) -> None:
        """Stop or free one account."""
        (self.frozen.add if frozen else self.frozen.discard)(investor_id)
        self.note(actor, f"account {investor_id} {'frozen' if frozen else 'free'}", reason)

    # --- transactions

    def accept(
        self,
        inputs: tuple[str, ...],
        outputs: tuple[Token, ...],
        info: TransferInfo,
        *,
        mandate: bytes,
        authority_key: str,
        authority_signature: bytes,
    ) -> Transaction | Refusal:
        """Verify, notarise, record and distribute one transaction. O(inputs and outputs)."""
        keys, kind = self.keys, info.transfer_type
        creator = self.parties.get(info.creator_id)
        if creator is None or not RIGHTS[creator.role].creates:
            return Refusal.NOT_ENTITLED
        unlocking = authority_key == ""
        if unlocking:
            check(kind in OVERRIDES, "V3: a transfer is authorised", trade=info.trade_id)
        else:
            administrator = self.administrators[info.instrument_id]
            if authority_key not in (info.from_investor_id, administrator):
                return Refusal.NOT_ENTITLED
            refused = keys.refusal(authority_key)
            if refused is not None:
                return refused
            if not keys.verify_mandate(authority_key, mandate, authority_signature):
                return Refusal.BAD_SIGNATURE
        tx_id = content_hash(inputs, outputs, info, mandate)
        node_key, notary_key = self.node_key(info.creator_id), self.notary.key
        refused = keys.refusal(node_key) or keys.refusal(notary_key)
        if refused is not None:
            return refused
        signs = keys.signing and self._batch is None
        node_signature = self._signed(node_key, tx_id) if signs else UNSIGNED
        if not self.notary.consume([input_hash(one) for one in inputs], tx_id):
            return Refusal.DOUBLE_SPEND
        notary_signature = self._signed(notary_key, tx_id) if signs else UNSIGNED
        if self._batch is not None:
            self._batch.setdefault(node_key, []).append(tx_id)
            if notary_key != node_key:
                self._batch.setdefault(notary_key, []).append(tx_id)
        # Every refusal is above this line; below it nothing can fail.
        transaction = Transaction(
            tx_id=tx_id,
            inputs=inputs,
            outputs=outputs,
            info=info,
            mandate=mandate,
            authority_key=authority_key,
            authority_signature=UNSIGNED if unlocking else authority_signature,
            node_key=node_key,
            node_signature=node_signature,
            notary_key=notary_key,
            notary_signature=notary_signature,
        )
        self.transactions[tx_id] = transaction
        self._distribute(info, tx_id)
        self.audit.add(self.at_ns, info.creator_id, tx_id, kind.value)
        return transaction

    def _signed(self, key: str, tx_id: str) -> bytes:
        """A node's signature of an id, made and verified."""
        digest = bytes.fromhex(tx_id)
        signature = self.keys.sign(key, digest)
        check(self.keys.verify(key, digest, signature), "a node signs", key=key, tx=tx_id)
        return signature

    def begin_batch(self) -> None:
        """Sign once for what comes until :meth:`end_batch`."""
        check(self._batch is None, "batches follow each other")
        self._batch = {}

    def end_batch(self) -> None:
        """Sign, verify and keep the seals of the batch, by key in order of first use."""
        check(self._batch is not None, "a batch ends once")
        for key, tx_ids in (self._batch or {}).items():
            digest = root(tx_ids)
            signature = self.keys.sign(key, digest)
            signed = self.keys.verify_record(key, digest, signature)
            check(signed, "a batch is signed", key=key)
            self.seals.append(Seal(key=key, tx_ids=tuple(tx_ids), signature=signature))
            self.audit.add(self.at_ns, key, digest.hex(), "seal")
        self._batch = None

    def _distribute(self, info: TransferInfo, tx_id: str) -> None:
        """Give the transaction to the nodes that are party to it, and to no other."""
        vaults = self.vaults
        administrator = self.administrators[info.instrument_id]
        vaults[administrator].append(tx_id)
        giver, taker = info.from_investor_id, info.to_investor_id
        giving = self.custodians.get(giver, administrator) if giver != ISSUER else administrator
        if giving != administrator:
            vaults[giving].append(tx_id)
        taking = self.custodians.get(taker, administrator) if taker != ISSUER else administrator
        if taking not in (administrator, giving):
            vaults[taking].append(tx_id)

    def keep(self, investor_id: str, instrument_id: str, units: int) -> None:
        """Change what a custodian's node says it keeps; the issuer has no custodian."""
        if investor_id == ISSUER:
            return
        key = (self.custodian_of(investor_id), instrument_id)
        self.omnibus[key] = self.omnibus.get(key, 0) + units

    def note(self, actor: str, what: str, reason: str) -> None:
        """Add a line to the audit chain."""
        self.audit.note(self.at_ns, actor, what, reason)

    # --- proving

    def check_audit(self) -> None:
        """Recompute the chain, every id, every signature and what it signs (proof.py)."""
        self.audit.verify()
        check_transactions(self.transactions, self.seals, self.keys)

    def state(self) -> dict[str, object]:
        """Canonical content for the digest. O(flags)."""
        return {
            "station": self.station.state(),
            "controls": self.controls.state(),
            "frozen": sorted(self.frozen),
            "transactions": len(self.transactions),
            "chain": self.audit.tip.hex(),
        }
