"""Signatures that hold on other machines: Ed25519 (RFC 8032) under a key of this installation.

The private key is derived from the installation's, so that replicas sign alike and no further file has to be kept. Who
checks needs the public key or its fingerprint, got from a person there and never from what is checked.
"""

from __future__ import annotations

import base64
import binascii
import hashlib

from maton_mailgun.approval.binding import seal

_DOMAIN = b"maton-mailgun/receipt/v1\x00"
"""Keeps a signature from meaning anything in another protocol, and the other way round."""
_SIZE = 32
_FINGERPRINT = "SHA256:"


class NotSigned(Exception):
    """A signature does not hold, or is by somebody else; the text says which."""


def public_key(seal_key: bytes) -> bytes:
    """The public key of the installation with this key (`Keys.seal`), 32 bytes."""
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    return Ed25519PrivateKey.from_private_bytes(_private(seal_key)).public_key().public_bytes_raw()


def sign(seal_key: bytes, data: bytes) -> bytes:
    """The signature of `data`, 64 bytes."""
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    return Ed25519PrivateKey.from_private_bytes(_private(seal_key)).sign(_DOMAIN + data)


def check(public: bytes, data: bytes, signature: bytes, trusted: str) -> None:
    """Hold a signature to a key that somebody trusts.

    Args:
        public: The key that is said to have signed.
        trusted: Its fingerprint as `fingerprint` has it, or itself in base64: what the person was given.

    Raises:
        NotSigned: It is another key, or the signature does not hold.
    """
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

    if not _is(public, trusted.strip()):  # guard: 273-trusted
        raise NotSigned(f"It was signed with another key: {fingerprint(public)}")
    try:
        Ed25519PublicKey.from_public_bytes(public).verify(signature, _DOMAIN + data)  # guard: 273-signed
    except (InvalidSignature, ValueError):
        raise NotSigned("The signature does not fit: what it says was changed after it was signed") from None


def fingerprint(public: bytes) -> str:
    """Names a public key: `SHA256:` and its hash in base64 without padding, as ssh-keygen prints one."""
    return _FINGERPRINT + base64.b64encode(hashlib.sha256(public).digest()).decode().rstrip("=")


def as_text(data: bytes) -> str:
    """Bytes in base64."""
    return base64.b64encode(data).decode()


def of_text(text: str) -> bytes:
    """The bytes again. Raises ValueError."""
    try:
        return base64.b64decode(text.encode("ascii"), validate=True)
    except binascii.Error as problem:
        raise ValueError(str(problem)) from None


def _is(public: bytes, trusted: str) -> bool:
    if trusted.startswith(_FINGERPRINT):
        return seal.same(trusted.rstrip("="), fingerprint(public))
    return seal.same(trusted, as_text(public))


def _private(seal_key: bytes) -> bytes:
    return seal.derive(seal_key, "receipt-signature")
