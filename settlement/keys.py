"""Ed25519 keys of nodes and of investor accounts, and the switch that leaves signing out.

A key is derived from the ring's seed, its owner's name and its number, so a replay signs the same
bytes. A rotated key is replaced at once: what the old key signs from then on is refused, what it
signed before can still be verified against the record. A revoked owner signs nothing. A key may have a
first and a last business date: outside them nothing it signs is accepted.

With signing off every signature is empty and every verification passes: the fast path, for runs
whose subject is not authenticity. One ring is either on or off for life.

Cost with signing on: about 20 microseconds to sign and 55 to verify on one slow core (libsodium
through PyNaCl; OpenSSL took 33 and 110 beside it). Both give the same signatures, byte for byte.
"""

from hashlib import sha256
from typing import Final, NamedTuple

from nacl.bindings import crypto_sign, crypto_sign_open, crypto_sign_seed_keypair
from nacl.exceptions import BadSignatureError

from market.errors import check
from settlement.refusals import Refusal

UNSIGNED: Final = b""
"""What a ring with signing off gives."""

REMEMBERED_MAX: Final = 100_000
"""Signatures known to be genuine; the oldest makes room."""

_SIGNATURE_BYTES: Final = 64


class _KeyPair(NamedTuple):
    """One key in the library's own form; ``secret`` ends with the public half."""

    public: bytes
    secret: bytes


class KeyRing:
    """Everybody's keys; the simulator plays every owner, each verb asks for one by name.

    Attributes:
        signing: Whether signatures are made and verified.
        versions: Number of the present key by owner, from 1.
        revoked: Owners without a valid key.
        periods: First and last business date of the present key by owner, ISO 8601; empty is open.
        business_date: The present business date, ISO 8601; empty before the first.
    """

    __slots__ = (
        "_genuine",
        "_pairs",
        "_secret",
        "_seed",
        "business_date",
        "periods",
        "revoked",
        "signing",
        "versions",
    )

    def __init__(self, seed: str, *, signing: bool) -> None:
        self._seed = seed
        self.signing = signing
        self.versions: dict[str, int] = {}
        self.revoked: set[str] = set()
        self.periods: dict[str, tuple[str, str]] = {}
        self.business_date = ""
        self._secret: dict[str, bytes] = {}
        self._pairs: dict[str, list[_KeyPair]] = {}
        self._genuine: dict[tuple[bytes, bytes, bytes], None] = {}

    def sign(self, owner: str, digest: bytes) -> bytes:
        """The owner's signature with the present key; the key is made at first use."""
        if not self.signing:
            return UNSIGNED
        secret = self._secret.get(owner) or self._make(owner, 1).secret
        return crypto_sign(digest, secret)[:_SIGNATURE_BYTES]

    def verify(self, owner: str, digest: bytes, signature: bytes) -> bool:
        """Whether the owner's present key made this signature of this digest."""
        if not self.signing:
            return True
        if owner not in self.versions or self.refusal(owner) is not None:
            return False
        return _is_signed(self._pairs[owner][-1].public, digest, signature)

    def verify_mandate(self, owner: str, digest: bytes, signature: bytes) -> bool:
        """As :meth:`verify`, for what is shown more than once: a lock and the transfer it promises.

        What a key was once proven to have signed it has signed; whether that key is still the
        owner's is asked every time. Only what is genuine is remembered.
        """
        if not self.signing:
            return True
        if owner not in self.versions or self.refusal(owner) is not None:
            return False
        shown = (self._pairs[owner][-1].public, digest, signature)
        if shown in self._genuine:
            return True
        if not _is_signed(*shown):
            return False
        if len(self._genuine) >= REMEMBERED_MAX:
            del self._genuine[next(iter(self._genuine))]
        self._genuine[shown] = None
        return True

    def verify_record(self, owner: str, digest: bytes, signature: bytes) -> bool:
        """Whether any key the owner ever had made this signature: for audits. O(keys of owner).

        Computed every time, whatever :meth:`verify_mandate` remembers.
        """
        if not self.signing:
            return True
        pairs = self._pairs.get(owner, [])
        return any(_is_signed(pair.public, digest, signature) for pair in pairs)

    def refusal(self, owner: str) -> Refusal | None:
        """Why nothing the owner signs now is accepted, or None; an owner without a key gets one."""
        if not self.signing:
            return None
        if owner in self.revoked:
            return Refusal.BAD_SIGNATURE
        first, last = self.periods.get(owner, ("", ""))
        day = self.business_date
        inside = not day or ((not first or first <= day) and (not last or day <= last))
        return None if inside else Refusal.KEY_NOT_VALID

    def rotate(self, owner: str, valid_from: str = "", valid_until: str = "") -> None:
        """Replace the owner's key; a revoked owner is back with the new one."""
        self._make(owner, self.versions.get(owner, 0) + 1)
        self.revoked.discard(owner)
        self.periods.pop(owner, None)
        if valid_from or valid_until:
            self.periods[owner] = (valid_from, valid_until)

    def revoke(self, owner: str) -> None:
        """End the owner's key."""
        self.revoked.add(owner)

    def public_key(self, owner: str) -> bytes:
        """Raw public key for the key table; made at first use."""
        check(self.signing, "a ring with signing off has no keys")
        if owner not in self.versions:
            self._make(owner, 1)
        return self._pairs[owner][-1].public

    def _make(self, owner: str, version: int) -> _KeyPair:
        raw = sha256(f"{self._seed}/{owner}/{version}".encode()).digest()
        pair = _KeyPair(*crypto_sign_seed_keypair(raw))
        self._secret[owner] = pair.secret
        self._pairs.setdefault(owner, []).append(pair)
        self.versions[owner] = version
        return pair


def _is_signed(public: bytes, digest: bytes, signature: bytes) -> bool:
    if len(signature) != _SIGNATURE_BYTES:
        return False
    try:
        crypto_sign_open(signature + digest, public)
    except BadSignatureError:
        return False
    return True
