"""Proving the ledger from its own records: ids, seals, signatures, and what was signed.

Nothing is believed that can be computed: the id of each transaction from its content, the root of each
seal from its ids, every signature with the key's public half, and the mandate of each transfer from its
terms (I24). Whatever ``KeyRing`` remembers of earlier proofs is not asked. Cost: O(transactions).
"""

from collections.abc import Iterable, Mapping

from market.errors import check
from settlement.keys import KeyRing
from settlement.progmat.records import Transaction, TransferType, content_hash, mandate_of
from settlement.progmat.seals import Seal, root


def check_transactions(
    transactions: Mapping[str, Transaction], seals: Iterable[Seal], keys: KeyRing
) -> None:
    """Every id, signature and mandate is what it should be.

    Raises:
        InvariantBroken: When one is not (I17, I24).
    """
    sealed: set[tuple[str, str]] = set()
    for seal in seals:
        genuine = keys.verify_record(seal.key, root(seal.tx_ids), seal.signature)
        check(genuine, "I17: every signature verifies", key=seal.key)
        sealed.update((seal.key, tx_id) for tx_id in seal.tx_ids)
    for tx_id, one in transactions.items():
        same = content_hash(one.inputs, one.outputs, one.info, one.mandate) == tx_id
        check(same, "I17: an id is the hash of its content", tx=tx_id)
        check(one.mandate in _mandates(one), "I24: what is signed is what was done", tx=tx_id)
        digest = bytes.fromhex(tx_id)
        signed = [(one.authority_key, one.mandate, one.authority_signature)]
        for key, signature in (
            (one.node_key, one.node_signature),
            (one.notary_key, one.notary_signature),
        ):
            if (key, tx_id) not in sealed:
                signed.append((key, digest, signature))
        for key, content, signature in signed:
            genuine = key == "" or keys.verify_record(key, content, signature)
            check(genuine, "I17: every signature verifies", tx=tx_id, key=key)


def _mandates(one: Transaction) -> set[bytes]:
    """What an account may have signed for a transaction: its terms, or the lock it carries out."""
    info = one.info
    if one.authority_key == "":
        return {b""}
    whys = [f"{info.transfer_type}:{info.authority}"]
    if info.transfer_type is TransferType.SALE:
        whys.append(f"{TransferType.LOCK}:")
    return {
        mandate_of(
            trade_id=info.trade_id, instrument_id=info.instrument_id,
            giver=info.from_investor_id, taker=info.to_investor_id,
            quantity_units=info.quantity_units, why=why,
        )
        for why in whys
    }  # fmt: skip
