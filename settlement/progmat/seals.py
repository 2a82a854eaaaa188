"""One signature under many transactions: the root of a hash tree of their ids.

A node with much to sign may gather ids and sign the root of their tree, which binds every one of
them in its place; an id with its path proves that it is under the signature without showing the
others. Leaves and nodes are hashed apart (0x00, 0x01 before the content), so no node passes for a
leaf. A level of odd length carries its last node up as it is.

Source of the tree: RFC 6962, section 2.1, with its last node carried up instead of split.
"""

from collections.abc import Sequence
from hashlib import sha256

from market.errors import check
from market.message import Message


class Seal(Message, frozen=True, kw_only=True):
    """A key's signature under the root of these ids, in order."""

    key: str
    tx_ids: tuple[str, ...]
    signature: bytes


def leaf(tx_id: str) -> bytes:
    """Hash of one id."""
    return sha256(b"\x00" + bytes.fromhex(tx_id)).digest()


def root(tx_ids: Sequence[str]) -> bytes:
    """Root of the tree. O(ids)."""
    check(bool(tx_ids), "a seal is under something")
    level = [leaf(tx_id) for tx_id in tx_ids]
    while len(level) > 1:
        level = _above(level)
    return level[0]


def path(tx_ids: Sequence[str], position: int) -> list[tuple[bool, bytes]]:
    """What proves one id: at each level whether the sibling is on the left, and the sibling."""
    level = [leaf(tx_id) for tx_id in tx_ids]
    steps: list[tuple[bool, bytes]] = []
    while len(level) > 1:
        sibling = position ^ 1
        if sibling < len(level):
            steps.append((sibling < position, level[sibling]))
        level = _above(level)
        position //= 2
    return steps


def root_from(tx_id: str, steps: Sequence[tuple[bool, bytes]]) -> bytes:
    """The root that an id and its path lead to."""
    digest = leaf(tx_id)
    for on_the_left, sibling in steps:
        digest = _node(sibling, digest) if on_the_left else _node(digest, sibling)
    return digest


def _above(level: list[bytes]) -> list[bytes]:
    paired = [_node(level[i], level[i + 1]) for i in range(0, len(level) - 1, 2)]
    return paired + level[-1:] if len(level) % 2 else paired


def _node(left: bytes, right: bytes) -> bytes:
    return sha256(b"\x01" + left + right).digest()
