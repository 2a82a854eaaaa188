"""Ed25519 keys of nodes and of investor accounts, and the switch that leaves signing out.

A key is derived from the ring's seed, its owner's name and its number, so a replay signs the same
bytes. A rotated key is replaced at once: what the old key signs from then on is refused, what it
signed before can still be verified against the record. A revoked owner signs nothing.

With signing off every signature is empty and every verification passes: the fast path, for runs
whose subject is not authenticity. One ring is either on or off for life.

Cost with signing on: about 50 microseconds to sign and 120 to verify on one slow core.
"""

from hashlib import sha256
from typing import Final

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from market.errors import check

UNSIGNED: Final = b""
"""What a ring with signing off gives."""


class KeyRing:
    """Everybody's keys; the simulator plays every owner, each verb asks for one by name.

    Attributes:
        signing: Whether signatures are made and verified.
        versions: Number of the present key by owner, from 1.
        revoked: Owners without a valid key.
    """

    __slots__ = ("_private", "_public", "_seed", "revoked", "signing", "versions")

    def __init__(self, seed: str, *, signing: bool) -> None:
        self._seed = seed
        self.signing = signing
        self.versions: dict[str, int] = {}
        self.revoked: set[str] = set()
        self._private: dict[str, Ed25519PrivateKey] = {}
        self._public: dict[tuple[str, int], Ed25519PublicKey] = {}

    def sign(self, owner: str, digest: bytes) -> bytes:
        """The owner's signature with the present key; the key is made at first use."""
        if not self.signing:
            return UNSIGNED
        key = self._private.get(owner)
        return (key or self._make(owner, 1)).sign(digest)

    def verify(self, owner: str, digest: bytes, signature: bytes) -> bool:
        """Whether the owner's present key made this signature of this digest."""
        if not self.signing:
            return True
        if owner in self.revoked or owner not in self.versions:
            return False
        return _is_signed(self._public[owner, self.versions[owner]], digest, signature)

    def verify_record(self, owner: str, digest: bytes, signature: bytes) -> bool:
        """Whether any key the owner ever had made this signature: for audits. O(keys of owner)."""
        if not self.signing:
            return True
        numbers = range(1, self.versions.get(owner, 0) + 1)
        return any(_is_signed(self._public[owner, n], digest, signature) for n in numbers)

    def rotate(self, owner: str) -> None:
        """Replace the owner's key; a revoked owner is back with the new one."""
        self._make(owner, self.versions.get(owner, 0) + 1)
        self.revoked.discard(owner)

    def revoke(self, owner: str) -> None:
        """End the owner's key."""
        self.revoked.add(owner)

    def public_key(self, owner: str) -> bytes:
        """Raw public key for the key table; made at first use."""
        check(self.signing, "a ring with signing off has no keys")
        if owner not in self.versions:
            self._make(owner, 1)
        return self._public[owner, self.versions[owner]].public_bytes_raw()

    def _make(self, owner: str, version: int) -> Ed25519PrivateKey:
        raw = sha256(f"{self._seed}/{owner}/{version}".encode()).digest()
        key = Ed25519PrivateKey.from_private_bytes(raw)
        self._private[owner] = key
        self._public[owner, version] = key.public_key()
        self.versions[owner] = version
        return key


def _is_signed(key: Ed25519PublicKey, digest: bytes, signature: bytes) -> bool:
    try:
        key.verify(signature, digest)
    except InvalidSignature:
        return False
    return True
