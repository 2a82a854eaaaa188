"""The notary node: sees hashes of consumed tokens, and lets each be consumed once.

It keeps the hash of every consumed reference with the hash of the id of the transaction that
consumed it: no quantity, no owner, no date (V1). The same transaction twice has the same answer;
another one for any of the same tokens is a double spend, and the answer names only the hash of
the transaction that was first.

It does not check content: that is for the nodes that see it. Nothing outside is called while a
transaction waits here (I25).
"""

from collections.abc import Sequence
from hashlib import sha256


class Notary:
    """Uniqueness of consumption.

    Attributes:
        key: Whose node key signs.
        spent: Hash of the consuming transaction's id by hash of the consumed reference.
    """

    __slots__ = ("key", "spent")

    def __init__(self, key: str) -> None:
        self.key = key
        self.spent: dict[bytes, bytes] = {}

    def conflict(self, input_hashes: Sequence[bytes], tx_id: str) -> bytes | None:
        """Hash of the transaction that consumed one of these first, or None."""
        mine = sha256(tx_id.encode()).digest()
        for consumed in input_hashes:
            first = self.spent.get(consumed, mine)
            if first != mine:
                return first
        return None

    def consume(self, input_hashes: Sequence[bytes], tx_id: str) -> bool:
        """Consume all inputs; False for a double spend, and nothing is consumed."""
        mine = sha256(tx_id.encode()).digest()
        spent = self.spent
        for consumed in input_hashes:
            if spent.get(consumed, mine) != mine:
                return False
        for consumed in input_hashes:
            spent[consumed] = mine
        return True
