"""A passkey in software: makes what a browser and its authenticator send, and whatever an attacker would."""

from __future__ import annotations

import base64
import hashlib
import json
import secrets
from dataclasses import dataclass, field
from typing import Any

import cbor2
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256

PRESENT, VERIFIED, ATTESTED = 0x01, 0x04, 0x40


def text(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


@dataclass
class Authenticator:
    """One key on one device."""

    id: bytes = field(default_factory=lambda: secrets.token_bytes(16))
    key: ec.EllipticCurvePrivateKey = field(default_factory=lambda: ec.generate_private_key(ec.SECP256R1()))
    count: int = 0

    @property
    def passkey(self) -> dict[str, str]:
        """As it is kept of a person."""
        return {"id": text(self.id), "key": text(self._cose)}

    @property
    def _cose(self) -> bytes:
        point = self.key.public_key().public_numbers()
        x, y = (number.to_bytes(32, "big") for number in (point.x, point.y))
        made: bytes = cbor2.dumps({1: 2, 3: -7, -1: 1, -2: x, -3: y})
        return made

    def make(self, challenge: str, *, origin: str, rp_id: str = "localhost") -> dict[str, Any]:
        """What `navigator.credentials.create` would return, as the page sends it."""
        said = {"type": "webauthn.create", "challenge": challenge, "origin": origin, "crossOrigin": False}
        about = bytes(16) + len(self.id).to_bytes(2, "big") + self.id + self._cose
        flags = bytes([PRESENT | VERIFIED | ATTESTED])
        data = hashlib.sha256(rp_id.encode()).digest() + flags + self.count.to_bytes(4, "big") + about
        attested = cbor2.dumps({"fmt": "none", "attStmt": {}, "authData": data})
        response = {"clientDataJSON": text(json.dumps(said).encode()), "attestationObject": text(attested)}
        return {"id": text(self.id), "rawId": text(self.id), "type": "public-key", "response": response}

    def sign(
        self, challenge: str, *, origin: str, rp_id: str = "localhost", flags: int = PRESENT | VERIFIED
    ) -> dict[str, Any]:
        """What `navigator.credentials.get` would return, as the page sends it."""
        self.count += 1
        said = {"type": "webauthn.get", "challenge": challenge, "origin": origin, "crossOrigin": False}
        client_data = json.dumps(said).encode()
        data = hashlib.sha256(rp_id.encode()).digest() + bytes([flags]) + self.count.to_bytes(4, "big")
        signature = self.key.sign(data + hashlib.sha256(client_data).digest(), ec.ECDSA(SHA256()))
        response = {
            "clientDataJSON": text(client_data),
            "authenticatorData": text(data),
            "signature": text(signature),
        }
        return {"id": text(self.id), "type": "public-key", "response": response}
