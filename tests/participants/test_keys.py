"""Keys and the logon transcript: a signature is good for one logon, once, here."""

from typing import Any

import pytest
from door import CLIENT_NONCE, NONCE, SEED, Key

from market.errors import InvariantBroken
from participants.keys import Transcript, public_key_hex, sign, verify, verify_logon

FACTS: dict[str, Any] = {
    "environment": "test",
    "run_id": "run-1",
    "server_nonce_hex": NONCE.hex(),
    "client_nonce_hex": CLIENT_NONCE,
    "participant_id": "FIRM-A",
    "session_id": "FIRM-A-1",
    "key_id": "K1",
    "at_ns": 5,
    "last_seen_report_seq": 9,
    "next_seq": 1,
    "takeover": False,
    "disconnect": "",
}
OTHERS: dict[str, Any] = {
    "environment": "production",
    "run_id": "run-2",
    "server_nonce_hex": (b"\3" * 32).hex(),
    "client_nonce_hex": "cd" * 32,
    "participant_id": "FIRM-B",
    "session_id": "FIRM-A-2",
    "key_id": "K2",
    "at_ns": 6,
    "last_seen_report_seq": 8,
    "next_seq": 2,
    "takeover": True,
    "disconnect": "on:0",
}


def test_signatures_are_those_of_rfc_8032() -> None:
    """The second published vector: key, public key, one-byte message and signature."""
    seed = bytes.fromhex("4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb")
    public = "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c"
    signature = (
        "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da"
        "085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00"
    )

    assert public_key_hex(seed) == public
    assert sign(seed, b"\x72") == signature
    assert verify(public, b"\x72", signature)


@pytest.mark.parametrize(
    ("key_hex", "message", "signature"),
    [
        (public_key_hex(SEED), b"other", sign(SEED, b"this")),
        (public_key_hex(b"\5" * 32), b"this", sign(SEED, b"this")),
        (public_key_hex(SEED), b"this", "0" * 128),
        (public_key_hex(SEED), b"this", sign(SEED, b"this")[:-2]),
        (public_key_hex(SEED), b"this", "not hex"),
        ("not hex", b"this", sign(SEED, b"this")),
        ("ff" * 31, b"this", sign(SEED, b"this")),
    ],
)
def test_a_signature_that_is_not_good_is_bad_and_nothing_worse(
    key_hex: str, message: bytes, signature: str
) -> None:
    """Another message, another key and nonsense give False, never an exception."""
    assert verify(key_hex, message, signature) is False


@pytest.mark.parametrize("length", [0, 31, 33])
def test_a_seed_has_32_bytes(length: int) -> None:
    """A short secret is a programmer's mistake."""
    with pytest.raises(InvariantBroken):
        public_key_hex(b"\1" * length)


def test_the_transcript_is_laid_out_as_documented() -> None:
    """Thirteen fields, each after its length in four bytes, big-endian."""
    expected = b""
    for field in (
        b"kitahama-logon-v1", b"test", b"run-1", b"02" * 32, b"ab" * 32, b"FIRM-A", b"FIRM-A-1",
        b"K1", b"5", b"9", b"1", b"0", b"",
    ):  # fmt: skip
        expected += bytes([0, 0, 0, len(field)]) + field

    assert Transcript(**FACTS).to_bytes() == expected


@pytest.mark.parametrize("name", list(FACTS))
def test_every_fact_of_a_transcript_counts(name: str) -> None:
    """With one fact changed the signature is worthless."""
    signature = sign(SEED, Transcript(**FACTS).to_bytes())
    other = Transcript(**{**FACTS, name: OTHERS[name]})

    assert verify_logon(Key(), Transcript(**FACTS), signature)
    assert not verify(public_key_hex(SEED), other.to_bytes(), signature)


def test_text_cannot_move_from_one_field_to_the_next() -> None:
    """Lengths keep neighbours apart: ``ab`` + ``c`` is not ``a`` + ``bc``."""
    one = Transcript(**{**FACTS, "environment": "ab", "run_id": "c"})
    two = Transcript(**{**FACTS, "environment": "a", "run_id": "bc"})

    assert one.to_bytes() != two.to_bytes()


@pytest.mark.parametrize(
    "key",
    [None, Key(revoked=True), Key(session_id="FIRM-A-2")],
    ids=["unknown", "revoked", "another session's"],
)
def test_a_key_that_may_not_open_this_session_is_refused_after_the_same_work(
    key: Key | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One signature is checked in every case, so the answer's time says nothing."""
    checked = []

    def counted(*args: Any) -> bool:
        checked.append(args)
        return verify(*args)

    monkeypatch.setattr("participants.keys.verify", counted)
    transcript = Transcript(**FACTS)

    assert not verify_logon(key, transcript, sign(SEED, transcript.to_bytes()))
    assert len(checked) == 1


def test_the_stand_in_for_unknown_keys_opens_nothing() -> None:
    """A signature that fits the stand-in key is refused like any other."""
    transcript = Transcript(**FACTS)
    stand_in = sign(b"\0" * 32, transcript.to_bytes())

    assert not verify_logon(None, transcript, stand_in)
