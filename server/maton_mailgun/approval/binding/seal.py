"""Sealing: stored requests are encrypted, rows and audit entries carry a keyed checksum.

An envelope is `version ‖ key id ‖ nonce ‖ AES-256-GCM ciphertext`. The approval id and the digest are associated data,
so an envelope cannot be moved to another record. Every use has a key of its own, derived from the installation's.
"""

from __future__ import annotations

import hashlib
import hmac
import os

_VERSION = b"\x01"
_ID_SIZE = 8
_NONCE_SIZE = 12
_HEADER_SIZE = len(_VERSION) + _ID_SIZE + _NONCE_SIZE


class Unsealable(Exception):
    """A sealed request cannot be opened: its key is gone, or it belongs to another record or was changed."""

    def __init__(self, approval_id: str, why: str) -> None:
        super().__init__(f"The stored request of {approval_id} cannot be opened: {why}. Propose the call again.")
        self.approval_id = approval_id


def key_id(key: bytes) -> str:
    """16 hexadecimal digits that name a key without telling it."""
    return hmac.digest(key, b"maton-mailgun/key-id/v1", "sha256")[:_ID_SIZE].hex()


def derive(key: bytes, purpose: str) -> bytes:
    """A 256-bit key for one purpose, from the installation's key."""
    return hmac.digest(key, f"maton-mailgun/{purpose}/v1".encode("ascii"), "sha256")


def mac(key: bytes, data: bytes) -> str:
    """HMAC-SHA-256 of `data` in hexadecimal; `key` comes from `derive`."""
    return hmac.digest(key, data, "sha256").hex()


def same(left: str, right: str) -> bool:
    """Compare two ASCII checksums in constant time."""
    return hmac.compare_digest(left.encode("utf-8", "replace"), right.encode("utf-8", "replace"))


def load() -> None:
    """Load what seals, which takes 20 ms the first time (measured)."""
    import cryptography.hazmat.primitives.ciphers.aead  # noqa: F401 - for `seal`


def seal(key: bytes, plaintext: bytes, *, approval_id: str, digest: str) -> bytes:
    """Encrypt `plaintext` for the record with this id and digest. `key` is `Keys.seal`."""
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    nonce = os.urandom(_NONCE_SIZE)
    sealed = AESGCM(derive(key, "envelope")).encrypt(nonce, plaintext, _bound_to(approval_id, digest))
    return _VERSION + bytes.fromhex(key_id(key)) + nonce + sealed


def unseal(key: bytes, envelope: bytes, *, approval_id: str, digest: str) -> bytes:
    """Decrypt what `seal` made for the same id and digest. Raises Unsealable."""
    from cryptography.exceptions import InvalidTag
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    if len(envelope) <= _HEADER_SIZE or envelope[:1] != _VERSION:
        raise Unsealable(approval_id, "it is not a sealed request of this version")
    named = envelope[1 : 1 + _ID_SIZE].hex()
    if named != key_id(key):
        raise Unsealable(approval_id, f"it was sealed with the key {named}, which this installation no longer has")
    nonce, sealed = envelope[1 + _ID_SIZE : _HEADER_SIZE], envelope[_HEADER_SIZE:]
    try:
        return AESGCM(derive(key, "envelope")).decrypt(nonce, sealed, _bound_to(approval_id, digest))
    except InvalidTag as error:
        raise Unsealable(approval_id, "it was changed, or belongs to another record") from error


def _bound_to(approval_id: str, digest: str) -> bytes:
    # Hashed separately: no choice of id and digest can make two pairs look alike.
    return hashlib.sha256(approval_id.encode()).digest() + hashlib.sha256(digest.encode()).digest()
