"""Keys of nodes and accounts: another library agrees, and what is remembered opens no door."""

from hashlib import sha256

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from hypothesis import given
from hypothesis import strategies as st

from settlement import keys
from settlement.keys import KeyRing
from settlement.refusals import Refusal

DIGEST = sha256(b"terms").digest()


def ring() -> KeyRing:
    """A ring that signs."""
    return KeyRing("seed", signing=True)


@given(st.text(max_size=20), st.binary(max_size=100))
def test_signatures_are_those_of_another_library(owner: str, content: bytes) -> None:
    """OpenSSL, from the same seed, makes the same key and the same signature, and verifies it."""
    ours = ring()
    raw = sha256(f"seed/{owner}/1".encode()).digest()
    theirs = Ed25519PrivateKey.from_private_bytes(raw)

    signature = ours.sign(owner, content)

    assert signature == theirs.sign(content)
    assert ours.public_key(owner) == theirs.public_key().public_bytes_raw()
    Ed25519PublicKey.from_public_bytes(ours.public_key(owner)).verify(signature, content)
    assert ours.verify(owner, content, signature)


@pytest.mark.parametrize("way", ["verify", "verify_mandate", "verify_record"])
def test_what_differs_in_one_place_is_not_signed(way: str) -> None:
    """A bit of the signature or the digest, another owner, a part moved across: all refused."""
    ours = ring()
    ours.sign("other", DIGEST)
    signature = ours.sign("owner", DIGEST)
    verify = getattr(ours, way)
    assert verify("owner", DIGEST, signature)

    for bit in range(512):
        spoiled = bytearray(signature)
        spoiled[bit // 8] ^= 1 << bit % 8
        assert not verify("owner", DIGEST, bytes(spoiled))
    for bit in range(256):
        other = bytearray(DIGEST)
        other[bit // 8] ^= 1 << bit % 8
        assert not verify("owner", bytes(other), signature)
    assert not verify("other", DIGEST, signature)
    assert not verify("stranger", DIGEST, signature)
    for cut in (0, 1, 63):
        assert not verify("owner", signature[cut:] + DIGEST, signature[:cut])
    assert not verify("owner", DIGEST[1:], signature + DIGEST[:1])


def test_a_remembered_signature_ends_with_its_key() -> None:
    """Proven once, then revoked or replaced: refused; the record of it still verifies."""
    ours = ring()
    signature = ours.sign("owner", DIGEST)
    assert ours.verify_mandate("owner", DIGEST, signature)
    assert ours.verify_mandate("owner", DIGEST, signature)

    ours.revoke("owner")
    assert not ours.verify_mandate("owner", DIGEST, signature)

    ours.rotate("owner")
    assert not ours.verify_mandate("owner", DIGEST, signature)
    assert ours.verify_record("owner", DIGEST, signature)
    assert ours.verify_mandate("owner", DIGEST, ours.sign("owner", DIGEST))


@pytest.mark.parametrize(
    ("first", "last", "days"),
    [
        ("2026-11-02", "2026-11-03", "  23 "),
        ("2026-11-02", "", "  2345"),
        ("", "2026-11-03", "123 "),
        ("", "", "12345"),
    ],
)
def test_a_key_counts_from_its_first_day_to_its_last(first: str, last: str, days: str) -> None:
    """Both days included; an end that is not named is open (F22)."""
    ours = ring()
    ours.rotate("owner", first, last)
    for day in range(1, 6):
        ours.business_date = f"2026-11-{day:02}"
        refused = None if str(day) in days else Refusal.KEY_NOT_VALID
        assert ours.refusal("owner") is refused
        assert ours.verify("owner", DIGEST, ours.sign("owner", DIGEST)) is (refused is None)


def test_a_signature_is_computed_with_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """The second showing costs no arithmetic; a false one is computed again every time."""
    ours = ring()
    signature = ours.sign("owner", DIGEST)
    false = ours.sign("owner", DIGEST + b"!")
    computed: list[bytes] = []

    def counted(public: bytes, digest: bytes, shown: bytes) -> bool:
        computed.append(shown)
        return genuine(public, digest, shown)

    genuine = keys._is_signed
    monkeypatch.setattr(keys, "_is_signed", counted)

    assert [ours.verify_mandate("owner", DIGEST, signature) for _ in range(3)] == [True] * 3
    assert [ours.verify_mandate("owner", DIGEST, false) for _ in range(3)] == [False] * 3
    assert computed == [signature, false, false, false]
    ours.verify("owner", DIGEST, signature)
    ours.verify_record("owner", DIGEST, signature)
    assert computed[4:] == [signature, signature]


def test_what_is_remembered_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """The oldest makes room, and is genuine still."""
    monkeypatch.setattr(keys, "REMEMBERED_MAX", 2)
    ours = ring()
    shown = [(bytes([n]) * 32, ours.sign("owner", bytes([n]) * 32)) for n in range(5)]

    assert all(ours.verify_mandate("owner", *one) for one in shown)

    assert [one[1:] for one in ours._genuine] == shown[-2:]
    assert ours.verify_mandate("owner", *shown[0])


def test_a_ring_without_signing_gives_nothing_and_asks_nothing() -> None:
    """Every signature is empty, every verification passes, no key is made."""
    quiet = KeyRing("seed", signing=False)

    assert quiet.sign("owner", DIGEST) == keys.UNSIGNED
    assert quiet.verify("owner", DIGEST, b"")
    assert quiet.verify_mandate("owner", DIGEST, b"")
    assert quiet.verify_record("owner", DIGEST, b"")
    assert quiet.versions == {}
