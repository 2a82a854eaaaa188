"""What is on the ledger: tokens, transfer information, and the transactions that carry both.

A token is one output of one transaction: so many units of one issue, owned by one investor id,
perhaps locked for one hold. A transaction consumes tokens and creates tokens; apart from issue
and redemption what goes in comes out. Its id is the hash of its whole content, inputs included,
so the past of a token cannot be changed without changing its name.

Investor ids are opaque; who stands behind one is in its firm's database only.

Source of the fields: tables 1 and 2 of the report of the Progmat working group (2021). The types
of transfer are ours.
"""

from enum import StrEnum
from hashlib import sha256
from typing import Final

from market.message import Message, canonical


class TransferType(StrEnum):
    """Why units move (移転種別)."""

    ISSUE = "issue"
    ALLOT = "allot"
    SALE = "sale"  # with payment
    FOP = "fop"  # free of payment
    CUSTODY_MOVE = "custody_move"  # same person, another custodian
    SUCCESSION = "succession"  # 相続
    COLLATERAL = "collateral"
    COLLATERAL_RETURN = "collateral_return"
    LEGAL_ORDER = "legal_order"  # forced transfer
    REDEEM = "redeem"  # 償還
    CANCEL = "cancel"  # moves one earlier transfer back
    LOCK = "lock"  # 仮移転: the owner stays
    RETURN = "return"  # the lock ends, the owner stays


OVERRIDES: Final = frozenset(
    {
        TransferType.ISSUE,
        TransferType.SUCCESSION,
        TransferType.LEGAL_ORDER,
        TransferType.REDEEM,
        TransferType.RETURN,
    }
)
"""Types that need no signature of the giver's account: law, or nothing leaves the owner."""


class Token(Message, frozen=True):
    """One output: units of an investor.

    Attributes:
        hold_id: The hold it is locked for; empty when it is free.
    """

    owner: str
    quantity_units: int
    hold_id: str = ""


class TransferInfo(Message, frozen=True, kw_only=True):
    """Table 2, without the ids that stand elsewhere in the transaction.

    Attributes:
        creator_id: Node that made the transaction.
        registered_at: Logical time, nanoseconds.
        authority: Reference of the legal ground of an override; empty otherwise.
    """

    trade_id: str
    instrument_id: str
    creator_id: str
    from_investor_id: str
    to_investor_id: str
    quantity_units: int
    delivery_date: str
    transfer_type: TransferType
    cancel_target_trade_id: str
    registered_at: int
    registered_by: str
    authority: str


class Transaction(Message, frozen=True, kw_only=True):
    """One change of the ledger, with its signatures.

    Attributes:
        tx_id: Hash of everything but the signatures, hexadecimal.
        inputs: References of the tokens consumed, ``tx_id:position``.
        mandate: What the giver's account signed (or the administrator, for an override).
        authority_key: Who signed the mandate; empty when nothing left the owner.
        node_key: Whose node key signed the transaction.
        notary_key: Which notary key signed it.
    """

    tx_id: str
    inputs: tuple[str, ...]
    outputs: tuple[Token, ...]
    info: TransferInfo
    mandate: bytes
    authority_key: str
    authority_signature: bytes
    node_key: str
    node_signature: bytes
    notary_key: str
    notary_signature: bytes


def reference(tx_id: str, position: int) -> str:
    """Name of one token."""
    return f"{tx_id}:{position}"


def input_hash(token_reference: str) -> bytes:
    """All that the notary learns of a consumed token."""
    return sha256(token_reference.encode()).digest()


def mandate_of(
    *, trade_id: str, instrument_id: str, giver: str, taker: str, quantity_units: int, why: str
) -> bytes:
    """What an account signs: the terms, whatever tokens and however many steps carry them out."""
    return sha256(canonical((trade_id, instrument_id, giver, taker, quantity_units, why))).digest()


def content_hash(
    inputs: tuple[str, ...], outputs: tuple[Token, ...], info: TransferInfo, mandate: bytes
) -> str:
    """The id of a transaction."""
    content = (
        inputs,
        [(token.owner, token.quantity_units, token.hold_id) for token in outputs],
        info.trade_id,
        info.instrument_id,
        info.creator_id,
        info.from_investor_id,
        info.to_investor_id,
        info.quantity_units,
        info.delivery_date,
        info.transfer_type,
        info.cancel_target_trade_id,
        info.registered_at,
        info.registered_by,
        info.authority,
        mandate.hex(),
    )
    return sha256(canonical(content)).hexdigest()
