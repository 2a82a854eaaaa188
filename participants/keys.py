"""Ed25519 keys and the logon transcript: who may open a session, provable and worthless elsewhere.

Purpose: the venue stores public keys only; a client signs one transcript for each connection.

The transcript, byte by byte, so that a client can be written in any language. Thirteen fields in
this order, each as its length in bytes (4 bytes, big-endian, unsigned) and then its bytes:

====  =======================  ==============================================================
 no.  field                    bytes
====  =======================  ==============================================================
  1   label                    ``kitahama-logon-v1``
  2   environment              from the hello, UTF-8
  3   run_id                   from the hello, UTF-8
  4   server nonce             from the hello, 64 lower-case hex digits as ASCII
  5   client nonce             as sent, 64 lower-case hex digits as ASCII
  6   participant_id           the firm the key is registered for, ASCII
  7   session_id               as sent, ASCII
  8   key_id                   as sent, ASCII
  9   at_ns                    as sent, decimal digits
 10   last_seen_report_seq     as sent, decimal digits
 11   next_seq                 as sent, decimal digits
 12   takeover                 ``1`` or ``0``; ``0`` when left out
 13   disconnect               empty when left out, else mode and grace: ``off:0``, ``grace:5000``
====  =======================  ==============================================================

The signature is plain Ed25519 (RFC 8032) over these bytes, sent as 128 lower-case hex digits.

Invariants: two different transcripts never have the same bytes; an unknown key, a revoked key, a
foreign session and a bad signature all cost one verification and give the same answer.
Known limits: the same work is not the same time to the nanosecond; a library below us decides that.
"""

from typing import Final, Protocol

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import (
    Ed25519PrivateKey,
    Ed25519PublicKey,
)

from market.errors import check
from market.ids import KeyId, ParticipantId, SessionId
from market.message import Message

LABEL: Final = "kitahama-logon-v1"
SEED_BYTES: Final = 32
NONCE_BYTES: Final = 32

_LENGTH_BYTES: Final = 4


class KeyInfo(Protocol):
    """What the venue knows of one key."""

    @property
    def participant_id(self) -> ParticipantId:
        """The firm it is registered for."""

    @property
    def session_id(self) -> SessionId:
        """The one session it may open."""

    @property
    def public_key_hex(self) -> str:
        """64 lower-case hex digits."""

    @property
    def revoked(self) -> bool:
        """Whether it may no longer be used."""


class Directory(Protocol):
    """Answers from core state, asked anew at every logon."""

    def key(self, key_id: KeyId) -> KeyInfo | None:
        """The key of that id, or None."""


class Transcript(Message, frozen=True, kw_only=True):
    """Everything a logon signs; field by field as in the module's table.

    Attributes:
        server_nonce_hex: Fresh for each connection, which makes the signature single-use.
        disconnect: Empty, or mode and grace time as ``grace:5000``.
    """

    environment: str
    run_id: str
    server_nonce_hex: str
    client_nonce_hex: str
    participant_id: str
    session_id: str
    key_id: str
    at_ns: int
    last_seen_report_seq: int
    next_seq: int
    takeover: bool
    disconnect: str

    def to_bytes(self) -> bytes:
        """The bytes to sign: each field after its length, so no two transcripts look alike."""
        fields = (
            LABEL,
            self.environment,
            self.run_id,
            self.server_nonce_hex,
            self.client_nonce_hex,
            self.participant_id,
            self.session_id,
            self.key_id,
            str(self.at_ns),
            str(self.last_seen_report_seq),
            str(self.next_seq),
            "1" if self.takeover else "0",
            self.disconnect,
        )
        parts = [field.encode() for field in fields]
        return b"".join(len(part).to_bytes(_LENGTH_BYTES, "big") + part for part in parts)


def public_key_hex(seed: bytes) -> str:
    """The public key of a private seed, 64 lower-case hex digits.

    Args:
        seed: 32 secret bytes, from a source of randomness above this room.
    """
    return _private_key(seed).public_key().public_bytes_raw().hex()


def sign(seed: bytes, message: bytes) -> str:
    """The Ed25519 signature of ``message``, 128 lower-case hex digits."""
    return _private_key(seed).sign(message).hex()


def verify(key_hex: str, message: bytes, signature_hex: str) -> bool:
    """Whether the signature over ``message`` was made with this key. About 0.2 ms."""
    try:
        key = Ed25519PublicKey.from_public_bytes(bytes.fromhex(key_hex))
        key.verify(bytes.fromhex(signature_hex), message)
    except (ValueError, InvalidSignature):
        return False
    return True


def verify_logon(key: KeyInfo | None, transcript: Transcript, signature_hex: str) -> bool:
    """Whether a logon is who it says; one verification of work, whatever is wrong.

    Args:
        key: What the directory said of the transcript's key id.
        transcript: Its participant is the key's, never the client's word.
        signature_hex: As sent.
    """
    signed = verify(
        _DUMMY_KEY_HEX if key is None else key.public_key_hex, transcript.to_bytes(), signature_hex
    )
    known = key is not None and not key.revoked and key.session_id == transcript.session_id
    return signed and known


def _private_key(seed: bytes) -> Ed25519PrivateKey:
    check(len(seed) == SEED_BYTES, "a seed has 32 bytes", length=len(seed))
    return Ed25519PrivateKey.from_private_bytes(seed)


_DUMMY_KEY_HEX: Final = public_key_hex(b"\0" * SEED_BYTES)
"""Stands in for a key that does not exist; ``verify_logon`` refuses its signatures as well."""
